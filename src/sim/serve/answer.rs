//! Answers: in which form the client wants them, and how they are written.
//!
//! Owns content negotiation (JSON, protobuf, Table, PartialObjectMetadata) and status codes.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::Value;

use crate::sim::api::failure::Failure;
use crate::sim::api::kinds::Resource;
use crate::sim::wire::schema::SCHEMA;
use crate::sim::wire::{encode, frame};

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What an object is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// The whole object.
    Whole,
    /// Its metadata only.
    Partial,
    /// Rows of a table.
    Table,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// Bytes instead of JSON.
    pub(super) protobuf: bool,
    /// What of the object.
    pub(super) view: View,
}

impl Form {
    /// JSON, whole.
    pub(super) const JSON: Self = Self { protobuf: false, view: View::Whole };

    /// The first form of the Accept header that the server has for a kind. `reads` = lists, gets and watches may be tables.
    pub(super) fn negotiate(headers: &HeaderMap, row: &Resource, reads: bool) -> Result<Self, Failure> {
        let accept = headers.get(ACCEPT).and_then(|a| a.to_str().ok()).unwrap_or("*/*");
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let params: Vec<(&str, &str)> = parts.filter_map(|p| p.split_once('=')).collect();
            let param = |name: &str| params.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
            let meta = param("g").is_none_or(|g| g == "meta.k8s.io") && param("v").is_none_or(|v| v == "v1" || v == "v1beta1");
            let view = match param("as") {
                None => View::Whole,
                Some("Table") if reads && meta => View::Table,
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") if reads && meta => View::Partial,
                Some(_) => continue,
            };
            match media {
                JSON | "application/*" | "*/*" | "" => return Ok(Self { protobuf: false, view }),
                PROTOBUF if (row.message.is_some() || view == View::Partial) && view != View::Table => return Ok(Self { protobuf: true, view }),
                _ => {}
            }
        }
        Err(Failure::no_representation())
    }

    /// The content type of an answer, or of a watch.
    pub(super) fn content_type(self, watch: bool) -> &'static str {
        match (self.protobuf, watch) {
            (false, _) => JSON,
            (true, false) => PROTOBUF,
            (true, true) => "application/vnd.kubernetes.protobuf;stream=watch",
        }
    }
}

/// An answer with a body.
pub(super) fn with_body(code: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

/// 204.
pub(super) fn nothing() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// JSON.
pub(super) fn json(code: u16, value: &Value) -> Response<Body> {
    let mut text = value.to_string();
    text.push('\n');
    with_body(code, JSON, Body::from(text))
}

/// Plain text.
pub(super) fn text(code: u16, text: &'static str) -> Response<Body> {
    with_body(code, "text/plain; charset=utf-8", Body::from(text))
}

/// An object with kind and apiVersion, in the form that was asked for.
pub(super) fn object(code: u16, form: Form, value: &Value, row: &Resource) -> Response<Body> {
    if !form.protobuf {
        return json(code, value);
    }
    let text = |field: &str| value[field].as_str().unwrap_or_default();
    let message = match text("kind") {
        "Status" => SCHEMA.message("meta/v1.Status"),
        "Scale" => SCHEMA.message("autoscaling/v1.Scale"),
        "PartialObjectMetadata" => SCHEMA.message("meta/v1.PartialObjectMetadata"),
        "Eviction" => SCHEMA.message("policy/v1.Eviction"),
        _ => row.message,
    };
    match message {
        Some(message) => {
            let raw = encode::message(value, message);
            with_body(code, PROTOBUF, Body::from(frame::envelope(text("apiVersion"), text("kind"), &raw)))
        }
        None => json(code, value),
    }
}

/// A refusal. Always JSON: every client that asks for protobuf takes JSON as well.
pub(super) fn failure(failure: &Failure) -> Response<Body> {
    let mut response = json(failure.code, &failure.status());
    if failure.code == 429
        && let Ok(seconds) = "10".parse()
    {
        response.headers_mut().insert(http::header::RETRY_AFTER, seconds);
    }
    response
}

/// Adds a `Warning` header for each sentence.
pub(super) fn warn(response: &mut Response<Body>, warnings: &[String]) {
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(http::header::WARNING, value);
        }
    }
}

/// A body that is sent piece by piece, gathered to pieces of a useful size.
pub(super) fn pieces(all: impl Iterator<Item = Bytes> + Send + 'static) -> Body {
    const SIZE: usize = 64 << 10;
    let mut all = all.peekable();
    let gathered = std::iter::from_fn(move || {
        all.peek()?;
        let mut chunk = Vec::with_capacity(SIZE + (8 << 10));
        while chunk.len() < SIZE
            && let Some(piece) = all.next()
        {
            chunk.extend_from_slice(&piece);
        }
        Some(Ok::<_, std::convert::Infallible>(Bytes::from(chunk)))
    });
    Body::from_stream(stream::iter(gathered))
}
