//! Reading views: opened, fetched, made again when what they show changes.
//!
//! Owns where each view's text comes from. The texts themselves are made in the files below.

mod diff;
mod dumps;
mod events;
mod explain;
mod help;
mod last_lines;
mod locks;
mod release;
mod schema;

use serde_json::Value;

use super::App;
use super::document::{Content, Document, DocumentLine, LineKind};
use super::effect::{Effect, Fetch};
use super::overlay::{LastLines, Live, Overlay, Reading, Source};
use super::ticket::{Question, Ticket};
use crate::base::problem::Level;
use crate::fleet::Topic;
use crate::target::model::ObjectRef;

impl App {
    /// Opens a view that is made from what is seen.
    pub(super) fn read(&mut self, live: Live) -> Vec<Effect> {
        let (title, lines) = self.render(&live, None);
        self.overlays
            .push(Overlay::Document(Reading { document: Document::lines(title, lines), source: Source::Live(live), last: None }));
        self.ask_last_lines()
    }

    /// Opens a view whose text is fetched.
    pub(super) fn fetch(&mut self, title: String, what: Fetch) -> Vec<Effect> {
        let ticket = self.tickets.issue(Question::Document);
        self.overlays.push(Overlay::Document(Reading {
            document: Document::loading(title),
            source: Source::Fetched(ticket, what.clone()),
            last: None,
        }));
        vec![Effect::Fetch { ticket, what }]
    }

    /// Text for a view arrived.
    pub(super) fn fetched(&mut self, ticket: Ticket, result: Result<String, String>) {
        let content = match result {
            Ok(text) => Content::Lines(text.lines().map(yaml_line).collect()),
            Err(why) => Content::Failed(why),
        };
        self.fill(ticket, content);
    }

    /// Pod templates for a comparison arrived.
    pub(super) fn templates(&mut self, ticket: Ticket, result: Result<Box<(Value, Value)>, String>) {
        let content = match result {
            Ok(pair) => Content::Lines(self.comparison(ticket, &pair.0, &pair.1)),
            Err(why) => Content::Failed(why),
        };
        self.fill(ticket, content);
    }

    fn fill(&mut self, ticket: Ticket, content: Content) {
        for overlay in &mut self.overlays {
            if let Overlay::Document(reading) = overlay
                && matches!(&reading.source, Source::Fetched(t, _) if *t == ticket)
            {
                reading.document.fill(content);
                return;
            }
        }
    }

    /// Makes the view on top again.
    pub(super) fn refresh_readings(&mut self) {
        let Some(Overlay::Document(reading)) = self.overlays.last() else { return };
        let Source::Live(live) = reading.source.clone() else { return };
        let (title, lines) = self.render(&live, reading.last.as_ref());
        if let Some(Overlay::Document(reading)) = self.overlays.last_mut() {
            reading.document.title = title;
            reading.document.fill(Content::Lines(lines));
        }
    }

    fn render(&self, live: &Live, last: Option<&LastLines>) -> (String, Vec<DocumentLine>) {
        match live {
            Live::Describe(object) => (object.to_string(), self.describe_lines(object, last)),
            Live::Explain(object) => (format!("why: {object}"), self.explain_lines(object, last)),
            Live::Release(number) => (format!("why: revision {number}"), self.release_lines(*number)),
            Live::Events(Some(object)) => (format!("events: {object}"), self.event_lines(Some(object))),
            Live::Events(None) => ("events, newest first".to_owned(), self.event_lines(None)),
            Live::Health(id) => (format!("health: {id}"), self.health_lines(id)),
            Live::Problems => ("problems: what the program could not do".to_owned(), self.problem_lines()),
            Live::Locks => ("locks: who works here, and what waits".to_owned(), self.lock_lines()),
            Live::Help(contexts) => ("help: keys that work here come first".to_owned(), self.help_lines(contexts)),
        }
    }

