//! A service file's names against what the target has: each proven, failed or unknown.
//!
//! Owns what counts as found. Pure: what was read is an argument.

use jiff::Timestamp;
use serde_json::Value;

use super::found::Findings;
use super::live::{Live, Missing, of_cluster};
use super::tries;
use crate::base::environment::EnvironmentKind;
use crate::run::backup::catalogue::Freshness;
use crate::run::{by_variable, gets};
use crate::service::{BackupKind, DatabaseAt, Secret, SecretRef, Service, Target, Workload, WorkloadKind};
use crate::target::api::Identity;
use crate::target::model::Kind;

/// The kind of object that a workload of the file is; `None` for what is not one.
pub(in crate::cli) fn kind_of(workload: &Workload) -> Option<Kind> {
    match workload.kind {
        WorkloadKind::Deployment => Some(Kind::Deployment),
        WorkloadKind::StatefulSet => Some(Kind::StatefulSet),
        WorkloadKind::DaemonSet => Some(Kind::DaemonSet),
        WorkloadKind::Job => Some(Kind::Job),
        WorkloadKind::CronJob => Some(Kind::CronJob),
        WorkloadKind::Ingress => Some(Kind::Ingress),
        WorkloadKind::HelmRelease | WorkloadKind::Service | WorkloadKind::External => None,
    }
}

/// The pod spec of a workload's object.
pub(in crate::cli) fn pod_spec(object: &Value) -> &Value {
    let job = &object["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    if job.is_null() { &object["spec"]["template"]["spec"] } else { job }
}

/// All containers of a pod spec, or those of one list of it.
pub(in crate::cli) fn containers<'v>(spec: &'v Value, list: &str) -> &'v [Value] {
    spec[list].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Holds everything that the file names against the target.
pub(super) fn resolve(service: &Service, live: &Live, identity: &Identity, namespace: &str, found: &mut Findings) {
    target(service, live, identity, namespace, found);
    for workload in &service.workloads {
        one_workload(workload, live, namespace, found);
    }
    for secret in &service.declared.secrets {
        one_secret(secret, service, live, namespace, found);
    }
    declared(service, live, namespace, found);
    tries::tell(&live.statements, found);
    tries::images(service, live, namespace, found);
    for (words, may) in &live.rights {
        let id = format!("right.{}", words.replace(' ', "."));
        match may {
            Ok(true) => found.proven(id, format!("you may {words}")),
            Ok(false) => found.failed(id, format!("you may not {words}"), Some("the roles in assets/rbac grant it".into())),
            Err(why) => found.unknown(id, format!("whether you may {words}: {why}")),
        }
    }
}

fn target(service: &Service, live: &Live, identity: &Identity, namespace: &str, found: &mut Findings) {
    let Some(environment) = &service.environment else { return };
    if let Target::Kubernetes { cluster_uid: Some(pin), .. } = &environment.target {
        match &identity.cluster_uid {
            Some(uid) if uid == pin => found.proven("target.cluster_uid", format!("the cluster is {uid}, as pinned")),
            Some(uid) => found.failed(
                "target.cluster_uid",
                format!("the cluster is {uid}, and the file is pinned to {pin}: nothing will be written"),
                Some("check the context; if the cluster was made anew, correct cluster_uid".into()),
            ),
            None => found.unknown(
                "target.cluster_uid",
                format!("the cluster's UID cannot be read: {}", identity.cluster_uid_reason.as_deref().unwrap_or("no reason given")),
            ),
        }
    }
    match &live.namespaces {
        Some(Ok(all)) => match all.iter().find(|ns| ns["metadata"]["name"] == namespace) {
            Some(ns) => {
                found.proven("target.namespace", format!("the namespace {namespace} exists"));
                let label = ns["metadata"]["labels"]["environment"].as_str().unwrap_or_default();
                // The demo is a likeness of systems that call themselves otherwise.
                if !label.is_empty() && label != environment.kind.word() && environment.kind != EnvironmentKind::Demo {
                    let text = format!("the namespace is labelled environment={label}, and the file says {}", environment.kind.word());
                    found.rule("E-1", namespace, text, "one of the two is wrong");
                }
            }
            None => found.failed("target.namespace", format!("there is no namespace {namespace}"), None),
        },
        Some(Err(why)) => found.unknown("target.namespace", format!("namespaces cannot be read: {why}")),
        None => {}
    }
}

