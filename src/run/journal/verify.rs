//! Finds out whether the journal is as it was written: `timonel journal verify`.
//!
//! Owns the judgement; reads, never mends.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::JournalError;
use super::chain::{self, Link};
use super::files;

/// Lines that are appended at once at most, before the head moves.
const AT_ONCE: u64 = 8;

/// What kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DamageKind {
    /// The line is no line of a journal.
    Unreadable,
    /// The line does not have the hash that it carries.
    Edited,
    /// Lines are missing before this one.
    Missing,
    /// The line stands after one with a higher number.
    Reordered,
    /// The line does not continue the one before it.
    Replaced,
    /// The end is cut off: the head names a later line.
    CutTail,
    /// The last line is not complete.
    Torn,
    /// The head file is missing, or says something else than the last lines.
    Head,
}

/// One damage, at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Damage {
    /// Name of the file within the folder.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// What kind.
    pub kind: DamageKind,
    /// In words.
    pub detail: String,
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// How many files were read.
    pub files: usize,
    /// How many lines.
    pub lines: u64,
    /// Everything that is not as it was written.
    pub damages: Vec<Damage>,
}

/// Reads the whole journal in `folder` and checks its chain and its head. A folder without a journal is whole.
pub fn verify(folder: &Path) -> Result<Report, JournalError> {
    let mut walk = Walk {
        report: Report { files: 0, lines: 0, damages: Vec::new() },
        last: None,
        unreadable: 0,
        place: (String::new(), 0),
    };
    if !folder.exists() {
        return Ok(walk.report);
    }
    for path in files::all(folder)? {
        let bytes = std::fs::read(&path).map_err(|e| JournalError::new(&path, "read", e))?;
        walk.file(path.file_name().and_then(|n| n.to_str()).unwrap_or_default(), &bytes);
    }
    walk.head(folder);
    Ok(walk.report)
}

struct Walk {
    report: Report,
    last: Option<Link>,
    unreadable: u64,
    place: (String, usize),
}

impl Walk {
    fn found(&mut self, kind: DamageKind, detail: impl Into<String>) {
        let (file, line) = self.place.clone();
        self.report.damages.push(Damage { file, line, kind, detail: detail.into() });
    }

    fn file(&mut self, name: &str, bytes: &[u8]) {
        self.report.files += 1;
        let text = String::from_utf8_lossy(bytes);
        for (at, line) in text.split_inclusive('\n').enumerate() {
            self.place = (name.to_owned(), at + 1);
            match line.strip_suffix('\n') {
                Some(line) => self.line(line),
                None => self.found(DamageKind::Torn, "the line has no end: its writer was cut off"),
            }
        }
    }

    fn line(&mut self, text: &str) {
        self.report.lines += 1;
        let Some((line, link)) = chain::parse(text).and_then(|line| chain::link(&line).map(|link| (line, link))) else {
            self.found(DamageKind::Unreadable, "not a line of a journal");
            self.unreadable += 1;
            return;
        };
        if chain::hash(&line) != link.hash {
            self.found(DamageKind::Edited, "its content does not have the hash that it carries");
        }
        let skipped = std::mem::take(&mut self.unreadable);
        let expected = self.last.as_ref().map_or(1, |l| l.seq + 1) + skipped;
        if link.seq > expected {
            self.found(DamageKind::Missing, format!("number {} follows {}: {} missing", link.seq, expected - 1, link.seq - expected));
        } else if link.seq < expected && skipped == 0 {
            self.found(DamageKind::Reordered, format!("number {} stands where {expected} belongs", link.seq));
        } else if skipped == 0 && line.get("prev").and_then(|p| p.as_str()) != self.last.as_ref().map(|l| l.hash.as_str()) {
            self.found(DamageKind::Replaced, "it does not continue the line before it");
        }
        self.last = Some(link);
    }

    fn head(&mut self, folder: &Path) {
        let head = files::head(folder);
        let seq = self.last.as_ref().map_or(0, |l| l.seq);
        match (head, &self.last) {
            (None, Some(last)) if last.seq > AT_ONCE => self.found(DamageKind::Head, "the head file is missing or cannot be read"),
            (Some(head), _) if head.seq > seq => {
                self.found(DamageKind::CutTail, format!("the last line is number {seq}, the head says {}", head.seq));
            }
            // A process that was killed between its lines and the head leaves the head behind by what it appended at once.
            (Some(head), _) if head.seq + AT_ONCE < seq => {
                self.found(DamageKind::Head, format!("the head says {}, the last line is number {seq}", head.seq));
            }
            (Some(head), Some(last)) if head.seq == seq && head.hash != last.hash => {
                self.found(DamageKind::Head, "the last line is not the one that the head names");
            }
            _ => {}
        }
    }
}
