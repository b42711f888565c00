//! Migrations of a real PostgreSQL by real Alembic and Django: asked of the image that is meant, planned, applied, proven by the database.
//! Prisma's are beside it, and plain files of SQL; what they share is here.

pub(crate) mod plain_sql;
pub(crate) mod prisma;

use serde_json::{Value, json};

use super::approvals::waits;
use crate::bed::node::{DATABASE, MIGRATIONS};
use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::operator::{Operator, Run};
use crate::postgres::{PASSWORD, Postgres};
use crate::support::proxy::Proxy;

/// The image of a release.
pub(super) fn image(release: &str) -> String {
    format!("{MIGRATIONS}:{release}")
}

/// A Deployment whose pods run that release and find the database in their environment.
pub(super) fn workload(space: &Namespace<'_>, release: &str) {
    running(space, "api", release, 1, "sleep 3600");
}

/// The same under another name, with so many pods of another command.
pub(super) fn running(space: &Namespace<'_>, name: &str, release: &str, replicas: u32, command: &str) {
    let env = |name: &str, value: &str| format!("{{name: {name}, value: {value}}}");
    let password = "{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}";
    let pod = space.get("v1", "Pod", "db-0").unwrap();
    let address = pod["status"]["podIP"].as_str().expect("the pod has an address").to_owned();
    let url = format!("'postgresql://shop:$(DB_PASSWORD)@{address}:5432/shop?schema=public'");
    let envs = [
        env("DB_HOST", &address),
        env("DB_PORT", "'5432'"),
        env("DB_NAME", "shop"),
        env("DB_USER", "shop"),
        password.to_owned(),
        env("DATABASE_URL", &url),
    ];
    // What the template runs before its containers is not run by an inspection: it would be the migration itself.
    space.apply(&format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    \
         metadata: {{labels: {{app: {name}}}}}\n    spec:\n      terminationGracePeriodSeconds: 0\n      \
         containers:\n      - {{name: {name}, image: '{image}', imagePullPolicy: Never, command: [sh, -c, '{command}'], env: [{envs}]}}\n",
        image = image(release),
        envs = envs.join(", ")
    ));
    if command.starts_with("sleep") {
        space.wait("the service runs", "apps/v1", "Deployment", name, |d| d["status"]["readyReplicas"] == replicas);
    }
}

/// A service file with these migrations; the environment is of that kind.
pub(super) fn file(operator: &Operator, tool: &str, kind: &str) -> String {
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.{kind}]\nkind = \"{kind}\"\n[env.{kind}.target]\ntype = \"kubernetes\"\n\
         [[workload]]\nid = \"api\"\nrole = \"api\"\nkind = \"deployment\"\nname = \"api\"\nwrites_db = true\n\
         [[workload]]\nid = \"worker\"\nkind = \"deployment\"\nname = \"worker\"\nwrites_db = true\n\
         [[workload]]\nid = \"db\"\nrole = \"database\"\nkind = \"statefulset\"\nname = \"db\"\n\
         [migrations]\ntool = \"{tool}\"\nworkload = \"api\"\n\
         [[database]]\nid = \"main\"\nkind = \"postgres\"\nworkload = \"db\"\nname = \"shop\"\nuser = \"shop\"\nimage = \"{DATABASE}\"\n"
    );
    operator.sandbox.write("shop.toml", &text).display().to_string()
}

/// The columns of the table that is migrated.
pub(super) const COLUMNS: &str =
    "select string_agg(column_name, ' ' order by column_name) from information_schema.columns where table_name = 'rules'";

/// A database, a service of that release beside it, an operator with a service file.
pub(super) struct Shop<'a> {
    pub(super) space: &'a Namespace<'a>,
    pub(super) postgres: Postgres<'a>,
    pub(super) operator: Operator,
    pub(super) file: String,
}

impl<'a> Shop<'a> {
    pub(super) fn new(cluster: &Cluster, space: &'a Namespace<'a>, tool: &str, release: &str) -> Self {
        let postgres = Postgres::new(space);
        workload(space, release);
        let operator = Operator::new(cluster, "operator", space);
        let file = file(&operator, tool, "test");
        Self { space, postgres, operator, file }
    }

    /// With the operator behind that line.
    pub(super) fn over(self, cluster: &Cluster, line: &Proxy) -> Self {
        Self { operator: self.operator.over(cluster, "operator", line), ..self }
    }

    pub(super) fn run(&self, action: &str, release: &str, more: &[&str]) -> Run {
        let image = format!("image={}", image(release));
        self.operator.run_of(action, &[&[&*image, "-f", &self.file], more].concat())
    }

    pub(super) fn plan(&self, release: &str, code: i32) -> Value {
        let image = format!("image={}", image(release));
        self.operator.call(&["plan", "migrate", &image, "-f", &self.file, "-o", "json"]).exits(code).json()
    }

    /// What is known of a release.
    pub(super) fn known(&self, release: &str) -> Value {
        let all = self.operator.call(&["migrations", "-f", &self.file, "-o", "json"]).json();
        let own = |i: &&Value| i["names"].as_array().unwrap().contains(&json!(image(release)));
        all["images"].as_array().unwrap().iter().find(own).cloned().unwrap_or_default()
    }

    pub(super) fn migrated(&self, release: &str) {
        self.run("inspect", release, &[]).expect("proven", 0);
        self.run("migrate", release, &[]).expect("proven", 0);
    }

    /// The verdict on the first revision, as `releases` and as `status` have it.
    fn back(&self) -> (String, String) {
        let listed = self.operator.call(&["releases", "api", "-f", &self.file, "-o", "json"]).exits(0).json();
        let first = listed["releases"].as_array().unwrap().iter().find(|r| r["revision"] == 1).cloned().unwrap_or_default();
        let status = self.operator.call(&["status", "-f", &self.file, "-o", "json"]).json();
        (
            first["verdict"].as_str().unwrap_or_default().to_owned(),
            status["back"]["verdict"].as_str().unwrap_or_default().to_owned(),
        )
    }

