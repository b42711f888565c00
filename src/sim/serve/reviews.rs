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
use crate::sim::api::failure::{Cause, Failure};
use crate::sim::rbac::{self, Attributes};
use crate::sim::registry::{self, Writing};
use crate::sim::wire::canon::seconds;

/// Answers a review; `None` when the request is none.
pub(super) fn answer(
    server: &Arc<Server>,
    ask: &Ask,
    place: &Place,
    bytes: &Bytes,
    writing: &mut Writing,
) -> Result<Option<Response<Body>>, Failure> {
    let row = place.res.row();
    if ask.verb != "create" || !place.sub.is_empty() || !matches!(row.group, "authentication.k8s.io" | "authorization.k8s.io") {
        return Ok(None);
    }
    let form = Form::negotiate(&ask.headers, row, false)?;
    let given = body::value(&ask.headers, bytes, row.message)?;
    let mut review = registry::read(&place.of(), given, writing)?;
    review["metadata"] = json!({});
    review["status"] = match row.kind {
        "SelfSubjectReview" => {
            let (name, groups) = (&ask.user.name, &ask.user.groups);
            review["metadata"]["creationTimestamp"] = json!(seconds(server.cluster.now()));
            json!({"userInfo": {"username": name, "uid": format!("{name}-uid"), "groups": groups}})
        }
        "SelfSubjectAccessReview" => access(server, ask, &review["spec"])?,
        "SelfSubjectRulesReview" => {
            let namespace = review["spec"]["namespace"].as_str().unwrap_or_default().to_owned();
            if namespace.is_empty() {
                return Err(Failure::bad_request("no namespace on request"));
            }
            review["spec"] = json!({});
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
    let group = "authorization.k8s.io";
    if resource.is_object() && path.is_object() {
        let shown = json!({"Path": path["path"], "Verb": path["verb"]});
        let cause = Cause::invalid("spec.nonResourceAttributes", shown, "cannot be specified in combination with resourceAttributes");
        return Err(Failure::invalid_review(group, &cause));
    }
    if !resource.is_object() && !path.is_object() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        return Err(Failure::invalid_review(group, &Cause::invalid("spec.resourceAttributes", "null", why)));
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
