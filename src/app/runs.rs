//! Runs of this console, as their events tell them.
//!
//! Owns what is shown of a run while it happens; what the journal says of runs is in `journal`. Must not carry anything out.

mod journal;

use std::sync::Arc;

use jiff::Timestamp;

use crate::run::{Happening, Outcome, Plan, Progress, Question, RunEvent, StepId};

/// Runs kept for looking at; older ones are in the journal.
const KEPT: usize = 20;

/// One run.
#[derive(Debug)]
pub struct RunView {
    /// Run id.
    pub id: String,
    /// `Scale eterna-rules-backend`.
    pub title: String,
    /// The plan, once it was told.
    pub plan: Option<Arc<Plan>>,
    /// When it began.
    pub started: Timestamp,
    /// Steps, in the order in which they began.
    pub steps: Vec<StepView>,
    /// Things worth knowing that changed nothing.
    pub notes: Vec<String>,
    /// It waits for an answer.
    pub question: Option<Question>,
    /// How it ended, and when.
    pub ended: Option<(Outcome, Timestamp)>,
}

/// One step of a run.
#[derive(Debug)]
pub struct StepView {
    /// Its id.
    pub id: StepId,
    /// What it does.
    pub title: String,
    /// Whether it belongs to the way back.
    pub undo: bool,
    /// Since when it is being done.
    pub since: Timestamp,
    /// How far it is.
    pub state: StepState,
    /// What was observed last.
    pub progress: Progress,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq)]
pub enum StepState {
    /// Not begun.
    Waiting,
    /// Being done.
    Running,
    /// Its proof holds: the observed fact, and seconds taken.
    Proven(String, f64),
    /// Cannot be done: why, and seconds tried.
    Failed(String, f64),
}

/// Runs, newest last.
#[derive(Debug, Default)]
pub struct Runs {
    runs: Vec<RunView>,
    /// The action that was planned because a run failed, and not because somebody chose it.
    pub(super) offered: Option<String>,
}

impl Runs {
    /// Takes in what a run tells. Returns whether it ended just now.
    pub fn apply(&mut self, event: RunEvent) -> bool {
        let at = event.at;
        let run = self.entry(event.run, at);
        match event.what {
            Happening::Planned { plan } => run.plan(plan.into(), at),
            Happening::Checked { .. } | Happening::Confirmed { .. } => {}
            Happening::StepStarted { step, title, undo } => run.start(step, title, undo, at),
            Happening::Progress { step, progress } => run.step(step, |s| s.progress = progress),
            Happening::StepProven { step, text, took_seconds } => run.step(step, |s| s.state = StepState::Proven(text, took_seconds)),
            Happening::StepFailed { step, reason, took_seconds } => run.step(step, |s| s.state = StepState::Failed(reason, took_seconds)),
            Happening::Note { text } => run.notes.push(text),
            Happening::Undone { text } => run.notes.push(format!("undone: {text}")),
            Happening::Waiting { until, .. } => run.notes.push(format!("waits for a second person until {until:.0}: `timonel approve {}`", run.id)),
            Happening::Approved { by } => run.notes.push(format!("approved by {by}")),
            Happening::Asked { question } => run.question = Some(question),
            Happening::Ended { outcome, .. } => {
                run.question = None;
                run.ended = Some((outcome, at));
                return true;
            }
        }
        false
    }

    /// A run.
    pub fn get(&self, id: &str) -> Option<&RunView> {
        self.runs.iter().find(|r| r.id == id)
    }

    /// The answer to its question is on its way.
    pub fn answered(&mut self, id: &str) {
        if let Some(run) = self.runs.iter_mut().find(|r| r.id == id) {
            run.question = None;
        }
    }

    /// Newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &RunView> {
        self.runs.iter().rev()
    }

    /// The run that goes on now, if any.
    pub fn live(&self) -> Option<&RunView> {
        self.newest_first().find(|r| r.ended.is_none())
    }

    fn entry(&mut self, id: String, at: Timestamp) -> &mut RunView {
        let index = self.runs.iter().position(|r| r.id == id).unwrap_or_else(|| {
            if self.runs.len() >= KEPT {
                // The oldest that is over goes; one that goes on is never dropped.
                if let Some(over) = self.runs.iter().position(|r| r.ended.is_some()) {
                    self.runs.remove(over);
                }
            }
            self.runs.push(RunView {
                title: id.clone(),
                id,
                plan: None,
                started: at,
                steps: Vec::new(),
                notes: Vec::new(),
                question: None,
                ended: None,
            });
            self.runs.len() - 1
        });
        &mut self.runs[index]
    }
}

impl RunView {
    /// A run begins with its plan; one that is resumed begins again.
    fn plan(&mut self, plan: Arc<Plan>, at: Timestamp) {
        (self.started, self.ended, self.question) = (at, None, None);
        self.notes.clear();
        self.title = format!("{} {}", plan.title(), plan.quantity());
        let since = self.started;
        self.steps = plan
            .steps()
            .iter()
            .map(|s| StepView { id: s.id, title: s.title.clone(), undo: false, since, state: StepState::Waiting, progress: Progress::default() })
            .collect();
        self.plan = Some(plan);
    }

    fn start(&mut self, id: StepId, title: String, undo: bool, at: Timestamp) {
        if let Some(step) = self.steps.iter_mut().find(|s| s.id == id && s.undo == undo && s.state == StepState::Waiting) {
            step.state = StepState::Running;
            step.since = at;
            step.title = title;
            return;
        }
        self.steps
            .push(StepView { id, title, undo, since: at, state: StepState::Running, progress: Progress::default() });
    }

    /// The newest running step of that id: the way back may use an id again.
    fn step(&mut self, id: StepId, change: impl FnOnce(&mut StepView)) {
        if let Some(step) = self.steps.iter_mut().rev().find(|s| s.id == id && s.state == StepState::Running) {
            change(step);
        }
    }
}