    pub(super) fn columns(&self) -> String {
        self.postgres.ask(COLUMNS)
    }

    /// Fails when the password is anywhere that the program wrote to, here and in the cluster.
    pub(super) fn kept_to_itself(&self, run: &Run) {
        let journal = std::fs::read_to_string(self.operator.sandbox.path("state/timonel/journal.jsonl")).unwrap();
        let record = self.space.get("v1", "ConfigMap", "timonel-releases-shop").unwrap_or_default().to_string();
        assert!(!journal.contains(PASSWORD) && !format!("{run:?}").contains(PASSWORD) && !record.contains(PASSWORD), "{run:#?}");
    }
}

pub(super) fn reason(run: &Run) -> String {
    run.end()["reason"].as_str().unwrap_or_default().to_owned()
}

pub(super) fn check<'v>(plan: &'v Value, id: &str) -> &'v Value {
    let all = plan["checks"].as_array().expect("checks");
    all.iter().find(|c| c["id"] == id).unwrap_or_else(|| panic!("no check {id}: {plan:#}"))
}

pub(crate) fn an_image_is_asked_before_it_runs_and_the_answer_is_kept_for_others(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    let before = shop.operator.call(&["migrations", "-f", &shop.file, "-o", "json"]).exits(3).json();
    assert_eq!((&before["state"], &before["words"]), (&json!("unknown"), &json!("unknown: not inspected")), "{before:#}");
    let blocked = shop.plan("alembic-3", 4);
    assert!(check(&blocked, "inspection")["detail"].as_str().unwrap().contains("was not inspected"), "{blocked:#}");
    let run = shop.run("inspect", "alembic-3", &[]).expect("proven", 0);
    shop.kept_to_itself(&run);
    let known = shop.known("alembic-3");
    assert_eq!(known["position"]["pending"], json!(["a1", "b2", "c3"]), "{known:#}");
    let harms: Vec<&Value> = known["pending"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|s| s["statements"].as_array().unwrap())
        .map(|s| &s["harm"])
        .collect();
    assert!(harms.contains(&&json!("destructive")) && !harms.contains(&&json!("unknown")), "{known:#}");
    assert!(known["digest"].as_str().unwrap().starts_with("sha256:"), "{known:#}");
    // It only asked.
    assert_eq!(shop.postgres.ask("select count(*) from pg_class where relname in ('rules', 'alembic_version')"), "0");
    // The workload that runs is the same as before, and none of its pods was asked.
    assert_eq!(space.get("apps/v1", "Deployment", "api").unwrap()["metadata"]["generation"], 1);
    shop.operator.call(&["journal", "verify"]).exits(0);
}

/// What `alembic init` makes of `env.py` (1.20), with the database from the environment: one transaction for all, which is committed.
const INIT: &str = r#"import os
from logging.config import fileConfig

from sqlalchemy import engine_from_config
from sqlalchemy import pool

from alembic import context

config = context.config
config.set_main_option("sqlalchemy.url", "postgresql+psycopg://{DB_USER}:{DB_PASSWORD}@{DB_HOST}:{DB_PORT}/{DB_NAME}".format(**os.environ))
target_metadata = None


def run_migrations_offline() -> None:
    url = config.get_main_option("sqlalchemy.url")
    context.configure(
        url=url,
        target_metadata=target_metadata,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
    )

    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online() -> None:
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}),
        prefix="sqlalchemy.",
        poolclass=pool.NullPool,
    )

    with connectable.connect() as connection:
        context.configure(
            connection=connection, target_metadata=target_metadata
        )

        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
"#;

pub(crate) fn an_inspection_writes_nothing_and_sees_what_stands_in_the_way_by_a_role_that_may_do_nothing_else(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    shop.postgres.ask(&format!("create role reader login password '{PASSWORD}'"));
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "env" }, "data": { "env.py": INIT } });
    space.apply(&map.to_string());
    // The service's own env.py, and a role of its own: it owns nothing, and may read no statistics.
    let mut api = space.get("apps/v1", "Deployment", "api").unwrap();
    let pod = &mut api["spec"]["template"]["spec"];
    pod["volumes"] = json!([{ "name": "env", "configMap": { "name": "env" } }]);
    pod["containers"][0]["volumeMounts"] = json!([{ "name": "env", "mountPath": "/srv/app/migrations/env.py", "subPath": "env.py" }]);
    for one in pod["containers"][0]["env"].as_array_mut().unwrap() {
        if one["name"] == "DB_USER" {
            one["value"] = json!("reader");
        }
    }
    let (name, spec) = (json!({ "name": "api" }), api["spec"].clone());
    space.apply(&json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": name, "spec": spec }).to_string());
    shop.run("inspect", "alembic-2", &[]).expect("proven", 0);
    assert_eq!(shop.known("alembic-2")["position"]["pending"], json!(["a1", "b2"]));
    assert_eq!(shop.postgres.ask("select count(*) from pg_class where relname in ('rules', 'alembic_version')"), "0");
    // Of what another role does it sees no more than that it holds the table.
    shop.postgres.ask(
        "create table rules (id serial primary key, body text not null); create table alembic_version (version_num varchar(32) primary key); \
         insert into alembic_version values ('a1'); grant select on all tables in schema public to reader",
    );
    let held = shop.postgres.hold("rules");
    shop.run("inspect", "alembic-2", &[]).expect("proven", 0);
    let blocked = shop.plan("alembic-2", 4);
    let sessions = check(&blocked, "sessions");
    assert_eq!(sessions["result"], "failed", "{sessions:#}");
    assert!(sessions["detail"].as_str().unwrap().contains("psql, of another role holds rules"), "{sessions:#}");
    drop(held);
}

