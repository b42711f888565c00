//! `timonel status`: is it up, what changed, can we go back, who to call, in one shot.
//!
//! Owns the answer's shape (`timonel.status/1`, a contract) and the one parallel round trip per kind behind it. Judges nothing by
//! itself: the same fleet that feeds the screen gives the answers.

mod schema;

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use self::schema::{StatusMigrations, schema};
use super::backups::Declared;
use super::debts::{self, StatusDebt};
use super::held::{self, StatusLock, StatusTimer};
use super::output::{Exit, Failure, Printer};
use super::{Global, Output, ServiceFile, cluster};
use crate::base::health::Health;
use crate::base::problem::{Level, Problem};
use crate::boot::Booted;
use crate::fleet::health::{Member, Part};
use crate::fleet::{Counting, Fleet, WorkloadKey, WorkloadRow, Writer};
use crate::probe::{Askers, Surroundings};
use crate::release::{self, BackAnswer, ChangedAnswer, Judged, Revision, Unexplained};
use crate::run::backup::Known;
use crate::run::backup::catalogue::{self, Freshness};
use crate::run::debts::{Debts, Owed};
use crate::run::journal::Took;
use crate::run::migrate::{self, Judge, Migration, Standing};
use crate::runtime::asking::InTarget;
use crate::runtime::measuring;
use crate::runtime::outside::Outside;
use crate::runtime::secrets::Vault;
use crate::service::{Backup, Kpi, Reachable, Service, to_call};
use crate::target::api::{ErrorKind, Read, TargetError};
use crate::target::event::{Opened, StreamState, TargetEvent};
use crate::target::kubernetes::Client;
use crate::target::model::{Kind, Object, Scope};
use crate::target::probe::{KpiResult, ProbeReport, Reading};
use crate::target::request::StreamKey;

/// What the answer rests on; the rest of a namespace is for looking at.
const NEEDED: [Kind; 4] = [Kind::Pod, Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];
/// What makes it better where it may be read.
const OPTIONAL: [Kind; 9] = [
    Kind::Lease,
    Kind::ReplicaSet,
    Kind::ControllerRevision,
    Kind::Job,
    Kind::CronJob,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::HorizontalPodAutoscaler,
    Kind::Event,
];
/// Workloads whose full object is read at most: each is one more request.
const UNEXPLAINED: usize = 8;

/// `timonel.status/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Status {
    schema: &'static str,
    taken_at: Timestamp,
    took_seconds: f64,
    target: StatusTarget,
    service: StatusService,
    /// Of the whole.
    health: Health,
    /// Why it is not ok, the gravest first.
    reasons: Vec<String>,
    workloads: Vec<StatusWorkload>,
    probes: Vec<StatusProbe>,
    /// The declared backups, and whether each is fresh.
    backups: Vec<Declared>,
    /// Where the schema of its database stands against the image that runs; null where no migrations are declared.
    migrations: Option<StatusMigrations>,
    /// The declared measures, and how each stands.
    kpis: Vec<StatusKpi>,
    /// The last change; null when none has a time that can be known.
    changed: Option<ChangedAnswer>,
    /// The way back; null when there is no workload to go back with.
    back: Option<BackAnswer>,
    /// Whom to call, those who can be reached now first.
    call: Vec<StatusCall>,
    /// Who works on what, and the plans that wait for a second person.
    locks: Vec<StatusLock>,
    /// Changes that are taken back unless they are kept.
    timers: Vec<StatusTimer>,
    /// What runs left and nobody has paid.
    debts: Vec<StatusDebt>,
    #[serde(skip)]
    more_debts: bool,
    /// What could not be found out.
    problems: Vec<Problem>,
}

