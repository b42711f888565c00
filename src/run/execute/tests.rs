//! Whole runs against the world in memory: what an operator would be told, and what was really sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Deps, execute};
use crate::base::environment::EnvironmentKind;
use crate::run::journal::{Claim, Draft, EntryKind, JournalError, Recorder};
use crate::run::scale::{self, PlanContext, PlanError, ScaleRequest};
use crate::run::world::{Fault, Limit, World, deployment};
use crate::run::{Answer, Confirmed, Control, End, Environment, Happening, NoProbes, Operator, Outcome, Plan, Probes, Refusal, RunEvent, Way};
use crate::target::api::{Change, ErrorKind, TargetError};
use crate::target::model::{Kind, ObjectRef};

mod actions;
mod approval;
mod armed;
mod commands;
mod faults;
mod jobs;
mod nodes;
mod pods;
mod preempt;
mod program;
mod release;
mod several;

/// A journal in memory that can stop taking lines.
#[derive(Default)]
struct Memory {
    lines: Mutex<Vec<Draft>>,
    full_after: Option<usize>,
}

impl Recorder for Memory {
    fn record(&self, drafts: &[Draft]) -> Result<(), JournalError> {
        let mut lines = self.lines.lock().expect("one thread");
        if self.full_after.is_some_and(|most| lines.len() + drafts.len() > most) {
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(JournalError::new(std::path::Path::new("journal.jsonl"), "written", full));
        }
        lines.extend(drafts.iter().cloned());
        Ok(())
    }

    fn claim(&self, _run: &str) -> Result<Option<Claim>, JournalError> {
        Ok(Some(Claim::default()))
    }
}

/// A console in front of the world.
struct Bench {
    world: World,
    journal: Arc<Memory>,
    control: Arc<Control>,
    context: PlanContext,
    probes: Arc<dyn Probes>,
}

impl Bench {
    fn new() -> Self {
        let operator = Operator { user: "ana".into(), host: "bastion".into(), cluster_user: String::new() };
        let mut context = PlanContext::new("eterna-prod", Environment::of_kind(EnvironmentKind::Production), operator);
        context.random = 0x7f3a;
        Self {
            world: World::new(),
            journal: Arc::default(),
            control: Arc::new(Control::new(false)),
            context,
            probes: Arc::new(NoProbes),
        }
    }

    fn try_plan(&self, request: &ScaleRequest) -> Result<Plan, PlanError> {
        self.world.run(scale::plan(&self.world, &self.world, &self.context, request))
    }

    fn plan(&self, replicas: u32) -> Plan {
        self.try_plan(&ScaleRequest::new(deployment(), replicas)).expect("a plan")
    }

    fn carry_out(&self, plan: Plan) -> Told {
        let typed = plan.confirmation().text.clone().unwrap_or_default();
        let now = crate::base::clock::Clock::now(&self.world);
        self.carry_out_confirmed(plan.confirm(&typed, now).expect("confirmed"))
    }

    fn deps(&self) -> (Deps, mpsc::Receiver<RunEvent>) {
        let (events, heard) = mpsc::channel(1000);
        let deps = Deps {
            read: Arc::new(self.world.clone()),
            write: Arc::new(self.world.clone()),
            clock: Arc::new(self.world.clone()),
            timer: Arc::new(self.world.clone()),
            journal: self.journal.clone(),
            probes: self.probes.clone(),
            events,
            control: self.control.clone(),
        };
        (deps, heard)
    }

    fn carry_out_confirmed(&self, confirmed: Confirmed) -> Told {
        let (deps, mut heard) = self.deps();
        let outcome = self.world.run(execute(confirmed, deps));
        let mut told = Vec::new();
        while let Ok(event) = heard.try_recv() {
            told.push(event);
        }
        Told { outcome, events: told }
    }

    fn scale(&self, replicas: u32) -> Told {
        self.carry_out(self.plan(replicas))
    }

    /// Journal lines as `kind` or `kind:result`.
    fn recorded(&self) -> Vec<String> {
        let word = |d: &Draft| match (d.kind, d.data.get("result").and_then(Value::as_str)) {
            (EntryKind::Outcome, Some(result)) => format!("outcome:{result}"),
            (kind, _) => serde_json::to_value(kind).expect("a word").as_str().expect("a word").to_owned(),
        };
        self.journal.lines.lock().expect("one thread").iter().map(word).collect()
    }

