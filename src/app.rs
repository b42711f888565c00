//! The pure core: what is on screen and what happens next.
//!
//! Owns all state of the console and the only way to change it, [`App::update`]: messages in, effects out. Must not know
//! ratatui, crossterm, kube, tokio, files or clocks; time comes with every message.

mod act;
pub mod answers;
pub mod armed;
pub mod backups;
pub mod choice;
pub mod debts;
pub mod document;
pub mod effect;
pub mod file_action;
pub mod first_steps;
pub mod follow;
mod keys;
pub mod list;
pub mod live;
pub mod logs;
pub mod msg;
pub mod notice;
pub mod overlay;
mod pane;
mod pick;
mod place;
mod plan;
pub mod prompt;
mod reading;
mod receive;
pub mod releases;
pub mod runs;
pub mod schema;
mod second;
pub mod telling;
pub mod text_field;
pub mod ticket;
pub mod workloads;
mod writers;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use crate::base::environment::EnvironmentKind;
use crate::base::problem::Problem;
use crate::base::text::Str;
use crate::fleet::Fleet;
use crate::keymap::{Candidate, Key, Keymap};
use crate::release::Unexplained;
use crate::run::journal::Took;
use crate::service::Service;
use crate::target::api::Identity;
use crate::target::event::Opened;
use crate::target::probe::ProbeReport;
use crate::target::request::TargetSpec;
use answers::{Answers, Declared};
use effect::Effect;
use first_steps::FirstSteps;
use logs::{LogBounds, Logs};
use msg::{Measures, Msg};
use notice::Notice;
use overlay::Overlay;
pub use pane::Pane;
use releases::Releases;
use runs::Runs;
use ticket::Tickets;
use workloads::Workloads;

/// What the core is told at the start.
#[derive(Debug, Clone)]
pub struct Start {
    /// Which target.
    pub spec: TargetSpec,
    /// Keys.
    pub keymap: Keymap,
    /// The service file, when one is used.
    pub service: Option<Service>,
    /// What the user's settings say about contexts, by name.
    pub context_kinds: BTreeMap<String, EnvironmentKind>,
    /// Who sits here: `ana@host`.
    pub operator: String,
    /// Time zone of the clock on screen.
    pub zone: TimeZone,
    /// Bounds of the logs pane.
    pub log_bounds: LogBounds,
    /// Whether the journal can be written; why not.
    pub journal: Result<(), String>,
    /// Tell a newcomer what to do next; the file that says for good that nobody wants it.
    pub first_steps: Option<String>,
}

/// The console.
#[derive(Debug)]
pub struct App {
    /// What the core was told at the start; `spec` moves with every switch.
    pub start: Start,
    /// The target, once it was opened.
    pub opened: Option<Opened>,
    /// Why it could not be opened.
    pub failure: Option<Problem>,
    /// What the server said about itself and us.
    pub identity: Option<Identity>,
    /// What is seen of it.
    pub fleet: Fleet,
    /// What the probes said last, by id.
    pub probes: BTreeMap<Str, ProbeReport>,
    /// What is answered without a keystroke.
    pub answers: Answers,
    /// How long going back took, as far as it was done from here.
    pub(crate) took: Took,
    /// What is owed here.
    pub owing: debts::Owing,
    /// What is known of the backups of the service.
    pub backups: backups::Backups,
    /// What is known of the schema of its database.
    pub schema: schema::Schema,
    /// The focused pane.
    pub focus: Pane,
    /// Whether it has the whole screen.
    pub zoomed: bool,
    /// The workloads pane.
    pub workloads: Workloads,
    /// Cursor of the health pane.
    pub health: list::ListState,
    /// The releases pane.
    pub releases: Releases,
    /// The logs pane.
    pub logs: Logs,
    /// What lies over the bridge; the last takes the keys.
    pub overlays: Vec<Overlay>,
    /// What the program could not do, by id.
    pub problems: BTreeMap<String, Problem>,
    /// The line that says what just happened.
    pub notice: Option<Notice>,
    /// What a newcomer is told.
    pub first_steps: Option<FirstSteps>,
    /// Runs of this console.
    pub runs: Runs,
    /// Now, as of the last message.
    pub now: Timestamp,
    /// Keys pressed so far of a sequence, and how it can go on.
    pub pending: (Vec<Key>, Vec<Candidate>),
    tickets: Tickets,
    histories: BTreeMap<&'static str, Vec<String>>,
    measures: Measures,
    following: follow::Following,
    asked_writer: Option<Unexplained>,
}

