//! Waiting for a fact: nothing is done before it is observed, and nothing is waited for that cannot come any more.

use std::time::Duration;

use super::{Effect, Machine, Observed, State, Stop};
use crate::run::event::{Happening, Progress};
use crate::run::observe::MUST_STAY;
use crate::run::step::{Declared, Fact, Proof, StepId, Work};

impl Machine {
    pub(super) fn proof(&self) -> Option<Proof> {
        match self.step().map(|s| &s.work) {
            Some(Work::Prove(proof)) => Some(proof.clone()),
            _ => None,
        }
    }

    pub(super) fn observe(&mut self) -> Effect {
        let Some(proof) = self.proof() else { return self.enter() };
        if let Fact::Elapsed { time } = proof.fact {
            return self.let_pass(time);
        }
        self.state = State::Observing;
        Effect::Observe(proof)
    }

    pub(super) fn observed(&mut self, observed: Observed) -> Effect {
        if !matches!(observed, Observed::Proven(_)) {
            self.holds_since = None;
        }
        match observed {
            Observed::Proven(text) => self.holding(&text),
            Observed::Hopeless(reason) => self.failed(reason),
            Observed::Moved(reason) => {
                // What somebody else has changed since is theirs: neither a debt of this run nor its to undo.
                let foreign = self.plan.writes().filter(|(_, w)| Some(&w.object) == self.proof().as_ref().map(|p| &p.object));
                let foreign: Vec<StepId> = foreign.map(|(s, _)| s.id).collect();
                self.carried.retain(|id| !foreign.contains(id));
                self.failed(format!("somebody else changed it: {reason}"))
            }
            Observed::Waiting(progress) => self.waiting(progress),
            Observed::Unreadable(why) => self.waiting_blind(&why),
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.moment.now.saturating_sub(self.began)
    }

    fn over(&self) -> bool {
        self.part_is_over() || self.proof().is_none_or(|p| self.elapsed() >= p.within)
    }

    fn waiting(&mut self, progress: Progress) -> Effect {
        self.tell_progress(progress);
        if let Some(effect) = self.stopping_now() {
            return effect;
        }
        if self.over() {
            let causes = if self.progress.details.is_empty() { String::new() } else { format!(": {}", self.progress.details.join("; ")) };
            return self.failed(format!("{} after {} s{causes}", self.progress.text, self.elapsed().as_secs()));
        }
        self.look_later(self.interval())
    }

    /// The fact holds; where it is about pods that run, it must go on holding for a moment.
    fn holding(&mut self, text: &str) -> Effect {
        let stays = self.proof().map_or(Duration::ZERO, |p| match p.fact {
            Fact::Replicas { ready, .. } if ready > 0 => MUST_STAY,
            Fact::Rollout { ready, .. } if ready != Some(0) => MUST_STAY,
            Fact::Declared(Declared::Measures { hold, .. }) => hold,
            _ => Duration::ZERO,
        });
        let since = *self.holds_since.get_or_insert(self.moment.now);
        if self.moment.now.saturating_sub(since) >= stays {
            return self.told(text);
        }
        let text = format!("{text}, which must stay so for {} s", stays.as_secs());
        self.tell_progress(Progress { text, details: Vec::new(), ..self.progress });
        if let Some(effect) = self.stopping_now() {
            return effect;
        }
        if self.part_is_over() {
            return self.failed(format!("{} after {} s", self.progress.text, self.elapsed().as_secs()));
        }
        let often = if stays > MUST_STAY { self.interval() } else { Duration::from_millis(500) };
        self.look_later(often)
    }

    /// The first line is what proves it; further ones are told beside it, and recorded.
    fn told(&mut self, text: &str) -> Effect {
        let mut lines = text.lines();
        let proof = lines.next().unwrap_or_default().to_owned();
        let notes: Vec<String> = lines.map(str::to_owned).collect();
        self.out.extend(notes.iter().map(|text| Happening::Note { text: text.clone() }));
        self.proven(proof, &notes)
    }

    pub(super) fn tell_progress(&mut self, progress: Progress) {
        if progress != self.progress {
            self.progress = progress.clone();
            self.told_together();
            self.out.push(Happening::Progress { step: self.step_id(), progress });
        }
    }

    pub(super) fn stopping_now(&mut self) -> Option<Effect> {
        // Nothing is half done while a proof is waited for, and whoever asks for the lock would wait as long.
        if matches!(self.moment.stop, Stop::Now(_) | Stop::Undo) || self.moment.asked_by.is_some() { self.stopping() } else { None }
    }

    fn waiting_blind(&mut self, why: &str) -> Effect {
        if self.over() {
            return self.unknown(format!("whether it holds cannot be read: {why}"));
        }
        let progress = Progress { text: format!("cannot be read: {why}"), ..Progress::default() };
        self.tell_progress(progress);
        self.look_later(Duration::from_secs(2))
    }

    /// Often at first, when most of it happens.
    fn interval(&self) -> Duration {
        match self.elapsed().as_secs() {
            0..10 => Duration::from_millis(500),
            10..60 => Duration::from_secs(1),
            _ => Duration::from_secs(2),
        }
    }
}
