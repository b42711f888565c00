//! Work that a container of a Job does once: it dumps a database, reads a dump again, takes one elsewhere, asks an image and its
//! database of their revisions, applies them, or takes them back.
//!
//! Owns how such a container is known (by what its environment asks for), what it prints and when, what it says at its end, and what
//! is different afterwards. The databases and what images bring are data (assets/scenarios). Must not know pods: the kubelet does.

mod ask;
mod dump;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::behaviour::glob;

/// A database of a system.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    /// Namespace of whoever uses it.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
    /// Namespace of the workload whose pods serve it; that of its users when missing.
    #[serde(default)]
    pub(crate) served_in: Option<String>,
    /// The workload whose pods serve it.
    pub(crate) served_by: String,
    /// Major version of the server.
    pub(crate) server: u32,
    /// Bytes that it takes.
    pub(crate) bytes: u64,
    /// `alembic`, `django`, `prisma`.
    pub(crate) tool: String,
    /// What was applied: the newest of Alembic, all of the others.
    pub(crate) applied: Vec<String>,
    /// Its tables.
    pub(crate) table: Vec<Table>,
    /// Every revision that there is, in order.
    pub(crate) revision: Vec<Revision>,
    /// Which of them each image has.
    pub(crate) image: Vec<Image>,
}

/// A table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: String,
    /// Its rows.
    pub(crate) rows: u64,
    /// Its bytes, indexes among them.
    pub(crate) bytes: u64,
}

/// A revision.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revision {
    /// Its id; of Django with its app.
    pub(crate) id: String,
    /// What it is about.
    pub(crate) title: String,
    /// What it does.
    pub(crate) sql: String,
    /// What takes it back; it has no way back when missing.
    #[serde(default)]
    pub(crate) down: Option<String>,
    /// Rows that hold something in what taking it back drops, by `table` or `table.column`.
    #[serde(default)]
    pub(crate) held: BTreeMap<String, u64>,
}

/// An image with revisions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    /// Its name; `*` stands for anything. The first that fits counts.
    pub(crate) name: String,
    /// The newest revision that it has.
    pub(crate) head: String,
}

/// An errand that does not end well.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Namespace.
    pub(crate) namespace: String,
    /// `dump`, `verify`, `inspect`, `apply`.
    pub(crate) errand: String,
    /// How often it happens; then all goes well.
    pub(crate) times: u32,
    /// The words of the program that fails.
    pub(crate) error: String,
    /// Of `apply`: the revision that fails.
    #[serde(default)]
    pub(crate) revision: String,
    /// Of `apply`: its statement that fails.
    #[serde(default)]
    pub(crate) statement: String,
}

/// A file on a volume.
#[derive(Debug, Clone)]
pub(crate) struct File {
    bytes: u64,
    sha256: String,
    written: Timestamp,
}

/// What errands find, and what they leave.
#[derive(Debug, Default)]
pub(crate) struct Errands {
    databases: Vec<Database>,
    faults: Vec<Fault>,
    /// Files by namespace, claim and name.
    files: BTreeMap<(String, String, String), File>,
}

/// How an errand goes.
#[derive(Debug, Default)]
pub(crate) struct Play {
    /// What is printed, and how long after the start.
    pub(crate) lines: Vec<(Duration, String)>,
    /// When it ends.
    pub(crate) run: Duration,
    /// Exit code.
    pub(crate) exit: i32,
    /// Its termination message.
    pub(crate) message: String,
    /// What is different when it has ended by itself.
    pub(crate) deed: Option<Deed>,
}

/// What an errand leaves.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// A dump on a volume.
    Keep {
        /// Namespace, claim, name.
        place: (String, String, String),
        /// Its bytes and sum.
        file: (u64, String),
    },
    /// Dumps that are not on their volume any more.
    Delete(Vec<(String, String, String)>),
    /// Revisions of a database.
    Applied {
        /// Index of the database.
        database: usize,
        /// What is applied then.
        applied: Vec<String>,
    },
}

/// What a container was made to do, as far as its spec says it.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// Namespace of its pod.
    pub(crate) namespace: &'a str,
    /// Its image, by its tag.
    pub(crate) image: &'a str,
    /// The claim that its pod mounts first; empty without one.
    pub(crate) claim: &'a str,
    environment: BTreeMap<&'a str, &'a str>,
}

