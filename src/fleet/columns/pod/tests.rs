//! The cases of TestPrintPod and TestPrintPodWithRestartableInitContainer (Kubernetes 1.36.3), by what they are about.

use super::{cells, pod as columns};
use crate::fleet::testing::{NOW, broken, condition, container, ended, now, pod, role, running, terminated, waiting};
use crate::target::model::{Condition, Container, ContainerRole, ContainerState, Pod, Seconds, Termination};

fn with(container: Container, change: impl FnOnce(&mut Container)) -> Container {
    let mut container = container;
    change(&mut container);
    container
}

fn in_phase(phase: &str, conditions: Vec<Condition>, containers: Vec<Container>) -> Pod {
    Pod { phase: phase.into(), conditions: conditions.into(), ..pod("p", containers) }
}

fn restarted(container: Container, restarts: u32, ago: Seconds) -> Container {
    let last = Some(Box::new(Termination { finished: Some(NOW - ago), ..ended(1, "Error") }));
    Container { restarts, last, ..container }
}

fn init(container: Container) -> Container {
    role(ContainerRole::Init, container)
}

fn sidecar(container: Container) -> Container {
    role(ContainerRole::Sidecar, container)
}

/// Name of the case, the pod, READY, STATUS, RESTARTS.
type Case = (&'static str, Pod, &'static str, &'static str, &'static str);

fn check(cases: Vec<Case>) {
    for (what, pod, ready, status, restarts) in cases {
        let [_, got_ready, got_status, got_restarts, _] = cells(&pod, &columns(&pod), now());
        assert_eq!((&*got_ready, &*got_status, &*got_restarts), (ready, status, restarts), "{what}");
    }
}

#[test]
fn status_of_main_containers_reads_as_kubectl_prints_it() {
    let quiet = || broken("b", ContainerState::Waiting { reason: "".into(), message: "".into() }, 3);
    let named_ready = |name: &str| with(broken(name, waiting(""), 3), |c| c.ready = true);
    check(vec![
        (
            "restarts of all containers add up",
            in_phase("podPhase", vec![], vec![with(container("a"), |c| c.restarts = 3), quiet()]),
            "1/2",
            "podPhase",
            "6",
        ),
        (
            "a waiting reason overwrites the phase",
            in_phase("podPhase", vec![], vec![with(container("a"), |c| c.restarts = 3), broken("b", waiting("WaitingReason"), 3)]),
            "1/2",
            "WaitingReason",
            "6",
        ),
        (
            "the first container overwrites the others",
            in_phase("podPhase", vec![], vec![broken("a", waiting("WaitingReason"), 3), broken("b", terminated(0, "TerminatedReason"), 3)]),
            "0/2",
            "WaitingReason",
            "6",
        ),
        (
            "the kubelet's order is by name, whatever the spec's order",
            in_phase("podPhase", vec![], vec![broken("z", waiting("Late"), 0), broken("a", waiting("First"), 0)]),
            "0/2",
            "First",
            "0",
        ),
        (
            "ready without running is not enough",
            in_phase("podPhase", vec![], vec![with(container("a"), |c| c.restarts = 3), named_ready("b")]),
            "1/2",
            "podPhase",
            "6",
        ),
        (
            "the pod's own reason overrides the phase",
            Pod { reason: "Evicted".into(), ..in_phase("Failed", vec![], vec![broken("a", ContainerState::Absent, 0)]) },
            "0/1",
            "Evicted",
            "0",
        ),
    ]);
}

