//! A reading view: text that scrolls, with search.
//!
//! Owns lines, scroll position and search hits. Must not know where the text came from.

use crate::action::Action;

/// What a line of a document is, so that the screen can colour it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// Ordinary text.
    Plain,
    /// A heading.
    Heading,
    /// `key: value`.
    Field,
    /// Good news.
    Good,
    /// A warning.
    Warning,
    /// Bad news.
    Bad,
    /// Something that could not be found out.
    Unknown,
    /// Added in a diff.
    Added,
    /// Removed in a diff.
    Removed,
    /// Side information.
    Dim,
}

/// One line of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentLine {
    /// What it is.
    pub kind: LineKind,
    /// Its text, without control sequences.
    pub text: String,
}

impl DocumentLine {
    /// A line of a kind.
    pub fn new(kind: LineKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// An ordinary line.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(LineKind::Plain, text)
    }
}

/// Whether a document is there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Asked for, not there.
    Loading,
    /// There.
    Lines(Vec<DocumentLine>),
    /// Could not be had.
    Failed(String),
}

/// A reading view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it shows: `Deployment eterna-rules/backend · YAML`.
    pub title: String,
    /// The text.
    pub content: Content,
    /// First visible line.
    pub offset: usize,
    /// First visible column.
    pub column: usize,
    /// Lines that fit on screen.
    pub height: usize,
    /// What is searched for, in lower case; empty = nothing.
    pub search: String,
    /// Line numbers with a hit.
    pub hits: Vec<usize>,
}

impl Document {
    /// A document that is on its way.
    pub fn loading(title: impl Into<String>) -> Self {
        Self::with(title, Content::Loading)
    }

    /// A document that is there.
    pub fn lines(title: impl Into<String>, lines: Vec<DocumentLine>) -> Self {
        Self::with(title, Content::Lines(lines))
    }

    fn with(title: impl Into<String>, content: Content) -> Self {
        Self { title: title.into(), content, offset: 0, column: 0, height: 0, search: String::new(), hits: Vec::new() }
    }

    /// The lines, none while loading.
    pub fn body(&self) -> &[DocumentLine] {
        match &self.content {
            Content::Lines(lines) => lines,
            Content::Loading | Content::Failed(_) => &[],
        }
    }

    /// Replaces the text; the scroll position stays where it can.
    pub fn fill(&mut self, content: Content) {
        self.content = content;
        self.find(&self.search.clone());
        self.clamp();
    }

    /// Searches, case-insensitively, and goes to the first hit at or after the visible top.
    pub fn search(&mut self, text: &str) {
        self.find(&text.to_lowercase());
        if let Some(line) = self.hits.iter().copied().find(|l| *l >= self.offset).or(self.hits.first().copied()) {
            self.go(line);
        }
    }

    fn find(&mut self, text: &str) {
        text.clone_into(&mut self.search);
        self.hits = if text.is_empty() {
            Vec::new()
        } else {
            let matches = |l: &DocumentLine| l.text.to_lowercase().contains(text);
            self.body().iter().enumerate().filter(|(_, l)| matches(l)).map(|(i, _)| i).collect()
        };
    }

    /// The number of the hit that the view is at, counting from 1, and how many there are.
    pub fn hit_position(&self) -> Option<(usize, usize)> {
        (!self.hits.is_empty()).then(|| (self.hits.partition_point(|l| *l <= self.offset).max(1), self.hits.len()))
    }

    /// Carries out a movement; `false` when the action is none.
    pub fn motion(&mut self, action: Action) -> bool {
        let page = self.height.max(2);
        match action {
            Action::Down => self.offset += 1,
            Action::Up => self.offset = self.offset.saturating_sub(1),
            Action::HalfPageDown => self.offset += page / 2,
            Action::HalfPageUp => self.offset = self.offset.saturating_sub(page / 2),
            Action::PageDown => self.offset += page - 1,
            Action::PageUp => self.offset = self.offset.saturating_sub(page - 1),
            Action::Top => self.offset = 0,
            Action::Bottom => self.offset = usize::MAX,
            Action::Left => self.column = self.column.saturating_sub(8),
            Action::Right => self.column = (self.column + 8).min(4096),
            Action::Next => self.hop(true),
            Action::Previous => self.hop(false),
            _ => return false,
        }
        self.clamp();
        true
    }

    fn hop(&mut self, forward: bool) {
        let next = if forward {
            self.hits.iter().find(|l| **l > self.offset).or(self.hits.first())
        } else {
            self.hits.iter().rev().find(|l| **l < self.offset).or(self.hits.last())
        };
        if let Some(line) = next.copied() {
            self.go(line);
        }
    }

    fn go(&mut self, line: usize) {
        self.offset = line;
    }

    fn clamp(&mut self) {
        // A hit in the last page must be reachable as the top line, so the view may scroll past the end while searching.
        let last = if self.hits.is_empty() { self.body().len().saturating_sub(self.height.max(1)) } else { self.body().len().saturating_sub(1) };
        self.offset = self.offset.min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, DocumentLine};
    use crate::action::Action;

    fn document(n: usize) -> Document {
        let mut d = Document::lines("t", (0..n).map(|i| DocumentLine::plain(format!("line {i}"))).collect());
        d.height = 10;
        d
    }

    #[test]
    fn search_goes_to_hits_and_wraps_round() {
        let mut d = document(50);
        d.search("LINE 4");
        assert_eq!((d.offset, d.hit_position()), (4, Some((1, 11))));
        d.motion(Action::Previous);
        assert_eq!((d.offset, d.hit_position()), (49, Some((11, 11))));
        d.motion(Action::Next);
        assert_eq!(d.offset, 4);
    }

    #[test]
    fn the_end_is_the_last_page() {
        let mut d = document(50);
        d.motion(Action::Bottom);
        assert_eq!(d.offset, 40);
        d.motion(Action::Down);
        assert_eq!(d.offset, 40);
    }
}
