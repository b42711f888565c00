//! From what was read to the plan of a scale.
//!
//! Owns steps, undo, risks and the facts that raise the level. Pure.

use jiff::Timestamp;
use serde_json::Value;

use super::reading::Reading;
use super::{MOST_REPLICAS, PlanContext, ScaleRequest};
use crate::base::confirmation::Confirmation;
use crate::base::duration;
use crate::run::check::{Check, Choice};
use crate::run::checks::{self, HpaChoice};
use crate::run::facts::{Demand, WorkloadFacts, items, text};
use crate::run::gate::BEFORE_ZERO;
use crate::run::ground;
use crate::run::level::{Nature, Raise};
use crate::run::outcome::Debt;
use crate::run::plan::{Draft, Frozen, FrozenField, Inner, Manner, Operator, Plan, UndoStep};
use crate::run::preempt::Asking;
use crate::run::step::{Fact, FieldWrite, Proof, Step, Work};
use crate::target::model::ObjectRef;

pub(super) fn build(context: &PlanContext, request: &ScaleRequest, reading: &Reading, id: String, made_at: Timestamp) -> Plan {
    let scale = Scale { context, request, reading, services: ground::selecting(&reading.services, &reading.workload) };
    Plan::of(Draft {
        id,
        action: "scale".to_owned(),
        target: ground::target(context, &reading.identity, &request.object.namespace),
        steps: scale.steps(),
        seen: scale.seen(),
        checks: scale.checks(made_at),
        risks: scale.risks(),
        undo: format!("scale back to {}", scale.before()),
        same_as: scale.same_as(),
        inner: Inner {
            made_at,
            inputs: request.inputs(),
            subject: request.object.clone(),
            quantity: format!("{}->{}", scale.before(), scale.count()),
            program: None,
            members: Vec::new(),
            pods: (scale.before(), scale.count().min(scale.before())),
            environment: context.environment.clone(),
            own_level: Confirmation::Key,
            nature: scale.nature(),
            raises: scale.raises(),
            frozen: scale.frozen(),
            undo_steps: scale.undo_steps(),
            leaves: scale.leaves(),
            no_way_back: String::new(),
            operator: Operator { cluster_user: reading.identity.user.clone(), ..context.operator.clone() },
            manner: Manner::default(),
        },
    })
}

/// Ids of what a stage on the way down does: write, proofs, and the write that takes it back. No way has more than two.
const STAGES: [[&str; 4]; 2] =
    [["write-1", "prove-ready-1", "prove-endpoints-1", "undo-write-1"], ["write-2", "prove-ready-2", "prove-endpoints-2", "undo-write-2"]];

struct Scale<'a> {
    context: &'a PlanContext,
    request: &'a ScaleRequest,
    reading: &'a Reading,
    services: Vec<String>,
}

