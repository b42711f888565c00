//! A table of what follows a failed step, by the rules of its part.

use std::time::Duration;

use super::super::{Effect, Input, Locking, Looked, Machine, Moment, Observed, Stop};
use crate::base::environment::EnvironmentKind;
use crate::run::actions::{self, ActionRequest};
use crate::run::context::PlanContext;
use crate::run::event::Happening;
use crate::run::outcome::{End, Outcome, Signal, Way};
use crate::run::plan::Plan;
use crate::run::step::{OnFail, Policy, Position, Stamp};
use crate::run::world::{World, deployment, neighbour};
use crate::run::{Environment, Operator};

/// Three workloads are scaled one after the other; the second has these rules, the third these.
fn plan(second: Policy, third: Policy) -> Plan {
    let world = World::new();
    for name in ["web", "worker"] {
        neighbour(&world, name);
    }
    let context = PlanContext::new("dev", Environment::of_kind(EnvironmentKind::Development), Operator::default());
    let parameters = ["replicas=5", "with=deployment/web=4", "with=deployment/worker=2"].map(str::to_owned).into();
    let request = ActionRequest { action: "scale".into(), object: deployment(), parameters, overrides: Vec::new(), reason: None };
    let mut plan = world.run(actions::plan(&world, &world, &context, &request)).expect("a plan");
    let members = &mut plan.inner.members;
    (members[1].policy, members[2].policy) = (second, third);
    plan
}

struct Played {
    outcome: Outcome,
    /// The steps that were begun, in order, those of the way back too.
    steps: Vec<String>,
    notes: Vec<String>,
    asked: Vec<Vec<Way>>,
    took: Duration,
}

/// Plays a run in a world where looking at the second workload fails so many times, and what is asked for is there otherwise.
fn play(plan: &Plan, failures: usize, attended: bool, stop: Option<(&str, Stop)>) -> Played {
    let mut machine = Machine::new(plan.clone(), "ana@bastion".into());
    let mut moment = Moment { attended, ..Moment::default() };
    let (mut input, mut failures) = (Input::Start, failures);
    let (mut steps, mut notes, mut asked) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..2000 {
        let turn = machine.next(input, moment.clone());
        for happening in turn.happenings {
            match happening {
                Happening::StepStarted { step, .. } => steps.push(step.to_string()),
                Happening::Note { text } => notes.push(text),
                _ => {}
            }
        }
        if let Some((step, wish)) = stop
            && machine.step_id() == *step
        {
            moment.stop = wish;
        }
        let version = || Stamp { version: "8".into(), generation: Some(1) };
        input = match turn.effect {
            Effect::End(outcome) => return Played { outcome, steps, notes, asked, took: moment.now },
            Effect::Record(_) => Input::Recorded(Ok(())),
            Effect::Lock => Input::Locked(Locking::Taken(Vec::new())),
            Effect::Verify(_) => Input::Verified(Ok(Vec::new())),
            Effect::Look(_) => Input::Looked(Looked::At(Position::Before(version()))),
            Effect::Send(..) => Input::Sent(Ok("9".into())),
            Effect::Observe(_) if failures > 0 && machine.step_id() == "2/prove-ready" => {
                failures -= 1;
                Input::Observed(Observed::Hopeless("exit 1".into()))
            }
            Effect::Observe(_) => Input::Observed(Observed::Proven("ready".into())),
            Effect::Pause(time) => {
                moment.now += time;
                Input::Paused
            }
            Effect::Ask(question) => {
                let way = question.ways[0];
                asked.push(question.ways);
                Input::Answered(way)
            }
            Effect::Tell(_) => Input::Told(Vec::new()),
            Effect::Release => Input::Released,
        };
    }
    unreachable!("a run ends")
}

fn on(on_fail: OnFail) -> Policy {
    Policy { on_fail, ..Policy::default() }
}

#[test]
fn each_rule_decides_what_follows_a_failed_step() {
    let went_on = ["3/write", "3/prove-ready"];
    let went_back = ["2/undo-write", "1/undo-write"];
    // The rule, whether somebody is there; the end, how many debts, whether it asked, went on, went back.
    let table = [
        (OnFail::Pause, false, End::Failed, 0, false, false, true),
        (OnFail::Pause, true, End::Failed, 0, true, false, true),
        (OnFail::Undo, true, End::Failed, 0, false, false, true),
        (OnFail::Abort, true, End::FailedWithDebts, 2, false, false, false),
        (OnFail::Abort, false, End::FailedWithDebts, 2, false, false, false),
        (OnFail::Continue, true, End::FailedWithDebts, 1, false, true, false),
        (OnFail::Continue, false, End::FailedWithDebts, 1, false, true, false),
    ];
    for (rule, attended, end, debts, asks, on_, back) in table {
        let played = play(&plan(on(rule), Policy::default()), usize::MAX, attended, None);
        let (outcome, begun) = (&played.outcome, |all: &[&str]| all.iter().all(|id| played.steps.iter().any(|s| s == id)));
        assert_eq!(outcome.outcome, end, "{rule:?}: {outcome:?}");
        assert_eq!(outcome.debts.len(), debts, "{rule:?}: {outcome:?}");
        assert_eq!(!played.asked.is_empty(), asks, "{rule:?}");
        assert_eq!((begun(&went_on), begun(&went_back)), (on_, back), "{rule:?}: {:?}", played.steps);
        assert_eq!(outcome.undone, back, "{rule:?}");
        assert_eq!(!outcome.failed_steps.is_empty(), rule == OnFail::Continue, "{rule:?}");
        assert!(outcome.reason.contains("web: exit 1"), "{rule:?}: {outcome:?}");
    }
}