fn one_workload(workload: &Workload, live: &Live, namespace: &str, found: &mut Findings) {
    let id = format!("workload.{}", workload.id);
    let kind = if workload.kind == WorkloadKind::Service { Some(Kind::Service) } else { kind_of(workload) };
    let (Some(kind), Some(name)) = (kind, workload.name.as_deref()) else {
        let why = format!("a workload of kind {} cannot be looked up yet", workload.kind.word());
        return found.unknown(id, why);
    };
    let namespace = workload.namespace.as_deref().unwrap_or(namespace);
    let object = match live.one(kind, namespace, name) {
        Ok(object) => object,
        Err(Missing::NotThere) => {
            let names: Vec<&str> = live.of(kind, namespace).iter().filter_map(|o| o["metadata"]["name"].as_str()).collect();
            let near = crate::base::problem::did_you_mean(name, names.iter().copied());
            let hint = near.map(|near| format!("did you mean '{near}'?"));
            return found.failed(id, format!("there is no {} {namespace}/{name}", kind.word()), hint);
        }
        Err(Missing::Unknown(why)) => return found.unknown(id, format!("{} {namespace}/{name}: {why}", kind.word())),
    };
    found.proven(id.clone(), format!("{} {namespace}/{name} exists", kind.word()));
    container(workload, object, &id, found);
    if let Some(selector) = &workload.selector {
        let wanted: Vec<(&str, &str)> = selector.split(',').filter_map(|pair| pair.split_once('=')).collect();
        let labels = &object["spec"]["template"]["metadata"]["labels"];
        let matches = wanted.iter().all(|(key, value)| labels[*key] == *value);
        if matches {
            found.proven(format!("{id}.selector"), format!("its pods are labelled {selector}"));
        } else {
            found.failed(format!("{id}.selector"), format!("its pods are not labelled {selector}"), None);
        }
    }
    if let Some(hpa) = &workload.hpa {
        autoscaler(workload, hpa, live, namespace, name, found);
    }
    if let Some(secret) = &workload.tls_secret {
        let used = object["spec"]["tls"].as_array().is_some_and(|tls| tls.iter().any(|t| t["secretName"] == *secret));
        if used {
            found.proven(format!("{id}.tls_secret"), format!("TLS uses the Secret {secret}"));
        } else {
            found.failed(format!("{id}.tls_secret"), format!("no TLS block uses the Secret {secret}"), None);
        }
    }
}

fn container(workload: &Workload, object: &Value, id: &str, found: &mut Findings) {
    let all = containers(pod_spec(object), "containers");
    let wanted = match &workload.container {
        Some(name) => {
            let container = all.iter().find(|c| c["name"] == *name);
            if container.is_some() {
                found.proven(format!("{id}.container"), format!("its pods have a container {name}"));
            } else {
                let names: Vec<&str> = all.iter().filter_map(|c| c["name"].as_str()).collect();
                let hint = format!("there are: {}", names.join(", "));
                found.failed(format!("{id}.container"), format!("its pods have no container {name}"), Some(hint));
            }
            container
        }
        None => all.first(),
    };
    let (Some(declared), Some(image)) = (&workload.image, wanted.and_then(|c| c["image"].as_str())) else { return };
    if repository(image) == repository(declared) {
        found.proven(format!("{id}.image"), format!("it runs {image}"));
    } else {
        let text = format!("it runs {image}, and the file says {declared}");
        found.rule("E-T18", &workload.id, text, "whoever deploys from the file changes more than the version");
    }
}

