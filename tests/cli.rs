//! The command line without a terminal, on the simulated cluster: one file per family of commands.

mod answers;
mod errands;
mod follower;
mod logs;
mod plain;
mod service_file;

use timonel::sim::{self, SimHandle, SimOptions};

use crate::support::sandbox::Sandbox;

/// A cluster in which this scenario happens, and a home that knows it.
fn simulated(scenario: &str) -> (SimHandle, Sandbox) {
    let options = SimOptions { scenario: scenario.to_owned(), ..SimOptions::default() };
    let cluster = sim::start(&options).expect("a simulated cluster");
    cluster.wait().expect("it is there");
    let sandbox = Sandbox::with_kubeconfig(cluster.kubeconfig());
    (cluster, sandbox)
}
