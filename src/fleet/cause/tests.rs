//! One line per kind of trouble, as an operator reads it on the row.

use super::{Trouble, pod as cause_of};
use crate::fleet::testing::{NOW, broken, condition, container, ended, fleet, node, pod, role, running, terminated, waiting, warning};
use crate::target::model::{Condition, Container, ContainerRole, ContainerState, Event, Object, Pod, Termination};

fn loud(reason: &str, message: &str) -> ContainerState {
    ContainerState::Waiting { reason: reason.into(), message: message.into() }
}

fn looping(name: &str, end: Termination, restarts: u32) -> Container {
    let state = loud("CrashLoopBackOff", "back-off 5m0s restarting failed container=app pod=p");
    Container { last: Some(Box::new(end)), ..broken(name, state, restarts) }
}

fn pending(message: &str) -> Pod {
    let unscheduled = Condition { reason: "Unschedulable".into(), message: message.into(), ..condition("PodScheduled", false) };
    Pod {
        phase: "Pending".into(),
        node: "".into(),
        conditions: [unscheduled].into(),
        ..pod("p", vec![broken("app", ContainerState::Absent, 0)])
    }
}

fn initialising(containers: Vec<Container>) -> Pod {
    Pod { phase: "Pending".into(), conditions: [condition("Initialized", false)].into(), ..pod("p", containers) }
}

fn explain(pod: Pod, others: Vec<Object>) -> Option<super::Cause> {
    let (ns, name) = (pod.meta.namespace.clone(), pod.meta.name.clone());
    let objects: Vec<Object> = std::iter::once(pod.into()).chain(others).collect();
    let fleet = fleet(&objects);
    cause_of(&fleet, fleet.pod(&ns, &name).unwrap(), NOW)
}

fn check_line(pod: Pod, events: Vec<Event>, trouble: Trouble, short: &str, text: &str) {
    let events = events.into_iter().map(Object::from).collect();
    let cause = explain(pod, events).expect(text);
    assert_eq!((cause.trouble, &*cause.short, &*cause.text), (trouble, short, text));
}

#[test]
fn each_trouble_of_a_container_is_explained_on_one_line() {
    let image = |reason: &str, message: &str| Container { image: "ghcr.io/team/web:2.0".into(), ..broken("app", loud(reason, message), 0) };
    let init = |container| role(ContainerRole::Init, container);
    for (pod, events, trouble, short, text) in [
        (
            pod("p", vec![looping("app", ended(137, "OOMKilled"), 7)]),
            vec![],
            Trouble::CrashLoop,
            "OOMKilled",
            "container app: CrashLoopBackOff, exit 137 (OOMKilled), 7 restarts",
        ),
        (
            pod("p", vec![looping("app", Termination { message: "no such table: orders".into(), ..ended(1, "Error") }, 1)]),
            vec![],
            Trouble::CrashLoop,
            "exit 1",
            "container app: CrashLoopBackOff, exit 1 (application error), 1 restart: no such table: orders",
        ),
        (
            initialising(vec![init(looping("migrate", ended(1, "Error"), 4)), broken("app", loud("PodInitializing", ""), 0)]),
            vec![],
            Trouble::CrashLoop,
            "exit 1",
            "init container migrate: CrashLoopBackOff, exit 1 (application error), 4 restarts",
        ),
        (
            initialising(vec![init(broken("wait-for-db", running(), 0)), broken("app", loud("PodInitializing", ""), 0)]),
            vec![],
            Trouble::Init,
            "initialising",
            "init container wait-for-db still runs",
        ),
        (
            pod(
                "p",
                vec![image("ErrImagePull", "failed to resolve reference \"ghcr.io/team/web:2.0\": ghcr.io/team/web:2.0: not found")],
            ),
            vec![],
            Trouble::Image,
            "ErrImagePull",
            "container app: ErrImagePull: web:2.0: not found",
        ),
        (
            pod("p", vec![image("ImagePullBackOff", "Back-off pulling image \"ghcr.io/team/web:2.0\"")]),
            vec![warning("p", "Failed", "Failed to pull image \"ghcr.io/team/web:2.0\": unexpected status from HEAD request: 403 Forbidden")],
            Trouble::Image,
            "ImagePullBackOff",
            "container app: ImagePullBackOff: web:2.0: 403 Forbidden",
        ),
        (
            pod("p", vec![broken("app", loud("CreateContainerConfigError", "secret \"db\" not found"), 0)]),
            vec![],
            Trouble::Config,
            "CreateContainerConfigError",
            "container app: CreateContainerConfigError: secret \"db\" not found",
        ),
        (
            pod("p", vec![broken("app", loud("ContainerCreating", ""), 0)]),
            vec![warning("p", "FailedMount", "MountVolume.SetUp failed for volume \"tls\" : secret \"tls\" not found")],
            Trouble::Volume,
            "FailedMount",
            "container app: FailedMount: secret \"tls\" not found",
        ),
    ] {
        check_line(pod, events, trouble, short, text);
    }
}

