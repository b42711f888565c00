//! Errors as the API server answers them: metav1.Status.
//!
//! Owns codes, reasons and the server's own sentences. Must not decide when something is wrong.

use serde_json::{Value, json};

use super::kinds::Resource;

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    /// HTTP status.
    pub(crate) code: u16,
    /// Machine-readable reason; empty where the server gives none.
    pub(crate) reason: &'static str,
    /// The server's sentence.
    pub(crate) message: String,
    /// `details` of the Status; null = none.
    pub(crate) details: Value,
}

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// `FieldValueInvalid`, `FieldValueRequired`, ...
    pub(crate) reason: &'static str,
    /// `spec.replicas`.
    pub(crate) field: String,
    /// `Invalid value: -1: must be greater than or equal to 0`.
    pub(crate) message: String,
}

impl Cause {
    /// A value that is not allowed; `shown` is the value as the server prints it.
    pub(crate) fn invalid(field: impl Into<String>, shown: impl std::fmt::Display, why: &str) -> Self {
        Self { reason: "FieldValueInvalid", field: field.into(), message: format!("Invalid value: {shown}: {why}") }
    }

    /// A value that is missing.
    pub(crate) fn required(field: impl Into<String>, why: &str) -> Self {
        let message = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Self { reason: "FieldValueRequired", field: field.into(), message }
    }

    /// A change that is not allowed.
    pub(crate) fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self { reason: "FieldValueForbidden", field: field.into(), message: format!("Forbidden: {why}") }
    }

    /// A value outside an enumeration.
    pub(crate) fn unsupported(field: impl Into<String>, value: &str, allowed: &[&str]) -> Self {
        let allowed: Vec<String> = allowed.iter().map(|a| format!("\"{a}\"")).collect();
        let message = format!("Unsupported value: \"{value}\": supported values: {}", allowed.join(", "));
        Self { reason: "FieldValueNotSupported", field: field.into(), message }
    }
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// 400.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 401.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 403; `why` follows the resource and the name.
    pub(crate) fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let subject = if name.is_empty() { format!("{} is", resource.qualified()) } else { format!("{} \"{name}\" is", resource.qualified()) };
        Self::new(403, "Forbidden", format!("{subject} forbidden: {why}")).with(details(resource, name, resource.plural))
    }

    /// With the cause by which clients know a namespace that is going.
    pub(crate) fn terminating(mut self, namespace: &str) -> Self {
        let message = format!("namespace {namespace} is being terminated");
        self.details["causes"] = json!([{"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}]);
        self
    }

    /// 403 outside the resources.
    pub(crate) fn forbidden_path(user: &str, verb: &str, path: &str) -> Self {
        Self::new(403, "Forbidden", format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\"")).with(json!({}))
    }

    /// 404 of an object.
    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", resource.qualified())).with(details(resource, name, resource.plural))
    }

    /// 404 of a path inside a known group.
    pub(crate) fn no_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with(json!({}))
    }

    /// 405.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource").with(json!({}))
    }

    /// 406.
    pub(crate) fn not_acceptable() -> Self {
        let accepted = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
        Self::new(406, "NotAcceptable", format!("only the following media types are accepted: {accepted}"))
    }

    /// 406 of a resource.
    pub(crate) fn no_representation() -> Self {
        let available = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
        Self::new(406, "NotAcceptable", format!("406: Not Acceptable\n\nAvailable representations: {available}")).with(json!({}))
    }

    /// 409 of a create.
    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", resource.qualified())).with(details(resource, name, resource.plural))
    }

    /// 409 of a precondition.
    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::new(409, "Conflict", message).with(details(resource, name, resource.plural))
    }

    /// 409 of a resourceVersion that has moved.
    pub(crate) fn modified(resource: &Resource, name: &str) -> Self {
        Self::conflict(resource, name, "the object has been modified; please apply your changes to the latest version and try again")
    }

    /// 410.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 415.
    pub(crate) fn unsupported_media(accepted: &str) -> Self {
        let message = format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 415 of a patch.
    pub(crate) fn unknown_patch() -> Self {
        Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type").with(json!({}))
    }

    /// 422 of wrong fields.
    pub(crate) fn invalid(resource: &Resource, name: &str, causes: &[Cause]) -> Self {
        let (list, causes) = shown(causes);
        let kind = if resource.group.is_empty() { resource.kind.to_owned() } else { format!("{}.{}", resource.kind, resource.group) };
        let mut details = details(resource, name, resource.kind);
        details["causes"] = causes;
        Self::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {list}")).with(details)
    }

    /// 422 of wrong fields of a kind that is no resource of its own.
    pub(crate) fn invalid_kind(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let (list, causes) = shown(causes);
        let details = json!({"name": name, "group": group, "kind": kind, "causes": causes});
        Self::new(422, "Invalid", format!("{kind}.{group} \"{name}\" is invalid: {list}")).with(details)
    }

    /// 422 of the parameters of a log.
    pub(crate) fn invalid_log_options(pod: &str, causes: &[Cause]) -> Self {
        let (list, causes) = shown(causes);
        let details = json!({"name": pod, "kind": "PodLogOptions", "causes": causes});
        Self::new(422, "Invalid", format!("PodLogOptions \"{pod}\" is invalid: {list}")).with(details)
    }

    /// 413 of a JSON Patch that is too long.
    pub(crate) fn too_many_operations(count: usize) -> Self {
        let why = format!("The allowed maximum operations in a JSON patch is 10000, got {count}");
        Self::new(413, "RequestEntityTooLarge", format!("Request entity too large: {why}"))
    }

    /// 422 of a JSON Patch whose `test` failed or whose path is missing: no details.
    pub(crate) fn patch_failed() -> Self {
        Self::new(422, "Invalid", "the server rejected our request due to an error in our request").with(json!({}))
    }

    /// 429.
    pub(crate) fn too_many(message: impl Into<String>, causes: Value) -> Self {
        Self::new(429, "TooManyRequests", message).with(causes)
    }

    /// 413.
    pub(crate) fn too_large() -> Self {
        Self::new(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728").with(json!({}))
    }

    /// 503.
    pub(crate) fn unavailable(message: &str) -> Self {
        Self::new(503, "ServiceUnavailable", message)
    }

    /// 504 of a revision that has not been reached.
    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        let causes = json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1});
        Self::new(504, "Timeout", message).with(causes)
    }

    /// 400 of a parameter that should be a number.
    pub(crate) fn no_number(value: &str) -> Self {
        Self::bad_request(format!("strconv.ParseInt: parsing \"{value}\": invalid syntax"))
    }

    /// 422 of a review: the server names no object in it.
    pub(crate) fn invalid_review(group: &str, cause: &Cause) -> Self {
        let (list, causes) = shown(std::slice::from_ref(cause));
        Self::new(422, "Invalid", format!(".{group} \"\" is invalid: {list}")).with(json!({"group": group, "causes": causes}))
    }

    /// 500 of an error that the server did not foresee as one of the client's.
    pub(crate) fn unforeseen(message: &str) -> Self {
        Self::new(500, "", message)
    }

    /// 500.
    pub(crate) fn internal(message: &str) -> Self {
        let details = json!({"causes": [{"message": message}]});
        Self::new(500, "InternalError", format!("Internal error occurred: {message}")).with(details)
    }

    /// 501: what the simulator does not do.
    pub(crate) fn not_simulated(what: &str) -> Self {
        Self::new(501, "NotImplemented", format!("{what} is not part of the simulation"))
    }

    /// The body.
    pub(crate) fn status(&self) -> Value {
        let mut status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message});
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status["code"] = json!(self.code);
        status
    }
}

