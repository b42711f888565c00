//! How well each thing is: the table of contract.md 1, one file per row of it.
//!
//! Owns the verdicts as pure functions of slim objects, of what was seen earlier ([`Memory`]) and of the time. Must not find
//! out why (that is `cause`) nor walk the store (that is `judge`).

mod job;
mod memory;
mod pod;
mod rollout;
mod schedule;
mod service;
mod whole;

pub(crate) use job::succeeded;
pub use job::{cron_job, job};
pub use memory::Memory;
pub use pod::{group, pod};
pub use rollout::{Evidence, workload};
pub use schedule::Schedule;
pub use service::{Endpoints, service};
pub use whole::{Member, Part, whole};

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::health::Health;
use crate::target::model::Seconds;

/// What is thought of one thing now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How well it is.
    pub health: Health,
    /// How far its rollout is.
    pub rollout: Rollout,
    /// In a few words, where it is not plainly ok: `2 of 3 ready`, `paused`, `progressing: 3 of 5 ready`.
    pub text: Option<String>,
    /// When the verdict changes by itself, without an event.
    pub turn: Option<Seconds>,
}

/// How far a rollout is (cli.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rollout {
    /// Nothing is under way.
    Done,
    /// Pods are being replaced or added, within the deadline.
    Progressing,
    /// The deadline passed, or a new pod cannot start.
    Stalled,
    /// Held back by somebody.
    Paused,
}

impl Verdict {
    fn new(health: Health) -> Self {
        Self { health, rollout: Rollout::Done, text: None, turn: None }
    }

    fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    fn turn(mut self, at: Option<Seconds>) -> Self {
        self.turn = at;
        self
    }
}

#[cfg(test)]
mod tests;
