//! The revisions of a workload that are still there: ReplicaSets of a Deployment, ControllerRevisions of the others.

use crate::base::text::Str;
use crate::fleet::image::{Image, running_digest, short_digest};
use crate::fleet::{Fleet, RowImage, WorkloadKey, revision_number};
use crate::target::model::{ContainerRole, Kind, Meta, ObjectRef, Seconds, TemplateContainer, Workload};

use super::by::{self, By, LastRun};

/// One revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Number: the annotation of a ReplicaSet, the field of a ControllerRevision.
    pub number: i64,
    /// The object that keeps it.
    pub object: ObjectRef,
    /// Its identity.
    pub uid: Str,
    /// Whether the workload is on it, or on its way to it.
    pub current: bool,
    /// When its object was made: the first time that it was rolled out.
    pub made: Seconds,
    /// When it last became the current one; `None` = not known (an older one that was returned to).
    pub at: Option<Seconds>,
    /// Images of its main containers, with digests where a pod was seen to run them.
    pub images: Vec<RowImage>,
    /// `kubernetes.io/change-cause`.
    pub cause: Option<Str>,
    /// Who made it.
    pub by: By,
    /// Pods that it has; `None` for revisions of StatefulSets and DaemonSets that no pod names.
    pub replicas: i32,
    /// Ready pods of it.
    pub ready: i32,
    /// Whether it was seen fully ready; `None` = not known.
    pub ready_once: Option<bool>,
}

impl Revision {
    /// The tag of the first image, else its digest.
    pub fn version(&self) -> Option<String> {
        self.images.first().map(RowImage::version)
    }

    /// One line, as it is copied: `12  v1.8.3  ghcr.io/a/b:v1.8.3  sha256:9f2c…  by ci`.
    pub fn text(&self) -> String {
        let mut parts = vec![self.number.to_string()];
        parts.extend(self.version());
        parts.extend(self.images.iter().map(|i| i.image.to_string()));
        parts.extend(self.images.iter().filter_map(|i| i.digest.as_deref()).map(short_digest));
        parts.extend(self.by.phrase());
        parts.join("  ")
    }
}

/// All revisions of a workload, the newest first; none for kinds without a pod template of their own.
pub fn history(fleet: &Fleet, key: &WorkloadKey) -> Vec<Revision> {
    let workload = key.kind.kind().and_then(|kind| fleet.workload(kind, &key.namespace, &key.name));
    let Some(w) = workload else { return Vec::new() };
    let mut all = if w.kind == Kind::Deployment { of_deployment(fleet, key, w) } else { of_other(fleet, key, w) };
    all.sort_by_key(|r| std::cmp::Reverse(r.number));
    all
}

fn of_deployment(fleet: &Fleet, key: &WorkloadKey, w: &Workload) -> Vec<Revision> {
    let current = revision_number(&w.meta);
    let sets: Vec<_> = fleet.replica_sets_of(w).filter_map(|rs| Some((revision_number(&rs.meta)?, rs))).collect();
    let ages: Vec<(i64, Seconds)> = sets.iter().map(|(n, rs)| (*n, rs.meta.created)).collect();
    let revision = |(number, rs): &(i64, &std::sync::Arc<crate::target::model::ReplicaSet>)| {
        let is_current = current == Some(*number);
        let at = first_time(*number, rs.meta.created, &ages)
            .or_else(|| scaled_up_at(fleet, w, &rs.meta))
            .or_else(|| returned_at(fleet, w).filter(|_| is_current));
        let part = Part { fleet, key, w, number: *number, current: is_current, at };
        part.revision(&rs.meta, Kind::ReplicaSet, &rs.template, "pod-template-hash", Some((rs.replicas, rs.ready)))
    };
    sets.iter().map(revision).collect()
}

fn of_other(fleet: &Fleet, key: &WorkloadKey, w: &Workload) -> Vec<Revision> {
    let current = fleet.current_controller_revision(w).map(|cr| cr.meta.uid.clone());
    let all: Vec<_> = fleet.controller_revisions_of(w).collect();
    let ages: Vec<(i64, Seconds)> = all.iter().map(|cr| (cr.revision, cr.meta.created)).collect();
    let revision = |cr: &&std::sync::Arc<crate::target::model::ControllerRevision>| {
        let is_current = current.as_ref() == Some(&cr.meta.uid);
        let at = first_time(cr.revision, cr.meta.created, &ages).or_else(|| returned_at(fleet, w).filter(|_| is_current));
        let part = Part { fleet, key, w, number: cr.revision, current: is_current, at };
        part.revision(&cr.meta, Kind::ControllerRevision, &cr.template, "controller-revision-hash", None)
    };
    all.iter().map(revision).collect()
}

