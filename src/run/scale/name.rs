//! From what an operator typed to one workload: `[KIND/]NAME` within a namespace (contract.md 2).
//!
//! Owns the resolution and the suggestion when there is none.

use crate::base::problem::did_you_mean;
use crate::target::api::{Read, TargetError};
use crate::target::model::{Kind, ObjectRef, Scope};

/// Why a name does not lead to one workload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The kind is none, or none that can be scaled.
    #[error("'{0}' is no kind that can be scaled")]
    Kind(String),
    /// No such workload.
    #[error("there is no workload '{name}' in namespace '{namespace}'")]
    Missing {
        /// As typed.
        name: String,
        /// Where it was looked for.
        namespace: String,
        /// A name that is close.
        close: Option<String>,
    },
    /// More than one kind has it.
    #[error("'{name}' is ambiguous: {}", .candidates.join(", "))]
    Ambiguous {
        /// As typed.
        name: String,
        /// `deployment/api`, `statefulset/api`.
        candidates: Vec<String>,
    },
    /// The target did not answer.
    #[error("workloads in '{namespace}' cannot be listed: {error}")]
    Target {
        /// Where it was looked for.
        namespace: String,
        /// The answer.
        error: TargetError,
    },
}

impl NameError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { close: Some(close), .. } => Some(format!("did you mean '{close}'?")),
            Self::Ambiguous { .. } => Some("write KIND/NAME".to_owned()),
            Self::Kind(_) => Some("deployment, statefulset or replicaset".to_owned()),
            _ => None,
        }
    }
}

const SCALABLE: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet];

/// Finds the workload that was typed. With a kind nothing is asked; without one, Deployments and StatefulSets are looked at.
pub async fn resolve(read: &dyn Read, namespace: &str, typed: &str) -> Result<ObjectRef, NameError> {
    if let Some((kind, name)) = typed.split_once('/') {
        let kind = Kind::parse(kind).filter(|k| SCALABLE.contains(k)).ok_or_else(|| NameError::Kind(kind.to_owned()))?;
        return Ok(ObjectRef::new(kind, namespace, name));
    }
    let scope = Scope::Namespace(namespace.into());
    let (deployments, sets) = futures_util::join!(read.list_slim(Kind::Deployment, &scope), read.list_slim(Kind::StatefulSet, &scope));
    // One of the two may be denied: the other still answers.
    let objects = match (deployments, sets) {
        (Ok(a), Ok(b)) => a.into_iter().chain(b).collect::<Vec<_>>(),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => one,
        (Err(error), Err(_)) => return Err(NameError::Target { namespace: namespace.to_owned(), error }),
    };
    let found: Vec<ObjectRef> = objects.iter().map(crate::target::model::Object::reference).filter(|r| &*r.name == typed).collect();
    match &found[..] {
        [one] => Ok(one.clone()),
        [] => {
            let close = did_you_mean(typed, objects.iter().map(|o| &*o.meta().name)).map(str::to_owned);
            Err(NameError::Missing { name: typed.to_owned(), namespace: namespace.to_owned(), close })
        }
        several => Err(NameError::Ambiguous {
            name: typed.to_owned(),
            candidates: several.iter().map(|r| format!("{}/{}", r.kind.word().to_lowercase(), r.name)).collect(),
        }),
    }
}
