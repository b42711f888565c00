//! Protobuf to JSON, by the schema: request bodies of client-go.
//!
//! Owns the reading of bytes that anybody may have sent: every length is checked, depth is bounded by the schema.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::canon::{micros, seconds};
use super::schema::{Field, Form, Message, SCHEMA, Shape};

/// A protobuf reader over a byte slice.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// One field as it is on the wire.
pub(crate) enum Wire<'a> {
    /// Integers, booleans.
    Varint(u64),
    /// Doubles.
    Fixed64([u8; 8]),
    /// Text, bytes, messages.
    Bytes(&'a [u8]),
}

/// The bytes are no protobuf.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Malformed;

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(head)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(n);
            }
        }
        None
    }

    /// The next field; `None` at the end, an error when the bytes are no protobuf.
    pub(crate) fn next_field(&mut self) -> Option<Result<(u32, Wire<'a>), Malformed>> {
        (!self.rest.is_empty()).then(|| self.read_field().ok_or(Malformed))
    }

    fn read_field(&mut self) -> Option<(u32, Wire<'a>)> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok()?;
        let wire = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(self.take(8)?.try_into().ok()?),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Varint(u64::from(u32::from_le_bytes(self.take(4)?.try_into().ok()?))),
            _ => return None,
        };
        Some((number, wire))
    }
}

/// The bytes as a JSON object; `None` when they are malformed. Unknown fields are skipped.
pub(crate) fn message(bytes: &[u8], message: &'static Message) -> Option<Value> {
    let mut out = Map::new();
    fields(bytes, message, &mut out)?;
    Some(Value::Object(out))
}

fn fields(bytes: &[u8], message: &'static Message, out: &mut Map<String, Value>) -> Option<()> {
    let mut reader = Reader::new(bytes);
    while let Some(next) = reader.next_field() {
        let (number, wire) = next.ok()?;
        let Some(field) = message.fields.iter().find(|f| f.number == number) else { continue };
        match (field.inline, field.form, &wire) {
            (true, Form::Message(i), Wire::Bytes(inner)) => fields(inner, &SCHEMA.messages[i], out)?,
            _ => add(out, field, &wire)?,
        }
    }
    Some(())
}

fn add(out: &mut Map<String, Value>, field: &Field, wire: &Wire<'_>) -> Option<()> {
    match field.shape {
        Shape::One => {
            out.insert(field.name.to_owned(), one(field.form, wire)?);
        }
        Shape::List => {
            let list = out.entry(field.name).or_insert_with(|| json!([]));
            list.as_array_mut()?.push(one(field.form, wire)?);
        }
        Shape::Map | Shape::MapOfLists => {
            let Wire::Bytes(entry) = wire else { return None };
            let (mut key, mut value) = (String::new(), Value::Null);
            let mut reader = Reader::new(entry);
            while let Some(next) = reader.next_field() {
                match next.ok()? {
                    (1, Wire::Bytes(k)) => key = text(k)?,
                    (2, v) if field.shape == Shape::Map => value = one(field.form, &v)?,
                    (2, Wire::Bytes(v)) => value = items(v, field.form)?,
                    _ => {}
                }
            }
            if value.is_null() && field.form == Form::Text {
                value = json!("");
            }
            out.entry(field.name).or_insert_with(|| json!({})).as_object_mut()?.insert(key, value);
        }
    }
    Some(())
}

fn items(bytes: &[u8], form: Form) -> Option<Value> {
    let mut list = Vec::new();
    let mut reader = Reader::new(bytes);
    while let Some(next) = reader.next_field() {
        if let (1, wire) = next.ok()? {
            list.push(one(form, &wire)?);
        }
    }
    Some(Value::Array(list))
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn one(form: Form, wire: &Wire<'_>) -> Option<Value> {
    Some(match (form, wire) {
        (Form::Text, Wire::Bytes(b)) => Value::String(text(b)?),
        (Form::Bool, Wire::Varint(n)) => Value::Bool(*n != 0),
        (Form::Int32 | Form::Int64, Wire::Varint(n)) => json!(n.cast_signed()),
        (Form::Double, Wire::Fixed64(b)) => json!(f64::from_le_bytes(*b)),
        (Form::Bytes, Wire::Bytes(b)) => Value::String(BASE64_STANDARD.encode(b)),
        (Form::Quantity, Wire::Bytes(b)) => Value::String(text(part(b, 1).unwrap_or_default())?),
        (Form::Raw, Wire::Bytes(b)) => serde_json::from_slice(part(b, 1)?).ok()?,
        (Form::Time | Form::MicroTime, Wire::Bytes(b)) => {
            let (s, n) = (number(b, 1), i32::try_from(number(b, 2)).ok()?);
            // Go writes its zero time as no fields at all.
            if b.is_empty() || (s <= 0 && n == 0) {
                return Some(Value::Null);
            }
            let at = Timestamp::new(s, n).ok()?;
            json!(if form == Form::Time { seconds(at) } else { micros(at) })
        }
        (Form::IntOrString, Wire::Bytes(b)) => {
            if number(b, 1) == 0 {
                json!(number(b, 2))
            } else {
                Value::String(text(part(b, 3).unwrap_or_default())?)
            }
        }
        (Form::Duration, Wire::Bytes(b)) => json!(format!("{}s", number(b, 1) as f64 / 1e9)),
        (Form::Message(i), Wire::Bytes(b)) => message(b, &SCHEMA.messages[i])?,
        _ => return None,
    })
}

/// The last length-delimited field of that number.
pub(crate) fn part(bytes: &[u8], number: u32) -> Option<&[u8]> {
    let mut reader = Reader::new(bytes);
    let mut found = None;
    while let Some(Ok((n, wire))) = reader.next_field() {
        if let (true, Wire::Bytes(b)) = (n == number, wire) {
            found = Some(b);
        }
    }
    found
}

fn number(bytes: &[u8], number: u32) -> i64 {
    let mut reader = Reader::new(bytes);
    let mut found = 0;
    while let Some(Ok((n, wire))) = reader.next_field() {
        if let (true, Wire::Varint(v)) = (n == number, wire) {
            found = v.cast_signed();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::sim::wire::canon::canonical;
    use crate::sim::wire::schema::SCHEMA;
    use crate::sim::wire::{decode, encode};

    #[test]
    fn an_object_survives_protobuf_in_both_directions() {
        let pod = SCHEMA.message("core/v1.Pod").expect("Pod");
        let given = json!({
            "metadata": {"name": "a", "namespace": "n", "creationTimestamp": "2026-11-22T14:33:12Z", "labels": {"app": "a", "tier": ""},
                         "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a", "uid": "1", "controller": true}]},
            "spec": {"containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": "250m", "memory": "1Gi"}},
                     "livenessProbe": {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 10},
                     "env": [{"name": "K", "valueFrom": {"secretKeyRef": {"name": "s", "key": "K"}}}]}],
                     "terminationGracePeriodSeconds": 0},
            "status": {"phase": "Running"},
        });
        let given = canonical(given, pod).expect("canonical").value;
        let bytes = encode::message(&given, pod);
        let back = canonical(decode::message(&bytes, pod).expect("protobuf"), pod).expect("canonical").value;
        assert_eq!(given, back);
    }

    #[test]
    fn cut_off_bytes_are_refused_and_do_not_panic() {
        let pod = SCHEMA.message("core/v1.Pod").expect("Pod");
        let bytes = encode::message(&json!({"metadata": {"name": "abcdef"}}), pod);
        for end in 1..bytes.len() {
            assert!(decode::message(&bytes[..end], pod).is_none(), "{end}");
        }
    }
}
