//! Rows as an operator sees them after events, and that only what changed is judged again.

use crate::base::health::Health;
use crate::fleet::health::{Endpoints, Rollout};
use crate::fleet::testing::{
    NOW, applied, at, broken, condition, container, ended, event_about, fleet, labels, meta, now, owner, pod, pod_of, replica_set, running, service,
    slice, stream, terminated, waiting, workload,
};
use crate::fleet::{Fleet, Trouble, WorkloadKey, WorkloadKind, WorkloadRow};
use crate::target::api::ErrorKind;
use crate::target::event::{ObjectChange, StreamState, TargetEvent};
use crate::target::model::{
    Condition, Container, CronJob, Event, Hpa, Job, Kind, Meta, Object, ObjectRef, Pod, PodMetrics, Resources, Selector, Usage, Workload,
};

fn key(kind: WorkloadKind, name: &str) -> WorkloadKey {
    WorkloadKey::new(kind, "ns", name)
}

fn settled(objects: &[Object]) -> Fleet {
    let mut fleet = fleet(objects);
    fleet.settle(now());
    fleet
}

fn web(fleet: &Fleet) -> &WorkloadRow {
    fleet.row(&key(WorkloadKind::Deployment, "web")).unwrap()
}

fn looping(name: &str) -> Pod {
    let app = Container { last: Some(Box::new(ended(137, "OOMKilled"))), ..broken("backend", waiting("CrashLoopBackOff"), 7) };
    pod_of("web", "abc", name, vec![app])
}

/// Deployment `web` with two good pods of three wanted.
fn two_of_three(third: Option<Pod>) -> Vec<Object> {
    let good = ["web-abc-1", "web-abc-2"].map(|name| Object::from(pod_of("web", "abc", name, vec![container("backend")])));
    let deployment = Workload { ready: 2, available: 2, ..workload(Kind::Deployment, "web", 3) };
    let mut set = replica_set("web", "abc", 1, 3);
    set.ready = 2;
    good.into_iter().chain([deployment.into(), set.into()]).chain(third.map(Object::from)).collect()
}

#[test]
fn a_row_that_is_not_ok_names_the_pod_the_container_and_how_it_ended() {
    let fleet = settled(&two_of_three(Some(looping("web-abc-ghi"))));
    let row = web(&fleet);
    assert_eq!(row.health, Health::Degraded);
    assert_eq!(row.reason(), Some("2 of 3 ready: pod …-ghi: container backend: CrashLoopBackOff, exit 137 (OOMKilled), 7 restarts"));
    let chain: Vec<&str> = row.cause.as_ref().unwrap().chain.iter().map(|l| &*l.what).collect();
    assert_eq!(chain, ["Deployment web", "ReplicaSet web-abc", "pod web-abc-ghi", "container backend", "last exit"]);
    assert_eq!((row.restarts, row.pods), (7, 3));
}

#[test]
fn pods_that_a_quota_refuses_are_the_cause_though_no_pod_is_there_to_tell() {
    let mut objects = two_of_three(None);
    let message = "pods \"web-abc-x\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2";
    let failure = Condition { message: message.into(), reason: "FailedCreate".into(), ..condition("ReplicaFailure", true) };
    let mut set = replica_set("web", "abc", 1, 3);
    set.conditions = [failure].into();
    objects.push(set.into());
    let fleet = settled(&objects);
    let cause = web(&fleet).cause.as_ref().unwrap();
    assert_eq!((cause.trouble, &*cause.short), (Trouble::Quota, "quota"));
    assert_eq!(cause.text, "2 of 3 ready: pods are refused: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2");
    assert_eq!(cause.chain.last().unwrap().says, message);
}

