//! Resuming a run: from what the journal says of it, and what is there now, to a run that goes on.
//!
//! Owns which runs may be resumed, and the finding of what the journal does not keep. What is true of the target is found out by
//! the machine, step by step; the confirmation is the one that was given.

mod recheck;

pub(in crate::run) use recheck::recheck;

use serde_json::Value;

use super::backup;
use super::confirm::Confirmed;
use super::context::FileRef;
use super::cronjob;
use super::facts::WorkloadFacts;
use super::journal::{self, Claim, DamageKind, Entry, EntryKind, Journal, JournalError, Recorder as _, RunSummary};
use super::machine::{Fate, GONE_PAST, Past, Request};
use super::migrate;
use super::outcome::End;
use super::plan::{Plan, PlanTarget};
use super::record::{Kept, RecordError};
use super::rollback;
use super::step::{Fact, JobCommand, Proof, Stamp, Work};
use super::undo::Here;
use crate::base::problem::did_you_mean;
use crate::target::api::{ErrorKind, Read, TargetError};
use crate::target::model::ObjectRef;

/// Why a run is not resumed, or not undone. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The journal knows no such run.
    #[error("there is no run '{id}' in the journal")]
    Missing {
        /// As typed.
        id: String,
        /// An id that is close.
        close: Option<String>,
    },
    /// It goes on in another process.
    #[error("run {0} goes on in another process")]
    Running(String),
    /// It has come to its end.
    #[error("run {id} is over: {words}")]
    Over {
        /// Its id.
        id: String,
        /// How it ended.
        words: String,
    },
    /// It was not confirmed.
    #[error("run {0} was not confirmed: nothing of it was written")]
    NotConfirmed(String),
    /// Its lines are not as they were written.
    #[error("the journal is not as it was written: {0}")]
    Damaged(String),
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal does not have enough of it.
    #[error("run {id} cannot be taken up: {error}")]
    Record {
        /// Its id.
        id: String,
        /// What is missing.
        error: RecordError,
    },
    /// This is another cluster.
    #[error("run {id} was on another cluster ({wanted}), not on this one ({found})")]
    OtherCluster {
        /// Its id.
        id: String,
        /// UID of its cluster.
        wanted: String,
        /// UID of this one.
        found: String,
    },
    /// The target did not answer.
    #[error("{object} cannot be read: {error}")]
    Target {
        /// What was asked for.
        object: String,
        /// The answer.
        error: TargetError,
    },
}

impl ResumeError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { close: Some(close), .. } => Some(format!("did you mean '{close}'?")),
            Self::Missing { .. } => Some("`timonel runs` lists them".to_owned()),
            Self::Over { id, .. } => Some(format!("`timonel runs show {id}` tells it; `timonel runs undo {id}` plans the way back")),
            Self::NotConfirmed(_) => Some("make a new plan".to_owned()),
            Self::Damaged(_) => Some("`timonel journal verify` names the line; settle the run by hand".to_owned()),
            Self::Record { id, .. } => Some(format!("`timonel runs show {id}` tells what was meant; settle it by hand")),
            Self::OtherCluster { .. } => Some("open its context: --context NAME, or :ctx NAME".to_owned()),
            Self::Running(_) | Self::Journal(_) | Self::Target { .. } => None,
        }
    }
}

/// A run that did not come to its end, claimed for this process.
pub struct Unfinished {
    id: String,
    kept: Kept,
    past: Past,
    plan_hash: String,
    confirmed_at: jiff::Timestamp,
    /// The plan without what the journal does not keep: whose it is and where, nothing to be written.
    outline: Plan,
    claim: Claim,
}

/// A run that can go on.
pub struct Resumed {
    confirmed: Confirmed,
    past: Past,
    claim: Claim,
}

impl Resumed {
    /// The plan that was confirmed.
    pub fn plan(&self) -> &Plan {
        self.confirmed.plan()
    }

    pub(in crate::run) fn into_parts(self) -> (Confirmed, Past, Claim) {
        (self.confirmed, self.past, self.claim)
    }
}

/// The plan of a run in the journal, as far as the journal has it: to look at, and to make a plan from that takes it back.
pub(in crate::run) fn recorded_plan(entries: &[Entry], id: &str) -> Result<Plan, ResumeError> {
    find(entries, id)?;
    outline(entries, id).map(|(_, plan)| plan)
}

