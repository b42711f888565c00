//! The core group: pods, nodes, namespaces, services, events, volume claims.

use bytes::Bytes;
use serde::Deserialize;

use super::{Amount, IntOrString, ObjectMeta, Pair, ProbedCondition, Time, amounts, pairs, prose};

/// `core/v1 Pod`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Pod {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<PodSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<PodStatus>,
}

/// `core/v1 PodSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PodSpec {
    #[prost(message, repeated, tag = "2")]
    pub(crate) containers: Vec<Container>,
    #[prost(string, tag = "3")]
    pub(crate) restart_policy: String,
    #[prost(string, tag = "10")]
    pub(crate) node_name: String,
    #[prost(message, repeated, tag = "20")]
    pub(crate) init_containers: Vec<Container>,
    #[prost(message, repeated, tag = "28")]
    pub(crate) readiness_gates: Vec<ReadinessGate>,
    #[prost(message, repeated, tag = "34")]
    pub(crate) ephemeral_containers: Vec<EphemeralContainer>,
}

/// `core/v1 PodStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PodStatus {
    #[prost(string, tag = "1")]
    pub(crate) phase: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) conditions: Vec<ProbedCondition>,
    #[prost(bytes = "bytes", tag = "3")]
    #[serde(deserialize_with = "prose")]
    pub(crate) message: Bytes,
    #[prost(string, tag = "4")]
    pub(crate) reason: String,
    #[prost(string, tag = "6")]
    #[serde(rename = "podIP")]
    pub(crate) ip: String,
    #[prost(message, optional, tag = "7")]
    pub(crate) start_time: Option<Time>,
    #[prost(message, repeated, tag = "8")]
    pub(crate) container_statuses: Vec<ContainerStatus>,
    #[prost(message, repeated, tag = "10")]
    pub(crate) init_container_statuses: Vec<ContainerStatus>,
    #[prost(message, repeated, tag = "13")]
    pub(crate) ephemeral_container_statuses: Vec<ContainerStatus>,
}

/// `core/v1 PodReadinessGate`; only counted.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ReadinessGate {
    #[prost(string, tag = "1")]
    pub(crate) condition_type: String,
}

/// `core/v1 Container` and `EphemeralContainerCommon`, which share their numbers.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Container {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) image: String,
    #[prost(message, optional, tag = "8")]
    pub(crate) resources: Option<ResourceRequirements>,
    #[prost(string, tag = "24")]
    pub(crate) restart_policy: String,
}

/// `core/v1 ResourceRequirements`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct ResourceRequirements {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "amounts")]
    pub(crate) limits: Vec<Amount>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "amounts")]
    pub(crate) requests: Vec<Amount>,
}

/// `core/v1 ContainerStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ContainerStatus {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) state: Option<ContainerState>,
    #[prost(message, optional, tag = "3")]
    pub(crate) last_state: Option<ContainerState>,
    #[prost(bool, tag = "4")]
    pub(crate) ready: bool,
    #[prost(int32, tag = "5")]
    pub(crate) restart_count: i32,
    #[prost(string, tag = "7")]
    #[serde(rename = "imageID")]
    pub(crate) image_id: String,
    #[prost(bool, optional, tag = "9")]
    pub(crate) started: Option<bool>,
}

/// `core/v1 ContainerState`: at most one is there.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct ContainerState {
    #[prost(message, optional, tag = "1")]
    pub(crate) waiting: Option<Waiting>,
    #[prost(message, optional, tag = "2")]
    pub(crate) running: Option<Running>,
    #[prost(message, optional, tag = "3")]
    pub(crate) terminated: Option<Terminated>,
}

/// `core/v1 ContainerStateWaiting`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Waiting {
    #[prost(string, tag = "1")]
    pub(crate) reason: String,
    #[prost(bytes = "bytes", tag = "2")]
    #[serde(deserialize_with = "prose")]
    pub(crate) message: Bytes,
}

/// `core/v1 ContainerStateRunning`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Running {
    #[prost(message, optional, tag = "1")]
    pub(crate) started_at: Option<Time>,
}

/// `core/v1 ContainerStateTerminated`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Terminated {
    #[prost(int32, tag = "1")]
    pub(crate) exit_code: i32,
    #[prost(int32, tag = "2")]
    pub(crate) signal: i32,
    #[prost(string, tag = "3")]
    pub(crate) reason: String,
    #[prost(bytes = "bytes", tag = "4")]
    #[serde(deserialize_with = "prose")]
    pub(crate) message: Bytes,
    #[prost(message, optional, tag = "5")]
    pub(crate) started_at: Option<Time>,
    #[prost(message, optional, tag = "6")]
    pub(crate) finished_at: Option<Time>,
}

/// `core/v1 PodTemplateSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct PodTemplate {
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<PodSpec>,
}

/// `core/v1 ObjectReference`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ObjectReference {
    #[prost(string, tag = "1")]
    pub(crate) kind: String,
    #[prost(string, tag = "2")]
    pub(crate) namespace: String,
    #[prost(string, tag = "3")]
    pub(crate) name: String,
    #[prost(string, tag = "4")]
    pub(crate) uid: String,
    #[prost(string, tag = "7")]
    pub(crate) field_path: String,
}

