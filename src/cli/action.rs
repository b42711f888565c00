//! `timonel plan` and `timonel run`: the verified action without the screen.
//!
//! Owns arguments, the question at the terminal, and the lines that are printed. Plan, checks and execution are `run`'s.

mod offered;
pub(super) mod timed;

use std::io::{BufRead, IsTerminal, Write as _};
use std::sync::Arc;

use super::approve::Requester;
use super::cluster;
use super::output::{Exit, Failure, Printer};
use super::{ActionArgs, ConfirmArgs, Global, Output, RunArgs};
use crate::base::problem::did_you_mean;
use crate::boot::Booted;
use crate::run::actions::ACTIONS;
use crate::run::armed;
use crate::run::backup::{self, verify};
use crate::run::journal::Journal;
use crate::run::migrate;
use crate::run::preempt;
use crate::run::program;
use crate::run::{
    ActionRequest, ActionSpec, Control, Deps, End, Happening, NameError, Outcome, Plan, PlanError, PlanLine, RunEvent, TokioTimer, Tone, Way,
    execute, resolve, select,
};
use crate::runtime::planner::{Planner, View};
use crate::target::kubernetes::Client;
use crate::target::model::{Kind, ObjectRef};

/// Events of the run on their way to the printer.
const EVENTS: usize = 64;

/// `timonel plan`: never writes.
pub(super) fn plan(global: &Global, args: &ActionArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, &args.file)?;
    let plan = cluster::within(global.timeout, async {
        let client = cluster::open(&booted).await?;
        make(&booted, &booted.planner(args.deadline), &client, args, PlanError::plan_exit_code).await
    })?;
    print(&plan, booted.clock.now(), printer)?;
    Ok(if plan.allowed() { Exit::OK } else { Exit::REFUSED })
}

/// `timonel run`.
pub(super) fn run(global: &Global, args: &RunArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, &args.action.file)?;
    let planner = booted.planner(args.action.deadline);
    let make = async |client: &Client| make(&booted, &planner, client, &args.action, PlanError::run_exit_code).await;
    match to_its_end(global, &booted, &planner, &args.confirmation, make, printer)? {
        Came::Ended(outcome) => offered::after(global, &booted, &planner, &args.action, &outcome, printer),
        Came::Timed(exit) => Ok(exit),
    }
}

/// How a verified action came out.
enum Came {
    /// Its run ended.
    Ended(Outcome),
    /// It was armed, and its time is over: all is said.
    Timed(Exit),
}

/// Makes a plan, has it confirmed, and carries it out.
pub(super) fn verified(
    global: &Global,
    booted: &Booted,
    planner: &Planner,
    given: &ConfirmArgs,
    make: impl AsyncFnOnce(&Client) -> Result<Plan, Failure>,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    match to_its_end(global, booted, planner, given, make, printer)? {
        Came::Ended(outcome) => ended(&outcome, printer),
        Came::Timed(exit) => Ok(exit),
    }
}

