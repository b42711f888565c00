//! The scheduler: a node for every pod.
//!
//! Owns the choice: a node that is ready, that the pod tolerates and selects, with room; the emptiest of them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Controller, Work};
use crate::base::quantity;
use crate::sim::api::kinds::known;
use crate::sim::kubelet;
use crate::sim::store::Key;
use crate::sim::wire::canon::seconds;
use crate::sim::world::{Task, World};

const COMPONENT: &str = "default-scheduler";

/// Finds a node for a pod that has none, or says why there is none.
pub(super) fn reconcile(world: &mut World, key: &Key) {
    let pods = known().pods;
    let Some(entry) = world.store.get(pods, key).cloned() else {
        world.notes.pending.remove(key);
        return;
    };
    let pod = entry.value();
    if entry.deleting || pod["spec"]["nodeName"].is_string() {
        world.notes.pending.remove(key);
        return;
    }
    if pod["spec"]["schedulerName"] != COMPONENT {
        return;
    }
    match choose(world, &pod) {
        Ok(node) => {
            world.notes.pending.remove(key);
            bind(world, key, &node);
        }
        Err(why) => {
            world.notes.pending.insert(key.clone());
            refuse(world, key, &pod, &why);
            world.after(Duration::from_secs(15), Task::Reconcile(Work::new(Controller::Scheduler, pods, key)));
        }
    }
}

fn bind(world: &mut World, key: &Key, node: &str) {
    let pods = known().pods;
    let now = seconds(world.now);
    let Some(entry) = world.edit(pods, key, |pod| {
        pod["spec"]["nodeName"] = json!(node);
        let scheduled = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
        pod["status"]["conditions"] = json!([scheduled]);
    }) else {
        return;
    };
    let message = format!("Successfully assigned {}/{} to {node}", key.namespace, key.name);
    world.say(COMPONENT, pods, &entry.value(), "Scheduled", message);
}

fn refuse(world: &mut World, key: &Key, pod: &Value, why: &str) {
    let now = seconds(world.now);
    world.warn(COMPONENT, known().pods, pod, "FailedScheduling", why.to_owned());
    world.edit(known().pods, key, |pod| {
        let old = &pod["status"]["conditions"][0];
        let since = if old["reason"] == "Unschedulable" { old["lastTransitionTime"].clone() } else { json!(now) };
        pod["status"]["conditions"] = json!([{"type": "PodScheduled", "status": "False", "lastProbeTime": null,
            "lastTransitionTime": since, "reason": "Unschedulable", "message": why, "observedGeneration": pod["metadata"]["generation"]}]);
    });
}

/// The node, or the scheduler's sentence about why there is none.
pub(crate) fn choose(world: &World, pod: &Value) -> Result<String, String> {
    let (cpu, memory) = kubelet::requests(&pod["spec"]);
    let nodes: Vec<Value> = world.store.list(known().nodes, None).map(|e| e.value()).collect();
    let mut reasons: Vec<&'static str> = Vec::new();
    let mut best: Option<(f64, String)> = None;
    for node in &nodes {
        let name = node["metadata"]["name"].as_str().unwrap_or_default();
        if let Some(why) = unfit(node, pod) {
            reasons.push(why);
            continue;
        }
        let room = |what: &str, read: fn(&str) -> Option<i64>| node["status"]["allocatable"][what].as_str().and_then(read).unwrap_or(0);
        let (has_cpu, has_memory, has_pods) = (room("cpu", quantity::milli), room("memory", quantity::whole), room("pods", quantity::whole));
        let (used_cpu, used_memory, used_pods) = world.kubelet.load(name);
        let before = reasons.len();
        if used_pods as i64 + 1 > has_pods {
            reasons.push("Too many pods");
        }
        if used_cpu + cpu > has_cpu {
            reasons.push("Insufficient cpu");
        }
        if used_memory + memory > has_memory {
            reasons.push("Insufficient memory");
        }
        let fullness = (used_cpu + cpu) as f64 / has_cpu.max(1) as f64 + (used_memory + memory) as f64 / has_memory.max(1) as f64;
        // Equally full nodes: the one with fewer pods.
        let fullness = fullness + used_pods as f64 / 1000.0;
        if reasons.len() == before && best.as_ref().is_none_or(|(f, _)| fullness < *f) {
            best = Some((fullness, name.to_owned()));
        }
    }
    best.map(|(_, name)| name).ok_or_else(|| sentence(nodes.len(), &reasons))
}

fn sentence(nodes: usize, reasons: &[&str]) -> String {
    let mut counted: Vec<(usize, &str)> = Vec::new();
    for reason in reasons {
        match counted.iter_mut().find(|(_, r)| r == reason) {
            Some((n, _)) => *n += 1,
            None => counted.push((1, reason)),
        }
    }
    counted.sort_by_key(|(_, r)| *r);
    let list: Vec<String> = counted.iter().map(|(n, r)| format!("{n} {r}")).collect();
    // Throwing others out makes room, but no other label.
    let full = reasons.iter().filter(|reason| reason.starts_with("Insufficient")).count().min(nodes);
    let mut outlook = Vec::new();
    if full > 0 {
        outlook.push(format!("{full} No preemption victims found for incoming pod"));
    }
    if full < nodes {
        outlook.push(format!("{} Preemption is not helpful for scheduling", nodes - full));
    }
    let preemption = format!("no new claims to deallocate, preemption: 0/{nodes} nodes are available: {}.", outlook.join(", "));
    format!("0/{nodes} nodes are available: {}. {preemption}", list.join(", "))
}

/// Why a node is out of the question whatever room it has.
pub(super) fn unfit(node: &Value, pod: &Value) -> Option<&'static str> {
    let spec = &pod["spec"];
    if node["spec"]["unschedulable"] == true && !tolerates(spec, "node.kubernetes.io/unschedulable") {
        return Some("node(s) were unschedulable");
    }
    let taints = node["spec"]["taints"].as_array().into_iter().flatten();
    let blocking = taints.filter(|t| t["effect"] != "PreferNoSchedule" && !tolerates(spec, t["key"].as_str().unwrap_or_default()));
    if blocking.count() > 0 {
        return Some("node(s) had untolerated taint(s)");
    }
    let selected = spec["nodeSelector"].as_object().into_iter().flatten();
    if selected.into_iter().any(|(k, v)| node["metadata"]["labels"].get(k) != Some(v)) {
        return Some("node(s) didn't match Pod's node affinity/selector");
    }
    None
}

fn tolerates(spec: &Value, taint: &str) -> bool {
    let all = spec["tolerations"].as_array().into_iter().flatten();
    all.into_iter().any(|t| t["key"].as_str().is_none_or(|k| k == taint || k.is_empty()))
}
