//! Whole runs of the actions besides scale.

use serde_json::{Value, json};

use super::{Bench, Told};
use crate::run::actions::{self, ActionRequest};
use crate::run::record::tests::plans;
use crate::run::rollback::template_digest;
use crate::run::world::{Limit, World, deployment, revisions};
use crate::run::{Answer, End, Plan, PlanError};
use crate::target::api::Change;
use crate::target::model::{Kind, ObjectRef};

pub(super) fn try_plan(bench: &Bench, action: &'static str, parameters: &[&str]) -> Result<Plan, PlanError> {
    let parameters = parameters.iter().map(|p| (*p).to_owned()).collect();
    let request = ActionRequest { action: action.into(), object: deployment(), parameters, overrides: Vec::new(), reason: None };
    bench.world.run(actions::plan(&bench.world, &bench.world, &bench.context, &request))
}

pub(super) fn plan(bench: &Bench, action: &'static str, parameters: &[&str]) -> Plan {
    try_plan(bench, action, parameters).expect("a plan")
}

fn run(bench: &Bench, action: &'static str, parameters: &[&str]) -> Told {
    bench.carry_out(plan(bench, action, parameters))
}

fn set(bench: &Bench, pointer: &str, value: Value) {
    bench.world.with(|s| {
        let mut object = s.objects[&deployment()].clone();
        let (parent, key) = pointer.rsplit_once('/').expect("a parent");
        object.pointer_mut(parent).expect("there")[key] = value;
        s.put(&deployment(), object);
    });
}

#[test]
fn a_restart_is_kubectls_and_proven_by_pods_that_bear_its_mark() {
    let bench = Bench::new();
    let told = run(&bench, "restart", &[]);
    told.assert(End::Proven, "");
    let mark = bench.world.object(&deployment())["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].clone();
    assert!(mark.as_str().is_some_and(|m| m.ends_with('Z')), "{mark}");
    assert_eq!(bench.replicas(), 3);
}

#[test]
fn pods_of_a_rollout_count_when_they_stay_ready() {
    let bench = Bench::new();
    let told = run(&bench, "restart", &[]);
    told.assert(End::Proven, "");
    assert!(told.proof_seconds("prove-rollout") >= 5.0, "one without a readiness probe is ready for a moment before it crashes");
}

#[test]
fn two_operators_who_restart_have_the_same_hash_whenever_they_ask() {
    let bench = Bench::new();
    let first = plan(&bench, "restart", &[]).hash().to_owned();
    bench.world.with(|s| s.now += std::time::Duration::from_secs(7));
    assert_eq!(plan(&bench, "restart", &[]).hash(), first);
}

#[test]
fn a_restart_is_refused_when_paused_and_below_its_floor_and_cannot_be_undone() {
    let mut bench = Bench::new();
    bench.context.min_ready.insert("api".into(), 3);
    set(&bench, "/spec/strategy", json!({ "type": "Recreate" }));
    set(&bench, "/spec/paused", json!(true));
    let refused = plan(&bench, "restart", &[]);
    assert_eq!(refused.blocked_by(), ["paused", "min-ready"]);
    assert!(refused.undoing().is_err());
}

#[test]
fn a_restart_whose_pods_cannot_start_has_no_way_back_and_says_what_is_left() {
    let bench = Bench::new();
    let plan = plan(&bench, "restart", &[]);
    bench.world.with(|s| s.limit = Limit::Image(0));
    let told = bench.carry_out(plan);
    told.assert(End::FailedWithDebts, "ImagePullBackOff");
    assert!(told.outcome.debts[0].pay.contains("rollout status"), "{:?}", told.outcome.debts);
}

#[test]
fn a_rollback_replaces_the_template_and_keeps_other_annotations() {
    let bench = Bench::new();
    revisions(&bench.world, &[0, 3, 0]);
    let told = run(&bench, "rollback", &[]);
    told.assert(End::Proven, "");
    let now = bench.world.object(&deployment());
    assert_eq!(now["spec"]["template"]["spec"]["containers"][0]["image"], "api:2");
    assert_eq!(now["spec"]["template"]["metadata"]["labels"].get("pod-template-hash"), None);
    assert_eq!(
        (&now["metadata"]["annotations"]["team"], &now["metadata"]["annotations"]["kubernetes.io/change-cause"]),
        (&json!("shop"), &json!("back to revision 2"))
    );
    let sent = bench.world.writes_to(Kind::Deployment);
    assert!(matches!(&sent[0].change, Change::JsonPatch(_)), "{:?}", sent[0]);
}

#[test]
fn the_default_is_never_blindly_the_one_before() {
    let bench = Bench::new();
    revisions(&bench.world, &[3, 0, 0]);
    let found = plan(&bench, "rollback", &[]);
    assert_eq!(found.quantity(), "3->1");
    assert_eq!(found.undoing().map(|u| u.parameters), Ok(vec!["to=3".to_owned()]));
    revisions(&bench.world, &[0, 0, 0]);
    let Err(PlanError::Usage(text)) = try_plan(&bench, "rollback", &[]) else { unreachable!("none is known to be good") };
    assert!(text.contains("to=REVISION") && text.contains("2 (api:2), 1 (api:1)"), "{text}");
    let named = plan(&bench, "rollback", &["to=2"]);
    assert!(named.checks().iter().any(|c| c.id == "was-ready" && c.result == Answer::Unknown));
}

#[test]
fn an_image_that_a_pod_runs_now_need_not_be_asked_of_the_nodes() {
    let bench = Bench::new();
    revisions(&bench.world, &[0, 3, 0]);
    let image = |bench: &Bench| plan(bench, "rollback", &[]).checks().iter().find(|c| c.id == "image").map(|c| (c.result, c.detail.clone()));
    assert_eq!(image(&bench).map(|(result, _)| result), Some(Answer::Unknown));
    let pod = json!({ "metadata": { "uid": "p-2", "labels": { "app": "api", "pod-template-hash": "api:2" } },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } });
    bench.world.with(|s| s.put(&ObjectRef::new(Kind::Pod, "shop", "api-2-x"), pod));
    assert_eq!(image(&bench), Some((Answer::Ok, "pods of revision 2 run them now".to_owned())));
}

