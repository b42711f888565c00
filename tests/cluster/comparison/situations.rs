//! The ten situations. Each is made in two namespaces, one for each side, and ends with what both sides said and left.

use serde_json::{Value, json};

use super::Side;
use crate::cases::Case;
use crate::cluster::{Cluster, Namespace};
use crate::manifest::{Web, autoscaler};
use crate::middle::{Fate, Middle, When};
use crate::operator::Run;
use crate::support::sandbox::Finished;
use crate::support::terminal::End;

/// Every situation, by its name.
pub(crate) const ALL: &[(&str, Case)] = &[
    ("comparison::a_rollback_to_a_revision_that_crashes", a_rollback_to_a_revision_that_crashes),
    ("comparison::a_scale_under_an_autoscaler", a_scale_under_an_autoscaler),
    ("comparison::no_quota_is_left", no_quota_is_left),
    ("comparison::a_stale_view", a_stale_view),
    ("comparison::a_rollback_while_the_rollout_is_paused", a_rollback_while_the_rollout_is_paused),
    ("comparison::a_user_who_may_only_look", a_user_who_may_only_look),
    (
        "comparison::a_client_that_is_killed_while_its_request_is_on_the_way",
        a_client_that_is_killed_while_its_request_is_on_the_way,
    ),
    ("comparison::two_operators_at_once", two_operators_at_once),
    ("comparison::a_rollback_to_an_image_that_is_gone", a_rollback_to_an_image_that_is_gone),
    ("comparison::stuck_on_one_pod", stuck_on_one_pod),
];

/// A side on which this runs.
fn with(cluster: &Cluster, webs: impl IntoIterator<Item = Web>, ready: u64) -> Side<'_> {
    let side = Side::new(cluster);
    for web in webs {
        side.space.apply(&web.yaml());
        side.space.wait("its controller has seen it", "apps/v1", "Deployment", "web", |web| {
            web["status"]["observedGeneration"] == web["metadata"]["generation"] && web["status"]["updatedReplicas"].as_u64() > Some(0)
        });
    }
    side.space.wait_ready("web", ready);
    side
}

fn both<'a>(make: impl Fn() -> Side<'a>) -> (Side<'a>, Side<'a>) {
    (make(), make())
}

/// Back to the revision before, which is a bad one.
fn rolled_back(cluster: &Cluster, bad: impl Fn() -> Web, rows: [&str; 2], left: impl Fn(&Value) -> bool) {
    let make = || with(cluster, [bad(), Web::new("web", 1).version("1.1.0")], 1);
    let (one, two) = both(make);
    let typed = ["kubectl rollout undo deployment/web", "kubectl rollout status deployment/web"];
    let undone = one.by_hand("rollout undo deployment/web");
    let status = one.by_hand("rollout status deployment/web --timeout=50s");
    one.tell_by_hand(rows[0], &typed, &[undone, status], &one.left_when("it is as it stays", left));
    let run = two.operator().run_of("rollback", &["web", "to=1"]);
    two.tell_run(
        rows[1],
        &["timonel run rollback web to=1"],
        &run,
        &two.left_when("what was there is there again", |web| web["status"]["replicas"] == 1),
    );
}

fn a_rollback_to_a_revision_that_crashes(cluster: &Cluster) {
    let crashes = || Web::new("web", 1).shell("sleep 3; exit 3");
    rolled_back(cluster, crashes, ["1 kubectl", "1 Timonel"], |web| web["status"].get("readyReplicas").is_none());
}

fn a_rollback_to_an_image_that_is_gone(cluster: &Cluster) {
    let gone = || Web::new("web", 1).version("0.9.0").never_pulled();
    rolled_back(cluster, gone, ["9 kubectl", "9 Timonel"], |web| web["status"]["unavailableReplicas"] == 1);
}

