//! One write, sent once, or tried on the server without effect.
//!
//! Owns how a [`Change`] becomes a request: method, content type, parameters. Nothing here decides whether to write: a
//! [`WritePermit`] does, which only the write gate grants. No retry, no redirect.

use futures_util::future::{BoxFuture, FutureExt as _};
use http::{Method, Request, header};
use serde_json::Value;

use super::client::{Client, REQUEST};
use super::paths;
use crate::target::api::{Change, Delivery, ErrorKind, TargetError, Write, WritePermit, WriteRequest};
use crate::target::model::Scope;

/// Who the server says owns the fields that we write (contract.md 8).
const FIELD_MANAGER: &str = "timonel";

/// The server gives up before we do, so that an answer is nearly always heard.
const SERVER_TIMEOUT: &str = "25s";

impl Write for Client {
    fn write(&self, permit: WritePermit) -> BoxFuture<'_, Result<Value, TargetError>> {
        async move {
            tracing::info!(run = permit.run(), object = %permit.request().object, subresource = permit.request().subresource, "write");
            match &permit.request().change {
                Change::Exec(command) => self.exec(&permit.request().object, command).await,
                _ => self.change(permit.request(), false).await,
            }
        }
        .boxed()
    }
}

impl Client {
    /// Sends one change, for real or as a dry run.
    pub(super) async fn change(&self, request: &WriteRequest, dry: bool) -> Result<Value, TargetError> {
        let answer = self.fetch(to_http(request, dry)?, REQUEST).await;
        let (_, body) = answer.map_err(|error| read_conflict(error, &request.change))?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        // The server said yes; only its words are lost.
        let delivery = if dry { Delivery::NotDone } else { Delivery::MayBeDone };
        serde_json::from_slice(&body).map_err(|why| TargetError { delivery, ..self.garbled(&why) })
    }
}

/// A failed `test` of a JSON Patch answers 422 without saying which (contract.md 5): somebody else was first.
fn read_conflict(error: TargetError, change: &Change) -> TargetError {
    let unnamed = error.message.starts_with("the server rejected our request due to an error in our request");
    if matches!(change, Change::JsonPatch(_)) && error.status == Some(422) && unnamed {
        let message = "the object is not what the plan saw any more (a test of the patch failed)".to_owned();
        return TargetError { kind: ErrorKind::Conflict, message, ..error };
    }
    error
}

/// The request for a change.
fn to_http(request: &WriteRequest, dry: bool) -> Result<Request<Vec<u8>>, TargetError> {
    let object = &request.object;
    let at_object = paths::object(object, request.subresource);
    let (method, path, content_type, body) = match &request.change {
        Change::Create(value) if request.subresource.is_empty() => {
            let scope = if object.namespace.is_empty() { Scope::Cluster } else { Scope::Namespace(object.namespace.clone()) };
            (Method::POST, paths::creation(object.kind, &scope, value), "application/json", value)
        }
        Change::Create(value) => (Method::POST, at_object, "application/json", value),
        Change::Replace(value) => (Method::PUT, at_object, "application/json", value),
        Change::MergePatch(value) => (Method::PATCH, at_object, "application/merge-patch+json", value),
        Change::StrategicPatch(value) => (Method::PATCH, at_object, "application/strategic-merge-patch+json", value),
        Change::JsonPatch(value) => (Method::PATCH, at_object, "application/json-patch+json", value),
        Change::Delete(value) => (Method::DELETE, at_object, "application/json", value),
        Change::Exec(_) => return Err(TargetError::new(ErrorKind::Invalid, "no server can try a command")),
    };
    let mut query = vec![("timeout", SERVER_TIMEOUT.to_owned())];
    if method != Method::DELETE {
        query.extend([("fieldManager", FIELD_MANAGER.to_owned()), ("fieldValidation", "Strict".to_owned())]);
    }
    let mut body = body.to_string().into_bytes();
    if dry {
        query.push(("dryRun", "All".to_owned()));
        if let Change::Delete(options) = &request.change {
            // A DELETE with a body ignores its query, `dryRun` included: it would really delete.
            body.clear();
            query.extend(delete_query(options));
        }
    }
    let query: Vec<(&str, &str)> = query.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let built = Request::builder()
        .method(method)
        .uri(paths::with_query(&path, &query))
        .header(header::CONTENT_TYPE, content_type)
        .header(header::ACCEPT, "application/json")
        .body(body);
    built.map_err(|why| TargetError::new(ErrorKind::Invalid, format!("no request can be made of this change: {why}")))
}

/// Those of `DeleteOptions` that a query can carry; preconditions cannot, so a dry run does not try them.
fn delete_query(options: &Value) -> Vec<(&'static str, String)> {
    let number = options["gracePeriodSeconds"].as_i64().map(|s| ("gracePeriodSeconds", s.to_string()));
    let policy = options["propagationPolicy"].as_str().map(|p| ("propagationPolicy", p.to_owned()));
    number.into_iter().chain(policy).collect()
}

#[cfg(test)]
mod tests;
