//! What a run records, line by line. Data of the journal's `…` (contract.md 9).

use serde_json::{Map, Value, json};

use crate::run::approval::Approval;
use crate::run::journal::{Draft, EntryKind, RESUMED};
use crate::run::outcome::Outcome;
use crate::run::plan::Plan;
use crate::run::record;
use crate::run::step::{FieldWrite, Stamp, StepId, shown};

/// Says of a failed step that the run went on after it.
pub(in crate::run) const GONE_PAST: &str = "gone_past";

fn draft(plan: &Plan, kind: EntryKind, data: Value) -> Draft {
    let data = match data {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    Draft { run: Some(plan.id.clone()), kind, data }
}

/// Plan, checks and confirmation. The record holds the way back as well, which may be gone without a further intent.
pub(super) fn begin(plan: &Plan, by: &str) -> Vec<Draft> {
    vec![
        draft(
            plan,
            EntryKind::Plan,
            json!({
                "subject": plan.subject_words(),
                "quantity": plan.inner.quantity,
                "inputs": plan.inner.inputs,
                "plan": plan,
                "record": record::of(plan),
            }),
        ),
        draft(plan, EntryKind::Check, json!({ "checks": plan.checks, "allowed": plan.allowed, "blocked_by": plan.blocked_by })),
        draft(
            plan,
            EntryKind::Confirm,
            json!({ "by": by, "cluster_user": plan.inner.operator.cluster_user, "level": plan.confirmation.level, "typed": plan.confirmation.text, "plan_hash": plan.hash, "approved_by": approved_by(plan), "break_glass": plan.approval == Some(Approval::BrokenGlass) }),
        ),
    ]
}

/// Who approved it, where somebody had to.
fn approved_by(plan: &Plan) -> Option<&str> {
    match &plan.approval {
        Some(Approval::By(user)) => Some(user),
        Some(Approval::BrokenGlass) | None => None,
    }
}

pub(super) fn intent(plan: &Plan, step: StepId, write: &FieldWrite, stamp: &Stamp, number: u32, undo: bool) -> Draft {
    let fields: Vec<Value> = write
        .changes
        .iter()
        .map(|c| json!({ "field": c.field(), "before": shown(c.pointer, &c.before), "after": shown(c.pointer, &c.after) }))
        .collect();
    let object = write.object.to_string();
    draft(
        plan,
        EntryKind::Intent,
        json!({ "step": step, "undo": undo, "try": number, "object": object, "uid": write.uid, "subresource": write.subresource, "resource_version": stamp.version, "generation": stamp.generation, "fields": fields }),
    )
}

pub(super) fn outcome(plan: &Plan, step: StepId, word: &str, detail: &str) -> Draft {
    draft(plan, EntryKind::Outcome, json!({ "step": step, "result": word, "detail": detail }))
}

/// Somebody goes on with a run.
pub(super) fn resumed(plan: &Plan, by: &str) -> Draft {
    draft(plan, EntryKind::Note, json!({ "note": RESUMED, "by": by, "text": format!("resumed by {by}") }))
}

pub(super) fn proof(plan: &Plan, step: StepId, text: &str, notes: &[String], undo: bool) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = notes.iter().map(|n| draft(plan, EntryKind::Note, json!({ "step": step, "text": n }))).collect();
    drafts.push(draft(plan, EntryKind::Proof, json!({ "step": step, "undo": undo, "holds": true, "text": text })));
    drafts
}

/// A step failed; whether the run goes past it.
pub(super) fn failed(plan: &Plan, step: StepId, reason: &str, undo: bool, goes_on: bool) -> Draft {
    let mut data = json!({ "step": step, "undo": undo, "holds": false, "text": reason });
    if goes_on {
        data[GONE_PAST] = true.into();
    }
    draft(plan, EntryKind::Proof, data)
}

/// Something worth knowing of a step.
pub(super) fn note(plan: &Plan, step: StepId, text: &str) -> Draft {
    draft(plan, EntryKind::Note, json!({ "step": step, "text": text }))
}

pub(super) fn end(plan: &Plan, outcome: &Outcome) -> Draft {
    let mut data = serde_json::to_value(outcome).unwrap_or_default();
    data["exit_code"] = outcome.exit_code().into();
    draft(plan, EntryKind::End, data)
}
