//! What an image and a database said of each other when they were asked.
//!
//! Owns the shape of that answer, how it is read from what a Job printed, and its bounds. It comes from a container: it is cleaned, and
//! counts only whole. Nothing here judges what it means.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::back::{PrintedReturn, Return};
use super::sql::{Harm, Reader, Statement};
use crate::base::text::clean;
use crate::service::MigrationTool;

/// Stands on a line of its own before the answer.
pub const BEGIN: &str = "-----BEGIN TIMONEL INSPECTION-----";
/// Stands on a line of its own after it.
pub const END: &str = "-----END TIMONEL INSPECTION-----";
/// Most characters of an answer; a longer one is none.
pub const MOST: usize = 512 * 1024;
/// Statements that are kept of a revision; the worst of the others is kept as one line.
const STATEMENTS: usize = 40;
/// Entries that are kept of each list.
const LIST: usize = 5000;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inspection {
    /// The tool that was asked: `alembic`, `django`, `prisma`, `sql`.
    pub tool: String,
    /// Every revision that the image has, each after those that it rests on.
    pub revisions: Vec<Revision>,
    /// Those of them that no other rests on.
    pub heads: Vec<String>,
    /// What the database says was applied: Alembic's newest, every one of the other tools.
    pub applied: Vec<String>,
    /// Those that were begun and did not end well.
    pub failed: Vec<String>,
    /// Those that the image has otherwise than they were when they were applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// Where one failed: what the database has, as `relation` and `table.column`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub there: Vec<String>,
    /// The table in which the tool keeps what it applied is there.
    pub recorded: bool,
    /// Tables of the database besides that one.
    pub tables: u32,
    /// What the revisions do that the database does not have, and the newest of those that it has.
    pub scripts: Vec<Script>,
    /// What taking back the newest of those that the database has would lose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<Return>,
    /// What else the database says.
    pub database: Database,
}

/// One revision of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revision {
    /// Its id.
    pub id: String,
    /// The ids of those that it rests on.
    #[serde(default)]
    pub down: Vec<String>,
    /// Older ids that it stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<String>,
}

/// What one revision does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Script {
    /// The revision.
    pub id: String,
    /// Its statements.
    pub statements: Vec<Statement>,
    /// Statements that are not among them.
    #[serde(default)]
    pub more: usize,
}

impl Script {
    /// The worst that it does.
    pub fn harm(&self) -> Harm {
        self.statements.iter().map(|s| s.harm).max().unwrap_or(Harm::Additive)
    }
}

/// What a database says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Database {
    /// Major version of the server.
    pub server: u32,
    /// Bytes that it takes.
    pub bytes: u64,
    /// How long a statement of this session waits for a lock, in milliseconds; 0 = for ever.
    pub lock_timeout_ms: u64,
    /// Another migration holds the advisory lock.
    pub locked: bool,
    /// Sessions whose transaction has been open for long, or that hold a lock on a table.
    pub sessions: Vec<Session>,
    /// Indexes that are not valid: what an index that could not be built leaves behind.
    pub invalid: Vec<String>,
    /// Rows, as the server estimates them, and bytes of each table, the largest first.
    pub sizes: BTreeMap<String, Size>,
}

/// A session of the database that may stand in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Its process.
    pub pid: i64,
    /// Seconds since its transaction began.
    pub seconds: u64,
    /// `active`, `idle in transaction`.
    pub state: String,
    /// The program that it says it is.
    pub program: String,
    /// Tables that it holds a lock on.
    pub tables: Vec<String>,
}

/// How large a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Size {
    /// Rows, as the server estimates them.
    pub rows: u64,
    /// Bytes with indexes.
    pub bytes: u64,
}

/// As it is printed: scripts are not parted yet.
#[derive(Deserialize)]
struct Printed {
    tool: String,
    revisions: Vec<Revision>,
    heads: Vec<String>,
    applied: Vec<String>,
    #[serde(default)]
    failed: Vec<String>,
    #[serde(default)]
    changed: Vec<String>,
    #[serde(default)]
    there: Vec<String>,
    recorded: bool,
    tables: u32,
    scripts: Vec<PrintedScript>,
    #[serde(default)]
    returns: Vec<PrintedReturn>,
    database: Database,
}

#[derive(Deserialize)]
struct PrintedScript {
    id: String,
    /// `None` = the tool cannot tell.
    sql: Option<String>,
    #[serde(default)]
    why: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The script says why it has none.
    #[error("{0}")]
    Failed(String),
    /// There is none in what was printed, or not a whole one.
    #[error("what its Job printed holds no whole answer")]
    Unreadable,
}

