//! Whether somebody else owns what a plan would change, and would undo it.
//!
//! Owns the marks of Argo CD, Flux, KEDA, operators and Helm on an object.

use serde_json::Value;

use super::HpaFacts;
use crate::run::check::Check;
use crate::run::facts::{WorkloadFacts, items, text};

/// The checks about other owners; one that is ok when there are none.
///
/// `field` is what is changed below `spec`: `replicas`, `template`, `paused`.
pub(in crate::run) fn check(workload: &WorkloadFacts, hpas: &[HpaFacts], field: &str) -> Vec<Check> {
    let mut checks: Vec<Check> = [argo(workload, field), flux(workload, field), keda(hpas), controller(workload)]
        .into_iter()
        .flatten()
        .collect();
    if checks.is_empty() {
        checks.push(Check::overridable("owner").ok("no other owner is known"));
    }
    checks.extend(helm(workload));
    checks
}

/// The check about an operator that made the object; nothing when there is none.
pub(in crate::run) fn made_by(workload: &WorkloadFacts) -> Vec<Check> {
    controller(workload).into_iter().collect()
}

fn argo(workload: &WorkloadFacts, field: &str) -> Option<Check> {
    let tracking = workload.annotation("argocd.argoproj.io/tracking-id");
    let app = tracking
        .map(|id| id.split(':').next().unwrap_or_default().to_owned())
        .or_else(|| workload.label("argocd.argoproj.io/instance"))?;
    let check = Check::overridable("owner:argocd");
    if let Some(manager) = leaves_alone(&workload.raw, field, &["argocd-controller", "argocd-application-controller"]) {
        return Some(check.ok(format!("Argo CD application {app} does not set {field} ({manager})")));
    }
    Some(check.failed(
        format!("Argo CD application {app} will undo this at its next sync, unless it ignores {field}"),
        format!("change {field} in its source, or let it ignore /spec/{field}"),
    ))
}

fn flux(workload: &WorkloadFacts, field: &str) -> Option<Check> {
    let kinds = [("kustomize.toolkit.fluxcd.io", "Kustomization"), ("helm.toolkit.fluxcd.io", "HelmRelease")];
    let (group, kind, name) = kinds.into_iter().find_map(|(g, k)| Some((g, k, workload.label(&format!("{g}/name"))?)))?;
    let check = Check::overridable("owner:flux");
    if workload.annotation(&format!("{group}/reconcile")).as_deref() == Some("disabled") {
        return Some(check.ok(format!("Flux {kind} {name} is told to leave this object alone")));
    }
    if let Some(manager) = leaves_alone(&workload.raw, field, &["kustomize-controller", "helm-controller"]) {
        return Some(check.ok(format!("Flux {kind} {name} does not set {field} ({manager})")));
    }
    let pause = format!("flux suspend {} {name}", kind.to_lowercase());
    Some(check.failed(format!("Flux {kind} {name} will undo this at its next sync"), format!("change {field} in its source, or: {pause}")))
}

fn keda(hpas: &[HpaFacts]) -> Option<Check> {
    let name = hpas.iter().find_map(HpaFacts::scaled_object)?;
    Some(Check::overridable("owner:keda").failed(
        format!("KEDA ScaledObject {name} decides the number of pods and will undo this"),
        format!("change minReplicaCount of ScaledObject {name}, or pause it with the annotation autoscaling.keda.sh/paused-replicas"),
    ))
}

fn controller(workload: &WorkloadFacts) -> Option<Check> {
    let (kind, name) = workload.owner()?;
    Some(
        Check::overridable("owner:controller")
            .failed(format!("{kind} {name} made this object and will undo this at its next sync"), format!("change {kind} {name} instead")),
    )
}

fn helm(workload: &WorkloadFacts) -> Option<Check> {
    if workload.label("app.kubernetes.io/managed-by").as_deref() != Some("Helm") {
        return None;
    }
    let release = workload.annotation("meta.helm.sh/release-name").unwrap_or_else(|| "unknown".to_owned());
    Some(Check::advisory("owner:helm").failed(
        format!("a later helm upgrade of release {release} brings back the chart's value"),
        "set the value in the release too, if it shall stay",
    ))
}

/// The field manager that applies this object without ever setting the field; `None` when there is none, or it sets it.
fn leaves_alone(raw: &Value, field: &str, managers: &[&str]) -> Option<String> {
    let own: Vec<&Value> = items(raw, "/metadata/managedFields").filter(|m| managers.iter().any(|n| m["manager"] == *n)).collect();
    let sets = own.iter().any(|m| m.pointer(&format!("/fieldsV1/f:spec/f:{field}")).is_some());
    own.first().filter(|_| !sets).map(|m| format!("field manager {}", text(m, "/manager")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;
    use crate::run::check::Answer;
    use crate::run::facts::WorkloadFacts;
    use crate::target::model::{Kind, ObjectRef};

    fn found(metadata: &Value) -> Vec<(String, Answer)> {
        let workload = WorkloadFacts::new(&ObjectRef::new(Kind::Deployment, "shop", "api"), json!({ "metadata": metadata }));
        check(&workload, &[], "replicas").into_iter().map(|c| (c.id, c.result)).collect()
    }

    #[test]
    fn other_owners_are_told_by_their_marks() {
        let manages = |name: &str, spec: Value| json!([{ "manager": name, "fieldsV1": { "f:spec": spec } }]);
        for (metadata, id, result) in [
            (json!({}), "owner", Answer::Ok),
            (
                json!({ "annotations": { "argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/api" } }),
                "owner:argocd",
                Answer::Failed,
            ),
            (
                json!({ "labels": { "argocd.argoproj.io/instance": "web" }, "managedFields": manages("argocd-controller", json!({ "f:template": {} })) }),
                "owner:argocd",
                Answer::Ok,
            ),
            (json!({ "labels": { "kustomize.toolkit.fluxcd.io/name": "apps" } }), "owner:flux", Answer::Failed),
            (
                json!({ "labels": { "kustomize.toolkit.fluxcd.io/name": "apps" }, "managedFields": manages("kustomize-controller", json!({ "f:replicas": {} })) }),
                "owner:flux",
                Answer::Failed,
            ),
            (
                json!({ "labels": { "kustomize.toolkit.fluxcd.io/name": "apps" }, "annotations": { "kustomize.toolkit.fluxcd.io/reconcile": "disabled" } }),
                "owner:flux",
                Answer::Ok,
            ),
            (
                json!({ "ownerReferences": [{ "kind": "Postgres", "name": "main", "controller": true }] }),
                "owner:controller",
                Answer::Failed,
            ),
        ] {
            assert_eq!(found(&metadata), [(id.to_owned(), result)], "{metadata}");
        }
    }

    #[test]
    fn helm_is_a_warning_beside_the_rest() {
        let metadata = json!({ "labels": { "app.kubernetes.io/managed-by": "Helm" }, "annotations": { "meta.helm.sh/release-name": "shop" } });
        assert_eq!(found(&metadata), [("owner".to_owned(), Answer::Ok), ("owner:helm".to_owned(), Answer::Failed)]);
    }
}