fn to_its_end(
    global: &Global,
    booted: &Booted,
    planner: &Planner,
    given: &ConfirmArgs,
    make: impl AsyncFnOnce(&Client) -> Result<Plan, Failure>,
    printer: &mut Printer,
) -> Result<Came, Failure> {
    // Asked before anything else, so that nobody confirms what could not be recorded.
    let journal = journal(booted)?;
    let runtime = cluster::runtime()?;
    let (client, plan) = runtime.block_on(async {
        let work = async {
            let client = cluster::open(booted).await?;
            let plan = make(&client).await?;
            Ok::<_, Failure>((client, plan))
        };
        tokio::time::timeout(global.timeout, work)
            .await
            .unwrap_or_else(|_| Err(Failure::new(Exit::REFUSED, format!("no plan within {} s: nothing was written", global.timeout.as_secs()))))
    })?;
    let id = plan.id().to_owned();
    let begun = booted.clock.now();
    let shown = Arc::new(plan.clone());
    told(printer, &RunEvent::new(&id, begun, Happening::Planned { plan: Box::new(plan.clone()) }), &shown, begun)?;
    let meant = match &given.plan {
        Some(hash) => plan.expect_hash(hash),
        None => Ok(plan),
    };
    let confirmed = match meant {
        Ok(plan) if plan.needs_approval() && plan.allowed() => {
            Requester { runtime: &runtime, booted, client: &client, planner, given }.confirmed(plan, printer)?
        }
        Ok(plan) => {
            let typed = confirmation(&plan, given.confirm.as_deref(), printer);
            plan.confirm(&typed, booted.clock.now()).map_err(|refusal| Outcome::refused(&refusal))
        }
        Err(refusal) => Err(Outcome::refused(&refusal)),
    };
    let confirmed = match confirmed {
        Ok(confirmed) => confirmed,
        Err(outcome) => {
            // Somebody who withdrew may leave a thread that waits for a line.
            runtime.shutdown_background();
            // Machines learn the end from the last line, whatever it is.
            if printer.output() != Output::Table {
                printer.event(&RunEvent::ended(&id, booted.clock.now(), outcome.clone()))?;
            }
            let failure = Failure::new(Exit(outcome.exit_code()), format!("refused, nothing was written: {}", outcome.reason));
            return Err(if outcome.hint.is_empty() { failure } else { failure.hint(outcome.hint) });
        }
    };
    let carried = Carried { client, journal, booted };
    let outcome = runtime.block_on(carry_out(|deps| execute(confirmed, deps), carried.clone(), printer, &shown))?;
    if outcome.outcome == End::Proven && shown.reverts_after().is_some() {
        let exit = runtime.block_on(timed::wait(carried, planner, &shown, printer))?;
        runtime.shutdown_background();
        return Ok(Came::Timed(exit));
    }
    runtime.shutdown_background();
    Ok(Came::Ended(outcome))
}

/// Whether somebody is there to be asked.
fn attended(printer: &Printer) -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && printer.output() == Output::Table
}

/// The journal that a run needs.
pub(super) fn journal(booted: &Booted) -> Result<Arc<Journal>, Failure> {
    booted.journal().map_err(|why| Failure::new(Exit::REFUSED, format!("nothing was written: {why}")))
}

/// The exit code of a run's end, with its words where it did not end well.
pub(super) fn ended(outcome: &Outcome, printer: &Printer) -> Result<Exit, Failure> {
    let exit = Exit(outcome.exit_code());
    if printer.output() == Output::Table && !matches!(outcome.outcome, End::Proven) {
        return Err(Failure {
            message: format!("{}: {}", outcome.words(), outcome.reason),
            hint: Some(outcome.hint.clone()).filter(|h| !h.is_empty()),
            exit,
        });
    }
    Ok(exit)
}

pub(super) fn refused(refusal: &crate::run::Refusal) -> Failure {
    Failure::new(Exit::REFUSED, format!("refused, nothing was written: {refusal}")).hint(refusal.hint())
}

