//! Thousands of random histories over a small world that remembers what was really done to it: lost answers, refusals, other people, a
//! full disk, a lost lock, signals, and processes that die and are resumed. Whatever happens, the run keeps its promises to the world, and
//! not only to its own record.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Effect, Input, Locking, Looked, Machine, Moment, Observed, Ran, Stop};
use super::pass;
use crate::base::environment::EnvironmentKind;
use crate::run::actions::{self, ActionRequest};
use crate::run::context::PlanContext;
use crate::run::event::{Happening, Progress};
use crate::run::journal::{Draft, Entry, EntryKind};
use crate::run::outcome::{End, Outcome, Way};
use crate::run::plan::Plan;
use crate::run::program::{self, Does, Program, ProgramStep, Run};
use crate::run::resume::past;
use crate::run::step::{FieldWrite, Form, OnFail, Policy, Position, StepId, Work, put};
use crate::run::world::{World, deployment, neighbour};
use crate::run::{Environment, Operator};
use crate::target::api::{Delivery, ErrorKind, TargetError};
use crate::target::model::{Kind, ObjectRef};

/// One thing that happens, as numbers to choose by.
#[derive(Debug, Clone, Copy)]
struct Dice {
    /// What comes of the effect; 0 is good news.
    fate: u8,
    /// What somebody else does in the same moment; 0 is nothing.
    other: u8,
    /// Which object they do it to.
    whose: u8,
    /// How long it takes, in tenths of a second.
    wait: u16,
    stop: u8,
    /// The process dies: 1 before the effect, 2 after it.
    dies: u8,
    attended: bool,
    lock_lost: bool,
}

const KIND: Dice = Dice { fate: 0, other: 0, whose: 0, wait: 10, stop: 0, dies: 0, attended: false, lock_lost: false };

fn dice() -> impl Strategy<Value = Dice> {
    let fate = prop_oneof![6 => Just(0_u8), 1 => 1..8_u8];
    let other = prop_oneof![40 => Just(0_u8), 1 => 1..5_u8];
    let stop = prop_oneof![60 => Just(0_u8), 1 => 1..4_u8];
    let dies = prop_oneof![40 => Just(0_u8), 1 => 1..3_u8];
    (fate, other, 0..3_u8, 0..60_u16, stop, dies, any::<bool>(), prop::bool::weighted(0.005))
        .prop_map(|(fate, other, whose, wait, stop, dies, attended, lock_lost)| Dice { fate, other, whose, wait, stop, dies, attended, lock_lost })
}

/// The objects of a plan as they really are, and what was really done to them.
struct Truth {
    objects: BTreeMap<ObjectRef, Value>,
    version: i64,
    /// Objects whose value is somebody else's, were it the same as ours.
    foreign: BTreeSet<ObjectRef>,
    /// Objects of which somebody else wanted something at any time.
    meddled: BTreeSet<ObjectRef>,
    /// How often each step's write took effect.
    done: BTreeMap<String, u32>,
}

impl Truth {
    fn of(plan: &Plan) -> Self {
        let mut truth = Self {
            objects: BTreeMap::new(),
            version: 100,
            foreign: BTreeSet::new(),
            meddled: BTreeSet::new(),
            done: BTreeMap::new(),
        };
        for (_, write) in plan.writes() {
            let mut object = json!({ "metadata": { "uid": write.uid, "generation": 1 } });
            for change in &write.changes {
                put(&mut object, change.pointer, change.before.clone());
            }
            truth.objects.entry(write.object.clone()).or_insert(object);
        }
        for object in truth.objects.clone().keys() {
            truth.touch(object);
        }
        truth
    }

    fn touch(&mut self, object: &ObjectRef) {
        self.version += 1;
        self.objects.get_mut(object).expect("known")["metadata"]["resourceVersion"] = self.version.to_string().into();
    }

    fn set(&mut self, object: &ObjectRef, pointer: &str, value: Value) {
        let known = self.objects.get_mut(object).expect("known");
        put(known, pointer, value);
        known["metadata"]["generation"] = (known["metadata"]["generation"].as_i64().unwrap_or(0) + 1).into();
        self.touch(object);
    }

