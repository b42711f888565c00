//! Two people, one plan: who may approve, what counts, and that nothing is written without.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Bench, deployment};
use crate::base::clock::Clock as _;
use crate::base::confirmation::Confirmation;
use crate::fleet::lock::note;
use crate::run::scale::{self, ScaleRequest};
use crate::run::world::State;
use crate::run::{Approved, BreakGlass, Confirmed, End, Kept, Outcome, Plan, Refusal, approve, asked, wait};
use crate::target::model::{Kind, ObjectRef, Scope};

const PHRASE: &str = "scale api 3->5";

fn lease() -> ObjectRef {
    ObjectRef::new(Kind::Lease, "shop", "timonel-deployment-api")
}

fn said(lease: &Value, key: &str) -> String {
    lease["metadata"]["annotations"][key].as_str().unwrap_or_default().to_owned()
}

/// A console whose changes need two people.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.context.environment.floor = Confirmation::TwoPerson;
    bench
}

/// Somebody writes an approval, as kubectl could.
fn sign(state: &mut State, by: &str, hash: &str) {
    let mut value = state.objects[&lease()].clone();
    let run = said(&value, note::RUN);
    let signature = if hash.is_empty() { said(&value, note::PLAN_HASH) } else { hash.to_owned() };
    value["metadata"]["annotations"][note::APPROVED_BY] = json!(by);
    value["metadata"]["annotations"][note::APPROVED_HASH] = json!(format!("{run} {signature}"));
    state.put(&lease(), value);
}

impl Bench {
    fn waits(&self, plan: Plan) -> Result<(Approved, Kept), Outcome> {
        let waiting = plan.wait(PHRASE, self.world.now()).expect("what it asks for");
        let (deps, _heard) = self.deps();
        self.world.run(wait(waiting, deps))
    }

    /// Somebody approves the plan after that time; whoever asked takes so long to confirm once more.
    fn confirmed_after(&self, approved: Duration, confirmed: Duration) -> Result<Confirmed, Outcome> {
        let plan = self.plan(5);
        let id = plan.id().to_owned();
        self.world.after(approved, |s| sign(s, "bob", ""));
        let (approved, kept) = self.waits(plan).expect("approved");
        self.world
            .run(kept.until(async {
                crate::run::Timer::sleep(&self.world, confirmed).await;
                Ok(approved)
            }))
            .map(|approved| {
                let fresh = self.again(&id, "ana@example.org");
                fresh.confirm_approved(approved, PHRASE, self.world.now()).expect("confirmed once more")
            })
    }

    /// The plan of that run made anew, by whoever that is.
    fn again(&self, run: &str, user: &str) -> Plan {
        let mut context = self.context.clone();
        context.run = Some(run.to_owned());
        let mut plan = self
            .world
            .run(scale::plan(&self.world, &self.world, &context, &ScaleRequest::new(deployment(), 5)))
            .expect("a plan");
        user.clone_into(&mut plan.inner.operator.cluster_user);
        plan
    }

    fn approved(&self) -> (String, Confirmed) {
        let plan = self.plan(5);
        let id = plan.id().to_owned();
        self.world.after(Duration::from_secs(3), |s| sign(s, "bob", ""));
        let (approved, _kept) = self.waits(plan).expect("approved");
        assert_eq!(approved.by(), "bob");
        let fresh = self.again(&id, "ana@example.org");
        (id, fresh.confirm_approved(approved, PHRASE, self.world.now()).expect("confirmed once more"))
    }

    fn approve(&self, plan: Plan, asked: &crate::run::Asked) -> Result<(), Refusal> {
        let write = std::sync::Arc::new(self.world.clone());
        self.world.run(approve(plan, asked, PHRASE, self.world.now(), &self.world, write, &*self.journal))
    }
}

