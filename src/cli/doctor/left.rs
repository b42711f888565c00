//! What Timonel wrote in the cluster, all of it: `timonel doctor --cluster` (contract.md 8).
//!
//! Owns how each kind of it is recognised. Reads only.

use futures_util::future::join_all;
use serde_json::Value;

use super::Findings;
use crate::base::problem::{Level, Problem};
use crate::base::text::clean;
use crate::fleet::armed;
use crate::target::api::{Read, TargetError};
use crate::target::kubernetes::Client;
use crate::target::model::{Kind, LOCKS_OF_CLUSTER, Object, Scope};

/// Kinds on which a run leaves annotations or of which it makes one.
const SIGNED: [Kind; 8] =
    [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet, Kind::CronJob, Kind::HorizontalPodAutoscaler, Kind::Job, Kind::Event];
/// Who reports the events.
const REPORTER: &str = "timonel.io/console";
const PREFIX: &str = "timonel.io/";
/// How our own objects are named.
const NAMES: &str = "timonel-";

/// Lists it.
pub(super) async fn look(client: &Client, found: &mut Findings) {
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
                for map in maps.iter().filter(|m| m.meta().name.starts_with(NAMES)) {
                    found.good(format!("in the cluster: {}", map.reference()));
                }
            }
            Err(error) => found.bad(unknown(Kind::ConfigMap, &error)),
        }
        match client.list(Kind::Lease, scope, "", "").await {
            Ok(leases) => {
                for text in leases.iter().filter_map(lease) {
                    found.good(text);
                }
            }
            Err(error) => found.bad(unknown(Kind::Lease, &error)),
        }
    }
    let wanted: Vec<(Kind, &Scope)> = scopes
        .iter()
        .flat_map(|scope| SIGNED.map(|kind| (kind, scope)))
        .chain([(Kind::Node, &Scope::Cluster)])
        .collect();
    let answers = join_all(wanted.iter().map(|(kind, scope)| client.list_slim(*kind, scope))).await;
    let mut events = 0;
    for ((kind, _), answer) in wanted.iter().zip(answers) {
        match answer {
            Ok(objects) if *kind == Kind::Event => events += objects.iter().filter(|o| is_own_event(o)).count(),
            Ok(objects) => objects.iter().filter_map(words).for_each(|text| found.good(text)),
            Err(error) => found.bad(unknown(*kind, &error)),
        }
    }
    if events > 0 {
        found.good(format!("in the cluster: {events} events; they go by themselves"));
    }
}

/// A Lease of ours, and whose it is.
fn lease(raw: &Value) -> Option<String> {
    let text = |pointer: &str| raw.pointer(pointer).and_then(Value::as_str).map(clean);
    let (namespace, name) = (text("/metadata/namespace")?, text("/metadata/name").filter(|name| name.starts_with(NAMES))?);
    let until = text("/metadata/annotations/timonel.io~1expires-at").map(|at| format!(" until {at}")).unwrap_or_default();
    let what = if name.starts_with(armed::PREFIX) { "timer" } else { "lock" };
    let held = match text("/spec/holderIdentity").filter(|holder| !holder.is_empty()) {
        Some(holder) => format!("{what} of {holder}{until}, renewed {}", text("/spec/renewTime").unwrap_or_default()),
        None => format!("{what}, nobody holds it"),
    };
    Some(format!("in the cluster: Lease {namespace}/{name}: {held}"))
}

/// What is ours of an object; `None` = nothing is.
fn words(object: &Object) -> Option<String> {
    let meta = object.meta();
    if object.kind() == Kind::Job && meta.label("timonel.io/run").is_some() {
        return Some(format!("in the cluster: {}", object.reference()));
    }
    let signed: Vec<String> = meta.annotations.iter().filter(|(k, _)| k.starts_with(PREFIX)).map(|(k, v)| format!("{k}: {v}")).collect();
    // A Job has its CronJob's, a ReplicaSet its Deployment's: they are copies.
    let copies = matches!(object.kind(), Kind::Job | Kind::ReplicaSet) && meta.owner.is_some();
    (!signed.is_empty() && !copies).then(|| format!("in the cluster: on {}: {}", object.reference(), signed.join(", ")))
}

fn is_own_event(object: &Object) -> bool {
    matches!(object, Object::Event(e) if &*e.source == REPORTER)
}

fn unknown(kind: Kind, error: &TargetError) -> Problem {
    let text = format!("What Timonel left of {} is unknown, they cannot be listed: {}.", kind.plural(), error.message.trim_end_matches('.'));
    Problem::new(Level::Unknown, format!("left:{}", kind.plural()), text)
}
