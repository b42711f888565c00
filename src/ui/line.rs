//! A line of text in roles: what views write, before it has colours or a place.
//!
//! Owns cutting and padding by columns. Must not know the skin.

use std::borrow::Cow;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::base::text::width;
use crate::theme::Role;

/// A piece of a line: some text in one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// What it is.
    pub role: Role,
}

/// A line of pieces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line<'a> {
    pieces: Vec<Piece<'a>>,
}

/// Which end of a text is cut when it is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cut {
    /// The end: prose.
    #[default]
    End,
    /// The start: names whose end tells them apart.
    Start,
}

impl<'a> Line<'a> {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of one piece.
    pub fn of(role: Role, text: impl Into<Cow<'a, str>>) -> Self {
        Self::new().with(role, text)
    }

    /// The same line with a piece more.
    #[must_use]
    pub fn with(mut self, role: Role, text: impl Into<Cow<'a, str>>) -> Self {
        self.push(role, text);
        self
    }

    /// The same line with another behind it.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// Appends a piece; an empty text is nothing.
    pub fn push(&mut self, role: Role, text: impl Into<Cow<'a, str>>) {
        let text = text.into();
        if !text.is_empty() {
            self.pieces.push(Piece { text, role });
        }
    }

    /// The pieces.
    pub fn pieces(&self) -> &[Piece<'a>] {
        &self.pieces
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Columns that it takes.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|p| width(&p.text)).sum()
    }

    /// The text alone.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|p| &*p.text).collect()
    }

    /// The same line in one role, as for rows that cannot be used now.
    #[must_use]
    pub fn all(mut self, role: Role) -> Self {
        for piece in &mut self.pieces {
            piece.role = role;
        }
        self
    }

    /// Cut to `max` columns, with `…` where something was cut.
    #[must_use]
    pub fn cut(self, max: usize, cut: Cut) -> Self {
        if self.width() <= max {
            return self;
        }
        match cut {
            Cut::End => self.cut_end(max),
            Cut::Start => self.cut_start(max),
        }
    }

    fn cut_end(self, max: usize) -> Self {
        let mut left = max.saturating_sub(1);
        let mut out = Self::new();
        for piece in self.pieces {
            let w = width(&piece.text);
            if w <= left {
                left -= w;
                out.pieces.push(piece);
                continue;
            }
            let mut kept: String = take_columns(&piece.text, left).to_owned();
            if max > 0 {
                kept.push('…');
            }
            out.push(piece.role, kept);
            break;
        }
        out
    }

    fn cut_start(self, max: usize) -> Self {
        let skip = (self.width() + 1).saturating_sub(max);
        let role = self.pieces.first().map_or(Role::Text, |p| p.role);
        let mut rest = self.skip(skip);
        let role = rest.pieces.first().map_or(role, |p| p.role);
        if max > 0 {
            rest.pieces.insert(0, Piece { text: "…".into(), role });
        }
        rest
    }

    /// Without its first `columns` columns. A wide character that is cut in two goes.
    #[must_use]
    pub fn skip(self, columns: usize) -> Self {
        let mut left = columns;
        let mut out = Self::new();
        for piece in self.pieces {
            let w = width(&piece.text);
            if left == 0 {
                out.pieces.push(piece);
            } else if w <= left {
                left -= w;
            } else {
                let text = drop_columns(&piece.text, left).to_owned();
                left = 0;
                out.push(piece.role, text);
            }
        }
        out
    }

    /// Broken into lines of at most `max` columns: after a space where there is one in the second half, else anywhere.
    /// At least one line; never more than `most`.
    pub fn wrap(self, max: usize, most: usize) -> Vec<Self> {
        let max = max.max(2);
        let mut lines = Vec::new();
        let mut rest = self;
        while rest.width() > max && lines.len() + 1 < most {
            let at = rest.break_before(max);
            let mut first = Self::new();
            let mut left = at;
            for piece in &rest.pieces {
                let taken = take_columns(&piece.text, left);
                left -= width(taken);
                first.push(piece.role, taken.to_owned());
                if taken.len() < piece.text.len() {
                    break;
                }
            }
            rest = rest.skip(at);
            lines.push(first);
        }
        lines.push(rest);
        lines
    }

    fn break_before(&self, max: usize) -> usize {
        let (mut column, mut after_space, mut fits) = (0, 0, 0);
        for grapheme in self.pieces.iter().flat_map(|p| p.text.graphemes(true)) {
            let w = width(grapheme);
            if column + w > max {
                break;
            }
            column += w;
            fits = column;
            if grapheme == " " {
                after_space = column;
            }
        }
        if after_space > max / 2 { after_space } else { fits.max(1) }
    }

    /// The same line with the given byte ranges of its whole text in another role: what a search found.
    #[must_use]
    pub fn highlight(self, ranges: &[Range<usize>], role: Role) -> Self {
        if ranges.is_empty() {
            return self;
        }
        let mut out = Self::new();
        let mut start = 0;
        for piece in self.pieces {
            let end = start + piece.text.len();
            let mut at = start;
            for range in ranges.iter().filter(|r| r.start < end && r.end > start) {
                let (from, to) = (range.start.max(at), range.end.min(end));
                if let (Some(before), Some(hit)) = (piece.text.get(at - start..from - start), piece.text.get(from - start..to - start)) {
                    out.push(piece.role, before.to_owned());
                    out.push(role, hit.to_owned());
                    at = to;
                }
            }
            if let Some(tail) = piece.text.get(at - start..) {
                out.push(piece.role, tail.to_owned());
            }
            start = end;
        }
        out
    }
}

