//! Scales, with autoscalers and timers and of several at once, and what takes a run back.

use serde_json::{Value, json};

use super::{DEBTS, FAILED, MISSING, PROVEN, REFUSED, Scene, at_once, set, wait_for_set};
use crate::cluster::Cluster;
use crate::manifest::{Web, autoscaler, cron_job};
use crate::operator::Run;

const HPA: (&str, &str) = ("autoscaling/v2", "HorizontalPodAutoscaler");
const LEASE: (&str, &str) = ("coordination.k8s.io/v1", "Lease");
const TIMER: &str = "timonel-timer-deployment-web";

pub(crate) fn each_way_a_scale_fails_is_told_and_taken_back(cluster: &Cluster) {
    at_once(
        cluster,
        &[
            |c| {
                let scene = from_nothing(c, &Web::new("web", 0).version(MISSING).never_pulled());
                scene.ends("scale: its image cannot be pulled", "scale", &["web=1"], FAILED);
                assert_eq!(scene.space.replicas("web"), 0);
            },
            |c| {
                let scene = from_nothing(c, &Web::new("web", 0).shell("exit 3"));
                scene.ends("scale: its pods crash", "scale", &["web=1"], FAILED);
                assert_eq!(scene.space.replicas("web"), 0);
            },
            |c| {
                let scene = from_nothing(c, &Web::new("web", 0).never_ready());
                scene.ends("scale: not proven within its deadline", "scale", &["web=1", "--deadline", "8s"], FAILED);
                assert_eq!(scene.space.replicas("web"), 0);
            },
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                scene.room_for(2);
                let words = ["web=4", "--override", "quota", "--reason", "the quota is raised meanwhile"];
                scene.ends("scale: a quota has no room, and that is overridden with a reason", "scale", &words, FAILED);
                assert_eq!(scene.space.replicas("web"), 1);
            },
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                let row = "scale: somebody scales it otherwise at once";
                scene.meanwhile(row, &["scale", "web=2"], "/deployments/web/scale", FAILED, || scene.patch(&json!({"spec": {"replicas": 3}})));
                assert_eq!(scene.space.replicas("web"), 3, "what somebody else wants is left alone");
            },
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                let row = "scale: it is deleted at once";
                scene.meanwhile(row, &["scale", "web=2"], "/deployments/web/scale", FAILED, || scene.space.delete("apps/v1", "Deployment", "web"));
            },
            |c| {
                let scene = Scene::new(c);
                set(&scene.space, "StatefulSet", "1.0.0");
                wait_for_set(&scene.space, "StatefulSet");
                scene.ends("scale of a StatefulSet", "scale", &["statefulset/db=2"], PROVEN);
                scene.ends("scale to nothing", "scale", &["statefulset/db=0"], PROVEN);
                scene.space.delete("v1", "ConfigMap", "settings");
                scene.ends("scale of a StatefulSet: what it reads at its start is gone", "scale", &["statefulset/db=1"], FAILED);
            },
        ],
    );
}

fn from_nothing<'a>(cluster: &'a Cluster, web: &Web) -> Scene<'a> {
    let scene = Scene::new(cluster);
    scene.space.apply(&web.yaml());
    scene.space.wait("it is there", "apps/v1", "Deployment", "web", |web| {
        web["status"]["observedGeneration"] == web["metadata"]["generation"]
    });
    scene
}

/// `web` with one pod under an autoscaler that wants no other count.
fn under_an_autoscaler(cluster: &Cluster) -> Scene<'_> {
    let scene = Scene::with(cluster, &Web::new("web", 1).resources("{requests: {cpu: 10m}}"));
    scene.space.apply(&autoscaler("web", 1, 3));
    scene.space.wait("the autoscaler has looked at its target", HPA.0, HPA.1, "web", |hpa| {
        hpa["status"]["currentReplicas"] == 1 && hpa["status"]["desiredReplicas"] == 1
    });
    scene
}

/// What it takes to try where a quota has no room.
const ANYWAY: [&str; 4] = ["--override", "quota", "--reason", "the quota is raised meanwhile"];

