//! Debts that stand: what runs left behind and nobody has paid yet, with the action that pays each.
//!
//! Owns what a debt is worth knowing for (what, since when, by whom, how it is paid) and when it counts as paid. What the objects of
//! the target show themselves is seen by every console; what they cannot show is in the records of runs. Pure: must not read or
//! write anything.

pub mod book;
mod seen;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::actions::{ActionRequest, ActionSpec};
use super::journal::{self, Entry, RunSummary};
use super::outcome::{Debt, End, Outcome};
use super::plan::Plan;
use super::resume::recorded_plan;
use super::step::{FieldWrite, dotted};
use crate::fleet::{Fleet, Trust};
use crate::target::model::{Kind, ObjectRef};

/// Debts that are kept of one record at most; of more, the oldest go.
pub const MOST: usize = 200;

/// Kinds that must be seen before it can be said that nothing is owed.
const NEEDED: [Kind; 5] = [Kind::Deployment, Kind::StatefulSet, Kind::CronJob, Kind::HorizontalPodAutoscaler, Kind::ConfigMap];

/// A debt that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// What it is about.
    pub object: ObjectRef,
    /// Its identity; a debt goes with its object.
    pub uid: String,
    /// The fields that it consists of, with the values that make it a debt; null = a value that is not kept.
    pub fields: Vec<(String, Value)>,
    /// What is left, in words.
    pub what: String,
    /// Since when; `None` = not known.
    pub since: Option<Timestamp>,
    /// The run that left it; empty = not known.
    pub run: String,
    /// Whose run that was, `user@host`; empty = not known.
    pub by: String,
    /// The action that pays it, about the same object; empty = none does.
    pub action: String,
    /// Its parameters.
    pub parameters: Vec<String>,
    /// What settles it by hand; empty where an action does.
    pub by_hand: String,
}

/// What is owed here, and what could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Debts {
    /// The debts, by namespace and object.
    pub owed: Vec<Owed>,
    /// Why there may be more, in words.
    pub unseen: Vec<String>,
    /// Not everything was read yet.
    pub reading: bool,
}

impl Debts {
    /// What stands: what the target's objects show, what its record of debts says, and what our own journal says of them.
    pub fn of(fleet: &Fleet, book: &[Owed], own: &[Owed], now: Timestamp) -> Self {
        let mut owed = seen::debts(fleet, now);
        for recorded in book.iter().filter(|o| !o.is_paid(fleet, now)).chain(own.iter().filter(|o| o.stands(fleet, now))) {
            if !owed.iter().any(|known| known.covers(recorded)) {
                owed.push(recorded.clone());
            }
        }
        owed.sort_by(|a, b| (&a.object, a.since, &a.what).cmp(&(&b.object, b.since, &b.what)));
        let (unseen, reading) = unseen(fleet, now);
        Self { owed, unseen, reading }
    }

    /// Whether it can be said that nothing is owed.
    pub fn are_paid(&self) -> bool {
        self.owed.is_empty() && self.unseen.is_empty() && !self.reading
    }
}

fn unseen(fleet: &Fleet, now: Timestamp) -> (Vec<String>, bool) {
    let mut why = BTreeSet::new();
    let mut reading = false;
    for kind in NEEDED {
        let spaces: Vec<_> = fleet
            .streams()
            .filter(|(k, _)| k.kind == kind)
            .map(|(k, _)| k.scope.namespace().cloned().unwrap_or_default())
            .collect();
        // The record of debts may be all that there is of a kind; nobody may have asked for it.
        reading |= spaces.is_empty() && kind != Kind::ConfigMap;
        for space in spaces {
            match fleet.trust(kind, &space, now) {
                Trust::Live => {}
                Trust::Pending => reading = true,
                Trust::Lost(words) => {
                    why.insert(words);
                }
            }
        }
    }
    (why.into_iter().collect(), reading)
}

impl Owed {
    /// The action that pays it, as a request for a plan.
    pub fn payment(&self) -> Option<ActionRequest> {
        let spec = ActionSpec::named(&self.action).filter(|spec| spec.kinds.contains(&self.object.kind))?;
        Some(ActionRequest {
            action: spec.name.into(),
            object: self.object.clone(),
            parameters: self.parameters.clone(),
            overrides: Vec::new(),
            reason: (!self.run.is_empty()).then(|| format!("pays what {} left", self.run)),
        })
    }

    /// What one types to pay it.
    pub fn command(&self) -> String {
        if self.payment().is_none() {
            return self.by_hand.clone();
        }
        let (kind, name) = (self.object.kind.word().to_lowercase(), &self.object.name);
        let place = if self.object.namespace.is_empty() { String::new() } else { format!(" -n {}", self.object.namespace) };
        let count = self.parameters.iter().find_map(|p| p.strip_prefix("replicas="));
        if let Some(count) = count.filter(|_| self.action == "scale") {
            return format!("timonel run scale{place} {kind}/{name}={count}");
        }
        let parameters = self.parameters.iter().fold(String::new(), |all, p| all + " " + p);
        format!("timonel run {}{place} {kind}/{name}{parameters}", self.action)
    }

    /// Whether the two are about the same fields of the same object.
    fn covers(&self, other: &Self) -> bool {
        self.object == other.object && (self.fields.iter().any(|(f, _)| other.fields.iter().any(|(g, _)| f == g)) || self.run == other.run)
    }

    /// Whether its object is seen, and still as it was left. Our own journal tells of other clusters, too.
    fn stands(&self, fleet: &Fleet, now: Timestamp) -> bool {
        fleet.object(&self.object).is_some_and(|o| *o.meta().uid == *self.uid) && !self.is_paid(fleet, now)
    }

