//! Everything of the target that the console currently sees, and what it means.
//!
//! Owns the store of slim objects fed by target events, kubectl's columns, the workload tree, health and root causes, typed
//! filters, and the answers of the header. Pure: times are arguments. Must not fetch, draw, or read a clock.

pub mod armed;
pub mod cause;
mod changes;
pub mod columns;
mod evidence;
pub mod filter;
pub mod health;
pub mod image;
mod index;
mod items;
mod judge;
pub mod lock;
mod look;
mod objects;
mod promised;
mod proven;
mod row;
mod services;
mod sightings;
mod sketch;
mod store;
mod stream;
mod up;
mod workload;
mod writer;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use cause::{Cause, Link, Trouble};
pub use changes::{Change, LAST_RUN, What};
pub use evidence::{REVISION, revision_number};
pub use filter::{Filter, FilterError};
pub use items::{HealthItem, TlsHost, Topic};
pub use lock::{Lock, LockState};
pub use objects::PodEntry;
pub use promised::promised;
pub use row::{Autoscaler, RowImage, WorkloadRow};
pub use sightings::{Sighting, SightingKind, Sightings};
pub use store::Key;
pub use stream::{Paint, STALE_AFTER, Stream, Trust};
pub use up::{Counting, Reason, Up};
pub use workload::{WorkloadKey, WorkloadKind};
pub use writer::Writer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::base::text::Str;
use crate::target::api::ErrorKind;
use crate::target::event::{ObjectChange, StreamState, TargetEvent};
use crate::target::model::{Event, Kind, NodeMetrics, Object, ObjectRef, PodMetrics, Usage, condition};
use crate::target::request::StreamKey;
use changes::Changes;
use judge::Rows;
use lock::Locks;
use objects::Objects;
use proven::Proven;
use stream::Streams;
use writer::Writers;

/// Events kept about one object: the newest.
pub const EVENTS_PER_OBJECT: usize = 16;
/// Events kept in all: the newest.
pub const EVENTS_MAX: usize = 8_000;

/// What the console sees of the target.
#[derive(Debug, Default)]
pub struct Fleet {
    objects: Objects,
    streams: Streams,
    /// Number of the newest listing of any stream.
    listing: u32,
    /// Workloads whose verdict may be another one now.
    dirty: BTreeSet<Arc<WorkloadKey>>,
    rows: Rows,
    changes: Changes,
    proven: Proven,
    writers: Writers,
    locks: Locks,
    /// What our own journal says of who changed an object last, by its UID.
    own_runs: BTreeMap<String, String>,
    events_dropped: u64,
    node_usage: Vec<(Str, Usage)>,
    metrics: Metrics,
    revision: u64,
}

/// Whether there are metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Metrics {
    /// Nobody asked yet, or no answer yet.
    #[default]
    Pending,
    /// Read at that time.
    At(Timestamp),
    /// Cannot be had.
    Absent {
        /// What kind of failure.
        kind: ErrorKind,
        /// In words.
        reason: String,
    },
}

impl Fleet {
    /// Sees nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what a driver tells; answers whether anything is different now. Logs, problems and identity are not its
    /// business.
    pub fn apply(&mut self, event: &TargetEvent, now: Timestamp) -> bool {
        let before = self.revision;
        match event {
            TargetEvent::Objects { key, changes } => changes.iter().for_each(|c| self.change(key, c, now)),
            TargetEvent::Stream { key, state } => self.stream_state(key, state),
            TargetEvent::Table { key, columns, rows } => {
                let stream = self.streams.entry(key);
                if !stream.complete {
                    stream.paint = Some(Paint { columns: columns.clone(), rows: rows.clone() });
                    self.revision += 1;
                }
            }
            TargetEvent::PodMetrics { at, pods } => self.pod_metrics(*at, pods),
            TargetEvent::NodeMetrics(nodes) => self.node_metrics(nodes),
            TargetEvent::NoMetrics { kind, reason } => {
                self.metrics = Metrics::Absent { kind: *kind, reason: reason.clone() };
                self.objects.pods.iter_mut().for_each(|e| e.usage = None);
                self.node_usage.clear();
                self.dirty.extend(self.objects.pods.iter().map(|e| e.workload.clone()));
                self.revision += 1;
            }
            _ => {}
        }
        self.revision != before
    }

    /// Takes in a whole list that was read at once.
    pub fn list(&mut self, key: StreamKey, objects: Vec<Object>, now: Timestamp) {
        let applied = objects.into_iter().map(ObjectChange::Applied);
        let changes = std::iter::once(ObjectChange::Listing).chain(applied).chain([ObjectChange::Listed]).collect();
        self.apply(&TargetEvent::Stream { key: key.clone(), state: StreamState::Connected }, now);
        self.apply(&TargetEvent::Objects { key, changes }, now);
    }