async fn make(booted: &Booted, planner: &Planner, client: &Client, args: &ActionArgs, exit: fn(&PlanError) -> u8) -> Result<Plan, Failure> {
    let names: Vec<&str> = ACTIONS.iter().map(|a| a.name).collect();
    let own: Vec<&str> = booted.service.iter().flat_map(|s| &s.actions).map(|a| a.id.as_str()).collect();
    let plain = program::named(&args.action).unwrap_or(&args.action);
    let by_prefix = plain.len() < args.action.len();
    if own.contains(&plain) && (by_prefix || ActionSpec::named(plain).is_none()) {
        return make_own(booted, planner, client, args, plain, exit).await;
    }
    let Some(spec) = ActionSpec::named(&args.action) else {
        let names: Vec<&str> = names.into_iter().chain(own).collect();
        let close = did_you_mean(&args.action, names.iter().copied());
        let hint = close.map_or_else(|| format!("actions here: {}", names.join(", ")), |c| format!("did you mean '{c}'?"));
        return Err(Failure::usage(format!("there is no action '{}'", args.action)).hint(hint));
    };
    let failed = |error: &PlanError| {
        let failure = Failure::new(Exit(exit(error)), error.to_string());
        match error {
            PlanError::Usage(_) => failure.hint(format!("for example: timonel plan {}", spec.example)),
            _ => failure,
        }
    };
    let armed = args.revert_after.as_ref().map(|time| format!("{}={time}", armed::PARAMETER));
    let given: Vec<String> = args.parameters.iter().cloned().chain(armed).collect();
    let named = spec.arguments(&given, args.selector.is_some()).map_err(|e| failed(&e))?;
    let namespace = match client.opened().namespaces.as_deref() {
        _ if spec.kinds.iter().all(|kind| !kind.namespaced()) => String::new(),
        Some([one]) => one.clone(),
        _ => return Err(Failure::usage("an action needs one namespace").hint("name it with -n NAMESPACE")),
    };
    let (mut objects, mut further) = (Vec::with_capacity(named.objects.len()), Vec::new());
    for (name, count) in &named.objects {
        let found = match spec.name {
            "backup" => {
                further.push(format!("{}={name}", backup::PARAMETER));
                planner.claim_of(name, &namespace).map_err(|e| failed(&e))?
            }
            "verify" => {
                let (claim, run) = planner.dump_of(client, name, &namespace).await.map_err(|e| failed(&e))?;
                further.push(format!("{}={run}", verify::PARAMETER));
                claim
            }
            _ => resolve(client, &namespace, name, spec).await.map_err(|e| unresolved(&e, exit))?,
        };
        objects.push((found, *count));
    }
    if objects.is_empty() && migrate::is_declared(spec.name) {
        objects.push((planner.migrates(&namespace).map_err(|e| failed(&e))?, None));
    }
    if let Some(selector) = &args.selector {
        let selected = select(client, &namespace, selector, spec).await.map_err(|e| unresolved(&e, exit))?;
        let new: Vec<_> = selected.into_iter().filter(|object| objects.iter().all(|(known, _)| known != object)).collect();
        objects.extend(new.into_iter().map(|object| (object, None)));
    }
    let mut parameters = named.parameters;
    parameters.extend(further);
    if objects.len() > 1 {
        parameters.push(format!("order={}", args.order.order().word()));
    }
    parameters.extend(args.preempt.then(|| preempt::PARAMETER.to_owned()));
    let request = ActionRequest::about(spec.name, &objects, parameters).ok_or_else(|| Failure::usage("nothing is named"))?;
    let request = ActionRequest { overrides: args.overrides.clone(), reason: args.reason.clone(), ..request };
    let probes = booted.proving(client.clone());
    planner.action(View::of(client, &probes, &*booted.clock), &request).await.map_err(|e| failed(&e))
}

/// The plan of an action of the service file.
async fn make_own(
    booted: &Booted,
    planner: &Planner,
    client: &Client,
    args: &ActionArgs,
    action: &str,
    exit: fn(&PlanError) -> u8,
) -> Result<Plan, Failure> {
    if args.selector.is_some() || args.revert_after.is_some() {
        return Err(Failure::usage(format!("'{action}' is an action of the service file: it takes neither a selector nor a timer")));
    }
    let namespace = match client.opened().namespaces.as_deref() {
        Some([one]) => one.as_str(),
        _ => return Err(Failure::usage("an action needs one namespace").hint("name it with -n NAMESPACE")),
    };
    let request = ActionRequest {
        action: format!("{}{action}", program::PREFIX).into(),
        object: ObjectRef::new(Kind::Namespace, "", namespace),
        parameters: args.parameters.clone(),
        overrides: args.overrides.clone(),
        reason: args.reason.clone(),
    };
    let probes = booted.proving(client.clone());
    let made = planner.action(View::of(client, &probes, &*booted.clock), &request).await;
    made.map_err(|error| Failure::new(Exit(exit(&error)), error.to_string()))
}

