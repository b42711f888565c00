//! Pods as controllers make and judge them.
//!
//! Owns how a pod is made from a template, and what ready and available mean.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::api::admit;
use crate::sim::api::kinds::{Res, known};
use crate::sim::store::{Entry, Key};
use crate::sim::world::{SAFE, World};

/// A pod of a template, owned by `owner`. A name ending in `-` gets a suffix.
pub(crate) fn new_pod(world: &mut World, owner_res: Res, owner: &Value, template: &Value, name: &str) -> Value {
    let metadata = &template["metadata"];
    let mut pod = json!({"metadata": {}, "spec": template["spec"], "status": {}});
    if name.ends_with('-') {
        pod["metadata"]["name"] = json!(format!("{name}{}", world.suffix(5)));
        pod["metadata"]["generateName"] = json!(name);
    } else {
        pod["metadata"]["name"] = json!(name);
    }
    pod["metadata"]["namespace"] = owner["metadata"]["namespace"].clone();
    for field in ["labels", "annotations"] {
        if metadata[field].is_object() {
            pod["metadata"][field] = metadata[field].clone();
        }
    }
    pod["metadata"]["ownerReferences"] = json!([owner_reference(owner_res, owner)]);
    admit::pod(&mut pod, &world.suffix(5));
    world.born(&mut pod);
    pod["metadata"]["generation"] = json!(1);
    pod
}

/// How a controller names itself as an owner.
pub(crate) fn owner_reference(res: Res, owner: &Value) -> Value {
    json!({"apiVersion": res.row().api_version(), "kind": res.row().kind, "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true})
}

/// Writes a new pod, or says why the quota of its namespace does not allow it.
pub(crate) fn create(world: &mut World, component: &'static str, owner_res: Res, owner: &Value, pod: Value) -> bool {
    let namespace = owner["metadata"]["namespace"].as_str().unwrap_or_default();
    let name = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    if let Err(failure) = admit::quota(world, namespace, &pod) {
        let message = format!("Error creating: pods \"{name}\" is forbidden: {failure}");
        world.warn(component, owner_res, owner, "FailedCreate", message);
        return false;
    }
    world.put(known().pods, pod);
    let message = if owner_res == known().statefulsets {
        format!("create Pod {name} in StatefulSet {} successful", owner["metadata"]["name"].as_str().unwrap_or_default())
    } else {
        format!("Created pod: {name}")
    };
    world.say(component, owner_res, owner, "SuccessfulCreate", message);
    true
}

/// Asks a pod to go.
pub(crate) fn delete(world: &mut World, component: &'static str, owner_res: Res, owner: &Value, pod: &Entry) {
    let name = &pod.key.name;
    let message = if owner_res == known().statefulsets {
        format!("delete Pod {name} in StatefulSet {} successful", owner["metadata"]["name"].as_str().unwrap_or_default())
    } else {
        format!("Deleted pod: {name}")
    };
    world.say(component, owner_res, owner, "SuccessfulDelete", message);
    let key = pod.key.clone();
    terminate(world, &key, None);
}

/// Marks a pod as going; one without a node, or without grace, goes at once.
pub(crate) fn terminate(world: &mut World, key: &Key, grace: Option<i64>) {
    let Some(entry) = world.store.get(known().pods, key).filter(|e| !e.deleting || grace.is_some()).cloned() else { return };
    let pod = entry.value();
    let left = pod["metadata"]["deletionGracePeriodSeconds"].as_i64();
    let grace = grace.unwrap_or_else(|| pod["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30));
    if left.is_some_and(|left| left <= grace) {
        return;
    }
    let ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if grace == 0 || ended || !pod["spec"]["nodeName"].is_string() {
        world.remove(known().pods, key);
        return;
    }
    let due = crate::sim::wire::canon::seconds(world.now.checked_add(jiff::SignedDuration::from_secs(grace)).unwrap_or(world.now));
    world.edit(known().pods, key, |pod| {
        pod["metadata"]["deletionTimestamp"] = json!(due);
        pod["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        if left.is_none() {
            next_generation(pod);
        }
    });
}

/// A deletion counts as a change of what is wanted.
pub(crate) fn next_generation(object: &mut Value) {
    if let Some(generation) = object["metadata"]["generation"].as_u64() {
        object["metadata"]["generation"] = json!(generation + 1);
    }
}

/// Pods of an owner that are neither ended nor going, with their objects.
pub(crate) fn active(world: &World, owner_uid: &str) -> Vec<(Arc<Entry>, Value)> {
    of(world, owner_uid).into_iter().filter(|(e, v)| !e.deleting && !has_ended(v)).collect()
}

/// All pods of an owner.
pub(crate) fn of(world: &World, owner_uid: &str) -> Vec<(Arc<Entry>, Value)> {
    let pods = known().pods;
    world
        .store
        .children(owner_uid)
        .into_iter()
        .filter(|e| e.res == pods)
        .map(|e| (e.clone(), e.value()))
        .collect()
}

/// Succeeded or failed.
pub(crate) fn has_ended(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Since when a pod is ready; `None` when it is not.
pub(crate) fn ready_since(pod: &Value) -> Option<Timestamp> {
    let ready = pod["status"]["conditions"].as_array()?.iter().find(|c| c["type"] == "Ready")?;
    (ready["status"] == "True").then(|| ready["lastTransitionTime"].as_str().and_then(|t| t.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// The hash that names a ReplicaSet: FNV-1a over the template, in the alphabet of generated names.
pub(crate) fn hash_of(template: &Value) -> String {
    let mut hash = 0x811c_9dc5_u32;
    for byte in template.to_string().bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    hash.to_string().bytes().map(|b| char::from(SAFE[usize::from(b) % SAFE.len()])).collect()
}

/// A template with the label that tells its pods from those of other templates.
pub(crate) fn template_with_hash(template: &Value, hash: &str) -> Value {
    let mut template = template.clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    template
}