/// Reads the last answer in what a Job printed; `destructive` are the patterns that the service file calls so.
pub fn read(printed: &str, tool: MigrationTool, destructive: &[String]) -> Result<Inspection, NoAnswer> {
    let text = text(printed).ok_or(NoAnswer::Unreadable)?;
    if text.len() > MOST {
        return Err(NoAnswer::Failed(format!("its answer has {} characters: more than {MOST} are not read", text.len())));
    }
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|_| NoAnswer::Unreadable)?;
    if let Some(why) = value.get("failed_because").and_then(serde_json::Value::as_str) {
        return Err(NoAnswer::Failed(clean(why).into_owned()));
    }
    let printed: Printed = serde_json::from_value(value).map_err(|_| NoAnswer::Unreadable)?;
    if printed.tool != tool_word(tool) {
        return Err(NoAnswer::Failed(format!("it is an answer of {}", clean(&printed.tool))));
    }
    let mut reader = Reader::new(destructive);
    let scripts = printed.scripts.into_iter().take(LIST).map(|s| script(s, &mut reader)).collect();
    let inspection = Inspection {
        tool: printed.tool,
        revisions: printed.revisions,
        heads: printed.heads,
        applied: printed.applied,
        failed: printed.failed,
        changed: printed.changed,
        there: printed.there,
        recorded: printed.recorded,
        tables: printed.tables,
        scripts,
        returns: printed.returns.into_iter().take(LIST).map(|r| r.read(destructive)).collect(),
        database: printed.database,
    };
    Ok(inspection.cleaned())
}

/// The text of the last answer in what a Job printed.
pub fn text(printed: &str) -> Option<String> {
    let from = printed.rfind(BEGIN)? + BEGIN.len();
    let length = printed[from..].find(END)?;
    // The lines of a log are short: a long answer is printed in several, and none of its own text has a line break in it.
    Some(printed[from..from + length].lines().collect())
}

/// `alembic`, as an answer names it.
pub const fn tool_word(tool: MigrationTool) -> &'static str {
    match tool {
        MigrationTool::Alembic => "alembic",
        MigrationTool::Django => "django",
        MigrationTool::Prisma => "prisma",
        MigrationTool::Sql => "sql",
    }
}

fn script(printed: PrintedScript, reader: &mut Reader) -> Script {
    let Some(sql) = printed.sql else {
        let why = if printed.why.is_empty() { "the tool does not show its SQL".to_owned() } else { printed.why };
        let statement = Statement { text: "...".to_owned(), harm: Harm::Unknown, table: None, why };
        return Script { id: printed.id, statements: vec![statement], more: 0 };
    };
    let mut statements = reader.read(&sql);
    let over = statements.split_off(statements.len().min(STATEMENTS));
    let worst = over.iter().max_by_key(|s| s.harm).cloned();
    let more = over.len().saturating_sub(1);
    statements.extend(worst);
    Script { id: printed.id, statements, more }
}

impl Inspection {
    /// What this image would say, were the database as it was for that other inspection.
    #[must_use]
    pub fn on_database_of(&self, newest: &Self) -> Self {
        Self { applied: newest.applied.clone(), tables: newest.tables, failed: newest.failed.clone(), ..self.clone() }
    }

    /// Without what could drive a terminal, and within bounds: whoever can write where it was read from can write anything.
    #[must_use]
    pub fn cleaned(mut self) -> Self {
        let own = [&mut self.heads, &mut self.applied, &mut self.failed, &mut self.changed, &mut self.there, &mut self.database.invalid];
        own.into_iter().for_each(clean_all);
        self.tool = clean(&self.tool).into_owned();
        self.revisions.truncate(LIST);
        for revision in &mut self.revisions {
            revision.id = clean(&revision.id).into_owned();
            clean_all(&mut revision.down);
            clean_all(&mut revision.replaces);
        }
        self.scripts.truncate(LIST);
        for script in &mut self.scripts {
            script.id = clean(&script.id).into_owned();
            script.statements.truncate(STATEMENTS + 1);
            for statement in &mut script.statements {
                statement.text = clean(&statement.text).into_owned();
                statement.why = clean(&statement.why).into_owned();
                statement.table = statement.table.as_deref().map(|t| clean(t).into_owned());
            }
        }
        self.returns.truncate(LIST);
        self.returns = self.returns.into_iter().map(Return::cleaned).collect();
        self.database.sessions.truncate(LIST);
        for session in &mut self.database.sessions {
            session.state = clean(&session.state).into_owned();
            session.program = clean(&session.program).into_owned();
            clean_all(&mut session.tables);
        }
        self.database.sizes = self.database.sizes.iter().take(LIST).map(|(table, size)| (clean(table).into_owned(), *size)).collect();
        self
    }
}

