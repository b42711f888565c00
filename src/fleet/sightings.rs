//! What is worth remembering of health and rollouts while they are watched, for whoever tells the story afterwards.
//!
//! Owns which changes are sightings, and how many: only of the whole and of workloads, only what holds for a while, and no more than a
//! bounded number in any ten minutes, the others counted. Must not write anything down.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::health::Rollout;
use super::{Fleet, Up, WorkloadKey, WorkloadRow};
use crate::base::health::Health;

/// What does not hold for so long is no change.
const HOLD: SignedDuration = SignedDuration::from_secs(5);
/// In so long …
const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// … so many are remembered.
const MOST: usize = 200;

/// Something that was seen to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sighting {
    /// Since when it was so.
    pub at: Timestamp,
    /// `shop/deployment/api`; null = the whole that was looked at.
    pub workload: Option<String>,
    /// What changed.
    pub what: SightingKind,
    /// How it was; null when it was so at the first look.
    pub from: Option<String>,
    /// How it is.
    pub to: String,
    /// Why, as far as it was known.
    pub reason: String,
}

/// What a sighting is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SightingKind {
    /// Health.
    Health,
    /// A rollout: from one revision to another, stalled, done.
    Rollout,
    /// More than is remembered: how many.
    More,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Sightings {
    whole: Steady,
    workloads: BTreeMap<Arc<WorkloadKey>, Track>,
    revision: Option<u64>,
    /// Something waits to hold for long enough.
    unsettled: bool,
    window: Option<(Timestamp, usize)>,
    /// Those that were too many.
    more: usize,
}

/// A word that counts once it holds.
#[derive(Debug, Default)]
struct Steady {
    told: Option<&'static str>,
    next: Option<(&'static str, Timestamp)>,
}

impl Steady {
    /// How it was, and since when it is otherwise, once that holds.
    fn settle(&mut self, word: &'static str, now: Timestamp) -> Option<(Option<&'static str>, Timestamp)> {
        if self.told == Some(word) {
            self.next = None;
            return None;
        }
        match self.next {
            Some((next, since)) if next == word => {
                let holds = now.duration_since(since) >= HOLD;
                holds.then(|| {
                    self.next = None;
                    (self.told.replace(word), since)
                })
            }
            _ => {
                self.next = Some((word, now));
                None
            }
        }
    }
}

/// One workload.
#[derive(Debug, Default)]
struct Track {
    health: Steady,
    rollout: Steady,
    revision: Option<i64>,
    /// A new revision was seen, and not its end.
    rolling: bool,
}

impl Sightings {
    /// What there is to remember now. Workloads count only while what is seen of them is live: what cannot be seen did not change.
    pub fn look(&mut self, fleet: &Fleet, up: &Up, live: bool, now: Timestamp) -> Vec<Sighting> {
        let mut found = Vec::new();
        if let Some((from, at)) = self.whole.settle(up.health.word(), now) {
            found.push(health(None, from, up.health.word(), &up.text(), at));
        }
        if live && (self.unsettled || self.revision != Some(fleet.revision())) {
            self.revision = Some(fleet.revision());
            self.gone(fleet, now, &mut found);
            for row in fleet.rows() {
                self.workloads.entry(row.key.clone()).or_default().look(row, now, &mut found);
            }
            self.unsettled = self.workloads.values().any(|t| t.health.next.is_some() || t.rollout.next.is_some());
        }
        found.sort_by_key(|s| s.at);
        self.bounded(found, now)
    }

    fn gone(&mut self, fleet: &Fleet, now: Timestamp, found: &mut Vec<Sighting>) {
        let gone: Vec<Arc<WorkloadKey>> = self.workloads.keys().filter(|key| fleet.row(key).is_none()).cloned().collect();
        for key in gone {
            let was = self.workloads.remove(&key).and_then(|track| track.health.told);
            // Jobs and bare pods come and go.
            if let Some(was) = was.filter(|_| key.kind.kind().is_some_and(crate::target::model::Kind::is_workload)) {
                found.push(health(Some(key.id()), Some(was), "gone", "", now));
            }
        }
    }

    fn bounded(&mut self, mut found: Vec<Sighting>, now: Timestamp) -> Vec<Sighting> {
        let (began, mut count) = self.window.filter(|(began, _)| now.duration_since(*began) < WINDOW).unwrap_or((now, 0));
        if count == 0 && self.more > 0 {
            let more = std::mem::take(&mut self.more);
            let text = "changes of health and rollouts that are not listed".to_owned();
            found.insert(0, Sighting { at: now, workload: None, what: SightingKind::More, from: None, to: more.to_string(), reason: text });
        }
        let room = MOST.saturating_sub(count);
        self.more += found.len().saturating_sub(room);
        found.truncate(room);
        count += found.len();
        self.window = Some((began, count));
        found
    }
}

impl Track {
    fn look(&mut self, row: &WorkloadRow, now: Timestamp, found: &mut Vec<Sighting>) {
        let reason = row.reason().or(row.text.as_deref()).unwrap_or_default();
        if let Some((from, at)) = self.health.settle(row.health.word(), now)
            && (from.is_some() || !matches!(row.health, Health::Ok | Health::Off))
        {
            found.push(health(Some(row.key.id()), from, row.health.word(), reason, at));
        }
        let rollout = |from: Option<String>, to: String, reason: &str, at| Sighting {
            at,
            workload: Some(row.key.id()),
            what: SightingKind::Rollout,
            from,
            to,
            reason: reason.to_owned(),
        };
        if let (Some(was), Some(is)) = (self.revision, row.revision)
            && was != is
        {
            let images: Vec<&str> = row.images.iter().map(|i| &*i.image).collect();
            found.push(rollout(Some(format!("revision {was}")), format!("revision {is}"), &images.join(", "), now));
            (self.rolling, self.rollout) = (true, Steady { told: Some("begun"), next: None });
        }
        self.revision = row.revision.or(self.revision);
        let word = match row.rollout {
            Rollout::Stalled => "stalled",
            // Where pods of it are missing it has not come to its end, whatever the counts of the rollout say.
            Rollout::Done if matches!(row.health, Health::Ok | Health::Off) => "done",
            _ => "progressing",
        };
        let Some((_, at)) = self.rollout.settle(word, now) else { return };
        let revision = row.revision.map(|n| format!("revision {n}"));
        if word == "stalled" || (word == "done" && std::mem::take(&mut self.rolling)) {
            found.push(rollout(revision, word.to_owned(), if word == "stalled" { reason } else { "" }, at));
        }
    }
}

fn health(workload: Option<String>, from: Option<&str>, to: &str, reason: &str, at: Timestamp) -> Sighting {
    let from = from.map(str::to_owned);
    Sighting { at, workload, what: SightingKind::Health, from, to: to.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
