//! Carries out a confirmed plan: performs what the machine asks for, and hands the answers in.
//!
//! Owns the only loop that touches the target, the journal and the listener of a run. Decides nothing: the order of a run is in
//! `machine`. Needs nobody to look at it: a listener that went away or is slow does not hold it up.

mod command;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::Value;
use tokio::sync::mpsc;

use super::approval::Approval;
use super::armed;
use super::backup::{self, catalogue};
use super::confirm::Confirmed;
use super::control::Control;
use super::debts::book;
use super::declared::Probes;
use super::event::{Happening, RunEvent};
use super::facts::text;
use super::gate::Gate;
use super::journal::{Draft, EntryKind, Recorder, TEMPLATE};
use super::lease::Holder;
use super::locks::Locks;
use super::machine::{Effect, Input, Looked, Machine, Moment, Past, Tell};
use super::migrate::{self, Mode, releases};
use super::notes;
use super::observe::{self, Observer};
use super::outcome::{End, Outcome, Question, Way};
use super::plan::{Frozen, Plan};
use super::resume::{Resumed, recheck};
use super::step::{FieldWrite, StepId};
use super::time::Timer;
use crate::base::clock::Clock;
use crate::target::api::{Change, ErrorKind, Read, TargetError, Write, WriteRequest};
use crate::target::model::ObjectRef;

/// A run that waits for a person keeps its lock so long (contract.md 7).
const KEEP_WHILE_ASKING: Duration = Duration::from_mins(5);
/// How often the record of debts is tried while others write it.
const BOOK_TRIES: u32 = 5;
/// How long a slow listener may hold up an event that is not mere progress.
const LISTENER_PATIENCE: Duration = Duration::from_secs(1);

/// What a run needs.
#[derive(Clone)]
pub struct Deps {
    /// Reads the target.
    pub read: Arc<dyn Read>,
    /// Writes to it; asked only through the gate.
    pub write: Arc<dyn Write>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Waits.
    pub timer: Arc<dyn Timer>,
    /// Records.
    pub journal: Arc<dyn Recorder>,
    /// The console's own probes.
    pub probes: Arc<dyn Probes>,
    /// Hears what happens. Bounded by its maker; when it is full, progress is dropped, and any other event waits a second at
    /// most.
    pub events: mpsc::Sender<RunEvent>,
    /// Stops, cancels, answers.
    pub control: Arc<Control>,
}

/// Carries out a confirmed plan to its end. The last event is `ended`, and its outcome is returned as well.
///
/// Dropping the future stops the run in the middle; spawn it, and use [`Control`] to stop it properly.
pub async fn execute(confirmed: Confirmed, deps: Deps) -> Outcome {
    let id = confirmed.plan().id().to_owned();
    let why = match deps.journal.claim(&id) {
        Ok(Some(claim)) => {
            let outcome = Box::pin(carry_out(confirmed, None, deps)).await;
            drop(claim);
            return outcome;
        }
        Ok(None) => "another process carries it out".to_owned(),
        Err(error) => error.to_string(),
    };
    let outcome = Outcome::new(End::Refused, format!("nothing was written: {why}"));
    // Whoever listens learns the end, or has gone away.
    let _ = deps.events.try_send(RunEvent::ended(&id, deps.clock.now(), outcome.clone()));
    outcome
}

/// Goes on with a run whose process ended, to its end: what is true is found out by reading, and nothing is sent twice.
pub async fn resume(resumed: Resumed, deps: Deps) -> Outcome {
    let (confirmed, past, claim) = resumed.into_parts();
    let outcome = Box::pin(carry_out(confirmed, Some(past), deps)).await;
    drop(claim);
    outcome
}

async fn carry_out(confirmed: Confirmed, past: Option<Past>, deps: Deps) -> Outcome {
    let (plan, gate) = Gate::open(confirmed, deps.write.clone());
    let gate = Arc::new(gate);
    let holder = holder(&plan, &deps);
    let locks = Locks::new(gate.clone(), deps.read.clone(), deps.clock.clone(), deps.timer.clone(), holder);
    let runner = Runner { plan, gate, deps, locks, resumed: past.is_some(), kept: Mutex::default() };
    let carried_out = std::pin::pin!(runner.carry_out(past));
    match select(carried_out, std::pin::pin!(runner.locks.keep())).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(((), carrying_out)) => carrying_out.await,
    }
}

