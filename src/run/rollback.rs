//! Rollback: the plan of returning a workload to the pod template of an older revision.
//!
//! Owns which revision is meant when none is named, and what a rollback checks, writes, proves and undoes. kubectl's semantics, save
//! that annotations of the workload are kept. Which revisions there are is in `history`.

mod gap;
mod history;
mod ordered;

pub(super) use ordered::plan as ordered;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::history::Revision;
use super::check::Check;
use super::checks;
use super::context::{PlanContext, PlanError};
use super::facts::{WorkloadFacts, items};
use super::ground::{self, Ground, Part};
use super::level::Nature;
use super::migrate;
use super::plan::{Frozen, FrozenField};
use super::record;
use super::step::{Fact, FieldChange, FieldWrite, Form, Pin, alike};
use crate::release::references;
use crate::target::api::{Read, TargetError};
use crate::target::model::{Kind, Scope};

const TEMPLATE: &str = "/spec/template";
const CAUSE: &str = "/metadata/annotations/kubernetes.io~1change-cause";

/// Reads the number of a revision.
fn number(text: &str) -> Result<i64, PlanError> {
    let number = text.parse::<i64>().ok().filter(|n| *n > 0);
    number.ok_or_else(|| PlanError::Usage(format!("revision '{text}' is not a whole number above zero")))
}

/// Where a workload is, where it goes, and the template that it gets there.
async fn goes_to(read: &dyn Read, context: &PlanContext, ground: &Ground, to: Option<i64>) -> Result<(i64, i64, Value), PlanError> {
    let all = revisions(history::of(read, &ground.object).await, context, ground)?;
    let (current, target) = choose(&all, ground, to)?;
    Ok((current.number, target.number, target.template.clone()))
}

fn revisions(all: Result<Vec<Revision>, TargetError>, context: &PlanContext, ground: &Ground) -> Result<Vec<Revision>, PlanError> {
    let workload = &ground.object;
    let mut all = all.map_err(|error| PlanError::Target { what: format!("revisions of {} cannot be read", workload.reference), error })?;
    for revision in &mut all {
        revision.was_ready |= context.proven.contains(&template_digest(&revision.template));
    }
    Ok(all)
}

/// The revision that the workload is on, and the one that it goes back to.
fn choose<'a>(all: &'a [Revision], ground: &Ground, to: Option<i64>) -> Result<(&'a Revision, &'a Revision), PlanError> {
    let workload = &ground.object;
    let now = ground::now(workload, TEMPLATE);
    let current = all.iter().find(|r| alike(&r.template, &now)).ok_or_else(|| {
        PlanError::Usage(format!("{} has no revision of its template yet: its controller has not seen the newest change", workload.reference))
    })?;
    let target = match to {
        Some(to) => all.iter().find(|r| r.number == to).ok_or_else(|| unknown(to, all))?,
        None => newest_that_was_ready(all, current)?,
    };
    Ok((current, target))
}

pub(super) async fn part(read: &dyn Read, context: &PlanContext, ground: &Ground, to: Option<&str>, made_at: Timestamp) -> Result<Part, PlanError> {
    let to = to.map(number).transpose()?;
    let (all, nodes) = futures_util::join!(history::of(read, &ground.object), read.list(Kind::Node, &Scope::Cluster, "", ""));
    let all = revisions(all, context, ground)?;
    let (current, target) = choose(&all, ground, to)?;
    let schema = migrate::Ahead::read(read, context, ground, &target.template, made_at).await.map(|ahead| ahead.check());
    let now = ground::now(&ground.object, TEMPLATE);
    let back = Back { context, ground, current, target, template: now, schema };
    Ok(back.part(&nodes, made_at))
}

/// The templates of all revisions of a workload, as they would be written.
pub(super) async fn templates(read: &dyn Read, workload: &WorkloadFacts) -> Result<Vec<Value>, TargetError> {
    Ok(history::of(read, workload).await?.into_iter().map(|r| r.template).collect())
}

fn unknown(to: i64, all: &[Revision]) -> PlanError {
    PlanError::Usage(format!("there is no revision {to}; there are: {}", history::words(all)))
}

