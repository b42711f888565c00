//! What is checked before a migration, by what the inspection said, and the level that a change of a schema asks for.
//!
//! Owns those checks. An inspection grows old: what it says of sessions and sizes is believed for a few minutes, and whether the
//! database is still where it was is asked again by the Job itself before it changes anything.

use std::time::Duration;

use jiff::Timestamp;

use super::answer::Seen;
use super::job::Migration;
use super::standing::ago;
use crate::base::confirmation::Confirmation;
use crate::base::environment::EnvironmentKind;
use crate::base::quantity;
use crate::migrate::inspection::Session;
use crate::migrate::sql::{Harm, Statement};
use crate::migrate::state::some;
use crate::migrate::{MigrationState, Position};
use crate::run::backup::{Known, Wanted};
use crate::run::check::{Answer, Check};
use crate::run::context::PlanContext;
use crate::run::level::Raise;
use crate::target::api::{Access, Read};
use crate::target::model::{Kind, ObjectRef};

/// How long what an inspection said of sessions and sizes is believed.
pub(super) const BELIEVED: Duration = Duration::from_mins(10);
/// Sessions whose transaction is open this long are told even when they hold nothing that is in the way.
const LONG: u64 = 60;

/// What a migration rests on.
pub(super) struct Basis<'a> {
    pub seen: &'a Seen,
    pub position: &'a Position,
    /// What will be done, in order.
    pub statements: Vec<(&'a str, &'a Statement)>,
    pub now: Timestamp,
}

/// What a change of a schema asks for: a loss of data two persons in production and a phrase elsewhere, any change of production's a phrase.
pub(super) fn raise(context: &PlanContext, lost: Option<String>) -> Option<Raise> {
    let production = context.environment.kind.counts_as_production();
    match lost {
        Some(why) => Some(Raise::fact(if production { Confirmation::TwoPerson } else { Confirmation::Phrase }, why)),
        None => production.then(|| Raise::fact(Confirmation::Phrase, "the schema of production changes")),
    }
}

/// Whether the image was inspected at all, and when.
pub(super) fn inspection(image: &str, seen: Option<&Seen>, unread: Option<&str>, now: Timestamp) -> Check {
    let check = Check::required("inspection");
    let fix = format!("timonel run inspect image={image}");
    let Some(seen) = seen else {
        return match unread {
            Some(why) => check.unknown(format!("what is known of {image} cannot be read: {why}"), fix),
            None => check.failed(format!("{image} was not inspected: where the database stands against it is not known"), fix),
        };
    };
    if let MigrationState::Unknown(why) = MigrationState::of(&seen.inspection) {
        return check.failed(why, "an image that has them");
    }
    let old = now.duration_since(seen.at).unsigned_abs() > BELIEVED;
    let detail = format!("{} by {} ({})", ago(seen.at, now), seen.by, seen.run);
    if old { check.unknown(format!("{detail}: sessions and sizes may have changed since"), fix) } else { check.ok(detail) }
}

/// Whether what the Job says can be read: it says it in its log alone.
pub(in crate::run) async fn logs(read: &dyn Read, workload: &ObjectRef) -> Check {
    let check = Check::required("logs");
    let namespace = Some(workload.namespace.to_string());
    let access = Access { verb: "get", kind: Kind::Pod, subresource: "log", namespace, name: None };
    match read.may(&access).await {
        Ok(answer) if answer.allowed => check.ok("you may get pods/log, where the Job says what it found"),
        Ok(_) => check.failed("you may not get pods/log, where the Job says what it found", "ask for the right to get pods/log"),
        Err(error) => check.unknown(format!("whether you may get pods/log is not known: {}", error.message), "try again when the server answers"),
    }
}

/// What forbids a command that may empty a database, where others use it: no override makes it harmless.
pub(in crate::run) fn forbidden(argv: &[String], environment: EnvironmentKind) -> Option<Check> {
    let words = argv.join(" ");
    let found = ["migrate dev", "migrate reset", "db push"]
        .iter()
        .find(|one| words.contains("prisma") && words.contains(**one))?;
    let shared = matches!(environment, EnvironmentKind::Production | EnvironmentKind::Staging | EnvironmentKind::Unknown);
    shared.then(|| {
        Check::required("prisma").failed(
            format!("prisma {found} may empty the database, and leaves no migration behind that others have"),
            "timonel run migrate, which applies what the image has by prisma migrate deploy",
        )
    })
}

