//! Whole runs of several different steps in one plan: what a service file's action comes to.

use std::time::Duration;

use super::{Bench, Told};
use crate::base::clock::Clock;
use crate::run::program::{self, Does, Program, ProgramStep};
use crate::run::world::{deployment, neighbour};
use crate::run::{ActionRequest, Control, End, Happening, OnFail, Plan, PlanError, Policy};
use crate::target::model::{Kind, ObjectRef};

pub(super) fn step(id: &str, does: Does) -> ProgramStep {
    ProgramStep::of(id, does)
}

fn scale(object: ObjectRef, replicas: u32) -> Does {
    act("scale", object, vec![format!("replicas={replicas}")])
}

fn act(action: &'static str, object: ObjectRef, parameters: Vec<String>) -> Does {
    Does::Action(ActionRequest { action: action.into(), object, parameters, overrides: Vec::new(), reason: None })
}

pub(super) fn program(steps: Vec<ProgramStep>) -> Program {
    Program {
        title: "Busy hours".to_owned(),
        parameters: vec![("replicas".to_owned(), "5".to_owned())],
        ..Program::of_steps("busy-hours", steps)
    }
}

pub(super) fn try_plan(bench: &Bench, program: &Program) -> Result<Plan, PlanError> {
    let home = ObjectRef::new(Kind::Namespace, "", "shop");
    bench.world.run(program::plan(&bench.world, &bench.world, &bench.context, program, &home))
}

pub(super) fn plan(bench: &Bench, steps: Vec<ProgramStep>) -> Plan {
    try_plan(bench, &program(steps)).expect("a plan")
}

fn began(told: &Told) -> Vec<String> {
    let began = |e: &crate::run::RunEvent| if let Happening::StepStarted { step, .. } = &e.what { Some(step.to_string()) } else { None };
    told.events.iter().filter_map(began).collect()
}

/// Somebody sits there and answers as soon as they are asked.
fn attended(bench: &mut Bench, answer: impl FnOnce(&Control) + Send + 'static) {
    bench.control = std::sync::Arc::new(Control::new(true));
    let control = bench.control.clone();
    bench.world.after(Duration::from_mins(2), move |_| answer(&control));
}

#[test]
fn an_action_of_several_steps_is_one_plan_that_is_proven_step_by_step() {
    let mut bench = Bench::new();
    let web = neighbour(&bench.world, "web");
    let steps = vec![
        step("up", scale(deployment(), 5)),
        step("settle", Does::Wait(Duration::from_secs(30))),
        step("sure", Does::Ask(Some("go ana".to_owned()))),
        step("fresh", act("restart", deployment(), Vec::new())),
        step("other", act("restart", web, Vec::new())),
        step("look", Does::RolloutWait(deployment())),
    ];
    let plan = plan(&bench, steps);
    assert_eq!((plan.action(), plan.title().as_str(), plan.subjects().count()), ("busy-hours", "Busy hours", 3));
    assert!(plan.id().contains("busy-hours"), "{}", plan.id());
    let fresh = plan.steps().iter().find(|s| s.id == "4/prove-rollout").expect("the restart's proof");
    assert!(fresh.proof.contains("all 5 pods"), "the restart is planned for what the scale leaves: {}", fresh.proof);
    attended(&mut bench, |control| {
        assert!(!control.type_in("go bob"), "another text is no answer");
        control.answer(crate::run::Way::GoOn);
        assert!(control.type_in("go ana"));
    });
    let told = bench.carry_out(plan);
    told.assert(End::Proven, "");
    let numbers: Vec<String> = began(&told).iter().filter_map(|id| id.split_once('/')).map(|(number, _)| number.to_owned()).collect();
    let mut once = numbers.clone();
    once.dedup();
    assert_eq!(once, ["1", "2", "3", "4", "5", "6"], "{numbers:?}");
    assert_eq!(bench.replicas(), 5);
}

#[test]
fn the_plan_says_its_steps_and_rules_and_its_hash_rests_on_them() {
    let bench = Bench::new();
    let of = |retries| {
        let policy = Policy { retries, on_fail: OnFail::Continue, always: true, ..Policy::default() };
        plan(
            &bench,
            vec![step("up", scale(deployment(), 5)), ProgramStep { policy, ..step("wait", Does::Wait(Duration::from_secs(5))) }],
        )
    };
    let plan = of(2);
    assert_ne!(plan.hash(), of(3).hash(), "another file is another plan");
    assert_eq!(plan.hash(), of(2).hash());
    let lines: Vec<String> = plan.lines(bench.world.now()).into_iter().map(|l| l.text).collect();
    assert!(lines.iter().any(|l| l.contains("1 up   write replicas 5")), "{lines:#?}");
    assert!(
        lines
            .iter()
            .any(|l| l.contains("2 more tries") && l.contains("goes on when it fails") && l.contains("every way out")),
        "{lines:#?}"
    );
}

