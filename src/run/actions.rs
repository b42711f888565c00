//! The actions that can be planned, by the name under which the command line, the screen and the journal know them.
//!
//! Owns the table of them (kinds, arguments, what is asked for) and the way from a request to the action's own plan. What an action
//! does is in its own file.

use super::context::{PlanContext, PlanError};
use super::ground::Ground;
use super::plan::Plan;
use super::scale::{self, ScaleRequest};
use super::{cordon, cronjob, evict, hpa, pause, restart, rollback};
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
        example: "scale backend=5",
        parameters: &["replicas", "hpa"],
    },
    ActionSpec {
        name: "rollback",
        done: "rolled back",
        kinds: WORKLOADS,
        example: "rollback backend to=11",
        parameters: &["to"],
    },
    ActionSpec { name: "restart", done: "restarted", kinds: WORKLOADS, example: "restart backend", parameters: &[] },
    ActionSpec { name: "pause", done: "paused", kinds: &[Kind::Deployment], example: "pause backend", parameters: &[] },
    ActionSpec {
        name: "resume",
        done: "resumed",
        kinds: &[Kind::Deployment, Kind::CronJob],
        example: "resume backend",
        parameters: &[],
    },
    ActionSpec {
        name: "resume-hpa",
        done: "resumed",
        kinds: &[Kind::HorizontalPodAutoscaler],
        example: "resume-hpa backend",
        parameters: &[],
    },
    ActionSpec { name: "trigger", done: "triggered", kinds: &[Kind::CronJob], example: "trigger nightly", parameters: &[] },
    ActionSpec { name: "suspend", done: "suspended", kinds: &[Kind::CronJob], example: "suspend nightly", parameters: &[] },
    ActionSpec { name: "evict", done: "evicted", kinds: &[Kind::Pod], example: "evict backend-5f6d8-x2k4p", parameters: &[] },
    ActionSpec { name: "cordon", done: "cordoned", kinds: &[Kind::Node], example: "cordon node-3", parameters: &[] },
    ActionSpec { name: "uncordon", done: "uncordoned", kinds: &[Kind::Node], example: "uncordon node-3", parameters: &[] },
];

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRequest {
    /// The action.
    pub action: &'static str,
    /// What it is about.
    pub object: ObjectRef,
    /// `replicas=5`, `to=3`.
    pub parameters: Vec<String>,
    /// Checks that are overridden.
    pub overrides: Vec<String>,
    /// Why, in the operator's words; needed for an override.
    pub reason: Option<String>,
}

impl ActionSpec {
    /// The action of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ACTIONS.iter().find(|a| a.name == name)
    }

    /// Reads the arguments of the command line: the workload as typed, and the parameters.
    pub fn arguments(&self, arguments: &[String]) -> Result<(String, Vec<String>), PlanError> {
        if self.name == "scale" {
            let (workload, replicas, hpa) = ScaleRequest::arguments(arguments)?;
            let mut parameters = vec![format!("replicas={replicas}")];
            parameters.extend(hpa.map(|h| format!("hpa={}", h.word())));
            return Ok((workload, parameters));
        }
        let usage = |text: String| PlanError::Usage(text);
        let (parameters, workloads): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|a| a.contains('='));
        if let Some(wrong) = parameters.iter().find(|p| !self.takes(p)) {
            return Err(usage(format!("'{wrong}' is no parameter of {}", self.name)));
        }
        match &workloads[..] {
            [one] => Ok(((*one).clone(), parameters.into_iter().cloned().collect())),
            [] => Err(usage(format!("nothing is named; write: {}", self.example))),
            _ => Err(usage(format!("'{}': one at a time", workloads[1]))),
        }
    }

    /// Whether it knows such a parameter.
    pub(in crate::run) fn takes(&self, parameter: &str) -> bool {
        parameter.split_once('=').is_some_and(|(name, _)| self.parameters.contains(&name))
    }
}

impl Plan {
    /// What takes back what this plan did, as a request for a new plan; `Err` says why nothing does.
    pub fn undoing(&self) -> Result<ActionRequest, String> {
        let request = |action, parameters| ActionRequest { action, object: self.subject().clone(), parameters, overrides: Vec::new(), reason: None };
        match self.action() {
            "scale" => {
                let change = self.objects().iter().flat_map(|o| &o.changes).find(|c| c.field == "spec.replicas");
                let before = change.and_then(|c| c.before.as_i64());
                let before = before.ok_or("this run changed no replicas: there is nothing to undo")?;
                Ok(request("scale", vec![format!("replicas={before}")]))
            }
            "rollback" => {
                let from = self.quantity().split("->").next().unwrap_or_default();
                Ok(request("rollback", vec![format!("to={from}")]))
            }
            "pause" | "suspend" => Ok(request("resume", Vec::new())),
            "resume" if self.subject().kind == Kind::CronJob => Ok(request("suspend", Vec::new())),
            "resume" => Ok(request("pause", Vec::new())),
            "cordon" => Ok(request("uncordon", Vec::new())),
            "uncordon" => Ok(request("cordon", Vec::new())),
            other => Err(format!("a {other} cannot be undone")),
        }
    }
}

/// Makes the plan: reads, asks for rights, lets the server try the write without doing it, checks.
///
/// Fails only where there is nothing to plan; whatever speaks against the plan is one of its checks.
pub async fn plan(read: &dyn Read, clock: &dyn Clock, context: &PlanContext, request: &ActionRequest) -> Result<Plan, PlanError> {
    let usage = |text: String| PlanError::Usage(text);
    let spec = ActionSpec::named(request.action).ok_or_else(|| usage(format!("there is no action '{}'", request.action)))?;
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
            rollback::part(read, context, &ground, to).await?
        }
        "restart" => restart::part(context, &ground, now),
        "resume-hpa" => hpa::part(context, &ground),
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
