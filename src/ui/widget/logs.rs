//! Log lines of many sources, and the lines of the program between them.
//!
//! Owns the columns of a log line (time, source, text), wrapping, and what a search lights. Formats visible lines only.

use std::ops::Range;

use ratatui::layout::Rect;

use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;

/// One entry.
#[derive(Debug, Clone)]
pub enum Entry<'a> {
    /// A log line.
    Line(LogLine<'a>),
    /// A gap, drop, reconnect or restart, in words.
    Marker(String),
}

/// A log line, its parts ready to be written.
#[derive(Debug, Clone, Default)]
pub struct LogLine<'a> {
    /// Time of day; empty = not shown.
    pub time: String,
    /// Short name of its source.
    pub source: &'a str,
    /// Which of the source colours it has.
    pub color: usize,
    /// What it says.
    pub text: Line<'a>,
}

/// Log lines as they are now.
pub struct LogView<'a> {
    /// Entries from the bottom of the view upwards.
    pub upwards: &'a mut dyn Iterator<Item = Entry<'a>>,
    /// Columns of the widest source name.
    pub source_width: usize,
    /// Break long lines instead of cutting them.
    pub wrap: bool,
    /// First visible column of the text.
    pub column: usize,
    /// Where in a text the search finds something.
    pub find: &'a dyn Fn(&str) -> Vec<Range<usize>>,
    /// The bottom line is the one that the search stands on.
    pub at_hit: bool,
    /// What is written where there are no lines.
    pub empty: Line<'a>,
}

/// Rows that one wrapped line may take; the rest is cut, and `L` or the raw view has it.
const MOST_ROWS: usize = 40;

impl LogView<'_> {
    /// Draws entries from the bottom upwards until the area is full.
    pub fn draw(self, canvas: &mut Canvas<'_>, area: Rect) {
        let Self { upwards, source_width, wrap, column, find, at_hit, empty } = self;
        let format = Format { source_width, wrap, column, width: usize::from(area.width) };
        let mut rows: Vec<Line<'_>> = Vec::with_capacity(usize::from(area.height));
        let mut bottom = true;
        while rows.len() < usize::from(area.height) {
            let Some(entry) = upwards.next() else { break };
            let role = if bottom && at_hit { Role::MatchCurrent } else { Role::Match };
            rows.extend(format.rows(entry, find, role).into_iter().rev());
            bottom = false;
        }
        if rows.is_empty() {
            for (line, y) in empty.wrap(usize::from(area.width), usize::from(area.height.max(1))).iter().zip(area.y..area.bottom()) {
                canvas.line(area.x, y, area.width, line);
            }
            return;
        }
        // A short log begins at the top, as in every terminal; a full one stands on the bottom.
        let used = rows.len().min(usize::from(area.height));
        for (line, y) in rows.iter().take(used).rev().zip(area.y..area.bottom()) {
            canvas.line(area.x, y, area.width, line);
        }
    }
}

struct Format {
    source_width: usize,
    wrap: bool,
    column: usize,
    width: usize,
}

impl Format {
    fn rows<'a>(&self, entry: Entry<'a>, find: &dyn Fn(&str) -> Vec<Range<usize>>, hit: Role) -> Vec<Line<'a>> {
        let line = match entry {
            Entry::Marker(text) => return vec![marker(&text, self.width)],
            Entry::Line(line) => line,
        };
        let head = self.head(&line);
        let head_width = head.width();
        let found = find(&line.text.text());
        let mut text = line.text.highlight(&found, hit);
        if self.wrap {
            let room = self.width.saturating_sub(head_width);
            let mut parts = text.wrap(room, MOST_ROWS).into_iter();
            let first = head.join(parts.next().unwrap_or_default());
            let indent = " ".repeat(head_width);
            return std::iter::once(first).chain(parts.map(|part| Line::of(Role::Text, indent.clone()).join(part))).collect();
        }
        if self.column > 0 {
            let cut = text.width() > 0;
            text = text.skip(self.column);
            if cut {
                text = Line::of(Role::Dim, "…").join(text.skip(1));
            }
        }
        vec![head.join(text)]
    }

    fn head<'a>(&self, line: &LogLine<'a>) -> Line<'a> {
        let mut head = Line::new();
        if !line.time.is_empty() {
            head = head.with(Role::LogTime, format!("{} ", line.time));
        }
        if self.source_width > 0 {
            let name = Line::of(Role::SOURCES[line.color % Role::SOURCES.len()], line.source).cut(self.source_width, crate::ui::line::Cut::Start);
            let pad = self.source_width - name.width().min(self.source_width) + 1;
            head = head.join(name).with(Role::Text, " ".repeat(pad));
        }
        head
    }
}

/// A marker fills its line, so that it cannot be taken for something that a pod wrote.
fn marker(text: &str, width: usize) -> Line<'static> {
    let mut line = Line::of(Role::LogMarker, "── ").with(Role::LogMarker, text.to_owned()).with(Role::LogMarker, " ");
    let rest = width.saturating_sub(line.width());
    line.push(Role::LogMarker, "─".repeat(rest));
    line
}
