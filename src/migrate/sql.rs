//! How much harm each statement of a migration can do to a PostgreSQL database.
//!
//! Owns the classes, the rules, and how a script is parted into statements. The rules are those of the PostgreSQL manual: "Explicit
//! Locking" (13.3), ALTER TABLE with its notes on rewrites and scans, CREATE INDEX, DROP, TRUNCATE. A parser reads the statements; what
//! it does not understand is unknown, and unknown is never taken for harmless.

mod alter;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlparser::ast::{
    AlterTableOperation, AlterTypeOperation, AssignmentTarget, FromTable, ObjectName, ObjectType, OnConflictAction, OnInsert, ReferentialAction,
    Statement as Ast, TableFactor, TableObject, TableWithJoins,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use crate::base::text::clean;

/// What a statement can do, the least harm first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// Something is added or loosened: a lock for a moment, nothing is lost.
    Additive,
    /// Reads or writes of a table wait while it is scanned or indexed, or the release that runs loses a name it may use.
    Locking,
    /// A table is written anew: nothing else may use it meanwhile, and the disk must hold it twice.
    Rewriting,
    /// Data is gone that no downgrade brings back.
    Destructive,
    /// It could not be told; counts as destructive.
    Unknown,
}

impl Harm {
    /// `additive`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Additive => "additive",
            Self::Locking => "locking",
            Self::Rewriting => "rewriting",
            Self::Destructive => "destructive",
            Self::Unknown => "unknown",
        }
    }

    /// The class of that word.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Additive, Self::Locking, Self::Rewriting, Self::Destructive, Self::Unknown]
            .into_iter()
            .find(|harm| harm.word() == word)
    }

    /// Whether it must be taken for a loss of data.
    pub const fn loses_data(self) -> bool {
        matches!(self, Self::Destructive | Self::Unknown)
    }
}

/// One statement of a migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// Its text on one line, cut where it is long.
    pub text: String,
    /// What it can do.
    pub harm: Harm,
    /// The table that it touches, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Why it is of that class.
    pub why: String,
}

impl Statement {
    /// Whether it changes nothing that is stored but what the tool writes down for itself.
    pub fn is_bookkeeping(&self) -> bool {
        self.harm == Harm::Additive && (self.table.is_none() || self.why == OWN_RECORD)
    }
}

/// Why a statement about one of the tools' own tables is harmless.
const OWN_RECORD: &str = "the tool's own record";
/// Characters of a statement that are kept: what is cut off is the end of a long list.
const TEXT: usize = 300;
/// Tables in which the tools keep what they did.
pub(super) const BOOKS: [&str; 3] = ["alembic_version", "django_migrations", "_prisma_migrations"];

/// Reads the scripts of pending revisions one after the other: a table that one of them makes has no rows that could be lost or locked.
#[derive(Debug, Default)]
pub struct Reader {
    /// Tables that are made on the way.
    made: BTreeSet<String>,
    /// Columns that are added on the way, as `table.column`.
    added: BTreeSet<String>,
    /// Patterns that a service file calls destructive, in lower case, parted at their stars.
    destructive: Vec<Vec<String>>,
}

/// What a rule says: the harm, and why.
type Verdict = (Harm, String);

impl Reader {
    /// One that also takes for destructive what fits one of these patterns: words in any case, `*` for anything between.
    pub fn new(destructive: &[String]) -> Self {
        let parts = |pattern: &String| pattern.to_lowercase().split('*').map(|part| part.trim().to_owned()).filter(|p| !p.is_empty()).collect();
        let destructive: Vec<Vec<String>> = destructive.iter().map(parts).filter(|p: &Vec<String>| !p.is_empty()).collect();
        Self { destructive, ..Self::default() }
    }

    /// The statements of a script, in order.
    pub fn read(&mut self, script: &str) -> Vec<Statement> {
        let mut statements = Vec::new();
        let (tokens, whole) = tokens(script);
        for part in tokens.split(|t| t.token == Token::SemiColon) {
            let text = text_of(part, Values::Shown);
            if !text.is_empty() {
                statements.push(self.one(part, &text, &text_of(part, Values::Hidden)));
            }
        }
        if !whole {
            let why = "the rest of the script cannot be read as SQL".to_owned();
            statements.push(Statement { text: "...".to_owned(), harm: Harm::Unknown, table: None, why });
        }
        statements
    }

