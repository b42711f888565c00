//! Why a workload is not ok: refused pods, else its worst pod, else what the verdict says.

use super::{Cause, Link, Trouble, message};
use crate::base::health::Health;
use crate::fleet::health;
use crate::fleet::objects::PodEntry;
use crate::fleet::row::WorkloadRow;
use crate::fleet::sketch::int;
use crate::fleet::workload::WorkloadKind;
use crate::fleet::{Fleet, columns};
use crate::target::model::{Event, Meta, Seconds, condition};

/// Events of refused pods count while the controller still tries.
const RECENT: Seconds = 900;

impl Fleet {
    /// The root cause of a workload that is not ok.
    pub(crate) fn explain(&self, row: &WorkloadRow, pods: &[&PodEntry], now: Seconds) -> Option<Cause> {
        let says = row.text.clone().unwrap_or_else(|| row.health.word().to_owned());
        let top = Link::new(format!("{} {}", row.key.kind.word(), row.key.name), says.clone(), None);
        if row.key.kind == WorkloadKind::Pod {
            return pods.first().and_then(|e| super::pod(self, e, now));
        }
        if let Some(refused) = self.refused(row, now) {
            return Some(refused.under(&says, top));
        }
        let worst = pods
            .iter()
            .filter_map(|e| Some((health::pod(&e.pod, now).health, *e, super::pod(self, e, now)?)))
            .filter(|(health, ..)| !matches!(health, Health::Ok | Health::Off))
            .min_by_key(|(health, _, cause)| (cause.trouble == Trouble::Starting, std::cmp::Reverse(health.severity())));
        let Some((_, entry, cause)) = worst else {
            return Some(Cause { chain: vec![top], ..Cause::new(Trouble::Rollout, first_words(&says), says, None) });
        };
        let mut cause = cause;
        if let Some(owner) = entry.pod.meta.owner.as_ref().filter(|o| *o.kind != *row.key.kind.word()) {
            cause.chain.insert(0, Link::new(format!("{} {}", owner.kind, owner.name), self.owner_says(entry), None));
        }
        let pod = format!("{says}: pod {}", short_name(&entry.pod.meta));
        Some(cause.under(&pod, top))
    }

    fn owner_says(&self, entry: &PodEntry) -> String {
        let Some(owner) = &entry.pod.meta.owner else { return String::new() };
        let namespace = &entry.pod.meta.namespace;
        let set = self.replica_set(namespace, &owner.name).map(|rs| format!("{} of {} ready", rs.ready, rs.desired));
        let job = || self.job(namespace, &owner.name).map(|job| columns::job_status(job).to_owned());
        set.or_else(job).unwrap_or_default()
    }

    /// Pods that were refused: by a quota, by an admission rule.
    fn refused(&self, row: &WorkloadRow, now: Seconds) -> Option<Cause> {
        let w = row.key.kind.kind().and_then(|k| self.workload(k, &row.key.namespace, &row.key.name));
        let sets = w.into_iter().flat_map(|w| self.replica_sets_of(w));
        let conditions = w.map(|w| &w.conditions).into_iter().chain(sets.map(|rs| &rs.conditions));
        let failure = conditions.filter_map(|c| condition(c, "ReplicaFailure")).find(|c| c.status == Some(true));
        let lately = |e: &&Event| &*e.reason == "FailedCreate" && now - e.last < RECENT;
        let (full, since) = if let Some(c) = failure {
            (&*c.message, c.since)
        } else {
            let event = self.events_about(&row.uid).map(|e| &**e).find(lately)?;
            (&*event.message, Some(event.first))
        };
        if failure.is_none() && int(row.pods) >= row.desired {
            return None;
        }
        let said = message::first_words(message::refusal(full), 120);
        let short = if full.contains("exceeded quota") { "quota" } else { "pods refused" };
        let cause = Cause::new(Trouble::Quota, short, format!("pods are refused: {said}"), since);
        Some(cause.link("controller", full, since))
    }
}

/// `…-ghi` for a pod whose name its ReplicaSet generated, else the name.
fn short_name(meta: &Meta) -> String {
    match (&meta.owner, meta.name.rsplit_once('-')) {
        (Some(owner), Some((_, tail))) if &*owner.kind == "ReplicaSet" => format!("…-{tail}"),
        _ => meta.name.to_string(),
    }
}

fn first_words(text: &str) -> String {
    text.split([':', ',']).next().unwrap_or(text).to_owned()
}
