//! Whole runs of a step that runs a command in a pod: nothing tells afterwards whether it ran.

use std::sync::Arc;
use std::time::Duration;

use super::program::{plan, step};
use super::{Bench, Told};
use crate::run::program::{Does, ProgramStep, Run};
use crate::run::world::{Fault, deployment};
use crate::run::{Control, End, Happening, ProbeAnswer, Probes, Way};
use crate::target::api::{Change, ErrorKind};
use crate::target::model::Kind;
use futures_util::future::BoxFuture;

fn command(argv: &[&str]) -> Run {
    let argv = argv.iter().map(|word| (*word).to_owned()).collect();
    Run { workload: deployment(), container: Some("api".to_owned()), argv, back: None, reads: false, again: false }
}

/// What was run in pods, in order.
fn commands(bench: &Bench) -> Vec<String> {
    let of = |change: &Change| if let Change::Exec(command) = change { Some(command.argv.join(" ")) } else { None };
    bench.world.writes_to(Kind::Pod).iter().filter_map(|w| of(&w.change)).collect()
}

fn ways(told: &Told) -> Vec<Vec<Way>> {
    let of = |e: &crate::run::RunEvent| if let Happening::Asked { question } = &e.what { Some(question.ways.clone()) } else { None };
    told.events.iter().filter_map(of).collect()
}

fn answers(bench: &mut Bench, way: Way) {
    bench.control = Arc::new(Control::new(true));
    let control = bench.control.clone();
    bench.world.after(Duration::from_mins(2), move |_| control.answer(way));
}

/// Probes that are green.
struct Green;

impl Probes for Green {
    fn ask<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, ProbeAnswer> {
        Box::pin(std::future::ready(ProbeAnswer::Ok("200".to_owned())))
    }
}

#[test]
fn a_command_runs_once_in_one_ready_pod_and_its_exit_code_proves_it() {
    let bench = Bench::new();
    let plan = plan(&bench, vec![step("clear", Does::Command(command(&["app", "cache", "clear"])))]);
    let lines: Vec<String> = plan.lines(crate::base::clock::Clock::now(&bench.world)).into_iter().map(|l| l.text).collect();
    assert!(lines.iter().any(|l| l.contains("kubectl") && l.contains("exec deployment/api -c api -- app cache clear")), "{lines:#?}");
    assert!(lines.iter().any(|l| l.contains("no server can try a command")), "{lines:#?}");
    let told = bench.carry_out(plan);
    told.assert(End::Proven, "");
    assert_eq!(commands(&bench), ["app cache clear"]);
    let proven = told
        .events
        .iter()
        .any(|e| matches!(&e.what, Happening::StepProven { text, .. } if text.contains("exit code 0 in api-0")));
    assert!(proven, "{:?}", told.events);
}

#[test]
fn a_command_that_fails_is_a_debt_since_nobody_knows_what_it_did_and_one_that_only_reads_is_none() {
    let bench = Bench::new();
    let told = bench.carry_out(plan(&bench, vec![step("clear", Does::Command(command(&["false"])))]));
    told.assert(End::FailedWithDebts, "exit code 1");
    assert!(told.outcome.debts[0].what.contains("false in api"), "{:?}", told.outcome.debts);
    let bench = Bench::new();
    let look = Run { reads: true, ..command(&["false"]) };
    let told = bench.carry_out(plan(&bench, vec![step("look", Does::Command(look))]));
    told.assert(End::Failed, "exit code 1");
    assert_eq!(told.outcome.debts, []);
}

