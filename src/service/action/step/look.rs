//! Steps that look and tell, and the one that runs a program here: `sql-check`, `metric-check`, `logs`, `notify`, `shell`.
//!
//! Owns what each takes, and what disables it. Must not do anything of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::{BackupState, Requirement};
use super::{ROLLED, Reader, StepKind, Template};
use crate::base::toml::{At, Table, quoted, word_hint};
use crate::service::{AlarmEvent, Expectation};

/// A statement of a `sql-check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlCheck {
    /// The statement, which reads.
    pub sql: String,
    /// What its first value must be; `None` = that it is answered.
    pub expect: Option<String>,
    /// The answer is told.
    pub show: bool,
}

/// A log is looked at by people.
const MOST_LINES: i64 = 500;
const LINES: u32 = 50;
/// Kinds of steps of this file.
pub(super) const KINDS: [&str; 5] = ["sql-check", "metric-check", "logs", "notify", "shell"];

impl Reader<'_, '_> {
    /// What a step of one of [`KINDS`] is.
    pub(super) fn look(&mut self, table: &Table<'_>, kind: &str) -> Option<StepKind> {
        match kind {
            "sql-check" => self.sql_check(table),
            "metric-check" => self.metric_check(table),
            "logs" => {
                let found = self.known_workload(table);
                if let Some((_, kind)) = found.as_ref().filter(|(_, kind)| !ROLLED.contains(kind)) {
                    self.disabled.because(format!("a step shows the log of a {}, which this version cannot do yet", kind.word()));
                }
                let workload = found.map(|(id, _)| id.value);
                let container = table.text("container").map(|c| c.value);
                let tail = table.integer("tail", 1..=MOST_LINES).and_then(|n| u32::try_from(n.value).ok()).unwrap_or(LINES);
                let ack = table.flag("ack").is_none_or(|f| f.value);
                Some(StepKind::Logs { workload: workload?, container, tail, ack })
            }
            "notify" => self.notify(table),
            _ => self.shell(table),
        }
    }

    fn sql_check(&mut self, table: &Table<'_>) -> Option<StepKind> {
        let database = table.need_text("database");
        let entries = table.tables("checks");
        if entries.is_empty() {
            table.missing("checks");
        }
        let mut checks = Vec::new();
        for entry in &entries {
            // What an operator gives does not become part of a statement.
            let sql = entry.need_text("sql").and_then(|text| self.texts.names.fill(entry, text));
            let expect = entry.text("expect");
            let good = expect.as_ref().is_none_or(|text| Expectation::read(entry, text).is_some());
            let show = entry.flag("show").is_some_and(|f| f.value);
            entry.finish();
            checks.extend(sql.filter(|_| good).map(|sql| SqlCheck { sql: sql.value, expect: expect.map(|e| e.value), show }));
        }
        let database = self.one_of(table, &database?, "database", self.around.databases)?;
        (checks.len() == entries.len() && !checks.is_empty()).then_some(StepKind::SqlCheck { database, checks })
    }

    fn metric_check(&mut self, table: &Table<'_>) -> Option<StepKind> {
        let named = table.texts("kpis");
        if named.is_empty() {
            table.missing("kpis");
        }
        let known: Vec<Option<String>> = named.iter().map(|id| self.one_of(table, id, "kpi", self.around.kpis)).collect();
        let hold = table.duration("hold", Duration::from_secs(1)..=Duration::from_hours(24)).map_or(Duration::ZERO, |d| d.value);
        if !self.around.measured {
            self.disabled
                .because("a step looks at measures, and no [sources.prometheus] says with its url where they are");
        }
        let kpis: Vec<String> = known.into_iter().collect::<Option<_>>()?;
        (!kpis.is_empty()).then_some(StepKind::MetricCheck { kpis, hold })
    }

    fn notify(&mut self, table: &Table<'_>) -> Option<StepKind> {
        let named = table.texts("to");
        if named.is_empty() {
            table.missing("to");
        }
        let known: Vec<Option<String>> = named.iter().map(|id| self.one_of(table, id, "channel", self.around.channels)).collect();
        let text = table.need_text("text").and_then(|text| self.texts.read_at_end(table, &text, self.disabled));
        let event = table.word("event", &AlarmEvent::WORDS).map(|w| w.value);
        let to: Vec<String> = known.into_iter().collect::<Option<_>>()?;
        (!to.is_empty()).then_some(())?;
        Some(StepKind::Notify { to, text: text?, event })
    }

    fn shell(&mut self, table: &Table<'_>) -> Option<StepKind> {
        if !self.around.shell {
            self.disabled
                .because("it runs a program on this machine, which this environment does not allow: shell = \"allow\" in [env.ID]");
        }
        let (argv, script) = (table.has("argv"), table.has("script"));
        if argv == script {
            let hint = "argv = [\"program\", \"argument\"], which no shell reads, or script = \"…\" for /bin/sh.";
            table.error(table.spot(), "The step must have either argv or a script.", Some(hint.into()));
            table.accept(&["argv", "script"]);
            return None;
        }
        if argv {
            return Some(StepKind::Shell { argv: self.argv(table)? });
        }
        // What an operator gives does not become part of a script.
        let script = table.need_text("script").and_then(|text| self.texts.names.fill(table, text))?;
        let words = ["/bin/sh", "-eu", "-c", &script.value];
        Some(StepKind::Shell { argv: words.map(Template::plain).into() })
    }

    /// The forms of a `done_when` that are no condition; `None` where it is none of them.
    pub(super) fn done_word(&mut self, table: &Table<'_>, text: &At<String>, name: &str) -> Option<Vec<Template>> {
        if text.value.starts_with("backup:label=") && text.value.ends_with(" verified") {
            return Some(self.texts.read(table, text, self.disabled).into_iter().collect());
        }
        if let Some(rest) = text.value.strip_prefix("backup:").filter(|rest| !rest.starts_with("label=")) {
            let wanted = super::super::backup(table, rest, text, self.around, self.disabled);
            let word = |state: BackupState| if state == BackupState::Fresh { "fresh" } else { "verified" };
            let id = |r: Requirement| {
                if let Requirement::Backup(id, state) = r { Some(Template::plain(format!("backup:{id} {}", word(state)))) } else { None }
            };
            return Some(wanted.and_then(id).into_iter().collect());
        }
        if ["backup:", "migrations:", "sql:"].iter().any(|head| text.value.starts_with(head)) {
            self.disabled
                .because(format!("the done_when of step '{name}' is '{}', which this version cannot wait for yet", text.value));
            return Some(Vec::new());
        }
        None
    }

    /// `on_fail = "run:ACTION"`: the action that is offered when the step failed.
    pub(super) fn offers(&mut self, table: &Table<'_>) -> Option<String> {
        let text = table.text("on_fail")?;
        let id = At { value: text.value.strip_prefix("run:")?.to_owned(), spot: text.spot };
        self.one_of(table, &id, "action", self.around.actions)
    }

    /// The id, where it is one of the file's; one that is known only when it runs disables the action.
    fn one_of(&mut self, table: &Table<'_>, id: &At<String>, noun: &str, known: &[String]) -> Option<String> {
        if id.value.contains("${") {
            self.disabled
                .because(format!("the {noun} {} is not known before it runs, which this version does not have yet", quoted(&id.value)));
            return None;
        }
        if !known.contains(&id.value) {
            let hint = word_hint(&id.value, known.iter().map(String::as_str).collect::<Vec<_>>());
            table.error(&id.spot, format!("There is no {noun} {}.", quoted(&id.value)), hint);
            return None;
        }
        Some(id.value.clone())
    }
}
