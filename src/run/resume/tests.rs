//! Runs that are killed at every place where they touch the world, and resumed: what was meant is carried out once or not at all.

mod armed;
mod several;

use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::BoxFuture;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{ResumeError, Unfinished};
use crate::base::environment::EnvironmentKind;
use crate::run::actions::{self, ActionRequest};
use crate::run::context::PlanContext;
use crate::run::journal::{self, EntryKind, Journal};
use crate::run::world::{Fault, Limit, World, deployment, revisions};
use crate::run::{Control, Deps, End, Environment, NoProbes, Operator, Outcome, Plan, execute, resume};
use crate::target::api::{Access, Allowed, Change, Identity, Read, TargetError, Write, WritePermit, WriteRequest};
use crate::target::model::{Kind, Object, ObjectRef, Scope};

/// A way to the world that ends at one request: before it is sent, or when it was carried out and the answer is on its way.
#[derive(Clone)]
struct Mortal {
    world: World,
    left: Arc<AtomicUsize>,
    after: bool,
    dead: Arc<AtomicBool>,
}

impl Mortal {
    fn new(world: &World, requests: usize, after: bool) -> Self {
        Self { world: world.clone(), left: Arc::new(AtomicUsize::new(requests)), after, dead: Arc::default() }
    }

    async fn through<T>(&self, request: impl Future<Output = T>) -> T {
        let last = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err();
        if last && !self.after {
            self.die().await;
        }
        let answer = request.await;
        if last {
            self.die().await;
        }
        answer
    }

    async fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
        std::future::pending::<()>().await;
    }

    /// Runs until it is over, or until the process dies.
    fn run<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return Some(value);
            }
            if self.dead.load(Ordering::Relaxed) {
                return None;
            }
            self.world.with(crate::run::world::State::advance);
        }
    }
}

impl Read for Mortal {
    fn get<'a>(&'a self, object: &'a ObjectRef, subresource: &'a str) -> BoxFuture<'a, Result<Value, TargetError>> {
        Box::pin(self.through(self.world.get(object, subresource)))
    }
    fn list<'a>(&'a self, kind: Kind, scope: &'a Scope, labels: &'a str, fields: &'a str) -> BoxFuture<'a, Result<Vec<Value>, TargetError>> {
        Box::pin(self.through(self.world.list(kind, scope, labels, fields)))
    }
    fn list_slim<'a>(&'a self, kind: Kind, scope: &'a Scope) -> BoxFuture<'a, Result<Vec<Object>, TargetError>> {
        Box::pin(self.through(self.world.list_slim(kind, scope)))
    }
    fn raw<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, TargetError>> {
        Box::pin(self.through(self.world.raw(path)))
    }
    fn log<'a>(&'a self, pod: &'a ObjectRef, container: &'a str) -> BoxFuture<'a, Result<String, TargetError>> {
        Box::pin(self.through(self.world.log(pod, container)))
    }
    fn may<'a>(&'a self, access: &'a Access) -> BoxFuture<'a, Result<Allowed, TargetError>> {
        Box::pin(self.through(self.world.may(access)))
    }
    fn identity(&self) -> BoxFuture<'_, Identity> {
        Box::pin(self.through(self.world.identity()))
    }
    fn dry_run<'a>(&'a self, request: &'a WriteRequest) -> BoxFuture<'a, Result<Value, TargetError>> {
        Box::pin(self.through(self.world.dry_run(request)))
    }
}

impl Write for Mortal {
    fn write(&self, permit: WritePermit) -> BoxFuture<'_, Result<Value, TargetError>> {
        Box::pin(self.through(self.world.write(permit)))
    }
}

