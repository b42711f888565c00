//! Asking a person: what to do about a failed step, and whether to go on at all; and letting time pass.
//!
//! Owns which ways are offered and what an answer does. What was answered, and the time that went by, before a run was resumed are
//! facts of the past: its record is their proof.

use std::time::Duration;

use super::{Effect, Leg, Machine, Next, Observed, State};
use crate::base::confirmation::Confirmation;
use crate::base::duration;
use crate::run::event::{Happening, Progress};
use crate::run::outcome::{Question, Way};
use crate::run::step::{Asking, Work};

impl Machine {
    /// What to do about a failed step.
    pub(super) fn ask(&mut self) -> Effect {
        // The first is taken when nobody answers.
        let mut ways = self.ways_out();
        if self.proof().is_some() {
            ways.insert(1.min(ways.len()), Way::Wait);
        }
        self.ask_for(Question { reason: self.failure.as_deref().unwrap_or_default().into(), ways, typed: None })
    }

    fn ways_out(&self) -> Vec<Way> {
        if self.has_way_back() { vec![Way::Undo, Way::Leave] } else { vec![Way::Leave] }
    }

    pub(super) fn ask_for(&mut self, question: Question) -> Effect {
        self.out.push(Happening::Asked { question: question.clone() });
        self.state = State::Asking;
        Effect::Ask(question)
    }

    /// Whether to go on.
    pub(super) fn ask_person(&mut self, asking: Asking) -> Effect {
        if self.held_before() {
            return self.done("answered before the run was resumed".to_owned());
        }
        if let Some(proof) = asking.unless {
            self.state = State::Gating;
            return Effect::Observe(proof);
        }
        if !self.moment.attended && asking.alone {
            return self.proven("nobody is there to say so: it is on record".to_owned(), &[]);
        }
        let reason = self.step().map(|s| s.title.clone()).unwrap_or_default();
        self.ask_whether(&reason, asking)
    }

    /// It was looked at whether a person need be asked.
    pub(super) fn gated(&mut self, observed: Observed) -> Effect {
        let Some(Work::Ask(asking)) = self.step().map(|s| s.work.clone()) else { return self.enter() };
        let why = match observed {
            Observed::Proven(text) => return self.proven(text, &[]),
            Observed::Hopeless(why) => why,
            Observed::Waiting(progress) => return self.failed(format!("what it comes to is not known: {}", progress.text)),
            Observed::Moved(why) => return self.failed(why),
            Observed::Unreadable(why) => return self.failed(format!("what it comes to is not known: {why}")),
        };
        let production = self.plan.inner.environment.kind.counts_as_production();
        if production && self.plan.confirmation.level < Confirmation::TwoPerson {
            return self.failed(format!("{why}: in production two persons confirm that. It is known now: make the plan again, and it asks for them"));
        }
        self.ask_whether(&why, asking)
    }

    fn ask_whether(&mut self, reason: &str, asking: Asking) -> Effect {
        if !self.moment.attended {
            return self.failed(format!("nobody is there to be asked: {reason}"));
        }
        let mut ways = self.ways_out();
        ways.push(Way::GoOn);
        self.ask_for(Question { reason: reason.into(), ways, typed: asking.text.map(|text| text.as_str().into()) })
    }

    pub(super) fn answered(&mut self, way: Way) -> Effect {
        if self.asks_about_a_command() {
            return self.told_of_command(way);
        }
        let asked = matches!(self.step().map(|s| &s.work), Some(Work::Ask(_)));
        if asked && way != Way::GoOn {
            self.failure.get_or_insert_with(|| "its operator did not want to go on".to_owned());
        }
        match way {
            Way::GoOn if asked => self.proven(format!("{} wants to go on", self.by), &[]),
            Way::Leave | Way::GoOn => self.yield_or_leave(),
            Way::Wait if self.leg == Leg::Forward && self.proof().is_some() => {
                self.failure = None;
                self.interrupted = None;
                self.wait_anew();
                self.observe()
            }
            Way::Undo | Way::Wait | Way::Done | Way::NotDone | Way::Again => self.turn_back(),
        }
    }

    /// Lets time go by, without anything to be looked at.
    pub(super) fn let_pass(&mut self, time: Duration) -> Effect {
        if self.held_before() {
            return self.done("it went by before the run was resumed".to_owned());
        }
        let left = time.saturating_sub(self.elapsed());
        if left.is_zero() {
            return self.proven(format!("{} went by", duration::show(time)), &[]);
        }
        self.tell_progress(Progress { text: format!("{} s are left", left.as_secs()), ..Progress::default() });
        if let Some(effect) = self.stopping_now() {
            return effect;
        }
        self.pause(left.min(Duration::from_secs(1)), Next::Observe)
    }

    fn held_before(&self) -> bool {
        let id = self.step_id();
        self.past.as_ref().is_some_and(|past| past.held.iter().any(|step| id == **step))
    }
}
