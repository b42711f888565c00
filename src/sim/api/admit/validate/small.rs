//! What the API server refuses in the smaller kinds.
//!
//! Owns the rules of Services, claims, quotas, budgets, leases, doors and rights that people meet.

use serde_json::{Value, json};

use super::containers::percent;
use super::{AT_LEAST_ZERO, config_keys};
use crate::sim::api::failure::Cause;
use crate::sim::api::kinds::{Res, known};

/// Collects what is wrong with an object of one of these kinds.
pub(super) fn object(res: Res, object: &Value, causes: &mut Vec<Cause>) {
    let k = known();
    let spec = &object["spec"];
    if res == k.configmaps {
        for key in object["data"].as_object().into_iter().flatten().map(|(key, _)| key) {
            if !object["binaryData"][key.as_str()].is_null() {
                causes.push(Cause::invalid(format!("data[{key}]"), format!("\"{key}\""), "duplicate of key present in binaryData"));
            }
        }
    } else if res == k.secrets {
        config_keys(object, causes);
        if object["type"] == "kubernetes.io/tls" {
            let missing = ["tls.crt", "tls.key"].into_iter().filter(|key| object["data"][*key].is_null());
            causes.extend(missing.map(|key| Cause::required(format!("data[{key}]"), "")));
        }
    } else if res == k.claims {
        if spec["accessModes"].as_array().is_none_or(Vec::is_empty) {
            causes.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
        }
        if spec["resources"]["requests"]["storage"].is_null() {
            causes.push(Cause::required("spec.resources[storage]", ""));
        }
    } else if res == k.quotas {
        for (name, amount) in spec["hard"].as_object().into_iter().flatten() {
            if amount.as_str().is_some_and(|a| a.starts_with('-')) {
                causes.push(Cause::invalid(format!("spec.hard[{name}]"), amount, AT_LEAST_ZERO));
            }
        }
    } else if res == k.budgets {
        budget(spec, causes);
    } else if res == k.leases {
        if let Some(n) = spec["leaseDurationSeconds"].as_i64().filter(|n| *n <= 0) {
            causes.push(Cause::invalid("spec.leaseDurationSeconds", n, "must be greater than 0"));
        }
        if let Some(n) = spec["leaseTransitions"].as_i64().filter(|n| *n < 0) {
            causes.push(Cause::invalid("spec.leaseTransitions", n, AT_LEAST_ZERO));
        }
    } else if res == k.ingresses {
        ingress(spec, causes);
    } else if res == k.roles || res == k.cluster_roles {
        for (i, rule) in object["rules"].as_array().into_iter().flatten().enumerate() {
            if rule["verbs"].as_array().is_none_or(Vec::is_empty) {
                causes.push(Cause::required(format!("rules[{i}].verbs"), "verbs must contain at least one value"));
            }
        }
    } else if res == k.role_bindings || res == k.cluster_role_bindings {
        binding(object, causes);
    } else if res == k.events {
        event(object, causes);
    }
}

fn budget(spec: &Value, causes: &mut Vec<Cause>) {
    if !spec["minAvailable"].is_null() && !spec["maxUnavailable"].is_null() {
        let shown = json!({"MinAvailable": spec["minAvailable"], "Selector": spec["selector"], "MaxUnavailable": spec["maxUnavailable"],
            "UnhealthyPodEvictionPolicy": null});
        causes.push(Cause::invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set"));
    }
    for bound in ["minAvailable", "maxUnavailable"] {
        percent(&spec[bound], &format!("spec.{bound}"), causes);
    }
}

fn ingress(spec: &Value, causes: &mut Vec<Cause>) {
    let rules = spec["rules"].as_array();
    if rules.is_none_or(Vec::is_empty) && !spec["defaultBackend"].is_object() {
        causes.push(Cause::invalid("spec", "null", "either `defaultBackend` or `rules` must be specified"));
    }
    for (i, rule) in rules.into_iter().flatten().enumerate() {
        for (j, path) in rule["http"]["paths"].as_array().into_iter().flatten().enumerate() {
            let at = format!("spec.rules[{i}].http.paths[{j}]");
            let shown = path["path"].as_str().unwrap_or_default();
            match path["pathType"].as_str() {
                None | Some("") => causes.push(Cause::required(format!("{at}.pathType"), "pathType must be specified")),
                Some("Exact" | "Prefix") if !shown.starts_with('/') => {
                    causes.push(Cause::invalid(format!("{at}.path"), format!("\"{shown}\""), "must be an absolute path"));
                }
                Some(_) => {}
            }
        }
    }
}

fn binding(object: &Value, causes: &mut Vec<Cause>) {
    if object["roleRef"]["name"].as_str().is_none_or(str::is_empty) {
        causes.push(Cause::required("roleRef.name", ""));
    }
    for (i, subject) in object["subjects"].as_array().into_iter().flatten().enumerate() {
        let kind = subject["kind"].as_str().unwrap_or_default();
        let kinds = ["ServiceAccount", "User", "Group"];
        if !kinds.contains(&kind) {
            causes.push(Cause::unsupported(format!("subjects[{i}].kind"), kind, &kinds));
        }
    }
}

fn event(object: &Value, causes: &mut Vec<Cause>) {
    let about = object["involvedObject"]["namespace"].as_str().unwrap_or_default();
    if !about.is_empty() && object["metadata"]["namespace"] != about {
        causes.push(Cause::invalid("involvedObject.namespace", format!("\"{about}\""), "does not match event.namespace"));
    }
}
