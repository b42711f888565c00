//! Looking whether a fact holds: the reads behind a proof.
//!
//! Owns which objects are read, and for how long a trouble may last before it counts as hopeless. The judgement over what was
//! read is in `judge`, pure. Never waits: the run's machine does.

mod answers;
pub(in crate::run) mod jobs;
mod judge;
mod looks;
mod rollout;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use self::judge::{Hope, Patience};
use super::declared::Probes;
use super::event::Progress;
use super::facts::{self, PodFacts, WorkloadFacts, items, text};
use super::machine::Observed;
use super::rollback;
use super::step::{Fact, Proof};
use crate::base::clock::Clock;
use crate::target::api::{ErrorKind, Read, TargetError};
use crate::target::model::{Kind, ObjectRef, Scope};

/// Looks at facts, and remembers since when each trouble of the step has lasted.
pub(in crate::run) struct Observer {
    read: Arc<dyn Read>,
    clock: Arc<dyn Clock>,
    probes: Arc<dyn Probes>,
    patience: Patience,
    current: Option<Proof>,
    /// What is remembered of proofs that are looked at in turn with the current one, the one looked at longest ago first.
    others: VecDeque<(Proof, Patience)>,
    /// So many are looked at in turn at most; what was looked at before those is forgotten.
    at_once: usize,
    template: Option<String>,
}

impl Observer {
    /// An observer of a run in which proofs of so many objects may be looked at in turn.
    pub(in crate::run) fn new(read: Arc<dyn Read>, clock: Arc<dyn Clock>, probes: Arc<dyn Probes>, at_once: usize) -> Self {
        Self {
            read,
            clock,
            probes,
            patience: Patience::default(),
            current: None,
            others: VecDeque::new(),
            at_once,
            template: None,
        }
    }

    /// The digest of the template that all wanted pods were of, and ready, when that was proven last.
    pub(in crate::run) fn take_template(&mut self) -> Option<String> {
        self.template.take()
    }

    pub(in crate::run) async fn observe(&mut self, proof: &Proof) -> Observed {
        if self.current.as_ref() != Some(proof) {
            self.change_over(proof);
        }
        let found = match &proof.fact {
            Fact::Replicas { .. } | Fact::Rollout { .. } => self.replicas(proof).await,
            Fact::Field { pointer, value, absent } => self.field(proof, pointer, value, absent).await,
            Fact::Endpoints { services, count, at_least, selector } => self.endpoints(proof, services, *count, *at_least, selector).await,
            Fact::Gone => Ok(self.gone(proof).await),
            Fact::JobRuns { run } => self.job(proof, run).await,
            Fact::Dumped { run, dump, .. } => self.dumped(proof, run, dump.upload.is_some()).await,
            Fact::ReadAgain { run, .. } => self.read_again(proof, run).await,
            Fact::Ended { run } => self.ended(proof, run).await,
            Fact::Answered { run, asked } => self.answered(proof, run, asked).await,
            Fact::Harmless { run, asked } => self.harmless(proof, run, asked).await,
            Fact::Finished { run, .. } => self.finished(proof, run).await,
            // The run's own clock tells.
            Fact::Elapsed { .. } => Ok(Observed::Waiting(Progress::default())),
            Fact::Suspended => self.suspended(proof).await,
            Fact::Probes { ids } => Ok(self.probes(ids).await),
            Fact::Declared(declared) => self.declared(proof, declared).await,
        };
        found.unwrap_or_else(|error| match error.kind {
            ErrorKind::NotFound => Observed::Moved(format!("{} is gone", proof.object)),
            _ => Observed::Unreadable(error.message),
        })
    }

    /// Leaves one proof for another, each with its own patience.
    fn change_over(&mut self, proof: &Proof) {
        let left = std::mem::take(&mut self.patience);
        let known = self.others.iter().position(|(known, _)| known == proof).and_then(|at| self.others.remove(at));
        self.patience = known.map(|(_, patience)| patience).unwrap_or_default();
        if let Some(before) = self.current.replace(proof.clone()) {
            self.others.push_back((before, left));
        }
        while self.others.len() >= self.at_once.max(1) {
            self.others.pop_front();
        }
    }

