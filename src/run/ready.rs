//! Which pod of a workload is spoken to: for commands, and for whoever asks what runs in it.
//!
//! Owns that it is a ready one that is not on its way out, and always the same of several. Must not speak to it.

use serde_json::Value;

use super::facts::{PodFacts, WorkloadFacts, items, text};
use crate::target::api::{ErrorKind, Read, TargetError};
use crate::target::model::{Kind, ObjectRef, Scope};

/// A ready pod of a workload, with that container where one is named.
pub async fn ready_pod(read: &dyn Read, workload: &ObjectRef, container: Option<&str>) -> Result<ObjectRef, TargetError> {
    let workload = WorkloadFacts::new(workload, read.get(workload, "").await?);
    ready_pod_of(read, &workload, container).await
}

/// The same of a workload that was read.
pub(in crate::run) async fn ready_pod_of(read: &dyn Read, workload: &WorkloadFacts, container: Option<&str>) -> Result<ObjectRef, TargetError> {
    let object = &workload.reference;
    let scope = Scope::Namespace(object.namespace.clone());
    let pods = read.list(Kind::Pod, &scope, &workload.selector(), "").await?;
    let has = |pod: &Value| container.is_none_or(|name| items(pod, "/spec/containers").any(|c| c["name"] == *name));
    let fit = pods.iter().filter(|p| PodFacts::of(p).ready() && !PodFacts::of(p).deleting() && has(p));
    let name = fit.map(|p| text(p, "/metadata/name")).min();
    let with = container.map(|name| format!(" with a container '{name}'")).unwrap_or_default();
    let none = || TargetError::new(ErrorKind::Invalid, format!("{object} has no ready pod{with}"));
    Ok(ObjectRef::new(Kind::Pod, object.namespace.clone(), name.ok_or_else(none)?))
}
