//! The door to whatever a service runs on: plain data in both directions, and behind it one driver per folder.
//!
//! Owns the words that drivers and the rest of the program exchange. The door itself must not import a driver, kube,
//! tokio or the terminal; only drivers talk to the outside world.

pub mod api;
pub mod event;
pub mod kubernetes;
pub mod model;
pub mod net;
pub mod probe;
pub mod registry;
pub mod request;
pub mod sql;
