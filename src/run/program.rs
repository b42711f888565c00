//! A plan of several different steps: what a service file's action comes to.
//!
//! Owns how the plans of its steps become one plan with one hash and one confirmation, each step made for what the steps before it
//! leave behind. What a step changes is its own action's plan, with that action's checks and proofs. Knows no service file.

mod combine;
mod command;
mod image;
mod job;
mod look;
mod project;
mod still;

pub use self::image::SetImage;
pub use self::look::Look;

use std::borrow::Cow;
use std::time::Duration;

use self::project::Projected;
use super::actions::{self, ActionRequest, ActionSpec};
use super::check::Check;
use super::context::{PlanContext, PlanError};
use super::level::Raise;
use super::migrate;
use super::plan::{Draft, Inputs, Plan};
use super::scrub;
use super::step::{JobCommand, Policy};
use crate::base::clock::Clock;
use crate::base::confirmation::Confirmation;
use crate::target::api::Read;
use crate::target::model::{Kind, ObjectRef};

/// Before the id of an action of the service file, where it stands among the engine's own.
pub const PREFIX: &str = "own:";
/// The parameter with the digest of the steps: part of the hash, nothing that anybody gives.
const DEFINITION: &str = "definition";

/// The id of the action of the service file that is meant; `None` for one of the engine's own.
pub fn named(action: &str) -> Option<&str> {
    action.strip_prefix(PREFIX)
}

/// The action, object and parameters that ask for such a plan again.
pub(in crate::run) fn asking(action: &str, inputs: &Inputs, subject: &ObjectRef) -> (Cow<'static, str>, ObjectRef, Vec<String>) {
    let given = inputs.parameters.iter().filter(|(name, _)| name != DEFINITION);
    let place = if subject.namespace.is_empty() { &subject.name } else { &subject.namespace };
    let home = ObjectRef::new(Kind::Namespace, "", place.clone());
    (format!("{PREFIX}{action}").into(), home, given.map(|(name, value)| format!("{name}={value}")).collect())
}

/// What is wanted: the steps of one action, and what it asks for besides.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// Name of the action: part of the run's id, the record and the hash.
    pub action: String,
    /// Title for people.
    pub title: String,
    /// What was given, as pairs; part of the hash.
    pub parameters: Vec<(String, String)>,
    /// The least confirmation.
    pub level: Confirmation,
    /// What is typed where a phrase is asked for; `None` = the plan's own words.
    pub phrase: Option<String>,
    /// What one of the engine's own actions came to several steps for; `None` for an action of a service file.
    pub of: Option<ObjectRef>,
    /// What raises the confirmation.
    pub raises: Vec<Raise>,
    /// Preconditions that whoever asks has looked at.
    pub checks: Vec<Check>,
    /// Ids of checks that must be among those of the steps, with the word under which they were asked for.
    pub own_checks: Vec<(String, &'static str)>,
    /// Its steps, in order.
    pub steps: Vec<ProgramStep>,
    /// Checks that are overridden.
    pub overrides: Vec<String>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
}

/// One step of a program.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgramStep {
    /// Its id: what it is called in the plan.
    pub id: String,
    /// What it does.
    pub does: Does,
    /// Probes that must be green before it counts as done, besides its own proofs.
    pub done_when: Vec<String>,
    /// What it is allowed, and what follows when it fails.
    pub policy: Policy,
}

#[cfg(test)]
impl Program {
    /// One with these steps and nothing else, for tests of whole runs.
    pub(in crate::run) fn of_steps(action: &str, steps: Vec<ProgramStep>) -> Self {
        Self {
            action: action.to_owned(),
            title: action.to_owned(),
            parameters: Vec::new(),
            level: Confirmation::Key,
            phrase: None,
            of: None,
            raises: Vec::new(),
            checks: Vec::new(),
            own_checks: Vec::new(),
            steps,
            overrides: Vec::new(),
            reason: None,
        }
    }
}

