//! Failing, turning back, and the end: what is left behind is listed, whatever happened.

use std::fmt::Write as _;

use super::{Effect, Fate, Leg, Machine, Next, State, Tell, Then, draft};
use crate::run::event::Happening;
use crate::run::outcome::{Debt, End, Offer, Outcome, TAKEN_BACK};
use crate::run::plan::UndoStep;
use crate::run::preempt;
use crate::run::step::{FieldWrite, Form, OnFail, Step, StepId, Work};

impl Machine {
    /// The step cannot be done.
    pub(super) fn failed(&mut self, reason: String) -> Effect {
        let reason = self.named(reason);
        if let Some(effect) = self.try_again(&reason) {
            return effect;
        }
        let (id, took) = (self.step_id(), self.took());
        self.out.push(Happening::StepFailed { step: id, reason: reason.clone(), took_seconds: took });
        if let Some(action) = self.policy().offers.filter(|_| self.leg == Leg::Forward) {
            self.offered = Some(action);
        }
        let draft = draft::failed(&self.plan, id, &reason, self.leg == Leg::Back, self.leg == Leg::Forward && self.goes_on());
        if self.leg == Leg::Back {
            let first = self.failure.take().unwrap_or_default();
            self.failure = Some(format!("{first}; and the way back failed: {reason}"));
        } else {
            self.failure = Some(if self.goes_on() { reason } else { reason + &self.still_unproven() });
        }
        self.record(vec![draft], Then::Recover)
    }

    /// What to do about a failed step.
    pub(super) fn recover(&mut self) -> Effect {
        if self.leg == Leg::Last || self.goes_on() {
            return self.go_past();
        }
        if self.leg == Leg::Back || self.moment.lock_lost || !self.adopt() {
            return self.leave();
        }
        if self.carried.is_empty() {
            return self.give_up();
        }
        if self.moment.asked_by.is_some() {
            return self.yield_or_leave();
        }
        match self.policy().on_fail {
            OnFail::Abort => self.leave(),
            OnFail::Pause | OnFail::Continue if self.moment.attended => self.ask(),
            _ => self.turn_back(),
        }
    }

    /// Whether any of what was carried out can be taken back: a restart cannot.
    pub(super) fn has_way_back(&self) -> bool {
        self.ways_back().any(|u| u.undoes.is_some_and(|id| self.carried.contains(&id)))
    }

    /// The steps of the way back of all parts that are taken back.
    fn ways_back(&self) -> impl Iterator<Item = &UndoStep> {
        let all = self.plan.inner.undo_steps.iter();
        all.filter(|u| self.plan.policy(u.step.id.member()).goes_back() && !self.has_ended(u.step.id.member()))
    }

    /// Whether a part is a Job whose way back is to end it and nothing else, and that has come to its end: what it made is no half of
    /// anything. What another Job takes back is taken back.
    fn has_ended(&self, number: u16) -> bool {
        let own = self.plan.inner.undo_steps.iter().filter(|u| u.step.id.member() == number);
        let mut writes = own.filter_map(|u| if let Work::Write(write) = &u.step.work { Some(matches!(write.form, Form::End { .. })) } else { None });
        number > 0 && self.is_done(number) && writes.next().is_some_and(|ends| ends) && writes.all(|ends| ends)
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
        self.together = None;
        self.steps = self.way_back();
        self.at = 0;
        self.enter()
    }

    /// The steps that take back what was carried out.
    pub(super) fn way_back(&self) -> Vec<Step> {
        let changed = |number| self.carried.iter().any(|id| id.member() == number);
        let wanted = |u: &&UndoStep| u.undoes.map_or_else(|| changed(u.step.id.member()), |id| self.carried.contains(&id));
        self.ways_back().filter(wanted).map(|u| u.step.clone()).collect()
    }

    /// The last step of a leg is done.
    pub(super) fn arrived(&mut self) -> Effect {
        match self.leg {
            Leg::Forward => {
                let debts = self.left_behind();
                if !self.failed_steps.is_empty() {
                    return self.ended_in_part(debts);
                }
                self.finish(Outcome { debts, ..Outcome::new(End::Proven, "every proof held") })
            }
            Leg::Last => self.ended_last(),
            Leg::Back => {
                let (reason, debts) = (self.failure.clone().unwrap_or_default(), self.debts());
                // Not all of it had a way back.
                if !debts.is_empty() {
                    return self.finish(Outcome { hint: self.left_hint(), debts, ..Outcome::new(self.left(), reason) });
                }
                self.out.push(Happening::Undone { text: self.plan.undo.clone() });
                self.finish(Outcome { undone: true, ..Outcome::new(End::Failed, reason) })
            }
        }
    }

