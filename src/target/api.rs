//! Asking a target for one thing at a time, and the one way to change it.
//!
//! Owns the traits that drivers implement for `run`, `cli` and tests, the errors they answer with, and the permit without
//! which nothing is written. Must not know what a plan is.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::{Kind, Object, ObjectRef, Scope};

/// Why a request got no useful answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TargetError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// One sentence for people, stripped of control sequences.
    pub message: String,
    /// HTTP status, when the server answered.
    pub status: Option<u16>,
    /// Seconds the server asked to wait (`Retry-After`).
    pub retry_after: Option<u64>,
    /// Whether the request may have been carried out although no answer came.
    pub delivery: Delivery,
}

/// What kind of failure a request met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// No connection: refused, unroutable, name not resolved.
    Unreachable,
    /// The deadline passed.
    Timeout,
    /// 401, or a credential plugin that failed.
    Unauthorised,
    /// 403: the rules do not allow it.
    Forbidden,
    /// 404.
    NotFound,
    /// 409: a precondition did not hold. Also 422 of a failed JSON Patch `test` (contract.md 5).
    Conflict,
    /// 410: the resource version is too old.
    Gone,
    /// 400, 422: the server refuses the content.
    Invalid,
    /// 403 or other refusal that names an admission webhook or policy.
    Denied,
    /// 429.
    TooManyRequests,
    /// TLS handshake or certificate.
    Tls,
    /// 5xx.
    Server,
    /// An answer that is none: not the API, cut off, malformed.
    Garbage,
    /// This client was built without the ability to do that.
    ReadOnly,
}

/// Whether a request reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// It never left, or the server said no: nothing was changed.
    NotDone,
    /// It left, and no answer came: it may have been carried out.
    MayBeDone,
}

impl TargetError {
    /// An error without a status, of a request that was not carried out.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), status: None, retry_after: None, delivery: Delivery::NotDone }
    }
}

/// One verb on one resource, as access reviews ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Access {
    /// `get`, `list`, `watch`, `patch`, `create`, ...
    pub verb: &'static str,
    /// The kind.
    pub kind: Kind,
    /// `scale`, `log`, `eviction`; empty for the object itself.
    pub subresource: &'static str,
    /// Namespace; `None` = all, or a kind without namespaces.
    pub namespace: Option<String>,
    /// One object's name; `None` = any.
    pub name: Option<String>,
}

impl Access {
    /// The API group that is asked for: Events are read from the core group and written as events.k8s.io.
    pub fn group(&self) -> &'static str {
        if self.kind == Kind::Event && self.verb == "create" { "events.k8s.io" } else { self.kind.group() }
    }
}

/// The answer to an access review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Whether it is.
    pub allowed: bool,
    /// Why, as far as the server says.
    pub reason: String,
}

/// One change to one object. Data only: a driver turns it into one request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WriteRequest {
    /// What is changed.
    #[serde(serialize_with = "reference")]
    pub object: ObjectRef,
    /// `scale`, `eviction`, `status`; empty for the object itself.
    pub subresource: &'static str,
    /// How.
    pub change: Change,
}

fn reference<S: serde::Serializer>(object: &ObjectRef, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(object)
}

/// How an object is changed. The precondition is part of the body (contract.md 5).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// POST of a whole object.
    Create(Value),
    /// PUT of a whole object; carries `metadata.resourceVersion`.
    Replace(Value),
    /// PATCH `application/merge-patch+json`; carries `metadata.uid` and `metadata.resourceVersion`.
    MergePatch(Value),
    /// PATCH `application/strategic-merge-patch+json`; carries the same.
    StrategicPatch(Value),
    /// PATCH `application/json-patch+json` with `test` operations.
    JsonPatch(Value),
    /// DELETE with `DeleteOptions` (preconditions inside).
    Delete(Value),
    /// A command in a container of a pod, to its end. No server can try it, and none tells afterwards whether it ran. The answer has
    /// `exit_code`, and the end of its `output` and `errors`.
    Exec(Command),
}

/// A command in a container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Name of the container.
    pub container: String,
    /// Program and arguments, as they are handed over: no shell reads them.
    pub argv: Vec<String>,
}

/// The right to send one write. Made only by the write gate in `run`, from a confirmed plan; `tests/architecture.rs` holds
/// that no other room names `WritePermit::grant`.
#[derive(Debug)]
pub struct WritePermit {
    request: WriteRequest,
    run: String,
}

impl WritePermit {
    /// Grants one write to the run `run`. For `run::gate` alone.
    pub(crate) fn grant(request: WriteRequest, run: String) -> Self {
        Self { request, run }
    }

    /// What may be sent.
    pub fn request(&self) -> &WriteRequest {
        &self.request
    }

    /// The run it belongs to.
    pub fn run(&self) -> &str {
        &self.run
    }
}

/// What the server knows about itself and about us.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// `v1.36.3`; empty when it could not be read.
    pub server_version: String,
    /// UID of the namespace kube-system (contract.md 11), or why it is unknown.
    pub cluster_uid: Option<String>,
    /// Why the cluster UID is unknown.
    pub cluster_uid_reason: Option<String>,
    /// Who we are to the server (SelfSubjectReview, else the kubeconfig's user name).
    pub user: String,
    /// Server time minus ours in seconds, from the Date header; `None` when there was none.
    pub clock_skew: Option<i64>,
}

/// Reading a target, one request at a time. Every call has a deadline of its own.
pub trait Read: Send + Sync {
    /// The whole object as the server has it.
    fn get<'a>(&'a self, object: &'a ObjectRef, subresource: &'a str) -> BoxFuture<'a, Result<Value, TargetError>>;

    /// Whole objects of a kind, narrowed by a label selector (may be empty) and a field selector (may be empty).
    fn list<'a>(&'a self, kind: Kind, scope: &'a Scope, labels: &'a str, fields: &'a str) -> BoxFuture<'a, Result<Vec<Value>, TargetError>>;

    /// Slim objects of a kind: the cheapest form the server has.
    fn list_slim<'a>(&'a self, kind: Kind, scope: &'a Scope) -> BoxFuture<'a, Result<Vec<Object>, TargetError>>;

    /// A path of the API outside the known kinds, as JSON: `/version`, `/apis/metrics.k8s.io/v1beta1/...`.
    fn raw<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, TargetError>>;

    /// The last lines that a container of a pod printed, at most 1 MiB: what a Job of ours has to say. Not cleaned.
    fn log<'a>(&'a self, pod: &'a ObjectRef, container: &'a str) -> BoxFuture<'a, Result<String, TargetError>>;

    /// Whether we may do something (SelfSubjectAccessReview).
    fn may<'a>(&'a self, access: &'a Access) -> BoxFuture<'a, Result<Allowed, TargetError>>;

    /// Who and what the server is.
    fn identity(&self) -> BoxFuture<'_, Identity>;

    /// What the server would do with a write (`dryRun=All`). Changes nothing.
    fn dry_run<'a>(&'a self, request: &'a WriteRequest) -> BoxFuture<'a, Result<Value, TargetError>>;
}

/// Changing a target. A read-only driver refuses every call with [`ErrorKind::ReadOnly`], at the HTTP client.
pub trait Write: Send + Sync {
    /// Sends one write, once: no retry, no redirect.
    fn write(&self, permit: WritePermit) -> BoxFuture<'_, Result<Value, TargetError>>;
}
