//! The run as a pure state machine: what happened goes in, the one thing to do next comes out.
//!
//! Owns the order of a run and every decision in it: lock, verify, intent before write, proof before done, the way back, what
//! is left behind. Exactly one effect is outstanding at a time; `execute` performs it and hands the answer in. No clock, no
//! network, no disk: a history of answers gives the same run every time.

mod after;
mod ask;
mod command;
mod draft;
mod finish;
mod prove;
mod resume;
mod rules;
mod together;
mod verify;
mod write;

pub(in crate::run) use command::Ran;
pub(in crate::run) use draft::GONE_PAST;
pub(in crate::run) use resume::{Fate, Past, Request};

use std::time::Duration;

use self::together::Together;
use super::event::{Happening, Progress};
use super::journal::Draft;
use super::outcome::{Debt, Outcome, Question, Signal, Way};
use super::plan::{Frozen, Plan};
use super::preempt;
use super::step::{FieldWrite, Position, Proof, Stamp, Step, StepId, Work};
use crate::base::text::Str;
use crate::target::api::TargetError;
use crate::target::model::ObjectRef;

/// Why a run ends early whose operator wanted it so.
const STOPPED: &str = "stopped by its operator";

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) enum Effect {
    /// Append these lines to the journal and wait until they are on the disk.
    Record(Vec<Draft>),
    /// Take the plan's locks.
    Lock,
    /// Read these fields and say what moved.
    Verify(Vec<Frozen>),
    /// Read where a write stands.
    Look(FieldWrite),
    /// Send a write against this resourceVersion, once.
    Send(FieldWrite, String),
    /// Look whether a fact holds.
    Observe(Proof),
    /// Wait.
    Pause(Duration),
    /// Wait for a person's answer.
    Ask(Question),
    /// Leave notes in the cluster: annotations and events, as far as rights go.
    Tell(Tell),
    /// Let go of the locks.
    Release,
    /// The run is over.
    End(Outcome),
}

/// What others are told.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) enum Tell {
    /// An object was changed, which belongs to the plan's object of that number.
    Changed(u16, ObjectRef),
    /// The run is over, which changed the objects of these numbers.
    Ended(Outcome, Vec<u16>),
}

/// What came of an effect.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) enum Input {
    Start,
    Recorded(Result<(), String>),
    Locked(Locking),
    /// What moved, in words.
    Verified(Result<Vec<String>, TargetError>),
    Looked(Looked),
    /// The new resourceVersion.
    Sent(Result<String, TargetError>),
    /// How a command ended.
    Ran(Result<Ran, TargetError>),
    Observed(Observed),
    Paused,
    Answered(Way),
    /// What could not be told, in words.
    Told(Vec<String>),
    Released,
}

/// What came of taking the locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) enum Locking {
    /// All are ours; how those came to be that somebody held, in words.
    Taken(Vec<String>),
    /// Somebody else works on it, in words.
    Held(String),
    /// We may not: the run goes on without.
    Impossible(String),
    /// The server did not answer.
    Unreachable(String),
}

/// Where a write stands.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) enum Looked {
    At(Position),
    /// The object is gone, or another one.
    Other(String),
    Unreadable(String),
}

/// Whether a fact holds.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) enum Observed {
    Proven(String),
    Waiting(Progress),
    /// It will not hold any more: the root cause.
    Hopeless(String),
    /// Somebody else changed the object: it is not ours to prove or to undo.
    Moved(String),
    Unreadable(String),
}

/// How things stand around the run when an answer comes in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::run) struct Moment {
    /// Monotonic.
    pub now: Duration,
    /// Somebody is there to be asked.
    pub attended: bool,
    /// Whether the run shall stop.
    pub stop: Stop,
    /// The lock could not be renewed in time: nothing more may be written.
    pub lock_lost: bool,
    /// Who asks for the lock, and for what.
    pub asked_by: Option<Str>,
}

/// Whether a run shall stop (contract.md 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::run) enum Stop {
    #[default]
    No,
    /// After the step that is under way.
    AfterStep(Signal),
    /// Now: ask, or go back.
    Now(Signal),
    /// Now, and go back without asking.
    Undo,
}

/// What happened, and what is to be done next.
#[derive(Debug)]
pub(in crate::run) struct Turn {
    pub happenings: Vec<Happening>,
    pub effect: Effect,
}

/// Which way the run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leg {
    Forward,
    Back,
    /// The steps that run on every way out.
    Last,
}

/// What the outstanding effect is for.
#[derive(Debug, Clone, PartialEq)]
enum State {
    New,
    Recording(Then),
    Locking,
    Verifying,
    Looking,
    Sending,
    Observing,
    /// Looking at what a command is proven by, since nobody knows whether it ran.
    Deciding,
    /// Looking whether a person need be asked.
    Gating,
    Pausing(Next),
    Asking,
    Telling(Next),
    Releasing(Outcome),
    Over,
}