/// A machine with a journal on its disk.
struct Desk {
    world: World,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        // In memory where there is such a place: these tests make hundreds of journals, and each line is brought to the disk.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self { world: World::new(), folder: folder.expect("a folder") }
    }

    fn journal(&self) -> Journal {
        Journal::open(self.folder.path(), Arc::new(self.world.clone()), "bastion", "ana").expect("a journal")
    }

    fn plan(&self, action: &'static str, parameters: &[&str]) -> Plan {
        self.plan_about(deployment(), action, parameters)
    }

    fn plan_about(&self, object: ObjectRef, action: impl Into<std::borrow::Cow<'static, str>>, parameters: &[&str]) -> Plan {
        let operator = Operator { user: "ana".into(), host: "bastion".into(), cluster_user: String::new() };
        let mut context = PlanContext::new("eterna-prod", Environment::of_kind(EnvironmentKind::Production), operator);
        // Ids are told apart as those of one second are.
        context.random = 0x7f3a + u16::try_from(self.kinds().len()).expect("few lines");
        let parameters = parameters.iter().map(|p| (*p).to_owned()).collect();
        let request = ActionRequest { action: action.into(), object, parameters, overrides: Vec::new(), reason: None };
        self.world.run(actions::plan(&self.world, &self.world, &context, &request)).expect("a plan")
    }

    fn deps(&self, line: &Mortal) -> Deps {
        let (events, heard) = mpsc::channel(1);
        drop(heard);
        Deps {
            read: Arc::new(line.clone()),
            write: Arc::new(line.clone()),
            clock: Arc::new(self.world.clone()),
            timer: Arc::new(self.world.clone()),
            journal: Arc::new(self.journal()),
            probes: Arc::new(NoProbes),
            events,
            control: Arc::new(Control::new(false)),
        }
    }

    /// Carries a plan out over a line; `None` = the process died.
    fn carry_out(&self, plan: Plan, line: &Mortal) -> Option<Outcome> {
        let typed = plan.confirmation().text.clone().unwrap_or_default();
        let now = crate::base::clock::Clock::now(&self.world);
        let confirmed = plan.confirm(&typed, now).expect("confirmed");
        line.run(execute(confirmed, self.deps(line)))
    }

    /// Another process takes the run up.
    fn resume(&self, id: &str, line: &Mortal) -> Result<Option<Outcome>, ResumeError> {
        let unfinished = Unfinished::open(&self.journal(), id)?;
        let work = async {
            let resumed = unfinished.revive(line).await?;
            Ok(resume(resumed, self.deps(line)).await)
        };
        line.run(work).transpose()
    }

    fn alive(&self) -> Mortal {
        Mortal::new(&self.world, usize::MAX, false)
    }

    /// How many requests that change the workload itself were carried out: the way forward, the way back.
    fn arrived(&self) -> usize {
        self.world.writes_to(Kind::Deployment).iter().filter(|w| !is_note(w)).count()
    }

    fn replicas(&self) -> i64 {
        self.world.object(&deployment())["spec"]["replicas"].as_i64().expect("a number")
    }

    fn locked(&self) -> bool {
        let lease = self.world.object(&ObjectRef::new(Kind::Lease, "shop", "timonel-deployment-api"));
        lease["spec"].get("holderIdentity").is_some()
    }

    fn kinds(&self) -> Vec<EntryKind> {
        journal::read(self.folder.path()).expect("readable").entries.into_iter().map(|e| e.kind).collect()
    }
}

fn is_note(request: &WriteRequest) -> bool {
    matches!(&request.change, Change::MergePatch(body) if body.get("spec").is_none())
}

/// Kills a run at every request, before and after; `check` gets the desk, and what became of the run after it was resumed.
fn at_every_place(make: impl Fn() -> (Desk, Plan), check: impl Fn(&Desk, &str, &Outcome)) {
    let mut places = 0;
    for after in [false, true] {
        for requests in 0.. {
            let (desk, plan) = make();
            let id = plan.id().to_owned();
            let line = Mortal::new(&desk.world, requests, after);
            if desk.carry_out(plan, &line).is_some() {
                break;
            }
            places += 1;
            let place = format!("killed {} request {requests}", if after { "after" } else { "before" });
            let ended = desk.resume(&id, &desk.alive());
            match ended {
                Ok(outcome) => check(&desk, &place, &outcome.expect("nobody kills it")),
                // It had come to its end, and died while it cleaned up.
                Err(ResumeError::Over { .. }) => assert!(desk.kinds().contains(&EntryKind::End), "{place}"),
                Err(error) => unreachable!("{place}: {error}"),
            }
        }
    }
    assert!(places > 10, "a run has many places to die at: {places}");
}

#[test]
fn a_scale_that_is_killed_anywhere_is_proven_when_it_is_resumed_and_written_once() {
    let make = || {
        let desk = Desk::new();
        let plan = desk.plan("scale", &["replicas=5"]);
        (desk, plan)
    };
    at_every_place(make, |desk, place, outcome| {
        assert_eq!(outcome.outcome, End::Proven, "{place}: {outcome:?}");
        assert_eq!((desk.arrived(), desk.replicas(), desk.locked()), (1, 5, false), "{place}");
        assert_eq!(journal::verify(desk.folder.path()).expect("readable").damages, [], "{place}");
    });
}