    /// Takes in what our own journal says of runs: the line of `timonel.io/last-run`, by the UID of what was changed.
    pub fn learn_runs(&mut self, runs: BTreeMap<String, String>) {
        self.own_runs = runs;
        self.revision += 1;
    }

    /// The same, given back: another target may have some of the same objects.
    pub fn take_runs(&mut self) -> BTreeMap<String, String> {
        std::mem::take(&mut self.own_runs)
    }

    /// The newest run of our own on an object.
    pub fn own_run(&self, uid: &str) -> Option<&str> {
        self.own_runs.get(uid).map(String::as_str)
    }

    /// Forgets a stream that was cancelled, with everything that it brought.
    pub fn forget(&mut self, key: &StreamKey, now: Timestamp) {
        // Out of sight is not deleted.
        self.streams.forget(key);
        for gone in self.objects.unseen(key.kind, &key.scope, u32::MAX) {
            self.remove(key.kind, &gone, now);
        }
        self.mark_kind(key.kind);
        self.revision += 1;
    }

    fn stream_state(&mut self, key: &StreamKey, state: &StreamState) {
        let stream = self.streams.entry(key);
        if stream.state != *state {
            stream.state = state.clone();
            self.revision += 1;
            self.mark_kind(key.kind);
        }
    }

    fn change(&mut self, key: &StreamKey, change: &ObjectChange, now: Timestamp) {
        match change {
            ObjectChange::Listing => {
                self.listing += 1;
                self.streams.entry(key).listing = Some(self.listing);
            }
            ObjectChange::Applied(object) => self.put(object, now),
            ObjectChange::Deleted(reference) => self.remove(reference.kind, &Key::new(&reference.namespace, &reference.name), now),
            ObjectChange::Listed => self.listed(key, now),
        }
    }

    fn listed(&mut self, key: &StreamKey, now: Timestamp) {
        let stream = self.streams.entry(key);
        stream.complete = true;
        stream.paint = None;
        if let Some(listing) = stream.listing.take() {
            for gone in self.objects.unseen(key.kind, &key.scope, listing) {
                self.remove(key.kind, &gone, now);
            }
        }
        self.revision += 1;
    }

    fn put(&mut self, object: &Object, now: Timestamp) {
        self.mark(object);
        if let Object::Workload(w) = object {
            self.rows.observe(w, now.as_second());
        }
        let old = self.objects.put(object, self.listing);
        if let Some(old) = &old {
            self.mark(old);
        }
        self.note_change(old.as_ref(), Some(object), now.as_second());
        self.note_lock(old.as_ref(), Some(object), now.as_second());
        let adopted = old.as_ref().is_none_or(|o| o.meta().owner != object.meta().owner);
        if adopted && matches!(object, Object::ReplicaSet(_) | Object::Job(_)) {
            self.reattach(object);
        }
        match object {
            Object::Event(event) => self.bound_events(event),
            Object::Pod(_) => self.mark(object),
            Object::ReplicaSet(set) => self.note_full(set),
            Object::Node(node) if ready_node(object) != old.as_ref().is_some_and(ready_node) => self.mark_node(&node.meta.name.clone()),
            Object::Service(_) => self.mark_services_workloads(&object.meta().namespace),
            Object::EndpointSlice(slice) => self.mark_behind(slice),
            Object::Job(job) => self.mark_namesakes(job),
            _ => {}
        }
        self.revision += 1;
    }

    fn remove(&mut self, kind: Kind, key: &Key, now: Timestamp) {
        if kind == Kind::Pod
            && let Some(entry) = self.objects.pods.get(&key.namespace, &key.name)
        {
            self.dirty.insert(entry.workload.clone());
        }
        let Some(old) = self.objects.remove(kind, key) else { return };
        self.note_change(Some(&old), None, now.as_second());
        self.note_lock(Some(&old), None, now.as_second());
        self.mark(&old);
        if matches!(kind, Kind::ReplicaSet | Kind::ControllerRevision) {
            self.proven.forget(&old.meta().uid);
        }
        match &old {
            Object::ReplicaSet(_) | Object::Job(_) => self.reattach(&old),
            Object::Service(_) => self.mark_services_workloads(&key.namespace),
            Object::EndpointSlice(slice) => self.mark_behind(slice),
            Object::Node(_) => self.mark_node(&key.name.clone()),
            _ => {}
        }
        self.revision += 1;
    }