#[test]
fn a_plan_for_two_is_carried_out_after_somebody_else_approved_it_and_the_start_uses_that_up() {
    let bench = bench();
    assert_eq!(bench.plan(5).confirm(PHRASE, bench.world.now()).expect_err("it needs two"), Refusal::NeedsApproval);
    let (id, confirmed) = bench.approved();
    assert_eq!(bench.scale_writes(), 0, "nothing is written before");
    bench.carry_out_confirmed(confirmed).assert(End::Proven, "");
    assert_eq!(bench.replicas(), 5);
    let taken = bench.world.writes_to(Kind::Lease).into_iter().map(|w| serde_json::to_value(w.change).expect("JSON")).rev();
    let start = taken.into_iter().find(|w| w["merge-patch"]["spec"].get("acquireTime").is_some()).expect("the lock is taken");
    assert_eq!(start["merge-patch"]["metadata"]["annotations"][note::APPROVED_BY], Value::Null, "in the same write");
    let lines = bench.journal.lines.lock().expect("one thread");
    let confirm = lines.iter().find(|l| l.data.contains_key("approved_by")).expect("a confirmation");
    assert_eq!((confirm.run.as_deref(), &confirm.data["approved_by"]), (Some(id.as_str()), &json!("bob")));
}

/// Holder, time of renewal and approver of the lock at these times from now.
fn watched(bench: &Bench, seconds: &[u64]) -> std::sync::Arc<std::sync::Mutex<Vec<(String, String, String)>>> {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    for at in seconds {
        let seen = seen.clone();
        bench.world.after(Duration::from_secs(*at), move |s| {
            let lease = &s.objects[&lease()];
            let text = |pointer: &str| lease.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let approved = said(lease, note::APPROVED_BY);
            seen.lock().expect("one thread").push((text("/spec/holderIdentity"), text("/spec/renewTime"), approved));
        });
    }
    seen
}

#[test]
fn the_lock_is_kept_between_the_approval_and_the_start() {
    let bench = bench();
    let seen = watched(&bench, &[10, 30, 50, 70, 89]);
    let confirmed = bench.confirmed_after(Duration::from_secs(3), Duration::from_secs(85)).expect("confirmed");
    let seen = seen.lock().expect("one thread").clone();
    assert_eq!(seen.len(), 5);
    for pair in seen.windows(2) {
        assert!(pair[0].0.starts_with("ana@") && pair[0].0 == pair[1].0, "{pair:?}");
        assert!(pair[0].1 < pair[1].1, "it is renewed: {pair:?}");
        assert_eq!((&*pair[0].2, &*pair[1].2), ("bob", "bob"), "and stays approved");
    }
    bench.carry_out_confirmed(confirmed).assert(End::Proven, "");
    assert_eq!(bench.replicas(), 5);
}

#[test]
fn a_lock_that_was_let_go_while_the_plan_waited_is_held_again_once_it_is_approved() {
    let bench = bench();
    let seen = watched(&bench, &[8 * 60 - 10, 8 * 60 + 10]);
    let confirmed = bench.confirmed_after(Duration::from_mins(8), Duration::from_mins(1)).expect("confirmed");
    let seen = seen.lock().expect("one thread").clone();
    assert!(seen[0].0.is_empty() && seen[1].0.starts_with("ana@") && seen[1].2 == "bob", "{seen:?}");
    bench.carry_out_confirmed(confirmed).assert(End::Proven, "");
}

#[test]
fn an_approved_plan_that_is_not_confirmed_once_more_lets_go_of_the_lock() {
    let bench = bench();
    let outcome = bench.confirmed_after(Duration::from_secs(3), Duration::from_mins(6)).expect_err("too late");
    assert_eq!(outcome.reason, "it was not confirmed once more within 5 minutes of its approval");
    let control = bench.control.clone();
    bench.world.after(Duration::from_secs(30), move |_| control.interrupt());
    let withdrawn = bench.confirmed_after(Duration::from_secs(3), Duration::from_mins(1)).expect_err("withdrawn");
    assert_eq!((withdrawn.reason.as_str(), withdrawn.exit_code()), ("withdrawn by its operator", 130));
    let lease = bench.lease();
    assert!(lease["spec"]["holderIdentity"].is_null(), "{lease:#}");
    for key in [note::RUN, note::INPUTS, note::PLAN_HASH, note::APPROVED_BY, note::APPROVED_HASH] {
        assert_eq!(said(&lease, key), "", "{key} stays");
    }
    assert_eq!(bench.scale_writes(), 0);
}

