//! `timonel logs`: every pod and container of what was named, merged, followed as they come and go.
//!
//! Owns the loop between the cluster and standard output, and how the command ends. How a log is followed to the letter is the
//! driver's, which containers have one is the console's own rule: there is no second reader.

mod merge;
mod pick;
mod print;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::output::{Exit, Failure, Printer};
use super::paper::{Ends, Paper};
use super::{Global, LogsArgs, ServiceFile, Since, cluster};
use crate::base::clock::Clock;
use crate::base::problem::Problem;
use crate::boot::Booted;
use crate::fleet::{Fleet, Trust};
use crate::target::event::{LogEvent, LogState, TargetEvent};
use crate::target::kubernetes::{Client, Session};
use crate::target::model::{Kind, Seconds};
use crate::target::request::{LogOptions, LogSource};
use merge::{Merge, Said};
use pick::Pick;
use print::Print;

pub(super) use print::LogAnswer;

/// What tells which pods belong to a workload.
const WATCHED: [Kind; 7] = [Kind::Pod, Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet, Kind::Job, Kind::CronJob];
/// Containers that are followed at once; the driver follows no more.
const MOST: usize = 500;
/// Containers that are read at once when nothing is followed.
const READING: usize = 50;
/// Batches of what the driver tells. Full: objects coalesce in the driver, log lines drop the oldest and are counted.
const EVENTS: usize = 64;
/// Lines that come within this are put in the order of their times.
const COMPANY: Duration = Duration::from_millis(100);
/// What is there at the beginning waits this long for all containers to be connected, so that it reads in its order.
const BEGINNING: Duration = Duration::from_secs(2);

/// `timonel logs [WORKLOAD…]`.
pub(super) fn run(global: &Global, args: &LogsArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, &ServiceFile::default())?;
    let pick = Pick::new(&args.workloads, booted.service.clone(), args.previous)?;
    let print = Print::new(global, args)?;
    let runtime = cluster::runtime()?;
    let ended = runtime.block_on(async {
        let mut ends = Ends::listen()?;
        let client = tokio::select! {
            exit = ends.next() => return Ok(exit),
            client = opened(&booted, global.timeout) => client?,
        };
        let follow = !args.no_follow && !args.previous;
        let options = LogOptions { tail: args.tail.or(tail(&booted, args, follow)), since: since(args.since, &*booted.clock), follow };
        let asked = Asked { pick, options, deadline: global.timeout };
        Following::start(client, asked, booted.clock.clone(), print).run(&mut ends, printer).await
    });
    // Tasks that hang on the network, or on a reader who does not read, are not waited for.
    runtime.shutdown_background();
    ended
}

/// Opens the target and hears from it: what cannot be reached at all is an answer, not something to wait for.
async fn opened(booted: &Booted, deadline: Duration) -> Result<Client, Failure> {
    let work = async {
        let client = cluster::open(booted).await?;
        client.reach(deadline).await.map_err(|e| Failure::problem(Exit(e.exit_code()), &e.problem))?;
        Ok(client)
    };
    tokio::time::timeout(deadline, work).await.unwrap_or_else(|_| Err(late(deadline)))
}

fn late(deadline: Duration) -> Failure {
    Failure::new(Exit::UNKNOWN, format!("no answer within {} s", deadline.as_secs())).hint("--timeout gives it longer; `timonel doctor` looks closer")
}

/// Who follows wants to see where things stand; who reads what there is wants all of it, or what they asked for.
fn tail(booted: &Booted, args: &LogsArgs, follow: bool) -> Option<u32> {
    (follow && args.since.is_none()).then_some(booted.settings.logs.tail)
}

fn since(since: Option<Since>, clock: &dyn Clock) -> Option<Seconds> {
    match since? {
        Since::At(at) => Some(at.as_second()),
        Since::Ago(ago) => {
            let ago = i64::try_from(ago.as_secs()).unwrap_or(i64::MAX);
            Some(clock.now().as_second().saturating_sub(ago))
        }
    }
}

/// What is wanted.
struct Asked {
    pick: Pick,
    options: LogOptions,
    /// Until it is known what there is.
    deadline: Duration,
}

