//! From a question (`scale`, a workload, parameters) to a plan, the same for screen and command line.
//!
//! Owns how settings and service file become what a plan rests on. The plan itself is made in `run`.

mod dumps;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::file_action::Resolver;
use crate::app::effect::PlanRequest;
use crate::base::clock::Clock;
use crate::base::confirmation::Confirmation;
use crate::base::problem::{Level, Problem};
use crate::config::Settings;
use crate::run::actions;
use crate::run::backup::{Dump, Known, catalogue};
use crate::run::journal;
use crate::run::migrate::{Applied, MOST_APPLIED, Migration, of_service};
use crate::run::program;
use crate::run::{ActionRequest, Confirmed, Connections, Environment, FileRef, Operator, Plan, PlanContext, PlanError, Probes, Refusal, RolledBack};
use crate::service::{Origin, ProbeSpec, Service, StepKind, Target, WorkloadKind};
use crate::target::api::{ErrorKind, Read, TargetError};
use crate::target::event::Opened;
use crate::target::kubernetes::Client;
use crate::target::kubernetes::document::FingerprintKey;
use crate::target::model::{Kind, ObjectRef};

/// How long a plan waits for a database that is asked where it is.
const DATABASE: Duration = Duration::from_secs(5);

/// What a plan is made on: an open target, its probes, and the time.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Reads the target.
    pub read: &'a dyn Read,
    /// Asks the probes.
    pub probes: &'a dyn Probes,
    /// Which target it is.
    pub opened: &'a Opened,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

impl<'a> View<'a> {
    /// What an open client shows.
    pub fn of(client: &'a Client, probes: &'a dyn Probes, clock: &'a dyn Clock) -> Self {
        Self { read: client, probes, opened: client.opened(), clock }
    }
}

/// What plans rest on besides the target.
#[derive(Debug, Clone)]
pub struct Planner {
    settings: Settings,
    service: Option<Service>,
    /// The file that describes it.
    file: Option<FileRef>,
    operator: Operator,
    read_only: bool,
    prove_within: Option<Duration>,
    /// Ids of the probes that must be green after a change.
    probes: Vec<String>,
    fingerprint_key: FingerprintKey,
    /// The folder of the journal.
    state: PathBuf,
}

impl Planner {
    /// What settings, service file and options say. Every probe that is not optional proves a run.
    pub fn new(
        settings: &Settings,
        (service, file): (Option<&Service>, Option<&FileRef>),
        probes: &[ProbeSpec],
        operator: &Operator,
        state: &Path,
        read_only: bool,
        prove_within: Option<Duration>,
    ) -> Self {
        Self {
            settings: settings.clone(),
            service: service.cloned(),
            file: file.cloned(),
            operator: operator.clone(),
            read_only,
            prove_within,
            probes: probes.iter().filter(|p| !p.optional).map(|p| p.id.clone()).collect(),
            fingerprint_key: fingerprint_key(state),
            state: state.to_owned(),
        }
    }

    /// The key under which Secret values are told apart without being shown.
    pub fn fingerprint_key(&self) -> &FingerprintKey {
        &self.fingerprint_key
    }

    /// The environment: the service file's word, then the settings, then the names (contract.md 2).
    pub fn environment(&self, opened: &Opened, namespace: &str) -> Environment {
        let named = self.settings.kind(&opened.context, &opened.cluster, &[namespace.to_owned()]);
        let service = self.service.as_ref();
        let mut found = Environment::of_kind(service.and_then(|s| s.kind(named)).unwrap_or(named));
        found.floor = found.floor.max(service.and_then(|s| s.environment.as_ref()).map_or(found.floor, |e| e.confirm_floor));
        found
    }

    /// Makes the plan; what speaks against it is one of its checks.
    pub async fn plan(&self, view: View<'_>, request: &PlanRequest) -> Result<Plan, Problem> {
        let wanted = ActionRequest {
            action: request.action.clone(),
            object: request.subject.clone(),
            parameters: request.parameters.clone(),
            overrides: request.overrides.clone(),
            reason: request.reason.clone(),
        };
        let made = match &request.second {
            Some(second) => self.again(view, &wanted, second.run()).await,
            None => self.action(view, &wanted).await,
        };
        made.map_err(|e| problem(&e))
    }

