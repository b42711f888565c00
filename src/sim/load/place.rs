//! Objects with a past.
//!
//! Owns how a workload that has been released, scheduled and started long ago is written down, so that its controllers find
//! nothing to do.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::system::System;
use super::{ago, create};
use crate::sim::api::failure::Failure;
use crate::sim::api::kinds::{Res, known};
use crate::sim::control::{self, Controller, Work};
use crate::sim::kubelet;
use crate::sim::store::Key;
use crate::sim::story::with_times;
use crate::sim::wire::canon::seconds;
use crate::sim::world::World;

/// Writes a manifest down with its past.
pub(super) fn document(world: &mut World, system: &System, document: &Value, now: Timestamp) -> Result<(), Failure> {
    let name = document["metadata"]["name"].as_str().unwrap_or_default();
    let releases = system.releases(name);
    let age = releases.first().map_or(system.age.0, |r| r.age.0);
    world.now = ago(now, if age.is_zero() { SignedDuration::from_hours(24) } else { age });
    let text = with_times(&document.to_string(), now);
    let document: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    match document["kind"].as_str() {
        Some("Deployment") => deployment(world, system, &document, now),
        Some("StatefulSet") => statefulset(world, system, &document, now),
        Some("DaemonSet") => daemonset(world, &document),
        Some("CronJob") => cronjob(world, system, &document, now),
        _ => other(world, &document),
    }
}

/// An object without a history; its status is as the manifest says.
fn other(world: &mut World, document: &Value) -> Result<(), Failure> {
    let object = create(world, document)?;
    let (res, key) = place_of(document, &object);
    if document["status"].is_object() {
        world.edit(res, &key, |o| o["status"] = document["status"].clone());
    }
    if res == known().services {
        control::reconcile(world, &Work::new(Controller::Slices, res, &key));
    } else if res == known().claims {
        control::reconcile(world, &Work::new(Controller::Claim, res, &key));
    }
    Ok(())
}

fn place_of(document: &Value, object: &Value) -> (Res, Key) {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let res = crate::sim::api::kinds::KINDS
        .of(&text(&document["apiVersion"]), &text(&document["kind"]))
        .unwrap_or(known().configmaps);
    (res, Key::new(&text(&object["metadata"]["namespace"]), &text(&object["metadata"]["name"])))
}

/// The template as it was in a release.
fn template_of(template: &Value, images: &std::collections::BTreeMap<String, String>) -> Value {
    let mut template = template.clone();
    for list in ["initContainers", "containers"] {
        for container in template["spec"][list].as_array_mut().into_iter().flatten() {
            if let Some(image) = container["name"].as_str().and_then(|n| images.get(n)) {
                container["image"] = json!(image);
            }
        }
        if let Some(spec) = template["spec"].as_object_mut().filter(|s| s.get(list).is_some_and(Value::is_null)) {
            spec.shift_remove(list);
        }
    }
    template
}

fn deployment(world: &mut World, system: &System, document: &Value, now: Timestamp) -> Result<(), Failure> {
    let k = known();
    let object = create(world, document)?;
    let (res, key) = place_of(document, &object);
    let releases = system.releases(&key.name);
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let template = object["spec"]["template"].clone();
    let mut sets = Vec::new();
    for (i, release) in releases.iter().enumerate() {
        world.now = ago(now, release.age.0);
        let last = i + 1 == releases.len();
        let old = if last { template.clone() } else { template_of(&template, &release.images) };
        sets.push(replicaset(world, &object, &old, i + 1, &release.cause, if last { wanted } else { 0 }));
    }
    if releases.is_empty() {
        sets.push(replicaset(world, &object, &template, 1, "", wanted));
    }
    if let Some(cause) = releases.last().map(|r| r.cause.clone()) {
        world.edit(res, &key, |d| {
            d["metadata"]["annotations"]["kubernetes.io/change-cause"] = json!(cause);
            d["metadata"]["generation"] = json!(releases.len());
        });
    }
    if let Some((_, set)) = sets.last() {
        let set = set.clone();
        let (template, prefix) = (&set["spec"]["template"], format!("{}-", set["metadata"]["name"].as_str().unwrap_or_default()));
        for _ in 0..wanted {
            pod(world, system, &set, template, &prefix)?;
        }
    }
    for (set, _) in sets {
        control::reconcile(world, &Work::new(Controller::ReplicaSet, k.replicasets, &set));
    }
    control::reconcile(world, &Work::new(Controller::Deployment, res, &key));
    Ok(())
}

fn replicaset(world: &mut World, deployment: &Value, template: &Value, revision: usize, cause: &str, replicas: i64) -> (Key, Value) {
    let hash = control::hash_of(template);
    let name = format!("{}-{hash}", deployment["metadata"]["name"].as_str().unwrap_or_default());
    let template = control::template_with_hash(template, &hash);
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"]["pod-template-hash"] = json!(hash);
    let mut set = json!({
        "metadata": {"name": name, "namespace": deployment["metadata"]["namespace"], "labels": template["metadata"]["labels"],
                     "annotations": {"deployment.kubernetes.io/revision": revision.to_string()}, "generation": 2,
                     "ownerReferences": [control::owner_reference(known().deployments, deployment)]},
        "spec": {"replicas": replicas, "selector": selector, "template": template},
        "status": {"replicas": 0},
    });
    if !cause.is_empty() {
        set["metadata"]["annotations"]["kubernetes.io/change-cause"] = json!(cause);
    }
    let wanted = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    control::note_size(&mut set, deployment);
    debug_assert!(replicas == 0 || replicas == wanted);
    world.born(&mut set);
    let entry = world.put(known().replicasets, set);
    (entry.key.clone(), entry.value())
}

