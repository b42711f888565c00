//! Facts about what a service file declares beside its workloads.
//!
//! Owns their shapes. Whoever asks is behind `run::Probes`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::service::SqlCheck;

/// A fact that no object of the target shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::run) enum Declared {
    /// The database answers as expected.
    Answers {
        /// Its id.
        database: String,
        /// What it is asked, and what is expected.
        checks: Vec<SqlCheck>,
    },
    /// These measures are within their limits, and stay so.
    Measures {
        /// Their ids.
        ids: Vec<String>,
        /// For so long.
        hold: Duration,
    },
    /// The end of a log was read.
    Tail {
        /// The container.
        container: String,
        /// So many lines.
        lines: u32,
    },
    /// A registry has an image, for the nodes of the workload that the proof is about.
    Image {
        /// Its name, with the digest that is meant.
        image: String,
    },
}
