//! A second person, as tasks: waiting for one, going on after one, and being one.
//!
//! Owns the approvals of this console's own plans until they are confirmed once more, and what goes on without one. Must not judge them.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::app::msg::Msg;
use crate::app::notice::Tone;
use crate::base::clock::Clock;
use crate::run::journal::Journal;
use crate::run::{
    Approved, Asked, BreakGlass, Confirmed, Deps, End, Happening, Outcome, Plan, Refusal, RunEvent, Waiting, approve as sign, execute, wait,
};
use crate::target::kubernetes::Client;

/// Plans of this console that somebody approved and that are not confirmed again yet.
pub(super) type Approvals = Arc<Mutex<Vec<Again>>>;

/// A plan that was approved: the task that waited for it keeps its lock, and goes on with what is handed over here.
pub(super) struct Again {
    run: String,
    approved: Approved,
    confirmed: oneshot::Sender<Result<Confirmed, Outcome>>,
}

/// What a plan is after its operator typed what it asks for.
pub(super) enum Begun {
    /// It is carried out.
    Confirmed(Confirmed),
    /// It waits for somebody else first.
    Waiting(Box<Plan>, Waiting),
    /// The task that waited for somebody else goes on, or ends with what stands against it.
    GoesOn,
}

/// Confirms a plan; one that needs a second person waits, unless it was approved before or its glass was broken.
pub(super) fn confirm(approvals: &Approvals, glass: Option<&BreakGlass>, plan: Plan, typed: &str, clock: &dyn Clock) -> Result<Begun, Refusal> {
    let now = clock.now();
    if !plan.needs_approval() {
        return plan.confirm(typed, now).map(Begun::Confirmed);
    }
    if let Some(glass) = glass {
        return plan.break_glass(glass, typed, clock).map(Begun::Confirmed);
    }
    let mut all = approvals.lock().unwrap_or_else(PoisonError::into_inner);
    // Whose task has ended was taken back.
    all.retain(|again| !again.confirmed.is_closed());
    let Some(at) = all.iter().position(|again| again.run == plan.id()) else {
        return Ok(Begun::Waiting(Box::new(plan.clone()), plan.wait(typed, now)?));
    };
    let again = all.remove(at);
    let confirmed = plan.confirm_approved(again.approved, typed, now).map_err(|refusal| Outcome::refused(&refusal));
    // A task that ended just now has told why.
    let _ = again.confirmed.send(confirmed);
    Ok(Begun::GoesOn)
}

/// Carries out what was confirmed; what waits is carried out when somebody approved it and it was confirmed once more.
pub(super) async fn carry_out(begun: Begun, approvals: Approvals, deps: Deps) -> Option<Outcome> {
    let (plan, waiting) = match begun {
        Begun::Confirmed(confirmed) => return Some(Box::pin(execute(confirmed, deps)).await),
        Begun::Waiting(plan, waiting) => (plan, waiting),
        Begun::GoesOn => return None,
    };
    let (events, clock, id) = (deps.events.clone(), deps.clock.clone(), plan.id().to_owned());
    let tell = async |what: Happening| {
        // The loop is gone only when the program ends.
        let _ = events.send(RunEvent::new(&id, clock.now(), what)).await;
    };
    tell(Happening::Planned { plan }).await;
    let confirmed = async {
        let (approved, kept) = wait(waiting, deps.clone()).await?;
        let (confirmed, once_more) = oneshot::channel();
        let by = approved.by().to_owned();
        approvals.lock().unwrap_or_else(PoisonError::into_inner).push(Again { run: id.clone(), approved, confirmed });
        tell(Happening::Approved { by }).await;
        let gone = || Outcome::new(End::Refused, "it was not confirmed once more");
        kept.until(async { once_more.await.unwrap_or_else(|_| Err(gone())) }).await
    };
    match confirmed.await {
        Ok(confirmed) => Some(Box::pin(execute(confirmed, deps)).await),
        Err(outcome) => {
            let _ = events.send(RunEvent::ended(&id, clock.now(), outcome)).await;
            None
        }
    }
}

/// Approves the plan of somebody else, and says what came of it.
pub(super) async fn approve(plan: Plan, asked: &Asked, typed: &str, now: Timestamp, client: &Client, journal: &Journal) -> Msg {
    match sign(plan, asked, typed, now, client, Arc::new(client.clone()), journal).await {
        Ok(()) => Msg::Notice(Tone::Done, format!("approved: {} confirms once more and begins", asked.by)),
        Err(refusal) => Msg::Notice(Tone::Refused, format!("not approved: {refusal}")),
    }
}
