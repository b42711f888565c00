//! The objects of the simulated cluster, and what happened to them.
//!
//! Owns one map per resource, one count of revisions over all of them, and a bounded log of changes that watches read. An object
//! is kept as the bytes that are sent, with the few fields beside it that everything asks for. Must not know what a kind means.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::api::kinds::{KINDS, Res};
use super::wire::encode;

/// How many changes a watch may be behind before it gets 410 Gone.
const LOG_MAX: usize = 8_192;

/// Where an object is: namespace (empty for kinds without), name. Sorted as the API server lists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Namespace; empty for kinds without.
    pub(crate) namespace: Arc<str>,
    /// Name.
    pub(crate) name: Arc<str>,
}

impl Key {
    /// From text.
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

/// One version of one object.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What it is.
    pub(crate) res: Res,
    /// Where it is.
    pub(crate) key: Key,
    /// Revision of this version.
    pub(crate) revision: u64,
    /// Identity.
    pub(crate) uid: Arc<str>,
    /// Labels, in their order.
    pub(crate) labels: Vec<(Arc<str>, Arc<str>)>,
    /// UIDs of its owners, the controller first.
    pub(crate) owners: Vec<Arc<str>>,
    /// Whether `deletionTimestamp` is set.
    pub(crate) deleting: bool,
    /// `{"metadata":{…},…}` without kind and apiVersion, as lists carry it.
    body: Bytes,
    /// Length of `{"metadata":{…}` in it.
    metadata_end: usize,
    protobuf: OnceLock<Bytes>,
}

impl Entry {
    /// The JSON without kind and apiVersion.
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// `{"metadata":{…}` without the closing brace.
    pub(crate) fn metadata(&self) -> &[u8] {
        &self.body[..self.metadata_end]
    }

    /// The object without kind and apiVersion.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The object as clients get it.
    pub(crate) fn full(&self) -> Value {
        let row = self.res.row();
        let mut out = Map::new();
        out.insert("kind".into(), row.kind.into());
        out.insert("apiVersion".into(), row.api_version().into());
        if let Value::Object(rest) = self.value() {
            out.extend(rest);
        }
        Value::Object(out)
    }

    /// The same content as of another revision.
    pub(crate) fn at_revision(&self, revision: u64) -> Self {
        let mut value = self.value();
        value["metadata"]["resourceVersion"] = revision.to_string().into();
        let (body, metadata_end) = bytes_of(&value);
        let (key, uid, labels, owners) = (self.key.clone(), self.uid.clone(), self.labels.clone(), self.owners.clone());
        Self {
            res: self.res,
            key,
            revision,
            uid,
            labels,
            owners,
            deleting: self.deleting,
            body,
            metadata_end,
            protobuf: OnceLock::new(),
        }
    }

    /// The protobuf message, made at most once; `None` for custom resources.
    pub(crate) fn protobuf(&self) -> Option<&Bytes> {
        let message = self.res.row().message?;
        Some(self.protobuf.get_or_init(|| Bytes::from(encode::message(&self.value(), message))))
    }
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    /// It is new.
    Added,
    /// It has another content.
    Modified,
    /// It is gone.
    Deleted,
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// What happened.
    pub(crate) happened: Happened,
    /// The object after it; of a deletion its last content with the deletion's revision.
    pub(crate) now: Arc<Entry>,
    /// The object before it.
    pub(crate) before: Option<Arc<Entry>>,
}

/// All objects.
pub(crate) struct Store {
    maps: Vec<BTreeMap<Key, Arc<Entry>>>,
    children: HashMap<Arc<str>, HashSet<(Res, Key)>>,
    identities: HashMap<Arc<str>, (Res, Key)>,
    log: VecDeque<Change>,
    revision: u64,
    /// Watches from before this revision get 410.
    floor: u64,
    strings: HashSet<Arc<str>>,
}

impl Store {
    /// An empty store; the first object gets the revision after `revision`.
    pub(crate) fn new(revision: u64) -> Self {
        Self {
            maps: (0..KINDS.len()).map(|_| BTreeMap::new()).collect(),
            children: HashMap::new(),
            identities: HashMap::new(),
            log: VecDeque::new(),
            revision,
            floor: revision,
            strings: HashSet::new(),
        }
    }

