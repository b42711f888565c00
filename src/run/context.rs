//! What every plan rests on besides the target, and why there may be none.
//!
//! Owns these two values. Made by whoever asks for a plan; read by the actions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::backup::Dump;
use super::checks::Connections;
use super::environment::Environment;
use super::level::Nature;
use super::migrate::{Applied, Migration};
use super::plan::Operator;
use super::scrub;
use crate::base::id::{hex, run_id};
use crate::target::api::{ErrorKind, TargetError};
use crate::target::model::ObjectRef;

/// What a plan rests on besides the target.
#[derive(Debug, Clone)]
pub struct PlanContext {
    /// Context of the kubeconfig, for people and for the equivalent commands.
    pub context: String,
    /// Which environment the target is.
    pub environment: Environment,
    /// Who asks. `cluster_user` is read from the target.
    pub operator: Operator,
    /// The console may not write.
    pub read_only: bool,
    /// The cluster's UID as a service file pins it.
    pub cluster_pin: Option<String>,
    /// The least number of ready pods that a service file allows, by the name of the workload.
    pub min_ready: BTreeMap<String, u32>,
    /// What a service file says of the connections of its databases.
    pub connections: Vec<Connections>,
    /// How many pods further workloads shall have by the same plan.
    pub counts: BTreeMap<ObjectRef, u32>,
    /// Name of a freeze that holds now.
    pub freeze: Option<String>,
    /// Ids of the probes that must be green afterwards.
    pub probes: Vec<String>,
    /// The backups that the service file declares and that a Job can make.
    pub dumps: Vec<Dump>,
    /// How the service file says that its schema is moved.
    pub migration: Option<Migration>,
    /// What the database itself says was applied, where it could be asked just now.
    pub applied: Option<Applied>,
    /// The workloads that write to the database, in the order of the service file: they are stopped before the schema goes back.
    pub writers: Vec<ObjectRef>,
    /// Digests of the pod templates of its object that our own journal once proved ready.
    pub proven: BTreeSet<String>,
    /// How long each proof may take.
    pub prove_within: Duration,
    /// The same where a person or the service file says it; `None` = what takes long takes its own time.
    pub limit: Option<Duration>,
    /// Four random hex digits of the plan's id.
    pub random: u16,
    /// The service whose file is in use: one run at a time changes it.
    pub service: Option<String>,
    /// That file, so that a run that is resumed finds it again.
    pub file: Option<FileRef>,
    /// The last rollback of its object that our own journal has.
    pub rolled_back: Option<RolledBack>,
    /// The least time between two rollbacks, in which the first one may show what it does.
    pub rollback_gap: Duration,
    /// It takes back a run: a mitigation, whatever it does.
    pub undo: bool,
    /// It is a step of a rollback that takes the schema back first: a mitigation, whatever it does, and the schema is looked at as a whole.
    pub ordered: bool,
    /// It asks a live run for its lock.
    pub preempts: bool,
    /// The image that an earlier step of the same plan asks what is pending, and a person before what loses data goes on.
    pub asks: Option<String>,
    /// The id of a plan that is made anew for a run that waits; a lock of that run is no lock of somebody else.
    pub run: Option<String>,
}

/// The service file that a plan was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    /// Where it was.
    pub path: String,
    /// Of its text.
    pub digest: String,
    /// The environment of it that was chosen.
    pub environment: Option<String>,
    /// The namespace whose ConfigMap it came from: it may do less than a file of the operator's own. `None` = their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl FileRef {
    /// The digest of a text.
    pub fn digest(text: &str) -> String {
        format!("sha256:{}", hex(&Sha256::digest(text)))
    }
}

/// A rollback of a workload that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// When it began.
    pub at: Timestamp,
    /// Who, and by which run: `ana@bastion (20261122-143312-rollback-7f3a)`.
    pub by: String,
}

impl PlanContext {
    /// A context with nothing but what every plan needs: no service file, no probes, proofs within 300 s.
    pub fn new(context: impl Into<String>, environment: Environment, operator: Operator) -> Self {
        Self {
            context: context.into(),
            environment,
            operator,
            read_only: false,
            cluster_pin: None,
            min_ready: BTreeMap::new(),
            connections: Vec::new(),
            counts: BTreeMap::new(),
            freeze: None,
            probes: Vec::new(),
            dumps: Vec::new(),
            migration: None,
            applied: None,
            writers: Vec::new(),
            proven: BTreeSet::new(),
            prove_within: Duration::from_mins(5),
            limit: None,
            random: fastrand::u16(..),
            service: None,
            file: None,
            rolled_back: None,
            rollback_gap: Duration::from_mins(10),
            undo: false,
            ordered: false,
            preempts: false,
            asks: None,
            run: None,
        }
    }

    /// What a change of that nature is here.
    pub(in crate::run) fn nature(&self, own: Nature) -> Nature {
        if self.undo || self.ordered { Nature::Mitigation } else { own }
    }

    /// The id of a plan of that action.
    pub(in crate::run) fn id(&self, action: &str, now: Timestamp) -> String {
        self.run.clone().unwrap_or_else(|| run_id(now, action, self.random))
    }
}

impl PlanContext {
    /// The id that a plan of that name gets now.
    pub fn run_id(&self, action: &str, now: Timestamp) -> String {
        self.id(action, now)
    }

    /// The least number of ready pods that this workload must keep.
    pub(in crate::run) fn floor(&self, workload: &ObjectRef) -> Option<u32> {
        self.min_ready.get(&*workload.name).copied()
    }
}

/// Why no plan could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// There is no such object.
    #[error("{0} does not exist")]
    Missing(ObjectRef),
    /// The target did not answer.
    #[error("{what}: {error}")]
    Target {
        /// What was asked.
        what: String,
        /// The answer.
        error: TargetError,
    },
}

impl PlanError {
    /// What it means that `object` could not be read.
    pub(in crate::run) fn of(object: &ObjectRef, error: &TargetError) -> Self {
        if error.kind == ErrorKind::NotFound {
            return Self::Missing(object.clone());
        }
        Self::Target {
            what: format!("{object} cannot be read"),
            error: TargetError { message: scrub::text(&error.message), ..error.clone() },
        }
    }

    /// The exit code of `plan` (cli.md).
    pub const fn plan_exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Missing(_) => 64,
            Self::Target { .. } => 3,
        }
    }

    /// The exit code of `run` (cli.md).
    pub const fn run_exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Missing(_) => 64,
            Self::Target { .. } => 4,
        }
    }
}
