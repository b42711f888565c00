//! The groups apps and batch: workloads, their revisions, jobs.

use bytes::Bytes;
use serde::Deserialize;

use super::core::{ObjectReference, PodTemplate};
use super::{Condition, IntOrString, LabelSelector, ObjectMeta, ProbedCondition, RawExtension, Time, prose};

/// `apps/v1 Deployment`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Deployment {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<DeploymentSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<DeploymentStatus>,
}

/// `apps/v1 DeploymentSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DeploymentSpec {
    #[prost(int32, optional, tag = "1")]
    pub(crate) replicas: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(crate) selector: Option<LabelSelector>,
    #[prost(message, optional, tag = "3")]
    pub(crate) template: Option<PodTemplate>,
    #[prost(message, optional, tag = "4")]
    pub(crate) strategy: Option<DeploymentStrategy>,
    #[prost(bool, tag = "7")]
    pub(crate) paused: bool,
    #[prost(int32, optional, tag = "9")]
    pub(crate) progress_deadline_seconds: Option<i32>,
}

/// `apps/v1 DeploymentStrategy`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DeploymentStrategy {
    #[prost(string, tag = "1")]
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) rolling_update: Option<Rolling>,
}

/// `apps/v1 RollingUpdateDeployment` and `RollingUpdateDaemonSet`, which share their numbers.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Rolling {
    #[prost(message, optional, tag = "1")]
    pub(crate) max_unavailable: Option<IntOrString>,
    #[prost(message, optional, tag = "2")]
    pub(crate) max_surge: Option<IntOrString>,
}

/// `apps/v1 DeploymentStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DeploymentStatus {
    #[prost(int64, tag = "1")]
    pub(crate) observed_generation: i64,
    #[prost(int32, tag = "2")]
    pub(crate) replicas: i32,
    #[prost(int32, tag = "3")]
    pub(crate) updated_replicas: i32,
    #[prost(int32, tag = "4")]
    pub(crate) available_replicas: i32,
    #[prost(message, repeated, tag = "6")]
    pub(crate) conditions: Vec<DeploymentCondition>,
    #[prost(int32, tag = "7")]
    pub(crate) ready_replicas: i32,
}

/// `apps/v1 DeploymentCondition`: the only one with its times at the end.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DeploymentCondition {
    #[prost(string, tag = "1")]
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[prost(string, tag = "2")]
    pub(crate) status: String,
    #[prost(string, tag = "4")]
    pub(crate) reason: String,
    #[prost(bytes = "bytes", tag = "5")]
    #[serde(deserialize_with = "prose")]
    pub(crate) message: Bytes,
    #[prost(message, optional, tag = "7")]
    pub(crate) last_transition_time: Option<Time>,
}

/// `apps/v1 StatefulSet`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct StatefulSet {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<StatefulSetSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<StatefulSetStatus>,
}

/// `apps/v1 StatefulSetSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct StatefulSetSpec {
    #[prost(int32, optional, tag = "1")]
    pub(crate) replicas: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(crate) selector: Option<LabelSelector>,
    #[prost(message, optional, tag = "3")]
    pub(crate) template: Option<PodTemplate>,
    #[prost(message, optional, tag = "7")]
    pub(crate) update_strategy: Option<StatefulSetStrategy>,
}

/// `apps/v1 StatefulSetUpdateStrategy`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct StatefulSetStrategy {
    #[prost(string, tag = "1")]
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) rolling_update: Option<Partitioned>,
}

/// `apps/v1 RollingUpdateStatefulSetStrategy`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Partitioned {
    #[prost(int32, optional, tag = "1")]
    pub(crate) partition: Option<i32>,
    #[prost(message, optional, tag = "2")]
    pub(crate) max_unavailable: Option<IntOrString>,
}

/// `apps/v1 StatefulSetStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct StatefulSetStatus {
    #[prost(int64, tag = "1")]
    pub(crate) observed_generation: i64,
    #[prost(int32, tag = "2")]
    pub(crate) replicas: i32,
    #[prost(int32, tag = "3")]
    pub(crate) ready_replicas: i32,
    #[prost(int32, tag = "5")]
    pub(crate) updated_replicas: i32,
    #[prost(string, tag = "6")]
    pub(crate) current_revision: String,
    #[prost(string, tag = "7")]
    pub(crate) update_revision: String,
    #[prost(message, repeated, tag = "10")]
    pub(crate) conditions: Vec<Condition>,
    #[prost(int32, tag = "11")]
    pub(crate) available_replicas: i32,
}

/// `apps/v1 DaemonSet`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct DaemonSet {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<DaemonSetSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<DaemonSetStatus>,
}

