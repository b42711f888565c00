//! A text that scrolls: YAML, describe, diff, help, problems.
//!
//! Owns the drawing of its visible lines and what a search lights in them.

use std::ops::Range;

use ratatui::layout::Rect;

use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;

/// A text as it is now.
pub struct Document<'a> {
    /// How many lines there are.
    pub len: usize,
    /// A line by its number.
    pub line: &'a dyn Fn(usize) -> Line<'a>,
    /// First visible line.
    pub offset: usize,
    /// First visible column.
    pub column: usize,
    /// What is searched for, in lower case; empty = nothing.
    pub search: &'a str,
    /// The line that the search stands on.
    pub current: Option<usize>,
}

impl Document<'_> {
    /// Draws what is visible.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        for (index, y) in (self.offset..self.len).zip(area.y..area.bottom()) {
            let mut line = (self.line)(index);
            if !self.search.is_empty() {
                let role = if self.current == Some(index) { Role::MatchCurrent } else { Role::Match };
                let found = find_all(&line.text(), self.search);
                line = line.highlight(&found, role);
            }
            let whole = line.width();
            if self.column > 0 {
                line = line.skip(self.column);
            }
            canvas.line(area.x, y, area.width, &line);
            if self.column > 0 && whole > 0 {
                canvas.text(area.x, y, 1, Role::Dim, "…");
            }
        }
    }
}

/// Byte ranges of `text` that read as `needle`, which is in lower case, whatever their case.
pub fn find_all(text: &str, needle: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((start, end)) = text[from..].char_indices().find_map(|(i, _)| Some((from + i, match_at(text, from + i, needle)?))) {
        found.push(start..end);
        from = end;
    }
    found
}

fn match_at(text: &str, at: usize, needle: &str) -> Option<usize> {
    let mut wanted = needle.chars().peekable();
    wanted.peek()?;
    for (i, c) in text[at..].char_indices() {
        for lower in c.to_lowercase() {
            if wanted.next() != Some(lower) {
                return None;
            }
        }
        if wanted.peek().is_none() {
            return Some(at + i + c.len_utf8());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::find_all;

    #[test]
    fn case_does_not_matter_and_positions_are_those_of_the_text() {
        for (text, needle, expected) in [
            ("OOMKilled, oomkilled", "oomkilled", &["OOMKilled", "oomkilled"][..]),
            ("aaa", "aa", &["aa"]),
            ("İstanbul X", "x", &["X"]),
            ("ÄÖ ä", "ä", &["Ä", "ä"]),
            ("abc", "", &[]),
            ("", "a", &[]),
        ] {
            let found: Vec<&str> = find_all(text, needle).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
