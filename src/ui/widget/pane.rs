//! A framed part of the screen: number, title, what is true of it on the right.
//!
//! Owns frames. What is inside is somebody else's.

use ratatui::layout::Rect;

use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::line::{Cut, Line};

/// A frame and what is written into it.
#[derive(Debug, Clone, Default)]
pub struct Pane<'a> {
    /// The key that focuses it; `None` for panes that no number reaches.
    pub number: Option<u8>,
    /// What is in it, and behind that what else is worth saying: `Logs  backend`.
    pub title: Line<'a>,
    /// What is true of it now, at the right end of the title: counts, streams.
    pub info: Line<'a>,
    /// At the right end of the lower edge: a filter, a position.
    pub foot: Line<'a>,
    /// Whether keys go there.
    pub focused: bool,
}

impl Pane<'_> {
    /// Draws the frame and returns the area within.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) -> Rect {
        let role = if self.focused { Role::FrameFocus } else { Role::Frame };
        frame(canvas, area, role);
        if area.width < 4 || area.height == 0 {
            return inner(area);
        }
        let title_role = if self.focused { Role::TitleFocus } else { Role::Title };
        let mut title = Line::of(title_role, " ");
        if let Some(number) = self.number {
            title = title.with(title_role, format!("{number} "));
        }
        title = title.join(self.title.clone());
        let room = usize::from(area.width) - 4;
        let title_width = title.width().min(room);
        let info_room = room.saturating_sub(title_width + 2);
        let title = title.cut(room, Cut::End).with(title_role, " ");
        canvas.line(area.x + 1, area.y, area.width - 2, &title);
        edge_right(canvas, area.right() - 1, area.y, info_room, &self.info);
        if area.height > 1 {
            edge_right(canvas, area.right() - 1, area.bottom() - 1, room, &self.foot);
        }
        inner(area)
    }
}

/// Text on the right end of an edge, with a space on both sides; nothing at all when too little would be left of it.
fn edge_right(canvas: &mut Canvas<'_>, right: u16, y: u16, room: usize, line: &Line<'_>) {
    if line.is_empty() || room < (line.width() + 2).min(10) {
        return;
    }
    let line = Line::of(Role::Text, " ").join(line.clone().cut(room.saturating_sub(2), Cut::End)).with(Role::Text, " ");
    canvas.line_right(right, y, room as u16, &line);
}

/// The four edges and corners.
pub fn frame(canvas: &mut Canvas<'_>, area: Rect, role: Role) {
    if area.width < 2 || area.height < 2 {
        return;
    }
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    let across = Rect::new(area.x + 1, area.y, area.width - 2, 1);
    canvas.rule(across, role, "─");
    canvas.rule(Rect { y: bottom, ..across }, role, "─");
    for y in area.y + 1..bottom {
        canvas.text(area.x, y, 1, role, "│");
        canvas.text(right, y, 1, role, "│");
    }
    for (x, y, corner) in [(area.x, area.y, "╭"), (right, area.y, "╮"), (area.x, bottom, "╰"), (right, bottom, "╯")] {
        canvas.text(x, y, 1, role, corner);
    }
}

/// What is left within a frame.
pub fn inner(area: Rect) -> Rect {
    if area.width < 2 || area.height < 2 {
        return Rect { width: 0, height: 0, ..area };
    }
    Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
}