#[cfg(test)]
impl ProgramStep {
    /// One that is allowed nothing besides, for tests of whole runs.
    pub(in crate::run) fn of(id: &str, does: Does) -> Self {
        Self { id: id.to_owned(), does, done_when: Vec::new(), policy: Policy::default() }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Does {
    /// One of the engine's own actions.
    Action(ActionRequest),
    /// Asks an image and the database what is pending; where the flag says so, a person before what loses data goes on.
    Inspect(ActionRequest, bool),
    /// Runs a command in a container of a workload.
    Command(Run),
    /// Gives a container of a workload another image.
    Image(SetImage),
    /// Runs a command in a Job of its own.
    Job(JobCommand),
    /// Waits until the rollout of a workload is complete.
    RolloutWait(ObjectRef),
    /// Waits until these probes are green.
    Probes(Vec<String>),
    /// Lets time pass.
    Wait(Duration),
    /// Looks, tells, or runs a program here.
    Look(Look),
    /// Asks a person; a text must be typed where there is one.
    Ask(Option<String>),
}

/// A command of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The workload in one of whose ready pods it is run.
    pub workload: ObjectRef,
    /// Name of the container; `None` = the first.
    pub container: Option<String>,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// What takes it back, as program and arguments.
    pub back: Option<Vec<String>>,
    /// It changes nothing.
    pub reads: bool,
    /// Once more does no harm.
    pub again: bool,
}

/// One step's part of the plan.
struct Part {
    /// From 1: the number in the ids of its steps.
    number: u16,
    step: ProgramStep,
    /// Its own plan; `None` where nothing of the target is read for it.
    draft: Draft,
    /// The action that changes something, for what a resumed run must find again.
    action: Option<&'static str>,
}

/// Makes the plan. Each step is planned for what the steps before it leave behind.
///
/// Fails only where there is nothing to plan; whatever speaks against the plan is one of its checks.
pub async fn plan(read: &dyn Read, clock: &dyn Clock, context: &PlanContext, program: &Program, home: &ObjectRef) -> Result<Plan, PlanError> {
    let usage = |text: String| PlanError::Usage(text);
    if program.steps.is_empty() {
        return Err(usage(format!("'{}' has no step that is taken", program.action)));
    }
    let once = |one: &&ProgramStep, other: &&ProgramStep| match (&one.does, &other.does) {
        (Does::Action(a), Does::Action(b)) => a.action == b.action && (is_once_a_run(a) || (a.object == b.object && is_once(a))),
        (Does::Inspect(..), Does::Inspect(..)) => true,
        _ => false,
    };
    for (at, step) in program.steps.iter().enumerate() {
        if let Some(again) = program.steps[..at].iter().find(|s| once(s, &step)) {
            return Err(usage(format!("'{}' does once more what '{}' does: one plan does it once", step.id, again.id)));
        }
    }
    let now = clock.now();
    let id = context.id(&program.action, now);
    let context = PlanContext { run: Some(id.clone()), ..context.clone() };
    // Where the file says which probes, and when, no other step waits for all of them.
    let asks_probes = program.steps.iter().any(|s| matches!(s.does, Does::Probes(_)));
    let last = program.steps.iter().rposition(|s| matches!(s.does, Does::Action(_) | Does::Image(_)));
    let mut world = Projected::new(read);
    let mut parts = Vec::with_capacity(program.steps.len());
    let mut asks = None;
    for (at, step) in program.steps.iter().enumerate() {
        let number = u16::try_from(at + 1).map_err(|_| usage("it has too many steps".to_owned()))?;
        let mut own = context.clone();
        if asks_probes || last != Some(at) {
            own.probes.clear();
        }
        own.limit = step.policy.timeout.or(own.limit);
        own.prove_within = own.limit.unwrap_or(own.prove_within);
        own.asks.clone_from(&asks);
        let (mut draft, action) = match &step.does {
            Does::Action(request) => {
                let plan = actions::one(&world, clock, &own, request).await.map_err(|error| of_step(&step.id, error))?;
                (plan.draft(), ActionSpec::named(&request.action).map(|spec| spec.name))
            }
            Does::Inspect(request, gate) => {
                let plan = actions::one(&world, clock, &own, request).await.map_err(|error| of_step(&step.id, error))?;
                let mut draft = plan.draft();
                let gate = still::gate(&draft.steps).filter(|_| *gate);
                asks = gate.as_ref().and_then(|_| migrate::asked(&plan).next()).map(|(_, _, asked)| asked.image.clone());
                draft.steps.extend(gate);
                (draft, Some("inspect"))
            }
            Does::Command(run) => {
                let plan = command::plan(&world, &own, run, &step.done_when, now).await.map_err(|error| of_step(&step.id, error))?;
                (plan.draft(), (!run.reads).then_some("exec"))
            }
            Does::Look(look) => {
                let piece = look.piece(&world, &own, home).await.map_err(|error| of_step(&step.id, error))?;
                let action = piece.changes.then_some("shell");
                (still::of_piece(&world, &own, piece, home, now).await, action)
            }
            Does::Image(set) => {
                let plan = image::plan(&world, &own, set, now).await.map_err(|error| of_step(&step.id, error))?;
                (plan.draft(), Some("set-image"))
            }
            Does::Job(command) => {
                let plan = job::plan(&world, &own, command, &step.id, now).await.map_err(|error| of_step(&step.id, error))?;
                (plan.draft(), Some("job"))
            }
            still => (still::draft(&world, &own, still, home, now).await.map_err(|error| of_step(&step.id, error))?, None),
        };
        draft.steps.extend(still::done_when(&draft.steps, &step.done_when, home, &own));
        world.add(&draft.steps);
        parts.push(Part { number, step: timed(step), draft, action });
    }
    let mut plan = combine::all(&parts, program, id, now);
    plan.inner.manner.service.clone_from(&context.service);
    plan.inner.manner.file.clone_from(&context.file);
    plan.lock_service();
    let reason = program.reason.as_deref().unwrap_or_default();
    for check in &program.overrides {
        plan = plan.overriding(check, reason).map_err(PlanError::Usage)?;
    }
    Ok(plan)
}

/// Done twice in one plan it would leave the same as done once.
fn is_once(request: &ActionRequest) -> bool {
    ["restart", "trigger"].contains(&&*request.action)
}

/// Its Job bears the name of the run, and so does what it makes.
fn is_once_a_run(request: &ActionRequest) -> bool {
    ["backup", "verify", "inspect", "migrate"].contains(&&*request.action)
}

fn of_step(step: &str, error: PlanError) -> PlanError {
    match error {
        PlanError::Usage(text) => PlanError::Usage(format!("step '{step}': {text}")),
        other => other,
    }
}

impl Program {
    /// Parameters in their normal form: sorted, with a digest of what the steps are, so that two operators who ask for the same with
    /// different files do not confirm the same plan.
    fn inputs(&self) -> Inputs {
        let mut parameters = self.parameters.clone();
        parameters.push((DEFINITION.to_owned(), self.definition()));
        parameters.sort_unstable();
        Inputs { parameters, overrides: Vec::new(), reason: self.reason.as_deref().map(scrub::text) }
    }

