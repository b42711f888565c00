//! The schema of service files against their reader: the same keys in the same tables, the same words.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{DEVSHELF, ETERNA, LISTACOMPRA, PLATFORM, TIENDA, line};
use crate::base::toml::ASKED;
use crate::service::{Origin, SCHEMA, ServiceFile};

const EVERYTHING: &str = include_str!("../../../tests/config/valid/service-everything.toml");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("JSON")
}

/// What a schema says, with references followed, and all branches of an alternative.
fn branches<'s>(root: &'s Value, at: &'s Value) -> Vec<&'s Value> {
    let mut found = vec![at];
    if let Some(name) = at["$ref"].as_str() {
        let target = root.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("nothing at {name}"));
        found.extend(branches(root, target));
    }
    let alternatives = ["anyOf", "allOf"].into_iter().filter_map(|key| at[key].as_array()).flatten().chain(at.get("then"));
    found.extend(alternatives.flat_map(|branch| branches(root, branch)));
    found
}

/// The schemas of what stands at a path of the file: a number is an entry of a list.
fn at_path<'s>(root: &'s Value, path: &str) -> Vec<&'s Value> {
    let mut here = branches(root, root);
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let step = |schema: &&'s Value| {
            if part.parse::<usize>().is_ok() {
                return schema.get("items");
            }
            schema["properties"].get(part).or_else(|| schema.get("additionalProperties").filter(|more| more.is_object()))
        };
        here = here.iter().filter_map(step).flat_map(|next| branches(root, next)).collect();
    }
    here
}

/// The keys that the reader asked for in each of the files, by table.
fn asked() -> Vec<(String, BTreeSet<String>)> {
    ASKED.with_borrow_mut(BTreeSet::clear);
    let one = |text: &str| {
        let (file, problems) = ServiceFile::read("f.toml", text, &Origin::Operator);
        assert!(file.is_some(), "{:?}", problems.iter().map(line).collect::<Vec<_>>());
        let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, key) in ASKED.take() {
            asked.entry(path).or_default().insert(key);
        }
        asked
    };
    [EVERYTHING, ETERNA, TIENDA].into_iter().flat_map(one).collect()
}

#[test]
fn every_key_that_is_read_is_in_the_schema() {
    let root = schema();
    // Targets other than Kubernetes are open: their drivers are not there yet.
    for (path, keys) in asked().into_iter().filter(|(path, keys)| !path.ends_with(".target") || keys.contains("context")) {
        let here = at_path(&root, &path);
        assert!(!here.is_empty(), "the schema has nothing at '{path}'");
        for key in keys {
            let known = here
                .iter()
                .any(|s| s["properties"].get(&key).is_some() || s.get("additionalProperties").is_some_and(Value::is_object));
            // What a later version reads is open.
            let open = here.iter().all(|s| s.get("properties").is_none() && s.get("additionalProperties").is_none());
            assert!(known || open, "the schema has no '{key}' in '{path}'");
        }
    }
}

#[test]
fn every_key_of_the_schema_is_read() {
    let root = schema();
    let mut read: BTreeMap<*const Value, (String, BTreeSet<String>)> = BTreeMap::new();
    for (path, keys) in asked() {
        // The same schema stands at many paths; what is asked for in any of them is read.
        for here in at_path(&root, &path)
            .into_iter()
            .filter(|s| s["properties"].is_object() && s["additionalProperties"] == false)
        {
            read.entry(std::ptr::from_ref(here)).or_insert_with(|| (path.clone(), BTreeSet::new())).1.extend(keys.clone());
        }
    }
    let tables = SCHEMA.matches("\"additionalProperties\": false").count();
    assert_eq!(
        read.len(),
        tables,
        "a table of the schema was never read: {:?}",
        read.values().map(|(path, _)| path).collect::<Vec<_>>()
    );
    for (path, keys) in read.values() {
        for here in at_path(&root, path).into_iter().filter(|s| s["additionalProperties"] == false) {
            let written = here["properties"].as_object().expect("keys");
            let unread: Vec<&String> = written.keys().filter(|key| !keys.contains(*key)).collect();
            assert!(unread.is_empty(), "nobody reads {unread:?} of '{path}'");
        }
    }
}

