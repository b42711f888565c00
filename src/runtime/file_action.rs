//! From an action of the service file and what was given to it, to what the engine plans.
//!
//! Owns the resolving of its names, conditions, preconditions and workloads. The plan is made in `run`; what an action is, `service`
//! has read.

mod asked;
mod image;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::base::environment::EnvironmentKind;
use crate::base::health::Health;
use crate::base::text::clean;
use crate::migrate::MigrationState;
use crate::run::backup::{Dump, Known, Wanted, catalogue};
use crate::run::migrate::releases::{self, Record};
use crate::run::migrate::{self, Migration, Stand};
use crate::run::program::{self, Does, Look, Program, ProgramStep, SetImage};
use crate::run::{ActionRequest, Check, Environment, JobCommand, Operator, PlanError, Policy, ProbeAnswer, Probes, Raise};
use crate::service::{
    ActionStep, AlarmEvent, BackupState, Condition, FileAction, Migrated, OnFail, Requirement, ScheduleOp, Service, StepKind, Value, Workload,
    WorkloadKind,
};
use crate::target::api::Read;
use crate::target::model::{Kind, ObjectRef};

/// What an action is resolved against.
pub(super) struct Resolver<'a> {
    pub read: &'a dyn Read,
    pub probes: &'a dyn Probes,
    pub service: &'a Service,
    pub environment: &'a Environment,
    pub operator: &'a Operator,
    pub namespace: &'a str,
    /// Id of the run that it will be.
    pub run: &'a str,
    /// The backups that a Job can make there.
    pub dumps: &'a [Dump],
    /// How the schema is moved there, or why it is not.
    pub migration: Result<&'a Migration, &'a str>,
    pub now: Timestamp,
}

fn usage(text: impl Into<String>) -> PlanError {
    PlanError::Usage(text.into())
}