#[test]
fn whoever_took_the_lock_of_an_approved_plan_keeps_it() {
    let bench = bench();
    bench.world.after(Duration::from_secs(20), |s| {
        let mut value = s.objects[&lease()].clone();
        value["metadata"]["annotations"][note::RUN] = json!("another");
        value["spec"]["holderIdentity"] = json!("eva@pc/another");
        s.put(&lease(), value);
    });
    let outcome = bench.confirmed_after(Duration::from_secs(3), Duration::from_mins(2)).expect_err("taken");
    assert!(outcome.reason.contains("the lock could not be kept"), "{}", outcome.reason);
    assert_eq!(bench.lease()["spec"]["holderIdentity"], "eva@pc/another");
}

#[test]
fn an_approval_that_is_gone_when_it_starts_is_none() {
    let bench = bench();
    let (_, confirmed) = bench.approved();
    bench.world.with(|s| sign(s, "bob", "sha256:other"));
    bench.carry_out_confirmed(confirmed).assert(End::Refused, "the approval is gone");
    assert_eq!(bench.scale_writes(), 0);
}

#[test]
fn neither_ones_own_approval_nor_one_of_another_plan_counts_and_the_question_is_taken_back() {
    let bench = bench();
    bench.world.after(Duration::from_secs(3), |s| sign(s, "ana@example.org", ""));
    bench.world.after(Duration::from_secs(9), |s| sign(s, "bob", "sha256:other"));
    let (seen, world) = (std::sync::Arc::new(std::sync::Mutex::new(Vec::new())), bench.world.clone());
    for minutes in [4, 6] {
        let seen = seen.clone();
        world.after(Duration::from_mins(minutes), move |s| {
            let lease = &s.objects[&lease()];
            seen.lock()
                .expect("one thread")
                .push((lease["spec"]["holderIdentity"].is_string(), said(lease, note::INPUTS).contains("replicas=5")));
        });
    }
    let outcome = bench.waits(bench.plan(5)).expect_err("nobody else");
    assert_eq!((outcome.outcome, outcome.exit_code()), (End::Refused, 4));
    assert!(outcome.reason.contains("within 15 minutes"), "{}", outcome.reason);
    assert_eq!(
        *seen.lock().expect("one thread"),
        [(true, true), (false, true)],
        "the lock is let go after 5 minutes, the plan waits on"
    );
    let lease = bench.lease();
    for key in [note::RUN, note::INPUTS, note::PLAN_HASH, note::APPROVED_BY, note::EXPIRES_AT, note::HOLDER_USER] {
        assert_eq!(said(&lease, key), "", "{key} stays");
    }
    assert_eq!(bench.scale_writes(), 0);
}

#[test]
fn a_plan_waits_no_more_when_somebody_takes_its_lock_or_its_operator_withdraws() {
    let bench = bench();
    bench.world.after(Duration::from_mins(6), |s| {
        let mut value = s.objects[&lease()].clone();
        value["metadata"]["annotations"][note::RUN] = json!("another");
        s.put(&lease(), value);
    });
    let outcome = bench.waits(bench.plan(5)).expect_err("taken");
    assert!(outcome.reason.contains("somebody else took the lock"), "{}", outcome.reason);
    assert_eq!(said(&bench.lease(), note::RUN), "another", "what is somebody else's is left alone");

    let bench = self::bench();
    let control = bench.control.clone();
    bench.world.after(Duration::from_secs(5), move |_| control.interrupt());
    let outcome = bench.waits(bench.plan(5)).expect_err("withdrawn");
    assert_eq!((outcome.reason.as_str(), outcome.exit_code()), ("withdrawn by its operator", 130));
    assert!(bench.lease()["spec"]["holderIdentity"].is_null());
}

