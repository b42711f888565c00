//! What every action on one object has in common: what is read, which rights are asked for, the steps around its write.
//!
//! Owns these pieces, and how an action's own part ([`Part`]) becomes a plan. Knows no action: each brings its checks, its write,
//! its proof and its way back.

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::check::{Answer, Check};
use super::checks::{self, Right};
use super::context::PlanContext;
use super::facts::{WorkloadFacts, text};
use super::lease::{self, LeaseFacts};
use super::level::{Nature, Raise};
use super::notes;
use super::outcome::Debt;
use super::plan::{Draft, Frozen, Inner, Inputs, Manner, Operator, Plan, PlanTarget, UndoStep};
use super::preempt::Asking;
use super::step::{Fact, FieldWrite, Form, Proof, Step, Work};
use crate::base::confirmation::Confirmation;
use crate::target::api::{Access, ErrorKind, Identity, Read, TargetError};
use crate::target::model::{Kind, Object, ObjectRef, Scope, Service};

/// How often a write is tried on the server while its object moves.
const TRIES: usize = 4;

/// An object, and what stands around it.
pub(in crate::run) struct Ground {
    pub object: WorkloadFacts,
    pub identity: Identity,
    pub pdbs: Result<Vec<Object>, TargetError>,
    pub services: Vec<String>,
}

/// What an action brings: its own part of a plan.
pub(in crate::run) struct Part {
    pub action: &'static str,
    /// `5->3`, as the phrase and the notes have it.
    pub quantity: String,
    pub nature: Nature,
    pub inputs: Inputs,
    /// At most one write: an action that needs more is more than one step.
    pub write: Option<FieldWrite>,
    /// What stays behind even when all is proven.
    pub leaves: Vec<Debt>,
    /// What the write does, for people.
    pub title: String,
    /// What proves it, and the same for the way back.
    pub proofs: Vec<Step>,
    /// The way back, when there is one: its proofs; the write is the same the other way round.
    pub back: Option<Vec<Step>>,
    /// The way back in words, or that there is none.
    pub undo: String,
    /// What settles things when there is no way back; what pays the debt when there is.
    pub pay: String,
    pub checks: Vec<Check>,
    pub risks: Vec<String>,
    pub same_as: Vec<String>,
    pub raises: Vec<Raise>,
    pub frozen: Vec<Frozen>,
}

impl Ground {
    /// Reads the object and what stands around it.
    pub(in crate::run) async fn read(read: &dyn Read, context: &PlanContext, object: &ObjectRef) -> Result<Self, TargetError> {
        let scope = if object.namespace.is_empty() { Scope::Cluster } else { Scope::Namespace(object.namespace.clone()) };
        let around = object.kind.is_workload() || object.kind == Kind::Pod;
        let none = || Ok(Vec::new());
        let (raw, identity, pdbs, services) = futures_util::join!(
            read.get(object, ""),
            read.identity(),
            async { if around { read.list_slim(Kind::PodDisruptionBudget, &scope).await } else { none() } },
            async { if around { read.list_slim(Kind::Service, &scope).await } else { none() } },
        );
        let object = WorkloadFacts::new(object, raw?);
        let user = if identity.user.is_empty() { context.operator.cluster_user.clone() } else { identity.user };
        let services = if around { selecting(&services, &object) } else { Vec::new() };
        Ok(Self { object, identity: Identity { user, ..identity }, pdbs, services })
    }

