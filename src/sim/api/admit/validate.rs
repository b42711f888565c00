//! What the API server refuses.
//!
//! Owns the rules of k8s.io/kubernetes/pkg/apis/*/validation that people meet: names, selectors, templates, immutable fields, ranges.

mod containers;
mod small;

use serde_json::Value;

use super::wrong_label_key;
use crate::sim::api::failure::{Cause, Failure};
use crate::sim::api::kinds::{Res, known};
use crate::sim::api::selector::Labels;
use crate::sim::control::next_run;

pub(super) const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const AT_LEAST_ZERO: &str = "must be greater than or equal to 0";
const IMMUTABLE: &str = "field is immutable";

/// Refuses a new object that is wrong.
pub(super) fn create(res: Res, object: &Value) -> Result<(), Failure> {
    let mut causes = Vec::new();
    metadata(res, object, &mut causes);
    spec(res, object, &mut causes);
    refuse(res, object, &causes)
}

/// Refuses a next version that is wrong or changes what must not change.
pub(super) fn update(res: Res, old: &Value, new: &Value) -> Result<(), Failure> {
    let k = known();
    let mut causes = Vec::new();
    metadata(res, new, &mut causes);
    spec(res, new, &mut causes);
    let moved = |field: &str| old["spec"][field] != new["spec"][field];
    if old["metadata"]["deletionTimestamp"].is_string() {
        let held = |object: &Value| object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        let (before, after) = (held(old), held(new));
        let fresh: Vec<String> = after.iter().filter(|f| !before.contains(f)).map(ToString::to_string).collect();
        if !fresh.is_empty() {
            let why = "no new finalizers can be added if the object is being deleted, found new finalizers";
            causes.push(Cause::forbidden("metadata.finalizers", &format!("{why} []string{{{}}}", fresh.join(", "))));
        }
    }
    if [k.deployments, k.replicasets, k.daemonsets].contains(&res) && moved("selector") {
        causes.push(Cause::invalid("spec.selector", &new["spec"]["selector"], IMMUTABLE));
    }
    if res == k.jobs {
        for field in ["completions", "selector", "template"] {
            // A suspended Job that never started may still change its template.
            if moved(field) && !(field == "template" && old["spec"]["suspend"] == true && old["status"]["startTime"].is_null()) {
                causes.push(Cause::invalid(format!("spec.{field}"), &new["spec"][field], IMMUTABLE));
            }
        }
    }
    if res == k.statefulsets && differs_beside(old, new, &STATEFULSET_MAY) {
        causes.push(Cause::forbidden("spec", STATEFULSET_WORDS));
    }
    if res == k.pods && pod_differs(old, new) {
        causes.push(Cause::forbidden("spec", POD_WORDS));
    }
    if res == k.services && moved("clusterIP") && old["spec"]["clusterIP"].as_str().is_some_and(|ip| !ip.is_empty()) {
        let mut shown = vec![new["spec"]["clusterIP"].clone()];
        causes.push(Cause::invalid("spec.clusterIPs[0]", Value::Array(std::mem::take(&mut shown)), "may not change once set"));
    }
    if (res == k.secrets || res == k.configmaps) && old["immutable"] == true && (old["data"] != new["data"] || new["immutable"] != true) {
        causes.push(Cause::forbidden(
            if old["data"] == new["data"] { "immutable" } else { "data" },
            "field is immutable when `immutable` is set",
        ));
    }
    if res == k.secrets && old["type"] != new["type"] {
        causes.push(Cause::invalid("type", &new["type"], IMMUTABLE));
    }
    if (res == k.role_bindings || res == k.cluster_role_bindings) && old["roleRef"] != new["roleRef"] {
        causes.push(Cause::invalid("roleRef", &new["roleRef"], "cannot change roleRef"));
    }
    refuse(res, new, &causes)
}

const STATEFULSET_MAY: [&str; 7] =
    ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"];
const STATEFULSET_WORDS: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const POD_WORDS: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

fn refuse(res: Res, object: &Value, causes: &[Cause]) -> Result<(), Failure> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(Failure::invalid(res.row(), object["metadata"]["name"].as_str().unwrap_or_default(), causes))
}

fn differs_beside(old: &Value, new: &Value, may: &[&str]) -> bool {
    let rest = |v: &Value| {
        let mut spec = v["spec"].as_object().cloned().unwrap_or_default();
        spec.retain(|k, _| !may.contains(&k.as_str()));
        spec
    };
    rest(old) != rest(new)
}

