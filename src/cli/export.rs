//! `timonel journal export`: what happened in a span of time, for a post-mortem or a ticket.
//!
//! Owns what is asked (the journal, what consoles saw, the cluster where it can be reached) and the shape of the answer
//! (`timonel.journal-export/1`). Every text is scrubbed once more on its way out, since it leaves the machine.

mod markdown;
mod timeline;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use self::timeline::{Moment, Span};
use super::output::{Exit, Failure, Printer};
use super::status::{self, Seen};
use super::{ExportArgs, Global, Output, ServiceFile, Since, cluster};
use crate::base::text::clean;
use crate::boot::Booted;
use crate::run::journal::{self, Entry, EntryKind, RunSummary};
use crate::run::{Debt, End, scrub};

/// `timonel.journal-export/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    schema: &'static str,
    taken_at: Timestamp,
    /// Where the span begins; null = with the first line there is.
    since: Option<Timestamp>,
    /// Where it ends.
    until: Timestamp,
    /// The time zone of local times.
    zone: String,
    /// Lines of the journal that could not be read.
    unreadable: usize,
    /// The cluster that was asked for its events and rollouts.
    cluster: Asked,
    /// Runs with a line in the span, the oldest first.
    runs: Vec<Exported>,
    /// Everything that happened in the span, in order.
    timeline: Vec<Moment>,
}

/// The cluster that was asked.
#[derive(Debug, Serialize, JsonSchema)]
struct Asked {
    /// Context of the kubeconfig; null when there is none.
    context: Option<String>,
    /// Namespaces that were asked; null = all of them, or none was.
    namespaces: Option<Vec<String>>,
    /// Whether it answered: without that its events and rollouts are missing here.
    answered: bool,
    /// What could not be had of it, and why.
    missing: Vec<String>,
}

/// One run.
#[derive(Serialize, JsonSchema)]
struct Exported {
    id: String,
    action: String,
    subject: String,
    quantity: String,
    /// `ana@bastion`.
    by: String,
    /// What was typed; null where nothing was asked for.
    typed: Option<String>,
    /// Who approved it, by their name in the cluster; null where nobody had to.
    approved_by: Option<String>,
    /// Whether it went on without the second person that it asked for.
    break_glass: bool,
    /// Why, in the operator's words.
    reason: Option<String>,
    /// What was checked before.
    checks: Vec<Checked>,
    /// The commands that do the same without this program.
    same_as: Vec<String>,
    /// How it ended; null when it did not.
    outcome: Option<End>,
    /// Whether the previous state was proven again.
    undone: bool,
    /// Why it ended so.
    ended_because: String,
    debts: Vec<Debt>,
}

/// One check and its answer.
#[derive(Serialize, JsonSchema)]
struct Checked {
    id: String,
    /// `ok`, `failed`, `unknown`.
    result: String,
    required: bool,
    detail: String,
}

/// `timonel journal export`.
pub(super) fn run(global: &Global, args: &ExportArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, &ServiceFile::default())?;
    let now = booted.clock.now();
    let span = Span { since: args.since.map(|s| moment(s, now)), until: args.until.map_or(now, |u| moment(u, now)) };
    let unreadable = |e: journal::JournalError| Failure::new(Exit::UNKNOWN, e.to_string());
    let reading = journal::read(&booted.paths.state).map_err(unreadable)?;
    let seen = journal::sightings(&booted.paths.state).map_err(unreadable)?;
    let (cluster, look) = ask(global, &booted);
    let fleet = look.as_ref().map(|look| &look.fleet);
    let runs = runs(&reading, &span);
    let timeline = timeline::merged(&reading.entries, &seen, fleet, cluster.context.as_deref(), &span, &booted.zone);
    let zone = booted.zone.iana_name().unwrap_or("local").to_owned();
    let answer = Answer {
        schema: "timonel.journal-export/1",
        taken_at: now,
        since: span.since,
        until: span.until,
        zone,
        unreadable: reading.unreadable,
        cluster,
        runs,
        timeline,
    };
    if printer.output() != Output::Table {
        printer.value(&answer)?;
        return Ok(Exit::OK);
    }
    for line in markdown::lines(&answer) {
        printer.line(&line)?;
    }
    Ok(Exit::OK)
}

