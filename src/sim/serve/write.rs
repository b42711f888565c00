//! Writing over HTTP.
//!
//! Owns how methods, parameters and bodies become calls of the registry, and the status codes of their answers.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::answer::{self, Form};
use super::ask::{Ask, Place};
use super::{Server, body, reviews};
use crate::sim::api::failure::{Cause, Failure, Options};
use crate::sim::api::kinds::known;
use crate::sim::api::patch::{self, Kind};
use crate::sim::api::views;
use crate::sim::registry::{self, DeleteOptions, Outcome, Unknown, Writing};
use crate::sim::wire::schema::{Message, SCHEMA};

/// Answers a write.
pub(super) async fn write(server: &Arc<Server>, ask: &Ask, place: &Place, request: Request<Body>) -> Result<Response<Body>, Failure> {
    let bytes = body::bytes(request.into_body()).await?;
    let mut writing = writing(ask)?;
    if let Some(review) = reviews::answer(server, ask, place, &bytes, &mut writing)? {
        return Ok(review);
    }
    let form = Form::negotiate(&ask.headers, place.res.row(), false)?;
    let (code, value) = match (ask.verb, place.sub.as_str()) {
        ("delete" | "deletecollection", _) => delete(server, ask, place, &bytes, &mut writing)?,
        ("create", "eviction") => evict(server, ask, place, &bytes, &mut writing)?,
        ("create", "") => create(server, ask, place, &bytes, &mut writing)?,
        ("create", "binding" | "token") => return Err(Failure::not_simulated("This subresource")),
        ("update" | "patch", "scale") => scale(server, ask, place, &bytes, &writing)?,
        ("update", "finalize") => finalize(server, place),
        ("update", _) => {
            let value = body::value(&ask.headers, &bytes, place.res.row().message)?;
            (200, server.cluster.with(|w| registry::update(w, &place.of(), value, &mut writing)).map(|v| shown(place, v))?)
        }
        ("patch", _) => {
            let kind = Kind::of(body::media(&ask.headers), place.res.row().message.is_none())?;
            (
                200,
                server
                    .cluster
                    .with(|w| registry::patch(w, &place.of(), kind, &bytes, &mut writing))
                    .map(|v| shown(place, v))?,
            )
        }
        _ => return Err(Failure::method_not_allowed()),
    };
    let mut response = answer::object(code, form, &value, place.res.row());
    answer::warn(&mut response, &writing.warnings);
    Ok(response)
}

fn writing(ask: &Ask) -> Result<Writing, Failure> {
    let mut writing = Writing::default();
    for value in ask.params("dryRun") {
        if value != "All" {
            let message = format!("Unsupported value: [\"{value}\"]: supported values: \"All\"");
            let cause = Cause { reason: "FieldValueNotSupported", field: "dryRun".to_owned(), message };
            return Err(Options::of(ask.verb).invalid(&[cause]));
        }
        writing.dry_run = true;
    }
    writing.unknown = match ask.param("fieldValidation") {
        Some("Strict") => Unknown::Strict,
        Some("Ignore") => Unknown::Ignore,
        Some("Warn" | "") | None => Unknown::Warn,
        Some(other) => {
            let cause = Cause::unsupported("fieldValidation", other, &["", "Ignore", "Strict", "Warn"]);
            return Err(Options::of(ask.verb).invalid(&[cause]));
        }
    };
    Ok(writing)
}

/// A stored object as the client gets it, with kind and apiVersion.
fn shown(place: &Place, value: Value) -> Value {
    let row = place.res.row();
    let value = if place.res == known().new_events { views::event_to_new(value) } else { value };
    let mut out = json!({"kind": row.kind, "apiVersion": row.api_version()});
    if let (Some(out), Value::Object(fields)) = (out.as_object_mut(), value) {
        out.extend(fields);
    }
    out
}

fn create(server: &Server, ask: &Ask, place: &Place, bytes: &Bytes, writing: &mut Writing) -> Result<(u16, Value), Failure> {
    if !place.name.is_empty() {
        return Err(Failure::method_not_allowed());
    }
    if bytes.is_empty() {
        return Err(Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
            place.res.row().kind
        )));
    }
    let value = body::value(&ask.headers, bytes, place.res.row().message)?;
    if place.res.row().namespaced && place.namespace.is_empty() {
        return Err(Failure::bad_request("an empty namespace may not be set during creation"));
    }
    let made = server.cluster.with(|world| registry::create(world, &place.of(), value, writing))?;
    Ok((201, shown(place, made)))
}