    /// Whether it is seen that nothing is left of it. What cannot be seen is owed.
    fn is_paid(&self, fleet: &Fleet, now: Timestamp) -> bool {
        match fleet.object(&self.object) {
            None => fleet.trust(self.object.kind, &self.object.namespace, now) == Trust::Live,
            Some(object) if *object.meta().uid != *self.uid => !self.uid.is_empty(),
            Some(object) => self.fields.iter().any(|(field, value)| seen::is_settled(&object, field, value)),
        }
    }

    /// Whether a write of a proven run settled it.
    fn is_settled_by(&self, object: &ObjectRef, field: &str) -> bool {
        self.object == *object && self.fields.iter().any(|(f, _)| f == field)
    }
}

impl Plan {
    /// What a run of this plan left, as it is recorded.
    pub fn owed(&self, outcome: &Outcome, at: Timestamp) -> Vec<Owed> {
        let debts = outcome.debts.iter().filter(|_| outcome.outcome != End::Refused);
        let mut owed: Vec<Owed> = Vec::new();
        for debt in debts.filter_map(|d| self.owe(d, at)) {
            // Of the stages of one change the last one tells where it stopped.
            owed.retain(|known| known.object != debt.object || known.fields.iter().map(|f| &f.0).ne(debt.fields.iter().map(|f| &f.0)));
            owed.push(debt);
        }
        owed
    }

    fn owe(&self, debt: &Debt, at: Timestamp) -> Option<Owed> {
        let of_step = self.writes().find(|(s, w)| s.id == *debt.id && w.object.to_string() == debt.object);
        let (_, write) = of_step.or_else(|| self.writes().find(|(_, w)| w.object.to_string() == debt.object))?;
        let back = debt.is_taken_back();
        let field = |c: &super::step::FieldChange| (c.field(), kept(if back { &c.before } else { &c.after }));
        let payment = self.paying(write);
        let by_hand = if payment.is_none() { debt.pay.clone() } else { String::new() };
        let (action, parameters) = payment.unwrap_or_default();
        let operator = &self.inner.operator;
        Some(Owed {
            object: write.object.clone(),
            uid: write.uid.clone(),
            fields: write.changes.iter().map(field).collect(),
            what: debt.what.clone(),
            since: Some(at),
            run: self.id.clone(),
            by: format!("{}@{}", operator.user, operator.host),
            action,
            parameters,
            by_hand,
        })
    }

    /// The action that takes back a write of this plan.
    fn paying(&self, write: &FieldWrite) -> Option<(String, Vec<String>)> {
        if self.subjects().any(|s| *s == write.object) {
            return self.undoing_one(&write.object).ok().map(|r| (r.action.into_owned(), r.parameters));
        }
        let rests = write.object.kind == Kind::HorizontalPodAutoscaler && write.changes.iter().any(|c| dotted(c.pointer).ends_with("selectPolicy"));
        rests.then(|| ("resume-hpa".to_owned(), Vec::new()))
    }
}

/// A value that may be kept in a record: a number, a switch.
fn kept(value: &Value) -> Value {
    if value.is_number() || value.is_boolean() { value.clone() } else { Value::Null }
}

/// Takes in the end of a run: what it settled goes, what it left comes.
pub fn account(owed: &mut Vec<Owed>, plan: &Plan, outcome: &Outcome, at: Timestamp) {
    if outcome.outcome == End::Proven {
        let written: Vec<(&ObjectRef, String)> = plan.writes().flat_map(|(_, w)| w.changes.iter().map(|c| (&w.object, c.field()))).collect();
        owed.retain(|o| !written.iter().any(|(object, field)| o.is_settled_by(object, field)));
    }
    let left = plan.owed(outcome, at);
    owed.retain(|o| !left.iter().any(|l| l.covers(o)));
    owed.extend(left);
    let over = owed.len().saturating_sub(MOST);
    owed.drain(..over);
}

/// What the runs of our own journal left and none of them paid, the oldest first; runs in `unended` were killed before their end.
pub fn of_journal(entries: &[Entry], unended: &[RunSummary]) -> Vec<Owed> {
    let mut runs = journal::runs(entries);
    runs.retain(|r| matches!(r.outcome, Some(End::Proven)) || !r.debts.is_empty());
    let mut owed: Vec<Owed> = Vec::new();
    // Nothing is owed before the first run that left something.
    let first = runs.iter().rposition(|r| !r.debts.is_empty()).map_or(0, |at| at + 1);
    for run in runs[..first].iter().rev() {
        let Ok(plan) = recorded_plan(entries, &run.id) else { continue };
        let outcome = Outcome { debts: run.debts.clone(), ..Outcome::new(run.outcome.unwrap_or(End::Unknown), "") };
        account(&mut owed, &plan, &outcome, run.ended_at.unwrap_or(run.started_at));
    }
    for run in unended {
        let Ok(plan) = recorded_plan(entries, &run.id) else { continue };
        owed.retain(|o| o.run != run.id);
        owed.extend(plan.subjects().map(|subject| Owed {
            object: subject.clone(),
            uid: plan.uid_of(subject).to_owned(),
            fields: Vec::new(),
            what: format!("{} {} did not come to its end: what it left is not known", run.action, run.quantity),
            since: Some(run.started_at),
            run: run.id.clone(),
            by: format!("{}@{}", run.user, run.host),
            action: String::new(),
            parameters: Vec::new(),
            by_hand: format!("timonel runs resume {}", run.id),
        }));
    }
    owed
}

#[cfg(test)]
mod tests;
