//! Judging workloads: only those about which something changed, or whose time has come.
//!
//! Owns the rows, the memory of earlier ready counts, and when to look again. The rules are in `health` and `cause`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::cause::{Cause, Trouble};
use super::health::{self, Memory, Verdict};
use super::objects::PodEntry;
use super::row::WorkloadRow;
use super::stream::Trust;
use super::workload::{WorkloadKey, WorkloadKind};
use super::{Fleet, health::Rollout};
use crate::base::health::Health;
use crate::base::text::Str;
use crate::target::model::{EndpointSlice, Job, Kind, Seconds, Workload};

/// All rows, and what judging remembers.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    by_key: BTreeMap<Arc<WorkloadKey>, WorkloadRow>,
    turns: BTreeSet<(Seconds, Arc<WorkloadKey>)>,
    memory: HashMap<Arc<WorkloadKey>, Memory>,
    min_ready: HashMap<WorkloadKey, i32>,
    revision: u64,
}

impl Rows {
    pub(crate) fn get(&self, key: &WorkloadKey) -> Option<&WorkloadRow> {
        self.by_key.get(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &WorkloadRow> {
        self.by_key.values()
    }

    /// Rows of one namespace.
    pub(crate) fn within<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a WorkloadRow> {
        let first = Arc::new(WorkloadKey::new(WorkloadKind::Deployment, namespace, ""));
        self.by_key.range(first..).map(|(_, r)| r).take_while(move |r| &*r.key.namespace == namespace)
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn next_turn(&self) -> Option<Seconds> {
        self.turns.first().map(|(at, _)| *at)
    }

    /// Takes a workload into its memory as soon as it is seen, so that no state in between is lost.
    pub(crate) fn observe(&mut self, w: &Workload, now: Seconds) {
        let Some(kind) = super::workload::of_object(w.kind, &w.meta) else { return };
        if let Some(memory) = self.memory.get_mut(&kind) {
            memory.observe(w, now);
        }
    }

    fn put(&mut self, key: &Arc<WorkloadKey>, row: Option<WorkloadRow>) {
        if let Some(old) = self.by_key.get(key).and_then(|r| r.turn) {
            self.turns.remove(&(old, key.clone()));
        }
        let Some(row) = row else {
            self.memory.remove(key);
            self.revision += u64::from(self.by_key.remove(key).is_some());
            return;
        };
        if let Some(at) = row.turn {
            self.turns.insert((at, key.clone()));
        }
        if self.by_key.get(key) != Some(&row) {
            self.revision += 1;
            self.by_key.insert(key.clone(), row);
        }
    }
}

impl Fleet {
    /// Judges anew what changed since the last call, and what changes by itself at `now`; answers whether a row is different.
    ///
    /// Call it after a batch of events, and when [`Fleet::next_turn`] is reached.
    pub fn settle(&mut self, now: Timestamp) -> bool {
        let seconds = now.as_second();
        let due = self
            .rows
            .turns
            .range(..(seconds + 1, Arc::new(WorkloadKey::new(WorkloadKind::Deployment, "", ""))))
            .map(|(_, k)| k.clone());
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.extend(due);
        let before = self.rows.revision;
        let mut memory = std::mem::take(&mut self.rows.memory);
        for key in dirty {
            let row = self.judge(&key, &mut memory, seconds);
            match &row {
                None => drop(memory.remove(&key)),
                Some(row) => {
                    if let Some(w) = key.kind.kind().and_then(|k| self.workload(k, &key.namespace, &key.name)).cloned() {
                        self.note_judged(&w, &row.images);
                    }
                }
            }
            self.rows.put(&key, row);
        }
        self.rows.memory = memory;
        let changed = self.rows.revision != before;
        self.revision += u64::from(changed);
        changed
    }

    /// What a service file demands of a workload, whatever its replicas: 0 takes the demand back.
    pub fn demand(&mut self, key: &WorkloadKey, min_ready: i32) {
        if min_ready > 0 {
            self.rows.min_ready.insert(key.clone(), min_ready);
        } else {
            self.rows.min_ready.remove(key);
        }
        self.dirty.insert(Arc::new(key.clone()));
    }

    /// Marks every workload whose verdict rests on a stream of this kind.
    pub(crate) fn mark_kind(&mut self, kind: Kind) {
        let rests = |k: &WorkloadKind| k.kind() == Some(kind) || (kind == Kind::Pod && matches!(k, WorkloadKind::Node | WorkloadKind::Other(_)));
        self.dirty.extend(self.rows.by_key.keys().filter(|k| rests(&k.kind)).cloned());
    }

    /// Marks every workload with a pod on a node.
    pub(crate) fn mark_node(&mut self, node: &str) {
        self.dirty.extend(self.objects.pods.iter().filter(|e| &*e.pod.node == node).map(|e| e.workload.clone()));
    }

    /// Marks every workload of a namespace: one of its Services came, went or selects others now.
    pub(crate) fn mark_services_workloads(&mut self, namespace: &Str) {
        self.dirty.extend(self.rows.within(namespace).map(|r| r.key.clone()));
    }

    /// Marks the workloads behind the Service that a slice belongs to.
    pub(crate) fn mark_behind(&mut self, slice: &EndpointSlice) {
        let Some(service) = slice.meta.label(super::index::SERVICE_NAME) else { return };
        let behind = self.rows.within(&slice.meta.namespace).filter(|r| r.services.contains(service));
        self.dirty.extend(behind.map(|r| r.key.clone()));
    }

    /// Marks the Jobs that do the same work: a success may settle an earlier failure.
    pub(crate) fn mark_namesakes(&mut self, job: &Job) {
        let same = |r: &&WorkloadRow| r.key.kind == WorkloadKind::Job && stem(&r.key.name) == stem(&job.meta.name);
        self.dirty.extend(self.rows.within(&job.meta.namespace).filter(same).map(|r| r.key.clone()));
    }

    fn judge(&self, key: &Arc<WorkloadKey>, memory: &mut HashMap<Arc<WorkloadKey>, Memory>, now: Seconds) -> Option<WorkloadRow> {
        let mut row = self.sketch(key)?;
        let pods = self.tally(&mut row, now);
        let verdict = self.verdict(key, memory, &pods, now);
        (row.health, row.rollout, row.text, row.turn) = (verdict.health, verdict.rollout, verdict.text, verdict.turn);
        self.doubt(&mut row, now);
        if !matches!(row.health, Health::Ok | Health::Off) && row.cause.is_none() {
            row.cause = self.explain(&row, &pods, now);
        }
        Some(row)
    }

    fn verdict(&self, key: &Arc<WorkloadKey>, memory: &mut HashMap<Arc<WorkloadKey>, Memory>, pods: &[&PodEntry], now: Seconds) -> Verdict {
        let (ns, name) = (&*key.namespace, &*key.name);
        let group = || health::group(pods.iter().map(|e| &*e.pod), now);
        match &key.kind {
            kind @ (WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet) => {
                let Some(w) = kind.kind().and_then(|k| self.workload(k, ns, name)) else { return self.unseen(key, pods.len(), now) };
                let evidence = self.evidence(w, pods, now);
                let memory = memory.entry(key.clone()).or_insert_with(|| Memory::first(w, &evidence, now));
                health::workload(w, memory, &evidence, self.rows.min_ready.get(&**key).copied().unwrap_or(0), now)
            }
            WorkloadKind::ReplicaSet => match self.replica_set(ns, name) {
                Some(rs) if rs.desired == 0 => {
                    Verdict { health: Health::Off, rollout: Rollout::Done, text: Some("scaled to zero".into()), turn: None }
                }
                Some(rs) => counted(rs.ready, rs.desired),
                None => group(),
            },
            WorkloadKind::Job => match self.job(ns, name) {
                Some(job) => health::job(job, self.superseded(job), now),
                None => group(),
            },
            WorkloadKind::CronJob => match self.cron_job(ns, name) {
                Some(cron) => health::cron_job(cron, self.jobs_of(cron).map(|j| &**j), now),
                None => self.unseen(key, pods.len(), now),
            },
            WorkloadKind::Pod => pods.first().map_or_else(group, |e| health::pod(&e.pod, now)),
            WorkloadKind::Other(_) | WorkloadKind::Node => group(),
        }
    }

    /// The object is not there, its pods are: it was deleted, or we may not see it.
    fn unseen(&self, key: &WorkloadKey, pods: usize, now: Seconds) -> Verdict {
        let trust = key.kind.kind().map_or(Trust::Pending, |k| self.streams.trust(k, &key.namespace, now));
        let (health, text) = match trust {
            Trust::Live => (Health::Off, format!("deleted, {pods} pods left")),
            Trust::Pending => (Health::Unknown, "not read yet".to_owned()),
            Trust::Lost(why) => (Health::Unknown, why),
        };
        Verdict { health, rollout: Rollout::Done, text: Some(text), turn: None }
    }

    /// A verdict on what is stale or cannot be read is unknown.
    fn doubt(&self, row: &mut WorkloadRow, now: Seconds) {
        let kind = match row.key.kind {
            WorkloadKind::Node | WorkloadKind::Other(_) => Kind::Pod,
            ref kind => kind.kind().unwrap_or(Kind::Pod),
        };
        // A node's static pods come by the streams of their namespaces; kube-system is where they are made.
        let namespace = if row.key.namespace.is_empty() { self.pods_of(&row.key).next().map(|e| e.pod.meta.namespace.clone()) } else { None };
        let namespace = namespace.unwrap_or_else(|| row.key.namespace.clone());
        match self.streams.trust(kind, &namespace, now) {
            Trust::Lost(why) => {
                row.health = Health::Unknown;
                row.cause = Some(Cause::new(Trouble::Unseen, "unknown", why.clone(), None));
                row.text = Some(why);
            }
            Trust::Live | Trust::Pending => {
                let loss = self.streams.loss(kind, &namespace).filter(|at| *at > now);
                row.turn = row.turn.into_iter().chain(loss).min();
            }
        }
    }

    /// Whether a later Job that does the same work succeeded: same namespace, same name up to the part that numbers or generates
    /// tell apart.
    fn superseded(&self, job: &Job) -> bool {
        let work = stem(&job.meta.name);
        let mut others = self
            .objects
            .jobs
            .within(&job.meta.namespace)
            .filter(|o| o.meta.created > job.meta.created && stem(&o.meta.name) == work);
        others.any(|o| health::succeeded(o))
    }
}

fn counted(ready: i32, desired: i32) -> Verdict {
    let text = Some(format!("{ready} of {desired} ready"));
    let health = match ready {
        all if all >= desired => return Verdict { health: Health::Ok, rollout: Rollout::Done, text: None, turn: None },
        0 => Health::Down,
        _ => Health::Degraded,
    };
    Verdict { health, rollout: Rollout::Done, text, turn: None }
}

/// A Job's name without what tells its runs apart: a last part with a digit in it.
fn stem(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((stem, tail)) if tail.chars().any(|c| c.is_ascii_digit()) => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests;
