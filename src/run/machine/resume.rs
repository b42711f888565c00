//! Going on with a run whose process ended: what it may have sent, judged by what is there now.
//!
//! Owns what is known of the requests that left before, and how a resumed run begins. That something was accepted or proven then is
//! no reason to call it done: it is looked at again.

use super::{Attempt, Effect, Leg, Machine, Then, draft, note};
use crate::run::event::Happening;
use crate::run::plan::Plan;
use crate::run::step::{Stamp, Step, StepId, Work};

/// What went before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::run) struct Past {
    /// Requests whose intent is recorded, in order.
    pub requests: Vec<Request>,
    /// The way back was begun.
    pub back: bool,
    /// Why, as far as it was recorded.
    pub failure: Option<String>,
    /// Steps of the way forward whose proofs held then.
    pub held: Vec<String>,
    /// Steps that failed and that the run went past, and why.
    pub failed_before: Vec<(String, String)>,
}

/// One request that left, or was about to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) struct Request {
    /// Id of its step.
    pub step: String,
    /// What it rested on.
    pub stamp: Stamp,
    /// What came of it.
    pub fate: Fate,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum Fate {
    /// The server took it.
    Accepted,
    /// Nobody knows.
    Doubtful,
    /// The server refused it, or it never left.
    NotDone,
}

impl Past {
    fn any(&self, step: StepId, fate: Fate) -> bool {
        self.requests.iter().any(|r| step == *r.step && r.fate == fate)
    }

    fn first_doubt(&self, step: StepId) -> Option<Stamp> {
        self.requests.iter().find(|r| step == *r.step && r.fate == Fate::Doubtful).map(|r| r.stamp.clone())
    }
}

impl Machine {
    /// A run that goes on after its process ended.
    pub(in crate::run) fn resuming(plan: Plan, by: String, past: Past) -> Self {
        let mut machine = Self::new(plan, by);
        for (step, _) in machine.plan.writes() {
            if past.any(step.id, Fate::Accepted) {
                note(&mut machine.changed, step.id.member());
            }
            // Where a step stands that runs on every way out is found out when it runs.
            let last = machine.plan.policy(step.id.member()).always;
            if !last && past.requests.iter().any(|r| step.id == *r.step) {
                note(&mut machine.begun, step.id.member());
            }
        }
        if past.back {
            machine.leg = Leg::Back;
            machine.failure.clone_from(&past.failure);
            let undone = |id| {
                machine
                    .plan
                    .inner
                    .undo_steps
                    .iter()
                    .any(|u| u.undoes == Some(id) && past.requests.iter().any(|r| u.step.id == *r.step))
            };
            let carried = machine.plan.writes().map(|(s, _)| s.id).filter(|id| past.any(*id, Fate::Accepted) || undone(*id));
            machine.carried = carried.collect();
            let lock = machine.plan.steps.iter().filter(|s| s.work == Work::Lock).cloned();
            machine.steps = lock.chain(machine.way_back()).collect::<Vec<Step>>();
        }
        machine.past = Some(past);
        machine
    }

    pub(super) fn begin_again(&mut self) -> Effect {
        self.out = vec![Happening::Planned { plan: Box::new(self.plan.clone()) }, Happening::Note { text: format!("resumed by {}", self.by) }];
        let drafts = vec![draft::resumed(&self.plan, &self.by)];
        if self.leg == Leg::Back && !self.has_way_back() {
            let first = self.failure.take().unwrap_or_default();
            self.failure = Some(format!("{first}; and what was there before is not to be found any more"));
            return self.record(drafts, Then::Recover);
        }
        self.record(drafts, Then::Begin)
    }

    /// Writes that left before the run was resumed, and of which this process does not know yet where they stand.
    pub(super) fn open(&self) -> impl Iterator<Item = (StepId, Fate)> {
        let past = self.past.as_ref();
        let back = past.is_some_and(|p| p.back);
        let unknown = |id: &StepId| !self.settled.contains(id) && !self.carried.contains(id);
        let own = self.plan.writes().map(|(s, _)| s.id).filter(unknown);
        // The way back itself finds out where what it takes back stands; what has no way back it never looks at.
        let taken_back = |id: &StepId| {
            let has_way_back = self.plan.inner.undo_steps.iter().any(|u| u.undoes == Some(*id));
            has_way_back && self.plan.policy(id.member()).goes_back()
        };
        let own = own.filter(move |id| !self.comes_last(id.member()) && (!back || !taken_back(id)));
        own.filter_map(move |id| match past {
            Some(past) if past.any(id, Fate::Accepted) => Some((id, Fate::Accepted)),
            Some(past) if past.any(id, Fate::Doubtful) => Some((id, Fate::Doubtful)),
            _ => None,
        })
    }

    /// Makes the open writes this process's own, to be taken back like any other: the way back looks before it sends. `false` when that
    /// cannot be, for there are some and the lock is not held.
    pub(super) fn adopt(&mut self) -> bool {
        let open: Vec<(StepId, Fate)> = self.open().collect();
        let locking = self.step().is_some_and(|s| s.work == Work::Lock);
        if !open.is_empty() && (locking || !self.locked) {
            return false;
        }
        // A command has no proof that could be looked at: one that nobody knows the end of is not a proven one.
        self.broken.extend(open.iter().filter(|(_, fate)| *fate == Fate::Doubtful).map(|(id, _)| *id));
        self.carried.extend(open.into_iter().map(|(id, _)| id));
        true
    }

    /// Whether a later write of the same object was sent before the run was resumed: what this step is about is history then, and cannot
    /// be looked at any more.
    pub(super) fn is_history(&self) -> bool {
        let object = |step: &Step| match &step.work {
            Work::Write(write) => Some(write.object.clone()),
            Work::Prove(proof) => Some(proof.object.clone()),
            Work::Lock | Work::Ask(_) => None,
        };
        let (Some(past), Some(own)) = (&self.past, self.step().and_then(object)) else { return false };
        let sent = |step: &Step| past.requests.iter().any(|r| step.id == *r.step && r.fate != Fate::NotDone);
        let later = self.steps.iter().skip(self.at + 1);
        later.filter(|s| matches!(&s.work, Work::Write(w) if w.object == own)).any(sent)
    }

    /// Counts a step as done that a later one of the same object has followed.
    pub(super) fn pass_over(&mut self) -> Effect {
        self.carry();
        self.done("done before, and followed by a later step".to_owned())
    }

    /// A part that failed before the run was resumed, and that the run went past, is not begun a second time: what came after it rests on
    /// its having failed.
    pub(super) fn gone_past_before(&mut self) -> Option<Effect> {
        let number = self.number();
        if self.leg != Leg::Forward || number == 0 {
            return None;
        }
        if self.given_up.contains(&number) {
            return Some(self.skip());
        }
        let own = |(step, _): &&(String, String)| self.steps.iter().any(|s| s.id.member() == number && s.id == **step);
        let why = self.past.as_ref()?.failed_before.iter().find(own)?.1.clone();
        note(&mut self.begun, number);
        self.passed(number, why);
        Some(self.skip())
    }

    /// What is known of the step's write before anything is sent by this process.
    pub(super) fn attempt_so_far(&self) -> Attempt {
        let (id, Some(past)) = (self.step_id(), &self.past) else { return Attempt::default() };
        Attempt { done: past.any(id, Fate::Accepted), doubt: past.first_doubt(id), ..Attempt::default() }
    }
}
