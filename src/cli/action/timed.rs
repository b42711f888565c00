//! The wait of `timonel run --revert-after`, and of `timonel runs resume` for an armed run: until the change is kept, or its time has come.
//!
//! Owns what is printed meanwhile and the exit codes. When it is time, and how a timer confirms a plan, is `run`'s.

use std::sync::Arc;

use super::{Carried, carry_out};
use crate::boot::Booted;
use crate::cli::Output;
use crate::cli::output::{Exit, Failure, Printer};
use crate::run::armed::{self, AGAIN, Patience, Running, Taken, Waited};
use crate::run::{End, Happening, Plan, RunEvent, Timer as _, TokioTimer, execute};
use crate::runtime::planner::{NotBack, Planner, View, reverting};
use crate::runtime::signals::{Caught, Signals};

/// 0 = it was kept. 1 = it was taken back, and that is proven, or somebody else did so; else as the run that takes it back ends, or 2: it
/// stays a debt.
pub(in crate::cli) async fn wait(carried: Carried<'_>, planner: &Planner, plan: &Arc<Plan>, printer: &mut Printer) -> Result<Exit, Failure> {
    let (client, booted) = (&carried.client, carried.booted);
    let keep = keep(plan);
    let mut signals = Signals::listen()?;
    let in_charge = armed::take_charge(client, &*booted.clock, &TokioTimer, &*carried.journal, plan);
    let (_claim, running) = match heeding(&mut signals, in_charge).await {
        Err(exit) => return left(plan, &keep, exit),
        Ok(Taken::Mine(claim, running)) => (claim, running),
        Ok(Taken::Over(waited)) => return over(waited, plan, &keep, booted, printer),
    };
    say(printer, plan, booted, announced(plan, &running, &keep))?;
    let probes = booted.proving(client.clone());
    let mut patience = Patience::with_what_blocks();
    let confirmed = loop {
        let waiting = armed::wait(client, &*booted.clock, &TokioTimer, plan, running.earliest());
        let objects = match heeding(&mut signals, waiting).await {
            Err(exit) => return left(plan, &keep, exit),
            Ok(Waited::Expired(objects)) => objects,
            Ok(waited) => return over(waited, plan, &keep, booted, printer),
        };
        match reverting(planner, View::of(client, &probes, &*booted.clock), plan, &objects).await {
            Ok(confirmed) => break confirmed,
            Err(NotBack::Yet(why)) if patience.lasts(&*booted.clock) => {
                say(printer, plan, booted, format!("its time has come, but it is not taken back yet: {why}"))?;
                if let Err(exit) = heeding(&mut signals, TokioTimer.sleep(AGAIN)).await {
                    return left(plan, &keep, exit);
                }
            }
            Err(NotBack::Yet(why) | NotBack::Never(why)) => {
                return Err(Failure::new(Exit(2), format!("it is not taken back, and stays a debt: {why}")).hint(keep));
            }
        }
    };
    say(printer, plan, booted, "its time has come: it is taken back".to_owned())?;
    let back = Arc::new(confirmed.plan().clone());
    let outcome = carry_out(|deps| execute(confirmed, deps), carried.clone(), printer, &back).await?;
    if outcome.outcome == End::Proven {
        return not_kept(plan, "taken back and proven, since nobody kept it", printer);
    }
    super::ended(&outcome, printer)
}

/// The command that keeps all of it.
fn keep(plan: &Plan) -> String {
    let objects: Vec<String> = plan.subjects().map(|s| format!("{}/{}", s.kind.word().to_lowercase(), s.name)).collect();
    format!("timonel run keep -n {} {}", plan.subject().namespace, objects.join(" "))
}

fn announced(plan: &Plan, running: &Running, keep: &str) -> String {
    if running.late {
        return format!(
            "armed: its time came while no process was there: {} at {:.0}, unless it is kept until then. Keep it with: {keep}",
            plan.undo(),
            running.at
        );
    }
    format!(
        "armed: {} at {:.0}, unless it is kept; this process must live until then. Keep it with: {keep}",
        plan.undo(),
        running.at
    )
}

/// What comes of it, or the signal that ends the process before.
async fn heeding<T>(signals: &mut Signals, work: impl Future<Output = T>) -> Result<T, Exit> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            caught = signals.next() => match caught {
                Caught::Interrupt => return Err(Exit::INTERRUPTED),
                Caught::Terminate => return Err(Exit::TERMINATED),
                // The terminal is gone: the same process goes on.
                Caught::HangUp | Caught::Stop | Caught::Continue | Caught::Resize => {}
            },
        }
    }
}

fn over(waited: Waited, plan: &Plan, keep: &str, booted: &Booted, printer: &mut Printer) -> Result<Exit, Failure> {
    match waited {
        Waited::Kept => {
            say(printer, plan, booted, "kept: nothing is taken back".to_owned())?;
            Ok(Exit::OK)
        }
        Waited::Settled => not_kept(plan, "taken back or changed again by another run", printer),
        Waited::Lost(why) => Err(Failure::new(Exit(2), format!("whether it was kept cannot be read, so it is not taken back: {why}")).hint(keep)),
        Waited::Expired(_) => Ok(Exit(2)),
    }
}

fn not_kept(plan: &Plan, how: &str, printer: &Printer) -> Result<Exit, Failure> {
    let words = format!("{how}: {} {}", plan.title(), plan.quantity());
    if printer.output() == Output::Table { Err(Failure::new(Exit(1), words)) } else { Ok(Exit(1)) }
}

fn left(plan: &Plan, keep: &str, exit: Exit) -> Result<Exit, Failure> {
    let what = format!("{} {} stays, and is a debt when its time has come", plan.title(), plan.quantity());
    Err(Failure::new(exit, format!("{what}: nobody takes it back until `timonel runs resume {}` or a console of yours does", plan.id())).hint(keep))
}

fn say(printer: &mut Printer, plan: &Plan, booted: &Booted, text: String) -> Result<(), Failure> {
    if printer.output() == Output::Table {
        return printer.line(&text);
    }
    printer.event(&RunEvent::new(plan.id(), booted.clock.now(), Happening::Note { text }))
}
