//! What each action does on a bad day: refused before it is begun, or failed and told as it is.
//!
//! The good case of an action, and what is its own, stands with the action; here is what was left. Each tells its rows of
//! `assets/faults-real.md`.

use serde_json::{Value, json};

use crate::cases::nodes::SpareNode;
use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::manifest::{Web, cron_job};
use crate::middle::{Fate, Middle, When};
use crate::operator::{Operator, Run, with_web};

/// Carries out an action through a server in between, and does something else as soon as its write was carried out.
pub(crate) fn undone_by_somebody(
    cluster: &Cluster,
    space: &Namespace<'_>,
    user: &str,
    words: &[&str],
    part: &str,
    undo: impl Fn(),
) -> (Operator, Run) {
    let middle = Middle::of(cluster, user);
    let operator = Operator::new(cluster, user, space).through(cluster, user, &middle);
    let text = operator.plan_of(words[0], &words[1..]).value["confirmation"]["type"].as_str().unwrap_or("y").to_owned();
    let written = middle.hold("PATCH", part, 1, When::Answered, Fate::HandedOn);
    let running = operator.start(&[&["run"], words, &["--confirm", &text, "-o", "json"]].concat());
    written.reached();
    undo();
    written.go();
    let run = Run::of(&running.end());
    (operator, run)
}

fn spec(space: &Namespace<'_>) -> Value {
    space.get("apps/v1", "Deployment", "web").unwrap()["spec"].clone()
}

pub(crate) fn a_rollback_to_a_template_that_crashes_is_taken_back(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).shell("exit 3").yaml());
    space.wait("its first revision is there", "apps/v1", "Deployment", "web", |web| web["status"]["updatedReplicas"] == 1);
    space.apply(&Web::new("web", 1).version("1.1.0").yaml());
    space.wait_ready("web", 1);
    let operator = Operator::new(cluster, "operator", &space);
    let run = operator.run_of("rollback", &["web", "to=1"]).expect("failed", 1);
    let reason = run.end()["reason"].as_str().unwrap();
    assert!(reason.contains("exit 3") || reason.contains("CrashLoopBackOff"), "the root cause is named: {reason}");
    assert!(spec(&space)["template"].to_string().contains(":1.1.0"), "{:#}", spec(&space));
    space.wait_ready("web", 1);
    Watched { cluster, space: &space, operator: &operator }.ended("rollback: the pods of that revision crash", &run);
}

pub(crate) fn a_restart_is_refused_while_paused_and_fails_where_no_pod_can_be_made(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 2)], 2);
    let watched = Watched { cluster, space: &space, operator: &operator };
    space.patch("apps/v1", "Deployment", "web", &json!({"spec": {"paused": true}}));
    let run = operator.run_of("restart", &["web"]).expect("refused", 4);
    watched.ended("restart: its rollout is paused", &run);
    space.patch("apps/v1", "Deployment", "web", &json!({"spec": {"paused": false}}));
    space.apply("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small}\nspec: {hard: {pods: '2'}}\n");
    space.wait("the quota is counted", "v1", "ResourceQuota", "small", |quota| quota["status"]["used"]["pods"] == "2");
    let run = operator.run_of("restart", &["web"]).expect("failed-with-debts", 2);
    assert!(run.end()["reason"].as_str().unwrap().contains("quota"), "the root cause is named: {:#}", run.end());
    watched.ended("restart: a quota has no room for a new pod", &run);
    let ready = space.get("apps/v1", "Deployment", "web").unwrap()["status"]["readyReplicas"].clone();
    assert_eq!(ready, 2, "those that serve still serve");
}

