//! All objects that the console sees, by kind.
//!
//! Owns the stores and the one place that tells kinds apart when an object comes or goes. Must not know what follows from it.

use std::sync::Arc;

use super::columns::{self, PodColumns};
use super::index::Index;
use super::store::{Key, Store};
use super::workload::{Owners, WorkloadKey};
use crate::base::text::Str;
use crate::target::model::{
    Certificate, ContainerRole, ControllerRevision, CronJob, EndpointSlice, Event, Hpa, Ingress, Job, Kind, Lease, Meta, MetaOnly, Namespace, Node,
    Object, ObjectRef, Owner, Pdb, Pod, Pvc, ReplicaSet, Resources, Scope, Service, Usage, Workload,
};

/// A pod with what was computed from it once, when it changed.
#[derive(Debug)]
pub struct PodEntry {
    /// The pod.
    pub pod: Arc<Pod>,
    /// kubectl's columns.
    pub columns: PodColumns,
    /// The workload it belongs to.
    pub workload: Arc<WorkloadKey>,
    /// What its containers use, by container name; `None` = not known.
    pub usage: Option<Box<[(Str, Usage)]>>,
}

impl PodEntry {
    /// What the pod uses as a whole; `None` = not known.
    pub fn total_usage(&self) -> Option<Usage> {
        let containers = self.usage.as_ref()?;
        let add = |sum: Usage, (_, u): &(Str, Usage)| Usage { cpu_milli: sum.cpu_milli + u.cpu_milli, memory: sum.memory + u.memory };
        Some(containers.iter().fold(Usage::default(), add))
    }

    /// Sums of requests and limits of its main containers and sidecars; `None` where no container has one.
    pub fn resources(&self) -> (Resources, Resources) {
        let (mut requests, mut limits) = (Resources::default(), Resources::default());
        for c in self.pod.containers.iter().filter(|c| matches!(c.role, ContainerRole::Main | ContainerRole::Sidecar)) {
            add(&mut requests, c.requests);
            add(&mut limits, c.limits);
        }
        (requests, limits)
    }

    /// Its name within the kind.
    pub fn key(&self) -> Key {
        Key::new(&self.pod.meta.namespace, &self.pod.meta.name)
    }
}

/// Adds amounts; what is not given adds nothing and stays not given.
pub(crate) fn add(sum: &mut Resources, one: Resources) {
    let plus = |sum: &mut Option<i64>, one: Option<i64>| {
        if let Some(one) = one {
            *sum = Some(sum.unwrap_or(0) + one);
        }
    };
    plus(&mut sum.cpu_milli, one.cpu_milli);
    plus(&mut sum.memory, one.memory);
}

/// Every object, by kind.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) pods: Store<PodEntry>,
    pub(crate) deployments: Store<Arc<Workload>>,
    pub(crate) stateful_sets: Store<Arc<Workload>>,
    pub(crate) daemon_sets: Store<Arc<Workload>>,
    pub(crate) replica_sets: Store<Arc<ReplicaSet>>,
    pub(crate) controller_revisions: Store<Arc<ControllerRevision>>,
    pub(crate) jobs: Store<Arc<Job>>,
    pub(crate) cron_jobs: Store<Arc<CronJob>>,
    pub(crate) services: Store<Arc<Service>>,
    pub(crate) slices: Store<Arc<EndpointSlice>>,
    pub(crate) hpas: Store<Arc<Hpa>>,
    pub(crate) pdbs: Store<Arc<Pdb>>,
    pub(crate) ingresses: Store<Arc<Ingress>>,
    pub(crate) events: Store<Arc<Event>>,
    pub(crate) nodes: Store<Arc<Node>>,
    pub(crate) namespaces: Store<Arc<Namespace>>,
    pub(crate) config_maps: Store<Arc<MetaOnly>>,
    pub(crate) secrets: Store<Arc<MetaOnly>>,
    pub(crate) pvcs: Store<Arc<Pvc>>,
    pub(crate) leases: Store<Arc<Lease>>,
    pub(crate) certificates: Store<Arc<Certificate>>,
    pub(crate) index: Index,
}

