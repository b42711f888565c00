//! Objects that are written at once: their proofs are watched together.

use std::collections::BTreeMap;

use super::super::{Effect, Input, Locking, Looked, Machine, Moment, Observed, Stop};
use crate::base::environment::EnvironmentKind;
use crate::run::actions::{self, ActionRequest};
use crate::run::context::PlanContext;
use crate::run::event::{Happening, Progress};
use crate::run::outcome::{End, Outcome, Signal, Way};
use crate::run::plan::Plan;
use crate::run::step::{Position, Stamp};
use crate::run::world::{World, deployment, neighbour};
use crate::run::{Environment, Operator};

/// Three workloads that are scaled at once.
fn plan() -> Plan {
    let world = World::new();
    for name in ["web", "worker"] {
        neighbour(&world, name);
    }
    let context = PlanContext::new("dev", Environment::of_kind(EnvironmentKind::Development), Operator::default());
    let parameters = ["replicas=5", "with=deployment/web=4", "with=deployment/worker=6", "order=parallel"]
        .map(str::to_owned)
        .into();
    let request = ActionRequest { action: "scale".into(), object: deployment(), parameters, overrides: Vec::new(), reason: None };
    world.run(actions::plan(&world, &world, &context, &request)).expect("a plan")
}

/// What a proof says: from that second on it holds, or fails for good.
#[derive(Clone, Copy)]
enum Says {
    HoldsFrom(u64),
    FailsFrom(u64),
}

struct Played {
    outcome: Outcome,
    /// What was told of steps, each with the second.
    told: Vec<(u64, String)>,
    asked: Vec<String>,
}

impl Played {
    fn at(&self, what: &str) -> u64 {
        self.told.iter().find(|(_, told)| told == what).unwrap_or_else(|| panic!("no {what}: {:?}", self.told)).0
    }
}

fn play(plan: &Plan, says: &BTreeMap<&str, Says>, ways: &[Way], stop: Option<(u64, Stop)>) -> Played {
    let mut machine = Machine::new(plan.clone(), "ana@bastion".into());
    let mut moment = Moment { attended: !ways.is_empty(), ..Moment::default() };
    let (mut input, mut ways) = (Input::Start, ways.iter());
    let (mut told, mut asked) = (Vec::new(), Vec::new());
    for _ in 0..20_000 {
        let turn = machine.next(input, moment.clone());
        let second = moment.now.as_secs();
        for happening in turn.happenings {
            match happening {
                Happening::StepStarted { step, .. } => told.push((second, format!("begins {step}"))),
                Happening::StepProven { step, .. } => told.push((second, format!("proven {step}"))),
                Happening::StepFailed { step, .. } => told.push((second, format!("failed {step}"))),
                _ => {}
            }
        }
        if let Some((at, wish)) = stop
            && second >= at
        {
            moment.stop = wish;
        }
        input = match turn.effect {
            Effect::End(outcome) => return Played { outcome, told, asked },
            Effect::Record(_) => Input::Recorded(Ok(())),
            Effect::Lock => Input::Locked(Locking::Taken(Vec::new())),
            Effect::Verify(_) => Input::Verified(Ok(Vec::new())),
            Effect::Look(_) => Input::Looked(Looked::At(Position::Before(Stamp { version: "8".into(), generation: Some(1) }))),
            Effect::Send(..) => Input::Sent(Ok("9".into())),
            Effect::Observe(_) => Input::Observed(match says.get(machine.step_id().to_string().as_str()) {
                Some(Says::HoldsFrom(from)) if second < *from => Observed::Waiting(Progress { text: "1/2 ready".into(), ..Progress::default() }),
                Some(Says::FailsFrom(from)) if second < *from => Observed::Waiting(Progress { text: "0/2 ready".into(), ..Progress::default() }),
                Some(Says::FailsFrom(_)) => Observed::Hopeless("exit 1".into()),
                _ => Observed::Proven("ready".into()),
            }),
            Effect::Pause(time) => {
                moment.now += time;
                Input::Paused
            }
            Effect::Ask(question) => {
                asked.push(question.reason.to_string());
                Input::Answered(*ways.next().unwrap_or(&Way::Leave))
            }
            Effect::Tell(_) => Input::Told(Vec::new()),
            Effect::Release => Input::Released,
        };
    }
    unreachable!("a run ends")
}