pub(crate) fn a_scale_under_an_autoscaler_takes_both_back_when_it_fails(cluster: &Cluster) {
    // What an autoscaler wanted meanwhile it may want for five minutes more: only its bounds and policies are the run's.
    at_once(
        cluster,
        &[
            |c| {
                let scene = under_an_autoscaler(c);
                scene.room_for(2);
                let row = "scale, its autoscaler's bound raised: a quota has no room";
                scene.ends(row, "scale", &[&["web=3", "hpa=raise"], &ANYWAY[..]].concat(), FAILED);
                assert_eq!(scene.space.get(HPA.0, HPA.1, "web").unwrap_or_default()["spec"]["minReplicas"], 1);
            },
            |c| {
                let scene = under_an_autoscaler(c);
                scene.room_for(2);
                let row = "scale, its autoscaler paused: a quota has no room";
                scene.ends(row, "scale", &[&["web=3", "hpa=pause:30m"], &ANYWAY[..]].concat(), FAILED);
                assert_eq!(policies(&scene), ["Max", "Max"].map(Value::from));
            },
            |c| {
                let scene = under_an_autoscaler(c);
                scene.ends("scale, its autoscaler paused", "scale", &["web=2", "hpa=pause:30m"], PROVEN);
                let again = json!({"spec": {"behavior": {"scaleUp": {"selectPolicy": "Disabled"}, "scaleDown": {"selectPolicy": "Disabled"}}}});
                let row = "resume an autoscaler: somebody pauses it again at once";
                scene.meanwhile(row, &["resume-hpa", "web"], "/horizontalpodautoscalers/web", FAILED, || {
                    scene.space.patch(HPA.0, HPA.1, "web", &again);
                });
                scene.ends("resume an autoscaler", "resume-hpa", &["web"], PROVEN);
                scene.ends("resume an autoscaler: it is not paused", "resume-hpa", &["web"], REFUSED);
            },
            |c| {
                let scene = under_an_autoscaler(c);
                scene.ends("scale, its autoscaler's bound raised", "scale", &["web=2", "hpa=raise"], PROVEN);
            },
        ],
    );
}

fn policies(scene: &Scene<'_>) -> [Value; 2] {
    let hpa = scene.space.get(HPA.0, HPA.1, "web").unwrap_or_default();
    ["scaleUp", "scaleDown"].map(|way| hpa["spec"]["behavior"][way]["selectPolicy"].clone())
}

pub(crate) fn what_is_armed_is_kept_or_taken_back(cluster: &Cluster) {
    at_once(
        cluster,
        &[
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                armed(&scene, &["scale", "web=2"], TIMER, "scale, armed: taken back at its time");
                assert_eq!(scene.space.replicas("web"), 1);
                armed(&scene, &["pause", "web"], TIMER, "pause, armed: taken back at its time");
                scene.ends("keep: nothing is armed", "keep", &["deployment/web"], REFUSED);
            },
            |c| {
                let scene = Scene::with(c, &Web::new("web", 1));
                let running = scene.operator.start(&["run", "scale", "web=2", "--revert-after", "10m", "--confirm", "y", "-o", "json"]);
                scene
                    .operator
                    .wait_for_line("the change is proven", |line| line["kind"] == "end" && line["outcome"] == "proven");
                scene.cluster.writes(&scene.space);
                let row = "keep: somebody arms it again at once";
                let again = json!({"spec": {"holderIdentity": "ana@bastion/20261122-143312-scale-7f3a"}});
                scene.meanwhile(row, &["keep", "deployment/web"], TIMER, FAILED, || scene.space.patch(LEASE.0, LEASE.1, TIMER, &again));
                scene.ends("keep", "keep", &["deployment/web"], PROVEN);
                running.end();
                assert_eq!(scene.space.replicas("web"), 2);
            },
            |c| {
                let scene = Scene::new(c);
                scene.space.apply(&cron_job("nightly", "Allow", "exit 0"));
                armed(&scene, &["suspend", "nightly"], "timonel-timer-cronjob-nightly", "suspend, armed: taken back at its time");
            },
        ],
    );
}

