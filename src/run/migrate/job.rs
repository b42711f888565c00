//! The Job that asks an image and its database, or applies what a plan says.
//!
//! Owns the settings of the script beside this file. What is taken over of the workload's pod template is the same as for any Job of one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::migrate::inspection;
use crate::run::backup::Workload;
use crate::run::facts::{WorkloadFacts, items, text};
use crate::run::step::{Fact, Proof, Step, Work};
use crate::run::{image, job};
use crate::service::MigrationTool;
use crate::target::model::ObjectRef;

/// What a database says of itself; asked by each of the scripts.
const DATABASE: &str = include_str!("database.sql");
/// What carries out a script: the image's own Python, whatever it is called.
const PYTHON: &str = "exec \"$(command -v python3 || command -v python || echo python3)\" -c \"$0\"";
/// The image's own Node.
const NODE: &str = "exec \"$(command -v node || echo node)\" -e \"$0\"";
/// The image's own shell.
const SHELL: &str = "exec /bin/sh -c \"$0\"";
/// The least time that a Job is given which changes a schema: tables may be large.
pub(super) const LEAST: Duration = Duration::from_mins(30);
/// How long a statement waits for a lock before it gives up: whoever waits for one holds up everybody behind.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// The advisory lock where the service file names none: the one that Prisma takes.
pub const LOCK: i64 = 72_707_369;

/// How the schema of a service is moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// Id of the service.
    pub service: String,
    /// The tool.
    pub tool: MigrationTool,
    /// Whose pod template it runs in.
    pub workload: Workload,
    /// The container of it; `None` = its first one.
    pub container: Option<String>,
    /// Id of the database that it moves, as far as the service file says.
    #[serde(default)]
    pub database: Option<String>,
    /// Ids of the backups of that database.
    #[serde(default)]
    pub backups: Vec<String>,
    /// The advisory lock that keeps two migrations apart.
    pub lock: i64,
    /// What the service file calls destructive besides what is known to be.
    pub destructive: Vec<String>,
    /// Where the image has its files of migrations; `None` = where the tool has them.
    #[serde(default)]
    pub folder: Option<String>,
    /// Where plain files of SQL are recorded; `None` = `schema_migrations`.
    #[serde(default)]
    pub table: Option<String>,
}

/// What is asked of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// How.
    pub migration: Migration,
    /// The image.
    pub image: String,
    /// The digest that it was inspected under: what a plan tells of is what runs. Empty = it was not inspected, or that is not known.
    #[serde(default)]
    pub digest: String,
    /// A registry has it under that digest, and it is asked for by it, whatever its tag means by now.
    #[serde(default)]
    pub pulled: bool,
    /// What it shall do.
    pub mode: Mode,
    /// When the Job is ended, whatever it does.
    pub deadline: Duration,
}

/// What a Job does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It asks, and changes nothing.
    Inspect,
    /// It applies everything up to these heads, if the database is still where the plan saw it.
    Apply {
        /// What was applied then.
        applied: Vec<String>,
        /// The heads of the image.
        heads: Vec<String>,
        /// What will be applied, in order.
        pending: Vec<String>,
        /// Indexes that were not valid before.
        invalid: Vec<String>,
        /// None of it is known: what is pending was asked by an earlier step of the same plan.
        #[serde(default)]
        blind: bool,
    },
    /// It takes revisions back, if the database is still where the plan saw it.
    Back(Back),
    /// It brings the database up again from wherever taking those back left it.
    Again(Back),
}

/// Revisions that are taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// What was applied when that was planned.
    pub applied: Vec<String>,
    /// The heads of the image that takes them back: the one that is left.
    pub heads: Vec<String>,
    /// The revisions, the oldest first.
    pub above: Vec<String>,
    /// Where that leads.
    pub to: Vec<String>,
    /// Rows that may be lost by it, as they were known when it was planned: by revision, then by table or `table.column`; `None` = any
    /// number of them. One more that is found there stops it.
    #[serde(default)]
    pub agreed: BTreeMap<String, BTreeMap<String, Option<u64>>>,
}

impl Mode {
    /// It applies what is pending, whatever that is.
    pub(super) fn blind() -> Self {
        Self::Apply { applied: Vec::new(), heads: Vec::new(), pending: Vec::new(), invalid: Vec::new(), blind: true }
    }
}

impl Asked {
    /// The `spec` of the Job of that run, from the workload as it is now.
    pub(super) fn job(&self, workload: &WorkloadFacts, run: &str) -> Value {
        // A second try would meet what the first one left, and nobody who looks.
        job::spec(workload, &self.container(workload), run, 0, self.deadline)
    }

    /// Proves what that Job of a run says at its end.
    pub(super) fn proven(&self, id: &'static str, title: &str, proof: &str, job: &ObjectRef, run: &str) -> Step {
        let fact = Fact::Answered { run: run.to_owned(), asked: Box::new(self.clone()) };
        let work = Work::Prove(Proof { fact, object: job.clone(), uid: String::new(), within: self.deadline });
        Step { id: id.into(), title: title.to_owned(), proof: proof.to_owned(), work }
    }

