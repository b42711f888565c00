//! The proofs of objects that were written at once: watched together, so that a failure is known when it happens and not after slower ones.
//!
//! Owns whose turn it is, and what is known of each proof while another one is looked at. A proof is judged as any other, one look at a
//! time; the proofs of one object stay in their order.

use std::time::Duration;

use super::{Effect, Leg, Machine, Next};
use crate::run::event::Progress;
use crate::run::step::{Fact, Step, StepId, Work};

/// Proofs that are watched together, in the order of their steps.
#[derive(Debug)]
pub(super) struct Together {
    /// The place of the first of them among the steps.
    from: usize,
    watches: Vec<Watch>,
    /// The one that others were told of last.
    told: usize,
}

/// What is known of one of them.
#[derive(Debug, Clone, Default)]
struct Watch {
    number: u16,
    begun: bool,
    /// It held, or the run went past it.
    over: bool,
    began: Duration,
    progress: Progress,
    holds_since: Option<Duration>,
    part_began: Duration,
    tries: u32,
}

impl Together {
    /// Those that can be looked at now: of each object the first that is not over.
    fn open(&self) -> impl Iterator<Item = usize> {
        let first = |at: &usize| !self.watches[..*at].iter().any(|w| !w.over && w.number == self.watches[*at].number);
        (0..self.watches.len()).filter(|at| !self.watches[*at].over).filter(first)
    }
}

impl Machine {
    /// Begins to watch the proofs together that are due now, where their objects were written at once.
    pub(super) fn gather(&mut self) {
        if self.leg != Leg::Forward || self.together.is_some() || !self.plan.is_parallel() {
            return;
        }
        // Time that has to go by is no fact to be looked at.
        let watched = |s: &&Step| matches!(&s.work, Work::Prove(proof) if !matches!(proof.fact, Fact::Elapsed { .. }));
        let due = self.steps.iter().skip(self.at).take_while(watched);
        let watches: Vec<Watch> = due.map(|s| Watch { number: s.id.member(), ..Watch::default() }).collect();
        if watches.windows(2).any(|two| two[0].number != two[1].number) {
            self.together = Some(Together { from: self.at, watches, told: 0 });
        }
    }

    /// Goes on after a step: with the next one, or with the next of those that are watched together.
    pub(super) fn onward(&mut self) -> Effect {
        let at = self.at;
        let Some(together) = &mut self.together else {
            self.at += 1;
            return self.enter();
        };
        if let Some(watch) = together.watches.get_mut(at - together.from) {
            watch.over = true;
        }
        self.turn(None)
    }

    /// Goes past all proofs of the object of that number that are watched together; `None` where none are.
    pub(super) fn past_together(&mut self, number: u16) -> Option<Effect> {
        let together = self.together.as_mut()?;
        together.watches.iter_mut().filter(|w| w.number == number).for_each(|w| w.over = true);
        Some(self.turn(None))
    }

    /// Looks again after that time; where several are watched together, at the next of them, and the time passes after the last.
    pub(super) fn look_later(&mut self, time: Duration) -> Effect {
        if self.together.is_some() { self.turn(Some(time)) } else { self.pause(time, Next::Observe) }
    }

    fn turn(&mut self, time: Option<Duration>) -> Effect {
        let Some(together) = &self.together else { return self.enter() };
        let now = self.at - together.from;
        let next = together.open().find(|at| *at > now).or_else(|| together.open().next());
        let Some(next) = next else {
            self.at = together.from + together.watches.len();
            self.together = None;
            return self.enter();
        };
        let (round, begun) = (next <= now, together.watches[next].begun);
        self.change_over(now, next);
        match time {
            _ if !begun => self.enter_step(),
            Some(time) if round => self.pause(time, Next::Observe),
            _ => self.observe(),
        }
    }

    /// Leaves one of them and takes up another.
    fn change_over(&mut self, now: usize, next: usize) {
        let (began, holds_since, part_began, tries) = (self.began, self.holds_since, self.part_began, self.tries);
        let Some(together) = &mut self.together else { return };
        if let Some(left) = together.watches.get_mut(now) {
            left.progress = std::mem::take(&mut self.progress);
            (left.began, left.holds_since, left.part_began, left.tries) = (began, holds_since, part_began, tries);
        }
        let number = together.watches[next].number;
        // A later proof of an object goes on with the time and the tries of its part.
        let part = if together.watches[next].begun { Some(next) } else { together.watches.iter().rposition(|w| w.begun && w.number == number) };
        self.part = part.map(|_| number);
        if let Some(part) = part.map(|at| &together.watches[at]) {
            (self.part_began, self.tries) = (part.part_began, part.tries);
        }
        let taken = &together.watches[next];
        (self.began, self.holds_since, self.progress) = (taken.began, taken.holds_since, taken.progress.clone());
        self.at = together.from + next;
    }

    /// Notes that the step under way was begun.
    pub(super) fn begun_together(&mut self) {
        let at = self.at;
        if let Some(together) = &mut self.together
            && let Some(watch) = together.watches.get_mut(at - together.from)
        {
            watch.begun = true;
        }
    }

    /// Notes that there is news of the step under way.
    pub(super) fn told_together(&mut self) {
        let at = self.at;
        if let Some(together) = &mut self.together {
            together.told = at - together.from;
        }
    }

    /// Whoever is asked gives more time to all of them.
    pub(super) fn wait_anew(&mut self) {
        let now = self.moment.now;
        (self.began, self.part_began) = (now, now);
        for watch in self.together.iter_mut().flat_map(|t| &mut t.watches) {
            (watch.began, watch.part_began) = (now, now);
        }
    }

    /// The step that others are told of: of those that are watched together one with news, and not each whose turn it is.
    pub(in crate::run) fn told_step(&self) -> StepId {
        let Some(together) = &self.together else { return self.step_id() };
        let told = Some(together.told).filter(|at| together.watches.get(*at).is_some_and(|w| !w.over));
        let at = told.or_else(|| together.open().next()).unwrap_or(0);
        self.steps.get(together.from + at).map_or_else(|| self.step_id(), |s| s.id)
    }

    /// The objects that are watched together with the one that failed, and are not proven either.
    pub(super) fn still_unproven(&self) -> String {
        let own = self.number();
        let mut names: Vec<&str> = Vec::new();
        for watch in self.together.iter().flat_map(|t| &t.watches).filter(|w| !w.over && w.number != own) {
            names.extend(self.plan.member(watch.number).map(|m| m.label.as_str()).filter(|label| !names.contains(label)));
        }
        if names.is_empty() { String::new() } else { format!("; still unproven: {}", names.join(", ")) }
    }
}