/// Causes as the sentence and as the details of a Status have them.
fn shown(causes: &[Cause]) -> (String, Value) {
    let lines: Vec<String> = causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
    let list = if lines.len() == 1 { lines.concat() } else { format!("[{}]", lines.join(", ")) };
    (list, causes.iter().map(|c| json!({"reason": c.reason, "message": c.message, "field": c.field})).collect())
}

fn details(resource: &Resource, name: &str, kind: &str) -> Value {
    let mut details = json!({});
    if !name.is_empty() {
        details["name"] = json!(name);
    }
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    details["kind"] = json!(kind);
    details
}

/// The options of a request, as errors about them name them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options(&'static str);

impl Options {
    /// The options of a verb.
    pub(crate) fn of(verb: &str) -> Self {
        Self(match verb {
            "create" => "CreateOptions",
            "update" => "UpdateOptions",
            "patch" => "PatchOptions",
            "delete" | "deletecollection" => "DeleteOptions",
            _ => "ListOptions",
        })
    }

    /// 422 about these options.
    pub(crate) fn invalid(self, causes: &[Cause]) -> Failure {
        let (list, causes) = shown(causes);
        let message = format!("{}.meta.k8s.io \"\" is invalid: {list}", self.0);
        Failure::new(422, "Invalid", message).with(json!({"group": "meta.k8s.io", "kind": self.0, "causes": causes}))
    }
}
