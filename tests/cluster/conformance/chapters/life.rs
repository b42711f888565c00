//! What every kind must answer alike: made, read in every form, changed in every way, refused in every way, deleted.
//!
//! Owns the family of requests that is played for each object of `kinds.yaml`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::conformance::row::{JSON, MERGE, PARTIAL, PARTIAL_LIST, Row, STRATEGIC, TABLE};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    plural: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    subresources: Vec<String>,
    object: Value,
}

/// One kind and where its objects are.
struct Subject {
    /// `pods`, `deployments.apps`: in front of the names of its rows.
    title: String,
    /// Path of the list.
    base: String,
    /// Path of the object.
    path: String,
    /// What only its own objects carry.
    selector: String,
    subresources: Vec<String>,
    object: Value,
}

pub(super) fn rows() -> Vec<Row> {
    let kinds: Vec<Kind> = serde_saphyr::from_multiple(include_str!("../kinds.yaml")).unwrap_or_else(|error| panic!("kinds.yaml: {error}"));
    kinds.into_iter().map(Subject::of).flat_map(|subject| subject.rows()).collect()
}

impl Subject {
    fn of(kind: Kind) -> Self {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let (version, name) = (text(&kind.object["apiVersion"]), text(&kind.object["metadata"]["name"]));
        let group = version.split_once('/').map(|(group, _)| format!(".{}", group.split('.').next().unwrap_or_default()));
        let title = format!("{}{}", kind.plural, group.unwrap_or_default());
        let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
        let base = if kind.scope == "cluster" { format!("{root}/{}", kind.plural) } else { format!("{root}/namespaces/{{ns}}/{}", kind.plural) };
        let mut object = kind.object;
        object["metadata"]["labels"] = json!({"conformance": "{ns}", "kind": title});
        let path = format!("{base}/{name}");
        let selector = format!("labelSelector=conformance%3D{{ns}},kind%3D{title}");
        Self { title, base, path, selector, subresources: kind.subresources, object }
    }

    fn rows(&self) -> Vec<Row> {
        let parts = [self.before(), self.refused(), self.made(), self.changed(), self.wrong_changes(), self.parts(), self.deleted()];
        let named = |mut row: Row| {
            row.name = format!("{}: {}", self.title, row.name);
            row
        };
        parts.into_iter().flatten().map(named).collect()
    }

    fn list(&self) -> String {
        format!("{}?{}", self.base, self.selector)
    }

    fn with(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut object = self.object.clone();
        change(&mut object);
        object
    }

    fn before(&self) -> Vec<Row> {
        vec![
            Row::get("the empty list", self.list()).keep("start", "/metadata/resourceVersion"),
            Row::get("the empty table", self.list()).accept(TABLE),
            Row::get("one that is not there", &self.path),
            Row::get("one that is not there, as a table", &self.path).accept(TABLE),
            Row::delete("deleting what is not there", &self.path, &Value::Null),
            Row::patch("patching what is not there", &self.path, MERGE, &json!({"metadata": {"labels": {"a": "b"}}})),
            Row::method("POST", "posting to a name", &self.path).raw("application/json", &self.object.to_string()),
            Row::method("PUT", "replacing the list", &self.base).raw("application/json", &self.object.to_string()),
            Row::get("a subresource that is not there", format!("{}/nosuch", self.path)),
        ]
    }

