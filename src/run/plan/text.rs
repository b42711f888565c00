//! A plan as lines of text, for the command line and the panel alike (screens.md 3).
//!
//! Owns which lines there are and their order. Colours, glyphs and widths belong to whoever draws them.

use jiff::Timestamp;

use super::Plan;
use crate::base::confirmation::Confirmation;
use crate::migrate::Harm;
use crate::run::check::{Answer, Check};
use crate::run::migrate;
use crate::run::step::{Form, Work, difference, made, shown};

/// How a line is meant; a drawing adds glyph and colour to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Plain text.
    Plain,
    /// Of less importance.
    Muted,
    /// Good news.
    Ok,
    /// Shown, and nothing is blocked by it.
    Warning,
    /// Loses something that does not come back.
    Danger,
    /// Stands in the way.
    Failed,
    /// Not known.
    Unknown,
}

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanLine {
    /// What the line belongs to: `Will change`, `Checks`; empty when it goes on with the one above.
    pub label: &'static str,
    /// How it is meant.
    pub tone: Tone,
    /// The text.
    pub text: String,
}

/// A value that may be shown, as a line has it.
fn told(value: &serde_json::Value) -> String {
    let text = match value {
        serde_json::Value::Null => return "absent".to_owned(),
        serde_json::Value::String(text) => crate::base::text::clean(text).into_owned(),
        other => other.to_string(),
    };
    if text.chars().count() > 80 { text.chars().take(79).chain(['…']).collect() } else { text }
}

impl Tone {
    /// Of a risk: what a statement of a migration can do is told by its class.
    pub(in crate::run) fn of_risk(risk: &str) -> Self {
        match migrate::harm(risk) {
            Some(Harm::Additive) => Self::Plain,
            Some(Harm::Destructive) => Self::Danger,
            Some(Harm::Unknown) => Self::Unknown,
            Some(Harm::Locking | Harm::Rewriting) | None => Self::Warning,
        }
    }
}

impl Plan {
    /// `Scale eterna-rules-backend`, `Restart 3: web, worker, batch`.
    pub fn title(&self) -> String {
        if let Some(program) = &self.inner.program {
            return program.title.clone();
        }
        let mut action = self.action.clone();
        if let Some(first) = action.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let members = &self.inner.members;
        if members.is_empty() {
            return format!("{action} {}", self.subject().name);
        }
        let names: Vec<&str> = members.iter().map(|m| m.label.as_str()).collect();
        format!("{action} {}: {}", names.len(), names.join(", "))
    }

    /// The plan as lines, as seen at `now`.
    pub fn lines(&self, now: Timestamp) -> Vec<PlanLine> {
        let mut lines = Lines::default();
        self.change_lines(&mut lines, now);
        self.step_lines(&mut lines);
        lines.block("Checks");
        for check in &self.checks {
            self.check_lines(&mut lines, check);
        }
        lines.block("Risks");
        for risk in &self.risks {
            lines.push(Tone::of_risk(risk), risk.clone());
        }
        lines.block("Then prove");
        for step in self.steps.iter().filter(|s| matches!(s.work, Work::Prove(_))) {
            lines.push(Tone::Plain, step.proof.clone());
        }
        lines.block("Undo");
        lines.push(Tone::Plain, self.undo.clone());
        lines.block("Same as");
        for command in &self.same_as {
            lines.push(Tone::Muted, command.clone());
        }
        self.verdict_lines(&mut lines);
        lines.done
    }

