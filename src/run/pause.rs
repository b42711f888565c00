//! Pause and resume of a Deployment's rollout.
//!
//! Owns what both check, write and prove. A paused rollout is as it is until somebody resumes it: a pause is a debt.

use serde_json::Value;

use super::checks;
use super::context::PlanContext;
use super::ground::{self, Ground, Part};
use super::level::Nature;
use super::outcome::Debt;
use super::plan::{Frozen, FrozenField};
use super::step::{Fact, FieldChange, FieldWrite, Form, Pin, Step};

const PAUSED: &str = "/spec/paused";

/// `pause` when `paused`, else `resume`.
pub(super) fn part(context: &PlanContext, ground: &Ground, paused: bool) -> Part {
    let workload = &ground.object;
    let (is, action) = (workload.paused(), if paused { "pause" } else { "resume" });
    let change = FieldChange::new(PAUSED, is, paused).absent(false);
    let write = FieldWrite {
        object: workload.reference.clone(),
        uid: workload.uid(),
        subresource: "",
        changes: vec![change],
        form: Form::Merge,
    };
    let kubectl = ground::kubectl(&context.context, &workload.reference.namespace);
    let command = |word: &str| format!("{kubectl} rollout {word} deployment/{}", workload.reference.name);
    let field = |id, value: bool| {
        let fact = Fact::Field { pointer: PAUSED, value: value.into(), absent: false.into() };
        let words = if value { "paused" } else { "not paused" };
        ground.prove(context, id, format!("prove {words}"), format!("its controller has seen that it is {words}"), fact)
    };
    let mut proofs = if paused { vec![field("prove-paused", true)] } else { rolled_out(context, ground) };
    proofs.extend(ground.probes(context, workload.wanted()));
    let other = if paused { "resume" } else { "pause" };
    let mut all = checks::owners(workload, &[], "paused");
    if paused {
        all.push(checks::rollout(workload, true));
    } else {
        let least = workload.least_while_rolling();
        all.push(checks::pdb_while_rolling(&ground.pdbs, workload, least));
        all.extend(checks::min_ready_while_rolling(context.floor(&workload.reference), least));
    }
    Part {
        action,
        quantity: "rollout".to_owned(),
        nature: if paused { Nature::Change } else { Nature::Mitigation },
        inputs: ground::inputs(&workload.reference, []),
        leaves: (paused && !is)
            .then(|| Debt {
                id: "write".to_owned(),
                object: workload.reference.to_string(),
                what: "its rollout is paused: a new template reaches no pod".to_owned(),
                pay: command("resume"),
            })
            .into_iter()
            .collect(),
        title: format!("write paused {paused}"),
        proofs,
        back: Some(vec![field("prove-again", is)]),
        undo: format!("{other} it"),
        pay: command(other),
        checks: all,
        risks: risks(ground, paused),
        same_as: if is == paused { Vec::new() } else { vec![command(action)] },
        raises: Vec::new(),
        frozen: vec![Frozen {
            object: workload.reference.clone(),
            uid: workload.uid(),
            fields: vec![FrozenField { pointer: PAUSED, value: workload.raw.pointer(PAUSED).cloned().unwrap_or(Value::Null) }],
        }],
        write: (is != paused).then_some(write),
    }
}

/// What was held back goes on: proven when it is through.
fn rolled_out(context: &PlanContext, ground: &Ground) -> Vec<Step> {
    let pin = Pin { pointer: "/spec/template", value: ground::now(&ground.object, "/spec/template"), pod: None, left: None };
    let proof = format!("every pod is of the newest template and available within {} s", context.prove_within.as_secs());
    vec![ground.prove(context, "prove-rollout", "prove the rollout".to_owned(), proof, Fact::Rollout { pin, ready: None })]
}

fn risks(ground: &Ground, paused: bool) -> Vec<String> {
    match (paused, ground.object.rollout()) {
        (true, Some(words)) => vec![format!("it stops in the middle of a rollout: {words}")],
        (true, None) => vec!["later changes of its template, a rollback too, do nothing until it is resumed".to_owned()],
        (false, _) => vec!["whatever was changed while it was paused is rolled out now".to_owned()],
    }
}
