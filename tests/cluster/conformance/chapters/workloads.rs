//! What controllers make of workloads whose pods wait for a scheduler that nobody runs.

use serde_json::{Value, json};

use crate::conformance::row::{MERGE, Row, STRATEGIC, TABLE};

const CORE: &str = "/api/v1/namespaces/{ns}";
const APPS: &str = "/apis/apps/v1/namespaces/{ns}";

pub(super) fn rows() -> Vec<Row> {
    [deployment(), scale(), rollout(), sets(), jobs(), budgets()].concat()
}

fn template(app: &str) -> Value {
    json!({"metadata": {"labels": {"app": app}}, "spec": {"schedulerName": "nobody", "containers": [{"name": "app", "image": "docker.io/timonel/app:1.0.0"}]}})
}

fn web() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template("web")}})
}

fn observed(answer: &Value) -> bool {
    answer["metadata"]["generation"] == answer["status"]["observedGeneration"]
}

fn deployment() -> Vec<Row> {
    let path = format!("{APPS}/deployments/web");
    vec![
        Row::post("a deployment", format!("{APPS}/deployments"), &web()),
        Row::get("seen by its controller", &path)
            .until(|answer| observed(answer) && answer["status"]["unavailableReplicas"] == 2)
            .settles(),
        Row::get("its row", &path).accept(TABLE).settles(),
        Row::get("its set", format!("{APPS}/replicasets?labelSelector=app%3Dweb")).settles(),
        Row::get("the row of its set", format!("{APPS}/replicasets?labelSelector=app%3Dweb")).accept(TABLE).settles(),
        Row::get("its pods", format!("{CORE}/pods?labelSelector=app%3Dweb&limit=1")).settles(),
        Row::get("the rows of its pods", format!("{CORE}/pods?labelSelector=app%3Dweb&limit=1"))
            .accept(TABLE)
            .settles(),
        Row::get("its events", format!("{CORE}/events?fieldSelector=involvedObject.name%3Dweb,involvedObject.kind%3DDeployment")).settles(),
    ]
}

fn scale() -> Vec<Row> {
    let path = format!("{APPS}/deployments/web/scale");
    let scale = |replicas: Value| json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web", "namespace": "{ns}"}, "spec": {"replicas": replicas}});
    let mut rows = vec![
        Row::get("the scale", &path).settles(),
        Row::get("the scale as a table", &path).accept(TABLE).settles(),
        Row::put("the scale on trial", format!("{path}?dryRun=All"), &scale(json!(5))).settles(),
        Row::get("the scale as it was", &path).settles(),
        Row::put("the scale to three", &path, &scale(json!(3))),
        Row::get("three of them", format!("{APPS}/deployments/web"))
            .until(|answer| observed(answer) && answer["status"]["replicas"] == 3)
            .settles(),
        Row::get("the scale of three", &path).settles(),
        Row::patch("the scale to one", &path, MERGE, &json!({"spec": {"replicas": 1}})).settles(),
        Row::get("one of them", format!("{APPS}/deployments/web"))
            .until(|answer| observed(answer) && answer["status"]["replicas"] == 1)
            .settles(),
        Row::patch("the scale strategically", &path, STRATEGIC, &json!({"spec": {"replicas": 2}})).settles(),
        Row::get("two of them", format!("{APPS}/deployments/web"))
            .until(|answer| observed(answer) && answer["status"]["replicas"] == 2)
            .settles(),
    ];
    for (name, body) in [
        ("below zero", scale(json!(-1))),
        ("in words", scale(json!("two"))),
        ("of another kind", json!({"apiVersion": "autoscaling/v1", "kind": "Nosuch", "metadata": {"name": "web"}})),
        ("of another version", json!({"apiVersion": "v9", "kind": "Scale", "metadata": {"name": "web"}})),
        (
            "of another name",
            json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "other", "namespace": "{ns}"}, "spec": {"replicas": 2}}),
        ),
        ("without a name", json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 2}})),
        (
            "at an old version",
            json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web", "namespace": "{ns}", "resourceVersion": "1"}, "spec": {"replicas": 2}}),
        ),
        (
            "as another object",
            json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web", "namespace": "{ns}", "uid": "11111111-2222-3333-4444-555555555555"}, "spec": {"replicas": 2}}),
        ),
    ] {
        rows.push(Row::put(format!("a scale {name}"), &path, &body));
    }
    rows.push(Row::put("the scale of nothing", format!("{APPS}/deployments/nosuch/scale"), &scale(json!(1))));
    rows.push(Row::patch(
        "the scale of nothing, patched",
        format!("{APPS}/deployments/nosuch/scale"),
        MERGE,
        &json!({"spec": {"replicas": 1}}),
    ));
    rows.push(Row::patch("the scale below zero, patched", &path, MERGE, &json!({"spec": {"replicas": -1}})));
    rows.push(Row::patch("the scale with half a patch", &path, "text/plain", &json!({})));
    rows.push(Row::delete("deleting a scale", &path, &Value::Null));
    rows.push(Row::get("the scale of a kind without one", format!("{APPS}/daemonsets/nosuch/scale")));
    rows
}

