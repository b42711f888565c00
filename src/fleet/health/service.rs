//! Services with a selector.

use super::Verdict;
use crate::base::health::Health;

/// Endpoints of a Service, each pod once though it may be in several slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Endpoints {
    /// That take traffic.
    pub ready: usize,
    /// In all.
    pub total: usize,
}

/// Health of a Service; `wanted` says whether its pods should run now.
pub fn service(endpoints: Endpoints, wanted: bool) -> Verdict {
    match (endpoints.ready, wanted) {
        (1.., _) => Verdict::new(Health::Ok),
        (0, true) => Verdict::new(Health::Down).text("no ready endpoint"),
        (0, false) => Verdict::new(Health::Off).text("no pods wanted"),
    }
}
