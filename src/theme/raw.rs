//! A theme file as it was written: every entry with its place, nothing resolved.
//!
//! Owns the outer shape of the file. A line that cannot be read is a problem of its own; the rest of the file counts.

use super::Appearance;
use crate::base::problem::{Level, Problem};
use crate::base::toml::{At, Entry as Value, Source, Spot, Table, read};

/// One `key = "value"` of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Dotted key, as `health.ok`.
    pub(super) key: String,
    /// The text.
    pub(super) value: String,
    /// Where in the file.
    pub(super) spot: Spot,
}

/// One theme file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Raw {
    /// The file as the user names it.
    pub(super) file: String,
    /// `inherits`: the theme it differs from.
    pub(super) inherits: Option<At<String>>,
    /// `appearance`.
    pub(super) appearance: Option<Appearance>,
    /// `[palette]`.
    pub(super) palette: Vec<Entry>,
    /// `[roles]`.
    pub(super) roles: Vec<Entry>,
    /// `[basic]`: roles where there are 16 colours or none.
    pub(super) basic: Vec<Entry>,
}

/// Reads a theme file as far as it can be read.
pub(super) fn parse(file: &str, text: &str) -> (Raw, Vec<Problem>) {
    let (mut raw, problems) = read(Source { topic: "theme", file, text, unknown: Level::Warning }, decode);
    file.clone_into(&mut raw.file);
    // A theme that is partly wrong only looks different: nothing of it is an error.
    let as_warning = |problem| Problem { level: Level::Warning, ..problem };
    (raw, problems.into_iter().map(as_warning).collect())
}

fn decode(root: &Table<'_>) -> Raw {
    let words = [("dark", Appearance::Dark), ("light", Appearance::Light)];
    Raw {
        file: String::new(),
        inherits: root.text("inherits"),
        appearance: root.word("appearance", &words).map(|word| word.value),
        palette: entries(root, "palette"),
        roles: entries(root, "roles"),
        basic: entries(root, "basic"),
    }
}

fn entries(root: &Table<'_>, table: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    if let Some(table) = root.table(table) {
        flatten("", &table, &mut found);
    }
    found
}

/// `health.ok = "..."` and `"health.ok" = "..."` say the same.
fn flatten(prefix: &str, table: &Table<'_>, into: &mut Vec<Entry>) {
    for (key, value) in table.entries() {
        let dotted = if prefix.is_empty() { key.value.clone() } else { format!("{prefix}.{}", key.value) };
        if value.is_table() {
            if let Some(inner) = value.table() {
                flatten(&dotted, &inner, into);
            }
        } else if let Some(At { value, .. }) = Value::text(&value) {
            into.push(Entry { key: dotted, value, spot: key.spot });
        }
    }
}
