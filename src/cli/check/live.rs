//! What the target has of a service: read once, whole, for `timonel check --live` and `timonel init`.
//!
//! Owns which lists are read and that values of secrets are dropped where they arrive. Judges nothing. Every request has the
//! deadline of the client.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::tries;
use crate::probe::Watched;
use crate::run::backup::{Known, catalogue};
use crate::service::{Secret, SecretRef, Service, Target};
use crate::target::api::{Access, Read, TargetError};
use crate::target::model::{Kind, ObjectRef, Scope};
use crate::target::probe::NotHeard;
use crate::target::sql::{Databases, Rows};

/// What a database is asked that is asked for nothing else.
const VERSION: &str = "show server_version";

/// Kinds that are read in each namespace.
pub(in crate::cli) const KINDS: [Kind; 11] = [
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::CronJob,
    Kind::Job,
    Kind::Service,
    Kind::Ingress,
    Kind::HorizontalPodAutoscaler,
    Kind::PodDisruptionBudget,
    Kind::PersistentVolumeClaim,
    Kind::Pod,
];

/// Objects, or why they could not be read.
pub(super) type List = Result<Vec<Value>, String>;

/// What was read.
#[derive(Default)]
pub(in crate::cli) struct Live {
    pub(in crate::cli) lists: BTreeMap<(Kind, String), List>,
    pub(in crate::cli) policies: BTreeMap<String, List>,
    /// All namespaces; only their names and labels are looked at.
    pub(in crate::cli) namespaces: Option<List>,
    /// The Secrets that are referred to, without what is in them.
    pub(in crate::cli) secrets: BTreeMap<(String, String), Result<Keys, Missing>>,
    /// What the catalogue of backups says.
    pub(in crate::cli) backups: Known,
    /// What the declared databases say when they are asked for their version.
    pub(in crate::cli) databases: BTreeMap<String, Result<String, NotHeard>>,
    /// What the declared Prometheus says of its alerts; `None` = none is declared.
    pub(in crate::cli) alerts: Option<Watched>,
    /// The statements of steps, tried.
    pub(super) statements: Vec<tries::Tried>,
    /// The nodes with the images that they have.
    pub(super) nodes: Option<List>,
    /// What we may do, in words.
    pub(in crate::cli) rights: Vec<(String, Result<bool, String>)>,
}

/// A Secret without what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::cli) struct Keys {
    /// Names of its keys.
    pub(in crate::cli) names: Vec<String>,
    /// When it was last written, by its managed fields; `None` = they do not say.
    pub(in crate::cli) written: Option<Timestamp>,
}

/// Why an object is not there to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Missing {
    /// The server says that there is none.
    NotThere,
    /// It could not be asked.
    Unknown(String),
}

impl Live {
    /// Reads everything that the service in `namespace` needs, and asks its databases who they are.
    pub(in crate::cli) async fn read(read: &dyn Read, databases: &dyn Databases, service: &Service, namespace: &str) -> Self {
        let namespaces: BTreeSet<String> = std::iter::once(namespace.to_owned())
            .chain(service.workloads.iter().filter_map(|w| w.namespace.clone()))
            .collect();
        let mut live = Self::objects(read, &namespaces).await;
        live.namespaces = Some(read.list(Kind::Namespace, &Scope::Cluster, "", "").await.map_err(|e| why(&e)));
        let secrets: BTreeSet<(String, String)> = service.declared.secrets.iter().filter_map(|s| of_cluster(s, namespace)).collect();
        let keys = join_all(secrets.iter().map(|(ns, name)| keys(read, ns, name))).await;
        live.secrets = secrets.into_iter().zip(keys).collect();
        live.backups = Known::of(read, &catalogue::of(&service.id, namespace)).await;
        let ids: Vec<&str> = service.declared.databases.iter().map(|d| d.id.as_str()).collect();
        let versions = join_all(ids.iter().map(|id| databases.ask(id, VERSION))).await;
        let version = |rows: Rows| rows.first().unwrap_or_default().to_owned();
        live.databases = ids.iter().map(|id| (*id).to_owned()).zip(versions.into_iter().map(|v| v.map(version))).collect();
        live.statements = tries::statements(databases, service).await;
        live.nodes = Some(tries::of_nodes(read.list(Kind::Node, &Scope::Cluster, "", "").await.map_err(|e| why(&e))));
        let wanted = wanted(service, namespace);
        let answers = join_all(wanted.iter().map(|(_, access)| read.may(access))).await;
        let said = |((words, _), answer): ((String, Access), Result<_, TargetError>)| {
            (words, answer.map(|a: crate::target::api::Allowed| a.allowed).map_err(|e| why(&e)))
        };
        live.rights = wanted.into_iter().zip(answers).map(said).collect();
        live
    }

