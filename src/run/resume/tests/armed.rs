//! Armed runs whose process ended: another process of the same journal takes the timer up, one at a time, and nobody else.

use std::time::Duration;

use super::{Desk, Mortal};
use crate::base::clock::Clock as _;
use crate::run::armed::{self, Own, Taken, Waited};
use crate::run::journal::{self, Recorder as _};
use crate::run::world::{deployment, neighbour};
use crate::run::{End, Plan, execute};
use crate::target::model::{Kind, ObjectRef};

const ARMED: [&str; 2] = ["replicas=5", "revert-after=10m"];

/// Carries an armed change out, whose process ends with it.
fn arm(desk: &Desk, parameters: &[&str]) -> Plan {
    let plan = desk.plan("scale", parameters);
    let outcome = desk.carry_out(plan.clone(), &desk.alive()).expect("nobody kills it");
    assert_eq!(outcome.outcome, End::Proven, "{outcome:?}");
    plan
}

fn recorded(desk: &Desk, id: &str) -> Plan {
    match armed::own(&desk.journal(), id).expect("the journal is whole") {
        Own::Armed(plan) => *plan,
        other => unreachable!("{other:?}"),
    }
}

fn take_charge(desk: &Desk, plan: &Plan) -> Taken {
    let world = &desk.world;
    world.run(armed::take_charge(world, world, world, &desk.journal(), plan))
}

/// Waits for the time of what was taken up, and takes it back.
fn revert(desk: &Desk, plan: &Plan, taken: &Taken) -> Vec<ObjectRef> {
    let Taken::Mine(_, running) = taken else { unreachable!("{taken:?}") };
    let world = &desk.world;
    let Waited::Expired(objects) = world.run(armed::wait(world, world, world, plan, running.earliest())) else { unreachable!("nobody kept it") };
    let request = plan.taking_back(&objects).expect("it can be taken back");
    let parameters: Vec<&str> = request.parameters.iter().map(String::as_str).collect();
    let back = desk.plan_about(request.object, request.action, &parameters);
    let confirmed = back.confirm_by_timer(plan, world.now()).expect("the timer confirms it");
    let outcome = world.run(execute(confirmed, desk.deps(&desk.alive())));
    assert_eq!(outcome.outcome, End::Proven, "{outcome:?}");
    objects
}

#[test]
fn what_the_journal_kept_of_an_armed_run_is_taken_back_by_the_next_process() {
    let desk = Desk::new();
    let plan = arm(&desk, &ARMED);
    let again = recorded(&desk, plan.id());
    assert_eq!((again.hash(), again.reverts_after()), (plan.hash(), Some(Duration::from_mins(10))));
    let taken = take_charge(&desk, &again);
    assert!(matches!(&taken, Taken::Mine(_, running) if !running.late), "{taken:?}");
    assert_eq!(revert(&desk, &again, &taken), [deployment()]);
    assert_eq!((desk.replicas(), desk.locked()), (3, false));
    assert!(matches!(take_charge(&desk, &again), Taken::Over(Waited::Settled)), "there is nothing left to take back");
}

#[test]
fn a_time_that_came_while_nobody_was_there_leaves_a_moment_to_keep_it() {
    let desk = Desk::new();
    let plan = arm(&desk, &ARMED);
    desk.world.run(crate::run::Timer::sleep(&desk.world, Duration::from_hours(8)));
    let came = desk.world.now();
    let taken = take_charge(&desk, &plan);
    let Taken::Mine(_, running) = &taken else { unreachable!("{taken:?}") };
    assert_eq!((running.late, running.at.duration_since(came).as_secs()), (true, 30));
    revert(&desk, &plan, &taken);
    assert!(desk.world.now() >= running.at);
    assert_eq!(desk.replicas(), 3);
}

#[test]
fn of_two_processes_one_is_in_charge_and_the_other_when_it_ends() {
    let desk = Desk::new();
    let plan = arm(&desk, &ARMED);
    let first = desk.journal().claim(plan.id()).expect("readable").expect("it is free");
    let late = Mortal::new(&desk.world, 10, false);
    let world = &desk.world;
    let charge = async { armed::take_charge(&late, world, world, &desk.journal(), &plan).await };
    assert!(late.run(charge).is_none(), "the second one waits for as long as the first one lives");
    drop(first);
    assert!(matches!(take_charge(&desk, &plan), Taken::Mine(..)));
}

