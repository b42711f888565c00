//! The fields of every message of the Kubernetes API that the simulator serves.
//!
//! Owns `schema.txt`, which `tests/sim/schema` writes from the Go structs of k8s.io/api, and its parsing.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The form of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// UTF-8 text.
    Text,
    /// `true` or `false`.
    Bool,
    /// Signed, 32 bits.
    Int32,
    /// Signed, 64 bits.
    Int64,
    /// A floating point number.
    Double,
    /// Base64 in JSON.
    Bytes,
    /// `250m`, `1Gi`.
    Quantity,
    /// RFC 3339 with seconds.
    Time,
    /// RFC 3339 with microseconds.
    MicroTime,
    /// A number or text.
    IntOrString,
    /// `1m30s` in JSON, nanoseconds on the wire.
    Duration,
    /// Any JSON, carried as bytes.
    Raw,
    /// Any JSON, never sent as protobuf.
    Any,
    /// A message of its own: its index in [`Schema::messages`].
    Message(usize),
}

/// How often a value occurs in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Once.
    One,
    /// A list.
    List,
    /// A map with text keys.
    Map,
    /// A map of lists of text (protobuf wraps each list in a message).
    MapOfLists,
}

/// What a strategic merge patch does with a list or object (the Go tag `patchStrategy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Strategy {
    /// Merge a list by this key; an empty key merges plain values.
    pub(crate) merge_key: Option<&'static str>,
    /// `$retainKeys` is understood.
    pub(crate) retain_keys: bool,
    /// The list is replaced as a whole although it has no merge key.
    pub(crate) replace: bool,
}

/// One field of a message.
#[derive(Debug)]
pub(crate) struct Field {
    /// Protobuf field number.
    pub(crate) number: u32,
    /// JSON name; empty for an inlined message.
    pub(crate) name: &'static str,
    /// Form of one value.
    pub(crate) form: Form,
    /// How often it occurs.
    pub(crate) shape: Shape,
    /// The message's fields stand in the parent's JSON object.
    pub(crate) inline: bool,
    /// A pointer in Go: absent and empty are two things.
    pub(crate) pointer: bool,
    /// Left out of JSON when empty (Go's `omitempty`, which never leaves out a message).
    pub(crate) omit_empty: bool,
    /// Left out of JSON when zero, messages too (Go's `omitzero`).
    pub(crate) omit_zero: bool,
    /// For strategic merge patches.
    pub(crate) strategy: Strategy,
}

/// One message.
#[derive(Debug)]
pub(crate) struct Message {
    /// `core/v1.Pod`.
    pub(crate) name: &'static str,
    /// Its fields in the order of the Go struct, which is the order of the server's JSON.
    pub(crate) fields: Vec<Field>,
}

impl Message {
    /// The name of the Go struct: `PodSpec`.
    pub(crate) fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    /// The field with a JSON name, looked for in inlined messages too.
    pub(crate) fn field(&'static self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find_map(|f| match (f.inline, f.form) {
            (true, Form::Message(inner)) => SCHEMA.messages[inner].field(name),
            _ => (f.name == name).then_some(f),
        })
    }
}

/// All messages.
pub(crate) struct Schema {
    /// In the order of the file.
    pub(crate) messages: Vec<Message>,
    by_name: HashMap<&'static str, usize>,
}

/// The one schema, parsed at first use.
pub(crate) static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::parse(include_str!("schema.txt")));

impl Schema {
    /// The message of that name.
    pub(crate) fn message(&'static self, name: &str) -> Option<&'static Message> {
        self.by_name.get(name).map(|i| &self.messages[*i])
    }

    /// The message a form stands for.
    pub(crate) fn of(&'static self, form: Form) -> Option<&'static Message> {
        match form {
            Form::Message(i) => Some(&self.messages[i]),
            _ => None,
        }
    }

    fn parse(text: &'static str) -> Self {
        let lines = || text.lines().filter(|l| !l.starts_with('#') && !l.is_empty());
        let by_name: HashMap<_, _> = lines().filter(|l| !l.starts_with(' ')).enumerate().map(|(i, l)| (l, i)).collect();
        let mut messages: Vec<Message> = Vec::with_capacity(by_name.len());
        for line in lines() {
            match line.strip_prefix(' ') {
                None => messages.push(Message { name: line, fields: Vec::new() }),
                Some(field) => {
                    if let (Some(message), Some(field)) = (messages.last_mut(), parse_field(field, &by_name)) {
                        message.fields.push(field);
                    }
                }
            }
        }
        Self { messages, by_name }
    }
}

fn parse_field(line: &'static str, by_name: &HashMap<&'static str, usize>) -> Option<Field> {
    let mut words = line.split(' ');
    let (number, name, kind, flags) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (shape, kind) = if let Some(k) = kind.strip_prefix("{}items:").or_else(|| kind.strip_prefix("{}[]")) {
        (Shape::MapOfLists, k)
    } else if let Some(k) = kind.strip_prefix("{}") {
        (Shape::Map, k)
    } else if let Some(k) = kind.strip_prefix("[]").or_else(|| kind.strip_prefix("items:")) {
        (Shape::List, k)
    } else {
        (Shape::One, kind)
    };
    let form = match kind {
        "string" => Form::Text,
        "bool" => Form::Bool,
        "int32" => Form::Int32,
        "int64" => Form::Int64,
        "double" => Form::Double,
        "bytes" => Form::Bytes,
        "quantity" => Form::Quantity,
        "time" => Form::Time,
        "microtime" => Form::MicroTime,
        "intorstring" => Form::IntOrString,
        "duration" => Form::Duration,
        "raw" => Form::Raw,
        "any" => Form::Any,
        message => Form::Message(*by_name.get(message)?),
    };
    let mut strategy = Strategy::default();
    if let Some(text) = words.next() {
        let (names, key) = text.split_once(':').map_or((text, None), |(n, k)| (n, Some(k)));
        for name in names.split(',') {
            match name {
                "merge" => strategy.merge_key = Some(key.unwrap_or("")),
                "retainKeys" => strategy.retain_keys = true,
                _ => strategy.replace = true,
            }
        }
    }
    Some(Field {
        number: number.parse().ok()?,
        name: if name == "-" { "" } else { name },
        form,
        shape,
        inline: flags.contains('i'),
        pointer: flags.contains('p'),
        omit_empty: flags.contains('o'),
        omit_zero: flags.contains('z'),
        strategy,
    })
}

#[cfg(test)]
mod tests {
    use super::{Form, SCHEMA, Shape};

    #[test]
    fn every_line_of_the_schema_is_understood() {
        let fields: usize = SCHEMA.messages.iter().map(|m| m.fields.len()).sum();
        let lines = include_str!("schema.txt").lines().filter(|l| l.starts_with(' ')).count();
        assert_eq!(fields, lines);
    }

    #[test]
    fn an_inlined_field_is_found_by_its_json_name() {
        let probe = SCHEMA.message("core/v1.Probe").expect("Probe");
        let get = probe.field("httpGet").expect("httpGet");
        assert!(matches!(get.form, Form::Message(_)) && get.shape == Shape::One);
        assert_eq!(SCHEMA.message("core/v1.PodSpec").and_then(|m| m.field("containers")).and_then(|f| f.strategy.merge_key), Some("name"));
    }
}
