//! `timonel`: the full-screen console.
//!
//! Owns the way from a booted program to the event loop and back to the shell. Must not know what is on screen.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::output::{Exit, Failure, Printer};
use crate::app::logs::LogBounds;
use crate::app::msg::Msg;
use crate::app::notice::Tone;
use crate::app::{App, Start};
use crate::base::problem::Level;
use crate::boot::{Booted, Wish, boot};
use crate::runtime::console::{Console, Ended, queues};
use crate::runtime::effects::{Executor, Hands};
use crate::runtime::terminal;
use crate::target::kubernetes::declared;
use crate::target::request::Namespaces;

/// Runs the console until the user quits.
pub(super) fn run(wish: &Wish, printer: &mut Printer) -> Result<Exit, Failure> {
    terminal::check().map_err(|e| Failure::usage(e.to_string()).hint("`timonel status` answers in one shot, without a screen"))?;
    let booted = boot(wish).map_err(|p| Failure::problem(exit_of(&p.id), &p))?;
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    terminal::install_panic_hook();
    let (ended, app) = threads.block_on(full_screen(booted))?;
    // Tasks that hang on the network are not waited for.
    threads.shutdown_background();
    after(&app, printer);
    Ok(match ended {
        Ended::Quit => Exit::OK,
        Ended::Interrupted => Exit::INTERRUPTED,
        Ended::Terminated => Exit::TERMINATED,
        Ended::HungUp => Exit::HUNG_UP,
    })
}

fn exit_of(problem: &str) -> Exit {
    if problem.starts_with("usage:") { Exit::USAGE } else { Exit::CONFIG }
}

async fn full_screen(mut booted: Booted) -> io::Result<(Ended, App)> {
    let journal = booted.journal();
    let unfinished = booted.unfinished();
    booted.problems.extend(unfinished.iter().cloned());
    let (messages, events, queues) = queues();
    let hands = Hands {
        messages,
        events,
        clock: booted.clock.clone(),
        journal: journal.as_ref().ok().cloned(),
        planner: Arc::new(booted.planner(None)),
        log_streams: booted.settings.logs.streams,
        probes: booted.probes.clone(),
        service: booted.service.clone(),
        ask_ingresses: booted.settings.ask_ingresses,
        declared: booted.service.as_ref().map(|s| declared(s, first_namespace(&booted))).unwrap_or_default(),
    };
    let kinds: BTreeMap<_, _> = booted.settings.contexts.iter().filter_map(|(name, c)| Some((name.clone(), c.kind?))).collect();
    let start = Start {
        spec: booted.spec,
        keymap: booted.keymap,
        service: booted.service,
        context_kinds: kinds,
        operator: format!("{}@{}", booted.operator.user, booted.operator.host),
        zone: booted.zone,
        log_bounds: LogBounds { lines: booted.settings.logs.lines, bytes: booted.settings.logs.bytes, streams: booted.settings.logs.streams },
        journal: journal.map(|_| ()),
        first_steps: booted.first_steps.map(|unwanted| unwanted.display().to_string()),
    };
    let (mut app, mut first) = App::new(start, booted.clock.now());
    first.extend(app.update(Msg::Problems(booted.problems), booted.clock.now()));
    if let [one, ..] = &unfinished[..] {
        let more = if unfinished.len() > 1 { format!(" ({} more)", unfinished.len() - 1) } else { String::new() };
        let text = format!("{}{more} {}", one.message, one.hint.as_deref().unwrap_or_default());
        first.extend(app.update(Msg::Notice(Tone::Failed, text), booted.clock.now()));
    }
    terminal::enter(booted.settings.mouse)?;
    let console = Console::new(app, booted.looks, io::stdout(), Executor::new(hands), queues, booted.clock, booted.settings.fps);
    let ended = match console {
        Ok(console) => console.run(first).await,
        Err(error) => Err(error),
    };
    terminal::leave();
    ended
}

/// The namespace that a service file's workloads live in where it names none.
fn first_namespace(booted: &Booted) -> &str {
    match &booted.spec.namespaces {
        Namespaces::Some(names) => names.first().map_or("", String::as_str),
        Namespaces::FromContext | Namespaces::All => "",
    }
}

/// What was wrong with files is said once more where it can be read at leisure.
fn after(app: &App, printer: &mut Printer) {
    for problem in app
        .problems
        .values()
        .filter(|p| p.level == Level::Error && matches!(p.place, Some(crate::base::problem::Place::File(_))))
    {
        printer.note(&Failure::problem(Exit::OK, problem).message);
    }
    for run in app.runs.newest_first() {
        if let Some((outcome, _)) = &run.ended {
            printer.note(&format!("run {}: {}: {}", run.id, outcome.words(), outcome.reason));
        }
    }
}
