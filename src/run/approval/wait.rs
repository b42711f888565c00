//! The requester's side: ask, wait, keep the lock until they have confirmed once more, and either go on or withdraw.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::json;

use super::{Approved, Carried, WAITS_FOR, Waiting, signed};
use crate::fleet::lock::note;
use crate::run::event::{Happening, RunEvent};
use crate::run::execute::{Deps, holder};
use crate::run::facts::entry;
use crate::run::gate::Gate;
use crate::run::journal::{Draft, EntryKind};
use crate::run::lease::{Holder, LeaseFacts};
use crate::run::locks::Locks;
use crate::run::machine::{Locking, Stop};
use crate::run::outcome::{End, Outcome};
use crate::target::api::{ErrorKind, TargetError, WriteRequest};
use crate::target::model::ObjectRef;

/// The lock is kept so long while a person is waited for.
const KEEP: Duration = Duration::from_mins(5);
/// How often the Lease is read.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often a write of the Lease is tried while others write it.
const TRIES: usize = 5;

/// Waits for a second person: holds the lock for five minutes, and is asked for a quarter of an hour.
///
/// The outcome is that of a run which wrote nothing. Nothing of it stays in the Lease, unless it could not be taken back: then it
/// expires. After an approval the lock goes on being kept for whoever asked, by what comes with it.
pub async fn wait(waiting: Waiting, deps: Deps) -> Result<(Approved, Kept), Outcome> {
    let waiter = Waiter::new(waiting, deps)?;
    let answer = waiter.asked().await;
    if answer.is_err() {
        waiter.withdraw().await;
    }
    let told = match &answer {
        Ok(approved) => json!({ "note": "approved", "approves": approved.run, "plan_hash": approved.hash, "by": approved.by }),
        Err(outcome) => json!({ "note": "not-approved", "approves": waiter.waiting.plan.id, "text": outcome.reason }),
    };
    if let Err(why) = waiter.record(&told) {
        waiter.withdraw().await;
        return Err(refused(why));
    }
    answer.map(|approved| (approved, Kept { waiter }))
}

/// The lock of a plan that was approved, kept for whoever asked until they have confirmed once more.
pub struct Kept {
    waiter: Waiter,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("lease", &self.waiter.lease).finish_non_exhaustive()
    }
}

impl Kept {
    /// Renews the lock while its requester confirms, for five minutes at most, so that nobody takes it between approval and start.
    ///
    /// The run that starts finds the lock as its own, and the approval in it. Whatever else comes of it takes the question back: a
    /// confirmation that is none, a withdrawal, the time, somebody who took the lock.
    pub async fn until<C>(self, confirming: impl Future<Output = Result<C, Outcome>>) -> Result<C, Outcome> {
        let answer = self.confirmed(confirming).await;
        if answer.is_err() {
            self.waiter.withdraw().await;
        }
        answer
    }

    async fn confirmed<C>(&self, confirming: impl Future<Output = Result<C, Outcome>>) -> Result<C, Outcome> {
        let waiter = &self.waiter;
        let held = waiter.locks.hold_again(&waiter.lease).await;
        held.map_err(|why| refused(format!("{why}: the approval is used no more")))?;
        let (confirming, given_up) = (std::pin::pin!(confirming), std::pin::pin!(waiter.given_up()));
        match select(confirming, select(given_up, std::pin::pin!(waiter.locks.keep()))).await {
            Either::Left((answer, _)) => answer,
            Either::Right((Either::Left((outcome, _)), _)) => Err(outcome),
            Either::Right((Either::Right(((), given_up)), _)) => Err(given_up.await),
        }
    }
}

struct Waiter {
    waiting: Waiting,
    deps: Deps,
    gate: Arc<Gate>,
    /// The Lease in which the plan waits: the first of its locks.
    lease: ObjectRef,
    holder: Holder,
    locks: Locks,
}