    /// A request with its precondition, as a server treats it.
    fn commit(&mut self, step: StepId, write: &FieldWrite, version: &str) -> Result<String, TargetError> {
        let object = &self.objects[&write.object];
        if object["metadata"]["resourceVersion"] != version || object["metadata"]["uid"] != *write.uid {
            return Err(TargetError::new(ErrorKind::Conflict, "the object has been modified"));
        }
        for change in &write.changes {
            self.set(&write.object, change.pointer, change.after.clone());
        }
        self.foreign.remove(&write.object);
        *self.done.entry(step.to_string()).or_default() += 1;
        Ok(self.version.to_string())
    }

    /// Somebody else: annotates it, wants something else of it, takes a change back, makes it anew.
    fn other(&mut self, plan: &Plan, dice: Dice) {
        let writes: Vec<&FieldWrite> = plan.writes().map(|(_, w)| w).collect();
        let write = writes[usize::from(dice.whose) % writes.len()];
        if write.exec().is_some() {
            return;
        }
        if dice.other > 1 {
            self.foreign.insert(write.object.clone());
            self.meddled.insert(write.object.clone());
        }
        match dice.other {
            1 => self.touch(&write.object),
            2 => self.set(&write.object, write.changes[0].pointer, json!(77)),
            3 => self.set(&write.object, write.changes[0].pointer, write.changes[0].before.clone()),
            4 => self.set(&write.object, "/metadata/uid", json!("another")),
            _ => {}
        }
    }

    fn position(&self, write: &FieldWrite) -> Result<Position, String> {
        write.position(&self.objects[&write.object])
    }

    /// Whether the object is as this write of the plan made it.
    fn is_ours(&self, write: &FieldWrite) -> bool {
        !self.foreign.contains(&write.object) && matches!(self.position(write), Ok(Position::After(_)))
    }
}

/// What a history came to.
struct History {
    truth: Truth,
    outcome: Outcome,
    /// Ids of the steps that were told as proven, by any process.
    proofs: Vec<StepId>,
    /// Ids of the steps that were begun, by any process and by the last one.
    began: Vec<StepId>,
    began_last: Vec<StepId>,
    /// How often each step's write was sent.
    sent: BTreeMap<String, usize>,
    /// Commands of which a person said that they were done, and how often one was wanted once more.
    said: Vec<(StepId, Way)>,
    deaths: u32,
}

/// What is on the disk.
#[derive(Default)]
struct Disk {
    drafts: Vec<Draft>,
}

impl Disk {
    fn entries(&self) -> Vec<Entry> {
        let entry = |d: &Draft| Entry {
            schema: String::new(),
            seq: 0,
            at: jiff::Timestamp::UNIX_EPOCH,
            host: String::new(),
            user: String::new(),
            run: d.run.clone(),
            kind: d.kind,
            data: d.data.clone(),
            prev: None,
            hash: String::new(),
        };
        self.drafts.iter().map(entry).collect()
    }

    fn steps(&self, kind: EntryKind, wanted: impl Fn(&Draft) -> bool) -> Vec<String> {
        let own = self.drafts.iter().filter(|d| d.kind == kind && wanted(d));
        own.filter_map(|d| d.data["step"].as_str().map(str::to_owned)).collect()
    }
}

fn lost() -> TargetError {
    TargetError { delivery: Delivery::MayBeDone, ..TargetError::new(ErrorKind::Timeout, "no answer came") }
}

fn refused(fate: u8) -> TargetError {
    let kinds = [ErrorKind::TooManyRequests, ErrorKind::Server, ErrorKind::Forbidden, ErrorKind::Unreachable];
    TargetError { delivery: Delivery::NotDone, ..TargetError::new(kinds[usize::from(fate) % kinds.len()], "no") }
}

