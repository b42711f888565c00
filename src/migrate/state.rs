//! Where a database stands against an image's revisions.
//!
//! Owns what is current, pending, failed, and the traps: a database that is ahead of the code (Django's own commands call that "no
//! migrations to apply" and exit 0, Alembic's exit 255), several heads, tables that no tool recorded. It is computed from rows and
//! files, never from a tool's exit code.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::effect;
use super::inspection::{Inspection, Revision, Script};
use super::sql::Harm;

/// What is known of a database against an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MigrationState {
    /// It was asked.
    Known(Position),
    /// Why it is not known.
    Unknown(String),
}

/// Where a database stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Position {
    /// The newest that were applied.
    pub current: Vec<String>,
    /// The newest that the image has.
    pub heads: Vec<String>,
    /// What the image has and the database has not, in the order in which it is applied.
    pub pending: Vec<String>,
    /// Those that were begun and did not end well.
    pub failed: Vec<String>,
    /// What of those is there all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub half: Vec<Half>,
    /// What the database has and the image has not: the database is ahead of the code.
    pub ahead: Vec<String>,
    /// There are tables, and no record of what made them.
    pub unrecorded: bool,
    /// More than one newest revision where there may be one: the tool does not know which way to go.
    pub forked: Vec<String>,
}

/// A revision that did not come to its end, statement by statement, by what the database has now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Half {
    /// The revision.
    pub id: String,
    /// What is in effect.
    pub done: Vec<String>,
    /// What is not.
    pub left: Vec<String>,
    /// What the database does not show.
    pub untold: Vec<String>,
}

/// Why nothing is migrated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What stands in the way.
    pub reason: String,
    /// The way out.
    pub way_out: String,
}

impl MigrationState {
    /// By an answer of image and database.
    pub fn of(inspection: &Inspection) -> Self {
        if inspection.revisions.is_empty() {
            return Self::Unknown("the image has no revisions: it is not the one that migrates, or they are elsewhere in it".to_owned());
        }
        Self::Known(Position::of(inspection))
    }
}

impl Position {
    fn of(inspection: &Inspection) -> Self {
        let by_id: BTreeMap<&str, &Revision> = inspection.revisions.iter().map(|r| (&*r.id, r)).collect();
        let applied: BTreeSet<&str> = inspection.applied.iter().map(String::as_str).collect();
        let done = if inspection.tool == "alembic" { below(&by_id, &applied) } else { applied.clone() };
        // One that stands for older ones is done when all of those are.
        let is_done = |r: &Revision| done.contains(&*r.id) || (!r.replaces.is_empty() && r.replaces.iter().all(|old| done.contains(&**old)));
        let stood_for: BTreeSet<&str> = inspection.revisions.iter().flat_map(|r| r.replaces.iter().map(String::as_str)).collect();
        let known = |id: &&str| by_id.contains_key(*id) || stood_for.contains(*id);
        let pending: Vec<String> = inspection.revisions.iter().filter(|r| !is_done(r)).map(|r| r.id.clone()).collect();
        let ahead: Vec<String> = inspection.applied.iter().filter(|id| !known(&id.as_str())).cloned().collect();
        Self {
            current: current(inspection, &by_id),
            heads: inspection.heads.clone(),
            pending,
            failed: inspection.failed.clone(),
            half: inspection.failed.iter().filter_map(|id| Half::of(inspection, id)).collect(),
            ahead,
            unrecorded: inspection.tables > 0 && inspection.applied.is_empty(),
            forked: forked(inspection),
        }
    }

    /// Whether nothing is left to do, and nothing is wrong.
    pub fn is_at_head(&self) -> bool {
        self.pending.is_empty() && self.failed.is_empty() && self.ahead.is_empty() && self.forked.is_empty() && !self.unrecorded
    }

    /// What stands in the way of a migration, the first thing to mend first.
    pub fn refusals(&self, tool: &str) -> Vec<Refusal> {
        let mut all = Vec::new();
        let mut add = |reason: String, way_out: &str| all.push(Refusal { reason, way_out: way_out.to_owned() });
        if !self.ahead.is_empty() {
            add(
                format!("the database is ahead of the image: it has {}, which the image does not know", some(&self.ahead)),
                "an image that has them; a downgrade is made from that one",
            );
        }
        if !self.forked.is_empty() {
            let way_out = match tool {
                "alembic" => "one revision that joins them: alembic merge heads",
                _ => "one migration that joins them: makemigrations --merge",
            };
            add(format!("there are several heads: {}", some(&self.forked)), way_out);
        }
        if self.unrecorded {
            let (made, way_out) = match tool {
                "alembic" => ("create_all", "compare the schema with the revisions, then alembic stamp REVISION"),
                "prisma" => ("prisma db push", "compare the schema with the migrations, then prisma migrate resolve --applied NAME"),
                "sql" => ("by hand", "compare the schema with the files, then write the numbers of those that it has into the version table"),
                _ => ("by hand", "compare the schema with the migrations, then migrate --fake"),
            };
            add(format!("there are tables and no record of a migration: they were made in another way ({made})"), way_out);
        }
        if !self.failed.is_empty() {
            let half = self.halves();
            let way_out = match tool {
                "prisma" => {
                    "finish it by hand, then prisma migrate resolve --applied NAME; or take back what is in effect, then prisma migrate resolve --rolled-back NAME"
                }
                _ => "finish it by hand or take back what is in effect, then put the version table right: the number that holds, dirty = false",
            };
            add(format!("a migration failed before: {}{half}", some(&self.failed)), way_out);
        }
        all
    }

