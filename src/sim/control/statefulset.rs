//! StatefulSets: pods with names and revisions of their own, one after the other.
//!
//! Owns the order (up from 0, down from the last), ControllerRevisions and the status.

use serde_json::{Value, json};

use super::{number, pods, same_template};
use crate::sim::api::kinds::known;
use crate::sim::store::{Entry, Key};
use crate::sim::world::World;

const COMPONENT: &str = "statefulset-controller";
const REVISION_LABEL: &str = "controller-revision-hash";

/// Takes the next step: one pod made, or one deleted, at a time.
pub(super) fn reconcile(world: &mut World, key: &Key) {
    let res = known().statefulsets;
    let Some(entry) = world.store.get(res, key).cloned() else { return };
    let set = entry.value();
    if !entry.deleting {
        let update = revision(world, res, &entry, &set);
        step(world, &entry, &set, &update);
        status(world, key, &update);
        prune(world, &entry, &set);
    }
}

/// The name of the ControllerRevision of the current template; makes it when there is none. Also used by DaemonSets.
pub(super) fn revision(world: &mut World, res: super::Res, owner: &Entry, value: &Value) -> String {
    let revisions = known().revisions;
    let existing: Vec<(Key, Value)> = world
        .store
        .children(&owner.uid)
        .into_iter()
        .filter(|e| e.res == revisions)
        .map(|e| (e.key.clone(), e.value()))
        .collect();
    let last = existing.iter().map(|(_, r)| number(&r["revision"], 0)).max().unwrap_or(0);
    let template = &value["spec"]["template"];
    if let Some((key, found)) = existing.iter().find(|(_, r)| same_revision(r, template)) {
        // An old template that comes back is the newest revision again.
        if number(&found["revision"], 0) < last {
            world.edit(revisions, key, |r| r["revision"] = json!(last + 1));
        }
        return key.name.to_string();
    }
    let hash = pods::hash_of(template);
    let name = format!("{}-{hash}", owner.key.name);
    let mut data = json!({"spec": {"template": template}});
    data["spec"]["template"]["$patch"] = json!("replace");
    let mut labels = template["metadata"]["labels"].clone();
    let label = if res == known().daemonsets { REVISION_LABEL } else { "controller.kubernetes.io/hash" };
    labels[label] = json!(hash);
    let mut made = json!({
        "metadata": {"name": name, "namespace": &*owner.key.namespace, "labels": labels, "ownerReferences": [pods::owner_reference(res, value)]},
        "data": data,
        "revision": last + 1,
    });
    if let Some(annotations) = value["metadata"]["annotations"].as_object() {
        let kept = annotations.iter().filter(|(k, _)| *k != "kubectl.kubernetes.io/last-applied-configuration");
        made["metadata"]["annotations"] = Value::Object(kept.map(|(k, v)| (k.clone(), v.clone())).collect());
    }
    world.born(&mut made);
    world.put(revisions, made);
    name
}

/// Notes the current template of a set as a revision.
pub(crate) fn revision_at(world: &mut World, res: super::Res, key: &Key) {
    if let Some(entry) = world.store.get(res, key).cloned() {
        let value = entry.value();
        revision(world, res, &entry, &value);
    }
}

/// Whether a ControllerRevision holds a template.
fn same_revision(revision: &Value, template: &Value) -> bool {
    let mut held = revision["data"]["spec"]["template"].clone();
    if let Some(map) = held.as_object_mut() {
        map.shift_remove("$patch");
    }
    same_template(&held, template)
}

/// The pods of a set by ordinal.
fn members(world: &World, entry: &Entry) -> Vec<(i64, std::sync::Arc<Entry>, Value)> {
    let ordinal = |name: &str| name.rsplit_once('-').and_then(|(_, n)| n.parse().ok()).unwrap_or(-1);
    let mut all: Vec<_> = pods::of(world, &entry.uid).into_iter().map(|(e, v)| (ordinal(&e.key.name), e, v)).collect();
    all.sort_by_key(|(n, _, _)| *n);
    all
}

fn step(world: &mut World, entry: &Entry, set: &Value, update: &str) {
    let res = known().statefulsets;
    let all = members(world, entry);
    let wanted = number(&set["spec"]["replicas"], 1);
    let parallel = set["spec"]["podManagementPolicy"] == "Parallel";
    let healthy = |(_, e, v): &(i64, std::sync::Arc<Entry>, Value)| !e.deleting && pods::ready_since(v).is_some();
    for ordinal in 0..wanted {
        match all.iter().find(|(n, _, _)| *n == ordinal) {
            None => {
                make(world, entry, set, ordinal, update);
                if !parallel {
                    return;
                }
            }
            Some((_, pod, value)) if pods::has_ended(value) && !pod.deleting => {
                pods::delete(world, COMPONENT, res, set, pod);
                return;
            }
            Some(member) if !parallel && !healthy(member) => {
                // A broken pod of an old revision is replaced although it is not ready.
                if !member.1.deleting && ordinal >= partition(set) && revision_of(&member.2) != update && !rolling_on_delete(set) {
                    pods::delete(world, COMPONENT, res, set, &member.1);
                }
                return;
            }
            Some(_) => {}
        }
    }
    if let Some((_, pod, _)) = all.iter().rev().find(|(n, _, _)| *n >= wanted) {
        if !pod.deleting {
            pods::delete(world, COMPONENT, res, set, pod);
        }
        return;
    }
    if rolling_on_delete(set) || !all.iter().all(healthy) {
        return;
    }
    if let Some((_, pod, _)) = all.iter().rev().find(|(n, _, v)| *n >= partition(set) && revision_of(v) != update) {
        pods::delete(world, COMPONENT, res, set, pod);
    }
}

