//! kubectl's rules for a count of replicas, and the patience with each trouble.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Hope, Patience, endpoints, probes, replicas};
use crate::run::declared::ProbeAnswer;
use crate::run::facts::WorkloadFacts;
use crate::run::machine::Observed;
use crate::run::step::Fact;
use crate::target::model::{Kind, ObjectRef};

fn workload(kind: Kind, spec: i64, status: &Value) -> WorkloadFacts {
    let raw = json!({ "metadata": { "generation": 2 }, "spec": { "replicas": spec }, "status": status });
    WorkloadFacts::new(&ObjectRef::new(kind, "shop", "api"), raw)
}

fn fact(count: i64, ready: i64) -> Fact {
    Fact::Replicas { count, ready, at_least: false, rollout: true }
}

fn word(hope: &Hope) -> &'static str {
    match hope {
        Hope::Settled(Observed::Proven(_)) => "proven",
        Hope::Settled(Observed::Waiting(_)) => "waiting",
        Hope::Settled(Observed::Hopeless(_)) => "hopeless",
        Hope::Settled(Observed::Moved(_)) => "moved",
        Hope::Settled(Observed::Unreadable(_)) => "unreadable",
        Hope::NoRoom { .. } => "no room",
        Hope::NoPods { .. } => "no pods",
    }
}

#[test]
fn a_count_is_proven_by_kubectls_rollout_rules() {
    let status = |observed: i64, replicas: i64, updated: i64, ready: i64, available: i64| json!({ "observedGeneration": observed, "replicas": replicas, "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": available });
    for (spec, status, fact, expected) in [
        (5, status(2, 5, 5, 5, 5), fact(5, 5), "proven"),
        (5, status(1, 5, 5, 5, 5), fact(5, 5), "waiting"),
        (5, status(2, 5, 5, 4, 4), fact(5, 5), "waiting"),
        (5, status(2, 5, 5, 5, 4), fact(5, 5), "waiting"),
        (5, status(2, 5, 4, 5, 5), fact(5, 5), "waiting"),
        (5, status(2, 6, 5, 6, 6), fact(5, 5), "waiting"),
        (7, status(2, 7, 7, 7, 7), fact(5, 5), "moved"),
        (7, status(2, 7, 7, 7, 7), Fact::Replicas { count: 5, ready: 5, at_least: true, rollout: true }, "proven"),
        (5, status(2, 5, 1, 5, 5), Fact::Replicas { count: 5, ready: 5, at_least: false, rollout: false }, "proven"),
        (0, status(2, 1, 1, 0, 0), fact(0, 0), "waiting"),
        (0, json!({ "observedGeneration": 2 }), fact(0, 0), "proven"),
        (3, status(2, 3, 3, 2, 2), fact(3, 2), "proven"),
        (3, status(2, 3, 3, 1, 1), fact(3, 2), "waiting"),
    ] {
        let found = replicas(&workload(Kind::Deployment, spec, &status), &[], &fact, &mut Patience::default(), Duration::ZERO);
        assert_eq!(word(&found), expected, "{spec} {status} {fact:?}");
    }
}

#[test]
fn a_pod_that_is_ready_and_was_restarted_since_the_last_look_is_told_once() {
    let pod = |restarts: i64, ready: &str| {
        json!({ "metadata": { "name": "api-1" }, "status": { "conditions": [{ "type": "Ready", "status": ready }],
        "containerStatuses": [{ "name": "app", "restartCount": restarts }] } })
    };
    let mut patience = Patience::default();
    let mut look = |restarts, ready| patience.restarted(&[pod(restarts, ready)]);
    assert_eq!(look(7, "True"), None, "what was before the first look is forgiven");
    assert_eq!(look(8, "True"), Some("api-1".to_owned()));
    assert_eq!(look(8, "True"), None);
    assert_eq!(look(9, "False"), None, "one that is not ready proves nothing anyway");
}