    fn refused(&self) -> Vec<Row> {
        let post = |name: &str, object: &Value| Row::post(name, format!("{}?dryRun=All", self.base), object);
        let strict = |name: &str, object: &Value| Row::post(name, format!("{}?dryRun=All&fieldValidation=Strict", self.base), object);
        let unknown = self.with(|o| o["metadata"]["nosuch"] = json!(1));
        let deep = self.with(|o| o["nosuch"] = json!({"a": 1}));
        let text = self.object.to_string();
        vec![
            post("made on trial", &self.object),
            post("without a name", &self.with(|o| o["metadata"]["name"] = json!(""))),
            post("with a generated name", &self.with(|o| o["metadata"] = json!({"generateName": "made-"}))),
            post("with a wrong name", &self.with(|o| o["metadata"]["name"] = json!("Wrong_Name"))),
            post("with a name too long", &self.with(|o| o["metadata"]["name"] = json!("x".repeat(254)))),
            post("with a wrong label", &self.with(|o| o["metadata"]["labels"]["a"] = json!("not good!"))),
            post("with a wrong label's name", &self.with(|o| o["metadata"]["labels"]["not good"] = json!("a"))),
            post("with a wrong annotation's name", &self.with(|o| o["metadata"]["annotations"] = json!({"not good": "a"}))),
            post("with a wrong finalizer", &self.with(|o| o["metadata"]["finalizers"] = json!(["nobody knows"]))),
            post("with a version of its own", &self.with(|o| o["metadata"]["resourceVersion"] = json!("12"))),
            post("in another namespace", &self.with(|o| o["metadata"]["namespace"] = json!("elsewhere"))),
            post("of another kind", &self.with(|o| o["kind"] = json!("Binding"))),
            post("of another version", &self.with(|o| o["apiVersion"] = json!("example.com/v9"))),
            post(
                "without kind and version",
                &self.with(|o| {
                    o["kind"] = json!("");
                    o["apiVersion"] = json!("");
                }),
            ),
            post("with an unknown field", &unknown),
            post("with another unknown field", &deep),
            strict("with an unknown field, strictly", &unknown),
            strict("with another unknown field, strictly", &deep),
            post("with a label that is a number", &self.with(|o| o["metadata"]["labels"]["a"] = json!(1))),
            post("with a name that is a list", &self.with(|o| o["metadata"]["name"] = json!([]))),
            post("not an object", &json!([])),
            Row::method("POST", "without a body", format!("{}?dryRun=All", self.base)).header("content-type", "application/json"),
            Row::method("POST", "with half a body", format!("{}?dryRun=All", self.base)).raw("application/json", &text[..text.len() / 2]),
            Row::method("POST", "of an unknown type", format!("{}?dryRun=All", self.base)).raw("text/plain", &text),
            Row::post("with an unknown trial", format!("{}?dryRun=Some", self.base), &self.object),
            Row::post("with an unknown validation", format!("{}?fieldValidation=Some", self.base), &self.object),
        ]
    }

    fn made(&self) -> Vec<Row> {
        let base = &self.base;
        vec![
            Row::post("made", base, &self.object).keep("uid", "/metadata/uid"),
            Row::post("made again", base, &self.object),
            Row::get("read", &self.path).settles(),
            Row::get("read as a table", &self.path).accept(TABLE).settles(),
            Row::get("its metadata", &self.path).accept(PARTIAL).settles(),
            Row::get("in a form that is not served", &self.path).accept("text/html"),
            Row::get("in any form", &self.path).accept("*/*").settles(),
            Row::get("the list", self.list()).settles(),
            Row::get("the table", self.list()).accept(TABLE).settles(),
            Row::get("the table with whole objects", format!("{}&includeObject=Object", self.list()))
                .accept(TABLE)
                .settles(),
            Row::get("the table without objects", format!("{}&includeObject=None", self.list())).accept(TABLE).settles(),
            Row::get("the list of metadata", self.list()).accept(PARTIAL_LIST).settles(),
            Row::get("by its name", format!("{}&fieldSelector=metadata.name%3D{}", self.list(), self.name())).settles(),
            Row::get("by another name", format!("{}&fieldSelector=metadata.name%3Dnosuch", self.list())),
            Row::get("by a field that cannot be asked for", format!("{base}?fieldSelector=spec.nosuch%3Da")),
        ]
    }

    fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }

    fn changed(&self) -> Vec<Row> {
        let label = |value: &str| json!({"metadata": {"labels": {"changed": value}}});
        let path = &self.path;
        let add = json!([{"op": "add", "path": "/metadata/annotations", "value": {"example.com/a": "b"}}]);
        vec![
            Row::patch("merged on trial", format!("{path}?dryRun=All"), MERGE, &label("trial")).settles(),
            Row::patch("merged", path, MERGE, &label("merge")).settles(),
            Row::patch("merged with what it is", path, MERGE, &label("merge")).settles(),
            Row::patch("patched with JSON", path, JSON, &add).settles(),
            Row::patch("patched strategically", path, STRATEGIC, &label("strategic")).settles(),
            Row::patch("a label taken away", path, MERGE, &json!({"metadata": {"labels": {"changed": null}}})).settles(),
            Row::patch("an annotation of its own", path, STRATEGIC, &json!({"metadata": {"annotations": {"example.com/c": "d"}}})).settles(),
            Row::put("replaced", path, &self.with(|o| o["metadata"]["labels"]["replaced"] = json!("yes"))).settles(),
            Row::get("as it is now", path).keep("version", "/metadata/resourceVersion").settles(),
            Row::get("the table as it is now", self.list()).accept(TABLE).settles(),
        ]
    }

    fn wrong_changes(&self) -> Vec<Row> {
        let path = &self.path;
        let stale = self.with(|o| o["metadata"]["resourceVersion"] = json!("1"));
        let other = self.with(|o| o["metadata"]["uid"] = json!("11111111-2222-3333-4444-555555555555"));
        vec![
            Row::put("replaced at an old version", path, &stale),
            Row::put("replaced as another object", path, &other),
            Row::put("replaced under another name", path, &self.with(|o| o["metadata"]["name"] = json!("another"))),
            Row::put("replaced at a version that is none", path, &self.with(|o| o["metadata"]["resourceVersion"] = json!("soon"))),
            Row::patch("patched at an old version", path, MERGE, &json!({"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}})),
            Row::patch("a test that does not hold", path, JSON, &json!([{"op": "test", "path": "/metadata/name", "value": "x"}])),
            Row::patch("a path that is not there", path, JSON, &json!([{"op": "remove", "path": "/metadata/nosuch"}])),
            Row::patch("an operation that is none", path, JSON, &json!([{"op": "burn", "path": "/metadata/name"}])),
            Row::patch("a patch that is no list", path, JSON, &json!({"a": "b"})),
            Row::patch("another name by patch", path, MERGE, &json!({"metadata": {"name": "another"}})),
            Row::patch("a wrong label by patch", path, MERGE, &json!({"metadata": {"labels": {"a": "not good!"}}})),
            Row::patch(
                "an unknown field by patch",
                format!("{path}?dryRun=All&fieldValidation=Strict"),
                MERGE,
                &json!({"metadata": {"nosuch": 1}}),
            ),
            Row::method("PATCH", "half a patch", path).raw(MERGE, "{\"metadata\":"),
            Row::method("PATCH", "a patch of unknown type", path).raw("text/plain", "{}"),
            Row::method("PATCH", "a patch that is plain JSON", path).raw("application/json", "{}"),
        ]
    }

    fn parts(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for part in &self.subresources {
            let path = format!("{}/{part}", self.path);
            rows.push(Row::get(format!("its {part}"), &path).settles());
            rows.push(Row::get(format!("its {part} as a table"), &path).accept(TABLE).settles());
            rows.push(Row::delete(format!("deleting its {part}"), &path, &Value::Null));
            rows.push(Row::patch(format!("its {part} with a label"), &path, MERGE, &json!({"metadata": {"labels": {"by-part": "yes"}}})).settles());
            rows.push(Row::get(format!("what its {part} did not change"), &self.path).settles());
        }
        rows
    }

    fn deleted(&self) -> Vec<Row> {
        let path = &self.path;
        let unless = |field: &str, value: &str| json!({"preconditions": {field: value}});
        vec![
            Row::get("watched from the start", format!("{}&watch=1&timeoutSeconds=1&resourceVersion={{start}}", self.list())).settles(),
            Row::get("watched as a table", format!("{}&watch=1&timeoutSeconds=1&resourceVersion=0", self.list()))
                .accept(TABLE)
                .settles(),
            Row::delete("deleted if another", path, &unless("uid", "11111111-2222-3333-4444-555555555555")),
            Row::delete("deleted if older", path, &unless("resourceVersion", "1")),
            Row::delete("deleted in an unknown way", path, &json!({"propagationPolicy": "Somehow"})),
            Row::delete("deleted on trial", format!("{path}?dryRun=All"), &Value::Null),
            Row::delete("all deleted on trial", format!("{}&dryRun=All", self.list()), &Value::Null),
            Row::get("still there", path).settles(),
            Row::delete("deleted", path, &unless("uid", "{uid}")),
            Row::get("gone", path).settles(),
            Row::get("the list without it", self.list()).settles(),
        ]
    }
}