/// `core/v1 Service`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<ServiceSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<ServiceStatus>,
}

/// `core/v1 ServiceSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ServiceSpec {
    #[prost(message, repeated, tag = "1")]
    pub(crate) ports: Vec<ServicePort>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "pairs")]
    pub(crate) selector: Vec<Pair>,
    #[prost(string, tag = "3")]
    #[serde(rename = "clusterIP")]
    pub(crate) cluster_ip: String,
    #[prost(string, tag = "4")]
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[prost(string, repeated, tag = "5")]
    #[serde(rename = "externalIPs")]
    pub(crate) external_ips: Vec<String>,
    #[prost(string, tag = "10")]
    pub(crate) external_name: String,
}

/// `core/v1 ServiceStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ServiceStatus {
    #[prost(message, optional, tag = "1")]
    pub(crate) load_balancer: Option<Balancer>,
}

/// `core/v1 LoadBalancerStatus` and `networking.k8s.io/v1 IngressLoadBalancerStatus`, which share their numbers.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Balancer {
    #[prost(message, repeated, tag = "1")]
    pub(crate) ingress: Vec<BalancerAddress>,
}

/// `core/v1 LoadBalancerIngress` and `networking.k8s.io/v1 IngressLoadBalancerIngress`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct BalancerAddress {
    #[prost(string, tag = "1")]
    pub(crate) ip: String,
    #[prost(string, tag = "2")]
    pub(crate) hostname: String,
}

/// `core/v1 ServicePort`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ServicePort {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) protocol: String,
    #[prost(int32, tag = "3")]
    pub(crate) port: i32,
    #[prost(message, optional, tag = "4")]
    pub(crate) target_port: Option<IntOrString>,
    #[prost(int32, tag = "5")]
    pub(crate) node_port: i32,
}

/// `core/v1 Event`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Event {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) involved_object: Option<ObjectReference>,
    #[prost(string, tag = "3")]
    pub(crate) reason: String,
    #[prost(bytes = "bytes", tag = "4")]
    #[serde(deserialize_with = "prose")]
    pub(crate) message: Bytes,
    #[prost(message, optional, tag = "5")]
    pub(crate) source: Option<EventSource>,
    #[prost(message, optional, tag = "6")]
    pub(crate) first_timestamp: Option<Time>,
    #[prost(message, optional, tag = "7")]
    pub(crate) last_timestamp: Option<Time>,
    #[prost(int32, tag = "8")]
    pub(crate) count: i32,
    #[prost(string, tag = "9")]
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[prost(message, optional, tag = "10")]
    #[serde(rename = "eventTime")]
    pub(crate) at: Option<Time>,
    #[prost(message, optional, tag = "11")]
    pub(crate) series: Option<EventSeries>,
    #[prost(string, tag = "14")]
    pub(crate) reporting_component: String,
}

/// `core/v1 EventSource`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct EventSource {
    #[prost(string, tag = "1")]
    pub(crate) component: String,
}

/// `core/v1 EventSeries`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct EventSeries {
    #[prost(int32, tag = "1")]
    pub(crate) count: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) last_observed_time: Option<Time>,
}

/// `core/v1 Node`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Node {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<NodeSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<NodeStatus>,
}

/// `core/v1 NodeSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct NodeSpec {
    #[prost(bool, tag = "4")]
    pub(crate) unschedulable: bool,
    #[prost(message, repeated, tag = "5")]
    pub(crate) taints: Vec<Taint>,
}

/// `core/v1 Taint`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Taint {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
    #[prost(string, tag = "3")]
    pub(crate) effect: String,
}

/// `core/v1 NodeStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NodeStatus {
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "amounts")]
    pub(crate) allocatable: Vec<Amount>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) conditions: Vec<ProbedCondition>,
    #[prost(message, optional, tag = "7")]
    pub(crate) node_info: Option<NodeInfo>,
}

/// `core/v1 NodeSystemInfo`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct NodeInfo {
    #[prost(string, tag = "7")]
    pub(crate) kubelet_version: String,
}

/// `core/v1 Namespace`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Namespace {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<NamespaceStatus>,
}

/// `core/v1 NamespaceStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct NamespaceStatus {
    #[prost(string, tag = "1")]
    pub(crate) phase: String,
}

/// `core/v1 PersistentVolumeClaim`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Pvc {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<PvcSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<PvcStatus>,
}

/// `core/v1 PersistentVolumeClaimSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PvcSpec {
    #[prost(string, tag = "5")]
    pub(crate) storage_class_name: String,
}

/// `core/v1 PersistentVolumeClaimStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct PvcStatus {
    #[prost(string, tag = "1")]
    pub(crate) phase: String,
    #[prost(message, repeated, tag = "3")]
    #[serde(deserialize_with = "amounts")]
    pub(crate) capacity: Vec<Amount>,
}

/// `core/v1 EphemeralContainer`: protobuf nests what JSON writes inline.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct EphemeralContainer {
    #[prost(message, optional, tag = "1")]
    #[serde(flatten)]
    pub(crate) common: Option<Container>,
}