/// As much of the start of `text` as fits into `columns`.
fn take_columns(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// What is left of `text` behind `columns` columns.
fn drop_columns(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        if used >= columns {
            return &text[at..];
        }
        used += width(grapheme);
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::{Cut, Line};
    use crate::theme::Role;

    fn line() -> Line<'static> {
        Line::of(Role::Strong, "backend").with(Role::Dim, "-7d9f4").with(Role::Text, " 日本")
    }

    fn texts(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(Line::text).collect()
    }

    #[test]
    fn cutting_counts_columns_over_all_pieces() {
        for (max, end, start) in [
            (18, "backend-7d9f4 日本", "backend-7d9f4 日本"),
            (17, "backend-7d9f4 日…", "…ckend-7d9f4 日本"),
            (16, "backend-7d9f4 …", "…kend-7d9f4 日本"),
            (3, "ba…", "…本"),
            (2, "b…", "…"),
            (1, "…", "…"),
            (0, "", ""),
        ] {
            assert_eq!(line().cut(max, Cut::End).text(), end, "{max}");
            assert_eq!(line().cut(max, Cut::Start).text(), start, "{max}");
        }
    }

    #[test]
    fn a_cut_keeps_the_role_of_what_is_left() {
        let cut = line().cut(9, Cut::End);
        assert_eq!(cut.pieces().last().map(|p| (&*p.text, p.role)), Some(("-…", Role::Dim)));
    }

    #[test]
    fn lines_break_after_a_space_or_anywhere_when_there_is_none() {
        let long = Line::of(Role::Text, "Back-off pulling image ghcr.io/eterna/rules-engine@sha256:9f2c");
        assert_eq!(texts(&long.clone().wrap(24, 9)), ["Back-off pulling image ", "ghcr.io/eterna/rules-eng", "ine@sha256:9f2c"]);
        assert_eq!(texts(&long.wrap(24, 2)).len(), 2);
        assert_eq!(texts(&Line::of(Role::Text, "日本語").wrap(2, 9)), ["日", "本", "語"]);
        assert_eq!(texts(&Line::new().wrap(10, 3)), [""]);
    }

    #[test]
    fn a_highlight_may_cross_pieces() {
        let found = line().highlight(&[5..10, 14..17], Role::Match);
        let got: Vec<(&str, Role)> = found.pieces().iter().map(|p| (&*p.text, p.role)).collect();
        assert_eq!(
            got,
            [
                ("backe", Role::Strong),
                ("nd", Role::Match),
                ("-7d", Role::Match),
                ("9f4", Role::Dim),
                (" ", Role::Text),
                ("日", Role::Match),
                ("本", Role::Text)
            ]
        );
    }
}
