//! CHANGED: the newest change of any kind, when, and by whom as far as it can be known (contract.md 13).

use super::by::{By, LastRun};
use super::history::{Revision, history, returned_at, returned_at_unknown_time};
use crate::base::text::Str;
use crate::fleet::{Change, Fleet, What, WorkloadKey};
use crate::target::model::{Kind, ObjectRef, Seconds, Workload};

/// A scale that follows a new revision within this belongs to its rollout.
const ROLLOUT_TAKES: Seconds = 600;

/// The newest change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// When.
    pub at: Seconds,
    /// Of what.
    pub object: ObjectRef,
    /// Number of the revision, when it is a rollout.
    pub revision: Option<i64>,
    /// In a few words: `web v1.8.3`, `web 3 -> 5`, `ConfigMap settings edited`.
    pub short: String,
    /// In full: `Deployment web revision 12 (v1.8.3)`.
    pub what: String,
    /// By whom.
    pub by: By,
}

/// The newest change of what counts: rollouts, scales, edits of configuration, things made or deleted.
///
/// `None` when nothing of it has a time that can be known.
pub fn changed(fleet: &Fleet, counts: &dyn Fn(&WorkloadKey) -> bool) -> Option<Changed> {
    let workloads = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet].into_iter().flat_map(|kind| fleet.workloads(kind));
    let mut newest: Option<Changed> = None;
    for w in workloads {
        let Some(key) = WorkloadKey::of(&ObjectRef::new(w.kind, w.meta.namespace.clone(), w.meta.name.clone())).filter(|k| counts(k)) else {
            continue;
        };
        // Most are older than the newest known one: their revisions need not be put together.
        if let Some(rollout) = rollout(fleet, &key, w, newest.as_ref().map(|n| n.at)) {
            offer(&mut newest, rollout);
        }
        if let Some(scale) = scale_by_event(fleet, w) {
            offer(&mut newest, scale);
        }
    }
    for change in fleet.changes().filter(|c| WorkloadKey::of(&c.object).is_none_or(|k| counts(&k))) {
        offer(&mut newest, seen(fleet, change));
    }
    newest
}

/// Workloads of whose current revision only the full object can tell when it came or who brought it, at most `most`: those that
/// returned to an older revision at a time nobody knows, and the one that [`changed`] names without knowing by whom. Whoever fetches
/// them tells the fleet ([`Fleet::learn_writer`]); a workload is named until then, with its identity and the revision that is meant.
pub fn unexplained(fleet: &Fleet, counts: &dyn Fn(&WorkloadKey) -> bool, changed: Option<&Changed>, most: usize) -> Vec<Unexplained> {
    let named = |w: &Workload| changed.is_some_and(|c| c.by == By::Unknown && c.revision.is_some() && is(w, &c.object));
    let asks = |w: &&Workload| named(w) || returned_at_unknown_time(fleet, w);
    let workloads = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet].into_iter().flat_map(|kind| fleet.workloads(kind));
    workloads
        .map(|w| &**w)
        .filter(asks)
        .filter_map(|w| Unexplained::of(fleet, w).filter(|u| WorkloadKey::of(&u.object).is_some_and(|key| counts(&key))))
        .take(most)
        .collect()
}

/// A workload whose current revision only its full object can explain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexplained {
    /// Which.
    pub object: ObjectRef,
    /// Its identity.
    pub uid: Str,
    /// Number of the revision that is meant.
    pub revision: i64,
}

impl Unexplained {
    /// A workload's current revision; `None` when it has none, or somebody asked already.
    pub fn of(fleet: &Fleet, w: &Workload) -> Option<Self> {
        let object = ObjectRef::new(w.kind, w.meta.namespace.clone(), w.meta.name.clone());
        fleet.writer(w).is_none().then_some(Self { uid: w.meta.uid.clone(), revision: fleet.revision_of(w)?, object })
    }
}

fn is(w: &Workload, object: &ObjectRef) -> bool {
    (w.kind, &w.meta.namespace, &w.meta.name) == (object.kind, &object.namespace, &object.name)
}

fn offer(newest: &mut Option<Changed>, other: Changed) {
    if newest.as_ref().is_none_or(|n| n.at < other.at) {
        *newest = Some(other);
    }
}