    /// The plan of an action: the engine's own, or one of the service file.
    pub async fn action(&self, view: View<'_>, request: &ActionRequest) -> Result<Plan, PlanError> {
        self.make(view, request, None).await
    }

    /// Id of the service that its file describes.
    pub fn service_id(&self) -> Option<String> {
        self.service.as_ref().map(|s| s.id.clone())
    }

    /// The backups that the service file declares and that a Job in that namespace can make.
    pub fn dumps(&self, namespace: &str) -> Vec<Dump> {
        self.service.as_ref().map(|s| dumps::of(s, namespace)).unwrap_or_default()
    }

    /// The claim whose volume a declared backup is written to: what its plan is about.
    pub fn claim_of(&self, backup: &str, namespace: &str) -> Result<ObjectRef, PlanError> {
        let dumps = self.dumps(namespace);
        let found = dumps.iter().find(|d| d.id == backup);
        found.map(|d| ObjectRef::new(Kind::PersistentVolumeClaim, namespace, d.claim.as_str())).ok_or_else(|| {
            PlanError::Usage(match (&self.service, &dumps[..]) {
                (None, _) => "a backup is declared in a service file: name it with -f FILE".to_owned(),
                (_, []) => "the service file declares no backup that a Job can make: kind = \"pg_dump\" with a volume".to_owned(),
                (_, some) => format!("there is no backup '{backup}': {}", some.iter().map(|d| d.id.as_str()).collect::<Vec<_>>().join(", ")),
            })
        })
    }

    /// A dump of the catalogue, by the run that made it, by its file, or as the newest of a declared backup that is still there: the claim
    /// that it is on, and that run.
    pub async fn dump_of(&self, read: &dyn Read, named: &str, namespace: &str) -> Result<(ObjectRef, String), PlanError> {
        let usage = |text: String| PlanError::Usage(text);
        let service = self
            .service_id()
            .ok_or_else(|| usage("a catalogue belongs to a service: name its file with -f FILE".to_owned()))?;
        let record = catalogue::of(&service, namespace);
        let entries = match Known::of(read, &record).await {
            Known::Read(entries) => entries,
            Known::Unread(why) => return Err(PlanError::Target { what: record.to_string(), error: TargetError::new(ErrorKind::Server, why) }),
        };
        let by_name = entries.iter().find(|e| e.run == named || e.report.file == named);
        let entry = by_name.or_else(|| entries.iter().find(|e| e.backup == named && e.gone.is_none()));
        let entry = entry.ok_or_else(|| usage(format!("the catalogue has no dump '{named}': see `timonel backups`")))?;
        Ok((ObjectRef::new(Kind::PersistentVolumeClaim, namespace, entry.claim.as_str()), entry.run.clone()))
    }

    /// How the schema of the service is moved by a Job in that namespace, or why it is not.
    pub fn migration(&self, namespace: &str) -> Result<Migration, PlanError> {
        let service = self.service.as_ref();
        let service = service.ok_or_else(|| PlanError::Usage("migrations are declared in a service file: name it with -f FILE".to_owned()))?;
        of_service(service, namespace).map_err(PlanError::Usage)
    }

    /// The workload whose pod template migrations run in: what their plans are about.
    pub fn migrates(&self, namespace: &str) -> Result<ObjectRef, PlanError> {
        let workload = self.migration(namespace)?.workload;
        Ok(ObjectRef::new(workload.kind, namespace, workload.name.as_str()))
    }

    /// The plan of a run that waits for a second person, made anew: whoever asked and whoever approves compute the same one, so its level
    /// is two-person whatever this console's files say.
    pub async fn again(&self, view: View<'_>, request: &ActionRequest, run: &str) -> Result<Plan, PlanError> {
        self.make(view, request, Some(run.to_owned())).await
    }

