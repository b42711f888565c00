//! A second person on the command line: `timonel approve RUN`, and the side of whoever asked.
//!
//! Owns what is shown and asked on both sides. What an approval is worth, and who may give one, is `run`'s.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::action::{Carried, carry_out, confirmation, confirmation_beside, journal, print, refused};
use super::output::{Exit, Failure, Printer};
use super::{ApproveArgs, ConfirmArgs, Global, Output, cluster};
use crate::base::clock::Clock;
use crate::boot::Booted;
use crate::run::{
    Asked, BreakGlass, Confirmed, Deps, End, Happening, Outcome, Plan, PlanError, Probes, Refusal, RunEvent, Signal, approve, asked, wait,
};
use crate::runtime::planner::{Planner, View};
use crate::runtime::signals::{Caught, Signals};
use crate::target::kubernetes::Client;
use crate::target::model::{LOCKS_OF_CLUSTER, Scope};

/// `timonel.approvals/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Answer<'a> {
    schema: &'static str,
    /// Whether these were approved just now; else they wait.
    approved: bool,
    plans: Vec<Listed<'a>>,
}

/// One plan.
#[derive(Serialize, JsonSchema)]
struct Listed<'a> {
    /// The run that will be.
    run: &'a str,
    /// The hash of its plan.
    plan_hash: &'a str,
    /// `scale`.
    action: &'a str,
    /// `Deployment shop/api`.
    object: String,
    /// Who asks, by their name in the cluster.
    asked_by: &'a str,
    /// Until when.
    until: jiff::Timestamp,
}

impl<'a> Answer<'a> {
    fn of(plans: &'a [Asked], approved: bool) -> Self {
        let listed = |a: &'a Asked| Listed {
            run: &a.run,
            plan_hash: &a.hash,
            action: &a.request.action,
            object: a.request.object.to_string(),
            asked_by: &a.by,
            until: a.until,
        };
        Self { schema: "timonel.approvals/1", approved, plans: plans.iter().map(listed).collect() }
    }
}

/// `timonel approve [RUN]`.
pub(super) fn run(global: &Global, args: &ApproveArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, &args.file)?;
    let runtime = cluster::runtime()?;
    let late = || Failure::new(Exit::REFUSED, format!("no answer within {} s: nothing was written", global.timeout.as_secs()));
    let work = async {
        let client = cluster::open(&booted).await?;
        let waits = waiting(&booted, &client).await?;
        Ok::<_, Failure>((client, waits))
    };
    let (client, waits) = runtime.block_on(async { tokio::time::timeout(global.timeout, work).await.unwrap_or_else(|_| Err(late())) })?;
    let Some(id) = &args.run else { return list(&waits, printer) };
    let Some(asked) = waits.into_iter().find(|a| a.run == *id) else {
        return Err(
            Failure::new(Exit::REFUSED, format!("no plan of run '{id}' waits here")).hint("`timonel approve` lists what waits; -n looks elsewhere")
        );
    };
    // Asked before anything else, so that nobody confirms what could not be recorded.
    let journal = journal(&booted)?;
    let planner = booted.planner(None);
    let probes = booted.proving(client.clone());
    let plan = runtime.block_on(again(&planner, &probes, &*booted.clock, &client, &asked.request, &asked.run))?;
    if printer.output() == Output::Table {
        printer.line(&format!("{} asks for a second person until {:.0}", asked.by, asked.until))?;
        print(&plan, booted.clock.now(), printer)?;
    }
    let plan = match &args.plan {
        Some(hash) => plan.expect_hash(hash).map_err(|r| refused(&r))?,
        None => plan,
    };
    if plan.hash() != asked.hash {
        let refusal = Refusal::OtherPlan(plan.hash().to_owned());
        return Err(refused(&refusal).hint("it is made from other facts or another service file than the one that waits"));
    }
    let typed = confirmation(&plan, args.confirm.as_deref(), printer);
    let now = booted.clock.now();
    let approved = runtime.block_on(approve(plan, &asked, &typed, now, &client, Arc::new(client.clone()), &*journal));
    runtime.shutdown_background();
    approved.map_err(|r| refused(&r))?;
    if printer.output() == Output::Table {
        printer.line(&format!("approved: {} confirms once more and may begin until {:.0}", asked.by, asked.until))?;
    } else {
        printer.value(&Answer::of(std::slice::from_ref(&asked), true))?;
    }
    Ok(Exit::OK)
}

/// What waits where this command looks, and in the place of objects without a namespace.
async fn waiting(booted: &Booted, client: &Client) -> Result<Vec<Asked>, Failure> {
    let now = booted.clock.now();
    let mut scopes: Vec<Scope> = match &client.opened().namespaces {
        None => vec![Scope::Cluster],
        Some(names) => names.iter().map(|n| Scope::Namespace(n.as_str().into())).collect(),
    };
    let cluster_locks = Scope::Namespace(LOCKS_OF_CLUSTER.into());
    let optional = !scopes.contains(&Scope::Cluster) && !scopes.contains(&cluster_locks);
    if optional {
        scopes.push(cluster_locks.clone());
    }
    let mut found = Vec::new();
    for scope in scopes {
        match asked(client, &scope, now).await {
            Ok(waits) => found.extend(waits),
            // Who works in one namespace rarely sees that one.
            Err(_) if optional && scope == cluster_locks => {}
            Err(error) => return Err(Failure::new(Exit::REFUSED, format!("what waits cannot be read: {}", error.message))),
        }
    }
    Ok(found)
}

