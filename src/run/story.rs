//! One run as its lines in the journal tell it: `timonel runs show`, the console's journal and the export say the same.
//!
//! Owns the words and their order: plan, checks with their answers, what was typed, steps with their proofs, the end, debts, and what
//! one would type without this program. Reads lines of whatever version wrote them: what a line does not have is left out. Must not
//! know how it is drawn.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::journal::{Entry, EntryKind, RunRecord, RunSummary};
use super::outcome::End;
use super::plan::{PlanLine, Tone};
use crate::base::text::clean;

/// The run in lines; times are those of `zone`.
pub fn story(record: &RunRecord, zone: &TimeZone) -> Vec<PlanLine> {
    let mut story = Story { zone, label: "", done: Vec::new() };
    let of = |kind: EntryKind| record.lines.iter().find(|e| e.kind == kind).map(|e| Value::Object(e.data.clone())).unwrap_or_default();
    let (plan, checks) = (of(EntryKind::Plan), of(EntryKind::Check));
    story.head(&record.run, &plan);
    story.plan(&plan["plan"]);
    story.checks(&checks, &plan["inputs"]);
    story.typed(&record.lines);
    story.steps(&record.lines);
    story.outcome(&record.run);
    story.block("Same as");
    for command in list(&plan["plan"]["same_as"]) {
        story.push(Tone::Muted, text(command));
    }
    story.done
}

/// What a line tells of a moment, and how it is meant; a plan and its checks tell of none.
pub fn moment(entry: &Entry) -> Option<(Tone, String)> {
    let data = Value::Object(entry.data.clone());
    let step = || if data["undo"] == true { format!("{} (the way back)", text(&data["step"])) } else { text(&data["step"]) };
    let (tone, line) = match entry.kind {
        EntryKind::Plan | EntryKind::Check => return None,
        EntryKind::Confirm => (Tone::Plain, format!("confirmed by {}: {}", text(&data["by"]), typed(&data))),
        EntryKind::Intent => (Tone::Muted, format!("{} intent{}: {}{}", step(), again(&data), text(&data["object"]), changes(&data["fields"]))),
        EntryKind::Outcome => {
            let result = text(&data["result"]);
            let tone = match &*result {
                "accepted" => Tone::Plain,
                "unknown" => Tone::Unknown,
                _ => Tone::Warning,
            };
            (tone, format!("{} {result}{}", step(), after(&data["detail"])))
        }
        EntryKind::Proof if data["holds"] == true => (Tone::Ok, format!("{} proven{}", step(), after(&data["text"]))),
        EntryKind::Proof => (Tone::Failed, format!("{} failed{}", step(), after(&data["text"]))),
        EntryKind::Note => (Tone::Muted, format!("note{}", after(&data["text"]))),
        EntryKind::End => (Tone::Plain, format!("end: {}{}", ended(&data), after(&data["reason"]))),
    };
    Some((tone, clean(&line).into_owned()))
}

struct Story<'a> {
    zone: &'a TimeZone,
    label: &'static str,
    done: Vec<PlanLine>,
}