#[test]
fn a_stateful_set_that_keeps_old_pods_at_will_is_proven_without_new_ones() {
    let raw = json!({ "metadata": { "generation": 2 }, "spec": { "replicas": 2, "updateStrategy": { "type": "OnDelete" } },
        "status": { "observedGeneration": 2, "replicas": 2, "readyReplicas": 2, "availableReplicas": 2, "currentRevision": "a", "updateRevision": "b" } });
    let set = WorkloadFacts::new(&ObjectRef::new(Kind::StatefulSet, "shop", "db"), raw);
    assert_eq!(word(&replicas(&set, &[], &fact(2, 2), &mut Patience::default(), Duration::ZERO)), "proven");
}

#[test]
fn each_trouble_has_its_patience_and_a_trouble_that_went_away_starts_over() {
    let short = workload(Kind::Deployment, 5, &json!({ "observedGeneration": 2, "replicas": 5, "readyReplicas": 4 }));
    let quota = workload(
        Kind::Deployment,
        5,
        &json!({ "observedGeneration": 2, "replicas": 4, "readyReplicas": 4,
        "conditions": [{ "type": "ReplicaFailure", "status": "True", "message": "exceeded quota" }] }),
    );
    let set = workload(Kind::StatefulSet, 5, &json!({ "observedGeneration": 2, "replicas": 4, "readyReplicas": 4 }));
    let waiting = |reason: &str, restarts: i64| json!({ "metadata": { "name": "p" }, "status": { "containerStatuses": [{ "name": "c", "restartCount": restarts, "state": { "waiting": { "reason": reason } } }] } });
    let homeless = json!({ "metadata": { "name": "p" }, "status": { "conditions": [
        { "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1" }] } });
    for (workload, pod, seconds, before, after) in [
        (&short, Some(homeless), 30, "waiting", "no room"),
        (&short, Some(waiting("ImagePullBackOff", 0)), 20, "waiting", "hopeless"),
        (&short, Some(waiting("ErrImageNeverPull", 0)), 3, "waiting", "hopeless"),
        (&short, Some(waiting("CrashLoopBackOff", 3)), 0, "hopeless", "hopeless"),
        (&short, Some(waiting("CrashLoopBackOff", 2)), 200, "waiting", "waiting"),
        (&short, Some(waiting("ContainerCreating", 0)), 200, "waiting", "waiting"),
        (&quota, None, 5, "waiting", "hopeless"),
        (&set, None, 5, "waiting", "no pods"),
    ] {
        let pods: Vec<Value> = pod.into_iter().collect();
        let mut patience = Patience::default();
        let mut look = |pods: &[Value], at: u64| word(&replicas(workload, pods, &fact(5, 5), &mut patience, Duration::from_secs(at)));
        assert_eq!(look(&pods, 100), before, "{pods:?}");
        assert_eq!(look(&pods, 100 + seconds), after, "{pods:?}");
    }
    let mut patience = Patience::default();
    let mut look = |pods: &[Value], at: u64| word(&replicas(&short, pods, &fact(5, 5), &mut patience, Duration::from_secs(at)));
    let pulling = [waiting("ErrImagePull", 0)];
    assert_eq!((look(&pulling, 0), look(&[], 15), look(&pulling, 25)), ("waiting", "waiting", "waiting"));
}

