//! What the engine reads off objects as the server has them.
//!
//! Owns the reading of JSON into the few facts that checks and proofs rest on; text is stripped of control sequences here. Must
//! not judge.

mod demand;
mod pod;

pub(in crate::run) use demand::{Demand, Resource, number as demand_number};
pub(in crate::run) use pod::{PodFacts, Trouble};

use serde_json::{Map, Value};

use crate::base::text::{Str, clean};
use crate::target::api::{ErrorKind, TargetError};
use crate::target::model::{Kind, ObjectRef};

/// A text of an object, cleaned; empty when it is not there.
pub(in crate::run) fn text(object: &Value, pointer: &str) -> String {
    clean(object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()).into_owned()
}

/// A whole number of an object.
pub(in crate::run) fn int(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// Whether a flag is set.
pub(in crate::run) fn flag(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer) == Some(&Value::Bool(true))
}

/// The items of a list; none when it is not there.
pub(in crate::run) fn items<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// A map of texts: labels, annotations.
pub(in crate::run) fn entry(object: &Value, map: &str, key: &str) -> Option<String> {
    object.pointer(map)?.get(key)?.as_str().map(|s| clean(s).into_owned())
}

/// A label selector (`matchLabels`, `matchExpressions`) as the API's query parameter.
pub(in crate::run) fn selector_query(selector: &Value) -> String {
    let equal = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let mut parts: Vec<String> = equal.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    for expression in items(selector, "/matchExpressions") {
        let key = text(expression, "/key");
        let values: Vec<String> = items(expression, "/values").filter_map(Value::as_str).map(str::to_owned).collect();
        parts.push(match text(expression, "/operator").as_str() {
            "Exists" => key,
            "DoesNotExist" => format!("!{key}"),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            _ => format!("{key} in ({})", values.join(",")),
        });
    }
    parts.join(",")
}

/// A read that did not work, as detail and fix of a check.
pub(in crate::run) fn unreadable(verb: &str, what: &str, error: &TargetError) -> (String, String) {
    match error.kind {
        ErrorKind::Forbidden => (format!("you may not {verb} {what}"), format!("ask for the right to {verb} {what}")),
        _ => (format!("{what} cannot be read: {}", error.message), "try again when the server answers".to_owned()),
    }
}

/// A workload with a scale subresource, as the server has it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) struct WorkloadFacts {
    pub reference: ObjectRef,
    pub raw: Value,
}

impl WorkloadFacts {
    pub(in crate::run) fn new(reference: &ObjectRef, raw: Value) -> Self {
        Self { reference: reference.clone(), raw }
    }

    pub(in crate::run) fn uid(&self) -> String {
        text(&self.raw, "/metadata/uid")
    }

    pub(in crate::run) fn resource_version(&self) -> String {
        text(&self.raw, "/metadata/resourceVersion")
    }

    pub(in crate::run) fn generation(&self) -> Option<i64> {
        int(&self.raw, "/metadata/generation")
    }

    /// Whether the controller has seen the newest wanted state.
    pub(in crate::run) fn observed(&self) -> bool {
        self.generation() <= int(&self.raw, "/status/observedGeneration")
    }

    /// `spec.replicas`; absent = 1. A DaemonSet wants as many as its controller says that nodes take.
    pub(in crate::run) fn wanted(&self) -> i64 {
        if self.is_daemon() { self.count("desiredNumberScheduled") } else { int(&self.raw, "/spec/replicas").unwrap_or(1) }
    }

    fn is_daemon(&self) -> bool {
        self.reference.kind == Kind::DaemonSet
    }

    /// Pods that are there.
    pub(in crate::run) fn replicas(&self) -> i64 {
        self.count(if self.is_daemon() { "currentNumberScheduled" } else { "replicas" })
    }

    pub(in crate::run) fn ready(&self) -> i64 {
        self.count(if self.is_daemon() { "numberReady" } else { "readyReplicas" })
    }

    /// Pods of the newest template; a ReplicaSet has only one.
    pub(in crate::run) fn updated(&self) -> i64 {
        match self.reference.kind {
            Kind::ReplicaSet => self.replicas(),
            Kind::DaemonSet => self.count("updatedNumberScheduled"),
            _ => self.count("updatedReplicas"),
        }
    }

    pub(in crate::run) fn available(&self) -> i64 {
        self.count(if self.is_daemon() { "numberAvailable" } else { "availableReplicas" })
    }

