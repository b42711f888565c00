//! A service file: what is common to its environments, and the way to the service in one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::around::Around;
use super::names::Names;
use super::{Environment, FileAction, Later, OnFail, Origin, Service, Target, action, contact, declared, environment, lint, probe, trust, workload};
use crate::base::confirmation::Confirmation;
use crate::base::problem::{Level, Problem};
use crate::base::toml::{At, Source, Table, quoted, read, word_hint};

/// The format that this version reads.
const SCHEMA: i64 = 1;

/// Tables that later versions act on. Most of them are read and judged all the same (`declared`).
const LATER_TABLES: [&str; 3] = ["releases", "symptom", "maintenance"];

/// Other systems that later versions ask.
const LATER_SOURCES: [&str; 7] = ["alertmanager", "logs", "sentry", "grafana", "ci", "traces", "rabbitmq"];

/// Tables that are read once per environment.
const PER_ENVIRONMENT: [&str; 13] =
    ["secrets", "sources", "kpi", "notify", "migrations", "database", "backup", "workload", "probe", "contact", "escalation", "vars", "action"];

/// A service file that could be read.
#[derive(Debug, Clone)]
pub struct ServiceFile {
    file: String,
    text: String,
    origin: Origin,
    id: String,
    name: Option<String>,
    owner: Option<String>,
    locale: Option<String>,
    repo: Option<String>,
    docs: Option<String>,
    /// `[defaults]`.
    pub defaults: Defaults,
    /// Environments, in the order of the file.
    pub environments: Vec<Environment>,
    /// What this version accepts and does not act on.
    pub later: Vec<Later>,
    secrets: Vec<String>,
}

/// `[defaults]`: what actions and steps inherit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Defaults {
    /// How long a step may take.
    pub timeout: Option<Duration>,
    /// How often a proof is looked at.
    pub poll: Option<Duration>,
    /// The least confirmation of an action that names none.
    pub confirm: Option<Confirmation>,
    /// What follows a failed step that does not say it.
    pub on_fail: Option<OnFail>,
    /// The least time between two rollbacks of a workload.
    pub rollback_gap: Option<Duration>,
}

/// How to choose the environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// `-e ENV`.
    pub wanted: Option<&'a str>,
    /// The context that is current or was asked for.
    pub context: Option<&'a str>,
}

impl ServiceFile {
    /// Reads what is common to all environments. `None` when the file cannot be used at all; problems say why, and everything else
    /// that is wrong.
    pub fn read(file: &str, text: &str, origin: &Origin) -> (Option<Self>, Vec<Problem>) {
        let source = Source { topic: "service", file, text, unknown: Level::Error };
        let ((mut read, usable), mut problems) = read(source, |root| head(root, file, text, origin));
        // Problems of the entries are those of every environment, each told once.
        for environment in read.ids() {
            let resolved = read.entries(environment.as_deref());
            problems.extend(resolved.problems);
            let fresh: Vec<Later> = resolved.later.into_iter().filter(|l| !read.later.contains(l)).collect();
            read.later.extend(fresh);
        }
        (usable.then_some(read), distinct(problems))
    }

    /// The service's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The file as the user named it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where it came from, as short as a header wants it.
    fn source(&self) -> String {
        match &self.origin {
            Origin::Operator => self.file.rsplit('/').next().unwrap_or(&self.file).to_owned(),
            Origin::Cluster { namespace } => format!("ConfigMap in {namespace}"),
        }
    }

    /// Ids to resolve for a check: all environments, or none when the file describes no environment.
    fn ids(&self) -> Vec<Option<String>> {
        if self.environments.is_empty() { vec![None] } else { self.environments.iter().map(|e| Some(e.id.clone())).collect() }
    }

    /// Chooses the environment: the one asked for, else the one whose context is current, else the only one that runs on
    /// Kubernetes. `Ok(None)` when the file describes none.
    pub fn choose(&self, choice: Choice<'_>) -> Result<Option<&Environment>, Box<Problem>> {
        let problem = |message: String| Problem::new(Level::Error, "service:env", message).at(self.file.clone(), None, None);
        let ids = || self.environments.iter().map(|e| e.id.as_str());
        if let Some(wanted) = choice.wanted {
            let found = self.environments.iter().find(|e| e.id == wanted);
            return found.map(Some).ok_or_else(|| {
                let problem = problem(format!("The service file has no environment {}.", quoted(wanted)));
                let hint = word_hint(wanted, ids()).unwrap_or_else(|| format!("Possible: {}.", ids().collect::<Vec<_>>().join(", ")));
                Box::new(problem.hint(hint))
            });
        }
        if self.environments.is_empty() {
            return Ok(None);
        }
        let here: Vec<&Environment> = self.environments.iter().filter(|e| matches!(e.target, Target::Kubernetes { .. })).collect();
        let pinned = |e: &&&Environment| matches!((&e.target, choice.context), (Target::Kubernetes { context: Some(c), .. }, Some(now)) if c == now);
        let by_context: Vec<&&Environment> = here.iter().filter(pinned).collect();
        match (by_context.as_slice(), here.as_slice()) {
            ([one], _) => Ok(Some(one)),
            (_, [one]) => Ok(Some(one)),
            _ => {
                let message = "Several environments are possible.".to_owned();
                Err(Box::new(
                    problem(message).hint(format!("Choose one: {}.", ids().map(|id| format!("-e {id}")).collect::<Vec<_>>().join(" or "))),
                ))
            }
        }
    }

