//! One write: where it stands, the intent, the request, what came of it, and when to try again.
//!
//! Owns the rules for conflicts (five tries within 10 s) and for answers that were lost: what happened is found out by reading,
//! never guessed, and a request is repeated only while nobody changed what is wanted of the object since it was first sent: else it
//! may have been carried out and taken back by somebody, and would be carried out twice.

use std::time::Duration;

use super::{Attempt, Effect, Leg, Looked, Machine, Next, State, Tell, Then, draft};
use crate::run::event::Happening;
use crate::run::step::{FieldWrite, Form, Position, Stamp, Step, Work};
use crate::target::api::{Delivery, ErrorKind, TargetError};

const LOCK_LOST: &str = "the lock could not be renewed: nothing more is written";
const MOST_TRIES: u32 = 5;
const TRY_WITHIN: Duration = Duration::from_secs(10);
/// How long the server's wish to wait is heeded at most.
const MOST_GRACE: Duration = Duration::from_mins(1);
/// How long reading may fail before a write, and after one whose answer was lost.
const READ_WITHIN: Duration = Duration::from_secs(10);
const READ_IN_DOUBT: Duration = Duration::from_mins(2);
/// The API server gives up on a request after this time: what is not there by then will not come.
const SERVER_GIVES_UP: Duration = Duration::from_mins(1);

impl Machine {
    pub(super) fn write(&self) -> Option<FieldWrite> {
        match self.step().map(|s| &s.work) {
            Some(Work::Write(write)) => Some(write.clone()),
            _ => None,
        }
    }

    pub(super) fn look(&mut self) -> Effect {
        let Some(write) = self.write() else { return self.enter() };
        if write.exec().is_some() {
            return self.look_at_command();
        }
        self.attempt.looking_since.get_or_insert(self.moment.now);
        self.state = State::Looking;
        Effect::Look(write)
    }

    pub(super) fn looked(&mut self, looked: Looked) -> Effect {
        if !matches!(looked, Looked::Unreadable(_)) {
            self.attempt.looking_since = None;
            let id = self.step_id();
            self.settled.push(id);
        }
        match looked {
            Looked::At(Position::Before(stamp)) => self.as_before(stamp),
            Looked::At(Position::After(_)) if self.may_be_done() => self.found_out("found out by reading"),
            Looked::At(Position::After(_)) if self.leg == Leg::Back => {
                self.taken_back();
                self.proven("it is so already".to_owned(), &[])
            }
            // Nothing had to be cleared up.
            Looked::At(Position::After(_)) if self.leg == Leg::Last => self.proven("it is so already".to_owned(), &[]),
            // The autoscaler did it when its bound was moved: it belongs to this run all the same, and to its way back.
            Looked::At(Position::After(_)) if self.write().is_some_and(|w| w.changes.iter().all(|c| c.loose)) => {
                self.found_out("the autoscaler did it already")
            }
            Looked::At(Position::After(_)) => self.failed("somebody else has just made this change".to_owned()),
            Looked::At(Position::Moved(words)) | Looked::Other(words) => self.moved(&words),
            Looked::Unreadable(why) => self.unreadable(&why),
        }
    }

    /// Whether a request of ours was carried out, or may have been.
    fn may_be_done(&self) -> bool {
        self.attempt.done || self.attempt.doubt.is_some()
    }

    /// It is as it was meant, and it was this run.
    pub(super) fn found_out(&mut self, how: &str) -> Effect {
        self.carry();
        let draft = draft::outcome(&self.plan, self.step_id(), "accepted", how);
        self.record(vec![draft], Then::Accepted(format!("carried out: {how}")))
    }

    /// Somebody else's value is there; whether ours was before is no matter, for nothing of it is left.
    fn moved(&mut self, words: &str) -> Effect {
        if self.may_be_done() {
            self.touch();
        }
        self.failed(format!("somebody else changed it: {words}"))
    }

