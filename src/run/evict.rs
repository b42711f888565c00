//! Evict: the plan of deleting one pod in the way that its disruption budgets can refuse.
//!
//! Owns what an eviction reads, checks and proves. The request is an Eviction bound to the pod's identity, never a DELETE: the server
//! itself heeds the budgets. There is no way back, for a pod that is gone does not come back; its controller makes another.

mod owner;

use std::time::Duration;

use self::owner::Top;
use super::check::Check;
use super::checks;
use super::context::PlanContext;
use super::facts::{PodFacts, WorkloadFacts, int, text, unreadable};
use super::ground::{self, Ground, Part};
use super::level::{Nature, Raise};
use super::plan::Frozen;
use super::step::{Fact, FieldWrite, Form, Proof, Step, StepId, Work};
use crate::base::confirmation::Confirmation;
use crate::target::api::Read;
use crate::target::model::{Kind, Object, Pdb};

pub(super) async fn part(read: &dyn Read, context: &PlanContext, ground: &Ground) -> Part {
    let top = owner::top(read, &ground.object).await;
    Eviction { context, ground, top }.part()
}

struct Eviction<'a> {
    context: &'a PlanContext,
    ground: &'a Ground,
    top: Top,
}

impl Eviction<'_> {
    fn part(self) -> Part {
        let pod = &self.ground.object;
        let kubectl = ground::kubectl(&self.context.context, &pod.reference.namespace);
        let write = FieldWrite {
            object: pod.reference.clone(),
            uid: pod.uid(),
            subresource: "",
            changes: Vec::new(),
            form: Form::Evict { under: self.top.reference.clone() },
        };
        let look = match &self.top.facts {
            Some(owner) => format!("{kubectl} get {}/{}", owner.reference.kind.word().to_lowercase(), owner.reference.name),
            None => format!("{kubectl} get pods"),
        };
        Part {
            action: "evict",
            quantity: "1 pod".to_owned(),
            nature: Nature::Mitigation,
            inputs: ground::inputs(&pod.reference, []),
            write: Some(write),
            leaves: Vec::new(),
            title: format!("evict pod {}", pod.reference.name),
            proofs: self.proofs(),
            back: None,
            undo: "none: the pod does not come back; its controller makes another".to_owned(),
            pay: look,
            checks: self.checks(),
            risks: self.risks(),
            same_as: vec![format!("{kubectl} delete pod/{}   (which asks no disruption budget)", pod.reference.name)],
            raises: self.raises(),
            frozen: vec![Frozen { object: pod.reference.clone(), uid: pod.uid(), fields: Vec::new() }],
        }
    }

    fn grace(&self) -> Duration {
        let seconds = int(&self.ground.object.raw, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
        Duration::from_secs(u64::try_from(seconds).unwrap_or(30))
    }

    fn is_ready(&self) -> bool {
        PodFacts::of(&self.ground.object.raw).ready()
    }

    /// The workload that makes another pod in its place, when it is known to.
    fn maker(&self) -> Option<&WorkloadFacts> {
        self.top.facts.as_ref().filter(|o| o.reference.kind.is_workload() || o.reference.kind == Kind::ReplicaSet)
    }

    fn proofs(&self) -> Vec<Step> {
        let pod = &self.ground.object;
        let gone = Proof {
            fact: Fact::Gone,
            object: pod.reference.clone(),
            uid: pod.uid(),
            within: self.context.prove_within + self.grace(),
        };
        let proof = format!("the pod is gone within {} s", gone.within.as_secs());
        let mut steps = vec![Step { id: "prove-gone".into(), title: "prove that it is gone".to_owned(), proof, work: Work::Prove(gone) }];
        let Some(owner) = self.maker().filter(|o| o.wanted() > 0) else { return steps };
        // All that were ready, and the replacement.
        let ready = (owner.ready() + i64::from(!self.is_ready())).min(owner.wanted());
        let prove = |id, title, proof, fact| {
            let (object, uid) = (owner.reference.clone(), owner.uid());
            Step {
                id: StepId::from(id),
                title,
                proof,
                work: Work::Prove(Proof { fact, object, uid, within: self.context.prove_within }),
            }
        };
        let fact = Fact::Replicas { count: owner.wanted(), ready, at_least: true, rollout: false };
        let proof = format!("{ready} of {} pods of {} ready, another in its place", owner.wanted(), owner.reference);
        steps.push(prove("prove-replacement", format!("prove {ready} pods ready again"), proof, fact));
        let services = self.ground.services.clone();
        if !services.is_empty() && ready > 0 {
            let proof = format!("{ready} of its pods are ready endpoints of {}", services.join(", "));
            let fact = Fact::Endpoints { services, count: ready, at_least: true, selector: owner.selector() };
            steps.push(prove("prove-endpoints", format!("prove {ready} endpoints"), proof, fact));
        }
        steps.extend(self.ground.probes(self.context, ready));
        steps
    }

    fn checks(&self) -> Vec<Check> {
        let mut all = vec![self.owner(), self.pdb()];
        if let Some(owner) = self.maker() {
            all.extend(checks::min_ready(self.context.floor(&self.top.reference), owner.ready() - i64::from(self.is_ready())));
            all.push(checks::rollout(owner, true));
        }
        all
    }

    fn owner(&self) -> Check {
        let check = Check::required("replacement");
        let top = &self.top;
        if top.is_node {
            return check.failed("it is a static pod of its node: the kubelet runs it again whatever the API says", "change its file on the node");
        }
        if let Some(why) = &top.unreadable {
            return Check::advisory("replacement")
                .unknown(format!("who makes another pod in its place cannot be read: {why}"), "ask for the right to read its owner");
        }
        match &top.facts {
            Some(owner) if owner.deleting() => check.ok(format!("{} is being deleted and makes no other", owner.reference)),
            Some(owner) if self.maker().is_some() => check.ok(format!("{} makes another in its place", owner.reference)),
            Some(owner) => check.ok(format!("{} decides whether it is run again", owner.reference)),
            None => Check::advisory("replacement")
                .failed(format!("{}: no pod comes in its place that is proven", top.words), "keep its YAML, so that it can be made again"),
        }
    }

    /// Budgets count only for a pod that is ready; what they make of another is the server's to say, which the dry run asks.
    fn pdb(&self) -> Check {
        let check = Check::required("pdb");
        let pdbs = match &self.ground.pdbs {
            Ok(pdbs) => pdbs,
            Err(error) => {
                let (detail, fix) = unreadable("list", &format!("poddisruptionbudgets in {}", self.ground.object.reference.namespace), error);
                return Check::advisory("pdb").unknown(format!("{detail}; the server heeds them all the same"), fix);
            }
        };
        let labels = self.ground.object.pod_labels();
        let own: Vec<&Pdb> = pdbs
            .iter()
            .filter_map(|o| if let Object::Pdb(p) = o { Some(&**p) } else { None })
            .filter(|p| p.selector.matches(&labels))
            .collect();
        match &own[..] {
            [] => check.ok("no disruption budget"),
            [one] if one.disruptions_allowed < 1 && self.is_ready() => check.failed(
                format!("PDB {} lets none of its pods go now: {} healthy, {} wanted", one.meta.name, one.current_healthy, one.desired_healthy),
                "wait until more of its pods are ready, or lower the budget",
            ),
            [one] => check.ok(format!("PDB {} lets {} pods go", one.meta.name, one.disruptions_allowed)),
            several => check.failed(
                format!("{} disruption budgets select it, and the API evicts no pod with more than one", several.len()),
                "remove all but one of them",
            ),
        }
    }

    fn risks(&self) -> Vec<String> {
        let mut risks = vec![format!("what runs in it has {} s to end", self.grace().as_secs())];
        if self.is_ready() && self.maker().is_some_and(|o| o.ready() <= 1) {
            risks.push("nothing serves until its replacement is ready".to_owned());
        }
        let local = super::facts::items(&self.ground.object.raw, "/spec/volumes")
            .filter(|v| v.get("emptyDir").is_some())
            .map(|v| text(v, "/name"));
        let local: Vec<String> = local.collect();
        if !local.is_empty() {
            risks.push(format!("what is in its emptyDir volumes is lost: {}", local.join(", ")));
        }
        risks
    }

    fn raises(&self) -> Vec<Raise> {
        let mut raises = Vec::new();
        if self.top.facts.is_none() && self.top.unreadable.is_none() {
            raises.push(Raise::fact(Confirmation::Phrase, "nobody makes another in its place"));
        }
        if let Some(ready) = self.maker().map(WorkloadFacts::ready).filter(|n| self.is_ready() && (1..=2).contains(n)) {
            raises.push(Raise::fact(Confirmation::Phrase, format!("capacity falls from {ready} to {}", ready - 1)));
        }
        raises
    }
}
