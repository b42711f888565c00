//! Slim objects for tests: healthy by default, changed through their public fields.

use std::sync::Arc;

use jiff::Timestamp;

use super::Fleet;
use crate::base::text::Str;
use crate::target::event::{ObjectChange, StreamState, TargetEvent};
use crate::target::model::{
    Condition, Container, ContainerRole, ContainerState, Endpoint, EndpointSlice, Event, Kind, Labels, Meta, Node, Object, Owner, Pod, ReplicaSet,
    Resources, Scope, Seconds, Selector, Service, Strategy, TemplateContainer, Termination, Workload,
};
use crate::target::request::StreamKey;

/// The time that tests call now.
pub(crate) const NOW: Seconds = 1_800_000_000;

pub(crate) fn now() -> Timestamp {
    at(NOW)
}

pub(crate) fn at(seconds: Seconds) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    let mut pairs: Vec<(Str, Str)> = pairs.iter().map(|(k, v)| (Str::from(*k), Str::from(*v))).collect();
    pairs.sort();
    pairs.into()
}

pub(crate) fn meta(name: &str) -> Meta {
    Meta {
        name: name.into(),
        namespace: "ns".into(),
        uid: format!("uid-{name}").into(),
        resource_version: 1,
        created: NOW - 86_400,
        deleted: None,
        generation: 1,
        labels: labels(&[]),
        annotations: labels(&[]),
        owner: None,
    }
}

pub(crate) fn owner(kind: &str, name: &str) -> Owner {
    Owner { kind: kind.into(), name: name.into(), uid: format!("uid-{name}").into() }
}

pub(crate) fn condition(kind: &str, status: bool) -> Condition {
    Condition { kind: kind.into(), status: Some(status), reason: "".into(), message: "".into(), since: Some(NOW - 86_000) }
}

pub(crate) fn waiting(reason: &str) -> ContainerState {
    ContainerState::Waiting { reason: reason.into(), message: "".into() }
}

pub(crate) fn running() -> ContainerState {
    ContainerState::Running { since: Some(NOW - 86_000) }
}

pub(crate) fn ended(exit_code: i32, reason: &str) -> Termination {
    let (started, finished) = (Some(NOW - 400), Some(NOW - 300));
    Termination { exit_code, signal: 0, reason: reason.into(), message: "".into(), started, finished }
}

pub(crate) fn terminated(exit_code: i32, reason: &str) -> ContainerState {
    ContainerState::Terminated(Box::new(ended(exit_code, reason)))
}

/// A main container that runs and is ready.
pub(crate) fn container(name: &str) -> Container {
    Container {
        name: name.into(),
        role: ContainerRole::Main,
        image: "registry.example/app:1.0".into(),
        image_id: "registry.example/app@sha256:0123456789abcdef".into(),
        ready: true,
        started: true,
        restarts: 0,
        state: running(),
        last: None,
        requests: Resources::default(),
        limits: Resources::default(),
    }
}

/// A container that is not ready, in that state.
pub(crate) fn broken(name: &str, state: ContainerState, restarts: u32) -> Container {
    Container { ready: false, started: false, state, restarts, ..container(name) }
}

pub(crate) fn role(role: ContainerRole, container: Container) -> Container {
    Container { role, ..container }
}

/// A running pod; ready when all its containers are.
pub(crate) fn pod(name: &str, containers: Vec<Container>) -> Pod {
    let ready = containers.iter().all(|c| c.ready);
    Pod {
        meta: meta(name),
        node: "node-1".into(),
        phase: "Running".into(),
        reason: "".into(),
        message: "".into(),
        ip: "10.0.0.1".into(),
        started: Some(NOW - 86_000),
        conditions: [condition("Initialized", true), condition("PodScheduled", true), condition("Ready", ready)].into(),
        containers: containers.into(),
        restart_policy: "Always".into(),
        readiness_gates: 0,
    }
}

/// A pod of a ReplicaSet `<deployment>-<hash>`.
pub(crate) fn pod_of(deployment: &str, hash: &str, name: &str, containers: Vec<Container>) -> Pod {
    let mut pod = pod(name, containers);
    pod.meta.owner = Some(owner("ReplicaSet", &format!("{deployment}-{hash}")));
    pod.meta.labels = labels(&[("app", deployment), ("pod-template-hash", hash)]);
    pod
}

/// A warning about the pod with that identity, last seen `number` seconds after now.
pub(crate) fn event_about(uid: &str, number: i64) -> Event {
    Event {
        meta: meta(&format!("{uid}.{number}")),
        about_kind: "Pod".into(),
        about_namespace: "ns".into(),
        about_name: uid.trim_start_matches("uid-").into(),
        about_uid: uid.into(),
        field_path: "".into(),
        warning: true,
        reason: "BackOff".into(),
        message: "".into(),
        count: 1,
        first: NOW + number,
        last: NOW + number,
        source: "kubelet".into(),
    }
}

/// A warning with that reason and message about a pod.
pub(crate) fn warning(pod: &str, reason: &str, message: &str) -> Event {
    Event { reason: reason.into(), message: message.into(), ..event_about(&format!("uid-{pod}"), 0) }
}

