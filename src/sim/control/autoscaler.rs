//! Horizontal pod autoscaling by CPU and memory.
//!
//! Owns the arithmetic (ratio, tolerance, limits, stabilisation) and the conditions, after kube-controller-manager.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Controller, Work, number, pods};
use crate::sim::api::kinds::{KINDS, known};
use crate::sim::kubelet::usage;
use crate::sim::store::{Entry, Key};
use crate::sim::world::{Task, World};

const COMPONENT: &str = "horizontal-pod-autoscaler";
const PERIOD: Duration = Duration::from_secs(15);
/// A ratio this near to 1 changes nothing.
const TOLERANCE: f64 = 0.1;
/// Scaling down waits for this long.
const DOWN_WINDOW: Duration = Duration::from_mins(5);

/// Measures, and sets the replicas of the target.
pub(super) fn reconcile(world: &mut World, key: &Key) {
    let res = known().autoscalers;
    let Some(entry) = world.store.get(res, key).filter(|e| !e.deleting).cloned() else { return };
    let scaler = entry.value();
    let last = world.notes.measured.get(key).copied();
    if last.is_none_or(|at| world.life_since(at) >= PERIOD) {
        world.notes.measured.insert(key.clone(), world.now);
        measure(world, &entry, &scaler);
        world.after(PERIOD, Task::Reconcile(Work::new(Controller::Autoscaler, res, key)));
    }
}

fn measure(world: &mut World, entry: &Entry, scaler: &Value) {
    let target = &scaler["spec"]["scaleTargetRef"];
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let res = KINDS.of(&text(&target["apiVersion"]), &text(&target["kind"]));
    let found = res.and_then(|r| world.store.find(r, &entry.key.namespace, &text(&target["name"])).cloned());
    let Some((res, workload)) = res.zip(found) else {
        let message = format!(
            "the HPA controller was unable to get the target's current scale: {} \"{}\" not found",
            text(&target["kind"]),
            text(&target["name"])
        );
        return write(world, entry, None, &json!([]), &[("AbleToScale", "False", "FailedGetScale", &message)]);
    };
    let current = number(&workload.value()["spec"]["replicas"], 1);
    if current == 0 {
        let message = "scaling is disabled since the replica count of the target is zero";
        return write(
            world,
            entry,
            Some((current, 0)),
            &json!([]),
            &[("AbleToScale", "True", "SucceededGetScale", GOT), ("ScalingActive", "False", "ScalingDisabled", message)],
        );
    }
    let (metrics, wanted, strongest) = recommendations(world, entry, scaler, &text(&target["name"]), current);
    let (minimum, maximum) = (number(&scaler["spec"]["minReplicas"], 1), number(&scaler["spec"]["maxReplicas"], 1));
    let Some(wanted) = wanted else {
        let message = "the HPA was unable to compute the replica count: no metrics returned from resource metrics API";
        return write(
            world,
            entry,
            Some((current, current)),
            &metrics,
            &[("AbleToScale", "True", "SucceededGetScale", GOT), ("ScalingActive", "False", "FailedGetResourceMetric", message)],
        );
    };
    let wanted = stabilized(world, entry, scaler, current, wanted);
    let desired = wanted.clamp(minimum, maximum);
    let limited = if wanted > maximum {
        ("True", "TooManyReplicas", "the desired replica count is more than the maximum replica count")
    } else if wanted < minimum {
        ("True", "TooFewReplicas", "the desired replica count is less than the minimum replica count")
    } else {
        ("False", "DesiredWithinRange", "the desired count is within the acceptable range")
    };
    let found = format!("the HPA was able to successfully calculate a replica count from {strongest} resource utilization (percentage of request)");
    if desired != current {
        world.edit(res, &workload.key, |w| w["spec"]["replicas"] = json!(desired));
        let why = if wanted > current {
            format!("{strongest} resource utilization (percentage of request) above target")
        } else {
            "All metrics below target".to_owned()
        };
        world.say(COMPONENT, known().autoscalers, scaler, "SuccessfulRescale", format!("New size: {desired}; reason: {why}"));
        world.notes.rescaled.insert(entry.key.clone(), world.now);
    }
    let able = if desired == current {
        ("ReadyForNewScale", "recommended size matches current size")
    } else {
        ("SucceededRescale", "the HPA controller was able to update the target scale")
    };
    let conditions = [
        ("AbleToScale", "True", able.0, able.1),
        ("ScalingActive", "True", "ValidMetricFound", found.as_str()),
        ("ScalingLimited", limited.0, limited.1, limited.2),
    ];
    write(world, entry, Some((current, desired)), &metrics, &conditions);
}

