//! From wire messages to the model: defaults, merging, interning, stripping of control sequences.
//!
//! Owns what an absent field means (API conventions, k8s.io/api comments). Total: every message yields an object, however
//! little is in it. Must not know in which encoding the message came.

mod apps;
mod core;
mod extra;

use std::sync::Arc;

use super::message::{Amount, Condition, IntOrString, LabelSelector, ObjectMeta, Pair, ProbedCondition, Time};
use crate::base::quantity;
use crate::base::text::{Interner, Str, clean};
use crate::target::model::{self, Labels, Meta, Operator, Owner, Requirement, Resources, Seconds, Selector};

/// Annotations that some rule of the program reads; all others are dropped.
const KEPT_ANNOTATIONS: [&str; 8] = [
    "kubernetes.io/change-cause",
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/default-container",
    "kubectl.kubernetes.io/restartedAt",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
    "argocd.argoproj.io/tracking-id",
    "cronjob.kubernetes.io/instantiate",
];

/// Own annotations are kept whole (contract.md 8).
const OWN_ANNOTATIONS: &str = "timonel.io/";

/// An annotation may be a quarter of a megabyte; more of a change cause than this is never shown.
const ANNOTATION_MAX: usize = 4096;

/// Turns wire messages into objects of the model.
#[derive(Debug)]
pub(super) struct Convert<'a> {
    interner: &'a mut Interner,
}

impl<'a> Convert<'a> {
    /// Shares strings through `interner`.
    pub(super) fn new(interner: &'a mut Interner) -> Self {
        Self { interner }
    }

    /// A string that repeats from object to object.
    fn shared(&mut self, text: &str) -> Str {
        self.interner.intern(text)
    }

    /// Metadata; an object without any is one without a name.
    pub(super) fn meta(&mut self, meta: Option<ObjectMeta>) -> Meta {
        let meta = meta.unwrap_or_default();
        Meta {
            name: own(&meta.name),
            namespace: self.shared(&meta.namespace),
            uid: own(&meta.uid),
            resource_version: meta.resource_version.parse().unwrap_or(0),
            created: when(meta.creation_timestamp).unwrap_or(0),
            deleted: when(meta.deletion_timestamp),
            generation: meta.generation,
            labels: self.labels(&meta.labels),
            annotations: self.annotations(&meta.annotations),
            owner: meta.owner_references.iter().find(|o| o.controller).map(|o| Owner {
                kind: self.shared(&o.kind),
                name: self.shared(&o.name),
                uid: self.shared(&o.uid),
            }),
        }
    }

    fn labels(&mut self, pairs: &[Pair]) -> Labels {
        self.sorted(pairs.iter().map(|p| (p.key.as_str(), prose_text(&p.value))))
    }

    fn annotations(&mut self, pairs: &[Pair]) -> Labels {
        let kept = pairs.iter().filter(|p| KEPT_ANNOTATIONS.contains(&&*p.key) || p.key.starts_with(OWN_ANNOTATIONS));
        self.sorted(kept.map(|p| (p.key.as_str(), prose_text(&p.value[..p.value.len().min(ANNOTATION_MAX)]))))
    }

    fn sorted<'t>(&mut self, pairs: impl Iterator<Item = (&'t str, std::borrow::Cow<'t, str>)>) -> Labels {
        let mut all: Vec<(Str, Str)> = pairs.map(|(key, value)| (self.shared(key), self.shared(&value))).collect();
        if all.is_empty() {
            return Labels::default();
        }
        all.sort_unstable();
        all.into()
    }

    fn condition(&mut self, c: &Condition) -> model::Condition {
        self.condition_of(&c.kind, &c.status, &c.reason, &c.message, c.last_transition_time)
    }

    fn probed_condition(&mut self, c: &ProbedCondition) -> model::Condition {
        self.condition_of(&c.kind, &c.status, &c.reason, &c.message, c.last_transition_time)
    }

    fn condition_of(&mut self, kind: &str, status: &str, reason: &str, message: &[u8], since: Option<Time>) -> model::Condition {
        let status = match status {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        };
        model::Condition {
            message: if is_wanted(kind, status) { Box::default() } else { prose(message) },
            kind: self.shared(kind),
            status,
            reason: self.shared(reason),
            since: when(since),
        }
    }

    fn conditions(&mut self, conditions: &[Condition]) -> Box<[model::Condition]> {
        conditions.iter().map(|c| self.condition(c)).collect()
    }

    fn probed_conditions(&mut self, conditions: &[ProbedCondition]) -> Box<[model::Condition]> {
        conditions.iter().map(|c| self.probed_condition(c)).collect()
    }

    /// A LabelSelector; `matchLabels` become equalities.
    fn selector(&mut self, selector: Option<LabelSelector>) -> Selector {
        let selector = selector.unwrap_or_default();
        let mut requirements = self.equalities(&selector.match_labels);
        requirements.extend(selector.match_expressions.iter().map(|e| Requirement {
            key: self.shared(&e.key),
            operator: match e.operator.as_str() {
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                _ => Operator::In,
            },
            values: e.values.iter().map(|v| self.shared(v)).collect(),
        }));
        Selector { requirements: requirements.into() }
    }

    /// A Service's map of labels.
    fn map_selector(&mut self, pairs: &[Pair]) -> Selector {
        Selector { requirements: self.equalities(pairs).into() }
    }

    fn equalities(&mut self, pairs: &[Pair]) -> Vec<Requirement> {
        let sorted = self.labels(pairs);
        let equal = |(key, value): &(Str, Str)| Requirement { key: key.clone(), operator: Operator::In, values: Arc::from([value.clone()]) };
        sorted.iter().map(equal).collect()
    }

    /// A number or text as written; empty when absent.
    fn written(&mut self, value: Option<&IntOrString>) -> Str {
        match value {
            None => self.shared(""),
            Some(v) if v.kind == 0 => self.shared(&v.number.to_string()),
            Some(v) => self.shared(&v.text),
        }
    }
}

/// A string of one object alone: names, uids. Not interned, so that the interner does not keep what is gone.
fn own(text: &str) -> Str {
    Str::from(clean(text))
}

/// Prose of one object, as text without control sequences.
fn prose(bytes: &[u8]) -> Box<str> {
    Box::from(clean(&prose_text(bytes)))
}

fn prose_text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Go writes "no time" as an empty message, which reads as the first second of 1970.
fn when(time: Option<Time>) -> Option<Seconds> {
    time.map(|t| t.seconds).filter(|s| *s != 0)
}

/// Whether a condition says what is wanted, so that its prose is not worth keeping.
fn is_wanted(kind: &str, status: Option<bool>) -> bool {
    let bad_when_true = kind.ends_with("Pressure")
        || kind.ends_with("Unavailable")
        || matches!(kind, "Failed" | "FailureTarget" | "ReplicaFailure" | "DisruptionTarget" | "ScalingLimited" | "Suspended");
    status == Some(!bad_when_true)
}

fn amount(amounts: &[Amount], key: &str) -> Option<String> {
    amounts.iter().find(|a| a.key == key).and_then(|a| a.value.as_ref()).map(|q| q.string.clone())
}

fn resources(amounts: &[Amount]) -> Resources {
    Resources {
        cpu_milli: amount(amounts, "cpu").and_then(|q| quantity::milli(&q)),
        memory: amount(amounts, "memory").and_then(|q| quantity::whole(&q)),
    }
}

fn count(n: i32) -> u32 {
    u32::try_from(n).unwrap_or(0)
}
