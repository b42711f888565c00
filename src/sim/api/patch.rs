//! The four kinds of PATCH that the API server knows, apart from server-side apply.
//!
//! Owns JSON Patch (RFC 6902), JSON Merge Patch (RFC 7386) and the strategic merge patch of Kubernetes.

use serde_json::{Map, Value};

use super::failure::Failure;
use crate::sim::wire::schema::{Field, Message, SCHEMA, Shape};

/// How many operations a JSON Patch may have.
const MOST_OPERATIONS: usize = 10_000;

/// How a patch is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `application/json-patch+json`.
    Json,
    /// `application/merge-patch+json`.
    Merge,
    /// `application/strategic-merge-patch+json`.
    Strategic,
}

impl Kind {
    /// By content type; `custom` resources have no strategic merge.
    pub(crate) fn of(content_type: &str, custom: bool) -> Result<Self, Failure> {
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" if !custom => Ok(Self::Strategic),
            "application/apply-patch+yaml" | "application/apply-patch+cbor" | "application/strategic-merge-patch+json" => {
                Err(Failure::unsupported_media(if custom {
                    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor"
                } else {
                    "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor"
                }))
            }
            _ => Err(Failure::unknown_patch()),
        }
    }
}

/// Applies a patch to an object.
pub(crate) fn apply(kind: Kind, object: &Value, patch: &[u8], message: Option<&'static Message>) -> Result<Value, Failure> {
    let parsed: Value =
        serde_json::from_slice(patch).map_err(|e| Failure::bad_request(format!("error decoding patch: {}", go_sentence(patch, &e))))?;
    let mut out = object.clone();
    match (kind, message) {
        (Kind::Json, _) => {
            let Value::Array(operations) = parsed else {
                return Err(Failure::bad_request("error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"));
            };
            if operations.len() > MOST_OPERATIONS {
                return Err(Failure::too_many_operations(operations.len()));
            }
            for operation in operations {
                operate(&mut out, operation).map_err(|()| Failure::patch_failed())?;
            }
        }
        (Kind::Strategic, Some(message)) => {
            sound(&parsed, message)?;
            strategic(&mut out, parsed, message)?;
        }
        _ => {
            if !parsed.is_object() {
                return Err(Failure::bad_request("error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"));
            }
            json_patch::merge(&mut out, &parsed);
        }
    }
    Ok(out)
}

/// One operation, as the server's library does it: a `replace` of nothing adds, what has no value has null, and null is what is not
/// there.
fn operate(target: &mut Value, mut operation: Value) -> Result<(), ()> {
    let there = operation["path"].as_str().is_some_and(|path| target.pointer(path).is_some());
    match operation["op"].as_str() {
        Some("replace") if !there => operation["op"] = "add".into(),
        Some("test") if !there && operation["value"].is_null() => return Ok(()),
        _ => {}
    }
    if operation.get("value").is_none() {
        operation["value"] = Value::Null;
    }
    let operation: json_patch::PatchOperation = serde_json::from_value(operation).map_err(drop)?;
    json_patch::patch(target, &[operation]).map_err(drop)
}

/// Refuses a strategic merge patch whose lists cannot be merged.
fn sound(patch: &Value, message: &'static Message) -> Result<(), Failure> {
    for (name, value) in patch.as_object().into_iter().flatten() {
        let Some(field) = message.field(name) else { continue };
        let Some(inner) = SCHEMA.of(field.form) else { continue };
        let key = field.strategy.merge_key.filter(|key| !key.is_empty());
        for item in value.as_array().into_iter().flatten() {
            match (item.get("$patch").and_then(Value::as_str), key) {
                (Some("replace"), _) => {}
                (Some(other), Some(_)) if other != "delete" && other != "merge" => {
                    return Err(Failure::unforeseen(&format!("unknown patch type: {other} in map: {}", go_map(item))));
                }
                (_, Some(key)) if item.get(key).is_none() => {
                    return Err(Failure::unforeseen(&format!("map: {} does not contain declared merge key: {key}", go_map(item))));
                }
                _ => sound(item, inner)?,
            }
        }
        if value.is_object() {
            sound(value, inner)?;
        }
    }
    Ok(())
}

