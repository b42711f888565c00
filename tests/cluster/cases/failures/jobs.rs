//! Jobs by hand, evictions, and nodes: what a run cannot take back.

use serde_json::{Value, json};

use super::{DEBTS, FAILED, REFUSED, Scene, at_once};
use crate::cases::actions::undone_by_somebody;
use crate::cases::nodes::SpareNode;
use crate::cluster::Cluster;
use crate::faults::Watched;
use crate::manifest::{Web, cron_job};
use crate::middle::{Fate, Middle, When};
use crate::operator::{Operator, Run};

fn nightly<'a>(cluster: &'a Cluster, change: &Value) -> Scene<'a> {
    let scene = Scene::new(cluster);
    scene.space.apply(&cron_job("nightly", "Allow", "sleep 60"));
    scene.space.patch("batch/v1", "CronJob", "nightly", &json!({"spec": {"jobTemplate": {"spec": change}}}));
    scene
}

pub(crate) fn each_way_a_job_by_hand_fails_is_told_as_a_debt(cluster: &Cluster) {
    at_once(
        cluster,
        &[
            |c| {
                let missing = json!({"template": {"spec": {"containers": [{"name": "app", "image": "docker.io/timonel/app:9.9.9", "imagePullPolicy": "Never"}]}}});
                let scene = nightly(c, &missing);
                scene.ends("trigger: its image cannot be pulled", "trigger", &["nightly"], DEBTS);
            },
            |c| {
                let scene = nightly(c, &json!({}));
                scene.room_for(0);
                scene.ends("trigger: a quota has no room for its pod", "trigger", &["nightly", "--deadline", "30s"], DEBTS);
            },
            |c| {
                let scene = nightly(c, &json!({"suspend": true}));
                scene.ends("trigger: its template starts no pod", "trigger", &["nightly"], DEBTS);
            },
            |c| {
                let scene = nightly(c, &json!({"template": {"spec": {"nodeSelector": {"nobody": "has-it"}}}}));
                scene.ends("trigger: no node takes its pod", "trigger", &["nightly"], DEBTS);
            },
            |c| {
                let scene = nightly(c, &json!({}));
                let row = "trigger: somebody deletes its Job at once";
                let middle = Middle::of(c, "operator");
                let operator = Operator::new(c, "operator", &scene.space).through(c, "operator", &middle);
                let made = middle.hold("POST", "/jobs", 1, When::Answered, Fate::HandedOn);
                let running = operator.start(&["run", "trigger", "nightly", "--confirm", "y", "-o", "json"]);
                made.reached();
                for job in scene.space.list("batch/v1", "Job") {
                    let name = job["metadata"]["name"].as_str().unwrap().to_owned();
                    scene.space.delete("batch/v1", "Job", &name);
                }
                made.go();
                let run = Run::of(&running.end()).expect("failed", 1);
                Watched { cluster: c, space: &scene.space, operator: &operator }.ended(row, &run);
            },
            |c| {
                let scene = nightly(c, &json!({}));
                let row = "suspend: it is deleted at once";
                scene.meanwhile(row, &["suspend", "nightly"], "/cronjobs/nightly", FAILED, || scene.space.delete("batch/v1", "CronJob", "nightly"));
            },
        ],
    );
}

/// The name of the pod that stays.
fn pod(scene: &Scene<'_>) -> String {
    let pods = scene.space.list("v1", "Pod");
    let pod = pods.iter().find(|pod| pod["metadata"].get("deletionTimestamp").is_none()).expect("a pod");
    pod["metadata"]["name"].as_str().unwrap().to_owned()
}

pub(crate) fn each_way_an_eviction_fails_is_told(cluster: &Cluster) {
    at_once(
        cluster,
        &[
            |c| {
                let scene = Scene::without_settings(c);
                let name = pod(&scene);
                scene.ends("evict: what its replacement reads at its start is gone", "evict", &[&name], DEBTS);
            },
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                let name = pod(&scene);
                scene.space.patch("v1", "Pod", &name, &json!({"metadata": {"finalizers": ["timonel.test/kept"]}}));
                let run = scene.operator.run_of("evict", &[&name, "--deadline", "8s"]);
                scene.space.patch("v1", "Pod", &name, &json!({"metadata": {"finalizers": null}}));
                scene.tell("evict: the pod does not go", run.expect(DEBTS.0, DEBTS.1));
            },
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                let name = pod(&scene);
                let middle = Middle::of(c, "operator");
                let operator = Operator::new(c, "operator", &scene.space).through(c, "operator", &middle);
                let text = operator.plan_of("evict", &[&name]).text("/confirmation/type").to_owned();
                let asked = middle.hold("POST", "/eviction", 1, When::Asked, Fate::HandedOn);
                let running = operator.start(&["run", "evict", &name, "--confirm", &text, "-o", "json"]);
                asked.reached();
                scene.space.apply("apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n");
                scene
                    .space
                    .wait("the budget is counted", "policy/v1", "PodDisruptionBudget", "web", |pdb| pdb["status"]["currentHealthy"] == 1);
                asked.go();
                let run = Run::of(&running.end()).expect(REFUSED.0, REFUSED.1);
                Watched { cluster: c, space: &scene.space, operator: &operator }
                    .ended("evict: a disruption budget comes after it was confirmed", &run);
                assert_eq!(pod(&scene), name, "it stays");
            },
        ],
    );
}

pub(crate) fn a_node_that_is_gone_at_once_is_told(cluster: &Cluster) {
    for (action, before, row) in [("cordon", false, "cordon: the node is gone at once"), ("uncordon", true, "uncordon: the node is gone at once")] {
        let node = SpareNode::new(cluster);
        node.space.patch("v1", "Node", &node.name, &json!({"spec": {"unschedulable": before}}));
        let (operator, run) = undone_by_somebody(cluster, &node.space, "admin", &[action, &node.name], &format!("/nodes/{}", node.name), || {
            node.space.delete("v1", "Node", &node.name);
        });
        Watched { cluster, space: &node.space, operator: &operator }.ended_on_a_node(row, &run.expect(FAILED.0, FAILED.1));
    }
}
