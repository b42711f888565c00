//! What differs between two values, field by field, as it may be shown.
//!
//! Owns the walk through maps and named lists. What is hidden is decided by `scrub`. Pure.

use serde_json::{Map, Value};

use super::dotted;
use crate::run::scrub;

/// More differences than anybody reads; the rest is counted.
const MOST: usize = 40;

/// One field that differs.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) struct Difference {
    /// `spec.template.spec.containers.api.image`.
    pub field: String,
    /// As it may be shown.
    pub before: Value,
    /// As it may be shown.
    pub after: Value,
}

/// Differences below `pointer`, in the order of the fields; values that are no maps are one difference.
pub(in crate::run) fn between(pointer: &str, before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let empty = Value::Object(Map::new());
    // What is made anew is told field by field as well: most of it is plainly no secret.
    if (before.is_object() || before.is_null()) && after.is_object() {
        walk(pointer, if before.is_null() { &empty } else { before }, after, &mut found);
    } else {
        found.push(one(pointer, before, after));
    }
    let rest = found.len().saturating_sub(MOST);
    if rest > 0 {
        found.truncate(MOST);
        let text = format!("{rest} more fields differ");
        found.push(Difference { field: format!("{}: {text}", dotted(pointer)), before: Value::Null, after: Value::Null });
    }
    found
}

fn one(pointer: &str, before: &Value, after: &Value) -> Difference {
    Difference { field: dotted(pointer), before: scrub::field(pointer, before), after: scrub::field(pointer, after) }
}

fn walk(pointer: &str, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    if super::alike(before, after) {
        return;
    }
    match (members(before), members(after)) {
        (Some(a), Some(b)) => {
            let null = Value::Null;
            let keys = a.keys().chain(b.keys().filter(|k| !a.contains_key(*k)));
            for key in keys {
                let inner = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                walk(&inner, a.get(key).unwrap_or(&null), b.get(key).unwrap_or(&null), found);
            }
        }
        _ => found.push(one(pointer, before, after)),
    }
}

/// A map, or a list whose items all have names of their own: containers, variables, volumes.
fn members(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map.clone()),
        Value::Array(items) if !items.is_empty() => {
            let named: Map<String, Value> = items.iter().filter_map(|i| Some((i.get("name")?.as_str()?.to_owned(), i.clone()))).collect();
            (named.len() == items.len()).then_some(named)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::between;

    #[test]
    fn a_template_is_told_field_by_field_and_what_may_be_secret_is_hidden() {
        let template = |image: &str, password: &str| {
            json!({ "spec": { "containers": [
            { "name": "api", "image": image, "env": [{ "name": "DB_PASSWORD", "value": password }] }, { "name": "side", "image": "s:1" }] } })
        };
        let found = between("/spec/template", &template("api:2", "new"), &template("api:1", "old"));
        let told: Vec<(&str, &Value, &Value)> = found.iter().map(|d| (d.field.as_str(), &d.before, &d.after)).collect();
        assert_eq!(
            told,
            [
                ("spec.template.spec.containers.api.image", &json!("api:2"), &json!("api:1")),
                ("spec.template.spec.containers.api.env.DB_PASSWORD.value", &json!("<hidden>"), &json!("<hidden>")),
            ]
        );
        let made = between("/spec", &json!(null), &json!({ "image": "pg:15", "command": ["sh"] }));
        let told: Vec<(&str, &Value)> = made.iter().map(|d| (d.field.as_str(), &d.after)).collect();
        assert_eq!(told, [("spec.image", &json!("pg:15")), ("spec.command", &json!("<hidden>"))]);
        let one = between("/spec/replicas", &json!(3), &json!(5));
        assert_eq!((one.len(), one[0].field.as_str(), &one[0].after), (1, "spec.replicas", &json!(5)));
    }

    #[test]
    fn there_is_an_end_to_it() {
        let many = |n: i64| Value::Object((0..100).map(|k| (format!("k{k}"), json!(n))).collect());
        let found = between("/spec/template", &many(1), &many(2));
        assert_eq!((found.len(), found[40].field.as_str()), (41, "spec.template: 60 more fields differ"));
    }
}
