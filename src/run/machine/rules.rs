//! What follows a failed step: another try, the next step, or the end; and the steps that run on every way out.
//!
//! Owns how the rules of a step ([`Policy`]) are kept. A step that was gone past stays failed: nothing makes such a run proven.

use std::time::Duration;

use super::{Effect, Leg, Machine, Next, Stop, Then, draft};
use crate::run::event::Happening;
use crate::run::outcome::{Debt, End, Outcome};
use crate::run::step::{FieldWrite, OnFail, Place, Policy, Step, Work};

impl Machine {
    pub(super) fn policy(&self) -> Policy {
        self.plan.policy(self.number())
    }

    /// Notes that a part of the plan begins, or another one than before.
    pub(super) fn begin_part(&mut self) {
        let number = self.number();
        if self.part != Some(number) {
            self.part = Some(number);
            self.part_began = self.moment.now;
            self.tries = 0;
        }
    }

    /// Whether the part has taken as long as it may.
    pub(super) fn part_is_over(&self) -> bool {
        let took = self.moment.now.saturating_sub(self.part_began);
        self.leg != Leg::Back && self.policy().timeout.is_some_and(|most| took >= most)
    }

    /// The failed step once more, as far as its rules go. A write whose answer was lost is not sent for a second reason, and nothing is
    /// tried again that nobody may write or record, or that its operator wants to stop.
    pub(super) fn try_again(&mut self, reason: &str) -> Option<Effect> {
        let policy = self.policy();
        let barred = self.leg == Leg::Back || self.moment.lock_lost || self.journal.is_some() || self.attempt.doubt.is_some();
        if barred || self.moment.stop != Stop::No || self.tries >= policy.retries {
            return None;
        }
        self.tries += 1;
        let wait = policy.wait_after(self.tries);
        let text = format!("{reason}; try {} of {} follows in {} s", self.tries + 1, policy.retries + 1, wait.as_secs());
        self.out.push(Happening::Note { text: text.clone() });
        let draft = draft::note(&self.plan, self.step_id(), &text);
        Some(self.record(vec![draft], Then::Again(wait)))
    }

    pub(super) fn wait_to_try(&mut self, time: Duration) -> Effect {
        self.pause(time, Next::Again)
    }

    /// The same step from its beginning; what it rests on is looked at again.
    pub(super) fn again(&mut self) -> Effect {
        let number = self.number();
        self.verified.retain(|n| *n != number);
        self.part_began = self.moment.now;
        self.enter()
    }

    /// Leaves the failed part behind, and goes on with the next one.
    pub(super) fn go_past(&mut self) -> Effect {
        let number = self.number();
        let reason = self.failure.take().unwrap_or_default();
        self.passed(number, reason);
        self.skip()
    }

    /// Notes that the run went past a failed part. That somebody was not told changes nothing about what was done: it is said at the end,
    /// and fails nothing.
    pub(super) fn passed(&mut self, number: u16, why: String) {
        let tells = |write: &FieldWrite| write.exec().is_some_and(|exec| exec.place == Place::Channels);
        if self.plan.writes().any(|(step, write)| step.id.member() == number && tells(write)) {
            self.untold.push(why);
        } else {
            self.failed_steps.push(why);
        }
        self.given_up.push(number);
    }

    /// Goes on behind the part that is under way.
    pub(super) fn skip(&mut self) -> Effect {
        let number = self.number();
        if let Some(effect) = self.past_together(number) {
            return effect;
        }
        let further = self.steps.iter().skip(self.at).position(|s| s.id.member() != number);
        self.at = further.map_or(self.steps.len(), |n| self.at + n);
        self.enter()
    }

    /// Whether what follows the failed step is the next one.
    pub(super) fn goes_on(&self) -> bool {
        let rules = self.leg == Leg::Last || self.policy().on_fail == OnFail::Continue;
        rules && self.number() > 0 && self.moment.stop == Stop::No && !self.moment.lock_lost && self.journal.is_none()
    }

    /// Went to its end, and steps failed on the way.
    pub(super) fn ended_in_part(&mut self, leaves: Vec<Debt>) -> Effect {
        let mut debts = self.debts_of(|machine, number| machine.given_up.contains(&number));
        debts.extend(leaves);
        let end = if debts.is_empty() { End::Failed } else { self.left() };
        let hint = if debts.is_empty() { String::new() } else { self.left_hint() };
        let reason = self.failed_steps.join("; ");
        self.finish(Outcome { hint, debts, failed_steps: self.failed_steps.clone().into(), ..Outcome::new(end, reason) })
    }

    /// The steps that run on every way out and were not begun on the way forward. None where the run was never let in: without its locks
    /// nothing is written, and what nothing came before has nothing to clear up.
    pub(super) fn last_steps(&self) -> Vec<Step> {
        let locks = self.plan.steps.iter().any(|s| s.work == Work::Lock);
        let began = self.begun.iter().any(|n| *n > 0);
        if (locks && !self.let_in) || !began {
            return Vec::new();
        }
        let wanted = |s: &&Step| self.plan.policy(s.id.member()).always && !self.begun.contains(&s.id.member());
        self.plan.steps.iter().filter(wanted).cloned().collect()
    }

    /// Whether the steps of that number will run when the run ends: where they stand is found out then.
    pub(super) fn comes_last(&self, number: u16) -> bool {
        self.leg != Leg::Last && self.last_steps().iter().any(|s| s.id.member() == number)
    }

    /// Begins the last leg where there is one; the end that was reached is kept for its end.
    pub(super) fn begin_last(&mut self, outcome: &Outcome) -> Option<Effect> {
        let steps = if self.leg == Leg::Last || outcome.outcome == End::Proven { Vec::new() } else { self.last_steps() };
        if steps.is_empty() {
            return None;
        }
        self.ending = Some(outcome.clone());
        self.leg = Leg::Last;
        self.together = None;
        self.failed_steps.clear();
        self.steps = steps;
        self.at = 0;
        Some(self.enter())
    }

    /// The end that was reached before the last leg, with what came of it.
    pub(super) fn ended_last(&mut self) -> Effect {
        let mut outcome = self.ending.take().unwrap_or_else(|| Outcome::new(End::Unknown, "the end is not known"));
        outcome.failed_steps = outcome.failed_steps.iter().cloned().chain(self.failed_steps.drain(..)).collect();
        let ran: Vec<u16> = self.steps.iter().map(|s| s.id.member()).collect();
        // What a proven one of them has written is no debt of an earlier step any more.
        let settled: Vec<String> = self
            .plan
            .writes()
            .filter(|(s, w)| ran.contains(&s.id.member()) && !self.given_up.contains(&s.id.member()) && !w.is_outside())
            .map(|(_, w)| w.object.to_string())
            .collect();
        outcome.debts.retain(|d| !settled.contains(&d.object));
        outcome
            .debts
            .extend(self.debts_of(|machine, number| ran.contains(&number) && machine.given_up.contains(&number)));
        outcome.debts.append(&mut self.doubtful);
        outcome.outcome = match outcome.outcome {
            End::Failed | End::Refused if !outcome.debts.is_empty() => End::FailedWithDebts,
            End::Refused if !self.changed.is_empty() => End::Failed,
            End::FailedWithDebts if outcome.debts.is_empty() => End::Failed,
            end => end,
        };
        if outcome.outcome == End::Failed {
            outcome.hint.clear();
        }
        self.finish(outcome)
    }
}
