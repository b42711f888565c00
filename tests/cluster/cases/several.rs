//! Several workloads in one plan, on real pods: one after the other or at once, up to the first failure, killed and resumed.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::cluster::{Cluster, Namespace};
use crate::manifest::{Web, cron_job};
use crate::operator::{Operator, Run};
use crate::support::proxy::Proxy;

const NAMES: [&str; 3] = ["api", "web", "worker"];

/// Three Deployments of one app, each with a ready pod.
fn shop(cluster: &Cluster) -> (Namespace<'_>, Operator) {
    let space = cluster.namespace("shop-test").unwrap();
    let all: Vec<String> = NAMES.iter().map(|name| Web::new(name, 1).labels(", part-of: shop").yaml()).collect();
    space.apply(&all.join("---\n"));
    for name in NAMES {
        space.wait_ready(name, 1);
    }
    let operator = Operator::new(cluster, "operator", &space);
    (space, operator)
}

fn web(space: &Namespace<'_>, name: &str) -> Value {
    space.get("apps/v1", "Deployment", name).unwrap()
}

fn restarted(space: &Namespace<'_>, name: &str) -> bool {
    web(space, name)["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].is_string()
}

fn began(run: &Run) -> Vec<String> {
    run.named("step_started").map(|event| event["step"].as_str().unwrap().to_owned()).collect()
}

fn free(space: &Namespace<'_>) {
    let leases = space.list("coordination.k8s.io/v1", "Lease");
    assert_eq!(leases.len(), 3, "each object has a lock of its own: {leases:#?}");
    assert!(leases.iter().all(|lease| lease["spec"].get("holderIdentity").is_none()), "the locks are free again: {leases:#?}");
}

pub(crate) fn a_restart_of_three_is_one_plan_proven_one_after_the_other(cluster: &Cluster) {
    let (space, operator) = shop(cluster);
    let run = operator.run_of("restart", &NAMES).expect("proven", 0);
    let writes: Vec<String> = began(&run).into_iter().filter(|id| id.ends_with("/write") || id.ends_with("/prove-rollout")).collect();
    assert_eq!(writes, ["1/write", "1/prove-rollout", "2/write", "2/prove-rollout", "3/write", "3/prove-rollout"]);
    assert!(NAMES.iter().all(|name| restarted(&space, name)));
    for name in NAMES {
        let note = web(&space, name)["metadata"]["annotations"]["timonel.io/last-run"].clone();
        assert!(note.as_str().is_some_and(|note| note.contains("restart")), "{name}: {note}");
    }
    free(&space);
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn labels_are_resolved_to_a_list_and_all_at_once_writes_before_it_proves(cluster: &Cluster) {
    let (space, operator) = shop(cluster);
    space.apply(&Web::new("other", 1).yaml());
    space.wait_ready("other", 1);
    let words = ["-l", "part-of=shop", "--order", "parallel"];
    let plan = operator.plan_of("restart", &words);
    let named: Vec<&str> = plan.value["objects"].as_array().unwrap().iter().filter_map(|o| o["name"].as_str()).collect();
    assert_eq!((named, plan.code), (NAMES.to_vec(), Some(0)), "{:#}", plan.value);
    assert_ne!(plan.text("/hash"), operator.plan_of("restart", &["-l", "part-of=shop"]).text("/hash"), "another order is another plan");
    let run = operator.run_of("restart", &words).expect("proven", 0);
    let words = began(&run);
    assert_eq!(words[1..4], ["1/write", "2/write", "3/write"], "{words:?}");
    assert!(!restarted(&space, "other"), "what has other labels is left alone");
    let none = operator.call(&["plan", "restart", "-l", "part-of=none"]).exits(64);
    assert!(none.stderr.contains("nothing that can be restarted is labelled 'part-of=none'"), "{none:?}");
    let count = operator.call(&["plan", "scale", "-l", "part-of=shop"]).exits(64);
    assert!(count.stderr.contains("nobody's default"), "{count:?}");
}

pub(crate) fn the_first_failure_stops_it_and_what_was_not_begun_is_said(cluster: &Cluster) {
    let (space, operator) = shop(cluster);
    // The next pod of `web` finds no image.
    space.patch(
        "apps/v1",
        "Deployment",
        "web",
        &serde_json::json!({ "spec": { "paused": true, "template": { "spec": { "containers": [{ "name": "app", "image": "docker.io/timonel/none:9" }] } } } }),
    );
    let words = ["api", "web", "worker", "--override", "paused:web", "--reason", "a test", "--deadline", "60s"];
    let blocked = operator.plan_of("restart", &NAMES);
    assert_eq!(blocked.blocked_by(), ["paused:web"], "{:#}", blocked.value["checks"]);
    let plan = operator.plan_of("restart", &words);
    assert_eq!(plan.text("/confirmation/type"), "restart 3 api web worker", "{:#}", plan.value);
    // What held it back is gone by the time the pods are replaced.
    space.patch("apps/v1", "Deployment", "web", &serde_json::json!({ "spec": { "paused": false } }));
    let run = operator.run_of("restart", &["api", "web", "worker", "--deadline", "60s"]).expect("failed-with-debts", 2);
    let reason = run.end()["reason"].as_str().unwrap();
    assert!(reason.starts_with("web: ") && reason.contains("not begun: worker"), "{reason}");
    assert!(restarted(&space, "api") && !restarted(&space, "worker"));
    let debts: Vec<&str> = run.end()["debts"].as_array().unwrap().iter().filter_map(|debt| debt["object"].as_str()).collect();
    assert_eq!(debts, [format!("Deployment {}/web", space.name())], "what is done and proven is no debt");
    free(&space);
}

pub(crate) fn scales_of_which_one_finds_no_room_are_all_taken_back(cluster: &Cluster) {
    let (space, operator) = shop(cluster);
    space.apply(&Web::new("web", 1).labels(", part-of: shop").resources("{requests: {memory: 8Mi, cpu: 10m}}").yaml());
    space.wait_ready("web", 1);
    let run = operator.run(&["api=2", "web=1000", "worker=2", "--deadline", "20s"]).expect("failed", 1);
    assert!(run.end()["undone"] == true && run.end()["debts"].as_array().is_some_and(Vec::is_empty), "{:#}", run.end());
    assert_eq!(NAMES.map(|name| space.replicas(name)), [1, 1, 1]);
    assert!(!began(&run).iter().any(|id| id.starts_with("3/")), "{:?}", began(&run));
}

pub(crate) fn of_three_at_once_a_crash_is_known_before_the_slow_one_is_proven(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    // The first pod of each finds its mark free; a further one of `api` takes two minutes, one of `worker` ends at once.
    let shared = format!("/tmp/timonel-at-once-{}", space.name());
    for (name, further) in [("api", "sleep 120"), ("web", "true"), ("worker", "exit 3")] {
        let web = Web::new(name, 1).shell(&format!("mkdir /shared/{name} || {further}; exec /bin/app"));
        let probe = "\n        readinessProbe: {httpGet: {path: /health, port: 8000}, periodSeconds: 1}";
        let volume = format!(
            "\n        volumeMounts: [{{name: shared, mountPath: /shared}}]\n      volumes: [{{name: shared, hostPath: {{path: {shared}, type: DirectoryOrCreate}}}}]\n"
        );
        space.apply(&(web.yaml().trim_end().to_owned() + probe + &volume));
    }
    for name in NAMES {
        space.wait_ready(name, 1);
    }
    let operator = Operator::new(cluster, "operator", &space);
    let run = operator.run(&["api=2", "web=2", "worker=2", "--order", "parallel"]).expect("failed", 1);
    let reason = run.end()["reason"].as_str().unwrap();
    assert!(reason.starts_with("worker: ") && reason.contains("still unproven: api"), "{reason}");
    let proven: Vec<&str> = run.named("step_proven").filter_map(|event| event["step"].as_str()).collect();
    assert!(proven.contains(&"2/prove-ready") && !proven.contains(&"1/prove-ready"), "{proven:?}");
    assert!(run.end()["undone"] == true && run.end()["debts"].as_array().is_some_and(Vec::is_empty), "{:#}", run.end());
    assert_eq!(NAMES.map(|name| space.replicas(name)), [1, 1, 1]);
    free(&space);
    operator.call(&["journal", "verify"]).exits(0);
    let _ = std::fs::remove_dir_all(shared);
}

pub(crate) fn a_restart_of_three_that_is_killed_in_the_middle_goes_on_where_it_was(cluster: &Cluster) {
    let (space, operator) = shop(cluster);
    let line = Proxy::to(cluster.address());
    let operator = operator.over(cluster, "operator", &line);
    line.slow(Duration::from_millis(400));
    let text = operator.plan_of("restart", &NAMES).text("/confirmation/type").to_owned();
    let running = operator.start(&["run", "restart", "api", "web", "worker", "--confirm", &text, "-o", "json"]);
    let id = operator.wait_for_line("the second write", |line| line["kind"] == "outcome" && line["step"] == "2/write");
    running.signal(Signal::KILL);
    running.end();
    let marks = NAMES.map(|name| web(&space, name)["spec"]["template"].clone());
    assert!(!restarted(&space, "worker"));
    line.slow(Duration::ZERO);
    operator.resume(&id).expect("proven", 0);
    assert!(restarted(&space, "worker"), "what was not begun is begun");
    assert_eq!(
        [0, 1].map(|at| web(&space, NAMES[at])["spec"]["template"].clone()),
        [0, 1].map(|at| marks[at].clone()),
        "and nothing is written twice"
    );
    free(&space);
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn scales_that_are_killed_in_the_middle_go_on_where_they_were(cluster: &Cluster) {
    for order in ["one-by-one", "parallel"] {
        let (space, operator) = shop(cluster);
        let line = Proxy::to(cluster.address());
        let operator = operator.over(cluster, "operator", &line);
        line.slow(Duration::from_millis(400));
        let counts = ["api=2", "web=2", "worker=2"];
        let text = operator.plan_of("scale", &[&counts[..], &["--order", order]].concat()).text("/confirmation/type").to_owned();
        let running = operator.start(&[&["run", "scale"], &counts[..], &["--order", order, "--confirm", &text, "-o", "json"]].concat());
        let id = operator.wait_for_line("the second write", |line| line["kind"] == "outcome" && line["step"] == "2/write");
        running.signal(Signal::KILL);
        running.end();
        line.slow(Duration::ZERO);
        operator.resume(&id).expect("proven", 0);
        assert_eq!(NAMES.map(|name| space.replicas(name)), [2, 2, 2], "{order}");
        assert!(cluster.writes(&space).is_none_or(|count| count <= 3), "{order}: each is written once");
        free(&space);
        operator.call(&["journal", "verify"]).exits(0);
    }
}

pub(crate) fn two_schedules_are_suspended_and_resumed_together(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&["daily", "nightly"].map(|name| cron_job(name, "Allow", "exit 0")).join("---\n"));
    let operator = Operator::new(cluster, "operator", &space);
    let suspended = |name: &str| space.get("batch/v1", "CronJob", name).unwrap()["spec"]["suspend"].clone();
    let run = operator.run_of("suspend", &["daily", "nightly"]).expect("proven", 0);
    let debts: Vec<&str> = run.end()["debts"].as_array().unwrap().iter().filter_map(|debt| debt["id"].as_str()).collect();
    assert_eq!(debts, ["1/write", "2/write"], "{:#}", run.end());
    assert_eq!(["daily", "nightly"].map(suspended), [true, true]);
    let id = run.end()["run"].as_str().unwrap().to_owned();
    Run::of(&operator.call(&["runs", "undo", &id, "--confirm", "y", "-o", "json"])).expect("proven", 0);
    assert_eq!(["daily", "nightly"].map(suspended), [false, false]);
}
