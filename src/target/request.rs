//! What the program asks a driver to keep doing.
//!
//! Owns plain data: which streams to watch, which logs to follow. Must not know how.

use super::model::{Kind, Scope, Seconds};
use crate::base::text::Str;

/// Names one stream of objects: one task, one back-off, one published state each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamKey {
    /// What is watched.
    pub kind: Kind,
    /// Where.
    pub scope: Scope,
}

/// Which cluster, as whom, where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetSpec {
    /// Paths given with `--kubeconfig`; empty = `KUBECONFIG`, then the default file, then in-cluster.
    pub kubeconfig: Option<String>,
    /// Context; `None` = the kubeconfig's current one.
    pub context: Option<String>,
    /// Namespaces to look at.
    pub namespaces: Namespaces,
    /// Build a client that cannot change anything (contract.md 10).
    pub read_only: bool,
}

/// Which namespaces to look at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Namespaces {
    /// The context's own, else `default`.
    #[default]
    FromContext,
    /// All of them.
    All,
    /// These.
    Some(Vec<String>),
}

/// One container's log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogSource {
    /// Namespace of the pod.
    pub namespace: Str,
    /// Pod.
    pub pod: Str,
    /// Identity of the pod: a new pod of the same name (StatefulSet) is another source.
    pub pod_uid: Str,
    /// Container.
    pub container: Str,
    /// The container's previous run instead of the current one.
    pub previous: bool,
}

/// How much of a log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    /// How many lines from before now; `None` = all.
    pub tail: Option<u32>,
    /// Only lines since then.
    pub since: Option<Seconds>,
    /// Go on with new lines.
    pub follow: bool,
}
