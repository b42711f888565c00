//! Rollbacks, restarts and the end of a pause: pods that do not come, do not stay, or are somebody else's by then.

use serde_json::json;

use super::{DEBTS, FAILED, MISSING, PROVEN, Scene, at_once, set, wait_for_set};
use crate::cluster::Cluster;
use crate::manifest::Web;

pub(crate) fn each_way_a_rollback_fails_is_told_and_taken_back(cluster: &Cluster) {
    at_once(
        cluster,
        &[
            |c| {
                let scene = Scene::after(c, &Web::new("web", 1).version(MISSING).never_pulled());
                scene.ends("rollback: its image cannot be pulled", "rollback", &["web", "to=1"], FAILED);
                assert!(scene.image().ends_with(":1.1.0"), "{}", scene.image());
            },
            |c| {
                let scene = Scene::after(c, &Web::new("web", 1));
                scene.room_for(1);
                scene.ends("rollback: a quota has no room for a new pod", "rollback", &["web", "to=1"], FAILED);
                assert!(scene.image().ends_with(":1.1.0"), "{}", scene.image());
            },
            |c| {
                let scene = Scene::after(c, &Web::new("web", 1).on("{nobody: has-it}"));
                scene.ends("rollback: no node takes the pods of that revision", "rollback", &["web", "to=1"], FAILED);
            },
            |c| {
                let scene = Scene::after(c, &Web::new("web", 1).never_ready());
                scene.ends("rollback: the pods of that revision never become ready", "rollback", &["web", "to=1"], FAILED);
                scene.space.wait_ready("web", 1);
            },
            |c| {
                let scene = Scene::after(c, &Web::new("web", 1).never_ready());
                scene.ends("rollback: not proven within its deadline", "rollback", &["web", "to=1", "--deadline", "8s"], FAILED);
                scene.space.wait_ready("web", 1);
            },
            |c| {
                let scene = Scene::after(c, &Web::new("web", 1));
                let row = "rollback: somebody rolls out something else at once";
                scene.meanwhile(row, &["rollback", "web", "to=1"], "/deployments/web", FAILED, || {
                    scene.space.apply(&Web::new("web", 1).version("1.2.0").yaml());
                });
                assert!(scene.image().ends_with(":1.2.0"), "what somebody else wants is left alone: {}", scene.image());
            },
            |c| {
                let scene = Scene::after(c, &Web::new("web", 1));
                let row = "rollback: it is deleted at once";
                scene.meanwhile(row, &["rollback", "web", "to=1"], "/deployments/web", FAILED, || scene.space.delete("apps/v1", "Deployment", "web"));
            },
        ],
    );
}

pub(crate) fn sets_are_rolled_back_and_restarted_and_say_why_they_are_not(cluster: &Cluster) {
    at_once(
        cluster,
        &[
            |c| {
                sets(
                    c,
                    "StatefulSet",
                    ["rollback of a StatefulSet", "restart of a StatefulSet", "restart of a StatefulSet: what it reads at its start is gone"],
                );
            },
            |c| {
                sets(
                    c,
                    "DaemonSet",
                    ["rollback of a DaemonSet", "restart of a DaemonSet", "restart of a DaemonSet: what it reads at its start is gone"],
                );
            },
            |c| broken_set(c, "StatefulSet", "rollback of a StatefulSet: its image cannot be pulled"),
            |c| broken_set(c, "DaemonSet", "rollback of a DaemonSet: its image cannot be pulled"),
        ],
    );
}

fn word(kind: &str) -> &'static str {
    if kind == "StatefulSet" { "statefulset/db" } else { "daemonset/agent" }
}

fn sets(cluster: &Cluster, kind: &str, [rollback, restart, gone]: [&str; 3]) {
    let scene = Scene::new(cluster);
    for version in ["1.0.0", "1.1.0"] {
        set(&scene.space, kind, version);
        wait_for_set(&scene.space, kind);
    }
    scene.ends(rollback, "rollback", &[word(kind), "to=1"], PROVEN);
    scene.ends(restart, "restart", &[word(kind)], PROVEN);
    scene.space.delete("v1", "ConfigMap", "settings");
    scene.ends(gone, "restart", &[word(kind)], DEBTS);
}

