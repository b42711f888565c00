//! Issue text "Plan, staleness, hash, preconditions of the write, conflicts, dry run": what a plan says, and what it never does.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::manifest::Web;
use crate::operator::Operator;

pub(crate) fn a_plan_says_what_would_change_and_changes_nothing(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 2).yaml());
    space.wait_ready("web", 2);
    let operator = Operator::new(cluster, "operator", &space);
    let plan = operator.plan(&["web=3"]);
    assert_eq!(plan.code, Some(0), "{:#}", plan.value);
    assert_eq!(plan.text("/schema"), "timonel.plan/1");
    let object = &plan.value["objects"][0];
    assert_eq!((object["kind"].as_str(), object["name"].as_str()), (Some("Deployment"), Some("web")));
    assert_eq!(object["uid"], space.get("apps/v1", "Deployment", "web").unwrap()["metadata"]["uid"]);
    let change = &object["changes"][0];
    assert_eq!(
        (&change["field"], &change["before"], &change["after"]),
        (&Value::from("spec.replicas"), &Value::from(2), &Value::from(3))
    );
    let steps = plan.value["steps"].as_array().unwrap();
    assert!(
        steps.iter().all(|step| !step["proof"].as_str().unwrap_or_default().is_empty()),
        "every step says what proves it: {steps:#?}"
    );
    assert!(plan.text("/undo").contains('2'), "{:#}", plan.value["undo"]);
    assert!(plan.value["same_as"][0].as_str().unwrap().contains("--replicas=3"), "{:#}", plan.value["same_as"]);
    assert_eq!(space.replicas("web"), 2);
    for asked in cluster.changes_asked_for("operator", space.name()).unwrap_or_default() {
        assert!(asked["requestURI"].as_str().unwrap().contains("dryRun=All"), "only a dry run: {asked:#}");
    }
    assert!(operator.journal().is_empty(), "a plan leaves no trace on this machine either");
}

pub(crate) fn two_operators_compute_the_same_hash_and_another_count_another_one(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let hash = |user: &str, words: &[&str]| Operator::new(cluster, user, &space).plan(words).text("/hash").to_owned();
    let first = hash("operator", &["web=2"]);
    assert!(first.starts_with("sha256:"), "{first}");
    assert_eq!(first, hash("second", &["deployment/web=2"]));
    assert_ne!(first, hash("operator", &["web=3"]));
}

pub(crate) fn a_run_refuses_another_plan_than_the_one_that_was_read(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let operator = Operator::new(cluster, "operator", &space);
    let hash = operator.plan(&["web=2"]).text("/hash").to_owned();
    operator.run_confirmed("y", &["web=3", "--plan", &hash]).expect("refused", 4);
    assert_eq!(space.replicas("web"), 1);
    operator.run_confirmed("y", &["web=2", "--plan", &hash]).expect("proven", 0);
    assert_eq!(space.replicas("web"), 2);
}

pub(crate) fn a_deployment_made_anew_under_the_same_name_is_another_plan(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let operator = Operator::new(cluster, "operator", &space);
    let hash = operator.plan(&["web=2"]).text("/hash").to_owned();
    space.delete("apps/v1", "Deployment", "web");
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    operator.run_confirmed("y", &["web=2", "--plan", &hash]).expect("refused", 4);
    assert_eq!(space.replicas("web"), 1);
}

pub(crate) fn wrong_words_are_wrong_usage_with_a_hint(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let operator = Operator::new(cluster, "operator", &space);
    for (words, said) in [
        (&["plan", "scale", "wbe=2"][..], "web"),
        (&["plan", "scael", "web=2"], "scale"),
        (&["plan", "scale", "web=-1"], "-1"),
        (&["plan", "scale", "web=many"], "many"),
        (&["plan", "scale", "web=99999999999"], "99999999999"),
        (&["plan", "scale", "web"], "web"),
        (&["run", "scale", "wbe=2", "--confirm", "y"], "web"),
    ] {
        let finished = operator.call(words).exits(64);
        assert!(finished.stderr.starts_with("timonel: ") && finished.stderr.contains(said), "{words:?}: {}", finished.stderr);
        assert!(finished.stderr.contains("\n  hint: "), "{words:?}: {}", finished.stderr);
        assert!(finished.stdout.is_empty(), "{words:?}: {}", finished.stdout);
    }
    assert_eq!(space.replicas("web"), 1);
}
