//! Runs that are killed, cut off, stopped, resumed and taken back on real pods: one confirmation is one write.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::run::asked_for;
use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::manifest::Web;
use crate::operator::{Operator, Run, place};
use crate::support::proxy::Proxy;

const SCALE: &[&str] = &["run", "scale", "web=2", "--confirm", "y", "-o", "json"];
/// A line on which there is time to see an intent before the answer to its request comes.
const SLOW: Duration = Duration::from_millis(400);

fn generation(space: &Namespace<'_>) -> i64 {
    space.get("apps/v1", "Deployment", "web").unwrap()["metadata"]["generation"].as_i64().unwrap()
}

fn is(line: &Value, kind: &str, step: &str) -> bool {
    line["kind"] == kind && (step.is_empty() || line["step"] == step)
}

fn free(space: &Namespace<'_>) {
    let leases = space.list("coordination.k8s.io/v1", "Lease");
    assert!(leases.iter().all(|lease| lease["spec"].get("holderIdentity").is_none()), "the lock is free again: {leases:#?}");
}

pub(crate) fn a_run_that_is_killed_at_any_line_of_its_record_is_proven_when_it_is_resumed(cluster: &Cluster) {
    for (kind, step, row) in [
        ("confirm", "", "kill -9 once the confirmation is recorded; resumed"),
        ("proof", "lock", "kill -9 once the lock is taken; resumed"),
        ("intent", "write", "kill -9 between intent and request; resumed"),
        ("outcome", "write", "kill -9 once the outcome of the write is recorded; resumed"),
    ] {
        let (space, operator) = place(cluster);
        let before = generation(&space);
        let line = Proxy::to(cluster.address());
        let operator = operator.over(cluster, "operator", &line);
        // Each of these lines is followed by a request.
        line.slow(SLOW);
        let running = operator.start(SCALE);
        let id = operator.wait_for_line(&format!("{kind} {step}"), |line| is(line, kind, step));
        running.signal(Signal::KILL);
        assert_eq!(running.end().code, None, "killed");
        line.slow(Duration::ZERO);
        let run = operator.resume(&id).expect("proven", 0);
        assert_eq!(space.replicas("web"), 2, "{kind} {step}");
        // One scale, and the note of the run once or twice with the same text.
        assert!(generation(&space) <= before + 2, "{kind} {step}: one scale and one annotation");
        Watched { cluster, space: &space, operator: &operator }.ended_with_one_write_at_most(row, &run);
        free(&space);
        over(&operator, &id);
    }
}

pub(crate) fn a_run_that_is_resumed_is_proven_by_the_probes_of_its_service_file(cluster: &Cluster) {
    for (changed, named) in [(false, false), (true, true), (true, false)] {
        let (space, operator) = place(cluster);
        let line = Proxy::to(cluster.address());
        let operator = operator.over(cluster, "operator", &line);
        let file = asked_for(&space, &operator, "/health");
        line.slow(SLOW);
        let running = operator.start(&["run", "scale", "web=2", "-f", &file, "--deadline", "30s", "--confirm", "y", "-o", "json"]);
        let id = operator.wait_for_line("the outcome of the write", |line| is(line, "outcome", "write"));
        running.signal(Signal::KILL);
        running.end();
        line.slow(Duration::ZERO);
        if changed {
            let text = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, format!("{text}# another\n")).unwrap();
        }
        let more: &[&str] = if named { &["--service", &file] } else { &[] };
        let run = Run::of(&operator.sandbox.run(&[&["runs", "resume", &id, "-o", "json"], more].concat()));
        let proven = |run: &Run| {
            run.named("step_proven")
                .any(|e| e["step"] == "prove-probes" && e["text"].as_str().is_some_and(|t| t.contains("page")))
        };
        if changed && !named {
            let run = run.expect("failed", 1);
            let reason = run.end()["reason"].as_str().unwrap();
            assert!(reason.contains("page unknown") && reason.contains("was changed since it was planned"), "{reason}");
            assert_eq!((&run.end()["undone"], space.replicas("web")), (&json!(true), 1), "what is not known is not proven");
            continue;
        }
        let run = run.expect("proven", 0);
        assert!(proven(&run), "{:#?}", run.events);
        assert_eq!(space.replicas("web"), 2);
    }
}

