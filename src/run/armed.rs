//! Commit-confirmed: a change that is taken back at its time unless somebody keeps it (contract.md 6).
//!
//! Owns the parameter that arms a plan, the Lease that holds the timer in the cluster, the waiting for its end, and the one way in which
//! a plan is confirmed by a timer: only by the process that carried out the arming, and only to what was there before. Must not make
//! plans.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::confirm::{Confirmed, Refusal};
use super::lease::{self, LeaseFacts};
use super::plan::Plan;
use super::time::Timer;
use crate::base::clock::Clock;
use crate::base::duration;
use crate::fleet::armed::{Back, PREFIX};
use crate::fleet::lock::note;
use crate::target::api::{ErrorKind, Read};
use crate::target::model::{Kind, ObjectRef};

/// The parameter that arms a plan.
pub const PARAMETER: &str = "revert-after";
/// Actions that can be armed.
const ACTIONS: [&str; 3] = ["scale", "pause", "suspend"];
const SHORTEST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_hours(24);
/// How often the timer is looked at: somebody may have kept the change.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long after its end a timer may be unreadable before it is given up.
const READ_WITHIN: Duration = Duration::from_mins(2);

/// The Lease of an object's timer.
pub(in crate::run) fn lease_of(object: &ObjectRef) -> ObjectRef {
    let lock = lease::of(object);
    let name = format!("{PREFIX}{}-{}", object.kind.word().to_lowercase(), object.name);
    ObjectRef::new(Kind::Lease, lock.namespace, crate::base::id::object_name(&name))
}

/// Reads `10m` as the time after which a change is taken back.
pub fn parse(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text).ok().filter(|t| (SHORTEST..=LONGEST).contains(t));
    time.ok_or_else(|| format!("{PARAMETER} '{text}' is no time from 10s to 24h"))
}

/// What a timer writes into its Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) struct Arming {
    pub lease: ObjectRef,
    pub after: Duration,
    /// What takes the change back, as JSON.
    pub back: String,
}

impl Plan {
    /// After which time its change is taken back unless it is kept.
    pub fn reverts_after(&self) -> Option<Duration> {
        let given = self.inner.inputs.parameters.iter().find(|(name, _)| name == PARAMETER)?;
        parse(&given.1).ok()
    }

    /// The same plan, armed.
    pub(in crate::run) fn armed(mut self, after: Duration) -> Result<Self, String> {
        if !ACTIONS.contains(&self.action) {
            return Err(format!("a {} cannot be armed: {} can", self.action, ACTIONS.join(", ")));
        }
        if self.writes().next().is_none() {
            return Ok(self);
        }
        let time = duration::show(after);
        self.inner.inputs.parameters.push((PARAMETER.to_owned(), time.clone()));
        self.inner.inputs.parameters.sort_unstable();
        self.risks
            .push(format!("armed: {} after {time} unless it is kept; this console must live until then", self.undo));
        let lease = lease_of(self.subject());
        if let Some(lock) = self.steps.iter_mut().find(|s| s.id == "lock") {
            lock.title = format!("{}, {} for {time}", lock.title, lease.name);
        }
        self.settle();
        Ok(self)
    }

    pub(in crate::run) fn arming(&self) -> Option<Arming> {
        let after = self.reverts_after()?;
        let undo = self.undoing().ok()?;
        let back = Back { object: undo.object, action: undo.action.to_owned(), parameters: undo.parameters };
        Some(Arming { lease: lease_of(self.subject()), after, back: serde_json::to_string(&back).ok()? })
    }

    /// Confirms this plan by the timer of `armed`, whose confirmation covers it: it takes back exactly what that run changed, and nothing
    /// else has changed it since.
    pub fn confirm_by_timer(mut self, armed: &Self, now: Timestamp) -> Result<Confirmed, Refusal> {
        if !self.allowed {
            return Err(Refusal::Blocked(self.blocked_by));
        }
        if self.valid_for(now).is_zero() {
            return Err(Refusal::Expired);
        }
        if self.needs_approval() {
            return Err(Refusal::NeedsApproval);
        }
        let ends = |plan: &Self| {
            let own: Vec<_> = plan.writes().filter(|(_, w)| w.object == *plan.subject()).flat_map(|(_, w)| &w.changes).cloned().collect();
            Some((own.first()?.pointer, own.first()?.before.clone(), own.last()?.after.clone()))
        };
        let back = ends(armed).map(|(pointer, before, after)| (pointer, after, before));
        let same =
            self.subject() == armed.subject() && self.uid_of(self.subject()) == armed.uid_of(armed.subject()) && armed.reverts_after().is_some();
        if !same || back.is_none() || ends(&self) != back {
            return Err(Refusal::OtherPlan(self.hash));
        }
        // Nobody types anything: the record says so.
        self.confirmation.text = None;
        Ok(Confirmed::of(self, now))
    }
}

/// What became of a timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waited {
    /// Somebody kept the change, or took it back.
    Kept,
    /// It is time to take it back.
    Expired,
    /// Whether it was kept cannot be told, so nothing is done: it stays a debt.
    Lost(String),
}

/// When the timer that a proven run armed ends; `Err` says why that cannot be told, `Ok(None)` = it was kept already.
pub async fn expires(read: &dyn Read, plan: &Plan) -> Result<Option<Timestamp>, String> {
    match read.get(&lease_of(plan.subject()), "").await {
        Ok(raw) => Ok(own_expiry(&raw, plan.id())),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.message),
    }
}

fn own_expiry(raw: &Value, run: &str) -> Option<Timestamp> {
    let held = LeaseFacts::of(raw).holder.ends_with(&format!("/{run}"));
    let at = super::facts::entry(raw, "/metadata/annotations", note::EXPIRES_AT)?;
    at.parse().ok().filter(|_| held)
}

/// Waits until the timer of a proven run ends, or until somebody ends it before.
pub async fn wait(read: &dyn Read, clock: &dyn Clock, timer: &dyn Timer, plan: &Plan) -> Waited {
    let mut silent_since = None;
    loop {
        let left = match expires(read, plan).await {
            Ok(None) => return Waited::Kept,
            Ok(Some(at)) => {
                silent_since = None;
                Duration::try_from(at.duration_since(clock.now())).unwrap_or_default()
            }
            Err(why) => {
                let since = *silent_since.get_or_insert_with(|| clock.monotonic());
                if clock.monotonic().saturating_sub(since) > READ_WITHIN {
                    return Waited::Lost(why);
                }
                LOOK_EVERY
            }
        };
        if left.is_zero() {
            return Waited::Expired;
        }
        timer.sleep(left.min(LOOK_EVERY)).await;
    }
}
