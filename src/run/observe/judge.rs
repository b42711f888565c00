//! The judgement over what was read: proven, on its way, or hopeless with its root cause.
//!
//! Owns kubectl's rollout rules for a count of replicas, and the patience with each kind of trouble. Pure.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{GRACE_CANNOT_START, GRACE_FOR_GOOD, GRACE_NO_ROOM, GRACE_QUOTA, HOPELESS_RESTARTS, ready_pods};
use crate::run::declared::ProbeAnswer;
use crate::run::event::Progress;
use crate::run::facts::{PodFacts, Trouble, WorkloadFacts, text};
use crate::run::machine::Observed;
use crate::run::step::Fact;
use crate::target::model::Kind;

/// Since when each trouble has lasted, on the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Patience {
    since: HashMap<String, Duration>,
    began: Option<Duration>,
    /// Restarts that pods had when they were met, at the first look.
    met: Option<HashMap<String, i64>>,
    /// Restarts that pods had at the last look.
    last: HashMap<String, i64>,
    /// How far a rollout was at the last look, and since when.
    far: Option<([i64; 3], Duration)>,
}

/// A pod that is older than this at the first look was there before the run's write.
const WAS_THERE: SignedDuration = SignedDuration::from_secs(10);

impl Patience {
    /// Whether `trouble` has lasted longer than `grace`. Troubles that are not named in a round are forgotten by `keep`.
    pub(super) fn over(&mut self, trouble: &str, grace: Duration, now: Duration) -> bool {
        let since = *self.since.entry(trouble.to_owned()).or_insert(now);
        now.saturating_sub(since) >= grace
    }

    pub(super) fn keep(&mut self, named: &HashSet<String>) {
        self.since.retain(|trouble, _| named.contains(trouble));
    }

    /// Remembers how often pods that were there before had been restarted: a workload is scaled up because its pods crash, and how they
    /// crashed before says nothing about how it goes on.
    pub(super) fn meet(&mut self, pods: &[Value], now: Timestamp) {
        let was_there = |p: &PodFacts<'_>| p.created().is_some_and(|at| now.duration_since(at) > WAS_THERE);
        self.met
            .get_or_insert_with(|| pods.iter().map(PodFacts::of).filter(was_there).map(|p| (p.name(), p.restarts())).collect());
    }

    /// Takes restarts off that are older than the run.
    pub(super) fn forgive(&self, troubled: &mut [(String, Trouble)]) {
        for (pod, trouble) in troubled {
            if let (Trouble::Crashing { restarts, .. }, Some(before)) = (trouble, self.met.as_ref().and_then(|met| met.get(pod))) {
                *restarts -= before;
            }
        }
    }

    /// The first pod that is ready and was restarted since the last look. A container that ends and is started again at once is ready
    /// in between for as long as anybody looks: only its restarts tell.
    pub(super) fn restarted(&mut self, pods: &[Value]) -> Option<String> {
        let pods: Vec<PodFacts<'_>> = pods.iter().map(PodFacts::of).collect();
        let more = |p: &&PodFacts<'_>| self.last.get(&p.name()).is_some_and(|before| p.restarts() > *before);
        let found = pods.iter().filter(more).find(|p| p.ready()).map(|p| p.name());
        self.last = pods.iter().map(|p| (p.name(), p.restarts())).collect();
        found
    }

    /// For how long a rollout has been no further than now.
    pub(super) fn stalled(&mut self, far: [i64; 3], now: Duration) -> Duration {
        let since = self.far.filter(|(before, _)| *before == far).map_or(now, |(_, since)| since);
        self.far = Some((far, since));
        now.saturating_sub(since)
    }

    pub(super) fn begin(&mut self, now: Duration) {
        self.began.get_or_insert(now);
    }

    pub(super) fn waited(&self, now: Duration) -> Duration {
        now.saturating_sub(self.began.unwrap_or(now))
    }
}

/// What the counts and pods say; two answers need one more read.
pub(super) enum Hope {
    Settled(Observed),
    NoRoom { pod: String, reason: String, progress: Progress },
    NoPods { progress: Progress },
}