/// Fails where a line of the journal is not as it was written: nothing is done on its word then.
pub(in crate::run) fn unharmed(journal: &Journal) -> Result<(), ResumeError> {
    // A torn last line is what a process leaves that is killed while it writes: what it was about to record was not sent.
    let damages = journal::verify(journal.folder())?.damages;
    match damages.iter().find(|d| d.kind != DamageKind::Torn) {
        Some(damage) => Err(ResumeError::Damaged(format!("{}:{}: {}", damage.file, damage.line, damage.detail))),
        None => Ok(()),
    }
}

fn outline(entries: &[Entry], id: &str) -> Result<(Kept, Plan), ResumeError> {
    let of = |error| ResumeError::Record { id: id.to_owned(), error };
    let line = own(entries, id).find(|e| e.kind == EntryKind::Plan);
    let record = line.and_then(|e| e.data.get("record")).ok_or_else(|| of(RecordError::Missing))?;
    let kept = Kept::read(record).map_err(of)?;
    let plan = kept.plan([]).map_err(of)?;
    Ok((kept, plan))
}

fn own<'a>(entries: &'a [Entry], id: &'a str) -> impl Iterator<Item = &'a Entry> {
    entries.iter().filter(move |e| e.run.as_deref() == Some(id))
}

fn find(entries: &[Entry], id: &str) -> Result<RunSummary, ResumeError> {
    let all = journal::runs(entries);
    let close = did_you_mean(id, all.iter().map(|r| r.id.as_str())).map(str::to_owned);
    all.into_iter().find(|r| r.id == id).ok_or_else(|| ResumeError::Missing { id: id.to_owned(), close })
}

impl Unfinished {
    /// Claims the run and reads what the journal says of it.
    pub fn open(journal: &Journal, id: &str) -> Result<Self, ResumeError> {
        // Asked before the claim, which makes a file of that name.
        find(&journal::read(journal.folder())?.entries, id)?;
        let claim = journal.claim(id)?.ok_or_else(|| ResumeError::Running(id.to_owned()))?;
        unharmed(journal)?;
        // Read again: whoever held the claim before may have ended the run.
        let entries = journal::read(journal.folder())?.entries;
        let run = find(&entries, id)?;
        if !run.may_be_resumed() {
            return Err(ResumeError::Over { id: id.to_owned(), words: run.outcome.map_or("", End::word).to_owned() });
        }
        let (kept, outline) = outline(&entries, id)?;
        let confirm = own(&entries, id).find(|e| e.kind == EntryKind::Confirm);
        let confirm = confirm.ok_or_else(|| ResumeError::NotConfirmed(id.to_owned()))?;
        Ok(Self {
            id: id.to_owned(),
            kept,
            past: past(own(&entries, id)),
            plan_hash: text(confirm, "plan_hash"),
            confirmed_at: confirm.at,
            outline,
            claim,
        })
    }

    /// Where it is carried out: the target that it was confirmed for.
    pub fn target(&self) -> &PlanTarget {
        &self.outline.target
    }

    /// The same where it was confirmed for this target. Where the cluster does not say which it is, the context is the only word there is.
    pub fn at(self, here: &Here) -> Result<Self, ResumeError> {
        let target = self.target();
        if here.is(target) {
            return Ok(self);
        }
        let name = |uid: &Option<String>, context: &str| uid.clone().unwrap_or_else(|| format!("context {context}"));
        let (wanted, found) = (name(&target.cluster_uid, &target.context), name(&here.cluster_uid, &here.context));
        Err(ResumeError::OtherCluster { id: self.id, wanted, found })
    }

    /// The service file that it was planned with.
    pub fn file(&self) -> Option<&FileRef> {
        self.outline.file()
    }

    /// The namespace of what it is about.
    pub fn namespace(&self) -> &str {
        &self.outline.inner.subject.namespace
    }

    /// Finds on the target what the journal does not keep. The run can go on with what comes of it.
    pub async fn revive(self, read: &dyn Read) -> Result<Resumed, ResumeError> {
        let identity = read.identity().await;
        if let (Some(wanted), Some(found)) = (&self.outline.target.cluster_uid, &identity.cluster_uid)
            && wanted != found
        {
            return Err(ResumeError::OtherCluster { id: self.id, wanted: wanted.clone(), found: found.clone() });
        }
        let candidates = self.candidates(read).await?;
        let of = |error| ResumeError::Record { id: self.id.clone(), error };
        let mut plan = self.kept.plan(candidates).map_err(of)?;
        plan.inner.operator.cluster_user = if identity.user.is_empty() { plan.inner.operator.cluster_user } else { identity.user };
        // Where a value that was meant is not to be found any more, the hash cannot be computed, and nothing can be written.
        let whole = plan.writes().all(|(_, w)| super::record::whole(w));
        if plan.hash != self.plan_hash {
            if whole {
                return Err(of(RecordError::Changed));
            }
            plan.hash.clone_from(&self.plan_hash);
        }
        Ok(Resumed { confirmed: Confirmed::of(plan, self.confirmed_at), past: self.past, claim: self.claim })
    }