fn scale(server: &Server, ask: &Ask, place: &Place, bytes: &Bytes, writing: &Writing) -> Result<(u16, Value), Failure> {
    let message = SCHEMA.message("autoscaling/v1.Scale");
    let scale = server.cluster.with(|world| -> Result<Value, Failure> {
        let wanted = if ask.verb == "update" {
            body::value(&ask.headers, bytes, message)?
        } else {
            let kind = Kind::of(body::media(&ask.headers), false)?;
            patch::apply(kind, &registry::get_scale(world, &place.of())?, bytes, message)?
        };
        registry::put_scale(world, &place.of(), &wanted, writing)
    })?;
    Ok((200, scale))
}

fn evict(server: &Server, ask: &Ask, place: &Place, bytes: &Bytes, writing: &mut Writing) -> Result<(u16, Value), Failure> {
    let value = body::value(&ask.headers, bytes, SCHEMA.message("policy/v1.Eviction"))?;
    writing.dry_run |= dry_run_in(&value["deleteOptions"]);
    let status = server.cluster.with(|world| registry::evict(world, &place.of(), &value, writing))?;
    Ok((201, status))
}

fn finalize(server: &Server, place: &Place) -> (u16, Value) {
    let value = server.cluster.with(|world| place.of().current(world)).unwrap_or(Value::Null);
    (200, shown(place, value))
}

fn dry_run_in(options: &Value) -> bool {
    options["dryRun"].as_array().is_some_and(|d| d.iter().any(|v| v == "All"))
}

fn delete(server: &Server, ask: &Ask, place: &Place, bytes: &Bytes, writing: &mut Writing) -> Result<(u16, Value), Failure> {
    let message: Option<&'static Message> = SCHEMA.message("meta/v1.DeleteOptions");
    let body = body::value(&ask.headers, bytes, message)?;
    let mut options = DeleteOptions::from_body(&body)?;
    // Options in the body take the place of those in the query.
    let in_query = bytes.is_empty();
    if !in_query {
        writing.dry_run = dry_run_in(&body);
    }
    if let Some(grace) = ask.param("gracePeriodSeconds").filter(|_| in_query) {
        options.grace = Some(grace.parse().map_err(|_| Failure::no_number(grace))?);
    }
    if let Some(policy) = ask.param("propagationPolicy").filter(|_| in_query) {
        options.propagation = Some(registry::propagation(policy)?);
    }
    if place.res == known().jobs && options.propagation.is_none() {
        writing.warnings.push(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning".to_owned(),
        );
        options.propagation = Some(registry::propagation("Orphan")?);
    }
    if ask.verb == "deletecollection" {
        return delete_all(server, ask, place, &options, writing);
    }
    let outcome = server.cluster.with(|world| registry::delete(world, &place.of(), &options, writing))?;
    Ok((
        200,
        match outcome {
            Outcome::Going(object) => shown(place, object),
            Outcome::Gone(status) => status,
        },
    ))
}

fn delete_all(server: &Server, ask: &Ask, place: &Place, options: &DeleteOptions, writing: &Writing) -> Result<(u16, Value), Failure> {
    let choice = super::list::Choice::read(ask, place)?;
    let row = place.res.row();
    let (revision, items) = server.cluster.with(|world| {
        let all = choice.all(world, place);
        let items: Vec<Value> = all.iter().map(|e| e.value()).collect();
        for entry in &all {
            let (namespace, name) = (entry.key.namespace.to_string(), entry.key.name.to_string());
            let each = registry::Place { res: place.res, namespace: &namespace, name: &name, sub: "" };
            // One that is gone by now is as it should be.
            registry::delete(world, &each, options, writing).ok();
        }
        (world.store.revision(), items)
    });
    let kind = format!("{}List", row.kind);
    Ok((
        200,
        json!({"kind": kind, "apiVersion": row.api_version(), "metadata": {"resourceVersion": revision.to_string()}, "items": items}),
    ))
}
