//! Which rows the workloads pane has.
//!
//! Owns the order of workloads, what is open below them, and what the filter leaves. Reads the fleet, holds nothing of it but
//! names.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::base::health::Health;
use crate::base::text::Str;
use crate::fleet::{Filter, Fleet, Key, PodEntry, WorkloadKey, WorkloadKind, WorkloadRow, health};

/// Workloads that open by themselves because something is wrong, at most: an outage of everything must stay readable.
const OPEN_AT_MOST: usize = 4;

/// What a row is: enough to find it again when everything around it changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowId {
    /// A workload.
    Workload(Arc<WorkloadKey>),
    /// A Job of a CronJob.
    Job(Arc<WorkloadKey>, Key),
    /// A pod of a workload.
    Pod(Arc<WorkloadKey>, Key),
    /// A container of a pod.
    Container(Arc<WorkloadKey>, Key, Str),
}

impl RowId {
    /// The workload that it is or belongs to.
    pub fn workload(&self) -> &Arc<WorkloadKey> {
        match self {
            Self::Workload(key) | Self::Job(key, _) | Self::Pod(key, _) | Self::Container(key, ..) => key,
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub id: RowId,
    /// 0 workload, 1 pod or Job, 2 container (or pod of a Job).
    pub depth: u8,
    /// How well it is.
    pub health: Health,
    /// Whether something can be shown below it.
    pub expandable: bool,
    /// Whether it is.
    pub expanded: bool,
}

/// What workloads are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// Worst first.
    #[default]
    Health,
    /// Namespace and name.
    Name,
    /// Ready pods, fewest in proportion first.
    Ready,
    /// Most restarts first.
    Restarts,
    /// CPU, most first.
    Cpu,
    /// Memory, most first.
    Memory,
    /// Image tag.
    Release,
    /// Youngest first.
    Age,
}

impl SortBy {
    const ALL: [Self; 8] = [Self::Health, Self::Name, Self::Ready, Self::Restarts, Self::Cpu, Self::Memory, Self::Release, Self::Age];

    /// The next in turn.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|s| *s == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// The word on screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Name => "name",
            Self::Ready => "ready",
            Self::Restarts => "restarts",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Release => "release",
            Self::Age => "age",
        }
    }
}

/// How the rows are wanted.
pub(super) struct Shape<'a> {
    pub filter: Option<&'a Filter>,
    pub sort: SortBy,
    pub reversed: bool,
    pub opened: &'a BTreeSet<RowId>,
    pub closed: &'a BTreeSet<RowId>,
}

/// The rows, and how many workloads there are whatever the filter.
pub(super) fn build(fleet: &Fleet, shape: &Shape<'_>, now: Timestamp) -> (Vec<Row>, usize) {
    let mut tops: Vec<&WorkloadRow> = fleet.rows().collect();
    let total = tops.len();
    if let Some(filter) = shape.filter {
        tops.retain(|top| filter.workload(fleet, top, now) || fleet.pods_of(&top.key).any(|p| filter.pod(fleet, p, now)));
    }
    sort(&mut tops, shape.sort);
    if shape.reversed {
        tops.reverse();
    }
    let mut rows = Vec::with_capacity(tops.len() + 16);
    let mut opened_by_themselves = 0;
    for top in tops {
        let id = RowId::Workload(top.key.clone());
        let expandable = top.pods > 0 || top.key.kind == WorkloadKind::CronJob;
        let wants_open = matches!(top.health, Health::Down | Health::Degraded) && opened_by_themselves < OPEN_AT_MOST && !shape.closed.contains(&id);
        opened_by_themselves += usize::from(wants_open && expandable);
        let filtered_in = shape.filter.is_some_and(|f| !f.workload(fleet, top, now));
        let expanded = expandable && (wants_open || shape.opened.contains(&id) || filtered_in);
        rows.push(Row { id, depth: 0, health: top.health, expandable, expanded });
        if expanded {
            below(&mut rows, fleet, top, shape, filtered_in, now);
        }
    }
    (rows, total)
}

