//! Commit-confirmed: a change that is taken back at its time unless somebody keeps it (contract.md 6).
//!
//! Owns the parameter that arms a plan, the Leases that hold the timer in the cluster (one per object of the plan, so that each is kept,
//! seen and owed by itself), and the one way in which a plan is confirmed by a timer: only to what was there before. Who waits for the
//! end of a timer, and for which one, is in `watch`. Must not make plans.

mod watch;

pub use watch::{AGAIN, Own, Patience, Running, Taken, Waited, let_go, own, running, take_charge, wait};

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::actions::ActionRequest;
use super::confirm::{Confirmed, Refusal};
use super::facts::entry;
use super::lease;
use super::plan::Plan;
use crate::base::duration;
use crate::fleet::armed::{Back, PREFIX};
use crate::fleet::lock::note;
use crate::target::model::{Kind, ObjectRef};

/// The parameter that arms a plan.
pub const PARAMETER: &str = "revert-after";
/// Actions that can be armed.
const ACTIONS: [&str; 3] = ["scale", "pause", "suspend"];
const SHORTEST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_hours(24);

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
    /// What was done to its object: `scale 3->5`.
    pub action: String,
    /// What takes the change back, as JSON.
    pub back: String,
}

impl Plan {
    /// After which time its change is taken back unless it is kept.
    pub fn reverts_after(&self) -> Option<Duration> {
        // A variable of a service file's action may have any name.
        let own = self.inner.program.is_none();
        let given = self.inner.inputs.parameters.iter().find(|(name, _)| own && name == PARAMETER)?;
        parse(&given.1).ok()
    }

    /// The same plan, armed.
    pub(in crate::run) fn armed(mut self, after: Duration) -> Result<Self, String> {
        if !ACTIONS.contains(&self.action.as_str()) {
            return Err(format!("a {} cannot be armed: {} can", self.action, ACTIONS.join(", ")));
        }
        if self.writes().next().is_none() {
            return Ok(self);
        }
        let time = duration::show(after);
        // The objects of a plan about several stay in their order.
        self.inner.inputs.parameters.push((PARAMETER.to_owned(), time.clone()));
        self.inner.inputs.parameters.sort_by(|a, b| a.0.cmp(&b.0));
        self.risks
            .push(format!("armed: {} after {time} unless it is kept; this console must live until then", self.undo));
        let leases = self.timed().map(|object| lease_of(object).name.to_string()).collect::<Vec<_>>().join(", ");
        if let Some(lock) = self.steps.iter_mut().find(|s| s.id == "lock") {
            lock.title = format!("{}, {leases} for {time}", lock.title);
        }
        self.settle();
        Ok(self)
    }

    /// The objects that it changes: each has a timer of its own when it is armed, with the same end.
    pub(in crate::run) fn timed(&self) -> impl Iterator<Item = &ObjectRef> {
        self.subjects().filter(|subject| self.writes().any(|(_, w)| w.object == **subject && w.patches()))
    }

    /// The timers of its objects; none where it is not armed.
    pub(in crate::run) fn arming(&self) -> Vec<Arming> {
        let Some(after) = self.reverts_after() else { return Vec::new() };
        let one = |number: u16| {
            let (object, quantity) = self.about(number);
            let undo = self.undoing_one(object).ok().filter(|_| self.timed().any(|t| t == object))?;
            let back = Back { object: undo.object, action: undo.action.into_owned(), parameters: undo.parameters };
            let action = format!("{} {quantity}", self.action);
            Some(Arming { lease: lease_of(object), after, action, back: serde_json::to_string(&back).ok()? })
        };
        self.numbers().filter_map(one).collect()
    }

    /// Whether a proven run of it settles what a timer would take back: it changes the same of that object.
    pub(in crate::run) fn settles(&self, object: &ObjectRef, timer: &Value) -> bool {
        let Some(back) = entry(timer, "/metadata/annotations", note::INPUTS).and_then(|b| serde_json::from_str::<Back>(&b).ok()) else {
            return false;
        };
        back.action == self.action || self.undoing_one(object).is_ok_and(|undo| back.action == undo.action)
    }

    /// What takes these of its objects back when their time has come, the last that was changed first.
    pub fn taking_back(&self, objects: &[ObjectRef]) -> Result<ActionRequest, String> {
        let mut back: Vec<ObjectRef> = self.subjects().filter(|s| objects.contains(s)).cloned().collect();
        back.reverse();
        let undo = self.undoing_these(&back)?;
        Ok(ActionRequest { reason: Some(format!("the timer of {} expired", self.id)), ..undo })
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
        let is_back = |object: &ObjectRef| {
            let back = armed.ends(object).map(|(pointer, before, after)| (pointer, after, before));
            self.uid_of(object) == armed.uid_of(object) && back.is_some() && self.ends(object) == back
        };
        let own = armed.reverts_after().is_some() && self.subjects().all(|s| armed.timed().any(|t| t == s) && is_back(s));
        if !own || self.writes().any(|(_, w)| !self.subjects().any(|s| *s == w.object)) {
            return Err(Refusal::OtherPlan(self.hash));
        }
        // Nobody types anything: the record says so.
        self.confirmation.text = None;
        Ok(Confirmed::of(self, now))
    }

    /// The field of an object that it changes, from its first value to its last.
    fn ends(&self, object: &ObjectRef) -> Option<(&'static str, Value, Value)> {
        let own: Vec<_> = self.writes().filter(|(_, w)| w.object == *object).flat_map(|(_, w)| &w.changes).collect();
        Some((own.first()?.pointer, own.first()?.before.clone(), own.last()?.after.clone()))
    }
}