    fn one(&mut self, tokens: &[TokenWithSpan], text: &str, told: &str) -> Statement {
        let parsed = Parser::new(&PostgreSqlDialect {}).with_tokens_with_locations(tokens.to_vec()).parse_statements();
        let (mut table, (mut harm, mut why)) = match parsed.as_deref() {
            Ok([statement]) => self.judge(statement),
            _ => (None, unknown("it cannot be read as PostgreSQL's SQL")),
        };
        if let Some(named) = self.called_destructive(text).filter(|_| harm < Harm::Destructive) {
            (harm, why) = (Harm::Destructive, format!("the service file calls '{named}' destructive"));
        }
        if table.as_deref() == Some("") {
            table = None;
        }
        Statement {
            text: clean(&cut(told)).into_owned(),
            harm,
            table: table.map(|t| clean(&t).into_owned()),
            why: clean(&why).into_owned(),
        }
    }

    fn called_destructive(&self, text: &str) -> Option<String> {
        let text = text.to_lowercase();
        let fits = |parts: &&Vec<String>| {
            let mut rest = text.as_str();
            parts.iter().all(|part| {
                rest.find(part.as_str()).is_some_and(|at| {
                    rest = &rest[at + part.len()..];
                    true
                })
            })
        };
        self.destructive.iter().find(fits).map(|parts| parts.join(" * "))
    }

    /// The table, and the verdict.
    fn judge(&mut self, statement: &Ast) -> (Option<String>, Verdict) {
        match statement {
            Ast::AlterTable(alter) => {
                let table = name(&alter.name);
                let verdict = alter.operations.iter().map(|o| self.alter(&table, o)).max_by_key(|v| v.0);
                let verdict = verdict.unwrap_or_else(|| unknown("it changes nothing that is known"));
                (Some(table.clone()), self.soften(&table, verdict))
            }
            Ast::CreateTable(create) => {
                let table = name(&create.name);
                // One that was there before keeps its rows.
                if !create.if_not_exists {
                    self.made.insert(table.clone());
                }
                (Some(table), additive("a new table"))
            }
            Ast::CreateIndex(index) => {
                let table = name(&index.table_name);
                let verdict = if index.concurrently {
                    additive("built beside the writes; fails within a transaction, and leaves an invalid index when it fails")
                } else {
                    locking("CREATE INDEX without CONCURRENTLY: writes wait until it is built")
                };
                (Some(table.clone()), self.soften(&table, verdict))
            }
            Ast::Truncate(truncate) => (truncate.table_names.first().map(|t| name(&t.name)), destructive("every row goes")),
            Ast::Delete(delete) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
                let table = from.first().map(of_join).unwrap_or_default();
                let verdict = if delete.selection.is_some() { destructive("the rows that it finds go") } else { destructive("every row goes") };
                let verdict = if BOOKS.contains(&&*table) { additive(OWN_RECORD) } else { verdict };
                (Some(table), verdict)
            }
            Ast::Update(update) => {
                let table = of_join(&update.table);
                let columns: Vec<String> = update.assignments.iter().flat_map(|a| assigned(&a.target)).collect();
                let verdict = self.update(&table, &columns, update.selection.is_some());
                (Some(table), verdict)
            }
            Ast::Insert(insert) => {
                let table = if let TableObject::TableName(table) = &insert.table { name(table) } else { String::new() };
                let verdict = match &insert.on {
                    Some(OnInsert::OnConflict(c)) if matches!(c.action, OnConflictAction::DoUpdate(_)) => {
                        destructive("rows that are there already are overwritten")
                    }
                    _ => additive("rows are added"),
                };
                (Some(table.clone()), self.soften(&table, verdict))
            }
            Ast::Drop { object_type, names, cascade, .. } => (names.first().map(name), dropped(*object_type, *cascade)),
            other => judge_other(other),
        }
    }

    fn update(&self, table: &str, columns: &[String], some: bool) -> Verdict {
        let fresh = |column: &String| self.added.contains(&format!("{table}.{column}"));
        if BOOKS.contains(&table) {
            additive(OWN_RECORD)
        } else if self.made.contains(table) || (!columns.is_empty() && columns.iter().all(fresh)) {
            locking("it fills what the migration itself adds; each row is held until the transaction ends")
        } else if some {
            destructive("it overwrites values of the rows that it finds")
        } else {
            destructive("it overwrites values of every row")
        }
    }

    /// A table that the same migration makes has no rows.
    fn soften(&self, table: &str, verdict: Verdict) -> Verdict {
        if self.made.contains(table) && verdict.0 < Harm::Destructive { additive("of a table that is new") } else { verdict }
    }
}

