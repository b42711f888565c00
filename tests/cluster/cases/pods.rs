//! Evictions on real pods: replaced, refused by a budget, and without a replacement.

use serde_json::Value;

use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::manifest::Web;
use crate::operator::{Operator, with_web};

/// Name and identity of a pod that is there to stay.
fn a_pod(space: &Namespace<'_>) -> (String, Value) {
    let pods = space.list("v1", "Pod");
    let pod = pods.iter().find(|p| p["metadata"].get("deletionTimestamp").is_none()).expect("a pod");
    (pod["metadata"]["name"].as_str().unwrap().to_owned(), pod["metadata"]["uid"].clone())
}

pub(crate) fn an_evicted_pod_is_gone_and_its_replacement_ready(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 3)], 3);
    let (name, _) = a_pod(&space);
    let run = operator.run_of("evict", &[&name]).expect("proven", 0);
    assert!(run.named("step_proven").any(|e| e["step"] == "prove-replacement"), "{run:#?}");
    assert!(space.get("v1", "Pod", &name).is_none());
    space.wait_ready("web", 3);
    Watched { cluster, space: &space, operator: &operator }.ended("evict", &run);
}

pub(crate) fn a_disruption_budget_is_heeded_and_the_pod_stays(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 2)], 2);
    space.apply(
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 2, selector: {matchLabels: {app: web}}}\n",
    );
    space.wait("the budget is counted", "policy/v1", "PodDisruptionBudget", "web", |pdb| pdb["status"]["currentHealthy"] == 2);
    let (name, uid) = a_pod(&space);
    let plan = operator.plan_of("evict", &[&name]);
    assert!(plan.expect_check("pdb", "failed"), "required");
    assert_eq!(plan.check("pdb")["overridable"], false);
    assert_eq!(plan.check("dry-run")["result"], "failed", "the server says the same: {:#}", plan.check("dry-run"));
    let run = operator.run_of("evict", &[&name]).expect("refused", 4);
    Watched { cluster, space: &space, operator: &operator }.ended("evict: its disruption budget leaves no room", &run);
    let pod = space.get("v1", "Pod", &name).unwrap();
    assert_eq!((&pod["metadata"]["uid"], pod["metadata"].get("deletionTimestamp")), (&uid, None));
}

pub(crate) fn a_pod_without_room_for_its_replacement_ends_as_failed_with_the_cause(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 3)], 3);
    space.apply("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small}\nspec: {hard: {pods: '1'}}\n");
    space.wait("the quota is counted", "v1", "ResourceQuota", "small", |quota| quota["status"]["used"]["pods"] == "3");
    let (name, _) = a_pod(&space);
    let run = operator.run_of("evict", &[&name, "--deadline", "30s"]).expect("failed-with-debts", 2);
    assert!(run.end()["reason"].as_str().unwrap().contains("quota"), "the root cause is named: {:#}", run.end());
    assert!(space.get("v1", "Pod", &name).is_none());
    Watched { cluster, space: &space, operator: &operator }.ended("evict: a quota has no room for its replacement", &run);
}

pub(crate) fn a_viewer_evicts_nothing(cluster: &Cluster) {
    let (space, _) = with_web(cluster, &[Web::new("web", 1)], 1);
    let viewer = Operator::new(cluster, "viewer", &space);
    let (name, uid) = a_pod(&space);
    let plan = viewer.plan_of("evict", &[&name]);
    assert!(plan.blocked_by().contains(&"rbac:create pods/eviction"), "{:?}", plan.blocked_by());
    viewer.run_of("evict", &[&name]).expect("refused", 4);
    assert_eq!(space.get("v1", "Pod", &name).unwrap()["metadata"]["uid"], uid);
}
