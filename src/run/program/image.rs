//! A step that gives a container of a workload another image: its part of the plan.
//!
//! Owns the write, what proves it and what takes it back. Whether there is such an image, a registry says.

use jiff::Timestamp;

use crate::run::check::Check;
use crate::run::checks;
use crate::run::context::{PlanContext, PlanError};
use crate::run::facts::{items, text};
use crate::run::ground::{self, Ground, Part};
use crate::run::image;
use crate::run::level::Nature;
use crate::run::plan::{Frozen, FrozenField, Plan};
use crate::run::scrub;
use crate::run::step::{Fact, FieldChange, FieldWrite, Form, Pin};
use crate::run::word::Word;
use crate::target::api::Read;
use crate::target::model::ObjectRef;

/// Where the image of each container stands: in the template, and in its pods. Nobody has more of them.
const CONTAINERS: [(Word, Word); 8] = [
    ("/spec/template/spec/containers/0/image", "/spec/containers/0/image"),
    ("/spec/template/spec/containers/1/image", "/spec/containers/1/image"),
    ("/spec/template/spec/containers/2/image", "/spec/containers/2/image"),
    ("/spec/template/spec/containers/3/image", "/spec/containers/3/image"),
    ("/spec/template/spec/containers/4/image", "/spec/containers/4/image"),
    ("/spec/template/spec/containers/5/image", "/spec/containers/5/image"),
    ("/spec/template/spec/containers/6/image", "/spec/containers/6/image"),
    ("/spec/template/spec/containers/7/image", "/spec/containers/7/image"),
];
const CAUSE: &str = "/metadata/annotations/kubernetes.io~1change-cause";

/// Another image for a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetImage {
    /// The workload.
    pub workload: ObjectRef,
    /// Name of the container; `None` = the first.
    pub container: Option<String>,
    /// The image.
    pub image: String,
    /// Why, for the history of the workload.
    pub cause: Option<String>,
    /// It must be named by its digest.
    pub pinned: bool,
}

/// The plan of that image alone.
pub(super) async fn plan(read: &dyn Read, context: &PlanContext, set: &SetImage, now: Timestamp) -> Result<Plan, PlanError> {
    let usage = |text: String| PlanError::Usage(text);
    let image = image::name(&set.image)?;
    let ground = Ground::read(read, context, &set.workload).await.map_err(|error| PlanError::of(&set.workload, &error))?;
    let workload = &ground.object;
    let named = |c: &serde_json::Value| set.container.as_ref().is_none_or(|name| c["name"] == name.as_str());
    let found = items(workload.template_spec(), "/containers").zip(CONTAINERS).find(|(container, _)| named(container));
    let (container, (pointer, in_pod)) = found.ok_or_else(|| {
        usage(format!(
            "the pod template of {} has no container '{}'",
            workload.reference,
            set.container.as_deref().unwrap_or_default()
        ))
    })?;
    let (before, wanted) = (text(container, "/image"), workload.wanted());
    let same = before == image;
    let fact = Fact::Rollout {
        pin: Pin { pointer, value: image.as_str().into(), pod: None, left: (!same).then(|| (in_pod, before.clone())) },
        ready: None,
    };
    let what = format!("all {wanted} pods are of the template with {image}, and available within {} s", context.prove_within.as_secs());
    let mut proofs = vec![ground.prove(context, "prove-rollout", format!("prove {wanted} pods with the image"), what, fact)];
    proofs.extend(ground.endpoints(context, "prove-endpoints", wanted));
    proofs.extend(ground.probes(context, wanted));
    // As many as were ready before: what is left may be broken.
    let ready = workload.ready().min(wanted);
    let healthy = ready == wanted && workload.rollout().is_none();
    let pin = Pin { pointer, value: before.as_str().into(), pod: None, left: Some((in_pod, image.clone())) };
    let fact = Fact::Rollout { pin, ready: (!healthy).then_some(ready) };
    let again = ground.prove(context, "prove-again", format!("prove {before} again"), format!("{ready} pods ready, as before"), fact);
    let kubectl = ground::kubectl(&context.context, &workload.reference.namespace);
    let kind = workload.reference.kind.word().to_lowercase();
    let container = text(container, "/name");
    let command = |image: &str| format!("{kubectl} set image {kind}/{} {container}={image}", workload.reference.name);
    let (undo, pay, same_as) = (format!("write {before} again"), command(&before), vec![command(&image)]);
    let part = Part {
        action: "set-image",
        quantity: format!("{before}->{image}"),
        nature: Nature::Change,
        inputs: ground::inputs(&workload.reference, [("image".to_owned(), image.clone())]),
        leaves: Vec::new(),
        title: format!("write the image {image}"),
        proofs,
        back: Some(vec![again]),
        undo,
        pay,
        checks: checks(context, &ground, set, same),
        risks: risks(&ground),
        same_as,
        raises: Vec::new(),
        frozen: vec![Frozen { object: workload.reference.clone(), uid: workload.uid(), fields: rests_on(&ground) }],
        write: (!same).then(|| write(&ground, pointer, &before, &image, set.cause.as_deref())),
    };
    // A plan of a program has one id, which is not this one's.
    Ok(ground.plan(read, context, part, String::new(), now).await)
}

