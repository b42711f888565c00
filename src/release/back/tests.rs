//! The header's third question, and what a way back leaves as it is.

use serde_json::json;

use super::{BackVerdict, back, subject};
use crate::fleet::testing::{NOW, applied, fleet, labels, meta, now, replica_set, workload};
use crate::fleet::{Fleet, WorkloadKey, WorkloadKind};
use crate::release::{BackAnswer, Judged, stays};
use crate::target::model::{Hpa, Kind, Meta, MetaOnly, Object, Workload};

fn web() -> WorkloadKey {
    WorkloadKey::new(WorkloadKind::Deployment, "ns", "web")
}

fn at_revision(revision: &str) -> Workload {
    let mut w = workload(Kind::Deployment, "web", 2);
    w.meta.annotations = labels(&[("deployment.kubernetes.io/revision", revision)]);
    w
}

fn settled(objects: &[Object]) -> Fleet {
    let mut fleet = fleet(objects);
    fleet.settle(now());
    fleet
}

#[test]
fn without_a_schema_no_way_back_is_called_safe() {
    let fleet = settled(&[at_revision("2").into(), replica_set("web", "a", 1, 0).into(), replica_set("web", "b", 2, 2).into()]);
    let answer = back(&fleet, &web(), &|_, _| None);
    assert_eq!(answer.verdict, BackVerdict::Unknown);
    assert_eq!(answer.to.as_ref().map(|t| (t.revision, t.ready_once)), Some((1, None)));
    assert_eq!(answer.text(), "1.0 unknown: not known whether it was ever fully ready");
    assert!(answer.reasons.iter().any(|r| r == "no service file names the migrations"));
    let timed = answer.taking(Some(40));
    assert_eq!(timed.text(), "1.0 unknown, ~40 s: not known whether it was ever fully ready");
    assert_eq!(timed.taking(Some(300)).text(), "1.0 unknown, ~5 min: not known whether it was ever fully ready");
}

#[test]
fn a_revision_that_was_seen_ready_is_preferred_to_a_newer_one_that_was_not() {
    let mut fleet = settled(&[at_revision("1").into(), replica_set("web", "a", 1, 2).into()]);
    let mut broken = replica_set("web", "b", 2, 1);
    broken.ready = 0;
    let sets = vec![replica_set("web", "a", 1, 0).into(), broken.into(), replica_set("web", "c", 3, 2).into()];
    fleet.apply(&applied(Kind::ReplicaSet, sets), now());
    fleet.apply(&applied(Kind::Deployment, vec![at_revision("3").into()]), now());
    fleet.settle(now());
    let answer = back(&fleet, &web(), &|_, _| None);
    assert_eq!(answer.to.as_ref().map(|t| (t.revision, t.ready_once)), Some((1, Some(true))));
    assert_eq!(answer.text(), "1.0 unknown: no service file names the migrations");
}

#[test]
fn a_revision_that_was_left_by_going_back_is_not_returned_to() {
    let made = |hash: &str, number, ago: i64| {
        let mut set = replica_set("web", hash, number, 0);
        set.meta.created = NOW - ago;
        Object::from(set)
    };
    // Revision 8 was bad; 7 became 9 by going back.
    let sets = [made("a", 6, 900), made("b", 9, 600), made("c", 8, 300)];
    let fleet = settled(&[vec![at_revision("9").into()], sets.to_vec()].concat());
    assert_eq!(back(&fleet, &web(), &|_, _| None).to.map(|t| t.revision), Some(6));
}

#[test]
fn nothing_to_return_to_is_impossible_and_nothing_to_see_is_unknown() {
    let only = settled(&[at_revision("1").into(), replica_set("web", "a", 1, 2).into()]);
    assert_eq!(back(&only, &web(), &|_, _| None).text(), "impossible: web has no older revision");
    let unseen = settled(&[at_revision("1").into()]);
    assert_eq!(back(&unseen, &web(), &|_, _| None).text(), "unknown: the revisions of web cannot be seen");
    let json = serde_json::to_value(BackAnswer::of(&back(&unseen, &web(), &|_, _| None))).expect("plain data");
    assert_eq!((&json["verdict"], &json["to"], &json["estimate_seconds"]), (&json!("unknown"), &json!(null), &json!(null)));
}

