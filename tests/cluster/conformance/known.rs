//! The differences that are known, each with its reason.
//!
//! Owns `differences.toml`, what an entry covers, and the list in `assets/simulator.md`, which is made from it. An entry that
//! covers nothing any more fails the run: the list stays true.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use super::compare::Difference;

/// The file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    difference: Vec<Entry>,
}

/// One known difference.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// What is different, for people.
    what: String,
    /// Why it stays so.
    why: String,
    /// The chapters in which it shows; `*` in front or behind stands for anything.
    chapters: Vec<String>,
    /// The rows in which it shows.
    #[serde(default = "anything")]
    rows: Vec<String>,
    /// The fields in which it shows.
    paths: Vec<String>,
    /// Only where the simulator answers so.
    #[serde(default)]
    simulated: Option<String>,
    /// Only where the real server answers so.
    #[serde(default)]
    real: Option<String>,
    /// It is gone again a moment later, and may not be met.
    #[serde(default)]
    fleeting: bool,
}

fn anything() -> Vec<String> {
    vec!["*".to_owned()]
}

/// The known differences, and which of them were seen.
pub(crate) struct Known {
    entries: Vec<Entry>,
    /// Entries and their rows.
    seen: BTreeSet<(usize, usize)>,
}

impl Known {
    /// Reads the file.
    pub(crate) fn read() -> Self {
        let text = include_str!("differences.toml");
        let file: File = toml::from_str(text).unwrap_or_else(|error| panic!("differences.toml: {error}"));
        Self { entries: file.difference, seen: BTreeSet::new() }
    }

    /// Whether a difference is known; it counts as seen then.
    pub(crate) fn covers(&mut self, chapter: &str, row: &str, difference: &Difference) -> bool {
        let covering = self.entries.iter().enumerate().find_map(|(i, entry)| Some((i, entry.covers(chapter, row, difference)?)));
        self.seen.extend(covering);
        covering.is_some()
    }

    /// What is listed for this chapter and did not show in it, with the rows that it is listed for.
    pub(crate) fn unseen(&self, chapter: &str) -> Vec<String> {
        let here = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| !entry.fleeting && entry.chapters.iter().any(|c| c == chapter));
        let rows = here.flat_map(|(i, entry)| entry.rows.iter().enumerate().map(move |(j, row)| (i, j, entry, row)));
        rows.filter(|(i, j, ..)| !self.seen.contains(&(*i, *j)))
            .map(|(_, _, entry, row)| format!("{} (rows '{row}')", entry.what))
            .collect()
    }
}

impl Entry {
    /// By which of its rows it covers a difference, if it does.
    fn covers(&self, chapter: &str, row: &str, difference: &Difference) -> Option<usize> {
        let any = |patterns: &[String], text: &str| patterns.iter().any(|pattern| fits(pattern, text));
        let says = |wanted: &Option<String>, found: &Option<String>| {
            wanted.as_ref().is_none_or(|pattern| fits(pattern, found.as_deref().unwrap_or("(not there)")))
        };
        let covers = any(&self.chapters, chapter)
            && any(&self.paths, &difference.path)
            && says(&self.simulated, &difference.simulated)
            && says(&self.real, &difference.real);
        self.rows.iter().position(|pattern| covers && fits(pattern, row))
    }
}

/// Whether a text fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    rest.is_empty() || text.char_indices().map(|(i, _)| i).chain([text.len()]).any(|i| fits(rest, &text[i..]))
}

const START: &str = "<!-- known differences: made from tests/cluster/conformance/differences.toml -->\n";
const END: &str = "<!-- end of the known differences -->\n";

/// The page for people lists exactly what the file has. With `UPDATE=1` it is written anew.
pub(crate) fn the_page_lists_every_known_difference() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/simulator.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(START).expect("the start of the list");
    let (_, after) = rest.split_once(END).expect("the end of the list");
    let mut seen = BTreeSet::new();
    let rows = Known::read().entries.into_iter().filter(|entry| seen.insert((entry.what.clone(), entry.why.clone())));
    let list: String = rows.map(|entry| format!("| {} | {} |\n", entry.what, entry.why)).collect();
    let wanted = format!("{before}{START}| the simulator | because |\n|---|---|\n{list}{END}{after}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &wanted).expect("the page");
        return;
    }
    assert!(page == wanted, "assets/simulator.md does not list what differences.toml has: run this test with UPDATE=1");
}

/// Proves that a pattern covers what it says and nothing else.
pub(crate) fn a_pattern_covers_what_it_says() {
    for (pattern, text, wanted) in [
        ("*", "", true),
        ("a", "a", true),
        ("a*", "abc", true),
        ("*c", "abc", true),
        ("a*c*e", "abcde", true),
        ("a*d", "abc", false),
        ("ab", "abc", false),
    ] {
        assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
    }
    let entry = |simulated: Option<&str>| Entry {
        what: String::new(),
        why: String::new(),
        chapters: vec!["kinds of *".to_owned()],
        rows: anything(),
        paths: vec!["body.*".to_owned()],
        simulated: simulated.map(str::to_owned),
        fleeting: false,
        real: None,
    };
    let difference = Difference { path: "body.a".to_owned(), simulated: None, real: Some("1".to_owned()) };
    assert!(entry(None).covers("kinds of pods", "x", &difference).is_some());
    assert!(entry(Some("(not there)")).covers("kinds of pods", "x", &difference).is_some());
    assert_eq!(entry(Some("2")).covers("kinds of pods", "x", &difference), None);
    assert_eq!(entry(None).covers("paging", "x", &difference), None);
}