    /// The plan of an action: asks for rights, lets the server try the write, and puts the common steps and checks around its part.
    pub(in crate::run) async fn plan(self, read: &dyn Read, context: &PlanContext, part: Part, id: String, now: Timestamp) -> Plan {
        let write = part.write.as_ref();
        // What was made is ended by another right than made.
        let back = write.filter(|w| part.back.is_some() && !w.patches()).map(FieldWrite::reversed);
        let tried = write.filter(|w| w.exec().is_none()).map(|w| (w, self.object.resource_version())).into_iter().collect();
        let (rights, leases, dry_run) = futures_util::join!(
            rights(read, &self.object.reference, write.into_iter().chain(back.as_ref())),
            leases(read, context, write),
            try_out(read, tried)
        );
        let mut all = checks::rights(&rights);
        all.push(checks::identity(&self.identity, context.cluster_pin.as_deref(), &self.object));
        all.push(checks::read_only(context.read_only));
        let nature = context.nature(part.nature);
        all.push(checks::lock(&leases, Asking::of(nature, context.preempts), now));
        all.push(match write.and_then(FieldWrite::exec) {
            Some(_) => checks::untried(),
            None => dry_run_check(dry_run.as_ref(), &rights),
        });
        all.extend(part.checks);
        all.extend(checks::freeze(context.freeze.as_deref(), nature != Nature::Change));
        let mut steps: Vec<Step> = lock_step(write).into_iter().collect();
        let mut undo_steps = Vec::new();
        if let Some(write) = &part.write {
            steps.push(write_step("write", part.title, write.clone()));
            if let Some(proofs) = part.back {
                let reversed = write.reversed();
                let title = match &reversed.form {
                    Form::End { .. } => format!("end {}", reversed.object),
                    _ => format!("write {} on {}", reversed.words(), reversed.object),
                };
                undo_steps.push(UndoStep { undoes: Some("write".into()), step: write_step("undo-write", title, reversed), pay: part.pay.clone() });
                undo_steps.extend(proofs.into_iter().map(|step| UndoStep { undoes: None, step, pay: String::new() }));
            }
        }
        steps.extend(part.proofs);
        let subject = self.object.reference.clone();
        Plan::of(Draft {
            id,
            action: part.action.to_owned(),
            target: target(context, &self.identity, &subject.namespace),
            steps,
            seen: vec![(subject.clone(), self.object.generation(), self.object.resource_version())],
            checks: all,
            risks: part.risks,
            undo: part.undo,
            same_as: part.same_as,
            inner: Inner {
                made_at: now,
                inputs: part.inputs,
                subject,
                quantity: part.quantity,
                program: None,
                members: Vec::new(),
                pods: (self.object.wanted(), self.object.least_while_rolling()),
                environment: context.environment.clone(),
                own_level: Confirmation::Key,
                nature,
                raises: part.raises,
                frozen: part.frozen,
                undo_steps,
                leaves: part.leaves,
                no_way_back: part.pay,
                operator: Operator { cluster_user: self.identity.user, ..context.operator.clone() },
                manner: Manner::default(),
            },
        })
    }

    /// A proof about the object.
    pub(in crate::run) fn prove(&self, context: &PlanContext, id: &'static str, title: String, proof: String, fact: Fact) -> Step {
        let (object, uid) = (self.object.reference.clone(), self.object.uid());
        Step { id: id.into(), title, proof, work: Work::Prove(Proof { fact, object, uid, within: context.prove_within }) }
    }

    /// So many pods as are wanted are ready endpoints of each Service that selects them; none without a Service.
    pub(in crate::run) fn endpoints(&self, context: &PlanContext, id: &'static str, count: i64) -> Option<Step> {
        let (services, selector) = (self.services.clone(), self.object.selector());
        let names = services.join(", ");
        (!services.is_empty() && count > 0).then(|| {
            let fact = Fact::Endpoints { services, count, at_least: true, selector };
            self.prove(context, id, format!("prove {count} endpoints"), format!("{count} of its pods are ready endpoints of {names}"), fact)
        })
    }

    /// The probes of the service are green; nothing to prove where no pod is wanted.
    pub(in crate::run) fn probes(&self, context: &PlanContext, count: i64) -> Option<Step> {
        let (ids, names) = (context.probes.clone(), context.probes.join(", "));
        let proof = format!("probes green: {names}");
        (!ids.is_empty() && count > 0).then(|| self.prove(context, "prove-probes", format!("prove health: {names}"), proof, Fact::Probes { ids }))
    }
}

