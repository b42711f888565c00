//! What a server says about itself.

use serde_json::Value;

use crate::conformance::row::Row;

/// Group versions that both servers have.
const GROUPS: &[&str] = &[
    "apps/v1",
    "events.k8s.io/v1",
    "authentication.k8s.io/v1",
    "authorization.k8s.io/v1",
    "autoscaling/v2",
    "batch/v1",
    "networking.k8s.io/v1",
    "policy/v1",
    "rbac.authorization.k8s.io/v1",
    "storage.k8s.io/v1",
    "scheduling.k8s.io/v1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "admissionregistration.k8s.io/v1",
    "apiextensions.k8s.io/v1",
    "apiregistration.k8s.io/v1",
    "metrics.k8s.io/v1beta1",
];

pub(super) fn rows() -> Vec<Row> {
    let aggregated = |version: &str| format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList,application/json");
    let mut rows: Vec<Row> = ["/version", "/api", "/apis", "/api/v1", "/healthz", "/livez", "/readyz", "/readyz/ping", "/healthz/nosuch"]
        .into_iter()
        .map(|path| Row::get(path, path))
        .collect();
    for group in GROUPS {
        let name = group.split('/').next().unwrap_or_default();
        rows.push(Row::get(format!("group {name}"), format!("/apis/{name}")));
        rows.push(Row::get(format!("resources of {group}"), format!("/apis/{group}")));
        rows.push(Row::get(format!("a kind that {group} has not"), format!("/apis/{group}/nosuches")));
        rows.push(Row::get(format!("a version that {name} has not"), format!("/apis/{name}/v9")));
        rows.push(Row::get(format!("a kind of a version that {name} has not"), format!("/apis/{name}/v9/nosuches")));
    }
    for version in ["v2", "v2beta1"] {
        for root in ["/api", "/apis"] {
            rows.push(Row::get(format!("{root} aggregated as {version}"), root).accept(&aggregated(version)));
        }
    }
    rows.push(Row::get("/apis in a form that is not served", "/apis").accept("text/html"));
    rows.push(
        Row::get("aggregated in a version that is none", "/apis").accept("application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList"),
    );
    for (name, path) in [
        ("the root of an unknown group", "/apis/nosuch"),
        ("an unknown group", "/apis/nosuch/v1"),
        ("a kind of an unknown group", "/apis/nosuch/v1/things"),
        ("an unknown version of the core", "/api/v9"),
        ("a kind of an unknown version of the core", "/api/v9/pods"),
        ("an unknown kind of the core", "/api/v1/things"),
        ("an unknown kind in a namespace", "/api/v1/namespaces/{ns}/things"),
        ("a kind without namespace in a namespace", "/api/v1/namespaces/{ns}/nodes"),
        ("one by name without its namespace", "/api/v1/pods/nosuch"),
        ("no path that anybody knows", "/nosuch"),
        ("slashes at the end", "/api/v1/namespaces/{ns}/pods/"),
        ("slashes in between", "/api/v1//namespaces/{ns}/pods"),
        ("a subresource of a subresource", "/api/v1/namespaces/{ns}/pods/nosuch/status/more"),
    ] {
        rows.push(Row::get(name, path));
    }
    for method in ["POST", "PUT", "DELETE"] {
        rows.push(Row::method(method, format!("{method} of the version"), "/version"));
        rows.push(Row::method(method, format!("{method} of the groups"), "/apis"));
    }
    rows.push(Row::method("OPTIONS", "the options of a list", "/api/v1/namespaces/{ns}/pods"));
    rows.push(Row::method("HEAD", "the head of a list", "/api/v1/namespaces/{ns}/configmaps"));
    rows.push(Row::delete("deleting every namespace", "/api/v1/namespaces", &Value::Null));
    rows
}
