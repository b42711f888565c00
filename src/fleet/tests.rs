//! The store as its users see it: what is there after events, and what belongs to what.

use super::testing::{NOW, applied, container, event_about, fleet, listed, now, owner, pod, pod_of, replica_set, stream, workload};
use super::{EVENTS_PER_OBJECT, Fleet, Metrics, Trust, WorkloadKey, WorkloadKind};
use crate::target::api::ErrorKind;
use crate::target::event::{ObjectChange, StreamState, TargetEvent};
use crate::target::model::{Kind, Object, ObjectRef, PodMetrics, Usage};

fn names(fleet: &Fleet, key: &WorkloadKey) -> Vec<String> {
    fleet.pods_of(key).map(|e| e.pod.meta.name.to_string()).collect()
}

fn deployment(name: &str) -> WorkloadKey {
    WorkloadKey::new(WorkloadKind::Deployment, "ns", name)
}

#[test]
fn a_fresh_list_takes_away_what_it_does_not_bring() {
    let mut fleet = fleet(&[pod("a", vec![container("c")]).into(), pod("b", vec![container("c")]).into()]);
    for event in listed(Kind::Pod, vec![pod("b", vec![container("c")]).into()]) {
        fleet.apply(&event, now());
    }
    assert_eq!(fleet.pods().map(|e| &*e.pod.meta.name).collect::<Vec<_>>(), ["b"]);
    assert!(names(&fleet, &WorkloadKey::new(WorkloadKind::Pod, "ns", "a")).is_empty());
}

#[test]
fn an_unfinished_list_takes_nothing_away() {
    let mut fleet = fleet(&[pod("a", vec![container("c")]).into()]);
    fleet.apply(&TargetEvent::Objects { key: stream(Kind::Pod), changes: vec![ObjectChange::Listing] }, now());
    assert_eq!(fleet.count(Kind::Pod), 1);
}

#[test]
fn pods_are_found_by_their_deployment_in_whatever_order_objects_arrive() {
    let pods = || -> Vec<Object> { vec![pod_of("web", "abc", "web-abc-1", vec![container("c")]).into()] };
    let orphans = || -> Vec<Object> { vec![replica_set("web", "abc", 1, 1).into()] };
    for order in [vec![pods(), orphans()], vec![orphans(), pods()], vec![pods()]] {
        let mut fleet = Fleet::new();
        for objects in order {
            fleet.apply(&applied(objects[0].kind(), objects), now());
        }
        assert_eq!(names(&fleet, &deployment("web")), ["web-abc-1"]);
    }
}

#[test]
fn pods_of_a_foreign_controllers_replica_set_move_there_when_the_replica_set_is_seen() {
    let mut set = replica_set("web", "abc", 1, 1);
    set.meta.owner = Some(owner("Rollout", "web"));
    let mut fleet = Fleet::new();
    fleet.apply(&applied(Kind::Pod, vec![pod_of("web", "abc", "web-abc-1", vec![container("c")]).into()]), now());
    assert_eq!(names(&fleet, &deployment("web")), ["web-abc-1"]);
    fleet.apply(&applied(Kind::ReplicaSet, vec![set.into()]), now());
    assert!(names(&fleet, &deployment("web")).is_empty());
    assert_eq!(names(&fleet, &WorkloadKey::new(WorkloadKind::Other("Rollout".into()), "ns", "web")), ["web-abc-1"]);
}

#[test]
fn static_pods_belong_to_their_node_and_bare_pods_to_themselves() {
    let mut mirror = pod("etcd-node-1", vec![container("etcd")]);
    mirror.meta.owner = Some(owner("Node", "node-1"));
    let fleet = fleet(&[mirror.into(), pod("bare", vec![container("c")]).into()]);
    assert_eq!(names(&fleet, &WorkloadKey::new(WorkloadKind::Node, "", "node-1")), ["etcd-node-1"]);
    assert_eq!(names(&fleet, &WorkloadKey::new(WorkloadKind::Pod, "ns", "bare")), ["bare"]);
}

#[test]
fn the_newest_events_of_an_object_are_kept_and_the_others_counted() {
    let mut fleet = fleet(&[]);
    let wanted = i64::try_from(EVENTS_PER_OBJECT).unwrap();
    let events = (0..wanted + 4).map(|n| event_about("uid-a", n).into()).collect();
    fleet.apply(&applied(Kind::Event, events), now());
    let newest: Vec<i64> = fleet.events_about("uid-a").map(|e| e.last - NOW).collect();
    assert_eq!(newest, (4..wanted + 4).rev().collect::<Vec<_>>());
    assert_eq!(fleet.events_dropped(), 4);
}

