//! The controllers of the simulated cluster.
//!
//! Owns who looks at what when something changes. Each controller reads the store and writes the store, as the real ones do; none
//! speaks to another. Must not know HTTP.

#![allow(clippy::cast_possible_wrap, reason = "numbers of pods and lines are far from 2^63")]

mod autoscaler;
mod collector;
mod cronjob;
mod daemonset;
mod deployment;
mod housekeeping;
mod job;
mod pods;
mod replicaset;
mod rollout;
mod scheduler;
mod slices;
mod statefulset;

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::Value;

use super::api::kinds::{Res, known};
use super::store::{Change, Entry, Happened, Key};
use super::world::World;

pub(crate) use collector::{Propagation, delete_with};
pub(crate) use cronjob::{job_of, next_run};
pub(crate) use housekeeping::{amount, quantity_text};
pub(crate) use pods::{hash_of, new_pod, next_generation, owner_reference, template_with_hash, terminate};
pub(crate) use rollout::{note_size, same_template};
pub(crate) use scheduler::choose as choose_node;
pub(crate) use statefulset::revision_at as revision_of;

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Controller {
    /// Rollouts.
    Deployment,
    /// Number of pods.
    ReplicaSet,
    /// Pods with names of their own.
    StatefulSet,
    /// One pod per node.
    DaemonSet,
    /// Pods that end.
    Job,
    /// Jobs on a schedule.
    CronJob,
    /// Number of replicas by load.
    Autoscaler,
    /// Endpoints of Services.
    Slices,
    /// Nodes for pods.
    Scheduler,
    /// What goes with its owner, and what waits for what it owns.
    Collector,
    /// What goes with its namespace.
    Namespace,
    /// How much of a quota is used.
    Quota,
    /// How many pods may be evicted.
    Budget,
    /// Volumes for claims.
    Claim,
}

/// One look of one controller at one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Work {
    who: Controller,
    res: Res,
    key: Key,
}

impl Work {
    /// A look at an object.
    pub(crate) fn new(who: Controller, res: Res, key: &Key) -> Self {
        Self { who, res, key: key.clone() }
    }
}

/// What controllers remember between looks, because no object has it.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Pods without a node.
    pub(crate) pending: BTreeSet<Key>,
    /// Of Jobs: after how many failures the next pod comes, and when.
    pub(crate) retries: HashMap<Key, (i64, Timestamp)>,
    /// Of autoscalers: when they measured last.
    pub(crate) measured: HashMap<Key, Timestamp>,
    /// Of autoscalers: when they changed the number of replicas last.
    pub(crate) rescaled: HashMap<Key, Timestamp>,
}

/// A controller looks at one object.
pub(crate) fn reconcile(world: &mut World, work: &Work) {
    let Work { who, res, key } = work;
    match who {
        Controller::Deployment => deployment::reconcile(world, key),
        Controller::ReplicaSet => replicaset::reconcile(world, key),
        Controller::StatefulSet => statefulset::reconcile(world, key),
        Controller::DaemonSet => daemonset::reconcile(world, key),
        Controller::Job => job::reconcile(world, key),
        Controller::CronJob => cronjob::reconcile(world, key),
        Controller::Autoscaler => autoscaler::reconcile(world, key),
        Controller::Slices => slices::reconcile(world, key),
        Controller::Scheduler => scheduler::reconcile(world, key),
        Controller::Collector => collector::reconcile(world, *res, key),
        Controller::Namespace => housekeeping::namespace(world, key),
        Controller::Quota => housekeeping::quota(world, key),
        Controller::Budget => housekeeping::budget(world, key),
        Controller::Claim => housekeeping::claim(world, key),
    }
}

/// Lets every controller look that a change concerns.
pub(crate) fn react(world: &mut World, change: &Change) {
    let (entry, k) = (&change.now, known());
    if entry.res == k.events || entry.res == k.leases {
        return;
    }
    let own = own_controller(entry.res);
    if let Some(who) = own.filter(|_| change.happened != Happened::Deleted) {
        world.enqueue(Work::new(who, entry.res, &entry.key));
    }
    if !is_nothing_to_a_set(change)
        && let Some((who, res, key)) = controller_of(world, entry)
    {
        world.enqueue(Work::new(who, res, &key));
    }
    if change.happened == Happened::Deleted || entry.deleting {
        collect(world, entry);
    }
    if entry.res == k.pods {
        pod_changed(world, change);
    } else if entry.res == k.nodes {
        for res in [k.pods, k.daemonsets] {
            wake_all(world, res, if res == k.pods { Controller::Scheduler } else { Controller::DaemonSet }, None);
        }
    } else if entry.res == k.namespaces && change.happened == Happened::Added {
        housekeeping::furnish(world, &entry.key.name);
    }
}