    fn replicas(&self) -> i64 {
        self.world.object(&deployment())["spec"]["replicas"].as_i64().expect("a number")
    }

    /// How many times the count itself was written.
    fn scale_writes(&self) -> usize {
        self.world.writes_to(Kind::Deployment).iter().filter(|w| w.subresource == "scale").count()
    }

    fn lease(&self) -> Value {
        self.world.object(&ObjectRef::new(Kind::Lease, "shop", "timonel-deployment-api"))
    }
}

struct Told {
    outcome: Outcome,
    events: Vec<RunEvent>,
}

impl Told {
    /// How long the step of that id took.
    fn proof_seconds(&self, id: &str) -> f64 {
        let took =
            |e: &RunEvent| if let Happening::StepProven { step, took_seconds, .. } = &e.what { (*step == id).then_some(*took_seconds) } else { None };
        self.events.iter().find_map(took).expect("a proven step of that id")
    }

    fn words(&self) -> Vec<String> {
        let word = |e: &RunEvent| serde_json::to_value(e).expect("JSON")["event"].as_str().expect("a word").to_owned();
        let mut words: Vec<String> = self.events.iter().map(word).collect();
        words.dedup();
        words
    }

    fn assert(&self, end: End, says: &str) {
        assert_eq!(self.outcome.outcome, end, "{:?}", self.outcome);
        assert!(self.outcome.reason.contains(says), "'{says}' is not in '{}'", self.outcome.reason);
        let last = self.events.last().expect("an event");
        assert!(matches!(&last.what, Happening::Ended { outcome, .. } if *outcome == self.outcome), "the last event tells the end");
    }
}

fn hpa(world: &World, min: i64, max: i64, desired: i64) {
    let object = ObjectRef::new(Kind::HorizontalPodAutoscaler, "shop", "api");
    let value = json!({ "metadata": { "uid": "h1" }, "spec": { "minReplicas": min, "maxReplicas": max,
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "api" } }, "status": { "desiredReplicas": desired } });
    world.with(|s| s.put(&object, value));
}

#[test]
fn a_scale_is_proven_recorded_and_leaves_nothing_but_its_notes() {
    let bench = Bench::new();
    let told = bench.scale(5);
    told.assert(End::Proven, "");
    assert_eq!(
        told.words(),
        [
            "planned",
            "checked",
            "confirmed",
            "step_started",
            "step_proven",
            "step_started",
            "step_proven",
            "step_started",
            "progress",
            "step_proven",
            "step_started",
            "step_proven",
            "ended"
        ]
    );
    assert_eq!(bench.recorded(), ["plan", "check", "confirm", "proof", "intent", "outcome:accepted", "proof", "proof", "end"]);
    assert_eq!((bench.replicas(), bench.scale_writes(), told.outcome.exit_code()), (5, 1, 0));
    assert_eq!(bench.lease()["spec"].get("holderIdentity"), None, "the lock is released");
    assert_eq!(bench.lease()["metadata"]["annotations"].get("timonel.io/run"), None);
    let note = bench.world.object(&deployment())["metadata"]["annotations"]["timonel.io/last-run"].clone();
    assert_eq!(note, json!("20261122-145052-scale-7f3a scale 3->5 ana@bastion"));
    let reasons: Vec<Value> = bench
        .world
        .writes_to(Kind::Event)
        .iter()
        .map(|w| if let Change::Create(b) = &w.change { b["reason"].clone() } else { Value::Null })
        .collect();
    assert_eq!(reasons, ["TimonelStarted", "TimonelProven"]);
}

#[test]
fn secrets_of_the_template_are_in_no_plan_event_or_journal_line() {
    let bench = Bench::new();
    let told = bench.scale(5);
    let lines = bench
        .journal
        .lines
        .lock()
        .expect("one thread")
        .iter()
        .map(|d| Value::Object(d.data.clone()).to_string())
        .collect::<String>();
    let events = told.events.iter().map(|e| serde_json::to_string(e).expect("JSON")).collect::<String>();
    assert!(!lines.contains("hunter2") && !events.contains("hunter2"));
    assert!(!format!("{:?}", bench.plan(4)).contains("hunter2"));
}

