//! What Timonel wrote in the cluster, all of it: `timonel doctor --cluster` (contract.md 8).
//!
//! Owns how each kind of it is recognised. Reads only.

use futures_util::future::join_all;

use super::Findings;
use crate::base::problem::{Level, Problem};
use crate::run::debts::book;
use crate::target::api::{Read, TargetError};
use crate::target::kubernetes::Client;
use crate::target::model::{Kind, Object, Scope};

/// Kinds on which a run leaves annotations or of which it makes one.
const SIGNED: [Kind; 8] =
    [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet, Kind::CronJob, Kind::HorizontalPodAutoscaler, Kind::Job, Kind::Event];
/// Who reports the events.
const REPORTER: &str = "timonel.io/console";
const PREFIX: &str = "timonel.io/";

/// Lists it.
pub(super) async fn look(client: &Client, found: &mut Findings) {
    let scopes: Vec<Scope> = match &client.opened().namespaces {
        None => vec![Scope::Cluster],
        Some(names) => names.iter().map(|n| Scope::Namespace(n.as_str().into())).collect(),
    };
    let record = format!("metadata.name={}", book::NAME);
    for scope in &scopes {
        match client.list(Kind::ConfigMap, scope, "", &record).await {
            Ok(records) => {
                for namespace in records.iter().filter_map(|r| r.pointer("/metadata/namespace")?.as_str()) {
                    found.good(format!("in the cluster: ConfigMap {namespace}/{}", book::NAME));
                }
            }
            Err(error) => found.bad(unknown(Kind::ConfigMap, &error)),
        }
        match client.list(Kind::Lease, scope, "", "").await {
            Ok(leases) => {
                let names = leases
                    .iter()
                    .filter_map(|l| Some((l.pointer("/metadata/namespace")?.as_str()?, l.pointer("/metadata/name")?.as_str()?)));
                for (namespace, name) in names.filter(|(_, name)| name.starts_with("timonel-")) {
                    found.good(format!("in the cluster: Lease {namespace}/{name}"));
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