pub(crate) fn a_migration_that_loses_data_asks_for_more_and_is_proven_by_the_database(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    shop.run("inspect", "alembic-2", &[]).expect("proven", 0);
    let adds = shop.plan("alembic-2", 0);
    assert_eq!(adds["confirmation"]["level"], "key", "what only adds asks for no more than the environment: {adds:#}");
    shop.run("migrate", "alembic-2", &[]).expect("proven", 0);
    assert_eq!(shop.columns(), "body id note");
    shop.postgres.ask("insert into rules (id, body) select n, 'x' from generate_series(1, 500) n; analyze");
    shop.run("inspect", "alembic-3", &[]).expect("proven", 0);
    let blocked = shop.plan("alembic-3", 4);
    assert!(check(&blocked, "backup")["result"] == "failed" && blocked["blocked_by"] == json!(["backup"]), "{blocked:#}");
    let risks = blocked["risks"].to_string();
    assert!(
        risks.contains("c3 destructive: ALTER TABLE rules DROP COLUMN body") && risks.contains("rules has about 500 rows"),
        "{risks}"
    );
    assert_eq!(blocked["confirmation"]["level"], "phrase", "{blocked:#}");
    // The same in production is for two.
    let production = file(&shop.operator, "alembic", "production");
    let image = format!("image={}", image("alembic-3"));
    let there = shop.operator.call(&["plan", "migrate", &image, "-f", &production, "-o", "json"]).json();
    assert_eq!(there["confirmation"]["level"], "two-person", "{there:#}");
    // Neither a key nor the environment's word is enough.
    let over = ["--override", "backup", "--reason", "nobody needs it"];
    let file = file(&shop.operator, "alembic", "test");
    let short = shop
        .operator
        .call(&[&["run", "migrate", &image, "-f", &file, "--confirm", "y", "-o", "json"], &over[..]].concat());
    assert_eq!((short.code, shop.columns().as_str()), (Some(4), "body id note"), "{}", short.stderr);
    let run = shop.run("migrate", "alembic-3", &over).expect("proven", 0);
    shop.kept_to_itself(&run);
    assert_eq!((shop.columns().as_str(), shop.postgres.ask("select version_num from alembic_version").as_str()), ("id note", "c3"));
    assert_eq!(shop.known("alembic-3")["words"], "at c3, nothing pending");
    let again = shop.plan("alembic-3", 4);
    assert!(check(&again, "pending")["detail"].as_str().unwrap().contains("nothing is pending"), "{again:#}");
    shop.operator.call(&["journal", "verify"]).exits(0);
}

/// What a command of the tool itself exits with in that release.
pub(super) fn exit_code(space: &Namespace<'_>, release: &str, name: &str, command: &str) -> Value {
    let mut pod = space.get("apps/v1", "Deployment", "api").unwrap()["spec"]["template"].clone();
    pod["spec"]["restartPolicy"] = json!("Never");
    pod["spec"]["containers"][0]["image"] = json!(image(release));
    pod["spec"]["containers"][0]["command"] = json!(["sh", "-c", command]);
    let manifest = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name }, "spec": pod["spec"] });
    space.apply(&manifest.to_string());
    let ended = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"].is_i64();
    space.wait("the command ended", "v1", "Pod", name, ended);
    space.get("v1", "Pod", name).unwrap()["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"].clone()
}

pub(crate) fn m14_a_database_that_is_ahead_of_an_alembic_image_is_seen_where_alembic_only_fails(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-2");
    shop.migrated("alembic-2");
    // M14: the older image can say nothing of the database, not even go back, and `heads` is pleased.
    assert_eq!(exit_code(&space, "alembic-1", "current", "python3 -m alembic current"), 255);
    assert_eq!(exit_code(&space, "alembic-1", "downgrade", "python3 -m alembic downgrade -1"), 255);
    assert_eq!(exit_code(&space, "alembic-1", "heads", "python3 -m alembic heads"), 0);
    let run = shop.run("inspect", "alembic-1", &[]).expect("proven", 0);
    assert!(run.events.iter().any(|e| e["text"].as_str().is_some_and(|t| t.contains("ahead of the image by b2"))), "{run:#?}");
    let blocked = shop.plan("alembic-1", 4);
    let schema = check(&blocked, "schema");
    assert!(
        schema["detail"].as_str().unwrap().contains("ahead of the image: it has b2") && schema["overridable"] == false,
        "{schema:#}"
    );
}

pub(crate) fn m13_a_database_that_is_ahead_of_a_django_image_is_seen_where_django_says_that_all_is_well(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "django", "django-1");
    shop.migrated("django-2");
    assert_eq!(shop.columns(), "body id note");
    // M13: both say that there is nothing to do, and exit 0.
    assert_eq!(exit_code(&space, "django-1", "check", "python3 manage.py migrate --check"), 0);
    assert_eq!(exit_code(&space, "django-1", "migrate", "python3 manage.py migrate"), 0);
    shop.run("inspect", "django-1", &[]).expect("proven", 0);
    let known = shop.known("django-1");
    assert_eq!((&known["position"]["ahead"], &known["position"]["pending"]), (&json!(["shop.0002_note"]), &json!([])), "{known:#}");
    let blocked = shop.plan("django-1", 4);
    assert_eq!(check(&blocked, "schema")["result"], "failed", "{blocked:#}");
    shop.run("inspect", "django-3", &[]).expect("proven", 0);
    let run = shop.run("migrate", "django-3", &["--override", "backup", "--reason", "nobody needs it"]).expect("proven", 0);
    shop.kept_to_itself(&run);
    assert_eq!(shop.columns(), "id note");
}

