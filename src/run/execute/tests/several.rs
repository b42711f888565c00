//! Whole runs about several objects in one plan.

use serde_json::Value;

use super::actions::{plan, try_plan};
use super::{Bench, Told};
use crate::run::journal::EntryKind;
use crate::run::world::{Fault, Limit, deployment, neighbour};
use crate::run::{Answer, End, Happening, PlanError, Way};
use crate::target::api::ErrorKind;
use crate::target::model::{Kind, ObjectRef};

/// The bench with `api`, `web` and `worker`.
fn three() -> (Bench, [ObjectRef; 3]) {
    let bench = Bench::new();
    let (web, worker) = (neighbour(&bench.world, "web"), neighbour(&bench.world, "worker"));
    (bench, [deployment(), web, worker])
}

const ALL: [&str; 2] = ["with=deployment/web", "with=deployment/worker"];

fn mark(bench: &Bench, object: &ObjectRef) -> Value {
    bench.world.object(object)["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].clone()
}

fn count(bench: &Bench, object: &ObjectRef) -> i64 {
    bench.world.object(object)["spec"]["replicas"].as_i64().expect("a number")
}

/// Ids of the steps that began, in order.
fn began(told: &Told) -> Vec<String> {
    let began = |e: &crate::run::RunEvent| if let Happening::StepStarted { step, .. } = &e.what { Some(step.to_string()) } else { None };
    told.events.iter().filter_map(began).collect()
}

#[test]
fn three_restarts_are_one_plan_proven_one_after_the_other() {
    let (bench, objects) = three();
    let plan = plan(&bench, "restart", &ALL);
    assert_eq!(plan.subjects().map(|s| s.name.to_string()).collect::<Vec<_>>(), ["api", "web", "worker"]);
    assert_eq!((plan.objects().len(), plan.title().as_str()), (3, "Restart 3: api, web, worker"));
    assert_eq!(bench.world.writes_to(Kind::Deployment).len(), 0);
    let told = bench.carry_out(plan);
    told.assert(End::Proven, "");
    assert_eq!(
        began(&told),
        ["lock", "1/write", "1/prove-rollout", "1/prove-endpoints", "2/write", "2/prove-rollout", "3/write", "3/prove-rollout"]
    );
    assert!(objects.iter().all(|o| mark(&bench, o).is_string()));
    // Each object has its own lock, note and events, and the locks are free again.
    for object in &objects {
        assert!(bench.world.object(object)["metadata"]["annotations"]["timonel.io/last-run"].is_string(), "{object}");
        let lease = bench
            .world
            .object(&ObjectRef::new(Kind::Lease, "shop", format!("timonel-deployment-{}", object.name).as_str()));
        assert!(lease["metadata"]["uid"].is_string() && lease["spec"]["holderIdentity"].is_null(), "{lease:#}");
    }
    assert_eq!(bench.world.writes_to(Kind::Event).len(), 6);
    let order: Vec<String> = bench.world.writes_to(Kind::Lease).iter().take(3).map(|w| w.object.name.to_string()).collect();
    assert_eq!(order, ["timonel-deployment-api", "timonel-deployment-web", "timonel-deployment-worker"]);
}

#[test]
fn in_parallel_all_are_written_before_any_is_proven() {
    let (bench, _) = three();
    let told = bench.carry_out(plan(&bench, "restart", &[ALL[0], ALL[1], "order=parallel"]));
    told.assert(End::Proven, "");
    assert_eq!(
        began(&told),
        ["lock", "1/write", "2/write", "3/write", "1/prove-rollout", "2/prove-rollout", "3/prove-rollout", "1/prove-endpoints"]
    );
}

#[test]
fn in_parallel_a_failure_is_known_before_a_slower_proof_ends_and_all_are_taken_back() {
    let (bench, objects) = three();
    // The third finds no image; the first and second have pods that take their time.
    bench.world.with(|s| (s.limit, s.limited) = (Limit::Image(3), "worker"));
    let counts = ["replicas=5", "with=deployment/web=4", "with=deployment/worker=6", "order=parallel"];
    let told = bench.carry_out(plan(&bench, "scale", &counts));
    told.assert(End::Failed, "worker: ");
    assert!(told.outcome.undone && told.outcome.debts.is_empty(), "{:?}", told.outcome);
    assert_eq!([0, 1, 2].map(|at| count(&bench, &objects[at])), [3, 3, 3]);
}

#[test]
fn stages_on_the_way_down_stay_stages_in_parallel() {
    let (bench, _) = three();
    let plan = plan(&bench, "scale", &["replicas=0", "with=deployment/web=1", "order=parallel"]);
    let ids: Vec<String> = plan.steps().iter().map(|s| s.id.to_string()).collect();
    assert_eq!(
        ids,
        [
            "lock",
            "1/write-1",
            "2/write-1",
            "1/prove-ready-1",
            "1/prove-endpoints-1",
            "2/prove-ready-1",
            "1/write-2",
            "2/write",
            "1/prove-ready-2",
            "1/prove-endpoints-2",
            "2/prove-ready",
            "1/write",
            "1/prove-ready",
            "1/prove-endpoints"
        ]
    );
}

#[test]
fn the_second_failure_leaves_the_third_untouched_and_says_so() {
    let (bench, [api, web, worker]) = three();
    bench.world.with(|s| (s.limit, s.limited) = (Limit::Image(0), "web"));
    let told = bench.carry_out(plan(&bench, "restart", &ALL));
    told.assert(End::FailedWithDebts, "web: ");
    assert!(told.outcome.reason.ends_with("; not begun: worker"), "{:?}", told.outcome);
    assert!(mark(&bench, &api).is_string() && mark(&bench, &web).is_string() && mark(&bench, &worker).is_null());
    // The first is done and proven: nothing of it is to be paid.
    let debts: Vec<&str> = told.outcome.debts.iter().map(|d| d.object.as_str()).collect();
    assert_eq!(debts, ["Deployment shop/web"]);
    assert!(told.outcome.debts[0].pay.contains("rollout status deployment/web"), "{:?}", told.outcome.debts);
}

#[test]
fn scales_that_cannot_all_be_proven_are_taken_back_in_reverse() {
    let (bench, [api, web, worker]) = three();
    bench.world.with(|s| (s.limit, s.limited) = (Limit::Quota(4), "web"));
    let plan = plan(&bench, "scale", &["replicas=4", "with=deployment/web=6", "with=deployment/worker=5"]);
    assert_eq!(plan.confirmation().text.as_deref(), Some("production"));
    let told = bench.carry_out(plan);
    told.assert(End::Failed, "web: ");
    assert!(told.outcome.undone && told.outcome.debts.is_empty(), "{:?}", told.outcome);
    assert!(told.outcome.reason.ends_with("; not begun: worker"), "{:?}", told.outcome);
    assert_eq!([&api, &web, &worker].map(|o| count(&bench, o)), [3, 3, 3]);
    let began = began(&told);
    let at = |id: &str| began.iter().position(|b| b == id).unwrap_or_else(|| panic!("no {id}: {began:?}"));
    assert!(at("2/undo-write") < at("2/prove-ready-again") && at("2/prove-ready-again") < at("1/undo-write"), "{began:?}");
    assert!(!began.iter().any(|id| id.starts_with("3/")), "{began:?}");
}

#[test]
fn what_is_left_as_it_is_is_a_debt_of_each_object_that_was_changed() {
    let (mut bench, [api, web, _]) = three();
    bench.world.with(|s| (s.limit, s.limited) = (Limit::Quota(4), "web"));
    bench.control = std::sync::Arc::new(crate::run::Control::new(true));
    let control = bench.control.clone();
    bench.world.after(std::time::Duration::from_mins(1), move |_| control.answer(Way::Leave));
    let told = bench.carry_out(plan(&bench, "scale", &["replicas=4", "with=deployment/web=6", "with=deployment/worker=5"]));
    told.assert(End::FailedWithDebts, "not begun: worker");
    let debts: Vec<(&str, &str)> = told.outcome.debts.iter().map(|d| (d.id.as_str(), d.object.as_str())).collect();
    assert_eq!(debts, [("1/write", "Deployment shop/api"), ("2/write", "Deployment shop/web")]);
    assert!(told.outcome.debts[0].what.contains("carried out and proven, and not taken back"), "{:?}", told.outcome.debts);
    assert!(told.outcome.debts[0].pay.contains("scale deployment/api --replicas=3"), "{:?}", told.outcome.debts);
    assert_eq!((count(&bench, &api), count(&bench, &web)), (4, 6));
}

#[test]
fn what_a_later_object_rests_on_is_looked_at_again_before_its_own_write() {
    let (bench, [api, _, worker]) = three();
    let plan = plan(&bench, "scale", &["replicas=4", "with=deployment/web=4", "with=deployment/worker=4"]);
    let other = worker.clone();
    bench.world.after(std::time::Duration::from_secs(1), move |s| {
        let mut value = s.objects[&other].clone();
        value["spec"]["replicas"] = 2.into();
        s.put(&other, value);
    });
    let told = bench.carry_out(plan);
    told.assert(End::Failed, "worker: the plan is stale: Deployment shop/worker: spec.replicas was 3, is 2");
    assert!(told.outcome.undone && told.outcome.debts.is_empty(), "{:?}", told.outcome);
    assert_eq!((count(&bench, &api), count(&bench, &worker)), (3, 2));
}

#[test]
fn a_plan_whose_object_moved_before_the_run_writes_nothing_at_all() {
    let (bench, [api, _, worker]) = three();
    let plan = plan(&bench, "restart", &ALL);
    bench.world.with(|s| {
        let mut value = s.objects[&worker].clone();
        value["spec"]["paused"] = true.into();
        s.put(&worker, value);
    });
    bench.carry_out(plan).assert(End::Refused, "Deployment shop/worker");
    assert!(mark(&bench, &api).is_null());
}

#[test]
fn checks_name_their_object_and_one_that_blocks_blocks_all() {
    let (bench, [_, web, _]) = three();
    bench.world.with(|s| {
        let mut value = s.objects[&web].clone();
        value["spec"]["paused"] = true.into();
        s.put(&web, value);
    });
    let blocked = plan(&bench, "restart", &ALL);
    assert_eq!(blocked.blocked_by(), ["paused:web"]);
    let check = |id: &str| blocked.checks().iter().find(|c| c.id == id).unwrap_or_else(|| panic!("no {id}"));
    assert!(check("paused:web").detail.starts_with("web: "));
    assert_eq!(check("paused:api").result, Answer::Ok);
    // What is the same of all is said once.
    assert_eq!(blocked.checks().iter().filter(|c| c.id.starts_with("read-only")).count(), 1);
    let overridden = blocked.overriding("paused:web", "it is ours").expect("overridable");
    assert!(overridden.allowed());
    assert_eq!(overridden.confirmation().text.as_deref(), Some("restart 3 api web worker"));
}

#[test]
fn the_level_follows_from_what_all_lose_together() {
    let (bench, _) = three();
    // Two of nine are no half; five of nine are one.
    let some = plan(&bench, "scale", &["replicas=2", "with=deployment/web=2"]);
    assert_eq!(some.confirmation().text.as_deref(), Some("production"), "{:?}", some.raises());
    let many = plan(&bench, "scale", &["replicas=0", "with=deployment/web=1"]);
    assert_eq!(many.confirmation().text.as_deref(), Some("scale 2 api 3->0 web 3->1"));
    assert!(many.raises().iter().any(|r| r.why == "capacity falls from 6 to 1"), "{:?}", many.raises());
    // Pods that come back count only while they are gone at the same time.
    for object in [deployment(), ObjectRef::new(Kind::Deployment, "shop", "web"), ObjectRef::new(Kind::Deployment, "shop", "worker")] {
        bench.world.with(|s| {
            let mut value = s.objects[&object].clone();
            value["spec"]["strategy"] = serde_json::json!({ "type": "Recreate" });
            s.put(&object, value);
        });
    }
    assert_eq!(plan(&bench, "restart", &ALL).confirmation().text.as_deref(), Some("production"));
    let together = plan(&bench, "restart", &[ALL[0], ALL[1], "order=parallel"]);
    assert_eq!(together.confirmation().text.as_deref(), Some("restart 3 api web worker"));
}

#[test]
fn the_hash_is_the_same_for_two_who_ask_alike_and_another_for_another_order() {
    let (bench, _) = three();
    let hash = |parameters: &[&str]| plan(&bench, "restart", parameters).hash().to_owned();
    assert_eq!(hash(&ALL), hash(&ALL));
    assert_ne!(hash(&ALL), hash(&[ALL[1], ALL[0]]));
    assert_ne!(hash(&ALL), hash(&[ALL[0], ALL[1], "order=parallel"]));
    assert_ne!(hash(&ALL), hash(&[ALL[0]]));
}

#[test]
fn nonsense_about_several_is_refused_in_words() {
    let (bench, _) = three();
    for (action, parameters, says) in [
        ("restart", vec!["order=parallel"], "an order needs several objects"),
        ("restart", vec![ALL[0], "order=sideways"], "one-by-one or parallel"),
        ("restart", vec!["with=worker"], "not KIND/NAME"),
        ("restart", vec!["with=deployment/api"], "named twice"),
        ("restart", vec!["with=cronjob/nightly"], "cannot be restarted"),
        ("restart", vec!["with=deployment/web=3"], "no parameter of restart"),
        ("rollback", vec!["to=1", "with=deployment/web"], "one object at a time"),
        ("scale", vec!["replicas=4", "with=deployment/web"], "how many replicas is not said"),
    ] {
        match try_plan(&bench, action, &parameters) {
            Err(PlanError::Usage(text)) => assert!(text.contains(says), "{action} {parameters:?}: {text}"),
            other => unreachable!("{action} {parameters:?} is refused: {other:?}"),
        }
    }
    assert!(matches!(try_plan(&bench, "restart", &["with=deployment/gone"]), Err(PlanError::Missing(_))));
    let names: Vec<String> = (0..20).map(|n| format!("with=deployment/d{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(matches!(try_plan(&bench, "restart", &names), Err(PlanError::Usage(text)) if text.contains("more than 20")));
}

#[test]
fn undoing_asks_for_all_of_them_the_last_first() {
    let (bench, _) = three();
    let plan = plan(&bench, "scale", &["replicas=4", "with=deployment/web=6"]);
    let undo = plan.undoing().expect("a way back");
    assert_eq!(
        (undo.object.name.as_ref(), &undo.parameters[..]),
        ("web", &["replicas=3".to_owned(), "with=deployment/api=3".to_owned()][..])
    );
}

#[test]
fn a_refused_write_of_the_second_stops_there_and_takes_the_first_back() {
    let (bench, [api, web, worker]) = three();
    let plan = plan(&bench, "scale", &["replicas=4", "with=deployment/web=4", "with=deployment/worker=4"]);
    bench.world.after(std::time::Duration::from_secs(1), |s| {
        s.faults.push_back((Kind::Deployment, Fault::Refuse(ErrorKind::Denied)));
    });
    bench.carry_out(plan).assert(End::Failed, "web: the server refused the write");
    assert_eq!([&api, &web, &worker].map(|o| count(&bench, o)), [3, 3, 3]);
    let ends = bench.journal.lines.lock().expect("one thread").iter().filter(|d| d.kind == EntryKind::End).count();
    assert_eq!(ends, 1);
}
