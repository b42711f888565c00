//! What drivers tell: objects that changed, the state of every stream, log lines.
//!
//! Owns plain data. Events travel over bounded channels made by `runtime`; a driver that finds a channel full waits (object
//! batches, coalesced before) or drops the oldest and says how many (log lines).

use jiff::Timestamp;

use super::api::{ErrorKind, Identity};
use super::model::{NodeMetrics, Object, ObjectRef, PodMetrics};
use super::probe::ProbeReport;
use super::request::{LogSource, StreamKey};
use crate::base::problem::Problem;
use crate::base::text::Str;

/// Id of the problem that a credential plugin made nothing without a terminal: it may want to ask.
pub const SIGN_IN: &str = "target:sign-in";

/// One thing a driver tells.
#[derive(Debug, Clone)]
pub enum TargetEvent {
    /// The client was built: which context, which namespaces.
    Opened(Opened),
    /// The client could not be built; the program goes on without a target and says why.
    OpenFailed(Problem),
    /// What the server said about itself; sent again when it changes.
    Identity(Identity),
    /// A stream changed its state.
    Stream {
        /// Which.
        key: StreamKey,
        /// Its state now.
        state: StreamState,
    },
    /// Objects changed.
    Objects {
        /// By which stream they came.
        key: StreamKey,
        /// In order.
        changes: Vec<ObjectChange>,
    },
    /// First paint: kubectl's own columns from a server-side Table, before the objects are there.
    Table {
        /// Which stream will bring the objects.
        key: StreamKey,
        /// Column titles.
        columns: Vec<Str>,
        /// Cells as kubectl would print them; the first is the name.
        rows: Vec<Vec<Str>>,
    },
    /// All pod metrics of a scope at a time; absent pods have none.
    PodMetrics {
        /// When they were read.
        at: Timestamp,
        /// Per pod.
        pods: Vec<PodMetrics>,
    },
    /// All node metrics.
    NodeMetrics(Vec<NodeMetrics>),
    /// Metrics cannot be had, and why.
    NoMetrics {
        /// What kind of failure.
        kind: ErrorKind,
        /// In words.
        reason: String,
    },
    /// Something about logs.
    Log(LogEvent),
    /// A probe was asked, or is about to be for the first time.
    Probe(ProbeReport),
    /// Something that the driver could not do.
    Problem(Problem),
    /// A problem of that id is gone.
    Solved(String),
}

/// A target that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Context; empty in a cluster.
    pub context: String,
    /// Cluster name of the kubeconfig.
    pub cluster: String,
    /// User name of the kubeconfig.
    pub user: String,
    /// Server address.
    pub server: String,
    /// Namespaces that are looked at; `None` = all.
    pub namespaces: Option<Vec<String>>,
    /// All contexts that could be switched to.
    pub contexts: Vec<String>,
}

/// The state of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamState {
    /// The first list is under way.
    Loading,
    /// Up to date.
    Connected,
    /// Was up to date until then; reconnecting.
    Stale {
        /// Since when nothing was heard.
        since: Timestamp,
        /// Why, in words.
        reason: String,
    },
    /// Cannot be had: no rights, no such resource, no connection yet. Retried slowly.
    Failed {
        /// What kind of failure.
        kind: ErrorKind,
        /// In words.
        reason: String,
    },
}

/// One change of a watched set of objects.
#[derive(Debug, Clone)]
pub enum ObjectChange {
    /// A fresh list begins; what it does not bring until `Listed` is gone.
    Listing,
    /// An object is there or changed.
    Applied(Object),
    /// An object is gone.
    Deleted(ObjectRef),
    /// The fresh list is complete.
    Listed,
}

/// Something about logs.
#[derive(Debug, Clone)]
pub enum LogEvent {
    /// Lines, in the order of their source.
    Lines {
        /// Whose.
        source: LogSource,
        /// The lines.
        lines: Vec<LogLine>,
    },
    /// The stream of a source changed.
    State {
        /// Whose.
        source: LogSource,
        /// Its state now.
        state: LogState,
    },
}

/// One line of a log, stripped of control sequences and bounded in length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When the runtime wrote it.
    pub at: Timestamp,
    /// The text without its line break; cut at 16 KiB with a mark of how much was cut.
    pub text: Box<str>,
}

/// The state of one log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogState {
    /// Connecting for the first time, or waiting for the container to start.
    Waiting {
        /// Why.
        reason: String,
    },
    /// Following.
    Following,
    /// The connection was lost and came back.
    Reconnected {
        /// How long it was gone, in milliseconds.
        gap_ms: u64,
        /// Lines that may be missing: `Some(0)` = nothing missed, `None` = cannot be told.
        missed: Option<u64>,
    },
    /// The container ended; nothing more will come.
    Ended {
        /// How it ended, in words.
        reason: String,
    },
    /// Lines were dropped because the program could not keep up.
    Dropped {
        /// How many.
        lines: u64,
    },
    /// Cannot be followed.
    Failed {
        /// What kind of failure.
        kind: ErrorKind,
        /// In words.
        reason: String,
    },
}