fn seen(truth: &Truth, plan: &Plan, proof: &crate::run::step::Proof, fate: u8) -> Observed {
    let mut own = plan.writes().map(|(_, w)| w).filter(|w| w.object == proof.object);
    let known = own.any(|w| truth.position(w).is_ok_and(|p| !matches!(p, Position::Moved(_))));
    match fate {
        _ if !known => Observed::Moved("it is another value now".to_owned()),
        1 | 2 => Observed::Waiting(Progress { text: "2/3 ready".to_owned(), ..Progress::default() }),
        3 => Observed::Hopeless("ImagePullBackOff".to_owned()),
        4 | 5 => Observed::Unreadable("the connection was refused".to_owned()),
        _ => Observed::Proven("as meant".to_owned()),
    }
}

/// Plays one history to its end; fails as soon as a promise is broken on the way.
fn play(plan: &Plan, rolls: &[Dice]) -> Result<History, TestCaseError> {
    let (mut truth, mut disk) = (Truth::of(plan), Disk::default());
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    let mut moment = Moment { now: Duration::from_secs(1000), ..Moment::default() };
    // When the rolls are used up the world is kind, but time goes on.
    let mut rolls = rolls.iter().copied().chain(std::iter::repeat(KIND));
    let mut machine = Machine::new(plan.clone(), "ana@bastion".into());
    let (mut input, mut deaths, mut began, mut proofs) = (Input::Start, 0, false, Vec::new());
    let (mut all_begun, mut begun_now, mut said) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..20_000 {
        let turn = machine.next(input, moment.clone());
        prop_assert!(!matches!(turn.effect, Effect::Send(..)) || !moment.lock_lost, "a request after the lock was lost");
        proofs.extend(
            turn.happenings
                .iter()
                .filter_map(|h| if let Happening::StepProven { step, .. } = h { Some(*step) } else { None }),
        );
        let begun = |h: &Happening| if let Happening::StepStarted { step, .. } = h { Some(*step) } else { None };
        begun_now.extend(turn.happenings.iter().filter_map(begun));
        let roll = rolls.next().unwrap_or(KIND);
        pass(&mut moment, roll.wait, roll.stop, roll.lock_lost);
        moment.attended = roll.attended;
        truth.other(plan, roll);
        let dies = if began { roll.dies } else { 0 };
        if let Effect::End(outcome) = turn.effect {
            all_begun.extend(begun_now.iter().copied());
            return Ok(History { truth, outcome, proofs, began: all_begun, began_last: begun_now, sent, said, deaths });
        }
        let asked = matches!(turn.effect, Effect::Ask(_));
        let answer =
            if dies == 1 { Input::Paused } else { perform(&turn.effect, &machine, plan, roll, &mut truth, &mut disk, &mut sent, &mut moment)? };
        if let (true, Input::Answered(way)) = (asked, &answer) {
            said.push((machine.step_id(), *way));
        }
        began |= disk.drafts.iter().any(|d| d.kind == EntryKind::Confirm);
        input = answer;
        if dies > 0 {
            deaths += 1;
            all_begun.append(&mut begun_now);
            machine = Machine::resuming(plan.clone(), "ana@bastion".into(), past(disk.entries().iter()));
            moment = Moment { now: moment.now + Duration::from_mins(1), ..Moment::default() };
            input = Input::Start;
        }
    }
    Err(TestCaseError::fail("a run without an end"))
}