fn valid(text: &str) -> Result<(), String> {
    let file: Value = toml::from_str(text).map_err(|e| e.to_string())?;
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("service.json", schema()).map_err(|e| e.to_string())?;
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile("service.json", &mut schemas).map_err(|e| e.to_string())?;
    schemas.validate(&file, index).map_err(|e| format!("{e:#}"))
}

#[test]
fn files_that_are_read_without_a_problem_are_valid() {
    for text in [EVERYTHING, ETERNA, TIENDA, PLATFORM, DEVSHELF, LISTACOMPRA] {
        assert_eq!(valid(text), Ok(()));
    }
}

#[test]
fn a_misspelt_key_a_wrong_word_and_a_missing_id_are_not_valid() {
    const HEAD: &str = "schema = 1\n[service]\nid = \"shop\"\n";
    assert_eq!(valid(HEAD), Ok(()));
    for wrong in [
        "[defaults]\ntimout = \"5m\"\n",
        "[defaults]\ntimeout = \"5 minutes\"\n",
        "[env.a]\nkind = \"prod\"\n",
        "[env.a]\nkind = \"production\"\n[env.a.target]\nnamspace = \"shop\"\n",
        "[[probe]]\nkind = \"http\"\n",
        "[[workload]]\nid = \"a\"\nkind = \"replicaset\"\n",
        "[[action]]\nid = \"a\"\n[[action.step]]\nid = \"s\"\ntype = \"restrat\"\nworkload = \"b\"\n",
        "[[action]]\nid = \"a\"\n[[action.step]]\nid = \"s\"\ntype = \"restart\"\nworkload = \"b\"\nreplicas = 3\n",
        "[[action]]\nid = \"a\"\n[[action.step]]\nid = \"s\"\ntype = \"scale\"\nworkload = \"b\"\nreplica = 3\n",
    ] {
        assert!(valid(&format!("{HEAD}{wrong}")).is_err(), "{wrong}");
    }
}

#[test]
fn the_words_of_the_schema_are_those_that_are_read() {
    let root = schema();
    let words = |pointer: &str| -> Vec<String> {
        let list = root.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("no words at {pointer}"));
        list.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
    };
    for (pointer, file) in [
        ("/$defs/confirmation/enum", "[defaults]\nconfirm = \"WORD\"\n"),
        ("/$defs/environment/properties/kind/enum", "[env.a]\nkind = \"WORD\"\n"),
        ("/$defs/target/properties/type/enum", "[env.a]\nkind = \"test\"\n[env.a.target]\ntype = \"WORD\"\n"),
        ("/$defs/workload/properties/kind/enum", "[[workload]]\nid = \"a\"\nkind = \"WORD\"\n"),
        ("/$defs/probe/properties/kind/enum", "[[probe]]\nid = \"a\"\nkind = \"WORD\"\n"),
        (
            "/$defs/expect/properties/json_type/enum",
            "[[probe]]\nid = \"a\"\nkind = \"http\"\nurl = \"http://a/\"\nexpect = { json_type = \"WORD\" }\n",
        ),
    ] {
        let told = |word: &str| {
            let text = format!("schema = 1\n[service]\nid = \"shop\"\n{}", file.replace("WORD", word));
            let (_, problems) = ServiceFile::read("f.toml", &text, &Origin::Operator);
            problems.into_iter().find(|p| p.message.contains("none of its words"))
        };
        let words = words(pointer);
        for word in &words {
            assert!(told(word).is_none(), "'{word}' of {pointer} is not read");
        }
        let wrong = told("zzzz").unwrap_or_else(|| panic!("{pointer} takes any word"));
        if let Some(possible) = wrong.hint.as_deref().and_then(|h| h.strip_prefix("Possible: ")) {
            let mut read: Vec<&str> = possible.trim_end_matches('.').split(", ").collect();
            let mut written: Vec<&str> = words.iter().map(String::as_str).collect();
            read.sort_unstable();
            written.sort_unstable();
            assert_eq!(read, written, "{pointer}");
        }
    }
}