    /// The container's name, in the workload as it is now.
    pub(super) fn container_name(&self, workload: &WorkloadFacts) -> String {
        text(&self.container(workload), "/name")
    }

    fn container(&self, workload: &WorkloadFacts) -> Value {
        let mut container = self.migration.of(workload).map_or_else(|| json!({ "name": "migrate" }), job::at_rest);
        let mut environment: Vec<Value> = items(&container, "/env").filter(|e| e["name"] != "PGOPTIONS").cloned().collect();
        let options = items(&container, "/env").find(|e| e["name"] == "PGOPTIONS").map(|e| text(e, "/value")).unwrap_or_default();
        environment.extend(self.environment(&options));
        container["image"] = self.reference().into();
        let (start, script) = script(self.migration.tool);
        container["command"] = json!(["/bin/sh", "-c", start, script]);
        container["env"] = Value::Array(environment);
        container
    }

    /// The name that it is asked for by.
    fn reference(&self) -> String {
        let by_digest = self.pulled && image::digest(&self.image).is_none();
        if by_digest { format!("{}@{}", image::repository(&self.image), self.digest) } else { self.image.clone() }
    }

    fn environment(&self, options: &str) -> Vec<Value> {
        // Whatever tool or image it is: the server itself sees to it that an inspection writes nothing.
        let only_reads = if self.mode == Mode::Inspect { " -c default_transaction_read_only=on" } else { "" };
        let options = format!("{options} -c lock_timeout={}{only_reads}", LOCK_TIMEOUT.as_millis());
        let mut all = Map::new();
        all.insert("PGOPTIONS".into(), options.trim().into());
        all.insert("TIMONEL_TOOL".into(), inspection::tool_word(self.migration.tool).into());
        all.insert("TIMONEL_LOCK".into(), self.migration.lock.to_string().into());
        all.insert("TIMONEL_DATABASE".into(), database(self.migration.lock).into());
        let named = [("TIMONEL_FOLDER", &self.migration.folder), ("TIMONEL_TABLE", &self.migration.table)];
        all.extend(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.as_deref()?.into()))));
        match &self.mode {
            Mode::Inspect => drop(all.insert("TIMONEL_MODE".into(), "inspect".into())),
            Mode::Apply { applied, heads, blind, .. } => {
                let expected = |list: &[String]| json!((!blind).then_some(list)).to_string();
                all.insert("TIMONEL_MODE".into(), "apply".into());
                all.insert("TIMONEL_APPLIED".into(), expected(applied).into());
                all.insert("TIMONEL_HEADS".into(), expected(heads).into());
            }
            Mode::Back(back) | Mode::Again(back) => {
                let again = matches!(self.mode, Mode::Again(_));
                all.insert("TIMONEL_MODE".into(), if again { "again" } else { "back" }.into());
                let lists = [("APPLIED", &back.applied), ("HEADS", &back.heads), ("BACK", &back.above), ("TO", &back.to)];
                all.extend(lists.map(|(name, list)| (format!("TIMONEL_{name}"), json!(list).to_string().into())));
                all.insert("TIMONEL_AGREED".into(), json!(back.agreed).to_string().into());
            }
        }
        all.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
    }
}

/// How a script is started, and the script.
const fn script(tool: MigrationTool) -> (&'static str, &'static str) {
    match tool {
        MigrationTool::Alembic | MigrationTool::Django => (PYTHON, include_str!("asks.py")),
        MigrationTool::Prisma => (NODE, include_str!("asks.js")),
        MigrationTool::Sql => (SHELL, include_str!("asks.sh")),
    }
}

/// What is asked of a database that is kept to one migration by that lock. PostgreSQL tells the halves of its number apart.
fn database(lock: i64) -> String {
    let bytes = lock.to_be_bytes();
    let half = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]).to_string();
    DATABASE.replace("HIGH", &half(0)).replace("LOW", &half(4))
}

impl Migration {
    /// The image that its container has in a workload as the server has it; empty when it has none.
    pub fn image(&self, workload: &Value) -> String {
        let containers = items(workload, "/spec/template/spec/containers");
        let own = |c: &&Value| self.container.as_ref().is_none_or(|name| c["name"] == name.as_str());
        containers.filter(own).map(|c| text(c, "/image")).next().unwrap_or_default()
    }

