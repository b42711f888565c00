//! Changes that are armed with a timer: arming a plan on screen, and what is armed now.
//!
//! Owns the times that the key goes through, and when a timer that this console did not arm is offered to be taken up. When a change is
//! taken back, and who may, is `run`'s.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::App;
use super::effect::{Effect, PlanRequest};
use super::overlay::Overlay;
use crate::action::Action;
use crate::base::text::Str;
use crate::fleet::armed::Armed;
use crate::run::armed::PARAMETER;
use crate::run::several;
use crate::target::model::ObjectRef;

/// The times that the key goes through.
const TIMES: [&str; 3] = ["10m", "30m", "2h"];

impl App {
    /// The same plan, to be taken back after the next of these times unless it is kept; after the last, for good.
    pub(super) fn arm(&mut self) -> Vec<Effect> {
        let Some(Overlay::Plan(panel)) = self.overlays.last() else { return Vec::new() };
        if !["scale", "pause", "suspend"].contains(&&*panel.request.action) {
            return self.refuse("scale, pause and suspend can be armed");
        }
        let request = panel.request.clone();
        let is_timer = |p: &&String| p.split('=').next() == Some(PARAMETER);
        let now = request.parameters.iter().find(is_timer).and_then(|p| p.split('=').nth(1).map(ToOwned::to_owned));
        let next = now.map_or(TIMES.first(), |now| TIMES.iter().skip_while(|t| **t != now).nth(1));
        let mut parameters: Vec<String> = request.parameters.iter().filter(|p| !is_timer(p)).cloned().collect();
        parameters.extend(next.map(|time| format!("{PARAMETER}={time}")));
        self.overlays.pop();
        self.open_plan(PlanRequest { parameters, ..request })
    }

    /// Armed runs that another process carried out: each is taken up once, where our own journal holds it.
    pub(super) fn take_up(&mut self) -> Vec<Effect> {
        let new = |a: &Armed| !self.owing.taken_up.contains(&a.run) && self.runs.get(&a.run).is_none();
        let new: BTreeSet<Str> = self.fleet.armed().into_iter().filter(new).map(|a| a.run).collect();
        if new.is_empty() || self.unavailable(Action::Scale).is_some() {
            return Vec::new();
        }
        self.owing.taken_up.extend(new.iter().cloned());
        new.into_iter().map(|run| Effect::TakeUp(run.to_string())).collect()
    }

    /// Notes that this console takes back what another one of its operator armed.
    pub(super) fn watches(&mut self, run: &str) -> Vec<Effect> {
        self.owing.watched.insert(run.into());
        Vec::new()
    }

    /// What nobody takes back while this console is away: it armed it, or took its timer up.
    pub(super) fn needs_this_console(&self) -> Option<ArmedRun> {
        let ours = |a: &ArmedRun| self.runs.get(&a.run).is_some() || self.owing.watched.contains(&a.run);
        self.armed().into_iter().find(ours)
    }

    /// What is armed and not expired, by the run that armed it, the next to be taken back first.
    pub fn armed(&self) -> Vec<ArmedRun> {
        let mut runs: Vec<ArmedRun> = Vec::new();
        for armed in self.fleet.armed().into_iter().filter(|a| a.expires > self.now) {
            match runs.iter_mut().find(|r| r.run == armed.run) {
                Some(run) => {
                    run.expires = run.expires.max(armed.expires);
                    run.objects.push(armed.back.object);
                }
                None => runs.push(ArmedRun {
                    run: armed.run,
                    by: armed.by,
                    action: armed.action,
                    expires: armed.expires,
                    objects: vec![armed.back.object],
                }),
            }
        }
        runs.sort_by_key(|r| r.expires);
        runs
    }
}

/// A run that armed its change, and what of it nobody has kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmedRun {
    /// Its id.
    pub run: Str,
    /// `ana@bastion`.
    pub by: Str,
    /// When it is taken back.
    pub expires: Timestamp,
    /// What it changed.
    pub objects: Vec<ObjectRef>,
    /// `scale 3->1`, of the first of them.
    action: Str,
}

impl ArmedRun {
    /// What was done, shortly: `scale 3->1`, `scale of 3`.
    pub fn words(&self) -> String {
        match self.objects.len() {
            ..=1 => self.action.to_string(),
            several => format!("{} of {several}", self.action.split(' ').next().unwrap_or_default()),
        }
    }

    /// The plan that keeps all of it.
    pub(super) fn keep(&self) -> Option<PlanRequest> {
        let (subject, further) = self.objects.split_first()?;
        let parameters = further.iter().map(|object| several::with(object, None)).collect();
        Some(PlanRequest { action: "keep".into(), subject: subject.clone(), parameters, overrides: Vec::new(), reason: None, second: None })
    }
}

/// How long until it is taken back, coarsely: an idle screen sends next to nothing.
pub fn left(armed: &ArmedRun, now: Timestamp) -> String {
    match armed.expires.duration_since(now).as_secs() {
        seconds @ ..=60 => format!("{} s", (seconds + 9) / 10 * 10),
        seconds @ ..=7200 => format!("{} min", (seconds + 59) / 60),
        seconds => format!("{} h", (seconds + 3599) / 3600),
    }
}