fn rollout() -> Vec<Row> {
    let path = format!("{APPS}/deployments/web");
    let image = |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}});
    vec![
        Row::patch("another image", &path, STRATEGIC, &image("docker.io/timonel/app:2.0.0")),
        Row::get("the second revision", &path)
            .until(|answer| {
                observed(answer)
                    && answer["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
                    && answer["status"]["updatedReplicas"] == 1
            })
            .settles(),
        Row::get("its second row", &path).accept(TABLE).settles(),
        Row::patch("paused", &path, MERGE, &json!({"spec": {"paused": true}})).settles(),
        Row::get("seen as paused", &path).until(observed).settles(),
        Row::patch("another image while paused", &path, STRATEGIC, &image("docker.io/timonel/app:1.0.0")).settles(),
        Row::get("seen, and nothing done", &path).until(observed).settles(),
        Row::patch("resumed", &path, MERGE, &json!({"spec": {"paused": null}})).silent(),
        Row::get("back at the first template", &path)
            .until(|answer| observed(answer) && answer["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3")
            .settles(),
        Row::patch(
            "restarted",
            &path,
            STRATEGIC,
            &json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-01T10:00:00Z"}}}}}),
        )
        .silent(),
        Row::get("the fourth revision", &path)
            .until(|answer| observed(answer) && answer["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "4")
            .settles(),
        Row::delete("deleted with its own", &path, &json!({"propagationPolicy": "Foreground"})),
        Row::get("gone with its own", &path).until(|answer| answer["code"] == 404),
        Row::get("no set is left", format!("{APPS}/replicasets?labelSelector=app%3Dweb")).until(|answer| answer["items"] == json!([])),
        Row::get("no pod is left", format!("{CORE}/pods?labelSelector=app%3Dweb")).until(|answer| answer["items"] == json!([])),
    ]
}

fn sets() -> Vec<Row> {
    let store = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "store"},
        "spec": {"replicas": 2, "serviceName": "store", "selector": {"matchLabels": {"app": "store"}}, "template": template("store"),
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"storageClassName": "none", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}});
    let replicas = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "plain"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "plain"}}, "template": template("plain")}});
    vec![
        Row::post("a stateful set", format!("{APPS}/statefulsets"), &store),
        Row::get("seen by its own controller", format!("{APPS}/statefulsets/store"))
            .until(|answer| observed(answer) && answer["status"]["replicas"] == 1)
            .settles(),
        Row::get("the row of a stateful set", format!("{APPS}/statefulsets/store")).accept(TABLE).settles(),
        Row::get("its first pod", format!("{CORE}/pods/store-0")).until(|answer| answer["kind"] == "Pod").settles(),
        Row::get("no second pod before the first is ready", format!("{CORE}/pods/store-1")),
        Row::get("its claim", format!("{CORE}/persistentvolumeclaims/data-store-0")).settles(),
        Row::get("its revision", format!("{APPS}/controllerrevisions?labelSelector=app%3Dstore")).settles(),
        Row::get("its scale", format!("{APPS}/statefulsets/store/scale")).settles(),
        Row::delete("a stateful set goes", format!("{APPS}/statefulsets/store"), &Value::Null),
        Row::get("its pod goes", format!("{CORE}/pods/store-0")).until(|answer| answer["code"] == 404),
        Row::get("its claim stays", format!("{CORE}/persistentvolumeclaims/data-store-0")).settles(),
        Row::post("a set of its own", format!("{APPS}/replicasets"), &replicas),
        Row::get("seen by the controller of sets", format!("{APPS}/replicasets/plain"))
            .until(|answer| observed(answer) && answer["status"]["replicas"] == 1)
            .settles(),
        Row::delete("a set goes and leaves its pod", format!("{APPS}/replicasets/plain"), &json!({"propagationPolicy": "Orphan"})),
        Row::get("the set is gone", format!("{APPS}/replicasets/plain")).until(|answer| answer["code"] == 404),
        Row::get("the pod stays, nobody's", format!("{CORE}/pods?labelSelector=app%3Dplain")).settles(),
        Row::delete("the pod goes", format!("{CORE}/pods?labelSelector=app%3Dplain"), &json!({"gracePeriodSeconds": 0})).silent(),
    ]
}