pub(super) fn replicas(workload: &WorkloadFacts, pods: &[Value], fact: &Fact, patience: &mut Patience, now: Duration) -> Hope {
    let Fact::Replicas { count, ready, at_least, rollout } = *fact else {
        return Hope::Settled(Observed::Unreadable("not a count of replicas".to_owned()));
    };
    patience.begin(now);
    let wanted = workload.wanted();
    if wanted != count && !(at_least && wanted > count) {
        return Hope::Settled(Observed::Moved(format!("replicas are {wanted} now, not {count}")));
    }
    if let Some(text) = proven(workload, count, ready, rollout) {
        return Hope::Settled(Observed::Proven(text));
    }
    let live: Vec<PodFacts<'_>> = pods.iter().map(PodFacts::of).filter(|p| !p.over() && !p.deleting()).collect();
    let mut troubled = troubled(&live);
    patience.forgive(&mut troubled);
    let progress = progress(workload, count, ready, rollout, &troubled);
    if workload.ready() >= ready && count >= ready && workload.replicas() >= count {
        return Hope::Settled(Observed::Waiting(progress));
    }
    let short = (workload.replicas() < count).then_some(GRACE_QUOTA);
    hope(workload, short, &troubled, progress, patience, now)
}

/// The observed fact, when it holds: the controller has seen the count, so many pods are there, ready, available and, where the
/// rollout rules count, from the newest template.
fn proven(workload: &WorkloadFacts, count: i64, ready: i64, rollout: bool) -> Option<String> {
    let all = ready >= count;
    let there = if all { workload.replicas() >= count && workload.replicas() <= workload.wanted() } else { workload.replicas() <= count };
    let available = !all || workload.available() >= count;
    let rolled = !rollout || !all || (rolled_out(workload, count) && workload.rollout().is_none());
    if !(workload.observed() && there && workload.ready() >= ready && available && rolled) {
        return None;
    }
    Some(if count == 0 { "no pod is left".to_owned() } else { format!("{} of {} pods ready", workload.ready(), workload.wanted()) })
}

/// kubectl counts the newest template's pods of a Deployment alone: a StatefulSet with OnDelete keeps old ones at will.
fn rolled_out(workload: &WorkloadFacts, count: i64) -> bool {
    workload.reference.kind != Kind::Deployment || workload.updated() >= count
}

fn progress(workload: &WorkloadFacts, count: i64, ready: i64, rollout: bool, troubled: &[(String, Trouble)]) -> Progress {
    let text = if !workload.observed() {
        "the controller has not seen the change yet".to_owned()
    } else if workload.replicas() > workload.wanted() {
        format!("{} pods, {} wanted", workload.replicas(), workload.wanted())
    } else if workload.ready() < ready {
        format!("{}/{ready} ready", workload.ready())
    } else if workload.available() < count && ready >= count {
        format!("{}/{count} available", workload.available())
    } else if rollout {
        format!("{}/{count} from the newest template", workload.updated())
    } else {
        format!("{}/{count} there", workload.replicas())
    };
    Progress { done: Some(workload.ready().min(count)), of: Some(count), text, details: details(troubled) }
}

