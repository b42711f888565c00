//! What is made of what is written: defaults, refusals, patches of lists, what must not change, how things are held and let go.

#![allow(clippy::too_many_lines, clippy::type_complexity, reason = "tables, one row after the other")]

use serde_json::{Value, json};

use crate::conformance::row::{JSON, MERGE, Row, STRATEGIC};

const CORE: &str = "/api/v1/namespaces/{ns}";
const APPS: &str = "/apis/apps/v1/namespaces/{ns}";

pub(super) fn rows() -> Vec<Row> {
    [invalid_workloads(), invalid_others(), lists(), paths(), fixed(), held(), whole(), namespaces()].concat()
}

/// A Deployment of no pods, changed as told.
fn deployment(name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": 0,
        "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "image": "docker.io/timonel/app:1.0.0"}]}}}});
    change(&mut object);
    object
}

fn invalid_workloads() -> Vec<Row> {
    let cases: Vec<(&str, fn(&mut Value))> = vec![
        ("fewer than no replicas", |o| o["spec"]["replicas"] = json!(-1)),
        ("replicas in words", |o| o["spec"]["replicas"] = json!("two")),
        ("half a replica", |o| o["spec"]["replicas"] = json!(1.5)),
        ("no selector", |o| o["spec"]["selector"] = Value::Null),
        ("an empty selector", |o| o["spec"]["selector"] = json!({})),
        ("a selector of others", |o| o["spec"]["selector"] = json!({"matchLabels": {"app": "other"}})),
        ("a selector in an unknown way", |o| {
            o["spec"]["selector"] = json!({"matchExpressions": [{"key": "app", "operator": "Like", "values": ["x"]}]});
        }),
        ("no template", |o| o["spec"]["template"] = Value::Null),
        ("no containers", |o| o["spec"]["template"]["spec"]["containers"] = json!([])),
        ("a container without a name", |o| o["spec"]["template"]["spec"]["containers"][0]["name"] = json!("")),
        ("a container with a wrong name", |o| o["spec"]["template"]["spec"]["containers"][0]["name"] = json!("Not_good")),
        ("a container without an image", |o| o["spec"]["template"]["spec"]["containers"][0]["image"] = json!("")),
        ("two containers of one name", |o| {
            o["spec"]["template"]["spec"]["containers"] = json!([{"name": "a", "image": "a"}, {"name": "a", "image": "b"}]);
        }),
        ("pods that end", |o| o["spec"]["template"]["spec"]["restartPolicy"] = json!("Never")),
        ("pods that restart somehow", |o| o["spec"]["template"]["spec"]["restartPolicy"] = json!("Sometimes")),
        ("a strategy that is none", |o| o["spec"]["strategy"] = json!({"type": "Slowly"})),
        ("recreating by steps", |o| o["spec"]["strategy"] = json!({"type": "Recreate", "rollingUpdate": {"maxSurge": 1}})),
        ("no way to roll", |o| o["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}})),
        ("a surge in wrong words", |o| o["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": "many"}})),
        ("a time to be ready below zero", |o| o["spec"]["minReadySeconds"] = json!(-1)),
        ("a history below zero", |o| o["spec"]["revisionHistoryLimit"] = json!(-1)),
        ("a deadline before it is ready", |o| {
            o["spec"]["minReadySeconds"] = json!(60);
            o["spec"]["progressDeadlineSeconds"] = json!(30);
        }),
        ("a port that is none", |o| o["spec"]["template"]["spec"]["containers"][0]["ports"] = json!([{"containerPort": 70000}])),
        ("a port without a number", |o| o["spec"]["template"]["spec"]["containers"][0]["ports"] = json!([{"name": "http"}])),
        ("a port of an unknown protocol", |o| {
            o["spec"]["template"]["spec"]["containers"][0]["ports"] = json!([{"containerPort": 80, "protocol": "ICMP"}]);
        }),
        ("a variable without a name", |o| o["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"value": "a"}])),
        ("a variable from two places", |o| {
            o["spec"]["template"]["spec"]["containers"][0]["env"] =
                json!([{"name": "A", "value": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]);
        }),
        ("less room than asked for", |o| {
            o["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "2"}, "limits": {"cpu": "1"}});
        }),
        ("room in wrong words", |o| {
            o["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "much"}});
        }),
        ("room below zero", |o| {
            o["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"memory": "-1Mi"}});
        }),
        ("an image policy that is none", |o| o["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = json!("Maybe")),
        ("a mount of no volume", |o| {
            o["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "x", "mountPath": "/x"}]);
        }),
        ("a volume twice", |o| {
            o["spec"]["template"]["spec"]["volumes"] = json!([{"name": "x", "emptyDir": {}}, {"name": "x", "emptyDir": {}}]);
        }),
        ("a volume of nothing", |o| o["spec"]["template"]["spec"]["volumes"] = json!([{"name": "x"}])),
        ("a probe without a way", |o| {
            o["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = json!({"periodSeconds": 1});
        }),
        ("a probe that waits below zero", |o| {
            o["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = json!({"tcpSocket": {"port": 80}, "initialDelaySeconds": -1});
        }),
        ("a grace below zero", |o| o["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(-1)),
        ("names resolved somehow", |o| o["spec"]["template"]["spec"]["dnsPolicy"] = json!("Somehow")),
        ("a wrong label in the template", |o| o["spec"]["template"]["metadata"]["labels"]["x"] = json!("not good!")),
    ];
    cases
        .into_iter()
        .map(|(name, change)| Row::post(format!("a deployment with {name}"), format!("{APPS}/deployments?dryRun=All"), &deployment("wrong", change)))
        .collect()
}

fn invalid_others() -> Vec<Row> {
    let core = |name: &str, plural: &str, kind: &str, rest: Value| post(name, &format!("{CORE}/{plural}"), "v1", kind, &rest);
    let of = |name: &str, group: &str, version: &str, plural: &str, kind: &str, rest: Value| {
        post(name, &format!("/apis/{group}/{version}/namespaces/{{ns}}/{plural}"), &format!("{group}/{version}"), kind, &rest)
    };
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "app", "image": "a"}]});
    let cron = |spec: &Value| {
        let mut whole = json!({"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}});
        whole.as_object_mut().expect("a map").extend(spec.as_object().expect("a map").clone());
        json!({"spec": whole})
    };
    let autoscaler = |low: i64, high: i64| json!({"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}, "minReplicas": low, "maxReplicas": high}});
    vec![
        core("a service without ports", "services", "Service", json!({"spec": {"selector": {"a": "b"}}})),
        core("a service with port zero", "services", "Service", json!({"spec": {"ports": [{"port": 0}]}})),
        core("a service with a large port", "services", "Service", json!({"spec": {"ports": [{"port": 70000}]}})),
        core("a service with nameless ports", "services", "Service", json!({"spec": {"ports": [{"port": 1}, {"port": 2}]}})),
        core(
            "a service with one port twice",
            "services",
            "Service",
            json!({"spec": {"ports": [{"name": "a", "port": 1}, {"name": "b", "port": 1}]}}),
        ),
        core("a service of an unknown type", "services", "Service", json!({"spec": {"type": "Magic", "ports": [{"port": 1}]}})),
        core("a service that is elsewhere, nowhere", "services", "Service", json!({"spec": {"type": "ExternalName"}})),
        core(
            "a service with an unknown affinity",
            "services",
            "Service",
            json!({"spec": {"sessionAffinity": "Maybe", "ports": [{"port": 1}]}}),
        ),
        core(
            "a headless service",
            "services",
            "Service",
            json!({"spec": {"clusterIP": "None", "selector": {"a": "b"}, "ports": [{"port": 80, "targetPort": "http"}]}}),
        ),
        core(
            "a service on the nodes",
            "services",
            "Service",
            json!({"spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30999}]}}),
        ),
        core("a map with a wrong key", "configmaps", "ConfigMap", json!({"data": {"not good!": "a"}})),
        core("a map with a key twice", "configmaps", "ConfigMap", json!({"data": {"a": "a"}, "binaryData": {"a": "YQ=="}})),
        core("a map with numbers", "configmaps", "ConfigMap", json!({"data": {"a": 1}})),
        core("a map with bytes that are none", "configmaps", "ConfigMap", json!({"binaryData": {"a": "not base64!"}})),
        core("a secret with a wrong key", "secrets", "Secret", json!({"data": {"not good!": "YQ=="}})),
        core("a secret with bytes that are none", "secrets", "Secret", json!({"data": {"a": "not base64!"}})),
        core("a secret without what its type needs", "secrets", "Secret", json!({"type": "kubernetes.io/tls"})),
        core(
            "a claim without room",
            "persistentvolumeclaims",
            "PersistentVolumeClaim",
            json!({"spec": {"accessModes": ["ReadWriteOnce"]}}),
        ),
        core(
            "a claim without a mode",
            "persistentvolumeclaims",
            "PersistentVolumeClaim",
            json!({"spec": {"resources": {"requests": {"storage": "1Gi"}}}}),
        ),
        core("a quota in wrong words", "resourcequotas", "ResourceQuota", json!({"spec": {"hard": {"pods": "many"}}})),
        core("a quota below zero", "resourcequotas", "ResourceQuota", json!({"spec": {"hard": {"pods": "-1"}}})),
        core("a pod without containers", "pods", "Pod", json!({"spec": {"containers": []}})),
        core(
            "a pod of an unknown class",
            "pods",
            "Pod",
            json!({"spec": {"priorityClassName": "nosuch", "containers": [{"name": "a", "image": "a"}]}}),
        ),
        core(
            "a pod of an unknown account",
            "pods",
            "Pod",
            json!({"spec": {"serviceAccountName": "nosuch", "containers": [{"name": "a", "image": "a"}]}}),
        ),
        core(
            "an event about another namespace",
            "events",
            "Event",
            json!({"involvedObject": {"kind": "Pod", "namespace": "elsewhere", "name": "a"}}),
        ),
        of("a schedule that is none", "batch", "v1", "cronjobs", "CronJob", cron(&json!({"schedule": "every day"}))),
        of("a schedule of words", "batch", "v1", "cronjobs", "CronJob", cron(&json!({"schedule": "a b c d e"}))),
        of("no schedule", "batch", "v1", "cronjobs", "CronJob", cron(&json!({"schedule": ""}))),
        of(
            "a schedule with a zone of its own",
            "batch",
            "v1",
            "cronjobs",
            "CronJob",
            cron(&json!({"schedule": "TZ=UTC 0 3 * * *"})),
        ),
        of("a zone that is none", "batch", "v1", "cronjobs", "CronJob", cron(&json!({"timeZone": "Moon/Sea"}))),
        of("an unknown way of overlapping", "batch", "v1", "cronjobs", "CronJob", cron(&json!({"concurrencyPolicy": "Maybe"}))),
        of("a history below zero", "batch", "v1", "cronjobs", "CronJob", cron(&json!({"successfulJobsHistoryLimit": -1}))),
        of(
            "a job that restarts always",
            "batch",
            "v1",
            "jobs",
            "Job",
            json!({"spec": {"template": {"spec": {"restartPolicy": "Always", "containers": [{"name": "a", "image": "a"}]}}}}),
        ),
        of(
            "a job without a restart policy",
            "batch",
            "v1",
            "jobs",
            "Job",
            json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "a"}]}}}}),
        ),
        of(
            "a job of fewer than none",
            "batch",
            "v1",
            "jobs",
            "Job",
            json!({"spec": {"parallelism": -1, "template": {"spec": pod}}}),
        ),
        of(
            "a job with a selector of its own",
            "batch",
            "v1",
            "jobs",
            "Job",
            json!({"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"spec": pod}}}),
        ),
        of(
            "an autoscaler from five to two",
            "autoscaling",
            "v2",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscaler",
            autoscaler(5, 2),
        ),
        of("an autoscaler to none", "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", autoscaler(1, 0)),
        of("an autoscaler from none", "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", autoscaler(0, 2)),
        of(
            "an autoscaler of nothing",
            "autoscaling",
            "v2",
            "horizontalpodautoscalers",
            "HorizontalPodAutoscaler",
            json!({"spec": {"maxReplicas": 2}}),
        ),
        of(
            "a budget of both bounds",
            "policy",
            "v1",
            "poddisruptionbudgets",
            "PodDisruptionBudget",
            json!({"spec": {"minAvailable": 1, "maxUnavailable": 1}}),
        ),
        of(
            "a budget below zero",
            "policy",
            "v1",
            "poddisruptionbudgets",
            "PodDisruptionBudget",
            json!({"spec": {"minAvailable": -1}}),
        ),
        of(
            "a budget in wrong words",
            "policy",
            "v1",
            "poddisruptionbudgets",
            "PodDisruptionBudget",
            json!({"spec": {"minAvailable": "much"}}),
        ),
        of("a set without a selector", "apps", "v1", "statefulsets", "StatefulSet", json!({"spec": {"serviceName": "a"}})),
        of("a daemon without a selector", "apps", "v1", "daemonsets", "DaemonSet", json!({"spec": {}})),
        of(
            "a lease below zero",
            "coordination.k8s.io",
            "v1",
            "leases",
            "Lease",
            json!({"spec": {"leaseDurationSeconds": -1, "leaseTransitions": -1}}),
        ),
        of(
            "a slice of an unknown type",
            "discovery.k8s.io",
            "v1",
            "endpointslices",
            "EndpointSlice",
            json!({"addressType": "Phone", "endpoints": []}),
        ),
        of(
            "a slice with an address that is none",
            "discovery.k8s.io",
            "v1",
            "endpointslices",
            "EndpointSlice",
            json!({"addressType": "IPv4", "endpoints": [{"addresses": ["here"]}]}),
        ),
        of("a door to nothing", "networking.k8s.io", "v1", "ingresses", "Ingress", json!({"spec": {}})),
        of(
            "a door without a type of path",
            "networking.k8s.io",
            "v1",
            "ingresses",
            "Ingress",
            json!({"spec": {"rules": [{"http": {"paths": [{"path": "/", "backend": {"service": {"name": "a", "port": {"number": 1}}}}]}}]}}),
        ),
        of(
            "a door with a wrong path",
            "networking.k8s.io",
            "v1",
            "ingresses",
            "Ingress",
            json!({"spec": {"rules": [{"http": {"paths": [{"path": "a", "pathType": "Exact", "backend": {"service": {"name": "a", "port": {"number": 1}}}}]}}]}}),
        ),
        of(
            "a role that may nothing to something",
            "rbac.authorization.k8s.io",
            "v1",
            "roles",
            "Role",
            json!({"rules": [{"apiGroups": [""], "resources": ["pods"]}]}),
        ),
        of(
            "a binding to nothing",
            "rbac.authorization.k8s.io",
            "v1",
            "rolebindings",
            "RoleBinding",
            json!({"roleRef": {"kind": "Role", "name": ""}}),
        ),
        of(
            "a binding of somebody strange",
            "rbac.authorization.k8s.io",
            "v1",
            "rolebindings",
            "RoleBinding",
            json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"}, "subjects": [{"kind": "Cat", "name": "a"}]}),
        ),
    ]
}

fn post(name: &str, path: &str, version: &str, kind: &str, rest: &Value) -> Row {
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "wrong"}});
    object.as_object_mut().expect("a map").extend(rest.as_object().expect("a map").clone());
    Row::post(name, format!("{path}?dryRun=All"), &object)
}

/// Patches of lists: by key, in order, taken away, replaced.
fn lists() -> Vec<Row> {
    let path = format!("{APPS}/deployments/lists");
    let made = deployment("lists", |o| {
        o["spec"]["paused"] = json!(true);
        o["spec"]["template"]["spec"]["containers"] = json!([
            {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}], "ports": [{"containerPort": 80}], "args": ["one", "two"]},
            {"name": "b", "image": "b:1"}]);
        o["spec"]["template"]["spec"]["tolerations"] = json!([{"key": "t", "operator": "Exists"}]);
    });
    let pod = |spec: Value| json!({"spec": {"template": {"spec": spec}}});
    let mut rows = vec![Row::post("lists to patch", format!("{APPS}/deployments"), &made)];
    for (name, patch) in [
        ("one container's image", pod(json!({"containers": [{"name": "a", "image": "a:2"}]}))),
        ("a container more", pod(json!({"containers": [{"name": "c", "image": "c:1"}]}))),
        ("a container less", pod(json!({"containers": [{"name": "b", "$patch": "delete"}]}))),
        (
            "containers in another order",
            pod(json!({"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}], "containers": [{"name": "c", "image": "c:2"}]})),
        ),
        (
            "one variable",
            pod(json!({"containers": [{"name": "a", "env": [{"name": "Y", "value": "3"}, {"name": "Z", "value": "4"}]}]})),
        ),
        ("a variable less", pod(json!({"containers": [{"name": "a", "env": [{"name": "X", "$patch": "delete"}]}]}))),
        ("another port", pod(json!({"containers": [{"name": "a", "ports": [{"containerPort": 81}]}]}))),
        ("other arguments", pod(json!({"containers": [{"name": "a", "args": ["three"]}]}))),
        ("no arguments", pod(json!({"containers": [{"name": "a", "args": null}]}))),
        ("other tolerations", pod(json!({"tolerations": [{"key": "u", "operator": "Exists"}]}))),
        ("all containers anew", pod(json!({"containers": [{"$patch": "replace"}, {"name": "d", "image": "d:1"}]}))),
        ("another strategy", json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}})),
        ("a container without its key", pod(json!({"containers": [{"image": "x"}]}))),
        ("an instruction that is none", pod(json!({"containers": [{"name": "d", "$patch": "burn"}]}))),
        ("a list that is a map", pod(json!({"containers": {"name": "d"}}))),
        ("a map that is a word", json!({"spec": {"template": "none"}})),
    ] {
        rows.push(Row::patch(format!("strategically: {name}"), &path, STRATEGIC, &patch).settles());
    }
    for (name, patch) in [
        ("all containers", pod(json!({"containers": [{"name": "e", "image": "e:1"}]}))),
        ("nothing of the labels", json!({"metadata": {"labels": null}})),
        ("a nested null", pod(json!({"tolerations": null}))),
        ("a number", json!({"spec": {"replicas": 0, "revisionHistoryLimit": 4}})),
        ("a number in words", json!({"spec": {"replicas": "none"}})),
    ] {
        rows.push(Row::patch(format!("merged: {name}"), &path, MERGE, &patch).settles());
    }
    rows
}

/// JSON patches: each operation, and what it does where there is nothing.
fn paths() -> Vec<Row> {
    let path = format!("{CORE}/configmaps/paths");
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "paths", "annotations": {"example.com/x": "1"}}, "data": {"a": "1", "b": "2"}});
    let mut rows = vec![Row::post("a map to patch", format!("{CORE}/configmaps"), &map)];
    for (name, operations) in [
        ("add", json!([{"op": "add", "path": "/data/c", "value": "3"}])),
        ("add over something", json!([{"op": "add", "path": "/data/c", "value": "4"}])),
        ("replace", json!([{"op": "replace", "path": "/data/a", "value": "5"}])),
        ("replace nothing", json!([{"op": "replace", "path": "/data/nosuch", "value": "5"}])),
        ("remove", json!([{"op": "remove", "path": "/data/b"}])),
        ("copy", json!([{"op": "copy", "from": "/data/a", "path": "/data/d"}])),
        ("move", json!([{"op": "move", "from": "/data/d", "path": "/data/e"}])),
        ("move nothing", json!([{"op": "move", "from": "/data/nosuch", "path": "/data/e"}])),
        (
            "a test that holds",
            json!([{"op": "test", "path": "/data/a", "value": "5"}, {"op": "add", "path": "/data/f", "value": "6"}]),
        ),
        ("a test of nothing", json!([{"op": "test", "path": "/data/nosuch", "value": null}])),
        ("a path with a slash in it", json!([{"op": "replace", "path": "/metadata/annotations/example.com~1x", "value": "2"}])),
        ("a path into nothing", json!([{"op": "add", "path": "/nosuch/a", "value": "1"}])),
        ("a path that is none", json!([{"op": "add", "path": "data", "value": "1"}])),
        ("no path", json!([{"op": "add", "value": "1"}])),
        ("no value", json!([{"op": "add", "path": "/data/g"}])),
        ("nothing at all", json!([])),
        ("the whole object", json!([{"op": "replace", "path": "", "value": {}}])),
    ] {
        rows.push(Row::patch(format!("operations: {name}"), &path, JSON, &operations));
    }
    let many: Vec<Value> = (0..10_001).map(|_| json!({"op": "test", "path": "/data/a", "value": "5"})).collect();
    rows.push(Row::patch("operations: too many", &path, JSON, &Value::Array(many)));
    rows
}

/// What must not change once it is there.
fn fixed() -> Vec<Row> {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fixed"}, "data": {"a": "1"}, "immutable": true});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "fixed"}, "type": "Opaque"});
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "fixed"}, "spec": {"suspend": true, "completions": 2,
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}}}});
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "fixed"}, "spec": {"replicas": 0, "serviceName": "a",
        "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}}});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "fixed"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}, "subjects": []});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "fixed"}, "spec": {"schedulerName": "nobody", "containers": [{"name": "a", "image": "a"}]}});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "fixed"}, "spec": {"ports": [{"port": 80}]}});
    let (batch, rbac) = ("/apis/batch/v1/namespaces/{ns}/jobs", "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings");
    let spec = |spec: Value| json!({"spec": spec});
    let container = |change: Value| json!({"spec": {"containers": [change]}});
    let mut rows = Vec::new();
    for (title, base, object, changes) in [
        (
            "deployment",
            format!("{APPS}/deployments"),
            deployment("fixed", |_| {}),
            vec![
                (
                    "selector",
                    spec(json!({"selector": {"matchLabels": {"app": "other"}}, "template": {"metadata": {"labels": {"app": "other"}}}})),
                ),
                ("name", json!({"metadata": {"name": "other"}})),
                ("time it was made", json!({"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"}})),
                ("number of its version", json!({"metadata": {"generation": 77}})),
                ("status", json!({"status": {"replicas": 7}})),
            ],
        ),
        (
            "map",
            format!("{CORE}/configmaps"),
            map,
            vec![
                ("data", json!({"data": {"a": "2"}})),
                ("word", json!({"immutable": false})),
                ("labels", json!({"metadata": {"labels": {"a": "b"}}})),
            ],
        ),
        ("secret", format!("{CORE}/secrets"), secret, vec![("type", json!({"type": "kubernetes.io/basic-auth"}))]),
        (
            "job",
            batch.to_owned(),
            job,
            vec![
                ("completions", spec(json!({"completions": 3}))),
                ("selector", spec(json!({"selector": {"matchLabels": {"a": "b"}}}))),
                ("parallelism", spec(json!({"parallelism": 2}))),
            ],
        ),
        (
            "set",
            format!("{APPS}/statefulsets"),
            set,
            vec![
                ("service", spec(json!({"serviceName": "b"}))),
                ("order", spec(json!({"podManagementPolicy": "Parallel"}))),
                ("time to be ready", spec(json!({"minReadySeconds": 3}))),
            ],
        ),
        (
            "binding",
            rbac.to_owned(),
            binding,
            vec![("role", json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}}))],
        ),
        (
            "pod",
            format!("{CORE}/pods"),
            pod,
            vec![
                ("image", container(json!({"name": "a", "image": "b"}))),
                ("command", container(json!({"name": "a", "image": "b", "command": ["x"]}))),
                ("place", spec(json!({"nodeName": "here"}))),
                ("deadline", spec(json!({"activeDeadlineSeconds": 60}))),
                ("account", spec(json!({"serviceAccountName": "other"}))),
            ],
        ),
        (
            "service",
            format!("{CORE}/services"),
            service,
            vec![
                ("address", spec(json!({"clusterIP": "10.0.0.77"}))),
                ("type", spec(json!({"type": "NodePort"}))),
                ("name", json!({"metadata": {"name": "other"}})),
            ],
        ),
    ] {
        rows.push(Row::post(format!("fixed: a {title}"), &base, &object));
        for (name, change) in changes {
            rows.push(Row::patch(format!("fixed: the {name} of a {title}"), format!("{base}/fixed"), STRATEGIC, &change).settles());
        }
    }
    rows
}