fn jobs() -> Vec<Row> {
    let mut pod = template("once");
    pod["spec"]["restartPolicy"] = json!("Never");
    let job =
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": {"completions": 3, "parallelism": 2, "template": pod}});
    let path = "/apis/batch/v1/namespaces/{ns}/jobs/once";
    vec![
        Row::post("a job", "/apis/batch/v1/namespaces/{ns}/jobs", &job),
        Row::get("seen by the controller of jobs", path).until(|answer| answer["status"]["active"] == 2).settles(),
        Row::get("the row of a job", path).accept(TABLE).settles(),
        Row::get("a pod of a job", format!("{CORE}/pods?labelSelector=batch.kubernetes.io/job-name%3Donce&limit=1")).settles(),
        Row::patch("a job suspended", path, MERGE, &json!({"spec": {"suspend": true}})).silent(),
        Row::get("a job at rest", path)
            .until(|answer| answer["status"]["active"].is_null() && answer["status"]["conditions"].is_array())
            .settles(),
        Row::delete("a job goes", path, &json!({"propagationPolicy": "Background"})),
    ]
}

fn budgets() -> Vec<Row> {
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "strict"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "kept"}}}});
    let mut pod = template("kept");
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!("kept");
    let eviction = |name: &str| json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "{ns}"}});
    vec![
        Row::post("a pod to keep", format!("{CORE}/pods"), &pod),
        Row::post("a budget", "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets", &budget),
        Row::get("seen by the controller of budgets", "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets/strict")
            .until(|answer| observed(answer) && answer["status"]["expectedPods"] == 1)
            .settles(),
        Row::get("the row of a budget", "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets/strict")
            .accept(TABLE)
            .settles(),
        Row::post("evicting what is not there", format!("{CORE}/pods/nosuch/eviction"), &eviction("nosuch")),
        Row::post("evicting under another name", format!("{CORE}/pods/kept/eviction"), &eviction("other")),
        Row::post(
            "evicting by another kind",
            format!("{CORE}/pods/kept/eviction"),
            &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "kept"}}),
        ),
        Row::get("an eviction cannot be read", format!("{CORE}/pods/kept/eviction")),
        Row::post("evicting on trial", format!("{CORE}/pods/kept/eviction?dryRun=All"), &eviction("kept")),
        Row::get("it is there still", format!("{CORE}/pods/kept")).settles(),
        Row::post("evicting what waits", format!("{CORE}/pods/kept/eviction"), &eviction("kept")),
        Row::get("evicted", format!("{CORE}/pods/kept")).until(|answer| answer["code"] == 404),
    ]
}
