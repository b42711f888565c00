//! What a step of a plan is allowed, and what follows when it fails.
//!
//! Owns the shape and its defaults. What is done about it is the machine's; where it is written is the service file's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::duration;

/// The rules of one part of a plan: all of its writes and proofs together. The default is that of a plan without rules of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How long it may take in one try; `None` = as long as each proof.
    pub timeout: Option<Duration>,
    /// How often it is tried again after a failure.
    pub retries: u32,
    /// How long is waited before the first further try; twice as long before each one after it.
    pub backoff: Duration,
    /// What follows when no try is left.
    pub on_fail: OnFail,
    /// The action that is offered then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offers: Option<String>,
    /// It is carried out on every way out of the run, and never taken back.
    pub always: bool,
    /// Whether it is taken back when the run goes back.
    pub undo: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            timeout: None,
            retries: 0,
            backoff: Duration::ZERO,
            on_fail: OnFail::Pause,
            offers: None,
            always: false,
            undo: true,
        }
    }
}

/// The longest wait between two tries.
const LONGEST_BACKOFF: Duration = Duration::from_mins(5);

impl Policy {
    /// How long is waited after so many failed tries, the first of which is 1.
    pub(in crate::run) fn wait_after(&self, failed: u32) -> Duration {
        let times = 1_u32.checked_shl(failed.saturating_sub(1)).unwrap_or(u32::MAX);
        self.backoff.saturating_mul(times).min(LONGEST_BACKOFF)
    }

    /// What differs from the default, in words; empty when nothing does.
    pub(in crate::run) fn words(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.timeout.map(|t| format!("within {}", duration::show(t))));
        if self.retries > 0 {
            let tries = if self.retries == 1 { "1 more try".to_owned() } else { format!("{} more tries", self.retries) };
            words.push(format!("{tries}, the first after {}", duration::show(self.backoff)));
        }
        words.extend(match self.on_fail {
            OnFail::Pause => None,
            OnFail::Abort => Some("a failure stops the run and leaves things as they are".to_owned()),
            OnFail::Continue => Some("the run goes on when it fails".to_owned()),
            OnFail::Undo => Some("a failure takes all back".to_owned()),
        });
        words.extend(self.offers.as_ref().map(|action| format!("'{action}' is offered then")));
        if self.always {
            words.push("on every way out".to_owned());
        } else if !self.undo {
            words.push("not taken back".to_owned());
        }
        words.join(", ")
    }

    /// Whether its writes are taken back when the run goes back.
    pub(in crate::run) const fn goes_back(&self) -> bool {
        self.undo && !self.always
    }
}

/// What follows a failed step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFail {
    /// Ask, where somebody is there to be asked; else undo.
    #[default]
    Pause,
    /// Stop, and leave things as they are: what is left is listed.
    Abort,
    /// Go on with the next step. The run is not proven any more.
    Continue,
    /// Go back without asking.
    Undo,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Policy;

    #[test]
    fn each_wait_is_twice_as_long_and_has_an_end() {
        let policy = Policy { backoff: Duration::from_secs(2), ..Policy::default() };
        let waits: Vec<u64> = [1, 2, 3, 9, 40, u32::MAX].map(|n| policy.wait_after(n).as_secs()).into();
        assert_eq!(waits, [2, 4, 8, 300, 300, 300]);
        assert_eq!(Policy::default().wait_after(5), Duration::ZERO);
    }

    #[test]
    fn what_always_runs_is_never_taken_back() {
        assert!(Policy::default().goes_back());
        assert!(!Policy { always: true, ..Policy::default() }.goes_back());
        assert!(!Policy { undo: false, ..Policy::default() }.goes_back());
    }
}