fn list(waits: &[Asked], printer: &mut Printer) -> Result<Exit, Failure> {
    if printer.output() != Output::Table {
        printer.value(&Answer::of(waits, false))?;
        return Ok(Exit::OK);
    }
    if waits.is_empty() {
        printer.line("nothing waits for a second person here")?;
        return Ok(Exit::OK);
    }
    let row = |a: &Asked| vec![a.run.clone(), a.request.object.to_string(), a.request.parameters.join(" "), a.by.clone(), format!("{:.0}", a.until)];
    printer.table(&["RUN", "OBJECT", "PARAMETERS", "ASKED BY", "UNTIL"], &waits.iter().map(row).collect::<Vec<_>>())?;
    Ok(Exit::OK)
}

async fn again(
    planner: &Planner,
    probes: &dyn Probes,
    clock: &dyn Clock,
    client: &Client,
    request: &crate::run::ActionRequest,
    run: &str,
) -> Result<Plan, Failure> {
    let made = planner.again(View::of(client, probes, clock), request, run).await;
    made.map_err(|e: PlanError| Failure::new(Exit(e.run_exit_code()), format!("the plan cannot be made anew: {e}")))
}

/// The side of whoever asked.
pub(super) struct Requester<'a> {
    pub(super) runtime: &'a tokio::runtime::Runtime,
    pub(super) booted: &'a Booted,
    pub(super) client: &'a Client,
    pub(super) planner: &'a Planner,
    pub(super) given: &'a ConfirmArgs,
}

impl Requester<'_> {
    /// Has a plan of level two-person confirmed: by somebody else, or in writing by nobody.
    pub(super) fn confirmed(&self, plan: Plan, printer: &mut Printer) -> Result<Result<Confirmed, Outcome>, Failure> {
        let typed = confirmation(&plan, self.given.confirm.as_deref(), printer);
        if self.given.break_glass { self.alone(plan, &typed, printer) } else { self.by_somebody(plan, &typed, printer) }
    }

    /// Waits for a second person, and keeps the lock until whoever asked has confirmed once more.
    fn by_somebody(&self, plan: Plan, typed: &str, printer: &mut Printer) -> Result<Result<Confirmed, Outcome>, Failure> {
        let shown = Arc::new(plan.clone());
        let waiting = match plan.wait(typed, self.booted.clock.now()) {
            Ok(waiting) => waiting,
            Err(refusal) => return Ok(Err(Outcome::refused(&refusal))),
        };
        let carried = Carried { client: self.client.clone(), journal: journal(self.booted)?, booted: self.booted };
        let (planner, client, given) = (self.planner.clone(), self.client.clone(), self.given.confirm.clone());
        let (clock, request, id) = (self.booted.clock.clone(), shown.request(), shown.id().to_owned());
        let approved = |deps: Deps| async move {
            let (events, probes) = (deps.events.clone(), deps.probes.clone());
            let (approved, kept) = wait(waiting, deps).await?;
            let by = approved.by().to_owned();
            // Whoever reads may have gone away.
            let _ = events.send(RunEvent::new(&id, clock.now(), Happening::Approved { by })).await;
            let once_more = async {
                // Everything is checked again: a quarter of an hour is long.
                let fresh = again(&planner, &*probes, &*clock, &client, &request, &id)
                    .await
                    .map_err(|f| Outcome::new(End::Refused, f.message))?;
                let typed = confirmation_beside(&fresh, given).await;
                fresh.confirm_approved(approved, &typed, clock.now()).map_err(|refusal| Outcome::refused(&refusal))
            };
            Box::pin(kept.until(once_more)).await
        };
        self.runtime.block_on(carry_out(approved, carried, printer, &shown))
    }

    fn alone(&self, plan: Plan, typed: &str, printer: &mut Printer) -> Result<Result<Confirmed, Outcome>, Failure> {
        let clock = &*self.booted.clock;
        let no = |refusal: &Refusal| Ok(Err(Outcome::refused(refusal)));
        let (request, id) = (plan.request(), plan.id().to_owned());
        let glass = match BreakGlass::arm(&plan, request.reason.as_deref().unwrap_or_default(), clock) {
            Ok(glass) => glass,
            Err(refusal) => return no(&refusal),
        };
        if let Err(refusal) = plan.wait(typed, clock.now()) {
            return no(&refusal);
        }
        printer.note(&format!("break-glass: it goes on without a second person in {} s; Ctrl-C withdraws", glass.left(clock).as_secs()));
        let withdrawn = self.runtime.block_on(async {
            let mut signals = Signals::listen()?;
            while !glass.left(clock).is_zero() {
                tokio::select! {
                    () = tokio::time::sleep(glass.left(clock).min(Duration::from_secs(1))) => {}
                    caught = signals.next() => match caught {
                        Caught::Interrupt => return Ok(Some(Signal::Interrupt)),
                        Caught::Terminate | Caught::HangUp => return Ok(Some(Signal::Terminate)),
                        Caught::Stop | Caught::Continue | Caught::Resize => {}
                    },
                }
            }
            Ok::<_, Failure>(None)
        })?;
        if withdrawn.is_some() {
            return Ok(Err(Outcome { interrupted: withdrawn, ..Outcome::new(End::Refused, "withdrawn by its operator") }));
        }
        let fresh = self
            .runtime
            .block_on(again(self.planner, &self.booted.proving(self.client.clone()), clock, self.client, &request, &id))?;
        Ok(fresh.break_glass(&glass, typed, clock).map_err(|refusal| Outcome::refused(&refusal)))
    }
}
