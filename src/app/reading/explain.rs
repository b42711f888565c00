//! Describe and explain: why something is not ok, and what is known about it.
//!
//! Owns the order of the parts: what is wrong first, then what it is, then what happened. Facts come from the fleet.

use jiff::{Timestamp, tz::TimeZone};

use super::last_lines;
use crate::app::App;
use crate::app::document::{DocumentLine, LineKind};
use crate::app::overlay::LastLines;
use crate::base::age;
use crate::base::health::Health;
use crate::base::quantity;
use crate::fleet::{HealthItem, Link, PodEntry, WorkloadKey, cause, health, image};
use crate::target::model::{Condition, Container, ContainerState, Object, ObjectRef, Resources, Termination};
use crate::target::probe::{ProbeReport, ProbeResult};

/// Events shown below a description.
const EVENTS: usize = 20;

impl App {
    /// The reason chain, and what is remarkable below it.
    pub(super) fn explain_lines(&self, object: &ObjectRef, last: Option<&LastLines>) -> Vec<DocumentLine> {
        let mut lines = self.reason_lines(object);
        lines.extend(last_lines::lines(last));
        lines.push(DocumentLine::plain(""));
        lines.extend(self.recent_events(object));
        lines
    }

    /// Everything that is seen of an object.
    pub(super) fn describe_lines(&self, object: &ObjectRef, last: Option<&LastLines>) -> Vec<DocumentLine> {
        let Some(found) = self.fleet.object(object) else {
            return vec![DocumentLine::new(LineKind::Warning, format!("{object} is not there any more."))];
        };
        let mut lines = self.reason_lines(object);
        lines.extend(last_lines::lines(last));
        lines.push(DocumentLine::plain(""));
        lines.extend(meta_lines(&found, self.now));
        match &found {
            Object::Pod(_) => lines.extend(self.fleet.pod(&object.namespace, &object.name).into_iter().flat_map(|p| pod_lines(p, self.now))),
            Object::Workload(w) => lines.extend(workload_lines(w)),
            _ => {}
        }
        lines.extend(condition_lines(conditions(&found), self.now));
        lines.extend(self.neighbours(object));
        lines.push(DocumentLine::plain(""));
        lines.extend(self.recent_events(object));
        lines
    }

    fn reason_lines(&self, object: &ObjectRef) -> Vec<DocumentLine> {
        let (health, text, chain) = self.reason(object);
        let kind = health_kind(health);
        let mut lines = vec![heading("Why"), DocumentLine::new(kind, format!("  {}: {text}", health.word()))];
        for (depth, link) in chain.iter().enumerate() {
            let since = link
                .since
                .and_then(|s| Timestamp::from_second(s).ok())
                .map(|t| format!(" ({})", age::coarse(t, self.now)))
                .unwrap_or_default();
            lines.push(DocumentLine::plain(format!("  {}└ {}: {}{since}", "  ".repeat(depth), link.what, link.says)));
        }
        lines
    }

    /// Health, in words, and the chain of reasons of a pod or workload.
    fn reason(&self, object: &ObjectRef) -> (Health, String, Vec<Link>) {
        if let Some(key) = WorkloadKey::of(object)
            && let Some(row) = self.fleet.row(&key)
        {
            let text = row.reason().or(row.text.as_deref()).unwrap_or("as wanted").to_owned();
            let chain = row.cause.as_ref().map(|c| c.chain.clone()).unwrap_or_default();
            return (row.health, text, chain);
        }
        match self.fleet.pod(&object.namespace, &object.name) {
            Some(pod) => {
                let cause = cause::pod(&self.fleet, pod, self.now.as_second());
                let text = cause.as_ref().map_or_else(|| pod.columns.status.to_string(), |c| c.text.clone());
                (health::pod(&pod.pod, self.now.as_second()).health, text, cause.map(|c| c.chain).unwrap_or_default())
            }
            None => (Health::Unknown, "it is not seen any more".to_owned(), Vec::new()),
        }
    }

    /// A health item of the cluster: what it says, then everything about its object.
    pub(super) fn item_lines(&self, item: &HealthItem) -> Vec<DocumentLine> {
        let mut lines = vec![DocumentLine::new(health_kind(item.health), format!("{}: {}", item.title, item.detail))];
        if let Some(object) = &item.object {
            lines.push(DocumentLine::plain(""));
            lines.extend(self.describe_lines(object, None));
        }
        lines
    }

