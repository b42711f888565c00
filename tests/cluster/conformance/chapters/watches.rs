//! Watches: where they start, what they leave out, how they end.
//!
//! Each is opened at a version that is already past, and ends by itself a second later.

use serde_json::{Value, json};

use crate::conformance::row::{JSON, MERGE, PARTIAL, Row, TABLE};

const MAPS: &str = "/api/v1/namespaces/{ns}/configmaps";

pub(super) fn rows() -> Vec<Row> {
    [changes(), watched(), started(), refused()].concat()
}

/// Objects come, change, enter and leave a selection, and go.
fn changes() -> Vec<Row> {
    let map = |name: &str, labels: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}});
    let label = |value: Value| json!({"metadata": {"labels": {"chosen": value}}});
    vec![
        Row::get("the start", format!("{MAPS}?labelSelector=of%3Dwatches")).keep("start", "/metadata/resourceVersion"),
        Row::post("a comes", MAPS, &map("a", json!({"of": "watches", "chosen": "yes"}))),
        Row::post("b comes", MAPS, &map("b", json!({"of": "watches"}))).keep("middle", "/metadata/resourceVersion"),
        Row::patch("b enters", format!("{MAPS}/b"), MERGE, &label(json!("yes"))),
        Row::patch("a leaves", format!("{MAPS}/a"), MERGE, &label(Value::Null)),
        Row::patch("b changes", format!("{MAPS}/b"), MERGE, &json!({"data": {"k": "v"}})),
        Row::post("c comes", MAPS, &map("c", json!({"of": "watches", "chosen": "yes"}))),
        Row::patch("c is held", format!("{MAPS}/c"), MERGE, &json!({"metadata": {"finalizers": ["example.com/hold"]}})),
        Row::delete("c is to go", format!("{MAPS}/c"), &Value::Null),
        Row::get("c is going", format!("{MAPS}/c")),
        Row::patch("c is let go", format!("{MAPS}/c"), JSON, &json!([{"op": "remove", "path": "/metadata/finalizers"}])),
        Row::get("c is gone", format!("{MAPS}/c")),
        Row::delete("a goes", format!("{MAPS}/a"), &Value::Null),
        Row::post("a comes again", MAPS, &map("a", json!({"of": "watches"}))).keep("end", "/metadata/resourceVersion"),
    ]
}

fn watch(query: &str) -> String {
    format!("{MAPS}?watch=1&timeoutSeconds=1&{query}")
}

fn watched() -> Vec<Row> {
    let mut rows = Vec::new();
    for (form, title) in [("application/json", "whole"), (TABLE, "table"), (PARTIAL, "metadata")] {
        for (name, query) in [
            ("from the start", "labelSelector=of%3Dwatches&resourceVersion={start}"),
            ("from the middle", "labelSelector=of%3Dwatches&resourceVersion={middle}"),
            ("from the end", "labelSelector=of%3Dwatches&resourceVersion={end}"),
            ("what is chosen", "labelSelector=chosen%3Dyes&resourceVersion={start}"),
            ("what is not chosen", "labelSelector=of%3Dwatches,%21chosen&resourceVersion={start}"),
            ("one by its name", "fieldSelector=metadata.name%3Db&resourceVersion={start}"),
            ("whatever is there", "labelSelector=of%3Dwatches"),
            ("whatever is in the cache", "labelSelector=of%3Dwatches&resourceVersion=0"),
            ("nothing", "labelSelector=of%3Dnothing&resourceVersion=0"),
        ] {
            rows.push(Row::get(format!("{title}: {name}"), watch(query)).accept(form));
        }
    }
    rows.push(Row::get("a table with whole objects", watch("labelSelector=of%3Dwatches&resourceVersion={start}&includeObject=Object")).accept(TABLE));
    rows.push(Row::get("a table without objects", watch("labelSelector=of%3Dwatches&resourceVersion={start}&includeObject=None")).accept(TABLE));
    rows.push(Row::get("one by its path", format!("{MAPS}/b?watch=1&timeoutSeconds=1&resourceVersion={{start}}")));
    rows.push(Row::get("one that is not there", format!("{MAPS}/nosuch?watch=1&timeoutSeconds=1&resourceVersion={{start}}")));
    rows.push(Row::get(
        "everywhere",
        "/api/v1/configmaps?watch=true&timeoutSeconds=1&labelSelector=of%3Dwatches&resourceVersion={start}",
    ));
    rows.push(Row::get(
        "by the old path",
        "/api/v1/watch/namespaces/{ns}/configmaps?watch=&timeoutSeconds=1&labelSelector=of%3Dwatches&resourceVersion={start}",
    ));
    rows
}

fn started() -> Vec<Row> {
    [
        ("with all that is there first", "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"),
        (
            "with all at a version first",
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion={end}",
        ),
        (
            "with all from the cache first",
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=0",
        ),
        ("with all first and no bookmark", "sendInitialEvents=true&resourceVersionMatch=NotOlderThan"),
        (
            "without all first",
            "sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion={end}",
        ),
        ("without all first, from anywhere", "sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=0"),
    ]
    .into_iter()
    .flat_map(|(name, query)| {
        let path = watch(&format!("labelSelector=of%3Dwatches&{query}"));
        [
            Row::get(name, &path),
            Row::get(format!("{name}, as metadata"), &path).accept(PARTIAL),
            Row::get(format!("{name}, as a table"), &path).accept(TABLE),
        ]
    })
    .collect()
}

fn refused() -> Vec<Row> {
    [
        ("all first without a match", "sendInitialEvents=true"),
        ("all first with another match", "sendInitialEvents=true&resourceVersionMatch=Exact&allowWatchBookmarks=true"),
        ("a match without all first", "resourceVersionMatch=NotOlderThan"),
        ("from a version that is a word", "resourceVersion=soon"),
        ("from a version that is none", "resourceVersion=-3"),
        ("with a selector that is none", "labelSelector=%3D&resourceVersion=0"),
        ("by a field that cannot be asked for", "fieldSelector=spec.a%3Db&resourceVersion=0"),
        ("with a page", "limit=1&labelSelector=of%3Dwatches&resourceVersion=0"),
        ("with a token", "continue=abc&labelSelector=of%3Dwatches"),
        ("for a time that is none", "timeoutSeconds=soon&resourceVersion=0&labelSelector=of%3Dwatches"),
    ]
    .into_iter()
    .map(|(name, query)| Row::get(format!("refused: {name}"), watch(query)))
    .collect()
}
