//! The cluster as it is when the story begins: five systems that have been running for weeks.
//!
//! Owns how manifests and histories (assets/scenarios/systems) become objects with a past. Everything goes through the same
//! admission and the same controllers as later writes, at a time in the past; a loaded cluster is at rest.

mod helm;
mod place;
mod system;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api::failure::Failure;
use super::api::kinds::{KINDS, known};
use super::errand::Errands;
use super::logs::Format;
use super::registry::{self, Place, Unknown, Writing};
use super::story::scenario::{Fill, Scenario};
use super::story::{Spoken, Story};
use super::wire::canon::seconds;
use super::world::World;
use system::System;

/// Makes the world of a scenario, or says what is wrong with the data.
pub(crate) fn world(scenario: Scenario, now: Timestamp, seed: u64, speed: f64) -> Result<World, String> {
    let mut systems = System::shipped()?;
    let fill = scenario.fill;
    let rules = systems.iter_mut().flat_map(|s| std::mem::take(&mut s.rule)).collect();
    let pools = systems.iter_mut().flat_map(|s| std::mem::take(&mut s.pool)).collect();
    let scripts = systems.iter_mut().flat_map(|s| std::mem::take(&mut s.script)).collect();
    let databases = systems.iter_mut().flat_map(|s| std::mem::take(&mut s.database)).collect();
    let errands = Errands::new(databases, scenario.fault.clone());
    let measures = systems.iter_mut().flat_map(|s| std::mem::take(&mut s.measure)).collect();
    let formats = systems.iter().flat_map(|s| &s.log).map(Format::new).collect();
    let mut world = World::new(now, seed, speed, Story::new(scenario, rules, pools, Spoken { scripts, formats, measures }), errands);
    for system in &systems {
        load(&mut world, system, now).map_err(|e| format!("System '{}': {e}", system.name))?;
    }
    if let Some(fill) = fill {
        self::fill(&mut world, fill, now).map_err(|f| f.message)?;
    }
    world.now = now;
    Ok(world)
}

/// A time in the past.
fn ago(now: Timestamp, age: jiff::SignedDuration) -> Timestamp {
    now.checked_sub(age).unwrap_or(now)
}

fn load(world: &mut World, system: &System, now: Timestamp) -> Result<(), String> {
    for document in &system.documents {
        let named = || format!("{} {}", document["kind"], document["metadata"]["name"]);
        place::document(world, system, document, now).map_err(|f| format!("{}: {}", named(), f.message))?;
    }
    if let Some(release) = &system.helm {
        helm::secrets(world, system, release, now).map_err(|f| f.message)?;
    }
    world.now = now;
    Ok(())
}

/// Creates an object at the world's time, as a client would, strictly.
fn create(world: &mut World, document: &Value) -> Result<Value, Failure> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let res = KINDS
        .of(&text(&document["apiVersion"]), &text(&document["kind"]))
        .ok_or_else(|| Failure::bad_request(format!("no such kind: {} {}", document["apiVersion"], document["kind"])))?;
    let namespace = if res.row().namespaced { text(&document["metadata"]["namespace"]) } else { String::new() };
    let mut writing = Writing { unknown: Unknown::Strict, ..Writing::default() };
    let place = Place { res, namespace: &namespace, name: "", sub: "" };
    registry::create(world, &place, document.clone(), &mut writing)
}

/// Fills namespaces with Deployments whose pods all run.
fn fill(world: &mut World, fill: Fill, now: Timestamp) -> Result<(), Failure> {
    let mut left = fill.pods;
    let nodes: Vec<String> = (0..fill.pods.div_ceil(PER_NODE)).map(|n| format!("load-node-{}", n + 4)).collect();
    for name in &nodes {
        node(world, name, now);
    }
    // What runs on every node runs on these, too: a loaded cluster is at rest.
    for key in world.store.list(known().daemonsets, None).map(|e| e.key.clone()).collect::<Vec<_>>() {
        place::settle_members(world, known().daemonsets, &key)?;
    }
    let system = System { name: "load".to_owned(), nodes, ..System::default() };
    for n in 0.. {
        if left == 0 {
            break;
        }
        world.now = ago(now, jiff::SignedDuration::from_hours(30));
        let namespace = format!("load-{}", n % fill.namespaces.max(1));
        if world.store.find(known().namespaces, "", &namespace).is_none() {
            create(world, &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}))?;
        }
        let replicas = fill.replicas.clamp(1, left);
        left -= replicas;
        let name = format!("app-{n:04}");
        let labels = json!({"app": name, "tier": "load"});
        let containers = json!([
            {"name": "app", "image": "registry.example.com/load/app:1.4.2", "ports": [{"containerPort": 8080, "name": "http"}],
             "env": [{"name": "SHARD", "value": n.to_string()}, {"name": "STARTED", "value": seconds(now)}],
             "resources": {"requests": {"cpu": "5m", "memory": "8Mi"}}},
            {"name": "proxy", "image": "registry.example.com/load/proxy:2.1.0", "resources": {"requests": {"cpu": "5m", "memory": "8Mi"}}}]);
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}}}});
        place::document(world, &system, &deployment, now)?;
    }
    Ok(())
}

/// How many pods of a fill a node has.
const PER_NODE: usize = 250;

/// One more node, like the first.
fn node(world: &mut World, name: &str, now: Timestamp) {
    let Some(first) = world.store.list(known().nodes, None).next().map(|e| e.value()) else { return };
    world.now = ago(now, jiff::SignedDuration::from_hours(30));
    let mut node = json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}},
        "spec": {}, "status": first["status"]});
    node["status"]["addresses"][1]["address"] = json!(name);
    for amounts in ["capacity", "allocatable"] {
        node["status"][amounts]["pods"] = json!((PER_NODE + 50).to_string());
    }
    world.born(&mut node);
    world.put(known().nodes, node);
}
