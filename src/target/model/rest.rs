//! Everything around workloads: network, limits, events, nodes, metrics.
//!
//! Owns plain data only.

use super::{Condition, Kind, Meta, ObjectRef, Resources, Seconds, Selector};
use crate::base::text::Str;

/// A Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What every object has.
    pub meta: Meta,
    /// `ClusterIP`, `NodePort`, `LoadBalancer`, `ExternalName`.
    pub kind: Str,
    /// Empty: somebody else manages the endpoints.
    pub selector: Selector,
    /// Ports.
    pub ports: Box<[ServicePort]>,
    /// Cluster address; `None` (headless) or empty are kept as written.
    pub cluster_ip: Str,
    /// `spec.externalIPs`.
    pub external_ips: Box<[Str]>,
    /// Addresses that a load balancer reported (IP, else host name), sorted.
    pub balancer: Box<[Str]>,
    /// `spec.externalName`; empty unless the kind is `ExternalName`.
    pub external_name: Str,
}

/// One port of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// Name; may be empty.
    pub name: Str,
    /// Port number.
    pub port: i32,
    /// Number or name of the pod's port, as written.
    pub target: Str,
    /// `TCP`, `UDP`, `SCTP`.
    pub protocol: Str,
    /// Port on every node, when there is one.
    pub node_port: Option<i32>,
}

/// Part of a Service's endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSlice {
    /// What every object has; the label `kubernetes.io/service-name` names the Service.
    pub meta: Meta,
    /// Endpoints.
    pub endpoints: Box<[Endpoint]>,
}

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name of the pod behind it; empty when it is none.
    pub pod: Str,
    /// Takes traffic. The API says that an absent condition means true.
    pub ready: bool,
    /// Serves, though it may be terminating.
    pub serving: bool,
    /// Is going away.
    pub terminating: bool,
}

/// A horizontal pod autoscaler (autoscaling/v2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hpa {
    /// What every object has.
    pub meta: Meta,
    /// Kind of what it scales, as written.
    pub target_kind: Str,
    /// Name of what it scales.
    pub target_name: Str,
    /// Lower bound (absent = 1).
    pub min: i32,
    /// Upper bound.
    pub max: i32,
    /// `status.currentReplicas`.
    pub current: i32,
    /// `status.desiredReplicas`.
    pub desired: i32,
    /// `ScalingActive`, `AbleToScale`, `ScalingLimited`.
    pub conditions: Box<[Condition]>,
    /// `behavior.scaleUp.selectPolicy` is Disabled.
    pub up_disabled: bool,
    /// `behavior.scaleDown.selectPolicy` is Disabled.
    pub down_disabled: bool,
}

/// A pod disruption budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdb {
    /// What every object has.
    pub meta: Meta,
    /// Which pods it protects.
    pub selector: Selector,
    /// `minAvailable` as written; empty when not given.
    pub min_available: Str,
    /// `maxUnavailable` as written; empty when not given.
    pub max_unavailable: Str,
    /// How many may go now.
    pub disruptions_allowed: i32,
    /// Healthy pods now.
    pub current_healthy: i32,
    /// Healthy pods wanted.
    pub desired_healthy: i32,
}

/// An Ingress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingress {
    /// What every object has.
    pub meta: Meta,
    /// `spec.ingressClassName`.
    pub class: Str,
    /// Hosts of the rules.
    pub hosts: Box<[Str]>,
    /// TLS blocks.
    pub tls: Box<[IngressTls]>,
    /// Services that the rules and the default backend name.
    pub backends: Box<[Backend]>,
    /// Addresses that the controller reported.
    pub addresses: Box<[Str]>,
}

/// One TLS block of an Ingress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressTls {
    /// Hosts it covers.
    pub hosts: Box<[Str]>,
    /// Secret with the certificate.
    pub secret: Str,
}

/// One backend of an Ingress rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// Host of the rule; empty = any.
    pub host: Str,
    /// Path of the rule.
    pub path: Str,
    /// Service name.
    pub service: Str,
    /// Port number or name, as written.
    pub port: Str,
}

/// An event (core/v1; events.k8s.io writes the same store).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What every object has.
    pub meta: Meta,
    /// Kind of what it is about, as written.
    pub about_kind: Str,
    /// Namespace of what it is about.
    pub about_namespace: Str,
    /// Name of what it is about.
    pub about_name: Str,
    /// Identity of what it is about.
    pub about_uid: Str,
    /// `spec.containers{backend}`.
    pub field_path: Str,
    /// `Warning` rather than `Normal`.
    pub warning: bool,
    /// `BackOff`, `Unhealthy`, `FailedScheduling`, ...
    pub reason: Str,
    /// Prose.
    pub message: Box<str>,
    /// How often.
    pub count: i32,
    /// First time.
    pub first: Seconds,
    /// Last time (`series.lastObservedTime`, `lastTimestamp`, `eventTime`, in this order).
    pub last: Seconds,
    /// `kubelet`, `deployment-controller`, `timonel.io/console`.
    pub source: Str,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What every object has.
    pub meta: Meta,
    /// `Ready`, `MemoryPressure`, ...
    pub conditions: Box<[Condition]>,
    /// Cordoned.
    pub unschedulable: bool,
    /// `key=value:effect`.
    pub taints: Box<[Str]>,
    /// What pods may use.
    pub allocatable: Resources,
    /// How many pods it takes.
    pub allocatable_pods: Option<i64>,
    /// `v1.36.3`.
    pub kubelet_version: Str,
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// What every object has.
    pub meta: Meta,
    /// `Active` or `Terminating`.
    pub phase: Str,
}

/// Metadata of an object whose body the program does not read: `ConfigMap`, Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaOnly {
    /// What every object has.
    pub meta: Meta,
    /// What it is.
    pub kind: Kind,
}

/// A persistent volume claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pvc {
    /// What every object has.
    pub meta: Meta,
    /// `Pending`, `Bound`, `Lost`.
    pub phase: Str,
    /// Storage class.
    pub class: Str,
    /// Capacity in bytes once bound.
    pub capacity: Option<i64>,
}

/// A Lease that this program made: the lock of an object, and what its holder says (contract.md 8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What every object has; the annotations say which run, step and plan.
    pub meta: Meta,
    /// `user@host/run-id`; empty when it is free.
    pub holder: Str,
    /// How long it is good without renewal, in seconds.
    pub duration: Seconds,
    /// When it was taken, by its holder's clock.
    pub acquired: Option<Seconds>,
    /// When it was renewed last, by its holder's clock: compared for change; told as such where there is but one look.
    pub renewed: Option<Seconds>,
}

/// A cert-manager Certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// What every object has.
    pub meta: Meta,
    /// `status.notAfter`.
    pub not_after: Option<Seconds>,
    /// Secret it fills.
    pub secret: Str,
    /// Names it covers.
    pub dns_names: Box<[Str]>,
    /// `Ready` among them.
    pub conditions: Box<[Condition]>,
}

/// What something uses now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// CPU in thousandths of a core, rounded up as kubectl does.
    pub cpu_milli: i64,
    /// Memory in bytes.
    pub memory: i64,
}

/// metrics.k8s.io for one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodMetrics {
    /// Namespace of the pod.
    pub namespace: Str,
    /// Name of the pod.
    pub name: Str,
    /// Per container.
    pub containers: Box<[(Str, Usage)]>,
}

/// metrics.k8s.io for one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeMetrics {
    /// The node.
    pub node: ObjectRef,
    /// What it uses.
    pub usage: Usage,
}
