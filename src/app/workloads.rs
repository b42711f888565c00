//! The workloads pane: a tree of workloads, their pods and containers, with filter, sort order, marks and cursor.
//!
//! Owns which rows there are and where the cursor is; what a row shows is looked up in the fleet while it is drawn. A selection
//! never moves under the cursor because data arrived.

mod rows;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

pub use rows::{Row, RowId, SortBy};

use super::follow::Target;
use super::list::ListState;
use crate::action::Action;
use crate::base::health::Health;
use crate::fleet::{Filter, Fleet, WorkloadKey};
use crate::target::model::{Kind, ObjectRef};

/// The workloads pane.
#[derive(Debug, Default)]
pub struct Workloads {
    /// Rows from top to bottom.
    pub rows: Vec<Row>,
    /// Cursor over them.
    pub list: ListState,
    /// Marked workloads and pods.
    pub marks: BTreeSet<RowId>,
    /// Sort order of the workloads.
    pub sort: SortBy,
    /// Whether it is turned round.
    pub reversed: bool,
    /// First visible column group, for narrow screens.
    pub column: usize,
    /// How many workloads there are, whatever the filter.
    pub total: usize,
    filter_text: String,
    filter: Option<Filter>,
    /// Rows that the user opened or closed; others open by themselves when something is wrong.
    opened: BTreeSet<RowId>,
    closed: BTreeSet<RowId>,
    /// The row under the cursor, by what it is.
    selected: Option<RowId>,
    /// The user moved: until then the cursor stays on the first row, which is the worst.
    moved: bool,
    seen: Option<(u64, i64)>,
    changed: bool,
}

impl Workloads {
    /// Makes the rows again when what is seen changed, or when a filter on ages may answer otherwise now.
    pub fn refresh(&mut self, fleet: &Fleet, now: Timestamp) {
        let stamp = (fleet.revision(), if self.filter.is_some() { now.as_second() } else { 0 });
        if self.seen == Some(stamp) && !self.changed {
            return;
        }
        self.seen = Some(stamp);
        self.changed = false;
        let shape = rows::Shape {
            filter: self.filter.as_ref(),
            sort: self.sort,
            reversed: self.reversed,
            opened: &self.opened,
            closed: &self.closed,
        };
        (self.rows, self.total) = rows::build(fleet, &shape, now);
        self.keep_selection();
    }

    /// The cursor stays on what it was on; when that is gone, on what took its place in the same workload, else on the workload.
    fn keep_selection(&mut self) {
        let of = |id: &RowId| self.rows.iter().position(|r| r.id == *id);
        if !self.moved {
            self.list.select(0, self.rows.len());
        } else if let Some(row) = self.selected.as_ref().and_then(of) {
            self.list.follow(row, self.rows.len());
        } else {
            self.list.show(self.rows.len());
            let workload = self.selected.as_ref().map(RowId::workload);
            let near = self.rows.get(self.list.selected).map(|r| r.id.workload());
            if let Some(row) = workload.filter(|w| near != Some(*w)).and_then(|w| of(&RowId::Workload(w.clone()))) {
                self.list.follow(row, self.rows.len());
            }
        }
        self.selected = self.rows.get(self.list.selected).map(|r| r.id.clone());
    }

    /// Forgets everything but the user's sort order.
    pub fn forget(&mut self) {
        *self = Self {
            sort: self.sort,
            reversed: self.reversed,
            list: ListState { height: self.list.height, ..ListState::default() },
            ..Self::default()
        };
    }

    /// Carries out a movement; `false` when the action is none.
    pub fn motion(&mut self, action: Action) -> bool {
        match action {
            Action::Right => self.set_open(true),
            Action::Left => self.close_or_parent(),
            Action::Next => self.hop(true),
            Action::Previous => self.hop(false),
            other => {
                if !self.list.motion(other, self.rows.len()) {
                    return false;
                }
            }
        }
        self.moved = true;
        self.selected = self.rows.get(self.list.selected).map(|r| r.id.clone());
        true
    }

    /// Puts the cursor on a visible row; below the last one it stays.
    pub fn point(&mut self, row: usize) {
        let at = self.list.offset + row;
        if let Some(found) = self.rows.get(at) {
            self.selected = Some(found.id.clone());
            self.list.select(at, self.rows.len());
            self.moved = true;
        }
    }

    /// The next row that is not ok, going round.
    fn hop(&mut self, forward: bool) {
        let len = self.rows.len();
        let unhealthy = |row: &Row| !matches!(row.health, Health::Ok | Health::Off);
        let found = (1..=len)
            .map(|step| if forward { (self.list.selected + step) % len } else { (self.list.selected + len - step) % len })
            .find(|i| unhealthy(&self.rows[*i]));
        if let Some(row) = found {
            self.list.select(row, len);
        }
    }

