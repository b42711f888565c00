//! From a declared probe to the questions that are asked now.
//!
//! Owns that a probe of each pod asks every ready pod, and that what cannot be asked is a result and no silence.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::text::Str;
use crate::service::{HeaderValue, ProbeKind, ProbeSpec};
use crate::target::probe::{Ask, Header, ProbeResult, Reach, Way};

use super::judge::Verdict;

/// Ready pods of each workload of the service file, by the workload's id.
pub type Pods = BTreeMap<String, Vec<PodTarget>>;

/// A pod that can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PodTarget {
    /// Namespace.
    pub namespace: Str,
    /// Name.
    pub pod: Str,
}

/// Who asks.
#[derive(Clone)]
pub struct Askers {
    /// HTTP, TCP, TLS.
    pub net: Arc<dyn Reach>,
    /// Pods, through the API server; `None` while no cluster is open.
    pub pods: Option<Arc<dyn Reach>>,
}

impl Askers {
    /// Who asks in that way; `None` when nobody can at the moment.
    pub(super) fn of(&self, way: &Way) -> Option<&Arc<dyn Reach>> {
        match way {
            Way::PodProxy { .. } => self.pods.as_ref(),
            _ => Some(&self.net),
        }
    }
}

/// One question of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Whom it is put to: a pod's name; empty where there is only one.
    pub target: Str,
    /// The question.
    pub ask: Ask,
}

/// The questions of a probe; the error is the verdict of a probe that cannot be asked at all.
pub fn questions(spec: &ProbeSpec, pods: &Pods) -> Result<Vec<Question>, Verdict> {
    let one = |way: Way| Ok(vec![Question { target: Str::from(""), ask: Ask { way, timeout: spec.timeout } }]);
    match &spec.kind {
        ProbeKind::Http { url } => one(Way::Http { url: url.clone(), headers: headers(spec)? }),
        ProbeKind::Tcp { at } => one(Way::Tcp { host: at.host.clone(), port: at.port }),
        ProbeKind::Tls { at, .. } => one(Way::Tls { host: at.host.clone(), port: at.port }),
        ProbeKind::HttpEachPod { workload, port, path } => {
            let ready = pods.get(workload).map_or(&[][..], Vec::as_slice);
            if ready.is_empty() {
                return Err(Verdict::new(ProbeResult::Unknown, "no pod is ready"));
            }
            let question = |pod: &PodTarget| {
                let way = Way::PodProxy { namespace: pod.namespace.clone(), pod: pod.pod.clone(), port: *port, path: path.clone() };
                Question { target: pod.pod.clone(), ask: Ask { way, timeout: spec.timeout } }
            };
            Ok(ready.iter().map(question).collect())
        }
        ProbeKind::Later(kind) => Err(later(&format!("probes of kind '{kind}'"))),
    }
}

fn headers(spec: &ProbeSpec) -> Result<Vec<Header>, Verdict> {
    let header = |header: &crate::service::HeaderSpec| match &header.value {
        HeaderValue::Literal(value) => Ok(Header { name: header.name.clone(), value: value.clone() }),
        HeaderValue::Secret(_) => Err(later("references to secrets")),
    };
    spec.headers.iter().map(header).collect()
}

fn later(what: &str) -> Verdict {
    Verdict::new(ProbeResult::NotImplemented, format!("this version cannot do {what} yet")).excused()
}
