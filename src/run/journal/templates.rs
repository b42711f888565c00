//! What our own runs say of the past of an object: which pod templates they once proved ready, evidence for going back to one of which the
//! cluster itself tells nothing; and when it was rolled back last.
//!
//! Owns the reading of it. A template is known by its digest alone, for it may hold what the journal must not keep.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{Entry, EntryKind};
use crate::run::{End, RolledBack};
use crate::target::model::ObjectRef;

/// Where a proof keeps the digest of the template that all pods were of, and ready.
pub(in crate::run) const TEMPLATE: &str = "template";

/// The digests of the templates of `object` that were proven on this cluster; none where the cluster does not say which it is.
pub fn proven_templates(entries: &[Entry], object: &ObjectRef, cluster_uid: Option<&str>) -> BTreeSet<String> {
    let runs = runs_of(entries, object, cluster_uid);
    let proofs = entries.iter().filter(|e| e.kind == EntryKind::Proof && e.data.get("holds") == Some(&Value::Bool(true)));
    let own = proofs.filter(|e| e.run.as_deref().is_some_and(|run| runs.contains(run)));
    own.filter_map(|e| e.data.get(TEMPLATE)?.as_str().map(str::to_owned)).collect()
}

/// The last rollback of `object` on this cluster that wrote something.
pub fn last_rollback(entries: &[Entry], object: &ObjectRef, cluster_uid: Option<&str>) -> Option<RolledBack> {
    let own = runs_of(entries, object, cluster_uid);
    let runs = super::runs(entries).into_iter().filter(|r| own.contains(r.id.as_str()) && r.action == "rollback");
    let wrote = runs.filter(|r| r.outcome != Some(End::Refused)).max_by_key(|r| r.started_at)?;
    Some(RolledBack { at: wrote.started_at, by: format!("{}@{} ({})", wrote.user, wrote.host, wrote.id) })
}

/// The runs about `object` on this cluster; none where the cluster does not say which it is.
fn runs_of<'a>(entries: &'a [Entry], object: &ObjectRef, cluster_uid: Option<&str>) -> HashSet<&'a str> {
    let Some(uid) = cluster_uid else { return HashSet::new() };
    let of_object = |e: &&Entry| {
        let plan = e.data.get("plan").and_then(|p| p.pointer("/target/cluster_uid")).and_then(Value::as_str);
        e.kind == EntryKind::Plan && plan == Some(uid) && e.data.get("subject").and_then(Value::as_str) == Some(&object.to_string())
    };
    entries.iter().filter(of_object).filter_map(|e| e.run.as_deref()).collect()
}
