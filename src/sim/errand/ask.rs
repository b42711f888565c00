//! Images that are asked of their revisions, that apply them, and that take them back.
//!
//! Owns what such a container prints: the answer of Alembic, Django or Prisma, between two marks.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Asked, Database, Deed, Errands, Fault, Play, Revision};

const BEGIN: &str = "-----BEGIN TIMONEL INSPECTION-----";
const END: &str = "-----END TIMONEL INSPECTION-----";
/// Characters of one line of an answer.
const LINE: usize = 4000;
/// Scripts of applied revisions that are told as well.
const APPLIED_SCRIPTS: usize = 20;
const SECOND: Duration = Duration::from_secs(1);
/// How long an answer takes.
const ASKING: Duration = Duration::from_millis(1500);

/// It asks, or applies what is asked for.
pub(super) fn play(errands: &mut Errands, asked: &Asked<'_>, up: bool) -> Play {
    let Some(at) = errands.database(asked).filter(|_| up) else {
        return refused("OperationalError: connection to server failed: Connection refused");
    };
    let database = errands.databases[at].clone();
    let own = database.of_image(asked.image);
    if own.is_empty() || database.tool != asked.get("TIMONEL_TOOL") {
        let file = match asked.get("TIMONEL_TOOL") {
            "django" => "manage.py",
            "prisma" => "prisma/migrations",
            _ => "alembic.ini",
        };
        return refused(&format!("there is no {file} in /app of the image"));
    }
    if asked.get("TIMONEL_MODE") == "inspect" {
        let scripts = scripts(&database, own);
        return Play { lines: answer(ASKING, &told(&database, own, &scripts)), run: ASKING + SECOND / 4, ..Play::default() };
    }
    let orders = Orders::of(asked);
    if !orders.holds_at(&database.applied) {
        let words = |all: &[String]| if all.is_empty() { "nothing".to_owned() } else { all.join(" ") };
        let (now, then) = (words(&database.applied), words(&orders.applied));
        return refused(&format!("the database moved since it was inspected: it is at {now}, not {then}"));
    }
    if sorted(orders.heads.clone()) != sorted(heads(&database, own)) {
        let heads = heads(&database, own).join(" ");
        return refused(&format!("the image is another than the one that was inspected: its heads are {heads}"));
    }
    if asked.get("TIMONEL_MODE") == "back" {
        let agreed = serde_json::from_str(asked.get("TIMONEL_AGREED")).unwrap_or_default();
        return back(at, &database, own, &orders, &agreed);
    }
    let fault = errands.fault(asked, "apply");
    apply(at, &database, own, fault.as_ref())
}

/// What a plan saw, and what it wants.
struct Orders {
    applied: Vec<String>,
    heads: Vec<String>,
    back: Vec<String>,
    to: Vec<String>,
    again: bool,
}

impl Orders {
    fn of(asked: &Asked<'_>) -> Self {
        let list = |name: &str| -> Vec<String> { serde_json::from_str(asked.get(name)).unwrap_or_default() };
        let again = asked.get("TIMONEL_MODE") == "again";
        let [applied, heads] = ["TIMONEL_APPLIED", "TIMONEL_HEADS"].map(list);
        let [back, to] = ["TIMONEL_BACK", "TIMONEL_TO"].map(list);
        Self { applied, heads, back, to, again }
    }

    /// Whether the database is where the plan saw it. Taking back may have ended at any of its revisions.
    fn holds_at(&self, now: &[String]) -> bool {
        let on_the_way = |id: &String| [&self.applied, &self.back, &self.to].iter().any(|own| own.contains(id));
        sorted(now.to_vec()) == sorted(self.applied.clone()) || (self.again && now.iter().all(on_the_way))
    }
}

