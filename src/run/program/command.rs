//! A step that runs a command in a container: its part of the plan.
//!
//! Owns what is checked before. A command is as its file has it: what it does is not known here, and nobody can try it.

use jiff::Timestamp;

use super::Run;
use crate::run::check::Check;
use crate::run::context::{PlanContext, PlanError};
use crate::run::facts::{PodFacts, items, text};
use crate::run::ground::{self, Ground, Part};
use crate::run::level::Nature;
use crate::run::migrate;
use crate::run::plan::{Frozen, Plan};
use crate::run::scrub;
use crate::run::step::{Exec, FieldWrite, Form, Place};
use crate::target::api::{Command, Read};
use crate::target::model::{Kind, Scope};

/// The plan of that command alone.
pub(super) async fn plan(read: &dyn Read, context: &PlanContext, run: &Run, done_when: &[String], now: Timestamp) -> Result<Plan, PlanError> {
    let workload = &run.workload;
    let ground = Ground::read(read, context, workload).await.map_err(|error| PlanError::of(workload, &error))?;
    let first = || items(&ground.object.raw, "/spec/template/spec/containers").next().map(|c| text(c, "/name"));
    let container = run.container.clone().or_else(first).unwrap_or_default();
    let pods = ready_pods(read, &ground, &container).await;
    let command = Command { container, argv: run.argv.clone() };
    let exec = Exec {
        back: run.back.clone(),
        reads: run.reads,
        again: run.again,
        proven_by: done_when.to_vec(),
        within: context.prove_within,
        place: Place::Pod,
        command,
    };
    let kubectl = ground::kubectl(&context.context, &workload.namespace);
    let name = format!("{}/{}", workload.kind.word().to_lowercase(), workload.name);
    let typed = |argv: &[String]| format!("{kubectl} exec {name} -c {} -- {}", exec.command.container, scrub::text(&argv.join(" ")));
    let back = run.back.as_ref();
    let undo = match (back, run.reads) {
        (_, true) => "none: it changes nothing".to_owned(),
        (Some(argv), _) => format!("run {}", scrub::text(&argv.join(" "))),
        (None, _) => "none: what a command did is taken back by hand".to_owned(),
    };
    let part = Part {
        action: "exec",
        quantity: exec.words(),
        nature: Nature::Change,
        inputs: ground::inputs(workload, []),
        leaves: Vec::new(),
        title: format!("run '{}' in a ready pod of {}", exec.words(), workload.name),
        proofs: Vec::new(),
        back: back.map(|_| Vec::new()),
        undo,
        pay: back.map_or_else(|| "look at what the command did, and settle it by hand".to_owned(), |argv| typed(argv)),
        checks: std::iter::once(pods).chain(migrate::forbidden(&run.argv, context.environment.kind)).collect(),
        risks: risks(run, done_when),
        same_as: vec![typed(&run.argv)],
        raises: Vec::new(),
        frozen: vec![Frozen { object: workload.clone(), uid: ground.object.uid(), fields: Vec::new() }],
        write: Some(FieldWrite {
            object: workload.clone(),
            uid: ground.object.uid(),
            subresource: "",
            changes: Vec::new(),
            form: Form::Exec(exec),
        }),
    };
    // A plan of a program has one id, which is not this one's.
    Ok(ground.plan(read, context, part, String::new(), now).await)
}

async fn ready_pods(read: &dyn Read, ground: &Ground, container: &str) -> Check {
    let check = Check::required("pod");
    let scope = Scope::Namespace(ground.object.reference.namespace.clone());
    let pods = match read.list(Kind::Pod, &scope, &ground.object.selector(), "").await {
        Ok(pods) => pods,
        Err(error) => return check.unknown(format!("its pods cannot be listed: {}", error.message), "ask for the right to list pods"),
    };
    let has = |pod: &&serde_json::Value| items(pod, "/spec/containers").any(|c| c["name"] == *container);
    let ready = pods.iter().filter(|p| PodFacts::of(p).ready() && !PodFacts::of(p).deleting()).filter(has).count();
    match ready {
        0 => check.failed(format!("no ready pod has a container '{container}'"), "bring it up first"),
        n => check.ok(format!("{n} ready pod{} with the container '{container}'", if n == 1 { "" } else { "s" })),
    }
}

fn risks(run: &Run, done_when: &[String]) -> Vec<String> {
    if run.reads {
        return Vec::new();
    }
    let mut risks = vec!["what the command does is not known here: it is proven by its exit code".to_owned()];
    if done_when.is_empty() && !run.again {
        risks.push("when its answer is lost, nothing tells whether it ran: its operator is asked".to_owned());
    }
    risks
}