#[test]
fn of_what_was_released_together_back_is_about_the_one_whose_schema_decides() {
    let owns = |name: &'static str| move |key: &WorkloadKey| &*key.name == name;
    let pair = |hash: &str, name: &str, ago: i64| {
        let mut old = replica_set(name, &format!("{hash}1"), 1, 0);
        let mut new = replica_set(name, &format!("{hash}2"), 2, 2);
        (old.meta.created, new.meta.created) = (NOW - 90_000, NOW - ago);
        let mut w = workload(Kind::Deployment, name, 2);
        w.meta.annotations = labels(&[("deployment.kubernetes.io/revision", "2")]);
        [w.into(), old.into(), new.into()]
    };
    let of = |api: i64| [pair("a", "api", api), pair("w", "web", 60)].concat();
    let said = |api: i64, owner: &'static str| subject(&settled(&of(api)), &|_| true, &owns(owner)).map(|k| k.name.to_string());
    assert_eq!(said(120, "api").as_deref(), Some("api"), "one minute apart");
    assert_eq!(said(120, "none").as_deref(), Some("web"));
    assert_eq!(said(7_200, "api").as_deref(), Some("web"), "what was released hours before is not what one goes back from");
}

#[test]
fn back_is_about_the_workload_that_was_changed_last_and_can_return() {
    let mut old = replica_set("api", "x", 1, 1);
    old.meta.created = NOW - 10;
    let objects = [
        at_revision("2").into(),
        replica_set("web", "a", 1, 0).into(),
        replica_set("web", "b", 2, 2).into(),
        workload(Kind::Deployment, "api", 1).into(),
        old.into(),
    ];
    assert_eq!(subject(&settled(&objects), &|_| true, &|_| false), Some(web()));
    assert_eq!(subject(&settled(&objects), &|k| &*k.name == "api", &|_| false).map(|k| k.name.to_string()), Some("api".into()));
    assert_eq!(subject(&Fleet::new(), &|_| true, &|_| false), None);
}

#[test]
fn a_way_back_says_what_stays_and_what_is_missing() {
    let template = json!({ "spec": {
        "containers": [{
            "name": "app",
            "envFrom": [{ "configMapRef": { "name": "settings" } }],
            "env": [{ "name": "K", "valueFrom": { "secretKeyRef": { "name": "gone", "key": "k" } } },
                    { "name": "L", "valueFrom": { "configMapKeyRef": { "name": "maybe", "key": "l", "optional": true } } }]
        }],
        "volumes": [{ "name": "tls", "secret": { "secretName": "tls" } }]
    } });
    let config =
        |kind, name: &str, created, version| Object::from(MetaOnly { meta: Meta { created, resource_version: version, ..meta(name) }, kind });
    let mut fleet = settled(&[config(Kind::ConfigMap, "settings", NOW - 9000, 1), config(Kind::Secret, "tls", NOW - 10, 1)]);
    fleet.apply(&applied(Kind::ConfigMap, vec![config(Kind::ConfigMap, "settings", NOW - 9000, 2)]), now());
    let found: Vec<(String, String, bool)> = stays(&fleet, &web(), &template, Some(NOW - 600), None, now())
        .into_iter()
        .map(|s| (s.what, s.says, s.missing))
        .collect();
    assert_eq!(
        found,
        [
            ("Secret gone".to_owned(), "does not exist: pods of that revision cannot start".to_owned(), true),
            ("ConfigMap maybe".to_owned(), "does not exist, and is optional".to_owned(), false),
            ("ConfigMap settings".to_owned(), "was edited since that revision".to_owned(), false),
            ("Secret tls".to_owned(), "was made after that revision".to_owned(), false),
            ("replicas".to_owned(), "as they are now".to_owned(), false),
            ("schema".to_owned(), "unknown: no service file names the migrations".to_owned(), false),
        ]
    );
}

#[test]
fn an_autoscaler_decides_on_replicas_after_a_way_back_too() {
    let hpa = Hpa {
        meta: meta("web-hpa"),
        target_kind: "Deployment".into(),
        target_name: "web".into(),
        min: 3,
        max: 10,
        current: 3,
        desired: 3,
        conditions: [].into(),
        up_disabled: false,
        down_disabled: false,
    };
    let found = stays(&settled(&[hpa.into()]), &web(), &json!({}), None, None, now());
    assert!(found.iter().any(|s| s.says == "HPA web-hpa decides, 3..10"));
}

#[test]
fn what_is_safe_says_how_old_the_word_is_that_it_rests_on() {
    let fleet = settled(&[at_revision("2").into(), replica_set("web", "a", 1, 0).into(), replica_set("web", "b", 2, 2).into()]);
    let judged = |verdict| Judged { verdict, reasons: Vec::new(), evidence: "as of 4m ago".into() };
    let text = |verdict| back(&fleet, &web(), &|_, _| Some(judged(verdict))).text();
    assert!(text(BackVerdict::Safe).starts_with("1.0 safe as of 4m ago"), "{}", text(BackVerdict::Safe));
}
