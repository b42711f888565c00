//! Backups of a service.
//!
//! Owns `[[backup]]`: what is copied, where to, how often, and what counts as verified. That one exists is seen elsewhere.

use std::str::FromStr;
use std::time::Duration;

use croner::Cron;

use crate::base::toml::{At, Table, quoted};
use crate::service::Later;
use crate::service::around::{Around, each, known};

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Id, unique in the file.
    pub id: String,
    /// How it is made.
    pub kind: BackupKind,
    /// Id of the database that is copied.
    pub database: Option<String>,
    /// Id of the workload that is copied, where no database is declared.
    pub from: Option<String>,
    /// Form of a dump.
    pub format: DumpFormat,
    /// The volume: a claim that the dump is written to, or the one that is copied (`volume`).
    pub volume: Option<String>,
    /// Image with the client's tools.
    pub image: Option<String>,
    /// Where it is taken to: a folder or `s3://BUCKET/PREFIX/`.
    pub to: Option<String>,
    /// Address of the object store; that of its maker without one.
    pub endpoint: Option<String>,
    /// Region that its requests are signed for.
    pub region: Option<String>,
    /// Image with curl, where the one with the client's tools has none.
    pub upload_image: Option<String>,
    /// Id of the secret that is the object store's key id.
    pub access_key: Option<String>,
    /// Id of the secret that is the object store's key.
    pub secret_key: Option<String>,
    /// When it is made by itself (five fields of cron).
    pub schedule: Option<String>,
    /// Older than this it is no longer fresh.
    pub max_age: Option<Duration>,
    /// How long copies are kept where they were made.
    pub keep_local: Option<Duration>,
    /// What makes it verified.
    pub verify: Verify,
    /// How often a restore is tried, in words.
    pub drill: Option<String>,
    /// pgBackRest's stanza.
    pub stanza: Option<String>,
}

impl Backup {
    /// Whether what is made of it comes into the catalogue of the service.
    pub fn is_catalogued(&self) -> bool {
        self.kind == BackupKind::PgDump && self.volume.is_some()
    }

    /// Whether the Job that makes it takes it to an object store.
    pub fn uploads(&self) -> bool {
        self.is_catalogued() && self.to.as_ref().is_some_and(|to| to.starts_with("s3://"))
    }
}

/// How a backup is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupKind {
    /// `pg_dump`.
    PgDump,
    /// pgBackRest.
    PgBackRest,
    /// Velero.
    Velero,
    /// Dokploy's backup of a database.
    DokployPostgres,
    /// Dokploy's backup of a volume.
    DokployVolume,
    /// The files of a volume.
    Volume,
}

/// Form of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DumpFormat {
    /// `pg_dump -Fc`: one file that `pg_restore` reads.
    #[default]
    Custom,
    /// `pg_dump -Fd`: a folder.
    Directory,
    /// SQL: `pg_restore` refuses it.
    Plain,
}

/// What makes a backup verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// All of it was read once by the tool that would restore it.
    #[default]
    FullRead,
    /// It was restored into a scratch database.
    ScratchRestore,
    /// Nothing: it never counts as verified.
    Nothing,
}

impl BackupKind {
    const WORDS: [(&str, Self); 6] = [
        ("pg_dump", Self::PgDump),
        ("pgbackrest", Self::PgBackRest),
        ("velero", Self::Velero),
        ("dokploy-postgres", Self::DokployPostgres),
        ("dokploy-volume", Self::DokployVolume),
        ("volume", Self::Volume),
    ];

