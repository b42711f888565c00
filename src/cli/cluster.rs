//! One command's way to the target: open, ask, end.
//!
//! Owns the runtime of a one-shot command, its deadline, and the exit codes of a target that cannot be opened.

use std::io::IsTerminal;
use std::time::Duration;

use super::output::{Exit, Failure};
use super::{Global, ServiceFile, kept_file, wish};
use crate::base::problem::Problem;
use crate::boot::{Booted, boot};
use crate::target::kubernetes::{Client, Terminal};

/// Reads files and settings; what cannot be had ends the command.
pub(super) fn booted(global: &Global, file: &ServiceFile) -> Result<Booted, Failure> {
    let wish = kept_file::resolved(wish(global, file), global)?;
    boot(&wish).map_err(|p| of_problem(&p))
}

/// Wrong usage or broken configuration.
pub(super) fn of_problem(problem: &Problem) -> Failure {
    let exit = if problem.id.starts_with("usage:") { Exit::USAGE } else { Exit::CONFIG };
    Failure::problem(exit, problem)
}

/// Runs one command's work within the time that it may take.
pub(super) fn within<T>(deadline: Duration, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = runtime()?;
    let result = runtime.block_on(async move {
        match tokio::time::timeout(deadline, work).await {
            Ok(result) => result,
            Err(_) => Err(Failure::new(Exit::UNKNOWN, format!("no answer within {} s", deadline.as_secs()))
                .hint("--timeout gives it longer; `timonel doctor` looks closer")),
        }
    });
    runtime.shutdown_background();
    result
}

/// A runtime for work that has its own end.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Opens the target. A credential plugin that needs the terminal gets it: a command has no screen to protect.
pub(super) async fn open(booted: &Booted) -> Result<Client, Failure> {
    let terminal = if std::io::stdin().is_terminal() { Terminal::HandedOver } else { Terminal::Kept };
    Client::open(&booted.spec, terminal).await.map_err(|e| Failure::problem(Exit(e.exit_code()), &e.problem))
}
