//! From a declared probe to the questions that are asked now.
//!
//! Owns that a probe of each pod asks every ready pod, and that what cannot be asked is a result and no silence.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::SecretString;

use crate::base::secret;
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

/// Whoever fetches the value of a secret by its id, at the moment of use. Every call has a deadline of its own.
pub trait Secrets: Send + Sync {
    /// Fetches it, or says why it cannot be had, without a word of it.
    fn fetch<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<SecretString, String>>;
}

/// No secrets: whatever is asked for cannot be had.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn fetch<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<SecretString, String>> {
        Box::pin(std::future::ready(Err(format!("nobody here fetches the secret '{id}'"))))
    }
}

/// Who asks.
#[derive(Clone)]
pub struct Askers {
    /// HTTP, TCP, TLS.
    pub net: Arc<dyn Reach>,
    /// Pods through the API server, and the databases of the service; `None` while no cluster is open.
    pub cluster: Option<Arc<dyn Reach>>,
    /// What headers may hold.
    pub secrets: Arc<dyn Secrets>,
}

impl Askers {
    /// Who asks in that way; `None` when nobody can at the moment.
    pub(super) fn of(&self, way: &Way) -> Option<&Arc<dyn Reach>> {
        match way {
            Way::PodProxy { .. } | Way::Database { .. } => self.cluster.as_ref(),
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
pub fn questions(spec: &ProbeSpec, pods: &Pods, headers: Vec<Header>) -> Result<Vec<Question>, Verdict> {
    let one = |way: Way| Ok(vec![Question { target: Str::from(""), ask: Ask { way, timeout: spec.timeout } }]);
    match &spec.kind {
        ProbeKind::Http { url } => one(Way::Http { url: url.clone(), headers }),
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
        ProbeKind::Sql { database, query, .. } => one(Way::Database { id: database.as_str().into(), sql: query.clone() }),
        ProbeKind::Later(kind) => Err(later(&format!("probes of kind '{kind}'"))),
    }
}

/// The headers of a probe, secrets fetched for this one time. A secret that cannot be had says nothing about the endpoint.
pub(super) async fn headers(spec: &ProbeSpec, secrets: &dyn Secrets) -> Result<Vec<Header>, Verdict> {
    let mut headers = Vec::with_capacity(spec.headers.len());
    for header in &spec.headers {
        let value = match &header.value {
            HeaderValue::Literal(value) => SecretString::from(value.as_str()),
            HeaderValue::Secret(id) => {
                let fetched = secrets.fetch(id).await;
                let value = fetched.map_err(|why| Verdict::new(ProbeResult::Unknown, format!("not asked: {why}")))?;
                secret::know(&value);
                value
            }
        };
        headers.push(Header { name: header.name.clone(), value });
    }
    Ok(headers)
}

fn later(what: &str) -> Verdict {
    Verdict::new(ProbeResult::NotImplemented, format!("this version cannot do {what} yet")).excused()
}
