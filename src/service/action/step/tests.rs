//! The schema of steps against their reader: for each type the same keys, and no others.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{KINDS, LATER, look};
use crate::base::toml::ASKED;
use crate::service::{Origin, SCHEMA, ServiceFile};

/// What steps refer to.
const AROUND: &str = r#"schema = 1
[service]
id = "shop"
[env.a]
kind = "test"
shell = "allow"
[secrets.hook]
ref = "env:HOOK"
[notify.chat]
kind = "webhook"
url = "secret:hook"
[[workload]]
id = "api"
kind = "deployment"
name = "api"
[[workload]]
id = "nightly"
kind = "cronjob"
name = "nightly"
[[probe]]
id = "page"
kind = "http"
url = "http://page/"
[[database]]
id = "main"
kind = "postgres"
host = "db"
name = "shop"
user = "shop"
[[backup]]
id = "daily"
kind = "pg_dump"
database = "main"
volume = "v"
[[kpi]]
id = "p95"
query = "x"
crit = "> 2"
[[action]]
id = "act"
[[action.step]]
id = "s"
"#;

/// A step of each type that is read to its end; of one that takes either of two keys, both ways.
const WHOLE: [(&str, &str); 20] = [
    ("scale", "workload = 'api'\nreplicas = 1"),
    ("restart", "workload = 'api'"),
    ("rollback", "workload = 'api'"),
    ("cronjob", "workload = 'nightly'\nop = 'trigger'"),
    ("exec", "workload = 'api'\nargv = ['true']"),
    ("rollout-wait", "workload = 'api'"),
    ("http-check", "probes = ['page']"),
    ("wait", "for = '1s'\nuntil = 'later'"),
    ("confirm", ""),
    ("set-image", "workload = 'api'\nimage = 'shop:1'"),
    ("job", "workload = 'api'\nimage = 'shop:1'\nargv = ['true']"),
    ("backup", "backup = 'daily'"),
    ("migrate-plan", "image = 'shop:1'"),
    ("image-check", "image = 'shop:1'\nworkload = 'api'"),
    ("sql-check", "database = 'main'\nchecks = [{ sql = 'select 1' }]"),
    ("metric-check", "kpis = ['p95']"),
    ("logs", "workload = 'api'"),
    ("notify", "to = ['chat']\ntext = 'x'"),
    ("shell", "argv = ['true']"),
    ("shell", "script = 'true'"),
];

/// The keys that the reader asks for in a step of that type.
fn asked(kind: &str) -> BTreeSet<String> {
    let ways = WHOLE.iter().filter(|(known, _)| *known == kind);
    let one = |(_, more): &(&str, &str)| {
        ASKED.with_borrow_mut(BTreeSet::clear);
        let (file, problems) = ServiceFile::read("f.toml", &format!("{AROUND}type = '{kind}'\n{more}\n"), &Origin::Operator);
        assert!(file.is_some() && problems.is_empty(), "{kind}: {problems:?}");
        ASKED
            .take()
            .into_iter()
            .filter(|(path, _)| path == "action.1.step.1")
            .map(|(_, key)| key)
            .collect::<BTreeSet<String>>()
    };
    ways.flat_map(one).collect()
}

/// The keys that the schema has for a step of that type.
fn written(step: &Value, kind: &str) -> BTreeSet<String> {
    let branches = step["allOf"].as_array().into_iter().flatten();
    let own = branches.filter(|b| b["if"]["properties"]["type"]["const"] == kind).map(|b| &b["then"]["properties"]);
    own.chain([&step["properties"]]).filter_map(Value::as_object).flat_map(|keys| keys.keys().cloned()).collect()
}

fn schema() -> Value {
    let root: Value = serde_json::from_str(SCHEMA).expect("JSON");
    root["$defs"]["step"].clone()
}

#[test]
fn the_schema_of_each_type_of_step_has_the_keys_that_its_reader_asks_for_and_no_other() {
    let step = schema();
    assert_eq!(step["unevaluatedProperties"], false, "a key that no branch has is an error");
    for kind in KINDS.iter().chain(&look::KINDS) {
        assert_eq!(asked(kind), written(&step, kind), "{kind}");
    }
}

#[test]
fn the_schema_knows_the_types_of_steps_that_the_reader_knows() {
    let step = schema();
    let words = |of: &Value| -> BTreeSet<String> { of.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect() };
    let known: BTreeSet<String> = KINDS.iter().chain(&look::KINDS).chain(&LATER).map(|kind| (*kind).to_owned()).collect();
    assert_eq!(words(&step["properties"]["type"]["enum"]), known);
    // What later versions carry out is open until they do.
    let later = step["allOf"].as_array().into_iter().flatten().find(|b| b["if"]["properties"]["type"]["enum"].is_array());
    let later = later.expect("a branch for them");
    assert_eq!(
        words(&later["if"]["properties"]["type"]["enum"]),
        LATER.iter().map(|kind| (*kind).to_owned()).collect::<BTreeSet<String>>()
    );
    let branches = step["allOf"].as_array().map_or(0, Vec::len);
    assert_eq!(branches, KINDS.len() + look::KINDS.len() + 1, "each type has one branch");
}
