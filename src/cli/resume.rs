//! `timonel runs resume` and `timonel runs undo`: going on with a run, and taking one back.
//!
//! Owns where they are carried out (on the context of the run, unless another one is named) and what they answer when there is
//! nothing to do. Which runs can go on, and what is true of them, is `run`'s.

use std::sync::Arc;

use super::action::{Carried, carry_out, ended, journal, timed, verified};
use super::cluster;
use super::output::{Exit, Failure, Printer};
use super::{Global, Output, ServiceFile, UndoArgs};
use crate::boot::Booted;
use crate::run::armed::{self, Own};
use crate::run::journal as record;
use crate::run::preempt;
use crate::run::{End, FileRef, Happening, Here, NotUndone, Plan, PlanError, ResumeError, RunEvent, Unfinished, undoing};
use crate::runtime::file_of_run::read_again;
use crate::runtime::planner::View;
use crate::target::api::Read as _;
use crate::target::kubernetes::Client;

/// `timonel runs resume ID`.
pub(super) fn resume(global: &Global, id: &str, printer: &mut Printer) -> Result<Exit, Failure> {
    let journal = journal(&cluster::booted(global, &ServiceFile::default())?)?;
    let unfinished = match Unfinished::open(&journal, id) {
        Ok(unfinished) => unfinished,
        Err(over @ ResumeError::Over { .. }) => {
            return match armed::own(&journal, id).map_err(|e| refused(&e))? {
                Own::Armed(plan) => take_up(global, *plan, printer),
                Own::No | Own::Open => Err(refused(&over)),
            };
        }
        Err(error) => return Err(refused(&error)),
    };
    let there = on(global, &unfinished.target().context, unfinished.namespace());
    let booted = with_file(&there, unfinished.file(), printer)?;
    if booted.spec.read_only {
        return Err(read_only());
    }
    let runtime = cluster::runtime()?;
    let (client, resumed) = runtime.block_on(async {
        let work = async {
            let client = cluster::open(&booted).await?;
            let resumed = unfinished.revive(&client).await.map_err(|e| refused(&e))?;
            Ok::<_, Failure>((client, resumed))
        };
        let late = || Failure::new(Exit::REFUSED, format!("no answer within {} s: nothing was written", global.timeout.as_secs()));
        tokio::time::timeout(global.timeout, work).await.unwrap_or_else(|_| Err(late()))
    })?;
    let plan = Arc::new(resumed.plan().clone());
    if printer.output() == Output::Table {
        printer.line(&format!("{} {} in {}", plan.title(), plan.quantity(), plan.target().context))?;
    } else {
        printer.event(&RunEvent::new(plan.id(), booted.clock.now(), Happening::Planned { plan: Box::new(Plan::clone(&plan)) }))?;
    }
    let carried = Carried { client, journal, booted: &booted };
    let outcome = runtime.block_on(carry_out(|deps| crate::run::resume(resumed, deps), carried.clone(), printer, &plan))?;
    if outcome.outcome == End::Proven && plan.reverts_after().is_some() {
        let exit = runtime.block_on(timed::wait(carried, &booted.planner(None), &plan, printer));
        runtime.shutdown_background();
        return exit;
    }
    runtime.shutdown_background();
    ended(&outcome, printer)
}

