//! Holds the rules of ARCHITECTURE.md: who may know whom, which crates live where, how long a file may be.
//!
//! Reads the sources as text. Each guard is a function from sources to complaints, so that its own test can prove that it
//! finds what it looks for.

mod imports;
mod rooms;
mod shape;
mod source;

/// Fails with every complaint on a line of its own.
fn assert_none(complaints: &[String], rule: &str) {
    assert!(complaints.is_empty(), "{rule}\n  {}\n", complaints.join("\n  "));
}
