//! A plan about several objects: which they are, and what belongs to which of them.
//!
//! Owns the way from the number in a step's id to the object that the step is about. A plan about one object has no members.

use serde::{Deserialize, Serialize};

use super::{Draft, Frozen, Plan, UndoStep};
use crate::run::outcome::Debt;
use crate::run::step::{Policy, Step, StepId, Work};
use crate::target::model::ObjectRef;

/// One object of a plan that is about several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::run) struct Member {
    pub object: ObjectRef,
    /// As steps, checks and debts name it: `worker`.
    pub label: String,
    /// `3->1`.
    pub quantity: String,
    /// The objects that its writes rest on.
    pub rests_on: Vec<ObjectRef>,
    /// What settles things when a write of it was carried out, is not proven, and has no way back.
    pub no_way_back: String,
    /// What its steps are allowed, and what follows when one of them fails.
    #[serde(default)]
    pub policy: Policy,
    /// The engine's own action that it is, in a plan of several different steps; empty elsewhere.
    #[serde(default)]
    pub action: String,
}

/// What a plan of several different steps is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::run) struct ProgramTitle {
    pub title: String,
    /// What is typed where a phrase is asked for; `None` = the plan's own words.
    pub phrase: Option<String>,
    /// What one of the engine's own actions came to several steps for; `None` for an action of a service file.
    #[serde(default)]
    pub of: Option<ObjectRef>,
}

impl Draft {
    /// Its way back as part of a plan of several, in which it has that number; `named` tells its steps from those of others.
    pub(in crate::run) fn undo_as(&self, number: u16, named: impl Fn(&Step) -> Step) -> Vec<UndoStep> {
        let one = |undo: &UndoStep| UndoStep { undoes: undo.undoes.map(|id| id.of(number)), step: named(&undo.step), pay: undo.pay.clone() };
        self.inner.undo_steps.iter().map(one).collect()
    }

    /// What it leaves, as part of a plan of several in which it has that number.
    pub(in crate::run) fn leaves_as(&self, number: u16) -> Vec<Debt> {
        let id = |debt: &Debt| {
            let step = self.steps.iter().map(|s| s.id).find(|id| *id == *debt.id);
            step.map_or_else(|| debt.id.clone(), |id| id.of(number).to_string())
        };
        self.inner.leaves.iter().map(|debt| Debt { id: id(debt), ..debt.clone() }).collect()
    }
}

impl Plan {
    /// Every object that it is about; the first is its subject.
    pub fn subjects(&self) -> impl Iterator<Item = &ObjectRef> {
        // Steps that only look, wait or ask are about nothing of their own.
        let own = |m: &&Member| self.inner.program.is_none() || !m.action.is_empty();
        let one = (!self.inner.members.iter().any(|m| own(&m))).then_some(&self.inner.subject);
        one.into_iter().chain(self.inner.members.iter().filter(own).map(|m| &m.object))
    }

    /// The member of that number; `None` for 0, and in a plan about one object.
    pub(in crate::run) fn member(&self, number: u16) -> Option<&Member> {
        self.inner.members.get(usize::from(number).checked_sub(1)?)
    }

    /// Whether it does that to an object, as its own action or as one of its steps.
    pub(in crate::run) fn does(&self, action: &str, object: &ObjectRef) -> bool {
        match &self.inner.program {
            None => self.action == action && *object == self.inner.subject,
            Some(_) => self.inner.members.iter().any(|m| m.action == action && m.object == *object),
        }
    }

    /// The rules of the steps of that number.
    pub(in crate::run) fn policy(&self, number: u16) -> Policy {
        self.member(number).map(|m| m.policy.clone()).unwrap_or_default()
    }

    /// How a member is named on screen: `worker`; `None` where there is only one, or a step is about all of them.
    pub fn label(&self, id: StepId) -> Option<&str> {
        self.member(id.member()).map(|m| m.label.as_str())
    }

    /// What the steps of that number are about, and how much of it changes.
    pub(in crate::run) fn about(&self, number: u16) -> (&ObjectRef, &str) {
        let one = (&self.inner.subject, self.inner.quantity.as_str());
        self.member(number).map_or(one, |m| (&m.object, m.quantity.as_str()))
    }

    /// The numbers of its members; 0 where there is one object.
    pub(in crate::run) fn numbers(&self) -> impl Iterator<Item = u16> + use<> {
        let most = u16::try_from(self.inner.members.len()).unwrap_or(u16::MAX);
        most.min(1)..=most
    }

    /// The identity of one of the objects that it is about.
    pub(in crate::run) fn uid_of(&self, object: &ObjectRef) -> &str {
        self.inner.frozen.iter().find(|f| f.object == *object).map_or("", |f| f.uid.as_str())
    }

    /// What the writes of that number rest on.
    pub(in crate::run) fn frozen_of(&self, number: u16) -> impl Iterator<Item = &Frozen> {
        let member = self.member(number);
        self.inner.frozen.iter().filter(move |f| member.is_none_or(|m| m.rests_on.contains(&f.object)))
    }

    /// What is typed where much is at stake: how many objects, which, and how much of each.
    pub(super) fn phrase(&self) -> String {
        if let Some(phrase) = self.inner.program.as_ref().and_then(|p| p.phrase.clone()) {
            return phrase;
        }
        let (action, members) = (&self.action, &self.inner.members);
        if members.is_empty() {
            return format!("{action} {} {}", self.inner.subject.name, self.inner.quantity);
        }
        let counts = action == "scale";
        let one = |m: &Member| if counts { format!("{} {}", m.label, m.quantity) } else { m.label.clone() };
        format!("{action} {} {}", members.len(), members.iter().map(one).collect::<Vec<_>>().join(" "))
    }

    /// Every object that it is about, in words.
    pub(in crate::run) fn subject_words(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        for word in self.subjects().map(ToString::to_string) {
            // The steps of an action may be about the same object.
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words.join(", ")
    }

    /// The proofs of that number on the way forward.
    pub(in crate::run) fn proofs_of(&self, number: u16) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |s| s.id.member() == number && matches!(s.work, Work::Prove(_)))
    }
}
