//! Bad days of a migration: its console is killed, its holder gone, its server out of reach, somebody else at it.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::vanished;
use crate::cases::migrations::{Shop, file, image, reason};
use crate::cluster::Cluster;
use crate::faults::Watched;
use crate::middle::{Fate, Middle, When};
use crate::operator::{Operator, Run};
use crate::support::proxy::Proxy;

/// A shop whose database is at its first revision, and whose second one was inspected.
fn inspected(shop: &Shop<'_>) {
    shop.migrated("alembic-1");
    shop.run("inspect", "alembic-2", &[]).expect("proven", 0);
}

/// Where it was before.
fn taken_back(shop: &Shop<'_>) {
    shop.postgres.ask("alter table rules drop column note; update alembic_version set version_num = 'a1'");
    shop.run("inspect", "alembic-2", &[]).expect("proven", 0);
}

pub(crate) fn a_migration_that_is_killed_at_any_line_of_its_record_is_applied_once_when_it_is_resumed(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let line = Proxy::to(cluster.address());
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1").over(cluster, &line);
    inspected(&shop);
    let image = format!("image={}", image("alembic-2"));
    for (nth, (kind, step, row)) in [
        ("confirm", "", "migration: kill -9 once the confirmation is recorded; resumed"),
        ("proof", "lock", "migration: kill -9 once the lock is taken; resumed"),
        ("outcome", "write", "migration: kill -9 once its Job is made; resumed"),
    ]
    .into_iter()
    .enumerate()
    {
        if nth > 0 {
            taken_back(&shop);
        }
        let _ = cluster.writes(&space);
        let before: Vec<Value> = shop.operator.journal().iter().map(|line| line["run"].clone()).collect();
        line.slow(Duration::from_millis(400));
        let running = shop.operator.start(&["run", "migrate", &image, "-f", &shop.file, "--confirm", "y", "-o", "json"]);
        let at = |line: &Value| line["kind"] == kind && (step.is_empty() || line["step"] == step) && !before.contains(&line["run"]);
        let id = shop.operator.wait_for_line(row, at);
        running.signal(Signal::KILL);
        assert_eq!(running.end().code, None, "killed");
        line.slow(Duration::ZERO);
        let run = Run::of(&shop.operator.call(&["runs", "resume", &id, "-o", "json"])).expect("proven", 0);
        Watched { cluster, space: &space, operator: &shop.operator }.ended_with_one_write_at_most(row, &run);
        let own = space
            .list("batch/v1", "Job")
            .into_iter()
            .filter(|job| job["metadata"]["labels"]["timonel.io/run"] == id.as_str())
            .count();
        assert_eq!((own, shop.columns().as_str()), (1, "body id note"), "{row}");
    }
    // What was asked and may not have arrived is asked again under the same name: there is one Job at most.
    taken_back(&shop);
    let middle = Middle::of(cluster, "operator");
    let shop = Shop { operator: shop.operator.through(cluster, "operator", &middle), ..shop };
    let _ = cluster.writes(&space);
    let asked = middle.hold("POST", "/jobs", 1, When::Asked, Fate::QuestionLost);
    let running = shop.operator.start(&["run", "migrate", &image, "-f", &shop.file, "--confirm", "y", "-o", "json"]);
    asked.reached();
    let id = shop.operator.journal().last().expect("an intent")["run"].as_str().expect("a run").to_owned();
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None, "killed");
    asked.go();
    let run = shop.operator.resume(&id).expect("proven", 0);
    let row = "migration: kill -9 with the request for its Job on its way, which does not arrive; resumed";
    Watched { cluster, space: &space, operator: &shop.operator }.ended_with_one_write_at_most(row, &run);
    assert_eq!(shop.columns(), "body id note");
}

pub(crate) fn whoever_may_not_migrate_now_is_told_why_and_makes_no_job(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    inspected(&shop);
    let image = format!("image={}", image("alembic-2"));
    let jobs = || space.list("batch/v1", "Job").len();
    let refused = |user: &str, row: &str, pin: bool| {
        let operator = Operator::new(cluster, user, &space);
        let mut file = file(&operator, "alembic", "test");
        if pin {
            let text = std::fs::read_to_string(&file).unwrap();
            let pinned = "type = \"kubernetes\"\ncluster_uid = \"0d3bf5a1-6a34-4f0a-9d2f-8f2f1d7a9c55\"\n";
            file = operator
                .sandbox
                .write("pinned.toml", &text.replacen("type = \"kubernetes\"\n", pinned, 1))
                .display()
                .to_string();
        }
        let (before, _) = (jobs(), cluster.writes(&space));
        let run = operator.run_of("migrate", &[&image, "-f", &file]).expect("refused", 4);
        Watched { cluster, space: &space, operator: &operator }.ended(row, &run);
        assert_eq!((jobs(), shop.columns().as_str()), (before, "body id"), "{row}");
    };
    refused("viewer", "migration: a viewer", false);
    refused("second", "migration: the service file means another cluster", true);
    let held = shop.postgres.hold("rules");
    let running = shop.operator.start(&["run", "migrate", &image, "-f", &shop.file, "--confirm", "y", "-o", "json"]);
    let before = shop.operator.journal().len();
    shop.operator
        .wait_for_line("its Job is made", |line| line["seq"].as_u64().is_some_and(|seq| seq > before as u64) && line["kind"] == "outcome");
    refused("second", "migration: a second operator meanwhile", false);
    drop(held);
    let _ = running.end();
}

pub(crate) fn a_migration_goes_on_without_its_console_its_server_and_a_holder_who_vanished(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let middle = Middle::of(cluster, "operator");
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    inspected(&shop);
    vanished(&space, "deployment-api");
    let migrated = |shop: &Shop<'_>, row: &str| {
        let _ = cluster.writes(&space);
        let run = shop.run("migrate", "alembic-2", &[]).expect("proven", 0);
        Watched { cluster, space: &space, operator: &shop.operator }.ended(row, &run);
        assert_eq!(shop.columns(), "body id note", "{row}");
    };
    migrated(&shop, "migration: the holder of the lock vanished");
    taken_back(&shop);
    let shop = Shop { operator: shop.operator.through(cluster, "operator", &middle), ..shop };
    middle.clock_ahead(300);
    migrated(&shop, "migration: the server's clock is 5 minutes ahead");
    taken_back(&shop);

    let line = Proxy::to(cluster.address());
    let shop = shop.over(cluster, &line);
    let held = shop.postgres.hold("rules");
    let image = format!("image={}", image("alembic-2"));
    let (before, _) = (shop.operator.journal().len(), cluster.writes(&space));
    let running = shop.operator.start(&["run", "migrate", &image, "-f", &shop.file, "--confirm", "y", "-o", "json"]);
    shop.operator
        .wait_for_line("its Job is made", |line| line["seq"].as_u64().is_some_and(|seq| seq > before as u64) && line["kind"] == "outcome");
    line.cut();
    drop(held);
    let until = std::time::Instant::now() + crate::cluster::PATIENCE;
    while shop.columns() != "body id note" {
        assert!(std::time::Instant::now() < until, "it is applied while nobody sees it");
    }
    line.mend();
    let run = Run::of(&running.end()).expect("proven", 0);
    Watched { cluster, space: &space, operator: &shop.operator }.ended("migration: the API server is out of reach until it is done", &run);
    assert!(reason(&run).contains("every proof held"), "{:#}", run.end());
}
