//! metrics.k8s.io: what pods and nodes use.
//!
//! Owns the shapes of PodMetrics and NodeMetrics.

use std::sync::Arc;

use axum::body::Body;
use http::Response;
use serde_json::{Value, json};

use super::ask::{Ask, Place};
use super::{Server, answer};
use crate::sim::api::failure::Failure;
use crate::sim::api::kinds::known;
use crate::sim::api::selector::Labels;
use crate::sim::kubelet::usage;
use crate::sim::store::Entry;
use crate::sim::world::World;

/// Answers gets and lists of both kinds; there is no watch.
pub(super) fn read(server: &Arc<Server>, ask: &Ask, place: &Place) -> Result<Response<Body>, Failure> {
    if ask.verb == "watch" {
        return Err(Failure::method_not_allowed());
    }
    let nodes = place.res == known().node_metrics;
    let labels = Labels::parse(ask.param("labelSelector").unwrap_or_default())?;
    let (kind, source) = if nodes { ("NodeMetrics", known().nodes) } else { ("PodMetrics", known().pods) };
    let items = server.cluster.with(|world| {
        let namespace = Some(place.namespace.as_str()).filter(|n| !n.is_empty());
        let chosen = world.store.list(source, namespace).filter(|e| place.name.is_empty() || *e.key.name == *place.name);
        let chosen = chosen.filter(|e| labels.matches(&e.labels)).cloned().collect::<Vec<_>>();
        let siblings = world.kubelet.siblings();
        chosen
            .iter()
            .filter_map(|e| if nodes { Some(node(world, e, &siblings)) } else { pod(world, e, &siblings) })
            .collect::<Vec<Value>>()
    });
    if place.name.is_empty() {
        let list = json!({"kind": format!("{kind}List"), "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items});
        return Ok(answer::json(200, &list));
    }
    let item = items.into_iter().next().ok_or_else(|| Failure::not_found(place.res.row(), &place.name))?;
    let mut whole = json!({"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1"});
    if let (Some(whole), Value::Object(fields)) = (whole.as_object_mut(), item) {
        whole.extend(fields);
    }
    Ok(answer::json(200, &whole))
}

fn metadata(entry: &Entry, world: &World) -> Value {
    let labels: serde_json::Map<String, Value> = entry.labels.iter().map(|(k, v)| (k.to_string(), json!(&**v))).collect();
    let mut metadata = json!({"name": &*entry.key.name});
    if !entry.key.namespace.is_empty() {
        metadata["namespace"] = json!(&*entry.key.namespace);
    }
    metadata["creationTimestamp"] = json!(world.stamp());
    if !labels.is_empty() {
        metadata["labels"] = Value::Object(labels);
    }
    metadata
}

fn amounts((cpu, memory): (i64, i64)) -> Value {
    json!({"cpu": format!("{}n", cpu * 1_000_000 + 137), "memory": format!("{}Ki", memory >> 10)})
}

/// A pod is measured a quarter of a minute after it started.
fn pod(world: &World, entry: &Entry, siblings: &usage::Siblings) -> Option<Value> {
    let run = world.kubelet.pod(&entry.uid)?;
    let all = run
        .main
        .iter()
        .filter_map(|slot| usage::of(run, slot, siblings, world.now, world.speed).map(|u| (slot.name.clone(), u)));
    let containers: Vec<Value> = all.map(|(name, used)| json!({"name": name, "usage": amounts(used)})).collect();
    if containers.is_empty() {
        return None;
    }
    Some(json!({"metadata": metadata(entry, world), "timestamp": world.stamp(), "window": "15.032s", "containers": containers}))
}

fn node(world: &World, entry: &Entry, siblings: &usage::Siblings) -> Value {
    let here = world.kubelet.pods().filter(|p| *p.node == *entry.key.name);
    // The system itself uses something, too.
    let sum = here
        .flat_map(|run| run.main.iter().filter_map(move |slot| usage::of(run, slot, siblings, world.now, world.speed)))
        .fold((140, 900 << 20), |(cpu, memory), (c, m)| (cpu + c, memory + m));
    json!({"metadata": metadata(entry, world), "timestamp": world.stamp(), "window": "10.021s", "usage": amounts(sum)})
}