impl Resolver<'_> {
    /// The steps of the action of that id, for what is asked of it: its variables are the request's parameters.
    pub(super) async fn program(&self, id: &str, request: &ActionRequest) -> Result<Program, PlanError> {
        let action = self.service.actions.iter().find(|a| a.id == id);
        let action = action.ok_or_else(|| usage(format!("the service file has no action '{id}'")))?;
        if let Some(why) = &action.disabled {
            return Err(usage(format!("'{}' is disabled: {why}", action.id)));
        }
        let reason = request.reason.as_deref().map(str::trim).filter(|r| !r.is_empty());
        if action.reason && reason.is_none() {
            return Err(usage(format!("'{}' needs a reason: --reason TEXT", action.id)));
        }
        let given = request.parameters.iter().map(|p| {
            let pair = p.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
            pair.ok_or_else(|| usage(format!("'{p}' is not NAME=VALUE; write: {}", action.example())))
        });
        let given = given.collect::<Result<Vec<_>, _>>()?;
        let vars = action.values(&given).map_err(usage)?;
        let mut values: BTreeMap<String, String> = self.service.names.clone();
        values.extend(vars.clone());
        values.insert("operator".to_owned(), self.operator.user.clone());
        values.insert("run.id".to_owned(), self.run.to_owned());
        values.insert("run.date".to_owned(), self.now.strftime("%Y-%m-%d").to_string());
        // There is no other address of a run than the record of it.
        values.insert("run.link".to_owned(), format!("timonel runs show {}", self.run));
        values.insert("run.reason".to_owned(), reason.unwrap_or_default().to_owned());
        // What is known when it is told.
        values.extend(["run.result", "run.duration", "run.after.image"].map(|name| (name.to_owned(), format!("${{{name}}}"))));
        let facts = self.facts(action).await;
        values.extend(self.before(action).await);
        let phrase = action.phrase.as_ref().map(|phrase| phrase.fill(&values).map_err(usage)).transpose()?;
        let (steps, found) = self.steps(action, &mut values, &facts).await?;
        let value = |name: &str| known(&values, &facts, name);
        let backups = self.backups(action).await;
        let (mut checks, own_checks) = self.require(action, &facts, &backups);
        checks.extend(found);
        checks.extend(self.asked(action).await);
        checks.extend(self.migrations(action, &steps, &values).await);
        let parameters = vars.into_iter().map(|(name, value)| (name.trim_start_matches("var.").to_owned(), value)).collect();
        Ok(Program {
            action: action.id.clone(),
            title: action.title.clone(),
            parameters,
            level: action.confirm,
            phrase,
            of: None,
            raises: raises(action, &value),
            checks,
            own_checks,
            steps,
            overrides: request.overrides.clone(),
            reason: reason.map(str::to_owned),
        })
    }

    /// The steps that are taken, each with what those before it yield, and what was found out for them.
    async fn steps(
        &self,
        action: &FileAction,
        values: &mut BTreeMap<String, String>,
        facts: &BTreeMap<String, Value>,
    ) -> Result<(Vec<ProgramStep>, Vec<Check>), PlanError> {
        let (mut steps, mut checks) = (Vec::new(), Vec::new());
        for step in &action.steps {
            let pending = self.pending(step, values).await;
            let value = |name: &str| if name == Condition::PENDING { pending.clone() } else { known(values, facts, name) };
            let takes = step.when.as_ref().map_or(Ok(true), |when| {
                let hint = if when.names().contains(&Condition::PENDING) { ": timonel run inspect image=IMAGE, and ask again" } else { "" };
                let unknown = || usage(format!("step '{}': whether '{}' holds is not known{hint}", step.id, when.text()));
                when.holds(&value).ok_or_else(unknown)
            })?;
            if !takes {
                continue;
            }
            let fill = |template: &crate::service::Template| template.fill(values).map_err(usage);
            let done_when = step.done_when.iter().map(fill).collect::<Result<_, _>>()?;
            let does = if let StepKind::ImageCheck { image, yields, .. } = &step.kind {
                let found = self.image(action, step, fill(image)?).await?;
                checks.extend(found.checks);
                values.extend(yields.iter().map(|name| (name.clone(), found.image.clone())));
                Does::Look(found.look)
            } else {
                self.does(step, &fill)?
            };
            steps.push(ProgramStep { id: step.id.clone(), does, done_when, policy: policy(step) });
        }
        Ok((steps, checks))
    }

    /// What conditions and preconditions ask the target and the probes. What cannot be read is not there, and so not known.
    async fn facts(&self, action: &FileAction) -> BTreeMap<String, Value> {
        let conditions = action.steps.iter().filter_map(|s| s.when.as_ref()).chain(action.raises.iter().map(|(c, _)| c));
        let names: Vec<&str> = conditions.flat_map(Condition::names).collect();
        let mut facts = BTreeMap::new();
        let required = action.require.iter().filter_map(|r| if let Requirement::Probe(id) = r { Some(id.as_str()) } else { None });
        let mut ids: Vec<&str> = names.iter().filter_map(|n| n.strip_prefix("probe.")).chain(required).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let word = match self.probes.ask(id).await {
                ProbeAnswer::Ok(_) => "ok".to_owned(),
                ProbeAnswer::Failed(_) => "failed".to_owned(),
                ProbeAnswer::Unknown(_) => continue,
            };
            facts.insert(format!("probe.{id}"), Value::Text(word));
        }
        // The first workload that the action is about.
        let subject = action.steps.iter().find_map(|s| s.kind.workload(&self.service.workloads));
        if names.iter().any(|n| n.starts_with("workload."))
            && let Some(object) = subject.and_then(|w| self.object(w).ok())
            && let Ok(raw) = self.read.get(&object, "").await
        {
            let number = |pointer: &str, absent: f64| raw.pointer(pointer).and_then(serde_json::Value::as_f64).unwrap_or(absent);
            facts.insert("workload.ready".to_owned(), Value::Number(number("/status/readyReplicas", 0.0)));
            facts.insert("workload.desired".to_owned(), Value::Number(number("/spec/replicas", 1.0)));
        }
        facts
    }

    /// How the first workload that the action is about is before anything is done. What cannot be read has no value.
    async fn before(&self, action: &FileAction) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        let subject = action.steps.iter().find_map(|s| s.kind.workload(&self.service.workloads));
        // An action that is about none but the schema's is about that one.
        let schema = || {
            let own = &self.migration.ok()?.workload;
            self.service.workloads.iter().find(|w| w.name.as_deref() == Some(&*own.name))
        };
        let Some(workload) = subject.or_else(schema) else { return values };
        let Ok(object) = self.object(workload) else { return values };
        let Ok(raw) = self.read.get(&object, "").await else { return values };
        let containers = raw.pointer("/spec/template/spec/containers").and_then(serde_json::Value::as_array);
        let own = |c: &&serde_json::Value| workload.container.as_ref().is_none_or(|name| c["name"] == name.as_str());
        let image = containers.into_iter().flatten().find(own).and_then(|c| c["image"].as_str());
        for name in ["run.before.image", "release.current.image"] {
            values.extend(image.map(|image| (name.to_owned(), clean(image).into_owned())));
        }
        let repository = image.map(crate::run::repository);
        values.extend(repository.map(|name| ("release.current.repository".to_owned(), clean(name).into_owned())));
        let replicas = raw.pointer("/spec/replicas").and_then(serde_json::Value::as_i64);
        values.extend(replicas.map(|n| ("run.before.replicas".to_owned(), n.to_string())));
        let revision = raw.pointer("/metadata/annotations/deployment.kubernetes.io~1revision").and_then(serde_json::Value::as_str);
        values.extend(revision.map(|r| ("run.before.revision".to_owned(), clean(r).into_owned())));
        values
    }

    /// What the catalogue says, where the action asks for a backup.
    async fn backups(&self, action: &FileAction) -> Known {
        if !action.require.iter().any(|r| matches!(r, Requirement::Backup(..))) {
            return Known::default();
        }
        Known::of(self.read, &catalogue::of(&self.service.id, self.namespace)).await
    }

    fn require(&self, action: &FileAction, facts: &BTreeMap<String, Value>, known: &Known) -> (Vec<Check>, Vec<(String, &'static str)>) {
        let (mut checks, mut own) = (Vec::new(), Vec::new());
        for requirement in &action.require {
            match requirement {
                Requirement::Own(word, id) => own.push((word.clone(), *id)),
                Requirement::Migrations(_) | Requirement::NoCriticalAlert | Requirement::Mounted(..) => {}
                Requirement::Disk => checks.push(Check::advisory("disk:free 2x").unknown(
                    "the Job of a dump looks at its volume before it writes, and fails where it has less than twice the size of the database",
                    "look at the volume",
                )),
                Requirement::Backup(id, state) => {
                    let most = self.service.declared.backups.iter().find(|b| b.id == *id).and_then(|b| b.max_age);
                    let wanted = match state {
                        BackupState::Fresh => Wanted::Fresh,
                        BackupState::Verified => Wanted::Verified,
                    };
                    checks.push(known.check(id, most, wanted, self.now));
                }
                Requirement::Local => {
                    let check = Check::required("target:is-local");
                    let word = self.environment.kind.word();
                    checks.push(if self.environment.kind == EnvironmentKind::Development {
                        check.ok(format!("the environment is {word}"))
                    } else {
                        check.failed(format!("the environment is {word}"), "run it where it can do no harm")
                    });
                }
                Requirement::Probe(id) => {
                    let check = Check::overridable(format!("probe:{id}"));
                    checks.push(match facts.get(&format!("probe.{id}")) {
                        Some(Value::Text(word)) if word == "ok" => check.ok(format!("probe {id} is green")),
                        Some(_) => check.failed(format!("probe {id} is not green"), "mend that first"),
                        None => check.unknown(format!("probe {id} gives no answer to judge by"), "see `timonel status`"),
                    });
                }
            }
        }
        (checks, own)
    }

    /// What is required of the migrations of the image that the action is about.
    async fn migrations(&self, action: &FileAction, steps: &[ProgramStep], values: &BTreeMap<String, String>) -> Vec<Check> {
        let wanted = action.require.iter().filter_map(|r| if let Requirement::Migrations(word) = r { Some(*word) } else { None });
        let wanted: Vec<Migrated> = wanted.collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        let asked = steps.iter().find_map(|step| match &step.does {
            Does::Inspect(request, _) => migrate::image(&request.parameters),
            Does::Action(request) if request.action == "migrate" => migrate::image(&request.parameters),
            _ => None,
        });
        let image = asked.map(str::to_owned).or_else(|| values.get("release.current.image").cloned()).unwrap_or_default();
        let known = match &self.migration {
            Ok(migration) => Record::of(self.read, &releases::of(&migration.service, self.namespace)).await,
            Err(why) => Record::Unread((*why).to_owned()),
        };
        wanted.into_iter().map(|word| migrated(word, &image, &known, self.now)).collect()
    }

    fn object(&self, workload: &Workload) -> Result<ObjectRef, PlanError> {
        let kind = match workload.kind {
            WorkloadKind::Deployment => Kind::Deployment,
            WorkloadKind::StatefulSet => Kind::StatefulSet,
            WorkloadKind::DaemonSet => Kind::DaemonSet,
            WorkloadKind::CronJob => Kind::CronJob,
            other => return Err(usage(format!("the workload '{}' is a {}", workload.id, other.word()))),
        };
        let name = workload.name.as_deref().ok_or_else(|| usage(format!("the workload '{}' has no name here", workload.id)))?;
        Ok(ObjectRef::new(kind, workload.namespace.as_deref().unwrap_or(self.namespace), name))
    }

    fn about(&self, step: &ActionStep) -> Result<ObjectRef, PlanError> {
        let workload = step.kind.workload(&self.service.workloads);
        self.object(workload.ok_or_else(|| usage(format!("step '{}' has no workload here", step.id)))?)
    }

    /// What the steps that bring a release do.
    fn brings(&self, step: &ActionStep, fill: &dyn Fn(&crate::service::Template) -> Result<String, PlanError>) -> Result<Does, PlanError> {
        let object = || self.about(step);
        let own_container = || step.kind.workload(&self.service.workloads).and_then(|w| w.container.clone());
        let act = |action: &'static str, object: ObjectRef, parameters: Vec<String>| ActionRequest {
            action: action.into(),
            object,
            parameters,
            overrides: Vec::new(),
            reason: None,
        };
        Ok(match &step.kind {
            StepKind::SetImage { container, image, cause, .. } => Does::Image(SetImage {
                workload: object()?,
                container: container.clone().or_else(own_container),
                image: fill(image)?,
                cause: cause.as_ref().map(fill).transpose()?,
                pinned: self.service.declared.releases.as_ref().is_some_and(|r| r.pin_digest),
            }),
            StepKind::Job { image, at_head: true, .. } => {
                let image = image.as_ref().map(fill).transpose()?;
                Does::Action(act("migrate", object()?, image.map(|image| format!("image={image}")).into_iter().collect()))
            }
            StepKind::Job { container, image, argv, backoff, again, .. } => Does::Job(JobCommand {
                workload: object()?,
                container: container.clone().or_else(own_container),
                image: image.as_ref().map(fill).transpose()?,
                argv: argv.iter().map(fill).collect::<Result<_, _>>()?,
                backoff: *backoff,
                again: *again,
                // How long it may take is the step's.
                deadline: Duration::ZERO,
            }),
            StepKind::Backup { backup, label } => {
                let dump = self.dumps.iter().find(|d| d.id == *backup);
                let dump = dump.ok_or_else(|| usage(format!("the backup '{backup}' is not one that a Job can make here")))?;
                let label = label.as_ref().map(fill).transpose()?;
                let given = std::iter::once(format!("backup={backup}")).chain(label.map(|label| format!("label={label}")));
                Does::Action(act("backup", ObjectRef::new(Kind::PersistentVolumeClaim, self.namespace, dump.claim.as_str()), given.collect()))
            }
            StepKind::MigratePlan { image, gate } => {
                let own = &self.migration.map_err(usage)?.workload;
                let object = ObjectRef::new(own.kind, self.namespace, own.name.as_str());
                let given = image.as_ref().map(fill).transpose()?.map(|image| format!("image={image}")).into_iter().collect();
                Does::Inspect(act("inspect", object, given), *gate)
            }
            _ => return Err(usage(format!("step '{}' brings no release", step.id))),
        })
    }

    fn does(&self, step: &ActionStep, fill: &dyn Fn(&crate::service::Template) -> Result<String, PlanError>) -> Result<Does, PlanError> {
        let object = || self.about(step);
        let act = |action: &'static str, parameters: Vec<String>| {
            let request = ActionRequest { action: action.into(), object: object()?, parameters, overrides: Vec::new(), reason: None };
            Ok::<_, PlanError>(Does::Action(request))
        };
        Ok(match &step.kind {
            StepKind::Scale { replicas, hpa, .. } => {
                let count = fill(replicas)?;
                let hpa = hpa.as_ref().map(|h| format!("hpa={h}"));
                act("scale", std::iter::once(format!("replicas={count}")).chain(hpa).collect())?
            }
            StepKind::Restart { .. } => act("restart", Vec::new())?,
            StepKind::Rollback { to, .. } => {
                let to = to.as_ref().map(fill).transpose()?;
                act("rollback", to.map(|to| format!("to={to}")).into_iter().collect())?
            }
            StepKind::CronJob { op, .. } => {
                let name = match op {
                    ScheduleOp::Trigger => "trigger",
                    ScheduleOp::Suspend => "suspend",
                    ScheduleOp::Resume => "resume",
                };
                act(name, Vec::new())?
            }
            StepKind::Exec { container, argv, back, reads, again, .. } => {
                let filled = |words: &[crate::service::Template]| words.iter().map(fill).collect::<Result<Vec<String>, _>>();
                let run = program::Run {
                    workload: object()?,
                    container: container.clone(),
                    argv: filled(argv)?,
                    back: back.as_deref().map(filled).transpose()?,
                    reads: *reads,
                    again: *again,
                };
                Does::Command(run)
            }
            StepKind::SetImage { .. } | StepKind::Job { .. } | StepKind::Backup { .. } | StepKind::MigratePlan { .. } => self.brings(step, fill)?,
            StepKind::RolloutWait { .. } => Does::RolloutWait(object()?),
            StepKind::HttpCheck { probes } => Does::Probes(probes.clone()),
            StepKind::SqlCheck { database, checks } => Does::Look(Look::Database { id: database.clone(), checks: checks.clone() }),
            StepKind::MetricCheck { kpis, hold } => Does::Look(Look::Measures { ids: kpis.clone(), hold: *hold }),
            StepKind::Logs { container, tail, ack, .. } => {
                Does::Look(Look::Tail { workload: object()?, container: container.clone(), lines: *tail, ack: *ack })
            }
            StepKind::Notify { to, text, event } => {
                // What is said in the middle of a run ends no alarm by itself.
                let event = event.or((!step.always).then_some(AlarmEvent::Trigger));
                Does::Look(Look::Tell { to: to.clone(), text: fill(text)?, event })
            }
            StepKind::Shell { argv } => {
                let argv = argv.iter().map(fill).collect::<Result<Vec<String>, _>>()?;
                Does::Look(Look::Shell { argv })
            }
            StepKind::ImageCheck { .. } => return Err(usage(format!("step '{}' is planned by what a registry answers", step.id))),
            StepKind::Wait { time } => Does::Wait(*time),
            StepKind::Confirm { phrase, .. } => Does::Ask(phrase.as_ref().map(fill).transpose()?),
        })
    }
}

