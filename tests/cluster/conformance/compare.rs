//! Two answers, field by field.
//!
//! Owns what may differ without being a difference (ids, times, versions, addresses, generated names) and how a field is named in a
//! report. What is a known difference is decided elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

/// One field in which two answers differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// `body.items[web].spec.replicas`.
    pub(crate) path: String,
    /// As the simulator answers; `None` = not there.
    pub(crate) simulated: Option<String>,
    /// As the real server answers.
    pub(crate) real: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not there)".to_owned());
        write!(f, "{}\n      simulated: {}\n      real:      {}", self.path, shown(&self.simulated), shown(&self.real))
    }
}

/// All fields in which two answers differ.
pub(crate) fn differences(simulated: &Value, real: &Value) -> Vec<Difference> {
    let (simulated, mut real) = (fields(simulated), fields(real));
    let mut all = Vec::new();
    for (path, ours) in simulated {
        let theirs = real.remove(&path);
        let same = match &theirs {
            // What only one has is a difference of its own.
            Some(theirs) if path.ends_with(ORDER) => in_common(&ours, theirs) == in_common(theirs, &ours),
            theirs => theirs.as_ref() == Some(&ours),
        };
        if !same {
            all.push(Difference { path, simulated: Some(ours), real: theirs });
        }
    }
    all.extend(real.into_iter().map(|(path, theirs)| Difference { path, simulated: None, real: Some(theirs) }));
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

/// Behind the path of a list: the names of its elements, in order.
const ORDER: &str = "[order]";

fn in_common<'a>(names: &'a str, other: &str) -> Vec<&'a str> {
    names.split(' ').filter(|name| other.split(' ').any(|o| o == *name)).collect()
}

/// Every leaf of an answer by its path.
fn fields(answer: &Value) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    flatten(answer, String::new(), &mut out);
    out
}

fn flatten(value: &Value, path: String, out: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(value, below, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let names = names(items);
            if let Some(names) = &names {
                out.insert(format!("{path}{ORDER}"), names.join(" "));
            }
            for (i, item) in items.iter().enumerate() {
                let name = names.as_ref().map_or_else(|| i.to_string(), |n| n[i].clone());
                flatten(item, format!("{path}[{name}]"), out);
            }
        }
        leaf => {
            out.insert(path, leaf.to_string());
        }
    }
}

/// What the elements of a list are called, where each has a name of its own: a list that lacks one element then differs in that
/// element only.
fn names(items: &[Value]) -> Option<Vec<String>> {
    let name = |item: &Value| {
        let of = ["/metadata/name", "/object/metadata/name", "/name", "/resource", "/subresource", "/type"];
        of.iter().find_map(|pointer| item.pointer(pointer).and_then(Value::as_str)).map(str::to_owned)
    };
    let names: Vec<String> = items.iter().filter(|item| item["type"].is_null() || item["object"].is_null()).filter_map(name).collect();
    let mut sorted = names.clone();
    sorted.sort();
    sorted.dedup();
    (sorted.len() == items.len()).then_some(names)
}

static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let safe = "[bcdfghjklmnpqrstvwxz2456789]";
    let rules = [
        ("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".to_owned(), "<uid>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z".to_owned(), "<time>"),
        (r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b".to_owned(), "<ip>"),
        (r"(?i)(resource ?version:? )\(?\d+\)?( \(\d+\))?".to_owned(), "$1<rv>"),
        (r"\bdefault-scheduler-\w+".to_owned(), "default-scheduler-<node>"),
        ("[0-9a-f]{64}".to_owned(), "<digest>"),
        (format!(r"\b(node-[1-3]|{})\b", crate::bed::node::NAME), "<node>"),
        (r"\b\d/\d nodes are available: \d ".to_owned(), "<n> nodes are available: <n> "),
        ("=[bcdfghjklmnpqrstvwxz2456789]{8,10}$".to_owned(), "=<hash>"),
        (r"\.[0-9a-f]{16}\b".to_owned(), ".<time>"),
        (r"UID in object meta: *\S*".to_owned(), "UID in object meta: <uid>"),
        // Hashes of templates and generated suffixes.
        (format!(r"-{safe}{{8,10}}-{safe}{{5}}\b"), "-<hash>-<suffix>"),
        (format!(r"-{safe}{{8,10}}\b"), "-<hash>"),
        (format!(r"-{safe}{{5}}\b"), "-<suffix>"),
    ];
    rules.into_iter().map(|(rule, name)| (Regex::new(&rule).expect("a rule"), name)).collect()
});
static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(<invalid>|0|\d+[smhdy](\d+[smhd])?)( ago)?$").expect("a rule"));

