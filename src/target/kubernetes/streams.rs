//! The streams of one open target: what is wanted runs, what is not wanted any more is cancelled.
//!
//! Owns one task per (kind, scope), each with its own back-off, and the forwarder that brings what they tell into the
//! session's channel. Must not know what the objects mean.

mod outbox;
mod pulse;
pub(crate) mod trouble;
mod turn;

use std::collections::HashMap;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use outbox::{Outbox, Slot};
pub(crate) use pulse::{Beat, Pulse, Signal, Signals};
pub(crate) use turn::Turn;

use super::client::Client;
use super::watch::{Beside, Task, Timing};
use super::wire;
use crate::base::problem::{Level, Problem};
use crate::base::text::Str;
use crate::target::api::ErrorKind;
use crate::target::event::{StreamState, TargetEvent};
use crate::target::request::StreamKey;

/// The running streams. Dropping it cancels them all.
#[derive(Debug)]
pub(crate) struct Streams {
    client: Client,
    pulse: Pulse,
    outbox: Outbox,
    turn: Turn,
    near: bool,
    timing: Timing,
    running: HashMap<StreamKey, DropGuard>,
    tasks: JoinSet<()>,
    changed: (mpsc::Sender<Str>, mpsc::Receiver<Str>),
}

/// Pods whose change was not looked at yet. When it is full the newest are dropped: who waits for a pod looks by itself too.
const CHANGED_PODS: usize = 256;

impl Streams {
    /// No stream yet; what they will tell goes to `events`. `near`: the server is on this machine, so that a list that
    /// streams beats one that is compressed.
    pub(crate) fn new(client: Client, pulse: Pulse, near: bool, events: mpsc::Sender<TargetEvent>) -> Self {
        let outbox = Outbox::default();
        let mut tasks = JoinSet::new();
        let forwarder = outbox.clone();
        tasks.spawn(async move { forwarder.forward(events).await });
        Self {
            client,
            pulse,
            outbox,
            turn: Turn::default(),
            near,
            timing: Timing::default(),
            running: HashMap::new(),
            tasks,
            changed: mpsc::channel(CHANGED_PODS),
        }
    }

    /// Starts and stops streams until exactly `wanted` run. Those that run on are not disturbed. Returns those that were
    /// started.
    pub(crate) fn set(&mut self, wanted: Vec<StreamKey>) -> Vec<StreamKey> {
        // Tasks that ended are only remembered until somebody looks.
        while self.tasks.try_join_next().is_some() {}
        let outbox = &self.outbox;
        self.running.retain(|key, _| {
            let keep = wanted.contains(key);
            if !keep {
                outbox.remove(key);
            }
            keep
        });
        let mut started = Vec::new();
        for key in wanted {
            if !self.running.contains_key(&key) {
                self.start(key.clone());
                started.push(key);
            }
        }
        started
    }

    fn start(&mut self, key: StreamKey) {
        let slot = self.outbox.slot(key.clone());
        let cancel = CancellationToken::new();
        if wire::is_decodable(key.kind) {
            slot.state(StreamState::Loading);
            let beside = Beside { pulse: self.pulse.clone(), turn: self.turn.clone(), changed_pods: self.changed.0.clone() };
            let task = Task::new(self.client.clone(), slot, beside, self.near, self.timing);
            self.tasks.spawn(task.run(cancel.clone()));
        } else {
            let reason = format!("{} are read one by one, not watched", key.kind.plural());
            slot.problem(Problem::new(Level::Warning, trouble::id(&key), format!("{reason}.")));
            slot.state(StreamState::Failed { kind: ErrorKind::NotFound, reason });
        }
        self.running.insert(key, cancel.drop_guard());
    }

    /// The uid of the next pod that changes after the first list.
    pub(crate) async fn changed_pod(&mut self) -> Str {
        match self.changed.1.recv().await {
            Some(uid) => uid,
            // Not while `self` holds a sender.
            None => std::future::pending().await,
        }
    }

    /// All streams list anew.
    pub(crate) fn refresh(&self) {
        self.pulse.refresh();
    }

    /// Cancels all streams and returns when none of them can tell anything any more.
    pub(crate) async fn stop(mut self) {
        self.running.clear();
        self.tasks.shutdown().await;
    }
}
