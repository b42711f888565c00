//! Getting one object, and listing many.
//!
//! Owns pages and their tokens, selectors, and the shapes of lists: JSON, protobuf, Table, PartialObjectMetadata. A list is sent
//! from the stored bytes; nothing is decoded unless a selector or a table needs it.

use std::sync::Arc;

use axum::body::Body;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{self, Form, View};
use super::ask::{Ask, Place};
use super::{Server, metrics};
use crate::sim::api::failure::{Cause, Failure, Options};
use crate::sim::api::kinds::{Res, known};
use crate::sim::api::selector::{Fields, Labels};
use crate::sim::api::{table, views};
use crate::sim::registry;
use crate::sim::store::Entry;
use crate::sim::wire::schema::SCHEMA;
use crate::sim::wire::{encode, frame};
use crate::sim::world::World;

/// Answers a get or a list.
pub(super) fn read(server: &Arc<Server>, ask: &Ask, place: &Place) -> Result<Response<Body>, Failure> {
    let row = place.res.row();
    if row.group == "metrics.k8s.io" {
        return metrics::read(server, ask, place);
    }
    let form = Form::negotiate(&ask.headers, row, matches!(place.sub.as_str(), "" | "status"))?;
    if place.sub == "scale" {
        let scale = server.cluster.with(|world| registry::get_scale(world, &place.of()))?;
        return Ok(answer::object(200, form, &scale, row));
    }
    if !place.name.is_empty() {
        return server.cluster.with(|world| get(world, place, form, ask));
    }
    let choice = Choice::read(ask, place)?;
    let now = server.cluster.now();
    let page = server.cluster.with(|world| choice.page(world, place, ask))?;
    Ok(list(place.res, form, page, now, includes(ask)))
}

fn get(world: &World, place: &Place, form: Form, ask: &Ask) -> Result<Response<Body>, Failure> {
    let row = place.res.row();
    if let Some(version) = ask.param("resourceVersion").filter(|v| !v.is_empty() && v.parse::<u64>().is_err()) {
        return Err(Failure::unforeseen(&no_version(version)));
    }
    let entry = world.store.find(place.res.stored(), &place.namespace, &place.name);
    let entry = entry.ok_or_else(|| Failure::not_found(row, &place.name))?;
    Ok(match form.view {
        View::Whole => answer::object(200, form, &whole(place.res, entry), row),
        View::Partial => answer::object(200, form, &partial(entry), row),
        View::Table => {
            let metadata = json!({"resourceVersion": entry.revision.to_string()});
            answer::json(200, &table_of(place.res, &metadata, std::slice::from_ref(entry), world.now, includes(ask), true))
        }
    })
}

/// Which parts of the objects the rows of a table carry.
pub(super) fn includes(ask: &Ask) -> Include {
    match ask.param("includeObject") {
        Some("None") => Include::None,
        Some("Object") => Include::Object,
        _ => Include::Metadata,
    }
}

/// Which parts of the objects the rows of a table carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Include {
    /// Nothing.
    None,
    /// Their metadata.
    Metadata,
    /// All.
    Object,
}

/// An object as clients of one API get it.
pub(super) fn whole(res: Res, entry: &Entry) -> Value {
    if res != known().new_events {
        return entry.full();
    }
    let mut out = json!({"kind": "Event", "apiVersion": "events.k8s.io/v1"});
    if let (Some(out), Value::Object(fields)) = (out.as_object_mut(), views::event_to_new(entry.value())) {
        out.extend(fields);
    }
    out
}

/// The metadata of an object, as an object of its own.
pub(super) fn partial(entry: &Entry) -> Value {
    let metadata: Value = serde_json::from_slice(&[entry.metadata(), b"}"].concat()).unwrap_or(Value::Null);
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata["metadata"]})
}

/// Which objects are asked for.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    labels: Labels,
    fields: Fields,
}

impl Choice {
    /// Reads the selectors, and refuses parameters that cannot be read.
    pub(super) fn read(ask: &Ask, place: &Place) -> Result<Self, Failure> {
        for name in ["limit", "timeoutSeconds"] {
            if let Some(value) = ask.param(name).filter(|v| v.parse::<i64>().is_err()) {
                return Err(Failure::no_number(value));
            }
        }
        let labels = Labels::parse(ask.param("labelSelector").unwrap_or_default())?;
        let fields = Fields::parse(ask.param("fieldSelector").unwrap_or_default(), place.res)?;
        Ok(Self { labels, fields })
    }

    /// Whether an object is asked for.
    pub(super) fn takes(&self, entry: &Entry) -> bool {
        self.labels.matches(&entry.labels)
            && self.fields.name().is_none_or(|n| n == &*entry.key.name)
            && (self.fields.is_empty() || self.fields.matches(&entry.value()))
    }