    async fn make(&self, view: View<'_>, request: &ActionRequest, run: Option<String>) -> Result<Plan, PlanError> {
        let View { read, opened, clock, .. } = view;
        let namespace = match request.object.kind {
            Kind::Namespace => &request.object.name,
            _ => &request.object.namespace,
        };
        let mut environment = self.environment(opened, namespace);
        if run.is_some() {
            environment.floor = Confirmation::TwoPerson;
        }
        let mut context = PlanContext::new(opened.context.clone(), environment, self.operator.clone());
        context.run = run;
        context.read_only = self.read_only;
        context.probes.clone_from(&self.probes);
        context.limit = self.prove_within;
        context.prove_within = context.limit.unwrap_or(context.prove_within);
        context.file.clone_from(&self.file);
        context.rollback_gap = self.service.as_ref().and_then(|s| s.rollback_gap).unwrap_or(self.settings.rollback_gap);
        if let Some(action) = program::named(&request.action) {
            return Box::pin(self.program(view, context, action, request)).await;
        }
        if let Some(service) = &self.service {
            Self::add_service(service, &mut context, namespace, &request.action, clock.now());
            context.dumps = dumps::of(service, namespace);
            context.migration = of_service(service, namespace).ok();
            context.writers = writers(service, namespace);
        }
        if matches!(&*request.action, "rollback" | "downgrade") {
            context.applied = self.applied(view, &context).await;
        }
        if request.action == "rollback" {
            (context.proven, context.rolled_back) = self.remembered(read, &request.object).await;
        }
        actions::plan(read, clock, &context, request).await
    }

    /// The plan of an action of the service file, in the namespace that the request names.
    async fn program(&self, view: View<'_>, mut context: PlanContext, action: &str, request: &ActionRequest) -> Result<Plan, PlanError> {
        let (View { read, probes, clock, .. }, service) = (view, self.service.as_ref());
        let service = service.ok_or_else(|| PlanError::Usage("without a service file there are no further actions".to_owned()))?;
        let namespace = &*request.object.name;
        let run = context.run_id(action, clock.now());
        context.run = Some(run.clone());
        let own = service.actions.iter().find(|a| a.id == action);
        let class = own.and_then(|a| a.class.as_deref());
        Self::add_service(service, &mut context, namespace, class.unwrap_or(action), clock.now());
        context.dumps = dumps::of(service, namespace);
        let migration = of_service(service, namespace);
        context.migration = migration.as_ref().ok().cloned();
        if own.is_some_and(|a| a.steps.iter().any(|s| matches!(s.kind, StepKind::Rollback { .. }))) {
            context.applied = self.applied(view, &context).await;
        }
        let environment = context.environment.clone();
        let resolver = Resolver {
            read,
            probes,
            service,
            environment: &environment,
            operator: &self.operator,
            namespace,
            run: &run,
            dumps: &context.dumps,
            migration: migration.as_ref().map_err(String::as_str),
            now: clock.now(),
        };
        let program = resolver.program(action, request).await?;
        program::plan(read, clock, &context, &program, &request.object).await
    }

    /// What the database itself says was applied, before the schema is gone back on: what an inspection said may be long ago. It is asked
    /// as the console asks it, for no longer than somebody waits for a plan; without it the record has the last word, and its age.
    async fn applied(&self, view: View<'_>, context: &PlanContext) -> Option<Applied> {
        let own = self.service.as_ref().is_some_and(|s| s.origin == Origin::Operator) && !self.read_only && !context.undo;
        let migration = context.migration.as_ref().filter(|_| own)?;
        let (database, sql) = (migration.database.as_ref()?, migration.question()?);
        let rows = tokio::time::timeout(DATABASE, view.probes.database(database, sql)).await.ok()?.ok()?;
        let whole = !rows.cut && rows.rows.len() <= MOST_APPLIED;
        let revisions = rows.rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
        whole.then(|| Applied { at: view.clock.now(), revisions })
    }

    /// What our own journal once proved ready of an object, and when it was rolled back last. A journal that cannot be read is no evidence, and no reason not to plan.
    async fn remembered(&self, read: &dyn Read, object: &ObjectRef) -> (BTreeSet<String>, Option<RolledBack>) {
        let (uid, folder) = (read.identity().await.cluster_uid, self.state.clone());
        let entries = tokio::task::spawn_blocking(move || journal::read(&folder).map(|reading| reading.entries)).await;
        let Ok(Ok(all)) = entries else { return (BTreeSet::new(), None) };
        (journal::proven_templates(&all, object, uid.as_deref()), journal::last_rollback(&all, object, uid.as_deref()))
    }

