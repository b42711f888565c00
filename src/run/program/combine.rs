//! The plans of a program's steps as one plan.
//!
//! Owns the order of their steps, the way back of all of them, and what their checks, risks and losses add up to. Pure.

use jiff::Timestamp;

use super::{Part, Program};
use crate::base::confirmation::Confirmation;
use crate::run::check::Check;
use crate::run::ground;
use crate::run::level::{Nature, Raise};
use crate::run::plan::{Draft, Frozen, Inner, Member, Plan, ProgramTitle, UndoStep};
use crate::run::step::{FieldWrite, Step, Work};
use crate::target::model::ObjectRef;

/// One plan of all; there is at least one.
pub(super) fn all(parts: &[Part], program: &Program, id: String, now: Timestamp) -> Plan {
    // What is written first is what the plan is about.
    let Some(first) = parts.iter().find(|p| p.action.is_some()).or(parts.first()) else { unreachable!("a program has a step") };
    let inner = &first.draft.inner;
    let nature = |p: &Part| p.action.is_none() || p.draft.inner.nature == Nature::Mitigation;
    let count = parts.len();
    Plan::of(Draft {
        id,
        action: program.action.clone(),
        target: first.draft.target.clone(),
        steps: steps(parts),
        seen: seen(parts),
        checks: checks(parts, program),
        risks: risks(parts),
        undo: undo(parts),
        same_as: parts.iter().flat_map(|p| p.draft.same_as.iter().cloned()).collect(),
        inner: Inner {
            made_at: now,
            inputs: program.inputs(),
            quantity: format!("{count} step{}", if count == 1 { "" } else { "s" }),
            program: Some(ProgramTitle { title: program.title.clone(), phrase: program.phrase.clone(), of: program.of.clone() }),
            members: parts.iter().map(member).collect(),
            nature: if parts.iter().all(nature) { Nature::Mitigation } else { Nature::Change },
            own_level: parts.iter().map(|p| p.draft.inner.own_level).fold(program.level, Confirmation::max),
            raises: raises(parts, program),
            frozen: frozen(parts),
            undo_steps: undo_steps(parts),
            leaves: parts.iter().flat_map(|p| p.draft.leaves_as(p.number)).collect(),
            ..inner.clone()
        },
    })
}

fn member(part: &Part) -> Member {
    let inner = &part.draft.inner;
    Member {
        object: inner.subject.clone(),
        label: part.step.id.clone(),
        quantity: inner.quantity.clone(),
        rests_on: inner.frozen.iter().map(|f| f.object.clone()).collect(),
        no_way_back: inner.no_way_back.clone(),
        policy: part.step.policy.clone(),
        action: part.action.unwrap_or_default().to_owned(),
    }
}

fn own(part: &Part, step: &Step) -> Step {
    let named = |text: &str| format!("{}: {text}", part.step.id);
    Step { id: step.id.of(part.number), title: named(&step.title), proof: named(&step.proof), work: step.work.clone() }
}

fn writes(part: &Part) -> impl Iterator<Item = &FieldWrite> {
    part.draft.steps.iter().filter_map(|s| if let Work::Write(w) = &s.work { Some(w) } else { None })
}

/// The locks of all, in one step; then each step's own.
fn steps(parts: &[Part]) -> Vec<Step> {
    let mut all: Vec<Step> = ground::lock_step(parts.iter().flat_map(writes)).into_iter().collect();
    all.extend(parts.iter().flat_map(|p| p.draft.steps.iter().filter(|s| s.work != Work::Lock).map(|s| own(p, s))));
    all
}

fn seen(parts: &[Part]) -> Vec<(ObjectRef, Option<i64>, String)> {
    let mut seen: Vec<(ObjectRef, Option<i64>, String)> = Vec::new();
    for one in parts.iter().flat_map(|p| &p.draft.seen) {
        if !seen.iter().any(|(object, ..)| *object == one.0) {
            seen.push(one.clone());
        }
    }
    seen
}

