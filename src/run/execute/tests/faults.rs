//! What happens when the world is unkind, as a table: `assets/faults.md` is what these runs came to.
//!
//! `TIMONEL_UPDATE_PAGES=1 cargo test --lib faults` writes the page anew.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Bench, Memory};
use crate::base::clock::Clock as _;
use crate::run::world::{Fault, Limit, State, World, deployment};
use crate::run::{Control, Outcome, Plan, Way};
use crate::target::api::{ErrorKind, TargetError};
use crate::target::model::{Kind, ObjectRef};

const HEAD: &str = "# What happens when something goes wrong

A workload of three pods is scaled to five, and something is in the way. Each row is a run of a test against a simulated API; how it
ended, what it says and what is left are what the run really came to. Written by `cargo test` (`src/run/execute/tests/faults.rs`),
which fails when a row is not so any more. That a process is killed at any moment is tested at every request, before it is sent and
after it was carried out (`src/run/resume/tests.rs`), and on a real Kubernetes (`tests/cluster/cases/resume.rs`): resumed, the run is
proven or taken back, and one confirmation is one write. The same faults on a real Kubernetes: faults-real.md.

| what goes wrong | it ends as | exit | requests that changed the count | replicas | left behind | what it says |
|---|---|---|---|---|---|---|
";

/// When something is done to the world.
enum When {
    /// Before the plan is made.
    First(fn(&World)),
    /// Between plan and confirmation.
    Between(fn(&World)),
}

fn faulty(fault: Fault, times: usize) -> impl Fn(&World) {
    move |world| world.with(|s| s.faults.extend(vec![(Kind::Deployment, fault.clone()); times]))
}

fn lease(world: &World, renewed: &str) {
    let object = ObjectRef::new(Kind::Lease, "shop", "timonel-deployment-api");
    let value = json!({ "metadata": { "uid": "l1" },
        "spec": { "holderIdentity": "bob@desk/run-1", "leaseDurationSeconds": 30, "renewTime": renewed } });
    world.with(|s| s.put(&object, value));
}

const ROWS: &[(&str, When)] = &[
    ("nothing", When::First(|_| ())),
    ("the answer to the write is lost; it was carried out", When::First(|w| faulty(Fault::CutAfter, 1)(w))),
    ("the answer to the write is lost; it was not carried out", When::First(|w| faulty(Fault::CutBefore, 1)(w))),
    (
        "the answer to the write is lost; it is carried out 40 s later, when the lock is lost",
        When::First(|w| faulty(Fault::Late, 1)(w)),
    ),
    ("nothing answers any more after the write", When::Between(|w| w.with(|s| s.cut_off_after_write = true))),
    ("two conflicts in a row (409)", When::First(|w| faulty(Fault::Race, 2)(w))),
    ("conflicts without end (409)", When::First(|w| faulty(Fault::Race, 9)(w))),
    ("the server is busy once (429)", When::First(|w| faulty(Fault::Refuse(ErrorKind::TooManyRequests), 1)(w))),
    ("the server is busy for ever (429)", When::First(|w| faulty(Fault::Refuse(ErrorKind::TooManyRequests), 99)(w))),
    ("the server fails once (500)", When::First(|w| faulty(Fault::Refuse(ErrorKind::Server), 1)(w))),
    (
        "an admission webhook denies the dry run",
        When::First(|w| w.with(|s| s.dry_run = Some(TargetError::new(ErrorKind::Denied, "admission webhook \"freeze\" denied the request: Friday")))),
    ),
    ("an admission webhook denies the write", When::First(|w| faulty(Fault::Refuse(ErrorKind::Denied), 1)(w))),
    (
        "an admission webhook does not answer",
        When::First(|w| w.with(|s| s.dry_run = Some(TargetError::new(ErrorKind::Server, "failed calling webhook")))),
    ),
    (
        "the right to write is taken away",
        When::Between(|w| w.with(|s| s.denied.extend(["patch deployments/scale".to_owned()]))),
    ),
    ("somebody scales first", When::Between(|w| w.with(|s| s.scale(7)))),
    ("the workload is deleted and made again", When::Between(|w| w.with(State::recreate))),
    ("the workload is deleted", When::Between(|w| drop(w.with(|s| s.objects.remove(&deployment()))))),
    ("the plan is 91 s old", When::Between(|w| w.with(|s| s.now += Duration::from_secs(91)))),
    ("another console holds the lock", When::Between(|w| lease(w, "2026-11-22T14:50:45.000000Z"))),
    ("the holder of the lock vanished", When::Between(|w| lease(w, "2026-11-22T14:00:00.000000Z"))),
    (
        "the lock cannot be renewed, and then the pods turn out hopeless",
        When::Between(|w| {
            w.with(|s| s.limit = Limit::Ready(3));
            w.after(Duration::from_secs(5), |s| s.denied.extend(["patch leases".to_owned()]));
            w.after(Duration::from_mins(1), |s| s.limit = Limit::Quota(3));
        }),
    ),
    ("a quota has no room", When::Between(|w| w.with(|s| s.limit = Limit::Quota(4)))),
    ("no node has room", When::Between(|w| w.with(|s| s.limit = Limit::Room(3)))),
    ("the image cannot be pulled", When::Between(|w| w.with(|s| s.limit = Limit::Image(3)))),
    ("the pods never become ready", When::Between(|w| w.with(|s| s.limit = Limit::Ready(3)))),
    (
        "the pods fail, and pods that were ready before lose their place",
        When::Between(|w| {
            w.with(|s| s.limit = Limit::Quota(4));
            w.after(Duration::from_secs(4), |s| s.limit = Limit::Room(1));
        }),
    ),
    (
        "somebody scales while the pods start",
        When::Between(|w| {
            w.with(|s| s.limit = Limit::Ready(3));
            w.after(Duration::from_secs(3), |s| s.scale(7));
        }),
    ),
];