    /// What stays as the steps that were carried out left it. What a later step of a program wrote again is as that one left it.
    fn left_behind(&self) -> Vec<Debt> {
        let step = |debt: &Debt| self.plan.steps.iter().find(|s| s.id == *debt.id && self.carried.contains(&s.id));
        let again = |one: &Step| {
            let Work::Write(own) = &one.work else { return false };
            let same = |w: &FieldWrite| w.object == own.object && w.changes.iter().any(|c| own.changes.iter().any(|o| o.pointer == c.pointer));
            let later = self.plan.steps.iter().filter(|s| s.id.member() > one.id.member() && self.carried.contains(&s.id));
            later.filter_map(|s| if let Work::Write(w) = &s.work { Some(w) } else { None }).any(same)
        };
        self.plan.inner.leaves.iter().filter(|debt| step(debt).is_some_and(|s| !again(s))).cloned().collect()
    }

    /// Ends without having changed anything. A plan that only proves has failed; one that writes was refused.
    pub(super) fn give_up(&mut self) -> Effect {
        if self.open().next().is_some() {
            return self.leave();
        }
        let reason = self.failure.clone().unwrap_or_default();
        // What somebody else has changed since was a change of this run all the same.
        let changes = |write: &FieldWrite| write.exec().is_none_or(|e| !e.reads);
        let refused = self.plan.writes().any(|(_, w)| changes(w)) && self.changed.is_empty();
        let hint = if refused { "nothing was written: make a new plan" } else { "" };
        self.finish(Outcome { hint: hint.to_owned(), ..Outcome::new(if refused { End::Refused } else { End::Failed }, reason) })
    }

    /// Ends with things as they are, and says so where it is for somebody who asked for the lock.
    pub(super) fn yield_or_leave(&mut self) -> Effect {
        if let Some(by) = &self.moment.asked_by {
            let first = self.failure.take().map(|why| format!("{why}; ")).unwrap_or_default();
            self.failure = Some(format!("{first}{}", preempt::stopped(by)));
        }
        self.leave()
    }

    /// Ends with things as they are.
    pub(super) fn leave(&mut self) -> Effect {
        let debts = self.debts();
        if debts.is_empty() {
            return self.give_up();
        }
        let reason = self.failure.clone().unwrap_or_default();
        let hint = self.left_hint();
        self.finish(Outcome { hint, debts, ..Outcome::new(self.left(), reason) })
    }

    /// How it ends when something is left behind: a write of a process before, of which nobody knows, is not told as if it were known.
    pub(super) fn left(&self) -> End {
        if self.open().any(|(_, fate)| fate == Fate::Doubtful) { End::Unknown } else { End::FailedWithDebts }
    }

    pub(super) fn left_hint(&self) -> String {
        match self.left() {
            End::Unknown => format!("go on when nothing is in its way: `timonel runs resume {}`", self.plan.id),
            _ if self.moment.asked_by.is_some() => {
                format!("once that run is over: pay each debt, or go on with `timonel runs resume {}`", self.plan.id)
            }
            _ => "pay each debt, or settle it by hand".to_owned(),
        }
    }

    /// Ends without knowing how things stand.
    pub(super) fn unknown(&mut self, reason: String) -> Effect {
        match (self.leg, self.write()) {
            // What the run goes past or comes last does not end it; a write that may have been carried out is listed all the same.
            (Leg::Last, Some(write)) => {
                let debt = self.debt(self.step_id(), format!("{}: may have been carried out", write.words()), &write);
                self.doubtful.push(debt);
                return self.failed(reason);
            }
            (Leg::Last, None) => return self.failed(reason),
            (Leg::Forward, None) if self.goes_on() => return self.failed(reason),
            _ => {}
        }
        let reason = self.named(reason) + &self.still_unproven();
        let took = self.took();
        self.out.push(Happening::StepFailed { step: self.step_id(), reason: reason.clone(), took_seconds: took });
        let hint = format!("look at {} when the server answers: `timonel runs resume {}`", self.plan.about(self.number()).0, self.plan.id);
        let mut debts = self.debts();
        // What may have been carried out is listed, too.
        if let (Leg::Forward, Some(write)) = (self.leg, self.write()) {
            debts.push(self.debt(self.step_id(), format!("{}: may have been carried out", write.words()), &write));
        }
        self.finish(Outcome { hint, debts, ..Outcome::new(End::Unknown, reason) })
    }

    /// What was carried out and not taken back; and what was taken back without its proof.
    fn debts(&self) -> Vec<Debt> {
        self.debts_of(|machine, number| !machine.comes_last(number))
    }