fn a_scale_under_an_autoscaler(cluster: &Cluster) {
    let make = || {
        let side = with(cluster, [Web::new("web", 2).resources("{requests: {cpu: 10m}}")], 2);
        side.space.apply(&autoscaler("web", 2, 3));
        side.space
            .wait("the autoscaler has looked at its target", "autoscaling/v2", "HorizontalPodAutoscaler", "web", |hpa| {
                hpa["status"]["currentReplicas"] == 2 && hpa["status"]["desiredReplicas"] == 2
            });
        side
    };
    let (one, two) = both(make);
    let scaled = one.by_hand("scale deployment/web --replicas=5");
    one.space
        .wait("the autoscaler has taken it back", "apps/v1", "Deployment", "web", |web| web["spec"]["replicas"] == 3);
    one.space.wait_ready("web", 3);
    one.tell_by_hand("2 kubectl", &["kubectl scale deployment/web --replicas=5"], &[scaled], &one.left());
    let run = two.operator().run(&["web=5"]);
    two.tell_run("2 Timonel", &["timonel run scale web=5"], &run, &two.left());
}

fn no_quota_is_left(cluster: &Cluster) {
    let make = || {
        let side = with(cluster, [Web::new("web", 1)], 1);
        side.space.apply("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small}\nspec: {hard: {pods: '2'}}\n");
        side.space
            .wait("the quota is counted", "v1", "ResourceQuota", "small", |quota| quota["status"]["used"]["pods"] == "1");
        side
    };
    let (one, two) = both(make);
    let scaled = one.by_hand("scale deployment/web --replicas=4");
    one.space
        .wait("what fits is there", "apps/v1", "Deployment", "web", |web| web["status"]["readyReplicas"] == 2);
    one.tell_by_hand("3 kubectl", &["kubectl scale deployment/web --replicas=4"], &[scaled], &one.left());
    let run = two.operator().run(&["web=4"]);
    two.tell_run("3 Timonel", &["timonel run scale web=4"], &run, &two.left());
}

fn a_stale_view(cluster: &Cluster) {
    let meanwhile = |space: &Namespace<'_>| {
        space.patch("apps/v1", "Deployment", "web", &json!({"spec": {"replicas": 3}}));
        space.wait_ready("web", 3);
    };
    let (one, two) = both(|| with(cluster, [Web::new("web", 1)], 1));
    meanwhile(&one.space);
    let scaled = one.by_hand("scale deployment/web --replicas=2");
    one.space.wait_ready("web", 2);
    one.tell_by_hand("4 kubectl", &["kubectl scale deployment/web --replicas=2"], &[scaled], &one.left());
    let mut terminal = two.operator().terminal((180, 50), &["run", "scale", "web=2"]);
    terminal.wait_for("to go on:");
    meanwhile(&two.space);
    terminal.press("y enter");
    let code = match terminal.wait_end() {
        End::Code(code) => code.to_string(),
        End::Signal(signal) => signal,
    };
    let screen = terminal.screen();
    let said = screen.rows.iter().rfind(|row| row.contains("stale")).map_or("", |row| row.trim());
    two.tell("4 Timonel", &["timonel run scale web=2", "y"], said, &code, &two.left());
}

fn a_rollback_while_the_rollout_is_paused(cluster: &Cluster) {
    let make = || {
        let side = with(cluster, [Web::new("web", 1), Web::new("web", 1).version("1.1.0")], 1);
        side.space.patch("apps/v1", "Deployment", "web", &json!({"spec": {"paused": true}}));
        side
    };
    let (one, two) = both(make);
    let undone = one.by_hand("rollout undo deployment/web");
    one.tell_by_hand("5 kubectl", &["kubectl rollout undo deployment/web"], &[undone], &one.left());
    let run = two.operator().run_of("rollback", &["web", "to=1"]);
    two.tell_run("5 Timonel", &["timonel run rollback web to=1"], &run, &two.left());
}

fn a_user_who_may_only_look(cluster: &Cluster) {
    let (one, two) = both(|| with(cluster, [Web::new("web", 1)], 1).of("viewer"));
    let scaled = one.by_hand("scale deployment/web --replicas=2");
    one.tell_by_hand("6 kubectl", &["kubectl scale deployment/web --replicas=2"], &[scaled], &one.left());
    let run = two.operator().run(&["web=2"]);
    two.tell_run("6 Timonel", &["timonel run scale web=2"], &run, &two.left());
}

