//! A command in a container: it is run at most as often as somebody wants it, although nothing can be read that tells whether it ran.
//!
//! Owns what follows when an answer was lost: what the command is proven by decides, else whether it may be run again, else a person.
//! Without a person the run ends as unknown.

use std::time::Duration;

use super::{Attempt, Effect, Leg, Machine, Observed, State, Then, draft};
use crate::base::duration;
use crate::run::outcome::{End, Question, Way};
use crate::run::step::{EVENT, Exec, Fact, FieldWrite, Form, HELD, Place, Proof, Stamp};
use crate::service::AlarmEvent;
use crate::target::api::TargetError;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) struct Ran {
    /// Its exit code.
    pub code: i64,
    /// Where it ran, and the last that it said.
    pub said: String,
}

/// What stands in a text for how the run ended, and for how long it took.
const RESULT: &str = "${run.result}";
const DURATION: &str = "${run.duration}";
/// What stands in a text for the image that the workload of the run carries now.
const AFTER: &str = "${run.after.image}";

impl Machine {
    /// A text that is told, with what is known when it is told.
    pub(super) fn worded(&self, mut write: FieldWrite) -> FieldWrite {
        if let Form::Exec(exec) = &mut write.form
            && exec.place == Place::Channels
        {
            let failed = self
                .failure
                .as_deref()
                .filter(|_| self.leg != Leg::Forward)
                .or_else(|| self.failed_steps.first().map(String::as_str));
            let result = match (&self.ending, failed) {
                (Some(ending), _) => format!("{}: {}", ending.words(), ending.reason),
                (None, Some(why)) => format!("failed: {why}"),
                (None, None) => "every proof held so far".to_owned(),
            };
            let took = duration::show(Duration::from_secs(self.moment.now.saturating_sub(self.started).as_secs()));
            let held = self.ending.as_ref().map_or(failed.is_none(), |ending| ending.outcome == End::Proven);
            if let Some(event) = exec.command.argv.get_mut(1).filter(|event| *event == EVENT) {
                let word = if held { HELD } else { AlarmEvent::Trigger.word() };
                word.clone_into(event);
            }
            let after = self.image_after();
            if let Some(text) = exec.command.argv.first_mut() {
                *text = text.replace(AFTER, &after).replace(RESULT, &result).replace(DURATION, &took);
            }
        }
        write
    }

    fn exec(&self) -> Option<Exec> {
        self.write().and_then(|w| w.exec().cloned())
    }

    /// Runs it, unless it ran before or may have.
    pub(super) fn look_at_command(&mut self) -> Effect {
        if self.attempt.done {
            return self.found_out("its end is on record");
        }
        if self.attempt.doubt.is_some() {
            return self.decide();
        }
        if !self.is_verified() {
            return self.verify();
        }
        self.may_send(Stamp { version: String::new(), generation: None })
    }

    /// It ended, or nobody knows.
    pub(super) fn ran(&mut self, result: Result<Ran, TargetError>) -> Effect {
        let reads = self.exec().is_some_and(|e| e.reads);
        let (word, detail, then) = match result {
            Ok(ran) => {
                let detail = format!("exit code {}{}", ran.code, ran.said);
                let id = self.step_id();
                self.broken.retain(|broken| *broken != id);
                if !reads {
                    self.carry();
                    self.broken.extend((ran.code != 0).then_some(id));
                }
                match (ran.code, reads) {
                    (0, false) => ("accepted", detail.clone(), Then::Accepted(detail)),
                    (0, true) => ("accepted", detail.clone(), Then::Done(detail)),
                    // It ran, and what it did before it failed is not known: whoever goes on with the run is asked.
                    _ => ("failed", detail.clone(), Then::Failed(detail)),
                }
            }
            Err(error) => self.not_accepted(error),
        };
        let draft = draft::outcome(&self.plan, self.step_id(), word, &detail);
        self.record(vec![draft], then)
    }

    /// Nobody knows whether it ran.
    fn decide(&mut self) -> Effect {
        let Some((exec, write)) = self.exec().zip(self.write()) else { return self.enter() };
        if exec.proven_by.is_empty() {
            return self.undecided(&exec);
        }
        self.state = State::Deciding;
        Effect::Observe(Proof { fact: Fact::Probes { ids: exec.proven_by }, object: write.object, uid: write.uid, within: exec.within })
    }

    pub(super) fn decided(&mut self, observed: &Observed) -> Effect {
        match (observed, self.exec()) {
            (Observed::Proven(text), _) => self.found_out(&format!("what proves it holds: {text}")),
            (_, Some(exec)) => self.undecided(&exec),
            (_, None) => self.enter(),
        }
    }

    fn undecided(&mut self, exec: &Exec) -> Effect {
        if exec.again || exec.reads {
            return self.once_more();
        }
        let reason = format!("whether '{}' was run to its end is not known", exec.words());
        if !self.moment.attended {
            return self.unknown(reason);
        }
        let ways = vec![Way::Leave, Way::Done, Way::NotDone, Way::Again];
        self.ask_for(Question { reason: reason.as_str().into(), ways, typed: None })
    }

    fn once_more(&mut self) -> Effect {
        self.attempt = Attempt::default();
        self.look_at_command()
    }

    /// Whether the question that waits is about a command of which nobody knows whether it ran.
    pub(super) fn asks_about_a_command(&self) -> bool {
        self.attempt.doubt.is_some() && self.exec().is_some()
    }

    pub(super) fn told_of_command(&mut self, way: Way) -> Effect {
        let by = self.by.clone();
        match way {
            Way::Done => self.found_out(&format!("{by} says that it was done")),
            Way::Again => self.once_more(),
            Way::NotDone => {
                self.attempt.doubt = None;
                let id = self.step_id();
                self.settled.push(id);
                let why = format!("{by} says that it was not done");
                let draft = draft::outcome(&self.plan, id, "not-done", &why);
                self.record(vec![draft], Then::Failed(why))
            }
            // It may have been carried out, and is taken back as if it had been.
            Way::Undo => {
                self.carry();
                self.failure.get_or_insert_with(|| "whether a command was run is not known".to_owned());
                self.turn_back()
            }
            Way::Leave | Way::Wait | Way::GoOn => self.unknown("whether a command was run is not known".to_owned()),
        }
    }
}
