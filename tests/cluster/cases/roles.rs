//! The roles of assets/rbac on the real API server: each can do its own actions to their end, and no other.

use serde_json::Value;
use timonel::run::actions::ACTIONS;
use timonel::run::roles::{ROLES, Role};
use timonel::target::model::Kind;

use crate::cases::nodes::SpareNode;
use crate::cluster::{Cluster, Namespace};
use crate::manifest::{Web, autoscaler, cron_job};
use crate::operator::Operator;

/// A user with one of the roles, gone with its binding when the test is over.
struct Holder<'a> {
    space: &'a Namespace<'a>,
    user: String,
    operator: Operator,
}

impl<'a> Holder<'a> {
    fn new(cluster: &Cluster, role: &Role, space: &'a Namespace<'a>) -> Self {
        let user = cluster.user_with(&role.manifest(), space).unwrap_or_else(|error| panic!("{error}"));
        let operator = Operator::new(cluster, &user, space);
        Self { space, user, operator }
    }
}

impl Drop for Holder<'_> {
    fn drop(&mut self) {
        for kind in ["ClusterRoleBinding", "ClusterRole"] {
            self.space.delete("rbac.authorization.k8s.io/v1", kind, &self.user);
        }
    }
}

fn role(name: &str) -> &'static Role {
    ROLES.iter().find(|r| r.name == name).expect("a role")
}

const OTHERS: &str = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 0
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: app, image: 'docker.io/timonel/app:1.0.0'}]}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template: {metadata: {labels: {app: agent}}, spec: {nodeSelector: {nobody: has-it}, containers: [{name: app, image: 'docker.io/timonel/app:1.0.0'}]}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: bare}
spec:
  replicas: 0
  selector: {matchLabels: {app: bare}}
  template: {metadata: {labels: {app: bare}}, spec: {containers: [{name: app, image: 'docker.io/timonel/app:1.0.0'}]}}
";

/// Something of every kind that an action takes, and its name.
fn things(cluster: &Cluster) -> (SpareNode<'_>, impl Fn(Kind) -> String) {
    let node = SpareNode::new(cluster);
    node.space.apply(&Web::new("web", 1).yaml());
    node.space.wait_ready("web", 1);
    node.space.apply(&Web::new("web", 1).version("1.1.0").yaml());
    node.space.wait_ready("web", 1);
    // Another workload's: it would take back what is scaled here, as soon as it is awake.
    node.space.apply(&[Web::new("idle", 1).yaml(), autoscaler("idle", 1, 3)].join("---\n"));
    node.space.apply(&cron_job("nightly", "Allow", "exit 0"));
    node.space.apply(OTHERS);
    let pods = node.space.list("v1", "Pod");
    let own = |p: &&Value| p["metadata"]["labels"]["app"] == "web" && p["metadata"].get("deletionTimestamp").is_none();
    let pod = pods.iter().find(own).expect("a pod");
    let (pod, spare) = (pod["metadata"]["name"].as_str().unwrap().to_owned(), node.name.clone());
    let name = move |kind| match kind {
        Kind::Deployment => "deployment/web".to_owned(),
        Kind::StatefulSet => "statefulset/db".to_owned(),
        Kind::DaemonSet => "daemonset/agent".to_owned(),
        Kind::ReplicaSet => "replicaset/bare".to_owned(),
        Kind::CronJob => "cronjob/nightly".to_owned(),
        Kind::HorizontalPodAutoscaler => "hpa/idle".to_owned(),
        Kind::Pod => pod.clone(),
        _ => spare.clone(),
    };
    (node, name)
}

/// What keeps a plan from being carried out for want of rights; `None` when there was nothing to plan.
fn missing(operator: &Operator, action: &str, thing: &str) -> Option<Vec<String>> {
    let words = match action {
        "scale" => format!("{thing}=2"),
        _ => thing.to_owned(),
    };
    let to: &[&str] = if action == "rollback" && thing.starts_with("deployment") { &["to=1"] } else { &[] };
    let finished = operator.call(&[&["plan", action, &words], to, &["-o", "json"]].concat());
    if finished.code == Some(64) {
        return None;
    }
    let plan: Value = finished.json();
    let blocked = plan["blocked_by"].as_array().expect("a plan");
    Some(blocked.iter().filter_map(Value::as_str).filter(|id| id.starts_with("rbac:")).map(str::to_owned).collect())
}

pub(crate) fn each_role_may_do_its_actions_and_no_other(cluster: &Cluster) {
    let (node, name) = things(cluster);
    for role in ROLES {
        let holder = Holder::new(cluster, role, &node.space);
        let mut asked = 0;
        for spec in ACTIONS {
            for kind in spec.kinds {
                let Some(missing) = missing(&holder.operator, spec.name, &name(*kind)) else { continue };
                // What is so already, or has no pods, asks for no right.
                let idle = matches!(
                    (spec.name, kind),
                    ("resume" | "resume-hpa" | "uncordon" | "keep", _) | ("restart" | "rollback", Kind::StatefulSet | Kind::DaemonSet)
                );
                asked += usize::from(!idle);
                let own = role.covers(spec.name, *kind);
                assert!(
                    if own { missing.is_empty() } else { idle || !missing.is_empty() },
                    "{}: {} of {kind:?}: {missing:?}",
                    role.name,
                    spec.name
                );
            }
        }
        assert!(asked >= 10, "most of the actions were asked for: {asked}");
    }
}

pub(crate) fn what_a_role_may_do_it_can_carry_out_to_its_end(cluster: &Cluster) {
    let (node, name) = things(cluster);
    let own = Holder::new(cluster, role("operator"), &node.space);
    own.operator.run_of("cordon", &[&name(Kind::Node)]).expect("proven", 0);
    own.operator.run_of("uncordon", &[&name(Kind::Node)]).expect("proven", 0);
    own.operator.run_of("suspend", &["nightly"]).expect("proven", 0);
    own.operator.run_of("resume", &["cronjob/nightly"]).expect("proven", 0);
    own.operator.run_of("trigger", &["nightly"]).expect("proven", 0);
    own.operator.run_of("scale", &["deployment/web=2"]).expect("proven", 0);
    own.operator.run_of("evict", &[&name(Kind::Pod)]).expect("proven", 0);
    let manager = Holder::new(cluster, role("release-manager"), &node.space);
    manager.operator.run_of("rollback", &["web", "to=1"]).expect("proven", 0);
    manager.operator.run_of("pause", &["web"]).expect("proven", 0);
    manager.operator.run_of("resume", &["deployment/web"]).expect("proven", 0);
    manager.operator.run_of("restart", &["web"]).expect("proven", 0);
    let events = node.space.list("events.k8s.io/v1", "Event");
    let told = events.iter().filter(|e| e["reason"] == "TimonelProven").count();
    assert!(told >= 8, "others are told of each run in the namespace: {told}");
}
