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
    at_speed(scenario, 1.0)
}

/// The same where much happens one after the other.
fn faster(scenario: &str) -> (SimHandle, Sandbox) {
    at_speed(scenario, 10.0)
}

fn at_speed(scenario: &str, speed: f64) -> (SimHandle, Sandbox) {
    let options = SimOptions { scenario: scenario.to_owned(), speed, ..SimOptions::default() };
    let cluster = sim::start(&options).expect("a simulated cluster");
    cluster.wait().expect("it is there");
    let sandbox = Sandbox::with_kubeconfig(cluster.kubeconfig());
    (cluster, sandbox)
}
