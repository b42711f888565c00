//! The journal: an append-only, hash-chained record of what was meant and what came of it (contract.md 9).
//!
//! Owns the format of a line and who may write where. Every line names the hash of the one before it, and a head file beside
//! the journal names the last one, so that an edited, removed, reordered or cut-off line is found. Whoever rewrites journal and
//! head together is not found. Must not know what a run is about: it stores what it is given, scrubbed of secrets.

mod chain;
mod claim;
mod files;
mod read;
mod sightings;
mod templates;
mod took;
mod verify;

pub use claim::Claim;
pub use read::{Reading, RunRecord, RunSummary, left_behind, read, record, runs, signatures};
pub use sightings::{Seen, note, sightings};
pub(in crate::run) use templates::TEMPLATE;
pub use templates::{last_rollback, proven_templates};
pub use took::Took;
pub use verify::{Damage, DamageKind, Report, verify};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::clock::Clock;
use crate::run::scrub;

/// Name of the schema, in every line.
pub const SCHEMA: &str = "timonel.journal/1";

/// What the note says with which a run is resumed.
pub(in crate::run) const RESUMED: &str = "resumed";

/// Past this size the journal goes on in a new file.
const ROTATE_AT: u64 = 8 << 20;

/// What a line records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A plan, as it was confirmed.
    Plan,
    /// Its checks with their answers.
    Check,
    /// What was confirmed, and by whom.
    Confirm,
    /// A write that is about to be sent.
    Intent,
    /// What came of it.
    Outcome,
    /// A fact that was observed.
    Proof,
    /// The end of a run.
    End,
    /// Anything else worth keeping: a lock taken over, a rotation, a torn line.
    Note,
}

/// Something to record.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The run it belongs to.
    pub run: Option<String>,
    /// What it is.
    pub kind: EntryKind,
    /// The rest: must not use the names of the fixed fields.
    pub data: Map<String, Value>,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Deserialize)]
pub struct Entry {
    /// `timonel.journal/1`.
    pub schema: String,
    /// Counts from 1 over all files.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// On which machine.
    pub host: String,
    /// By which login.
    pub user: String,
    /// The run it belongs to.
    pub run: Option<String>,
    /// What it is.
    pub kind: EntryKind,
    /// The rest.
    #[serde(flatten)]
    pub data: Map<String, Value>,
    /// Hash of the line before; null in the very first.
    pub prev: Option<String>,
    /// SHA-256 over the canonical line without this field.
    pub hash: String,
}

/// Why something could not be recorded or read.
#[derive(Debug, thiserror::Error)]
#[error("the journal '{path}' cannot be {doing}: {why}")]
pub struct JournalError {
    path: String,
    doing: &'static str,
    why: String,
}

impl JournalError {
    pub(in crate::run) fn new(path: &Path, doing: &'static str, why: impl std::fmt::Display) -> Self {
        Self { path: path.display().to_string(), doing, why: why.to_string() }
    }
}

/// Where runs are recorded. A trait, so that the engine can be tested with one that fails.
pub trait Recorder: Send + Sync {
    /// Appends these lines in order and returns when they are on the disk. After an error some of them may be there; nothing that
    /// rests on them may be sent.
    fn record(&self, drafts: &[Draft]) -> Result<(), JournalError>;

    /// Claims a run for this process for as long as the claim lives; `None` = another process carries it out.
    fn claim(&self, run: &str) -> Result<Option<Claim>, JournalError>;
}

/// The journal in a folder of this machine.
pub struct Journal {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    host: String,
    user: String,
    rotate_at: u64,
}

impl Journal {
    /// The journal in `folder` (0700, made when it is missing), written as `user` on `host`.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>, host: impl Into<String>, user: impl Into<String>) -> Result<Self, JournalError> {
        files::prepare(folder)?;
        Ok(Self { folder: folder.to_owned(), clock, host: host.into(), user: user.into(), rotate_at: ROTATE_AT })
    }

    /// The folder it is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn line(&self, draft: &Draft) -> Map<String, Value> {
        let mut line = Map::new();
        line.insert("schema".into(), SCHEMA.into());
        line.insert("at".into(), self.clock.now().to_string().into());
        line.insert("host".into(), self.host.as_str().into());
        line.insert("user".into(), self.user.as_str().into());
        line.insert("run".into(), draft.run.as_deref().into());
        line.insert("kind".into(), serde_json::to_value(draft.kind).unwrap_or_default());
        for (key, value) in &draft.data {
            let mut value = value.clone();
            scrub::value(&mut value);
            line.entry(key.clone()).or_insert(value);
        }
        line
    }
}

impl Recorder for Journal {
    fn record(&self, drafts: &[Draft]) -> Result<(), JournalError> {
        let mut writer = files::Writer::lock(&self.folder)?;
        if let Some(aside) = writer.mend()? {
            let mut data = Map::new();
            data.insert("note".into(), "torn-line".into());
            data.insert("moved_to".into(), aside.into());
            writer.append(self.line(&Draft { run: None, kind: EntryKind::Note, data }))?;
        }
        for draft in drafts {
            if let Some((file, hash)) = writer.rotate_past(self.rotate_at)? {
                let mut data = Map::new();
                data.insert("note".into(), "rotated".into());
                data.insert("previous_file".into(), file.into());
                data.insert("previous_hash".into(), hash.into());
                writer.append(self.line(&Draft { run: None, kind: EntryKind::Note, data }))?;
            }
            writer.append(self.line(draft))?;
        }
        writer.finish()
    }

    fn claim(&self, run: &str) -> Result<Option<Claim>, JournalError> {
        claim::take(&self.folder, run)
    }
}

#[cfg(test)]
mod tests;
