//! Taking a change back: which run is meant, and the request for the plan of its way back.
//!
//! Owns when a run can be taken back and why not. Makes no plan: that is made anew from what is there now, with a confirmation of its
//! own.

use super::actions::ActionRequest;
use super::context::FileRef;
use super::journal::{self, Entry, RunSummary};
use super::outcome::End;
use super::plan::{Plan, PlanTarget};
use super::resume::{ResumeError, recorded_plan};

/// A change that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// The run that made it.
    pub run: String,
    /// Where it was made.
    pub target: PlanTarget,
    /// The service file that it was made with.
    pub file: Option<FileRef>,
    /// What takes it back.
    pub request: ActionRequest,
}

/// The target that somebody looks at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Here {
    /// Context of the kubeconfig.
    pub context: String,
    /// UID of the cluster, where it can be read.
    pub cluster_uid: Option<String>,
}

impl Here {
    /// Whether that is the same target: by its UID, and by the name of the context only where a UID is not known.
    pub fn is(&self, target: &PlanTarget) -> bool {
        match (&self.cluster_uid, &target.cluster_uid) {
            (Some(here), Some(there)) => here == there,
            _ => self.context == target.context,
        }
    }
}

/// Why nothing is taken back. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum NotUndone {
    /// The journal does not have the run, or not enough of it.
    #[error(transparent)]
    Record(#[from] ResumeError),
    /// Nothing was changed from here.
    #[error("the journal has no change that was made on this cluster: there is nothing to undo")]
    Nothing,
    /// It did not come to its end, or could not find out how things stand.
    #[error("run {id} ({words}) is not undone, nothing was written: {why}")]
    Open {
        /// Its id.
        id: String,
        /// What it is about.
        words: String,
        /// How it stands.
        why: &'static str,
    },
    /// It cannot be taken back.
    #[error("run {id} ({words}) is not undone, nothing was written: {why}")]
    Refused {
        /// Its id.
        id: String,
        /// What it is about.
        words: String,
        /// Why.
        why: String,
    },
}

impl NotUndone {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Record(error) => error.hint(),
            Self::Open { id, .. } => Some(format!("go on with it first: `timonel runs resume {id}`")),
            Self::Nothing | Self::Refused { .. } => None,
        }
    }
}

/// The parameter that says which run is taken back: a change is a mitigation then.
pub(in crate::run) fn parameter(run: &str) -> String {
    format!("undoes={run}")
}

/// The run that a parameter says is taken back.
pub(in crate::run) fn undone(parameter: &str) -> Option<&str> {
    parameter.strip_prefix("undoes=").filter(|run| !run.is_empty())
}

/// What takes back the run of that id.
pub fn undoing(entries: &[Entry], id: &str) -> Result<Undo, NotUndone> {
    let plan = recorded_plan(entries, id)?;
    let run = journal::runs(entries).into_iter().find(|r| r.id == id).ok_or(NotUndone::Nothing)?;
    match (run.outcome, run.undone) {
        (None, _) => Err(open(&run, "it did not come to its end")),
        (Some(End::Refused), _) => Err(refused(&run, "it changed nothing")),
        (Some(End::Failed), true) => Err(refused(&run, "it was undone already")),
        (Some(_), _) => of(&run, &plan),
    }
}

/// What takes back the newest change that was made from here on that target. A run that changed nothing, or took back what it did by
/// itself, is no change; behind one of which it is not known how things stand, no older one is taken back.
pub fn undoing_last(entries: &[Entry], here: &Here) -> Result<Undo, NotUndone> {
    for run in journal::runs(entries) {
        // What an older version wrote, or damage: no plan can be made from it, and what it did is not known.
        let plan = recorded_plan(entries, &run.id)?;
        if !here.is(&plan.target) || plan.objects().is_empty() {
            continue;
        }
        match run.outcome {
            Some(End::Refused | End::Failed) => {}
            None => return Err(open(&run, "it is the newest change, and did not come to its end")),
            Some(End::Unknown) => return Err(open(&run, "it is the newest change, and it is not known how things stand")),
            Some(End::FailedWithDebts) => return Err(open(&run, "it is the newest change, and it left debts")),
            Some(End::Proven) => return of(&run, &plan),
        }
    }
    Err(NotUndone::Nothing)
}

fn of(run: &RunSummary, plan: &Plan) -> Result<Undo, NotUndone> {
    let mut request = plan.undoing().map_err(|why| refused(run, &why))?;
    request.reason = Some(format!("undo of {}", run.id));
    request.parameters.push(parameter(&run.id));
    Ok(Undo { run: run.id.clone(), target: plan.target.clone(), file: plan.file().cloned(), request })
}

fn words(run: &RunSummary) -> String {
    format!("{} {} {}", run.action, run.subject, run.quantity)
}

fn open(run: &RunSummary, why: &'static str) -> NotUndone {
    NotUndone::Open { id: run.id.clone(), words: words(run), why }
}

fn refused(run: &RunSummary, why: &str) -> NotUndone {
    NotUndone::Refused { id: run.id.clone(), words: words(run), why: why.to_owned() }
}

#[cfg(test)]
mod tests;
