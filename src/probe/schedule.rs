//! When a probe is asked next.
//!
//! Owns the rhythm: at once, then spread, then every interval. Pure: times are durations since the start.

use std::time::Duration;

/// The rhythm of one probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    interval: Duration,
    /// The first gap: between half an interval and a whole one, by the probe's id, so that probes that began together do not all ask
    /// at the same moments for ever.
    first_gap: Duration,
}

impl Schedule {
    /// The rhythm of the probe `id`.
    pub fn new(id: &str, interval: Duration) -> Self {
        // FNV-1a: stable over versions and machines, unlike the standard hasher.
        let hash = id
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let part = u32::try_from(hash % 1000).unwrap_or(0);
        Self { interval, first_gap: interval / 2 + interval / 2 * part / 1000 }
    }

    /// When to ask for the `round`-th time (0 = the first), if everything is in time: measured from the start.
    pub fn due(&self, round: u32) -> Duration {
        match round {
            0 => Duration::ZERO,
            round => self.first_gap + self.interval.saturating_mul(round - 1),
        }
    }

    /// The round after `round`, which ended at `now` since the start: rounds that were missed (a laptop that slept, answers slower
    /// than the interval) are left out and not made up for.
    pub fn next(&self, round: u32, now: Duration) -> u32 {
        let mut next = round.saturating_add(1);
        let late = now.saturating_sub(self.due(next));
        if !late.is_zero() && !self.interval.is_zero() {
            let late = late.as_millis() / self.interval.as_millis().max(1) + 1;
            next = next.saturating_add(u32::try_from(late).unwrap_or(u32::MAX));
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Schedule;

    const INTERVAL: Duration = Duration::from_secs(10);

    #[test]
    fn a_probe_is_asked_at_once_then_spread_then_every_interval() {
        let (a, b) = (Schedule::new("health", INTERVAL), Schedule::new("rules", INTERVAL));
        for schedule in [a, b] {
            assert_eq!(schedule.due(0), Duration::ZERO);
            assert!(schedule.due(1) >= INTERVAL / 2 && schedule.due(1) < INTERVAL);
            assert_eq!(schedule.due(5), schedule.due(4) + INTERVAL);
        }
        assert_ne!(a.due(1), b.due(1), "two probes do not ask in step");
        assert_eq!(a, Schedule::new("health", INTERVAL), "and each keeps its rhythm");
    }

    #[test]
    fn rounds_that_were_missed_are_not_made_up_for() {
        let schedule = Schedule::new("health", INTERVAL);
        assert_eq!(schedule.next(3, schedule.due(3) + Duration::from_secs(1)), 4);
        let late = schedule.due(3) + Duration::from_secs(75);
        let next = schedule.next(3, late);
        assert!(schedule.due(next) >= late && schedule.due(next) < late + INTERVAL, "{next}");
    }
}
