//! Taking, keeping and releasing the locks of a run (contract.md 7).
//!
//! Owns the conversation with the Leases. A lease does not fence: every write carries its own precondition besides. A holder
//! that could not renew for the length of the lease counts the lock as lost and writes nothing more.

mod preempt;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::Value;
use tokio::sync::{Mutex, Notify};

use self::preempt::Asking;
use super::approval;
use super::facts::text;
use super::gate::Gate;
use super::lease::{DURATION, Holder, LeaseFacts, RENEW_EVERY};
use super::machine::Locking;
use super::step::StepId;
use super::time::Timer;
use crate::base::clock::Clock;
use crate::base::text::{Str, elide};
use crate::target::api::{ErrorKind, Read, TargetError, WriteRequest};
use crate::target::model::ObjectRef;

/// How long the server may be silent before taking a lock is given up.
const TAKE_WITHIN: Duration = Duration::from_secs(15);
/// How long news are gathered before others are told: a run through quick steps is not worth a write each.
const NEWS_AFTER: Duration = Duration::from_secs(1);
/// The most that is told of what a proof has seen.
const SEEN_MAX: usize = 200;
/// How often the Lease of a timer is tried.
const ARM_TRIES: u32 = 5;
/// How often a lease that looks left behind is looked at.
const WATCH_EVERY: Duration = Duration::from_secs(2);

/// The locks of one run.
pub(in crate::run) struct Locks {
    gate: Arc<Gate>,
    read: Arc<dyn Read>,
    clock: Arc<dyn Clock>,
    timer: Arc<dyn Timer>,
    holder: Holder,
    held: Mutex<Vec<Held>>,
    lost: AtomicBool,
    approval_used: AtomicBool,
    at: std::sync::Mutex<At>,
    moved: Notify,
    /// Who asks for one of them, and for what.
    asked_by: std::sync::Mutex<Option<Str>>,
    wanted: Notify,
    /// Monotonic time of the renewal that is longest ago; `None` while nothing is held.
    oldest: std::sync::Mutex<Option<Duration>>,
}

/// Where the run is, as others are told.
#[derive(Default)]
struct At {
    step: Option<StepId>,
    seen: String,
}

struct Held {
    lease: ObjectRef,
    uid: String,
    version: String,
    renewed: Duration,
    asked_by: String,
}

/// What one look at a lease came to.
enum Taken {
    Ours(Held),
    /// Taken from somebody, and how.
    Over(Held, String),
    Not(Locking),
}

impl Locks {
    pub(in crate::run) fn new(gate: Arc<Gate>, read: Arc<dyn Read>, clock: Arc<dyn Clock>, timer: Arc<dyn Timer>, holder: Holder) -> Self {
        Self {
            gate,
            read,
            clock,
            timer,
            holder,
            held: Mutex::default(),
            lost: AtomicBool::new(false),
            approval_used: AtomicBool::new(false),
            at: std::sync::Mutex::default(),
            moved: Notify::new(),
            asked_by: std::sync::Mutex::default(),
            wanted: Notify::new(),
            oldest: std::sync::Mutex::new(None),
        }
    }

    /// Says which step the run is at and what its proof has seen: consoles that watch the lease are told soon.
    pub(in crate::run) fn at(&self, step: StepId, seen: Option<&str>) {
        let mut at = self.at.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let step = Some(step);
        let seen = elide(seen.unwrap_or(if at.step == step { &at.seen } else { "" }), SEEN_MAX).into_owned();
        if at.step != step || at.seen != seen {
            *at = At { step, seen };
            self.moved.notify_one();
        }
    }

    fn step(&self) -> String {
        let at = self.at.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let step = at.step.map(|step| step.to_string()).unwrap_or_default();
        if at.seen.is_empty() { step } else { format!("{step}: {}", at.seen) }
    }

    /// Whether a lock could not be renewed for the length of the lease. Stays true once it was.
    pub(in crate::run) fn lost(&self) -> bool {
        let oldest = *self.oldest.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if oldest.is_some_and(|at| self.clock.monotonic().saturating_sub(at) >= DURATION) {
            self.lost.store(true, Ordering::Relaxed);
        }
        self.lost.load(Ordering::Relaxed)
    }

    fn note_oldest(&self, held: &[Held]) {
        *self.oldest.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = held.iter().map(|h| h.renewed).min();
    }

