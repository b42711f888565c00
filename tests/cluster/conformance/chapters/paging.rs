//! Lists: page by page, by labels, by fields, at a version.

use serde_json::json;

use crate::conformance::row::{PARTIAL_LIST, Row, TABLE};

const MAPS: &str = "/api/v1/namespaces/{ns}/configmaps";

pub(super) fn rows() -> Vec<Row> {
    [made(), pages(), versions(), labels(), fields()].concat()
}

fn made() -> Vec<Row> {
    let mut rows = Vec::new();
    for (i, name) in ["a", "b", "c", "d", "e", "f", "g"].into_iter().enumerate() {
        let tier = if i % 2 == 0 { "front" } else { "back" };
        let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"of": "pages", "tier": tier}}});
        if i == 3 {
            map["metadata"]["labels"]["special"] = json!("");
        }
        rows.push(Row::post(format!("map {name}"), MAPS, &map).keep("last", "/metadata/resourceVersion"));
    }
    for (name, kind) in [("opaque", "Opaque"), ("basic", "kubernetes.io/basic-auth")] {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": {"of": "pages"}}, "type": kind,
            "stringData": {"username": "a", "password": "none"}});
        rows.push(Row::post(format!("secret {name}"), "/api/v1/namespaces/{ns}/secrets", &secret));
    }
    for (name, reason, kind) in [("one", "Started", "Normal"), ("two", "Failed", "Warning"), ("three", "Failed", "Normal")] {
        let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "labels": {"of": "pages"}}, "reason": reason, "type": kind,
            "involvedObject": {"kind": "ConfigMap", "name": "a", "namespace": "{ns}", "uid": "11111111-2222-3333-4444-555555555555"},
            "message": "m", "source": {"component": "tests", "host": "nowhere"}, "lastTimestamp": "2026-11-01T10:00:00Z"});
        rows.push(Row::post(format!("event {name}"), "/api/v1/namespaces/{ns}/events", &event));
    }
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "waiting", "labels": {"of": "pages"}},
        "spec": {"schedulerName": "nobody", "restartPolicy": "Never", "containers": [{"name": "app", "image": "docker.io/timonel/app:1.0.0"}]}});
    rows.push(Row::post("a pod", "/api/v1/namespaces/{ns}/pods", &pod));
    rows
}

fn list(query: &str) -> String {
    format!("{MAPS}?labelSelector=of%3Dpages&{query}")
}

fn pages() -> Vec<Row> {
    let mut rows = Vec::new();
    for (form, title) in [("application/json", "whole"), (TABLE, "table"), (PARTIAL_LIST, "metadata")] {
        let page = |name: &str, query: &str| Row::get(format!("{title}: {name}"), list(query)).accept(form);
        rows.push(page("the first page", "limit=3").keep("next", "/metadata/continue"));
        rows.push(page("the second page", "limit=3&continue={next}").keep("next", "/metadata/continue"));
        rows.push(page("the last page", "limit=3&continue={next}"));
        rows.push(page("a page as long as the list", "limit=7"));
        rows.push(page("a page longer than the list", "limit=500"));
        rows.push(page("a page of nothing", "limit=0"));
    }
    rows.push(Row::get("a page of all maps", format!("{MAPS}?limit=2")).keep("next", "/metadata/continue"));
    rows.push(Row::get("the rest of all maps", format!("{MAPS}?continue={{next}}")));
    for (name, query) in [
        ("a page of less than nothing", "limit=-1"),
        ("a page of a word", "limit=many"),
        ("a token that is none", "limit=3&continue=nosuchto"),
        ("a token of nothing", "limit=3&continue="),
        ("a token that says nothing", "limit=3&continue=e30"),
        ("a token with a version", "limit=3&continue={next}&resourceVersion={last}"),
        ("a token from the cache", "limit=3&continue={next}&resourceVersion=0"),
        ("a time that is none", "timeoutSeconds=soon"),
    ] {
        rows.push(Row::get(name, list(query)));
    }
    rows
}

fn versions() -> Vec<Row> {
    [
        ("from the cache", "resourceVersion=0"),
        ("from the cache with a limit", "resourceVersion=0&limit=2"),
        ("not older than now", "resourceVersion={last}&resourceVersionMatch=NotOlderThan"),
        ("not older than nothing", "resourceVersionMatch=NotOlderThan"),
        ("exactly at nothing", "resourceVersionMatch=Exact"),
        ("exactly at zero", "resourceVersion=0&resourceVersionMatch=Exact"),
        ("exactly now", "resourceVersion={last}&resourceVersionMatch=Exact"),
        ("exactly now, two of them", "resourceVersion={last}&resourceVersionMatch=Exact&limit=2"),
        ("in a way that is none", "resourceVersion={last}&resourceVersionMatch=Nearly"),
        ("at a version that is a word", "resourceVersion=soon"),
        ("at a version below zero", "resourceVersion=-1"),
        ("with initial events", "sendInitialEvents=true"),
        ("with bookmarks", "allowWatchBookmarks=true"),
    ]
    .into_iter()
    .map(|(name, query)| Row::get(name, list(query)))
    .chain([
        Row::get("one from the cache", format!("{MAPS}/a?resourceVersion=0")),
        Row::get("one at a version that is a word", format!("{MAPS}/a?resourceVersion=soon")),
    ])
    .collect()
}