fn unresolved(error: &NameError, exit: fn(&PlanError) -> u8) -> Failure {
    let code = match error {
        NameError::Target { namespace, error } => exit(&PlanError::Target { what: format!("workloads in '{namespace}'"), error: error.clone() }),
        _ => Exit::USAGE.0,
    };
    let failure = Failure::new(Exit(code), error.to_string());
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

pub(super) fn print(plan: &Plan, now: jiff::Timestamp, printer: &mut Printer) -> Result<(), Failure> {
    if printer.output() != Output::Table {
        return printer.value(plan);
    }
    printer.line(&format!("{} in {}", plan.title(), plan.target().context))?;
    print_lines(&plan.lines(now), printer)
}

/// Prints lines with their labels, each in the colour and with the sign of how it is meant.
pub(super) fn print_lines(lines: &[PlanLine], printer: &mut Printer) -> Result<(), Failure> {
    for line in lines {
        let (code, sign) = match line.tone {
            Tone::Ok => ("32", "ok "),
            Tone::Warning => ("33", "!  "),
            Tone::Danger => ("31;1", "!  "),
            Tone::Failed => ("31;1", "NO "),
            Tone::Unknown => ("35", "?  "),
            Tone::Muted => ("2", ""),
            Tone::Plain => ("", ""),
        };
        let text = format!("{sign}{}", line.text);
        let text = if code.is_empty() { text } else { printer.colored(code, &text) };
        printer.line(&format!("  {:<12} {text}", line.label))?;
    }
    Ok(())
}

/// What confirms the plan: the option, else what is typed at the terminal; empty when there is neither.
pub(super) fn confirmation(plan: &Plan, given: Option<&str>, printer: &mut Printer) -> String {
    let Some(wanted) = plan.confirmation().text.as_deref().filter(|_| plan.allowed()) else { return String::new() };
    if let Some(given) = given {
        return given.to_owned();
    }
    let mut typed = String::new();
    if std::io::stdin().is_terminal() {
        printer.ask(&format!("Type  {wanted}  to go on: "));
        // A terminal that is gone has typed nothing.
        let _ = std::io::stdin().lock().read_line(&mut typed);
    }
    typed
}

/// The same while something goes on beside it: reading the terminal blocks a thread of its own.
pub(super) async fn confirmation_beside(plan: &Plan, given: Option<String>) -> String {
    let Some(wanted) = plan.confirmation().text.as_deref().filter(|_| plan.allowed()) else { return String::new() };
    match given {
        Some(given) => given,
        None if std::io::stdin().is_terminal() => {
            let mut terminal = std::io::stderr();
            let _ = write!(terminal, "Type  {wanted}  to go on: ").and_then(|()| terminal.flush());
            typed().await.unwrap_or_default()
        }
        None => String::new(),
    }
}

/// One line that somebody types.
async fn typed() -> Option<String> {
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).ok().map(|_| line)
    });
    line.await.ok()?
}

/// What a run is carried out with.
#[derive(Clone)]
pub(super) struct Carried<'a> {
    pub(super) client: Client,
    pub(super) journal: Arc<Journal>,
    pub(super) booted: &'a Booted,
}

/// Carries a run out to its end: prints what it tells, hands signals and answers in.
pub(super) async fn carry_out<T: Send + 'static, R: Future<Output = T> + Send + 'static>(
    run: impl FnOnce(Deps) -> R,
    Carried { client, journal, booted }: Carried<'_>,
    printer: &mut Printer,
    plan: &Arc<Plan>,
) -> Result<T, Failure> {
    let control = Arc::new(Control::new(attended(printer)));
    let (events, mut told_by_run) = tokio::sync::mpsc::channel(EVENTS);
    let deps = Deps {
        read: Arc::new(client.clone()),
        probes: Arc::new(booted.proving(client.clone())),
        write: Arc::new(client),
        clock: booted.clock.clone(),
        timer: Arc::new(TokioTimer),
        journal,
        events,
        control: control.clone(),
    };
    let begun = booted.clock.now();
    let running = tokio::spawn(run(deps));
    let mut signals = crate::runtime::signals::Signals::listen()?;
    loop {
        tokio::select! {
            event = told_by_run.recv() => match event {
                // Whoever calls has shown the plan.
                Some(RunEvent { what: Happening::Planned { .. }, .. }) => {}
                Some(event) => {
                    // Whoever reads may have gone away: the run goes on to its end all the same.
                    let _ = told(printer, &event, plan, begun);
                    if let Happening::Asked { question } = &event.what {
                        let way = question.ways.first().copied().unwrap_or(Way::Undo);
                        match asked(question, printer).await {
                            Some(Answered::Way(way)) => control.answer(way),
                            Some(Answered::Typed(text)) if control.type_in(&text) => {}
                            _ => control.answer(way),
                        }
                    }
                }
                None => break,
            },
            caught = signals.next() => signal(caught, &control),
        }
    }
    running.await.map_err(|e| Failure::internal(&e))
}

