//! What every new pod gets beside its defaults.
//!
//! Owns what the admission plugins ServiceAccount, Priority and DefaultTolerationSeconds add, and the quality of service.

use serde_json::{Value, json};

/// Completes a new pod. `suffix` names its token volume.
pub(crate) fn pod(pod: &mut Value, suffix: &str) {
    let class = quality_of_service(&pod["spec"]);
    let spec = &mut pod["spec"];
    if spec["serviceAccountName"].as_str().is_none_or(str::is_empty) {
        spec["serviceAccountName"] = json!("default");
    }
    spec["serviceAccount"] = spec["serviceAccountName"].clone();
    if spec["enableServiceLinks"].is_null() {
        spec["enableServiceLinks"] = json!(true);
    }
    if spec["priority"].is_null() {
        spec["priority"] = json!(0);
    }
    if spec["preemptionPolicy"].is_null() {
        spec["preemptionPolicy"] = json!("PreemptLowerPriority");
    }
    let mut tolerations = spec["tolerations"].as_array().cloned().unwrap_or_default();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        if !tolerations.iter().any(|t| t["key"] == key && t["effect"] == "NoExecute") {
            tolerations.push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
        }
    }
    spec["tolerations"] = Value::Array(tolerations);
    if spec["automountServiceAccountToken"] != false {
        token(spec, &format!("kube-api-access-{suffix}"));
    }
    pod["status"] = json!({"phase": "Pending", "qosClass": class});
}

fn token(spec: &mut Value, name: &str) {
    const PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let mounted = |c: &Value| c["volumeMounts"].as_array().into_iter().flatten().any(|m| m["mountPath"] == PATH);
    if spec["containers"].as_array().into_iter().flatten().any(mounted) {
        return;
    }
    let mut volumes = spec["volumes"].as_array().cloned().unwrap_or_default();
    volumes.push(json!({"name": name, "projected": {"sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}],
        "defaultMode": 420}}));
    spec["volumes"] = Value::Array(volumes);
    for list in ["initContainers", "containers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            let mut mounts = container["volumeMounts"].as_array().cloned().unwrap_or_default();
            mounts.push(json!({"name": name, "readOnly": true, "mountPath": PATH}));
            container["volumeMounts"] = Value::Array(mounts);
        }
    }
    if let Some(map) = spec.as_object_mut().filter(|m| m.get("initContainers").is_some_and(Value::is_null)) {
        map.shift_remove("initContainers");
    }
}

fn quality_of_service(spec: &Value) -> &'static str {
    let containers = || ["initContainers", "containers"].into_iter().filter_map(|l| spec[l].as_array()).flatten();
    let amounts = |c: &Value, kind: &str| ["cpu", "memory"].map(|r| c["resources"][kind][r].as_str().map(str::to_owned));
    let any = containers().any(|c| amounts(c, "limits").iter().chain(&amounts(c, "requests")).any(Option::is_some));
    let full = containers().all(|c| {
        let (limits, requests) = (amounts(c, "limits"), amounts(c, "requests"));
        limits.iter().all(Option::is_some) && limits == requests
    });
    match (any, full) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
