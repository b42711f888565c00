//! What the API server does to an object before it is stored.
//!
//! Owns defaults, what is filled in at birth, what is refused, and quotas. Must not know HTTP.

mod defaults;
mod names;
mod pod;
mod quota;
mod validate;

use serde_json::{Value, json};

use super::failure::Failure;
use super::kinds::{Res, known};
use crate::sim::world::World;

pub(crate) use defaults::job;
pub(crate) use names::wrong_label_key;
pub(crate) use pod::pod;
pub(crate) use quota::{check as quota, used as quota_used};
pub(crate) use validate::scale;

/// Kinds whose spec has generations.
fn has_generation(res: Res) -> bool {
    let k = known();
    let plain = [
        k.configmaps,
        k.events,
        k.secrets,
        k.service_accounts,
        k.services,
        k.namespaces,
        k.nodes,
        k.claims,
        k.volumes,
        k.leases,
        k.quotas,
        k.revisions,
        k.roles,
        k.role_bindings,
        k.cluster_roles,
        k.cluster_role_bindings,
        k.storage_classes,
        k.endpoints,
        k.limits,
        k.autoscalers,
    ];
    !plain.contains(&res)
}

/// Makes a canonical body a new object: defaults, identity, addresses. Refuses what is wrong.
pub(crate) fn create(world: &mut World, res: Res, object: &mut Value) -> Result<(), Failure> {
    if object["metadata"]["name"].as_str().is_none_or(str::is_empty)
        && let Some(prefix) = object["metadata"]["generateName"].as_str().filter(|p| !p.is_empty()).map(str::to_owned)
    {
        object["metadata"]["name"] = json!(format!("{prefix}{}", world.suffix(5)));
    }
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion", "managedFields"] {
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.shift_remove(field);
        }
    }
    world.born(object);
    if has_generation(res) {
        object["metadata"]["generation"] = json!(1);
    }
    fresh_status(res, object);
    fill(world, res, object);
    validate::create(res, object)?;
    if res == known().pods {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        quota::check(world, &namespace, object).map_err(|why| Failure::forbidden(res.row(), &name, &why))?;
    }
    Ok(())
}

/// Makes a canonical body the next version of an object. Refuses what must not change.
pub(crate) fn update(world: &mut World, res: Res, old: &Value, new: &mut Value) -> Result<(), Failure> {
    for field in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"] {
        let kept = old["metadata"][field].clone();
        if kept.is_null() {
            if let Some(metadata) = new["metadata"].as_object_mut() {
                metadata.shift_remove(field);
            }
        } else {
            new["metadata"][field] = kept;
        }
    }
    fill_update(world, res, old, new);
    validate::update(res, old, new)
}

/// Whether an update of the object leaves its status alone, because the status has a door of its own.
pub(crate) fn status_has_own_door(res: Res) -> bool {
    res.row().sub("status").is_some()
}

/// The status of a new object, for kinds whose status nobody may bring along.
fn fresh_status(res: Res, object: &mut Value) {
    if !status_has_own_door(res) {
        return;
    }
    let k = known();
    let status = if [k.pods, k.claims, k.volumes].contains(&res) {
        json!({"phase": "Pending"})
    } else if res == k.namespaces {
        json!({"phase": "Active"})
    } else if res == k.services || res == k.ingresses {
        json!({"loadBalancer": {}})
    } else if res == k.replicasets {
        json!({"replicas": 0})
    } else if res == k.statefulsets {
        json!({"replicas": 0, "availableReplicas": 0})
    } else if res == k.daemonsets {
        json!({"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0})
    } else if res == k.autoscalers {
        json!({"desiredReplicas": 0, "currentMetrics": null})
    } else if res == k.budgets {
        json!({"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0})
    } else if res == k.nodes {
        return;
    } else {
        json!({})
    };
    if res.row().message.is_some() {
        object["status"] = status;
    }
}

fn fill(world: &mut World, res: Res, object: &mut Value) {
    let k = known();
    defaults::of(res, object);
    if res == k.pods {
        pod::pod(object, &world.suffix(5));
    } else if res == k.jobs {
        defaults::job(object);
    } else if res == k.services {
        addresses(world, object);
    } else if res == k.namespaces {
        let name = object["metadata"]["name"].clone();
        object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
        object["spec"]["finalizers"] = json!(["kubernetes"]);
    }
}

fn fill_update(world: &mut World, res: Res, old: &Value, new: &mut Value) {
    if res == known().services {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if new["spec"][field].is_null() && !old["spec"][field].is_null() {
                new["spec"][field] = old["spec"][field].clone();
            }
        }
    }
    defaults::of(res, new);
    if res == known().services {
        addresses(world, new);
    } else if res == known().namespaces {
        new["spec"] = old["spec"].clone();
        new["metadata"]["labels"]["kubernetes.io/metadata.name"] = new["metadata"]["name"].clone();
    }
}

/// Gives a Service its address and its node ports.
fn addresses(world: &mut World, service: &mut Value) {
    let kind = service["spec"]["type"].as_str().unwrap_or("ClusterIP").to_owned();
    if kind == "ExternalName" {
        return;
    }
    let spec = &mut service["spec"];
    if spec["clusterIP"].as_str().is_none_or(str::is_empty) {
        spec["clusterIP"] = json!(world.network.service());
    }
    spec["clusterIPs"] = json!([spec["clusterIP"]]);
    if spec["ipFamilies"].is_null() {
        spec["ipFamilies"] = json!(["IPv4"]);
    }
    if spec["ipFamilyPolicy"].is_null() {
        spec["ipFamilyPolicy"] = json!("SingleStack");
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        for port in spec["ports"].as_array_mut().into_iter().flatten() {
            if port["nodePort"].as_u64().is_none_or(|p| p == 0) {
                port["nodePort"] = json!(world.network.node_port());
            }
        }
    }
}
