//! Issue text "What happened, afterwards": one timeline of runs, health as a console saw it, rollouts and the cluster's events.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::manifest::Web;
use crate::operator::place;

pub(crate) fn runs_health_rollouts_and_events_are_one_timeline(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let mut console = operator.console((120, 36), &["--read-only"]);
    let id = operator.run_confirmed("y", &["web=2"]).expect("proven", 0).end()["run"].as_str().unwrap().to_owned();
    operator.wait_for_sighting("that all is well", |line| line["workload"].is_null() && line["to"] == "ok");
    space.apply(&Web::new("web", 2).version("9.9.9").yaml());
    let web = |line: &Value| line["workload"].as_str().is_some_and(|workload| workload.ends_with("/deployment/web"));
    operator.wait_for_sighting("the rollout", |line| web(line) && line["what"] == "rollout" && line["to"] == "revision 2");
    operator.wait_for_sighting("its health", |line| web(line) && line["what"] == "health" && line["to"] == "degraded");
    console.press("q");
    console.wait_restored();
    let told = operator.call(&["journal", "export", "--since", "10m", "-o", "json"]).exits(0).json();
    assert_eq!((&told["cluster"]["answered"], &told["runs"][0]["id"]), (&true.into(), &id.as_str().into()), "{told:#}");
    let timeline = told["timeline"].as_array().unwrap();
    let at = |what: &str, holds: &dyn Fn(&Value) -> bool| {
        let found = timeline.iter().position(holds);
        found.unwrap_or_else(|| panic!("{what} is missing: {timeline:#?}"))
    };
    let text = |moment: &Value, part: &str| moment["text"].as_str().is_some_and(|text| text.contains(part));
    let confirmed = at("the confirmation", &|m| m["run"] == id.as_str() && text(m, "confirmed by"));
    let end = at("the end", &|m| m["run"] == id.as_str() && text(m, "end: proven"));
    let event = at("the scale", &|m| m["source"] == "event" && text(m, "from 1 to 2"));
    let rollout = at("the new revision", &|m| m["source"] == "rollout" && text(m, "revision 2"));
    let health = at("its health", &|m| m["source"] == "health" && text(m, "ok -> degraded"));
    assert!(confirmed < end && confirmed < event && end < rollout && rollout < health, "{timeline:#?}");
    let second = |m: &Value| m["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    let times: Vec<i64> = timeline.iter().map(second).collect();
    assert!(times.is_sorted(), "{times:?}");
    let markdown = operator.call(&["journal", "export", "--since", "10m"]).exits(0).stdout;
    assert!(markdown.contains("## Timeline") && markdown.contains(&id), "{markdown}");
}

pub(crate) fn without_the_cluster_the_timeline_says_what_is_missing(cluster: &Cluster) {
    let (_space, operator) = place(cluster);
    operator.run_confirmed("y", &["web=2"]).expect("proven", 0);
    let own = std::fs::read_to_string(cluster.kubeconfig("operator")).unwrap();
    let nowhere = operator.sandbox.write("nowhere.kubeconfig", &own.replace(cluster.server(), "https://127.0.0.1:1"));
    let operator = operator.env("KUBECONFIG", &nowhere.display().to_string());
    let told = operator.call(&["journal", "export", "-o", "json"]).exits(0).json();
    assert_eq!(told["cluster"]["answered"], false, "{told:#}");
    assert!(told["cluster"]["missing"].to_string().contains("refused"), "{told:#}");
    let timeline = told["timeline"].as_array().unwrap();
    assert!(!timeline.is_empty() && timeline.iter().all(|moment| moment["source"] == "run"), "{timeline:#?}");
}
