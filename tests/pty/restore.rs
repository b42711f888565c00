//! The terminal is given back as it was, however the program ends.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use crate::nowhere;
use crate::support::sandbox::Sandbox;
use crate::support::terminal::{End, Terminal};

#[test]
fn it_starts_and_quits_clean() {
    let (sandbox, _) = nowhere();
    let mut terminal = Terminal::start(&sandbox, (100, 30), &[]);
    let screen = terminal.wait_for("Workloads");
    assert!(screen.alternate && !screen.cursor, "{}", screen.dump());
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}

#[test]
fn ctrl_c_leaves_too() {
    let (sandbox, _) = nowhere();
    let mut terminal = Terminal::start(&sandbox, (100, 30), &[]);
    terminal.wait_for("Workloads");
    terminal.press("ctrl-c");
    assert!(matches!(terminal.wait_restored(), End::Code(0 | 130)));
}

#[test]
fn sigterm_restores_and_exits_143() {
    let (sandbox, _) = nowhere();
    let mut terminal = Terminal::start(&sandbox, (100, 30), &[]);
    terminal.wait_for("Workloads");
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.wait_restored(), End::Code(143));
}

#[test]
fn sighup_without_a_run_ends_the_program() {
    let (sandbox, _) = nowhere();
    let mut terminal = Terminal::start(&sandbox, (100, 30), &[]);
    terminal.wait_for("Workloads");
    terminal.signal(Signal::HUP);
    let end = terminal.wait_end();
    assert!(matches!(end, End::Code(_)), "no death by the signal itself: {end:?}");
}

/// Takes the terminal as the console does and panics. Runs only as a child of the test below.
#[test]
fn child_that_takes_the_terminal_and_panics() {
    if std::env::var_os("TIMONEL_TEST_PANIC").is_none() {
        return;
    }
    timonel::runtime::terminal::install_panic_hook();
    timonel::runtime::terminal::enter(false).unwrap();
    print!("taken");
    std::io::Write::flush(&mut std::io::stdout()).unwrap();
    let mut key = [0u8; 1];
    std::io::Read::read_exact(&mut std::io::stdin(), &mut key).unwrap();
    panic!("the words of the panic");
}

#[test]
fn a_panic_gives_the_terminal_back_before_its_words_are_printed() {
    let sandbox = Sandbox::new().env("TIMONEL_TEST_PANIC", "1");
    let own = std::env::current_exe().unwrap();
    let arguments = ["--exact", "restore::child_that_takes_the_terminal_and_panics", "--nocapture", "--test-threads=1"];
    let mut terminal = Terminal::start_other(&own, &sandbox, (100, 30), &arguments);
    let screen = terminal.wait_for("taken");
    assert!(screen.alternate && !terminal.is_cooked());
    terminal.press("x");
    terminal.wait_restored();
    assert!(terminal.screen().has("the words of the panic"), "{}", terminal.screen().dump());
}

#[test]
fn ctrl_z_hands_the_terminal_to_the_shell_and_fg_brings_the_screen_back() {
    let (sandbox, _) = nowhere();
    let sandbox = sandbox.env("PS1", "shell> ");
    let mut terminal = Terminal::start_other(Path::new("/bin/bash"), &sandbox, (100, 30), &["--norc", "--noprofile", "-i"]);
    terminal.wait_for("shell>");
    terminal.type_text(&format!("{}\r", crate::support::sandbox::program().display()));
    terminal.wait("the console is up", |screen| screen.alternate && screen.has("Workloads"));
    terminal.press("ctrl-z");
    let screen = terminal.wait("the shell is back", |screen| !screen.alternate && screen.has("Stopped"));
    assert!(screen.cursor && terminal.is_cooked() || screen.has("shell>"), "{}", screen.dump());
    terminal.type_text("fg\r");
    terminal.wait("the console is back with everything on it", |screen| screen.alternate && screen.has("Workloads") && screen.has("Logs"));
    terminal.press("?");
    terminal.wait("and takes keys", |screen| screen.has("Help") || screen.has("help"));
    terminal.press("esc q");
    terminal.wait("the shell is back", |screen| !screen.alternate);
    terminal.type_text("exit\r");
    terminal.wait_end();
}

#[test]
fn what_a_plain_terminal_does_not_know_is_never_sent() {
    let (sandbox, _) = nowhere();
    let mut terminal = Terminal::start(&sandbox, (100, 30), &[]);
    terminal.wait_for("Workloads");
    terminal.press("? esc : esc z z");
    terminal.resize((60, 20));
    terminal.wait_silent(Duration::from_millis(300));
    // Synchronized output, line wrap and the reset of underline colours: terminals that do not know them ignore them silently, GNU
    // screen, mosh and PuTTY among them.
    let harmless = ["CSI ?2026h", "CSI ?2026l", "CSI ?7h", "CSI ?7l", "CSI \u{0}59m"];
    let unknown: Vec<String> = terminal.surprises().unknown.into_iter().filter(|sequence| !harmless.contains(&sequence.as_str())).collect();
    assert_eq!(unknown, Vec::<String>::new());
    assert!(terminal.surprises().titles.is_empty(), "the window's title is the user's");
    terminal.press("q");
    terminal.wait_restored();
}
