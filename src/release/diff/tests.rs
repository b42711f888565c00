//! Two templates side by side, as somebody reads the difference at night.

use serde_json::{Value, json};

use super::{Section, compare, template_of};

fn template(change: impl FnOnce(&mut Value)) -> Value {
    let mut template = json!({
        "metadata": { "labels": { "app": "web", "pod-template-hash": "abc" }, "annotations": { "checksum/config": "aaaa" } },
        "spec": {
            "serviceAccountName": "web",
            "initContainers": [{ "name": "migrate", "image": "ghcr.io/x/web:1.0" }],
            "containers": [{
                "name": "app",
                "image": "ghcr.io/x/web:1.0",
                "args": ["serve", "--token=first"],
                "env": [
                    { "name": "LOG_LEVEL", "value": "info" },
                    { "name": "DATABASE_URL", "value": "postgres://u:p@db/app" },
                    { "name": "KEY", "valueFrom": { "secretKeyRef": { "name": "db", "key": "k" } } }
                ],
                "envFrom": [{ "configMapRef": { "name": "settings" } }],
                "resources": { "limits": { "memory": "512Mi" } },
                "readinessProbe": { "httpGet": { "path": "/ready", "port": 80 } },
                "ports": [{ "containerPort": 80, "name": "http", "protocol": "TCP" }],
                "volumeMounts": [{ "mountPath": "/data", "name": "data" }]
            }],
            "volumes": [{ "name": "data", "emptyDir": {} }, { "name": "tls", "secret": { "secretName": "tls-1" } }]
        }
    });
    change(&mut template);
    template
}

/// `section container name: before -> after`.
fn lines(after: &Value) -> Vec<String> {
    let of = |t: Option<&str>| t.unwrap_or("-").to_owned();
    let line = |d: super::Difference| {
        let section = serde_json::to_value(d.section).unwrap();
        format!(
            "{} {} {}: {} -> {}",
            section.as_str().unwrap(),
            d.container.as_deref().unwrap_or("pod"),
            d.name,
            of(d.before.text()),
            of(d.after.text())
        )
    };
    compare(&template(|_| ()), after).into_iter().map(line).collect()
}

#[test]
fn equal_templates_have_no_difference_whatever_their_hash() {
    assert_eq!(lines(&template(|t| t["metadata"]["labels"]["pod-template-hash"] = "def".into())), Vec::<String>::new());
}

#[test]
fn each_difference_stands_in_the_section_it_belongs_to() {
    let app = "/spec/containers/0";
    for (pointer, value, expected) in [
        (format!("{app}/image"), json!("ghcr.io/x/web:1.1"), "image app image: ghcr.io/x/web:1.0 -> ghcr.io/x/web:1.1"),
        (
            "/spec/initContainers/0/image".into(),
            json!("ghcr.io/x/web:1.1"),
            "image migrate image: ghcr.io/x/web:1.0 -> ghcr.io/x/web:1.1",
        ),
        (format!("{app}/env/0/value"), json!("debug"), "env app LOG_LEVEL: info -> debug"),
        (format!("{app}/env/1/value"), json!("postgres://u:q@db/app"), "env app DATABASE_URL: <hidden> -> <hidden>"),
        (
            format!("{app}/env/2/valueFrom/secretKeyRef/name"),
            json!("db2"),
            "env-reference app KEY: Secret db key k -> Secret db2 key k",
        ),
        (format!("{app}/resources/limits/memory"), json!("1Gi"), "resources app limits.memory: 512Mi -> 1Gi"),
        (format!("{app}/readinessProbe/httpGet/path"), json!("/live"), "probe app readiness.httpGet.path: /ready -> /live"),
        (format!("{app}/ports/0/name"), json!("web"), "port app port 80: name=http protocol=TCP -> name=web protocol=TCP"),
        (format!("{app}/volumeMounts/0/mountPath"), json!("/var"), "volume app mount /data: name=data -> -"),
        (
            "/spec/volumes/0".into(),
            json!({ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }),
            "volume pod volume data: emptyDir -> claim data",
        ),
        ("/spec/volumes/1/secret/secretName".into(), json!("tls-2"), "config pod volume tls: Secret tls-1 -> Secret tls-2"),
        ("/spec/serviceAccountName".into(), json!("other"), "other pod serviceAccountName: web -> other"),
        ("/metadata/annotations/checksum~1config".into(), json!("bbbb"), "other pod annotation checksum/config: aaaa -> bbbb"),
        (
            format!("{app}/args/1"),
            json!("--token=second"),
            "other app args: serve <hidden> -> serve <hidden> (a hidden part is different)",
        ),
    ] {
        let after = template(|t| *t.pointer_mut(&pointer).unwrap() = value);
        let got = lines(&after);
        assert_eq!(got.first().map(String::as_str), Some(expected), "{pointer}");
        let moves = pointer.ends_with("mountPath");
        assert_eq!(got.len(), if moves { 2 } else { 1 }, "{got:?}");
    }
}

#[test]
fn what_came_and_went_is_told_as_such() {
    let after = template(|t| {
        let app = &mut t["spec"]["containers"][0];
        app["env"] = json!([{ "name": "KEY", "value": "42" }]);
        app["envFrom"] = json!([{ "secretRef": { "name": "more" }, "prefix": "M_" }]);
        app.as_object_mut().unwrap().remove("readinessProbe");
        t["spec"]["containers"].as_array_mut().unwrap().push(json!({ "name": "proxy", "image": "envoy:1" }));
        t["spec"]["nodeSelector"] = json!({ "zone": "a" });
    });
    assert_eq!(
        lines(&after),
        [
            "container proxy container: - -> envoy:1",
            "env app DATABASE_URL: <hidden> -> -",
            "env app KEY: Secret db key k -> <hidden>",
            "env app LOG_LEVEL: info -> -",
            "config app environment from: ConfigMap settings -> -",
            "config app environment from: - -> Secret more with prefix M_",
            "probe app readiness.httpGet.path: /ready -> -",
            "probe app readiness.httpGet.port: 80 -> -",
            "other pod nodeSelector.zone: - -> a",
        ]
    );
}

#[test]
fn no_secret_value_reaches_the_json_of_a_difference() {
    let after = template(|t| {
        t["spec"]["containers"][0]["env"][1]["value"] = "postgres://u:hunter2@db/app".into();
        t["spec"]["containers"][0]["args"] = json!(["--password", "hunter2", "-c", "PASSWORD=hunter2 run"]);
        t["metadata"]["annotations"]["example/api-token"] = "hunter2".into();
    });
    let text = serde_json::to_string(&compare(&template(|_| ()), &after)).unwrap();
    assert!(text.contains("<hidden>") && !text.contains("hunter2") && !text.contains("first"), "{text}");
}

#[test]
fn templates_are_found_in_workloads_and_in_revisions() {
    let inner = json!({ "spec": {} });
    assert_eq!(template_of(&json!({ "spec": { "template": inner } })), Some(&inner));
    assert_eq!(template_of(&json!({ "data": { "spec": { "template": inner } } })), Some(&inner));
    assert_eq!(template_of(&json!({ "data": {} })), None);
}

#[test]
fn malformed_templates_differ_in_nothing_and_break_nothing() {
    for odd in [json!(null), json!([]), json!({ "spec": 3 }), json!({ "spec": { "containers": {}, "volumes": [1, "x"] } })] {
        assert!(compare(&odd, &odd).is_empty());
        let _ = compare(&template(|_| ()), &odd);
    }
    assert!(Section::Image < Section::Other);
}
