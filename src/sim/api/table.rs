//! Tables: what kubectl prints, computed by the server.
//!
//! Owns the columns of each kind (`columns.txt`) and their cells, after k8s.io/kubernetes/pkg/printers. Cells hold ages, so they
//! depend on the time.

mod pod;
mod rest;
mod workload;

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kinds::{Res, known};
use crate::base::age;

struct Column {
    name: &'static str,
    kind: &'static str,
    format: &'static str,
    priority: i64,
}

static COLUMNS: LazyLock<HashMap<&'static str, Vec<Column>>> = LazyLock::new(|| {
    let lines = include_str!("columns.txt").lines().filter(|l| !l.starts_with('#'));
    lines
        .filter_map(|l| l.split_once('|'))
        .map(|(plural, columns)| (plural, columns.split('|').filter_map(column).collect()))
        .collect()
});

fn column(text: &'static str) -> Option<Column> {
    let mut parts = text.rsplitn(4, ':');
    let priority = parts.next()?.parse().ok()?;
    let (format, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Column { name, kind, format, priority })
}

static DEFAULT: [Column; 2] =
    [Column { name: "Name", kind: "string", format: "name", priority: 0 }, Column { name: "Created At", kind: "date", format: "", priority: 0 }];

fn columns_of(res: Res) -> &'static [Column] {
    // metrics.k8s.io has kinds of the same names and other columns.
    if res == known().node_metrics || res == known().pod_metrics {
        return &DEFAULT;
    }
    COLUMNS.get(res.row().plural).map_or(&DEFAULT, Vec::as_slice)
}

/// `columnDefinitions` of a kind. Descriptions are empty: see assets/simulator.md.
pub(crate) fn columns(res: Res) -> Value {
    let all = columns_of(res).iter();
    all.map(|c| json!({"name": c.name, "type": c.kind, "format": c.format, "description": "", "priority": c.priority}))
        .collect()
}

/// The cells of one object (without kind and apiVersion), in the order of the columns.
pub(crate) fn cells(res: Res, object: &Value, now: Timestamp) -> Vec<Value> {
    if std::ptr::eq(columns_of(res), &DEFAULT) {
        return vec![object["metadata"]["name"].clone(), object["metadata"]["creationTimestamp"].clone()];
    }
    let see = See { object, now };
    if res == known().pods { pod::cells(&see) } else { workload::cells(res, &see).unwrap_or_else(|| rest::cells(res, &see)) }
}

/// `conditions` of a row: a pod that has ended.
pub(crate) fn conditions(res: Res, object: &Value) -> Value {
    let phase = object["status"]["phase"].as_str().unwrap_or_default();
    let message = match phase {
        "Succeeded" if res == known().pods => "The pod has completed successfully.",
        "Failed" if res == known().pods => "The pod failed.",
        _ => return Value::Null,
    };
    json!([{"type": "Completed", "status": "True", "reason": phase, "message": message}])
}

/// An object at a time.
struct See<'a> {
    object: &'a Value,
    now: Timestamp,
}

impl See<'_> {
    fn name(&self) -> Value {
        self.object["metadata"]["name"].clone()
    }

    fn age(&self) -> Value {
        self.since(&self.object["metadata"]["creationTimestamp"])
    }

    fn since(&self, at: &Value) -> Value {
        json!(self.since_text(at))
    }

    fn since_text(&self, at: &Value) -> String {
        let at = at.as_str().and_then(|t| t.parse::<Timestamp>().ok());
        at.map_or_else(|| "<unknown>".to_owned(), |at| age::human(self.now.as_second() - at.as_second()))
    }
}

/// Names and images of containers, comma separated.
fn containers(spec: &Value) -> [Value; 2] {
    ["name", "image"].map(|field| {
        let all = spec["containers"].as_array().into_iter().flatten();
        json!(all.map(|c| c[field].as_str().unwrap_or_default()).collect::<Vec<_>>().join(","))
    })
}

/// A map as `a=b,c=d`; an empty one as `<none>`.
fn labels(map: &Value) -> Value {
    let mut all: Vec<String> = map
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()))
        .collect();
    all.sort();
    json!(if all.is_empty() { "<none>".to_owned() } else { all.join(",") })
}

/// A meta.v1.LabelSelector as text; an empty one as `<none>`.
fn selector(selector: &Value) -> Value {
    let mut all: Vec<String> = selector["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()))
        .collect();
    all.sort();
    for e in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = e["key"].as_str().unwrap_or_default();
        let values: Vec<&str> = e["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        all.push(match e["operator"].as_str() {
            Some("In") => format!("{key} in ({})", values.join(",")),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("DoesNotExist") => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    json!(if all.is_empty() { "<none>".to_owned() } else { all.join(",") })
}

/// A number; what is missing is 0.
fn count(value: &Value) -> Value {
    json!(value.as_i64().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{cells, columns, columns_of};
    use crate::sim::api::kinds::KINDS;

    #[test]
    fn every_kind_has_as_many_cells_as_columns() {
        let now = "2026-11-22T14:33:12Z".parse().expect("a time");
        for (res, row) in KINDS.all() {
            let object = json!({"metadata": {"name": "a", "creationTimestamp": "2026-11-22T14:30:00Z"}});
            assert_eq!(cells(res, &object, now).len(), columns_of(res).len(), "{}", row.kind);
            assert_eq!(columns(res)[0]["name"], if row.kind == "Event" { "Last Seen" } else { "Name" }, "{}", row.kind);
        }
    }
}
