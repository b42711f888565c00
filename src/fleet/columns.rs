//! kubectl's own columns, to the letter.
//!
//! Owns what the server-side printers of Kubernetes print (pkg/printers/internalversion/printers.go of 1.36.3), computed from
//! slim objects. Must not judge: a status word is what kubectl says, not whether it is good.

mod pod;
mod rest;

pub use pod::{PodColumns, cells as pod_cells, pod};
pub use rest::{cron_job, daemon_set, deployment, job, job_status, replica_set, service, stateful_set};

use crate::base::age;
use crate::target::model::Seconds;
use jiff::Timestamp;

/// kubectl's age of something that began at `since`; `<unknown>` for a time that is not set.
pub fn age_since(since: Seconds, now: Timestamp) -> String {
    if since == 0 { "<unknown>".into() } else { age::human(now.as_second() - since) }
}
