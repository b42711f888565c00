//! Whatever stands in the way of an action: each is planned, said, and not begun. Each case tells its rows of `assets/actions-real.md`.
//!
//! Owns the stage on which all actions could be carried out, and how many of them are asked at once. What stands in the way of every
//! action is in `all`, what one of them alone looks at in `each` and `jobs`.

mod all;
mod each;
mod jobs;

pub(crate) use all::*;
pub(crate) use each::*;
pub(crate) use jobs::*;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::bed::node;
use crate::cases::nodes::SpareNode;
use crate::cluster::{Cluster, Namespace};
use crate::manifest::{Web, autoscaler, cron_job};
use crate::matrix;
use crate::operator::{Operator, Plan};

/// Plans that are made at the same time.
const AT_ONCE: usize = 4;

/// What is asked for, under its name on the page.
#[derive(Debug, Clone)]
struct Subject {
    name: &'static str,
    action: &'static str,
    words: Vec<String>,
}

impl Subject {
    fn new(name: &'static str, action: &'static str, words: &[&str]) -> Self {
        Self { name, action, words: words.iter().map(|word| (*word).to_owned()).collect() }
    }
}

/// Everything that an action can be about, at rest and well. Its namespace is that of the first node.
struct Stage<'a> {
    cluster: &'a Cluster,
    space: &'a Namespace<'a>,
    node: &'a SpareNode<'a>,
    cordoned: &'a SpareNode<'a>,
    pod: String,
}

impl<'a> Stage<'a> {
    fn new(cluster: &'a Cluster, node: &'a SpareNode<'a>, cordoned: &'a SpareNode<'a>) -> Self {
        let space = &node.space;
        for version in ["1.0.0", "1.1.0"] {
            let busy = Web::new("busy", 1).resources("{requests: {cpu: 10m}}").yaml();
            let others = [Web::new("web", 2).version(version).yaml(), busy, Web::new("held", 1).yaml(), Web::new("idle", 0).yaml()].join("---\n");
            space.apply(&format!("{others}---\n{}---\n{}", set(space, "StatefulSet", version), set(space, "DaemonSet", version)));
            for (name, pods) in [("web", 2), ("busy", 1), ("held", 1)] {
                space.wait_ready(name, pods);
            }
            for (kind, name, count) in [("StatefulSet", "db", "readyReplicas"), ("DaemonSet", "agent", "numberReady")] {
                space.wait("its pod is ready", "apps/v1", kind, name, |object| {
                    let status = &object["status"];
                    let updated = if kind == "StatefulSet" {
                        status["updateRevision"] == status["currentRevision"]
                    } else {
                        status["updatedNumberScheduled"] == 1
                    };
                    status["observedGeneration"] == object["metadata"]["generation"] && status[count] == 1 && updated
                });
            }
        }
        space.apply(
            &[cron_job("nightly", "Allow", "exit 0"), cron_job("weekly", "Allow", "exit 0"), autoscaler("busy", 1, 3), autoscaler("idle", 1, 3)]
                .join("---\n"),
        );
        space.patch("apps/v1", "Deployment", "held", &json!({"spec": {"paused": true}}));
        space.patch("batch/v1", "CronJob", "weekly", &json!({"spec": {"suspend": true}}));
        let run = "20261122-143312-scale-7f3a";
        space.patch(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "idle",
            &json!({
            "metadata": {"annotations": {"timonel.io/last-run": format!("{run} scale pause:30m,up:Max,down:Max ana@bastion")}},
            "spec": {"behavior": {"scaleUp": {"selectPolicy": "Disabled"}, "scaleDown": {"selectPolicy": "Disabled"}}}}),
        );
        arm(space, run);
        cordoned.space.patch("v1", "Node", &cordoned.name, &json!({"spec": {"unschedulable": true}}));
        space.wait("the autoscaler has looked at its target", "autoscaling/v2", "HorizontalPodAutoscaler", "busy", |hpa| {
            hpa["status"]["currentReplicas"] == 1 && hpa["status"]["desiredReplicas"] == 1
        });
        let pods = space.list("v1", "Pod");
        let pod = pods
            .iter()
            .find(|p| p["metadata"]["labels"]["app"] == "web" && p["metadata"].get("deletionTimestamp").is_none());
        let pod = pod.and_then(|p| p["metadata"]["name"].as_str()).expect("a pod of web").to_owned();
        Self { cluster, space, node, cordoned, pod }
    }

