//! Vocabulary without dependencies on the rest of the program: time, text, ids, health, problems.
//!
//! Owns words that every room speaks. Must not know Kubernetes, the terminal, or any other room.

pub mod age;
pub mod clock;
pub mod confirmation;
pub mod duration;
pub mod environment;
pub mod health;
pub mod id;
pub mod problem;
pub mod quantity;
pub mod ring;
pub mod secret;
pub mod text;
pub mod toml;
