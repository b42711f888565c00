//! `timonel journal export`: what was done in a span of time, for a post-mortem or a ticket.
//!
//! Owns the Markdown and the JSON of it. Runs and their lines are `run::journal`'s; every text is scrubbed once more on its way out,
//! since it leaves the machine.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::output::{Exit, Failure, Printer};
use super::{ExportArgs, Global, Output, ServiceFile, Since, cluster};
use crate::base::text::clean;
use crate::run::journal::{self, Entry, EntryKind, RunSummary};
use crate::run::{Debt, End, moment as told, scrub};

/// `timonel.journal-export/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    schema: &'static str,
    taken_at: Timestamp,
    /// Where the span begins; null = with the first line there is.
    since: Option<Timestamp>,
    /// Where it ends.
    until: Timestamp,
    /// Lines that could not be read.
    unreadable: usize,
    /// Runs with a line in the span, the oldest first.
    runs: Vec<Exported>,
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
    /// The commands that do the same without this program.
    same_as: Vec<String>,
    /// How it ended; null when it did not.
    outcome: Option<End>,
    /// Whether the previous state was proven again.
    undone: bool,
    /// Why it ended so.
    ended_because: String,
    debts: Vec<Debt>,
    /// What happened, in order.
    timeline: Vec<Event>,
}

/// One thing that happened.
#[derive(Serialize, JsonSchema)]
struct Event {
    at: Timestamp,
    text: String,
}

/// `timonel journal export`.
pub(super) fn run(global: &Global, args: &ExportArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, &ServiceFile::default())?;
    let now = booted.clock.now();
    let (since, until) = (args.since.map(|s| moment(s, now)), args.until.map_or(now, |u| moment(u, now)));
    let reading = journal::read(&booted.paths.state).map_err(|e| Failure::new(Exit::UNKNOWN, e.to_string()))?;
    let answer = export(&reading, since, until, now);
    if printer.output() != Output::Table {
        printer.value(&answer)?;
        return Ok(Exit::OK);
    }
    for line in markdown(&answer, &booted.zone) {
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

fn export(reading: &journal::Reading, since: Option<Timestamp>, until: Timestamp, now: Timestamp) -> Answer {
    let within = |e: &&Entry| since.is_none_or(|since| e.at >= since) && e.at <= until;
    let mut runs: Vec<Exported> = journal::runs(&reading.entries)
        .iter()
        .map(|run| (run, reading.entries.iter().filter(|e| e.run.as_deref() == Some(&run.id)).collect::<Vec<_>>()))
        .filter(|(_, own)| own.iter().any(within))
        .map(|(run, own)| exported(run, &own))
        .collect();
    runs.reverse();
    Answer { schema: "timonel.journal-export/1", taken_at: now, since, until, unreadable: reading.unreadable, runs }
}

fn exported(run: &RunSummary, own: &[&Entry]) -> Exported {
    let field = |kind: EntryKind, pointer: &str| {
        let line = own.iter().find(|e| e.kind == kind)?;
        Value::Object(line.data.clone()).pointer(pointer).cloned()
    };
    let text = |kind, pointer: &str| field(kind, pointer)?.as_str().map(safe);
    let same_as = field(EntryKind::Plan, "/plan/same_as");
    let debt = |d: &Debt| Debt { id: safe(&d.id), object: safe(&d.object), what: safe(&d.what), pay: safe(&d.pay) };
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
        same_as: same_as
            .iter()
            .flat_map(|all| all.as_array().into_iter().flatten())
            .filter_map(Value::as_str)
            .map(safe)
            .collect(),
        outcome: run.outcome,
        undone: run.undone,
        ended_because: safe(&run.reason),
        debts: run.debts.iter().map(debt).collect(),
        timeline: own.iter().filter_map(|e| Some(Event { at: e.at, text: safe(&told(e)?.1) })).collect(),
    }
}

fn safe(text: &str) -> String {
    scrub::text(&clean(text))
}

fn markdown(answer: &Answer, zone: &TimeZone) -> Vec<String> {
    let since = answer.since.map_or_else(|| "the beginning".to_owned(), |at| format!("{at:.0}"));
    let mut lines = vec![format!("# What was done from {since} to {:.0}", answer.until), String::new()];
    if answer.unreadable > 0 {
        lines.push(format!("{} lines of the journal cannot be read; `timonel journal verify` names them.", answer.unreadable));
        lines.push(String::new());
    }
    if answer.runs.is_empty() {
        lines.push("Nothing.".to_owned());
    }
    for run in &answer.runs {
        section(run, zone, &mut lines);
    }
    lines
}