    async fn replicas(&mut self, proof: &Proof) -> Result<Observed, TargetError> {
        let workload = WorkloadFacts::new(&proof.object, self.read.get(&proof.object, "").await?);
        if workload.uid() != proof.uid {
            return Ok(Observed::Moved(format!("{} was deleted and made again", proof.object)));
        }
        // Without the right to list pods the counts of the workload alone must do; why a pod does not start stays unknown.
        let pods = self.pods(&proof.object, &workload.selector()).await.unwrap_or_default();
        self.patience.meet(&pods, self.clock.now());
        let restarted = self.patience.restarted(&pods);
        let now = self.clock.monotonic();
        let hope = match &proof.fact {
            Fact::Rollout { pin, ready } => rollout::judge(&workload, &pods, pin, *ready, &mut self.patience, now),
            fact => judge::replicas(&workload, &pods, fact, &mut self.patience, now),
        };
        let proven = restarted.is_none() && matches!(hope, Hope::Settled(Observed::Proven(_)));
        self.template = proven.then(|| template(&workload)).flatten();
        Ok(match (hope, restarted) {
            (Hope::Settled(Observed::Proven(_)), Some(pod)) => {
                Observed::Waiting(Progress { text: format!("pod {pod} was restarted a moment ago"), ..Progress::default() })
            }
            (Hope::Settled(observed), _) => observed,
            (Hope::NoRoom { pod, reason, progress }, _) => self.no_room(&proof.object, &pod, reason, progress).await,
            (Hope::NoPods { progress }, _) => self.no_pods(&workload, progress).await,
        })
    }

    async fn field(&self, proof: &Proof, pointer: &str, value: &Value, absent: &Value) -> Result<Observed, TargetError> {
        let object = WorkloadFacts::new(&proof.object, self.read.get(&proof.object, "").await?);
        if object.uid() != proof.uid {
            return Ok(Observed::Moved(format!("{} was deleted and made again", proof.object)));
        }
        let now = object.raw.pointer(pointer).unwrap_or(absent);
        let name = super::step::dotted(pointer);
        if now != value && !(value.is_null() && now == absent) {
            return Ok(Observed::Moved(format!("{name} is {} now", super::step::shown(pointer, now))));
        }
        // Kinds whose controllers do not say what they have seen have nothing to wait for.
        let silent = object.raw.pointer("/status/observedGeneration").is_none() && !proof.object.kind.is_workload();
        if silent || object.observed() {
            return Ok(Observed::Proven(format!("{name} is {}", super::step::shown(pointer, now))));
        }
        Ok(Observed::Waiting(Progress { text: "the controller has not seen the change yet".to_owned(), ..Progress::default() }))
    }

    async fn gone(&self, proof: &Proof) -> Observed {
        let gone = || Observed::Proven("the pod is gone".to_owned());
        match self.read.get(&proof.object, "").await {
            Ok(raw) if text(&raw, "/metadata/uid") != proof.uid => gone(),
            Ok(raw) => {
                let grace = facts::int(&raw, "/metadata/deletionGracePeriodSeconds");
                let words = grace.map_or_else(|| "not ending yet".to_owned(), |s| format!("ending, it has {s} s"));
                Observed::Waiting(Progress { text: format!("the pod is {words}"), ..Progress::default() })
            }
            Err(error) if error.kind == ErrorKind::NotFound => gone(),
            Err(error) => Observed::Unreadable(error.message),
        }
    }

    async fn pods(&self, object: &ObjectRef, selector: &str) -> Result<Vec<Value>, TargetError> {
        if selector.is_empty() {
            return Ok(Vec::new());
        }
        self.read.list(Kind::Pod, &Scope::Namespace(object.namespace.clone()), selector, "").await
    }

    async fn events(&self, object: &ObjectRef, fields: &str) -> Vec<Value> {
        self.read.list(Kind::Event, &Scope::Namespace(object.namespace.clone()), "", fields).await.unwrap_or_default()
    }

    /// No node takes a pod: hopeless, unless a cluster autoscaler says that it adds one.
    async fn no_room(&self, object: &ObjectRef, pod: &str, reason: String, progress: Progress) -> Observed {
        let events = self.events(object, &format!("involvedObject.name={pod},reason=TriggeredScaleUp")).await;
        if events.is_empty() { Observed::Hopeless(reason) } else { Observed::Waiting(progress) }
    }

