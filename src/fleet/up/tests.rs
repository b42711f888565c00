//! The header's first question.

use super::Counting;
use crate::base::health::Health;
use crate::fleet::health::{Member, Part};
use crate::fleet::testing::{NOW, at, fleet, listed, now, service, stream, workload};
use crate::fleet::{Fleet, WorkloadKind};
use crate::target::api::ErrorKind;
use crate::target::event::{StreamState, TargetEvent};
use crate::target::model::{Kind, Object, Workload};

fn settled(objects: &[Object]) -> Fleet {
    let mut fleet = fleet(objects);
    fleet.settle(now());
    fleet
}

fn down(name: &str) -> Object {
    Workload { ready: 0, ..workload(Kind::StatefulSet, name, 1) }.into()
}

#[test]
fn up_says_how_many_are_ready_when_all_is_well() {
    let up = settled(&[workload(Kind::Deployment, "web", 3).into(), workload(Kind::Deployment, "off", 0).into()]).up(&Counting::ALL, now());
    assert_eq!((up.health, up.text().as_str()), (Health::Ok, "3/3 ready"));
    assert_eq!(up.counts, [(Health::Ok, 1), (Health::Off, 1)]);
}

#[test]
fn up_names_the_worst_first() {
    let degraded = Workload { ready: 2, ..workload(Kind::Deployment, "api", 3) };
    let up = settled(&[degraded.into(), down("db"), workload(Kind::Deployment, "web", 3).into()]).up(&Counting::ALL, now());
    assert_eq!(up.health, Health::Degraded, "one of several is down");
    assert_eq!(up.reasons.iter().map(|r| r.text.as_str()).collect::<Vec<_>>(), ["db: 0 of 1 ready", "api: 2 of 3 ready"]);
    assert_eq!(up.text(), "db: 0 of 1 ready");
}

#[test]
fn a_service_file_says_what_counts_and_what_is_critical() {
    let fleet = settled(&[down("db"), workload(Kind::Deployment, "web", 3).into()]);
    let critical = Counting { critical: &|k| &*k.name == "db", ..Counting::ALL };
    assert_eq!(fleet.up(&critical, now()).health, Health::Down);
    let others = Counting { counts: &|k| k.kind == WorkloadKind::Deployment, ..Counting::ALL };
    assert_eq!(fleet.up(&others, now()).health, Health::Ok);
    let probe = [(Member { health: Health::Down, part: Part::Probe { critical: true } }, "probe health: 503".to_owned())];
    let probed = fleet.up(&Counting { others: &probe, ..others }, now());
    assert_eq!((probed.health, probed.text().as_str()), (Health::Down, "probe health: 503"));
}

#[test]
fn a_service_without_endpoints_is_told_when_its_workload_is_silent() {
    let fleet = settled(&[workload(Kind::Deployment, "web", 1).into(), service("web", "web").into()]);
    let up = fleet.up(&Counting::ALL, now());
    assert_eq!((up.health, up.text().as_str()), (Health::Degraded, "Service web: no ready endpoint"));
}

#[test]
fn nothing_to_judge_by_is_unknown_and_says_why() {
    let says = |fleet: &Fleet| {
        let up = fleet.up(&Counting::ALL, at(NOW));
        (up.health, up.text())
    };
    assert_eq!(says(&Fleet::new()), (Health::Unknown, "nothing is watched yet".to_owned()));
    let mut fleet = Fleet::new();
    fleet.apply(&TargetEvent::Stream { key: stream(Kind::Pod), state: StreamState::Loading }, now());
    assert_eq!(says(&fleet), (Health::Unknown, "not read yet".to_owned()));
    for event in listed(Kind::Pod, vec![]) {
        fleet.apply(&event, now());
    }
    assert_eq!(says(&fleet), (Health::Unknown, "there are no workloads here".to_owned()));
    let refused = StreamState::Failed { kind: ErrorKind::Forbidden, reason: "no right to list pods".into() };
    fleet.apply(&TargetEvent::Stream { key: stream(Kind::Pod), state: refused }, now());
    assert_eq!(says(&fleet), (Health::Unknown, "pods cannot be read: no right to list pods".to_owned()));
}