#[test]
fn slow_proofs_take_as_long_as_the_slowest_and_not_as_all_together() {
    let says =
        BTreeMap::from([("1/prove-ready", Says::HoldsFrom(80)), ("2/prove-ready", Says::HoldsFrom(40)), ("3/prove-ready", Says::HoldsFrom(60))]);
    let played = play(&plan(), &says, &[], None);
    assert_eq!(played.outcome.outcome, End::Proven, "{:?}", played.outcome);
    for (step, from) in [("1/prove-ready", 80), ("2/prove-ready", 40), ("3/prove-ready", 60)] {
        assert_eq!(played.at(&format!("begins {step}")), 0);
        let at = played.at(&format!("proven {step}"));
        assert!((from + 5..from + 10).contains(&at), "{step} at {at} s");
    }
    // What rests on the first one's pods comes after them, and nothing is told twice.
    assert!(played.at("begins 1/prove-endpoints") >= played.at("proven 1/prove-ready"));
    let mut told: Vec<&String> = played.told.iter().map(|(_, told)| told).collect();
    told.sort();
    assert!(told.windows(2).all(|two| two[0] != two[1]), "{:?}", played.told);
}

#[test]
fn the_first_failure_stops_the_rest_says_what_is_unproven_and_takes_each_back() {
    let says = BTreeMap::from([("1/prove-ready", Says::HoldsFrom(200)), ("3/prove-ready", Says::FailsFrom(20))]);
    let played = play(&plan(), &says, &[], None);
    assert!(played.at("proven 2/prove-ready") < 10);
    assert!((20..25).contains(&played.at("failed 3/prove-ready")), "{:?}", played.told);
    assert!(played.outcome.reason.starts_with("worker: exit 1; still unproven: api"), "{:?}", played.outcome);
    assert!(played.outcome.undone, "{:?}", played.outcome);
    for step in ["3/undo-write", "2/undo-write", "1/undo-write"] {
        played.at(&format!("begins {step}"));
    }
    assert!(!played.told.iter().any(|(_, told)| told == "proven 1/prove-ready"), "{:?}", played.told);
}

#[test]
fn whoever_is_asked_sees_what_is_unproven_and_may_wait_for_all_of_it() {
    let says = BTreeMap::from([("1/prove-ready", Says::HoldsFrom(400)), ("2/prove-ready", Says::HoldsFrom(420))]);
    let played = play(&plan(), &says, &[Way::Wait], None);
    assert_eq!(played.outcome.outcome, End::Proven, "{:?}", played.outcome);
    let [asked] = &played.asked[..] else { panic!("asked once, not for each: {:?}", played.asked) };
    assert!(asked.starts_with("api: ") && asked.contains("still unproven: web"), "{asked}");
    let left = play(&plan(), &says, &[Way::Leave], None);
    let debts: Vec<&str> = left.outcome.debts.iter().map(|d| d.object.as_str()).collect();
    assert_eq!(
        (left.outcome.outcome, &debts[..]),
        (End::FailedWithDebts, &["Deployment shop/api", "Deployment shop/web", "Deployment shop/worker"][..])
    );
}

#[test]
fn a_wish_to_stop_is_heeded_between_looks_and_one_to_stop_after_the_step_after_all_of_them() {
    let says = BTreeMap::from([("1/prove-ready", Says::HoldsFrom(30)), ("2/prove-ready", Says::HoldsFrom(100))]);
    let now = play(&plan(), &says, &[], Some((10, Stop::Now(Signal::Interrupt))));
    assert!(now.outcome.undone && now.at("begins 3/undo-write") <= 12, "{:?}", now.told);
    let after = play(&plan(), &says, &[], Some((10, Stop::AfterStep(Signal::Interrupt))));
    assert_eq!(after.outcome.outcome, End::Proven, "their proofs are one step: {:?}", after.outcome);
}
