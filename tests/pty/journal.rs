//! The journal in the console: a run whose process was killed goes on from there, the last change is taken back, and what was seen of
//! health is remembered.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::demo::until_asked;
use crate::simulated::cluster;
use crate::support::sandbox::{Sandbox, program};
use crate::support::schema;
use crate::support::terminal::{End, Terminal};

const PATIENCE: Duration = Duration::from_mins(2);

#[test]
fn a_killed_run_goes_on_from_the_journal_and_u_takes_the_last_change_back() {
    let sandbox = Sandbox::new();
    let (_cluster, kubeconfig) = cluster(&sandbox, &["--scenario", "quiet"]);
    let kubeconfig = sandbox.write("cluster.kubeconfig", &kubeconfig.to_string()).display().to_string();
    let here = ["--kubeconfig", kubeconfig.as_str(), "-n", "devshelf"];
    let plan = sandbox.run(&[&here[..], &["plan", "scale", "devshelf-api=3", "-o", "json"]].concat()).exits(0).json();
    let typed = plan["confirmation"]["type"].as_str().unwrap_or("y");
    let before = plan["objects"][0]["changes"][0]["before"].clone();

    let mut run = Command::new(program());
    run.args(here).args(["run", "scale", "devshelf-api=3", "--confirm", typed, "-o", "json"]);
    let mut run = run
        .env_clear()
        .envs(sandbox.variables().iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(run.stdout.take().unwrap()).lines();
    let proving = told.map(Result::unwrap).find(|line| line.contains("step_started") && line.contains("prove-ready"));
    assert!(proving.is_some(), "it came as far as its proof");
    run.kill().unwrap();
    run.wait().unwrap();

    let mut terminal = Terminal::start(&sandbox, (120, 36), &here);
    terminal.wait_for("did not come to its end");
    terminal.wait("everything was read", |screen| screen.has("● live"));
    terminal.press("R");
    terminal.wait("the list has it", |screen| screen.has_row(&["not ended", "scale", "devshelf-api in devshelf"]));
    terminal.press("enter");
    terminal.wait("the run is read, and what was typed", |screen| screen.has(": not ended") && screen.has("Checks"));
    terminal.press("r");
    terminal.wait_at_most(PATIENCE, "it is proven", |screen| screen.has("every proof held")).unwrap();
    terminal.press("esc");
    terminal.wait("the record was read again", |screen| screen.has(": proven"));
    terminal.press("G");
    terminal.wait("and says so", |screen| screen.has("note: resumed by") && screen.has("Same as"));
    terminal.press("esc");
    terminal.wait("so was the list", |screen| screen.has_row(&["proven", "devshelf-api in devshelf"]));
    terminal.press("esc");
    terminal.wait("the bridge is back", |screen| screen.has("1 Workloads") && !screen.has("found"));

    terminal.press("u");
    terminal.wait_for(&format!("replicas 3 -> {before}"));
    let typed = until_asked(&mut terminal, "");
    terminal.type_text(&typed);
    terminal.press("enter");
    terminal.wait_at_most(PATIENCE, "the way back is proven", |screen| screen.has("every proof held")).unwrap();
    terminal.press("esc q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
    sandbox.run(&["journal", "verify"]).exits(0);
    let runs = sandbox.run(&["runs", "-o", "json"]).exits(0).json();
    let ends: Vec<&str> = runs["runs"].as_array().unwrap().iter().filter_map(|run| run["outcome"].as_str()).collect();
    assert_eq!(ends, ["proven", "proven"], "{runs:#}");
}

#[test]
fn what_a_console_saw_of_health_and_rollouts_is_in_the_timeline() {
    let sandbox = Sandbox::new();
    let (_cluster, kubeconfig) = cluster(&sandbox, &["--scenario", "friday", "--speed", "20"]);
    let kubeconfig = sandbox.write("cluster.kubeconfig", &kubeconfig.to_string()).display().to_string();
    let here = ["--kubeconfig", kubeconfig.as_str(), "-n", "listacompra"];
    let mut terminal = Terminal::start(&sandbox, (120, 36), &[&here[..], &["--read-only"]].concat());
    terminal
        .wait_at_most(PATIENCE, "the cause is on the row", |screen| screen.has_row(&["listacompra-api", "Pull"]))
        .unwrap();
    let until = Instant::now() + PATIENCE;
    let seen = loop {
        let text = std::fs::read_to_string(sandbox.path("state/timonel/sightings.jsonl")).unwrap_or_default();
        let lines: Vec<serde_json::Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let api = |line: &&serde_json::Value| line["workload"] == "listacompra/deployment/listacompra-api" && line["to"] == "degraded";
        if lines.iter().any(|line| api(&line)) {
            break lines;
        }
        assert!(Instant::now() < until, "nothing was remembered: {text}");
        thread::park_timeout(Duration::from_millis(10));
    };
    seen.iter().for_each(schema::expect);
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
    let told = sandbox.run(&[&here[..], &["journal", "export", "--since", "1h", "-o", "json"]].concat()).exits(0).json();
    let has = |source: &str| told["timeline"].as_array().unwrap().iter().any(|moment| moment["source"] == source);
    assert!(has("health") && has("rollout") && has("event"), "{told:#}");
    assert_eq!(told["runs"].as_array().map(Vec::len), Some(0), "a console that only looked ran nothing");
    let markdown = sandbox.run(&[&here[..], &["journal", "export", "--since", "1h"]].concat()).exits(0).stdout;
    let row = markdown.lines().find(|line| line.contains("| health | listacompra/deployment/listacompra-api |"));
    assert!(row.is_some_and(|row| row.contains("degraded: ")), "{markdown}");
}
