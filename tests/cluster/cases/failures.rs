//! Each way in which an action that was begun can fail to be proven, and the good cases of what `actions` and the actions' own cases do
//! not carry out. Each tells its rows of `assets/faults-real.md`. Most of their time is waiting: several at once.

mod jobs;
mod rollouts;
mod scales;

pub(crate) use jobs::*;
pub(crate) use rollouts::*;
pub(crate) use scales::*;

use std::thread;

use serde_json::{Value, json};

use crate::cases::actions::undone_by_somebody;
use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::manifest::Web;
use crate::operator::{Operator, Run};

/// An image that no node has, and that nobody pulls.
const MISSING: &str = "9.9.9";

/// A place of its own for one failure.
struct Scene<'a> {
    cluster: &'a Cluster,
    space: Namespace<'a>,
    operator: Operator,
}

impl<'a> Scene<'a> {
    fn new(cluster: &'a Cluster) -> Self {
        let space = cluster.namespace("shop-test").unwrap();
        let operator = Operator::new(cluster, "operator", &space);
        Self { cluster, space, operator }
    }

    /// With `web`, ready with one pod.
    fn with(cluster: &'a Cluster, web: &Web) -> Self {
        let scene = Self::new(cluster);
        scene.space.apply(&web.yaml());
        scene.space.wait_ready("web", 1);
        scene
    }

    /// With `web`, ready with one pod, whose next one finds nothing of what it reads at its start.
    fn without_settings(cluster: &'a Cluster) -> Self {
        let scene = Self::new(cluster);
        scene.space.apply(&reads_settings(&Web::new("web", 1)));
        scene.space.wait_ready("web", 1);
        scene.space.delete("v1", "ConfigMap", "settings");
        scene
    }

    /// With `web`, first like this and then well.
    fn after(cluster: &'a Cluster, first: &Web) -> Self {
        let scene = Self::new(cluster);
        scene.space.apply(&first.yaml());
        scene
            .space
            .wait("its first revision is there", "apps/v1", "Deployment", "web", |web| web["status"]["updatedReplicas"] == 1);
        scene.space.apply(&Web::new("web", 1).version("1.1.0").yaml());
        scene.space.wait_ready("web", 1);
        scene
    }

    /// Room for so many pods and no more.
    fn room_for(&self, pods: u32) {
        self.space
            .apply(&format!("apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: small}}\nspec: {{hard: {{pods: '{pods}'}}}}\n"));
        self.space
            .wait("the quota is counted", "v1", "ResourceQuota", "small", |quota| quota["status"]["used"]["pods"].is_string());
    }

    /// Carries out the action, which ends like this, and tells the row.
    fn ends(&self, row: &str, action: &str, words: &[&str], (outcome, code): (&str, i32)) -> Run {
        self.tell(row, self.operator.run_of(action, words).expect(outcome, code))
    }

    fn tell(&self, row: &str, run: Run) -> Run {
        Watched { cluster: self.cluster, space: &self.space, operator: &self.operator }.ended(row, &run);
        run
    }

    /// Carries out the action, and somebody does something else once its write was carried out.
    fn meanwhile(&self, row: &str, words: &[&str], part: &str, (outcome, code): (&str, i32), other: impl Fn()) -> Run {
        let (operator, run) = undone_by_somebody(self.cluster, &self.space, "operator", words, part, other);
        let run = run.expect(outcome, code);
        Watched { cluster: self.cluster, space: &self.space, operator: &operator }.ended(row, &run);
        run
    }

    fn deployment(&self) -> Value {
        self.space.get("apps/v1", "Deployment", "web").unwrap_or_default()
    }

    fn patch(&self, change: &Value) {
        self.space.patch("apps/v1", "Deployment", "web", change);
    }

    /// The image of `web`.
    fn image(&self) -> String {
        self.deployment()["spec"]["template"]["spec"]["containers"][0]["image"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

const PROVEN: (&str, i32) = ("proven", 0);
const FAILED: (&str, i32) = ("failed", 1);
const DEBTS: (&str, i32) = ("failed-with-debts", 2);
const REFUSED: (&str, i32) = ("refused", 4);

/// Carries these out at once.
fn at_once(cluster: &Cluster, parts: &[fn(&Cluster)]) {
    thread::scope(|scope| {
        for part in parts {
            scope.spawn(|| part(cluster));
        }
    });
}

/// A StatefulSet `db` or a DaemonSet `agent` of one pod on the node that has a kubelet, which reads a ConfigMap when it starts.
fn set(space: &Namespace<'_>, kind: &str, version: &str) {
    let (name, own) = if kind == "StatefulSet" { ("db", json!({"serviceName": "db", "replicas": 1})) } else { ("agent", json!({})) };
    let nodes = space.list("v1", "Node");
    let ready = nodes.iter().find(|node| crate::cluster::condition("Ready")(node)).expect("a node");
    let mut spec = json!({"selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}}, "spec": {
        "terminationGracePeriodSeconds": 1, "nodeSelector": {"kubernetes.io/hostname": ready["metadata"]["name"]},
        "containers": [{"name": "app", "image": format!("docker.io/timonel/app:{version}"), "imagePullPolicy": "Never",
            "envFrom": [{"configMapRef": {"name": "settings"}}],
            "readinessProbe": {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 1}}]}}});
    for (key, value) in own.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    space.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {COLOUR: blue}\n");
    space.apply(&json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}).to_string());
}

/// Its pod is ready, and of that version.
fn wait_for_set(space: &Namespace<'_>, kind: &str) {
    let (name, count) = if kind == "StatefulSet" { ("db", "readyReplicas") } else { ("agent", "numberReady") };
    space.wait("its pod is ready", "apps/v1", kind, name, |object| {
        let status = &object["status"];
        let updated =
            if kind == "StatefulSet" { status["updateRevision"] == status["currentRevision"] } else { status["updatedNumberScheduled"] == 1 };
        status["observedGeneration"] == object["metadata"]["generation"] && status[count] == 1 && updated
    });
}

/// The same as `Web`, and it reads a ConfigMap when it starts.
fn reads_settings(web: &Web) -> String {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {COLOUR: blue}\n";
    format!("{map}---\n{}\n        envFrom: [{{configMapRef: {{name: settings}}}}]\n", web.yaml().trim_end())
}
