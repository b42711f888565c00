//! Migrations by Prisma's own command line, as npm has it: `migrate status`, `migrate deploy` and `migrate resolve` are real.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{Shop, check, exit_code, reason};
use crate::cluster::Cluster;
use crate::operator::Operator;
use crate::postgres::Postgres;

/// The tool in its images.
const PRISMA: &str = "node node_modules/prisma/build/index.js migrate";
const OVER: [&str; 4] = ["--override", "backup", "--reason", "nobody needs it"];

fn prisma(shop: &Shop<'_>, release: &str, name: &str, words: &str) -> serde_json::Value {
    exit_code(shop.space, release, name, &format!("{PRISMA} {words}"))
}

pub(crate) fn three_releases_are_inspected_and_deployed_and_the_one_that_loses_data_asks_for_more(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "prisma", "prisma-1");
    let run = shop.run("inspect", "prisma-3", &[]).expect("proven", 0);
    shop.kept_to_itself(&run);
    let all = ["20260101000000_rules", "20260201000000_note", "20260301000000_drop"];
    let known = shop.known("prisma-3");
    assert_eq!(known["position"]["pending"], json!(all), "{known:#}");
    assert_eq!(
        shop.postgres.ask("select count(*) from pg_class where relname in ('rules', '_prisma_migrations')"),
        "0",
        "it only asked"
    );
    shop.migrated("prisma-1");
    shop.migrated("prisma-2");
    assert_eq!(shop.columns(), "body id note");
    shop.postgres.ask("insert into rules (id, body) select n, 'x' from generate_series(1, 500) n; analyze");
    shop.run("inspect", "prisma-3", &[]).expect("proven", 0);
    let blocked = shop.plan("prisma-3", 4);
    assert_eq!((&blocked["blocked_by"], &blocked["confirmation"]["level"]), (&json!(["backup"]), &json!("phrase")), "{blocked:#}");
    let risks = blocked["risks"].to_string();
    assert!(risks.contains("20260301000000_drop destructive: ALTER TABLE") && risks.contains("rules has about 500 rows"), "{risks}");
    assert!(blocked["same_as"].to_string().contains("prisma migrate deploy"), "{blocked:#}");
    let run = shop.run("migrate", "prisma-3", &OVER).expect("proven", 0);
    shop.kept_to_itself(&run);
    assert_eq!(shop.columns(), "id note");
    // The tool itself says the same.
    assert_eq!(prisma(&shop, "prisma-3", "status", "status"), 0);
    // A file that is another one than it was when it was applied is said.
    shop.postgres
        .ask("update _prisma_migrations set checksum = repeat('0', 64) where migration_name = '20260201000000_note'");
    shop.run("inspect", "prisma-3", &[]).expect("proven", 0);
    let history = check(&shop.plan("prisma-3", 4), "history").clone();
    assert!(
        history["detail"].as_str().unwrap().contains("has 20260201000000_note otherwise than when it was applied"),
        "{history:#}"
    );
    // An older image does not know what the database has.
    shop.run("inspect", "prisma-1", &[]).expect("proven", 0);
    assert_eq!(shop.known("prisma-1")["position"]["ahead"], json!(all[1..]), "{:#}", shop.known("prisma-1"));
    assert_eq!(check(&shop.plan("prisma-1", 4), "schema")["result"], "failed");
    shop.operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_migration_that_fails_half_way_is_told_by_statement_and_resolved(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "prisma", "prisma-1");
    shop.migrated("prisma-1");
    shop.run("inspect", "prisma-broken", &[]).expect("proven", 0);
    // Rows come between the inspection and the migration: nothing could have told.
    shop.postgres.ask("insert into rules (id, body) values (1, 'x'), (2, 'x')");
    let run = shop.run("migrate", "prisma-broken", &[]);
    let why = reason(&run);
    assert!(run.code.is_some_and(|code| code == 1 || code == 2), "{run:#?}");
    assert!(why.contains("20260401000000_unique: Unique constraint failed: (kind)"), "{why}");
    assert!(why.contains("applied: 20260201000000_note; not applied: 20260401000000_unique"), "{why}");
    let parts = [
        "of 20260401000000_unique in effect: ALTER TABLE \"rules\" ADD COLUMN \"kind\"",
        "not in effect: CREATE UNIQUE INDEX \"rules_kind_key\" ON \"rules\"(\"kind\"), ALTER TABLE \"rules\" ADD COLUMN \"later\" TEXT",
    ];
    assert!(parts.iter().all(|part| why.contains(part)), "{why}");
    assert_eq!(shop.columns(), "body id kind note", "Prisma's statements are no transaction");
    assert_eq!(
        space.list("batch/v1", "Job").iter().filter(|job| job["status"]["failed"] == 1).count(),
        1,
        "the Job of a failure is kept"
    );
    // L-T6: it says 1, as for what is only pending.
    assert_eq!(prisma(&shop, "prisma-broken", "failed", "status"), 1);
    shop.run("inspect", "prisma-broken", &[]).expect("proven", 0);
    let schema = check(&shop.plan("prisma-broken", 4), "schema").clone();
    assert_eq!((&schema["result"], &schema["overridable"]), (&json!("failed"), &json!(false)), "{schema:#}");
    assert!(schema["detail"].as_str().unwrap().contains("failed before: 20260401000000_unique"), "{schema:#}");
    let way_out = schema["fix"].as_str().unwrap();
    assert!(
        way_out.contains("prisma migrate resolve --applied NAME") && way_out.contains("prisma migrate resolve --rolled-back NAME"),
        "{way_out}"
    );
    // The way out, as it is said: what is in effect is taken back, and the tool is told.
    shop.postgres.ask("alter table rules drop column kind; delete from rules where id = 2");
    assert_eq!(prisma(&shop, "prisma-broken", "resolve", "resolve --rolled-back 20260401000000_unique"), 0);
    // Now it says that all is well, and one migration is pending.
    assert_eq!(prisma(&shop, "prisma-broken", "pending", "status"), 0);
    shop.migrated("prisma-broken");
    assert_eq!(shop.columns(), "body id kind later note");
    shop.operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn what_was_made_by_db_push_and_who_holds_the_lock_is_seen_before(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "prisma", "prisma-1");
    shop.postgres.ask("create table rules (id int primary key, body text)");
    // L-T6: it exits 1 for this as well.
    assert_eq!(prisma(&shop, "prisma-2", "pushed", "status"), 1);
    shop.run("inspect", "prisma-2", &[]).expect("proven", 0);
    let schema = check(&shop.plan("prisma-2", 4), "schema").clone();
    assert!(
        schema["detail"]
            .as_str()
            .unwrap()
            .contains("no record of a migration: they were made in another way (prisma db push)"),
        "{schema:#}"
    );
    assert!(schema["fix"].as_str().unwrap().contains("prisma migrate resolve --applied NAME"), "{schema:#}");
    // The way out: what it has is recorded as applied.
    assert_eq!(prisma(&shop, "prisma-2", "baseline", "resolve --applied 20260101000000_rules"), 0);
    // L-T7: a lock that a killed client left behind.
    let held = shop.postgres.hold_lock(72_707_369);
    shop.run("inspect", "prisma-2", &[]).expect("proven", 0);
    let lock = check(&shop.plan("prisma-2", 4), "migration-lock").clone();
    assert!(lock["detail"].as_str().unwrap().contains("another migration held the advisory lock"), "{lock:#}");
    drop(held);
    shop.run("inspect", "prisma-2", &[]).expect("proven", 0);
    // Taken between the plan and its Job: nothing is applied.
    let held = shop.postgres.hold_lock(72_707_369);
    let run = shop.run("migrate", "prisma-2", &[]);
    assert!(reason(&run).contains("another migration holds the advisory lock 72707369"), "{:#}", run.end());
    assert_eq!(shop.columns(), "body id");
    drop(held);
    shop.migrated("prisma-2");
    assert_eq!(shop.columns(), "body id note");
}

