//! The target as the steps before have left it, when each of them is proven.
//!
//! Owns the putting of planned fields over what is read. Sends nothing: a dry run goes to the server as it is, whose answer is about the
//! object as it is now.

use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::run::step::{FieldChange, Step, Work, put};
use crate::target::api::{Access, Allowed, Identity, Read, TargetError, WriteRequest};
use crate::target::model::{Kind, Object, ObjectRef, Scope};

const REPLICAS: &str = "/spec/replicas";
/// Where a workload says how many pods it has: all of them when a scale is proven.
const COUNTS: [&str; 4] = ["/status/replicas", "/status/readyReplicas", "/status/availableReplicas", "/status/updatedReplicas"];

/// A target with planned changes on top.
pub(super) struct Projected<'a> {
    read: &'a dyn Read,
    changes: Vec<(ObjectRef, Vec<FieldChange>)>,
}

impl<'a> Projected<'a> {
    pub(super) fn new(read: &'a dyn Read) -> Self {
        Self { read, changes: Vec::new() }
    }

    /// Takes in what these steps change of objects that stay.
    pub(super) fn add(&mut self, steps: &[Step]) {
        let writes = steps.iter().filter_map(|s| if let Work::Write(w) = &s.work { Some(w) } else { None });
        self.changes.extend(writes.filter(|w| w.patches()).map(|w| (w.object.clone(), w.changes.clone())));
    }

    fn over(&self, object: &ObjectRef, mut raw: Value) -> Value {
        for change in self.changes.iter().filter(|(o, _)| o == object).flat_map(|(_, changes)| changes) {
            put(&mut raw, change.pointer, change.after.clone());
            if change.pointer == REPLICAS {
                for count in COUNTS {
                    put(&mut raw, count, change.after.clone());
                }
            }
        }
        raw
    }
}

impl Read for Projected<'_> {
    fn get<'a>(&'a self, object: &'a ObjectRef, subresource: &'a str) -> BoxFuture<'a, Result<Value, TargetError>> {
        Box::pin(async move { Ok(self.over(object, self.read.get(object, subresource).await?)) })
    }

    fn list<'a>(&'a self, kind: Kind, scope: &'a Scope, labels: &'a str, fields: &'a str) -> BoxFuture<'a, Result<Vec<Value>, TargetError>> {
        self.read.list(kind, scope, labels, fields)
    }

    fn list_slim<'a>(&'a self, kind: Kind, scope: &'a Scope) -> BoxFuture<'a, Result<Vec<Object>, TargetError>> {
        self.read.list_slim(kind, scope)
    }

    fn raw<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, TargetError>> {
        self.read.raw(path)
    }

    fn log<'a>(&'a self, pod: &'a ObjectRef, container: &'a str) -> BoxFuture<'a, Result<String, TargetError>> {
        self.read.log(pod, container)
    }

    fn may<'a>(&'a self, access: &'a Access) -> BoxFuture<'a, Result<Allowed, TargetError>> {
        self.read.may(access)
    }

    fn identity(&self) -> BoxFuture<'_, Identity> {
        self.read.identity()
    }

    fn dry_run<'a>(&'a self, request: &'a WriteRequest) -> BoxFuture<'a, Result<Value, TargetError>> {
        self.read.dry_run(request)
    }
}
