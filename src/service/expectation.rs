//! What is expected of the first value that a database answers: `> 0`, `== 'done'`, `matches '^v2'`.
//!
//! Owns the form, which is that of a condition without its name.

use std::fmt;

use super::action::{Condition, Value};
use crate::base::toml::{At, Table, quoted};

/// What stands for the value while the condition is read.
const NAME: &str = "sql.value";

/// An expectation that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    text: String,
    condition: Condition,
}

impl Expectation {
    /// Reads `> 0`; `Err` says in words what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let condition = Condition::parse(&format!("{NAME} {text}"))?;
        match condition.names().iter().find(|name| **name != NAME) {
            Some(name) => Err(format!("it compares with {name}, which is no value")),
            None => Ok(Self { text: text.trim().to_owned(), condition }),
        }
    }

    /// The same from a file; what is wrong is recorded.
    pub(super) fn read(table: &Table<'_>, text: &At<String>) -> Option<Self> {
        Self::parse(&text.value)
            .map_err(|why| {
                let hint = "A comparison: \"> 0\", \"== 'done'\", \"matches '^v2'\".";
                table.error(&text.spot, format!("'expect' is {}: {why}.", quoted(&text.value)), Some(hint.into()));
            })
            .ok()
    }

    /// Whether a value is as expected; NULL never is.
    pub fn holds(&self, value: Option<&str>) -> bool {
        value.is_some_and(|value| self.condition.holds(&|_| Some(Value::of(value))) == Some(true))
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::Expectation;

    #[test]
    fn an_expectation_is_a_comparison_and_null_meets_none() {
        for (text, good, bad) in
            [("> 0", "1", "0"), ("== 'done'", "done", "failed"), ("matches '^v2'", "v2.1", "v1"), (">= 1 and sql.value < 3", "2", "3")]
        {
            let expectation = Expectation::parse(text).expect(text);
            assert!(expectation.holds(Some(good)) && !expectation.holds(Some(bad)) && !expectation.holds(None), "{text}");
        }
        for wrong in ["", "0", "= 0", "> env.name", "> 0 or var.x == 1", "drop table x"] {
            assert!(Expectation::parse(wrong).is_err(), "{wrong}");
        }
    }
}