    fn count(&self, field: &str) -> i64 {
        int(&self.raw, &format!("/status/{field}")).unwrap_or(0)
    }

    pub(in crate::run) fn paused(&self) -> bool {
        flag(&self.raw, "/spec/paused")
    }

    pub(in crate::run) fn deleting(&self) -> bool {
        self.raw.pointer("/metadata/deletionTimestamp").is_some()
    }

    /// Its pods, as a query.
    pub(in crate::run) fn selector(&self) -> String {
        self.raw.pointer("/spec/selector").map(selector_query).unwrap_or_default()
    }

    pub(in crate::run) fn label(&self, key: &str) -> Option<String> {
        entry(&self.raw, "/metadata/labels", key)
    }

    pub(in crate::run) fn annotation(&self, key: &str) -> Option<String> {
        entry(&self.raw, "/metadata/annotations", key)
    }

    /// Kind and name of the owner that controls it.
    pub(in crate::run) fn owner(&self) -> Option<(String, String)> {
        let owner = items(&self.raw, "/metadata/ownerReferences").find(|o| flag(o, "/controller"))?;
        Some((text(owner, "/kind"), text(owner, "/name")))
    }

    /// The pod template's labels; of a pod its own.
    pub(in crate::run) fn template_labels(&self) -> Option<&Map<String, Value>> {
        let labels = if self.reference.kind == Kind::Pod { "/metadata/labels" } else { "/spec/template/metadata/labels" };
        self.raw.pointer(labels).and_then(Value::as_object)
    }

    /// The labels that its pods get, as selectors take them.
    pub(in crate::run) fn pod_labels(&self) -> Vec<(Str, Str)> {
        let labels = self.template_labels().into_iter().flatten();
        labels.map(|(k, v)| (k.as_str().into(), v.as_str().unwrap_or_default().into())).collect()
    }

    /// The pod template's spec.
    pub(in crate::run) fn template_spec(&self) -> &Value {
        self.raw.pointer("/spec/template/spec").unwrap_or(&Value::Null)
    }

    /// The message of a condition that is True, with its reason.
    pub(in crate::run) fn condition(&self, kind: &str, status: &str) -> Option<(String, String)> {
        let condition = items(&self.raw, "/status/conditions").find(|c| c["type"] == kind && c["status"] == status)?;
        Some((text(condition, "/reason"), text(condition, "/message")))
    }

    /// Whether pods of an older template are still being replaced, in words. kubectl's rules (`rollout status`), without what a
    /// mere lack of pods would say.
    pub(in crate::run) fn rollout(&self) -> Option<String> {
        let (replicas, updated) = (self.replicas(), self.updated());
        match self.reference.kind {
            Kind::Deployment if replicas > updated => Some(format!("{updated} of {replicas} pods have the new template")),
            Kind::DaemonSet if self.rolls_by_itself() && updated < self.wanted() => {
                Some(format!("{updated} of {} pods have the new template", self.wanted()))
            }
            Kind::StatefulSet if self.rolls_by_itself() && self.behind_partition() => {
                Some(format!("{updated} of {} pods have the new template", self.wanted()))
            }
            _ => None,
        }
    }

