//! Bodies of requests.
//!
//! Owns their size limit, and the reading of JSON, YAML and protobuf.

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::sim::api::failure::Failure;
use crate::sim::wire::schema::Message;
use crate::sim::wire::{decode, frame};

/// What the API server takes at most (etcd's limit and some room).
const LIMIT: usize = 3 << 20;

/// All bytes of a body.
pub(super) async fn bytes(body: Body) -> Result<Bytes, Failure> {
    to_bytes(body, LIMIT).await.map_err(|_| Failure::too_large())
}

/// The media type of a body.
pub(super) fn media(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|c| c.to_str().ok()).unwrap_or("application/json")
}

/// A body as JSON; empty = null. `message` says what protobuf means here.
pub(super) fn value(headers: &HeaderMap, bytes: &Bytes, message: Option<&'static Message>) -> Result<Value, Failure> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    match media(headers).split(';').next().unwrap_or_default().trim() {
        "application/vnd.kubernetes.protobuf" => {
            let bad = || Failure::bad_request("the body of the request was no protobuf of the kind that this resource takes");
            let opened = frame::open(bytes).ok_or_else(bad)?;
            let mut value = decode::message(opened.raw, message.ok_or_else(bad)?).ok_or_else(bad)?;
            for (field, text) in [("kind", opened.kind), ("apiVersion", opened.api_version)] {
                if !text.is_empty() {
                    value[field] = Value::String(text);
                }
            }
            Ok(value)
        }
        "application/yaml" => {
            let text = std::str::from_utf8(bytes).map_err(|_| Failure::bad_request("the body of the request is no UTF-8"))?;
            serde_saphyr::from_str(text).map_err(|e| Failure::bad_request(format!("error converting YAML to JSON: {e}")))
        }
        "application/json" | "" => serde_json::from_slice(bytes).map_err(|e| {
            let text = String::from_utf8_lossy(bytes);
            Failure::bad_request(format!("couldn't get version/kind; json parse error: {}", go_sentence(&text, &e)))
        }),
        _ => Err(Failure::unsupported_media("application/json, application/yaml, application/vnd.kubernetes.protobuf")),
    }
}

fn go_sentence(text: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let c = text.lines().nth(error.line().saturating_sub(1)).and_then(|l| l.chars().nth(error.column().saturating_sub(1)));
    format!("invalid character '{}' looking for beginning of value", c.unwrap_or('?'))
}
