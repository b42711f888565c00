//! A simulated cluster that speaks the Kubernetes API over HTTPS on loopback.
//!
//! Owns the whole room: the API server, the controllers, the nodes, five systems that live there, and the stories that happen to
//! them. The console, kubectl and helm use it through their ordinary clients. Knows `base` only; nothing else may know its inside.
//! What differs from a real API server is listed in assets/simulator.md.

mod api;
mod behaviour;
mod cluster;
mod control;
mod errand;
mod exec;
mod handle;
mod kubelet;
mod load;
mod logs;
mod network;
mod rbac;
mod recorder;
mod registry;
mod serve;
mod store;
mod story;
mod wire;
mod world;

pub use handle::{SimHandle, SimOptions, start};

/// The names of the shipped scenarios, the default one first, each with a line for people.
pub fn scenarios() -> Vec<(&'static str, String)> {
    let all = story::scenario::SHIPPED.iter();
    all.map(|(name, _)| (*name, story::scenario::find(name).map(|s| s.title).unwrap_or_default())).collect()
}