#[test]
fn a_stateful_sets_refused_pods_are_told_by_events() {
    let set = Workload { ready: 1, replicas: 1, ..workload(Kind::StatefulSet, "db", 2) };
    let event = Event {
        reason: "FailedCreate".into(),
        message: "create Pod db-1 in StatefulSet db failed error: pods \"db-1\" is forbidden: exceeded quota: small".into(),
        about_kind: "StatefulSet".into(),
        about_name: "db".into(),
        ..event_about("uid-db", 0)
    };
    let fleet = settled(&[set.into(), event.into()]);
    let row = fleet.row(&key(WorkloadKind::StatefulSet, "db")).unwrap();
    assert_eq!(row.reason(), Some("1 of 2 ready: pods are refused: exceeded quota: small"));
}

#[test]
fn what_is_stale_for_more_than_a_minute_is_unknown_and_live_again_is_judged_again() {
    let mut fleet = settled(&[workload(Kind::Deployment, "web", 3).into()]);
    let stale = StreamState::Stale { since: now(), reason: "connection reset".into() };
    fleet.apply(&TargetEvent::Stream { key: stream(Kind::Deployment), state: stale }, now());
    fleet.settle(at(NOW + 60));
    assert_eq!(web(&fleet).health, Health::Ok);
    assert_eq!(fleet.next_turn(), Some(NOW + 61), "the loss comes without an event");
    assert!(fleet.settle(at(NOW + 61)));
    assert_eq!(web(&fleet).health, Health::Unknown);
    assert!(web(&fleet).reason().unwrap().contains("connection reset"));
    fleet.apply(&TargetEvent::Stream { key: stream(Kind::Deployment), state: StreamState::Connected }, now());
    fleet.settle(at(NOW + 62));
    assert_eq!(web(&fleet).health, Health::Ok);
}

#[test]
fn a_deployment_that_may_not_be_read_is_unknown_and_its_pods_are_counted_all_the_same() {
    let mut fleet = settled(&[pod_of("web", "abc", "web-abc-1", vec![container("c")]).into()]);
    assert_eq!(web(&fleet).health, Health::Off, "a complete list says that it was deleted");
    let state = StreamState::Failed { kind: ErrorKind::Forbidden, reason: "no right to list deployments".into() };
    fleet.apply(&TargetEvent::Stream { key: stream(Kind::Deployment), state }, now());
    fleet.settle(now());
    let row = web(&fleet);
    assert_eq!((row.health, row.ready, row.desired), (Health::Unknown, 1, 1));
    assert!(row.reason().unwrap().contains("no right to list deployments"));
}

#[test]
fn a_scale_up_is_progressing_and_degraded_once_the_deadline_passed_without_an_event() {
    let mut fleet = settled(&[workload(Kind::Deployment, "web", 3).into()]);
    let mut scaled = Workload { desired: 5, ..workload(Kind::Deployment, "web", 3) };
    (scaled.meta.generation, scaled.observed_generation, scaled.updated) = (2, 2, 5);
    fleet.apply(&applied(Kind::Deployment, vec![scaled.into()]), now());
    fleet.settle(now());
    assert_eq!((web(&fleet).health, web(&fleet).rollout), (Health::Ok, Rollout::Progressing));
    assert_eq!(web(&fleet).text.as_deref(), Some("progressing: 3 of 5 ready"));
    let turn = fleet.next_turn().unwrap();
    assert_eq!(turn, NOW + 601);
    fleet.settle(at(turn));
    assert_eq!((web(&fleet).health, web(&fleet).rollout), (Health::Degraded, Rollout::Stalled));
}

