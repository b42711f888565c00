//! How the schema of a service's database moves.
//!
//! Owns `[migrations]`. What is pending is asked of an image, elsewhere.

use serde::{Deserialize, Serialize};

use crate::base::toml::{Table, quoted};
use crate::service::around::{Around, known};

/// `[migrations]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrations {
    /// The tool.
    pub tool: MigrationTool,
    /// Where it runs.
    pub run_as: RunAs,
    /// Which image it runs in.
    pub image: CandidateImage,
    /// Id of the workload whose pod template it runs in.
    pub workload: Option<String>,
    /// Id of the database.
    pub database: Option<String>,
    /// What keeps two migrations apart: `pg-advisory:NUMBER`.
    pub lock: Option<String>,
    /// What is shown before: `sql`, or the tool's own word.
    pub plan: Option<String>,
    /// Statements that count as destructive besides those that the program knows.
    pub destructive: Vec<String>,
    /// Where the image has its files of migrations, from the folder that it starts in.
    pub folder: Option<String>,
    /// The table in which plain files of SQL are recorded.
    pub table: Option<String>,
}

/// Tools that move a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationTool {
    /// Alembic.
    Alembic,
    /// Django's `migrate`.
    Django,
    /// Prisma's `migrate deploy`.
    Prisma,
    /// Files of SQL.
    Sql,
}

/// Where migrations run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunAs {
    /// In a Job of its own.
    #[default]
    Job,
    /// In a pod that is running.
    Exec,
    /// In a container of Compose.
    ComposeRun,
}

/// Which image migrations run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CandidateImage {
    /// The one that is being deployed.
    #[default]
    New,
    /// The one that runs.
    Current,
}

const TOOLS: [(&str, MigrationTool); 4] =
    [("alembic", MigrationTool::Alembic), ("django", MigrationTool::Django), ("prisma", MigrationTool::Prisma), ("sql", MigrationTool::Sql)];
const RUN_AS: [(&str, RunAs); 3] = [("job", RunAs::Job), ("exec", RunAs::Exec), ("compose-run", RunAs::ComposeRun)];
const IMAGES: [(&str, CandidateImage); 2] = [("new", CandidateImage::New), ("current", CandidateImage::Current)];

pub(super) fn decode(root: &Table<'_>, around: &Around<'_>) -> Option<Migrations> {
    let table = root.table("migrations")?;
    if !table.has("tool") {
        table.missing("tool");
    }
    let tool = table.word("tool", &TOOLS).map(|t| t.value);
    let run_as = table.word("run_as", &RUN_AS).map(|r| r.value).unwrap_or_default();
    let image = table.word("image", &IMAGES).map(|i| i.value).unwrap_or_default();
    let workload = around.workload(&table, "workload");
    let database = table.text("database").filter(|id| known(&table, id, "database", around.databases.iter()));
    let (lock, plan) = (table.text("lock").map(|l| l.value), table.text("plan").map(|p| p.value));
    let destructive = table.texts("destructive").into_iter().map(|d| d.value).collect();
    let plain = |key: &str, more: &str, what: &str| {
        let text = table.text(key)?;
        let good = !text.value.is_empty()
            && !text.value.starts_with(['-', '.'])
            && text.value.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
        if !good {
            table.error(&text.spot, format!("{} is no name of a {what}.", quoted(&text.value)), Some("Letters, digits and _.".into()));
        }
        good.then_some(text.value)
    };
    let (folder, own) = (plain("folder", "_-./", "folder"), plain("table", "_.", "table"));
    if own.is_some() && tool.is_some_and(|t| t != MigrationTool::Sql) {
        table.error(table.spot(), "The tool has a table of its own.", Some("table = \"...\" is for tool = \"sql\".".into()));
    }
    table.finish();
    Some(Migrations {
        tool: tool?,
        run_as,
        image,
        workload,
        database: database.map(|d| d.value),
        lock,
        plan,
        destructive,
        folder,
        table: own,
    })
}
