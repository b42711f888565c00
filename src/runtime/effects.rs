//! Carrying out what the core wants done.
//!
//! Owns every task that is under way: the session on the target, followed logs, plans being made, runs. Each answers with a
//! message; none of them is waited for by the loop. Must not decide anything.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::asking::DatabaseAsker;
use super::console::Ended;
use super::file_of_run::read_again;
use super::planner::{Planner, View};
use super::probing::Probing;
use super::proving::DeclaredProbes;
use super::seeing::Seeing;
use super::timed::Timed;
use super::{recall, second, templates};
use crate::app::App;
use crate::app::effect::{Effect, Fetch, LAST_LINES, PlanRequest};
use crate::app::msg::{Answer, Msg};
use crate::app::notice::Tone;
use crate::app::ticket::Ticket;
use crate::base::clock::Clock;
use crate::base::problem::{Level, Problem};
use crate::fleet::Writer;
use crate::run::backup::Known;
use crate::run::debts::{Owed, book};
use crate::run::journal::Journal;
use crate::run::migrate::MOST_APPLIED;
use crate::run::migrate::releases::Record;
use crate::run::{
    Asked, BreakGlass, Control, Deps, End, Here, Outcome, Plan, Probes, ResumeError, Resumed, RunEvent, TokioTimer, Unfinished, resume,
};
use crate::service::{ProbeSpec, Service};
use crate::target::api::{ErrorKind, Read};
use crate::target::event::TargetEvent;
use crate::target::kubernetes::gate::DeclaredProbe;
use crate::target::kubernetes::{Client, LogHub, Session, last_lines};
use crate::target::model::{Kind, ObjectRef, Scope};
use crate::target::request::{LogOptions, LogSource, TargetSpec};
use crate::target::sql::Databases as _;

/// Events of one run on their way to the loop; when it is full the run drops mere progress (see `run::Deps`).
pub(super) const RUN_EVENTS: usize = 64;
/// Why nothing can be written at all.
const NOTHING_OPEN: &str = "nothing was written: no target is open, or the journal cannot be written";
/// How long the end of the program waits for an empty file to be made.
const A_MOMENT: Duration = Duration::from_secs(2);
/// How long the end of the program waits for a run to come to its next safe stop.
const LAST_WAIT: Duration = Duration::from_secs(330);

/// What the executor needs.
pub struct Hands {
    /// Answers to the loop.
    pub messages: mpsc::Sender<Msg>,
    /// What drivers tell, to the loop.
    pub events: mpsc::Sender<TargetEvent>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Records; `None` when it cannot be opened, and then nothing is written to a target.
    pub journal: Option<Arc<Journal>>,
    /// What plans rest on besides the target.
    pub planner: Arc<Planner>,
    /// Streams of logs at once.
    pub log_streams: usize,
    /// Probes to run.
    pub probes: Vec<ProbeSpec>,
    /// The service, whose workloads probes may name.
    pub service: Option<Service>,
    /// Whether the hosts of Ingresses are asked for their certificates.
    pub ask_ingresses: bool,
    /// Those of them that ask pods through the API server, as a read-only client must know them.
    pub declared: Vec<DeclaredProbe>,
}

/// Carries out effects.
pub struct Executor {
    hands: Hands,
    session: Option<Arc<Session>>,
    probing: Option<Probing>,
    logs: Option<(String, LogHub)>,
    runs: Vec<Run>,
    approved: second::Approvals,
    /// The plan that goes without a second person, once its minute is over.
    glass: Option<BreakGlass>,
    /// The last thing that is being remembered.
    remembering: Option<JoinHandle<()>>,
    /// What is seen of health, for the journal.
    seeing: Seeing,
}

struct Run {
    id: String,
    control: Arc<Control>,
    task: JoinHandle<()>,
}

impl Executor {
    /// An executor that has nothing to do yet.
    pub fn new(hands: Hands) -> Self {
        Self {
            hands,
            session: None,
            probing: None,
            logs: None,
            runs: Vec::new(),
            approved: second::Approvals::default(),
            glass: None,
            remembering: None,
            seeing: Seeing::default(),
        }
    }