fn apply(at: usize, database: &Database, own: &[Revision], fault: Option<&Fault>) -> Play {
    let done = done(database, own);
    let mut lines = vec![(SECOND, "timonel: the plan still holds; applying".to_owned())];
    let mut time = SECOND;
    let mut after = database.clone();
    let mut failure = None;
    for revision in own.iter().filter(|r| !done.contains(&r.id.as_str())) {
        lines.push((time, running(database, own, revision)));
        time += SECOND * 2;
        if let Some(fault) = fault.filter(|f| f.revision == revision.id) {
            failure = Some(json!({ "why": fault.error, "statement": fault.statement }));
            lines.push((time, fault.error.clone()));
            break;
        }
        if database.keeps_all() {
            after.applied.push(revision.id.clone());
        } else {
            after.applied = vec![revision.id.clone()];
        }
    }
    // Alembic applies all of it in one transaction, the others each for itself.
    if failure.is_some() && !database.keeps_all() {
        after.applied.clone_from(&database.applied);
    }
    lines.push((time, "timonel: reading what is applied now".to_owned()));
    time += SECOND / 2;
    let mut said = told(&after, own, &[]);
    let exit = i32::from(failure.is_some());
    if let Some(failure) = failure {
        said["failure"] = failure;
    }
    lines.extend(answer(time, &said));
    let deed = Some(Deed::Applied { database: at, applied: after.applied });
    Play { lines, run: time + SECOND / 4, exit, message: String::new(), deed }
}

/// It takes revisions back, the newest first, where no more rows are lost than were agreed to.
fn back(at: usize, database: &Database, own: &[Revision], orders: &Orders, agreed: &Value) -> Play {
    let wanted: Vec<&Revision> = own.iter().filter(|r| orders.back.contains(&r.id)).collect();
    if let Some(none) = wanted.iter().find(|r| r.down.is_none()) {
        return refused(&format!("{} has no way back", none.id));
    }
    // What was agreed to without a number is agreed to whatever it is.
    let most = |id: &str, what: &str| agreed.get(id).and_then(|all| all.get(what)).map_or(0, |rows| rows.as_u64().unwrap_or(u64::MAX));
    let more = |r: &&Revision| {
        let (what, rows) = r.held.iter().find(|(what, rows)| **rows > most(&r.id, what))?;
        Some((r.id.clone(), format!("{rows} rows of {what}")))
    };
    if let Some((id, rows)) = wanted.iter().find_map(more) {
        return refused(&format!("taking {id} back would lose {rows}, which nobody knew when it was planned: inspect again"));
    }
    let mut lines = vec![(SECOND, "timonel: the plan still holds; taking back".to_owned())];
    let mut time = SECOND;
    for revision in wanted.iter().rev() {
        lines.push((time, returning(database, own, revision)));
        time += SECOND * 2;
    }
    let applied =
        if database.keeps_all() { database.applied.iter().filter(|id| !orders.back.contains(id)).cloned().collect() } else { orders.to.clone() };
    let after = Database { applied, ..database.clone() };
    lines.push((time, "timonel: reading what is applied now".to_owned()));
    time += SECOND / 2;
    lines.extend(answer(time, &told(&after, own, &[])));
    let deed = Some(Deed::Applied { database: at, applied: after.applied });
    Play { lines, run: time + SECOND / 4, deed, ..Play::default() }
}

fn returning(database: &Database, own: &[Revision], revision: &Revision) -> String {
    if database.keeps_all() {
        return format!("  Unapplying {}...", revision.id);
    }
    format!("INFO  [alembic.runtime.migration] Running downgrade {} -> {}, {}", revision.id, before(own, revision), revision.title)
}

fn before<'a>(own: &'a [Revision], revision: &Revision) -> &'a str {
    own.iter().position(|r| r.id == revision.id).and_then(|at| own.get(at.checked_sub(1)?)).map_or("", |r| &r.id)
}

fn running(database: &Database, own: &[Revision], revision: &Revision) -> String {
    if database.keeps_all() {
        return format!("  Applying {}...", revision.id);
    }
    format!("INFO  [alembic.runtime.migration] Running upgrade {} -> {}, {}", before(own, revision), revision.id, revision.title)
}

