//! Whether every pod is of the template that is meant: kubectl's rollout rules, pinned to one template.
//!
//! Owns those rules, and what ends the hope before the deadline. Pods of other templates are none of its business. Pure.

use std::time::Duration;

use serde_json::Value;

use super::judge::{Hope, Patience, cannot_make, details, hope, troubled, words};
use super::{GRACE_CANNOT_START, GRACE_QUOTA};
use crate::run::event::Progress;
use crate::run::facts::{PodFacts, Trouble, WorkloadFacts, int, text};
use crate::run::machine::Observed;
use crate::run::step::{Pin, alike, shown};
use crate::run::word::Word;
use crate::target::model::Kind;

/// How long the controller's own word that it gives up must stand: the one before may still be there for a moment.
const GRACE_DEADLINE: Duration = Duration::from_secs(5);

pub(super) fn judge(workload: &WorkloadFacts, pods: &[Value], pin: &Pin, ready: Option<i64>, patience: &mut Patience, now: Duration) -> Hope {
    patience.begin(now);
    let null = Value::Null;
    let is = workload.raw.pointer(pin.pointer).unwrap_or(&null);
    if !alike(is, &pin.value) {
        let what =
            if is.is_object() { "its pod template is another one now".to_owned() } else { format!("its mark is {} now", shown(pin.pointer, is)) };
        return Hope::Settled(Observed::Moved(what));
    }
    let there: Vec<PodFacts<'_>> = pods.iter().map(PodFacts::of).filter(|p| !p.over()).collect();
    let (ending, live): (Vec<_>, Vec<_>) = there.into_iter().partition(|p| p.deleting());
    let bears = |p: &PodFacts<'_>, mark: &Option<(Word, String)>| mark.as_ref().map(|(pointer, value)| p.bears(pointer, value));
    let of_it = |p: &PodFacts<'_>| bears(p, &pin.pod) != Some(false) && bears(p, &pin.left) != Some(true);
    let (new, old): (Vec<_>, Vec<_>) = live.into_iter().partition(of_it);
    let wanted = workload.wanted();
    let enough = ready.unwrap_or(wanted).min(wanted);
    let waits = waits(workload, wanted, enough, ready.is_none(), old.len());
    let Some(text) = waits else {
        let text = match ready {
            None => format!("{wanted} of {wanted} pods are of this template and available"),
            Some(_) => format!("{} of {wanted} pods ready, as before", workload.ready()),
        };
        return Hope::Settled(Observed::Proven(text));
    };
    let mut troubled = troubled(&new);
    patience.forgive(&mut troubled);
    let mut details = details(&troubled);
    details.extend(in_the_way(workload, &old));
    let done = workload.updated().min(workload.available()).min(wanted);
    let gave_up = workload.observed() && workload.condition("Progressing", "False").is_some_and(|(reason, _)| reason == "ProgressDeadlineExceeded");
    let progress = Progress { done: Some(done), of: Some(wanted), text, details };
    if gave_up {
        let pod = troubled.first().map(|(name, trouble)| format!("pod {name}: {}", words(trouble)));
        let why = pod.or_else(|| cannot_make(workload)).map(|why| format!(": {why}")).unwrap_or_default();
        if patience.over("deadline", GRACE_DEADLINE, now) {
            return Hope::Settled(Observed::Hopeless(format!("ProgressDeadlineExceeded{why}")));
        }
        return Hope::Settled(Observed::Waiting(progress));
    }
    if !workload.observed() {
        return Hope::Settled(Observed::Waiting(progress));
    }
    if let Some(limit) = deadline(workload).filter(|limit| patience.stalled(far(workload), now) >= *limit + 2 * GRACE_DEADLINE) {
        let pod = troubled.first().map(|(name, trouble)| format!(": pod {name}: {}", words(trouble))).unwrap_or_default();
        return Hope::Settled(Observed::Hopeless(format!("no progress within {} s, its progressDeadlineSeconds{pod}", limit.as_secs())));
    }
    hope(workload, short(workload, wanted, ending.is_empty()), &troubled, progress, patience, now)
}

