//! EndpointSlices: which pods stand behind a Service.
//!
//! Owns one slice a Service (a real cluster splits after 100 endpoints).

use serde_json::{Value, json};

use super::pods;
use crate::sim::api::kinds::known;
use crate::sim::api::selector::Labels;
use crate::sim::store::Key;
use crate::sim::world::World;

/// Writes the slice of a Service anew, when its endpoints are others.
pub(super) fn reconcile(world: &mut World, key: &Key) {
    let Some(entry) = world.store.get(known().services, key).filter(|e| !e.deleting).cloned() else { return };
    let service = entry.value();
    let Some(selector) = Labels::from_map(&service["spec"]["selector"]) else { return };
    let all: Vec<Value> = world
        .store
        .list(known().pods, Some(&key.namespace))
        .filter(|p| selector.matches(&p.labels))
        .map(|p| p.value())
        .filter(|p| p["status"]["podIP"].is_string() && !pods::has_ended(p))
        .collect();
    let endpoints: Vec<Value> = all.iter().map(endpoint).collect();
    let ports = ports(&service, all.first());
    let existing = world.store.children(&entry.uid).into_iter().find(|e| e.res == known().slices);
    match existing {
        Some(slice) => {
            world.edit(known().slices, &slice.key, |slice| {
                if slice["endpoints"] != json!(endpoints) || slice["ports"] != ports {
                    slice["endpoints"] = json!(endpoints);
                    slice["ports"] = ports;
                    slice["metadata"]["generation"] = json!(slice["metadata"]["generation"].as_u64().unwrap_or(1) + 1);
                }
            });
        }
        None => make(world, key, &service, &endpoints, &ports),
    }
}

fn make(world: &mut World, key: &Key, service: &Value, endpoints: &[Value], ports: &Value) {
    let prefix = format!("{}-", key.name);
    let mut labels = service["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    labels.insert("endpointslice.kubernetes.io/managed-by".into(), json!("endpointslice-controller.k8s.io"));
    labels.insert("kubernetes.io/service-name".into(), json!(&*key.name));
    let mut slice = json!({
        "metadata": {"name": format!("{prefix}{}", world.suffix(5)), "generateName": prefix, "namespace": &*key.namespace, "labels": labels,
                     "generation": 1, "ownerReferences": [pods::owner_reference(known().services, service)]},
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports,
    });
    world.born(&mut slice);
    world.put(known().slices, slice);
}

fn endpoint(pod: &Value) -> Value {
    let going = pod["metadata"]["deletionTimestamp"].is_string();
    let serving = pods::ready_since(pod).is_some();
    json!({
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": serving && !going, "serving": serving, "terminating": going},
        "targetRef": {"kind": "Pod", "namespace": pod["metadata"]["namespace"], "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]},
        "nodeName": pod["spec"]["nodeName"],
    })
}

/// Ports with the numbers that the pods listen on.
fn ports(service: &Value, pod: Option<&Value>) -> Value {
    let resolve = |target: &Value, port: &Value| match target {
        Value::String(name) => {
            let containers = pod.and_then(|p| p["spec"]["containers"].as_array()).into_iter().flatten();
            let mut ports = containers.filter_map(|c| c["ports"].as_array()).flatten();
            ports.find(|p| p["name"] == *name).map_or(Value::Null, |p| p["containerPort"].clone())
        }
        Value::Null => port.clone(),
        number => number.clone(),
    };
    let of =
        |p: &Value| json!({"name": p["name"].as_str().unwrap_or_default(), "port": resolve(&p["targetPort"], &p["port"]), "protocol": p["protocol"]});
    Value::Array(service["spec"]["ports"].as_array().into_iter().flatten().map(of).collect())
}
