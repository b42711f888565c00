//! The actions that can be planned, by the name under which the command line, the screen and the journal know them.
//!
//! Owns the table of them (kinds, arguments, what is asked for) and the way from a request to the action's own plan. What an action
//! does is in its own file.

use std::borrow::Cow;

use super::context::{PlanContext, PlanError};
use super::ground::Ground;
use super::plan::{Manner, Plan};
use super::scale::{self, ScaleRequest};
use super::{armed, backup, cordon, cronjob, evict, hpa, keep, migrate, pause, restart, rollback, several};
use crate::base::clock::Clock;
use crate::target::api::Read;
use crate::target::model::{Kind, ObjectRef};

/// One action.
#[derive(Debug, PartialEq, Eq)]
pub struct ActionSpec {
    /// `restart`.
    pub name: &'static str,
    /// What is done to its object, in a word: `restarted`.
    pub done: &'static str,
    /// The kinds that it takes.
    pub kinds: &'static [Kind],
    /// An example of its arguments.
    pub example: &'static str,
    /// Whether one plan may be about several of them.
    pub several: bool,
    /// Names of its parameters besides the workload.
    parameters: &'static [&'static str],
}

const WORKLOADS: &[Kind] = &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

/// All of them.
pub const ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        name: "scale",
        done: "scaled",
        kinds: &[Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet],
        example: "scale backend=5 worker=2",
        several: true,
        parameters: &["replicas", "hpa", armed::PARAMETER],
    },
    ActionSpec {
        name: "rollback",
        done: "rolled back",
        kinds: WORKLOADS,
        example: "rollback backend to=11",
        several: false,
        parameters: &["to"],
    },
    ActionSpec {
        name: "restart",
        done: "restarted",
        kinds: WORKLOADS,
        example: "restart backend worker",
        several: true,
        parameters: &[],
    },
    ActionSpec {
        name: "pause",
        done: "paused",
        kinds: &[Kind::Deployment],
        example: "pause backend",
        several: true,
        parameters: &[armed::PARAMETER],
    },
    ActionSpec {
        name: "resume",
        done: "resumed",
        kinds: &[Kind::Deployment, Kind::CronJob],
        example: "resume backend",
        several: true,
        parameters: &[],
    },
    ActionSpec {
        name: "resume-hpa",
        done: "resumed",
        kinds: &[Kind::HorizontalPodAutoscaler],
        example: "resume-hpa backend",
        several: false,
        parameters: &[],
    },
    ActionSpec {
        name: "trigger",
        done: "triggered",
        kinds: &[Kind::CronJob],
        example: "trigger nightly",
        several: false,
        parameters: &[],
    },
    ActionSpec {
        name: "backup",
        done: "backed up to",
        kinds: &[Kind::PersistentVolumeClaim],
        example: "backup daily",
        several: false,
        parameters: &[backup::PARAMETER, backup::LABEL],
    },
    ActionSpec {
        name: "verify",
        done: "read again from",
        kinds: &[Kind::PersistentVolumeClaim],
        example: "verify daily",
        several: false,
        parameters: &[backup::verify::PARAMETER],
    },
    ActionSpec {
        name: "inspect",
        done: "inspected",
        kinds: &[Kind::Deployment, Kind::StatefulSet],
        example: "inspect image=registry.example/shop:1.2.0",
        several: false,
        parameters: &[migrate::PARAMETER],
    },
    ActionSpec {
        name: "migrate",
        done: "migrated",
        kinds: &[Kind::Deployment, Kind::StatefulSet],
        example: "migrate image=registry.example/shop:1.2.0",
        several: false,
        parameters: &[migrate::PARAMETER],
    },
    ActionSpec {
        name: "downgrade",
        done: "taken back",
        kinds: &[Kind::Deployment, Kind::StatefulSet],
        example: "downgrade to=registry.example/shop:1.1.0",
        several: false,
        parameters: &[migrate::PARAMETER, migrate::TO],
    },
    ActionSpec {
        name: "suspend",
        done: "suspended",
        kinds: &[Kind::CronJob],
        example: "suspend nightly",
        several: true,
        parameters: &[armed::PARAMETER],
    },
    ActionSpec {
        name: "keep",
        done: "kept",
        kinds: &[Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet, Kind::CronJob],
        example: "keep backend worker",
        several: true,
        parameters: &[],
    },
    ActionSpec {
        name: "evict",
        done: "evicted",
        kinds: &[Kind::Pod],
        example: "evict backend-5f6d8-x2k4p",
        several: false,
        parameters: &[],
    },
    ActionSpec {
        name: "cordon",
        done: "cordoned",
        kinds: &[Kind::Node],
        example: "cordon node-3",
        several: false,
        parameters: &[],
    },
    ActionSpec {
        name: "uncordon",
        done: "uncordoned",
        kinds: &[Kind::Node],
        example: "uncordon node-3",
        several: false,
        parameters: &[],
    },
];

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRequest {
    /// The action; one of the service file with [`program::PREFIX`](super::program::PREFIX) before its id.
    pub action: Cow<'static, str>,
    /// What it is about.
    pub object: ObjectRef,
    /// `replicas=5`, `to=3`.
    pub parameters: Vec<String>,
    /// Checks that are overridden.
    pub overrides: Vec<String>,
    /// Why, in the operator's words; needed for an override.
    pub reason: Option<String>,
}

