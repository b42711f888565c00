//! The cells of each kind of row.
//!
//! Owns short forms. What is not known reads `n/a` or stays empty, and never 0.

use jiff::Timestamp;

use super::{AGE, COLUMNS, CPU, DIGEST, ENDPOINTS, MEMORY, NODE, READY, RELEASE, RESTARTS, SCALING, STATUS};
use crate::app::App;
use crate::base::age;
use crate::base::health::Health;
use crate::fleet::{Cause, Key, Metrics, WorkloadKey, WorkloadKind, cause, columns};
use crate::target::model::{Container, ContainerState, Seconds, Usage};
use crate::theme::{Role, glyph};
use crate::ui::line::Line;
use crate::ui::screen::reason;

type Cells<'a> = [Line<'a>; COLUMNS];

fn blank<'a>() -> Cells<'a> {
    std::array::from_fn(|_| Line::new())
}

/// The cells of a workload, and its reason from its fullest form to its shortest.
pub(super) fn workload<'a>(app: &'a App, key: &'a WorkloadKey, health: Health) -> (Cells<'a>, Vec<Line<'a>>) {
    let mut cells = blank();
    cells[0] = name(app, key);
    let Some(row) = app.fleet.row(key) else { return (cells, Vec::new()) };
    let short_of = row.ready < row.desired && !matches!(key.kind, WorkloadKind::Job | WorkloadKind::CronJob);
    cells[READY] = Line::of(if short_of { glyph::health_role(health) } else { Role::Text }, row.ready_text());
    cells[RESTARTS] = restarts(row.restarts, row.last_restart, app.now);
    cells[AGE] = since(row.created, app.now);
    cells[RELEASE] = row.release().map(|r| Line::of(Role::Text, r)).unwrap_or_default();
    if row.pods > 0 {
        cells[CPU] = percent(row.cpu_percent(), row.usage, app);
        cells[MEMORY] = percent(row.memory_percent(), row.usage, app);
    }
    if let Some(endpoints) = row.endpoints {
        let role = if endpoints.ready == 0 && row.desired > 0 { Role::Down } else { Role::Text };
        cells[ENDPOINTS] = Line::of(role, format!("{}/{}", endpoints.ready, endpoints.total));
    }
    if let Some(hpa) = &row.autoscaler {
        let paused = if hpa.paused { " paused" } else { "" };
        let role = if hpa.paused || hpa.wants >= hpa.max { Role::Near } else { Role::Text };
        cells[SCALING] = Line::of(role, format!("{}–{}{paused}", hpa.min, hpa.max));
    }
    if let Some(digest) = row.images.first().and_then(|image| image.digest.as_deref()) {
        let hex = digest.rsplit(':').next().unwrap_or(digest);
        cells[DIGEST] = Line::of(Role::Dim, hex.get(..12).unwrap_or(hex));
    }
    let reasons = match (&row.cause, row.reason()) {
        (Some(cause), _) => reasons(cause, health, app.now),
        (None, Some(text)) => vec![Line::of(glyph::health_role(health), text)],
        (None, None) => row.text.as_deref().map(|text| Line::of(Role::Dim, text)).into_iter().collect(),
    };
    (cells, reasons)
}

/// The name, with the namespace before it where several are looked at, and the kind behind it where the name does not say enough.
fn name<'a>(app: &App, key: &'a WorkloadKey) -> Line<'a> {
    let mut line = Line::new();
    let one = app.opened.as_ref().and_then(|o| o.namespaces.as_ref()).is_some_and(|n| n.len() == 1);
    if !one && !key.namespace.is_empty() {
        line = line.with(Role::Dim, &*key.namespace).with(Role::Dim, "/");
    }
    line = line.with(Role::Strong, &*key.name);
    match &key.kind {
        WorkloadKind::Deployment => line,
        kind => line.with(Role::Dim, " ").with(Role::Dim, short_kind(kind)),
    }
}

const fn short_kind(kind: &WorkloadKind) -> &'static str {
    match kind {
        WorkloadKind::Deployment => "deploy",
        WorkloadKind::StatefulSet => "sts",
        WorkloadKind::DaemonSet => "ds",
        WorkloadKind::Job => "job",
        WorkloadKind::CronJob => "cron",
        WorkloadKind::ReplicaSet => "rs",
        WorkloadKind::Pod => "pod",
        WorkloadKind::Node => "static",
        WorkloadKind::Other(_) => "other",
    }
}

/// The cells of a pod, and its reason from its fullest form to its shortest.
pub(super) fn pod<'a>(app: &'a App, key: &'a Key, health: Health) -> (Cells<'a>, Vec<Line<'a>>) {
    let mut cells = blank();
    cells[0] = Line::of(Role::Text, &*key.name);
    let Some(entry) = app.fleet.pod(&key.namespace, &key.name) else { return (cells, Vec::new()) };
    let pod = &entry.pod;
    cells[READY] = Line::of(Role::Text, entry.columns.ready_text());
    cells[RESTARTS] = restarts(entry.columns.restarts, entry.columns.last_restart, app.now);
    cells[AGE] = since(pod.meta.created, app.now);
    let total = entry.total_usage();
    let (mut cpu, mut memory) = (None, None);
    for container in &pod.containers {
        cpu = plus(cpu, container.limits.cpu_milli.or(container.requests.cpu_milli));
        memory = plus(memory, container.limits.memory.or(container.requests.memory));
    }
    cells[CPU] = percent(share(total.map(|u| u.cpu_milli), cpu), total, app);
    cells[MEMORY] = percent(share(total.map(|u| u.memory), memory), total, app);
    cells[NODE] = Line::of(Role::Dim, &*pod.node);
    let reasons = if let Some(cause) = app.fleet.pod_cause(entry, app.now) {
        reasons(&cause, health, app.now)
    } else {
        let role = if matches!(health, Health::Ok | Health::Off) { Role::Dim } else { glyph::health_role(health) };
        vec![Line::of(role, &*entry.columns.status)]
    };
    (cells, reasons)
}

