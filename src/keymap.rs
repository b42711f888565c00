//! Which key asks for which action, where.
//!
//! Owns keys, their spelling, loading and checking of keymap files. Must not know the terminal or what an action does.

mod key;

pub use key::{Code, Key, KeyError};
