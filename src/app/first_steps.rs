//! The first steps: what a newcomer may do next, one at a time.
//!
//! Owns the steps, and notices when one was done, by whatever key. Must not do any of them, nor know what the cluster is.

use super::App;
use super::effect::Effect;
use super::overlay::{Live, Overlay, Source};
use crate::action::Action;
use crate::base::health::Health;

/// How far a newcomer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstSteps {
    at: usize,
    /// File that says for good that they are not wanted.
    flag: String,
}

/// One step.
#[derive(Debug)]
pub struct Step {
    /// What makes it done, for its key; `None` where there is only something to wait for.
    pub action: Option<Action>,
    /// What it brings.
    pub say: &'static str,
    done: fn(&App) -> bool,
}

/// All steps, in order. The last one stays.
const STEPS: &[Step] = &[
    Step {
        action: Some(Action::Help),
        say: "lists the keys that work here; all is calm for a minute",
        done: |app| app.reads_help() || app.is_troubled(),
    },
    Step {
        action: Some(Action::Help),
        say: "lists the keys; now wait: something is going to happen",
        done: App::is_troubled,
    },
    Step { action: Some(Action::Next), say: "goes to the next row that is not ok", done: App::stands_on_trouble },
    Step { action: Some(Action::Explain), say: "explains why it is not ok", done: App::reads_why },
    Step {
        action: Some(Action::Scale),
        say: "scales: esc, then the row that was OOMKilled, and type 4",
        done: App::has_plan_or_run,
    },
    Step { action: None, say: "See what changes and what was checked; type what is asked", done: App::has_run },
    Step { action: None, say: "Accepted is not done: watch the proof", done: App::has_ended_run },
    Step { action: Some(Action::Journal), say: "lists what was run; help has the rest. That was it", done: |_| false },
];

impl FirstSteps {
    /// At the beginning; `flag` is where it is remembered that they are not wanted any more.
    pub fn new(flag: String) -> Self {
        Self { at: 0, flag }
    }

    /// The step that is next, and its number from 1 of how many.
    pub fn next(&self) -> (&'static Step, usize, usize) {
        (&STEPS[self.at.min(STEPS.len() - 1)], self.at + 1, STEPS.len())
    }
}

impl App {
    /// Goes on over every step that was done. Called when what is seen was brought up to date.
    pub(super) fn go_on_with_first_steps(&mut self) {
        while let Some(steps) = &self.first_steps
            && (steps.next().0.done)(self)
        {
            let at = steps.at + 1;
            self.first_steps.iter_mut().for_each(|steps| steps.at = at);
        }
    }

    /// Takes them away for good.
    pub(super) fn dismiss_first_steps(&mut self) -> Vec<Effect> {
        match self.first_steps.take() {
            Some(steps) => vec![Effect::Remember(steps.flag)],
            None => self.refuse("there are no first steps on screen"),
        }
    }

    fn reads(&self, wanted: impl Fn(&Live) -> bool) -> bool {
        self.overlays
            .iter()
            .any(|o| matches!(o, Overlay::Document(reading) if matches!(&reading.source, Source::Live(live) if wanted(live))))
    }

    fn reads_help(&self) -> bool {
        self.reads(|live| matches!(live, Live::Help(_)))
    }

    fn reads_why(&self) -> bool {
        self.reads(|live| matches!(live, Live::Explain(_)))
    }

    fn is_troubled(&self) -> bool {
        self.fleet.rows().any(|row| matches!(row.health, Health::Degraded | Health::Down))
    }

    fn stands_on_trouble(&self) -> bool {
        self.workloads.selected_row().is_some_and(|row| matches!(row.health, Health::Degraded | Health::Down))
    }

    fn has_plan_or_run(&self) -> bool {
        self.has_run()
            || self
                .overlays
                .iter()
                .any(|o| matches!(o, Overlay::Plan(panel) if panel.ready().is_some_and(|plan| plan.allowed())))
    }

    fn has_run(&self) -> bool {
        self.runs.newest_first().next().is_some()
    }

    fn has_ended_run(&self) -> bool {
        self.runs.newest_first().any(|run| run.ended.is_some())
    }
}