    fn add_service(service: &Service, context: &mut PlanContext, namespace: &str, class: &str, now: Timestamp) {
        let environment = service.environment.as_ref();
        if let Some(Target::Kubernetes { cluster_uid, .. }) = environment.map(|e| &e.target) {
            context.cluster_pin.clone_from(cluster_uid);
        }
        let local = jiff::tz::TimeZone::system();
        context.freeze = environment.and_then(|e| e.frozen(Some(class), now, &local)).map(|(name, _)| name.to_owned());
        let here = service.workloads.iter().filter(|w| w.namespace.as_deref().is_none_or(|n| *n == *namespace));
        context.service = Some(service.id.clone());
        context.connections = connections(service, namespace);
        context.min_ready = here.filter_map(|w| Some((w.name.clone()?, w.min_ready?))).collect();
    }
}

/// What the service file says of the connections of its databases, by the objects that hold them.
/// The workloads of that namespace that write to the database and can be stopped.
fn writers(service: &Service, namespace: &str) -> Vec<ObjectRef> {
    let here = service.workloads.iter().filter(|w| w.writes_db && w.namespace.as_deref().is_none_or(|n| n == namespace));
    let of = |w: &crate::service::Workload| {
        let kind = match w.kind {
            WorkloadKind::Deployment => Kind::Deployment,
            WorkloadKind::StatefulSet => Kind::StatefulSet,
            WorkloadKind::CronJob => Kind::CronJob,
            _ => return None,
        };
        Some(ObjectRef::new(kind, namespace, w.name.as_deref()?))
    };
    here.filter_map(of).collect()
}

fn connections(service: &Service, namespace: &str) -> Vec<Connections> {
    let object = |id: &str| {
        let workload = service.workloads.iter().find(|w| w.id == id)?;
        let kind = match workload.kind {
            WorkloadKind::Deployment => Kind::Deployment,
            WorkloadKind::StatefulSet => Kind::StatefulSet,
            _ => return None,
        };
        Some(ObjectRef::new(kind, workload.namespace.as_deref().unwrap_or(namespace), workload.name.as_deref()?))
    };
    let declared = service.declared.databases.iter().filter_map(|d| Some((d, d.connections.as_ref()?)));
    declared
        .map(|(database, own)| Connections {
            database: database.id.clone(),
            most: own.most,
            reserved: own.reserved,
            per_pod: own.per_pod.iter().filter_map(|(id, each)| Some((object(id)?, *each))).collect(),
        })
        .collect()
}

/// Why what is armed is not taken back now.
pub enum NotBack {
    /// What stands in the way may go: a lock, a rollout, a server that does not answer.
    Yet(String),
    /// It never will be by itself: it was changed again, or more than a timer is needed.
    Never(String),
}

/// The plan that takes back what `armed` did to these objects, confirmed by its timer.
pub async fn reverting(planner: &Planner, view: View<'_>, armed: &Plan, objects: &[ObjectRef]) -> Result<Confirmed, NotBack> {
    let request = armed.taking_back(objects).map_err(NotBack::Never)?;
    let plan = planner.action(view, &request).await;
    let plan = plan.map_err(|error| match error {
        PlanError::Target { .. } => NotBack::Yet(error.to_string()),
        _ => NotBack::Never(error.to_string()),
    })?;
    plan.confirm_by_timer(armed, view.clock.now()).map_err(|refusal| match refusal {
        Refusal::Blocked(_) | Refusal::Expired => NotBack::Yet(refusal.to_string()),
        _ => NotBack::Never(refusal.to_string()),
    })
}

fn problem(error: &PlanError) -> Problem {
    Problem::new(Level::Error, "plan", format!("No plan could be made: {error}."))
}

/// The key of this installation, made once. When it cannot be kept, fingerprints are right among themselves for one process.
fn fingerprint_key(state: &Path) -> FingerprintKey {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let path = state.join("fingerprint.key");
    if let Some(kept) = std::fs::read(&path).ok().and_then(|k| <[u8; 32]>::try_from(k).ok()) {
        return FingerprintKey::new(kept);
    }
    let mut key = [0_u8; 32];
    if rustls::crypto::ring::default_provider().secure_random.fill(&mut key).is_err() {
        return FingerprintKey::new(key);
    }
    let _ = std::fs::create_dir_all(state);
    if let Ok(mut file) = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        let _ = file.write_all(&key);
    }
    FingerprintKey::new(key)
}