#[test]
fn an_object_whose_status_moves_while_the_plan_is_made_is_tried_again_and_not_for_ever() {
    for (conflicts, blocked) in [(3, vec![]), (9, vec!["dry-run".to_owned()])] {
        let bench = Bench::new();
        revisions(&bench.world, &[0, 3, 0]);
        bench.world.with(|s| s.dry_conflicts = conflicts);
        assert_eq!(plan(&bench, "rollback", &[]).blocked_by(), blocked, "{conflicts} conflicts");
    }
}

#[test]
fn an_identical_template_and_an_unknown_revision_are_said() {
    let bench = Bench::new();
    revisions(&bench.world, &[0, 3]);
    assert_eq!(plan(&bench, "rollback", &["to=2"]).blocked_by(), ["template"]);
    let Err(PlanError::Usage(text)) = try_plan(&bench, "rollback", &["to=7"]) else { unreachable!("there is none") };
    assert!(text.contains("no revision 7"), "{text}");
}

#[test]
fn a_rollback_to_an_image_that_is_gone_ends_before_its_deadline_and_is_undone() {
    let bench = Bench::new();
    revisions(&bench.world, &[3, 0]);
    let plan = plan(&bench, "rollback", &[]);
    bench.world.with(|s| s.limit = Limit::Image(0));
    bench.world.after(std::time::Duration::from_secs(40), |s| s.limit = Limit::None);
    let told = bench.carry_out(plan);
    told.assert(End::Failed, "ImagePullBackOff");
    assert!(told.outcome.undone, "{:?}", told.outcome);
    assert_eq!(bench.world.object(&deployment())["spec"]["template"]["spec"]["containers"][0]["image"], "api:2");
}

#[test]
fn a_target_that_was_changed_since_makes_the_plan_stale() {
    let bench = Bench::new();
    revisions(&bench.world, &[3, 0]);
    let plan = plan(&bench, "rollback", &[]);
    revisions(&bench.world, &[3, 0, 0]);
    bench.carry_out(plan).assert(End::Refused, "the plan is stale");
    assert!(bench.world.writes_to(Kind::Deployment).is_empty());
}

#[test]
fn no_secret_of_either_template_is_in_the_plan() {
    let bench = Bench::new();
    revisions(&bench.world, &[3, 0]);
    let found = plan(&bench, "rollback", &[]);
    let shown = serde_json::to_string(&found).expect("JSON");
    assert!(!shown.contains("hunter2") && shown.contains("api:1"), "{shown}");
}

#[test]
fn a_pause_stays_behind_as_a_debt_and_a_resume_takes_it_back() {
    let bench = Bench::new();
    let told = run(&bench, "pause", &[]);
    told.assert(End::Proven, "");
    assert!(told.outcome.debts[0].pay.contains("rollout resume"), "{:?}", told.outcome.debts);
    assert_eq!(bench.world.object(&deployment())["spec"]["paused"], true);
    run(&bench, "resume", &[]).assert(End::Proven, "");
    assert_eq!(bench.world.object(&deployment())["spec"]["paused"], false);
}

#[test]
fn a_revision_that_our_own_journal_once_proved_ready_is_the_default_where_the_cluster_tells_of_none() {
    let mut bench = Bench::new();
    revisions(&bench.world, &[0, 0, 0]);
    assert!(try_plan(&bench, "rollback", &[]).is_err_and(|e| e.to_string().contains("no older revision is known")));
    let first = bench.world.object(&ObjectRef::new(Kind::ReplicaSet, "shop", "api-1"))["spec"]["template"].clone();
    bench.context.proven.insert(template_digest(&first));
    let found = plan(&bench, "rollback", &[]);
    assert_eq!(found.quantity(), "3->1");
    assert!(found.checks().iter().any(|c| c.id == "was-ready" && c.result == Answer::Ok));
}

#[test]
fn every_action_proves_the_probes_of_its_service() {
    for plan in plans(&World::new()) {
        if ["backup", "verify", "inspect"].contains(&plan.action()) {
            // It changes nothing of the service.
            continue;
        }
        // A pod that nobody replaces leaves nothing of the service to ask.
        let replaced = plan.action() != "evict" || plan.steps().iter().any(|s| s.id == "prove-replacement");
        let probes = plan.steps().iter().any(|s| s.id == "prove-probes");
        assert_eq!(probes, replaced, "{} {}: {:?}", plan.action(), plan.subject(), plan.steps());
    }
}
