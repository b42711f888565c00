//! What stands in the way of every action: rights, identity, locks, the server's own word, who else owns the object.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Stage, service};
use crate::cases::nodes::SpareNode;
use crate::cluster::{Cluster, Namespace, PATIENCE};
use crate::matrix;
use crate::middle::{Fate, Middle};
use crate::operator::{Operator, Plan};
use crate::postgres::Volume;

const ADMISSION: &str = "admissionregistration.k8s.io/v1";
const RBAC: &str = "rbac.authorization.k8s.io/v1";
const HOLDER: &str = "bob@desk/20261122-143312-scale-7f3a";

/// A user with rights of its own, gone with its binding when the test is over.
struct Limited<'a> {
    space: &'a Namespace<'a>,
    user: String,
}

impl<'a> Limited<'a> {
    fn new(cluster: &Cluster, space: &'a Namespace<'a>, name: &str, rules: &Value) -> Self {
        let role = json!({"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules});
        let user = cluster.user_with(&role.to_string(), space).unwrap_or_else(|error| panic!("{error}"));
        Self { space, user }
    }
}

impl Drop for Limited<'_> {
    fn drop(&mut self) {
        for kind in ["ClusterRoleBinding", "ClusterRole"] {
            self.space.delete(RBAC, kind, &self.user);
        }
    }
}

fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": groups, "resources": resources, "verbs": verbs})
}

pub(crate) fn what_stands_in_the_way_of_every_action_is_said_and_nothing_is_begun(cluster: &Cluster) {
    let (node, cordoned) = (SpareNode::new(cluster), SpareNode::new(cluster));
    let _volume = Volume::new(&node.space, "backups", None);
    let stage = Stage::new(cluster, &node, &cordoned);
    let good = nothing(&stage);
    rights(&stage);
    silence(&stage);
    locks(&stage, &good);
    file_and_console(&stage);
    owners(&stage);
    policy(&stage);
    deleted(&stage);
}

/// Nothing stands in the way of anything.
fn nothing(stage: &Stage<'_>) -> Vec<(&'static str, Plan)> {
    let subjects = stage.subjects();
    let good = stage.plans(&stage.operator("admin"), &subjects, &[]);
    assert_eq!(good.len(), subjects.len(), "everything can be planned");
    for (subject, plan) in &good {
        assert_eq!(plan.blocked_by(), Vec::<&str>::new(), "{subject}: {:#}", plan.value);
        matrix::looks_at(subject, plan);
    }
    good
}

/// Whoever may only look; and whoever may do everything, but may not see all that the checks rest on.
fn rights(stage: &Stage<'_>) {
    let (cluster, space, subjects) = (stage.cluster, stage.space, stage.subjects());
    let looker = Limited::new(cluster, space, "looker", &json!([rule(&["*"], &["*"], &["get", "list", "watch"])]));
    let operator = stage.operator(&looker.user);
    stage.stands(
        &operator,
        &subjects,
        &[],
        &["rbac failed: you may look at everything, and change nothing", "dry-run unknown: a right is missing"],
    );
    for subject in &subjects {
        Stage::refused(&operator, subject, &[]);
    }
    let change = rule(&["*"], &["*"], &["create", "patch"]);
    let blind = Limited::new(
        cluster,
        space,
        "blind",
        &json!([
            change,
            rule(&[""], &["pods", "services", "persistentvolumeclaims", "nodes", "resourcequotas", "events"], &["get", "list"]),
            rule(&["apps"], &["deployments", "deployments/scale", "daemonsets"], &["get", "list"]),
            rule(&["apps"], &["replicasets", "statefulsets", "controllerrevisions"], &["list"]),
            rule(&["batch", "autoscaling", "policy", "discovery.k8s.io"], &["*"], &["get", "list"]),
        ]),
    );
    stage.stands(
        &stage.in_production(&blind.user),
        &subjects,
        &[],
        &[
            "rbac failed: rights that the run could use are missing",
            "identity unknown: the cluster's UID may not be read",
            "lock unknown: you may not read Leases",
            "armed failed: its timer cannot be read",
            "replacement unknown: its owner may not be read",
            "database unknown: its workload may not be read",
        ],
    );
    // Nor is it called kept in a place that is no production.
    Stage::refused(&stage.operator(&blind.user), &stage.some(&["keep"])[0], &[]);
    let without_lists = Limited::new(
        cluster,
        space,
        "one-by-one",
        &json!([change, rule(&["*"], &["*"], &["get"]), rule(&["apps"], &["*"], &["list"]), rule(&[""], &["pods", "services"], &["list"]),]),
    );
    // One at a time: only then is it asked whether another runs.
    space.patch("batch/v1", "CronJob", "nightly", &json!({"spec": {"concurrencyPolicy": "Forbid"}}));
    stage.stands(
        &stage.in_production(&without_lists.user),
        &subjects,
        &[],
        &[
            "hpa unknown: autoscalers may not be listed",
            "quota unknown: quotas may not be listed",
            "nodes unknown: nodes may not be listed",
            "pdb unknown: disruption budgets may not be listed",
            "image unknown: nodes may not be listed",
            "concurrency unknown: Jobs may not be listed",
        ],
    );
    space.patch("batch/v1", "CronJob", "nightly", &json!({"spec": {"concurrencyPolicy": "Allow"}}));
}

