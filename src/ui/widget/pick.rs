//! A list to pick from, narrowed by typing: what matched is lit.
//!
//! Owns its looks. What matches is decided elsewhere.

use ratatui::layout::{Position, Rect};
use unicode_segmentation::UnicodeSegmentation;

use super::field::Field;
use super::panel::Panel;
use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::{Cut, Line};

/// One entry.
#[derive(Debug, Clone, Default)]
pub struct Entry<'a> {
    /// What is picked.
    pub label: &'a str,
    /// Which graphemes of the label matched, ascending.
    pub matched: &'a [u32],
    /// What is shown at the right: a key, a state.
    pub detail: &'a str,
    /// Cannot be picked now.
    pub disabled: bool,
    /// Marked, or current.
    pub marked: bool,
}

/// A list to pick from, as it is now.
pub struct Pick<'a> {
    /// What is picked, in words.
    pub title: &'a str,
    /// What was typed.
    pub field: Field<'a>,
    /// How many entries there are.
    pub len: usize,
    /// An entry by its place.
    pub entry: &'a dyn Fn(usize) -> Entry<'a>,
    /// The entry under the cursor.
    pub selected: usize,
    /// First visible entry.
    pub offset: usize,
    /// Why the entry under the cursor cannot be picked, or what to do.
    pub note: Line<'a>,
}

/// Rows that the panel takes besides the entries: frame, field, rule, note.
pub const CHROME: u16 = 5;

impl Pick<'_> {
    /// Draws it and returns where the terminal's cursor belongs.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        let count = Line::of(Role::Dim, format!("{} found", self.len));
        let panel = Panel { title: Line::of(Role::PanelTitle, self.title), info: count, ..Panel::default() };
        let inner = panel.draw(canvas, area).body;
        if inner.height < 3 {
            return self.field.draw(canvas, inner);
        }
        let cursor = self.field.draw(canvas, Rect { height: 1, ..inner });
        canvas.rule(Rect { y: inner.y + 1, height: 1, ..inner }, Role::Frame, "─");
        let note_rows = u16::from(inner.height > 3);
        let list = Rect { y: inner.y + 2, height: inner.height - 2 - note_rows, ..inner };
        if note_rows > 0 {
            canvas.line(inner.x, inner.bottom() - 1, inner.width, &self.note);
        }
        if self.len == 0 {
            canvas.text(list.x, list.y, list.width, Role::Dim, "nothing matches");
        }
        for (index, y) in (self.offset..self.len).zip(list.y..list.bottom()) {
            let row = Rect { y, height: 1, ..list };
            draw_entry(canvas, row, &(self.entry)(index));
            if index == self.selected {
                canvas.select(Rect { x: row.x - 1, width: row.width + 2, ..row }, Role::Selection);
            }
        }
        cursor
    }
}

fn draw_entry(canvas: &mut Canvas<'_>, row: Rect, entry: &Entry<'_>) {
    if entry.marked {
        canvas.text(row.x, row.y, 1, Role::Mark, glyph::MARK);
    }
    let (label, detail) = if entry.disabled { (Role::KeyOff, Role::KeyOff) } else { (Role::Text, Role::Key) };
    let detail = Line::of(detail, entry.detail).cut(usize::from(row.width / 2), Cut::End);
    let taken = canvas.line_right(row.right(), row.y, row.width / 2, &detail);
    let room = row.width.saturating_sub(2 + taken + 1);
    canvas.line(row.x + 2, row.y, room, &lit(entry.label, entry.matched, label).cut(usize::from(room), Cut::End));
}

fn lit<'a>(label: &'a str, matched: &[u32], role: Role) -> Line<'a> {
    let mut line = Line::new();
    for (at, grapheme) in (0u32..).zip(label.graphemes(true)) {
        let hit = matched.binary_search(&at).is_ok();
        line.push(if hit { Role::Match } else { role }, grapheme);
    }
    line
}
