//! What happened, as the core hears of it.
//!
//! Owns the list of messages. Every one comes with the time at which it is handled.

use std::sync::Arc;

use serde_json::Value;

use super::notice::Tone;
use super::pane::Pane;
use super::ticket::Ticket;
use crate::base::problem::Problem;
use crate::fleet::Writer;
use crate::keymap::Key;
use crate::run::backup::Known;
use crate::run::debts::Owed;
use crate::run::journal::{RunRecord, RunSummary};
use crate::run::migrate::releases::Record;
use crate::run::{OwnRuns, Plan, RunEvent, Undo};
use crate::target::event::TargetEvent;

/// One thing that happened.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// The wheel was turned, in rows; negative is up.
    Wheel(i16),
    /// A pane was clicked, on this visible row of its list when it was one.
    Click(Pane, Option<u16>),
    /// Time passed.
    Tick,
    /// The target told something.
    Target(TargetEvent),
    /// An answer to a question.
    Answer(Ticket, Answer),
    /// A run told something.
    Run(RunEvent),
    /// Something was done or failed that deserves a line.
    Notice(Tone, String),
    /// The timer of that armed run was taken up: this console takes its change back.
    TakenUp(String),
    /// What our own journal says.
    OwnRuns(OwnRuns),
    /// Problems to add; a problem of the same id is replaced.
    Problems(Vec<Problem>),
    /// A frame was shown: what is on screen now has been seen, and this much fits.
    Drawn(Measures),
}

/// An answer to a question.
#[derive(Debug)]
pub enum Answer {
    /// A document as text.
    Text(Result<String, String>),
    /// Two pod templates.
    Templates(Result<Box<(Value, Value)>, String>),
    /// Who wrote a pod template last; `None` = the object does not tell.
    Writer(Result<Option<Writer>, String>),
    /// What the records of debts say.
    Debts(Result<Vec<Owed>, String>),
    /// What is known of the backups.
    Backups(Known),
    /// What is known of the schema.
    Schema(Record),
    /// What a database says was applied to it.
    Applied(Result<Vec<String>, String>),
    /// What a container said last, oldest first.
    LastLines(Result<Vec<String>, String>),
    /// Names to choose from.
    Names(Result<Vec<String>, String>),
    /// A plan.
    Plan(Result<Arc<Plan>, Box<Problem>>),
    /// The runs of the journal, newest first.
    Runs(Result<Vec<RunSummary>, String>),
    /// One run of it.
    Record(Result<Box<RunRecord>, String>),
    /// What takes a change back.
    Undo(Result<Box<Undo>, String>),
}

/// How many rows fit, as drawn last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measures {
    /// Rows of the workloads pane.
    pub workloads: u16,
    /// Rows of the health pane.
    pub health: u16,
    /// Rows of the releases pane.
    pub releases: u16,
    /// Rows of the logs pane.
    pub logs: u16,
    /// Rows of the overlay on top.
    pub overlay: u16,
}