pub(in crate::run) fn holder(plan: &Plan, deps: &Deps) -> Holder {
    let operator = &plan.inner.operator;
    Holder {
        identity: format!("{}@{}/{}", operator.user, operator.host, plan.id),
        run: plan.id.clone(),
        action: format!("{} {}", plan.action, plan.inner.quantity),
        reason: plan.inner.inputs.reason.clone(),
        cluster_user: operator.cluster_user.clone(),
        plan_hash: plan.hash.clone(),
        since: deps.clock.now(),
        approved_by: match &plan.approval {
            Some(Approval::By(user)) => Some(user.clone()),
            Some(Approval::BrokenGlass) | None => None,
        },
        arming: plan.arming(),
        preempts: plan.preempts(),
    }
}

/// What others are told of a run besides its step.
fn seen(what: &Happening) -> Option<&str> {
    match what {
        Happening::Progress { progress, .. } => Some(&progress.text),
        Happening::Asked { .. } => Some("waits for its operator"),
        _ => None,
    }
}

struct Runner {
    plan: Plan,
    gate: Arc<Gate>,
    deps: Deps,
    locks: Locks,
    resumed: bool,
    /// The proven steps whose findings others have.
    kept: Mutex<Vec<StepId>>,
}

impl Runner {
    async fn carry_out(&self, past: Option<Past>) -> Outcome {
        let operator = &self.plan.inner.operator;
        let by = format!("{}@{}", operator.user, operator.host);
        let mut machine = match past {
            None => Machine::new(self.plan.clone(), by),
            Some(past) => Machine::resuming(self.plan.clone(), by, past),
        };
        let at_once = self.plan.numbers().count();
        let mut observer = Observer::new(self.deps.read.clone(), self.deps.clock.clone(), self.deps.probes.clone(), at_once);
        let mut input = Input::Start;
        loop {
            let turn = machine.next(input, self.moment());
            self.locks.at(machine.told_step(), turn.happenings.iter().rev().find_map(seen));
            for what in turn.happenings {
                let proven = if let Happening::StepProven { step, .. } = &what { Some(*step) } else { None };
                self.emit(what).await;
                if let Some(step) = proven {
                    Box::pin(self.keep_what_is_known(step)).await;
                }
            }
            match self.perform(turn.effect, &mut observer).await {
                ControlFlow::Continue(answer) => input = answer,
                ControlFlow::Break(outcome) => {
                    self.end_timers(&outcome).await;
                    self.send(RunEvent::ended(&self.plan.id, self.deps.clock.now(), outcome.clone())).await;
                    return outcome;
                }
            }
        }
    }

    fn moment(&self) -> Moment {
        let control = &self.deps.control;
        Moment {
            now: self.deps.clock.monotonic(),
            attended: control.attended(),
            stop: control.stop(),
            lock_lost: self.locks.lost(),
            asked_by: self.locks.asked_by(),
        }
    }

    async fn perform(&self, effect: Effect, observer: &mut Observer) -> ControlFlow<Outcome, Input> {
        ControlFlow::Continue(match effect {
            Effect::Record(drafts) => Input::Recorded(self.record(with_template(drafts, observer)).await),
            Effect::Lock => Input::Locked(self.locks.take().await),
            Effect::Verify(frozen) => Input::Verified(self.verify(&frozen).await),
            Effect::Look(write) => Input::Looked(self.look(&write).await),
            Effect::Send(write, _) if write.exec().is_some() => Input::Ran(command::run(&self.deps, &self.gate, &write).await),
            Effect::Send(write, version) => {
                let sent = self.gate.send(write.request(&version)).await;
                Input::Sent(sent.map(|answer| text(&answer, "/metadata/resourceVersion")))
            }
            Effect::Pause(time) => {
                self.pause(time).await;
                Input::Paused
            }
            Effect::Ask(question) => Input::Answered(self.ask(&question).await),
            Effect::Tell(tell) => Input::Told(self.tell(&tell).await),
            Effect::Release => {
                self.locks.release().await;
                Input::Released
            }
            Effect::Observe(proof) => Input::Observed(Box::pin(observer.observe(&proof)).await),
            Effect::End(outcome) => return ControlFlow::Break(outcome),
        })
    }

    /// What moved since the plan was made; a run that is resumed asks once more what a plan of hours ago cannot know.
    async fn verify(&self, frozen: &[Frozen]) -> Result<Vec<String>, TargetError> {
        let moved = observe::moved(&*self.deps.read, frozen).await?;
        if !moved.is_empty() || !self.resumed {
            return Ok(moved);
        }
        recheck(&*self.deps.read, &*self.deps.clock, &self.plan).await
    }

