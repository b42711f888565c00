//! Other forms of stored objects: the two Event APIs, PartialObjectMetadata.
//!
//! Owns the conversion between them.

use serde_json::{Map, Value, json};

/// Old name and new name of each field that the two Event APIs spell differently.
const EVENT_FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// The path of a field of events.k8s.io/v1 as it is stored.
pub(crate) fn stored_event_field(path: &str) -> String {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let first = EVENT_FIELDS.iter().find(|(_, new)| *new == first).map_or(first, |(old, _)| *old);
    rest.map_or_else(|| first.to_owned(), |rest| format!("{first}.{rest}"))
}

/// A stored Event as events.k8s.io/v1 shows it.
pub(crate) fn event_to_new(mut event: Value) -> Value {
    if let Some(fields) = event.as_object_mut() {
        fields.retain(|name, value| !matches!(name.as_str(), "reportingComponent" | "reportingInstance") || *value != "");
    }
    renamed(event, |name| EVENT_FIELDS.iter().find(|(old, _)| *old == name).map(|(_, new)| *new))
}

/// An Event of events.k8s.io/v1 as it is stored.
pub(crate) fn event_from_new(event: Value) -> Value {
    let mut out = renamed(event, |name| EVENT_FIELDS.iter().find(|(_, new)| *new == name).map(|(old, _)| *old));
    for field in ["firstTimestamp", "lastTimestamp"] {
        if out.get(field).is_none() {
            out[field] = Value::Null;
        }
    }
    for (field, empty) in [("involvedObject", json!({})), ("source", json!({})), ("reportingComponent", json!("")), ("reportingInstance", json!(""))]
    {
        if out[field].is_null() {
            out[field] = empty;
        }
    }
    out
}

fn renamed(event: Value, other: impl Fn(&str) -> Option<&'static str>) -> Value {
    let Value::Object(fields) = event else { return event };
    let renamed = fields.into_iter().map(|(name, value)| (other(&name).map_or(name, str::to_owned), value));
    Value::Object(renamed.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{event_from_new, event_to_new};

    #[test]
    fn an_event_is_the_same_in_both_apis() {
        let old = json!({"metadata": {"name": "a"}, "involvedObject": {"kind": "Pod"}, "message": "m", "source": {"component": "c"},
            "firstTimestamp": null, "lastTimestamp": null, "eventTime": null, "reportingComponent": "c", "reportingInstance": ""});
        let new = event_to_new(old.clone());
        assert_eq!(new["note"], "m");
        assert_eq!(event_from_new(new), old);
    }
}
