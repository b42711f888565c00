//! What the cluster says that probes need: which pods are ready, which hosts are served by TLS.

use crate::base::text::Str;
use crate::fleet::{Fleet, PodEntry, WorkloadKey, WorkloadKind, cause};
use crate::service::{self, ProbeKind, Service};

use super::question::{PodTarget, Pods};

/// What probes need to know of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// Ready pods of the workloads that probes name.
    pub pods: Pods,
    /// Hosts that Ingresses serve by TLS.
    pub hosts: Vec<Str>,
}

impl Surroundings {
    /// Reads them from what is seen. `namespace` is where workloads of the file are that name none.
    pub fn of(fleet: &Fleet, service: Option<&Service>, namespace: &str) -> Self {
        let hosts = fleet.tls_hosts().into_iter().map(|host| host.host).collect();
        let wanted = service.into_iter().flat_map(|service| service.probes.iter().filter_map(|probe| named(service, probe)));
        let pods = wanted.map(|workload| (workload.id.clone(), ready(fleet, workload, namespace))).collect();
        Self { pods, hosts }
    }
}

/// The workload whose pods a probe asks.
fn named<'a>(service: &'a Service, probe: &service::ProbeSpec) -> Option<&'a service::Workload> {
    let ProbeKind::HttpEachPod { workload, .. } = &probe.kind else { return None };
    service.workloads.iter().find(|known| known.id == *workload)
}

/// The ready pods of a workload, in the order of their names. A pod that is not ready is seen by the workload's own health; asking it
/// would call every rollout a failure.
fn ready(fleet: &Fleet, workload: &service::Workload, namespace: &str) -> Vec<PodTarget> {
    let Some((kind, name)) = kind(workload.kind).zip(workload.name.as_deref()) else { return Vec::new() };
    let key = WorkloadKey::new(kind, workload.namespace.as_deref().unwrap_or(namespace), name);
    let can_answer = |entry: &&PodEntry| entry.pod.meta.deleted.is_none() && cause::is_ready(&entry.pod);
    let target = |entry: &PodEntry| PodTarget { namespace: entry.pod.meta.namespace.clone(), pod: entry.pod.meta.name.clone() };
    let mut pods: Vec<PodTarget> = fleet.pods_of(&key).filter(can_answer).map(target).collect();
    pods.sort();
    pods
}

fn kind(kind: service::WorkloadKind) -> Option<WorkloadKind> {
    Some(match kind {
        service::WorkloadKind::Deployment => WorkloadKind::Deployment,
        service::WorkloadKind::StatefulSet => WorkloadKind::StatefulSet,
        service::WorkloadKind::DaemonSet => WorkloadKind::DaemonSet,
        service::WorkloadKind::Job => WorkloadKind::Job,
        service::WorkloadKind::CronJob => WorkloadKind::CronJob,
        service::WorkloadKind::HelmRelease | service::WorkloadKind::Ingress | service::WorkloadKind::Service | service::WorkloadKind::External => {
            return None;
        }
    })
}
