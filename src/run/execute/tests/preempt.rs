//! A mitigation that asks a live run for its lock, on both sides.

use std::time::Duration;

use serde_json::{Value, json};

use super::actions::plan;
use super::{Bench, Told, deployment};
use crate::fleet::lock::note;
use crate::run::journal::EntryKind;
use crate::run::world::{Limit, State};
use crate::run::{End, Happening, PlanError, RunEvent, preempt};
use crate::target::model::{Kind, ObjectRef};

const BOB: &str = "bob@desk/run-1 (rollback 3->2)";

fn lease() -> ObjectRef {
    ObjectRef::new(Kind::Lease, "shop", "timonel-deployment-api")
}

/// Changes the Lease of the Deployment as somebody else.
fn change(state: &mut State, change: impl FnOnce(&mut Value)) {
    let mut value = state
        .objects
        .get(&lease())
        .cloned()
        .unwrap_or_else(|| json!({ "metadata": { "uid": "l-1", "annotations": {} }, "spec": {} }));
    change(&mut value);
    state.put(&lease(), value);
}

/// A run of Bob's that does this holds the lock, and renews it.
fn held(bench: &Bench, action: &'static str) {
    for seconds in (0..300).step_by(10) {
        let start = jiff::Timestamp::from_second(crate::base::clock::Clock::now(&bench.world).as_second() + seconds).expect("in range");
        let renew = move |s: &mut State| {
            if s.objects.get(&lease()).is_none_or(|l| l["spec"]["holderIdentity"] == "bob@desk/run-1") {
                change(s, |l| {
                    l["metadata"]["annotations"][note::ACTION] = json!(action);
                    l["spec"] = json!({ "holderIdentity": "bob@desk/run-1", "leaseDurationSeconds": 30, "renewTime": format!("{start:.6}") });
                });
            }
        };
        if seconds == 0 { bench.world.with(renew) } else { bench.world.after(Duration::from_secs(seconds.unsigned_abs()), renew) }
    }
}

/// Bob's run lets go once it is asked.
fn lets_go(bench: &Bench, after: u64) {
    bench.world.after(Duration::from_secs(after), |s| {
        assert_eq!(
            s.objects[&lease()]["metadata"]["annotations"][note::PREEMPT_BY],
            "ana@bastion/20261122-145052-restart-7f3a (restart 3 pods)"
        );
        change(s, |l| l["spec"]["holderIdentity"] = Value::Null);
    });
}

fn asks(state: &mut State) {
    change(state, |l| l["metadata"]["annotations"][note::PREEMPT_BY] = json!(BOB));
}

fn notes(told: &Told) -> Vec<&str> {
    told.events
        .iter()
        .filter_map(|e: &RunEvent| if let Happening::Note { text } = &e.what { Some(text.as_str()) } else { None })
        .collect()
}

fn recorded(bench: &Bench, kind: EntryKind) -> String {
    let lines = bench.journal.lines.lock().expect("one thread");
    lines.iter().filter(|l| l.kind == kind).map(|l| serde_json::to_string(&l.data).expect("JSON")).collect()
}

#[test]
fn a_mitigation_gets_the_lock_of_a_run_that_was_asked_and_the_record_says_so() {
    let bench = Bench::new();
    held(&bench, "scale 3->1");
    let refused = plan(&bench, "restart", &[]);
    assert_eq!((refused.allowed(), refused.blocked_by()), (false, &["lock".to_owned()][..]));
    let asking = plan(&bench, "restart", &[preempt::PARAMETER]);
    assert!(asking.allowed() && asking.preempts());
    assert_eq!(asking.hash(), refused.hash(), "how it is carried out is no part of what is done");
    lets_go(&bench, 15);
    bench.carry_out(asking).assert(End::Proven, "");
    let said = "asked bob@desk/run-1 (scale 3->1) for the lock, who let go of it";
    assert!(recorded(&bench, EntryKind::Proof).contains(said) && recorded(&bench, EntryKind::Note).contains(said));
    assert_eq!(bench.lease()["metadata"]["annotations"].get(note::PREEMPT_BY), None, "nothing stays in the Lease");
}

