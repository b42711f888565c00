//! Migrations that are plain files of SQL, applied by the psql of their image.

use serde_json::json;

use super::{Shop, check, reason};
use crate::cluster::Cluster;

const OVER: [&str; 4] = ["--override", "backup", "--reason", "nobody needs it"];

pub(crate) fn three_releases_are_inspected_and_applied_and_the_one_that_loses_data_asks_for_more(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "sql", "sql-1");
    let run = shop.run("inspect", "sql-3", &[]).expect("proven", 0);
    shop.kept_to_itself(&run);
    let known = shop.known("sql-3");
    assert_eq!(known["position"]["pending"], json!(["1", "2", "3"]), "{known:#}");
    assert_eq!(shop.postgres.ask("select count(*) from pg_class where relname in ('rules', 'schema_migrations')"), "0", "it only asked");
    shop.migrated("sql-1");
    shop.migrated("sql-2");
    assert_eq!(
        (
            shop.columns().as_str(),
            shop.postgres.ask("select string_agg(version, ' ' order by version) from schema_migrations").as_str()
        ),
        ("body id note", "0001 0002")
    );
    shop.postgres.ask("insert into rules (id, body) select n, 'x' from generate_series(1, 500) n; analyze");
    shop.run("inspect", "sql-3", &[]).expect("proven", 0);
    let blocked = shop.plan("sql-3", 4);
    assert_eq!((&blocked["blocked_by"], &blocked["confirmation"]["level"]), (&json!(["backup"]), &json!("phrase")), "{blocked:#}");
    let risks = blocked["risks"].to_string();
    assert!(
        risks.contains("3 destructive: alter table rules drop column body") && risks.contains("rules has about 500 rows"),
        "{risks}"
    );
    let run = shop.run("migrate", "sql-3", &OVER).expect("proven", 0);
    shop.kept_to_itself(&run);
    assert_eq!(shop.columns(), "id note");
    shop.run("inspect", "sql-1", &[]).expect("proven", 0);
    assert_eq!(shop.known("sql-1")["position"]["ahead"], json!(["2", "3"]), "{:#}", shop.known("sql-1"));
    assert_eq!(check(&shop.plan("sql-1", 4), "schema")["result"], "failed");
    shop.operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_file_that_fails_leaves_nothing_and_its_statement_is_told(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "sql", "sql-1");
    shop.migrated("sql-1");
    shop.run("inspect", "sql-broken", &[]).expect("proven", 0);
    shop.postgres.ask("insert into rules (id, body) values (1, 'x'), (2, 'x')");
    let run = shop.run("migrate", "sql-broken", &[]);
    let why = reason(&run);
    assert!(run.code.is_some_and(|code| code == 1 || code == 2), "{run:#?}");
    assert!(why.contains("could not create unique index") && why.contains("at create unique index rules_kind"), "{why}");
    assert!(why.contains("applied: 2; not applied: 4"), "{why}");
    assert_eq!(shop.columns(), "body id note", "the file is one transaction with the row that records it");
    assert_eq!(shop.known("sql-broken")["words"], "at 2, 1 pending: 4", "what it came to is known");
    // One that says of itself that it is no transaction is applied as it says.
    shop.migrated("sql-index");
    assert_eq!(shop.postgres.ask("select indisvalid from pg_index where indexrelid = 'rules_note'::regclass"), "t");
    // Somebody migrates between the plan and its Job.
    shop.run("inspect", "sql-broken", &[]).expect("proven", 0);
    shop.postgres.ask("delete from schema_migrations where version = '0005'");
    shop.postgres.ask("delete from rules where id = 2");
    shop.run("inspect", "sql-broken", &[]).expect("proven", 0);
    shop.postgres.ask("delete from schema_migrations where version = '0002'");
    let run = shop.run("migrate", "sql-broken", &[]);
    assert!(reason(&run).contains("the database moved since it was inspected"), "{:#}", run.end());
    assert_eq!(shop.columns(), "body id note");
}

pub(crate) fn the_one_row_of_golang_migrate_is_read_and_a_dirty_one_is_refused(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "sql", "sql-up-1");
    shop.migrated("sql-up-1");
    assert_eq!(shop.postgres.ask("select version, dirty from schema_migrations"), "1|f");
    shop.postgres.ask("update schema_migrations set version = 2, dirty = true");
    shop.run("inspect", "sql-up-2", &[]).expect("proven", 0);
    let schema = check(&shop.plan("sql-up-2", 4), "schema").clone();
    assert!(schema["detail"].as_str().unwrap().contains("a migration failed before: 2"), "{schema:#}");
    assert!(schema["fix"].as_str().unwrap().contains("dirty = false"), "{schema:#}");
    shop.postgres.ask("update schema_migrations set version = 1, dirty = false");
    shop.migrated("sql-up-2");
    assert_eq!(
        (shop.columns().as_str(), shop.postgres.ask("select version, dirty from schema_migrations").as_str()),
        ("body id note", "2|f")
    );
}