/// What is applied of an image's revisions.
fn done<'a>(database: &Database, own: &'a [Revision]) -> Vec<&'a str> {
    if database.keeps_all() {
        return own.iter().map(|r| r.id.as_str()).filter(|id| database.applied.iter().any(|a| a == id)).collect();
    }
    let newest = own.iter().rposition(|r| database.applied.contains(&r.id));
    // A database that is ahead of the image has all of it.
    let end = match newest {
        Some(at) => at + 1,
        None if database.applied.is_empty() => 0,
        None => own.len(),
    };
    own[..end].iter().map(|r| r.id.as_str()).collect()
}

/// The revision that one rests on: the one before, in Django the one before of its app.
fn below<'a>(database: &Database, own: &'a [Revision], at: usize) -> Vec<&'a str> {
    let app = |id: &str| if database.tool == "django" { id.split('.').next().unwrap_or_default().to_owned() } else { String::new() };
    let before = own[..at].iter().rev().find(|r| app(&r.id) == app(&own[at].id));
    before.map(|r| r.id.as_str()).into_iter().collect()
}

fn heads(database: &Database, own: &[Revision]) -> Vec<String> {
    let rests: Vec<&str> = (0..own.len()).flat_map(|at| below(database, own, at)).collect();
    own.iter().map(|r| r.id.clone()).filter(|id| !rests.contains(&id.as_str())).collect()
}

fn scripts(database: &Database, own: &[Revision]) -> Vec<Value> {
    let done = done(database, own);
    let pending = own.iter().filter(|r| !done.contains(&r.id.as_str()));
    let applied: Vec<&Revision> = own.iter().filter(|r| done.contains(&r.id.as_str())).collect();
    let newest = applied[applied.len().saturating_sub(APPLIED_SCRIPTS)..].iter().copied();
    pending.chain(newest).map(|r| json!({ "id": r.id, "sql": r.sql, "why": "" })).collect()
}

/// What taking the applied ones back would do, where the tool tells.
fn returns(database: &Database, own: &[Revision]) -> Vec<Value> {
    if database.tool == "prisma" {
        return Vec::new();
    }
    let done = done(database, own);
    let applied: Vec<&Revision> = own.iter().filter(|r| done.contains(&r.id.as_str())).collect();
    let newest = applied[applied.len().saturating_sub(APPLIED_SCRIPTS)..].iter();
    newest
        .map(|r| match &r.down {
            Some(sql) => json!({ "id": r.id, "sql": sql, "rows": r.held }),
            None => json!({ "id": r.id, "sql": null, "irreversible": true, "why": "its downgrade only raises" }),
        })
        .collect()
}

fn told(database: &Database, own: &[Revision], scripts: &[Value]) -> Value {
    let revisions: Vec<Value> = own.iter().enumerate().map(|(at, r)| json!({ "id": r.id, "down": below(database, own, at) })).collect();
    let sizes: serde_json::Map<String, Value> =
        database.table.iter().map(|t| (t.name.clone(), json!({ "rows": t.rows, "bytes": t.bytes }))).collect();
    json!({
        "tool": database.tool, "revisions": revisions, "heads": heads(database, own), "applied": database.applied,
        "recorded": true, "tables": database.table.len(), "scripts": scripts, "returns": returns(database, own),
        "database": { "server": database.server, "bytes": database.bytes, "lock_timeout_ms": 5000, "locked": false,
            "sessions": [], "invalid": [], "sizes": sizes },
    })
}

fn answer(at: Duration, value: &Value) -> Vec<(Duration, String)> {
    let text: Vec<char> = value.to_string().chars().collect();
    let parts = text.chunks(LINE).map(|part| part.iter().collect());
    [BEGIN.to_owned()].into_iter().chain(parts).chain([END.to_owned()]).map(|line: String| (at, line)).collect()
}

fn refused(why: &str) -> Play {
    let lines = answer(ASKING, &json!({ "failed_because": why }));
    Play { lines, run: ASKING + SECOND / 4, exit: 1, ..Play::default() }
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all
}
