//! The README's picture: the demo in trouble, in a real terminal.
//!
//! Owns how it is taken and what of it must stay as it is: where frames stand and what the parts are called. What is inside them
//! is another night's news.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::sandbox::Sandbox;
use crate::support::screen::Screen;
use crate::support::terminal::Terminal;

const BEGIN: &str = "<!-- picture -->\n```text\n";
const END: &str = "```\n<!-- end of picture -->";
/// Set by `tests/picture`: the new picture goes into the README.
const WRITE: &str = "TIMONEL_WRITE_PICTURE";

/// Words that stand where an operator looks for them.
const WORDS: [&str; 12] =
    ["DEMO", " UP ", " CHANGED ", " BACK ", " CALL ", "1 Workloads", "2 Health", "3 Releases", "4 Logs", "READY STATUS", "FIRST STEPS", "? help"];

fn take() -> String {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(&sandbox, (120, 36), &["demo", "--speed", "10"]);
    let trouble = |screen: &Screen| screen.has("OOMKilled") && screen.has("exit 1") && screen.has("not renewed");
    terminal.wait_at_most(Duration::from_mins(2), "a bad night", trouble).unwrap();
    let screen = between_frames(&terminal, trouble);
    terminal.press("q");
    terminal.wait_restored();
    screen.rows.join("\n")
}

/// A screen that is whole: nothing was written for longer than the pieces of one frame are apart. What is looked for comes and goes
/// with the story, so it is looked for again.
fn between_frames(terminal: &Terminal, wanted: impl Fn(&Screen) -> bool) -> Screen {
    for _ in 0..10_000 {
        terminal.wait_silent(Duration::from_millis(5));
        let screen = terminal.screen();
        if wanted(&screen) {
            return screen;
        }
    }
    panic!("no whole frame of it:\n{}", terminal.screen().dump());
}

/// Where frames begin, cross and end, and which words are on which row.
fn structure(picture: &str) -> Vec<String> {
    let row = |row: &str| {
        let frames = row.chars().enumerate().filter(|(_, c)| "╭╮╰╯".contains(*c)).map(|(at, c)| format!("{at}{c}"));
        let words = WORDS.iter().filter(|word| row.contains(**word)).map(|word| (*word).to_owned());
        frames.chain(words).collect::<Vec<_>>().join(" ")
    };
    picture.trim_end().lines().map(row).collect()
}

#[test]
fn the_readme_shows_the_demo_as_it_is_now() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("README.md has a place for the picture");
    let (old, after) = rest.split_once(END).expect("and an end of it");
    let new = take();
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, format!("{before}{BEGIN}{new}\n{END}{after}")).unwrap();
        return;
    }
    assert_eq!(structure(old), structure(&new), "tests/picture makes a new one of:\n{new}");
}

#[test]
fn a_pane_that_moved_is_noticed() {
    assert_ne!(structure("╭ 1 Workloads ─╮"), structure("╭ 1 Workloads ──╮"));
    assert_ne!(structure("╭ 1 Workloads ─╮"), structure("╭ 1 Workload ──╮"));
    assert_eq!(structure("╭ 1 Workloads 3 ─╮"), structure("╭ 1 Workloads 4 ─╮"));
}
