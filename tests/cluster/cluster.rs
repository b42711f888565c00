//! A cluster as the tests use it: manifests in, objects out, and waiting for what must become true.
//!
//! Talks to the API with kube directly, so that what the program claims is judged by somebody else than the program.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::bed::{Bed, node, played};

/// How long something may take on a busy machine before a test calls it broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// The kinds that have no namespace, of those that the tests write.
const CLUSTER_WIDE: &[&str] = &[
    "Namespace",
    "Node",
    "ClusterRole",
    "ClusterRoleBinding",
    "APIService",
    "PersistentVolume",
    "PriorityClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
];

/// A Kubernetes to test on, and an administrator's way in.
pub(crate) struct Cluster {
    runtime: Runtime,
    client: Client,
    kubeconfigs: PathBuf,
    server: String,
    // Last: the clients above end before the servers do.
    bed: Option<Bed>,
}

impl Cluster {
    /// Wraps a bed that was just started, and waits until it can run pods.
    pub(crate) fn of(bed: Bed) -> Result<Self, String> {
        let cluster = Self::connect(&bed.kubeconfig("admin"), bed.folder(), bed.server())?;
        let ready = cluster.make_ready(bed.metrics_port());
        ready.map_err(|error| format!("{error}\n{}", bed.last_words()))?;
        Ok(Self { bed: Some(bed), ..cluster })
    }

    /// Wraps a cluster that somebody else runs. `folder` receives kubeconfigs for the users of the tests.
    pub(crate) fn existing(kubeconfig: &Path, folder: &Path) -> Result<Self, String> {
        let read = Kubeconfig::read_from(kubeconfig).map_err(|error| format!("{}: {error}", kubeconfig.display()))?;
        let server = read.clusters.first().and_then(|cluster| cluster.cluster.as_ref()?.server.clone()).unwrap_or_default();
        let cluster = Self::connect(kubeconfig, folder, server)?;
        cluster.apply_all(&rights("ServiceAccount"))?;
        let text = std::fs::read_to_string(kubeconfig).map_err(|error| error.to_string())?;
        std::fs::write(folder.join("admin.kubeconfig"), text).map_err(|error| error.to_string())?;
        for user in ["viewer", "operator", "second", "stranger"] {
            let token = cluster.token(user)?;
            let mut own = read.clone();
            let auth = serde_json::from_value(json!({"token": token})).map_err(|error| error.to_string())?;
            for named in &mut own.auth_infos {
                named.auth_info = Some(Clone::clone(&auth));
            }
            let text = serde_json::to_string(&own).map_err(|error| error.to_string())?;
            std::fs::write(folder.join(format!("{user}.kubeconfig")), text).map_err(|error| error.to_string())?;
        }
        Ok(cluster)
    }