pub(crate) fn a_run_that_is_killed_once_its_end_is_recorded_is_over(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let line = Proxy::to(cluster.address());
    let operator = operator.over(cluster, "operator", &line);
    line.slow(SLOW);
    let running = operator.start(SCALE);
    let id = operator.wait_for_line("the end", |line| is(line, "end", ""));
    // Its note in the cluster and the release of the lock are still to be sent.
    running.signal(Signal::KILL);
    let killed = Run::of(&running.end());
    assert_eq!(killed.code, None, "killed");
    line.slow(Duration::ZERO);
    assert_eq!(space.replicas("web"), 2);
    over(&operator, &id);
    let watched = Watched { cluster, space: &space, operator: &operator };
    watched.ended_before_it_was_told("kill -9 once its end is recorded, before the lock is let go", &id);
}

fn over(operator: &Operator, id: &str) {
    let again = operator.sandbox.run(&["runs", "resume", id]).exits(4);
    assert!(again.stderr.contains("is over: proven"), "{again:?}");
}

pub(crate) fn a_run_that_is_killed_while_its_write_is_on_the_way_is_written_once(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let line = Proxy::to(cluster.address());
    let before = generation(&space);
    let far = operator.over(cluster, "operator", &line);
    line.slow(SLOW);
    let running = far.start(SCALE);
    let id = far.wait_for_line("the intent", |line| is(line, "intent", "write"));
    // The request arrives; its answer is still on the line when nobody is there any more.
    space.wait("the write arrived", "apps/v1", "Deployment", "web", |web| web["spec"]["replicas"] == 2);
    running.signal(Signal::KILL);
    running.end();
    let answered = far.journal().iter().any(|line| is(line, "outcome", "write"));
    line.slow(Duration::ZERO);
    let run = far.resume(&id).expect("proven", 0);
    let write = run.named("step_proven").find(|event| event["step"] == "write").unwrap_or_else(|| panic!("{run:#?}"));
    assert!(write["text"].as_str().unwrap().contains("found out by reading"), "{write:#} {answered}");
    assert!(generation(&space) <= before + 2, "one scale and one annotation");
    let watched = Watched { cluster, space: &space, operator: &far };
    watched.ended_with_one_write_at_most("kill -9 while the write is on its way; resumed", &run);
}

pub(crate) fn a_run_that_lost_its_network_finds_out_when_it_is_resumed(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let line = Proxy::to(cluster.address());
    let far = operator.over(cluster, "operator", &line);
    let running = far.start(&[SCALE, &["--deadline", "10s"]].concat());
    let id = far.wait_for_line("the write", |line| is(line, "outcome", "write"));
    line.cut();
    let ended = Run::of(&running.end());
    assert_eq!((ended.end()["outcome"].clone(), ended.code), (json!("unknown"), Some(3)), "{ended:#?}");
    assert!(!ended.end()["debts"].as_array().unwrap().is_empty(), "what may be left is listed");
    let watched = Watched { cluster, space: &space, operator: &far };
    watched.ended("the network is gone after the write", &ended);
    line.mend();
    let run = far.resume(&id).expect("proven", 0);
    watched.ended("the network is gone after the write, and comes back; resumed", &run);
    assert_eq!(space.replicas("web"), 2);
    free(&space);
}

