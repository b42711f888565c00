//! Bad days of a migration: its console is killed, its holder gone, its server out of reach, somebody else at it.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::{pinned, vanished};
use crate::cases::migrations::{Shop, check, file, image, reason};
use crate::cluster::Cluster;
use crate::faults::Watched;
use crate::middle::{Fate, Middle, When};
use crate::operator::{Operator, Run};
use crate::support::proxy::Proxy;

/// While this advisory lock is held, a migration that [`slow`] is about does not go on.
pub(super) const GATE: u32 = 4711;

/// Lets each change of a table that leaves things so take until nobody holds the gate. Waiting for the gate itself would end by
/// `lock_timeout`.
pub(super) fn slow(shop: &Shop<'_>, so: &str) {
    shop.postgres.ask(&format!(
        "create function waits() returns event_trigger language plpgsql as $$ begin if {so} then \
         while exists (select 1 from pg_locks where locktype = 'advisory' and granted and objid = {GATE}) loop perform pg_sleep(0.1); end loop; end if; end $$; \
         create event trigger waits on ddl_command_end when tag in ('ALTER TABLE') execute function waits()"
    ));
}

/// How many statements are in the middle of changing a table.
pub(super) const CHANGING: &str =
    "select count(*) from pg_stat_activity where state = 'active' and query like '%ALTER TABLE%' and pid <> pg_backend_pid()";

/// A shop whose database is at its first revision, and whose second one was inspected.
pub(super) fn inspected(shop: &Shop<'_>) {
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
        assert_eq!((space.jobs_of(&id), shop.columns().as_str()), (1, "body id note"), "{row}");
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
        let own = file(&operator, "alembic", "test");
        let file = if pin { pinned(&operator, &own) } else { own };
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

pub(crate) fn a_migration_whose_pod_is_killed_in_the_middle_fails_and_says_what_was_applied(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    shop.migrated("alembic-1");
    shop.run("inspect", "alembic-3", &[]).expect("proven", 0);
    // The first of two revisions is applied, the second does not come to its end.
    slow(&shop, "not exists (select 1 from information_schema.columns where table_name = 'rules' and column_name = 'body')");
    let gate = shop.postgres.hold_lock(GATE);
    let (image, over) = (format!("image={}", image("alembic-3")), ["--override", "backup", "--reason", "nobody needs it"]);
    // With its password the database can be asked without a Job.
    let text = std::fs::read_to_string(&shop.file)
        .unwrap()
        .replace("user = \"shop\"\n", "user = \"shop\"\npassword = \"secret:db\"\n");
    let text = format!("{text}[secrets.db]\nref = \"k8s:{}/db#password\"\n", space.name());
    let file = shop.operator.sandbox.write("asked.toml", &text).display().to_string();
    let words = [&[&*image, "-f", &file], &over[..]].concat();
    let phrase = shop.operator.plan_of("migrate", &words).text("/confirmation/type").to_owned();
    let _ = cluster.writes(&space);
    let running = shop.operator.start(&[&["run", "migrate"], &words[..], &["--confirm", &phrase, "-o", "json"]].concat());
    shop.postgres.wait_for(CHANGING, "1");
    let id = shop.operator.journal().last().expect("a record")["run"].as_str().expect("a run").to_owned();
    let pods = space.list("v1", "Pod").into_iter().filter(|pod| pod["metadata"]["labels"]["timonel.io/run"] == id.as_str());
    for pod in pods {
        space.kill_pod(pod["metadata"]["name"].as_str().unwrap());
    }
    let run = Run::of(&running.end());
    Watched { cluster, space: &space, operator: &shop.operator }.ended("migration: its pod is killed in the middle of its second revision", &run);
    assert!(reason(&run).contains("the database itself says: applied: b2; not applied: c3"), "{}", reason(&run));
    let failed = space.list("batch/v1", "Job").iter().filter(|job| job["status"]["failed"] == 1).count();
    assert_eq!((failed, space.jobs_of(&id)), (1, 1), "it is not tried a second time by itself, and is kept");
    // What the server still does for a client that is gone is seen, and is in the way of the next one.
    shop.run("inspect", "alembic-3", &[]).expect("proven", 0);
    assert_eq!(shop.known("alembic-3")["words"], "at b2, 1 pending: c3", "one was applied, the other was not");
    assert_eq!(check(&shop.plan("alembic-3", 4), "sessions")["result"], "failed");
    drop(gate);
    shop.postgres.wait_for(CHANGING, "0");
    assert_eq!(shop.columns(), "body id note", "what was in the middle of it is taken back by the server");
    shop.run("inspect", "alembic-3", &[]).expect("proven", 0);
    shop.run("migrate", "alembic-3", &over).expect("proven", 0);
    assert_eq!(shop.columns(), "id note");
    shop.operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_migration_is_never_asked_for_its_lock_and_its_job_comes_to_its_end(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    inspected(&shop);
    slow(&shop, "true");
    let gate = shop.postgres.hold_lock(GATE);
    let image = format!("image={}", image("alembic-2"));
    let running = shop.operator.start(&["run", "migrate", &image, "-f", &shop.file, "--confirm", "y", "-o", "json"]);
    shop.postgres.wait_for(CHANGING, "1");
    let _ = cluster.writes(&space);
    let second = Operator::new(cluster, "second", &space);
    let theirs = file(&second, "alembic", "test");
    let asks = Run::of(&second.call(&["run", "restart", "api", "-f", &theirs, "--confirm", "y", "--preempt", "-o", "json"])).expect("refused", 4);
    let row = "migration: a second operator's restart asks for its lock while its Job runs";
    Watched { cluster, space: &space, operator: &second }.ended(row, &asks);
    for lease in space.list("coordination.k8s.io/v1", "Lease") {
        assert!(lease["metadata"]["annotations"].get("timonel.io/preempt-by").is_none(), "nobody was asked: {lease:#}");
    }
    drop(gate);
    Run::of(&running.end()).expect("proven", 0);
    assert_eq!(shop.columns(), "body id note");
}
