//! Thousands of random histories: whatever the world answers, the run keeps its promises.

mod histories;
mod rules;
mod together;

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::{Effect, Input, Locking, Looked, Machine, Moment, Observed, Stop};
use crate::base::environment::EnvironmentKind;
use crate::run::event::Progress;
use crate::run::journal::EntryKind;
use crate::run::outcome::{End, Outcome, Signal, Way};
use crate::run::plan::Plan;
use crate::run::scale::{self, PlanContext, ScaleRequest};
use crate::run::step::{Position, Stamp};
use crate::run::world::{World, deployment};
use crate::run::{Environment, Operator};
use crate::target::api::{Delivery, ErrorKind, TargetError};
use crate::target::model::{Kind, ObjectRef};

/// A plan with two writes: an autoscaler's bound and the count.
fn plan() -> Plan {
    let world = World::new();
    let hpa = json!({ "metadata": { "uid": "h1" }, "spec": { "minReplicas": 3, "maxReplicas": 10,
        "scaleTargetRef": { "kind": "Deployment", "name": "api" } }, "status": { "desiredReplicas": 3 } });
    world.with(|s| s.put(&ObjectRef::new(Kind::HorizontalPodAutoscaler, "shop", "api"), hpa));
    let context = PlanContext::new("dev", Environment::of_kind(EnvironmentKind::Development), Operator::default());
    let request = ScaleRequest::new(deployment(), 5).with("hpa=raise").expect("a choice");
    world.run(scale::plan(&world, &world, &context, &request)).expect("a plan")
}

/// One answer of the world, as numbers to choose by.
#[derive(Debug, Clone, Copy)]
struct Dice {
    choice: u8,
    wait: u16,
    stop: u8,
    attended: bool,
    lock_lost: bool,
}

fn dice() -> impl Strategy<Value = Dice> {
    // Mostly good news, so that histories get far enough to meet the bad.
    let choice = prop_oneof![6 => Just(0_u8), 1 => 1..12_u8];
    let stop = prop_oneof![40 => Just(0_u8), 1 => 1..4_u8];
    (choice, 0..30_u16, stop, any::<bool>(), prop::bool::weighted(0.01)).prop_map(|(choice, wait, stop, attended, lock_lost)| Dice {
        choice,
        wait,
        stop,
        attended,
        lock_lost,
    })
}

fn error(choice: u8) -> TargetError {
    let kinds = [ErrorKind::Conflict, ErrorKind::TooManyRequests, ErrorKind::Server, ErrorKind::Forbidden, ErrorKind::Timeout, ErrorKind::Denied];
    let delivery = if choice.is_multiple_of(2) { Delivery::MayBeDone } else { Delivery::NotDone };
    TargetError { delivery, ..TargetError::new(kinds[usize::from(choice) % kinds.len()], "no") }
}

fn answer(effect: &Effect, dice: Dice) -> Input {
    let c = dice.choice;
    match effect {
        Effect::Record(_) => Input::Recorded(if c == 1 { Err("disk full".into()) } else { Ok(()) }),
        Effect::Lock => Input::Locked(match c {
            1 => Locking::Held("bob".into()),
            2 => Locking::Impossible("no right".into()),
            3 => Locking::Unreachable("down".into()),
            4 => Locking::Taken(vec!["bob".into()]),
            _ => Locking::Taken(vec![]),
        }),
        Effect::Verify(_) => Input::Verified(match c {
            1 => Ok(vec!["moved".into()]),
            2 => Err(error(1)),
            _ => Ok(vec![]),
        }),
        Effect::Look(_) => Input::Looked(match c {
            1 | 2 => Looked::At(Position::After("9".into())),
            3 => Looked::At(Position::Moved("moved".into())),
            4 => Looked::Other("gone".into()),
            5..=7 => Looked::Unreadable("down".into()),
            _ => Looked::At(Position::Before(Stamp { version: "8".into(), generation: Some(1) })),
        }),
        Effect::Send(..) => Input::Sent(if c == 0 { Ok("9".into()) } else { Err(error(c)) }),
        Effect::Observe(_) => Input::Observed(match c {
            1 | 2 => Observed::Waiting(Progress { text: format!("{}/5", dice.wait), ..Progress::default() }),
            3 => Observed::Hopeless("quota".into()),
            4 => Observed::Moved("replicas are 7".into()),
            5..=7 => Observed::Unreadable("down".into()),
            _ => Observed::Proven("5 ready".into()),
        }),
        Effect::Pause(_) => Input::Paused,
        Effect::Ask(_) => Input::Answered([Way::Undo, Way::Wait, Way::Leave][usize::from(c) % 3]),
        Effect::Tell(_) => Input::Told(vec![]),
        Effect::Release => Input::Released,
        Effect::End(_) => unreachable!("nothing follows the end"),
    }
}