/// Runs one expression on the store of a kind; `$none` for kinds that no watch delivers.
macro_rules! on_store {
    ($self:ident, $kind:expr, $store:ident => $body:expr, $none:expr) => {
        on_store!(@ $self, $kind, $store => $body, $none,
            Pod pods, Deployment deployments, StatefulSet stateful_sets, DaemonSet daemon_sets, ReplicaSet replica_sets,
            ControllerRevision controller_revisions, Job jobs, CronJob cron_jobs, Service services, EndpointSlice slices,
            HorizontalPodAutoscaler hpas, PodDisruptionBudget pdbs, Ingress ingresses, Event events, Node nodes, Lease leases,
            Namespace namespaces, ConfigMap config_maps, Secret secrets, PersistentVolumeClaim pvcs, Certificate certificates)
    };
    (@ $self:ident, $kind:expr, $store:ident => $body:expr, $none:expr, $($variant:ident $field:ident),*) => {
        match $kind {
            $(Kind::$variant => { let $store = &$self.$field; $body })*
            Kind::ResourceQuota => $none,
        }
    };
}

impl Objects {
    pub(crate) fn revision(&self, kind: Kind) -> u64 {
        on_store!(self, kind, s => s.revision(), 0)
    }

    pub(crate) fn len(&self, kind: Kind) -> usize {
        on_store!(self, kind, s => s.len(), 0)
    }

    pub(crate) fn unseen(&self, kind: Kind, scope: &Scope, listing: u32) -> Vec<Key> {
        on_store!(self, kind, s => s.unseen(scope, listing), Vec::new())
    }

    pub(crate) fn get(&self, reference: &ObjectRef) -> Option<Object> {
        let (ns, name) = (&*reference.namespace, &*reference.name);
        match reference.kind {
            Kind::Pod => self.pods.get(ns, name).map(|e| Object::Pod(e.pod.clone())),
            kind @ (Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet) => self.workloads(kind)?.get(ns, name).cloned().map(Object::Workload),
            Kind::ReplicaSet => self.replica_sets.get(ns, name).cloned().map(Object::ReplicaSet),
            Kind::ControllerRevision => self.controller_revisions.get(ns, name).cloned().map(Object::ControllerRevision),
            Kind::Job => self.jobs.get(ns, name).cloned().map(Object::Job),
            Kind::CronJob => self.cron_jobs.get(ns, name).cloned().map(Object::CronJob),
            Kind::Service => self.services.get(ns, name).cloned().map(Object::Service),
            Kind::EndpointSlice => self.slices.get(ns, name).cloned().map(Object::EndpointSlice),
            Kind::HorizontalPodAutoscaler => self.hpas.get(ns, name).cloned().map(Object::Hpa),
            Kind::PodDisruptionBudget => self.pdbs.get(ns, name).cloned().map(Object::Pdb),
            Kind::Ingress => self.ingresses.get(ns, name).cloned().map(Object::Ingress),
            Kind::Event => self.events.get(ns, name).cloned().map(Object::Event),
            Kind::Node => self.nodes.get(ns, name).cloned().map(Object::Node),
            Kind::Namespace => self.namespaces.get(ns, name).cloned().map(Object::Namespace),
            Kind::ConfigMap => self.config_maps.get(ns, name).cloned().map(Object::MetaOnly),
            Kind::Secret => self.secrets.get(ns, name).cloned().map(Object::MetaOnly),
            Kind::PersistentVolumeClaim => self.pvcs.get(ns, name).cloned().map(Object::Pvc),
            Kind::Lease => self.leases.get(ns, name).cloned().map(Object::Lease),
            Kind::Certificate => self.certificates.get(ns, name).cloned().map(Object::Certificate),
            Kind::ResourceQuota => None,
        }
    }