fn moment(since: Since, now: Timestamp) -> Timestamp {
    match since {
        Since::At(at) => at,
        Since::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
    }
}

/// Looks at the cluster once. One that does not answer is said, and costs nothing else.
fn ask(global: &Global, booted: &Booted) -> (Asked, Option<Seen>) {
    let looked = cluster::within(global.timeout, async {
        let client = cluster::open(booted).await?;
        let seen = status::look(&client, booted).await?;
        Ok((client.opened().clone(), seen))
    });
    match looked {
        Ok((opened, seen)) => {
            let lists = seen.problems.iter().filter(|p| p.id.starts_with("list:"));
            let missing = lists.map(|p| safe(&p.place.as_ref().map_or_else(|| p.message.clone(), |place| format!("{place}: {}", p.message))));
            let asked = Asked { context: Some(opened.context), namespaces: opened.namespaces, answered: true, missing: missing.collect() };
            (asked, Some(seen))
        }
        Err(failure) => {
            let asked = Asked { context: booted.spec.context.clone(), namespaces: None, answered: false, missing: vec![safe(&failure.message)] };
            (asked, None)
        }
    }
}

fn runs(reading: &journal::Reading, span: &Span) -> Vec<Exported> {
    let mut runs: Vec<Exported> = journal::runs(&reading.entries)
        .iter()
        .map(|run| (run, reading.entries.iter().filter(|e| e.run.as_deref() == Some(&run.id)).collect::<Vec<_>>()))
        .filter(|(_, own)| own.iter().any(|e| span.has(e.at)))
        .map(|(run, own)| exported(run, &own))
        .collect();
    runs.reverse();
    runs
}

fn exported(run: &RunSummary, own: &[&Entry]) -> Exported {
    let field = |kind: EntryKind, pointer: &str| {
        let line = own.iter().find(|e| e.kind == kind)?;
        Value::Object(line.data.clone()).pointer(pointer).cloned()
    };
    let text = |kind, pointer: &str| field(kind, pointer)?.as_str().map(safe);
    let list = |kind, pointer: &str| field(kind, pointer).and_then(|v| v.as_array().cloned()).unwrap_or_default();
    let word = |value: &Value| value.as_str().map(safe).unwrap_or_default();
    let debt = |d: &Debt| Debt { id: safe(&d.id), object: safe(&d.object), what: safe(&d.what), pay: safe(&d.pay) };
    let checked = |c: &Value| Checked { id: word(&c["id"]), result: word(&c["result"]), required: c["required"] == true, detail: word(&c["detail"]) };
    Exported {
        id: run.id.clone(),
        action: safe(&run.action),
        subject: safe(&run.subject),
        quantity: safe(&run.quantity),
        by: safe(&format!("{}@{}", run.user, run.host)),
        typed: text(EntryKind::Confirm, "/typed"),
        approved_by: text(EntryKind::Confirm, "/approved_by"),
        break_glass: field(EntryKind::Confirm, "/break_glass") == Some(Value::Bool(true)),
        reason: text(EntryKind::Plan, "/inputs/reason"),
        checks: list(EntryKind::Check, "/checks").iter().map(checked).collect(),
        same_as: list(EntryKind::Plan, "/plan/same_as").iter().filter_map(Value::as_str).map(safe).collect(),
        outcome: run.outcome,
        undone: run.undone,
        ended_because: safe(&run.reason),
        debts: run.debts.iter().map(debt).collect(),
    }
}

fn safe(text: &str) -> String {
    scrub::text(&clean(text))
}

#[cfg(test)]
mod tests;