impl Scale<'_> {
    fn workload(&self) -> &WorkloadFacts {
        &self.reading.workload
    }

    fn before(&self) -> i64 {
        self.workload().wanted()
    }

    fn count(&self) -> i64 {
        i64::from(self.request.replicas)
    }

    fn nature(&self) -> Nature {
        self.context.nature(if self.count() > self.before() { Nature::Mitigation } else { Nature::Change })
    }

    fn mitigates(&self) -> bool {
        self.nature() == Nature::Mitigation
    }

    fn steps(&self) -> Vec<Step> {
        let writes = &self.reading.writes;
        let mut steps: Vec<Step> = ground::lock_step(writes.iter()).into_iter().collect();
        steps.extend(
            writes
                .hpa
                .iter()
                .map(|w| ground::write_step("hpa", format!("write {} on HPA {}", w.words(), w.object.name), w.clone())),
        );
        for (write, [id, ready_id, endpoints_id, _]) in writes.stages.iter().zip(STAGES) {
            let count = write.changes.first().and_then(|c| c.after.as_i64()).unwrap_or_default();
            steps.push(ground::write_step(id, format!("write replicas {count}, on the way to {}", self.count()), write.clone()));
            steps.extend(self.proofs(count, self.workload().ready().min(count), [ready_id, endpoints_id]));
        }
        steps.extend(
            writes
                .scale
                .iter()
                .map(|w| ground::write_step("write", format!("write replicas {}", self.count()), w.clone())),
        );
        steps.extend(self.proofs(self.count(), self.count(), ["prove-ready", "prove-endpoints"]));
        if !self.context.probes.is_empty() && self.count() > 0 {
            let ids = self.context.probes.clone();
            let names = ids.join(", ");
            steps.push(self.prove("prove-probes", format!("prove health: {names}"), format!("probes green: {names}"), Fact::Probes { ids }));
        }
        steps
    }

    /// Pods and endpoints of a count, of which `ready` must be ready.
    fn proofs(&self, count: i64, ready: i64, ids: [&'static str; 2]) -> Vec<Step> {
        let at_least = count > 0 && self.reading.hpas.iter().flatten().next().is_some();
        let rollout = self.workload().rollout().is_none() && !self.workload().paused();
        let what = match (count, ready == count) {
            (0, _) => "no pod left".to_owned(),
            (_, true) => format!("{count} pods ready"),
            (_, false) => format!("{ready} of {count} pods ready, as before"),
        };
        let proof = format!("{what} within {} s", self.context.prove_within.as_secs());
        let mut steps = vec![self.prove(ids[0], format!("prove {what}"), proof, Fact::Replicas { count, ready, at_least, rollout })];
        if !self.services.is_empty() {
            let names = self.services.join(", ");
            let fact = Fact::Endpoints { services: self.services.clone(), count: ready, at_least, selector: self.workload().selector() };
            steps.push(self.prove(ids[1], format!("prove {ready} endpoints"), format!("{ready} of its pods are ready endpoints of {names}"), fact));
        }
        steps
    }

    fn prove(&self, id: &'static str, title: String, proof: String, fact: Fact) -> Step {
        let (object, uid) = (self.request.object.clone(), self.workload().uid());
        Step { id: id.into(), title, proof, work: Work::Prove(Proof { fact, object, uid, within: self.context.prove_within }) }
    }

    /// The autoscaler first in both directions: it would fight the count otherwise.
    fn undo_steps(&self) -> Vec<UndoStep> {
        let writes = &self.reading.writes;
        let back = |undoes: &'static str, id, write_: &FieldWrite, pay: String| {
            let reversed = write_.reversed();
            let title = format!("write {} on {}", reversed.words(), reversed.object);
            UndoStep { undoes: Some(undoes.into()), step: ground::write_step(id, title, reversed), pay }
        };
        let mut steps: Vec<UndoStep> = writes.hpa.iter().map(|w| back("hpa", "undo-hpa", w, self.command(&w.reversed()))).collect();
        // The count before is what pays, however far down it went.
        let pay = writes.counts().next().map(|w| self.command(&w.reversed())).unwrap_or_default();
        steps.extend(writes.scale.iter().map(|w| back("write", "undo-write", w, pay.clone())));
        let stages = writes.stages.iter().zip(STAGES).rev();
        steps.extend(stages.map(|(w, [id, _, _, undo])| back(id, undo, w, pay.clone())));
        let ready = self.workload().ready().min(self.before());
        let proofs = self.proofs(self.before(), ready, ["prove-ready-again", "prove-endpoints-again"]);
        steps.extend(proofs.into_iter().map(|step| UndoStep { undoes: None, step, pay: String::new() }));
        steps
    }

    fn seen(&self) -> Vec<(ObjectRef, Option<i64>, String)> {
        let workload = self.workload();
        let mut seen = vec![(workload.reference.clone(), workload.generation(), workload.resource_version())];
        let hpas = self.reading.hpas.iter().flatten();
        seen.extend(hpas.map(|h| (h.object.clone(), h.generation, h.resource_version.clone())));
        seen
    }

    /// The workload's count; under an autoscaler, which moves it all the time, the bounds instead.
    fn frozen(&self) -> Vec<Frozen> {
        let hpas: Vec<_> = self.reading.hpas.iter().flatten().collect();
        let field = |pointer, value: i64| FrozenField { pointer, value: Value::from(value) };
        let count = if hpas.is_empty() { vec![field("/spec/replicas", self.before())] } else { Vec::new() };
        let mut frozen = vec![Frozen { object: self.request.object.clone(), uid: self.workload().uid(), fields: count }];
        frozen.extend(hpas.into_iter().map(|h| Frozen {
            object: h.object.clone(),
            uid: h.uid.clone(),
            fields: vec![field("/spec/minReplicas", h.min), field("/spec/maxReplicas", h.max)],
        }));
        frozen
    }

    fn raises(&self) -> Vec<Raise> {
        let (before, after) = (self.before(), self.count());
        let mut raises = Vec::new();
        if after == 0 && before > 0 {
            raises.push(Raise::fact(Confirmation::Phrase, "scale to zero"));
        } else if after * 2 <= before && after < before {
            raises.push(Raise::fact(Confirmation::Phrase, format!("capacity falls from {before} to {after}")));
        }
        if checks::volumes(self.workload(), after).is_some() {
            let production = self.context.environment.kind.counts_as_production();
            raises.push(Raise::fact(if production { Confirmation::TwoPerson } else { Confirmation::Phrase }, "volumes would be deleted"));
        }
        raises
    }

    fn checks(&self, now: Timestamp) -> Vec<Check> {
        let (reading, context, workload) = (self.reading, self.context, self.workload());
        let namespace = &*self.request.object.namespace;
        let demand = reading.pod.as_ref().map_or_else(|| Demand::of_template(workload.template_spec()), Demand::of);
        let more = self.count() - workload.replicas();
        let mut all = checks::rights(&reading.rights);
        all.push(checks::identity(&reading.identity, context.cluster_pin.as_deref(), workload));
        all.push(checks::read_only(context.read_only));
        all.push(checks::lock(&reading.leases, Asking::of(self.nature(), context.preempts), now));
        all.push(ground::dry_run_check(reading.dry_run.as_ref(), &reading.rights));
        all.push(checks::hpa(&reading.hpas, namespace, self.count(), self.request.hpa));
        all.extend(checks::owners(workload, reading.hpas.as_deref().unwrap_or_default(), "replicas"));
        all.push(checks::paused(workload));
        all.push(checks::rollout(workload, self.mitigates()));
        all.push(checks::quota(&reading.quotas, namespace, demand, more));
        all.extend(checks::min_ready(context.floor(&workload.reference), self.count()));
        all.extend(checks::freeze(context.freeze.as_deref(), self.mitigates()));
        all.extend(checks::volumes(workload, self.count()));
        all.extend(
            reading
                .connections
                .iter()
                .map(|(budget, pods)| checks::connections(budget, &self.request.object, self.count(), pods)),
        );
        all.push(checks::nodes(&reading.room, demand, more));
        all.push(checks::pdb(&reading.pdbs, workload, namespace, self.count()));
        all.extend(self.before_zero());
        all
    }

    /// The count that a run remembered when it scaled to zero, offered back.
    fn before_zero(&self) -> Option<Check> {
        let remembered: u32 = self.workload().annotation(BEFORE_ZERO)?.parse().ok()?;
        let remembered = Some(remembered).filter(|n| *n > 0 && *n <= MOST_REPLICAS && self.before() == 0 && self.count() > 0)?;
        let check = Check::advisory("before-zero");
        let words = format!("it had {remembered} before it went to zero");
        if i64::from(remembered) == self.count() {
            return Some(check.ok(words));
        }
        let choice = Choice { key: 'b', parameter: format!("replicas={remembered}"), title: format!("scale to {remembered}, as it was") };
        Some(
            check
                .failed(format!("{words}, and {} are asked for", self.count()), format!("ask for {remembered}"))
                .choices(vec![choice]),
        )
    }

    fn risks(&self) -> Vec<String> {
        let (before, after) = (self.before(), self.count());
        let mut risks = Vec::new();
        let stages = self.reading.writes.counts().filter_map(|w| Some(w.changes.first()?.after.to_string())).collect::<Vec<_>>();
        if stages.len() > 1 {
            risks.push(format!("it goes down in steps of at most half, each proven: {before}, {}", stages.join(", ")));
        }
        if after == 0 && before > 0 {
            let services =
                if self.services.is_empty() { String::new() } else { format!("; Services without endpoints: {}", self.services.join(", ")) };
            risks.push(format!("nothing serves at zero pods{services}"));
            risks.extend(
                self.reading
                    .hpas
                    .iter()
                    .flatten()
                    .map(|h| format!("HPA {} rests until somebody scales up again", h.object.name)),
            );
        } else if after < before {
            let grace = self.workload().template_spec().get("terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(30);
            risks.push(format!("the controller chooses which {} pods end; what runs in them has {grace} s", before - after));
        }
        if after > before {
            risks.extend(
                self.migrating()
                    .map(|name| format!("each new pod runs the init container '{name}': several at once may race")),
            );
        }
        if let Some(HpaChoice::Pause(time)) = self.request.hpa {
            let time = duration::show(time);
            risks.push(format!("the HPA is meant to rest for {time}, and nothing resumes it by itself: it stays a debt until it is paid"));
        }
        if self.services.is_empty() && after != before {
            risks.push("no Service selects its pods: endpoints are not proven".to_owned());
        }
        risks
    }

    /// An init container that looks like a schema migration.
    fn migrating(&self) -> Option<String> {
        let words = |c: &Value| {
            let argv = items(c, "/command").chain(items(c, "/args")).filter_map(Value::as_str);
            std::iter::once(text(c, "/name")).chain(argv.map(str::to_owned)).collect::<Vec<_>>().join(" ").to_lowercase()
        };
        let containers = items(self.workload().template_spec(), "/initContainers");
        containers
            .filter(|c| text(c, "/restartPolicy") != "Always")
            .find(|c| ["migrat", "alembic"].iter().any(|w| words(c).contains(w)))
            .map(|c| text(c, "/name"))
    }

    /// What stays behind even when all is proven: a workload without pods, a paused autoscaler.
    fn leaves(&self) -> Vec<Debt> {
        let down = self.reading.writes.counts().next().filter(|_| self.count() == 0 && self.before() > 0);
        let zero = down.map(|w| Debt {
            id: "write".to_owned(),
            object: w.object.to_string(),
            what: format!("it has no pods: it had {}", self.before()),
            pay: self.command(&w.reversed()),
        });
        zero.into_iter().chain(self.paused()).collect()
    }

    fn paused(&self) -> Vec<Debt> {
        let Some(HpaChoice::Pause(time)) = self.request.hpa else { return Vec::new() };
        let one = |w: &FieldWrite| Debt {
            id: "hpa".to_owned(),
            object: w.object.to_string(),
            what: format!("paused, meant for {}: {}", duration::show(time), w.words()),
            pay: self.command(&w.reversed()),
        };
        self.reading.writes.hpa.iter().map(one).collect()
    }

    fn same_as(&self) -> Vec<String> {
        self.reading.writes.iter().map(|w| self.command(w)).collect()
    }

    /// What one would type with kubectl for a write.
    fn command(&self, write: &FieldWrite) -> String {
        let kind = write.object.kind.word().to_lowercase();
        let (namespace, name) = (&write.object.namespace, &write.object.name);
        let kubectl = ground::kubectl(&self.context.context, namespace);
        match &write.changes[..] {
            [only] if write.subresource == "scale" => format!("{kubectl} scale {kind}/{name} --replicas={}", only.after),
            _ => format!("{kubectl} patch {kind}/{name} --type merge -p '{}'", write.fields()),
        }
    }
}