    fn recent_events(&self, object: &ObjectRef) -> Vec<DocumentLine> {
        let mut lines = self.event_lines(Some(object));
        let more = lines.len() > EVENTS;
        lines.truncate(EVENTS);
        if more {
            lines.push(DocumentLine::new(LineKind::Dim, "  older ones: e"));
        }
        lines.insert(0, heading("Events, newest first"));
        lines
    }

    /// What stands around a workload: Services with their endpoints, autoscaler, disruption budgets.
    fn neighbours(&self, object: &ObjectRef) -> Vec<DocumentLine> {
        let Some(key) = WorkloadKey::of(object) else { return Vec::new() };
        let mut lines = Vec::new();
        let row = self.fleet.row(&key);
        let services = row.iter().flat_map(|r| r.services.iter()).filter_map(|name| self.fleet.service(&key.namespace, name));
        for service in services {
            let ends = self.fleet.endpoints(service);
            let kind = if ends.ready == 0 { LineKind::Bad } else { LineKind::Plain };
            lines.push(DocumentLine::new(kind, format!("  Service {}: {} of {} endpoints ready", service.meta.name, ends.ready, ends.total)));
        }
        if let Some(hpa) = self.fleet.hpa_of(&key) {
            lines.push(DocumentLine::plain(format!("  HPA {}: {} now, {}..{}", hpa.meta.name, hpa.current, hpa.min, hpa.max)));
        }
        if !lines.is_empty() {
            lines.insert(0, heading("Around it"));
        }
        lines
    }
}

/// A probe with its history, newest first.
pub(super) fn probe(report: &ProbeReport, zone: &TimeZone) -> Vec<DocumentLine> {
    let kind = match report.result {
        ProbeResult::Ok => LineKind::Good,
        ProbeResult::Failed => LineKind::Bad,
        ProbeResult::Unknown => LineKind::Unknown,
        ProbeResult::Unauthorised | ProbeResult::NotImplemented => LineKind::Warning,
    };
    let time = |t: Timestamp| t.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string();
    let mut lines = vec![
        DocumentLine::new(kind, format!("{}: {} since {}", report.title, report.result.word(), time(report.since))),
        DocumentLine::new(LineKind::Field, format!("asks: {} {}", report.kind, report.target)),
        DocumentLine::new(LineKind::Field, format!("last answer: {}", report.detail)),
    ];
    if let Some(expires) = report.expires {
        lines.push(DocumentLine::new(LineKind::Field, format!("certificate until: {expires}")));
    }
    lines.push(DocumentLine::plain(""));
    lines.push(heading("History, newest first"));
    lines.extend(report.history.iter().rev().map(|s| {
        let latency = s.latency.map_or_else(|| "no answer".to_owned(), |l| format!("{} ms", l.as_millis()));
        DocumentLine::plain(format!("  {}  {:<16} {latency}", time(s.at), s.result.word()))
    }));
    lines
}

fn heading(text: &str) -> DocumentLine {
    DocumentLine::new(LineKind::Heading, text)
}

fn field(name: &str, value: impl std::fmt::Display) -> DocumentLine {
    DocumentLine::new(LineKind::Field, format!("  {name}: {value}"))
}

pub(super) fn health_kind(health: Health) -> LineKind {
    match health {
        Health::Ok => LineKind::Good,
        Health::Degraded => LineKind::Warning,
        Health::Down => LineKind::Bad,
        Health::Unknown => LineKind::Unknown,
        Health::Off => LineKind::Dim,
    }
}

fn meta_lines(object: &Object, now: Timestamp) -> Vec<DocumentLine> {
    let meta = object.meta();
    let created = Timestamp::from_second(meta.created).unwrap_or(now);
    let mut lines =
        vec![heading("What it is"), field("uid", &meta.uid), field("age", age::between(created, now)), field("generation", meta.generation)];
    if let Some(owner) = &meta.owner {
        lines.push(field("owner", format_args!("{} {}", owner.kind, owner.name)));
    }
    if meta.deleted.is_some() {
        lines.push(DocumentLine::new(LineKind::Warning, "  it is being deleted"));
    }
    let pairs = |set: &[(crate::base::text::Str, crate::base::text::Str)]| set.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("  ");
    if !meta.labels.is_empty() {
        lines.push(field("labels", pairs(&meta.labels)));
    }
    if !meta.annotations.is_empty() {
        lines.push(field("annotations", pairs(&meta.annotations)));
    }
    lines
}

