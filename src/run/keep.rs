//! Keep: the second confirmation of a change that is armed with a timer.
//!
//! Owns what it checks, writes and proves: the timer's Lease is let go, and nothing is taken back any more.

use serde_json::Value;

use super::armed;
use super::check::Check;
use super::context::PlanContext;
use super::facts::{entry, text};
use super::ground::{self, Ground, Part};
use super::level::Nature;
use super::plan::{Frozen, FrozenField};
use super::step::{Fact, FieldChange, FieldWrite, Form, Proof, Step, Work};
use crate::fleet::lock::note;
use crate::target::api::{ErrorKind, Read};
use crate::target::model::Kind;

const HOLDER: &str = "/spec/holderIdentity";
const EXPIRES: &str = "/metadata/annotations/timonel.io~1expires-at";

/// Ends the timer of an object's change.
pub(super) async fn part(read: &dyn Read, context: &PlanContext, ground: &Ground) -> Part {
    let object = &ground.object;
    let lease = armed::lease_of(&object.reference);
    let found = read.get(&lease, "").await;
    let check = Check::required("armed");
    let (raw, check) = match found {
        Ok(raw) if !text(&raw, HOLDER).is_empty() => {
            let said = |key| entry(&raw, "/metadata/annotations", key).unwrap_or_default();
            let words = format!("{} of {}: taken back at {}", said(note::ACTION), text(&raw, HOLDER), said(note::EXPIRES_AT));
            (raw, check.ok(words))
        }
        // Not merely unknown: what cannot be read cannot be let go, and a run that did nothing would be called proven.
        Err(error) if error.kind != ErrorKind::NotFound => (
            Value::Null,
            check.failed(format!("its timer cannot be read, and so not let go: {}", error.message), "grant: get leases"),
        ),
        _ => (Value::Null, check.failed("no change of it is armed: there is nothing to keep", "nothing is to be done")),
    };
    let now = |pointer: &str| raw.pointer(pointer).cloned().unwrap_or(Value::Null);
    let uid = text(&raw, "/metadata/uid");
    let changes = vec![FieldChange::new(HOLDER, now(HOLDER), Value::Null), FieldChange::new(EXPIRES, now(EXPIRES), Value::Null)];
    let write = FieldWrite { object: lease.clone(), uid: uid.clone(), subresource: "", changes, form: Form::Merge };
    let is = !raw.is_null();
    let pods = if object.reference.kind == Kind::CronJob { 1 } else { object.wanted() };
    let kubectl = ground::kubectl(&context.context, &lease.namespace);
    let command = format!("{kubectl} patch lease/{} --type merge -p '{}'", lease.name, write.fields());
    let fact = Fact::Field { pointer: HOLDER, value: Value::Null, absent: Value::Null };
    let work = Work::Prove(Proof { fact, object: lease.clone(), uid: uid.clone(), within: context.prove_within });
    let prove = Step { id: "prove-kept".into(), title: "prove kept".to_owned(), proof: "nobody holds the timer".to_owned(), work };
    let mut frozen = vec![Frozen { object: object.reference.clone(), uid: object.uid(), fields: Vec::new() }];
    if is {
        frozen.push(Frozen { object: lease, uid, fields: vec![FrozenField { pointer: HOLDER, value: now(HOLDER) }] });
    }
    Part {
        action: "keep",
        quantity: "change".to_owned(),
        nature: Nature::Mitigation,
        inputs: ground::inputs(&object.reference, []),
        leaves: Vec::new(),
        title: "let go of its timer".to_owned(),
        // What is kept is kept for good: the service is looked at once more.
        proofs: std::iter::once(prove).filter(|_| is).chain(ground.probes(context, pods)).collect(),
        back: None,
        undo: "none: take the change itself back instead".to_owned(),
        pay: command.clone(),
        checks: vec![check],
        risks: vec!["the change stays as it is now".to_owned()],
        same_as: if is { vec![command] } else { Vec::new() },
        raises: Vec::new(),
        frozen,
        write: is.then_some(write),
    }
}