/// The newest older one that is known to have become ready. Never blindly the one before: that may be the bad one.
fn newest_that_was_ready<'a>(all: &'a [Revision], current: &Revision) -> Result<&'a Revision, PlanError> {
    let mut older = all.iter().filter(|r| r.number < current.number).peekable();
    if older.peek().is_none() {
        return Err(PlanError::Usage("there is no older revision to go back to".to_owned()));
    }
    older.find(|r| r.was_ready).ok_or_else(|| {
        let others: Vec<Revision> = all.iter().filter(|r| r.number != current.number).cloned().collect();
        PlanError::Usage(format!("no older revision is known to have become ready; name one with to=REVISION: {}", history::words(&others)))
    })
}

struct Back<'a> {
    context: &'a PlanContext,
    ground: &'a Ground,
    current: &'a Revision,
    target: &'a Revision,
    /// The template as the workload has it now.
    template: Value,
    /// Whether the schema lets the revision run.
    schema: Option<Check>,
}

impl Back<'_> {
    fn part(&self, nodes: &Result<Vec<Value>, TargetError>, made_at: Timestamp) -> Part {
        let (ground, context) = (self.ground, self.context);
        let workload = &ground.object;
        let (wanted, to, from) = (workload.wanted(), self.target.number, self.current.number);
        let what = format!("all {wanted} pods are of revision {to}'s template, and available within {} s", context.prove_within.as_secs());
        let fact = Fact::Rollout { pin: Self::pin(self.target), ready: None };
        let mut proofs = vec![ground.prove(context, "prove-rollout", format!("prove {wanted} pods of revision {to}"), what, fact)];
        proofs.extend(ground.endpoints(context, "prove-endpoints", wanted));
        proofs.extend(ground.probes(context, wanted));
        // As many as were ready before: the template that is left may be a broken one.
        let ready = workload.ready().min(wanted);
        let healthy = ready == wanted && workload.rollout().is_none();
        let fact = Fact::Rollout { pin: Pin { value: self.template.clone(), ..Self::pin(self.current) }, ready: (!healthy).then_some(ready) };
        let again = ground.prove(context, "prove-again", format!("prove revision {from} again"), format!("{ready} pods ready, as before"), fact);
        let kind = workload.reference.kind.word().to_lowercase();
        let kubectl = ground::kubectl(&context.context, &workload.reference.namespace);
        let undo = |to: i64| format!("{kubectl} rollout undo {kind}/{} --to-revision={to}", workload.reference.name);
        Part {
            action: "rollback",
            quantity: format!("{from}->{to}"),
            nature: Nature::Mitigation,
            inputs: ground::inputs(&workload.reference, [("to".to_owned(), to.to_string())]),
            write: self.write(),
            leaves: Vec::new(),
            title: format!("write the template of revision {to}"),
            proofs,
            back: Some(vec![again]),
            undo: format!("roll back to revision {from}, which is the current one now"),
            pay: undo(from),
            checks: self.checks(nodes, made_at),
            risks: self.risks(),
            same_as: vec![undo(to)],
            raises: Vec::new(),
            frozen: self.frozen(),
        }
    }

    fn pin(revision: &Revision) -> Pin {
        Pin { pointer: TEMPLATE, value: revision.template.clone(), pod: revision.pods(), left: None }
    }

    fn write(&self) -> Option<FieldWrite> {
        if self.is_identical() {
            return None;
        }
        let workload = &self.ground.object;
        let mut changes = vec![FieldChange::new(TEMPLATE, self.template.clone(), self.target.template.clone())];
        // JSON Patch adds no annotation where there are none at all; there always are, for the controller writes its own.
        if workload.raw.pointer("/metadata/annotations").is_some() {
            let cause = self.target.cause.as_ref().map(|c| format!(": {c}")).unwrap_or_default();
            let cause = format!("back to revision {}{cause}", self.target.number);
            changes.push(FieldChange::new(CAUSE, ground::now(workload, CAUSE), cause).loose(true));
        }
        let form = if workload.reference.kind == Kind::Deployment { Form::Tested } else { Form::Strategic };
        Some(FieldWrite { object: workload.reference.clone(), uid: workload.uid(), subresource: "", changes, form })
    }

    fn is_identical(&self) -> bool {
        alike(&self.target.template, &self.template)
    }

    fn frozen(&self) -> Vec<Frozen> {
        let workload = &self.ground.object;
        let field = |pointer: &'static str| FrozenField { pointer, value: ground::now(workload, pointer) };
        let fields = [TEMPLATE, "/spec/paused", "/spec/selector"].map(field).into();
        let target = FrozenField { pointer: self.target.pointer, value: self.target.raw_template.clone() };
        vec![
            Frozen { object: workload.reference.clone(), uid: workload.uid(), fields },
            Frozen { object: self.target.object.clone(), uid: self.target.uid.clone(), fields: vec![target] },
        ]
    }

    fn checks(&self, nodes: &Result<Vec<Value>, TargetError>, now: Timestamp) -> Vec<Check> {
        let (ground, context, workload) = (self.ground, self.context, &self.ground.object);
        let same = Check::required("template");
        let least = workload.least_while_rolling();
        let mut all = vec![if self.is_identical() {
            same.failed(
                format!("the current template already is that of revision {}: nothing would change", self.target.number),
                "name another revision",
            )
        } else {
            same.ok(format!("revision {} differs from the current one", self.target.number))
        }];
        all.push(self.was_ready());
        all.extend(checks::owners(workload, &[], "template"));
        all.push(checks::paused(workload));
        all.push(checks::strategy(workload));
        all.push(checks::rollout(workload, true));
        // A rollback mends what is broken: what it costs on the way is said, and does not hold it up.
        let pdb = checks::pdb_while_rolling(&ground.pdbs, workload, least);
        all.push(Check { required: false, overridable: false, ..pdb });
        all.extend(checks::min_ready_while_rolling(context.floor(&workload.reference), least));
        all.push(image(self.target, nodes));
        // Taking a rollback back is never held up.
        if !context.undo {
            all.extend(self.schema.clone().filter(|_| !context.ordered));
            all.push(gap::check(workload, context.rolled_back.as_ref(), self.current.returned, context.rollback_gap, now));
        }
        all
    }

    fn was_ready(&self) -> Check {
        let check = Check::advisory("was-ready");
        if self.target.was_ready {
            return check.ok(format!("revision {} became ready before", self.target.number));
        }
        check.unknown(format!("whether revision {} ever became ready is not known", self.target.number), "look at it in the releases")
    }

    /// What does not go back with the template, and what is to be expected on the way.
    fn risks(&self) -> Vec<String> {
        let mut stays: Vec<String> = references(&self.target.template).iter().map(|r| format!("{} {}", r.kind.word(), r.name)).collect();
        stays.dedup();
        stays.extend(["replicas".to_owned(), "autoscalers".to_owned(), "the database schema and its data".to_owned()]);
        let mut risks = vec![format!("does not go back: {}", stays.join(", "))];
        risks.push("annotations of the workload stay as they are, unlike with kubectl; its change-cause is set".to_owned());
        if self.ground.services.is_empty() {
            risks.push("no Service selects its pods: endpoints are not proven".to_owned());
        }
        risks
    }
}

