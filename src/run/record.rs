//! A plan as the journal keeps it: enough to go on with its run, and no secret.
//!
//! Owns the form of the record and the way back to a plan. Values that may be secret (templates) are kept as a digest alone; whoever
//! resumes the run finds them in the cluster again. What is not found stays hidden, and hidden values are never written.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::plan::{Draft, Plan};
use super::scrub;
use super::step::{FieldWrite, Step, StepId, Work};
use crate::base::id::hex;

/// Stands in the place of a value that is not kept.
const HIDDEN: &str = "hidden";
/// Where a value stands beside the pointer of its field.
const VALUES: [&str; 3] = ["before", "after", "value"];

/// A step with what it does.
#[derive(Serialize, Deserialize)]
struct Recorded {
    id: StepId,
    title: String,
    proof: String,
    work: Work,
}

impl From<&Step> for Recorded {
    fn from(step: &Step) -> Self {
        Self { id: step.id, title: step.title.clone(), proof: step.proof.clone(), work: step.work.clone() }
    }
}

impl From<Recorded> for Step {
    fn from(step: Recorded) -> Self {
        Self { id: step.id, title: step.title, proof: step.proof, work: step.work }
    }
}

/// One step in a record.
pub(in crate::run) mod step {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Recorded, Step};

    pub(in crate::run) fn serialize<S: Serializer>(step: &Step, to: S) -> Result<S::Ok, S::Error> {
        Recorded::from(step).serialize(to)
    }

    pub(in crate::run) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Step, D::Error> {
        Recorded::deserialize(from).map(Step::from)
    }
}

/// Steps in a record.
pub(in crate::run) mod steps {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Recorded, Step};

    pub(in crate::run) fn serialize<S: Serializer>(steps: &[Step], to: S) -> Result<S::Ok, S::Error> {
        steps.iter().map(Recorded::from).collect::<Vec<_>>().serialize(to)
    }

    pub(in crate::run) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Step>, D::Error> {
        Ok(Vec::<Recorded>::deserialize(from)?.into_iter().map(Step::from).collect())
    }
}

/// What the journal keeps of a plan.
pub(in crate::run) fn of(plan: &Plan) -> Value {
    let mut record = serde_json::to_value(plan.draft()).unwrap_or_default();
    walk(&mut record, &mut |pointer, value| {
        if scrub::field(pointer, value) != *value {
            *value = json!({ HIDDEN: digest(value) });
        }
    });
    json!({ "digest": digest(&record), "draft": record })
}

/// Why a record is not enough to go on with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// An older version wrote it.
    #[error("the journal does not say enough of it: an older version wrote it")]
    Missing,
    /// Something in it looked like a secret and was not written to the disk, or it was edited.
    #[error("the journal does not have its plan as it was: part of it looked like a secret and was not kept, or it was edited")]
    Changed,
    /// Another version made it.
    #[error("its plan was made by another version: {0}")]
    Foreign(String),
}

/// A record that was read.
pub(in crate::run) struct Kept {
    draft: Value,
}

impl Kept {
    /// Reads what `of` made.
    pub(in crate::run) fn read(record: &Value) -> Result<Self, RecordError> {
        let draft = record.get("draft").ok_or(RecordError::Missing)?.clone();
        if record.get("digest").and_then(Value::as_str) != Some(&digest(&draft)) {
            return Err(RecordError::Changed);
        }
        Ok(Self { draft })
    }

    /// The fields whose values it names.
    pub(in crate::run) fn pointers(&self) -> Vec<String> {
        let mut pointers = Vec::new();
        walk(&mut self.draft.clone(), &mut |pointer, _| pointers.push(pointer.to_owned()));
        pointers.sort_unstable();
        pointers.dedup();
        pointers
    }

    /// The plan, with what is hidden found among `candidates`. Ways back that are not found are left out of it.
    pub(in crate::run) fn plan(&self, candidates: impl IntoIterator<Item = Value>) -> Result<Plan, RecordError> {
        let known: HashMap<String, Value> = candidates.into_iter().map(|value| (digest(&value), value)).collect();
        let mut draft = self.draft.clone();
        walk(&mut draft, &mut |_, value| {
            if let Some(found) = value.get(HIDDEN).and_then(Value::as_str).and_then(|digest| known.get(digest)) {
                *value = found.clone();
            }
        });
        let mut draft: Draft = serde_json::from_value(draft).map_err(|error| RecordError::Foreign(error.to_string()))?;
        let lost = draft.inner.undo_steps.iter().any(|u| matches!(&u.step.work, Work::Write(write) if !whole(write)));
        if lost {
            draft.inner.undo_steps.clear();
        }
        Ok(Plan::of(draft))
    }
}

/// Whether every value of a write is at hand.
pub(in crate::run) fn whole(write: &FieldWrite) -> bool {
    !write.changes.iter().any(|c| is_hidden(&c.before) || is_hidden(&c.after))
}

fn is_hidden(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.len() == 1 && map.get(HIDDEN).is_some_and(Value::is_string))
}

/// Every value that stands beside the pointer of its field.
fn walk(record: &mut Value, visit: &mut impl FnMut(&str, &mut Value)) {
    match record {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, visit)),
        Value::Object(map) => {
            let pointer = map.get("pointer").and_then(Value::as_str).map(str::to_owned);
            for (key, value) in map.iter_mut() {
                match &pointer {
                    Some(pointer) if VALUES.contains(&key.as_str()) => visit(pointer, value),
                    _ => walk(value, visit),
                }
            }
        }
        _ => {}
    }
}

/// SHA-256 over the canonical form, members that are null left aside: they make no difference.
pub(in crate::run) fn digest(value: &Value) -> String {
    let value = without_nulls(value);
    let canonical = serde_json_canonicalizer::to_vec(&value).unwrap_or_else(|_| value.to_string().into_bytes());
    format!("sha256:{}", hex(&Sha256::digest(canonical)))
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept: Map<String, Value> = map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), without_nulls(v))).collect();
            Value::Object(kept)
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
pub(in crate::run) mod tests;
