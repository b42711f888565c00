//! A question at the bottom of the screen that is answered with one line of text.
//!
//! Owns what is asked, what was typed, and what is wrong with it. Taking the answer is the app's business.

use super::file_action::Asking;
use super::text_field::TextField;
use crate::action::Action;
use crate::target::model::ObjectRef;

/// What a prompt asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A filter for workload rows; narrows while it is typed.
    Filter,
    /// A pattern to search for in the logs.
    SearchLogs,
    /// Text to search for in the document.
    SearchDocument,
    /// A pattern that shown log lines match.
    IncludeLogs,
    /// A pattern that hidden log lines match.
    ExcludeLogs,
    /// A time to jump to in the logs: `14:32`, `14:32:06`, `-10m`.
    JumpLogs,
    /// A file to save log lines to.
    SaveLogs,
    /// How many replicas a workload shall have.
    Replicas {
        /// The workload.
        workload: ObjectRef,
        /// How many it has now.
        current: i32,
        /// The marked workloads that were answered for before, with their counts.
        told: Vec<(ObjectRef, u32)>,
        /// Those that are asked about next.
        rest: Vec<ObjectRef>,
    },
    /// Why a check is overridden.
    Reason {
        /// The check.
        check: String,
    },
    /// What an action of the service file needs.
    Variable(Asking),
    /// The image that is migrated to, or inspected.
    Image(Action),
    /// What a step of a run asks to be typed.
    GoOn {
        /// The run.
        run: String,
        /// The text.
        wanted: String,
    },
    /// Why the glass is broken.
    Alone,
}

impl Purpose {
    /// What stands before the text.
    pub fn label(&self) -> String {
        match self {
            Self::Filter => "filter".into(),
            Self::SearchLogs | Self::SearchDocument => "search".into(),
            Self::IncludeLogs => "only lines matching".into(),
            Self::ExcludeLogs => "hide lines matching".into(),
            Self::JumpLogs => "jump to time".into(),
            Self::SaveLogs => "save to".into(),
            Self::Replicas { workload, current, told, rest } => {
                let all = told.len() + 1 + rest.len();
                let which = if all > 1 { format!(" ({} of {all})", told.len() + 1) } else { String::new() };
                format!("scale {}{which} from {current} to", workload.name)
            }
            Self::Reason { check } => format!("why override {check}"),
            Self::Variable(asking) => asking.question.clone(),
            Self::Image(Action::Migrate) => "migrate to image".into(),
            Self::Image(_) => "inspect image".into(),
            Self::GoOn { wanted, .. } => format!("to go on type  {wanted} "),
            Self::Alone => "why without a second person".into(),
        }
    }

    /// What an empty text shows in its place.
    pub fn placeholder(&self) -> &str {
        match self {
            Self::Filter => "text  status!=Running  restarts>=5  node=…  app=…",
            Self::SearchLogs | Self::IncludeLogs | Self::ExcludeLogs => "regular expression",
            Self::SearchDocument => "text",
            Self::JumpLogs => "14:32  14:32:06  -10m",
            Self::SaveLogs => "file",
            Self::Replicas { .. } => "number of replicas",
            Self::Variable(asking) => &asking.hint,
            Self::Image(_) => "an image, or a tag of the one that runs",
            Self::GoOn { .. } => "",
            Self::Reason { .. } | Self::Alone => "a sentence; it is recorded",
        }
    }

    /// Texts of one kind share a history.
    pub const fn history(&self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::SearchLogs | Self::SearchDocument => "search",
            Self::IncludeLogs => "include",
            Self::ExcludeLogs => "exclude",
            Self::JumpLogs => "jump",
            Self::SaveLogs => "save",
            Self::Replicas { .. } => "replicas",
            Self::Variable(_) => "variable",
            Self::Image(_) => "image",
            Self::GoOn { .. } => "go-on",
            Self::Reason { .. } | Self::Alone => "reason",
        }
    }
}

/// A question on screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What is asked.
    pub purpose: Purpose,
    /// What was typed.
    pub field: TextField,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl Prompt {
    /// A question with a text to start from.
    pub fn new(purpose: Purpose, text: impl Into<String>, history: Vec<String>) -> Self {
        Self { purpose, field: TextField::new(text).with_history(history), error: None }
    }
}
