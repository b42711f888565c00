//! The table of contract.md 1, cell by cell: `<row>_is_<health>_when_<cell>`.

use super::{Evidence, Member, Memory, Part, Rollout, cron_job, group, job, pod, service, whole, workload};
use crate::base::health::Health::{self, Degraded, Down, Off, Ok, Unknown};
use crate::fleet::health::Endpoints;
use crate::fleet::testing::{NOW, broken, condition, container, ended, meta, pod as a_pod, running, terminated, waiting, workload as a_workload};
use crate::target::model::{Condition, Container, CronJob, Job, Kind, Pod, Seconds, Selector, Strategy, Termination, Workload};

const KINDS: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

/// Health of `w`, of which `earlier` were ready before a change that began at `since`.
fn judged(w: &Workload, earlier: i32, since: Seconds, evidence: Evidence) -> (Health, Rollout) {
    let mut before = a_workload(w.kind, "w", earlier);
    before.meta.generation = w.meta.generation - 1;
    before.observed_generation = before.meta.generation;
    let mut memory = Memory::first(&before, &Evidence::default(), since);
    memory.observe(w, since);
    let verdict = workload(w, &memory, &evidence, 0, NOW);
    (verdict.health, verdict.rollout)
}

fn part(kind: Kind, desired: i32, ready: i32, updated: i32) -> Workload {
    Workload { desired, ready, updated, available: ready, replicas: desired, ..a_workload(kind, "w", desired) }
}

#[test]
fn workload_is_ok_when_desired_is_ready_and_updated() {
    for kind in KINDS {
        assert_eq!(judged(&part(kind, 3, 3, 3), 3, NOW, Evidence::default()), (Ok, Rollout::Done));
    }
}

#[test]
fn workload_is_ok_and_marked_when_its_strategy_holds_updates_back() {
    let strategy = |kind: &str, partition| Strategy { kind: kind.into(), partition, ..Strategy::default() };
    let partitioned = Workload { strategy: strategy("RollingUpdate", Some(2)), ..part(Kind::StatefulSet, 3, 3, 1) };
    let by_hand = Workload { strategy: strategy("OnDelete", None), ..part(Kind::DaemonSet, 3, 3, 1) };
    let paused = Workload { paused: true, ..part(Kind::Deployment, 3, 3, 1) };
    for (w, rollout, text) in [
        (partitioned, Rollout::Done, "partition 2"),
        (by_hand, Rollout::Done, "1 of 3 updated, the others when deleted"),
        (paused, Rollout::Paused, "paused"),
    ] {
        let memory = Memory::first(&w, &Evidence::default(), NOW);
        let verdict = workload(&w, &memory, &Evidence::default(), 0, NOW);
        assert_eq!((verdict.health, verdict.rollout, verdict.text.as_deref()), (Ok, rollout, Some(text)));
    }
}

#[test]
fn workload_is_ok_and_progressing_when_a_change_is_within_its_deadline_and_the_earlier_ready_count_holds() {
    for kind in KINDS {
        for (what, w, earlier) in
            [("scale-up", part(kind, 5, 3, 5), 3), ("rollout", part(kind, 3, 3, 1), 3), ("scale-up and rollout", part(kind, 5, 4, 1), 3)]
        {
            assert_eq!(judged(&w, earlier, NOW - 600, Evidence::default()), (Ok, Rollout::Progressing), "{what} of {kind:?}");
        }
    }
    let unseen = Workload {
        observed_generation: 1,
        meta: crate::target::model::Meta { generation: 2, ..meta("w") },
        ..part(Kind::Deployment, 3, 3, 3)
    };
    assert_eq!(judged(&unseen, 3, NOW, Evidence::default()), (Ok, Rollout::Progressing), "the controller has not looked yet");
}

#[test]
fn workload_is_degraded_when_fewer_are_ready_than_before() {
    for kind in KINDS {
        assert_eq!(judged(&part(kind, 3, 2, 3), 3, NOW, Evidence::default()).0, Degraded, "a pod broke");
        assert_eq!(judged(&part(kind, 3, 2, 1), 3, NOW, Evidence::default()).0, Degraded, "a rollout that takes from the ready ones");
    }
}