/// A value that is there, or a fact.
fn known(values: &BTreeMap<String, String>, facts: &BTreeMap<String, Value>, name: &str) -> Option<Value> {
    values.get(name).map(|text| Value::of(text)).or_else(|| facts.get(name).cloned())
}

/// One requirement of the migrations of an image, by what inspections said: where the database stands, by its newest word, whichever image
/// that was asked through.
fn migrated(word: Migrated, image: &str, known: &Record, now: Timestamp) -> Check {
    let check = Check::overridable(format!("migrations:{}", word.word()));
    let fix = format!("timonel run inspect image={image}");
    if let Some(why) = known.unread() {
        return check.unknown(format!("what is known of {image} cannot be read: {why}"), fix);
    }
    let Some(seen) = releases::find(known.seen(), image) else { return check.unknown(format!("{image} was not inspected"), fix) };
    if let MigrationState::Unknown(why) = MigrationState::of(&seen.inspection) {
        return check.unknown(why, fix);
    }
    let (heads, standing) = (&seen.inspection.heads, known.standing(image, now));
    match (word, standing.stand) {
        (Migrated::SingleHead, _) if heads.len() == 1 => check.ok(format!("{image} has one head")),
        (Migrated::SingleHead, _) => check.failed(format!("{image} has {} heads: {}", heads.len(), heads.join(", ")), "join them in one revision"),
        (Migrated::NonePending, _) if standing.health() == Health::Unknown => check.unknown(standing.words, fix),
        (Migrated::NonePending, Stand::AtHead | Stand::Ahead) => check.ok(standing.words),
        (Migrated::NonePending, _) => check.failed(standing.words, "migrate first"),
    }
}