/// Where an answer comes from.
#[derive(Serialize, JsonSchema)]
pub(super) struct StatusTarget {
    kind: &'static str,
    context: String,
    /// UID of the namespace kube-system.
    cluster_uid: Option<String>,
    /// Why it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_uid_reason: Option<String>,
    /// Null: all of them.
    namespaces: Option<Vec<String>>,
    server_version: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct StatusService {
    id: Option<String>,
    /// Where its file came from: `shop.toml`, `ConfigMap in shop`; null = there is none.
    file: Option<String>,
    environment: &'static str,
    read_only: bool,
}

#[derive(Serialize, JsonSchema)]
struct StatusWorkload {
    id: String,
    kind: String,
    namespace: String,
    name: String,
    ready: i32,
    desired: i32,
    updated: i32,
    available: i32,
    restarts: u32,
    images: Vec<String>,
    health: Health,
    reasons: Vec<String>,
    rollout: StatusRollout,
}

#[derive(Serialize, JsonSchema)]
struct StatusRollout {
    state: crate::fleet::health::Rollout,
    revision: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
struct StatusKpi {
    id: String,
    /// Null: no data.
    value: Option<f64>,
    unit: Option<String>,
    result: KpiResult,
    detail: String,
}

#[derive(Serialize, JsonSchema)]
struct StatusProbe {
    id: String,
    kind: String,
    result: crate::target::probe::ProbeResult,
    since: Timestamp,
    latency_seconds: Option<f64>,
    detail: String,
}

#[derive(Serialize, JsonSchema)]
struct StatusCall {
    role: String,
    reachable_now: Option<bool>,
    how: String,
}

/// `timonel status`.
pub(super) fn run(global: &Global, file: &ServiceFile, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, file)?;
    let begun = booted.clock.monotonic();
    let (client, seen) = cluster::within(global.timeout, async {
        let client = cluster::open(&booted).await?;
        let seen = look(&client, &booted).await?;
        Ok((client, seen))
    })?;
    let took = booted.clock.monotonic().saturating_sub(begun).as_secs_f64();
    let status = answer(&booted, client.opened(), seen, took);
    let exit = Exit::from(status.health);
    if printer.output() == Output::Table {
        table(&status, printer)?;
    } else {
        printer.value(&status)?;
    }
    Ok(exit)
}

/// What one look brought.
pub(super) struct Seen {
    /// What was read, judged.
    pub(super) fleet: Fleet,
    pub(super) identity: crate::target::api::Identity,
    pub(super) probes: Vec<ProbeReport>,
    /// Of the declared measures, in their order.
    pub(super) kpis: Vec<Reading>,
    /// What the catalogue of backups says.
    backups: Known,
    /// Where the schema stands; `None` where no migrations are declared.
    schema: Option<Standing>,
    /// How it is moved, and what is known of releases; `None` where nothing can be.
    releases: Option<(Migration, migrate::Known)>,
    /// What the records of debts say, and our own journal.
    owed: (Vec<Owed>, Vec<Owed>),
    /// How long going back took.
    took: Took,
    pub(super) problems: Vec<Problem>,
}

pub(super) async fn look(client: &Client, booted: &Booted) -> Result<Seen, Failure> {
    let scopes: Vec<Scope> = match &client.opened().namespaces {
        None => vec![Scope::Cluster],
        Some(names) => names.iter().map(|n| Scope::Namespace(n.as_str().into())).collect(),
    };
    let keys: Vec<StreamKey> = NEEDED
        .into_iter()
        .chain(OPTIONAL)
        .flat_map(|kind| scopes.iter().map(move |scope| StreamKey { kind, scope: scope.clone() }))
        .chain([StreamKey { kind: Kind::Node, scope: Scope::Cluster }])
        .collect();
    let lists = join_all(keys.iter().map(|key| client.list_slim(key.kind, &key.scope)));
    let now = booted.clock.now();
    let (lists, identity, (book, unread), backups, schema) =
        tokio::join!(lists, client.identity(), debts::records(client, &scopes), known(client, booted), schema(client, booted, now));
    let own = booted.own_runs();
    let mut seen = Seen {
        fleet: Fleet::new(),
        identity,
        probes: Vec::new(),
        kpis: Vec::new(),
        backups,
        schema: None,
        releases: None,
        owed: (book, own.owed),
        took: own.took,
        problems: booted.problems.clone(),
    };
    seen.problems.extend(client.problems().iter().cloned().chain(unread));
    let environment = booted.service.as_ref().and_then(|s| s.environment.as_ref());
    seen.problems.extend(environment.and_then(|e| e.not_the_pinned(seen.identity.cluster_uid.as_deref())));
    // Missing rights are an answer (unknown, with the reasons); a target that cannot be asked is none.
    let lost = |l: &Result<_, TargetError>| l.as_ref().is_err_and(|e: &TargetError| !matches!(e.kind, ErrorKind::Forbidden | ErrorKind::NotFound));
    let needed_failed = keys.iter().zip(&lists).filter(|(k, l)| NEEDED.contains(&k.kind) && lost(l)).count();
    if needed_failed == NEEDED.len() * scopes.len()
        && let Some(Err(error)) = lists.iter().find(|l| lost(l))
    {
        return Err(Failure::from(error.clone()));
    }
    for (key, list) in keys.into_iter().zip(lists) {
        seen.take(key, list, now);
    }
    if let Some(schema) = schema {
        for (key, objects) in schema.settings {
            seen.fleet.list(key, objects, now);
        }
        (seen.schema, seen.releases) = (Some(schema.standing), schema.releases);
    }
    seen.fleet.believe_renewals();
    seen.fleet.settle(now);
    seen.fleet.learn_runs(own.signatures);
    let changed = release::changed(&seen.fleet, &|_| true);
    let asked = release::unexplained(&seen.fleet, &|_| true, changed.as_ref(), UNEXPLAINED);
    explain(client, &mut seen.fleet, asked).await;
    (seen.probes, seen.kpis) = futures_util::join!(probed(client, booted, &seen.fleet), measured(client, booted));
    if let Some(service) = &booted.service {
        demand(&mut seen.fleet, service);
        seen.fleet.settle(now);
    }
    Ok(seen)
}

/// Asks the full objects who wrote their templates, all at once. What cannot be had stays unknown.
pub(super) async fn explain(client: &Client, fleet: &mut Fleet, asked: Vec<Unexplained>) {
    let answers = join_all(asked.iter().map(|u| client.get(&u.object, ""))).await;
    for (asked, answer) in asked.into_iter().zip(answers) {
        fleet.learn_writer(asked.uid, asked.revision, answer.ok().as_ref().and_then(Writer::newest));
    }
}

/// Asks the declared probes once; a failed one a second time (contract.md 1).
async fn probed(client: &Client, booted: &Booted, fleet: &Fleet) -> Vec<ProbeReport> {
    if booted.probes.is_empty() {
        return Vec::new();
    }
    let namespaces = client.opened().namespaces.as_deref();
    let namespace = namespaces.and_then(<[String]>::first).map_or("", String::as_str);
    let pods = Surroundings::of(fleet, booted.service.as_ref(), namespace).pods;
    let own = client.clone();
    let secrets = Arc::new(Vault::new(booted.service.as_ref(), move || Some(own.clone())));
    let askers = Askers {
        net: Arc::new(Outside::default()),
        cluster: Some(Arc::new(InTarget::of(client, booted.service.as_ref()))),
        secrets,
    };
    crate::probe::once(&booted.probes, &askers, &pods, &*booted.clock).await
}

/// Asks the declared measures once.
async fn measured(client: &Client, booted: &Booted) -> Vec<Reading> {
    let Some(service) = booted.service.as_ref().filter(|s| !s.declared.kpis.is_empty()) else { return Vec::new() };
    let own = client.clone();
    measuring::all(service, &Vault::new(Some(service), move || Some(own.clone())), &Outside::default()).await
}

/// What the catalogue of the service says; not asked where no backup is declared.
async fn known(client: &Client, booted: &Booted) -> Known {
    let service = booted.service.as_ref().filter(|s| !s.declared.backups.is_empty());
    match (service, client.opened().namespaces.as_deref()) {
        (Some(service), Some([namespace])) => Known::of(client, &catalogue::of(&service.id, namespace)).await,
        (Some(_), _) => Known::Unread("its catalogue is in one namespace, and which is not said".to_owned()),
        (None, _) => Known::default(),
    }
}

fn backups(service: &Service, known: &Known, now: Timestamp) -> Vec<Declared> {
    let one = |backup: &Backup| {
        let nobody = || Freshness::Unknown(format!("this version sees no backups of kind {}", backup.kind.word()));
        let freshness = if backup.is_catalogued() { known.freshness(&backup.id, backup.max_age, now) } else { nobody() };
        Declared::of(&backup.id, &freshness, now)
    };
    service.declared.backups.iter().map(one).collect()
}

impl Seen {
    /// The verdict on a revision of a workload; `None` where no migrations of it are declared.
    pub(super) fn judge(&self, key: &WorkloadKey, revision: &Revision, now: Timestamp) -> Option<Judged> {
        let (migration, known) = self.releases.as_ref()?;
        Judge { migration, known, now }.judge(&self.fleet, key, revision)
    }

