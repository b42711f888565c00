//! `timonel sim`: the simulated cluster alone, for kubectl, helm and tests.
//!
//! Owns how long it lives: until it is told to end, or the process that started it is gone. Must not know what a cluster does.

use std::time::Duration;

use rustix::process::{Pid, getppid};

use super::SimArgs;
use super::cluster::runtime;
use super::output::{Exit, Failure, Printer};
use super::paper::Ends;
use crate::base::problem::did_you_mean;
use crate::sim::{self, SimHandle, SimOptions};

/// How often it is looked whether the parent is still there: the system has no portable way to be told.
const LOOK: Duration = Duration::from_secs(1);

/// Serves a cluster, and prints the path of its kubeconfig as the only line.
pub(super) fn run(args: &SimArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let parent = getppid();
    let cluster = start(args)?;
    runtime()?.block_on(async {
        // Heard from before the line is out: whoever read it may end this at once, and the folder still goes.
        let mut ends = Ends::listen()?;
        ready(&cluster)?;
        printer.raw(format!("{}\n", cluster.kubeconfig().display()).as_bytes())?;
        tokio::select! {
            _ = ends.next() => {}
            () = gone(parent) => {}
        }
        Ok::<_, Failure>(())
    })?;
    cluster.stop();
    Ok(Exit::OK)
}

/// Starts a cluster as the options say. A scenario that does not exist is wrong usage.
pub(super) fn start(args: &SimArgs) -> Result<SimHandle, Failure> {
    let scenarios = sim::scenarios();
    let names = || scenarios.iter().map(|(name, _)| *name);
    if !names().any(|name| name == args.scenario) {
        let all = || format!("scenarios: {}", names().collect::<Vec<_>>().join(", "));
        let hint = did_you_mean(&args.scenario, names()).map_or_else(all, |close| format!("did you mean '{close}'?"));
        return Err(Failure::usage(format!("there is no scenario '{}'", args.scenario)).hint(hint));
    }
    let options = SimOptions { scenario: args.scenario.clone(), speed: args.speed, seed: args.seed, hold: None };
    sim::start(&options).map_err(|problem| Failure::problem(Exit::UNKNOWN, &problem))
}

/// Waits until the cluster is there, or says why it will not be.
pub(super) fn ready(cluster: &SimHandle) -> Result<(), Failure> {
    cluster.wait().map_err(|problem| Failure::problem(Exit::UNKNOWN, &problem))
}

/// Waits until the process that started this one is gone: from then on another process is the parent.
async fn gone(parent: Option<Pid>) {
    let mut look = tokio::time::interval(LOOK);
    while getppid() == parent {
        look.tick().await;
    }
}