#[test]
fn a_quota_ends_the_run_early_as_failed_and_the_previous_count_is_proven_again() {
    let bench = Bench::new();
    bench.world.with(|s| s.limit = Limit::Quota(4));
    let told = bench.scale(5);
    told.assert(End::Failed, "exceeded quota: q");
    assert!(told.outcome.undone && told.outcome.debts.is_empty());
    assert_eq!((bench.replicas(), told.outcome.exit_code()), (3, 1));
    assert!(told.words().contains(&"undone".to_owned()));
}

#[test]
fn no_room_and_a_missing_image_end_the_run_before_its_deadline_with_the_root_cause() {
    for (limit, says, within) in [(Limit::Room(3), "Insufficient cpu", 60), (Limit::Image(3), "ImagePullBackOff", 40)] {
        let bench = Bench::new();
        bench.world.with(|s| s.limit = limit);
        let before = bench.world.with(|s| s.now);
        let told = bench.scale(5);
        told.assert(End::Failed, says);
        assert!(told.outcome.undone);
        assert!(bench.world.with(|s| s.now.saturating_sub(before)) < Duration::from_secs(within), "{limit:?}");
    }
}

#[test]
fn pods_that_never_become_ready_end_the_run_at_its_deadline() {
    let bench = Bench::new();
    bench.world.with(|s| s.limit = Limit::Ready(3));
    let told = bench.scale(5);
    told.assert(End::Failed, "3/5 ready after 300 s");
    assert!(told.outcome.reason.contains("ContainerCreating"), "{}", told.outcome.reason);
    assert!(told.outcome.undone);
}

#[test]
fn what_cannot_be_undone_is_a_debt_with_what_pays_it() {
    let bench = Bench::new();
    bench.world.with(|s| s.limit = Limit::Quota(4));
    // While the run fails, two of the pods that were ready before lose their place.
    bench.world.after(Duration::from_secs(4), |s| s.limit = Limit::Room(1));
    let told = bench.scale(5);
    assert_eq!(told.outcome.outcome, End::FailedWithDebts, "{:?}", told.outcome);
    assert_eq!(told.outcome.exit_code(), 2);
    assert_eq!(told.outcome.debts[0].pay, "kubectl --context eterna-prod -n shop scale deployment/api --replicas=3");
}

#[test]
fn a_plan_goes_stale_when_somebody_scales_first_or_makes_the_object_anew() {
    type Meanwhile = fn(&mut crate::run::world::State);
    let cases: [(Meanwhile, &str); 3] = [
        (|s| s.scale(7), "spec.replicas was 3, is 7"),
        (crate::run::world::State::recreate, "was deleted and made again"),
        (|s| drop(s.objects.remove(&deployment())), "is gone"),
    ];
    for (meanwhile, says) in cases {
        let bench = Bench::new();
        let plan = bench.plan(5);
        bench.world.with(meanwhile);
        let told = bench.carry_out(plan);
        told.assert(End::Refused, says);
        assert_eq!((bench.scale_writes(), told.outcome.exit_code()), (0, 4));
        assert!(bench.world.writes_to(Kind::Event).is_empty(), "a refused run leaves no event");
    }
}

#[test]
fn other_changes_of_the_object_do_not_make_a_plan_stale() {
    let bench = Bench::new();
    let plan = bench.plan(5);
    bench.world.with(|s| {
        let mut value = s.objects[&deployment()].clone();
        value["metadata"]["annotations"]["team"] = "x".into();
        s.put(&deployment(), value);
    });
    bench.carry_out(plan).assert(End::Proven, "");
}

#[test]
fn a_conflict_is_tried_again_and_five_are_the_end_of_it() {
    let bench = Bench::new();
    bench.world.with(|s| s.faults.extend([(Kind::Deployment, Fault::Race), (Kind::Deployment, Fault::Race)]));
    bench.scale(5).assert(End::Proven, "");
    assert_eq!(bench.scale_writes(), 1);
    assert_eq!(bench.recorded().iter().filter(|w| *w == "intent").count(), 3);

    let bench = Bench::new();
    bench.world.with(|s| s.faults.extend(vec![(Kind::Deployment, Fault::Race); 9]));
    bench.scale(5).assert(End::Refused, "in 5 tries");
    assert_eq!((bench.scale_writes(), bench.replicas()), (0, 3));
}

