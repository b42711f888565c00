//! A Job that a run makes: its name, the write that makes it, and what of a workload's pod template goes into its pod.
//!
//! Owns what is taken over of a template and what is not. What runs in it is its maker's. No secret is in it but by the references that
//! the template itself has.

use std::time::Duration;

use serde_json::{Value, json};

use super::facts::{WorkloadFacts, items, text};
use super::step::{Fact, FieldChange, FieldWrite, Form, Proof, RUN, Step, Work};
use crate::base::id::object_name;
use crate::target::api::{Read, TargetError};
use crate::target::model::{Kind, ObjectRef, Scope};

/// Of a container: what belongs to serving, and what is typed to.
const SERVING: [&str; 10] =
    ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "ports", "args", "command", "stdin", "tty", "restartPolicy"];

/// How much later than its deadline a Job's controller may say that it failed: first its pods end, which have 30 s for it as a rule
/// (`terminationGracePeriodSeconds`; until then its condition is `FailureTarget`).
pub(in crate::run) const SAYS_SO: Duration = Duration::from_mins(1);

/// The Job of a run, by what it does.
pub(in crate::run) fn of(run: &str, what: &str, namespace: &str) -> ObjectRef {
    ObjectRef::new(Kind::Job, namespace, object_name(&format!("timonel-{run}-{what}")))
}

/// The write that makes it, under the lock of what it is made for; `again` where making it once more does no harm.
pub(in crate::run) fn write(job: &ObjectRef, under: &ObjectRef, run: &str, spec: Value, again: bool) -> FieldWrite {
    FieldWrite {
        object: job.clone(),
        uid: String::new(),
        subresource: "",
        changes: vec![FieldChange::new(RUN, Value::Null, run), FieldChange::new("/spec", Value::Null, spec)],
        form: Form::Create { under: under.clone(), again },
    }
}

/// Proves that nothing of a run's Job runs any more.
pub(in crate::run) fn ended(job: &ObjectRef, run: &str, within: Duration) -> Step {
    let work = Work::Prove(Proof { fact: Fact::Ended { run: run.to_owned() }, object: job.clone(), uid: String::new(), within });
    Step {
        id: "prove-ended".into(),
        title: "prove that it has ended".to_owned(),
        proof: "no pod of the Job runs any more".to_owned(),
        work,
    }
}

/// The pods of that Job of a run.
pub(in crate::run) async fn pods(read: &dyn Read, run: &str, job: &ObjectRef) -> Result<Vec<Value>, TargetError> {
    let selector = format!("timonel.io/run={run},job-name={}", job.name);
    read.list(Kind::Pod, &Scope::Namespace(job.namespace.clone()), &selector, "").await
}

/// The container of that name in a workload as it is now; without a name the first.
pub(in crate::run) fn container<'a>(workload: &'a WorkloadFacts, name: Option<&str>) -> Option<&'a Value> {
    let mut all = items(workload.template_spec(), "/containers");
    match name {
        Some(name) => all.find(|c| c["name"] == name),
        None => all.next(),
    }
}

/// The same container without what belongs to serving.
pub(in crate::run) fn at_rest(container: &Value) -> Value {
    let mut container = container.clone();
    if let Some(fields) = container.as_object_mut() {
        fields.retain(|key, _| !SERVING.contains(&key.as_str()));
    }
    container
}

/// The `spec` of a Job of that run whose pod has this container alone, and else what the workload's pods have.
pub(in crate::run) fn spec(workload: &WorkloadFacts, container: &Value, run: &str, tries: u32, deadline: Duration) -> Value {
    let mut pod = workload.template_spec().clone();
    if let Some(spec) = pod.as_object_mut() {
        // What its init containers do may be the migration itself; what stands beside it never ends.
        for key in ["initContainers", "ephemeralContainers", "hostname", "subdomain", "restartPolicy"] {
            spec.remove(key);
        }
    }
    pod["containers"] = json!([container]);
    pod["restartPolicy"] = "Never".into();
    json!({
        "backoffLimit": tries,
        "activeDeadlineSeconds": deadline.as_secs().max(1),
        // None of the workload's labels: its Services would send requests to it.
        "template": { "metadata": { "labels": { "timonel.io/run": run } }, "spec": pod },
    })
}

/// What of the workload's pods is not in a Job with that container, in words.
pub(in crate::run) fn left_out(workload: &WorkloadFacts, container: &str) -> Option<String> {
    let template = workload.template_spec();
    let names = items(template, "/initContainers").chain(items(template, "/containers")).map(|c| text(c, "/name"));
    let others: Vec<String> = names.filter(|name| name != container).collect();
    (!others.is_empty()).then(|| format!("without what runs before and beside it: {}", others.join(", ")))
}
