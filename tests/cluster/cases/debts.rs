//! What runs leave is seen by whoever looks at the namespace, until somebody pays it.

use serde_json::{Value, json};

use crate::cluster::{Cluster, Namespace};
use crate::manifest::{Web, autoscaler, cron_job};
use crate::operator::{Operator, place};
use crate::support::screen::Size;

const SIZE: Size = (120, 36);

fn with_web<'a>(cluster: &'a Cluster, web: &Web, ready: u64) -> (Namespace<'a>, Operator) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&web.yaml());
    space.wait_ready("web", ready);
    let operator = Operator::new(cluster, "operator", &space);
    (space, operator)
}

/// The debts that a status tells.
fn owed(operator: &Operator) -> Vec<Value> {
    let answer = operator.call(&["status", "-o", "json"]).json();
    answer["debts"].as_array().unwrap_or_else(|| panic!("{answer:#}")).clone()
}

/// The entries of the namespace's record.
fn record(space: &Namespace<'_>) -> usize {
    let book = space.get("v1", "ConfigMap", "timonel-debts").unwrap_or(Value::Null);
    book["data"].as_object().map_or(0, serde_json::Map::len)
}

pub(crate) fn a_second_operator_sees_a_workload_at_zero_and_pays_it_in_the_console(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &Web::new("web", 2), 2);
    let second = Operator::new(cluster, "admin", &space);
    assert_eq!(owed(&second), Vec::<Value>::new());
    let mut console = second.console(SIZE, &[]);
    console.wait("nothing is owed", |screen| screen.rows[35].contains("no debts"));
    let run = operator.run(&["web=0"]).expect("proven", 0);
    console.wait("the debt is in the bottom line", |screen| screen.rows[35].contains("1 debt"));
    let seen = owed(&second);
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert!(seen[0]["by"].as_str().unwrap().starts_with("operator@"), "{:#}", seen[0]);
    assert_eq!((&seen[0]["run"], &seen[0]["what"]), (&run.end()["run"], &json!("it has no pods: it had 2")), "{:#}", seen[0]);
    let pay = seen[0]["pay"].as_str().unwrap();
    assert!(pay.starts_with("timonel run scale") && pay.ends_with("deployment/web=2"), "{pay}");
    console.press("$");
    console.wait("it is listed", |screen| screen.has("it has no pods: it had 2"));
    console.press("enter");
    console.wait("its plan", |screen| screen.has("0 -> 2") && screen.has("to go on"));
    console.type_text("y\r");
    console.wait("the run is proven", |screen| screen.has("every proof held"));
    console.press("esc");
    console.wait("it is paid", |screen| screen.rows[35].contains("no debts"));
    assert_eq!((owed(&second), record(&space)), (Vec::new(), 0));
}

pub(crate) fn an_autoscaler_s_pause_is_owed_until_its_own_policies_are_back(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &Web::new("web", 2).resources("{requests: {cpu: 10m}}"), 2);
    space.apply(&autoscaler("web", 2, 6));
    let own = json!({ "spec": { "behavior": { "scaleDown": { "selectPolicy": "Min" } } } });
    space.patch("autoscaling/v2", "HorizontalPodAutoscaler", "web", &own);
    space.wait("the autoscaler has looked at its target", "autoscaling/v2", "HorizontalPodAutoscaler", "web", |hpa| {
        hpa["status"]["currentReplicas"] == 2 && hpa["status"]["desiredReplicas"] == 2
    });
    operator.run(&["web=3", "hpa=pause:30m"]).expect("proven", 0);
    let second = Operator::new(cluster, "admin", &space);
    let seen = owed(&second);
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert!(seen[0]["pay"].as_str().unwrap().contains("run resume-hpa"), "{:#}", seen[0]);
    second.run_of("resume-hpa", &["web"]).expect("proven", 0);
    let behaviour = space.get("autoscaling/v2", "HorizontalPodAutoscaler", "web").unwrap()["spec"]["behavior"].clone();
    assert_eq!(
        (&behaviour["scaleUp"]["selectPolicy"], &behaviour["scaleDown"]["selectPolicy"]),
        (&json!("Max"), &json!("Min")),
        "{behaviour:#}"
    );
    assert_eq!(owed(&second), Vec::<Value>::new());
}

pub(crate) fn what_no_object_shows_is_in_the_record_until_a_proven_run_pays_it(cluster: &Cluster) {
    let (space, admin) = (cluster.namespace("shop-test").unwrap(), "admin");
    let admin = Operator::new(cluster, admin, &space);
    space.apply(&cron_job("nightly", "Allow", "exit 0"));
    admin.run_of("suspend", &["nightly"]).expect("proven", 0);
    // Another run signs the object after it: the pause is not forgotten.
    let text = space.get("batch/v1", "CronJob", "nightly").unwrap()["metadata"]["annotations"]["timonel.io/last-run"].clone();
    assert!(text.as_str().unwrap().contains("suspend"), "{text}");
    let other = json!({ "metadata": { "annotations": { "timonel.io/last-run": "20261122-143312-trigger-7f3a trigger now ana@ops" } } });
    space.patch("batch/v1", "CronJob", "nightly", &other);
    let second = Operator::new(cluster, "operator", &space);
    let seen = owed(&second);
    assert_eq!((seen.len(), record(&space)), (1, 1), "{seen:#?}");
    assert!(seen[0]["pay"].as_str().unwrap().contains("run resume"), "{:#}", seen[0]);
    admin.run_of("resume", &["nightly"]).expect("proven", 0);
    assert_eq!((owed(&second), record(&space)), (Vec::new(), 0));
}

pub(crate) fn the_doctor_lists_what_runs_wrote_in_the_cluster(cluster: &Cluster) {
    let (_space, operator) = place(cluster);
    operator.run(&["web=0"]).expect("proven", 0);
    let told = operator.call(&["doctor", "--cluster"]).stdout;
    for part in ["Lease", "timonel-deployment-web", "timonel.io/last-run", "timonel.io/replicas-before-zero", "timonel-debts", "events"] {
        assert!(told.contains(part), "{part} is missing in\n{told}");
    }
}
