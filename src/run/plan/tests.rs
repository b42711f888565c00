//! The plan value: its JSON, its hash, its age, and what confirms it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{Operator, Plan};
use crate::base::environment::EnvironmentKind;
use crate::run::scale::{self, PlanContext, ScaleRequest};
use crate::run::world::{State, World, deployment};
use crate::run::{Environment, Refusal};

fn context(kind: EnvironmentKind) -> PlanContext {
    let mut context = PlanContext::new("eterna-prod", Environment::of_kind(kind), Operator::default());
    context.random = 0x7f3a;
    context
}

fn plan_in(world: &World, kind: EnvironmentKind, replicas: u32) -> Plan {
    world
        .run(scale::plan(world, world, &context(kind), &ScaleRequest::new(deployment(), replicas)))
        .expect("a plan")
}

fn plan(replicas: u32) -> Plan {
    plan_in(&World::new(), EnvironmentKind::Production, replicas)
}

fn later(plan: &Plan, seconds: i64) -> Timestamp {
    plan.made_at().checked_add(jiff::SignedDuration::from_secs(seconds)).expect("in range")
}

#[test]
fn the_json_is_that_of_the_command_line() {
    let mut value = serde_json::to_value(plan(5)).expect("JSON");
    let keys: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(
        keys,
        [
            "schema",
            "id",
            "action",
            "expires_at",
            "hash",
            "target",
            "objects",
            "steps",
            "checks",
            "risks",
            "undo",
            "same_as",
            "confirmation",
            "allowed",
            "blocked_by"
        ]
    );
    let checks = value["checks"].take();
    assert_eq!(
        checks[0],
        json!({ "id": "rbac:patch deployments/scale", "required": true, "overridable": false, "result": "ok", "detail": "you may patch deployments/scale", "fix": null })
    );
    assert!(value["hash"].as_str().expect("a hash").starts_with("sha256:"));
    value["hash"].take();
    let resource_version = value["objects"][0]["resource_version"].take();
    assert!(resource_version.is_string());
    assert_eq!(
        value,
        json!({
            "schema": "timonel.plan/1", "id": "20261122-145052-scale-7f3a", "action": "scale", "expires_at": "2026-11-22T14:52:22Z", "hash": null,
            "target": { "kind": "kubernetes", "context": "eterna-prod", "cluster_uid": "cluster-1", "namespaces": ["shop"], "server_version": "v1.36.3" },
            "objects": [{ "kind": "Deployment", "namespace": "shop", "name": "api", "uid": "u-api", "generation": 1, "resource_version": null,
                "changes": [{ "field": "spec.replicas", "before": 3, "after": 5 }] }],
            "steps": [
                { "id": "lock", "title": "lock lease timonel-deployment-api", "proof": "the lease names this run" },
                { "id": "write", "title": "write replicas 5", "proof": "the object says so" },
                { "id": "prove-ready", "title": "prove 5 pods ready", "proof": "5 pods ready within 300 s" },
                { "id": "prove-endpoints", "title": "prove 5 endpoints", "proof": "5 of its pods are ready endpoints of api" },
            ],
            "checks": null, "risks": [], "undo": "scale back to 3",
            "same_as": ["kubectl --context eterna-prod -n shop scale deployment/api --replicas=5"],
            "confirmation": { "level": "env", "type": "production" }, "allowed": true, "blocked_by": [],
        })
    );
}

#[test]
fn the_hash_is_of_what_is_asked_and_written_and_of_nothing_else() {
    type Change = fn(&mut State);
    let hash = |change: Change| {
        let world = World::new();
        world.with(change);
        plan_in(&world, EnvironmentKind::Production, 5).hash().to_owned()
    };
    let same = hash(|_| ());
    let annotate: Change = |s| {
        let mut value = s.objects[&deployment()].clone();
        value["metadata"]["annotations"]["x"] = "y".into();
        s.put(&deployment(), value);
    };
    let later: Change = |s| s.now += Duration::from_secs(3);
    let no_notes: Change = |s| assert!(s.denied.insert("create events".into()));
    for (what, change) in [("resourceVersion", annotate), ("time", later), ("an advisory check", no_notes)] {
        assert_eq!(hash(change), same, "{what} does not enter");
    }
    assert_ne!(hash(State::recreate), same, "the object's UID does");
    assert_ne!(plan(4).hash(), same, "the target value does");
    assert_ne!(plan_in(&World::new(), EnvironmentKind::Development, 5).hash(), same, "the level does");
    let world = World::new();
    let other = PlanContext { context: "elsewhere".into(), random: 1, ..context(EnvironmentKind::Production) };
    let named = world.run(scale::plan(&world, &world, &other, &ScaleRequest::new(deployment(), 5))).expect("a plan");
    assert_eq!(named.hash(), same, "the context's name and the id do not");
}

