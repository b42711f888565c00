//! The command line: one file per subcommand.
//!
//! Owns parsing, the shape of answers and errors on standard output and error, and exit codes (a contract). Must not hold
//! rules of its own: what a command answers comes from the same rooms as what the screen shows.

mod action;
mod approve;
mod args;
mod backups;
mod check;
mod cluster;
mod console;
mod debts;
mod demo;
mod doctor;
mod export;
mod generate;
mod held;
mod init;
mod journal;
mod kept_file;
mod logs;
mod migrations;
mod output;
mod paper;
mod plain;
mod releases;
mod resume;
mod schema;
mod sim;
mod status;

use std::process::ExitCode;

use clap::Parser;

use crate::boot::Wish;
use crate::config::{ColorChoice, Options};

pub use args::{
    ActionArgs, ApproveArgs, BackupsCommand, Cli, ColorWhen, Command, ConfirmArgs, DemoArgs, ExportArgs, Global, JournalCommand, LogsArgs, Output,
    RunArgs, RunsCommand, ServiceFile, SimArgs, Since, UndoArgs, VerifyArgs,
};
pub use output::{Exit, Failure, Printer};

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    // One TLS provider for every client in the process; fails only when one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let mut printer = Printer::new(&cli.global);
    if let Err(failure) = log_to(&cli.global) {
        printer.failure(&failure);
        return failure.exit.into();
    }
    match run(cli, &mut printer) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            printer.failure(&failure);
            failure.exit.into()
        }
    }
}

/// The program's own log goes to the file that `--log` names, and nowhere without it: never to the terminal.
fn log_to(global: &Global) -> Result<(), Failure> {
    let Some(path) = &global.log else { return Ok(()) };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    let file = file.map_err(|e| Failure::new(Exit::CONFIG, format!("the log '{}' cannot be written: {e}", path.display())))?;
    let filter = tracing_subscriber::EnvFilter::try_from_env("TIMONEL_LOG_LEVEL").unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::sync::Mutex::new(file))
        .finish();
    // Fails only when there is a log already.
    let _ = tracing::subscriber::set_global_default(log);
    Ok(())
}

/// clap's own message: help and version are answers, everything else is wrong usage (64).
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { Exit::USAGE.into() } else { ExitCode::SUCCESS }
}

fn run(cli: Cli, printer: &mut Printer) -> Result<Exit, Failure> {
    let global = &cli.global;
    match cli.command {
        None => console::run(&kept_file::resolved(wish(global, &cli.file), global)?, global.plain, printer),
        Some(Command::Demo(args)) => demo::run(global, &args, printer),
        Some(Command::Sim(args)) => sim::run(&args, printer),
        Some(Command::Journal { command: Some(JournalCommand::Export(args)) }) => export::run(global, &args, printer),
        Some(Command::Journal { command }) => journal::journal(global, command.as_ref(), printer),
        Some(Command::Runs { command }) => journal::runs(global, command.as_ref(), printer),
        Some(Command::Status { file }) => status::run(global, &file, printer),
        Some(Command::Check { path, live }) => check::run(global, path.as_ref(), live, printer),
        Some(Command::Init) => init::run(global, printer),
        Some(Command::Backups { command: Some(BackupsCommand::Verify(args)), .. }) => backups::verify(global, args, printer),
        Some(Command::Backups { file, command: None }) => backups::run(global, &file, printer),
        Some(Command::Migrations { file }) => migrations::run(global, &file, printer),
        Some(Command::Releases { workload, file }) => releases::run(global, workload.as_deref(), &file, printer),
        Some(Command::Logs(args)) => logs::run(global, &args, printer),
        Some(Command::Doctor { cluster, file }) => doctor::run(global, cluster, &file, printer),
        Some(Command::Plan(args)) => action::plan(global, &args, printer),
        Some(Command::Approve(args)) => approve::run(global, &args, printer),
        Some(Command::Run(args)) => action::run(global, &args, printer),
        Some(Command::Completions { shell }) => generate::completions(shell, printer),
        Some(Command::Schema { name }) => schema::run(name.as_deref(), printer),
        Some(Command::Man) => generate::man(printer),
    }
}

/// The words of the command line as what the program starts with.
fn wish(global: &Global, file: &ServiceFile) -> Wish {
    let options = Options {
        theme: global.theme.clone(),
        keymap: global.keymap.clone(),
        color: global.color.map(|c| match c {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        }),
        read_only: global.read_only.then_some(true),
        ..Options::default()
    };
    Wish {
        options,
        config: global.config.clone(),
        kubeconfig: global.kubeconfig.clone(),
        context: global.context.clone(),
        namespaces: global.namespace.clone(),
        all_namespaces: global.all_namespaces,
        service: file.service_short.clone().or_else(|| global.service.clone()),
        problems: Vec::new(),
        env: global.env.clone(),
        probes: global.probe.clone(),
        state: None,
        first_steps: false,
    }
}
