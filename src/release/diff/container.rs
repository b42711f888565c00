//! What is different between the containers of two pod templates.

use serde_json::{Map, Value};

use super::reference;
use super::{Difference, Section, Shown, both, both_by_name, difference, leaves, plain, secret, shown};

pub(super) fn compare(old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Vec<Difference>) {
    for (list, word) in [("initContainers", "init container"), ("containers", "container")] {
        for (name, old, new) in both_by_name(old.get(list), new.get(list), "name") {
            match (old, new) {
                (Some(old), Some(new)) => one(&name, old, new, found),
                (old, new) => {
                    let image = |c: Option<&Value>| c.map_or(Shown::Absent, |c| Shown::Text(c.get("image").map(plain).unwrap_or_default()));
                    found.push(difference(Section::Container, Some(&name), word, image(old), image(new)));
                }
            }
        }
    }
}

fn one(container: &str, old: &Value, new: &Value, found: &mut Vec<Difference>) {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return };
    for (key, old, new) in both(old, new).into_iter().filter(|(_, old, new)| old != new) {
        match key {
            "image" => found.push(difference(Section::Image, Some(container), "image", text(old), text(new))),
            "env" => env(container, old, new, found),
            "envFrom" => env_from(container, old, new, found),
            "resources" => under(Section::Resources, container, "", old, new, found),
            "livenessProbe" | "readinessProbe" | "startupProbe" => {
                under(Section::Probe, container, key.trim_end_matches("Probe"), old, new, found);
            }
            "ports" => listed(Section::Port, container, "containerPort", "port", old, new, found),
            "volumeMounts" => listed(Section::Volume, container, "mountPath", "mount", old, new, found),
            "command" | "args" => {
                let (before, mut after) = (arguments(old), arguments(new));
                if let (true, Shown::Text(text)) = (before == after, &mut after) {
                    text.push_str(" (a hidden part is different)");
                }
                found.push(difference(Section::Other, Some(container), key, before, after));
            }
            _ => under(Section::Other, container, key, old, new, found),
        }
    }
}

fn text(value: Option<&Value>) -> Shown {
    value.map_or(Shown::Absent, |v| Shown::Text(plain(v)))
}

/// Everything below one key, down to where it differs.
fn under(section: Section, container: &str, path: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Difference>) {
    leaves(path, old, new, &mut |name, old, new| {
        found.push(difference(section, Some(container), name, shown(name, old), shown(name, new)));
    });
}

fn env(container: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Difference>) {
    for (name, old, new) in both_by_name(old, new, "name") {
        if old == new {
            continue;
        }
        let from = |v: Option<&Value>| v.is_none_or(|v| v.get("valueFrom").is_some());
        let section = if from(old) && from(new) { Section::EnvReference } else { Section::Env };
        let say = |v: Option<&Value>| match v {
            None => Shown::Absent,
            Some(v) => match v.get("valueFrom") {
                Some(source) => Shown::Text(reference::env_source(source)),
                None => secret::env(&name, v.get("value").and_then(Value::as_str).unwrap_or_default()),
            },
        };
        found.push(difference(section, Some(container), &name, say(old), say(new)));
    }
}

/// Whole ConfigMaps and Secrets as environment, compared as sets.
fn env_from(container: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Difference>) {
    let names = |list: Option<&Value>| list.and_then(Value::as_array).into_iter().flatten().map(reference::env_from).collect::<Vec<_>>();
    let (old, new) = (names(old), names(new));
    let gone = old.iter().filter(|n| !new.contains(n)).map(|n| (Shown::Text(n.clone()), Shown::Absent));
    let come = new.iter().filter(|n| !old.contains(n)).map(|n| (Shown::Absent, Shown::Text(n.clone())));
    found.extend(
        gone.chain(come)
            .map(|(before, after)| difference(Section::Config, Some(container), "environment from", before, after)),
    );
}

/// A list whose elements have an identity: ports, mounts.
fn listed(section: Section, container: &str, key: &str, word: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Difference>) {
    for (name, old, new) in both_by_name(old, new, key) {
        if old == new {
            continue;
        }
        let what = format!("{word} {name}");
        let say = |v: Option<&Value>| v.map_or(Shown::Absent, |v| secret::other(&what, &details(v, key)));
        found.push(difference(section, Some(container), &what, say(old), say(new)));
    }
}

/// `name=http protocol=TCP`: an element without its identity.
fn details(element: &Value, key: &str) -> String {
    let fields = element.as_object().into_iter().flatten().filter(|(k, _)| *k != key);
    let mut fields: Vec<String> = fields.map(|(k, v)| format!("{k}={}", plain(v))).collect();
    fields.sort();
    fields.join(" ")
}

fn arguments(value: Option<&Value>) -> Shown {
    let Some(list) = value.and_then(Value::as_array) else { return Shown::Absent };
    let shown = secret::arguments(list.iter().map(|v| v.as_str().unwrap_or_default()));
    Shown::Text(
        shown
            .iter()
            .filter_map(Shown::text)
            .map(|t| crate::base::text::clean(t).into_owned())
            .collect::<Vec<_>>()
            .join(" "),
    )
}
