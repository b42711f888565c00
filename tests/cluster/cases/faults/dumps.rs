//! Bad days of a dump: its console is killed, its holder gone, its server out of reach, its volume full.

use std::fs;
use std::io::Write;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::{pinned, vanished};
use crate::cases::backups::{Begun, ROWS, begun, catalogue, file, run};
use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::manifest::Web;
use crate::middle::{Fate, Middle, When};
use crate::operator::{Operator, Run};
use crate::postgres::{Postgres, Volume};
use crate::support::proxy::Proxy;

pub(super) const DUMP: &[&str] = &["run", "backup", "daily", "--confirm", "y", "-o", "json", "-f"];

/// A database with rows and a volume beside it.
pub(super) fn place<'a>(space: &'a Namespace<'a>) -> (Postgres<'a>, Volume<'a>) {
    let (postgres, volume) = (Postgres::new(space), Volume::new(space, "backups", None));
    postgres.ask(ROWS);
    (postgres, volume)
}

pub(crate) fn a_dump_that_is_killed_at_any_line_of_its_record_is_proven_when_it_is_resumed(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (_postgres, volume) = place(&space);
    let line = Proxy::to(cluster.address());
    let operator = Operator::new(cluster, "operator", &space).over(cluster, "operator", &line);
    let file = file(&operator, &space, "password");
    for (nth, (kind, step, row)) in (1..).zip([
        ("confirm", "", "dump: kill -9 once the confirmation is recorded; resumed"),
        ("proof", "lock", "dump: kill -9 once the lock is taken; resumed"),
        ("outcome", "write", "dump: kill -9 once its Job is made; resumed"),
    ]) {
        let before: Vec<_> = operator.journal().iter().map(|line| line["run"].clone()).collect();
        line.slow(Duration::from_millis(400));
        let running = operator.start(&[DUMP, &[&*file]].concat());
        let at = |line: &serde_json::Value| line["kind"] == kind && (step.is_empty() || line["step"] == step) && !before.contains(&line["run"]);
        let id = operator.wait_for_line(row, at);
        running.signal(Signal::KILL);
        assert_eq!(running.end().code, None, "killed");
        line.slow(Duration::ZERO);
        let run = operator.resume(&id).expect("proven", 0);
        Watched { cluster, space: &space, operator: &operator }.ended_with_one_write_at_most(row, &run);
        assert_eq!((catalogue(&space).len(), volume.files().len()), (nth, 2 * nth), "one dump more: {:?}", volume.files());
    }
    // What was asked and may not have arrived is asked again under the same name: there is one Job at most.
    let middle = Middle::of(cluster, "operator");
    let operator = operator.through(cluster, "operator", &middle);
    let asked = middle.hold("POST", "/jobs", 1, When::Asked, Fate::QuestionLost);
    let running = operator.start(&[DUMP, &[&*file]].concat());
    asked.reached();
    let id = operator.journal().last().expect("an intent")["run"].as_str().expect("a run").to_owned();
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None, "killed");
    asked.go();
    let run = operator.resume(&id).expect("proven", 0);
    let row = "dump: kill -9 with the request for its Job on its way, which does not arrive; resumed";
    Watched { cluster, space: &space, operator: &operator }.ended_with_one_write_at_most(row, &run);
    assert_eq!((catalogue(&space).len(), volume.files().len()), (4, 8), "{:?}", volume.files());
}

pub(crate) fn whoever_may_not_dump_now_is_told_why_and_makes_no_job(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let Begun { held, running, volume, .. } = begun(cluster, &space, None);
    volume.wait_for(".errors");
    let _ = cluster.writes(&space);
    let refused = |user: &str, row: &str, pin: bool| {
        let operator = Operator::new(cluster, user, &space);
        let own = file(&operator, &space, "password");
        let file = if pin { pinned(&operator, &own) } else { own };
        let run = run(&operator, &file).expect("refused", 4);
        Watched { cluster, space: &space, operator: &operator }.ended(row, &run);
    };
    refused("second", "dump: a second operator meanwhile", false);
    refused("viewer", "dump: a viewer", false);
    refused("second", "dump: the service file means another cluster", true);
    assert_eq!(space.list("batch/v1", "Job").len(), 1, "the first one's alone");
    drop(held);
    Run::of(&running.end()).expect("proven", 0);
}

