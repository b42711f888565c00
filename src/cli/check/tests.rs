//! What a target is held against, without one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::found::{Answer, Findings, Found};
use super::live::{KINDS, Keys, Live, Missing};
use super::{resolve, rules};
use crate::probe::{Alert, Scraped, Watched};
use crate::run::backup::Known;
use crate::service::{Origin, Service, ServiceFile};
use crate::target::api::Identity;
use crate::target::model::Kind;

const FILE: &str = r#"
schema = 1
[service]
id = "shop"
[secrets.key]
ref = "k8s:shop-secrets#KEY"
consumers = ["api"]
[env.production]
kind = "production"
[env.production.target]
context = "c"
namespace = "shop"
cluster_uid = "0d3bf5a1-6a34-4f0a-9d2f-8f2f1d7a9c55"
[[workload]]
id = "api"
role = "api"
kind = "deployment"
name = "shop-api"
container = "api"
image = "ghcr.io/shop/api"
hpa = "shop-api"
[[probe]]
id = "ready"
kind = "http-each-pod"
workload = "api"
port = 8080
[[backup]]
id = "daily"
kind = "pg_dump"
from = "api"
volume = "dumps"
max_age = "1d"
"#;

fn service() -> Service {
    let (file, problems) = ServiceFile::read("f.toml", FILE, &Origin::Operator);
    assert!(problems.is_empty(), "{problems:?}");
    file.expect("a file").resolve(Some("production")).0
}

fn deployment() -> Value {
    json!({
        "metadata": {"name": "shop-api"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "api"}}, "template": {
            "metadata": {"labels": {"app": "api"}},
            "spec": {"containers": [{
                "name": "api", "image": "ghcr.io/shop/api:v1", "ports": [{"containerPort": 8080}],
                "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "shop-secrets", "key": "KEY"}}}],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
                "livenessProbe": {"httpGet": {"path": "/alive", "port": 8080}},
                "resources": {"requests": {"cpu": "100m"}}
            }]}
        }}
    })
}

fn keys(name: &str) -> Keys {
    Keys { names: vec![name.to_owned()], written: Some(jiff::Timestamp::from_second(1_000).expect("a time")) }
}

fn autoscaler() -> Value {
    json!({
        "metadata": {"name": "shop-api"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "shop-api"}, "minReplicas": 2, "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}}]
        }
    })
}

/// A target where all is well.
fn good() -> Live {
    let lists: BTreeMap<_, _> = KINDS
        .into_iter()
        .map(|kind| {
            let objects = match kind {
                Kind::Deployment => vec![deployment()],
                Kind::HorizontalPodAutoscaler => vec![autoscaler()],
                Kind::PersistentVolumeClaim => vec![json!({"metadata": {"name": "dumps"}})],
                _ => Vec::new(),
            };
            ((kind, "shop".to_owned()), Ok(objects))
        })
        .collect();
    Live {
        lists,
        policies: BTreeMap::from([("shop".to_owned(), Ok(Vec::new()))]),
        namespaces: Some(Ok(vec![json!({"metadata": {"name": "shop", "labels": {"environment": "production"}}})])),
        secrets: BTreeMap::from([(("shop".to_owned(), "shop-secrets".to_owned()), Ok(keys("KEY")))]),
        backups: Known::default(),
        databases: BTreeMap::new(),
        alerts: None,
        statements: Vec::new(),
        nodes: Some(Ok(vec![json!({"metadata": {"name": "n1"}, "status": {"images": [{"names": ["ghcr.io/shop/api:v1"]}]}})])),
        rights: vec![("patch deployments in shop".to_owned(), Ok(true))],
    }
}

fn asked(live: &Live) -> Vec<Found> {
    let mut found = Findings::new(jiff::Timestamp::UNIX_EPOCH);
    let uid = Some("0d3bf5a1-6a34-4f0a-9d2f-8f2f1d7a9c55".to_owned());
    let service = service();
    resolve::resolve(&service, live, &Identity { cluster_uid: uid, ..Identity::default() }, "shop", &mut found);
    rules::hold(&service, live, "shop", &mut found);
    found.all
}

/// Answers other than proven, beside what nobody looks for yet.
fn wrong(live: &Live) -> Vec<(String, Answer)> {
    asked(live)
        .into_iter()
        .filter(|f| f.answer != Answer::Proven && f.id != "backup.daily")
        .map(|f| (f.id, f.answer))
        .collect()
}

/// A change of one object.
fn with(kind: Kind, change: impl FnOnce(&mut Vec<Value>)) -> Live {
    let mut live = good();
    change(live.lists.get_mut(&(kind, "shop".to_owned())).expect("a list").as_mut().expect("read"));
    live
}

#[test]
fn what_is_there_is_proven_and_a_backup_that_nobody_looked_for_is_unknown() {
    assert_eq!(wrong(&good()), []);
    let backup = asked(&good()).into_iter().find(|f| f.id == "backup.daily").expect("the backup");
    assert_eq!(backup.answer, Answer::Unknown, "a declared backup is no backup");
    let none = Live { backups: Known::Read(Vec::new()), ..good() };
    assert_eq!(wrong(&none), [], "it is the backup alone");
    let backup = asked(&none).into_iter().find(|f| f.id == "backup.daily").expect("the backup");
    assert_eq!((backup.answer, backup.text.as_str()), (Answer::Failed, "none is known"));
}

