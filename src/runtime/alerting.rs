//! Asking which alerts of a service are active.
//!
//! Owns the way from the declared source to Alertmanager, with the secret that opens it fetched at use, and what an answer is for a plan
//! and for the health pane. What counts as critical is in `probe`.

use std::sync::Arc;

use super::measuring::way;
use super::outside::Outside;
use super::secrets::Vault;
use crate::base::clock::Clock;
use crate::base::health::Health;
use crate::probe::{Alerts, alerts};
use crate::run::ProbeAnswer;
use crate::service::Service;
use crate::target::probe::{ProbeReport, ProbeResult};

/// Asks once; `Err` says why it is not known.
pub async fn ask(service: &Service, vault: &Vault, outside: &Outside) -> Result<Alerts, String> {
    let declared = service.declared.alertmanager();
    let (url, source) = declared.ok_or("no [sources.alertmanager] says with its url where alerts are")?;
    let (headers, net) = way(source.secret.as_deref(), vault, outside).await?;
    alerts(url, &source.scope, &headers, net).await
}

/// What it is for a precondition: no answer is unknown, never none.
pub(super) fn answer(asked: &Result<Alerts, String>) -> ProbeAnswer {
    match asked {
        Ok(found) if found.critical.is_empty() => ProbeAnswer::Ok(found.words()),
        Ok(found) => ProbeAnswer::Failed(found.words()),
        Err(why) => ProbeAnswer::Unknown(why.clone()),
    }
}

/// The alerts as the health pane shows them, among the probes.
pub(super) fn report(asked: &Result<Alerts, String>, clock: &dyn Clock) -> ProbeReport {
    let now = clock.now();
    let (result, health, detail) = match answer(asked) {
        ProbeAnswer::Ok(words) => (ProbeResult::Ok, Health::Ok, words),
        ProbeAnswer::Failed(words) => (ProbeResult::Failed, Health::Degraded, words),
        ProbeAnswer::Unknown(why) => (ProbeResult::Unknown, Health::Unknown, why),
    };
    ProbeReport {
        id: "alerts".into(),
        title: "alerts".into(),
        kind: "alerts".into(),
        target: "alertmanager".into(),
        result,
        health,
        counts: true,
        critical: false,
        since: now,
        at: Some(now),
        latency: None,
        detail: detail.into(),
        expires: None,
        history: Arc::default(),
    }
}
