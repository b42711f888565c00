//! Releases: the revisions of a workload, what is different between two of them, what changed last, and whether we can go back.
//!
//! Owns the meaning of ReplicaSets and ControllerRevisions as releases, the comparison of pod templates, and the header's
//! answers CHANGED and BACK. Pure: full objects and times are arguments. Must not fetch, and must not show a secret.

mod back;
mod by;
mod changed;
pub mod diff;
mod history;
mod json;
mod stays;

pub use back::{Back, BackVerdict, Judged, Judging, back, subject};
pub use by::{By, LastRun};
pub use changed::{Changed, Unexplained, changed, unexplained};
pub use diff::{Difference, Reference, Section, Shown, compare, references, template_of};
pub use history::{Revision, history};
pub use json::{BackAnswer, ChangedAnswer, ImageAnswer, ReleaseAnswer};
pub use stays::{Stays, stays};
