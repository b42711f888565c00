//! Issue text "Run": steps with progress, proof with a deadline, undo, and the outcome told as it is.

use serde_json::Value;

use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::manifest::{Web, service};
use crate::operator::Operator;

fn place<'a>(cluster: &'a Cluster, yaml: &str, replicas: u64) -> (Namespace<'a>, Operator) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(yaml);
    space.wait_ready("web", replicas);
    let operator = Operator::new(cluster, "operator", &space);
    (space, operator)
}

pub(crate) fn a_scale_is_proven_by_ready_pods_and_endpoints(cluster: &Cluster) {
    let (space, operator) = place(cluster, &format!("{}---\n{}", Web::new("web", 1).yaml(), service("web")), 1);
    let run = operator.run_confirmed("y", &["web=3"]).expect("proven", 0);
    let names = run.names();
    let at = |name: &str| names.iter().position(|known| *known == name).unwrap_or_else(|| panic!("no {name}: {names:?}"));
    assert!(at("planned") < at("checked") && at("checked") < at("confirmed") && at("confirmed") < at("step_started"), "{names:?}");
    assert_eq!(names.last(), Some(&"ended"));
    let started: Vec<&Value> = run.named("step_started").map(|event| &event["step"]).collect();
    let proven: Vec<&Value> = run.named("step_proven").map(|event| &event["step"]).collect();
    assert_eq!(started, proven, "each step that began was proven");
    assert!(run.named("step_proven").any(|event| event["text"].as_str().unwrap().contains("endpoint")), "{:#?}", run.events);
    assert!(
        run.events
            .iter()
            .all(|event| event["schema"] == "timonel.run/1" && event["run"] == run.end()["run"] && event["at"].is_string())
    );
    let now = space.get("apps/v1", "Deployment", "web").unwrap();
    assert_eq!((&now["spec"]["replicas"], &now["status"]["readyReplicas"]), (&Value::from(3), &Value::from(3)), "proven means ready");
    Watched { cluster, space: &space, operator: &operator }.ended("scale", &run);
}

pub(crate) fn a_scale_down_is_proven_when_the_pods_are_gone(cluster: &Cluster) {
    let (space, operator) = place(cluster, &Web::new("web", 3).yaml(), 3);
    operator.run_confirmed("y", &["web=2"]).expect("proven", 0);
    let now = space.get("apps/v1", "Deployment", "web").unwrap();
    assert_eq!((&now["spec"]["replicas"], &now["status"]["replicas"]), (&Value::from(2), &Value::from(2)));
}

pub(crate) fn a_scale_without_room_ends_as_failed_with_the_scheduler_s_words_and_is_undone(cluster: &Cluster) {
    let (space, operator) = place(cluster, &Web::new("web", 1).resources("{requests: {memory: 8Mi, cpu: 10m}}").yaml(), 1);
    let words = &["web=200", "--deadline", "15s"];
    let run = operator.run(words).expect("failed", 1);
    assert!(run.names().contains(&"step_failed") && run.names().contains(&"undone"), "{:?}", run.names());
    let reason = run.end()["reason"].as_str().unwrap();
    assert!(reason.to_lowercase().contains("schedul") || reason.contains("nodes are available"), "the root cause is named: {reason}");
    assert_eq!(run.end()["debts"].as_array().map(Vec::len), Some(0), "{:#}", run.end());
    assert_eq!(space.replicas("web"), 1);
    space.wait_ready("web", 1);
    Watched { cluster, space: &space, operator: &operator }.ended("scale: no node has room", &run);
}

