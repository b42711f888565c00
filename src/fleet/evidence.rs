//! What pods, revisions and events add to what a workload's object says about its rollout.
//!
//! Owns the reading of a snapshot for `health`: which pods are new, whether one of them cannot start, what the last scale-up was.

use super::Fleet;
use super::health::Evidence;
use super::objects::PodEntry;
use crate::base::text::Str;
use crate::target::model::{ContainerState, Kind, Meta, Pod, Seconds, Workload, condition};

/// Annotation with the number of a revision, on a Deployment and its ReplicaSets.
pub const REVISION: &str = "deployment.kubernetes.io/revision";
/// Label of pods and ReplicaSets: which template they come from.
const TEMPLATE_HASH: &str = "pod-template-hash";
/// Label of pods and ControllerRevisions: the same for StatefulSets and DaemonSets.
const REVISION_HASH: &str = "controller-revision-hash";

/// The revision number that an object's annotation gives.
pub fn revision_number(meta: &Meta) -> Option<i64> {
    meta.annotation(REVISION)?.parse().ok()
}

impl Fleet {
    /// The number of a workload's current revision.
    pub fn revision_of(&self, w: &Workload) -> Option<i64> {
        match w.kind {
            Kind::Deployment => revision_number(&w.meta),
            _ => self.current_controller_revision(w).map(|cr| cr.revision),
        }
    }

    /// The ControllerRevision that a StatefulSet or DaemonSet is on its way to.
    pub fn current_controller_revision(&self, w: &Workload) -> Option<&crate::target::model::ControllerRevision> {
        let named = self.controller_revisions_of(w).find(|cr| !w.update_revision.is_empty() && cr.meta.name == w.update_revision);
        named.or_else(|| self.controller_revisions_of(w).max_by_key(|cr| cr.revision)).map(|cr| &**cr)
    }

    /// The label that pods of the newest template carry: key and value.
    pub(crate) fn newest_template(&self, w: &Workload) -> Option<(&'static str, Str)> {
        if w.kind == Kind::Deployment {
            let number = revision_number(&w.meta);
            let set = self.replica_sets_of(w).find(|rs| number.is_some() && revision_number(&rs.meta) == number)?;
            return Some((TEMPLATE_HASH, set.meta.label(TEMPLATE_HASH)?.clone()));
        }
        if !w.update_revision.is_empty() {
            return Some((REVISION_HASH, w.update_revision.clone()));
        }
        Some((REVISION_HASH, self.current_controller_revision(w)?.meta.label(REVISION_HASH)?.clone()))
    }

    pub(crate) fn evidence(&self, w: &Workload, pods: &[&PodEntry], now: Seconds) -> Evidence {
        if w.ready >= w.desired && w.updated >= w.desired && w.observed_generation >= w.meta.generation {
            return Evidence::default();
        }
        let newest = self.newest_template(w);
        let is_new = |p: &Pod| newest.as_ref().is_none_or(|(key, value)| p.meta.label(key) == Some(value));
        let fresh = || pods.iter().filter(|e| is_new(&e.pod) && e.pod.meta.deleted.is_none());
        Evidence {
            cannot_start: fresh().any(|e| self.cannot_start(&e.pod)),
            scaled_from: self.scaled_from(w, pods, now),
            last_progress: fresh().map(|e| e.pod.meta.created).max(),
        }
    }

    /// Whether a pod will not become ready by waiting: no image, no configuration, no node, or it fails again and again.
    fn cannot_start(&self, pod: &Pod) -> bool {
        const HOPELESS: [&str; 9] = [
            "CrashLoopBackOff",
            "ImagePullBackOff",
            "ErrImagePull",
            "ErrImageNeverPull",
            "InvalidImageName",
            "CreateContainerConfigError",
            "CreateContainerError",
            "RunContainerError",
            "SignatureValidationFailed",
        ];
        let again = |c: &crate::target::model::Container| !c.ready && c.restarts >= 2 && c.last.as_ref().is_some_and(|t| t.exit_code != 0);
        let stuck = |state: &ContainerState| matches!(state, ContainerState::Waiting { reason, .. } if HOPELESS.contains(&&**reason));
        pod.containers.iter().any(|c| stuck(&c.state) || again(c)) || self.no_node(pod)
    }

    /// No node takes it, and no autoscaler of nodes said that one will come.
    fn no_node(&self, pod: &Pod) -> bool {
        let refused = condition(&pod.conditions, "PodScheduled").is_some_and(|c| c.status == Some(false) && &*c.reason == "Unschedulable");
        let helped = |reason: &str| matches!(reason, "TriggeredScaleUp" | "Nominated");
        refused && !self.events_about(&pod.meta.uid).any(|e| helped(&e.reason))
    }

    /// Replicas before the change that is under way, when the snapshot shows that it is nothing but growth.
    fn scaled_from(&self, w: &Workload, pods: &[&PodEntry], now: Seconds) -> Option<i32> {
        let deadline = w.progress_deadline.map_or(600, Seconds::from);
        let unharmed = pods.iter().all(|e| e.columns.restarts == 0);
        if now - w.meta.created < deadline && unharmed && !completed_once(w) {
            return Some(0);
        }
        let lately = |e: &&std::sync::Arc<crate::target::model::Event>| &*e.reason == "ScalingReplicaSet" && now - e.last < deadline;
        let mut scalings = self.events_about(&w.meta.uid).filter(lately);
        let newest = scalings.next()?;
        let only_growth = !newest.message.starts_with("Scaled down") && !scalings.any(|e| e.message.starts_with("Scaled down"));
        let (from, to) = scaled_up(&newest.message)?;
        (only_growth && to == w.desired && from > 0).then_some(from)
    }
}

/// Whether a rollout of it was ever complete, as far as the object says.
fn completed_once(w: &Workload) -> bool {
    let available = condition(&w.conditions, "Progressing").is_some_and(|c| &*c.reason == "NewReplicaSetAvailable");
    available || revision_number(&w.meta).is_some_and(|n| n > 1)
}

/// `Scaled up replica set web-7d9 from 3 to 5` -> (3, 5).
fn scaled_up(message: &str) -> Option<(i32, i32)> {
    let (_, counts) = message.strip_prefix("Scaled up replica set ")?.split_once(" from ")?;
    let (from, to) = counts.split_once(" to ")?;
    Some((from.trim().parse().ok()?, to.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::scaled_up;

    #[test]
    fn the_controllers_words_on_a_scale_up_are_understood() {
        assert_eq!(scaled_up("Scaled up replica set web-7d9 from 3 to 5"), Some((3, 5)));
        assert_eq!(scaled_up("Scaled up replica set web-7d9 to 5"), None);
        assert_eq!(scaled_up("Scaled down replica set web-7d9 from 5 to 3"), None);
    }
}
