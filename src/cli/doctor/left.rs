//! What Timonel wrote in the cluster, all of it: `timonel doctor --cluster` (contract.md 8).
//!
//! Owns how each kind of it is recognised. Reads only.

use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Findings;
use crate::base::problem::{Level, Problem};
use crate::base::text::clean;
use crate::fleet::armed;
use crate::target::api::{Read, TargetError};
use crate::target::kubernetes::Client;
use crate::target::model::{Kind, LOCKS_OF_CLUSTER, Object, ObjectRef, Scope};

/// Kinds on which a run leaves annotations or of which it makes one.
const SIGNED: [Kind; 8] =
    [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet, Kind::CronJob, Kind::HorizontalPodAutoscaler, Kind::Job, Kind::Event];
/// Who reports the events.
const REPORTER: &str = "timonel.io/console";
const PREFIX: &str = "timonel.io/";
/// How our own objects are named.
const NAMES: &str = "timonel-";

/// What there is.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Left {
    objects: Vec<LeftObject>,
    /// Events; they go by themselves.
    events: usize,
}

/// One object that Timonel made, or left its annotations on.
#[derive(Debug, Serialize, JsonSchema)]
struct LeftObject {
    /// `Lease`.
    kind: Kind,
    /// Empty for objects without a namespace.
    namespace: String,
    /// Its name.
    name: String,
    /// Timonel made it; else only what is told of it is Timonel's.
    made: bool,
    /// Whose lock or timer it is, or the annotations; empty where the name says it all.
    what: String,
}

impl LeftObject {
    fn of(object: &ObjectRef, made: bool, what: String) -> Self {
        Self { kind: object.kind, namespace: object.namespace.to_string(), name: object.name.to_string(), made, what }
    }

    fn line(&self) -> String {
        let object = ObjectRef::new(self.kind, self.namespace.as_str(), self.name.as_str());
        let on = if self.made { "" } else { "on " };
        let what = if self.what.is_empty() { String::new() } else { format!(": {}", self.what) };
        format!("in the cluster: {on}{object}{what}")
    }
}

/// Lists it.
pub(super) async fn look(client: &Client, found: &mut Findings) {
    let mut left = Left::default();
    let scopes: Vec<Scope> = match &client.opened().namespaces {
        None => vec![Scope::Cluster],
        Some(names) => names.iter().map(|n| Scope::Namespace(n.as_str().into())).collect(),
    };
    // Objects without a namespace have their locks and their record in one of the cluster's own.
    let of_cluster = Scope::Namespace(LOCKS_OF_CLUSTER.into());
    let further = (scopes != [Scope::Cluster] && !scopes.contains(&of_cluster)).then_some(of_cluster);
    for scope in scopes.iter().chain(&further) {
        match client.list_slim(Kind::ConfigMap, scope).await {
            Ok(maps) => {
                let own = maps.iter().filter(|m| m.meta().name.starts_with(NAMES));
                left.objects.extend(own.map(|m| LeftObject::of(&m.reference(), true, String::new())));
            }
            Err(error) => found.bad(unknown(Kind::ConfigMap, &error)),
        }
        match client.list(Kind::Lease, scope, "", "").await {
            Ok(leases) => left.objects.extend(leases.iter().filter_map(lease)),
            Err(error) => found.bad(unknown(Kind::Lease, &error)),
        }
    }
    let wanted: Vec<(Kind, &Scope)> = scopes
        .iter()
        .flat_map(|scope| SIGNED.map(|kind| (kind, scope)))
        .chain([(Kind::Node, &Scope::Cluster)])
        .collect();
    let answers = join_all(wanted.iter().map(|(kind, scope)| client.list_slim(*kind, scope))).await;
    for ((kind, _), answer) in wanted.iter().zip(answers) {
        match answer {
            Ok(objects) if *kind == Kind::Event => left.events += objects.iter().filter(|o| is_own_event(o)).count(),
            Ok(objects) => left.objects.extend(objects.iter().filter_map(own)),
            Err(error) => found.bad(unknown(*kind, &error)),
        }
    }
    left.objects.iter().for_each(|object| found.good(object.line()));
    if left.events > 0 {
        found.good(format!("in the cluster: {} events; they go by themselves", left.events));
    }
    found.left = Some(left);
}

/// A Lease of ours, and whose it is.
fn lease(raw: &Value) -> Option<LeftObject> {
    let text = |pointer: &str| raw.pointer(pointer).and_then(Value::as_str).map(clean);
    let (namespace, name) = (text("/metadata/namespace")?, text("/metadata/name").filter(|name| name.starts_with(NAMES))?);
    let until = text("/metadata/annotations/timonel.io~1expires-at").map(|at| format!(" until {at}")).unwrap_or_default();
    let what = if name.starts_with(armed::PREFIX) { "timer" } else { "lock" };
    let held = match text("/spec/holderIdentity").filter(|holder| !holder.is_empty()) {
        Some(holder) => format!("{what} of {holder}{until}, renewed {}", text("/spec/renewTime").unwrap_or_default()),
        None => format!("{what}, nobody holds it"),
    };
    Some(LeftObject { kind: Kind::Lease, namespace: namespace.to_string(), name: name.to_string(), made: true, what: held })
}

/// What is ours of an object; `None` = nothing is.
fn own(object: &Object) -> Option<LeftObject> {
    let meta = object.meta();
    if object.kind() == Kind::Job && meta.label("timonel.io/run").is_some() {
        return Some(LeftObject::of(&object.reference(), true, String::new()));
    }
    let signed: Vec<String> = meta.annotations.iter().filter(|(k, _)| k.starts_with(PREFIX)).map(|(k, v)| format!("{k}: {v}")).collect();
    // A Job has its CronJob's, a ReplicaSet its Deployment's: they are copies.
    let copies = matches!(object.kind(), Kind::Job | Kind::ReplicaSet) && meta.owner.is_some();
    (!signed.is_empty() && !copies).then(|| LeftObject::of(&object.reference(), false, signed.join(", ")))
}

fn is_own_event(object: &Object) -> bool {
    matches!(object, Object::Event(e) if &*e.source == REPORTER)
}

fn unknown(kind: Kind, error: &TargetError) -> Problem {
    let text = format!("What Timonel left of {} is unknown, they cannot be listed: {}.", kind.plural(), error.message.trim_end_matches('.'));
    Problem::new(Level::Unknown, format!("left:{}", kind.plural()), text)
}
