//! The console without a cluster: it starts, says why, and stays usable at every size and in every terminal.

use std::sync::Arc;
use std::time::Duration;

use timonel::base::clock::SystemClock;
use timonel::run::journal::{Draft, EntryKind, Journal, Recorder as _};

use crate::nowhere;
use crate::support::terminal::{End, Terminal};

#[test]
fn an_unreachable_cluster_is_said_and_everything_else_works() {
    let (sandbox, server) = nowhere();
    let mut terminal = Terminal::start(&sandbox, (140, 40), &[]);
    terminal.wait_for("Workloads");
    terminal.wait("the header says that there is no connection", |screen| {
        screen.rows[0].contains("nowhere") && !screen.rows[0].contains("● live")
    });
    terminal.press("!");
    terminal.wait("the problem names the server", |screen| screen.has(&server.to_string()) || screen.has("refused"));
    terminal.press("esc ?");
    terminal.wait("help is made from the keymap", |screen| screen.has("help") && screen.has("ctrl-d"));
    terminal.press("esc :");
    terminal.type_text("the");
    terminal.press("esc q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}

#[test]
fn a_run_that_was_killed_is_said_at_the_start_with_what_goes_on_with_it() {
    let (sandbox, _) = nowhere();
    let id = "20261122-143312-scale-7f3a";
    let folder = sandbox.path("state/timonel");
    let journal = Journal::open(&folder, Arc::new(SystemClock), "bastion", "ana").expect("a journal");
    let data = serde_json::json!({ "plan": { "action": "scale" }, "subject": "Deployment shop/api", "quantity": "3->5" });
    let data = data.as_object().cloned().unwrap_or_default();
    journal.record(&[Draft { run: Some(id.to_owned()), kind: EntryKind::Plan, data }]).expect("recorded");
    // The file of a process that ended without letting go of its run.
    sandbox.write(&format!("state/timonel/running/{id}"), "");
    let mut terminal = Terminal::start(&sandbox, (160, 40), &[]);
    terminal.wait("a line says so", |screen| screen.has("did not come to its end"));
    terminal.press("!");
    terminal.wait("the problem says what goes on with it", |screen| screen.has(&format!("timonel runs resume {id}")));
    terminal.press("esc q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}

#[test]
fn a_pipe_is_refused_with_the_way_out() {
    let (sandbox, _) = nowhere();
    let finished = sandbox.run(&[]).exits(64);
    assert!(finished.stderr.starts_with("timonel: ") && finished.stderr.contains("\n  hint: "), "{}", finished.stderr);
    assert!(finished.stdout.is_empty(), "{}", finished.stdout);
}

#[test]
fn a_dumb_terminal_is_refused_with_the_way_out() {
    let (sandbox, _) = nowhere();
    let sandbox = sandbox.env("TERM", "dumb");
    let mut terminal = Terminal::start(&sandbox, (80, 24), &[]);
    assert_eq!(terminal.wait_restored(), End::Code(64));
    let screen = terminal.screen();
    assert!(screen.has("TERM=dumb") && screen.has("timonel --plain"), "{}", screen.dump());
}

#[test]
fn no_color_draws_without_colours() {
    let (sandbox, _) = nowhere();
    let terminal = Terminal::start(&sandbox, (120, 36), &[]);
    assert!(terminal.wait_for("Workloads").coloured);
    let (sandbox, _) = nowhere();
    let sandbox = sandbox.env("NO_COLOR", "1");
    let terminal = Terminal::start(&sandbox, (120, 36), &[]);
    terminal.wait_for("Workloads");
    terminal.wait_silent(Duration::from_millis(300));
    assert!(!terminal.screen().coloured, "{}", terminal.screen().dump());
}

#[test]
fn without_unicode_the_screen_is_plain_ascii() {
    let (sandbox, _) = nowhere();
    let sandbox = sandbox.env("LANG", "C").env("LC_ALL", "C");
    let terminal = Terminal::start(&sandbox, (120, 36), &[]);
    terminal.wait_for("Workloads");
    terminal.wait_silent(Duration::from_millis(300));
    let screen = terminal.screen();
    assert!(screen.rows.iter().all(|row| row.is_ascii()), "{}", screen.dump());
}

#[test]
fn every_size_is_survived_and_a_small_one_is_said() {
    let (sandbox, _) = nowhere();
    let mut terminal = Terminal::start(&sandbox, (200, 50), &[]);
    terminal.wait_for("Workloads");
    for size in [(120, 36), (80, 24), (60, 16), (20, 5), (5, 2), (1, 1), (20, 5)] {
        terminal.resize(size);
        terminal.wait(&format!("something is drawn at {size:?}"), |screen| screen.rows.iter().any(|row| !row.trim().is_empty()));
    }
    terminal.wait("one line says that it is too small", |screen| screen.has("small"));
    terminal.press("?");
    terminal.resize((80, 24));
    terminal.wait("the help that was asked for meanwhile is there", |screen| screen.has("help: ") && screen.has("enter  "));
    terminal.press("esc");
    terminal.wait("and the bridge below it", |screen| screen.has("Workloads") && screen.has("UP") && screen.has("BACK"));
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}

#[test]
fn a_broken_keymap_costs_one_line_and_is_named() {
    let (sandbox, _) = nowhere();
    sandbox.write("config/timonel/keymaps/default.toml", "[everywhere]\nquit = \"Q\"\nhlep = \"H\"\n");
    let mut terminal = Terminal::start(&sandbox, (140, 40), &[]);
    terminal.wait_for("Workloads");
    terminal.press("!");
    terminal.wait("file and line of the bad entry are shown", |screen| screen.has("default.toml:3") && screen.has("hlep"));
    // One at a time: a terminal that sends Esc and a letter at once means Alt with the letter.
    terminal.press("esc");
    terminal.wait("the bridge is back", |screen| screen.has("1 Workloads"));
    terminal.press("Q");
    assert_eq!(terminal.wait_restored(), End::Code(0), "the good line of the same file holds");
}

#[test]
fn no_kubeconfig_and_a_malformed_one_are_configuration_errors() {
    let (sandbox, _) = nowhere();
    let sandbox = sandbox.env("KUBECONFIG", "");
    let finished = sandbox.run(&["status"]).exits(78);
    assert!(finished.stderr.contains("kubeconfig") && finished.stderr.contains("\n  hint: "), "{}", finished.stderr);
    let path = sandbox.write("broken", "apiVersion: v1\nkind: Config\nclusters: [{name: a\n");
    let sandbox = sandbox.env("KUBECONFIG", &path.display().to_string());
    let finished = sandbox.run(&["status"]).exits(78);
    assert!(finished.stderr.contains("broken"), "the file is named: {}", finished.stderr);
}

#[test]
fn an_unknown_context_is_answered_with_the_nearest() {
    let (sandbox, _) = nowhere();
    let finished = sandbox.run(&["status", "--context", "nowere"]).exits(78);
    assert!(finished.stderr.contains("nowhere"), "{}", finished.stderr);
}

/// A misspelt pin must not let a write through to another cluster.
#[test]
fn a_service_file_with_errors_is_refused_before_anything_is_asked() {
    let (sandbox, _) = nowhere();
    let text = "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[[workload]]\nid = \"web\"\nkind = \"Deploymnt\"\nname = \"web\"\n[[probe]]\nid = \"p\"\n";
    let file = sandbox.write("shop.toml", text).display().to_string();
    for command in [["status", "-f", &file].as_slice(), &["run", "scale", "web=2", "--confirm", "y", "-f", &file]] {
        let finished = sandbox.run(command).exits(78);
        assert!(finished.stderr.contains("shop.toml:7:8"), "{}", finished.stderr);
        assert!(finished.stderr.contains("timonel check"), "{}", finished.stderr);
    }
}

#[test]
fn an_idle_screen_sends_next_to_nothing() {
    let (sandbox, _) = nowhere();
    let terminal = Terminal::start(&sandbox, (120, 36), &["--timeout", "5s"]);
    terminal.wait_for("Workloads");
    terminal.wait_silent(Duration::from_secs(1));
    // Two seconds, one of which may show that the connection was tried again.
    let bytes = terminal.bytes_written_during(Duration::from_secs(2));
    assert!(bytes < 400, "{bytes} bytes in two idle seconds");
}

#[test]
fn a_secret_of_the_kubeconfig_is_never_drawn() {
    let (sandbox, _) = nowhere();
    let mut terminal = Terminal::start(&sandbox, (200, 50), &[]);
    terminal.wait_for("Workloads");
    for view in ["!", "?"] {
        terminal.press(view);
        terminal.wait_silent(Duration::from_millis(200));
        assert!(!terminal.screen().has("secret-token-of-ana"), "{}", terminal.screen().dump());
        terminal.press("esc");
    }
}
