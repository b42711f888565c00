//! How many replicas each ReplicaSet of a Deployment gets: rolling update, recreate, proportional scaling.
//!
//! Owns the arithmetic of surge and unavailable, after kube-controller-manager.

use serde_json::{Value, json};

use super::deployment::{self, COMPONENT, Set};
use super::{number, scaled};
use crate::sim::api::kinds::known;
use crate::sim::world::World;

/// Whether two templates are the same apart from the hash label.
pub(crate) fn same_template(a: &Value, b: &Value) -> bool {
    let plain = |t: &Value| {
        let mut t = t.clone();
        if let Some(labels) = t["metadata"]["labels"].as_object_mut() {
            labels.shift_remove("pod-template-hash");
        }
        t
    };
    plain(a) == plain(b)
}

/// How many pods more, and how many fewer, than wanted there may be during a rollout.
pub(super) fn bounds(deployment: &Value, wanted: i64) -> (i64, i64) {
    let strategy = &deployment["spec"]["strategy"];
    if strategy["type"] == "Recreate" || wanted == 0 {
        return (0, 0);
    }
    let surge = scaled(&strategy["rollingUpdate"]["maxSurge"], wanted, true);
    let unavailable = scaled(&strategy["rollingUpdate"]["maxUnavailable"], wanted, false);
    // Both zero would stand still.
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable.min(wanted)) }
}

/// How many replicas the new ReplicaSet may have, given how many it and the others have.
pub(super) fn new_replicas(deployment: &Value, new: i64, others: i64) -> i64 {
    let wanted = number(&deployment["spec"]["replicas"], 1);
    if deployment["spec"]["strategy"]["type"] == "Recreate" {
        return wanted;
    }
    let maximum = wanted + bounds(deployment, wanted).0;
    let room = (maximum - new - others).min(wanted - new);
    new + room.max(0)
}

/// Writes the sizes that a ReplicaSet was made for.
pub(crate) fn note_size(set: &mut Value, d: &Value) {
    let wanted = number(&d["spec"]["replicas"], 1);
    deployment::size_annotations(set, wanted, wanted + bounds(d, wanted).0);
}

fn resize(world: &mut World, deployment: &Value, set: &Set, to: i64) -> bool {
    let from = set.wanted();
    world.edit(known().replicasets, &set.key, |value| {
        value["spec"]["replicas"] = json!(to);
        note_size(value, deployment);
    });
    if from == to {
        return false;
    }
    let verb = if to > from { "up" } else { "down" };
    let message = format!("Scaled {verb} replica set {} from {from} to {to}", set.key.name);
    world.say(COMPONENT, known().deployments, deployment, "ScalingReplicaSet", message);
    true
}

/// One step of a rolling update: first up, then down.
pub(super) fn rolling(world: &mut World, deployment: &Value, new: Option<&Set>, old: &[Set]) {
    let Some(new) = new else { return };
    let wanted = number(&deployment["spec"]["replicas"], 1);
    let others: i64 = old.iter().map(Set::wanted).sum();
    let target = if new.wanted() > wanted { wanted } else { new_replicas(deployment, new.wanted(), others) };
    if target != new.wanted() && resize(world, deployment, new, target) {
        return;
    }
    if others == 0 {
        return;
    }
    let minimum = wanted - bounds(deployment, wanted).1;
    let unavailable_new = new.wanted() - new.available();
    let mut room = new.wanted() + others - minimum - unavailable_new;
    if room <= 0 {
        return;
    }
    // Pods that do not work go first, they are no loss; then those that do, as far as availability allows.
    let mut left: Vec<(usize, i64)> = Vec::new();
    for (i, set) in old.iter().enumerate() {
        let unhealthy = (set.wanted() - set.available()).clamp(0, room);
        room -= unhealthy;
        left.push((i, set.wanted() - unhealthy));
    }
    let available: i64 = new.available() + old.iter().map(Set::available).sum::<i64>();
    let mut room = (available - minimum).max(0);
    for (i, wanted_left) in left {
        let go = wanted_left.min(room);
        room -= go;
        if wanted_left - go != old[i].wanted() {
            resize(world, deployment, &old[i], wanted_left - go);
        }
    }
}

/// One step of a recreate: nothing new before all old pods are gone.
pub(super) fn recreate(world: &mut World, deployment: &Value, new: Option<&Set>, old: &[Set]) {
    let mut scaled_down = false;
    for set in old.iter().filter(|s| s.wanted() > 0) {
        scaled_down |= resize(world, deployment, set, 0);
    }
    let running = old
        .iter()
        .any(|s| number(&s.value["status"]["replicas"], 0) + number(&s.value["status"]["terminatingReplicas"], 0) > 0);
    if let Some(new) = new.filter(|_| !scaled_down && !running) {
        let wanted = number(&deployment["spec"]["replicas"], 1);
        if new.wanted() != wanted {
            resize(world, deployment, new, wanted);
        }
    }
}

/// Somebody changed `replicas`: one ReplicaSet takes all of it, several share it in proportion.
pub(super) fn scale(world: &mut World, deployment: &Value, new: Option<&Set>, old: &[Set]) {
    let wanted = number(&deployment["spec"]["replicas"], 1);
    let active: Vec<&Set> = new.into_iter().chain(old).filter(|s| s.wanted() > 0).collect();
    if active.len() <= 1 {
        if let Some(set) = active.first().copied().or(new) {
            resize(world, deployment, set, wanted);
        }
        return;
    }
    if let Some(new) = new.filter(|s| s.wanted() == wanted && s.available() == wanted) {
        for set in old.iter().filter(|s| s.wanted() > 0) {
            resize(world, deployment, set, 0);
        }
        resize(world, deployment, new, wanted);
        return;
    }
    let allowed = if wanted > 0 { wanted + bounds(deployment, wanted).0 } else { 0 };
    let total: i64 = active.iter().map(|s| s.wanted()).sum();
    let mut rest = allowed - total;
    let mut by_size = active.clone();
    by_size.sort_by_key(|s| std::cmp::Reverse(s.wanted()));
    for (i, set) in by_size.iter().enumerate() {
        let share = if i + 1 == by_size.len() { rest } else { ((allowed - total) as f64 * set.wanted() as f64 / total as f64).round() as i64 };
        let share = if rest >= 0 { share.clamp(0, rest) } else { share.clamp(rest, 0) };
        rest -= share;
        resize(world, deployment, set, (set.wanted() + share).max(0));
    }
}