#[test]
fn steps_that_all_did_the_same_are_taken_back_together_and_others_each_by_itself() {
    let bench = Bench::new();
    let web = neighbour(&bench.world, "web");
    let up = || step("up", scale(deployment(), 5));
    let both = plan(
        &bench,
        vec![up(), step("settle", Does::Wait(Duration::from_secs(5))), step("web", scale(web, 4)), step("more", scale(deployment(), 6))],
    );
    let undo = both.undoing().expect("a way back");
    assert_eq!(
        (&*undo.action, &*undo.object.name, undo.parameters),
        ("scale", "web", vec!["replicas=3".to_owned(), "with=deployment/api=3".to_owned()])
    );
    let mixed = plan(&bench, vec![up(), step("fresh", act("restart", deployment(), Vec::new()))]);
    assert!(mixed.undoing().is_err_and(|why| why.contains("scale api, restart api")));
    let still = plan(&bench, vec![step("settle", Does::Wait(Duration::from_secs(5)))]);
    assert!(still.undoing().is_err_and(|why| why.contains("changed nothing")));
}

#[test]
fn nobody_to_ask_is_a_failed_step_and_what_was_done_is_taken_back() {
    let bench = Bench::new();
    let told = bench.carry_out(plan(&bench, vec![step("up", scale(deployment(), 5)), step("sure", Does::Ask(None))]));
    told.assert(End::Failed, "nobody is there");
    assert!(told.outcome.undone);
    assert_eq!(bench.replicas(), 3);
}

#[test]
fn a_count_that_is_put_back_by_a_step_that_always_runs_is_no_debt() {
    let bench = Bench::new();
    let always = Policy { always: true, ..Policy::default() };
    let abort = Policy { on_fail: OnFail::Abort, ..Policy::default() };
    let steps = vec![
        step("up", scale(deployment(), 5)),
        ProgramStep { policy: abort, ..step("sure", Does::Ask(None)) },
        ProgramStep { policy: always, ..step("down", scale(deployment(), 3)) },
    ];
    let told = bench.carry_out(plan(&bench, steps));
    told.assert(End::Failed, "nobody is there");
    assert_eq!((bench.replicas(), told.outcome.debts.len()), (3, 0), "{:?}", told.outcome);
    assert_eq!(bench.scale_writes(), 2);
}

#[test]
fn the_same_restart_twice_and_a_program_without_steps_are_refused() {
    let bench = Bench::new();
    let twice = vec![step("a", act("restart", deployment(), Vec::new())), step("b", act("restart", deployment(), Vec::new()))];
    assert!(matches!(try_plan(&bench, &program(twice)), Err(PlanError::Usage(why)) if why.contains("once more")));
    assert!(matches!(try_plan(&bench, &program(Vec::new())), Err(PlanError::Usage(why)) if why.contains("no step")));
    let wrong = vec![step("a", act("scale", deployment(), vec!["replicas=many".to_owned()]))];
    assert!(matches!(try_plan(&bench, &program(wrong)), Err(PlanError::Usage(why)) if why.starts_with("step 'a'")));
    assert_eq!(bench.world.writes_to(Kind::Deployment).len(), 0);
}

#[test]
fn that_somebody_could_not_be_told_fails_nothing_and_is_said_at_the_end() {
    let bench = Bench::new();
    let tell = Does::Look(program::Look::Tell { to: vec!["chat".to_owned()], text: "begins".to_owned(), event: None });
    let policy = Policy { on_fail: OnFail::Continue, ..Policy::default() };
    let told = bench.carry_out(plan(&bench, vec![ProgramStep { policy, ..step("say", tell) }, step("up", scale(deployment(), 5))]));
    told.assert(End::Proven, "every proof held; not told: ");
    assert!(told.outcome.reason.contains("nobody here has the channel 'chat'"), "{}", told.outcome.reason);
    assert!(told.outcome.failed_steps.is_empty() && bench.replicas() == 5);
}
