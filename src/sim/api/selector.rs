//! Label and field selectors.
//!
//! Owns their grammar (`a=b,c in (x,y),!d`), their meaning, and which fields each kind can be selected by.

mod grammar;

use std::sync::Arc;

use serde_json::Value;

use super::failure::Failure;
use super::kinds::{Res, known};
use super::views;

/// One requirement on labels.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Need {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
    Greater(String, i64),
    Less(String, i64),
}

/// A set of requirements that must all hold; empty selects everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Labels {
    needs: Vec<Need>,
}

/// Labels as the store keeps them.
pub(crate) type LabelSet = [(Arc<str>, Arc<str>)];

impl Labels {
    /// Parses the text form.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        grammar::parse(text).map(|needs| Self { needs }).map_err(Failure::bad_request)
    }

    /// Reads a meta.v1.LabelSelector. An empty one selects everything; a missing one nothing (`None`).
    pub(crate) fn from_object(selector: Option<&Value>) -> Option<Self> {
        let selector = selector?;
        let mut needs = Vec::new();
        for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
            needs.push(Need::In(key.clone(), vec![value.as_str().unwrap_or_default().to_owned()]));
        }
        for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
            let key = expression["key"].as_str().unwrap_or_default().to_owned();
            let values = expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            needs.push(match expression["operator"].as_str() {
                Some("In") => Need::In(key, values),
                Some("NotIn") => Need::NotIn(key, values),
                Some("DoesNotExist") => Need::Absent(key),
                _ => Need::Exists(key),
            });
        }
        Some(Self { needs })
    }

    /// Reads the plain map of a Service.
    pub(crate) fn from_map(map: &Value) -> Option<Self> {
        let map = map.as_object().filter(|m| !m.is_empty())?;
        Some(Self { needs: map.iter().map(|(k, v)| Need::In(k.clone(), vec![v.as_str().unwrap_or_default().to_owned()])).collect() })
    }

    /// Whether it selects everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// Whether the labels meet every requirement.
    pub(crate) fn matches(&self, labels: &LabelSet) -> bool {
        let get = |key: &str| labels.iter().find(|(k, _)| &**k == key).map(|(_, v)| &**v);
        self.needs.iter().all(|need| match need {
            Need::In(key, values) => get(key).is_some_and(|v| values.iter().any(|w| w == v)),
            Need::NotIn(key, values) => get(key).is_none_or(|v| values.iter().all(|w| w != v)),
            Need::Exists(key) => get(key).is_some(),
            Need::Absent(key) => get(key).is_none(),
            Need::Greater(key, than) => get(key).and_then(|v| v.parse::<i64>().ok()).is_some_and(|v| v > *than),
            Need::Less(key, than) => get(key).and_then(|v| v.parse::<i64>().ok()).is_some_and(|v| v < *than),
        })
    }
}

/// Requirements on fields: path, equal or not, value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    needs: Vec<(String, bool, String)>,
}

impl Fields {
    /// Parses `status.phase!=Running,spec.nodeName=a`; refuses fields that the kind cannot be selected by.
    pub(crate) fn parse(text: &str, res: Res) -> Result<Self, Failure> {
        let mut needs = Vec::new();
        for part in text.split(',').filter(|p| !p.is_empty()) {
            let Some((path, equal, value)) = [("!=", false), ("==", true), ("=", true)]
                .iter()
                .find_map(|(op, equal)| part.split_once(op).map(|(p, v)| (p.trim(), *equal, v.trim())))
            else {
                return Err(Failure::bad_request(format!("invalid selector: '{text}'; can't understand '{part}'")));
            };
            if !selectable(res, path) {
                return Err(Failure::bad_request(if more_fields(res).is_empty() {
                    format!("\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
                } else {
                    format!("field label not supported: {path}")
                }));
            }
            let stored = if res == known().new_events { views::stored_event_field(path) } else { path.to_owned() };
            needs.push((stored, equal, value.to_owned()));
        }
        Ok(Self { needs })
    }

    /// Whether it selects everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// The one name it asks for, when it does.
    pub(crate) fn name(&self) -> Option<&str> {
        self.needs.iter().find(|(path, equal, _)| *equal && path == "metadata.name").map(|(_, _, name)| name.as_str())
    }

    /// Whether the object meets every requirement.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.needs.iter().all(|(path, equal, value)| (text_at(object, path) == *value) == *equal)
    }
}

fn text_at(object: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(object, |at, key| at.get(key));
    match (path, found) {
        // The source of an event is its component, old or new.
        ("source", _) => object["source"]["component"]
            .as_str()
            .filter(|s| !s.is_empty())
            .or(object["reportingComponent"].as_str())
            .unwrap_or_default()
            .to_owned(),
        ("spec.unschedulable" | "spec.hostNetwork" | "spec.suspend", None) => "false".to_owned(),
        (_, Some(Value::String(s))) => s.clone(),
        (_, None | Some(Value::Null)) => String::new(),
        (_, Some(other)) => other.to_string(),
    }
}

fn selectable(res: Res, path: &str) -> bool {
    path == "metadata.name" || (path == "metadata.namespace" && res.row().namespaced) || more_fields(res).contains(&path)
}

/// What a kind can be selected by beside its name and namespace.
fn more_fields(res: Res) -> &'static [&'static str] {
    let k = known();
    if res == k.pods {
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ]
    } else if res == k.events {
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ]
    } else if res == k.new_events {
        &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ]
    } else if res == k.secrets {
        &["type"]
    } else if res == k.nodes {
        &["spec.unschedulable"]
    } else if res == k.namespaces {
        &["status.phase"]
    } else if res == k.jobs {
        &["status.successful"]
    } else if res == k.services {
        &["spec.clusterIP", "spec.type"]
    } else {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Labels;

    #[test]
    fn selectors_select_what_kubectl_says_they_do() {
        let labels: Vec<(Arc<str>, Arc<str>)> = [("app", "a"), ("tier", "web")].map(|(k, v)| (k.into(), v.into())).to_vec();
        for (text, want) in [
            ("", true),
            ("app=a", true),
            ("app==a,tier", true),
            ("app!=a", false),
            ("none!=a", true),
            ("!none", true),
            ("!tier", false),
            ("app in (b, a),tier notin (db)", true),
            ("app in (b)", false),
        ] {
            assert_eq!(Labels::parse(text).expect(text).matches(&labels), want, "{text}");
        }
        for text in ["app=a=b", "app in a", ",", "a b"] {
            assert!(Labels::parse(text).is_err(), "{text}");
        }
    }
}