/// What the arguments of the command line name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Each object as typed, and how many pods it shall have where the action asks for that.
    pub objects: Vec<(String, Option<u32>)>,
    /// `hpa=raise`, `to=3`.
    pub parameters: Vec<String>,
}

impl ActionRequest {
    /// A request about these objects, in this order; `None` without any.
    pub fn about(action: &'static str, objects: &[(ObjectRef, Option<u32>)], parameters: Vec<String>) -> Option<Self> {
        let ((object, count), further) = objects.split_first()?;
        let mut all: Vec<String> = count.map(|n| format!("replicas={n}")).into_iter().collect();
        all.extend(parameters);
        all.extend(further.iter().map(|(object, count)| several::with(object, *count)));
        Some(Self { action: action.into(), object: object.clone(), parameters: all, overrides: Vec::new(), reason: None })
    }
}

impl ActionSpec {
    /// The action of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ACTIONS.iter().find(|a| a.name == name)
    }

    /// Reads the arguments of the command line: what is named, and the parameters. Where objects are `selected` by their labels, none
    /// need be named.
    pub fn arguments(&self, arguments: &[String], selected: bool) -> Result<Named, PlanError> {
        let usage = |text: String| PlanError::Usage(text);
        if selected && (!self.several || self.name == "scale") {
            let why = if self.several { "how many each shall have is nobody's default" } else { "it takes one object at a time" };
            return Err(usage(format!("{} takes no selector: {why}; write: {}", self.name, self.example)));
        }
        if self.name == "scale" {
            let (timers, arguments): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|a| is_timer(a));
            let (objects, hpa) = ScaleRequest::arguments(&arguments)?;
            let objects = objects.into_iter().map(|(name, count)| (name, Some(count))).collect();
            let hpa = hpa.map(|h| format!("hpa={}", h.word()));
            return Ok(Named { objects, parameters: hpa.into_iter().chain(timers.into_iter().cloned()).collect() });
        }
        let (parameters, workloads): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|a| a.contains('='));
        if let Some(wrong) = parameters.iter().find(|p| !self.takes(p)) {
            return Err(usage(format!("'{wrong}' is no parameter of {}", self.name)));
        }
        match &workloads[..] {
            // What it is about is declared.
            [] if migrate::is_declared(self.name) => {}
            [] if !selected => return Err(usage(format!("nothing is named; write: {}", self.example))),
            [_, second, ..] if !self.several => return Err(usage(format!("'{second}': one at a time"))),
            _ => {}
        }
        let objects = workloads.into_iter().map(|name| (name.clone(), None)).collect();
        Ok(Named { objects, parameters: parameters.into_iter().cloned().collect() })
    }

    /// Whether it knows such a parameter.
    pub(in crate::run) fn takes(&self, parameter: &str) -> bool {
        let several = |name| self.several && ["with", "order"].contains(&name);
        parameter.split_once('=').is_some_and(|(name, _)| self.parameters.contains(&name) || several(name))
    }
}

