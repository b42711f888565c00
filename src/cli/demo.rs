//! `timonel demo`: the console on a simulated cluster.
//!
//! Owns starting the simulation and where the demo's journal goes. The console is the ordinary one and reaches the simulation
//! as any cluster, through a kubeconfig: it must not learn that it is one.

use super::output::{Exit, Failure, Printer};
use super::{DemoArgs, Global, console, sim, wish};
use crate::boot::Wish;
use crate::config::Options;
use crate::sim::SimOptions;

/// Runs the console until the user quits; everything that the demo wrote goes with it.
pub(super) fn run(global: &Global, args: &DemoArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let cluster = sim::start(&args.sim)?;
    let wish = wish(global, &args.file);
    let own = Wish {
        // The hosts of its Ingresses are the names of real systems elsewhere, and none of their business.
        options: Options { ask_ingresses: Some(false), ..wish.options },
        kubeconfig: Some(cluster.kubeconfig().display().to_string()),
        // Five systems live there: who names none sees them all.
        all_namespaces: global.namespace.is_empty(),
        // They tell the way through this story, and no other.
        first_steps: args.sim.scenario == SimOptions::default().scenario,
        state: Some(cluster.folder().join("state")),
        ..wish
    };
    let exit = console::run(&own, global.plain, printer)?;
    sim::ready(&cluster)?;
    Ok(exit)
}