/// A ReplicaSet `<deployment>-<hash>` with that revision.
pub(crate) fn replica_set(deployment: &str, hash: &str, revision: u32, replicas: i32) -> ReplicaSet {
    let mut meta = meta(&format!("{deployment}-{hash}"));
    meta.owner = Some(owner("Deployment", deployment));
    meta.labels = labels(&[("app", deployment), ("pod-template-hash", hash)]);
    meta.annotations = labels(&[("deployment.kubernetes.io/revision", &revision.to_string())]);
    ReplicaSet {
        meta,
        desired: replicas,
        replicas,
        ready: replicas,
        template: [template("registry.example/app:1.0")].into(),
        conditions: [].into(),
    }
}

pub(crate) fn template(image: &str) -> TemplateContainer {
    TemplateContainer {
        name: "app".into(),
        role: ContainerRole::Main,
        image: image.into(),
        requests: Resources::default(),
        limits: Resources::default(),
    }
}

/// A workload of which everything is ready and updated.
pub(crate) fn workload(kind: Kind, name: &str, replicas: i32) -> Workload {
    let mut meta = meta(name);
    meta.labels = labels(&[("app", name)]);
    meta.annotations = labels(&[("deployment.kubernetes.io/revision", "1")]);
    Workload {
        meta,
        kind,
        desired: replicas,
        replicas,
        ready: replicas,
        updated: replicas,
        available: replicas,
        observed_generation: 1,
        selector: Selector::equal([("app".into(), name.into())]),
        paused: false,
        strategy: Strategy::default(),
        progress_deadline: (kind == Kind::Deployment).then_some(600),
        conditions: [].into(),
        template: [template("registry.example/app:1.0")].into(),
        current_revision: "".into(),
        update_revision: "".into(),
    }
}

/// A Service that selects `app=<app>`.
pub(crate) fn service(name: &str, app: &str) -> Service {
    Service {
        meta: meta(name),
        kind: "ClusterIP".into(),
        selector: Selector::equal([("app".into(), app.into())]),
        ports: [].into(),
        cluster_ip: "10.0.0.9".into(),
        external_ips: [].into(),
        balancer: [].into(),
        external_name: "".into(),
    }
}

/// Endpoints of a Service: pod and whether it takes traffic.
pub(crate) fn slice(name: &str, service: &str, endpoints: &[(&str, bool)]) -> EndpointSlice {
    let endpoint = |(pod, ready): &(&str, bool)| Endpoint { pod: (*pod).into(), ready: *ready, serving: *ready, terminating: false };
    let meta = Meta { labels: labels(&[("kubernetes.io/service-name", service)]), ..meta(name) };
    EndpointSlice { meta, endpoints: endpoints.iter().map(endpoint).collect() }
}

pub(crate) fn node(name: &str, ready: Option<bool>) -> Node {
    let says = Condition {
        status: ready,
        reason: "NodeStatusUnknown".into(),
        message: "Kubelet stopped posting node status.".into(),
        ..condition("Ready", true)
    };
    Node {
        meta: Meta { namespace: "".into(), ..meta(name) },
        conditions: [says].into(),
        unschedulable: false,
        taints: [].into(),
        allocatable: Resources::default(),
        allocatable_pods: None,
        kubelet_version: "".into(),
    }
}

pub(crate) fn stream(kind: Kind) -> StreamKey {
    StreamKey { kind, scope: Scope::Namespace("ns".into()) }
}

pub(crate) fn applied(kind: Kind, objects: Vec<Object>) -> TargetEvent {
    TargetEvent::Objects { key: stream(kind), changes: objects.into_iter().map(ObjectChange::Applied).collect() }
}

/// A complete, connected list of one kind.
pub(crate) fn listed(kind: Kind, objects: Vec<Object>) -> [TargetEvent; 2] {
    let changes = std::iter::once(ObjectChange::Listing)
        .chain(objects.into_iter().map(ObjectChange::Applied))
        .chain([ObjectChange::Listed])
        .collect();
    [TargetEvent::Objects { key: stream(kind), changes }, TargetEvent::Stream { key: stream(kind), state: StreamState::Connected }]
}

/// A fleet that has seen a complete list of these objects, each kind among them by a stream of its own.
pub(crate) fn fleet(objects: &[Object]) -> Fleet {
    let mut fleet = Fleet::new();
    for kind in Kind::ALL {
        let own: Vec<Object> = objects.iter().filter(|o| o.kind() == kind).cloned().collect();
        for event in listed(kind, own) {
            fleet.apply(&event, now());
        }
    }
    fleet
}

macro_rules! into_object {
    ($($struct:ident),*) => {
        $(impl From<crate::target::model::$struct> for Object {
            fn from(object: crate::target::model::$struct) -> Self {
                Self::$struct(Arc::new(object))
            }
        })*
    };
}

into_object!(
    Pod,
    Workload,
    ReplicaSet,
    ControllerRevision,
    Job,
    CronJob,
    Service,
    EndpointSlice,
    Hpa,
    Ingress,
    Event,
    Node,
    MetaOnly,
    Pvc,
    Certificate
);
