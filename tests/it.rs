//! The fast suite in one binary: no network, no cluster, no real terminal. `cargo test` runs this and the unit tests.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking"
)]

mod architecture;
mod config;
mod net;
mod screens;
