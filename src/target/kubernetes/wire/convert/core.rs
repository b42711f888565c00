//! Pods, nodes, namespaces, services, events, volume claims.

use super::super::message::core as wire;
use super::{Convert, amount, count, own, prose, resources, when};
use crate::base::quantity;
use crate::base::text::Str;
use crate::target::model::{
    Container, ContainerRole, ContainerState, Event, Namespace, Node, Pod, Pvc, Resources, Service, ServicePort, Termination,
};

impl Convert<'_> {
    /// A pod, its containers' specs and statuses merged.
    pub(in super::super) fn pod(&mut self, pod: wire::Pod) -> Pod {
        let spec = pod.spec.unwrap_or_default();
        let status = pod.status.unwrap_or_default();
        Pod {
            meta: self.meta(pod.metadata),
            node: self.shared(&spec.node_name),
            phase: self.shared(&status.phase),
            reason: self.shared(&status.reason),
            message: prose(&status.message),
            ip: Box::from(crate::base::text::clean(&status.ip)),
            started: when(status.start_time),
            containers: self.containers(&spec, &status),
            conditions: self.probed_conditions(&status.conditions),
            restart_policy: self.shared(&spec.restart_policy),
            readiness_gates: u8::try_from(spec.readiness_gates.len()).unwrap_or(u8::MAX),
        }
    }

    fn containers(&mut self, spec: &wire::PodSpec, status: &wire::PodStatus) -> Box<[Container]> {
        let init = spec.init_containers.iter().map(|c| (c, init_role(c), &status.init_container_statuses));
        let main = spec.containers.iter().map(|c| (c, ContainerRole::Main, &status.container_statuses));
        let ephemeral = spec.ephemeral_containers.iter().filter_map(|e| e.common.as_ref());
        let ephemeral = ephemeral.map(|c| (c, ContainerRole::Ephemeral, &status.ephemeral_container_statuses));
        init.chain(main)
            .chain(ephemeral)
            .map(|(c, role, statuses)| self.container(c, role, statuses.iter().find(|s| s.name == c.name)))
            .collect()
    }

    fn container(&mut self, spec: &wire::Container, role: ContainerRole, status: Option<&wire::ContainerStatus>) -> Container {
        let (requests, limits) = container_resources(spec);
        Container {
            name: self.shared(&spec.name),
            role,
            image: self.shared(&spec.image),
            image_id: self.shared(status.map_or("", |s| &s.image_id)),
            ready: status.is_some_and(|s| s.ready),
            started: status.is_some_and(|s| s.started == Some(true)),
            restarts: status.map_or(0, |s| count(s.restart_count)),
            state: self.state(status),
            last: status.and_then(|s| s.last_state.as_ref()?.terminated.as_ref()).map(|t| Box::new(self.termination(t))),
            requests,
            limits,
        }
    }

    /// A status that says neither is "waiting" (core/v1 ContainerState).
    fn state(&mut self, status: Option<&wire::ContainerStatus>) -> ContainerState {
        let Some(state) = status.map(|s| s.state.as_ref()) else { return ContainerState::Absent };
        let (waiting, running, terminated) = match state {
            Some(s) => (s.waiting.as_ref(), s.running.as_ref(), s.terminated.as_ref()),
            None => (None, None, None),
        };
        match (terminated, running, waiting) {
            (Some(t), ..) => ContainerState::Terminated(Box::new(self.termination(t))),
            (_, Some(r), _) => ContainerState::Running { since: when(r.started_at) },
            (.., waiting) => ContainerState::Waiting {
                reason: self.shared(waiting.map_or("", |w| &w.reason)),
                message: waiting.map(|w| prose(&w.message)).unwrap_or_default(),
            },
        }
    }

    fn termination(&mut self, t: &wire::Terminated) -> Termination {
        Termination {
            exit_code: t.exit_code,
            signal: t.signal,
            reason: self.shared(&t.reason),
            message: prose(&t.message),
            started: when(t.started_at),
            finished: when(t.finished_at),
        }
    }

    pub(in super::super) fn service(&mut self, service: wire::Service) -> Service {
        let spec = service.spec.unwrap_or_default();
        Service {
            meta: self.meta(service.metadata),
            kind: self.shared(if spec.kind.is_empty() { "ClusterIP" } else { &spec.kind }),
            selector: self.map_selector(&spec.selector),
            ports: spec.ports.iter().map(|p| self.service_port(p)).collect(),
            cluster_ip: own(&spec.cluster_ip),
            external_ips: spec.external_ips.iter().map(|ip| own(ip)).collect(),
            balancer: {
                let mut all = addresses(service.status.unwrap_or_default().load_balancer);
                all.sort_unstable();
                all
            },
            external_name: self.shared(&spec.external_name),
        }
    }

    /// An absent target is the port itself.
    fn service_port(&mut self, port: &wire::ServicePort) -> ServicePort {
        let target = self.written(port.target_port.as_ref());
        let own_port = target.is_empty() || &*target == "0";
        ServicePort {
            name: self.shared(&port.name),
            port: port.port,
            protocol: self.shared(if port.protocol.is_empty() { "TCP" } else { &port.protocol }),
            node_port: Some(port.node_port).filter(|p| *p != 0),
            target: if own_port { self.shared(&port.port.to_string()) } else { target },
        }
    }

    pub(in super::super) fn event(&mut self, event: wire::Event) -> Event {
        let meta = self.meta(event.metadata);
        let about = event.involved_object.unwrap_or_default();
        let series = event.series.unwrap_or_default();
        let at = when(event.at);
        let first = when(event.first_timestamp).or(at).unwrap_or(meta.created);
        let last = when(series.last_observed_time).or(when(event.last_timestamp)).or(at).unwrap_or(first);
        let component = event.source.map(|s| s.component).filter(|c| !c.is_empty());
        Event {
            about_kind: self.shared(&about.kind),
            about_namespace: self.shared(&about.namespace),
            about_name: self.shared(&about.name),
            about_uid: self.shared(&about.uid),
            field_path: self.shared(&about.field_path),
            warning: event.kind == "Warning",
            reason: self.shared(&event.reason),
            message: prose(&event.message),
            count: series.count.max(event.count).max(1),
            first,
            last,
            source: self.shared(component.as_deref().unwrap_or(&event.reporting_component)),
            meta,
        }
    }

    pub(in super::super) fn node(&mut self, node: wire::Node) -> Node {
        let spec = node.spec.unwrap_or_default();
        let status = node.status.unwrap_or_default();
        Node {
            meta: self.meta(node.metadata),
            conditions: self.probed_conditions(&status.conditions),
            unschedulable: spec.unschedulable,
            taints: spec.taints.iter().map(|t| self.taint(t)).collect(),
            allocatable: resources(&status.allocatable),
            allocatable_pods: amount(&status.allocatable, "pods").and_then(|q| quantity::whole(&q)),
            kubelet_version: self.shared(&status.node_info.unwrap_or_default().kubelet_version),
        }
    }

    fn taint(&mut self, t: &wire::Taint) -> Str {
        let value = if t.value.is_empty() { String::new() } else { format!("={}", t.value) };
        self.shared(&format!("{}{value}:{}", t.key, t.effect))
    }

    pub(in super::super) fn namespace(&mut self, namespace: wire::Namespace) -> Namespace {
        let status = namespace.status.unwrap_or_default();
        Namespace { meta: self.meta(namespace.metadata), phase: self.shared(&status.phase) }
    }

    pub(in super::super) fn pvc(&mut self, pvc: wire::Pvc) -> Pvc {
        let status = pvc.status.unwrap_or_default();
        Pvc {
            meta: self.meta(pvc.metadata),
            phase: self.shared(&status.phase),
            class: self.shared(&pvc.spec.unwrap_or_default().storage_class_name),
            capacity: amount(&status.capacity, "storage").and_then(|q| quantity::whole(&q)),
        }
    }
}

/// An init container with `restartPolicy: Always` is a sidecar.
pub(super) fn init_role(container: &wire::Container) -> ContainerRole {
    if container.restart_policy == "Always" { ContainerRole::Sidecar } else { ContainerRole::Init }
}

pub(super) fn container_resources(container: &wire::Container) -> (Resources, Resources) {
    let amounts = container.resources.as_ref();
    (amounts.map(|a| resources(&a.requests)).unwrap_or_default(), amounts.map(|a| resources(&a.limits)).unwrap_or_default())
}

/// What a load balancer reported: addresses, else host names.
pub(super) fn addresses(balancer: Option<wire::Balancer>) -> Box<[Str]> {
    let text = |a: &wire::BalancerAddress| own(if a.ip.is_empty() { &a.hostname } else { &a.ip });
    balancer
        .unwrap_or_default()
        .ingress
        .iter()
        .filter(|a| !(a.ip.is_empty() && a.hostname.is_empty()))
        .map(text)
        .collect()
}
