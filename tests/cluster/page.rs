//! Pages of `assets` whose rows are what tests saw.
//!
//! Owns the file, the order of its rows, and how a row that was seen is compared with the one that is kept. A test tells its row as
//! soon as it knows it: it fails when the page says something else. With `TIMONEL_UPDATE_PAGES=1` the page is written anew instead,
//! row by row, so that a run of some tests writes their rows only.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use regex::Regex;

/// One page.
pub(crate) struct Page {
    /// Its name below `assets`.
    pub(crate) file: &'static str,
    /// What stands above the tables.
    pub(crate) head: &'static str,
    /// The tables.
    pub(crate) tables: &'static [Table],
}

/// One of its tables.
pub(crate) struct Table {
    /// What it is about.
    pub(crate) title: &'static str,
    /// What is said of it as a whole; may be empty.
    pub(crate) text: &'static str,
    /// The titles of its columns.
    pub(crate) columns: &'static [&'static str],
    /// The first cell of each row.
    pub(crate) rows: &'static [&'static str],
}

/// One cell of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// It must be like this every time.
    Held(String),
    /// It is shown as it was when the page was written: names and times of the moment are in it.
    Shown(String),
    /// It cannot be told here, only on a cluster of the tests' own.
    Untold,
}

/// Tests run at once and write the same file.
static WRITING: Mutex<()> = Mutex::new(());

impl Page {
    fn path(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets").join(self.file)
    }

    /// The rows that are kept, by their first cell.
    pub(crate) fn kept(&self) -> BTreeMap<String, Vec<String>> {
        let text = fs::read_to_string(self.path()).unwrap_or_default();
        let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
        let rows = rows.map(|row| row.split(" | ").map(str::to_owned).collect::<Vec<_>>());
        rows.filter(|row| self.knows(&row[0])).map(|row| (row[0].clone(), row)).collect()
    }

    fn knows(&self, row: &str) -> bool {
        self.tables.iter().any(|table| table.rows.contains(&row))
    }

    /// Compares a row with the page, or writes it.
    pub(crate) fn tell(&self, row: &str, cells: &[Cell]) {
        assert!(self.knows(row), "assets/{} has no place for '{row}'", self.file);
        let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.kept();
        if std::env::var_os("TIMONEL_UPDATE_PAGES").is_some() {
            let before = kept.remove(row).unwrap_or_default();
            let told = cells.iter().enumerate().map(|(at, cell)| match cell {
                Cell::Held(text) | Cell::Shown(text) => plain(text),
                Cell::Untold => before.get(at + 1).cloned().unwrap_or_else(|| "?".to_owned()),
            });
            kept.insert(row.to_owned(), std::iter::once(row.to_owned()).chain(told).collect());
            fs::write(self.path(), self.text(&kept)).unwrap_or_else(|error| panic!("{}: {error}", self.path().display()));
            return;
        }
        let differences = differences(kept.get(row).map(Vec::as_slice).unwrap_or_default(), cells);
        assert!(
            differences.is_empty(),
            "assets/{} says otherwise of '{row}' (TIMONEL_UPDATE_PAGES=1 writes it anew):\n{}",
            self.file,
            differences.join("\n")
        );
    }

    fn text(&self, rows: &BTreeMap<String, Vec<String>>) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = self.head.to_owned();
        for table in self.tables {
            let titles: Vec<String> = table.columns.iter().map(|title| (*title).to_owned()).collect();
            let words = if table.text.is_empty() { String::new() } else { format!("{}\n\n", table.text) };
            text += &format!("\n## {}\n\n{words}{}|{}\n", table.title, line(&titles), "---|".repeat(titles.len()));
            text += &table.rows.iter().filter_map(|name| rows.get(*name)).map(|row| line(row)).collect::<String>();
        }
        text
    }

    /// Fails unless the page is what its rows make of it, and none is missing.
    pub(crate) fn is_whole(&self) {
        if std::env::var_os("TIMONEL_UPDATE_PAGES").is_some() {
            return;
        }
        let kept = self.kept();
        let missing: Vec<&&str> = self.tables.iter().flat_map(|table| table.rows).filter(|row| !kept.contains_key(**row)).collect();
        assert!(missing.is_empty(), "assets/{} lacks {missing:#?}", self.file);
        let text = fs::read_to_string(self.path()).unwrap_or_default();
        assert!(text == self.text(&kept), "assets/{} was changed by hand", self.file);
    }
}

/// What is in the way of a row that was seen being the one that is kept.
fn differences(kept: &[String], seen: &[Cell]) -> Vec<String> {
    if kept.len() != seen.len() + 1 {
        return vec![format!("kept: {kept:?}, seen: {seen:?}")];
    }
    let held = kept[1..].iter().zip(seen).filter_map(|(kept, seen)| match seen {
        Cell::Held(text) if plain(text) != *kept => Some(format!("kept: {kept}\nseen: {}", plain(text))),
        _ => None,
    });
    held.collect()
}

/// As one cell of a table.
fn plain(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "/");
    if line.is_empty() { "-".to_owned() } else { line }
}

/// A text without what is of the moment: the test's namespace, names of pods, run ids, times, addresses, versions.
pub(crate) fn timeless(text: &str, namespace: &str) -> String {
    let text = text.replace(namespace, "shop");
    let without = [
        (r"\d{8}-\d{6}-[a-z]+-[0-9a-f]{4}", "RUN"),
        (r"@[a-z0-9.-]+/RUN", "@host/RUN"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
        (r"\b([a-z]+)-[bcdf0-9ghjklmnpqrstvwxz]{6,10}-[bcdf0-9ghjklmnpqrstvwxz]{5}\b", "$1-POD"),
        (r"\b([a-z]+)-[bcdf0-9ghjklmnpqrstvwxz]{8,10}\b", "$1-SET"),
        (r"\b(agent|job|dump)-[bcdf0-9ghjklmnpqrstvwxz]{5}\b", "$1-POD"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
        (r"127\.0\.0\.1:\d+", "SERVER"),
        (r"/tmp/[^ ':]*/", ".../"),
    ];
    without.iter().fold(text, |text, (pattern, word)| {
        let pattern = Regex::new(pattern).unwrap_or_else(|error| panic!("{error}"));
        pattern.replace_all(&text, *word).into_owned()
    })
}

/// Proves that a row that is not so any more is noticed, and that what is of the moment is not.
pub(crate) fn a_row_that_is_not_so_any_more_is_noticed() {
    let kept = ["a", "proven", "some pod"].map(str::to_owned);
    let seen = |end: &str| [Cell::Held(end.to_owned()), Cell::Shown("another pod".to_owned())];
    assert!(differences(&kept, &seen("proven")).is_empty());
    assert_eq!(differences(&kept, &seen("failed")).len(), 1);
    assert_eq!(differences(&kept[..2], &seen("proven")).len(), 1, "a row without its last cell");
    assert_eq!(differences(&[], &seen("proven")).len(), 1, "a row that is not there");
    assert!(differences(&kept, &[Cell::Untold, Cell::Untold]).is_empty());
    let said = "pod web-5f6d8b7c9d-x2k4p of 20261122-143312-scale-7f3a in shop-test-1-2 at 2026-11-22T14:33:12.1Z";
    assert_eq!(timeless(said, "shop-test-1-2"), "pod web-POD of RUN in shop at TIME");
}
