//! What the API server refuses in the containers and volumes of a pod.
//!
//! Owns the rules of ValidatePodSpec that people meet when they change a workload.

use serde_json::Value;

use super::AT_LEAST_ZERO;
use crate::base::quantity;
use crate::sim::api::failure::Cause;

const PORT: &str = "must be between 1 and 65535, inclusive";

/// Collects what is wrong with one container.
pub(super) fn container(container: &Value, at: &str, volumes: &[&str], causes: &mut Vec<Cause>) {
    ports(container, at, causes);
    for (i, variable) in list(container, "env") {
        let at = format!("{at}.env[{i}]");
        if text(&variable["name"]).is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        }
        if !text(&variable["value"]).is_empty() && variable["valueFrom"].is_object() {
            causes.push(Cause::invalid(format!("{at}.valueFrom"), "\"\"", "may not be specified when `value` is not empty"));
        }
    }
    for (i, mount) in list(container, "volumeMounts") {
        let name = text(&mount["name"]);
        if !volumes.contains(&name) {
            let message = format!("Not found: \"{name}\"");
            causes.push(Cause { reason: "FieldValueNotFound", field: format!("{at}.volumeMounts[{i}].name"), message });
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        probe_of(&container[probe], &format!("{at}.{probe}"), causes);
    }
    let policies = ["Always", "IfNotPresent", "Never"];
    let policy = text(&container["imagePullPolicy"]);
    if !policy.is_empty() && !policies.contains(&policy) {
        causes.push(Cause::unsupported(format!("{at}.imagePullPolicy"), policy, &policies));
    }
    resources(&container["resources"], &format!("{at}.resources"), causes);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    object[field].as_array().into_iter().flatten().enumerate()
}

fn ports(container: &Value, at: &str, causes: &mut Vec<Cause>) {
    for (i, port) in list(container, "ports") {
        let at = format!("{at}.ports[{i}]");
        match port["containerPort"].as_i64().unwrap_or(0) {
            0 => causes.push(Cause::required(format!("{at}.containerPort"), "")),
            1..=65_535 => {}
            other => causes.push(Cause::invalid(format!("{at}.containerPort"), other, PORT)),
        }
        let (protocol, known) = (text(&port["protocol"]), ["SCTP", "TCP", "UDP"]);
        if !protocol.is_empty() && !known.contains(&protocol) {
            causes.push(Cause::unsupported(format!("{at}.protocol"), protocol, &known));
        }
    }
}

fn probe_of(probe: &Value, at: &str, causes: &mut Vec<Cause>) {
    if !probe.is_object() {
        return;
    }
    if ["exec", "httpGet", "tcpSocket", "grpc"].iter().all(|way| !probe[*way].is_object()) {
        causes.push(Cause::required(at, "must specify a handler type"));
    }
    for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds"] {
        if let Some(seconds) = probe[field].as_i64().filter(|n| *n < 0) {
            causes.push(Cause::invalid(format!("{at}.{field}"), seconds, AT_LEAST_ZERO));
        }
    }
}

fn resources(resources: &Value, at: &str, causes: &mut Vec<Cause>) {
    for kind in ["limits", "requests"] {
        for (name, amount) in resources[kind].as_object().into_iter().flatten() {
            if text(amount).starts_with('-') {
                causes.push(Cause::invalid(format!("{at}.{kind}[{name}]"), amount, AT_LEAST_ZERO));
            }
        }
    }
    for (name, request) in resources["requests"].as_object().into_iter().flatten() {
        let limit = &resources["limits"][name.as_str()];
        if let (Some(least), Some(most)) = (quantity::milli(text(request)), quantity::milli(text(limit)))
            && least > most
        {
            let why = format!("must be less than or equal to {name} limit of {}", text(limit));
            causes.push(Cause::invalid(format!("{at}.requests"), request, &why));
        }
    }
}

/// Collects what is wrong with the volumes, and says what they are called.
pub(super) fn volumes<'a>(spec: &'a Value, at: &str, causes: &mut Vec<Cause>) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (i, volume) in list(spec, "volumes") {
        let name = text(&volume["name"]);
        if names.contains(&name) {
            let message = format!("Duplicate value: \"{name}\"");
            causes.push(Cause { reason: "FieldValueDuplicate", field: format!("{at}.volumes[{i}].name"), message });
        }
        names.push(name);
    }
    names
}

/// Collects what is wrong with the way a Deployment rolls.
pub(super) fn strategy(spec: &Value, causes: &mut Vec<Cause>) {
    let (strategy, rolling) = (&spec["strategy"], &spec["strategy"]["rollingUpdate"]);
    match text(&strategy["type"]) {
        "Recreate" if rolling.is_object() => {
            causes.push(Cause::forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"));
        }
        "Recreate" | "RollingUpdate" | "" => {}
        other => {
            let message =
                format!("Unsupported value: {{\"Type\":\"{other}\",\"RollingUpdate\":null}}: supported values: \"Recreate\", \"RollingUpdate\"");
            causes.push(Cause { reason: "FieldValueNotSupported", field: "spec.strategy".to_owned(), message });
        }
    }
    for bound in ["maxUnavailable", "maxSurge"] {
        percent(&rolling[bound], &format!("spec.strategy.rollingUpdate.{bound}"), causes);
    }
    let none = |value: &Value| *value == 0 || text(value) == "0%";
    if none(&rolling["maxSurge"]) && none(&rolling["maxUnavailable"]) {
        causes.push(Cause::invalid(
            "spec.strategy.rollingUpdate.maxUnavailable",
            &rolling["maxUnavailable"],
            "may not be 0 when `maxSurge` is 0",
        ));
    }
    if let (Some(deadline), Some(ready)) = (spec["progressDeadlineSeconds"].as_i64(), spec["minReadySeconds"].as_i64())
        && deadline <= ready
    {
        causes.push(Cause::invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"));
    }
}

/// Collects what is wrong with a number or percentage.
pub(super) fn percent(value: &Value, at: &str, causes: &mut Vec<Cause>) {
    if let Some(number) = value.as_i64().filter(|n| *n < 0) {
        causes.push(Cause::invalid(at, number, AT_LEAST_ZERO));
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(text) = value.as_str().filter(|text| !text.strip_suffix('%').is_some_and(digits)) {
        let why = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
        causes.push(Cause::invalid(at, format!("\"{text}\""), why));
    }
}
