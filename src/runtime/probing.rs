//! Keeping the declared probes asked.
//!
//! Owns the task behind it and the way from a probe to the open target. What a probe means is in `probe`.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::base::clock::Clock;
use crate::probe::{Askers, Pods};
use crate::service::ProbeSpec;
use crate::target::api::ErrorKind;
use crate::target::event::TargetEvent;
use crate::target::kubernetes::gate::DeclaredProbe;
use crate::target::kubernetes::{PodProxy, Session};
use crate::target::net::{Net, Route, Trust};
use crate::target::probe::{Answer, Ask, NotHeard, Reach};

/// Probes that are kept asked; dropping it stops them.
pub(super) struct Probing {
    pods: watch::Sender<Arc<Pods>>,
    task: JoinHandle<()>,
}

impl Drop for Probing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Probing {
    /// Begins; `None` when there is nothing to ask or the TLS library cannot be set up.
    pub(super) fn start(
        specs: Vec<ProbeSpec>,
        declared: Vec<DeclaredProbe>,
        session: Arc<Session>,
        clock: Arc<dyn Clock>,
        events: mpsc::Sender<TargetEvent>,
    ) -> Option<Self> {
        if specs.is_empty() {
            return None;
        }
        let net = Net::new(&Trust::System, Route::Environment).ok()?;
        let askers = Askers { net: Arc::new(net), pods: Arc::new(OpenTarget { session, declared }) };
        let (pods, now) = watch::channel(Arc::new(Pods::new()));
        let task = tokio::spawn(crate::probe::watch(specs, askers, now, clock, events));
        Some(Self { pods, task })
    }

    /// The pods that can be asked now.
    pub(super) fn pods(&self, pods: Pods) {
        self.pods.send_replace(Arc::new(pods));
    }
}

/// Pods of whatever target is open at the moment.
struct OpenTarget {
    session: Arc<Session>,
    /// What a read-only client lets through (contract.md 10).
    declared: Vec<DeclaredProbe>,
}

impl Reach for OpenTarget {
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            match self.session.client() {
                Some(client) => {
                    client.declare_probes(self.declared.clone());
                    PodProxy::new(client).ask(ask).await
                }
                None => {
                    let why = NotHeard { kind: ErrorKind::Unreachable, message: "no target is open".to_owned(), here: true };
                    Answer { took: std::time::Duration::ZERO, heard: Err(why) }
                }
            }
        })
    }
}
