//! What a pod template refers to: ConfigMaps, Secrets, claims, and how a reference is written for people.

use serde_json::Value;

use super::plain;
use crate::target::model::Kind;

/// Something that a pod template refers to by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Its kind.
    pub kind: Kind,
    /// Its name, in the namespace of the pods.
    pub name: String,
    /// Pods start without it.
    pub optional: bool,
}

/// Everything that a pod template refers to by name, each once; needed before optional.
pub fn references(template: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    let spec = template.get("spec").unwrap_or(&Value::Null);
    let lists = ["initContainers", "containers"].into_iter().filter_map(|list| spec.get(list)?.as_array()).flatten();
    for container in lists {
        for variable in each(container, "env") {
            let source = variable.get("valueFrom").unwrap_or(&Value::Null);
            note(&mut found, Kind::ConfigMap, source.get("configMapKeyRef"), "name");
            note(&mut found, Kind::Secret, source.get("secretKeyRef"), "name");
        }
        for source in each(container, "envFrom") {
            note(&mut found, Kind::ConfigMap, source.get("configMapRef"), "name");
            note(&mut found, Kind::Secret, source.get("secretRef"), "name");
        }
    }
    for volume in each(spec, "volumes") {
        note(&mut found, Kind::ConfigMap, volume.get("configMap"), "name");
        note(&mut found, Kind::Secret, volume.get("secret"), "secretName");
        note(&mut found, Kind::PersistentVolumeClaim, volume.get("persistentVolumeClaim"), "claimName");
        for source in volume.pointer("/projected/sources").and_then(Value::as_array).into_iter().flatten() {
            note(&mut found, Kind::ConfigMap, source.get("configMap"), "name");
            note(&mut found, Kind::Secret, source.get("secret"), "name");
        }
    }
    for pull in each(spec, "imagePullSecrets") {
        note(&mut found, Kind::Secret, Some(pull), "name");
    }
    found.sort();
    found.dedup_by(|later, first| (later.kind, &later.name) == (first.kind, &first.name));
    found
}

fn each<'a>(value: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    value.get(list).and_then(Value::as_array).into_iter().flatten()
}

fn note(found: &mut Vec<Reference>, kind: Kind, source: Option<&Value>, key: &str) {
    let Some(name) = source.and_then(|s| s.get(key)).map(plain).filter(|n| !n.is_empty()) else { return };
    let optional = source.and_then(|s| s.get("optional")).and_then(Value::as_bool).unwrap_or(false);
    found.push(Reference { kind, name, optional });
}

/// `Secret db key password`, `ConfigMap settings key level`, `field metadata.name`, `resource limits.cpu`.
pub(super) fn env_source(source: &Value) -> String {
    let key_of = |kind: &str, v: &Value| format!("{kind} {} key {}", field(v, "name"), field(v, "key"));
    match source.as_object().and_then(|o| o.iter().next()) {
        Some((kind, v)) if kind == "secretKeyRef" => key_of("Secret", v),
        Some((kind, v)) if kind == "configMapKeyRef" => key_of("ConfigMap", v),
        Some((kind, v)) if kind == "fieldRef" => format!("field {}", field(v, "fieldPath")),
        Some((kind, v)) if kind == "resourceFieldRef" => format!("resource {}", field(v, "resource")),
        Some((kind, v)) => format!("{kind} {}", plain(v)),
        None => "nothing".to_owned(),
    }
}

/// `ConfigMap settings`, `Secret db with prefix DB_`.
pub(super) fn env_from(source: &Value) -> String {
    let what = match (source.get("configMapRef"), source.get("secretRef")) {
        (Some(map), _) => format!("ConfigMap {}", field(map, "name")),
        (_, Some(secret)) => format!("Secret {}", field(secret, "name")),
        _ => "nothing".to_owned(),
    };
    match source.get("prefix").map(plain).filter(|p| !p.is_empty()) {
        Some(prefix) => format!("{what} with prefix {prefix}"),
        None => what,
    }
}

/// `ConfigMap settings`, `Secret tls`, `claim data`, `emptyDir`, `projected ConfigMap a, Secret b`.
pub(super) fn volume(volume: &Value) -> String {
    let source = volume.as_object().into_iter().flatten().find(|(k, _)| *k != "name");
    match source {
        Some((kind, v)) if kind == "configMap" => format!("ConfigMap {}", field(v, "name")),
        Some((kind, v)) if kind == "secret" => format!("Secret {}", field(v, "secretName")),
        Some((kind, v)) if kind == "persistentVolumeClaim" => format!("claim {}", field(v, "claimName")),
        Some((kind, v)) if kind == "hostPath" => format!("host path {}", field(v, "path")),
        Some((kind, v)) if kind == "projected" => {
            let parts = each(v, "sources").map(|s| match (s.get("configMap"), s.get("secret")) {
                (Some(m), _) => format!("ConfigMap {}", field(m, "name")),
                (_, Some(m)) => format!("Secret {}", field(m, "name")),
                _ => s.as_object().and_then(|o| o.keys().next().cloned()).unwrap_or_default(),
            });
            format!("projected {}", parts.collect::<Vec<_>>().join(", "))
        }
        Some((kind, _)) => kind.clone(),
        None => "emptyDir".to_owned(),
    }
}

fn field(value: &Value, key: &str) -> String {
    value.get(key).map(plain).unwrap_or_default()
}
