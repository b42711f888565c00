//! What a service file that comes from the cluster may not do (contract.md 12).
//!
//! Owns these rules. Whoever may write a ConfigMap must not be able to make
//! an operator's console run programs, read files, show secrets, or act somewhere else.

use super::{Declared, Environment, SecretRef, Target, Workload};
use crate::base::toml::{At, Entry, Spot, Table, quoted};

/// Where a service file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// The operator's own: an option or their folder. It may do everything that the format can say.
    #[default]
    Operator,
    /// A ConfigMap.
    Cluster {
        /// Its namespace: the only one that the file may name.
        namespace: String,
    },
}

const HINT: &str = "Only a file of the operator's own may do that (-f FILE).";

/// Checks what is common to all environments.
pub(super) fn check_head(root: &Table<'_>, origin: &Origin, environments: &[Environment]) {
    let Origin::Cluster { namespace } = origin else { return };
    let refuse = |spot: &Spot, message: String| root.error(spot, message, Some(HINT.into()));
    for (id, _) in sub_entries(root, "env") {
        let Some(environment) = environments.iter().find(|e| e.id == id.value) else { continue };
        if environment.confirm_floor < environment.kind.floor() {
            refuse(&id.spot, format!("A file from the cluster must not lower the floor of '{}'.", id.value));
        }
        if let Target::Kubernetes { context, namespace: named, .. } = &environment.target {
            if context.is_some() {
                refuse(&id.spot, "A file from the cluster must not name a context.".into());
            }
            if let Some(other) = named.as_ref().filter(|n| *n != namespace) {
                refuse(&id.spot, format!("A file from the namespace '{namespace}' must not name the namespace {}.", quoted(other)));
            }
        }
    }
    for (_, entry) in sub_entries(root, "secrets") {
        let Some(reference) = entry.table().and_then(|t| t.text("ref")) else { continue };
        if let Some(scheme) = ["cmd:", "file:", "env:"].into_iter().find(|scheme| reference.value.starts_with(scheme)) {
            refuse(&reference.spot, format!("A file from the cluster must not use '{scheme}' references."));
        }
    }
    if let Some((id, _)) = sub_entries(root, "notify").first() {
        refuse(&id.spot, "A file from the cluster must not notify anybody.".into());
    }
    for action in root.tables("action") {
        for step in action.tables("step") {
            if let Some(kind) = step.text("type").filter(|t| matches!(t.value.as_str(), "shell" | "notify")) {
                refuse(&kind.spot, format!("A file from the cluster must not have '{}' steps.", kind.value));
            }
        }
    }
}

/// Checks workloads, probes, secrets and sources of one environment.
pub(super) fn check_entries(root: &Table<'_>, origin: &Origin, workloads: &[Workload], declared: &Declared) {
    let Origin::Cluster { namespace } = origin else { return };
    for workload in workloads {
        if let Some(other) = workload.namespace.as_ref().filter(|n| *n != namespace) {
            let message = format!("The workload '{}' names the namespace {}; a file from the cluster must not.", workload.id, quoted(other));
            root.error(root.spot(), message, Some(HINT.into()));
        }
    }
    for secret in &declared.secrets {
        let elsewhere = match &secret.reference {
            SecretRef::Kubernetes { namespace: named, .. } => named.as_ref().filter(|n| *n != namespace),
            _ => None,
        };
        if let Some(other) = elsewhere {
            let message = format!("The secret '{}' is in the namespace {}; a file from the cluster must not read it.", secret.id, quoted(other));
            root.error(root.spot(), message, Some(HINT.into()));
        }
    }
    if declared.sources.iter().any(|source| source.secret.is_some()) {
        root.error(root.spot(), "A file from the cluster must not use secrets in sources.", Some(HINT.into()));
    }
    for probe in root.tables("probe") {
        if let Some(kind) = probe.text("kind").filter(|k| matches!(k.value.as_str(), "exec" | "sql")) {
            root.error(&kind.spot, format!("A file from the cluster must not have '{}' probes.", kind.value), Some(HINT.into()));
        }
        for (name, entry) in probe.table("headers").map(|h| h.entries()).unwrap_or_default() {
            if entry.is_text() && entry.text().is_some_and(|v| v.value.starts_with("secret:")) {
                root.error(&name.spot, "A file from the cluster must not use secrets in probes.", Some(HINT.into()));
            }
        }
    }
}

fn sub_entries<'r>(root: &Table<'r>, key: &str) -> Vec<(At<String>, Entry<'r>)> {
    root.table(key).map(|t| t.entries()).unwrap_or_default()
}