/// An image without its tag and digest.
pub(in crate::cli) fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

fn autoscaler(workload: &Workload, hpa: &str, live: &Live, namespace: &str, name: &str, found: &mut Findings) {
    let id = format!("workload.{}.hpa", workload.id);
    match live.one(Kind::HorizontalPodAutoscaler, namespace, hpa) {
        Ok(object) => {
            let target = object["spec"]["scaleTargetRef"]["name"].as_str().unwrap_or_default();
            if target == name {
                let (min, max) = (object["spec"]["minReplicas"].as_i64().unwrap_or(1), object["spec"]["maxReplicas"].as_i64().unwrap_or(0));
                found.proven(id, format!("the autoscaler {hpa} keeps {name} between {min} and {max}"));
                if workload.min_ready.is_some_and(|least| i64::from(least) > min) {
                    let text = format!("the autoscaler may go down to {min}, and min_ready is {}", workload.min_ready.unwrap_or(0));
                    found.rule("E-7", &workload.id, text, "raise minReplicas, or lower min_ready");
                }
            } else {
                found.failed(id, format!("the autoscaler {hpa} is for {target}, not for {name}"), None);
            }
        }
        Err(Missing::NotThere) => found.failed(id, format!("there is no autoscaler {namespace}/{hpa}"), None),
        Err(Missing::Unknown(why)) => found.unknown(id, format!("the autoscaler {hpa}: {why}")),
    }
}

fn one_secret(secret: &Secret, service: &Service, live: &Live, namespace: &str, found: &mut Findings) {
    let id = format!("secret.{}", secret.id);
    let shown = secret.reference.shown();
    match &secret.reference {
        SecretRef::Env(name) if std::env::var_os(name).is_some_and(|v| !v.is_empty()) => found.proven(id, format!("the variable {name} is set here")),
        SecretRef::Env(name) => found.failed(id, format!("the variable {name} is not set here"), None),
        SecretRef::File(path) => match std::fs::File::open(path) {
            Ok(_) => found.proven(id, format!("the file {path} can be read")),
            Err(why) => found.failed(id, format!("the file {path} cannot be read: {why}"), None),
        },
        SecretRef::Command(_) => found.unknown(id, format!("{shown}: the program is run only when the secret is used")),
        SecretRef::Later(scheme) => found.unknown(id, format!("{scheme}: this version cannot follow it")),
        SecretRef::Kubernetes { name, key, .. } => {
            let place = of_cluster(secret, namespace).unwrap_or_default();
            match live.secrets.get(&place) {
                Some(Ok(keys)) if keys.names.contains(key) => {
                    found.proven(id, format!("the Secret {}/{name} has the key {key}", place.0));
                    consumers(secret, &Used { name, key, written: keys.written }, service, live, namespace, found);
                }
                Some(Ok(keys)) => {
                    let hint = if keys.names.is_empty() { "it has no keys".into() } else { format!("it has: {}", keys.names.join(", ")) };
                    found.failed(id, format!("the Secret {}/{name} has no key {key}", place.0), Some(hint));
                }
                Some(Err(Missing::NotThere)) => found.failed(id, format!("there is no Secret {}/{name}", place.0), None),
                Some(Err(Missing::Unknown(why))) => found.unknown(id, format!("the Secret {}/{name}: {why}", place.0)),
                None => found.unknown(id, format!("the Secret {}/{name} was not asked for", place.0)),
            }
        }
    }
}

/// A key of a Secret that pods use.
struct Used<'a> {
    name: &'a str,
    key: &'a str,
    written: Option<Timestamp>,
}