    /// Begins to carry out an effect. Must be called inside a tokio runtime; never waits.
    pub fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Open(spec) => {
                self.logs = None;
                match &self.session {
                    Some(session) => session.open(spec),
                    None => self.begin(spec),
                }
            }
            Effect::Follow { sources, options } => self.follow(&sources, options),
            Effect::Fetch { ticket, what } => self.fetch(ticket, what),
            Effect::Recall { ticket, what } => self.answer(ticket, recall::answer(self.hands.journal.clone(), what)),
            Effect::Plan { ticket, request } => self.plan(ticket, request),
            Effect::Run { plan, typed } => self.run(&plan, &typed),
            Effect::Resume(id) => self.resume(id),
            Effect::TakeUp(id) => self.take_up(id),
            Effect::Approve { plan, asked, typed } => self.approve(Plan::clone(&plan), asked, typed),
            Effect::TypeRun { run, text } => self.control(&run, |c| {
                c.type_in(&text);
            }),
            Effect::BreakGlass { plan, reason } => self.break_glass(&plan, &reason),
            Effect::CancelRun(id) => self.cancel(&id),
            Effect::AnswerRun { run, way } => self.control(&run, |c| c.answer(way)),
            Effect::Save { path, text } => self.save(path, text),
            Effect::Remember(path) => self.remember(path),
            Effect::Quit | Effect::Suspend | Effect::Redraw | Effect::Copy(_) | Effect::NextTheme | Effect::SignIn(_) => {}
        }
    }

    /// Tells the probes what the cluster looks like now, and has what changed written down.
    pub fn see(&mut self, app: &App) {
        if let Some(journal) = &self.hands.journal {
            self.seeing.look(app, journal, &self.hands.messages);
        }
        if let Some(probing) = &mut self.probing {
            probing.see(app);
        }
    }

    fn begin(&mut self, spec: TargetSpec) {
        let session = Arc::new(Session::spawn(spec, self.hands.events.clone()));
        self.probing = Some(Probing::start(
            self.hands.probes.clone(),
            self.hands.service.as_ref(),
            self.hands.ask_ingresses,
            self.hands.declared.clone(),
            session.clone(),
            self.hands.clock.clone(),
            self.hands.events.clone(),
        ));
        self.session = Some(session);
    }

    /// Leaves what is open for a client that was opened with the terminal handed over.
    pub fn adopt(&mut self, client: Client) {
        self.logs = None;
        if let Some(session) = &self.session {
            session.open_with(client);
        }
    }

    fn client(&self) -> Option<Client> {
        self.session.as_ref()?.client()
    }

    fn follow(&mut self, sources: &[LogSource], options: LogOptions) {
        let Some(client) = self.client() else { return };
        let server = format!("{} {}", client.server(), client.opened().context);
        if self.logs.as_ref().is_none_or(|(of, _)| *of != server) {
            let hub = LogHub::start(client, self.hands.events.clone(), self.hands.log_streams);
            self.logs = Some((server, hub));
        }
        if let Some((_, hub)) = &mut self.logs {
            hub.set(sources, options);
        }
    }

    fn answer(&self, ticket: Ticket, work: impl Future<Output = Answer> + Send + 'static) {
        let messages = self.hands.messages.clone();
        tokio::spawn(async move {
            let answer = work.await;
            // The loop is gone only when the program ends.
            let _ = messages.send(Msg::Answer(ticket, answer)).await;
        });
    }

    fn fetch(&self, ticket: Ticket, what: Fetch) {
        let client = self.client();
        let (planner, service) = (self.hands.planner.clone(), self.hands.service.clone());
        self.answer(ticket, async move {
            let Some(client) = client else { return nothing_open(&what) };
            match what {
                Fetch::Yaml(object) => Answer::Text(client.document(&object, planner.fingerprint_key()).await.map_err(|e| e.to_string())),
                Fetch::Writer(object) => Answer::Writer(client.get(&object, "").await.map(|o| Writer::newest(&o)).map_err(|e| e.to_string())),
                Fetch::Debts(records) => Answer::Debts(debts(&client, &records).await),
                Fetch::Backups(catalogue) => Answer::Backups(Known::of(&client, &catalogue).await),
                Fetch::Schema(record) => Answer::Schema(Record::of(&client, &record).await),
                Fetch::Applied { database, sql } => Answer::Applied(applied(&client, service.as_ref(), &database, sql).await),
                Fetch::LastLines(source) => Answer::LastLines(last_lines(&client, &source, LAST_LINES).await.map_err(|e| e.to_string())),
                Fetch::Namespaces => Answer::Names(namespaces(&client).await),
                Fetch::Templates { workload, from, to } => Answer::Templates(templates::fetch(&client, &workload, from, to).await.map(Box::new)),
            }
        });
    }

    fn plan(&self, ticket: Ticket, request: PlanRequest) {
        let client = self.client();
        let (planner, clock) = (self.hands.planner.clone(), self.hands.clock.clone());
        let probes = client.as_ref().map(|client| self.proving(client));
        self.answer(ticket, async move {
            let (Some(client), Some(probes)) = (client, probes) else {
                return Answer::Plan(Err(Box::new(Problem::new(Level::Error, "plan", "No target is open."))));
            };
            let plan = planner.plan(View::of(&client, &probes, &*clock), &request).await;
            Answer::Plan(plan.map(Arc::new).map_err(Box::new))
        });
    }

    /// Confirms and begins. What stands against it is told as a run that was refused.
    fn run(&mut self, plan: &Arc<Plan>, typed: &str) {
        let id = plan.id().to_owned();
        let now = self.hands.clock.now();
        let glass = self.glass.take_if(|glass| glass.run() == id);
        let begun = match second::confirm(&self.approved, glass.as_ref(), Plan::clone(plan), typed, &*self.hands.clock) {
            Ok(second::Begun::GoesOn) => return,
            Ok(begun) => begun,
            Err(refusal) => {
                let event = RunEvent::ended(id, now, crate::run::Outcome::refused(&refusal));
                return self.tell(Msg::Run(event));
            }
        };
        let approved = self.approved.clone();
        self.launch(id, |deps, _, _| second::carry_out(begun, approved, deps));
    }

    /// Goes on with a run of the journal. What stands against it is told as a run that was refused.
    fn resume(&mut self, id: String) {
        let (clock, named, messages) = (self.hands.clock.clone(), self.hands.service.is_some(), self.hands.messages.clone());
        self.launch(id.clone(), |deps, client, journal| async move {
            let state = journal.folder().to_owned();
            match take_up(&client, journal, id.clone()).await {
                Ok(resumed) => {
                    let (probes, lacking) = probes_of(resumed.plan(), named, &client, &clock, &state).await;
                    if let Some(why) = lacking {
                        // The loop is gone only when the program ends.
                        let _ = messages.send(Msg::Notice(Tone::Refused, why)).await;
                    }
                    Some(resume(resumed, Deps { probes: probes.unwrap_or_else(|| deps.probes.clone()), ..deps }).await)
                }
                Err(error) => {
                    let hint = error.hint().unwrap_or_default();
                    let outcome = Outcome { hint, ..Outcome::new(End::Refused, format!("not resumed, nothing was written: {error}")) };
                    // The loop is gone only when the program ends.
                    let _ = deps.events.send(RunEvent::ended(&id, clock.now(), outcome)).await;
                    None
                }
            }
        });
    }

    /// Takes back the change of an armed run at its time, where it is ours to take back.
    fn take_up(&self, run: String) {
        let (Some(client), Some(journal)) = (self.client(), self.hands.journal.clone()) else { return };
        let deps = self.deps(&client, &journal, mpsc::channel(1).0, Arc::new(Control::new(false)));
        tokio::spawn(self.timed(run, client, journal, deps).take_up());
    }

    fn deps(&self, client: &Client, journal: &Arc<Journal>, events: mpsc::Sender<RunEvent>, control: Arc<Control>) -> Deps {
        Deps {
            read: Arc::new(client.clone()),
            probes: Arc::new(self.proving(client)),
            write: Arc::new(client.clone()),
            clock: self.hands.clock.clone(),
            timer: Arc::new(TokioTimer),
            journal: journal.clone(),
            events,
            control,
        }
    }

    fn proving(&self, client: &Client) -> DeclaredProbes {
        // Nothing is told where there is no journal: nothing runs.
        let state = self.hands.journal.as_ref().map(|journal| journal.folder().to_owned()).unwrap_or_default();
        DeclaredProbes::new(self.hands.probes.clone(), self.hands.service.clone(), client.clone(), self.hands.clock.clone(), &state)
    }

    fn timed(&self, run: String, client: Client, journal: Arc<Journal>, deps: Deps) -> Timed {
        Timed { run, planner: self.hands.planner.clone(), client, deps, journal, messages: self.hands.messages.clone() }
    }

    /// Begins something that writes, and passes on what it tells.
    fn launch<R>(&mut self, id: String, run: impl FnOnce(Deps, Client, Arc<Journal>) -> R)
    where
        R: Future<Output = Option<Outcome>> + Send + 'static,
    {
        let (Some(client), Some(journal)) = (self.client(), self.hands.journal.clone()) else {
            return self.tell(Msg::Notice(Tone::Refused, NOTHING_OPEN.to_owned()));
        };
        let (events, mut told) = mpsc::channel(RUN_EVENTS);
        let control = Arc::new(Control::new(true));
        let deps = self.deps(&client, &journal, events, control.clone());
        let messages = self.hands.messages.clone();
        // The events of the run end with the run.
        let timed = self.timed(id.clone(), client.clone(), journal.clone(), Deps { events: mpsc::channel(1).0, ..deps.clone() });
        let run = run(deps, client, journal);
        let task = tokio::spawn(async move {
            let forward = async {
                while let Some(event) = told.recv().await {
                    let _ = messages.send(Msg::Run(event)).await;
                }
            };
            let (outcome, ()) = tokio::join!(run, forward);
            if outcome.is_some_and(|o| o.outcome == End::Proven) {
                // Not one of the runs that the end of the program waits for: a timer needs a live console, and says so.
                tokio::spawn(timed.go());
            }
        });
        self.runs.retain(|r| !r.task.is_finished());
        self.runs.push(Run { id, control, task });
    }

    /// Begins to break the glass for a plan; one that was being broken before is left.
    fn break_glass(&mut self, plan: &Plan, reason: &str) {
        match BreakGlass::arm(plan, reason, &*self.hands.clock) {
            Ok(glass) => self.glass = Some(glass),
            Err(refusal) => self.tell(Msg::Notice(Tone::Refused, refusal.to_string())),
        }
    }

    /// Stops a run and undoes it; a glass that is not broken yet stays whole.
    fn cancel(&mut self, id: &str) {
        self.glass.take_if(|glass| glass.run() == id);
        self.control(id, Control::undo);
    }

    /// Approves the plan of somebody else.
    fn approve(&self, plan: Plan, asked: Box<Asked>, typed: String) {
        let (Some(client), Some(journal)) = (self.client(), self.hands.journal.clone()) else {
            return self.tell(Msg::Notice(Tone::Refused, NOTHING_OPEN.to_owned()));
        };
        let (messages, now) = (self.hands.messages.clone(), self.hands.clock.now());
        tokio::spawn(async move {
            let _ = messages.send(second::approve(plan, &asked, &typed, now, &client, &journal).await).await;
        });
    }

    fn control(&self, id: &str, change: impl FnOnce(&Control)) {
        if let Some(run) = self.runs.iter().find(|r| r.id == id) {
            change(&run.control);
        }
    }

    fn save(&self, path: String, text: String) {
        let messages = self.hands.messages.clone();
        tokio::spawn(async move {
            let bytes = text.len();
            let notice = match write_new(&path, text).await {
                Ok(()) => Msg::Notice(Tone::Done, format!("saved {bytes} bytes to {path}")),
                Err(error) => Msg::Notice(Tone::Failed, format!("'{path}' cannot be written: {error}")),
            };
            let _ = messages.send(notice).await;
        });
    }

    fn remember(&mut self, path: String) {
        let messages = self.hands.messages.clone();
        self.remembering = Some(tokio::spawn(async move {
            let folder = std::path::Path::new(&path).parent().map(std::path::Path::to_path_buf).unwrap_or_default();
            let made = async {
                tokio::fs::create_dir_all(folder).await?;
                tokio::fs::write(&path, b"").await
            };
            if let Err(error) = made.await {
                let _ = messages.send(Msg::Notice(Tone::Failed, format!("'{path}' cannot be written: {error}"))).await;
            }
        }));
    }

    fn tell(&self, msg: Msg) {
        let messages = self.hands.messages.clone();
        tokio::spawn(async move {
            let _ = messages.send(msg).await;
        });
    }

    /// Ends everything. A run that is under way is not torn off: it is told to stop (or, when the terminal is gone, to go on
    /// alone, undoing what fails) and waited for (contract.md 6).
    pub async fn finish(mut self, ended: Ended) {
        self.logs = None;
        // Who dismisses something and quits at once means both.
        for writing in [self.remembering.take(), self.seeing.take_writing()].into_iter().flatten() {
            let _ = tokio::time::timeout(A_MOMENT, writing).await;
        }
        for run in self.runs.drain(..).filter(|r| !r.task.is_finished()) {
            match ended {
                Ended::HungUp => run.control.detach(),
                Ended::Terminated => {
                    run.control.detach();
                    run.control.terminate();
                }
                Ended::Quit | Ended::Interrupted => {
                    run.control.detach();
                    run.control.interrupt();
                }
            }
            let _ = tokio::time::timeout(LAST_WAIT, run.task).await;
        }
    }
}