    /// What of those that failed is there all the same, to be put behind other words.
    pub fn halves(&self) -> String {
        self.half.iter().fold(String::new(), |text, half| text + "; " + &half.words())
    }

    /// In one line.
    pub fn words(&self) -> String {
        let at = if self.current.is_empty() { "nothing is applied".to_owned() } else { format!("at {}", some(&self.current)) };
        if !self.ahead.is_empty() {
            return format!("{at}: ahead of the image by {}", some(&self.ahead));
        }
        if self.unrecorded {
            return "tables without a record of a migration".to_owned();
        }
        if !self.failed.is_empty() {
            return format!("{at}, {} failed", some(&self.failed));
        }
        match self.pending.len() {
            0 if self.forked.is_empty() => format!("{at}, nothing pending"),
            0 => format!("{at}, several heads: {}", some(&self.forked)),
            n => format!("{at}, {n} pending: {}", some(&self.pending)),
        }
    }
}

impl Half {
    fn of(inspection: &Inspection, id: &str) -> Option<Self> {
        let script = inspection.scripts.iter().find(|s| s.id == id).filter(|_| !inspection.there.is_empty())?;
        let (mut done, mut left, mut untold) = (Vec::new(), Vec::new(), Vec::new());
        for statement in &script.statements {
            let of = match effect::is_in_effect(&statement.text, &inspection.there) {
                Some(true) => &mut done,
                Some(false) => &mut left,
                None => &mut untold,
            };
            of.push(statement.text.clone());
        }
        Some(Self { id: id.to_owned(), done, left, untold })
    }

    /// In one line.
    pub fn words(&self) -> String {
        let parts = [("in effect", &self.done), ("not in effect", &self.left), ("not known", &self.untold)];
        let told = parts.iter().filter(|(_, all)| !all.is_empty()).map(|(what, all)| format!("{what}: {}", some(all)));
        format!("of {} {}", self.id, told.collect::<Vec<_>>().join("; "))
    }
}

impl Inspection {
    /// What the pending revisions do, in their order; one that the tool said nothing of is unknown.
    pub fn pending(&self, position: &Position) -> Vec<Script> {
        let of = |id: &String| self.scripts.iter().find(|s| s.id == *id).cloned();
        position
            .pending
            .iter()
            .map(|id| of(id).unwrap_or_else(|| Script { id: id.clone(), statements: vec![unsaid()], more: 0 }))
            .collect()
    }
}

fn unsaid() -> super::sql::Statement {
    super::sql::Statement {
        text: "...".to_owned(),
        harm: Harm::Unknown,
        table: None,
        why: "the inspection does not say what it does".to_owned(),
    }
}

/// Every revision that an image knows and its database has.
pub(super) fn below_all(inspection: &Inspection) -> BTreeSet<&str> {
    let by_id: BTreeMap<&str, &Revision> = inspection.revisions.iter().map(|r| (&*r.id, r)).collect();
    below(&by_id, &inspection.applied.iter().map(String::as_str).collect())
}

/// Those revisions and all that they rest on.
fn below<'a>(by_id: &BTreeMap<&'a str, &'a Revision>, from: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut left: Vec<&str> = from.iter().copied().collect();
    while let Some(id) = left.pop() {
        if found.insert(id) {
            left.extend(by_id.get(id).into_iter().flat_map(|r| r.down.iter().map(String::as_str)));
        }
    }
    found
}

/// The newest that were applied: of each app, where there are apps.
fn current(inspection: &Inspection, by_id: &BTreeMap<&str, &Revision>) -> Vec<String> {
    if inspection.tool == "alembic" {
        return inspection.applied.clone();
    }
    if matches!(inspection.tool.as_str(), "prisma" | "sql") {
        return inspection.applied.last().cloned().into_iter().collect();
    }
    let applied: BTreeSet<&str> = inspection.applied.iter().map(String::as_str).collect();
    let app = |id: &str| id.split('.').next().unwrap_or_default().to_owned();
    let below_another = |id: &&String| applied.iter().filter_map(|a| by_id.get(a)).any(|r| app(&r.id) == app(id) && r.down.contains(id));
    inspection.applied.iter().filter(|id| by_id.contains_key(&***id) && !below_another(id)).cloned().collect()
}

