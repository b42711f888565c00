//! The plans of several objects as one plan.
//!
//! Owns the order of their steps, the way back of all of them, and what their checks, risks and losses add up to. Pure.

use super::Order;
use crate::base::confirmation::Confirmation;
use crate::run::actions::ActionRequest;
use crate::run::check::Check;
use crate::run::ground;
use crate::run::level::{Nature, Raise};
use crate::run::plan::{Draft, Inner, Inputs, Member, Plan, UndoStep};
use crate::run::step::{Policy, Step, Work};
use crate::target::model::ObjectRef;

/// One object's part: its number from 1, its name, and its own plan.
struct Part {
    number: u16,
    label: String,
    draft: Draft,
}

/// One plan of all; there is at least one.
pub(super) fn all(plans: Vec<Plan>, request: &ActionRequest, order: Order) -> Plan {
    let subjects: Vec<ObjectRef> = plans.iter().map(|p| p.subject().clone()).collect();
    let parts = (1..)
        .zip(plans)
        .map(|(number, plan)| Part { number, label: label(plan.subject(), &subjects), draft: plan.draft() });
    let parts: Vec<Part> = parts.collect();
    let Some(first) = parts.first().map(|p| &p.draft) else { unreachable!("a plan for several has a first object") };
    Plan::of(Draft {
        id: first.id.clone(),
        action: first.action.clone(),
        target: first.target.clone(),
        steps: steps(&parts, order),
        seen: parts.iter().flat_map(|p| p.draft.seen.iter().cloned()).collect(),
        checks: checks(&parts, order),
        risks: told(&parts, |d| &d.risks),
        undo: undo(&parts),
        same_as: parts.iter().flat_map(|p| p.draft.same_as.iter().cloned()).collect(),
        inner: Inner {
            made_at: parts.iter().map(|p| p.draft.inner.made_at).min().unwrap_or(first.inner.made_at),
            inputs: inputs(request, order),
            quantity: format!("{} objects", parts.len()),
            members: parts.iter().map(member).collect(),
            pods: pods(&parts, order),
            nature: if parts.iter().all(|p| p.draft.inner.nature == Nature::Mitigation) { Nature::Mitigation } else { Nature::Change },
            own_level: parts.iter().map(|p| p.draft.inner.own_level).fold(Confirmation::None, Confirmation::max),
            raises: raises(&parts, order),
            frozen: parts.iter().flat_map(|p| p.draft.inner.frozen.iter().cloned()).collect(),
            undo_steps: undo_steps(&parts),
            leaves: parts.iter().flat_map(|p| p.draft.leaves_as(p.number)).collect(),
            ..first.inner.clone()
        },
    })
}

/// Its name; with its kind where two have the same.
fn label(object: &ObjectRef, all: &[ObjectRef]) -> String {
    let same = all.iter().filter(|o| o.name == object.name).count();
    if same == 1 { object.name.to_string() } else { format!("{}/{}", object.kind.word().to_lowercase(), object.name) }
}

fn member(part: &Part) -> Member {
    let inner = &part.draft.inner;
    Member {
        object: inner.subject.clone(),
        label: part.label.clone(),
        quantity: inner.quantity.clone(),
        rests_on: inner.frozen.iter().map(|f| f.object.clone()).collect(),
        no_way_back: inner.no_way_back.clone(),
        policy: Policy::default(),
        action: String::new(),
    }
}

/// Parameters in their normal form: sorted by name, and the objects in the order in which they are gone through.
fn inputs(request: &ActionRequest, order: Order) -> Inputs {
    let mut parameters = ground::inputs(&request.object, []).parameters;
    let own = request.parameters.iter().filter_map(|p| p.split_once('=')).filter(|(name, _)| *name != "order");
    parameters.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    parameters.push(("order".to_owned(), order.word().to_owned()));
    parameters.sort_by(|a, b| a.0.cmp(&b.0));
    Inputs { parameters, overrides: Vec::new(), reason: request.reason.as_deref().map(crate::run::scrub::text) }
}

/// A step of one object among those of others.
fn own(part: &Part, step: &Step) -> Step {
    let named = |text: &str| format!("{}: {text}", part.label);
    Step { id: step.id.of(part.number), title: named(&step.title), proof: named(&step.proof), work: step.work.clone() }
}

/// The locks of all, in one step; then each object's steps. In parallel, the writes of all come before their proofs; where an object is
/// changed in stages, each stage of all before the next.
fn steps(parts: &[Part], order: Order) -> Vec<Step> {
    let of = |part: &Part| part.draft.steps.iter().filter(|s| s.work != Work::Lock).map(|s| own(part, s)).collect::<Vec<Step>>();
    let writes = parts
        .iter()
        .flat_map(|p| &p.draft.steps)
        .filter_map(|s| if let Work::Write(w) = &s.work { Some(w) } else { None });
    let mut all: Vec<Step> = ground::lock_step(writes).into_iter().collect();
    match order {
        Order::OneByOne => all.extend(parts.iter().flat_map(of)),
        Order::Parallel => {
            let stages: Vec<Vec<Vec<Step>>> = parts.iter().map(|p| stages(of(p))).collect();
            let most = stages.iter().map(Vec::len).max().unwrap_or(0);
            for at in 0..most {
                let (writes, proofs): (Vec<Step>, Vec<Step>) =
                    stages.iter().filter_map(|s| s.get(at)).flatten().cloned().partition(|s| matches!(s.work, Work::Write(_)));
                all.extend(writes);
                all.extend(proofs);
            }
        }
    }
    all
}