/// Whether some node has the images: one that runs a pod of it has them. Nodes list 50 at most: what none lists is unknown, not gone.
fn image(target: &Revision, nodes: &Result<Vec<Value>, TargetError>) -> Check {
    let check = Check::advisory("image");
    if target.runs {
        return check.ok(format!("pods of revision {} run them now", target.number));
    }
    let nodes = match nodes {
        Ok(nodes) => nodes,
        Err(error) => return check.unknown(format!("nodes cannot be read: {}", error.message), "ask for the right to list nodes"),
    };
    let spec = target.template.get("spec").unwrap_or(&Value::Null);
    let containers = items(spec, "/containers").chain(items(spec, "/initContainers"));
    let images: Vec<&str> = containers.filter_map(|c| c.get("image")?.as_str()).collect();
    let known: Vec<&str> = nodes
        .iter()
        .flat_map(|n| items(n, "/status/images"))
        .flat_map(|i| items(i, "/names"))
        .filter_map(Value::as_str)
        .collect();
    let has = |image: &&str| {
        known
            .iter()
            .any(|k| k == image || k.strip_prefix("docker.io/").is_some_and(|k| k == *image || k.strip_prefix("library/") == Some(image)))
    };
    let missing: Vec<&str> = images.iter().filter(|i| !has(i)).copied().collect();
    if missing.is_empty() {
        return check.ok("its images are on a node");
    }
    check.unknown(format!("no node lists {}: it must be pulled", missing.join(", ")), "make sure that the registry still has it")
}

/// By which a template is known where it may not be kept: the same for a workload and for its revisions.
pub(in crate::run) fn template_digest(template: &Value) -> String {
    record::digest(&plain(template))
}

/// A template as pods are made from it, without the controller's own label.
fn plain(template: &Value) -> Value {
    let mut plain = template.clone();
    if let Some(labels) = plain.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    if let Some(map) = plain.as_object_mut() {
        map.remove("$patch");
    }
    if plain.is_null() { json!({}) } else { plain }
}
