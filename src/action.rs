//! The catalogue of everything that a key, the palette, the help page and the key line can name.
//!
//! Owns names, titles and where an action makes sense; nothing here does anything. The keymap maps keys to these names, the
//! app acts on them, and help, palette and hints are made from the same table, so that none of them can disagree.

use serde::{Deserialize, Serialize};

/// Where keys are looked up: derived from what is on screen, innermost first, ending in [`Context::Global`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Context {
    /// Everywhere, unless an overlay takes all keys.
    Global,
    /// The workloads pane.
    Workloads,
    /// The health pane.
    Health,
    /// The releases pane.
    Releases,
    /// The logs pane.
    Logs,
    /// A reading view: YAML, describe, events, diff, problems, help.
    Document,
    /// One run of the journal, read.
    Record,
    /// A list to choose from: palette, contexts, namespaces, runs.
    Choice,
    /// The plan panel, while nothing is being typed.
    Plan,
    /// The run panel.
    Run,
    /// A text field: only keys that are not characters are looked up.
    Text,
}

impl Context {
    /// All contexts, in the order in which help shows them.
    pub const ALL: [Self; 11] = [
        Self::Global,
        Self::Workloads,
        Self::Health,
        Self::Releases,
        Self::Logs,
        Self::Document,
        Self::Record,
        Self::Choice,
        Self::Plan,
        Self::Run,
        Self::Text,
    ];

    /// The name as keymap files write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Workloads => "workloads",
            Self::Health => "health",
            Self::Releases => "releases",
            Self::Logs => "logs",
            Self::Document => "document",
            Self::Record => "record",
            Self::Choice => "choice",
            Self::Plan => "plan",
            Self::Run => "run",
            Self::Text => "text",
        }
    }
}

/// Declares the enum, its table and nothing else: one line per action keeps name, title and contexts together.
macro_rules! actions {
    ($($variant:ident, $name:literal, $title:literal, [$($context:ident),+], $reach:ident;)+) => {
        /// Something an operator can ask for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $(#[doc = $title] $variant,)+
        }

        impl Action {
            /// All actions, in the order in which help and palette show them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The table row of this action.
            pub const fn spec(self) -> Spec {
                match self {
                    $(Self::$variant => Spec {
                        action: Self::$variant,
                        name: $name,
                        title: $title,
                        contexts: &[$(Context::$context,)+],
                        reach: Reach::$reach,
                    },)+
                }
            }
        }
    };
}

/// One row of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The action.
    pub action: Action,
    /// Stable kebab-case name, as keymap files write it.
    pub name: &'static str,
    /// One sentence fragment for help, palette and key line.
    pub title: &'static str,
    /// Where it can be bound.
    pub contexts: &'static [Context],
    /// Whether it needs a key.
    pub reach: Reach,
}

/// How an action is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every shipped keymap binds it.
    Key,
    /// In the palette; a key is optional.
    Palette,
    /// A movement or edit: bound, but of no use in the palette.
    Motion,
}

