//! The verdict on going back, as the header, the lists and the check have it.

use jiff::Timestamp;
use serde_json::json;

use super::{Applied, Judge, Known, gone_by, settings};
use crate::fleet::testing::{NOW, fleet, meta, now, replica_set, workload};
use crate::fleet::{Fleet, WorkloadKey, WorkloadKind};
use crate::migrate::Inspection;
use crate::migrate::verdict::tests::seen as inspected;
use crate::release::{BackVerdict, history};
use crate::run::migrate::job::tests::asked;
use crate::run::migrate::releases::Record;
use crate::run::migrate::releases::tests::seen;
use crate::run::migrate::{Mode, Seen};
use crate::target::model::{Kind, MetaOnly, Object};

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minutes * 60).expect("a time")
}

fn of(image: &str, digest: &str, minutes: i64, inspection: Inspection) -> Seen {
    Seen { inspection, ..seen(image, digest, minutes) }
}

fn known(all: Vec<Seen>) -> Known {
    Known { record: Record::Read(all), applied: None }
}

fn said(known: &Known, image: &str, digest: Option<&str>) -> (BackVerdict, String) {
    let migration = asked(Mode::Inspect).migration;
    let judgement = Judge { migration: &migration, known, now: at(10) }.of(image, digest);
    let (verdict, reasons) = judgement.said(image);
    (verdict, reasons.join("; "))
}

#[test]
fn each_verdict_says_what_it_rests_on_and_how_old_that_is() {
    let above =
        |note: serde_json::Value| known(vec![of("shop:2", "b", 6, inspected(2, "b2", note)), of("shop:1", "a", 0, inspected(1, "a1", json!(0)))]);
    assert_eq!(said(&above(json!(0)), "shop:2", None), (BackVerdict::Safe, String::new()));
    let needs = "the database has b2 above shop:1, as of 4m ago";
    assert_eq!(said(&above(json!(0)), "shop:1", None), (BackVerdict::NeedsDowngrade, needs.to_owned()));
    let (verdict, why) = said(&above(json!(3)), "shop:1", None);
    assert_eq!((verdict, why), (BackVerdict::LosesData, format!("taking b2 back loses rules.note (3 rows); {needs}")));
    let (verdict, why) = said(&above(json!(0)), "shop:0", None);
    assert!(verdict == BackVerdict::Unknown && why.starts_with("shop:0 was not inspected"), "{why}");
    let unread = Known { record: Record::Unread("forbidden".into()), applied: None };
    assert_eq!(said(&unread, "shop:1", None).0, BackVerdict::Unknown);
}

#[test]
fn safe_grows_old_and_what_stands_in_the_way_does_not() {
    let all = known(vec![of("shop:2", "b", 6, inspected(2, "b2", json!(0))), of("shop:1", "a", 0, inspected(1, "a1", json!(0)))]);
    let migration = asked(Mode::Inspect).migration;
    let at_hour = |image: &str, hours: i64| {
        let judgement = Judge { migration: &migration, known: &all, now: at(6 + 60 * hours) }.of(image, None);
        let (verdict, reasons) = judgement.said(image);
        (verdict, reasons.join("; "))
    };
    assert_eq!(at_hour("shop:2", 24).0, BackVerdict::Safe);
    let (verdict, why) = at_hour("shop:2", 25);
    assert_eq!(verdict, BackVerdict::Unknown);
    assert_eq!(why, "shop:2 fitted the database, which may have moved since, as of 1d ago");
    let (verdict, why) = at_hour("shop:2", -24);
    assert!(verdict == BackVerdict::Unknown && why.ends_with("dated 1d ahead of this clock"), "{why}");
    assert_eq!(at_hour("shop:1", 24 * 90).0, BackVerdict::NeedsDowngrade);
}

#[test]
fn rows_that_were_counted_longer_ago_than_the_database_was_asked_say_so() {
    let all = vec![of("shop:1", "a", 9, inspected(1, "b2", json!(0))), of("shop:2", "b", 6, inspected(2, "b2", json!(0)))];
    let (verdict, why) = said(&known(all), "shop:1", None);
    assert_eq!(verdict, BackVerdict::NeedsDowngrade);
    assert!(why.ends_with("as of 1m ago, its rows counted 4m ago"), "{why}");
}

