//! What raises a plan's level of confirmation (contract.md 3).
//!
//! Owns the rule by which the level is found. Must not know any action.

use serde::{Deserialize, Serialize};

use crate::base::confirmation::Confirmation;

/// A fact that asks for more than the action and the environment do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raise {
    /// The least level it asks for.
    pub to: Confirmation,
    /// The fact, for the panel: `capacity falls from 8 to 0`.
    pub why: String,
    /// A freeze or a gate of a service file: these never raise a mitigation above [`Confirmation::Env`].
    pub gate: bool,
}

impl Raise {
    /// A fact about what would happen.
    pub fn fact(to: Confirmation, why: impl Into<String>) -> Self {
        Self { to, why: why.into(), gate: false }
    }

    /// A freeze or a gate.
    pub fn gate(to: Confirmation, why: impl Into<String>) -> Self {
        Self { to, why: why.into(), gate: true }
    }
}

/// What is confirmed: a mitigation is let through where a change is held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nature {
    /// Makes things better in an incident: roll back, restart, undo, scale up.
    Mitigation,
    /// Any other change.
    Change,
    /// A Job that only reads: exempt from the environment's floor and from freezes.
    Inspection,
}

/// The level of a plan: the highest of the action's own, the environment's floor, and what the facts raise it to.
pub(in crate::run) fn level(own: Confirmation, floor: Confirmation, raises: &[Raise], nature: Nature) -> Confirmation {
    // It changes nothing that anybody uses.
    let floor = if nature == Nature::Inspection { Confirmation::None } else { floor };
    raises
        .iter()
        .map(|raise| if raise.gate && nature == Nature::Mitigation { raise.to.min(Confirmation::Env) } else { raise.to })
        .fold(own.max(floor), Confirmation::max)
}

#[cfg(test)]
mod tests {
    use super::{Nature, Raise, level};
    use crate::base::confirmation::Confirmation as C;

    #[test]
    fn the_level_is_the_highest_of_action_floor_and_facts_and_gates_stop_at_env_for_mitigations() {
        let fact = |to| vec![Raise::fact(to, "capacity")];
        let gate = |to| vec![Raise::gate(to, "freeze")];
        for (own, floor, raises, nature, expected) in [
            (C::Key, C::None, vec![], Nature::Change, C::Key),
            (C::Key, C::Env, vec![], Nature::Change, C::Env),
            (C::Phrase, C::Env, vec![], Nature::Change, C::Phrase),
            (C::Key, C::Env, vec![], Nature::Inspection, C::Key),
            (C::Key, C::Env, fact(C::Phrase), Nature::Change, C::Phrase),
            (C::Key, C::Env, fact(C::Phrase), Nature::Mitigation, C::Phrase),
            (C::Key, C::None, gate(C::Phrase), Nature::Mitigation, C::Env),
            (C::Key, C::None, gate(C::Phrase), Nature::Change, C::Phrase),
            (C::Key, C::None, fact(C::None), Nature::Change, C::Key),
        ] {
            assert_eq!(level(own, floor, &raises, nature), expected, "{own:?} {floor:?} {raises:?} {nature:?}");
        }
    }
}
