//! Back up: a dump of a database into a volume of its own, read in full before it counts.
//!
//! Owns what is checked before, the Job that dumps and reads again (`dump`, `pod`), takes it elsewhere (`upload`) and then deletes what is
//! too old (`prune`), what that Job says (`report`), the reading of an older one (`verify`), the catalogue that colleagues see
//! (`catalogue`), and what rests on it (`known`). The dump never passes through the console: it is written, read and summed where it lies.

pub mod catalogue;
mod dump;
mod known;
mod pod;
mod prune;
pub mod report;
mod upload;
pub mod verify;

pub use dump::{Dump, Host, Password, Revision, Workload};
pub use known::{Known, Wanted};
pub use upload::Upload;

use jiff::Timestamp;
use serde_json::Value;

use self::catalogue::{Copy, Damage, Entry, News};
use self::report::Reread;
use self::verify::Again;
use super::check::Check;
use super::context::{PlanContext, PlanError};
use super::facts::{items, text, unreadable};
use super::ground::{self, Ground, Part};
use super::job;
use super::level::Nature;
use super::plan::{Frozen, FrozenField, Plan};
use super::step::{Fact, Proof, Step, StepId, Work};
use crate::base::duration;
use crate::target::api::{ErrorKind, Read, TargetError};
use crate::target::model::{Kind, ObjectRef, Scope};

/// The parameter that names the declared backup.
pub const PARAMETER: &str = "backup";
/// The parameter that says what the catalogue shall call the dump.
pub const LABEL: &str = "label";
/// The longest label.
const LONGEST_LABEL: usize = 80;

/// What a plan does with dumps.
enum Does<'a> {
    /// Makes one, of what answers there.
    Dump(&'a Dump, &'a str),
    /// Reads one again.
    Verify(&'a Again),
}

/// One Job of a plan that works on dumps.
pub(in crate::run) struct Made<'a> {
    /// The step that proves it.
    pub step: StepId,
    job: &'a ObjectRef,
    does: Does<'a>,
}

/// The Jobs of a plan that work on dumps.
pub(in crate::run) fn made(plan: &Plan) -> impl Iterator<Item = Made<'_>> {
    plan.steps.iter().filter_map(|step| {
        let Work::Prove(proof) = &step.work else { return None };
        let does = match &proof.fact {
            Fact::Dumped { dump, host, .. } => Does::Dump(dump, host),
            Fact::ReadAgain { again, .. } => Does::Verify(again),
            _ => return None,
        };
        Some(Made { step: step.id, job: &proof.object, does })
    })
}

/// What the Jobs of a plan are made of: a record of the run keeps none of it in clear.
pub(in crate::run) fn values(plan: &Plan) -> Vec<Value> {
    let spec = |made: Made<'_>| match made.does {
        Does::Dump(dump, host) => dump.job(host, &dump.claim, &plan.id),
        Does::Verify(again) => again.job(&plan.id),
    };
    made(plan).map(spec).collect()
}

impl Made<'_> {
    /// The catalogue that the dump is in, or comes into.
    pub(in crate::run) fn record(&self) -> ObjectRef {
        let service = match self.does {
            Does::Dump(dump, _) => &dump.service,
            Does::Verify(again) => &again.service,
        };
        catalogue::of(service, &self.job.namespace)
    }
}

/// What a Job that is over has to say to the catalogue; its pod knows it.
pub(in crate::run) async fn news(read: &dyn Read, plan: &Plan, made: &Made<'_>, proven: bool, now: Timestamp) -> Result<Option<News>, TargetError> {
    Ok(match made.does {
        // What was not uploaded is a backup all the same, where it was made.
        Does::Dump(dump, _) => {
            let pods = job::pods(read, &plan.id, made.job).await?;
            let copy = dump.upload.as_ref().map(|u| Copy::of(&u.to, report::uploaded(&pods)));
            match report::of(&pods) {
                Ok(report) => {
                    let deleted = report::pruned(&pods).files(&report.file);
                    Some(News::Made { entry: Box::new(Entry { copy, ..Entry::of(plan, dump, report, now) }), deleted })
                }
                Err(_) if proven => return Err(TargetError::new(ErrorKind::NotFound, "its Job does not say any more what it made")),
                Err(_) => None,
            }
        }
        Does::Verify(again) => {
            let of = again.entry.run.clone();
            let pods = job::pods(read, &plan.id, made.job).await?;
            let at = report::ended_at(&pods, "verify").unwrap_or(now);
            match report::reread(&pods) {
                Ok(()) if proven => Some(News::ReadAgain { of, at }),
                Err(Reread::Damaged(why)) => Some(News::Damaged { of, damage: Damage { at, run: plan.id.clone(), why } }),
                _ => None,
            }
        }
    })
}

