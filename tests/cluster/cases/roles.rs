//! The roles of assets/rbac on the real API server: each can do its own actions to their end, and no other.

use serde_json::Value;
use timonel::run::actions::ACTIONS;
use timonel::run::roles::{ROLES, Role};
use timonel::target::model::Kind;

use crate::bed::node::DATABASE;
use crate::cases::nodes::SpareNode;
use crate::cluster::{Cluster, Namespace};
use crate::manifest::{Web, autoscaler, cron_job};
use crate::operator::Operator;
use crate::postgres::{PASSWORD, Postgres, Volume};

/// A user with one of the roles, gone with its binding when the test is over.
struct Holder<'a> {
    space: &'a Namespace<'a>,
    user: String,
    operator: Operator,
}

impl<'a> Holder<'a> {
    fn new(cluster: &Cluster, role: &Role, space: &'a Namespace<'a>) -> Self {
        Self::of(cluster, &role.manifest().replace("SERVICE", "shop"), space)
    }

    fn of(cluster: &Cluster, manifest: &str, space: &'a Namespace<'a>) -> Self {
        let user = cluster.user_with(manifest, space).unwrap_or_else(|error| panic!("{error}"));
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

/// A service with an action for each kind of step that asks for a right of its own. The password comes from the environment: no role may
/// read Secrets.
fn service(space: &Namespace<'_>, operator: &Operator) -> String {
    let action = |id: &str, step: &str| format!("[[action]]\nid = \"{id}\"\n[[action.step]]\nid = \"s\"\ntimeout = \"60s\"\n{step}\n");
    let actions = [
        action("ask", "type = \"sql-check\"\ndatabase = \"main\"\nchecks = [{ sql = \"select 1\", expect = \"== 1\" }]"),
        action("command", "type = \"exec\"\nworkload = \"db\"\nargv = [\"true\"]"),
        action("in-job", "type = \"job\"\nworkload = \"web\"\nargv = [\"sh\", \"-c\", \"echo done\"]"),
        action("copy", "type = \"backup\"\nbackup = \"daily\""),
        action("tail", "type = \"logs\"\nworkload = \"db\"\ntail = 5"),
        action("grow", "type = \"scale\"\nworkload = \"web\"\nreplicas = 2"),
        action("nightly", "type = \"cronjob\"\nworkload = \"nightly\"\nop = \"trigger\""),
        action("image", "type = \"set-image\"\nworkload = \"web\"\nimage = \"docker.io/timonel/app:1.1.0\""),
        action("fresh", "type = \"restart\"\nworkload = \"web\""),
        action("back", "type = \"rollback\"\nworkload = \"web\"\nto = \"1\""),
    ];
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.test]\nkind = \"test\"\n[env.test.target]\ntype = \"kubernetes\"\n\
         [secrets.db]\nref = \"env:DB_PASSWORD\"\n[secrets.in-pod]\nref = \"k8s:{}/db#password\"\n\
         [[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\n\
         [[workload]]\nid = \"db\"\nrole = \"database\"\nkind = \"statefulset\"\nname = \"db\"\n\
         [[workload]]\nid = \"nightly\"\nkind = \"cronjob\"\nname = \"nightly\"\n\
         [[database]]\nid = \"main\"\nkind = \"postgres\"\nworkload = \"db\"\nname = \"shop\"\nuser = \"shop\"\npassword = \"secret:db\"\n\
         [[database]]\nid = \"dumped\"\nkind = \"postgres\"\nworkload = \"db\"\nname = \"shop\"\nuser = \"shop\"\npassword = \"secret:in-pod\"\nimage = \"{DATABASE}\"\n\
         [[backup]]\nid = \"daily\"\nkind = \"pg_dump\"\ndatabase = \"dumped\"\nvolume = \"backups\"\nmax_age = \"26h\"\n{}",
        space.name(),
        actions.concat()
    );
    operator.sandbox.write("shop.toml", &text).display().to_string()
}

fn in_catalogue(space: &Namespace<'_>) -> usize {
    let record = space.get("v1", "ConfigMap", "timonel-backups-shop");
    record.and_then(|record| record["data"].as_object().map(serde_json::Map::len)).unwrap_or(0)
}

pub(crate) fn the_roles_alone_can_carry_out_every_step_of_a_file_and_a_viewer_writes_nothing(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (_postgres, _volume) = (Postgres::new(&space), Volume::new(&space, "backups", None));
    space.apply(&Web::new("web", 1).yaml());
    space.apply(&cron_job("nightly", "Allow", "exit 0"));
    space.wait_ready("web", 1);
    let holders = ["viewer", "operator", "release-manager"].map(|name| Holder::new(cluster, role(name), &space));
    let [viewer, operator, manager] = &holders.each_ref().map(|holder| Operator::new(cluster, &holder.user, &space).env("DB_PASSWORD", PASSWORD));
    let file = service(&space, viewer);
    for id in ["command", "in-job", "copy", "grow", "nightly", "image", "fresh"] {
        let plan = viewer.plan_of(id, &["-f", &file]);
        let refused = plan.blocked_by().iter().any(|check| check.starts_with("rbac:"));
        assert!(plan.code == Some(4) && refused, "{id}: {:#}", plan.value);
        let run = viewer.run_of(id, &["-f", &file]);
        assert_eq!(run.code, Some(4), "{id}: {run:#?}");
    }
    let asked = viewer.run_of("ask", &["-f", &file]);
    assert!(asked.end()["outcome"] != "proven" && asked.end().to_string().contains("pods/portforward"), "{:#}", asked.end());
    assert_eq!((space.replicas("web"), space.list("batch/v1", "Job").len(), in_catalogue(&space)), (1, 0, 0), "nothing was written");
    let file = service(&space, operator);
    for id in ["ask", "command", "in-job", "copy", "tail", "grow", "nightly", "copy"] {
        operator.run_of(id, &["-f", &file]).expect("proven", 0);
    }
    assert_eq!(in_catalogue(&space), 2, "a record that is there is brought up to date, too");
    let refused = operator.plan_of("image", &["-f", &file]);
    assert!(refused.code == Some(4) && refused.blocked_by().iter().any(|c| c.starts_with("rbac:")), "{:#}", refused.value);
    let file = service(&space, manager);
    for id in ["ask", "command", "in-job", "image", "fresh", "back"] {
        manager.run_of(id, &["-f", &file]).expect("proven", 0);
    }
}

pub(crate) fn a_connection_to_a_pod_takes_both_verbs_and_one_alone_is_refused(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let _postgres = Postgres::new(&space);
    for (verbs, answer) in [("\"get\"", "unknown"), ("\"create\"", "unknown"), ("\"get\", \"create\"", "proven")] {
        let rule = format!("- apiGroups: [\"\"]\n  resources: [\"pods/portforward\"]\n  verbs: [{verbs}]\n");
        let holder = Holder::of(cluster, &(role("viewer").manifest() + &rule), &space);
        let operator = Operator::new(cluster, &holder.user, &space).env("DB_PASSWORD", PASSWORD);
        let file = service(&space, &operator);
        let live = operator.call(&["check", &file, "--live", "-o", "json"]).json();
        let found = live["live"].as_array().unwrap().iter().find(|f| f["id"] == "database.main").expect("the database").clone();
        assert_eq!(found["answer"], answer, "{verbs}: {found:#}");
        let told = found["text"].as_str().unwrap_or_default();
        assert!(answer == "proven" || told.contains("pods/portforward"), "{verbs}: {told}");
    }
}
