//! JSON in the form in which the API server keeps and answers it.
//!
//! Owns what decoding into Go structs and encoding again does to a body: fields in the order of the struct, unknown ones
//! dropped (and named), empty ones left out or written as zero, quantities and times in one spelling, wrong types refused.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::schema::{Field, Form, Message, SCHEMA, Shape};

/// What came of a body.
pub(crate) struct Canonical {
    /// The body as the server would store it.
    pub(crate) value: Value,
    /// Paths of fields that no struct has: `spec.replica`.
    pub(crate) unknown: Vec<String>,
}

/// Brings a body into canonical form. The error is the decoder's own sentence.
pub(crate) fn canonical(body: Value, message: &'static Message) -> Result<Canonical, String> {
    let mut walk = Walk { unknown: Vec::new(), path: Vec::new() };
    let value = walk.message(body, message, message)?;
    Ok(Canonical { value, unknown: walk.unknown })
}

struct Walk {
    unknown: Vec<String>,
    path: Vec<String>,
}

impl Walk {
    fn message(&mut self, body: Value, message: &'static Message, owner: &'static Message) -> Result<Value, String> {
        let mut body = match body {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            other => return Err(self.mismatch(&other, owner, message.short_name())),
        };
        let mut out = Map::with_capacity(body.len());
        self.fields(&mut body, message, &mut out)?;
        for name in body.keys() {
            // Objects say what they are, also inside another one.
            let whole = self.path.is_empty() || message.field("metadata").is_some();
            if whole && (name == "kind" || name == "apiVersion") {
                continue;
            }
            let at = self.path.join(".").replace(".[", "[");
            self.unknown.push(if at.is_empty() { name.clone() } else { format!("{at}.{name}") });
        }
        Ok(Value::Object(out))
    }

    fn fields(&mut self, body: &mut Map<String, Value>, message: &'static Message, out: &mut Map<String, Value>) -> Result<(), String> {
        for field in &message.fields {
            if field.inline {
                if let Some(inner) = SCHEMA.of(field.form) {
                    self.fields(body, inner, out)?;
                }
                continue;
            }
            let given = body.swap_remove(field.name).filter(|v| !v.is_null());
            self.path.push(field.name.to_owned());
            let value = match given {
                Some(value) => Some(self.field(value, field, message)?),
                None => self.absent(field)?,
            };
            self.path.pop();
            if let Some(value) = value.filter(|v| !left_out(v, field)) {
                out.insert(field.name.to_owned(), value);
            }
        }
        Ok(())
    }

    /// What the encoder writes for a field that nobody set.
    fn absent(&mut self, field: &'static Field) -> Result<Option<Value>, String> {
        if field.pointer || field.omit_zero {
            return Ok(None);
        }
        if let (Shape::One, Some(message)) = (field.shape, SCHEMA.of(field.form)) {
            return self.message(Value::Null, message, message).map(Some);
        }
        let null_time = matches!(field.form, Form::Time | Form::MicroTime) && field.shape == Shape::One;
        if field.omit_empty && !null_time {
            return Ok(None);
        }
        Ok(Some(match (field.shape, field.form) {
            (Shape::One, Form::Text) => json!(""),
            (Shape::One, Form::Bool) => json!(false),
            (Shape::One, Form::Int32 | Form::Int64 | Form::Double | Form::IntOrString) => json!(0),
            (Shape::One, Form::Quantity) => json!("0"),
            (Shape::One, Form::Duration) => json!("0s"),
            _ => Value::Null,
        }))
    }

