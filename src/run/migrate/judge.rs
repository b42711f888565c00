//! The verdict on going back to each release, from what is cached: the record of releases, and what is seen of images and settings.
//!
//! Owns the joining of those into one answer, the same for the header, the lists and the check of a rollback. What lies between two
//! schemas is judged in the room `migrate`. Pure: it asks nobody.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::answer::Seen;
use super::job::Migration;
use super::releases::{self, Record};
use super::standing::{ago, is_ahead, is_news};
use crate::fleet::image::Image;
use crate::fleet::{Fleet, WorkloadKey};
use crate::migrate::Inspection;
use crate::migrate::verdict::Verdict;
use crate::release::{BackVerdict, Judged, Revision, references};
use crate::run::facts::{items, text};
use crate::service::MigrationTool;
use crate::target::model::{ContainerState, Kind};

/// Reasons of a pod that waits for an image that is nowhere.
const NOWHERE: [&str; 2] = ["ErrImageNeverPull", "InvalidImageName"];
/// Reasons of one that waits for an image; the message tells whether it is nowhere.
const PULLS: [&str; 2] = ["ErrImagePull", "ImagePullBackOff"];
/// What a registry says of an image that it has not.
const NOT_THERE: [&str; 3] = ["not found", "manifest unknown", "does not exist"];

/// What is known of the releases of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// What its record says.
    pub record: Record,
    /// What the database itself said last, where it could be asked.
    pub applied: Option<Applied>,
}

/// What a database says was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// When.
    pub at: Timestamp,
    /// Alembic's newest revision; every one of the other tools, in order.
    pub revisions: Vec<String>,
}

/// A database that was asked so short a time ago was asked just now.
const JUST_NOW: SignedDuration = SignedDuration::from_secs(10);
/// Revisions that are read at most: one that has more is left to inspections.
pub const MOST_APPLIED: usize = 5000;

impl Known {
    /// What the database itself said, where that is newer than what any inspection says; of clocks that differ, the one here is asked.
    fn said(&self, now: Timestamp) -> Option<&Applied> {
        let newest = self.record.seen().first().map(|seen| seen.at);
        let just_now = |at: Timestamp| newest.is_some_and(|newest| newest > now) && now.duration_since(at) <= JUST_NOW;
        self.applied.as_ref().filter(|said| newest.is_none_or(|newest| said.at > newest) || just_now(said.at))
    }

    /// What is applied to the database, by its newest word.
    pub(super) fn applied(&self, now: Timestamp) -> Vec<String> {
        let inspected = self.record.seen().first().map(|seen| &seen.inspection.applied);
        self.said(now).map(|said| &said.revisions).or(inspected).cloned().unwrap_or_default()
    }
}

impl Migration {
    /// Whether it moves the schema of this workload.
    pub fn is_about(&self, key: &WorkloadKey) -> bool {
        key.kind.kind() == Some(self.workload.kind) && *key.name == *self.workload.name
    }

    /// The one question by which a database tells what was applied; `None` where its tool keeps no record of it.
    pub const fn question(&self) -> Option<&'static str> {
        match self.tool {
            MigrationTool::Alembic => Some("select version_num from alembic_version order by 1"),
            MigrationTool::Django => Some("select app || '.' || name from django_migrations order by id"),
            MigrationTool::Prisma => {
                Some("select migration_name from _prisma_migrations where finished_at is not null and rolled_back_at is null order by started_at")
            }
            MigrationTool::Sql => None,
        }
    }
}

/// What a verdict rests on.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// How the schema is moved.
    pub migration: &'a Migration,
    /// What is known.
    pub known: &'a Known,
    /// Now.
    pub now: Timestamp,
}

/// A verdict on an image, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) struct Judgement {
    pub verdict: Verdict,
    /// `as of 4m ago`; empty where nothing was asked.
    pub asked: String,
    /// The image that has what lies above, where one is needed.
    pub from: Option<Seen>,
}

