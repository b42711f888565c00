//! `[vars.ID]`: what an operator gives an action.
//!
//! Owns the types and whether a value is one of its type.

use regex::Regex;

use super::Later;
use crate::base::duration;
use crate::base::toml::{At, Entry, Table, quoted};

/// One variable.
#[derive(Debug, Clone)]
pub struct Var {
    /// Its name.
    pub id: String,
    /// Its type.
    pub kind: VarKind,
    /// What the operator is asked.
    pub prompt: String,
    /// The value when none is given.
    pub default: Option<String>,
    pattern: Option<Regex>,
    least: Option<i64>,
    most: Option<i64>,
}

impl PartialEq for Var {
    fn eq(&self, other: &Self) -> bool {
        let pattern = |v: &Self| v.pattern.as_ref().map(ToString::to_string);
        let rest = |v: &Self| (v.id.clone(), v.kind.clone(), v.prompt.clone(), v.default.clone(), v.least, v.most);
        pattern(self) == pattern(other) && rest(self) == rest(other)
    }
}

/// Types of variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VarKind {
    /// Any text.
    Text,
    /// The tag of an image.
    ImageTag,
    /// A revision of a workload, as `rollback` takes it.
    Revision,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
    /// One of these words.
    Enum(Vec<String>),
    /// A duration: `5m`.
    Duration,
    /// A type that this version does not know yet, as the file writes it.
    Later(&'static str),
}

const KINDS: [(&str, usize); 10] = [
    ("string", 0),
    ("int", 1),
    ("enum", 2),
    ("bool", 3),
    ("image-tag", 4),
    ("revision", 5),
    ("duration", 6),
    ("backup", 7),
    ("workload", 8),
    ("time", 9),
];

/// A value goes into object fields and phrases: no longer than this.
const LONGEST_VALUE: usize = 200;

impl VarKind {
    /// The word of a service file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::ImageTag => "image-tag",
            Self::Revision => "revision",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Enum(_) => "enum",
            Self::Duration => "duration",
            Self::Later(word) => word,
        }
    }

    fn of(number: usize, values: Vec<String>) -> Self {
        match number {
            0 => Self::Text,
            1 => Self::Int,
            2 => Self::Enum(values),
            3 => Self::Bool,
            4 => Self::ImageTag,
            5 => Self::Revision,
            6 => Self::Duration,
            later => Self::Later(KINDS.get(later).map_or("", |(word, _)| *word)),
        }
    }
}

impl Var {
    /// What a value may look like.
    pub fn hint(&self) -> String {
        match (&self.kind, self.least, self.most) {
            (VarKind::Enum(words), ..) => words.join("  "),
            (VarKind::Duration, ..) => "5s  15m  2h".to_owned(),
            (VarKind::Bool, ..) => "true  false".to_owned(),
            (VarKind::Int, Some(least), Some(most)) => format!("{least} to {most}"),
            (VarKind::Int, ..) => "a whole number".to_owned(),
            (VarKind::Text, ..) => "text".to_owned(),
            (other, ..) => other.word().to_owned(),
        }
    }

    /// What the operator is asked: the file's own words, else its name.
    pub fn question(&self) -> &str {
        if self.prompt.is_empty() { &self.id } else { &self.prompt }
    }

    /// The value in its normal form; `Err` says what is wrong with it.
    pub fn check(&self, value: &str) -> Result<String, String> {
        let wrong = |why: String| Err(format!("{}={}: {why}", self.id, quoted(value)));
        if value.chars().count() > LONGEST_VALUE || value.chars().any(char::is_control) {
            return wrong("it is too long, or has control characters in it".to_owned());
        }
        let normal = match &self.kind {
            VarKind::Int => match value.parse::<i64>() {
                Ok(number) if self.least.is_some_and(|least| number < least) => {
                    return wrong(format!("it is less than {}", self.least.unwrap_or_default()));
                }
                Ok(number) if self.most.is_some_and(|most| number > most) => {
                    return wrong(format!("it is more than {}", self.most.unwrap_or_default()));
                }
                Ok(number) => number.to_string(),
                Err(_) => return wrong("it is no whole number".to_owned()),
            },
            VarKind::Bool if !["true", "false"].contains(&value) => return wrong("it is neither true nor false".to_owned()),
            VarKind::Enum(words) if !words.iter().any(|w| w == value) => return wrong(format!("it is none of {}", words.join(", "))),
            VarKind::Duration if duration::parse(value).is_err() => return wrong("it is no duration: write 500ms, 5s, 15m, 2h".to_owned()),
            VarKind::ImageTag if !is_tag(value) => return wrong("it is no tag of an image".to_owned()),
            VarKind::Later(word) => return wrong(format!("this version does not know the type {word} yet")),
            _ => value.to_owned(),
        };
        match &self.pattern {
            Some(pattern) if !pattern.is_match(value) => wrong(format!("it does not match {pattern}")),
            _ => Ok(normal),
        }
    }
}

fn is_tag(value: &str) -> bool {
    let first = value.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    first && value.len() <= 128 && value.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// Reads all variables, in the order of the file.
pub(super) fn decode(root: &Table<'_>, later: &mut Vec<Later>) -> Vec<Var> {
    let Some(table) = root.table("vars") else { return Vec::new() };
    table.entries().iter().filter_map(|(id, entry)| one(id, entry, later)).collect()
}

fn one(id: &At<String>, entry: &Entry<'_>, later: &mut Vec<Later>) -> Option<Var> {
    let table = entry.table()?;
    let kind = table.word("type", &KINDS);
    if !table.has("type") {
        table.missing("type");
    }
    let values: Vec<String> = table.texts("values").into_iter().map(|v| v.value).collect();
    if kind.as_ref().is_some_and(|k| k.value == 2) && values.is_empty() {
        table.error(&id.spot, format!("The variable '{}' is one of no words.", id.value), Some("Write values = [\"a\", \"b\"].".into()));
    }
    let pattern = table.text("pattern").and_then(|text| {
        let pattern = Regex::new(&text.value).ok();
        if pattern.is_none() {
            table.error(&text.spot, format!("{} is no regular expression.", quoted(&text.value)), None);
        }
        pattern
    });
    let var = Var {
        id: id.value.clone(),
        kind: VarKind::of(kind?.value, values),
        prompt: table.text("prompt").map_or_else(|| id.value.clone(), |p| p.value),
        default: None,
        pattern,
        least: table.integer("min", i64::MIN..=i64::MAX).map(|n| n.value),
        most: table.integer("max", i64::MIN..=i64::MAX).map(|n| n.value),
    };
    let default = table.entry("default").map(|entry| match entry.json().value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    });
    if let Some(value) = default.as_ref().filter(|_| !matches!(var.kind, VarKind::Later(_)))
        && let Err(why) = var.check(value)
    {
        table.error(table.spot(), format!("The default of '{}' cannot be: {why}.", id.value), None);
    }
    Later::note(&table, &["from"], later);
    table.finish();
    Some(Var { default, ..var })
}
