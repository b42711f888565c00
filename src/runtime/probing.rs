//! Keeping probes asked while the console runs.
//!
//! Owns the way from a probe to the open target, and when the probes hear of the cluster. What a probe means is in `probe`.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::asking::DatabaseAsker;
use super::measuring::Measuring;
use super::outside::Outside;
use super::secrets::Vault;
use crate::app::App;
use crate::base::clock::Clock;
use crate::probe::{Prober, Surroundings};
use crate::service::{ProbeSpec, Service};
use crate::target::api::ErrorKind;
use crate::target::event::TargetEvent;
use crate::target::kubernetes::gate::DeclaredProbe;
use crate::target::kubernetes::{PodProxy, Session};
use crate::target::probe::{Answer, Ask, NotHeard, Reach, Way};

/// Probes that are kept asked; dropping it stops them.
pub(super) struct Probing {
    prober: Prober,
    /// Kept for its task.
    _measuring: Option<Measuring>,
    ask_ingresses: bool,
    seen: u64,
}

impl Probing {
    /// Begins.
    pub(super) fn start(
        specs: Vec<ProbeSpec>,
        service: Option<&Service>,
        ask_ingresses: bool,
        declared: Vec<DeclaredProbe>,
        session: Arc<Session>,
        clock: Arc<dyn Clock>,
        events: mpsc::Sender<TargetEvent>,
    ) -> Self {
        let client = {
            let session = session.clone();
            move || session.client()
        };
        let vault = Vault::new(service, client.clone());
        let databases = DatabaseAsker::new(service, client.clone());
        let measured = service.filter(|s| !s.declared.kpis.is_empty() || s.declared.alertmanager().is_some()).cloned();
        let measuring = measured.map(|s| Measuring::start(s.clone(), Vault::new(Some(&s), client), clock.clone(), events.clone()));
        let prober = Prober::spawn(specs, Arc::new(Outside::default()), Arc::new(vault), clock, events);
        prober.cluster(Some(Arc::new(OpenTarget { session, declared, databases })));
        Self { prober, _measuring: measuring, ask_ingresses, seen: 0 }
    }

    /// Tells the probes what the cluster looks like now, when it changed.
    pub(super) fn see(&mut self, app: &App) {
        if self.seen == app.fleet.revision() {
            return;
        }
        self.seen = app.fleet.revision();
        let namespaces = app.opened.as_ref().and_then(|o| o.namespaces.as_deref());
        let namespace = namespaces.and_then(<[String]>::first).map_or("", String::as_str);
        let mut surroundings = Surroundings::of(&app.fleet, app.start.service.as_ref(), namespace);
        if !self.ask_ingresses {
            surroundings.hosts.clear();
        }
        self.prober.see(surroundings);
    }
}

/// Pods of whatever target is open at the moment, and the databases that are asked through it.
struct OpenTarget {
    session: Arc<Session>,
    /// What a read-only client lets through (contract.md 10).
    declared: Vec<DeclaredProbe>,
    databases: DatabaseAsker,
}

impl Reach for OpenTarget {
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            if matches!(ask.way, Way::Database { .. }) {
                Reach::ask(&self.databases, ask).await
            } else if let Some(client) = self.session.client() {
                client.declare_probes(self.declared.clone());
                PodProxy::new(client).ask(ask).await
            } else {
                let why = NotHeard { kind: ErrorKind::Unreachable, message: "no target is open".to_owned(), here: true };
                Answer { took: std::time::Duration::ZERO, heard: Err(why) }
            }
        })
    }
}
