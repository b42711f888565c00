//! Which workload a step is about.
//!
//! Owns that alone: of what a step does, the rest is its reader's.

use super::StepKind;
use crate::service::Workload;

impl StepKind {
    /// The workload that it is about.
    pub fn workload<'w>(&self, workloads: &'w [Workload]) -> Option<&'w Workload> {
        let id = match self {
            Self::Scale { workload, .. }
            | Self::Restart { workload }
            | Self::Rollback { workload, .. }
            | Self::CronJob { workload, .. }
            | Self::Exec { workload, .. }
            | Self::SetImage { workload, .. }
            | Self::Job { workload, .. }
            | Self::RolloutWait { workload }
            | Self::Logs { workload, .. } => workload,
            Self::HttpCheck { .. }
            | Self::Wait { .. }
            | Self::SqlCheck { .. }
            | Self::MetricCheck { .. }
            | Self::Notify { .. }
            | Self::Shell { .. }
            | Self::ImageCheck { .. }
            | Self::Backup { .. }
            | Self::MigratePlan { .. }
            | Self::Confirm { .. } => return None,
        };
        workloads.iter().find(|w| w.id == *id)
    }
}
