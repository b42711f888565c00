//! Whether a statement of a migration is in effect in a database, by the names that the database has.
//!
//! Owns that judgement. A tool that applies statement by statement leaves what came before the one that failed; which that is, few of
//! them tell. What names do not show (rows, defaults, types of columns) is not known, and never guessed.

use sqlparser::ast::{AlterTableOperation, CreateIndex, Ident, ObjectName, ObjectType, RenameTableNameKind, Statement as Ast};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::sql;

/// Whether it is; `None` = its names do not show it. `there` are relations, types and `table.column`s.
pub(super) fn is_in_effect(statement: &str, there: &[String]) -> Option<bool> {
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, statement).ok()?;
    let [statement] = &parsed[..] else { return None };
    let has = |name: &str| there.iter().any(|known| known == name);
    match statement {
        Ast::CreateTable(create) => relation(&create.name).map(|name| has(&name)),
        Ast::CreateView(view) => relation(&view.name).map(|name| has(&name)),
        Ast::CreateIndex(CreateIndex { name: Some(name), .. }) => relation(name).map(|name| has(&name)),
        Ast::CreateType { name, .. } | Ast::CreateSequence { name, .. } => relation(name).map(|name| has(&name)),
        Ast::Drop {
            object_type: ObjectType::Table | ObjectType::Index | ObjectType::View | ObjectType::Sequence | ObjectType::Type,
            names,
            ..
        } => all(names.iter().map(|name| relation(name).map(|name| !has(&name)))),
        Ast::AlterTable(alter) => {
            let table = relation(&alter.name)?;
            let column = |name: &Ident| has(&format!("{table}.{}", sql::folded(name)));
            all(alter.operations.iter().map(|operation| match operation {
                AlterTableOperation::AddColumn { column_def, .. } => Some(column(&column_def.name)),
                AlterTableOperation::DropColumn { column_names, .. } => Some(!column_names.iter().any(column)),
                AlterTableOperation::RenameColumn { new_column_name, .. } => Some(column(new_column_name)),
                AlterTableOperation::RenameTable { table_name: RenameTableNameKind::To(name) | RenameTableNameKind::As(name) } => {
                    relation(name).map(|name| has(&name))
                }
                _ => None,
            }))
        }
        _ => None,
    }
}

/// Of several effects: not there as soon as one is not, there when all are.
fn all(effects: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let effects: Vec<Option<bool>> = effects.collect();
    if effects.contains(&Some(false)) {
        return Some(false);
    }
    (!effects.is_empty() && effects.iter().all(|e| *e == Some(true))).then_some(true)
}

/// A name of the usual schema; those of others are not among what is known.
fn relation(name: &ObjectName) -> Option<String> {
    let name = sql::name(name);
    (!name.contains('.')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::is_in_effect;

    #[test]
    fn names_show_whether_a_statement_is_in_effect() {
        let there = ["rules", "rules.id", "rules.note", "rules_note", "Mood", "new_name"].map(str::to_owned);
        let is = |statement: &str| is_in_effect(statement, &there);
        for done in [
            "CREATE TABLE rules (id int)",
            "ALTER TABLE \"rules\" ADD COLUMN \"note\" TEXT, DROP COLUMN body",
            "CREATE INDEX CONCURRENTLY rules_note ON rules (note)",
            "CREATE TYPE \"Mood\" AS ENUM ('a', 'b')",
            "DROP TABLE old",
            "ALTER TABLE old_name RENAME TO new_name",
        ] {
            assert_eq!(is(done), Some(true), "{done}");
        }
        for left in
            ["CREATE TABLE other (id int)", "ALTER TABLE rules ADD COLUMN kind text", "DROP TABLE rules", "ALTER TABLE rules DROP COLUMN note"]
        {
            assert_eq!(is(left), Some(false), "{left}");
        }
        for untold in
            ["UPDATE rules SET note = 'x'", "ALTER TABLE rules ALTER COLUMN note SET NOT NULL", "CREATE TABLE other.rules (id int)", "no SQL"]
        {
            assert_eq!(is(untold), None, "{untold}");
        }
    }
}
