//! Watching.
//!
//! Owns the stream of events of one watch: where it starts, what it leaves out, bookmarks, and when it ends. A watch reads the
//! store's log at its own pace; one that falls behind the log gets 410 Gone.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Response;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::{self, Form, View};
use super::ask::{Ask, Place};
use super::list::{self, Choice, Include};
use super::{Server, metrics};
use crate::sim::api::failure::{Cause, Failure, Options};
use crate::sim::api::table;
use crate::sim::store::{Change, Entry, Happened};
use crate::sim::wire::canon::canonical;
use crate::sim::wire::schema::SCHEMA;
use crate::sim::wire::{encode, frame};

/// How often a bookmark comes when nothing else does.
const BOOKMARK: Duration = Duration::from_mins(1);
/// How long before its end a watch gets a last bookmark. A watch that is shorter gets none.
const BEFORE_THE_END: Duration = Duration::from_secs(2);
/// How long a watch lasts when the client does not say.
const LIFE: Duration = Duration::from_mins(40);
/// How many changes are read at a time.
const BATCH: usize = 256;

struct Watch {
    server: Arc<Server>,
    changes: tokio::sync::watch::Receiver<u64>,
    place: Place,
    form: Form,
    include: Include,
    choice: Choice,
    /// Changes up to here were sent or left out.
    seen: u64,
    bookmarks: bool,
    ends: Instant,
    /// When a last bookmark is due; `None` once it was sent, or when none is.
    farewell: Option<Instant>,
    /// What is still to be sent from the start.
    initial: Vec<Arc<Entry>>,
    /// A bookmark says that the initial objects are complete.
    announce: bool,
    /// A table has named its columns.
    titled: bool,
    over: bool,
}

/// Answers a watch.
pub(super) fn watch(server: &Arc<Server>, ask: &Ask, place: &Place) -> Result<Response<Body>, Failure> {
    let row = place.res.row();
    if row.group == "metrics.k8s.io" {
        return metrics::read(server, ask, place);
    }
    let form = Form::negotiate(&ask.headers, row, true)?;
    let choice = Choice::read(ask, place)?;
    let send_initial = ask.flag("sendInitialEvents");
    check(ask, send_initial)?;
    let wanted = ask.param("resourceVersion").unwrap_or_default();
    let from = wanted.parse::<u64>().ok().filter(|v| *v > 0);
    if !wanted.is_empty() && wanted != "0" && from.is_none() {
        return Err(Failure::unforeseen(&list::no_version(wanted)));
    }
    let from_start = send_initial || from.is_none() && ask.param("sendInitialEvents").is_none();
    // Subscribed before the store is read, so that no change falls between.
    let changes = server.cluster.changes();
    let (revision, mut initial) = server.cluster.with(|world| {
        let initial = if from_start { choice.all(world, place) } else { Vec::new() };
        (world.store.revision(), initial)
    });
    initial.reverse();
    let bookmarks = ask.flag("allowWatchBookmarks");
    let life = ask.param("timeoutSeconds").and_then(|t| t.parse().ok()).filter(|t| *t > 0).map_or(LIFE, Duration::from_secs);
    let watch = Watch {
        server: server.clone(),
        changes,
        place: place.clone(),
        form,
        include: list::includes(ask),
        choice,
        seen: if from_start { revision } else { from.unwrap_or(revision) },
        bookmarks,
        ends: Instant::now() + life,
        farewell: life.checked_sub(BEFORE_THE_END).filter(|_| bookmarks).map(|after| Instant::now() + after),
        initial,
        announce: send_initial && bookmarks,
        titled: false,
        over: false,
    };
    let body = stream::unfold(watch, |mut watch| async move { watch.next().await.map(|chunk| (Ok::<_, std::convert::Infallible>(chunk), watch)) });
    Ok(answer::with_body(200, form.content_type(true), Body::from_stream(body)))
}

