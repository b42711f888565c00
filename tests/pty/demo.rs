//! The demo in a real terminal, as a newcomer plays it; and the simulated cluster alone.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::sandbox::{Sandbox, program};
use crate::support::screen::Screen;
use crate::support::terminal::{End, Terminal};

/// A home without a cluster whose temporary files can be counted.
fn newcomer() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let temporary = sandbox.path("tmp");
    fs::create_dir_all(&temporary).unwrap();
    (sandbox.env("TMPDIR", &temporary.display().to_string()), temporary)
}

fn files_in(folder: &std::path::Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

/// Types what the plan asks for.
fn confirm(terminal: &mut Terminal, asked: &str) {
    let answer = until_asked(terminal, asked);
    terminal.type_text(&answer);
    terminal.press("enter");
}

/// Waits until the plan asks for something that begins with `asked`, and says what. A plan that was overtaken by the story is made
/// again, as its panel says: at many times the speed of life objects change while they are looked at.
pub(crate) fn until_asked(terminal: &mut Terminal, asked: &str) -> String {
    let wanted = |screen: &Screen| {
        let rest = screen.row(&["Type ", " to go on"])?.split_once("Type ")?.1;
        rest.split_once(" to go on").map(|(answer, _)| answer.to_owned()).filter(|answer| answer.starts_with(asked))
    };
    let overtaken = |screen: &Screen| screen.has("make the plan again") && screen.has("may not run");
    for _ in 0..20 {
        let screen = terminal.wait("the plan asks, or was overtaken", |screen| wanted(screen).is_some() || overtaken(screen));
        if let Some(answer) = wanted(&screen) {
            return answer;
        }
        terminal.press("n");
        terminal.wait("another plan is made", |screen| !overtaken(screen));
    }
    panic!("every plan was overtaken:\n{}", terminal.screen().dump());
}

#[test]
fn a_newcomer_finds_the_cause_scales_and_watches_the_proof() {
    let (sandbox, temporary) = newcomer();
    let mut terminal = Terminal::start(&sandbox, (120, 36), &["demo", "--speed", "20"]);
    terminal.wait("the header says that it is the demo", |screen| screen.rows[0].contains("DEMO"));
    terminal.wait_for("FIRST STEPS");
    let story = Duration::from_mins(1);
    terminal.wait_at_most(story, "the cause is on the row", |screen| screen.has("OOMKilled")).unwrap();
    terminal.press("/");
    terminal.type_text("devshelf-worker");
    terminal.press("enter");
    terminal.wait_for("1 of ");
    terminal.press("a s");
    terminal.wait_for("number of replicas");
    terminal.press("ctrl-u 4 enter");
    terminal.wait_for("replicas 2 -> 4");
    confirm(&mut terminal, "y");
    terminal.wait_at_most(story, "the run ends proven", |screen| screen.has("every proof held")).unwrap();
    terminal.press("esc");
    terminal
        .wait_at_most(story, "all four are ready", |screen| screen.has_row(&["devshelf-worker", "4/4"]))
        .unwrap();
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
    assert_eq!(files_in(&temporary), Vec::<PathBuf>::new());
    assert_eq!(files_in(&sandbox.path("state")), Vec::<PathBuf>::new());
}

/// The README has these two commands, word for word: a backup, and a migration to that release. `told` is what the migration would do.
fn two_commands(namespace: &str, workload: &str, migrate: &str, told: &str, head: &str) {
    let (sandbox, _) = newcomer();
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let mut terminal = Terminal::start(&sandbox, (120, 36), &["demo", "-n", namespace, "--scenario", "quiet", "--speed", "4"]);
    terminal.wait("the console sees all of it", |screen| screen.has(" UP ●") && screen.has_row(&["Backup daily", "none is known"]));
    let command = |terminal: &mut Terminal, typed: &str| {
        assert!(readme.contains(typed), "the README does not have '{typed}'");
        terminal.press(":");
        terminal.wait_for("Command");
        terminal.type_text(typed.trim_start_matches(':'));
        terminal.press("enter");
    };
    let proven = |terminal: &mut Terminal| {
        terminal
            .wait_at_most(Duration::from_mins(1), "the run ends proven", |screen| screen.has("every proof held"))
            .unwrap();
    };
    command(&mut terminal, ":back-up daily");
    terminal.wait_for(&format!("Backup {namespace}-backups"));
    confirm(&mut terminal, "y");
    proven(&mut terminal);
    terminal.press("esc");
    terminal.wait("the backup counts", |screen| screen.has_row(&["Backup daily", "fresh"]));
    command(&mut terminal, migrate);
    terminal.wait_for(&format!("Inspect {workload}"));
    confirm(&mut terminal, "y");
    terminal
        .wait_at_most(Duration::from_mins(1), "what it would do is told", |screen| screen.has(&format!("Migrate {workload}")))
        .unwrap();
    terminal.wait_for(told);
    confirm(&mut terminal, "y");
    proven(&mut terminal);
    assert!(terminal.screen().has(&format!("the database is at {head}")), "{}", terminal.screen().dump());
    terminal.press("esc");
    terminal.wait_gone("every proof held");
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}

#[test]
fn two_commands_lead_from_nothing_to_a_verified_backup_and_a_migration_with_proof() {
    two_commands("devshelf", "devshelf-api", ":migrate 1.9.0", "e07b52c9d113 rewriting", "e07b52c9d113");
}

#[test]
fn the_same_two_commands_work_where_the_database_is_elsewhere_and_the_dump_is_uploaded() {
    two_commands("eterna-rules", "eterna-rules-backend", ":migrate v0.10.0", "008 locking", "008");
}

#[test]
fn a_schema_above_the_release_before_is_taken_back_with_it_by_the_ordered_plan() {
    let (sandbox, _) = newcomer();
    let mut terminal = Terminal::start(&sandbox, (120, 36), &["demo", "-n", "platform", "--scenario", "quiet", "--speed", "10"]);
    terminal.wait("the header says what going back takes", |screen| screen.has("BACK 2.14.0 needs downgrade"));
    terminal.wait("so does its row", |screen| screen.has_row(&["2.14.0", "needs downgrade"]) && screen.has_row(&["2.12.4", "loses data"]));
    terminal.press(":");
    terminal.wait_for("Command");
    terminal.type_text("rollback");
    terminal.press("enter");
    terminal.wait_for("choose one here");
    terminal.press("a b");
    terminal.wait_for("to revision 5, the schema first");
    confirm(&mut terminal, "rollback platform-backend 6->5");
    terminal
        .wait_at_most(Duration::from_mins(2), "the run ends proven", |screen| screen.has("every proof held"))
        .unwrap();
    let ended = terminal.screen();
    assert!(ended.has_row(&["schema", "the database is at"]) && ended.has("no debts"), "{}", ended.dump());
    terminal.press("esc");
    terminal.wait("it runs again", |screen| screen.has_row(&["platform-backend", "3/3"]) && screen.has(" UP ●"));
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}

#[test]
fn a_deploy_that_only_half_arrived_is_rolled_back_under_its_autoscaler() {
    let (sandbox, _) = newcomer();
    let mut terminal = Terminal::start(&sandbox, (120, 36), &["demo", "--scenario", "friday", "--speed", "20"]);
    let story = Duration::from_mins(2);
    terminal
        .wait_at_most(story, "the cause is on the row", |screen| screen.has_row(&["listacompra-api", "Pull"]))
        .unwrap();
    terminal.wait_at_most(story, "what arrived answers with errors", |screen| screen.has("shared_with")).unwrap();
    terminal.press("x");
    terminal.wait_for("401 Unauthorized");
    terminal.press("esc");
    terminal.wait_gone("401 Unauthorized");
    terminal.press("a b");
    terminal.wait_for("ghcr.io/listacompra/api:v4.2.0");
    confirm(&mut terminal, "y");
    terminal.wait_at_most(story, "the run ends proven", |screen| screen.has("every proof held")).unwrap();
    terminal.press("esc");
    terminal.wait_at_most(story, "all is well", |screen| screen.has(" UP ●")).unwrap();
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}

#[test]
fn connections_that_ran_out_come_back_with_fewer_replicas() {
    let (sandbox, _) = newcomer();
    let mut terminal = Terminal::start(&sandbox, (120, 36), &["demo", "--scenario", "database", "--speed", "10"]);
    let story = Duration::from_mins(2);
    terminal
        .wait_at_most(story, "crashes are on the row", |screen| screen.has_row(&["eterna-rules-backend", "/10", "exit 1"]))
        .unwrap();
    terminal.press("L");
    terminal
        .wait_at_most(story, "the log has the cause", |screen| screen.has("too many clients already"))
        .unwrap();
    terminal.press("esc");
    terminal.wait_for("1 Workloads");
    terminal.press("1 a s");
    terminal.wait_for("number of replicas");
    terminal.press("ctrl-u 5 enter");
    terminal.wait_for("lower maxReplicas to 5");
    terminal.press("l");
    terminal.wait_for("maxReplicas 10 -> 5");
    confirm(&mut terminal, "scale eterna-rules-backend");
    terminal.wait_at_most(story, "the run ends proven", |screen| screen.has("every proof held")).unwrap();
    terminal.press("esc");
    terminal
        .wait_at_most(story, "all is well", |screen| screen.has(" UP ●") && screen.has_row(&["eterna-rules-backend", "5/5"]))
        .unwrap();
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}

#[test]
fn first_steps_that_were_dismissed_stay_away() {
    let (sandbox, _) = newcomer();
    let flag = sandbox.path("state/timonel/first-steps-dismissed");
    let mut terminal = Terminal::start(&sandbox, (80, 24), &["demo"]);
    terminal.wait_for("FIRST STEPS 1/");
    terminal.press("f2");
    terminal.wait_gone("FIRST STEPS");
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
    assert_eq!(files_in(&sandbox.path("state/timonel")), [flag]);
    let terminal = Terminal::start(&sandbox, (80, 24), &["demo"]);
    terminal.wait("everything was read", |screen| screen.has("● live"));
    assert!(!terminal.screen().has("FIRST STEPS"));
}

#[test]
fn one_system_of_the_demo_comes_with_its_service_file() {
    let (sandbox, temporary) = newcomer();
    let mut terminal = Terminal::start(&sandbox, (120, 36), &["demo", "--scenario", "quiet", "-n", "eterna-rules"]);
    for text in ["CALL DevOps Lead", "none is known", "3 of 3 pods", "0.82 s", "BACK v0.9.1 loses data"] {
        terminal.wait_for(text);
    }
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
    assert_eq!(files_in(&temporary), Vec::<PathBuf>::new());
}

#[test]
fn a_demo_that_is_told_to_end_leaves_nothing_behind() {
    let (sandbox, temporary) = newcomer();
    let mut terminal = Terminal::start(&sandbox, (80, 24), &["demo", "--scenario", "quiet"]);
    terminal.wait_for("DEMO");
    terminal.signal(rustix::process::Signal::TERM);
    assert_eq!(terminal.wait_restored(), End::Code(143));
    assert_eq!(files_in(&temporary), Vec::<PathBuf>::new());
}

#[test]
fn a_storm_is_watched_live_and_ends_when_told_to() {
    let (sandbox, temporary) = newcomer();
    let mut terminal = Terminal::start(&sandbox, (120, 36), &["demo", "--scenario", "storm"]);
    let patience = Duration::from_mins(2);
    terminal.wait_at_most(patience, "everything was read", |screen| screen.has("● live")).unwrap();
    terminal.press("/");
    terminal.type_text("app-0004");
    terminal.press("enter");
    let restarts = |screen: &Screen| -> Option<u32> { screen.row(&["app-0004", "10/10"])?.split_whitespace().find_map(|word| word.parse().ok()) };
    let screen = terminal.wait("all ten run", |screen| restarts(screen).is_some());
    let before = restarts(&screen).unwrap();
    terminal.wait_at_most(patience, "changes arrive", |screen| restarts(screen) > Some(before)).unwrap();
    terminal
        .wait_at_most(patience, "the log runs", |screen| screen.has("4 Logs  app-0004") && screen.has("lines/s"))
        .unwrap();
    assert!(terminal.screen().has("● live"), "{}", terminal.screen().dump());
    terminal.signal(rustix::process::Signal::TERM);
    assert_eq!(terminal.wait_restored(), End::Code(143));
    assert_eq!(files_in(&temporary), Vec::<PathBuf>::new());
}

#[test]
fn an_unknown_scenario_is_wrong_usage_with_a_hint() {
    let sandbox = Sandbox::new();
    let finished = sandbox.run(&["sim", "--scenario", "fridy"]).exits(64);
    assert!(finished.stderr.contains("did you mean 'friday'?"), "{}", finished.stderr);
    sandbox.run(&["sim", "--speed", "fast"]).exits(64);
}

#[test]
fn the_simulated_cluster_answers_commands_and_ends_with_its_parent() {
    let (sandbox, temporary) = newcomer();
    // The shell becomes a process that only waits: the parent of the cluster, to be ended without a word.
    let script = format!("'{}' sim --scenario quiet & exec sleep 600", program().display());
    let mut parent = Command::new("/bin/sh");
    parent.args(["-c", &script]).env_clear().envs(sandbox.variables().iter().cloned());
    let mut parent = parent.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(parent.stdout.take().unwrap());
    let mut kubeconfig = String::new();
    output.read_line(&mut kubeconfig).unwrap();
    let status = sandbox.run(&["status", "-A", "-o", "json", "--kubeconfig", kubeconfig.trim()]).exits(0).json();
    assert_eq!(status["target"]["context"], "demo");
    assert!(status["workloads"].as_array().is_some_and(|workloads| workloads.len() > 20), "{status}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    // The pipe closes when the last process that could write into it is gone.
    output.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(files_in(&temporary), Vec::<PathBuf>::new());
}

#[test]
fn a_simulated_cluster_that_is_told_to_end_at_its_first_line_takes_its_folder_with_it() {
    let (sandbox, temporary) = newcomer();
    let mut cluster = Command::new(program());
    cluster.args(["sim", "--scenario", "quiet"]).env_clear().envs(sandbox.variables().iter().cloned());
    let mut cluster = cluster.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(cluster.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    let id = rustix::process::Pid::from_child(&cluster);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert_eq!(cluster.wait().unwrap().code(), Some(0));
    assert_eq!(files_in(&temporary), Vec::<PathBuf>::new());
}
