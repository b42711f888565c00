//! Logs: one task per followed container, and one hub that starts and stops them.
//!
//! Owns how a log is followed to the letter: exact resume after a reconnect, restarts, waiting and ended containers, bounds
//! in lines, bytes and time. Tells lines and states as the door's [`LogEvent`](crate::target::event::LogEvent); must not
//! know which of them are shown.

mod follow;
mod hub;
mod last;
mod lines;
mod outbox;
mod resume;
mod run;

pub use hub::LogHub;
pub use last::last_lines;
