//! The fast suite in one binary: no cluster but the simulated one, no real terminal. `cargo test` runs this and the unit tests.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking"
)]

mod architecture;
mod cli;
mod config;
mod net;
mod screens;
mod story;
#[path = "support/kit.rs"]
mod support;
