//! The lock of an object: a Lease that says who works on it (contract.md 7).
//!
//! Owns the Lease's name and content, and the reading of one. Pure: the executor sends, and watches on its own clock.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::armed::Arming;
use super::facts::{entry, int, text};
use super::step::FieldWrite;
use crate::base::id::object_name;
use crate::base::text::Str;
use crate::fleet::armed::PREFIX;
use crate::fleet::lock::{OF_SERVICE, note};
use crate::target::api::{Change, WriteRequest};
use crate::target::model::{Kind, LOCKS_OF_CLUSTER, OWN_LABEL, ObjectRef};

/// How long a lease is good without renewal.
pub(in crate::run) const DURATION: Duration = Duration::from_secs(30);

/// How often it is renewed.
pub(in crate::run) const RENEW_EVERY: Duration = Duration::from_secs(10);

/// The Lease that locks `object`: in its namespace, or in kube-system for objects without one.
pub(in crate::run) fn of(object: &ObjectRef) -> ObjectRef {
    let namespace: Str = if object.namespace.is_empty() { LOCKS_OF_CLUSTER.into() } else { object.namespace.clone() };
    ObjectRef::new(Kind::Lease, namespace, object_name(&format!("timonel-{}-{}", object.kind.word().to_lowercase(), object.name)))
}

/// The Leases that lock what is written, in the order in which they are taken; with a service, its own as well in each namespace in which
/// an object of it is changed, so that one run at a time changes it.
pub(in crate::run) fn all<'a>(writes: impl IntoIterator<Item = &'a FieldWrite>, service: Option<&str>) -> Vec<ObjectRef> {
    let mut leases = Vec::new();
    for write in writes.into_iter().filter(|w| !w.is_outside()) {
        leases.push(write.lock());
        let place = &write.object.namespace;
        // A timer that is ended changes nothing of the service.
        if let Some(id) = service.filter(|_| !place.is_empty() && write.object.kind != Kind::Lease) {
            leases.push(ObjectRef::new(Kind::Lease, place.clone(), object_name(&format!("{OF_SERVICE}{id}"))));
        }
    }
    leases.sort_unstable();
    leases.dedup();
    leases
}

/// The Lease that locks the object whose timer this is.
pub(in crate::run) fn of_timed(timer: &ObjectRef) -> ObjectRef {
    let name = timer.name.strip_prefix(PREFIX).map_or_else(|| timer.name.to_string(), |rest| format!("timonel-{rest}"));
    ObjectRef::new(Kind::Lease, timer.namespace.clone(), name)
}

/// A Lease as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) struct LeaseFacts {
    /// `user@host/run-id`; empty when it is free.
    pub holder: String,
    /// As written by its holder.
    pub duration: Duration,
    /// As written: compared for change, never with our clock, save to tell people.
    pub renewed: String,
    /// Since when, as written.
    pub since: String,
    /// What the holder does.
    pub action: String,
    /// Run id, of the holder or of what waits.
    pub run: String,
    /// Who approved what waits, and what they approved.
    pub approved: (String, String),
    /// Who asks for the lock, and for what; empty when nobody does.
    pub preempt_by: String,
    pub uid: String,
    pub resource_version: String,
    pub transitions: i64,
}

impl LeaseFacts {
    pub(in crate::run) fn of(raw: &Value) -> Self {
        let said = |key: &str| entry(raw, "/metadata/annotations", key).unwrap_or_default();
        let seconds = int(raw, "/spec/leaseDurationSeconds").and_then(|s| u64::try_from(s).ok());
        Self {
            holder: text(raw, "/spec/holderIdentity"),
            duration: seconds.map_or(DURATION, Duration::from_secs),
            renewed: text(raw, "/spec/renewTime"),
            since: said(note::SINCE),
            action: said(note::ACTION),
            run: said(note::RUN),
            approved: (said(note::APPROVED_BY), said(note::APPROVED_HASH)),
            preempt_by: said(note::PREEMPT_BY),
            uid: text(raw, "/metadata/uid"),
            resource_version: text(raw, "/metadata/resourceVersion"),
            transitions: int(raw, "/spec/leaseTransitions").unwrap_or(0),
        }
    }

    pub(in crate::run) fn free(&self) -> bool {
        self.holder.is_empty()
    }