#[test]
fn only_what_the_own_journal_confirmed_and_proved_is_taken_up() {
    let desk = Desk::new();
    let plan = arm(&desk, &ARMED);
    let other = Desk::new();
    assert!(matches!(armed::own(&other.journal(), plan.id()), Ok(Own::No)), "another operator's journal does not hold it");
    let plain = Desk::new();
    let unarmed = arm(&plain, &["replicas=5"]);
    assert!(matches!(armed::own(&plain.journal(), unarmed.id()), Ok(Own::No)), "it was not armed");
    let killed = Desk::new();
    let open = killed.plan("scale", &ARMED);
    assert!(killed.carry_out(open.clone(), &Mortal::new(&killed.world, 12, true)).is_none(), "it dies on its way");
    assert!(matches!(armed::own(&killed.journal(), open.id()), Ok(Own::Open)), "it is gone on with first");
    let file = desk.folder.path().join("journal.jsonl");
    let text = std::fs::read_to_string(&file).expect("readable");
    std::fs::write(&file, text.replacen("bastion", "elsewhere", 1)).expect("writable");
    assert!(!journal::verify(desk.folder.path()).expect("readable").damages.is_empty());
    assert!(armed::own(&desk.journal(), plan.id()).is_err(), "a journal that was edited confirms nothing");
}

#[test]
fn several_objects_have_one_time_and_go_back_in_reverse_but_for_what_is_kept() {
    let desk = Desk::new();
    let (web, worker) = (neighbour(&desk.world, "web"), neighbour(&desk.world, "worker"));
    let plan = arm(&desk, &["replicas=5", "with=deployment/web=4", "with=deployment/worker=6", "revert-after=10m"]);
    assert!(plan.risks().iter().any(|r| r.contains("armed: scale back to 3 after 10m")), "{:?}", plan.risks());
    let again = recorded(&desk, plan.id());
    let running = desk.world.run(armed::running(&desk.world, &again)).expect("readable").expect("armed");
    assert_eq!(running.objects, [deployment(), web.clone(), worker.clone()]);
    let keep = desk.plan_about(web.clone(), "keep", &[]);
    assert_eq!(desk.carry_out(keep, &desk.alive()).expect("nobody kills it").outcome, End::Proven);
    let taken = take_charge(&desk, &again);
    assert_eq!(revert(&desk, &again, &taken), [deployment(), worker.clone()]);
    let count = |object: &ObjectRef| desk.world.object(object)["spec"]["replicas"].as_i64().expect("a number");
    assert_eq!([deployment(), web, worker].map(|o| count(&o)), [3, 4, 3]);
    let back: Vec<String> = desk.world.writes_to(Kind::Deployment).iter().rev().map(|w| w.object.name.to_string()).collect();
    let api = back.iter().position(|name| name == "api").expect("it was taken back");
    assert!(back[..=api].iter().all(|name| name == "api" || name == "worker"), "the last one first: {back:?}");
    for name in ["api", "web", "worker"] {
        let lease = ObjectRef::new(Kind::Lease, "shop", format!("timonel-timer-deployment-{name}").as_str());
        assert!(desk.world.object(&lease)["spec"].get("holderIdentity").is_none(), "{name}");
    }
}

#[test]
fn several_are_kept_in_one_plan_and_one_that_fails_leaves_none_armed() {
    let desk = Desk::new();
    neighbour(&desk.world, "web");
    let both = ["replicas=5", "with=deployment/web=4", "revert-after=10m"];
    let plan = arm(&desk, &both);
    let keep = desk.plan("keep", &["with=deployment/web"]);
    assert!(keep.allowed(), "{:?}", keep.blocked_by());
    assert_eq!(desk.carry_out(keep, &desk.alive()).expect("nobody kills it").outcome, End::Proven);
    assert!(matches!(take_charge(&desk, &plan), Taken::Over(Waited::Kept)));

    let desk = Desk::new();
    neighbour(&desk.world, "web");
    desk.world.with(|s| (s.limit, s.limited) = (crate::run::world::Limit::Quota(3), "web"));
    let plan = desk.plan("scale", &both);
    let outcome = desk.carry_out(plan.clone(), &desk.alive()).expect("nobody kills it");
    assert_eq!((outcome.outcome, outcome.undone), (End::Failed, true), "{outcome:?}");
    assert_eq!(desk.world.run(armed::running(&desk.world, &plan)), Ok(None));
}

#[test]
fn another_change_of_the_object_does_not_end_its_timer() {
    let desk = Desk::new();
    let plan = arm(&desk, &ARMED);
    let restart = desk.plan("restart", &[]);
    assert_eq!(desk.carry_out(restart, &desk.alive()).expect("nobody kills it").outcome, End::Proven);
    assert!(desk.world.run(armed::running(&desk.world, &plan)).expect("readable").is_some());
}
