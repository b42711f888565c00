//! Debts that the objects of the target show themselves, to every console.
//!
//! Owns what counts: a state that a run leaves on purpose, signed by it. The same state without a signature is somebody else's and is
//! no debt of ours.

use jiff::Timestamp;
use serde_json::Value;

use super::Owed;
use crate::fleet::Fleet;
use crate::fleet::armed::Armed;
use crate::fleet::lock::{Lock, LockState};
use crate::release::LastRun;
use crate::run::checks::paused_for;
use crate::run::gate::BEFORE_ZERO;
use crate::run::scale;
use crate::target::model::{Hpa, Kind, Meta, Object, ObjectRef, Workload};

/// All of them.
pub(super) fn debts(fleet: &Fleet, now: Timestamp) -> Vec<Owed> {
    let workloads = || fleet.workloads(Kind::Deployment).chain(fleet.workloads(Kind::StatefulSet));
    let zero = workloads().filter_map(|w| zero(fleet, w));
    let paused = workloads().filter(|w| w.paused).filter_map(|w| {
        let debt = signed(fleet, Kind::Deployment, &w.meta, "pause")?;
        Some(of(debt, "spec.paused", true, "its rollout is paused: a new template reaches no pod", "resume"))
    });
    let suspended = fleet.cron_jobs().filter(|c| c.suspended).filter_map(|c| {
        let debt = signed(fleet, Kind::CronJob, &c.meta, "suspend")?;
        Some(of(debt, "spec.suspend", true, "it is suspended: its schedule starts no Job", "resume"))
    });
    let cordoned = fleet.nodes().filter(|n| n.unschedulable).filter_map(|n| {
        let debt = signed(fleet, Kind::Node, &n.meta, "cordon")?;
        Some(of(debt, "spec.unschedulable", true, "it is cordoned: it takes no new pods", "uncordon"))
    });
    zero.chain(paused)
        .chain(suspended)
        .chain(cordoned)
        .chain(fleet.hpas().filter_map(|h| rests(fleet, h)))
        .chain(fleet.armed().into_iter().filter(|a| a.expires <= now).map(expired))
        .chain(fleet.locks(now).into_iter().filter_map(left_locked))
        .collect()
}

/// Nobody took it back in time, and nobody kept it.
fn expired(armed: Armed) -> Owed {
    Owed {
        object: armed.back.object,
        uid: String::new(),
        fields: vec![("timer".to_owned(), Value::Null)],
        what: format!("{} was armed and not taken back at its time", armed.action),
        since: Some(armed.expires),
        run: armed.run.to_string(),
        by: armed.by.to_string(),
        action: armed.back.action,
        parameters: armed.back.parameters,
        by_hand: "look whether the change is to stay, then `timonel run keep`".to_owned(),
    }
}

/// A lock whose holder gives no sign of life.
fn left_locked(lock: Lock) -> Option<Owed> {
    let LockState::Silent { since } = lock.state else { return None };
    Some(Owed {
        object: lock.object.unwrap_or(lock.lease),
        uid: String::new(),
        fields: vec![("lock".to_owned(), Value::Null)],
        what: format!("it is locked by {} of {}, who gives no sign of life", lock.action, lock.by),
        since: Timestamp::from_second(since).ok(),
        run: lock.run.to_string(),
        by: lock.by.to_string(),
        action: String::new(),
        parameters: Vec::new(),
        by_hand: format!("`timonel runs resume {}` by {}; the next run takes the lock over", lock.run, lock.by),
    })
}

/// No pods, and a run noted how many there were.
fn zero(fleet: &Fleet, w: &Workload) -> Option<Owed> {
    let run = LastRun::of(fleet, &w.meta).filter(|r| r.action == "scale" && r.quantity.ends_with("->0"));
    let count = |text: &str| scale::replicas(text).ok().filter(|n| *n > 0);
    let noted = w.meta.annotation(BEFORE_ZERO).and_then(|n| count(n));
    let before = noted.or_else(|| count(run.as_ref()?.quantity.strip_suffix("->0")?)).filter(|_| w.desired == 0)?;
    let debt = by(run, w.kind, &w.meta);
    let debt = of(debt, "spec.replicas", 0, &format!("it has no pods: it had {before}"), "scale");
    Some(Owed { parameters: vec![format!("replicas={before}")], ..debt })
}

