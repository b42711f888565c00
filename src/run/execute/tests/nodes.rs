//! Whole runs of cordon and uncordon.

use serde_json::json;

use super::Bench;
use crate::run::actions::{self, ActionRequest};
use crate::run::{Answer, End, Plan};
use crate::target::model::{Kind, ObjectRef};

fn node(name: &str) -> ObjectRef {
    ObjectRef::new(Kind::Node, "", name)
}

/// Nodes that are ready, the second cordoned or not.
fn bench(others: bool) -> Bench {
    let bench = Bench::new();
    let ready = json!([{ "type": "Ready", "status": "True" }]);
    bench.world.with(|s| {
        s.put(&node("n1"), json!({ "metadata": { "uid": "u-n1" }, "spec": {}, "status": { "conditions": ready } }));
        s.put(
            &node("n2"),
            json!({ "metadata": { "uid": "u-n2" }, "spec": { "unschedulable": !others }, "status": { "conditions": ready } }),
        );
        s.put(
            &ObjectRef::new(Kind::Pod, "shop", "db-0"),
            json!({ "metadata": { "uid": "u-pod" }, "spec": { "nodeName": "n1", "volumes": [{ "name": "d", "persistentVolumeClaim": {} }] } }),
        );
    });
    bench
}

fn plan(bench: &Bench, action: &'static str, name: &str) -> Plan {
    let request = ActionRequest { action: action.into(), object: node(name), parameters: Vec::new(), overrides: Vec::new(), reason: None };
    bench.world.run(actions::plan(&bench.world, &bench.world, &bench.context, &request)).expect("a plan")
}

#[test]
fn a_cordon_previews_what_stays_is_proven_and_stays_a_debt() {
    let bench = bench(true);
    let planned = plan(&bench, "cordon", "n1");
    assert!(planned.risks().iter().any(|r| r.contains("1 pod on it stay: shop/db-0")), "{:?}", planned.risks());
    assert!(planned.risks().iter().any(|r| r.contains("1 of them hold volumes")), "{:?}", planned.risks());
    let told = bench.carry_out(planned);
    told.assert(End::Proven, "");
    assert_eq!(bench.world.object(&node("n1"))["spec"]["unschedulable"], true);
    assert!(told.outcome.debts[0].pay.ends_with("uncordon n1"), "{:?}", told.outcome.debts);
    assert!(bench.world.object(&ObjectRef::new(Kind::Lease, "kube-system", "timonel-node-n1")).is_object());
    let events = bench.world.writes_to(Kind::Event);
    assert!(!events.is_empty() && events.iter().all(|e| *e.object.namespace == *"default"), "{events:?}");
    let back = bench.carry_out(plan(&bench, "uncordon", "n1"));
    back.assert(End::Proven, "");
    assert!(back.outcome.debts.is_empty());
}

#[test]
fn the_last_node_asks_for_the_phrase_and_what_is_so_already_is_refused() {
    let bench = bench(false);
    let last = plan(&bench, "cordon", "n1");
    assert!(last.checks().iter().any(|c| c.id == "nodes" && c.result == Answer::Failed));
    assert_eq!(last.confirmation().text.as_deref(), Some("cordon n1 node"));
    assert_eq!(plan(&bench, "cordon", "n2").blocked_by(), ["cordoned"]);
    assert_eq!(plan(&bench, "uncordon", "n1").blocked_by(), ["cordoned"]);
    assert_eq!(plan(&bench, "uncordon", "n2").undoing().map(|u| u.action), Ok("cordon".into()));
}
