//! What can be asked of a row, by name.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::base::text::Str;
use crate::fleet::objects::PodEntry;
use crate::fleet::row::{WorkloadRow, percent};
use crate::fleet::{Fleet, cause};
use crate::target::model::{ContainerRole, Resources};

/// What can be asked of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each variant is the field of that name")]
pub enum Field {
    Name,
    Namespace,
    Kind,
    Health,
    Status,
    Reason,
    Ready,
    Restarts,
    Age,
    Release,
    Image,
    Node,
    Cpu,
    CpuPercent,
    Memory,
    MemoryPercent,
}

/// In what a number of a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Count,
    Seconds,
    Cpu,
    Memory,
}

impl Field {
    /// Fields that a plain word is looked for in.
    pub(super) const TEXTS: [Self; 6] = [Self::Name, Self::Namespace, Self::Status, Self::Node, Self::Image, Self::Reason];

    /// The words a user may write for it, the first being the one that is shown.
    const WORDS: [(&'static [&'static str], Self); 14] = [
        (&["name"], Self::Name),
        (&["ns", "namespace"], Self::Namespace),
        (&["kind"], Self::Kind),
        (&["health"], Self::Health),
        (&["status"], Self::Status),
        (&["reason", "cause"], Self::Reason),
        (&["ready"], Self::Ready),
        (&["restarts"], Self::Restarts),
        (&["age"], Self::Age),
        (&["release", "tag"], Self::Release),
        (&["image"], Self::Image),
        (&["node"], Self::Node),
        (&["cpu"], Self::Cpu),
        (&["memory", "mem"], Self::Memory),
    ];

    /// Reads a field's name.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(words, _)| words.contains(&word)).map(|(_, f)| *f)
    }

    /// All names, for hints.
    pub(super) fn words() -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().flat_map(|(words, _)| words.iter().copied())
    }

    /// In what its numbers are written; `None` for texts.
    pub(super) const fn unit(self) -> Option<Unit> {
        Some(match self {
            Self::Ready | Self::Restarts => Unit::Count,
            Self::Age => Unit::Seconds,
            Self::Cpu | Self::CpuPercent => Unit::Cpu,
            Self::Memory | Self::MemoryPercent => Unit::Memory,
            _ => return None,
        })
    }

    /// The same quantity in per cent.
    pub(super) const fn in_percent(self) -> Option<Self> {
        match self {
            Self::Cpu => Some(Self::CpuPercent),
            Self::Memory => Some(Self::MemoryPercent),
            _ => None,
        }
    }
}

/// A row that is looked at.
pub(super) enum Seen<'a> {
    Workload(&'a Fleet, &'a WorkloadRow),
    Pod(&'a Fleet, &'a PodEntry),
}

type Texts<'a> = Vec<Cow<'a, str>>;

impl<'a> Seen<'a> {
    /// What the row says in a field; several where it has several (images); empty where it has none.
    pub(super) fn texts(&self, field: Field, now: Timestamp) -> Texts<'a> {
        match self {
            Self::Workload(_, row) => workload_texts(row, field),
            Self::Pod(fleet, entry) => pod_texts(fleet, entry, field, now),
        }
    }

    /// The number in a field; `None` where it is not known.
    pub(super) fn number(&self, field: Field, now: Timestamp) -> Option<i64> {
        match self {
            Self::Workload(_, row) => workload_number(row, field, now),
            Self::Pod(_, entry) => pod_number(entry, field, now),
        }
    }

    /// A label of the object; of a workload whose own labels are not at hand, those of its pods.
    pub(super) fn label(&self, key: &str) -> Option<Str> {
        match self {
            Self::Pod(_, entry) => entry.pod.meta.label(key).cloned(),
            Self::Workload(fleet, row) => {
                let own = row.key.kind.kind().and_then(|k| fleet.workload(k, &row.key.namespace, &row.key.name));
                let own = own.and_then(|w| w.meta.label(key).cloned());
                own.or_else(|| fleet.pod_labels(&row.key)?.iter().find(|(k, _)| &**k == key).map(|(_, v)| v.clone()))
            }
        }
    }
}

fn workload_texts(row: &WorkloadRow, field: Field) -> Texts<'_> {
    let one = |text: &'_ str| vec![Cow::Owned(text.to_owned())];
    match field {
        Field::Name => one(&row.key.name),
        Field::Namespace if !row.key.namespace.is_empty() => one(&row.key.namespace),
        Field::Kind => one(row.key.kind.word()),
        Field::Health => one(row.health.word()),
        Field::Reason => row.reason().map(one).unwrap_or_default(),
        Field::Release => row.images.iter().map(|i| Cow::Owned(i.version())).collect(),
        Field::Image => row.images.iter().map(|i| Cow::Borrowed(&*i.image)).collect(),
        _ => Vec::new(),
    }
}

fn workload_number(row: &WorkloadRow, field: Field, now: Timestamp) -> Option<i64> {
    match field {
        Field::Ready => Some(row.ready.into()),
        Field::Restarts => Some(row.restarts.into()),
        Field::Age => (row.created > 0).then(|| now.as_second() - row.created),
        Field::Cpu => row.usage.map(|u| u.cpu_milli),
        Field::CpuPercent => row.cpu_percent(),
        Field::Memory => row.usage.map(|u| u.memory),
        Field::MemoryPercent => row.memory_percent(),
        _ => None,
    }
}

fn pod_texts<'a>(fleet: &Fleet, entry: &'a PodEntry, field: Field, now: Timestamp) -> Texts<'a> {
    let one = |text: &'a str| vec![Cow::Borrowed(text)];
    let containers = || entry.pod.containers.iter().filter(|c| c.role != ContainerRole::Ephemeral);
    match field {
        Field::Name => one(&entry.pod.meta.name),
        Field::Namespace => one(&entry.pod.meta.namespace),
        // A pod is found by what it is and by what it belongs to.
        Field::Kind => vec![Cow::Borrowed("Pod"), Cow::Owned(entry.workload.kind.word().to_owned())],
        Field::Health => vec![Cow::Borrowed(fleet.pod_health(entry, now).word())],
        Field::Status => one(&entry.columns.status),
        Field::Reason => cause::pod(fleet, entry, now.as_second()).map(|c| Cow::Owned(c.text)).into_iter().collect(),
        Field::Node if !entry.pod.node.is_empty() => one(&entry.pod.node),
        Field::Image => containers().map(|c| Cow::Borrowed(&*c.image)).collect(),
        Field::Release => containers().map(|c| Cow::Owned(crate::fleet::image::Image::parse(&c.image).version())).collect(),
        _ => Vec::new(),
    }
}

fn pod_number(entry: &PodEntry, field: Field, now: Timestamp) -> Option<i64> {
    let usage = entry.total_usage();
    let of = |limit: &dyn Fn(&Resources) -> Option<i64>| {
        let (requests, limits) = entry.resources();
        limit(&limits).or(limit(&requests))
    };
    match field {
        Field::Ready => Some(entry.columns.ready.into()),
        Field::Restarts => Some(entry.columns.restarts.into()),
        Field::Age => (entry.pod.meta.created > 0).then(|| now.as_second() - entry.pod.meta.created),
        Field::Cpu => usage.map(|u| u.cpu_milli),
        Field::CpuPercent => percent(usage.map(|u| u.cpu_milli), of(&|r| r.cpu_milli)),
        Field::Memory => usage.map(|u| u.memory),
        Field::MemoryPercent => percent(usage.map(|u| u.memory), of(&|r| r.memory)),
        _ => None,
    }
}