const GOT: &str = "the HPA controller was able to get the target's current scale";

/// What each metric says, the largest number of replicas any of them asks for, and which one that is.
fn recommendations(world: &World, entry: &Entry, scaler: &Value, workload: &str, current: i64) -> (Value, Option<i64>, String) {
    let siblings = world.kubelet.siblings();
    let running: Vec<_> = world
        .kubelet
        .pods()
        .filter(|p| p.key.namespace == entry.key.namespace && &*p.workload == workload)
        .filter(|p| world.store.get(known().pods, &p.key).is_some_and(|e| pods::ready_since(&e.value()).is_some()))
        .collect();
    let (mut shown, mut wanted, mut strongest) = (Vec::new(), None, "cpu".to_owned());
    for metric in scaler["spec"]["metrics"].as_array().into_iter().flatten() {
        let name = metric["resource"]["name"].as_str().unwrap_or_default();
        let target = number(&metric["resource"]["target"]["averageUtilization"], 0);
        let (mut used, mut requested) = (0, 0);
        for pod in &running {
            let all = pod.main.iter().filter_map(|slot| usage::of(pod, slot, &siblings, world.now, world.speed));
            used += all.map(|(cpu, memory)| if name == "cpu" { cpu } else { memory }).sum::<i64>();
            requested += if name == "cpu" { pod.requests.0 } else { pod.requests.1 };
        }
        if running.is_empty() || requested == 0 || target == 0 {
            continue;
        }
        let percent = used * 100 / requested;
        let ratio = percent as f64 / target as f64;
        let proposal = if (ratio - 1.0).abs() <= TOLERANCE { current } else { (ratio * running.len() as f64).ceil() as i64 };
        if wanted.is_none_or(|w| proposal > w) {
            (wanted, strongest) = (Some(proposal), name.to_owned());
        }
        let average = used / running.len() as i64;
        let value = if name == "cpu" { format!("{average}m") } else { average.to_string() };
        shown.push(json!({"type": "Resource", "resource": {"name": name, "current": {"averageUtilization": percent, "averageValue": value}}}));
    }
    (Value::Array(shown), wanted, strongest)
}

/// Up at once, at most doubled; down only after a while, and never where the policy forbids it.
fn stabilized(world: &World, entry: &Entry, scaler: &Value, current: i64, wanted: i64) -> i64 {
    let behavior = &scaler["spec"]["behavior"];
    if wanted > current {
        return if behavior["scaleUp"]["selectPolicy"] == "Disabled" { current } else { wanted.min((current * 2).max(current + 4)) };
    }
    let window = behavior["scaleDown"]["stabilizationWindowSeconds"].as_u64().map_or(DOWN_WINDOW, Duration::from_secs);
    let since = world.notes.rescaled.get(&entry.key).copied().unwrap_or(world.started);
    let early = world.life_since(since) < window;
    if wanted < current && (early || behavior["scaleDown"]["selectPolicy"] == "Disabled") { current } else { wanted }
}

fn write(world: &mut World, entry: &Entry, replicas: Option<(i64, i64)>, metrics: &Value, conditions: &[(&str, &str, &str, &str)]) {
    let stamp = world.stamp();
    let rescaled = world.notes.rescaled.get(&entry.key).map(|at| crate::sim::wire::canon::seconds(*at));
    world.edit(known().autoscalers, &entry.key, |scaler| {
        let old = scaler["status"].clone();
        let mut status = json!({});
        if let Some(at) = rescaled.map(|at| json!(at)).or_else(|| old.get("lastScaleTime").cloned()) {
            status["lastScaleTime"] = at;
        }
        if let Some((current, desired)) = replicas {
            status["currentReplicas"] = json!(current);
            status["desiredReplicas"] = json!(desired);
        }
        if metrics.as_array().is_some_and(|m| !m.is_empty()) {
            status["currentMetrics"] = metrics.clone();
        }
        let since = |kind: &str, state: &str| {
            let before = old["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == kind && c["status"] == state);
            before.map_or_else(|| json!(stamp), |c| c["lastTransitionTime"].clone())
        };
        let shown = conditions.iter().map(|(kind, state, reason, message)| {
            json!({"type": kind, "status": state, "lastTransitionTime": since(kind, state), "reason": reason, "message": message})
        });
        status["conditions"] = shown.collect();
        scaler["status"] = status;
    });
}