    /// Marks the workload that an object belongs to.
    fn mark(&mut self, object: &Object) {
        let meta = object.meta();
        let key = match object {
            Object::Pod(p) => {
                if let Some(entry) = self.objects.pods.get(&p.meta.namespace, &p.meta.name) {
                    self.dirty.insert(entry.workload.clone());
                }
                return;
            }
            Object::Workload(w) => workload::of_object(w.kind, meta),
            Object::ReplicaSet(_) | Object::ControllerRevision(_) | Object::Job(_) | Object::CronJob(_) => workload::of_object(object.kind(), meta),
            Object::Hpa(h) => {
                Kind::parse(&h.target_kind).and_then(|kind| WorkloadKey::of(&ObjectRef::new(kind, meta.namespace.clone(), h.target_name.clone())))
            }
            Object::Event(e) => return self.mark_subject(e),
            _ => None,
        };
        if let Some(key) = key {
            self.dirty.insert(Arc::new(key));
        }
    }

    fn mark_subject(&mut self, event: &Event) {
        let (ns, name) = (&event.about_namespace, &event.about_name);
        match Kind::parse(&event.about_kind) {
            Some(Kind::Pod) => {
                if let Some(entry) = self.objects.pods.get(ns, name) {
                    self.dirty.insert(entry.workload.clone());
                }
            }
            Some(Kind::ReplicaSet) => {
                if let Some(key) = self.objects.replica_sets.get(ns, name).and_then(|rs| workload::of_object(Kind::ReplicaSet, &rs.meta)) {
                    self.dirty.insert(Arc::new(key));
                }
            }
            Some(Kind::Job) => {
                if let Some(key) = self.objects.jobs.get(ns, name).and_then(|job| workload::of_object(Kind::Job, &job.meta)) {
                    self.dirty.insert(Arc::new(key));
                }
            }
            Some(kind) => {
                if let Some(key) = WorkloadKey::of(&ObjectRef::new(kind, ns.clone(), name.clone())) {
                    self.dirty.insert(Arc::new(key));
                }
            }
            None => {}
        }
    }

    /// Finds the workloads of an owner's pods anew: before it was seen they were taken by the owner's name.
    fn reattach(&mut self, owner: &Object) {
        let uid = owner.meta().uid.clone();
        let itself = workload::of_pod_owned_by(owner);
        let above = workload::of_object(owner.kind(), owner.meta());
        let candidates: Vec<Key> = itself.iter().chain(&above).flat_map(|k| self.objects.index.members(k).cloned().collect::<Vec<_>>()).collect();
        for key in candidates {
            let own = self
                .objects
                .pods
                .get(&key.namespace, &key.name)
                .is_some_and(|e| e.pod.meta.owner.as_ref().is_some_and(|o| o.uid == uid));
            if own && let Some((old, new)) = self.objects.reattach(&key) {
                self.dirty.extend([old, new]);
            }
        }
    }

    fn bound_events(&mut self, event: &Event) {
        let subject = index::subject(event);
        while self.objects.index.about(&subject).len() > EVENTS_PER_OBJECT {
            let Some(oldest) = self.objects.index.about(&subject).next().cloned() else { break };
            self.objects.remove(Kind::Event, &oldest);
            self.events_dropped += 1;
        }
        while self.objects.index.events() > EVENTS_MAX {
            let Some(oldest) = self.objects.index.oldest_event().cloned() else { break };
            self.objects.remove(Kind::Event, &oldest);
            self.events_dropped += 1;
        }
    }

    /// One answer covers whole namespaces: a pod of a namespace in it that is not in it has no metrics.
    fn pod_metrics(&mut self, at: Timestamp, pods: &[PodMetrics]) {
        let spaces: BTreeSet<&Str> = pods.iter().map(|p| &p.namespace).collect();
        self.objects.pods.iter_mut().filter(|e| spaces.contains(&e.pod.meta.namespace)).for_each(|e| e.usage = None);
        for metrics in pods {
            if let Some(entry) = self.objects.pods.get_mut(&metrics.namespace, &metrics.name) {
                entry.usage = Some(metrics.containers.clone());
            }
        }
        self.dirty
            .extend(self.objects.pods.iter().filter(|e| spaces.contains(&e.pod.meta.namespace)).map(|e| e.workload.clone()));
        self.metrics = Metrics::At(at);
        self.revision += 1;
    }

    fn node_metrics(&mut self, nodes: &[NodeMetrics]) {
        self.node_usage = nodes.iter().map(|n| (n.node.name.clone(), n.usage)).collect();
        self.revision += 1;
    }
}

/// Whether a node is there and ready.
fn ready_node(object: &Object) -> bool {
    matches!(object, Object::Node(node) if condition(&node.conditions, "Ready").is_some_and(|c| c.status == Some(true)))
}
