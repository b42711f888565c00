//! The write gate: the only place that grants the right to write, and only for what a confirmed plan says.
//!
//! Owns the list of what one run may send: its writes and their way back, its locks, the records that it keeps in ConfigMaps, and the notes of contract.md 8. Anything
//! else is refused here, whoever asks.

use std::sync::Arc;

use serde_json::Value;

use super::armed;
use super::backup;
use super::confirm::Confirmed;
use super::debts::book;
use super::entries;
use super::lease;
use super::migrate::{self, releases};
use super::notes;
use super::plan::Plan;
use super::record;
use super::step::{FieldWrite, Work};
use crate::target::api::{Change, ErrorKind, TargetError, Write, WritePermit, WriteRequest};
use crate::target::model::{Kind, ObjectRef};

/// Annotations that a run may leave on a workload that it changed.
pub(in crate::run) const LAST_RUN: &str = "timonel.io/last-run";
pub(in crate::run) const BEFORE_ZERO: &str = "timonel.io/replicas-before-zero";

/// The right to carry out one confirmed plan.
pub(in crate::run) struct Gate {
    run: String,
    /// What the plan is about, each with its identity.
    subjects: Vec<(ObjectRef, String)>,
    writes: Vec<FieldWrite>,
    leases: Vec<ObjectRef>,
    /// The first lock of an object: in it a plan waits for a second person.
    waits_in: Option<ObjectRef>,
    /// The Leases of the timers that the subjects may have.
    timers: Vec<ObjectRef>,
    /// The records that what a Job says comes into: the catalogue of dumps, what is known of releases.
    records: Vec<ObjectRef>,
    /// The end of the Jobs that the run makes for itself.
    expiries: Vec<WriteRequest>,
    write: Arc<dyn Write>,
}

impl Gate {
    /// Opens the gate for a confirmed plan. The confirmation is used up by it.
    pub(in crate::run) fn open(confirmed: Confirmed, write: Arc<dyn Write>) -> (Plan, Self) {
        let plan = confirmed.into_plan();
        let steps = plan.steps.iter().chain(plan.inner.undo_steps.iter().map(|u| &u.step));
        let writes = steps.filter_map(|s| if let Work::Write(w) = &s.work { Some(w.clone()) } else { None });
        // What was not found again when the run was resumed is never written.
        let writes = writes.filter(record::whole).collect();
        let subjects = plan.subjects().map(|s| (s.clone(), plan.uid_of(s).to_owned())).collect();
        let gate = Self {
            run: plan.id.clone(),
            subjects,
            writes,
            leases: locks(&plan),
            waits_in: waits_in(&plan),
            timers: timers(&plan),
            records: records(&plan),
            expiries: notes::expiries(&plan),
            write,
        };
        (plan, gate)
    }

    /// The right to write the locks of a plan, and nothing else: for a plan that waits, and for who approves it.
    pub(in crate::run) fn of_locks(plan: &Plan, write: Arc<dyn Write>) -> Self {
        Self {
            run: plan.id.clone(),
            subjects: Vec::new(),
            writes: Vec::new(),
            leases: locks(plan),
            waits_in: waits_in(plan),
            timers: timers(plan),
            records: Vec::new(),
            expiries: Vec::new(),
            write,
        }
    }

    /// The lock in which the plan waits for a second person: one that every console knows, whatever service file it has.
    pub(in crate::run) fn waits_in(&self) -> Option<&ObjectRef> {
        self.waits_in.as_ref()
    }

    /// The leases that the plan locks, in the order in which they are taken.
    pub(in crate::run) fn leases(&self) -> &[ObjectRef] {
        &self.leases
    }

    /// Sends one request, once, when the plan allows it.
    pub(in crate::run) async fn send(&self, request: WriteRequest) -> Result<Value, TargetError> {
        if !self.allows(&request) {
            return Err(TargetError::new(ErrorKind::Invalid, format!("the plan does not say that {} may be written so", request.object)));
        }
        self.write.write(WritePermit::grant(request, self.run.clone())).await
    }

    fn allows(&self, request: &WriteRequest) -> bool {
        match (request.object.kind, &request.change) {
            (Kind::Lease, Change::Create(_) | Change::MergePatch(_)) => {
                request.subresource.is_empty() && (self.leases.contains(&request.object) || self.timers.contains(&request.object))
            }
            (Kind::ConfigMap, _) => {
                let kept = self.records.iter().any(|record| entries::is_request(record, request));
                kept || self.subjects.iter().any(|(subject, _)| book::is_update(subject, request))
            }
            (Kind::Event, Change::Create(body)) => self.is_event(&request.object, body),
            (Kind::Job, Change::MergePatch(_)) => self.is_planned(request) || self.expiries.contains(request),
            (_, Change::MergePatch(body)) => self.is_planned(request) || self.is_note(request, body),
            (Kind::Pod, Change::Exec(_)) => self.is_command(request),
            _ => self.is_planned(request),
        }
    }

    /// Exactly a command of the plan, in a pod of its namespace: which pod is found when it runs.
    fn is_command(&self, request: &WriteRequest) -> bool {
        let same = |w: &FieldWrite| w.object.namespace == request.object.namespace && w.to_pod(request.object.clone()) == *request;
        self.writes.iter().filter(|w| w.exec().is_some()).any(same)
    }

    /// Exactly a write of the plan or of its way back, with its precondition.
    fn is_planned(&self, request: &WriteRequest) -> bool {
        let version = FieldWrite::version_of(&request.change).unwrap_or_default();
        self.writes.iter().any(|w| (!w.patches() || !version.is_empty()) && w.request(version) == *request)
    }

    /// Nothing but our two annotations on an object that the plan changes.
    fn is_note(&self, request: &WriteRequest, body: &Value) -> bool {
        let own = self
            .writes
            .iter()
            .any(|w| w.object == request.object && body.pointer("/metadata/uid").and_then(Value::as_str) == Some(&w.uid));
        let keys = |pointer: &str| body.pointer(pointer).and_then(Value::as_object).map(|m| m.keys().map(String::as_str).collect::<Vec<_>>());
        own && request.subresource.is_empty()
            && keys("").is_some_and(|k| k == ["metadata"])
            && keys("/metadata").is_some_and(|k| k.iter().all(|k| matches!(*k, "uid" | "annotations")))
            && keys("/metadata/annotations").is_some_and(|k| k.iter().all(|k| [LAST_RUN, BEFORE_ZERO].contains(k)))
    }

    /// An event about what the plan is about, where events about it are kept.
    fn is_event(&self, event: &ObjectRef, body: &Value) -> bool {
        let about = body.pointer("/regarding/uid").and_then(Value::as_str);
        let known = |(subject, uid): &(ObjectRef, String)| *notes::place(subject) == *event.namespace && about == Some(uid);
        self.subjects.iter().any(known)
    }
}

fn waits_in(plan: &Plan) -> Option<ObjectRef> {
    plan.writes().map(|(_, w)| w.lock()).min()
}

fn locks(plan: &Plan) -> Vec<ObjectRef> {
    lease::all(plan.writes().map(|(_, w)| w), plan.inner.manner.service.as_deref())
}

fn timers(plan: &Plan) -> Vec<ObjectRef> {
    plan.subjects().map(armed::lease_of).collect()
}

fn records(plan: &Plan) -> Vec<ObjectRef> {
    let asked = migrate::asked(plan).map(|(_, job, asked)| releases::of(&asked.migration.service, &job.namespace));
    backup::made(plan).map(|made| made.record()).chain(asked).collect()
}

#[cfg(test)]
mod tests;
