//! The words of the engine: ids of steps, fields that may be written, names of actions.
//!
//! Owns the list of them, by which a plan that was recorded is read again. What is not in the list was not made by this version,
//! and is neither resumed nor written: an edited record cannot widen what a run may do.

use serde::{Deserialize as _, Deserializer};

use super::actions::ACTIONS;

/// A word that is part of the program.
pub(in crate::run) type Word = &'static str;

const STEPS: &[Word] = &[
    "lock",
    "hpa",
    "write",
    "undo-hpa",
    "undo-write",
    "prove-ready",
    "prove-endpoints",
    "prove-probes",
    "prove-ready-again",
    "prove-endpoints-again",
    "prove-rollout",
    "prove-again",
    "prove-paused",
    "write-1",
    "write-2",
    "undo-write-1",
    "undo-write-2",
    "prove-ready-1",
    "prove-ready-2",
    "prove-endpoints-1",
    "prove-endpoints-2",
    "prove-running",
    "prove-dumped",
    "prove-whole",
    "prove-ended",
    "prove-inspected",
    "prove-migrated",
    "prove-taken-back",
    "undo-again",
    "prove-up-again",
    "prove-suspended",
    "prove-resumed",
    "prove-gone",
    "prove-replacement",
    "prove-schedulable",
    "prove-scaling",
    "prove-kept",
    "prove-answers",
    "prove-measures",
    "prove-image",
    "prove-tail",
    "tell",
    "shell",
    "prove-finished",
    "wait",
    "confirm",
];

const FIELDS: &[Word] = &[
    "/spec/replicas",
    "/spec/minReplicas",
    "/spec/maxReplicas",
    "/spec/behavior/scaleUp/selectPolicy",
    "/spec/behavior/scaleDown/selectPolicy",
    "/spec/paused",
    "/spec/suspend",
    "/spec/unschedulable",
    "/spec/holderIdentity",
    "/metadata/annotations/timonel.io~1expires-at",
    "/spec/concurrencyPolicy",
    "/spec/jobTemplate",
    "/spec/volumeName",
    "/spec/activeDeadlineSeconds",
    "/spec",
    "/metadata/labels",
    "/metadata/labels/timonel.io~1run",
    "/metadata/annotations",
    "/metadata/ownerReferences",
    "/spec/selector",
    "/spec/template",
    "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
    "/data/spec/template",
    "/metadata/annotations/kubernetes.io~1change-cause",
    "/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
    "/metadata/labels/pod-template-hash",
    "/metadata/labels/controller-revision-hash",
    "/spec/template/spec/containers/0/image",
    "/spec/template/spec/containers/1/image",
    "/spec/template/spec/containers/2/image",
    "/spec/template/spec/containers/3/image",
    "/spec/template/spec/containers/4/image",
    "/spec/template/spec/containers/5/image",
    "/spec/template/spec/containers/6/image",
    "/spec/template/spec/containers/7/image",
    "/spec/containers/0/image",
    "/spec/containers/1/image",
    "/spec/containers/2/image",
    "/spec/containers/3/image",
    "/spec/containers/4/image",
    "/spec/containers/5/image",
    "/spec/containers/6/image",
    "/spec/containers/7/image",
];

/// Subresources, kinds of targets.
const OTHERS: &[Word] = &["", "scale", "kubernetes"];

/// The word of the program that reads like this.
pub(in crate::run) fn known(text: &str) -> Option<Word> {
    let actions = ACTIONS.iter().map(|a| a.name);
    [STEPS, FIELDS, OTHERS].into_iter().flatten().copied().chain(actions).find(|w| *w == text)
}

fn read<E: serde::de::Error>(text: &str) -> Result<Word, E> {
    known(text).ok_or_else(|| E::custom(format!("'{text}' is no word of this version")))
}

/// Reads a word.
pub(in crate::run) fn word<'de, D: Deserializer<'de>>(from: D) -> Result<Word, D::Error> {
    read(&String::deserialize(from)?)
}

/// Reads a word with what belongs to it.
pub(in crate::run) fn with_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<(Word, String)>, D::Error> {
    Option::<(String, String)>::deserialize(from)?.map(|(word, text)| Ok((read(&word)?, text))).transpose()
}