    /// The revision of the last change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Changes before this are forgotten.
    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }

    /// One object.
    pub(crate) fn get(&self, res: Res, key: &Key) -> Option<&Arc<Entry>> {
        self.maps[res.0].get(key)
    }

    /// One object, by text.
    pub(crate) fn find(&self, res: Res, namespace: &str, name: &str) -> Option<&Arc<Entry>> {
        self.get(res, &Key::new(namespace, name))
    }

    /// Objects of a kind in the order of lists; `namespace` `None` = all.
    pub(crate) fn list<'a>(&'a self, res: Res, namespace: Option<&str>) -> impl Iterator<Item = &'a Arc<Entry>> + use<'a> {
        let only: Option<Arc<str>> = namespace.map(Into::into);
        let start = only.as_ref().map_or(Bound::Unbounded, |n| Bound::Included(Key { namespace: n.clone(), name: "".into() }));
        self.maps[res.0]
            .range((start, Bound::Unbounded))
            .take_while(move |(k, _)| only.as_ref().is_none_or(|n| k.namespace == *n))
            .map(|(_, e)| e)
    }

    /// How many objects of a kind there are.
    pub(crate) fn count(&self, res: Res) -> usize {
        self.maps[res.0].len()
    }

    /// Objects that name `uid` as an owner, in a fixed order.
    pub(crate) fn children(&self, uid: &str) -> Vec<Arc<Entry>> {
        let mut keys: Vec<_> = self.children.get(uid).into_iter().flatten().collect();
        keys.sort();
        keys.into_iter().filter_map(|(res, key)| self.get(*res, key).cloned()).collect()
    }

    /// Where the object with that identity is.
    pub(crate) fn by_uid(&self, uid: &str) -> Option<(Res, Key)> {
        self.identities.get(uid).cloned()
    }

    /// Writes an object under its own namespace and name, and logs it. `metadata.resourceVersion` is set here.
    pub(crate) fn put(&mut self, res: Res, mut value: Value) -> Change {
        self.revision += 1;
        value["metadata"]["resourceVersion"] = self.revision.to_string().into();
        let entry = self.entry(res, &value);
        let before = self.maps[res.0].insert(entry.key.clone(), entry.clone());
        match &before {
            Some(old) => self.disown(old),
            None => drop(self.identities.insert(entry.uid.clone(), (res, entry.key.clone()))),
        }
        for owner in &entry.owners {
            self.children.entry(owner.clone()).or_default().insert((res, entry.key.clone()));
        }
        let happened = if before.is_some() { Happened::Modified } else { Happened::Added };
        self.log(Change { happened, now: entry, before })
    }

    /// Takes an object out, and logs it.
    pub(crate) fn remove(&mut self, res: Res, key: &Key) -> Option<Change> {
        let before = self.maps[res.0].remove(key)?;
        self.disown(&before);
        self.identities.remove(&before.uid);
        self.revision += 1;
        let mut value = before.value();
        value["metadata"]["resourceVersion"] = self.revision.to_string().into();
        let now = self.entry(res, &value);
        Some(self.log(Change { happened: Happened::Deleted, now, before: Some(before) }))
    }

    /// Changes after `revision`, oldest first, at most `max`; `None` when some of them are forgotten.
    pub(crate) fn since(&self, revision: u64, max: usize) -> Option<Vec<Change>> {
        if revision < self.floor {
            return None;
        }
        let start = self.log.partition_point(|c| c.now.revision <= revision);
        Some(self.log.range(start..).take(max).cloned().collect())
    }

    fn log(&mut self, change: Change) -> Change {
        if self.log.len() == LOG_MAX
            && let Some(oldest) = self.log.pop_front()
        {
            self.floor = oldest.now.revision;
        }
        self.log.push_back(change.clone());
        change
    }

    fn disown(&mut self, entry: &Entry) {
        for owner in &entry.owners {
            if let Some(set) = self.children.get_mut(owner) {
                set.remove(&(entry.res, entry.key.clone()));
                if set.is_empty() {
                    self.children.remove(owner);
                }
            }
        }
    }

    fn entry(&mut self, res: Res, value: &Value) -> Arc<Entry> {
        let metadata = &value["metadata"];
        let text = |name: &str| metadata[name].as_str().unwrap_or_default();
        let key = Key { namespace: self.share(text("namespace")), name: text("name").into() };
        let old = self.maps[res.0].get(&key);
        let (key, uid) = match old {
            Some(old) if *old.uid == *text("uid") => (old.key.clone(), old.uid.clone()),
            _ => (key, text("uid").into()),
        };
        let labels = metadata["labels"].as_object().into_iter().flatten();
        let labels = labels.map(|(k, v)| (self.share(k), self.share(v.as_str().unwrap_or_default()))).collect();
        let mut owners: Vec<(bool, Arc<str>)> = metadata["ownerReferences"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|o| (o["controller"] != true, self.share(o["uid"].as_str().unwrap_or_default())))
            .collect();
        owners.sort_by_key(|(not_controller, _)| *not_controller);
        let (body, metadata_end) = bytes_of(value);
        Arc::new(Entry {
            res,
            key,
            revision: self.revision,
            uid,
            labels,
            owners: owners.into_iter().map(|(_, uid)| uid).collect(),
            deleting: metadata["deletionTimestamp"].is_string(),
            body,
            metadata_end,
            protobuf: OnceLock::new(),
        })
    }

    /// One copy of a string that many objects have. Strings that nobody has any more are dropped now and then.
    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.strings.get(text) {
            return shared.clone();
        }
        if self.strings.len() >= 1 << 16 {
            self.strings.retain(|s| Arc::strong_count(s) > 1);
        }
        let shared: Arc<str> = text.into();
        self.strings.insert(shared.clone());
        shared
    }
}