fn policy(step: &ActionStep) -> Policy {
    let on_fail = match step.on_fail {
        OnFail::Pause => crate::run::OnFail::Pause,
        OnFail::Abort => crate::run::OnFail::Abort,
        OnFail::Continue => crate::run::OnFail::Continue,
        OnFail::Undo => crate::run::OnFail::Undo,
    };
    Policy {
        timeout: step.timeout,
        retries: step.retries,
        backoff: step.backoff,
        on_fail,
        offers: step.offers.clone(),
        always: step.always,
        undo: step.undo,
    }
}

/// What is not known raises as if it held.
fn raises(action: &FileAction, value: &dyn Fn(&str) -> Option<Value>) -> Vec<Raise> {
    let one = |(when, to): &(Condition, crate::base::confirmation::Confirmation)| match when.holds(value) {
        Some(true) => Some(Raise::fact(*to, when.text())),
        Some(false) => None,
        None => Some(Raise::fact(*to, format!("whether '{}' holds is not known", when.text()))),
    };
    action.raises.iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Migrated, migrated};
    use crate::run::Answer;
    use crate::run::migrate::releases::{self, Record};
    use crate::run::migrate::{Seen, known_above};

    #[test]
    fn nothing_is_pending_by_the_newest_word_of_the_database_and_not_by_what_an_image_heard_once() {
        let mut all = releases::read(&known_above(0));
        let asked = all[0].at;
        let of = |all: &[Seen], minutes: u64| {
            let check = migrated(Migrated::NonePending, "api:2", &Record::Read(all.to_vec()), asked + Duration::from_mins(minutes));
            (check.result, check.detail)
        };
        assert_eq!(of(&all, 5).0, Answer::Ok, "{:?}", of(&all, 5));
        assert_eq!(of(&all, 25 * 60).0, Answer::Unknown, "a day later somebody else may have moved it");
        // The older image found the database at its own revision afterwards: somebody took it back.
        all[1].at = asked + Duration::from_mins(1);
        all.swap(0, 1);
        let (result, detail) = of(&all, 5);
        assert!(result == Answer::Failed && detail.contains("1 pending"), "{detail}");
        let single = migrated(Migrated::SingleHead, "api:2", &Record::Read(all), asked);
        assert_eq!(single.result, Answer::Ok, "how many heads an image has does not grow old");
    }
}
