//! Defaults: what a field is when nobody says it.
//!
//! Owns the defaulting of k8s.io/kubernetes/pkg/apis, as far as the kinds of the simulator have it.

use serde_json::{Map, Value, json};

use crate::sim::api::kinds::{Res, known};

/// Fills in the defaults of a kind.
pub(super) fn of(res: Res, object: &mut Value) {
    let k = known();
    if res == k.pods {
        pod_spec(&mut object["spec"], true);
    } else if res == k.deployments {
        deployment(&mut object["spec"]);
    } else if res == k.replicasets {
        set(&mut object["spec"], "replicas", json!(1));
        pod_spec(&mut object["spec"]["template"]["spec"], true);
    } else if res == k.statefulsets {
        statefulset(&mut object["spec"]);
    } else if res == k.daemonsets {
        daemonset(&mut object["spec"]);
    } else if res == k.jobs {
        job_spec(&mut object["spec"]);
    } else if res == k.cronjobs {
        let spec = &mut object["spec"];
        set(spec, "concurrencyPolicy", json!("Allow"));
        set(spec, "suspend", json!(false));
        set(spec, "successfulJobsHistoryLimit", json!(3));
        set(spec, "failedJobsHistoryLimit", json!(1));
        pod_spec(&mut spec["jobTemplate"]["spec"]["template"]["spec"], false);
    } else if res == k.services {
        service(&mut object["spec"]);
    } else if res == k.autoscalers {
        autoscaler(&mut object["spec"]);
    } else {
        others(res, object);
    }
}

fn others(res: Res, object: &mut Value) {
    let k = known();
    if res == k.secrets {
        set(object, "type", json!("Opaque"));
        // `stringData` is written only: it becomes data.
        if let Some(Value::Object(plain)) = object.as_object_mut().and_then(|o| o.shift_remove("stringData")) {
            for (key, value) in plain {
                object["data"][key] = json!(base64(value.as_str().unwrap_or_default()));
            }
        }
    } else if res == k.claims {
        set(&mut object["spec"], "volumeMode", json!("Filesystem"));
        set(&mut object["spec"], "storageClassName", json!("standard"));
    } else if res == k.volumes {
        set(&mut object["spec"], "volumeMode", json!("Filesystem"));
        set(&mut object["spec"], "persistentVolumeReclaimPolicy", json!("Retain"));
    } else if res == k.storage_classes {
        set(object, "reclaimPolicy", json!("Delete"));
        set(object, "volumeBindingMode", json!("Immediate"));
    } else if res == k.role_bindings || res == k.cluster_role_bindings {
        for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
            if matches!(subject["kind"].as_str(), Some("User" | "Group")) {
                set(subject, "apiGroup", json!("rbac.authorization.k8s.io"));
            }
        }
        set(&mut object["roleRef"], "apiGroup", json!("rbac.authorization.k8s.io"));
    } else if res.row().plural == "networkpolicies" {
        let egress = !object["spec"]["egress"].is_null();
        set(&mut object["spec"], "policyTypes", if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
        for direction in ["ingress", "egress"] {
            for rule in object["spec"][direction].as_array_mut().into_iter().flatten() {
                rule["ports"].as_array_mut().into_iter().flatten().for_each(|p| set(p, "protocol", json!("TCP")));
                if let Some(rule) = rule.as_object_mut().filter(|r| r.get("ports").is_some_and(Value::is_null)) {
                    rule.shift_remove("ports");
                }
            }
            if let Some(spec) = object["spec"].as_object_mut().filter(|s| s.get(direction).is_some_and(Value::is_null)) {
                spec.shift_remove(direction);
            }
        }
    } else if res == k.slices {
        object["ports"].as_array_mut().into_iter().flatten().for_each(|p| set(p, "protocol", json!("TCP")));
    }
}

fn base64(text: &str) -> String {
    use ::base64::Engine;
    ::base64::prelude::BASE64_STANDARD.encode(text)
}

/// Sets a field that is missing, null or empty text.
fn set(object: &mut Value, field: &str, value: Value) {
    if object.is_null() {
        *object = Value::Object(Map::new());
    }
    if let Some(map) = object.as_object_mut() {
        let missing = map.get(field).is_none_or(|v| v.is_null() || v.as_str() == Some(""));
        if missing {
            map.insert(field.to_owned(), value);
        }
    }
}

