//! An export as Markdown: runs, then the timeline.
//!
//! Owns the words around it and that no text of a cluster can change the form of the page.

use jiff::tz::TimeZone;

use super::{Answer, Asked, Exported};
use crate::run::End;

pub(super) fn lines(answer: &Answer) -> Vec<String> {
    let since = answer.since.map_or_else(|| "the beginning".to_owned(), |at| format!("{at:.0}"));
    let mut lines = vec![format!("# What happened from {since} to {:.0}", answer.until), String::new()];
    if answer.unreadable > 0 {
        lines.push(format!("{} lines of the journal cannot be read; `timonel journal verify` names them.", answer.unreadable));
        lines.push(String::new());
    }
    lines.extend([cluster(&answer.cluster), String::new(), "## Runs".to_owned(), String::new()]);
    if answer.runs.is_empty() {
        lines.extend(["None.".to_owned(), String::new()]);
    }
    for run in &answer.runs {
        section(run, &mut lines);
    }
    lines.extend(["## Timeline".to_owned(), String::new()]);
    if answer.timeline.is_empty() {
        lines.push("Nothing.".to_owned());
        return lines;
    }
    timeline(answer, &mut lines);
    lines
}

fn cluster(asked: &Asked) -> String {
    let context = asked.context.as_deref().map_or_else(String::new, |context| format!(" {}", code(context)));
    let missing: Vec<String> = asked.missing.iter().map(|m| plain(m.trim_end_matches('.'))).collect();
    if !asked.answered {
        return format!(
            "The cluster{context} did not answer ({}): its events and its revisions are missing here. What consoles saw is what they saw at the time.",
            missing.join("; ")
        );
    }
    let place = asked
        .namespaces
        .as_ref()
        .map_or_else(|| "all namespaces".to_owned(), |names| names.iter().map(|n| code(n)).collect::<Vec<_>>().join(", "));
    let missing = if missing.is_empty() { String::new() } else { format!(" Not to be had: {}.", missing.join("; ")) };
    format!(
        "Events and revisions are those of the cluster{context}, {place}. A cluster keeps events for an hour or so, and health is known only from \
         consoles that were open: what is not told here may have happened all the same.{missing}"
    )
}

fn section(run: &Exported, lines: &mut Vec<String>) {
    let undone = if run.undone { ", undone" } else { "" };
    lines.push(format!("### {} {} {}", plain(&run.action), plain(&run.subject), plain(&run.quantity)));
    lines.push(String::new());
    lines.push(format!("- run {} by {}", run.id, plain(&run.by)));
    lines.extend(run.typed.iter().map(|typed| format!("- confirmed with {}", code(typed))));
    lines.extend(run.approved_by.iter().map(|by| format!("- approved by {}", plain(by))));
    if run.break_glass {
        lines.push("- **BREAK-GLASS**: it went on without the second person that it asked for".to_owned());
    }
    lines.extend(run.reason.iter().map(|reason| format!("- why: {}", plain(reason))));
    let held = run.checks.iter().filter(|c| c.result == "ok").count();
    if !run.checks.is_empty() {
        lines.push(format!("- {held} of {} checks held", run.checks.len()));
    }
    let not_held = run.checks.iter().filter(|c| c.result != "ok");
    lines.extend(not_held.map(|c| format!("- check {} {}: {}", plain(&c.id), plain(&c.result), plain(&c.detail))));
    lines.extend(run.same_as.iter().map(|command| format!("- the same by hand: {}", code(command))));
    match run.outcome.map(End::word) {
        Some(outcome) => lines.push(format!("- ended: {outcome}{undone}: {}", plain(&run.ended_because))),
        None => lines.push("- did not end".to_owned()),
    }
    let debts = run.debts.iter();
    lines.extend(debts.map(|d| format!("- left behind: {}: {}; pay it with {}", plain(&d.object), plain(&d.what), code(&d.pay))));
    lines.push(String::new());
}

fn timeline(answer: &Answer, lines: &mut Vec<String>) {
    let mut contexts: Vec<&str> = answer.timeline.iter().filter_map(|m| m.context.as_deref()).collect();
    contexts.sort_unstable();
    contexts.dedup();
    lines.extend([format!("| UTC | {} | | about | what |", plain(&answer.zone)), "|---|---|---|---|---|".to_owned()]);
    for moment in &answer.timeline {
        let utc = moment.at.to_zoned(TimeZone::UTC).strftime("%F %T").to_string();
        let about = moment.run.as_deref().or(moment.object.as_deref()).unwrap_or("the whole");
        // Where all of it is from one cluster, its name says nothing.
        let place = moment
            .context
            .as_deref()
            .filter(|_| contexts.len() > 1)
            .map(|c| format!(" in {}", plain(c)))
            .unwrap_or_default();
        let what = plain(&moment.text);
        lines.push(format!("| {utc} | {} | {} | {}{place} | {what} |", moment.local, moment.source.word(), plain(about)));
    }
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
