//! Timonel (Spanish: helmsman), a full-screen operations console.
//!
//! The map at the door; ARCHITECTURE.md has the rules that `tests/architecture.rs` holds.
//!
//! ```text
//! base      words that every room speaks: time, text, ids, health, problems
//! action    the catalogue of everything a key, the palette or the help page can name
//! config    the user's settings: option, variable, file, default
//! keymap    which keys ask for which action, where
//! theme     roles instead of colours; palettes, colour depth, glyphs
//! fleet     everything of the target that the console sees, and what it means: columns, tree, health, causes
//! migrate   what an image's migrations do to a database: state, and the harm of each statement
//! release   revisions, what is different between two of them, what changed last, can we go back
//! probe     what probes mean: schedule, judgement, thresholds, history
//! run       plan, check, confirm, do, prove, record: the only room that writes to a target
//! ui        the drawing: reads state, writes a buffer
//! service   service files: what somebody operates, where, and who to call
//! sim       a simulated cluster that speaks the Kubernetes API: for the demo, rehearsals and tests
//! target    the door to a cluster (plain data) and, behind it, one driver per folder
//! ```

pub mod action;
pub mod app;
pub mod base;
pub mod boot;
pub mod cli;
pub mod config;
pub mod fleet;
pub mod keymap;
pub mod migrate;
pub mod probe;
pub mod release;
pub mod run;
pub mod runtime;
pub mod service;
pub mod sim;
pub mod target;
pub mod theme;
pub mod ui;
