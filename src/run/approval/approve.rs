//! The approver's side: find the plan that waits, make it anew, sign it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Carried, signed};
use crate::fleet::lock::note;
use crate::run::actions::ActionRequest;
use crate::run::confirm::Refusal;
use crate::run::facts::{entry, text};
use crate::run::gate::Gate;
use crate::run::journal::{Draft, EntryKind, Recorder};
use crate::run::lease::{Holder, LeaseFacts};
use crate::run::plan::Plan;
use crate::target::api::{ErrorKind, Read, TargetError, Write};
use crate::target::model::{Kind, Lease, ObjectRef, Scope};

/// How often the approval is written while others write the Lease as well.
const TRIES: usize = 5;

/// A plan that waits, as its Lease tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The Lease.
    pub lease: ObjectRef,
    /// The run that will be.
    pub run: String,
    /// The hash of the plan that was confirmed.
    pub hash: String,
    /// Who asks, by their name in the cluster.
    pub by: String,
    /// Until when.
    pub until: Timestamp,
    /// What the plan is made from.
    pub request: ActionRequest,
}

impl Asked {
    /// What a Lease says that is being watched.
    pub fn seen(lease: &Lease, now: Timestamp) -> Option<Self> {
        let said = |key: &str| lease.meta.annotation(key).map(ToString::to_string);
        let reference = ObjectRef::new(Kind::Lease, lease.meta.namespace.clone(), lease.meta.name.clone());
        of(reference, said, now)
    }
}

/// The plans that wait in a place, at `now`. What a Lease says that cannot be understood is left out.
pub async fn asked(read: &dyn Read, scope: &Scope, now: Timestamp) -> Result<Vec<Asked>, TargetError> {
    let leases = read.list(Kind::Lease, scope, &Kind::Lease.selector(), "").await?;
    Ok(leases.iter().filter_map(|raw| read_raw(raw, now)).collect())
}

fn read_raw(raw: &Value, now: Timestamp) -> Option<Asked> {
    let lease = ObjectRef::new(Kind::Lease, text(raw, "/metadata/namespace"), text(raw, "/metadata/name"));
    of(lease, |key| entry(raw, "/metadata/annotations", key), now)
}

fn of(lease: ObjectRef, said: impl Fn(&str) -> Option<String>, now: Timestamp) -> Option<Asked> {
    let until: Timestamp = said(note::EXPIRES_AT)?.parse().ok()?;
    let request = serde_json::from_str::<Carried>(&said(note::INPUTS)?).ok()?.request()?;
    (until > now).then_some(Asked { lease, run: said(note::RUN)?, hash: said(note::PLAN_HASH)?, by: said(note::HOLDER_USER)?, until, request })
}

/// Approves a plan that waits: `plan` was made anew by whoever approves, `typed` is what they typed for it.
///
/// Writes nothing but the approval, and only when the plan is the same, still waits, and was asked for by somebody else.
pub async fn approve(
    plan: Plan,
    asked: &Asked,
    typed: &str,
    now: Timestamp,
    read: &dyn Read,
    write: Arc<dyn Write>,
    journal: &dyn Recorder,
) -> Result<(), Refusal> {
    plan.is_confirmed_by(typed, now)?;
    let user = plan.inner.operator.cluster_user.clone();
    if user.is_empty() || asked.by.is_empty() || user == asked.by {
        return Err(Refusal::SamePerson(asked.by.clone()));
    }
    if plan.hash != asked.hash {
        return Err(Refusal::OtherPlan(plan.hash));
    }
    let gate = Gate::of_locks(&plan, write);
    let signature = signed(&asked.run, &asked.hash);
    record(
        journal,
        &json!({ "note": "approving", "approves": asked.run, "plan_hash": asked.hash, "asked_by": asked.by, "plan": plan, "typed": typed.trim() }),
    )?;
    let failed = |why: String| Refusal::NotApproved(why);
    let mut last = String::new();
    for _ in 0..TRIES {
        let raw = read.get(&asked.lease, "").await.map_err(|e| failed(e.message))?;
        if read_raw(&raw, now).as_ref() != Some(asked) {
            "it does not wait any more".clone_into(&mut last);
            break;
        }
        match gate.send(Holder::approve(&asked.lease, &LeaseFacts::of(&raw), &user, &signature)).await {
            Ok(_) => {
                return record(journal, &json!({ "note": "approved", "approves": asked.run, "plan_hash": asked.hash, "by": user }));
            }
            // Its holder renews it, and that is no change of what is approved.
            Err(error) if error.kind == ErrorKind::Conflict => last = error.message,
            Err(error) => {
                last = error.message;
                break;
            }
        }
    }
    record(journal, &json!({ "note": "not-approved", "approves": asked.run, "text": last }))?;
    Err(failed(last))
}

fn record(journal: &dyn Recorder, data: &Value) -> Result<(), Refusal> {
    let data = data.as_object().cloned().unwrap_or_default();
    let drafts = [Draft { run: None, kind: EntryKind::Note, data }];
    journal
        .record(&drafts)
        .map_err(|e| Refusal::NotApproved(format!("nothing is done that cannot be recorded: {e}")))
}
