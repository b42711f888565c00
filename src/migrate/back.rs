//! What taking a revision back would lose, as an image that has it tells.
//!
//! Owns the shape of that, and how it is read from the SQL of a downgrade and the rows that were counted beside it. A column that a
//! revision added holds what was written since; its downgrade drops it. Whether somebody goes back is not decided here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sql::{BOOKS, Reader, drops};
use crate::base::text::clean;

/// Losses that are kept of a revision.
const LOSSES: usize = 20;
/// Rows that are counted at most: one more stands for any number.
pub const COUNTED: u64 = 1_000_000;

/// What taking one revision back means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Return {
    /// The revision.
    pub id: String,
    /// What its downgrade drops or changes for good.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
    /// Why it cannot be taken back at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub irreversible: Option<String>,
    /// Why it is not known what its downgrade does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untold: Option<String>,
}

/// Something that is gone once a revision is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Loss {
    /// The table, where it is one that is known.
    pub table: Option<String>,
    /// The column; null = the whole table, or its rows.
    pub column: Option<String>,
    /// Rows that have something in it; null = they could not be counted.
    pub rows: Option<u64>,
    /// The statement.
    pub statement: String,
}

/// As it is printed.
#[derive(Deserialize)]
pub(super) struct PrintedReturn {
    id: String,
    /// `None` = the tool cannot tell.
    sql: Option<String>,
    #[serde(default)]
    why: String,
    #[serde(default)]
    irreversible: bool,
    /// By `table` or `table.column`; null where it could not be counted.
    #[serde(default)]
    rows: BTreeMap<String, Option<u64>>,
}

impl PrintedReturn {
    pub(super) fn read(self, destructive: &[String]) -> Return {
        let why = |otherwise: &str| if self.why.is_empty() { otherwise.to_owned() } else { self.why.clone() };
        let Some(sql) = &self.sql else {
            let (irreversible, untold) = if self.irreversible {
                (Some(why("it has no way back")), None)
            } else {
                (None, Some(why("the tool does not show the SQL of its downgrade")))
            };
            return Return { id: self.id, irreversible, untold, ..Return::default() };
        };
        let lost = |key: &str| self.rows.get(key).copied().flatten();
        let mut losses = Vec::new();
        for statement in Reader::new(destructive).read(sql).into_iter().filter(|s| s.harm.loses_data()) {
            let dropped = drops(&statement.text);
            if dropped.is_empty() {
                let (table, text) = (statement.table, statement.text);
                losses.push(Loss { table, column: None, rows: None, statement: text });
                continue;
            }
            // Before the first revision there is no record either.
            losses.extend(dropped.into_iter().filter(|(table, _)| !BOOKS.contains(&&**table)).map(|(table, column)| {
                let key = column.as_ref().map_or_else(|| table.clone(), |column| format!("{table}.{column}"));
                Loss { rows: lost(&key), table: Some(table), column, statement: statement.text.clone() }
            }));
        }
        // Of many, those that are known to hold the most.
        losses.sort_by_key(|l| std::cmp::Reverse(l.rows.unwrap_or(COUNTED)));
        losses.truncate(LOSSES);
        Return { id: self.id, losses, irreversible: None, untold: None }
    }
}

impl Return {
    /// Without what could drive a terminal, and within bounds.
    #[must_use]
    pub(super) fn cleaned(mut self) -> Self {
        let tidy = |text: &mut String| *text = clean(text).into_owned();
        tidy(&mut self.id);
        self.irreversible.iter_mut().chain(&mut self.untold).for_each(tidy);
        self.losses.truncate(LOSSES);
        for loss in &mut self.losses {
            tidy(&mut loss.statement);
            loss.table.iter_mut().chain(&mut loss.column).for_each(tidy);
        }
        self
    }

    /// The rows that it loses, as they were counted, by table or `table.column`: what somebody agrees to who agrees to it.
    pub fn counts(&self) -> BTreeMap<String, Option<u64>> {
        let named = |l: &Loss| {
            let table = l.table.as_ref()?;
            Some((l.column.as_ref().map_or_else(|| table.clone(), |column| format!("{table}.{column}")), l.rows))
        };
        self.losses.iter().filter_map(named).collect()
    }

    /// What it loses that holds something, or may.
    pub fn lost(&self) -> impl Iterator<Item = &Loss> {
        self.losses.iter().filter(|l| l.rows != Some(0))
    }
}

impl Loss {
    /// `rules.note (12 rows)`.
    pub fn words(&self) -> String {
        let what = match (&self.table, &self.column) {
            (Some(table), Some(column)) => format!("{table}.{column}"),
            (Some(table), None) => table.clone(),
            (None, _) => self.statement.clone(),
        };
        match self.rows {
            Some(1) => format!("{what} (1 row)"),
            Some(rows) if rows > COUNTED => format!("{what} (more than {COUNTED} rows)"),
            Some(rows) => format!("{what} ({rows} rows)"),
            None => format!("{what} (how many rows is not known)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{PrintedReturn, Return};

    fn read(printed: Value) -> Return {
        serde_json::from_value::<PrintedReturn>(printed).expect("an answer").read(&[])
    }

    fn lost(printed: Value) -> Vec<String> {
        read(printed).lost().map(super::Loss::words).collect()
    }

    #[test]
    fn a_column_that_holds_nothing_is_no_loss_and_one_that_holds_rows_is_told_with_their_number() {
        let printed = |rows: Value| json!({ "id": "b2", "sql": "ALTER TABLE rules DROP COLUMN note; UPDATE alembic_version SET version_num='a1'", "rows": rows });
        assert_eq!(lost(printed(json!({ "rules.note": 0 }))), Vec::<String>::new());
        assert_eq!(lost(printed(json!({ "rules.note": 12 }))), ["rules.note (12 rows)"]);
        assert_eq!(lost(printed(json!({ "rules.note": 1_000_001 }))), ["rules.note (more than 1000000 rows)"]);
        assert_eq!(lost(printed(json!({ "rules.note": null }))), ["rules.note (how many rows is not known)"]);
        assert_eq!(lost(printed(json!({}))), ["rules.note (how many rows is not known)"]);
    }

    #[test]
    fn every_table_and_column_of_a_statement_is_counted_by_itself() {
        let sql = "ALTER TABLE \"shop_rule\" DROP COLUMN \"a\" CASCADE, DROP COLUMN b; DROP TABLE IF EXISTS public.tags, \"Odd\";";
        let rows = json!({ "shop_rule.a": 1, "shop_rule.b": 0, "tags": 3, "Odd": 2 });
        assert_eq!(lost(json!({ "id": "x", "sql": sql, "rows": rows })), ["tags (3 rows)", "Odd (2 rows)", "shop_rule.a (1 row)"]);
    }

    #[test]
    fn what_no_count_can_tell_is_a_loss_of_unknown_size() {
        let words = lost(json!({ "id": "x", "sql": "DELETE FROM rules WHERE id > 3" }));
        assert_eq!(words, ["rules (how many rows is not known)"]);
    }

    #[test]
    fn no_way_back_and_one_that_is_not_told_are_two_things() {
        let none = read(json!({ "id": "x", "sql": null, "irreversible": true, "why": "RunPython has no way back" }));
        assert_eq!((none.irreversible.as_deref(), none.untold), (Some("RunPython has no way back"), None));
        let untold = read(json!({ "id": "x", "sql": null }));
        assert!(untold.irreversible.is_none() && untold.untold.is_some());
    }
}