fn rests_on(ground: &Ground) -> Vec<FrozenField> {
    ["/spec/template", "/spec/paused", "/spec/selector"]
        .map(|pointer| FrozenField { pointer, value: ground::now(&ground.object, pointer) })
        .into()
}

fn write(ground: &Ground, pointer: Word, before: &str, image: &str, cause: Option<&str>) -> FieldWrite {
    let workload = &ground.object;
    let mut changes = vec![FieldChange::new(pointer, ground::now(workload, pointer), image)];
    // JSON Patch adds no annotation where there are none at all; there always are, for the controller writes its own.
    if workload.raw.pointer("/metadata/annotations").is_some() {
        let cause = cause.map_or_else(|| format!("image {before} -> {image}"), scrub::text);
        changes.push(FieldChange::new(CAUSE, ground::now(workload, CAUSE), cause).loose(true));
    }
    FieldWrite { object: workload.reference.clone(), uid: workload.uid(), subresource: "", changes, form: Form::Tested }
}

fn checks(context: &PlanContext, ground: &Ground, set: &SetImage, same: bool) -> Vec<Check> {
    let (workload, least) = (&ground.object, ground.object.least_while_rolling());
    let mut all = Vec::new();
    if set.pinned {
        let check = Check::required("pin");
        all.push(match image::digest(&set.image) {
            Some(_) => check.ok("the image is named by its digest"),
            None => check.failed(
                format!("[releases] names images by their digest, and {} may mean another image tomorrow", set.image),
                "a step of type image-check before, and image = \"${step.ID.digest}\"",
            ),
        });
    }
    if same {
        all.push(Check::advisory("template").ok("it has that image already: nothing is written"));
    }
    all.extend(checks::owners(workload, &[], "template"));
    all.push(checks::paused(workload));
    all.push(checks::strategy(workload));
    all.push(checks::rollout(workload, false));
    all.push(checks::pdb_while_rolling(&ground.pdbs, workload, least));
    all.extend(checks::min_ready_while_rolling(context.floor(&workload.reference), least));
    all
}

fn risks(ground: &Ground) -> Vec<String> {
    let (wanted, least) = (ground.object.wanted(), ground.object.least_while_rolling());
    let mut risks = Vec::new();
    if wanted > 0 && least == 0 {
        risks.push("nothing serves while its pods are replaced: its strategy keeps none".to_owned());
    }
    if ground.services.is_empty() {
        risks.push("no Service selects its pods: endpoints are not proven".to_owned());
    }
    risks
}