/// When its object was made, unless an object made later has a lower number: then it is an older one that was returned to, and
/// its object says nothing about when.
fn first_time(number: i64, created: Seconds, all: &[(i64, Seconds)]) -> Option<Seconds> {
    (!all.iter().any(|(n, made)| *n < number && *made > created)).then_some(created)
}

/// When the Deployment controller last began to scale a ReplicaSet up, by its event.
fn scaled_up_at(fleet: &Fleet, w: &Workload, set: &Meta) -> Option<Seconds> {
    let begins = format!("Scaled up replica set {} ", set.name);
    let ups = fleet
        .events_about(&w.meta.uid)
        .filter(|e| &*e.reason == "ScalingReplicaSet" && e.message.starts_with(&begins));
    ups.map(|e| e.first).max()
}

/// When an older revision became the current one again, where its object cannot tell: our own rollback signed it, else the newest
/// write of the template (contract.md 13).
pub(super) fn returned_at(fleet: &Fleet, w: &Workload) -> Option<Seconds> {
    let ours = LastRun::of(fleet, &w.meta).filter(|run| run.action == "rollback").map(|run| run.at);
    fleet.writer(w).flatten().and_then(|writer| writer.at).or(ours)
}

/// Whether the current revision is an older one that was returned to, and neither an event nor a run tells when.
pub(super) fn returned_at_unknown_time(fleet: &Fleet, w: &Workload) -> bool {
    let made: Option<(i64, Seconds)> = match w.kind {
        Kind::Deployment => {
            let number = revision_number(&w.meta);
            let set = fleet.replica_sets_of(w).find(|rs| number.is_some() && revision_number(&rs.meta) == number);
            set.filter(|rs| scaled_up_at(fleet, w, &rs.meta).is_none()).and_then(|rs| Some((number?, rs.meta.created)))
        }
        _ => fleet.current_controller_revision(w).map(|cr| (cr.revision, cr.meta.created)),
    };
    let sets = fleet.replica_sets_of(w).filter_map(|rs| Some((revision_number(&rs.meta)?, rs.meta.created)));
    let all = sets.chain(fleet.controller_revisions_of(w).map(|cr| (cr.revision, cr.meta.created))).collect::<Vec<_>>();
    made.is_some_and(|(number, created)| first_time(number, created, &all).is_none()) && returned_at(fleet, w).is_none()
}

/// What one revision is made from.
struct Part<'a> {
    fleet: &'a Fleet,
    key: &'a WorkloadKey,
    w: &'a Workload,
    number: i64,
    current: bool,
    at: Option<Seconds>,
}

impl Part<'_> {
    fn revision(&self, meta: &Meta, kind: Kind, template: &[TemplateContainer], hash: &str, counts: Option<(i32, i32)>) -> Revision {
        let (fleet, w) = (self.fleet, self.w);
        let mine = |m: &Meta| m.label(hash).is_some() && (m.label(hash) == meta.label(hash) || m.label(hash) == Some(&meta.name));
        let pods: Vec<_> = fleet.pods_of(self.key).filter(|e| mine(&e.pod.meta)).collect();
        let image = |c: &TemplateContainer| {
            let runs = |e: &&crate::fleet::PodEntry| {
                let container = e.pod.containers.iter().find(|p| p.name == c.name && p.image == c.image)?;
                running_digest(container).map(Str::from)
            };
            let digest = pods.iter().find_map(runs).or_else(|| fleet.digest_seen(&meta.uid, &c.name).cloned());
            let digest = digest.or_else(|| Image::parse(&c.image).digest.map(Str::from));
            RowImage { container: c.name.clone(), image: c.image.clone(), digest }
        };
        let count = |ready: bool| i32::try_from(pods.iter().filter(|e| !ready || crate::fleet::cause::is_ready(&e.pod)).count()).unwrap_or(i32::MAX);
        let (replicas, ready) = counts.unwrap_or_else(|| (count(false), count(true)));
        Revision {
            number: self.number,
            object: ObjectRef::new(kind, meta.namespace.clone(), meta.name.clone()),
            uid: meta.uid.clone(),
            current: self.current,
            made: meta.created,
            at: self.at,
            images: template.iter().filter(|c| c.role == ContainerRole::Main).map(image).collect(),
            cause: meta.annotation("kubernetes.io/change-cause").cloned(),
            by: by::of_revision(fleet, w, meta, self.at, self.current),
            replicas,
            ready,
            ready_once: fleet.ready_once(&meta.uid),
        }
    }
}

#[cfg(test)]
mod tests;
