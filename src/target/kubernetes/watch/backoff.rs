//! How long to wait before the next try.
//!
//! Owns numbers only: half a second, doubling to 30 s, spread by half so that seventeen streams do not come back as one.

use std::time::Duration;

const BASE: Duration = Duration::from_millis(500);
const MAX: Duration = Duration::from_secs(30);

/// A refused or absent stream is asked for again after about so long: rights and resources come and go rarely.
const SLOW: Duration = Duration::from_mins(1);

/// A server that asks for more patience than this is asked again anyway.
const RETRY_AFTER_MAX: u64 = 300;

/// Counts failures.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    slow: bool,
    random: fastrand::Rng,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self { failures: 0, slow: false, random: fastrand::Rng::with_seed(seed) }
    }

    /// All is well again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Whether the last wait was for a refusal rather than for a connection.
    pub(super) fn is_slow(&self) -> bool {
        self.slow
    }

    /// After one more failure; at least as long as the server asked for, in seconds.
    pub(super) fn after(&mut self, retry_after: Option<u64>) -> Duration {
        self.slow = false;
        let full = BASE.saturating_mul(1 << self.failures.min(10)).min(MAX);
        self.failures = self.failures.saturating_add(1);
        let asked = Duration::from_secs(retry_after.unwrap_or(0).min(RETRY_AFTER_MAX));
        self.spread(full).max(asked)
    }

    /// Before the first try after a connection that had held.
    pub(super) fn quiet(&mut self) -> Duration {
        self.slow = false;
        Duration::from_millis(self.random.u64(0..250))
    }

    /// After a refusal.
    pub(super) fn slow(&mut self) -> Duration {
        self.slow = true;
        self.spread(SLOW)
    }

    /// Between half of it and all of it.
    fn spread(&mut self, full: Duration) -> Duration {
        full.mul_f64(0.5 + self.random.f64() / 2.0)
    }
}
