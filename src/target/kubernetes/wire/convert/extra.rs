//! Network, scaling, budgets, certificates.

use super::super::message::extra as wire;
use super::core::addresses;
use super::{Convert, when};
use crate::base::text::Str;
use crate::target::model::{Backend, Certificate, Endpoint, EndpointSlice, Hpa, Ingress, IngressTls, Lease, Pdb};

impl Convert<'_> {
    pub(in super::super) fn endpoint_slice(&mut self, slice: wire::EndpointSlice) -> EndpointSlice {
        EndpointSlice { meta: self.meta(slice.metadata), endpoints: slice.endpoints.iter().map(|e| self.endpoint(e)).collect() }
    }

    /// Absent: ready means true, serving means as ready, terminating means false (discovery.k8s.io/v1).
    fn endpoint(&mut self, endpoint: &wire::Endpoint) -> Endpoint {
        let conditions = endpoint.conditions.clone().unwrap_or_default();
        let pod = endpoint.target_ref.as_ref().filter(|r| r.kind == "Pod");
        let ready = conditions.ready.unwrap_or(true);
        Endpoint {
            pod: self.shared(pod.map_or("", |r| &r.name)),
            ready,
            serving: conditions.serving.unwrap_or(ready),
            terminating: conditions.terminating.unwrap_or(false),
        }
    }

    pub(in super::super) fn hpa(&mut self, hpa: wire::Hpa) -> Hpa {
        let spec = hpa.spec.unwrap_or_default();
        let status = hpa.status.unwrap_or_default();
        let target = spec.scale_target_ref.unwrap_or_default();
        let behavior = spec.behavior.unwrap_or_default();
        let disabled = |rules: Option<wire::HpaRules>| rules.is_some_and(|r| r.select_policy == "Disabled");
        Hpa {
            meta: self.meta(hpa.metadata),
            target_kind: self.shared(&target.kind),
            target_name: self.shared(&target.name),
            min: spec.min_replicas.unwrap_or(1),
            max: spec.max_replicas,
            current: status.current_replicas,
            desired: status.desired_replicas,
            conditions: self.conditions(&status.conditions),
            up_disabled: disabled(behavior.scale_up),
            down_disabled: disabled(behavior.scale_down),
        }
    }

    pub(in super::super) fn pdb(&mut self, pdb: wire::Pdb) -> Pdb {
        let spec = pdb.spec.unwrap_or_default();
        let status = pdb.status.unwrap_or_default();
        Pdb {
            meta: self.meta(pdb.metadata),
            selector: self.selector(spec.selector),
            min_available: self.written(spec.min_available.as_ref()),
            max_unavailable: self.written(spec.max_unavailable.as_ref()),
            disruptions_allowed: status.disruptions_allowed,
            current_healthy: status.current_healthy,
            desired_healthy: status.desired_healthy,
        }
    }

    pub(in super::super) fn ingress(&mut self, ingress: wire::Ingress) -> Ingress {
        let spec = ingress.spec.unwrap_or_default();
        let status = ingress.status.unwrap_or_default();
        let mut backends: Vec<Backend> = spec.default_backend.as_ref().and_then(|b| self.backend("", "", b)).into_iter().collect();
        for rule in &spec.rules {
            let paths = rule.value.iter().filter_map(|v| v.http.as_ref()).flat_map(|h| &h.paths);
            backends.extend(paths.filter_map(|p| self.backend(&rule.host, &p.path, p.backend.as_ref()?)));
        }
        let hosts = spec.rules.iter().filter(|r| !r.host.is_empty()).map(|r| self.shared(&r.host)).collect();
        let tls = spec
            .tls
            .iter()
            .map(|t| IngressTls { hosts: self.all(&t.hosts), secret: self.shared(&t.secret_name) })
            .collect();
        let addresses = addresses(status.load_balancer);
        Ingress {
            meta: self.meta(ingress.metadata),
            class: self.shared(&spec.ingress_class_name),
            hosts,
            tls,
            backends: backends.into(),
            addresses,
        }
    }

    fn backend(&mut self, host: &str, path: &str, backend: &wire::IngressBackend) -> Option<Backend> {
        let service = backend.service.as_ref()?;
        let port = service.port.clone().unwrap_or_default();
        let port = if port.name.is_empty() { port.number.to_string() } else { port.name };
        Some(Backend {
            host: self.shared(host),
            path: self.shared(path),
            service: self.shared(&service.name),
            port: self.shared(&port),
        })
    }

    pub(in super::super) fn lease(&mut self, lease: wire::Lease) -> Lease {
        let spec = lease.spec.unwrap_or_default();
        Lease {
            meta: self.meta(lease.metadata),
            holder: self.shared(&spec.holder_identity),
            duration: spec.lease_duration_seconds.into(),
            acquired: when(spec.acquire_time),
            renewed: when(spec.renew_time),
        }
    }

    pub(in super::super) fn certificate(&mut self, certificate: wire::Certificate) -> Certificate {
        let (spec, status) = (certificate.spec, certificate.status);
        let names = if spec.dns_names.is_empty() && !spec.common_name.is_empty() { vec![spec.common_name] } else { spec.dns_names };
        Certificate {
            meta: self.meta(certificate.metadata),
            not_after: when(status.not_after),
            secret: self.shared(&spec.secret_name),
            dns_names: self.all(&names),
            conditions: self.conditions(&status.conditions),
        }
    }

    fn all(&mut self, texts: &[String]) -> Box<[Str]> {
        texts.iter().map(|t| self.shared(t)).collect()
    }
}