impl App {
    /// A console that has seen nothing yet. The first effect opens the target.
    pub fn new(start: Start, now: Timestamp) -> (Self, Vec<Effect>) {
        let open = Effect::Open(start.spec.clone());
        let logs = Logs::new(start.log_bounds);
        let first_steps = start.first_steps.clone().map(FirstSteps::new);
        let app = Self {
            start,
            opened: None,
            failure: None,
            identity: None,
            took: Took::default(),
            fleet: Fleet::new(),
            probes: BTreeMap::new(),
            answers: Answers::default(),
            owing: debts::Owing::default(),
            backups: backups::Backups::default(),
            schema: schema::Schema::default(),
            focus: Pane::Workloads,
            zoomed: false,
            workloads: Workloads::default(),
            health: list::ListState::default(),
            releases: Releases::default(),
            logs,
            overlays: Vec::new(),
            problems: BTreeMap::new(),
            notice: None,
            first_steps,
            runs: Runs::default(),
            now,
            pending: (Vec::new(), Vec::new()),
            tickets: Tickets::default(),
            histories: BTreeMap::new(),
            measures: Measures::default(),
            following: follow::Following::default(),
            asked_writer: None,
        };
        (app, vec![open])
    }

    /// Takes in what happened and answers what is to be done.
    pub fn update(&mut self, msg: Msg, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        let mut effects = match msg {
            Msg::Key(key) => self.key(key),
            Msg::Paste(text) => self.paste(&text),
            Msg::Wheel(rows) => self.wheel(rows),
            Msg::Click(pane, row) => self.clicked(pane, row),
            Msg::Tick => Vec::new(),
            Msg::Target(event) => self.target(event),
            Msg::Answer(ticket, answer) => self.answer(ticket, answer),
            Msg::Run(event) => self.run_event(event),
            Msg::Notice(tone, text) => self.say(tone, text),
            Msg::TakenUp(run) => self.watches(&run),
            Msg::OwnRuns(runs) => self.own_runs(runs),
            Msg::Problems(problems) => self.add_problems(problems),
            Msg::Drawn(measures) => self.drawn(measures),
        };
        if self.notice.as_ref().is_some_and(|n| n.until <= now) {
            self.notice = None;
        }
        effects.extend(self.ask_further());
        effects
    }

    /// Brings everything that is derived up to date: called before a frame is drawn, so that a thousand events between two
    /// frames cost one pass.
    pub fn refresh(&mut self, now: Timestamp) {
        self.now = now;
        self.logs.settle();
        self.fleet.settle(now);
        let took = (&self.took, self.identity.as_ref().and_then(|i| i.cluster_uid.as_deref()));
        let declared = Declared { service: self.start.service.as_ref(), backups: &self.backups, schema: &self.schema, took };
        self.answers.refresh(&self.fleet, &self.probes, declared, now);
        self.refresh_debts();
        self.workloads.refresh(&self.fleet, now);
        self.releases.refresh(&self.fleet, self.workloads.subject(), &self.schema, now);
        self.refresh_readings();
        self.refresh_plan();
        self.go_on_with_first_steps();
    }

    fn say(&mut self, tone: notice::Tone, text: impl Into<String>) -> Vec<Effect> {
        self.notice = Some(Notice::new(tone, text, self.now));
        Vec::new()
    }

    fn refuse(&mut self, why: impl Into<String>) -> Vec<Effect> {
        self.say(notice::Tone::Refused, why)
    }
}
