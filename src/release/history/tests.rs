//! Revisions as the releases pane lists them.

use super::{Revision, history};
use crate::fleet::testing::{NOW, applied, at, container, event_about, fleet, labels, meta, now, owner, pod_of, replica_set, template, workload};
use crate::fleet::{Fleet, WorkloadKey, WorkloadKind, Writer};
use crate::release::By;
use crate::target::model::{Container, ControllerRevision, Event, Kind, Meta, MetaOnly, Object, ReplicaSet, Workload};

fn web() -> WorkloadKey {
    WorkloadKey::new(WorkloadKind::Deployment, "ns", "web")
}

fn deployment(revision: &str) -> Workload {
    let mut w = workload(Kind::Deployment, "web", 2);
    w.meta.annotations = labels(&[("deployment.kubernetes.io/revision", revision)]);
    w.template = [template(&format!("ghcr.io/x/web:1.{revision}"))].into();
    w
}

fn set(hash: &str, revision: u32, replicas: i32, created: i64) -> ReplicaSet {
    let mut set = replica_set("web", hash, revision, replicas);
    set.meta.created = created;
    set.template = [template(&format!("ghcr.io/x/web:1.{revision}"))].into();
    set
}

fn running(hash: &str, name: &str, revision: u32) -> Object {
    let app = Container {
        image: format!("ghcr.io/x/web:1.{revision}").as_str().into(),
        image_id: format!("ghcr.io/x/web@sha256:{revision}{revision}").as_str().into(),
        ..container("app")
    };
    pod_of("web", hash, name, vec![app]).into()
}

fn settled(objects: &[Object]) -> Fleet {
    let mut fleet = fleet(objects);
    fleet.settle(now());
    fleet
}

fn list(fleet: &Fleet) -> Vec<Revision> {
    history(fleet, &web())
}

#[test]
fn revisions_are_listed_newest_first_with_the_current_one_marked() {
    let fleet = settled(&[
        deployment("12").into(),
        set("a", 10, 0, NOW - 900).into(),
        set("b", 11, 0, NOW - 600).into(),
        set("c", 12, 2, NOW - 300).into(),
        running("c", "web-c-1", 12),
    ]);
    let all = list(&fleet);
    assert_eq!(
        all.iter().map(|r| (r.number, r.current, r.at)).collect::<Vec<_>>(),
        [(12, true, Some(NOW - 300)), (11, false, Some(NOW - 600)), (10, false, Some(NOW - 900)),]
    );
    assert_eq!(all[0].images[0].pinned(), "ghcr.io/x/web@sha256:1212");
    assert_eq!((all[0].replicas, all[0].ready, all[0].ready_once), (2, 2, Some(true)));
    assert_eq!((all[1].images[0].digest.clone(), all[1].ready_once), (None, None), "what nobody saw is unknown");
    assert_eq!(all[0].text(), "12  1.12  ghcr.io/x/web:1.12  sha256:1212");
}

#[test]
fn a_revision_keeps_what_was_seen_of_it_after_its_pods_are_gone() {
    let mut fleet = settled(&[deployment("11").into(), set("b", 11, 2, NOW - 600).into(), running("b", "web-b-1", 11)]);
    fleet.apply(&applied(Kind::ReplicaSet, vec![set("b", 11, 0, NOW - 600).into(), set("c", 12, 2, NOW).into()]), now());
    fleet.apply(&applied(Kind::Deployment, vec![deployment("12").into()]), now());
    let gone = crate::target::event::ObjectChange::Deleted(crate::target::model::ObjectRef::new(Kind::Pod, "ns", "web-b-1"));
    fleet.apply(
        &crate::target::event::TargetEvent::Objects { key: crate::fleet::testing::stream(Kind::Pod), changes: vec![gone] },
        now(),
    );
    fleet.settle(now());
    let old = list(&fleet).into_iter().find(|r| r.number == 11).unwrap();
    assert_eq!((old.ready_once, old.images[0].digest.as_deref()), (Some(true), Some("sha256:1111")));
}

#[test]
fn an_older_revision_that_was_returned_to_says_when_only_if_an_event_does() {
    let objects = || vec![deployment("13").into(), set("a", 13, 2, NOW - 900).into(), set("b", 12, 0, NOW - 600).into()];
    let current = |fleet: &Fleet| list(fleet).into_iter().find(|r| r.current).unwrap();
    assert_eq!(current(&settled(&objects())).at, None);
    let event = Event {
        reason: "ScalingReplicaSet".into(),
        message: "Scaled up replica set web-a from 0 to 1".into(),
        about_kind: "Deployment".into(),
        ..event_about("uid-web", -40)
    };
    let mut told = objects();
    told.push(event.into());
    assert_eq!(current(&settled(&told)).at, Some(NOW - 40));
}

#[test]
fn a_return_is_dated_by_our_own_run_and_better_by_the_newest_write_of_the_template() {
    let mut w = deployment("13");
    let note = "20270115-075830-rollback-7f3a rollback web ana@ops";
    w.meta.annotations = labels(&[("deployment.kubernetes.io/revision", "13"), ("timonel.io/last-run", note)]);
    let sets = [set("a", 13, 2, NOW - 900).into(), set("b", 12, 0, NOW - 600).into()];
    let mut fleet = settled(&[vec![w.into()], sets.to_vec()].concat());
    let current = |fleet: &Fleet| list(fleet).into_iter().find(|r| r.current).unwrap();
    assert_eq!((current(&fleet).at, current(&fleet).by.text()), (Some(NOW - 90), Some("ana@ops".into())));
    fleet.learn_writer("uid-web".into(), 13, Some(Writer { name: "timonel".into(), at: Some(NOW - 88) }));
    assert_eq!((current(&fleet).at, current(&fleet).by.text()), (Some(NOW - 88), Some("ana@ops".into())));
}

