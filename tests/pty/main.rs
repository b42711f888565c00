//! The program in a real terminal. Run by `./tests/run pty`, not by `cargo test` alone.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking"
)]

mod harness;
#[path = "../support/kit.rs"]
mod support;