#[test]
fn a_container_that_ended_names_the_pod_unless_another_still_serves() {
    check(vec![
        (
            "one completed, one running, not ready",
            in_phase("Running", vec![], vec![broken("a", terminated(0, "Completed"), 3), with(container("b"), |c| c.restarts = 3)]),
            "1/2",
            "NotReady",
            "6",
        ),
        (
            "one completed, one running, ready",
            in_phase("Running", vec![condition("Ready", true)], vec![broken("a", terminated(0, "Completed"), 0), container("b")]),
            "1/2",
            "Running",
            "0",
        ),
        (
            "no reason but a signal",
            in_phase(
                "Running",
                vec![],
                vec![broken("a", ContainerState::Terminated(Box::new(Termination { signal: 9, ..ended(137, "") })), 0)],
            ),
            "0/1",
            "Signal:9",
            "0",
        ),
        (
            "no reason and no signal",
            in_phase("Running", vec![], vec![broken("a", terminated(3, ""), 0)]),
            "0/1",
            "ExitCode:3",
            "0",
        ),
        (
            "out of memory",
            in_phase("Running", vec![], vec![broken("a", terminated(137, "OOMKilled"), 1)]),
            "0/1",
            "OOMKilled",
            "1",
        ),
        ("no status yet", in_phase("Pending", vec![], vec![broken("a", ContainerState::Absent, 0)]), "0/1", "Pending", "0"),
        (
            "ephemeral containers do not count",
            in_phase("Running", vec![], vec![container("a"), role(ContainerRole::Ephemeral, container("dbg"))]),
            "1/1",
            "Running",
            "0",
        ),
    ]);
}

#[test]
fn one_failed_container_among_running_and_completed_ones_names_the_pod() {
    let crash = |name: &str| broken(name, terminated(1, "podCrash"), 0);
    check(vec![
        ("error, running", in_phase("Failed", vec![], vec![crash("a"), container("b")]), "1/2", "podCrash", "0"),
        ("running, error", in_phase("Failed", vec![], vec![container("a"), crash("b")]), "1/2", "podCrash", "0"),
        (
            "running, error, ended without a word",
            in_phase("Failed", vec![], vec![container("a"), crash("b"), broken("c", terminated(0, ""), 0)]),
            "1/3",
            "podCrash",
            "0",
        ),
        (
            "completed, error: the error speaks",
            in_phase("Failed", vec![], vec![broken("a", terminated(0, "Completed"), 0), crash("b")]),
            "0/2",
            "podCrash",
            "0",
        ),
        (
            "all completed",
            in_phase("Succeeded", vec![], vec![broken("a", terminated(0, "Completed"), 0)]),
            "0/1",
            "Completed",
            "0",
        ),
    ]);
}

#[test]
fn status_of_init_containers_reads_as_kubectl_prints_it() {
    let main = || broken("m", waiting(""), 0);
    let again = |name: &str| init(restarted(broken(name, running(), 0), 3, 10));
    let done = |name: &str| init(broken(name, terminated(0, ""), 0));
    check(vec![
        ("one restarting", in_phase("podPhase", vec![], vec![again("i"), main()]), "0/1", "Init:0/1", "3 (10s ago)"),
        (
            "the second not begun",
            in_phase("podPhase", vec![], vec![again("i"), init(broken("j", waiting(""), 0)), main()]),
            "0/1",
            "Init:0/2",
            "3 (10s ago)",
        ),
        ("the first done", in_phase("podPhase", vec![], vec![done("i"), again("j"), main()]), "0/1", "Init:1/2", "3 (10s ago)"),
        (
            "the first done after restarts",
            in_phase("podPhase", vec![], vec![restarted(done("i"), 2, 120), again("j"), main()]),
            "0/1",
            "Init:1/2",
            "5 (10s ago)",
        ),
        (
            "all done: only main containers count",
            in_phase("Running", vec![], vec![restarted(done("i"), 2, 120), restarted(broken("m", running(), 0), 4, 20)]),
            "0/1",
            "Running",
            "4 (20s ago)",
        ),
        (
            "waiting for its image",
            in_phase("Pending", vec![], vec![init(broken("i", waiting("ImagePullBackOff"), 0)), main()]),
            "0/1",
            "Init:ImagePullBackOff",
            "0",
        ),
        (
            "initialising is not a reason",
            in_phase("Pending", vec![], vec![init(broken("i", waiting("PodInitializing"), 0)), main()]),
            "0/1",
            "Init:0/1",
            "0",
        ),
        (
            "failed",
            in_phase("Pending", vec![], vec![init(broken("i", terminated(1, "Error"), 2)), main()]),
            "0/1",
            "Init:Error",
            "2",
        ),
        (
            "failed without a word",
            in_phase("Pending", vec![], vec![init(broken("i", terminated(7, ""), 0)), main()]),
            "0/1",
            "Init:ExitCode:7",
            "0",
        ),
        (
            "crash loop while the pod was initialised before: main containers speak too",
            in_phase("Running", vec![condition("Initialized", true)], vec![init(broken("i", waiting("CrashLoopBackOff"), 5)), container("m")]),
            "1/1",
            "Init:CrashLoopBackOff",
            "0",
        ),
    ]);
}