/// Parameters in their normal form, with what the action is about.
pub(in crate::run) fn inputs(object: &ObjectRef, own: impl IntoIterator<Item = (String, String)>) -> Inputs {
    let mut parameters: Vec<(String, String)> = own.into_iter().collect();
    parameters.push(("namespace".into(), object.namespace.to_string()));
    parameters.push(("workload".into(), format!("{}/{}", object.kind.word().to_lowercase(), object.name)));
    parameters.sort_unstable();
    Inputs { parameters, ..Inputs::default() }
}

pub(in crate::run) fn target(context: &PlanContext, identity: &Identity, namespace: &str) -> PlanTarget {
    PlanTarget {
        kind: "kubernetes",
        context: context.context.clone(),
        cluster_uid: identity.cluster_uid.clone(),
        cluster_uid_reason: identity.cluster_uid.is_none().then(|| identity.cluster_uid_reason.clone().unwrap_or_default()),
        namespaces: if namespace.is_empty() { Vec::new() } else { vec![namespace.to_owned()] },
        server_version: identity.server_version.clone(),
    }
}

/// The step that takes the locks of what is written; none when nothing is.
pub(in crate::run) fn lock_step<'a>(writes: impl IntoIterator<Item = &'a FieldWrite>) -> Option<Step> {
    let locks = lease::all(writes, None);
    let names: Vec<&str> = locks.iter().map(|l| &*l.name).collect();
    let title = format!("lock lease {}", names.join(", "));
    (!locks.is_empty()).then(|| Step { id: "lock".into(), title, proof: "the lease names this run".to_owned(), work: Work::Lock })
}

/// A step that writes.
pub(in crate::run) fn write_step(id: &'static str, title: String, write: FieldWrite) -> Step {
    Step { id: id.into(), title, proof: "the object says so".to_owned(), work: Work::Write(write) }
}

/// The rights that the run needs, and those that it could use.
pub(in crate::run) async fn rights<'a>(read: &dyn Read, object: &ObjectRef, writes: impl IntoIterator<Item = &'a FieldWrite>) -> Vec<Right> {
    let access = |verb, of: &ObjectRef, kind, subresource, named: bool| Access {
        verb,
        kind,
        subresource,
        namespace: (!of.namespace.is_empty()).then(|| of.namespace.to_string()),
        name: named.then(|| of.name.to_string()),
    };
    let mut wanted: Vec<(Access, Option<&'static str>)> = Vec::new();
    let mut notes = false;
    for write in writes {
        let (verb, kind, subresource) = write.access();
        notes |= write.patches();
        // The API knows no right to make an object of one name.
        let named = kind == write.object.kind && (verb != "create" || !subresource.is_empty());
        let needed = access(verb, &write.object, kind, subresource, named);
        if !wanted.iter().any(|(a, _)| *a == needed) {
            wanted.push((needed, None));
        }
        if verb == "create" && subresource.is_empty() {
            wanted.push((access("get", &write.object, kind, "", false), None));
        }
        // A command goes over a WebSocket, whose request is a `get`.
        if subresource == "exec" {
            wanted.push((access("get", &write.object, kind, subresource, false), None));
        }
    }
    let write = !wanted.is_empty();
    if object.kind.is_workload() || object.kind == Kind::ReplicaSet {
        wanted.push((access("list", object, Kind::Pod, "", false), Some("why a pod does not start cannot be told")));
    }
    if write {
        let lease = lease::of(object);
        for verb in ["get", "create", "patch"] {
            wanted.push((access(verb, &lease, Kind::Lease, "", false), Some("the run takes no lock, and other consoles do not see it")));
        }
        let note = access("patch", object, object.kind, "", true);
        if notes && !wanted.iter().any(|(a, _)| *a == note) {
            wanted.push((note, Some("the workload keeps no note of the run")));
        }
        let event = ObjectRef::new(Kind::Event, notes::place(object), "");
        wanted.push((access("create", &event, Kind::Event, "", false), Some("no event tells others of the run")));
    }
    let ask = |(access, without): (Access, Option<&'static str>)| async move {
        let answer = read.may(&access).await;
        Right { access, without, answer }
    };
    join_all(wanted.into_iter().map(ask)).await
}

/// Who holds the locks of what is written, besides the run that the plan is for.
pub(in crate::run) async fn leases<'a>(
    read: &dyn Read,
    context: &PlanContext,
    writes: impl IntoIterator<Item = &'a FieldWrite>,
) -> Vec<(ObjectRef, Result<LeaseFacts, TargetError>)> {
    let names = lease::all(writes, context.service.as_deref());
    let ask = |name: ObjectRef| async move {
        let found = read.get(&name, "").await.map(|raw| {
            let facts = LeaseFacts::of(&raw);
            let own = context.run.as_ref().is_some_and(|run| *run == facts.run);
            if own { LeaseFacts { holder: String::new(), ..facts } } else { facts }
        });
        (name, found)
    };
    join_all(names.into_iter().map(ask)).await
}

