//! What is expected of an HTTP answer.
//!
//! Owns the declaration of `expect = { status, json_type, json, header, body }`.

use serde_json::Value;

use crate::base::toml::{Entry, Table, quoted};

/// What an answer must have; everything that is declared must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expect {
    /// Status codes; nothing declared means any 2xx.
    pub status: StatusSet,
    /// The type of the body, read as JSON.
    pub json_type: Option<JsonType>,
    /// What the body, read as JSON, must hold: keys that are not named may be anything.
    pub json: Option<Value>,
    /// Headers with their values, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Text that the body must contain.
    pub body: Option<String>,
}

/// A set of status codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusSet(Vec<(u16, u16)>);

impl Default for StatusSet {
    fn default() -> Self {
        Self(vec![(200, 299)])
    }
}

impl StatusSet {
    /// Whether `status` is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }
}

impl std::fmt::Display for StatusSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            if first == last {
                write!(f, "{separator}{first}")?;
            } else {
                write!(f, "{separator}{}xx", first / 100)?;
            }
        }
        Ok(())
    }
}

/// The types of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonType {
    /// `{…}`.
    Object,
    /// `[…]`.
    Array,
    /// Text.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `null`.
    Null,
}

impl JsonType {
    const WORDS: [(&str, Self); 6] = [
        ("object", Self::Object),
        ("array", Self::Array),
        ("string", Self::String),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("null", Self::Null),
    ];

    /// The type of a value.
    pub const fn of(value: &Value) -> Self {
        match value {
            Value::Object(_) => Self::Object,
            Value::Array(_) => Self::Array,
            Value::String(_) => Self::String,
            Value::Number(_) => Self::Number,
            Value::Bool(_) => Self::Boolean,
            Value::Null => Self::Null,
        }
    }

    /// The word as service files write it.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

/// Reads the key `expect` of a probe.
pub(super) fn decode(probe: &Table<'_>) -> Expect {
    let Some(table) = probe.table("expect") else { return Expect::default() };
    let status = table.entry("status").map(|entry| statuses(&table, &entry)).filter(|set| !set.0.is_empty());
    let headers = table.table("header").map(|headers| {
        let pair = |(name, entry): (crate::base::toml::At<String>, Entry<'_>)| Some((name.value.to_lowercase(), entry.text()?.value));
        headers.entries().into_iter().filter_map(pair).collect()
    });
    let out = Expect {
        status: status.unwrap_or_default(),
        json_type: table.word("json_type", &JsonType::WORDS).map(|t| t.value),
        json: table.entry("json").map(|entry| entry.json().value),
        headers: headers.unwrap_or_default(),
        body: table.text("body").map(|b| b.value),
    };
    table.finish();
    out
}

/// A code, a text like `2xx`, or a list of both.
fn statuses(table: &Table<'_>, entry: &Entry<'_>) -> StatusSet {
    if entry.is_list() {
        return StatusSet(entry.list().iter().filter_map(|e| status(table, e)).collect());
    }
    StatusSet(status(table, entry).into_iter().collect())
}

fn status(table: &Table<'_>, entry: &Entry<'_>) -> Option<(u16, u16)> {
    if entry.is_integer() {
        let code = u16::try_from(entry.integer(100..=599)?.value).ok()?;
        return Some((code, code));
    }
    let text = entry.text()?;
    let class = text
        .value
        .strip_suffix("xx")
        .and_then(|digit| digit.parse::<u16>().ok())
        .filter(|digit| (1..=5).contains(digit));
    if class.is_none() {
        table.error(&text.spot, format!("{} is no status.", quoted(&text.value)), Some("Write 200, \"2xx\", or a list: [200, 204].".into()));
    }
    class.map(|digit| (digit * 100, digit * 100 + 99))
}
