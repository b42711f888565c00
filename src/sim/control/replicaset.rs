//! ReplicaSets: as many pods as wanted.
//!
//! Owns which pods go first when there are too many, and the status.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::pods::{self, ready_since};
use super::{Controller, Work, number};
use crate::sim::api::kinds::known;
use crate::sim::store::Key;
use crate::sim::world::World;

const COMPONENT: &str = "replicaset-controller";
/// At most so many pods are made or deleted at one look.
const BURST: i64 = 500;

/// Makes or deletes pods until there are as many as wanted.
pub(super) fn reconcile(world: &mut World, key: &Key) {
    let res = known().replicasets;
    let Some(entry) = world.store.get(res, key).cloned() else { return };
    let set = entry.value();
    let active = pods::active(world, &entry.uid);
    let wanted = number(&set["spec"]["replicas"], 1);
    let difference = wanted - active.len() as i64;
    let mut refused = false;
    if !entry.deleting && difference > 0 {
        for _ in 0..difference.min(BURST) {
            let name = format!("{}-", key.name);
            let pod = pods::new_pod(world, res, &set, &set["spec"]["template"], &name);
            if !pods::create(world, COMPONENT, res, &set, pod) {
                refused = true;
                break;
            }
        }
    } else if !entry.deleting && difference < 0 {
        let mut candidates = active.clone();
        candidates.sort_by_key(|(e, pod)| rank(pod, &e.key.name));
        for (pod, _) in candidates.iter().take(usize::try_from(-difference).unwrap_or(0)) {
            pods::delete(world, COMPONENT, res, &set, pod);
        }
    }
    status(world, key, refused);
    if refused {
        let work = Work::new(Controller::ReplicaSet, res, key);
        world.after(Duration::from_secs(5), crate::sim::world::Task::Reconcile(work));
    }
}

/// The order in which pods go: without a node, pending, not ready, ready for the shortest time, youngest.
fn rank(pod: &Value, name: &str) -> (bool, u8, bool, std::cmp::Reverse<Timestamp>, std::cmp::Reverse<String>, String) {
    let phase = match pod["status"]["phase"].as_str() {
        Some("Running") => 2,
        Some("Pending") => 0,
        _ => 1,
    };
    let since = ready_since(pod);
    let created = pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
    (
        pod["spec"]["nodeName"].is_string(),
        phase,
        since.is_some(),
        std::cmp::Reverse(since.unwrap_or(Timestamp::MAX)),
        std::cmp::Reverse(created),
        name.to_owned(),
    )
}

fn status(world: &mut World, key: &Key, refused: bool) {
    let res = known().replicasets;
    let Some(entry) = world.store.get(res, key).cloned() else { return };
    let set = entry.value();
    let all = pods::of(world, &entry.uid);
    let going = all.iter().filter(|(e, v)| e.deleting && !pods::has_ended(v)).count();
    let active: Vec<_> = all.iter().filter(|(e, v)| !e.deleting && !pods::has_ended(v)).collect();
    let minimum = Duration::from_secs(set["spec"]["minReadySeconds"].as_u64().unwrap_or(0));
    let ready: Vec<Timestamp> = active.iter().filter_map(|(_, p)| ready_since(p)).collect();
    let available = ready.iter().filter(|since| minimum.is_zero() || world.life_since(**since) >= minimum).count();
    if available < ready.len() {
        let work = Work::new(Controller::ReplicaSet, res, key);
        world.after(minimum, crate::sim::world::Task::Reconcile(work));
    }
    let stamp = world.stamp();
    world.edit(res, key, |set| {
        let mut status = json!({"replicas": active.len()});
        for (name, n) in [("fullyLabeledReplicas", active.len()), ("readyReplicas", ready.len()), ("availableReplicas", available)] {
            if n > 0 {
                status[name] = json!(n);
            }
        }
        status["terminatingReplicas"] = json!(going);
        status["observedGeneration"] = set["metadata"]["generation"].clone();
        if refused {
            let since = set["status"]["conditions"][0]["lastTransitionTime"].as_str().unwrap_or(&stamp).to_owned();
            status["conditions"] = json!([{"type": "ReplicaFailure", "status": "True", "lastTransitionTime": since,
                "reason": "FailedCreate", "message": "exceeded quota"}]);
        }
        set["status"] = status;
    });
}