/// Goes on with the timer of an armed run whose process ended before its time had come.
fn take_up(global: &Global, plan: Plan, printer: &mut Printer) -> Result<Exit, Failure> {
    let target = plan.target();
    let booted = cluster::booted(&on(global, &target.context, &plan.subject().namespace), &ServiceFile::default())?;
    if booted.spec.read_only {
        return Err(read_only());
    }
    let journal = journal(&booted)?;
    let runtime = cluster::runtime()?;
    let client = runtime.block_on(async {
        let late = || Failure::new(Exit::REFUSED, format!("no answer within {} s: nothing was written", global.timeout.as_secs()));
        let open = async {
            let client = cluster::open(&booted).await?;
            let here = Here { context: client.opened().context.clone(), cluster_uid: client.identity().await.cluster_uid };
            let other =
                || Failure::new(Exit::REFUSED, format!("refused, nothing was written: run {} was on another cluster than this one", plan.id()));
            if here.is(target) { Ok(client) } else { Err(other().hint("open its context: --context NAME")) }
        };
        tokio::time::timeout(global.timeout, open).await.unwrap_or_else(|_| Err(late()))
    })?;
    let plan = Arc::new(plan);
    let planner = booted.planner(None);
    let exit = runtime.block_on(timed::wait(Carried { client, journal, booted: &booted }, &planner, &plan, printer));
    runtime.shutdown_background();
    exit
}

fn read_only() -> Failure {
    Failure::new(Exit::REFUSED, "refused, nothing was written: this client is read-only")
}

/// `timonel runs undo ID`: a new plan with a confirmation of its own.
pub(super) fn undo(global: &Global, args: &UndoArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let own = cluster::booted(global, &ServiceFile::default())?;
    let entries = record::read(&own.paths.state).map_err(|e| Failure::new(Exit::REFUSED, e.to_string()))?.entries;
    let undo = undoing(&entries, &args.id).map_err(|e| not_undone(&e))?;
    let mut request = undo.request;
    request.overrides.clone_from(&args.overrides);
    request.reason = args.reason.clone().or(request.reason);
    request.parameters.extend(args.preempt.then(|| preempt::PARAMETER.to_owned()));
    let booted = with_file(&on(global, &undo.target.context, &request.object.namespace), undo.file.as_ref(), printer)?;
    let planner = booted.planner(args.deadline);
    let make = async |client: &Client| {
        let probes = booted.proving(client.clone());
        let made = planner.action(View::of(client, &probes, &*booted.clock), &request).await;
        let made = made.map_err(|e: PlanError| Failure::new(Exit(e.run_exit_code()), e.to_string()))?;
        if made.target().cluster_uid != undo.target.cluster_uid {
            let why = format!("run {} is not undone, nothing was written: this is another cluster than the one it was on", args.id);
            return Err(Failure::new(Exit::REFUSED, why).hint("name its context with --context"));
        }
        Ok(made)
    };
    verified(global, &booted, &planner, &args.confirmation, make, printer)
}

/// What is read with the service file that a run was planned with, where none is named and it is still the same.
fn with_file(global: &Global, file: Option<&FileRef>, printer: &mut Printer) -> Result<Booted, Failure> {
    let mut global = global.clone();
    let mut lacking = Ok(());
    if let (None, Some(file)) = (&global.service, file) {
        match read_again(file) {
            Ok(_) => {
                global.service = Some(file.path.clone().into());
                global.env = global.env.or_else(|| file.environment.clone());
            }
            Err(why) => {
                printer.note(&format!("{why}; --service FILE names another one"));
                lacking = Err(why);
            }
        }
    }
    let booted = cluster::booted(&global, &ServiceFile::default())?;
    Ok(Booted { file: lacking.and(booted.file), ..booted })
}

/// The same options, on the context and namespace of a run where none are named.
fn on(global: &Global, context: &str, namespace: &str) -> Global {
    let mut global = global.clone();
    global.context.get_or_insert_with(|| context.to_owned());
    if global.namespace.is_empty() && !global.all_namespaces {
        global.namespace = vec![namespace.to_owned()];
    }
    global
}

fn not_undone(error: &NotUndone) -> Failure {
    if let NotUndone::Record(error) = error {
        return refused(error);
    }
    let failure = Failure::new(Exit::REFUSED, error.to_string());
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn refused(error: &ResumeError) -> Failure {
    let failure = match error {
        ResumeError::Missing { .. } => Failure::usage(error.to_string()),
        _ => Failure::new(Exit::REFUSED, format!("refused, nothing was written: {error}")),
    };
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
