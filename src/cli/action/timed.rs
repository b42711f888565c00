//! The wait of `timonel run --revert-after`: until the change is kept, or its time has come.
//!
//! Owns what is printed meanwhile and the exit codes. When it is time, and how a timer confirms a plan, is `run`'s.

use std::sync::Arc;

use super::{Carried, carry_out};
use crate::boot::Booted;
use crate::cli::Output;
use crate::cli::output::{Exit, Failure, Printer};
use crate::run::armed::{self, Waited};
use crate::run::{End, Happening, Plan, RunEvent, TokioTimer, execute};
use crate::runtime::planner::{Planner, reverting};
use crate::runtime::signals::{Caught, Signals};

/// 0 = it was kept. 1 = it was taken back, and that is proven; else as the run that takes it back ends, or 2: it stays a debt.
pub(super) async fn wait(carried: Carried<'_>, planner: &Planner, plan: &Arc<Plan>, printer: &mut Printer) -> Result<Exit, Failure> {
    let (client, booted) = (&carried.client, carried.booted);
    let subject = plan.subject();
    let keep = format!("timonel run keep -n {} {}/{}", subject.namespace, subject.kind.word().to_lowercase(), subject.name);
    if let Ok(Some(at)) = armed::expires(client, plan).await {
        say(
            printer,
            plan,
            booted,
            format!("armed: {} at {at}, unless it is kept; this process must live until then. Keep it with: {keep}", plan.undo()),
        )?;
    }
    let mut signals = Signals::listen()?;
    let waiting = armed::wait(client, &*booted.clock, &TokioTimer, plan);
    let mut waiting = std::pin::pin!(waiting);
    let waited = loop {
        tokio::select! {
            waited = &mut waiting => break waited,
            caught = signals.next() => match caught {
                Caught::Interrupt => return left(plan, &keep, Exit::INTERRUPTED),
                Caught::Terminate => return left(plan, &keep, Exit::TERMINATED),
                // The terminal is gone: the same process goes on.
                Caught::HangUp | Caught::Stop | Caught::Continue | Caught::Resize => {}
            },
        }
    };
    match waited {
        Waited::Kept => {
            say(printer, plan, booted, "kept: nothing is taken back".to_owned())?;
            return Ok(Exit::OK);
        }
        Waited::Lost(why) => {
            return Err(Failure::new(Exit(2), format!("whether it was kept cannot be read, so it is not taken back: {why}")).hint(keep));
        }
        Waited::Expired => say(printer, plan, booted, "its time has come: it is taken back".to_owned())?,
    }
    let made = reverting(planner, client, &*booted.clock, plan).await;
    let confirmed = made.map_err(|why| Failure::new(Exit(2), format!("it is not taken back, and stays a debt: {why}")).hint(keep))?;
    let back = Arc::new(confirmed.plan().clone());
    let outcome = carry_out(|deps| execute(confirmed, deps), carried.clone(), printer, &back).await?;
    if outcome.outcome == End::Proven {
        let words = format!("taken back and proven, since nobody kept it: {} {}", plan.title(), plan.quantity());
        return if printer.output() == Output::Table { Err(Failure::new(Exit(1), words)) } else { Ok(Exit(1)) };
    }
    super::ended(&outcome, printer)
}

fn left(plan: &Plan, keep: &str, exit: Exit) -> Result<Exit, Failure> {
    Err(Failure::new(
        exit,
        format!("{} {} stays, and is a debt when its time has come: nobody takes it back by itself", plan.title(), plan.quantity()),
    )
    .hint(keep))
}

fn say(printer: &mut Printer, plan: &Plan, booted: &Booted, text: String) -> Result<(), Failure> {
    if printer.output() == Output::Table {
        return printer.line(&text);
    }
    printer.event(&RunEvent::new(plan.id(), booted.clock.now(), Happening::Note { text }))
}