#[expect(clippy::too_many_arguments, reason = "everything that an effect may touch")]
fn perform(
    effect: &Effect,
    machine: &Machine,
    plan: &Plan,
    roll: Dice,
    truth: &mut Truth,
    disk: &mut Disk,
    sent: &mut BTreeMap<String, usize>,
    moment: &mut Moment,
) -> Result<Input, TestCaseError> {
    let fate = roll.fate;
    Ok(match effect {
        Effect::Record(_) if fate == 7 => Input::Recorded(Err("disk full".to_owned())),
        Effect::Record(drafts) => {
            disk.drafts.extend(drafts.iter().cloned());
            Input::Recorded(Ok(()))
        }
        Effect::Lock => Input::Locked(match fate {
            1 => Locking::Held("bob".to_owned()),
            2 => Locking::Impossible("no right".to_owned()),
            _ => Locking::Taken(Vec::new()),
        }),
        Effect::Verify(_) => Input::Verified(match fate {
            1 => Ok(vec!["spec.template changed".to_owned()]),
            2 => Err(refused(1)),
            _ => Ok(Vec::new()),
        }),
        Effect::Look(write) => Input::Looked(match fate {
            1..=3 => Looked::Unreadable("the connection was refused".to_owned()),
            _ => truth.position(write).map_or_else(Looked::Other, Looked::At),
        }),
        Effect::Send(write, version) => {
            let step = machine.step_id();
            let number = sent.entry(step.to_string()).or_default();
            *number += 1;
            let intents = disk.steps(EntryKind::Intent, |d| step == *d.data["step"].as_str().unwrap_or_default()).len();
            let back = step.word().starts_with("undo");
            prop_assert!(intents >= *number || back, "{step} was sent {number} times with {intents} intents on the disk");
            if write.exec().is_some() {
                return Ok(Input::Ran(run(truth, step, fate)));
            }
            Input::Sent(match fate {
                1 | 2 => Err(refused(fate)),
                3 => Err(lost()),
                4 => truth.commit(step, write, version).and_then(|_| Err(lost())),
                5 => Err(refused(0)),
                _ => truth.commit(step, write, version),
            })
        }
        Effect::Observe(proof) => Input::Observed(seen(truth, plan, proof, fate)),
        Effect::Pause(time) => {
            moment.now += *time;
            Input::Paused
        }
        Effect::Ask(question) => {
            let way = question.ways[usize::from(fate) % question.ways.len()];
            if way == Way::Wait {
                moment.stop = Stop::No;
            }
            Input::Answered(way)
        }
        Effect::Tell(_) => Input::Told(Vec::new()),
        Effect::Release => Input::Released,
        Effect::End(_) => unreachable!("handled by the caller"),
    })
}

/// A command in a pod: refused, lost before or after it ran, failed, or done.
fn run(truth: &mut Truth, step: StepId, fate: u8) -> Result<Ran, TargetError> {
    let mut runs = |code| {
        *truth.done.entry(step.to_string()).or_default() += 1;
        Ran { code, said: String::new() }
    };
    match fate {
        1 | 2 => Err(refused(2)),
        3 => Err(lost()),
        4 => {
            runs(0);
            Err(lost())
        }
        5 => Ok(runs(7)),
        _ => Ok(runs(0)),
    }
}

/// A command runs once for one confirmation and once more for each time that somebody wants it; one that may have run is proven,
/// taken back, or a debt.
fn check_command(plan: &Plan, history: &History, step: StepId, object: &ObjectRef) -> Result<(), TestCaseError> {
    let (outcome, runs) = (&history.outcome, history.truth.done.get(&step.to_string()).copied().unwrap_or_default());
    let wanted = |way| history.said.iter().filter(|(of, w)| (*of, *w) == (step, way)).count();
    prop_assert!(usize::try_from(runs).unwrap_or_default() <= 1 + wanted(Way::Again), "{step} ran {runs} times");
    prop_assert!(outcome.outcome != End::Proven || runs > 0 || wanted(Way::Done) > 0, "{step} never ran, and the run is proven");
    prop_assert!(
        outcome.outcome != End::Refused || runs == 0 || history.deaths > 0 || wanted(Way::NotDone) > 0,
        "{step} ran, and the run says nothing"
    );
    let back = plan.inner.undo_steps.iter().find(|u| u.undoes == Some(step)).map(|u| u.step.id.to_string());
    let taken_back = back.as_ref().is_some_and(|id| history.truth.done.contains_key(id));
    let told = history.proofs.contains(&step) || taken_back || wanted(Way::NotDone) > 0;
    let in_debt = outcome.debts.iter().any(|d| d.object == object.to_string());
    prop_assert!(runs == 0 || told || in_debt, "{step} ran, which is neither proven nor a debt: {outcome:?}");
    Ok(())
}