/// Pods that are not ready and why, the worst first: of a thousand, five are told, and those must be the ones that say most.
pub(super) fn troubled(pods: &[PodFacts<'_>]) -> Vec<(String, Trouble)> {
    let rank = |trouble: &Trouble| match trouble {
        Trouble::Crashing { .. } => 0,
        Trouble::CannotStart { .. } => 1,
        Trouble::Unschedulable(_) => 2,
        Trouble::Waiting(_) => 3,
    };
    let mut found: Vec<(String, Trouble)> = pods.iter().filter_map(|p| Some((p.name(), p.trouble()?))).collect();
    found.sort_by_key(|(_, trouble)| rank(trouble));
    found
}

/// The first of them in words, one pod each.
pub(super) fn details(troubled: &[(String, Trouble)]) -> Vec<String> {
    troubled.iter().take(5).map(|(name, trouble)| format!("{name}  {}", words(trouble))).collect()
}

pub(super) fn words(trouble: &Trouble) -> &str {
    match trouble {
        Trouble::Unschedulable(message) | Trouble::Waiting(message) | Trouble::CannotStart { message, .. } | Trouble::Crashing { message, .. } => {
            message
        }
    }
}

/// Why the controller cannot make the pods that it should, in its own words.
pub(super) fn cannot_make(workload: &WorkloadFacts) -> Option<String> {
    workload.condition("ReplicaFailure", "True").map(|(_, message)| format!("pods cannot be made: {message}"))
}

/// Whether what is in the way has lasted long enough to say that it will not go away; `short` = pods are missing, and how long it may be so.
pub(super) fn hope(
    workload: &WorkloadFacts,
    short: Option<Duration>,
    troubled: &[(String, Trouble)],
    progress: Progress,
    patience: &mut Patience,
    now: Duration,
) -> Hope {
    let mut named = HashSet::new();
    let mut lasted = |key: String, grace: Duration| {
        let over = patience.over(&key, grace, now);
        named.insert(key);
        over
    };
    let mut found = None;
    if let Some((why, grace)) = cannot_make(workload).zip(short) {
        if lasted("replica-failure".into(), grace) {
            found = Some(Hope::Settled(Observed::Hopeless(why)));
        }
    } else if short.is_some() && workload.reference.kind == Kind::StatefulSet && lasted("no-pods".into(), GRACE_QUOTA) {
        found = Some(Hope::NoPods { progress: progress.clone() });
    }
    for (name, trouble) in troubled {
        let over = too_long(name, trouble, &mut |key, grace| lasted(key.to_owned(), grace));
        if !over || found.is_some() {
            continue;
        }
        found = Some(match trouble {
            Trouble::Unschedulable(message) => {
                Hope::NoRoom { pod: name.clone(), reason: format!("no node takes pod {name}: {message}"), progress: progress.clone() }
            }
            other => Hope::Settled(Observed::Hopeless(format!("pod {name}: {}", words(other)))),
        });
    }
    patience.keep(&named);
    found.unwrap_or(Hope::Settled(Observed::Waiting(progress)))
}

/// Whether a pod's trouble has lasted too long to go away by itself.
pub(super) fn too_long(name: &str, trouble: &Trouble, lasted: &mut impl FnMut(&str, Duration) -> bool) -> bool {
    match trouble {
        Trouble::Unschedulable(_) => lasted(&format!("room:{name}"), GRACE_NO_ROOM),
        Trouble::CannotStart { for_good: true, .. } => lasted(&format!("start:{name}"), GRACE_FOR_GOOD),
        Trouble::CannotStart { .. } => lasted(&format!("start:{name}"), GRACE_CANNOT_START),
        Trouble::Crashing { restarts, .. } => *restarts >= HOPELESS_RESTARTS,
        Trouble::Waiting(_) => false,
    }
}

/// Whether `count` of the pods `own` are ready endpoints of each Service.
pub(super) fn endpoints(slices: &[Value], own: &[String], services: &[String], count: i64, at_least: bool) -> Observed {
    let ready = |service: &String| {
        let of = slices.iter().filter(|s| text(s, "/metadata/labels/kubernetes.io~1service-name") == *service);
        let pods: HashSet<String> = of.flat_map(ready_pods).filter(|p| own.contains(p)).collect();
        count_of(pods.len())
    };
    let counts: Vec<(&String, i64)> = services.iter().map(|s| (s, ready(s))).collect();
    let holds = |n: i64| n == count || (at_least && n > count);
    let words = counts.iter().map(|(s, n)| format!("{n}/{count} endpoints in {s}")).collect::<Vec<_>>().join(", ");
    if counts.iter().all(|(_, n)| holds(*n)) {
        return Observed::Proven(words);
    }
    let done = counts.iter().map(|(_, n)| *n).min();
    Observed::Waiting(Progress { done, of: Some(count), text: format!("endpoints {words}"), details: Vec::new() })
}

fn count_of(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Whether every probe is green.
pub(super) fn probes(ids: &[String], answers: &[ProbeAnswer]) -> Observed {
    let mut details = Vec::new();
    let mut green = 0;
    for (id, answer) in ids.iter().zip(answers) {
        match answer {
            ProbeAnswer::Ok(_) => green += 1,
            ProbeAnswer::Failed(why) => details.push(format!("{id} failed: {why}")),
            ProbeAnswer::Unknown(why) => details.push(format!("{id} unknown: {why}")),
        }
    }
    if details.is_empty() {
        return Observed::Proven(format!("{} green", ids.join(", ")));
    }
    let of = count_of(ids.len());
    Observed::Waiting(Progress { done: Some(green), of: Some(of), text: format!("{green}/{of} probes green"), details })
}

/// When an event was last seen, in seconds since 1970.
pub(super) fn last_seen(event: &Value) -> Option<i64> {
    let at = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"]
        .into_iter()
        .map(|p| text(event, p))
        .find(|t| !t.is_empty())?;
    at.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests;
