//! The small controllers: namespaces, quotas, disruption budgets, claims.
//!
//! Owns what every namespace is furnished with, and the status of these kinds.

use serde_json::{Value, json};

use super::{Controller, Work, collector, number, pods, scaled};
use crate::base::quantity;
use crate::sim::api::admit;
use crate::sim::api::kinds::{KINDS, known};
use crate::sim::api::selector::Labels;
use crate::sim::store::Key;
use crate::sim::wire::canon;
use crate::sim::world::World;

/// Gives a new namespace its service account and the cluster's certificate.
pub(super) fn furnish(world: &mut World, namespace: &str) {
    let k = known();
    let account = json!({"metadata": {"name": "default", "namespace": namespace}});
    let ca = json!({"metadata": {"name": "kube-root-ca.crt", "namespace": namespace, "annotations":
        {"kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."}},
        "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nsimulated\n-----END CERTIFICATE-----\n"}});
    for (res, mut object) in [(k.service_accounts, account), (k.configmaps, ca)] {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if world.store.find(res, namespace, name).is_none() {
            world.born(&mut object);
            world.put(res, object);
        }
    }
}

/// Empties a namespace that is to go, and lets it go when it is empty.
pub(super) fn namespace(world: &mut World, key: &Key) {
    let res = known().namespaces;
    if world.store.get(res, key).is_none_or(|n| !n.deleting) {
        return;
    }
    let mut left = false;
    for (kind, row) in KINDS.all().filter(|(_, r)| r.namespaced) {
        let keys: Vec<Key> = world.store.list(kind, Some(&key.name)).map(|e| e.key.clone()).collect();
        debug_assert!(row.namespaced);
        for object in keys {
            left = true;
            if world.store.get(kind, &object).is_some_and(|e| !e.deleting) {
                collector::delete(world, kind, &object);
            }
        }
    }
    if left {
        world.after(std::time::Duration::from_millis(500), crate::sim::world::Task::Reconcile(Work::new(Controller::Namespace, res, key)));
    } else if let Some(entry) = world.store.get(res, key).cloned() {
        let object = entry.value();
        if object["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty) {
            world.remove(res, key);
        }
    }
}

/// Writes how much of a quota is used.
pub(super) fn quota(world: &mut World, key: &Key) {
    let res = known().quotas;
    let Some(entry) = world.store.get(res, key).cloned() else { return };
    let hard = entry.value()["spec"]["hard"].clone();
    let used = admit::quota_used(world, &key.namespace, &hard);
    world.edit(res, key, |quota| quota["status"] = json!({"hard": hard, "used": used}));
}

/// Writes how many pods of a budget may be evicted now.
pub(super) fn budget(world: &mut World, key: &Key) {
    let res = known().budgets;
    let Some(entry) = world.store.get(res, key).cloned() else { return };
    let value = entry.value();
    let Some(selector) = Labels::from_object(value["spec"].get("selector")) else { return };
    let selected: Vec<Value> = world
        .store
        .list(known().pods, Some(&key.namespace))
        .filter(|p| !p.deleting && selector.matches(&p.labels))
        .map(|p| p.value())
        .collect();
    let healthy = selected.iter().filter(|p| pods::ready_since(p).is_some()).count() as i64;
    let expected = expected_pods(world, &key.namespace, &selected);
    let spec = &value["spec"];
    let desired = if spec["maxUnavailable"].is_null() {
        scaled(&spec["minAvailable"], expected, true)
    } else {
        (expected - scaled(&spec["maxUnavailable"], expected, true)).max(0)
    };
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let stamp = world.stamp();
    world.edit(res, key, |budget| {
        let (status, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        let old = &budget["status"]["conditions"][0];
        let since = if old["status"] == status { old["lastTransitionTime"].clone() } else { json!(stamp) };
        budget["status"] = json!({"observedGeneration": budget["metadata"]["generation"], "disruptionsAllowed": allowed,
            "currentHealthy": healthy, "desiredHealthy": desired, "expectedPods": expected,
            "conditions": [{"type": "DisruptionAllowed", "status": status, "observedGeneration": budget["metadata"]["generation"],
                "lastTransitionTime": since, "reason": reason, "message": ""}]});
    });
}

/// How many pods their controllers want.
fn expected_pods(world: &World, namespace: &str, selected: &[Value]) -> i64 {
    let mut owners: Vec<(String, String)> = selected
        .iter()
        .filter_map(|p| p["metadata"]["ownerReferences"].as_array()?.first())
        .map(|o| (o["kind"].as_str().unwrap_or_default().to_owned(), o["name"].as_str().unwrap_or_default().to_owned()))
        .collect();
    owners.sort();
    owners.dedup();
    let wanted = |(kind, name): &(String, String)| {
        let res = if kind == "StatefulSet" { known().statefulsets } else { known().replicasets };
        world.store.find(res, namespace, name).map_or(0, |e| number(&e.value()["spec"]["replicas"], 1))
    };
    owners.iter().map(wanted).sum::<i64>().max(selected.len() as i64)
}

/// Binds a claim to a new volume.
pub(super) fn claim(world: &mut World, key: &Key) {
    let k = known();
    let Some(entry) = world.store.get(k.claims, key).cloned() else { return };
    let claim = entry.value();
    if claim["status"]["phase"] == "Bound" {
        return;
    }
    let name = format!("pvc-{}", entry.uid);
    let size = claim["spec"]["resources"]["requests"]["storage"].as_str().unwrap_or("1Gi").to_owned();
    let class = claim["spec"]["storageClassName"].as_str().unwrap_or("standard").to_owned();
    if world.store.find(k.storage_classes, "", &class).is_none() {
        return;
    }
    let mut volume = json!({
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": "rancher.io/local-path"}},
        "spec": {"capacity": {"storage": size}, "accessModes": claim["spec"]["accessModes"], "persistentVolumeReclaimPolicy": "Delete",
                 "storageClassName": class, "volumeMode": "Filesystem", "hostPath": {"path": format!("/var/lib/volumes/{name}"), "type": "DirectoryOrCreate"},
                 "claimRef": {"kind": "PersistentVolumeClaim", "namespace": &*key.namespace, "name": &*key.name, "uid": &*entry.uid,
                              "apiVersion": "v1", "resourceVersion": entry.revision.to_string()}},
        "status": {"phase": "Bound", "lastPhaseTransitionTime": world.stamp()},
    });
    world.born(&mut volume);
    world.put(k.volumes, volume);
    world.edit(k.claims, key, |claim| {
        claim["spec"]["volumeName"] = json!(name);
        claim["status"] = json!({"phase": "Bound", "accessModes": claim["spec"]["accessModes"], "capacity": {"storage": size}});
    });
}

/// A quantity of a resource as text: CPU in thousandths, everything else in whole units.
pub(crate) fn quantity_text(name: &str, amount: i64) -> String {
    let text = if name.ends_with("cpu") { format!("{amount}m") } else { amount.to_string() };
    let text = if name.ends_with("memory") && amount % (1 << 20) == 0 { format!("{}Mi", amount >> 20) } else { text };
    canon::quantity(&text).unwrap_or(text)
}

/// The amount that a quantity of a resource stands for: the opposite of [`quantity_text`].
pub(crate) fn amount(name: &str, text: &str) -> i64 {
    if name.ends_with("cpu") { quantity::milli(text) } else { quantity::whole(text) }.unwrap_or(0)
}