fn sort(tops: &mut [&WorkloadRow], by: SortBy) {
    // Names last, so that every order is total and stays.
    let name = |a: &WorkloadRow, b: &WorkloadRow| a.key.cmp(&b.key);
    let share = |r: &WorkloadRow| if r.desired > 0 { i64::from(r.ready) * 1000 / i64::from(r.desired) } else { 1001 };
    match by {
        SortBy::Health => tops.sort_by(|a, b| b.health.severity().cmp(&a.health.severity()).then_with(|| name(a, b))),
        SortBy::Name => tops.sort_by(|a, b| (&a.key.namespace, &a.key.name).cmp(&(&b.key.namespace, &b.key.name)).then_with(|| name(a, b))),
        SortBy::Ready => tops.sort_by(|a, b| share(a).cmp(&share(b)).then_with(|| name(a, b))),
        SortBy::Restarts => tops.sort_by(|a, b| b.restarts.cmp(&a.restarts).then_with(|| name(a, b))),
        SortBy::Cpu => tops.sort_by(|a, b| b.usage.map(|u| u.cpu_milli).cmp(&a.usage.map(|u| u.cpu_milli)).then_with(|| name(a, b))),
        SortBy::Memory => tops.sort_by(|a, b| b.usage.map(|u| u.memory).cmp(&a.usage.map(|u| u.memory)).then_with(|| name(a, b))),
        SortBy::Release => tops.sort_by(|a, b| a.release().cmp(&b.release()).then_with(|| name(a, b))),
        SortBy::Age => tops.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| name(a, b))),
    }
}

fn below(rows: &mut Vec<Row>, fleet: &Fleet, top: &WorkloadRow, shape: &Shape<'_>, only_matching: bool, now: Timestamp) {
    if top.key.kind == WorkloadKind::CronJob {
        return jobs(rows, fleet, top, shape, now);
    }
    let mut pods: Vec<&PodEntry> = fleet.pods_of(&top.key).collect();
    if let Some(filter) = shape.filter.filter(|_| only_matching) {
        pods.retain(|p| filter.pod(fleet, p, now));
    }
    for entry in pods {
        pod(rows, &top.key, entry, 1, shape, now);
    }
}

fn jobs(rows: &mut Vec<Row>, fleet: &Fleet, top: &WorkloadRow, shape: &Shape<'_>, now: Timestamp) {
    let Some(cron) = fleet.cron_job(&top.key.namespace, &top.key.name) else { return };
    let mut jobs: Vec<_> = fleet.jobs_of(cron).collect();
    jobs.sort_by_key(|j| std::cmp::Reverse(j.meta.created));
    for job in jobs {
        let id = RowId::Job(top.key.clone(), Key::new(&job.meta.namespace, &job.meta.name));
        let pods: Vec<_> = fleet.pods_of(&top.key).filter(|p| p.pod.meta.owner.as_ref().is_some_and(|o| o.uid == job.meta.uid)).collect();
        let verdict = health::job(job, false, now.as_second()).health;
        let expandable = !pods.is_empty();
        let expanded = expandable && (shape.opened.contains(&id) || (verdict == Health::Degraded && !shape.closed.contains(&id)));
        rows.push(Row { id, depth: 1, health: verdict, expandable, expanded });
        if expanded {
            for entry in pods {
                pod(rows, &top.key, entry, 2, shape, now);
            }
        }
    }
}

fn pod(rows: &mut Vec<Row>, key: &Arc<WorkloadKey>, entry: &PodEntry, depth: u8, shape: &Shape<'_>, now: Timestamp) {
    let pod = entry.key();
    let id = RowId::Pod(key.clone(), pod.clone());
    let expanded = shape.opened.contains(&id);
    let verdict = health::pod(&entry.pod, now.as_second()).health;
    rows.push(Row { id, depth, health: verdict, expandable: !entry.pod.containers.is_empty(), expanded });
    if expanded {
        for c in &entry.pod.containers {
            let id = RowId::Container(key.clone(), pod.clone(), c.name.clone());
            rows.push(Row { id, depth: depth + 1, health: container_health(c), expandable: false, expanded: false });
        }
    }
}

fn container_health(c: &crate::target::model::Container) -> Health {
    use crate::target::model::{ContainerRole, ContainerState};
    match (&c.state, c.role) {
        (ContainerState::Running { .. }, ContainerRole::Init) => Health::Ok,
        (ContainerState::Running { .. }, _) if c.ready => Health::Ok,
        (ContainerState::Running { .. }, _) => Health::Degraded,
        (ContainerState::Terminated(t), _) if t.exit_code == 0 => Health::Off,
        (ContainerState::Waiting { reason, .. }, _) if matches!(&**reason, "PodInitializing" | "ContainerCreating") => Health::Unknown,
        (ContainerState::Terminated(_) | ContainerState::Waiting { .. }, _) => Health::Down,
        (ContainerState::Absent, _) => Health::Unknown,
    }
}