fn section(run: &Exported, zone: &TimeZone, lines: &mut Vec<String>) {
    let undone = if run.undone { ", undone" } else { "" };
    lines.push(format!("## {} {} {}", plain(&run.action), plain(&run.subject), plain(&run.quantity)));
    lines.push(String::new());
    lines.push(format!("- run {} by {}", run.id, plain(&run.by)));
    lines.extend(run.typed.iter().map(|typed| format!("- confirmed with {}", code(typed))));
    lines.extend(run.approved_by.iter().map(|by| format!("- approved by {}", plain(by))));
    if run.break_glass {
        lines.push("- **BREAK-GLASS**: it went on without the second person that it asked for".to_owned());
    }
    lines.extend(run.reason.iter().map(|reason| format!("- why: {}", plain(reason))));
    lines.extend(run.same_as.iter().map(|command| format!("- the same by hand: {}", code(command))));
    match run.outcome {
        Some(outcome) => lines.push(format!("- ended: {}{undone}: {}", outcome.word(), plain(&run.ended_because))),
        None => lines.push("- did not end".to_owned()),
    }
    lines.extend(
        run.debts
            .iter()
            .map(|d| format!("- left behind: {}: {}; pay it with {}", plain(&d.object), plain(&d.what), code(&d.pay))),
    );
    lines.extend([String::new(), "| UTC | local | what |".to_owned(), "|---|---|---|".to_owned()]);
    for event in &run.timeline {
        let utc = event.at.to_zoned(TimeZone::UTC).strftime("%F %T").to_string();
        let local = event.at.to_zoned(zone.clone()).strftime("%T %Z").to_string();
        lines.push(format!("| {utc} | {local} | {} |", plain(&event.text)));
    }
    lines.push(String::new());
}

/// Text that Markdown takes as it is.
fn plain(text: &str) -> String {
    let special = |c: char| "\\`*_[]<>|#".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A command; one with a backtick in it needs a longer fence.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::{Since, export, markdown, moment};
    use crate::base::clock::{Clock, FixedClock};
    use crate::run::journal::{self, Draft, EntryKind, Journal, Reading, Recorder as _};

    fn reading() -> Reading {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(FixedClock::new("2026-11-22T14:33:12Z".parse().expect("a time")));
        let journal = Journal::open(folder.path(), clock, "bastion", "ana").expect("a journal");
        let draft = |kind, data: serde_json::Value| Draft {
            run: Some("20261122-143312-scale-0001".into()),
            kind,
            data: data.as_object().cloned().unwrap_or_default(),
        };
        let plan = json!({ "action": "scale", "same_as": ["kubectl scale deployment/api --replicas=5"] });
        let inputs = json!({ "reason": "the sale | token=abc123" });
        let fields = json!([{ "field": "spec.replicas", "before": 3, "after": 5 }]);
        journal
            .record(&[
                draft(EntryKind::Plan, json!({ "subject": "Deployment shop/api", "quantity": "3->5", "plan": plan, "inputs": inputs })),
                draft(EntryKind::Confirm, json!({ "by": "ana@bastion", "level": "env", "typed": "production" })),
                draft(EntryKind::Intent, json!({ "step": "write", "object": "Deployment shop/api", "fields": fields })),
                draft(EntryKind::Outcome, json!({ "step": "write", "result": "accepted", "detail": "\u{1b}[2J" })),
                draft(
                    EntryKind::End,
                    json!({ "outcome": "failed-with-debts", "undone": false, "reason": "no room", "exit_code": 2,
                        "debts": [{ "id": "write", "object": "Deployment shop/api", "what": "carried out", "pay": "kubectl scale" }] }),
                ),
            ])
            .expect("recorded");
        journal::read(folder.path()).expect("readable")
    }

    #[test]
    fn a_span_of_time_is_told_with_the_commands_that_do_the_same_and_without_secrets() {
        let now = "2026-11-22T15:00:00Z".parse().expect("a time");
        let answer = export(&reading(), Some(moment(Since::Ago(Duration::from_hours(1)), now)), now, now);
        let text = markdown(&answer, &TimeZone::UTC).join("\n");
        for part in [
            "# What was done from 2026-11-22T14:00:00Z to 2026-11-22T15:00:00Z",
            "## scale Deployment shop/api 3-\\>5",
            "- confirmed with `production`",
            "- why: the sale \\| token=\\<hidden\\>",
            "- the same by hand: `kubectl scale deployment/api --replicas=5`",
            "- ended: failed-with-debts: no room",
            "- left behind: Deployment shop/api: carried out; pay it with `kubectl scale`",
            "| 2026-11-22 14:33:12 | 14:33:12 UTC | write intent: Deployment shop/api  spec.replicas 3 -\\> 5 |",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let json = serde_json::to_string(&answer).expect("JSON");
        assert!(!json.contains("abc123") && !text.contains('\u{1b}'), "{json}");
    }

    #[test]
    fn what_is_outside_of_the_span_is_left_out() {
        let clock = FixedClock::new("2026-11-22T15:00:00Z".parse().expect("a time"));
        let now = clock.now();
        let late = export(&reading(), Some(moment(Since::Ago(Duration::from_mins(10)), now)), now, now);
        assert!(markdown(&late, &TimeZone::UTC).contains(&"Nothing.".to_owned()));
    }
}
