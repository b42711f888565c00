//! A namespace or a service as a whole.

use crate::base::health::Health;

/// One thing that counts for the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// How well it is.
    pub health: Health,
    /// What it is.
    pub part: Part,
}

/// What a member of the whole is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A workload; critical when its role is database, api or ingress, or the service file says `critical = true`.
    Workload {
        /// Whether the whole is down with it.
        critical: bool,
    },
    /// A probe; critical unless it is `optional` or says `critical = false`.
    Probe {
        /// Whether the whole is down with it.
        critical: bool,
    },
    /// A KPI, a Service: never takes the whole down.
    Other,
}

/// Worst of its members, except that down needs all workloads, or one critical member, to be down; any other down makes the
/// whole degraded. Nothing to judge by is unknown; nothing wanted is off.
pub fn whole(members: &[Member]) -> Health {
    let Some(worst) = Health::worst(members.iter().map(|m| m.health)) else { return Health::Unknown };
    if worst != Health::Down {
        return worst;
    }
    let critical = |m: &Member| matches!(m.part, Part::Workload { critical: true } | Part::Probe { critical: true });
    let mut workloads = members.iter().filter(|m| matches!(m.part, Part::Workload { .. }) && m.health != Health::Off).peekable();
    let all_down = workloads.peek().is_some() && workloads.all(|m| m.health == Health::Down);
    if all_down || members.iter().any(|m| m.health == Health::Down && critical(m)) { Health::Down } else { Health::Degraded }
}
