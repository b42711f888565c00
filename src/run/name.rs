//! From what an operator typed to one workload: `[KIND/]NAME` within a namespace (contract.md 2).
//!
//! Owns the resolution and the suggestion when there is none.

use futures_util::future::join_all;

use super::actions::ActionSpec;
use super::facts::text;
use crate::base::problem::did_you_mean;
use crate::target::api::{Read, TargetError};
use crate::target::model::{Kind, ObjectRef, Scope};

/// Why a name does not lead to one workload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The kind is none, or none that the action takes.
    #[error("'{typed}' is no kind that can be {done}")]
    Kind {
        /// As typed.
        typed: String,
        /// What the action does to one: `scaled`.
        done: &'static str,
        /// The kinds that it takes.
        kinds: &'static [Kind],
    },
    /// No such workload.
    #[error("there is no {} '{name}'{}", if .namespace.is_empty() { "node" } else { "workload" }, place(.namespace))]
    Missing {
        /// As typed.
        name: String,
        /// Where it was looked for; empty for what is in no namespace.
        namespace: String,
        /// A name that is close.
        close: Option<String>,
    },
    /// No object has these labels.
    #[error("nothing that can be {done} is labelled '{selector}'{}", place(.namespace))]
    NoneSelected {
        /// As typed.
        selector: String,
        /// What the action does to one: `restarted`.
        done: &'static str,
        /// Where it was looked for.
        namespace: String,
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
    #[error("what there is{} cannot be listed: {error}", place(.namespace))]
    Target {
        /// Where it was looked for.
        namespace: String,
        /// The answer.
        error: TargetError,
    },
}

fn place(namespace: &str) -> String {
    if namespace.is_empty() { String::new() } else { format!(" in namespace '{namespace}'") }
}

impl NameError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { close: Some(close), .. } => Some(format!("did you mean '{close}'?")),
            Self::Ambiguous { .. } => Some("write KIND/NAME".to_owned()),
            Self::Kind { kinds, .. } => Some(kinds.iter().map(|k| k.word().to_lowercase()).collect::<Vec<_>>().join(", ")),
            _ => None,
        }
    }
}

/// Everything with these labels among the kinds that an action takes, sorted. A list that is not complete is none: what is not seen would
/// be left out without a word.
pub async fn select(read: &dyn Read, namespace: &str, selector: &str, spec: &ActionSpec) -> Result<Vec<ObjectRef>, NameError> {
    let scope = Scope::Namespace(namespace.into());
    let kinds: Vec<Kind> = spec.kinds.iter().copied().filter(|k| *k != Kind::ReplicaSet).collect();
    let answers = join_all(kinds.iter().map(|kind| read.list(*kind, &scope, selector, ""))).await;
    let mut found = Vec::new();
    for (kind, answer) in kinds.into_iter().zip(answers) {
        let objects = answer.map_err(|error| NameError::Target { namespace: namespace.to_owned(), error })?;
        found.extend(objects.iter().map(|o| ObjectRef::new(kind, namespace, text(o, "/metadata/name").as_str())));
    }
    found.sort_unstable();
    if found.is_empty() {
        return Err(NameError::NoneSelected { selector: selector.to_owned(), done: spec.done, namespace: namespace.to_owned() });
    }
    Ok(found)
}

/// Finds what was typed among the kinds that an action takes; `namespace` is empty for kinds without one. With a kind nothing is asked; without one, all are looked at, save
/// ReplicaSets, which their Deployments own.
pub async fn resolve(read: &dyn Read, namespace: &str, typed: &str, spec: &ActionSpec) -> Result<ObjectRef, NameError> {
    if let Some((kind, name)) = typed.split_once('/') {
        let wrong = || NameError::Kind { typed: kind.to_owned(), done: spec.done, kinds: spec.kinds };
        let kind = Kind::parse(kind).filter(|k| spec.kinds.contains(k)).ok_or_else(wrong)?;
        return Ok(ObjectRef::new(kind, if kind.namespaced() { namespace } else { "" }, name));
    }
    let scope = if namespace.is_empty() { Scope::Cluster } else { Scope::Namespace(namespace.into()) };
    let kinds = spec.kinds.iter().filter(|k| **k != Kind::ReplicaSet);
    let answers = join_all(kinds.map(|kind| read.list_slim(*kind, &scope))).await;
    // One of them may be denied: the others still answer.
    let (mut objects, mut error, mut answered) = (Vec::new(), None, false);
    for answer in answers {
        match answer {
            Ok(some) => {
                answered = true;
                objects.extend(some);
            }
            Err(why) => error = Some(why),
        }
    }
    if let Some(error) = error.filter(|_| !answered) {
        return Err(NameError::Target { namespace: namespace.to_owned(), error });
    }
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
