//! Everything that asks: the declared probes, and those that the cluster's Ingresses give, kept asked while the prober lives.
//!
//! Owns one task per probe and starts and ends them as hosts come and go. Reports go over the caller's bounded channel.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch as cell};
use tokio::task::JoinHandle;

use super::derive::host_certificates;
use super::once::once;
use super::question::Askers;
use super::surroundings::Surroundings;
use super::watch::{Board, keep};
use crate::base::clock::Clock;
use crate::base::health::Health;
use crate::service::ProbeSpec;
use crate::target::event::TargetEvent;
use crate::target::probe::{ProbeReport, Reach};

/// Keeps probes asked. Dropping it ends all of them.
pub struct Prober {
    shared: Arc<Shared>,
    board: cell::Sender<Board>,
    task: JoinHandle<()>,
}

struct Shared {
    declared: Vec<ProbeSpec>,
    clock: Arc<dyn Clock>,
}

impl Prober {
    /// Begins to ask `declared` by `net`. Must be called inside a tokio runtime. Reports go to `out`; while it is full, probes wait and
    /// rounds that are missed meanwhile are left out.
    pub fn spawn(declared: Vec<ProbeSpec>, net: Arc<dyn Reach>, clock: Arc<dyn Clock>, out: mpsc::Sender<TargetEvent>) -> Self {
        let shared = Arc::new(Shared { declared, clock });
        let (board, seen) = cell::channel(Board { askers: Askers { net, pods: None }, around: Arc::default() });
        let task = tokio::spawn(supervise(shared.clone(), seen, out));
        Self { shared, board, task }
    }

    /// Who asks pods from now on; `None` while no cluster is open.
    pub fn cluster(&self, pods: Option<Arc<dyn Reach>>) {
        self.board.send_modify(|board| board.askers.pods = pods);
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

    /// Asks all declared probes once, now, besides their rhythm: for proofs and one-shot answers.
    pub async fn once(&self) -> Vec<ProbeReport> {
        let board = self.board.borrow().clone();
        once(&self.shared.declared, &board.askers, &board.around.pods, &*self.shared.clock).await
    }

    /// Asks one declared probe once, now; `None` when there is none of that id.
    pub async fn ask(&self, id: &str) -> Option<ProbeReport> {
        let spec = self.shared.declared.iter().find(|spec| spec.id == id)?;
        let board = self.board.borrow().clone();
        once(std::slice::from_ref(spec), &board.askers, &board.around.pods, &*self.shared.clock).await.pop()
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
async fn supervise(shared: Arc<Shared>, mut board: cell::Receiver<Board>, out: mpsc::Sender<TargetEvent>) {
    let start = |spec: ProbeSpec| Task(tokio::spawn(keep(Arc::new(spec), board.clone(), shared.clock.clone(), out.clone())));
    let _declared: Vec<Task> = shared.declared.iter().cloned().map(start).collect();
    let mut derived: HashMap<String, (ProbeSpec, Task)> = HashMap::new();
    loop {
        let around = board.borrow_and_update().around.clone();
        let (wanted, _) = host_certificates(around.hosts.iter().map(|host| &**host), &shared.declared);
        let gone: Vec<String> = derived.keys().filter(|id| !wanted.iter().any(|spec| spec.id == **id)).cloned().collect();
        for (spec, task) in gone.iter().filter_map(|id| derived.remove(id)) {
            drop(task);
            if out.send(TargetEvent::Probe(no_more(&spec, &*shared.clock))).await.is_err() {
                return;
            }
        }
        for spec in wanted {
            if !derived.contains_key(&spec.id) {
                let task = Task(tokio::spawn(keep(Arc::new(spec.clone()), board.clone(), shared.clock.clone(), out.clone())));
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