/// So many tenths of a second go by, and what they may bring: a lost lock, a wish to stop.
fn pass(moment: &mut Moment, tenths: u16, stop: u8, lock_lost: bool) {
    moment.now += Duration::from_millis(u64::from(tenths) * 100);
    moment.lock_lost |= lock_lost;
    moment.stop = match stop {
        1 => Stop::AfterStep(Signal::Interrupt),
        2 => Stop::Now(Signal::Interrupt),
        3 => Stop::Undo,
        _ => moment.stop,
    };
    if stop == 4 {
        moment.asked_by = Some("bob@desk/run-1 (rollback 3->2)".into());
    }
}

/// Everything that a history did, in order.
#[derive(Default)]
struct History {
    sends: Vec<(String, bool)>,
    /// Intents that are on the disk and not used up by a request.
    intents: usize,
    proofs: Vec<String>,
    accepted: Vec<String>,
    outcome: Option<Outcome>,
    steps: usize,
}

fn play(plan: &Plan, rolls: &[Dice]) -> Result<History, TestCaseError> {
    let mut machine = Machine::new(plan.clone(), "ana@bastion".into());
    let mut history = History::default();
    let mut moment = Moment { now: Duration::from_secs(1000), ..Moment::default() };
    let mut input = Input::Start;
    // When the rolls are used up the world is kind, but time goes on.
    let kind = Dice { choice: 0, wait: 1, stop: 0, attended: false, lock_lost: false };
    let mut rolls = rolls.iter().copied().chain(std::iter::repeat(kind));
    loop {
        history.steps += 1;
        prop_assert!(history.steps < 20_000, "a run ends");
        let turn = machine.next(input, moment.clone());
        let roll = rolls.next().unwrap_or(kind);
        if let Effect::End(outcome) = turn.effect {
            history.outcome = Some(outcome);
            return Ok(history);
        }
        input = answer(&turn.effect, roll);
        let back = machine.step_id().word().starts_with("undo");
        match (&turn.effect, &input) {
            (Effect::Record(drafts), Input::Recorded(Ok(()))) => {
                history.intents += drafts.iter().filter(|d| d.kind == EntryKind::Intent).count();
                let held = drafts.iter().filter(|d| d.kind == EntryKind::Proof && d.data["holds"] == json!(true));
                history.proofs.extend(held.filter_map(|d| d.data["step"].as_str().map(str::to_owned)));
            }
            (Effect::Send(..), input) => {
                prop_assert!(history.intents > 0 || back, "no request without its intent on the disk");
                prop_assert!(!moment.lock_lost, "no request after the lock was lost");
                history.intents = history.intents.saturating_sub(1);
                history.sends.push((machine.step_id().to_string(), back));
                if matches!(input, Input::Sent(Ok(_))) {
                    history.accepted.push(machine.step_id().to_string());
                }
            }
            (Effect::Pause(time), _) => moment.now += *time,
            _ => {}
        }
        pass(&mut moment, roll.wait, roll.stop, roll.lock_lost);
        moment.attended = roll.attended;
        if matches!(input, Input::Answered(Way::Wait)) {
            moment.stop = Stop::No;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// No write without a recorded intent; no step sent more than five times; an end to every run; proven only by proofs;
    /// whatever was carried out and is not proven or taken back is a debt.
    #[test]
    fn every_history_keeps_the_promises(rolls in prop::collection::vec(dice(), 0..120)) {
        let plan = plan_once();
        let history = play(plan, &rolls)?;
        let outcome = history.outcome.expect("an end");
        for step in ["hpa", "write", "undo-hpa", "undo-write"] {
            let tries = history.sends.iter().filter(|(s, _)| s == step).count();
            prop_assert!(tries <= 5, "{step} was sent {tries} times");
        }
        let accepted = |step: &str| history.accepted.iter().any(|s| s == step);
        match outcome.outcome {
            End::Proven => {
                let journal = outcome.journal.is_some();
                for step in plan.steps().iter().filter(|s| s.id.word().starts_with("prove")) {
                    prop_assert!(journal || history.proofs.iter().any(|p| step.id == **p), "{} is proven", step.id);
                }
                prop_assert!(outcome.debts.is_empty());
            }
            End::Refused => prop_assert!(history.accepted.is_empty(), "refused means that nothing was written"),
            End::Failed if !outcome.undone => prop_assert!(!accepted("hpa") || accepted("undo-hpa") || accepted("write"), "nothing of ours is left"),
            End::Failed => {
                let journal = outcome.journal.is_some();
                prop_assert!(journal || history.proofs.iter().any(|p| p == "prove-ready-again"), "undone means proven again");
            }
            End::FailedWithDebts => prop_assert!(!outcome.debts.is_empty()),
            End::Unknown => prop_assert!(!outcome.reason.contains("did not ask for"), "{}", outcome.reason),
        }
        for debt in &outcome.debts {
            prop_assert!(!debt.pay.is_empty() && !debt.what.is_empty());
        }
    }
}

fn plan_once() -> &'static Plan {
    static PLAN: std::sync::OnceLock<Plan> = std::sync::OnceLock::new();
    PLAN.get_or_init(plan)
}

#[test]
fn the_checker_of_histories_can_fail() {
    // A machine whose intents never reach the disk sends nothing: the history that it gives has no request in it.
    let full = |choice| vec![Dice { choice, wait: 0, stop: 0, attended: false, lock_lost: false }; 1];
    let history = play(plan_once(), &full(1)).expect("promises are kept");
    assert!(history.sends.is_empty());
    assert_eq!(history.outcome.map(|o| o.outcome), Some(End::Refused));
    let history = play(plan_once(), &[]).expect("promises are kept");
    assert_eq!(history.sends.len(), 2);
    assert_eq!(history.outcome.map(|o| o.outcome), Some(End::Proven));
}

/// Plays a run in a kind world where looking at facts answers this, in order, and the last answer from then on.
fn observing(answers: &[Observed]) -> (Vec<Effect>, Outcome, Duration) {
    let mut machine = Machine::new(plan_once().clone(), "ana@bastion".into());
    let kind = Dice { choice: 0, wait: 1, stop: 0, attended: false, lock_lost: false };
    let mut moment = Moment::default();
    let (mut input, mut effects, mut looks) = (Input::Start, Vec::new(), 0);
    loop {
        let turn = machine.next(input, moment.clone());
        input = match turn.effect {
            Effect::End(outcome) => return (effects, outcome, moment.now),
            Effect::Observe(_) => {
                looks += 1;
                Input::Observed(answers[(looks - 1).min(answers.len() - 1)].clone())
            }
            ref effect => answer(effect, kind),
        };
        if let Effect::Pause(time) = turn.effect {
            moment.now += time;
        }
        effects.push(turn.effect);
        assert!(effects.len() < 5000, "a run ends");
    }
}

#[test]
fn pods_that_are_ready_for_a_moment_are_not_proven() {
    let ready = Observed::Proven("5 of 5 pods ready".into());
    let crashed = Observed::Waiting(Progress { text: "4/5 ready".into(), ..Progress::default() });
    // Ready for two looks and gone again, over and over, until it is plain that it will not get better.
    let mut answers: Vec<Observed> = (0..10).flat_map(|_| [ready.clone(), ready.clone(), crashed.clone()]).collect();
    answers.push(Observed::Hopeless("exit 1".into()));
    let (_, outcome, _) = observing(&answers);
    assert_ne!(outcome.outcome, End::Proven, "{outcome:?}");
    assert!(outcome.reason.contains("exit 1"), "{outcome:?}");
}

#[test]
fn pods_that_stay_ready_are_proven_after_the_moment_and_not_before() {
    let (effects, outcome, took) = observing(&[Observed::Proven("5 of 5 pods ready".into())]);
    assert_eq!(outcome.outcome, End::Proven);
    assert_eq!(took, Duration::from_secs(5), "it waits for the moment and no longer");
    assert!(effects.iter().any(|e| matches!(e, Effect::Observe(_))));
}
