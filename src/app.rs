//! The pure core: what is on screen and what happens next.
//!
//! Owns all state of the console and the only way to change it, [`App::update`]: messages in, effects out. Must not know
//! ratatui, crossterm, kube, tokio, files or clocks; time comes with every message.

pub mod choice;
pub mod document;
pub mod list;
pub mod logs;
pub mod text_field;
pub mod ticket;