    /// All objects that are asked for, in the order of lists.
    pub(super) fn all(&self, world: &World, place: &Place) -> Vec<Arc<Entry>> {
        let namespace = Some(place.namespace.as_str()).filter(|n| !n.is_empty());
        world.store.list(place.res.stored(), namespace).filter(|e| self.takes(e)).cloned().collect()
    }

    fn page(&self, world: &World, place: &Place, ask: &Ask) -> Result<Page, Failure> {
        let revision = world.store.revision();
        check(ask)?;
        if let Some(wanted) = ask.param("resourceVersion").and_then(|v| v.parse::<u64>().ok()).filter(|v| *v > revision) {
            let message = format!("Too large resource version: {wanted}, current: {revision}");
            return Err(Failure::timeout(message));
        }
        let mut all = self.all(world, place);
        // Lists at revision 0 come from the cache, which knows no pages.
        let limit = ask.param("limit").and_then(|l| l.parse::<usize>().ok()).filter(|l| *l > 0);
        let limit = limit.filter(|_| ask.param("resourceVersion") != Some("0"));
        let mut page = Page { revision, entries: Vec::new(), next: None, remaining: None };
        if let Some(token) = ask.param("continue").filter(|t| !t.is_empty()) {
            let (revision, after) = Token::read(token)?;
            if revision < world.store.floor() {
                return Err(Failure::expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
                ));
            }
            page.revision = revision;
            all.retain(|e| token_key(place, e) > after);
        }
        if let Some(limit) = limit.filter(|l| all.len() > *l) {
            let rest = all.split_off(limit);
            page.next = all.last().map(|e| Token::write(page.revision, &token_key(place, e)));
            page.remaining = (self.labels.is_empty() && self.fields.is_empty()).then_some(rest.len());
        }
        page.entries = all;
        Ok(page)
    }
}