    /// Whether the holder's last renewal is further from now than its lease is long, by our wall clock: a hint, never a proof.
    /// A time far in the future hints at the same, since a live holder with such a clock would renew while it is watched.
    pub(in crate::run) fn looks_expired(&self, now: Timestamp) -> bool {
        let renewed: Option<Timestamp> = self.renewed.parse().ok();
        renewed.is_none_or(|at| (now.as_second() - at.as_second()).unsigned_abs() > self.duration.as_secs())
    }

    /// `ana@bastion/20261122-143312-scale-7f3a (scale) since 14:33`.
    pub(in crate::run) fn words(&self) -> String {
        let action = if self.action.is_empty() { String::new() } else { format!(" ({})", self.action) };
        let since = if self.since.is_empty() { String::new() } else { format!(" since {}", self.since) };
        format!("{}{action}{since}", self.holder)
    }
}

/// Who takes a lock, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) struct Holder {
    pub identity: String,
    pub run: String,
    pub action: String,
    pub reason: Option<String>,
    pub cluster_user: String,
    pub plan_hash: String,
    pub since: Timestamp,
    /// Who must have approved it in the first of its locks, when somebody must.
    pub approved_by: Option<String>,
    /// The timers of an armed change, each with a Lease of its own.
    pub arming: Vec<Arming>,
    /// Whether it asks a live run for its lock.
    pub preempts: bool,
}

impl Holder {
    /// What a Lease says besides, and how long it is good: that of a timer until its end.
    fn timed(&self, lease: &ObjectRef, now: Timestamp, annotations: &mut Value) -> u64 {
        let Some(arming) = self.arming.iter().find(|a| a.lease == *lease) else { return DURATION.as_secs() };
        annotations[note::EXPIRES_AT] = now.checked_add(arming.after).unwrap_or(Timestamp::MAX).to_string().into();
        annotations[note::INPUTS] = arming.back.clone().into();
        annotations[note::ACTION] = arming.action.clone().into();
        arming.after.as_secs()
    }

    fn annotations(&self, step: &str) -> Value {
        json!({
            note::RUN: self.run,
            note::ACTION: self.action,
            note::REASON: self.reason,
            note::SINCE: self.since.to_string(),
            note::STEP: step,
            note::PLAN_HASH: self.plan_hash,
            note::HOLDER_USER: self.cluster_user,
        })
    }

    /// Makes the Lease, when there is none.
    pub(in crate::run) fn create(&self, lease: &ObjectRef, now: Timestamp) -> WriteRequest {
        let mut annotations = self.annotations("lock");
        let good_for = self.timed(lease, now, &mut annotations);
        if let Some(map) = annotations.as_object_mut() {
            map.retain(|_, v| !v.is_null());
        }
        let body = json!({
            "apiVersion": Kind::Lease.api_version(),
            "kind": Kind::Lease.word(),
            "metadata": { "name": &*lease.name, "namespace": &*lease.namespace, "labels": labels(), "annotations": annotations },
            "spec": {
                "holderIdentity": self.identity,
                "leaseDurationSeconds": good_for,
                "acquireTime": micro(now),
                "renewTime": micro(now),
                "leaseTransitions": 0,
            },
        });
        WriteRequest { object: lease.clone(), subresource: "", change: Change::Create(body) }
    }

    /// Takes a Lease that is free or expired: compare-and-swap on what was read. Whatever a holder before left in the
    /// annotations goes, its approvals too.
    pub(in crate::run) fn take(&self, lease: &ObjectRef, was: &LeaseFacts, now: Timestamp) -> WriteRequest {
        let mut annotations = self.annotations("lock");
        forget(&mut annotations);
        let good_for = self.timed(lease, now, &mut annotations);
        let spec = json!({
            "holderIdentity": self.identity,
            "leaseDurationSeconds": good_for,
            "acquireTime": micro(now),
            "renewTime": micro(now),
            "leaseTransitions": was.transitions + 1,
        });
        let mut request = patch(lease, &was.uid, &was.resource_version, &annotations, &spec);
        if let Change::MergePatch(body) = &mut request.change {
            // One that another version made may not have it.
            body["metadata"]["labels"] = labels();
        }
        request
    }

    /// Says that we are still there, and at which step.
    pub(in crate::run) fn renew(lease: &ObjectRef, uid: &str, version: &str, step: &str, now: Timestamp) -> WriteRequest {
        patch(lease, uid, version, &json!({ note::STEP: step }), &json!({ "renewTime": micro(now) }))
    }