fn own_controller(res: Res) -> Option<Controller> {
    let k = known();
    let pairs = [
        (k.deployments, Controller::Deployment),
        (k.replicasets, Controller::ReplicaSet),
        (k.statefulsets, Controller::StatefulSet),
        (k.daemonsets, Controller::DaemonSet),
        (k.jobs, Controller::Job),
        (k.cronjobs, Controller::CronJob),
        (k.autoscalers, Controller::Autoscaler),
        (k.services, Controller::Slices),
        (k.namespaces, Controller::Namespace),
        (k.quotas, Controller::Quota),
        (k.budgets, Controller::Budget),
        (k.claims, Controller::Claim),
    ];
    pairs.iter().find(|(r, _)| *r == res).map(|(_, who)| *who)
}

/// The controller that owns an object, with the object it works for.
fn controller_of(world: &World, entry: &Entry) -> Option<(Controller, Res, Key)> {
    let owner = entry.owners.first()?;
    let k = known();
    let value = entry.value();
    let reference = value["metadata"]["ownerReferences"].as_array()?.iter().find(|o| o["uid"].as_str() == Some(owner))?.clone();
    let res = [k.deployments, k.replicasets, k.statefulsets, k.daemonsets, k.jobs, k.cronjobs, k.services]
        .into_iter()
        .find(|r| r.row().kind == reference["kind"].as_str().unwrap_or_default())?;
    let key = Key::new(&entry.key.namespace, reference["name"].as_str()?);
    world.store.get(res, &key).filter(|e| e.uid == *owner)?;
    Some((own_controller(res)?, res, key))
}

/// Whether a ReplicaSet counts its pods as before. Most changes of pods are such, and each look of it reads all of them.
fn is_nothing_to_a_set(change: &Change) -> bool {
    let (now, Some(before)) = (&change.now, &change.before) else { return false };
    if now.res != known().pods || change.happened != Happened::Modified {
        return false;
    }
    if now.deleting != before.deleting || now.labels != before.labels || now.owners != before.owners {
        return false;
    }
    let (new, old) = (now.value(), before.value());
    let counted = |pod: &Value| (pods::has_ended(pod), pods::ready_since(pod));
    new["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet" && counted(&new) == counted(&old)
}

fn collect(world: &mut World, entry: &Entry) {
    for child in world.store.children(&entry.uid) {
        world.enqueue(Work::new(Controller::Collector, child.res, &child.key));
    }
    world.enqueue(Work::new(Controller::Collector, entry.res, &entry.key));
    // An owner that is deleted in the foreground waits for what it owns.
    for owner in &entry.owners {
        let waiting = world.store.by_uid(owner);
        if let Some((res, key)) = waiting {
            world.enqueue(Work::new(Controller::Collector, res, &key));
        }
    }
    if entry.res == known().namespaces {
        world.enqueue(Work::new(Controller::Namespace, entry.res, &entry.key));
    } else if let Some(namespace) = world.store.find(known().namespaces, "", &entry.key.namespace).filter(|n| n.deleting).cloned() {
        world.enqueue(Work::new(Controller::Namespace, namespace.res, &namespace.key));
    }
}

fn pod_changed(world: &mut World, change: &Change) {
    let (pod, k) = (&change.now, known());
    let namespace = pod.key.namespace.clone();
    if change.happened == Happened::Added {
        world.enqueue(Work::new(Controller::Scheduler, k.pods, &pod.key));
    } else if change.happened == Happened::Deleted {
        wake_pending(world);
    }
    for (res, who) in [(k.services, Controller::Slices), (k.budgets, Controller::Budget), (k.quotas, Controller::Quota)] {
        wake_all(world, res, who, Some(&namespace));
    }
}

/// Room was made: pods without a node are looked at again.
fn wake_pending(world: &mut World) {
    for key in world.notes.pending.clone() {
        world.enqueue(Work::new(Controller::Scheduler, known().pods, &key));
    }
}

fn wake_all(world: &mut World, res: Res, who: Controller, namespace: Option<&str>) {
    let keys: Vec<Key> = world.store.list(res, namespace).map(|e| e.key.clone()).collect();
    for key in keys {
        world.enqueue(Work::new(who, res, &key));
    }
}

/// A number of the spec or status; what is missing counts as `otherwise`.
fn number(value: &Value, otherwise: i64) -> i64 {
    value.as_i64().unwrap_or(otherwise)
}

/// A number or a percentage of `of`, rounded up or down.
fn scaled(value: &Value, of: i64, up: bool) -> i64 {
    match value {
        Value::String(s) => {
            let percent: i64 = s.trim_end_matches('%').parse().unwrap_or(0);
            if up { (of * percent + 99) / 100 } else { of * percent / 100 }
        }
        other => other.as_i64().unwrap_or(0),
    }
}
