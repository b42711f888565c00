//! Changes of wanted state that were seen while watching: scales, edits of configuration, things made and deleted.
//!
//! Owns a short memory of them, the newest per object. Only what leaves no trace of its time in the objects themselves is kept:
//! rollouts are told by their revisions (`release`). A change during the first list of a kind is no change.

use std::collections::BTreeMap;

use super::Fleet;
use crate::base::text::Str;
use crate::target::model::{CronJob, Hpa, Kind, Meta, Object, ObjectRef, Seconds, Service, Workload};

/// Changes kept.
const MAX: usize = 128;

/// A change that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When it was seen, which is when it happened as near as a watch can tell.
    pub at: Seconds,
    /// What was changed.
    pub object: ObjectRef,
    /// How.
    pub what: What,
    /// `timonel.io/last-run` that came with it, if it did.
    pub run: Option<Str>,
}

/// How something was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Replicas.
    Scaled {
        /// Before.
        from: i32,
        /// After.
        to: i32,
    },
    /// Bounds of an autoscaler.
    Bounds {
        /// Lower and upper bound before.
        from: (i32, i32),
        /// Lower and upper bound after.
        to: (i32, i32),
    },
    /// A Deployment was paused, a CronJob suspended.
    HeldBack,
    /// And let go again.
    LetGo,
    /// Made.
    Made,
    /// Deleted.
    Deleted,
    /// Content of a ConfigMap or Secret, schedule, selector or ports.
    Edited,
}

/// The newest change of each object, at most [`MAX`].
#[derive(Debug, Default)]
pub(crate) struct Changes {
    by_object: BTreeMap<ObjectRef, Change>,
}

impl Changes {
    fn note(&mut self, change: Change) {
        self.by_object.insert(change.object.clone(), change);
        while self.by_object.len() > MAX {
            let Some(oldest) = self.by_object.values().min_by_key(|c| c.at).map(|c| c.object.clone()) else { break };
            self.by_object.remove(&oldest);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Change> {
        self.by_object.values()
    }
}

impl Fleet {
    /// Notes what is different between two states of one object; `None` = not there.
    pub(crate) fn note_change(&mut self, old: Option<&Object>, new: Option<&Object>, now: Seconds) {
        let Some(any) = new.or(old) else { return };
        let live = self.streams.covering(any.kind(), &any.meta().namespace).is_some_and(|s| s.complete);
        if !live || is_noise(any) {
            return;
        }
        let what = match (old, new) {
            (None, Some(object)) if tells(object.kind()) => Some(What::Made),
            (Some(object), None) if tells(object.kind()) => Some(What::Deleted),
            (Some(old), Some(new)) if old.meta().uid == new.meta().uid => difference(old, new),
            _ => None,
        };
        let Some(what) = what else { return };
        let run = |o: &Object| o.meta().annotation(LAST_RUN).cloned();
        let run = new.and_then(run).filter(|r| old.and_then(run).as_ref() != Some(r));
        self.changes.note(Change { at: now, object: any.reference(), what, run });
    }
}

/// Annotation with which a run signs what it changed.
pub const LAST_RUN: &str = "timonel.io/last-run";

/// Kinds of which it is told that one was made or deleted.
fn tells(kind: Kind) -> bool {
    kind.is_workload()
        || matches!(kind, Kind::CronJob | Kind::Service | Kind::Ingress | Kind::ConfigMap | Kind::Secret | Kind::HorizontalPodAutoscaler)
}

/// What controllers write for themselves: leader election, root certificates, releases of Helm (told as such), our own records.
fn is_noise(object: &Object) -> bool {
    let Object::MetaOnly(m) = object else { return false };
    let name = &*m.meta.name;
    name == "kube-root-ca.crt"
        || name.starts_with("sh.helm.release.v1.")
        || name.starts_with("timonel-")
        || name.contains("leader")
        || name.ends_with("-lock")
}

fn difference(old: &Object, new: &Object) -> Option<What> {
    match (old, new) {
        (Object::Workload(old), Object::Workload(new)) => workload(old, new),
        (Object::CronJob(old), Object::CronJob(new)) => cron_job(old, new),
        (Object::Hpa(old), Object::Hpa(new)) => hpa(old, new),
        (Object::Service(old), Object::Service(new)) => service(old, new),
        (Object::MetaOnly(old), Object::MetaOnly(new)) => newer(&old.meta, &new.meta),
        (Object::Ingress(old), Object::Ingress(new)) => (old.meta.generation != new.meta.generation).then_some(What::Edited),
        _ => None,
    }
}

fn workload(old: &Workload, new: &Workload) -> Option<What> {
    if old.paused != new.paused {
        return Some(if new.paused { What::HeldBack } else { What::LetGo });
    }
    // The wanted count of a DaemonSet follows the nodes.
    (old.desired != new.desired && new.kind != Kind::DaemonSet).then_some(What::Scaled { from: old.desired, to: new.desired })
}

fn cron_job(old: &CronJob, new: &CronJob) -> Option<What> {
    if old.suspended != new.suspended {
        return Some(if new.suspended { What::HeldBack } else { What::LetGo });
    }
    ((&old.schedule, &old.time_zone) != (&new.schedule, &new.time_zone)).then_some(What::Edited)
}

fn hpa(old: &Hpa, new: &Hpa) -> Option<What> {
    let bounds = |h: &Hpa| (h.min, h.max);
    (bounds(old) != bounds(new)).then_some(What::Bounds { from: bounds(old), to: bounds(new) })
}

fn service(old: &Service, new: &Service) -> Option<What> {
    ((&old.selector, &old.ports) != (&new.selector, &new.ports)).then_some(What::Edited)
}

fn newer(old: &Meta, new: &Meta) -> Option<What> {
    (old.resource_version != new.resource_version).then_some(What::Edited)
}

#[cfg(test)]
mod tests;