    /// Asks for a second person: what the plan is made from, never the plan.
    pub(in crate::run) fn ask(lease: &ObjectRef, was: &LeaseFacts, inputs: &str, until: Timestamp) -> WriteRequest {
        let annotations = json!({ note::INPUTS: inputs, note::EXPIRES_AT: until.to_string(), note::APPROVED_BY: null, note::APPROVED_HASH: null });
        patch(lease, &was.uid, &was.resource_version, &annotations, &json!({}))
    }

    /// Approves what waits there.
    pub(in crate::run) fn approve(lease: &ObjectRef, was: &LeaseFacts, by: &str, signature: &str) -> WriteRequest {
        let annotations = json!({ note::APPROVED_BY: by, note::APPROVED_HASH: signature });
        patch(lease, &was.uid, &was.resource_version, &annotations, &json!({}))
    }

    /// Asks the holder of a lock for it.
    pub(in crate::run) fn preempt(&self, lease: &ObjectRef, was: &LeaseFacts) -> WriteRequest {
        patch(lease, &was.uid, &was.resource_version, &json!({ note::PREEMPT_BY: self.asks() }), &json!({}))
    }

    /// Asks no more.
    pub(in crate::run) fn preempt_no_more(lease: &ObjectRef, was: &LeaseFacts) -> WriteRequest {
        patch(lease, &was.uid, &was.resource_version, &json!({ note::PREEMPT_BY: null }), &json!({}))
    }

    /// How it says who asks for a lock, and for what.
    pub(in crate::run) fn asks(&self) -> String {
        format!("{} ({})", self.identity, self.action)
    }

    /// Takes back what was let go while the plan waits on: what waits, and who approved it, stays.
    pub(in crate::run) fn take_back(&self, lease: &ObjectRef, was: &LeaseFacts, now: Timestamp) -> WriteRequest {
        let spec = json!({ "holderIdentity": self.identity, "leaseDurationSeconds": DURATION.as_secs(), "renewTime": micro(now) });
        patch(lease, &was.uid, &was.resource_version, &json!({}), &spec)
    }

    /// Lets go of the lock while the plan waits on.
    pub(in crate::run) fn let_go(lease: &ObjectRef, uid: &str, version: &str) -> WriteRequest {
        patch(lease, uid, version, &json!({}), &json!({ "holderIdentity": Value::Null }))
    }

    /// Lets go. The Lease itself stays: making it again would need one right more than keeping it.
    pub(in crate::run) fn release(&self, lease: &ObjectRef, uid: &str, version: &str) -> WriteRequest {
        let mut annotations = self.annotations("");
        if let Some(map) = annotations.as_object_mut() {
            map.values_mut().for_each(|v| *v = Value::Null);
        }
        forget(&mut annotations);
        patch(lease, uid, version, &annotations, &json!({ "holderIdentity": Value::Null }))
    }
}

/// Takes away what waited, what was approved and who asked for the lock.
fn forget(annotations: &mut Value) {
    for key in [note::APPROVED_BY, note::APPROVED_HASH, note::INPUTS, note::EXPIRES_AT, note::PREEMPT_BY] {
        annotations[key] = Value::Null;
    }
}

/// What the consoles that watch locks look for.
fn labels() -> Value {
    json!({ OWN_LABEL.0: OWN_LABEL.1 })
}

fn patch(lease: &ObjectRef, uid: &str, version: &str, annotations: &Value, spec: &Value) -> WriteRequest {
    let metadata = json!({ "uid": uid, "resourceVersion": version, "annotations": annotations });
    let body = json!({ "metadata": metadata, "spec": spec });
    WriteRequest { object: lease.clone(), subresource: "", change: Change::MergePatch(body) }
}

/// RFC 3339 with six decimals, as the API's MicroTime wants it.
fn micro(at: Timestamp) -> String {
    format!("{at:.6}")
}

#[cfg(test)]
mod tests {
    use super::{micro, of};
    use crate::target::model::{Kind, ObjectRef};

    #[test]
    fn every_object_has_one_lease_in_its_namespace_and_long_names_are_cut() {
        assert_eq!(of(&ObjectRef::new(Kind::Deployment, "shop", "api")).to_string(), "Lease shop/timonel-deployment-api");
        assert_eq!(of(&ObjectRef::new(Kind::Node, "", "n1")).to_string(), "Lease kube-system/timonel-node-n1");
        assert!(of(&ObjectRef::new(Kind::Deployment, "shop", "a".repeat(80).as_str())).name.len() <= 63);
    }

    #[test]
    fn times_are_written_as_the_api_wants_them() {
        assert_eq!(micro("2026-11-22T14:33:12Z".parse().expect("a time")), "2026-11-22T14:33:12.000000Z");
    }
}