/// What follows when a journal entry is on the disk.
#[derive(Debug, Clone, PartialEq)]
enum Then {
    Begin,
    Send(FieldWrite, Stamp),
    Accepted(String),
    Look,
    Pause(Duration),
    Refused(String),
    Failed(String),
    Done(String),
    Recover,
    Again(Duration),
    Finish(Outcome),
}

/// What follows a pause or a note to others.
#[derive(Debug, Clone, PartialEq)]
enum Next {
    Look,
    Observe,
    Step,
    Again,
    Release(Outcome),
}

/// The tries of one write.
#[derive(Debug, Clone, Default)]
struct Attempt {
    tries: u32,
    first: Option<Duration>,
    last: Duration,
    /// Time that the server asked us to wait, which does not count.
    grace: Duration,
    /// A request left against this state, and no answer came.
    doubt: Option<Stamp>,
    /// The state that the last request rested on.
    rests_on: Option<Stamp>,
    /// It was carried out before the run was resumed.
    done: bool,
    /// What the server said last.
    refused: String,
    looking_since: Option<Duration>,
}

/// A run under way.
#[derive(Debug)]
pub(in crate::run) struct Machine {
    plan: Plan,
    by: String,
    leg: Leg,
    steps: Vec<Step>,
    at: usize,
    state: State,
    moment: Moment,
    /// When the run began, in this process.
    started: Duration,
    began: Duration,
    attempt: Attempt,
    /// The objects whose frozen fields were looked at again.
    verified: Vec<u16>,
    locked: bool,
    progress: Progress,
    /// Since when the fact of the step that is under way has held without a break.
    holds_since: Option<Duration>,
    /// The proofs that are watched together.
    together: Option<Together>,
    /// Ids of forward writes that were carried out.
    carried: Vec<StepId>,
    /// Ids of commands that ran and failed.
    broken: Vec<StepId>,
    /// Ids of writes of which this process has seen where they stand.
    settled: Vec<StepId>,
    /// Ids of those that were taken back.
    undone: Vec<StepId>,
    /// Ids of the proofs that held, of either way.
    held: Vec<StepId>,
    /// The objects that were begun with.
    begun: Vec<u16>,
    /// The objects that were changed, by whomever they are held now.
    changed: Vec<u16>,
    failure: Option<String>,
    /// The action that the failed step offers.
    offered: Option<String>,
    /// The part of the plan that is under way, since when, and how often it was tried again.
    part: Option<u16>,
    part_began: Duration,
    tries: u32,
    /// The parts that failed and that the run went past, and why.
    given_up: Vec<u16>,
    failed_steps: Vec<String>,
    /// Who was not told of something, and why.
    untold: Vec<String>,
    /// The locks are taken: what follows may write.
    let_in: bool,
    /// The end that was reached, while the last steps run.
    ending: Option<Outcome>,
    /// What a last step may have left behind.
    doubtful: Vec<Debt>,
    interrupted: Option<Signal>,
    journal: Option<String>,
    /// What went before, when the run is resumed.
    past: Option<Past>,
    out: Vec<Happening>,
}

impl Machine {
    /// A run of a plan that `by` confirmed.
    pub(in crate::run) fn new(plan: Plan, by: String) -> Self {
        Self {
            steps: plan.steps.clone(),
            plan,
            by,
            leg: Leg::Forward,
            at: 0,
            state: State::New,
            moment: Moment::default(),
            started: Duration::ZERO,
            began: Duration::ZERO,
            attempt: Attempt::default(),
            verified: Vec::new(),
            locked: false,
            progress: Progress::default(),
            holds_since: None,
            together: None,
            carried: Vec::new(),
            broken: Vec::new(),
            settled: Vec::new(),
            undone: Vec::new(),
            held: Vec::new(),
            begun: Vec::new(),
            changed: Vec::new(),
            failure: None,
            offered: None,
            part: None,
            part_began: Duration::ZERO,
            tries: 0,
            given_up: Vec::new(),
            failed_steps: Vec::new(),
            untold: Vec::new(),
            let_in: false,
            ending: None,
            doubtful: Vec::new(),
            interrupted: None,
            journal: None,
            past: None,
            out: Vec::new(),
        }
    }

    /// The step that is under way, for the lock's annotation.
    pub(in crate::run) fn step_id(&self) -> StepId {
        self.steps.get(self.at).map_or(StepId::from("end"), |s| s.id)
    }