#[test]
fn a_step_that_the_run_went_past_is_named_and_the_exit_code_is_none_of_a_success() {
    let played = play(&plan(on(OnFail::Continue), Policy::default()), usize::MAX, false, None);
    assert_eq!(*played.outcome.failed_steps, ["web: exit 1".to_owned()]);
    assert_eq!(played.outcome.exit_code(), 2);
    let debt = &played.outcome.debts[0];
    assert!(debt.object.contains("web") && debt.what.contains("not proven"), "{debt:?}");
}

#[test]
fn retries_wait_longer_each_time_and_a_later_success_is_a_success() {
    let rules = Policy { retries: 3, backoff: Duration::from_secs(10), ..Policy::default() };
    let played = play(&plan(rules.clone(), Policy::default()), 2, false, None);
    assert_eq!(played.outcome.outcome, End::Proven, "{:?}", played.outcome);
    assert_eq!(played.notes, ["web: exit 1; try 2 of 4 follows in 10 s", "web: exit 1; try 3 of 4 follows in 20 s"]);
    assert!(played.took >= Duration::from_secs(30), "{:?}", played.took);
    let played = play(&plan(rules, Policy::default()), 4, false, None);
    assert_eq!((played.outcome.outcome, played.notes.len()), (End::Failed, 3), "the fourth try was the last");
}

#[test]
fn what_always_runs_is_carried_out_on_every_way_out_and_never_taken_back() {
    let always = Policy { always: true, ..Policy::default() };
    for (rule, end) in [(OnFail::Undo, End::Failed), (OnFail::Abort, End::FailedWithDebts)] {
        let played = play(&plan(on(rule), always.clone()), usize::MAX, false, None);
        assert_eq!(played.outcome.outcome, end, "{:?}", played.outcome);
        assert_eq!(&played.steps[played.steps.len() - 2..], ["3/write", "3/prove-ready"], "{rule:?}");
        assert!(played.steps.iter().all(|s| s != "3/undo-write"), "{rule:?}: {:?}", played.steps);
    }
    let stopped = play(&plan(Policy::default(), always.clone()), 0, true, Some(("2/write", Stop::AfterStep(Signal::Interrupt))));
    assert!(stopped.steps.iter().any(|s| s == "3/write"), "{:?}", stopped.steps);
    assert_eq!(stopped.outcome.exit_code(), 130);
    // Taken back by nobody, though the whole is.
    let early = play(&plan(always, on(OnFail::Undo)), usize::MAX, false, None);
    assert!(early.steps.iter().all(|s| s != "2/undo-write"), "{:?}", early.steps);
}

#[test]
fn a_part_without_a_way_back_stays_and_what_is_not_proven_of_it_is_a_debt() {
    let stays = Policy { undo: false, on_fail: OnFail::Undo, ..Policy::default() };
    let played = play(&plan(stays, Policy::default()), usize::MAX, false, None);
    assert!(
        played.steps.iter().any(|s| s == "1/undo-write") && played.steps.iter().all(|s| s != "2/undo-write"),
        "{:?}",
        played.steps
    );
    assert_eq!(played.outcome.outcome, End::FailedWithDebts, "{:?}", played.outcome);
    assert_eq!(played.outcome.debts.len(), 1);
}

#[test]
fn a_part_takes_no_longer_than_its_time() {
    // Pods that are ready for a moment are not proven, and the part has less time than that moment takes.
    let rules = Policy { timeout: Some(Duration::from_secs(2)), on_fail: OnFail::Undo, ..Policy::default() };
    let played = play(&plan(rules, Policy::default()), 0, false, None);
    assert_eq!(played.outcome.outcome, End::Failed, "{:?}", played.outcome);
    assert!(played.outcome.reason.contains("after 2 s"), "{:?}", played.outcome);
    let rules = Policy { timeout: Some(Duration::from_mins(1)), ..Policy::default() };
    assert_eq!(play(&plan(rules, Policy::default()), 0, false, None).outcome.outcome, End::Proven);
}
