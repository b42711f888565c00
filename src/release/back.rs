//! BACK: can we go back, to what, and what is not known about it.
//!
//! Without the knowledge of a schema no way back is called safe: it is unknown, and the reasons say what is missing. Never looks
//! like good news.

use schemars::JsonSchema;
use serde::Serialize;

use super::history::{Revision, history};
use crate::fleet::{Fleet, WorkloadKey};
use crate::target::model::{Kind, ObjectRef, Seconds};

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// Of what.
    pub workload: WorkloadKey,
    /// The revision that one would return to.
    pub to: Option<Target>,
    /// Whether that is safe.
    pub verdict: BackVerdict,
    /// Why it is not simply safe; never empty unless it is.
    pub reasons: Vec<String>,
    /// What the verdict rests on, and how old that is; empty = nothing was asked.
    pub evidence: String,
    /// How long it took the last time, where that is known.
    pub estimate: Option<Seconds>,
}

/// The revision that one would return to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its number.
    pub revision: i64,
    /// Its tag or digest.
    pub version: Option<String>,
    /// Whether it was seen fully ready; `None` = not known.
    pub ready_once: Option<bool>,
}

/// Whether a way back is safe (cli.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BackVerdict {
    /// Nothing would be lost.
    Safe,
    /// The schema has to go back first.
    NeedsDowngrade,
    /// Data would be lost.
    LosesData,
    /// There is nothing to return to.
    Impossible,
    /// Cannot be told.
    Unknown,
}

impl BackVerdict {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::NeedsDowngrade => "needs-downgrade",
            Self::LosesData => "loses-data",
            Self::Impossible => "impossible",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether one release can be gone back to, by what is known of its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Whether it can.
    pub verdict: BackVerdict,
    /// Why it is not simply safe.
    pub reasons: Vec<String>,
    /// What the verdict rests on: `as of 4m ago`; empty = nothing was asked.
    pub evidence: String,
}

impl Judged {
    /// In one line: `needs downgrade: the database has b2 above shop:1, as of 4m ago`.
    pub fn words(&self) -> String {
        let why = if self.reasons.is_empty() { self.evidence.clone() } else { self.reasons.join("; ") };
        if why.is_empty() { self.verdict.text().to_owned() } else { format!("{}: {why}", self.verdict.text()) }
    }
}

/// Judges a revision of a workload; `None` where nothing is declared about its schema.
pub type Judging<'a> = &'a dyn Fn(&WorkloadKey, &Revision) -> Option<Judged>;

impl BackVerdict {
    /// As people read it: `needs downgrade`.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::NeedsDowngrade => "needs downgrade",
            Self::LosesData => "loses data",
            Self::Impossible => "impossible",
            Self::Unknown => "unknown",
        }
    }
}

impl Back {
    /// With how long it took the last time, where there is something to return to.
    #[must_use]
    pub fn taking(self, seconds: Option<Seconds>) -> Self {
        Self { estimate: seconds.filter(|_| self.to.is_some()), ..self }
    }

    /// One line for the header: `v1.8.2 safe, ~40 s`, `v1.8.2 unknown: never seen ready here`. What is good says how old that is.
    pub fn text(&self) -> String {
        let price = self.estimate.map(|s| if s < 120 { format!(", ~{s} s") } else { format!(", ~{} min", s.div_euclid(60)) });
        let good = self.verdict == BackVerdict::Safe && !self.evidence.is_empty();
        let age = if good { format!(" {}", self.evidence) } else { String::new() };
        let word = format!("{}{}{age}", self.verdict.text(), price.unwrap_or_default());
        let to = self.to.as_ref().map(|t| t.version.clone().unwrap_or_else(|| format!("revision {}", t.revision)));
        let why = self.reasons.first().map(String::as_str);
        match (to, why) {
            (Some(to), Some(why)) => format!("{to} {word}: {why}"),
            (Some(to), None) => format!("{to} {word}"),
            (None, Some(why)) => format!("{word}: {why}"),
            (None, None) => word,
        }
    }
}

/// Workloads that changed within this time were released together.
const TOGETHER: Seconds = 600;

