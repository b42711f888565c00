//! The releases pane: revisions of the selected workload, with cursor and marks.
//!
//! Owns cursor and marks. What a revision is comes from `release`.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::list::ListState;
use super::schema::Schema;
use crate::action::Action;
use crate::fleet::{Fleet, WorkloadKey};
use crate::release::{Judged, Revision, history};
use crate::target::model::ObjectRef;

/// The releases pane.
#[derive(Debug, Default)]
pub struct Releases {
    /// Revisions, newest first.
    pub revisions: Vec<Revision>,
    /// Cursor over them.
    pub list: ListState,
    /// The verdict on each of them, where the migrations of the workload are declared; none on the current one.
    pub judged: Vec<Option<Judged>>,
    /// Marked revisions, for a comparison of two.
    pub marks: BTreeSet<i64>,
    /// Whose revisions they are.
    pub workload: Option<Arc<WorkloadKey>>,
    seen: (u64, u64, i64),
}

impl Releases {
    /// Makes the list again when the selected workload or what is seen of it changed; the cursor stays on its revision.
    ///
    /// Verdicts tell how old what they rest on is: they are made again once a minute.
    pub fn refresh(&mut self, fleet: &Fleet, subject: Option<&Arc<WorkloadKey>>, schema: &Schema, now: Timestamp) {
        let other = self.workload.as_ref() != subject;
        let seen = (fleet.revision(), schema.revision(), now.as_second() / 60);
        if !other && self.seen == seen {
            return;
        }
        self.seen = seen;
        if other {
            self.workload = subject.cloned();
            self.marks.clear();
            self.list.selected = 0;
        }
        let at = self.selected().map(|r| r.number);
        self.revisions = subject.map(|key| history(fleet, key)).unwrap_or_default();
        let judge = |r: &Revision| schema.judge(fleet, subject.filter(|_| !r.current)?, r, now);
        self.judged = self.revisions.iter().map(judge).collect();
        match at.filter(|_| !other).and_then(|n| self.revisions.iter().position(|r| r.number == n)) {
            Some(row) => self.list.follow(row, self.revisions.len()),
            None => self.list.show(self.revisions.len()),
        }
    }

    /// Forgets what was seen of another target.
    pub fn forget(&mut self) {
        *self = Self { list: ListState { height: self.list.height, ..ListState::default() }, ..Self::default() };
    }

    /// Unmarks everything.
    pub fn clear_marks(&mut self) {
        self.marks.clear();
    }

    /// Carries out a movement; `false` when the action is none.
    pub fn motion(&mut self, action: Action) -> bool {
        match action {
            Action::Left | Action::Right => true,
            Action::Next => self.list.motion(Action::Down, self.revisions.len()),
            Action::Previous => self.list.motion(Action::Up, self.revisions.len()),
            other => self.list.motion(other, self.revisions.len()),
        }
    }

    /// Marks or unmarks the revision under the cursor; of more than two the oldest mark goes.
    pub fn toggle_mark(&mut self) {
        let Some(number) = self.selected().map(|r| r.number) else { return };
        if !self.marks.remove(&number) {
            self.marks.insert(number);
            if self.marks.len() > 2 {
                self.marks.pop_first();
            }
        }
    }

    /// The revision under the cursor.
    pub fn selected(&self) -> Option<&Revision> {
        self.revisions.get(self.list.selected)
    }

    /// The verdict on a revision.
    pub fn verdict(&self, number: i64) -> Option<&Judged> {
        let row = self.revisions.iter().position(|r| r.number == number)?;
        self.judged.get(row)?.as_ref()
    }

    /// The revision under the cursor as text.
    pub fn selected_text(&self) -> Option<String> {
        self.selected().map(Revision::text)
    }

    /// What to compare: the two marked revisions, or the one under the cursor with the current one.
    pub fn compared(&self) -> Result<(ObjectRef, i64, i64), String> {
        let workload = self.object()?;
        if let [from, to] = self.marks.iter().copied().collect::<Vec<_>>()[..] {
            return Ok((workload, from, to));
        }
        let selected = self.selected().ok_or("no revision is selected")?;
        let current = self.revisions.iter().find(|r| r.current).ok_or("which revision is current cannot be told")?;
        if selected.number == current.number {
            return Err("this is the current revision: select another, or mark two".to_owned());
        }
        Ok((workload, current.number, selected.number))
    }

    fn object(&self) -> Result<ObjectRef, String> {
        self.workload.as_ref().and_then(|w| w.object()).ok_or_else(|| "no workload is selected".to_owned())
    }
}