/// The server answers all but one question.
fn silence(stage: &Stage<'_>) {
    let often = 10_000;
    let failure = Fate::Answered(500, "InternalError", None);
    let asked = |prepare: &dyn Fn(&Middle), row: &str| {
        let middle = Middle::of(stage.cluster, "admin");
        prepare(&middle);
        let operator = super::produce(stage.operator("admin").through(stage.cluster, "admin", &middle));
        stage.stands(&operator, &stage.subjects(), &[], &[row]);
    };
    asked(
        &|m| m.meet("POST", "/selfsubjectaccessreviews", often, failure),
        "rbac unknown: the server does not say what you may do",
    );
    let locks = |m: &Middle| {
        // A timer is no lock.
        m.meet("GET", "/leases/timonel-timer-", often, Fate::HandedOn);
        m.meet("GET", "/leases/", often, failure);
    };
    asked(&locks, "lock unknown: its Lease cannot be read");
    let dry = |m: &Middle| ["PATCH", "POST"].into_iter().for_each(|method| m.meet_dry_runs(method, failure));
    asked(&dry, "dry-run unknown: the server does not answer it");
}

/// Somebody works on everything.
fn locks(stage: &Stage<'_>, good: &[(&'static str, Plan)]) {
    let mut held: Vec<(String, String)> = Vec::new();
    for (subject, plan) in good {
        let mut steps = plan.value["steps"].as_array().into_iter().flatten();
        let lock = steps.find_map(|step| step["title"].as_str()?.strip_prefix("lock lease ")).expect("a lock");
        let space = if plan.value["target"]["namespaces"] == json!([]) { "kube-system" } else { stage.space.name() };
        let names = lock.split(", ").filter_map(|name| name.split(' ').next()).filter(|name| !name.starts_with("timonel-timer-"));
        let own: Vec<(String, String)> = names.map(|name| (space.to_owned(), name.to_owned())).collect();
        assert!(!own.is_empty(), "{subject}: {lock}");
        held.extend(own);
    }
    held.sort_unstable();
    held.dedup();
    let lease = |holder: Value| {
        held.iter()
            .map(|(space, name)| {
                json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name, "namespace": space,
                    "labels": {"app.kubernetes.io/managed-by": "timonel"}, "annotations": {"timonel.io/action": "scale 3->5"}},
                    "spec": {"holderIdentity": holder, "leaseDurationSeconds": 3600, "renewTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()}})
            })
            .collect::<Vec<Value>>()
    };
    stage.cluster.apply_all(&lease(json!(HOLDER))).unwrap_or_else(|error| panic!("{error}"));
    let operator = stage.operator("admin");
    stage.stands(&operator, &stage.subjects(), &[], &["lock failed: a live run holds it"]);
    stage.stands(&operator, &stage.subjects(), &["--preempt"], &["lock failed: a live run holds it, and is asked to stop"]);
    stage.cluster.apply_all(&lease(Value::Null)).unwrap_or_else(|error| panic!("{error}"));
}

/// What a service file forbids, and a console that may not write.
fn file_and_console(stage: &Stage<'_>) {
    let operator = stage.operator("admin");
    let own = service(stage.space, &operator, &super::Backup::default())
        .replace("kind = \"test\"\n", "kind = \"test\"\nfreeze = [{ name = \"stocktaking\", cron = \"* * * * *\", duration = \"1h\" }]\n")
        .replace("type = \"kubernetes\"\n", "type = \"kubernetes\"\ncluster_uid = \"0d3bf5a1-6a34-4f0a-9d2f-8f2f1d7a9c55\"\n")
        .replace("name = \"db\"\n", "name = \"db\"\nmin_ready = 50\n");
    let workloads = [("web", "deployment"), ("idle", "deployment"), ("held", "deployment"), ("busy", "deployment"), ("agent", "daemonset")];
    let workloads = workloads.map(|(name, kind)| format!("[[workload]]\nid = \"{name}\"\nkind = \"{kind}\"\nname = \"{name}\"\nmin_ready = 50\n"));
    let file = operator.sandbox.write("strict.toml", &(own + &workloads.concat())).display().to_string();
    stage.stands(
        &operator,
        &stage.subjects(),
        &["-f", &file],
        &[
            "identity failed: the service file means another cluster",
            "freeze failed: a freeze of the service file holds",
            "min-ready failed: fewer pods would stay than the service file wants",
        ],
    );
    stage.stands(&operator, &stage.subjects(), &["--read-only"], &["read-only failed: the console is read-only"]);
}