/// How long a Deployment may stand still. Its controller's own word is heard first, but it has none when a rollout returns to a revision
/// in the moment in which another one was done: it takes the old one's end for the new one's then.
fn deadline(workload: &WorkloadFacts) -> Option<Duration> {
    let seconds = int(&workload.raw, "/spec/progressDeadlineSeconds").and_then(|s| u64::try_from(s).ok())?;
    (workload.reference.kind == Kind::Deployment && !workload.paused()).then(|| Duration::from_secs(seconds))
}

fn far(workload: &WorkloadFacts) -> [i64; 3] {
    [workload.updated(), workload.available(), workload.replicas()]
}

/// Pods of another template that a StatefulSet will not replace by itself: it does nothing while one of its pods is not ready.
fn in_the_way(workload: &WorkloadFacts, old: &[PodFacts<'_>]) -> Vec<String> {
    if workload.reference.kind != Kind::StatefulSet || text(&workload.raw, "/spec/podManagementPolicy") == "Parallel" {
        return Vec::new();
    }
    let stuck = troubled(old).into_iter().filter(|(_, trouble)| !matches!(trouble, Trouble::Waiting(_)));
    let say = |(name, trouble): (String, Trouble)| {
        format!("{name}  of another template, and replaced only once it is ready or deleted: {}", words(&trouble))
    };
    stuck.take(1).map(say).collect()
}

/// How long pods may be missing. A quota has room again when the next old pod is gone, and the controller of a Deployment tries again
/// in its own time then.
fn short(workload: &WorkloadFacts, wanted: i64, none_ends: bool) -> Option<Duration> {
    let (few, grace) = match workload.reference.kind {
        Kind::Deployment => (workload.updated() < wanted, GRACE_CANNOT_START),
        _ => (workload.replicas() < wanted, GRACE_QUOTA),
    };
    (few && none_ends).then_some(grace)
}

/// What is still to come, in kubectl's order; `None` when nothing is.
fn waits(workload: &WorkloadFacts, wanted: i64, enough: i64, all: bool, old: usize) -> Option<String> {
    let (updated, available) = (workload.updated(), workload.available());
    if !workload.observed() {
        return Some("the controller has not seen the change yet".to_owned());
    }
    if !all {
        return (workload.ready() < enough).then(|| format!("{}/{enough} ready", workload.ready()));
    }
    // A finished StatefulSet counts no updated pods any more: its revisions are the same then.
    let behind = match workload.reference.kind {
        Kind::StatefulSet => workload.rollout().is_some() || workload.revisions_differ(),
        _ => updated < wanted,
    };
    if behind {
        return Some(format!("{updated}/{wanted} from the new template"));
    }
    if workload.replicas() > wanted {
        return Some(format!("{} old pods are ending", workload.replicas() - wanted));
    }
    if available < wanted || workload.ready() < wanted {
        return Some(format!("{}/{wanted} available", available.min(workload.ready())));
    }
    (old > 0).then(|| format!("{old} pods of another template are still there"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{Hope, Patience, judge};
    use crate::run::facts::WorkloadFacts;
    use crate::run::machine::Observed;
    use crate::run::step::Pin;
    use crate::target::model::{Kind, ObjectRef};

    const HASH: &str = "/metadata/labels/pod-template-hash";

    fn deployment(status: &Value) -> WorkloadFacts {
        let raw = json!({ "metadata": { "generation": 2 }, "spec": { "replicas": 2, "template": { "a": 1 } }, "status": status });
        WorkloadFacts::new(&ObjectRef::new(Kind::Deployment, "shop", "api"), raw)
    }

    fn pin(value: Value) -> Pin {
        Pin { pointer: "/spec/template", value, pod: Some((HASH, "good".to_owned())), left: None }
    }

    fn pod(name: &str, hash: &str, waiting: &str) -> Value {
        let state = if waiting.is_empty() { json!({ "running": {} }) } else { json!({ "waiting": { "reason": waiting, "message": "m" } }) };
        json!({ "metadata": { "name": name, "labels": { "pod-template-hash": hash } }, "status": { "conditions":
            [{ "type": "Ready", "status": if waiting.is_empty() { "True" } else { "False" } }], "containerStatuses": [{ "name": "c", "state": state }] } })
    }

    fn observed(workload: &WorkloadFacts, pods: &[Value], pin: &Pin, patience: &mut Patience, second: u64) -> Observed {
        match judge(workload, pods, pin, None, patience, Duration::from_secs(second)) {
            Hope::Settled(observed) => observed,
            Hope::NoRoom { progress, .. } | Hope::NoPods { progress } => Observed::Waiting(progress),
        }
    }

    fn status(replicas: i64, updated: i64, available: i64) -> Value {
        json!({ "observedGeneration": 2, "replicas": replicas, "updatedReplicas": updated, "readyReplicas": available, "availableReplicas": available })
    }

    #[test]
    fn it_is_proven_only_when_all_pods_are_of_the_template_and_available() {
        let pin = pin(json!({ "a": 1 }));
        let good = [pod("a", "good", ""), pod("b", "good", "")];
        let waits = |status: &Value, pods: &[Value]| match observed(&deployment(status), pods, &pin, &mut Patience::default(), 0) {
            Observed::Waiting(progress) => progress.text,
            other => format!("{other:?}"),
        };
        assert!(matches!(observed(&deployment(&status(2, 2, 2)), &good, &pin, &mut Patience::default(), 0), Observed::Proven(_)));
        assert_eq!(waits(&json!({ "observedGeneration": 1 }), &good), "the controller has not seen the change yet");
        assert_eq!(waits(&status(3, 1, 2), &good), "1/2 from the new template");
        assert_eq!(waits(&status(3, 2, 2), &good), "1 old pods are ending");
        assert_eq!(waits(&status(2, 2, 1), &good), "1/2 available");
        assert_eq!(waits(&status(2, 2, 2), &[pod("a", "good", ""), pod("b", "bad", "")]), "1 pods of another template are still there");
    }

    #[test]
    fn another_template_in_its_place_is_somebody_elses_doing() {
        let found = observed(&deployment(&status(2, 2, 2)), &[], &pin(json!({ "a": 2 })), &mut Patience::default(), 0);
        assert_eq!(found, Observed::Moved("its pod template is another one now".to_owned()));
    }

    #[test]
    fn a_new_pod_that_cannot_start_ends_the_hope_and_an_old_one_does_not() {
        let pin = pin(json!({ "a": 1 }));
        let (rolling, mut patience) = (deployment(&status(3, 1, 2)), Patience::default());
        let old = [pod("old", "bad", "ImagePullBackOff")];
        let new = [pod("new", "good", "ImagePullBackOff")];
        for second in [0, 60] {
            assert!(matches!(observed(&rolling, &old, &pin, &mut patience, second), Observed::Waiting(_)));
        }
        assert!(matches!(observed(&rolling, &new, &pin, &mut patience, 61), Observed::Waiting(_)), "a registry may come back");
        let Observed::Hopeless(why) = observed(&rolling, &new, &pin, &mut patience, 90) else { unreachable!("hopeless") };
        assert_eq!(why, "pod new: container c: ImagePullBackOff: m");
    }

    #[test]
    fn new_pods_that_cannot_be_made_end_the_hope_with_the_cause_once_no_old_one_ends() {
        let pin = pin(json!({ "a": 1 }));
        let mut status = status(2, 0, 2);
        status["conditions"] = json!([{ "type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small" }]);
        let old = [pod("old", "bad", ""), pod("older", "bad", "")];
        let mut ending = old.clone();
        ending[1]["metadata"]["deletionTimestamp"] = json!("2026-11-22T14:33:12Z");
        let (stuck, mut patience) = (deployment(&status), Patience::default());
        for second in [0, 60] {
            assert!(matches!(observed(&stuck, &ending, &pin, &mut patience, second), Observed::Waiting(_)), "it makes room when it is gone");
        }
        assert!(matches!(observed(&stuck, &old, &pin, &mut patience, 61), Observed::Waiting(_)));
        let Observed::Hopeless(why) = observed(&stuck, &old, &pin, &mut patience, 81) else { unreachable!("hopeless") };
        assert_eq!(why, "pods cannot be made: exceeded quota: small");
        let gave_up = json!({ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded" });
        status["conditions"].as_array_mut().expect("a list").push(gave_up);
        let (late, mut patience) = (deployment(&status), Patience::default());
        assert!(matches!(observed(&late, &old, &pin, &mut patience, 0), Observed::Waiting(_)));
        let found = observed(&late, &old, &pin, &mut patience, 6);
        assert_eq!(found, Observed::Hopeless("ProgressDeadlineExceeded: pods cannot be made: exceeded quota: small".to_owned()));
    }

    #[test]
    fn a_rollout_that_stands_still_for_longer_than_its_deadline_ends_the_hope_without_the_controllers_word() {
        let mut raw = json!({ "metadata": { "generation": 2 }, "spec": { "replicas": 2, "template": { "a": 1 }, "progressDeadlineSeconds": 30 } });
        raw["status"] = status(3, 1, 2);
        raw["status"]["conditions"] = json!([{ "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" }]);
        let of = |raw: &Value| WorkloadFacts::new(&ObjectRef::new(Kind::Deployment, "shop", "api"), raw.clone());
        let (pin, mut patience) = (pin(json!({ "a": 1 })), Patience::default());
        let pods = [pod("new", "good", "ContainerCreating")];
        for second in [0, 39] {
            assert!(matches!(observed(&of(&raw), &pods, &pin, &mut patience, second), Observed::Waiting(_)), "{second}");
        }
        raw["status"]["updatedReplicas"] = 2.into();
        for second in [40, 79] {
            assert!(matches!(observed(&of(&raw), &pods, &pin, &mut patience, second), Observed::Waiting(_)), "it went on: {second}");
        }
        let Observed::Hopeless(why) = observed(&of(&raw), &pods, &pin, &mut patience, 80) else { unreachable!("hopeless") };
        assert_eq!(why, "no progress within 30 s, its progressDeadlineSeconds: pod new: container c: ContainerCreating");
    }

    #[test]
    fn a_broken_pod_that_a_stateful_set_waits_for_is_said() {
        let raw = json!({ "metadata": { "generation": 2 }, "spec": { "replicas": 1, "template": { "a": 1 } },
            "status": { "observedGeneration": 2, "replicas": 1, "currentRevision": "db-1", "updateRevision": "db-2" } });
        let set = |policy: &str| {
            let mut raw = raw.clone();
            raw["spec"]["podManagementPolicy"] = policy.into();
            WorkloadFacts::new(&ObjectRef::new(Kind::StatefulSet, "shop", "db"), raw)
        };
        let old = [pod("db-0", "bad", "ImagePullBackOff")];
        for (policy, told) in [("OrderedReady", 1), ("Parallel", 0)] {
            let found = observed(&set(policy), &old, &pin(json!({ "a": 1 })), &mut Patience::default(), 0);
            let Observed::Waiting(progress) = found else { unreachable!("waiting") };
            assert_eq!(progress.details.len(), told, "{policy}: {progress:?}");
        }
    }

    #[test]
    fn the_controllers_own_word_ends_it_with_the_root_cause() {
        let mut status = status(3, 1, 2);
        status["conditions"] = json!([{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded" }]);
        let (stalled, pin, mut patience) = (deployment(&status), pin(json!({ "a": 1 })), Patience::default());
        let pods = [pod("new", "good", "ContainerCreating")];
        assert!(matches!(observed(&stalled, &pods, &pin, &mut patience, 0), Observed::Waiting(_)));
        let found = observed(&stalled, &pods, &pin, &mut patience, 6);
        assert_eq!(found, Observed::Hopeless("ProgressDeadlineExceeded: pod new: container c: ContainerCreating".to_owned()));
    }
}
