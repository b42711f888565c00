//! The health pane without a probe of our own.

use super::{HealthItem, Topic};
use crate::base::health::Health;
use crate::fleet::Fleet;
use crate::fleet::testing::{
    NOW, at as at_second, broken, condition, container, event_about, fleet, labels, meta, node, now, pod_of, replica_set, running, service, slice,
    stream, warning, workload,
};
use crate::target::event::{StreamState, TargetEvent};
use crate::target::model::{Backend, Certificate, Condition, Event, Ingress, IngressTls, Kind, Object, Pvc, Workload};

fn items(objects: &[Object]) -> Vec<(Topic, Health, String)> {
    let mut fleet = fleet(objects);
    fleet.settle(now());
    let line = |i: HealthItem| (i.topic, i.health, format!("{}: {}", i.title, i.detail));
    fleet.health_items(now()).into_iter().map(line).collect()
}

fn web() -> Vec<Object> {
    vec![
        pod_of("web", "abc", "web-abc-1", vec![container("app")]).into(),
        replica_set("web", "abc", 1, 1).into(),
        workload(Kind::Deployment, "web", 1).into(),
    ]
}

fn ingress(service: &str, hosts: &[&str]) -> Ingress {
    Ingress {
        meta: meta("shop"),
        class: "nginx".into(),
        hosts: hosts.iter().map(|h| (*h).into()).collect(),
        tls: [IngressTls { hosts: hosts.iter().map(|h| (*h).into()).collect(), secret: "tls".into() }].into(),
        backends: [Backend { host: "shop.example".into(), path: "/".into(), service: service.into(), port: "80".into() }].into(),
        addresses: [].into(),
    }
}

#[test]
fn a_service_without_ready_endpoints_stands_out_while_its_pods_should_run() {
    let mut objects = web();
    objects.push(service("web", "web").into());
    objects.push(slice("s", "web", &[("web-abc-1", false)]).into());
    assert!(items(&objects).contains(&(Topic::Service, Health::Down, "Service web: no ready endpoint".into())));
    objects.push(slice("s", "web", &[("web-abc-1", true)]).into());
    assert!(items(&objects).contains(&(Topic::Service, Health::Ok, "services: 1 with ready endpoints".into())));
    let mut scaled = Workload { replicas: 0, ready: 0, updated: 0, ..workload(Kind::Deployment, "web", 0) };
    scaled.meta.labels = labels(&[("app", "web")]);
    let off = [scaled.into(), service("web", "web").into()];
    assert!(!items(&off).iter().any(|(topic, ..)| *topic == Topic::Service), "nobody wants its pods");
}

#[test]
fn what_is_not_seen_any_more_is_not_told_as_good() {
    let mut objects = web();
    objects.extend([service("web", "web").into(), slice("s", "web", &[("web-abc-1", true)]).into(), node("n1", Some(true)).into()]);
    let mut fleet = fleet(&objects);
    let told = |fleet: &mut Fleet, at: i64| {
        let at = at_second(at);
        fleet.settle(at);
        fleet.health_items(at).into_iter().map(|i| (i.topic, i.health)).collect::<Vec<_>>()
    };
    let good = told(&mut fleet, NOW);
    assert!(good.contains(&(Topic::Node, Health::Ok)) && good.contains(&(Topic::Service, Health::Ok)), "{good:?}");
    for kind in [Kind::Node, Kind::EndpointSlice] {
        let state = StreamState::Stale { since: now(), reason: "connection reset".into() };
        fleet.apply(&TargetEvent::Stream { key: stream(kind), state }, now());
    }
    assert_eq!(told(&mut fleet, NOW + 60), good, "a moment is no loss");
    let lost = told(&mut fleet, NOW + 61);
    assert!(lost.contains(&(Topic::Node, Health::Unknown)) && lost.contains(&(Topic::Service, Health::Unknown)), "{lost:?}");
}

