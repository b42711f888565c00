//! A step that runs a command in a Job of its own, made of a workload's pod template: its part of the plan.
//!
//! Owns what is checked before. What the command does is not known here.

use jiff::Timestamp;

use crate::run::check::Check;
use crate::run::context::{PlanContext, PlanError};
use crate::run::ground::{self, Ground, Part};
use crate::run::level::Nature;
use crate::run::migrate;
use crate::run::plan::{Frozen, FrozenField, Plan};
use crate::run::scrub;
use crate::run::step::{Fact, JobCommand, Proof, Step, Work};
use crate::run::{image, job};
use crate::target::api::Read;

const TEMPLATE: &str = "/spec/template";

/// The plan of that command alone; `step` is what its Job is called by.
pub(super) async fn plan(read: &dyn Read, context: &PlanContext, command: &JobCommand, step: &str, now: Timestamp) -> Result<Plan, PlanError> {
    let under = &command.workload;
    if let Some(named) = &command.image {
        image::name(named)?;
    }
    let ground = Ground::read(read, context, under).await.map_err(|error| PlanError::of(under, &error))?;
    let (workload, id) = (&ground.object, context.id("job", now));
    let job = job::of(&id, step, &under.namespace);
    let command = JobCommand { deadline: context.prove_within, ..command.clone() };
    let kubectl = ground::kubectl(&context.context, &under.namespace);
    let words = command.words();
    let proof = format!("the Job is complete within {} s", command.deadline.as_secs());
    let fact = Fact::Finished { run: id.clone(), command: Box::new(command.clone()) };
    // Its controller ends it in that time, and says so a moment later.
    let work = Work::Prove(Proof { fact, object: job.clone(), uid: String::new(), within: command.deadline + job::SAYS_SO });
    let mut checks = vec![container(&command, &ground), migrate::logs(read, under).await];
    checks.extend(migrate::forbidden(&command.argv, context.environment.kind));
    let mut risks = vec!["what the command does is not known here: it is proven by its Job's end".to_owned()];
    risks.extend(job::left_out(workload, &command.container_name(workload)));
    let part = Part {
        action: "job",
        quantity: words.clone(),
        nature: Nature::Change,
        inputs: ground::inputs(under, []),
        leaves: Vec::new(),
        title: format!("make Job {}", job.name),
        proofs: vec![Step { id: "prove-finished".into(), title: format!("prove the end of '{words}'"), proof, work }],
        back: None,
        undo: "none: what a Job did is taken back by hand".to_owned(),
        pay: format!("{kubectl} logs job/{0}; then settle what it did by hand; {kubectl} delete job/{0}", job.name),
        checks,
        risks,
        same_as: vec![format!("in {}: {words}", command.image.as_deref().unwrap_or("the workload's image"))],
        raises: Vec::new(),
        frozen: vec![Frozen {
            object: under.clone(),
            uid: workload.uid(),
            fields: vec![FrozenField { pointer: TEMPLATE, value: ground::now(workload, TEMPLATE) }],
        }],
        write: Some(job::write(&job, under, &id, command.job(workload, &id), command.again)),
    };
    // A plan of a program has one id, which is not this one's.
    Ok(ground.plan(read, context, part, String::new(), now).await)
}

fn container(command: &JobCommand, ground: &Ground) -> Check {
    let check = Check::required("container");
    if job::container(&ground.object, command.container.as_deref()).is_some() {
        return check.ok(format!("it runs as container {} of the pod template does", command.container_name(&ground.object)));
    }
    let wanted = scrub::text(command.container.as_deref().unwrap_or_default());
    check.failed(format!("the pod template has no container '{wanted}'"), "container = \"NAME\" of the step, or of the workload")
}
