//! Tickets for work that is done elsewhere and answered later.
//!
//! Owns the rule that the latest question of a kind wins: an answer with an older ticket is dropped (architecture: every
//! effect carries a task id and a generation).

use std::collections::HashMap;

/// What kind of question was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Question {
    /// The document on top.
    Document,
    /// A plan.
    Plan,
    /// A list of contexts or namespaces.
    Choice,
    /// Who wrote a pod template.
    Writer,
    /// The runs of the journal.
    Runs,
    /// What takes a change back.
    Undo,
    /// What is owed.
    Debts,
    /// Which backups there are.
    Backups,
    /// Where the schema stands.
    Schema,
    /// What was applied to the database.
    Applied,
    /// What a container said before it ended.
    LastLines,
}

/// Names one question; answers carry it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// What kind.
    pub question: Question,
    /// Which one of its kind.
    pub generation: u64,
}

/// The newest generation of each kind.
#[derive(Debug, Default)]
pub struct Tickets {
    newest: HashMap<Question, u64>,
}

impl Tickets {
    /// A new ticket; older ones of its kind are void from now on.
    pub fn issue(&mut self, question: Question) -> Ticket {
        let generation = self.newest.entry(question).or_default();
        *generation += 1;
        Ticket { question, generation: *generation }
    }

    /// Whether an answer is still wanted.
    pub fn is_current(&self, ticket: Ticket) -> bool {
        self.newest.get(&ticket.question) == Some(&ticket.generation)
    }

    /// Makes every ticket of a kind void.
    pub fn void(&mut self, question: Question) {
        *self.newest.entry(question).or_default() += 1;
    }
}