/// What is held by finalizers, and what owns what.
fn held() -> Vec<Row> {
    let path = format!("{CORE}/configmaps/held");
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/a", "example.com/b"]}});
    let owned = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "{owner}"}]}});
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}});
    let bad = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bad", "ownerReferences": [{"apiVersion": "v1", "kind": "", "name": "", "uid": ""}]}});
    let maps = format!("{CORE}/configmaps");
    vec![
        Row::post("held: made", &maps, &map),
        Row::delete("held: deleted", &path, &Value::Null),
        Row::get("held: there still", &path),
        Row::delete("held: deleted again", &path, &Value::Null),
        Row::patch("held: changed while it goes", &path, MERGE, &json!({"data": {"a": "b"}})),
        Row::patch("held: one more hold", &path, JSON, &json!([{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/c"}])),
        Row::patch("held: one hold less", &path, MERGE, &json!({"metadata": {"finalizers": ["example.com/b"]}})),
        Row::patch("held: no time to go", &path, MERGE, &json!({"metadata": {"deletionTimestamp": null}})),
        Row::patch("held: let go", &path, MERGE, &json!({"metadata": {"finalizers": null}})),
        Row::get("held: gone", &path),
        Row::post("owned: by nobody in particular", &maps, &bad),
        Row::post("owned: the owner", &maps, &owner).keep("owner", "/metadata/uid"),
        Row::post("owned: one", &maps, &owned("owned-one")),
        Row::delete("owned: the owner goes last", format!("{maps}/owner"), &json!({"propagationPolicy": "Foreground"})),
        Row::get("owned: one is gone", format!("{maps}/owned-one")).until(|answer| answer["code"] == 404),
        Row::get("owned: the owner is gone", format!("{maps}/owner")).until(|answer| answer["code"] == 404),
        Row::post("owned: another owner", &maps, &owner).keep("owner", "/metadata/uid"),
        Row::post("owned: two", &maps, &owned("owned-two")),
        Row::delete("owned: the owner leaves its own behind", format!("{maps}/owner"), &json!({"propagationPolicy": "Orphan"})),
        Row::get("owned: the other owner is gone", format!("{maps}/owner")).until(|answer| answer["code"] == 404),
        Row::get("owned: two is nobody's", format!("{maps}/owned-two")),
        Row::delete(
            "owned: in two ways at once",
            format!("{maps}/owned-two"),
            &json!({"propagationPolicy": "Orphan", "orphanDependents": true}),
        ),
        Row::delete("owned: with a grace below zero", format!("{maps}/owned-two?dryRun=All"), &json!({"gracePeriodSeconds": -1})),
        Row::delete("owned: with a grace in words", format!("{maps}/owned-two?gracePeriodSeconds=soon"), &Value::Null),
        Row::delete("owned: with options of another kind", format!("{maps}/owned-two"), &json!({"apiVersion": "v1", "kind": "Pod"})),
        Row::delete("owned: two goes at once", format!("{maps}/owned-two?gracePeriodSeconds=0&propagationPolicy=Background"), &Value::Null),
    ]
}

/// Collections deleted, quotas kept.
fn whole() -> Vec<Row> {
    let maps = format!("{CORE}/configmaps");
    let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"of": "whole"}}});
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"secrets": "1", "pods": "0"}}});
    let secret = |name: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "too-many"}, "spec": {"containers": [{"name": "a", "image": "a"}]}});
    vec![
        Row::post("whole: one", &maps, &map("whole-one")),
        Row::post("whole: two", &maps, &map("whole-two")),
        Row::delete("whole: both deleted", format!("{maps}?labelSelector=of%3Dwhole"), &Value::Null),
        Row::get("whole: none is left", format!("{maps}?labelSelector=of%3Dwhole")),
        Row::delete("whole: none deleted", format!("{maps}?labelSelector=of%3Dwhole"), &Value::Null),
        Row::delete("whole: by a selector that is none", format!("{maps}?labelSelector=%3D"), &Value::Null),
        Row::post("quota: made", format!("{CORE}/resourcequotas"), &quota),
        Row::get("quota: counted", format!("{CORE}/resourcequotas/few")).until(|answer| answer["status"]["used"]["pods"].is_string()),
        Row::post("quota: a secret too many", format!("{CORE}/secrets"), &secret("beyond")),
        Row::post("quota: a pod too many", format!("{CORE}/pods"), &pod),
        // Both count again in their own time.
        Row::delete("quota: taken away", format!("{CORE}/resourcequotas/few"), &Value::Null).silent(),
        Row::post("quota: a secret now", format!("{CORE}/secrets"), &secret("within")),
    ]
}

