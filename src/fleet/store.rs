//! One kind's objects, ordered by namespace and name.
//!
//! Owns mark and sweep: every object carries the number of the listing that last brought it, and a completed listing takes
//! away what it did not bring. Must not know what the objects mean.

use std::collections::BTreeMap;

use crate::base::text::Str;
use crate::target::model::Scope;

/// Names one object within its kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Empty for objects without a namespace.
    pub namespace: Str,
    /// Name within the namespace.
    pub name: Str,
}

impl Key {
    /// Names an object.
    pub fn new(namespace: &Str, name: &Str) -> Self {
        Self { namespace: namespace.clone(), name: name.clone() }
    }
}

#[derive(Debug)]
struct Slot<T> {
    value: T,
    /// Number of the listing during or after which it was last seen.
    seen: u32,
}

/// Objects of one kind.
#[derive(Debug)]
pub(crate) struct Store<T> {
    spaces: BTreeMap<Str, BTreeMap<Str, Slot<T>>>,
    len: usize,
    revision: u64,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self { spaces: BTreeMap::new(), len: 0, revision: 0 }
    }
}

impl<T> Store<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Counts changes; equal numbers mean equal content.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<&T> {
        self.spaces.get(namespace)?.get(name).map(|s| &s.value)
    }

    /// Changing through this counts as a change.
    pub(crate) fn get_mut(&mut self, namespace: &str, name: &str) -> Option<&mut T> {
        let slot = self.spaces.get_mut(namespace)?.get_mut(name)?;
        self.revision += 1;
        Some(&mut slot.value)
    }

    /// Puts an object in; answers what was there.
    pub(crate) fn put(&mut self, namespace: &Str, name: &Str, value: T, seen: u32) -> Option<T> {
        self.revision += 1;
        let space = match self.spaces.get_mut(namespace) {
            Some(space) => space,
            None => self.spaces.entry(namespace.clone()).or_default(),
        };
        let old = space.insert(name.clone(), Slot { value, seen });
        self.len += usize::from(old.is_none());
        old.map(|s| s.value)
    }

    pub(crate) fn remove(&mut self, namespace: &str, name: &str) -> Option<T> {
        let space = self.spaces.get_mut(namespace)?;
        let slot = space.remove(name)?;
        if space.is_empty() {
            self.spaces.remove(namespace);
        }
        self.len -= 1;
        self.revision += 1;
        Some(slot.value)
    }

    /// Names of the objects within `scope` that no listing from number `listing` on has brought.
    pub(crate) fn unseen(&self, scope: &Scope, listing: u32) -> Vec<Key> {
        let old = |(ns, space): (&Str, &BTreeMap<Str, Slot<T>>)| {
            space.iter().filter(|(_, s)| s.seen < listing).map(|(name, _)| Key::new(ns, name)).collect::<Vec<_>>()
        };
        match scope {
            Scope::Cluster => self.spaces.iter().flat_map(old).collect(),
            Scope::Namespace(ns) => self.spaces.get_key_value(ns).into_iter().flat_map(old).collect(),
        }
    }

    /// All objects by namespace, then name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.spaces.values().flat_map(|s| s.values().map(|s| &s.value))
    }

    /// The objects of one namespace by name.
    pub(crate) fn within(&self, namespace: &str) -> impl Iterator<Item = &T> {
        self.spaces.get(namespace).into_iter().flat_map(|s| s.values().map(|s| &s.value))
    }

    /// All objects, to be changed; counts as one change.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.revision += 1;
        self.spaces.values_mut().flat_map(|s| s.values_mut().map(|s| &mut s.value))
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Store};
    use crate::target::model::Scope;

    #[test]
    fn a_completed_listing_takes_away_only_what_is_in_its_scope_and_was_not_brought() {
        let mut store = Store::default();
        for (ns, name, seen) in [("a", "kept", 2), ("a", "gone", 1), ("b", "elsewhere", 1)] {
            store.put(&ns.into(), &name.into(), name, seen);
        }
        assert_eq!(store.unseen(&Scope::Namespace("a".into()), 2), [Key::new(&"a".into(), &"gone".into())]);
        assert_eq!(store.unseen(&Scope::Cluster, 2).len(), 2);
        let before = store.revision();
        assert_eq!(store.remove("b", "elsewhere"), Some("elsewhere"));
        assert!(store.revision() > before && store.len() == 2 && store.get("b", "elsewhere").is_none());
    }
}