impl Judge<'_> {
    /// On a revision of the workload, as far as it is seen; `None` for workloads whose schema is nobody's.
    pub fn judge(&self, fleet: &Fleet, key: &WorkloadKey, revision: &Revision) -> Option<Judged> {
        if !self.migration.is_about(key) {
            return None;
        }
        let own = |i: &&crate::fleet::RowImage| self.migration.container.as_ref().is_none_or(|name| **name == *i.container);
        let image = revision.images.iter().find(own)?;
        if let Some(gone) = revision.images.iter().find_map(|i| gone(fleet, &key.namespace, &i.image)) {
            return Some(Judged { verdict: BackVerdict::Impossible, reasons: vec![gone], evidence: String::new() });
        }
        let judgement = self.of(&image.image, image.digest.as_deref());
        let (verdict, mut reasons) = judgement.said(&image.image);
        let settings = self.find(&image.image, image.digest.as_deref()).map(|seen| &seen.settings);
        reasons.extend(changed(settings, |kind, name| {
            let known = fleet.configs(kind).find(|m| *m.meta.namespace == *key.namespace && *m.meta.name == *name);
            known.map(|m| version(&m.meta.uid, m.meta.resource_version))
        }));
        Some(Judged { verdict, reasons, evidence: judgement.asked })
    }

    /// On an image, by its name and, where that is known, its digest.
    pub(in crate::run) fn of(&self, image: &str, digest: Option<&str>) -> Judgement {
        let unknown = |why: String| Judgement { verdict: Verdict::Unknown(why), asked: String::new(), from: None };
        if let Some(why) = self.known.record.unread() {
            return unknown(format!("what is known of releases cannot be read: {why}"));
        }
        let Some((newest, own)) = self.known.record.seen().first().zip(self.find(image, digest)) else {
            return unknown(format!("{image} was not inspected: whether it can run on the database as it is now is not known"));
        };
        let all: Vec<&Inspection> = self.known.record.seen().iter().map(|s| &s.inspection).collect();
        // What the database itself said since the last inspection.
        let said = self.known.said(self.now);
        let database = said.map(|said| Inspection { applied: said.revisions.clone(), ..newest.inspection.clone() });
        let asked_at = said.map_or(newest.at, |said| said.at);
        let verdict = Verdict::of(&own.inspection, database.as_ref().unwrap_or(&newest.inspection), &all);
        let has = |seen: &&Seen, id: &String| seen.inspection.revisions.iter().any(|r| r.id == *id);
        let from = verdict
            .way()
            .and_then(|way| self.known.record.seen().iter().find(|seen| way.above.iter().all(|id| has(seen, id))));
        // What was written since they were counted is not among them; whoever takes it back counts once more.
        let counted = |seen: &&Seen, id: &String| seen.inspection.returns.iter().any(|r| r.id == *id);
        let oldest = verdict.way().and_then(|way| {
            let each = way.above.iter().filter_map(|id| self.known.record.seen().iter().find(|seen| counted(seen, id)));
            each.map(|seen| seen.at).min()
        });
        let counted = oldest.filter(|at| *at < asked_at).map(|at| format!(", its rows counted {}", ago(at, self.now)));
        let asked = format!("as of {}{}", ago(asked_at, self.now), counted.unwrap_or_default());
        // What stood in the way may stand there still; that nothing did is no word of now.
        let verdict = match verdict {
            Verdict::Safe if is_ahead(asked_at, self.now) => Verdict::Unknown(format!("a clock is wrong: {image} fits the database")),
            Verdict::Safe if !is_news(asked_at, self.now) => Verdict::Unknown(format!("{image} fitted the database, which may have moved since")),
            other => other,
        };
        Judgement { from: from.cloned(), asked, verdict }
    }

    /// What is known of an image. A name that stands for another image now says nothing of it.
    fn find(&self, image: &str, digest: Option<&str>) -> Option<&Seen> {
        let digest = digest.or_else(|| Image::parse(image).digest).map(|d| d.rsplit('@').next().unwrap_or(d));
        let by_digest = digest.and_then(|d| self.known.record.seen().iter().find(|seen| seen.digest == d));
        by_digest.or_else(|| {
            let seen = releases::find(self.known.record.seen(), image)?;
            digest.is_none_or(|d| seen.digest.is_empty() || seen.digest == d).then_some(seen)
        })
    }
}

