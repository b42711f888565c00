//! Time as the program sees it: a wall clock and a monotonic one behind one trait, fixed in tests.
//!
//! Owns the only calls that read a clock. Pure rooms get a time as an argument and never call these.

use std::sync::Mutex;
use std::time::Duration;

pub use jiff::Timestamp;

/// Where times come from.
pub trait Clock: Send + Sync {
    /// Wall clock, UTC.
    fn now(&self) -> Timestamp;
    /// Time since boot, suspension included where the system can tell (`CLOCK_BOOTTIME`), so that a laptop lid that was
    /// closed does not look like a lease that is still fresh (contract.md 7).
    fn monotonic(&self) -> Duration;
}

/// The machine's own clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        #[cfg(target_os = "linux")]
        let id = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let id = rustix::time::ClockId::Monotonic;
        let t = rustix::time::clock_gettime(id);
        Duration::new(u64::try_from(t.tv_sec).unwrap_or(0), u32::try_from(t.tv_nsec).unwrap_or(0))
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct FixedClock {
    state: Mutex<(Timestamp, Duration)>,
}

impl FixedClock {
    /// Starts at `now`, with a monotonic time of zero.
    pub fn new(now: Timestamp) -> Self {
        Self { state: Mutex::new((now, Duration::ZERO)) }
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.0 = state.0.checked_add(by).unwrap_or(state.0);
        state.1 += by;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).0
    }

    fn monotonic(&self) -> Duration {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).1
    }
}