    fn connect(kubeconfig: &Path, folder: &Path, server: String) -> Result<Self, String> {
        let runtime = Runtime::new().map_err(|error| error.to_string())?;
        let read = Kubeconfig::read_from(kubeconfig).map_err(|error| format!("{}: {error}", kubeconfig.display()))?;
        let config = runtime.block_on(Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()));
        let config = config.map_err(|error| error.to_string())?;
        let client = runtime.block_on(async { Client::try_from(config) }).map_err(|error| error.to_string())?;
        Ok(Self { runtime, client, kubeconfigs: folder.to_owned(), server, bed: None })
    }

    fn make_ready(&self, metrics_port: u16) -> Result<(), String> {
        self.wait_until_it_answers()?;
        self.apply_all(&rights("Group"))?;
        self.apply_all(&metrics_service(metrics_port))?;
        self.wait_in("the node is ready", "v1", "Node", "", node::NAME, condition("Ready"))?;
        self.wait_in("pods get an account", "v1", "ServiceAccount", "default", "default", |_| true)
    }

    /// Wraps a bed of played nodes, and waits until `pods` pods run on them.
    pub(crate) fn played(bed: Bed, pods: usize) -> Result<Self, String> {
        let cluster = Self::connect(&bed.kubeconfig("admin"), bed.folder(), bed.server())?;
        cluster.play(pods).map_err(|error| format!("{error}\n{}", bed.last_words()))?;
        Ok(Self { bed: Some(bed), ..cluster })
    }

    fn play(&self, pods: usize) -> Result<(), String> {
        self.wait_until_it_answers()?;
        self.apply_all(&rights("Group"))?;
        self.apply_all(&played::load(pods))?;
        let running = |count: usize| count >= pods;
        Self::until_answered("all played pods run", || {
            self.raw("/api/v1/pods?fieldSelector=status.phase%3DRunning&limit=1").is_ok_and(|list| {
                let rest = list["metadata"]["remainingItemCount"].as_u64().unwrap_or(0);
                running(usize::try_from(rest).unwrap_or(0) + 1) || running(self.count_running())
            })
        })
    }

    fn count_running(&self) -> usize {
        let list = self.raw("/api/v1/pods?fieldSelector=status.phase%3DRunning&resourceVersion=0");
        list.ok().and_then(|list| Some(list["items"].as_array()?.len())).unwrap_or(0)
    }

    /// Asks until the answer is yes. For what no watch can tell.
    fn until_answered(what: &str, ask: impl Fn() -> bool) -> Result<(), String> {
        let until = std::time::Instant::now() + PATIENCE * 4;
        while !ask() {
            if std::time::Instant::now() >= until {
                return Err(format!("still not so: {what}"));
            }
            // Nothing announces this: asking again is the only way.
            std::thread::park_timeout(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Kubeconfig of one of the users of the tests.
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.kubeconfigs.join(format!("{user}.kubeconfig"))
    }

    /// Address of the API server, `https://127.0.0.1:6443`.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Where the API server listens, when it is on this machine.
    pub(crate) fn address(&self) -> SocketAddr {
        let place = self.server.trim_start_matches("https://");
        place.parse().unwrap_or_else(|error| panic!("{place} is not an address of this machine: {error}"))
    }

    /// A namespace of its own for one test, whoever else tests on this cluster, removed with everything in it at the end.
    pub(crate) fn namespace(&self, name: &str) -> Result<Namespace<'_>, String> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("{name}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.apply_all(&[json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})])?;
        self.wait_in("pods get an account", "v1", "ServiceAccount", &name, "default", |_| true)?;
        Ok(Namespace { cluster: self, name, counted: AtomicUsize::new(0) })
    }

    /// Any path of the API as JSON; plain text comes back as a string.
    pub(crate) fn raw(&self, path: &str) -> Result<Value, String> {
        let request = http::Request::get(path).body(Vec::new()).map_err(|error| error.to_string())?;
        let text = self.runtime.block_on(self.client.request_text(request)).map_err(|error| error.to_string())?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// A server-side apply of each object.
    pub(crate) fn apply_all(&self, objects: &[Value]) -> Result<(), String> {
        for object in objects {
            let (version, kind) = (text(object, "apiVersion"), text(object, "kind"));
            let (name, namespace) = (text(&object["metadata"], "name"), text(&object["metadata"], "namespace"));
            let api = self.api(&version, &kind, &namespace);
            let parameters = PatchParams::apply("timonel-tests").force();
            let applied = self.runtime.block_on(api.patch(&name, &parameters, &Patch::Apply(object)));
            applied.map_err(|error| format!("applying {kind} {namespace}/{name}: {error}"))?;
        }
        Ok(())
    }

    fn api(&self, version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let (group, number) = version.split_once('/').unwrap_or(("", version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, number, kind));
        if CLUSTER_WIDE.contains(&kind) {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        }
    }

    /// Watches one object until `holds`, and says how it looked last when it never does.
    pub(crate) fn wait_in(
        &self,
        what: &str,
        version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> Result<(), String> {
        self.wait_at_most(PATIENCE, what, (version, kind, namespace, name), holds)
    }

    /// The same with a deadline of one's own.
    pub(crate) fn wait_at_most(
        &self,
        patience: Duration,
        what: &str,
        (version, kind, namespace, name): (&str, &str, &str, &str),
        holds: impl Fn(&Value) -> bool,
    ) -> Result<(), String> {
        let api = self.api(version, kind, namespace);
        let mut last = Value::Null;
        let watching = async {
            let parameters = WatchParams::default().fields(&format!("metadata.name={name}")).timeout(200);
            loop {
                let Ok(stream) = api.watch(&parameters, "0").await else {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                };
                let mut stream = stream.boxed();
                while let Ok(Some(event)) = stream.try_next().await {
                    if let WatchEvent::Added(object) | WatchEvent::Modified(object) = event {
                        last = serde_json::to_value(&object).unwrap_or_default();
                        if holds(&last) {
                            return;
                        }
                    }
                }
            }
        };
        let ended = self.runtime.block_on(async { tokio::time::timeout(patience, watching).await });
        ended.map_err(|_| format!("after {} s not so: {what}. {kind} {namespace}/{name} was last\n{:#}", patience.as_secs(), last["status"]))
    }

    /// Every change that a user asked the server for in a namespace, in order, as the server wrote it down; `None` where somebody
    /// else's server is tested, which keeps no such book for us.
    pub(crate) fn changes_asked_for(&self, user: &str, namespace: &str) -> Option<Vec<Value>> {
        let book = std::fs::read_to_string(self.bed.as_ref()?.folder().join("audit.log")).ok()?;
        let lines = book.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let own = lines.filter(|entry| entry["user"]["username"] == user && entry["objectRef"]["namespace"] == namespace);
        Some(
            own.filter(|entry| !entry["objectRef"]["resource"].as_str().unwrap_or_default().ends_with("reviews"))
                .collect(),
        )
    }

    /// How often somebody really wrote in a namespace, and was let, since this was asked last; `None` where the server keeps no book for
    /// us. Locks, events and the program's own notes do not count.
    pub(crate) fn writes(&self, space: &Namespace<'_>) -> Option<usize> {
        let all = ["operator", "second", "viewer"].iter().map(|user| self.changes_asked_for(user, &space.name));
        let all: Vec<Value> = all.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        let count = all.iter().filter(|entry| is_write(entry)).count();
        Some(count - space.counted.swap(count, Ordering::Relaxed))
    }

    /// The machines of this cluster, where they are the tests' own.
    pub(crate) fn bed(&self) -> Option<&Bed> {
        self.bed.as_ref()
    }

    /// Waits until the API server says that it is ready.
    pub(crate) fn wait_until_it_answers(&self) -> Result<(), String> {
        Self::until_answered("the API server says that it is ready", || self.raw("/readyz").is_ok())
    }

    /// Whether a user of the tests may do something, as the server judges.
    pub(crate) fn may(&self, user: &str, verb: &str, resource: &str, namespace: &str) -> bool {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let group = match resource {
            "deployments" => "apps",
            "leases" => "coordination.k8s.io",
            _ => "",
        };
        let attributes = json!({"namespace": namespace, "verb": verb, "group": group, "resource": resource, "subresource": subresource});
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}});
        let read = Kubeconfig::read_from(self.kubeconfig(user)).unwrap_or_else(|error| panic!("{user}: {error}"));
        let request = http::Request::post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").header("Content-Type", "application/json");
        let request = request.body(review.to_string().into_bytes()).unwrap_or_else(|error| panic!("{error}"));
        let answer: Value = self.runtime.block_on(async {
            let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default())
                .await
                .unwrap_or_else(|error| panic!("{user}: {error}"));
            let client = Client::try_from(config).unwrap_or_else(|error| panic!("{user}: {error}"));
            client.request(request).await.unwrap_or_else(|error| panic!("{user}: {error}"))
        });
        answer["status"]["allowed"] == true
    }

    /// A request of a user of the tests, as kubectl would send it; what the server says against it.
    pub(crate) fn ask_as(&self, user: &str, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let read = Kubeconfig::read_from(self.kubeconfig(user)).map_err(|error| error.to_string())?;
        let media = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let request = http::Request::builder().method(method).uri(path).header("Content-Type", media);
        let request = request.body(body.to_string().into_bytes()).map_err(|error| error.to_string())?;
        self.runtime.block_on(async {
            let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await.map_err(|error| error.to_string())?;
            let client = Client::try_from(config).map_err(|error| error.to_string())?;
            client.request(request).await.map_err(|error| error.to_string())
        })
    }

    /// A new user with a ClusterRole everywhere; `of` is the role as YAML. Its name, which
    /// its role and binding have too.
    pub(crate) fn user_with(&self, of: &str, space: &Namespace<'_>) -> Result<String, String> {
        const RBAC: &str = "rbac.authorization.k8s.io";
        let mut role: Value = serde_saphyr::from_str(of).map_err(|error| error.to_string())?;
        let account = text(&role["metadata"], "name");
        // Roles have no namespace: the test's own name keeps them apart from those of others.
        let name = format!("{account}-{}", space.name);
        role["metadata"]["name"] = json!(name);
        self.apply_all(&[
            role,
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": space.name}}),
            json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": name},
                "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": space.name}]}),
        ])?;
        let token = self.token_of(&space.name, &account)?;
        let read = std::fs::read_to_string(self.kubeconfig("admin")).map_err(|error| error.to_string())?;
        let mut own: Value = serde_saphyr::from_str(&read).map_err(|error| error.to_string())?;
        for user in own["users"].as_array_mut().into_iter().flatten() {
            user["user"] = json!({"token": token});
        }
        std::fs::write(self.kubeconfig(&name), own.to_string()).map_err(|error| error.to_string())?;
        Ok(name)
    }

    fn token(&self, user: &str) -> Result<String, String> {
        self.token_of("default", &format!("timonel-{user}"))
    }

    fn token_of(&self, namespace: &str, account: &str) -> Result<String, String> {
        let request = http::Request::post(format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"));
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}});
        let request = request.header("Content-Type", "application/json").body(body.to_string().into_bytes());
        let answer: Value = self
            .runtime
            .block_on(self.client.request(request.map_err(|error| error.to_string())?))
            .map_err(|error| format!("a token for {account}: {error}"))?;
        Ok(text(&answer["status"], "token"))
    }
}

