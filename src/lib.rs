//! Timonel (Spanish: helmsman), a full-screen operations console.
//!
//! The map at the door; ARCHITECTURE.md has the rules that `tests/architecture.rs` holds.
//!
//! ```text
//! base      words that every room speaks: time, text, ids, health, problems
//! target    the door to a cluster (plain data) and, behind it, one driver per folder
//! ```

pub mod base;
pub mod target;