#[test]
fn a_scale_that_fails_and_is_killed_anywhere_goes_back_once_when_it_is_resumed() {
    let make = || {
        let desk = Desk::new();
        let plan = desk.plan("scale", &["replicas=5"]);
        desk.world.with(|s| s.limit = Limit::Quota(4));
        (desk, plan)
    };
    at_every_place(make, |desk, place, outcome| {
        assert_eq!((outcome.outcome, outcome.undone), (End::Failed, true), "{place}: {outcome:?}");
        assert_eq!((desk.arrived(), desk.replicas(), desk.locked()), (2, 3, false), "{place}");
    });
}

#[test]
fn a_scale_down_in_stages_that_is_killed_anywhere_goes_on_with_the_stage_that_it_was_at() {
    let make = || {
        let desk = Desk::new();
        let plan = desk.plan("scale", &["replicas=0"]);
        (desk, plan)
    };
    at_every_place(make, |desk, place, outcome| {
        assert_eq!(outcome.outcome, End::Proven, "{place}: {outcome:?}");
        assert_eq!((desk.arrived(), desk.replicas(), desk.locked()), (3, 0, false), "{place}");
    });
}

#[test]
fn a_resumed_run_that_finds_its_lock_held_does_not_say_that_nothing_was_written() {
    let desk = Desk::new();
    let plan = desk.plan("scale", &["replicas=5"]);
    let id = plan.id().to_owned();
    let line = Mortal::new(&desk.world, usize::MAX, false);
    desk.world.with(|s| s.cut_off_after_write = true);
    let first = desk.carry_out(plan, &line).expect("nobody kills it");
    assert_eq!(first.outcome, End::Unknown, "{first:?}");
    let lease = ObjectRef::new(Kind::Lease, "shop", "timonel-deployment-api");
    desk.world.with(|s| {
        (s.cut_off_after_write, s.unreadable) = (false, std::collections::HashMap::new());
        let mut held = s.objects[&lease].clone();
        let now: jiff::Timestamp = "2026-11-22T14:33:12Z".parse().expect("a time");
        held["spec"]["holderIdentity"] = "bob@bastion/other".into();
        held["spec"]["renewTime"] = format!("{:.6}", now.checked_add(s.now).expect("in range")).into();
        s.put(&lease, held);
    });
    let second = desk.resume(&id, &desk.alive()).expect("it may be resumed").expect("nobody kills it");
    assert_eq!((second.outcome, second.debts.len()), (End::Unknown, 1), "{second:?}");
    assert!(second.debts[0].what.contains("may have been carried out") && second.reason.contains("bob"), "{second:?}");
}

#[test]
fn an_autoscaler_s_bound_and_the_count_are_each_written_once() {
    let make = || {
        let desk = Desk::new();
        let hpa = json!({ "metadata": { "uid": "h1" }, "spec": { "minReplicas": 3, "maxReplicas": 10,
            "scaleTargetRef": { "kind": "Deployment", "name": "api" } }, "status": { "desiredReplicas": 3 } });
        desk.world.with(|s| s.put(&ObjectRef::new(Kind::HorizontalPodAutoscaler, "shop", "api"), hpa));
        let plan = desk.plan("scale", &["replicas=5", "hpa=raise"]);
        (desk, plan)
    };
    at_every_place(make, |desk, place, outcome| {
        assert_eq!(outcome.outcome, End::Proven, "{place}: {outcome:?}");
        assert_eq!(
            (
                desk.world.writes_to(Kind::HorizontalPodAutoscaler).iter().filter(|w| !is_note(w)).count(),
                desk.arrived(),
                desk.replicas()
            ),
            (1, 1, 5),
            "{place}"
        );
    });
}

#[test]
fn rollback_restart_and_pause_are_resumed_with_what_the_journal_does_not_keep() {
    for (action, parameters) in [("rollback", &["to=2"][..]), ("restart", &[]), ("pause", &[])] {
        let make = || {
            let desk = Desk::new();
            revisions(&desk.world, &[0, 3, 0]);
            let plan = desk.plan(action, parameters);
            (desk, plan)
        };
        at_every_place(make, |desk, place, outcome| {
            assert_eq!(outcome.outcome, End::Proven, "{action} {place}: {outcome:?}");
            assert_eq!((desk.arrived(), desk.locked()), (1, false), "{action} {place}");
            if action == "rollback" {
                let now = desk.world.object(&deployment());
                assert_eq!(now["spec"]["template"]["spec"]["containers"][0]["image"], "api:2", "{place}");
            }
            let lines = std::fs::read_to_string(desk.folder.path().join("journal.jsonl")).expect("a journal");
            assert!(!lines.contains("hunter2"), "{action} {place}");
        });
    }
}

