//! Which template the pods of a rollout are of.
//!
//! Owns what tells it from others, on the object and on its pods. Whether a rollout is complete is judged elsewhere.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::run::word::{self, Word};

/// Which template a rollout is about: another one in its place is somebody else's doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Pin {
    /// A field of the object that tells the template from others: the template itself, or a mark in it.
    #[serde(deserialize_with = "word::word")]
    pub pointer: Word,
    /// Its value.
    pub value: Value,
    /// What each pod of that template bears: where in the pod, and the value. `None` = the counts alone must do.
    #[serde(deserialize_with = "word::with_text")]
    pub pod: Option<(Word, String)>,
    /// What each pod of the template that is left bears, where that is all that is known to tell them by.
    #[serde(default, deserialize_with = "word::with_text")]
    pub left: Option<(Word, String)>,
}
