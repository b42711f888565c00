//! What is different between two pod templates, sorted by what it means.
//!
//! Owns the comparison of full templates (JSON as the server has it). Must not show a secret: see `diff::secret`.

mod container;
mod reference;
mod secret;

pub use secret::Shown;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

pub use reference::{Reference, references};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is about.
    pub section: Section,
    /// Container; `None` for the pod as a whole.
    pub container: Option<String>,
    /// What exactly: a variable's name, `limits.memory`, `readiness.httpGet.path`.
    pub name: String,
    /// Before; null in JSON when it was not there.
    pub before: Shown,
    /// After; null in JSON when it is not there any more.
    pub after: Shown,
}

/// What a difference is about, in the order in which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// Image references.
    Image,
    /// Containers that came or went.
    Container,
    /// Literal environment variables.
    Env,
    /// Environment variables taken from a ConfigMap, a Secret, a field.
    EnvReference,
    /// ConfigMaps and Secrets as a whole: `envFrom`, volumes.
    Config,
    /// Requests and limits.
    Resources,
    /// Liveness, readiness, startup.
    Probe,
    /// Container ports.
    Port,
    /// Volumes and where they are mounted.
    Volume,
    /// Everything else.
    Other,
}

/// The pod template in a full object: a Deployment, StatefulSet, DaemonSet, ReplicaSet, or the data of a ControllerRevision.
pub fn template_of(object: &Value) -> Option<&Value> {
    object.pointer("/spec/template").or_else(|| object.pointer("/data/spec/template"))
}

/// Keys of a pod spec that are compared by themselves, or mean nothing.
const APART: [&str; 4] = ["containers", "initContainers", "volumes", "$patch"];

/// Labels that say which template it is: different by their nature.
const HASHES: [&str; 2] = ["pod-template-hash", "controller-revision-hash"];

/// What is different between two pod templates, in the order of [`Section`], then by container and name.
pub fn compare(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let (old, new) = (spec(before), spec(after));
    container::compare(old, new, &mut found);
    volumes(old, new, &mut found);
    for (key, old, new) in both(old, new).into_iter().filter(|(key, ..)| !APART.contains(key)) {
        leaves(key, old, new, &mut |name, old, new| {
            found.push(difference(Section::Other, None, name, shown(name, old), shown(name, new)));
        });
    }
    metadata(before, after, &mut found);
    found.retain(|d| d.before != d.after || d.before == Shown::Hidden);
    found.sort_by(|a, b| (a.section, &a.container, &a.name).cmp(&(b.section, &b.container, &b.name)));
    found
}

static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

fn object(value: Option<&Value>) -> &Map<String, Value> {
    value.and_then(Value::as_object).unwrap_or(&EMPTY)
}

fn spec(template: &Value) -> &Map<String, Value> {
    object(template.get("spec"))
}

fn metadata(before: &Value, after: &Value, found: &mut Vec<Difference>) {
    for (list, word) in [("labels", "label"), ("annotations", "annotation")] {
        let of = |t: &'_ Value| t.pointer(&format!("/metadata/{list}")).cloned();
        let (old, new) = (of(before), of(after));
        for (key, old, new) in both(object(old.as_ref()), object(new.as_ref())) {
            if old != new && !HASHES.contains(&key) {
                let name = format!("{word} {key}");
                found.push(difference(Section::Other, None, &name, shown(&name, old), shown(&name, new)));
            }
        }
    }
}

fn volumes(old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Vec<Difference>) {
    for (name, old, new) in both_by_name(old.get("volumes"), new.get("volumes"), "name") {
        if old == new {
            continue;
        }
        let config = [old, new]
            .into_iter()
            .flatten()
            .any(|v| v.get("configMap").or(v.get("secret")).or(v.get("projected")).is_some());
        let section = if config { Section::Config } else { Section::Volume };
        let say = |v: Option<&Value>| v.map_or(Shown::Absent, |v| Shown::Text(reference::volume(v)));
        let (before, after) = (say(old), say(new));
        if before == after {
            // The same source, other details: modes, items.
            leaves("", old, new, &mut |path, old, new| {
                found.push(difference(section, None, &format!("volume {name} {path}"), shown(path, old), shown(path, new)));
            });
        } else {
            found.push(difference(section, None, &format!("volume {name}"), before, after));
        }
    }
}

fn difference(section: Section, container: Option<&str>, name: &str, before: Shown, after: Shown) -> Difference {
    Difference { section, container: container.map(str::to_owned), name: name.to_owned(), before, after }
}

/// Keys of both maps in order, with the values in each.
fn both<'a>(old: &'a Map<String, Value>, new: &'a Map<String, Value>) -> Vec<(&'a str, Option<&'a Value>, Option<&'a Value>)> {
    let mut keys: Vec<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().map(|k| (k, old.get(k), new.get(k))).collect()
}

/// Elements of two lists matched by the value of a key, in order of that value.
fn both_by_name<'a>(old: Option<&'a Value>, new: Option<&'a Value>, key: &str) -> Vec<(String, Option<&'a Value>, Option<&'a Value>)> {
    let mut found: BTreeMap<String, (Option<&Value>, Option<&Value>)> = BTreeMap::new();
    let named = |list: Option<&'a Value>| {
        let elements = list.and_then(Value::as_array).into_iter().flatten();
        elements.map(|e| (e.get(key).map(plain).unwrap_or_default(), e)).collect::<Vec<_>>()
    };
    for (name, element) in named(old) {
        found.entry(name).or_default().0 = Some(element);
    }
    for (name, element) in named(new) {
        found.entry(name).or_default().1 = Some(element);
    }
    found.into_iter().map(|(name, (old, new))| (name, old, new)).collect()
}

/// Takes a path and the values there.
type Tell<'a> = dyn FnMut(&str, Option<&Value>, Option<&Value>) + 'a;

/// Walks two values down to where they differ and tells the path; lists are compared as a whole.
fn leaves(path: &str, old: Option<&Value>, new: Option<&Value>, tell: &mut Tell<'_>) {
    if old == new {
        return;
    }
    if let (Some(Value::Object(old)), Some(Value::Object(new))) = (old, new) {
        for (key, old, new) in both(old, new) {
            let below = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            leaves(&below, old, new, tell);
        }
        return;
    }
    let (only, is_new) = match (old, new) {
        (None, Some(Value::Object(new))) if !new.is_empty() => (new, true),
        (Some(Value::Object(old)), None) if !old.is_empty() => (old, false),
        _ => return tell(path, old, new),
    };
    for (key, value) in only {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let (old, new) = if is_new { (None, Some(value)) } else { (Some(value), None) };
        leaves(&below, old, new, tell);
    }
}

/// A value that is not literal env, shown where its path and form allow.
fn shown(path: &str, value: Option<&Value>) -> Shown {
    match value {
        None => Shown::Absent,
        Some(value) => secret::other(path, &plain(value)),
    }
}

/// A value as text: strings without quotes, the rest as compact JSON; stripped of control sequences.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => crate::base::text::clean(text).into_owned(),
        other => crate::base::text::clean(&other.to_string()).into_owned(),
    }
}

#[cfg(test)]
mod tests;
