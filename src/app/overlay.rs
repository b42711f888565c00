//! What lies over the bridge: a stack, the last on top takes the keys.
//!
//! Owns the kinds of overlays. What they do is in the files of their nouns.

use std::sync::Arc;

use jiff::Timestamp;

use super::choice::Choice;
use super::document::Document;
use super::effect::{Fetch, PlanRequest};
use super::prompt::Prompt;
use super::text_field::TextField;
use super::ticket::Ticket;
use crate::action::{Action, Context};
use crate::base::problem::Problem;
use crate::run::Plan;
use crate::run::journal::RunSummary;
use crate::target::model::ObjectRef;
use crate::target::request::LogSource;

/// One overlay.
#[derive(Debug)]
pub enum Overlay {
    /// A reading view.
    Document(Reading),
    /// A list to choose from.
    Choice(Picker),
    /// A question answered with one line.
    Prompt(Prompt),
    /// A plan before anything is written.
    Plan(Box<PlanPanel>),
    /// A run while and after it happens, by its id.
    Run(String),
}

/// A reading view and where its text comes from.
#[derive(Debug)]
pub struct Reading {
    /// The text.
    pub document: Document,
    /// What made it.
    pub source: Source,
    /// What the container that it is about said before it ended, when there is one.
    pub last: Option<LastLines>,
}

/// The last lines of a container, asked for once.
#[derive(Debug)]
pub struct LastLines {
    /// Comes back with the answer.
    pub ticket: Ticket,
    /// Whose.
    pub source: LogSource,
    /// What came, oldest first, or why nothing did; `None` = not yet.
    pub lines: Option<Result<Vec<String>, String>>,
}

/// Where the text of a reading view comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Made from what is seen, and made again when that changes.
    Live(Live),
    /// Fetched once.
    Fetched(Ticket, Fetch),
    /// A run of the journal, read again when it comes to an end.
    Record(Record),
}

/// A run of the journal on screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The question that its text is the answer to.
    pub ticket: Ticket,
    /// Its id.
    pub id: String,
    /// What its lines tell together, once they were read.
    pub run: Option<Box<RunSummary>>,
}

/// A reading view made from what is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// Reason chain, conditions, events of an object.
    Describe(ObjectRef),
    /// Why something is not ok.
    Explain(ObjectRef),
    /// Whether a revision of the workload whose releases are looked at can be gone back to.
    Release(i64),
    /// Events, of one object or of everything that is looked at.
    Events(Option<ObjectRef>),
    /// History of one health item.
    Health(String),
    /// What the program could not do.
    Problems,
    /// Who works on what.
    Locks,
    /// Every key that works here.
    Help(Vec<Context>),
}

/// A list and what choosing does.
#[derive(Debug)]
pub struct Picker {
    /// The list.
    pub choice: Choice,
    /// What choosing does.
    pub purpose: Pick,
}

/// What choosing from a list does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// Carries out the action of that name.
    Palette,
    /// Opens that context.
    Context,
    /// Looks at these namespaces.
    Namespaces(Ticket),
    /// Opens that run.
    Run(Ticket),
    /// Opens the plan that pays that debt.
    Debt,
    /// Makes the plan of that run anew, to approve it.
    Approve,
    /// Reads that Secret.
    Secret,
    /// Opens the plan of that backup.
    Backup,
    /// Opens the plan of migrating to that image, or of inspecting it.
    Image(Action),
    /// Overrides that check.
    Override,
}

/// A plan on screen.
#[derive(Debug)]
pub struct PlanPanel {
    /// What it is for; made again with more parameters when a way on is chosen.
    pub request: PlanRequest,
    /// The plan, when there is one.
    pub state: PlanState,
    /// What was typed to confirm it.
    pub typed: TextField,
    /// It was on screen: keys typed before are not for it.
    pub seen: bool,
    /// What is wrong with what was typed.
    pub error: Option<String>,
    /// The glass is being broken: it is at that time, and nothing is asked or sent before.
    pub breaks_at: Option<Timestamp>,
}

/// How far a plan is.
#[derive(Debug)]
pub enum PlanState {
    /// Being made.
    Making(Ticket),
    /// There.
    Ready(Arc<Plan>),
    /// There, and the world moved: what moved.
    Stale(Arc<Plan>, String),
    /// Cannot be made.
    Failed(Box<Problem>),
}

impl PlanPanel {
    /// A panel whose plan is being made.
    pub fn making(request: PlanRequest, ticket: Ticket) -> Self {
        Self {
            request,
            state: PlanState::Making(ticket),
            typed: TextField::default(),
            seen: false,
            error: None,
            breaks_at: None,
        }
    }

    /// The plan, as long as it may be confirmed.
    pub fn ready(&self) -> Option<&Arc<Plan>> {
        match &self.state {
            PlanState::Ready(plan) => Some(plan),
            _ => None,
        }
    }

    /// Whether it can be begun from here: a plan that may run.
    pub fn begins(&self) -> bool {
        self.breaks_at.is_none() && self.ready().is_some_and(|p| p.allowed())
    }

    /// Whether text is typed here: a plan that may run and asks for something.
    pub fn takes_text(&self) -> bool {
        self.begins() && self.ready().is_some_and(|p| p.confirmation().text.is_some())
    }
}

impl Overlay {
    /// Where keys are looked up while this is on top, innermost first.
    pub fn contexts(&self) -> Vec<Context> {
        match self {
            Self::Document(Reading { source: Source::Record(_), .. }) => vec![Context::Record, Context::Document],
            Self::Document(_) => vec![Context::Document],
            Self::Choice(_) => vec![Context::Text, Context::Choice],
            Self::Prompt(_) => vec![Context::Text],
            Self::Plan(panel) if panel.takes_text() => vec![Context::Text, Context::Plan],
            Self::Plan(_) => vec![Context::Plan],
            Self::Run(_) => vec![Context::Run],
        }
    }
}