/// Refuses what contradicts itself, as validateWatchOptions does.
fn check(ask: &Ask, send_initial: bool) -> Result<(), Failure> {
    let matched = ask.param("resourceVersionMatch").unwrap_or_default();
    let given = ask.param("sendInitialEvents").is_some();
    let newer = matched == "NotOlderThan";
    let mut causes = Vec::new();
    let mut forbid = |why: &str| causes.push(Cause::forbidden("resourceVersionMatch", why));
    if send_initial && !newer {
        forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    if !matched.is_empty() {
        if !given {
            forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        if !newer {
            causes.push(Cause::unsupported("resourceVersionMatch", matched, &["NotOlderThan"]));
        }
    }
    if ask.param("continue").is_some_and(|token| !token.is_empty()) {
        causes.push(Cause::forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"));
    }
    if causes.is_empty() { Ok(()) } else { Err(Options::of("watch").invalid(&causes)) }
}

impl Watch {
    /// The next bytes; `None` when it is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.over {
                return None;
            }
            if !self.initial.is_empty() || self.announce {
                return Some(self.beginning());
            }
            let chunk = self.changed();
            if !chunk.is_empty() {
                return Some(chunk);
            }
            tokio::select! {
                () = self.server.cluster.stop.cancelled() => return None,
                () = tokio::time::sleep_until(self.farewell.unwrap_or(self.ends)) => {
                    self.farewell.take()?;
                    return Some(self.bookmark(false));
                }
                changed = self.changes.changed() => changed.ok()?,
                () = tokio::time::sleep(BOOKMARK), if self.bookmarks => return Some(self.bookmark(false)),
            }
        }
    }

    /// Some of the objects that were there at the start, and the mark behind the last.
    fn beginning(&mut self) -> Bytes {
        let mut chunk = Vec::new();
        while let Some(entry) = self.initial.pop() {
            self.event(&mut chunk, "ADDED", &entry);
            if chunk.len() > 64 << 10 {
                return Bytes::from(chunk);
            }
        }
        if std::mem::take(&mut self.announce) {
            chunk.extend_from_slice(&self.bookmark(true));
        }
        Bytes::from(chunk)
    }

    /// Changes since the last ones.
    fn changed(&mut self) -> Bytes {
        let mut chunk = Vec::new();
        loop {
            let Some(batch) = self.server.cluster.with(|world| world.store.since(self.seen, BATCH)) else {
                self.over = true;
                self.gone(&mut chunk);
                return Bytes::from(chunk);
            };
            let last = batch.len() < BATCH;
            for change in &batch {
                self.seen = change.now.revision;
                self.change(&mut chunk, change);
            }
            if last || chunk.len() > 256 << 10 {
                return Bytes::from(chunk);
            }
        }
    }

    fn change(&mut self, chunk: &mut Vec<u8>, change: &Change) {
        let here = |e: &Entry| self.place.namespace.is_empty() || *e.key.namespace == *self.place.namespace;
        if change.now.res != self.place.res.stored() || !here(&change.now) {
            return;
        }
        let was = change.before.as_ref().is_some_and(|e| self.choice.takes(e));
        let is = change.happened != Happened::Deleted && self.choice.takes(&change.now);
        match (was, is) {
            (false, true) => self.event(chunk, "ADDED", &change.now),
            (true, true) => self.event(chunk, "MODIFIED", &change.now),
            // What is no longer asked for is shown as it was when it still was.
            (true, false) if change.happened == Happened::Modified => {
                let before = change.before.as_ref().unwrap_or(&change.now).at_revision(change.now.revision);
                self.event(chunk, "DELETED", &Arc::new(before));
            }
            (true, false) => self.event(chunk, "DELETED", &change.now),
            (false, false) => {}
        }
    }

    fn event(&mut self, chunk: &mut Vec<u8>, kind: &str, entry: &Arc<Entry>) {
        let (res, row) = (self.place.res, self.place.res.row());
        match (self.form.view, self.form.protobuf) {
            (View::Whole, true) => {
                let envelope = frame::envelope(&row.api_version(), row.kind, &list::message_of(res, entry));
                chunk.extend_from_slice(&frame::watch(kind, &envelope));
            }
            (View::Partial, true) => {
                let raw = SCHEMA
                    .message("meta/v1.PartialObjectMetadata")
                    .map(|m| encode::message(&list::partial(entry), m))
                    .unwrap_or_default();
                chunk.extend_from_slice(&frame::watch(kind, &frame::envelope("meta.k8s.io/v1", "PartialObjectMetadata", &raw)));
            }
            (View::Whole, false) if res == entry.res => {
                // From the stored bytes, without decoding them.
                let head = format!("{{\"type\":\"{kind}\",\"object\":{{\"kind\":\"{}\",\"apiVersion\":\"{}\",", row.kind, row.api_version());
                chunk.extend_from_slice(head.as_bytes());
                chunk.extend_from_slice(&entry.body()[1..]);
                chunk.extend_from_slice(b"}\n");
            }
            (View::Whole, false) => json_event(chunk, kind, &list::whole(res, entry)),
            (View::Partial, false) => json_event(chunk, kind, &list::partial(entry)),
            (View::Table, _) => {
                let metadata = json!({"resourceVersion": entry.revision.to_string()});
                let now = self.server.cluster.now();
                let titled = std::mem::replace(&mut self.titled, true);
                json_event(chunk, kind, &list::table_of(res, &metadata, std::slice::from_ref(entry), now, self.include, !titled));
            }
        }
    }

    /// A bookmark: nothing happened up to here.
    fn bookmark(&mut self, initial_end: bool) -> Bytes {
        let row = self.place.res.row();
        self.seen = self.seen.max(
            self.server
                .cluster
                .with(|world| world.store.since(self.seen, 1).filter(Vec::is_empty).map_or(0, |_| world.store.revision())),
        );
        let mut object = json!({"metadata": {"resourceVersion": self.seen.to_string()}});
        if initial_end {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let empty = |object: Value| row.message.and_then(|m| canonical(object.clone(), m).ok()).map_or(object, |c| c.value);
        let mut chunk = Vec::new();
        match (self.form.view, self.form.protobuf) {
            (View::Whole, true) => {
                let raw = row.message.map(|m| encode::message(&empty(object), m)).unwrap_or_default();
                chunk.extend_from_slice(&frame::watch("BOOKMARK", &frame::envelope(&row.api_version(), row.kind, &raw)));
            }
            (View::Partial, true) => {
                let raw = SCHEMA.message("meta/v1.PartialObjectMetadata").map(|m| encode::message(&object, m)).unwrap_or_default();
                chunk.extend_from_slice(&frame::watch("BOOKMARK", &frame::envelope("meta.k8s.io/v1", "PartialObjectMetadata", &raw)));
            }
            (View::Whole, false) => json_event(&mut chunk, "BOOKMARK", &named(row.kind, &row.api_version(), empty(object))),
            (View::Partial, false) => json_event(&mut chunk, "BOOKMARK", &named("PartialObjectMetadata", "meta.k8s.io/v1", object)),
            (View::Table, _) => {
                // A row of an object that has nothing but the mark.
                let mut blank = object.clone();
                blank["metadata"]["name"] = json!("");
                let cells = table::cells(self.place.res, &blank, self.server.cluster.now());
                let version = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                let row = json!({"cells": cells, "object": named("PartialObjectMetadata", "meta.k8s.io/v1", object)});
                let mut table = named("Table", "meta.k8s.io/v1", json!({"metadata": version, "columnDefinitions": null}));
                table["rows"] = json!([row]);
                json_event(&mut chunk, "BOOKMARK", &table);
            }
        }
        Bytes::from(chunk)
    }

    fn gone(&self, chunk: &mut Vec<u8>) {
        let current = self.server.cluster.with(|world| world.store.floor());
        let failure = Failure::expired(format!("too old resource version: {} ({current})", self.seen));
        if self.form.protobuf {
            let raw = SCHEMA.message("meta/v1.Status").map(|m| encode::message(&failure.status(), m)).unwrap_or_default();
            chunk.extend_from_slice(&frame::watch("ERROR", &frame::envelope("v1", "Status", &raw)));
        } else {
            json_event(chunk, "ERROR", &failure.status());
        }
    }
}

fn named(kind: &str, api_version: &str, object: Value) -> Value {
    let mut out = json!({"kind": kind, "apiVersion": api_version});
    if let (Some(out), Value::Object(fields)) = (out.as_object_mut(), object) {
        out.extend(fields);
    }
    out
}

fn json_event(chunk: &mut Vec<u8>, kind: &str, object: &Value) {
    chunk.extend_from_slice(json!({"type": kind, "object": object}).to_string().as_bytes());
    chunk.push(b'\n');
}