#[test]
fn a_busy_server_is_tried_again_and_a_clear_no_is_the_end() {
    for (kind, end, writes) in [
        (ErrorKind::TooManyRequests, End::Proven, 1),
        (ErrorKind::Server, End::Proven, 1),
        (ErrorKind::Unreachable, End::Proven, 1),
        (ErrorKind::Denied, End::Refused, 0),
        (ErrorKind::Forbidden, End::Refused, 0),
        (ErrorKind::Invalid, End::Refused, 0),
    ] {
        let bench = Bench::new();
        bench.world.with(|s| s.faults.push_back((Kind::Deployment, Fault::Refuse(kind))));
        let told = bench.scale(5);
        assert_eq!((told.outcome.outcome, bench.scale_writes()), (end, writes), "{kind:?}");
    }
}

#[test]
fn a_lost_answer_is_found_out_by_reading() {
    for (fault, recorded) in [
        (Fault::CutAfter, &["intent", "outcome:unknown", "outcome:accepted"][..]),
        (Fault::CutBefore, &["intent", "outcome:unknown", "intent", "outcome:accepted"]),
    ] {
        let bench = Bench::new();
        bench.world.with(|s| s.faults.push_back((Kind::Deployment, fault.clone())));
        bench.scale(5).assert(End::Proven, "");
        assert_eq!(bench.scale_writes(), 1, "{fault:?}: carried out once");
        assert_eq!(bench.recorded()[4..4 + recorded.len()], *recorded, "{fault:?}");
    }
}

#[test]
fn a_lost_answer_that_cannot_be_found_out_ends_as_unknown() {
    let bench = Bench::new();
    let plan = bench.plan(5);
    bench.world.with(|s| s.cut_off_after_write = true);
    let told = bench.carry_out(plan);
    told.assert(End::Unknown, "the answer to a write was lost");
    assert_eq!(told.outcome.exit_code(), 3);
    assert!(told.outcome.hint.contains("Deployment shop/api"));
}

#[test]
fn a_view_only_user_is_told_which_right_is_missing_and_nothing_is_tried() {
    let bench = Bench::new();
    for right in ["patch deployments/scale", "create leases", "patch leases", "create events", "patch deployments"] {
        bench.world.with(|s| s.denied.insert(right.to_owned()));
    }
    let plan = bench.plan(5);
    assert_eq!((plan.allowed(), plan.blocked_by()), (false, &["rbac:patch deployments/scale".to_owned()][..]));
    let now = crate::base::clock::Clock::now(&bench.world);
    assert!(matches!(plan.confirm("production", now), Err(Refusal::Blocked(_))));
    assert!(bench.world.with(|s| s.sent.is_empty()));
}

#[test]
fn without_the_right_to_leases_and_notes_the_scale_works_and_says_what_is_missing() {
    let bench = Bench::new();
    for right in ["create leases", "patch leases", "create events", "patch deployments"] {
        bench.world.with(|s| s.denied.insert(right.to_owned()));
    }
    let told = bench.scale(5);
    told.assert(End::Proven, "");
    let notes = told.events.iter().filter(|e| matches!(e.what, Happening::Note { .. })).count();
    assert_eq!(notes, 4, "no lock, no annotation, no event at the beginning, none at the end");
}

#[test]
fn a_webhook_that_denies_blocks_the_plan_with_its_words() {
    let bench = Bench::new();
    bench
        .world
        .with(|s| s.dry_run = Some(TargetError::new(ErrorKind::Denied, "admission webhook \"freeze\" denied the request: Friday")));
    let plan = bench.plan(5);
    let check = plan.checks().iter().find(|c| c.id == "dry-run").expect("a check");
    assert!(!plan.allowed() && check.detail.contains("Friday"), "{}", check.detail);
}

