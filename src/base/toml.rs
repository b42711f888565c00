//! Reading TOML so that every problem of a file is found at once and each says where it is.
//!
//! Owns positions, types, words with "did you mean", and the rule that one bad entry never throws away the rest. serde stops
//! at the first error, so files are walked instead: a reader asks a [`Table`] for the keys it knows, each answer is a value
//! with its place or nothing with a problem recorded, and what nobody asked for is an unknown key. Text is cleaned of
//! control sequences here. Must not know what a key means.

mod entry;
mod lenient;
mod table;

use std::cell::{Cell, RefCell};
use std::ops::Deref;

use toml::de::DeTable;

use super::problem::{Level, Problem, did_you_mean};
use super::text::{clean, elide};

pub use entry::Entry;
pub use table::Table;

#[cfg(test)]
pub(crate) use table::ASKED;

/// Files larger than this are refused: nobody writes them by hand.
pub const MAX_BYTES: usize = 1 << 20;

/// At most this many problems are kept per file; a last one counts the others.
const MAX_PROBLEMS: usize = 100;

/// A file to read.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// First word of the problems' ids: `service`, `keymap`, `theme`, `config`.
    pub topic: &'a str,
    /// The file as the user named it.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
    /// How bad an unknown key is: an error in service files, a warning elsewhere.
    pub unknown: Level,
}

/// Where in the file something is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Spot {
    /// Dotted path of keys: `probe.2.url`; entries of lists count from 1.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub spot: Spot,
}

impl<T> Deref for At<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> At<T> {
    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> At<U> {
        At { value: change(self.value), spot: self.spot }
    }
}

/// Reads `source`: `decode` gets the root table, even when parts of the file are not TOML (what can be read is there).
/// Problems come in the order of the file.
pub fn read<T>(source: Source<'_>, decode: impl FnOnce(&Table<'_>) -> T) -> (T, Vec<Problem>) {
    let text = if source.text.len() > MAX_BYTES { "" } else { source.text };
    let (text, faults) = lenient::readable(text);
    let reader = Reader::new(source, &text);
    if source.text.len() > MAX_BYTES {
        reader.add(Level::Error, &Spot::default(), "The file is larger than 1 MiB and was not read.".into(), None);
    }
    for fault in &faults {
        let spot = reader.spot("syntax", fault.at);
        let hint = "This line was left out; the rest of the file counts.";
        reader.add(Level::Error, &spot, format!("This is not TOML: {}.", fault.message.trim_end_matches('.')), Some(hint.into()));
    }
    let root = DeTable::parse(&text).unwrap_or_else(|_| toml::Spanned::new(0..0, DeTable::new()));
    let out = {
        let root = Table::root(&reader, root.get_ref());
        let out = decode(&root);
        root.finish();
        out
    };
    (out, reader.into_problems())
}

/// What all tables of one file share: text, positions, problems.
pub(super) struct Reader<'t> {
    source: Source<'t>,
    text: &'t str,
    /// Byte offset of each line's start.
    lines: Vec<usize>,
    problems: RefCell<Vec<Problem>>,
    /// How many were found after `problems` was full: a hostile file must not cost more time than it is worth.
    more: Cell<usize>,
}

impl<'t> Reader<'t> {
    fn new(source: Source<'t>, text: &'t str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { source, text, lines, problems: RefCell::default(), more: Cell::default() }
    }

    /// The place of a byte offset.
    fn spot(&self, path: impl Into<String>, offset: usize) -> Spot {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines[line - 1];
        let column = self.text.get(start..offset.min(self.text.len())).map_or(0, |s| s.chars().count()) + 1;
        Spot { path: path.into(), line, column }
    }

    /// Records a problem; the id is topic and path, made unique by a count when two share a path.
    fn add(&self, level: Level, spot: &Spot, message: String, hint: Option<String>) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() >= MAX_PROBLEMS {
            self.more.set(self.more.get() + 1);
            return;
        }
        let base = format!("{}:{}", self.source.topic, spot.path);
        let taken = |id: &String| problems.iter().any(|p| p.id == *id);
        let mut id = base.clone();
        let mut count = 1;
        while taken(&id) {
            count += 1;
            id = format!("{base}#{count}");
        }
        let mut problem = Problem::new(level, id, message);
        problem.hint = hint;
        let known = spot.line > 0;
        problems.push(problem.at(self.source.file, known.then_some(spot.line), known.then_some(spot.column)));
    }

    fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|p| match &p.place {
            Some(super::problem::Place::File(place)) => (place.line, place.column),
            _ => (None, None),
        });
        let more = self.more.get();
        if more > 0 {
            let message = format!("{more} more problems in this file are not listed.");
            problems.push(Problem::new(Level::Error, format!("{}:more", self.source.topic), message).at(self.source.file, None, None));
        }
        problems
    }
}

/// A value as a message quotes it: cleaned, short, in single quotes.
pub fn quoted(value: &str) -> String {
    format!("'{}'", elide(&clean(value), 60))
}

/// "Did you mean" for a word that is none of `words`, else the list of words when it is short enough to be of help.
pub fn word_hint<'a>(typed: &str, words: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(near) = did_you_mean(typed, words.clone()) {
        return Some(format!("Did you mean '{near}'?"));
    }
    let all: Vec<&str> = words.into_iter().collect();
    (!all.is_empty() && all.len() <= 12).then(|| format!("Possible: {}.", all.join(", ")))
}

#[cfg(test)]
mod tests;