#[test]
fn a_crash_loop_caught_while_it_runs_is_told_by_its_exits_and_not_by_the_probe_that_fails_meanwhile() {
    let quick = Termination { started: Some(NOW - 303), ..ended(3, "Error") };
    let caught = |end: Termination, restarts| pod("p", vec![Container { last: Some(Box::new(end)), ..broken("app", running(), restarts) }]);
    let unhealthy = || vec![warning("p", "Unhealthy", "Readiness probe failed: connection refused")];
    check_line(caught(quick.clone(), 2), unhealthy(), Trouble::CrashLoop, "exit 3", "container app: exit 3, 2 restarts");
    let text = "container app: readiness probe fails: connection refused";
    check_line(caught(quick, 1), unhealthy(), Trouble::Probe, "readiness probe", text);
    check_line(caught(ended(3, "Error"), 2), unhealthy(), Trouble::Probe, "readiness probe", text);
}

#[test]
fn each_trouble_of_the_pod_itself_is_explained_on_one_line() {
    for (pod, events, trouble, short, text) in [
        (
            pending("0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found."),
            vec![],
            Trouble::Scheduling,
            "Unschedulable",
            "cannot be scheduled: 0/3 nodes are available: 3 Insufficient cpu",
        ),
        (
            pending(""),
            vec![warning("p", "FailedScheduling", "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")],
            Trouble::Volume,
            "volume pending",
            "waits for its volume: 0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims",
        ),
        (
            pod("p", vec![broken("app", running(), 0)]),
            vec![warning("p", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")],
            Trouble::Probe,
            "readiness probe",
            "container app: readiness probe fails: HTTP 503",
        ),
        (
            pod("p", vec![broken("app", terminated(127, "Error"), 0)]),
            vec![],
            Trouble::Exit,
            "exit 127",
            "container app: exit 127 (command not found)",
        ),
        (
            Pod {
                phase: "Failed".into(),
                reason: "Evicted".into(),
                message: "The node was low on resource: memory.".into(),
                ..pod("p", vec![])
            },
            vec![],
            Trouble::Evicted,
            "Evicted",
            "Evicted: The node was low on resource: memory.",
        ),
        (
            pod("p", vec![Container { restarts: 2, last: Some(Box::new(ended(137, "OOMKilled"))), ..container("app") }]),
            vec![],
            Trouble::Restarted,
            "OOMKilled",
            "container app was restarted: exit 137 (OOMKilled), 2 restarts",
        ),
        (pod("p", vec![broken("app", running(), 0)]), vec![], Trouble::Starting, "not ready", "container app has not started yet"),
    ] {
        check_line(pod, events, trouble, short, text);
    }
}

#[test]
fn a_healthy_or_finished_pod_needs_no_explanation() {
    assert_eq!(explain(pod("p", vec![container("app")]), vec![]), None);
    let done = Pod {
        phase: "Succeeded".into(),
        restart_policy: "Never".into(),
        ..pod("p", vec![broken("app", terminated(0, "Completed"), 0)])
    };
    assert_eq!(explain(done, vec![]), None);
    let old = Termination { finished: Some(NOW - 601), ..ended(1, "Error") };
    assert_eq!(explain(pod("p", vec![Container { restarts: 1, last: Some(Box::new(old)), ..container("app") }]), vec![]), None);
}

#[test]
fn a_lost_node_explains_its_unready_pods_and_nothing_else() {
    let cause = explain(pod("p", vec![broken("app", running(), 0)]), vec![node("node-1", None).into()]).unwrap();
    assert_eq!((cause.trouble, &*cause.text), (Trouble::Node, "node node-1 is not ready: NodeStatusUnknown"));
    assert_eq!(explain(pod("p", vec![container("app")]), vec![node("node-1", None).into()]), None);
}

#[test]
fn a_probe_that_failed_before_the_container_was_restarted_does_not_explain_the_present() {
    let before = Event {
        last: NOW - 90_000,
        ..warning("p", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500")
    };
    let cause = explain(pod("p", vec![broken("app", running(), 0)]), vec![before.into()]).unwrap();
    assert_eq!(cause.trouble, Trouble::Starting);
}

#[test]
fn the_probe_of_another_container_is_not_blamed() {
    let other = Event {
        field_path: "spec.containers{sidecar}".into(),
        ..warning("p", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    };
    let cause = explain(pod("p", vec![broken("app", running(), 0)]), vec![other.into()]).unwrap();
    assert_eq!(cause.trouble, Trouble::Starting);
}

#[test]
fn a_kill_that_a_probe_asked_for_is_told_as_such() {
    let container = || looping("app", ended(137, "Error"), 5);
    let kill = |number: i64| Event {
        field_path: "spec.containers{app}".into(),
        last: NOW - 300 + number,
        ..warning("p", "Killing", "Container app failed liveness probe, will be restarted")
    };
    let told = explain(pod("p", vec![container()]), vec![kill(-30).into()]).unwrap();
    assert_eq!(told.text, "container app: CrashLoopBackOff, exit 137 (killed, liveness probe failed), 5 restarts");
    let old = explain(pod("p", vec![container()]), vec![kill(-500).into()]).unwrap();
    assert_eq!(old.text, "container app: CrashLoopBackOff, exit 137 (SIGKILL), 5 restarts");
}

#[test]
fn the_worst_container_speaks_for_the_pod() {
    let cause = explain(pod("p", vec![broken("a", running(), 0), looping("b", ended(1, "Error"), 3)]), vec![]).unwrap();
    assert!(cause.text.starts_with("container b: CrashLoopBackOff"), "{}", cause.text);
}

#[test]
fn the_chain_goes_from_the_pod_to_the_last_exit_with_the_full_messages() {
    let cause = explain(pod("p", vec![looping("app", Termination { message: "boom".into(), ..ended(1, "Error") }, 3)]), vec![]).unwrap();
    let chain: Vec<(&str, &str)> = cause.chain.iter().map(|l| (&*l.what, &*l.says)).collect();
    assert_eq!(
        chain,
        [
            ("pod p", "CrashLoopBackOff"),
            ("container app", "CrashLoopBackOff: back-off 5m0s restarting failed container=app pod=p"),
            ("last exit", "exit 1 (application error): boom"),
        ]
    );
    assert_eq!(cause.since, Some(NOW - 300));
}

#[test]
fn a_pod_that_does_not_go_away_says_so() {
    let mut going = pod("p", vec![container("app")]);
    going.meta.deleted = Some(NOW - 60);
    assert_eq!(explain(going.clone(), vec![]), None);
    going.meta.deleted = Some(NOW - 61);
    assert_eq!(explain(going, vec![]).unwrap().trouble, Trouble::Stuck);
}

#[test]
fn waiting_without_a_word_is_not_a_cause() {
    assert_eq!(explain(pod("p", vec![broken("app", waiting("ContainerCreating"), 0)]), vec![]), None);
}