#[test]
fn a_live_lock_refuses_and_one_left_behind_is_taken_over_after_it_expired() {
    let lease = ObjectRef::new(Kind::Lease, "shop", "timonel-deployment-api");
    let held = |renewed: &str| {
        json!({ "metadata": { "uid": "l1", "annotations": { "timonel.io/action": "scale 3->4" } },
            "spec": { "holderIdentity": "bob@desk/run-1", "leaseDurationSeconds": 30, "renewTime": renewed } })
    };
    let bench = Bench::new();
    let plan = bench.plan(5);
    bench.world.with(|s| s.put(&lease, held("2026-11-22T14:50:45.000000Z")));
    bench.carry_out(plan).assert(End::Refused, "bob@desk/run-1 (scale 3->4) works on it");
    assert!(!bench.plan(5).allowed(), "the plan says so too");

    let bench = Bench::new();
    bench.world.with(|s| s.put(&lease, held("2026-11-22T14:00:00.000000Z")));
    let before = bench.world.with(|s| s.now);
    bench.scale(5).assert(End::Proven, "");
    assert!(
        bench.world.with(|s| s.now.saturating_sub(before)) >= Duration::from_secs(30),
        "it was watched for as long as the lease lasts"
    );
    assert!(bench.recorded().contains(&"note".to_owned()), "the take-over is recorded");

    // A holder whose clock is an hour slow renews while it is watched.
    let bench = Bench::new();
    bench.world.with(|s| s.put(&lease, held("2026-11-22T13:50:00.000000Z")));
    let (renewed, object) = (held("2026-11-22T13:50:10.000000Z"), lease.clone());
    bench.world.after(Duration::from_secs(9), move |s| s.put(&object, renewed));
    bench.scale(5).assert(End::Refused, "bob@desk/run-1");
}

#[test]
fn a_pod_that_is_ready_whenever_somebody_looks_and_is_restarted_in_between_proves_nothing() {
    let bench = Bench::new();
    bench.world.with(|s| s.limit = Limit::Stay(4));
    let told = bench.scale(5);
    told.assert(End::Failed, "pod api-4 was restarted a moment ago");
    assert_eq!((bench.replicas(), told.outcome.undone), (3, true));
}

#[test]
fn a_run_that_lost_its_lock_writes_nothing_more() {
    let bench = Bench::new();
    bench.world.with(|s| s.limit = Limit::Ready(3));
    // Renewals fail from now on, and then the pods turn out hopeless.
    bench.world.after(Duration::from_secs(5), |s| {
        s.denied.insert("patch leases".into());
    });
    bench.world.after(Duration::from_mins(1), |s| s.limit = Limit::Quota(3));
    let told = bench.scale(5);
    told.assert(End::FailedWithDebts, "exceeded quota");
    assert_eq!((bench.replicas(), bench.scale_writes()), (5, 1), "not even the way back");
}

#[test]
fn a_lock_is_as_old_as_its_request_however_late_the_answer_came() {
    let bench = Bench::new();
    bench.world.with(|s| {
        s.limit = Limit::Quota(3);
        s.slow.insert(Kind::Lease, Duration::from_secs(25));
    });
    // It is never renewed: 30 s after it was taken others may take it over, which is 5 s after the answer.
    bench.world.after(Duration::from_secs(26), |s| {
        s.denied.insert("patch leases".into());
    });
    bench.scale(5).assert(End::FailedWithDebts, "exceeded quota");
    assert_eq!((bench.replicas(), bench.scale_writes()), (5, 1), "not even the way back");
}

#[test]
fn a_write_that_may_still_arrive_is_waited_for_even_without_the_lock() {
    let bench = Bench::new();
    bench.world.with(|s| s.faults.push_back((Kind::Deployment, Fault::Late)));
    let told = bench.scale(5);
    told.assert(End::Proven, "");
    assert_eq!((bench.replicas(), bench.scale_writes()), (5, 1), "it was never said that nothing was written");
}

#[test]
fn nothing_is_sent_that_cannot_be_recorded() {
    // Nothing at all; not even the intent; the outcome of the write.
    let full = |lines| Bench { journal: Arc::new(Memory { full_after: Some(lines), ..Memory::default() }), ..Bench::new() };
    let bench = full(0);
    bench.scale(5).assert(End::Refused, "cannot be recorded");
    assert!(bench.world.with(|s| s.sent.is_empty()), "no lock either");

    let bench = full(4);
    bench.scale(5).assert(End::Refused, "the intent cannot be recorded");
    assert_eq!(bench.scale_writes(), 0);

    let bench = full(5);
    let told = bench.scale(5);
    told.assert(End::Proven, "");
    assert!(told.outcome.journal.is_some(), "it says that the journal does not have it");
    let note = bench.world.object(&deployment())["metadata"]["annotations"]["timonel.io/last-run"].clone();
    assert!(note.as_str().expect("a text").ends_with("ana@bastion: proven"), "the workload does: {note}");
}

