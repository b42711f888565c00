//! What the cluster says about health beside workloads: the rows of the health pane that need no probe.
//!
//! Owns the order: what is wrong first, each on a row of its own; what is well in one row per kind of thing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::cause::message;
use super::objects::PodEntry;
use super::workload::WorkloadKey;
use super::{Fleet, cause};
use crate::base::health::Health;
use crate::base::text::Str;
use crate::target::model::{Certificate, Ingress, Kind, Node, ObjectRef, Seconds, condition};

/// cert-manager renews a month ahead as a rule; what has less than this left was not renewed.
const CERTIFICATE_NEAR: Seconds = 21 * 86_400;
/// A failing probe is news for as long.
const PROBE_NEWS: Seconds = 300;

/// One row of the health pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthItem {
    /// Stable: `service/ns/web`, `node/worker-2`.
    pub id: String,
    /// What it is about.
    pub topic: Topic,
    /// How well it is.
    pub health: Health,
    /// What is shown first: `Service web`.
    pub title: String,
    /// What is said about it.
    pub detail: String,
    /// Since when, or of a certificate until when.
    pub at: Option<Seconds>,
    /// The object to open.
    pub object: Option<ObjectRef>,
}

/// What an item is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each variant is the thing of that name")]
pub enum Topic {
    Workloads,
    Service,
    Probe,
    Ingress,
    Certificate,
    Volume,
    Node,
    Backup,
    Schema,
}

impl Topic {
    /// What must be seen for good news on this topic to be believed.
    const fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Workloads | Self::Probe | Self::Backup | Self::Schema => &[],
            Self::Service => &[Kind::Service, Kind::EndpointSlice],
            Self::Ingress => &[Kind::Ingress, Kind::Service, Kind::EndpointSlice],
            Self::Certificate => &[Kind::Certificate],
            Self::Volume => &[Kind::PersistentVolumeClaim],
            Self::Node => &[Kind::Node],
        }
    }
}

/// A host whose certificate is worth a TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TlsHost {
    /// Host name.
    pub host: Str,
    /// The Ingress that names it.
    pub ingress: ObjectRef,
}

impl Fleet {
    /// Everything the cluster says about health by itself, by topic, the worst first within each.
    pub fn health_items(&self, now: Timestamp) -> Vec<HealthItem> {
        let seconds = now.as_second();
        let mut items = vec![self.workload_counts()];
        self.service_items(&mut items, now);
        self.probe_items(&mut items, seconds);
        self.ingress_items(&mut items, now);
        let certificates = self.certificates().map(|c| certificate(c, seconds));
        items.extend(certificates);
        self.volume_items(&mut items);
        self.node_items(&mut items);
        items.retain(|i| !i.detail.is_empty());
        for good in items.iter_mut().filter(|i| i.health == Health::Ok) {
            if let Some(why) = good.topic.kinds().iter().find_map(|kind| self.streams.lost(*kind, seconds)) {
                (good.health, good.detail) = (Health::Unknown, why);
            }
        }
        items.sort_by(|a, b| (a.topic, b.health.severity(), a.at, &a.id).cmp(&(b.topic, a.health.severity(), b.at, &b.id)));
        items
    }

    /// Hosts of TLS blocks and of rules covered by them, each once.
    pub fn tls_hosts(&self) -> Vec<TlsHost> {
        let of = |i: &Ingress| {
            let ingress = ObjectRef::new(Kind::Ingress, i.meta.namespace.clone(), i.meta.name.clone());
            let hosts = i.tls.iter().flat_map(|t| if t.hosts.is_empty() { i.hosts.iter() } else { t.hosts.iter() });
            // A wildcard has no address to connect to.
            let concrete = hosts.filter(|h| !h.is_empty() && !h.starts_with('*'));
            concrete.map(move |host| TlsHost { host: host.clone(), ingress: ingress.clone() }).collect::<Vec<_>>()
        };
        let mut all: Vec<TlsHost> = self.ingresses().flat_map(|i| of(i)).collect();
        all.sort();
        all.dedup_by(|a, b| a.host == b.host);
        all
    }

