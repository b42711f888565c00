//! What the simulator serves.
//!
//! Owns `kinds.txt`, written after the discovery documents of Kubernetes 1.36.3, and its parsing. A new kind is a new line there.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::sim::wire::schema::{Message, SCHEMA};

/// A resource: its place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Res(pub(crate) usize);

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Resource {
    /// API group; empty for the core.
    pub(crate) group: &'static str,
    /// Version within the group.
    pub(crate) version: &'static str,
    /// `deployments`.
    pub(crate) plural: &'static str,
    /// `Deployment`.
    pub(crate) kind: &'static str,
    /// `deployment`.
    pub(crate) singular: &'static str,
    /// Lives in a namespace.
    pub(crate) namespaced: bool,
    /// kubectl's short names.
    pub(crate) short: Vec<&'static str>,
    /// `all`.
    pub(crate) categories: Vec<&'static str>,
    /// What may be done.
    pub(crate) verbs: Vec<&'static str>,
    /// Its fields; `None` for custom resources.
    pub(crate) message: Option<&'static Message>,
    /// Its subresources.
    pub(crate) subs: Vec<Sub>,
}

/// One subresource.
#[derive(Debug)]
pub(crate) struct Sub {
    /// `scale`.
    pub(crate) name: &'static str,
    /// Kind of its body.
    pub(crate) kind: &'static str,
    /// Group and version of its body where they differ from the resource's.
    pub(crate) group_version: Option<(&'static str, &'static str)>,
    /// What may be done.
    pub(crate) verbs: Vec<&'static str>,
}

impl Resource {
    /// `apps/v1`, `v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`, `pods`: how errors name it.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The subresource of that name.
    pub(crate) fn sub(&self, name: &str) -> Option<&Sub> {
        self.subs.iter().find(|s| s.name == name)
    }
}

/// The whole table.
pub(crate) struct Kinds {
    rows: Vec<Resource>,
    by_path: HashMap<(&'static str, &'static str, &'static str), Res>,
}

/// The one table, parsed at first use.
pub(crate) static KINDS: LazyLock<Kinds> = LazyLock::new(|| Kinds::parse(include_str!("kinds.txt")));

const ALL_VERBS: &str = "create,delete,deletecollection,get,list,patch,update,watch";

impl Kinds {
    /// All resources in the order of the table, which is the order of discovery.
    pub(crate) fn all(&'static self) -> impl Iterator<Item = (Res, &'static Resource)> {
        self.rows.iter().enumerate().map(|(i, r)| (Res(i), r))
    }

    /// The resource at `/apis/GROUP/VERSION/PLURAL`.
    pub(crate) fn at(&self, group: &str, version: &str, plural: &str) -> Option<Res> {
        self.by_path.get(&(group, version, plural)).copied()
    }

    /// The resource with that `apiVersion` and `kind`.
    pub(crate) fn of(&self, api_version: &str, kind: &str) -> Option<Res> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.rows.iter().position(|r| r.group == group && r.version == version && r.kind == kind).map(Res)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    fn parse(text: &'static str) -> Self {
        let mut rows: Vec<Resource> = Vec::new();
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let words: Vec<&'static str> = line.split_whitespace().collect();
            match (line.starts_with(' '), words.as_slice()) {
                (true, [name, kind, group_version, verbs]) => {
                    if let Some(row) = rows.last_mut() {
                        let group_version = group_version.split_once('/');
                        row.subs.push(Sub { name, kind, group_version, verbs: verbs.split(',').collect() });
                    }
                }
                (false, [group, version, plural, kind, singular, scope, short, categories, verbs, message]) => rows.push(Resource {
                    group: dash(group),
                    version,
                    plural,
                    kind,
                    singular: dash(singular),
                    namespaced: *scope == "N",
                    short: words_of(short),
                    categories: words_of(categories),
                    verbs: if *verbs == "*" { ALL_VERBS } else { verbs }.split(',').collect(),
                    message: SCHEMA.message(message),
                    subs: Vec::new(),
                }),
                _ => {}
            }
        }
        let by_path = rows.iter().enumerate().map(|(i, r)| ((r.group, r.version, r.plural), Res(i))).collect();
        Self { rows, by_path }
    }
}

