//! An action resolved against the live target: what will change, what was checked, what must be typed.
//!
//! Owns the plan value (`timonel.plan/1`, cli.md), when it is stale, and what its parts add up to. Drawn by the panel, printed
//! by the command line, stored by the journal: the same value. Must not ask or write anything.

mod hash;
mod manner;
mod member;
mod text;

pub(in crate::run) use manner::Manner;
pub(in crate::run) use member::{Member, ProgramTitle};
pub use text::{PlanLine, Tone};

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approval::Approval;
use super::check::Check;
use super::environment::Environment;
use super::level::{Nature, Raise, level};
use super::outcome::Debt;
use super::record;
use super::scrub;
use super::step::{FieldWrite, Form, Step, StepId, Work, dotted};
use super::word::{self, Word};
use crate::base::confirmation::Confirmation;
use crate::target::model::{Kind, Object, ObjectRef};

/// How long a plan may wait for its confirmation (contract.md 5).
pub const VALID_FOR: Duration = Duration::from_secs(90);

/// A plan. Its fields are private to the engine, so that what is confirmed is what was made; read it through its methods or as
/// JSON.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Plan {
    schema: &'static str,
    pub(in crate::run) id: String,
    pub(in crate::run) action: String,
    pub(in crate::run) expires_at: Timestamp,
    pub(in crate::run) hash: String,
    pub(in crate::run) target: PlanTarget,
    pub(in crate::run) objects: Vec<PlanObject>,
    pub(in crate::run) steps: Vec<Step>,
    pub(in crate::run) checks: Vec<Check>,
    pub(in crate::run) risks: Vec<String>,
    pub(in crate::run) undo: String,
    pub(in crate::run) same_as: Vec<String>,
    pub(in crate::run) confirmation: Ask,
    pub(in crate::run) allowed: bool,
    pub(in crate::run) blocked_by: Vec<String>,
    /// Set where it is confirmed.
    #[serde(skip)]
    pub(in crate::run) approval: Option<Approval>,
    #[serde(skip)]
    pub(in crate::run) inner: Inner,
}

/// What the engine knows of a plan besides what it shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Inner {
    pub made_at: Timestamp,
    pub inputs: Inputs,
    pub subject: ObjectRef,
    pub quantity: String,
    /// What a plan of several different steps is called; `None` for one of the engine's own actions.
    #[serde(default)]
    pub program: Option<ProgramTitle>,
    /// The objects of a plan that is about several, or its steps, in order; empty for one.
    #[serde(default)]
    pub members: Vec<Member>,
    /// How many pods the object has before, and how many of them stay while it is changed.
    #[serde(default)]
    pub pods: (i64, i64),
    pub environment: Environment,
    pub own_level: Confirmation,
    pub nature: Nature,
    pub raises: Vec<Raise>,
    pub frozen: Vec<Frozen>,
    pub undo_steps: Vec<UndoStep>,
    /// Debts that the plan leaves even when it is proven, by the id of the step that makes them.
    pub leaves: Vec<Debt>,
    /// What settles things when a write was carried out, is not proven, and has no way back.
    pub no_way_back: String,
    pub operator: Operator,
    #[serde(default)]
    pub manner: Manner,
}

/// A step of the way back, and which step it takes back; `None` = a proof at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct UndoStep {
    pub undoes: Option<StepId>,
    #[serde(with = "record::step")]
    pub step: Step,
    /// What pays the debt, when this step is not taken.
    pub pay: String,
}

/// Where a plan is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanTarget {
    /// `kubernetes`.
    #[serde(deserialize_with = "word::word")]
    pub kind: Word,
    /// Context of the kubeconfig.
    pub context: String,
    /// UID of the namespace kube-system; null when it could not be read.
    pub cluster_uid: Option<String>,
    /// Why it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_uid_reason: Option<String>,
    /// Namespaces that the plan touches.
    pub namespaces: Vec<String>,
    /// `v1.36.3`.
    pub server_version: String,
}

/// One object that a plan changes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlanObject {
    /// `Deployment`.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its identity; null for one that is made.
    pub uid: Option<String>,
    /// For information: moves with every annotation.
    pub generation: Option<i64>,
    /// For information: moves with every status update.
    pub resource_version: String,
    /// What changes.
    pub changes: Vec<PlanChange>,
}

/// One field that changes, as it may be shown.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlanChange {
    /// `spec.replicas`.
    pub field: String,
    /// The value now.
    pub before: Value,
    /// The value wanted.
    pub after: Value,
}

