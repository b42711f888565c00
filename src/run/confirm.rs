//! Turns a plan and what was typed into the one value that may be carried out.
//!
//! Owns the type-state: a [`Confirmed`] exists only where an allowed, fresh plan met exactly the text that it asks for. It
//! cannot be cloned, so one confirmation is one run.

use jiff::Timestamp;

use super::plan::Plan;

/// A plan that somebody confirmed. Consumed by [`execute`](super::execute()).
#[derive(Debug)]
pub struct Confirmed {
    plan: Plan,
    at: Timestamp,
}

/// Why nothing was begun. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Checks stand in the way.
    #[error("blocked by {}", .0.join(", "))]
    Blocked(Vec<String>),
    /// What was typed is not what the plan asks for.
    #[error("the confirmation is not what the plan asks for: type '{0}'")]
    WrongText(String),
    /// Nothing was typed.
    #[error("nothing was confirmed: the plan asks for '{0}'")]
    NothingTyped(String),
    /// 90 s passed, or the clock went back to before the plan was made.
    #[error("the plan is too old: 90 s passed")]
    Expired,
    /// A second person has to approve.
    #[error("the plan asks for a second person's approval")]
    NeedsApproval,
    /// Breaking the glass takes its time.
    #[error("the glass is not broken yet: {0} s are left")]
    NotArmed(u64),
    /// Breaking the glass is done in writing.
    #[error("breaking the glass needs a reason")]
    NoReason,
    /// Whoever asked cannot approve.
    #[error("'{0}' asked for it: a second person approves, with a login of their own")]
    SamePerson(String),
    /// The approval could not be written.
    #[error("not approved: {0}")]
    NotApproved(String),
    /// The freshly made plan is not the one that was meant.
    #[error("the plan is not the one that was meant: its hash is {0}")]
    OtherPlan(String),
}

impl Refusal {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Blocked(_) => "see the fix of each check; some can be overridden with --override CHECK --reason TEXT",
            Self::WrongText(_) | Self::NothingTyped(_) => "give it with --confirm TEXT, or type it when asked",
            Self::Expired => "make a new plan",
            Self::NeedsApproval => "a second person approves with `timonel approve RUN`; alone: --break-glass --reason TEXT",
            Self::NotArmed(_) => "wait, or withdraw",
            Self::NoReason => "give it with --reason TEXT",
            Self::SamePerson(_) => "ask somebody else",
            Self::NotApproved(_) => "look at what waits with `timonel approve`",
            Self::OtherPlan(_) => "look at the new plan; its hash is shown there",
        }
    }
}

impl Plan {
    /// Confirms the plan with what a person typed at `now`.
    ///
    /// Exact to the letter, save for white space around it. An empty text confirms nothing, except a plan that writes nothing.
    pub fn confirm(self, typed: &str, now: Timestamp) -> Result<Confirmed, Refusal> {
        self.is_confirmed_by(typed, now)?;
        if self.needs_approval() {
            return Err(Refusal::NeedsApproval);
        }
        Ok(Confirmed { plan: self, at: now })
    }

    /// Whether it may run, is fresh, and this is what it asks to be typed.
    pub(in crate::run) fn is_confirmed_by(&self, typed: &str, now: Timestamp) -> Result<(), Refusal> {
        if !self.allowed {
            return Err(Refusal::Blocked(self.blocked_by.clone()));
        }
        if self.valid_for(now).is_zero() {
            return Err(Refusal::Expired);
        }
        if let Some(wanted) = &self.confirmation.text {
            match typed.trim() {
                "" => return Err(Refusal::NothingTyped(wanted.clone())),
                text if text != wanted => return Err(Refusal::WrongText(wanted.clone())),
                _ => {}
            }
        }
        Ok(())
    }

    /// Refuses unless this is the plan with that hash (`--plan HASH`).
    pub fn expect_hash(self, hash: &str) -> Result<Self, Refusal> {
        if self.hash == hash { Ok(self) } else { Err(Refusal::OtherPlan(self.hash)) }
    }
}

impl Confirmed {
    /// The plan that was confirmed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A plan whose confirmation is known otherwise: it was looked at together with its approval, or recorded by a run that is resumed and
    /// asks for nothing new.
    pub(in crate::run) fn of(plan: Plan, at: Timestamp) -> Self {
        Self { plan, at }
    }

    /// When.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    pub(in crate::run) fn into_plan(self) -> Plan {
        self.plan
    }
}