impl Judgement {
    /// The verdict, and the reasons why it is not simply safe.
    pub(in crate::run) fn said(&self, image: &str) -> (BackVerdict, Vec<String>) {
        let asked = &self.asked;
        match &self.verdict {
            Verdict::Safe => (BackVerdict::Safe, Vec::new()),
            Verdict::NeedsDowngrade(way) => (BackVerdict::NeedsDowngrade, vec![format!("the database has {} above {image}, {asked}", way.words())]),
            Verdict::LosesData(way, lost) => {
                let mut reasons = lost.clone();
                reasons.push(format!("the database has {} above {image}, {asked}", way.words()));
                (BackVerdict::LosesData, reasons)
            }
            Verdict::Impossible(_, why) => (BackVerdict::Impossible, vec![format!("{why}, {asked}")]),
            Verdict::Unknown(why) if asked.is_empty() => (BackVerdict::Unknown, vec![why.clone()]),
            Verdict::Unknown(why) | Verdict::Above(why) => (BackVerdict::Unknown, vec![format!("{why}, {asked}")]),
        }
    }
}

/// What a workload's template refers to, each with its version: of the record of an image. `read` answers the metadata of one.
pub(in crate::run) fn settings(template: &Value, of: impl Fn(Kind, &str) -> Option<String>) -> BTreeMap<String, String> {
    let own = references(template).into_iter().filter(|r| r.kind != Kind::PersistentVolumeClaim);
    own.filter_map(|r| Some((format!("{} {}", r.kind.word(), r.name), of(r.kind, &r.name)?))).collect()
}

/// One version of an object, without a word of what is in it.
pub(in crate::run) fn version(uid: &str, resource_version: u64) -> String {
    format!("{uid}/{resource_version}")
}

/// What of these settings is another version now. What cannot be seen is said to be unknown.
fn changed(settings: Option<&BTreeMap<String, String>>, now: impl Fn(Kind, &str) -> Option<String>) -> Vec<String> {
    let Some(settings) = settings.filter(|s| !s.is_empty()) else { return Vec::new() };
    let of = |name: &String| {
        let (kind, name) = name.split_once(' ')?;
        now(Kind::parse(kind)?, name)
    };
    let all: Vec<(&String, Option<bool>)> = settings.iter().map(|(name, then)| (name, of(name).map(|now| now != *then))).collect();
    let names = |wanted: Option<bool>| all.iter().filter(|(_, c)| *c == wanted).map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    let (moved, unseen) = (names(Some(true)), names(None));
    let mut said = Vec::new();
    if !moved.is_empty() {
        said.push(format!("changed since, and does not go back: {}", moved.join(", ")));
    }
    if !unseen.is_empty() {
        said.push(format!("whether it changed since is not known: {}", unseen.join(", ")));
    }
    said
}

/// Whether an image is proven to be nowhere: a pod waits for it, and says so.
fn gone(fleet: &Fleet, namespace: &str, image: &str) -> Option<String> {
    let pods = fleet.pods().filter(|e| &*e.pod.meta.namespace == namespace);
    let waiting = pods.flat_map(|e| e.pod.containers.iter().map(move |c| (&e.pod.meta.name, c)));
    waiting.filter(|(_, c)| &*c.image == image).find_map(|(pod, c)| {
        let ContainerState::Waiting { reason, message } = &c.state else { return None };
        is_nowhere(reason, message).then(|| gone_words(image, pod, reason))
    })
}

/// The same of pods as the server has them.
pub(in crate::run) fn gone_by(pods: &[Value], image: &str) -> Option<String> {
    pods.iter().find_map(|pod| {
        items(pod, "/status/containerStatuses").filter(|c| c["image"] == image).find_map(|c| {
            let (reason, message) = (text(c, "/state/waiting/reason"), text(c, "/state/waiting/message"));
            is_nowhere(&reason, &message).then(|| gone_words(image, &text(pod, "/metadata/name"), &reason))
        })
    })
}

fn gone_words(image: &str, pod: &str, reason: &str) -> String {
    format!("{image} is not to be had any more: pod {pod} says {reason}")
}

fn is_nowhere(reason: &str, message: &str) -> bool {
    let message = message.to_lowercase();
    NOWHERE.contains(&reason) || (PULLS.contains(&reason) && NOT_THERE.iter().any(|words| message.contains(words)))
}

#[cfg(test)]
mod tests;