/// What a dump may be called: it goes into the catalogue and onto screens.
fn label(parameters: &[String]) -> Result<Option<String>, PlanError> {
    let given = parameters.iter().rev().find_map(|p| p.strip_prefix(LABEL)?.strip_prefix('='));
    match given {
        Some(label) if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) => {
            Err(PlanError::Usage(format!("a label has {LONGEST_LABEL} characters at most, and no control characters")))
        }
        other => Ok(other.filter(|label| !label.is_empty()).map(str::to_owned)),
    }
}

/// The part of a run of that id; the parameters name the backup as the service file declares it, and what it shall be called.
pub(super) async fn part(read: &dyn Read, context: &PlanContext, ground: &Ground, parameters: &[String], id: &str) -> Result<Part, PlanError> {
    let usage = |text: String| PlanError::Usage(text);
    let wanted = parameters.iter().find_map(|p| p.strip_prefix(PARAMETER)?.strip_prefix('='));
    let wanted = wanted.ok_or_else(|| usage("which backup of the service file is not said".to_owned()))?;
    let dump = context.dumps.iter().find(|d| d.id == wanted);
    let dump = dump.ok_or_else(|| usage(format!("the service file declares no backup '{wanted}' that a Job can make")))?;
    let dump = &Dump { label: label(parameters)?, deadline: context.limit.unwrap_or(pod::DEADLINE), ..dump.clone() };
    let claim = &ground.object;
    let server = server(read, dump, &claim.reference.namespace).await;
    let job = job::of(id, "dump", &claim.reference.namespace);
    let kubectl = ground::kubectl(&context.context, &claim.reference.namespace);
    let within = dump.deadline + job::SAYS_SO;
    let uploaded = dump.upload.as_ref().map(|upload| format!(", and that {} has it", upload.to)).unwrap_or_default();
    let proof = format!(
        "the Job is complete, and its report says that the dump was read to its end{uploaded}, within {}",
        duration::show(dump.deadline)
    );
    let host = server.as_ref().map_or("", |s| s.as_str());
    let inputs = std::iter::once((PARAMETER.to_owned(), dump.id.clone())).chain(dump.label.clone().map(|label| (LABEL.to_owned(), label)));
    let fact = Fact::Dumped { run: id.to_owned(), dump: Box::new(dump.clone()), host: host.to_owned() };
    let work = Work::Prove(Proof { fact, object: job.clone(), uid: String::new(), within });
    Ok(Part {
        action: "backup",
        quantity: dump.id.clone(),
        nature: Nature::Change,
        inputs: ground::inputs(&claim.reference, inputs),
        leaves: Vec::new(),
        title: format!("make Job {}", job.name),
        proofs: vec![Step { id: "prove-dumped".into(), title: "prove that it can be read".to_owned(), proof, work }],
        back: Some(vec![job::ended(&job, id, context.prove_within)]),
        undo: "the Job is ended, and what it wrote so far is deleted; the dumps before stay as they are".to_owned(),
        pay: format!("{kubectl} delete job/{}", job.name),
        checks: [volume(ground), database(dump, &server), tools(&dump.image), password(dump, &claim.reference.namespace)]
            .into_iter()
            .chain(dump.upload.as_ref().map(|u| u.check(&claim.reference.namespace)))
            .collect(),
        risks: risks(dump),
        same_as: vec![format!(
            "pg_dump -Fc -h {} -p {} -U {} -d {} -f {}.dump",
            if host.is_empty() { "HOST" } else { host },
            dump.port,
            dump.user,
            dump.database,
            dump.file(id)
        )],
        raises: Vec::new(),
        frozen: vec![Frozen {
            object: claim.reference.clone(),
            uid: claim.uid(),
            fields: vec![FrozenField { pointer: "/spec/volumeName", value: ground::now(claim, "/spec/volumeName") }],
        }],
        write: Some(job::write(&job, &claim.reference, id, dump.job(host, &claim.reference.name, id), true)),
    })
}