#[test]
fn the_way_back_goes_on_without_the_journal_since_it_was_recorded_before() {
    let bench = Bench { journal: Arc::new(Memory { full_after: Some(6), ..Memory::default() }), ..Bench::new() };
    bench.world.with(|s| s.limit = Limit::Quota(4));
    let told = bench.scale(5);
    told.assert(End::Failed, "exceeded quota");
    assert!(told.outcome.undone && told.outcome.journal.is_some());
    assert_eq!(bench.replicas(), 3);
}

#[test]
fn an_autoscaler_in_the_way_is_told_and_its_bound_is_moved_when_chosen() {
    let bench = Bench::new();
    hpa(&bench.world, 3, 10, 3);
    let plan = bench.plan(5);
    assert_eq!(plan.blocked_by(), ["hpa"]);
    let raised = bench.try_plan(&ScaleRequest::new(deployment(), 5).with("hpa=raise").expect("a choice")).expect("a plan");
    assert!(raised.allowed(), "{:?}", raised.blocked_by());
    let told = bench.carry_out(raised);
    told.assert(End::Proven, "");
    let hpa = bench.world.object(&ObjectRef::new(Kind::HorizontalPodAutoscaler, "shop", "api"));
    assert_eq!((hpa["spec"]["minReplicas"].clone(), bench.replicas()), (json!(5), 5));
    assert_eq!(told.outcome.debts, [], "a moved bound is no debt");
}

#[test]
fn a_failed_scale_gives_the_autoscaler_its_bound_back() {
    let bench = Bench::new();
    hpa(&bench.world, 3, 10, 3);
    bench.world.with(|s| s.limit = Limit::Quota(4));
    let plan = bench.try_plan(&ScaleRequest::new(deployment(), 5).with("hpa=raise").expect("a choice")).expect("a plan");
    let told = bench.carry_out(plan);
    told.assert(End::Failed, "exceeded quota");
    let hpa = bench.world.object(&ObjectRef::new(Kind::HorizontalPodAutoscaler, "shop", "api"));
    assert_eq!((hpa["spec"]["minReplicas"].clone(), bench.replicas(), told.outcome.undone), (json!(3), 3, true));
}