    fn change_lines(&self, lines: &mut Lines, now: Timestamp) {
        lines.block("Will change");
        for (_, write) in self.writes() {
            lines.push(Tone::Plain, format!("{}   {}", write.object, write.words()));
            if matches!(write.form, Form::Create { .. }) {
                let specs = write.changes.iter().filter(|c| c.pointer == "/spec");
                for line in specs.flat_map(|c| made::lines(&c.after)) {
                    lines.push(Tone::Plain, format!("  {line}"));
                }
            }
            let whole = write.changes.iter().filter(|c| c.before.is_object() && c.after.is_object());
            for one in whole.flat_map(|c| difference::between(c.pointer, &c.before, &c.after)) {
                lines.push(Tone::Plain, format!("  {}: {} -> {}", one.field, told(&one.before), told(&one.after)));
            }
        }
        if self.objects.is_empty() {
            let mut fields = self.inner.frozen.iter().flat_map(|f| &f.fields).filter(|f| !f.value.is_object());
            let at = fields
                .next()
                .filter(|_| self.action == "scale")
                .map_or_else(String::new, |f| format!(": {} is at {} already", self.subject(), shown(f.pointer, &f.value)));
            lines.push(Tone::Plain, format!("nothing{at}"));
        }
        let age = now.as_second() - self.inner.made_at.as_second();
        let uid = self.inner.frozen.first().map_or("", |f| f.uid.as_str());
        lines.push(Tone::Muted, format!("uid {uid}   frozen {} s ago, valid {} s", age.max(0), self.valid_for(now).as_secs()));
    }

    /// The steps of an action that has several different ones, each with its rules.
    fn step_lines(&self, lines: &mut Lines) {
        if self.inner.program.is_none() {
            return;
        }
        lines.block("Steps");
        for (number, member) in (1_u16..).zip(&self.inner.members) {
            let own: Vec<&str> = self
                .steps
                .iter()
                .filter(|s| s.id.member() == number)
                .map(|s| s.title.strip_prefix(&format!("{}: ", member.label)).unwrap_or(&s.title))
                .collect();
            lines.push(Tone::Plain, format!("{number} {}   {}", member.label, own.join(", then ")));
            let rules = member.policy.words();
            if !rules.is_empty() {
                lines.push(Tone::Muted, format!("  {rules}"));
            }
        }
    }

    fn check_lines(&self, lines: &mut Lines, check: &Check) {
        let overridden = self.inner.inputs.overrides.contains(&check.id);
        let tone = match (check.result, check.required) {
            (Answer::Ok, _) => Tone::Ok,
            (Answer::Unknown, _) => Tone::Unknown,
            (Answer::Failed, true) if !overridden => Tone::Failed,
            (Answer::Failed, _) => Tone::Warning,
        };
        let mark = if overridden { " (overridden)" } else { "" };
        // What a right is about, its detail says in full.
        // Nor does the id say once more which object it is about.
        let id = check.id.split(':').next().filter(|id| *id != "rbac").map(|id| format!("{id}: ")).unwrap_or_default();
        lines.push(tone, format!("{id}{}{mark}", check.detail));
        if let Some(fix) = check.fix.as_ref().filter(|_| check.result != Answer::Ok) {
            lines.push(Tone::Muted, format!("  {fix}"));
        }
    }

    fn verdict_lines(&self, lines: &mut Lines) {
        if !self.allowed {
            lines.block("Blocked by");
            lines.push(Tone::Failed, self.blocked_by.join(", "));
            return;
        }
        lines.block("Confirm");
        let why: Vec<&str> = self.inner.raises.iter().filter(|r| r.to == self.confirmation.level).map(|r| r.why.as_str()).collect();
        let why = if why.is_empty() { String::new() } else { format!(": {}", why.join(", ")) };
        let text = match (&self.confirmation.text, self.confirmation.level) {
            (None, _) => "nothing is asked, for nothing is written".to_owned(),
            (Some(text), Confirmation::TwoPerson) => format!("type '{text}', and a second person approves{why}"),
            (Some(text), level) => format!("type '{text}' (level {}{why})", level.word()),
        };
        lines.push(Tone::Plain, text);
    }
}

#[derive(Default)]
struct Lines {
    label: &'static str,
    done: Vec<PlanLine>,
}

impl Lines {
    fn block(&mut self, label: &'static str) {
        self.label = label;
    }

    fn push(&mut self, tone: Tone, text: String) {
        self.done.push(PlanLine { label: std::mem::take(&mut self.label), tone, text });
    }
}