/// Where the server answers: as declared, or the address of the one ready pod of its workload.
async fn server(read: &dyn Read, dump: &Dump, namespace: &str) -> Result<String, Unreached> {
    let workload = match &dump.host {
        Host::Named(host) => return Ok(host.clone()),
        Host::Pod(workload) => ObjectRef::new(workload.kind, workload.namespace.as_deref().unwrap_or(namespace), &*workload.name),
    };
    let unread = |error| Unreached::Unread(workload.to_string(), error);
    let selector = super::facts::WorkloadFacts::new(&workload, read.get(&workload, "").await.map_err(unread)?).selector();
    let pods = read.list(Kind::Pod, &Scope::Namespace(workload.namespace.clone()), &selector, "").await.map_err(unread)?;
    let ready = |pod: &&Value| items(pod, "/status/conditions").any(|c| c["type"] == "Ready" && c["status"] == "True");
    let addresses: Vec<String> = pods.iter().filter(ready).map(|pod| text(pod, "/status/podIP")).collect();
    match &addresses[..] {
        [one] => Ok(one.clone()),
        [] => Err(Unreached::None(workload.to_string())),
        several => Err(Unreached::Several(workload.to_string(), several.len())),
    }
}

/// Why it is not known where the server answers.
enum Unreached {
    /// It has no ready pod.
    None(String),
    /// It has several, and which of them takes writes is not known.
    Several(String, usize),
    /// It cannot be read.
    Unread(String, TargetError),
}

fn volume(ground: &Ground) -> Check {
    let check = Check::required("volume");
    match text(&ground.object.raw, "/status/phase").as_str() {
        "Bound" => check.ok("the claim is bound"),
        // Bound when its first pod comes, where its class says so.
        "Pending" => {
            Check::advisory("volume").unknown("the claim is not bound yet", "it is bound when its first pod is placed, or never: look at its events")
        }
        other => check.failed(format!("the claim is {}", if other.is_empty() { "in no phase" } else { other }), "look at the claim"),
    }
}

fn database(dump: &Dump, server: &Result<String, Unreached>) -> Check {
    let check = Check::required("database");
    match server {
        Ok(host) => check.ok(format!("{} on {host}:{}", dump.database, dump.port)),
        Err(Unreached::None(workload)) => check.failed(format!("{workload} has no ready pod"), "bring the database up first"),
        Err(Unreached::Several(workload, count)) => check.failed(
            format!("{workload} has {count} ready pods, and which one takes writes is not known"),
            "name the host in [[database]] of the service file",
        ),
        Err(Unreached::Unread(workload, error)) => {
            let (detail, fix) = unreadable("read", workload, error);
            check.unknown(detail, fix)
        }
    }
}

fn tools(image: &str) -> Check {
    let check = Check::required("image");
    if image.is_empty() {
        return check.failed(
            "no image with pg_dump is declared",
            "image = \"…\" in [[backup]] or [[database]], of the server's major version or a later one",
        );
    }
    check.ok(format!(
        "{image} has the tools, as the service file says: no server may be newer than they are, and nothing that restores older"
    ))
}

fn password(dump: &Dump, namespace: &str) -> Check {
    let check = Check::required("password");
    match &dump.password {
        None => check.ok("none is declared"),
        Some(Password::Key { namespace: own, name, key }) if own == namespace => {
            check.ok(format!("key {key} of Secret {name}, which only the Job reads"))
        }
        Some(Password::Key { namespace: own, .. }) => {
            check.failed(format!("its Secret is in {own}, and the Job in {namespace} cannot read it"), "a Secret in the namespace of the volume")
        }
        Some(Password::Elsewhere(how)) => {
            check.failed(format!("it is declared as '{how}', which a Job cannot read"), "ref = \"k8s:NAMESPACE/NAME#KEY\" in [secrets]")
        }
    }
}

fn risks(dump: &Dump) -> Vec<String> {
    let mut risks = vec!["the dump reads the whole database: it is slower meanwhile, and changes of tables wait".to_owned()];
    if let Some(keep) = dump.keep {
        let uploaded = if dump.upload.is_some() { " and uploaded" } else { "" };
        risks.push(format!(
            "once it is verified{uploaded}, older dumps of {} are deleted from the volume after {}, unless it is much smaller than they are",
            dump.id,
            duration::show(keep)
        ));
    }
    risks
}