    fn workload_counts(&self) -> HealthItem {
        let mut worst: Option<Health> = None;
        let mut counts: BTreeMap<u8, (Health, usize)> = BTreeMap::new();
        for row in self.rows() {
            worst = Some(worst.map_or(row.health, |w| w.worse(row.health)));
            counts.entry(u8::MAX - row.health.severity()).or_insert((row.health, 0)).1 += 1;
        }
        let detail: Vec<String> = counts.values().map(|(health, n)| format!("{n} {}", health.word())).collect();
        item(Topic::Workloads, "workloads", worst.unwrap_or(Health::Unknown), "workloads", detail.join(", "))
    }

    fn service_items(&self, items: &mut Vec<HealthItem>, now: Timestamp) {
        let mut fine = 0;
        for service in self.services() {
            let Some(verdict) = self.service_verdict(service, now) else { continue };
            if matches!(verdict.health, Health::Ok | Health::Off) {
                fine += usize::from(verdict.health == Health::Ok);
                continue;
            }
            let object = ObjectRef::new(Kind::Service, service.meta.namespace.clone(), service.meta.name.clone());
            items.push(about(Topic::Service, object, verdict.health, verdict.text.unwrap_or_default(), None));
        }
        if fine > 0 {
            items.push(item(Topic::Service, "services", Health::Ok, "services", format!("{fine} with ready endpoints")));
        }
    }

    /// Probes that the kubelet reports as failing, of pods that are not ready, one item per workload and probe.
    fn probe_items(&self, items: &mut Vec<HealthItem>, now: Seconds) {
        let mut failing: BTreeMap<(&WorkloadKey, &str), (usize, String, Seconds)> = BTreeMap::new();
        for event in self.events().filter(|e| &*e.reason == "Unhealthy" && now - e.last < PROBE_NEWS) {
            let entry = self
                .pod(&event.about_namespace, &event.about_name)
                .filter(|e| e.pod.meta.uid == event.about_uid && !cause::is_ready(&e.pod));
            let Some((entry, (probe, got))) = entry.zip(message::probe(&event.message)) else { continue };
            let found = failing.entry((&entry.workload, probe)).or_insert((0, got, event.first));
            found.0 += 1;
            found.2 = found.2.min(event.first);
        }
        for ((key, probe), (pods, got, since)) in failing {
            let of = if pods == 1 { "1 pod".to_owned() } else { format!("{pods} pods") };
            let id = format!("probe/{}/{probe}", key.id());
            let found = item(
                Topic::Probe,
                &id,
                Health::Degraded,
                &format!("{probe} probe of {}", key.name),
                if got.is_empty() { format!("fails on {of}") } else { format!("fails on {of}: {got}") },
            );
            items.push(HealthItem { at: Some(since), object: key.object(), ..found });
        }
    }

    fn ingress_items(&self, items: &mut Vec<HealthItem>, now: Timestamp) {
        let mut fine = 0;
        for ingress in self.ingresses() {
            let mut broken: Vec<String> = ingress.backends.iter().filter_map(|b| self.broken_backend(ingress, b, now)).collect();
            broken.sort();
            broken.dedup();
            if broken.is_empty() {
                fine += 1;
                continue;
            }
            let object = ObjectRef::new(Kind::Ingress, ingress.meta.namespace.clone(), ingress.meta.name.clone());
            items.push(about(Topic::Ingress, object, Health::Degraded, broken.join("; "), None));
        }
        if fine > 0 {
            items.push(item(Topic::Ingress, "ingresses", Health::Ok, "ingresses", format!("{fine} with ready backends")));
        }
    }

    fn broken_backend(&self, ingress: &Ingress, backend: &crate::target::model::Backend, now: Timestamp) -> Option<String> {
        if backend.service.is_empty() {
            return None;
        }
        let route = format!("{}{}", backend.host, backend.path);
        match self.service(&ingress.meta.namespace, &backend.service) {
            None if self.trust(Kind::Service, &ingress.meta.namespace, now) == super::Trust::Live => {
                Some(format!("{route} -> Service {}: does not exist", backend.service))
            }
            None => None,
            Some(service) => {
                let verdict = self.service_verdict(service, now)?;
                (verdict.health == Health::Down).then(|| format!("{route} -> Service {}: no ready endpoint", backend.service))
            }
        }
    }

