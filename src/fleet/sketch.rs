//! A workload's row before it is judged: what its object, its pods and its surroundings say.

use std::sync::Arc;

use super::Fleet;
use super::cause;
use super::health::{self, Rollout};
use super::image::running_digest;
use super::objects::{PodEntry, add};
use super::row::{Autoscaler, RowImage, WorkloadRow};
use super::workload::{WorkloadKey, WorkloadKind};
use crate::base::health::Health;
use crate::base::text::Str;
use crate::target::model::{Container, ContainerRole, Kind, Labels, Meta, Resources, Seconds, TemplateContainer, Usage};

impl Fleet {
    /// What the object itself says; `None` when there is neither the object nor a pod of it.
    pub(super) fn sketch(&self, key: &Arc<WorkloadKey>) -> Option<WorkloadRow> {
        let (ns, name) = (&*key.namespace, &*key.name);
        let mut row = blank(key);
        let meta: Option<&Meta> = match &key.kind {
            WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => {
                let w = key.kind.kind().and_then(|k| self.workload(k, ns, name));
                if let Some(w) = w {
                    (row.desired, row.ready, row.updated, row.available) = (w.desired, w.ready, w.updated, w.available);
                    row.images = images(&w.template);
                    row.revision = self.revision_of(w);
                }
                w.map(|w| &w.meta)
            }
            WorkloadKind::CronJob => {
                let cron = self.cron_job(ns, name);
                if let Some(c) = cron {
                    (row.ready, row.images) = (c.active, images(&c.template));
                }
                cron.map(|c| &c.meta)
            }
            WorkloadKind::Job => {
                // A CronJob's Jobs are below it.
                let job = self.job(ns, name).filter(|j| j.meta.owner.as_ref().is_none_or(|o| *o.kind != *"CronJob"));
                if let Some(j) = job {
                    (row.desired, row.ready, row.images) = (j.completions.unwrap_or(1), j.succeeded, images(&j.template));
                }
                job.map(|j| &j.meta)
            }
            WorkloadKind::ReplicaSet => {
                let set = self.replica_set(ns, name).filter(|rs| rs.meta.owner.is_none());
                if let Some(rs) = set {
                    (row.desired, row.ready, row.images) = (rs.desired, rs.ready, images(&rs.template));
                    (row.updated, row.available) = (rs.replicas, rs.ready);
                }
                set.map(|rs| &rs.meta)
            }
            WorkloadKind::Pod => self.pod(ns, name).filter(|e| e.pod.meta.owner.is_none()).map(|e| &e.pod.meta),
            WorkloadKind::Node => self.node(name).map(|n| &n.meta).filter(|_| self.pods_of(key).next().is_some()),
            WorkloadKind::Other(_) => None,
        };
        if let Some(meta) = meta {
            (row.uid, row.created) = (meta.uid.clone(), meta.created);
        } else if self.pods_of(key).next().is_none() {
            return None;
        }
        self.surroundings(&mut row);
        Some(row)
    }

    /// Services, endpoints, autoscaler.
    fn surroundings(&self, row: &mut WorkloadRow) {
        if let Some(labels) = self.pod_labels(&row.key) {
            let selecting = self.services_in(&row.key.namespace).filter(|s| s.selector.matches(&labels));
            let services: Vec<_> = selecting.map(|s| (s.meta.name.clone(), self.endpoints(s))).collect();
            row.endpoints = services.iter().map(|(_, e)| *e).min_by_key(|e| e.ready);
            row.services = services.into_iter().map(|(name, _)| name).collect();
        }
        row.autoscaler = self.hpa_of(&row.key).map(|h| Autoscaler {
            name: h.meta.name.clone(),
            min: h.min,
            max: h.max,
            wants: h.desired,
            paused: h.up_disabled && h.down_disabled,
        });
    }

    /// Labels of a workload's pods: of a pod, else of a revision (which has those of its template), else of the selector.
    pub(crate) fn pod_labels(&self, key: &WorkloadKey) -> Option<Labels> {
        if let Some(entry) = self.pods_of(key).next() {
            return Some(entry.pod.meta.labels.clone());
        }
        let w = self.workload(key.kind.kind()?, &key.namespace, &key.name)?;
        let sets = self.replica_sets_of(w).map(|rs| &rs.meta);
        let newest = sets.chain(self.controller_revisions_of(w).map(|cr| &cr.meta)).max_by_key(|m| m.created);
        newest.map(|m| m.labels.clone()).or_else(|| {
            let equal = w.selector.requirements.iter().filter_map(|r| Some((r.key.clone(), r.values.first()?.clone())));
            Some(equal.collect())
        })
    }

    /// Sums over the pods; digests of what they run.
    pub(super) fn tally(&self, row: &mut WorkloadRow, now: Seconds) -> Vec<&PodEntry> {
        let pods: Vec<&PodEntry> = self.pods_of(&row.key).collect();
        row.pods = pods.len();
        for entry in &pods {
            row.restarts += entry.columns.restarts;
            row.last_restart = row.last_restart.max(entry.columns.last_restart);
            if let Some(u) = entry.total_usage() {
                let sum = row.usage.get_or_insert(Usage::default());
                sum.cpu_milli += u.cpu_milli;
                sum.memory += u.memory;
            }
            let (requests, limits) = entry.resources();
            add(&mut row.requests, requests);
            add(&mut row.limits, limits);
        }
        if row.images.is_empty() {
            let main = pods.first().map(|e| e.pod.containers.iter().filter(|c| c.role == ContainerRole::Main));
            let image = |c: &Container| RowImage { container: c.name.clone(), image: c.image.clone(), digest: None };
            row.images = main.into_iter().flatten().map(image).collect();
        }
        for image in &mut row.images {
            let same = |e: &&PodEntry| {
                e.pod
                    .containers
                    .iter()
                    .find(|c| c.name == image.container && c.image == image.image)
                    .and_then(running_digest)
                    .map(Str::from)
            };
            image.digest = pods.iter().find_map(same);
        }
        if !row
            .key
            .kind
            .kind()
            .is_some_and(|k| k.is_workload() || matches!(k, Kind::Job | Kind::CronJob | Kind::ReplicaSet))
            || row.uid.is_empty()
        {
            let wanted = pods.iter().filter(|e| health::pod(&e.pod, now).health != Health::Off);
            row.desired = int(wanted.clone().count());
            row.ready = int(wanted.filter(|e| cause::is_ready(&e.pod)).count());
        }
        pods
    }
}

fn blank(key: &Arc<WorkloadKey>) -> WorkloadRow {
    WorkloadRow {
        key: key.clone(),
        uid: "".into(),
        created: 0,
        health: Health::Unknown,
        rollout: Rollout::Done,
        text: None,
        cause: None,
        desired: 0,
        ready: 0,
        updated: 0,
        available: 0,
        pods: 0,
        restarts: 0,
        last_restart: None,
        images: [].into(),
        revision: None,
        services: [].into(),
        endpoints: None,
        autoscaler: None,
        usage: None,
        requests: Resources::default(),
        limits: Resources::default(),
        turn: None,
    }
}

fn images(template: &[TemplateContainer]) -> Box<[RowImage]> {
    let main = template.iter().filter(|c| c.role == ContainerRole::Main);
    main.map(|c| RowImage { container: c.name.clone(), image: c.image.clone(), digest: None }).collect()
}

/// Counts of pods fit.
pub(super) fn int(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