/// A value as Go prints it.
fn go_map(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<String> = map.iter().map(|(k, v)| format!("{k}:{}", go_map(v))).collect();
            pairs.sort();
            format!("map[{}]", pairs.join(" "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(go_map).collect::<Vec<_>>().join(" ")),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn go_sentence(patch: &[u8], error: &serde_json::Error) -> String {
    if patch.is_empty() || error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let at = error.column().saturating_sub(1);
    let c = patch.get(at).map_or('?', |b| char::from(*b));
    format!("invalid character '{c}' looking for beginning of value")
}

fn strategic(target: &mut Value, patch: Value, message: &'static Message) -> Result<(), Failure> {
    let Value::Object(patch) = patch else {
        return Err(Failure::bad_request("error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"));
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(target) = target.as_object_mut() else { return Ok(()) };
    merge_object(target, patch, Some(message));
    Ok(())
}

fn merge_object(target: &mut Map<String, Value>, mut patch: Map<String, Value>, message: Option<&'static Message>) {
    match patch.shift_remove("$patch").as_ref().and_then(Value::as_str) {
        Some("replace") => {
            patch.retain(|_, v| !v.is_null());
            *target = patch;
            return;
        }
        Some("delete") => {
            target.clear();
            return;
        }
        _ => {}
    }
    if let Some(Value::Array(keys)) = patch.shift_remove("$retainKeys") {
        target.retain(|k, _| keys.iter().any(|key| key.as_str() == Some(k)));
    }
    let orders: Vec<(String, Value)> = patch
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("$setElementOrder/")?.to_owned(), value.clone())))
        .collect();
    for (name, value) in patch {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(target)), Value::Array(gone)) = (target.get_mut(list), &value) {
                target.retain(|v| !gone.contains(v));
            }
            continue;
        }
        if name.starts_with("$setElementOrder/") {
            continue;
        }
        let field = message.and_then(|m| m.field(&name));
        let order = orders.iter().find(|(list, _)| *list == name).and_then(|(_, order)| order.as_array());
        merge_field(target, name, value, field, order);
    }
}

fn merge_field(target: &mut Map<String, Value>, name: String, value: Value, field: Option<&'static Field>, order: Option<&Vec<Value>>) {
    match value {
        Value::Null => drop(target.shift_remove(&name)),
        Value::Object(patch) => {
            let message = field.filter(|f| f.shape == Shape::One).and_then(|f| SCHEMA.of(f.form));
            let mut inner = match target.shift_remove(&name) {
                Some(Value::Object(old)) => old,
                _ => Map::new(),
            };
            merge_object(&mut inner, patch, message);
            target.insert(name, Value::Object(inner));
        }
        Value::Array(patch) => {
            let key = field.and_then(|f| f.strategy.merge_key);
            let old = match target.get_mut(&name) {
                Some(Value::Array(old)) => std::mem::take(old),
                _ => Vec::new(),
            };
            let message = field.and_then(|f| SCHEMA.of(f.form));
            let merged = match key {
                Some("") => merge_plain(old, patch),
                Some(key) => {
                    let mut named: Vec<Value> = patch.iter().filter(|v| v["$patch"] != "delete").map(|v| v[key].clone()).collect();
                    if let Some(order) = order {
                        let place = |k: &Value| order.iter().position(|o| o[key] == *k).unwrap_or(usize::MAX);
                        named = order.iter().map(|o| o[key].clone()).chain(named.into_iter().filter(|k| place(k) == usize::MAX)).collect();
                    }
                    let before: Vec<Value> = old.iter().map(|v| v[key].clone()).collect();
                    in_order(merge_list(old, patch, key, message), &named, &before, key)
                }
                None => patch,
            };
            target.insert(name, Value::Array(merged));
        }
        other => drop(target.insert(name, other)),
    }
}