/// An autoscaler that may scale in neither direction.
fn rests(fleet: &Fleet, hpa: &Hpa) -> Option<Owed> {
    let run = LastRun::of(fleet, &hpa.meta).filter(|_| hpa.up_disabled && hpa.down_disabled)?;
    let time = paused_for(&run.quantity)?;
    let debt = by(Some(run), Kind::HorizontalPodAutoscaler, &hpa.meta);
    let what = format!("it is paused, meant for {time}: it scales {} {} no more", hpa.target_kind, hpa.target_name);
    let mut debt = of(debt, "spec.behavior.scaleUp.selectPolicy", Value::Null, &what, "resume-hpa");
    debt.fields.push(("spec.behavior.scaleDown.selectPolicy".to_owned(), Value::Null));
    Some(debt)
}

/// The beginning of a debt about an object that a run of that action signed last.
fn signed(fleet: &Fleet, kind: Kind, meta: &Meta, action: &str) -> Option<Owed> {
    let run = LastRun::of(fleet, meta).filter(|r| r.action == action)?;
    Some(by(Some(run), kind, meta))
}

fn by(run: Option<LastRun>, kind: Kind, meta: &Meta) -> Owed {
    Owed {
        object: ObjectRef::new(kind, meta.namespace.clone(), meta.name.clone()),
        uid: meta.uid.to_string(),
        fields: Vec::new(),
        what: String::new(),
        since: run.as_ref().and_then(|r| Timestamp::from_second(r.at).ok()),
        run: run.as_ref().map(|r| r.run.clone()).unwrap_or_default(),
        by: run.map(|r| r.operator).unwrap_or_default(),
        action: String::new(),
        parameters: Vec::new(),
        by_hand: String::new(),
    }
}

fn of(debt: Owed, field: &str, value: impl Into<Value>, what: &str, action: &str) -> Owed {
    Owed { fields: vec![(field.to_owned(), value.into())], what: what.to_owned(), action: action.to_owned(), ..debt }
}

/// Whether it is seen of an object that a field is not as a debt has it any more. What is not kept of objects is not seen.
pub(super) fn is_settled(object: &Object, field: &str, value: &Value) -> bool {
    let number = value.as_i64();
    match (object, field) {
        (Object::Workload(w), "spec.replicas") => number.is_some_and(|n| i64::from(w.desired) != n || (n > 0 && whole(w))),
        (Object::ReplicaSet(r), "spec.replicas") => number.is_some_and(|n| i64::from(r.desired) != n || (n > 0 && r.ready == r.desired)),
        (Object::Workload(w), "spec.paused") => value.as_bool().is_some_and(|v| w.paused != v),
        (Object::CronJob(c), "spec.suspend") => value.as_bool().is_some_and(|v| c.suspended != v),
        (Object::Node(n), "spec.unschedulable") => value.as_bool().is_some_and(|v| n.unschedulable != v),
        (Object::Hpa(h), "spec.minReplicas") => number.is_some_and(|n| i64::from(h.min) != n),
        (Object::Hpa(h), "spec.maxReplicas") => number.is_some_and(|n| i64::from(h.max) != n),
        (Object::Hpa(h), "spec.behavior.scaleUp.selectPolicy") => !h.up_disabled,
        (Object::Hpa(h), "spec.behavior.scaleDown.selectPolicy") => !h.down_disabled,
        _ => false,
    }
}

/// What was not proven then holds now.
fn whole(w: &Workload) -> bool {
    w.observed_generation >= w.meta.generation && w.ready == w.desired && w.updated == w.desired && w.replicas == w.desired
}
