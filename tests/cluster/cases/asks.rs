//! A real PostgreSQL asked through the API server: by probes, by `check --live`, by steps; and who may not ask.

use serde_json::Value;

use crate::cluster::{Cluster, Namespace};
use crate::operator::Operator;
use crate::postgres::{PASSWORD, Postgres};

/// A service whose database is the one of [`Postgres`].
pub(super) fn service(space: &Namespace<'_>, operator: &Operator, more: &str) -> String {
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.test]\nkind = \"test\"\n[env.test.target]\ntype = \"kubernetes\"\n\
         [secrets.db]\nref = \"k8s:{0}/db#password\"\n[secrets.wrong]\nref = \"env:WRONG_PASSWORD\"\n\
         [[workload]]\nid = \"db\"\nrole = \"database\"\nkind = \"statefulset\"\nname = \"db\"\n\
         [[database]]\nid = \"main\"\nkind = \"postgres\"\nworkload = \"db\"\nname = \"shop\"\nuser = \"shop\"\npassword = \"secret:db\"\n{more}",
        space.name()
    );
    operator.sandbox.write("shop.toml", &text).display().to_string()
}

pub(super) fn probe(id: &str, database: &str, query: &str, expect: &str) -> String {
    format!("[[probe]]\nid = \"{id}\"\nkind = \"sql\"\ndatabase = \"{database}\"\nquery = \"{query}\"\nexpect = \"{expect}\"\n")
}