fn check(plan: &Plan, history: &History) -> Result<(), TestCaseError> {
    let (truth, outcome) = (&history.truth, &history.outcome);
    prop_assert!(!outcome.reason.contains("did not ask for"), "{}", outcome.reason);
    let commands: Vec<String> = plan.writes().filter(|(_, w)| w.exec().is_some()).map(|(s, _)| s.id.to_string()).collect();
    let back = |id: &String| {
        plan.inner
            .undo_steps
            .iter()
            .any(|u| u.step.id == **id && u.undoes.is_some_and(|of| commands.contains(&of.to_string())))
    };
    for (step, done) in truth.done.iter().filter(|(id, _)| !commands.contains(id) && !back(id)) {
        prop_assert!(*done <= 1, "{step} was carried out {done} times for one confirmation");
    }
    let in_debt = |object: &ObjectRef| outcome.debts.iter().any(|d| d.object == object.to_string());
    let proven = |number: u16| plan.proofs_of(number).all(|s| history.proofs.contains(&s.id));
    for (step, write) in plan.writes() {
        if write.exec().is_some() {
            check_command(plan, history, step.id, &write.object)?;
            continue;
        }
        let done = truth.done.contains_key(&step.id.to_string());
        match outcome.outcome {
            End::Refused => prop_assert!(!done || history.deaths > 0, "{} was carried out by a run that says it wrote nothing", step.id),
            // Where the answer was lost, the same change by somebody else cannot be told from ours.
            End::Proven => {
                let as_meant = done || (history.sent.contains_key(&step.id.to_string()) && truth.meddled.contains(&write.object));
                prop_assert!(as_meant && proven(step.id.member()), "{} is proven", step.id);
            }
            _ => {}
        }
        // What is still as the run made it is proven as a whole, or is a debt; only what has no way back may stay once it is proven itself.
        let stays = done && truth.is_ours(write) && outcome.outcome != End::Proven;
        let policy = plan.policy(step.id.member());
        // Where the run went past a failure, what was proven is meant to stay.
        let meant = proven(step.id.member()) && !outcome.failed_steps.is_empty();
        let has_way_back = plan.inner.undo_steps.iter().any(|u| u.undoes == Some(step.id)) && policy.goes_back() && !meant;
        if stays && (has_way_back || !proven(step.id.member())) {
            prop_assert!(in_debt(&write.object), "{} is left behind and no debt: {outcome:?}", step.id);
        }
    }
    for debt in &outcome.debts {
        prop_assert!(!debt.pay.is_empty() && !debt.what.is_empty(), "{debt:?}");
    }
    prop_assert!(outcome.outcome != End::Proven || outcome.failed_steps.is_empty(), "proven, and steps failed: {outcome:?}");
    // Whatever way a run went out that had begun: what always runs was begun.
    let entered = history.began_last.iter().any(|id| id.member() > 0);
    if entered && outcome.journal.is_none() {
        let always = plan.steps().iter().map(|s| s.id).filter(|id| plan.policy(id.member()).always);
        let missing: Vec<StepId> = always.filter(|id| !history.began.iter().any(|b| b.member() == id.member())).collect();
        prop_assert!(missing.is_empty(), "{missing:?} always run: {outcome:?}");
    }
    Ok(())
}

fn plan(action: &'static str, parameters: &[&str]) -> Plan {
    let world = World::new();
    for name in ["web", "worker"] {
        neighbour(&world, name);
    }
    let context = PlanContext::new("dev", Environment::of_kind(EnvironmentKind::Development), Operator::default());
    let parameters = parameters.iter().map(|p| (*p).to_owned()).collect();
    let request = ActionRequest { action: action.into(), object: deployment(), parameters, overrides: Vec::new(), reason: None };
    world.run(actions::plan(&world, &world, &context, &request)).expect("a plan")
}