fn rollout(fleet: &Fleet, key: &WorkloadKey, w: &Workload, after: Option<Seconds>) -> Option<Changed> {
    let made = fleet
        .replica_sets_of(w)
        .map(|rs| rs.meta.created)
        .chain(fleet.controller_revisions_of(w).map(|cr| cr.meta.created))
        .max();
    let scaled = fleet.events_about(&w.meta.uid).map(|e| e.last).max();
    if made.max(scaled).max(returned_at(fleet, w)).is_none_or(|at| after.is_some_and(|after| at <= after)) {
        return None;
    }
    let current = history(fleet, key).into_iter().find(|r| r.current)?;
    let version = current.version().map(|v| format!(" ({v})")).unwrap_or_default();
    Some(Changed {
        at: current.at?,
        object: ObjectRef::new(w.kind, w.meta.namespace.clone(), w.meta.name.clone()),
        revision: Some(current.number),
        short: short(&w.meta.name, &current),
        what: format!("{} {} revision {}{version}", w.kind.word(), w.meta.name, current.number),
        by: current.by,
    })
}

fn short(name: &str, revision: &Revision) -> String {
    match revision.version() {
        Some(version) => format!("{name} {version}"),
        None => format!("{name} revision {}", revision.number),
    }
}

/// A scale that the watch did not see happen: the Deployment controller's event tells of it. One that belongs to a rollout does
/// not count.
fn scale_by_event(fleet: &Fleet, w: &Workload) -> Option<Changed> {
    let events: Vec<_> = fleet.events_about(&w.meta.uid).filter(|e| &*e.reason == "ScalingReplicaSet").collect();
    let newest = events.first()?;
    let (from, to) = counts_of(&newest.message)?;
    let set = fleet.replica_sets_of(w).find(|rs| newest.message.contains(&format!("replica set {} ", rs.meta.name)))?;
    let current = fleet.current_revision_uid(w).is_some_and(|uid| uid == set.meta.uid);
    let alone = events
        .iter()
        .skip(1)
        .all(|e| newest.last - e.last > ROLLOUT_TAKES || e.message.contains(&format!("replica set {} ", set.meta.name)));
    if !current || !alone || newest.last - set.meta.created < ROLLOUT_TAKES || to != w.desired {
        return None;
    }
    let by = scaler(fleet, w, newest.last);
    Some(scaled(ObjectRef::new(w.kind, w.meta.namespace.clone(), w.meta.name.clone()), from, to, newest.last, by))
}

/// Who scaled a workload at `at`: a run, else its autoscaler where that says so.
fn scaler(fleet: &Fleet, w: &Workload, at: Seconds) -> By {
    if let Some(run) = LastRun::of(fleet, &w.meta).filter(|r| r.made(at)) {
        return run.by();
    }
    let key = WorkloadKey::of(&ObjectRef::new(w.kind, w.meta.namespace.clone(), w.meta.name.clone()));
    let hpa = key.and_then(|k| fleet.hpa_of(&k));
    let rescaled = |uid: &str| fleet.events_about(uid).any(|e| &*e.reason == "SuccessfulRescale" && (e.last - at).abs() <= 60);
    hpa.filter(|h| rescaled(&h.meta.uid)).map_or(By::Unknown, |h| By::Autoscaler(h.meta.name.clone()))
}

fn scaled(object: ObjectRef, from: i32, to: i32, at: Seconds, by: By) -> Changed {
    let short = format!("{} {from} -> {to}", object.name);
    let what = format!("{} {} scaled from {from} to {to}", object.kind.word(), object.name);
    Changed { at, object, revision: None, short, what, by }
}

/// A change that the watch saw.
fn seen(fleet: &Fleet, change: &Change) -> Changed {
    let object = change.object.clone();
    let run = change.run.as_deref().and_then(LastRun::parse).filter(|r| r.made(change.at)).map(LastRun::by);
    if let What::Scaled { from, to } = change.what {
        let workload = fleet.workload(object.kind, &object.namespace, &object.name);
        let by = run.unwrap_or_else(|| workload.map_or(By::Unknown, |w| scaler(fleet, w, change.at)));
        return scaled(object, from, to, change.at, by);
    }
    let how = match change.what {
        What::Bounds { from, to } => format!("bounds {}..{} -> {}..{}", from.0, from.1, to.0, to.1),
        What::HeldBack if object.kind == Kind::CronJob => "suspended".into(),
        What::LetGo if object.kind == Kind::CronJob => "resumed".into(),
        What::HeldBack => "paused".into(),
        What::LetGo => "resumed".into(),
        What::Made => "made".into(),
        What::Deleted => "deleted".into(),
        What::Edited | What::Scaled { .. } => "edited".into(),
    };
    let what = format!("{} {} {how}", object.kind.word(), object.name);
    Changed { at: change.at, object, revision: None, short: what.clone(), what, by: run.unwrap_or_default() }
}

/// `… from 3 to 5` at the end of a message.
fn counts_of(message: &str) -> Option<(i32, i32)> {
    let (_, counts) = message.rsplit_once(" from ")?;
    let (from, to) = counts.split_once(" to ")?;
    Some((from.trim().parse().ok()?, to.trim().parse().ok()?))
}

#[cfg(test)]
mod tests;
