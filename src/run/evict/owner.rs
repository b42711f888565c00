//! Who stands over a pod: the walk up its owners to the one whose lock it takes.
//!
//! Owns the walk: ReplicaSet to Deployment, Job to CronJob. Kinds that the program does not know end it.

use serde_json::Value;

use crate::run::facts::{WorkloadFacts, flag, items, text};
use crate::target::api::{ErrorKind, Read};
use crate::target::model::{Kind, ObjectRef};

/// The top owner of a pod.
pub(super) struct Top {
    /// What is locked; the pod itself when nobody that is known stands over it.
    pub reference: ObjectRef,
    /// The owner as the server has it.
    pub facts: Option<WorkloadFacts>,
    /// A static pod, which its kubelet owns.
    pub is_node: bool,
    /// Why the owner could not be read.
    pub unreadable: Option<String>,
    /// Who it is, in words, when it is nobody that is known.
    pub words: String,
}

const KINDS: [Kind; 6] = [Kind::ReplicaSet, Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::Job, Kind::CronJob];

/// Walks from a pod to its top owner; as far as it can be read.
pub(super) async fn top(read: &dyn Read, pod: &WorkloadFacts) -> Top {
    let mut top = Top {
        reference: pod.reference.clone(),
        facts: None,
        is_node: false,
        unreadable: None,
        words: "nobody controls it".to_owned(),
    };
    let mut below = pod.raw.clone();
    // ReplicaSet and Deployment, Job and CronJob: no chain of known kinds is longer.
    for _ in 0..2 {
        let Some(owner) = items(&below, "/metadata/ownerReferences").find(|o| flag(o, "/controller")).cloned() else { break };
        let Some(reference) = known(&owner, &pod.reference) else {
            if top.facts.is_none() {
                top.is_node = owner["kind"] == "Node";
                top.words = format!("{} {} controls it", text(&owner, "/kind"), text(&owner, "/name"));
            }
            break;
        };
        match read.get(&reference, "").await {
            Ok(raw) if text(&raw, "/metadata/uid") == text(&owner, "/uid") => {
                top.reference = reference.clone();
                top.facts = Some(WorkloadFacts::new(&reference, raw.clone()));
                below = raw;
            }
            // Its owner is gone, and another has its name.
            Ok(_) => break,
            Err(error) if error.kind == ErrorKind::NotFound => break,
            Err(error) => {
                top.reference = reference;
                top.facts = None;
                top.unreadable = Some(error.message);
                break;
            }
        }
    }
    top
}

/// The owner as an object, when its kind and group are known.
fn known(owner: &Value, pod: &ObjectRef) -> Option<ObjectRef> {
    let kind = KINDS.into_iter().find(|k| owner["kind"] == k.word() && owner["apiVersion"] == k.api_version())?;
    Some(ObjectRef::new(kind, pod.namespace.clone(), text(owner, "/name")))
}