/// What a person must do before anything is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ask {
    /// How much.
    pub level: Confirmation,
    /// What must be typed; null at level none.
    #[serde(rename = "type")]
    pub text: Option<String>,
}

/// What was asked for. Two operators who ask for the same get the same hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Inputs {
    /// Parameters in their normal form, sorted: `hpa=raise`, `replicas=5`, `workload=deployment/api`.
    pub parameters: Vec<(String, String)>,
    /// Ids of checks that are overridden, sorted.
    pub overrides: Vec<String>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
}

/// Who asks, for the lock, the journal and the annotations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Operator {
    /// Login name on this machine.
    pub user: String,
    /// This machine.
    pub host: String,
    /// Who the cluster says we are.
    pub cluster_user: String,
}

/// Fields of one object that must not move between plan and write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Frozen {
    pub object: ObjectRef,
    pub uid: String,
    pub fields: Vec<FrozenField>,
}

/// One frozen field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct FrozenField {
    #[serde(deserialize_with = "word::word")]
    pub pointer: Word,
    pub value: Value,
}

impl Frozen {
    /// Takes in a write of the run's own: it does not count as moved (contract.md 5).
    pub(in crate::run) fn advance(&mut self, write: &FieldWrite) {
        if self.object != write.object {
            return;
        }
        for change in &write.changes {
            for field in &mut self.fields {
                match change.pointer.strip_prefix(field.pointer) {
                    Some("") => field.value = change.after.clone(),
                    Some(below) if below.starts_with('/') => super::step::put(&mut field.value, below, change.after.clone()),
                    _ => {}
                }
            }
        }
    }

    /// What moved in `object`, in words; empty when nothing did.
    pub(in crate::run) fn moved(&self, object: &Value) -> Vec<String> {
        let uid = object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        if uid != self.uid {
            return vec![format!("{} was deleted and made again", self.object)];
        }
        let null = Value::Null;
        let moved = self.fields.iter().filter(|f| object.pointer(f.pointer).unwrap_or(&null) != &f.value);
        moved.map(|f| self.words(f, object.pointer(f.pointer).unwrap_or(&null))).collect()
    }

    fn words(&self, field: &FrozenField, now: &Value) -> String {
        if now.is_object() && field.value.is_object() {
            return format!("{}: {} changed", self.object, dotted(field.pointer));
        }
        format!(
            "{}: {} was {}, is {}",
            self.object,
            dotted(field.pointer),
            super::step::shown(field.pointer, &field.value),
            super::step::shown(field.pointer, now)
        )
    }
}

/// Everything that a plan builder hands over; the rest follows from it. Recorded, so that a run can be resumed.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::run) struct Draft {
    pub id: String,
    pub action: String,
    pub target: PlanTarget,
    #[serde(with = "record::steps")]
    pub steps: Vec<Step>,
    /// Generation and resourceVersion of the objects that are written, for information.
    pub seen: Vec<(ObjectRef, Option<i64>, String)>,
    pub checks: Vec<Check>,
    pub risks: Vec<String>,
    pub undo: String,
    pub same_as: Vec<String>,
    pub inner: Inner,
}

impl Plan {
    /// Completes a plan: objects from its writes, then level, hash and verdict.
    pub(in crate::run) fn of(draft: Draft) -> Self {
        let made_at = draft.inner.made_at;
        let objects = objects(&draft.steps, &draft.seen);
        let mut plan = Self {
            schema: "timonel.plan/1",
            id: draft.id,
            action: draft.action,
            expires_at: made_at.checked_add(VALID_FOR).unwrap_or(Timestamp::MAX),
            hash: String::new(),
            target: draft.target,
            objects,
            steps: draft.steps,
            checks: draft.checks,
            risks: draft.risks,
            undo: draft.undo,
            same_as: draft.same_as,
            confirmation: Ask { level: Confirmation::None, text: None },
            allowed: false,
            blocked_by: Vec::new(),
            approval: None,
            inner: draft.inner,
        };
        plan.settle();
        plan
    }

    /// What it was made from.
    pub(in crate::run) fn draft(&self) -> Draft {
        let seen = |o: &PlanObject| {
            let object = ObjectRef::new(o.kind, o.namespace.as_str(), o.name.as_str());
            (object, o.generation, o.resource_version.clone())
        };
        Draft {
            id: self.id.clone(),
            action: self.action.clone(),
            target: self.target.clone(),
            steps: self.steps.clone(),
            seen: self.objects.iter().map(seen).collect(),
            checks: self.checks.clone(),
            risks: self.risks.clone(),
            undo: self.undo.clone(),
            same_as: self.same_as.clone(),
            inner: self.inner.clone(),
        }
    }