    /// The number of the object that the step under way is about.
    fn number(&self) -> u16 {
        self.step_id().member()
    }

    /// Takes the answer to the last effect and gives the next one.
    pub(in crate::run) fn next(&mut self, input: Input, moment: Moment) -> Turn {
        if moment.asked_by != self.moment.asked_by
            && let Some(by) = &moment.asked_by
        {
            self.out.push(Happening::Note { text: format!("{by} asks for the lock: the run stops after this step") });
        }
        self.moment = moment;
        let effect = match (std::mem::replace(&mut self.state, State::Over), input) {
            (State::New, Input::Start) => self.begin(),
            (State::Recording(then), Input::Recorded(result)) => self.recorded(then, result),
            (State::Locking, Input::Locked(locking)) => self.locked(locking),
            (State::Verifying, Input::Verified(moved)) => self.verified(moved),
            (State::Looking, Input::Looked(looked)) => self.looked(looked),
            (State::Sending, Input::Sent(result)) => self.sent(result),
            (State::Sending, Input::Ran(result)) => self.ran(result),
            (State::Deciding, Input::Observed(observed)) => self.decided(&observed),
            (State::Gating, Input::Observed(observed)) => self.gated(observed),
            (State::Observing, Input::Observed(observed)) => self.observed(observed),
            (State::Pausing(next), Input::Paused) => self.go_on(next),
            (State::Asking, Input::Answered(way)) => self.answered(way),
            (State::Telling(next), Input::Told(notes)) => {
                self.out.extend(notes.into_iter().map(|text| Happening::Note { text }));
                self.go_on(next)
            }
            (State::Releasing(outcome), Input::Released) => Effect::End(outcome),
            // `execute` answers what was asked; anything else would be a fault of this program, and it is not hidden.
            (state, input) => Effect::End(Outcome::new(
                super::outcome::End::Unknown,
                format!("the engine got an answer that it did not ask for: {input:?} in {state:?}"),
            )),
        };
        Turn { happenings: std::mem::take(&mut self.out), effect }
    }

    fn begin(&mut self) -> Effect {
        self.started = self.moment.now;
        if self.past.is_some() {
            return self.begin_again();
        }
        let plan = &self.plan;
        self.out = vec![
            Happening::Planned { plan: Box::new(plan.clone()) },
            Happening::Checked { checks: plan.checks.clone(), allowed: plan.allowed, blocked_by: plan.blocked_by.clone() },
            Happening::Confirmed { level: plan.confirmation.level, by: self.by.clone() },
        ];
        let drafts = draft::begin(plan, &self.by);
        self.record(drafts, Then::Begin)
    }

    fn record(&mut self, drafts: Vec<Draft>, then: Then) -> Effect {
        self.state = State::Recording(then);
        Effect::Record(drafts)
    }

    fn recorded(&mut self, then: Then, result: Result<(), String>) -> Effect {
        let failed = result.err();
        match (then, failed) {
            (Then::Begin, None) => self.enter(),
            (Then::Begin, Some(why)) => self.never_began(why),
            (Then::Send(write, stamp), None) => self.send(write, stamp),
            // The way back was recorded with the plan: it may go on without its own intent (contract.md 6).
            (Then::Send(write, stamp), Some(why)) if self.leg == Leg::Back => {
                self.journal.get_or_insert(why);
                self.send(write, stamp)
            }
            (Then::Send(..), Some(why)) => {
                self.journal.get_or_insert(why.clone());
                self.failed(format!("the intent cannot be recorded, so nothing is sent: {why}"))
            }
            (then, failed) => {
                if let Some(why) = failed {
                    self.journal.get_or_insert(why);
                }
                self.follow(then)
            }
        }
    }

    fn follow(&mut self, then: Then) -> Effect {
        match then {
            Then::Begin => self.enter(),
            Then::Send(write, stamp) => self.send(write, stamp),
            Then::Accepted(text) => self.accepted(text),
            Then::Look => self.look(),
            Then::Pause(time) => self.pause(time, Next::Look),
            Then::Refused(why) => self.write_refused(&why),
            Then::Failed(why) => self.failed(why),
            Then::Done(text) => self.done(text),
            Then::Recover => self.recover(),
            Then::Again(wait) => self.wait_to_try(wait),
            Then::Finish(outcome) => self.tell_end(outcome),
        }
    }

    fn go_on(&mut self, next: Next) -> Effect {
        match next {
            Next::Look => self.look(),
            Next::Observe => self.observe(),
            Next::Step => self.enter(),
            Next::Again => self.again(),
            Next::Release(outcome) => self.release(outcome),
        }
    }

    fn pause(&mut self, time: Duration, next: Next) -> Effect {
        self.state = State::Pausing(next);
        Effect::Pause(time)
    }