actions! {
    Quit, "quit", "quit", [Global], Key;
    ForceQuit, "force-quit", "quit from anywhere", [Global, Text], Motion;
    Suspend, "suspend", "suspend to the shell", [Global, Text], Palette;
    Help, "help", "help: every key that works here", [Global], Key;
    Palette, "palette", "command palette", [Global], Key;
    Back, "back", "back, close, cancel", [Global, Document, Choice, Plan, Run, Text], Motion;
    NextPane, "next-pane", "focus the next pane", [Global], Motion;
    PreviousPane, "previous-pane", "focus the previous pane", [Global], Motion;
    FocusWorkloads, "focus-workloads", "go to Workloads", [Global], Key;
    FocusHealth, "focus-health", "go to Health", [Global], Key;
    FocusReleases, "focus-releases", "go to Releases", [Global], Key;
    FocusLogs, "focus-logs", "go to Logs", [Global], Key;
    Zoom, "zoom", "zoom the pane and back", [Global], Key;
    Problems, "problems", "problems: what the program could not do", [Global], Key;
    Locks, "locks", "locks: who works here, and which plan waits", [Global], Key;
    Journal, "journal", "journal: the runs, how they ended, what they left behind", [Global], Key;
    UndoLast, "undo-last", "undo the last own change: a new plan", [Global, Document], Key;
    Debts, "debts", "debts: what runs left, and the plan that pays it", [Global], Key;
    SwitchContext, "ctx", "switch context", [Global], Palette;
    SwitchNamespace, "ns", "switch namespaces", [Global], Palette;
    AllNamespaces, "all-namespaces", "look at all namespaces", [Global], Palette;
    Secrets, "secrets", "look at a Secret: key names, lengths, certificates", [Global], Palette;
    SignIn, "sign-in", "sign in again: a credential plugin gets the terminal", [Global], Palette;
    Redraw, "redraw", "draw the whole screen again", [Global], Key;
    NextTheme, "next-theme", "next colour theme", [Global], Palette;
    DismissFirstSteps, "dismiss-first-steps", "hide the first steps for good", [Global], Palette;

    Down, "down", "down", [Workloads, Health, Releases, Logs, Document, Choice], Motion;
    Up, "up", "up", [Workloads, Health, Releases, Logs, Document, Choice], Motion;
    HalfPageDown, "half-page-down", "half a page down", [Workloads, Health, Releases, Logs, Document, Choice], Motion;
    HalfPageUp, "half-page-up", "half a page up", [Workloads, Health, Releases, Logs, Document, Choice], Motion;
    PageDown, "page-down", "a page down", [Workloads, Health, Releases, Logs, Document, Choice], Motion;
    PageUp, "page-up", "a page up", [Workloads, Health, Releases, Logs, Document, Choice], Motion;
    Top, "top", "to the first row", [Workloads, Health, Releases, Logs, Document, Choice], Motion;
    Bottom, "bottom", "to the last row; in logs: follow", [Workloads, Health, Releases, Logs, Document, Choice], Motion;
    Left, "left", "collapse, or scroll left", [Workloads, Releases, Logs, Document], Motion;
    Right, "right", "expand, or scroll right", [Workloads, Releases, Logs, Document], Motion;
    Open, "open", "open what is selected", [Workloads, Health, Releases, Choice, Logs], Key;
    Mark, "mark", "mark the row", [Workloads, Releases], Key;
    MarkAll, "mark-all", "mark all rows that the filter shows", [Workloads], Palette;
    ClearMarks, "clear-marks", "clear all marks", [Workloads, Releases], Palette;
    Next, "next", "next match, or next unhealthy row", [Workloads, Health, Releases, Logs, Document], Key;
    Previous, "previous", "previous match, or previous unhealthy row", [Workloads, Health, Releases, Logs, Document], Key;
    Filter, "filter", "filter rows, search text", [Workloads, Health, Releases, Logs, Document], Key;
    SortNext, "sort-next", "sort by the next column", [Workloads], Key;
    SortReverse, "sort-reverse", "reverse the sort order", [Workloads], Key;
    Explain, "explain", "explain why it is not ok, or whether one can go back", [Workloads, Health, Releases], Key;
    Describe, "describe", "describe", [Workloads, Releases], Key;
    Yaml, "yaml", "YAML", [Workloads, Releases], Key;
    Events, "events", "events, newest first", [Workloads, Releases, Health, Logs], Key;
    Logs, "logs", "logs of the selection, zoomed", [Workloads], Key;
    Copy, "copy", "copy name or text to the clipboard (OSC 52)", [Workloads, Logs, Document, Releases], Key;

    DiffRelease, "diff-release", "compare with the current revision, or the two marked ones", [Releases], Key;
    BackPreview, "back-preview", "what going back would change, and what not", [Releases], Key;

    LogsPause, "logs-pause", "pause or follow", [Logs], Key;
    LogsWrap, "logs-wrap", "wrap long lines", [Logs], Key;
    LogsTimes, "logs-times", "show or hide times", [Logs], Key;
    LogsPrevious, "logs-previous", "previous run of the containers", [Logs], Key;
    LogsJson, "logs-json", "fold JSON lines, or show them raw", [Logs], Key;
    LogsInclude, "logs-include", "only lines that match a pattern", [Logs], Key;
    LogsExclude, "logs-exclude", "hide lines that match a pattern", [Logs], Key;
    LogsJump, "logs-jump", "jump to a time", [Logs], Key;
    LogsSave, "logs-save", "save the shown lines to a file", [Logs], Key;
    LogsClear, "logs-clear", "clear the buffer", [Logs], Palette;

    Scale, "scale", "scale", [Workloads, Global], Key;
    Rollback, "rollback", "roll back: to an older revision", [Workloads, Releases, Global], Key;
    Restart, "restart", "restart: every pod anew", [Workloads, Global], Key;
    PauseRollout, "pause-rollout", "pause or resume: a rollout, or a CronJob's schedule", [Workloads, Global], Key;
    Trigger, "trigger", "trigger: a Job of the CronJob now", [Workloads, Global], Key;
    BackUp, "back-up", "back up: make one of the declared backups now", [Workloads, Health, Global], Key;
    Migrate, "migrate", "migrate: bring the database to the newest revision of an image", [Workloads, Health, Releases, Global], Key;
    Inspect, "inspect", "inspect: ask an image and the database where the schema stands", [Workloads, Health, Releases, Global], Key;
    Evict, "evict", "evict: delete the pod as its disruption budget allows", [Workloads, Global], Key;
    Cordon, "cordon", "cordon: the pod's node takes no new pods, or takes them again", [Workloads, Global], Key;

    Approve, "approve", "approve: the plan of somebody else that waits for a second person", [Workloads, Global], Key;

    CancelRun, "cancel-run", "cancel the run and undo it", [Run], Key;
    UndoRun, "undo-run", "undo the run: a new plan", [Run, Record], Key;
    ResumeRun, "resume-run", "resume the run: go on where it stopped", [Run, Record], Key;
    RunLogs, "run-logs", "logs of the pods of this run", [Run], Key;
    OtherOrder, "other-order", "other order: several objects one after the other, or all at once", [Plan], Key;
    NewPlan, "new-plan", "make the plan anew", [Plan], Key;
    Arm, "arm", "arm: take it back after 10 min, 30 min, 2 h, or not, unless it is kept", [Plan], Key;
    Override, "override", "override a failed check, in writing", [Plan], Key;
    BreakGlass, "break-glass", "break the glass: without a second person, in writing and after a minute", [Plan], Key;

    DeleteLeft, "delete-left", "delete the character before the cursor", [Text], Motion;
    DeleteRight, "delete-right", "delete the character under the cursor", [Text], Motion;
    DeleteWord, "delete-word", "delete the word before the cursor", [Text], Motion;
    DeleteLine, "delete-line", "delete the whole text", [Text], Motion;
    CursorLeft, "cursor-left", "move the cursor left", [Text], Motion;
    CursorRight, "cursor-right", "move the cursor right", [Text], Motion;
    CursorStart, "cursor-start", "to the start of the text", [Text], Motion;
    CursorEnd, "cursor-end", "to the end of the text", [Text], Motion;
    Submit, "submit", "take the text, begin the plan", [Text, Plan], Motion;
    Complete, "complete", "complete the word", [Text], Motion;
    HistoryBack, "history-back", "the text used before", [Text], Motion;
    HistoryForward, "history-forward", "the text used after", [Text], Motion;
}

impl Action {
    /// Stable name, as keymap files write it.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// Title for people.
    pub const fn title(self) -> &'static str {
        self.spec().title
    }

    /// The title in a word or two, where space is short: what comes before a colon or comma.
    pub fn short(self) -> &'static str {
        self.title().split([':', ',']).next().unwrap_or_default()
    }

    /// The action of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|a| a.name() == name)
    }

    /// Whether it leads to a change of the target. What begins something new lives under the leader key `a` (contract.md 14).
    pub const fn changes(self) -> bool {
        let begins = matches!(
            self,
            Self::Scale
                | Self::Rollback
                | Self::Restart
                | Self::PauseRollout
                | Self::Trigger
                | Self::BackUp
                | Self::Migrate
                | Self::Inspect
                | Self::Evict
                | Self::Cordon
        );
        begins || matches!(self, Self::Approve | Self::UndoLast | Self::UndoRun | Self::ResumeRun)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Action;

    #[test]
    fn names_are_unique_kebab_case_and_found_again() {
        let mut seen = HashSet::new();
        for action in Action::ALL {
            assert!(seen.insert(action.name()), "{} twice", action.name());
            assert!(action.name().chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", action.name());
            assert_eq!(Action::named(action.name()), Some(*action));
        }
    }
}
