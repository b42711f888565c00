//! Fetching the pod templates of two revisions of a workload, for a comparison.
//!
//! Owns where Kubernetes keeps them: ReplicaSets of a Deployment, ControllerRevisions of a StatefulSet or DaemonSet (kubectl
//! rollout history reads the same). Must not compare.

use serde_json::Value;

use crate::fleet::REVISION;
use crate::target::api::{Read, TargetError};
use crate::target::model::{Kind, ObjectRef, Scope};

/// The templates of revisions `from` and `to`; `Err` says in words why not.
pub(super) async fn fetch(read: &dyn Read, workload: &ObjectRef, from: i64, to: i64) -> Result<(Value, Value), String> {
    let owner = read.get(workload, "").await.map_err(|e| e.to_string())?;
    let uid = text(&owner, "/metadata/uid").to_owned();
    let kind = if workload.kind == Kind::Deployment { Kind::ReplicaSet } else { Kind::ControllerRevision };
    let all = list(read, kind, workload).await.map_err(|e| e.to_string())?;
    let own: Vec<&Value> = all.iter().filter(|o| owned_by(o, &uid)).collect();
    let template = |number: i64| {
        let found = own.iter().find(|o| revision(o) == Some(number));
        let template = found.and_then(|o| o.pointer(if kind == Kind::ReplicaSet { "/spec/template" } else { "/data/spec/template" }));
        template.cloned().ok_or_else(|| format!("revision {number} is not there any more"))
    };
    Ok((template(from)?, template(to)?))
}

async fn list(read: &dyn Read, kind: Kind, workload: &ObjectRef) -> Result<Vec<Value>, TargetError> {
    read.list(kind, &Scope::Namespace(workload.namespace.clone()), "", "").await
}

fn owned_by(object: &Value, uid: &str) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|o| text(o, "/uid") == uid)
}

fn revision(object: &Value) -> Option<i64> {
    match object.get("revision") {
        Some(number) => number.as_i64(),
        None => object.pointer("/metadata/annotations")?.get(REVISION)?.as_str()?.parse().ok(),
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
