//! Migrations of a database's schema: what an image brings, what the database has, and what lies between.
//!
//! Owns the reading of an inspection (`inspection`), what it means (`state`), whether an older image can run (`verdict`), what taking
//! revisions back loses (`back`), how much harm each statement can do (`sql`), and what of one that failed is there all the same
//! (`effect`). Pure: who asks, and how a migration is carried out, is `run`'s.

pub mod back;
mod effect;
pub mod inspection;
pub mod sql;
pub mod state;
pub mod verdict;

pub use inspection::Inspection;
pub use sql::{Harm, Statement};
pub use state::{MigrationState, Position};