/// What the server says to these writes without doing them, each with the version of its object that was read; `None` when there are none.
pub(in crate::run) async fn try_out(read: &dyn Read, writes: Vec<(&FieldWrite, String)>) -> Option<Result<(), TargetError>> {
    let some = !writes.is_empty();
    let answers = join_all(writes.into_iter().map(|(write, version)| try_one(read, write, version))).await;
    let first_error = answers.into_iter().find_map(Result::err);
    some.then(|| first_error.map_or(Ok(()), Err))
}

/// An object's version moves with every word of its status, and that is no conflict with a plan (contract.md 5): it is read again. A field
/// that the plan rests on and that moved as well makes the plan stale, which is found before it is carried out.
async fn try_one(read: &dyn Read, write: &FieldWrite, mut version: String) -> Result<(), TargetError> {
    for _ in 1..TRIES {
        match read.dry_run(&write.request(&version)).await {
            Err(error) if error.kind == ErrorKind::Conflict => {}
            answer => return answer.map(drop),
        }
        let object = read.get(&write.object, "").await?;
        version = text(&object, "/metadata/resourceVersion");
    }
    read.dry_run(&write.request(&version)).await.map(drop)
}

/// A dry run that fails for want of rights is already told by the rights.
pub(in crate::run) fn dry_run_check(answer: Option<&Result<(), TargetError>>, rights: &[Right]) -> Check {
    let check = checks::dry_run(answer);
    let forbidden = matches!(answer, Some(Err(e)) if e.kind == ErrorKind::Forbidden);
    let told = rights.iter().any(|r| r.without.is_none() && matches!(&r.answer, Ok(a) if !a.allowed));
    if forbidden && told && check.result == Answer::Failed {
        return Check::advisory("dry-run").unknown("not tried: a right is missing", "see the rights");
    }
    check
}

/// The Services whose pods these are.
pub(in crate::run) fn selecting(services: &Result<Vec<Object>, TargetError>, workload: &WorkloadFacts) -> Vec<String> {
    let labels = workload.pod_labels();
    let all = services.iter().flatten().filter_map(|o| if let Object::Service(s) = o { Some(&**s) } else { None });
    let own = all.filter(|s: &&Service| &*s.kind != "ExternalName" && s.selector.matches(&labels));
    let mut names: Vec<String> = own.map(|s| s.meta.name.to_string()).collect();
    names.sort_unstable();
    names
}

/// The beginning of what one would type without this program.
pub(in crate::run) fn kubectl(context: &str, namespace: &str) -> String {
    let place = if namespace.is_empty() { String::new() } else { format!(" -n {namespace}") };
    format!("kubectl --context {}{place}", quoted(context))
}

/// A value of the object that the plan rests on.
pub(in crate::run) fn now(object: &WorkloadFacts, pointer: &str) -> Value {
    object.raw.pointer(pointer).cloned().unwrap_or(Value::Null)
}

/// As a shell takes it.
pub(in crate::run) fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@=+".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