/// Each stage is writes and the proofs that follow them.
fn stages(steps: Vec<Step>) -> Vec<Vec<Step>> {
    let mut stages: Vec<Vec<Step>> = Vec::new();
    let mut proving = false;
    for step in steps {
        let writes = matches!(step.work, Work::Write(_));
        match stages.last_mut() {
            Some(last) if !(writes && proving) => last.push(step),
            _ => stages.push(vec![step]),
        }
        proving = !writes;
    }
    stages
}

/// The last object first.
fn undo_steps(parts: &[Part]) -> Vec<UndoStep> {
    parts.iter().rev().flat_map(|p| p.draft.undo_as(p.number, |step| own(p, step))).collect()
}

/// What all say is told once; what differs, with the name of each.
fn told<'a>(parts: &'a [Part], of: impl Fn(&'a Draft) -> &'a Vec<String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for part in parts {
        for text in of(&part.draft) {
            let common = parts.iter().all(|p| of(&p.draft).contains(text));
            let text = if common { text.clone() } else { format!("{}: {text}", part.label) };
            if !all.contains(&text) {
                all.push(text);
            }
        }
    }
    all
}

fn undo(parts: &[Part]) -> String {
    let same = parts.windows(2).all(|two| matches!(two, [a, b] if a.draft.undo == b.draft.undo));
    match parts.first() {
        Some(first) if same => first.draft.undo.clone(),
        _ => format!(
            "the last first: {}",
            parts.iter().rev().map(|p| format!("{}: {}", p.label, p.draft.undo)).collect::<Vec<_>>().join("; ")
        ),
    }
}

/// The order, then the checks of each object: those that say the same of all once, the others with the object's name in id and detail.
fn checks(parts: &[Part], order: Order) -> Vec<Check> {
    let mut all = vec![Check::advisory("order").ok(match order {
        Order::OneByOne => "one after the other, each proven before the next; the first failure stops it",
        Order::Parallel => "all are written first and watched together then; the first failure stops it",
    })];
    let mut ids: Vec<&str> = Vec::new();
    for check in parts.iter().flat_map(|p| &p.draft.checks) {
        if !ids.contains(&check.id.as_str()) {
            ids.push(&check.id);
        }
    }
    for id in ids {
        let of = |part: &Part| part.draft.checks.iter().filter(|c| c.id == id).cloned().collect::<Vec<Check>>();
        let each: Vec<Vec<Check>> = parts.iter().map(of).collect();
        let told: Vec<Check> = match &each[..] {
            [first, others @ ..] if others.iter().all(|o| o == first) => first.clone(),
            _ => parts.iter().zip(each).flat_map(|(part, checks)| checks.into_iter().map(|c| named(part, c))).collect(),
        };
        all.extend(told);
    }
    once(&mut all);
    all
}

fn named(part: &Part, check: Check) -> Check {
    Check { id: format!("{}:{}", check.id, part.label), detail: format!("{}: {}", part.label, check.detail), ..check }
}

/// A way on that several checks offer is offered once; a count is one object's own and is offered for none.
fn once(checks: &mut [Check]) {
    let mut offered: Vec<(char, String)> = Vec::new();
    for check in checks {
        check.choices.retain(|c| {
            let new = !c.parameter.starts_with("replicas=") && !offered.iter().any(|(key, parameter)| *key == c.key || *parameter == c.parameter);
            if new {
                offered.push((c.key, c.parameter.clone()));
            }
            new
        });
    }
}

/// How many pods there are, and how many of them stay at least. Replaced one after the other, no more go than of the one that loses most.
fn pods(parts: &[Part], order: Order) -> (i64, i64) {
    let before = parts.iter().map(|p| p.draft.inner.pods.0).sum();
    let lost = parts.iter().map(|p| lost(&p.draft));
    let come_back = parts.first().is_some_and(|p| p.draft.action == "restart");
    let lost: i64 = if come_back && order == Order::OneByOne { lost.max().unwrap_or(0) } else { lost.sum() };
    (before, before - lost)
}

/// How many pods the change takes, for a while or for good.
fn lost(draft: &Draft) -> i64 {
    let (before, stay) = draft.inner.pods;
    if ["scale", "restart"].contains(&draft.action.as_str()) { (before - stay).max(0) } else { 0 }
}

/// What each object asks for, and what the loss of all together does.
fn raises(parts: &[Part], order: Order) -> Vec<Raise> {
    let of = |part: &Part| {
        let label = part.label.clone();
        part.draft
            .inner
            .raises
            .iter()
            .map(move |r| Raise { why: format!("{label}: {}", r.why), ..r.clone() })
            .collect::<Vec<Raise>>()
    };
    let mut all: Vec<Raise> = parts.iter().flat_map(of).collect();
    let (before, stay) = pods(parts, order);
    if stay < before && stay * 2 <= before {
        all.push(Raise::fact(Confirmation::Phrase, format!("capacity falls from {before} to {stay}")));
    }
    all
}