pub(crate) fn a_rollback_that_is_killed_finds_its_template_again(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    space.apply(&Web::new("web", 1).version("1.1.0").yaml());
    space.wait_ready("web", 1);
    for (kind, to, row) in [
        ("proof", "1", "kill -9 of a rollback once its first proof is recorded; resumed"),
        ("outcome", "2", "kill -9 of a rollback once its write is recorded; resumed"),
    ] {
        let finished = operator.call(&["plan", "rollback", "web", &format!("to={to}"), "-o", "json"]);
        let revision = if finished.code == Some(0) { to.to_owned() } else { panic!("{finished:?}") };
        let running = operator.start(&["run", "rollback", "web", &format!("to={revision}"), "--confirm", "y", "-o", "json"]);
        let known: Vec<String> = operator.journal().iter().filter(|l| l["kind"] == "end").map(|l| l["run"].to_string()).collect();
        let id = operator.wait_for_line(kind, |line| line["kind"] == kind && !known.contains(&line["run"].to_string()));
        running.signal(Signal::KILL);
        running.end();
        let run = operator.resume(&id).expect("proven", 0);
        assert!(run.named("step_proven").any(|event| event["step"] == "prove-rollout"), "{run:#?}");
        let web = space.get("apps/v1", "Deployment", "web").unwrap();
        let image = web["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
        assert!(image.ends_with(if to == "1" { ":1.0.0" } else { ":1.1.0" }), "{image}");
        Watched { cluster, space: &space, operator: &operator }.ended_with_one_write_at_most(row, &run);
    }
}

pub(crate) fn what_somebody_else_wants_meanwhile_is_left_alone(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let running = operator.start(SCALE);
    let id = operator.wait_for_line("the write", |line| is(line, "outcome", "write"));
    running.signal(Signal::KILL);
    running.end();
    space.patch("apps/v1", "Deployment", "web", &json!({ "spec": { "replicas": 1 } }));
    let run = operator.resume(&id).expect("failed", 1);
    assert!(run.end()["reason"].as_str().unwrap().contains("taken back"), "{:#}", run.end());
    assert_eq!(space.replicas("web"), 1, "what somebody took back is not written again");
    Watched { cluster, space: &space, operator: &operator }.ended("kill -9, and somebody takes the change back; resumed", &run);
}

pub(crate) fn a_terminated_run_says_so_and_can_be_resumed(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let line = Proxy::to(cluster.address());
    let operator = operator.over(cluster, "operator", &line);
    // The answer to the write is still on the line when the signal comes: it stops after that step.
    line.slow(SLOW);
    let running = operator.start(SCALE);
    let id = operator.wait_for_line("the intent", |line| is(line, "intent", "write"));
    running.signal(Signal::TERM);
    let ended = Run::of(&running.end());
    line.slow(Duration::ZERO);
    assert_eq!((ended.code, ended.end()["interrupted"].clone()), (Some(143), json!("terminate")), "{ended:#?}");
    assert_eq!(ended.end()["debts"].as_array().unwrap().len(), 1);
    let watched = Watched { cluster, space: &space, operator: &operator };
    watched.ended("it is terminated (SIGTERM)", &ended);
    let run = operator.resume(&id).expect("proven", 0);
    watched.ended("it is terminated (SIGTERM); resumed", &run);
    assert_eq!(space.replicas("web"), 2);
    free(&space);
}

pub(crate) fn a_run_whose_terminal_is_gone_goes_on_to_its_end(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let running = operator.start(SCALE);
    operator.wait_for_line("the intent", |line| is(line, "intent", "write"));
    running.signal(Signal::HUP);
    let run = Run::of(&running.end()).expect("proven", 0);
    assert_eq!(space.replicas("web"), 2);
    Watched { cluster, space: &space, operator: &operator }.ended("the terminal is gone (SIGHUP)", &run);
}

pub(crate) fn two_interrupts_take_it_back(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    // Pods that never become ready: there is time to interrupt.
    let running = operator.start(&["run", "scale", "web=3", "--confirm", "y", "-o", "json"]);
    operator.wait_for_line("the write", |line| is(line, "outcome", "write"));
    running.signal(Signal::INT);
    running.signal(Signal::INT);
    let ended = Run::of(&running.end());
    assert_eq!(ended.code, Some(130), "{ended:#?}");
    // The two may arrive as one, which stops after the step and lists what is left.
    let (undone, left) = (ended.end()["undone"] == true, ended.end()["debts"].as_array().unwrap().len());
    assert_eq!((space.replicas("web"), left), if undone { (1, 0) } else { (3, 1) }, "{ended:#?}");
}

pub(crate) fn a_proven_run_is_undone_by_a_plan_of_its_own(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let run = operator.run_confirmed("y", &["web=2"]).expect("proven", 0);
    let id = run.end()["run"].as_str().unwrap();
    let undo = |more: &[&str]| operator.sandbox.run(&[&["runs", "undo", id, "-o", "json"], more].concat());
    undo(&[]).exits(4);
    undo(&["--confirm", "no"]).exits(4);
    assert_eq!(space.replicas("web"), 2, "it asks for a confirmation of its own");
    let undone = Run::of(&undo(&["--confirm", "scale web 2->1"])).expect("proven", 0);
    assert_ne!(undone.end()["run"], id);
    assert_eq!(space.replicas("web"), 1);
    space.wait("the pod is gone", "apps/v1", "Deployment", "web", |web| web["status"]["replicas"] == 1);
}
