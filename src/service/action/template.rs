//! Texts with `${…}` whose values are known only when an action is planned.
//!
//! Owns which names may stand in them. What the environment knows is put in while the file is read; there are no expressions, and
//! secrets are not among the names.

use std::collections::BTreeMap;

use super::{Disabled, Var};
use crate::base::toml::{At, Table};
use crate::service::names::{Names, Piece};

/// A text with names in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

/// Names of values that are there whenever an action is planned.
const ALWAYS: [&str; 10] = [
    "operator",
    "run.id",
    "run.date",
    "run.link",
    "run.reason",
    "run.before.image",
    "run.before.replicas",
    "run.before.revision",
    "release.current.image",
    "release.current.repository",
];
/// Names of values that are put in when a text is told.
const AT_END: [&str; 3] = ["run.result", "run.duration", "run.after.image"];

impl Template {
    /// A text without names.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(vec![Piece::Text(text.into())])
    }

    /// The text where it has no names in it.
    pub(super) fn literal(&self) -> Option<String> {
        let one = |piece: &Piece| if let Piece::Text(text) = piece { Some(text.clone()) } else { None };
        self.0.iter().map(one).collect()
    }

    /// The text with its names replaced; `Err` names the one that has no value.
    pub fn fill(&self, values: &BTreeMap<String, String>) -> Result<String, String> {
        let one = |piece: &Piece| match piece {
            Piece::Text(text) => Ok(text.clone()),
            Piece::Name(name) => values.get(name).cloned().ok_or_else(|| format!("${{{name}}} has no value")),
        };
        self.0.iter().map(one).collect()
    }
}

/// What texts of an action may name.
pub(super) struct Context<'a> {
    pub names: &'a Names,
    pub vars: &'a [Var],
    /// What the steps before yield: `step.ID.NAME`.
    pub yielded: &'a [String],
}

impl Context<'_> {
    /// Reads a text that is told when the run is over or nearly so: it may name how it ended, and how long it took.
    pub(super) fn read_at_end(&self, table: &Table<'_>, text: &At<String>, disabled: &mut Disabled) -> Option<Template> {
        self.pieces(table, text, disabled, &AT_END)
    }

    /// Reads a text. A name that a later version knows disables the action; one that nobody knows is a problem.
    pub(super) fn read(&self, table: &Table<'_>, text: &At<String>, disabled: &mut Disabled) -> Option<Template> {
        self.pieces(table, text, disabled, &[])
    }

    fn pieces(&self, table: &Table<'_>, text: &At<String>, disabled: &mut Disabled, more: &[&str]) -> Option<Template> {
        let always = |name: &str| ALWAYS.contains(&name) || more.contains(&name) || self.yielded.iter().any(|y| y == name);
        let is_var = |name: &str| name.strip_prefix("var.").is_some_and(|id| self.vars.iter().any(|v| v.id == id));
        // A step that yields something yields nothing else.
        let is_wrong = |name: &str| {
            let of = |name: &str| name.rsplit_once('.').map_or_else(String::new, |(step, _)| step.to_owned());
            !always(name) && self.yielded.iter().any(|y| of(y) == of(name))
        };
        let keep = |name: &str| always(name) || is_var(name) || (is_later(name) && !is_wrong(name));
        let vars: Vec<String> = self.vars.iter().map(|v| format!("var.{}", v.id)).collect();
        let known: Vec<&str> = vars.iter().chain(self.yielded).map(String::as_str).chain(ALWAYS).chain(more.iter().copied()).collect();
        let pieces = self.names.pieces(table, text, &keep, &known)?;
        let later = pieces
            .iter()
            .find_map(|p| if let Piece::Name(name) = p { Some(name).filter(|n| !always(n) && is_later(n)) } else { None });
        if let Some(name) = later {
            disabled.because(format!("it uses ${{{name}}}, which this version does not know yet"));
        }
        Some(Template(pieces))
    }
}

fn is_later(name: &str) -> bool {
    ["step.", "release.", "run."].iter().any(|head| name.starts_with(head))
}