#[test]
fn whoever_approves_makes_the_same_plan_anew_is_somebody_else_and_approves_only_what_waits() {
    let bench = bench();
    let plan = bench.plan(5);
    let scope = Scope::Namespace("shop".into());
    let approver = self::bench();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(None));
    let (keep, world) = (seen.clone(), bench.world.clone());
    // What the approver sees: the Lease as it is while the plan waits.
    bench
        .world
        .after(Duration::from_secs(3), move |s| *keep.lock().expect("one thread") = Some(s.objects[&lease()].clone()));
    bench.world.after(Duration::from_secs(9), |s| sign(s, "bob", ""));
    bench.waits(plan.clone()).expect("approved");
    drop(world);
    approver.world.with(|s| s.put(&lease(), seen.lock().expect("one thread").take().expect("it waits")));
    let now = approver.world.now();
    let waits = approver.world.run(asked(&approver.world, &scope, now)).expect("readable");
    let [one] = &waits[..] else { panic!("one waits: {waits:?}") };
    assert_eq!((&one.run, one.by.as_str(), &one.request), (&plan.id().to_owned(), "ana@example.org", &plan.request()));

    let same = approver.again(&one.run, "ana@example.org");
    assert_eq!((same.id(), same.hash(), same.allowed()), (plan.id(), plan.hash(), true), "the lock of that run is no obstacle");
    assert!(matches!(approver.approve(same, one), Err(Refusal::SamePerson(_))));
    let mut other = approver.again(&one.run, "bob");
    other.hash = "sha256:other".into();
    assert!(matches!(approver.approve(other, one), Err(Refusal::OtherPlan(_))));
    assert_eq!(approver.world.writes_to(Kind::Lease), [], "nothing is written before all of it holds");
    approver.approve(approver.again(&one.run, "bob"), one).expect("approved");
    assert_eq!(said(&approver.lease(), note::APPROVED_BY), "bob");
    assert_eq!(said(&approver.lease(), note::APPROVED_HASH), format!("{} {}", plan.id(), plan.hash()));

    let mut taken = approver.lease();
    taken["metadata"]["annotations"][note::RUN] = json!("another");
    taken["spec"]["holderIdentity"] = Value::Null;
    approver.world.with(|s| s.put(&lease(), taken));
    assert!(matches!(approver.approve(approver.again(&one.run, "bob"), one), Err(Refusal::NotApproved(_))));
}

#[test]
fn the_glass_breaks_slowly_and_in_writing() {
    let bench = bench();
    let asked = bench.plan(5);
    assert!(matches!(BreakGlass::arm(&asked, " ", &bench.world), Err(Refusal::NoReason)));
    let why = "nobody answers the phone";
    let glass = BreakGlass::arm(&asked, why, &bench.world).expect("armed");
    let again = |reason: &str| bench.again(asked.id(), "ana@example.org").with(&[], Some(reason)).expect("a plan");
    let break_it = |plan: Plan| plan.break_glass(&glass, PHRASE, &bench.world);
    assert!(matches!(break_it(again(why)), Err(Refusal::NotArmed(60))));
    bench.world.run(async { crate::run::Timer::sleep(&bench.world, Duration::from_mins(1)).await });
    assert!(matches!(break_it(again("another reason")), Err(Refusal::OtherPlan(_))), "it is for one plan");
    let plan = again(why);
    bench.carry_out_confirmed(break_it(plan).expect("broken")).assert(End::Proven, "");
    let lines = bench.journal.lines.lock().expect("one thread");
    assert!(lines.iter().any(|l| l.data.get("break_glass") == Some(&json!(true))), "it is on record");
    let events = bench.world.writes_to(Kind::Event);
    assert!(events.iter().any(|e| format!("{:?}", e.change).contains("break-glass (nobody answers the phone)")), "and others see it");
}