#[test]
fn workload_is_degraded_when_its_deadline_passed() {
    for kind in KINDS {
        assert_eq!(judged(&part(kind, 3, 3, 1), 3, NOW - 601, Evidence::default()), (Degraded, Rollout::Stalled));
        assert_eq!(judged(&part(kind, 5, 3, 5), 3, NOW - 601, Evidence::default()), (Degraded, Rollout::Stalled));
    }
    let patient = Workload { progress_deadline: Some(1200), ..part(Kind::Deployment, 3, 3, 1) };
    assert_eq!(judged(&patient, 3, NOW - 1200, Evidence::default()).0, Ok);
    assert_eq!(judged(&patient, 3, NOW - 1201, Evidence::default()).0, Degraded);
    let given_up = Condition { reason: "ProgressDeadlineExceeded".into(), ..condition("Progressing", false) };
    let given_up = Workload { conditions: [given_up].into(), ..part(Kind::Deployment, 3, 3, 1) };
    assert_eq!(judged(&given_up, 3, NOW, Evidence::default()), (Degraded, Rollout::Stalled), "the controller itself gave up");
}

#[test]
fn workload_is_degraded_when_a_pod_of_the_new_template_cannot_start() {
    let evidence = Evidence { cannot_start: true, ..Evidence::default() };
    for kind in KINDS {
        assert_eq!(judged(&part(kind, 3, 3, 1), 3, NOW, evidence), (Degraded, Rollout::Stalled));
    }
}

#[test]
fn workload_is_down_when_some_are_desired_and_none_is_ready() {
    for kind in KINDS {
        for earlier in [0, 3] {
            assert_eq!(judged(&part(kind, 3, 0, 3), earlier, NOW, Evidence::default()).0, Down);
        }
    }
}

#[test]
fn workload_is_down_when_none_is_desired_and_a_service_file_demands_some() {
    let w = part(Kind::Deployment, 0, 0, 0);
    let memory = Memory::first(&w, &Evidence::default(), NOW);
    assert_eq!(workload(&w, &memory, &Evidence::default(), 1, NOW).health, Down);
}

#[test]
fn workload_is_off_when_none_is_desired() {
    for kind in KINDS {
        assert_eq!(judged(&part(kind, 0, 0, 0), 3, NOW, Evidence::default()).0, Off);
    }
}

#[test]
fn without_memory_only_growth_that_an_event_tells_of_is_taken_for_growth() {
    let w = part(Kind::Deployment, 5, 3, 5);
    for (scaled_from, health) in [(None, Degraded), (Some(3), Ok), (Some(4), Degraded)] {
        let evidence = Evidence { scaled_from, last_progress: Some(NOW - 10), ..Evidence::default() };
        let memory = Memory::first(&w, &evidence, NOW);
        assert_eq!(workload(&w, &memory, &evidence, 0, NOW).health, health, "{scaled_from:?}");
    }
}

#[test]
fn progress_starts_the_deadline_anew_and_a_flapping_pod_is_no_progress() {
    let at = |ready, seconds| (part(Kind::StatefulSet, 5, ready, 5), seconds);
    let run = |steps: &[(Workload, Seconds)]| {
        let mut memory = Memory::first(&part(Kind::StatefulSet, 3, 3, 3), &Evidence::default(), NOW - 2000);
        for (w, seconds) in steps {
            memory.observe(w, *seconds);
        }
        workload(&steps.last().unwrap().0, &memory, &Evidence::default(), 0, NOW).health
    };
    assert_eq!(run(&[at(3, NOW - 900), at(4, NOW - 500)]), Ok, "the fourth came 500 s ago");
    assert_eq!(run(&[at(4, NOW - 900), at(3, NOW - 500), at(4, NOW - 100)]), Degraded, "the fourth comes and goes");
}

#[test]
fn a_scale_down_lowers_what_has_to_hold() {
    let mut memory = Memory::first(&part(Kind::Deployment, 5, 5, 5), &Evidence::default(), NOW);
    let w = part(Kind::Deployment, 3, 3, 1);
    memory.observe(&w, NOW);
    assert_eq!(workload(&w, &memory, &Evidence::default(), 0, NOW).health, Ok);
}

#[test]
fn a_workload_made_anew_has_no_earlier_ready_pods_to_hold() {
    let mut memory = Memory::first(&part(Kind::Deployment, 3, 3, 3), &Evidence::default(), NOW);
    let mut reborn = part(Kind::Deployment, 3, 1, 3);
    reborn.meta.uid = "another".into();
    memory.observe(&reborn, NOW);
    assert_eq!(workload(&reborn, &memory, &Evidence::default(), 0, NOW).health, Ok);
}

fn a_job(conditions: Vec<Condition>) -> Job {
    Job {
        meta: meta("j"),
        suspended: false,
        completions: Some(1),
        parallelism: Some(1),
        active: 0,
        ready: 0,
        succeeded: 0,
        failed: 0,
        started: Some(NOW - 100),
        completed: None,
        conditions: conditions.into(),
        selector: Selector::default(),
        template: [].into(),
    }
}