/// What is wished of a run, in order.
type Wishes = &'static [fn(&Control)];

/// What an operator, or the machine, does to the run itself.
const SIGNALS: &[(&str, Wishes)] = &[
    ("the operator interrupts twice", &[Control::interrupt, Control::interrupt]),
    ("the process is terminated", &[Control::terminate]),
    ("the terminal is gone, and the image cannot be pulled", &[Control::detach]),
];

fn carried_out(bench: &Bench, plan: Plan) -> Outcome {
    let typed = plan.confirmation().text.clone().unwrap_or_default();
    // Refused before there is a run, or a run with its end.
    match plan.clone().confirm(&typed, bench.world.now()) {
        Ok(_) => bench.carry_out(plan).outcome,
        Err(refusal) => Outcome::refused(&refusal),
    }
}

fn row(what: &str, bench: &Bench, outcome: &Outcome) -> String {
    let replicas = bench.world.object(&deployment())["spec"]["replicas"]
        .as_i64()
        .map_or_else(|| "-".to_owned(), |n| n.to_string());
    let debts: Vec<&str> = outcome.debts.iter().map(|d| d.what.as_str()).collect();
    let left = if debts.is_empty() { "nothing".to_owned() } else { debts.join("; ") };
    let (words, code, writes) = (outcome.words(), outcome.exit_code(), bench.scale_writes());
    format!("| {what} | {words} | {code} | {writes} | {replicas} | {left} | {} |\n", outcome.reason)
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (what, when) in ROWS {
        let bench = Bench::new();
        let plan = match when {
            When::First(fault) => {
                fault(&bench.world);
                bench.plan(5)
            }
            When::Between(fault) => {
                let plan = bench.plan(5);
                fault(&bench.world);
                plan
            }
        };
        let outcome = carried_out(&bench, plan);
        page += &row(what, &bench, &outcome);
    }
    for (what, lines) in [("the disk is full before the run", 0), ("the disk is full before the write", 4), ("the disk is full after the write", 5)] {
        let bench = Bench { journal: Arc::new(Memory { full_after: Some(lines), ..Memory::default() }), ..Bench::new() };
        let outcome = bench.scale(5).outcome;
        page += &row(what, &bench, &outcome);
    }
    for (what, changes) in SIGNALS {
        let bench = Bench { control: Arc::new(Control::new(true)), ..Bench::new() };
        bench.world.with(|s| s.limit = if what.contains("image") { Limit::Image(3) } else { Limit::None });
        let control = bench.control.clone();
        bench.world.after(Duration::from_secs(1), move |_| changes.iter().for_each(|change| change(&control)));
        let control = bench.control.clone();
        bench.world.after(Duration::from_secs(4), move |_| control.answer(Way::Undo));
        let outcome = bench.scale(5).outcome;
        page += &row(what, &bench, &outcome);
    }
    page
}

#[test]
fn the_page_of_faults_says_what_happens() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/faults.md");
    let page = page();
    if std::env::var_os("TIMONEL_UPDATE_PAGES").is_some() {
        std::fs::write(&path, &page).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let mut differences = String::new();
    for line in page.lines().filter(|line| !kept.lines().any(|k| k == *line)) {
        let _ = writeln!(differences, "{line}");
    }
    assert_eq!(differences, "", "TIMONEL_UPDATE_PAGES=1 writes the page anew");
    assert_eq!(kept.lines().count(), page.lines().count());
}