    fn field(&mut self, value: Value, field: &'static Field, owner: &'static Message) -> Result<Value, String> {
        match (field.shape, value) {
            (Shape::One, value) => self.one(value, field.form, owner),
            (Shape::List, Value::Array(items)) => {
                let mut out = Vec::with_capacity(items.len());
                for (i, item) in items.into_iter().enumerate() {
                    self.path.push(format!("[{i}]"));
                    out.push(self.one(item, field.form, owner)?);
                    self.path.pop();
                }
                Ok(Value::Array(out))
            }
            (Shape::Map | Shape::MapOfLists, Value::Object(entries)) => {
                let mut keys: Vec<_> = entries.into_iter().collect();
                keys.sort_by(|a, b| a.0.cmp(&b.0));
                let mut out = Map::with_capacity(keys.len());
                for (key, item) in keys {
                    let item = if field.shape == Shape::MapOfLists { item } else { self.one(item, field.form, owner)? };
                    out.insert(key, item);
                }
                Ok(Value::Object(out))
            }
            (shape, other) => {
                let go = go_type(field.form);
                let go = if shape == Shape::List { format!("[]{go}") } else { format!("map[string]{go}") };
                Err(self.mismatch(&other, owner, &go))
            }
        }
    }

    fn one(&mut self, value: Value, form: Form, owner: &'static Message) -> Result<Value, String> {
        match (form, &value) {
            (Form::Message(i), _) => self.message(value, &SCHEMA.messages[i], owner),
            (Form::Any | Form::Raw, _) | (Form::Text, Value::String(_)) | (Form::Bool, Value::Bool(_)) | (Form::Double, Value::Number(_)) => {
                Ok(value)
            }
            (Form::Text, Value::Null) => Ok(json!("")),
            (Form::Int32, Value::Number(n)) if n.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => Ok(value),
            (Form::Int64, Value::Number(n)) if n.is_i64() => Ok(value),
            (Form::IntOrString, Value::Number(_) | Value::String(_)) | (Form::Duration, Value::String(_)) => Ok(value),
            (Form::Quantity, Value::String(s)) => quantity(s.trim()).map(Value::String).ok_or_else(|| BAD_QUANTITY.to_owned()),
            (Form::Quantity, Value::Number(n)) => quantity(&n.to_string()).map(Value::String).ok_or_else(|| BAD_QUANTITY.to_owned()),
            (Form::Bytes, Value::String(s)) => match BASE64_STANDARD.decode(s) {
                Ok(_) => Ok(value),
                Err(e) => Err(format!("illegal base64 data at input byte {}", bad_byte(&e))),
            },
            (Form::Time | Form::MicroTime, Value::Null) => Ok(Value::Null),
            (Form::Time, Value::String(s)) => time(s).map(|t| json!(seconds(t))),
            (Form::MicroTime, Value::String(s)) => time(s).map(|t| json!(micros(t))),
            _ => Err(self.mismatch(&value, owner, go_type(form))),
        }
    }

    /// The sentence of Go's JSON decoder.
    fn mismatch(&self, value: &Value, owner: &'static Message, go: &str) -> String {
        let what = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(n) if go.starts_with("int") => format!("number {n}"),
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        let path: Vec<&str> = self.path.iter().map(String::as_str).filter(|p| !p.starts_with('[')).collect();
        let go = if go.chars().next().is_some_and(char::is_uppercase) { format!("{}.{go}", package(owner)) } else { go.to_owned() };
        format!("json: cannot unmarshal {what} into Go struct field {}.{} of type {go}", owner.short_name(), path.join("."))
    }
}

const BAD_QUANTITY: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

fn package(message: &Message) -> &str {
    message.name.split_once('/').and_then(|(_, rest)| rest.split_once('.')).map_or("v1", |(v, _)| v)
}

fn bad_byte(error: &base64::DecodeError) -> usize {
    match error {
        base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol { offset: at, .. } => *at,
        _ => 0,
    }
}

fn go_type(form: Form) -> &'static str {
    match form {
        Form::Bool => "bool",
        Form::Int32 => "int32",
        Form::Int64 => "int64",
        Form::Double => "float64",
        Form::Bytes => "[]uint8",
        Form::Message(i) => SCHEMA.messages[i].short_name(),
        _ => "string",
    }
}