/// Namespaces: what they hold back, and how they go.
fn namespaces() -> Vec<Row> {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "{ns}-going", "finalizers": ["example.com/hold"]}});
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}});
    let path = "/api/v1/namespaces/{ns}-going";
    vec![
        Row::post("namespace: in one that is not there", "/api/v1/namespaces/{ns}-nosuch/configmaps", &map),
        Row::get("namespace: a list in one that is not there", "/api/v1/namespaces/{ns}-nosuch/configmaps"),
        Row::post("namespace: made", "/api/v1/namespaces", &namespace),
        Row::get("namespace: read", path),
        Row::delete("namespace: deleted", path, &Value::Null),
        Row::post("namespace: too late", format!("{path}/configmaps"), &map),
        Row::get("namespace: going", path).until(|answer| answer["status"]["phase"] == "Terminating").silent(),
        Row::delete("namespace: deleted again", path, &Value::Null).settles(),
        Row::patch("namespace: let go", path, MERGE, &json!({"metadata": {"finalizers": null}})).silent(),
        Row::get("namespace: gone", path).until(|answer| answer["code"] == 404),
        Row::delete("namespace: one that must stay", "/api/v1/namespaces/default", &Value::Null),
        Row::delete("namespace: another that must stay", "/api/v1/namespaces/kube-system", &Value::Null),
    ]
}
