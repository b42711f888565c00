//! Discovery, version, health: what a server says about itself.
//!
//! Owns both forms of discovery: the classic one document per group, and the aggregated one.

use std::sync::Arc;

use axum::body::Body;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Response};
use serde_json::{Value, json};

use super::ask::Ask;
use super::{Server, answer};
use crate::sim::api::failure::Failure;
use crate::sim::api::kinds::{KINDS, Resource};

/// The version that the simulator follows.
pub(super) const VERSION: &str = "v1.36.3";

/// Answers a path outside the resources.
pub(super) fn path(server: &Arc<Server>, path: &str, ask: &Ask) -> Result<Response<Body>, Failure> {
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    if ask.verb != "get" && parts != ["apis"] {
        return Err(Failure::method_not_allowed());
    }
    match parts.as_slice() {
        ["version"] => Ok(answer::json(200, &version())),
        ["healthz" | "livez" | "readyz"] | ["healthz" | "livez" | "readyz", "ping" | "log" | "etcd"] => Ok(answer::text(200, "ok")),
        ["api" | "apis"] if wants_aggregated(ask) => Ok(aggregated(parts[0])),
        ["api" | "apis"] if !takes_json(ask) => Err(Failure::not_acceptable()),
        ["api"] => Ok(answer::json(200, &versions(server))),
        ["apis"] => Ok(answer::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups()}))),
        ["apis", name] => Ok(group(name).map_or_else(not_found, |g| answer::json(200, &g))),
        ["api", version] => resources("", version).map(|r| answer::json(200, &r)).ok_or_else(Failure::no_resource),
        ["apis", name, version] => match resources(name, version) {
            Some(list) => Ok(answer::json(200, &list)),
            None if *name != "metrics.k8s.io" && group(name).is_some() => Err(Failure::no_resource()),
            None => Ok(not_found()),
        },
        _ => Ok(not_found()),
    }
}

fn not_found() -> Response<Body> {
    answer::text(404, "404 page not found\n")
}

fn version() -> Value {
    json!({"major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
        "gitVersion": VERSION, "gitCommit": "0000000000000000000000000000000000000000", "gitTreeState": "clean",
        "buildDate": "2026-11-01T00:00:00Z", "goVersion": "go1.26.8", "compiler": "gc", "platform": "linux/amd64"})
}

fn versions(server: &Server) -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server.address.to_string()}]})
}

/// Groups and versions in the order of the table, without the core.
fn group_versions() -> Vec<(&'static str, &'static str)> {
    let mut all: Vec<(&str, &str)> = KINDS.all().map(|(_, r)| (r.group, r.version)).filter(|(g, _)| !g.is_empty()).collect();
    let mut seen = std::collections::HashSet::new();
    all.retain(|pair| seen.insert(*pair));
    all
}

fn group_document(name: &str, version: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/{version}"), "version": version});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn groups() -> Vec<Value> {
    group_versions().into_iter().map(|(g, v)| group_document(g, v)).collect()
}

fn group(name: &str) -> Option<Value> {
    let (_, version) = group_versions().into_iter().find(|(g, _)| *g == name)?;
    let mut document = json!({"kind": "APIGroup", "apiVersion": "v1"});
    if let (Some(target), Value::Object(fields)) = (document.as_object_mut(), group_document(name, version)) {
        target.extend(fields);
    }
    Some(document)
}

fn resources(group: &str, version: &str) -> Option<Value> {
    let mut list = Vec::new();
    for (_, row) in KINDS.all().filter(|(_, r)| r.group == group && r.version == version) {
        list.push(resource(row));
        for sub in &row.subs {
            let mut document = json!({"name": format!("{}/{}", row.plural, sub.name), "singularName": "", "namespaced": row.namespaced});
            if let Some((group, version)) = sub.group_version {
                document["group"] = json!(group);
                document["version"] = json!(version);
            }
            document["kind"] = json!(sub.kind);
            document["verbs"] = json!(sub.verbs);
            list.push(document);
        }
    }
    if list.is_empty() {
        return None;
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let mut document = json!({"kind": "APIResourceList"});
    if !group.is_empty() {
        document["apiVersion"] = json!("v1");
    }
    document["groupVersion"] = json!(group_version);
    list.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
    document["resources"] = Value::Array(list);
    Some(document)
}

fn resource(row: &Resource) -> Value {
    let mut document = json!({"name": row.plural, "singularName": row.singular, "namespaced": row.namespaced, "kind": row.kind, "verbs": row.verbs});
    if !row.short.is_empty() {
        document["shortNames"] = json!(row.short);
    }
    if !row.categories.is_empty() {
        document["categories"] = json!(row.categories);
    }
    document
}

/// Whether the client takes the aggregated form before any other.
fn wants_aggregated(ask: &Ask) -> bool {
    let accept = ask.headers.get(ACCEPT).and_then(|a| a.to_str().ok()).unwrap_or_default();
    let wanted = accept.split(',').find(|r| r.contains("as=APIGroupDiscoveryList") && r.contains("application/json"));
    wanted.is_some_and(|w| w.split(';').any(|p| p.trim() == "v=v2"))
}

/// Whether the client takes plain JSON, or whatever comes.
fn takes_json(ask: &Ask) -> bool {
    let Some(accept) = ask.headers.get(ACCEPT).and_then(|a| a.to_str().ok()) else { return true };
    accept.split(',').map(str::trim).any(|range| {
        let media = range.split(';').next().unwrap_or_default();
        !range.contains("as=") && matches!(media, "" | "application/json" | "application/*" | "*/*")
    })
}

fn aggregated(root: &str) -> Response<Body> {
    let all = if root == "api" { vec![("", "v1")] } else { group_versions() };
    let items: Vec<Value> = all.into_iter().map(|(group, version)| aggregated_group(group, version)).collect();
    let document = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items});
    let mut response = answer::json(200, &document);
    let content_type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn aggregated_group(group: &str, version: &str) -> Value {
    let kind = |kind: &str, gv: Option<(&str, &str)>| {
        let (group, version) = gv.unwrap_or(("", ""));
        json!({"group": group, "version": version, "kind": kind})
    };
    let rows = KINDS.all().map(|(_, r)| r).filter(|r| r.group == group && r.version == version);
    let mut resources: Vec<Value> = rows
        .map(|row| {
            let mut document = json!({"resource": row.plural, "responseKind": kind(row.kind, None), "scope": if row.namespaced { "Namespaced" } else { "Cluster" },
                "singularResource": row.singular, "verbs": row.verbs});
            if !row.short.is_empty() {
                document["shortNames"] = json!(row.short);
            }
            if !row.categories.is_empty() {
                document["categories"] = json!(row.categories);
            }
            if !row.subs.is_empty() {
                let subs = row.subs.iter().map(|s| json!({"subresource": s.name, "responseKind": kind(s.kind, s.group_version), "verbs": s.verbs}));
                document["subresources"] = subs.collect();
            }
            document
        })
        .collect();
    resources.sort_by(|a, b| a["resource"].as_str().cmp(&b["resource"].as_str()));
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    json!({"metadata": metadata, "versions": [{"version": version, "resources": resources, "freshness": "Current"}]})
}
