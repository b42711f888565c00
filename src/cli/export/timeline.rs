//! The timeline of an export: runs, what consoles saw of health and rollouts, and the cluster's own events and revisions, in the order
//! of their times.
//!
//! Owns the merge, and what is told once although it was seen twice. Must not ask anybody.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::safe;
use crate::cli::releases::workloads;
use crate::fleet::{Fleet, SightingKind};
use crate::release;
use crate::run::journal::{Entry, Seen};
use crate::target::model::Event;

/// Two consoles that look at the same see it within so long of each other.
const SAME: SignedDuration = SignedDuration::from_secs(15);
/// A console sees a new revision within so long of its object being made.
const NEAR: SignedDuration = SignedDuration::from_secs(120);
/// What reports the events that runs write.
const OURS: &str = "timonel.io/console";

/// A span of time.
pub(super) struct Span {
    pub since: Option<Timestamp>,
    pub until: Timestamp,
}

impl Span {
    pub(super) fn has(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at >= since) && at <= self.until
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Moment {
    /// When, in UTC.
    pub at: Timestamp,
    /// When, in the local time zone: `2026-11-22 15:33:12 CET`.
    pub local: String,
    /// Where it is known from.
    pub source: Source,
    /// The run that it belongs to.
    pub run: Option<String>,
    /// Context of the kubeconfig, where it was seen or asked for.
    pub context: Option<String>,
    /// What it is about: `shop/deployment/api`, `Pod shop/api-5d8f`; null = the whole, or a run.
    pub object: Option<String>,
    /// What happened.
    pub text: String,
}

/// Where something is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Source {
    /// The journal.
    Run,
    /// The cluster's revisions, or a console saw it.
    Rollout,
    /// A console saw it.
    Health,
    /// The cluster's events.
    Event,
}

impl Source {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Health => "health",
            Self::Rollout => "rollout",
            Self::Event => "event",
        }
    }
}

/// Everything in the span, in the order of its seconds.
pub(super) fn merged(entries: &[Entry], seen: &[Seen], fleet: Option<&Fleet>, context: Option<&str>, span: &Span, zone: &TimeZone) -> Vec<Moment> {
    let merge = Merge { span, zone };
    let mut all = merge.runs(entries);
    let told: BTreeSet<&str> = entries.iter().filter_map(|e| e.run.as_deref()).collect();
    let (mut rollouts, events) = fleet.map(|fleet| (merge.rollouts(fleet, context), merge.events(fleet, context, &told))).unwrap_or_default();
    all.extend(merge.sightings(seen, &mut rollouts));
    all.extend(rollouts);
    all.extend(events);
    // A cluster's times have no fractions: within one second what was done here comes before what came of it there.
    all.sort_by_key(|m| (m.at.as_second(), m.at.subsec_nanosecond() == 0, m.at, m.source));
    all
}

/// The time as a cluster writes it.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

struct Merge<'a> {
    span: &'a Span,
    zone: &'a TimeZone,
}

