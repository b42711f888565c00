//! How a run ended, and what it left behind.
//!
//! Owns the four ends of a run (and "refused"), debts, and the exit codes that follow (cli.md).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::confirm::Refusal;
use crate::base::text::Str;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Done, and every proof held.
    Proven,
    /// Failed, and nothing is left behind.
    Failed,
    /// Failed, and something is left behind.
    FailedWithDebts,
    /// It could not be found out how things stand.
    Unknown,
    /// Nothing was written.
    Refused,
}

impl End {
    /// Whether a run that ended so can be gone on with: it could not find out how things stand, or left debts that going on may settle.
    pub const fn may_be_resumed(self) -> bool {
        matches!(self, Self::Unknown | Self::FailedWithDebts)
    }

    /// The word in JSON and journal.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Failed => "failed",
            Self::FailedWithDebts => "failed-with-debts",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }
}

/// Something that a run left behind and that must be undone or settled by somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Debt {
    /// Stable within the run: the id of the step that made it.
    pub id: String,
    /// The object.
    pub object: String,
    /// What is left, in words.
    pub what: String,
    /// What pays it: a command, or what to look at.
    pub pay: String,
}

/// How the words of a debt end whose change was taken back.
pub(in crate::run) const TAKEN_BACK: &str = "taken back, and the previous state is not proven";

impl Debt {
    /// Whether the value before is there again, only not proven.
    pub(in crate::run) fn is_taken_back(&self) -> bool {
        self.what.ends_with(TAKEN_BACK)
    }
}

/// Which signal ended a run early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Interrupt: exit code 130.
    Interrupt,
    /// Terminate: exit code 143.
    Terminate,
}

/// The end of a run with all that must be said about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outcome {
    /// How it ended.
    pub outcome: End,
    /// Why, in one sentence; the root cause where one was found.
    pub reason: String,
    /// What to do next; empty when there is nothing to say.
    pub hint: String,
    /// Whether the previous state was proven again.
    pub undone: bool,
    /// What is left behind. A proven run may leave debts too: a paused autoscaler.
    pub debts: Vec<Debt>,
    /// Steps that failed though the run went on after them, in words; such a run is never proven.
    pub failed_steps: Box<[String]>,
    /// A signal that ended it early.
    pub interrupted: Option<Signal>,
    /// Why the journal does not have all of this, when it does not.
    pub journal: Option<Box<str>>,
    /// The action of the service file that the failed step offers: it is planned where somebody is there, and confirmed by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offers: Option<Box<Offer>>,
}

/// Id of an action of the service file that is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Offer(pub String);

impl Outcome {
    /// An end without anything else to say.
    pub fn new(outcome: End, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            reason: reason.into(),
            hint: String::new(),
            undone: false,
            debts: Vec::new(),
            failed_steps: Box::default(),
            interrupted: None,
            journal: None,
            offers: None,
        }
    }

    /// A run that never began.
    pub fn refused(refusal: &Refusal) -> Self {
        Self { hint: refusal.hint().to_owned(), ..Self::new(End::Refused, refusal.to_string()) }
    }

    /// The exit code of `run`, `runs resume`, `runs undo` (cli.md).
    pub const fn exit_code(&self) -> u8 {
        match (self.outcome, self.interrupted) {
            (End::Proven, _) => 0,
            (_, Some(Signal::Interrupt)) => 130,
            (_, Some(Signal::Terminate)) => 143,
            (End::Failed, None) => 1,
            (End::FailedWithDebts, None) => 2,
            (End::Unknown, None) => 3,
            (End::Refused, None) => 4,
        }
    }

    /// `failed and undone`, `failed with debts`: the end in words.
    pub const fn words(&self) -> &'static str {
        match self.outcome {
            End::Proven => "proven",
            End::Failed if self.undone => "failed and undone",
            End::Failed if !self.failed_steps.is_empty() => "failed in part, and went on to its end",
            End::Failed => "failed, nothing is left behind",
            End::FailedWithDebts => "failed with debts",
            End::Unknown => "unknown",
            End::Refused => "refused, nothing was written",
        }
    }
}

/// A question of a run that paused (contract.md 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Question {
    /// What happened.
    pub reason: Str,
    /// The ways on, the safest first.
    pub ways: Vec<Way>,
    /// What must be typed to go on; null where choosing will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typed: Option<Str>,
}

/// A way on for a run that paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Take back what was written, and prove the previous state.
    Undo,
    /// Wait as long again for the proof.
    Wait,
    /// Leave things as they are; what is left is listed as debts.
    Leave,
    /// Go on with the next step.
    GoOn,
    /// What the step was to do was done.
    Done,
    /// It was not done.
    NotDone,
    /// Do it again.
    Again,
}

impl Way {
    /// What it does, for the panel.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Undo => "undo and prove the previous state",
            Self::Wait => "wait as long again",
            Self::Leave => "leave it as it is, listed as a debt",
            Self::GoOn => "go on",
            Self::Done => "it was done: go on",
            Self::NotDone => "it was not done: the step failed",
            Self::Again => "run it again",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{End, Outcome, Signal};

    #[test]
    fn exit_codes_are_those_of_the_command_line() {
        for (end, interrupted, code) in [
            (End::Proven, None, 0),
            (End::Failed, None, 1),
            (End::FailedWithDebts, None, 2),
            (End::Unknown, None, 3),
            (End::Refused, None, 4),
            (End::FailedWithDebts, Some(Signal::Interrupt), 130),
            (End::Failed, Some(Signal::Terminate), 143),
            (End::Proven, Some(Signal::Interrupt), 0),
        ] {
            let outcome = Outcome { interrupted, ..Outcome::new(end, "") };
            assert_eq!(outcome.exit_code(), code, "{end:?} {interrupted:?}");
        }
    }
}