fn labels() -> Vec<Row> {
    [
        "tier=front",
        "tier==front",
        "tier!=front",
        "tier in (front,back)",
        "tier in (front, other)",
        "tier notin (front)",
        "special",
        "!special",
        "special=",
        "tier,of=pages",
        "tier=front,!special",
        "",
        "tier in ()",
        "tier in (front",
        "=front",
        "tier=not good!",
        "not good",
        "tier>1",
        "tier=front,",
        "tier notin (front),tier notin (back)",
        "a/b/c=d",
        "example.com/a=b",
    ]
    .into_iter()
    .map(|selector| {
        Row::get(
            format!("labels '{selector}'"),
            format!("{MAPS}?fieldSelector=metadata.name%21%3Dkube-root-ca.crt&labelSelector={}", escaped(selector)),
        )
    })
    .collect()
}

fn fields() -> Vec<Row> {
    let of = |plural: &str, selector: &str| {
        let path = format!("/api/v1/namespaces/{{ns}}/{plural}?labelSelector=of%3Dpages&fieldSelector={}", escaped(selector));
        Row::get(format!("{plural} by '{selector}'"), path)
    };
    let everywhere = |selector: &str| {
        let path = format!("/api/v1/configmaps?labelSelector=of%3Dpages&fieldSelector={}", escaped(selector));
        Row::get(format!("everywhere by '{selector}'"), path)
    };
    let mut rows = vec![
        of("configmaps", "metadata.name=a"),
        of("configmaps", "metadata.name==a"),
        of("configmaps", "metadata.name!=a"),
        of("configmaps", "metadata.namespace=elsewhere"),
        of("configmaps", "metadata.name=a,metadata.name=b"),
        of("configmaps", "metadata.name"),
        of("configmaps", "metadata.name in (a)"),
        of("configmaps", "metadata.uid=a"),
        of("configmaps", "data.mode=slow"),
        of("configmaps", ""),
        of("secrets", "type=Opaque"),
        of("secrets", "type!=Opaque"),
        of("secrets", "data=a"),
        of("events", "reason=Failed"),
        of("events", "reason=Failed,type=Normal"),
        of("events", "type=Warning"),
        of("events", "involvedObject.name=a"),
        of("events", "involvedObject.name=b"),
        of("events", "involvedObject.kind=ConfigMap"),
        of("events", "involvedObject.namespace={ns}"),
        of("events", "involvedObject.uid=11111111-2222-3333-4444-555555555555"),
        of("events", "source=tests"),
        of("events", "source.component=tests"),
        of("events", "reportingComponent=tests"),
        of("events", "message=m"),
        of("pods", "status.phase=Pending"),
        of("pods", "status.phase!=Pending"),
        of("pods", "spec.nodeName="),
        of("pods", "spec.nodeName=nowhere"),
        of("pods", "spec.schedulerName=nobody"),
        of("pods", "spec.restartPolicy=Never"),
        of("pods", "spec.serviceAccountName=default"),
        of("pods", "status.podIP="),
        of("pods", "spec.hostNetwork=false"),
        of("pods", "status.nominatedNodeName="),
        of("pods", "status.hostIP="),
        everywhere("metadata.namespace={ns}"),
        everywhere("metadata.namespace!={ns}"),
        everywhere("metadata.namespace={ns},metadata.name=a"),
        Row::get(
            "events in their own group by what they regard",
            "/apis/events.k8s.io/v1/namespaces/{ns}/events?labelSelector=of%3Dpages&fieldSelector=regarding.name%3Da",
        ),
        Row::get(
            "events in their own group by the old name",
            "/apis/events.k8s.io/v1/namespaces/{ns}/events?labelSelector=of%3Dpages&fieldSelector=involvedObject.name%3Da",
        ),
        Row::get("events in their own group", "/apis/events.k8s.io/v1/namespaces/{ns}/events?labelSelector=of%3Dpages"),
        Row::get("namespaces by phase", "/api/v1/namespaces?fieldSelector=status.phase%3DActive,metadata.name%3D{ns}"),
        Row::get("namespaces by another phase", "/api/v1/namespaces?fieldSelector=status.phase%3DTerminating,metadata.name%3D{ns}"),
    ];
    for (group, plural, selector) in [
        ("apps", "replicasets", "status.replicas=0"),
        ("apps", "deployments", "status.replicas=0"),
        ("apps", "statefulsets", "metadata.name=a"),
        ("batch", "jobs", "status.successful=0"),
        ("batch", "cronjobs", "spec.suspend=true"),
        ("networking.k8s.io", "ingresses", "metadata.name=a"),
        ("networking.k8s.io", "ingresses", "spec.ingressClassName=a"),
    ] {
        let path = format!("/apis/{group}/v1/namespaces/{{ns}}/{plural}?fieldSelector={}", escaped(selector));
        rows.push(Row::get(format!("{plural} by '{selector}'"), path));
    }
    rows
}

/// A selector as it goes into a query; the name of the namespace is filled in later.
fn escaped(selector: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'{' | b'}' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    selector.bytes().map(one).collect()
}