fn clean_all(texts: &mut Vec<String>) {
    texts.truncate(LIST);
    for text in texts {
        *text = clean(text).into_owned();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::{BEGIN, END, Inspection, NoAnswer, STATEMENTS, read};
    use crate::migrate::sql::Harm;
    use crate::service::MigrationTool;

    /// An answer of Alembic: three revisions in a row, the first two applied.
    pub(crate) fn alembic() -> Value {
        json!({
            "tool": "alembic",
            "revisions": [{ "id": "a1" }, { "id": "b2", "down": ["a1"] }, { "id": "c3", "down": ["b2"] }],
            "heads": ["c3"], "applied": ["b2"], "recorded": true, "tables": 2,
            "scripts": [{ "id": "c3", "sql": "ALTER TABLE rules DROP COLUMN note;\nUPDATE alembic_version SET version_num='c3';" }],
            "database": { "server": 15, "bytes": 9_000_000, "lock_timeout_ms": 5000, "sizes": { "rules": { "rows": 200, "bytes": 8192 } } },
        })
    }

    /// What a Job prints around an answer.
    pub(crate) fn printed(answer: &Value) -> String {
        let text = answer.to_string();
        // Parted where the container runtime parts long lines.
        let lines: Vec<String> = text.chars().collect::<Vec<_>>().chunks(40).map(|part| part.iter().collect()).collect();
        format!("INFO starting\n{BEGIN}\n{}\n{END}\nbye\n", lines.join("\n"))
    }

    pub(crate) fn inspection(answer: &Value) -> Inspection {
        let tool = match answer["tool"].as_str() {
            Some("django") => MigrationTool::Django,
            Some("prisma") => MigrationTool::Prisma,
            Some("sql") => MigrationTool::Sql,
            _ => MigrationTool::Alembic,
        };
        read(&printed(answer), tool, &[]).expect("an answer")
    }

    #[test]
    fn an_answer_is_read_and_its_scripts_are_classified() {
        let inspection = inspection(&alembic());
        assert_eq!(inspection.scripts[0].harm(), Harm::Destructive);
        let [drop, book] = &inspection.scripts[0].statements[..] else { unreachable!("two statements") };
        assert_eq!((drop.table.as_deref(), book.harm), (Some("rules"), Harm::Additive));
        let again: Inspection = serde_json::from_value(serde_json::to_value(&inspection).expect("JSON")).expect("the same");
        assert_eq!(again, inspection);
    }

    #[test]
    fn only_a_whole_answer_counts_and_its_reason_is_told() {
        let whole = printed(&alembic());
        assert_eq!(read("", MigrationTool::Alembic, &[]), Err(NoAnswer::Unreadable));
        assert_eq!(read(&whole.replace(END, ""), MigrationTool::Alembic, &[]), Err(NoAnswer::Unreadable));
        assert_eq!(read(&whole[30..], MigrationTool::Alembic, &[]), Err(NoAnswer::Unreadable));
        assert!(matches!(read(&whole, MigrationTool::Django, &[]), Err(NoAnswer::Failed(why)) if why.contains("alembic")));
        let failed = printed(&json!({ "failed_because": "no \u{1b}[2Jalembic.ini" }));
        assert_eq!(read(&failed, MigrationTool::Alembic, &[]), Err(NoAnswer::Failed("no alembic.ini".into())));
        let mut long = alembic();
        long["heads"] = json!(["x".repeat(super::MOST)]);
        assert!(matches!(read(&printed(&long), MigrationTool::Alembic, &[]), Err(NoAnswer::Failed(why)) if why.contains("not read")));
    }

    #[test]
    fn a_long_script_keeps_the_worst_of_what_is_cut_off() {
        let mut answer = alembic();
        let many = "INSERT INTO rules VALUES (1);".repeat(100);
        answer["scripts"][0]["sql"] = format!("{many} DROP TABLE rules; {many}").into();
        let script = &inspection(&answer).scripts[0];
        assert_eq!((script.statements.len(), script.more, script.harm()), (STATEMENTS + 1, 160, Harm::Destructive));
        answer["scripts"][0]["sql"] = Value::Null;
        assert_eq!(inspection(&answer).scripts[0].harm(), Harm::Unknown);
    }
}
