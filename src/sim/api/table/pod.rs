//! The cells of a pod: the one kind whose STATUS is computed from many fields.
//!
//! Owns what `printPod` of k8s.io/kubernetes/pkg/printers/internalversion does.

use serde_json::{Value, json};

use super::See;

/// What has been found out about the containers so far.
struct Found {
    reason: String,
    restarts: i64,
    ready: usize,
    last_restart: Option<String>,
}

/// NAME READY STATUS RESTARTS AGE IP NODE NOMINATED-NODE READINESS-GATES.
pub(super) fn cells(see: &See<'_>) -> Vec<Value> {
    let (spec, status) = (&see.object["spec"], &see.object["status"]);
    let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
    let total = list(&spec["containers"]).len() + list(&spec["initContainers"]).iter().filter(|c| restartable(c)).count();
    let phase = status["phase"].as_str().unwrap_or_default();
    let mut found = Found { reason: first_reason(status), restarts: 0, ready: 0, last_restart: None };
    let initializing = init_containers(spec, status, &mut found);
    if !initializing || condition(status, "Initialized") {
        (found.restarts, found.last_restart) = (0, None);
        main_containers(status, &mut found);
    }
    if see.object["metadata"]["deletionTimestamp"].is_string() {
        if status["reason"] == "NodeLost" {
            "Unknown".clone_into(&mut found.reason);
        } else if !matches!(phase, "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut found.reason);
        }
    }
    let restarts = match &found.last_restart {
        Some(at) if found.restarts != 0 => format!("{} ({} ago)", found.restarts, see.since_text(&json!(at))),
        _ => found.restarts.to_string(),
    };
    let or_none = |v: &Value| json!(v.as_str().filter(|t| !t.is_empty()).unwrap_or("<none>"));
    let gates = list(&spec["readinessGates"]);
    let open = gates.iter().filter(|g| condition(status, g["conditionType"].as_str().unwrap_or_default())).count();
    let gates = if gates.is_empty() { "<none>".to_owned() } else { format!("{open}/{}", gates.len()) };
    vec![
        see.name(),
        json!(format!("{}/{total}", found.ready)),
        json!(found.reason),
        json!(restarts),
        see.age(),
        or_none(&status["podIP"]),
        or_none(&spec["nodeName"]),
        or_none(&status["nominatedNodeName"]),
        json!(gates),
    ]
}

fn first_reason(status: &Value) -> String {
    let gated = status["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|c| c["type"] == "PodScheduled" && c["reason"] == "SchedulingGated");
    let reason = status["reason"].as_str().filter(|r| !r.is_empty()).or(status["phase"].as_str()).unwrap_or_default();
    if gated { "SchedulingGated" } else { reason }.to_owned()
}

fn restartable(container: &Value) -> bool {
    container["restartPolicy"] == "Always"
}

fn condition(status: &Value, kind: &str) -> bool {
    status["conditions"].as_array().into_iter().flatten().any(|c| c["type"] == kind && c["status"] == "True")
}

fn note_restarts(container: &Value, found: &mut Found) {
    found.restarts += container["restartCount"].as_i64().unwrap_or(0);
    if let Some(at) = container["lastState"]["terminated"]["finishedAt"].as_str()
        && found.last_restart.as_deref().is_none_or(|last| last < at)
    {
        found.last_restart = Some(at.to_owned());
    }
}

/// How a terminated container ended, in a word.
fn ending(terminated: &Value) -> String {
    let reason = terminated["reason"].as_str().unwrap_or_default();
    match (reason.is_empty(), terminated["signal"].as_i64().unwrap_or(0)) {
        (false, _) => reason.to_owned(),
        (true, 0) => format!("ExitCode:{}", terminated["exitCode"].as_i64().unwrap_or(0)),
        (true, signal) => format!("Signal:{signal}"),
    }
}

/// Goes through the init containers; answers whether one of them is not done.
fn init_containers(spec: &Value, status: &Value, found: &mut Found) -> bool {
    let total = spec["initContainers"].as_array().map_or(0, Vec::len);
    for (i, container) in status["initContainerStatuses"].as_array().into_iter().flatten().enumerate() {
        note_restarts(container, found);
        let sidecar = spec["initContainers"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|c| c["name"] == container["name"] && restartable(c));
        let (terminated, waiting) = (&container["state"]["terminated"], container["state"]["waiting"]["reason"].as_str().unwrap_or_default());
        if terminated.is_object() && terminated["exitCode"] == 0 {
            continue;
        }
        if sidecar && container["started"] == true {
            found.ready += usize::from(container["ready"] == true);
            continue;
        }
        found.reason = if terminated.is_object() {
            format!("Init:{}", ending(terminated))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{i}/{total}")
        };
        return true;
    }
    false
}

/// Goes through the containers from the last to the first, so that the first has the last word.
fn main_containers(status: &Value, found: &mut Found) {
    let (mut running, mut error) = (false, None);
    for container in status["containerStatuses"].as_array().into_iter().flatten().rev() {
        note_restarts(container, found);
        let (terminated, waiting) = (&container["state"]["terminated"], container["state"]["waiting"]["reason"].as_str().unwrap_or_default());
        if !waiting.is_empty() {
            waiting.clone_into(&mut found.reason);
        } else if terminated.is_object() {
            found.reason = ending(terminated);
            if terminated["exitCode"] != 0 {
                error = Some(found.reason.clone());
            }
        } else if container["ready"] == true && container["state"]["running"].is_object() {
            running = true;
            found.ready += 1;
        }
    }
    if found.reason == "Completed" {
        if running && condition(status, "Ready") {
            "Running".clone_into(&mut found.reason);
        } else if let Some(error) = error {
            found.reason = error;
        } else if running {
            "NotReady".clone_into(&mut found.reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::cells;
    use crate::sim::api::table::See;

    fn status_of(status: &Value) -> (String, String) {
        let object = json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c"}], "initContainers": [{"name": "i"}, {"name": "j"}]}, "status": status});
        let row = cells(&See { object: &object, now: "2026-11-22T14:33:12Z".parse().expect("a time") });
        (row[2].as_str().unwrap_or_default().to_owned(), row[3].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_pod_says_what_is_the_matter_with_it() {
        let cases = [
            (
                json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"running": {}}}, {"name": "j"}]}),
                "Init:0/2",
                "0",
            ),
            (
                json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}),
                "Init:CrashLoopBackOff",
                "3",
            ),
            (
                json!({"phase": "Running", "containerStatuses": [{"name": "c", "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-11-22T14:32:42Z"}}}]}),
                "CrashLoopBackOff",
                "2 (30s ago)",
            ),
            (
                json!({"phase": "Running", "containerStatuses": [{"name": "c", "ready": true, "state": {"running": {}}}]}),
                "Running",
                "0",
            ),
            (
                json!({"phase": "Succeeded", "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]}),
                "Completed",
                "0",
            ),
            (
                json!({"phase": "Failed", "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}),
                "OOMKilled",
                "0",
            ),
        ];
        for (status, reason, restarts) in cases {
            assert_eq!(status_of(&status), (reason.to_owned(), restarts.to_owned()));
        }
    }
}
