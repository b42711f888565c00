//! What each part of an ALTER TABLE does, by PostgreSQL's manual.
//!
//! Owns those rules: which lock for how long, when a table is scanned, when it is written anew, when something is lost.

use sqlparser::ast::{
    AlterColumnOperation, AlterTableOperation, ColumnDef, ColumnOption, DataType, Expr, GeneratedExpressionMode, TableConstraint, UnaryOperator,
};

use super::{Reader, Verdict, additive, destructive, folded, locking, rewriting, unknown};

/// Functions whose answer is the same for every row of a statement: a default of them needs no rewrite.
const STABLE: [&str; 11] = [
    "now",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtimestamp",
    "localtime",
    "transaction_timestamp",
    "statement_timestamp",
    "current_user",
    "session_user",
    "current_database",
];

impl Reader {
    /// What one part of an ALTER TABLE does to that table.
    pub(super) fn alter(&mut self, table: &str, operation: &AlterTableOperation) -> Verdict {
        use AlterTableOperation as Op;
        match operation {
            Op::AddColumn { column_def, if_not_exists, .. } => {
                // One that was there before keeps its values.
                if !if_not_exists {
                    self.added.insert(format!("{table}.{}", folded(&column_def.name)));
                }
                add_column(column_def)
            }
            Op::DropColumn { .. } => destructive("the values of the column go"),
            Op::AddConstraint { constraint, not_valid } => add_constraint(constraint, *not_valid),
            Op::DropConstraint { .. } => additive("a rule less; what is stored stays"),
            Op::ValidateConstraint { .. } => additive("the table is scanned beside reads and writes"),
            Op::AlterColumn { column_name, op } => alter_column(&folded(column_name), op),
            Op::RenameColumn { .. } | Op::RenameTable { .. } => locking("the release that runs does not find the old name"),
            Op::RenameConstraint { .. }
            | Op::OwnerTo { .. }
            | Op::ReplicaIdentity { .. }
            | Op::SetOptionsParens { .. }
            | Op::ResetOptions { .. }
            | Op::EnableTrigger { .. }
            | Op::EnableAlwaysTrigger { .. }
            | Op::EnableReplicaTrigger { .. }
            | Op::DisableTrigger { .. }
            | Op::DisableRowLevelSecurity
            | Op::NoForceRowLevelSecurity => additive("a lock for a moment"),
            Op::SetLogged | Op::SetUnlogged => rewriting("the table is written anew"),
            Op::EnableRowLevelSecurity | Op::ForceRowLevelSecurity => locking("the release that runs may see no rows any more"),
            Op::AttachPartitionOf { .. } => locking("the partition is scanned, unless a constraint says what is in it"),
            Op::DetachPartitionOf { .. } => locking("its rows are no rows of the table any more"),
            _ => unknown("no rule knows such a change of a table"),
        }
    }
}

fn add_column(column: &ColumnDef) -> Verdict {
    let options = || column.options.iter().map(|o| &o.option);
    let default = options().find_map(|o| if let ColumnOption::Default(value) = o { Some(value) } else { None });
    let identity = options().any(|o| match o {
        ColumnOption::Generated { generation_expr, generation_expr_mode, .. } => {
            generation_expr.is_none() || *generation_expr_mode != Some(GeneratedExpressionMode::Virtual)
        }
        ColumnOption::Identity(_) => true,
        _ => false,
    });
    if is_serial(&column.data_type) || identity {
        return rewriting("each row gets a value of its own: the table is written anew");
    }
    if default.is_some_and(is_volatile) {
        return rewriting("a default that differs from row to row: the table is written anew");
    }
    if options().any(|o| matches!(o, ColumnOption::PrimaryKey(_) | ColumnOption::Unique(_))) {
        return locking("reads and writes wait until its index is built");
    }
    if options().any(|o| matches!(o, ColumnOption::Check(_) | ColumnOption::ForeignKey(_))) {
        return locking("the table is scanned for the constraint, and reads and writes wait");
    }
    if default.is_none() && options().any(|o| matches!(o, ColumnOption::NotNull)) {
        return locking("NOT NULL without a default: it fails as soon as the table has a row");
    }
    additive("a column more, without writing the table anew (PostgreSQL 11 and newer)")
}

fn is_serial(kind: &DataType) -> bool {
    let kind = kind.to_string().to_lowercase();
    matches!(kind.as_str(), "serial" | "bigserial" | "smallserial" | "serial2" | "serial4" | "serial8")
}

/// Whether a default may differ from row to row. What is not known to be the same is taken to differ.
fn is_volatile(value: &Expr) -> bool {
    match value {
        Expr::Value(_) | Expr::TypedString(_) | Expr::Interval(_) | Expr::Identifier(_) => false,
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_volatile(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } => is_volatile(expr),
        Expr::BinaryOp { left, right, .. } => is_volatile(left) || is_volatile(right),
        Expr::Array(array) => array.elem.iter().any(is_volatile),
        Expr::Function(function) => !STABLE.contains(&function.name.to_string().to_lowercase().trim_start_matches("pg_catalog.")),
        _ => true,
    }
}

fn add_constraint(constraint: &TableConstraint, not_valid: bool) -> Verdict {
    match constraint {
        TableConstraint::PrimaryKeyUsingIndex(_) | TableConstraint::UniqueUsingIndex(_) => additive("of an index that is there"),
        TableConstraint::Unique(_) | TableConstraint::PrimaryKey(_) | TableConstraint::Exclude(_) => {
            locking("reads and writes wait until its index is built")
        }
        TableConstraint::Check(_) | TableConstraint::ForeignKey(_) if not_valid => {
            additive("NOT VALID: only what is written from now on is held to it")
        }
        TableConstraint::Check(_) => locking("without NOT VALID: the table is scanned, and reads and writes wait"),
        TableConstraint::ForeignKey(_) => locking("without NOT VALID: the table is scanned, and writes of both tables wait"),
        _ => unknown("no rule knows such a constraint"),
    }
}

fn alter_column(column: &str, operation: &AlterColumnOperation) -> Verdict {
    match operation {
        AlterColumnOperation::SetNotNull => locking("SET NOT NULL: the table is scanned, and reads and writes wait"),
        AlterColumnOperation::DropNotNull | AlterColumnOperation::SetDefault { .. } | AlterColumnOperation::DropDefault => {
            additive("a lock for a moment")
        }
        AlterColumnOperation::SetDataType { using: Some(using), .. } if !only_cast(column, using) => {
            destructive("the values are computed anew, and the old ones go")
        }
        AlterColumnOperation::SetDataType { .. } => {
            rewriting("another type: the table and its indexes are written anew, unless the old one is stored alike")
        }
        AlterColumnOperation::AddGenerated { .. } => additive("a lock for a moment"),
        AlterColumnOperation::GenericOptions { .. } => unknown("no rule knows such a change of a column"),
    }
}

/// Whether an expression is the column itself in another type.
fn only_cast(column: &str, using: &Expr) -> bool {
    match using {
        Expr::Cast { expr, .. } | Expr::Nested(expr) => only_cast(column, expr),
        Expr::Identifier(ident) => folded(ident) == column,
        _ => false,
    }
}
