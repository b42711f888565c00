//! A command in a container, as a plan has it.
//!
//! Owns its shape, its words and its way back. Must not run it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::FieldWrite;
use crate::base::text::clean;
use crate::run::scrub;
use crate::target::api::Command;

/// Where a command of a plan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::run) enum Place {
    /// Into a container of a ready pod.
    #[default]
    Pod,
    /// A program on this machine.
    Here,
    /// No command: its first word is told over the channels that its container names; its second is what an alarm is told.
    Channels,
}

/// The second word of what is told: what an alarm is told is what becomes of the run, known when it is told.
pub(in crate::run) const EVENT: &str = "${run.event}";
/// What it is where the run held: no alarm, and the end of one where its channel says so.
pub const HELD: &str = "held";

/// A command of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::run) struct Exec {
    /// What is run, and where.
    pub command: Command,
    /// Where that is.
    #[serde(default)]
    pub place: Place,
    /// The command that takes it back, in the same place.
    pub back: Option<Vec<String>>,
    /// It changes nothing.
    pub reads: bool,
    /// Once more does no harm: it may be run again where it is not known whether it ran.
    pub again: bool,
    /// Probes that are green when it was done.
    pub proven_by: Vec<String>,
    /// How long its end is waited for.
    pub within: Duration,
}

impl FieldWrite {
    /// Whether it goes past the target: no lock is taken for it, and no note is left of it there.
    pub(in crate::run) fn is_outside(&self) -> bool {
        self.exec().is_some_and(|exec| exec.place != Place::Pod)
    }
}

impl Exec {
    /// The command as it may be shown.
    pub(in crate::run) fn words(&self) -> String {
        clean(&scrub::text(&self.command.argv.join(" "))).into_owned()
    }

    /// The same with where it goes.
    pub(super) fn place_words(&self) -> String {
        match self.place {
            Place::Pod => format!("{} in {}", self.words(), self.command.container),
            Place::Here => format!("{} on this machine", self.words()),
            Place::Channels => format!("a word to {}", self.command.container),
        }
    }

    /// The command that takes it back, in the same place.
    pub(super) fn reversed(&self) -> Self {
        let argv = self.back.clone().unwrap_or_default();
        let command = Command { argv, ..self.command.clone() };
        Self { command, back: None, proven_by: Vec::new(), ..self.clone() }
    }
}
