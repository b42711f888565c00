//! Which pods the probes that ask each pod ask.
//!
//! Owns the choice: every ready pod of the workload that the service file names.

use super::App;
use super::effect::Effect;
use crate::probe::{PodTarget, Pods};
use crate::service::ProbeKind;

impl App {
    /// The ready pods of the workloads that are probed pod by pod, when they are others than before.
    pub(super) fn probe_pods(&mut self) -> Option<Effect> {
        let service = self.start.service.as_ref()?;
        let each = service
            .probes
            .iter()
            .filter_map(|p| if let ProbeKind::HttpEachPod { workload, .. } = &p.kind { Some(workload) } else { None });
        let mut pods = Pods::new();
        for id in each {
            let name = service.workloads.iter().find(|w| w.id == *id).and_then(|w| w.name.as_deref());
            let rows = self.fleet.rows().filter(|r| Some(&*r.key.name) == name);
            let ready = rows.flat_map(|r| self.fleet.pods_of(&r.key)).filter(|p| crate::fleet::cause::is_ready(&p.pod));
            let targets = ready.map(|p| PodTarget { namespace: p.pod.meta.namespace.clone(), pod: p.pod.meta.name.clone() });
            pods.insert(id.clone(), targets.collect());
        }
        if pods == self.probed {
            return None;
        }
        self.probed.clone_from(&pods);
        Some(Effect::ProbePods(pods))
    }
}