    /// The value before is there: the write may be sent, unless an earlier request may have been carried out and taken back.
    fn as_before(&mut self, stamp: Stamp) -> Effect {
        if self.attempt.done {
            let loose = self.write().is_some_and(|w| w.changes.iter().all(|c| c.loose));
            // An autoscaler may go on from there; whoever else took it back wants it so.
            return if loose { self.found_out("an autoscaler went on from there") } else { self.moved("it was carried out and taken back") };
        }
        if self.attempt.doubt.as_ref().is_some_and(|doubt| !stamp.same_since(doubt)) {
            if self.write().is_some_and(|w| !w.patches()) {
                return self.made_or_not(stamp);
            }
            self.touch();
            return self.failed("the answer to the write was lost and somebody changed the object since: it is not sent again".to_owned());
        }
        if !self.is_verified() {
            return self.verify();
        }
        self.may_send(stamp)
    }

    /// What was to be made is not there, and the answer was lost: it may still come, or have been and gone.
    fn made_or_not(&mut self, stamp: Stamp) -> Effect {
        if self.moment.now.saturating_sub(self.attempt.last) < SERVER_GIVES_UP {
            return self.pause(Duration::from_secs(2), Next::Look);
        }
        if self.write().is_some_and(|w| matches!(w.form, Form::Create { again: true, .. })) {
            // Its name is its own: of two requests one is refused.
            self.attempt = Attempt::default();
            return if self.is_verified() { self.may_send(stamp) } else { self.verify() };
        }
        self.touch();
        self.failed("the answer to the write was lost, and what it was to make is not there: it is not made a second time".to_owned())
    }

    fn unreadable(&mut self, why: &str) -> Effect {
        let since = self.attempt.looking_since.unwrap_or(self.moment.now);
        let limit = if self.may_be_done() { READ_IN_DOUBT } else { READ_WITHIN };
        if self.moment.now.saturating_sub(since) < limit {
            return self.pause(Duration::from_secs(1), Next::Look);
        }
        if self.may_be_done() {
            return self.unknown(format!("the answer to a write was lost, and its object cannot be read: {why}"));
        }
        self.failed(format!("the object cannot be read: {why}"))
    }

    pub(super) fn may_send(&mut self, stamp: Stamp) -> Effect {
        let (now, attempt) = (self.moment.now, &self.attempt);
        let late = attempt.first.is_some_and(|first| now.saturating_sub(first) > TRY_WITHIN + attempt.grace);
        let over = self.moment.lock_lost || attempt.tries >= MOST_TRIES || late;
        // What left may still arrive: until then nobody can say that nothing was written.
        if over && attempt.doubt.is_some() && now.saturating_sub(attempt.last) < SERVER_GIVES_UP {
            return self.pause(Duration::from_secs(2), Next::Look);
        }
        if self.moment.lock_lost {
            return self.failed(LOCK_LOST.to_owned());
        }
        if over {
            let why = if attempt.refused.is_empty() { String::new() } else { format!(": {}", attempt.refused) };
            return self.failed(format!("it could not be written in {} tries{why}", attempt.tries));
        }
        let Some(write) = self.write() else { return self.enter() };
        let draft = draft::intent(&self.plan, self.step_id(), &write, &stamp, attempt.tries + 1, self.leg == Leg::Back);
        self.record(vec![draft], Then::Send(write, stamp))
    }

    pub(super) fn send(&mut self, write: FieldWrite, stamp: Stamp) -> Effect {
        // It may have been lost while the intent was brought to the disk.
        if self.moment.lock_lost {
            // What left before may still arrive.
            return if self.attempt.doubt.is_some() { self.look() } else { self.failed(LOCK_LOST.to_owned()) };
        }
        self.attempt.tries += 1;
        self.attempt.last = self.moment.now;
        self.attempt.first.get_or_insert(self.moment.now);
        self.state = State::Sending;
        let write = self.worded(write);
        let version = stamp.version.clone();
        self.attempt.rests_on = Some(stamp);
        Effect::Send(write, version)
    }

