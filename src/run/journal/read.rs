//! Reading the journal: its lines, and the runs that they tell of.
//!
//! Owns the folding of lines into runs. Lenient: what cannot be read is counted, never an end.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Entry, EntryKind, JournalError, RESUMED, claim, files};
use crate::run::outcome::{Debt, End};

/// Objects whose newest run is told.
const SIGNED: usize = 256;

/// What was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Lines, oldest first.
    pub entries: Vec<Entry>,
    /// Lines that could not be read; `verify` says which.
    pub unreadable: usize,
}

/// Reads every line of the journal in `folder`. A folder without a journal has none.
pub fn read(folder: &Path) -> Result<Reading, JournalError> {
    let mut reading = Reading::default();
    if !folder.exists() {
        return Ok(reading);
    }
    for path in files::all(folder)? {
        let bytes = std::fs::read(&path).map_err(|e| JournalError::new(&path, "read", e))?;
        let text = String::from_utf8_lossy(&bytes);
        // What has no line break is still being written.
        for line in text.split_inclusive('\n').filter_map(|l| l.strip_suffix('\n')) {
            match serde_json::from_str(line) {
                Ok(entry) => reading.entries.push(entry),
                Err(_) => reading.unreadable += 1,
            }
        }
    }
    Ok(reading)
}

/// Runs that were left behind by processes that were killed, newest first. Cheap where there are none.
pub fn left_behind(folder: &Path) -> Result<Vec<RunSummary>, JournalError> {
    let left = claim::left_behind(folder);
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let all = runs(&read(folder)?.entries);
    Ok(all.into_iter().filter(|r| left.contains(&r.id) && r.may_be_resumed()).collect())
}

/// One run as the journal tells it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunSummary {
    /// Its id.
    pub id: String,
    /// `scale`.
    pub action: String,
    /// `Deployment shop/api`; empty when the plan is not in the journal.
    pub subject: String,
    /// `3->5`.
    pub quantity: String,
    /// Login of whoever started it.
    pub user: String,
    /// Machine that it ran on.
    pub host: String,
    /// First line.
    pub started_at: Timestamp,
    /// Last line, when it is over.
    pub ended_at: Option<Timestamp>,
    /// How it ended; null while it runs, or when its process was killed.
    pub outcome: Option<End>,
    /// Whether the previous state was proven again.
    pub undone: bool,
    /// Why it ended so.
    pub reason: String,
    /// What it left behind.
    pub debts: Vec<Debt>,
}

impl RunSummary {
    /// Whether it did not come to an end that says how things stand: its process ended, it was stopped, or it could not find out.
    /// Debts that it left may be settled by going on, too.
    pub fn may_be_resumed(&self) -> bool {
        self.outcome.is_none_or(End::may_be_resumed)
    }
}

/// The runs that these lines tell of, newest first.
pub fn runs(entries: &[Entry]) -> Vec<RunSummary> {
    let mut runs: Vec<RunSummary> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    for entry in entries {
        let Some(id) = entry.run.as_deref() else { continue };
        let at = *index.entry(id).or_insert_with(|| {
            runs.push(begun(id, entry));
            runs.len() - 1
        });
        fold(&mut runs[at], entry);
    }
    runs.sort_by(|a, b| b.started_at.cmp(&a.started_at).then_with(|| b.id.cmp(&a.id)));
    runs
}

/// One run with all its lines.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// What they tell together.
    pub run: RunSummary,
    /// Its lines, oldest first.
    pub lines: Vec<Entry>,
}

/// The run of that id with its lines; `None` = there is none.
pub fn record(entries: &[Entry], id: &str) -> Option<RunRecord> {
    let lines: Vec<Entry> = entries.iter().filter(|e| e.run.as_deref() == Some(id)).cloned().collect();
    let run = runs(&lines).pop()?;
    Some(RunRecord { run, lines })
}

/// What runs would have signed the objects with that they changed (`timonel.io/last-run`), by the object's UID: the newest of each,
/// refused ones left out, at most 256 objects. A role that may scale but not annotate leaves no other trace of who it was.
pub fn signatures(entries: &[Entry]) -> BTreeMap<String, String> {
    let planned = |e: &&Entry| e.kind == EntryKind::Plan;
    let plans: HashMap<&str, &Entry> = entries.iter().filter(planned).filter_map(|e| Some((e.run.as_deref()?, e))).collect();
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for run in runs(entries).into_iter().filter(|r| r.outcome != Some(End::Refused)) {
        let objects = plans.get(run.id.as_str()).and_then(|p| p.data.get("plan")?.get("objects")?.as_array()).into_iter().flatten();
        for uid in objects.filter_map(|o| o.get("uid")?.as_str()) {
            let line = format!("{} {} {} {}@{}", run.id, run.action, run.quantity, run.user, run.host);
            found.entry(uid.to_owned()).or_insert(line);
        }
        if found.len() >= SIGNED {
            break;
        }
    }
    found
}

fn begun(id: &str, entry: &Entry) -> RunSummary {
    RunSummary {
        id: id.to_owned(),
        action: id.split('-').nth(2).unwrap_or_default().to_owned(),
        subject: String::new(),
        quantity: String::new(),
        user: entry.user.clone(),
        host: entry.host.clone(),
        started_at: entry.at,
        ended_at: None,
        outcome: None,
        undone: false,
        reason: String::new(),
        debts: Vec::new(),
    }
}

fn fold(run: &mut RunSummary, entry: &Entry) {
    let text = |key: &str| entry.data.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    match entry.kind {
        EntryKind::Plan => {
            run.action = entry.data.get("plan").and_then(|p| p["action"].as_str()).unwrap_or(&run.action).to_owned();
            (run.subject, run.quantity) = (text("subject"), text("quantity"));
        }
        EntryKind::End => {
            run.ended_at = Some(entry.at);
            run.outcome = entry.data.get("outcome").and_then(|o| serde_json::from_value(o.clone()).ok());
            run.undone = entry.data.get("undone") == Some(&json!(true));
            run.reason = text("reason");
            run.debts = entry.data.get("debts").and_then(|d| serde_json::from_value(d.clone()).ok()).unwrap_or_default();
        }
        // What was said of its end before does not hold any more.
        EntryKind::Note if entry.data.get("note").is_some_and(|n| n == RESUMED) => (run.ended_at, run.outcome, run.undone) = (None, None, false),
        _ => {}
    }
}
