//! The header's second question.

use super::{changed, unexplained};
use crate::fleet::testing::{NOW, applied, at, event_about, fleet, labels, meta, now, replica_set, workload};
use crate::fleet::{Fleet, WorkloadKey, Writer};
use crate::target::model::{Event, Hpa, Kind, Meta, MetaOnly, Object, Workload};

fn settled(objects: &[Object]) -> Fleet {
    let mut fleet = fleet(objects);
    fleet.settle(now());
    fleet
}

/// What, seconds ago, by whom.
fn newest(fleet: &Fleet) -> Option<(String, i64, Option<String>)> {
    changed(fleet, &|_: &WorkloadKey| true).map(|c| (c.what, NOW - c.at, c.by.text()))
}

fn web(created: i64, replicas: i32) -> Vec<Object> {
    let mut set = replica_set("web", "abc", 1, replicas);
    set.meta.created = created;
    vec![workload(Kind::Deployment, "web", replicas).into(), set.into()]
}

fn scaling(ago: i64, message: &str) -> Object {
    let event = event_about("uid-web", -ago);
    Event {
        reason: "ScalingReplicaSet".into(),
        message: message.into(),
        about_kind: "Deployment".into(),
        about_name: "web".into(),
        ..event
    }
    .into()
}

#[test]
fn the_newest_rollout_is_told_with_its_revision_and_version() {
    let mut objects = web(NOW - 300, 1);
    let mut other = replica_set("api", "x", 1, 1);
    other.meta.created = NOW - 200;
    objects.extend([workload(Kind::Deployment, "api", 1).into(), other.into()]);
    assert_eq!(newest(&settled(&objects)), Some(("Deployment api revision 1 (1.0)".into(), 200, None)));
}

#[test]
fn a_scale_is_told_by_its_event_and_the_scaling_of_a_rollout_is_not() {
    let mut scaled = web(NOW - 9000, 5);
    scaled.push(scaling(40, "Scaled up replica set web-abc from 3 to 5"));
    assert_eq!(newest(&settled(&scaled)), Some(("Deployment web scaled from 3 to 5".into(), 40, None)));
    let mut rollout = web(NOW - 60, 5);
    rollout.push(scaling(40, "Scaled up replica set web-abc from 3 to 5"));
    assert_eq!(newest(&settled(&rollout)), Some(("Deployment web revision 1 (1.0)".into(), 60, None)));
}

#[test]
fn a_scale_is_the_autoscalers_when_that_says_so_at_the_time() {
    let hpa = Hpa {
        meta: meta("web-hpa"),
        target_kind: "Deployment".into(),
        target_name: "web".into(),
        min: 1,
        max: 9,
        current: 5,
        desired: 5,
        conditions: [].into(),
        up_disabled: false,
        down_disabled: false,
    };
    let said = Event {
        reason: "SuccessfulRescale".into(),
        about_kind: "HorizontalPodAutoscaler".into(),
        ..event_about("uid-web-hpa", -50)
    };
    let mut objects = web(NOW - 9000, 5);
    objects.extend([scaling(40, "Scaled up replica set web-abc from 3 to 5"), hpa.into(), said.into()]);
    assert_eq!(newest(&settled(&objects)).unwrap().2.as_deref(), Some("HPA web-hpa"));
}

#[test]
fn a_change_that_the_watch_saw_is_told_with_the_run_that_signed_it() {
    let config = |version| Object::from(MetaOnly { meta: Meta { resource_version: version, ..meta("settings") }, kind: Kind::ConfigMap });
    let mut objects = web(NOW - 9000, 3);
    objects.push(config(1));
    let mut fleet = settled(&objects);
    fleet.apply(&applied(Kind::ConfigMap, vec![config(2)]), at(NOW + 5));
    assert_eq!(newest(&fleet), Some(("ConfigMap settings edited".into(), -5, None)));
    let mut scaled = Workload { desired: 5, ..workload(Kind::Deployment, "web", 3) };
    scaled.meta.annotations = labels(&[("timonel.io/last-run", "20270115-080005-scale-7f3a scale 5 ana@ops")]);
    fleet.apply(&applied(Kind::Deployment, vec![scaled.into()]), at(NOW + 9));
    assert_eq!(newest(&fleet), Some(("Deployment web scaled from 3 to 5".into(), -9, Some("ana@ops".into()))));
}

#[test]
fn what_does_not_count_and_what_has_no_time_is_not_told() {
    let fleet = settled(&web(NOW - 300, 1));
    assert_eq!(changed(&fleet, &|_: &WorkloadKey| false), None);
    assert_eq!(newest(&Fleet::new()), None);
}

/// Revision 12 made later than 13, which is current: somebody went back.
fn returned() -> Vec<Object> {
    let mut w = workload(Kind::Deployment, "web", 2);
    w.meta.annotations = labels(&[("deployment.kubernetes.io/revision", "13")]);
    let set = |hash: &str, number, created| {
        let mut set = replica_set("web", hash, number, 2);
        set.meta.created = created;
        Object::from(set)
    };
    vec![w.into(), set("a", 13, NOW - 900), set("b", 12, NOW - 600)]
}

#[test]
fn a_return_at_an_unknown_time_is_asked_about_and_then_told_before_what_came_earlier() {
    let mut objects = returned();
    let mut other = replica_set("api", "x", 1, 1);
    other.meta.created = NOW - 300;
    objects.extend([workload(Kind::Deployment, "api", 1).into(), other.into()]);
    let mut fleet = settled(&objects);
    let all = |_: &WorkloadKey| true;
    let asked = unexplained(&fleet, &all, None, 8);
    assert_eq!(asked.iter().map(|u| (&*u.object.name, u.revision)).collect::<Vec<_>>(), [("web", 13)]);
    fleet.learn_writer(asked[0].uid.clone(), 13, Some(Writer { name: "kubectl-rollout".into(), at: Some(NOW - 60) }));
    assert_eq!(newest(&fleet), Some(("Deployment web revision 13 (1.0)".into(), 60, Some("via kubectl-rollout".into()))));
    assert_eq!(unexplained(&fleet, &all, None, 8), [], "nobody asks twice");
}

#[test]
fn the_change_that_is_named_is_asked_about_when_nobody_is_known_for_it() {
    let mut w = workload(Kind::Deployment, "web", 1);
    w.meta.annotations = labels(&[("deployment.kubernetes.io/revision", "1")]);
    let mut set = replica_set("web", "abc", 1, 1);
    set.meta.created = NOW - 300;
    let fleet = settled(&[w.into(), set.into()]);
    let named = changed(&fleet, &|_: &WorkloadKey| true);
    let asked = |named| unexplained(&fleet, &|_: &WorkloadKey| true, named, 8).len();
    assert_eq!((asked(named.as_ref()), asked(None)), (1, 0));
}