    /// What the hidden values may be: the fields as they are now, and the templates of all revisions.
    async fn candidates(&self, read: &dyn Read) -> Result<Vec<Value>, ResumeError> {
        let plan = &self.outline;
        let steps = plan.steps.iter().chain(plan.inner.undo_steps.iter().map(|u| &u.step));
        let written = steps.filter_map(|s| if let Work::Write(w) = &s.work { Some(w.object.clone()) } else { None });
        let mut objects: Vec<ObjectRef> = plan.inner.frozen.iter().map(|f| f.object.clone()).chain(written).collect();
        objects.sort_unstable();
        objects.dedup();
        let (pointers, mut found) = (self.kept.pointers(), Vec::new());
        for object in objects {
            let raw = match read.get(&object, "").await {
                Ok(raw) => raw,
                Err(error) if error.kind == ErrorKind::NotFound => continue,
                Err(error) => return Err(ResumeError::Target { object: object.to_string(), error }),
            };
            found.extend(pointers.iter().filter_map(|p| raw.pointer(p).cloned()));
            if plan.does("trigger", &object) {
                found.extend(cronjob::values(&WorkloadFacts::new(&object, raw), &plan.id));
                continue;
            }
            let workload = WorkloadFacts::new(&object, raw.clone());
            found.extend(commands(plan).filter(|command| command.workload == object).map(|command| command.job(&workload, &plan.id)));
            let mut templates = Vec::new();
            if plan.does("rollback", &object) || plan.does("set-image", &object) {
                let all = rollback::templates(read, &workload).await;
                templates = all.map_err(|error| ResumeError::Target { object: format!("revisions of {object}"), error })?;
            }
            if ["inspect", "migrate", "downgrade"].iter().any(|action| plan.does(action, &object)) {
                let all = migrate::with_templates(&raw, &templates);
                found.extend(all.flat_map(|raw| migrate::values(&WorkloadFacts::new(&object, raw), plan)));
            }
            found.extend(templates);
        }
        found.extend(backup::values(plan));
        Ok(found)
    }
}

/// The commands that a plan runs in Jobs.
pub(in crate::run) fn commands(plan: &Plan) -> impl Iterator<Item = &JobCommand> {
    plan.steps.iter().filter_map(|step| match &step.work {
        Work::Prove(Proof { fact: Fact::Finished { command, .. }, .. }) => Some(&**command),
        _ => None,
    })
}

fn text(entry: &Entry, key: &str) -> String {
    entry.data.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What the lines of a run say of its requests, and of the way that it went.
pub(in crate::run) fn past<'a>(entries: impl Iterator<Item = &'a Entry>) -> Past {
    let mut past = Past::default();
    for entry in entries {
        let undo = entry.data.get("undo") == Some(&Value::Bool(true));
        past.back |= undo;
        let step = text(entry, "step");
        match entry.kind {
            EntryKind::Intent => {
                let stamp = Stamp { version: text(entry, "resource_version"), generation: entry.data.get("generation").and_then(Value::as_i64) };
                // Until its outcome is there, nobody knows.
                past.requests.push(Request { step, stamp, fate: Fate::Doubtful });
            }
            EntryKind::Outcome => answered(&mut past, step, &text(entry, "result")),
            EntryKind::Proof if entry.data.get(GONE_PAST) == Some(&Value::Bool(true)) => past.failed_before.push((step, text(entry, "text"))),
            EntryKind::Proof if !undo && entry.data.get("holds") == Some(&Value::Bool(true)) => past.held.push(step),
            // Whoever goes on with a run that has come to an end wants its failed steps tried again.
            EntryKind::End => past.failed_before.clear(),
            EntryKind::Proof if !undo && entry.data.get("holds") == Some(&Value::Bool(false)) => past.failure = Some(text(entry, "text")),
            _ => {}
        }
    }
    past
}

fn answered(past: &mut Past, step: String, result: &str) {
    let fate = match result {
        "accepted" => Fate::Accepted,
        // A command that failed has run, and what it did is not known.
        "unknown" | "failed" => Fate::Doubtful,
        _ => Fate::NotDone,
    };
    match past.requests.iter_mut().rev().find(|r| r.step == step) {
        Some(request) => request.fate = fate,
        // An autoscaler did it before a request was made.
        None => past.requests.push(Request { step, stamp: Stamp { version: String::new(), generation: None }, fate }),
    }
}

#[cfg(test)]
mod tests;
