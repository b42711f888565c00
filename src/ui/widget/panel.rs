//! A panel that lies over the rest: title, body, and below it what is always seen.
//!
//! Owns its place and size, and the scrolling of what does not fit.

use ratatui::layout::Rect;

use super::pane;
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::line::{Cut, Line};

/// A panel as it is now.
#[derive(Debug, Clone, Default)]
pub struct Panel<'a> {
    /// What it is about.
    pub title: Line<'a>,
    /// At the right end of the title.
    pub info: Line<'a>,
    /// Its text.
    pub body: Vec<Line<'a>>,
    /// Rows below the body that never scroll: what is typed, what is asked.
    pub pinned: Vec<Line<'a>>,
    /// In the lower edge: the keys that work here.
    pub foot: Line<'a>,
    /// First visible row of the body.
    pub offset: usize,
}

/// Where a panel was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// The area of the body.
    pub body: Rect,
    /// The area of the pinned rows.
    pub pinned: Rect,
}

impl Panel<'_> {
    /// The least number of columns that shows every row whole, and rows, both with the frame.
    pub fn size(&self) -> (u16, u16) {
        let lines = self.body.iter().chain(&self.pinned).chain([&self.foot]);
        let text = lines.map(Line::width).max().unwrap_or_default();
        let width = text.max(self.title.width() + self.info.width() + 4) + 4;
        let height = self.body.len() + self.pinned.len() + 2;
        (width.min(usize::from(u16::MAX)) as u16, height.min(usize::from(u16::MAX)) as u16)
    }

    /// Draws the panel in `area`, over whatever is there. Rows that do not fit are scrolled; the frame says how many there are.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) -> Drawn {
        canvas.clear(area, Role::Panel);
        pane::frame(canvas, area, Role::PanelFrame);
        let inner = pane::inner(area);
        let text = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        if inner.is_empty() {
            return Drawn { body: text, pinned: text };
        }
        let room = usize::from(area.width).saturating_sub(4);
        let info = self.info.clone().cut(room / 2, Cut::End);
        let title = Line::of(Role::PanelTitle, " ").join(self.title.clone()).with(Role::PanelTitle, " ");
        canvas.line(area.x + 1, area.y, (room - info.width().min(room)) as u16, &title);
        if !info.is_empty() {
            let info = Line::of(Role::PanelTitle, " ").join(info).with(Role::PanelTitle, " ");
            canvas.line_right(area.right() - 1, area.y, area.width - 2, &info);
        }
        let pinned_rows = (self.pinned.len().min(usize::from(inner.height))) as u16;
        let body = Rect { height: inner.height - pinned_rows, ..text };
        let pinned = Rect { y: body.bottom(), height: pinned_rows, ..text };
        let offset = self.offset.min(self.body.len().saturating_sub(usize::from(body.height)));
        for (line, y) in self.body.iter().skip(offset).zip(body.y..body.bottom()) {
            canvas.line(body.x, y, body.width, line);
        }
        for (line, y) in self.pinned.iter().zip(pinned.y..pinned.bottom()) {
            canvas.line(pinned.x, y, pinned.width, line);
        }
        self.draw_foot(canvas, area, offset, usize::from(body.height));
        Drawn { body, pinned }
    }

    fn draw_foot(&self, canvas: &mut Canvas<'_>, area: Rect, offset: usize, visible: usize) {
        let y = area.bottom() - 1;
        let mut room = area.width - 2;
        if self.body.len() > visible {
            let more = format!(" rows {}–{} of {} ", offset + 1, (offset + visible).min(self.body.len()), self.body.len());
            room -= canvas.line_right(area.right() - 1, y, room, &Line::of(Role::NoticeWarn, more));
        }
        if !self.foot.is_empty() {
            let foot = Line::of(Role::Text, " ").join(self.foot.clone()).with(Role::Text, " ");
            canvas.line(area.x + 1, y, room, &foot);
        }
    }
}

/// An area of at most `width` by `height` in the middle of `within`, a little above the middle as the eye expects.
pub fn centered(within: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(within.width), height.min(within.height));
    let x = within.x + (within.width - width) / 2;
    let y = within.y + (within.height - height) / 3;
    Rect::new(x, y, width, height)
}