#[test]
fn a_new_pod_without_its_image_stalls_the_rollout_at_once() {
    let young = |pod: Pod| Pod { meta: Meta { created: NOW - 20, ..pod.meta }, ..pod };
    let mut next = workload(Kind::Deployment, "web", 1);
    (next.updated, next.replicas) = (1, 2);
    next.meta.annotations = labels(&[("deployment.kubernetes.io/revision", "2")]);
    let objects: Vec<Object> = vec![
        Workload { updated: 0, ..next }.into(),
        replica_set("web", "old", 1, 1).into(),
        replica_set("web", "new", 2, 1).into(),
        pod_of("web", "old", "web-old-1", vec![container("c")]).into(),
        young(pod_of("web", "new", "web-new-1", vec![broken("c", waiting("ImagePullBackOff"), 0)])).into(),
    ];
    let fleet = settled(&objects);
    let row = web(&fleet);
    assert_eq!((row.health, row.rollout), (Health::Degraded, Rollout::Stalled));
    assert_eq!(row.reason(), Some("stalled, a new pod cannot start: 0 of 1 updated: pod …-1: container c: ImagePullBackOff: app:1.0"));
    // The same trouble with a pod of the old template says nothing about the new one.
    let mut objects = objects;
    objects[3] = pod_of("web", "old", "web-old-1", vec![broken("c", waiting("ImagePullBackOff"), 0)]).into();
    objects[4] = young(pod_of("web", "new", "web-new-1", vec![container("c")])).into();
    assert_eq!(web(&settled(&objects)).rollout, Rollout::Progressing);
}

#[test]
fn an_unschedulable_new_pod_stalls_a_rollout_unless_a_node_is_on_its_way() {
    let refused = Condition { reason: "Unschedulable".into(), ..condition("PodScheduled", false) };
    let unplaced = Pod {
        phase: "Pending".into(),
        conditions: [refused].into(),
        ..pod_of("web", "abc", "web-abc-2", vec![broken("c", running(), 0)])
    };
    let deployment = Workload { ready: 1, updated: 1, replicas: 1, ..workload(Kind::Deployment, "web", 1) };
    let mut scaled = Workload { desired: 2, ready: 1, updated: 2, replicas: 2, ..workload(Kind::Deployment, "web", 2) };
    scaled.meta.generation = 2;
    scaled.observed_generation = 2;
    let base: Vec<Object> = vec![
        deployment.into(),
        replica_set("web", "abc", 1, 2).into(),
        pod_of("web", "abc", "web-abc-1", vec![container("c")]).into(),
        unplaced.into(),
    ];
    for (event, rollout) in [(None, Rollout::Stalled), (Some("TriggeredScaleUp"), Rollout::Progressing)] {
        let mut fleet = settled(&base);
        let helped = event.map(|reason| Object::from(Event { warning: false, reason: reason.into(), ..event_about("uid-web-abc-2", 0) }));
        fleet.apply(&applied(Kind::Event, helped.into_iter().collect()), now());
        fleet.apply(&applied(Kind::Deployment, vec![scaled.clone().into()]), now());
        fleet.settle(now());
        assert_eq!(web(&fleet).rollout, rollout, "{event:?}");
    }
}

#[test]
fn a_first_look_in_the_middle_of_a_scale_up_believes_the_controllers_event() {
    let scaled = Workload { desired: 5, updated: 5, ..workload(Kind::Deployment, "web", 3) };
    let event = |message: &str| Event {
        reason: "ScalingReplicaSet".into(),
        message: message.into(),
        about_kind: "Deployment".into(),
        about_name: "web".into(),
        ..event_about("uid-web", -20)
    };
    assert_eq!(web(&settled(&[scaled.clone().into()])).health, Health::Degraded, "without it, five are taken to have been ready");
    let told = settled(&[scaled.clone().into(), event("Scaled up replica set web-abc from 3 to 5").into()]);
    assert_eq!(web(&told).health, Health::Ok);
    let mut down = event("Scaled down replica set web-old from 1 to 0");
    down.meta = meta("another-event");
    let rollout = settled(&[scaled.into(), event("Scaled up replica set web-abc from 3 to 5").into(), down.into()]);
    assert_eq!(web(&rollout).health, Health::Degraded, "in a rollout the event says nothing about the earlier ready count");
}