fn a_client_that_is_killed_while_its_request_is_on_the_way(cluster: &Cluster) {
    let (one, two) = both(|| with(cluster, [Web::new("web", 1)], 1));
    let held = |middle: &Middle| middle.hold("PATCH", "/scale", 1, When::Answered, Fate::AnswerLost);

    let middle = Middle::of(cluster, one.user);
    let answer = held(&middle);
    let near = one.operator().through(cluster, one.user, &middle);
    let kubectl = crate::clients::Clients::with(near.sandbox);
    let mut killed = kubectl.start_kubectl(&format!("-n {} scale deployment/web --replicas=2", one.space.name()));
    answer.reached();
    killed.kill().unwrap_or_else(|error| panic!("{error}"));
    let code = killed.wait().unwrap_or_else(|error| panic!("{error}")).code();
    answer.go();
    one.space.wait_ready("web", 2);
    let silent = Finished { code, stdout: String::new(), stderr: String::new() };
    one.tell_by_hand("7 kubectl", &["kubectl scale deployment/web --replicas=2", "kill -9"], &[silent], &(one.left() + "; no record"));

    let middle = Middle::of(cluster, two.user);
    let answer = held(&middle);
    let operator = two.operator().through(cluster, two.user, &middle);
    let running = operator.start(&["run", "scale", "web=2", "--confirm", "y", "-o", "json"]);
    let id = operator.wait_for_line("the intent", |line| line["kind"] == "intent");
    answer.reached();
    running.signal(rustix::process::Signal::KILL);
    running.end();
    answer.go();
    let listed = operator.call(&["runs"]);
    assert!(listed.stdout.contains(&id), "{listed:?}");
    let run = operator.resume(&id).expect("proven", 0);
    let typed = ["timonel run scale web=2", "kill -9", "timonel runs resume RUN"];
    two.tell_run("7 Timonel", &typed, &run, &(two.left() + "; its record, with the kill in it"));
}

fn two_operators_at_once(cluster: &Cluster) {
    let (one, two) = both(|| with(cluster, [Web::new("web", 1)], 1));
    let first = one.by_hand("scale deployment/web --replicas=2");
    let second = one.by_hand("scale deployment/web --replicas=3");
    one.space.wait_ready("web", 3);
    let typed = ["kubectl scale deployment/web --replicas=2", "kubectl scale deployment/web --replicas=3"];
    one.tell_by_hand("8 kubectl", &typed, &[first, second], &one.left());

    let middle = Middle::of(cluster, "second");
    let asked = middle.hold("PATCH", "/scale", 1, When::Asked, Fate::HandedOn);
    let other = two.operator().through(cluster, "second", &middle).env("USER", "second");
    let running = other.start(&["run", "scale", "web=2", "--confirm", "y", "-o", "json"]);
    asked.reached();
    let run = two.operator().run(&["web=3"]);
    asked.go();
    Run::of(&running.end()).expect("proven", 0);
    two.tell_run("8 Timonel", &["timonel run scale web=2", "timonel run scale web=3"], &run, &two.left());
}

fn stuck_on_one_pod(cluster: &Cluster) {
    // Only the first pod finds the door open: the others meet what it left on the volume that they share, and wait for ever.
    let make = || {
        let side = Side::new(cluster);
        let web = Web::new("web", 1).shell("mkdir /shared/taken || exec sleep 1000; exec /bin/app");
        let more = "\n        readinessProbe: {httpGet: {path: /health, port: 8000}, periodSeconds: 1}\n        volumeMounts: [{name: shared, mountPath: /shared}]\n      volumes: [{name: shared, hostPath: {path: /tmp/timonel-shared-NAME, type: DirectoryOrCreate}}]\n";
        side.space.apply(&(web.yaml().trim_end().to_owned() + &more.replace("NAME", side.space.name())));
        side.space.wait_ready("web", 1);
        side
    };
    let (one, two) = both(make);
    let scaled = one.by_hand("scale deployment/web --replicas=2");
    let status = one.by_hand("rollout status deployment/web --timeout=20s");
    let typed = ["kubectl scale deployment/web --replicas=2", "kubectl rollout status deployment/web --timeout=20s"];
    one.tell_by_hand("10 kubectl", &typed, &[scaled, status], &one.left());
    let run = two.operator().run(&["web=2", "--deadline", "20s"]);
    let left = two.left_when("what was there is there again", |web| web["status"]["replicas"] == 1);
    two.tell_run("10 Timonel", &["timonel run scale web=2 --deadline 20s"], &run, &left);
    for side in [&one, &two] {
        let _ = std::fs::remove_dir_all(format!("/tmp/timonel-shared-{}", side.space.name()));
    }
}
