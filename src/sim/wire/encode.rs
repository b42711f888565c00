//! JSON to protobuf, by the schema.
//!
//! Owns the encoding of values whose two forms differ: quantities, times, bytes, numbers-or-text, inlined messages.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use super::schema::{Field, Form, Message, SCHEMA, Shape};

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;

/// Appends an unsigned varint.
pub(crate) fn varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n as u8) | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Appends a length-delimited field.
pub(crate) fn bytes(out: &mut Vec<u8>, number: u32, content: &[u8]) {
    tag(out, number, LENGTH);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// Appends the tag of a field.
pub(crate) fn tag(out: &mut Vec<u8>, number: u32, wire: u32) {
    varint(out, u64::from(number << 3 | wire));
}

fn integer(out: &mut Vec<u8>, number: u32, n: i64) {
    tag(out, number, VARINT);
    varint(out, n.cast_unsigned());
}

/// The object as protobuf bytes. Fields that the schema does not know are left out.
pub(crate) fn message(value: &Value, message: &'static Message) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    fields(&mut out, value, message);
    out
}

fn fields(out: &mut Vec<u8>, value: &Value, message: &'static Message) {
    for field in &message.fields {
        if field.inline {
            if let Some(inner) = SCHEMA.of(field.form) {
                nested(out, field.number, |out| fields(out, value, inner));
            }
            continue;
        }
        match value.get(field.name) {
            None | Some(Value::Null) => {}
            Some(v) => shaped(out, v, field),
        }
    }
}

fn shaped(out: &mut Vec<u8>, value: &Value, field: &Field) {
    match (field.shape, value) {
        (Shape::One, v) => one(out, field.number, v, field.form),
        (Shape::List, Value::Array(items)) => items.iter().for_each(|v| one(out, field.number, v, field.form)),
        (Shape::Map, Value::Object(entries)) => entries.iter().for_each(|(k, v)| {
            nested(out, field.number, |out| {
                bytes(out, 1, k.as_bytes());
                one(out, 2, v, field.form);
            });
        }),
        (Shape::MapOfLists, Value::Object(entries)) => entries.iter().for_each(|(k, list)| {
            nested(out, field.number, |out| {
                bytes(out, 1, k.as_bytes());
                nested(out, 2, |out| list.as_array().into_iter().flatten().for_each(|v| one(out, 1, v, field.form)));
            });
        }),
        _ => {}
    }
}

fn one(out: &mut Vec<u8>, number: u32, value: &Value, form: Form) {
    match form {
        Form::Text => bytes(out, number, value.as_str().unwrap_or_default().as_bytes()),
        Form::Bool => integer(out, number, i64::from(value.as_bool().unwrap_or_default())),
        Form::Int32 | Form::Int64 => integer(out, number, value.as_i64().unwrap_or_default()),
        Form::Double => {
            tag(out, number, FIXED64);
            out.extend_from_slice(&value.as_f64().unwrap_or_default().to_le_bytes());
        }
        Form::Bytes => bytes(out, number, &BASE64_STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default()),
        Form::Quantity => nested(out, number, |out| bytes(out, 1, value.as_str().unwrap_or_default().as_bytes())),
        Form::Time | Form::MicroTime => {
            if let Some(at) = value.as_str().and_then(|s| s.parse::<Timestamp>().ok()) {
                nested(out, number, |out| {
                    integer(out, 1, at.as_second());
                    integer(out, 2, i64::from(at.subsec_nanosecond()));
                });
            }
        }
        Form::IntOrString => nested(out, number, |out| {
            integer(out, 1, i64::from(value.is_string()));
            integer(out, 2, value.as_i64().unwrap_or_default());
            bytes(out, 3, value.as_str().unwrap_or_default().as_bytes());
        }),
        Form::Duration => nested(out, number, |out| integer(out, 1, nanoseconds(value.as_str().unwrap_or_default()))),
        Form::Raw => nested(out, number, |out| bytes(out, 1, value.to_string().as_bytes())),
        Form::Any => {}
        Form::Message(i) => nested(out, number, |out| fields(out, value, &SCHEMA.messages[i])),
    }
}

/// Appends a length-delimited field whose content is written by `f`.
pub(crate) fn nested(out: &mut Vec<u8>, number: u32, f: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    f(&mut inner);
    bytes(out, number, &inner);
}

/// Go's spelling of a duration (`1m30s`, `350ms`) in nanoseconds; what is malformed counts as zero.
pub(crate) fn nanoseconds(text: &str) -> i64 {
    let mut total = 0.0;
    let mut rest = text;
    while let Some(split) = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')) {
        let number: f64 = rest[..split].parse().unwrap_or_default();
        let unit_end = rest[split..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |n| n + split);
        total += number
            * match &rest[split..unit_end] {
                "h" => 3.6e12,
                "m" => 6e10,
                "s" => 1e9,
                "ms" => 1e6,
                _ => 1.0,
            };
        rest = &rest[unit_end..];
    }
    total as i64
}
