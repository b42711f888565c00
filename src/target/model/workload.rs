//! Workloads, their revisions, and jobs.
//!
//! Owns the fields that READY columns, rollout rules and release history need.

use super::{Condition, ContainerRole, Kind, Meta, Resources, Seconds, Selector};
use crate::base::text::Str;

/// A Deployment, StatefulSet or DaemonSet: what they share, under one set of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// What every object has.
    pub meta: Meta,
    /// `Deployment`, `StatefulSet` or `DaemonSet`.
    pub kind: Kind,
    /// `spec.replicas` (absent = 1), or `status.desiredNumberScheduled`.
    pub desired: i32,
    /// `status.replicas` or `status.currentNumberScheduled`.
    pub replicas: i32,
    /// `status.readyReplicas` or `status.numberReady`.
    pub ready: i32,
    /// `status.updatedReplicas` or `status.updatedNumberScheduled`.
    pub updated: i32,
    /// `status.availableReplicas` or `status.numberAvailable`.
    pub available: i32,
    /// `status.observedGeneration`.
    pub observed_generation: i64,
    /// Which pods are its own.
    pub selector: Selector,
    /// `spec.paused` of a Deployment.
    pub paused: bool,
    /// How new templates reach the pods.
    pub strategy: Strategy,
    /// `spec.progressDeadlineSeconds` of a Deployment.
    pub progress_deadline: Option<i32>,
    /// All conditions.
    pub conditions: Box<[Condition]>,
    /// Containers of the pod template.
    pub template: Box<[TemplateContainer]>,
    /// `status.currentRevision` of a StatefulSet, else empty.
    pub current_revision: Str,
    /// `status.updateRevision` of a StatefulSet, else empty.
    pub update_revision: Str,
}

/// How new templates reach the pods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Strategy {
    /// `RollingUpdate`, `Recreate`, `OnDelete`; empty = the kind's default (rolling).
    pub kind: Str,
    /// `rollingUpdate.partition` of a StatefulSet.
    pub partition: Option<i32>,
    /// `maxUnavailable` as written: `25%`, `1`.
    pub max_unavailable: Str,
    /// `maxSurge` as written.
    pub max_surge: Str,
}

/// One container of a pod template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateContainer {
    /// Name within the pod.
    pub name: Str,
    /// Which list it is in.
    pub role: ContainerRole,
    /// Image reference.
    pub image: Str,
    /// `resources.requests`.
    pub requests: Resources,
    /// `resources.limits`.
    pub limits: Resources,
}

/// A ReplicaSet: one revision of a Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaSet {
    /// What every object has; revision and change cause are annotations.
    pub meta: Meta,
    /// `spec.replicas`.
    pub desired: i32,
    /// `status.replicas`.
    pub replicas: i32,
    /// `status.readyReplicas`.
    pub ready: i32,
    /// Containers of the pod template.
    pub template: Box<[TemplateContainer]>,
    /// All conditions (`ReplicaFailure`: quota).
    pub conditions: Box<[Condition]>,
}

/// A ControllerRevision: one revision of a StatefulSet or DaemonSet. Its data is fetched when somebody opens it, except images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerRevision {
    /// What every object has; the change cause is an annotation.
    pub meta: Meta,
    /// Revision number.
    pub revision: i64,
    /// Containers of the pod template, as far as the data could be read.
    pub template: Box<[TemplateContainer]>,
}

/// A Job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What every object has.
    pub meta: Meta,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.completions`; `None` means any one.
    pub completions: Option<i32>,
    /// `spec.parallelism`.
    pub parallelism: Option<i32>,
    /// Running pods.
    pub active: i32,
    /// Ready pods.
    pub ready: i32,
    /// Pods that succeeded.
    pub succeeded: i32,
    /// Pods that failed.
    pub failed: i32,
    /// When the first pod started.
    pub started: Option<Seconds>,
    /// When it completed.
    pub completed: Option<Seconds>,
    /// All conditions.
    pub conditions: Box<[Condition]>,
    /// Which pods are its own.
    pub selector: Selector,
    /// Containers of the pod template.
    pub template: Box<[TemplateContainer]>,
}

/// A CronJob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronJob {
    /// What every object has.
    pub meta: Meta,
    /// Cron expression as written.
    pub schedule: Str,
    /// `spec.timeZone`; empty = the controller's (UTC as a rule).
    pub time_zone: Str,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `Allow`, `Forbid`, `Replace`.
    pub concurrency: Str,
    /// `spec.startingDeadlineSeconds`.
    pub starting_deadline: Option<i64>,
    /// Jobs that run now.
    pub active: i32,
    /// `status.lastScheduleTime`.
    pub last_schedule: Option<Seconds>,
    /// `status.lastSuccessfulTime`.
    pub last_success: Option<Seconds>,
    /// Containers of the pod template.
    pub template: Box<[TemplateContainer]>,
}
