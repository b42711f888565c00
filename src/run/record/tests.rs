//! What is recorded of a plan gives the same plan again, and no secret.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Kept, RecordError, of};
use crate::base::environment::EnvironmentKind;
use crate::run::actions::{self, ACTIONS, ActionRequest};
use crate::run::backup::{self, Dump, Host, Password, catalogue};
use crate::run::context::PlanContext;
use crate::run::facts::WorkloadFacts;
use crate::run::migrate::{self, Mode, known_releases, releases};
use crate::run::program::{self, Does, Program, ProgramStep, SetImage};
use crate::run::resume::commands;
use crate::run::world::{World, deployment, revisions};
use crate::run::{Environment, JobCommand, Operator, Plan, cronjob, rollback};
use crate::target::model::{Kind, ObjectRef};

/// A plan of each action there is, with the parameters that make it write as much as it can.
pub(in crate::run) fn plans(world: &World) -> Vec<Plan> {
    revisions(world, &[0, 3, 0]);
    let hpa = json!({ "metadata": { "uid": "h1" }, "spec": { "minReplicas": 3, "maxReplicas": 10,
        "scaleTargetRef": { "kind": "Deployment", "name": "api" } }, "status": { "desiredReplicas": 3 } });
    world.with(|s| s.put(&ObjectRef::new(Kind::HorizontalPodAutoscaler, "shop", "api"), hpa));
    let context = context();
    others(world);
    let of = |kind: Kind| match kind {
        Kind::CronJob => nightly(),
        Kind::Pod => ObjectRef::new(Kind::Pod, "shop", "db-0"),
        Kind::Node => ObjectRef::new(Kind::Node, "", "n1"),
        Kind::PersistentVolumeClaim => ObjectRef::new(Kind::PersistentVolumeClaim, "shop", "backups"),
        Kind::HorizontalPodAutoscaler => ObjectRef::new(Kind::HorizontalPodAutoscaler, "shop", "rests"),
        _ => deployment(),
    };
    let parameters = |name: &str| -> &[&[&str]] {
        match name {
            "scale" => &[&["replicas=5", "hpa=raise"], &["replicas=4", "hpa=pause:30m", "revert-after=10m"], &["replicas=2", "hpa=lower"]],
            "rollback" => &[&["to=2"]],
            "backup" => &[&["backup=daily"]],
            "verify" => &[&["dump=r1"]],
            "inspect" | "migrate" => &[&["image=shop:2"]],
            "downgrade" => &[&["image=shop:2", "to=shop:1"]],
            "restart" | "pause" | "resume" | "keep" | "resume-hpa" | "trigger" | "suspend" | "evict" | "cordon" | "uncordon" => &[&[]],
            other => unreachable!("'{other}' has no plan here: its words could not be read again from the journal"),
        }
    };
    let mut plans = Vec::new();
    for spec in ACTIONS {
        let mut objects: Vec<ObjectRef> = spec.kinds.iter().map(|kind| of(*kind)).collect();
        objects.dedup();
        for (object, wanted) in objects.iter().flat_map(|o| parameters(spec.name).iter().map(move |p| (o, p))) {
            let parameters = wanted.iter().map(|p| (*p).to_owned()).collect();
            let request = ActionRequest {
                action: spec.name.into(),
                object: object.clone(),
                parameters,
                overrides: Vec::new(),
                reason: Some("a sale".into()),
            };
            plans.push(world.run(actions::plan(world, world, &context, &request)).expect("a plan"));
        }
    }
    plans
}

/// What such plans rest on.
fn context() -> PlanContext {
    let mut context = PlanContext::new("eterna-prod", Environment::of_kind(EnvironmentKind::Production), Operator::default());
    context.probes = vec!["health".into()];
    context.dumps = vec![dump()];
    context.service = Some("shop".into());
    context.migration = Some(migrate::asked_for(Mode::Inspect).migration);
    context
}

