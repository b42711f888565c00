//! The end of an autoscaler's pause.
//!
//! Owns what it checks, writes and proves. The pause itself is a way on of a scale (`checks::hpa`), and a debt; what its policies were
//! before is in the run's signature.

use serde_json::Value;

use super::check::Check;
use super::checks::{self, DOWN, HpaFacts, UP};
use super::context::PlanContext;
use super::facts::text;
use super::gate::LAST_RUN;
use super::ground::{self, Ground, Part};
use super::level::Nature;
use super::plan::{Frozen, FrozenField};
use super::step::{Fact, FieldChange, FieldWrite, Form};

const DISABLED: &str = "Disabled";

/// Lets it scale again.
pub(super) fn part(context: &PlanContext, ground: &Ground) -> Part {
    let hpa = &ground.object;
    let signature = hpa.annotation(LAST_RUN).unwrap_or_default();
    let words = signature.split_whitespace().nth(2).unwrap_or_default();
    let wanted = [UP, DOWN].into_iter().zip(checks::paused_before(words));
    let changes: Vec<FieldChange> = wanted
        .filter(|(pointer, _)| text(&hpa.raw, pointer) == DISABLED)
        .map(|(pointer, before)| FieldChange::new(pointer, DISABLED, before).absent("Max"))
        .collect();
    let rests = !changes.is_empty();
    let write = FieldWrite { object: hpa.reference.clone(), uid: hpa.uid(), subresource: "", changes: changes.clone(), form: Form::Merge };
    let kubectl = ground::kubectl(&context.context, &hpa.reference.namespace);
    let command = |w: &FieldWrite| format!("{kubectl} patch hpa/{} --type merge -p '{}'", w.object.name, w.fields());
    let prove = |id, change: &FieldChange, value: &Value| {
        let fact = Fact::Field { pointer: change.pointer, value: value.clone(), absent: change.absent.clone() };
        ground.prove(context, id, format!("prove {}", change.field()), format!("it says {}", super::step::shown(change.pointer, value)), fact)
    };
    let state = Check::required("paused");
    let target = HpaFacts::of(&hpa.raw).target_words();
    let mut all =
        vec![if rests { state.ok("it is paused") } else { state.failed("it is not paused: there is nothing to resume", "nothing is to be done") }];
    all.extend(checks::controller(hpa));
    Part {
        action: "resume-hpa",
        quantity: "scaling".to_owned(),
        nature: Nature::Mitigation,
        inputs: ground::inputs(&hpa.reference, []),
        leaves: Vec::new(),
        title: format!("write {}", write.words()),
        proofs: changes
            .first()
            .map(|c| prove("prove-scaling", c, &c.after))
            .into_iter()
            .chain(ground.probes(context, 1))
            .collect(),
        back: Some(changes.first().map(|c| prove("prove-again", c, &c.before)).into_iter().collect()),
        undo: "pause it again".to_owned(),
        pay: command(&write),
        checks: all,
        risks: vec![format!("it scales {target} at once to what its metrics ask for")],
        same_as: if rests { vec![command(&write)] } else { Vec::new() },
        raises: Vec::new(),
        frozen: vec![Frozen {
            object: hpa.reference.clone(),
            uid: hpa.uid(),
            fields: [UP, DOWN].into_iter().map(|pointer| FrozenField { pointer, value: ground::now(hpa, pointer) }).collect(),
        }],
        write: rests.then_some(write),
    }
}