/// The command at work.
struct Following {
    session: Session,
    events: mpsc::Receiver<TargetEvent>,
    asked: Asked,
    clock: Arc<dyn Clock>,
    print: Print,
    fleet: Fleet,
    namespaces: Vec<String>,
    /// What there is was read once: from now on nothing named is missing.
    complete: bool,
    /// The fleet's revision that was looked at last.
    seen: u64,
    /// What the driver was told.
    told: Vec<LogSource>,
    /// What of it is over.
    over: HashSet<LogSource>,
    /// What was heard of at all.
    heard: HashSet<LogSource>,
    /// Containers beyond the bound, as was said last.
    beyond: usize,
    merge: Merge,
    /// When what came in is printed.
    due: Option<Instant>,
    begun: bool,
    /// Logs that could not be read.
    failed: usize,
}

impl Following {
    fn start(client: Client, asked: Asked, clock: Arc<dyn Clock>, print: Print) -> Self {
        let (tell, events) = mpsc::channel(EVENTS);
        let namespaces = client.opened().namespaces.clone().unwrap_or_else(|| vec![String::new()]);
        Self {
            session: Session::watching(client, &WATCHED, tell),
            events,
            asked,
            clock,
            print,
            fleet: Fleet::new(),
            namespaces,
            complete: false,
            seen: 0,
            told: Vec::new(),
            over: HashSet::new(),
            heard: HashSet::new(),
            beyond: 0,
            merge: Merge::default(),
            due: None,
            begun: false,
            failed: 0,
        }
    }

    async fn run(mut self, ends: &mut Ends, printer: &mut Printer) -> Result<Exit, Failure> {
        let mut paper = Paper::start();
        let deadline = Instant::now() + self.asked.deadline;
        loop {
            let due = self.due.unwrap_or(deadline);
            let mut ripe = false;
            tokio::select! {
                biased;
                exit = ends.next() => return Ok(exit),
                end = paper.ended() => return end.map(|()| Exit::OK),
                () = tokio::time::sleep_until(due), if self.due.is_some() || !self.complete => {
                    if !self.complete {
                        return Err(late(self.asked.deadline));
                    }
                    self.due = None;
                    self.begun = true;
                    ripe = true;
                }
                event = self.events.recv() => match event {
                    Some(event) => self.take(event, printer)?,
                    // The session lives as long as its handle.
                    None => return Ok(Exit::OK),
                },
            }
            self.choose(printer)?;
            let done = self.is_done();
            if done || ripe || self.merge.is_full() {
                let text = self.printed(printer);
                tokio::select! {
                    biased;
                    exit = ends.next() => return Ok(exit),
                    () = paper.put(text) => {}
                }
            }
            if done {
                return self.finish(paper, ends).await;
            }
        }
    }

    /// Everything that was asked for was read: it has to be on paper before the process ends.
    async fn finish(self, paper: Paper, ends: &mut Ends) -> Result<Exit, Failure> {
        tokio::select! {
            biased;
            exit = ends.next() => Ok(exit),
            end = paper.finish() => {
                end?;
                match self.failed {
                    0 => Ok(Exit::OK),
                    n => Err(Failure::new(Exit::UNKNOWN, format!("{n} of {} logs could not be read", self.heard.len()))),
                }
            }
        }
    }

    fn take(&mut self, event: TargetEvent, printer: &mut Printer) -> Result<(), Failure> {
        match event {
            TargetEvent::Log(event) => self.log(event, printer),
            TargetEvent::OpenFailed(problem) => return Err(Failure::problem(Exit::UNKNOWN, &problem)),
            TargetEvent::Problem(problem) => note(&problem, printer),
            event => {
                let now = self.clock.now();
                if self.fleet.apply(&event, now) {
                    self.fleet.settle(now);
                }
            }
        }
        Ok(())
    }

    fn log(&mut self, event: LogEvent, printer: &mut Printer) {
        match event {
            LogEvent::Lines { source, lines } => {
                self.heard.insert(source.clone());
                let lines = lines.into_iter().filter(|l| self.print.wants(&l.text));
                self.merge.lines(&source, lines);
            }
            LogEvent::State { source, state } => {
                if !matches!(&state, LogState::Waiting { reason } if reason == "connecting") {
                    self.heard.insert(source.clone());
                }
                if matches!(state, LogState::Ended { .. }) || (matches!(state, LogState::Failed { .. }) && !self.asked.options.follow) {
                    self.failed += usize::from(matches!(state, LogState::Failed { .. }));
                    self.over.insert(source.clone());
                }
                match Said::of_state(&source, &state, self.clock.now()) {
                    Some(said) if self.print.is_json() => self.merge.put(said),
                    Some(said) if !said.is_all_there_was() => printer.note(&format!("{}: {}", self.print.prefix(&source), said.text)),
                    _ => {}
                }
            }
        }
        if !self.merge.is_empty() && self.asked.options.follow {
            let wait = if self.begun { COMPANY } else { BEGINNING };
            self.due.get_or_insert_with(|| Instant::now() + wait);
        }
        if !self.begun && self.told.iter().all(|s| self.heard.contains(s)) {
            self.begun = self.asked.options.follow;
            self.due = self.due.map(|due| due.min(Instant::now() + COMPANY));
        }
    }

