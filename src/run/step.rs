//! What a plan is made of: steps, the fields they write, the proofs that make them done.
//!
//! Owns these shapes and the judgement of where a write stands. Knows no action: a scale, a restart, a suspension are all
//! lists of these. Must not send anything.

mod declared;
pub(in crate::run) mod difference;
mod exec;
mod id;
mod job;
pub(in crate::run) mod made;
mod pin;
mod policy;

pub(in crate::run) use declared::Declared;
pub use exec::HELD;
pub(in crate::run) use exec::{EVENT, Exec, Place};
pub use id::StepId;
pub use job::JobCommand;
pub(in crate::run) use pin::Pin;
pub use policy::{OnFail, Policy};

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::base::text::clean;
use crate::run::backup::Dump;
use crate::run::backup::verify::Again;
use crate::run::migrate::Asked;
use crate::run::word::{self, Word};
use crate::run::{lease, scrub};
use crate::target::api::{Change, WriteRequest};
use crate::target::model::{Kind, ObjectRef};

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Step {
    /// Stable within the action: `lock`, `write`, `prove-ready`; `2/write` where there are several objects. Enters the plan's hash.
    pub id: StepId,
    /// What it does, for people.
    pub title: String,
    /// The observed fact that makes it done.
    pub proof: String,
    /// What is done.
    #[serde(skip)]
    pub(in crate::run) work: Work,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::run) enum Work {
    /// Takes the plan's locks.
    Lock,
    /// Changes fields of one object, once.
    Write(FieldWrite),
    /// Waits until a fact can be observed.
    Prove(Proof),
    /// Waits for a person's word.
    Ask(Asking),
}

/// What a person is asked before the run goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Asking {
    /// What must be typed; `None` = an answer will do.
    pub text: Option<String>,
    /// Where nobody is there to be asked, the run goes on.
    #[serde(default)]
    pub alone: bool,
    /// Nobody is asked where this is a fact.
    #[serde(default)]
    pub unless: Option<Proof>,
}

/// A change of some fields of one object, with what must be there before; or one object made, or one pod evicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct FieldWrite {
    /// The object.
    pub object: ObjectRef,
    /// Its identity; a re-created object under the same name is another. Empty for one that is made.
    pub uid: String,
    /// `scale`, or empty for the object itself.
    #[serde(deserialize_with = "word::word")]
    pub subresource: Word,
    /// The fields.
    pub changes: Vec<FieldChange>,
    /// The form of the request.
    pub form: Form,
}

/// Which request carries a write. Each patch has identity and version in it, so that the server refuses a stale one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::run) enum Form {
    /// Merge patch: fields that are named are set, null takes one away.
    Merge,
    /// JSON Patch with `test` operations: whole subtrees are replaced, which a merge cannot do.
    Tested,
    /// Strategic merge patch with `$patch: replace` in each map that is written, as kubectl goes back with one.
    Strategic,
    /// POST of a new object that the fields make up. Its name is the run's own, so that a second one is refused, and the label
    /// [`RUN`] tells it from a stranger's.
    Create {
        /// Whose lock it takes.
        under: ObjectRef,
        /// Made once more it does no harm, where its answer was lost and it is not there.
        #[serde(default)]
        again: bool,
    },
    /// A command in a container of one of the workload's ready pods. It cannot be tried before, and nothing can be read afterwards that
    /// tells whether it ran.
    Exec(Exec),
    /// JSON Patch that gives a Job of this run no more time, so that its controller ends its pods. What a run made has no identity in its
    /// plan: the label [`RUN`] in a `test` stands for it.
    End {
        /// Whose lock it takes.
        under: ObjectRef,
        /// Value of the label.
        run: String,
    },
    /// POST of an Eviction, which disruption budgets may refuse. Rests on the pod's identity alone: its version moves by itself.
    Evict {
        /// Whose lock it takes: the pod's top owner.
        under: ObjectRef,
    },
}

/// The label that names the run on what it made (contract.md 8).
pub(in crate::run) const RUN: &str = "/metadata/labels/timonel.io~1run";

/// One field, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct FieldChange {
    /// JSON pointer into the object (RFC 6901): `/spec/replicas`.
    #[serde(deserialize_with = "word::word")]
    pub pointer: Word,
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
    /// As the plan found it, and the state of the object to write against.
    Before(Stamp),
    /// As the plan wants it.
    After(String),
    /// Something else, in words.
    Moved(String),
}

