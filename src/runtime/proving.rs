//! The declared probes as proof of a run.
//!
//! Owns the way from the id of a probe to one fresh answer: pods are looked up at the moment of asking, since the run itself replaces
//! them. What a probe means is in `probe`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};
use serde_json::Value;

use super::asking::{DatabaseAsker, InTarget};
use super::outside::Outside;
use super::secrets::Vault;
use super::{alerting, local, measuring, pulling, telling};
use crate::base::clock::Clock;
use crate::fleet::Fleet;
use crate::probe::{Askers, Pods, Surroundings, once};
use crate::run::backup::{Known, Wanted, catalogue};
use crate::run::{self, ImageAsked, ImageFound, LocalProgram, NoImage, ProbeAnswer, Probes};
use crate::service::{ProbeKind, ProbeSpec, Service};
use crate::target::api::{ErrorKind, Read as _, TargetError};
use crate::target::kubernetes::Client;
use crate::target::model::{Kind, Scope};
use crate::target::probe::{KpiResult, NotHeard, ProbeResult, Reading};
use crate::target::request::StreamKey;
use crate::target::sql::{Databases as _, Rows};

/// What the pods of a workload are told by.
const AROUND_PODS: [Kind; 5] = [Kind::Pod, Kind::ReplicaSet, Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

/// Asks the probes that settings, options and service file declare.
pub struct DeclaredProbes {
    specs: Vec<ProbeSpec>,
    service: Option<Service>,
    client: Client,
    clock: Arc<dyn Clock>,
    /// The folder in which drafts of mails are put.
    state: PathBuf,
    /// Kept while it is needed: a proof asks again and again.
    outside: Arc<Outside>,
    lacking: Option<String>,
}

impl DeclaredProbes {
    /// Probes that are asked from here and, those of pods, through `client`. Drafts of mails are put below `state`.
    pub fn new(specs: Vec<ProbeSpec>, service: Option<Service>, client: Client, clock: Arc<dyn Clock>, state: &Path) -> Self {
        Self { specs, service, client, clock, state: state.to_owned(), outside: Arc::default(), lacking: None }
    }

    /// The same where the file that declared further ones is not in use: why, which is what they answer.
    #[must_use]
    pub fn lacking(self, why: Option<String>) -> Self {
        Self { lacking: why, ..self }
    }

    fn vault(&self) -> Vault {
        let client = self.client.clone();
        Vault::new(self.service.as_ref(), move || Some(client.clone()))
    }

    async fn answer(&self, id: &str) -> ProbeAnswer {
        let Some(spec) = self.specs.iter().find(|spec| spec.id == id) else {
            return ProbeAnswer::Unknown(self.lacking.clone().unwrap_or_else(|| format!("there is no probe '{id}'")));
        };
        let secrets = Arc::new(self.vault());
        let cluster = InTarget::of(&self.client, self.service.as_ref());
        let askers = Askers { net: self.outside.clone(), cluster: Some(Arc::new(cluster)), secrets };
        let pods = if matches!(spec.kind, ProbeKind::HttpEachPod { .. }) { self.pods().await } else { Pods::new() };
        let Some(report) = once(std::slice::from_ref(spec), &askers, &pods, &*self.clock).await.pop() else {
            return ProbeAnswer::Unknown("it was not asked".to_owned());
        };
        let detail = report.detail.to_string();
        match report.result {
            ProbeResult::Ok => ProbeAnswer::Ok(detail),
            ProbeResult::Failed => ProbeAnswer::Failed(detail),
            ProbeResult::Unknown | ProbeResult::Unauthorised | ProbeResult::NotImplemented => ProbeAnswer::Unknown(detail),
        }
    }

    /// Whether a critical alert of the service is active.
    async fn alerts(&self) -> ProbeAnswer {
        match (&self.lacking, &self.service) {
            (Some(why), _) => ProbeAnswer::Unknown(why.clone()),
            (None, Some(service)) => alerting::answer(&alerting::ask(service, &self.vault(), &self.outside).await),
            (None, None) => ProbeAnswer::Unknown("no service file says where alerts are".to_owned()),
        }
    }

    /// Whether a backup of the catalogue is as wanted: `ID verified`, `ID fresh`, `label=LABEL verified`.
    async fn backup(&self, wanted: &str) -> ProbeAnswer {
        let namespace = self.client.opened().namespaces.as_deref().and_then(<[String]>::first);
        let declared = self.service.as_ref().zip(wanted.rsplit_once(' ')).zip(namespace);
        let Some(((service, (id, word)), namespace)) = declared else {
            return ProbeAnswer::Unknown(self.lacking.clone().unwrap_or_else(|| format!("where the backup '{wanted}' is kept is not known")));
        };
        let most = service.declared.backups.iter().find(|b| b.id == id).and_then(|b| b.max_age);
        let wanted = if word == Wanted::Fresh.word() { Wanted::Fresh } else { Wanted::Verified };
        let known = Known::of(&self.client, &catalogue::of(&service.id, namespace)).await;
        if let Some(label) = id.strip_prefix("label=") {
            return labelled(&known, label);
        }
        let check = known.check(id, most, wanted, self.clock.now());
        match check.result {
            run::Answer::Ok => ProbeAnswer::Ok(check.detail),
            run::Answer::Failed => ProbeAnswer::Failed(check.detail),
            run::Answer::Unknown => ProbeAnswer::Unknown(check.detail),
        }
    }

    /// The ready pods of the workloads that probes name. What cannot be read is seen as no pod, and that is unknown.
    async fn pods(&self) -> Pods {
        let namespace = self.client.opened().namespaces.as_deref().and_then(<[String]>::first).cloned();
        let scope = namespace.as_deref().map_or(Scope::Cluster, |n| Scope::Namespace(n.into()));
        let lists = join_all(AROUND_PODS.iter().map(|kind| self.client.list_slim(*kind, &scope))).await;
        let (mut fleet, now) = (Fleet::new(), self.clock.now());
        for (kind, objects) in AROUND_PODS.into_iter().zip(lists) {
            if let Ok(objects) = objects {
                fleet.list(StreamKey { kind, scope: scope.clone() }, objects, now);
            }
        }
        fleet.settle(now);
        Surroundings::of(&fleet, self.service.as_ref(), namespace.as_deref().unwrap_or_default()).pods
    }
}

/// Whether the catalogue has a verified backup that was made under that label.
fn labelled(known: &Known, label: &str) -> ProbeAnswer {
    match known {
        Known::Unread(why) => ProbeAnswer::Unknown(why.clone()),
        Known::Read(entries) => match entries.iter().find(|e| e.damaged.is_none() && e.label.as_deref() == Some(label)) {
            Some(entry) => ProbeAnswer::Ok(format!("backup {label}: verified by {}", entry.verified)),
            None => ProbeAnswer::Failed(format!("no verified backup is called {label}")),
        },
    }
}

impl Probes for DeclaredProbes {
    fn ask<'a>(&'a self, id: &'a str) -> BoxFuture<'a, ProbeAnswer> {
        Box::pin(async move {
            if let Some(kpi) = id.strip_prefix("kpi:") {
                let reading = self.measure(kpi).await;
                return match reading.result {
                    KpiResult::Ok => ProbeAnswer::Ok(reading.detail),
                    KpiResult::Warn | KpiResult::Crit => ProbeAnswer::Failed(reading.detail),
                    KpiResult::NoData => ProbeAnswer::Unknown(reading.detail),
                };
            }
            match id.split_once(':') {
                Some(("backup", backup)) => self.backup(backup).await,
                Some(("alerts", _)) => self.alerts().await,
                _ => self.answer(id).await,
            }
        })
    }

    fn database<'a>(&'a self, id: &'a str, sql: &'a str) -> BoxFuture<'a, Result<Rows, NotHeard>> {
        Box::pin(async move {
            if let Some(why) = &self.lacking {
                return Err(NotHeard { kind: ErrorKind::Invalid, message: why.clone(), here: true });
            }
            let client = self.client.clone();
            DatabaseAsker::new(self.service.as_ref(), move || Some(client.clone())).ask(id, sql).await
        })
    }

    fn measure<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Reading> {
        Box::pin(async move {
            match (&self.lacking, &self.service) {
                (Some(why), _) => Reading::none(why.clone()),
                (None, Some(service)) => measuring::one(service, &self.vault(), &self.outside, id).await,
                (None, None) => Reading::none(format!("there is no measure '{id}'")),
            }
        })
    }

    fn image<'a>(&'a self, asked: &'a ImageAsked) -> BoxFuture<'a, Result<ImageFound, NoImage>> {
        Box::pin(pulling::image(&self.client, asked))
    }

    fn tell<'a>(&'a self, channel: &'a str, text: &'a str, event: &'a str) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move {
            if let Some(why) = &self.lacking {
                return Err(why.clone());
            }
            let word = telling::Word { channel, text, event, at: self.clock.now() };
            telling::tell(self.service.as_ref(), &self.vault(), &self.outside, &self.state, word).await
        })
    }

    fn program<'a>(&'a self, program: LocalProgram<'a>) -> BoxFuture<'a, Result<Value, TargetError>> {
        Box::pin(local::run(program))
    }
}
