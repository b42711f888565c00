//! What a plan is made of: steps, the fields they write, the proofs that make them done.
//!
//! Owns these shapes and the judgement of where a write stands. Knows no action: a scale, a restart, a suspension are all
//! lists of these. Must not send anything.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::base::text::clean;
use crate::run::scrub;
use crate::target::api::{Change, WriteRequest};
use crate::target::model::ObjectRef;

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Stable within the action: `lock`, `write`, `prove-ready`. Enters the plan's hash.
    pub id: &'static str,
    /// What it does, for people.
    pub title: String,
    /// The observed fact that makes it done.
    pub proof: String,
    /// What is done.
    #[serde(skip)]
    pub(in crate::run) work: Work,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) enum Work {
    /// Takes the plan's locks.
    Lock,
    /// Changes fields of one object, once.
    Write(FieldWrite),
    /// Waits until a fact can be observed.
    Prove(Proof),
}

/// A change of some fields of one object, with what must be there before.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) struct FieldWrite {
    /// The object.
    pub object: ObjectRef,
    /// Its identity; a re-created object under the same name is another.
    pub uid: String,
    /// `scale`, or empty for the object itself.
    pub subresource: &'static str,
    /// The fields.
    pub changes: Vec<FieldChange>,
}

/// One field, before and after.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) struct FieldChange {
    /// JSON pointer into the object (RFC 6901): `/spec/replicas`.
    pub pointer: &'static str,
    /// The value that the plan was made for; null = absent.
    pub before: Value,
    /// The value wanted; null = absent.
    pub after: Value,
    /// What the API means when the field is absent (`spec.replicas` of a Scale: 0); null = nothing.
    pub absent: Value,
    /// The value before may move, since an autoscaler owns it: the write does not rest on it.
    pub loose: bool,
}

/// Where a write stands, found out by reading.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) enum Position {
    /// As the plan found it; the resourceVersion to write against.
    Before(String),
    /// As the plan wants it.
    After(String),
    /// Something else, in words.
    Moved(String),
}

impl FieldChange {
    /// A change of a field that is always there.
    pub(in crate::run) fn new(pointer: &'static str, before: impl Into<Value>, after: impl Into<Value>) -> Self {
        Self { pointer, before: before.into(), after: after.into(), absent: Value::Null, loose: false }
    }

    /// The same, with the value that absence means.
    pub(in crate::run) fn absent(mut self, value: impl Into<Value>) -> Self {
        self.absent = value.into();
        self
    }

    /// The same, where the value before may move.
    pub(in crate::run) fn loose(mut self, loose: bool) -> Self {
        self.loose = loose;
        self
    }

    /// `spec.replicas`.
    pub(in crate::run) fn field(&self) -> String {
        dotted(self.pointer)
    }

    fn now<'a>(&'a self, object: &'a Value) -> &'a Value {
        object.pointer(self.pointer).unwrap_or(&self.absent)
    }
}

/// A JSON pointer as people read it.
pub(in crate::run) fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

impl FieldWrite {
    /// The request, with its precondition: a merge patch that carries uid and resourceVersion, so that the server answers 409
    /// when either is off (contract.md 5).
    pub(in crate::run) fn request(&self, resource_version: &str) -> WriteRequest {
        let mut body = self.fields();
        body["metadata"] = json!({ "uid": self.uid, "resourceVersion": resource_version });
        WriteRequest { object: self.object.clone(), subresource: self.subresource, change: Change::MergePatch(body) }
    }

    /// The merge patch without its precondition.
    pub(in crate::run) fn fields(&self) -> Value {
        let mut body = json!({});
        for change in &self.changes {
            put(&mut body, change.pointer, change.after.clone());
        }
        body
    }

    /// Where the object stands. `Err` = it is another object under the same name.
    pub(in crate::run) fn position(&self, object: &Value) -> Result<Position, String> {
        let uid = object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        if uid != self.uid {
            return Err(format!("{} was deleted and made again: it is another object now (uid {})", self.object, clean(uid)));
        }
        let version = clean(object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default()).into_owned();
        if self.changes.iter().all(|c| c.now(object) == &c.after) {
            return Ok(Position::After(version));
        }
        if self.changes.iter().all(|c| c.loose || c.now(object) == &c.before) {
            return Ok(Position::Before(version));
        }
        let moved = self.changes.iter().filter(|c| c.now(object) != &c.before && c.now(object) != &c.after);
        let words: Vec<String> = moved
            .map(|c| format!("{} is {}, not {}", c.field(), shown(c.pointer, c.now(object)), shown(c.pointer, &c.before)))
            .collect();
        Ok(Position::Moved(format!("{}: {}", self.object, words.join(", "))))
    }

