//! The status of a pod, written from what its containers are doing.
//!
//! Owns the shape that the kubelet of Kubernetes 1.36 writes.

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Ended, PodRun, Slot, State};
use crate::base::id::hex;
use crate::sim::network;
use crate::sim::wire::canon::seconds;

/// The status of a pod. `pod` gives its spec; what others have written into the status (qosClass) is kept.
pub(crate) fn of(pod: &Value, run: &PodRun) -> Value {
    let generation = pod["metadata"]["generation"].as_u64().unwrap_or(1);
    let node_number = run.node.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let host = network::node(node_number);
    let mut status = json!({
        "observedGeneration": generation,
        "phase": phase(pod, run),
        "conditions": conditions(run, generation),
        "hostIP": host,
        "hostIPs": [{"ip": host}],
    });
    if !run.ip.is_empty() {
        status["podIP"] = json!(run.ip);
        status["podIPs"] = json!([{"ip": run.ip}]);
    }
    status["startTime"] = json!(seconds(run.scheduled));
    let started = run.initialized.is_some() || run.sandbox.is_some();
    if !run.init.is_empty() {
        status["initContainerStatuses"] = statuses(&run.init, &pod["spec"]["initContainers"], run, started);
    }
    status["containerStatuses"] = statuses(&run.main, &pod["spec"]["containers"], run, run.initialized.is_some());
    status["qosClass"] = pod["status"]["qosClass"].clone();
    status
}

fn phase(pod: &Value, run: &PodRun) -> &'static str {
    let never = pod["spec"]["restartPolicy"] == "Never";
    if let Some(failed) = run.init.iter().find_map(|s| ended(&s.state)).filter(|e| e.code != 0 && never) {
        debug_assert!(failed.code != 0);
        return "Failed";
    }
    if run.initialized.is_none() {
        return "Pending";
    }
    let ends: Vec<&Ended> = run.main.iter().filter_map(|s| ended(&s.state)).collect();
    let comes_back = |e: &Ended| match pod["spec"]["restartPolicy"].as_str() {
        Some("Never") => false,
        Some("OnFailure") => e.code != 0,
        _ => true,
    };
    if ends.len() == run.main.len() && !ends.iter().any(|e| comes_back(e) && !run.stopping) {
        return if ends.iter().all(|e| e.code == 0) { "Succeeded" } else { "Failed" };
    }
    let ever = |s: &Slot| !matches!(s.state, State::Waiting(..)) || s.last.is_some();
    if run.main.iter().any(ever) { "Running" } else { "Pending" }
}

fn ended(state: &State) -> Option<&Ended> {
    match state {
        State::Ended(e) => Some(e),
        _ => None,
    }
}

fn conditions(run: &PodRun, generation: u64) -> Value {
    let done = run.initialized.is_some() && run.main.iter().all(|s| matches!(&s.state, State::Ended(e) if e.code == 0));
    let waiting: Vec<&str> = run.main.iter().filter(|s| !s.ready).map(|s| s.name.as_str()).collect();
    let waiting_init: Vec<&str> = run.init.iter().filter(|s| !s.ready).map(|s| s.name.as_str()).collect();
    let ready = run.initialized.is_some() && waiting.is_empty();
    let ready_since = if ready { run.ready.unwrap_or(run.scheduled) } else { run.unready.unwrap_or(run.scheduled) };
    let words = format!("containers with unready status: [{}]", waiting.join(" "));
    let init_words = format!("containers with incomplete status: [{}]", waiting_init.join(" "));
    let condition = |kind: &str, since: Timestamp, why: Option<(&str, &str)>| {
        let mut c = json!({"type": kind, "observedGeneration": generation, "status": if why.is_none() { "True" } else { "False" },
            "lastProbeTime": null, "lastTransitionTime": seconds(since)});
        if let Some((reason, message)) = why {
            if !reason.is_empty() {
                c["reason"] = json!(reason);
            }
            if !message.is_empty() {
                c["message"] = json!(message);
            }
        }
        c
    };
    let not_ready = if done { Some(("PodCompleted", "")) } else { (!ready).then_some(("ContainersNotReady", words.as_str())) };
    json!([
        condition("PodReadyToStartContainers", run.sandbox.unwrap_or(run.scheduled), run.sandbox.is_none().then_some(("", ""))),
        condition(
            "Initialized",
            run.initialized.unwrap_or(run.scheduled),
            run.initialized.is_none().then_some(("ContainersNotInitialized", init_words.as_str()))
        ),
        condition("Ready", ready_since, not_ready),
        condition("ContainersReady", ready_since, not_ready),
        condition("PodScheduled", run.scheduled, None),
    ])
}

fn statuses(slots: &[Slot], spec: &Value, run: &PodRun, begun: bool) -> Value {
    let of = |(i, slot): (usize, &Slot)| {
        let waiting = State::Waiting("PodInitializing", String::new());
        let shown = if begun || matches!(slot.state, State::Ended(_)) || run.init.is_empty() { &slot.state } else { &waiting };
        let container = &spec[i];
        let id = |run_number: u32| format!("containerd://{}", digest(&format!("{}/{}/{run_number}", run.key.name, slot.name)));
        let mut status = json!({
            "name": slot.name,
            "state": state(shown, &id),
            "lastState": slot.last.as_ref().map_or_else(|| json!({}), |e| state(&State::Ended(e.clone()), &id)),
            "ready": slot.ready,
            "restartCount": slot.restarts,
            "image": slot.image,
            "imageID": if slot.run > 0 || !matches!(slot.state, State::Waiting(..)) { image_id(&slot.image) } else { String::new() },
        });
        let running = matches!(shown, State::Running(_));
        if running || matches!(shown, State::Ended(_)) {
            status["containerID"] = json!(id(slot.run));
        } else if slot.last.is_some() {
            status["containerID"] = json!(id(slot.run.saturating_sub(1)));
        }
        status["started"] = json!(running);
        if running && let Some(requests) = container["resources"]["requests"].as_object() {
            status["allocatedResources"] = json!(requests);
            status["resources"] = container["resources"].clone();
        }
        status
    };
    Value::Array(slots.iter().enumerate().map(of).collect())
}

fn state(state: &State, id: &dyn Fn(u32) -> String) -> Value {
    match state {
        State::Waiting(reason, message) if message.is_empty() => json!({"waiting": {"reason": reason}}),
        State::Waiting(reason, message) => json!({"waiting": {"reason": reason, "message": message}}),
        State::Running(since) => json!({"running": {"startedAt": seconds(*since)}}),
        State::Ended(e) if !e.traits.message.is_empty() => json!({"terminated": {"exitCode": e.code, "reason": e.reason,
            "message": e.traits.message, "startedAt": seconds(e.started), "finishedAt": seconds(e.finished), "containerID": id(e.run)}}),
        State::Ended(e) => json!({"terminated": {"exitCode": e.code, "reason": e.reason, "startedAt": seconds(e.started),
            "finishedAt": seconds(e.finished), "containerID": id(e.run)}}),
    }
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// What the runtime calls an image: its repository and a digest, which is the same for the same name, or the one that is in the name.
pub(crate) fn image_id(image: &str) -> String {
    if image.contains('@') {
        return image.to_owned();
    }
    let repository = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(image, |(r, _)| r);
    let repository = if repository.contains('/') { repository.to_owned() } else { format!("docker.io/library/{repository}") };
    format!("{repository}@sha256:{}", digest(image))
}
