//! What is owed is seen by every console, goes when it is paid, and is never more or less than that.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Debts, MOST, Owed, account, book};
use crate::base::environment::EnvironmentKind;
use crate::fleet::Fleet;
use crate::fleet::testing::{labels, now, workload};
use crate::run::actions::{self, ActionRequest};
use crate::run::outcome::{Debt, End, Outcome};
use crate::run::plan::Plan;
use crate::run::world::{World, deployment};
use crate::run::{Environment, Operator, PlanContext};
use crate::target::api::{Change, WriteRequest};
use crate::target::event::StreamState;
use crate::target::event::TargetEvent;
use crate::target::model::{CronJob, Hpa, Kind, Node, Object, ObjectRef, Scope, Workload};
use crate::target::request::StreamKey;

const SCALED: &str = "20270115-075500-scale-7f3a scale 3->0 ana@ops";

fn deployments(all: Vec<Workload>) -> Vec<Object> {
    all.into_iter().map(|w| Object::Workload(Arc::new(w))).collect()
}

fn signed(mut w: Workload, annotations: &[(&str, &str)]) -> Workload {
    w.meta.annotations = labels(annotations);
    w
}

fn seeing(kinds: Vec<(Kind, Vec<Object>)>) -> Fleet {
    let mut all: BTreeMap<Kind, Vec<Object>> =
        [Kind::Deployment, Kind::StatefulSet, Kind::CronJob, Kind::HorizontalPodAutoscaler, Kind::ConfigMap, Kind::Node]
            .map(|k| (k, Vec::new()))
            .into();
    all.extend(kinds);
    let mut fleet = Fleet::new();
    for (kind, objects) in all {
        fleet.list(StreamKey { kind, scope: Scope::Cluster }, objects, now());
    }
    fleet
}

fn standing(fleet: &Fleet) -> Vec<Owed> {
    Debts::of(fleet, &[], &[], now()).owed
}

fn node(unschedulable: bool, signature: &str) -> Object {
    let mut meta = crate::fleet::testing::meta("n1");
    meta.namespace = "".into();
    meta.annotations = labels(&[("timonel.io/last-run", signature)]);
    Object::Node(Arc::new(Node {
        meta,
        conditions: Box::default(),
        unschedulable,
        taints: Box::default(),
        allocatable: crate::target::model::Resources::default(),
        allocatable_pods: None,
        kubelet_version: "v1.36.3".into(),
    }))
}

fn hpa(disabled: bool, signature: &str) -> Object {
    let mut meta = crate::fleet::testing::meta("api");
    meta.annotations = labels(&[("timonel.io/last-run", signature)]);
    Object::Hpa(Arc::new(Hpa {
        meta,
        target_kind: "Deployment".into(),
        target_name: "api".into(),
        min: 1,
        max: 5,
        current: 1,
        desired: 1,
        conditions: Box::default(),
        up_disabled: disabled,
        down_disabled: disabled,
    }))
}

fn cron(suspended: bool, signature: &str) -> Object {
    let mut meta = crate::fleet::testing::meta("nightly");
    meta.annotations = labels(&[("timonel.io/last-run", signature)]);
    Object::CronJob(Arc::new(CronJob {
        meta,
        schedule: "0 3 * * *".into(),
        time_zone: "".into(),
        suspended,
        concurrency: "Forbid".into(),
        starting_deadline: None,
        active: 0,
        last_schedule: None,
        last_success: None,
        template: Box::default(),
    }))
}