/// One test's namespace.
pub(crate) struct Namespace<'a> {
    cluster: &'a Cluster,
    name: String,
    /// Writes in the server's book that were told of already.
    counted: AtomicUsize,
}

impl Namespace<'_> {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Applies YAML documents in this namespace.
    pub(crate) fn apply(&self, yaml: &str) {
        let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        let placed = documents.into_iter().map(|mut document| {
            document["metadata"]["namespace"] = json!(self.name);
            document
        });
        self.cluster.apply_all(&placed.collect::<Vec<_>>()).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Waits until an object looks as described.
    pub(crate) fn wait(&self, what: &str, version: &str, kind: &str, name: &str, holds: impl Fn(&Value) -> bool) {
        self.cluster.wait_in(what, version, kind, &self.name, name, holds).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Waits until a Deployment has rolled out with that many ready pods.
    pub(crate) fn wait_ready(&self, deployment: &str, pods: u64) {
        self.wait(&format!("{pods} pods of {deployment} are ready"), "apps/v1", "Deployment", deployment, |object| {
            let status = &object["status"];
            let count = |field: &str| status[field].as_u64().unwrap_or(0);
            status["observedGeneration"] == object["metadata"]["generation"]
                && count("readyReplicas") == pods
                && count("replicas") == pods
                && count("updatedReplicas") == pods
        });
    }

    /// One object as the server has it.
    pub(crate) fn get(&self, version: &str, kind: &str, name: &str) -> Option<Value> {
        let api = self.cluster.api(version, kind, &self.name);
        let found = self.cluster.runtime.block_on(api.get_opt(name)).unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
        found.map(|object| serde_json::to_value(object).unwrap_or_default())
    }

    /// All objects of a kind.
    pub(crate) fn list(&self, version: &str, kind: &str) -> Vec<Value> {
        let api = self.cluster.api(version, kind, &self.name);
        let list = self
            .cluster
            .runtime
            .block_on(api.list(&ListParams::default()))
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        list.items.into_iter().map(|object| serde_json::to_value(object).unwrap_or_default()).collect()
    }

    /// A merge patch, as somebody else would change the object.
    pub(crate) fn patch(&self, version: &str, kind: &str, name: &str, change: &Value) {
        let api = self.cluster.api(version, kind, &self.name);
        let patched = self.cluster.runtime.block_on(api.patch(name, &PatchParams::default(), &Patch::Merge(change)));
        patched.unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
    }

    /// Deletes one object.
    pub(crate) fn delete(&self, version: &str, kind: &str, name: &str) {
        let api = self.cluster.api(version, kind, &self.name);
        let deleted = self.cluster.runtime.block_on(api.delete(name, &DeleteParams::default()));
        let _ = deleted.unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
    }

    /// Kills a pod: its object goes at once, its processes without a word.
    pub(crate) fn kill_pod(&self, name: &str) {
        let api = self.cluster.api("v1", "Pod", &self.name);
        let deleted = self.cluster.runtime.block_on(api.delete(name, &DeleteParams::default().grace_period(0)));
        let _ = deleted.unwrap_or_else(|error| panic!("Pod {name}: {error}"));
    }

    /// How many Jobs a run made.
    pub(crate) fn jobs_of(&self, run: &str) -> usize {
        let own = |job: &&Value| job["metadata"]["labels"]["timonel.io/run"] == run;
        self.list("batch/v1", "Job").iter().filter(own).count()
    }

    /// How many replicas a Deployment is told to have.
    pub(crate) fn replicas(&self, deployment: &str) -> u64 {
        self.get("apps/v1", "Deployment", deployment)
            .and_then(|object| object["spec"]["replicas"].as_u64())
            .unwrap_or(0)
    }
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        let api = self.cluster.api("v1", "Namespace", "");
        // The cluster clears it in its own time, and goes away itself soon.
        let _ = self.cluster.runtime.block_on(api.delete(&self.name, &DeleteParams::background()));
    }
}

