//! What a run tells while it happens: one JSON line each (`timonel.run/1`, cli.md).
//!
//! Owns plain data. The last event of a run is `ended`, whatever happens.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::check::Check;
use super::outcome::{Outcome, Question};
use super::plan::Plan;
use super::step::StepId;
use crate::base::confirmation::Confirmation;

/// One thing that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunEvent {
    schema: &'static str,
    /// Which run.
    pub run: String,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// The plan was made.
    Planned {
        /// It.
        plan: Box<Plan>,
    },
    /// Its checks were answered.
    Checked {
        /// All of them.
        checks: Vec<Check>,
        /// Whether it may go on.
        allowed: bool,
        /// What stands in the way.
        blocked_by: Vec<String>,
    },
    /// Somebody confirmed it.
    Confirmed {
        /// At which level.
        level: Confirmation,
        /// `user@host`.
        by: String,
    },
    /// A step began.
    StepStarted {
        /// Its id.
        step: StepId,
        /// What it does.
        title: String,
        /// Whether it belongs to the way back.
        undo: bool,
    },
    /// A step came nearer to its proof.
    Progress {
        /// Its id.
        step: StepId,
        /// How far.
        #[serde(flatten)]
        progress: Progress,
    },
    /// A step is done: its proof holds.
    StepProven {
        /// Its id.
        step: StepId,
        /// The observed fact.
        text: String,
        /// How long it took, in seconds.
        took_seconds: f64,
    },
    /// A step cannot be done.
    StepFailed {
        /// Its id.
        step: StepId,
        /// Why: the root cause where one was found.
        reason: String,
        /// How long it was tried, in seconds.
        took_seconds: f64,
    },
    /// Something worth knowing that changes nothing: no right to annotate, a lock that was taken over.
    Note {
        /// In words.
        text: String,
    },
    /// The plan waits for a second person, before anything of it is done.
    Waiting {
        /// Until when.
        until: Timestamp,
        /// What is approved.
        plan_hash: String,
    },
    /// A second person approved it; it is confirmed once more.
    Approved {
        /// Who, by their name in the cluster.
        by: String,
    },
    /// The run waits for an answer.
    Asked {
        /// The question.
        #[serde(flatten)]
        question: Question,
    },
    /// The previous state is proven again.
    Undone {
        /// The observed fact.
        text: String,
    },
    /// The run is over.
    Ended {
        /// How.
        #[serde(flatten)]
        outcome: Outcome,
        /// The exit code that goes with it.
        exit_code: u8,
    },
}

/// How far a proof is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Progress {
    /// So many of `of`; `None` when it cannot be counted.
    pub done: Option<i64>,
    /// How many are wanted.
    pub of: Option<i64>,
    /// In words: `4/5 ready`.
    pub text: String,
    /// What is being waited for, one line each: `api-7d9f4-zzz  Pulling image (23 s)`.
    pub details: Vec<String>,
}

impl RunEvent {
    /// An event of a run.
    pub fn new(run: impl Into<String>, at: Timestamp, what: Happening) -> Self {
        Self { schema: "timonel.run/1", run: run.into(), at, what }
    }

    /// The last event of a run.
    pub fn ended(run: impl Into<String>, at: Timestamp, outcome: Outcome) -> Self {
        let exit_code = outcome.exit_code();
        Self::new(run, at, Happening::Ended { outcome, exit_code })
    }
}