#[test]
fn a_run_that_does_not_let_go_in_time_keeps_its_lock_and_is_asked_no_more() {
    let bench = Bench::new();
    held(&bench, "scale 3->1");
    let told = bench.carry_out(plan(&bench, "restart", &[preempt::PARAMETER]));
    told.assert(End::Refused, "bob@desk/run-1 (scale 3->1) works on it, and did not let go within 120 s of being asked");
    assert_eq!(bench.lease()["metadata"]["annotations"].get(note::PREEMPT_BY), None);
    assert_eq!(bench.lease()["spec"]["holderIdentity"], "bob@desk/run-1");
    assert_eq!(bench.world.writes_to(Kind::Deployment).len(), 0);
}

#[test]
fn neither_a_change_asks_nor_is_a_restore_asked() {
    let bench = Bench::new();
    held(&bench, "restore pg");
    let blocked = plan(&bench, "restart", &[preempt::PARAMETER]);
    assert_eq!(blocked.blocked_by(), ["lock"]);
    let refused = super::actions::try_plan(&bench, "pause", &[preempt::PARAMETER]);
    assert!(matches!(refused, Err(PlanError::Usage(why)) if why.contains("only a mitigation")));
    // What takes a run back is a mitigation, whatever it does.
    assert!(super::actions::try_plan(&bench, "pause", &[preempt::PARAMETER, "undoes=run-0"]).is_ok());
}

#[test]
fn a_run_that_is_asked_stops_while_it_waits_for_its_proof_and_lists_what_it_leaves() {
    let bench = Bench::new();
    bench.world.with(|s| s.limit = Limit::Ready(3));
    bench.world.after(Duration::from_secs(12), asks);
    let told = bench.scale(5);
    told.assert(End::FailedWithDebts, &format!("asked to stop by {BOB}"));
    assert_eq!((bench.replicas(), told.outcome.debts.len(), told.outcome.exit_code()), (5, 1, 2));
    assert!(told.outcome.hint.contains("runs resume"), "{}", told.outcome.hint);
    assert_eq!(notes(&told), [format!("{BOB} asks for the lock: the run stops after this step")]);
    assert!(recorded(&bench, EntryKind::End).contains(BOB));
    assert_eq!(bench.lease()["spec"].get("holderIdentity"), None, "the lock is released");
}

#[test]
fn a_run_that_waits_for_its_operator_lets_go_without_an_answer() {
    let mut bench = Bench::new();
    bench.control = std::sync::Arc::new(crate::run::Control::new(true));
    bench.world.with(|s| s.limit = Limit::Quota(3));
    bench.world.after(Duration::from_secs(40), asks);
    let told = bench.carry_out(bench.plan(5));
    assert!(told.words().contains(&"asked".to_owned()), "{:?}", told.words());
    told.assert(End::FailedWithDebts, &format!("; asked to stop by {BOB}"));
    assert_eq!(bench.world.object(&deployment())["spec"]["replicas"], 5);
}

#[test]
fn one_run_at_a_time_changes_a_service_whose_file_is_in_use() {
    let mut bench = Bench::new();
    let of_service = ObjectRef::new(Kind::Lease, "shop", "timonel-file-shop");
    bench.context.service = Some("shop".to_owned());
    bench.carry_out(plan(&bench, "restart", &[])).assert(End::Proven, "");
    let taken: Vec<String> = bench.world.writes_to(Kind::Lease).iter().take(2).map(|w| w.object.name.to_string()).collect();
    assert_eq!(taken, ["timonel-deployment-api", "timonel-file-shop"]);
    assert_eq!(bench.world.object(&of_service)["spec"].get("holderIdentity"), None, "both are released");
    let now = crate::base::clock::Clock::now(&bench.world);
    bench.world.with(|s| {
        let mut value = s.objects[&of_service].clone();
        value["metadata"]["annotations"][note::ACTION] = json!("scale 3->4");
        value["spec"] = json!({ "holderIdentity": "bob@desk/run-1", "leaseDurationSeconds": 30, "renewTime": format!("{now:.6}") });
        s.put(&of_service, value);
    });
    let refused = plan(&bench, "restart", &[]);
    let lock = refused.checks().iter().find(|c| c.id == "lock").expect("a check");
    assert!(lock.detail.contains("bob@desk/run-1 (scale 3->4) works on it"), "{}", lock.detail);
    assert_eq!(refused.blocked_by(), ["lock"]);
    bench.context.service = None;
    assert!(plan(&bench, "restart", &[]).allowed(), "without a file nothing of it is asked");
}
