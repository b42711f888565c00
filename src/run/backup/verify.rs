//! Verify: a dump of the catalogue is read again by a Job, all of it.
//!
//! Owns what is checked before, the Job, and which entry is meant. What it finds goes into the catalogue: a dump that is not whole any
//! more counts as a backup no longer.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalogue::{self, Entry};
use super::pod::{self, Script};
use super::{Known, tools, volume};
use crate::base::duration;
use crate::run::check::Check;
use crate::run::context::{PlanContext, PlanError};
use crate::run::ground::{self, Ground, Part};
use crate::run::job;
use crate::run::level::Nature;
use crate::run::plan::{Frozen, FrozenField};
use crate::run::step::{Fact, Proof, Step, Work};
use crate::target::api::{ErrorKind, Read, TargetError};

/// The parameter that names the dump: its run.
pub const PARAMETER: &str = "dump";

/// Carried out by the image's own shell.
const SCRIPT: &str = include_str!("verify.sh");

/// A dump that is read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// Id of the service.
    pub service: String,
    /// Image with pg_restore.
    pub image: String,
    /// What the catalogue says of it.
    pub entry: Entry,
    /// When its Job is ended, whatever it does.
    #[serde(default)]
    pub deadline: Duration,
}

impl Again {
    /// The `spec` of the Job of that run.
    pub(super) fn job(&self, run: &str) -> Value {
        let report = &self.entry.report;
        let environment = [("FILE", &*report.file), ("BYTES", &report.bytes.to_string()), ("SHA256", &report.sha256)];
        let environment = environment.map(|(name, value)| pod::variable(name, value)).into();
        let script = Script { name: "verify", image: &self.image, text: SCRIPT, environment, only_reads: true };
        pod::spec(run, &self.entry.claim, &[script], self.deadline)
    }
}

/// The part of a run of that id; `wanted` is the run that made the dump.
pub(in crate::run) async fn part(read: &dyn Read, context: &PlanContext, ground: &Ground, wanted: Option<&str>, id: &str) -> Result<Part, PlanError> {
    let usage = |text: &str| PlanError::Usage(text.to_owned());
    let wanted = wanted.ok_or_else(|| usage("which dump of the catalogue is not said"))?;
    let claim = &ground.object;
    let namespace = &claim.reference.namespace;
    let service = context
        .service
        .as_ref()
        .ok_or_else(|| usage("a catalogue belongs to a service: name its file with -f FILE"))?;
    let record = catalogue::of(service, namespace);
    let entry = match Known::of(read, &record).await {
        Known::Read(entries) => entries.into_iter().find(|e| e.run == wanted),
        Known::Unread(why) => return Err(PlanError::Target { what: record.to_string(), error: TargetError::new(ErrorKind::Server, why) }),
    };
    let entry = entry.ok_or_else(|| usage(&format!("the catalogue has no dump of the run {wanted}")))?;
    if *entry.claim != *claim.reference.name {
        return Err(usage(&format!("that dump is on the claim {}", entry.claim)));
    }
    let image = context.dumps.iter().find(|d| d.id == entry.backup).map(|d| d.image.clone()).unwrap_or_default();
    let checks = vec![volume(ground), tools(&image), file(&entry)];
    let deadline = context.limit.unwrap_or(pod::DEADLINE);
    let again = Again { service: service.clone(), image, entry, deadline };
    let job = job::of(id, "verify", namespace);
    let kubectl = ground::kubectl(&context.context, namespace);
    let within = deadline + job::SAYS_SO;
    let proof = format!("the Job says that the file is as it was summed, and that it was read to its end, within {}", duration::show(deadline));
    let fact = Fact::ReadAgain { run: id.to_owned(), again: Box::new(again.clone()) };
    let work = Work::Prove(Proof { fact, object: job.clone(), uid: String::new(), within });
    Ok(Part {
        action: "verify",
        quantity: again.entry.report.file.clone(),
        nature: Nature::Inspection,
        inputs: ground::inputs(&claim.reference, [(PARAMETER.to_owned(), wanted.to_owned())]),
        leaves: Vec::new(),
        title: format!("make Job {}", job.name),
        proofs: vec![Step { id: "prove-whole".into(), title: "prove that it can still be read".to_owned(), proof, work }],
        back: Some(vec![job::ended(&job, id, context.prove_within)]),
        undo: "the Job is ended: it only reads".to_owned(),
        pay: format!("{kubectl} delete job/{}", job.name),
        checks,
        risks: vec!["it reads the whole file: other users of the volume are slower meanwhile".to_owned()],
        same_as: vec![format!("sha256sum {0} && pg_restore -f /dev/null {0}", again.entry.report.file)],
        raises: Vec::new(),
        frozen: vec![Frozen {
            object: claim.reference.clone(),
            uid: claim.uid(),
            fields: vec![FrozenField { pointer: "/spec/volumeName", value: ground::now(claim, "/spec/volumeName") }],
        }],
        write: Some(job::write(&job, &claim.reference, id, again.job(id), true)),
    })
}

/// Whatever stands in the catalogue becomes part of a Job: it must look like the name of a file of ours.
fn file(entry: &Entry) -> Check {
    let name = &entry.report.file;
    let check = Check::required("file");
    if let Some(gone) = entry.gone {
        return check
            .failed(format!("{name} was deleted from its volume at {gone}, when a younger one was good"), "a younger one: `timonel backups`");
    }
    if !name.starts_with(['.', '-']) && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return check.ok(format!("{name}, {} bytes as the catalogue says", entry.report.bytes));
    }
    check.failed(format!("the catalogue names a file '{name}', and no run gave it that name"), "look who wrote the catalogue")
}