/// Holds when a condition of the object's status is True.
pub(crate) fn condition(name: &'static str) -> impl Fn(&Value) -> bool {
    move |object| {
        let conditions = object["status"]["conditions"].as_array();
        conditions.is_some_and(|all| all.iter().any(|one| one["type"] == name && one["status"] == "True"))
    }
}

/// Whether an entry of the server's book is a change that was carried out, and of more than the program's own notes.
fn is_write(entry: &Value) -> bool {
    let done = entry["responseStatus"]["code"].as_u64().is_some_and(|code| (200..300).contains(&code));
    let dry = entry["requestURI"].as_str().unwrap_or_default().contains("dryRun");
    let own = entry["objectRef"]["name"].as_str().is_some_and(|name| name.starts_with("timonel-"));
    let aside = match entry["objectRef"]["resource"].as_str() {
        Some("leases" | "events") => true,
        // A new object has its name in its body only.
        Some("configmaps") => own || entry["requestObject"]["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("timonel-")),
        _ => false,
    };
    let body = entry["requestObject"].to_string();
    let note = body.contains("timonel.io/last-run") && !body.contains("\"spec\"");
    // When a Job that is over goes by itself says nothing about what it did.
    let leaves = entry["requestObject"]["spec"].as_object().is_some_and(|spec| spec.keys().eq(["ttlSecondsAfterFinished"]));
    done && !dry && !aside && !note && !leaves
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// Rights of the users: `viewers` read, `operators` change workloads and take locks.
fn rights(subject: &str) -> Vec<Value> {
    const RBAC: &str = "rbac.authorization.k8s.io";
    let role =
        |name: &str, rules: Value| json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules});
    let leases = |verbs: Value| json!({"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": verbs});
    let identity = json!({"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]});
    let metrics = json!({"apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]});
    let nodes = json!({"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]});
    let events = json!({"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]});
    let mut all = vec![
        role("timonel-viewer", json!([leases(json!(["get", "list", "watch"])), identity, metrics])),
        role("timonel-operator", json!([leases(json!(["*"])), identity, metrics, nodes, events])),
    ];
    let bindings = [("viewers", "view"), ("viewers", "timonel-viewer"), ("operators", "edit"), ("operators", "timonel-operator")];
    for (group, role) in bindings {
        let members: Vec<Value> = match (subject, group) {
            ("Group", _) => vec![json!({"kind": "Group", "name": group, "apiGroup": RBAC})],
            (_, "viewers") => vec![json!({"kind": "ServiceAccount", "name": "timonel-viewer", "namespace": "default"})],
            _ => ["timonel-operator", "timonel-second"]
                .iter()
                .map(|name| json!({"kind": "ServiceAccount", "name": name, "namespace": "default"}))
                .collect(),
        };
        all.push(
            json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": format!("{group}-{role}")},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}, "subjects": members}),
        );
    }
    if subject != "Group" {
        let accounts = ["viewer", "operator", "second", "stranger"];
        all.extend(accounts.iter().map(
            |user| json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": format!("timonel-{user}"), "namespace": "default"}}),
        ));
    }
    all
}

/// How the API server reaches the metrics server, which is a process of this machine.
fn metrics_service(port: u16) -> Vec<Value> {
    vec![
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "metrics-server", "namespace": "kube-system"},
            "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}}),
        json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
                "insecureSkipTLSVerify": true, "service": {"name": "metrics-server", "namespace": "kube-system", "port": port}}}),
    ]
}