pub(crate) fn a_rollout_is_paused_and_resumed_and_refused_and_taken_back(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let watched = Watched { cluster, space: &space, operator: &operator };
    let viewer = Operator::new(cluster, "viewer", &space);
    let of_viewer = Watched { cluster, space: &space, operator: &viewer };
    of_viewer.ended("pause: a viewer", &viewer.run_of("pause", &["web"]).expect("refused", 4));
    watched.ended("pause", &operator.run_of("pause", &["web"]).expect("proven", 0));
    assert_eq!(spec(&space)["paused"], true);
    of_viewer.ended("resume a rollout: a viewer", &viewer.run_of("resume", &["deployment/web"]).expect("refused", 4));
    watched.ended("resume a rollout", &operator.run_of("resume", &["deployment/web"]).expect("proven", 0));
    let undo = || space.patch("apps/v1", "Deployment", "web", &json!({"spec": {"paused": false}}));
    let (second, run) = undone_by_somebody(cluster, &space, "operator", &["pause", "web"], "/deployments/web", undo);
    let run = run.expect("failed", 1);
    assert_ne!(spec(&space)["paused"], true, "what somebody took back is not written again");
    Watched { cluster, space: &space, operator: &second }.ended("pause: somebody takes it back at once", &run);
}

pub(crate) fn a_resumed_rollout_whose_image_is_missing_is_paused_again(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let missing = json!({"spec": {"paused": true, "template": {"spec": {"containers": [
        {"name": "app", "image": "docker.io/timonel/app:9.9.9", "imagePullPolicy": "Never"}]}}}});
    space.patch("apps/v1", "Deployment", "web", &missing);
    let run = operator.run_of("resume", &["deployment/web"]).expect("failed", 1);
    assert_eq!(spec(&space)["paused"], true, "{:#}", spec(&space));
    Watched { cluster, space: &space, operator: &operator }.ended("resume a rollout: its image cannot be pulled", &run);
}

pub(crate) fn a_schedule_is_suspended_and_resumed_and_refused_and_taken_back(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&cron_job("nightly", "Allow", "exit 0"));
    let operator = Operator::new(cluster, "operator", &space);
    let watched = Watched { cluster, space: &space, operator: &operator };
    let set = |suspend: bool| space.patch("batch/v1", "CronJob", "nightly", &json!({"spec": {"suspend": suspend}}));
    watched.ended("resume a schedule: it is not suspended", &operator.run_of("resume", &["cronjob/nightly"]).expect("refused", 4));
    watched.ended("suspend", &operator.run_of("suspend", &["nightly"]).expect("proven", 0));
    watched.ended("suspend: it is suspended already", &operator.run_of("suspend", &["nightly"]).expect("refused", 4));
    watched.ended("resume a schedule", &operator.run_of("resume", &["cronjob/nightly"]).expect("proven", 0));
    for (words, back, row) in [
        (["suspend", "nightly"], false, "suspend: somebody takes it back at once"),
        (["resume", "cronjob/nightly"], true, "resume a schedule: somebody takes it back at once"),
    ] {
        set(back);
        let (second, run) = undone_by_somebody(cluster, &space, "operator", &words, "/cronjobs/nightly", || set(back));
        Watched { cluster, space: &space, operator: &second }.ended(row, &run.expect("failed", 1));
        assert_eq!(space.get("batch/v1", "CronJob", "nightly").unwrap()["spec"]["suspend"], back, "{row}");
    }
}

pub(crate) fn a_node_whose_cordon_somebody_takes_back_is_left_to_them(cluster: &Cluster) {
    let node = SpareNode::new(cluster);
    let path = format!("/nodes/{}", node.name);
    let set = |value: bool| node.space.patch("v1", "Node", &node.name, &json!({"spec": {"unschedulable": value}}));
    for (action, back, row) in
        [("cordon", false, "cordon: somebody takes it back at once"), ("uncordon", true, "uncordon: somebody takes it back at once")]
    {
        set(back);
        // The controllers of a new node write to it as well, so that a first try may be refused: what is held is the answer of the one that
        // was carried out, or nobody would take anything back and the run would rightly be proven.
        let undo = || {
            assert_eq!(node.unschedulable(), !back, "it is carried out");
            set(back);
        };
        let (operator, run) = undone_by_somebody(cluster, &node.space, "admin", &[action, &node.name], &path, undo);
        let watched = Watched { cluster, space: &node.space, operator: &operator };
        watched.ended_on_a_node(row, &run.expect("failed", 1));
        assert_eq!(node.space.get("v1", "Node", &node.name).unwrap()["spec"]["unschedulable"] == true, back, "{row}");
    }
}