/// Carries it out with a timer, whose time comes.
fn armed(scene: &Scene<'_>, words: &[&str], timer: &str, row: &str) {
    let running = scene.operator.start(&[&["run"], words, &["--revert-after", "10m", "--confirm", "y", "-o", "json"]].concat());
    scene.operator.wait_for_line("the change is proven", |line| {
        line["kind"] == "end" && line["outcome"] == "proven" && line["run"].as_str().is_some_and(|run| run.contains(words[0]))
    });
    let at = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + 2).unwrap_or_default();
    scene
        .space
        .patch(LEASE.0, LEASE.1, timer, &json!({"metadata": {"annotations": {"timonel.io/expires-at": at.to_string()}}}));
    let run = Run::of(&running.end());
    assert_eq!(run.code, Some(1), "{run:#?}");
    scene.tell(row, run);
}

pub(crate) fn a_run_is_undone_by_a_run_of_its_own_or_says_why_not(cluster: &Cluster) {
    let undo = |scene: &Scene<'_>, run: &Run, text: &str| {
        let id = run.end()["run"].as_str().unwrap_or_default().to_owned();
        Run::of(&scene.operator.sandbox.run(&["runs", "undo", &id, "--confirm", text, "-o", "json"]))
    };
    let scene = Scene::after(cluster, &Web::new("web", 1));
    let back = scene.operator.run_of("rollback", &["web", "to=1"]).expect(PROVEN.0, PROVEN.1);
    scene.cluster.writes(&scene.space);
    let undone = undo(&scene, &back, "y").expect("proven", 0);
    scene.tell("undo of a rollback", undone);
    assert!(scene.image().ends_with(":1.1.0"), "{}", scene.image());
    let up = scene.operator.run_of("scale", &["web=2"]).expect("proven", 0);
    // What was told already is not counted again.
    scene.cluster.writes(&scene.space);
    scene.patch(&json!({"spec": {"paused": true}}));
    let refused = undo(&scene, &up, "scale web 2->1").expect("refused", 4);
    scene.tell("undo of a scale: its rollout is paused", refused);
    scene.patch(&json!({"spec": {"paused": false}}));
    let undone = undo(&scene, &up, "scale web 2->1").expect("proven", 0);
    scene.tell("undo of a scale", undone);
}

pub(crate) fn several_are_carried_out_up_to_the_first_failure(cluster: &Cluster) {
    at_once(
        cluster,
        &[
            |c| {
                let scene = two(c);
                scene.ends("restart of two", "restart", &["web", "worker"], PROVEN);
                scene.ends("scale of two", "scale", &["web=2", "worker=2"], PROVEN);
                scene.room_for(5);
                let words = ["worker=1", "web=5", "--override", "quota:web", "--reason", "the quota is raised meanwhile"];
                scene.ends("scale of two: a quota has no room for the second", "scale", &words, FAILED);
                assert_eq!([scene.space.replicas("web"), scene.space.replicas("worker")], [2, 2]);
            },
            |c| {
                let scene = two(c);
                scene.space.delete("v1", "ConfigMap", "settings");
                let run = scene.ends("restart of two: the first cannot start", "restart", &["worker", "web"], DEBTS);
                assert!(run.end()["reason"].as_str().is_some_and(|reason| reason.contains("not begun: web")), "{:#}", run.end());
            },
        ],
    );
}

/// `web`, and `worker` that reads a ConfigMap when it starts.
fn two(cluster: &Cluster) -> Scene<'_> {
    let scene = Scene::with(cluster, &Web::new("web", 1));
    scene.space.apply(&super::reads_settings(&Web::new("worker", 1)));
    scene.space.wait_ready("worker", 1);
    scene
}

pub(crate) fn a_scale_whose_probe_stays_red_is_taken_back(cluster: &Cluster) {
    let scene = Scene::with(cluster, &Web::new("web", 1));
    let file = crate::cases::run::asked_for(&scene.space, &scene.operator, "/there-is-no-such-page");
    let run = scene.operator.run(&["web=2", "-f", &file, "--deadline", "12s"]).expect("failed", 1);
    scene.tell("scale: a probe of the service stays red", run);
}
