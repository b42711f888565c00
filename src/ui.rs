//! The drawing: reads state and a skin, writes a buffer.
//!
//! Owns what is where on the screen. Must not change state, read a clock or import a driver; widgets know nothing of the app.
//! The same state and the same skin always give the same buffer.

pub mod canvas;
pub mod layout;
pub mod line;
mod screen;
pub mod skin;
pub mod widget;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::app::{App, Pane};
use canvas::Canvas;
pub use screen::Drawn;
use skin::Skin;

/// The pane at a place of a screen of this size, and which visible row of its list is there.
pub fn pane_at(app: &App, area: Rect, at: Position) -> Option<(Pane, Option<u16>)> {
    screen::pane_at(app, area, at)
}

/// Draws the console onto a buffer. Answers where the cursor belongs and how much of everything is seen, which the app is told
/// before the next key.
pub fn draw(app: &App, skin: &Skin, buffer: &mut Buffer) -> Drawn {
    let mut canvas = Canvas::new(buffer, skin);
    let drawn = screen::draw(app, &mut canvas);
    canvas.finish();
    drawn
}
