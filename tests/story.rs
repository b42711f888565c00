//! The simulated cluster through its API while its clock is held: each story has the course, the cause and the way out that it promises,
//! and the same seed tells the same one.

use std::time::Duration;

use http::Request;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use timonel::sim::{self, SimHandle, SimOptions};
use tokio::runtime::Runtime;

/// A cluster whose time passes only when a test says so, and a client of it.
struct Told {
    cluster: SimHandle,
    client: Client,
    runtime: Runtime,
}

impl Told {
    fn start(scenario: &str, seed: u64, hour: &str) -> Self {
        let hold = Some(format!("2026-11-27T{hour}:00Z").parse().expect("a time"));
        let cluster = sim::start(&SimOptions { scenario: scenario.to_owned(), seed, hold, ..SimOptions::default() }).expect("a cluster");
        let runtime = Runtime::new().expect("threads");
        let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig()).expect("its kubeconfig");
        let client = runtime.block_on(async {
            let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a configuration");
            Client::try_from(config).expect("a client")
        });
        Self { cluster, client, runtime }
    }

    fn pass(&self, seconds: u64) {
        self.cluster.advance(Duration::from_secs(seconds));
    }

    fn text(&self, path: &str) -> String {
        let request = Request::get(path).body(Vec::new()).expect("a request");
        self.runtime.block_on(self.client.request_text(request)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path)).expect("JSON")
    }

    /// The objects of a list.
    fn list(&self, path: &str) -> Vec<Value> {
        self.get(path)["items"].as_array().expect("a list").clone()
    }

    fn merge(&self, path: &str, patch: &Value) {
        let request = Request::patch(path).header("content-type", "application/merge-patch+json");
        let request = request.body(patch.to_string().into_bytes()).expect("a request");
        self.runtime.block_on(self.client.request_text(request)).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Lets time pass, second by second, until something holds.
    fn until(&self, seconds: u64, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..seconds {
            if holds(self) {
                return;
            }
            self.pass(1);
        }
        assert!(holds(self), "after {seconds} s it is still not so that {what}");
    }

    fn deployment(&self, namespace: &str, name: &str) -> Numbers {
        let value = self.get(&format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}"));
        let n = |v: &Value| v.as_i64().unwrap_or(0);
        let status = &value["status"];
        Numbers {
            wanted: n(&value["spec"]["replicas"]),
            updated: n(&status["updatedReplicas"]),
            ready: n(&status["readyReplicas"]),
        }
    }

    /// Pods of a workload, by the beginning of their names.
    fn pods(&self, namespace: &str, workload: &str) -> Vec<Value> {
        let mut pods = self.list(&format!("/api/v1/namespaces/{namespace}/pods"));
        pods.retain(|pod| pod["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(&format!("{workload}-"))));
        pods
    }

    fn log(&self, namespace: &str, pod: &Value) -> String {
        let name = pod["metadata"]["name"].as_str().expect("a name");
        self.text(&format!("/api/v1/namespaces/{namespace}/pods/{name}/log?tailLines=200"))
    }

    /// Everything that a client can see: objects in their order, Events among them, and what some pods wrote.
    fn everything(&self) -> Vec<String> {
        let kinds = [
            "/api/v1/nodes",
            "/api/v1/pods",
            "/api/v1/services",
            "/api/v1/events",
            "/api/v1/persistentvolumeclaims",
            "/apis/apps/v1/deployments",
            "/apis/apps/v1/replicasets",
            "/apis/apps/v1/statefulsets",
            "/apis/apps/v1/daemonsets",
            "/apis/autoscaling/v2/horizontalpodautoscalers",
            "/apis/batch/v1/jobs",
            "/apis/discovery.k8s.io/v1/endpointslices",
        ];
        let objects = kinds.iter().flat_map(|path| self.list(path)).map(|object| object.to_string());
        let logs = self.pods("eterna-rules", "eterna-rules-backend").into_iter().map(|pod| self.log("eterna-rules", &pod));
        objects.chain(logs).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    wanted: i64,
    updated: i64,
    ready: i64,
}

/// Why the containers of a pod wait or ended last.
fn reasons(pod: &Value) -> Vec<String> {
    let statuses = pod["status"]["containerStatuses"].as_array().cloned().unwrap_or_default();
    let of = |status: &Value| {
        ["/state/waiting/reason", "/lastState/terminated/reason"].map(|at| status.pointer(at).and_then(Value::as_str).map(str::to_owned))
    };
    statuses.iter().flat_map(of).flatten().collect()
}

#[test]
fn the_same_seed_tells_the_same_story_and_another_one_does_not() {
    let told = |seed| {
        let story = Told::start("first-steps", seed, "16:58");
        // Past the bad release, its crashes, the worker without room and the certificate.
        story.pass(120);
        story.everything()
    };
    let (first, again, other) = (told(1), told(1), told(2));
    assert!(first.iter().any(|object| object.contains("OOMKilled")) && first.iter().any(|log| log.contains("KeyError")));
    for (one, two) in first.iter().zip(&again) {
        assert_eq!(one, two);
    }
    assert_eq!(first.len(), again.len());
    assert_ne!(first, other);
}

#[test]
fn in_a_quiet_cluster_nothing_is_wrong_for_half_an_hour() {
    let story = Told::start("quiet", 1, "11:30");
    story.pass(1800);
    for path in ["/apis/apps/v1/deployments", "/apis/apps/v1/statefulsets"] {
        for workload in story.list(path) {
            assert_eq!(workload["spec"]["replicas"], workload["status"]["readyReplicas"], "{}", workload["metadata"]["name"]);
        }
    }
    let warnings: Vec<Value> = story.list("/api/v1/events").into_iter().filter(|event| event["type"] == "Warning").collect();
    assert_eq!(warnings, Vec::<Value>::new());
    for pod in story.list("/api/v1/pods") {
        assert!(matches!(pod["status"]["phase"].as_str(), Some("Running" | "Succeeded")), "{}", pod["metadata"]["name"]);
    }
}

#[test]
fn on_friday_half_of_a_deploy_arrives_and_the_release_before_heals_it() {
    on_friday(1, "16:58");
    on_friday(2, "03:10");
}

fn on_friday(seed: u64, hour: &str) {
    let (namespace, name) = ("listacompra", "listacompra-api");
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
    let story = Told::start("friday", seed, hour);
    let before = story.get(&path)["spec"]["template"].clone();
    story.pass(180);
    let stuck = story.deployment(namespace, name);
    let images = |wanted: &str| {
        let pods = story.pods(namespace, name);
        pods.into_iter()
            .filter(|pod| pod["spec"]["containers"][0]["image"].as_str().is_some_and(|i| i.ends_with(wanted)))
            .collect::<Vec<_>>()
    };
    let (new, old) = (images(":v4.3.0"), images(":v4.2.0"));
    assert!(stuck.wanted > 3, "the autoscaler is busy: {stuck:?}");
    assert!(!old.is_empty() && new.iter().any(|pod| pod["status"]["phase"] == "Running"), "half of it arrived: {stuck:?}");
    let failing: Vec<&Value> = new.iter().filter(|pod| reasons(pod).iter().any(|r| r.contains("Pull"))).collect();
    assert!(!failing.is_empty() && failing.iter().all(|pod| pod["spec"]["nodeName"] == "node-3"), "the cause is one node");
    let running = new.iter().find(|pod| pod["status"]["phase"] == "Running").expect("one runs");
    story.pass(60);
    assert!(story.log(namespace, running).contains("shared_with"), "and what arrived answers with errors");
    assert_eq!(story.deployment(namespace, name).ready, stuck.ready, "it stays stuck");
    story.merge(&path, &json!({"spec": {"template": before}}));
    story.until(180, "everything is as before the deploy", |story| {
        let now = story.deployment(namespace, name);
        now.wanted == now.ready && now.wanted == now.updated && images(":v4.3.0").is_empty()
    });
}

#[test]
fn connections_run_out_when_the_autoscaler_adds_replicas_and_fewer_of_them_heal_it() {
    connections_run_out(1, "12:00");
    connections_run_out(2, "03:10");
}

fn connections_run_out(seed: u64, hour: &str) {
    let (namespace, name) = ("eterna-rules", "eterna-rules-backend");
    let story = Told::start("database", seed, hour);
    story.pass(30);
    assert_eq!(story.deployment(namespace, name), Numbers { wanted: 3, updated: 3, ready: 3 });
    story.until(120, "the autoscaler has added replicas", |story| story.deployment(namespace, name).wanted >= 6);
    story.pass(60);
    let stuck = story.deployment(namespace, name);
    assert!(stuck.ready <= 5 && stuck.ready < stuck.wanted, "the database lets five in: {stuck:?}");
    let refused = story
        .pods(namespace, name)
        .into_iter()
        .find(|pod| reasons(pod).iter().any(|r| r == "CrashLoopBackOff"))
        .expect("one crashes");
    assert!(story.log(namespace, &refused).contains("too many clients already"));
    let postgres = story.pods("database", "postgres").remove(0);
    assert!(story.log("database", &postgres).contains("too many clients already"), "the database says it, too");
    // What the console does for `scale eterna-rules-backend=5 hpa=lower`.
    let scaler = format!("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{name}-hpa");
    story.merge(&scaler, &json!({"spec": {"maxReplicas": 5}}));
    story.merge(&format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"), &json!({"spec": {"replicas": 5}}));
    story.until(120, "five are ready", |story| story.deployment(namespace, name) == Numbers { wanted: 5, updated: 5, ready: 5 });
    story.pass(120);
    assert_eq!(story.deployment(namespace, name), Numbers { wanted: 5, updated: 5, ready: 5 }, "and it stays so");
    assert!(
        !story.log("database", &postgres).lines().rev().take(20).any(|line| line.contains("too many clients")),
        "the database is calm again"
    );
}

#[test]
fn a_watch_from_before_what_is_kept_is_told_that_it_expired_and_one_from_now_is_not() {
    let told = Told::start("storm", 1, "10:00");
    let newest = told.get("/api/v1/pods?limit=1")["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
    let first = |from: &str| {
        let text = told.text(&format!("/api/v1/pods?watch=true&resourceVersion={from}&timeoutSeconds=1&allowWatchBookmarks=true"));
        text.lines().next().map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
    };
    assert!(first(&newest).is_none_or(|event| event["type"] != "ERROR"), "what is kept can be gone on from");
    told.pass(15);
    let expired = first("1").expect("an answer");
    assert_eq!(
        (&expired["type"], &expired["object"]["code"], &expired["object"]["reason"]),
        (&json!("ERROR"), &json!(410), &json!("Expired"))
    );
}
