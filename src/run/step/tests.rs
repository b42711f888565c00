//! Where a write stands, and what is sent for it.

use serde_json::json;

use super::{FieldChange, FieldWrite, Form, Position, Stamp, alike};
use crate::target::api::Change;
use crate::target::model::{Kind, ObjectRef};

fn write() -> FieldWrite {
    FieldWrite {
        object: ObjectRef::new(Kind::Deployment, "shop", "api"),
        uid: "u1".into(),
        subresource: "scale",
        changes: vec![FieldChange::new("/spec/replicas", 3, 0).absent(0)],
        form: Form::Merge,
    }
}

#[test]
fn a_template_is_replaced_whole_with_its_precondition_in_either_form() {
    let (old, new) = (json!({ "spec": { "a": 1 } }), json!({ "spec": { "b": 2 } }));
    let changes = vec![FieldChange::new("/spec/template", old, new), FieldChange::new("/metadata/annotations/x~1y", "old", json!(null))];
    let of = |form| FieldWrite { subresource: "", changes: changes.clone(), form, ..write() };
    let tested = of(Form::Tested).request("7").change;
    let Change::JsonPatch(operations) = &tested else { unreachable!("a JSON patch") };
    assert_eq!(
        operations,
        &json!([
            { "op": "test", "path": "/metadata/uid", "value": "u1" },
            { "op": "test", "path": "/metadata/resourceVersion", "value": "7" },
            { "op": "add", "path": "/spec/template", "value": { "spec": { "b": 2 } } },
            { "op": "remove", "path": "/metadata/annotations/x~1y" },
        ])
    );
    let strategic = of(Form::Strategic).request("7").change;
    let Change::StrategicPatch(body) = &strategic else { unreachable!("a strategic patch") };
    assert_eq!(body["spec"]["template"], json!({ "spec": { "b": 2 }, "$patch": "replace" }));
    assert_eq!((FieldWrite::version_of(&tested), FieldWrite::version_of(&strategic)), (Some("7"), Some("7")));
    assert_eq!(FieldWrite::version_of(&Change::JsonPatch(json!([{ "op": "add", "path": "/a", "value": 1 }]))), None);
}

#[test]
fn members_that_are_null_make_no_difference() {
    assert!(alike(&json!({ "a": 1, "creationTimestamp": null }), &json!({ "a": 1 })));
    assert!(alike(&json!({ "a": 1 }), &json!({ "a": 1, "b": null })));
    assert!(!alike(&json!({ "a": 1 }), &json!({ "a": 1, "b": 2 })) && !alike(&json!([1]), &json!([1, 2])));
}

fn scale(uid: &str, replicas: Option<i64>) -> serde_json::Value {
    json!({ "metadata": { "uid": uid, "resourceVersion": "7" }, "spec": replicas.map_or(json!({}), |n| json!({ "replicas": n })) })
}

#[test]
fn a_write_carries_identity_and_version_and_nothing_but_its_fields() {
    let Change::MergePatch(body) = write().request("88213").change else { unreachable!("a merge patch") };
    assert_eq!(body, json!({ "metadata": { "uid": "u1", "resourceVersion": "88213" }, "spec": { "replicas": 0 } }));
}

#[test]
fn reading_tells_where_a_write_stands() {
    let write = write();
    let before = || Ok(Position::Before(Stamp { version: "7".into(), generation: None }));
    assert_eq!(write.position(&scale("u1", Some(3))), before());
    assert_eq!(write.position(&scale("u1", None)), Ok(Position::After("7".into())), "an absent count of a Scale is zero");
    assert_eq!(write.position(&scale("u1", Some(7))), Ok(Position::Moved("Deployment shop/api: spec.replicas is 7, not 3".into())));
    assert!(write.position(&scale("u2", Some(3))).is_err(), "another object under the same name");
    assert_eq!(write.reversed().position(&scale("u1", None)), before());
    assert_eq!(write.reversed().words(), "replicas 0 -> 3");
}