    /// Everything that can be asked for.
    fn subjects(&self) -> Vec<Subject> {
        vec![
            Subject::new("scale", "scale", &["web=3"]),
            Subject::new("scale (down)", "scale", &["web=1"]),
            Subject::new("scale (StatefulSet)", "scale", &["statefulset/db=2"]),
            Subject::new("scale (from zero)", "scale", &["idle=1"]),
            Subject::new("scale (armed)", "scale", &["web=3", "--revert-after", "10m"]),
            Subject::new("scale (its autoscaler paused)", "scale", &["busy=2", "hpa=pause:30m"]),
            Subject::new("rollback", "rollback", &["deployment/web", "to=1"]),
            Subject::new("rollback (StatefulSet)", "rollback", &["statefulset/db", "to=1"]),
            Subject::new("rollback (DaemonSet)", "rollback", &["daemonset/agent", "to=1"]),
            Subject::new("restart", "restart", &["deployment/web"]),
            Subject::new("restart (StatefulSet)", "restart", &["statefulset/db"]),
            Subject::new("restart (DaemonSet)", "restart", &["daemonset/agent"]),
            Subject::new("restart (two)", "restart", &["deployment/web", "statefulset/db"]),
            Subject::new("pause", "pause", &["web"]),
            Subject::new("resume a rollout", "resume", &["deployment/held"]),
            Subject::new("resume an autoscaler", "resume-hpa", &["hpa/idle"]),
            Subject::new("trigger", "trigger", &["cronjob/nightly"]),
            Subject::new("backup", "backup", &["daily"]),
            Subject::new("suspend", "suspend", &["cronjob/nightly"]),
            Subject::new("resume a schedule", "resume", &["cronjob/weekly"]),
            Subject::new("keep", "keep", &["deployment/idle"]),
            Subject::new("evict", "evict", &[&format!("pod/{}", self.pod)]),
            Subject::new("cordon", "cordon", &[&format!("node/{}", self.node.name)]),
            Subject::new("uncordon", "uncordon", &[&format!("node/{}", self.cordoned.name)]),
        ]
    }

    /// Those of the subjects, by their names.
    fn some(&self, names: &[&str]) -> Vec<Subject> {
        let some: Vec<Subject> = self.subjects().into_iter().filter(|subject| names.contains(&subject.name)).collect();
        assert_eq!(some.len(), names.len(), "{names:?}");
        some
    }

    fn operator(&self, user: &str) -> Operator {
        Operator::new(self.cluster, user, self.space)
    }

    /// The same in production, by the word of the settings.
    fn in_production(&self, user: &str) -> Operator {
        produce(self.operator(user))
    }

