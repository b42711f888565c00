//! What our own journal tells the console at its start.
//!
//! Owns the one reading of all of it that this takes. What cannot be read says nothing.

use std::collections::BTreeMap;
use std::path::Path;

use super::debts::{Owed, of_journal};
use super::journal::{Took, left_behind, read, signatures};

/// What our own journal says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnRuns {
    /// Who changed what last: the line of `timonel.io/last-run`, by the UID of what was changed.
    pub signatures: BTreeMap<String, String>,
    /// What our runs left and did not pay.
    pub owed: Vec<Owed>,
    /// How long going back took.
    pub took: Took,
}

impl OwnRuns {
    /// Reads the journal in that folder: it may be long.
    pub fn read(folder: &Path) -> Self {
        let entries = read(folder).map(|reading| reading.entries).unwrap_or_default();
        let unended = left_behind(folder).unwrap_or_default();
        Self { signatures: signatures(&entries), owed: of_journal(&entries, &unended), took: Took::of_journal(&entries) }
    }
}