/// The objects that carry the marks of others.
const OWNED: [(&str, &str, &str); 9] = [
    ("apps/v1", "Deployment", "web"),
    ("apps/v1", "Deployment", "idle"),
    ("apps/v1", "Deployment", "held"),
    ("apps/v1", "Deployment", "busy"),
    ("apps/v1", "StatefulSet", "db"),
    ("apps/v1", "DaemonSet", "agent"),
    ("batch/v1", "CronJob", "nightly"),
    ("batch/v1", "CronJob", "weekly"),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "idle"),
];

/// Everything is somebody else's.
fn owners(stage: &Stage<'_>) {
    let space = stage.space;
    // Without an owner that is there, the object would be cleared away.
    space.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop-operator}\n");
    let boss = space.get("v1", "ConfigMap", "shop-operator").expect("an owner")["metadata"]["uid"].clone();
    let marks = json!({"metadata": {
        "annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web", "meta.helm.sh/release-name": "shop"},
        "labels": {"kustomize.toolkit.fluxcd.io/name": "shop", "app.kubernetes.io/managed-by": "Helm"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "shop-operator", "uid": boss, "controller": true}]}});
    let none = json!({"metadata": {
        "annotations": {"argocd.argoproj.io/tracking-id": null, "meta.helm.sh/release-name": null},
        "labels": {"kustomize.toolkit.fluxcd.io/name": null, "app.kubernetes.io/managed-by": null, "scaledobject.keda.sh/name": null},
        "ownerReferences": null}});
    for (version, kind, name) in OWNED {
        space.patch(version, kind, name, &marks);
    }
    let keda = json!({"metadata": {"labels": {"scaledobject.keda.sh/name": "busy"}}});
    space.patch("autoscaling/v2", "HorizontalPodAutoscaler", "busy", &keda);
    stage.stands(
        &stage.operator("admin"),
        &stage.subjects(),
        &[],
        &[
            "owner:argocd failed: Argo CD tracks it",
            "owner:flux failed: a Kustomization made it",
            "owner:helm failed: Helm installed it",
            "owner:controller failed: an operator made it",
            "owner:keda failed: a ScaledObject decides",
        ],
    );
    for (version, kind, name) in OWNED {
        space.patch(version, kind, name, &none);
    }
    space.patch("autoscaling/v2", "HorizontalPodAutoscaler", "busy", &none);
}

/// An admission policy denies every dry run on the stage.
fn policy(stage: &Stage<'_>) {
    let name = stage.space.name();
    let nodes = json!([stage.node.name, stage.cordoned.name]);
    let meant = format!("has(request.dryRun) && request.dryRun && (request.namespace == '{name}' || request.name in {nodes})");
    let policy = json!({"apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {"failurePolicy": "Fail", "matchConditions": [{"name": "the-stage", "expression": meant}],
            "matchConstraints": {"resourceRules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["*/*"]}]},
            "validations": [{"expression": "false", "message": "nobody changes anything on a Friday"}]}});
    let binding = json!({"apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]}});
    stage.cluster.apply_all(&[policy, binding]).unwrap_or_else(|error| panic!("{error}"));
    let operator = stage.operator("admin");
    let until = Instant::now() + PATIENCE;
    // Nothing announces that a policy has taken effect.
    while !operator.plan(&["web=3"]).blocked_by().contains(&"dry-run") {
        assert!(Instant::now() < until, "the policy takes no effect");
        thread::park_timeout(Duration::from_millis(200));
    }
    stage.stands(&operator, &stage.subjects(), &[], &["dry-run failed: an admission policy denies it"]);
    for kind in ["ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"] {
        stage.space.delete(ADMISSION, kind, name);
    }
}

/// Objects that are kept from going away, until this is dropped.
struct Going<'a> {
    space: &'a Namespace<'a>,
    all: Vec<(&'static str, &'static str, String)>,
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        for (version, kind, name) in &self.all {
            self.space.patch(version, kind, name, &json!({"metadata": {"finalizers": null}}));
        }
    }
}

/// Everything is on its way out.
fn deleted(stage: &Stage<'_>) {
    let mut all: Vec<(&'static str, &'static str, String)> =
        OWNED.iter().map(|(version, kind, name)| (*version, *kind, (*name).to_owned())).collect();
    all.extend([
        ("v1", "PersistentVolumeClaim", "backups".to_owned()),
        ("v1", "Pod", stage.pod.clone()),
        ("v1", "Node", stage.node.name.clone()),
        ("v1", "Node", stage.cordoned.name.clone()),
    ]);
    let going = Going { space: stage.space, all };
    for (version, kind, name) in &going.all {
        stage.space.patch(version, kind, name, &json!({"metadata": {"finalizers": ["timonel.test/kept"]}}));
        stage.space.delete(version, kind, name);
    }
    let operator = Operator::new(stage.cluster, "admin", stage.space);
    stage.stands(&operator, &stage.subjects(), &[], &["identity failed: it is being deleted"]);
}
