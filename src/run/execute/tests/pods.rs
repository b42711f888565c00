//! Whole runs of evictions.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::Bench;
use crate::run::actions::{self, ActionRequest};
use crate::run::world::Fault;
use crate::run::{End, Plan};
use crate::target::api::{Change, ErrorKind};
use crate::target::model::{Kind, Meta, Object, ObjectRef, Pdb, Selector};

fn pod() -> ObjectRef {
    ObjectRef::new(Kind::Pod, "shop", "db-0")
}

fn set() -> ObjectRef {
    ObjectRef::new(Kind::StatefulSet, "shop", "db")
}

/// A StatefulSet of three pods, and one of them, ready or not.
fn bench(owned: bool, ready: bool) -> Bench {
    let bench = Bench::new();
    let owner = json!([{ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "u-db", "controller": true }]);
    let count = if ready { 3 } else { 2 };
    bench.world.with(|s| {
        s.put(
            &pod(),
            json!({
                "metadata": { "uid": "u-pod", "labels": { "app": "db" }, "ownerReferences": if owned { owner } else { json!([]) } },
                "spec": { "terminationGracePeriodSeconds": 5 },
                "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }] },
            }),
        );
        s.put(
            &set(),
            json!({
                "metadata": { "uid": "u-db", "generation": 1 }, "spec": { "replicas": 3 },
                "status": { "observedGeneration": 1, "replicas": 3, "readyReplicas": count, "availableReplicas": count, "updatedReplicas": 3 },
            }),
        );
    });
    bench
}

fn budget(bench: &Bench, allowed: i32) {
    let meta = Meta {
        name: "db".into(),
        namespace: "shop".into(),
        uid: "p1".into(),
        resource_version: 1,
        created: 0,
        deleted: None,
        generation: 0,
        labels: Arc::from([]),
        annotations: Arc::from([]),
        owner: None,
    };
    let pdb = Pdb {
        meta,
        selector: Selector::equal([("app".into(), "db".into())]),
        min_available: "3".into(),
        max_unavailable: "".into(),
        disruptions_allowed: allowed,
        current_healthy: 3,
        desired_healthy: 3,
    };
    bench.world.with(|s| s.slim.insert(Kind::PodDisruptionBudget, vec![Object::Pdb(Arc::new(pdb))]));
}

fn plan(bench: &Bench) -> Plan {
    let request = ActionRequest { action: "evict".into(), object: pod(), parameters: Vec::new(), overrides: Vec::new(), reason: None };
    bench.world.run(actions::plan(&bench.world, &bench.world, &bench.context, &request)).expect("a plan")
}

#[test]
fn an_eviction_is_bound_to_the_pods_identity_and_proven_by_its_replacement() {
    let bench = bench(true, true);
    budget(&bench, 1);
    let told = bench.carry_out(plan(&bench));
    told.assert(End::Proven, "");
    let sent = bench.world.writes_to(Kind::Pod);
    let [only] = &sent[..] else { unreachable!("one request: {sent:?}") };
    let Change::Create(body) = &only.change else { unreachable!("an eviction: {only:?}") };
    assert_eq!((only.subresource, &body["kind"], &body["apiVersion"]), ("eviction", &json!("Eviction"), &json!("policy/v1")));
    assert_eq!(body["deleteOptions"], json!({ "preconditions": { "uid": "u-pod" } }), "camelCase, as the API has it");
    assert!(
        bench.world.object(&ObjectRef::new(Kind::Lease, "shop", "timonel-statefulset-db")).is_object(),
        "under its top owner's lock"
    );
}

#[test]
fn a_budget_that_lets_none_go_blocks_for_a_ready_pod_and_nothing_overrides_it() {
    let ready = bench(true, true);
    budget(&ready, 0);
    let refused = plan(&ready);
    assert_eq!(refused.blocked_by(), ["pdb"]);
    assert!(refused.overriding("pdb", "it must go").is_err());
    let broken = bench(true, false);
    budget(&broken, 0);
    assert!(plan(&broken).allowed(), "whether one that is not ready may go is the server's to say");
}

#[test]
fn a_budget_that_closes_in_between_ends_the_run_with_the_servers_words_and_nothing_done() {
    let bench = bench(true, true);
    let planned = plan(&bench);
    bench.world.with(|s| s.faults.extend((0..10).map(|_| (Kind::Pod, Fault::Refuse(ErrorKind::TooManyRequests)))));
    let told = bench.carry_out(planned);
    told.assert(End::Refused, "refused");
    assert!(bench.world.object(&pod()).is_object());
}

#[test]
fn an_eviction_whose_answer_was_lost_is_found_out_by_looking() {
    let bench = bench(true, true);
    bench.world.with(|s| s.faults.push_back((Kind::Pod, Fault::CutAfter)));
    bench.carry_out(plan(&bench)).assert(End::Proven, "");
    assert_eq!(bench.world.writes_to(Kind::Pod).len(), 1);
}

#[test]
fn a_pod_made_anew_in_between_is_not_evicted_in_its_place() {
    let bench = bench(true, true);
    let planned = plan(&bench);
    bench.world.with(|s| {
        let mut other = s.objects[&pod()].clone();
        other["metadata"]["uid"] = "u-other".into();
        s.put(&pod(), other);
    });
    bench.carry_out(planned).assert(End::Refused, "deleted and made again");
    assert!(bench.world.writes_to(Kind::Pod).is_empty());
}

#[test]
fn the_replacement_of_a_broken_pod_must_become_ready() {
    let bench = bench(true, false);
    let planned = plan(&bench);
    bench.world.after(Duration::from_secs(20), |s| {
        let mut db = s.objects[&set()].clone();
        db["status"]["readyReplicas"] = 3.into();
        db["status"]["availableReplicas"] = 3.into();
        s.put(&set(), db);
    });
    let told = bench.carry_out(planned);
    told.assert(End::Proven, "");
    assert!(told.proof_seconds("prove-replacement") >= 20.0);
}

#[test]
fn a_pod_of_nobody_asks_for_the_phrase_and_is_proven_by_its_absence() {
    let bench = bench(false, true);
    let planned = plan(&bench);
    assert_eq!(planned.confirmation().text.as_deref(), Some("evict db-0 1 pod"));
    assert!(planned.undoing().is_err());
    bench.carry_out(planned).assert(End::Proven, "");
}
