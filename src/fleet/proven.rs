//! Which revisions were seen fully ready, and what they ran.
//!
//! Owns a memory by the identity of the revision's object: Kubernetes itself does not keep it. What nobody saw is unknown, not no.

use std::collections::HashMap;

use super::Fleet;
use super::row::RowImage;
use crate::base::text::Str;
use crate::target::model::{Kind, ReplicaSet, Workload, condition};

/// What was seen of revisions.
#[derive(Debug, Default)]
pub(crate) struct Proven {
    by_uid: HashMap<Str, SeenRevision>,
}

/// What was seen of one revision.
#[derive(Debug, Default)]
struct SeenRevision {
    ready: bool,
    digests: Vec<(Str, Str)>,
}

impl Proven {
    fn digest(&self, uid: &str, container: &str) -> Option<&Str> {
        self.by_uid.get(uid)?.digests.iter().find(|(c, _)| &**c == container).map(|(_, d)| d)
    }

    pub(crate) fn forget(&mut self, uid: &str) {
        self.by_uid.remove(uid);
    }
}

impl Fleet {
    /// Whether a revision was ever seen fully ready; `None` = not known.
    pub fn ready_once(&self, revision_uid: &str) -> Option<bool> {
        self.proven.by_uid.get(revision_uid).filter(|s| s.ready).map(|_| true)
    }

    /// The digest that a container of a revision was seen to run.
    pub fn digest_seen(&self, revision_uid: &str, container: &str) -> Option<&Str> {
        self.proven.digest(revision_uid, container)
    }

    /// Identity of the object of a workload's current revision.
    pub fn current_revision_uid(&self, w: &Workload) -> Option<Str> {
        if w.kind == Kind::Deployment {
            let number = super::revision_number(&w.meta)?;
            return self
                .replica_sets_of(w)
                .find(|rs| super::revision_number(&rs.meta) == Some(number))
                .map(|rs| rs.meta.uid.clone());
        }
        self.current_controller_revision(w).map(|cr| cr.meta.uid.clone())
    }

    /// Takes note of a ReplicaSet that has all its Deployment wants.
    pub(crate) fn note_full(&mut self, set: &ReplicaSet) {
        let owner = set.meta.owner.as_ref().and_then(|o| self.workload(Kind::Deployment, &set.meta.namespace, &o.name));
        if set.desired > 0 && set.ready >= set.desired && owner.is_some_and(|w| set.desired >= w.desired) {
            self.proven.by_uid.entry(set.meta.uid.clone()).or_default().ready = true;
        }
    }

    /// Takes note of a workload that was judged: everything ready and updated proves its current revision.
    pub(crate) fn note_judged(&mut self, w: &Workload, images: &[RowImage]) {
        let complete = w.desired > 0 && w.ready >= w.desired && w.updated >= w.desired && w.observed_generation >= w.meta.generation;
        let said = condition(&w.conditions, "Progressing").is_some_and(|c| &*c.reason == "NewReplicaSetAvailable");
        if !complete && !said {
            return;
        }
        let Some(uid) = self.current_revision_uid(w) else { return };
        let seen = self.proven.by_uid.entry(uid).or_default();
        seen.ready = true;
        for (container, digest) in images.iter().filter_map(|i| Some((&i.container, i.digest.as_ref()?))) {
            match seen.digests.iter_mut().find(|(c, _)| c == container) {
                Some(known) if complete => known.1 = digest.clone(),
                Some(_) => {}
                None => seen.digests.push((container.clone(), digest.clone())),
            }
        }
    }
}
