//! Kinds of objects, and where the API has them.
//!
//! Owns the table of kinds: word, group, version, plural, short names (kubectl's).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::text::Str;

/// Kinds that the program knows by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema, Deserialize)]
#[allow(missing_docs, reason = "each variant is the Kubernetes kind of that name")]
pub enum Kind {
    Pod,
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    ControllerRevision,
    Job,
    CronJob,
    Service,
    EndpointSlice,
    HorizontalPodAutoscaler,
    PodDisruptionBudget,
    Ingress,
    Event,
    Node,
    Namespace,
    ConfigMap,
    Secret,
    PersistentVolumeClaim,
    ResourceQuota,
    Lease,
    Certificate,
}

/// One row of the table of kinds.
struct Row {
    word: &'static str,
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    namespaced: bool,
    short: &'static [&'static str],
}

const fn row(
    word: &'static str,
    group: &'static str,
    version: &'static str,
    plural: &'static str,
    namespaced: bool,
    short: &'static [&'static str],
) -> Row {
    Row { word, group, version, plural, namespaced, short }
}

impl Kind {
    /// All kinds, in the order of the table.
    pub const ALL: [Self; 22] = [
        Self::Pod,
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::ReplicaSet,
        Self::ControllerRevision,
        Self::Job,
        Self::CronJob,
        Self::Service,
        Self::EndpointSlice,
        Self::HorizontalPodAutoscaler,
        Self::PodDisruptionBudget,
        Self::Ingress,
        Self::Event,
        Self::Node,
        Self::Namespace,
        Self::ConfigMap,
        Self::Secret,
        Self::PersistentVolumeClaim,
        Self::ResourceQuota,
        Self::Lease,
        Self::Certificate,
    ];

    const fn row(self) -> Row {
        match self {
            Self::Pod => row("Pod", "", "v1", "pods", true, &["po"]),
            Self::Deployment => row("Deployment", "apps", "v1", "deployments", true, &["deploy"]),
            Self::StatefulSet => row("StatefulSet", "apps", "v1", "statefulsets", true, &["sts"]),
            Self::DaemonSet => row("DaemonSet", "apps", "v1", "daemonsets", true, &["ds"]),
            Self::ReplicaSet => row("ReplicaSet", "apps", "v1", "replicasets", true, &["rs"]),
            Self::ControllerRevision => row("ControllerRevision", "apps", "v1", "controllerrevisions", true, &[]),
            Self::Job => row("Job", "batch", "v1", "jobs", true, &[]),
            Self::CronJob => row("CronJob", "batch", "v1", "cronjobs", true, &["cj"]),
            Self::Service => row("Service", "", "v1", "services", true, &["svc"]),
            Self::EndpointSlice => row("EndpointSlice", "discovery.k8s.io", "v1", "endpointslices", true, &[]),
            Self::HorizontalPodAutoscaler => row("HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers", true, &["hpa"]),
            Self::PodDisruptionBudget => row("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets", true, &["pdb"]),
            Self::Ingress => row("Ingress", "networking.k8s.io", "v1", "ingresses", true, &["ing"]),
            Self::Event => row("Event", "", "v1", "events", true, &["ev"]),
            Self::Node => row("Node", "", "v1", "nodes", false, &["no"]),
            Self::Namespace => row("Namespace", "", "v1", "namespaces", false, &["ns"]),
            Self::ConfigMap => row("ConfigMap", "", "v1", "configmaps", true, &["cm"]),
            Self::Secret => row("Secret", "", "v1", "secrets", true, &[]),
            Self::PersistentVolumeClaim => row("PersistentVolumeClaim", "", "v1", "persistentvolumeclaims", true, &["pvc"]),
            Self::ResourceQuota => row("ResourceQuota", "", "v1", "resourcequotas", true, &["quota"]),
            Self::Lease => row("Lease", "coordination.k8s.io", "v1", "leases", true, &[]),
            Self::Certificate => row("Certificate", "cert-manager.io", "v1", "certificates", true, &["cert"]),
        }
    }

    /// The Kubernetes kind: `Deployment`.
    pub const fn word(self) -> &'static str {
        self.row().word
    }

    /// API group, empty for the core group.
    pub const fn group(self) -> &'static str {
        self.row().group
    }

    /// API version within the group.
    pub const fn version(self) -> &'static str {
        self.row().version
    }

    /// Resource name in paths: `deployments`.
    pub const fn plural(self) -> &'static str {
        self.row().plural
    }

    /// Whether objects of this kind live in namespaces.
    pub const fn namespaced(self) -> bool {
        self.row().namespaced
    }

    /// `apps/v1`, `v1`.
    pub fn api_version(self) -> String {
        let row = self.row();
        if row.group.is_empty() { row.version.to_owned() } else { format!("{}/{}", row.group, row.version) }
    }

    /// `deployments.apps`, as RBAC and error messages name a resource.
    pub fn resource(self) -> String {
        let row = self.row();
        if row.group.is_empty() { row.plural.to_owned() } else { format!("{}.{}", row.plural, row.group) }
    }

    /// Whether it is one of the three kinds with a pod template, a rollout and revisions.
    pub const fn is_workload(self) -> bool {
        matches!(self, Self::Deployment | Self::StatefulSet | Self::DaemonSet)
    }

    /// Which objects of this kind are looked at, as the API's `labelSelector`; empty = all.
    pub fn selector(self) -> String {
        if self == Self::Lease { format!("{}={}", OWN_LABEL.0, OWN_LABEL.1) } else { String::new() }
    }

    /// Reads kubectl's spellings: kind, plural, singular, short name, with or without the group, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        let (name, group) = text.split_once('.').map_or((text.as_str(), None), |(n, g)| (n, Some(g)));
        Self::ALL.into_iter().find(|kind| {
            let row = kind.row();
            (row.word.to_lowercase() == name || row.plural == name || row.short.contains(&name))
                && group.is_none_or(|g| g == row.group || g.split_once('.').is_some_and(|(v, rest)| v == row.version && rest == row.group))
        })
    }
}

/// Label on what this program makes for itself, so that it can be watched without everybody else's: every node and every controller
/// renews a Lease all the time.
pub const OWN_LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "timonel");

/// Where the locks of objects without a namespace are (contract.md 7).
pub const LOCKS_OF_CLUSTER: &str = "kube-system";

/// Where to look for objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere, and the only scope of kinds without a namespace.
    Cluster,
    /// One namespace.
    Namespace(Str),
}

impl Scope {
    /// The namespace, when it is one.
    pub fn namespace(&self) -> Option<&Str> {
        match self {
            Self::Cluster => None,
            Self::Namespace(ns) => Some(ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn kinds_are_read_in_kubectls_spellings() {
        for text in ["deploy", "Deployment", "deployments", "deployments.apps", "deployment.v1.apps"] {
            assert_eq!(Kind::parse(text), Some(Kind::Deployment), "{text}");
        }
        assert_eq!(Kind::parse("sts"), Some(Kind::StatefulSet));
        assert_eq!(Kind::parse("deploy.batch"), None);
        assert_eq!(Kind::parse("nonsense"), None);
    }
}
