//! Measures of a service and their limits.
//!
//! Owns `[[kpi]]`. A measure without data is never within its limits.

use std::time::Duration;

use crate::base::toml::{At, Table, quoted};
use crate::service::around::{Around, each};

/// One measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Kpi {
    /// Id, unique in the file.
    pub id: String,
    /// Title for people.
    pub title: Option<String>,
    /// What Prometheus is asked.
    pub query: String,
    /// Unit of the answer.
    pub unit: Option<String>,
    /// Beyond this it needs attention,
    pub warn: Option<Threshold>,
    /// and beyond this it is a fault.
    pub crit: Option<Threshold>,
    /// For so long it must be beyond.
    pub hold: Option<Duration>,
}

/// A limit: `> 2.0`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// How the measure compares when it is beyond.
    pub comparison: Comparison,
    /// With what.
    pub value: f64,
}

/// How two numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Threshold {
    /// Reads `> 2.0`; `None` when the text is of another form.
    pub fn parse(text: &str) -> Option<Self> {
        let forms = [("<=", Comparison::AtMost), (">=", Comparison::AtLeast), ("<", Comparison::Less), (">", Comparison::More)];
        let (sign, comparison) = forms.into_iter().find(|(sign, _)| text.starts_with(sign))?;
        let value: f64 = text[sign.len()..].trim().parse().ok()?;
        value.is_finite().then_some(Self { comparison, value })
    }

    /// Whether a measure is beyond the limit.
    pub fn beyond(self, measure: f64) -> bool {
        match self.comparison {
            Comparison::Less => measure < self.value,
            Comparison::AtMost => measure <= self.value,
            Comparison::More => measure > self.value,
            Comparison::AtLeast => measure >= self.value,
        }
    }
}

pub(super) fn decode(root: &Table<'_>, around: &Around<'_>) -> Vec<Kpi> {
    each(root, "kpi", around, |table, id| one(table, id, around))
}

fn one(table: &Table<'_>, id: &str, around: &Around<'_>) -> Option<Kpi> {
    let query = around.need(table, "query");
    let limit = |key: &str| table.text(key).and_then(|text| threshold(table, key, &text));
    let (warn, crit) = (limit("warn"), limit("crit"));
    if !table.has("warn") && !table.has("crit") {
        table.warn(table.spot(), format!("The measure '{id}' has no limit: it never says anything."), Some("crit = \"> 2.0\"".into()));
    }
    let hold = table.duration("for", Duration::from_secs(1)..=Duration::from_hours(24)).map(|d| d.value);
    let (title, unit) = (table.text("title").map(|t| t.value), table.text("unit").map(|u| u.value));
    // A measure without data is unknown; there is no other word for it.
    table.word("no_data", &[("unknown", ())]);
    Some(Kpi { id: id.to_owned(), title, query: query?, unit, warn, crit, hold })
}

fn threshold(table: &Table<'_>, key: &str, text: &At<String>) -> Option<Threshold> {
    let threshold = Threshold::parse(text.value.trim());
    if threshold.is_none() {
        let hint = "A comparison and a number: \"> 2.0\", \"< 3\", \">= 95\", \"<= 0.5\".";
        table.error(&text.spot, format!("'{key}' is {}, which is no limit.", quoted(&text.value)), Some(hint.into()));
    }
    threshold
}

#[cfg(test)]
mod tests {
    use super::Threshold;

    #[test]
    fn a_limit_is_a_comparison_and_a_number() {
        for (text, within, beyond) in [("> 2.0", 2.0, 2.1), ("< 3", 3.0, 2.0), (">= 95", 94.9, 95.0), ("<=0.5", 0.6, 0.5)] {
            let threshold = Threshold::parse(text).expect(text);
            assert!(!threshold.beyond(within) && threshold.beyond(beyond), "{text}");
            assert!(!threshold.beyond(f64::NAN), "no data is beyond no limit");
        }
        for wrong in ["", "2.0", "> two", "=> 2", "> inf", "!= 3"] {
            assert!(Threshold::parse(wrong).is_none(), "{wrong}");
        }
    }
}