/// A scale between two commands: one with a command that takes it back, one without.
fn commands() -> Plan {
    let world = World::new();
    let web = neighbour(&world, "web");
    let context = PlanContext::new("dev", Environment::of_kind(EnvironmentKind::Development), Operator::default());
    let run = |workload: &ObjectRef, back: Option<&str>| {
        let words = |word: &str| vec!["app".to_owned(), word.to_owned()];
        Does::Command(Run {
            workload: workload.clone(),
            container: Some("api".into()),
            argv: words("on"),
            back: back.map(words),
            reads: false,
            again: false,
        })
    };
    let request = ActionRequest {
        action: "scale".into(),
        object: deployment(),
        parameters: vec!["replicas=5".into()],
        overrides: Vec::new(),
        reason: None,
    };
    let steps =
        vec![ProgramStep::of("on", run(&web, Some("off"))), ProgramStep::of("up", Does::Action(request)), ProgramStep::of("warm", run(&web, None))];
    let program = Program::of_steps("commands", steps);
    let home = ObjectRef::new(Kind::Namespace, "", "shop");
    world.run(program::plan(&world, &world, &context, &program, &home)).expect("a plan")
}

/// One object and several, with a way back and without, in either order, in stages.
fn plans() -> &'static [Plan] {
    static PLANS: std::sync::OnceLock<Vec<Plan>> = std::sync::OnceLock::new();
    PLANS.get_or_init(|| {
        let with = ["with=deployment/web", "with=deployment/worker"];
        let scale = ["replicas=5", "with=deployment/web=4", "with=deployment/worker=2"];
        let mut made = vec![
            plan("scale", &["replicas=5"]),
            plan("scale", &["replicas=0"]),
            plan("restart", &[]),
            plan("restart", &with),
            plan("restart", &[with[0], with[1], "order=parallel"]),
            plan("scale", &scale),
            plan("scale", &[scale[0], scale[1], scale[2], "order=parallel"]),
            plan("scale", &["replicas=0", "with=deployment/web=0", "order=parallel"]),
            plan("pause", &with),
        ];
        let rules = |base: usize, rules: [Policy; 3], plans: &[Plan]| {
            let mut plan = plans[base].clone();
            plan.inner.members.iter_mut().zip(rules).for_each(|(m, policy)| m.policy = policy);
            plan
        };
        let of = Policy::default;
        let on = |on_fail| Policy { on_fail, ..of() };
        let tried = |on_fail| Policy { retries: 2, backoff: Duration::from_secs(1), timeout: Some(Duration::from_secs(30)), ..on(on_fail) };
        let always = || Policy { always: true, ..of() };
        let with_rules = vec![
            rules(5, [tried(OnFail::Undo), tried(OnFail::Continue), always()], &made),
            rules(5, [on(OnFail::Continue), on(OnFail::Abort), Policy { on_fail: OnFail::Continue, ..always() }], &made),
            rules(6, [on(OnFail::Continue), Policy { undo: false, ..tried(OnFail::Undo) }, always()], &made),
            rules(3, [always(), on(OnFail::Continue), tried(OnFail::Abort)], &made),
        ];
        made.extend(with_rules);
        made.push(commands());
        let merges = |p: &Plan| p.steps().iter().all(|s| !matches!(&s.work, Work::Write(w) if w.form != Form::Merge && w.exec().is_none()));
        assert!(made.iter().all(merges), "the truth here knows merges alone");
        made
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    /// No write without a recorded intent; no second one for one confirmation; an end to every run; every left-behind is a debt.
    #[test]
    fn whatever_happens_the_world_is_as_the_run_says(which in 0..14_usize, rolls in prop::collection::vec(dice(), 0..160)) {
        let plan = &plans()[which];
        check(plan, &play(plan, &rolls)?)?;
    }
}

#[test]
fn a_kind_world_proves_every_plan_and_the_checker_of_the_world_can_fail() {
    for plan in plans() {
        let history = play(plan, &[]).expect("promises are kept");
        assert_eq!(history.outcome.outcome, End::Proven, "{:?}", history.outcome);
        check(plan, &history).expect("promises are kept");
        let mut twice = play(plan, &[]).expect("promises are kept");
        twice.truth.done.values_mut().for_each(|n| *n = 2);
        assert!(check(plan, &twice).is_err(), "a second write is seen");
        let mut hidden = play(plan, &[]).expect("promises are kept");
        hidden.outcome = Outcome::new(End::Failed, "as if");
        hidden.proofs.clear();
        assert!(check(plan, &hidden).is_err(), "what is left behind in silence is seen");
    }
}