#[test]
fn a_paused_autoscaler_is_a_debt_of_a_proven_run() {
    let bench = Bench::new();
    hpa(&bench.world, 3, 10, 3);
    let plan = bench.try_plan(&ScaleRequest::new(deployment(), 5).with("hpa=pause:30m").expect("a choice")).expect("a plan");
    let told = bench.carry_out(plan);
    told.assert(End::Proven, "");
    assert_eq!(told.outcome.exit_code(), 0);
    assert!(told.outcome.debts[0].what.contains("paused, meant for 30m"), "{:?}", told.outcome.debts);
    let rests = ObjectRef::new(Kind::HorizontalPodAutoscaler, "shop", "api");
    let note = bench.world.object(&rests)["metadata"]["annotations"]["timonel.io/last-run"].clone();
    assert!(note.as_str().is_some_and(|n| n.contains(" scale pause:30m,up:Max,down:Max ")), "{note}");
    let book = bench.world.object(&ObjectRef::new(Kind::ConfigMap, "shop", "timonel-debts"));
    assert_eq!(book["data"].as_object().map(serde_json::Map::len), Some(1), "{book:#}");
    assert!(
        told.outcome.debts[0].pay.contains(r#"{"spec":{"behavior":{"scaleUp":{"selectPolicy":"Max"}"#),
        "{}",
        told.outcome.debts[0].pay
    );
}

#[test]
fn somebody_elses_change_in_the_middle_is_neither_undone_nor_our_debt() {
    let bench = Bench::new();
    bench.world.with(|s| s.limit = Limit::Ready(3));
    bench.world.after(Duration::from_secs(3), |s| s.scale(7));
    let told = bench.scale(5);
    told.assert(End::Failed, "replicas are 7 now, not 5");
    assert_eq!((bench.replicas(), told.outcome.debts.len(), told.outcome.undone), (7, 0, false));
}

#[test]
fn an_operator_who_is_there_is_asked_and_may_wait_undo_or_leave_it() {
    for (way, end, replicas, code) in [(Way::Undo, End::Failed, 3, 1), (Way::Leave, End::FailedWithDebts, 5, 2), (Way::Wait, End::Proven, 5, 0)] {
        let bench = Bench { control: Arc::new(Control::new(true)), ..Bench::new() };
        bench.world.with(|s| s.limit = Limit::Image(3));
        let control = bench.control.clone();
        bench.world.after(Duration::from_mins(1), move |s| {
            s.limit = Limit::None;
            control.answer(way);
        });
        let told = bench.scale(5);
        assert!(told.words().contains(&"asked".to_owned()));
        assert_eq!((told.outcome.outcome, bench.replicas(), told.outcome.exit_code()), (end, replicas, code), "{way:?}");
    }
}

#[test]
fn when_the_terminal_goes_away_the_question_is_answered_by_going_back() {
    let bench = Bench { control: Arc::new(Control::new(true)), ..Bench::new() };
    bench.world.with(|s| s.limit = Limit::Image(3));
    let control = bench.control.clone();
    bench.world.after(Duration::from_mins(1), move |_| control.detach());
    let told = bench.scale(5);
    told.assert(End::Failed, "ImagePullBackOff");
    assert!(told.outcome.undone);
}

#[test]
fn a_run_that_waits_for_a_person_gives_its_lock_back_after_five_minutes_and_takes_it_again() {
    let bench = Bench { control: Arc::new(Control::new(true)), ..Bench::new() };
    bench.world.with(|s| s.limit = Limit::Image(3));
    let (control, world) = (bench.control.clone(), bench.world.clone());
    let holders = Arc::new(Mutex::new(Vec::new()));
    for at in [120, 400] {
        let (seen, world) = (holders.clone(), world.clone());
        let _ = world;
        bench.world.after(Duration::from_secs(at), move |s| {
            let lease = &s.objects[&ObjectRef::new(Kind::Lease, "shop", "timonel-deployment-api")];
            seen.lock().expect("one thread").push(lease["spec"].get("holderIdentity").is_some());
        });
    }
    bench.world.after(Duration::from_secs(500), move |_| control.answer(Way::Undo));
    let told = bench.scale(5);
    assert!(told.outcome.undone, "{:?}", told.outcome);
    assert_eq!(*holders.lock().expect("one thread"), [true, false]);
}

#[test]
fn an_interrupt_stops_after_the_step_and_a_second_one_goes_back() {
    let bench = Bench::new();
    bench.world.with(|s| s.limit = Limit::Ready(3));
    let control = bench.control.clone();
    bench.world.after(Duration::from_secs(5), move |_| {
        control.interrupt();
        control.interrupt();
    });
    let told = bench.scale(5);
    told.assert(End::Failed, "stopped by its operator");
    assert_eq!((told.outcome.undone, told.outcome.exit_code(), bench.replicas()), (true, 130, 3));

    let bench = Bench::new();
    bench.control.interrupt();
    let told = bench.scale(5);
    told.assert(End::Refused, "stopped by its operator");
    assert_eq!((told.outcome.exit_code(), bench.scale_writes()), (130, 0));

    let bench = Bench::new();
    let control = bench.control.clone();
    bench.world.after(Duration::from_secs(1), move |_| control.terminate());
    let told = bench.scale(5);
    assert_eq!(told.outcome.exit_code(), 143, "{:?}", told.outcome);
    assert_eq!((bench.replicas(), told.outcome.debts.len()), (5, 1), "left as it is after the step, and said");
}

#[test]
fn a_scale_to_zero_asks_for_the_phrase_and_remembers_the_count() {
    let bench = Bench::new();
    let plan = bench.plan(0);
    assert_eq!(plan.confirmation().text.as_deref(), Some("scale api 3->0"));
    bench.carry_out(plan).assert(End::Proven, "");
    let annotations = bench.world.object(&deployment())["metadata"]["annotations"].clone();
    assert_eq!(annotations["timonel.io/replicas-before-zero"], json!("3"));
    bench.scale(3).assert(End::Proven, "");
    let annotations = bench.world.object(&deployment())["metadata"]["annotations"].clone();
    assert_eq!(annotations.get("timonel.io/replicas-before-zero"), None);
}

#[test]
fn a_scale_to_what_is_there_writes_nothing_and_proves_it() {
    let bench = Bench::new();
    let plan = bench.plan(3);
    assert_eq!((plan.objects().len(), plan.confirmation().text.clone()), (0, None));
    bench.carry_out(plan).assert(End::Proven, "");
    assert!(bench.world.with(|s| s.sent.is_empty()));
}

#[test]
fn nobody_needs_to_listen() {
    let bench = Bench::new();
    let plan = bench.plan(5);
    let now = crate::base::clock::Clock::now(&bench.world);
    let confirmed = plan.confirm("production", now).expect("confirmed");
    let (events, heard) = mpsc::channel(1);
    drop(heard);
    let world = Arc::new(bench.world.clone());
    let deps = Deps {
        read: world.clone(),
        write: world.clone(),
        clock: world.clone(),
        timer: world.clone(),
        journal: bench.journal.clone(),
        probes: Arc::new(NoProbes),
        events,
        control: bench.control.clone(),
    };
    let running: futures_util::future::BoxFuture<'static, Outcome> = Box::pin(execute(confirmed, deps));
    assert_eq!(bench.world.run(running).outcome, End::Proven);
}

#[test]
fn quotas_and_unknown_answers_are_checks_of_the_plan() {
    let bench = Bench::new();
    bench.world.with(|s| {
        let quota = ObjectRef::new(Kind::ResourceQuota, "shop", "q");
        s.put(&quota, json!({ "status": { "hard": { "pods": "4" }, "used": { "pods": "3" } } }));
        s.unreadable.insert(Kind::HorizontalPodAutoscaler, ErrorKind::Forbidden);
    });
    let plan = bench.plan(5);
    assert_eq!(plan.blocked_by(), ["hpa", "quota"], "unknown blocks in production");
    let results: Vec<(String, Answer)> = plan
        .checks()
        .iter()
        .filter(|c| c.overridable && c.result != Answer::Ok)
        .map(|c| (c.id.clone(), c.result))
        .collect();
    assert_eq!(results, [("hpa".to_owned(), Answer::Unknown), ("quota".to_owned(), Answer::Failed)]);
    let overridden = plan
        .overriding("hpa", "no HPA here, I looked")
        .and_then(|p| p.overriding("quota", "the quota is raised in a minute"))
        .expect("overridable");
    assert!(overridden.allowed());
    assert_eq!(overridden.confirmation().text.as_deref(), Some("scale api 3->5"), "an override raises the level to the phrase");
    assert_ne!(overridden.hash(), plan.hash());
}

#[test]
fn a_scale_down_goes_by_half_at_most_each_step_proven_and_zero_is_a_debt() {
    let bench = Bench::new();
    let told = bench.scale(0);
    told.assert(End::Proven, "");
    let counts: Vec<Value> = bench
        .world
        .writes_to(Kind::Deployment)
        .iter()
        .filter_map(|w| if let Change::MergePatch(body) = &w.change { body.pointer("/spec/replicas").cloned() } else { None })
        .collect();
    assert_eq!(counts, [2, 1, 0], "never more than half of the three at once");
    assert!(told.proof_seconds("prove-ready-1") >= 5.0, "what is left must stay ready");
    let [debt] = &told.outcome.debts[..] else { unreachable!("one debt: {:?}", told.outcome.debts) };
    assert!(debt.what.contains("it had 3") && debt.pay.ends_with("--replicas=3"), "{debt:?}");
    assert_eq!(bench.world.object(&deployment())["metadata"]["annotations"]["timonel.io/replicas-before-zero"], "3");
}

#[test]
fn the_count_before_zero_is_offered_back() {
    let bench = Bench::new();
    bench.scale(0).assert(End::Proven, "");
    let other = bench.plan(5);
    let offered = other.checks().iter().find(|c| c.id == "before-zero").expect("a check");
    assert_eq!((offered.required, offered.result), (false, Answer::Failed));
    assert_eq!(offered.choices[0].parameter, "replicas=3");
    let same = bench.plan(3);
    assert!(same.checks().iter().any(|c| c.id == "before-zero" && c.result == Answer::Ok));
    bench.carry_out(same).assert(End::Proven, "");
    assert_eq!(bench.world.object(&deployment())["metadata"]["annotations"].get("timonel.io/replicas-before-zero"), None);
}
