//! Nothing passes the gate that the confirmed plan does not say. That nothing else grants the right to write is held by
//! `tests/architecture`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Gate;
use crate::base::clock::Clock;
use crate::base::environment::EnvironmentKind;
use crate::run::record;
use crate::run::scale::{self, PlanContext, ScaleRequest};
use crate::run::world::{World, deployment};
use crate::run::{Environment, Operator};
use crate::target::api::{Change, WriteRequest};
use crate::target::model::{Kind, ObjectRef};

fn gate(world: &World) -> Gate {
    let context = PlanContext::new("dev", Environment::of_kind(EnvironmentKind::Development), Operator::default());
    let plan = world.run(scale::plan(world, world, &context, &ScaleRequest::new(deployment(), 5))).expect("a plan");
    let confirmed = plan.confirm("y", world.now()).expect("confirmed");
    Gate::open(confirmed, Arc::new(world.clone())).1
}

fn patch(object: &ObjectRef, subresource: &'static str, body: Value) -> WriteRequest {
    WriteRequest { object: object.clone(), subresource, change: Change::MergePatch(body) }
}

#[test]
fn only_what_the_plan_says_passes_the_gate() {
    let world = World::new();
    let gate = gate(&world);
    let (api, other) = (deployment(), ObjectRef::new(Kind::Deployment, "shop", "web"));
    let lease = ObjectRef::new(Kind::Lease, "shop", "timonel-deployment-api");
    let meta = json!({ "uid": "u-api", "resourceVersion": "7" });
    let note = |annotations: Value| json!({ "metadata": { "uid": "u-api", "annotations": annotations } });
    for (request, allowed) in [
        (patch(&api, "scale", json!({ "spec": { "replicas": 5 }, "metadata": meta })), true),
        (patch(&api, "scale", json!({ "spec": { "replicas": 3 }, "metadata": meta })), true),
        (patch(&api, "scale", json!({ "spec": { "replicas": 6 }, "metadata": meta })), false),
        (patch(&api, "", json!({ "spec": { "replicas": 5 }, "metadata": meta })), false),
        (patch(&other, "scale", json!({ "spec": { "replicas": 5 }, "metadata": meta })), false),
        (patch(&api, "scale", json!({ "spec": { "replicas": 5 } })), false),
        (
            patch(&api, "scale", json!({ "spec": { "replicas": 5 }, "metadata": { "uid": "u-other", "resourceVersion": "7" } })),
            false,
        ),
        (patch(&api, "", note(json!({ "timonel.io/last-run": "x" }))), true),
        (patch(&api, "", note(json!({ "timonel.io/last-run": "x", "team": "y" }))), false),
        (patch(&api, "", json!({ "metadata": { "uid": "u-api", "annotations": {} }, "spec": { "paused": true } })), false),
        (patch(&lease, "", json!({})), true),
        (patch(&ObjectRef::new(Kind::Lease, "shop", "timonel-deployment-web"), "", json!({})), false),
        (WriteRequest { object: api.clone(), subresource: "", change: Change::Delete(json!({})) }, false),
        (
            WriteRequest {
                object: ObjectRef::new(Kind::Event, "shop", "e"),
                subresource: "",
                change: Change::Create(json!({ "regarding": { "uid": "u-api" } })),
            },
            true,
        ),
        (
            WriteRequest {
                object: ObjectRef::new(Kind::Event, "shop", "e"),
                subresource: "",
                change: Change::Create(json!({ "regarding": { "uid": "u-x" } })),
            },
            false,
        ),
    ] {
        assert_eq!(gate.allows(&request), allowed, "{request:?}");
    }
    let refused = world.run(gate.send(patch(&other, "", json!({}))));
    assert!(refused.is_err() && world.with(|s| s.sent.is_empty()), "what is refused is not sent");
}

#[test]
fn of_a_job_of_its_own_a_run_may_set_the_end_and_nothing_else() {
    let world = World::new();
    let plan = record::tests::plans(&world).into_iter().find(|plan| plan.action() == "backup").expect("a backup");
    let job = plan.own_jobs().next().expect("a Job").clone();
    let typed = plan.confirmation().text.clone().unwrap_or_default();
    let gate = Gate::open(plan.confirm(&typed, world.now()).expect("confirmed"), Arc::new(world.clone())).1;
    let end = |seconds: u64| json!({ "spec": { "ttlSecondsAfterFinished": seconds } });
    assert!(gate.allows(&patch(&job, "", end(3600))));
    assert!(!gate.allows(&patch(&job, "", end(0))), "not at once");
    assert!(!gate.allows(&patch(&ObjectRef::new(Kind::Job, "shop", "other"), "", end(3600))), "not of another");
}