    /// Takes every lock of the plan, in sorted order.
    pub(in crate::run) async fn take(&self) -> Locking {
        // The timers first: a lock may be done without, a timer may not.
        for arming in &self.holder.arming {
            if let Some(why) = self.arm(&arming.lease).await {
                return why;
            }
        }
        let mut notes = Vec::new();
        for lease in self.gate.leases() {
            let held = match self.take_one(lease).await {
                Taken::Ours(held) => held,
                Taken::Over(held, how) => {
                    notes.push(how);
                    held
                }
                Taken::Not(why) => return why,
            };
            let mut all = self.held.lock().await;
            all.push(held);
            if self.gate.waits_in() == Some(lease) {
                self.approval_used.store(true, Ordering::Relaxed);
            }
            self.note_oldest(&all);
        }
        Locking::Taken(notes)
    }

    /// Arms the timer; what stands against it, else. One that this run armed before goes on as it was.
    async fn arm(&self, lease: &ObjectRef) -> Option<Locking> {
        let mut why = String::new();
        for _ in 0..ARM_TRIES {
            let sent = match self.read.get(lease, "").await {
                Ok(raw) => {
                    let facts = LeaseFacts::of(&raw);
                    match facts.free() {
                        false if facts.holder == self.holder.identity => return None,
                        false => return Some(Locking::Held(format!("a change is armed already: {}", facts.words()))),
                        true => self.gate.send(self.holder.take(lease, &facts, self.clock.now())).await,
                    }
                }
                Err(error) if error.kind == ErrorKind::NotFound => self.gate.send(self.holder.create(lease, self.clock.now())).await,
                Err(error) => Err(error),
            };
            match sent {
                Ok(_) => return None,
                Err(error) => why = error.message,
            }
            self.timer.sleep(Duration::from_millis(500)).await;
        }
        // Without the timer in the cluster the change is not what was confirmed.
        Some(Locking::Unreachable(format!("the timer cannot be kept in the cluster: {why}")))
    }

