//! Whether the nodes have room for more pods.
//!
//! Owns a plain estimate: what is allocatable minus what pods ask for, on nodes that would take such a pod. Affinity, volumes
//! and topology are not counted, and the check says so; it never blocks.

use std::collections::HashMap;

use serde_json::Value;

use crate::base::text::Str;
use crate::run::check::Check;
use crate::run::facts::{Demand, Resource, items, text, unreadable};
use crate::target::api::TargetError;
use crate::target::model::{Container, ContainerRole, Node, Object, Pod, condition};

/// Nodes and all pods of the cluster, as far as they could be read.
pub(in crate::run) struct Room {
    pub nodes: Result<Vec<Object>, TargetError>,
    pub pods: Result<Vec<Object>, TargetError>,
}

/// Whether `more` pods of this demand find a place.
pub(in crate::run) fn check(room: &Room, demand: Demand<'_>, more: i64) -> Check {
    let check = Check::advisory("nodes");
    if more <= 0 {
        return check.ok("no more pods than now");
    }
    let (nodes, pods) = match (&room.nodes, &room.pods) {
        (Ok(nodes), Ok(pods)) => (nodes, pods),
        (Err(error), _) => {
            let (detail, fix) = unreadable("list", "nodes", error);
            return check.unknown(detail, fix);
        }
        (_, Err(error)) => {
            let (detail, fix) = unreadable("list", "pods in all namespaces", error);
            return check.unknown(detail, fix);
        }
    };
    let each = Each::of(demand);
    let used = used(pods);
    let mut fits: Vec<(&str, i64)> = nodes.iter().filter_map(|n| node(n, demand.spec())).map(|n| (&*n.meta.name, each.fit(n, &used))).collect();
    fits.retain(|(_, room)| *room > 0);
    fits.sort_by_key(|(_, room)| std::cmp::Reverse(*room));
    let total: i64 = fits.iter().map(|(_, room)| room).sum();
    let names: Vec<&str> = fits.iter().take(3).map(|(name, _)| *name).collect();
    if total >= more {
        return check.ok(format!("fit {more} more ({}; affinity and volumes not counted)", names.join(", ")));
    }
    check.failed(
        format!("room for {total} of {more} more pods, by what they request"),
        "add nodes, lower what the pods request, or ask for fewer pods",
    )
}

/// What is asked for on each node: CPU in thousandths, memory in bytes, pods.
type Used<'a> = HashMap<&'a Str, (i64, i64, i64)>;

fn used(pods: &[Object]) -> Used<'_> {
    let mut used: Used<'_> = HashMap::new();
    for pod in pods {
        let Object::Pod(pod) = pod else { continue };
        if pod.node.is_empty() || matches!(&*pod.phase, "Succeeded" | "Failed") {
            continue;
        }
        let (cpu, memory) = requests(pod);
        let entry = used.entry(&pod.node).or_default();
        *entry = (entry.0 + cpu, entry.1 + memory, entry.2 + 1);
    }
    used
}

fn requests(pod: &Pod) -> (i64, i64) {
    let sum = |of: fn(&Container) -> i64| {
        let main: i64 = pod.containers.iter().filter(|c| matches!(c.role, ContainerRole::Main | ContainerRole::Sidecar)).map(of).sum();
        let init = pod.containers.iter().filter(|c| c.role == ContainerRole::Init).map(of).max().unwrap_or(0);
        main.max(init)
    };
    (sum(|c| c.requests.cpu_milli.unwrap_or(0)), sum(|c| c.requests.memory.unwrap_or(0)))
}

/// What one more pod asks for.
struct Each {
    cpu: i64,
    memory: i64,
}

impl Each {
    fn of(demand: Demand<'_>) -> Self {
        let amount = |name| demand.amount(Resource { name, limits: false }).unwrap_or(0);
        Self { cpu: amount("cpu"), memory: amount("memory") }
    }

    /// How many more this node takes.
    fn fit(&self, node: &Node, used: &Used<'_>) -> i64 {
        let (cpu, memory, pods) = used.get(&node.meta.name).copied().unwrap_or_default();
        let share = |free: i64, each: i64| if each == 0 { i64::MAX } else { (free / each).max(0) };
        let by_cpu = node.allocatable.cpu_milli.map_or(0, |all| share(all - cpu, self.cpu));
        let by_memory = node.allocatable.memory.map_or(0, |all| share(all - memory, self.memory));
        by_cpu.min(by_memory).min((node.allocatable_pods.unwrap_or(110) - pods).max(0))
    }
}