fn pod_differs(old: &Value, new: &Value) -> bool {
    let rest = |v: &Value| {
        let mut spec = v["spec"].clone();
        for list in ["containers", "initContainers"] {
            spec[list].as_array_mut().into_iter().flatten().for_each(|c| c["image"] = Value::Null);
        }
        for field in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "ephemeralContainers", "initContainers"] {
            if (field != "initContainers" || spec[field].is_null())
                && let Some(map) = spec.as_object_mut()
            {
                map.shift_remove(field);
            }
        }
        spec
    };
    rest(old) != rest(new)
}

fn metadata(res: Res, object: &Value, causes: &mut Vec<Cause>) {
    let metadata = &object["metadata"];
    let text = metadata["name"].as_str().unwrap_or_default();
    if text.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else {
        causes.extend(name(res, text));
    }
    for (key, value) in metadata["labels"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        if let Some(wrong) = wrong_label_key(key) {
            causes.push(Cause::invalid("metadata.labels", format!("\"{key}\""), &wrong));
        }
        if value.len() > 63 {
            causes.push(Cause {
                reason: "FieldValueInvalid",
                field: "metadata.labels".into(),
                message: format!("Invalid value: \"{value}\": must be no more than 63 bytes"),
            });
        } else if !label_value(value) {
            causes.push(Cause::invalid("metadata.labels", format!("\"{value}\""), LABEL_VALUE));
        }
    }
    for key in metadata["annotations"].as_object().into_iter().flatten().map(|(key, _)| key) {
        if let Some(wrong) = wrong_label_key(&key.to_lowercase()) {
            causes.push(Cause::invalid("metadata.annotations", format!("\"{key}\""), &wrong));
        }
    }
    for owner in metadata["ownerReferences"].as_array().into_iter().flatten() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if owner[field].as_str().is_none_or(str::is_empty) {
                causes.push(Cause::invalid(format!("metadata.ownerReferences.{field}"), "\"\"", "must not be empty"));
            }
        }
    }
    for (i, finalizer) in metadata["finalizers"].as_array().into_iter().flatten().enumerate() {
        let finalizer = finalizer.as_str().unwrap_or_default();
        if let Some(wrong) = wrong_label_key(finalizer) {
            causes.push(Cause::invalid("metadata.finalizers", format!("\"{finalizer}\""), &wrong));
        }
        if !finalizer.contains('/') && !["foregroundDeletion", "orphan", "kubernetes"].contains(&finalizer) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid(format!("metadata.finalizers[{i}]"), format!("\"{finalizer}\""), why));
        }
    }
}

/// What is wrong with the name of an object.
pub(crate) fn name(res: Res, text: &str) -> Option<Cause> {
    let k = known();
    let label_only = res == k.namespaces || res == k.services;
    let path_only = [k.roles, k.role_bindings, k.cluster_roles, k.cluster_role_bindings].contains(&res);
    let shown = format!("\"{text}\"");
    if path_only {
        let bad = text.contains(['/', '%']) || text == "." || text == "..";
        return bad.then(|| Cause::invalid("metadata.name", shown, "may not contain '/'"));
    }
    let limit = if label_only { 63 } else { 253 };
    if text.len() > limit {
        return Some(Cause::invalid("metadata.name", shown, &format!("must be no more than {limit} bytes")));
    }
    if label_only {
        return (!label(text)).then(|| Cause::invalid("metadata.name", shown, LABEL));
    }
    (!subdomain(text)).then(|| Cause::invalid("metadata.name", shown, SUBDOMAIN))
}

fn label(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether a text is a DNS name in lower case.
pub(super) fn subdomain(text: &str) -> bool {
    text.split('.').all(label)
}

fn label_value(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) && edge(text.chars().next()) && edge(text.chars().last())
}

fn spec(res: Res, object: &Value, causes: &mut Vec<Cause>) {
    let k = known();
    small::object(res, object, causes);
    let spec = &object["spec"];
    if res == k.pods {
        pod_spec(spec, "spec", None, &[], causes);
    } else if [k.deployments, k.replicasets, k.daemonsets, k.statefulsets].contains(&res) {
        workload(spec, causes);
        if res == k.deployments {
            containers::strategy(spec, causes);
        }
    } else if res == k.jobs {
        non_negative(spec, "spec", &["parallelism", "completions", "backoffLimit"], causes);
        pod_spec(&spec["template"]["spec"], "spec.template.spec", Some(&["OnFailure", "Never"]), &[], causes);
    } else if res == k.cronjobs {
        cronjob(spec, causes);
    } else if res == k.services {
        service(spec, causes);
    } else if res == k.autoscalers {
        autoscaler(spec, causes);
    } else if res == k.configmaps {
        config_keys(object, causes);
    }
}

