//! The verified action: plan, check, confirm in proportion, do, prove, record.
//!
//! Owns plans, checks, confirmation, the executor, undo, the lock and the journal; and the write gate: nothing else in the
//! program writes to a target. Knows `base` and the target's door, never a driver, a screen or a key.
//!
//! ```text
//! plan        the value: what will change, hash, staleness, lines       level, environment   how much must be typed
//! actions     which there are: scale, restart, ...                      check, checks        preconditions and their answers
//! ground      what they have in common                                  context              what plans rest on
//! debts       what runs left, and what pays it                           approval             a second person for a plan that waits
//! program     a plan of several different steps                     step/policy         what follows a failed step
//! record      a plan in the journal                                  resume               a recorded plan goes on
//! story       a run as people read it                                undo                 which run is taken back
//! preempt     a mitigation asks a live run for its lock
//! confirm     plan + typed text -> Confirmed                            gate                 Confirmed -> the right to write
//! ```

pub mod actions;
mod approval;
pub mod armed;
pub mod backup;
mod check;
mod checks;
mod confirm;
mod context;
mod control;
mod cordon;
mod cronjob;
pub mod debts;
mod declared;
mod entries;
mod environment;
mod event;
mod evict;
mod execute;
mod facts;
mod gate;
mod ground;
mod hpa;
mod image;
mod job;
pub mod journal;
mod keep;
mod lease;
mod level;
mod locks;
mod machine;
pub mod migrate;
mod mounted;
mod name;
mod notes;
mod observe;
mod outcome;
mod own;
mod pause;
mod plan;
pub mod preempt;
pub mod program;
mod ready;
mod record;
mod restart;
mod resume;
pub mod roles;
mod rollback;
pub mod scale;
pub mod scrub;
pub mod several;
mod step;
mod story;
mod time;
mod undo;
mod word;
#[cfg(test)]
mod world;

pub use actions::{ActionRequest, ActionSpec};
pub use approval::{ARMING, Approved, Asked, BreakGlass, Kept, WAITS_FOR, Waiting, approve, asked, wait};
pub use check::{Answer, Check, Choice};
pub use checks::{Connections, HpaChoice};
pub use confirm::{Confirmed, Refusal};
pub use context::{FileRef, PlanContext, PlanError, RolledBack};
pub use control::Control;
pub use declared::{ImageAsked, ImageFound, LocalProgram, NoImage, NoProbes, ProbeAnswer, Probes};
pub use environment::Environment;
pub use event::{Happening, Progress, RunEvent};
pub use execute::{Deps, execute, resume};
pub use image::repository;
pub use level::{Nature, Raise};
pub use mounted::{by_variable, gets};
pub use name::{NameError, resolve, select};
pub use outcome::{Debt, End, Offer, Outcome, Question, Signal, Way};
pub use own::OwnRuns;
pub use plan::{Ask, Inputs, Operator, Plan, PlanChange, PlanLine, PlanObject, PlanTarget, Tone, VALID_FOR};
pub use ready::ready_pod;
pub use record::RecordError;
pub use resume::{ResumeError, Resumed, Unfinished};
pub use step::{HELD, JobCommand, OnFail, Policy, Step, StepId};
pub use story::{moment, story};
pub use time::{Timer, TokioTimer};
pub use undo::{Here, NotUndone, Undo, undoing, undoing_last};