    /// Level, what is typed, verdict and hash: all that follows from checks, overrides and facts.
    pub(in crate::run) fn settle(&mut self) {
        let production = self.inner.environment.kind.counts_as_production();
        let blocking: Vec<&Check> = self.checks.iter().filter(|c| c.blocks(production)).collect();
        let overridden = |c: &&&Check| c.overridable && self.inner.inputs.overrides.contains(&c.id);
        let mut raises = self.inner.raises.clone();
        raises.extend(
            blocking
                .iter()
                .filter(overridden)
                .map(|c| Raise::fact(Confirmation::Phrase, format!("check {} overridden", c.id))),
        );
        self.blocked_by = blocking.iter().filter(|c| !overridden(c)).map(|c| c.id.clone()).collect();
        self.allowed = self.blocked_by.is_empty();
        let writes = self.writes().next().is_some();
        let level = if writes { level(self.inner.own_level, self.inner.environment.floor, &raises, self.inner.nature) } else { Confirmation::None };
        self.confirmation = Ask { level, text: self.typed(level) };
        self.hash = hash::of(self);
    }

    fn typed(&self, level: Confirmation) -> Option<String> {
        let subject = &self.inner.subject;
        let place = if subject.namespace.is_empty() { &subject.name } else { &subject.namespace };
        match level {
            Confirmation::None => None,
            Confirmation::Key => Some("y".to_owned()),
            Confirmation::Env => Some(self.inner.environment.typed(place).to_owned()),
            Confirmation::Phrase | Confirmation::TwoPerson => Some(self.phrase()),
        }
    }

    /// The same plan with one check overridden. `Err` says why that cannot be: no such check, not overridable, no reason given.
    pub fn overriding(&self, check: &str, reason: &str) -> Result<Self, String> {
        let found = self
            .checks
            .iter()
            .find(|c| c.id == check)
            .ok_or_else(|| format!("there is no check '{check}' in this plan"))?;
        if !found.overridable {
            return Err(format!("check '{check}' cannot be overridden"));
        }
        if reason.trim().is_empty() {
            return Err(format!("overriding '{check}' needs a reason"));
        }
        let mut plan = self.clone();
        if !plan.inner.inputs.overrides.iter().any(|o| o == check) {
            plan.inner.inputs.overrides.push(check.to_owned());
            plan.inner.inputs.overrides.sort_unstable();
        }
        plan.inner.inputs.reason = Some(scrub::text(reason.trim()));
        plan.settle();
        Ok(plan)
    }

    /// The same plan for a reason, with these checks overridden.
    pub(in crate::run) fn with(mut self, overrides: &[String], reason: Option<&str>) -> Result<Self, String> {
        let reason = reason.unwrap_or_default();
        if !reason.trim().is_empty() {
            self.inner.inputs.reason = Some(scrub::text(reason.trim()));
            self.settle();
        }
        overrides.iter().try_fold(self, |plan, check| plan.overriding(check, reason))
    }

    /// Run id and plan id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `scale`.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// `sha256:…` over what was asked for and what would be written; equal for two operators who ask for the same.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Where.
    pub fn target(&self) -> &PlanTarget {
        &self.target
    }

    /// Objects that change.
    pub fn objects(&self) -> &[PlanObject] {
        &self.objects
    }

    /// What it is about, the first object of the plan.
    pub fn subject(&self) -> &ObjectRef {
        &self.inner.subject
    }

    /// `3->5`.
    pub fn quantity(&self) -> &str {
        &self.inner.quantity
    }

    /// Steps in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Checks with their answers.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// What may go wrong, in words.
    pub fn risks(&self) -> &[String] {
        &self.risks
    }

    /// How it is undone.
    pub fn undo(&self) -> &str {
        &self.undo
    }

    /// What one would type without this program.
    pub fn same_as(&self) -> &[String] {
        &self.same_as
    }

    /// What must be typed.
    pub fn confirmation(&self) -> &Ask {
        &self.confirmation
    }

    /// Why the level is what it is: the facts that raised it.
    pub fn raises(&self) -> &[Raise] {
        &self.inner.raises
    }