    /// The way back: the same fields the other way round.
    pub(in crate::run) fn reversed(&self) -> Self {
        let changes = self
            .changes
            .iter()
            .map(|c| FieldChange { before: c.after.clone(), after: c.before.clone(), ..c.clone() })
            .collect();
        Self { changes, ..self.clone() }
    }

    /// `replicas 3 -> 5`.
    pub(in crate::run) fn words(&self) -> String {
        let one = |c: &FieldChange| {
            let name = c.pointer.rsplit('/').next().unwrap_or_default();
            format!("{name} {} -> {}", shown(c.pointer, &c.before), shown(c.pointer, &c.after))
        };
        self.changes.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// A value as it may be shown and stored: hidden unless its field is plainly no secret (contract.md 5).
pub(in crate::run) fn shown(pointer: &str, value: &Value) -> String {
    match scrub::field(pointer, value) {
        Value::Null => "absent".to_owned(),
        Value::String(text) => clean(&text).into_owned(),
        other => other.to_string(),
    }
}

fn put(target: &mut Value, pointer: &str, value: Value) {
    let mut place = target;
    for segment in pointer.split('/').skip(1) {
        let key = segment.replace("~1", "/").replace("~0", "~");
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[key];
    }
    *place = value;
}

/// A fact that can be observed, and how long it may take.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) struct Proof {
    /// Which fact.
    pub fact: Fact,
    /// The object it is about.
    pub object: ObjectRef,
    /// Its identity.
    pub uid: String,
    /// How long to wait for it.
    pub within: Duration,
}

/// The facts that can be proven.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) enum Fact {
    /// So many pods are there, ready and available.
    Replicas {
        /// How many are wanted.
        count: i64,
        /// How many of them must be ready: all, or on the way back as many as were before.
        ready: i64,
        /// An autoscaler may go on from there: more is as good.
        at_least: bool,
        /// kubectl's rollout rules hold as well: all of them from the newest template. Off where a rollout was paused or under
        /// way before.
        rollout: bool,
    },
    /// So many pods of the object are ready endpoints of each of these Services.
    Endpoints {
        /// Names of the Services.
        services: Vec<String>,
        /// How many.
        count: i64,
        /// More is as good.
        at_least: bool,
        /// The object's pods.
        selector: String,
    },
    /// These probes are green.
    Probes {
        /// Their ids.
        ids: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FieldChange, FieldWrite, Position};
    use crate::target::api::Change;
    use crate::target::model::{Kind, ObjectRef};

    fn write() -> FieldWrite {
        FieldWrite {
            object: ObjectRef::new(Kind::Deployment, "shop", "api"),
            uid: "u1".into(),
            subresource: "scale",
            changes: vec![FieldChange::new("/spec/replicas", 3, 0).absent(0)],
        }
    }

    fn scale(uid: &str, replicas: Option<i64>) -> serde_json::Value {
        json!({ "metadata": { "uid": uid, "resourceVersion": "7" }, "spec": replicas.map_or(json!({}), |n| json!({ "replicas": n })) })
    }

    #[test]
    fn a_write_carries_identity_and_version_and_nothing_but_its_fields() {
        let Change::MergePatch(body) = write().request("88213").change else { unreachable!("a merge patch") };
        assert_eq!(body, json!({ "metadata": { "uid": "u1", "resourceVersion": "88213" }, "spec": { "replicas": 0 } }));
    }

    #[test]
    fn reading_tells_where_a_write_stands() {
        let write = write();
        assert_eq!(write.position(&scale("u1", Some(3))), Ok(Position::Before("7".into())));
        assert_eq!(write.position(&scale("u1", None)), Ok(Position::After("7".into())), "an absent count of a Scale is zero");
        assert_eq!(write.position(&scale("u1", Some(7))), Ok(Position::Moved("Deployment shop/api: spec.replicas is 7, not 3".into())));
        assert!(write.position(&scale("u2", Some(3))).is_err(), "another object under the same name");
        assert_eq!(write.reversed().position(&scale("u1", None)), Ok(Position::Before("7".into())));
        assert_eq!(write.reversed().words(), "replicas 0 -> 3");
    }
}
