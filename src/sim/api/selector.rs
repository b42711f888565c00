//! Label and field selectors.
//!
//! Owns their grammar (`a=b,c in (x,y),!d`), their meaning, and which fields each kind can be selected by.

use std::sync::Arc;

use serde_json::Value;

use super::failure::Failure;
use super::kinds::{Res, known};

/// One requirement on labels.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Need {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
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
        let mut needs = Vec::new();
        for part in split_outside_parentheses(text) {
            let part = part.trim();
            if part.is_empty() {
                if text.trim().is_empty() {
                    continue;
                }
                return Err(unparsable(text));
            }
            needs.push(parse_need(part).ok_or_else(|| unparsable(part))?);
        }
        Ok(Self { needs })
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
        })
    }
}

fn unparsable(part: &str) -> Failure {
    Failure::bad_request(format!("unable to parse requirement: found '{part}', expected: in, notin, =, ==, !=, gt, lt"))
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn parse_need(part: &str) -> Option<Need> {
    let plain = |s: &str| s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    let key = |s: &str| Some(s.trim()).filter(|k| !k.is_empty() && plain(k)).map(str::to_owned);
    let value = |s: &str| Some(s.trim()).filter(|v| plain(v)).map(str::to_owned);
    if let Some(rest) = part.strip_prefix('!') {
        return key(rest).map(Need::Absent);
    }
    for (operator, equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((k, v)) = part.split_once(operator) {
            let (k, v) = (key(k)?, vec![value(v)?]);
            return Some(if equal { Need::In(k, v) } else { Need::NotIn(k, v) });
        }
    }
    if let Some((head, list)) = part.split_once('(') {
        let values = list.strip_suffix(')')?.split(',').map(value).collect::<Option<Vec<_>>>()?;
        let mut words = head.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(k), Some("in"), None) => Some(Need::In(key(k)?, values)),
            (Some(k), Some("notin"), None) => Some(Need::NotIn(key(k)?, values)),
            _ => None,
        };
    }
    key(part).map(Need::Exists)
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
                let message = if more_fields(res).is_empty() {
                    format!("\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
                } else {
                    format!("field label not supported: {path}")
                };
                return Err(Failure::bad_request(format!(
                    "Unable to find \"{}\" that match label selector \"\", field selector \"{text}\": {message}",
                    super::views::group_version_resource(res)
                )));
            }
            needs.push((path.to_owned(), equal, value.to_owned()));
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
    } else if res == k.secrets {
        &["type"]
    } else if res == k.nodes {
        &["spec.unschedulable"]
    } else if res == k.namespaces {
        &["status.phase"]
    } else if res == k.jobs {
        &["status.successful"]
    } else if res == k.replicasets {
        &["status.replicas"]
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