pub(crate) fn a_migration_that_fails_half_way_says_what_was_applied_and_keeps_its_job(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    shop.migrated("alembic-1");
    shop.run("inspect", "alembic-broken", &[]).expect("proven", 0);
    // Rows that are alike come between the inspection and the migration: nothing could have told.
    shop.postgres.ask("insert into rules (id, body) values (1, 'x'), (2, 'x')");
    shop.postgres.ask(
        "create function on_column() returns event_trigger language plpgsql as $$ begin if exists (select 1 from information_schema.columns where table_name = 'rules' \
         and column_name = 'note') then execute 'update rules set note = ''x'''; end if; end $$; \
         create event trigger fills on ddl_command_end when tag in ('ALTER TABLE') execute function on_column()",
    );
    let _ = cluster.writes(&space);
    let run = shop.run("migrate", "alembic-broken", &[]);
    Watched { cluster, space: &space, operator: &shop.operator }.ended("migration: it fails half-way", &run);
    let why = reason(&run);
    assert!(run.code.is_some_and(|code| code == 1 || code == 2), "{run:#?}");
    assert!(why.contains("UniqueViolation") && why.contains("at CREATE UNIQUE INDEX rules_note"), "{why}");
    assert!(why.contains("applied: b2; not applied: d4"), "{why}");
    assert_eq!((shop.columns().as_str(), shop.postgres.ask("select version_num from alembic_version").as_str()), ("body id note", "b2"));
    let jobs = space.list("batch/v1", "Job");
    let failed = jobs.iter().filter(|job| job["status"]["failed"] == 1).count();
    assert_eq!(failed, 1, "the Job of a failure is kept: {jobs:#?}");
    assert_eq!(shop.known("alembic-broken")["words"], "at b2, 1 pending: d4", "what it came to is known");
    shop.operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_session_that_holds_a_table_is_seen_before_and_given_up_on_afterwards(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    shop.migrated("alembic-1");
    let held = shop.postgres.hold("rules");
    shop.run("inspect", "alembic-2", &[]).expect("proven", 0);
    let blocked = shop.plan("alembic-2", 4);
    let sessions = check(&blocked, "sessions")["detail"].as_str().unwrap().to_owned();
    assert!(sessions.contains("psql") && sessions.contains("holds rules"), "{sessions}");
    // Whoever goes on all the same waits no longer than lock_timeout.
    let _ = cluster.writes(&space);
    let run = shop.run("migrate", "alembic-2", &["--override", "sessions", "--reason", "it will end"]);
    Watched { cluster, space: &space, operator: &shop.operator }
        .ended("migration: a session holds its table, and that is overridden with a reason", &run);
    assert!(run.code.is_some_and(|code| code == 1 || code == 2) && reason(&run).contains("LockNotAvailable"), "{:#}", run.end());
    assert_eq!(shop.postgres.ask("select version_num from alembic_version"), "a1");
    drop(held);
    shop.migrated("alembic-2");
    assert_eq!(shop.columns(), "body id note");
}

pub(crate) fn what_no_tool_can_go_on_from_is_refused_with_the_way_out(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    let schema = |release: &str| {
        shop.run("inspect", release, &[]).expect("proven", 0);
        let blocked = shop.plan(release, 4);
        let check = check(&blocked, "schema").clone();
        assert_eq!((&check["result"], &check["overridable"]), (&json!("failed"), &json!(false)), "{check:#}");
        format!("{} | {}", check["detail"].as_str().unwrap(), check["fix"].as_str().unwrap())
    };
    assert!(schema("alembic-forked").contains("several heads"), "two heads");
    // As `create_all` leaves it.
    shop.postgres.ask("create table rules (id int primary key, body text)");
    let made = schema("alembic-2");
    assert!(made.contains("no record of a migration") && made.contains("alembic stamp"), "{made}");
    // An image that is nowhere.
    let _ = cluster.writes(&space);
    let run = shop.run("inspect", "alembic-none", &[]);
    Watched { cluster, space: &space, operator: &shop.operator }.ended("inspection: its image is missing", &run);
    assert!(run.code.is_some_and(|code| code == 1 || code == 2) && reason(&run).contains("ErrImageNeverPull"), "{:#}", run.end());
}

pub(crate) fn a_migration_whose_console_is_killed_is_taken_up_again_and_applied_once(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    shop.migrated("alembic-1");
    shop.run("inspect", "alembic-2", &[]).expect("proven", 0);
    let image = format!("image={}", image("alembic-2"));
    let before: Vec<Value> = shop.operator.journal().iter().map(|line| line["run"].clone()).collect();
    let running = shop.operator.start(&["run", "migrate", &image, "-f", &shop.file, "--confirm", "y", "-o", "json"]);
    let id = shop
        .operator
        .wait_for_line("its Job is made", |line| line["kind"] == "outcome" && !before.contains(&line["run"]));
    running.signal(rustix::process::Signal::KILL);
    assert_eq!(running.end().code, None, "killed");
    Run::of(&shop.operator.call(&["runs", "resume", &id, "-o", "json"])).expect("proven", 0);
    let jobs = space.list("batch/v1", "Job");
    let own = jobs.iter().filter(|job| job["metadata"]["labels"]["timonel.io/run"] == id.as_str()).count();
    assert_eq!((own, shop.columns().as_str()), (1, "body id note"), "one Job");
    // What it said is as old as it is, whenever that was read.
    let pods = space.list("v1", "Pod");
    let pod = pods.iter().find(|pod| pod["metadata"]["labels"]["timonel.io/run"] == id.as_str()).expect("its pod");
    let record = space.get("v1", "ConfigMap", "timonel-releases-shop").unwrap();
    let entries = record["data"]
        .as_object()
        .unwrap()
        .values()
        .map(|e| serde_json::from_str::<Value>(e.as_str().unwrap()).unwrap());
    let entry = entries.into_iter().find(|e| e["run"] == id.as_str()).expect("its entry");
    assert_eq!(entry["at"], pod["status"]["containerStatuses"][0]["state"]["terminated"]["finishedAt"], "{entry:#}");
    // What a plan rests on moved meanwhile: the Job changes nothing.
    shop.run("inspect", "alembic-3", &[]).expect("proven", 0);
    shop.postgres.ask("update alembic_version set version_num = 'a1'");
    let run = shop.run("migrate", "alembic-3", &["--override", "backup", "--reason", "nobody needs it"]);
    assert!(reason(&run).contains("moved since it was inspected: it is at a1, not b2"), "{:#}", run.end());
    assert_eq!(shop.columns(), "body id note");
    shop.operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_rollback_knows_what_the_database_has_become(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    workload(&space, "alembic-2");
    space.wait("the newer release runs", "apps/v1", "Deployment", "api", |api| {
        api["status"]["observedGeneration"] == 2 && api["status"]["updatedReplicas"] == 1 && api["status"]["replicas"] == 1
    });
    let schema = || {
        let plan = shop.operator.call(&["plan", "rollback", "api", "to=1", "-f", &shop.file, "-o", "json"]).json();
        (check(&plan, "schema").clone(), plan["allowed"].clone())
    };
    let (unknown, allowed) = schema();
    assert_eq!((&unknown["result"], &unknown["required"], &allowed), (&json!("unknown"), &json!(false), &json!(true)), "{unknown:#}");
    shop.migrated("alembic-1");
    let (safe, allowed) = schema();
    assert_eq!((&safe["result"], &allowed), (&json!("ok"), &json!(true)), "{safe:#}");
    shop.run("inspect", "alembic-2", &[]).expect("proven", 0);
    // Somebody else migrates it: whoever may ask the database knows it when the plan is made.
    shop.postgres.ask("alter table rules add column note text; update alembic_version set version_num = 'b2'");
    let text = std::fs::read_to_string(&shop.file)
        .unwrap()
        .replace("user = \"shop\"\n", "user = \"shop\"\npassword = \"secret:db\"\n");
    let asking = format!("{text}[secrets.db]\nref = \"k8s:{}/db#password\"\n", space.name());
    let asking = shop.operator.sandbox.write("asking.toml", &asking).display().to_string();
    let plan = shop.operator.call(&["plan", "rollback", "api", "to=1", "-f", &asking, "-o", "json"]).json();
    // No image was asked since b2 is there: what taking it back would lose is not known, and not said to be nothing.
    let schema_now = check(&plan, "schema");
    let detail = schema_now["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("the database has b2, and what taking b2 back loses is not known"), "{plan:#}");
    assert!(detail.contains("as of 0s ago") || detail.contains("as of 1s ago"), "{plan:#}");
    assert_eq!((&schema_now["result"], &schema_now["required"]), (&json!("unknown"), &json!(true)), "{plan:#}");
    shop.postgres.ask("alter table rules drop column note; update alembic_version set version_num = 'a1'");
    shop.migrated("alembic-2");
    let (above, allowed) = schema();
    let detail = above["detail"].as_str().unwrap();
    assert!(detail.contains("the database has b2 above") && detail.contains("the schema goes back first"), "{above:#}");
    assert_eq!((&above["result"], &allowed), (&json!("ok"), &json!(true)), "{above:#}");
    assert_eq!(shop.back(), ("needs-downgrade".to_owned(), "needs-downgrade".to_owned()));
    // What is written into what going back would drop is counted.
    shop.postgres
        .ask("insert into rules (id, body, note) values (1, 'x', 'kept'), (2, 'x', null), (3, 'x', 'kept too')");
    shop.run("inspect", "alembic-2", &[]).expect("proven", 0);
    let (loses, allowed) = schema();
    let detail = loses["detail"].as_str().unwrap();
    assert!(detail.contains("loses data") && detail.contains("taking b2 back loses rules.note (2 rows)"), "{loses:#}");
    assert_eq!((&loses["overridable"], &allowed), (&json!(true), &json!(false)), "{loses:#}");
    assert_eq!(shop.back(), ("loses-data".to_owned(), "loses-data".to_owned()));
    shop.run("inspect", "alembic-3", &[]).expect("proven", 0);
    shop.run("migrate", "alembic-3", &["--override", "backup", "--reason", "nobody needs it"]).expect("proven", 0);
    let (lost, allowed) = schema();
    let detail = lost["detail"].as_str().unwrap();
    assert!(
        detail.contains("loses data") && detail.contains("c3 lost data in rules: ALTER TABLE rules DROP COLUMN body"),
        "{lost:#}"
    );
    assert_eq!(allowed, false);
}

pub(crate) fn a_migration_of_production_that_loses_data_waits_for_a_second_person_and_is_then_proven(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    shop.migrated("alembic-2");
    shop.run("inspect", "alembic-3", &[]).expect("proven", 0);
    let second = Operator::new(cluster, "second", &space);
    let (own, theirs) = (file(&shop.operator, "alembic", "production"), file(&second, "alembic", "production"));
    let image = format!("image={}", image("alembic-3"));
    let over = ["--override", "backup", "--reason", "nobody needs it"];
    let plan = shop
        .operator
        .call(&[&["plan", "migrate", &image, "-f", &own, "-o", "json"], &over[..]].concat())
        .exits(0)
        .json();
    assert_eq!(plan["confirmation"]["level"], "two-person", "{plan:#}");
    let phrase = plan["confirmation"]["type"].as_str().expect("a phrase");
    let run = shop
        .operator
        .start(&[&["run", "migrate", &image, "-f", &own, "--confirm", phrase, "-o", "json"], &over[..]].concat());
    let id = waits(&second);
    assert_eq!(shop.columns(), "body id note", "nothing is applied before");
    let said = shop.operator.call(&["approve", &id, "-f", &own, "--confirm", phrase]).exits(4).stderr;
    assert!(said.contains("a second person approves"), "{said}");
    let told = second.call(&["approve", &id, "-f", &theirs, "--confirm", phrase]).exits(0).stdout;
    assert!(told.contains("c3 destructive: ALTER TABLE rules DROP COLUMN body"), "who approves sees what is lost: {told}");
    let run = Run::of(&run.end()).expect("proven", 0);
    let names = run.names();
    let at = |name: &str| names.iter().position(|known| *known == name).unwrap_or_else(|| panic!("no {name}: {names:?}"));
    assert!(at("waiting") < at("approved") && at("approved") < at("confirmed"), "{names:?}");
    assert_eq!((shop.columns().as_str(), shop.postgres.ask("select version_num from alembic_version").as_str()), ("id note", "c3"));
    shop.kept_to_itself(&run);
    second.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_migration_is_made_from_the_console(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    let mut terminal = shop.operator.console((120, 50), &["-f", &shop.file]);
    terminal.wait("nothing is known yet", |screen| screen.has_row(&["Schema", "not inspected"]));
    terminal.press("a m");
    terminal.wait("the image that runs is offered", |screen| screen.has("Migrate to which image?") && screen.has("runs: not inspected"));
    terminal.press("enter");
    terminal.wait_for("Inspect api");
    terminal.wait_for("to go on");
    terminal.type_text("y\r");
    // Who waits for the inspection gets the plan.
    terminal.wait_for("Migrate api");
    let plan = terminal.wait_for("to go on");
    assert!(plan.has("a1 additive: CREATE TABLE rules"), "{}", plan.dump());
    terminal.type_text("y\r");
    terminal.wait_for("every proof held");
    terminal.press("esc");
    terminal.wait("the bridge shows it", |screen| screen.has_row(&["Schema", "at head a1"]));
    terminal.press("2 G x");
    terminal.wait("the row tells all of it", |screen| screen.has("the database was at a1, nothing pending") && screen.has("PostgreSQL"));
    let jobs = space.list("batch/v1", "Job");
    assert_eq!(jobs.len(), 2);
    for job in &jobs {
        assert_eq!(job["spec"]["ttlSecondsAfterFinished"], 3600, "a proven Job of ours ends by itself: {job:#}");
    }
}

/// A service of the first release that went on to the second, and a worker beside it: both write to the database.
fn moved_on<'a>(cluster: &Cluster, space: &'a Namespace<'_>, tool: &str, first: &str) -> Shop<'a> {
    let postgres = Postgres::new(space);
    running(space, "worker", &format!("{tool}-1"), 2, "sleep 3600");
    running(space, "api", &format!("{tool}-1"), 1, first);
    let operator = Operator::new(cluster, "operator", space);
    let file = file(&operator, tool, "test");
    let shop = Shop { space, postgres, operator, file };
    workload(space, &format!("{tool}-2"));
    space.wait("the newer release runs", "apps/v1", "Deployment", "api", |api| {
        api["status"]["observedGeneration"] == 2 && api["status"]["updatedReplicas"] == 1 && api["status"]["replicas"] == 1
    });
    shop.run("inspect", &format!("{tool}-1"), &[]).expect("proven", 0);
    shop.migrated(&format!("{tool}-2"));
    shop
}

impl Shop<'_> {
    fn back_to_the_first(&self, more: &[&str]) -> Run {
        self.operator.run_of("rollback", &[&["api", "to=1", "-f", &self.file], more].concat())
    }

    /// The image and the pods that are wanted of `api`, and the pods of `worker`.
    fn stands(&self) -> (String, Value, Value) {
        let of = |name: &str| self.space.get("apps/v1", "Deployment", name).unwrap();
        let (api, worker) = (of("api"), of("worker"));
        let image = api["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned();
        (image, api["spec"]["replicas"].clone(), worker["spec"]["replicas"].clone())
    }

    fn at(&self) -> String {
        self.postgres.ask("select version_num from alembic_version")
    }
}

/// The steps of a run in the order in which they were proven, without the locks.
fn proven(run: &Run) -> Vec<String> {
    let steps = run.events.iter().filter(|e| e["event"] == "step_proven").filter_map(|e| e["step"].as_str());
    steps
        .filter(|s| *s != "lock" && s.contains('/'))
        .map(|s| s.split('/').next().unwrap_or_default().to_owned())
        .collect()
}

pub(crate) fn a_release_that_needs_a_downgrade_is_gone_back_to_in_order(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = moved_on(cluster, &space, "alembic", "sleep 3600");
    // The next release was looked at already: the image that runs takes back all the same.
    shop.run("inspect", "alembic-3", &[]).expect("proven", 0);
    let run = shop.back_to_the_first(&[]).expect("proven", 0);
    shop.kept_to_itself(&run);
    // What writes is stopped, the schema goes, the image goes, what was stopped is started again.
    let mut order = proven(&run);
    order.dedup();
    assert_eq!(order, ["1", "2", "3", "4", "5", "6"], "{run:#?}");
    assert_eq!((shop.at().as_str(), shop.columns().as_str()), ("a1", "body id"));
    assert_eq!(shop.stands(), (image("alembic-1"), json!(1), json!(2)));
    // M14: the image that is left took it back; the one that is gone back to could not have.
    let job = space
        .list("batch/v1", "Job")
        .into_iter()
        .find(|j| j["metadata"]["name"].as_str().is_some_and(|n| n.ends_with("-downgrade")));
    assert_eq!(job.expect("its Job")["spec"]["template"]["spec"]["containers"][0]["image"], json!(image("alembic-2")));
    assert_eq!(shop.known("alembic-2")["words"], "at a1, 1 pending: b2", "where the database is now is known");
    shop.operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn the_header_follows_what_the_database_itself_says_without_an_inspection(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = moved_on(cluster, &space, "alembic", "sleep 3600");
    let text = std::fs::read_to_string(&shop.file).unwrap();
    let asked = format!("{text}password = \"secret:db\"\n[secrets.db]\nref = \"k8s:{}/db#password\"\n", space.name());
    std::fs::write(&shop.file, asked).unwrap();
    let mut terminal = shop.operator.console((120, 36), &["-f", &shop.file]);
    terminal.wait("as it was inspected", |screen| screen.has("BACK") && screen.has("needs downgrade"));
    // Somebody takes it back by hand: no console hears of it but by asking, once a minute.
    shop.postgres.ask("alter table rules drop column note");
    shop.postgres.ask("update alembic_version set version_num = 'a1'");
    let screen = terminal
        .wait_at_most(std::time::Duration::from_mins(3), "the header follows", |screen| screen.rows[1].contains(" safe"))
        .unwrap();
    assert!(!screen.has(PASSWORD), "{}", screen.dump());
    assert_eq!(space.list("batch/v1", "Job").len(), 3, "nothing was inspected again");
    terminal.press("q");
}

pub(crate) fn django_is_taken_back_where_its_older_image_says_that_there_is_nothing_to_do(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = moved_on(cluster, &space, "django", "sleep 3600");
    // M13: to the older image all is well, and it takes nothing back.
    assert_eq!(exit_code(&space, "django-1", "back", "python3 manage.py migrate shop 0001"), 0);
    assert_eq!(shop.columns(), "body id note");
    let run = shop.back_to_the_first(&[]).expect("proven", 0);
    shop.kept_to_itself(&run);
    assert_eq!((shop.columns().as_str(), shop.stands()), ("body id", (image("django-1"), json!(1), json!(2))));
    assert_eq!(shop.postgres.ask("select string_agg(name, ' ') from django_migrations where app = 'shop'"), "0001_rules");
}

pub(crate) fn what_going_back_would_lose_blocks_it_with_its_number_of_rows(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = moved_on(cluster, &space, "alembic", "sleep 3600");
    let plan = |file: &str| shop.operator.call(&["plan", "rollback", "api", "to=1", "-f", file, "-o", "json"]).json();
    assert_eq!(plan(&shop.file)["allowed"], true);
    // Nobody knows of them until they are counted: the Job counts again, and takes nothing back.
    shop.postgres.ask("insert into rules (id, body, note) values (1, 'x', 'kept'), (2, 'x', null)");
    let run = shop.back_to_the_first(&[]);
    assert!(run.code == Some(1) && reason(&run).contains("would lose 1 rows of rules.note"), "{:#}", run.end());
    assert_eq!((shop.at().as_str(), shop.stands()), ("b2", (image("alembic-2"), json!(1), json!(2))), "all is as it was");
    shop.run("inspect", "alembic-2", &[]).expect("proven", 0);
    let blocked = plan(&shop.file);
    let schema = check(&blocked, "schema");
    assert!(schema["detail"].as_str().unwrap().contains("taking b2 back loses rules.note (1 row)"), "{schema:#}");
    assert_eq!((&blocked["allowed"], &schema["overridable"]), (&json!(false), &json!(true)), "{blocked:#}");
    assert_eq!(blocked["confirmation"]["level"], "phrase", "{blocked:#}");
    // The same in production is for two.
    let production = file(&shop.operator, "alembic", "production");
    assert_eq!(plan(&production)["confirmation"]["level"], "two-person");
    let here = file(&shop.operator, "alembic", "test");
    assert_eq!(here, shop.file);
    let over = ["--override", "schema", "--override", "backup:schema", "--reason", "one note, and it is on paper"];
    let over: Vec<&str> = over.into_iter().map(|word| if word == "backup:schema" { backup_check(&blocked) } else { word }).collect();
    // One row was agreed to, and a second one comes before it is taken back.
    shop.postgres.ask("update rules set note = 'kept too' where id = 2");
    let run = shop.back_to_the_first(&over);
    assert!(run.code == Some(1) && reason(&run).contains("would lose 2 rows of rules.note, and 1 were agreed to"), "{:#}", run.end());
    assert_eq!((shop.at().as_str(), shop.stands()), ("b2", (image("alembic-2"), json!(1), json!(2))), "all is as it was");
    shop.run("inspect", "alembic-2", &[]).expect("proven", 0);
    shop.back_to_the_first(&over).expect("proven", 0);
    assert_eq!(
        (shop.at().as_str(), shop.columns().as_str(), shop.stands()),
        ("a1", "body id", (image("alembic-1"), json!(1), json!(2)))
    );
}

/// The id of the check of a backup, which bears the name of its step where other steps have one too.
fn backup_check(plan: &Value) -> &'static str {
    let all = plan["checks"].as_array().expect("checks");
    let found = all.iter().filter_map(|c| c["id"].as_str()).find(|id| id.starts_with("backup")).expect("a check of a backup");
    if found == "backup" { "backup" } else { "backup:schema" }
}

pub(crate) fn a_release_that_does_not_start_is_left_again_with_its_schema(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = moved_on(cluster, &space, "alembic", "exit 1");
    let run = shop.back_to_the_first(&[]);
    assert_eq!(run.code, Some(1), "{:#}", run.end());
    assert_eq!((shop.at().as_str(), shop.columns().as_str()), ("b2", "body id note"), "the schema is up again: {run:#?}");
    assert_eq!(shop.stands(), (image("alembic-2"), json!(1), json!(2)));
    assert_eq!(run.end()["debts"], json!([]), "{:#}", run.end());
    shop.operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_rollback_with_its_schema_is_taken_up_again_after_each_kill(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = moved_on(cluster, &space, "alembic", "sleep 3600");
    let words = ["rollback", "api", "to=1", "-f", &shop.file];
    let plan = shop.operator.call(&[&["plan"], &words[..], &["-o", "json"]].concat()).json();
    let text = plan["confirmation"]["type"].as_str().unwrap_or("y").to_owned();
    let before: Vec<Value> = shop.operator.journal().iter().map(|line| line["run"].clone()).collect();
    let running = shop.operator.start(&[&["run"], &words[..], &["--confirm", &text, "-o", "json"]].concat());
    let sent = |step: &'static str| {
        let before = before.clone();
        move |line: &Value| line["kind"] == "outcome" && line["step"] == step && !before.contains(&line["run"])
    };
    // Once its Job is made, and once the image is written.
    let id = shop.operator.wait_for_line("the Job is made", sent("3/write"));
    running.signal(rustix::process::Signal::KILL);
    assert_eq!(running.end().code, None, "killed");
    let again = shop.operator.start(&["runs", "resume", &id, "-o", "json"]);
    shop.operator.wait_for_line("the image is written", sent("4/write"));
    again.signal(rustix::process::Signal::KILL);
    assert_eq!(again.end().code, None, "killed");
    Run::of(&shop.operator.call(&["runs", "resume", &id, "-o", "json"])).expect("proven", 0);
    assert_eq!(
        (shop.at().as_str(), shop.columns().as_str(), shop.stands()),
        ("a1", "body id", (image("alembic-1"), json!(1), json!(2)))
    );
    let jobs = space.list("batch/v1", "Job");
    let own = jobs.iter().filter(|job| job["metadata"]["labels"]["timonel.io/run"] == id.as_str()).count();
    assert_eq!(own, 1, "one Job");
    shop.operator.call(&["journal", "verify"]).exits(0);
}

/// A revision that nothing takes back, as a file beside those of the image.
const ONE_WAY: &str = "import sqlalchemy as sa\nfrom alembic import op\n\nrevision, down_revision = \"f6\", \"b2\"\n\n\ndef upgrade():\n    op.add_column(\"rules\", sa.Column(\"size\", sa.Integer))\n\n\ndef downgrade():\n    raise NotImplementedError(\"nobody takes this back\")\n";

pub(crate) fn what_nothing_takes_back_and_what_is_nowhere_cannot_be_gone_back_to(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::new(cluster, &space, "alembic", "alembic-1");
    shop.migrated("alembic-1");
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "oneway" }, "data": { "f6_oneway.py": ONE_WAY } });
    space.apply(&map.to_string());
    let mut spec = space.get("apps/v1", "Deployment", "api").unwrap()["spec"].clone();
    let pod = &mut spec["template"]["spec"];
    pod["volumes"] = json!([{ "name": "oneway", "configMap": { "name": "oneway" } }]);
    let mount = json!([{ "name": "oneway", "mountPath": "/srv/app/migrations/versions/f6_oneway.py", "subPath": "f6_oneway.py" }]);
    (pod["containers"][0]["image"], pod["containers"][0]["volumeMounts"]) = (json!(image("alembic-2")), mount);
    space.apply(&json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "api" }, "spec": spec }).to_string());
    space.wait("the newer release runs", "apps/v1", "Deployment", "api", |api| {
        api["status"]["observedGeneration"] == 2 && api["status"]["updatedReplicas"] == 1 && api["status"]["replicas"] == 1
    });
    shop.migrated("alembic-2");
    assert_eq!(shop.at(), "f6");
    assert_eq!(shop.back(), ("impossible".to_owned(), "impossible".to_owned()));
    let plan = |to: &str| shop.operator.call(&["plan", "rollback", "api", to, "-f", &shop.file, "-o", "json"]).exits(4).json();
    let blocked = plan("to=1");
    let schema = check(&blocked, "schema");
    assert!(schema["detail"].as_str().unwrap().contains("f6 cannot be taken back: its downgrade only raises"), "{schema:#}");
    assert_eq!((&schema["overridable"], &blocked["blocked_by"]), (&json!(true), &json!(["schema"])), "{blocked:#}");
    // The settings of a release that are another version now are told with it: of no value is a word kept.
    space.apply(
        &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "oneway" }, "data": { "f6_oneway.py": ONE_WAY, "more": "" } })
            .to_string(),
    );
    let record = space.get("v1", "ConfigMap", "timonel-releases-shop").unwrap().to_string();
    assert!(record.contains("ConfigMap oneway") && !record.contains("nobody takes this back"), "{record}");
    // An image that no registry has any more: a pod says so.
    spec["template"]["spec"]["containers"][0]["image"] = json!(image("alembic-none"));
    space.apply(&json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "api" }, "spec": spec }).to_string());
    space.wait("its pod is there", "apps/v1", "Deployment", "api", |api| api["status"]["updatedReplicas"] == 1);
    spec["template"]["spec"]["containers"][0]["image"] = json!(image("alembic-3"));
    space.apply(&json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "api" }, "spec": spec }).to_string());
    let run = shop.run("inspect", "alembic-none", &[]);
    assert!(reason(&run).contains("ErrImageNeverPull"), "{:#}", run.end());
    let gone = plan("to=3");
    let schema = check(&gone, "schema")["detail"].as_str().unwrap().to_owned();
    assert!(schema.contains("is not to be had any more: pod") && schema.contains("says ErrImageNeverPull"), "{schema}");
}
