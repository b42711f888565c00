//! What a service declares beside its workloads and probes: secrets, databases, backups, migrations, releases, measures, other
//! systems, symptoms, and whom to notify.
//!
//! Owns one noun a file and the references between them. What is declared here is data: what no part of the program acts on yet is
//! listed by `timonel check`, and nothing here is ever a sign that something is well.

mod backup;
mod database;
mod kpi;
mod migrations;
mod notify;
mod reference;
mod releases;
mod secret;
mod source;
mod symptom;

pub use backup::{Backup, BackupKind, DumpFormat, Verify};
pub use database::{Database, DatabaseAt, DatabaseConnections};
pub use kpi::{Comparison, Kpi, Threshold};
pub use migrations::{CandidateImage, MigrationTool, Migrations, RunAs};
pub use notify::{AlarmEvent, Channel, ChannelKind};
pub use releases::{ReleaseSource, Releases};
pub use secret::{Secret, SecretRef};
pub use source::{Source, SourceKind};
pub use symptom::Symptom;

use super::Later;
use super::around::Around;
use crate::base::toml::Table;

/// Everything that is declared, in one environment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Declared {
    /// Where secrets come from; never what they are.
    pub secrets: Vec<Secret>,
    /// Databases.
    pub databases: Vec<Database>,
    /// Backups.
    pub backups: Vec<Backup>,
    /// How the schema of the database moves; `None` = not said.
    pub migrations: Option<Migrations>,
    /// Where releases come from; `None` = not said.
    pub releases: Option<Releases>,
    /// Measures with their limits.
    pub kpis: Vec<Kpi>,
    /// Other systems that know something of the service.
    pub sources: Vec<Source>,
    /// Known troubles, and where to look.
    pub symptoms: Vec<Symptom>,
    /// Where to tell somebody.
    pub channels: Vec<Channel>,
}

impl Declared {
    /// The address of the Prometheus that measures are asked of, and the id of the secret that opens it.
    pub fn prometheus(&self) -> Option<(&str, Option<&str>)> {
        let source = self.sources.iter().find(|s| s.kind == SourceKind::Prometheus)?;
        Some((source.url.as_deref()?, source.secret.as_deref()))
    }

    /// The Alertmanager that alerts are asked of, with what of it is the service's; `None` without an address.
    pub fn alertmanager(&self) -> Option<(&str, &Source)> {
        let source = self.sources.iter().find(|s| s.kind == SourceKind::Alertmanager)?;
        Some((source.url.as_deref()?, source))
    }
}

/// Reads all of it. Notes what this version does not act on.
pub(super) fn decode(root: &Table<'_>, around: &Around<'_>, later: &mut Vec<Later>) -> Declared {
    reference::check(root);
    Declared {
        secrets: secret::decode(root, around, later),
        backups: backup::decode(root, around, later),
        migrations: migrations::decode(root, around),
        databases: database::decode(root, around),
        releases: releases::decode(root, around),
        kpis: kpi::decode(root, around),
        sources: source::decode(root, around),
        symptoms: symptom::decode(root, around),
        channels: notify::decode(root, around),
    }
}
