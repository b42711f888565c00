//! A table being read: asking for keys, and telling which were never asked for.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::entry::Entry;
use super::{At, Reader, Spot, quoted, word_hint};
use crate::base::problem::Level;
use crate::base::text::clean;

#[cfg(test)]
thread_local! {
    /// What readers asked for in this thread: the path of a table, and a key. What is written about a kind of file is held against it.
    pub(crate) static ASKED: RefCell<BTreeSet<(String, String)>> = const { RefCell::new(BTreeSet::new()) };
}

/// A table of the file. Every method that takes a key makes the key a known one.
pub struct Table<'r> {
    reader: &'r Reader<'r>,
    map: &'r DeTable<'r>,
    spot: Spot,
    known: RefCell<BTreeSet<String>>,
}

impl<'r> Table<'r> {
    pub(super) fn root(reader: &'r Reader<'r>, map: &'r DeTable<'r>) -> Self {
        Self::new(reader, map, Spot { path: String::new(), line: 1, column: 1 })
    }

    pub(super) fn new(reader: &'r Reader<'r>, map: &'r DeTable<'r>, spot: Spot) -> Self {
        Self { reader, map, spot, known: RefCell::default() }
    }

    /// Where the table is.
    pub fn spot(&self) -> &Spot {
        &self.spot
    }

    /// Whether the key is written, without making it known.
    pub fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    fn know(&self, key: &str) {
        #[cfg(test)]
        ASKED.with_borrow_mut(|asked| asked.insert((self.spot.path.clone(), key.to_owned())));
        self.known.borrow_mut().insert(key.to_owned());
    }

    /// The value of a key.
    pub fn entry(&self, key: &str) -> Option<Entry<'r>> {
        self.know(key);
        let (key, value) = self.map.get_key_value(key)?;
        Some(Entry::new(self.reader, key.get_ref(), self.reader.spot(self.path(key.get_ref()), value.span().start), value.get_ref()))
    }

    /// All keys with their places and values, in the order of the file; makes all of them known. For tables whose keys are
    /// names that the user chose.
    pub fn entries(&self) -> Vec<(At<String>, Entry<'r>)> {
        let mut all: Vec<_> = self.map.iter().collect();
        all.sort_by_key(|(key, _)| key.span().start);
        let named = |(key, value): (&'r toml::Spanned<toml::de::DeString<'r>>, &'r toml::Spanned<DeValue<'r>>)| {
            self.know(key.get_ref());
            let path = self.path(key.get_ref());
            let name = At { value: clean(key.get_ref()).into_owned(), spot: self.reader.spot(path.clone(), key.span().start) };
            (name, Entry::new(self.reader, key.get_ref(), self.reader.spot(path, value.span().start), value.get_ref()))
        };
        all.into_iter().map(named).collect()
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<At<String>> {
        self.entry(key)?.text()
    }

    /// A text that must be there.
    pub fn need_text(&self, key: &str) -> Option<At<String>> {
        if !self.has(key) {
            self.missing(key);
        }
        self.text(key)
    }

    /// A whole number within bounds.
    pub fn integer(&self, key: &str, within: RangeInclusive<i64>) -> Option<At<i64>> {
        self.entry(key)?.integer(within)
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str) -> Option<At<bool>> {
        self.entry(key)?.flag()
    }

    /// A duration within bounds.
    pub fn duration(&self, key: &str, within: RangeInclusive<Duration>) -> Option<At<Duration>> {
        self.entry(key)?.duration(within)
    }

    /// One of some words.
    pub fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<At<T>> {
        self.entry(key)?.word(words)
    }

    /// A list of texts; what is none is dropped, the others stay. Nothing written: an empty list.
    pub fn texts(&self, key: &str) -> Vec<At<String>> {
        self.entry(key).map(|e| e.list().iter().filter_map(Entry::text).collect()).unwrap_or_default()
    }

    /// A table.
    pub fn table(&self, key: &str) -> Option<Table<'r>> {
        self.entry(key)?.table()
    }

    /// A list of tables (`[[key]]`); what is none is dropped, the others stay.
    pub fn tables(&self, key: &str) -> Vec<Table<'r>> {
        self.entry(key).map(|e| e.list().iter().filter_map(Entry::table).collect()).unwrap_or_default()
    }

    /// Makes keys known that are not read here; returns those that are written, with their places.
    pub fn accept(&self, keys: &[&'static str]) -> Vec<At<&'static str>> {
        let mut written = Vec::new();
        for key in keys {
            self.know(key);
            if let Some((found, _)) = self.map.get_key_value(*key) {
                written.push(At { value: *key, spot: self.reader.spot(self.path(key), found.span().start) });
            }
        }
        written
    }

    /// Records that a key is missing.
    pub fn missing(&self, key: &str) {
        self.reader.add(Level::Error, &self.below(key), format!("'{key}' is missing."), None);
    }

    /// Records an error at a place.
    pub fn error(&self, spot: &Spot, message: impl Into<String>, hint: Option<String>) {
        self.reader.add(Level::Error, spot, message.into(), hint);
    }

    /// Records a warning at a place.
    pub fn warn(&self, spot: &Spot, message: impl Into<String>, hint: Option<String>) {
        self.reader.add(Level::Warning, spot, message.into(), hint);
    }

    /// Reports the keys that nobody asked for. The last thing to do with a table; the root does it by itself.
    pub fn finish(&self) {
        let known = self.known.borrow();
        for (key, _) in self.map.iter().filter(|(key, _)| !known.contains(key.get_ref().as_ref())) {
            let spot = self.reader.spot(self.path(key.get_ref()), key.span().start);
            let hint = word_hint(key.get_ref(), known.iter().map(String::as_str));
            self.reader
                .add(self.reader.source.unknown, &spot, format!("The key {} is unknown here.", quoted(key.get_ref())), hint);
        }
    }

    fn below(&self, key: &str) -> Spot {
        Spot { path: self.path(key), ..self.spot.clone() }
    }

    fn path(&self, key: &str) -> String {
        let key = clean(key);
        if self.spot.path.is_empty() { key.into_owned() } else { format!("{}.{key}", self.spot.path) }
    }
}
