//! Other forms of stored objects: the two Event APIs, PartialObjectMetadata.
//!
//! Owns the conversion between them.

use serde_json::{Map, Value, json};

use super::kinds::Res;

/// `/v1, Resource=pods`, `apps/v1, Resource=deployments`: how the server's errors name a resource.
pub(crate) fn group_version_resource(res: Res) -> String {
    let row = res.row();
    format!("{}/{}, Resource={}", row.group, row.version, row.plural)
}

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

/// A stored Event as events.k8s.io/v1 shows it.
pub(crate) fn event_to_new(event: Value) -> Value {
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