    /// The service in one of its environments (`None` where the file describes none). Entries that cannot be used are left out, each
    /// with a problem.
    pub fn resolve(&self, environment: Option<&str>) -> (Service, Vec<Problem>) {
        let entries = self.entries(environment);
        (entries.service, distinct(entries.problems))
    }

    /// What the rules of good operation say of the file, in any of its environments.
    pub(super) fn advice(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for environment in self.ids() {
            let (service, _) = self.resolve(environment.as_deref());
            let source = Source { topic: "service", file: &self.file, text: &self.text, unknown: Level::Error };
            let ((), found) = read(source, |root| {
                root.entries();
                lint::advise(root, &service, self.defaults.timeout.is_some());
            });
            // What is wrong with the entries themselves was told when the file was read.
            problems.extend(found.into_iter().filter(|p| p.id.starts_with("service:rule:")));
        }
        distinct(problems)
    }

    /// The actions of every environment; one of several environments is there several times.
    pub fn all_actions(&self) -> Vec<FileAction> {
        self.ids().into_iter().flat_map(|id| self.resolve(id.as_deref()).0.actions).collect()
    }

    fn entries(&self, environment: Option<&str>) -> Entries {
        let environment = environment.and_then(|id| self.environments.iter().find(|e| e.id == id));
        let names = self.names(environment);
        let source = Source { topic: "service", file: &self.file, text: &self.text, unknown: Level::Error };
        let mut later = Vec::new();
        let (service, mut problems) = read(source, |root| {
            root.entries();
            let workloads = workload::decode(root, &names, &mut later);
            let ids: Vec<String> = self.environments.iter().map(|e| e.id.clone()).collect();
            let ids_of = |entry: &str| -> Vec<String> { root.tables(entry).iter().filter_map(|p| p.text("id")).map(|id| id.value).collect() };
            let databases = ids_of("database");
            let around = Around { names: &names, environments: &ids, workloads: &workloads, secrets: &self.secrets, databases: &databases };
            let probes = probe::decode(root, &around, &mut later);
            let contacts = contact::contacts(root);
            let escalations = contact::escalations(root, &contacts, &mut later);
            let declared = declared::decode(root, &around, &mut later);
            trust::check_entries(root, &self.origin, &workloads, &declared);
            let (probe_ids, backup_ids, kpis, action_ids) = (ids_of("probe"), ids_of("backup"), ids_of("kpi"), ids_of("action"));
            let channels: Vec<String> = declared.channels.iter().map(|c| c.id.clone()).collect();
            let around = action::Around {
                names: &names,
                environments: &ids,
                workloads: &workloads,
                probes: &probes,
                probe_ids: &probe_ids,
                backup_ids: &backup_ids,
                backups: &declared.backups,
                databases: &databases,
                kpis: &kpis,
                actions: &action_ids,
                measured: declared.prometheus().is_some(),
                alerted: declared.alertmanager().is_some(),
                secrets: &declared.secrets,
                channels: &channels,
                shell: environment.is_some_and(|e| e.shell),
                defaults: &self.defaults,
            };
            let actions = action::decode(root, &around, &mut later);
            Service {
                id: self.id.clone(),
                name: self.name.clone().unwrap_or_else(|| self.id.clone()),
                owner: self.owner.clone(),
                locale: self.locale.clone(),
                repo: self.repo.clone(),
                docs: self.docs.clone(),
                environment: environment.cloned(),
                rollback_gap: self.defaults.rollback_gap,
                workloads,
                probes,
                contacts,
                escalations,
                declared,
                actions,
                source: self.source(),
                origin: self.origin.clone(),
                names: names.values(),
            }
        });
        // What is wrong with the text as such was told when the file was read.
        problems.retain(|p| !p.id.starts_with("service:syntax"));
        Entries { service, later, problems }
    }

