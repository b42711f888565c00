//! The revisions of a workload as the server has them: ReplicaSets of a Deployment, ControllerRevisions of the others.
//!
//! Owns their reading, and what is evidence that one became ready. Must not choose among them.

use serde_json::Value;

use super::plain;
use crate::run::facts::{PodFacts, WorkloadFacts, entry, flag, int, items, text};
use crate::target::api::{Read, TargetError};
use crate::target::model::{Kind, ObjectRef, Scope};

/// One revision.
#[derive(Debug, Clone)]
pub(super) struct Revision {
    pub number: i64,
    pub object: ObjectRef,
    pub uid: String,
    /// The pod template as it would be written.
    pub template: Value,
    /// Where the template is in the object, and what is there: it can be changed by others.
    pub pointer: &'static str,
    pub raw_template: Value,
    /// It is known to have become ready. `false` = not known.
    pub was_ready: bool,
    /// A pod of it is ready now.
    pub runs: bool,
    pub cause: Option<String>,
    /// It was left before, and somebody went back to it.
    pub returned: bool,
    hash: (&'static str, String),
}

impl Revision {
    /// What its pods bear.
    pub(super) fn pods(&self) -> Option<(&'static str, String)> {
        (!self.hash.1.is_empty()).then(|| self.hash.clone())
    }

    fn image(&self) -> String {
        items(&self.template, "/spec/containers").next().map(|c| text(c, "/image")).unwrap_or_default()
    }
}

/// `3 (api:1.0.0), 2 (api:0.9.0)`.
pub(super) fn words(all: &[Revision]) -> String {
    let words: Vec<String> = all.iter().take(10).map(|r| format!("{} ({})", r.number, r.image())).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// All of them, the newest first.
pub(super) async fn of(read: &dyn Read, workload: &WorkloadFacts) -> Result<Vec<Revision>, TargetError> {
    let kind = if workload.reference.kind == Kind::Deployment { Kind::ReplicaSet } else { Kind::ControllerRevision };
    let scope = Scope::Namespace(workload.reference.namespace.clone());
    let selector = workload.selector();
    let (found, pods) = futures_util::join!(read.list(kind, &scope, &selector, ""), read.list(Kind::Pod, &scope, &selector, ""));
    let uid = workload.uid();
    let owned = |o: &&Value| items(o, "/metadata/ownerReferences").any(|r| flag(r, "/controller") && text(r, "/uid") == uid);
    let found = found?;
    let of_one = |o: &Value| if kind == Kind::ReplicaSet { replica_set(workload, o) } else { controller_revision(workload, o) };
    let mut all: Vec<Revision> = found.iter().filter(owned).map(of_one).collect();
    let pods = pods.unwrap_or_default();
    for revision in &mut all {
        // A pod that is ready now is evidence, wherever the counts are.
        let (pointer, value) = &revision.hash;
        revision.runs = pods.iter().map(PodFacts::of).any(|p| p.ready() && p.bears(pointer, value));
        revision.was_ready |= revision.runs && kind != Kind::ReplicaSet;
    }
    all.sort_by_key(|r| std::cmp::Reverse(r.number));
    Ok(all)
}

fn replica_set(workload: &WorkloadFacts, raw: &Value) -> Revision {
    let name = text(raw, "/metadata/name");
    let number = entry(raw, "/metadata/annotations", "deployment.kubernetes.io/revision").and_then(|n| n.parse().ok());
    let (pods, ready) = (int(raw, "/status/replicas").unwrap_or(0), int(raw, "/status/readyReplicas").unwrap_or(0));
    // The controller names the ReplicaSet whose rollout it has seen through.
    let through = workload
        .condition("Progressing", "True")
        .is_some_and(|(reason, message)| reason == "NewReplicaSetAvailable" && message.contains(&format!("\"{name}\"")));
    let hash = entry(raw, "/metadata/labels", "pod-template-hash").unwrap_or_default();
    revision(
        workload,
        Kind::ReplicaSet,
        raw,
        number.unwrap_or(0),
        "/spec/template",
        through || (pods > 0 && ready >= pods),
        ("/metadata/labels/pod-template-hash", hash),
    )
}

fn controller_revision(workload: &WorkloadFacts, raw: &Value) -> Revision {
    let name = text(raw, "/metadata/name");
    // The current revision of a StatefulSet is the last one whose rollout came to its end.
    let through = text(&workload.raw, "/status/currentRevision") == name;
    let hash = if workload.reference.kind == Kind::StatefulSet {
        name
    } else {
        entry(raw, "/metadata/labels", "controller-revision-hash").unwrap_or_default()
    };
    let number = int(raw, "/revision").unwrap_or(0);
    revision(
        workload,
        Kind::ControllerRevision,
        raw,
        number,
        "/data/spec/template",
        through,
        ("/metadata/labels/controller-revision-hash", hash),
    )
}

fn revision(
    workload: &WorkloadFacts,
    kind: Kind,
    raw: &Value,
    number: i64,
    pointer: &'static str,
    was_ready: bool,
    hash: (&'static str, String),
) -> Revision {
    let template = raw.pointer(pointer).cloned().unwrap_or_default();
    Revision {
        number,
        object: ObjectRef::new(kind, workload.reference.namespace.clone(), text(raw, "/metadata/name").as_str()),
        uid: text(raw, "/metadata/uid"),
        template: plain(&template),
        pointer,
        raw_template: template,
        was_ready,
        runs: false,
        cause: entry(raw, "/metadata/annotations", "kubernetes.io/change-cause"),
        returned: entry(raw, "/metadata/annotations", "deployment.kubernetes.io/revision-history").is_some(),
        hash,
    }
}