impl Story<'_> {
    fn block(&mut self, label: &'static str) {
        self.label = label;
    }

    /// What is shown was once text of a cluster.
    fn push(&mut self, tone: Tone, text: impl AsRef<str>) {
        let text = clean(text.as_ref()).into_owned();
        self.done.push(PlanLine { label: std::mem::take(&mut self.label), tone, text });
    }

    fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%T%.1f").to_string()
    }

    fn head(&mut self, run: &RunSummary, plan: &Value) {
        self.block("Run");
        self.push(Tone::Plain, format!("{} {} {}", run.action, run.subject, run.quantity));
        let target = &plan["plan"]["target"];
        let place = [("in context", &target["context"]), ("cluster", &target["cluster_uid"])];
        let place: Vec<String> = place.iter().filter(|(_, v)| v.is_string()).map(|(word, v)| format!("  {word} {}", text(v))).collect();
        self.push(Tone::Muted, format!("{}  by {}@{}{}", run.id, run.user, run.host, place.concat()));
        let began = run.started_at.to_zoned(self.zone.clone()).strftime("%F %T %Z");
        let took = run
            .ended_at
            .map(|at| format!(", took {:.1} s", at.duration_since(run.started_at).as_secs_f64()))
            .unwrap_or_default();
        self.push(Tone::Muted, format!("began {began}{took}"));
    }

    fn plan(&mut self, plan: &Value) {
        self.block("Plan");
        for object in list(&plan["objects"]) {
            let place = if object["namespace"] == "" { String::new() } else { format!("{}/", text(&object["namespace"])) };
            self.push(Tone::Plain, format!("{} {place}{}{}", text(&object["kind"]), text(&object["name"]), changes(&object["changes"])));
        }
        for step in list(&plan["steps"]) {
            self.push(Tone::Plain, format!("step {}: {}; done when {}", text(&step["id"]), text(&step["title"]), text(&step["proof"])));
        }
        for risk in list(&plan["risks"]) {
            self.push(Tone::of_risk(&text(risk)), format!("risk: {}", text(risk)));
        }
        if let Some(undo) = plan["undo"].as_str().filter(|u| !u.is_empty()) {
            self.push(Tone::Plain, format!("undo: {undo}"));
        }
    }

    fn checks(&mut self, data: &Value, inputs: &Value) {
        self.block("Checks");
        for check in list(&data["checks"]) {
            let overridden = list(&inputs["overrides"]).any(|id| *id == check["id"]);
            let tone = match (check["result"].as_str(), check["required"] == true && !overridden) {
                (Some("ok"), _) => Tone::Ok,
                (Some("unknown"), _) => Tone::Unknown,
                (_, true) => Tone::Failed,
                _ => Tone::Warning,
            };
            let weight = if check["required"] == true { "" } else { " (advisory)" };
            let mark = if overridden { " (overridden)" } else { "" };
            self.push(tone, format!("{} {}{weight}{mark}{}", text(&check["id"]), text(&check["result"]), after(&check["detail"])));
        }
        self.block("Why");
        if let Some(reason) = inputs["reason"].as_str() {
            self.push(Tone::Plain, reason);
        }
    }

    fn typed(&mut self, lines: &[Entry]) {
        self.block("Typed");
        for entry in lines.iter().filter(|e| e.kind == EntryKind::Confirm) {
            let data = Value::Object(entry.data.clone());
            let whom = data["cluster_user"]
                .as_str()
                .filter(|u| !u.is_empty())
                .map(|u| format!(", in the cluster {u}"))
                .unwrap_or_default();
            let text = format!("{}  {} by {}{whom}", self.time(entry.at), typed(&data), text(&data["by"]));
            self.push(Tone::Plain, text);
        }
    }

    /// What was meant and what came of it. The last end has a block of its own; one that was gone on after is part of the way.
    fn steps(&mut self, lines: &[Entry]) {
        self.block("Steps");
        for (at, entry) in lines.iter().enumerate() {
            let last = lines[at + 1..].is_empty();
            if entry.kind == EntryKind::Confirm || (entry.kind == EntryKind::End && last) {
                continue;
            }
            if let Some((tone, line)) = moment(entry) {
                let line = format!("{}  {line}", self.time(entry.at));
                self.push(tone, line);
            }
        }
    }

    fn outcome(&mut self, run: &RunSummary) {
        self.block("Outcome");
        let Some(outcome) = run.outcome else {
            let id = &run.id;
            self.push(
                Tone::Warning,
                format!("not ended: it is still running, or its process was stopped: `timonel runs resume {id}` goes on with it"),
            );
            return;
        };
        let tone = match outcome {
            End::Proven => Tone::Ok,
            End::Failed | End::FailedWithDebts => Tone::Failed,
            End::Unknown => Tone::Unknown,
            End::Refused => Tone::Warning,
        };
        let undone = if run.undone { " and undone" } else { "" };
        let at = run.ended_at.map(|at| format!("{}  ", self.time(at))).unwrap_or_default();
        let why = if run.reason.is_empty() { String::new() } else { format!(": {}", run.reason) };
        self.push(tone, format!("{at}{}{undone}{why}", outcome.word()));
        self.block("Debts");
        for debt in &run.debts {
            self.push(Tone::Failed, format!("{}: {}", debt.object, debt.what));
            self.push(Tone::Plain, format!("  pay it with: {}", debt.pay));
        }
    }
}

/// What was typed is the name of a place or a phrase of the plan, never a secret.
fn typed(data: &Value) -> String {
    let who = match data["approved_by"].as_str() {
        Some(by) => format!(", approved by {by}"),
        None if data["break_glass"] == true => ", BREAK-GLASS: without a second person".to_owned(),
        None => String::new(),
    };
    match data["typed"].as_str() {
        Some(typed) => format!("'{typed}' (level {}{who})", text(&data["level"])),
        None => format!("nothing (level {}{who})", text(&data["level"])),
    }
}

fn again(data: &Value) -> String {
    data["try"].as_u64().filter(|n| *n > 1).map(|n| format!(" (try {n})")).unwrap_or_default()
}

/// `  spec.replicas 3 -> 5` of each field.
fn changes(fields: &Value) -> String {
    let words: Vec<String> = list(fields)
        .map(|f| format!("  {} {} -> {}", text(&f["field"]), text(&f["before"]), text(&f["after"])))
        .collect();
    words.concat()
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
mod tests;