fn deployment(spec: &mut Value) {
    set(spec, "replicas", json!(1));
    set(&mut spec["strategy"], "type", json!("RollingUpdate"));
    if spec["strategy"]["type"] == "RollingUpdate" {
        set(&mut spec["strategy"]["rollingUpdate"], "maxUnavailable", json!("25%"));
        set(&mut spec["strategy"]["rollingUpdate"], "maxSurge", json!("25%"));
    }
    set(spec, "revisionHistoryLimit", json!(10));
    set(spec, "progressDeadlineSeconds", json!(600));
    pod_spec(&mut spec["template"]["spec"], true);
}

fn statefulset(spec: &mut Value) {
    set(spec, "replicas", json!(1));
    set(spec, "podManagementPolicy", json!("OrderedReady"));
    set(&mut spec["updateStrategy"], "type", json!("RollingUpdate"));
    if spec["updateStrategy"]["type"] == "RollingUpdate" {
        set(&mut spec["updateStrategy"]["rollingUpdate"], "partition", json!(0));
    }
    set(spec, "revisionHistoryLimit", json!(10));
    set(spec, "persistentVolumeClaimRetentionPolicy", json!({"whenDeleted": "Retain", "whenScaled": "Retain"}));
    for claim in spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten() {
        set(claim, "apiVersion", json!("v1"));
        set(claim, "kind", json!("PersistentVolumeClaim"));
        set(&mut claim["spec"], "volumeMode", json!("Filesystem"));
        claim["status"] = json!({"phase": "Pending"});
    }
    pod_spec(&mut spec["template"]["spec"], true);
}

fn daemonset(spec: &mut Value) {
    set(&mut spec["updateStrategy"], "type", json!("RollingUpdate"));
    if spec["updateStrategy"]["type"] == "RollingUpdate" {
        set(&mut spec["updateStrategy"]["rollingUpdate"], "maxUnavailable", json!(1));
        set(&mut spec["updateStrategy"]["rollingUpdate"], "maxSurge", json!(0));
    }
    set(spec, "revisionHistoryLimit", json!(10));
    pod_spec(&mut spec["template"]["spec"], true);
}

fn job_spec(spec: &mut Value) {
    set(spec, "completions", json!(1));
    set(spec, "parallelism", json!(1));
    set(spec, "backoffLimit", json!(6));
    set(spec, "completionMode", json!("NonIndexed"));
    set(spec, "suspend", json!(false));
    set(spec, "podReplacementPolicy", json!("TerminatingOrFailed"));
    pod_spec(&mut spec["template"]["spec"], false);
}

/// Gives a Job the labels by which it knows its pods.
pub(crate) fn job(job: &mut Value) {
    job_spec(&mut job["spec"]);
    if job["spec"]["manualSelector"] == true {
        return;
    }
    let (uid, name) = (job["metadata"]["uid"].clone(), job["metadata"]["name"].clone());
    job["spec"]["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
    job["spec"]["manualSelector"] = json!(false);
    let labels = &mut job["spec"]["template"]["metadata"]["labels"];
    let pairs =
        [("batch.kubernetes.io/controller-uid", &uid), ("batch.kubernetes.io/job-name", &name), ("controller-uid", &uid), ("job-name", &name)];
    for (label, value) in pairs {
        labels[label] = value.clone();
    }
    if job["metadata"]["labels"].as_object().is_none_or(serde_json::Map::is_empty) {
        job["metadata"]["labels"] = job["spec"]["template"]["metadata"]["labels"].clone();
    }
}

fn service(spec: &mut Value) {
    set(spec, "sessionAffinity", json!("None"));
    set(spec, "type", json!("ClusterIP"));
    if spec["type"] != "ExternalName" {
        set(spec, "internalTrafficPolicy", json!("Cluster"));
    }
    if matches!(spec["type"].as_str(), Some("NodePort" | "LoadBalancer")) {
        set(spec, "externalTrafficPolicy", json!("Cluster"));
        if spec["type"] == "LoadBalancer" {
            set(spec, "allocateLoadBalancerNodePorts", json!(true));
        }
    }
    for port in spec["ports"].as_array_mut().into_iter().flatten() {
        set(port, "protocol", json!("TCP"));
        let number = port["port"].clone();
        if port["targetPort"].is_null() || port["targetPort"] == json!(0) || port["targetPort"] == json!("") {
            port["targetPort"] = number;
        }
    }
}

fn autoscaler(spec: &mut Value) {
    set(spec, "minReplicas", json!(1));
    if spec["metrics"].as_array().is_none_or(Vec::is_empty) {
        spec["metrics"] = json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]);
    }
    if !spec["behavior"].is_object() {
        if let Some(map) = spec.as_object_mut() {
            map.shift_remove("behavior");
        }
        return;
    }
    // Once one direction is described, both are filled in.
    let policies = |down: bool| {
        let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
        if down { json!([percent]) } else { json!([{"type": "Pods", "value": 4, "periodSeconds": 15}, percent]) }
    };
    let behavior = &mut spec["behavior"];
    set(&mut behavior["scaleUp"], "stabilizationWindowSeconds", json!(0));
    for (direction, down) in [("scaleUp", false), ("scaleDown", true)] {
        set(&mut behavior[direction], "selectPolicy", json!("Max"));
        set(&mut behavior[direction], "policies", policies(down));
    }
}

