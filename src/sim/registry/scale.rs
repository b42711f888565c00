//! The subresource `scale`.
//!
//! Owns the autoscaling/v1 Scale of Deployments, ReplicaSets and StatefulSets.

use serde_json::{Value, json};

use super::{Place, Writing, preconditions};
use crate::sim::api::admit;
use crate::sim::api::failure::Failure;
use crate::sim::world::World;

/// The Scale of an object, whole.
pub(crate) fn get(world: &World, place: &Place<'_>) -> Result<Value, Failure> {
    place.current(world).map(|object| of(&object))
}

fn of(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let mut labels: Vec<String> = object["spec"]["selector"]["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()))
        .collect();
    labels.sort();
    let replicas = object["status"]["replicas"].as_i64().unwrap_or(0);
    let mut scale = json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
                     "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"]},
        "spec": {},
        "status": {"replicas": replicas, "selector": labels.join(",")},
    });
    if let Some(wanted) = object["spec"]["replicas"].as_i64().filter(|n| *n != 0) {
        scale["spec"]["replicas"] = json!(wanted);
    }
    scale
}

/// Sets the replicas of an object; the body's uid and resourceVersion are conditions.
pub(crate) fn put(world: &mut World, place: &Place<'_>, scale: &Value, writing: &Writing) -> Result<Value, Failure> {
    let text = |field: &str| scale[field].as_str().unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if version != "autoscaling/v1" || kind != "Scale" {
        let number = version.rsplit('/').next().unwrap_or_default();
        let why = format!("no kind \"{kind}\" is registered for version \"{version}\" in scheme \"pkg/runtime/scheme.go:111\"");
        return Err(Failure::bad_request(format!("{kind} in version \"{number}\" cannot be handled as a Scale: {why}")));
    }
    let name = scale["metadata"]["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        let why = "was undeterminable: name must be provided";
        return Err(Failure::bad_request(format!("the name of the object ({} based on URL) {why}", place.name)));
    }
    if name != place.name {
        return Err(Failure::bad_request(format!("the name of the object ({name}) does not match the name on the URL ({})", place.name)));
    }
    let old = place.current(world)?;
    preconditions(place, &old, scale)?;
    let replicas = match &scale["spec"]["replicas"] {
        Value::Null => 0,
        Value::Number(n) if n.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => n.as_i64().unwrap_or(0),
        other => {
            let what = if other.is_string() { "string".to_owned() } else { format!("number {other}") };
            return Err(Failure::bad_request(format!(
                "Scale in version \"v1\" cannot be handled as a Scale: json: cannot unmarshal {what} into Go struct field ScaleSpec.spec.replicas of type int32"
            )));
        }
    };
    admit::scale(place.name, replicas)?;
    let mut new = old.clone();
    new["spec"]["replicas"] = json!(replicas);
    if writing.dry_run {
        return Ok(of(&new));
    }
    let key = place.key();
    let entry = world.edit(place.stored(), &key, |object| object["spec"]["replicas"] = json!(replicas));
    Ok(of(&entry.map_or(new, |e| e.value())))
}
