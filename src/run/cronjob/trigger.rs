//! Trigger: the plan of running one Job of a CronJob now.
//!
//! Owns the Job that is made, which is kubectl's (`create job --from`) with a name and a label of the run, and the heed of the
//! CronJob's concurrency policy, which the API itself asks of nobody but its own controller.

use serde_json::{Value, json};

use crate::base::id::object_name;
use crate::run::check::Check;
use crate::run::context::PlanContext;
use crate::run::facts::{WorkloadFacts, flag, items, text, unreadable};
use crate::run::ground::{self, Ground, Part};
use crate::run::level::Nature;
use crate::run::observe::jobs;
use crate::run::plan::{Frozen, FrozenField};
use crate::run::step::{Fact, FieldChange, FieldWrite, Form, Proof, RUN, Step, Work};
use crate::target::api::{Read, TargetError};
use crate::target::model::{Kind, ObjectRef, Scope};

const TEMPLATE: &str = "/spec/jobTemplate";
const POLICY: &str = "/spec/concurrencyPolicy";
const LABELS: &str = "/metadata/labels";
const ANNOTATIONS: &str = "/metadata/annotations";

/// The part of a run of that id.
pub(in crate::run) async fn part(read: &dyn Read, context: &PlanContext, ground: &Ground, id: &str) -> Part {
    let cron = &ground.object;
    let namespace = &cron.reference.namespace;
    let live = read.list(Kind::Job, &Scope::Namespace(namespace.clone()), "", "").await;
    let live = live.map(|all| all.into_iter().filter(|j| jobs::of(j, &cron.uid()) && jobs::ended(j).is_none()).collect::<Vec<_>>());
    let job = ObjectRef::new(Kind::Job, namespace.clone(), object_name(&format!("timonel-{id}-job")));
    let kubectl = ground::kubectl(&context.context, namespace);
    let within = context.prove_within;
    let fact = Fact::JobRuns { run: id.to_owned() };
    let proof = format!("the Job is there, and its pods run or are done within {} s", within.as_secs());
    let work = Work::Prove(Proof { fact, object: job.clone(), uid: String::new(), within });
    let mut proofs = vec![Step { id: "prove-running".into(), title: "prove that it runs".to_owned(), proof, work }];
    proofs.extend(ground.probes(context, 1));
    Part {
        action: "trigger",
        quantity: "now".to_owned(),
        nature: Nature::Change,
        inputs: ground::inputs(&cron.reference, []),
        leaves: Vec::new(),
        title: format!("make Job {}", job.name),
        proofs,
        back: None,
        undo: "none: what a Job did stays done; deleting it ends it".to_owned(),
        pay: format!("{kubectl} delete job/{}", job.name),
        checks: vec![concurrency(ground, &live)],
        risks: risks(ground),
        same_as: vec![format!("{kubectl} create job {} --from=cronjob/{}", job.name, cron.reference.name)],
        raises: Vec::new(),
        frozen: vec![Frozen {
            object: cron.reference.clone(),
            uid: cron.uid(),
            fields: [TEMPLATE, POLICY].map(|pointer| FrozenField { pointer, value: ground::now(cron, pointer) }).into(),
        }],
        write: Some(write(cron, job, id)),
    }
}

/// What the Job of that run is made of, as the CronJob is now: a record of the run keeps none of it in clear.
pub(in crate::run) fn values(cron: &WorkloadFacts, id: &str) -> Vec<Value> {
    write(cron, cron.reference.clone(), id).changes.into_iter().map(|c| c.after).collect()
}

/// As kubectl makes it, and the run's label.
fn write(cron: &WorkloadFacts, job: ObjectRef, id: &str) -> FieldWrite {
    let of_template = |pointer: &str| cron.raw.pointer(&format!("{TEMPLATE}{pointer}")).cloned();
    let mut annotations = of_template(ANNOTATIONS).unwrap_or_else(|| json!({}));
    annotations["cronjob.kubernetes.io/instantiate"] = "manual".into();
    let owner = json!([{
        "apiVersion": cron.reference.kind.api_version(), "kind": cron.reference.kind.word(),
        "name": &*cron.reference.name, "uid": cron.uid(), "controller": true,
    }]);
    let made = |pointer, value: Value| FieldChange::new(pointer, Value::Null, value);
    let mut changes: Vec<FieldChange> = of_template(LABELS).map(|labels| made(LABELS, labels)).into_iter().collect();
    changes.extend([
        made(RUN, id.into()),
        made(ANNOTATIONS, annotations),
        made("/metadata/ownerReferences", owner),
        made("/spec", of_template("/spec").unwrap_or_default()),
    ]);
    FieldWrite {
        object: job,
        uid: String::new(),
        subresource: "",
        changes,
        form: Form::Create { under: cron.reference.clone(), again: false },
    }
}

fn concurrency(ground: &Ground, live: &Result<Vec<Value>, TargetError>) -> Check {
    let cron = &ground.object;
    let check = Check::overridable("concurrency");
    let policy = Some(text(&cron.raw, POLICY)).filter(|p| !p.is_empty()).unwrap_or_else(|| "Allow".to_owned());
    if policy == "Allow" {
        return check.ok("its concurrencyPolicy allows several Jobs at once");
    }
    // The CronJob itself lists those that run, with a delay.
    let names: Vec<String> = match live {
        Ok(live) => live.iter().map(|j| text(j, "/metadata/name")).collect(),
        Err(_) => items(&cron.raw, "/status/active").map(|j| text(j, "/name")).collect(),
    };
    match (names.first(), live) {
        (Some(name), _) => check.failed(
            format!("its concurrencyPolicy is {policy}, and Job {name} runs"),
            if policy == "Replace" { "end that Job first, or wait for it" } else { "wait until it is done" },
        ),
        (None, Err(error)) => {
            let (detail, fix) = unreadable("list", &format!("jobs in {}", cron.reference.namespace), error);
            check.unknown(detail, fix)
        }
        (None, Ok(_)) => check.ok(format!("its concurrencyPolicy is {policy}, and none of its Jobs runs")),
    }
}

fn risks(ground: &Ground) -> Vec<String> {
    let cron = &ground.object;
    let mut risks = vec!["its schedule goes on beside it: the next start by schedule may come while this Job runs".to_owned()];
    if flag(&cron.raw, "/spec/suspend") {
        risks = vec!["it is suspended: this one Job runs all the same, and the schedule stays off".to_owned()];
    }
    let images: Vec<String> = items(&cron.raw, "/spec/jobTemplate/spec/template/spec/containers")
        .map(|c| text(c, "/image"))
        .filter(|i| !i.is_empty())
        .collect();
    if !images.is_empty() {
        risks.push(format!("it runs {}", images.join(", ")));
    }
    risks
}
