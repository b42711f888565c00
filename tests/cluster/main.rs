//! The program on a real Kubernetes. Nothing here yet runs in `cargo test` alone: `./tests/run cluster` starts it.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking"
)]
