//! The Kubernetes driver: the only place that imports kube.
//!
//! Owns how a cluster is reached, read, watched and written. Tells what it finds as the plain data of the door
//! (`target::{model, event, api}`); must not judge what it sees and must not be named by anything but `runtime`, `boot`
//! and `cli`.

pub mod client;
mod credential;
pub mod document;
pub mod error;
mod exec;
pub mod gate;
pub mod kubeconfig;
mod log;
mod metrics;
pub mod paths;
mod pod_proxy;
mod reader;
pub mod session;
mod slim;
mod streams;
mod table;
#[cfg(test)]
mod testing;
mod tunnel;
pub mod version;
mod watch;
mod wire;
mod writer;

pub use client::{Client, Streaming, Terminal};
pub use error::{OpenCause, OpenError};
pub use exec::{KEPT, newest};
pub use log::{LogHub, last_lines};
pub use pod_proxy::{PodProxy, declared};
pub use session::Session;
pub use tunnel::Tunnel;
