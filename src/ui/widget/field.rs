//! A text field: one line, scrolled so that the cursor is seen.
//!
//! Owns its looks; the text and the cursor are handed in with every drawing, so that state stays where it belongs.

use ratatui::layout::{Position, Rect};
use tui_textarea::{CursorMove, TextArea};

use crate::base::text::width;
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;

/// A text field as it is now.
#[derive(Debug, Clone, Default)]
pub struct Field<'a> {
    /// What stands before it.
    pub label: Line<'a>,
    /// The text.
    pub text: &'a str,
    /// Byte offset of the cursor in it.
    pub cursor: usize,
    /// What is shown while it is empty.
    pub hint: &'a str,
}

impl Field<'_> {
    /// Draws it into one row and returns where the terminal's cursor belongs.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
        if area.width == 0 || area.height == 0 {
            return None;
        }
        let taken = canvas.line(area.x, area.y, area.width, &self.label);
        let room = Rect { x: area.x + taken, width: area.width - taken, height: 1, ..area };
        if room.width < 2 {
            return None;
        }
        let head = self.text.get(..self.cursor).unwrap_or(self.text);
        let mut textarea = TextArea::from([self.text]);
        textarea.set_style(canvas.style(Role::Input));
        textarea.set_cursor_line_style(canvas.style(Role::Input));
        // The terminal's own cursor is put on the place; drawing a second one would hide the character in some themes.
        textarea.set_cursor_style(canvas.style(Role::Input));
        textarea.move_cursor(CursorMove::Jump(0, head.chars().count() as u16));
        canvas.widget(&textarea, room);
        if self.text.is_empty() {
            canvas.text(room.x, room.y, room.width, Role::InputHint, self.hint);
        }
        let column = width(head).min(usize::from(room.width - 1)) as u16;
        Some(Position::new(room.x + column, room.y))
    }
}