    /// Tells the driver what to follow, when that changed.
    fn choose(&mut self, printer: &mut Printer) -> Result<(), Failure> {
        if !self.complete {
            self.complete = self.is_read()?;
            if !self.complete {
                return Ok(());
            }
            self.asked.pick.expect(&self.fleet)?;
            if self.asked.pick.sources(&self.fleet).is_empty() {
                printer.note(self.nothing());
            }
        }
        let fresh = self.fleet.revision() != self.seen;
        let ended = !self.asked.options.follow && self.told.iter().any(|s| self.over.contains(s));
        if !fresh && !ended {
            return Ok(());
        }
        self.seen = self.fleet.revision();
        let picked = self.asked.pick.sources(&self.fleet);
        let wanted = if self.asked.options.follow { self.followed(picked, printer) } else { self.read_next(&picked) };
        if wanted != self.told {
            self.told.clone_from(&wanted);
            self.session.follow(wanted, self.asked.options);
        }
        Ok(())
    }

    /// What is followed already stays until it is over, even when its pod is gone: its last lines may still be on their way.
    fn followed(&mut self, picked: Vec<LogSource>, printer: &mut Printer) -> Vec<LogSource> {
        let now: HashSet<&LogSource> = picked.iter().collect();
        let mut wanted: Vec<LogSource> = self.told.iter().filter(|s| now.contains(s) || !self.over.contains(*s)).cloned().collect();
        let known: HashSet<LogSource> = wanted.iter().cloned().collect();
        wanted.extend(picked.into_iter().filter(|s| !known.contains(s)));
        let beyond = wanted.len().saturating_sub(MOST);
        if beyond > self.beyond {
            printer.note(&format!("{beyond} containers are not followed: {MOST} at once are the most"));
        }
        self.beyond = beyond;
        wanted.truncate(MOST);
        self.over.retain(|s| wanted.contains(s));
        self.heard.retain(|s| wanted.contains(s));
        self.merge.keep(&wanted);
        wanted
    }

    /// The next few of those that are there.
    fn read_next(&self, picked: &[LogSource]) -> Vec<LogSource> {
        picked.iter().filter(|s| !self.over.contains(*s)).take(READING).cloned().collect()
    }

    /// Whether it is known what there is. Without pods there is nothing to follow; what else cannot be read only costs names.
    fn is_read(&self) -> Result<bool, Failure> {
        let now = self.clock.now();
        let mut read = true;
        for namespace in &self.namespaces {
            for kind in WATCHED {
                match self.fleet.trust(kind, &namespace.as_str().into(), now) {
                    Trust::Pending => read = false,
                    Trust::Lost(why) if kind == Kind::Pod => {
                        return Err(Failure::new(Exit::UNKNOWN, format!("pods cannot be read: {}", why.trim_end_matches('.'))));
                    }
                    Trust::Live | Trust::Lost(_) => {}
                }
            }
        }
        Ok(read)
    }

    /// Why nothing is printed.
    fn nothing(&self) -> &'static str {
        match (self.asked.options.follow, self.asked.pick.is_previous()) {
            (_, true) => "no container was restarted: there is no previous run",
            (true, _) => "no container has a log yet: waiting for one",
            (false, _) => "no container has a log",
        }
    }

    fn is_done(&self) -> bool {
        self.complete && !self.asked.options.follow && self.told.is_empty()
    }

    fn printed(&mut self, printer: &Printer) -> String {
        let mut text = String::new();
        for said in self.merge.take() {
            self.print.line(&said, printer, &mut text);
        }
        text
    }
}

fn note(problem: &Problem, printer: &mut Printer) {
    printer.note(&Failure::problem(Exit::OK, problem).message);
}
