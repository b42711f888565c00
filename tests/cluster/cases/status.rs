//! Issue text "Status and doctor": one shot, exact exit codes, and the truth about what could not be seen.

use crate::cluster::Cluster;
use crate::manifest::Web;
use crate::operator::Operator;

pub(crate) fn a_healthy_place_is_ok(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 2).yaml());
    space.wait_ready("web", 2);
    let answer = Operator::new(cluster, "operator", &space).call(&["status", "-o", "json"]).exits(0).json();
    assert_eq!((&answer["schema"], &answer["health"]), (&"timonel.status/1".into(), &"ok".into()), "{answer:#}");
    let workload = &answer["workloads"][0];
    assert_eq!(
        (workload["name"].as_str(), workload["ready"].as_u64(), workload["desired"].as_u64()),
        (Some("web"), Some(2), Some(2)),
        "{workload:#}"
    );
    assert_eq!(workload["images"][0].as_str().map(|image| image.contains("timonel/app")), Some(true), "{workload:#}");
    assert_eq!(workload["id"], format!("{}/deployment/web", space.name()), "{workload:#}");
}

pub(crate) fn a_crash_loop_is_named_as_the_reason(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&format!("{}---\n{}", Web::new("web", 1).yaml(), Web::new("worker", 1).shell("exit 3").yaml()));
    space.wait_ready("web", 1);
    let pod = space.list("v1", "Pod").into_iter().find(|pod| pod["metadata"]["labels"]["app"] == "worker").unwrap();
    let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
    // Without a readiness probe a container that was started a moment ago is ready, for Kubernetes and for us.
    space.wait("the container crashes again and again", "v1", "Pod", &name, |pod| {
        let container = &pod["status"]["containerStatuses"][0];
        container["restartCount"].as_u64() >= Some(1) && container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    });
    let finished = Operator::new(cluster, "operator", &space).call(&["status", "-o", "json"]).exits(1);
    let answer = finished.json();
    assert_eq!(answer["health"], "degraded", "{answer:#}");
    let reasons = answer["reasons"].to_string();
    assert!(reasons.contains("worker") && (reasons.contains("exit 3") || reasons.contains("CrashLoopBackOff")), "{reasons}");
}

pub(crate) fn everything_down_is_down(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).version("9.9.9").yaml());
    space.wait("no pod can start", "apps/v1", "Deployment", "web", |object| object["status"]["unavailableReplicas"] == 1);
    let answer = Operator::new(cluster, "operator", &space).call(&["status", "-o", "json"]).exits(2).json();
    assert_eq!(answer["health"], "down", "{answer:#}");
}

pub(crate) fn a_viewer_sees_the_same_and_what_was_not_to_be_seen_is_a_problem(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let answer = Operator::new(cluster, "viewer", &space).call(&["status", "-o", "json"]).exits(0).json();
    assert_eq!(answer["health"], "ok", "{answer:#}");
    let stranger = Operator::new(cluster, "stranger", &space).call(&["status", "-o", "json"]).exits(3).json();
    assert_eq!(stranger["health"], "unknown", "{stranger:#}");
    assert!(!stranger["problems"].as_array().unwrap().is_empty(), "{stranger:#}");
}

pub(crate) fn doctor_names_a_missing_right_and_what_would_fix_it(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let answer = Operator::new(cluster, "operator", &space).call(&["doctor", "-o", "json"]);
    assert!(matches!(answer.code, Some(0 | 1)), "{answer:#?}");
    assert_eq!(answer.json()["schema"], "timonel.doctor/1");
    let stranger = Operator::new(cluster, "stranger", &space).call(&["doctor", "-o", "json"]);
    assert!(matches!(stranger.code, Some(1..=3)), "{stranger:#?}");
    assert!(stranger.stdout.contains("hint"), "{}", stranger.stdout);
}
