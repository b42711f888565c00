//! A second person, as tasks: waiting for one, going on after one, and being one.
//!
//! Owns the approvals of this console's own plans until they are confirmed once more. Must not judge them.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::app::msg::Msg;
use crate::app::notice::Tone;
use crate::run::journal::Journal;
use crate::run::{
    Approved, Asked, Confirmed, Deps, End, Happening, Outcome, Plan, Refusal, RunEvent, Waiting, approve as sign, execute, wait, withdraw,
};
use crate::target::kubernetes::Client;

/// Plans of this console that somebody approved and that are not confirmed again yet.
pub(super) type Approvals = Arc<Mutex<Vec<(Plan, Approved)>>>;

/// What a plan is after its operator typed what it asks for.
pub(super) enum Begun {
    /// It is carried out.
    Confirmed(Confirmed),
    /// It waits for somebody else first.
    Waiting(Box<Plan>, Waiting),
}

/// Confirms a plan; one that needs a second person waits, unless it was approved before.
pub(super) fn confirm(approvals: &Approvals, plan: Plan, typed: &str, now: Timestamp) -> Result<Begun, Refusal> {
    if !plan.needs_approval() {
        return plan.confirm(typed, now).map(Begun::Confirmed);
    }
    let mut all = approvals.lock().unwrap_or_else(PoisonError::into_inner);
    match all.iter().position(|(asked, _)| asked.id() == plan.id()) {
        Some(at) => plan.confirm_approved(all.remove(at).1, typed, now).map(Begun::Confirmed),
        None => Ok(Begun::Waiting(Box::new(plan.clone()), plan.wait(typed, now)?)),
    }
}

/// Carries out what was confirmed, or waits until it may be.
pub(super) async fn carry_out(begun: Begun, approvals: Approvals, deps: Deps) -> Option<Outcome> {
    match begun {
        Begun::Confirmed(confirmed) => Some(execute(confirmed, deps).await),
        Begun::Waiting(plan, waiting) => {
            let (events, clock, id) = (deps.events.clone(), deps.clock.clone(), plan.id().to_owned());
            // The loop is gone only when the program ends.
            let _ = events.send(RunEvent::new(&id, clock.now(), Happening::Planned { plan: plan.clone() })).await;
            let event = match wait(waiting, deps).await {
                Ok(approved) => {
                    let by = approved.by().to_owned();
                    approvals.lock().unwrap_or_else(PoisonError::into_inner).push((*plan, approved));
                    RunEvent::new(&id, clock.now(), Happening::Approved { by })
                }
                Err(outcome) => RunEvent::ended(id, clock.now(), outcome),
            };
            let _ = events.send(event).await;
            None
        }
    }
}

/// Takes an approved plan that is not confirmed again, by run id.
pub(super) fn take(approvals: &Approvals, run: &str) -> Option<Plan> {
    let mut all = approvals.lock().unwrap_or_else(PoisonError::into_inner);
    let at = all.iter().position(|(plan, _)| plan.id() == run)?;
    Some(all.remove(at).0)
}

/// Takes the question back: the run ends without having begun.
pub(super) async fn leave(plan: Plan, deps: Deps) {
    let (events, clock, id) = (deps.events.clone(), deps.clock.clone(), plan.id().to_owned());
    withdraw(plan, deps).await;
    let outcome = Outcome::new(End::Refused, "withdrawn by its operator");
    let _ = events.send(RunEvent::ended(id, clock.now(), outcome)).await;
}

/// Approves the plan of somebody else, and says what came of it.
pub(super) async fn approve(plan: Plan, asked: &Asked, typed: &str, now: Timestamp, client: &Client, journal: &Journal) -> Msg {
    match sign(plan, asked, typed, now, client, Arc::new(client.clone()), journal).await {
        Ok(()) => Msg::Notice(Tone::Done, format!("approved: {} confirms once more and begins", asked.by)),
        Err(refusal) => Msg::Notice(Tone::Refused, format!("not approved: {refusal}")),
    }
}