/// Collects what is wrong with the keys of `data`.
fn config_keys(object: &Value, causes: &mut Vec<Cause>) {
    for key in object["data"].as_object().into_iter().flatten().map(|(k, _)| k) {
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            let why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
            causes.push(Cause::invalid(format!("data[{key}]"), format!("\"{key}\""), why));
        }
    }
}

fn non_negative(spec: &Value, path: &str, fields: &[&str], causes: &mut Vec<Cause>) {
    for field in fields {
        if let Some(n) = spec[*field].as_i64().filter(|n| *n < 0) {
            causes.push(Cause::invalid(format!("{path}.{field}"), n, AT_LEAST_ZERO));
        }
    }
}

fn workload(spec: &Value, causes: &mut Vec<Cause>) {
    non_negative(spec, "spec", &["replicas", "minReadySeconds", "revisionHistoryLimit"], causes);
    let labels = spec["template"]["metadata"]["labels"].as_object();
    let set: Vec<_> = labels
        .into_iter()
        .flatten()
        .map(|(k, v)| (k.as_str().into(), v.as_str().unwrap_or_default().into()))
        .collect();
    match Labels::from_object(spec.get("selector").filter(|s| !s.is_null())) {
        None => causes.push(Cause::required("spec.selector", "")),
        Some(selector) if selector.is_empty() => {
            causes.push(Cause::invalid("spec.selector", "{}", "empty selector is invalid for deployment"));
        }
        Some(selector) if !selector.matches(&set) => {
            let shown = labels.map_or_else(|| Value::Null, |l| Value::Object(l.clone()));
            causes.push(Cause::invalid("spec.template.metadata.labels", shown, "`selector` does not match template `labels`"));
        }
        Some(_) => {}
    }
    let claims = spec["volumeClaimTemplates"].as_array().into_iter().flatten();
    let claims: Vec<&str> = claims.filter_map(|claim| claim["metadata"]["name"].as_str()).collect();
    pod_spec(&spec["template"]["spec"], "spec.template.spec", Some(&["Always"]), &claims, causes);
}

/// `claims` are volumes that a StatefulSet brings beside the template's own.
fn pod_spec(spec: &Value, path: &str, policies: Option<&[&str]>, claims: &[&str], causes: &mut Vec<Cause>) {
    let mut volumes = containers::volumes(spec, path, causes);
    volumes.extend(claims);
    let containers = spec["containers"].as_array();
    if containers.is_none_or(Vec::is_empty) {
        causes.push(Cause::required(format!("{path}.containers"), ""));
    }
    let mut seen: Vec<&str> = Vec::new();
    for (i, container) in containers.into_iter().flatten().enumerate() {
        let at = format!("{path}.containers[{i}]");
        let name = container["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        } else if seen.contains(&name) {
            causes.push(Cause { reason: "FieldValueDuplicate", field: format!("{at}.name"), message: format!("Duplicate value: \"{name}\"") });
        } else if self::name(known().namespaces, name).is_some() {
            causes.push(Cause::invalid(format!("{at}.name"), format!("\"{name}\""), LABEL));
        }
        seen.push(name);
        if container["image"].as_str().is_none_or(str::is_empty) {
            causes.push(Cause::required(format!("{at}.image"), ""));
        }
        containers::container(container, &at, &volumes, causes);
    }
    let (dns, known) = (spec["dnsPolicy"].as_str().unwrap_or_default(), ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]);
    if !dns.is_empty() && !known.contains(&dns) {
        causes.push(Cause::unsupported(format!("{path}.dnsPolicy"), dns, &known));
    }
    let policy = spec["restartPolicy"].as_str().unwrap_or_default();
    let all = ["Always", "OnFailure", "Never"];
    if policy.is_empty() || policies.is_some_and(|p| !p.contains(&policy)) || !all.contains(&policy) {
        let field = format!("{path}.restartPolicy");
        match policies {
            Some(allowed) if policy.is_empty() => {
                let list: Vec<String> = allowed.iter().map(|a| format!("\"{a}\"")).collect();
                causes.push(Cause { reason: "FieldValueRequired", field, message: format!("Required value: valid values: {}", list.join(", ")) });
            }
            Some(allowed) => {
                // A policy that is none at all is refused twice.
                if !all.contains(&policy) {
                    causes.push(Cause::unsupported(field.clone(), policy, &all));
                }
                causes.push(Cause::unsupported(field, policy, allowed));
            }
            None => causes.push(Cause::unsupported(field, policy, &all)),
        }
    }
}