/// The bytes of an object without kind and apiVersion, metadata first, and where the metadata ends.
fn bytes_of(value: &Value) -> (Bytes, usize) {
    let mut out = Vec::with_capacity(2048);
    out.extend_from_slice(b"{\"metadata\":");
    out.extend_from_slice(value["metadata"].to_string().as_bytes());
    let end = out.len();
    for (name, part) in value.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "metadata" | "kind" | "apiVersion") {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(part.to_string().as_bytes());
        }
    }
    out.push(b'}');
    (Bytes::from(out), end)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Happened, Key, LOG_MAX, Store};
    use crate::sim::api::kinds::known;

    fn map(name: &str, data: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "n", "uid": name, "ownerReferences": [{"uid": "o", "controller": true}]}, "data": {"k": data}})
    }

    #[test]
    fn every_write_has_a_revision_and_is_logged_once() {
        let (mut store, res) = (Store::new(10), known().configmaps);
        assert_eq!(store.put(res, map("a", "1")).happened, Happened::Added);
        assert_eq!(store.put(res, map("a", "2")).happened, Happened::Modified);
        let gone = store.remove(res, &Key::new("n", "a")).expect("it was there");
        assert_eq!(gone.now.value()["metadata"]["resourceVersion"], "13");
        assert_eq!(gone.now.value()["data"]["k"], "2");
        let revisions: Vec<u64> = store.since(11, 100).expect("kept").iter().map(|c| c.now.revision).collect();
        assert_eq!(revisions, [12, 13]);
        assert!(store.children("o").is_empty());
    }

    #[test]
    fn a_watch_that_is_too_far_behind_is_told() {
        let (mut store, res) = (Store::new(0), known().configmaps);
        for i in 0..=LOG_MAX {
            store.put(res, map("a", &i.to_string()));
        }
        assert!(store.since(0, 1).is_none());
        assert!(store.since(1, 1).is_some());
    }

    #[test]
    fn metadata_is_the_first_part_of_the_bytes() {
        let mut store = Store::new(0);
        let change = store.put(known().configmaps, map("a", "1"));
        let metadata: Value = serde_json::from_slice(&[change.now.metadata(), b"}"].concat()).expect("JSON");
        assert_eq!(metadata["metadata"]["name"], "a");
        assert_eq!(change.now.full()["kind"], "ConfigMap");
    }
}
