//! Where secrets come from.
//!
//! Owns `[secrets.ID]`: references, never values. Fetching one is the business of who uses it, at the moment of use.

use crate::base::toml::{At, Table, quoted, word_hint};
use crate::service::Later;
use crate::service::around::{Around, known};

/// One secret, by reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Id: what other entries call `secret:ID`.
    pub id: String,
    /// Where it is.
    pub reference: SecretRef,
    /// Ids of the workloads that use it.
    pub consumers: Vec<String>,
    /// What changing it does to users, in words.
    pub rotate_effect: Option<String>,
    /// It is compiled into what every browser downloads, and so is none.
    pub public: bool,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// `env:NAME`: a variable of the console's environment.
    Env(String),
    /// `file:PATH`.
    File(String),
    /// `cmd:PROGRAM ARGUMENT…`: what a program prints. No shell reads it.
    Command(Vec<String>),
    /// `k8s:NAMESPACE/NAME#KEY`: a key of a Secret; without a namespace, in the environment's.
    Kubernetes {
        /// Namespace.
        namespace: Option<String>,
        /// Name of the Secret.
        name: String,
        /// Key.
        key: String,
    },
    /// A scheme that this version cannot follow, as the file writes it.
    Later(&'static str),
}

/// Schemes of later versions.
const LATER: [&str; 8] = ["vault", "sops", "aws-sm", "azure-kv", "keyring", "dokploy-env", "aws-profile", "gcp-sm"];

const FORM: &str = "Write env:NAME, file:PATH, cmd:PROGRAM ARGUMENT…, or k8s:NAMESPACE/NAME#KEY.";

pub(super) fn decode(root: &Table<'_>, around: &Around<'_>, later: &mut Vec<Later>) -> Vec<Secret> {
    let Some(table) = root.table("secrets") else { return Vec::new() };
    table.entries().into_iter().filter_map(|(id, entry)| one(&id, &entry.table()?, around, later)).collect()
}

fn one(id: &At<String>, table: &Table<'_>, around: &Around<'_>, later: &mut Vec<Later>) -> Option<Secret> {
    let text = table.need_text("ref");
    let consumers = table.texts("consumers");
    for consumer in &consumers {
        known(table, consumer, "workload", around.workloads.iter().map(|w| &w.id));
    }
    let rotate_effect = table.text("rotate_effect").map(|e| e.value);
    let public = table.word("exposure", &[("public-bundle", true), ("private", false)]).is_some_and(|e| e.value);
    table.finish();
    let text = text?;
    let reference = reference(table, &text)?;
    if let SecretRef::Later(scheme) = reference {
        later.push(Later { key: format!("secrets.ref {scheme}:"), spot: text.spot });
    }
    let consumers = consumers.into_iter().map(|c| c.value).collect();
    Some(Secret { id: id.value.clone(), reference, consumers, rotate_effect, public })
}

fn reference(table: &Table<'_>, text: &At<String>) -> Option<SecretRef> {
    let wrong = |message: String| {
        table.error(&text.spot, message, Some(FORM.into()));
        None
    };
    // What has no known scheme may be the secret itself, and is not repeated.
    let Some((scheme, rest)) = text.value.split_once(':') else {
        return wrong("'ref' names no place; a secret itself must not be in the file.".into());
    };
    match scheme {
        _ if rest.is_empty() => wrong(format!("'ref' has nothing after '{scheme}:'.")),
        "env" => Some(SecretRef::Env(rest.to_owned())),
        "file" => Some(SecretRef::File(rest.to_owned())),
        "cmd" => Some(SecretRef::Command(rest.split_whitespace().map(ToOwned::to_owned).collect())),
        "k8s" => {
            let parts = rest
                .split_once('#')
                .map(|(object, key)| (object.split_once('/').map_or((None, object), |(ns, name)| (Some(ns), name)), key));
            match parts {
                Some(((namespace, name), key)) if !name.is_empty() && !key.is_empty() && namespace.is_none_or(|ns| !ns.is_empty()) => {
                    Some(SecretRef::Kubernetes { namespace: namespace.map(ToOwned::to_owned), name: name.to_owned(), key: key.to_owned() })
                }
                _ => wrong(format!("'ref' is {}, which names no key of a Secret.", quoted(&text.value))),
            }
        }
        other => {
            let later = LATER.iter().find(|later| **later == other);
            if later.is_none() {
                let hint = word_hint(scheme, ["env", "file", "cmd", "k8s"].into_iter().chain(LATER));
                table.error(&text.spot, "'ref' has a scheme that is not known.", Some(hint.unwrap_or_else(|| FORM.into())));
            }
            later.map(|later| SecretRef::Later(later))
        }
    }
}

impl SecretRef {
    /// The reference for people, as the file writes it.
    pub fn shown(&self) -> String {
        match self {
            Self::Env(name) => format!("env:{name}"),
            Self::File(path) => format!("file:{path}"),
            // Arguments of a program are nobody's business.
            Self::Command(argv) => format!("cmd:{}", argv.first().map_or("", String::as_str)),
            Self::Kubernetes { namespace, name, key } => {
                namespace.as_ref().map_or_else(|| format!("k8s:{name}#{key}"), |ns| format!("k8s:{ns}/{name}#{key}"))
            }
            Self::Later(scheme) => format!("{scheme}:"),
        }
    }
}