    /// The word as service files write it.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

const FORMATS: [(&str, DumpFormat); 3] = [("custom", DumpFormat::Custom), ("directory", DumpFormat::Directory), ("plain", DumpFormat::Plain)];
const VERIFIES: [(&str, Verify); 3] = [("full-read", Verify::FullRead), ("scratch-restore", Verify::ScratchRestore), ("none", Verify::Nothing)];
const OLDEST: Duration = Duration::from_hours(24 * 366);

/// What this version does not do with a dump: make it by itself, restore it for a trial.
const LATER: [&str; 3] = ["schedule", "drill", "stanza"];

pub(super) fn decode(root: &Table<'_>, around: &Around<'_>, later: &mut Vec<Later>) -> Vec<Backup> {
    each(root, "backup", around, |table, id| one(table, id, around, later))
}

fn one(table: &Table<'_>, id: &str, around: &Around<'_>, later: &mut Vec<Later>) -> Option<Backup> {
    Later::note(table, &LATER, later);
    if !table.has("kind") {
        table.missing("kind");
    }
    let word = table.word("kind", &BackupKind::WORDS);
    if let Some(other) = word.as_ref().filter(|k| k.value != BackupKind::PgDump) {
        later.push(Later { key: format!("backup.kind {}", other.value.word()), spot: other.spot.clone() });
    }
    let kind = word.map(|k| k.value);
    let database = table.text("database").filter(|id| known(table, id, "database", around.databases.iter()));
    let from = around.workload(table, "from");
    if kind == Some(BackupKind::PgDump) && !table.has("database") && !table.has("from") {
        let message = format!("The backup '{id}' does not say of what it is.");
        table.error(table.spot(), message, Some("database = \"ID\" of a [[database]], or from = \"ID\" of a workload.".into()));
    }
    let schedule = table.text("schedule").filter(|text| match Cron::from_str(&text.value) {
        Ok(_) => true,
        Err(why) => {
            table.error(&text.spot, format!("{} is no cron expression: {}.", quoted(&text.value), why.to_string().trim_end_matches('.')), None);
            false
        }
    });
    let keep = Duration::from_hours(1)..=OLDEST;
    // Keys of Dokploy's own backups, which its driver reads.
    table.accept(&["dokploy_backup", "stop_service"]);
    let made = Backup {
        id: id.to_owned(),
        database: database.map(|d| d.value),
        from,
        format: other(table.word("format", &FORMATS), &DumpFormat::Custom, "backup.format", later).unwrap_or_default(),
        volume: around.text(table, "volume"),
        image: around.text(table, "image"),
        to: around.text(table, "to"),
        endpoint: around.text(table, "endpoint").filter(|e| is_address(table, e)),
        region: around.text(table, "region"),
        upload_image: around.text(table, "upload_image"),
        access_key: around.secret(table, "access_key"),
        secret_key: around.secret(table, "secret_key"),
        schedule: schedule.map(|s| s.value),
        max_age: table.duration("max_age", Duration::from_mins(1)..=OLDEST).map(|d| d.value),
        keep_local: table.duration("keep_local", keep).map(|d| d.value),
        verify: other(table.word("verify", &VERIFIES), &Verify::FullRead, "backup.verify", later).unwrap_or_default(),
        drill: table.text("drill").map(|d| d.value),
        stanza: around.text(table, "stanza"),
        kind: kind?,
    };
    if made.to.is_some() && !made.uploads() {
        Later::note(table, &["to", "endpoint", "region", "upload_image"], later);
    }
    Some(made)
}

/// An address that a client can be given: nothing of it may be read as something else.
fn is_address(table: &Table<'_>, endpoint: &str) -> bool {
    let host = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
    let good = host.is_some_and(|h| !h.is_empty() && h.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/[]".contains(c)));
    if !good {
        let hint = "Write https://HOST, or http://HOST:PORT.";
        table.error(table.spot(), format!("The endpoint {} is no address of an object store.", quoted(endpoint)), Some(hint.into()));
    }
    good
}

/// A choice, noted where it is another than the one that this version can.
fn other<T: PartialEq>(choice: Option<At<T>>, can: &T, key: &str, later: &mut Vec<Later>) -> Option<T> {
    let choice = choice?;
    if choice.value != *can {
        later.push(Later { key: key.to_owned(), spot: choice.spot });
    }
    Some(choice.value)
}