/// What the plan rests on as it is now. A field that an earlier step writes is not among what a later one rests on: it is as that step
/// leaves it, and that step is proven first.
fn frozen(parts: &[Part]) -> Vec<Frozen> {
    let mut all: Vec<Frozen> = Vec::new();
    let mut written: Vec<(&ObjectRef, &str)> = Vec::new();
    for part in parts {
        for frozen in &part.draft.inner.frozen {
            let moves = |pointer: &str| {
                written
                    .iter()
                    .any(|(object, w)| **object == frozen.object && (w.starts_with(pointer) || pointer.starts_with(w)))
            };
            let fields = frozen.fields.iter().filter(|f| !moves(f.pointer)).cloned().collect();
            all.push(Frozen { fields, ..frozen.clone() });
        }
        written.extend(writes(part).flat_map(|w| w.changes.iter().map(|c| (&w.object, c.pointer))));
    }
    all
}

/// The last step first.
fn undo_steps(parts: &[Part]) -> Vec<UndoStep> {
    parts.iter().rev().flat_map(|p| p.draft.undo_as(p.number, |step| own(p, step))).collect()
}

fn risks(parts: &[Part]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for part in parts {
        all.extend(part.draft.risks.iter().map(|risk| format!("{}: {risk}", part.step.id)));
    }
    all
}

/// The way back in words: what is not taken back is said.
fn undo(parts: &[Part]) -> String {
    let changing = || parts.iter().filter(|p| p.action.is_some());
    if changing().next().is_none() {
        return "nothing is changed".to_owned();
    }
    let one = |p: &Part| match (p.step.policy.goes_back(), p.draft.inner.undo_steps.is_empty()) {
        (true, _) => format!("{}: {}", p.step.id, p.draft.undo),
        (false, _) => format!("{}: is not taken back", p.step.id),
    };
    let words: Vec<String> = parts.iter().rev().filter(|p| p.action.is_some()).map(one).collect();
    if words.len() == 1 { words.concat() } else { format!("the last first: {}", words.join("; ")) }
}

/// What the file requires, then the checks of each step: those that were answered alike once, the others with the step's name.
fn checks(parts: &[Part], program: &Program) -> Vec<Check> {
    let mut all: Vec<Check> = program.checks.clone();
    let changing: Vec<&Part> = parts.iter().filter(|p| !p.draft.checks.is_empty()).collect();
    let mut ids: Vec<&str> = Vec::new();
    for check in changing.iter().flat_map(|p| &p.draft.checks) {
        if !ids.contains(&check.id.as_str()) {
            ids.push(&check.id);
        }
    }
    for id in &ids {
        let each: Vec<(&&Part, &Check)> = changing.iter().flat_map(|p| p.draft.checks.iter().filter(|c| c.id == *id).map(move |c| (p, c))).collect();
        match &each[..] {
            [(_, first), others @ ..] if others.iter().all(|(_, c)| c == first) => all.push((*first).clone()),
            _ => all.extend(each.iter().map(|(part, c)| Check {
                id: format!("{}:{}", c.id, part.step.id),
                detail: format!("{}: {}", part.step.id, c.detail),
                ..(*c).clone()
            })),
        }
    }
    // What a check offers is a parameter of its own action, and this one has variables.
    for check in &mut all {
        check.choices.clear();
    }
    for (word, id) in &program.own_checks {
        if *id == "freeze" || ids.contains(id) {
            continue;
        }
        all.push(
            Check::required(format!("require:{word}"))
                .unknown(format!("'{word}' is required, and no step of it looks at that"), "take it out of 'require'"),
        );
    }
    all
}

fn raises(parts: &[Part], program: &Program) -> Vec<Raise> {
    let of = |part: &Part| {
        let label = part.step.id.clone();
        part.draft
            .inner
            .raises
            .iter()
            .map(move |r| Raise { why: format!("{label}: {}", r.why), ..r.clone() })
            .collect::<Vec<Raise>>()
    };
    program.raises.iter().cloned().chain(parts.iter().flat_map(of)).collect()
}
