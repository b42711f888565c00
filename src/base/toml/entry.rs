//! A value being read: each type with the problem that is recorded when it is another.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::DeValue;

use super::table::Table;
use super::{At, Reader, Spot, quoted, word_hint};
use crate::base::duration::{self, DurationError};
use crate::base::problem::Level;
use crate::base::text::clean;

/// A value of the file.
pub struct Entry<'r> {
    reader: &'r Reader<'r>,
    name: String,
    spot: Spot,
    value: &'r DeValue<'r>,
}

impl<'r> Entry<'r> {
    pub(super) fn new(reader: &'r Reader<'r>, name: &str, spot: Spot, value: &'r DeValue<'r>) -> Self {
        Self { reader, name: clean(name).into_owned(), spot, value }
    }

    /// Where the value is.
    pub fn spot(&self) -> &Spot {
        &self.spot
    }

    /// Whether the value is a text: for keys that take a text or something else.
    pub fn is_text(&self) -> bool {
        self.value.is_str()
    }

    /// Whether the value is a whole number.
    pub fn is_integer(&self) -> bool {
        self.value.is_integer()
    }

    /// Whether the value is a list.
    pub fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// Whether the value is a table.
    pub fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// A text, cleaned of control sequences.
    pub fn text(&self) -> Option<At<String>> {
        match self.value.as_str() {
            Some(text) => Some(self.at(clean(text).into_owned())),
            None => self.wrong("a text in quotes"),
        }
    }

    /// A whole number within bounds.
    pub fn integer(&self, within: RangeInclusive<i64>) -> Option<At<i64>> {
        let Some(number) = self.value.as_integer() else { return self.wrong("a whole number") };
        match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(value) if within.contains(&value) => Some(self.at(value)),
            _ => self.refuse(
                format!("'{}' is {}, out of range.", self.name, quoted(number.as_str())),
                Some(format!("It must be from {} to {}.", within.start(), within.end())),
            ),
        }
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Option<At<bool>> {
        match self.value.as_bool() {
            Some(flag) => Some(self.at(flag)),
            None => self.wrong("true or false, without quotes"),
        }
    }

    /// A duration within bounds.
    pub fn duration(&self, within: RangeInclusive<Duration>) -> Option<At<Duration>> {
        const FORM: &str = "Write a number and a unit: '500ms', '5s', '15m', '2h', '7d'.";
        let Some(text) = self.value.as_str() else {
            return self.refuse(format!("'{}' must be a duration in quotes, not {}.", self.name, self.kind()), Some(FORM.into()));
        };
        match duration::parse(text) {
            Ok(value) if within.contains(&value) => Some(self.at(value)),
            Ok(_) | Err(DurationError::TooLong) => self.refuse(
                format!("'{}' is {}, out of range.", self.name, quoted(text)),
                Some(format!("It must be from {} to {}.", duration::show(*within.start()), duration::show(*within.end()))),
            ),
            Err(why) => self.refuse(format!("'{}' is {}, which {why}.", self.name, quoted(text)), Some(FORM.into())),
        }
    }

    /// One of some words.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<At<T>> {
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(self.at(*value));
        }
        self.refuse(
            format!("'{}' is {}, which is none of its words.", self.name, quoted(&text.value)),
            word_hint(&text.value, words.iter().map(|(word, _)| *word)),
        )
    }

    /// The entries of a list.
    pub fn list(&self) -> Vec<Entry<'r>> {
        let Some(list) = self.value.as_array() else {
            self.wrong::<()>("a list");
            return Vec::new();
        };
        let entry = |(index, value): (usize, &'r toml::Spanned<DeValue<'r>>)| {
            let spot = self.reader.spot(format!("{}.{}", self.spot.path, index + 1), value.span().start);
            Entry::new(self.reader, &self.name, spot, value.get_ref())
        };
        list.iter().enumerate().map(entry).collect()
    }

    /// A table.
    pub fn table(&self) -> Option<Table<'r>> {
        match self.value.as_table() {
            Some(map) => Some(Table::new(self.reader, map, self.spot.clone())),
            None => self.wrong("a table"),
        }
    }

    /// The value as JSON, for expectations that compare with JSON. A date is its text.
    pub fn json(&self) -> At<serde_json::Value> {
        self.at(to_json(self.value))
    }

    /// Records that the value is of another type than `wanted`.
    pub fn wrong<T>(&self, wanted: &str) -> Option<T> {
        self.refuse(format!("'{}' must be {wanted}, not {}.", self.name, self.kind()), None)
    }

    fn refuse<T>(&self, message: String, hint: Option<String>) -> Option<T> {
        self.reader.add(Level::Error, &self.spot, message, hint);
        None
    }

    fn at<T>(&self, value: T) -> At<T> {
        At { value, spot: self.spot.clone() }
    }

    fn kind(&self) -> &'static str {
        match self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a point",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    }
}

fn to_json(value: &DeValue<'_>) -> serde_json::Value {
    use serde_json::Value;
    match value {
        DeValue::String(text) => Value::String(clean(text).into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from),
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(list) => list.iter().map(|v| to_json(v.get_ref())).collect(),
        DeValue::Table(map) => map.iter().map(|(k, v)| (clean(k.get_ref()).into_owned(), to_json(v.get_ref()))).collect(),
    }
}