/// Stands in for the client that Prisma generates, whose engine is a program that cannot be had here: what it is asked goes to psql.
const CLIENT: &str = r#"
const { spawnSync } = require("child_process");
exports.PrismaClient = class {
  constructor({ datasourceUrl }) {
    if (new URL(datasourceUrl).searchParams.get("connection_limit") !== "1") throw new Error("one connection");
  }
  async $queryRawUnsafe(query) {
    const asked = "select coalesce(json_agg(row_to_json(r)), '[]') from (" + query + ") as r";
    const { status, stdout, stderr } = spawnSync("psql", ["-X", "-A", "-t", "-q", "-c", asked]);
    if (status !== 0) throw new Error(String(stderr));
    return JSON.parse(stdout);
  }
  async $disconnect() {}
};
"#;

pub(crate) fn an_image_that_has_no_driver_is_asked_through_its_client(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let postgres = Postgres::new(&space);
    let operator = Operator::new(cluster, "operator", &space);
    let app = operator.sandbox.path("app");
    let write = |name: &str, text: &str| {
        let path = app.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("prisma/schema.prisma", include_str!("../../projects/prisma/prisma/schema.prisma"));
    write("prisma/migrations/20260101000000_rules/migration.sql", "CREATE TABLE rules (id int);");
    let ask = || {
        let database = include_str!("../../../../src/run/migrate/database.sql").replace("HIGH", "0").replace("LOW", "72707369");
        let mut node = postgres.client("node", Path::new("/nowhere"));
        node.current_dir(&app).args(["-e", include_str!("../../../../src/run/migrate/asks.js")]);
        node.env("TIMONEL_MODE", "inspect").env("TIMONEL_DATABASE", database);
        node.env("DATABASE_URL", "postgresql://shop:x@db:5432/shop?schema=public");
        String::from_utf8_lossy(&node.output().unwrap().stdout).into_owned()
    };
    assert!(ask().contains("the image has neither pg nor @prisma/client"), "{}", ask());
    write("node_modules/@prisma/client/index.js", CLIENT);
    let said = ask();
    assert!(said.contains(r#""applied":[],"failed":[]"#) && said.contains(r#""recorded":false,"tables":0"#), "{said}");
    postgres.ask(
        "create table _prisma_migrations (migration_name text, finished_at timestamptz, rolled_back_at timestamptz, started_at timestamptz, logs text, checksum text); \
         insert into _prisma_migrations values ('20260101000000_rules', now(), null, now(), null, 'x')",
    );
    let said = ask();
    assert!(said.contains(r#""applied":["20260101000000_rules"]"#) && said.contains(r#""recorded":true"#), "{said}");
}