fn broken_set(cluster: &Cluster, kind: &str, row: &str) {
    let scene = Scene::new(cluster);
    set(&scene.space, kind, MISSING);
    scene.space.wait("its revision is there", "apps/v1", kind, word(kind).split('/').nth(1).unwrap(), |object| {
        object["status"]["observedGeneration"] == object["metadata"]["generation"]
    });
    set(&scene.space, kind, "1.1.0");
    if kind == "StatefulSet" {
        // Its controller waits for the broken pod for ever.
        scene.space.wait("its pod is there", "v1", "Pod", "db-0", |pod| pod["status"]["phase"] == "Pending");
        scene.space.delete("v1", "Pod", "db-0");
    }
    wait_for_set(&scene.space, kind);
    let run = scene.operator.run_of("rollback", &[word(kind), "to=1", "--deadline", "40s"]);
    let (outcome, code) = if kind == "StatefulSet" { DEBTS } else { FAILED };
    scene.tell(row, run.expect(outcome, code));
}

pub(crate) fn each_way_a_restart_fails_is_told_as_a_debt(cluster: &Cluster) {
    at_once(
        cluster,
        &[
            |c| {
                let scene = Scene::without_settings(c);
                scene.ends("restart: what it reads at its start is gone", "restart", &["web"], DEBTS);
            },
            |c| {
                let apart = "{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}]}}";
                let scene = Scene::with(c, &Web::new("web", 1).apart(apart));
                scene.ends("restart: no node takes a second pod", "restart", &["web"], DEBTS);
            },
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1).init("slow", "sleep 12"));
                scene.ends("restart: not proven within its deadline", "restart", &["web", "--deadline", "6s"], DEBTS);
            },
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                let other =
                    json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-22T14:33:12Z"}}}}});
                let row = "restart: somebody restarts it once more at once";
                scene.meanwhile(row, &["restart", "web"], "/deployments/web", FAILED, || scene.patch(&other));
            },
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                let row = "restart: it is deleted at once";
                scene.meanwhile(row, &["restart", "web"], "/deployments/web", FAILED, || scene.space.delete("apps/v1", "Deployment", "web"));
            },
        ],
    );
}

pub(crate) fn each_way_the_end_of_a_pause_fails_pauses_it_again(cluster: &Cluster) {
    at_once(
        cluster,
        &[
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                let crash = json!({"spec": {"paused": true, "template": {"spec": {"containers": [{"name": "app", "image": "docker.io/timonel/app:1.0.0", "command": ["sh", "-c", "exit 3"]}]}}}});
                scene.patch(&crash);
                scene.ends("resume a rollout: its pods crash", "resume", &["deployment/web"], FAILED);
                assert_eq!(scene.deployment()["spec"]["paused"], true);
            },
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                scene.room_for(1);
                scene.patch(&json!({"spec": {"paused": true, "template": {"metadata": {"annotations": {"a": "b"}}}}}));
                scene.ends("resume a rollout: a quota has no room for a new pod", "resume", &["deployment/web"], FAILED);
                assert_eq!(scene.deployment()["spec"]["paused"], true);
            },
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                scene.patch(&json!({"spec": {"paused": true, "template": {"metadata": {"annotations": {"a": "b"}}}}}));
                let row = "resume a rollout: somebody rolls out something else at once";
                scene.meanwhile(row, &["resume", "deployment/web"], "/deployments/web", FAILED, || {
                    scene.patch(&json!({"spec": {"template": {"metadata": {"annotations": {"a": "c"}}}}}));
                });
            },
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                let row = "pause: it is deleted at once";
                scene.meanwhile(row, &["pause", "web"], "/deployments/web", FAILED, || scene.space.delete("apps/v1", "Deployment", "web"));
            },
        ],
    );
}