fn pod_spec(spec: &mut Value, always: bool) {
    if always {
        set(spec, "restartPolicy", json!("Always"));
    }
    set(spec, "terminationGracePeriodSeconds", json!(30));
    set(spec, "dnsPolicy", json!("ClusterFirst"));
    set(spec, "schedulerName", json!("default-scheduler"));
    set(spec, "securityContext", json!({}));
    if let Some(account) = spec["serviceAccountName"].as_str().filter(|a| !a.is_empty()).map(str::to_owned) {
        set(spec, "serviceAccount", json!(account));
    }
    for list in ["initContainers", "containers"] {
        spec[list].as_array_mut().into_iter().flatten().for_each(container);
    }
    if let Some(map) = spec.as_object_mut() {
        map.retain(|k, v| !(v.is_null() && k != "containers"));
    }
    for volume in spec["volumes"].as_array_mut().into_iter().flatten() {
        for source in ["secret", "configMap", "projected", "downwardAPI"] {
            if volume[source].is_object() {
                set(&mut volume[source], "defaultMode", json!(420));
            }
        }
        if volume["hostPath"].is_object() {
            let path = &mut volume["hostPath"];
            if path["type"].is_null() {
                path["type"] = json!("");
            }
        }
        if let Some(map) = volume.as_object_mut() {
            map.retain(|_, v| !v.is_null());
        }
    }
    if let Some(map) = spec.as_object_mut() {
        map.retain(|k, v| !(v.is_null() && k != "containers"));
    }
}

fn container(container: &mut Value) {
    set(container, "resources", json!({}));
    set(container, "terminationMessagePath", json!("/dev/termination-log"));
    set(container, "terminationMessagePolicy", json!("File"));
    let image = container["image"].as_str().unwrap_or_default();
    let tag = image.rsplit('/').next().and_then(|last| last.split_once(':')).map_or("latest", |(_, t)| t);
    let policy = if tag == "latest" && !image.contains('@') { "Always" } else { "IfNotPresent" };
    set(container, "imagePullPolicy", json!(policy));
    for port in container["ports"].as_array_mut().into_iter().flatten() {
        set(port, "protocol", json!("TCP"));
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if container[probe].is_object() {
            self::probe(&mut container[probe]);
        }
    }
    for variable in container["env"].as_array_mut().into_iter().flatten() {
        if variable["valueFrom"]["fieldRef"].is_object() {
            set(&mut variable["valueFrom"]["fieldRef"], "apiVersion", json!("v1"));
        } else if let Some(map) = variable.as_object_mut().filter(|m| m.get("valueFrom").is_some_and(Value::is_null)) {
            map.shift_remove("valueFrom");
        }
    }
    // What is limited and not requested is requested as it is limited.
    if let Some(limits) = container["resources"]["limits"].as_object().cloned() {
        for (name, amount) in limits {
            set(&mut container["resources"]["requests"], &name, amount);
        }
    }
    if let Some(resources) = container["resources"].as_object_mut() {
        resources.retain(|_, v| !v.is_null());
    }
    if let Some(map) = container.as_object_mut() {
        map.retain(|_, v| !v.is_null());
    }
}

fn probe(probe: &mut Value) {
    for (field, value) in [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)] {
        if probe[field].as_u64().is_none_or(|n| n == 0) {
            probe[field] = json!(value);
        }
    }
    if probe["httpGet"].is_object() {
        set(&mut probe["httpGet"], "path", json!("/"));
        set(&mut probe["httpGet"], "scheme", json!("HTTP"));
    }
    if let Some(map) = probe.as_object_mut() {
        map.retain(|_, v| !v.is_null());
    }
}