/// Which state of an object was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) struct Stamp {
    /// Its resourceVersion: moves with every change, of the status too.
    pub version: String,
    /// Its generation: moves with every change of what is wanted of it. Not every kind has one.
    pub generation: Option<i64>,
}

impl Stamp {
    /// Whether what is wanted of the object has been the same ever since `other` was seen: a write that rested on that state has
    /// not been carried out, and a write that rests on this one excludes it. An object that is not there has no state: it may have
    /// been made and be gone again.
    pub(in crate::run) fn same_since(&self, other: &Self) -> bool {
        (!self.version.is_empty() && self.version == other.version) || (self.generation.is_some() && self.generation == other.generation)
    }
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

const VERSION: &str = "/metadata/resourceVersion";

/// A JSON pointer as people read it.
pub(in crate::run) fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".").replace("~1", "/")
}

/// The same value, members that are null left aside: one server writes them and another does not.
pub(in crate::run) fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let null = Value::Null;
            a.iter().all(|(k, v)| alike(v, b.get(k).unwrap_or(&null))) && b.iter().all(|(k, v)| a.contains_key(k) || v.is_null())
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(x, y)| alike(x, y)),
        _ => one == other,
    }
}

impl FieldWrite {
    /// The request, with its precondition: a patch that carries uid and resourceVersion, so that the server answers 409 (or 422
    /// for a failed `test`) when either is off (contract.md 5).
    pub(in crate::run) fn request(&self, resource_version: &str) -> WriteRequest {
        let with_identity = |mut body: Value| {
            body["metadata"]["uid"] = self.uid.as_str().into();
            body["metadata"]["resourceVersion"] = resource_version.into();
            body
        };
        let change = match &self.form {
            Form::Merge => Change::MergePatch(with_identity(self.fields())),
            Form::Strategic => Change::StrategicPatch(with_identity(self.replacing())),
            Form::Tested | Form::End { .. } => Change::JsonPatch(self.operations(resource_version)),
            Form::Create { .. } => Change::Create(self.whole()),
            Form::Evict { .. } => Change::Create(self.eviction()),
            Form::Exec(exec) => Change::Exec(exec.command.clone()),
        };
        WriteRequest { object: self.object.clone(), subresource: self.access().2, change }
    }

    /// The right that it needs: verb, kind and subresource.
    pub(in crate::run) fn access(&self) -> (&'static str, Kind, &'static str) {
        match &self.form {
            Form::Create { .. } => ("create", self.object.kind, ""),
            Form::Evict { .. } => ("create", self.object.kind, "eviction"),
            Form::Exec(_) => ("create", Kind::Pod, "exec"),
            _ => ("patch", self.object.kind, self.subresource),
        }
    }

    /// The Lease that it is sent under.
    pub(in crate::run) fn lock(&self) -> ObjectRef {
        match &self.form {
            Form::Create { under, .. } | Form::Evict { under } | Form::End { under, .. } => lease::of(under),
            // The timer of an object goes under the object's own lock.
            _ if self.object.kind == Kind::Lease => lease::of_timed(&self.object),
            _ => lease::of(&self.object),
        }
    }

    /// Whether it changes an object that stays, and so rests on a version of it.
    pub(in crate::run) fn patches(&self) -> bool {
        !matches!(self.form, Form::Create { .. } | Form::Evict { .. } | Form::Exec(_))
    }

    /// The command that it is, where it is one.
    pub(in crate::run) fn exec(&self) -> Option<&Exec> {
        if let Form::Exec(exec) = &self.form { Some(exec) } else { None }
    }

    /// The same request to one pod of the workload.
    pub(in crate::run) fn to_pod(&self, pod: ObjectRef) -> WriteRequest {
        WriteRequest { object: pod, ..self.request("") }
    }

    fn whole(&self) -> Value {
        let mut body = self.fields();
        body["apiVersion"] = self.object.kind.api_version().into();
        body["kind"] = self.object.kind.word().into();
        body["metadata"]["name"] = (*self.object.name).into();
        body["metadata"]["namespace"] = (*self.object.namespace).into();
        body
    }

