//! The drawing: reads state and a skin, writes a buffer.
//!
//! Owns what is where on the screen. Must not change state, read a clock or import a driver; widgets know nothing of the app.
//! The same state and the same skin always give the same buffer.

pub mod canvas;
pub mod layout;
pub mod line;
pub mod skin;
pub mod widget;