impl<'a> Asked<'a> {
    /// Reads a container of a pod; `image` is the name by which it is known what it has.
    pub(crate) fn of(namespace: &'a str, pod: &'a Value, container: &'a Value, image: &'a str) -> Self {
        let variables = container["env"].as_array().into_iter().flatten();
        let environment = variables.filter_map(|v| Some((v["name"].as_str()?, v["value"].as_str()?))).collect();
        let claim = pod["spec"]["volumes"]
            .as_array()
            .into_iter()
            .flatten()
            .find_map(|v| v["persistentVolumeClaim"]["claimName"].as_str());
        Self { namespace, image, claim: claim.unwrap_or_default(), environment }
    }

    fn get(&self, name: &str) -> &str {
        self.environment.get(name).copied().unwrap_or_default()
    }

    fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.environment.contains_key(name))
    }

    fn place(&self, file: &str) -> (String, String, String) {
        (self.namespace.to_owned(), self.claim.to_owned(), file.to_owned())
    }
}

impl Errands {
    /// What the systems have, and what goes wrong in the story.
    pub(crate) const fn new(databases: Vec<Database>, faults: Vec<Fault>) -> Self {
        Self { databases, faults, files: BTreeMap::new() }
    }

    /// The workload whose pods serve the database that a container works on, by namespace and name; `None` when it needs none.
    pub(crate) fn server(&self, asked: &Asked<'_>) -> Option<(&str, &str)> {
        let needed = asked.has(&["TIMONEL_MODE"]) || asked.has(&["DUMP", "PGDATABASE"]);
        let database = &self.databases[self.database(asked).filter(|_| needed)?];
        Some((database.served_in.as_deref().unwrap_or(&database.namespace), &database.served_by))
    }

    /// How the errand of a container goes; `None` when it has none. `up` says whether its database answers.
    pub(crate) fn play(&mut self, asked: &Asked<'_>, up: bool) -> Option<Play> {
        match () {
            () if asked.has(&["TIMONEL_MODE", "TIMONEL_TOOL"]) => Some(ask::play(self, asked, up)),
            () if asked.has(&["DUMP", "PREFIX", "PGDATABASE"]) => Some(dump::dump(self, asked, up)),
            () if asked.has(&["DUMP", "PREFIX", "KEEP_MINUTES"]) => Some(dump::prune(self, asked)),
            () if asked.has(&["FILE", "BYTES", "SHA256"]) => Some(dump::verify(self, asked)),
            () if asked.has(&["FILE", "URL", "REGION"]) => Some(dump::upload(self, asked)),
            () => None,
        }
    }

    /// An errand has ended by itself.
    pub(crate) fn done(&mut self, deed: Deed, now: Timestamp) {
        match deed {
            Deed::Applied { database, applied } => self.databases[database].applied = applied,
            Deed::Keep { place, file: (bytes, sha256) } => {
                self.files.insert(place, File { bytes, sha256, written: now });
            }
            Deed::Delete(places) => self.files.retain(|place, _| !places.contains(place)),
        }
    }

    fn database(&self, asked: &Asked<'_>) -> Option<usize> {
        let name = asked.get("PGDATABASE");
        self.databases.iter().position(|d| d.namespace == asked.namespace && (name.is_empty() || d.name == name))
    }

    /// What goes wrong with that errand this time.
    fn fault(&mut self, asked: &Asked<'_>, errand: &str) -> Option<Fault> {
        let fault = self.faults.iter_mut().find(|f| f.namespace == asked.namespace && f.errand == errand && f.times > 0)?;
        fault.times -= 1;
        Some(fault.clone())
    }
}

impl Database {
    /// Whether its tool keeps every revision that was applied, and not the newest alone.
    fn keeps_all(&self) -> bool {
        self.tool != "alembic"
    }

    /// The revisions that an image has, in order; none when it is not one that migrates.
    fn of_image(&self, image: &str) -> &[Revision] {
        let head = self.image.iter().find(|i| glob(&i.name, image)).map(|i| i.head.as_str());
        let end = head.and_then(|head| self.revision.iter().position(|r| r.id == head));
        end.map_or(&[], |end| &self.revision[..=end])
    }
}