/// `apps/v1 DaemonSetSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DaemonSetSpec {
    #[prost(message, optional, tag = "1")]
    pub(crate) selector: Option<LabelSelector>,
    #[prost(message, optional, tag = "2")]
    pub(crate) template: Option<PodTemplate>,
    #[prost(message, optional, tag = "3")]
    pub(crate) update_strategy: Option<DaemonSetStrategy>,
}

/// `apps/v1 DaemonSetUpdateStrategy`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DaemonSetStrategy {
    #[prost(string, tag = "1")]
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) rolling_update: Option<Rolling>,
}

/// `apps/v1 DaemonSetStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DaemonSetStatus {
    #[prost(int32, tag = "1")]
    pub(crate) current_number_scheduled: i32,
    #[prost(int32, tag = "3")]
    pub(crate) desired_number_scheduled: i32,
    #[prost(int32, tag = "4")]
    pub(crate) number_ready: i32,
    #[prost(int64, tag = "5")]
    pub(crate) observed_generation: i64,
    #[prost(int32, tag = "6")]
    pub(crate) updated_number_scheduled: i32,
    #[prost(int32, tag = "7")]
    pub(crate) number_available: i32,
    #[prost(message, repeated, tag = "10")]
    pub(crate) conditions: Vec<Condition>,
}

/// `apps/v1 ReplicaSet`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct ReplicaSet {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<ReplicaSetSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<ReplicaSetStatus>,
}

/// `apps/v1 ReplicaSetSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct ReplicaSetSpec {
    #[prost(int32, optional, tag = "1")]
    pub(crate) replicas: Option<i32>,
    #[prost(message, optional, tag = "3")]
    pub(crate) template: Option<PodTemplate>,
}

/// `apps/v1 ReplicaSetStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ReplicaSetStatus {
    #[prost(int32, tag = "1")]
    pub(crate) replicas: i32,
    #[prost(int32, tag = "4")]
    pub(crate) ready_replicas: i32,
    #[prost(message, repeated, tag = "6")]
    pub(crate) conditions: Vec<Condition>,
}

/// `apps/v1 ControllerRevision`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct ControllerRevision {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) data: Option<RawExtension>,
    #[prost(int64, tag = "3")]
    pub(crate) revision: i64,
}

/// `batch/v1 Job`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Job {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<JobSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<JobStatus>,
}

/// `batch/v1 JobSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct JobSpec {
    #[prost(int32, optional, tag = "1")]
    pub(crate) parallelism: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub(crate) completions: Option<i32>,
    #[prost(message, optional, tag = "4")]
    pub(crate) selector: Option<LabelSelector>,
    #[prost(message, optional, tag = "6")]
    pub(crate) template: Option<PodTemplate>,
    #[prost(bool, tag = "10")]
    pub(crate) suspend: bool,
}

/// `batch/v1 JobStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct JobStatus {
    #[prost(message, repeated, tag = "1")]
    pub(crate) conditions: Vec<ProbedCondition>,
    #[prost(message, optional, tag = "2")]
    pub(crate) start_time: Option<Time>,
    #[prost(message, optional, tag = "3")]
    pub(crate) completion_time: Option<Time>,
    #[prost(int32, tag = "4")]
    pub(crate) active: i32,
    #[prost(int32, tag = "5")]
    pub(crate) succeeded: i32,
    #[prost(int32, tag = "6")]
    pub(crate) failed: i32,
    #[prost(int32, tag = "9")]
    pub(crate) ready: i32,
}

/// `batch/v1 CronJob`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct CronJob {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<CronJobSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<CronJobStatus>,
}

/// `batch/v1 CronJobSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CronJobSpec {
    #[prost(string, tag = "1")]
    pub(crate) schedule: String,
    #[prost(int64, optional, tag = "2")]
    pub(crate) starting_deadline_seconds: Option<i64>,
    #[prost(string, tag = "3")]
    pub(crate) concurrency_policy: String,
    #[prost(bool, tag = "4")]
    pub(crate) suspend: bool,
    #[prost(message, optional, tag = "5")]
    pub(crate) job_template: Option<JobTemplate>,
    #[prost(string, tag = "8")]
    pub(crate) time_zone: String,
}

/// `batch/v1 JobTemplateSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct JobTemplate {
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<JobSpec>,
}

/// `batch/v1 CronJobStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CronJobStatus {
    #[prost(message, repeated, tag = "1")]
    pub(crate) active: Vec<ObjectReference>,
    #[prost(message, optional, tag = "4")]
    pub(crate) last_schedule_time: Option<Time>,
    #[prost(message, optional, tag = "5")]
    pub(crate) last_successful_time: Option<Time>,
}
