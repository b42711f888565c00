//! Whole runs of what brings a release: another image, a command in a Job.

use std::time::Duration;

use serde_json::{Value, json};

use super::Bench;
use super::program::{plan, program, step, try_plan};
use crate::run::program::{Does, ProgramStep, SetImage};
use crate::run::world::{Fault, Limit, deployment, revisions};
use crate::run::{Answer, End, JobCommand, OnFail, PlanError, Policy};
use crate::target::api::{Change, WriteRequest};
use crate::target::model::Kind;

const PINNED: &str = "api@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn bench() -> Bench {
    let bench = Bench::new();
    revisions(&bench.world, &[0, 3]);
    bench
}

fn set(image: &str) -> SetImage {
    SetImage { workload: deployment(), container: Some("api".into()), image: image.into(), cause: None, pinned: false }
}

pub(super) fn command(argv: &[&str]) -> JobCommand {
    JobCommand {
        workload: deployment(),
        container: None,
        image: Some("api:3".into()),
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        backoff: 0,
        again: false,
        deadline: Duration::ZERO,
    }
}

fn image(bench: &Bench) -> Value {
    bench.world.object(&deployment())["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

/// The Jobs that were made: one that is proven is told besides when it may go.
fn made(bench: &Bench) -> Vec<WriteRequest> {
    bench.world.writes_to(Kind::Job).into_iter().filter(|w| matches!(w.change, Change::Create(_))).collect()
}

/// The Job of the run gets this status after three seconds.
fn answered(bench: &Bench, status: Value) {
    bench.world.after(Duration::from_secs(3), move |s| {
        let (object, mut job) = s.objects.iter().find(|(o, _)| o.kind == Kind::Job).map(|(o, v)| (o.clone(), v.clone())).expect("a Job");
        job["status"] = status;
        s.put(&object, job);
    });
}

#[test]
fn an_image_is_written_alone_under_tests_and_proven_by_the_rollout_of_its_template() {
    let bench = bench();
    let cause = SetImage { cause: Some("release 3".into()), ..set("api:3") };
    let plan = plan(&bench, vec![step("roll", Does::Image(cause))]);
    let changes: Vec<&str> = plan.objects()[0].changes.iter().map(|c| c.field.as_str()).collect();
    assert_eq!(changes, ["spec.template.spec.containers.0.image", "metadata.annotations.kubernetes.io/change-cause"]);
    bench.carry_out(plan).assert(End::Proven, "");
    assert_eq!(image(&bench), "api:3");
    let now = bench.world.object(&deployment());
    assert_eq!(now["metadata"]["annotations"]["kubernetes.io/change-cause"], "release 3");
    assert_eq!(now["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"], "hunter2", "nothing else is touched");
    let sent = bench.world.writes_to(Kind::Deployment);
    let Change::JsonPatch(operations) = &sent[0].change else { unreachable!("{:?}", sent[0]) };
    assert_eq!(
        (&operations[0]["op"], &operations[0]["path"], &operations[1]["path"]),
        (&json!("test"), &json!("/metadata/uid"), &json!("/metadata/resourceVersion"))
    );
}

#[test]
fn an_image_whose_pods_cannot_start_is_taken_back_to_the_one_before() {
    let bench = bench();
    let undo = Policy { on_fail: OnFail::Undo, ..Policy::default() };
    let plan = plan(&bench, vec![ProgramStep { policy: undo, ..step("roll", Does::Image(set("api:3"))) }]);
    bench.world.with(|s| s.limit = Limit::Image(0));
    bench.world.after(Duration::from_secs(40), |s| s.limit = Limit::None);
    let told = bench.carry_out(plan);
    told.assert(End::Failed, "ImagePullBackOff");
    assert!(told.outcome.undone && image(&bench) == "api:2", "{:?}", told.outcome);
}

#[test]
fn an_image_that_is_there_already_is_not_written_and_one_that_must_be_pinned_has_its_digest() {
    let bench = bench();
    let same = plan(&bench, vec![step("roll", Does::Image(set("api:2")))]);
    assert!(same.objects().is_empty() && same.allowed(), "{:?}", same.blocked_by());
    let tag = SetImage { pinned: true, ..set("api:3") };
    assert_eq!(plan(&bench, vec![step("roll", Does::Image(tag.clone()))]).blocked_by(), ["pin"]);
    let pinned = SetImage { image: PINNED.into(), ..tag };
    assert!(plan(&bench, vec![step("roll", Does::Image(pinned))]).allowed());
    for (wrong, why) in
        [(SetImage { container: Some("ghost".into()), ..set("api:3") }, "no container 'ghost'"), (set("api 3"), "no name of an image")]
    {
        let Err(PlanError::Usage(text)) = try_plan(&bench, &program(vec![step("roll", Does::Image(wrong))])) else { unreachable!("{why}") };
        assert!(text.contains(why) && text.contains("step 'roll'"), "{text}");
    }
}

#[test]
fn a_later_step_is_planned_for_the_image_that_an_earlier_one_leaves() {
    let bench = bench();
    let restart =
        crate::run::ActionRequest { action: "restart".into(), object: deployment(), parameters: Vec::new(), overrides: Vec::new(), reason: None };
    let plan = plan(&bench, vec![step("roll", Does::Image(set("api:3"))), step("fresh", Does::Action(restart))]);
    bench.carry_out(plan).assert(End::Proven, "");
    assert_eq!(image(&bench), "api:3");
}

#[test]
fn a_command_in_a_job_has_the_pod_of_its_workload_and_its_end_proves_it() {
    let bench = bench();
    let plan = plan(&bench, vec![step("seed", Does::Job(command(&["app", "seed"])))]);
    answered(&bench, json!({ "conditions": [{ "type": "Complete", "status": "True" }] }));
    let told = bench.carry_out(plan);
    told.assert(End::Proven, "");
    let made = made(&bench);
    let [only] = &made[..] else { unreachable!("one Job: {made:?}") };
    let Change::Create(body) = &only.change else { unreachable!("made: {only:?}") };
    let run = body["metadata"]["labels"]["timonel.io/run"].as_str().expect("the run's label");
    assert_eq!(*only.object.name, format!("timonel-{run}-seed"));
    let container = &body["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((&container["image"], &container["command"]), (&json!("api:3"), &json!(["app", "seed"])));
    assert_eq!(container["env"][0]["name"], "DB_PASSWORD");
    assert_eq!((&body["spec"]["backoffLimit"], &body["spec"]["activeDeadlineSeconds"]), (&json!(0), &json!(300)));
}

#[test]
fn a_job_that_fails_stops_the_run_at_once_and_is_a_debt_since_nobody_knows_what_it_did() {
    let bench = bench();
    let plan = plan(&bench, vec![step("seed", Does::Job(command(&["false"]))), step("roll", Does::Image(set("api:3")))]);
    answered(
        &bench,
        json!({ "conditions": [{ "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "no more tries" }] }),
    );
    let told = bench.carry_out(plan);
    told.assert(End::FailedWithDebts, "BackoffLimitExceeded");
    assert!(told.outcome.debts[0].pay.contains("logs job/timonel-"), "{:?}", told.outcome.debts);
    assert_eq!(image(&bench), "api:2", "what comes after it is not begun");
}

#[test]
fn a_job_whose_answer_was_lost_is_found_by_its_name_and_not_made_twice() {
    let bench = bench();
    let plan = plan(&bench, vec![step("seed", Does::Job(command(&["app", "seed"])))]);
    bench.world.with(|s| s.faults.push_back((Kind::Job, Fault::CutAfter)));
    answered(&bench, json!({ "conditions": [{ "type": "Complete", "status": "True" }] }));
    bench.carry_out(plan).assert(End::Proven, "");
    assert_eq!(made(&bench).len(), 1);
}

#[test]
fn a_job_whose_request_was_lost_is_made_again_where_that_does_no_harm_and_else_not() {
    for (again, end, says, times) in [(true, End::Proven, "", 1), (false, End::Failed, "not made a second time", 0)] {
        let bench = bench();
        let plan = plan(&bench, vec![step("seed", Does::Job(JobCommand { again, ..command(&["app", "seed"]) }))]);
        bench.world.with(|s| s.faults.push_back((Kind::Job, Fault::CutBefore)));
        bench.world.after(Duration::from_mins(2), |s| {
            let found = s.objects.iter().find(|(o, _)| o.kind == Kind::Job).map(|(o, v)| (o.clone(), v.clone()));
            if let Some((object, mut job)) = found {
                job["status"] = json!({ "conditions": [{ "type": "Complete", "status": "True" }] });
                s.put(&object, job);
            }
        });
        bench.carry_out(plan).assert(end, says);
        assert_eq!(made(&bench).len(), times, "{again}");
    }
}

#[test]
fn a_job_asks_for_the_right_to_read_what_it_says_and_for_a_container_that_is_there() {
    let bench = bench();
    bench.world.with(|s| s.denied.insert("get pods/log".into()));
    let blocked = plan(&bench, vec![step("seed", Does::Job(JobCommand { container: Some("ghost".into()), ..command(&["true"]) }))]);
    assert_eq!(blocked.blocked_by(), ["container", "logs"]);
    assert!(
        blocked
            .checks()
            .iter()
            .any(|c| c.id == "container" && c.result == Answer::Failed && c.detail.contains("ghost"))
    );
}
