//! Objects of a target reduced to the fields that the program shows or reasons about.
//!
//! Owns plain, compact data: strings are shared, times are seconds, every text was stripped of control sequences while it was
//! decoded. Must not decode anything itself and must not judge (that is `fleet`).

mod kind;
mod pod;
mod rest;
mod workload;

pub use kind::{Kind, LOCKS_OF_CLUSTER, OWN_LABEL, Scope};
pub use pod::{Container, ContainerRole, ContainerState, Pod, Resources, Termination};
pub use rest::{
    Backend, Certificate, Endpoint, EndpointSlice, Event, Hpa, Ingress, IngressTls, Lease, MetaOnly, Namespace, Node, NodeMetrics, Pdb, PodMetrics,
    Pvc, Service, ServicePort, Usage,
};
pub use workload::{ControllerRevision, CronJob, Job, ReplicaSet, Strategy, TemplateContainer, Workload};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::text::Str;

/// Seconds since 1970, UTC: what Kubernetes' times are exact to.
pub type Seconds = i64;

/// A key and a value, sorted by key within an object.
pub type Labels = Arc<[(Str, Str)]>;

/// What every object has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Meta {
    /// Name within the namespace.
    pub name: Str,
    /// Empty for objects without a namespace.
    pub namespace: Str,
    /// Identity: a re-created object under the same name has another.
    pub uid: Str,
    /// Version of the object; 0 when the server's is not a number. For information and for counting configurations, never
    /// compared for order.
    pub resource_version: u64,
    /// When it was made.
    pub created: Seconds,
    /// When its deletion was asked for.
    pub deleted: Option<Seconds>,
    /// Counts changes of the wanted state.
    pub generation: i64,
    /// All labels.
    pub labels: Labels,
    /// The few annotations that the program reads (change-cause, revision, `timonel.io/*`, default-container).
    pub annotations: Labels,
    /// The owner with `controller: true`.
    pub owner: Option<Owner>,
}

impl Meta {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&Str> {
        self.labels.iter().find(|(k, _)| &**k == key).map(|(_, v)| v)
    }

    /// The value of one of the kept annotations.
    pub fn annotation(&self, key: &str) -> Option<&Str> {
        self.annotations.iter().find(|(k, _)| &**k == key).map(|(_, v)| v)
    }
}

/// The controller that made an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Kubernetes kind as written: `ReplicaSet`, `Node`, an operator's own.
    pub kind: Str,
    /// Its name.
    pub name: Str,
    /// Its identity.
    pub uid: Str,
}

/// One entry of `status.conditions`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// `Ready`, `Progressing`, ...
    pub kind: Str,
    /// True, false, or unknown (`None`).
    pub status: Option<bool>,
    /// One CamelCase word.
    pub reason: Str,
    /// Prose; empty when the condition says what is wanted, to save memory.
    pub message: Box<str>,
    /// Last transition.
    pub since: Option<Seconds>,
}

/// Looks a condition up by its kind.
pub fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| &*c.kind == kind)
}

/// A label selector, with `matchLabels` folded into `In` requirements.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Selector {
    /// All must hold; an empty selector selects nothing here (apps/v1 requires one that is not empty; a Service without a
    /// selector has no pods of its own).
    pub requirements: Arc<[Requirement]>,
}

/// One requirement of a selector.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// Label key.
    pub key: Str,
    /// How the value is judged.
    pub operator: Operator,
    /// Values for `In` and `NotIn`.
    pub values: Arc<[Str]>,
}

/// Operators of a label selector requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The label's value is one of `values`.
    In,
    /// The label is absent or its value none of `values`.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
}

impl Selector {
    /// A selector of equalities.
    pub fn equal(labels: impl IntoIterator<Item = (Str, Str)>) -> Self {
        let requirements = labels
            .into_iter()
            .map(|(key, value)| Requirement { key, operator: Operator::In, values: Arc::from([value]) })
            .collect();
        Self { requirements }
    }

    /// Whether nothing is required, which selects nothing.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether these labels satisfy every requirement.
    pub fn matches(&self, labels: &[(Str, Str)]) -> bool {
        !self.is_empty() && self.requirements.iter().all(|r| r.matches(labels))
    }

    /// As the API's `labelSelector` parameter: `app=x,tier in (a,b),!old`.
    pub fn to_query(&self) -> String {
        let one = |r: &Requirement| match (r.operator, &r.values[..]) {
            (Operator::Exists, _) => r.key.to_string(),
            (Operator::DoesNotExist, _) => format!("!{}", r.key),
            (Operator::In, [single]) => format!("{}={single}", r.key),
            (operator, values) => {
                let word = if operator == Operator::In { "in" } else { "notin" };
                let values: Vec<&str> = values.iter().map(|v| &**v).collect();
                format!("{} {word} ({})", r.key, values.join(","))
            }
        };
        self.requirements.iter().map(one).collect::<Vec<_>>().join(",")
    }
}

