//! The verified action: plan, check, confirm in proportion, do, prove, record.
//!
//! Owns plans, checks, confirmation, the executor, undo, the lock and the journal; and the write gate: nothing else in the
//! program writes to a target. Knows `base` and the target's door, never a driver, a screen or a key.
//!
//! ```text
//! plan        the value: what will change, hash, staleness, lines       level, environment   how much must be typed
//! scale       makes the plan of a scale from the live target            check, checks        preconditions and their answers
//! confirm     plan + typed text -> Confirmed                            gate                 Confirmed -> the right to write
//! ```

mod check;
mod checks;
mod confirm;
mod control;
mod environment;
mod event;
mod execute;
mod facts;
mod gate;
pub mod journal;
mod lease;
mod level;
mod locks;
mod machine;
mod notes;
mod observe;
mod outcome;
mod plan;
pub mod scale;
pub mod scrub;
mod step;
mod time;
#[cfg(test)]
mod world;

pub use check::{Answer, Check, Choice};
pub use checks::HpaChoice;
pub use confirm::{Confirmed, Refusal};
pub use control::Control;
pub use environment::Environment;
pub use event::{Happening, Progress, RunEvent};
pub use execute::{Deps, execute};
pub use level::{Nature, Raise};
pub use observe::{NoProbes, ProbeAnswer, Probes};
pub use outcome::{Debt, End, Outcome, Question, Signal, Way};
pub use plan::{Ask, Inputs, Operator, Plan, PlanChange, PlanLine, PlanObject, PlanTarget, Tone, VALID_FOR};
pub use step::Step;
pub use time::{Timer, TokioTimer};