    /// Puts an object in; answers what was there.
    pub(crate) fn put(&mut self, object: &Object, seen: u32) -> Option<Object> {
        let old = self.store(object, seen);
        if let Some(old) = &old {
            self.index.withdraw(old);
        }
        self.index.enter(object);
        old
    }

    fn store(&mut self, object: &Object, seen: u32) -> Option<Object> {
        let Key { namespace: ns, name } = &Key::new(&object.meta().namespace, &object.meta().name);
        match object {
            Object::Pod(o) => self.put_pod(o, seen),
            Object::Workload(o) => self.workloads_mut(o.kind)?.put(ns, name, o.clone(), seen).map(Object::Workload),
            Object::ReplicaSet(o) => self.replica_sets.put(ns, name, o.clone(), seen).map(Object::ReplicaSet),
            Object::ControllerRevision(o) => self.controller_revisions.put(ns, name, o.clone(), seen).map(Object::ControllerRevision),
            Object::Job(o) => self.jobs.put(ns, name, o.clone(), seen).map(Object::Job),
            Object::CronJob(o) => self.cron_jobs.put(ns, name, o.clone(), seen).map(Object::CronJob),
            Object::Service(o) => self.services.put(ns, name, o.clone(), seen).map(Object::Service),
            Object::EndpointSlice(o) => self.slices.put(ns, name, o.clone(), seen).map(Object::EndpointSlice),
            Object::Hpa(o) => self.hpas.put(ns, name, o.clone(), seen).map(Object::Hpa),
            Object::Pdb(o) => self.pdbs.put(ns, name, o.clone(), seen).map(Object::Pdb),
            Object::Ingress(o) => self.ingresses.put(ns, name, o.clone(), seen).map(Object::Ingress),
            Object::Event(o) => self.events.put(ns, name, o.clone(), seen).map(Object::Event),
            Object::Node(o) => self.nodes.put(ns, name, o.clone(), seen).map(Object::Node),
            Object::Namespace(o) => self.namespaces.put(ns, name, o.clone(), seen).map(Object::Namespace),
            Object::MetaOnly(o) if o.kind == Kind::Secret => self.secrets.put(ns, name, o.clone(), seen).map(Object::MetaOnly),
            Object::MetaOnly(o) => self.config_maps.put(ns, name, o.clone(), seen).map(Object::MetaOnly),
            Object::Pvc(o) => self.pvcs.put(ns, name, o.clone(), seen).map(Object::Pvc),
            Object::Lease(o) => self.leases.put(ns, name, o.clone(), seen).map(Object::Lease),
            Object::Certificate(o) => self.certificates.put(ns, name, o.clone(), seen).map(Object::Certificate),
        }
    }

    fn put_pod(&mut self, pod: &Arc<Pod>, seen: u32) -> Option<Object> {
        let meta = &pod.meta;
        let key = Key::new(&meta.namespace, &meta.name);
        let workload = super::workload::of_pod(meta, self);
        let workload = self.index.share(workload);
        let mut entry = PodEntry { pod: pod.clone(), columns: columns::pod(pod), workload: workload.clone(), usage: None };
        if let Some(old) = self.pods.get_mut(&meta.namespace, &meta.name).filter(|e| e.pod.meta.uid == meta.uid) {
            entry.usage = old.usage.take();
        }
        let old = self.pods.put(&meta.namespace, &meta.name, entry, seen);
        if let Some(old) = &old
            && old.workload != workload
        {
            self.index.leave(&old.workload, &key);
        }
        self.index.join(&workload, key);
        old.map(|e| Object::Pod(e.pod))
    }