fn is_timer(parameter: &str) -> bool {
    parameter.split('=').next() == Some(armed::PARAMETER)
}

impl Plan {
    /// What takes back what this plan did, as a request for a new plan; `Err` says why nothing does.
    pub fn undoing(&self) -> Result<ActionRequest, String> {
        // The steps of a service file may change an object more than once.
        let mut objects: Vec<ObjectRef> = Vec::new();
        for object in self.subjects() {
            if !objects.contains(object) {
                objects.insert(0, object.clone());
            }
        }
        self.undoing_these(&objects)
    }

    /// What takes back what it did to one of its objects.
    pub(in crate::run) fn undoing_one(&self, object: &ObjectRef) -> Result<ActionRequest, String> {
        self.undoing_these(std::slice::from_ref(object))
    }

    pub(in crate::run) fn undoing_these(&self, objects: &[ObjectRef]) -> Result<ActionRequest, String> {
        let mut objects: Vec<(ObjectRef, Option<u32>)> = objects.iter().map(|o| (o.clone(), None)).collect();
        let mut parameters = Vec::new();
        let (done, quantity) = self.done()?;
        let action = match done {
            "scale" => {
                for (object, count) in &mut objects {
                    *count = self.replicas_before(object);
                }
                objects.retain(|(_, count)| count.is_some());
                "scale"
            }
            "rollback" => {
                parameters.push(format!("to={}", quantity.split("->").next().unwrap_or_default()));
                "rollback"
            }
            "pause" | "suspend" => "resume",
            "resume" if objects.iter().all(|(o, _)| o.kind == Kind::CronJob) => "suspend",
            "resume" if objects.iter().all(|(o, _)| o.kind != Kind::CronJob) => "pause",
            "resume" => return Err("CronJobs and Deployments were resumed: take back each kind by itself".to_owned()),
            "cordon" => "uncordon",
            "uncordon" => "cordon",
            other => return Err(format!("a {other} cannot be undone")),
        };
        ActionRequest::about(action, &objects, parameters).ok_or_else(|| "this run changed no replicas: there is nothing to undo".to_owned())
    }

    /// What was done, and how much of it: of the steps of a service file, where all that change something do the same.
    fn done(&self) -> Result<(&str, &str), String> {
        if self.inner.program.is_none() {
            return Ok((self.action(), self.quantity()));
        }
        let mut changing = self.inner.members.iter().filter(|m| !m.action.is_empty());
        let first = changing.next().ok_or("its steps changed nothing")?;
        match changing.find(|m| m.action != first.action || m.action == "rollback") {
            Some(other) => Err(format!(
                "its steps did more than one thing ({} {}, {} {}): take back each by itself",
                first.action, first.object.name, other.action, other.object.name
            )),
            None => Ok((&first.action, &first.quantity)),
        }
    }

    fn replicas_before(&self, object: &ObjectRef) -> Option<u32> {
        let own = self
            .objects()
            .iter()
            .filter(|o| (o.kind, &*o.namespace, &*o.name) == (object.kind, &*object.namespace, &*object.name));
        let change = own.flat_map(|o| &o.changes).find(|c| c.field == "spec.replicas")?;
        change.before.as_i64().and_then(|n| u32::try_from(n).ok())
    }
}

