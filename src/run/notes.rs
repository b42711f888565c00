//! What a run leaves in the cluster for others to see: two annotations and events (contract.md 8).
//!
//! Owns their content. Best effort: some roles may scale and not annotate. Pure.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::gate::{BEFORE_ZERO, LAST_RUN};
use super::outcome::{End, Outcome};
use super::plan::Plan;
use super::scrub;
use super::step::FieldWrite;
use crate::base::id::object_name;
use crate::target::api::{Change, WriteRequest};
use crate::target::model::{Kind, ObjectRef};

/// `timonel.io/last-run` on the workload that was changed, and the count that it had before it went to zero.
///
/// With an outcome only when the journal could not take it: then the annotation is where it can still be found.
pub(in crate::run) fn annotations(plan: &Plan, outcome: Option<&Outcome>) -> Option<WriteRequest> {
    let subject = &plan.inner.subject;
    let (_, write) = plan.writes().find(|(_, w)| w.object == *subject)?;
    let ended = outcome.map(|o| format!(": {}", o.words())).unwrap_or_default();
    let operator = &plan.inner.operator;
    let line = format!("{} {} {} {}@{}{ended}", plan.id, plan.action, plan.inner.quantity, operator.user, operator.host);
    let mut annotations = json!({ LAST_RUN: line });
    if let Some((before, after)) = replicas(write) {
        if after == 0 {
            annotations[BEFORE_ZERO] = before.to_string().into();
        } else if before == 0 {
            annotations[BEFORE_ZERO] = Value::Null;
        }
    }
    let body = json!({ "metadata": { "uid": write.uid, "annotations": annotations } });
    Some(WriteRequest { object: subject.clone(), subresource: "", change: Change::MergePatch(body) })
}

fn replicas(write: &FieldWrite) -> Option<(i64, i64)> {
    let change = write.changes.iter().find(|c| c.pointer == "/spec/replicas")?;
    Some((change.before.as_i64()?, change.after.as_i64()?))
}

/// The event of a run's beginning or end, about the workload.
pub(in crate::run) fn event(plan: &Plan, outcome: Option<&Outcome>, now: Timestamp) -> Option<WriteRequest> {
    let subject = &plan.inner.subject;
    let (_, write) = plan.writes().find(|(_, w)| w.object == *subject).or_else(|| plan.writes().next())?;
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
    let note = format!("run {}: {} {} by {}@{}{what}", plan.id, plan.action, plan.inner.quantity, operator.user, operator.host);
    let name = object_name(&format!("timonel-{}-{}", plan.id, reason.to_lowercase()));
    let object = ObjectRef::new(Kind::Event, write.object.namespace.clone(), name.as_str());
    // Written as core/v1, under which the program knows events: the same store as events.k8s.io/v1, whose `regarding`, `note`
    // and `reportingController` these are, and the one right that roles for events commonly have.
    let body = json!({
        "apiVersion": Kind::Event.api_version(),
        "kind": Kind::Event.word(),
        "metadata": { "name": name, "namespace": &*write.object.namespace },
        "firstTimestamp": format!("{now:.0}"),
        "lastTimestamp": format!("{now:.0}"),
        "count": 1,
        "source": { "component": "timonel.io/console", "host": operator.host },
        "reportingComponent": "timonel.io/console",
        "reportingInstance": format!("timonel-{}", operator.host),
        "action": "Run",
        "reason": reason,
        "type": if warning { "Warning" } else { "Normal" },
        "involvedObject": {
            "apiVersion": write.object.kind.api_version(),
            "kind": write.object.kind.word(),
            "namespace": &*write.object.namespace,
            "name": &*write.object.name,
            "uid": write.uid,
        },
        "message": bounded(&scrub::text(&note)),
    });
    Some(WriteRequest { object, subresource: "", change: Change::Create(body) })
}

/// The API takes messages of at most 1 KiB.
fn bounded(note: &str) -> String {
    let mut end = note.len().min(1000);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    note[..end].to_owned()
}
