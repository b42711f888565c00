//! One run as people read it: `timonel runs show ID`.
//!
//! Owns the words and their order: plan, checks, what was typed, what was meant and what came of it, the end. Reads lines of the
//! journal, whatever version wrote them: what a line does not have is left out.

use serde_json::Value;

use crate::base::text::clean;
use crate::run::journal::{Entry, EntryKind, RunSummary};

/// The run in lines, without its debts.
pub(super) fn story(run: &RunSummary, entries: &[Entry]) -> Vec<String> {
    let mut lines = vec![format!("{}  {} {}  by {}@{}", run.id, run.subject, run.quantity, run.user, run.host)];
    for entry in entries {
        let data = Value::Object(entry.data.clone());
        match entry.kind {
            EntryKind::Plan => plan(&data, &mut lines),
            EntryKind::Check => checks(&data, &mut lines),
            _ => lines.extend(dated(entry).map(|text| format!("{}  {text}", entry.at))),
        }
    }
    if run.ended_at.is_none() {
        lines.push(format!("not ended: it is still running, or its process was stopped: `timonel runs resume {}` goes on with it", run.id));
    }
    // What is shown was once text of a cluster.
    lines.iter().map(|line| clean(line).into_owned()).collect()
}

/// What happened, for a line that tells of a moment; a plan and its checks do not.
pub(super) fn dated(entry: &Entry) -> Option<String> {
    let data = Value::Object(entry.data.clone());
    Some(match entry.kind {
        EntryKind::Plan | EntryKind::Check => return None,
        EntryKind::Confirm => format!("confirmed by {}: {}", text(&data["by"]), typed(&data)),
        EntryKind::Intent => format!("{} intent: {}{}", step(&data), text(&data["object"]), fields(&data)),
        EntryKind::Outcome => format!("{} {}{}", step(&data), text(&data["result"]), after(&data["detail"])),
        EntryKind::Proof => format!("{} {}{}", step(&data), if data["holds"] == true { "proven" } else { "failed" }, after(&data["text"])),
        EntryKind::Note => format!("note{}", after(&data["text"])),
        EntryKind::End => format!("end: {}{}", ended(&data), after(&data["reason"])),
    })
}

fn plan(data: &Value, lines: &mut Vec<String>) {
    let plan = &data["plan"];
    for (head, field) in [("risk", "risks"), ("same as", "same_as")] {
        lines.extend(list(&plan[field]).map(|item| format!("  {head}: {}", text(item))));
    }
    lines.extend(list(&plan["steps"]).map(|s| format!("  step {}: {}; done when {}", text(&s["id"]), text(&s["title"]), text(&s["proof"]))));
    if let Some(undo) = plan["undo"].as_str().filter(|u| !u.is_empty()) {
        lines.push(format!("  undo: {undo}"));
    }
}

fn checks(data: &Value, lines: &mut Vec<String>) {
    for check in list(&data["checks"]) {
        let weight = if check["required"] == true { "" } else { " (advisory)" };
        lines.push(format!("  check {} {}{weight}{}", text(&check["id"]), text(&check["result"]), after(&check["detail"])));
    }
}

/// What was typed is the name of a place or a phrase of the plan, never a secret.
fn typed(data: &Value) -> String {
    match data["typed"].as_str() {
        Some(typed) => format!("typed '{typed}' (level {})", text(&data["level"])),
        None => format!("level {}", text(&data["level"])),
    }
}

fn fields(data: &Value) -> String {
    let fields = list(&data["fields"]).map(|f| format!("  {} {} -> {}", text(&f["field"]), text(&f["before"]), text(&f["after"])));
    fields.collect()
}

fn step(data: &Value) -> String {
    text(&data["step"])
}

fn ended(data: &Value) -> String {
    let undone = if data["undone"] == true { " and undone" } else { "" };
    let code = data["exit_code"].as_u64().map(|code| format!(" (exit code {code})")).unwrap_or_default();
    format!("{}{undone}{code}", text(&data["outcome"]))
}

fn after(value: &Value) -> String {
    let text = text(value);
    if text.is_empty() { text } else { format!(": {text}") }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::story;
    use crate::base::clock::FixedClock;
    use crate::run::journal::{self, Draft, EntryKind, Journal, Recorder as _};

    fn told(lines: &[(EntryKind, Value)]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(FixedClock::new("2026-11-22T14:33:12Z".parse().expect("a time")));
        let journal = Journal::open(folder.path(), clock, "bastion", "ana").expect("a journal");
        let draft = |(kind, data): &(EntryKind, Value)| Draft {
            run: Some("20261122-143312-scale-0001".into()),
            kind: *kind,
            data: data.as_object().cloned().unwrap_or_default(),
        };
        journal.record(&lines.iter().map(draft).collect::<Vec<_>>()).expect("recorded");
        let entries = journal::read(folder.path()).expect("readable").entries;
        let runs = journal::runs(&entries);
        story(&runs[0], &entries).join("\n")
    }

    fn plan() -> (EntryKind, Value) {
        let plan = json!({ "action": "scale", "same_as": ["kubectl scale deployment/api --replicas=5"], "risks": [], "undo": "scale back to 3",
            "steps": [{ "id": "write", "title": "set replicas", "proof": "the API shows 5" }] });
        (EntryKind::Plan, json!({ "subject": "Deployment shop/api", "quantity": "3 -> 5", "plan": plan }))
    }

    #[test]
    fn a_run_is_told_from_plan_to_end_with_what_was_typed_and_the_command_that_does_the_same() {
        let text = told(&[
            plan(),
            (EntryKind::Check, json!({ "checks": [{ "id": "quota", "required": true, "result": "ok", "detail": "2 pods fit" }] })),
            (EntryKind::Confirm, json!({ "by": "ana@bastion", "level": "env", "typed": "production" })),
            (
                EntryKind::Intent,
                json!({ "step": "write", "object": "Deployment shop/api", "fields": [{ "field": "spec.replicas", "before": 3, "after": 5 }] }),
            ),
            (EntryKind::Outcome, json!({ "step": "write", "result": "accepted", "detail": "" })),
            (EntryKind::Proof, json!({ "step": "prove-ready", "holds": true, "text": "5 of 5 pods ready" })),
            (
                EntryKind::End,
                json!({ "outcome": "proven", "undone": false, "reason": "every proof held", "debts": [], "exit_code": 0 }),
            ),
        ]);
        for part in [
            "same as: kubectl scale deployment/api --replicas=5",
            "step write: set replicas; done when the API shows 5",
            "check quota ok: 2 pods fit",
            "confirmed by ana@bastion: typed 'production' (level env)",
            "write intent: Deployment shop/api  spec.replicas 3 -> 5",
            "prove-ready proven: 5 of 5 pods ready",
            "end: proven (exit code 0): every proof held",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(!text.contains("not ended"));
    }

    #[test]
    fn a_run_whose_process_died_is_said_to_be_open_and_hostile_text_is_cleaned() {
        let text = told(&[plan(), (EntryKind::Note, json!({ "text": "took over \u{1b}[2J the lock" }))]);
        assert!(text.contains("not ended"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
