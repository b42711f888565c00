//! Rollback, restart and pause on real pods: proven by the pods, refused where they would prove nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::manifest::Web;
use crate::operator::{Operator, Run};

/// A Deployment at its second revision, with two pods.
fn second_revision(cluster: &Cluster) -> (Namespace<'_>, Operator) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 2).yaml());
    space.wait_ready("web", 2);
    space.apply(&Web::new("web", 2).version("1.1.0").yaml());
    space.wait_ready("web", 2);
    let operator = Operator::new(cluster, "operator", &space);
    (space, operator)
}

fn image(space: &Namespace<'_>) -> String {
    let web = space.get("apps/v1", "Deployment", "web").unwrap();
    web["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
}

/// The pods that are meant to stay: one of an older revision may still be on its way out.
fn pods(space: &Namespace<'_>) -> BTreeSet<String> {
    let staying = |pod: &&Value| pod["metadata"].get("deletionTimestamp").is_none();
    space
        .list("v1", "Pod")
        .iter()
        .filter(staying)
        .map(|pod| pod["metadata"]["uid"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn a_rollback_is_proven_on_the_pods_of_that_revision(cluster: &Cluster) {
    let (space, operator) = second_revision(cluster);
    let finished = operator.call(&["run", "rollback", "web", "to=1", "--confirm", "y", "-o", "json"]).exits(0);
    assert_eq!(finished.json_lines().last().unwrap()["outcome"], "proven");
    assert!(image(&space).ends_with(":1.0.0"), "{}", image(&space));
    let status = space.get("apps/v1", "Deployment", "web").unwrap()["status"].clone();
    assert_eq!(
        (&status["updatedReplicas"], &status["availableReplicas"]),
        (&Value::from(2), &Value::from(2)),
        "proven means rolled out"
    );
    Watched { cluster, space: &space, operator: &operator }.ended("rollback", &Run::of(&finished));
}

pub(crate) fn a_paused_workload_is_not_rolled_back_and_nothing_is_written(cluster: &Cluster) {
    let (space, operator) = second_revision(cluster);
    space.patch("apps/v1", "Deployment", "web", &json!({"spec": {"paused": true}}));
    let run = operator.run_of("rollback", &["web", "to=1"]).expect("refused", 4);
    assert!(run.end()["reason"].as_str().unwrap().contains("paused"), "{:#}", run.end());
    Watched { cluster, space: &space, operator: &operator }.ended("rollback: its rollout is paused", &run);
    assert!(image(&space).ends_with(":1.1.0"), "{}", image(&space));
}

pub(crate) fn an_unknown_revision_is_wrong_usage(cluster: &Cluster) {
    let (space, operator) = second_revision(cluster);
    operator.call(&["run", "rollback", "web", "to=9", "--confirm", "y"]).exits(64);
    assert!(image(&space).ends_with(":1.1.0"), "{}", image(&space));
}

pub(crate) fn a_restart_replaces_every_pod(cluster: &Cluster) {
    let (space, operator) = second_revision(cluster);
    let before = pods(&space);
    let run = operator.run_of("restart", &["web"]).expect("proven", 0);
    Watched { cluster, space: &space, operator: &operator }.ended("restart", &run);
    space.wait_ready("web", 2);
    let after = pods(&space);
    assert_eq!(before.intersection(&after).count(), 0, "{before:?} {after:?}");
}
