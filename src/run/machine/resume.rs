//! Going on with a run whose process ended: what it may have sent, judged by what is there now.
//!
//! Owns what is known of the requests that left before, and how a resumed run begins. That something was accepted or proven then is
//! no reason to call it done: it is looked at again.

use super::{Attempt, Effect, Leg, Machine, Then, draft};
use crate::run::event::Happening;
use crate::run::plan::Plan;
use crate::run::step::{Stamp, Step, Work};

/// What went before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::run) struct Past {
    /// Requests whose intent is recorded, in order.
    pub requests: Vec<Request>,
    /// The way back was begun.
    pub back: bool,
    /// Why, as far as it was recorded.
    pub failure: Option<String>,
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
    fn any(&self, step: &str, fate: Fate) -> bool {
        self.requests.iter().any(|r| r.step == step && r.fate == fate)
    }

    fn first_doubt(&self, step: &str) -> Option<Stamp> {
        self.requests.iter().find(|r| r.step == step && r.fate == Fate::Doubtful).map(|r| r.stamp.clone())
    }
}

impl Machine {
    /// A run that goes on after its process ended.
    pub(in crate::run) fn resuming(plan: Plan, by: String, past: Past) -> Self {
        let mut machine = Self::new(plan, by);
        machine.changed = past.requests.iter().any(|r| r.fate == Fate::Accepted);
        if past.back {
            machine.leg = Leg::Back;
            machine.verified = true;
            machine.failure.clone_from(&past.failure);
            let undone = |id| {
                machine
                    .plan
                    .inner
                    .undo_steps
                    .iter()
                    .any(|u| u.undoes == Some(id) && past.requests.iter().any(|r| r.step == u.step.id))
            };
            let carried = machine.plan.writes().map(|(s, _)| s.id).filter(|id| past.any(id, Fate::Accepted) || undone(*id));
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

    /// What is known of the step's write before anything is sent by this process.
    pub(super) fn attempt_so_far(&self) -> Attempt {
        let (id, Some(past)) = (self.step_id(), &self.past) else { return Attempt::default() };
        Attempt { done: past.any(id, Fate::Accepted), doubt: past.first_doubt(id), ..Attempt::default() }
    }
}
