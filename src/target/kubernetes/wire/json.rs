//! Leniency about JSON: what Go writes as `null` is absent.
//!
//! Owns only that.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::WireError;

/// Reads a slim message from JSON.
///
/// Go writes nil slices, maps and times as `null` where a field has no `omitempty`; they are removed first, so that the
/// messages need not say `Option` a hundred times.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    let wrong = |why: serde_json::Error| WireError::Object(crate::base::text::clean(&why.to_string()).into_owned());
    let mut value: Value = serde_json::from_slice(bytes).map_err(wrong)?;
    if !value.is_object() {
        return Err(WireError::Object("an object was expected".into()));
    }
    strip_nulls(&mut value);
    serde_json::from_value(value).map_err(wrong)
}

fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => {
            items.retain(|v| !v.is_null());
            items.iter_mut().for_each(strip_nulls);
        }
        _ => {}
    }
}
