//! Looking at the fleet: one object, all of a kind, what belongs to what.
//!
//! Owns the read side of the store. Must not change anything or judge.

use std::sync::Arc;

use jiff::Timestamp;

use super::cause::Cause;
use super::changes::Change;
use super::objects::PodEntry;
use super::row::WorkloadRow;
use super::store::Store;
use super::stream::{Paint, Stream, Trust};
use super::workload::WorkloadKey;
use super::{Fleet, Metrics};
use crate::base::health::Health;
use crate::base::text::Str;
use crate::target::model::{
    Certificate, ControllerRevision, CronJob, EndpointSlice, Event, Hpa, Ingress, Job, Kind, Lease, MetaOnly, Namespace, Node, Object, ObjectRef,
    Pdb, Pvc, ReplicaSet, Scope, Seconds, Service, Usage, Workload,
};
use crate::target::request::StreamKey;

impl Fleet {
    /// Counts every change of anything; equal numbers mean that nothing needs to be drawn again.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Counts changes of one kind.
    pub fn kind_revision(&self, kind: Kind) -> u64 {
        self.objects.revision(kind)
    }

    /// How many objects of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.objects.len(kind)
    }

    /// How many events were forgotten because of the bounds.
    pub fn events_dropped(&self) -> u64 {
        self.events_dropped
    }

    /// One stream.
    pub fn stream(&self, key: &StreamKey) -> Option<&Stream> {
        self.streams.get(key)
    }

    /// All streams that were heard of.
    pub fn streams(&self) -> impl Iterator<Item = (&StreamKey, &Stream)> {
        self.streams.iter()
    }

    /// How far objects of a kind in a namespace (empty: a kind without namespaces) can be trusted.
    pub fn trust(&self, kind: Kind, namespace: &Str, now: Timestamp) -> Trust {
        self.streams.trust(kind, namespace, now.as_second())
    }

    /// Whether there are metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What a node uses; `None` = not known.
    pub fn node_usage(&self, node: &str) -> Option<Usage> {
        self.node_usage.iter().find(|(name, _)| &**name == node).map(|(_, u)| *u)
    }

    /// Any object that is kept.
    pub fn object(&self, reference: &ObjectRef) -> Option<Object> {
        self.objects.get(reference)
    }

    /// One pod.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<&PodEntry> {
        self.objects.pods.get(namespace, name)
    }

    /// All pods by namespace and name.
    pub fn pods(&self) -> impl Iterator<Item = &PodEntry> {
        self.objects.pods.iter()
    }

    /// The pods of a workload by name, those of its Jobs and ReplicaSets included.
    pub fn pods_of(&self, workload: &WorkloadKey) -> impl Iterator<Item = &PodEntry> {
        self.objects.index.members(workload).filter_map(|k| self.objects.pods.get(&k.namespace, &k.name))
    }

    /// One Deployment, StatefulSet or DaemonSet.
    pub fn workload(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Arc<Workload>> {
        self.objects.workloads(kind)?.get(namespace, name)
    }

    /// All Deployments, StatefulSets or DaemonSets.
    pub fn workloads(&self, kind: Kind) -> impl Iterator<Item = &Arc<Workload>> {
        self.objects.workloads(kind).into_iter().flat_map(Store::iter)
    }

    /// One ReplicaSet.
    pub fn replica_set(&self, namespace: &str, name: &str) -> Option<&Arc<ReplicaSet>> {
        self.objects.replica_sets.get(namespace, name)
    }

    /// The ReplicaSets that a Deployment controls.
    pub fn replica_sets_of(&self, owner: &Workload) -> impl Iterator<Item = &Arc<ReplicaSet>> {
        let namespace = owner.meta.namespace.clone();
        self.objects
            .index
            .owned(Kind::ReplicaSet, &owner.meta.uid)
            .filter_map(move |name| self.objects.replica_sets.get(&namespace, name))
    }

    /// The ControllerRevisions of a StatefulSet or DaemonSet.
    pub fn controller_revisions_of(&self, owner: &Workload) -> impl Iterator<Item = &Arc<ControllerRevision>> {
        let namespace = owner.meta.namespace.clone();
        self.objects
            .index
            .owned(Kind::ControllerRevision, &owner.meta.uid)
            .filter_map(move |name| self.objects.controller_revisions.get(&namespace, name))
    }

    /// One Job.
    pub fn job(&self, namespace: &str, name: &str) -> Option<&Arc<Job>> {
        self.objects.jobs.get(namespace, name)
    }

    /// The Jobs that a CronJob made.
    pub fn jobs_of(&self, owner: &CronJob) -> impl Iterator<Item = &Arc<Job>> {
        let namespace = owner.meta.namespace.clone();
        self.objects
            .index
            .owned(Kind::Job, &owner.meta.uid)
            .filter_map(move |name| self.objects.jobs.get(&namespace, name))
    }

    /// One CronJob.
    pub fn cron_job(&self, namespace: &str, name: &str) -> Option<&Arc<CronJob>> {
        self.objects.cron_jobs.get(namespace, name)
    }

    /// All CronJobs.
    pub fn cron_jobs(&self) -> impl Iterator<Item = &Arc<CronJob>> {
        self.objects.cron_jobs.iter()
    }

    /// All autoscalers.
    pub fn hpas(&self) -> impl Iterator<Item = &Arc<Hpa>> {
        self.objects.hpas.iter()
    }

    /// One Service.
    pub fn service(&self, namespace: &str, name: &str) -> Option<&Arc<Service>> {
        self.objects.services.get(namespace, name)
    }

    /// The Services of a namespace.
    pub fn services_in(&self, namespace: &str) -> impl Iterator<Item = &Arc<Service>> {
        self.objects.services.within(namespace)
    }

    /// All Services.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.objects.services.iter()
    }

    /// The endpoint slices of a Service.
    pub fn slices_of(&self, service: &Service) -> impl Iterator<Item = &Arc<EndpointSlice>> {
        let namespace = service.meta.namespace.clone();
        self.objects
            .index
            .slices(&service.meta.namespace, &service.meta.name)
            .filter_map(move |name| self.objects.slices.get(&namespace, name))
    }

    /// The autoscaler of a workload.
    pub fn hpa_of(&self, workload: &WorkloadKey) -> Option<&Arc<Hpa>> {
        self.objects
            .hpas
            .within(&workload.namespace)
            .find(|h| *h.target_kind == *workload.kind.word() && h.target_name == workload.name)
    }

    /// The disruption budgets of a namespace.
    pub fn pdbs_in(&self, namespace: &str) -> impl Iterator<Item = &Arc<Pdb>> {
        self.objects.pdbs.within(namespace)
    }

    /// All Ingresses.
    pub fn ingresses(&self) -> impl Iterator<Item = &Arc<Ingress>> {
        self.objects.ingresses.iter()
    }

    /// All nodes by name.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.objects.nodes.iter()
    }

    /// One node.
    pub fn node(&self, name: &str) -> Option<&Arc<Node>> {
        self.objects.nodes.get("", name)
    }

    /// All namespaces by name.
    pub fn namespaces(&self) -> impl Iterator<Item = &Arc<Namespace>> {
        self.objects.namespaces.iter()
    }

    /// ConfigMaps or Secrets: metadata only.
    pub fn configs(&self, kind: Kind) -> impl Iterator<Item = &Arc<MetaOnly>> {
        let store = match kind {
            Kind::ConfigMap => Some(&self.objects.config_maps),
            Kind::Secret => Some(&self.objects.secrets),
            _ => None,
        };
        store.into_iter().flat_map(Store::iter)
    }

    /// All persistent volume claims.
    pub fn pvcs(&self) -> impl Iterator<Item = &Arc<Pvc>> {
        self.objects.pvcs.iter()
    }

    /// The Leases of runs.
    pub fn leases(&self) -> impl Iterator<Item = &Arc<Lease>> {
        self.objects.leases.iter()
    }

    /// All cert-manager Certificates.
    pub fn certificates(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.objects.certificates.iter()
    }

    /// The newest events about an object, the newest first.
    pub fn events_about(&self, uid: &str) -> impl Iterator<Item = &Arc<Event>> {
        self.objects.index.about(uid).rev().filter_map(|k| self.objects.events.get(&k.namespace, &k.name))
    }

    /// All events that are kept, in no particular order.
    pub fn events(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.objects.events.iter()
    }

    /// Changes of wanted state that were seen while watching, the newest of each object.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter()
    }

    /// The first paint of a kind: kubectl's columns per scope, while its objects are not there yet.
    pub fn paint(&self, kind: Kind) -> impl Iterator<Item = (&Scope, &Paint)> {
        self.streams
            .iter()
            .filter(move |(k, _)| k.kind == kind)
            .filter_map(|(k, s)| Some((&k.scope, s.paint.as_ref()?)))
    }

    /// One workload, judged at the last [`Fleet::settle`].
    pub fn row(&self, key: &WorkloadKey) -> Option<&WorkloadRow> {
        self.rows.get(key)
    }

    /// All workloads, judged, by namespace, kind and name.
    pub fn rows(&self) -> impl Iterator<Item = &WorkloadRow> {
        self.rows.iter()
    }

    /// The workloads of one namespace, judged.
    pub fn rows_in<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a WorkloadRow> {
        self.rows.within(namespace)
    }

    /// Counts changes of rows.
    pub fn rows_revision(&self) -> u64 {
        self.rows.revision()
    }

    /// When a verdict changes by itself, without an event: the next moment to call [`Fleet::settle`].
    pub fn next_turn(&self) -> Option<Seconds> {
        self.rows.next_turn()
    }

    /// Why a pod is not as wanted, or what is remarkable about it.
    pub fn pod_cause(&self, entry: &PodEntry, now: Timestamp) -> Option<Cause> {
        super::cause::pod(self, entry, now.as_second())
    }

    /// Health of one pod; unknown when pods of its namespace are stale or cannot be read.
    pub fn pod_health(&self, entry: &PodEntry, now: Timestamp) -> Health {
        match self.streams.trust(Kind::Pod, &entry.pod.meta.namespace, now.as_second()) {
            Trust::Lost(_) => Health::Unknown,
            Trust::Live | Trust::Pending => super::health::pod(&entry.pod, now.as_second()).health,
        }
    }
}
