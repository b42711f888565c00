//! Changes that are armed with a timer: kept, expired, taken back, and left by a process that died.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Bench, Told};
use crate::base::clock::Clock;
use crate::run::actions::{self, ActionRequest};
use crate::run::armed::{self, Waited};
use crate::run::world::{Limit, deployment};
use crate::run::{End, Plan, Refusal};
use crate::target::model::{Kind, ObjectRef};

fn request(action: &'static str, parameters: &[&str]) -> ActionRequest {
    let parameters = parameters.iter().map(|p| (*p).to_owned()).collect();
    ActionRequest { action: action.into(), object: deployment(), parameters, overrides: Vec::new(), reason: None }
}

fn plan(bench: &Bench, action: &'static str, parameters: &[&str]) -> Plan {
    bench
        .world
        .run(actions::plan(&bench.world, &bench.world, &bench.context, &request(action, parameters)))
        .expect("a plan")
}

fn timer(bench: &Bench) -> Value {
    bench.world.object(&ObjectRef::new(Kind::Lease, "shop", "timonel-timer-deployment-api"))
}

fn held(bench: &Bench) -> bool {
    timer(bench)["spec"]["holderIdentity"].is_string()
}

fn wait(bench: &Bench, plan: &Plan) -> Waited {
    bench.world.run(armed::wait(&bench.world, &bench.world, &bench.world, plan, Timestamp::UNIX_EPOCH))
}

/// Takes an armed change back by its timer.
fn revert(bench: &Bench, armed: &Plan, replicas: &str) -> Result<Told, Refusal> {
    let back = plan(bench, "scale", &[replicas]);
    let confirmed = back.confirm_by_timer(armed, bench.world.now())?;
    Ok(bench.carry_out_confirmed(confirmed))
}

#[test]
fn an_armed_change_is_proven_held_by_a_lease_of_its_own_and_taken_back_at_its_time() {
    let bench = Bench::new();
    let armed = plan(&bench, "scale", &["replicas=5", "revert-after=10m"]);
    assert_ne!(armed.hash(), plan(&bench, "scale", &["replicas=5"]).hash(), "it is another plan");
    assert!(
        armed
            .risks()
            .iter()
            .any(|r| r.contains("scale back to 3 after 10m unless it is kept") && r.contains("must live")),
        "{:?}",
        armed.risks()
    );
    let began = bench.world.now();
    bench.carry_out(armed.clone()).assert(End::Proven, "");
    assert!(held(&bench) && bench.lease()["spec"].get("holderIdentity").is_none(), "the timer stays, the lock does not");
    let expires: Timestamp = timer(&bench)["metadata"]["annotations"]["timonel.io/expires-at"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("a time");
    assert_eq!(expires.duration_since(began).as_secs() / 60, 10);
    assert_eq!(wait(&bench, &armed), Waited::Expired(vec![deployment()]));
    assert!(bench.world.now() >= expires);
    let told = revert(&bench, &armed, "replicas=3").expect("the timer confirms it");
    told.assert(End::Proven, "");
    assert_eq!((bench.replicas(), held(&bench)), (3, false), "the timer is settled with it");
}

#[test]
fn a_kept_change_stays() {
    let bench = Bench::new();
    let armed = plan(&bench, "scale", &["replicas=5", "revert-after=10m"]);
    bench.carry_out(armed.clone()).assert(End::Proven, "");
    let keep = plan(&bench, "keep", &[]);
    assert!(keep.allowed(), "{:?}", keep.blocked_by());
    bench.carry_out(keep).assert(End::Proven, "");
    assert_eq!((wait(&bench, &armed), bench.replicas(), held(&bench)), (Waited::Kept, 5, false));
    assert_eq!(plan(&bench, "keep", &[]).blocked_by(), ["armed"], "there is nothing more to keep");
}

#[test]
fn a_timer_confirms_nothing_but_the_way_back_of_its_own_change() {
    let bench = Bench::new();
    let armed = plan(&bench, "scale", &["replicas=5", "revert-after=10m"]);
    bench.carry_out(armed.clone()).assert(End::Proven, "");
    assert!(matches!(revert(&bench, &armed, "replicas=1"), Err(Refusal::OtherPlan(_))), "another count");
    let plain = plan(&bench, "scale", &["replicas=5"]);
    assert!(matches!(revert(&bench, &plain, "replicas=3"), Err(Refusal::OtherPlan(_))), "a plan without a timer");
    bench.world.with(|s| s.scale(7));
    assert!(matches!(revert(&bench, &armed, "replicas=3"), Err(Refusal::OtherPlan(_))), "somebody scaled since");
    assert_eq!(bench.replicas(), 7);
}

#[test]
fn a_change_that_fails_is_not_left_armed_and_a_second_timer_is_refused() {
    let bench = Bench::new();
    bench.world.with(|s| s.limit = Limit::Quota(4));
    let failing = plan(&bench, "scale", &["replicas=5", "revert-after=10m"]);
    let told = bench.carry_out(failing);
    assert_eq!((told.outcome.undone, bench.replicas(), held(&bench)), (true, 3, false), "{:?}", told.outcome);
    bench.world.with(|s| s.limit = Limit::None);
    bench.carry_out(plan(&bench, "scale", &["replicas=5", "revert-after=10m"])).assert(End::Proven, "");
    let second = plan(&bench, "scale", &["replicas=6", "revert-after=10m"]);
    bench.carry_out(second).assert(End::Refused, "a change is armed already");
    assert!(held(&bench) && bench.replicas() == 5);
    bench.carry_out(plan(&bench, "scale", &["replicas=3"])).assert(End::Proven, "");
    assert!(!held(&bench), "whoever changes it again, proven, has settled it");
}

#[test]
fn without_the_right_to_hold_the_timer_nothing_is_changed() {
    let bench = Bench::new();
    let armed = plan(&bench, "scale", &["replicas=5", "revert-after=10m"]);
    bench.world.with(|s| s.unreadable.insert(Kind::Lease, crate::target::api::ErrorKind::Forbidden));
    let told = bench.carry_out(armed);
    assert_eq!((told.outcome.outcome, bench.replicas()), (End::Refused, 3), "{:?}", told.outcome);
}

#[test]
fn only_what_can_be_taken_back_is_armed_and_only_for_a_sensible_time() {
    let bench = Bench::new();
    for (action, parameters) in
        [("scale", &["replicas=5", "revert-after=5s"][..]), ("scale", &["replicas=5", "revert-after=2d"]), ("restart", &["revert-after=10m"])]
    {
        let made = bench.world.run(actions::plan(&bench.world, &bench.world, &bench.context, &request(action, parameters)));
        assert!(made.is_err(), "{action} {parameters:?}");
    }
    assert_eq!(armed::parse("90s"), Ok(Duration::from_secs(90)));
}