/// The tables that a statement drops, and the columns of tables; none where it drops neither, or cannot be read.
pub(super) fn drops(statement: &str) -> Vec<(String, Option<String>)> {
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, statement).unwrap_or_default();
    let columns = |table: &str, operation: &AlterTableOperation| match operation {
        AlterTableOperation::DropColumn { column_names, .. } => column_names.iter().map(|column| (table.to_owned(), Some(folded(column)))).collect(),
        _ => Vec::new(),
    };
    match &parsed[..] {
        [Ast::AlterTable(alter)] => alter.operations.iter().flat_map(|o| columns(&name(&alter.name), o)).collect(),
        [Ast::Drop { object_type: ObjectType::Table, names, .. }] => names.iter().map(|table| (name(table), None)).collect(),
        _ => Vec::new(),
    }
}

fn judge_other(statement: &Ast) -> (Option<String>, Verdict) {
    let gone = "nothing that is stored goes; the release that runs may use it";
    match statement {
        Ast::Merge(merge) => (Some(of_factor(&merge.table)), destructive("rows that are there already are overwritten or go")),
        Ast::Lock(lock) => (lock.tables.first().map(|t| name(&t.name)), locking("LOCK TABLE: held until the transaction ends")),
        Ast::Vacuum(vacuum) if vacuum.full => (vacuum.table_name.as_ref().map(name), rewriting("VACUUM FULL writes the table anew")),
        Ast::RefreshMaterializedView(view) if !view.concurrently => (Some(name(&view.name)), locking("reads of the view wait until it is filled")),
        Ast::DropExtension(drop) if drop.cascade_or_restrict == Some(ReferentialAction::Cascade) => {
            (None, destructive("CASCADE: columns of its types go"))
        }
        Ast::DropFunction(_)
        | Ast::DropDomain(_)
        | Ast::DropTrigger(_)
        | Ast::DropPolicy(_)
        | Ast::DropExtension(_)
        | Ast::DropRule(_)
        | Ast::DropProcedure { .. }
        | Ast::DropOperator(_) => {
            if statement.to_string().to_uppercase().ends_with("CASCADE") {
                return (None, destructive("CASCADE: whatever rests on it goes as well"));
            }
            (None, locking(gone))
        }
        Ast::AlterType(alter) => match alter.operation {
            AlterTypeOperation::AddValue(_) => (None, additive("a further value")),
            _ => (None, locking("the release that runs does not find the old name")),
        },
        Ast::Revoke(_) => (None, locking("the release that runs may need the right")),
        Ast::StartTransaction { .. } | Ast::Commit { .. } | Ast::Savepoint { .. } | Ast::ReleaseSavepoint { .. } | Ast::Set(_) | Ast::Reset(_) => {
            (None, additive("it changes nothing that is stored"))
        }
        Ast::CreateView(_)
        | Ast::CreateSchema { .. }
        | Ast::CreateSequence { .. }
        | Ast::CreateType { .. }
        | Ast::CreateDomain(_)
        | Ast::CreateExtension(_)
        | Ast::CreateFunction(_)
        | Ast::CreateProcedure { .. }
        | Ast::CreateTrigger(_)
        | Ast::CreatePolicy(_)
        | Ast::CreateCollation(_)
        | Ast::CreateOperator(_)
        | Ast::CreateAggregate(_)
        | Ast::Comment { .. }
        | Ast::Grant(_)
        | Ast::Analyze(_)
        | Ast::Vacuum(_)
        | Ast::RefreshMaterializedView(_)
        | Ast::AlterIndex { .. } => (None, additive("nothing that is stored changes")),
        Ast::Query(_) | Ast::Call(_) => (None, unknown("a function can change anything")),
        _ => (None, unknown("no rule knows such a statement")),
    }
}