    /// The container that it runs in, as the workload has it now.
    pub(super) fn of<'a>(&self, workload: &'a WorkloadFacts) -> Option<&'a Value> {
        job::container(workload, self.container.as_deref())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{Asked, LOCK, Migration, Mode};
    use crate::run::backup::Workload;
    use crate::run::facts::WorkloadFacts;
    use crate::service::MigrationTool;
    use crate::target::model::{Kind, ObjectRef};

    pub(in crate::run::migrate) fn asked(mode: Mode) -> Asked {
        let workload = Workload { kind: Kind::Deployment, name: "api".into(), namespace: None };
        let migration = Migration {
            service: "shop".into(),
            tool: MigrationTool::Alembic,
            workload,
            container: None,
            database: None,
            backups: Vec::new(),
            lock: LOCK,
            destructive: Vec::new(),
            folder: None,
            table: None,
        };
        Asked {
            migration,
            image: "shop:2".into(),
            digest: String::new(),
            pulled: false,
            mode,
            deadline: Duration::from_mins(5),
        }
    }

    fn workload() -> WorkloadFacts {
        let raw = json!({ "spec": { "template": {
            "metadata": { "labels": { "app": "api" } },
            "spec": {
                "serviceAccountName": "api", "volumes": [{ "name": "settings", "configMap": { "name": "settings" } }],
                "initContainers": [{ "name": "migrate", "image": "shop:1", "command": ["alembic", "upgrade", "head"] }],
                "containers": [
                    { "name": "api", "image": "shop:1", "args": ["serve"], "ports": [{ "containerPort": 80 }], "readinessProbe": { "httpGet": {} },
                      "env": [{ "name": "PGOPTIONS", "value": "-c statement_timeout=9" }, { "name": "DB", "valueFrom": { "secretKeyRef": { "name": "db", "key": "url" } } }],
                      "volumeMounts": [{ "name": "settings", "mountPath": "/etc/shop" }] },
                    { "name": "proxy", "image": "envoy" },
                ],
            },
        } } });
        WorkloadFacts::new(&ObjectRef::new(Kind::Deployment, "ns", "api"), raw)
    }

    #[test]
    fn the_job_has_the_settings_of_the_workload_and_nothing_that_serves() {
        let spec = asked(Mode::Inspect).job(&workload(), "r1");
        let pod = &spec["template"]["spec"];
        assert_eq!(spec["template"]["metadata"], json!({ "labels": { "timonel.io/run": "r1" } }), "no Service may find it");
        assert!(pod.get("initContainers").is_none() && pod["restartPolicy"] == "Never" && spec["backoffLimit"] == 0);
        let containers = pod["containers"].as_array().expect("containers");
        let container = &containers[0];
        assert_eq!(
            (containers.len(), &container["image"], &container["volumeMounts"][0]["name"]),
            (1, &json!("shop:2"), &json!("settings"))
        );
        for gone in ["args", "ports", "readinessProbe"] {
            assert!(container.get(gone).is_none(), "{gone}");
        }
        let env = |name: &str| container["env"].as_array().into_iter().flatten().find(|e| e["name"] == name).cloned().unwrap_or(Value::Null);
        assert_eq!(env("DB")["valueFrom"]["secretKeyRef"]["name"], "db");
        assert_eq!(env("PGOPTIONS")["value"], "-c statement_timeout=9 -c lock_timeout=5000 -c default_transaction_read_only=on");
        assert_eq!((env("TIMONEL_MODE")["value"].clone(), env("TIMONEL_APPLIED")), (json!("inspect"), Value::Null));
    }

    #[test]
    fn each_tool_is_asked_by_what_its_images_have() {
        let job = |tool: MigrationTool| {
            let mut asked = asked(Mode::Inspect);
            (asked.migration.tool, asked.migration.lock) = (tool, (3 << 32) + 7);
            (asked.migration.folder, asked.migration.table) = (Some("db/migrations".into()), None);
            asked.job(&workload(), "r1")["template"]["spec"]["containers"][0].to_string()
        };
        assert!(job(MigrationTool::Django).contains("command -v python3") && job(MigrationTool::Prisma).contains("command -v node"));
        let sql = job(MigrationTool::Sql);
        assert!(sql.contains("psql") && sql.contains(r#"{"name":"TIMONEL_FOLDER","value":"db/migrations"}"#), "{sql}");
        assert!(!sql.contains("\"TIMONEL_TABLE\",") && sql.contains("= 3 and cast(objid as bigint) = 7"), "{sql}");
    }

    #[test]
    fn a_migration_carries_what_it_was_planned_for() {
        let mode = Mode::Apply {
            applied: vec!["b2".into()],
            heads: vec!["c3".into()],
            pending: vec!["c3".into()],
            invalid: Vec::new(),
            blind: false,
        };
        let spec = asked(mode).job(&workload(), "r1").to_string();
        assert!(spec.contains(r#"{"name":"TIMONEL_APPLIED","value":"[\"b2\"]"}"#), "{spec}");
        assert!(!spec.contains("default_transaction_read_only"), "{spec}");
        let spec = asked(Mode::blind()).job(&workload(), "r1").to_string();
        assert!(spec.contains(r#"{"name":"TIMONEL_APPLIED","value":"null"}"#), "{spec}");
    }

    #[test]
    fn what_was_inspected_is_what_is_applied_whatever_its_tag_means_by_now() {
        let image = |name: &str, pulled: bool| {
            let digest = format!("sha256:{}", "a".repeat(64));
            let asked = Asked { image: name.into(), digest, pulled, ..asked(Mode::blind()) };
            asked.job(&workload(), "r1")["template"]["spec"]["containers"][0]["image"].clone()
        };
        let pinned = format!("ghcr.io/shop@sha256:{}", "a".repeat(64));
        assert_eq!((image("ghcr.io/shop:2", true), image(&pinned, true)), (json!(pinned), json!(pinned)));
        // No registry has what was put onto a node by hand.
        assert_eq!(image("shop:2", false), "shop:2");
    }
}
