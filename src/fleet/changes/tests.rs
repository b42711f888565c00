//! What is noticed while watching.

use super::What;
use crate::fleet::Fleet;
use crate::fleet::testing::{NOW, applied, at, fleet, labels, meta, now, stream, workload};
use crate::target::event::{ObjectChange, TargetEvent};
use crate::target::model::{Kind, Meta, MetaOnly, Object, ObjectRef, Workload};

fn seen(fleet: &Fleet) -> Vec<(String, What, i64)> {
    fleet.changes().map(|c| (c.object.to_string(), c.what, c.at - NOW)).collect()
}

fn config(name: &str, version: u64) -> Object {
    MetaOnly { meta: Meta { resource_version: version, ..meta(name) }, kind: Kind::ConfigMap }.into()
}

#[test]
fn what_is_there_at_the_start_is_no_change() {
    let fleet = fleet(&[workload(Kind::Deployment, "web", 3).into(), config("settings", 1)]);
    assert_eq!(seen(&fleet), []);
}

#[test]
fn scales_edits_and_deletions_are_noticed_when_they_are_seen() {
    let mut fleet = fleet(&[workload(Kind::Deployment, "web", 3).into(), config("settings", 1)]);
    let mut scaled = workload(Kind::Deployment, "web", 5);
    scaled.meta.annotations = labels(&[("timonel.io/last-run", "20270115-080000-scale-7f3a scale 5 ana@ops")]);
    fleet.apply(&applied(Kind::Deployment, vec![scaled.into()]), at(NOW + 5));
    fleet.apply(&applied(Kind::ConfigMap, vec![config("settings", 2)]), at(NOW + 6));
    assert_eq!(
        seen(&fleet),
        [("Deployment ns/web".to_owned(), What::Scaled { from: 3, to: 5 }, 5), ("ConfigMap ns/settings".to_owned(), What::Edited, 6),]
    );
    assert!(fleet.changes().next().unwrap().run.as_ref().unwrap().contains("ana@ops"));
    let gone = vec![ObjectChange::Deleted(ObjectRef::new(Kind::ConfigMap, "ns", "settings"))];
    fleet.apply(&TargetEvent::Objects { key: stream(Kind::ConfigMap), changes: gone }, at(NOW + 7));
    assert!(seen(&fleet).contains(&("ConfigMap ns/settings".to_owned(), What::Deleted, 7)), "the newest of an object counts");
}

#[test]
fn status_and_what_controllers_write_for_themselves_are_no_changes() {
    let mut fleet = fleet(&[workload(Kind::Deployment, "web", 3).into(), config("ingress-controller-leader", 1)]);
    fleet.apply(&applied(Kind::Deployment, vec![Workload { ready: 1, ..workload(Kind::Deployment, "web", 3) }.into()]), now());
    fleet.apply(&applied(Kind::ConfigMap, vec![config("ingress-controller-leader", 2), config("kube-root-ca.crt", 2)]), now());
    assert_eq!(seen(&fleet), []);
}

#[test]
fn the_memory_is_bounded_and_forgets_the_oldest() {
    let mut fleet = fleet(&[]);
    for (n, second) in (0..super::MAX + 2).zip(NOW..) {
        fleet.apply(&applied(Kind::ConfigMap, vec![config(&format!("c{n:03}"), 1)]), at(second));
    }
    assert_eq!(fleet.changes().count(), super::MAX);
    assert!(!fleet.changes().any(|c| &*c.object.name == "c000"));
}