/// Answers of `check --live` by their ids, and their texts.
pub(super) fn live(operator: &Operator, file: &str, more: &[&str]) -> impl Fn(&str) -> (String, String) + use<> {
    let finished = operator.call(&[&["check", file, "--live", "-o", "json"], more].concat());
    assert!(!finished.stdout.contains(PASSWORD) && !finished.stderr.contains(PASSWORD), "{}", finished.stdout);
    let answer = finished.json();
    move |id: &str| {
        let all = answer["live"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
        let found = all.iter().find(|f| f["id"] == id).unwrap_or_else(|| panic!("{id}: {answer:#}"));
        let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
        (text("answer"), text("text"))
    }
}

pub(crate) fn a_database_is_asked_through_the_api_server_and_each_query_is_proven_failed_or_unknown(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let postgres = Postgres::new(&space);
    postgres.ask("create table orders (id int, note text)");
    postgres.ask("insert into orders select n, 'ok' from generate_series(1, 700) n");
    let operator = Operator::new(cluster, "operator", &space).env("WRONG_PASSWORD", "not-the-one-5519");
    let wrong = "[[database]]\nid = \"locked\"\nkind = \"postgres\"\nworkload = \"db\"\nname = \"shop\"\nuser = \"shop\"\npassword = \"secret:wrong\"\n\
                 [[database]]\nid = \"deaf\"\nkind = \"postgres\"\nworkload = \"db\"\nport = 5999\nname = \"shop\"\nuser = \"shop\"\npassword = \"secret:db\"\n";
    let probes = [
        probe("orders", "main", "select count(*) from orders", "> 0"),
        probe("none", "main", "select count(*) from orders where id > 9000", "> 0"),
        probe("nowhere", "main", "select count(*) from no_such_table", "> 0"),
        probe("writes", "main", "with gone as (delete from orders returning 1) select count(*) from gone", "> 0"),
        probe("ends-it", "main", "select 1; commit; delete from orders; select 1", "> 0"),
        probe("slow", "main", "select pg_sleep(60)", "== ''"),
        probe("huge", "main", "select repeat('x', 3000000)", "== 'x'"),
        probe("wrong-password", "locked", "select 1", "== 1"),
    ];
    let file = service(&space, &operator, &format!("{wrong}{}", probes.concat()));
    let of = live(&operator, &file, &[]);
    let (answer, text) = of("database.main");
    assert!(answer == "proven" && text.contains("answers: PostgreSQL"), "{text}");
    for (id, expected, part) in [
        ("probe.orders", "proven", "700"),
        ("probe.none", "failed", "0, expected > 0"),
        ("probe.nowhere", "failed", "42P01"),
        ("probe.writes", "failed", "read-only transaction"),
        ("probe.ends-it", "failed", "42601"),
        ("probe.slow", "failed", "57014"),
        ("probe.huge", "unknown", "longer than"),
        ("probe.wrong-password", "unknown", "28P01"),
        ("database.locked", "failed", "28P01"),
        ("database.deaf", "failed", "nothing listens"),
    ] {
        let (answer, text) = of(id);
        assert!(answer == expected && text.contains(part), "{id}: {answer}: {text}");
        assert!(!text.contains("5519"), "{text}");
    }
    assert_eq!(postgres.ask("select count(*) from orders"), "700", "nothing was changed");
}

pub(crate) fn who_may_not_open_a_connection_to_a_pod_asks_nothing_and_is_told_so(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let _postgres = Postgres::new(&space);
    let ask = probe("one", "main", "select 1", "== 1");
    let operator = Operator::new(cluster, "operator", &space);
    let file = service(&space, &operator, &ask);
    let of = live(&operator, &file, &["--read-only"]);
    for id in ["database.main", "probe.one"] {
        let (answer, text) = of(id);
        assert!(answer == "unknown" && text.contains("read-only"), "{id}: {answer}: {text}");
    }
    let status = operator.call(&["status", "-f", &file, "-o", "json", "--read-only"]).json();
    assert_eq!((&status["probes"][0]["result"], &status["health"]), (&Value::from("unauthorised"), &Value::from("ok")), "{status:#}");
    let status = operator.call(&["status", "-f", &file, "-o", "json"]).json();
    assert_eq!(status["probes"][0]["result"], "ok", "{status:#}");
    // A viewer may not read the Secret; with the password in their hands they still may not connect.
    let viewer = Operator::new(cluster, "viewer", &space).env("DB_PASSWORD", PASSWORD);
    let file = service(&space, &viewer, &ask);
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace(&format!("k8s:{}/db#password", space.name()), "env:DB_PASSWORD");
    std::fs::write(&file, text).unwrap();
    let (answer, text) = live(&viewer, &file, &[])("database.main");
    assert!(answer == "unknown" && text.contains("pods/portforward"), "{answer}: {text}");
}

pub(crate) fn a_sql_check_holds_or_fails_its_run_and_what_it_shows_is_told(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let postgres = Postgres::new(&space);
    postgres.ask("create table rules (id int, note text)");
    postgres.ask("insert into rules values (1, 'first'), (2, null)");
    let operator = Operator::new(cluster, "operator", &space);
    let step = |checks: &str| {
        format!("[[action.step]]\nid = \"inspect\"\ntype = \"sql-check\"\ndatabase = \"main\"\ntimeout = \"20s\"\nchecks = [{checks}]\n")
    };
    let actions = [
        format!(
            "[[action]]\nid = \"ask-rules\"\n{}",
            step("{ sql = \"select count(*) from rules\", expect = \"> 0\" }, { sql = \"select * from rules order by id\", show = true }")
        ),
        format!("[[action]]\nid = \"many\"\n{}", step("{ sql = \"select count(*) from rules\", expect = \"> 100\" }")),
        format!("[[action]]\nid = \"none\"\n{}", step("{ sql = \"select count(*) from rule\", expect = \"> 0\" }")),
    ];
    let file = service(&space, &operator, &actions.concat());
    // A database without a backup is a warning, and the only one.
    let checked = operator.call(&["check", &file]).exits(1);
    assert!(checked.stdout.contains("1 findings") && checked.stdout.contains("(P-28)"), "{checked:?}");
    let run = operator.run_of("ask-rules", &["-f", &file]).expect("proven", 0);
    let told: Vec<&str> = run.named("note").filter_map(|note| note["text"].as_str()).collect();
    assert_eq!(told, ["select * from rules order by id:", "1 | first", "2 | NULL"], "{run:#?}");
    for (action, part) in [("many", "answers 2, and > 100 is expected"), ("none", "42P01")] {
        let run = operator.run_of(action, &["-f", &file]).expect("failed", 1);
        assert!(run.end()["reason"].as_str().is_some_and(|r| r.contains(part)), "{run:#?}");
    }
    let blind = operator.call(&["run", "ask-rules", "-f", &file, "--read-only", "--confirm", "y", "-o", "json"]);
    assert!(blind.code != Some(0) && blind.stdout.contains("read-only"), "{blind:?}");
    let typo = file.clone() + ".typo";
    std::fs::write(
        &typo,
        std::fs::read_to_string(&file)
            .unwrap()
            .replace("database = \"main\"\ntimeout", "database = \"mian\"\ntimeout"),
    )
    .unwrap();
    assert!(operator.call(&["check", &typo]).exits(2).stdout.contains("Did you mean 'main'?"));
}

pub(crate) fn check_live_tries_each_statement_right_and_image_of_the_steps_and_carries_none_out(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let postgres = Postgres::new(&space);
    postgres.ask("create table rules (id int, note text)");
    postgres.ask("insert into rules select n, 'ok' from generate_series(1, 7) n");
    postgres.ask("create sequence tickets");
    postgres.ask(&format!("create role outsider login password '{PASSWORD}'"));
    let operator = Operator::new(cluster, "operator", &space);
    let statements = [
        "select count(*) from rules",
        "select nextval('tickets')",
        "select pg_sleep(600)",
        "select count(*) from no_such_table",
        "select nothing from rules",
        "with gone as (delete from rules returning 1) select count(*) from gone",
        "select 1; delete from rules",
        "show server_version",
        "delete from rules",
    ];
    let checks: Vec<String> = statements.iter().map(|sql| format!("{{ sql = \"{sql}\" }}")).collect();
    let more = format!(
        "[[database]]\nid = \"outside\"\nkind = \"postgres\"\nworkload = \"db\"\nname = \"shop\"\nuser = \"outsider\"\npassword = \"secret:db\"\n\
         image = \"registry.example/none:1\"\n\
         [[action]]\nid = \"inspect\"\n[[action.step]]\nid = \"ask\"\ntype = \"sql-check\"\ndatabase = \"main\"\nchecks = [{}]\n\
         [[action.step]]\nid = \"look\"\ntype = \"exec\"\nworkload = \"db\"\nargv = [\"true\"]\nread_only = true\n\
         [[action.step]]\nid = \"pry\"\ntype = \"sql-check\"\ndatabase = \"outside\"\nchecks = [{{ sql = \"select count(*) from rules\" }}]\n",
        checks.join(", ")
    );
    let file = service(&space, &operator, &more);
    let began = std::time::Instant::now();
    let of = live(&operator, &file, &[]);
    assert!(began.elapsed() < std::time::Duration::from_mins(5), "the sleep was not slept");
    for (at, expected, part) in [
        (1, "proven", "can be asked"),
        (2, "proven", "can be asked"),
        (3, "proven", "can be asked"),
        (4, "failed", "42P01"),
        (5, "failed", "42703"),
        (6, "failed", "Delete on rules"),
        (7, "failed", "42601"),
        (8, "proven", "can be asked"),
    ] {
        let (answer, text) = of(&format!("action.inspect.ask.{at}"));
        assert!(answer == expected && text.contains(part), "{at}: {answer}: {text}");
    }
    let (answer, text) = of("action.inspect.ask.9");
    assert!(answer != "proven" && text.contains("a question begins with"), "{answer}: {text}");
    let (answer, text) = of("action.inspect.pry.1");
    assert!(answer == "failed" && text.contains("42501"), "a login that may not read it: {answer}: {text}");
    assert_eq!(postgres.ask("select count(*) from rules"), "7", "nothing was deleted");
    assert_eq!(postgres.ask("select is_called from tickets"), "f", "no number was drawn");
    assert_eq!(of("image.db").0, "proven", "{}", of("image.db").1);
    assert_eq!(of("image.database.outside").0, "unknown", "{}", of("image.database.outside").1);
    let right = |verb: &str, what: &str| format!("right.{verb}.pods/{what}.in.{}", space.name());
    for (verb, what) in [("get", "portforward"), ("create", "portforward"), ("get", "exec"), ("create", "exec")] {
        assert_eq!(of(&right(verb, what)).0, "proven", "{}", of(&right(verb, what)).1);
    }
    let viewer = Operator::new(cluster, "viewer", &space).env("DB_PASSWORD", PASSWORD);
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace(&format!("k8s:{}/db#password", space.name()), "env:DB_PASSWORD");
    let own = viewer.sandbox.write("shop.toml", &text).display().to_string();
    let of = live(&viewer, &own, &[]);
    assert_eq!((of("action.inspect.ask.1").0.as_str(), of(&right("create", "exec")).0.as_str()), ("unknown", "failed"));
}