    fn take(&mut self, key: StreamKey, list: Result<Vec<Object>, TargetError>, now: Timestamp) {
        match list {
            Ok(objects) => self.fleet.list(key, objects, now),
            Err(error) => {
                let level = if NEEDED.contains(&key.kind) { Level::Unknown } else { Level::Warning };
                let place = key
                    .scope
                    .namespace()
                    .map_or_else(|| key.kind.plural().to_owned(), |ns| format!("{} in {ns}", key.kind.plural()));
                self.problems.push(
                    Problem::new(
                        level,
                        format!("list:{}", key.kind.plural()),
                        format!("Could not be read: {}.", error.message.trim_end_matches('.')),
                    )
                    .about(place),
                );
                self.fleet
                    .apply(&TargetEvent::Stream { key, state: StreamState::Failed { kind: error.kind, reason: error.message } }, now);
            }
        }
    }
}

fn demand(fleet: &mut Fleet, service: &Service) {
    let keys: Vec<(WorkloadKey, i32)> = fleet
        .rows()
        .filter_map(|row| {
            let entry = service.workloads.iter().find(|w| w.name.as_deref() == Some(&*row.key.name))?;
            Some(((*row.key).clone(), i32::try_from(entry.min_ready?).ok()?))
        })
        .collect();
    for (key, least) in keys {
        fleet.demand(&key, least);
    }
}

fn answer(booted: &Booted, opened: &Opened, seen: Seen, took_seconds: f64) -> Status {
    let now = booted.clock.now();
    let service = booted.service.as_ref();
    let of = |key: &WorkloadKey| service.and_then(|s| s.workloads.iter().find(|w| w.name.as_deref() == Some(&*key.name)));
    let counts = |key: &WorkloadKey| service.is_none_or(|s| s.workloads.is_empty()) || of(key).is_some();
    let critical = |key: &WorkloadKey| of(key).is_some_and(crate::service::Workload::is_critical);
    let kpis = service.into_iter().flat_map(|s| s.declared.kpis.iter().zip(&seen.kpis));
    let of_kpis = kpis.map(|(kpi, reading)| {
        let member = Member { health: reading.result.health(), part: Part::Probe { critical: false } };
        (member, format!("kpi {}: {}", kpi.title.as_deref().unwrap_or(&kpi.id), reading.detail))
    });
    let others: Vec<(Member, String)> = seen
        .probes
        .iter()
        .filter(|p| p.counts)
        .map(|p| (Member { health: p.health, part: Part::Probe { critical: p.critical } }, format!("probe {}: {}", p.title, p.detail)))
        .chain(of_kpis)
        .collect();
    let up = seen.fleet.up(&Counting { counts: &counts, critical: &critical, others: &others }, now);
    let (debts, more_debts) = debts::of(&Debts::of(&seen.fleet, &seen.owed.0, &seen.owed.1, now), &seen.problems);
    let (locks, timers) = held::of(&seen.fleet, now);
    let planner = booted.planner(None);
    let namespace = opened.namespaces.as_deref().and_then(<[String]>::first).map_or("", String::as_str);
    Status {
        schema: "timonel.status/1",
        taken_at: now,
        took_seconds: (took_seconds * 1000.0).round() / 1000.0,
        target: target_of(opened, &seen.identity),
        service: StatusService {
            id: service.map(|s| s.id.clone()),
            file: service.map(|s| s.source.clone()),
            environment: planner.environment(opened, namespace).kind.word(),
            read_only: booted.spec.read_only,
        },
        health: up.health,
        reasons: up.reasons.iter().map(|r| r.text.clone()).collect(),
        workloads: seen.fleet.rows().filter(|r| counts(&r.key)).map(|r| workload(r, of(&r.key))).collect(),
        probes: seen.probes.iter().map(probe).collect(),
        backups: service.map(|s| backups(s, &seen.backups, now)).unwrap_or_default(),
        migrations: seen.schema.clone().map(StatusMigrations::of),
        kpis: service.map(|s| s.declared.kpis.iter().zip(&seen.kpis).map(kpi).collect()).unwrap_or_default(),
        changed: release::changed(&seen.fleet, &counts).map(|c| ChangedAnswer::of(&c)),
        back: release::subject(&seen.fleet, &counts, &|key| seen.releases.as_ref().is_some_and(|(m, _)| m.is_about(key))).map(|key| {
            let took = seen.took.of(seen.identity.cluster_uid.as_deref(), &key.id());
            BackAnswer::of(&release::back(&seen.fleet, &key, &|key, r| seen.judge(key, r, now)).taking(took))
        }),
        call: service.map(|s| calls(s, now, booted)).unwrap_or_default(),
        locks,
        timers,
        debts,
        more_debts,
        problems: seen.problems,
    }
}

/// Where an answer comes from.
pub(super) fn target(opened: &Opened, seen: &Seen) -> StatusTarget {
    target_of(opened, &seen.identity)
}

/// The same from what the server said about itself.
pub(super) fn target_of(opened: &Opened, identity: &crate::target::api::Identity) -> StatusTarget {
    StatusTarget {
        kind: "kubernetes",
        context: opened.context.clone(),
        cluster_uid: identity.cluster_uid.clone(),
        cluster_uid_reason: identity.cluster_uid_reason.clone(),
        namespaces: opened.namespaces.clone(),
        server_version: Some(identity.server_version.clone()).filter(|v| !v.is_empty()),
    }
}

fn workload(row: &WorkloadRow, entry: Option<&crate::service::Workload>) -> StatusWorkload {
    StatusWorkload {
        id: entry.map_or_else(|| row.key.id(), |w| w.id.clone()),
        kind: row.key.kind.word().to_owned(),
        namespace: row.key.namespace.to_string(),
        name: row.key.name.to_string(),
        ready: row.ready,
        desired: row.desired,
        updated: row.updated,
        available: row.available,
        restarts: row.restarts,
        images: row.images.iter().map(crate::fleet::RowImage::pinned).collect(),
        health: row.health,
        reasons: row.reason().map(ToOwned::to_owned).into_iter().collect(),
        rollout: StatusRollout { state: row.rollout, revision: row.revision },
    }
}

fn kpi((kpi, reading): (&Kpi, &Reading)) -> StatusKpi {
    StatusKpi {
        id: kpi.id.clone(),
        value: reading.value,
        unit: kpi.unit.clone(),
        result: reading.result,
        detail: reading.detail.clone(),
    }
}

fn probe(report: &ProbeReport) -> StatusProbe {
    StatusProbe {
        id: report.id.to_string(),
        kind: report.kind.to_string(),
        result: report.result,
        since: report.since,
        latency_seconds: report.latency.map(|l| l.as_secs_f64()),
        detail: report.detail.to_string(),
    }
}

fn calls(service: &Service, now: Timestamp, booted: &Booted) -> Vec<StatusCall> {
    to_call(&service.contacts, &service.escalations, now, &booted.zone)
        .into_iter()
        .map(|(contact, reachable)| StatusCall {
            role: contact.role.clone(),
            reachable_now: match reachable {
                Reachable::Now => Some(true),
                Reachable::From(_) => Some(false),
                Reachable::Unknown(_) => None,
            },
            how: contact.how(),
        })
        .collect()
}

fn table(status: &Status, printer: &mut Printer) -> Result<(), Failure> {
    let health = printer.health(status.health);
    let first = status.reasons.first().cloned().unwrap_or_else(|| {
        let (ready, desired) = status.workloads.iter().fold((0, 0), |(r, d), w| (r + w.ready, d + w.desired));
        format!("{ready}/{desired} ready")
    });
    printer.line(&format!("{health}: {first}"))?;
    for reason in status.reasons.iter().skip(1) {
        printer.line(&format!("  {reason}"))?;
    }
    let rows: Vec<Vec<String>> = status
        .workloads
        .iter()
        .map(|w| {
            let image = w.images.first().cloned().unwrap_or_default();
            vec![
                w.namespace.clone(),
                format!("{}/{}", w.kind.to_lowercase(), w.name),
                format!("{}/{}", w.ready, w.desired),
                w.restarts.to_string(),
                w.health.word().to_owned(),
                image,
            ]
        })
        .collect();
    printer.line("")?;
    printer.table(&["NAMESPACE", "WORKLOAD", "READY", "RESTARTS", "HEALTH", "IMAGE"], &rows)?;
    for p in &status.probes {
        printer.line(&format!("probe {}: {} {}", p.id, p.result.word(), p.detail))?;
    }
    for kpi in &status.kpis {
        printer.line(&format!("kpi {}: {}", kpi.id, kpi.detail))?;
    }
    for backup in &status.backups {
        printer.line(&format!("backup {}: {}", backup.id, backup.words))?;
    }
    if let Some(migrations) = &status.migrations {
        printer.line(&format!("schema: {}", migrations.words))?;
    }
    printer.line(&match &status.changed {
        Some(changed) => {
            let at = changed.at.map(|at| at.to_string()).unwrap_or_default();
            format!("changed: {} at {at} {}", changed.what, changed.phrase.as_deref().unwrap_or("by unknown"))
        }
        None => "changed: unknown".to_owned(),
    })?;
    printer.line(&match &status.back {
        Some(back) => {
            let to = back.to.as_ref().map(|to| format!("{to} ")).unwrap_or_default();
            let why = if back.reasons.is_empty() { String::new() } else { format!(": {}", back.reasons.join("; ")) };
            format!("back: {to}{}{why}", back.verdict.word())
        }
        None => "back: unknown: no workload with revisions is seen".to_owned(),
    })?;
    for call in &status.call {
        let now = match call.reachable_now {
            Some(true) => "now",
            Some(false) => "not now",
            None => "hours unknown",
        };
        printer.line(&format!("call: {} ({now}) {}", call.role, call.how))?;
    }
    held::lines(&status.locks, &status.timers, printer)?;
    debts::lines(&status.debts, status.more_debts, printer)?;
    for problem in &status.problems {
        printer.note(&Failure::problem(Exit::OK, problem).message);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{NEEDED, OPTIONAL};

    #[test]
    fn no_kind_is_asked_for_twice() {
        assert!(NEEDED.iter().all(|k| !OPTIONAL.contains(k)));
    }
}
