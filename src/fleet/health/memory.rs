//! What was seen of a workload before: the earlier ready count, and since when something is under way.
//!
//! The rule "ok within its deadline while the earlier ready count holds" (contract.md 1) needs both. While everything wanted is
//! ready, the earlier count follows it; from the moment that something is missing or outdated it stands still, and goes down
//! only with what is wanted. The deadline runs from the last progress: a change of the wanted state, or more ready or updated
//! pods than ever before in this change.
//!
//! A program that starts in the middle of a change has no memory. It then takes the earlier count from the snapshot
//! ([`super::Evidence`]): a scale-up that an event tells of gives the count before it; otherwise all that is wanted
//! counts as having been ready, so that a doubt is never drawn as good news.

use super::rollout::{Evidence, deadline, wants_updated};
use crate::base::text::Str;
use crate::target::model::{Seconds, Workload};

/// What was seen of one workload before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    uid: Str,
    generation: i64,
    /// Ready pods before the change that is under way.
    earlier: i32,
    change: Option<Change>,
}

/// A change that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    /// The last progress.
    since: Seconds,
    most_ready: i32,
    most_updated: i32,
    desired: i32,
}

impl Memory {
    /// The memory of a workload that is seen for the first time.
    pub fn first(w: &Workload, evidence: &Evidence, now: Seconds) -> Self {
        let mut memory = Self { uid: w.meta.uid.clone(), generation: w.meta.generation, earlier: w.desired, change: None };
        if !steady(w) {
            memory.earlier = evidence.scaled_from.unwrap_or(w.desired).min(w.desired);
            memory.change = Some(Change::new(w, evidence.last_progress.unwrap_or(now).min(now)));
        }
        memory
    }

    /// Takes in the workload as it is now.
    pub fn observe(&mut self, w: &Workload, now: Seconds) {
        if self.uid != w.meta.uid {
            // Made anew under the same name: nothing was ready before.
            *self = Self { uid: w.meta.uid.clone(), generation: w.meta.generation, earlier: 0, change: None };
        }
        if steady(w) {
            (self.earlier, self.change, self.generation) = (w.desired, None, w.meta.generation);
            return;
        }
        self.earlier = self.earlier.min(w.desired);
        let change = self.change.get_or_insert_with(|| Change::new(w, now));
        let progress =
            self.generation != w.meta.generation || change.desired != w.desired || w.ready > change.most_ready || w.updated > change.most_updated;
        if progress {
            change.since = now;
        }
        if self.generation != w.meta.generation {
            (change.most_ready, change.most_updated) = (w.ready, w.updated);
        }
        change.most_ready = change.most_ready.max(w.ready);
        change.most_updated = change.most_updated.max(w.updated);
        (change.desired, self.generation) = (w.desired, w.meta.generation);
    }

    /// Ready pods before the change that is under way.
    pub(super) fn earlier(&self) -> i32 {
        self.earlier
    }

    /// Until when the change that is under way may take.
    pub(super) fn until(&self, w: &Workload) -> Option<Seconds> {
        self.change.map(|c| c.since.saturating_add(deadline(w)))
    }
}

impl Change {
    fn new(w: &Workload, since: Seconds) -> Self {
        Self { since, most_ready: w.ready, most_updated: w.updated, desired: w.desired }
    }
}

/// Everything that is wanted is there.
fn steady(w: &Workload) -> bool {
    w.ready >= w.desired && !super::rollout::behind(w, wants_updated(w))
}