/// A fresh one of those of its database that are declared: what is lost is lost for ever without it.
pub(super) fn backup(context: &PlanContext, migration: &Migration, known: &Known, loses: bool, now: Timestamp) -> Check {
    let check = if loses { Check::overridable("backup") } else { Check::advisory("backup") };
    let own = context.dumps.iter().filter(|d| migration.backups.contains(&d.id));
    let judged = own.map(|d| known.check(&d.id, d.max_age, Wanted::Fresh, now));
    let best = judged.min_by_key(|c| match c.result {
        Answer::Ok => 0,
        Answer::Unknown => 1,
        Answer::Failed => 2,
    });
    let Some(best) = best else {
        let which = migration
            .database
            .as_ref()
            .map_or_else(|| "the database that is migrated".to_owned(), |id| format!("the database {id}"));
        return check.failed(
            format!("no backup of {which} is declared that a Job can make"),
            "[[backup]] in the service file, and database = \"ID\" in [migrations] where there are several",
        );
    };
    Check { result: best.result, detail: best.detail, fix: best.fix, ..check }
}

impl Basis<'_> {
    /// All of them.
    pub(super) fn checks(&self, context: &PlanContext, migration: &Migration, known: &Known) -> Vec<Check> {
        let mut all = vec![
            self.state(),
            self.pending(context),
            backup(context, migration, known, self.harm().loses_data(), self.now),
            self.sessions(),
            self.lock(),
            self.lock_timeout(),
        ];
        all.extend(self.disk());
        all.extend(self.invalid());
        all.extend(self.changed());
        all
    }

    /// The worst that it does.
    pub(super) fn harm(&self) -> Harm {
        self.statements.iter().map(|(_, s)| s.harm).max().unwrap_or(Harm::Additive)
    }

    fn state(&self) -> Check {
        let check = Check::required("schema");
        match self.position.refusals(&self.seen.inspection.tool).as_slice() {
            [] => check.ok(self.position.words()),
            [first, rest @ ..] => {
                let reasons: Vec<&str> = std::iter::once(first).chain(rest).map(|r| r.reason.as_str()).collect();
                check.failed(reasons.join("; "), first.way_out.clone())
            }
        }
    }

    fn pending(&self, context: &PlanContext) -> Check {
        let check = Check::required("pending");
        match self.position.pending.len() {
            // A release need not bring any.
            0 if context.asks.is_some() => check.ok(format!("nothing is pending: {}", self.position.words())),
            0 => check.failed(format!("nothing is pending: {}", self.position.words()), "an image that brings revisions"),
            1 => check.ok("1 revision"),
            n => check.ok(format!("{n} revisions")),
        }
    }

    /// Sessions that hold what the migration wants to change.
    fn sessions(&self) -> Check {
        let check = Check::overridable("sessions");
        let all = &self.seen.inspection.database.sessions;
        let touched: Vec<&str> = self.statements.iter().filter_map(|(_, s)| s.table.as_deref()).collect();
        let in_the_way = |s: &&Session| s.tables.iter().any(|t| touched.contains(&t.as_str()));
        let words = |s: &Session| {
            let program = if s.program.is_empty() { "a program without a name" } else { &s.program };
            // What it does, and since when, is told to its own role and to whoever may read all statistics.
            let state = if s.state.is_empty() { "of another role".to_owned() } else { format!("{} for {} s", s.state, s.seconds) };
            format!("session {} of {program}, {state}", s.pid)
        };
        if let Some(holder) = all.iter().find(in_the_way) {
            return check.failed(
                format!("{} holds {}", words(holder), holder.tables.join(", ")),
                "let it end, or end it; then inspect again: the migration waits for it 5 s and gives up",
            );
        }
        match all.iter().find(|s| s.seconds > LONG) {
            Some(long) => check.ok(format!("none holds what is changed; {} is open", words(long))),
            None => check.ok("none held what is changed"),
        }
    }

    fn lock(&self) -> Check {
        let check = Check::required("migration-lock");
        if self.seen.inspection.database.locked {
            return check.failed("another migration held the advisory lock", "wait until it is done, then inspect again");
        }
        check.ok("the advisory lock was free; the Job takes it")
    }

    fn lock_timeout(&self) -> Check {
        let check = Check::required("lock-timeout");
        match self.seen.inspection.database.lock_timeout_ms {
            0 => check.failed(
                "lock_timeout is not set in the service's own connection: its driver does not heed PGOPTIONS",
                "set lock_timeout where the migrations connect (env.py, DATABASES)",
            ),
            some => check.ok(format!("a statement waits {some} ms for a lock")),
        }
    }

    /// What is written anew needs its own size once more.
    fn disk(&self) -> Option<Check> {
        let sizes = &self.seen.inspection.database.sizes;
        let rewritten = self
            .statements
            .iter()
            .filter(|(_, s)| s.harm == Harm::Rewriting)
            .filter_map(|(_, s)| sizes.get(s.table.as_ref()?));
        let bytes: u64 = rewritten.map(|size| size.bytes).sum();
        (bytes > 0).then(|| {
            Check::advisory("disk").unknown(
                format!("tables of {} are written anew and need as much again; what the disk has free is not known", quantity::bytes(bytes)),
                "look at the volume of the database",
            )
        })
    }

    /// What was applied is not what the image has: the schema need not be the one that its code expects.
    fn changed(&self) -> Option<Check> {
        let changed = &self.seen.inspection.changed;
        let detail = || format!("the image has {} otherwise than when it was applied", some(changed));
        (!changed.is_empty())
            .then(|| Check::advisory("history").failed(detail(), "the file as it was; what is to be otherwise belongs into a migration of its own"))
    }

    fn invalid(&self) -> Option<Check> {
        let invalid = &self.seen.inspection.database.invalid;
        (!invalid.is_empty())
            .then(|| Check::advisory("indexes").failed(format!("not valid already before: {}", invalid.join(", ")), "REINDEX or DROP INDEX"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::{Basis, backup, forbidden, inspection, logs};
    use crate::base::environment::EnvironmentKind;
    use crate::migrate::inspection::tests::{alembic, inspection as answered};
    use crate::migrate::{MigrationState, Position};
    use crate::run::backup::Known;
    use crate::run::check::{Answer, Check};
    use crate::run::migrate::Seen;
    use crate::run::migrate::releases::tests::seen;
    use crate::run::world::{World, deployment};
    use crate::run::{Environment, Operator, PlanContext};

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 5 * 60).expect("a time")
    }

    fn checks(answer: &Value) -> Vec<Check> {
        let seen = Seen { inspection: answered(answer), ..seen("shop:2", "a", 0) };
        let MigrationState::Known(position) = MigrationState::of(&seen.inspection) else { unreachable!("it is known") };
        of(&seen, &position)
    }

    fn of(seen: &Seen, position: &Position) -> Vec<Check> {
        let pending = seen.inspection.pending(position);
        let statements = pending.iter().flat_map(|s| s.statements.iter().map(|one| (s.id.as_str(), one))).collect();
        let operator = Operator { user: "ana".into(), host: "h".into(), cluster_user: "ana".into() };
        let context = PlanContext::new("c", Environment::of_kind(EnvironmentKind::Production), operator);
        let migration = crate::run::migrate::asked_for(crate::run::migrate::Mode::Inspect).migration;
        Basis { seen, position, statements, now: now() }.checks(&context, &migration, &Known::Read(Vec::new()))
    }

    fn check(answer: &Value, id: &str) -> Check {
        checks(answer).into_iter().find(|c| c.id == id).unwrap_or_else(|| Check::advisory("none"))
    }

    #[test]
    fn an_image_must_have_been_inspected_and_not_long_ago() {
        let (seen, later) = (seen("shop:2", "a", 0), Timestamp::from_second(1_800_000_000 + 11 * 60).expect("a time"));
        assert_eq!(inspection("shop:2", None, None, now()).result, Answer::Failed);
        assert_eq!(inspection("shop:2", None, Some("no answer"), now()).result, Answer::Unknown);
        assert_eq!(
            (inspection("shop:2", Some(&seen), None, now()).result, inspection("shop:2", Some(&seen), None, later).result),
            (Answer::Ok, Answer::Unknown)
        );
        // A clock that is ahead makes nothing new.
        let before = Timestamp::from_second(1_800_000_000 - 11 * 60).expect("a time");
        let ahead = inspection("shop:2", Some(&seen), None, before);
        assert!(ahead.result == Answer::Unknown && ahead.detail.contains("dated 11m ahead of this clock"), "{ahead:?}");
    }

    #[test]
    fn what_stands_in_the_way_blocks() {
        let blocked = |change: &dyn Fn(&mut Value), id: &str| {
            let mut answer = alembic();
            change(&mut answer);
            let check = check(&answer, id);
            (check.result, check.blocks(true))
        };
        let failed = (Answer::Failed, true);
        assert_eq!(blocked(&|a| a["heads"] = json!(["c3", "x9"]), "schema"), failed);
        assert_eq!(blocked(&|a| a["applied"] = json!(["zz"]), "schema"), failed);
        assert_eq!(blocked(&|a| a["applied"] = json!(["c3"]), "pending"), failed);
        assert_eq!(blocked(&|a| a["database"]["locked"] = json!(true), "migration-lock"), failed);
        assert_eq!(blocked(&|a| a["database"]["lock_timeout_ms"] = json!(0), "lock-timeout"), failed);
        let holder = json!([{ "pid": 7, "seconds": 40, "state": "idle in transaction", "program": "psql", "tables": ["rules"] }]);
        assert_eq!(blocked(&|a| a["database"]["sessions"] = holder.clone(), "sessions"), failed);
        let unseen = json!([{ "pid": 7, "seconds": 0, "state": "", "program": "psql", "tables": ["rules"] }]);
        assert_eq!(blocked(&|a| a["database"]["sessions"] = unseen.clone(), "sessions"), failed, "one of another role");
        let other = json!([{ "pid": 7, "seconds": 400, "state": "active", "program": "psql", "tables": ["users"] }]);
        assert_eq!(blocked(&|a| a["database"]["sessions"] = other.clone(), "sessions"), (Answer::Ok, false));
        // It drops a column, and nobody can bring it back.
        assert_eq!(blocked(&|_| {}, "backup"), failed);
        assert_eq!(blocked(&|a| a["scripts"][0]["sql"] = json!("CREATE TABLE n (id int)"), "backup"), (Answer::Failed, false));
    }

    #[test]
    fn prisma_migrate_dev_reset_and_db_push_are_refused_where_others_use_the_database() {
        let check = |words: &str, kind| forbidden(&words.split(' ').map(str::to_owned).collect::<Vec<_>>(), kind);
        for words in ["npx prisma migrate dev", "prisma migrate reset --force", "sh -c npx prisma db push --accept-data-loss"] {
            let refused = check(words, EnvironmentKind::Production).unwrap_or_else(|| Check::advisory("none"));
            assert!(
                refused.blocks(false) && !refused.overridable && refused.fix.as_deref().is_some_and(|fix| fix.contains("migrate deploy")),
                "{words}"
            );
            assert!(check(words, EnvironmentKind::Staging).is_some() && check(words, EnvironmentKind::Development).is_none());
        }
        assert_eq!(check("npx prisma migrate deploy", EnvironmentKind::Production), None);
    }

    #[test]
    fn a_backup_of_another_database_is_none_of_the_one_that_is_migrated() {
        let operator = Operator { user: "ana".into(), host: "h".into(), cluster_user: "ana".into() };
        let mut context = PlanContext::new("c", Environment::of_kind(EnvironmentKind::Production), operator);
        context.dumps = vec![crate::run::record::tests::dump()];
        let mut migration = crate::run::migrate::asked_for(crate::run::migrate::Mode::Inspect).migration;
        let mut asked = |backups: &[&str]| {
            migration.backups = backups.iter().map(|b| (*b).to_owned()).collect();
            (migration.database, migration.backups) = (Some("main".to_owned()), migration.backups.clone());
            backup(&context, &migration, &Known::Read(Vec::new()), true, now()).detail
        };
        let other = asked(&["main-daily"]);
        assert_eq!(other, "no backup of the database main is declared that a Job can make");
        assert_ne!(asked(&["daily"]), other, "its own is asked for");
    }

    #[test]
    fn a_migration_that_was_changed_after_it_was_applied_is_said() {
        let mut answer = alembic();
        answer["changed"] = json!(["a1"]);
        let said = check(&answer, "history");
        assert!(said.result == Answer::Failed && !said.blocks(true) && said.detail.contains("a1 otherwise"), "{said:?}");
    }

    #[test]
    fn whoever_may_not_read_logs_would_not_learn_what_came_of_it() {
        let world = World::new();
        let answer = |world: &World| world.run(logs(world, &deployment())).result;
        assert_eq!(answer(&world), Answer::Ok);
        world.with(|s| s.denied.insert("get pods/log".into()));
        assert_eq!(answer(&world), Answer::Failed);
    }

    #[test]
    fn a_table_that_is_written_anew_needs_its_size_once_more() {
        let mut answer = alembic();
        answer["scripts"][0]["sql"] = json!("ALTER TABLE rules ALTER COLUMN n TYPE bigint");
        assert!(check(&answer, "disk").detail.contains("tables of 8Ki"), "{:?}", check(&answer, "disk"));
        assert_eq!(check(&alembic(), "disk").id, "none");
    }
}
