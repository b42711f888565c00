//! What the Leases of others say, and when it stops being true.

use std::sync::Arc;

use super::{LockState, note};
use crate::fleet::Fleet;
use crate::fleet::testing::{NOW, at, event_about, fleet, labels, meta, now};
use crate::target::event::{ObjectChange, TargetEvent};
use crate::target::model::{Kind, Lease, Object, Scope};
use crate::target::request::StreamKey;

fn lease(holder: &str, renewed: i64, notes: &[(&str, &str)]) -> Object {
    let mut meta = meta("timonel-deployment-api");
    meta.annotations = labels(notes);
    Object::Lease(Arc::new(Lease { meta, holder: holder.into(), duration: 30, acquired: Some(NOW), renewed: Some(renewed) }))
}

fn held(renewed: i64) -> Object {
    let notes = [
        (note::RUN, "r1"),
        (note::ACTION, "scale 5->3"),
        (note::STEP, "prove-ready: 4/3 ready"),
        (note::HOLDER_USER, "ana"),
        (note::SINCE, "2027-01-15T08:00:00Z"),
    ];
    lease("ana@bastion/r1", renewed, &notes)
}

fn see(fleet: &mut Fleet, object: Object, seconds: i64) {
    let key = StreamKey { kind: Kind::Lease, scope: Scope::Namespace("ns".into()) };
    fleet.apply(&TargetEvent::Objects { key, changes: vec![ObjectChange::Applied(object)] }, at(seconds));
}

#[test]
fn a_lock_says_who_what_and_which_step_and_a_holder_that_does_not_renew_is_silent_on_our_clock() {
    let mut fleet = fleet(&[held(NOW - 4000)]);
    let lock = fleet.locks(now()).remove(0);
    assert_eq!((&*lock.by, &*lock.run, &*lock.action, &*lock.step), ("ana@bastion", "r1", "scale 5->3", "prove-ready: 4/3 ready"));
    assert_eq!(lock.what(), "Deployment ns/api");
    assert_eq!(lock.state, LockState::Held, "the holder's clock does not count");
    assert_eq!(fleet.locks(at(NOW + 30))[0].state, LockState::Silent { since: NOW });
    see(&mut fleet, held(NOW - 3980), NOW + 20);
    assert_eq!(fleet.locks(at(NOW + 40))[0].state, LockState::Held);
}

#[test]
fn a_lock_that_was_let_go_is_remembered_with_what_its_run_told() {
    let told = |number, reason: &str, message: &str| {
        let mut event = event_about("uid-api", number);
        (event.source, event.reason, event.message) = ("timonel.io/console".into(), reason.into(), message.into());
        Object::Event(Arc::new(event))
    };
    let began = told(1, "TimonelStarted", "run r1: scale 5->3 by ana@bastion");
    let ended = told(2, "TimonelProven", "run r1: scale 5->3 by ana@bastion: proven: every proof held");
    let mut fleet = fleet(&[held(NOW), began, ended]);
    see(&mut fleet, lease("", NOW, &[]), NOW + 9);
    assert_eq!(fleet.locks(now()), []);
    let past: Vec<_> = fleet.past_locks().map(|l| (l.run.to_string(), l.state)).collect();
    assert_eq!(past, [("r1".to_owned(), LockState::Over { at: NOW + 9 })]);
    assert_eq!(fleet.told_of_run("r1").map(|e| e.reason.to_string()), Some("TimonelProven".to_owned()));
    assert_eq!(fleet.told_of_run("r"), None);
}

#[test]
fn a_plan_that_waits_is_told_until_its_time_is_over_with_or_without_the_lock() {
    let notes = [(note::RUN, "r1"), (note::INPUTS, "{}"), (note::HOLDER_USER, "ana"), (note::EXPIRES_AT, "2027-01-15T08:15:00Z")];
    let fleet = fleet(&[lease("", NOW, &notes)]);
    let lock = fleet.locks(now()).remove(0);
    assert_eq!((&*lock.by, lock.state), ("ana", LockState::Waits { until: Some(at(NOW + 900)) }));
    assert_eq!(fleet.locks(at(NOW + 900)), []);
}

#[test]
fn a_single_look_believes_when_a_lock_was_renewed() {
    for (renewed, state) in [(NOW - 3600, LockState::Silent { since: NOW - 3600 }), (NOW - 5, LockState::Held), (NOW + 600, LockState::Held)] {
        let mut fleet = Fleet::new();
        let key = crate::target::request::StreamKey { kind: Kind::Lease, scope: crate::target::model::Scope::Cluster };
        fleet.list(key, vec![held(renewed)], at(NOW));
        fleet.believe_renewals();
        assert_eq!(fleet.locks(at(NOW))[0].state, state, "{renewed}");
    }
}