#[test]
fn endpoints_behind_the_services_of_a_workload_are_counted_once_per_pod() {
    let mut objects = two_of_three(None);
    objects.push(service("web", "web").into());
    let both_families =
        [slice("v4", "web", &[("web-abc-1", true), ("web-abc-2", true)]), slice("v6", "web", &[("web-abc-1", true), ("web-abc-2", false)])];
    objects.extend(both_families.map(Object::from));
    let mut fleet = settled(&objects);
    assert_eq!(web(&fleet).services.iter().map(|s| &**s).collect::<Vec<_>>(), ["web"]);
    assert_eq!(web(&fleet).endpoints, Some(Endpoints { ready: 2, total: 2 }));
    fleet.apply(&applied(Kind::EndpointSlice, vec![slice("v4", "web", &[("web-abc-1", false)]).into()]), now());
    assert!(fleet.settle(now()));
    assert_eq!(web(&fleet).endpoints, Some(Endpoints { ready: 1, total: 2 }));
}

#[test]
fn a_row_shows_its_autoscaler_its_usage_and_its_digest() {
    let requests = Resources { cpu_milli: Some(100), memory: None };
    let limits = Resources { cpu_milli: Some(200), memory: Some(1000) };
    let mut one = pod_of("web", "abc", "web-abc-1", vec![Container { name: "app".into(), requests, limits, ..container("app") }]);
    one.meta.created = NOW;
    let hpa = Hpa {
        meta: meta("web-hpa"),
        target_kind: "Deployment".into(),
        target_name: "web".into(),
        min: 3,
        max: 10,
        current: 3,
        desired: 4,
        conditions: [].into(),
        up_disabled: false,
        down_disabled: false,
    };
    let mut fleet = settled(&[one.into(), replica_set("web", "abc", 1, 1).into(), workload(Kind::Deployment, "web", 1).into(), hpa.into()]);
    let row = web(&fleet);
    assert_eq!(row.autoscaler.as_ref().map(|a| (a.min, a.max, a.wants, a.paused)), Some((3, 10, 4, false)));
    assert_eq!(row.images[0].pinned(), "registry.example/app@sha256:0123456789abcdef");
    assert_eq!((row.release().as_deref(), row.cpu_percent()), (Some("1.0"), None), "usage that is not known is not zero");
    let metrics = PodMetrics {
        namespace: "ns".into(),
        name: "web-abc-1".into(),
        containers: [("app".into(), Usage { cpu_milli: 82, memory: 620 })].into(),
    };
    fleet.apply(&TargetEvent::PodMetrics { at: now(), pods: vec![metrics] }, now());
    fleet.settle(now());
    assert_eq!((web(&fleet).cpu_percent(), web(&fleet).memory_percent()), (Some(41), Some(62)));
}

#[test]
fn a_later_success_settles_a_failed_job() {
    let job = |name: &str, created: i64, kind: &str| Job {
        meta: Meta { created, ..meta(name) },
        suspended: false,
        completions: Some(1),
        parallelism: Some(1),
        active: 0,
        ready: 0,
        succeeded: 0,
        failed: 1,
        started: None,
        completed: None,
        conditions: [Condition { since: Some(NOW - 50), ..condition(kind, true) }].into(),
        selector: Selector::default(),
        template: [].into(),
    };
    let mut fleet = settled(&[job("migrate-v41", NOW - 100, "Failed").into(), job("import-v1", NOW - 100, "Failed").into()]);
    let health = |fleet: &Fleet, name: &str| fleet.row(&key(WorkloadKind::Job, name)).unwrap().health;
    assert_eq!(health(&fleet, "migrate-v41"), Health::Degraded);
    fleet.apply(&applied(Kind::Job, vec![job("migrate-v42", NOW - 60, "Complete").into()]), now());
    fleet.settle(now());
    assert_eq!((health(&fleet, "migrate-v41"), health(&fleet, "import-v1")), (Health::Off, Health::Degraded));
}

