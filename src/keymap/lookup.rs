//! From pressed keys to an action: the one place where keys become actions.
//!
//! Owns the order: contexts innermost first, a text field before everything.

use super::{Key, Keymap};
use crate::action::{Action, Context};

/// What pressed keys mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// They ask for this.
    Action(Action),
    /// They are the beginning of something; the key line shows what.
    Pending(Vec<Candidate>),
    /// One character for the text field.
    Typed(char),
    /// Nothing is bound to them.
    Unbound,
}

/// One way to go on from the keys that were pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The keys still to press.
    pub rest: Vec<Key>,
    /// What they would ask for.
    pub action: Action,
}

impl Keymap {
    /// Looks up `pressed` (the keys so far, the newest last) in `contexts`, innermost first.
    ///
    /// With a text field innermost, a single key that types a character is that character. Otherwise the innermost context
    /// in which the keys mean something decides; candidates of the contexts behind it are added where they do not clash.
    pub fn lookup(&self, contexts: &[Context], pressed: &[Key]) -> Lookup {
        if let (Some(Context::Text), [key]) = (contexts.first(), pressed)
            && let Some(c) = key.text()
        {
            return Lookup::Typed(c);
        }
        let mut candidates: Vec<Candidate> = Vec::new();
        for context in contexts {
            for (action, chords) in self.of(*context) {
                for rest in chords.iter().filter_map(|chord| chord.after(pressed)) {
                    if rest.is_empty() {
                        // An exact match of an outer context cannot be reached once an inner one goes on.
                        if candidates.is_empty() {
                            return Lookup::Action(action);
                        }
                    } else if !candidates.iter().any(|c| c.rest.starts_with(rest) || rest.starts_with(&c.rest)) {
                        candidates.push(Candidate { rest: rest.to_vec(), action });
                    }
                }
            }
        }
        if candidates.is_empty() { Lookup::Unbound } else { Lookup::Pending(candidates) }
    }
}
