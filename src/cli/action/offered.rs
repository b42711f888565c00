//! What follows a failed run whose file offers an action (`on_fail = "run:ACTION"`): it is planned where somebody is there.
//!
//! Owns what is asked before that plan is made, and which exit code counts. Must not confirm anything: no option of the command that
//! failed confirms what comes after it, and neither does what was typed before its plan was shown.

use std::io::BufRead as _;

use rustix::termios::{QueueSelector, tcflush};

use super::{Came, attended, ended, make, to_its_end};
use crate::boot::Booted;
use crate::cli::output::{Exit, Failure, Printer};
use crate::cli::{ActionArgs, ConfirmArgs, Global};
use crate::run::{End, Outcome, PlanError};
use crate::runtime::planner::Planner;
use crate::service::FileAction;
use crate::target::kubernetes::Client;

/// Ends the command: says how the run ended, and plans what its failed step offers. One level deep: what that run offers is a hint.
pub(super) fn after(
    global: &Global,
    booted: &Booted,
    planner: &Planner,
    args: &ActionArgs,
    outcome: &Outcome,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let first = ended(outcome, printer);
    // Whoever interrupted wants the end, and a thread of the question before may still wait for a line.
    let offered = outcome
        .offers
        .as_ref()
        .map(|offer| offer.0.as_str())
        .filter(|_| attended(printer) && outcome.interrupted.is_none());
    let mut actions = booted.service.iter().flat_map(|s| &s.actions);
    let Some(action) = offered.and_then(|id| actions.find(|a| a.id == id)) else { return first };
    let exit = match first {
        Ok(exit) => exit,
        Err(failure) => {
            printer.failure(&failure);
            failure.exit
        }
    };
    // What was typed meanwhile was meant for nothing that is asked here.
    let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
    printer.note(&format!("what the file offers now: {}", action.title));
    let Some(args) = asked(action, args, printer) else { return Ok(exit) };
    let make = async |client: &Client| make(booted, planner, client, &args, PlanError::run_exit_code).await;
    let failure = match to_its_end(global, booted, planner, &ConfirmArgs::default(), make, printer) {
        Ok(Came::Timed(_)) => return Ok(exit),
        Ok(Came::Ended(second)) => {
            // The command asked for something else, which failed; what its way out leaves behind counts for more.
            let worse = matches!(second.outcome, End::FailedWithDebts | End::Unknown);
            match ended(&second, printer) {
                Ok(_) => return Ok(exit),
                Err(failure) if worse => return Err(failure),
                Err(failure) => failure,
            }
        }
        Err(failure) => failure,
    };
    printer.failure(&failure);
    Ok(exit)
}

/// The command that would plan it: what has no default, and a reason where it needs one, is asked. `None` = somebody gave no answer.
fn asked(action: &FileAction, failed: &ActionArgs, printer: &mut Printer) -> Option<ActionArgs> {
    let mut parameters = Vec::new();
    for var in action.vars.iter().filter(|v| v.default.is_none()) {
        let given = answered(&format!("{} ({}): ", var.question(), var.hint()), printer)?;
        parameters.push(format!("{}={given}", var.id));
    }
    let reason = if action.reason { Some(answered("Why (it is recorded): ", printer)?) } else { None };
    let plain = ActionArgs {
        action: action.id.clone(),
        parameters,
        reason,
        file: failed.file.clone(),
        deadline: failed.deadline,
        ..ActionArgs::default()
    };
    Some(plain)
}

/// One line; nothing typed is no answer.
fn answered(question: &str, printer: &mut Printer) -> Option<String> {
    printer.ask(question);
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).ok()?;
    Some(line.trim().to_owned()).filter(|text| !text.is_empty())
}
