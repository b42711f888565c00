//! Deployments: which ReplicaSets there are, which revision they have, and the status.
//!
//! Owns revisions, history and conditions, after kube-controller-manager 1.36. How many replicas each has is decided in `rollout`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::rollout;
use super::{Controller, Work, number, pods, same_template};
use crate::sim::api::kinds::known;
use crate::sim::store::{Entry, Key};
use crate::sim::world::{Task, World};

pub(super) const COMPONENT: &str = "deployment-controller";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";

/// A ReplicaSet of the Deployment under consideration.
#[derive(Clone)]
pub(super) struct Set {
    pub(super) key: Key,
    pub(super) value: Value,
}

impl Set {
    pub(super) fn wanted(&self) -> i64 {
        number(&self.value["spec"]["replicas"], 1)
    }

    pub(super) fn available(&self) -> i64 {
        number(&self.value["status"]["availableReplicas"], 0)
    }

    fn revision(&self) -> u64 {
        self.value["metadata"]["annotations"][REVISION].as_str().and_then(|r| r.parse().ok()).unwrap_or(0)
    }
}

/// Brings the ReplicaSets of a Deployment one step nearer to what it wants.
pub(super) fn reconcile(world: &mut World, key: &Key) {
    let res = known().deployments;
    let Some(entry) = world.store.get(res, key).cloned() else { return };
    let deployment = entry.value();
    if entry.deleting {
        return;
    }
    let (new, old) = sets(world, &entry, &deployment);
    if deployment["spec"]["paused"] == true {
        // A paused Deployment is still scaled, but gets no new ReplicaSet.
        rollout::scale(world, &deployment, new.as_ref(), &old);
        return status(world, key);
    }
    let new = new_set(world, key, &deployment, new, &old);
    if is_scaled(&deployment, new.as_ref().into_iter().chain(&old)) {
        rollout::scale(world, &deployment, new.as_ref(), &old);
    } else if deployment["spec"]["strategy"]["type"] == "Recreate" {
        rollout::recreate(world, &deployment, new.as_ref(), &old);
    } else {
        rollout::rolling(world, &deployment, new.as_ref(), &old);
    }
    status(world, key);
    prune(world, key);
}

