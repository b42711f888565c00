//! A second person: a plan that waits for one, and the approval of it (contract.md 7).
//!
//! Owns what a waiting plan says in its Lease, who may approve it, and for how long. The plan itself never travels: whoever approves
//! makes it anew from its inputs, and the two have the same hash. What is approved is confirmed once more by whoever asked, and the
//! approval is used up by the run that starts. It is as authentic as the cluster's access rules make it: without the admission policy of
//! `assets/admission`, who may write the Lease may write any name into it.

mod approve;
mod wait;

pub use approve::{Asked, approve, asked};
pub use wait::{Kept, wait};

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::actions::{ActionRequest, ActionSpec};
use super::confirm::{Confirmed, Refusal};
use super::plan::Plan;
use super::program;
use crate::base::clock::Clock;
use crate::base::confirmation::Confirmation;
use crate::target::model::ObjectRef;

/// A plan waits so long at most.
pub const WAITS_FOR: Duration = Duration::from_mins(15);
/// Breaking the glass takes so long: time to think, and for others to see it.
pub const ARMING: Duration = Duration::from_mins(1);

/// Why a plan of level two-person may be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) enum Approval {
    /// Somebody else approved it, by their name in the cluster.
    By(String),
    /// Nobody did: the reason is on record.
    BrokenGlass,
}

/// A plan whose requester typed what it asks for, and which waits for a second person.
#[derive(Debug)]
pub struct Waiting {
    pub(in crate::run) plan: Plan,
}

/// Somebody else approved a plan. Needs the requester's own confirmation once more.
#[derive(Debug)]
pub struct Approved {
    run: String,
    hash: String,
    by: String,
}

impl Approved {
    /// Who, by their name in the cluster.
    pub fn by(&self) -> &str {
        &self.by
    }
}

/// The glass is being broken for one plan: it goes without a second person once the time is over.
#[derive(Debug)]
pub struct BreakGlass {
    since: Duration,
    run: String,
    hash: String,
}

impl BreakGlass {
    /// Begins, in writing: the reason is part of the plan, and of its hash.
    pub fn arm(plan: &Plan, reason: &str, clock: &dyn Clock) -> Result<Self, Refusal> {
        if reason.trim().is_empty() {
            return Err(Refusal::NoReason);
        }
        let plan = plan.clone().with(&[], Some(reason)).map_err(|_| Refusal::NoReason)?;
        Ok(Self { since: clock.monotonic(), run: plan.id, hash: plan.hash })
    }

    /// The run that will be.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// How long it takes yet.
    pub fn left(&self, clock: &dyn Clock) -> Duration {
        ARMING.saturating_sub(clock.monotonic().saturating_sub(self.since))
    }
}

impl Plan {
    /// The plan as one that waits for a second person: its requester typed what it asks for.
    pub fn wait(self, typed: &str, now: Timestamp) -> Result<Waiting, Refusal> {
        self.is_confirmed_by(typed, now)?;
        Ok(Waiting { plan: self })
    }

    /// Confirms a plan that was made anew after somebody approved it.
    pub fn confirm_approved(mut self, approved: Approved, typed: &str, now: Timestamp) -> Result<Confirmed, Refusal> {
        self.is_confirmed_by(typed, now)?;
        if (&self.id, &self.hash) != (&approved.run, &approved.hash) {
            return Err(Refusal::OtherPlan(self.hash));
        }
        self.approval = Some(Approval::By(approved.by));
        Ok(Confirmed::of(self, now))
    }

    /// Confirms a plan that was made anew without a second person, in writing.
    pub fn break_glass(mut self, glass: &BreakGlass, typed: &str, clock: &dyn Clock) -> Result<Confirmed, Refusal> {
        let left = glass.left(clock);
        if !left.is_zero() {
            return Err(Refusal::NotArmed(left.as_secs().max(1)));
        }
        self.is_confirmed_by(typed, clock.now())?;
        if (&self.id, &self.hash) != (&glass.run, &glass.hash) {
            return Err(Refusal::OtherPlan(self.hash));
        }
        self.approval = Some(Approval::BrokenGlass);
        Ok(Confirmed::of(self, clock.now()))
    }

    /// Whether it asks for a second person.
    pub fn needs_approval(&self) -> bool {
        self.confirmation.level == Confirmation::TwoPerson
    }

    /// What asks for this plan again.
    pub fn request(&self) -> ActionRequest {
        let inputs = &self.inner.inputs;
        let given = inputs.parameters.iter().map(|(name, value)| format!("{name}={value}"));
        let of = self.inner.program.as_ref().map(|p| p.of.as_ref());
        let (action, object, parameters) = match (of, ActionSpec::named(&self.action)) {
            (Some(Some(object)), Some(spec)) => (spec.name.into(), object.clone(), given.filter(|p| spec.takes(p)).collect()),
            (Some(_), _) => program::asking(&self.action, inputs, &self.inner.subject),
            (None, spec) => {
                let given = given.filter(|p| spec.is_some_and(|spec| spec.takes(p)));
                (spec.map_or("", |spec| spec.name).into(), self.inner.subject.clone(), given.collect())
            }
        };
        ActionRequest {
            action,
            object,
            parameters: parameters.into_iter().chain(self.manner_parameters()).collect(),
            overrides: inputs.overrides.clone(),
            reason: inputs.reason.clone(),
        }
    }
}

/// What a waiting plan is made from, as its Lease carries it.
#[derive(Debug, Serialize, Deserialize)]
struct Carried {
    action: String,
    object: ObjectRef,
    parameters: Vec<String>,
    overrides: Vec<String>,
    reason: Option<String>,
}

impl Carried {
    fn of(plan: &Plan) -> Self {
        let request = plan.request();
        Self {
            action: request.action.into_owned(),
            object: request.object,
            parameters: request.parameters,
            overrides: request.overrides,
            reason: request.reason,
        }
    }

    /// As a request, when it names an action of this version.
    fn request(self) -> Option<ActionRequest> {
        let known = program::named(&self.action).is_some() || ActionSpec::named(&self.action).is_some();
        known.then_some(ActionRequest {
            action: self.action.into(),
            object: self.object,
            parameters: self.parameters,
            overrides: self.overrides,
            reason: self.reason,
        })
    }
}

/// What an approval says: which run, and which plan.
pub(in crate::run) fn signed(run: &str, hash: &str) -> String {
    format!("{run} {hash}")
}
