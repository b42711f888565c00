//! Who works on what, and what is armed, in `timonel status`.
//!
//! Owns the shape of a lock and of a timer there and their lines. One look has nothing to compare with: whether a holder is silent is told
//! by the time that it wrote itself, and by nothing better.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::output::{Failure, Printer};
use crate::fleet::Fleet;
use crate::fleet::armed::Armed;
use crate::fleet::lock::{Lock, LockState};

/// A lock, or a plan that waits for a second person.
#[derive(Serialize, JsonSchema)]
pub(super) struct StatusLock {
    /// `Deployment shop/api`; the Lease where its name does not tell.
    object: String,
    state: State,
    /// `user@host`.
    by: String,
    run: String,
    /// `scale 5->3`.
    action: String,
    /// Which step, and what its proof has seen.
    step: String,
    /// Since when it is held, by its holder's clock; null when it does not say.
    since: Option<Timestamp>,
    /// Last sign of life, by its holder's clock; null while it gives one.
    silent_since: Option<Timestamp>,
    /// Until when a plan waits; null when none does.
    waits_until: Option<Timestamp>,
}

/// How a lock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Its holder renews it.
    Held,
    /// Its holder has not renewed it for as long as it is good: nobody may be there any more.
    Silent,
    /// A plan waits for a second person.
    Waits,
}

/// The timer of a change that is taken back unless it is kept.
#[derive(Serialize, JsonSchema)]
pub(super) struct StatusTimer {
    /// `Deployment shop/api`.
    object: String,
    /// `scale 5->3`.
    change: String,
    /// `user@host` of the run that armed it.
    by: String,
    run: String,
    expires_at: Timestamp,
    /// Its time has come and nobody took it back: it is a debt as well.
    expired: bool,
    /// What keeps the change: a command.
    keep: String,
}

/// The locks and the timers that are there.
pub(super) fn of(fleet: &Fleet, now: Timestamp) -> (Vec<StatusLock>, Vec<StatusTimer>) {
    let locks = fleet.locks(now).iter().filter_map(lock).collect();
    (locks, fleet.armed().iter().map(|armed| timer(armed, now)).collect())
}

fn lock(lock: &Lock) -> Option<StatusLock> {
    let (state, silent_since, waits_until) = match lock.state {
        LockState::Held => (State::Held, None, None),
        LockState::Silent { since } => (State::Silent, Timestamp::from_second(since).ok(), None),
        LockState::Waits { until } => (State::Waits, None, until),
        LockState::Over { .. } => return None,
    };
    Some(StatusLock {
        object: lock.what(),
        state,
        by: lock.by.to_string(),
        run: lock.run.to_string(),
        action: lock.action.to_string(),
        step: lock.step.to_string(),
        since: lock.since,
        silent_since,
        waits_until,
    })
}

fn timer(armed: &Armed, now: Timestamp) -> StatusTimer {
    let object = &armed.back.object;
    StatusTimer {
        object: object.to_string(),
        change: armed.action.to_string(),
        by: armed.by.to_string(),
        run: armed.run.to_string(),
        expires_at: armed.expires,
        expired: armed.expires <= now,
        keep: format!("timonel run keep -n {} {}/{}", object.namespace, object.kind.word().to_lowercase(), object.name),
    }
}

/// The lines of the table; none where nobody works and nothing is armed. What has expired is among the debts.
pub(super) fn lines(locks: &[StatusLock], timers: &[StatusTimer], printer: &mut Printer) -> Result<(), Failure> {
    for lock in locks {
        let StatusLock { object, action, by, run, .. } = lock;
        let text = match (lock.state, lock.silent_since) {
            (State::Silent, since) => {
                let since = since.map_or_else(|| "a time that is not known".to_owned(), |at| at.to_string());
                printer.colored("35", &format!("silent: {object}: {action} by {by}: no sign of life since {since} (run {run})"))
            }
            (State::Waits, _) => {
                let until = lock.waits_until.map(|at| format!(" until {at}")).unwrap_or_default();
                format!("waits: {object}: {action} by {by} waits for a second person{until}: timonel approve {run}")
            }
            (State::Held, _) => format!("running: {object}: {action} by {by}, at {} (run {run})", lock.step),
        };
        printer.line(&text)?;
    }
    for timer in timers.iter().filter(|t| !t.expired) {
        let text = format!(
            "armed: {}: {} by {} is taken back at {} unless it is kept: {}",
            timer.object, timer.change, timer.by, timer.expires_at, timer.keep
        );
        let text = printer.colored("33", &text);
        printer.line(&text)?;
    }
    Ok(())
}