    /// Fewer pods than wanted for a while, and the workload has no condition that says why: its events may.
    async fn no_pods(&self, workload: &WorkloadFacts, progress: Progress) -> Observed {
        let events = self.events(&workload.reference, &format!("involvedObject.uid={},reason=FailedCreate", workload.uid())).await;
        let recent = self.clock.now().as_second() - self.patience.waited(self.clock.monotonic()).as_secs().cast_signed() - 60;
        let message = events
            .iter()
            .filter(|e| judge::last_seen(e).is_some_and(|at| at >= recent))
            .map(|e| text(e, "/message"))
            .next_back();
        message.map_or(Observed::Waiting(progress), Observed::Hopeless)
    }

    async fn endpoints(&self, proof: &Proof, services: &[String], count: i64, at_least: bool, selector: &str) -> Result<Observed, TargetError> {
        let scope = Scope::Namespace(proof.object.namespace.clone());
        let labels = format!("kubernetes.io/service-name in ({})", services.join(","));
        let (slices, pods) = futures_util::join!(self.read.list(Kind::EndpointSlice, &scope, &labels, ""), self.pods(&proof.object, selector));
        let pods = pods?;
        let own: Vec<String> = pods.iter().map(PodFacts::of).filter(|p| !p.deleting()).map(PodFacts::name).collect();
        Ok(judge::endpoints(&slices?, &own, services, count, at_least))
    }

    async fn probes(&self, ids: &[String]) -> Observed {
        let answers = join_all(ids.iter().map(|id| self.probes.ask(id))).await;
        judge::probes(ids, &answers)
    }
}

/// The template of a workload all of whose wanted pods are ready and of it.
fn template(workload: &WorkloadFacts) -> Option<String> {
    let all = workload.wanted() > 0 && workload.ready() >= workload.wanted() && workload.rollout().is_none();
    all.then(|| rollback::template_digest(workload.raw.pointer("/spec/template").unwrap_or(&Value::Null)))
}

/// What moved of frozen fields; reading them failed when none of it can be told.
pub(in crate::run) async fn moved(read: &dyn Read, frozen: &[super::plan::Frozen]) -> Result<Vec<String>, TargetError> {
    let look = |frozen: &'_ super::plan::Frozen| {
        let frozen = frozen.clone();
        async move {
            match read.get(&frozen.object, "").await {
                Ok(raw) if facts::text(&raw, "/metadata/deletionTimestamp").is_empty() => Ok(frozen.moved(&raw)),
                Ok(_) => Ok(vec![format!("{} is being deleted", frozen.object)]),
                Err(error) if error.kind == ErrorKind::NotFound => Ok(vec![format!("{} is gone", frozen.object)]),
                Err(error) => Err(error),
            }
        }
    };
    let found = join_all(frozen.iter().map(look)).await;
    found.into_iter().collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().flatten().collect())
}

/// Names of the pods behind ready endpoints of a slice.
fn ready_pods(slice: &Value) -> impl Iterator<Item = String> {
    // The API says that an absent condition means ready.
    let ready = |e: &&Value| e.pointer("/conditions/ready") != Some(&Value::Bool(false)) && !facts::flag(e, "/conditions/terminating");
    items(slice, "/endpoints").filter(ready).map(|e| text(e, "/targetRef/name"))
}

/// How long pods must stay ready before they count as proven. A container without a readiness probe is ready as soon as it
/// runs, so one that crashes is ready for a moment after each start; `minReadySeconds` comes on top.
pub(in crate::run) const MUST_STAY: Duration = Duration::from_secs(5);

/// How long a trouble may last before it counts as hopeless.
const GRACE_QUOTA: Duration = Duration::from_secs(5);
const GRACE_NO_ROOM: Duration = Duration::from_secs(30);
const GRACE_CANNOT_START: Duration = Duration::from_secs(20);
const GRACE_FOR_GOOD: Duration = Duration::from_secs(3);
const HOPELESS_RESTARTS: i64 = 3;