    pub(super) fn sent(&mut self, result: Result<String, TargetError>) -> Effect {
        let (word, detail, then) = match result {
            Ok(version) => {
                self.carry();
                // An eviction has no version of its own.
                let version = if version.is_empty() { version } else { format!("resourceVersion {version}") };
                let text = if version.is_empty() { "accepted".to_owned() } else { format!("accepted, {version}") };
                ("accepted", version, Then::Accepted(text))
            }
            Err(error) => self.not_accepted(error),
        };
        let draft = draft::outcome(&self.plan, self.step_id(), word, &detail);
        self.record(vec![draft], then)
    }

    pub(super) fn not_accepted(&mut self, error: TargetError) -> (&'static str, String, Then) {
        self.attempt.last = self.moment.now;
        self.attempt.refused.clone_from(&error.message);
        if error.delivery == Delivery::MayBeDone {
            // The first one counts: what it rested on is what must not have moved.
            self.attempt.doubt = self.attempt.doubt.take().or_else(|| self.attempt.rests_on.clone());
            return ("unknown", error.message, Then::Look);
        }
        let tries = u64::from(self.attempt.tries);
        match error.kind {
            ErrorKind::Conflict => ("conflict", error.message, Then::Pause(Duration::from_millis(100 * tries))),
            ErrorKind::TooManyRequests => {
                let wait = Duration::from_secs(error.retry_after.unwrap_or(1).clamp(1, 30));
                self.attempt.grace = (self.attempt.grace + wait).min(MOST_GRACE);
                ("not-now", error.message, Then::Pause(wait))
            }
            ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Server => ("not-sent", error.message, Then::Pause(Duration::from_secs(1))),
            // An earlier try may have been carried out: read before anything is said.
            _ if self.attempt.doubt.is_some() => {
                self.attempt.tries = MOST_TRIES;
                ("refused", error.message, Then::Look)
            }
            _ => ("refused", error.message.clone(), Then::Refused(error.message)),
        }
    }

    pub(super) fn write_refused(&mut self, why: &str) -> Effect {
        self.failed(format!("the server refused the write: {why}"))
    }

    /// Notes that this write took effect.
    pub(super) fn carry(&mut self) {
        if let Some(write) = self.write() {
            self.plan.inner.frozen.iter_mut().for_each(|f| f.advance(&write));
        }
        let id = self.step_id();
        self.settled.push(id);
        match self.leg {
            Leg::Forward | Leg::Last => {
                // What goes past the target leaves nothing there that others could see.
                if self.write().is_some_and(|w| !w.is_outside()) {
                    self.touch();
                }
                self.carried.extend(self.steps.get(self.at).map(|s| s.id));
            }
            Leg::Back => self.taken_back(),
        }
    }

    fn taken_back(&mut self) {
        if self.leg == Leg::Back {
            let id = self.step_id();
            self.undone.extend(self.plan.inner.undo_steps.iter().filter(|u| u.step.id == id).filter_map(|u| u.undoes));
        }
    }

    /// The write took effect: it is done, and others are told of it on its object.
    pub(super) fn accepted(&mut self, text: String) -> Effect {
        let (id, took) = (self.step_id(), self.took());
        self.out.push(Happening::StepProven { step: id, text, took_seconds: took });
        // Once a leg: a change in several steps is one change to others.
        let of = |s: &Step| match &s.work {
            Work::Write(w) if !w.is_outside() => Some(w.object.clone()),
            _ => None,
        };
        let first = self
            .step()
            .and_then(of)
            .filter(|object| !self.steps[..self.at].iter().any(|s| of(s).as_ref() == Some(object)));
        self.at += 1;
        if let Some(object) = first {
            self.state = State::Telling(Next::Step);
            return Effect::Tell(Tell::Changed(id.member(), object));
        }
        self.enter()
    }
}
