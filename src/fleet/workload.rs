//! What a row at the top of the tree is, and which pods belong to it.
//!
//! Owns the walk from a pod up its owners: ReplicaSet to Deployment, Job to CronJob, static pod to node, bare pod to itself,
//! anything else to whatever controls it. Must not judge.

use std::fmt;

use crate::base::text::Str;
use crate::target::model::{Kind, Meta, Object, ObjectRef, Owner};

/// What a top row is. The order is the order of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WorkloadKind {
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
    /// A DaemonSet.
    DaemonSet,
    /// A CronJob; its Jobs are below it.
    CronJob,
    /// A Job that no CronJob made.
    Job,
    /// A ReplicaSet without a Deployment.
    ReplicaSet,
    /// Something else that controls pods: an operator's own kind.
    Other(Str),
    /// A pod that nobody controls.
    Pod,
    /// A node with its static pods.
    Node,
}

impl WorkloadKind {
    /// The Kubernetes kind as written.
    pub fn word(&self) -> &str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::CronJob => "CronJob",
            Self::Job => "Job",
            Self::ReplicaSet => "ReplicaSet",
            Self::Other(word) => word,
            Self::Pod => "Pod",
            Self::Node => "Node",
        }
    }

    /// The kind, when the program knows it.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Deployment => Kind::Deployment,
            Self::StatefulSet => Kind::StatefulSet,
            Self::DaemonSet => Kind::DaemonSet,
            Self::CronJob => Kind::CronJob,
            Self::Job => Kind::Job,
            Self::ReplicaSet => Kind::ReplicaSet,
            Self::Pod => Kind::Pod,
            Self::Node => Kind::Node,
            Self::Other(_) => return None,
        })
    }

    fn of(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::Deployment => Self::Deployment,
            Kind::StatefulSet => Self::StatefulSet,
            Kind::DaemonSet => Self::DaemonSet,
            Kind::CronJob => Self::CronJob,
            Kind::Job => Self::Job,
            Kind::ReplicaSet => Self::ReplicaSet,
            Kind::Pod => Self::Pod,
            Kind::Node => Self::Node,
            _ => return None,
        })
    }
}

/// Names a row at the top of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkloadKey {
    /// Empty for a node.
    pub namespace: Str,
    /// What it is.
    pub kind: WorkloadKind,
    /// Name within the namespace.
    pub name: Str,
}

impl WorkloadKey {
    /// Names a workload.
    pub fn new(kind: WorkloadKind, namespace: impl Into<Str>, name: impl Into<Str>) -> Self {
        Self { namespace: namespace.into(), kind, name: name.into() }
    }

    /// The workload that an object is, when objects of its kind can be one.
    pub fn of(object: &ObjectRef) -> Option<Self> {
        WorkloadKind::of(object.kind).map(|kind| Self { namespace: object.namespace.clone(), kind, name: object.name.clone() })
    }

    /// The object that it is; `None` for kinds that the program does not know.
    pub fn object(&self) -> Option<ObjectRef> {
        self.kind.kind().map(|kind| ObjectRef { kind, namespace: self.namespace.clone(), name: self.name.clone() })
    }

    /// `namespace/kind/name` in lower case: the id without a service file (contract.md 2).
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.namespace, self.kind.word().to_lowercase(), self.name)
    }
}

impl fmt::Display for WorkloadKey {
    /// `Deployment eterna-rules/backend`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind.word(), self.name)
        } else {
            write!(f, "{} {}/{}", self.kind.word(), self.namespace, self.name)
        }
    }
}

/// What the walk needs to look up.
pub(crate) trait Owners {
    /// The ReplicaSet or Job that `owner` names, if it is known under this identity.
    fn meta_of(&self, kind: Kind, namespace: &str, owner: &Owner) -> Option<&Meta>;
}