#[test]
fn a_job_of_a_cron_job_is_part_of_its_row_even_when_events_speak_of_it() {
    let cron = CronJob {
        meta: meta("nightly"),
        schedule: "@daily".into(),
        time_zone: "".into(),
        suspended: false,
        concurrency: "Allow".into(),
        starting_deadline: None,
        active: 0,
        last_schedule: Some(NOW - 60),
        last_success: None,
        template: [].into(),
    };
    let run = Job {
        meta: Meta { owner: Some(owner("CronJob", "nightly")), ..meta("nightly-1") },
        suspended: false,
        completions: Some(1),
        parallelism: Some(1),
        active: 0,
        ready: 0,
        succeeded: 0,
        failed: 1,
        started: None,
        completed: None,
        conditions: [Condition { since: Some(NOW - 50), ..condition("Failed", true) }].into(),
        selector: Selector::default(),
        template: [].into(),
    };
    let mut worker = pod("nightly-1-x", vec![broken("app", terminated(3, "Error"), 0)]);
    (worker.meta.owner, worker.phase) = (Some(owner("Job", "nightly-1")), "Failed".into());
    let event = Event { about_kind: "Job".into(), about_name: "nightly-1".into(), ..event_about("uid-nightly-1", 0) };
    let fleet = settled(&[cron.into(), run.into(), worker.into(), event.into()]);
    let row = fleet.row(&key(WorkloadKind::CronJob, "nightly")).unwrap();
    assert_eq!(row.reason(), Some("last run failed: pod nightly-1-x: container app: exit 3"));
    assert_eq!(row.cause.as_ref().unwrap().chain[1].says, "Failed");
    assert_eq!(fleet.rows().count(), 1);
}

#[test]
fn what_is_gone_leaves_no_row() {
    let mut mirror = pod("etcd-node-1", vec![container("etcd")]);
    mirror.meta.owner = Some(owner("Node", "node-1"));
    let mut fleet = settled(&[pod("bare", vec![container("c")]).into(), mirror.into(), workload(Kind::Deployment, "web", 1).into()]);
    assert_eq!(fleet.rows().count(), 3);
    for (kind, name) in [(Kind::Pod, "bare"), (Kind::Pod, "etcd-node-1"), (Kind::Deployment, "web")] {
        let changes = vec![ObjectChange::Deleted(ObjectRef::new(kind, "ns", name))];
        fleet.apply(&TargetEvent::Objects { key: stream(kind), changes }, now());
    }
    fleet.settle(now());
    assert_eq!(fleet.rows().count(), 0);
}

#[test]
fn an_event_about_one_workload_leaves_the_rows_of_others_alone() {
    let mut fleet = settled(&[workload(Kind::Deployment, "web", 1).into(), workload(Kind::Deployment, "api", 1).into()]);
    assert!(!fleet.settle(now()), "nothing happened");
    let before = fleet.rows_revision();
    fleet.apply(&applied(Kind::Deployment, vec![workload(Kind::Deployment, "web", 1).into()]), now());
    assert!(!fleet.settle(now()), "the same again is no change");
    fleet.apply(&applied(Kind::Deployment, vec![Workload { ready: 0, ..workload(Kind::Deployment, "web", 1) }.into()]), now());
    assert!(fleet.settle(now()));
    assert_eq!(fleet.rows_revision(), before + 1);
}

#[test]
fn a_demand_of_a_service_file_makes_zero_wanted_a_failure() {
    let mut fleet = settled(&[workload(Kind::Deployment, "web", 0).into()]);
    assert_eq!(web(&fleet).health, Health::Off);
    fleet.demand(&key(WorkloadKind::Deployment, "web"), 1);
    fleet.settle(now());
    assert_eq!((web(&fleet).health, web(&fleet).reason()), (Health::Down, Some("0 wanted, at least 1 demanded")));
}
