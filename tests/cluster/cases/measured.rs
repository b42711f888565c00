//! What was measured of PostgreSQL's own tools and of prometheus_client, on real ones: each fact with the command that showed it, and what
//! a service file that does it is told. The other facts of that list have their cases in `backups` (M1, M2, M7, M8, M11) and in
//! `migrations` (M13, M14).

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use super::asks::{live, probe, service};
use super::backups::ROWS;
use super::migrations::image;
use super::tells::Server;
use crate::cluster::{Cluster, Namespace};
use crate::operator::Operator;
use crate::postgres::Postgres;

/// A database with rows and a dump of it.
struct Dumped<'a> {
    postgres: Postgres<'a>,
    operator: Operator,
    dump: PathBuf,
}

impl<'a> Dumped<'a> {
    fn new(cluster: &Cluster, space: &'a Namespace<'a>) -> Self {
        let postgres = Postgres::new(space);
        postgres.ask(ROWS);
        let operator = Operator::new(cluster, "operator", space);
        let dump = operator.sandbox.path("old.dump");
        let dumped = Self { postgres, operator, dump };
        let made = dumped.tool("pg_dump", &["-Fc", "-f", &dumped.dump.display().to_string()]);
        assert!(made.status.success(), "{made:?}");
        dumped
    }

    fn tool(&self, program: &str, words: &[&str]) -> Output {
        self.postgres.client(program, Path::new("/nowhere")).args(words).output().unwrap()
    }

