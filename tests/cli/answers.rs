//! Everything that is printed as JSON is what `timonel schema` says about it.

use std::fs;

use serde_json::{Value, json};

use super::simulated;
use crate::support::sandbox::Sandbox;
use crate::support::schema;

#[test]
fn every_answer_as_json_is_what_its_schema_says() {
    let (_cluster, home) = simulated("quiet");
    let call = |arguments: &[&str]| home.run(&[&["-n", "devshelf", "-o", "json"], arguments].concat());
    let status = home.run(&["status", "-A", "-o", "json"]).exits(0).json();
    assert_eq!(status["schema"], "timonel.status/1");
    assert!(call(&["releases"]).exits(0).json()["releases"].as_array().is_some_and(|all| !all.is_empty()));
    let plan = call(&["plan", "scale", "devshelf-api=3"]).exits(0).json();
    let blocked = call(&["plan", "scale", "nowhere=3"]);
    assert_eq!((blocked.code, blocked.stdout.as_str()), (Some(64), ""));
    let typed = plan["confirmation"]["type"].as_str().expect("a word to type");
    let events = call(&["run", "scale", "devshelf-api=3", "--confirm", typed]).exits(0).json_lines();
    assert_eq!(events.last().map(|last| &last["event"]), Some(&json!("ended")));
    let refused = call(&["run", "scale", "devshelf-api=4", "--confirm", "no"]).exits(4).json_lines();
    assert_eq!(refused.last().map(|last| &last["outcome"]), Some(&json!("refused")));
    let runs = call(&["runs"]).exits(0).json();
    let id = runs["runs"][0]["id"].as_str().expect("a run").to_owned();
    call(&["runs", "show", &id]).exits(0).json();
    assert!(call(&["journal"]).exits(0).json()["journal"].as_array().is_some_and(|lines| !lines.is_empty()));
    call(&["journal", "verify"]).exits(0).json();
    let told = call(&["journal", "export", "--since", "1h"]).exits(0).json();
    let sources: Vec<&Value> = told["timeline"].as_array().expect("a timeline").iter().map(|moment| &moment["source"]).collect();
    assert!(sources.contains(&&json!("run")) && sources.contains(&&json!("event")), "{told:#}");
    call(&["doctor"]).json();
    let listed = call(&["schema"]).exits(0).json();
    assert!(listed["schemas"].as_array().is_some_and(|all| all.len() > 10), "{listed}");
}

#[test]
fn every_line_of_the_journal_is_what_its_schema_says() {
    let (_cluster, home) = simulated("quiet");
    let call = |arguments: &[&str]| home.run(&[&["-n", "devshelf", "-o", "json"], arguments].concat());
    let plan = call(&["plan", "restart", "devshelf-api"]).exits(0).json();
    let typed = plan["confirmation"]["type"].as_str().expect("a word to type");
    call(&["run", "restart", "devshelf-api", "--confirm", typed]).exits(0).json_lines();
    let journal = fs::read_to_string(home.path("state/timonel/journal.jsonl")).expect("a journal");
    assert!(journal.lines().count() > 4, "{journal}");
    for line in journal.lines() {
        schema::expect(&serde_json::from_str(line).expect("JSON"));
    }
}

#[test]
fn answers_without_a_cluster_are_what_their_schemas_say() {
    let home = Sandbox::new();
    let file = home.write("shop.toml", "schema = 1\n[service]\nid = \"shop\"\nowner = 3\n");
    let checked = home.run(&["check", &file.display().to_string(), "-o", "json"]).exits(2).json();
    assert_eq!(checked["check"][0]["where"]["line"], 4);
    let doctor = home.run(&["doctor", "-o", "json"]);
    assert_eq!(doctor.json()["target"], Value::Null, "there is none");
    home.run(&["runs", "-o", "json"]).exits(0).json();
    home.run(&["journal", "verify", "-o", "json"]).exits(0).json();
}

#[test]
fn an_answer_that_is_not_what_its_schema_says_is_found() {
    let (_cluster, home) = simulated("quiet");
    let good = home.run(&["status", "-n", "devshelf", "-o", "json"]).json();
    assert_eq!(schema::check(&good), Ok(()));
    for (field, wrong) in [("health", json!("fine")), ("taken_at", json!("yesterday")), ("took_seconds", json!("1")), ("problems", Value::Null)] {
        let mut answer = good.clone();
        answer[field] = wrong;
        assert!(schema::check(&answer).is_err(), "{field}");
        answer.as_object_mut().expect("an object").remove(field);
        assert!(schema::check(&answer).is_err(), "without {field}");
    }
}

#[test]
fn an_unknown_schema_is_wrong_usage_with_a_hint() {
    let finished = Sandbox::new().run(&["schema", "plam"]).exits(64);
    assert!(finished.stderr.contains("did you mean 'plan'?"), "{}", finished.stderr);
}
