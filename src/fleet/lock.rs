//! Who works on what: the locks of runs, as their Leases tell every console that looks (contract.md 7, 8).
//!
//! Owns the names of the Lease's annotations, when a holder counts as silent, and a short memory of locks that were let go. Must not
//! take, renew or judge the right to take one: that is `run`'s.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::Fleet;
use super::store::Key;
use crate::base::text::Str;
use crate::target::model::{Event, Kind, LOCKS_OF_CLUSTER, Lease, Meta, Object, ObjectRef, Seconds};

/// Annotations of a Lease (contract.md 8).
pub mod note {
    /// Run id.
    pub const RUN: &str = "timonel.io/run";
    /// `scale 5->3`.
    pub const ACTION: &str = "timonel.io/action";
    /// Why, as its operator wrote it.
    pub const REASON: &str = "timonel.io/reason";
    /// Since when.
    pub const SINCE: &str = "timonel.io/since";
    /// Which step the run is at, and what its proof has seen.
    pub const STEP: &str = "timonel.io/step";
    /// What a waiting plan is made from: never the plan.
    pub const INPUTS: &str = "timonel.io/inputs";
    /// The plan's hash.
    pub const PLAN_HASH: &str = "timonel.io/plan-hash";
    /// The holder's name in the cluster.
    pub const HOLDER_USER: &str = "timonel.io/holder-user";
    /// Who approved, by their name in the cluster.
    pub const APPROVED_BY: &str = "timonel.io/approved-by";
    /// What they approved: run id and hash.
    pub const APPROVED_HASH: &str = "timonel.io/approved-hash";
    /// Until when a plan waits.
    pub const EXPIRES_AT: &str = "timonel.io/expires-at";
    /// Who asks for the lock, and for what.
    pub const PREEMPT_BY: &str = "timonel.io/preempt-by";
}

/// How the name of a service's lock begins.
pub(crate) const OF_SERVICE: &str = "timonel-file-";
/// Locks that were let go and are still told of.
const PAST: usize = 16;
/// The reporter of the events of runs.
const REPORTER: &str = "timonel.io/console";

/// The lock of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Its Lease.
    pub lease: ObjectRef,
    /// What is locked, as far as the Lease's name tells.
    pub object: Option<ObjectRef>,
    /// `ana@bastion`; of a plan that waits without the lock: its requester's name in the cluster.
    pub by: Str,
    /// The holder's name in the cluster.
    pub user: Str,
    /// Run id.
    pub run: Str,
    /// `scale 5->3`.
    pub action: Str,
    /// Why, when it was said.
    pub reason: Option<Str>,
    /// Since when, by the holder's clock.
    pub since: Option<Timestamp>,
    /// Which step, and what its proof has seen.
    pub step: Str,
    /// Who asks for the lock, and for what.
    pub preempt_by: Option<Str>,
    /// Who approved the plan that waits.
    pub approved_by: Option<Str>,
    /// How it stands.
    pub state: LockState,
}

/// How a lock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockState {
    /// Its holder renews it.
    Held,
    /// Its holder has not renewed it for as long as it is good, on our clock: it can be taken over.
    Silent {
        /// Last sign of life, on our clock.
        since: Seconds,
    },
    /// A plan waits for a second person.
    Waits {
        /// Until when.
        until: Option<Timestamp>,
    },
    /// It was let go.
    Over {
        /// When that was seen.
        at: Seconds,
    },
}

/// When each lock was last seen to change, and those that were let go.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    heard: BTreeMap<Key, Seconds>,
    past: VecDeque<Lock>,
}

impl Fleet {
    /// The locks that are held, and the plans that wait, by namespace and name.
    pub fn locks(&self, now: Timestamp) -> Vec<Lock> {
        self.objects.leases.iter().filter_map(|lease| self.lock(lease, now.as_second())).collect()
    }

    /// Locks that were let go while we looked, the newest first.
    pub fn past_locks(&self) -> impl Iterator<Item = &Lock> {
        self.locks.past.iter().rev()
    }

    /// What a run told last, as an event in the cluster: how it began, or how it ended.
    pub fn told_of_run(&self, run: &str) -> Option<&Event> {
        let about = format!("run {run}: ");
        let own = self.objects.events.iter().filter(|e| &*e.source == REPORTER && e.message.starts_with(&about));
        own.max_by_key(|e| (e.last, &*e.reason != "TimonelStarted")).map(|e| &**e)
    }

