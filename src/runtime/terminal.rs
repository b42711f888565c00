//! Taking the terminal and giving it back.
//!
//! Owns raw mode, the alternate screen and every byte that is not cell content. One order to enter, one to leave, used by
//! quit, panic, signals, suspension and handing the terminal to a child alike.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::{
    Command,
    cursor::{Hide, Show},
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    terminal::{DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};

/// Whether the terminal is ours at the moment: leaving twice must do nothing.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether the mouse was asked for, so that coming back asks again.
static MOUSE: AtomicBool = AtomicBool::new(false);

/// Why the full screen cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTerminal {
    /// Standard input or output is a pipe or a file.
    #[error("the console needs a terminal on standard input and output")]
    NotATerminal,
    /// `TERM=dumb` or no TERM: cursor addressing cannot be had.
    #[error("this terminal says that it cannot address the cursor (TERM=dumb)")]
    Dumb,
}

/// Whether a full screen can be had here.
pub fn check() -> Result<(), NoTerminal> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(NoTerminal::NotATerminal);
    }
    if std::env::var_os("TERM").is_none_or(|t| t == "dumb" || t.is_empty()) {
        return Err(NoTerminal::Dumb);
    }
    Ok(())
}

/// Takes the terminal. Give it back with [`leave`]; a panic does so by itself once [`install_panic_hook`] was called.
pub fn enter(mouse: bool) -> io::Result<()> {
    MOUSE.store(mouse, Ordering::SeqCst);
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut sequences = String::new();
    ansi(&mut sequences, &EnterAlternateScreen);
    ansi(&mut sequences, &EnableBracketedPaste);
    ansi(&mut sequences, &DisableLineWrap);
    ansi(&mut sequences, &Hide);
    if mouse {
        ansi(&mut sequences, &EnableMouseCapture);
    }
    send(&sequences)
}

/// Gives the terminal back as it was. Does nothing when it is not ours. Errors are of no use to anybody here: the terminal may
/// be gone (SIGHUP).
pub fn leave() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut sequences = String::new();
    if MOUSE.load(Ordering::SeqCst) {
        ansi(&mut sequences, &DisableMouseCapture);
    }
    ansi(&mut sequences, &EnableLineWrap);
    ansi(&mut sequences, &DisableBracketedPaste);
    ansi(&mut sequences, &Show);
    ansi(&mut sequences, &LeaveAlternateScreen);
    let _ = send(&sequences);
    let _ = disable_raw_mode();
}

/// Says a line on the terminal while it is not ours.
pub fn say(text: &str) {
    // A terminal that is gone hears nothing, and its hang-up is on its way.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Forgets the terminal without touching it: it was hung up, and its file descriptor may be another's tomorrow.
pub fn abandon() {
    TAKEN.store(false, Ordering::SeqCst);
}

/// Takes the terminal again after a suspension or a child.
pub fn re_enter() -> io::Result<()> {
    enter(MOUSE.load(Ordering::SeqCst))
}

/// Gives the terminal back before the panic message is printed, so that it can be read.
pub fn install_panic_hook() {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        leave();
        tracing::error!(target: "panic", "{info}");
        previous(info);
    }));
}

/// Stops the whole job as Ctrl-Z does (a wrapper such as `cargo run` stops with us) and comes back when it is continued. Call
/// between [`leave`] and [`re_enter`].
///
/// SIGSTOP, which nobody can catch, and not SIGTSTP: that one is caught for us, and arrived a second time after `fg`.
pub fn stop_self() {
    let _ = rustix::process::kill_current_process_group(rustix::process::Signal::STOP);
}

fn ansi(out: &mut String, command: &impl Command) {
    // Writing to a String cannot fail.
    let _ = command.write_ansi(out);
}

fn send(sequences: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(sequences.as_bytes())?;
    out.flush()
}
