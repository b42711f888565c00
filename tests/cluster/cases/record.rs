//! Issue text "Record" and "no code but run can write": what the journal has, and what the server saw.

use std::fs;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::operator::place;

pub(crate) fn intent_comes_before_the_request_and_outcome_after(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let run = operator.run_confirmed("y", &["web=2"]).expect("proven", 0);
    let journal = operator.journal();
    let id = &run.end()["run"];
    let kinds: Vec<&str> = journal.iter().filter(|line| line["run"] == *id).filter_map(|line| line["kind"].as_str()).collect();
    let at = |kind: &str| kinds.iter().position(|known| *known == kind).unwrap_or_else(|| panic!("no {kind}: {kinds:?}"));
    assert!(
        at("plan") < at("confirm") && at("confirm") < at("intent") && at("intent") < at("outcome") && at("outcome") < at("end"),
        "{kinds:?}"
    );
    assert!(kinds.contains(&"check") && kinds.contains(&"proof"), "{kinds:?}");
    let Some(asked) = cluster.changes_asked_for("operator", space.name()) else { return };
    let sent = asked.iter().find(|entry| scale_write(entry)).unwrap_or_else(|| panic!("no write of the scale: {asked:#?}"));
    let intents: Vec<&Value> = journal.iter().filter(|line| line["kind"] == "intent" && line.to_string().contains("replicas")).collect();
    let intent = intents.first().unwrap_or_else(|| panic!("no intent names replicas: {journal:#?}"));
    let time = |value: &Value| {
        value
            .as_str()
            .unwrap_or_default()
            .parse::<jiff::Timestamp>()
            .unwrap_or_else(|error| panic!("{value}: {error}"))
    };
    assert!(time(&intent["at"]) <= time(&sent["requestReceivedTimestamp"]), "{intent:#} {sent:#}");
}

/// Whether an entry of the server's book is the real change of a scale.
fn scale_write(entry: &Value) -> bool {
    entry["objectRef"]["subresource"] == "scale" && !entry["requestURI"].as_str().unwrap_or_default().contains("dryRun")
}

pub(crate) fn the_write_carries_its_precondition_and_follows_a_dry_run(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    operator.run_confirmed("y", &["web=2"]).expect("proven", 0);
    let Some(asked) = cluster.changes_asked_for("operator", space.name()) else { return };
    let scales: Vec<&Value> = asked.iter().filter(|entry| entry["objectRef"]["subresource"] == "scale").collect();
    let first = scales.first().unwrap_or_else(|| panic!("no scale: {asked:#?}"));
    assert!(first["requestURI"].as_str().unwrap().contains("dryRun=All"), "a dry run comes first: {first:#}");
    let writes: Vec<&&Value> = scales.iter().filter(|entry| scale_write(entry)).collect();
    assert_eq!(writes.len(), 1, "one write, sent once: {writes:#?}");
    let body = &writes[0]["requestObject"]["metadata"];
    let uid = &space.get("apps/v1", "Deployment", "web").unwrap()["metadata"]["uid"];
    assert_eq!(&body["uid"], uid, "{:#}", writes[0]);
    assert!(body["resourceVersion"].as_str().is_some_and(|version| !version.is_empty()), "{:#}", writes[0]);
    assert_eq!(writes[0]["verb"], "patch");
}

pub(crate) fn nothing_is_written_beyond_what_the_contract_lists(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    operator.run_confirmed("y", &["web=2"]).expect("proven", 0);
    for entry in cluster.changes_asked_for("operator", space.name()).unwrap_or_default() {
        if entry["requestURI"].as_str().unwrap_or_default().contains("dryRun=All") {
            continue;
        }
        let object = &entry["objectRef"];
        let allowed = match object["resource"].as_str().unwrap_or_default() {
            "deployments" if object["subresource"] == "scale" => true,
            // Best effort: one annotation, timonel.io/*.
            "deployments" => only_own_annotations(&entry["requestObject"]),
            "leases" => object["name"].as_str().is_some_and(|name| name.starts_with("timonel-")),
            "events" => object["apiGroup"] == "events.k8s.io",
            _ => false,
        };
        assert!(allowed, "{entry:#}");
    }
    let lease = space.list("coordination.k8s.io/v1", "Lease");
    assert!(
        lease.iter().all(|lease| lease["spec"]["holderIdentity"].as_str().unwrap_or_default().is_empty()),
        "the lock is free again: {lease:#?}"
    );
}

fn only_own_annotations(patch: &Value) -> bool {
    let text = patch.to_string();
    text.contains("timonel.io/") && !text.contains("\"spec\"") && !text.contains("template")
}

pub(crate) fn when_the_intent_cannot_be_recorded_nothing_is_sent(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    // A file where the folder should be: not even root can write a journal below it.
    let blocked = operator.sandbox.write("not-a-folder", "");
    let operator = operator.env("XDG_STATE_HOME", &blocked.display().to_string());
    let finished = operator.call(&["run", "scale", "web=2", "--confirm", "y", "-o", "json"]);
    assert_eq!(finished.code, Some(4), "{finished:#?}");
    assert!((finished.stdout + &finished.stderr).contains("journal"), "the reason is named");
    assert_eq!(space.replicas("web"), 1);
    let asked = cluster.changes_asked_for("operator", space.name()).unwrap_or_default();
    assert!(!asked.iter().any(scale_write), "{asked:#?}");
}

pub(crate) fn the_journal_verifies_and_names_the_line_that_was_touched(cluster: &Cluster) {
    let (_space, operator) = place(cluster);
    operator.run_confirmed("y", &["web=2"]).expect("proven", 0);
    operator.call(&["journal", "verify"]).exits(0);
    let path = operator.sandbox.path("state/timonel/journal.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.lines().count() > 3, "{text}");
    let touched: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(index, line)| if index == 0 { line.replacen("web", "wax", 1) } else { line.to_owned() })
        .collect();
    fs::write(&path, touched.join("\n") + "\n").unwrap();
    let finished = operator.call(&["journal", "verify"]).exits(2);
    assert!((finished.stdout.clone() + &finished.stderr).contains(":1:"), "the line is named: {finished:#?}");
}

pub(crate) fn runs_lists_what_was_run_and_how_it_ended(cluster: &Cluster) {
    let (_space, operator) = place(cluster);
    let run = operator.run_confirmed("y", &["web=2"]).expect("proven", 0);
    let id = run.end()["run"].as_str().unwrap();
    let listed = operator.call(&["runs", "-o", "json"]).exits(0).json();
    assert_eq!(listed["schema"], "timonel.runs/1", "{listed:#}");
    let own = listed["runs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|listed| listed.to_string().contains(id))
        .unwrap_or_else(|| panic!("{id} is missing: {listed:#}"));
    assert!(own.to_string().contains("proven"), "{own:#}");
    let shown = operator.call(&["runs", "show", id]).exits(0);
    assert!(shown.stdout.contains(id) && shown.stdout.contains("web"), "{}", shown.stdout);
    operator.call(&["journal"]).exits(0);
}

pub(crate) fn no_secret_of_the_kubeconfig_reaches_the_journal_or_the_answers(cluster: &Cluster) {
    let (_space, operator) = place(cluster);
    let token = "operator-token";
    let run = operator.run_confirmed("y", &["web=2"]).expect("proven", 0);
    assert!(!format!("{run:?}").contains(token));
    assert!(!operator.journal().iter().any(|line| line.to_string().contains(token)));
}