    /// What the selection of the focused pane names as an object.
    pub(super) fn selected_object(&self) -> Option<ObjectRef> {
        self.workloads.selected_object()
    }

    pub(super) fn describe(&mut self) -> Vec<Effect> {
        match self.selected_object() {
            Some(object) => self.read(Live::Describe(object)),
            None => self.refuse("nothing is selected"),
        }
    }

    pub(super) fn explain(&mut self) -> Vec<Effect> {
        if self.focus == super::Pane::Health {
            let Some(id) = self.selected_health() else { return self.refuse("nothing is selected") };
            return self.read(Live::Health(id));
        }
        let older = self.releases.selected().filter(|r| self.focus == super::Pane::Releases && !r.current);
        if let Some(number) = older.map(|r| r.number) {
            return self.read(Live::Release(number));
        }
        match self.selected_object() {
            Some(object) => self.read(Live::Explain(object)),
            None => self.refuse("nothing is selected"),
        }
    }

    pub(super) fn yaml(&mut self) -> Vec<Effect> {
        match self.selected_object() {
            Some(object) => self.fetch(format!("{object} · YAML"), Fetch::Yaml(object)),
            None => self.refuse("nothing is selected, or its kind is not known"),
        }
    }

    pub(super) fn events(&mut self) -> Vec<Effect> {
        let object = if self.focus == super::Pane::Workloads { self.selected_object() } else { None };
        self.read(Live::Events(object))
    }

    /// Compares the selected revision with the current one, or two marked ones.
    pub(super) fn diff_release(&mut self) -> Vec<Effect> {
        match self.releases.compared() {
            Ok((workload, from, to)) => {
                let title = format!("{workload}: revision {from} -> {to}");
                self.fetch(title, Fetch::Templates { workload, from, to })
            }
            Err(why) => self.refuse(why),
        }
    }

    fn problem_lines(&self) -> Vec<DocumentLine> {
        if self.problems.is_empty() {
            return vec![DocumentLine::new(LineKind::Good, "Nothing: everything that was asked for could be had.")];
        }
        let mut lines = Vec::new();
        for problem in self.problems.values() {
            let kind = match problem.level {
                Level::Error => LineKind::Bad,
                Level::Unknown => LineKind::Unknown,
                Level::Warning => LineKind::Warning,
            };
            let place = problem.place.as_ref().map(|p| format!("{p}: ")).unwrap_or_default();
            lines.push(DocumentLine::new(kind, format!("{place}{}", problem.message)));
            lines.extend(problem.hint.iter().flat_map(|h| h.lines()).map(|l| DocumentLine::new(LineKind::Dim, format!("    {l}"))));
            lines.push(DocumentLine::plain(""));
        }
        lines
    }

    /// Id of the health item or probe under the cursor.
    fn selected_health(&self) -> Option<String> {
        let ids = self.probes.keys().map(ToString::to_string).chain(self.answers.items.iter().map(|i| i.id.clone()));
        ids.into_iter().nth(self.health.selected)
    }

    fn health_lines(&self, id: &str) -> Vec<DocumentLine> {
        let Some(report) = self.probes.get(id) else {
            let Some(item) = self.answers.items.iter().find(|i| i.id == id) else { return Vec::new() };
            return match (item.topic, id.strip_prefix("backup/")) {
                (Topic::Schema, _) => self.schema_lines(item),
                (Topic::Backup, Some(backup)) => self.dump_lines(item, backup),
                _ => self.item_lines(item),
            };
        };
        explain::probe(report, &self.start.zone)
    }
}

/// A line of YAML: what is a key at the start of a line is a field.
fn yaml_line(text: &str) -> DocumentLine {
    let trimmed = text.trim_start().trim_start_matches("- ");
    let is_key = trimmed
        .split_once(':')
        .is_some_and(|(key, rest)| !key.contains(' ') && (rest.is_empty() || rest.starts_with(' ')));
    DocumentLine::new(if is_key { LineKind::Field } else { LineKind::Plain }, text)
}