/// The node, when it would take a pod of this spec.
fn node<'a>(object: &'a Object, spec: &Value) -> Option<&'a Node> {
    let Object::Node(node) = object else { return None };
    let ready = condition(&node.conditions, "Ready").is_some_and(|c| c.status == Some(true));
    let selected = spec
        .get("nodeSelector")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .all(|(k, v)| node.meta.label(k).map(|l| &**l) == v.as_str());
    let tolerated = node.taints.iter().all(|taint| taint.ends_with(":PreferNoSchedule") || tolerates(spec, taint));
    (ready && !node.unschedulable && selected && tolerated).then_some(node)
}

fn tolerates(spec: &Value, taint: &str) -> bool {
    let (key_value, effect) = taint.rsplit_once(':').unwrap_or((taint, ""));
    let (key, value) = key_value.split_once('=').unwrap_or((key_value, ""));
    items(spec, "/tolerations").any(|t| {
        let (t_key, t_effect) = (text(t, "/key"), text(t, "/effect"));
        let exists = text(t, "/operator") == "Exists";
        (t_effect.is_empty() || t_effect == effect) && ((exists && t_key.is_empty()) || (t_key == key && (exists || text(t, "/value") == value)))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::{Room, check};
    use crate::run::check::Answer;
    use crate::run::facts::Demand;
    use crate::target::api::{ErrorKind, TargetError};
    use crate::target::model::{Condition, Meta, Node, Object, Resources};

    fn node(name: &str, cpu: i64, taint: Option<&str>) -> Object {
        let meta = Meta {
            name: name.into(),
            namespace: "".into(),
            uid: name.into(),
            resource_version: 1,
            created: 0,
            deleted: None,
            generation: 0,
            labels: Arc::from([("disk".into(), "ssd".into())]),
            annotations: Arc::from([]),
            owner: None,
        };
        let ready = Condition { kind: "Ready".into(), status: Some(true), reason: "".into(), message: "".into(), since: None };
        Object::Node(Arc::new(Node {
            meta,
            conditions: [ready].into(),
            unschedulable: false,
            taints: taint.map(Into::into).into_iter().collect(),
            allocatable: Resources { cpu_milli: Some(cpu), memory: Some(8 << 30) },
            allocatable_pods: Some(10),
            kubelet_version: "".into(),
        }))
    }

    fn pod(more: &Value) -> Value {
        let mut spec = json!({ "containers": [{ "resources": { "requests": { "cpu": "500m" } } }] });
        for (key, value) in more.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        spec
    }

    #[test]
    fn pods_fit_where_nodes_have_room_and_take_them() {
        for (nodes, spec, more, expected) in [
            (vec![node("a", 1000, None)], json!({}), 2, Answer::Ok),
            (vec![node("a", 1000, None)], json!({}), 3, Answer::Failed),
            (vec![node("a", 1000, None), node("b", 600, None)], json!({}), 3, Answer::Ok),
            (vec![node("a", 1000, Some("gpu=yes:NoSchedule"))], json!({}), 1, Answer::Failed),
            (
                vec![node("a", 1000, Some("gpu=yes:NoSchedule"))],
                json!({ "tolerations": [{ "key": "gpu", "operator": "Exists" }] }),
                1,
                Answer::Ok,
            ),
            (vec![node("a", 1000, Some("gpu=yes:PreferNoSchedule"))], json!({}), 1, Answer::Ok),
            (vec![node("a", 1000, None)], json!({ "nodeSelector": { "disk": "hdd" } }), 1, Answer::Failed),
            (vec![node("a", 1000, None)], json!({ "nodeSelector": { "disk": "ssd" } }), 1, Answer::Ok),
            (vec![node("a", 1_000_000, None)], json!({}), 11, Answer::Failed),
        ] {
            let spec = pod(&spec);
            let found = check(&Room { nodes: Ok(nodes), pods: Ok(vec![]) }, Demand::of(&spec), more);
            assert_eq!(found.result, expected, "{spec} {more}: {}", found.detail);
        }
    }

    #[test]
    fn without_the_right_to_list_nodes_it_is_unknown_and_blocks_nothing() {
        let spec = pod(&json!({}));
        let denied = TargetError::new(ErrorKind::Forbidden, "no");
        let found = check(&Room { nodes: Err(denied), pods: Ok(vec![]) }, Demand::of(&spec), 1);
        assert_eq!((found.result, found.blocks(true)), (Answer::Unknown, false));
    }
}