/// A plan of the steps that a service file's action may have besides.
fn release(world: &World) -> Plan {
    let act = |action: &'static str, object: ObjectRef, given: &[&str]| ActionRequest {
        action: action.into(),
        object,
        parameters: given.iter().map(|p| (*p).to_owned()).collect(),
        overrides: Vec::new(),
        reason: None,
    };
    let claim = ObjectRef::new(Kind::PersistentVolumeClaim, "shop", "backups");
    let image = SetImage { workload: deployment(), container: None, image: "shop:9".into(), cause: Some("a sale".into()), pinned: false };
    let command = JobCommand {
        workload: deployment(),
        container: None,
        image: None,
        argv: vec!["app".into(), "seed".into()],
        backoff: 1,
        again: false,
        deadline: Duration::ZERO,
    };
    let steps = vec![
        ProgramStep::of("copy", Does::Action(act("backup", claim, &["backup=daily", "label=before 9"]))),
        ProgramStep::of("plan", Does::Inspect(act("inspect", deployment(), &["image=shop:9"]), true)),
        ProgramStep::of("migrate", Does::Action(act("migrate", deployment(), &["image=shop:9"]))),
        ProgramStep::of("seed", Does::Job(command)),
        ProgramStep::of("roll", Does::Image(image)),
    ];
    let program = Program::of_steps("deploy", steps);
    let home = ObjectRef::new(Kind::Namespace, "", "shop");
    world.run(program::plan(world, world, &context(), &program, &home)).expect("a plan")
}

/// A backup of a server that is elsewhere.
pub(in crate::run) fn dump() -> Dump {
    Dump {
        service: "shop".into(),
        id: "daily".into(),
        claim: "backups".into(),
        image: "postgres:15".into(),
        host: Host::Named("db.example.com".into()),
        port: 5432,
        database: "shop".into(),
        user: "shop".into(),
        password: Some(Password::Key { namespace: "shop".into(), name: "db".into(), key: "password".into() }),
        max_age: None,
        keep: None,
        revision: None,
        upload: None,
        label: None,
        deadline: Duration::ZERO,
    }
}

fn nightly() -> ObjectRef {
    ObjectRef::new(Kind::CronJob, "shop", "nightly")
}

/// A CronJob, a pod, a claim and a node.
fn others(world: &World) {
    let container = json!({ "name": "c", "image": "backup:1", "env": [{ "name": "PASSWORD", "value": "hunter2" }] });
    let template = json!({ "metadata": { "labels": { "app": "nightly" } }, "spec": { "template": { "spec": { "containers": [container] } } } });
    let cron = json!({ "metadata": { "uid": "u-cron" }, "spec": { "concurrencyPolicy": "Forbid", "jobTemplate": template } });
    world.with(|s| {
        s.put(&nightly(), cron);
        s.put(&ObjectRef::new(Kind::Pod, "shop", "db-0"), json!({ "metadata": { "uid": "u-pod" } }));
        let timer = json!({ "metadata": { "uid": "u-timer", "annotations": { "timonel.io/expires-at": "2026-11-22T15:00:00Z" } },
            "spec": { "holderIdentity": "ana@bastion/20261122-143312-scale-0001" } });
        for kind in ["deployment-api", "cronjob-nightly"] {
            s.put(&ObjectRef::new(Kind::Lease, "shop", format!("timonel-timer-{kind}")), timer.clone());
        }
        let rests = json!({ "metadata": { "uid": "u-rests", "annotations": { "timonel.io/last-run": "20261122-143312-scale-0001 scale pause:30m,up:Max,down:Min a@b" } },
            "spec": { "behavior": { "scaleUp": { "selectPolicy": "Disabled" }, "scaleDown": { "selectPolicy": "Disabled" } },
                "scaleTargetRef": { "kind": "Deployment", "name": "other" } } });
        s.put(&ObjectRef::new(Kind::HorizontalPodAutoscaler, "shop", "rests"), rests);
        let claim = json!({ "metadata": { "uid": "u-claim" }, "spec": { "volumeName": "v1" }, "status": { "phase": "Bound" } });
        s.put(&ObjectRef::new(Kind::PersistentVolumeClaim, "shop", "backups"), claim);
        let entry = serde_json::to_string(&catalogue::testing::entry("r1", 0, 100)).expect("JSON");
        let known = json!({ "metadata": { "uid": "u-known", "resourceVersion": "3" }, "data": { "r1": entry } });
        s.put(&catalogue::of("shop", "shop"), known);
        s.put(&releases::of("shop", "shop"), known_releases());
        s.put(&ObjectRef::new(Kind::Node, "", "n1"), json!({ "metadata": { "uid": "u-n1" } }));
    });
}