#[test]
fn what_crashed_before_the_run_is_no_verdict_on_it() {
    let now: jiff::Timestamp = "2027-01-15T08:00:00Z".parse().unwrap();
    let crashing = |name: &str, made: &str, restarts: i64| {
        let status = json!({ "name": "c", "restartCount": restarts, "state": { "waiting": { "reason": "CrashLoopBackOff" } } });
        json!({ "metadata": { "name": name, "creationTimestamp": made }, "status": { "phase": "Running", "containerStatuses": [status] } })
    };
    let (old, new) = ("2027-01-15T07:00:00Z", "2027-01-15T08:00:00Z");
    let deployment = workload(Kind::Deployment, 4, &json!({ "observedGeneration": 1, "replicas": 4, "readyReplicas": 0 }));
    let mut patience = Patience::default();
    patience.meet(&[crashing("web-1", old, 5), crashing("web-2", new, 0)], now);
    let mut look = |pods: &[Value]| word(&replicas(&deployment, pods, &fact(4, 4), &mut patience, Duration::ZERO));
    assert_eq!(look(&[crashing("web-1", old, 5)]), "waiting");
    assert_eq!(look(&[crashing("web-1", old, 7)]), "waiting");
    assert_eq!(look(&[crashing("web-1", old, 8)]), "hopeless", "it crashed three times more");
    assert_eq!(look(&[crashing("web-2", new, 3)]), "hopeless", "what the run made has no past");
}

#[test]
fn of_many_pods_those_are_told_first_that_say_most() {
    let pod = |name: String, conditions: Value| json!({ "metadata": { "name": name }, "status": { "phase": "Pending", "conditions": conditions } });
    let refused =
        json!([{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Too many pods." }]);
    let mut pods: Vec<Value> = (0..20).map(|n| pod(format!("web-a{n:02}"), json!([]))).collect();
    pods.push(pod("web-z".to_owned(), refused));
    let status = json!({ "observedGeneration": 1, "replicas": 21, "readyReplicas": 0 });
    let found = replicas(&workload(Kind::Deployment, 30, &status), &pods, &fact(30, 30), &mut Patience::default(), Duration::ZERO);
    let Hope::Settled(Observed::Waiting(progress)) = found else { panic!("it waits") };
    assert!(progress.details[0].starts_with("web-z  ") && progress.details[0].contains("Too many pods"), "{:?}", progress.details);
    assert_eq!(progress.details.len(), 5);
}

#[test]
fn endpoints_are_counted_once_for_each_of_our_ready_pods() {
    let slice =
        |service: &str, endpoints: Value| json!({ "metadata": { "labels": { "kubernetes.io/service-name": service } }, "endpoints": endpoints });
    let end = |pod: &str, conditions: Value| json!({ "targetRef": { "name": pod }, "conditions": conditions });
    let own = ["a".to_owned(), "b".to_owned()];
    let services = ["web".to_owned()];
    let both = slice("web", json!([end("a", json!({ "ready": true })), end("b", json!({}))]));
    let again = slice("web", json!([end("a", json!({ "ready": true }))]));
    let foreign = slice("web", json!([end("x", json!({ "ready": true }))]));
    let other = slice("api", json!([end("b", json!({ "ready": true }))]));
    let going = slice("web", json!([end("b", json!({ "ready": true, "terminating": true }))]));
    for (slices, count, proven) in [
        (vec![both.clone()], 2, true),
        (vec![both.clone(), again.clone()], 2, true),
        (vec![again.clone(), foreign.clone()], 2, false),
        (vec![again.clone(), other], 2, false),
        (vec![again.clone(), going], 2, false),
        (vec![foreign], 0, true),
        (vec![again], 0, false),
    ] {
        let found = endpoints(&slices, &own, &services, count, false);
        assert_eq!(matches!(found, Observed::Proven(_)), proven, "{slices:?} {count}: {found:?}");
    }
}

#[test]
fn a_probe_that_is_unknown_is_not_green() {
    let ids = ["health".to_owned(), "tls".to_owned()];
    let ok = || ProbeAnswer::Ok("200".into());
    assert!(matches!(probes(&ids, &[ok(), ok()]), Observed::Proven(_)));
    for bad in [ProbeAnswer::Unknown("timeout".into()), ProbeAnswer::Failed("500".into())] {
        assert!(matches!(probes(&ids, &[ok(), bad.clone()]), Observed::Waiting(_)), "{bad:?}");
    }
}
