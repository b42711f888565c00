//! One line that says what just happened, or why something did not.
//!
//! Owns its text and how long it stays. Must not hold what needs to be kept: that is `problems`.

use jiff::{SignedDuration, Timestamp};

/// How long a notice stays.
const STAYS: SignedDuration = SignedDuration::from_secs(6);

/// How a notice is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something was done.
    Done,
    /// Something is not possible now, and why.
    Refused,
    /// Something failed.
    Failed,
}

/// One line for a few seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How it is meant.
    pub tone: Tone,
    /// The line.
    pub text: String,
    /// When it goes.
    pub until: Timestamp,
}

impl Notice {
    /// A notice from now on.
    pub fn new(tone: Tone, text: impl Into<String>, now: Timestamp) -> Self {
        Self { tone, text: text.into(), until: now.checked_add(STAYS).unwrap_or(now) }
    }
}
