//! Workloads that a service file names.
//!
//! Owns `[[workload]]`. Whether such an object exists is asked elsewhere.

use crate::base::toml::{At, Table, quoted};

use super::Later;
use super::names::Names;

/// One workload of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Id, unique in the file.
    pub id: String,
    /// `database`, `api`, `ingress`, ...: the first three make the whole go down with them (contract.md 1).
    pub role: Option<String>,
    /// What kind of object.
    pub kind: WorkloadKind,
    /// Name of the object; `None` for what is outside of the cluster.
    pub name: Option<String>,
    /// Namespace; `None` = the environment's.
    pub namespace: Option<String>,
    /// The container that matters; `None` = the pod's default one.
    pub container: Option<String>,
    /// Label selector of its pods, where the object does not say it.
    pub selector: Option<String>,
    /// The least number of ready pods; also makes zero pods a fault.
    pub min_ready: Option<u32>,
    /// Its being down makes the whole down, whatever its role.
    pub critical: bool,
    /// Name of its HorizontalPodAutoscaler.
    pub hpa: Option<String>,
    /// The image that it runs, without a tag.
    pub image: Option<String>,
    /// The Secret with the certificate of an Ingress.
    pub tls_secret: Option<String>,
    /// It writes to the database: it is stopped before the schema is taken back.
    pub writes_db: bool,
}

impl Workload {
    /// Whether its being down makes the whole down (contract.md 1).
    pub fn is_critical(&self) -> bool {
        self.critical || self.role.as_deref().is_some_and(|role| matches!(role, "database" | "api" | "ingress"))
    }
}

/// Kinds of objects that a service file may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkloadKind {
    /// Deployment.
    Deployment,
    /// StatefulSet.
    StatefulSet,
    /// DaemonSet.
    DaemonSet,
    /// Job.
    Job,
    /// CronJob.
    CronJob,
    /// A Helm release.
    HelmRelease,
    /// Ingress.
    Ingress,
    /// A service of Compose or Dokploy.
    Service,
    /// Not run by the target at all.
    External,
}

impl WorkloadKind {
    const WORDS: [(&str, Self); 9] = [
        ("deployment", Self::Deployment),
        ("statefulset", Self::StatefulSet),
        ("daemonset", Self::DaemonSet),
        ("job", Self::Job),
        ("cronjob", Self::CronJob),
        ("helm-release", Self::HelmRelease),
        ("ingress", Self::Ingress),
        ("service", Self::Service),
        ("external", Self::External),
    ];

    /// The word as service files write it.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

/// Roles that mean something to the program; others are free.
const ROLES: [&str; 8] = ["api", "cache", "database", "frontend", "ingress", "queue", "scheduler", "worker"];

/// Keys that later versions read.
const LATER: [&str; 7] = ["service", "volumes", "env_required", "build_env", "certificate", "compose_service", "title"];

/// Reads all workloads as they are in the environment of `names`.
pub(super) fn decode(root: &Table<'_>, names: &Names, later: &mut Vec<Later>) -> Vec<Workload> {
    let mut out: Vec<Workload> = Vec::new();
    for table in root.tables("workload") {
        if let Some((id, workload)) = one(&table, names, later) {
            if out.iter().any(|w| w.id == workload.id) {
                table.error(&id.spot, format!("A second workload has the id {}.", quoted(&id.value)), None);
            } else {
                out.push(workload);
            }
        }
        table.finish();
    }
    out
}

fn one(table: &Table<'_>, names: &Names, later: &mut Vec<Later>) -> Option<(At<String>, Workload)> {
    let id = table.need_text("id");
    let kind = table.word("kind", &WorkloadKind::WORDS);
    if !table.has("kind") {
        table.missing("kind");
    }
    let role = table.text("role");
    role_hint(table, role.as_ref());
    let object = |key: &str| {
        per_environment(table, key, names)
            .and_then(|text| names.fill(table, text))
            .filter(|text| is_name(table, key, text))
    };
    let name = object("name");
    let wants_name = kind.as_ref().is_some_and(|k| !matches!(k.value, WorkloadKind::Service | WorkloadKind::External));
    if wants_name && !table.has("name") {
        table.missing("name");
    }
    let filled = |key: &str| table.text(key).and_then(|text| names.fill(table, text)).map(|text| text.value);
    let (namespace, container) = (object("namespace").map(|n| n.value), filled("container"));
    let (selector, hpa) = (filled("selector"), filled("hpa"));
    let (image, tls_secret) = (filled("image"), filled("tls_secret"));
    let min_ready = table.integer("min_ready", 0..=100_000).and_then(|n| u32::try_from(n.value).ok());
    let critical = table.flag("critical").is_some_and(|c| c.value);
    let writes_db = table.flag("writes_db").is_some_and(|w| w.value);
    Later::note(table, &LATER, later);
    let id = id?;
    let (name, role, kind) = (name.map(|n| n.value), role.map(|r| r.value), kind?.value);
    Some((
        id.clone(),
        Workload {
            id: id.value,
            role,
            kind,
            name,
            namespace,
            container,
            selector,
            min_ready,
            critical,
            hpa,
            image,
            tls_secret,
            writes_db,
        },
    ))
}

/// A text, or a table with one text per environment: `name = { production = "shop", staging = "shop-stg" }`.
fn per_environment(table: &Table<'_>, key: &str, names: &Names) -> Option<At<String>> {
    let entry = table.entry(key)?;
    if !entry.is_table() {
        return entry.text();
    }
    let found = entry.table()?.entries().into_iter().find(|(environment, _)| environment.value == names.environment());
    found.and_then(|(_, entry)| entry.text())
}

fn role_hint(table: &Table<'_>, role: Option<&At<String>>) {
    if let Some(role) = role.filter(|r| !ROLES.contains(&r.value.as_str()))
        && let Some(near) = crate::base::problem::did_you_mean(&role.value, ROLES)
    {
        table.warn(
            &role.spot,
            format!("The role {} has no meaning of its own.", quoted(&role.value)),
            Some(format!("Did you mean '{near}'?")),
        );
    }
}

/// Whether `text` can be the name of an object (RFC 1123 subdomain); records a problem when not.
pub(super) fn is_name(table: &Table<'_>, key: &str, text: &At<String>) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let name = &text.value;
    let good = name.len() <= 253
        && edge(name.chars().next())
        && edge(name.chars().next_back())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'));
    if !good {
        let hint = "Lower-case letters, digits, '-' and '.', at most 253 of them.";
        table.error(&text.spot, format!("'{key}' is {}, which no object can be called.", quoted(name)), Some(hint.into()));
    }
    good
}