/// The workload that BACK is about: the one whose current revision is the newest, among those that count. Of several that were released
/// together it is the one whose schema decides whether all of them can go back: `owns` says which.
pub fn subject(fleet: &Fleet, counts: &dyn Fn(&WorkloadKey) -> bool, owns: &dyn Fn(&WorkloadKey) -> bool) -> Option<WorkloadKey> {
    let all = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet].into_iter().flat_map(|kind| fleet.workloads(kind));
    let dated = all.filter_map(|w| {
        let key = WorkloadKey::of(&ObjectRef::new(w.kind, w.meta.namespace.clone(), w.meta.name.clone())).filter(|k| counts(k))?;
        let revisions = fleet
            .replica_sets_of(w)
            .map(|rs| rs.meta.created)
            .chain(fleet.controller_revisions_of(w).map(|cr| cr.meta.created));
        let (mut count, mut newest) = (0, None);
        for created in revisions {
            (count, newest) = (count + 1, newest.max(Some(created)));
        }
        // One that was never changed has nothing to return to: asked only where there is no other.
        Some(((count > 1, newest), key))
    });
    let dated: Vec<((bool, Option<Seconds>), WorkloadKey)> = dated.collect();
    let newest = dated.iter().map(|(age, _)| *age).max()?;
    let together = |(returns, made): (bool, Option<Seconds>)| returns == newest.0 && made >= newest.1.map(|at| at - TOGETHER);
    let all = dated.into_iter().filter(|(age, _)| together(*age));
    all.max_by_key(|(age, key)| (owns(key), *age)).map(|(_, key)| key)
}

/// Can we go back? `judge` says what is known of the schema.
pub fn back(fleet: &Fleet, key: &WorkloadKey, judge: Judging<'_>) -> Back {
    let revisions = history(fleet, key);
    let blank = Back {
        workload: key.clone(),
        to: None,
        verdict: BackVerdict::Unknown,
        reasons: Vec::new(),
        evidence: String::new(),
        estimate: None,
    };
    let Some(current) = revisions.iter().find(|r| r.current) else {
        return Back { reasons: vec![format!("the revisions of {} cannot be seen", key.name)], ..blank };
    };
    let older: Vec<&Revision> = revisions.iter().filter(|r| r.number < current.number).collect();
    // One that was made after the current one and is older now was left by going back: undoing twice must not return to it.
    let left = |r: &&&Revision| r.made > current.made;
    let kept = older.iter().find(|r| !left(r));
    // The newest that is safe; where none is, the one that a rollback would take by itself.
    let safe = |r: &&&Revision| judge(key, r).is_some_and(|j| j.verdict == BackVerdict::Safe);
    let safe = older.iter().find(|r| safe(r) && r.ready_once == Some(true)).or_else(|| older.iter().find(safe));
    let Some(to) = safe.or_else(|| older.iter().find(|r| r.ready_once == Some(true))).or(kept).or(older.first()) else {
        return Back { verdict: BackVerdict::Impossible, reasons: vec![format!("{} has no older revision", key.name)], ..blank };
    };
    let judged = judge(key, to);
    // What is good needs no words but its age; what is not goes first.
    let judged = judged.unwrap_or(Judged { verdict: BackVerdict::Unknown, reasons: Vec::new(), evidence: String::new() });
    let Judged { verdict, mut reasons, evidence } = judged;
    let named = verdict != BackVerdict::Unknown || !reasons.is_empty();
    if to.ready_once != Some(true) {
        reasons.push("not known whether it was ever fully ready".to_owned());
    }
    if key.kind.kind().and_then(|k| fleet.workload(k, &key.namespace, &key.name)).is_some_and(|w| w.paused) {
        reasons.push(format!("{} is paused", key.name));
    }
    if !named {
        reasons.push("no service file names the migrations".to_owned());
    }
    if to.images.iter().any(|i| i.digest.is_none()) {
        reasons.push("its digest is not known: the tag may have moved".to_owned());
    }
    let to = Target { revision: to.number, version: to.version(), ready_once: to.ready_once };
    Back { to: Some(to), verdict, reasons, evidence, ..blank }
}

#[cfg(test)]
mod tests;