    /// The same of some parts of the plan.
    pub(super) fn debts_of(&self, wanted: impl Fn(&Self, u16) -> bool) -> Vec<Debt> {
        let mut debts: Vec<Debt> = Vec::new();
        for (step, write) in self.plan.writes().filter(|(s, _)| self.carried.contains(&s.id) && wanted(self, s.id.member())) {
            let done = self.is_done(step.id.member()) && !self.broken.contains(&step.id);
            let what = match (self.undone.contains(&step.id), done) {
                (true, _) if self.is_restored(step.id.member()) => continue,
                (true, _) => TAKEN_BACK,
                (false, true) if self.undo_of(step.id).is_none() || !self.plan.policy(step.id.member()).goes_back() => continue,
                (false, true) if self.has_ended(step.id.member()) => continue,
                (false, true) => "carried out and proven, and not taken back though the whole failed",
                (false, false) => "carried out, and not proven",
            };
            debts.push(self.debt(step.id, format!("{}: {what}", write.words()), write));
        }
        for (id, fate) in self.open().filter(|(id, _)| wanted(self, id.member())) {
            let what = if fate == Fate::Accepted { "carried out, and not proven" } else { "may have been carried out" };
            let write = self.plan.writes().find(|(s, _)| s.id == id).map(|(_, w)| w);
            debts.extend(write.map(|w| self.debt(id, format!("{}: {what}", w.words()), w)));
        }
        debts
    }

    fn undo_of(&self, step: StepId) -> Option<&UndoStep> {
        self.plan.inner.undo_steps.iter().find(|u| u.undoes == Some(step))
    }

    /// Whether every proof of an object held on the way forward.
    fn is_done(&self, number: u16) -> bool {
        self.plan.proofs_of(number).all(|s| self.held.contains(&s.id))
    }

    /// Whether everything of an object was taken back, and its state before is proven again.
    fn is_restored(&self, number: u16) -> bool {
        let own = |u: &&UndoStep| u.step.id.member() == number;
        self.leg == Leg::Back
            && self.plan.inner.undo_steps.iter().filter(own).all(|u| match (u.undoes, &u.step.work) {
                (Some(id), _) => !self.carried.contains(&id) || self.undone.contains(&id),
                (None, Work::Prove(_)) => self.held.contains(&u.step.id),
                (None, _) => true,
            })
    }

    /// Which object it is about, where there are several.
    fn named(&self, reason: String) -> String {
        match self.plan.label(self.step_id()) {
            Some(label) => format!("{label}: {reason}"),
            None => reason,
        }
    }

    /// The objects that were not begun with, where some were.
    fn not_begun(&self) -> String {
        let left = self.plan.numbers().filter(|n| !self.begun.contains(n));
        let names: Vec<&str> = left.filter_map(|n| self.plan.member(n)).map(|m| m.label.as_str()).collect();
        if names.is_empty() { String::new() } else { format!("; not begun: {}", names.join(", ")) }
    }

    fn debt(&self, step: StepId, what: String, write: &FieldWrite) -> Debt {
        let no_way_back = || self.plan.member(step.member()).map_or(&self.plan.inner.no_way_back, |m| &m.no_way_back).clone();
        let pay = self.undo_of(step).map_or_else(no_way_back, |u| u.pay.clone());
        let object = if write.is_outside() { "this machine".to_owned() } else { write.object.to_string() };
        Debt { id: step.to_string(), object, what, pay }
    }

    /// A run that may not even record its beginning does nothing at all.
    pub(super) fn never_began(&mut self, why: String) -> Effect {
        self.state = State::Over;
        let reason = format!("nothing is done that cannot be recorded: {why}");
        let debts = self.debts();
        let end = if debts.is_empty() { End::Refused } else { self.left() };
        Effect::End(Outcome {
            hint: "make the state folder writable".to_owned(),
            debts,
            journal: Some(why.into()),
            ..Outcome::new(end, reason)
        })
    }

    pub(super) fn finish(&mut self, mut outcome: Outcome) -> Effect {
        if let Some(effect) = self.begin_last(&outcome) {
            return effect;
        }
        for why in self.untold.drain(..) {
            let _ = write!(outcome.reason, "; not told: {why}");
        }
        if outcome.outcome != End::Proven {
            outcome.reason.push_str(&self.not_begun());
            outcome.interrupted = self.interrupted;
        }
        // Never by itself: it is a plan of its own, with its own confirmation.
        if let Some(action) = self.offered.take().filter(|_| outcome.outcome != End::Proven) {
            let first = if outcome.hint.is_empty() { String::new() } else { format!("; {}", outcome.hint) };
            outcome.hint = format!("what the file offers now: `{}`{first}", self.plan.command_of(&action));
            outcome.offers = Some(Box::new(Offer(action)));
        }
        outcome.journal = self.journal.as_deref().map(Into::into);
        let draft = draft::end(&self.plan, &outcome);
        self.record(vec![draft], Then::Finish(outcome))
    }

    pub(super) fn tell_end(&mut self, mut outcome: Outcome) -> Effect {
        outcome.journal = self.journal.as_deref().map(Into::into);
        if self.changed.is_empty() {
            return self.release(outcome);
        }
        self.state = State::Telling(Next::Release(outcome.clone()));
        Effect::Tell(Tell::Ended(outcome, self.changed.clone()))
    }

    pub(super) fn release(&mut self, outcome: Outcome) -> Effect {
        if !self.locked {
            return Effect::End(outcome);
        }
        self.state = State::Releasing(outcome);
        Effect::Release
    }
}