#[test]
fn what_runs_left_is_seen_with_who_since_when_and_what_pays_it() {
    let mut paused = signed(workload(Kind::Deployment, "web", 2), &[("timonel.io/last-run", "20270115-075500-pause-7f3a pause rollout ana@ops")]);
    paused.paused = true;
    let zero = signed(workload(Kind::Deployment, "api", 0), &[("timonel.io/last-run", SCALED), ("timonel.io/replicas-before-zero", "3")]);
    let fleet = seeing(vec![
        (Kind::Deployment, deployments(vec![paused, zero])),
        (Kind::CronJob, vec![cron(true, "20270115-075500-suspend-7f3a suspend 0 3 * * * ana@ops")]),
        (Kind::HorizontalPodAutoscaler, vec![hpa(true, "20270115-075500-scale-7f3a scale pause:30m,up:Max,down:Max ana@ops")]),
        (Kind::Node, vec![node(true, "20270115-075500-cordon-7f3a cordon node ana@ops")]),
    ]);
    let debts = Debts::of(&fleet, &[], &[], now());
    assert!(debts.unseen.is_empty() && !debts.reading && !debts.are_paid());
    let commands: Vec<String> = debts.owed.iter().map(Owed::command).collect();
    for command in [
        "timonel run scale -n ns deployment/api=3",
        "timonel run resume -n ns deployment/web",
        "timonel run resume -n ns cronjob/nightly",
        "timonel run resume-hpa -n ns horizontalpodautoscaler/api",
        "timonel run uncordon node/n1",
    ] {
        assert!(commands.iter().any(|c| c == command), "{command} is missing: {commands:?}");
    }
    assert_eq!(commands.len(), 5);
    assert!(
        debts
            .owed
            .iter()
            .all(|d| d.by == "ana@ops" && d.since.is_some_and(|at| at.to_string() == "2027-01-15T07:55:00Z"))
    );
    let pause = debts.owed.iter().find(|d| d.action == "resume-hpa").expect("the paused autoscaler");
    assert!(pause.what.contains("meant for 30m"), "{}", pause.what);
}

#[test]
fn the_same_state_that_nobody_of_us_left_is_no_debt_and_what_was_paid_by_hand_is_none_any_more() {
    let mut paused = workload(Kind::Deployment, "web", 2);
    paused.paused = true;
    let paid = signed(workload(Kind::Deployment, "api", 3), &[("timonel.io/last-run", SCALED), ("timonel.io/replicas-before-zero", "3")]);
    let fleet = seeing(vec![
        (Kind::Deployment, deployments(vec![paused, workload(Kind::Deployment, "off", 0), paid])),
        (Kind::CronJob, vec![cron(true, "20270115-075500-trigger-7f3a trigger now ana@ops")]),
        (Kind::HorizontalPodAutoscaler, vec![hpa(false, "20270115-075500-scale-7f3a scale pause:30m,up:Max ana@ops")]),
        (Kind::Node, vec![node(true, "")]),
    ]);
    assert_eq!(standing(&fleet), []);
    assert!(Debts::of(&fleet, &[], &[], now()).are_paid());
}

#[test]
fn without_the_right_to_annotate_our_own_journal_knows_who_left_it() {
    let mut fleet = seeing(vec![(Kind::Deployment, deployments(vec![workload(Kind::Deployment, "api", 0)]))]);
    assert_eq!(standing(&fleet), []);
    fleet.learn_runs([("uid-api".to_owned(), SCALED.to_owned())].into());
    assert_eq!(standing(&fleet)[0].parameters, ["replicas=3"]);
}

#[test]
fn what_cannot_be_seen_is_not_told_as_no_debts() {
    let mut fleet = seeing(Vec::new());
    assert!(Debts::of(&fleet, &[], &[], now()).are_paid());
    let state = StreamState::Failed { kind: crate::target::api::ErrorKind::Forbidden, reason: "you may not list cronjobs".into() };
    fleet.apply(&TargetEvent::Stream { key: StreamKey { kind: Kind::CronJob, scope: Scope::Cluster }, state }, now());
    let debts = Debts::of(&fleet, &[], &[], now());
    assert!(!debts.are_paid() && debts.unseen[0].contains("may not list cronjobs"), "{debts:?}");
    assert!(Debts::of(&Fleet::new(), &[], &[], now()).reading, "nothing was read yet");
}