/// Makes the plan: reads, asks for rights, lets the server try the write without doing it, checks.
///
/// Fails only where there is nothing to plan; whatever speaks against the plan is one of its checks.
pub async fn plan(read: &dyn Read, clock: &dyn Clock, context: &PlanContext, request: &ActionRequest) -> Result<Plan, PlanError> {
    let spec = ActionSpec::named(&request.action).ok_or_else(|| PlanError::Usage(format!("there is no action '{}'", request.action)))?;
    let given = request.parameters.iter().find_map(|p| p.split_once('=').filter(|(name, _)| *name == armed::PARAMETER));
    if let Some((_, time)) = given.filter(|(name, _)| spec.parameters.contains(name)) {
        let after = armed::parse(time).map_err(PlanError::Usage)?;
        let parameters = request.parameters.iter().filter(|p| !is_timer(p)).cloned().collect();
        let plain = ActionRequest { parameters, ..request.clone() };
        return Box::pin(plan(read, clock, context, &plain)).await?.armed(after).map_err(PlanError::Usage);
    }
    let (mut manner, request) = Manner::split(request);
    let context = &PlanContext { undo: manner.undoes.is_some(), preempts: manner.preempts, ..context.clone() };
    let ordered = if spec.name == "rollback" { Box::pin(rollback::ordered(read, clock, context, &request)).await? } else { None };
    let is_ordered = ordered.is_some();
    let mut plan = match (ordered, several::asked(&request, spec)?) {
        (Some(ordered), _) => ordered,
        (None, Some(asked)) => several::plan(read, clock, context, &request, asked).await?,
        (None, None) => one(read, clock, context, &request).await?,
    };
    let preempts = std::mem::take(&mut manner.preempts);
    manner.service.clone_from(&context.service);
    manner.file.clone_from(&context.file);
    plan.inner.manner = manner;
    // A plan of several steps has taken in the service's lock already.
    if !is_ordered {
        plan.lock_service();
    }
    if preempts { plan.preempting().map_err(PlanError::Usage) } else { Ok(plan) }
}

/// The plan for one object.
pub(super) async fn one(read: &dyn Read, clock: &dyn Clock, context: &PlanContext, request: &ActionRequest) -> Result<Plan, PlanError> {
    let usage = |text: String| PlanError::Usage(text);
    let spec = ActionSpec::named(&request.action).ok_or_else(|| usage(format!("there is no action '{}'", request.action)))?;
    let object = &request.object;
    if !spec.kinds.contains(&object.kind) {
        return Err(usage(format!("a {} cannot be {}", object.kind.word(), spec.done)));
    }
    if let Some(wrong) = request.parameters.iter().find(|p| !spec.takes(p)) {
        return Err(usage(format!("'{wrong}' is no parameter of {}", spec.name)));
    }
    if spec.name == "scale" {
        let mut scale = ScaleRequest::of(object.clone(), &request.parameters)?;
        scale.overrides.clone_from(&request.overrides);
        scale.reason.clone_from(&request.reason);
        return scale::plan(read, clock, context, &scale).await;
    }
    let ground = Ground::read(read, context, object).await.map_err(|error| PlanError::of(object, &error))?;
    let now = clock.now();
    let id = context.id(spec.name, now);
    let part = match spec.name {
        "rollback" => {
            let to = request.parameters.iter().find_map(|p| p.strip_prefix("to="));
            rollback::part(read, context, &ground, to, now).await?
        }
        "restart" => restart::part(context, &ground, now),
        "keep" => keep::part(read, context, &ground).await,
        "resume-hpa" => hpa::part(context, &ground),
        "backup" => Box::pin(backup::part(read, context, &ground, &request.parameters, &id)).await?,
        "verify" => {
            let wanted = request.parameters.iter().find_map(|p| p.strip_prefix(backup::verify::PARAMETER)?.strip_prefix('='));
            Box::pin(backup::verify::part(read, context, &ground, wanted, &id)).await?
        }
        "inspect" => Box::pin(migrate::inspect(read, context, &ground, migrate::image(&request.parameters), &id)).await?,
        "migrate" => Box::pin(migrate::apply(read, context, &ground, migrate::image(&request.parameters), &id, now)).await?,
        "downgrade" => Box::pin(migrate::downgrade(read, context, &ground, &request.parameters, &id, now)).await?,
        "trigger" => cronjob::trigger(read, context, &ground, &id).await,
        "evict" => evict::part(read, context, &ground).await,
        "cordon" | "uncordon" => cordon::part(read, context, &ground, spec.name == "cordon").await,
        "suspend" => cronjob::part(context, &ground, true),
        "resume" if object.kind == Kind::CronJob => cronjob::part(context, &ground, false),
        other => pause::part(context, &ground, other == "pause"),
    };
    let plan = ground.plan(read, context, part, id, now).await;
    plan.with(&request.overrides, request.reason.as_deref()).map_err(PlanError::Usage)
}