/// Whether the pods of those that are said to use a secret get it, and whether they have it as it is now.
fn consumers(secret: &Secret, used: &Used<'_>, service: &Service, live: &Live, namespace: &str, found: &mut Findings) {
    let Used { name, key, written } = *used;
    for consumer in &secret.consumers {
        let Some(workload) = service.workloads.iter().find(|w| w.id == *consumer) else { continue };
        let (Some(kind), Some(object)) = (kind_of(workload), workload.name.as_deref()) else { continue };
        let namespace = workload.namespace.as_deref().unwrap_or(namespace);
        let Ok(object) = live.one(kind, namespace, object) else { continue };
        let id = format!("secret.{}.{consumer}", secret.id);
        if let Some(pod) = written.filter(|_| by_variable(pod_spec(object), name, key)).and_then(|at| older(object, live, namespace, at)) {
            let text = format!("the pod {pod} started before {name} was written: it may still have the old value of {key}");
            found.rule("P-T3", &format!("{}.{consumer}", secret.id), text, "timonel run restart, once what takes the new value is ready for it");
        }
        if gets(pod_spec(object), name, key) {
            found.proven(id, format!("the pods of {consumer} get it"));
        } else {
            let text = format!("the pods of {consumer} do not get the key {key} of {name}: changing it changes nothing");
            found.rule("E-T21", &format!("{}.{consumer}", secret.id), text, "mount it, or take the workload off consumers");
        }
    }
}

/// A pod of a workload that started before `at`: variables are read once.
fn older<'l>(workload: &Value, live: &'l Live, namespace: &str, at: Timestamp) -> Option<&'l str> {
    let labels = workload["spec"]["selector"]["matchLabels"].as_object().filter(|labels| !labels.is_empty())?;
    let own = |pod: &&Value| labels.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value);
    let started = |pod: &Value| pod["status"]["startTime"].as_str()?.parse::<Timestamp>().ok();
    let pod = live.of(Kind::Pod, namespace).iter().filter(own).find(|pod| started(pod).is_some_and(|start| start < at))?;
    pod["metadata"]["name"].as_str()
}

fn declared(service: &Service, live: &Live, namespace: &str, found: &mut Findings) {
    for database in &service.declared.databases {
        let place = match &database.at {
            DatabaseAt::Workload(id) => format!("in the pods of {id}"),
            DatabaseAt::Host(host) => format!("on {host}:{}", database.port),
        };
        let (id, what) = (format!("database.{}", database.id), format!("the database {} {place}", database.name));
        match live.databases.get(&database.id) {
            Some(Ok(version)) => found.proven(id, format!("{what} answers: PostgreSQL {version}")),
            Some(Err(why)) if why.here => found.unknown(id, format!("{what}: {}", why.message)),
            Some(Err(why)) => found.failed(id, format!("{what}: {}", why.message), Some("see its workload, name, user and password".into())),
            None => found.unknown(id, format!("{what}: nobody asked it")),
        }
    }
    for backup in &service.declared.backups {
        let id = format!("backup.{}", backup.id);
        if let Some(volume) = backup.volume.as_deref().filter(|_| matches!(backup.kind, BackupKind::PgDump | BackupKind::Volume)) {
            match live.one(Kind::PersistentVolumeClaim, namespace, volume) {
                Ok(_) => found.proven(format!("{id}.volume"), format!("the claim {namespace}/{volume} exists")),
                Err(Missing::NotThere) => found.failed(format!("{id}.volume"), format!("there is no claim {namespace}/{volume}"), None),
                Err(Missing::Unknown(why)) => found.unknown(format!("{id}.volume"), format!("the claim {volume}: {why}")),
            }
        }
        if !backup.is_catalogued() {
            found.unknown(id, "no backup known: nothing of this version looks for one of this kind");
            continue;
        }
        let freshness = live.backups.freshness(&backup.id, backup.max_age, found.at());
        let words = freshness.words(found.at());
        match freshness {
            Freshness::Unknown(_) => found.unknown(id, words),
            fresh if fresh.is_good() => found.proven(id, words),
            _ => found.failed(id, words, Some(format!("timonel run backup {}", backup.id))),
        }
    }
    for contact in service.contacts.iter().filter(|c| c.email.is_none() && c.phone.is_none()) {
        found.unknown(format!("contact.{}", contact.id), "neither a number nor an address is given");
    }
}