pub(super) fn job<'a>(app: &'a App, key: &'a Key) -> Cells<'a> {
    let mut cells = blank();
    cells[0] = Line::of(Role::Text, &*key.name);
    let Some(job) = app.fleet.job(&key.namespace, &key.name) else { return cells };
    let [_, _, completions, ..] = columns::job(job, app.now);
    cells[READY] = Line::of(Role::Text, completions);
    cells[AGE] = since(job.meta.created, app.now);
    cells[STATUS] = Line::of(Role::Dim, columns::job_status(job));
    cells
}

pub(super) fn container<'a>(app: &'a App, pod: &'a Key, name: &'a str) -> Cells<'a> {
    let mut cells = blank();
    cells[0] = Line::of(Role::Text, name);
    let Some(entry) = app.fleet.pod(&pod.namespace, &pod.name) else { return cells };
    let Some(container) = entry.pod.containers.iter().find(|c| &*c.name == name) else { return cells };
    let usage = entry.usage.as_ref().and_then(|all| all.iter().find(|(n, _)| &**n == name)).map(|(_, usage)| *usage);
    cells[READY] = Line::of(Role::Text, if container.ready { "ready" } else { "not" });
    let last = container.last.as_ref().and_then(|t| t.finished);
    cells[RESTARTS] = restarts(container.restarts, last, app.now);
    cells[RELEASE] = Line::of(Role::Text, crate::fleet::image::Image::parse(&container.image).version());
    cells[CPU] = percent(share(usage.map(|u| u.cpu_milli), container.limits.cpu_milli.or(container.requests.cpu_milli)), usage, app);
    cells[MEMORY] = percent(share(usage.map(|u| u.memory), container.limits.memory.or(container.requests.memory)), usage, app);
    let (status, started) = state(container);
    cells[STATUS] = status;
    cells[AGE] = started.map(|at| since(at, app.now)).unwrap_or_default();
    cells
}

fn state(container: &Container) -> (Line<'_>, Option<Seconds>) {
    match &container.state {
        ContainerState::Absent => (Line::of(Role::Dim, "not started"), None),
        ContainerState::Waiting { reason, message } => {
            let text = if message.is_empty() { reason.to_string() } else { format!("{reason}: {message}") };
            (Line::of(Role::Text, text), None)
        }
        ContainerState::Running { since } => (Line::of(Role::Dim, "running"), *since),
        ContainerState::Terminated(end) => {
            let role = if end.exit_code == 0 { Role::Dim } else { Role::Down };
            (Line::of(role, cause::exit::text(end)), end.finished)
        }
    }
}

/// A reason from its fullest form to its shortest, each with its age.
fn reasons(cause: &Cause, health: Health, now: Timestamp) -> Vec<Line<'static>> {
    let role = if matches!(health, Health::Ok | Health::Off) { Role::Near } else { glyph::health_role(health) };
    let age = cause.since.map(|at| format!(" {} ago", coarse(at, now))).unwrap_or_default();
    let line = |form: &str| Line::of(role, form.to_owned()).with(Role::Dim, age.clone());
    reason::forms(&cause.text, &cause.short).into_iter().map(line).collect()
}

fn restarts(count: u32, last: Option<Seconds>, now: Timestamp) -> Line<'static> {
    let lately = last.is_some_and(|at| now.as_second() - at < cause::RESTART_IS_NEWS);
    let role = match (count, lately) {
        (0, _) => Role::Dim,
        (_, true) => Role::Near,
        (_, false) => Role::Text,
    };
    Line::of(role, count.to_string())
}

fn since(at: Seconds, now: Timestamp) -> Line<'static> {
    if at <= 0 { Line::new() } else { Line::of(Role::Dim, coarse(at, now)) }
}

fn coarse(at: Seconds, now: Timestamp) -> String {
    age::coarse(Timestamp::from_second(at).unwrap_or(now), now)
}

fn plus(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

fn share(used: Option<i64>, of: Option<i64>) -> Option<i64> {
    Some(used?.saturating_mul(100) / of.filter(|of| *of > 0)?)
}

/// Per cent of limit or request. Without metrics `n/a`; with metrics and without a limit a dash.
fn percent(percent: Option<i64>, usage: Option<Usage>, app: &App) -> Line<'static> {
    match (percent, usage) {
        (Some(percent), _) => {
            let role = if percent >= 90 { Role::Near } else { Role::Text };
            Line::of(role, format!("{percent} %"))
        }
        (None, Some(_)) => Line::of(Role::Dim, "–"),
        (None, None) if matches!(app.fleet.metrics(), Metrics::Pending) => Line::new(),
        (None, None) => Line::of(Role::Dim, "n/a"),
    }
}
