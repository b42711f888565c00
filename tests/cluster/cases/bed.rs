//! The bed itself: that pods are real, and that waiting for something can fail.

use std::time::Duration;

use crate::bed::node;
use crate::cluster::Cluster;
use crate::manifest::Web;

pub(crate) fn a_pod_runs_answers_and_is_measured(cluster: &Cluster) {
    let space = cluster.namespace("bed").unwrap();
    space.apply(&Web::new("web", 2).yaml());
    space.wait_ready("web", 2);
    let pod = space.list("v1", "Pod").remove(0);
    let name = pod["metadata"]["name"].as_str().unwrap();
    let path = |rest: &str| format!("/api/v1/namespaces/{}/pods/{name}{rest}", space.name());
    assert_eq!(cluster.raw(&path(":8000/proxy/health")).unwrap(), "ok\n");
    let log = cluster.raw(&path("/log")).unwrap();
    assert!(log.as_str().unwrap().contains("version 1.0.0 starts"), "{log}");
}

pub(crate) fn a_condition_that_never_holds_is_reported_with_the_last_state(cluster: &Cluster) {
    let object = ("v1", "Node", "", node::NAME);
    let error = cluster.wait_at_most(Duration::from_secs(2), "pigs fly", object, |_| false).unwrap_err();
    assert!(error.contains("pigs fly") && error.contains("kubeletVersion"), "{error}");
}

pub(crate) fn a_crash_loop_is_a_real_one(cluster: &Cluster) {
    let space = cluster.namespace("bed").unwrap();
    space.apply("apiVersion: v1\nkind: Pod\nmetadata: {name: crash}\nspec:\n  containers:\n  - {name: app, image: docker.io/timonel/app:1.0.0, command: [sh, -c, 'echo out of luck; exit 3']}\n");
    space.wait("the pod crashes again and again", "v1", "Pod", "crash", |pod| {
        let container = &pod["status"]["containerStatuses"][0];
        container["restartCount"].as_u64() >= Some(1) && container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    });
}

pub(crate) fn each_user_may_do_what_its_name_says(cluster: &Cluster) {
    let space = cluster.namespace("bed").unwrap();
    space.apply(&Web::new("web", 1).yaml());
    let may = |user: &str, verb: &str, resource: &str| cluster.may(user, verb, resource, space.name());
    for (user, verb, resource, allowed) in [
        ("viewer", "list", "pods", true),
        ("viewer", "patch", "deployments/scale", false),
        ("operator", "patch", "deployments/scale", true),
        ("second", "create", "leases", true),
        ("stranger", "list", "pods", false),
    ] {
        assert_eq!(may(user, verb, resource), allowed, "{user} {verb} {resource}");
    }
}
