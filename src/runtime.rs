//! The shell around the pure core: event loop, input, frames, effects, terminal, signals.
//!
//! Owns everything that happens in time. Must not decide what a key means or what is on screen: that is `app` and `ui`.

pub mod alerting;
pub mod asking;
pub mod console;
pub mod effects;
pub mod file_action;
pub mod file_of_run;
pub mod input;
mod local;
pub mod looks;
pub mod measuring;
pub mod outside;
pub mod planner;
mod probing;
pub mod proving;
mod pulling;
mod recall;
pub mod screen;
mod second;
pub mod secrets;
mod seeing;
pub mod signals;
mod telling;
mod templates;
pub mod terminal;
mod timed;