impl Merge<'_> {
    fn moment(&self, at: Timestamp, source: Source, text: &str) -> Moment {
        let local = at.to_zoned(self.zone.clone()).strftime("%F %T %Z").to_string();
        Moment { at, local, source, run: None, context: None, object: None, text: safe(text) }
    }

    fn runs(&self, entries: &[Entry]) -> Vec<Moment> {
        let line = |e: &Entry| {
            let (_, text) = e.run.as_ref().and_then(|_| crate::run::moment(e))?;
            Some(Moment { run: e.run.clone(), ..self.moment(e.at, Source::Run, &text) })
        };
        entries.iter().filter(|e| self.span.has(e.at)).filter_map(line).collect()
    }

    /// What consoles saw, unless another console or the cluster itself tells the same. A revision that a console saw within the second
    /// that the cluster names takes the console's time: what the console saw next came after it.
    fn sightings(&self, seen: &[Seen], rollouts: &mut [Moment]) -> Vec<Moment> {
        let mut found: Vec<Moment> = Vec::new();
        for seen in seen.iter().filter(|s| self.span.has(s.sighting.at)) {
            let s = &seen.sighting;
            let from = s.from.as_ref().map_or_else(|| "at the first look".to_owned(), |from| format!("{from} ->"));
            let reason = if s.reason.is_empty() { String::new() } else { format!(": {}", s.reason) };
            let (source, text) = match s.what {
                SightingKind::Health => (Source::Health, format!("{from} {}{reason}", s.to)),
                SightingKind::Rollout => (Source::Rollout, format!("{from} {}{reason}", s.to)),
                SightingKind::More => (Source::Health, format!("{} more {}", s.to, s.reason)),
            };
            let moment = Moment {
                context: Some(safe(&seen.context)),
                object: s.workload.as_deref().map(safe),
                ..self.moment(s.at, source, &text)
            };
            let near = |other: &Moment, within: SignedDuration| other.object == moment.object && s.at.duration_since(other.at).abs() <= within;
            let twice = found
                .iter()
                .rev()
                .take_while(|f| s.at.duration_since(f.at) <= SAME)
                .any(|f| f.text == moment.text && near(f, SAME));
            let new_revision = s.what == SightingKind::Rollout && s.to.starts_with("revision ");
            let told = rollouts
                .iter_mut()
                .filter(|_| new_revision)
                .find(|r| r.context == moment.context && near(r, NEAR) && r.text.starts_with(&s.to));
            match told {
                Some(rollout) if rollout.at == whole_second(s.at) => rollout.at = s.at,
                None if !twice => found.push(moment),
                _ => {}
            }
        }
        found
    }

    /// The revisions that are still there, when each became the current one.
    fn rollouts(&self, fleet: &Fleet, context: Option<&str>) -> Vec<Moment> {
        let mut found = Vec::new();
        for key in workloads(fleet) {
            for revision in release::history(fleet, &key) {
                let Some(at) = revision.at.and_then(|s| Timestamp::from_second(s).ok()).filter(|at| self.span.has(*at)) else { continue };
                let version = revision.version().map(|v| format!(" ({v})")).unwrap_or_default();
                let by = revision.by.text().map(|by| format!(" by {by}")).unwrap_or_default();
                let cause = revision.cause.as_ref().map(|c| format!(": {c}")).unwrap_or_default();
                let text = format!("revision {}{version}{by}{cause}", revision.number);
                found.push(Moment { context: context.map(safe), object: Some(safe(&key.id())), ..self.moment(at, Source::Rollout, &text) });
            }
        }
        found
    }

    /// The cluster's events; those of runs that the journal tells are told by it.
    fn events(&self, fleet: &Fleet, context: Option<&str>, told: &BTreeSet<&str>) -> Vec<Moment> {
        let own = |e: &Event| {
            let run = e.message.strip_prefix("run ").and_then(|rest| rest.split(':').next());
            &*e.source == OURS && run.is_some_and(|run| told.contains(run))
        };
        let moment = |e: &Event| {
            let at = Timestamp::from_second(e.last).ok().filter(|at| self.span.has(*at))?;
            let since = Timestamp::from_second(e.first).ok().filter(|_| e.count > 1 && e.first < e.last);
            let since = since.map(|at| format!(", since {}", at.to_zoned(TimeZone::UTC).strftime("%T UTC"))).unwrap_or_default();
            let count = if e.count > 1 { format!(" ({}x{since})", e.count) } else { String::new() };
            let warning = if e.warning { "Warning " } else { "" };
            let place = if e.about_namespace.is_empty() { String::new() } else { format!("{}/", e.about_namespace) };
            Some(Moment {
                context: context.map(safe),
                object: Some(safe(&format!("{} {place}{}", e.about_kind, e.about_name))),
                ..self.moment(at, Source::Event, &format!("{warning}{}: {}{count}", e.reason, e.message.trim_end()))
            })
        };
        fleet.events().filter(|e| !own(e)).filter_map(|e| moment(e)).collect()
    }
}