pub(crate) fn a_dump_goes_on_without_its_console_its_server_and_a_holder_who_vanished(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (postgres, volume) = place(&space);
    vanished(&space, "persistentvolumeclaim-backups");
    let middle = Middle::of(cluster, "operator");
    let operator = Operator::new(cluster, "operator", &space).through(cluster, "operator", &middle);
    let own = file(&operator, &space, "password");
    let watched = Watched { cluster, space: &space, operator: &operator };
    let followed = run(&operator, &own).expect("proven", 0);
    watched.ended("dump: the holder of the lock vanished", &followed);
    assert!(
        operator.journal().iter().any(|line| line["kind"] == "proof" && line.to_string().contains("bob@desk/run-1")),
        "it is on record"
    );
    middle.clock_ahead(300);
    watched.ended("dump: the server's clock is 5 minutes ahead", &run(&operator, &own).expect("proven", 0));
    assert_eq!(catalogue(&space).len(), 2);

    let line = Proxy::to(cluster.address());
    let operator = Operator::new(cluster, "operator", &space).over(cluster, "operator", &line);
    let own = file(&operator, &space, "password");
    let held = postgres.hold("rules");
    let running = operator.start(&[DUMP, &[&*own]].concat());
    operator.wait_for_line("its Job is made", |line| line["kind"] == "outcome" && line["step"] == "write");
    volume.wait_for(".errors");
    line.cut();
    drop(held);
    // It comes to its end while nobody sees it.
    volume.wait_for_files(6);
    line.mend();
    let run = Run::of(&running.end()).expect("proven", 0);
    Watched { cluster, space: &space, operator: &operator }.ended("dump: the API server is out of reach until it is done", &run);
    assert_eq!(catalogue(&space).len(), 3);
}

pub(crate) fn a_dump_that_finds_no_room_or_no_image_is_none(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let Begun { held, running, volume, operator, file, .. } = begun(cluster, &space, Some(48 << 20));
    volume.wait_for(".partial");
    // What was free when it began is taken by somebody else; what its errors are told in has room.
    let (ballast, room) = (volume.folder.join("ballast"), volume.folder.join("room"));
    fs::write(&room, vec![0; 128 << 10]).unwrap();
    let mut full = fs::File::create(&ballast).unwrap();
    while full.write_all(&[0; 4096]).is_ok() {}
    fs::remove_file(&room).unwrap();
    drop(held);
    let run = Run::of(&running.end());
    assert!(run.end()["reason"].as_str().unwrap().contains("No space left on device"), "{:#}", run.end());
    let watched = Watched { cluster, space: &space, operator: &operator };
    watched.ended("dump: the volume fills up while it is written", &run);
    assert_eq!((volume.files(), catalogue(&space).len()), (vec!["ballast".to_owned()], 0), "nothing that looks like a backup");
    fs::remove_file(&ballast).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let none = operator
        .sandbox
        .write("none.toml", &text.replace(crate::bed::node::DATABASE, "docker.io/timonel/postgres:none"));
    let run = super::super::backups::run(&operator, &none.display().to_string());
    assert!(run.code.is_some_and(|code| code != 0), "{run:#?}");
    watched.ended("dump: its image is missing", &run);
    assert_eq!((volume.files().len(), json!(catalogue(&space).len())), (0, json!(0)));
}

/// A Job goes on without its console: whoever asks for the lock of a run has it after the step, and the run is taken up again later.
pub(crate) fn a_dump_that_is_asked_for_its_lock_lets_go_of_it_and_its_job_comes_to_its_end(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let (postgres, volume) = place(&space);
    let of_both = |user: &str| {
        let operator = Operator::new(cluster, user, &space);
        let text = fs::read_to_string(file(&operator, &space, "password")).unwrap();
        let both = format!("{text}[[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\n");
        let file = operator.sandbox.write("both.toml", &both).display().to_string();
        (operator, file)
    };
    let ((operator, own), (second, theirs)) = (of_both("operator"), of_both("second"));
    let held = postgres.hold("rules");
    let running = operator.start(&[DUMP, &[&*own]].concat());
    let id = operator.wait_for_line("its Job is made", |line| line["kind"] == "outcome" && line["step"] == "write");
    volume.wait_for(".errors");
    let restart = |more: &[&str]| second.call(&[&["run", "restart", "web", "-f", &theirs, "--confirm", "y", "-o", "json"], more].concat());
    let waits = Run::of(&restart(&[])).expect("refused", 4);
    assert!(waits.end().to_string().contains("blocked by lock"), "{:#}", waits.end());
    Run::of(&restart(&["--preempt"])).expect("proven", 0);
    let watched = Watched { cluster, space: &space, operator: &operator };
    let run = Run::of(&running.end()).expect("failed-with-debts", 2);
    assert!(run.end()["reason"].as_str().unwrap().starts_with("asked to stop by second@"), "{:#}", run.end());
    watched.ended("dump: a second operator's restart asks for its lock while its Job runs; both write once", &run);
    assert_eq!((catalogue(&space).len(), space.jobs_of(&id)), (0, 1), "it counts as nothing yet");
    drop(held);
    volume.wait_for_files(2);
    let run = operator.resume(&id).expect("proven", 0);
    watched.ended("dump: a second operator's restart asks for its lock while its Job runs; resumed", &run);
    assert_eq!((catalogue(&space).len(), space.jobs_of(&id)), (1, 1), "{:?}", volume.files());
}
