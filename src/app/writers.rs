//! Asks for what only the full object of a workload can tell about its current revision: who wrote the template, and when.
//!
//! Owns that one question is under way at a time and that none is asked twice for the same revision.

use super::effect::{Effect, Fetch};
use super::ticket::Question;
use super::{App, Pane};
use crate::fleet::Writer;
use crate::release::{By, Unexplained};

impl App {
    /// The next question, when something on screen is unexplained and no answer is awaited.
    pub(super) fn ask_writer(&mut self) -> Option<Effect> {
        if self.asked_writer.is_some() {
            return None;
        }
        let next = self.answers.unexplained.iter().find(|u| !self.is_told(u)).cloned().or_else(|| self.looked_at())?;
        let what = Fetch::Writer(next.object.clone());
        self.asked_writer = Some(next);
        Some(Effect::Fetch { ticket: self.tickets.issue(Question::Writer), what })
    }

    /// The answer; one that could not be had counts as told, so that a missing right is not asked for again and again.
    pub(super) fn writer_told(&mut self, writer: Option<Writer>) {
        if let Some(asked) = self.asked_writer.take() {
            self.fleet.learn_writer(asked.uid, asked.revision, writer);
        }
    }

    /// The workload in the releases pane, while somebody looks there and its current revision is nobody's.
    fn looked_at(&self) -> Option<Unexplained> {
        let current = self.releases.revisions.iter().find(|r| r.current).filter(|_| self.focus == Pane::Releases)?;
        let object = self.releases.workload.as_ref()?.object().filter(|_| current.by == By::Unknown)?;
        Unexplained::of(&self.fleet, self.fleet.workload(object.kind, &object.namespace, &object.name)?)
    }

    /// Answered since the answers of the header were worked out last.
    fn is_told(&self, asked: &Unexplained) -> bool {
        let object = &asked.object;
        let workload = self.fleet.workload(object.kind, &object.namespace, &object.name);
        workload.is_none_or(|w| self.fleet.writer(w).is_some())
    }
}
