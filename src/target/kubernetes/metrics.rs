//! What pods and nodes use now: metrics.k8s.io, asked every 15 s as long as a target is open.
//!
//! Owns the poll and its decoding; rounding is kubectl's (CPU up to thousandths of a core, memory in bytes). Metrics are
//! optional: without them everything else works, and "n/a" is said, never 0.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::client::Client;
use super::paths::escape;
use super::streams::{Pulse, Signal};
use crate::base::problem::{Level, Problem};
use crate::base::quantity;
use crate::base::text::{Interner, Str, clean};
use crate::target::api::{ErrorKind, TargetError};
use crate::target::event::TargetEvent;
use crate::target::model::{Kind, NodeMetrics, ObjectRef, PodMetrics, Scope, Usage};

/// metrics-server itself looks every 15 s.
const EVERY: Duration = Duration::from_secs(15);

/// Where there are none, they are looked for this often.
const RARELY: Duration = Duration::from_mins(1);

const ANSWER: Duration = Duration::from_secs(10);

/// The ids of its problems.
const PODS: &str = "metrics:pods";
const NODES: &str = "metrics:nodes";

/// Polls until it is dropped or nobody listens.
pub(crate) async fn poll(client: Client, scopes: Vec<Scope>, pulse: Pulse, events: mpsc::Sender<TargetEvent>) {
    let mut poll = Poll { client, scopes, interner: Interner::default(), problems: [false; 2], refused: false };
    let mut signals = pulse.signals();
    loop {
        let mut told = Vec::new();
        let found = poll.once(&mut told).await;
        if found {
            pulse.heard();
        }
        for event in told {
            if events.send(event).await.is_err() {
                return;
            }
        }
        let wait = tokio::time::sleep(if poll.refused { RARELY } else { EVERY });
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => break,
                signal = signals.next() => if !matches!(signal, Signal::Cut(_)) { break },
            }
        }
    }
}

struct Poll {
    client: Client,
    scopes: Vec<Scope>,
    interner: Interner,
    /// Whether the problem of pods, of nodes was told.
    problems: [bool; 2],
    /// There are none, or none for us: nothing that passes by itself soon.
    refused: bool,
}

impl Poll {
    /// Asks for everything once; whether there are metrics of pods.
    async fn once(&mut self, told: &mut Vec<TargetEvent>) -> bool {
        let pods = futures_util::future::join_all(self.scopes.iter().map(|scope| pods(&self.client, scope)));
        let nodes = self.client.json::<List>("/apis/metrics.k8s.io/v1beta1/nodes", ANSWER);
        let (pods, nodes) = tokio::join!(pods, nodes);
        self.interner.sweep();
        let found = self.pods(pods, told);
        // Where there are no metrics at all, one problem says it.
        if found || self.problems[1] {
            self.nodes(nodes, told);
        }
        found
    }

    fn pods(&mut self, answers: Vec<Result<List, TargetError>>, told: &mut Vec<TargetEvent>) -> bool {
        let mut all = Vec::new();
        let mut failure = None;
        let mut found = false;
        for answer in answers {
            match answer {
                Ok(list) => {
                    found = true;
                    all.extend(list.items.into_iter().map(|item| self.pod(&item)));
                }
                Err(error) => failure = Some(error),
            }
        }
        self.tell_problem(0, failure.as_ref(), told);
        self.refused = !found && failure.as_ref().is_some_and(|e| matches!(e.kind, ErrorKind::NotFound | ErrorKind::Forbidden));
        match failure {
            Some(error) if !found => told.push(TargetEvent::NoMetrics { kind: error.kind, reason: error.message }),
            _ => told.push(TargetEvent::PodMetrics { at: Timestamp::now(), pods: all }),
        }
        found
    }

    fn nodes(&mut self, answer: Result<List, TargetError>, told: &mut Vec<TargetEvent>) {
        self.tell_problem(1, answer.as_ref().err(), told);
        if let Ok(list) = answer {
            let node = |item: &Item| NodeMetrics { node: ObjectRef::new(Kind::Node, "", clean(&item.metadata.name)), usage: item.usage.read() };
            told.push(TargetEvent::NodeMetrics(list.items.iter().map(node).collect()));
        }
    }

    fn pod(&mut self, item: &Item) -> PodMetrics {
        PodMetrics {
            namespace: self.interner.intern(&item.metadata.namespace),
            name: Str::from(clean(&item.metadata.name)),
            containers: item.containers.iter().map(|c| (self.interner.intern(&c.name), c.usage.read())).collect(),
        }
    }

    fn tell_problem(&mut self, which: usize, error: Option<&TargetError>, told: &mut Vec<TargetEvent>) {
        let (id, resource) = if which == 0 { (PODS, "pods") } else { (NODES, "nodes") };
        // That the server is not reached is one problem of its own (`target:reach`).
        let lost = |e: &&TargetError| matches!(e.kind, ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Tls | ErrorKind::Unauthorised);
        if error.as_ref().is_some_and(lost) {
            return;
        }
        let was = std::mem::replace(&mut self.problems[which], error.is_some());
        match error {
            Some(error) if !was => told.push(TargetEvent::Problem(problem(id, resource, &self.scopes, error))),
            None if was => told.push(TargetEvent::Solved(id.to_owned())),
            _ => {}
        }
    }
}

fn problem(id: &str, resource: &str, scopes: &[Scope], error: &TargetError) -> Problem {
    let place = match scopes {
        [Scope::Namespace(namespace)] if resource == "pods" => format!("Role of namespace '{namespace}'"),
        _ => "ClusterRole".to_owned(),
    };
    let (message, hint) = match error.kind {
        ErrorKind::NotFound => (
            "This cluster has no metrics API: CPU and memory use are not known.".to_owned(),
            "Install metrics-server if you want to see them.".to_owned(),
        ),
        ErrorKind::Forbidden => (
            format!("No right to read metrics of {resource}: their CPU and memory use is not known."),
            format!(r#"Needs this rule in a {place}: - {{apiGroups: ["metrics.k8s.io"], resources: ["{resource}"], verbs: ["get", "list"]}}"#),
        ),
        _ => (
            format!("Metrics of {resource} cannot be read: {}.", error.message.trim_end_matches('.')),
            "Is metrics-server running? `kubectl get apiservice v1beta1.metrics.k8s.io` says more.".to_owned(),
        ),
    };
    Problem::new(Level::Warning, id, message).hint(hint).about(format!("{resource}.metrics.k8s.io"))
}

async fn pods(client: &Client, scope: &Scope) -> Result<List, TargetError> {
    let path = match scope.namespace() {
        Some(namespace) => format!("/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods", escape(namespace)),
        None => "/apis/metrics.k8s.io/v1beta1/pods".to_owned(),
    };
    client.json(&path, ANSWER).await
}

/// `PodMetricsList` and `NodeMetricsList`.
#[derive(Debug, Default, Deserialize)]
struct List {
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    metadata: Name,
    containers: Vec<ContainerUsage>,
    usage: Amounts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Name {
    name: String,
    namespace: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerUsage {
    name: String,
    usage: Amounts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Amounts {
    cpu: String,
    memory: String,
}

impl Amounts {
    fn read(&self) -> Usage {
        Usage { cpu_milli: quantity::milli(&self.cpu).unwrap_or(0), memory: quantity::whole(&self.memory).unwrap_or(0) }
    }
}

#[cfg(test)]
mod tests;