#[test]
fn an_answer_that_was_lost_is_a_question_where_nothing_tells() {
    for (way, runs, end) in
        [(Way::Done, 1, End::Proven), (Way::Again, 2, End::Proven), (Way::NotDone, 1, End::Refused), (Way::Leave, 1, End::Unknown)]
    {
        let mut bench = Bench::new();
        answers(&mut bench, way);
        bench.world.with(|s| s.faults.push_back((Kind::Pod, Fault::CutAfter)));
        let told = bench.carry_out(plan(&bench, vec![step("clear", Does::Command(command(&["true"])))]));
        assert_eq!(ways(&told), [[Way::Leave, Way::Done, Way::NotDone, Way::Again]], "{way:?}");
        assert_eq!((told.outcome.outcome, commands(&bench).len()), (end, runs), "{way:?}: {:?}", told.outcome);
        assert_eq!(told.outcome.debts.is_empty(), end != End::Unknown, "{way:?}: {:?}", told.outcome);
    }
}

#[test]
fn without_a_person_it_is_unknown_and_listed() {
    let bench = Bench::new();
    bench.world.with(|s| s.faults.push_back((Kind::Pod, Fault::CutBefore)));
    let told = bench.carry_out(plan(&bench, vec![step("clear", Does::Command(command(&["true"])))]));
    told.assert(End::Unknown, "not known");
    assert!(told.outcome.debts[0].what.contains("may have been carried out"), "{:?}", told.outcome.debts);
    assert!(told.outcome.hint.contains("runs resume"), "{}", told.outcome.hint);
}

#[test]
fn what_it_is_proven_by_decides_and_a_command_that_may_run_twice_does() {
    let bench = Bench::new();
    bench.world.with(|s| s.faults.push_back((Kind::Pod, Fault::CutAfter)));
    let again = Run { again: true, ..command(&["true"]) };
    bench.carry_out(plan(&bench, vec![step("clear", Does::Command(again))])).assert(End::Proven, "");
    assert_eq!(commands(&bench).len(), 2);
    let mut bench = Bench::new();
    bench.probes = Arc::new(Green);
    bench.world.with(|s| s.faults.push_back((Kind::Pod, Fault::CutAfter)));
    let proven = ProgramStep { done_when: vec!["db".to_owned()], ..step("clear", Does::Command(command(&["true"]))) };
    bench.carry_out(plan(&bench, vec![proven])).assert(End::Proven, "");
    assert_eq!(commands(&bench).len(), 1, "its probe is green: it was done");
}

#[test]
fn a_command_is_taken_back_by_the_one_that_its_file_names() {
    let bench = Bench::new();
    let on = Run { back: Some(vec!["app".into(), "on".into()]), ..command(&["app", "off"]) };
    let steps = vec![step("off", Does::Command(on)), step("sure", Does::Ask(None))];
    let told = bench.carry_out(plan(&bench, steps));
    told.assert(End::Failed, "nobody is there");
    assert!(told.outcome.undone && commands(&bench) == ["app off", "app on"], "{:?} {:?}", commands(&bench), told.outcome);
}

#[test]
fn nothing_is_run_without_a_ready_pod_or_the_right() {
    let bench = Bench::new();
    let other = Run { container: Some("sidecar".to_owned()), ..command(&["true"]) };
    let blocked = plan(&bench, vec![step("clear", Does::Command(other))]);
    assert_eq!(blocked.blocked_by(), ["pod"]);
    bench.world.with(|s| s.denied.insert("create pods/exec".to_owned()));
    let denied = plan(&bench, vec![step("clear", Does::Command(command(&["true"])))]);
    assert!(denied.blocked_by().iter().any(|c| c.starts_with("rbac:create pods/exec")), "{:?}", denied.blocked_by());
    // The pod went away between plan and step.
    let bench = Bench::new();
    let steps = vec![step("later", Does::Wait(Duration::from_secs(30))), step("clear", Does::Command(command(&["true"])))];
    let program = plan(&bench, steps);
    bench.world.after(Duration::from_secs(9), |s| {
        s.unreadable.insert(Kind::Pod, ErrorKind::Forbidden);
    });
    bench.carry_out(program).assert(End::Refused, "you may not list pods");
    assert_eq!(commands(&bench), Vec::<String>::new());
}
