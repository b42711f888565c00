//! Deletion: what goes with its owner, what waits for what it owns, what waits for a finalizer.
//!
//! Owns background, foreground and orphan deletion, after the garbage collector of kube-controller-manager.

use serde_json::{Value, json};

use super::pods;
use crate::sim::api::kinds::{Res, known};
use crate::sim::store::Key;
use crate::sim::world::World;

/// What becomes of what an object owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// The object goes at once, what it owns after it.
    Background,
    /// What it owns goes first.
    Foreground,
    /// What it owns stays, without owner.
    Orphan,
}

const FOREGROUND: &str = "foregroundDeletion";

/// Deletes an object with what it owns after it.
pub(crate) fn delete(world: &mut World, res: Res, key: &Key) {
    delete_with(world, res, key, Propagation::Background);
}

/// Deletes an object. One with finalizers is only marked, and goes when the last is taken away.
pub(crate) fn delete_with(world: &mut World, res: Res, key: &Key, how: Propagation) {
    let Some(entry) = world.store.get(res, key).cloned() else { return };
    match how {
        Propagation::Orphan => orphan(world, &entry.uid),
        Propagation::Foreground if !world.store.children(&entry.uid).is_empty() => {
            world.edit(res, key, |object| {
                let list = &mut object["metadata"]["finalizers"];
                if !list.is_array() {
                    *list = json!([]);
                }
                if let Some(list) = list.as_array_mut().filter(|l| !l.contains(&json!(FOREGROUND))) {
                    list.push(json!(FOREGROUND));
                }
            });
        }
        _ => {}
    }
    let finalizers = |object: &Value| object["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty());
    let waits = world.store.get(res, key).is_some_and(|e| finalizers(&e.value()));
    if res == known().pods && !waits {
        pods::terminate(world, key, None);
    } else if waits || res == known().namespaces {
        let now = world.stamp();
        world.edit(res, key, |object| {
            if !object["metadata"]["deletionTimestamp"].is_string() {
                object["metadata"]["deletionTimestamp"] = json!(now);
                pods::next_generation(object);
                if res == known().namespaces {
                    object["status"]["phase"] = json!("Terminating");
                } else {
                    object["metadata"]["deletionGracePeriodSeconds"] = json!(0);
                }
            }
        });
    } else {
        world.remove(res, key);
    }
}

fn orphan(world: &mut World, uid: &str) {
    for child in world.store.children(uid) {
        world.edit(child.res, &child.key, |object| {
            if let Some(owners) = object["metadata"]["ownerReferences"].as_array_mut() {
                owners.retain(|o| o["uid"] != uid);
                if owners.is_empty()
                    && let Some(metadata) = object["metadata"].as_object_mut()
                {
                    metadata.shift_remove("ownerReferences");
                }
            }
        });
    }
}

/// Looks whether an object has lost its owner, or has nothing left to wait for.
pub(super) fn reconcile(world: &mut World, res: Res, key: &Key) {
    let Some(entry) = world.store.get(res, key).cloned() else { return };
    let value = entry.value();
    let foreground = value["metadata"]["finalizers"].as_array().is_some_and(|f| f.contains(&json!(FOREGROUND)));
    if entry.deleting && foreground {
        let children = world.store.children(&entry.uid);
        for child in children.iter().filter(|c| !c.deleting) {
            delete_with(world, child.res, &child.key, Propagation::Foreground);
        }
        if children.is_empty() {
            let rest = world.edit(res, key, |object| {
                if let Some(list) = object["metadata"]["finalizers"].as_array_mut() {
                    list.retain(|f| f != FOREGROUND);
                }
            });
            if rest.is_some_and(|e| e.value()["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty)) {
                world.remove(res, key);
            }
        }
        return;
    }
    let owners = value["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
    let lost = !owners.is_empty() && owners.iter().all(|o| !exists(world, &key.namespace, o));
    if lost && !entry.deleting {
        delete(world, res, key);
    }
}

fn exists(world: &World, namespace: &str, owner: &Value) -> bool {
    let text = |field: &str| owner[field].as_str().unwrap_or_default();
    let Some(res) = crate::sim::api::kinds::KINDS.of(text("apiVersion"), text("kind")) else { return true };
    let namespace = if res.row().namespaced { namespace } else { "" };
    world.store.find(res, namespace, text("name")).is_some_and(|e| *e.uid == *text("uid"))
}