/// Claims a run that did not come to its end and finds on the target what the journal does not keep.
async fn take_up(client: &Client, journal: Arc<Journal>, id: String) -> Result<Resumed, ResumeError> {
    let opening = tokio::task::spawn_blocking(move || Unfinished::open(&journal, &id));
    let unfinished = opening.await.expect("reading the journal does not panic")?;
    let here = Here { context: client.opened().context.clone(), cluster_uid: client.identity().await.cluster_uid };
    unfinished.at(&here)?.revive(client).await
}

/// The probes of the service file that a run was planned with, and why they cannot be asked. `None`: those of this console are the ones.
async fn probes_of(plan: &Plan, named: bool, client: &Client, clock: &Arc<dyn Clock>, state: &Path) -> (Option<Arc<dyn Probes>>, Option<String>) {
    let Some(file) = plan.file().cloned() else { return (None, None) };
    let read = tokio::task::spawn_blocking(move || read_again(&file)).await;
    let declared = |specs, service| DeclaredProbes::new(specs, service, client.clone(), clock.clone(), state);
    match read.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(service) => (Some(Arc::new(declared(service.probes.clone(), Some(service)))), None),
        // Whoever named a file for this console means that one.
        Err(_) if named => (None, None),
        Err(why) => (Some(Arc::new(declared(Vec::new(), None).lacking(Some(why.clone())))), Some(why)),
    }
}

