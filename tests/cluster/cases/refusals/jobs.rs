//! What stands in the way of a Job, a dump or an eviction, and of an action that a service file describes.

use serde_json::json;

use super::{Backup, Stage, Subject, service};
use crate::bed::node;
use crate::cases::nodes::SpareNode;
use crate::cluster::Cluster;
use crate::postgres::Volume;

pub(crate) fn what_stands_in_the_way_of_jobs_dumps_and_evictions_is_said_and_nothing_is_begun(cluster: &Cluster) {
    let (node, cordoned) = (SpareNode::new(cluster), SpareNode::new(cluster));
    let _volume = Volume::new(&node.space, "backups", None);
    let stage = Stage::new(cluster, &node, &cordoned);
    jobs(&stage);
    dumps(&stage);
    evictions(&stage);
    file(&stage);
}

/// One of its Jobs runs.
fn jobs(stage: &Stage<'_>) {
    let (space, admin) = (stage.space, stage.operator("admin"));
    let cron = space.get("batch/v1", "CronJob", "nightly").expect("a CronJob");
    space.apply(
        &json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "by-hand", "ownerReferences": [
                {"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "uid": cron["metadata"]["uid"], "controller": true}]},
            "spec": {"template": {"spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [
                {"name": "app", "image": "docker.io/timonel/app:1.0.0", "command": ["sleep", "600"]}]}}}})
        .to_string(),
    );
    space.wait("it runs", "batch/v1", "Job", "by-hand", |job| job["status"]["active"] == 1);
    for (policy, row) in [
        ("Replace", "concurrency failed: its Job runs, and would be replaced"),
        ("Forbid", "concurrency failed: its Job runs, and it forbids another"),
    ] {
        space.patch("batch/v1", "CronJob", "nightly", &json!({"spec": {"concurrencyPolicy": policy}}));
        stage.stands(&admin, &stage.some(&["trigger"]), &[], &[row]);
    }
}

/// What a dump needs is not there.
fn dumps(stage: &Stage<'_>) {
    let space = stage.space;
    space.apply(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: waiting}\nspec:\n  storageClassName: nobody-has-it\n  \
         accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n",
    );
    // One whose volume somebody took away.
    let lost = Volume::new(space, "lost", None);
    let volume = space.get("v1", "PersistentVolumeClaim", "lost").expect("a claim")["spec"]["volumeName"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    space.delete("v1", "PersistentVolume", &volume);
    space.patch("v1", "PersistentVolume", &volume, &json!({"metadata": {"finalizers": null}}));
    space.wait("its volume is gone", "v1", "PersistentVolumeClaim", "lost", |claim| claim["status"]["phase"] == "Lost");
    let here = Backup::default;
    for (backup, row, production) in [
        (Backup { volume: "lost", ..here() }, "volume failed: the claim lost its volume", false),
        (Backup { volume: "waiting", ..here() }, "volume unknown: the claim waits for its first pod", true),
        (Backup { workload: "idle", kind: "deployment", ..here() }, "database failed: no pod of it is ready", false),
        (Backup { workload: "web", kind: "deployment", ..here() }, "database failed: two pods are ready", false),
        (Backup { image: "", ..here() }, "image failed: none is declared", false),
        (
            Backup { password: "k8s:kube-system/db#password", ..here() },
            "password failed: its Secret is in another namespace",
            false,
        ),
        (Backup { password: "env:DB_PASSWORD", ..here() }, "password failed: it is no Secret of the cluster", false),
    ] {
        let operator = if production { stage.in_production("admin") } else { stage.operator("admin") };
        operator.sandbox.write("shop.toml", &service(space, &operator, &backup));
        stage.stands(&operator, &stage.some(&["backup"]), &[], &[row]);
    }
    drop(lost);
}

/// Nobody is known to make another pod.
fn evictions(stage: &Stage<'_>) {
    let (space, admin) = (stage.space, stage.operator("admin"));
    let nodes = space.list("v1", "Node");
    let ready = nodes.iter().find(|node| crate::cluster::condition("Ready")(node)).expect("a node");
    let pod = |name: &str, owners: serde_json::Value| {
        // On no node: nothing runs, and nobody clears it away.
        space.apply(
            &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "ownerReferences": owners},
                "spec": {"nodeSelector": {"nobody": "has-it"}, "containers": [{"name": "app", "image": node::DATABASE}]}})
            .to_string(),
        );
    };
    pod("alone", json!([]));
    pod(
        "static",
        json!([{"apiVersion": "v1", "kind": "Node", "name": ready["metadata"]["name"], "uid": ready["metadata"]["uid"], "controller": true}]),
    );
    for (name, row) in [("alone", "replacement failed: nobody makes another"), ("static", "replacement failed: it is a static pod of its node")] {
        stage.stands(&admin, &[Subject::new("evict", "evict", &[name])], &[], &[row]);
    }
}

/// An action of a service file asks for room on the nodes, and nothing that it does looks there.
fn file(stage: &Stage<'_>) {
    let operator = stage.in_production("admin");
    let own = service(stage.space, &operator, &Backup::default())
        + "[[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\n\
           [[action]]\nid = \"fresh\"\nrequire = [\"nodes:fit\"]\n[[action.step]]\nid = \"fresh\"\ntype = \"restart\"\nworkload = \"web\"\n";
    let file = operator.sandbox.write("own.toml", &own).display().to_string();
    let own = Subject::new("an action of a service file", "fresh", &["-f", &file]);
    stage.stands(&operator, &[own], &[], &["require unknown: a service file asks for what no step looks at"]);
}