    /// Writing to the disk may take its time: not on a thread that others need.
    async fn record(&self, drafts: Vec<Draft>) -> Result<(), String> {
        let journal = self.deps.journal.clone();
        let written = match tokio::runtime::Handle::try_current() {
            Ok(runtime) => match runtime.spawn_blocking(move || journal.record(&drafts)).await {
                Ok(written) => written,
                Err(error) => return Err(error.to_string()),
            },
            Err(_) => journal.record(&drafts),
        };
        written.map_err(|e| e.to_string())
    }

    /// Reads the object itself, whichever subresource is written: it has the same fields there, and a generation besides.
    async fn look(&self, write: &FieldWrite) -> Looked {
        match self.deps.read.get(&write.object, "").await {
            Ok(raw) => write.position(&raw).map_or_else(Looked::Other, Looked::At),
            Err(error) if error.kind == ErrorKind::NotFound => {
                write.absent().map_or_else(|| Looked::Other(format!("{} is gone", write.object)), Looked::At)
            }
            Err(error) => Looked::Unreadable(error.message),
        }
    }

    /// Ends early when somebody wants something of the run.
    async fn pause(&self, time: Duration) {
        let (changed, wanted) = (std::pin::pin!(self.deps.control.changed()), std::pin::pin!(self.locks.wanted()));
        select(self.deps.timer.sleep(time), select(changed, wanted)).await;
    }

    async fn ask(&self, question: &Question) -> Way {
        self.deps.control.asking(question.typed.clone());
        let answer = std::pin::pin!(self.deps.control.answered());
        let wanted = std::pin::pin!(self.locks.wanted());
        match select(answer, select(wanted, self.deps.timer.sleep(KEEP_WHILE_ASKING))).await {
            Either::Left((way, _)) => way,
            // Nobody need be waited for who may not answer: another wants the lock now.
            Either::Right((Either::Left(_), _)) => Way::Leave,
            Either::Right((Either::Right(_), answer)) => {
                self.locks.release().await;
                let way = answer.await;
                self.locks.retake().await;
                way
            }
        }
    }

    /// Leaves notes in the cluster; what could not be left is told, and changes nothing.
    async fn tell(&self, tell: &Tell) -> Vec<String> {
        let now = self.deps.clock.now();
        let mut requests: Vec<Option<WriteRequest>> = match tell {
            Tell::Changed(number, object) => {
                vec![notes::annotations(&self.plan, *number, object, None), Some(notes::event(&self.plan, *number, None, now))]
            }
            Tell::Ended(outcome, changed) => {
                let one = |number: &u16| {
                    let subject = self.plan.about(*number).0;
                    let unrecorded = outcome.journal.as_ref().and_then(|_| notes::annotations(&self.plan, *number, subject, Some(outcome)));
                    [unrecorded, Some(notes::event(&self.plan, *number, Some(outcome), now))]
                };
                changed.iter().flat_map(one).collect()
            }
        };
        let mut failed = Vec::new();
        if let Tell::Ended(outcome, _) = tell {
            failed.extend(self.keep_book(outcome, now).await.err());
            for made in backup::made(&self.plan).filter(|made| !self.is_kept(made.step)) {
                failed.extend(Box::pin(self.keep_catalogue(&made, outcome.outcome == End::Proven, now)).await.err());
            }
            for (_, job, asked) in migrate::asked(&self.plan).filter(|(step, ..)| !self.is_kept(*step)) {
                failed.extend(Box::pin(self.keep_release(job, asked, outcome.outcome == End::Proven, now)).await.err());
            }
        }
        // What it said must be kept before it goes.
        if let Tell::Ended(outcome, _) = tell
            && outcome.outcome == End::Proven
            && failed.is_empty()
        {
            requests.extend(notes::expiries(&self.plan).into_iter().map(Some));
        }
        for request in requests.into_iter().flatten() {
            let what = request.object.to_string();
            let new = matches!(request.change, Change::Create(_));
            if let Err(error) = self.gate.send(request).await {
                // A run that was resumed may have left it before.
                if new && error.kind == ErrorKind::Conflict {
                    continue;
                }
                failed.push(format!("no note was left on {what}: {}", error.message));
            }
        }
        failed
    }

    /// A change that was not proven is not kept armed; a proven one of the same object ends an earlier timer.
    async fn end_timers(&self, outcome: &Outcome) {
        let armed = self.plan.reverts_after().is_some();
        if armed == (outcome.outcome == End::Proven) {
            return;
        }
        for object in self.plan.timed() {
            let settled = |timer: &Value| !armed && self.plan.settles(object, timer);
            if let Err(error) = self.locks.disarm(&armed::lease_of(object), settled).await {
                let text = format!("the timer of {object} is not ended: {}", error.message);
                self.emit(Happening::Note { text }).await;
            }
        }
    }

