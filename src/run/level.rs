//! How much a person must do before something is written (contract.md 3).
//!
//! Owns the order of the levels and the rule by which a plan's level is found. Must not know any action.

use serde::{Deserialize, Serialize};

/// The five levels of confirmation, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Nothing is asked.
    None,
    /// One key: `y`.
    Key,
    /// The environment's word, or the namespace when its kind is unknown.
    Env,
    /// A phrase with target and quantity, made from the plan.
    Phrase,
    /// The phrase, and a second person.
    TwoPerson,
}

impl Level {
    /// The word as files, JSON and people have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Key => "key",
            Self::Env => "env",
            Self::Phrase => "phrase",
            Self::TwoPerson => "two-person",
        }
    }
}

/// A fact that asks for more than the action and the environment do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raise {
    /// The least level it asks for.
    pub to: Level,
    /// The fact, for the panel: `capacity falls from 8 to 0`.
    pub why: String,
    /// A freeze or a gate of a service file: these never raise a mitigation above [`Level::Env`].
    pub gate: bool,
}

impl Raise {
    /// A fact about what would happen.
    pub fn fact(to: Level, why: impl Into<String>) -> Self {
        Self { to, why: why.into(), gate: false }
    }

    /// A freeze or a gate.
    pub fn gate(to: Level, why: impl Into<String>) -> Self {
        Self { to, why: why.into(), gate: true }
    }
}

/// What is confirmed: a mitigation is let through where a change is held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Makes things better in an incident: roll back, restart, undo, scale up.
    Mitigation,
    /// Any other change.
    Change,
}

/// The level of a plan: the highest of the action's own, the environment's floor, and what the facts raise it to.
pub(in crate::run) fn level(own: Level, floor: Level, raises: &[Raise], nature: Nature) -> Level {
    raises
        .iter()
        .map(|raise| if raise.gate && nature == Nature::Mitigation { raise.to.min(Level::Env) } else { raise.to })
        .fold(own.max(floor), Level::max)
}

#[cfg(test)]
mod tests {
    use super::{Level, Nature, Raise, level};

    #[test]
    fn the_level_is_the_highest_of_action_floor_and_facts_and_gates_stop_at_env_for_mitigations() {
        let fact = |to| vec![Raise::fact(to, "capacity")];
        let gate = |to| vec![Raise::gate(to, "freeze")];
        for (own, floor, raises, nature, expected) in [
            (Level::Key, Level::None, vec![], Nature::Change, Level::Key),
            (Level::Key, Level::Env, vec![], Nature::Change, Level::Env),
            (Level::Phrase, Level::Env, vec![], Nature::Change, Level::Phrase),
            (Level::Key, Level::Env, fact(Level::Phrase), Nature::Change, Level::Phrase),
            (Level::Key, Level::Env, fact(Level::Phrase), Nature::Mitigation, Level::Phrase),
            (Level::Key, Level::None, gate(Level::Phrase), Nature::Mitigation, Level::Env),
            (Level::Key, Level::None, gate(Level::Phrase), Nature::Change, Level::Phrase),
            (Level::Key, Level::None, fact(Level::None), Nature::Change, Level::Key),
        ] {
            assert_eq!(level(own, floor, &raises, nature), expected, "{own:?} {floor:?} {raises:?} {nature:?}");
        }
    }
}
