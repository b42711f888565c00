//! What the tests that run the program share: a home of their own, the program in a pty, a line that can be cut.

#![allow(dead_code, reason = "each test target uses its part")]

pub(crate) mod proxy;
pub(crate) mod registry;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod screen;
pub(crate) mod terminal;