#[test]
fn what_is_not_there_has_failed_and_what_could_not_be_read_is_unknown() {
    let gone = with(Kind::Deployment, Vec::clear);
    assert_eq!(wrong(&gone), [("workload.api".to_owned(), Answer::Failed)]);
    let mut hidden = good();
    hidden.lists.insert((Kind::Deployment, "shop".into()), Err("forbidden".into()));
    hidden.secrets.insert(("shop".into(), "shop-secrets".into()), Err(Missing::Unknown("forbidden".into())));
    hidden.rights = vec![("patch deployments in shop".into(), Err("timeout".into()))];
    assert!(wrong(&hidden).iter().all(|(_, answer)| *answer == Answer::Unknown), "{:?}", wrong(&hidden));
    assert_eq!(wrong(&hidden).len(), 3);
    let mut bare = good();
    bare.secrets.insert(("shop".into(), "shop-secrets".into()), Ok(keys("OTHER")));
    bare.rights = vec![("patch deployments in shop".into(), Ok(false))];
    let ids: Vec<String> = wrong(&bare).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["secret.key", "right.patch.deployments.in.shop"]);
}

#[test]
fn an_image_is_proven_by_a_pod_that_runs_it_or_a_node_that_lists_it_and_is_unknown_otherwise() {
    let image = |live: &Live| asked(live).into_iter().find(|f| f.id == "image.api").map(|f| f.answer).expect("the image");
    assert_eq!(image(&good()), Answer::Proven);
    let pod = |id: &str| {
        let mut live = good();
        live.nodes = Some(Ok(Vec::new()));
        let pod = json!({
            "metadata": {"name": "api-1"}, "spec": {"containers": [{"name": "api", "image": "ghcr.io/shop/api:v1"}]},
            "status": {"containerStatuses": [{"name": "api", "imageID": id}]}
        });
        live.lists.insert((Kind::Pod, "shop".into()), Ok(vec![pod]));
        live
    };
    assert_eq!((image(&pod("sha256:1")), image(&pod(""))), (Answer::Proven, Answer::Unknown), "a pod that waits for it proves nothing");
    assert_eq!(image(&Live { nodes: Some(Err("forbidden".into())), ..good() }), Answer::Unknown);
}