fn since(kind: &str, ago: Seconds) -> Condition {
    Condition { since: Some(NOW - ago), ..condition(kind, true) }
}

#[test]
fn job_cells() {
    for (what, job_, superseded, health) in [
        ("ok when complete", a_job(vec![since("Complete", 5)]), false, Ok),
        ("ok when running", a_job(vec![]), false, Ok),
        ("degraded when failed within a day", a_job(vec![since("Failed", 86_399)]), false, Degraded),
        ("degraded when about to be failed", a_job(vec![since("FailureTarget", 5)]), false, Degraded),
        ("off when failed longer ago", a_job(vec![since("Failed", 86_400)]), false, Off),
        ("off when failed and followed by a later success", a_job(vec![since("Failed", 5)]), true, Off),
        ("off when suspended", Job { suspended: true, ..a_job(vec![]) }, false, Off),
        ("ok when complete, though suspended later", Job { suspended: true, ..a_job(vec![since("Complete", 5)]) }, false, Ok),
    ] {
        assert_eq!(job(&job_, superseded, NOW).health, health, "{what}");
    }
    assert_eq!(job(&a_job(vec![since("Failed", 86_399)]), false, NOW).turn, Some(NOW + 1), "a failure turns off by itself");
}

#[test]
fn cron_job_cells() {
    // NOW is 2027-01-15 08:00:00 UTC; every ten minutes, the last run at 07:50 is what a run due at 08:00 follows.
    let cron = |last: Option<Seconds>| CronJob {
        meta: crate::target::model::Meta { created: NOW - 3000, ..meta("c") },
        schedule: "*/10 * * * *".into(),
        time_zone: "".into(),
        suspended: false,
        concurrency: "Forbid".into(),
        starting_deadline: None,
        active: 0,
        last_schedule: last,
        last_success: None,
        template: [].into(),
    };
    let done = |ago| a_job(vec![since("Complete", ago)]);
    let failed = |ago| a_job(vec![since("Failed", ago)]);
    for (what, cron, jobs, health) in [
        ("ok when the last finished run succeeded", cron(Some(NOW - 600)), vec![failed(1100), done(500)], Ok),
        (
            "ok when the first is not due yet",
            CronJob { meta: crate::target::model::Meta { created: NOW - 10, ..meta("c") }, ..cron(None) },
            vec![],
            Ok,
        ),
        ("ok while a run may still begin", cron(Some(NOW - 600)), vec![], Ok),
        ("degraded when the last finished run failed", cron(Some(NOW - 600)), vec![done(1100), failed(500)], Degraded),
        ("degraded when a scheduled run was missed", cron(Some(NOW - 1200)), vec![done(1100)], Degraded),
        ("degraded when the first run was missed", cron(None), vec![], Degraded),
        (
            "ok when a run was skipped because the last one still runs",
            CronJob { active: 1, ..cron(Some(NOW - 1200)) },
            vec![a_job(vec![])],
            Ok,
        ),
        (
            "degraded when missed though one runs, where they may overlap",
            CronJob { active: 1, concurrency: "Allow".into(), ..cron(Some(NOW - 1200)) },
            vec![],
            Degraded,
        ),
        (
            "ok within startingDeadlineSeconds",
            CronJob { starting_deadline: Some(900), ..cron(Some(NOW - 1200)) },
            vec![done(1100)],
            Ok,
        ),
        ("off when suspended", CronJob { suspended: true, ..cron(Some(NOW - 86_400)) }, vec![failed(500)], Off),
        ("unknown when its schedule cannot be read", CronJob { schedule: "whenever".into(), ..cron(None) }, vec![], Unknown),
        ("unknown when its time zone is not known", CronJob { time_zone: "Mars/Olympus".into(), ..cron(None) }, vec![], Unknown),
    ] {
        assert_eq!(cron_job(&cron, jobs.iter(), NOW).health, health, "{what}");
    }
}

#[test]
fn a_cron_job_is_due_by_its_own_time_zone() {
    // 08:00 UTC is 09:00 in Madrid in January: the run of 09:00 Madrid is due now, the run of 09:00 UTC is not.
    let cron = |zone: &str, schedule: &str| CronJob {
        meta: crate::target::model::Meta { created: NOW - 5 * 86_400, ..meta("c") },
        schedule: schedule.into(),
        time_zone: zone.into(),
        suspended: false,
        concurrency: "Allow".into(),
        starting_deadline: None,
        active: 0,
        last_schedule: Some(NOW - 86_400 + 3600),
        last_success: None,
        template: [].into(),
    };
    assert_eq!(cron_job(&cron("Europe/Madrid", "58 8 * * *"), [].iter(), NOW).health, Degraded);
    assert_eq!(cron_job(&cron("", "58 8 * * *"), [].iter(), NOW).health, Ok);
}

