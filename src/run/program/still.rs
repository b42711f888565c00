//! Steps that change nothing: looking, waiting, asking.
//!
//! Owns the plans of these. What they are about is where the action runs, or the workload that is looked at.

use jiff::Timestamp;

use super::Does;
use crate::base::confirmation::Confirmation;
use crate::base::duration;
use crate::run::check::Check;
use crate::run::context::{PlanContext, PlanError};
use crate::run::facts::WorkloadFacts;
use crate::run::ground;
use crate::run::level::Nature;
use crate::run::plan::{Draft, Inner, Inputs, Manner, Operator};
use crate::run::step::{Asking, Fact, Proof, Step, Work};
use crate::target::api::Read;
use crate::target::model::ObjectRef;

/// What a file says that a step is done by, besides its own proofs.
pub(super) fn done_when(steps: &[Step], ids: &[String], home: &ObjectRef, context: &PlanContext) -> Option<Step> {
    let there = steps.iter().any(|s| s.id == "prove-probes");
    if ids.is_empty() || there {
        return None;
    }
    let names = ids.join(", ");
    let fact = Fact::Probes { ids: ids.to_vec() };
    let work = Work::Prove(Proof { fact, object: home.clone(), uid: String::new(), within: context.prove_within });
    Some(Step {
        id: "prove-probes".into(),
        title: format!("prove health: {names}"),
        proof: format!("probes green: {names}"),
        work,
    })
}

/// What must be typed before what is pending goes on, where it loses data.
const LOSES: &str = "lose data";

/// The question after an inspection, for which its Job's answer is looked at.
pub(super) fn gate(steps: &[Step]) -> Option<Step> {
    let found = steps.iter().find_map(|step| match &step.work {
        Work::Prove(proof) => match &proof.fact {
            Fact::Answered { run, asked } => Some((proof, run, asked)),
            _ => None,
        },
        _ => None,
    });
    let (proof, run, asked) = found?;
    let unless = Proof { fact: Fact::Harmless { run: run.clone(), asked: asked.clone() }, ..proof.clone() };
    Some(Step {
        id: "confirm".into(),
        title: format!("ask to type '{LOSES}' where what is pending loses data"),
        proof: "nothing pending loses data, or a person says so".to_owned(),
        work: Work::Ask(Asking { text: Some(LOSES.to_owned()), alone: false, unless: Some(unless) }),
    })
}

pub(super) async fn draft(read: &dyn Read, context: &PlanContext, does: &Does, home: &ObjectRef, now: Timestamp) -> Result<Draft, PlanError> {
    let prove = |object: &ObjectRef, uid: String, fact: Fact, within| Work::Prove(Proof { fact, object: object.clone(), uid, within });
    let (subject, step) = match does {
        Does::RolloutWait(object) => {
            let facts = WorkloadFacts::new(object, read.get(object, "").await.map_err(|error| PlanError::of(object, &error))?);
            let count = facts.wanted();
            let fact = Fact::Replicas { count, ready: count, at_least: true, rollout: true };
            let title = format!("wait for the rollout of {}", object.name);
            let proof = format!("all {count} pods are of the newest template and available within {} s", context.prove_within.as_secs());
            (object, Step { id: "prove-rollout".into(), title, proof, work: prove(object, facts.uid(), fact, context.prove_within) })
        }
        Does::Probes(ids) => {
            let names = ids.join(", ");
            let work = prove(home, String::new(), Fact::Probes { ids: ids.clone() }, context.prove_within);
            (
                home,
                Step {
                    id: "prove-probes".into(),
                    title: format!("prove health: {names}"),
                    proof: format!("probes green: {names}"),
                    work,
                },
            )
        }
        Does::Wait(time) => {
            let shown = duration::show(*time);
            let work = prove(home, String::new(), Fact::Elapsed { time: *time }, *time);
            (home, Step { id: "wait".into(), title: format!("wait {shown}"), proof: format!("{shown} went by"), work })
        }
        Does::Ask(text) => {
            let title = text.as_ref().map_or_else(|| "ask to go on".to_owned(), |text| format!("ask to type '{text}'"));
            let work = Work::Ask(Asking { text: text.clone(), alone: false, unless: None });
            (home, Step { id: "confirm".into(), title, proof: "a person says so".to_owned(), work })
        }
        Does::Action(_) | Does::Command(_) | Does::Look(_) | Does::Inspect(..) | Does::Image(_) | Does::Job(_) => {
            return Err(PlanError::Usage("it changes something".to_owned()));
        }
    };
    Ok(of_piece(read, context, Piece::still(subject, vec![step]), home, now).await)
}

/// What a step comes to that has no plan of its own.
pub(super) struct Piece {
    /// What it is about.
    pub subject: ObjectRef,
    pub steps: Vec<Step>,
    pub level: Confirmation,
    /// Nobody knows what it changes, and so it counts as a change.
    pub changes: bool,
    pub checks: Vec<Check>,
    pub risks: Vec<String>,
    pub undo: String,
    pub same_as: Vec<String>,
}

impl Piece {
    /// One that changes nothing.
    pub(super) fn still(subject: &ObjectRef, steps: Vec<Step>) -> Self {
        Self {
            subject: subject.clone(),
            steps,
            level: Confirmation::None,
            changes: false,
            checks: Vec::new(),
            risks: Vec::new(),
            undo: String::new(),
            same_as: Vec::new(),
        }
    }
}

/// The draft of a piece.
pub(super) async fn of_piece(read: &dyn Read, context: &PlanContext, piece: Piece, home: &ObjectRef, now: Timestamp) -> Draft {
    let identity = read.identity().await;
    let user = if identity.user.is_empty() { context.operator.cluster_user.clone() } else { identity.user.clone() };
    Draft {
        id: String::new(),
        action: String::new(),
        target: ground::target(context, &identity, &home.name),
        steps: piece.steps,
        seen: Vec::new(),
        checks: piece.checks,
        risks: piece.risks,
        undo: piece.undo.clone(),
        same_as: piece.same_as,
        inner: Inner {
            made_at: now,
            inputs: Inputs::default(),
            subject: piece.subject,
            quantity: String::new(),
            program: None,
            manner: Manner::default(),
            members: Vec::new(),
            pods: (0, 0),
            environment: context.environment.clone(),
            own_level: piece.level,
            nature: if piece.changes { Nature::Change } else { Nature::Mitigation },
            raises: Vec::new(),
            frozen: Vec::new(),
            undo_steps: Vec::new(),
            leaves: Vec::new(),
            no_way_back: piece.undo,
            operator: Operator { cluster_user: user, ..context.operator.clone() },
        },
    }
}
