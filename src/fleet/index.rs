//! Who belongs to whom: pods of a workload, what an owner owns, slices of a Service, events about an object.
//!
//! Owns the look-up tables beside the stores; every put and every removal passes here. Must not hold objects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::store::Key;
use super::workload::WorkloadKey;
use crate::base::text::Str;
use crate::target::model::{Event, Kind, Object};

/// Label that names the Service of a slice.
pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Look-up tables.
#[derive(Debug, Default)]
pub(crate) struct Index {
    members: BTreeMap<Arc<WorkloadKey>, BTreeSet<Key>>,
    owned: HashMap<(Kind, Str), BTreeSet<Str>>,
    slices: HashMap<Key, BTreeSet<Str>>,
    about: HashMap<Str, BTreeSet<(i64, Key)>>,
    by_age: BTreeSet<(i64, Key)>,
}

impl Index {
    /// The shared copy of a key.
    pub(crate) fn share(&mut self, key: WorkloadKey) -> Arc<WorkloadKey> {
        if let Some((shared, _)) = self.members.get_key_value(&key) {
            return shared.clone();
        }
        let shared = Arc::new(key);
        self.members.insert(shared.clone(), BTreeSet::new());
        shared
    }

    pub(crate) fn join(&mut self, workload: &Arc<WorkloadKey>, pod: Key) {
        self.members.entry(workload.clone()).or_default().insert(pod);
    }

    pub(crate) fn leave(&mut self, workload: &WorkloadKey, pod: &Key) {
        if let Some(pods) = self.members.get_mut(workload) {
            pods.remove(pod);
            if pods.is_empty() {
                self.members.remove(workload);
            }
        }
    }

    /// Pods of a workload, by name.
    pub(crate) fn members(&self, workload: &WorkloadKey) -> impl ExactSizeIterator<Item = &Key> + use<'_> {
        static NONE: BTreeSet<Key> = BTreeSet::new();
        self.members.get(workload).unwrap_or(&NONE).iter()
    }

    /// Names of the ReplicaSets, ControllerRevisions or Jobs that an object controls (they share its namespace).
    pub(crate) fn owned(&self, kind: Kind, owner_uid: &Str) -> impl Iterator<Item = &Str> {
        self.owned.get(&(kind, owner_uid.clone())).into_iter().flatten()
    }

    /// Names of the slices of a Service.
    pub(crate) fn slices(&self, namespace: &Str, service: &Str) -> impl Iterator<Item = &Str> {
        self.slices.get(&Key::new(namespace, service)).into_iter().flatten()
    }

    /// Events about an object, the oldest first.
    pub(crate) fn about(&self, uid: &str) -> impl DoubleEndedIterator<Item = &Key> + ExactSizeIterator {
        static NONE: BTreeSet<(i64, Key)> = BTreeSet::new();
        self.about.get(uid).unwrap_or(&NONE).iter().map(|(_, key)| key)
    }

    /// How many events there are.
    pub(crate) fn events(&self) -> usize {
        self.by_age.len()
    }

    /// The event that was last seen the longest ago.
    pub(crate) fn oldest_event(&self) -> Option<&Key> {
        self.by_age.first().map(|(_, key)| key)
    }

    /// Enters what an object says about its relations.
    pub(crate) fn enter(&mut self, object: &Object) {
        match object {
            Object::Event(e) => {
                let key = Key::new(&e.meta.namespace, &e.meta.name);
                self.about.entry(subject(e)).or_default().insert((e.last, key.clone()));
                self.by_age.insert((e.last, key));
            }
            Object::EndpointSlice(s) => {
                if let Some(service) = s.meta.label(SERVICE_NAME) {
                    self.slices.entry(Key::new(&s.meta.namespace, service)).or_default().insert(s.meta.name.clone());
                }
            }
            Object::ReplicaSet(_) | Object::ControllerRevision(_) | Object::Job(_) => {
                if let Some(owner) = &object.meta().owner {
                    self.owned.entry((object.kind(), owner.uid.clone())).or_default().insert(object.meta().name.clone());
                }
            }
            _ => {}
        }
    }

    /// Takes it back.
    pub(crate) fn withdraw(&mut self, object: &Object) {
        match object {
            Object::Event(e) => {
                let entry = (e.last, Key::new(&e.meta.namespace, &e.meta.name));
                self.by_age.remove(&entry);
                take(&mut self.about, &subject(e), &entry);
            }
            Object::EndpointSlice(s) => {
                if let Some(service) = s.meta.label(SERVICE_NAME) {
                    take(&mut self.slices, &Key::new(&s.meta.namespace, service), &s.meta.name);
                }
            }
            Object::ReplicaSet(_) | Object::ControllerRevision(_) | Object::Job(_) => {
                if let Some(owner) = &object.meta().owner {
                    take(&mut self.owned, &(object.kind(), owner.uid.clone()), &object.meta().name);
                }
            }
            _ => {}
        }
    }
}

/// By what the events about one object are found: its identity, or its name where the reporter left that out.
pub(crate) fn subject(event: &Event) -> Str {
    if event.about_uid.is_empty() {
        format!("{}/{}/{}", event.about_kind, event.about_namespace, event.about_name).into()
    } else {
        event.about_uid.clone()
    }
}

fn take<K: std::hash::Hash + Eq, V: Ord>(table: &mut HashMap<K, BTreeSet<V>>, key: &K, value: &V) {
    if let Some(set) = table.get_mut(key) {
        set.remove(value);
        if set.is_empty() {
            table.remove(key);
        }
    }
}