impl Requirement {
    fn matches(&self, labels: &[(Str, Str)]) -> bool {
        let value = labels.iter().find(|(k, _)| *k == self.key).map(|(_, v)| v);
        match self.operator {
            Operator::In => value.is_some_and(|v| self.values.contains(v)),
            Operator::NotIn => value.is_none_or(|v| !self.values.contains(v)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

/// Names one object within a target.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRef {
    /// What it is.
    pub kind: Kind,
    /// Empty for objects without a namespace.
    pub namespace: Str,
    /// Name within the namespace.
    pub name: Str,
}

impl ObjectRef {
    /// Names an object.
    pub fn new(kind: Kind, namespace: impl Into<Str>, name: impl Into<Str>) -> Self {
        Self { kind, namespace: namespace.into(), name: name.into() }
    }

    /// `namespace/kind/name` in lower case, the id of a workload without a service file (contract.md 2).
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.namespace, self.kind.word().to_lowercase(), self.name)
    }
}

impl std::fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind.word(), self.name)
        } else {
            write!(f, "{} {}/{}", self.kind.word(), self.namespace, self.name)
        }
    }
}

/// Any object that a watch can deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A pod.
    Pod(Arc<Pod>),
    /// A Deployment, StatefulSet or DaemonSet.
    Workload(Arc<Workload>),
    /// A revision of a Deployment.
    ReplicaSet(Arc<ReplicaSet>),
    /// A revision of a StatefulSet or DaemonSet.
    ControllerRevision(Arc<ControllerRevision>),
    /// A Job.
    Job(Arc<Job>),
    /// A CronJob.
    CronJob(Arc<CronJob>),
    /// A Service.
    Service(Arc<Service>),
    /// Part of a Service's endpoints.
    EndpointSlice(Arc<EndpointSlice>),
    /// A horizontal pod autoscaler.
    Hpa(Arc<Hpa>),
    /// A pod disruption budget.
    Pdb(Arc<Pdb>),
    /// An Ingress.
    Ingress(Arc<Ingress>),
    /// An event.
    Event(Arc<Event>),
    /// A node.
    Node(Arc<Node>),
    /// A namespace.
    Namespace(Arc<Namespace>),
    /// A `ConfigMap` or Secret: metadata only, never values.
    MetaOnly(Arc<MetaOnly>),
    /// A persistent volume claim.
    Pvc(Arc<Pvc>),
    /// A lock.
    Lease(Arc<Lease>),
    /// A cert-manager Certificate.
    Certificate(Arc<Certificate>),
}

impl Object {
    /// What it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Pod(_) => Kind::Pod,
            Self::Workload(w) => w.kind,
            Self::ReplicaSet(_) => Kind::ReplicaSet,
            Self::ControllerRevision(_) => Kind::ControllerRevision,
            Self::Job(_) => Kind::Job,
            Self::CronJob(_) => Kind::CronJob,
            Self::Service(_) => Kind::Service,
            Self::EndpointSlice(_) => Kind::EndpointSlice,
            Self::Hpa(_) => Kind::HorizontalPodAutoscaler,
            Self::Pdb(_) => Kind::PodDisruptionBudget,
            Self::Ingress(_) => Kind::Ingress,
            Self::Event(_) => Kind::Event,
            Self::Node(_) => Kind::Node,
            Self::Namespace(_) => Kind::Namespace,
            Self::MetaOnly(m) => m.kind,
            Self::Pvc(_) => Kind::PersistentVolumeClaim,
            Self::Lease(_) => Kind::Lease,
            Self::Certificate(_) => Kind::Certificate,
        }
    }

    /// What every object has.
    pub fn meta(&self) -> &Meta {
        match self {
            Self::Pod(o) => &o.meta,
            Self::Workload(o) => &o.meta,
            Self::ReplicaSet(o) => &o.meta,
            Self::ControllerRevision(o) => &o.meta,
            Self::Job(o) => &o.meta,
            Self::CronJob(o) => &o.meta,
            Self::Service(o) => &o.meta,
            Self::EndpointSlice(o) => &o.meta,
            Self::Hpa(o) => &o.meta,
            Self::Pdb(o) => &o.meta,
            Self::Ingress(o) => &o.meta,
            Self::Event(o) => &o.meta,
            Self::Node(o) => &o.meta,
            Self::Namespace(o) => &o.meta,
            Self::MetaOnly(o) => &o.meta,
            Self::Pvc(o) => &o.meta,
            Self::Lease(o) => &o.meta,
            Self::Certificate(o) => &o.meta,
        }
    }

    /// Its name in the target.
    pub fn reference(&self) -> ObjectRef {
        let meta = self.meta();
        ObjectRef { kind: self.kind(), namespace: meta.namespace.clone(), name: meta.name.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Operator, Requirement, Selector};

    #[test]
    fn a_selector_matches_as_kubernetes_does_and_an_empty_one_matches_nothing() {
        let labels = [("app".into(), "api".into()), ("tier".into(), "b".into())];
        let selector = Selector {
            requirements: [
                Requirement { key: "app".into(), operator: Operator::In, values: ["api".into()].into() },
                Requirement { key: "tier".into(), operator: Operator::NotIn, values: ["a".into(), "c".into()].into() },
                Requirement { key: "old".into(), operator: Operator::DoesNotExist, values: [].into() },
            ]
            .into(),
        };
        assert!(selector.matches(&labels));
        assert_eq!(selector.to_query(), "app=api,tier notin (a,c),!old");
        assert!(!Selector::default().matches(&labels));
    }
}