    /// The least number of pods that stay while a rollout replaces them, by the strategy alone.
    pub(in crate::run) fn least_while_rolling(&self) -> i64 {
        let wanted = self.wanted();
        let amount = |pointer: &str, otherwise: &str, up: bool| {
            let value = self
                .raw
                .pointer(pointer)
                .map_or_else(|| otherwise.to_owned(), |v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            match value.strip_suffix('%').map(str::parse::<i64>) {
                Some(percent) => (percent.unwrap_or(100) * wanted + if up { 99 } else { 0 }) / 100,
                None => value.parse().unwrap_or(wanted),
            }
        };
        let gone = match self.reference.kind {
            Kind::Deployment if text(&self.raw, "/spec/strategy/type") == "Recreate" => wanted,
            Kind::Deployment => {
                let (down, surge) = ("/spec/strategy/rollingUpdate/maxUnavailable", "/spec/strategy/rollingUpdate/maxSurge");
                // When both round to zero, the controller lets one go, so that it can go on at all.
                let gone = amount(down, "25%", false);
                if gone == 0 && amount(surge, "25%", true) == 0 { 1 } else { gone }
            }
            Kind::DaemonSet => amount("/spec/updateStrategy/rollingUpdate/maxUnavailable", "1", true),
            _ => amount("/spec/updateStrategy/rollingUpdate/maxUnavailable", "1", true).max(1),
        };
        (wanted - gone).max(0)
    }

    /// Why a new template does not reach every pod by itself; `None` when it does.
    pub(in crate::run) fn held_back(&self) -> Option<String> {
        if !self.rolls_by_itself() {
            return Some("its update strategy is OnDelete: pods are replaced only when somebody deletes them".to_owned());
        }
        let partition = int(&self.raw, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
        (partition > 0 && self.reference.kind == Kind::StatefulSet)
            .then(|| format!("its partition {partition} holds back the first {partition} pods"))
    }

    fn rolls_by_itself(&self) -> bool {
        text(&self.raw, "/spec/updateStrategy/type") != "OnDelete"
    }

    /// Whether a StatefulSet's pods are on their way from one revision to another.
    pub(in crate::run) fn revisions_differ(&self) -> bool {
        text(&self.raw, "/status/currentRevision") != text(&self.raw, "/status/updateRevision")
    }

    fn behind_partition(&self) -> bool {
        let (current, update) = (text(&self.raw, "/status/currentRevision"), text(&self.raw, "/status/updateRevision"));
        let partition = int(&self.raw, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
        current != update && self.updated() < (self.replicas() - partition).max(0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{WorkloadFacts, selector_query};
    use crate::target::model::{Kind, ObjectRef};

    #[test]
    fn selectors_become_queries() {
        let selector = json!({ "matchLabels": { "app": "api" }, "matchExpressions": [
            { "key": "tier", "operator": "In", "values": ["a", "b"] }, { "key": "old", "operator": "DoesNotExist" } ] });
        assert_eq!(selector_query(&selector), "app=api,tier in (a,b),!old");
    }

    #[test]
    fn what_stays_while_a_rollout_goes_on_follows_the_strategy() {
        let least = |kind: Kind, spec: serde_json::Value| {
            WorkloadFacts::new(&ObjectRef::new(kind, "shop", "x"), json!({ "spec": spec, "status": { "desiredNumberScheduled": 4 } }))
                .least_while_rolling()
        };
        let rolling = |replicas: i64, down: serde_json::Value, surge: serde_json::Value| json!({ "replicas": replicas, "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": down, "maxSurge": surge } } });
        for (kind, spec, expected) in [
            (Kind::Deployment, json!({ "replicas": 3 }), 3),
            (Kind::Deployment, json!({ "replicas": 8 }), 6),
            (Kind::Deployment, json!({ "replicas": 3, "strategy": { "type": "Recreate" } }), 0),
            (Kind::Deployment, rolling(3, json!(2), json!(1)), 1),
            (Kind::Deployment, rolling(3, json!("50%"), json!("25%")), 2),
            (Kind::Deployment, rolling(3, json!("0%"), json!(0)), 2),
            (Kind::StatefulSet, json!({ "replicas": 3 }), 2),
            (Kind::DaemonSet, json!({}), 3),
        ] {
            assert_eq!(least(kind, spec.clone()), expected, "{kind:?} {spec}");
        }
    }

    #[test]
    fn a_rollout_is_told_from_a_mere_lack_of_pods() {
        let deployment = |status: serde_json::Value| {
            WorkloadFacts::new(&ObjectRef::new(Kind::Deployment, "shop", "api"), json!({ "spec": { "replicas": 5 }, "status": status })).rollout()
        };
        assert_eq!(deployment(json!({ "replicas": 3, "updatedReplicas": 3, "readyReplicas": 1 })), None, "quota holds it at 3");
        assert!(deployment(json!({ "replicas": 6, "updatedReplicas": 2 })).is_some());
        let set = |partition: i64, updated: i64| {
            let raw = json!({ "spec": { "replicas": 3, "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": partition } } },
                "status": { "replicas": 3, "updatedReplicas": updated, "currentRevision": "a", "updateRevision": "b" } });
            WorkloadFacts::new(&ObjectRef::new(Kind::StatefulSet, "shop", "db"), raw).rollout()
        };
        assert!(set(0, 1).is_some());
        assert_eq!(set(2, 1), None, "the partition asks for no more");
    }
}
