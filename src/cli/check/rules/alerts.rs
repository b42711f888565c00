//! What the declared Prometheus is held against: alerts that cannot mean what they say, and a job that asks one pod of several.
//!
//! Owns how a target of Prometheus is found among the Services of the cluster. What an alert's own text gives away is `probe`'s.

use serde_json::Value;

use super::selects_pods;
use crate::cli::check::found::Findings;
use crate::cli::check::live::Live;
use crate::probe::Scraped;
use crate::service::Service;
use crate::target::model::Kind;

/// Holds the alerts and the jobs of the Prometheus against what they are about.
pub(super) fn hold(service: &Service, live: &Live, namespace: &str, found: &mut Findings) {
    let Some(watched) = &live.alerts else { return };
    match (&watched.alerts, &watched.bare) {
        (Err(why), _) => found.unknown("source.prometheus", format!("its alerts: {why}")),
        (Ok(alerts), bare) => {
            found.proven("source.prometheus", format!("it answers, and has {} alerts", alerts.len()));
            if let Err(why) = bare {
                found.unknown("source.prometheus.histograms", format!("whether its alerts ask for histograms by their bare names: {why}"));
            }
            let none = std::collections::BTreeSet::new();
            for alert in alerts {
                if let Some(why) = &alert.broken {
                    found.rule("E-15", &alert.name, format!("Prometheus cannot evaluate the alert: {why}"), "correct its expression");
                }
                for remark in alert.remarks(bare.as_ref().unwrap_or(&none)) {
                    found.rule("E-T13", &alert.name, remark.text, &remark.hint);
                }
            }
        }
    }
    match &watched.scraped {
        Err(why) => found.unknown("source.prometheus.targets", format!("what it scrapes: {why}")),
        Ok(jobs) => jobs.iter().for_each(|job| one_of_several(job, service, live, namespace, found)),
    }
}

/// A job whose only target is a Service of several pods: each scrape meets another one of them.
fn one_of_several(job: &Scraped, service: &Service, live: &Live, namespace: &str, found: &mut Findings) {
    let [host] = &job.hosts[..] else { return };
    let places = std::iter::once(namespace).chain(service.workloads.iter().filter_map(|w| w.namespace.as_deref()));
    let mut all = places.flat_map(|place| live.of(Kind::Service, place).iter().map(move |one| (place, one)));
    let Some((place, meant)) = all.find(|(place, one)| is(one, place, host)) else { return };
    let ready = live
        .of(Kind::Pod, place)
        .iter()
        .filter(|pod| selects_pods(meant, &pod["metadata"]["labels"]) && is_ready(pod))
        .count();
    if ready > 1 {
        let name = meant["metadata"]["name"].as_str().unwrap_or_default();
        let text = format!(
            "Prometheus scrapes the Service {name} as one target, and it has {ready} ready pods: each scrape meets another, counters jump, and up \
             says nothing of the others"
        );
        found.rule("E-T14", &job.job, text, "kubernetes_sd_configs with role: endpointslice or pod, or a ServiceMonitor");
    }
}

/// Whether that host is a Service: by its name in the cluster, or by its address.
fn is(service: &Value, namespace: &str, host: &str) -> bool {
    let name = service["metadata"]["name"].as_str().unwrap_or_default();
    let mut parts = host.split('.');
    let named = parts.next() == Some(name) && parts.next().is_none_or(|place| place == namespace);
    let headless = service["spec"]["clusterIP"] == "None";
    !name.is_empty() && !headless && (named || service["spec"]["clusterIP"] == host)
}

fn is_ready(pod: &Value) -> bool {
    pod["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|c| c["type"] == "Ready" && c["status"] == "True")
}
