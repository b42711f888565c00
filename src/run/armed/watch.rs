//! Watching over the timers of an armed run, until they are ended or their time has come.
//!
//! Owns which runs this console may take back by itself: those whose confirmation is in its own journal, whoever of its processes gave it
//! (contract.md 6). Of several processes on one machine one is in charge, by the claim on the run; when it ends the next one takes it up.
//! A change whose time came while nobody was there is still its operator's to be taken back: they confirmed that it would be, and nothing
//! but what they changed is touched; but they learn it first, and may keep it. Must not take anything back.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::lease_of;
use crate::base::clock::Clock;
use crate::fleet::lock::note;
use crate::run::facts::entry;
use crate::run::journal::{self, Claim, EntryKind, Journal, Recorder};
use crate::run::lease::LeaseFacts;
use crate::run::outcome::End;
use crate::run::plan::Plan;
use crate::run::record::RecordError;
use crate::run::resume::{ResumeError, recorded_plan, unharmed};
use crate::run::time::Timer;
use crate::target::api::{ErrorKind, Read};
use crate::target::model::ObjectRef;

/// How often a timer is looked at: somebody may have kept the change.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long after its end a timer may be unreadable before it is given up.
const READ_WITHIN: Duration = Duration::from_mins(2);
/// How often it is tried again to take a change back that something stands in the way of.
pub const AGAIN: Duration = Duration::from_secs(5);
/// How long that is tried: the lock of a run whose process was killed goes sooner.
const BLOCKED_FOR: Duration = Duration::from_mins(5);
/// How long a change whose time came while nobody was there is left alone after that was said: whoever just came may want to keep it.
const GRACE: Duration = Duration::from_secs(30);

/// The timers of a run that nobody has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// When the change is taken back.
    pub at: Timestamp,
    /// What of it is.
    pub objects: Vec<ObjectRef>,
    /// Its time came before anybody took it back, and it was given another moment.
    pub late: bool,
}

impl Running {
    /// Before this nothing is taken back, wherever the end of the timer is moved to meanwhile.
    pub fn earliest(&self) -> Timestamp {
        if self.late { self.at } else { Timestamp::MIN }
    }
}

/// What became of a timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waited {
    /// Somebody ended it, and the change is there.
    Kept,
    /// Somebody ended it, and the change is not there any more: it was taken back, or changed again.
    Settled,
    /// It is time to take these back.
    Expired(Vec<ObjectRef>),
    /// Whether it was kept cannot be told, so nothing is done: it stays a debt.
    Lost(String),
}

/// Who takes the change back.
#[derive(Debug)]
pub enum Taken {
    /// This process, unless it is kept until then. The claim keeps others from it.
    Mine(Claim, Running),
    /// Nobody: the timer is ended, or cannot be read.
    Over(Waited),
}

/// What our own journal holds of an armed run.
#[derive(Debug)]
pub enum Own {
    /// No such run, or none that was armed and proven.
    No,
    /// It has not come to its end: another process carries it out, or it is to be gone on with first.
    Open,
    /// It was confirmed, armed and proven, and every line is as it was written.
    Armed(Box<Plan>),
}

/// What our own journal holds of the run of that id. Reads all of it.
pub fn own(journal: &Journal, id: &str) -> Result<Own, ResumeError> {
    let entries = journal::read(journal.folder())?.entries;
    let Some(found) = journal::record(&entries, id) else { return Ok(Own::No) };
    match found.run.outcome {
        Some(End::Proven) => {}
        None => return Ok(Own::Open),
        Some(_) => return Ok(Own::No),
    }
    let plan = recorded_plan(&entries, id)?;
    if plan.reverts_after().is_none() {
        return Ok(Own::No);
    }
    let confirm = found.lines.iter().find(|e| e.kind == EntryKind::Confirm);
    let confirm = confirm.ok_or_else(|| ResumeError::NotConfirmed(id.to_owned()))?;
    if confirm.data.get("plan_hash").and_then(Value::as_str) != Some(plan.hash()) {
        return Err(ResumeError::Record { id: id.to_owned(), error: RecordError::Changed });
    }
    unharmed(journal)?;
    Ok(Own::Armed(Box::new(plan)))
}

/// Waits until no other process of this machine carries the run out.
pub async fn let_go(timer: &dyn Timer, journal: &dyn Recorder, run: &str) {
    while matches!(journal.claim(run), Ok(None)) {
        timer.sleep(LOOK_EVERY).await;
    }
}

