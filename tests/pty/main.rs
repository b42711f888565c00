//! The program in a real terminal. Run by `./tests/run pty`, not by `cargo test` alone.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking"
)]

mod actions;
mod console;
mod demo;
mod harness;
mod journal;
mod picture;
mod recording;
mod restore;
mod sign_in;
mod simulated;
#[path = "../support/kit.rs"]
mod support;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use support::sandbox::Sandbox;

/// A home whose kubeconfig points at a port where nobody listens.
fn nowhere() -> (Sandbox, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let sandbox = Sandbox::new();
    let kubeconfig = sandbox.write_kubeconfig(&format!("https://{address}"));
    (sandbox.env("KUBECONFIG", &kubeconfig.display().to_string()), address)
}
