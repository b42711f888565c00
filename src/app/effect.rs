//! What the core wants done in the world, as data.
//!
//! Owns the list of effects; `runtime` carries them out and answers with messages. Nothing here does anything.

use std::borrow::Cow;
use std::sync::Arc;

use super::ticket::Ticket;
use crate::run::{ActionRequest, Asked, Here, Plan, Way};
use crate::target::model::ObjectRef;
use crate::target::request::{LogOptions, LogSource, TargetSpec};

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// End the program.
    Quit,
    /// Stop the process as Ctrl-Z does.
    Suspend,
    /// Send the whole screen again.
    Redraw,
    /// Open another target, or the same one elsewhere; what was open is cancelled.
    Open(TargetSpec),
    /// Open the target once more with the terminal handed over to its credential plugin.
    SignIn(TargetSpec),
    /// Follow exactly these logs from now on.
    Follow {
        /// Whose.
        sources: Vec<LogSource>,
        /// How much of the past.
        options: LogOptions,
    },
    /// Fetch something that is only needed when somebody opens it.
    Fetch {
        /// Comes back with the answer.
        ticket: Ticket,
        /// What.
        what: Fetch,
    },
    /// Ask the journal.
    Recall {
        /// Comes back with the answer.
        ticket: Ticket,
        /// What.
        what: Recall,
    },
    /// Make a plan.
    Plan {
        /// Comes back with the answer.
        ticket: Ticket,
        /// For what.
        request: PlanRequest,
    },
    /// Confirm the plan on screen with what was typed, and carry it out.
    Run {
        /// The plan that was on screen.
        plan: Arc<Plan>,
        /// What was typed.
        typed: String,
    },
    /// Go on with a run of the journal; what was confirmed asks for nothing new.
    Resume(String),
    /// Take back the change of that armed run at its time, where our own journal holds its confirmation.
    TakeUp(String),
    /// Approve the plan of somebody else, which was made anew here.
    Approve {
        /// The plan that was on screen.
        plan: Arc<Plan>,
        /// What waits.
        asked: Box<Asked>,
        /// What was typed.
        typed: String,
    },
    /// Break the glass for the plan on screen: it goes without a second person after a minute.
    BreakGlass {
        /// The plan that was on screen.
        plan: Arc<Plan>,
        /// Why.
        reason: String,
    },
    /// Stop a run and undo it; what has not begun is taken back.
    CancelRun(String),
    /// Answer the question of a run that waits.
    AnswerRun {
        /// The run.
        run: String,
        /// The chosen way on.
        way: Way,
    },
    /// Type what a step of a run asks for.
    TypeRun {
        /// The run.
        run: String,
        /// What was typed.
        text: String,
    },
    /// Make an empty file there: something that is to be remembered.
    Remember(String),
    /// Put text on the clipboard of the terminal (OSC 52).
    Copy(String),
    /// Write text to a file.
    Save {
        /// Path as typed.
        path: String,
        /// Content.
        text: String,
    },
    /// Use the next colour theme.
    NextTheme,
}

/// What a plan is wanted for, in the words of the command line (cli.md), so that the screen and `timonel plan` ask alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRequest {
    /// `scale`; an action of the service file as `own:ID`.
    pub action: Cow<'static, str>,
    /// What it is about.
    pub subject: ObjectRef,
    /// `replicas=5`, `hpa=raise`.
    pub parameters: Vec<String>,
    /// Checks that are overridden.
    pub overrides: Vec<String>,
    /// Why.
    pub reason: Option<String>,
    /// A second person is part of it: the plan is made anew.
    pub second: Option<Second>,
}

/// Why a plan is made anew for a run that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Second {
    /// It was approved, and is confirmed once more. Run id.
    Again(String),
    /// It is approved here.
    Approve(Box<Asked>),
    /// The glass is broken for it: nobody approves. Run id.
    Alone(String),
}

impl Second {
    /// The run that waits.
    pub fn run(&self) -> &str {
        match self {
            Self::Again(run) | Self::Alone(run) => run,
            Self::Approve(asked) => &asked.run,
        }
    }
}

impl PlanRequest {
    /// Whether it names more than one object.
    pub fn is_about_several(&self) -> bool {
        self.parameters.iter().any(|p| p.starts_with("with="))
    }
}

/// Lines that [`Fetch::LastLines`] asks for.
pub const LAST_LINES: u32 = 10;

/// Something to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetch {
    /// An object as YAML.
    Yaml(ObjectRef),
    /// The pod templates of two revisions of a workload, as full JSON.
    Templates {
        /// The workload.
        workload: ObjectRef,
        /// The revision that is left.
        from: i64,
        /// The revision that is gone to.
        to: i64,
    },
    /// Who wrote the pod template of a workload last.
    Writer(ObjectRef),
    /// What these records of debts say.
    Debts(Vec<ObjectRef>),
    /// What a catalogue of backups says.
    Backups(ObjectRef),
    /// What a record of releases says of the schema.
    Schema(ObjectRef),
    /// What a database says was applied to it: one question.
    Applied {
        /// Its id.
        database: String,
        /// The question.
        sql: &'static str,
    },
    /// The last lines of a container that ended.
    LastLines(LogSource),
    /// All namespaces that may be listed.
    Namespaces,
}

/// Something that the journal knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recall {
    /// All runs, newest first.
    Runs,
    /// One run with its lines.
    Run(String),
    /// What takes back that run; without one the newest change that was made here.
    Undo(Option<String>, Here),
}

impl From<ActionRequest> for PlanRequest {
    fn from(request: ActionRequest) -> Self {
        Self {
            action: request.action,
            subject: request.object,
            parameters: request.parameters,
            overrides: request.overrides,
            reason: request.reason,
            second: None,
        }
    }
}
