//! What the terminal tests and the tests on a real cluster share: a home of their own, the program in a pty, a line that can be cut.

#![allow(dead_code, reason = "each of the two test targets uses its part")]

pub(crate) mod proxy;
pub(crate) mod sandbox;
pub(crate) mod screen;
pub(crate) mod terminal;
