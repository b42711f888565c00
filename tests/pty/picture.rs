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

/// Where the picture stands in the README.
const BEGIN: &str = "<!-- picture -->\n```text\n";
const END: &str = "```\n<!-- end of picture -->";
/// Set by `tests/picture`: the new picture goes into the README, the new recording beside the other assets.
pub(crate) const WRITE: &str = "TIMONEL_WRITE_PICTURE";

/// Words that stand where an operator looks for them.
const WORDS: [&str; 12] =
    ["DEMO", " UP ", " CHANGED ", " BACK ", " CALL ", "1 Workloads", "2 Health", "3 Releases", "4 Logs", "READY STATUS", "FIRST STEPS", "? help"];

/// The night is as bad as it gets, and every pane has heard of it.
pub(crate) fn trouble(screen: &Screen) -> bool {
    let told = screen.rows.iter().map(|row| row.matches("1 down, 1 degraded, 24 ok").count()).sum::<usize>();
    told == 2 && screen.has("OOMKilled") && screen.has("exit 1") && screen.has("not renewed")
}

fn take() -> String {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start(&sandbox, (120, 36), &["demo", "--speed", "10"]);
    let screen = terminal.wait_whole(Duration::from_mins(2), "the night is bad", trouble).unwrap();
    terminal.press("q");
    terminal.wait_restored();
    screen.rows.join("\n")
}

/// Where frames begin, cross and end, and which words are on which row.
pub(crate) fn structure(picture: &str) -> Vec<String> {
    let row = |row: &str| {
        let frames = row.chars().enumerate().filter(|(_, c)| "╭╮╰╯".contains(*c)).map(|(at, c)| format!("{at}{c}"));
        let words = WORDS.iter().filter(|word| row.contains(**word)).map(|word| (*word).to_owned());
        frames.chain(words).collect::<Vec<_>>().join(" ")
    };
    picture.trim_end().lines().map(row).collect()
}

/// The README: what stands before the picture, the picture, and what stands behind it.
pub(crate) fn readme() -> (String, String, String) {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("README.md has a place for the picture");
    let (old, after) = rest.split_once(END).expect("and an end of it");
    (before.to_owned(), old.to_owned(), after.to_owned())
}

/// The project's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_readme_shows_the_demo_as_it_is_now() {
    let (before, old, after) = readme();
    let new = take();
    if std::env::var_os(WRITE).is_some() {
        fs::write(root().join("README.md"), format!("{before}{BEGIN}{new}\n{END}{after}")).unwrap();
        return;
    }
    assert_eq!(structure(&old), structure(&new), "tests/picture makes a new one of:\n{new}");
}

#[test]
fn a_pane_that_moved_is_noticed() {
    assert_ne!(structure("╭ 1 Workloads ─╮"), structure("╭ 1 Workloads ──╮"));
    assert_ne!(structure("╭ 1 Workloads ─╮"), structure("╭ 1 Workload ──╮"));
    assert_eq!(structure("╭ 1 Workloads 3 ─╮"), structure("╭ 1 Workloads 4 ─╮"));
}