/// The tokens, and whether all of the script was understood.
fn tokens(script: &str) -> (Vec<TokenWithSpan>, bool) {
    let mut tokens = Vec::new();
    let whole = Tokenizer::new(&PostgreSqlDialect {}, script)
        .with_unescape(false)
        .tokenize_with_location_into_buf(&mut tokens)
        .is_ok();
    (tokens, whole)
}

/// What of a statement is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Shown,
    Hidden,
}

/// What stands for a value: it may be a password, a key, or somebody's name.
const VALUE: &str = "'***'";
/// Ends what a script says in place of SQL that it cannot show: our own words.
const OWN_WORDS: &str = "its SQL does not say";

/// A statement without the values in it: what it is told with, where it is kept and shown. What cannot be read is left out.
pub fn without_values(text: &str) -> String {
    let (tokens, whole) = tokens(text);
    let told = text_of(&tokens, Values::Hidden);
    if whole { told } else { format!("{told} ...").trim_start().to_owned() }
}

/// The statement on one line, without comments.
fn text_of(tokens: &[TokenWithSpan], values: Values) -> String {
    let mut text = String::new();
    for token in tokens {
        match &token.token {
            Token::SingleQuotedString(value) if values == Values::Hidden && !value.is_empty() && !value.ends_with(OWN_WORDS) => text.push_str(VALUE),
            Token::NationalStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::SingleQuotedByteStringLiteral(_)
                if values == Values::Hidden =>
            {
                text.push_str(VALUE);
            }
            // A body is SQL as a rule, and has values of its own.
            Token::DollarQuotedString(body) if values == Values::Hidden => {
                let tag = body.tag.as_deref().unwrap_or_default();
                for part in ["$", tag, "$", &without_values(&body.value), "$", tag, "$"] {
                    text.push_str(part);
                }
            }
            Token::Whitespace(Whitespace::Space | Whitespace::Newline | Whitespace::Tab | Whitespace::SingleLineComment { .. }) => text.push(' '),
            Token::Whitespace(Whitespace::MultiLineComment(_)) | Token::EOF => {}
            other => text.push_str(&other.to_string()),
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

/// A name without its schema where that is the usual one, and without its quotes.
pub(super) fn name(name: &ObjectName) -> String {
    let parts: Vec<String> = name.0.iter().map(|part| part.as_ident().map_or_else(|| part.to_string(), folded)).collect();
    match &parts[..] {
        [schema, table] if schema == "public" => table.clone(),
        parts => parts.join("."),
    }
}

/// As the server folds it: in lower case unless it is quoted.
pub(super) fn folded(ident: &sqlparser::ast::Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

fn of_join(table: &TableWithJoins) -> String {
    of_factor(&table.relation)
}

fn of_factor(factor: &TableFactor) -> String {
    if let TableFactor::Table { name: table, .. } = factor { name(table) } else { String::new() }
}

fn assigned(target: &AssignmentTarget) -> Vec<String> {
    let last = |column: &ObjectName| column.0.last().and_then(|p| p.as_ident()).map(folded).unwrap_or_default();
    match target {
        AssignmentTarget::ColumnName(column) => vec![last(column)],
        AssignmentTarget::Tuple(columns) => columns.iter().map(last).collect(),
    }
}

fn dropped(object: ObjectType, cascade: bool) -> Verdict {
    match object {
        ObjectType::Table | ObjectType::ForeignTable | ObjectType::Schema | ObjectType::Database => destructive("what is stored in it goes"),
        ObjectType::Sequence => destructive("where the numbers stood is gone"),
        _ if cascade => destructive("CASCADE: whatever rests on it goes as well"),
        ObjectType::Index => locking("reads and writes wait for a moment; queries that need it are slow afterwards"),
        ObjectType::View | ObjectType::MaterializedView | ObjectType::Type | ObjectType::Collation => {
            locking("nothing that is stored goes; the release that runs may use it")
        }
        _ => unknown("no rule knows such a statement"),
    }
}

fn additive(why: &str) -> Verdict {
    (Harm::Additive, why.to_owned())
}

fn locking(why: &str) -> Verdict {
    (Harm::Locking, why.to_owned())
}

fn rewriting(why: &str) -> Verdict {
    (Harm::Rewriting, why.to_owned())
}

fn destructive(why: &str) -> Verdict {
    (Harm::Destructive, why.to_owned())
}

fn unknown(why: &str) -> Verdict {
    (Harm::Unknown, why.to_owned())
}

#[cfg(test)]
mod tests;