/// An answer without what is different on any two servers.
pub(crate) fn normal(answer: &Value, namespace: &str) -> Value {
    let mut answer = answer.clone();
    if answer["body"].is_array() {
        answer["body"] = json!(calm(answer["body"].as_array().cloned().unwrap_or_default()));
    }
    normalise(&answer, "", namespace, false)
}

fn normalise(value: &Value, field: &str, namespace: &str, cell: bool) -> Value {
    match value {
        Value::Object(map) => {
            let one = |(name, value): (&String, &Value)| {
                let value = normalise(value, name, namespace, cell);
                (name.replace(namespace, "<ns>"), value)
            };
            Value::Object(map.iter().map(one).collect::<Map<_, _>>())
        }
        // Who wrote which field is one fact here, not a hundred.
        Value::Array(_) if field == "managedFields" => json!("<writers>"),
        Value::Array(items) => items.iter().map(|item| normalise(item, field, namespace, cell || field == "cells")).collect(),
        Value::String(text) => json!(words(text, field, namespace, cell)),
        Value::Number(_) if field == "nodePort" => json!("<port>"),
        other => other.clone(),
    }
}

fn words(text: &str, field: &str, namespace: &str, cell: bool) -> String {
    match field {
        _ if text.is_empty() => return String::new(),
        "resourceVersion" => return "<rv>".to_owned(),
        "continue" => return "<token>".to_owned(),
        "pod-template-hash" | "controller-revision-hash" | "controller.kubernetes.io/hash" => return "<hash>".to_owned(),
        _ if cell && AGE.is_match(text) => return "<age>".to_owned(),
        _ => {}
    }
    let text = text.replace(namespace, "<ns>");
    RULES.iter().fold(text, |text, (rule, name)| rule.replace_all(&text, *name).into_owned())
}

/// The events of a watch without the steps between: what a controller does in one write or in three is its own business.
fn calm(events: Vec<Value>) -> Vec<Value> {
    let mut calm: Vec<Value> = Vec::new();
    let who = |event: &Value| (event["object"]["metadata"]["name"].clone(), event["object"]["rows"][0]["object"]["metadata"]["name"].clone());
    for event in events {
        let last = calm.iter_mut().rev().find(|earlier| who(earlier) == who(&event));
        match last {
            Some(last) if event["type"] == "MODIFIED" && matches!(last["type"].as_str(), Some("MODIFIED")) => *last = event,
            _ => calm.push(event),
        }
    }
    calm
}

/// Proves that a difference is seen, wherever it is, and that what may differ is not one.
pub(crate) fn finds_what_differs() {
    let answer = |body: Value| normal(&json!({"code": 200, "body": body}), "shop-1");
    let of = |ours: Value, theirs: Value| differences(&answer(ours), &answer(theirs)).into_iter().map(|d| d.path).collect::<Vec<_>>();
    let none = Vec::<String>::new();
    assert_eq!(of(json!({"a": {"b": 1}}), json!({"a": {"b": 2}})), ["body.a.b"]);
    assert_eq!(of(json!({"a": [{"name": "x", "v": 1}]}), json!({"a": [{"name": "x", "v": 1}, {"name": "y"}]})), ["body.a[y].name"]);
    let named = |a: &str, b: &str| json!({"a": [{"name": a}, {"name": b}]});
    assert_eq!(of(named("x", "y"), named("y", "x")), ["body.a[order]"]);
    assert_eq!(of(json!({"a": ""}), json!({})), ["body", "body.a"]);
    assert_eq!(of(json!([1, 2]), json!([1])), ["body[1]"]);
    let times = |time: &str, version: &str| json!({"metadata": {"creationTimestamp": time, "resourceVersion": version}});
    assert_eq!(of(times("2026-11-01T00:00:00Z", "12"), times("2026-11-02T10:00:00Z", "345")), none);
    assert_eq!(of(json!("web-6b7f9c5d4f-x8z2q"), json!("web-7c9d8b6f5-b4k2t")), none);
    assert_eq!(of(json!("web-api"), json!("web-app")), ["body"]);
    let event = |kind: &str, n: u8| json!({"type": kind, "object": {"metadata": {"name": "a"}, "n": n}});
    assert_eq!(
        of(json!([event("ADDED", 1), event("MODIFIED", 2), event("MODIFIED", 3)]), json!([event("ADDED", 1), event("MODIFIED", 3)])),
        none
    );
    assert_eq!(of(json!([event("ADDED", 1), event("DELETED", 3)]), json!([event("ADDED", 1), event("MODIFIED", 3)])), ["body[1].type"]);
}