fn cronjob(spec: &Value, causes: &mut Vec<Cause>) {
    let schedule = spec["schedule"].as_str().unwrap_or_default();
    if schedule.is_empty() {
        causes.push(Cause::required("spec.schedule", ""));
    } else if next_run(schedule, None, jiff::Timestamp::UNIX_EPOCH).is_none() {
        let count = schedule.split_whitespace().count();
        let why = if count == 5 { "failed to parse".to_owned() } else { format!("expected exactly 5 fields, found {count}: [{schedule}]") };
        causes.push(Cause::invalid("spec.schedule", format!("\"{schedule}\""), &why));
    }
    let policy = spec["concurrencyPolicy"].as_str().unwrap_or_default();
    let all = ["Allow", "Forbid", "Replace"];
    if !all.contains(&policy) {
        causes.push(Cause::unsupported("spec.concurrencyPolicy", policy, &all));
    }
    let template = &spec["jobTemplate"]["spec"]["template"]["spec"];
    pod_spec(template, "spec.jobTemplate.spec.template.spec", Some(&["OnFailure", "Never"]), &[], causes);
}

fn service(spec: &Value, causes: &mut Vec<Cause>) {
    let ports = spec["ports"].as_array();
    if spec["type"] != "ExternalName" && spec["clusterIP"] != "None" && ports.is_none_or(Vec::is_empty) {
        causes.push(Cause::required("spec.ports", ""));
    }
    for (i, port) in ports.into_iter().flatten().enumerate() {
        let number = port["port"].as_i64().unwrap_or(0);
        if !(1..=65_535).contains(&number) {
            causes.push(Cause::invalid(format!("spec.ports[{i}].port"), number, "must be between 1 and 65535, inclusive"));
        }
        if let Some(target) = port["targetPort"].as_i64().filter(|target| !(1..=65_535).contains(target)) {
            causes.push(Cause::invalid(format!("spec.ports[{i}].targetPort"), target, "must be between 1 and 65535, inclusive"));
        }
        if port["name"].as_str().is_none_or(str::is_empty) && ports.is_some_and(|p| p.len() > 1) {
            causes.push(Cause::required(format!("spec.ports[{i}].name"), ""));
        }
    }
    let (affinity, known) = (spec["sessionAffinity"].as_str().unwrap_or_default(), ["ClientIP", "None"]);
    if !affinity.is_empty() && !known.contains(&affinity) {
        causes.push(Cause::unsupported("spec.sessionAffinity", affinity, &known));
    }
    if spec["type"] == "ExternalName" && spec["externalName"].as_str().is_none_or(str::is_empty) {
        causes.push(Cause::required("spec.externalName", ""));
    }
    let kind = spec["type"].as_str().unwrap_or_default();
    let all = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !all.contains(&kind) {
        causes.push(Cause::unsupported("spec.type", kind, &all));
    }
}

fn autoscaler(spec: &Value, causes: &mut Vec<Cause>) {
    let (minimum, maximum) = (spec["minReplicas"].as_i64().unwrap_or(1), spec["maxReplicas"].as_i64().unwrap_or(0));
    if minimum < 1 {
        causes.push(Cause::invalid("spec.minReplicas", minimum, "must be greater than or equal to 1"));
    }
    if maximum < 1 {
        causes.push(Cause::required("spec.maxReplicas", "must be set and greater than 0"));
    }
    if maximum < minimum {
        causes.push(Cause::invalid("spec.maxReplicas", maximum, "must be greater than or equal to `minReplicas`"));
    }
}

/// Refuses a Scale with fewer than no replicas.
pub(crate) fn scale(name: &str, replicas: i64) -> Result<(), Failure> {
    if replicas >= 0 {
        return Ok(());
    }
    Err(Failure::invalid_kind("autoscaling", "Scale", name, &[Cause::invalid("spec.replicas", replicas, AT_LEAST_ZERO)]))
}
