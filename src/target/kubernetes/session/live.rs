//! Everything that runs for one open target.
//!
//! Owns which kinds are watched, and the tasks beside the streams: pulse, identity, first paint, metrics. Must not outlive
//! the opening that it belongs to.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use super::Look;
use crate::base::problem::{Level, Problem};
use crate::base::text::Str;
use crate::target::api::{ErrorKind, Read as _};
use crate::target::event::TargetEvent;
use crate::target::kubernetes::client::Client;
use crate::target::kubernetes::streams::{Beat, Pulse, Signal, Signals, Streams};
use crate::target::kubernetes::{LogHub, metrics, table, version};
use crate::target::model::{Kind, LOCKS_OF_CLUSTER, ObjectRef, Scope};
use crate::target::request::{LogOptions, LogSource, StreamKey};

/// What is watched in every namespace that is looked at; what people see first is asked for first.
const NAMESPACED: [Kind; 19] = [
    Kind::Pod,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::HorizontalPodAutoscaler,
    Kind::Job,
    Kind::CronJob,
    Kind::Event,
    Kind::Ingress,
    Kind::PodDisruptionBudget,
    Kind::Lease,
    Kind::PersistentVolumeClaim,
    Kind::ControllerRevision,
    Kind::Certificate,
    Kind::ConfigMap,
    Kind::Secret,
];

/// What has no namespace.
const CLUSTER: [Kind; 2] = [Kind::Node, Kind::Namespace];

/// The most logs that are followed at once; the settings choose fewer.
const LOGS: usize = 500;

/// One open target at work.
pub(super) struct Live {
    streams: Streams,
    logs: LogHub,
    signals: Signals,
    tasks: JoinSet<()>,
}

impl Live {
    /// Tells that the target is open and starts everything. `None` when nobody listens.
    pub(super) async fn start(client: Client, look: Look, events: mpsc::Sender<TargetEvent>) -> Option<Self> {
        events.send(TargetEvent::Opened(client.opened().clone())).await.ok()?;
        for problem in client.problems() {
            events.send(TargetEvent::Problem(problem.clone())).await.ok()?;
        }
        let pulse = Pulse::new(Beat::default());
        let mut streams = Streams::new(client.clone(), pulse.clone(), !client.compresses(), events.clone());
        let logs = LogHub::start(client.clone(), events.clone(), LOGS);
        let mut tasks = JoinSet::new();
        let scopes = scopes(client.opened().namespaces.as_deref());
        streams.set(wanted(look, &scopes));
        if matches!(look, Look::Everything) {
            for scope in &scopes {
                let key = StreamKey { kind: Kind::Pod, scope: scope.clone() };
                tasks.spawn(table::paint(client.clone(), key, events.clone()));
            }
            tasks.spawn(metrics::poll(client.clone(), scopes.clone(), pulse.clone(), events.clone()));
        }
        let signals = pulse.signals();
        let back = Arc::new(Notify::new());
        tasks.spawn(identify(client.clone(), scopes, back.clone(), events.clone()));
        tasks.spawn(async move { pulse.watch_over(&client, &events, &back).await });
        Some(Self { streams, logs, signals, tasks })
    }

    /// Everything is listed anew.
    pub(super) fn refresh(&self) {
        self.streams.refresh();
    }

    /// Follows exactly these logs.
    pub(super) fn follow(&mut self, sources: &[LogSource], options: LogOptions) {
        self.logs.set(sources, options);
    }

    /// Passes on to the logs which pods change and that the server went or came; until it is dropped.
    pub(super) async fn nudge(&mut self) {
        tokio::select! {
            pod = self.streams.changed_pod() => self.logs.nudge(&pod),
            signal = self.signals.next() => {
                if signal != Signal::Refresh {
                    self.logs.renew();
                }
            }
        }
    }

    /// Stops everything; when it returns nothing more will be told.
    pub(super) async fn stop(mut self) {
        self.logs.stop().await;
        self.tasks.shutdown().await;
        self.streams.stop().await;
    }
}

fn scopes(namespaces: Option<&[String]>) -> Vec<Scope> {
    match namespaces {
        None => vec![Scope::Cluster],
        Some(names) => names.iter().map(|n| Scope::Namespace(Str::from(n.as_str()))).collect(),
    }
}

fn wanted(look: Look, scopes: &[Scope]) -> Vec<StreamKey> {
    let (namespaced, cluster): (&[Kind], &[Kind]) = match look {
        Look::Everything => (&NAMESPACED, &CLUSTER),
        Look::Only(kinds) => (kinds, &[]),
    };
    let namespaced = namespaced
        .iter()
        .flat_map(|kind| scopes.iter().map(move |scope| StreamKey { kind: *kind, scope: scope.clone() }));
    let mut keys: Vec<StreamKey> = namespaced.chain(cluster.iter().map(|kind| StreamKey { kind: *kind, scope: Scope::Cluster })).collect();
    let everything = matches!(look, Look::Everything);
    // The locks of objects without a namespace are kept in one that is rarely looked at.
    let cluster_locks = StreamKey { kind: Kind::Lease, scope: Scope::Namespace(LOCKS_OF_CLUSTER.into()) };
    if everything && !scopes.contains(&Scope::Cluster) && !keys.contains(&cluster_locks) {
        keys.push(cluster_locks);
    }
    keys
}

/// Tells who the server is and whether the namespaces are there, each time the server comes (back).
async fn identify(client: Client, scopes: Vec<Scope>, back: Arc<Notify>, events: mpsc::Sender<TargetEvent>) {
    let mut last = None;
    loop {
        back.notified().await;
        let identity = client.identity().await;
        if last.as_ref() != Some(&identity) {
            last = Some(identity.clone());
            let old = version::too_old(&identity.server_version);
            let event = old.map_or_else(|| TargetEvent::Solved(version::PROBLEM.into()), TargetEvent::Problem);
            if events.send(event).await.is_err() {
                return;
            }
            if events.send(TargetEvent::Identity(identity)).await.is_err() {
                return;
            }
        }
        for namespace in scopes.iter().filter_map(Scope::namespace) {
            let id = format!("target:namespace:{namespace}");
            let event = match client.get(&ObjectRef::new(Kind::Namespace, "", namespace.clone()), "").await {
                Err(error) if error.kind == ErrorKind::NotFound => {
                    let problem = Problem::new(Level::Error, id, format!("There is no namespace '{namespace}'."));
                    TargetEvent::Problem(problem.hint("`:ns` switches to another one.").about(format!("namespace {namespace}")))
                }
                // No right to read it is no sign of anything.
                Ok(_) | Err(_) => TargetEvent::Solved(id),
            };
            if events.send(event).await.is_err() {
                return;
            }
        }
    }
}