pub(crate) fn a_scale_whose_pods_crash_ends_as_failed_and_says_why(cluster: &Cluster) {
    // Only the first pod finds the door open: the others meet what it left on the shared volume.
    let space = cluster.namespace("shop-test").unwrap();
    let web = Web::new("web", 1).shell("mkdir /shared/taken || exit 3; exec /bin/app");
    let volume = "\n        volumeMounts: [{name: shared, mountPath: /shared}]\n      volumes: [{name: shared, hostPath: {path: /tmp/timonel-shared-NAME, type: DirectoryOrCreate}}]\n";
    space.apply(&(web.yaml().trim_end().to_owned() + &volume.replace("NAME", space.name())));
    space.wait_ready("web", 1);
    let operator = Operator::new(cluster, "operator", &space);
    let run = operator.run(&["web=2", "--deadline", "20s"]).expect("failed", 1);
    let told = run.end()["reason"].as_str().unwrap();
    assert!(told.contains("exit 3") || told.contains("CrashLoopBackOff"), "{told}");
    assert_eq!(space.replicas("web"), 1);
    let _ = std::fs::remove_dir_all(format!("/tmp/timonel-shared-{}", space.name()));
}

/// A service file whose probe asks every pod of `web` for this page.
pub(crate) fn asked_for(space: &Namespace<'_>, operator: &Operator, page: &str) -> String {
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\nnamespace = \"{}\"\n\
         [[probe]]\nid = \"page\"\nkind = \"http-each-pod\"\nworkload = \"web\"\nport = 8000\npath = \"{page}\"\ninterval = \"10s\"\n",
        space.name()
    );
    operator.sandbox.write("shop.toml", &text).display().to_string()
}

pub(crate) fn probes_of_every_pod_prove_a_scale(cluster: &Cluster) {
    let (space, operator) = place(cluster, &Web::new("web", 1).yaml(), 1);
    let file = asked_for(&space, &operator, "/health");
    let run = operator.run(&["web=2", "-f", &file]).expect("proven", 0);
    assert!(
        run.named("step_proven")
            .any(|event| event["step"] == "prove-probes" && event["text"].as_str().unwrap().contains("page")),
        "{:#?}",
        run.events
    );
}

pub(crate) fn a_probe_that_stays_red_ends_a_scale_as_failed_and_undone(cluster: &Cluster) {
    let (space, operator) = place(cluster, &Web::new("web", 1).yaml(), 1);
    let file = asked_for(&space, &operator, "/there-is-no-such-page");
    let run = operator.run(&["web=2", "-f", &file, "--deadline", "12s"]).expect("failed", 1);
    assert!(run.end()["reason"].as_str().unwrap().contains("page failed"), "{:#}", run.end());
    assert_eq!(space.replicas("web"), 1, "the count is what it was");
}

pub(crate) fn a_workload_that_is_there_already_is_left_alone(cluster: &Cluster) {
    let (space, operator) = place(cluster, &Web::new("web", 2).yaml(), 2);
    let generation = space.get("apps/v1", "Deployment", "web").unwrap()["metadata"]["generation"].clone();
    let finished = operator.call(&["run", "scale", "web=2", "--confirm", "y", "-o", "json"]);
    assert!(matches!(finished.code, Some(0 | 64)), "{finished:#?}");
    assert_eq!(space.get("apps/v1", "Deployment", "web").unwrap()["metadata"]["generation"], generation);
}

pub(crate) fn a_statefulset_is_scaled_the_same_way(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec:\n  replicas: 1\n  serviceName: db\n  selector: {matchLabels: {app: db}}\n  \
         template:\n    metadata: {labels: {app: db}}\n    spec:\n      containers:\n      - name: app\n        image: docker.io/timonel/app:1.0.0\n        \
         readinessProbe: {httpGet: {path: /health, port: 8000}, periodSeconds: 1}\n",
    );
    space.wait("the pod is ready", "apps/v1", "StatefulSet", "db", |set| set["status"]["readyReplicas"] == 1);
    Operator::new(cluster, "operator", &space).run_confirmed("y", &["statefulset/db=2"]).expect("proven", 0);
    let now = space.get("apps/v1", "StatefulSet", "db").unwrap();
    assert_eq!((&now["spec"]["replicas"], &now["status"]["readyReplicas"]), (&Value::from(2), &Value::from(2)));
}
