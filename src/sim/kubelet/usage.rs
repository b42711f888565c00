//! What containers use: CPU and memory, and parts of limited pools.
//!
//! Owns the numbers behind metrics.k8s.io, the OOM killer and the autoscaler: all three see the same.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Kubelet, PodRun, Slot, State};

/// How many pods of each workload have a running container.
pub(crate) type Siblings = HashMap<(Arc<str>, Arc<str>), i64>;

/// CPU in thousandths and memory in bytes of one container now; `None` when it does not run.
pub(crate) fn of(run: &PodRun, slot: &Slot, siblings: &Siblings, now: Timestamp, speed: f64) -> Option<(i64, i64)> {
    let State::Running(since) = slot.state else { return None };
    let t = &slot.traits;
    let share = siblings.get(&(run.key.namespace.clone(), run.workload.clone())).copied().unwrap_or(1).max(1);
    let noise = noise(&run.key.name, now);
    let hour = 1.0 - t.follows_hour * (1.0 - day(now));
    let life = (now.as_second() - since.as_second()).max(0) as f64 * speed;
    let cpu = (t.cpu + t.cpu_shared / share) as f64 * hour * (0.85 + 0.3 * noise);
    let warm = 0.55 + 0.45 * (life / 40.0).min(1.0);
    let memory = (t.memory + t.memory_shared / share) as f64 * warm * (0.98 + 0.04 * noise) + t.memory_growth as f64 * life / 60.0;
    Some((cpu as i64 + 1, slot.limit.map_or(memory as i64, |l| (memory as i64).min(l))))
}

impl Kubelet {
    /// Counts the running pods of each workload.
    pub(crate) fn siblings(&self) -> Siblings {
        let mut counts = Siblings::new();
        for run in self.pods.values() {
            if run.main.iter().any(|s| matches!(s.state, State::Running(_))) {
                *counts.entry((run.key.namespace.clone(), run.workload.clone())).or_default() += 1;
            }
        }
        counts
    }

    /// How much of a pool is taken.
    pub(crate) fn taken(&self, pool: &str) -> u32 {
        let running = self
            .pods
            .values()
            .flat_map(|p| &p.main)
            .filter(|s| matches!(s.state, State::Running(_)) && s.traits.pool == pool);
        running.map(|s| s.traits.connections).sum()
    }
}

/// How busy an hour is, 0 to 1: little at night, most at noon and in the evening.
pub(crate) fn day(at: Timestamp) -> f64 {
    let t = at.to_zoned(TimeZone::UTC);
    let hour = f64::from(t.hour()) + f64::from(t.minute()) / 60.0;
    let peak = |centre: f64, width: f64| (-((hour - centre) / width).powi(2)).exp();
    (0.12 + 0.8 * peak(12.0, 3.5) + 0.75 * peak(18.5, 3.0)).min(1.0)
}

/// 0 to 1, the same for the same quarter of a minute.
fn noise(name: &str, at: Timestamp) -> f64 {
    let mut hasher = DefaultHasher::new();
    (name, at.as_second() / 15).hash(&mut hasher);
    (hasher.finish() % 1000) as f64 / 1000.0
}
