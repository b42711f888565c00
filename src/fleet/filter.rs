//! Typed row filters: `web status!=Running restarts>=5 node=worker-2 app=api cpu>80%`.
//!
//! Owns the language: terms are separated by spaces and must all hold. Pure: a filter looks at the fleet and a time.
//!
//! | term | holds when |
//! |---|---|
//! | `web`, `!web`, `"two words"` | name, namespace, status, node, image or reason contain it, or do not; case does not matter |
//! | `field=value`, `field!=value` | equal, in any case; `status=Running,Pending` is one of them |
//! | `field~value`, `field!~value` | contains it |
//! | `field>5`, `>=`, `<`, `<=` | numbers; ages as `1h30m`; CPU as `500m` or `80%`, memory as `512Mi` or `80%` |
//! | `anything.else=value` | a label |
//!
//! What a row does not have (a Deployment has no node, usage may be unknown) never holds, whichever the operator: unknown is not
//! a match. Labels follow Kubernetes: an absent label is unequal to everything. Per cent are of the limit, else of the request.

mod field;
mod parse;

pub use field::Field;
pub use parse::FilterError;

use jiff::Timestamp;

use super::Fleet;
use super::objects::PodEntry;
use super::row::WorkloadRow;
use crate::base::text::Str;
use field::Seen;

/// A filter that was understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    terms: Vec<Term>,
}

/// One term.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    /// Text anywhere on the row, in lower case.
    Text { word: String, wanted: bool },
    /// A field whose text is compared, in lower case.
    Word { field: Field, compare: Compare, values: Vec<String> },
    /// A field whose number is compared.
    Number { field: Field, order: Order, value: i64 },
    /// A label.
    Label { key: String, compare: Compare, values: Vec<String> },
}

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Equal,
    Unequal,
    Contains,
    Lacks,
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

impl Filter {
    /// Reads a filter; the error has the place in characters and a hint.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { terms: parse::terms(text)? })
    }

    /// Whether it has no terms, so that everything passes.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a workload passes by itself. One that does not is still shown when a pod of it passes.
    pub fn workload(&self, fleet: &Fleet, row: &WorkloadRow, now: Timestamp) -> bool {
        self.holds(&Seen::Workload(fleet, row), now)
    }

    /// Whether a pod passes.
    pub fn pod(&self, fleet: &Fleet, entry: &PodEntry, now: Timestamp) -> bool {
        self.holds(&Seen::Pod(fleet, entry), now)
    }

    /// Whether a workload or one of its pods passes.
    pub fn any(&self, fleet: &Fleet, row: &WorkloadRow, now: Timestamp) -> bool {
        self.workload(fleet, row, now) || fleet.pods_of(&row.key).any(|e| self.pod(fleet, e, now))
    }

    fn holds(&self, seen: &Seen<'_>, now: Timestamp) -> bool {
        self.terms.iter().all(|t| t.holds(seen, now))
    }
}

impl Term {
    fn holds(&self, seen: &Seen<'_>, now: Timestamp) -> bool {
        match self {
            Self::Text { word, wanted } => {
                Field::TEXTS.iter().any(|f| seen.texts(*f, now).iter().any(|t| t.to_lowercase().contains(word))) == *wanted
            }
            Self::Word { field, compare, values } => {
                let texts = seen.texts(*field, now);
                !texts.is_empty() && compare.holds(texts.iter().map(|t| t.to_lowercase()), values)
            }
            Self::Number { field, order, value } => seen.number(*field, now).is_some_and(|n| order.holds(n, *value)),
            Self::Label { key, compare, values } => {
                let label = seen.label(key).map(|v: Str| v.to_lowercase());
                compare.holds(label.into_iter(), values)
            }
        }
    }
}

impl Compare {
    fn holds(self, mut texts: impl Iterator<Item = String>, values: &[String]) -> bool {
        let mut any = |test: &dyn Fn(&str, &str) -> bool| texts.any(|t| values.iter().any(|v| test(&t, v)));
        match self {
            Self::Equal => any(&|t, v| t == v),
            Self::Unequal => !any(&|t, v| t == v),
            Self::Contains => any(&|t, v| t.contains(v)),
            Self::Lacks => !any(&|t, v| t.contains(v)),
        }
    }
}

impl Order {
    fn holds(self, number: i64, value: i64) -> bool {
        match self {
            Self::Equal => number == value,
            Self::Unequal => number != value,
            Self::Less => number < value,
            Self::LessOrEqual => number <= value,
            Self::More => number > value,
            Self::MoreOrEqual => number >= value,
        }
    }
}

#[cfg(test)]
mod tests;