/// The order of a merged list: what the patch names stands in the order of the patch, and what only the server has is put in front of
/// the first named one that stood behind it before.
fn in_order(merged: Vec<Value>, named: &[Value], before: &[Value], key: &str) -> Vec<Value> {
    let was = |item: &Value| before.iter().position(|k| *k == item[key]);
    let (mut right, left): (Vec<Value>, Vec<Value>) = merged.into_iter().partition(|item| named.contains(&item[key]));
    right.sort_by_key(|item| named.iter().position(|k| *k == item[key]));
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    let mut out = Vec::new();
    while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
        let less = matches!((was(l), was(r)), (Some(l), Some(r)) if l < r);
        out.extend(if less { left.next() } else { right.next() });
    }
    out.extend(left);
    out.extend(right);
    out
}

fn merge_plain(mut old: Vec<Value>, patch: Vec<Value>) -> Vec<Value> {
    for value in patch {
        if !old.contains(&value) {
            old.push(value);
        }
    }
    old
}

fn merge_list(mut old: Vec<Value>, patch: Vec<Value>, key: &str, message: Option<&'static Message>) -> Vec<Value> {
    if patch.iter().any(|v| v["$patch"] == "replace") {
        return patch.into_iter().filter(|v| v.get("$patch").is_none()).collect();
    }
    for item in patch {
        let Value::Object(item) = item else { continue };
        let found = old.iter().position(|o| o.get(key) == item.get(key));
        match (found, item.get("$patch").and_then(Value::as_str)) {
            (Some(i), Some("delete")) => drop(old.remove(i)),
            (None, Some("delete")) => {}
            (Some(i), _) => {
                if let Some(target) = old[i].as_object_mut() {
                    merge_object(target, item, message);
                }
            }
            (None, _) => {
                let mut fresh = Map::new();
                merge_object(&mut fresh, item, message);
                old.push(Value::Object(fresh));
            }
        }
    }
    old
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Kind, apply};
    use crate::sim::wire::schema::SCHEMA;

    fn patched(kind: Kind, patch: &Value) -> Value {
        let object = json!({"metadata": {"name": "a", "labels": {"x": "1"}}, "spec": {"replicas": 1, "template": {"spec": {
            "containers": [{"name": "c", "image": "i:1", "env": [{"name": "A", "value": "1"}]}, {"name": "d", "image": "j:1"}]}}}});
        apply(kind, &object, patch.to_string().as_bytes(), SCHEMA.message("apps/v1.Deployment")).expect("a patch")
    }

    #[test]
    fn a_strategic_patch_merges_containers_by_name_and_a_merge_patch_replaces_them() {
        let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}}});
        let strategic = patched(Kind::Strategic, &patch);
        assert_eq!(strategic.pointer("/spec/template/spec/containers/0/env/0/value"), Some(&json!("1")));
        assert_eq!(strategic.pointer("/spec/template/spec/containers/0/image"), Some(&json!("i:2")));
        assert_eq!(strategic.pointer("/spec/template/spec/containers/1/name"), Some(&json!("d")));
        let merge = patched(Kind::Merge, &patch);
        assert_eq!(merge.pointer("/spec/template/spec/containers").and_then(Value::as_array).map(Vec::len), Some(1));
    }

    #[test]
    fn a_strategic_patch_deletes_and_replaces_by_its_directives() {
        let out = patched(Kind::Strategic, &json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "$patch": "delete"}]}}}}));
        assert_eq!(out.pointer("/spec/template/spec/containers/0/name"), Some(&json!("d")));
        let out = patched(Kind::Strategic, &json!({"spec": {"template": {"$patch": "replace", "metadata": {"labels": {"a": "b"}}}}}));
        assert_eq!(out.pointer("/spec/template"), Some(&json!({"metadata": {"labels": {"a": "b"}}})));
        let out = patched(Kind::Strategic, &json!({"metadata": {"labels": {"x": null, "y": "2"}}}));
        assert_eq!(out.pointer("/metadata/labels"), Some(&json!({"y": "2"})));
    }

    #[test]
    fn a_json_patch_whose_test_fails_is_refused_without_details() {
        let patch = json!([{"op": "test", "path": "/spec/replicas", "value": 9}, {"op": "replace", "path": "/spec/replicas", "value": 2}]);
        let failure = apply(Kind::Json, &json!({"spec": {"replicas": 1}}), patch.to_string().as_bytes(), None).expect_err("a refusal");
        assert_eq!((failure.code, failure.reason), (422, "Invalid"));
    }
}
