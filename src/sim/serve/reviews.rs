//! Reviews: who am I, may I, what may I.
//!
//! Owns the kinds that are asked and never stored.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::answer::{self, Form};
use super::ask::{Ask, Place};
use super::{Server, body};
use crate::sim::api::failure::Failure;
use crate::sim::rbac::{self, Attributes};
use crate::sim::wire::canon::canonical;

/// Answers a review; `None` when the request is none.
pub(super) fn answer(server: &Arc<Server>, ask: &Ask, place: &Place, bytes: &Bytes) -> Result<Option<Response<Body>>, Failure> {
    let row = place.res.row();
    if ask.verb != "create" || !place.sub.is_empty() || !matches!(row.group, "authentication.k8s.io" | "authorization.k8s.io") {
        return Ok(None);
    }
    let form = Form::negotiate(&ask.headers, row, false)?;
    let given = body::value(&ask.headers, bytes, row.message)?;
    let mut review = row.message.and_then(|m| canonical(given, m).ok()).map_or(Value::Null, |c| c.value);
    review["metadata"] = json!({});
    review["status"] = match row.kind {
        "SelfSubjectReview" => {
            let (name, groups) = (&ask.user.name, &ask.user.groups);
            json!({"userInfo": {"username": name, "uid": format!("{name}-uid"), "groups": groups}})
        }
        "SelfSubjectAccessReview" => access(server, ask, &review["spec"])?,
        "SelfSubjectRulesReview" => {
            let namespace = review["spec"]["namespace"].as_str().unwrap_or_default().to_owned();
            server.cluster.with(|world| rbac::rules(world, &ask.user, &namespace))
        }
        _ => return Err(Failure::not_simulated("Reviews of other users")),
    };
    let mut whole = json!({"kind": row.kind, "apiVersion": row.api_version()});
    if let (Some(whole), Value::Object(fields)) = (whole.as_object_mut(), review) {
        whole.extend(fields);
    }
    Ok(Some(answer::object(201, form, &whole, row)))
}

fn access(server: &Server, ask: &Ask, spec: &Value) -> Result<Value, Failure> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    if resource.is_object() == path.is_object() {
        let words = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        return Err(Failure::bad_request(format!(
            "SelfSubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.resourceAttributes: Invalid value: {words}"
        )));
    }
    let of = if resource.is_object() { resource } else { path };
    let (verb, group, plural, sub) = (text(&of["verb"]), text(&of["group"]), text(&of["resource"]), text(&of["subresource"]));
    let (namespace, name, path) = (text(&of["namespace"]), text(&of["name"]), text(&of["path"]));
    let attributes = Attributes { verb: &verb, group: &group, resource: &plural, sub: &sub, namespace: &namespace, name: &name, path: &path };
    let reason = server.cluster.with(|world| rbac::allowed(world, &ask.user, &attributes));
    let mut status = json!({"allowed": reason.is_some()});
    if let Some(reason) = reason.filter(|r| !r.is_empty()) {
        status["reason"] = json!(reason);
    }
    Ok(status)
}
