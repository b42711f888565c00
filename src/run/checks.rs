//! The preconditions of changing a workload, each a pure function from what was read to an answer (contract.md 4).
//!
//! Owns the ids, what is required, and the words. Must not ask the target: what it judges was read before.

mod connections;
mod hpa;
mod nodes;
mod owners;
mod quota;
mod state;

pub use connections::Connections;
pub(in crate::run) use connections::{Pods, connections};
pub use hpa::HpaChoice;
pub(in crate::run) use hpa::{DOWN, HpaFacts, UP, check as hpa, pause_words, paused_before, paused_for};
pub(in crate::run) use nodes::{Room, check as nodes};
pub(in crate::run) use owners::{check as owners, made_by as controller};
pub(in crate::run) use quota::check as quota;
pub(in crate::run) use state::{
    dry_run, freeze, identity, lock, min_ready, min_ready_while_rolling, paused, pdb, pdb_while_rolling, read_only, rights, rollout, strategy,
    untried, volumes,
};

use crate::target::api::{Access, Allowed, TargetError};

/// A right that a plan needs, and what the server said.
#[derive(Debug, Clone)]
pub(in crate::run) struct Right {
    pub access: Access,
    /// Whether nothing works without it, or what is lost without it.
    pub without: Option<&'static str>,
    pub answer: Result<Allowed, TargetError>,
}