#[test]
fn only_the_very_text_confirms_and_only_while_the_plan_is_fresh() {
    for (typed, after, expected) in [
        ("production", 0, None),
        ("  production\n", 89, None),
        ("", 0, Some(Refusal::NothingTyped("production".into()))),
        ("\n", 0, Some(Refusal::NothingTyped("production".into()))),
        ("Production", 0, Some(Refusal::WrongText("production".into()))),
        ("y", 0, Some(Refusal::WrongText("production".into()))),
        ("production", 90, Some(Refusal::Expired)),
        ("production", -1, Some(Refusal::Expired)),
    ] {
        let plan = plan(5);
        let now = later(&plan, after);
        assert_eq!(plan.confirm(typed, now).err(), expected, "{typed:?} after {after} s");
    }
    let plan = plan(5);
    assert!(plan.clone().expect_hash("sha256:other").is_err());
    let hash = plan.hash().to_owned();
    assert!(plan.expect_hash(&hash).is_ok());
}

#[test]
fn losing_half_of_the_capacity_asks_for_the_phrase_and_less_does_not() {
    for (replicas, text) in [(5, "production"), (2, "production"), (1, "scale api 3->1"), (0, "scale api 3->0")] {
        assert_eq!(plan(replicas).confirmation().text.as_deref(), Some(text), "{replicas}");
    }
    let dev = |replicas| plan_in(&World::new(), EnvironmentKind::Development, replicas).confirmation().text.clone();
    assert_eq!((dev(5), dev(0)), (Some("y".into()), Some("scale api 3->0".into())), "nowhere less");
}

#[test]
fn what_a_watch_delivers_can_make_the_plan_stale() {
    use std::sync::Arc;

    use crate::target::model::{Hpa, Meta, Object};
    let world = World::new();
    let hpa = json!({ "metadata": { "uid": "h1" }, "spec": { "minReplicas": 5, "maxReplicas": 5, "scaleTargetRef": { "kind": "Deployment", "name": "api" } },
        "status": { "desiredReplicas": 5 } });
    let object = crate::target::model::ObjectRef::new(crate::target::model::Kind::HorizontalPodAutoscaler, "shop", "api");
    world.with(|s| s.put(&object, hpa));
    let plan = plan_in(&world, EnvironmentKind::Production, 5);
    let seen = |uid: &str, name: &str, min: i32| {
        let meta = Meta {
            name: name.into(),
            namespace: "shop".into(),
            uid: uid.into(),
            resource_version: 1,
            created: 0,
            deleted: None,
            generation: 0,
            labels: Arc::from([]),
            annotations: Arc::from([]),
            owner: None,
        };
        Object::Hpa(Arc::new(Hpa {
            meta,
            target_kind: "Deployment".into(),
            target_name: "api".into(),
            min,
            max: 5,
            current: 5,
            desired: 5,
            conditions: [].into(),
            up_disabled: false,
            down_disabled: false,
        }))
    };
    assert_eq!(plan.moved_by(&seen("h1", "api", 5)), None);
    assert_eq!(plan.moved_by(&seen("h1", "api", 2)).as_deref(), Some("HorizontalPodAutoscaler shop/api: spec.minReplicas was 5, is 2"));
    assert_eq!(plan.moved_by(&seen("h2", "api", 5)).as_deref(), Some("HorizontalPodAutoscaler shop/api was deleted and made again"));
    assert_eq!(plan.moved_by(&seen("h9", "other", 1)), None, "not of this plan");
}

#[test]
fn the_lines_tell_the_plan_in_the_order_of_the_panel() {
    let world = World::new();
    world.with(|s| s.denied.insert("create events".into()));
    let plan = plan_in(&world, EnvironmentKind::Production, 0);
    let lines = plan.lines(later(&plan, 4));
    let text: Vec<String> = lines.iter().map(|l| format!("{:<11} {:?} {}", l.label, l.tone, l.text)).collect();
    insta::assert_snapshot!(text.join("\n"));
}
