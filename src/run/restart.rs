//! Restart: the plan of replacing every pod of a workload by a new one of the same template.
//!
//! Owns what a restart checks, writes and proves. The write is kubectl's: the annotation `kubectl.kubernetes.io/restartedAt` on the
//! pod template, which makes a new revision of it. There is no way back, for what is gone does not come back.

use jiff::Timestamp;
use serde_json::Value;

use super::check::Check;
use super::checks;
use super::context::PlanContext;
use super::ground::{self, Ground, Part};
use super::level::Nature;
use super::plan::{Frozen, FrozenField};
use super::step::{Fact, FieldChange, FieldWrite, Form, Pin};

const MARK: &str = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
const POD_MARK: &str = "/metadata/annotations/kubectl.kubernetes.io~1restartedAt";

pub(super) fn part(context: &PlanContext, ground: &Ground, now: Timestamp) -> Part {
    let workload = &ground.object;
    let wanted = workload.wanted();
    let at = format!("{now:.0}");
    let pin = Pin { pointer: MARK, value: at.as_str().into(), pod: Some((POD_MARK, at.clone())), left: None };
    let title = format!("write restartedAt {at}");
    let what = format!("all {wanted} pods are newer than the start, and available within {} s", context.prove_within.as_secs());
    let mut proofs = vec![ground.prove(context, "prove-rollout", format!("prove {wanted} new pods"), what, Fact::Rollout { pin, ready: None })];
    proofs.extend(ground.endpoints(context, "prove-endpoints", wanted));
    proofs.extend(ground.probes(context, wanted));
    let kind = workload.reference.kind.word().to_lowercase();
    let kubectl = ground::kubectl(&context.context, &workload.reference.namespace);
    Part {
        action: "restart",
        quantity: format!("{wanted} pods"),
        nature: Nature::Mitigation,
        inputs: ground::inputs(&workload.reference, []),
        write: (wanted > 0).then(|| FieldWrite {
            object: workload.reference.clone(),
            uid: workload.uid(),
            subresource: "",
            changes: vec![FieldChange::new(MARK, ground::now(workload, MARK), at.as_str())],
            form: Form::Merge,
        }),
        leaves: Vec::new(),
        title,
        proofs,
        back: None,
        undo: "none: pods that were replaced do not come back; the template stays the same".to_owned(),
        pay: format!("{kubectl} rollout status {kind}/{}", workload.reference.name),
        checks: checks(context, ground),
        risks: risks(ground),
        same_as: vec![format!("{kubectl} rollout restart {kind}/{}", workload.reference.name)],
        raises: Vec::new(),
        frozen: vec![Frozen { object: workload.reference.clone(), uid: workload.uid(), fields: rests_on(ground) }],
    }
}

fn rests_on(ground: &Ground) -> Vec<FrozenField> {
    ["/spec/template", "/spec/paused", "/spec/selector"]
        .map(|pointer| FrozenField { pointer, value: ground.object.raw.pointer(pointer).cloned().unwrap_or(Value::Null) })
        .into()
}

fn checks(context: &PlanContext, ground: &Ground) -> Vec<Check> {
    let (workload, least) = (&ground.object, ground.object.least_while_rolling());
    let mut all = checks::controller(workload);
    all.push(pods(ground));
    all.push(checks::paused(workload));
    all.push(checks::strategy(workload));
    all.push(checks::rollout(workload, true));
    all.push(checks::pdb_while_rolling(&ground.pdbs, workload, least));
    all.extend(checks::min_ready_while_rolling(context.floor(&workload.reference), least));
    all
}

fn pods(ground: &Ground) -> Check {
    let check = Check::required("pods");
    match ground.object.wanted() {
        0 => check.failed("it wants no pods: there is nothing to restart", "scale it up instead"),
        wanted => check.ok(format!("{} of {wanted} pods ready", ground.object.ready())),
    }
}

fn risks(ground: &Ground) -> Vec<String> {
    let (wanted, least) = (ground.object.wanted(), ground.object.least_while_rolling());
    let mut risks = Vec::new();
    if wanted > 0 && least == 0 {
        risks.push("nothing serves while its pods are replaced: its strategy keeps none".to_owned());
    } else if least < wanted {
        risks.push(format!("{least} of {wanted} pods stay while they are replaced"));
    }
    if ground.services.is_empty() {
        risks.push("no Service selects its pods: endpoints are not proven".to_owned());
    }
    risks
}
