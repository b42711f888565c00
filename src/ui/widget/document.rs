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
    /// Break long lines instead of cutting them.
    pub wrap: bool,
}

/// Rows that one broken line may take.
const MOST_ROWS: usize = 50;

impl<'a> Document<'a> {
    /// Draws what is visible. Answers how many lines are seen, the last of them perhaps in part.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) -> usize {
        let mut y = area.y;
        for index in self.offset..self.len {
            for row in self.rows(index, area.width) {
                if y >= area.bottom() {
                    return index - self.offset + usize::from(y > area.y);
                }
                canvas.line(area.x, y, area.width, &row);
                y += 1;
            }
            if y >= area.bottom() {
                return index + 1 - self.offset;
            }
        }
        self.len.saturating_sub(self.offset)
    }

    /// How many lines at the end fit into an area whole: as far as one may scroll. At least one.
    pub fn fits(&self, area: Rect) -> usize {
        if !self.wrap {
            return usize::from(area.height).max(1);
        }
        let mut left = usize::from(area.height);
        let taken = (0..self.len).rev().take_while(|index| {
            let rows = self.rows(*index, area.width).len();
            let fits = rows <= left;
            left = left.saturating_sub(rows);
            fits
        });
        // A text that is shorter than the area: as if it went on.
        let lines = taken.count();
        (lines + left).max(1)
    }

    fn rows(&self, index: usize, width: u16) -> Vec<Line<'a>> {
        let mut line = (self.line)(index);
        if !self.search.is_empty() {
            let role = if self.current == Some(index) { Role::MatchCurrent } else { Role::Match };
            let found = find_all(&line.text(), self.search);
            line = line.highlight(&found, role);
        }
        if self.wrap {
            return Self::wrapped(line, usize::from(width));
        }
        if self.column > 0 && !line.is_empty() {
            line = Line::of(Role::Dim, "…").join(line.skip(self.column + 1));
        }
        vec![line]
    }

    /// What is broken goes on two columns behind the place where the text of the line begins.
    fn wrapped(line: Line<'a>, width: usize) -> Vec<Line<'a>> {
        if line.width() <= width {
            return vec![line];
        }
        let indent = line.text().chars().take_while(|c| *c == ' ').count().min(width / 2) + 2;
        let mut parts = line.wrap(width, 2).into_iter();
        let first = parts.next().unwrap_or_default();
        let rest = parts.next().unwrap_or_default().wrap(width.saturating_sub(indent), MOST_ROWS);
        std::iter::once(first)
            .chain(rest.into_iter().map(|part| Line::of(Role::Text, " ".repeat(indent)).join(part)))
            .collect()
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