fn plan(replicas: u32) -> Plan {
    let world = World::new();
    let operator = Operator { user: "ana".into(), host: "ops".into(), ..Operator::default() };
    let context = PlanContext::new("dev", Environment::of_kind(EnvironmentKind::Development), operator);
    let request = ActionRequest {
        action: "scale".into(),
        object: deployment(),
        parameters: vec![format!("replicas={replicas}")],
        overrides: Vec::new(),
        reason: None,
    };
    world.run(actions::plan(&world, &world, &context, &request)).expect("a plan")
}

fn failed(plan: &Plan) -> Outcome {
    let debt = Debt {
        id: "write".into(),
        object: plan.subject().to_string(),
        what: "replicas 3 -> 5: carried out, and not proven".into(),
        pay: "kubectl scale".into(),
    };
    Outcome { debts: vec![debt], ..Outcome::new(End::FailedWithDebts, "no room") }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

#[test]
fn a_proven_run_pays_what_an_earlier_one_left_of_the_same_field_and_a_failed_one_does_not() {
    let (five, four) = (plan(5), plan(4));
    let mut owed = Vec::new();
    account(&mut owed, &five, &failed(&five), at("2026-11-22T14:40:00Z"));
    assert_eq!((owed.len(), owed[0].command().as_str()), (1, "timonel run scale -n shop deployment/api=3"));
    assert_eq!(owed[0].fields, [("spec.replicas".to_owned(), json!(5))]);
    account(&mut owed, &four, &Outcome { undone: true, ..Outcome::new(End::Failed, "no room") }, at("2026-11-22T14:41:00Z"));
    assert_eq!(owed.len(), 1);
    account(&mut owed, &four, &Outcome::new(End::Proven, ""), at("2026-11-22T14:42:00Z"));
    assert_eq!(owed, []);
    for n in 0..2 * MOST {
        let mut other = five.clone();
        other.id = format!("run-{n}");
        let mut one = other.owed(&failed(&five), at("2026-11-22T14:43:00Z"));
        one[0].object = ObjectRef::new(Kind::Deployment, "shop", format!("api-{n}"));
        owed.extend(one);
    }
    account(&mut owed, &four, &Outcome::new(End::Failed, ""), at("2026-11-22T14:44:00Z"));
    assert_eq!(owed.len(), MOST, "the record is bounded");
}

/// What the server has after a request.
fn stored(request: &WriteRequest, before: Option<&Value>) -> Value {
    let mut object = before.cloned().unwrap_or_else(|| json!({ "data": {} }));
    let (Change::Create(body) | Change::MergePatch(body)) = &request.change else { unreachable!("made or patched") };
    for (key, value) in body["data"].as_object().expect("entries") {
        object["data"][key] = value.clone();
    }
    object["data"].as_object_mut().expect("entries").retain(|_, v| !v.is_null());
    object["metadata"] = json!({ "namespace": "shop", "name": book::NAME, "uid": "u-book", "resourceVersion": "7" });
    object
}

#[test]
fn the_record_takes_what_a_run_leaves_and_gives_up_what_the_next_one_pays_on_a_version() {
    let (five, four) = (plan(5), plan(4));
    let left = book::update(None, &five, &failed(&five), at("2026-11-22T14:40:00Z")).expect("something to say");
    assert!(matches!(left.change, Change::Create(_)) && book::is_update(five.subject(), &left));
    let there = stored(&left, None);
    assert_eq!(book::read(&there), five.owed(&failed(&five), at("2026-11-22T14:40:00Z")));
    assert_eq!(book::update(Some(&there), &four, &Outcome::new(End::Failed, ""), now()), None, "nothing to say");
    assert_eq!(book::update(None, &four, &Outcome::new(End::Proven, ""), now()), None, "no record is made of nothing");
    let paid = book::update(Some(&there), &four, &Outcome::new(End::Proven, ""), now()).expect("something to take away");
    let Change::MergePatch(body) = &paid.change else { unreachable!("a patch") };
    assert_eq!((&body["metadata"]["resourceVersion"], &body["metadata"]["uid"]), (&json!("7"), &json!("u-book")));
    assert!(book::is_update(five.subject(), &paid));
    assert_eq!(book::read(&stored(&paid, Some(&there))), []);
}

#[test]
fn the_gate_of_the_record_lets_nothing_else_through() {
    let five = plan(5);
    let left = book::update(None, &five, &failed(&five), now()).expect("something to say");
    let elsewhere = WriteRequest { object: ObjectRef::new(Kind::ConfigMap, "shop", "settings"), ..left.clone() };
    let there = stored(&left, None);
    let mut paid = book::update(Some(&there), &plan(4), &Outcome::new(End::Proven, ""), now()).expect("a patch");
    assert!(!book::is_update(five.subject(), &elsewhere));
    let Change::MergePatch(body) = &mut paid.change else { unreachable!("a patch") };
    body["metadata"]["labels"] = json!({ "a": "b" });
    assert!(!book::is_update(five.subject(), &paid));
    let Change::MergePatch(body) = &mut paid.change else { unreachable!("a patch") };
    body["metadata"] = json!({ "uid": "u-book" });
    assert!(!book::is_update(five.subject(), &paid), "a patch without a version");
}

#[test]
fn a_record_that_somebody_wrote_by_hand_is_cleaned_and_speaks_of_its_own_namespace_only() {
    let entry = |namespace: &str, what: &str| {
        let object = json!({ "kind": "Deployment", "namespace": namespace, "name": "api" });
        let debt = json!({ "object": object, "uid": "u", "fields": [["spec.template", { "secret": 1 }]], "what": what, "since": null, "run": "r",
            "by": "x@y", "action": "delete-all", "parameters": [], "by_hand": "look" });
        json!(debt.to_string())
    };
    let raw = json!({ "metadata": { "namespace": "shop", "name": book::NAME },
        "data": { "a": entry("shop", "evil \u{1b}[2J words"), "b": entry("other", "x"), "c": "no json" } });
    let read = book::read(&raw);
    assert_eq!(read.len(), 1);
    assert!(!read[0].what.contains('\u{1b}') && read[0].payment().is_none() && read[0].fields[0].1.is_null(), "{read:?}");
    assert_eq!(read[0].command(), "look");
}

#[test]
fn what_is_recorded_goes_when_it_is_seen_to_be_settled_and_stays_while_it_cannot_be_seen() {
    let owed = |value: Value| Owed {
        object: ObjectRef::new(Kind::Deployment, "ns", "api"),
        uid: "uid-api".into(),
        fields: vec![("spec.replicas".into(), value)],
        what: "carried out, and not proven".into(),
        since: None,
        run: "r".into(),
        by: String::new(),
        action: "scale".into(),
        parameters: vec!["replicas=3".into()],
        by_hand: String::new(),
    };
    let count = |fleet: &Fleet, debt: Owed| {
        (Debts::of(fleet, std::slice::from_ref(&debt), &[], now()).owed.len(), Debts::of(fleet, &[], &[debt], now()).owed.len())
    };
    let with = |w: Workload| seeing(vec![(Kind::Deployment, deployments(vec![w]))]);
    let mut waiting = workload(Kind::Deployment, "api", 5);
    waiting.ready = 3;
    assert_eq!(count(&with(waiting), owed(json!(5))), (1, 1));
    assert_eq!(count(&with(workload(Kind::Deployment, "api", 5)), owed(json!(5))), (0, 0), "it came true meanwhile");
    assert_eq!(count(&with(workload(Kind::Deployment, "api", 3)), owed(json!(5))), (0, 0), "somebody went back");
    let other = signed(workload(Kind::Deployment, "api", 5), &[]);
    let other = Workload { meta: crate::target::model::Meta { uid: "another".into(), ..other.meta.clone() }, ready: 1, ..other };
    assert_eq!(count(&with(other), owed(json!(5))), (0, 0), "made anew: another object");
    assert_eq!(count(&seeing(Vec::new()), owed(json!(5))), (0, 0), "deleted");
    // Our own journal tells of other clusters, the record of this one.
    assert_eq!(count(&Fleet::new(), owed(json!(5))), (1, 0));
}