    /// Finds the workload of one pod anew, after an owner came or went; answers the old and the new one when they differ.
    pub(crate) fn reattach(&mut self, key: &Key) -> Option<(Arc<WorkloadKey>, Arc<WorkloadKey>)> {
        let entry = self.pods.get(&key.namespace, &key.name)?;
        let found = super::workload::of_pod(&entry.pod.meta, self);
        if found == *entry.workload {
            return None;
        }
        let new = self.index.share(found);
        let entry = self.pods.get_mut(&key.namespace, &key.name)?;
        let old = std::mem::replace(&mut entry.workload, new.clone());
        self.index.leave(&old, key);
        self.index.join(&new, key.clone());
        Some((old, new))
    }

    pub(crate) fn remove(&mut self, kind: Kind, key: &Key) -> Option<Object> {
        let old = self.drop(kind, key)?;
        self.index.withdraw(&old);
        Some(old)
    }

    fn drop(&mut self, kind: Kind, key: &Key) -> Option<Object> {
        let (ns, name) = (&*key.namespace, &*key.name);
        match kind {
            Kind::Pod => {
                let entry = self.pods.remove(ns, name)?;
                self.index.leave(&entry.workload, key);
                Some(Object::Pod(entry.pod))
            }
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet => self.workloads_mut(kind)?.remove(ns, name).map(Object::Workload),
            Kind::ReplicaSet => self.replica_sets.remove(ns, name).map(Object::ReplicaSet),
            Kind::ControllerRevision => self.controller_revisions.remove(ns, name).map(Object::ControllerRevision),
            Kind::Job => self.jobs.remove(ns, name).map(Object::Job),
            Kind::CronJob => self.cron_jobs.remove(ns, name).map(Object::CronJob),
            Kind::Service => self.services.remove(ns, name).map(Object::Service),
            Kind::EndpointSlice => self.slices.remove(ns, name).map(Object::EndpointSlice),
            Kind::HorizontalPodAutoscaler => self.hpas.remove(ns, name).map(Object::Hpa),
            Kind::PodDisruptionBudget => self.pdbs.remove(ns, name).map(Object::Pdb),
            Kind::Ingress => self.ingresses.remove(ns, name).map(Object::Ingress),
            Kind::Event => self.events.remove(ns, name).map(Object::Event),
            Kind::Node => self.nodes.remove(ns, name).map(Object::Node),
            Kind::Namespace => self.namespaces.remove(ns, name).map(Object::Namespace),
            Kind::ConfigMap => self.config_maps.remove(ns, name).map(Object::MetaOnly),
            Kind::Secret => self.secrets.remove(ns, name).map(Object::MetaOnly),
            Kind::PersistentVolumeClaim => self.pvcs.remove(ns, name).map(Object::Pvc),
            Kind::Lease => self.leases.remove(ns, name).map(Object::Lease),
            Kind::Certificate => self.certificates.remove(ns, name).map(Object::Certificate),
            Kind::ResourceQuota => None,
        }
    }

    /// The store of one of the three kinds with a pod template.
    pub(crate) fn workloads(&self, kind: Kind) -> Option<&Store<Arc<Workload>>> {
        Some(match kind {
            Kind::Deployment => &self.deployments,
            Kind::StatefulSet => &self.stateful_sets,
            Kind::DaemonSet => &self.daemon_sets,
            _ => return None,
        })
    }

    fn workloads_mut(&mut self, kind: Kind) -> Option<&mut Store<Arc<Workload>>> {
        Some(match kind {
            Kind::Deployment => &mut self.deployments,
            Kind::StatefulSet => &mut self.stateful_sets,
            Kind::DaemonSet => &mut self.daemon_sets,
            _ => return None,
        })
    }
}

impl Owners for Objects {
    fn meta_of(&self, kind: Kind, namespace: &str, owner: &Owner) -> Option<&Meta> {
        let meta = match kind {
            Kind::ReplicaSet => &self.replica_sets.get(namespace, &owner.name)?.meta,
            Kind::Job => &self.jobs.get(namespace, &owner.name)?.meta,
            _ => return None,
        };
        (meta.uid == owner.uid).then_some(meta)
    }
}