    /// What each is planned as, in their order; nothing where there is no plan because the object itself cannot be read, or cannot be
    /// asked for like that.
    fn plans(&self, operator: &Operator, subjects: &[Subject], more: &[&str]) -> Vec<(&'static str, Plan)> {
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let file = operator.sandbox.path("shop.toml");
        if !file.exists() {
            operator.sandbox.write("shop.toml", &service(self.space, operator, &Backup::default()));
        }
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some((at, subject)) = subjects.get(next.load(Ordering::SeqCst)).and_then(|_| {
                        let at = next.fetch_add(1, Ordering::SeqCst);
                        Some((at, subjects.get(at)?))
                    }) {
                        let words = Self::words(operator, subject, more);
                        let finished = operator
                            .call(&[&["plan", subject.action], &words.iter().map(String::as_str).collect::<Vec<_>>()[..], &["-o", "json"]].concat());
                        if let Some(0 | 4) = finished.code {
                            let plan = Plan { code: finished.code, value: finished.json() };
                            assert_eq!(plan.code == Some(4), !plan.blocked_by().is_empty(), "{}: {:#}", subject.name, plan.value);
                            found.lock().unwrap().push((at, subject.name, plan));
                        } else {
                            eprintln!("no plan of {}: {}", subject.name, finished.stderr.trim());
                        }
                    }
                });
            }
        });
        let mut found = found.into_inner().unwrap();
        found.sort_by_key(|(at, _, _)| *at);
        found.into_iter().map(|(_, name, plan)| (name, plan)).collect()
    }

    fn words(operator: &Operator, subject: &Subject, more: &[&str]) -> Vec<String> {
        let mut words = subject.words.clone();
        words.extend(more.iter().map(|word| (*word).to_owned()));
        if subject.action == "backup" && !words.iter().any(|word| word == "-f") {
            words.extend(["-f".to_owned(), operator.sandbox.path("shop.toml").display().to_string()]);
        }
        words
    }

    /// Plans them, tells what each row says of them, and asks the first that is blocked to run all the same.
    fn stands(&self, operator: &Operator, subjects: &[Subject], more: &[&str], rows: &[&str]) -> Vec<(&'static str, Plan)> {
        let before = self.state();
        let plans = self.plans(operator, subjects, more);
        for row in rows {
            let blocked = matrix::stands(row, &plans, self.space.name());
            if let Some(subject) = subjects.iter().find(|subject| blocked.first() == Some(&subject.name)) {
                Self::refused(operator, subject, more);
            }
        }
        let after = self.state();
        let moved: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
        assert!(before.len() == after.len() && moved.is_empty(), "nothing was written: {rows:?}: {moved:#?}");
        plans
    }

    /// It is asked to run, and refuses before anything is begun.
    fn refused(operator: &Operator, subject: &Subject, more: &[&str]) {
        let words = Self::words(operator, subject, more);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        operator.run_of(subject.action, &words).expect("refused", 4);
        let begun: Vec<Value> = operator.journal().into_iter().filter(|line| line["kind"] == "intent").collect();
        assert!(begun.is_empty(), "{}: {begun:#?}", subject.name);
    }

    /// What somebody wants of the objects of the stage: nobody's status, and nothing of the pods but whether the one that is evicted goes.
    fn state(&self) -> Vec<Value> {
        let kinds = [
            ("apps/v1", "Deployment"),
            ("apps/v1", "StatefulSet"),
            ("apps/v1", "DaemonSet"),
            ("batch/v1", "CronJob"),
            ("batch/v1", "Job"),
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
            ("v1", "PersistentVolumeClaim"),
            ("coordination.k8s.io/v1", "Lease"),
            ("v1", "ConfigMap"),
        ];
        let wanted = |object: &Value| {
            let meta = &object["metadata"];
            json!([meta["name"], meta["uid"], meta["annotations"], meta["deletionTimestamp"], object["spec"], object["data"]])
        };
        let mut all: Vec<Value> = kinds
            .iter()
            .flat_map(|(version, kind)| self.space.list(version, kind))
            .map(|object| wanted(&object))
            .collect();
        let nodes =
            [self.node, self.cordoned].map(|node| node.space.get("v1", "Node", &node.name).unwrap_or_default()["spec"]["unschedulable"].clone());
        all.extend(nodes);
        // One that is on its way out is as good as gone.
        let pod = self.space.get("v1", "Pod", &self.pod).filter(|pod| pod["metadata"].get("deletionTimestamp").is_none());
        all.push(pod.unwrap_or_default()["metadata"]["uid"].clone());
        all
    }
}

