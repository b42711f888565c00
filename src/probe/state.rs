//! One probe over time: the tracks of its targets, its history, and what is shown of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::HISTORY;
use super::judge::Verdict;
use super::track::Track;
use crate::base::health::Health;
use crate::base::ring::Ring;
use crate::base::text::Str;
use crate::service::ProbeSpec;
use crate::target::probe::{ProbeReport, ProbeResult, ProbeSample};

/// One answer of one target, judged.
pub(super) type Judged = (Str, Verdict, Option<std::time::Duration>);

/// A probe and everything it has found.
#[derive(Debug, Clone)]
pub struct ProbeState {
    spec: Arc<ProbeSpec>,
    tracks: BTreeMap<Str, Track>,
    /// The verdict when there was nobody to ask.
    idle: Option<Verdict>,
    history: Ring<ProbeSample>,
    result: ProbeResult,
    since: Timestamp,
    at: Option<Timestamp>,
    latency: Option<std::time::Duration>,
}

impl ProbeState {
    /// A probe that was not asked yet.
    pub fn new(spec: Arc<ProbeSpec>, now: Timestamp) -> Self {
        Self {
            spec,
            tracks: BTreeMap::new(),
            idle: None,
            history: Ring::new(HISTORY, usize::MAX),
            result: ProbeResult::Unknown,
            since: now,
            at: None,
            latency: None,
        }
    }

    /// Takes a round: the answers of all targets. A target that was not asked in this round is forgotten (a pod that is gone).
    pub(super) fn apply(&mut self, round: Vec<Judged>, now: Timestamp) {
        self.tracks.retain(|target, _| round.iter().any(|(asked, ..)| asked == target));
        self.idle = None;
        let worst = round.iter().map(|(_, verdict, _)| verdict.result).max_by_key(|result| gravity(*result));
        let slowest = round.iter().filter_map(|(_, _, took)| *took).max();
        for (target, verdict, _) in round {
            let fresh = || Track::new(self.spec.fail_after, self.spec.pass_after, self.spec.optional);
            self.tracks.entry(target).or_insert_with(fresh).apply(verdict);
        }
        self.seen(worst.unwrap_or(ProbeResult::Unknown), slowest, now);
    }

    /// Takes a round in which there was nobody to ask, or no way to.
    pub(super) fn apply_idle(&mut self, verdict: Verdict, now: Timestamp) {
        self.tracks.clear();
        let result = verdict.result;
        self.idle = Some(verdict);
        self.seen(result, None, now);
    }

    fn seen(&mut self, sample: ProbeResult, latency: Option<std::time::Duration>, now: Timestamp) {
        self.at = Some(now);
        self.latency = latency;
        self.history.push(ProbeSample { at: now, result: sample, latency }, 0);
        let result = self.worst_result();
        if result != self.result {
            (self.result, self.since) = (result, now);
        }
    }

    /// The gravest result among the targets.
    fn worst_result(&self) -> ProbeResult {
        match &self.idle {
            Some(verdict) => verdict.result,
            None => self.tracks.values().map(Track::result).max_by_key(|result| gravity(*result)).unwrap_or(ProbeResult::Unknown),
        }
    }

    /// Its health. A probe of each pod is down when every pod fails, and degraded while one of them answers.
    pub fn health(&self) -> Health {
        if let Some(verdict) = &self.idle {
            let off = verdict.result == ProbeResult::NotImplemented && self.spec.optional;
            return if off { Health::Off } else { Health::Unknown };
        }
        let healths = || self.tracks.values().map(Track::health);
        match Health::worst(healths()).unwrap_or(Health::Unknown) {
            Health::Down if healths().any(|health| health != Health::Down) => Health::Degraded,
            worst => worst,
        }
    }

    /// Everything that is shown of it.
    pub fn report(&self) -> ProbeReport {
        let spec = &self.spec;
        let verdicts = || self.tracks.values().filter_map(Track::last).chain(&self.idle);
        ProbeReport {
            id: spec.id.as_str().into(),
            title: spec.title.as_deref().unwrap_or(&spec.id).into(),
            kind: spec.kind.word().into(),
            target: spec.kind.target().into(),
            result: self.result,
            health: self.health(),
            counts: self.at.is_none() || verdicts().any(|verdict| !verdict.excused),
            critical: spec.critical && spec.declared,
            since: self.since,
            at: self.at,
            latency: self.latency,
            detail: self.detail().into(),
            expires: verdicts().filter_map(|verdict| verdict.expires).min(),
            history: self.history.iter().copied().collect(),
        }
    }

    fn detail(&self) -> String {
        if let Some(verdict) = &self.idle {
            return verdict.detail.clone();
        }
        let mut tracks = self.tracks.iter();
        match (tracks.next(), tracks.next()) {
            (None, _) => "not asked yet".into(),
            (Some((_, only)), None) => only.detail(),
            _ => {
                let worst = self.tracks.iter().max_by_key(|(_, track)| track.health().severity());
                let good = self.tracks.values().filter(|track| track.health() == Health::Ok).count();
                let of = self.tracks.len();
                match worst.filter(|_| good < of) {
                    Some((pod, track)) => format!("{good} of {of} pods; {pod}: {}", track.detail()),
                    None => format!("{of} of {of} pods"),
                }
            }
        }
    }

    /// What is asked.
    pub fn spec(&self) -> &ProbeSpec {
        &self.spec
    }
}

/// Which of several results is shown for all: failed, then what is not known, then ok.
const fn gravity(result: ProbeResult) -> u8 {
    match result {
        ProbeResult::Ok => 0,
        ProbeResult::NotImplemented => 1,
        ProbeResult::Unauthorised => 2,
        ProbeResult::Unknown => 3,
        ProbeResult::Failed => 4,
    }
}