#[test]
fn failing_probes_are_gathered_by_workload_and_probe() {
    let bad = |name: &str| pod_of("web", "abc", name, vec![broken("app", running(), 0)]);
    let says = |pod: &str| warning(pod, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503");
    let mut old = says("web-abc-3");
    old.last = NOW - 301;
    let mut objects = web();
    objects.extend([bad("web-abc-2"), bad("web-abc-3"), bad("web-abc-4")].map(Object::from));
    // The first pod is ready again, the third's event is old.
    objects.extend([says("web-abc-1"), says("web-abc-2"), old, says("web-abc-4")].map(Object::from));
    assert!(items(&objects).contains(&(Topic::Probe, Health::Degraded, "readiness probe of web: fails on 2 pods: HTTP 503".into())));
}

#[test]
fn nodes_that_are_not_ready_pressed_or_cordoned_are_told_apart() {
    let mut pressed = node("worker-3", Some(true));
    pressed.conditions = [condition("Ready", true), condition("DiskPressure", true)].into();
    let mut cordoned = node("worker-4", Some(true));
    cordoned.unschedulable = true;
    let all: Vec<Object> = vec![node("worker-1", Some(true)).into(), node("worker-2", None).into(), pressed.into(), cordoned.into()];
    let nodes: Vec<_> = items(&all).into_iter().filter(|(t, ..)| *t == Topic::Node).map(|(_, h, text)| (h, text)).collect();
    assert_eq!(
        nodes,
        [
            (Health::Degraded, "Node worker-2: not ready (NodeStatusUnknown), 0 pods on it".to_owned()),
            (Health::Degraded, "Node worker-3: DiskPressure, 0 pods on it".to_owned()),
            (Health::Ok, "nodes: 1 ready".to_owned()),
            (Health::Off, "Node worker-4: cordoned, 0 pods on it".to_owned()),
        ]
    );
}

#[test]
fn volumes_say_why_they_wait() {
    let pvc = |name: &str, phase: &str| Pvc { meta: meta(name), phase: phase.into(), class: "fast".into(), capacity: None };
    let why = Event {
        message: "no storage class is set".into(),
        about_kind: "PersistentVolumeClaim".into(),
        ..event_about("uid-data", 0)
    };
    let found = items(&[pvc("data", "Pending").into(), pvc("lost", "Lost").into(), pvc("fine", "Bound").into(), why.into()]);
    for expected in [
        (Topic::Volume, Health::Down, "PersistentVolumeClaim lost: its volume is lost"),
        (Topic::Volume, Health::Degraded, "PersistentVolumeClaim data: Pending: no storage class is set"),
        (Topic::Volume, Health::Ok, "volumes: 1 bound"),
    ] {
        assert!(found.contains(&(expected.0, expected.1, expected.2.to_owned())), "{expected:?} in {found:?}");
    }
}

#[test]
fn certificates_are_judged_by_what_is_left() {
    let days = |n: i64| Some(NOW + n * 86_400);
    let refused = Condition { message: "order failed: rate limited".into(), ..condition("Ready", false) };
    for (not_after, ready, health, detail) in [
        (days(71), condition("Ready", true), Health::Ok, "71 days left"),
        (days(20), condition("Ready", true), Health::Degraded, "20 days left, not renewed"),
        (days(0), condition("Ready", true), Health::Down, "expired"),
        (days(71), refused.clone(), Health::Degraded, "not ready: order failed: rate limited"),
        (None, refused, Health::Degraded, "not ready: order failed: rate limited"),
        (None, condition("Issuing", true), Health::Unknown, "no expiry known"),
    ] {
        let certificate = Certificate { meta: meta("shop-tls"), not_after, secret: "tls".into(), dns_names: [].into(), conditions: [ready].into() };
        let found = items(&[certificate.into()]);
        assert!(found.contains(&(Topic::Certificate, health, format!("Certificate shop-tls: {detail}"))), "{found:?}");
    }
}

#[test]
fn an_ingress_names_the_route_that_leads_nowhere() {
    let mut objects = web();
    objects.extend([
        Object::from(service("web", "web")),
        slice("s", "web", &[("web-abc-1", false)]).into(),
        ingress("web", &["shop.example"]).into(),
    ]);
    assert!(items(&objects).contains(&(Topic::Ingress, Health::Degraded, "Ingress shop: shop.example/ -> Service web: no ready endpoint".into())));
    let gone = items(&[ingress("nope", &["shop.example"]).into()]);
    assert!(gone.contains(&(Topic::Ingress, Health::Degraded, "Ingress shop: shop.example/ -> Service nope: does not exist".into())));
}

#[test]
fn hosts_worth_a_handshake_are_concrete_and_come_once() {
    let mut second = ingress("web", &["shop.example", "*.example", "api.example"]);
    second.meta = meta("second");
    let fleet: Fleet = fleet(&[ingress("web", &["shop.example"]).into(), second.into()]);
    let hosts: Vec<_> = fleet.tls_hosts().into_iter().map(|h| h.host.to_string()).collect();
    assert_eq!(hosts, ["api.example", "shop.example"]);
}

#[test]
fn workloads_are_counted_the_worst_first() {
    let mut objects = web();
    objects.push(Workload { ready: 0, ..workload(Kind::StatefulSet, "db", 1) }.into());
    objects.push(workload(Kind::Deployment, "off", 0).into());
    assert_eq!(items(&objects)[0], (Topic::Workloads, Health::Down, "workloads: 1 down, 1 ok, 1 off".into()));
}
