//! What a run leaves in the cluster for others to see: two annotations and events, and the end of its Jobs (contract.md 8).
//!
//! Owns their content. Best effort: some roles may scale and not annotate. Pure.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::approval::Approval;
use super::checks;
use super::gate::{BEFORE_ZERO, LAST_RUN};
use super::outcome::{End, Outcome};
use super::plan::Plan;
use super::scrub;
use crate::base::id::object_name;
use crate::base::text::Str;
use crate::target::api::{Change, WriteRequest};
use crate::target::model::{Kind, ObjectRef};

/// Who reports, in every event.
const REPORTER: &str = "timonel.io/console";
/// How long a Job whose run is proven is kept: what it printed can be read meanwhile.
const KEEP_JOB: Duration = Duration::from_hours(1);
/// The API takes notes of at most 1 KiB, and names of reporters of at most 128 characters.
const MOST_NOTE: usize = 1000;
const MOST_INSTANCE: usize = 128;

/// `timonel.io/last-run` on an object that was changed, and the count that a workload had before it went to zero.
///
/// With an outcome only when the journal could not take it: then the annotation is where it can still be found.
pub(in crate::run) fn annotations(plan: &Plan, number: u16, object: &ObjectRef, outcome: Option<&Outcome>) -> Option<WriteRequest> {
    let (subject, quantity) = plan.about(number);
    let (_, write) = plan.writes().find(|(_, w)| w.object == *object && w.patches() && w.object.kind != Kind::Lease)?;
    let ended = outcome.map(|o| format!(": {}", o.words())).unwrap_or_default();
    let operator = &plan.inner.operator;
    let pause = plan.inner.inputs.parameters.iter().find(|(name, value)| name == "hpa" && value.starts_with("pause:"));
    let quantity = match pause {
        Some((_, pause)) if object.kind == Kind::HorizontalPodAutoscaler => checks::pause_words(pause, write),
        _ => quantity.to_owned(),
    };
    let line = format!("{} {} {quantity} {}@{}{ended}", plan.id, plan.action, operator.user, operator.host);
    let mut annotations = json!({ LAST_RUN: line });
    if let Some((before, after)) = replicas(plan, object).filter(|_| object == subject) {
        if after == 0 {
            annotations[BEFORE_ZERO] = before.to_string().into();
        } else if before == 0 {
            annotations[BEFORE_ZERO] = Value::Null;
        }
    }
    let body = json!({ "metadata": { "uid": write.uid, "annotations": annotations } });
    Some(WriteRequest { object: object.clone(), subresource: "", change: Change::MergePatch(body) })
}

/// The count before and after all steps of the plan.
fn replicas(plan: &Plan, subject: &ObjectRef) -> Option<(i64, i64)> {
    let own = plan.writes().filter(|(_, w)| w.object == *subject).flat_map(|(_, w)| &w.changes);
    let counts: Vec<_> = own.filter(|c| c.pointer == "/spec/replicas").collect();
    Some((counts.first()?.before.as_i64()?, counts.last()?.after.as_i64()?))
}

/// The event of a run's beginning or end, about the workload.
pub(in crate::run) fn event(plan: &Plan, number: u16, outcome: Option<&Outcome>, now: Timestamp) -> WriteRequest {
    let (subject, quantity) = plan.about(number);
    let (reason, warning) = match outcome {
        None => ("TimonelStarted", false),
        Some(o) => match o.outcome {
            End::Proven => ("TimonelProven", false),
            _ if o.undone => ("TimonelUndone", true),
            End::FailedWithDebts => ("TimonelDebt", true),
            End::Failed | End::Unknown | End::Refused => ("TimonelFailed", true),
        },
    };
    let what = outcome.map_or_else(String::new, |o| format!(": {}: {}", o.words(), o.reason));
    let operator = &plan.inner.operator;
    let how = match &plan.approval {
        Some(Approval::By(user)) => format!(", approved by {user}"),
        Some(Approval::BrokenGlass) => format!(", break-glass ({})", plan.inner.inputs.reason.as_deref().unwrap_or_default()),
        None => String::new(),
    };
    let note = format!("run {}: {} {quantity} by {}@{}{how}{what}", plan.id, plan.action, operator.user, operator.host);
    // One event of a kind for each object.
    let which = if number > 0 { format!("-{number}") } else { String::new() };
    let name = object_name(&format!("timonel-{}-{}{which}", plan.id, reason.to_lowercase()));
    let object = ObjectRef::new(Kind::Event, place(subject), name.as_str());
    let body = json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": Kind::Event.word(),
        "metadata": { "name": name, "namespace": &*object.namespace },
        "eventTime": format!("{now:.6}"),
        "reportingController": REPORTER,
        "reportingInstance": bounded(&format!("timonel-{}", operator.host), MOST_INSTANCE),
        "action": "Run",
        "reason": reason,
        "type": if warning { "Warning" } else { "Normal" },
        "regarding": {
            "apiVersion": subject.kind.api_version(),
            "kind": subject.kind.word(),
            "namespace": &*subject.namespace,
            "name": &*subject.name,
            "uid": plan.uid_of(subject),
        },
        "note": bounded(&scrub::text(&note), MOST_NOTE),
    });
    WriteRequest { object, subresource: "", change: Change::Create(body) }
}

/// A Job that a run made is no longer needed once what it said is kept: the server deletes it after a while. One that failed stays.
pub(in crate::run) fn expiries(plan: &Plan) -> Vec<WriteRequest> {
    plan.own_jobs()
        .map(|job| {
            let body = json!({ "spec": { "ttlSecondsAfterFinished": KEEP_JOB.as_secs() } });
            WriteRequest { object: job.clone(), subresource: "", change: Change::MergePatch(body) }
        })
        .collect()
}

/// The namespace of events about an object: those about objects without one are kept in `default`.
pub(in crate::run) fn place(object: &ObjectRef) -> Str {
    if object.namespace.is_empty() { "default".into() } else { object.namespace.clone() }
}

/// Cut to what the API takes, at a character.
fn bounded(text: &str, most: usize) -> String {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests;
