//! Reading a filter.

use std::fmt;

use super::field::{Field, Unit};
use super::{Compare, Order, Term};
use crate::base::problem::did_you_mean;
use crate::base::{duration, quantity};

/// Why a filter was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Where, in characters from the start, counting from 0.
    pub at: usize,
    /// What is wrong: one sentence.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " {hint}"))
    }
}

impl std::error::Error for FilterError {}

/// Operators, the longer ones first where one begins with another.
const OPERATORS: [&str; 8] = ["!=", "!~", ">=", "<=", "=", "~", ">", "<"];

/// One term as written: where it begins, its text, and whether the whole of it was quoted.
struct Written {
    at: usize,
    text: String,
    quoted: bool,
}

/// All terms of a filter.
pub(super) fn terms(text: &str) -> Result<Vec<Term>, FilterError> {
    split(text)?.iter().map(term).collect()
}

/// Splits at spaces; quotes hold what is between them together and are taken off.
fn split(text: &str) -> Result<Vec<Written>, FilterError> {
    let mut found: Vec<Written> = Vec::new();
    let mut current: Option<Written> = None;
    let mut quote: Option<usize> = None;
    for (at, c) in text.chars().enumerate() {
        match (c, quote) {
            ('"', None) => {
                quote = Some(at);
                let fresh = current.is_none();
                let term = current.get_or_insert(Written { at, text: String::new(), quoted: false });
                term.quoted |= fresh;
            }
            ('"', Some(_)) => quote = None,
            (c, None) if c.is_whitespace() => found.extend(current.take()),
            (c, _) => current.get_or_insert(Written { at, text: String::new(), quoted: false }).text.push(c),
        }
    }
    if let Some(at) = quote {
        return Err(FilterError { at, message: "The quote is not closed.".into(), hint: Some("Add '\"' at the end.".into()) });
    }
    found.extend(current);
    found.retain(|w| !w.text.is_empty());
    Ok(found)
}

fn term(written: &Written) -> Result<Term, FilterError> {
    let text = written.text.as_str();
    let operator = if written.quoted { None } else { operator(text) };
    let Some((key, operator, value)) = operator else {
        let (word, wanted) = match text.strip_prefix('!') {
            Some(rest) if !written.quoted => (rest, false),
            _ => (text, true),
        };
        if word.is_empty() {
            return Err(error(written, 0, "'!' needs a word after it.", "Write '!web' for rows without 'web'."));
        }
        return Ok(Term::Text { word: word.to_lowercase(), wanted });
    };
    let value_at = key.chars().count() + operator.chars().count();
    if key.is_empty() {
        return Err(error(written, 0, &format!("'{operator}' needs a field before it."), "For example 'status=Running'."));
    }
    if value.is_empty() {
        return Err(error(written, value_at, &format!("'{key}{operator}' needs a value."), "For example 'status=Running'."));
    }
    match Field::parse(&key.to_lowercase()) {
        Some(field) => match field.unit() {
            Some(unit) => number(written, field, unit, operator, value, value_at),
            None => word(written, key, operator, value).map(|(compare, values)| Term::Word { field, compare, values }),
        },
        None => word(written, key, operator, value).map(|(compare, values)| Term::Label { key: key.to_owned(), compare, values }),
    }
}

/// The first operator in a term, and what is before and after it.
fn operator(text: &str) -> Option<(&str, &'static str, &str)> {
    // A leading '!' negates a word.
    let from = usize::from(text.starts_with('!') && !text.starts_with("!=") && !text.starts_with("!~"));
    let at = from + text[from..].find(['=', '~', '>', '<'])?;
    let start = if text[..at].ends_with('!') && at > from { at - 1 } else { at };
    let found = OPERATORS.iter().find(|o| text[start..].starts_with(**o))?;
    Some((&text[..start], found, &text[start + found.len()..]))
}

fn word(written: &Written, key: &str, operator: &str, value: &str) -> Result<(Compare, Vec<String>), FilterError> {
    let compare = match operator {
        "=" => Compare::Equal,
        "!=" => Compare::Unequal,
        "~" => Compare::Contains,
        "!~" => Compare::Lacks,
        _ => return Err(no_order(written, key, operator)),
    };
    Ok((compare, value.split(',').filter(|v| !v.is_empty()).map(str::to_lowercase).collect()))
}

/// `<` and its like on something that has no order: a text field, or a name that is no field.
fn no_order(written: &Written, key: &str, operator: &str) -> FilterError {
    if Field::parse(&key.to_lowercase()).is_some() {
        let message = format!("'{key}' is a text, '{operator}' compares numbers.");
        return error(written, key.chars().count(), &message, &format!("Write '{key}=…' or '{key}~…'."));
    }
    let hint = match did_you_mean(key, Field::words()) {
        Some(near) => format!("Did you mean '{near}'?"),
        None => "Numbers are: ready, restarts, age, cpu, memory.".to_owned(),
    };
    error(written, 0, &format!("There is no field '{key}' to compare."), &hint)
}

fn number(written: &Written, field: Field, unit: Unit, operator: &str, value: &str, at: usize) -> Result<Term, FilterError> {
    let order = match operator {
        "=" => Order::Equal,
        "!=" => Order::Unequal,
        "<" => Order::Less,
        "<=" => Order::LessOrEqual,
        ">" => Order::More,
        ">=" => Order::MoreOrEqual,
        _ => {
            let message = format!("'{operator}' looks for text, this field is a number.");
            return Err(error(written, at - operator.chars().count(), &message, "Use = != < <= > >=."));
        }
    };
    if let (Some(digits), Some(field)) = (value.strip_suffix('%'), field.in_percent()) {
        let value = digits
            .parse()
            .map_err(|_| error(written, at, &format!("'{value}' is no percentage."), "For example '80%'."))?;
        return Ok(Term::Number { field, order, value });
    }
    let (value, example) = match unit {
        Unit::Count => (value.parse().ok(), "a whole number, for example '5'"),
        Unit::Seconds => (duration::parse(value).ok().map(|d| d.as_secs().cast_signed()), "an age, for example '90s', '1h30m' or '2d'"),
        Unit::Cpu => (quantity::milli(value), "an amount of CPU, for example '500m', '1.5' or '80%'"),
        Unit::Memory => (quantity::whole(value), "an amount of memory, for example '512Mi' or '80%'"),
    };
    let value = value.ok_or_else(|| {
        error(
            written,
            at,
            &format!("'{}' is not what this field holds.", &written.text[written.text.len() - value_len(written, at)..]),
            &format!("Write {example}."),
        )
    })?;
    Ok(Term::Number { field, order, value })
}

/// Length in bytes of what stands from character `at` on.
fn value_len(written: &Written, at: usize) -> usize {
    written.text.chars().skip(at).map(char::len_utf8).sum()
}

fn error(written: &Written, at: usize, message: &str, hint: &str) -> FilterError {
    FilterError { at: written.at + at, message: message.to_owned(), hint: Some(hint.to_owned()) }
}