#[test]
fn what_the_database_said_since_the_last_inspection_counts() {
    let seen = vec![of("shop:2", "b", 0, inspected(2, "a1", json!(0))), of("shop:1", "a", 0, inspected(1, "a1", json!(0)))];
    let said_at = |revision: &str, minutes| Applied { at: at(minutes), revisions: vec![revision.to_owned()] };
    let of = |applied: Applied| said(&Known { record: Record::Read(seen.clone()), applied: Some(applied) }, "shop:1", None);
    assert_eq!(of(said_at("a1", 9)).0, BackVerdict::Safe);
    // Somebody else migrated it.
    let (verdict, why) = of(said_at("b2", 9));
    assert_eq!(verdict, BackVerdict::NeedsDowngrade);
    assert!(why.ends_with("as of 1m ago, its rows counted 10m ago"), "{why}");
    assert_eq!(of(said_at("b2", -5)).0, BackVerdict::Safe, "an inspection since then says more");
    let (verdict, why) = of(said_at("zz", 9));
    assert!(verdict == BackVerdict::Unknown && why.contains("the database has zz"), "{why}");
}

#[test]
fn a_name_that_stands_for_another_image_now_says_nothing_of_it() {
    let all = known(vec![of("shop:latest", "b", 6, inspected(2, "b2", json!(0)))]);
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    assert_eq!(said(&all, "shop:latest", None).0, BackVerdict::Safe);
    assert_eq!(said(&all, "shop:latest", Some(&digest("b"))).0, BackVerdict::Safe);
    assert_eq!(said(&all, "shop:latest", Some(&digest("a"))).0, BackVerdict::Unknown);
    assert_eq!(said(&all, "shop:other", Some(&digest("b"))).0, BackVerdict::Safe, "the same image by another name");
}

fn settled(more: Vec<Object>) -> Fleet {
    let mut objects: Vec<Object> = vec![workload(Kind::Deployment, "api", 1).into(), replica_set("api", "a", 1, 0).into()];
    objects.extend(more);
    let mut fleet = fleet(&objects);
    fleet.settle(now());
    fleet
}

fn judged(fleet: &Fleet, known: &Known) -> crate::release::Judged {
    let key = WorkloadKey::new(WorkloadKind::Deployment, "ns", "api");
    let (migration, revisions) = (asked(Mode::Inspect).migration, history(fleet, &key));
    let judge = Judge { migration: &migration, known, now: Timestamp::from_second(NOW).expect("a time") };
    judge.judge(fleet, &key, &revisions[0]).expect("it is about it")
}

#[test]
fn settings_that_are_other_versions_now_are_told_and_what_cannot_be_seen_is_unknown() {
    let image = history(&settled(Vec::new()), &WorkloadKey::new(WorkloadKind::Deployment, "ns", "api"))[0].images[0]
        .image
        .to_string();
    let mut release = of(&image, "", 0, inspected(1, "a1", json!(0)));
    release.settings = [("ConfigMap settings", "u-settings/7"), ("Secret db", "u-db/3")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    let map = |version: u64| {
        let mut meta = meta("settings");
        (meta.uid, meta.resource_version) = ("u-settings".into(), version);
        Object::from(MetaOnly { kind: Kind::ConfigMap, meta })
    };
    let found = |fleet: Fleet| judged(&fleet, &known(vec![release.clone()]));
    let same = found(settled(vec![map(7)]));
    assert_eq!((same.verdict, same.reasons), (BackVerdict::Safe, vec!["whether it changed since is not known: Secret db".to_owned()]));
    let moved = found(settled(vec![map(8)]));
    assert_eq!(moved.reasons[0], "changed since, and does not go back: ConfigMap settings");
}

#[test]
fn what_a_template_refers_to_is_kept_by_its_version_alone() {
    let template = json!({ "spec": { "containers": [{ "env": [
        { "name": "P", "valueFrom": { "secretKeyRef": { "name": "db", "key": "password" } } },
        { "name": "Q", "value": "hunter2" },
    ] }], "volumes": [{ "configMap": { "name": "settings" } }, { "persistentVolumeClaim": { "claimName": "data" } }] } });
    let kept = settings(&template, |kind, name| (name != "settings").then(|| format!("{}/1", kind.word())));
    assert_eq!(kept.into_iter().collect::<Vec<_>>(), [("Secret db".to_owned(), "Secret/1".to_owned())]);
}

#[test]
fn an_image_is_gone_when_a_pod_says_so_and_not_when_no_registry_answers() {
    let pod = |reason: &str, message: &str| {
        json!({ "metadata": { "name": "p" }, "status": { "containerStatuses": [
            { "image": "shop:1", "state": { "waiting": { "reason": reason, "message": message } } },
        ] } })
    };
    let gone = |reason: &str, message: &str| gone_by(&[pod(reason, message)], "shop:1");
    assert_eq!(gone("ErrImageNeverPull", "").as_deref(), Some("shop:1 is not to be had any more: pod p says ErrImageNeverPull"));
    assert!(gone("ImagePullBackOff", "rpc error: manifest unknown").is_some());
    assert_eq!(gone("ErrImagePull", "dial tcp: i/o timeout"), None);
    assert_eq!(gone("CrashLoopBackOff", "not found"), None);
    assert_eq!(gone_by(&[pod("ErrImageNeverPull", "")], "shop:2"), None);
}