    /// Ends the timer of an object where it is this run's own, or its change is settled. What cannot be ended expires, and is owed then.
    pub(in crate::run) async fn disarm(&self, lease: &ObjectRef, settled: impl Fn(&Value) -> bool) -> Result<(), TargetError> {
        for tries in 1.. {
            let raw = match self.read.get(lease, "").await {
                Ok(raw) => raw,
                Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Forbidden) => return Ok(()),
                Err(error) => return Err(error),
            };
            let facts = LeaseFacts::of(&raw);
            if facts.free() || (facts.holder != self.holder.identity && !settled(&raw)) {
                return Ok(());
            }
            match self.gate.send(self.holder.release(lease, &facts.uid, &facts.resource_version)).await {
                Err(error) if error.kind == ErrorKind::Conflict && tries < ARM_TRIES => {}
                sent => return sent.map(drop),
            }
        }
        Ok(())
    }

    /// Takes the locks again after a person was waited for; without them nothing more may be written.
    pub(in crate::run) async fn retake(&self) {
        if !matches!(self.take().await, Locking::Taken(_) | Locking::Impossible(_)) {
            self.lost.store(true, Ordering::Relaxed);
        }
    }

    async fn take_one(&self, lease: &ObjectRef) -> Taken {
        let mut began = self.clock.monotonic();
        let mut watched: Option<(LeaseFacts, Duration)> = None;
        let mut asking = Asking::default();
        loop {
            let now = self.clock.monotonic();
            let failure = match self.read.get(lease, "").await.map(|raw| LeaseFacts::of(&raw)) {
                Ok(facts) => match self.judge(lease, &facts, &mut watched, now).await {
                    Ok(Some(Taken::Not(Locking::Held(who)))) if self.holder.preempts => match self.ask_for(lease, &facts, &mut asking).await {
                        Ok(None) => {
                            (watched, began) = (None, now);
                            self.timer.sleep(WATCH_EVERY).await;
                            continue;
                        }
                        Ok(Some(why)) => return Taken::Not(Locking::Held(format!("{who} works on it{why}"))),
                        Err(error) => error,
                    },
                    Ok(Some(Taken::Not(Locking::Held(who)))) => return Taken::Not(Locking::Held(format!("{who} works on it"))),
                    Ok(Some(Taken::Ours(held))) => return asking.taken(held),
                    Ok(Some(taken)) => return taken,
                    // Watching: as long as the lease itself lasts.
                    Ok(None) => {
                        self.timer.sleep(WATCH_EVERY).await;
                        continue;
                    }
                    Err(error) => error,
                },
                Err(error) if error.kind == ErrorKind::NotFound && self.unapproved(lease, None).is_some() => {
                    return Taken::Not(Locking::Unreachable("the approval is gone".to_owned()));
                }
                Err(error) if error.kind == ErrorKind::NotFound => {
                    let asked = self.clock.monotonic();
                    match self.gate.send(self.holder.create(lease, self.clock.now())).await {
                        Ok(raw) => return Taken::Ours(Self::held(lease, &raw, asked)),
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            if let Some(why) = refusal(&failure) {
                return Taken::Not(why);
            }
            if now.saturating_sub(began) >= TAKE_WITHIN + DURATION {
                return Taken::Not(Locking::Unreachable(failure.message));
            }
            self.timer.sleep(Duration::from_millis(500)).await;
        }
    }

    /// Why the approval that the run rests on is not there any more. Taking the lock uses it up, so it is looked at once.
    fn unapproved(&self, lease: &ObjectRef, facts: Option<&LeaseFacts>) -> Option<Locking> {
        let by = self.holder.approved_by.as_ref().filter(|_| self.gate.waits_in() == Some(lease))?;
        if self.approval_used.load(Ordering::Relaxed) {
            return None;
        }
        let wanted = (by.clone(), approval::signed(&self.holder.run, &self.holder.plan_hash));
        let there = facts.is_some_and(|f| f.run == self.holder.run && f.approved == wanted);
        (!there).then(|| Locking::Unreachable("the approval is gone".to_owned()))
    }

    /// Takes a lease that is free, ours or expired; `None` = go on watching it.
    async fn judge(
        &self,
        lease: &ObjectRef,
        facts: &LeaseFacts,
        watched: &mut Option<(LeaseFacts, Duration)>,
        now: Duration,
    ) -> Result<Option<Taken>, TargetError> {
        if facts.free() || facts.holder == self.holder.identity {
            if let Some(why) = self.unapproved(lease, Some(facts)) {
                return Ok(Some(Taken::Not(why)));
            }
            let asked = self.clock.monotonic();
            let raw = self.gate.send(self.holder.take(lease, facts, self.clock.now())).await?;
            return Ok(Some(Taken::Ours(Self::held(lease, &raw, asked))));
        }
        let since = match watched {
            Some((seen, since)) if seen.renewed == facts.renewed && seen.holder == facts.holder => *since,
            // It was renewed while we watched: its holder lives.
            Some(_) => return Ok(Some(Taken::Not(Locking::Held(facts.words())))),
            None if !facts.looks_expired(self.clock.now()) => return Ok(Some(Taken::Not(Locking::Held(facts.words())))),
            None => {
                *watched = Some((facts.clone(), now));
                return Ok(None);
            }
        };
        if now.saturating_sub(since) < facts.duration {
            return Ok(None);
        }
        let asked = self.clock.monotonic();
        let raw = self.gate.send(self.holder.take(lease, facts, self.clock.now())).await?;
        Ok(Some(Taken::Over(
            Self::held(lease, &raw, asked),
            format!("took over the lock of {}, who did not renew it", facts.words()),
        )))
    }

    /// A lease that was asked for at that moment. Its age counts from there: whoever watches it saw it from then on at the earliest, however
    /// late the answer came.
    fn held(lease: &ObjectRef, raw: &Value, asked: Duration) -> Held {
        Held {
            lease: lease.clone(),
            uid: text(raw, "/metadata/uid"),
            version: text(raw, "/metadata/resourceVersion"),
            renewed: asked,
            asked_by: String::new(),
        }
    }

    /// Renews what is held, for ever: in time, and soon after there is news.
    pub(in crate::run) async fn keep(&self) {
        loop {
            if let Either::Right(_) = select(self.timer.sleep(RENEW_EVERY), std::pin::pin!(self.moved.notified())).await {
                self.timer.sleep(NEWS_AFTER).await;
            }
            let mut held = self.held.lock().await;
            for one in held.iter_mut() {
                self.renew(one).await;
            }
            self.note_oldest(&held);
            self.heed(&held);
        }
    }

    async fn renew(&self, held: &mut Held) {
        let step = self.step();
        // Once more after a conflict, in case somebody only annotated it.
        for _ in 0..2 {
            let asked = self.clock.monotonic();
            let request = Holder::renew(&held.lease, &held.uid, &held.version, &step, self.clock.now());
            match self.gate.send(request).await {
                Ok(raw) => {
                    let facts = LeaseFacts::of(&raw);
                    (held.version, held.asked_by) = (facts.resource_version, facts.preempt_by);
                    held.renewed = asked;
                    return;
                }
                Err(error) if error.kind == ErrorKind::Conflict => {}
                Err(_) => return,
            }
            let Ok(raw) = self.read.get(&held.lease, "").await else { return };
            let facts = LeaseFacts::of(&raw);
            if facts.holder != self.holder.identity {
                self.lost.store(true, Ordering::Relaxed);
                return;
            }
            held.version = facts.resource_version;
        }
    }

    /// Holds again what was let go while a plan waited, and what waits in one of them stays; `Err` says who has it now.
    pub(in crate::run) async fn hold_again(&self, waits: &ObjectRef) -> Result<(), String> {
        if !self.held.lock().await.is_empty() {
            return Ok(());
        }
        for lease in self.gate.leases() {
            let held = if lease == waits {
                self.take_back(lease).await?
            } else {
                match self.take_one(lease).await {
                    Taken::Ours(held) | Taken::Over(held, _) => held,
                    Taken::Not(Locking::Held(why) | Locking::Impossible(why) | Locking::Unreachable(why)) => return Err(why),
                    Taken::Not(Locking::Taken(_)) => continue,
                }
            };
            let mut all = self.held.lock().await;
            all.push(held);
            self.note_oldest(&all);
        }
        Ok(())
    }

    async fn take_back(&self, lease: &ObjectRef) -> Result<Held, String> {
        let mut last = String::new();
        for _ in 0..ARM_TRIES {
            let facts = LeaseFacts::of(&self.read.get(lease, "").await.map_err(|e| e.message)?);
            if facts.run != self.holder.run || !(facts.free() || facts.holder == self.holder.identity) {
                return Err("somebody else took the lock".to_owned());
            }
            let asked = self.clock.monotonic();
            match self.gate.send(self.holder.take_back(lease, &facts, self.clock.now())).await {
                Ok(raw) => return Ok(Self::held(lease, &raw, asked)),
                Err(error) if error.kind == ErrorKind::Conflict => last = error.message,
                Err(error) => return Err(error.message),
            }
        }
        Err(last)
    }

    /// Lets go of everything that is still ours, while a plan waits on in one of them.
    pub(in crate::run) async fn release_but(&self, waits: &ObjectRef) {
        let mut held = self.held.lock().await;
        for one in held.drain(..) {
            self.send_back(one, |h| {
                if h.lease == *waits { Holder::let_go(&h.lease, &h.uid, &h.version) } else { self.holder.release(&h.lease, &h.uid, &h.version) }
            })
            .await;
        }
        self.note_oldest(&held);
    }

    /// Lets go of everything that is still ours. What cannot be released expires by itself.
    pub(in crate::run) async fn release(&self) {
        let mut held = self.held.lock().await;
        for one in held.drain(..) {
            self.send_back(one, |h| self.holder.release(&h.lease, &h.uid, &h.version)).await;
        }
        self.note_oldest(&held);
    }

    async fn send_back(&self, mut one: Held, request: impl Fn(&Held) -> WriteRequest) {
        for _ in 0..2 {
            let sent = self.gate.send(request(&one)).await;
            if !sent.is_err_and(|e| e.kind == ErrorKind::Conflict) {
                break;
            }
            let Ok(raw) = self.read.get(&one.lease, "").await else { break };
            let facts = LeaseFacts::of(&raw);
            if facts.holder != self.holder.identity {
                break;
            }
            one.version = facts.resource_version;
        }
    }
}

/// What ends the taking of a lock at once.
fn refusal(error: &TargetError) -> Option<Locking> {
    match error.kind {
        ErrorKind::Forbidden | ErrorKind::Denied => Some(Locking::Impossible(error.message.clone())),
        ErrorKind::ReadOnly | ErrorKind::Unauthorised | ErrorKind::Tls | ErrorKind::Invalid => Some(Locking::Unreachable(error.message.clone())),
        _ => None,
    }
}