    /// Whether it may be confirmed.
    pub fn allowed(&self) -> bool {
        self.allowed
    }

    /// Ids of the checks that stand in the way.
    pub fn blocked_by(&self) -> &[String] {
        &self.blocked_by
    }

    /// The kind of environment it was made for.
    pub fn environment(&self) -> &Environment {
        &self.inner.environment
    }

    /// What was asked for.
    pub fn inputs(&self) -> &Inputs {
        &self.inner.inputs
    }

    /// When the target was read.
    pub fn made_at(&self) -> Timestamp {
        self.inner.made_at
    }

    /// How long it is still good for; zero when it is not, or when the clock went back to before it was made.
    pub fn valid_for(&self, now: Timestamp) -> Duration {
        if now < self.inner.made_at {
            return Duration::ZERO;
        }
        Duration::try_from(self.expires_at.duration_since(now)).unwrap_or_default()
    }

    /// What an object that a watch delivered says against this plan: a frozen field moved, or it is another object now.
    pub fn moved_by(&self, object: &Object) -> Option<String> {
        let reference = object.reference();
        let frozen = self.inner.frozen.iter().find(|f| f.object == reference)?;
        let view = frozen_view(object)?;
        // What a watch does not deliver, it says nothing about: the run looks at all of it again before it writes.
        let fields = frozen.fields.iter().filter(|f| view.pointer(f.pointer).is_some()).cloned().collect();
        Frozen { fields, ..frozen.clone() }.moved(&view).into_iter().next()
    }

    /// The Jobs that it makes for itself; one of a CronJob belongs to that, which keeps as many as it is told to.
    pub(in crate::run) fn own_jobs(&self) -> impl Iterator<Item = &ObjectRef> {
        let made = |w: &&FieldWrite| matches!(&w.form, Form::Create { under, .. } if under.kind != Kind::CronJob) && w.object.kind == Kind::Job;
        self.writes().map(|(_, w)| w).filter(made).map(|w| &w.object)
    }

    pub(in crate::run) fn writes(&self) -> impl Iterator<Item = (&Step, &FieldWrite)> {
        self.steps.iter().filter_map(|s| match &s.work {
            Work::Write(write) => Some((s, write)),
            _ => None,
        })
    }
}

/// The fields that plans freeze, of an object as watches deliver it; `None` for kinds that no plan freezes.
fn frozen_view(object: &Object) -> Option<Value> {
    let uid = &*object.meta().uid;
    match object {
        Object::Workload(w) => Some(serde_json::json!({ "metadata": { "uid": uid }, "spec": { "replicas": w.desired } })),
        Object::ReplicaSet(r) => Some(serde_json::json!({ "metadata": { "uid": uid }, "spec": { "replicas": r.desired } })),
        Object::Hpa(h) => Some(serde_json::json!({ "metadata": { "uid": uid }, "spec": { "minReplicas": h.min, "maxReplicas": h.max } })),
        _ => None,
    }
}

fn objects(steps: &[Step], seen: &[(ObjectRef, Option<i64>, String)]) -> Vec<PlanObject> {
    let mut objects: Vec<PlanObject> = Vec::new();
    let writes = steps.iter().filter_map(|s| if let Work::Write(w) = &s.work { Some(w) } else { None });
    for write in writes {
        let (generation, version) = seen.iter().find(|(o, ..)| *o == write.object).map_or((None, String::new()), |(_, g, v)| (*g, v.clone()));
        let changes = write.differences().into_iter().map(|d| PlanChange { field: d.field, before: d.before, after: d.after });
        let changes: Vec<PlanChange> = changes.collect();
        // An object that is written in several steps is one object, from its first value to its last.
        let same = |o: &&mut PlanObject| (o.kind, &*o.namespace, &*o.name) == (write.object.kind, &*write.object.namespace, &*write.object.name);
        if let Some(object) = objects.iter_mut().find(same) {
            for change in changes {
                match object.changes.iter_mut().find(|c| c.field == change.field) {
                    Some(known) => known.after = change.after,
                    None => object.changes.push(change),
                }
            }
            continue;
        }
        objects.push(PlanObject {
            kind: write.object.kind,
            namespace: write.object.namespace.to_string(),
            name: write.object.name.to_string(),
            uid: Some(write.uid.clone()).filter(|uid| !uid.is_empty()),
            generation,
            resource_version: version,
            changes,
        });
    }
    objects
}

#[cfg(test)]
mod tests;