    /// Counts each lock as renewed when its holder says that it was. For a single look, which sees nothing change: by a clock that is
    /// wrong it may call a holder silent that is not.
    pub fn believe_renewals(&mut self) {
        for lease in self.objects.leases.iter() {
            let key = Key::new(&lease.meta.namespace, &lease.meta.name);
            if let (Some(heard), Some(renewed)) = (self.locks.heard.get_mut(&key), lease.renewed) {
                *heard = renewed.min(*heard);
            }
        }
    }

    fn lock(&self, lease: &Lease, now: Seconds) -> Option<Lock> {
        let key = Key::new(&lease.meta.namespace, &lease.meta.name);
        let heard = self.locks.heard.get(&key).copied().unwrap_or(now);
        of(lease, heard, now)
    }

    /// Notes when a lock was renewed, and when one was let go.
    pub(super) fn note_lock(&mut self, old: Option<&Object>, new: Option<&Object>, now: Seconds) {
        let lease = |object: Option<&Object>| match object {
            Some(Object::Lease(lease)) => Some(lease.clone()),
            _ => None,
        };
        let (old, new) = (lease(old), lease(new));
        let Some(any) = new.as_ref().or(old.as_ref()) else { return };
        let key = Key::new(&any.meta.namespace, &any.meta.name);
        if let Some(was) = old.as_ref().and_then(|o| of(o, now, now)) {
            let goes_on = new.as_ref().and_then(|n| of(n, now, now)).is_some_and(|n| n.run == was.run);
            if !goes_on {
                self.locks.past.retain(|p| p.run != was.run);
                self.locks.past.push_back(Lock { state: LockState::Over { at: now }, ..was });
                while self.locks.past.len() > PAST {
                    self.locks.past.pop_front();
                }
            }
        }
        match (&old, &new) {
            (_, None) => {
                self.locks.heard.remove(&key);
            }
            (Some(o), Some(n)) if (o.renewed, &o.holder) == (n.renewed, &n.holder) => {}
            _ => {
                self.locks.heard.insert(key, now);
            }
        }
    }
}

/// The lock that a Lease is; `None` when nobody holds it and nothing waits.
fn of(lease: &Lease, heard: Seconds, now: Seconds) -> Option<Lock> {
    // The timer of an armed change locks nothing.
    if lease.meta.name.starts_with(super::armed::PREFIX) {
        return None;
    }
    let note = |key: &str| lease.meta.annotation(key).cloned();
    let time = |key: &str| note(key).and_then(|t| t.parse::<Timestamp>().ok());
    let until = time(note::EXPIRES_AT);
    let waits = note(note::INPUTS).is_some() && until.is_none_or(|at| at.as_second() > now);
    let state = match lease.holder.is_empty() {
        _ if waits => LockState::Waits { until },
        true => return None,
        false if now - heard >= lease.duration => LockState::Silent { since: heard },
        false => LockState::Held,
    };
    let user = note(note::HOLDER_USER).unwrap_or_default();
    let by = match lease.holder.rsplit_once('/') {
        Some((by, _)) => by.into(),
        None if lease.holder.is_empty() => user.clone(),
        None => lease.holder.clone(),
    };
    let run = note(note::RUN).or_else(|| lease.holder.rsplit_once('/').map(|(_, run)| run.into()));
    Some(Lock {
        lease: ObjectRef::new(Kind::Lease, lease.meta.namespace.clone(), lease.meta.name.clone()),
        object: locked(&lease.meta),
        by,
        user,
        run: run.unwrap_or_default(),
        action: note(note::ACTION).unwrap_or_default(),
        reason: note(note::REASON),
        since: time(note::SINCE),
        step: note(note::STEP).unwrap_or_default(),
        preempt_by: note(note::PREEMPT_BY),
        approved_by: note(note::APPROVED_BY),
        state,
    })
}

/// `timonel-deployment-api` is the Deployment api; a name that had to be cut does not tell.
fn locked(lease: &Meta) -> Option<ObjectRef> {
    let (kind, name) = lease.name.strip_prefix("timonel-")?.split_once('-')?;
    let kind = Kind::parse(kind)?;
    let cut = lease.name.len() >= crate::base::id::NAME_MAX;
    let misplaced = !kind.namespaced() && &*lease.namespace != LOCKS_OF_CLUSTER;
    let namespace = if kind.namespaced() { lease.namespace.clone() } else { Str::default() };
    (!cut && !misplaced).then(|| ObjectRef::new(kind, namespace, name))
}

impl Lock {
    /// What is locked, for people: the object, else the Lease.
    pub fn what(&self) -> String {
        match self.lease.name.strip_prefix(OF_SERVICE) {
            Some(service) => format!("service {service} in {}", self.lease.namespace),
            None => self.object.as_ref().unwrap_or(&self.lease).to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
