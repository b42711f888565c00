//! Deleting and evicting.
//!
//! Owns grace, preconditions, propagation, and what is answered when.

use serde_json::{Value, json};

use super::{Place, Writing};
use crate::sim::api::failure::Failure;
use crate::sim::api::kinds::known;
use crate::sim::api::selector::Labels;
use crate::sim::control::{self, Propagation};
use crate::sim::store::Entry;
use crate::sim::world::World;

/// How a deletion is meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    /// Seconds that a pod gets to stop.
    pub(crate) grace: Option<i64>,
    /// Only if it is this object.
    pub(crate) uid: Option<String>,
    /// Only if it is this version.
    pub(crate) resource_version: Option<String>,
    /// What becomes of what it owns.
    pub(crate) propagation: Option<Propagation>,
}

impl DeleteOptions {
    /// Reads a meta.v1.DeleteOptions.
    pub(crate) fn from_body(body: &Value) -> Result<Self, Failure> {
        let text = |v: &Value| v.as_str().map(str::to_owned);
        let orphan = match body["orphanDependents"].as_bool() {
            Some(true) => Some(Propagation::Orphan),
            Some(false) => Some(Propagation::Background),
            None => None,
        };
        let policy = text(&body["propagationPolicy"]);
        Ok(Self {
            grace: body["gracePeriodSeconds"].as_i64(),
            uid: text(&body["preconditions"]["uid"]),
            resource_version: text(&body["preconditions"]["resourceVersion"]),
            propagation: policy.map(|p| propagation(&p)).transpose()?.or(orphan),
        })
    }
}

/// By name.
pub(crate) fn propagation(policy: &str) -> Result<Propagation, Failure> {
    match policy {
        "Background" => Ok(Propagation::Background),
        "Foreground" => Ok(Propagation::Foreground),
        "Orphan" => Ok(Propagation::Orphan),
        other => Err(Failure::bad_request(format!("invalid DeleteOptions: propagationPolicy: Unsupported value: \"{other}\""))),
    }
}

/// What is answered to a deletion.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The object as it is going, without kind and apiVersion.
    Going(Value),
    /// A Status: it is gone.
    Gone(Value),
}

/// Deletes an object.
pub(crate) fn delete(world: &mut World, place: &Place<'_>, options: &DeleteOptions, writing: &Writing) -> Result<Outcome, Failure> {
    let (res, row, key) = (place.stored(), place.res.row(), place.key());
    let Some(entry) = world.store.get(res, &key).cloned() else { return Err(Failure::not_found(row, place.name)) };
    preconditions(place, &entry, options)?;
    let old = entry.value();
    if writing.dry_run {
        return Ok(if res == known().pods { Outcome::Going(old) } else { Outcome::Gone(success(place, &entry)) });
    }
    if res == known().pods && old["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty) {
        control::terminate(world, &key, options.grace.map(|g| g.max(0)));
    } else {
        control::delete_with(world, res, &key, options.propagation.unwrap_or(Propagation::Background));
    }
    Ok(match world.store.get(res, &key).filter(|e| e.uid == entry.uid) {
        Some(going) => Outcome::Going(going.value()),
        None if answers_object(place) => Outcome::Going(old),
        None => Outcome::Gone(success(place, &entry)),
    })
}

/// Kinds whose deletion answers the object even when it is gone.
fn answers_object(place: &Place<'_>) -> bool {
    let k = known();
    [k.pods, k.services, k.service_accounts, k.claims, k.volumes, k.quotas].contains(&place.res)
}

fn success(place: &Place<'_>, entry: &Entry) -> Value {
    let row = place.res.row();
    let mut details = json!({"name": place.name});
    if !row.group.is_empty() {
        details["group"] = json!(row.group);
    }
    details["kind"] = json!(row.plural);
    details["uid"] = json!(&*entry.uid);
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

fn preconditions(place: &Place<'_>, entry: &Entry, options: &DeleteOptions) -> Result<(), Failure> {
    if let Some(uid) = options.uid.as_deref().filter(|u| *u != &*entry.uid) {
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
            entry.uid
        );
        return Err(Failure::conflict(place.res.row(), place.name, &why));
    }
    let current = entry.revision.to_string();
    if let Some(version) = options.resource_version.as_deref().filter(|v| *v != current) {
        let why = format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({current}). The object might have been modified"
        );
        return Err(Failure::conflict(place.res.row(), place.name, &why));
    }
    Ok(())
}

/// Evicts a pod, if its disruption budget has room. Answers a Status.
pub(crate) fn evict(world: &mut World, place: &Place<'_>, eviction: &Value, writing: &Writing) -> Result<Value, Failure> {
    let Some(entry) = world.store.get(known().pods, &place.key()).cloned() else {
        return Err(Failure::not_found(known().pods.row(), place.name));
    };
    let options = DeleteOptions::from_body(&eviction["deleteOptions"])?;
    preconditions(place, &entry, &options)?;
    let pod = entry.value();
    let ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed" | "Pending"));
    if !entry.deleting && !ended {
        budget(world, place, &entry, writing)?;
    }
    if !writing.dry_run {
        control::terminate(world, &place.key(), options.grace.map(|g| g.max(0)));
    }
    Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}

fn budget(world: &mut World, place: &Place<'_>, pod: &Entry, writing: &Writing) -> Result<(), Failure> {
    let budgets = world.store.list(known().budgets, Some(place.namespace)).cloned().collect::<Vec<_>>();
    for budget in budgets {
        let value = budget.value();
        let selects = Labels::from_object(value["spec"].get("selector")).is_some_and(|s| s.matches(&pod.labels));
        if !selects {
            continue;
        }
        let allowed = value["status"]["disruptionsAllowed"].as_i64().unwrap_or(0);
        if allowed < 1 {
            let (desired, healthy) = (&value["status"]["desiredHealthy"], &value["status"]["currentHealthy"]);
            let sentence = format!("The disruption budget {} needs {desired} healthy pods and has {healthy} currently", budget.key.name);
            let causes = json!({"causes": [{"reason": "DisruptionBudget", "message": sentence}]});
            return Err(Failure::too_many("Cannot evict pod as it would violate the pod's disruption budget.", causes));
        }
        if !writing.dry_run {
            world.edit(known().budgets, &budget.key, |b| b["status"]["disruptionsAllowed"] = json!(allowed - 1));
        }
    }
    Ok(())
}