    /// Brings the record of debts up to date, on what is there now.
    async fn keep_book(&self, outcome: &Outcome, now: jiff::Timestamp) -> Result<(), String> {
        let record = book::of(self.plan.subject());
        let kept = self.keep(&record, |raw| book::update(raw, &self.plan, outcome, now)).await;
        kept.or_else(|error| {
            // Who may not read it has nothing to say of it but what this run left.
            let nothing = outcome.debts.is_empty() && error.kind == ErrorKind::Forbidden;
            if nothing { Ok(()) } else { Err(format!("the record of debts {record} is not up to date: {}", error.message)) }
        })
    }

    /// What a proven step has found out is for others at once: later steps may take hours, and fail.
    async fn keep_what_is_known(&self, step: StepId) {
        let now = self.deps.clock.now();
        let made = backup::made(&self.plan).find(|made| made.step == step);
        let asked = migrate::asked(&self.plan).find(|(own, ..)| *own == step);
        let kept = match (made, asked) {
            (Some(made), _) => Box::pin(self.keep_catalogue(&made, true, now)).await,
            (None, Some((_, job, asked))) => Box::pin(self.keep_release(job, asked, true, now)).await,
            (None, None) => return,
        };
        // What could not be kept is tried again at the end, which says why.
        if kept.is_ok() {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(step);
        }
    }

    fn is_kept(&self, step: StepId) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).contains(&step)
    }

    /// Brings what became of a dump into the catalogue of its service; its Job's pod says what it is.
    async fn keep_catalogue(&self, made: &backup::Made<'_>, proven: bool, now: jiff::Timestamp) -> Result<(), String> {
        let record = made.record();
        let kept = async {
            let news = backup::news(&*self.deps.read, &self.plan, made, proven, now).await?;
            let Some(news) = news else { return Ok(()) };
            self.keep(&record, |raw| catalogue::update(record.clone(), raw, &news)).await
        };
        kept.await
            .map_err(|error| format!("what became of the dump is not in the catalogue {record}: {}", error.message))
    }

    /// Keeps what a Job said of its image and the database, whatever came of the run: a migration that failed half-way moved the database.
    async fn keep_release(&self, job: &ObjectRef, asked: &migrate::Asked, proven: bool, now: jiff::Timestamp) -> Result<(), String> {
        let Ok(seen) = migrate::Seen::read(&*self.deps.read, &self.plan, job, asked, now).await else {
            let lost = asked.mode == Mode::Inspect && proven;
            return if lost { Err("what the inspection said cannot be read any more".to_owned()) } else { Ok(()) };
        };
        let record = releases::of(&asked.migration.service, &job.namespace);
        let kept = self.keep(&record, |raw| releases::update(record.clone(), raw, &seen, now)).await;
        kept.map_err(|error| format!("what was inspected is not kept in {record}: {}", error.message))
    }

    /// Writes an update of a record on what is there now, and again when somebody else was faster.
    async fn keep(&self, record: &ObjectRef, update: impl Fn(Option<&Value>) -> Option<WriteRequest>) -> Result<(), TargetError> {
        for tries in 1.. {
            let raw = match self.deps.read.get(record, "").await {
                Ok(raw) => Some(raw),
                Err(error) if error.kind == ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            let Some(update) = update(raw.as_ref()) else { return Ok(()) };
            match self.gate.send(update).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind == ErrorKind::Conflict && tries < BOOK_TRIES => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn emit(&self, what: Happening) {
        self.send(RunEvent::new(&self.plan.id, self.deps.clock.now(), what)).await;
    }

    async fn send(&self, event: RunEvent) {
        if matches!(event.what, Happening::Progress { .. }) {
            // Full: the next one says more. Closed: nobody listens.
            let _ = self.deps.events.try_send(event);
            return;
        }
        let sent = std::pin::pin!(self.deps.events.send(event));
        select(sent, self.deps.timer.sleep(LISTENER_PATIENCE)).await;
    }
}

/// A proof that pods are ready says of which template, so that a later rollback knows that it once was.
fn with_template(mut drafts: Vec<Draft>, observer: &mut Observer) -> Vec<Draft> {
    let proof = drafts.iter_mut().find(|d| d.kind == EntryKind::Proof && d.data.get("holds") == Some(&true.into()));
    if let Some(proof) = proof
        && let Some(template) = observer.take_template()
    {
        proof.data.insert(TEMPLATE.to_owned(), template.into());
    }
    drafts
}

#[cfg(test)]
mod tests;