/// The timers of a proven run that are not ended; `Err` says why that cannot be told, `Ok(None)` = all are.
pub async fn running(read: &dyn Read, plan: &Plan) -> Result<Option<Running>, String> {
    let ask = |object: &ObjectRef| {
        let (object, lease) = (object.clone(), lease_of(object));
        async move { (object, read.get(&lease, "").await) }
    };
    let (mut objects, mut ends) = (Vec::new(), Vec::new());
    for (object, answer) in join_all(plan.timed().map(ask)).await {
        match answer {
            Ok(raw) => {
                if let Some(at) = expiry(&raw, plan.id()) {
                    objects.push(object);
                    ends.push(at);
                }
            }
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error.message),
        }
    }
    // Those of one plan were armed one after the other: they end with the last.
    Ok(ends.into_iter().max().map(|at| Running { at, objects, late: false }))
}

fn expiry(raw: &Value, run: &str) -> Option<Timestamp> {
    let held = LeaseFacts::of(raw).holder.ends_with(&format!("/{run}"));
    let at = entry(raw, "/metadata/annotations", note::EXPIRES_AT)?;
    at.parse().ok().filter(|_| held)
}

/// Waits until this process is the one that takes the change of a proven run back: no other of this machine is any more.
pub async fn take_charge(read: &dyn Read, clock: &dyn Clock, timer: &dyn Timer, journal: &dyn Recorder, plan: &Plan) -> Taken {
    let mut patience = Patience::with_silence();
    loop {
        match running(read, plan).await {
            Ok(None) => return Taken::Over(ended(read, plan).await),
            Ok(Some(running)) => {
                patience = Patience::with_silence();
                match journal.claim(plan.id()) {
                    // A timer that was ended between looking and claiming is seen by whoever waits for it.
                    Ok(Some(claim)) => return Taken::Mine(claim, after_grace(running, clock.now())),
                    Ok(None) => {}
                    Err(error) => return Taken::Over(Waited::Lost(error.to_string())),
                }
            }
            Err(_) if patience.lasts(clock) => {}
            Err(why) => return Taken::Over(Waited::Lost(why)),
        }
        timer.sleep(LOOK_EVERY).await;
    }
}

fn after_grace(running: Running, now: Timestamp) -> Running {
    if running.at > now {
        return running;
    }
    Running { at: now.checked_add(GRACE).unwrap_or(Timestamp::MAX), late: true, ..running }
}

/// Waits until the timers of a proven run end, not before `earliest`, or until somebody ends all of them before.
pub async fn wait(read: &dyn Read, clock: &dyn Clock, timer: &dyn Timer, plan: &Plan, earliest: Timestamp) -> Waited {
    let mut patience = Patience::with_silence();
    loop {
        let left = match running(read, plan).await {
            Ok(None) => return ended(read, plan).await,
            Ok(Some(running)) => {
                patience = Patience::with_silence();
                let left = Duration::try_from(running.at.max(earliest).duration_since(clock.now())).unwrap_or_default();
                if left.is_zero() {
                    return Waited::Expired(running.objects);
                }
                left
            }
            Err(_) if patience.lasts(clock) => LOOK_EVERY,
            Err(why) => return Waited::Lost(why),
        };
        timer.sleep(left.min(LOOK_EVERY)).await;
    }
}

/// How a run's change stands whose timers were ended.
async fn ended(read: &dyn Read, plan: &Plan) -> Waited {
    for object in plan.timed() {
        let Some((pointer, _, after)) = plan.ends(object) else { continue };
        match read.get(object, "").await {
            Ok(raw) if raw.pointer(pointer).unwrap_or(&Value::Null) == &after => {}
            // What cannot be read is not said to be kept.
            _ => return Waited::Settled,
        }
    }
    Waited::Kept
}

/// How long something that may go by itself is waited for: from the first time that somebody asks.
#[derive(Debug)]
pub struct Patience {
    since: Option<Duration>,
    most: Duration,
}

impl Patience {
    /// With what stands in the way of taking back a change whose time has come.
    pub const fn with_what_blocks() -> Self {
        Self { since: None, most: BLOCKED_FOR }
    }

    const fn with_silence() -> Self {
        Self { since: None, most: READ_WITHIN }
    }

    /// Whether it lasts.
    pub fn lasts(&mut self, clock: &dyn Clock) -> bool {
        let since = *self.since.get_or_insert_with(|| clock.monotonic());
        clock.monotonic().saturating_sub(since) <= self.most
    }
}