impl Waiter {
    fn new(waiting: Waiting, deps: Deps) -> Result<Self, Outcome> {
        let gate = Arc::new(Gate::of_locks(&waiting.plan, deps.write.clone()));
        let lease = gate.waits_in().cloned().ok_or_else(|| refused("nothing is written: there is nothing to approve"))?;
        let holder = holder(&waiting.plan, &deps);
        let locks = Locks::new(gate.clone(), deps.read.clone(), deps.clock.clone(), deps.timer.clone(), holder.clone());
        Ok(Self { waiting, deps, gate, lease, holder, locks })
    }

    /// What came of the question, while its lock is kept.
    async fn asked(&self) -> Result<Approved, Outcome> {
        match select(std::pin::pin!(self.ask()), std::pin::pin!(self.locks.keep())).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), asked)) => asked.await,
        }
    }

    async fn ask(&self) -> Result<Approved, Outcome> {
        let plan = &self.waiting.plan;
        let until = self.deps.clock.now().checked_add(WAITS_FOR).unwrap_or(plan.expires_at);
        let inputs = serde_json::to_string(&Carried::of(plan)).unwrap_or_default();
        self.record(&json!({ "note": "waits-for-approval", "approves": plan.id, "plan_hash": plan.hash, "until": until, "inputs": inputs }))
            .map_err(refused)?;
        match self.locks.take().await {
            Locking::Taken(_) => {}
            Locking::Held(why) => return Err(refused(why)),
            Locking::Impossible(why) | Locking::Unreachable(why) => return Err(refused(format!("nobody can be asked without the lock: {why}"))),
        }
        self.locks.at("approval".into(), Some("waits for a second person"));
        let asked = self.change(|facts| Holder::ask(&self.lease, facts, &inputs, until)).await;
        asked.map_err(|why| refused(format!("nobody can be asked: {why}")))?;
        self.tell(Happening::Waiting { until, plan_hash: plan.hash.clone() }).await;
        self.answered().await
    }

    async fn answered(&self) -> Result<Approved, Outcome> {
        let (clock, began) = (&self.deps.clock, self.deps.clock.monotonic());
        let mut kept = true;
        let mut wrong = String::new();
        loop {
            if let Some(withdrawn) = self.withdrawn() {
                return Err(withdrawn);
            }
            let waited = clock.monotonic().saturating_sub(began);
            if waited >= WAITS_FOR {
                return Err(refused(format!("nobody approved it within {} minutes", WAITS_FOR.as_secs() / 60)));
            }
            match self.deps.read.get(&self.lease, "").await {
                Ok(raw) => {
                    let said = |key: &str| entry(&raw, "/metadata/annotations", key).unwrap_or_default();
                    let plan = &self.waiting.plan;
                    if said(note::RUN) != plan.id || said(note::PLAN_HASH) != plan.hash {
                        return Err(refused("somebody else took the lock: the plan waits no more"));
                    }
                    let by = said(note::APPROVED_BY);
                    let verdict = self.judge(&by, &said(note::APPROVED_HASH));
                    match verdict {
                        Some(Ok(approved)) => return Ok(approved),
                        Some(Err(why)) if why != wrong => {
                            self.tell(Happening::Note { text: why.clone() }).await;
                            wrong = why;
                        }
                        _ => {}
                    }
                }
                Err(error) if error.kind == ErrorKind::NotFound => return Err(refused("its Lease was deleted: the plan waits no more")),
                // Asked again until the time is over.
                Err(_) => {}
            }
            if kept && (waited >= KEEP || self.locks.asked_by().is_some()) {
                kept = false;
                self.let_go().await;
            }
            self.moment().await;
        }
    }

    /// Why whoever asked does not go on after the approval: they withdrew, their time is over, or the lock is not theirs any more.
    async fn given_up(&self) -> Outcome {
        let (clock, began) = (&self.deps.clock, self.deps.clock.monotonic());
        let mut kept = true;
        loop {
            if let Some(withdrawn) = self.withdrawn() {
                return withdrawn;
            }
            if clock.monotonic().saturating_sub(began) >= KEEP {
                return refused(format!("it was not confirmed once more within {} minutes of its approval", KEEP.as_secs() / 60));
            }
            if self.locks.lost() {
                return refused("the lock could not be kept: the approval is used no more");
            }
            if kept && self.locks.asked_by().is_some() {
                kept = false;
                self.let_go().await;
            }
            self.moment().await;
        }
    }

    fn withdrawn(&self) -> Option<Outcome> {
        let interrupted = match self.deps.control.stop() {
            Stop::No => return None,
            Stop::AfterStep(signal) | Stop::Now(signal) => Some(signal),
            Stop::Undo => None,
        };
        Some(Outcome { interrupted, ..refused("withdrawn by its operator") })
    }

    /// Lets go of the lock, to whoever asks for it or for anybody: the plan waits on until somebody takes it.
    async fn let_go(&self) {
        if let Some(by) = self.locks.asked_by() {
            self.tell(Happening::Note { text: format!("{by} asks for the lock") }).await;
        }
        self.locks.release_but(&self.lease).await;
        self.tell(Happening::Note { text: "the lock is let go: who takes it ends the waiting".to_owned() }).await;
    }

    /// A moment, or until its operator wants something.
    async fn moment(&self) {
        select(self.deps.timer.sleep(LOOK_EVERY), std::pin::pin!(self.deps.control.changed())).await;
    }

    /// What an approval is worth; `None` when there is none.
    fn judge(&self, by: &str, hash: &str) -> Option<Result<Approved, String>> {
        let plan = &self.waiting.plan;
        if by.is_empty() {
            return None;
        }
        if by == self.holder.cluster_user {
            return Some(Err(format!("an approval of {by}, who asked for it, does not count")));
        }
        if hash != signed(&plan.id, &plan.hash) {
            return Some(Err(format!("an approval of {by} is for another plan and does not count")));
        }
        Some(Ok(Approved { run: plan.id.clone(), hash: plan.hash.clone(), by: by.to_owned() }))
    }

    /// Takes the question back.
    async fn withdraw(&self) {
        self.locks.release().await;
        let ours = |facts: &LeaseFacts| facts.run == self.waiting.plan.id;
        // What cannot be taken back expires by itself.
        let _ = self.change_when(ours, |facts| self.holder.release(&self.lease, &facts.uid, &facts.resource_version)).await;
    }

    async fn change(&self, request: impl Fn(&LeaseFacts) -> WriteRequest) -> Result<(), String> {
        self.change_when(|facts| facts.run == self.waiting.plan.id, request).await
    }

    /// Writes the Lease on what was read; again while others write it as well.
    async fn change_when(&self, holds: impl Fn(&LeaseFacts) -> bool, request: impl Fn(&LeaseFacts) -> WriteRequest) -> Result<(), String> {
        let mut last = TargetError::new(ErrorKind::Conflict, "");
        for _ in 0..TRIES {
            let facts = match self.deps.read.get(&self.lease, "").await {
                Ok(raw) => LeaseFacts::of(&raw),
                Err(error) => return Err(error.message),
            };
            if !holds(&facts) {
                return Err("the lock is not ours any more".to_owned());
            }
            match self.gate.send(request(&facts)).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind == ErrorKind::Conflict => last = error,
                Err(error) => return Err(error.message),
            }
        }
        Err(last.message)
    }

    /// A line of its own, not of a run: none has begun.
    fn record(&self, data: &serde_json::Value) -> Result<(), String> {
        let data = data.as_object().cloned().unwrap_or_default();
        let draft = Draft { run: None, kind: EntryKind::Note, data };
        self.deps.journal.record(&[draft]).map_err(|e| format!("nothing is done that cannot be recorded: {e}"))
    }

    async fn tell(&self, what: Happening) {
        // Whoever asked may have gone away.
        let _ = self.deps.events.send(RunEvent::new(&self.waiting.plan.id, self.deps.clock.now(), what)).await;
    }
}

fn refused(why: impl Into<String>) -> Outcome {
    Outcome::new(End::Refused, why)
}