/// Refuses versions and ways of matching them that contradict each other, as ValidateListOptions does.
fn check(ask: &Ask) -> Result<(), Failure> {
    let text = |name: &str| ask.param(name).unwrap_or_default();
    let (version, matched, token) = (text("resourceVersion"), text("resourceVersionMatch"), text("continue"));
    let mut causes = Vec::new();
    if !matched.is_empty() {
        let forbidden = |why: &str| Cause::forbidden("resourceVersionMatch", why);
        if version.is_empty() {
            causes.push(forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"));
        }
        if !token.is_empty() {
            causes.push(forbidden("resourceVersionMatch is forbidden when continue is provided"));
        }
        if !["Exact", "NotOlderThan"].contains(&matched) {
            causes.push(Cause::unsupported("resourceVersionMatch", matched, &["Exact", "NotOlderThan", ""]));
        }
        if matched == "Exact" && version == "0" {
            causes.push(forbidden("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
        }
    }
    if ask.param("sendInitialEvents").is_some() {
        causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    if !causes.is_empty() {
        return Err(Options::of("list").invalid(&causes));
    }
    if !version.is_empty() && version.parse::<u64>().is_err() {
        return Err(Failure::bad_request(format!("invalid resource version: {}", no_version(version))));
    }
    if !token.is_empty() && !version.is_empty() && version != "0" {
        return Err(Failure::bad_request("specifying resource version is not allowed when using continue"));
    }
    Ok(())
}

/// The server's words for a resourceVersion that is none.
pub(super) fn no_version(version: &str) -> String {
    format!("resourceVersion: Invalid value: \"{version}\": strconv.ParseUint: parsing \"{version}\": invalid syntax")
}

/// What a token remembers: the last key, relative to the list.
fn token_key(place: &Place, entry: &Entry) -> (String, String) {
    let namespace = if place.namespace.is_empty() { entry.key.namespace.to_string() } else { String::new() };
    (namespace, entry.key.name.to_string())
}

/// Tokens have the form of the real server's, so that clients which look inside find what they expect.
struct Token;

impl Token {
    fn write(revision: u64, (namespace, name): &(String, String)) -> String {
        let start = if namespace.is_empty() { format!("{name}\0") } else { format!("{namespace}/{name}\0") };
        BASE64_URL_SAFE_NO_PAD.encode(json!({"v": "meta.k8s.io/v1", "rv": revision, "start": start}).to_string())
    }

    fn read(token: &str) -> Result<(u64, (String, String)), Failure> {
        let bad = || Failure::bad_request("invalid continue token: continue key is not valid: server does not recognize this encoded version ");
        let broken = |_| Failure::bad_request("invalid continue token: continue key is not valid: illegal base64 data at input byte 0");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(broken)?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| {
            let first = bytes.first().map_or('?', |b| char::from(*b));
            let first = if first.is_control() { format!("\\u{:04x}", u32::from(first)) } else { first.to_string() };
            Failure::bad_request(format!(
                "invalid continue token: continue key is not valid: invalid character '{first}' looking for beginning of value"
            ))
        })?;
        let start = value["start"].as_str().ok_or_else(bad)?.trim_end_matches('\0');
        let (namespace, name) = start.split_once('/').unwrap_or(("", start));
        Ok((value["rv"].as_u64().ok_or_else(bad)?, (namespace.to_owned(), name.to_owned())))
    }
}

struct Page {
    revision: u64,
    entries: Vec<Arc<Entry>>,
    next: Option<String>,
    remaining: Option<usize>,
}

impl Page {
    fn metadata(&self) -> Value {
        let mut metadata = json!({"resourceVersion": self.revision.to_string()});
        if let Some(next) = &self.next {
            metadata["continue"] = json!(next);
        }
        if let Some(remaining) = self.remaining {
            metadata["remainingItemCount"] = json!(remaining);
        }
        metadata
    }
}

fn list(res: Res, form: Form, page: Page, now: Timestamp, include: Include) -> Response<Body> {
    let row = res.row();
    let metadata = page.metadata();
    match (form.view, form.protobuf) {
        (View::Table, _) => answer::json(200, &table_of(res, &metadata, &page.entries, now, include, true)),
        (View::Whole, false) => {
            let head = format!("{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{metadata},\"items\":[", row.kind, row.api_version());
            json_list(head, page.entries, move |entry| body_of(res, entry))
        }
        (View::Partial, false) => {
            let head = format!("{{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{metadata},\"items\":[");
            json_list(head, page.entries, |entry| {
                Bytes::from([b"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",", &entry.metadata()[1..], b"}"].concat())
            })
        }
        (View::Whole, true) => protobuf_list(&format!("{}List", row.kind), &row.api_version(), &metadata, &page.entries, move |e| message_of(res, e)),
        (View::Partial, true) => protobuf_list("PartialObjectMetadataList", "meta.k8s.io/v1", &metadata, &page.entries, |e| {
            let message = SCHEMA.message("meta/v1.PartialObjectMetadata");
            message.map(|m| Bytes::from(encode::message(&partial(e), m))).unwrap_or_default()
        }),
    }
}

/// The bytes of an object as lists carry it, without kind and apiVersion; custom resources have both.
fn body_of(res: Res, entry: &Entry) -> Bytes {
    if res == known().new_events {
        return Bytes::from(views::event_to_new(entry.value()).to_string());
    }
    if res.row().message.is_none() {
        return Bytes::from(entry.full().to_string());
    }
    entry.body().clone()
}

/// The protobuf message of an object in one API.
pub(super) fn message_of(res: Res, entry: &Entry) -> Bytes {
    if res == known().new_events {
        let message = res.row().message;
        return message.map(|m| Bytes::from(encode::message(&views::event_to_new(entry.value()), m))).unwrap_or_default();
    }
    entry.protobuf().cloned().unwrap_or_default()
}

fn json_list(head: String, entries: Vec<Arc<Entry>>, body: impl Fn(&Entry) -> Bytes + Send + 'static) -> Response<Body> {
    let items = entries.into_iter().enumerate().flat_map(move |(i, entry)| {
        let comma = if i == 0 { Bytes::new() } else { Bytes::from_static(b",") };
        [comma, body(&entry)]
    });
    let all = std::iter::once(Bytes::from(head)).chain(items).chain(std::iter::once(Bytes::from_static(b"]}\n")));
    answer::with_body(200, Form::JSON.content_type(false), answer::pieces(all))
}

fn protobuf_list(kind: &str, api_version: &str, metadata: &Value, entries: &[Arc<Entry>], message: impl Fn(&Entry) -> Bytes) -> Response<Body> {
    let mut first = Vec::new();
    if let Some(list_meta) = SCHEMA.message("meta/v1.ListMeta") {
        encode::bytes(&mut first, 1, &encode::message(metadata, list_meta));
    }
    let mut parts = vec![Bytes::from(first)];
    for entry in entries {
        let content = message(entry);
        let mut head = Vec::with_capacity(8);
        encode::tag(&mut head, 2, 2);
        encode::varint(&mut head, content.len() as u64);
        parts.extend([Bytes::from(head), content]);
    }
    let length = parts.iter().map(Bytes::len).sum();
    let head = Bytes::from(frame::head(api_version, kind, length));
    let all = std::iter::once(head).chain(parts).chain(std::iter::once(Bytes::from_static(frame::TAIL)));
    answer::with_body(200, Form { protobuf: true, view: View::Whole }.content_type(false), answer::pieces(all))
}

/// A Table of objects.
pub(super) fn table_of(res: Res, metadata: &Value, entries: &[Arc<Entry>], now: Timestamp, include: Include, columns: bool) -> Value {
    let rows: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let value = entry.value();
            let object = match include {
                Include::None => Value::Null,
                Include::Metadata => partial(entry),
                Include::Object => whole(res, entry),
            };
            let mut row = json!({"cells": table::cells(res, &value, now)});
            let conditions = table::conditions(res, &value);
            if !conditions.is_null() {
                row["conditions"] = conditions;
            }
            row["object"] = object;
            row
        })
        .collect();
    let columns = if columns { table::columns(res) } else { Value::Null };
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns, "rows": rows})
}
