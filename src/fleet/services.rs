//! Services: their endpoints, and whether their pods should run.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Fleet;
use super::health::{self, Endpoints, Verdict};
use super::stream::Trust;
use crate::base::health::Health;
use crate::target::model::{Kind, Service};

impl Fleet {
    /// Endpoints of a Service, each pod once though it may be in several slices.
    pub fn endpoints(&self, service: &Service) -> Endpoints {
        let mut pods: BTreeMap<&str, bool> = BTreeMap::new();
        let mut others = Endpoints::default();
        for endpoint in self.slices_of(service).flat_map(|s| &s.endpoints) {
            if endpoint.pod.is_empty() {
                others.total += 1;
                others.ready += usize::from(endpoint.ready);
            } else {
                *pods.entry(&endpoint.pod).or_default() |= endpoint.ready;
            }
        }
        Endpoints { ready: others.ready + pods.values().filter(|r| **r).count(), total: others.total + pods.len() }
    }

    /// Health of a Service; `None` for one without a selector, whose endpoints somebody else manages.
    pub fn service_verdict(&self, service: &Service, now: Timestamp) -> Option<Verdict> {
        if service.selector.is_empty() || &*service.kind == "ExternalName" {
            return None;
        }
        let namespace = &service.meta.namespace;
        for kind in [Kind::Service, Kind::EndpointSlice] {
            if let Trust::Lost(why) = self.trust(kind, namespace, now) {
                return Some(Verdict { health: Health::Unknown, rollout: health::Rollout::Done, text: Some(why), turn: None });
            }
        }
        // Before the first list of slices is complete, no endpoint means nothing.
        if self.trust(Kind::EndpointSlice, namespace, now) == Trust::Pending {
            return Some(Verdict {
                health: Health::Unknown,
                rollout: health::Rollout::Done,
                text: Some("endpoints not read yet".into()),
                turn: None,
            });
        }
        Some(health::service(self.endpoints(service), self.wants_pods(service)))
    }

    /// Whether pods behind a Service should run: a workload that it selects wants some, or such a pod is there and not on its
    /// way out.
    fn wants_pods(&self, service: &Service) -> bool {
        let name = &service.meta.name;
        let mut workloads = self.rows_in(&service.meta.namespace).filter(|r| r.services.contains(name));
        workloads.any(|r| r.desired > 0 && r.key.kind != super::WorkloadKind::CronJob)
    }
}
