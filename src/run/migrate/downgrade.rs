//! Downgrade: the plan of taking the schema back to what an older image knows.
//!
//! Owns its part of a plan: which revisions, by which image, what is lost, and the level that this asks for. The Job is of an image that has
//! the revisions: an older one cannot take back what it does not know. What was written since the plan was made is counted again there.

use jiff::Timestamp;
use serde_json::Value;

use super::inspect::{candidate, container, declared, frozen};
use super::job::{Asked, Back, LEAST, Mode};
use super::judge::{Judge, Judgement, Known};
use super::network::network;
use super::releases::{self, Record};
use super::{PARAMETER, Seen, checks};
use crate::migrate::verdict::{Verdict, WayBack};
use crate::run::backup::{self, catalogue};
use crate::run::check::Check;
use crate::run::context::{PlanContext, PlanError};
use crate::run::facts::WorkloadFacts;
use crate::run::ground::{self, Ground, Part};
use crate::run::job;
use crate::run::level::Nature;
use crate::run::step::Step;
use crate::service::MigrationTool;
use crate::target::api::Read;
use crate::target::model::ObjectRef;

/// The parameter that names the image whose schema is gone back to.
pub const TO: &str = "to";

/// The part of a run of that id.
pub(in crate::run) async fn part(
    read: &dyn Read,
    context: &PlanContext,
    ground: &Ground,
    parameters: &[String],
    id: &str,
    now: Timestamp,
) -> Result<Part, PlanError> {
    let workload = &ground.object;
    let namespace = &workload.reference.namespace;
    let migration = declared(context, workload)?;
    let to = parameters.iter().find_map(|p| p.strip_prefix(TO)?.strip_prefix('='));
    let to = to.ok_or_else(|| PlanError::Usage("the image whose schema is gone back to is not said: to=IMAGE".to_owned()))?;
    let to = candidate(&migration, workload, Some(to))?;
    let record = Record::of(read, &releases::of(&migration.service, namespace)).await;
    let known = Known { record, applied: context.applied.clone() };
    let judgement = Judge { migration: &migration, known: &known, now }.of(&to, None);
    let running = candidate(&migration, workload, super::image(parameters))?;
    let image = from(&judgement, &known, &running);
    let way = judgement.verdict.way();
    let seen = releases::find(known.record.seen(), &image);
    let (digest, pulled) = seen.map(|seen| (seen.digest.clone(), seen.pulled)).unwrap_or_default();
    let tool = migration.tool;
    let service = migration.service.clone();
    let back = way.map(|way| of(way, seen, &known, now));
    let deadline = context.prove_within.max(LEAST);
    let asked = |mode| Asked { migration: migration.clone(), image: image.clone(), digest: digest.clone(), pulled, mode, deadline };
    let forth = asked(back.clone().map_or(Mode::Inspect, Mode::Back));
    let mut checks = vec![container(&forth, workload), checks::logs(read, &workload.reference).await];
    checks.extend(network(read, workload).await);
    if !context.ordered {
        checks.push(check(&judgement, &to));
    }
    let lost = lost(&judgement.verdict);
    let raise = checks::raise(context, matches!(judgement.verdict, Verdict::LosesData(..)).then(|| lost.first().cloned().unwrap_or_default()));
    if !lost.is_empty() {
        let dumps = backup::Known::of(read, &catalogue::of(&service, namespace)).await;
        checks.push(checks::backup(context, &migration, &dumps, true, now));
    }
    let job = job::of(id, "downgrade", namespace);
    let kubectl = ground::kubectl(&context.context, namespace);
    let pay = format!("{kubectl} logs job/{0}; timonel run inspect image={image}; then timonel run migrate image={image}", job.name);
    Ok(Part {
        action: "downgrade",
        quantity: way.map_or_else(|| "unknown".to_owned(), quantity),
        nature: Nature::Mitigation,
        inputs: ground::inputs(&workload.reference, [(PARAMETER.to_owned(), image.clone()), (TO.to_owned(), to.clone())]),
        leaves: Vec::new(),
        title: format!("make Job {}", job.name),
        proofs: if back.is_some() { proofs(context, ground, &forth, &job, id) } else { Vec::new() },
        back: back.as_ref().map(|back| up_again(workload, &asked(Mode::Again(back.clone())), &job, id)),
        undo: format!("apply again what was taken back, by {image}; what was lost stays lost"),
        pay,
        checks,
        risks: lost,
        same_as: vec![format!("in {image}: {}", command(tool, way))],
        raises: raise.into_iter().collect(),
        frozen: frozen(workload),
        // Once more it finds the database elsewhere, and refuses.
        write: back.as_ref().map(|_| job::write(&job, &workload.reference, id, forth.job(workload, id), true)),
    })
}

