//! DaemonSets: one pod on every node that fits.
//!
//! Owns which nodes fit, the rolling update one node at a time, and the status.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::statefulset::revision;
use super::{pods, scaled, scheduler};
use crate::sim::api::kinds::known;
use crate::sim::store::{Entry, Key};
use crate::sim::world::World;

const COMPONENT: &str = "daemonset-controller";

/// Makes missing pods, deletes those on nodes that do not fit, and replaces old ones as the strategy allows.
pub(super) fn reconcile(world: &mut World, key: &Key) {
    let res = known().daemonsets;
    let Some(entry) = world.store.get(res, key).filter(|e| !e.deleting).cloned() else { return };
    let set = entry.value();
    let name = revision(world, res, &entry, &set);
    let hash = name.rsplit('-').next().unwrap_or_default().to_owned();
    let nodes: Vec<Value> = world.store.list(known().nodes, None).map(|e| e.value()).collect();
    let template = &set["spec"]["template"];
    let fitting: Vec<String> = nodes
        .iter()
        .filter(|n| scheduler::unfit(n, &daemon_pod(template)).is_none())
        .map(|n| n["metadata"]["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    let by_node = by_node(world, &entry);
    for node in fitting.iter().filter(|n| !by_node.contains_key(*n)) {
        let mut template = template.clone();
        template["metadata"]["labels"]["controller-revision-hash"] = json!(hash);
        template["metadata"]["labels"]["pod-template-generation"] = set["metadata"]["generation"].as_u64().map(|g| json!(g.to_string())).into();
        let mut pod = pods::new_pod(world, res, &set, &template, &format!("{}-", key.name));
        pod["spec"]["nodeName"] = json!(node);
        pod["spec"]["tolerations"] = daemon_pod(&template)["spec"]["tolerations"].clone();
        pods::create(world, COMPONENT, res, &set, pod);
    }
    let unavailable = by_node.values().filter(|(e, v)| e.deleting || pods::ready_since(v).is_none()).count() as i64;
    let allowed = scaled(&set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"], fitting.len() as i64, true).max(1);
    let mut budget = allowed - unavailable;
    for (node, (pod, value)) in &by_node {
        let old = value["metadata"]["labels"]["controller-revision-hash"].as_str() != Some(&hash);
        let broken = pods::ready_since(value).is_none();
        let replaced = old && set["spec"]["updateStrategy"]["type"] != "OnDelete" && (broken || budget > 0);
        if !pod.deleting && (replaced || !fitting.contains(node) || pods::has_ended(value)) {
            budget -= i64::from(!broken);
            pods::delete(world, COMPONENT, res, &set, pod);
        }
    }
    status(world, &entry, &hash, &fitting);
}

/// A pod as the controller makes it tolerates what happens to nodes.
fn daemon_pod(template: &Value) -> Value {
    let mut pod = template.clone();
    let mut all = pod["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    for (key, effect) in [
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/pid-pressure", "NoSchedule"),
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ] {
        all.push(json!({"key": key, "operator": "Exists", "effect": effect}));
    }
    pod["spec"]["tolerations"] = Value::Array(all);
    pod
}

fn by_node(world: &World, entry: &Entry) -> BTreeMap<String, (Arc<Entry>, Value)> {
    let all = pods::of(world, &entry.uid).into_iter();
    all.map(|(e, v)| (v["spec"]["nodeName"].as_str().unwrap_or_default().to_owned(), (e, v))).collect()
}

fn status(world: &mut World, entry: &Entry, hash: &str, fitting: &[String]) {
    let all = by_node(world, entry);
    let here = || all.iter().filter(|(n, _)| fitting.contains(n));
    let ready = here().filter(|(_, (_, v))| pods::ready_since(v).is_some()).count();
    let updated = here().filter(|(_, (_, v))| v["metadata"]["labels"]["controller-revision-hash"] == hash).count();
    let (current, wanted) = (here().count(), fitting.len());
    world.edit(known().daemonsets, &entry.key, |set| {
        let mut status = json!({"currentNumberScheduled": current, "numberMisscheduled": all.len() - current,
            "desiredNumberScheduled": wanted, "numberReady": ready, "observedGeneration": set["metadata"]["generation"]});
        let counts = [("updatedNumberScheduled", updated), ("numberAvailable", ready), ("numberUnavailable", wanted.saturating_sub(ready))];
        for (field, n) in counts.into_iter().filter(|(_, n)| *n > 0) {
            status[field] = json!(n);
        }
        set["status"] = status;
    });
}
