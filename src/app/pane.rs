//! The four panes of the bridge.
//!
//! Owns their names, numbers and where their keys are looked up.

use crate::action::Context;

/// One of the four panes of the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pane {
    /// What runs.
    Workloads,
    /// How it is.
    Health,
    /// What was released.
    Releases,
    /// What it says.
    Logs,
}

impl Pane {
    /// All panes in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Workloads, Self::Health, Self::Releases, Self::Logs];

    /// Its number on screen.
    pub const fn number(self) -> u8 {
        match self {
            Self::Workloads => 1,
            Self::Health => 2,
            Self::Releases => 3,
            Self::Logs => 4,
        }
    }

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Workloads => "Workloads",
            Self::Health => "Health",
            Self::Releases => "Releases",
            Self::Logs => "Logs",
        }
    }

    /// Where its keys are looked up.
    pub const fn context(self) -> Context {
        match self {
            Self::Workloads => Context::Workloads,
            Self::Health => Context::Health,
            Self::Releases => Context::Releases,
            Self::Logs => Context::Logs,
        }
    }
}
