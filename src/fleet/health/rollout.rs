//! Deployments, StatefulSets, DaemonSets.
//!
//! Where two cells of the table could be meant, the worse one is taken: a workload of which nothing is ready is down, also in
//! the first seconds of its life or of a scale-up from zero.

use super::{Memory, Rollout, Verdict};
use crate::base::health::Health;
use crate::target::model::{Kind, Seconds, Workload, condition};

/// Deadline of changes where the object names none (contract.md 1).
const DEADLINE: Seconds = 600;

/// What pods and events add to what the object says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// A pod of the newest template cannot start: bad image, missing configuration, crash loop, no node.
    pub cannot_start: bool,
    /// Replicas before the last scale-up, when an event tells of it and nothing else is under way.
    pub scaled_from: Option<i32>,
    /// The last progress that the snapshot shows: the newest revision or pod.
    pub last_progress: Option<Seconds>,
}

/// Health of a Deployment, StatefulSet or DaemonSet that can be read.
///
/// `min_ready` is what a service file demands (0 without one).
pub fn workload(w: &Workload, memory: &Memory, evidence: &Evidence, min_ready: i32, now: Seconds) -> Verdict {
    if w.desired == 0 {
        let ends = if w.replicas > 0 { Rollout::Progressing } else { Rollout::Done };
        return if min_ready > 0 {
            Verdict::new(Health::Down).text(format!("0 wanted, at least {min_ready} demanded"))
        } else {
            Verdict { rollout: ends, ..Verdict::new(Health::Off).text("scaled to zero") }
        };
    }
    let wanted = wants_updated(w);
    let missing = w.ready < w.desired;
    let behind = behind(w, wanted);
    if !missing && !behind {
        return settled(w);
    }
    let until = memory.until(w).unwrap_or(now);
    let overdue = exceeded(w) || now > until;
    let stalled = overdue || evidence.cannot_start;
    let counts = counts(w, wanted, missing);
    let rollout = match () {
        () if w.paused => Rollout::Paused,
        () if stalled && (behind || w.ready >= memory.earlier()) => Rollout::Stalled,
        () if behind || (w.ready >= memory.earlier() && !stalled) => Rollout::Progressing,
        () => Rollout::Done,
    };
    let verdict = if w.ready == 0 {
        Verdict::new(Health::Down).text(counts)
    } else if w.ready < memory.earlier() {
        Verdict::new(Health::Degraded).text(counts)
    } else if stalled {
        let why = if overdue { "deadline passed" } else { "a new pod cannot start" };
        Verdict::new(Health::Degraded).text(format!("stalled, {why}: {counts}"))
    } else {
        Verdict::new(Health::Ok).text(format!("progressing: {counts}")).turn(Some(until.saturating_add(1)))
    };
    Verdict { rollout, ..verdict }
}

/// Everything wanted is ready; what holds updates back is said.
fn settled(w: &Workload) -> Verdict {
    let leftover = w.kind == Kind::Deployment && w.replicas > w.updated && !w.paused;
    let mut verdict = Verdict::new(Health::Ok);
    if w.paused {
        (verdict.rollout, verdict.text) = (Rollout::Paused, Some("paused".into()));
    } else if leftover {
        verdict = verdict.text(format!("{} old to go", w.replicas - w.updated));
        verdict.rollout = Rollout::Progressing;
    } else if &*w.strategy.kind == "OnDelete" && w.updated < w.desired {
        verdict = verdict.text(format!("{} of {} updated, the others when deleted", w.updated, w.desired));
    } else if let Some(partition @ 1..) = w.strategy.partition.filter(|_| w.kind == Kind::StatefulSet) {
        verdict = verdict.text(format!("partition {partition}"));
    }
    verdict
}

fn counts(w: &Workload, wanted: i32, missing: bool) -> String {
    let ready = format!("{} of {} ready", w.ready, w.desired);
    match (missing, w.updated < wanted) {
        (true, true) => format!("{ready}, {} of {wanted} updated", w.updated),
        (false, true) => format!("{} of {wanted} updated", w.updated),
        _ => ready,
    }
}

/// How many pods should have the newest template: all, fewer under a partition, none where nobody replaces them.
pub(super) fn wants_updated(w: &Workload) -> i32 {
    match &*w.strategy.kind {
        _ if w.paused => 0,
        "OnDelete" => 0,
        _ if w.kind == Kind::StatefulSet => (w.desired - w.strategy.partition.unwrap_or(0)).max(0),
        _ => w.desired,
    }
}

/// Whether the controller has work left on a new template or has not seen the wanted state yet.
pub(super) fn behind(w: &Workload, wanted: i32) -> bool {
    w.updated < wanted || w.observed_generation < w.meta.generation
}

/// How long a change may make no progress.
pub(super) fn deadline(w: &Workload) -> Seconds {
    w.progress_deadline.map_or(DEADLINE, Seconds::from)
}

/// The Deployment controller itself gave up.
fn exceeded(w: &Workload) -> bool {
    condition(&w.conditions, "Progressing").is_some_and(|c| c.status == Some(false) && &*c.reason == "ProgressDeadlineExceeded")
}
