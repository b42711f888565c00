//! Failing, turning back, and the end: what is left behind is listed, whatever happened.

use super::{Effect, Leg, Machine, Next, State, Tell, Then, draft};
use crate::run::event::Happening;
use crate::run::outcome::{Debt, End, Outcome, TAKEN_BACK};
use crate::run::step::{FieldWrite, Step};

impl Machine {
    /// The step cannot be done.
    pub(super) fn failed(&mut self, reason: String) -> Effect {
        let (id, took) = (self.step_id(), self.took());
        self.out.push(Happening::StepFailed { step: id, reason: reason.clone(), took_seconds: took });
        let draft = draft::failed(&self.plan, id, &reason, self.leg == Leg::Back);
        if self.leg == Leg::Back {
            let first = self.failure.take().unwrap_or_default();
            self.failure = Some(format!("{first}; and the way back failed: {reason}"));
        } else {
            self.failure = Some(reason);
        }
        self.record(vec![draft], Then::Recover)
    }

    /// What to do about a failed step.
    pub(super) fn recover(&mut self) -> Effect {
        if self.leg == Leg::Back || self.moment.lock_lost {
            self.leave()
        } else if self.carried.is_empty() {
            self.give_up()
        } else if self.moment.attended {
            self.ask()
        } else {
            self.turn_back()
        }
    }

    /// Whether any of what was carried out can be taken back: a restart cannot.
    pub(super) fn has_way_back(&self) -> bool {
        self.plan.inner.undo_steps.iter().any(|u| u.undoes.is_some_and(|id| self.carried.contains(&id)))
    }

    /// Takes back what was carried out, and proves the previous state.
    pub(super) fn turn_back(&mut self) -> Effect {
        if self.carried.is_empty() {
            return self.give_up();
        }
        if !self.has_way_back() {
            return self.leave();
        }
        self.leg = Leg::Back;
        self.steps = self.way_back();
        self.at = 0;
        self.enter()
    }

    /// The steps that take back what was carried out.
    pub(super) fn way_back(&self) -> Vec<Step> {
        let wanted = |undoes: Option<&'static str>| undoes.is_none_or(|id| self.carried.contains(&id));
        self.plan.inner.undo_steps.iter().filter(|u| wanted(u.undoes)).map(|u| u.step.clone()).collect()
    }

    /// The last step of a leg is done.
    pub(super) fn arrived(&mut self) -> Effect {
        match self.leg {
            Leg::Forward => {
                let debts = self.plan.inner.leaves.iter().filter(|d| self.carried.contains(&d.id.as_str())).cloned().collect();
                self.finish(Outcome { debts, ..Outcome::new(End::Proven, "every proof held") })
            }
            Leg::Back => {
                self.out.push(Happening::Undone { text: self.plan.undo.clone() });
                let reason = self.failure.clone().unwrap_or_default();
                self.finish(Outcome { undone: true, ..Outcome::new(End::Failed, reason) })
            }
        }
    }

    /// Ends without having changed anything. A plan that only proves has failed; one that writes was refused.
    pub(super) fn give_up(&mut self) -> Effect {
        let reason = self.failure.clone().unwrap_or_default();
        // What somebody else has changed since was a change of this run all the same.
        let refused = self.plan.writes().next().is_some() && !self.changed;
        let hint = if refused { "nothing was written: make a new plan" } else { "" };
        self.finish(Outcome { hint: hint.to_owned(), ..Outcome::new(if refused { End::Refused } else { End::Failed }, reason) })
    }

    /// Ends with things as they are.
    pub(super) fn leave(&mut self) -> Effect {
        let debts = self.debts();
        if debts.is_empty() {
            return self.give_up();
        }
        let reason = self.failure.clone().unwrap_or_default();
        self.finish(Outcome { debts, hint: "pay each debt, or settle it by hand".to_owned(), ..Outcome::new(End::FailedWithDebts, reason) })
    }

    /// Ends without knowing how things stand.
    pub(super) fn unknown(&mut self, reason: String) -> Effect {
        let took = self.took();
        self.out.push(Happening::StepFailed { step: self.step_id(), reason: reason.clone(), took_seconds: took });
        let hint = format!("look at {} when the server answers: `timonel runs resume {}`", self.plan.inner.subject, self.plan.id);
        let mut debts = self.debts();
        // What may have been carried out is listed, too.
        if let (Leg::Forward, Some(write)) = (self.leg, self.write()) {
            debts.push(self.debt(self.step_id(), format!("{}: may have been carried out", write.words()), &write));
        }
        self.finish(Outcome { hint, debts, ..Outcome::new(End::Unknown, reason) })
    }

    /// What was carried out and not taken back; and what was taken back without its proof.
    fn debts(&self) -> Vec<Debt> {
        let mut debts: Vec<Debt> = Vec::new();
        for (step, write) in self.plan.writes().filter(|(s, _)| self.carried.contains(&s.id)) {
            let what = if self.undone.contains(&step.id) {
                format!("{}: {TAKEN_BACK}", write.words())
            } else {
                format!("{}: carried out, and not proven", write.words())
            };
            debts.push(self.debt(step.id, what, write));
        }
        debts
    }

    fn debt(&self, step: &str, what: String, write: &FieldWrite) -> Debt {
        let undo = self.plan.inner.undo_steps.iter().find(|u| u.undoes == Some(step));
        let pay = undo.map_or_else(|| self.plan.inner.no_way_back.clone(), |u| u.pay.clone());
        Debt { id: step.to_owned(), object: write.object.to_string(), what, pay }
    }

    /// A run that may not even record its beginning does nothing at all.
    pub(super) fn never_began(&mut self, why: String) -> Effect {
        self.state = State::Over;
        let reason = format!("nothing is done that cannot be recorded: {why}");
        Effect::End(Outcome { hint: "make the state folder writable".to_owned(), journal: Some(why), ..Outcome::new(End::Refused, reason) })
    }

    fn finish(&mut self, mut outcome: Outcome) -> Effect {
        if outcome.outcome != End::Proven {
            outcome.interrupted = self.interrupted;
        }
        outcome.journal.clone_from(&self.journal);
        let draft = draft::end(&self.plan, &outcome);
        self.record(vec![draft], Then::Finish(outcome))
    }

    pub(super) fn tell_end(&mut self, mut outcome: Outcome) -> Effect {
        outcome.journal.clone_from(&self.journal);
        if !self.changed {
            return self.release(outcome);
        }
        self.state = State::Telling(Next::Release(outcome.clone()));
        Effect::Tell(Tell::Ended(outcome))
    }

    pub(super) fn release(&mut self, outcome: Outcome) -> Effect {
        if !self.locked {
            return Effect::End(outcome);
        }
        self.state = State::Releasing(outcome);
        Effect::Release
    }
}