/// What a database says was applied to it.
async fn applied(client: &Client, service: Option<&Service>, database: &str, sql: &str) -> Result<Vec<String>, String> {
    let own = client.clone();
    let databases = DatabaseAsker::new(service, move || Some(own.clone()));
    let rows = databases.ask(database, sql).await.map_err(|why| why.message)?;
    if rows.cut || rows.rows.len() > MOST_APPLIED {
        return Err("it says more than is read".to_owned());
    }
    Ok(rows.rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
}

fn nothing_open(what: &Fetch) -> Answer {
    let why = "no target is open".to_owned();
    match what {
        Fetch::Yaml(_) => Answer::Text(Err(why)),
        Fetch::Writer(_) => Answer::Writer(Err(why)),
        Fetch::Debts(_) => Answer::Debts(Err(why)),
        Fetch::Backups(_) => Answer::Backups(Known::Unread(why)),
        Fetch::Schema(_) => Answer::Schema(Record::Unread(why)),
        Fetch::Applied { .. } => Answer::Applied(Err(why)),
        Fetch::LastLines(_) => Answer::LastLines(Err(why)),
        Fetch::Namespaces => Answer::Names(Err(why)),
        Fetch::Templates { .. } => Answer::Templates(Err(why)),
    }
}

async fn namespaces(client: &Client) -> Result<Vec<String>, String> {
    let found = client.list_slim(Kind::Namespace, &Scope::Cluster).await.map_err(|e| e.to_string())?;
    Ok(found.iter().map(|o| o.meta().name.to_string()).collect())
}

/// Reads records of debts; one that is gone meanwhile owes nothing.
async fn debts(client: &Client, records: &[ObjectRef]) -> Result<Vec<Owed>, String> {
    let answers = futures_util::future::join_all(records.iter().map(|record| client.get(record, ""))).await;
    let mut owed = Vec::new();
    for answer in answers {
        match answer {
            Ok(raw) => owed.extend(book::read(&raw)),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error.message),
        }
    }
    Ok(owed)
}

/// Writes a file that is not there yet, readable by its owner only: logs may hold what others must not see.
async fn write_new(path: &str, text: String) -> std::io::Result<()> {
    use tokio::io::AsyncWriteExt;
    let mut file = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).await?;
    file.write_all(text.as_bytes()).await?;
    file.sync_all().await
}