#[test]
fn sidecars_count_in_ready_and_restarts() {
    let main = || broken("m", waiting(""), 0);
    let unready = |name: &str, started: bool| with(sidecar(broken(name, running(), 0)), |c| c.started = started);
    check(vec![
        (
            "the first not started",
            in_phase(
                "Pending",
                vec![condition("Initialized", false)],
                vec![restarted(unready("s", false), 3, 10), sidecar(broken("t", waiting(""), 0)), main()],
            ),
            "0/3",
            "Init:0/2",
            "3 (10s ago)",
        ),
        (
            "the second not started",
            in_phase(
                "Pending",
                vec![condition("Initialized", false)],
                vec![restarted(unready("s", true), 3, 10), unready("t", false), main()],
            ),
            "0/3",
            "Init:1/2",
            "3 (10s ago)",
        ),
        (
            "both started, the main one runs",
            in_phase(
                "Running",
                vec![condition("Initialized", true)],
                vec![restarted(unready("s", true), 3, 10), unready("t", true), restarted(container("m"), 4, 20)],
            ),
            "1/3",
            "Running",
            "7 (10s ago)",
        ),
        (
            "killed at the end of a pod that completed",
            in_phase(
                "Succeeded",
                vec![condition("Initialized", true)],
                vec![
                    restarted(sidecar(broken("s", terminated(137, "Error"), 0)), 3, 10),
                    sidecar(broken("t", terminated(137, "Error"), 0)),
                    restarted(broken("m", terminated(0, "Completed"), 0), 4, 20),
                ],
            ),
            "0/3",
            "Completed",
            "7 (10s ago)",
        ),
        (
            "a ready sidecar counts",
            in_phase("Running", vec![condition("Ready", true)], vec![sidecar(container("s")), container("m")]),
            "2/2",
            "Running",
            "0",
        ),
    ]);
}

#[test]
fn restarts_say_when_the_newest_was() {
    let days = |n: Seconds| n * 86_400;
    check(vec![
        (
            "five days ago",
            in_phase("Running", vec![], vec![restarted(container("a"), 3, days(5))]),
            "1/1",
            "Running",
            "3 (5d ago)",
        ),
        (
            "one never",
            in_phase("Running", vec![], vec![container("a"), restarted(container("b"), 3, days(10))]),
            "2/2",
            "Running",
            "3 (10d ago)",
        ),
        (
            "the newest of two",
            in_phase("Running", vec![], vec![restarted(container("a"), 6, days(5)), restarted(container("b"), 3, days(20))]),
            "2/2",
            "Running",
            "9 (5d ago)",
        ),
        (
            "no restart, though an end is known",
            in_phase("Running", vec![], vec![restarted(container("a"), 0, 9)]),
            "1/1",
            "Running",
            "0",
        ),
    ]);
}

#[test]
fn a_deleted_pod_is_terminating_unless_it_ended_or_its_node_is_lost() {
    let deleted = |pod: Pod| {
        let mut pod = pod;
        pod.meta.deleted = Some(NOW - 10);
        pod
    };
    check(vec![
        ("running", deleted(in_phase("Running", vec![], vec![broken("a", running(), 0)])), "0/1", "Terminating", "0"),
        ("pending", deleted(in_phase("Pending", vec![], vec![broken("a", ContainerState::Absent, 0)])), "0/1", "Terminating", "0"),
        (
            "succeeded",
            deleted(in_phase("Succeeded", vec![], vec![broken("a", terminated(0, "Completed"), 0)])),
            "0/1",
            "Completed",
            "0",
        ),
        (
            "node lost",
            deleted(Pod { reason: "NodeLost".into(), ..in_phase("Running", vec![], vec![container("a")]) }),
            "1/1",
            "Unknown",
            "0",
        ),
    ]);
}

#[test]
fn a_gated_pod_says_so() {
    let gate = Condition { reason: "SchedulingGated".into(), ..condition("PodScheduled", false) };
    check(vec![(
        "gated",
        in_phase("Pending", vec![gate], vec![broken("a", ContainerState::Absent, 0)]),
        "0/1",
        "SchedulingGated",
        "0",
    )]);
}
