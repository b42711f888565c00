//! `timonel`: the console, on a full screen or as lines.
//!
//! Owns the way from a booted program to the event loop and back to the shell. Must not know what is shown.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::Sender;

use super::output::{Exit, Failure, Printer};
use crate::app::effect::Effect;
use crate::app::logs::LogBounds;
use crate::app::msg::Msg;
use crate::app::notice::Tone;
use crate::app::{App, Start};
use crate::base::clock::Clock;
use crate::base::problem::Level;
use crate::boot::{Booted, Wish, boot};
use crate::config::Settings;
use crate::run::OwnRuns;
use crate::runtime::console::{Console, Ended, Queues, queues};
use crate::runtime::effects::{Executor, Hands};
use crate::runtime::looks::Looks;
use crate::runtime::terminal;
use crate::target::kubernetes::declared;
use crate::target::request::Namespaces;

/// Everything that a console is made of, before anything is shown.
pub(super) struct Bridge {
    pub(super) app: App,
    /// What is to be done first.
    pub(super) first: Vec<Effect>,
    pub(super) executor: Executor,
    pub(super) queues: Queues,
    pub(super) clock: Arc<dyn Clock>,
    looks: Looks,
    settings: Settings,
}

/// Runs the console until the user quits; `lines`: without a screen, until it is told to end.
pub(super) fn run(wish: &Wish, lines: bool, printer: &mut Printer) -> Result<Exit, Failure> {
    let instead = "`timonel --plain` goes on without a screen; `timonel status` answers in one shot";
    terminal::check().or_else(|why| if lines { Ok(()) } else { Err(Failure::usage(why.to_string()).hint(instead)) })?;
    let booted = boot(wish).map_err(|p| Failure::problem(exit_of(&p.id), &p))?;
    if lines {
        let threads = super::cluster::runtime()?;
        let ended = threads.block_on(async { Box::pin(super::plain::run(bridge(booted), printer)).await });
        threads.shutdown_background();
        return ended;
    }
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

/// Reads the journal beside the first frames: it may be long.
fn tell_own_runs(state: PathBuf, messages: Sender<Msg>) {
    tokio::task::spawn_blocking(move || {
        // The loop is gone only when the program ends.
        let _ = messages.blocking_send(Msg::OwnRuns(OwnRuns::read(&state)));
    });
}

/// Must be called inside a tokio runtime.
fn bridge(mut booted: Booted) -> Bridge {
    let journal = booted.journal();
    let unfinished = booted.unfinished();
    booted.problems.extend(unfinished.iter().cloned());
    let (messages, events, queues) = queues();
    tell_own_runs(booted.paths.state.clone(), messages.clone());
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
    Bridge {
        app,
        first,
        executor: Executor::new(hands),
        queues,
        clock: booted.clock,
        looks: booted.looks,
        settings: booted.settings,
    }
}

async fn full_screen(booted: Booted) -> io::Result<(Ended, App)> {
    let Bridge { app, first, executor, queues, clock, looks, settings } = bridge(booted);
    terminal::enter(settings.mouse)?;
    let ended = match Console::new(app, looks, io::stdout(), executor, queues, clock, settings.fps) {
        Ok(console) => Box::pin(console.run(first)).await,
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