/// The workload that a pod belongs to.
///
/// A ReplicaSet that cannot be seen (no right to list them, or not there yet) is taken by its name: the Deployment controller
/// names them `<deployment>-<pod-template-hash>`.
pub(crate) fn of_pod(meta: &Meta, owners: &impl Owners) -> WorkloadKey {
    let Some(owner) = &meta.owner else { return WorkloadKey::new(WorkloadKind::Pod, meta.namespace.clone(), meta.name.clone()) };
    match &*owner.kind {
        "Node" => WorkloadKey::new(WorkloadKind::Node, "", owner.name.clone()),
        "ReplicaSet" => match owners.meta_of(Kind::ReplicaSet, &meta.namespace, owner) {
            Some(set) => above_or(set.owner.as_ref(), WorkloadKind::ReplicaSet, owner, meta),
            None => by_hash(meta, owner),
        },
        "Job" => {
            let above = owners.meta_of(Kind::Job, &meta.namespace, owner).and_then(|job| job.owner.as_ref());
            above_or(above, WorkloadKind::Job, owner, meta)
        }
        word => WorkloadKey::new(kind_of(word), meta.namespace.clone(), owner.name.clone()),
    }
}

/// The workload that a ReplicaSet or Job belongs to: its owner, or itself.
pub(crate) fn of_object(kind: Kind, meta: &Meta) -> Option<WorkloadKey> {
    match &meta.owner {
        Some(owner) if matches!(kind, Kind::ReplicaSet | Kind::Job | Kind::ControllerRevision) => {
            Some(WorkloadKey::new(kind_of(&owner.kind), meta.namespace.clone(), owner.name.clone()))
        }
        _ => WorkloadKind::of(kind).map(|k| WorkloadKey::new(k, meta.namespace.clone(), meta.name.clone())),
    }
}

/// Under which workload the pods of a ReplicaSet or Job were filed while it was not known: the reverse of the guess by name.
pub(crate) fn of_pod_owned_by(owner: &Object) -> Option<WorkloadKey> {
    let meta = owner.meta();
    let by_name = |kind| Some(WorkloadKey::new(kind, meta.namespace.clone(), meta.name.clone()));
    match owner {
        Object::Job(_) => by_name(WorkloadKind::Job),
        Object::ReplicaSet(_) => match meta.label("pod-template-hash").and_then(|h| meta.name.strip_suffix(&**h)?.strip_suffix('-')) {
            Some(name) => Some(WorkloadKey::new(WorkloadKind::Deployment, meta.namespace.clone(), name)),
            None => by_name(WorkloadKind::ReplicaSet),
        },
        _ => None,
    }
}

fn above_or(above: Option<&Owner>, kind: WorkloadKind, owner: &Owner, meta: &Meta) -> WorkloadKey {
    match above {
        Some(top) => WorkloadKey::new(kind_of(&top.kind), meta.namespace.clone(), top.name.clone()),
        None => WorkloadKey::new(kind, meta.namespace.clone(), owner.name.clone()),
    }
}

fn by_hash(meta: &Meta, owner: &Owner) -> WorkloadKey {
    let deployment = meta.label("pod-template-hash").and_then(|hash| owner.name.strip_suffix(&**hash)?.strip_suffix('-'));
    match deployment {
        Some(name) => WorkloadKey::new(WorkloadKind::Deployment, meta.namespace.clone(), name),
        None => WorkloadKey::new(WorkloadKind::ReplicaSet, meta.namespace.clone(), owner.name.clone()),
    }
}

fn kind_of(word: &str) -> WorkloadKind {
    match word {
        "Deployment" => WorkloadKind::Deployment,
        "StatefulSet" => WorkloadKind::StatefulSet,
        "DaemonSet" => WorkloadKind::DaemonSet,
        "CronJob" => WorkloadKind::CronJob,
        "Job" => WorkloadKind::Job,
        "ReplicaSet" => WorkloadKind::ReplicaSet,
        other => WorkloadKind::Other(other.into()),
    }
}
