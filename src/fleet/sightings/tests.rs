use std::sync::Arc;

use super::{HOLD, MOST, Sighting, SightingKind, Sightings, WINDOW};
use crate::fleet::testing::{NOW, applied, at, fleet, labels, replica_set, workload};
use crate::fleet::{Counting, Fleet};
use crate::target::model::{Kind, Object};

fn deployment(name: &str, ready: i32, revision: u32) -> Object {
    let mut w = workload(Kind::Deployment, name, 2);
    (w.ready, w.available) = (ready, ready);
    w.meta.annotations = labels(&[("deployment.kubernetes.io/revision", &revision.to_string())]);
    Object::Workload(Arc::new(w))
}

fn set(name: &str, revision: u32, replicas: i32) -> Object {
    Object::ReplicaSet(Arc::new(replica_set(name, &format!("r{revision}"), revision, replicas)))
}

/// A console that looks again and again.
struct Console {
    fleet: Fleet,
    seen: Sightings,
    now: i64,
}

impl Console {
    fn new(objects: &[Object]) -> Self {
        Self { fleet: fleet(objects), seen: Sightings::default(), now: NOW }
    }

    fn look(&mut self, live: bool) -> Vec<Sighting> {
        let now = at(self.now);
        self.fleet.settle(now);
        let up = self.fleet.up(&Counting::ALL, now);
        self.seen.look(&self.fleet, &up, live, now)
    }

    /// What is remembered while so many seconds pass.
    fn pass(&mut self, seconds: i64) -> Vec<String> {
        let mut found = Vec::new();
        for _ in 0..=seconds {
            found.extend(self.look(true));
            self.now += 1;
        }
        found.iter().map(words).collect()
    }

    fn show(&mut self, object: Object) {
        let kind = object.reference().kind;
        self.fleet.apply(&applied(kind, vec![object]), at(self.now));
    }
}

fn words(s: &Sighting) -> String {
    format!("{} {:?} {} -> {}", s.workload.as_deref().unwrap_or("the whole"), s.what, s.from.as_deref().unwrap_or("?"), s.to)
}

#[test]
fn at_the_first_look_the_whole_is_told_and_what_is_not_well() {
    let mut console = Console::new(&[deployment("api", 0, 1), deployment("web", 2, 1)]);
    assert_eq!(console.pass(2), Vec::<String>::new(), "it must hold");
    assert_eq!(console.pass(5), ["the whole Health ? -> degraded", "ns/deployment/api Health ? -> down"]);
    assert_eq!(console.pass(30), Vec::<String>::new(), "an idle console remembers nothing");
}

#[test]
fn a_change_is_remembered_from_its_beginning_and_a_short_dip_is_none() {
    let mut console = Console::new(&[deployment("web", 2, 1)]);
    console.pass(10);
    console.show(deployment("web", 1, 1));
    assert_eq!(console.pass(2), Vec::<String>::new());
    console.show(deployment("web", 2, 1));
    assert_eq!(console.pass(20), Vec::<String>::new(), "it was no change");
    let began = console.now;
    console.show(deployment("web", 0, 1));
    let mut found = Vec::new();
    while found.is_empty() {
        found = console.look(true);
        console.now += 1;
    }
    let own = found.iter().find(|s| s.workload.is_some()).expect("the workload");
    assert_eq!((words(own).as_str(), own.at), ("ns/deployment/web Health ok -> down", at(began)));
    assert!(!own.reason.is_empty());
    assert_eq!(console.now - 1 - began, HOLD.as_secs());
}

#[test]
fn a_rollout_is_remembered_from_one_revision_to_the_other_and_at_its_end() {
    let mut console = Console::new(&[deployment("web", 2, 1), set("web", 1, 2)]);
    console.pass(10);
    console.show(set("web", 2, 2));
    console.show(deployment("web", 2, 2));
    let found: Vec<String> = console.pass(20).into_iter().filter(|w| w.contains("Rollout")).collect();
    assert_eq!(found, ["ns/deployment/web Rollout revision 1 -> revision 2", "ns/deployment/web Rollout revision 2 -> done"]);
    assert_eq!(console.pass(30), Vec::<String>::new());
}

#[test]
fn what_cannot_be_seen_did_not_change() {
    let mut console = Console::new(&[deployment("web", 2, 1)]);
    console.pass(10);
    console.show(deployment("web", 0, 1));
    for _ in 0..20 {
        assert!(console.look(false).iter().all(|s| s.workload.is_none()));
        console.now += 1;
    }
}

#[test]
fn a_flood_is_bounded_and_the_rest_is_counted() {
    let names: Vec<String> = (0..300).map(|n| format!("web-{n:03}")).collect();
    let mut console = Console::new(&names.iter().map(|n| deployment(n, 0, 1)).collect::<Vec<_>>());
    assert_eq!(console.pass(10).len(), MOST);
    assert_eq!(console.pass(60), Vec::<String>::new());
    console.now += WINDOW.as_secs();
    console.show(deployment("web-000", 2, 1));
    let found = console.pass(10);
    assert_eq!(found[0], format!("the whole {:?} ? -> 101", SightingKind::More), "{found:?}");
}