    fn volume_items(&self, items: &mut Vec<HealthItem>) {
        let mut bound = 0;
        for pvc in self.pvcs() {
            let object = ObjectRef::new(Kind::PersistentVolumeClaim, pvc.meta.namespace.clone(), pvc.meta.name.clone());
            let event = || {
                self.events_about(&pvc.meta.uid)
                    .next()
                    .map(|e| format!(": {}", message::first_words(&e.message, 100)))
                    .unwrap_or_default()
            };
            match &*pvc.phase {
                "Bound" => bound += 1,
                "Lost" => items.push(about(Topic::Volume, object, Health::Down, "its volume is lost".into(), Some(pvc.meta.created))),
                phase => items.push(about(Topic::Volume, object, Health::Degraded, format!("{phase}{}", event()), Some(pvc.meta.created))),
            }
        }
        if bound > 0 {
            items.push(item(Topic::Volume, "volumes", Health::Ok, "volumes", format!("{bound} bound")));
        }
    }

    fn node_items(&self, items: &mut Vec<HealthItem>) {
        let mut ready = 0;
        for node in self.nodes() {
            match node_trouble(node) {
                None => ready += 1,
                Some((health, detail, since)) => {
                    let pods = self.pods().filter(|e: &&PodEntry| e.pod.node == node.meta.name).count();
                    let detail = format!("{detail}, {pods} pods on it");
                    items.push(about(Topic::Node, ObjectRef::new(Kind::Node, "", node.meta.name.clone()), health, detail, since));
                }
            }
        }
        if ready > 0 {
            items.push(item(Topic::Node, "nodes", Health::Ok, "nodes", format!("{ready} ready")));
        }
    }
}

/// What is wrong with a node: not ready, under pressure, cordoned (which somebody wanted).
fn node_trouble(node: &Node) -> Option<(Health, String, Option<Seconds>)> {
    let ready = condition(&node.conditions, "Ready");
    if let Some(c) = ready.filter(|c| c.status != Some(true)) {
        let why = if c.reason.is_empty() { String::new() } else { format!(" ({})", c.reason) };
        return Some((Health::Degraded, format!("not ready{why}"), c.since));
    }
    let pressed = node
        .conditions
        .iter()
        .find(|c| c.status == Some(true) && (c.kind.ends_with("Pressure") || &*c.kind == "NetworkUnavailable"));
    if let Some(c) = pressed {
        return Some((Health::Degraded, c.kind.to_string(), c.since));
    }
    match ready {
        None => Some((Health::Unknown, "does not say whether it is ready".into(), None)),
        Some(_) => node.unschedulable.then(|| (Health::Off, "cordoned".into(), None)),
    }
}

fn certificate(c: &Certificate, now: Seconds) -> HealthItem {
    let object = ObjectRef::new(Kind::Certificate, c.meta.namespace.clone(), c.meta.name.clone());
    let refused = condition(&c.conditions, "Ready").filter(|c| c.status == Some(false));
    let (health, detail) = match (c.not_after, refused) {
        (Some(end), _) if end <= now => (Health::Down, "expired".to_owned()),
        (_, Some(why)) => (Health::Degraded, format!("not ready: {}", message::first_words(&why.message, 100))),
        (Some(end), None) if end - now < CERTIFICATE_NEAR => (Health::Degraded, format!("{} days left, not renewed", (end - now) / 86_400)),
        (Some(end), None) => (Health::Ok, format!("{} days left", (end - now) / 86_400)),
        (None, None) => (Health::Unknown, "no expiry known".to_owned()),
    };
    about(Topic::Certificate, object, health, detail, c.not_after)
}

fn item(topic: Topic, id: &str, health: Health, title: &str, detail: String) -> HealthItem {
    HealthItem { id: id.to_owned(), topic, health, title: title.to_owned(), detail, at: None, object: None }
}

fn about(topic: Topic, object: ObjectRef, health: Health, detail: String, at: Option<Seconds>) -> HealthItem {
    let id = if object.namespace.is_empty() { format!("{}/{}", object.kind.word().to_lowercase(), object.name) } else { object.id() };
    HealthItem { id, topic, health, title: format!("{} {}", object.kind.word(), object.name), detail, at, object: Some(object) }
}

#[cfg(test)]
mod tests;
