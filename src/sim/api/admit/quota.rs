//! Quotas: how much of it a namespace uses, and whether a pod still fits.
//!
//! Owns the resources that the simulator counts: pods, requests and limits of CPU and memory, and numbers of objects.

#![allow(clippy::cast_possible_wrap, reason = "numbers of pods and lines are far from 2^63")]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::sim::api::kinds::{KINDS, known};
use crate::sim::control::{amount, quantity_text};
use crate::sim::world::World;

/// Refuses a pod that some quota of its namespace has no room for, in the server's words.
pub(crate) fn check(world: &World, namespace: &str, pod: &Value) -> Result<(), String> {
    for quota in world.store.list(known().quotas, Some(namespace)) {
        let value = quota.value();
        let hard = &value["spec"]["hard"];
        let used = used(world, namespace, hard);
        let (mut asked, mut is, mut limited) = (Vec::new(), Vec::new(), Vec::new());
        for (name, limit) in hard.as_object().into_iter().flatten() {
            let more = of_pod(pod, name);
            let (limit, in_use) = (limit.as_str().unwrap_or_default(), used[name].as_str().unwrap_or_default());
            if more > 0 && amount(name, in_use) + more > amount(name, limit) {
                asked.push(format!("{name}={}", quantity_text(name, more)));
                is.push(format!("{name}={in_use}"));
                limited.push(format!("{name}={limit}"));
            }
        }
        if !asked.is_empty() {
            let name = &quota.key.name;
            return Err(format!(
                "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
                asked.join(","),
                is.join(","),
                limited.join(",")
            ));
        }
    }
    Ok(())
}

/// How much of each limited resource a namespace uses, as quantities.
pub(crate) fn used(world: &World, namespace: &str, hard: &Value) -> Value {
    let mut sums: BTreeMap<&str, i64> = hard.as_object().into_iter().flatten().map(|(n, _)| (n.as_str(), 0)).collect();
    for pod in world.store.list(known().pods, Some(namespace)) {
        let pod = pod.value();
        if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
            continue;
        }
        for (name, sum) in &mut sums {
            *sum += of_pod(&pod, name);
        }
    }
    for (name, sum) in &mut sums {
        let (plural, group) = name
            .strip_prefix("count/")
            .unwrap_or(name)
            .split_once('.')
            .unwrap_or((name.strip_prefix("count/").unwrap_or(name), ""));
        if *name != "pods"
            && let Some((res, _)) = KINDS.all().find(|(_, r)| r.plural == plural && r.group == group && r.namespaced)
        {
            *sum = world.store.list(res, Some(namespace)).count() as i64;
        }
    }
    let shown: Map<String, Value> = sums.into_iter().map(|(name, sum)| (name.to_owned(), json!(quantity_text(name, sum)))).collect();
    Value::Object(shown)
}

/// How much of a limited resource one pod takes.
fn of_pod(pod: &Value, name: &str) -> i64 {
    let (kind, resource) = match name {
        "pods" | "count/pods" => return 1,
        "cpu" | "memory" => ("requests", name),
        other => match other.split_once('.') {
            Some((kind @ ("requests" | "limits"), resource @ ("cpu" | "memory"))) => (kind, resource),
            _ => return 0,
        },
    };
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers.map(|c| amount(name, c["resources"][kind][resource].as_str().unwrap_or("0"))).sum()
}