    /// `pg_restore` with these words and the dump, or another file: its exit code and what it says.
    fn restore(&self, words: &[&str], file: &Path) -> (Option<i32>, String) {
        let output = self.tool("pg_restore", &[words, &[&*file.display().to_string()]].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn rows(&self) -> String {
        self.postgres.ask("select count(*) from rules")
    }
}

/// Names of the rules that find something in an action with these steps, and what is said of the action itself.
fn advised(operator: &Operator, steps: &[&str]) -> (Vec<String>, String) {
    let steps: String = (1..).zip(steps).map(|(n, step)| format!("[[action.step]]\nid = \"s{n}\"\n{step}\n")).collect();
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\n[env.test]\nkind = \"test\"\n[env.test.target]\ntype = \"kubernetes\"\n\
         [[workload]]\nid = \"db\"\nrole = \"database\"\nkind = \"statefulset\"\nname = \"db\"\n[[action]]\nid = \"a\"\n{steps}"
    );
    let file = operator.sandbox.write("advised.toml", &text).display().to_string();
    let answer = operator.call(&["check", &file, "-o", "json"]).json();
    let problems = answer["check"].as_array().unwrap_or_else(|| panic!("{answer:#}")).clone();
    let rule = |p: &Value| Some(p["id"].as_str()?.strip_prefix("service:rule:")?.split(':').next()?.to_owned());
    let disabled = problems.iter().find(|p| p["id"] == "service:action:a").and_then(|p| p["message"].as_str());
    (problems.iter().filter_map(rule).collect(), disabled.unwrap_or_default().to_owned())
}

/// The same for one command in a pod.
fn advised_of(operator: &Operator, argv: &[&str]) -> Vec<String> {
    advised(operator, &[&format!("type = \"exec\"\nworkload = \"db\"\nargv = {}", json!(argv))]).0
}

pub(crate) fn m03_m04_a_dump_that_was_cut_off_empties_a_living_database_unless_it_is_one_transaction(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let dumped = Dumped::new(cluster, &space);
    let (whole, half) = (std::fs::read(&dumped.dump).unwrap(), dumped.operator.sandbox.path("half.dump"));
    std::fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    // M4: in one transaction nothing comes of it.
    let (code, said) = dumped.restore(&["-d", "shop", "-c", "-1"], &half);
    assert_eq!((code, dumped.rows().as_str()), (Some(1), "20000"), "{said}");
    // M3: what was there is gone before it is known that the file is not whole.
    let (code, said) = dumped.restore(&["-d", "shop", "-c"], &half);
    assert_eq!((code, dumped.rows().as_str()), (Some(1), "0"), "{said}");
    for words in [&["pg_restore", "-d", "shop", "-c", "/tmp/half.dump"][..], &["sh", "-c", "pg_restore --clean -d shop /tmp/half.dump"]] {
        assert_eq!(advised_of(&dumped.operator, words), ["E-T7"], "{words:?}");
    }
}

pub(crate) fn m05_m06_an_older_dump_over_a_newer_schema_is_a_mixture_or_nothing(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let dumped = Dumped::new(cluster, &space);
    dumped.postgres.ask(
        "create table hits (id int primary key, rule int references rules (id)); insert into rules values (20001, 'after the dump'); \
         insert into hits values (1, 20001); update alembic_version set version_num = '9z9z'",
    );
    let stands = || {
        dumped
            .postgres
            .ask("select (select count(*) from rules), (select count(*) from hits), version_num from alembic_version")
    };
    // M6: in one transaction it cannot be done at all.
    let (code, said) = dumped.restore(&["-d", "shop", "-c", "-1"], &dumped.dump);
    assert_eq!((code, stands().as_str()), (Some(1), "20001|1|9z9z"), "{said}");
    // M5: else the newer rows stay beside the older record of the schema.
    let (code, said) = dumped.restore(&["-d", "shop", "-c"], &dumped.dump);
    assert_eq!((code, stands().as_str()), (Some(1), "20001|1|4f1c"), "{said}");
    assert!(said.contains("errors ignored on restore"), "{said}");
    assert_eq!(advised_of(&dumped.operator, &["pg_restore", "-d", "shop", "-c", "-1", "/tmp/old.dump"]), ["E-T7"]);
}

pub(crate) fn m09_m10_a_restore_in_parallel_goes_to_a_database_of_its_own_which_is_swapped_in_and_back(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let dumped = Dumped::new(cluster, &space);
    // M9: neither in one transaction nor from standard input.
    let (code, said) = dumped.restore(&["-j", "2", "-1", "-d", "shop"], &dumped.dump);
    assert!(code == Some(1) && said.contains("--single-transaction"), "{said}");
    let fed = dumped.tool("sh", &["-c", "pg_restore -j 2 -d shop < \"$0\"", &dumped.dump.display().to_string()]);
    assert!(fed.status.code() == Some(1) && String::from_utf8_lossy(&fed.stderr).contains("standard input"), "{fed:?}");
    assert_eq!(dumped.rows(), "20000");
    assert_eq!(advised_of(&dumped.operator, &["pg_restore", "-j", "2", "-1", "-d", "shop", "/tmp/old.dump"]), ["M9"]);
    assert_eq!(advised_of(&dumped.operator, &["sh", "-c", "pg_restore -j 2 -d shop < /tmp/old.dump"]), ["M9"]);
    // M10: beside the living one, and then in its place.
    dumped.postgres.ask("insert into rules values (20001, 'after the dump')");
    let at = |statement: &str| dumped.postgres.ask_in("postgres", statement);
    at("create database scratch").unwrap();
    let (code, said) = dumped.restore(&["-j", "2", "-d", "scratch"], &dumped.dump);
    assert_eq!(code, Some(0), "{said}");
    let held = dumped.postgres.hold("rules");
    at("alter database shop allow_connections false").unwrap();
    let refused = at("alter database shop rename to shop_before").unwrap_err();
    assert!(refused.contains("is being accessed by other users"), "{refused}");
    let end = |database: &str| at(&format!("select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where datname = '{database}'"));
    end("shop").unwrap();
    drop(held);
    at("alter database shop rename to shop_before").unwrap();
    at("alter database scratch rename to shop").unwrap();
    assert_eq!(dumped.rows(), "20000", "what was dumped");
    // Nothing was lost: it has a way back.
    at("alter database shop allow_connections false").unwrap();
    end("shop").unwrap();
    at("alter database shop rename to scratch").unwrap();
    at("alter database shop_before rename to shop").unwrap();
    at("alter database shop allow_connections true").unwrap();
    assert_eq!(dumped.rows(), "20001", "what was there before");
    // Whoever restores over what lives is told of the two names; whoever uses them is told that this version does not.
    let (over, disabled) = advised(&dumped.operator, &["type = \"restore\"\nmode = \"in-place\""]);
    assert!(over == ["E-T7"] && disabled.contains("restore"), "{over:?} {disabled}");
    let (beside, disabled) = advised(&dumped.operator, &["type = \"restore\"\nmode = \"new-database\"", "type = \"restore-swap\""]);
    assert!(beside.is_empty() && disabled.contains("restore"), "{beside:?} {disabled}");
}

pub(crate) fn m12_a_column_that_this_server_has_under_another_name_is_told_before_and_when_it_is_asked(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let postgres = Postgres::with(&space, "-c shared_preload_libraries=pg_stat_statements");
    postgres.ask("create extension pg_stat_statements");
    let refused = postgres.ask_in("shop", "select query, mean_time from pg_stat_statements").unwrap_err();
    assert!(refused.contains("column \"mean_time\" does not exist"), "{refused}");
    postgres.ask("select query, mean_exec_time from pg_stat_statements");
    let operator = Operator::new(cluster, "operator", &space);
    let of = |column: &str| ["psql", "-c", &format!("select query, {column} from pg_stat_statements")].map(ToOwned::to_owned);
    let advised = |column: &str| advised_of(&operator, &of(column).iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((advised("mean_time"), advised("mean_exec_time")), (vec!["E-19".to_owned()], Vec::new()));
    let asks = |column: &str| probe(column, "main", &format!("select count({column}) from pg_stat_statements"), "> 0");
    let file = service(&space, &operator, &[asks("mean_time"), asks("mean_exec_time")].concat());
    let found = live(&operator, &file, &[]);
    let (answer, text) = found("probe.mean_time");
    assert!(answer == "failed" && text.contains("42703"), "{answer}: {text}");
    assert_eq!(found("probe.mean_exec_time").0, "proven");
}

/// A Prometheus that has these alerts, scrapes the Service `api` as one target, and keeps series of these names.
fn prometheus(space: &Namespace<'_>, names: Vec<String>) -> Server {
    let alert = |name: &str, query: &str, text: &str| json!({"type": "alerting", "name": name, "query": query, "health": "ok", "annotations": {"description": text}, "labels": {"severity": "warning"}});
    let rules = json!({"groups": [{"name": "shop", "rules": [
        alert("HighEvaluationLatency", "histogram_quantile(0.95, rate(evaluation_seconds_bucket[5m])) > 2", "Evaluations are slow"),
        alert("RulesEngineDown", "up{job=\"api\"} == 0", "It has been down for more than 1 minute"),
        alert("DatabaseConnectionFailed", "connection_seconds > 5", "Connections take more than 5 s"),
        alert("LowRecommendationGeneration", "rate(recommendations_total[1h]) < 10", "Less than 10 recommendations per hour"),
    ]}]});
    let targets =
        json!({"activeTargets": [{"labels": {"job": "api"}, "scrapeUrl": format!("http://api.{}.svc:8000/metrics", space.name()), "health": "up"}]});
    Server::new(move |asked| {
        let path = asked.split_whitespace().nth(1).unwrap_or_default();
        let data = if path.starts_with("/api/v1/rules") {
            rules.clone()
        } else if path.starts_with("/api/v1/targets") {
            targets.clone()
        } else if path.contains("_bucket") {
            json!(names.iter().filter(|name| name.ends_with("_bucket")).collect::<Vec<_>>())
        } else {
            // Asked for bare names.
            json!(names.iter().filter(|name| path.contains(&format!("%22{name}%22"))).collect::<Vec<_>>())
        };
        (200, json!({"status": "success", "data": data}).to_string())
    })
}

pub(crate) fn m15_an_alert_that_can_never_fire_and_a_service_scraped_as_one_target_are_told(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: api}}\nspec: {{selector: {{app: api}}, ports: [{{port: 8000}}]}}\n---\n\
         apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  replicas: 2\n  selector: {{matchLabels: {{app: api}}}}\n  template:\n    \
         metadata: {{labels: {{app: api}}}}\n    spec:\n      terminationGracePeriodSeconds: 0\n      containers:\n      - name: api\n        image: '{}'\n        \
         imagePullPolicy: Never\n        command: [python3, serve.py]\n        readinessProbe: {{httpGet: {{path: /metrics, port: 8000}}, periodSeconds: 1}}\n",
        image("metrics")
    ));
    space.wait_ready("api", 2);
    // M15: what the library itself shows of a histogram.
    let pod = space.list("v1", "Pod")[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let page = cluster.raw(&format!("/api/v1/namespaces/{}/pods/{pod}:8000/proxy/metrics", space.name())).unwrap();
    let lines = page.as_str().unwrap_or_default().lines().filter(|line| !line.starts_with('#'));
    let mut names: Vec<String> = lines.filter_map(|line| Some(line.split(['{', ' ']).next()?.to_owned())).collect();
    names.sort_unstable();
    names.dedup();
    let own: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix("connection_seconds")).collect();
    assert_eq!(own, ["_bucket", "_count", "_created", "_sum"], "{names:?}");
    let server = prometheus(&space, names);
    let operator = Operator::new(cluster, "operator", &space);
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\n[env.test]\nkind = \"test\"\n[env.test.target]\ntype = \"kubernetes\"\n\
         [sources.prometheus]\nurl = \"http://127.0.0.1:{}\"\n[[workload]]\nid = \"api\"\nkind = \"deployment\"\nname = \"api\"\n",
        server.port
    );
    let file = operator.sandbox.write("shop.toml", &text).display().to_string();
    let told = || -> Vec<String> {
        let answer = operator.call(&["check", &file, "--live", "-o", "json"]).json();
        let all = answer["live"].as_array().unwrap_or_else(|| panic!("{answer:#}")).iter();
        let ids = all.filter_map(|found| found["id"].as_str().map(|id| (id, found["answer"] == "proven")));
        let of_prometheus = ids.filter(|(id, _)| id.starts_with("rule.E-T13") || id.starts_with("rule.E-T14") || id.starts_with("source."));
        of_prometheus.map(|(id, proven)| format!("{id}{}", if proven { ": proven" } else { "" })).collect()
    };
    let alerts = ["source.prometheus: proven", "rule.E-T13.DatabaseConnectionFailed", "rule.E-T13.LowRecommendationGeneration"];
    assert_eq!(told(), [&alerts[..], &["rule.E-T14.api"]].concat());
    let table = operator.call(&["check", &file, "--live"]).stdout;
    for line in ["connection_seconds_bucket", "which is 36000 per hour", "as one target, and it has 2 ready pods"] {
        assert!(table.contains(line), "'{line}' is missing:\n{table}");
    }
    // One pod alone is one target.
    space.patch("apps/v1", "Deployment", "api", &json!({"spec": {"replicas": 1}}));
    space.wait_ready("api", 1);
    assert_eq!(told(), alerts);
}
