//! A ConfigMap of Timonel's own: one JSON value per entry (contract.md 8).
//!
//! Owns the one form in which such a record is written: entries alone, on the version that was read. What an entry says is its
//! owner's. Pure.

use serde_json::{Map, Value, json};

use super::facts::text;
use crate::target::api::{Change, WriteRequest};
use crate::target::model::{Kind, ObjectRef};

/// The request that sets these entries, null taking one away; `raw` is the record as it is now.
pub(in crate::run) fn request(object: ObjectRef, raw: Option<&Value>, data: &Map<String, Value>) -> WriteRequest {
    let change = match raw {
        Some(raw) => {
            let metadata = json!({ "uid": text(raw, "/metadata/uid"), "resourceVersion": text(raw, "/metadata/resourceVersion") });
            Change::MergePatch(json!({ "metadata": metadata, "data": data }))
        }
        None => Change::Create(json!({
            "apiVersion": Kind::ConfigMap.api_version(),
            "kind": Kind::ConfigMap.word(),
            "metadata": { "name": &*object.name, "namespace": &*object.namespace },
            "data": data,
        })),
    };
    WriteRequest { object, subresource: "", change }
}

/// Whether a request is one of this file: nothing but entries of that record, with a precondition where there is one already.
pub(in crate::run) fn is_request(record: &ObjectRef, request: &WriteRequest) -> bool {
    let keys = |body: &Value, pointer: &str| body.pointer(pointer).and_then(Value::as_object).map(|m| m.keys().cloned().collect::<Vec<_>>());
    let only = |body: &Value, pointer: &str, known: &[&str]| keys(body, pointer).is_some_and(|k| k.iter().all(|k| known.contains(&k.as_str())));
    let shape = match &request.change {
        Change::MergePatch(body) => {
            only(body, "", &["metadata", "data"])
                && only(body, "/metadata", &["uid", "resourceVersion"])
                && !text(body, "/metadata/resourceVersion").is_empty()
        }
        Change::Create(body) => only(body, "", &["apiVersion", "kind", "metadata", "data"]) && only(body, "/metadata", &["name", "namespace"]),
        _ => false,
    };
    shape && request.subresource.is_empty() && request.object == *record
}