/// The heads where there are too many: Alembic has one, Django one in each app, Prisma's are in a row.
fn forked(inspection: &Inspection) -> Vec<String> {
    match inspection.tool.as_str() {
        "alembic" if inspection.heads.len() > 1 => inspection.heads.clone(),
        "django" => {
            let app = |id: &String| id.split('.').next().unwrap_or_default().to_owned();
            let mut count: BTreeMap<String, usize> = BTreeMap::new();
            inspection.heads.iter().for_each(|id| *count.entry(app(id)).or_default() += 1);
            inspection.heads.iter().filter(|id| count[&app(id)] > 1).cloned().collect()
        }
        _ => Vec::new(),
    }
}

/// The first few of a list.
pub(crate) fn some(all: &[String]) -> String {
    const FEW: usize = 4;
    let more = all.len().saturating_sub(FEW);
    let first = all.iter().take(FEW).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{MigrationState, Position};
    use crate::migrate::inspection::tests::{alembic, inspection};

    fn position(answer: &Value) -> Position {
        match MigrationState::of(&inspection(answer)) {
            MigrationState::Known(position) => position,
            MigrationState::Unknown(why) => unreachable!("{why}"),
        }
    }

    fn reasons(answer: &Value) -> String {
        let tool = answer["tool"].as_str().unwrap_or_default();
        position(answer)
            .refusals(tool)
            .into_iter()
            .map(|r| format!("{} | {}", r.reason, r.way_out))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn django() -> Value {
        json!({
            "tool": "django",
            "revisions": [
                { "id": "auth.0001_initial" }, { "id": "shop.0001_initial", "down": ["auth.0001_initial"] },
                { "id": "shop.0002_note", "down": ["shop.0001_initial"] },
            ],
            "heads": ["auth.0001_initial", "shop.0002_note"], "applied": ["auth.0001_initial", "shop.0001_initial"],
            "recorded": true, "tables": 4, "scripts": [], "database": {},
        })
    }

    #[test]
    fn what_is_pending_is_what_the_image_has_and_the_database_has_not() {
        let state = position(&alembic());
        assert_eq!((state.pending.clone(), state.current.clone(), state.ahead.len()), (vec!["c3".into()], vec!["b2".into()], 0));
        assert_eq!(state.words(), "at b2, 1 pending: c3");
        let mut done = alembic();
        done["applied"] = json!(["c3"]);
        assert!(position(&done).is_at_head() && position(&done).words() == "at c3, nothing pending");
        let mut new = alembic();
        (new["applied"], new["tables"], new["recorded"]) = (json!([]), json!(0), json!(false));
        assert_eq!(position(&new).pending, ["a1", "b2", "c3"]);
        assert_eq!(reasons(&new), "");
    }

    // M14: with the older image every command of Alembic that looks at the database exits 255, and `heads` exits 0.
    #[test]
    fn alembic_a_database_that_has_a_revision_without_a_file_is_ahead() {
        let mut answer = alembic();
        answer["applied"] = json!(["d4"]);
        let state = position(&answer);
        assert_eq!((state.ahead.clone(), state.is_at_head()), (vec!["d4".into()], false));
        assert_eq!(state.words(), "at d4: ahead of the image by d4");
        assert!(reasons(&answer).contains("ahead of the image: it has d4"), "{}", reasons(&answer));
    }

    // M13: `migrate --check` exits 0 and `migrate` says "No migrations to apply".
    #[test]
    fn django_rows_without_files_are_ahead_although_nothing_is_pending() {
        let mut answer = django();
        answer["applied"] = json!(["auth.0001_initial", "shop.0001_initial", "shop.0002_note", "shop.0003_drop"]);
        let state = position(&answer);
        assert!(state.pending.is_empty() && state.ahead == ["shop.0003_drop"] && !state.is_at_head(), "{state:?}");
        assert_eq!(state.current, ["auth.0001_initial", "shop.0002_note"]);
        assert!(reasons(&answer).contains("shop.0003_drop"));
    }

    #[test]
    fn django_a_squashed_migration_stands_for_those_it_replaces() {
        let mut answer = django();
        answer["revisions"] = json!([{ "id": "shop.0001_squashed_0002", "replaces": ["shop.0001_initial", "shop.0002_note"] }]);
        answer["heads"] = json!(["shop.0001_squashed_0002"]);
        answer["applied"] = json!(["shop.0001_initial", "shop.0002_note"]);
        assert!(position(&answer).is_at_head(), "{:?}", position(&answer));
        answer["applied"] = json!(["shop.0001_initial"]);
        assert_eq!(position(&answer).pending, ["shop.0001_squashed_0002"]);
    }

    #[test]
    fn several_heads_are_refused_and_two_apps_are_no_two_heads() {
        let mut answer = alembic();
        answer["heads"] = json!(["c3", "x9"]);
        assert!(reasons(&answer).contains("several heads: c3, x9 | one revision that joins them: alembic merge heads"));
        assert_eq!(position(&django()).forked, Vec::<String>::new());
        let mut answer = django();
        answer["heads"] = json!(["auth.0001_initial", "shop.0002_note", "shop.0002_other"]);
        assert_eq!(position(&answer).forked, ["shop.0002_note", "shop.0002_other"]);
    }

    #[test]
    fn tables_without_a_record_are_no_new_database() {
        let mut answer = alembic();
        (answer["applied"], answer["recorded"], answer["tables"]) = (json!([]), json!(false), json!(3));
        assert!(position(&answer).unrecorded && reasons(&answer).contains("alembic stamp"), "{}", reasons(&answer));
        // The table may be there and empty.
        answer["recorded"] = json!(true);
        assert!(position(&answer).unrecorded);
    }

    // L-T6: `prisma migrate status` exits 1 for pending, failed, diverged and unreachable alike.
    #[test]
    fn prisma_pending_failed_and_ahead_are_told_apart() {
        let mut answer = json!({
            "tool": "prisma", "revisions": [{ "id": "20260101_init" }, { "id": "20260201_note", "down": ["20260101_init"] }],
            "heads": ["20260201_note"], "applied": ["20260101_init"], "recorded": true, "tables": 2, "scripts": [], "database": {},
        });
        assert_eq!(position(&answer).pending, ["20260201_note"]);
        answer["failed"] = json!(["20260201_note"]);
        assert!(
            reasons(&answer).contains("failed before: 20260201_note | finish it by hand, then prisma migrate resolve"),
            "{}",
            reasons(&answer)
        );
        // What it did before it failed stays: its statements are no transaction.
        answer["there"] = json!(["rules", "rules.id", "rules.kind"]);
        answer["scripts"] = json!([{ "id": "20260201_note", "sql":
            "ALTER TABLE \"rules\" ADD COLUMN \"kind\" TEXT; CREATE UNIQUE INDEX \"rules_kind_key\" ON \"rules\"(\"kind\"); UPDATE rules SET kind = 'x'" }]);
        let half = &position(&answer).half[0];
        assert_eq!(
            (half.done.len(), &*half.left, &*half.untold),
            (
                1,
                &["CREATE UNIQUE INDEX \"rules_kind_key\" ON \"rules\"(\"kind\")".to_owned()][..],
                &["UPDATE rules SET kind = '***'".to_owned()][..]
            )
        );
        assert!(reasons(&answer).contains("of 20260201_note in effect: ALTER TABLE \"rules\" ADD COLUMN \"kind\" TEXT; not in effect: CREATE"));
        answer["failed"] = json!([]);
        answer["applied"] = json!(["20260101_init", "20260201_note", "20260301_drop"]);
        assert_eq!(position(&answer).ahead, ["20260301_drop"]);
    }

    #[test]
    fn sql_files_are_told_apart_by_their_numbers_and_a_dirty_one_has_failed() {
        let mut answer = json!({
            "tool": "sql", "revisions": [{ "id": "1" }, { "id": "2", "down": ["1"] }, { "id": "10", "down": ["2"] }],
            "heads": ["10"], "applied": ["1"], "recorded": true, "tables": 1, "scripts": [], "database": {},
        });
        assert_eq!(position(&answer).words(), "at 1, 2 pending: 2, 10");
        answer["failed"] = json!(["2"]);
        assert!(reasons(&answer).contains("failed before: 2 | finish it by hand") && reasons(&answer).contains("dirty = false"));
        (answer["failed"], answer["applied"], answer["recorded"]) = (json!([]), json!([]), json!(false));
        assert!(reasons(&answer).contains("(by hand) | compare the schema with the files"), "{}", reasons(&answer));
    }

    #[test]
    fn what_cannot_be_known_is_unknown() {
        let mut empty = alembic();
        empty["revisions"] = json!([]);
        assert!(matches!(MigrationState::of(&inspection(&empty)), MigrationState::Unknown(_)));
    }

    #[test]
    fn a_pending_revision_without_a_script_counts_as_unknown() {
        let mut answer = alembic();
        answer["scripts"] = json!([]);
        let inspection = inspection(&answer);
        let pending = inspection.pending(&position(&answer));
        assert!(pending.len() == 1 && pending[0].harm().loses_data(), "{pending:?}");
    }
}
