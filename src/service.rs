//! Service files: one product that somebody operates, described in TOML.
//!
//! Owns reading, resolving for one environment, and lint. A file is read twice: once for what is common (which environments there
//! are), once per environment, where `${env.x}` has a value. Unknown keys are errors. Tables that later versions act on are
//! accepted and listed, never silently dropped. Must not know the target: whether a name exists is asked elsewhere.

mod action;
mod around;
mod contact;
mod declared;
mod environment;
mod expectation;
mod file;
mod freeze;
mod hours;
mod lint;
mod names;
mod probe;
mod trust;
mod workload;

pub use action::{
    ActionStep, BackupState, Condition, FileAction, Migrated, OnFail, Requirement, ScheduleOp, SqlCheck, StepKind, Template, Value, Var, VarKind,
};
pub use contact::{Contact, Escalation, Reachable, to_call};
pub use declared::{
    AlarmEvent, Backup, BackupKind, CandidateImage, Channel, ChannelKind, Comparison, Database, DatabaseAt, DatabaseConnections, Declared,
    DumpFormat, Kpi, MigrationTool, Migrations, ReleaseSource, Releases, RunAs, Secret, SecretRef, Source, SourceKind, Symptom, Threshold, Verify,
};
pub use environment::{Environment, PIN, Target};
pub use expectation::Expectation;
pub use file::{Choice, Defaults, ServiceFile};
pub use freeze::Freeze;
pub use hours::Hours;
pub use lint::check;
pub use probe::{Endpoint, EndpointError, Expect, HeaderSpec, HeaderValue, JsonType, ProbeKind, ProbeSpec, StatusSet, defaults as probe_defaults};
pub use trust::Origin;
pub use workload::{Workload, WorkloadKind};

use crate::base::environment::EnvironmentKind;
use crate::base::toml::{Spot, Table};

/// The JSON Schema of service files, for editors. A test holds it against the reader, key by key.
pub const SCHEMA: &str = include_str!("../assets/schemas/service.json");

/// A service in one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Id: in object names and Leases.
    pub id: String,
    /// Name for people; the id when none is given.
    pub name: String,
    /// Who owns it.
    pub owner: Option<String>,
    /// Language of its people: `es`, `en`.
    pub locale: Option<String>,
    /// Where its images or sources are.
    pub repo: Option<String>,
    /// Where it is documented.
    pub docs: Option<String>,
    /// The environment; `None` when the file describes none.
    pub environment: Option<Environment>,
    /// The least time between two rollbacks of a workload, when it says one.
    pub rollback_gap: Option<std::time::Duration>,
    /// Its workloads.
    pub workloads: Vec<Workload>,
    /// Its probes in this environment.
    pub probes: Vec<ProbeSpec>,
    /// Who to call.
    pub contacts: Vec<Contact>,
    /// What to do at which level of trouble, the gravest first.
    pub escalations: Vec<Escalation>,
    /// What it declares beside those.
    pub declared: Declared,
    /// Its own actions in this environment.
    pub actions: Vec<FileAction>,
    /// Where it came from, in a few words: `shop.toml`, `ConfigMap shop/timonel`.
    pub source: String,
    /// Whose word it is.
    pub origin: Origin,
    /// What `${env.x}` and `${service.x}` stand for here.
    pub names: std::collections::BTreeMap<String, String>,
}

impl Service {
    /// The kind of its environment where names give `named`; `None` when it describes none. A file from the cluster may make an
    /// environment stricter than its names do, not milder: whoever may write a ConfigMap would lower the confirmations of everybody.
    pub fn kind(&self, named: EnvironmentKind) -> Option<EnvironmentKind> {
        let kind = self.environment.as_ref()?.kind;
        let milder = matches!(self.origin, Origin::Cluster { .. }) && kind.floor() < named.floor();
        Some(if milder { named } else { kind })
    }
}

/// Something in a file that this version accepts and does not act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Later {
    /// The key or table.
    pub key: String,
    /// Where.
    pub spot: Spot,
}

impl Later {
    /// Accepts `keys` of `table` and notes those that are written.
    fn note(table: &Table<'_>, keys: &[&'static str], later: &mut Vec<Self>) {
        let parent = table.spot().path.clone();
        let key = |key: &str| if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") };
        later.extend(table.accept(keys).into_iter().map(|found| Self { key: key(found.value), spot: found.spot }));
    }
}

#[cfg(test)]
mod tests;