#[test]
fn a_rollback_that_fails_goes_back_to_the_template_that_was_there() {
    let make = || {
        let desk = Desk::new();
        revisions(&desk.world, &[0, 3, 0]);
        let plan = desk.plan("rollback", &["to=2"]);
        desk.world.with(|s| s.limit = Limit::Image(0));
        desk.world.after(Duration::from_secs(40), |s| s.limit = Limit::None);
        (desk, plan)
    };
    at_every_place(make, |desk, place, outcome| {
        // Where it was killed after the trouble was over, the way forward is proven instead.
        assert!(outcome.outcome == End::Proven || outcome.undone, "{place}: {outcome:?}");
        let image = desk.world.object(&deployment())["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        assert_eq!(image, if outcome.undone { "api:3" } else { "api:2" }, "{place}");
    });
}

#[test]
fn a_run_that_is_killed_again_while_it_is_resumed_is_still_written_once() {
    for first in (0..30).step_by(6) {
        for second in (0..30).step_by(3) {
            let desk = Desk::new();
            let plan = desk.plan("scale", &["replicas=5"]);
            let id = plan.id().to_owned();
            if desk.carry_out(plan, &Mortal::new(&desk.world, first, true)).is_some() {
                continue;
            }
            let ended = match desk.resume(&id, &Mortal::new(&desk.world, second, second % 2 == 0)) {
                Ok(None) => desk.resume(&id, &desk.alive()),
                other => other,
            };
            match ended {
                Ok(outcome) => assert_eq!(outcome.map(|o| o.outcome), Some(End::Proven), "{first} {second}"),
                Err(error) => assert!(matches!(error, ResumeError::Over { .. }), "{first} {second}: {error}"),
            }
            assert_eq!((desk.arrived(), desk.replicas()), (1, 5), "{first} {second}");
        }
    }
}

#[test]
fn what_somebody_else_did_meanwhile_is_neither_overwritten_nor_undone() {
    let make = || {
        let desk = Desk::new();
        let plan = desk.plan("scale", &["replicas=5"]);
        (desk, plan)
    };
    for count in [3, 7] {
        let seen = Mutex::new(0);
        for after in [false, true] {
            for requests in 0.. {
                let (desk, plan) = make();
                let id = plan.id().to_owned();
                if desk.carry_out(plan, &Mortal::new(&desk.world, requests, after)).is_some() {
                    break;
                }
                let arrived = desk.arrived();
                desk.world.with(|s| s.scale(count));
                let Ok(outcome) = desk.resume(&id, &desk.alive()) else { continue };
                let outcome = outcome.expect("nobody kills it");
                *seen.lock().expect("one thread") += 1;
                let place = format!("{count}: killed {after} {requests}: {outcome:?}");
                if arrived == 1 {
                    assert_eq!((desk.arrived(), desk.replicas()), (1, count), "{place}");
                    assert_eq!((outcome.outcome, outcome.debts.len()), (End::Failed, 0), "{place}");
                } else if count == 7 {
                    // Where a request may have left, it cannot be said that nothing was written.
                    assert_eq!((desk.arrived(), desk.replicas(), outcome.debts.len()), (0, 7, 0), "{place}");
                    assert!(matches!(outcome.outcome, End::Refused | End::Failed), "{place}");
                } else {
                    assert!(desk.arrived() <= 1, "{place}");
                }
            }
        }
        assert!(*seen.lock().expect("one thread") > 10);
    }
}

/// A run that was killed when its write had arrived and nobody knew.
fn killed_in_the_middle() -> (Desk, String) {
    for requests in 0.. {
        let desk = Desk::new();
        let plan = desk.plan("scale", &["replicas=5"]);
        let id = plan.id().to_owned();
        assert!(desk.carry_out(plan, &Mortal::new(&desk.world, requests, true)).is_none());
        if desk.arrived() == 1 {
            return (desk, id);
        }
    }
    unreachable!("some request is the write")
}

#[test]
fn the_object_that_was_made_anew_is_another_one() {
    let (desk, id) = killed_in_the_middle();
    desk.world.with(crate::run::world::State::recreate);
    let outcome = desk.resume(&id, &desk.alive()).expect("resumed").expect("ended");
    assert_eq!((outcome.outcome, desk.arrived()), (End::Failed, 1), "{outcome:?}");
    assert!(outcome.reason.contains("made again"), "{outcome:?}");
}

#[test]
fn two_who_resume_one_run_are_kept_apart_and_so_is_one_who_resumes_what_is_over() {
    let (desk, id) = killed_in_the_middle();
    let journal = desk.journal();
    let left = || journal::left_behind(desk.folder.path()).expect("readable").into_iter().map(|r| r.id).collect::<Vec<_>>();
    // What a killed process leaves; dropping the future has let go of the claim as its end would.
    std::fs::write(desk.folder.path().join("running").join(&id), "").expect("written");
    assert_eq!(left(), std::slice::from_ref(&id), "a console that starts can say so");
    let first = Unfinished::open(&journal, &id).expect("claimed");
    assert!(left().is_empty(), "it goes on");
    assert!(matches!(Unfinished::open(&journal, &id), Err(ResumeError::Running(_))));
    drop(first);
    assert_eq!(desk.resume(&id, &desk.alive()).expect("resumed").map(|o| o.outcome), Some(End::Proven));
    assert!(left().is_empty());
    assert!(matches!(desk.resume(&id, &desk.alive()), Err(ResumeError::Over { .. })));
    let Err(missing) = Unfinished::open(&journal, "20261122-145052-scale-7f3b") else { unreachable!("there is none") };
    assert!(missing.hint().is_some_and(|h| h.contains(&id)), "{missing}");
    assert!(
        std::fs::read_dir(desk.folder.path().join("running")).expect("a folder").next().is_none(),
        "nothing is left of the claims"
    );
}

#[test]
fn a_journal_that_was_touched_and_another_cluster_are_refused() {
    let (desk, id) = killed_in_the_middle();
    let path = desk.folder.path().join("journal.jsonl");
    let text = std::fs::read_to_string(&path).expect("a journal");
    std::fs::write(&path, text.replacen("3->5", "3->9", 1)).expect("written");
    assert!(matches!(desk.resume(&id, &desk.alive()), Err(ResumeError::Damaged(_))));
    std::fs::write(&path, text + "{\"seq\":99,\"at\":").expect("written");
    let outcome = desk.resume(&id, &desk.alive()).expect("a torn last line is no damage").expect("ended");
    assert_eq!(outcome.outcome, End::Proven);
    assert!(torn_is_aside(desk.folder.path()));
}

fn torn_is_aside(folder: &Path) -> bool {
    folder.join("journal.torn").exists()
}

/// How often the count was set to this by a request of ours that arrived.
fn arrived_with(desk: &Desk, count: i64) -> usize {
    let sets = |w: &&WriteRequest| matches!(&w.change, Change::MergePatch(body) if body["spec"]["replicas"] == count);
    desk.world.writes_to(Kind::Deployment).iter().filter(sets).count()
}

/// What happens besides, and when: in the middle of the run, or between its death and its resumption.
fn meddle(desk: &Desk, what: u8) {
    let fault = |fault| desk.world.with(|s| s.faults.push_back((Kind::Deployment, fault)));
    match what {
        1 => fault(Fault::CutAfter),
        2 => fault(Fault::CutBefore),
        3 => fault(Fault::Race),
        4 => desk.world.with(|s| s.limit = Limit::Quota(4)),
        5 => desk.world.with(|s| s.scale(7)),
        6 => desk.world.with(|s| s.scale(3)),
        7 => desk.world.with(|s| s.limit = Limit::None),
        8 => desk.world.after(Duration::from_secs(2), |s| s.scale(3)),
        _ => {}
    }
}

/// Runs of that plan that were killed before anything of them arrived.
fn killed_before_the_write(action: &'static str, parameters: &[&str]) -> Vec<(Desk, String)> {
    let mut all = Vec::new();
    for requests in 0.. {
        let desk = Desk::new();
        revisions(&desk.world, &[0, 3, 0]);
        let plan = desk.plan(action, parameters);
        let id = plan.id().to_owned();
        if desk.carry_out(plan, &Mortal::new(&desk.world, requests, false)).is_some() || desk.arrived() > 0 {
            break;
        }
        all.push((desk, id));
    }
    assert!(all.len() > 2, "there are places before the write");
    all
}

#[test]
fn a_quota_and_another_owner_are_asked_again_before_a_resumed_run_writes() {
    let full =
        json!({ "metadata": { "uid": "q" }, "spec": { "hard": { "pods": "3" } }, "status": { "hard": { "pods": "3" }, "used": { "pods": "3" } } });
    for (desk, id) in killed_before_the_write("scale", &["replicas=5"]) {
        desk.world.with(|s| s.put(&ObjectRef::new(Kind::ResourceQuota, "shop", "q"), full.clone()));
        let outcome = desk.resume(&id, &desk.alive()).expect("taken up").expect("it ends");
        assert!(outcome.outcome == End::Refused && outcome.reason.contains("check quota"), "{outcome:?}");
        assert_eq!((desk.arrived(), desk.locked()), (0, false));
    }
    for (desk, id) in killed_before_the_write("rollback", &["to=2"]) {
        desk.world.with(|s| {
            let mut object = s.objects[&deployment()].clone();
            object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:apps/Deployment:shop/api".into();
            s.put(&deployment(), object);
        });
        let outcome = desk.resume(&id, &desk.alive()).expect("taken up").expect("it ends");
        assert!(outcome.outcome == End::Refused && outcome.reason.contains("check owner:argocd"), "{outcome:?}");
        assert_eq!(desk.arrived(), 0);
    }
}

#[test]
fn a_template_that_a_run_proved_ready_is_known_from_the_journal_and_nothing_of_it_is_kept() {
    let desk = Desk::new();
    revisions(&desk.world, &[0, 3, 0]);
    let to = desk.world.object(&ObjectRef::new(Kind::ReplicaSet, "shop", "api-2"))["spec"]["template"].clone();
    let plan = desk.plan("rollback", &["to=2"]);
    assert_eq!(desk.carry_out(plan, &desk.alive()).map(|o| o.outcome), Some(End::Proven));
    let entries = journal::read(desk.folder.path()).expect("readable").entries;
    let proven = journal::proven_templates(&entries, &deployment(), Some("cluster-1"));
    assert!(proven.contains(&crate::run::rollback::template_digest(&to)), "{proven:?}");
    for (object, uid) in
        [(ObjectRef::new(Kind::Deployment, "shop", "web"), Some("cluster-1")), (deployment(), Some("cluster-2")), (deployment(), None)]
    {
        assert!(journal::proven_templates(&entries, &object, uid).is_empty(), "{object} {uid:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// However often it is killed and whatever else happens: one confirmation is one write forward and one back at most, proven
    /// means that it is so, refused means that nothing arrived, and what is left of the run is listed.
    #[test]
    fn one_confirmation_is_one_write_and_what_is_left_is_listed(
        deaths in prop::collection::vec((0..40_usize, any::<bool>()), 0..4),
        meddling in prop::collection::vec(0..9_u8, 5),
    ) {
        let desk = Desk::new();
        let plan = desk.plan("scale", &["replicas=5"]);
        let id = plan.id().to_owned();
        meddle(&desk, meddling[0]);
        let line = |at: usize| deaths.get(at).map_or_else(|| desk.alive(), |(requests, after)| Mortal::new(&desk.world, *requests, *after));
        let mut ended = desk.carry_out(plan, &line(0));
        for (at, what) in meddling.iter().enumerate().take(deaths.len() + 1).skip(1) {
            if ended.is_some() {
                break;
            }
            meddle(&desk, *what);
            ended = match desk.resume(&id, &line(at)) {
                Ok(outcome) => outcome,
                Err(ResumeError::Over { .. }) => break,
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            };
        }
        prop_assert!(arrived_with(&desk, 5) <= 1 && arrived_with(&desk, 3) <= 1, "{:?}", desk.world.writes_to(Kind::Deployment));
        let Some(outcome) = ended else { return Ok(()) };
        match outcome.outcome {
            End::Proven => prop_assert_eq!(desk.replicas(), 5),
            End::Refused => prop_assert_eq!(desk.arrived(), 0),
            End::Failed | End::FailedWithDebts | End::Unknown => {
                let ours = desk.replicas() == 5;
                prop_assert!(!ours || !outcome.debts.is_empty(), "what is left is listed: {:?}", outcome);
            }
        }
        prop_assert!(!outcome.undone || desk.replicas() == 3, "{:?}", outcome);
    }
}
