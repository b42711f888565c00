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
mod confirm;
mod environment;
mod event;
pub mod journal;
mod level;
mod outcome;
mod plan;
pub mod scrub;
mod step;

pub use check::{Answer, Check, Choice};
pub use confirm::{Confirmed, Refusal};
pub use environment::{Environment, EnvironmentKind};
pub use event::{Happening, Progress, RunEvent};
pub use level::{Level, Nature, Raise};
pub use outcome::{Debt, End, Outcome, Question, Signal, Way};
pub use plan::{Confirmation, Inputs, Operator, Plan, PlanChange, PlanLine, PlanObject, PlanTarget, Tone, VALID_FOR};
pub use step::Step;