/// The image that takes back: the one that is left, where it has what lies above; else one that has.
fn from(judgement: &Judgement, known: &Known, running: &str) -> String {
    let Some(way) = judgement.verdict.way() else { return running.to_owned() };
    let has = |seen: &Seen| way.above.iter().all(|id| seen.inspection.revisions.iter().any(|r| r.id == *id));
    if releases::find(known.record.seen(), running).is_some_and(has) {
        return running.to_owned();
    }
    let other = judgement.from.as_ref().and_then(|seen| seen.images.first());
    other.map_or_else(|| running.to_owned(), String::clone)
}

/// `seen` is what is known of the image that takes back: its own heads, not those of the newest that has the revisions.
fn of(way: &WayBack, seen: Option<&Seen>, known: &Known, now: Timestamp) -> Back {
    let agreed = |id: &String| {
        let returns = known.record.seen().iter().find_map(|seen| seen.inspection.returns.iter().find(|r| r.id == *id))?;
        Some((id.clone(), returns.counts()))
    };
    Back {
        applied: known.applied(now),
        heads: seen.map(|seen| seen.inspection.heads.clone()).unwrap_or_default(),
        above: way.above.clone(),
        to: way.to.clone(),
        agreed: way.above.iter().filter_map(agreed).collect(),
    }
}

/// What tells where a schema stands afterwards.
const PROOF: &str = "the database itself says where it is";

fn proofs(context: &PlanContext, ground: &Ground, asked: &Asked, job: &ObjectRef, run: &str) -> Vec<Step> {
    let mut steps = vec![asked.proven("prove-taken-back", "prove what was taken back", PROOF, job, run)];
    steps.extend(ground.probes(context, ground.object.wanted()));
    steps
}

/// The way back: what runs is ended, then all is applied again, from wherever it was left.
fn up_again(workload: &WorkloadFacts, asked: &Asked, job: &ObjectRef, run: &str) -> Vec<Step> {
    let again = job::of(run, "upgrade", &workload.reference.namespace);
    vec![
        job::ended(job, run, asked.deadline),
        ground::write_step(
            "undo-again",
            format!("make Job {}", again.name),
            job::write(&again, &workload.reference, run, asked.job(workload, run), true),
        ),
        asked.proven("prove-up-again", "prove that all is applied again", PROOF, &again, run),
    ]
}

fn check(judgement: &Judgement, to: &str) -> Check {
    let check = Check::required("schema");
    let Judgement { verdict, asked, .. } = judgement;
    match verdict {
        Verdict::NeedsDowngrade(way) => check.ok(format!("the database has {} above {to}, {asked}", way.words())),
        Verdict::LosesData(way, lost) => Check::overridable("schema").failed(
            format!("loses data: the database has {} above {to}, and {}, {asked}", way.words(), lost.join("; ")),
            "a backup from before, restored to another database",
        ),
        Verdict::Safe => check.failed(format!("the schema is the one that {to} knows, {asked}: nothing is to be taken back"), "an older image"),
        Verdict::Impossible(_, why) => check.failed(why.clone(), "a newer release that puts right what is wrong"),
        Verdict::Unknown(why) | Verdict::Above(why) => check.failed(why.clone(), format!("timonel run inspect image={to}")),
    }
}

fn lost(verdict: &Verdict) -> Vec<String> {
    if let Verdict::LosesData(_, lost) = verdict { lost.clone() } else { Vec::new() }
}

fn quantity(way: &WayBack) -> String {
    format!("{}->{}", way.above.last().map_or("", String::as_str), way.to.join(" "))
}

fn command(tool: MigrationTool, way: Option<&WayBack>) -> String {
    let to = way.map(|w| w.to.clone()).unwrap_or_default();
    match tool {
        MigrationTool::Django => {
            let each = to.iter().map(|one| format!("manage.py migrate {}", one.replacen('.', " ", 1)));
            each.collect::<Vec<_>>().join("; ")
        }
        _ => format!("alembic downgrade {}", to.join(" ")),
    }
}

/// Whether a Job says that what was to be taken back is taken back.
pub(in crate::run) fn taken_back(pending: &[String], back: &Back) -> Result<(), Vec<String>> {
    let left: Vec<String> = back.above.iter().filter(|id| !pending.contains(id)).cloned().collect();
    if left.is_empty() { Ok(()) } else { Err(left) }
}

/// The pod templates that a Job of such a plan may have been made of: once its workload is on another one, an older one tells.
pub(in crate::run) fn with_templates<'a>(workload: &'a Value, templates: &'a [Value]) -> impl Iterator<Item = Value> + 'a {
    std::iter::once(workload.clone()).chain(templates.iter().map(|template| {
        let mut one = workload.clone();
        one["spec"]["template"] = template.clone();
        one
    }))
}
