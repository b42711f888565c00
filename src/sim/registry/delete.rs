//! Deleting and evicting.
//!
//! Owns grace, preconditions, propagation, and what is answered when.

use serde_json::{Value, json};

use super::{Place, Writing};
use crate::sim::api::failure::{Cause, Failure, Options};
use crate::sim::api::kinds::{Res, known};
use crate::sim::api::selector::Labels;
use crate::sim::control::{self, Propagation};
use crate::sim::store::Entry;
use crate::sim::wire::canon::seconds;
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
        if let Some(kind) = body["kind"].as_str().filter(|kind| !["", "DeleteOptions"].contains(kind)) {
            let version = body["apiVersion"].as_str().unwrap_or_default();
            return Err(Failure::bad_request(format!(
                "no kind \"{kind}\" is registered for version \"{version}\" in scheme \"pkg/runtime/scheme.go:111\""
            )));
        }
        let orphan = match body["orphanDependents"].as_bool() {
            Some(true) => Some(Propagation::Orphan),
            Some(false) => Some(Propagation::Background),
            None => None,
        };
        let policy = text(&body["propagationPolicy"]);
        if let Some(policy) = policy.as_deref().filter(|_| orphan.is_some()) {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            let cause = Cause::invalid("propagationPolicy", format!("\"{policy}\""), why);
            return Err(Options::of("delete").invalid(&[cause]));
        }
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
        other => {
            let cause = Cause::unsupported("propagationPolicy", other, &["Foreground", "Background", "Orphan", "nil"]);
            Err(Options::of("delete").invalid(&[cause]))
        }
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

/// Namespaces that a cluster cannot do without.
const LASTING: [&str; 3] = ["default", "kube-public", "kube-system"];

/// Deletes an object.
pub(crate) fn delete(world: &mut World, place: &Place<'_>, options: &DeleteOptions, writing: &Writing) -> Result<Outcome, Failure> {
    let (res, row, key) = (place.stored(), place.res.row(), place.key());
    let Some(entry) = world.store.get(res, &key).cloned() else { return Err(Failure::not_found(row, place.name)) };
    preconditions(place, &entry, options)?;
    if res == known().namespaces && LASTING.contains(&place.name) {
        return Err(Failure::forbidden(row, place.name, "this namespace may not be deleted"));
    }
    let old = entry.value();
    if writing.dry_run {
        return Ok(if answers_object(place) { Outcome::Going(leaving(world, res, old, options)) } else { Outcome::Gone(success(place, &entry)) });
    }
    let orphans = options.propagation == Some(Propagation::Orphan) && old["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty);
    if res == known().pods && old["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty) {
        control::terminate(world, &key, options.grace.map(|g| g.max(0)));
    } else {
        control::delete_with(world, res, &key, options.propagation.unwrap_or(Propagation::Background));
    }
    Ok(match world.store.get(res, &key).filter(|e| e.uid == entry.uid) {
        Some(going) => Outcome::Going(going.value()),
        None if orphans => {
            // The real server answers the object with a mark that its collector takes away a moment later.
            let mut going = leaving(world, res, old, options);
            going["metadata"]["finalizers"] = json!(["orphan"]);
            Outcome::Going(going)
        }
        None if answers_object(place) => Outcome::Going(leaving(world, res, old, options)),
        None => Outcome::Gone(success(place, &entry)),
    })
}

/// An object as it is on its way out: pods have a moment to stop, nothing else has.
fn leaving(world: &World, res: Res, mut object: Value, options: &DeleteOptions) -> Value {
    let orphans = options.propagation == Some(Propagation::Orphan);
    if (res != known().pods && !orphans) || object["metadata"]["deletionTimestamp"].is_string() {
        return object;
    }
    let runs = object["spec"]["nodeName"].is_string();
    let grace = options
        .grace
        .or_else(|| object["spec"]["terminationGracePeriodSeconds"].as_i64())
        .filter(|_| runs)
        .unwrap_or(0);
    let due = world.now.checked_add(jiff::SignedDuration::from_secs(grace)).unwrap_or(world.now);
    object["metadata"]["deletionTimestamp"] = json!(seconds(due));
    object["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
    control::next_generation(&mut object);
    super::order_metadata(&mut object);
    object
}

/// Kinds whose deletion answers the object even when it is gone.
fn answers_object(place: &Place<'_>) -> bool {
    let k = known();
    [k.pods, k.services, k.service_accounts, k.claims, k.volumes, k.quotas, k.templates, k.storage_classes].contains(&place.res)
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
    let kind = eviction["kind"].as_str().unwrap_or("Eviction");
    if kind != "Eviction" {
        let why = format!("converting (v1.{kind}) to (policy.Eviction): unknown conversion");
        return Err(Failure::bad_request(format!("{kind} in version \"v1\" cannot be handled as a Eviction: {why}")));
    }
    if eviction["metadata"]["name"].as_str().is_some_and(|name| !name.is_empty() && name != place.name) {
        return Err(Failure::bad_request("name in URL does not match name in Eviction object"));
    }
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