/// Whether the encoder leaves the field out with this value.
fn left_out(value: &Value, field: &Field) -> bool {
    if field.pointer {
        return false;
    }
    let empty = match value {
        Value::Null => !matches!(field.form, Form::Time | Form::MicroTime),
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0) && field.form != Form::IntOrString,
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty() && (field.shape != Shape::One || field.omit_zero),
    };
    empty && (field.omit_empty || field.omit_zero)
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| format!("parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{text}\" as \"2006\""))
}

/// `2026-11-22T14:33:12Z`.
pub(crate) fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2026-11-22T14:33:12.000000Z`.
pub(crate) fn micros(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// The one spelling of a quantity: `1000m` -> `1`, `1024Mi` -> `1Gi`, `0.5` -> `500m`. `None` when malformed.
pub(crate) fn quantity(text: &str) -> Option<String> {
    const NANO: i128 = 1_000_000_000;
    let split = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.trim_start_matches(['+', '-']).is_empty() && fraction.is_empty() {
        return None;
    }
    let scale = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let negative = whole.starts_with('-');
    let digits: i128 = format!("{}{fraction}", whole.trim_start_matches(['+', '-'])).parse().ok()?;
    let binary = suffix.ends_with('i');
    let nanos = match suffix {
        "n" => digits,
        "u" => digits * 1_000,
        "m" => digits * 1_000_000,
        "" => digits * NANO,
        "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei" => digits * NANO * 1024i128.pow(1 + u32::try_from("KMGTPE".find(&suffix[..1])?).ok()?),
        "k" | "M" | "G" | "T" | "P" | "E" => digits * NANO * 1000i128.pow(1 + u32::try_from("kMGTPE".find(suffix)?).ok()?),
        e if e.starts_with(['e', 'E']) => digits * NANO * 10i128.checked_pow(e[1..].parse().ok()?)?,
        _ => return None,
    } / scale;
    let sign = if negative && nanos != 0 { "-" } else { "" };
    Some(format!(
        "{sign}{}",
        if binary && nanos % NANO == 0 && nanos >= 1024 * NANO { binary_form(nanos / NANO) } else { decimal_form(nanos) }
    ))
}

fn binary_form(mut n: i128) -> String {
    let mut unit = 0;
    while n % 1024 == 0 && unit < 6 {
        n /= 1024;
        unit += 1;
    }
    format!("{n}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][unit])
}

fn decimal_form(mut nanos: i128) -> String {
    if nanos == 0 {
        return "0".to_owned();
    }
    let mut unit = 0;
    while nanos % 1000 == 0 && unit < 9 {
        nanos /= 1000;
        unit += 1;
    }
    format!("{nanos}{}", ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][unit])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{canonical, quantity};
    use crate::sim::wire::schema::SCHEMA;

    #[test]
    fn quantities_get_one_spelling() {
        for (given, want) in
            [("1000m", "1"), ("0.5", "500m"), ("1024Mi", "1Gi"), ("512Mi", "512Mi"), ("1.5Gi", "1536Mi"), ("2e3", "2k"), ("0", "0"), ("250m", "250m")]
        {
            assert_eq!(quantity(given).as_deref(), Some(want), "{given}");
        }
        assert_eq!(quantity("much"), None);
    }

    #[test]
    fn unknown_fields_are_dropped_and_named() {
        let pod = SCHEMA.message("core/v1.Pod").expect("Pod");
        let body = json!({"metadata": {"name": "a", "nme": 1}, "spec": {"containers": [{"name": "c", "imag": "x"}]}});
        let out = canonical(body, pod).expect("canonical");
        assert_eq!(out.unknown, ["metadata.nme", "spec.containers[0].imag"]);
        assert_eq!(out.value, json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "resources": {}}]}, "status": {}}));
    }

    #[test]
    fn a_wrong_type_is_refused_in_the_words_of_the_server() {
        let deployment = SCHEMA.message("apps/v1.Deployment").expect("Deployment");
        let error = canonical(json!({"spec": {"replicas": "x"}}), deployment).err().expect("an error");
        assert_eq!(error, "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32");
    }
}