    /// Reads the objects of some namespaces.
    pub(in crate::cli) async fn objects(read: &dyn Read, namespaces: &BTreeSet<String>) -> Self {
        let wanted: Vec<(Kind, String)> = namespaces.iter().flat_map(|ns| KINDS.into_iter().map(move |kind| (kind, ns.clone()))).collect();
        let scopes: Vec<Scope> = wanted.iter().map(|(_, ns)| Scope::Namespace(ns.as_str().into())).collect();
        let lists = join_all(wanted.iter().zip(&scopes).map(|((kind, _), scope)| read.list(*kind, scope, "", ""))).await;
        let paths: Vec<String> = namespaces.iter().map(|ns| format!("/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies")).collect();
        let policies = join_all(paths.iter().map(|path| read.raw(path))).await;
        let items = |answer: Value| answer["items"].as_array().cloned().unwrap_or_default();
        Self {
            lists: wanted.into_iter().zip(lists).map(|(key, list)| (key, list.map_err(|e| why(&e)))).collect(),
            policies: namespaces.iter().cloned().zip(policies.into_iter().map(|p| p.map(items).map_err(|e| why(&e)))).collect(),
            ..Self::default()
        }
    }

    /// The objects of a kind; none where they could not be read.
    pub(in crate::cli) fn of(&self, kind: Kind, namespace: &str) -> &[Value] {
        self.lists.get(&(kind, namespace.to_owned())).and_then(|list| list.as_deref().ok()).unwrap_or_default()
    }

    /// The pods of all namespaces that were read.
    pub(super) fn pods(&self) -> impl Iterator<Item = &Value> {
        self.lists
            .iter()
            .filter(|((kind, _), _)| *kind == Kind::Pod)
            .filter_map(|(_, list)| list.as_ref().ok())
            .flatten()
    }

    /// One object.
    pub(in crate::cli) fn one(&self, kind: Kind, namespace: &str, name: &str) -> Result<&Value, Missing> {
        match self.lists.get(&(kind, namespace.to_owned())) {
            Some(Ok(list)) => list.iter().find(|o| o["metadata"]["name"] == name).ok_or(Missing::NotThere),
            Some(Err(why)) => Err(Missing::Unknown(why.clone())),
            None => Err(Missing::Unknown("nobody asked".into())),
        }
    }
}

/// The namespace and name of a Secret that a reference leads to.
pub(super) fn of_cluster(secret: &Secret, here: &str) -> Option<(String, String)> {
    match &secret.reference {
        SecretRef::Kubernetes { namespace, name, .. } => Some((namespace.clone().unwrap_or_else(|| here.to_owned()), name.clone())),
        _ => None,
    }
}

/// The namespace of an environment, where its file says it.
pub(in crate::cli) fn namespace_of(service: &Service) -> Option<&str> {
    match service.environment.as_ref().map(|e| &e.target) {
        Some(Target::Kubernetes { namespace, .. }) => namespace.as_deref(),
        _ => None,
    }
}

/// Names of a Secret's keys. Its values go no further than here.
async fn keys(read: &dyn Read, namespace: &str, name: &str) -> Result<Keys, Missing> {
    let object = ObjectRef::new(Kind::Secret, namespace, name);
    match read.get(&object, "").await {
        Ok(secret) => {
            let times = secret["metadata"]["managedFields"].as_array().into_iter().flatten();
            Ok(Keys {
                names: secret["data"].as_object().map(|data| data.keys().cloned().collect()).unwrap_or_default(),
                written: times.filter_map(|field| field["time"].as_str()?.parse().ok()).max(),
            })
        }
        Err(error) if error.kind == crate::target::api::ErrorKind::NotFound => Err(Missing::NotThere),
        Err(error) => Err(Missing::Unknown(why(&error))),
    }
}

fn why(error: &TargetError) -> String {
    error.message.trim_end_matches('.').to_owned()
}

/// What the console needs to be allowed to act on the service's workloads.
fn wanted(service: &Service, namespace: &str) -> Vec<(String, Access)> {
    let mut out: Vec<(String, Access)> = Vec::new();
    let mut want = |verb: &'static str, kind: Kind, subresource: &'static str, namespace: &str| {
        let (words, access) = tries::right(verb, kind, subresource, namespace);
        if !out.iter().any(|(known, _)| *known == words) {
            out.push((words, access));
        }
    };
    for workload in &service.workloads {
        let Some(kind) = super::resolve::kind_of(workload) else { continue };
        let namespace = workload.namespace.as_deref().unwrap_or(namespace);
        want("get", Kind::Pod, "log", namespace);
        if matches!(kind, Kind::Deployment | Kind::StatefulSet) {
            want("patch", kind, "scale", namespace);
        }
        if matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::CronJob) {
            want("patch", kind, "", namespace);
            want("create", Kind::Lease, "", namespace);
        }
    }
    tries::rights(service, namespace, want);
    out
}