#[test]
fn bare_pod_cells() {
    let phase = |phase: &str, containers: Vec<Container>| Pod { phase: phase.into(), ..a_pod("p", containers) };
    let restarted = |ago: Seconds| {
        let last = Some(Box::new(Termination { finished: Some(NOW - ago), ..ended(1, "Error") }));
        a_pod("p", vec![Container { restarts: 1, last, ..container("c") }])
    };
    for (what, pod_, health) in [
        ("ok when running and ready", a_pod("p", vec![container("c")]), Ok),
        ("ok when succeeded", phase("Succeeded", vec![broken("c", terminated(0, "Completed"), 0)]), Ok),
        ("degraded when not ready", a_pod("p", vec![broken("c", running(), 0)]), Degraded),
        ("degraded when pending", phase("Pending", vec![broken("c", waiting("ImagePullBackOff"), 0)]), Degraded),
        ("degraded when restarting", restarted(599), Degraded),
        ("ok when its restart is old", restarted(600), Ok),
        ("down when failed", phase("Failed", vec![broken("c", terminated(1, "Error"), 0)]), Down),
        ("down in a crash loop", a_pod("p", vec![broken("c", waiting("CrashLoopBackOff"), 5)]), Down),
        ("unknown when its node is lost", Pod { reason: "NodeLost".into(), ..a_pod("p", vec![container("c")]) }, Unknown),
    ] {
        assert_eq!(pod(&pod_, NOW).health, health, "{what}");
    }
    assert_eq!(pod(&restarted(599), NOW).turn, Some(NOW + 1));
    let mut going = a_pod("p", vec![container("c")]);
    going.meta.deleted = Some(NOW);
    assert_eq!(pod(&going, NOW).health, Off, "off when it is going away");
}

#[test]
fn pods_that_nobody_counts_are_judged_together() {
    let (good, bad, looping) = (
        a_pod("a", vec![container("c")]),
        a_pod("b", vec![broken("c", running(), 0)]),
        a_pod("c", vec![broken("c", waiting("CrashLoopBackOff"), 9)]),
    );
    for (pods, health) in
        [(vec![&good], Ok), (vec![&good, &bad], Degraded), (vec![&good, &looping], Degraded), (vec![&looping, &bad], Down), (vec![], Off)]
    {
        assert_eq!(group(pods.into_iter(), NOW).health, health);
    }
}

#[test]
fn service_cells() {
    for (what, ready, wanted, health) in [
        ("ok with one ready endpoint", 1, true, Ok),
        ("down when none is ready while its pods should run", 0, true, Down),
        ("off when no pods are wanted", 0, false, Off),
    ] {
        assert_eq!(service(Endpoints { ready, total: 3 }, wanted).health, health, "{what}");
    }
}

#[test]
fn the_whole_cells() {
    let plain = |health| Member { health, part: Part::Workload { critical: false } };
    let critical = |health| Member { health, part: Part::Workload { critical: true } };
    let probe = |health, critical| Member { health, part: Part::Probe { critical } };
    let other = |health| Member { health, part: Part::Other };
    for (what, members, health) in [
        ("ok when all are", vec![plain(Ok), plain(Ok)], Ok),
        ("unknown without members", vec![], Unknown),
        ("off when nothing is wanted", vec![plain(Off), plain(Off)], Off),
        ("worst of its members: unknown", vec![plain(Ok), plain(Unknown)], Unknown),
        ("worst of its members: degraded", vec![plain(Unknown), plain(Degraded)], Degraded),
        ("degraded when one of several is down", vec![plain(Ok), plain(Down)], Degraded),
        ("down when all workloads are", vec![plain(Down), plain(Down)], Down),
        ("down when all that are wanted are", vec![plain(Down), plain(Off)], Down),
        ("down when the database is", vec![plain(Ok), critical(Down)], Down),
        ("down when a probe is that counts", vec![plain(Ok), probe(Down, true)], Down),
        ("degraded when an optional probe is down", vec![plain(Ok), probe(Down, false)], Degraded),
        ("degraded when a Service or KPI is down", vec![plain(Ok), other(Down)], Degraded),
        ("degraded, not down, when only probes are there and an optional one is down", vec![probe(Down, false)], Degraded),
    ] {
        assert_eq!(whole(&members), health, "{what}");
    }
}