impl Res {
    /// Its line in the table.
    pub(crate) fn row(self) -> &'static Resource {
        &KINDS.rows[self.0]
    }

    /// Where its objects are kept: events have two groups and one store.
    pub(crate) fn stored(self) -> Self {
        if self == known().new_events { known().events } else { self }
    }
}

fn dash(word: &'static str) -> &'static str {
    if word == "-" { "" } else { word }
}

fn words_of(word: &'static str) -> Vec<&'static str> {
    dash(word).split(',').filter(|w| !w.is_empty()).collect()
}

macro_rules! known {
    ($($name:ident = $group:literal / $version:literal / $plural:literal;)*) => {
        /// Resources that the program names.
        #[derive(Debug)]
        #[allow(missing_docs, reason = "each is the resource of that name")]
        pub(crate) struct Known { $(pub(crate) $name: Res,)* }
        static KNOWN: LazyLock<Known> = LazyLock::new(|| Known { $($name: KINDS.at($group, $version, $plural).expect("a line in kinds.txt"),)* });
    };
}

known! {
    configmaps = ""/"v1"/"configmaps";
    events = ""/"v1"/"events";
    endpoints = ""/"v1"/"endpoints";
    new_events = "events.k8s.io"/"v1"/"events";
    limits = ""/"v1"/"limitranges";
    namespaces = ""/"v1"/"namespaces";
    nodes = ""/"v1"/"nodes";
    claims = ""/"v1"/"persistentvolumeclaims";
    volumes = ""/"v1"/"persistentvolumes";
    pods = ""/"v1"/"pods";
    templates = ""/"v1"/"podtemplates";
    quotas = ""/"v1"/"resourcequotas";
    secrets = ""/"v1"/"secrets";
    service_accounts = ""/"v1"/"serviceaccounts";
    services = ""/"v1"/"services";
    revisions = "apps"/"v1"/"controllerrevisions";
    daemonsets = "apps"/"v1"/"daemonsets";
    deployments = "apps"/"v1"/"deployments";
    replicasets = "apps"/"v1"/"replicasets";
    statefulsets = "apps"/"v1"/"statefulsets";
    autoscalers = "autoscaling"/"v2"/"horizontalpodautoscalers";
    cronjobs = "batch"/"v1"/"cronjobs";
    jobs = "batch"/"v1"/"jobs";
    leases = "coordination.k8s.io"/"v1"/"leases";
    slices = "discovery.k8s.io"/"v1"/"endpointslices";
    ingresses = "networking.k8s.io"/"v1"/"ingresses";
    budgets = "policy"/"v1"/"poddisruptionbudgets";
    roles = "rbac.authorization.k8s.io"/"v1"/"roles";
    role_bindings = "rbac.authorization.k8s.io"/"v1"/"rolebindings";
    cluster_roles = "rbac.authorization.k8s.io"/"v1"/"clusterroles";
    cluster_role_bindings = "rbac.authorization.k8s.io"/"v1"/"clusterrolebindings";
    storage_classes = "storage.k8s.io"/"v1"/"storageclasses";
    node_metrics = "metrics.k8s.io"/"v1beta1"/"nodes";
    pod_metrics = "metrics.k8s.io"/"v1beta1"/"pods";
}

/// Resources that the program names.
pub(crate) fn known() -> &'static Known {
    &KNOWN
}

#[cfg(test)]
mod tests {
    use super::{KINDS, known};

    #[test]
    fn every_kind_of_the_core_groups_has_a_schema() {
        for (_, row) in KINDS.all() {
            let custom = row.group.starts_with("cert-manager") || row.group.starts_with("secrets-store");
            assert_eq!(row.message.is_none(), custom, "{} {}", row.group, row.kind);
        }
    }

    #[test]
    fn both_event_groups_share_one_store() {
        assert_eq!(known().new_events.stored(), known().events);
        assert_eq!(known().pods.stored(), known().pods);
    }
}