    fn names(&self, environment: Option<&Environment>) -> Names {
        let mut known = BTreeMap::from([("service.id".to_owned(), self.id.clone())]);
        let optional = [("name", &self.name), ("owner", &self.owner), ("locale", &self.locale)];
        known.extend(optional.into_iter().filter_map(|(key, value)| Some((format!("service.{key}"), value.clone()?))));
        if let Some(environment) = environment {
            known.insert("env.name".into(), environment.id.clone());
            known.insert("env.kind".into(), environment.kind.word().into());
            known.extend(environment.vars.iter().map(|(key, value)| (format!("env.{key}"), value.clone())));
        }
        let all = self.environments.iter().flat_map(|e| e.vars.keys()).map(|key| format!("env.{key}"));
        let elsewhere: BTreeSet<String> = all.filter(|key| !known.contains_key(key)).collect();
        let names = Names::new(environment.map_or("", |e| &e.id), known, elsewhere);
        // This version cannot look at the environment anyway: what only others set is no fault of the file.
        if environment.is_some_and(|e| matches!(e.target, Target::Other(_))) { names.lenient() } else { names }
    }
}

/// What the entries of a file are in one environment.
struct Entries {
    service: Service,
    later: Vec<Later>,
    problems: Vec<Problem>,
}

/// What is common to all environments, and whether the file can be used.
fn head(root: &Table<'_>, file: &str, text: &str, origin: &Origin) -> (ServiceFile, bool) {
    let schema = schema(root);
    root.accept(&PER_ENVIRONMENT);
    let mut later = Vec::new();
    Later::note(root, &LATER_TABLES, &mut later);
    if let Some(sources) = root.table("sources") {
        Later::note(&sources, &LATER_SOURCES, &mut later);
    }
    let defaults = defaults(root, &mut later);
    let environments = environment::decode(root, &mut later);
    let secrets = root.table("secrets").map(|table| table.entries().into_iter().map(|(id, _)| id.value).collect());
    trust::check_head(root, origin, &environments);
    if !root.has("service") {
        root.missing("service");
    }
    let service = root.table("service");
    let id = service.as_ref().and_then(|service| {
        let id = service.need_text("id")?;
        (workload::is_name(service, "id", &id) && short(service, &id)).then_some(id.value)
    });
    let optional = |key: &str| service.as_ref().and_then(|service| service.text(key)).map(|t| t.value);
    let (name, owner, locale) = (optional("name"), optional("owner"), optional("locale"));
    let (repo, docs) = (optional("repo"), optional("docs"));
    if let Some(service) = &service {
        service.finish();
    }
    let usable = schema.is_some() && id.is_some();
    let read = ServiceFile {
        file: file.to_owned(),
        text: text.to_owned(),
        origin: origin.clone(),
        id: id.unwrap_or_default(),
        name,
        owner,
        locale,
        repo,
        docs,
        defaults,
        environments,
        later,
        secrets: secrets.unwrap_or_default(),
    };
    (read, usable)
}

fn schema(root: &Table<'_>) -> Option<()> {
    if !root.has("schema") {
        root.error(root.spot(), "'schema' is missing.", Some(format!("Begin the file with: schema = {SCHEMA}")));
        return None;
    }
    let schema = root.integer("schema", 0..=i64::MAX)?;
    if schema.value != SCHEMA {
        let message = format!("This file has schema {}, and this version reads schema {SCHEMA}.", schema.value);
        root.error(&schema.spot, message, Some("Use a version of timonel that knows it.".into()));
        return None;
    }
    Some(())
}

/// The id goes into names of Leases and ConfigMaps.
fn short(table: &Table<'_>, id: &At<String>) -> bool {
    let good = id.value.len() <= 40;
    if !good {
        table.error(&id.spot, "The id is longer than 40 characters.", Some("It becomes part of object names.".into()));
    }
    good
}

fn defaults(root: &Table<'_>, later: &mut Vec<Later>) -> Defaults {
    let Some(table) = root.table("defaults") else { return Defaults::default() };
    let longest = Duration::from_hours(24 * 7);
    let out = Defaults {
        timeout: table.duration("timeout", Duration::from_secs(1)..=longest).map(|d| d.value),
        poll: table.duration("poll", Duration::from_millis(100)..=Duration::from_hours(1)).map(|d| d.value),
        confirm: table.word("confirm", &Confirmation::WORDS).map(|c| c.value),
        on_fail: table.word("on_fail", &OnFail::WORDS).map(|w| w.value),
        rollback_gap: table.duration("rollback_gap", Duration::from_secs(1)..=Duration::from_hours(24)).map(|d| d.value),
    };
    Later::note(&table, &["journal", "no_data"], later);
    table.finish();
    out
}

/// Each problem once, by place and message, in the order of the file.
fn distinct(problems: Vec<Problem>) -> Vec<Problem> {
    let mut out: Vec<Problem> = Vec::new();
    for problem in problems {
        if !out.iter().any(|p| p.place == problem.place && p.message == problem.message) {
            out.push(problem);
        }
    }
    out.sort_by_key(|p| match &p.place {
        Some(crate::base::problem::Place::File(place)) => (place.line, place.column),
        _ => (None, None),
    });
    out
}
