//! Pods that run: their life as the API shows it, logs, and what is refused.

use serde_json::{Value, json};

use crate::conformance::row::{MERGE, Row, STRATEGIC, TABLE};

const PODS: &str = "/api/v1/namespaces/{ns}/pods";

pub(super) fn rows() -> Vec<Row> {
    [waiting(), running(), logs(), streams(), going()].concat()
}

fn pod(name: &str, spec: &Value) -> Value {
    let mut whole = json!({"containers": [{"name": "app", "image": "docker.io/timonel/app:1.0.0", "ports": [{"containerPort": 8000}]}]});
    whole.as_object_mut().expect("a map").extend(spec.as_object().expect("a map").clone());
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"of": "pods"}}, "spec": whole})
}

fn waiting() -> Vec<Row> {
    vec![
        Row::post("one that waits", PODS, &pod("waits", &json!({"schedulerName": "nobody"}))),
        Row::get("the log of one that waits", format!("{PODS}/waits/log")),
        Row::get("the log before that, of one that waits", format!("{PODS}/waits/log?previous=true")),
        Row::delete("one that waits goes at once", format!("{PODS}/waits"), &Value::Null),
        Row::get("it is gone", format!("{PODS}/waits")).settles(),
        Row::post("one that no node takes", PODS, &pod("homeless", &json!({"nodeSelector": {"nowhere": "yes"}}))),
        Row::get("said to have no place", format!("{PODS}/homeless"))
            .until(|answer| answer["status"]["conditions"][0]["reason"] == "Unschedulable")
            .settles(),
        Row::get("the row of one without a place", format!("{PODS}/homeless")).accept(TABLE).settles(),
        Row::get("the events of one without a place", "/api/v1/namespaces/{ns}/events?fieldSelector=involvedObject.name%3Dhomeless")
            .until(|answer| answer["items"][0]["reason"] == "FailedScheduling"),
        Row::delete("one without a place goes", format!("{PODS}/homeless"), &Value::Null).silent(),
    ]
}

fn running() -> Vec<Row> {
    let path = format!("{PODS}/runs");
    vec![
        Row::post("one that runs", PODS, &pod("runs", &json!({}))),
        Row::get("it runs", &path).until(|answer| answer["status"]["containerStatuses"][0]["ready"] == true).settles(),
        Row::get("the row of one that runs", &path).accept(TABLE).settles(),
        Row::get("its status part", format!("{path}/status")).settles(),
        Row::get("its events", "/api/v1/namespaces/{ns}/events?fieldSelector=involvedObject.name%3Druns")
            .until(|answer| answer["items"][3].is_object()),
        Row::get("in its own row of events", "/api/v1/namespaces/{ns}/events?fieldSelector=involvedObject.name%3Druns").accept(TABLE),
        Row::get("those that run", format!("{PODS}?fieldSelector=status.phase%3DRunning")).settles(),
        Row::patch("another label", &path, MERGE, &json!({"metadata": {"labels": {"a": "b"}}})).settles(),
        Row::patch("another command", &path, STRATEGIC, &json!({"spec": {"containers": [{"name": "app", "command": ["x"]}]}})),
        Row::get("the ephemeral containers", format!("{path}/ephemeralcontainers")).settles(),
        Row::patch("bound by hand", &path, MERGE, &json!({"spec": {"nodeName": "elsewhere"}})),
        Row::get("what it uses, before anything was measured", "/apis/metrics.k8s.io/v1beta1/namespaces/{ns}/pods/nosuch"),
    ]
}

fn logs() -> Vec<Row> {
    let log = |name: &str, query: &str| Row::get(format!("log: {name}"), format!("{PODS}/runs/log?{query}"));
    vec![
        log("the first line", "limitBytes=1").silent(),
        log("of a container that is none", "container=nosuch"),
        log("before this one", "previous=true"),
        log("before this one, of a container", "previous=true&container=app"),
        log("fewer lines than none", "tailLines=-1"),
        log("no lines", "tailLines=0"),
        log("lines in words", "tailLines=many"),
        log("since before it began", "sinceSeconds=0"),
        log("since below zero", "sinceSeconds=-1"),
        log("since two times", "sinceSeconds=1&sinceTime=2026-11-01T10:00:00Z"),
        log("since a time that is none", "sinceTime=soon"),
        log("no bytes", "limitBytes=0"),
        log("bytes below zero", "limitBytes=-1"),
        log("of an unknown stream", "stream=Nosuch"),
        Row::get("log: of a pod that is none", format!("{PODS}/nosuch/log")),
        Row::get("log: as a table", format!("{PODS}/runs/log?tailLines=0")).accept(TABLE),
        Row::get("log: in a form that is not served", format!("{PODS}/runs/log?tailLines=0")).accept("text/html"),
        Row::post("log: posted", format!("{PODS}/runs/log"), &json!({})),
    ]
}

fn streams() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, path) in [
        ("exec without a stream", "runs/exec?command=true&stdout=1"),
        ("exec of nothing", "runs/exec?stdout=1"),
        ("exec in a container that is none", "runs/exec?command=true&stdout=1&container=nosuch"),
        ("exec in a pod that is none", "nosuch/exec?command=true&stdout=1"),
        ("attach without a stream", "runs/attach?stdout=1"),
        ("a proxy to a pod that is none", "nosuch:8000/proxy/"),
    ] {
        rows.push(Row::get(name, format!("{PODS}/{path}")));
    }
    rows.push(Row::get("a proxy to a service that is none", "/api/v1/namespaces/{ns}/services/nosuch:80/proxy/"));
    rows
}

fn going() -> Vec<Row> {
    let path = format!("{PODS}/runs");
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "goes", "namespace": "{ns}"}});
    vec![
        Row::delete("told to go on trial", format!("{path}?dryRun=All"), &Value::Null).settles(),
        Row::delete("told to go", &path, &json!({"gracePeriodSeconds": 20})),
        // Its node may have seen the first word by now, or not.
        Row::delete("told to go sooner", &path, &json!({"gracePeriodSeconds": 1})).silent(),
        Row::get("gone", &path).until(|answer| answer["code"] == 404),
        Row::post("one that is evicted", PODS, &pod("goes", &json!({"terminationGracePeriodSeconds": 1}))),
        Row::get("it runs too", format!("{PODS}/goes"))
            .until(|answer| answer["status"]["containerStatuses"][0]["ready"] == true)
            .settles(),
        Row::post("evicted", format!("{PODS}/goes/eviction"), &eviction),
        Row::get("gone by eviction", format!("{PODS}/goes")).until(|answer| answer["code"] == 404),
    ]
}