fn rolling_on_delete(set: &Value) -> bool {
    set["spec"]["updateStrategy"]["type"] == "OnDelete"
}

fn partition(set: &Value) -> i64 {
    number(&set["spec"]["updateStrategy"]["rollingUpdate"]["partition"], 0)
}

fn revision_of(pod: &Value) -> &str {
    pod["metadata"]["labels"][REVISION_LABEL].as_str().unwrap_or_default()
}

fn make(world: &mut World, entry: &Entry, set: &Value, ordinal: i64, update: &str) {
    let res = known().statefulsets;
    let name = format!("{}-{ordinal}", entry.key.name);
    let mut template = set["spec"]["template"].clone();
    let current = set["status"]["currentRevision"].as_str().unwrap_or(update);
    // Below the partition a pod is made from the template it had.
    let old = (ordinal < partition(set))
        .then(|| world.store.find(known().revisions, &entry.key.namespace, current).map(|r| r.value()))
        .flatten();
    let revision = if let Some(old) = &old {
        template = old["data"]["spec"]["template"].clone();
        if let Some(map) = template.as_object_mut() {
            map.shift_remove("$patch");
        }
        current
    } else {
        update
    };
    let labels = &mut template["metadata"]["labels"];
    labels[REVISION_LABEL] = json!(revision);
    labels["statefulset.kubernetes.io/pod-name"] = json!(name);
    labels["apps.kubernetes.io/pod-index"] = json!(ordinal.to_string());
    claims(world, entry, set, &name, &mut template);
    let mut pod = pods::new_pod(world, res, set, &template, &name);
    pod["metadata"]["generateName"] = json!(format!("{}-", entry.key.name));
    pod["spec"]["hostname"] = json!(name);
    if set["spec"]["serviceName"].as_str().is_some_and(|s| !s.is_empty()) {
        pod["spec"]["subdomain"] = set["spec"]["serviceName"].clone();
    }
    pods::create(world, COMPONENT, res, set, pod);
}

/// Makes the pod's claims, and lets the pod use them.
fn claims(world: &mut World, entry: &Entry, set: &Value, pod: &str, template: &mut Value) {
    for wanted in set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let volume = wanted["metadata"]["name"].as_str().unwrap_or_default();
        let name = format!("{volume}-{pod}");
        let key = Key::new(&entry.key.namespace, &name);
        if world.store.get(known().claims, &key).is_none() {
            let mut claim = json!({"metadata": {"name": name, "namespace": &*entry.key.namespace,
                "labels": set["spec"]["selector"]["matchLabels"]}, "spec": wanted["spec"], "status": {"phase": "Pending"}});
            world.born(&mut claim);
            world.put(known().claims, claim);
            let message = format!("create Claim {name} Pod {pod} in StatefulSet {} success", entry.key.name);
            world.say(COMPONENT, known().statefulsets, set, "SuccessfulCreate", message);
        }
        if !template["spec"]["volumes"].is_array() {
            template["spec"]["volumes"] = json!([]);
        }
        if let Some(volumes) = template["spec"]["volumes"].as_array_mut() {
            volumes.insert(0, json!({"name": volume, "persistentVolumeClaim": {"claimName": name}}));
        }
    }
}

fn status(world: &mut World, key: &Key, update: &str) {
    let res = known().statefulsets;
    let Some(entry) = world.store.get(res, key).cloned() else { return };
    let all = members(world, &entry);
    let live = || all.iter().filter(|(_, e, _)| !e.deleting);
    let ready = all.iter().filter(|(_, _, v)| pods::ready_since(v).is_some()).count();
    let updated = live().filter(|(_, _, v)| revision_of(v) == update).count();
    world.edit(res, key, |set| {
        let wanted = number(&set["spec"]["replicas"], 1);
        let before = set["status"]["currentRevision"].as_str().unwrap_or(update).to_owned();
        let done = updated as i64 == wanted && ready as i64 == wanted;
        let current = if done { update.to_owned() } else { before };
        let with_current = live().filter(|(_, _, v)| revision_of(v) == current).count();
        let mut status = json!({"observedGeneration": set["metadata"]["generation"], "replicas": all.len()});
        let counts = [("readyReplicas", ready), ("currentReplicas", with_current), ("updatedReplicas", updated)];
        for (field, n) in counts.into_iter().filter(|(_, n)| *n > 0) {
            status[field] = json!(n);
        }
        status["currentRevision"] = json!(current);
        status["updateRevision"] = json!(update);
        status["collisionCount"] = json!(0);
        status["availableReplicas"] = json!(ready);
        set["status"] = status;
    });
}

/// Deletes the oldest revisions that no pod uses, beyond the limit.
fn prune(world: &mut World, entry: &Entry, set: &Value) {
    let limit = usize::try_from(number(&set["spec"]["revisionHistoryLimit"], 10)).unwrap_or(10);
    let used: Vec<String> = members(world, entry).iter().map(|(_, _, v)| revision_of(v).to_owned()).collect();
    let mut old: Vec<(i64, Key)> = world
        .store
        .children(&entry.uid)
        .into_iter()
        .filter(|e| e.res == known().revisions && !used.contains(&e.key.name.to_string()))
        .map(|e| (number(&e.value()["revision"], 0), e.key.clone()))
        .collect();
    old.sort();
    let newest = old.pop();
    let excess = (old.len() + usize::from(newest.is_some())).saturating_sub(limit + 1);
    for (_, key) in old.into_iter().take(excess) {
        world.remove(known().revisions, &key);
    }
}