/// A pod that was made a moment after its owner's last release, and has been running since.
fn pod(world: &mut World, system: &System, set: &Value, template: &Value, name: &str) -> Result<(), Failure> {
    let mut pod = control::new_pod(world, known().replicasets, set, template, name);
    let node = match system.nodes.len() {
        0 => control::choose_node(world, &pod).map_err(Failure::bad_request)?,
        n => system.nodes[world.store.count(known().pods) % n].clone(),
    };
    pod["spec"]["nodeName"] = json!(node);
    let since = world.now.checked_add(SignedDuration::from_secs(4)).unwrap_or(world.now);
    pod["status"] = kubelet::settled(world, &pod, since);
    world.put(known().pods, pod);
    Ok(())
}

fn statefulset(world: &mut World, system: &System, document: &Value, now: Timestamp) -> Result<(), Failure> {
    let object = create(world, document)?;
    let (res, key) = place_of(document, &object);
    let releases = system.releases(&key.name);
    let template = object["spec"]["template"].clone();
    for (i, release) in releases.iter().enumerate() {
        world.now = ago(now, release.age.0);
        let last = i + 1 == releases.len();
        let old = if last { template.clone() } else { template_of(&template, &release.images) };
        world.edit(res, &key, |s| {
            s["spec"]["template"] = old;
            s["metadata"]["annotations"]["kubernetes.io/change-cause"] = json!(release.cause);
        });
        control::revision_of(world, res, &key);
    }
    settle_members(world, res, &key)
}

/// Lets the controller of a set make its pods one by one, and lets each of them have been running since.
pub(super) fn settle_members(world: &mut World, res: Res, key: &Key) -> Result<(), Failure> {
    let who = if res == known().daemonsets { Controller::DaemonSet } else { Controller::StatefulSet };
    for _ in 0..1_000 {
        let before = world.store.count(known().pods);
        control::reconcile(world, &Work::new(who, res, key));
        let owner = world.store.get(res, key).map(|e| e.uid.clone()).unwrap_or_default();
        let fresh: Vec<_> = world.store.children(&owner).into_iter().filter(|e| e.res == known().pods).collect();
        for entry in fresh {
            let mut pod = entry.value();
            if pod["status"]["phase"] == "Running" {
                continue;
            }
            if !pod["spec"]["nodeName"].is_string() {
                let node = control::choose_node(world, &pod).map_err(Failure::bad_request)?;
                pod["spec"]["nodeName"] = json!(node);
            }
            let since = world.now.checked_add(SignedDuration::from_secs(4)).unwrap_or(world.now);
            pod["status"] = kubelet::settled(world, &pod, since);
            world.put(known().pods, pod);
        }
        if world.store.count(known().pods) == before {
            break;
        }
    }
    control::reconcile(world, &Work::new(who, res, key));
    Ok(())
}

fn daemonset(world: &mut World, document: &Value) -> Result<(), Failure> {
    let object = create(world, document)?;
    let (res, key) = place_of(document, &object);
    settle_members(world, res, &key)
}

/// A CronJob with its last runs.
fn cronjob(world: &mut World, system: &System, document: &Value, now: Timestamp) -> Result<(), Failure> {
    let object = create(world, document)?;
    let (res, key) = place_of(document, &object);
    let Some(run) = system.run.iter().find(|r| r.cronjob == *key.name) else { return Ok(()) };
    let schedule = object["spec"]["schedule"].as_str().unwrap_or_default();
    let zone = object["spec"]["timeZone"].as_str();
    let mut times = Vec::new();
    let mut at = ago(now, SignedDuration::from_hours(24 * 8));
    while let Some(next) = control::next_run(schedule, zone, at).filter(|t| *t < now) {
        times.push(next);
        at = next;
    }
    let skip = times.len().saturating_sub(run.kept);
    for at in &times[skip..] {
        finished_job(world, &key, *at, run.took);
    }
    if let Some(last) = times.last() {
        let done = last.checked_add(SignedDuration::from_secs(i64::from(run.took))).unwrap_or(*last);
        world.edit(res, &key, |c| c["status"] = json!({"lastScheduleTime": seconds(*last), "lastSuccessfulTime": seconds(done)}));
    }
    Ok(())
}

/// A Job that ran at a time and succeeded, with its pod.
fn finished_job(world: &mut World, cron: &Key, at: Timestamp, took: u32) {
    let k = known();
    let Some(cronjob) = world.store.get(k.cronjobs, cron).map(|e| e.value()) else { return };
    world.now = at;
    let name = format!("{}-{}", cron.name, at.as_second() / 60);
    let done = at.checked_add(SignedDuration::from_secs(i64::from(took))).unwrap_or(at);
    let mut job = control::job_of(world, &cronjob, &name, at);
    let condition = |kind: &str| {
        json!({"type": kind, "status": "True", "lastProbeTime": seconds(done), "lastTransitionTime": seconds(done),
            "reason": "CompletionsReached", "message": "Reached expected number of succeeded pods"})
    };
    job["status"] = json!({"conditions": [condition("SuccessCriteriaMet"), condition("Complete")], "startTime": seconds(at),
        "completionTime": seconds(done), "succeeded": 1, "terminating": 0, "uncountedTerminatedPods": {}, "ready": 0});
    let job = world.put(k.jobs, job).value();
    let mut pod = control::new_pod(world, k.jobs, &job, &job["spec"]["template"], &format!("{name}-"));
    let Ok(node) = control::choose_node(world, &pod) else { return };
    pod["spec"]["nodeName"] = json!(node);
    pod["status"] = kubelet::completed(world, &pod, at, done);
    world.put(k.pods, pod);
}
