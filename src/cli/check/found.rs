//! What `timonel check --live` found on the target: one answer for each thing that a service file names.
//!
//! Owns the shape and its words. Must not ask anything.

use schemars::JsonSchema;
use serde::Serialize;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::cli) struct Found {
    /// Stable id: `workload.backend`, `secret.jwt`, `rule.E-T27.backend`.
    pub(super) id: String,
    /// The answer.
    pub(super) answer: Answer,
    /// What was seen, or why it could not be.
    pub(super) text: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
    /// Name of the rule, when a rule of good operation found it.
    pub(super) rule: Option<String>,
    /// When it was seen.
    pub(super) at: jiff::Timestamp,
}

/// What there is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Answer {
    /// It was seen to be so.
    Proven,
    /// It was seen not to be so.
    Failed,
    /// It could not be seen.
    Unknown,
}

/// Answers being collected, all of one moment.
pub(super) struct Findings {
    at: jiff::Timestamp,
    pub(super) all: Vec<Found>,
}

impl Findings {
    pub(super) fn new(at: jiff::Timestamp) -> Self {
        Self { at, all: Vec::new() }
    }

    /// When it is looked.
    pub(super) const fn at(&self) -> jiff::Timestamp {
        self.at
    }

    fn push(&mut self, id: String, answer: Answer, text: String) -> &mut Found {
        self.all.push(Found { id, answer, text, hint: None, rule: None, at: self.at });
        let last = self.all.len() - 1;
        &mut self.all[last]
    }

    pub(super) fn proven(&mut self, id: impl Into<String>, text: impl Into<String>) {
        self.push(id.into(), Answer::Proven, text.into());
    }

    pub(super) fn unknown(&mut self, id: impl Into<String>, text: impl Into<String>) {
        self.push(id.into(), Answer::Unknown, text.into());
    }

    pub(super) fn failed(&mut self, id: impl Into<String>, text: impl Into<String>, hint: Option<String>) {
        self.push(id.into(), Answer::Failed, text.into()).hint = hint;
    }

    /// What a rule finds on an object.
    pub(super) fn rule(&mut self, rule: &str, object: &str, text: impl Into<String>, hint: &str) {
        let found = self.push(format!("rule.{rule}.{object}"), Answer::Failed, text.into());
        (found.rule, found.hint) = (Some(rule.to_owned()), Some(hint.to_owned()));
    }
}
