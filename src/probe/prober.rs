//! Everything that asks: the declared probes, and those that the cluster's Ingresses give, kept asked while the prober lives.
//!
//! Owns one task per probe and starts and ends them as hosts come and go. Reports go over the caller's bounded channel.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch as cell};
use tokio::task::JoinHandle;

use super::derive::host_certificates;
use super::question::{Askers, Secrets};
use super::surroundings::Surroundings;
use super::watch::{Board, keep};
use crate::base::clock::Clock;
use crate::base::health::Health;
use crate::service::ProbeSpec;
use crate::target::event::TargetEvent;
use crate::target::probe::{ProbeReport, Reach};

/// Keeps probes asked. Dropping it ends all of them.
pub struct Prober {
    board: cell::Sender<Board>,
    task: JoinHandle<()>,
}

impl Prober {
    /// Begins to ask `declared` by `net`. Must be called inside a tokio runtime. Reports go to `out`; while it is full, probes wait and
    /// rounds that are missed meanwhile are left out.
    pub fn spawn(
        declared: Vec<ProbeSpec>,
        net: Arc<dyn Reach>,
        secrets: Arc<dyn Secrets>,
        clock: Arc<dyn Clock>,
        out: mpsc::Sender<TargetEvent>,
    ) -> Self {
        let (board, seen) = cell::channel(Board { askers: Askers { net, cluster: None, secrets }, around: Arc::default() });
        let task = tokio::spawn(supervise(declared, clock, seen, out));
        Self { board, task }
    }

    /// Who asks pods and databases from now on; `None` while no cluster is open.
    pub fn cluster(&self, asker: Option<Arc<dyn Reach>>) {
        self.board.send_modify(|board| board.askers.cluster = asker);
    }

    /// What the cluster says now. Cheap when nothing is different.
    pub fn see(&self, around: Surroundings) {
        self.board.send_if_modified(|board| {
            let different = *board.around != around;
            if different {
                board.around = Arc::new(around);
            }
            different
        });
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends a probe's task when it is dropped: with the supervisor, all of them.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts the declared probes, and those of hosts as they come; ends those of hosts that are gone.
async fn supervise(declared: Vec<ProbeSpec>, clock: Arc<dyn Clock>, mut board: cell::Receiver<Board>, out: mpsc::Sender<TargetEvent>) {
    let start = |spec: ProbeSpec| Task(tokio::spawn(keep(Arc::new(spec), board.clone(), clock.clone(), out.clone())));
    let _declared: Vec<Task> = declared.iter().cloned().map(start).collect();
    let mut derived: HashMap<String, (ProbeSpec, Task)> = HashMap::new();
    loop {
        let around = board.borrow_and_update().around.clone();
        let (wanted, _) = host_certificates(around.hosts.iter().map(|host| &**host), &declared);
        let gone: Vec<String> = derived.keys().filter(|id| !wanted.iter().any(|spec| spec.id == **id)).cloned().collect();
        for (spec, task) in gone.iter().filter_map(|id| derived.remove(id)) {
            drop(task);
            if out.send(TargetEvent::Probe(no_more(&spec, &*clock))).await.is_err() {
                return;
            }
        }
        for spec in wanted {
            if !derived.contains_key(&spec.id) {
                let task = Task(tokio::spawn(keep(Arc::new(spec.clone()), board.clone(), clock.clone(), out.clone())));
                derived.insert(spec.id.clone(), (spec, task));
            }
        }
        if board.changed().await.is_err() {
            return;
        }
    }
}

/// The last report of a probe that nobody needs any more: off, and it does not count.
fn no_more(spec: &ProbeSpec, clock: &dyn Clock) -> ProbeReport {
    let state = super::ProbeState::new(Arc::new(spec.clone()), clock.now());
    ProbeReport { health: Health::Off, counts: false, detail: "no Ingress serves it any more".into(), ..state.report() }
}