fn workload_lines(w: &crate::target::model::Workload) -> Vec<DocumentLine> {
    let strategy = if w.strategy.kind.is_empty() { "RollingUpdate" } else { &w.strategy.kind };
    let mut lines = vec![
        field("replicas", format_args!("{} desired, {} ready, {} updated, {} available", w.desired, w.ready, w.updated, w.available)),
        field("strategy", strategy),
        field("selector", w.selector.to_query()),
    ];
    if w.paused {
        lines.push(DocumentLine::new(LineKind::Warning, "  its rollout is paused"));
    }
    for c in &w.template {
        lines.push(field(&format!("container {}", c.name), format_args!("{}  {}", c.image, limits(c.requests, c.limits))));
    }
    lines
}

fn pod_lines(entry: &PodEntry, now: Timestamp) -> Vec<DocumentLine> {
    let pod = &entry.pod;
    let node = if pod.node.is_empty() { "none yet" } else { &pod.node };
    let mut lines = vec![
        field("status", &entry.columns.status),
        field("ready", entry.columns.ready_text()),
        field("restarts", entry.columns.restarts_text(now)),
        field("node", node),
        field("address", &pod.ip),
    ];
    for container in &pod.containers {
        lines.extend(container_lines(entry, container, now));
    }
    lines
}

fn container_lines(entry: &PodEntry, container: &Container, now: Timestamp) -> Vec<DocumentLine> {
    let mut lines = vec![heading(&format!("Container {}", container.name)), field("image", &container.image)];
    if let Some(digest) = image::running_digest(container) {
        lines.push(field("digest", digest));
    }
    lines.push(match &container.state {
        ContainerState::Absent => field("state", "not known yet"),
        ContainerState::Waiting { reason, message } => DocumentLine::new(LineKind::Warning, format!("  state: waiting, {reason} {message}")),
        ContainerState::Running { since } => {
            let since = since
                .and_then(|s| Timestamp::from_second(s).ok())
                .map(|t| format!(" for {}", age::coarse(t, now)))
                .unwrap_or_default();
            field("state", format_args!("running{since}{}", if container.ready { ", ready" } else { ", not ready" }))
        }
        ContainerState::Terminated(t) => field("state", format_args!("ended: {}", ending(t))),
    });
    if let Some(last) = &container.last {
        lines.push(DocumentLine::new(LineKind::Warning, format!("  last run ended: {}", ending(last))));
    }
    lines.push(field("restarts", container.restarts));
    lines.push(field("resources", limits(container.requests, container.limits)));
    let usage = entry.usage.as_ref().and_then(|u| u.iter().find(|(name, _)| *name == container.name));
    lines.push(field(
        "uses",
        usage.map_or_else(|| "n/a".to_owned(), |(_, u)| format!("cpu {}m, memory {}", u.cpu_milli, quantity::bytes(u.memory.unsigned_abs()))),
    ));
    lines
}

fn ending(t: &Termination) -> String {
    let meaning = cause::exit::text(t);
    let at = t.finished.and_then(|s| Timestamp::from_second(s).ok()).map(|t| format!(" at {t}")).unwrap_or_default();
    format!("{meaning}{at} {}", t.message).trim_end().to_owned()
}

fn limits(requests: Resources, limits: Resources) -> String {
    let cpu = |v: Option<i64>| v.map_or_else(|| "-".to_owned(), |m| format!("{m}m"));
    let memory = |v: Option<i64>| v.map_or_else(|| "-".to_owned(), |b| quantity::bytes(b.unsigned_abs()));
    format!(
        "requests cpu {} memory {}, limits cpu {} memory {}",
        cpu(requests.cpu_milli),
        memory(requests.memory),
        cpu(limits.cpu_milli),
        memory(limits.memory)
    )
}

fn conditions(object: &Object) -> &[Condition] {
    match object {
        Object::Pod(o) => &o.conditions,
        Object::Workload(o) => &o.conditions,
        Object::ReplicaSet(o) => &o.conditions,
        Object::Job(o) => &o.conditions,
        Object::Node(o) => &o.conditions,
        Object::Hpa(o) => &o.conditions,
        _ => &[],
    }
}

fn condition_lines(conditions: &[Condition], now: Timestamp) -> Vec<DocumentLine> {
    if conditions.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![heading("Conditions")];
    for c in conditions {
        let status = c.status.map_or("unknown", |s| if s { "true" } else { "false" });
        let since = c.since.and_then(|s| Timestamp::from_second(s).ok()).map(|t| age::coarse(t, now)).unwrap_or_default();
        lines.push(DocumentLine::plain(
            format!("  {:<20} {status:<8} {since:>5}  {} {}", c.kind, c.reason, c.message).trim_end().to_owned(),
        ));
    }
    lines
}
