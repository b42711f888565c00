//! Jobs and CronJobs.

use jiff::Timestamp;

use super::{Schedule, Verdict};
use crate::base::health::Health;
use crate::target::model::{Condition, CronJob, Job, Seconds, condition};

/// For how long a failed Job is news (contract.md 1).
const NEWS: Seconds = 86_400;
/// How long after its time a run may begin: the controller and its clock need a moment.
const PATIENCE: Seconds = 60;

/// Health of a Job; `superseded` when a later Job that does the same work succeeded.
pub fn job(job: &Job, superseded: bool, now: Seconds) -> Verdict {
    let failed = holds(&job.conditions, "Failed").or_else(|| holds(&job.conditions, "FailureTarget"));
    if holds(&job.conditions, "Complete").is_some() {
        Verdict::new(Health::Ok).text("complete")
    } else if let Some(failed) = failed {
        let at = failed.since.unwrap_or(job.meta.created);
        if superseded {
            Verdict::new(Health::Off).text("failed, a later one succeeded")
        } else if now - at >= NEWS {
            Verdict::new(Health::Off).text("failed more than a day ago")
        } else {
            Verdict::new(Health::Degraded).text("failed").turn(Some(at + NEWS))
        }
    } else if job.suspended || holds(&job.conditions, "Suspended").is_some() {
        Verdict::new(Health::Off).text("suspended")
    } else {
        Verdict::new(Health::Ok).text("running")
    }
}

/// Whether a Job is complete.
pub(crate) fn succeeded(job: &Job) -> bool {
    holds(&job.conditions, "Complete").is_some()
}

/// Whether a Job ended, and how: when, and whether it succeeded.
pub(crate) fn ended(job: &Job) -> Option<(Seconds, bool)> {
    if let Some(complete) = holds(&job.conditions, "Complete") {
        return Some((job.completed.or(complete.since).unwrap_or(job.meta.created), true));
    }
    holds(&job.conditions, "Failed").map(|failed| (failed.since.unwrap_or(job.meta.created), false))
}

/// Health of a CronJob from the Jobs it made that are still there.
///
/// A run is missed when its time passed by more than a minute (or `startingDeadlineSeconds`, when that is more) and nothing was
/// started since; not while an earlier run is still active under `Forbid`, which skips on purpose.
pub fn cron_job<'a>(cron: &CronJob, jobs: impl Iterator<Item = &'a Job>, now: Seconds) -> Verdict {
    if cron.suspended {
        return Verdict::new(Health::Off).text("suspended");
    }
    let last = jobs.filter_map(ended).max_by_key(|(at, _)| *at);
    let schedule = match Schedule::parse(&cron.schedule, &cron.time_zone) {
        Ok(schedule) => schedule,
        Err(why) => return Verdict::new(Health::Unknown).text(format!("schedule '{}': {why}", cron.schedule)),
    };
    let patience = PATIENCE.max(cron.starting_deadline.unwrap_or(0));
    let from = cron.last_schedule.unwrap_or(cron.meta.created);
    let due = schedule.after(from);
    let skips = cron.active > 0 && &*cron.concurrency == "Forbid";
    let turn = due.map(|at| at.saturating_add(patience + 1)).filter(|at| *at > now);
    if last.is_some_and(|(_, succeeded)| !succeeded) {
        return Verdict::new(Health::Degraded).text("last run failed").turn(turn);
    }
    match due.filter(|at| now - at > patience && !skips) {
        Some(at) => Verdict::new(Health::Degraded).text(format!("missed its run of {}", when(at))),
        None if last.is_none() && cron.last_schedule.is_none() => Verdict::new(Health::Ok).text("not due yet").turn(turn),
        None => Verdict::new(Health::Ok).turn(turn),
    }
}

fn when(at: Seconds) -> String {
    Timestamp::from_second(at).map_or_else(|_| at.to_string(), |t| t.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

fn holds<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    condition(conditions, kind).filter(|c| c.status == Some(true))
}