/// The ReplicaSet of the current template, and all others, oldest first.
fn sets(world: &World, entry: &Entry, deployment: &Value) -> (Option<Set>, Vec<Set>) {
    let children = world.store.children(&entry.uid).into_iter().filter(|e| e.res == known().replicasets && !e.deleting);
    let mut all: Vec<Set> = children.map(|e| Set { key: e.key.clone(), value: e.value() }).collect();
    all.sort_by_key(|s| (s.value["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned(), s.key.clone()));
    let position = all.iter().position(|s| same_template(&s.value["spec"]["template"], &deployment["spec"]["template"]));
    let new = position.map(|i| all.remove(i));
    (new, all)
}

/// Whether somebody changed `replicas` since the ReplicaSets were last looked at.
fn is_scaled<'a>(deployment: &Value, sets: impl Iterator<Item = &'a Set>) -> bool {
    let wanted = number(&deployment["spec"]["replicas"], 1).to_string();
    sets.filter(|s| s.wanted() > 0)
        .any(|s| s.value["metadata"]["annotations"][DESIRED].as_str().is_some_and(|d| d != wanted))
}

/// The ReplicaSet of the current template with its revision; makes it when there is none.
fn new_set(world: &mut World, key: &Key, deployment: &Value, new: Option<Set>, old: &[Set]) -> Option<Set> {
    let res = known().replicasets;
    let revision = old.iter().map(Set::revision).max().unwrap_or(0) + 1;
    let set = match new {
        Some(set) => {
            let revision = revision.max(set.revision());
            let entry = world.edit(res, &set.key, |value| annotate(value, deployment, revision))?;
            Set { key: set.key, value: entry.value() }
        }
        None => make_set(world, deployment, revision, old)?,
    };
    let revision = set.revision();
    world.edit(known().deployments, key, |d| {
        d["metadata"]["annotations"][REVISION] = json!(revision.to_string());
        if let Some(progress) = conditions_of(d).iter().position(|c| c["type"] == "Progressing")
            && d["status"]["conditions"][progress]["reason"] == "ProgressDeadlineExceeded"
            && set.available() == 0
            && set.wanted() == 0
        {
            d["status"]["conditions"][progress]["reason"] = json!("FoundNewReplicaSet");
        }
    });
    Some(set)
}

fn make_set(world: &mut World, deployment: &Value, revision: u64, old: &[Set]) -> Option<Set> {
    let res = known().replicasets;
    let (metadata, spec) = (&deployment["metadata"], &deployment["spec"]);
    let hash = pods::hash_of(&spec["template"]);
    let name = format!("{}-{hash}", metadata["name"].as_str()?);
    let template = pods::template_with_hash(&spec["template"], &hash);
    let mut selector = spec["selector"].clone();
    selector["matchLabels"]["pod-template-hash"] = json!(hash);
    let mut set = json!({
        "metadata": {"name": name, "namespace": metadata["namespace"], "labels": template["metadata"]["labels"], "generation": 1,
                     "ownerReferences": [pods::owner_reference(known().deployments, deployment)]},
        "spec": {"replicas": 0, "selector": selector, "template": template},
        "status": {"replicas": 0},
    });
    if spec["minReadySeconds"].is_u64() {
        set["spec"]["minReadySeconds"] = spec["minReadySeconds"].clone();
    }
    annotate(&mut set, deployment, revision);
    let replicas = rollout::new_replicas(deployment, 0, old.iter().map(Set::wanted).sum());
    set["spec"]["replicas"] = json!(replicas);
    world.born(&mut set);
    let entry = world.put(res, set);
    if replicas > 0 {
        let message = format!("Scaled up replica set {name} from 0 to {replicas}");
        world.say(COMPONENT, known().deployments, deployment, "ScalingReplicaSet", message);
    }
    let stamp = world.stamp();
    let key = Key::new(metadata["namespace"].as_str()?, metadata["name"].as_str()?);
    world.edit(known().deployments, &key, |d| {
        let message = format!("Created new replica set \"{name}\"");
        set_condition(d, "Progressing", "True", "NewReplicaSetCreated", &message, &stamp, true);
    });
    Some(Set { key: entry.key.clone(), value: entry.value() })
}

/// Copies the Deployment's annotations to its ReplicaSet, with the revision and the numbers the controller keeps there.
fn annotate(set: &mut Value, deployment: &Value, revision: u64) {
    let mine = |name: &str| {
        [REVISION, HISTORY, DESIRED, MAXIMUM, "deprecated.deployment.rollback.to", "kubectl.kubernetes.io/last-applied-configuration"].contains(&name)
    };
    for (name, value) in deployment["metadata"]["annotations"].as_object().into_iter().flatten() {
        if !mine(name) {
            set["metadata"]["annotations"][name] = value.clone();
        }
    }
    let annotations = &mut set["metadata"]["annotations"];
    let before = annotations[REVISION].as_str().unwrap_or_default().to_owned();
    if !before.is_empty() && before != revision.to_string() {
        let history = annotations[HISTORY].as_str().unwrap_or_default();
        annotations[HISTORY] = json!(if history.is_empty() { before } else { format!("{history},{before}") });
    }
    annotations[REVISION] = json!(revision.to_string());
    rollout::note_size(set, deployment);
}

/// Writes the two numbers that tell a scaling from a rollout.
pub(super) fn size_annotations(set: &mut Value, wanted: i64, maximum: i64) {
    set["metadata"]["annotations"][DESIRED] = json!(wanted.to_string());
    set["metadata"]["annotations"][MAXIMUM] = json!(maximum.to_string());
}

fn conditions_of(deployment: &Value) -> Vec<Value> {
    deployment["status"]["conditions"].as_array().cloned().unwrap_or_default()
}

/// Sets a condition; its times move only when it says something else. `update` moves the time of update although status stays.
fn set_condition(d: &mut Value, kind: &str, status: &str, reason: &str, message: &str, now: &str, update: bool) {
    let mut all = conditions_of(d);
    let old = all.iter().position(|c| c["type"] == kind);
    let same_status = old.is_some_and(|i| all[i]["status"] == status);
    if let Some(i) = old
        && same_status
        && all[i]["reason"] == reason
        && (!update || all[i]["message"] == message)
    {
        return;
    }
    let transition = old.filter(|_| same_status).map_or_else(|| json!(now), |i| all[i]["lastTransitionTime"].clone());
    let condition =
        json!({"type": kind, "status": status, "lastUpdateTime": now, "lastTransitionTime": transition, "reason": reason, "message": message});
    // What changed last stands last.
    if let Some(i) = old {
        all.remove(i);
    }
    all.push(condition);
    d["status"]["conditions"] = Value::Array(all);
}

/// Writes what there is now, and whether it goes on.
fn status(world: &mut World, key: &Key) {
    let res = known().deployments;
    let Some(entry) = world.store.get(res, key).cloned() else { return };
    let deployment = entry.value();
    let (new, old) = sets(world, &entry, &deployment);
    let all: Vec<&Set> = new.iter().chain(&old).collect();
    let sum = |field: &str| -> i64 { all.iter().map(|s| number(&s.value["status"][field], 0)).sum() };
    let (total, ready, available) = (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
    let updated = new.as_ref().map_or(0, |s| number(&s.value["status"]["replicas"], 0));
    let wanted = number(&deployment["spec"]["replicas"], 1);
    let unavailable = all.iter().map(|s| s.wanted()).sum::<i64>() - available;
    let stamp = world.stamp();
    let before = deployment["status"].clone();
    let complete = updated == wanted && total == wanted && available == wanted;
    let progressed = updated > number(&before["updatedReplicas"], 0)
        || old.iter().map(|s| number(&s.value["status"]["replicas"], 0)).sum::<i64>()
            < number(&before["replicas"], 0) - number(&before["updatedReplicas"], 0)
        || ready > number(&before["readyReplicas"], 0)
        || available > number(&before["availableReplicas"], 0);
    let name = new.as_ref().map(|s| s.key.name.clone());
    let late = !complete && !progressed && is_late(world, &deployment);
    let surge = scaled_unavailable(&deployment);
    let terminating: i64 = sum("terminatingReplicas");
    world.edit(res, key, |d| {
        let conditions = d["status"]["conditions"].clone();
        let mut status = json!({"observedGeneration": d["metadata"]["generation"]});
        for (field, n) in [("replicas", total), ("updatedReplicas", updated), ("readyReplicas", ready), ("availableReplicas", available)] {
            if n > 0 {
                status[field] = json!(n);
            }
        }
        if unavailable > 0 {
            status["unavailableReplicas"] = json!(unavailable);
        }
        status["terminatingReplicas"] = json!(terminating);
        if conditions.is_array() {
            status["conditions"] = conditions;
        }
        d["status"] = status;
        // A pause is said before anything is counted.
        let paused = d["spec"]["paused"] == true;
        if paused {
            progress(d, name.as_deref(), complete, progressed, late, &stamp);
        }
        if available >= wanted - surge {
            set_condition(d, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", &stamp, false);
        } else {
            let message = "Deployment does not have minimum availability.";
            set_condition(d, "Available", "False", "MinimumReplicasUnavailable", message, &stamp, false);
        }
        if !paused {
            progress(d, name.as_deref(), complete, progressed, late, &stamp);
        }
    });
    if !complete && !late {
        let deadline = Duration::from_secs(deployment["spec"]["progressDeadlineSeconds"].as_u64().unwrap_or(600) + 1);
        world.after(deadline, Task::Reconcile(Work::new(Controller::Deployment, res, key)));
    }
}

fn scaled_unavailable(deployment: &Value) -> i64 {
    let wanted = number(&deployment["spec"]["replicas"], 1);
    rollout::bounds(deployment, wanted).1
}

/// The condition Progressing.
fn progress(d: &mut Value, set: Option<&str>, complete: bool, progressed: bool, late: bool, stamp: &str) {
    let set = set.unwrap_or_default();
    let reason_now = conditions_of(d)
        .iter()
        .find(|c| c["type"] == "Progressing")
        .map(|c| c["reason"].as_str().unwrap_or_default().to_owned());
    if d["spec"]["paused"] == true {
        if reason_now.as_deref() != Some("DeploymentPaused") {
            set_condition(d, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", stamp, true);
        }
        return;
    }
    if reason_now.as_deref() == Some("DeploymentPaused") {
        set_condition(d, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", stamp, true);
    }
    if complete {
        if reason_now.as_deref() == Some("NewReplicaSetAvailable") {
            return;
        }
        let message = format!("ReplicaSet \"{set}\" has successfully progressed.");
        set_condition(d, "Progressing", "True", "NewReplicaSetAvailable", &message, stamp, true);
    } else if progressed {
        let message = format!("ReplicaSet \"{set}\" is progressing.");
        // Each progress counts, so the time of update moves although the words stay.
        if let Some(i) = conditions_of(d).iter().position(|c| c["type"] == "Progressing") {
            d["status"]["conditions"][i]["message"] = json!("");
        }
        set_condition(d, "Progressing", "True", "ReplicaSetUpdated", &message, stamp, true);
    } else if late {
        let message = format!("ReplicaSet \"{set}\" has timed out progressing.");
        set_condition(d, "Progressing", "False", "ProgressDeadlineExceeded", &message, stamp, false);
    }
}

/// Whether nothing moved for longer than the Deployment allows. A complete one is never late.
fn is_late(world: &World, deployment: &Value) -> bool {
    let Some(condition) = conditions_of(deployment).into_iter().find(|c| c["type"] == "Progressing") else { return false };
    if condition["reason"] == "ProgressDeadlineExceeded" {
        return true;
    }
    if matches!(condition["reason"].as_str(), Some("NewReplicaSetAvailable" | "DeploymentPaused")) || deployment["spec"]["paused"] == true {
        return false;
    }
    let since = condition["lastUpdateTime"].as_str().and_then(|t| t.parse().ok()).unwrap_or(world.now);
    world.life_since(since) >= Duration::from_secs(deployment["spec"]["progressDeadlineSeconds"].as_u64().unwrap_or(600))
}

/// Deletes the oldest empty ReplicaSets beyond the history limit, once a rollout is complete.
fn prune(world: &mut World, key: &Key) {
    let Some(entry): Option<Arc<Entry>> = world.store.get(known().deployments, key).cloned() else { return };
    let deployment = entry.value();
    let complete = conditions_of(&deployment).iter().any(|c| c["reason"] == "NewReplicaSetAvailable");
    let limit = usize::try_from(number(&deployment["spec"]["revisionHistoryLimit"], 10)).unwrap_or(10);
    let (_, mut old) = sets(world, &entry, &deployment);
    if !complete || old.len() <= limit {
        return;
    }
    old.sort_by_key(Set::revision);
    let excess = old.len() - limit;
    for set in old.into_iter().take(excess).filter(|s| s.wanted() == 0 && number(&s.value["status"]["replicas"], 0) == 0) {
        world.remove(known().replicasets, &set.key);
    }
}