    fn step(&self) -> Option<&Step> {
        self.steps.get(self.at)
    }

    /// Begins the step at `at`, or ends the leg.
    fn enter(&mut self) -> Effect {
        if self.step().is_none() {
            return self.arrived();
        }
        if let Some(effect) = self.stopping() {
            return effect;
        }
        self.gather();
        self.enter_step()
    }

    fn enter_step(&mut self) -> Effect {
        let Some(step) = self.step().cloned() else { return self.arrived() };
        self.begun_together();
        self.begin_part();
        if let Some(effect) = self.gone_past_before() {
            return effect;
        }
        self.began = self.moment.now;
        self.attempt = self.attempt_so_far();
        self.progress = Progress::default();
        self.holds_since = None;
        note(&mut self.begun, step.id.member());
        self.out.push(Happening::StepStarted { step: step.id, title: step.title, undo: self.leg == Leg::Back });
        if self.is_history() {
            return self.pass_over();
        }
        match step.work {
            Work::Lock => {
                self.state = State::Locking;
                Effect::Lock
            }
            Work::Write(_) if self.leg != Leg::Back && self.journal.is_some() => {
                let why = self.journal.clone().unwrap_or_default();
                self.failed(format!("the journal cannot be written, so nothing more is sent: {why}"))
            }
            // A resumed run looks first: what it did before has moved what the plan rests on.
            Work::Write(_) if !self.is_verified() && self.past.is_none() => self.verify(),
            Work::Write(_) => self.look(),
            Work::Prove(_) => self.observe(),
            Work::Ask(asking) => self.ask_person(asking),
        }
    }

    /// Heeds a wish to stop, between steps and while waiting for a proof of the way forward.
    fn stopping(&mut self) -> Option<Effect> {
        if self.leg != Leg::Forward {
            return None;
        }
        let (signal, why) = match (self.moment.stop, &self.moment.asked_by) {
            (Stop::No, None) => return None,
            (Stop::No, Some(by)) => (None, preempt::stopped(by)),
            (Stop::AfterStep(signal) | Stop::Now(signal), _) => (Some(signal), STOPPED.to_owned()),
            (Stop::Undo, _) => (None, STOPPED.to_owned()),
        };
        self.interrupted = signal;
        self.failure.get_or_insert(why);
        if !self.adopt() {
            return Some(self.leave());
        }
        Some(match self.moment.stop {
            _ if self.carried.is_empty() => self.give_up(),
            // Whoever asks for the lock mends what is left: going back first would only keep them waiting.
            Stop::No | Stop::AfterStep(_) => self.leave(),
            Stop::Now(_) if self.moment.attended => self.ask(),
            _ => self.turn_back(),
        })
    }

    fn locked(&mut self, locking: Locking) -> Effect {
        // Some of them may be ours even when not all are.
        self.locked = true;
        match locking {
            Locking::Taken(notes) => {
                let text = notes.first().cloned().unwrap_or_else(|| "taken".to_owned());
                self.proven(text, &notes)
            }
            Locking::Impossible(why) => {
                let text = format!("no lock is taken: {why}");
                self.out.push(Happening::Note { text: text.clone() });
                self.proven(text, &[])
            }
            Locking::Held(why) => self.failed(why),
            Locking::Unreachable(why) => self.failed(format!("the lock cannot be taken: {why}")),
        }
    }

    /// Notes that the object of the step under way was changed.
    fn touch(&mut self) {
        let number = self.number();
        note(&mut self.changed, number);
    }

    /// Records that the step's proof holds, and goes on.
    fn proven(&mut self, text: String, notes: &[String]) -> Effect {
        let Some(step) = self.step() else { return self.arrived() };
        let drafts = draft::proof(&self.plan, step.id, &text, notes, self.leg == Leg::Back);
        self.record(drafts, Then::Done(text))
    }

    fn done(&mut self, text: String) -> Effect {
        if let Some(step) = self.step() {
            let (id, took) = (step.id, self.took());
            match step.work {
                Work::Prove(_) => self.held.push(id),
                Work::Lock => self.let_in = true,
                Work::Write(_) | Work::Ask(_) => {}
            }
            self.out.push(Happening::StepProven { step: id, text, took_seconds: took });
        }
        self.onward()
    }

    /// Seconds that the step took so far, to the millisecond.
    fn took(&self) -> f64 {
        let took = self.moment.now.saturating_sub(self.began);
        took.as_millis() as f64 / 1000.0
    }
}

/// Adds a number once.
fn note(numbers: &mut Vec<u16>, number: u16) {
    if !numbers.contains(&number) {
        numbers.push(number);
    }
}

#[cfg(test)]
mod tests;
