//! Thresholds: from single results to the result that counts.
//!
//! Owns `fail_after` and `pass_after`. A failure below the threshold is degraded, at the threshold failed; a failed probe is ok again
//! after `pass_after` successes in a row. The first success of all counts at once: at three in the morning nobody waits for a second
//! one. What is unknown, unauthorised or not implemented has no threshold: it is never drawn as ok, not even once.

use crate::base::health::Health;
use crate::target::probe::ProbeResult;

use super::judge::{Near, Verdict};

/// The state of one target of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    fail_after: u32,
    pass_after: u32,
    optional: bool,
    /// The newest verdict; `None` = never asked.
    last: Option<Verdict>,
    /// Failures in a row.
    failures: u32,
    /// Successes in a row.
    successes: u32,
    /// The threshold was reached and not enough successes came since.
    failed: bool,
    /// It was ok before the present failures.
    was_ok: bool,
}

impl Track {
    /// A target that was never asked.
    pub fn new(fail_after: u32, pass_after: u32, optional: bool) -> Self {
        Self { fail_after, pass_after, optional, last: None, failures: 0, successes: 0, failed: false, was_ok: false }
    }

    /// Takes the next verdict.
    pub fn apply(&mut self, verdict: Verdict) {
        match verdict.result {
            ProbeResult::Ok => {
                self.failures = 0;
                self.successes += 1;
                self.failed = self.failed && self.successes < self.pass_after;
                self.was_ok = !self.failed;
            }
            ProbeResult::Failed => {
                self.successes = 0;
                self.failures += 1;
                self.failed = self.failed || self.failures >= self.fail_after;
            }
            // Neither proves nor disproves anything: counts stay, but what was ok is not known to be ok any more.
            ProbeResult::Unknown => self.was_ok = false,
            ProbeResult::Unauthorised | ProbeResult::NotImplemented => {
                (self.failures, self.successes, self.failed, self.was_ok) = (0, 0, false, false);
            }
        }
        self.last = Some(verdict);
    }

    /// The result that counts.
    pub fn result(&self) -> ProbeResult {
        match self.last.as_ref().map(|v| v.result) {
            Some(ProbeResult::Ok | ProbeResult::Failed) if self.failed => ProbeResult::Failed,
            // Failing, not often enough yet: what it was before, if that was ok.
            Some(ProbeResult::Failed) if self.was_ok => ProbeResult::Ok,
            None | Some(ProbeResult::Failed) => ProbeResult::Unknown,
            Some(result) => result,
        }
    }

    /// Its health (contract.md 1).
    pub fn health(&self) -> Health {
        let Some(last) = &self.last else { return Health::Unknown };
        match (self.result(), last.result) {
            (ProbeResult::Failed, _) => Health::Down,
            (_, ProbeResult::Failed) => Health::Degraded,
            (ProbeResult::Ok, _) if last.near.is_some() => Health::Degraded,
            (ProbeResult::Ok, _) => Health::Ok,
            (ProbeResult::NotImplemented, _) if self.optional => Health::Off,
            _ => Health::Unknown,
        }
    }

    /// The newest verdict in words, with how far the thresholds are.
    pub fn detail(&self) -> String {
        let Some(last) = &self.last else { return "not asked yet".into() };
        let detail = &last.detail;
        match (last.result, self.failed) {
            (ProbeResult::Failed, false) => format!("{detail}, failing {} of {}", self.failures, self.fail_after),
            (ProbeResult::Ok, true) => format!("{detail}, recovering {} of {}", self.successes, self.pass_after),
            (ProbeResult::Ok, false) if last.near == Some(Near::Crit) => format!("{detail}, urgent"),
            _ => detail.clone(),
        }
    }

    /// The newest verdict.
    pub fn last(&self) -> Option<&Verdict> {
        self.last.as_ref()
    }
}