#[test]
fn each_rule_finds_what_it_is_about() {
    let pod = |change: fn(&mut Value)| with(Kind::Deployment, |all| change(&mut all[0]["spec"]["template"]["spec"]));
    let add = |kind: Kind, object: Value| with(kind, |all| all.push(object));
    let policy = |spec: Value| {
        let mut live = good();
        live.policies.insert("shop".into(), Ok(vec![json!({"metadata": {"name": "closed"}, "spec": spec})]));
        live
    };
    for (rule, live) in [
        ("E-T18", pod(|spec| spec["containers"][0]["image"] = json!("ghcr.io/other/api:v1"))),
        ("image-latest", pod(|spec| spec["containers"][0]["image"] = json!("ghcr.io/shop/api"))),
        ("E-3", pod(|spec| spec["containers"][0]["readinessProbe"] = Value::Null)),
        ("E-T27", pod(|spec| spec["containers"][0]["livenessProbe"] = spec["containers"][0]["readinessProbe"].clone())),
        ("hpa-blind", pod(|spec| spec["containers"][0]["resources"] = Value::Null)),
        ("E-T21", pod(|spec| spec["containers"][0]["env"] = Value::Null)),
        (
            "P-T5",
            pod(|spec| spec["initContainers"] = json!([{"name": "migrate", "image": "a:v1", "command": ["python", "manage.py", "migrate"]}])),
        ),
        ("P-T8", pod(|spec| spec["initContainers"] = json!([{"name": "static", "image": "a:v1", "args": ["collectstatic"]}]))),
        ("E-T8", with(Kind::Deployment, |all| all[0]["spec"]["replicas"] = json!(0))),
        (
            "pdb-blocks",
            add(
                Kind::PodDisruptionBudget,
                json!({"metadata": {"name": "b"}, "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "api"}}}}),
            ),
        ),
        (
            "P-T3",
            add(
                Kind::Pod,
                json!({"metadata": {"name": "api-1", "labels": {"app": "api"}}, "status": {"startTime": "1970-01-01T00:16:39Z"}}),
            ),
        ),
        (
            "P-T4",
            pod(|spec| {
                let env = spec["containers"][0]["env"].as_array_mut().expect("a list");
                env.push(json!({"name": "VITE_ORIGIN", "value": "https://x.example"}));
            }),
        ),
        ("P-10", add(Kind::Service, json!({"metadata": {"name": "s"}, "spec": {"type": "NodePort", "selector": {"app": "api"}}}))),
        ("E-T12", policy(json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 5432}]}]}))),
        ("E-T12", policy(json!({"podSelector": {"matchLabels": {"app": "api"}}, "ingress": [{"ports": [{"port": 9090}]}]}))),
        (
            "E-T12",
            policy(json!({"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"name": "nginx"}}}]}]})),
        ),
    ] {
        let found = asked(&live);
        let rules: Vec<&str> = found.iter().filter_map(|f| f.rule.as_deref()).collect();
        assert_eq!(rules, [rule], "{found:#?}");
    }
}

#[test]
fn alerts_that_never_fire_and_a_service_that_is_scraped_as_one_target_are_told() {
    let alert = |query: &str, says: &str, broken: Option<&str>| Alert {
        name: "Slow".into(),
        query: query.into(),
        says: says.into(),
        broken: broken.map(ToOwned::to_owned),
    };
    let told = |alert: Alert, job: Scraped, ready: usize| {
        let pod = |n: usize| {
            let ready = if n < ready { "True" } else { "False" };
            json!({"metadata": {"name": format!("api-{n}"), "labels": {"app": "api"}}, "status": {"conditions": [{"type": "Ready", "status": ready}]}})
        };
        let mut live = with(Kind::Pod, |all| all.extend((0..3).map(pod)));
        let services = live.lists.get_mut(&(Kind::Service, "shop".to_owned())).expect("a list").as_mut().expect("read");
        services.push(json!({"metadata": {"name": "api"}, "spec": {"clusterIP": "10.0.0.9", "selector": {"app": "api"}}}));
        live.alerts = Some(Watched { alerts: Ok(vec![alert]), bare: Ok(["db_seconds".to_owned()].into()), scraped: Ok(vec![job]) });
        let found = asked(&live);
        found.iter().filter_map(|f| f.rule.clone()).collect::<Vec<_>>()
    };
    let job = |hosts: &[&str]| Scraped { job: "api".into(), hosts: hosts.iter().map(|h| (*h).to_owned()).collect() };
    let well = || alert("up == 0", "", None);
    assert_eq!(told(alert("db_seconds > 5", "", None), job(&[]), 3), ["E-T13"]);
    assert_eq!(told(alert("rate(made_total[1h]) < 10", "Fewer than 10 per hour", None), job(&[]), 3), ["E-T13"]);
    assert_eq!(told(alert("up == 0", "", Some("parse error")), job(&[]), 3), ["E-15"]);
    for host in ["api.shop.svc.cluster.local", "api.shop", "api", "10.0.0.9"] {
        assert_eq!(told(well(), job(&[host]), 2), ["E-T14"], "{host}");
        assert_eq!(told(well(), job(&[host]), 1), Vec::<String>::new(), "one pod alone");
    }
    for hosts in [&["10.244.0.4", "10.244.0.5"][..], &["api.other"], &["elsewhere"], &[]] {
        assert_eq!(told(well(), job(hosts), 3), Vec::<String>::new(), "{hosts:?}");
    }
    let silent = Live { alerts: Some(Watched::unknown("Prometheus does not answer in time")), ..good() };
    assert_eq!(
        wrong(&silent),
        [("source.prometheus".to_owned(), Answer::Unknown), ("source.prometheus.targets".to_owned(), Answer::Unknown)]
    );
}

#[test]
fn a_pod_that_started_after_its_secret_was_written_has_it() {
    let new = json!({"metadata": {"name": "api-1", "labels": {"app": "api"}}, "status": {"startTime": "1970-01-01T00:16:41Z"}});
    let other = json!({"metadata": {"name": "web-1", "labels": {"app": "web"}}, "status": {"startTime": "1970-01-01T00:00:01Z"}});
    assert_eq!(wrong(&with(Kind::Pod, |all| all.extend([new, other]))), []);
}

#[test]
fn a_policy_that_opens_what_is_needed_is_left_alone() {
    let mut live = good();
    let open = json!({"metadata": {"name": "open"}, "spec": {
        "podSelector": {"matchLabels": {"app": "api"}}, "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"port": 8000, "endPort": 9000}]}], "egress": [{"ports": [{"port": 53}]}]
    }});
    live.policies.insert("shop".into(), Ok(vec![open]));
    assert_eq!(wrong(&live), []);
}

#[test]
fn secrets_in_clear_are_found_and_not_repeated() {
    let live = with(Kind::Deployment, |all| {
        let env = json!([
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "shop-secrets", "key": "KEY"}}},
            {"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "DJANGO_SECRET_KEY", "value": "CHANGE_ME"},
            {"name": "DJANGO_DEBUG", "value": "true"}, {"name": "AUTH_ENABLED", "value": "false"}
        ]);
        all[0]["spec"]["template"]["spec"]["containers"][0]["env"] = env;
    });
    let found = asked(&live);
    let rules: Vec<&str> = found.iter().filter_map(|f| f.rule.as_deref()).collect();
    assert_eq!(rules, ["literal-secret", "placeholder", "debug-on", "auth-off"]);
    assert!(!format!("{found:?}").contains("hunter2"));
}
