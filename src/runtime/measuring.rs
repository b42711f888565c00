//! Asking the measures of a service: once for a command or a proof, and kept asked for the console, with the alerts that are active; and
//! what Prometheus says of its alerts, for a check.
//!
//! Owns the way to the declared Prometheus, with the secret that opens it fetched at use. What an answer means is in `probe`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::alerting;
use super::outside::Outside;
use super::secrets::Vault;
use crate::base::clock::Clock;
use crate::base::secret;
use crate::probe::{Secrets as _, Watched, measure, watched};
use crate::service::{Kpi, Service};
use crate::target::event::TargetEvent;
use crate::target::net::Net;
use crate::target::probe::{Header, KpiResult, ProbeReport, ProbeResult, Reading};

/// How often they are asked while the console runs.
const INTERVAL: Duration = Duration::from_secs(30);
/// So many at a time.
const AT_ONCE: usize = 4;

/// Asks one measure.
pub(super) async fn one(service: &Service, vault: &Vault, outside: &Outside, id: &str) -> Reading {
    match service.declared.kpis.iter().find(|kpi| kpi.id == id) {
        Some(kpi) => of(service, vault, outside, kpi).await,
        None => Reading::none(format!("there is no measure '{id}'")),
    }
}

/// Asks all measures of a service once, in their order.
pub async fn all(service: &Service, vault: &Vault, outside: &Outside) -> Vec<Reading> {
    let asked: Vec<_> = service.declared.kpis.iter().map(|kpi| of(service, vault, outside, kpi)).collect();
    stream::iter(asked).buffered(AT_ONCE).collect().await
}

/// What the Prometheus of a service says of its alerts and of what it scrapes; `None` = its file names none.
pub async fn alerts(service: &Service, vault: &Vault, outside: &Outside) -> Option<Watched> {
    let (url, token) = service.declared.prometheus()?;
    Some(match way(token, vault, outside).await {
        Ok((headers, net)) => watched(url, &headers, net).await,
        Err(why) => Watched::unknown(&why),
    })
}

async fn of(service: &Service, vault: &Vault, outside: &Outside, kpi: &Kpi) -> Reading {
    let Some((url, token)) = service.declared.prometheus() else {
        return Reading::none("no data: no [sources.prometheus] says with its url where measures are");
    };
    match way(token, vault, outside).await {
        Ok((headers, net)) => measure(kpi, url, &headers, net).await,
        Err(why) => Reading::none(format!("no data: {why}")),
    }
}

/// What opens a source, and the way to it.
pub(super) async fn way<'o>(token: Option<&str>, vault: &Vault, outside: &'o Outside) -> Result<(Vec<Header>, &'o Net), String> {
    let mut headers = Vec::new();
    if let Some(id) = token {
        let token = vault.fetch(id).await?;
        secret::know(&token);
        headers.push(Header { name: "authorization".to_owned(), value: SecretString::from(format!("Bearer {}", token.expose_secret())) });
    }
    let net = outside.net().await.map_err(|why| why.message)?;
    Ok((headers, net))
}

/// A measure as the health pane shows it, among the probes.
pub fn report(kpi: &Kpi, reading: &Reading, clock: &dyn Clock) -> ProbeReport {
    let now = clock.now();
    ProbeReport {
        id: format!("kpi:{}", kpi.id).into(),
        title: kpi.title.as_deref().unwrap_or(&kpi.id).into(),
        kind: "kpi".into(),
        target: "prometheus".into(),
        result: match reading.result {
            KpiResult::Ok => ProbeResult::Ok,
            KpiResult::Warn | KpiResult::Crit => ProbeResult::Failed,
            KpiResult::NoData => ProbeResult::Unknown,
        },
        health: reading.result.health(),
        counts: true,
        critical: false,
        since: now,
        at: Some(now),
        latency: None,
        detail: reading.detail.as_str().into(),
        expires: None,
        history: Arc::default(),
    }
}

/// Measures that are kept asked; dropping it stops them.
pub(super) struct Measuring(JoinHandle<()>);

impl Drop for Measuring {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Measuring {
    /// Begins. Reports go to `out`; while it is full, the next round waits.
    pub(super) fn start(service: Service, vault: Vault, clock: Arc<dyn Clock>, out: mpsc::Sender<TargetEvent>) -> Self {
        Self(tokio::spawn(async move {
            let outside = Outside::default();
            let mut known: Vec<Option<ProbeReport>> = Vec::new();
            loop {
                let readings = all(&service, &vault, &outside).await;
                let mut reports: Vec<ProbeReport> = service.declared.kpis.iter().zip(&readings).map(|(k, r)| report(k, r, &*clock)).collect();
                if service.declared.alertmanager().is_some() {
                    reports.push(alerting::report(&alerting::ask(&service, &vault, &outside).await, &*clock));
                }
                known.resize(reports.len(), None);
                for (mut report, known) in reports.into_iter().zip(&mut known) {
                    if let Some(before) = known.as_ref().filter(|before| before.result == report.result) {
                        report.since = before.since;
                    }
                    *known = Some(report.clone());
                    if out.send(TargetEvent::Probe(report)).await.is_err() {
                        return;
                    }
                }
                tokio::time::sleep(INTERVAL).await;
            }
        }))
    }
}
