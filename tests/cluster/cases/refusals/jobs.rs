//! What stands in the way of a Job, a dump or an eviction, and of an action that a service file describes.

use serde_json::json;

use super::{Backup, Stage, Subject, service};
use crate::bed::node;
use crate::cases::nodes::SpareNode;
use crate::cluster::Cluster;
use crate::middle::{Fate, Middle};
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

const AWAY: &str = "to = \"s3://shop/dumps/\"\nendpoint = \"http://store:9000\"\nregion = \"here\"\naccess_key = \"secret:away\"\n\
    secret_key = \"secret:away\"\nupload_image = \"docker.io/timonel/curl:bed\"\n";

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
        (Backup { upload: AWAY, ..here() }, "upload failed: the keys of the store are in another namespace", false),
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

/// What the actions of a service file ask for besides: room on the nodes, where nothing that is done looks; a dump; a pod to run a command in.
fn file(stage: &Stage<'_>) {
    const OWN: &str = "[[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\n[[workload]]\nid = \"idle\"\nkind = \"deployment\"\nname = \"idle\"\n\
        [[action]]\nid = \"fresh\"\nrequire = [\"nodes:fit\"]\n[[action.step]]\nid = \"fresh\"\ntype = \"restart\"\nworkload = \"web\"\n\
        [[action]]\nid = \"careful\"\nrequire = [\"backup:daily fresh\"]\n[[action.step]]\nid = \"fresh\"\ntype = \"restart\"\nworkload = \"web\"\n\
        [[action]]\nid = \"nowhere\"\n[[action.step]]\nid = \"warm\"\ntype = \"exec\"\nworkload = \"idle\"\nargv = [\"true\"]\n\
        [[action]]\nid = \"warm\"\n[[action.step]]\nid = \"warm\"\ntype = \"exec\"\nworkload = \"web\"\nargv = [\"true\"]\n";
    const RELEASE: &str = "[releases]\nsource = \"deployment\"\npin = \"digest\"\n\
        [[action]]\nid = \"astray\"\n[[action.step]]\nid = \"seed\"\ntype = \"job\"\nworkload = \"web\"\ncontainer = \"none\"\nargv = [\"true\"]\n\
        [[action]]\nid = \"loose\"\n[[action.step]]\nid = \"image\"\ntype = \"set-image\"\nworkload = \"web\"\nimage = \"docker.io/timonel/web:2\"\n";
    const POOL: &str = "[[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\n[[workload]]\nid = \"busy\"\nkind = \"deployment\"\nname = \"busy\"\n\
        [[database]]\nid = \"pool\"\nkind = \"postgres\"\nhost = \"db\"\nname = \"shop\"\nuser = \"shop\"\nconnections = { max = 100, per_pod = { web = 20, busy = 5 } }\n";
    let denied = Fate::Answered(403, "Forbidden", None);
    let middle = Middle::of(stage.cluster, "admin");
    middle.meet("GET", "/configmaps/timonel-backups-shop", 100, denied);
    middle.meet("GET", "/deployments/busy", 100, denied);
    middle.meet("GET", &format!("/namespaces/{}/pods", stage.space.name()), 100, denied);
    let without = crate::cases::refusals::produce(stage.operator("admin").through(stage.cluster, "admin", &middle));
    let admin = stage.operator("admin");
    for (operator, action, row) in [
        (&without, "fresh", "require unknown: a service file asks for what no step looks at"),
        (&admin, "careful", "backup failed: a service file asks for a dump that there is not"),
        (&without, "careful", "backup unknown: the catalogue of dumps cannot be read"),
        (&admin, "nowhere", "pod failed: a command has no ready pod to run in"),
        (&without, "warm", "pod unknown: the pods of a command may not be listed"),
        (&admin, "astray", "container failed: a Job's container is not in the pod template"),
        (&admin, "loose", "pin failed: an image has a tag where releases have digests"),
    ] {
        let own = service(stage.space, operator, &Backup::default()) + OWN + RELEASE;
        let file = operator.sandbox.write("own.toml", &own).display().to_string();
        stage.stands(operator, &[Subject::new("an action of a service file", action, &["-f", &file])], &[], &[row]);
    }
    for (operator, count, row) in [
        (&admin, "web=5", "connections failed: a database has not so many for more pods"),
        (&without, "web=3", "connections unknown: who else uses them cannot be read"),
    ] {
        let own = service(stage.space, operator, &Backup::default()) + POOL;
        let file = operator.sandbox.write("pool.toml", &own).display().to_string();
        stage.stands(operator, &[Subject::new("scale", "scale", &[count, "-f", &file])], &[], &[row]);
    }
}
