//! The Job of a dump.
//!
//! Owns what runs in it: the script beside this file and its environment, and what comes after that.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Upload;
use super::pod::{self, Script};
use crate::target::model::Kind;

/// Carried out by the image's own shell.
const SCRIPT: &str = include_str!("dump.sh");

/// A declared backup that a Job can make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dump {
    /// Id of the service.
    pub service: String,
    /// Id of the backup.
    pub id: String,
    /// Name of the PersistentVolumeClaim that it is written to.
    pub claim: String,
    /// Image with pg_dump, pg_restore and psql; empty = none is declared.
    pub image: String,
    /// Where the server is.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// The role.
    pub user: String,
    /// Its password.
    pub password: Option<Password>,
    /// Older than this the newest one is no longer fresh.
    pub max_age: Option<Duration>,
    /// How long dumps stay on the volume; `None` = for ever.
    pub keep: Option<Duration>,
    /// Whose table holds the schema revision.
    pub revision: Option<Revision>,
    /// Where it is taken afterwards.
    #[serde(default)]
    pub upload: Option<Upload>,
    /// What the catalogue calls it.
    #[serde(default)]
    pub label: Option<String>,
    /// When its Job is ended, whatever it does.
    #[serde(default)]
    pub deadline: Duration,
}

/// Where a database server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Host {
    /// At this name or address.
    Named(String),
    /// In the one ready pod of a workload.
    Pod(Workload),
}

/// A workload by kind and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Kind.
    pub kind: Kind,
    /// Name.
    pub name: String,
    /// Its namespace; `None` = that of whoever asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// Where a password is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Password {
    /// In a Secret of the cluster.
    Key {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The key in it.
        key: String,
    },
    /// Where no Job can read it: the scheme of its reference.
    Elsewhere(String),
}

/// The tool that keeps the schema's revision in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Revision {
    /// `alembic_version`.
    Alembic,
    /// `django_migrations`.
    Django,
    /// `_prisma_migrations`.
    Prisma,
    /// The table of plain files of SQL.
    Sql {
        /// Its name.
        table: String,
    },
}

impl Revision {
    /// What is asked of the database.
    fn query(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Alembic => "select string_agg(version_num, ' ' order by version_num) from alembic_version",
            Self::Django => {
                "select string_agg(app || '.' || name, ' ' order by app) from (select distinct on (app) app, name from django_migrations order by app, id desc) newest"
            }
            Self::Prisma => {
                "select migration_name from _prisma_migrations where finished_at is not null and rolled_back_at is null order by finished_at desc limit 1"
            }
            Self::Sql { table } => {
                let newest = format!(
                    "select version from (select cast(version as text) from {table}) as own(version) order by length(version) desc, version desc limit 1"
                );
                return Cow::Owned(newest);
            }
        })
    }
}

impl Dump {
    /// Name of the file of a run, without its ending: backup and time, so that the newest is the last by name.
    pub(super) fn file(&self, run: &str) -> String {
        let (day, rest) = run.split_once('-').unwrap_or((run, ""));
        let (time, rest) = rest.split_once('-').unwrap_or((rest, ""));
        format!("{}-{day}T{time}-{}", self.prefix(), rest.rsplit('-').next().unwrap_or_default())
    }

    /// What the files of this backup begin with.
    fn prefix(&self) -> String {
        format!("{}-{}", self.service, self.id)
    }

    /// What says to a script which dump that is, and of which backup.
    pub(super) fn names(&self, run: &str) -> Vec<Value> {
        [("DUMP", &*self.file(run)), ("PREFIX", &self.prefix()), ("SERVICE", &self.service), ("BACKUP", &self.id)]
            .map(|(name, value)| pod::variable(name, value))
            .into()
    }

    /// The `spec` of the Job of that run.
    pub(super) fn job(&self, host: &str, claim: &str, run: &str) -> Value {
        let mut environment = self.names(run);
        let server = [
            ("PGHOST", host),
            ("PGPORT", &self.port.to_string()),
            ("PGUSER", &self.user),
            ("PGDATABASE", &self.database),
            ("PGCONNECT_TIMEOUT", "10"),
        ];
        environment.extend(server.map(|(name, value)| pod::variable(name, value)));
        environment.extend(self.revision.as_ref().map(|r| pod::variable("REVISION", &r.query())));
        if let Some(Password::Key { name, key, .. }) = &self.password {
            environment.push(pod::secret("PGPASSWORD", name, key));
        }
        let file = format!("{}.dump", self.file(run));
        let mut scripts = vec![Script { name: "dump", image: &self.image, text: SCRIPT, environment, only_reads: false }];
        scripts.extend(self.upload.as_ref().map(|u| u.script(&file)));
        scripts.extend(self.pruning(run));
        pod::spec(run, claim, &scripts, self.deadline)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{Dump, Password};
    use crate::run::backup::Upload;
    use crate::run::record::tests::dump;

    #[test]
    fn retention_comes_last_of_all_and_the_job_has_an_end() {
        let key = |key: &str| Some(Password::Key { namespace: "shop".into(), name: "store".into(), key: key.into() });
        let upload = Upload {
            to: "s3://dumps/".into(),
            url: "https://s3.example.com/dumps/".into(),
            region: "eu-central-1".into(),
            image: "curl:8".into(),
            access_key: key("id"),
            secret_key: key("key"),
        };
        let (hours, keep) = (Duration::from_hours(3), Some(Duration::from_hours(48)));
        let containers = |keep, upload| {
            let job = Dump { keep, upload, deadline: hours, ..dump() }.job("10.0.0.1", "backups", "20261130-030000-backup-00ff");
            assert_eq!(job["activeDeadlineSeconds"], 10_800, "{job:#}");
            let pod = job["template"]["spec"].clone();
            let lists = ["initContainers", "containers"];
            lists.into_iter().flat_map(|list| pod[list].as_array().cloned().unwrap_or_default()).collect::<Vec<Value>>()
        };
        let names = |all: &[Value]| all.iter().map(|c| c["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>();
        let all = containers(keep, Some(upload.clone()));
        assert_eq!(names(&all), ["dump", "upload", "prune"]);
        let variable = |name: &str| all[2]["env"].as_array().and_then(|env| env.iter().find(|v| v["name"] == name)).map(|v| v["value"].clone());
        assert_eq!((variable("KEEP_MINUTES"), variable("BACKUP")), (Some(json!("2880")), Some(json!("daily"))));
        assert!(variable("PGPASSWORD").is_none(), "it deletes files, and asks no database");
        assert_eq!(names(&containers(keep, None)), ["dump", "prune"]);
        assert_eq!(names(&containers(None, Some(upload))), ["dump", "upload"]);
        assert_eq!(names(&containers(None, None)), ["dump"]);
    }
}
