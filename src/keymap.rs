//! Which keys do what, where: chords, contexts, loading, checking, looking up.
//!
//! Owns the Key type, the TOML form (action = keys, one table per context) and the order of layers: a shipped file, then the
//! user's, which hold only differences. Must not know the terminal, and must not act: a lookup answers with an action.

mod check;
mod chord;
mod key;
mod load;
mod lookup;
mod open;
mod shipped;

use std::collections::BTreeMap;

use crate::action::{Action, Context};

pub use chord::{Chord, show};
pub use key::{Code, Key, KeyError};
pub use load::{Layer, load};
pub use lookup::{Candidate, Lookup};
pub use open::{Found, open};
pub use shipped::{DEFAULT, SHIPPED, shipped};

/// All bindings, checked: within one context no two actions share a chord and no chord hides another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    /// Name of the shipped keymap it stands on.
    name: String,
    /// The key under which the actions live that change the target.
    leader: Option<Key>,
    /// Chords per context and action, the one to show first.
    bindings: BTreeMap<(Context, Action), Vec<Chord>>,
}

impl Keymap {
    /// Name of the shipped keymap that this one stands on.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key under which the actions live that change the target.
    pub fn leader(&self) -> Option<Key> {
        self.leader
    }

    /// The chords of an action in a context, the one to show first; empty when it has none there.
    pub fn chords(&self, context: Context, action: Action) -> &[Chord] {
        self.bindings.get(&(context, action)).map_or(&[], Vec::as_slice)
    }

    /// All bindings of a context in the order of the catalogue.
    pub fn of(&self, context: Context) -> impl Iterator<Item = (Action, &[Chord])> {
        self.bindings
            .iter()
            .filter(move |((c, _), chords)| *c == context && !chords.is_empty())
            .map(|((_, action), chords)| (*action, chords.as_slice()))
    }

    /// The chord to show for an action where `contexts` are looked up (innermost first): the first that really reaches it.
    pub fn hint(&self, contexts: &[Context], action: Action) -> Option<&Chord> {
        let mut chords = contexts.iter().flat_map(|context| self.chords(*context, action));
        chords.find(|chord| self.lookup(contexts, chord.keys()) == Lookup::Action(action))
    }

    /// What is bound under the leader key, by the key that follows: for the key line's menu, and for service files whose
    /// actions live there too.
    pub fn under_leader(&self) -> Vec<(Chord, Action)> {
        let Some(leader) = self.leader else { return Vec::new() };
        let mut found: Vec<(Chord, Action)> = Vec::new();
        for ((_, action), chords) in &self.bindings {
            for chord in chords {
                if chord.keys().len() > 1 && chord.keys()[0] == leader && !found.iter().any(|(c, a)| c == chord && a == action) {
                    found.push((chord.clone(), *action));
                }
            }
        }
        found.sort();
        found
    }
}

#[cfg(test)]
mod tests;
