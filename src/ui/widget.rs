//! Widgets: drawn from plain values, knowing nothing of the app.

pub mod bar;
pub mod document;
pub mod field;
pub mod header;
pub mod keys;
pub mod logs;
pub mod pane;
pub mod panel;
pub mod pick;
pub mod table;