    fn set_open(&mut self, open: bool) {
        let Some(row) = self.rows.get(self.list.selected).filter(|r| r.expandable) else { return };
        let (into, from) = if open { (&mut self.opened, &mut self.closed) } else { (&mut self.closed, &mut self.opened) };
        from.remove(&row.id);
        into.insert(row.id.clone());
        self.changed = true;
    }

    fn close_or_parent(&mut self) {
        let Some(row) = self.rows.get(self.list.selected) else { return };
        if row.expanded {
            return self.set_open(false);
        }
        let depth = row.depth;
        if let Some(parent) = self.rows[..self.list.selected].iter().rposition(|r| r.depth < depth) {
            self.list.select(parent, self.rows.len());
        }
    }

    /// Sets the filter; `Err` says what is wrong with it and leaves the old one.
    pub fn set_filter(&mut self, text: &str) -> Result<(), String> {
        let filter = if text.trim().is_empty() { None } else { Some(Filter::parse(text).map_err(|e| e.to_string())?) };
        text.clone_into(&mut self.filter_text);
        self.filter = filter;
        self.changed = true;
        Ok(())
    }

    /// Shows all rows.
    pub fn clear_filter(&mut self) {
        self.filter_text.clear();
        self.filter = None;
        self.changed = true;
    }

    /// Whether a filter is on.
    pub fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// The filter as typed.
    pub fn filter_text(&self) -> &str {
        &self.filter_text
    }

    /// Sorts by the next column.
    pub fn sort_next(&mut self) {
        self.sort = self.sort.next();
        self.reversed = false;
        self.changed = true;
    }

    /// Turns the order round.
    pub fn sort_reverse(&mut self) {
        self.reversed ^= true;
        self.changed = true;
    }

    /// Marks or unmarks the row under the cursor and goes on to the next.
    pub fn toggle_mark(&mut self) {
        let Some(row) = self.rows.get(self.list.selected) else { return };
        if !self.marks.remove(&row.id) {
            self.marks.insert(row.id.clone());
        }
        self.motion(Action::Down);
    }

    /// Marks all workloads that the filter shows.
    pub fn mark_all(&mut self) {
        self.marks.extend(self.rows.iter().filter(|r| r.depth == 0).map(|r| r.id.clone()));
    }

    /// Unmarks everything.
    pub fn clear_marks(&mut self) {
        self.marks.clear();
    }

    /// The row under the cursor.
    pub fn selected_row(&self) -> Option<&Row> {
        self.rows.get(self.list.selected)
    }

    /// The workload that the cursor is on or in.
    pub fn subject(&self) -> Option<&Arc<WorkloadKey>> {
        self.selected_row().map(|r| r.id.workload())
    }

    /// The object that the cursor is on: for a container its pod.
    pub fn selected_object(&self) -> Option<ObjectRef> {
        match &self.selected_row()?.id {
            RowId::Workload(key) => key.object(),
            RowId::Pod(_, pod) | RowId::Container(_, pod, _) => Some(ObjectRef::new(Kind::Pod, pod.namespace.clone(), pod.name.clone())),
            RowId::Job(_, job) => Some(ObjectRef::new(Kind::Job, job.namespace.clone(), job.name.clone())),
        }
    }

    /// The name that the cursor is on.
    pub fn selected_name(&self) -> Option<String> {
        Some(match &self.selected_row()?.id {
            RowId::Workload(key) => key.name.to_string(),
            RowId::Pod(_, key) | RowId::Job(_, key) => key.name.to_string(),
            RowId::Container(_, _, name) => name.to_string(),
        })
    }

    /// The workloads that are marked.
    pub fn marked(&self) -> impl Iterator<Item = &WorkloadKey> {
        self.marks.iter().filter_map(|m| if let RowId::Workload(key) = m { Some(&**key) } else { None })
    }

    /// Whose logs the cursor, or the marks, ask for.
    pub fn log_target(&self) -> Option<Target> {
        let marked: Vec<WorkloadKey> = self.marked().cloned().collect();
        if !marked.is_empty() {
            return Some(Target::Workloads(marked));
        }
        Some(match &self.selected_row()?.id {
            RowId::Workload(key) | RowId::Job(key, _) => Target::Workload((**key).clone()),
            RowId::Pod(_, pod) => Target::Pod(pod.clone()),
            RowId::Container(_, pod, name) => Target::Container(pod.clone(), name.clone()),
        })
    }
}
