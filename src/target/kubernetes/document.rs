//! A whole object as YAML for people.
//!
//! Owns what is folded away (managedFields) and what is never shown (values of Secrets): in their place stand the length
//! and a keyed fingerprint, so that two values can be compared without being seen, and what a certificate says for itself.

mod certificate;

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::Sha256;

use super::client::Client;
use crate::base::text::clean;
use crate::target::api::{Read as _, TargetError};
use crate::target::model::ObjectRef;

/// Repeats the whole object as it was applied, values of a Secret included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The key of fingerprints: random, one per installation, so that a fingerprint says nothing to anybody else.
#[derive(Clone)]
pub struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// A key of 32 random bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Twelve hex digits that are equal for equal values.
    fn of(&self, value: &[u8]) -> String {
        // HMAC takes keys of any length; the error case of its signature does not exist.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(value);
        let digest = mac.finalize().into_bytes();
        digest.iter().take(6).map(|b| format!("{b:02x}")).collect::<Vec<_>>().concat()
    }
}

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FingerprintKey(…)")
    }
}

impl Client {
    /// Fetches an object as YAML without anything that must not be shown.
    pub async fn document(&self, object: &ObjectRef, key: &FingerprintKey) -> Result<String, TargetError> {
        let value = self.get(object, "").await?;
        Ok(yaml(value, key))
    }
}

/// An object as YAML: keys in kubectl's order, managedFields folded, values of Secrets replaced, control sequences removed.
pub fn yaml(mut object: Value, key: &FingerprintKey) -> String {
    if object["kind"] == "Secret" {
        hide(&mut object, key);
    }
    fold(&mut object);
    let object = tidy(object);
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(&object, options).unwrap_or_else(|_| format!("{object:#}"))
}

fn hide(secret: &mut Value, key: &FingerprintKey) {
    for field in ["data", "stringData"] {
        let Some(values) = secret.get_mut(field).and_then(Value::as_object_mut) else { continue };
        for value in values.values_mut() {
            let text = value.as_str().unwrap_or_default();
            let bytes = match field {
                "data" => base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_else(|_| text.into()),
                _ => text.into(),
            };
            let length = if bytes.len() == 1 { "1 byte".to_owned() } else { format!("{} bytes", bytes.len()) };
            *value = match (bytes.is_empty(), certificate::said(&bytes)) {
                (true, _) => "<empty>".into(),
                (false, Some(said)) => format!("<{said}; {length}, fingerprint {}>", key.of(&bytes)).into(),
                (false, None) => format!("<hidden: {length}, fingerprint {}>", key.of(&bytes)).into(),
            };
        }
    }
    if let Some(applied) = secret.pointer_mut("/metadata/annotations").and_then(|a| a.get_mut(LAST_APPLIED)) {
        *applied = "<hidden: it repeats the values>".into();
    }
}

/// managedFields in one line: who manages something.
fn fold(object: &mut Value) {
    let Some(fields) = object.pointer_mut("/metadata/managedFields") else { return };
    let mut managers: Vec<&str> = fields.as_array().into_iter().flatten().filter_map(|f| f["manager"].as_str()).collect();
    managers.sort_unstable();
    managers.dedup();
    *fields = format!("<folded: {}>", managers.join(", ")).into();
}

/// Keys sorted as kubectl prints them, texts without control sequences; line breaks stay.
fn tidy(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().map(|(k, v)| (clean(&k).into_owned(), tidy(v))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(Map::from_iter(fields))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(tidy).collect()),
        Value::String(text) => Value::String(text.split('\n').map(clean).collect::<Vec<_>>().join("\n")),
        other => other,
    }
}

#[cfg(test)]
mod tests;
