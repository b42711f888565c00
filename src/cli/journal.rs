//! `timonel journal` and `timonel runs`: what was done from this machine.
//!
//! Owns how the record is printed. Reading and checking it is `run::journal`'s.

use schemars::JsonSchema;
use serde::Serialize;

use super::action::print_lines;
use super::output::{Exit, Failure, Printer};
use super::{Global, JournalCommand, Output, RunsCommand, ServiceFile, cluster};
use crate::boot::Booted;
use crate::run::journal::{self, Entry, EntryKind, RunSummary};
use crate::run::story;

/// Lines that `timonel journal` prints for people: the newest.
const SHOWN: usize = 100;

/// `timonel.journal-list/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct JournalAnswer<'a> {
    schema: &'static str,
    taken_at: jiff::Timestamp,
    folder: String,
    unreadable: usize,
    journal: &'a [Entry],
}

/// `timonel.journal-verify/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct VerifyAnswer<'a> {
    schema: &'static str,
    taken_at: jiff::Timestamp,
    folder: String,
    #[serde(flatten)]
    report: &'a journal::Report,
}

/// `timonel.runs/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct RunsAnswer<'a> {
    schema: &'static str,
    taken_at: jiff::Timestamp,
    runs: &'a [RunSummary],
}

/// `timonel.run-record/1`: one run in full.
#[derive(Serialize, JsonSchema)]
pub(super) struct RecordAnswer<'a> {
    schema: &'static str,
    taken_at: jiff::Timestamp,
    run: &'a RunSummary,
    journal: &'a [Entry],
}

/// `timonel journal [verify]`.
pub(super) fn journal(global: &Global, command: Option<&JournalCommand>, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, &ServiceFile::default())?;
    let folder = booted.paths.state.clone();
    let shown = folder.display().to_string();
    if matches!(command, Some(JournalCommand::Verify)) {
        let report = journal::verify(&folder).map_err(|e| Failure::new(Exit::UNKNOWN, e.to_string()))?;
        if printer.output() != Output::Table {
            printer.value(&VerifyAnswer { schema: "timonel.journal-verify/1", taken_at: booted.clock.now(), folder: shown, report: &report })?;
        } else if report.damages.is_empty() {
            printer.line(&format!("{} lines in {} files: the chain is whole", report.lines, report.files))?;
        }
        if printer.output() == Output::Table {
            for damage in &report.damages {
                printer.line(&format!("{}:{}: {}", damage.file, damage.line, damage.detail))?;
            }
        }
        return Ok(if report.damages.is_empty() { Exit::OK } else { Exit(2) });
    }
    let reading = journal::read(&folder).map_err(|e| Failure::new(Exit::UNKNOWN, e.to_string()))?;
    if printer.output() != Output::Table {
        printer.value(&JournalAnswer {
            schema: "timonel.journal-list/1",
            taken_at: booted.clock.now(),
            folder: shown,
            unreadable: reading.unreadable,
            journal: &reading.entries,
        })?;
        return Ok(Exit::OK);
    }
    for entry in reading.entries.iter().rev().take(SHOWN).rev() {
        printer.line(&line(entry))?;
    }
    if reading.unreadable > 0 {
        printer.note(&format!("{} lines cannot be read; `timonel journal verify` names them", reading.unreadable));
    }
    Ok(Exit::OK)
}

fn line(entry: &Entry) -> String {
    let run = entry.run.as_deref().unwrap_or("-");
    let data = serde_json::to_string(&entry.data).unwrap_or_default();
    format!(
        "{:>5}  {}  {:<8} {run}  {}@{}  {}",
        entry.seq,
        entry.at,
        word(entry.kind),
        entry.user,
        entry.host,
        crate::base::text::elide(&data, 160)
    )
}

const fn word(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Plan => "plan",
        EntryKind::Check => "check",
        EntryKind::Confirm => "confirm",
        EntryKind::Intent => "intent",
        EntryKind::Outcome => "outcome",
        EntryKind::Proof => "proof",
        EntryKind::End => "end",
        EntryKind::Note => "note",
    }
}

/// `timonel runs`, and its subcommands.
pub(super) fn runs(global: &Global, command: Option<&RunsCommand>, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, &ServiceFile::default())?;
    let reading = journal::read(&booted.paths.state).map_err(|e| Failure::new(Exit::UNKNOWN, e.to_string()))?;
    let runs = journal::runs(&reading.entries);
    match command {
        Some(RunsCommand::Resume { id }) => super::resume::resume(global, id, printer),
        Some(RunsCommand::Undo(args)) => super::resume::undo(global, args, printer),
        Some(RunsCommand::Show { id }) => show(id, &reading.entries, &booted, printer),
        None if printer.output() != Output::Table => {
            printer.value(&RunsAnswer { schema: "timonel.runs/1", taken_at: booted.clock.now(), runs: &runs })?;
            Ok(Exit::OK)
        }
        None => {
            let rows: Vec<Vec<String>> = runs
                .iter()
                .map(|r| {
                    vec![
                        r.id.clone(),
                        r.subject.clone(),
                        r.quantity.clone(),
                        format!("{}@{}", r.user, r.host),
                        r.outcome.map_or("not ended", crate::run::End::word).to_owned(),
                        r.debts.len().to_string(),
                    ]
                })
                .collect();
            printer.table(&["RUN", "SUBJECT", "CHANGE", "BY", "OUTCOME", "DEBTS"], &rows)?;
            Ok(Exit::OK)
        }
    }
}

fn show(id: &str, entries: &[Entry], booted: &Booted, printer: &mut Printer) -> Result<Exit, Failure> {
    let Some(record) = journal::record(entries, id) else {
        let failure = Failure::usage(format!("there is no run '{id}' in the journal"));
        let runs = journal::runs(entries);
        let close = crate::base::problem::did_you_mean(id, runs.iter().map(|r| r.id.as_str()));
        return Err(match close {
            Some(close) => failure.hint(format!("did you mean '{close}'?")),
            None => failure.hint("`timonel runs` lists them"),
        });
    };
    if printer.output() != Output::Table {
        let taken_at = booted.clock.now();
        printer.value(&RecordAnswer { schema: "timonel.run-record/1", taken_at, run: &record.run, journal: &record.lines })?;
        return Ok(Exit::OK);
    }
    print_lines(&story(&record, &booted.zone), printer)?;
    Ok(Exit::OK)
}