#[test]
fn an_event_that_repeats_moves_to_the_front_instead_of_doubling() {
    let mut fleet = fleet(&[]);
    let mut again = event_about("uid-a", 1);
    let other = event_about("uid-a", 2);
    fleet.apply(&applied(Kind::Event, vec![again.clone().into(), other.into()]), now());
    (again.count, again.last) = (2, NOW + 3);
    fleet.apply(&applied(Kind::Event, vec![again.into()]), now());
    assert_eq!(fleet.events_about("uid-a").map(|e| e.count).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn metrics_of_a_namespace_replace_the_earlier_ones_and_absent_is_not_zero() {
    let mut fleet = fleet(&[pod("a", vec![container("c")]).into(), pod("b", vec![container("c")]).into()]);
    let usage = |name: &str, cpu_milli| PodMetrics {
        namespace: "ns".into(),
        name: name.into(),
        containers: [("c".into(), Usage { cpu_milli, memory: 10 })].into(),
    };
    fleet.apply(&TargetEvent::PodMetrics { at: now(), pods: vec![usage("a", 5), usage("b", 7)] }, now());
    fleet.apply(&TargetEvent::PodMetrics { at: now(), pods: vec![usage("b", 9)] }, now());
    let cpu = |fleet: &Fleet, name| fleet.pod("ns", name).unwrap().total_usage().map(|u| u.cpu_milli);
    assert_eq!((cpu(&fleet, "a"), cpu(&fleet, "b")), (None, Some(9)));
    let updated = pod("b", vec![container("c")]);
    fleet.apply(&applied(Kind::Pod, vec![updated.into()]), now());
    assert_eq!(cpu(&fleet, "b"), Some(9), "an update of the pod keeps what is known of it");
    fleet.apply(&TargetEvent::NoMetrics { kind: ErrorKind::Forbidden, reason: "no".into() }, now());
    assert_eq!(cpu(&fleet, "b"), None);
    assert!(matches!(fleet.metrics(), Metrics::Absent { .. }));
}

#[test]
fn a_pod_of_the_same_name_and_another_identity_starts_without_metrics() {
    let mut fleet = fleet(&[pod("db-0", vec![container("c")]).into()]);
    let metrics = PodMetrics { namespace: "ns".into(), name: "db-0".into(), containers: [("c".into(), Usage::default())].into() };
    fleet.apply(&TargetEvent::PodMetrics { at: now(), pods: vec![metrics] }, now());
    let mut reborn = pod("db-0", vec![container("c")]);
    reborn.meta.uid = "another".into();
    fleet.apply(&applied(Kind::Pod, vec![reborn.into()]), now());
    assert!(fleet.pod("ns", "db-0").unwrap().usage.is_none());
}

#[test]
fn a_stream_is_trusted_until_it_was_silent_for_a_minute() {
    let mut fleet = fleet(&[]);
    let ns = "ns".into();
    assert_eq!(fleet.trust(Kind::Pod, &ns, now()), Trust::Live);
    let stale = |ago| StreamState::Stale { since: super::testing::at(NOW - ago), reason: "connection reset".into() };
    fleet.apply(&TargetEvent::Stream { key: stream(Kind::Pod), state: stale(60) }, now());
    assert_eq!(fleet.trust(Kind::Pod, &ns, now()), Trust::Live);
    fleet.apply(&TargetEvent::Stream { key: stream(Kind::Pod), state: stale(61) }, now());
    assert_eq!(fleet.trust(Kind::Pod, &ns, now()), Trust::Lost("pods stale for 61 s: connection reset".into()));
    assert_eq!(fleet.trust(Kind::Pod, &"elsewhere".into(), now()), Trust::Pending);
}

#[test]
fn the_first_paint_goes_when_the_objects_are_there() {
    let mut fleet = Fleet::new();
    let table = TargetEvent::Table { key: stream(Kind::Pod), columns: vec!["NAME".into()], rows: vec![vec!["a".into()]] };
    fleet.apply(&table, now());
    assert_eq!(fleet.paint(Kind::Pod).count(), 1);
    for event in listed(Kind::Pod, vec![]) {
        fleet.apply(&event, now());
    }
    assert_eq!(fleet.paint(Kind::Pod).count(), 0);
    fleet.apply(&table, now());
    assert_eq!(fleet.paint(Kind::Pod).count(), 0, "a late table paints nothing over the objects");
}

#[test]
fn a_forgotten_stream_takes_its_objects_with_it() {
    let mut fleet = fleet(&[pod("a", vec![container("c")]).into(), workload(Kind::Deployment, "web", 1).into()]);
    fleet.forget(&stream(Kind::Pod), now());
    assert_eq!((fleet.count(Kind::Pod), fleet.count(Kind::Deployment)), (0, 1));
    assert_eq!(fleet.trust(Kind::Pod, &"ns".into(), now()), Trust::Pending);
}

#[test]
fn revisions_move_only_for_the_kind_that_changed() {
    let mut fleet = fleet(&[pod("a", vec![container("c")]).into()]);
    let (pods, services) = (fleet.kind_revision(Kind::Pod), fleet.kind_revision(Kind::Service));
    let gone = TargetEvent::Objects { key: stream(Kind::Pod), changes: vec![ObjectChange::Deleted(ObjectRef::new(Kind::Pod, "ns", "a"))] };
    assert!(fleet.apply(&gone, now()));
    assert!(fleet.kind_revision(Kind::Pod) > pods && fleet.kind_revision(Kind::Service) == services);
    assert!(!fleet.apply(&gone, now()), "nothing is different the second time");
}
