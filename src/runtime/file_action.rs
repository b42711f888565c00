//! From an action of the service file and what was given to it, to what the engine plans.
//!
//! Owns the resolving of its names, conditions, preconditions and workloads. The plan is made in `run`; what an action is, `service`
//! has read.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::base::environment::EnvironmentKind;
use crate::run::backup::{Known, Wanted, catalogue};
use crate::run::program::{self, Does, Look, Program, ProgramStep};
use crate::run::{ActionRequest, Check, Environment, Operator, PlanError, Policy, ProbeAnswer, Probes, Raise};
use crate::service::{
    ActionStep, BackupState, Condition, FileAction, OnFail, Requirement, ScheduleOp, Service, StepKind, Value, Workload, WorkloadKind,
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
        values.insert("run.reason".to_owned(), reason.unwrap_or_default().to_owned());
        // What is known when it is told.
        values.extend(["run.result", "run.duration"].map(|name| (name.to_owned(), format!("${{{name}}}"))));
        let facts = self.facts(action).await;
        let value = |name: &str| values.get(name).map(|text| Value::of(text)).or_else(|| facts.get(name).cloned());
        let fill = |template: &crate::service::Template| template.fill(&values).map_err(usage);
        let phrase = action.phrase.as_ref().map(fill).transpose()?;
        let mut steps = Vec::new();
        for step in &action.steps {
            let takes = step.when.as_ref().map_or(Ok(true), |when| {
                let unknown = || usage(format!("step '{}': whether '{}' holds is not known", step.id, when.text()));
                when.holds(&value).ok_or_else(unknown)
            })?;
            if takes {
                let does = self.does(step, &fill)?;
                steps.push(ProgramStep { id: step.id.clone(), does, done_when: step.done_when.clone(), policy: policy(step) });
            }
        }
        let known = self.backups(action).await;
        let (checks, own_checks) = self.require(action, &facts, &known);
        let parameters = vars.into_iter().map(|(name, value)| (name.trim_start_matches("var.").to_owned(), value)).collect();
        Ok(Program {
            action: action.id.clone(),
            title: action.title.clone(),
            parameters,
            level: action.confirm,
            phrase,
            raises: raises(action, &value),
            checks,
            own_checks,
            steps,
            overrides: request.overrides.clone(),
            reason: reason.map(str::to_owned),
        })
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

    fn does(&self, step: &ActionStep, fill: &dyn Fn(&crate::service::Template) -> Result<String, PlanError>) -> Result<Does, PlanError> {
        let object = || {
            let workload = step
                .kind
                .workload(&self.service.workloads)
                .ok_or_else(|| usage(format!("step '{}' has no workload here", step.id)))?;
            self.object(workload)
        };
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
            StepKind::RolloutWait { .. } => Does::RolloutWait(object()?),
            StepKind::HttpCheck { probes } => Does::Probes(probes.clone()),
            StepKind::SqlCheck { database, checks } => Does::Look(Look::Database { id: database.clone(), checks: checks.clone() }),
            StepKind::MetricCheck { kpis, hold } => Does::Look(Look::Measures { ids: kpis.clone(), hold: *hold }),
            StepKind::Logs { container, tail, ack, .. } => {
                Does::Look(Look::Tail { workload: object()?, container: container.clone(), lines: *tail, ack: *ack })
            }
            StepKind::Notify { to, text } => Does::Look(Look::Tell { to: to.clone(), text: fill(text)? }),
            StepKind::Shell { argv } => {
                let argv = argv.iter().map(fill).collect::<Result<Vec<String>, _>>()?;
                Does::Look(Look::Shell { argv })
            }
            StepKind::Wait { time } => Does::Wait(*time),
            StepKind::Confirm { phrase, .. } => Does::Ask(phrase.as_ref().map(fill).transpose()?),
        })
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
