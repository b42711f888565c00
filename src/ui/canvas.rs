//! The one way onto the buffer: clipped, in roles, safe with wide characters.
//!
//! Owns the details that views must not have to think of. Everything that is drawn goes through here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::line::{Cut, Line};
use super::skin::Skin;
use crate::base::text::width;
use crate::theme::{Charset, Role, glyph};

/// A buffer and the skin it is painted with.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    skin: &'a Skin,
}

impl<'a> Canvas<'a> {
    /// A canvas over a whole buffer, its ground painted.
    pub fn new(buffer: &'a mut Buffer, skin: &'a Skin) -> Self {
        let mut canvas = Self { buffer, skin };
        let area = canvas.area();
        canvas.clear(area, Role::Screen);
        canvas
    }

    /// How a role looks, for widgets of the drawing library.
    pub fn style(&self, role: Role) -> Style {
        self.skin.style(role)
    }

    /// Draws a widget of the drawing library that brings its own styles.
    pub fn widget(&mut self, widget: impl Widget, area: Rect) {
        widget.render(area.intersection(self.buffer.area), self.buffer);
    }

    /// The whole area.
    pub fn area(&self) -> Rect {
        self.buffer.area
    }

    /// Writes a text at a place, at most `max` columns of it. Returns how many columns it took.
    pub fn text(&mut self, x: u16, y: u16, max: u16, role: Role, text: &str) -> u16 {
        let area = self.buffer.area;
        if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
            return 0;
        }
        let (end, _) = self.buffer.set_stringn(x, y, text, usize::from(max), self.skin.style(role));
        end - x
    }

    /// Writes a line at a place, cut at its end to `max` columns. Returns how many columns it took.
    pub fn line(&mut self, x: u16, y: u16, max: u16, line: &Line<'_>) -> u16 {
        if line.width() > usize::from(max) {
            let cut = line.clone().cut(usize::from(max), Cut::End);
            return self.pieces(x, y, max, &cut);
        }
        self.pieces(x, y, max, line)
    }

    fn pieces(&mut self, x: u16, y: u16, max: u16, line: &Line<'_>) -> u16 {
        let mut used = 0;
        for piece in line.pieces() {
            used += self.text(x + used, y, max - used, piece.role, &piece.text);
        }
        used
    }

    /// Writes a line so that it ends at column `right` (exclusive), taking at most `max` columns. Returns how many it took.
    pub fn line_right(&mut self, right: u16, y: u16, max: u16, line: &Line<'_>) -> u16 {
        let taken = line.width().min(usize::from(max)) as u16;
        self.line(right.saturating_sub(taken), y, taken, line)
    }

    /// Blanks an area in a role's colours, whatever was there, and mends wide characters that its edges cut in two.
    pub fn clear(&mut self, area: Rect, role: Role) {
        let area = area.intersection(self.buffer.area);
        let style = self.skin.style(role);
        for y in area.top()..area.bottom() {
            if area.left() > self.buffer.area.left() {
                let before = &mut self.buffer[(area.left() - 1, y)];
                if width(before.symbol()) > 1 {
                    before.set_symbol(" ");
                }
            }
            if area.right() < self.buffer.area.right() && !area.is_empty() {
                let last = &self.buffer[(area.right() - 1, y)];
                if width(last.symbol()) > 1 {
                    let style = last.style();
                    self.buffer[(area.right(), y)].set_style(style);
                }
            }
            for x in area.left()..area.right() {
                let cell = &mut self.buffer[(x, y)];
                cell.reset();
                cell.set_style(style);
            }
        }
    }

    /// Lays a selection over an area: cells that brought a ground of their own keep it.
    pub fn select(&mut self, area: Rect, role: Role) {
        let area = area.intersection(self.buffer.area);
        let (style, grounds) = (self.skin.style(role), [Role::Screen, Role::Panel].map(|r| self.skin.style(r).bg.unwrap_or_default()));
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                let cell = &mut self.buffer[(x, y)];
                if grounds.contains(&cell.bg) {
                    cell.set_style(style);
                }
            }
        }
    }

    /// Fills a row with one character.
    pub fn rule(&mut self, area: Rect, role: Role, symbol: &str) {
        for x in area.left()..area.right() {
            self.text(x, area.y, 1, role, symbol);
        }
    }

    /// The finished screen where only ASCII can be shown: every other character is replaced. The last thing to be done.
    pub fn finish(self) {
        if self.skin.charset() == Charset::Unicode {
            return;
        }
        let mut hidden = 0;
        let area = self.buffer.area;
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                let cell = &mut self.buffer[(x, y)];
                if hidden > 0 {
                    hidden -= 1;
                    cell.set_symbol("?");
                    continue;
                }
                let Some(first) = cell.symbol().chars().next().filter(|_| !cell.symbol().is_ascii()) else { continue };
                hidden = width(cell.symbol()).saturating_sub(1);
                let replaced = glyph::ascii(first).to_string();
                cell.set_symbol(&replaced);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::Canvas;
    use crate::theme::{Charset, Depth, Loaded, Role};
    use crate::ui::line::Line;
    use crate::ui::skin::Skin;

    fn row(buffer: &Buffer, y: u16) -> String {
        (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect()
    }

    fn paint(charset: Charset, draw: impl FnOnce(&mut Canvas<'_>)) -> Buffer {
        let skin = Skin::new(&Loaded::default().theme, Depth::True, charset);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 2));
        let mut canvas = Canvas::new(&mut buffer, &skin);
        draw(&mut canvas);
        canvas.finish();
        buffer
    }

    #[test]
    fn nothing_is_written_outside() {
        let buffer = paint(Charset::Unicode, |c| {
            assert_eq!(c.text(10, 0, 5, Role::Text, "x"), 0);
            assert_eq!(c.text(0, 2, 5, Role::Text, "x"), 0);
            assert_eq!(c.text(8, 0, 5, Role::Text, "日本"), 2);
            assert_eq!(c.text(9, 1, 5, Role::Text, "日本"), 0);
            c.clear(Rect::new(5, 1, 100, 100), Role::Panel);
            c.line_right(400, 1, 3, &Line::of(Role::Text, "far"));
        });
        assert_eq!(row(&buffer, 0), "        日 ");
    }

    #[test]
    fn a_panel_over_the_second_half_of_a_wide_character_leaves_no_half() {
        let buffer = paint(Charset::Unicode, |c| {
            c.text(0, 0, 10, Role::Text, "a日本語");
            c.clear(Rect::new(2, 0, 4, 1), Role::Panel);
        });
        assert_eq!(row(&buffer, 0), "a         ");
        assert_eq!(buffer[(6, 0)].bg, buffer[(9, 0)].bg, "the half that shows again has the ground of the rest");
    }

    #[test]
    fn in_ascii_every_glyph_is_replaced_and_columns_stay() {
        let buffer = paint(Charset::Ascii, |c| {
            c.text(0, 0, 10, Role::Text, "● 日é│ok…");
        });
        assert_eq!(row(&buffer, 0), "+ ???|ok. ");
    }

    #[test]
    fn a_selection_leaves_badges_their_ground() {
        let buffer = paint(Charset::Unicode, |c| {
            c.text(0, 0, 10, Role::Text, "ab");
            c.text(2, 0, 10, Role::EnvProduction, "PROD");
            c.select(Rect::new(0, 0, 10, 1), Role::Selection);
        });
        assert_ne!(buffer[(0, 0)].bg, buffer[(0, 1)].bg);
        assert_ne!(buffer[(3, 0)].bg, buffer[(0, 0)].bg);
    }
}
