//! Rows under a head that stays: columns give way by rank, only what is visible is formatted.
//!
//! Owns widths, cutting, selection and marks. Trees are rows whose first cell brings its own indent and fold glyph. Must not
//! know what the rows are.

mod columns;

use ratatui::layout::Rect;

pub use columns::{Align, Column, Slot, fit};

use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::{Cut, Line};

/// Where the rows come from. `row` is asked for visible rows only.
pub trait Rows {
    /// How many there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// One of them; `shown` says which columns are drawn and how wide, so that a cell can choose a shorter form.
    fn row(&self, index: usize, shown: &[Slot]) -> Row<'_>;
}

/// One row.
#[derive(Debug, Clone, Default)]
pub struct Row<'a> {
    /// Before the first cell and never cut: indent, fold, health.
    pub lead: Line<'a>,
    /// One cell per column, in the order of the columns. A cell that is too long runs on into the empty cells behind it, as in a
    /// spreadsheet: room for the reason why a row is not ok.
    pub cells: Vec<Line<'a>>,
    /// Marked.
    pub marked: bool,
}

/// A table as it is now.
pub struct Table<'a> {
    /// All columns, most important place first.
    pub columns: &'a [Column],
    /// The rows.
    pub rows: &'a dyn Rows,
    /// Row under the cursor.
    pub selected: Option<usize>,
    /// First visible row.
    pub offset: usize,
    /// Whether keys go there.
    pub focused: bool,
    /// Whether the head is drawn.
    pub head: bool,
    /// What is written where there are no rows.
    pub empty: Line<'a>,
}

/// Columns before the first cell: the mark.
const GUTTER: u16 = 2;

/// Columns between two cells.
const GAP: u16 = 1;

impl Table<'_> {
    /// How many rows fit into a height.
    pub const fn height(area_height: u16, head: bool) -> usize {
        area_height.saturating_sub(head as u16) as usize
    }

    /// Draws the table.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        if area.is_empty() || area.width <= GUTTER {
            return;
        }
        let slots = fit(self.columns, area.width - GUTTER, GAP);
        let mut body = area;
        if self.head {
            self.draw_head(canvas, area, &slots);
            body = Rect { y: area.y + 1, height: area.height - 1, ..area };
        }
        if self.rows.is_empty() {
            let lines = self.empty.clone().wrap(usize::from(area.width - GUTTER), usize::from(body.height.max(1)));
            for (line, y) in lines.iter().zip(body.y..body.bottom()) {
                canvas.line(area.x + GUTTER, y, area.width - GUTTER, line);
            }
            return;
        }
        let last = self.rows.len().min(self.offset + usize::from(body.height));
        for (index, y) in (self.offset..last).zip(body.y..) {
            let line = Rect { y, height: 1, ..area };
            self.draw_row(canvas, line, &self.rows.row(index, &slots), &slots);
            if self.selected == Some(index) {
                canvas.select(line, if self.focused { Role::Selection } else { Role::SelectionIdle });
            }
        }
    }

    fn draw_head(&self, canvas: &mut Canvas<'_>, area: Rect, slots: &[Slot]) {
        for slot in slots {
            let column = &self.columns[slot.column];
            let line = match column.sorted {
                None => Line::of(Role::Column, column.title),
                Some(descending) => {
                    Line::of(Role::ColumnSorted, column.title).with(Role::ColumnSorted, if descending { glyph::DESCENDING } else { glyph::ASCENDING })
                }
            };
            place(canvas, area.x + GUTTER + slot.x, area.y, slot.width, column.align, &line.cut(usize::from(slot.width), Cut::End));
        }
    }

    fn draw_row(&self, canvas: &mut Canvas<'_>, area: Rect, row: &Row<'_>, slots: &[Slot]) {
        if row.marked {
            canvas.text(area.x, area.y, 1, Role::Mark, glyph::MARK);
        }
        for (at, slot) in slots.iter().enumerate() {
            let Some(cell) = row.cells.get(slot.column).filter(|cell| !cell.is_empty()) else { continue };
            let column = &self.columns[slot.column];
            let filled = |s: &&Slot| row.cells.get(s.column).is_some_and(|c| !c.is_empty());
            let end = slots[at + 1..].iter().find(filled).map_or(area.width - GUTTER, |next| next.x - GAP);
            let (mut x, mut room) = (area.x + GUTTER + slot.x, if column.align == Align::Left { end - slot.x } else { slot.width });
            if slot.column == 0 {
                let lead = canvas.line(x, area.y, room, &row.lead);
                (x, room) = (x + lead, room - lead);
            }
            place(canvas, x, area.y, room, column.align, &cell.clone().cut(usize::from(room), column.cut));
        }
    }
}

fn place(canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16, align: Align, line: &Line<'_>) {
    match align {
        Align::Left => canvas.line(x, y, width, line),
        Align::Right => canvas.line_right(x + width, y, width, line),
    };
}
