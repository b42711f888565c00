//! The row filter until the fleet has its own.

use jiff::Timestamp;

use crate::fleet::{Fleet, PodEntry, WorkloadRow};

/// Rows that contain all words.
#[derive(Debug)]
pub struct Filter(Vec<String>);

impl Filter {
    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(text.split_whitespace().map(str::to_lowercase).collect()))
    }

    /// Whether a workload matches.
    pub fn workload(&self, _fleet: &Fleet, row: &WorkloadRow, _now: Timestamp) -> bool {
        self.0.iter().all(|w| row.key.name.to_lowercase().contains(w))
    }

    /// Whether a pod matches.
    pub fn pod(&self, _fleet: &Fleet, entry: &PodEntry, _now: Timestamp) -> bool {
        self.0.iter().all(|w| entry.pod.meta.name.to_lowercase().contains(w))
    }
}
