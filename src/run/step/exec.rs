//! A command in a container, as a plan has it.
//!
//! Owns its shape, its words and its way back. Must not run it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::text::clean;
use crate::run::scrub;
use crate::target::api::Command;

/// A command of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::run) struct Exec {
    /// What is run, and where.
    pub command: Command,
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

impl Exec {
    /// The command as it may be shown.
    pub(in crate::run) fn words(&self) -> String {
        clean(&scrub::text(&self.command.argv.join(" "))).into_owned()
    }

    /// The command that takes it back, in the same place.
    pub(super) fn reversed(&self) -> Self {
        let argv = self.back.clone().unwrap_or_default();
        let command = Command { argv, ..self.command.clone() };
        Self { command, back: None, proven_by: Vec::new(), ..self.clone() }
    }
}