    fn eviction(&self) -> Value {
        json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": { "name": &*self.object.name, "namespace": &*self.object.namespace },
            "deleteOptions": { "preconditions": { "uid": self.uid } },
        })
    }

    fn operations(&self, resource_version: &str) -> Value {
        let (mark, identity) = match &self.form {
            Form::End { run, .. } => (RUN, run),
            _ => ("/metadata/uid", &self.uid),
        };
        let mut all =
            vec![json!({ "op": "test", "path": mark, "value": identity }), json!({ "op": "test", "path": VERSION, "value": resource_version })];
        all.extend(self.changes.iter().filter_map(|c| match (&c.before, &c.after) {
            (Value::Null, Value::Null) => None,
            (_, Value::Null) => Some(json!({ "op": "remove", "path": c.pointer })),
            // `add` sets a member whether it is there or not.
            (_, after) => Some(json!({ "op": "add", "path": c.pointer, "value": after })),
        }));
        Value::Array(all)
    }

    /// The fields with the mark that their maps replace what is there.
    fn replacing(&self) -> Value {
        let mut body = json!({});
        for change in &self.changes {
            let mut after = change.after.clone();
            if let Some(map) = after.as_object_mut() {
                map.insert("$patch".to_owned(), "replace".into());
            }
            put(&mut body, change.pointer, after);
        }
        body
    }

    /// The version that a change of this form rests on; `None` when it rests on none.
    pub(in crate::run) fn version_of(change: &Change) -> Option<&str> {
        match change {
            Change::MergePatch(body) | Change::StrategicPatch(body) => body.pointer(VERSION)?.as_str(),
            Change::JsonPatch(operations) => {
                let test = operations.as_array()?.iter().find(|o| o["op"] == "test" && o["path"] == VERSION)?;
                test["value"].as_str()
            }
            _ => None,
        }
    }

    /// Every field that differs, as it may be shown: whole maps are told member by member.
    pub(in crate::run) fn differences(&self) -> Vec<difference::Difference> {
        self.changes.iter().flat_map(|c| difference::between(c.pointer, &c.before, &c.after)).collect()
    }

    /// The merge patch without its precondition.
    pub(in crate::run) fn fields(&self) -> Value {
        let mut body = json!({});
        for change in &self.changes {
            put(&mut body, change.pointer, change.after.clone());
        }
        body
    }

    /// Where it stands when there is no such object; `None` when it should be there.
    pub(in crate::run) fn absent(&self) -> Option<Position> {
        match &self.form {
            Form::Create { .. } => Some(Position::Before(Stamp { version: String::new(), generation: None })),
            Form::Evict { .. } | Form::End { .. } => Some(Position::After(String::new())),
            _ => None,
        }
    }

    /// Where the object stands. `Err` = it is another object under the same name.
    pub(in crate::run) fn position(&self, object: &Value) -> Result<Position, String> {
        let uid = object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        let version = clean(object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default()).into_owned();
        match &self.form {
            Form::Create { .. } => {
                let mark = self.changes.iter().find(|c| c.pointer == RUN).map(|c| &c.after);
                let own = mark.is_some() && object.pointer(RUN) == mark;
                return if own { Ok(Position::After(version)) } else { Err(format!("{} is there already, and not of this run", self.object)) };
            }
            Form::Evict { .. } => {
                let leaves = uid != self.uid || object.pointer("/metadata/deletionTimestamp").is_some();
                // It rests on the pod's identity: whatever else moves about the pod is no reason to send or not to send it.
                let stamp = Stamp { version: self.uid.clone(), generation: None };
                return Ok(if leaves { Position::After(version) } else { Position::Before(stamp) });
            }
            Form::Exec(_) => return Ok(Position::Before(Stamp { version: String::new(), generation: None })),
            Form::End { run, .. } if object.pointer(RUN).and_then(Value::as_str) != Some(run) => {
                return Err(format!("{} is not of this run", self.object));
            }
            Form::End { .. } => {}
            _ if uid != self.uid => {
                return Err(format!("{} was deleted and made again: it is another object now (uid {})", self.object, clean(uid)));
            }
            _ => {}
        }
        if self.changes.iter().all(|c| alike(c.now(object), &c.after)) {
            return Ok(Position::After(version));
        }
        if self.changes.iter().all(|c| c.loose || c.now(object) == &c.before) {
            let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
            return Ok(Position::Before(Stamp { version, generation }));
        }
        let moved = self.changes.iter().filter(|c| c.now(object) != &c.before && c.now(object) != &c.after);
        let words: Vec<String> = moved
            .map(|c| format!("{} is {}, not {}", c.field(), shown(c.pointer, c.now(object)), shown(c.pointer, &c.before)))
            .collect();
        Ok(Position::Moved(format!("{}: {}", self.object, words.join(", "))))
    }

    /// The way back: the same fields the other way round; a Job that was made is ended.
    pub(in crate::run) fn reversed(&self) -> Self {
        if let Form::Exec(exec) = &self.form {
            return Self { form: Form::Exec(exec.reversed()), ..self.clone() };
        }
        if let Form::Create { under, .. } = &self.form {
            let run = self.changes.iter().find(|c| c.pointer == RUN).and_then(|c| c.after.as_str()).unwrap_or_default();
            let form = Form::End { under: under.clone(), run: run.to_owned() };
            // One that was given a time already is given less.
            let spec = self.changes.iter().find(|c| c.pointer == "/spec").map_or(&Value::Null, |c| &c.after);
            let before = spec.get("activeDeadlineSeconds").cloned().unwrap_or_default();
            return Self { changes: vec![FieldChange::new("/spec/activeDeadlineSeconds", before, 1)], form, ..self.clone() };
        }
        let changes = self
            .changes
            .iter()
            .map(|c| FieldChange { before: c.after.clone(), after: c.before.clone(), ..c.clone() })
            .collect();
        Self { changes, ..self.clone() }
    }

    /// `replicas 3 -> 5`.
    pub(in crate::run) fn words(&self) -> String {
        match &self.form {
            Form::Create { under, .. } => return format!("is made from {under}"),
            Form::Evict { .. } => return "is evicted".to_owned(),
            Form::Exec(exec) => return exec.place_words(),
            Form::End { .. } => return "is ended".to_owned(),
            _ => {}
        }
        let one = |c: &FieldChange| {
            let name = c.pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/");
            if c.after.is_object() && c.before.is_object() {
                let fields = difference::between(c.pointer, &c.before, &c.after).len();
                return format!(
                    "{name} of another revision, {fields} field{} differ{}",
                    if fields == 1 { "" } else { "s" },
                    if fields == 1 { "s" } else { "" }
                );
            }
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

/// Sets a value at a pointer, making the maps on the way.
pub(in crate::run) fn put(target: &mut Value, pointer: &str, value: Value) {
    let mut place = target;
    for segment in pointer.split('/').skip(1) {
        let key = segment.replace("~1", "/").replace("~0", "~");
        let known = place.as_array().and_then(|list| key.parse::<usize>().ok().filter(|at| *at < list.len()));
        if let Some(at) = known {
            place = &mut place[at];
            continue;
        }
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[key];
    }
    *place = value;
}

/// A fact that can be observed, and how long it may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Every pod is of the template that the object has now, which is the one that is meant: kubectl's rollout rules.
    Rollout {
        /// The template, and what its pods bear.
        pin: Pin,
        /// How many must be ready: all (`None`), or on the way back as many as were before.
        ready: Option<i64>,
    },
    /// A field of the object has this value, and its controller has seen it.
    Field {
        /// Where.
        #[serde(deserialize_with = "word::word")]
        pointer: Word,
        /// What; null = absent.
        value: Value,
        /// What absence means.
        absent: Value,
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
    /// The pod of that identity is gone.
    Gone,
    /// The Job of this run is there, and its pods run or are done.
    JobRuns {
        /// Value of its label [`RUN`].
        run: String,
    },
    /// The Job of this run is complete, and reports a dump that was read to its end.
    Dumped {
        /// Value of its label [`RUN`].
        run: String,
        /// What is dumped: the Job can be made of it again.
        dump: Box<Dump>,
        /// Where its server answers.
        host: String,
    },
    /// The Job of this run found a dump of the catalogue as it was, and read it to its end.
    ReadAgain {
        /// Value of its label [`RUN`].
        run: String,
        /// What is read: the Job can be made of it again.
        again: Box<Again>,
    },
    /// No pod of this run's Job runs any more.
    Ended {
        /// Value of its label [`RUN`].
        run: String,
    },
    /// The Job of this run says what image and database say of each other, and that what it was to apply is applied.
    Answered {
        /// Value of its label [`RUN`].
        run: String,
        /// What is asked: the Job can be made of it again.
        asked: Box<Asked>,
    },
    /// The Job of this run ran a command to its end.
    Finished {
        /// Value of its label [`RUN`].
        run: String,
        /// What it runs: the Job can be made of it again.
        command: Box<JobCommand>,
    },
    /// What the Job of this run found pending loses no data.
    Harmless {
        /// Value of its label [`RUN`].
        run: String,
        /// What was asked.
        asked: Box<Asked>,
    },
    /// The CronJob is suspended, and starts no more Jobs.
    Suspended,
    /// So much time went by since the step began.
    Elapsed {
        /// How much.
        time: Duration,
    },
    /// What a service file declares is as it is meant to be.
    Declared(Declared),
    /// These probes are green.
    Probes {
        /// Their ids.
        ids: Vec<String>,
    },
}

#[cfg(test)]
mod tests;