fn signal(caught: crate::runtime::signals::Caught, control: &Control) {
    use crate::runtime::signals::Caught;
    match caught {
        Caught::Interrupt => control.interrupt(),
        Caught::Terminate => control.terminate(),
        Caught::HangUp => control.detach(),
        Caught::Stop | Caught::Continue | Caught::Resize => {}
    }
}

/// What a person answered to a run's question.
enum Answered {
    Way(Way),
    Typed(String),
}

/// Asks a person how to go on; reading the terminal blocks a thread of its own, not the run.
async fn asked(question: &crate::run::Question, printer: &mut Printer) -> Option<Answered> {
    let ways = || question.ways.iter().copied().filter(|way| *way != Way::GoOn || question.typed.is_none());
    for (number, way) in ways().enumerate() {
        printer.note(&format!("{}) {}", number + 1, way.title()));
    }
    match &question.typed {
        Some(text) => printer.ask(&format!("Type  {text}  to go on, or a number: ")),
        None => printer.ask("Which way on? "),
    }
    let line = typed().await?.trim().to_owned();
    match line.parse::<usize>() {
        Ok(number) => ways().nth(number.checked_sub(1)?).map(Answered::Way),
        Err(_) if question.typed.is_some() => Some(Answered::Typed(line)),
        Err(_) => None,
    }
}

/// One event as a line: JSON for machines, words for people.
pub(super) fn told(printer: &mut Printer, event: &RunEvent, plan: &Arc<Plan>, begun: jiff::Timestamp) -> Result<(), Failure> {
    if printer.output() != Output::Table {
        return printer.event(event);
    }
    let after = format!("{:>5.1} s", event.at.duration_since(begun).as_secs_f64());
    let line = match &event.what {
        Happening::Planned { .. } => return print(plan, event.at, printer),
        Happening::Checked { .. } => return Ok(()),
        Happening::Confirmed { by, .. } => format!("{after}  confirmed by {by}"),
        Happening::StepStarted { title, undo, .. } => format!("{after}  {}{title}", if *undo { "undo: " } else { "" }),
        Happening::Progress { progress, .. } => format!("{after}    {}", progress.text),
        Happening::StepProven { step, text, .. } => printer.colored("32", &format!("{after}  {step} proven: {text}")),
        Happening::StepFailed { step, reason, .. } => printer.colored("31", &format!("{after}  {step} failed: {reason}")),
        Happening::Note { text } => format!("{after}  note: {text}"),
        Happening::Waiting { until, .. } => format!("{after}  waits for a second person until {until:.0}: timonel approve {}", event.run),
        Happening::Approved { by } => printer.colored("32", &format!("{after}  approved by {by}")),
        Happening::Asked { question } => format!("{after}  {}", question.reason),
        Happening::Undone { text } => format!("{after}  undone: {text}"),
        Happening::Ended { outcome, .. } => {
            for debt in &outcome.debts {
                printer.line(&printer.colored("31;1", &format!("debt: {}: {}; pay it with: {}", debt.object, debt.what, debt.pay)))?;
            }
            format!("{after}  {}: {}", outcome.words(), outcome.reason)
        }
    };
    printer.line(&line)
}
