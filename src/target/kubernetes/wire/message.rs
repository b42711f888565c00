//! Slim wire messages: of every kind only the fields that the model keeps, under their protobuf numbers and JSON names.
//!
//! Owns the shapes that k8s.io/api writes (generated.proto); one definition serves both encodings, so that they cannot drift
//! apart. Unknown fields, managedFields among them, are skipped unread. Text that the API server does not hold to UTF-8
//! (messages that quote a program's output, annotation values) is kept as bytes: one stray byte must not lose an object.
//! Must not judge or default anything beyond "absent"; that is `convert`.

pub(crate) mod apps;
pub(crate) mod core;
pub(crate) mod extra;

use bytes::Bytes;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, de};

/// `meta/v1 ObjectMeta`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ObjectMeta {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "3")]
    pub(crate) namespace: String,
    #[prost(string, tag = "5")]
    pub(crate) uid: String,
    #[prost(string, tag = "6")]
    pub(crate) resource_version: String,
    #[prost(int64, tag = "7")]
    pub(crate) generation: i64,
    #[prost(message, optional, tag = "8")]
    pub(crate) creation_timestamp: Option<Time>,
    #[prost(message, optional, tag = "9")]
    pub(crate) deletion_timestamp: Option<Time>,
    #[prost(message, repeated, tag = "11")]
    #[serde(deserialize_with = "pairs")]
    pub(crate) labels: Vec<Pair>,
    #[prost(message, repeated, tag = "12")]
    #[serde(deserialize_with = "pairs")]
    pub(crate) annotations: Vec<Pair>,
    #[prost(message, repeated, tag = "13")]
    pub(crate) owner_references: Vec<OwnerReference>,
}

/// Any object reduced to its metadata: every kind has it under number 1. Also `meta/v1 PartialObjectMetadata`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct MetaOnly {
    #[prost(message, optional, tag = "1")]
    pub(crate) metadata: Option<ObjectMeta>,
}

/// `meta/v1 OwnerReference`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct OwnerReference {
    #[prost(string, tag = "1")]
    pub(crate) kind: String,
    #[prost(string, tag = "3")]
    pub(crate) name: String,
    #[prost(string, tag = "4")]
    pub(crate) uid: String,
    #[prost(bool, tag = "6")]
    pub(crate) controller: bool,
}

/// One entry of a `map<string, string>`, which protobuf writes as a repeated message.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Pair {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

/// One entry of a `map<string, Quantity>`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Amount {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<Quantity>,
}

/// `meta/v1 Time` and `MicroTime`: RFC 3339 in JSON.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Time {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
}

/// `resource.Quantity`: text, in JSON sometimes a number.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Quantity {
    #[prost(string, tag = "1")]
    pub(crate) string: String,
}

/// `intstr.IntOrString`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct IntOrString {
    /// 0 = number, 1 = text.
    #[prost(int64, tag = "1")]
    pub(crate) kind: i64,
    #[prost(int32, tag = "2")]
    pub(crate) number: i32,
    #[prost(string, tag = "3")]
    pub(crate) text: String,
}

/// `meta/v1 LabelSelector`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LabelSelector {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "pairs")]
    pub(crate) match_labels: Vec<Pair>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) match_expressions: Vec<LabelSelectorRequirement>,
}

/// `meta/v1 LabelSelectorRequirement`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct LabelSelectorRequirement {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) operator: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) values: Vec<String>,
}

/// The conditions of StatefulSets, DaemonSets, ReplicaSets and HPAs, and `meta/v1 Condition` in JSON.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Condition {
    #[prost(string, tag = "1")]
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[prost(string, tag = "2")]
    pub(crate) status: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) last_transition_time: Option<Time>,
    #[prost(string, tag = "4")]
    pub(crate) reason: String,
    #[prost(bytes = "bytes", tag = "5")]
    #[serde(deserialize_with = "prose")]
    pub(crate) message: Bytes,
}

/// The conditions of pods, nodes and Jobs: they have a probe or heartbeat time in between.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ProbedCondition {
    #[prost(string, tag = "1")]
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[prost(string, tag = "2")]
    pub(crate) status: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) last_transition_time: Option<Time>,
    #[prost(string, tag = "5")]
    pub(crate) reason: String,
    #[prost(bytes = "bytes", tag = "6")]
    #[serde(deserialize_with = "prose")]
    pub(crate) message: Bytes,
}

/// `runtime.RawExtension`: JSON inside protobuf, plain JSON inside JSON.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RawExtension {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) raw: Bytes,
}

/// Reads prose from a JSON string.
pub(crate) fn prose<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    String::deserialize(deserializer).map(Bytes::from)
}

/// Reads a `map<string, string>` from a JSON object; values that are no strings are an error.
pub(crate) fn pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Pair>, D::Error> {
    entries(deserializer, |key, value: String| Pair { key, value: Bytes::from(value) })
}

/// Reads a `map<string, Quantity>` from a JSON object.
pub(crate) fn amounts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Amount>, D::Error> {
    entries(deserializer, |key, value| Amount { key, value: Some(value) })
}

fn entries<'de, D, V, T>(deserializer: D, make: impl Fn(String, V) -> T) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Visitor<F, V, T>(F, std::marker::PhantomData<(V, T)>);
    impl<'de, F: Fn(String, V) -> T, V: Deserialize<'de>, T> de::Visitor<'de> for Visitor<F, V, T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
            let mut all = Vec::new();
            while let Some((key, value)) = map.next_entry::<String, V>()? {
                all.push((self.0)(key, value));
            }
            Ok(all)
        }
    }
    deserializer.deserialize_map(Visitor(make, std::marker::PhantomData))
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: jiff::Timestamp = text.parse().map_err(|_| D::Error::custom("a time in RFC 3339 was expected"))?;
        // Protobuf keeps whole seconds and nanoseconds apart, rounding towards the past; jiff rounds towards 1970.
        Ok(Self { seconds: at.as_nanosecond().div_euclid(1_000_000_000) as i64 })
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(string) => Ok(Self { string }),
            serde_json::Value::Number(number) => Ok(Self { string: number.to_string() }),
            _ => Err(D::Error::custom("a quantity was expected")),
        }
    }
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self { kind: 1, number: 0, text }),
            serde_json::Value::Number(n) => {
                let number = n.as_i64().and_then(|n| i32::try_from(n).ok());
                number
                    .map(|number| Self { kind: 0, number, text: String::new() })
                    .ok_or_else(|| D::Error::custom("the number is too large"))
            }
            _ => Err(D::Error::custom("a number or text was expected")),
        }
    }
}

impl<'de> Deserialize<'de> for RawExtension {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self { raw: Bytes::from(value.to_string()) })
    }
}
