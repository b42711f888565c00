//! What runs leave is seen by whoever looks at the namespace, until somebody pays it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Cluster, Namespace};
use crate::manifest::{Web, autoscaler, cron_job};
use crate::operator::{Operator, place, with_web};
use crate::support::screen::Size;
use rustix::process::Signal;

const SIZE: Size = (120, 36);

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
    let (space, operator) = with_web(cluster, &[Web::new("web", 2)], 2);
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
    let (space, operator) = with_web(cluster, &[Web::new("web", 2).resources("{requests: {cpu: 10m}}")], 2);
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

/// Who holds the timer of `web`; null when nobody does.
fn timer(space: &Namespace<'_>) -> Value {
    let lease = space.get("coordination.k8s.io/v1", "Lease", "timonel-timer-deployment-web").unwrap_or(Value::Null);
    lease["spec"]["holderIdentity"].clone()
}

const ARMED: [&str; 7] = ["run", "scale", "web=3", "--confirm", "y", "-o", "json"];

pub(crate) fn an_armed_change_that_nobody_keeps_is_taken_back_by_the_process_that_armed_it(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let second = Operator::new(cluster, "admin", &space);
    let console = second.console(SIZE, &[]);
    let running = operator.start(&[&ARMED[..], &["--revert-after", "40s"]].concat());
    console.wait("the countdown is in the bottom line", |screen| screen.rows[35].contains("scale 1->3 back in"));
    space.wait_ready("web", 3);
    assert!(timer(&space).is_string());
    let finished = running.end();
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert_eq!((space.replicas("web"), timer(&space)), (1, Value::Null));
    console.wait("nothing is armed or owed", |screen| screen.rows[35].contains("no debts") && !screen.rows[35].contains("back in"));
    let runs = operator.call(&["runs", "-o", "json"]).json();
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(2), "taken back by a run of its own: {runs:#}");
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn an_armed_change_that_a_second_operator_keeps_stays(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let second = Operator::new(cluster, "second", &space);
    let running = operator.start(&[&ARMED[..], &["--revert-after", "10m"]].concat());
    operator.wait_for_line("the change is proven", |line| line["kind"] == "end" && line["outcome"] == "proven");
    let mut console = second.console(SIZE, &[]);
    console.press("$");
    console.wait("it is listed", |screen| screen.has("Enter keeps it"));
    console.press("enter");
    console.wait("its plan", |screen| screen.has("holderIdentity") && screen.has("to go on"));
    console.type_text("y\r");
    console.wait("it is kept", |screen| screen.has("every proof held"));
    let finished = running.end();
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    assert_eq!((space.replicas("web"), timer(&space)), (3, Value::Null));
}

pub(crate) fn an_armed_change_whose_console_was_killed_is_a_debt_when_its_time_has_come(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let second = Operator::new(cluster, "admin", &space);
    let running = operator.start(&[&ARMED[..], &["--revert-after", "40s"]].concat());
    operator.wait_for_line("the change is proven", |line| line["kind"] == "end" && line["outcome"] == "proven");
    space.wait("the lock is free", "coordination.k8s.io/v1", "Lease", "timonel-deployment-web", |lease| {
        lease["spec"]["holderIdentity"].is_null()
    });
    running.signal(Signal::KILL);
    running.end();
    let console = second.console(SIZE, &[]);
    let patience = Duration::from_secs(90);
    console
        .wait_at_most(patience, "it is a debt", |screen| screen.rows[35].contains("1 debt"))
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(space.replicas("web"), 3, "nobody else takes it back by itself");
    let seen = owed(&second);
    assert!(seen[0]["what"].as_str().unwrap().contains("armed and not taken back"), "{seen:#?}");
    assert!(seen[0]["pay"].as_str().unwrap().ends_with("deployment/web=1"), "{seen:#?}");
    second.run(&["web=1"]).expect("proven", 0);
    console.wait("it is paid", |screen| screen.rows[35].contains("no debts"));
    assert_eq!(timer(&space), Value::Null);
}