#[test]
fn who_made_a_revision_is_told_by_the_first_that_is_bound_to_it() {
    let by = |w: Workload, set_: ReplicaSet, others: Vec<Object>, writer: &Option<Writer>| {
        let objects: Vec<Object> = [w.into(), set_.into()].into_iter().chain(others).collect();
        let mut fleet = settled(&objects);
        fleet.learn_writer("uid-web".into(), 12, writer.clone());
        list(&fleet).into_iter().next().unwrap().by
    };
    let plain = || set("c", 12, 2, NOW - 300);
    let caused = || {
        let mut set = plain();
        set.meta.annotations = labels(&[("deployment.kubernetes.io/revision", "12"), ("kubernetes.io/change-cause", "ci build 77")]);
        set
    };
    let helm = || {
        let mut w = deployment("12");
        w.meta.labels = labels(&[("app.kubernetes.io/managed-by", "Helm"), ("app.kubernetes.io/instance", "shop")]);
        w
    };
    let record = |created| {
        let labels = labels(&[("owner", "helm"), ("name", "shop"), ("version", "7")]);
        let meta = Meta { created, labels, ..meta("sh.helm.release.v1.shop.v7") };
        Object::from(MetaOnly { meta, kind: Kind::Secret })
    };
    let ran = |stamp: &str| {
        let mut w = helm();
        let note = format!("{stamp}-rollback-7f3a rollback web ana@ops");
        w.meta.annotations = labels(&[("deployment.kubernetes.io/revision", "12"), ("timonel.io/last-run", &note)]);
        w
    };
    let manager = Some(Writer { name: "kubectl-set-image".into(), at: None });
    let none = None;
    assert_eq!(by(deployment("12"), plain(), vec![], &none), By::Unknown);
    assert_eq!(by(deployment("12"), plain(), vec![], &manager).text().unwrap(), "via kubectl-set-image");
    assert_eq!(by(deployment("12"), caused(), vec![], &manager), By::Cause("ci build 77".into()));
    assert_eq!(by(helm(), caused(), vec![record(NOW - 310)], &manager).text().unwrap(), "helm shop 7");
    assert_eq!(
        by(helm(), caused(), vec![record(NOW - 9000)], &manager),
        By::Cause("ci build 77".into()),
        "an old record is not bound to it"
    );
    // NOW is 08:00:00; the revision was made at 07:55:00.
    assert_eq!(by(ran("20270115-075458"), caused(), vec![record(NOW - 310)], &manager).text().unwrap(), "ana@ops");
    assert_eq!(by(ran("20270115-060000"), caused(), vec![record(NOW - 310)], &manager).text().unwrap(), "helm shop 7");
}

#[test]
fn stateful_sets_are_told_by_their_controller_revisions() {
    let revision = |hash: &str, number: i64, created: i64| {
        let mut meta = meta(&format!("db-{hash}"));
        meta.owner = Some(owner("StatefulSet", "db"));
        meta.labels = labels(&[("app", "db"), ("controller.kubernetes.io/hash", hash)]);
        meta.created = created;
        Object::from(ControllerRevision { meta, revision: number, template: [template(&format!("postgres:{number}"))].into() })
    };
    let mut db = workload(Kind::StatefulSet, "db", 1);
    (db.update_revision, db.current_revision) = ("db-b".into(), "db-a".into());
    let mut pod = crate::fleet::testing::pod("db-0", vec![container("app")]);
    pod.meta.owner = Some(owner("StatefulSet", "db"));
    pod.meta.labels = labels(&[("app", "db"), ("controller-revision-hash", "db-b")]);
    let fleet = settled(&[db.into(), revision("a", 1, NOW - 500), revision("b", 2, NOW - 100), pod.into()]);
    let key = WorkloadKey::new(WorkloadKind::StatefulSet, "ns", "db");
    let all = history(&fleet, &key);
    assert_eq!(
        all.iter().map(|r| (r.number, r.current, r.version(), r.replicas)).collect::<Vec<_>>(),
        [(2, true, Some("2".to_owned()), 1), (1, false, Some("1".to_owned()), 0),]
    );
}

#[test]
fn kinds_without_revisions_have_none() {
    let fleet = settled(&[]);
    assert!(history(&fleet, &WorkloadKey::new(WorkloadKind::Pod, "ns", "p")).is_empty());
    assert_eq!(at(NOW), now());
}

#[test]
fn a_run_that_could_not_sign_its_object_is_known_from_our_own_journal() {
    let plain = || settled(&[deployment("12").into(), set("c", 12, 2, NOW - 300).into()]);
    let mut fleet = plain();
    let line = "20270115-075458-rollback-7f3a rollback 12->11 ana@ops";
    fleet.learn_runs([("uid-web".to_owned(), line.to_owned())].into());
    assert_eq!(list(&fleet)[0].by.text().as_deref(), Some("ana@ops"));
    assert_eq!(list(&plain())[0].by, By::Unknown);
}
