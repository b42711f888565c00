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

use crate::app::App;
use canvas::Canvas;
pub use screen::Drawn;
use skin::Skin;

/// Draws the console onto a buffer. Answers where the cursor belongs and how much of everything is seen, which the app is told
/// before the next key.
pub fn draw(app: &App, skin: &Skin, buffer: &mut Buffer) -> Drawn {
    let mut canvas = Canvas::new(buffer, skin);
    let drawn = screen::draw(app, &mut canvas);
    canvas.finish();
    drawn
}
