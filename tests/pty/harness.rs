//! The harness itself: that it sees what a program draws, and that it fails when it must.

use std::path::Path;
use std::time::Duration;

use crate::support::sandbox::Sandbox;
use crate::support::terminal::{End, Terminal};

fn shell(script: &str) -> Terminal {
    // The home must outlive the shell that runs in it.
    let home: &'static Sandbox = Box::leak(Box::new(Sandbox::new()));
    Terminal::start_other(Path::new("/bin/sh"), home, (40, 5), &["-c", script])
}

#[test]
fn a_screen_is_waited_for_and_keys_arrive() {
    let mut terminal = shell("stty raw -echo; printf 'press\\r\\n'; head -c 1 >/dev/null; printf '\\033[1;31mpressed\\033[0m'; head -c 1 >/dev/null");
    terminal.wait_for("press");
    terminal.press("x");
    let screen = terminal.wait_for("pressed");
    assert!(screen.coloured);
    terminal.press("y");
    assert_eq!(terminal.wait_end(), End::Code(0));
}

#[test]
fn what_never_appears_fails_with_the_screen() {
    let terminal = shell("printf 'only this'; exec sleep 30");
    terminal.wait_for("only this");
    let error = terminal.wait_at_most(Duration::from_millis(50), "pigs fly", |screen| screen.has("pigs")).unwrap_err();
    assert!(error.contains("pigs fly") && error.contains("|only this"), "{error}");
}

#[test]
fn the_end_of_the_program_ends_the_waiting() {
    let terminal = shell("printf 'gone'");
    let error = terminal.wait_at_most(Duration::from_mins(1), "pigs fly", |screen| screen.has("pigs")).unwrap_err();
    assert!(error.contains("ended"), "{error}");
}

#[test]
#[should_panic(expected = "alternate screen was not left")]
fn a_terminal_that_was_not_given_back_is_noticed() {
    shell("printf '\\033[?1049h'").wait_restored();
}

#[test]
#[should_panic(expected = "stayed raw")]
fn a_terminal_that_stayed_raw_is_noticed() {
    shell("stty raw -echo").wait_restored();
}

#[test]
fn a_signal_a_size_and_an_unknown_sequence_are_seen() {
    let mut terminal = shell("trap 'stty size; exit 7' TERM; printf '\\033[?7777hready'; while :; do sleep 0.05; done");
    terminal.wait_for("ready");
    assert_eq!(terminal.surprises().unknown, ["CSI ?7777h"]);
    terminal.resize((33, 9));
    terminal.signal(rustix::process::Signal::TERM);
    assert_eq!(terminal.wait_end(), End::Code(7));
    assert!(terminal.screen().has("9 33"), "{}", terminal.screen().dump());
}

#[test]
fn silence_and_bytes_are_measured() {
    let terminal = shell("printf '12345'; head -c 1 >/dev/null; exec sleep 30");
    terminal.wait_for("12345");
    let before = terminal.wait_silent(Duration::from_millis(200));
    assert_eq!(before, 5, "{}", terminal.screen().dump());
    assert_eq!(terminal.bytes_written_during(Duration::from_millis(100)), 0);
}
