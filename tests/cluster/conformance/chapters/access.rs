//! Who may do what, as the server says.

use serde_json::{Value, json};

use crate::conformance::row::Row;

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

pub(super) fn rows() -> Vec<Row> {
    let review = |kind: &str, spec: Value| json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec});
    let may = |name: &str, attributes: Value| Row::post(name, REVIEWS, &review("SelfSubjectAccessReview", json!({"resourceAttributes": attributes})));
    let mut rows = vec![
        may("pods", json!({"verb": "list", "resource": "pods", "namespace": "{ns}"})),
        may("everything", json!({"verb": "*", "resource": "*", "group": "*"})),
        may(
            "a subresource",
            json!({"verb": "patch", "group": "apps", "resource": "deployments", "subresource": "scale", "namespace": "{ns}", "name": "web"}),
        ),
        may("a kind that is none", json!({"verb": "list", "resource": "nosuches"})),
        may("a version", json!({"verb": "list", "version": "v1", "resource": "pods"})),
        may("an empty question", json!({})),
        Row::post(
            "a path",
            REVIEWS,
            &review("SelfSubjectAccessReview", json!({"nonResourceAttributes": {"verb": "get", "path": "/healthz"}})),
        ),
        Row::post("nothing", REVIEWS, &review("SelfSubjectAccessReview", json!({}))),
        Row::post(
            "both at once",
            REVIEWS,
            &review(
                "SelfSubjectAccessReview",
                json!({"nonResourceAttributes": {"verb": "get", "path": "/healthz"}, "resourceAttributes": {"verb": "list", "resource": "pods"}}),
            ),
        ),
        Row::post(
            "on trial",
            format!("{REVIEWS}?dryRun=All"),
            &review("SelfSubjectAccessReview", json!({"resourceAttributes": {"verb": "list", "resource": "pods"}})),
        ),
        Row::post(
            "with an unknown field",
            format!("{REVIEWS}?fieldValidation=Strict"),
            &review("SelfSubjectAccessReview", json!({"resourceAttributes": {"verb": "list", "resource": "pods"}, "nosuch": 1})),
        ),
        Row::post("the wrong kind", REVIEWS, &review("SubjectAccessReview", json!({}))),
        Row::post(
            "the rules",
            "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
            &review("SelfSubjectRulesReview", json!({"namespace": "{ns}"})),
        ),
        Row::post(
            "the rules of no namespace",
            "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
            &review("SelfSubjectRulesReview", json!({})),
        ),
        Row::post(
            "who I am",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            &json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}),
        ),
        Row::post(
            "what others may",
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            &review("SubjectAccessReview", json!({"user": "ana", "resourceAttributes": {"verb": "list", "resource": "pods"}})),
        ),
        Row::post(
            "what others may here",
            "/apis/authorization.k8s.io/v1/namespaces/{ns}/localsubjectaccessreviews",
            &review(
                "LocalSubjectAccessReview",
                json!({"user": "ana", "resourceAttributes": {"verb": "list", "resource": "pods", "namespace": "{ns}"}}),
            ),
        ),
    ];
    for (name, path) in [
        ("the list of questions", REVIEWS.to_owned()),
        ("one question", format!("{REVIEWS}/nosuch")),
        ("watching questions", format!("{REVIEWS}?watch=1&timeoutSeconds=1")),
    ] {
        rows.push(Row::get(name, path));
    }
    rows.push(Row::delete("deleting questions", REVIEWS, &Value::Null));
    rows
}
