//! What probes mean: schedule, judgement, thresholds, history.
//!
//! Owns the five results and how they become health (contract.md 1). Asking is the business of whoever implements
//! [`crate::target::probe::Reach`]; the loop here only says when, and sends a whole report after every measurement.

mod active;
mod alerts;
mod derive;
mod judge;
mod measure;
mod once;
mod prober;
mod prometheus;
mod question;
mod schedule;
mod state;
mod surroundings;
mod track;
mod watch;

pub use active::{Alerts, alerts};
pub use alerts::{Alert, Remark, Scraped, Watched, watched};
pub use derive::host_certificates;
pub use judge::{Near, Verdict, judge};
pub use measure::measure;
pub use once::once;
pub use prober::Prober;
pub use question::{Askers, NoSecrets, PodTarget, Pods, Question, Secrets, questions};
pub use schedule::Schedule;
pub use state::ProbeState;
pub use surroundings::Surroundings;
pub use track::Track;

/// So many measurements are kept of each probe.
pub const HISTORY: usize = 240;

#[cfg(test)]
mod tests;