/// The same operator, whose settings say that the place is production.
fn produce(operator: Operator) -> Operator {
    let context = operator.call(&["status", "-o", "json"]).json()["target"]["context"].as_str().unwrap_or_default().to_owned();
    operator
        .sandbox
        .write("config/timonel/config.toml", &format!("[contexts.{context:?}]\nkind = \"production\"\n"));
    operator
}

/// A StatefulSet `db`, or a DaemonSet `agent` on the node that has a kubelet, of one pod.
fn set(space: &Namespace<'_>, kind: &str, version: &str) -> String {
    let (name, own) = if kind == "StatefulSet" { ("db", "  serviceName: db\n  replicas: 1\n") } else { ("agent", "") };
    let place = space
        .list("v1", "Node")
        .iter()
        .find(|node| crate::cluster::condition("Ready")(node))
        .map_or_else(|| node::NAME.to_owned(), |node| node["metadata"]["name"].as_str().unwrap_or_default().to_owned());
    format!(
        "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{own}  selector: {{matchLabels: {{app: {name}}}}}\n  \
         template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      terminationGracePeriodSeconds: 2\n      \
         nodeSelector: {{kubernetes.io/hostname: {place}}}\n      containers:\n      - name: app\n        \
         image: docker.io/timonel/app:{version}\n        readinessProbe: {{httpGet: {{path: /health, port: 8000}}, periodSeconds: 1}}\n"
    )
}

/// The timer of a change of `idle` that somebody made a moment ago.
fn arm(space: &Namespace<'_>, run: &str) {
    let end = Timestamp::now() + SignedDuration::from_hours(1);
    let back = json!({"object": {"kind": "Deployment", "namespace": space.name(), "name": "idle"}, "action": "scale", "parameters": ["replicas=1"]});
    space.apply(
        &json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "timonel-timer-deployment-idle", "labels": {"app.kubernetes.io/managed-by": "timonel"},
                "annotations": {"timonel.io/inputs": back.to_string(), "timonel.io/action": "scale 1->0", "timonel.io/expires-at": end.to_string()}},
            "spec": {"holderIdentity": format!("ana@bastion/{run}")}})
        .to_string(),
    );
}

/// What the service file says of the backup `daily`.
struct Backup {
    volume: &'static str,
    workload: &'static str,
    kind: &'static str,
    image: &'static str,
    /// The reference of its password; with the namespace where it says `NAMESPACE`.
    password: &'static str,
    /// Where it is uploaded to, as lines.
    upload: &'static str,
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            volume: "backups",
            workload: "db",
            kind: "statefulset",
            image: node::DATABASE,
            password: "k8s:NAMESPACE/db#password",
            upload: "",
        }
    }
}

/// A service file with a backup, for the kind of place that the operator is told it is.
fn service(space: &Namespace<'_>, operator: &Operator, backup: &Backup) -> String {
    let Backup { volume, workload, kind, image, password, upload } = backup;
    let place = if operator.sandbox.path("config/timonel/config.toml").exists() { "production" } else { "test" };
    let image = if image.is_empty() { String::new() } else { format!("image = \"{image}\"\n") };
    format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.{place}]\nkind = \"{place}\"\n[env.{place}.target]\ntype = \"kubernetes\"\n\
         [secrets.db]\nref = \"{}\"\n[secrets.away]\nref = \"k8s:kube-system/s3#key\"\n[[workload]]\nid = \"db\"\nkind = \"{kind}\"\nname = \"{workload}\"\n\
         [[database]]\nid = \"main\"\nkind = \"postgres\"\nworkload = \"db\"\nname = \"shop\"\nuser = \"shop\"\npassword = \"secret:db\"\n{image}\
         [[backup]]\nid = \"daily\"\nkind = \"pg_dump\"\ndatabase = \"main\"\nvolume = \"{volume}\"\nmax_age = \"26h\"\nkeep_local = \"2d\"\n{upload}",
        password.replace("NAMESPACE", space.name())
    )
}