/// What a resume finds in the cluster.
fn candidates(world: &World, plan: &Plan, kept: &Kept) -> Vec<Value> {
    if plan.subject().kind == Kind::CronJob {
        let raw = world.object(&nightly());
        let mut all: Vec<Value> = kept.pointers().iter().filter_map(|p| raw.pointer(p).cloned()).collect();
        all.extend(cronjob::values(&WorkloadFacts::new(&nightly(), raw), plan.id()));
        return all;
    }
    if plan.subject().kind == Kind::PersistentVolumeClaim && plan.inner.program.is_none() {
        let raw = world.object(plan.subject());
        let own = kept.pointers();
        return own.iter().filter_map(|p| raw.pointer(p).cloned()).chain(backup::values(plan)).collect();
    }
    let raw = world.object(&deployment());
    let mut all: Vec<Value> = kept.pointers().iter().filter_map(|p| raw.pointer(p).cloned()).collect();
    all.extend(world.run(rollback::templates(world, &WorkloadFacts::new(&deployment(), raw))).expect("readable"));
    let workload = WorkloadFacts::new(&deployment(), world.object(&deployment()));
    all.extend(migrate::values(&workload, plan));
    all.extend(commands(plan).map(|command| command.job(&workload, plan.id())));
    all.extend(backup::values(plan));
    let claim = world.object(&ObjectRef::new(Kind::PersistentVolumeClaim, "shop", "backups"));
    all.extend(claim.pointer("/spec/volumeName").cloned());
    let target = world.object(&ObjectRef::new(Kind::ReplicaSet, "shop", "api-2"));
    all.extend(target.pointer("/spec/template").cloned());
    all
}

/// Choices are offered by the panel alone.
fn without_choices(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.checks.iter_mut().for_each(|c| c.choices.clear());
    plan
}

#[test]
fn every_action_s_plan_is_read_again_as_it_was_and_its_record_has_no_secret() {
    let world = World::new();
    let all = plans(&world);
    for plan in all.into_iter().chain([release(&world)]) {
        let record = of(&plan);
        assert!(!record.to_string().contains("hunter2"), "{}", plan.action);
        // As a line of the journal: text, read by another process.
        let record: Value = serde_json::from_str(&record.to_string()).expect("JSON");
        let kept = Kept::read(&record).expect("a record");
        let again = kept.plan(candidates(&world, &plan, &kept)).expect("a plan");
        assert_eq!(again, without_choices(&plan), "{}", plan.action);
        assert_eq!(again.hash(), plan.hash());
    }
}

#[test]
fn what_is_not_found_again_is_not_written_and_has_no_way_back() {
    let world = World::new();
    let plan = plans(&world).into_iter().find(|p| p.action == "rollback").expect("a rollback");
    let kept = Kept::read(&of(&plan)).expect("a record");
    let outline = kept.plan([]).expect("a plan");
    assert!(outline.writes().all(|(_, w)| !super::whole(w)));
    assert!(outline.inner.undo_steps.is_empty());
    assert!(plan.writes().all(|(_, w)| super::whole(w)));
}

#[test]
fn an_edited_record_and_a_foreign_word_are_refused() {
    let world = World::new();
    let plan = plans(&world).remove(0);
    let mut record = of(&plan);
    assert_eq!(Kept::read(&json!({})).err(), Some(RecordError::Missing));
    record["draft"]["inner"]["subject"]["name"] = "db".into();
    assert_eq!(Kept::read(&record).err(), Some(RecordError::Changed));
    let mut record = of(&plan);
    record["draft"]["steps"][1]["work"]["Write"]["changes"][0]["pointer"] = "/spec/template/spec/hostNetwork".into();
    record["digest"] = super::digest(&record["draft"]).into();
    let kept = Kept::read(&record).expect("whole");
    assert!(matches!(kept.plan([]), Err(RecordError::Foreign(_))), "no field that this version does not write");
}
