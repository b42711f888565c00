//! What of a namespace a service file would name: its workloads with what can be told from their objects.
//!
//! Owns the guesses: roles, probes, tools of migrations. Pure. Values of variables are looked at and never kept.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::check::live::Live;
use crate::cli::check::resolve::{containers, pod_spec, repository};
use crate::target::model::Kind;

/// A workload to be named.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) role: Option<&'static str>,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The first container, when there are several.
    pub(super) container: Option<String>,
    pub(super) image: Option<String>,
    pub(super) replicas: Option<i64>,
    pub(super) hpa: Option<String>,
    /// Port and path of its readiness probe.
    pub(super) ready: Option<(u64, String)>,
    pub(super) tls_secret: Option<String>,
    /// Keys of Secrets that its variables come from.
    pub(super) keys: Vec<(String, String)>,
    /// The tool of migrations that it seems to run.
    pub(super) migrates: Option<&'static str>,
}

const KINDS: [Kind; 5] = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::CronJob, Kind::Ingress];

/// All that stand for themselves, by kind and name. An id that two would have is told apart by the kind.
pub(super) fn of(live: &Live, namespace: &str) -> Vec<Found> {
    let owned = |o: &Value| o["metadata"]["ownerReferences"].as_array().is_some_and(|owners| !owners.is_empty());
    let mut all: Vec<Found> = KINDS
        .into_iter()
        .flat_map(|kind| {
            live.of(kind, namespace)
                .iter()
                .filter(|o| !owned(o))
                .filter_map(move |object| one(live, namespace, kind, object))
        })
        .collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for found in &all {
        *seen.entry(found.id.clone()).or_default() += 1;
    }
    for found in all.iter_mut().filter(|f| seen[&f.id] > 1) {
        found.id = format!("{}-{}", found.id, found.kind.word().to_lowercase());
    }
    all
}

fn one(live: &Live, namespace: &str, kind: Kind, object: &Value) -> Option<Found> {
    let name = object["metadata"]["name"].as_str()?.to_owned();
    let spec = pod_spec(object);
    let all = containers(spec, "containers");
    let first = all.first();
    let image = first.and_then(|c| c["image"].as_str()).map(|image| repository(image).to_owned());
    let tls = object["spec"]["tls"].as_array().and_then(|tls| tls.first()).and_then(|tls| tls["secretName"].as_str());
    let scaled = |hpa: &&Value| hpa["spec"]["scaleTargetRef"]["kind"] == kind.word() && hpa["spec"]["scaleTargetRef"]["name"] == *name;
    let hpa = live.of(Kind::HorizontalPodAutoscaler, namespace).iter().find(scaled);
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    Some(Found {
        role: role(kind, &name, image.as_deref().unwrap_or_default()),
        container: first.filter(|_| all.len() > 1).and_then(|c| text(&c["name"])),
        replicas: object["spec"]["replicas"].as_i64(),
        hpa: hpa.and_then(|hpa| text(&hpa["metadata"]["name"])),
        ready: first.filter(|_| kind != Kind::CronJob).and_then(ready),
        tls_secret: tls.map(ToOwned::to_owned),
        keys: keys(spec),
        migrates: migrates(spec),
        id: name.clone(),
        kind,
        name,
        image,
    })
}

/// What a workload seems to be for.
fn role(kind: Kind, name: &str, image: &str) -> Option<&'static str> {
    if kind == Kind::Ingress {
        return Some("ingress");
    }
    let has = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
    let product = image.rsplit('/').next().unwrap_or_default();
    match () {
        () if kind == Kind::CronJob => None,
        () if has(product, &["postgres", "mysql", "mariadb", "mongo"]) => Some("database"),
        () if has(product, &["redis", "valkey", "memcached"]) => Some("cache"),
        () if has(product, &["rabbitmq", "kafka", "nats"]) => Some("queue"),
        () if has(name, &["worker", "celery", "outbox", "consumer"]) => Some("worker"),
        () if has(name, &["frontend", "web", "site"]) => Some("frontend"),
        () if has(name, &["api", "backend", "server"]) => Some("api"),
        () => None,
    }
}

/// Where a container is asked whether it is ready. A named port is looked up.
fn ready(container: &Value) -> Option<(u64, String)> {
    let get = &container["readinessProbe"]["httpGet"];
    let named = |name: &str| container["ports"].as_array()?.iter().find(|p| p["name"] == name)?["containerPort"].as_u64();
    let port = get["port"].as_u64().or_else(|| named(get["port"].as_str()?))?;
    // HTTPS to a pod needs a trust that the probe does not have.
    (get["scheme"] != "HTTPS").then(|| (port, get["path"].as_str().unwrap_or("/").to_owned()))
}

fn keys(spec: &Value) -> Vec<(String, String)> {
    let all = ["initContainers", "containers"].into_iter().flat_map(|list| containers(spec, list));
    let variables = all.flat_map(|c| c["env"].as_array().into_iter().flatten());
    let mut keys: Vec<(String, String)> = variables
        .filter_map(|e| {
            let from = &e["valueFrom"]["secretKeyRef"];
            Some((from["name"].as_str()?.to_owned(), from["key"].as_str()?.to_owned()))
        })
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

fn migrates(spec: &Value) -> Option<&'static str> {
    let all = ["initContainers", "containers"].into_iter().flat_map(|list| containers(spec, list));
    let words: String = all
        .flat_map(|c| ["command", "args"].into_iter().flat_map(|key| c[key].as_array().into_iter().flatten()))
        .filter_map(Value::as_str)
        .flat_map(|word| [word, " "])
        .collect();
    let tools = [("manage.py migrate", "django"), ("alembic", "alembic"), ("prisma", "prisma")];
    tools.into_iter().find(|(sign, _)| words.contains(sign)).map(|(_, tool)| tool)
}
