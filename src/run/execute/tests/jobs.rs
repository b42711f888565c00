//! Whole runs of what is done to CronJobs.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Bench, Told};
use crate::run::actions::{self, ActionRequest};
use crate::run::{End, Plan};
use crate::target::api::Change;
use crate::target::model::{Kind, ObjectRef};

fn nightly() -> ObjectRef {
    ObjectRef::new(Kind::CronJob, "shop", "nightly")
}

/// A CronJob that runs `backup:1` at night.
fn bench(policy: &str, suspended: bool) -> Bench {
    let bench = Bench::new();
    let value = json!({
        "metadata": { "uid": "u-cron" },
        "spec": {
            "schedule": "0 3 * * *", "concurrencyPolicy": policy, "suspend": suspended,
            "jobTemplate": {
                "metadata": { "labels": { "app": "nightly" }, "annotations": { "team": "shop" } },
                "spec": { "backoffLimit": 1, "template": { "spec": { "containers": [
                    { "name": "c", "image": "backup:1", "env": [{ "name": "PASSWORD", "value": "hunter2" }] }] } } },
            },
        },
    });
    bench.world.with(|s| s.put(&nightly(), value));
    bench
}

/// A Job of the CronJob, started by its schedule.
fn started(bench: &Bench, name: &'static str, after: Duration) {
    bench.world.after(after, move |s| {
        let owner = json!([{ "kind": "CronJob", "controller": true, "uid": "u-cron" }]);
        s.put(
            &ObjectRef::new(Kind::Job, "shop", name),
            json!({ "metadata": { "uid": format!("u-{name}"), "ownerReferences": owner }, "status": { "active": 1 } }),
        );
    });
}

fn plan(bench: &Bench, action: &'static str) -> Plan {
    let request = ActionRequest { action: action.into(), object: nightly(), parameters: Vec::new(), overrides: Vec::new(), reason: None };
    bench.world.run(actions::plan(&bench.world, &bench.world, &bench.context, &request)).expect("a plan")
}

/// The Job that a trigger made gets this status after three seconds.
fn answered(bench: &Bench, status: Value) {
    bench.world.after(Duration::from_secs(3), move |s| {
        let (object, mut job) = s.objects.iter().find(|(o, _)| o.kind == Kind::Job).map(|(o, v)| (o.clone(), v.clone())).expect("a Job");
        job["status"] = status;
        s.put(&object, job);
    });
}

fn run(bench: &Bench, action: &'static str) -> Told {
    bench.carry_out(plan(bench, action))
}

#[test]
fn a_trigger_makes_kubectls_job_with_the_runs_mark_and_is_proven_by_its_pods() {
    let bench = bench("Forbid", false);
    answered(&bench, json!({ "ready": 1, "active": 1 }));
    run(&bench, "trigger").assert(End::Proven, "");
    let made = bench.world.writes_to(Kind::Job);
    let [only] = &made[..] else { unreachable!("one Job: {made:?}") };
    let Change::Create(body) = &only.change else { unreachable!("made: {only:?}") };
    let id = body["metadata"]["labels"]["timonel.io/run"].as_str().expect("the run's label");
    assert_eq!(*only.object.name, format!("timonel-{id}-job"));
    assert_eq!(
        body["metadata"],
        json!({
            "name": &*only.object.name, "namespace": "shop",
            "labels": { "app": "nightly", "timonel.io/run": id },
            "annotations": { "team": "shop", "cronjob.kubernetes.io/instantiate": "manual" },
            "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "uid": "u-cron", "controller": true }],
        })
    );
    assert_eq!(body["spec"], bench.world.object(&nightly())["spec"]["jobTemplate"]["spec"], "as the template has it");
    let lease = ObjectRef::new(Kind::Lease, "shop", "timonel-cronjob-nightly");
    assert!(bench.world.object(&lease).is_object(), "it is made under the lock of its CronJob");
}

#[test]
fn a_job_that_runs_for_a_moment_only_is_not_proven_and_a_failed_one_is_a_debt() {
    let bench = bench("Allow", false);
    answered(&bench, json!({ "ready": 1 }));
    let failed = json!({ "conditions": [{ "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "no more tries" }] });
    bench.world.after(Duration::from_secs(6), move |s| {
        let (object, mut job) = s.objects.iter().find(|(o, _)| o.kind == Kind::Job).map(|(o, v)| (o.clone(), v.clone())).expect("a Job");
        job["status"] = failed;
        s.put(&object, job);
    });
    let told = run(&bench, "trigger");
    told.assert(End::FailedWithDebts, "BackoffLimitExceeded");
    assert!(told.outcome.debts[0].pay.contains("delete job/timonel-"), "{:?}", told.outcome.debts);
}

#[test]
fn a_trigger_whose_answer_was_lost_finds_its_own_job_and_makes_no_second() {
    use crate::run::world::Fault;
    let bench = bench("Allow", false);
    bench.world.with(|s| s.faults.push_back((Kind::Job, Fault::CutAfter)));
    answered(&bench, json!({ "conditions": [{ "type": "Complete", "status": "True" }] }));
    run(&bench, "trigger").assert(End::Proven, "");
    assert_eq!(bench.world.writes_to(Kind::Job).len(), 1);
}

#[test]
fn one_job_at_a_time_is_heeded_and_can_be_overridden_in_writing() {
    for policy in ["Forbid", "Replace"] {
        let bench = bench(policy, true);
        assert!(plan(&bench, "trigger").allowed(), "{policy}, suspended, and none runs");
        started(&bench, "nightly-1", Duration::ZERO);
        bench.world.with(|s| s.now += Duration::from_secs(1));
        bench.world.run(crate::run::time::Timer::sleep(&bench.world, Duration::from_secs(1)));
        let refused = plan(&bench, "trigger");
        assert_eq!(refused.blocked_by(), ["concurrency"], "{policy}");
        assert!(refused.overriding("concurrency", "it hangs").expect("overridable").allowed());
    }
}

#[test]
fn a_suspension_is_proven_by_quiet_and_stays_a_debt() {
    let bench = bench("Allow", false);
    let planned = plan(&bench, "suspend");
    // Its controller was about to start one.
    started(&bench, "nightly-1", Duration::from_secs(3));
    let told = bench.carry_out(planned);
    told.assert(End::Proven, "");
    assert_eq!(bench.world.object(&nightly())["spec"]["suspend"], true);
    assert!(told.outcome.debts[0].pay.contains(r#""suspend":false"#), "{:?}", told.outcome.debts);
    let took = told.proof_seconds("prove-suspended");
    assert!(took >= 7.0, "the quiet began anew with the Job: {took}");
}

#[test]
fn what_is_so_already_is_refused_and_each_way_undoes_the_other() {
    let (on, off) = (bench("Allow", true), bench("Allow", false));
    assert_eq!(plan(&on, "suspend").blocked_by(), ["suspended"]);
    assert_eq!(plan(&off, "resume").blocked_by(), ["suspended"]);
    assert_eq!(plan(&off, "suspend").undoing().map(|u| u.action), Ok("resume".into()));
    assert_eq!(plan(&on, "resume").undoing().map(|u| u.action), Ok("suspend".into()));
    assert!(plan(&on, "trigger").undoing().is_err());
    let told = run(&on, "resume");
    told.assert(End::Proven, "");
    assert!(told.outcome.debts.is_empty());
    assert_eq!(on.world.object(&nightly())["spec"]["suspend"], false);
}