    fn definition(&self) -> String {
        let steps: Vec<serde_json::Value> = self.steps.iter().map(|s| serde_json::json!([s.id, s.does.words(), s.done_when, s.policy])).collect();
        let digest = super::record::digest(&serde_json::Value::Array(steps));
        digest.chars().take("sha256:".len() + 16).collect()
    }
}

impl Does {
    /// What it is, for the digest of the steps.
    fn words(&self) -> String {
        match self {
            Self::Action(request) => format!("{} {} {}", request.action, request.object, request.parameters.join(" ")),
            Self::Inspect(request, gate) => format!("{} {} {} {gate}", request.action, request.object, request.parameters.join(" ")),
            Self::Image(set) => serde_json::json!(["set-image", set.workload.to_string(), set.container, set.image, set.pinned]).to_string(),
            Self::Job(job) => serde_json::json!(["job", job.workload.to_string(), job.container, job.image, job.argv, job.backoff]).to_string(),
            Self::Command(run) => {
                serde_json::json!(["exec", run.workload.to_string(), run.container, run.argv, run.back, run.reads, run.again]).to_string()
            }
            Self::RolloutWait(object) => format!("rollout-wait {object}"),
            Self::Probes(ids) => format!("http-check {}", ids.join(" ")),
            Self::Look(look) => look.words(),
            Self::Wait(time) => format!("wait {} ms", time.as_millis()),
            Self::Ask(text) => format!("confirm {}", text.as_deref().unwrap_or_default()),
        }
    }
}

/// A step with the time limit that the run itself keeps. That of a Job is the Job's: its controller ends the pods before it says so, and a
/// proof that ended with it would see neither.
fn timed(step: &ProgramStep) -> ProgramStep {
    let mut step = step.clone();
    if matches!(step.does, Does::Job(_)) {
        step.policy.timeout = None;
    }
    step
}
