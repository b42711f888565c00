//! What each part of the console looks like, drawn from the app's state.
//!
//! Owns the translation from state to lines in roles. Must not change state; how lines get onto the buffer is the widgets'.

mod bottom;
mod bridge;
mod choice;
mod first_steps;
mod health;
mod logs;
mod plan;
mod reading;
mod reason;
mod releases;
mod run;
mod top;
mod workloads;

pub use bridge::Drawn;
pub(super) use bridge::{draw, pane_at};
