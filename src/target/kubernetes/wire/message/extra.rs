//! Network, scaling and budgets; and the one custom resource that the program reads.

use serde::Deserialize;

use super::core::{Balancer, ObjectReference};
use super::{Condition, IntOrString, LabelSelector, ObjectMeta, Time};

/// `discovery.k8s.io/v1 EndpointSlice`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct EndpointSlice {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) endpoints: Vec<Endpoint>,
}

/// `discovery.k8s.io/v1 Endpoint`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Endpoint {
    #[prost(message, optional, tag = "2")]
    pub(crate) conditions: Option<EndpointConditions>,
    #[prost(message, optional, tag = "4")]
    pub(crate) target_ref: Option<ObjectReference>,
}

/// `discovery.k8s.io/v1 EndpointConditions`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct EndpointConditions {
    #[prost(bool, optional, tag = "1")]
    pub(crate) ready: Option<bool>,
    #[prost(bool, optional, tag = "2")]
    pub(crate) serving: Option<bool>,
    #[prost(bool, optional, tag = "3")]
    pub(crate) terminating: Option<bool>,
}

/// `autoscaling/v2 HorizontalPodAutoscaler`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Hpa {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<HpaSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<HpaStatus>,
}

/// `autoscaling/v2 HorizontalPodAutoscalerSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HpaSpec {
    #[prost(message, optional, tag = "1")]
    pub(crate) scale_target_ref: Option<ScaleTarget>,
    #[prost(int32, optional, tag = "2")]
    pub(crate) min_replicas: Option<i32>,
    #[prost(int32, tag = "3")]
    pub(crate) max_replicas: i32,
    #[prost(message, optional, tag = "5")]
    pub(crate) behavior: Option<HpaBehavior>,
}

/// `autoscaling/v2 CrossVersionObjectReference`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct ScaleTarget {
    #[prost(string, tag = "1")]
    pub(crate) kind: String,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
}

/// `autoscaling/v2 HorizontalPodAutoscalerBehavior`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HpaBehavior {
    #[prost(message, optional, tag = "1")]
    pub(crate) scale_up: Option<HpaRules>,
    #[prost(message, optional, tag = "2")]
    pub(crate) scale_down: Option<HpaRules>,
}

/// `autoscaling/v2 HPAScalingRules`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HpaRules {
    #[prost(string, tag = "1")]
    pub(crate) select_policy: String,
}

/// `autoscaling/v2 HorizontalPodAutoscalerStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct HpaStatus {
    #[prost(int32, tag = "3")]
    pub(crate) current_replicas: i32,
    #[prost(int32, tag = "4")]
    pub(crate) desired_replicas: i32,
    #[prost(message, repeated, tag = "6")]
    pub(crate) conditions: Vec<Condition>,
}

/// `policy/v1 PodDisruptionBudget`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Pdb {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<PdbSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<PdbStatus>,
}

/// `policy/v1 PodDisruptionBudgetSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PdbSpec {
    #[prost(message, optional, tag = "1")]
    pub(crate) min_available: Option<IntOrString>,
    #[prost(message, optional, tag = "2")]
    pub(crate) selector: Option<LabelSelector>,
    #[prost(message, optional, tag = "3")]
    pub(crate) max_unavailable: Option<IntOrString>,
}

/// `policy/v1 PodDisruptionBudgetStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PdbStatus {
    #[prost(int32, tag = "3")]
    pub(crate) disruptions_allowed: i32,
    #[prost(int32, tag = "4")]
    pub(crate) current_healthy: i32,
    #[prost(int32, tag = "5")]
    pub(crate) desired_healthy: i32,
}

/// `networking.k8s.io/v1 Ingress`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Ingress {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<IngressSpec>,
    #[prost(message, optional, tag = "3")]
    pub(crate) status: Option<IngressStatus>,
}

/// `networking.k8s.io/v1 IngressSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct IngressSpec {
    #[prost(message, optional, tag = "1")]
    pub(crate) default_backend: Option<IngressBackend>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) tls: Vec<IngressTls>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) rules: Vec<IngressRule>,
    #[prost(string, tag = "4")]
    pub(crate) ingress_class_name: String,
}

/// `networking.k8s.io/v1 IngressTLS`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct IngressTls {
    #[prost(string, repeated, tag = "1")]
    pub(crate) hosts: Vec<String>,
    #[prost(string, tag = "2")]
    pub(crate) secret_name: String,
}

/// `networking.k8s.io/v1 IngressRule`; JSON writes its value inline.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct IngressRule {
    #[prost(string, tag = "1")]
    pub(crate) host: String,
    #[prost(message, optional, tag = "2")]
    #[serde(flatten)]
    pub(crate) value: Option<IngressValue>,
}

/// `networking.k8s.io/v1 IngressRuleValue`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct IngressValue {
    #[prost(message, optional, tag = "1")]
    pub(crate) http: Option<IngressPaths>,
}

/// `networking.k8s.io/v1 HTTPIngressRuleValue`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct IngressPaths {
    #[prost(message, repeated, tag = "1")]
    pub(crate) paths: Vec<IngressPath>,
}

/// `networking.k8s.io/v1 HTTPIngressPath`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct IngressPath {
    #[prost(string, tag = "1")]
    pub(crate) path: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) backend: Option<IngressBackend>,
}

/// `networking.k8s.io/v1 IngressBackend`; one that names a resource has no service.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct IngressBackend {
    #[prost(message, optional, tag = "4")]
    pub(crate) service: Option<IngressService>,
}

/// `networking.k8s.io/v1 IngressServiceBackend`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct IngressService {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) port: Option<BackendPort>,
}

/// `networking.k8s.io/v1 ServiceBackendPort`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct BackendPort {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(int32, tag = "2")]
    pub(crate) number: i32,
}

/// `networking.k8s.io/v1 IngressStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct IngressStatus {
    #[prost(message, optional, tag = "1")]
    pub(crate) load_balancer: Option<Balancer>,
}

/// `coordination.k8s.io/v1 Lease`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct Lease {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) spec: Option<LeaseSpec>,
}

/// `coordination.k8s.io/v1 LeaseSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LeaseSpec {
    #[prost(string, tag = "1")]
    pub(crate) holder_identity: String,
    #[prost(int32, tag = "2")]
    pub(crate) lease_duration_seconds: i32,
    #[prost(message, optional, tag = "3")]
    pub(crate) acquire_time: Option<Time>,
    #[prost(message, optional, tag = "4")]
    pub(crate) renew_time: Option<Time>,
}

/// `cert-manager.io/v1 Certificate`: a custom resource, so it comes as JSON alone.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Certificate {
    pub(crate) metadata: Option<ObjectMeta>,
    pub(crate) spec: CertificateSpec,
    pub(crate) status: CertificateStatus,
}

/// Its wish.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CertificateSpec {
    pub(crate) secret_name: String,
    pub(crate) dns_names: Vec<String>,
    pub(crate) common_name: String,
}

/// Its state.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CertificateStatus {
    pub(crate) not_after: Option<Time>,
    pub(crate) conditions: Vec<Condition>,
}
