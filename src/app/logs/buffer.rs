//! The bounded buffer behind the logs pane.
//!
//! Owns lines by sequence number and which of them are shown and hit by a search; the oldest go first and are counted. Every
//! question the pane asks is a binary search, so that a full buffer scrolls as fast as an empty one.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::line::Level;
use crate::base::ring::Ring;

/// One line, or a marker between lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Index of its source.
    pub source: u16,
    /// When it was written.
    pub at: Timestamp,
    /// What it is.
    pub kind: EntryKind,
    /// Its text.
    pub text: Box<str>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A log line with the level that was seen in it.
    Line(Level),
    /// A gap, drop, reconnect or end.
    Marker,
}

/// The lines, oldest first, each with a sequence number that never changes.
#[derive(Debug)]
pub struct Buffer {
    ring: Ring<Entry>,
    /// Sequence number of the oldest entry.
    first: u64,
    /// Sequence numbers of shown entries, ascending.
    shown: VecDeque<u64>,
    /// Sequence numbers of shown entries that the search hits, ascending.
    hits: VecDeque<u64>,
}

/// Bytes an entry costs besides its text.
const OVERHEAD: usize = size_of::<Entry>() + 2 * size_of::<u64>();

impl Buffer {
    /// An empty buffer with bounds.
    pub fn new(lines: usize, bytes: usize) -> Self {
        Self { ring: Ring::new(lines, bytes), first: 0, shown: VecDeque::new(), hits: VecDeque::new() }
    }

    /// Appends an entry.
    pub fn push(&mut self, entry: Entry, shown: bool, hit: bool) {
        let sequence = self.first + self.ring.len() as u64;
        let dropped = self.ring.dropped();
        let bytes = entry.text.len() + OVERHEAD;
        self.ring.push(entry, bytes);
        self.first += self.ring.dropped() - dropped;
        if shown {
            self.shown.push_back(sequence);
        }
        if hit {
            self.hits.push_back(sequence);
        }
        for list in [&mut self.shown, &mut self.hits] {
            while list.front().is_some_and(|s| *s < self.first) {
                list.pop_front();
            }
        }
    }

    /// Judges every entry anew: shown, hit.
    pub fn judge(&mut self, mut judge: impl FnMut(&Entry) -> (bool, bool)) {
        self.shown.clear();
        self.hits.clear();
        for (sequence, entry) in (self.first..).zip(self.ring.iter()) {
            let (shown, hit) = judge(entry);
            if shown {
                self.shown.push_back(sequence);
            }
            if hit {
                self.hits.push_back(sequence);
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.first += self.ring.len() as u64;
        self.ring.clear();
        self.shown.clear();
        self.hits.clear();
    }

    /// The entry of a sequence number, if it is still there.
    pub fn get(&self, sequence: u64) -> Option<&Entry> {
        self.ring.get(usize::try_from(sequence.checked_sub(self.first)?).ok()?)
    }

    /// How many entries are held.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.ring.bytes()
    }

    /// Entries that were forgotten because of the bound.
    pub fn dropped(&self) -> u64 {
        self.ring.dropped()
    }

    /// How many entries are shown.
    pub fn shown(&self) -> usize {
        self.shown.len()
    }

    /// How many entries the search hits.
    pub fn hits(&self) -> usize {
        self.hits.len()
    }

    /// Whether the search hits this entry.
    pub fn is_hit(&self, sequence: u64) -> bool {
        self.hits.binary_search(&sequence).is_ok()
    }

    /// Sequence numbers of the shown entries up to and including `bottom`, newest first.
    pub fn upwards(&self, bottom: u64) -> impl Iterator<Item = u64> {
        let end = self.shown.partition_point(|s| *s <= bottom);
        self.shown.iter().take(end).rev().copied()
    }

    /// All shown entries, oldest first.
    pub fn shown_entries(&self) -> impl Iterator<Item = &Entry> {
        self.shown.iter().filter_map(|s| self.get(*s))
    }

    /// First shown.
    pub fn first_shown(&self) -> Option<u64> {
        self.shown.front().copied()
    }

    /// Last shown.
    pub fn last_shown(&self) -> Option<u64> {
        self.shown.back().copied()
    }

    /// The `n`th shown from the start, or the last.
    pub fn nth_shown(&self, n: usize) -> Option<u64> {
        self.shown.get(n).or(self.shown.back()).copied()
    }

    /// The newest shown at or before.
    pub fn shown_at_or_before(&self, at: u64) -> Option<u64> {
        self.shown.get(self.shown.partition_point(|s| *s <= at).checked_sub(1)?).copied()
    }

    /// `rows` shown entries before; the first when there are fewer.
    pub fn shown_before(&self, at: u64, rows: usize) -> u64 {
        let here = self.shown.partition_point(|s| *s < at);
        self.shown.get(here.saturating_sub(rows)).copied().unwrap_or(at)
    }

    /// `rows` shown entries later; `None` at or past the end.
    pub fn shown_later(&self, at: u64, rows: usize) -> Option<u64> {
        let here = self.shown.partition_point(|s| *s < at);
        let there = here.saturating_add(rows);
        (there + 1 < self.shown.len()).then(|| self.shown[there])
    }

    /// How many shown entries come after.
    pub fn shown_after(&self, at: u64) -> usize {
        self.shown.len() - self.shown.partition_point(|s| *s <= at)
    }

    /// The first hit after.
    pub fn hit_after(&self, at: u64) -> Option<u64> {
        self.hits.get(self.hits.partition_point(|s| *s <= at)).copied()
    }

    /// The last hit before.
    pub fn hit_before(&self, at: u64) -> Option<u64> {
        self.hits.get(self.hits.partition_point(|s| *s < at).checked_sub(1)?).copied()
    }

    /// The last hit at or before.
    pub fn hit_at_or_before(&self, at: u64) -> Option<u64> {
        self.hits.get(self.hits.partition_point(|s| *s <= at).checked_sub(1)?).copied()
    }

    /// The number of the hit at or before, counting from 1.
    pub fn hit_number(&self, at: u64) -> usize {
        self.hits.partition_point(|s| *s <= at)
    }

    /// The first shown entry at or after a time. Lines are nearly in order, so a scan from the oldest is honest.
    pub fn first_at(&self, at: Timestamp) -> Option<u64> {
        self.shown.iter().copied().find(|s| self.get(*s).is_some_and(|e| e.at >= at))
    }
}
