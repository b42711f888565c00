//! The environment of a plan: what is typed for it, and the least that any change asks for (contract.md 2 and 3).
//!
//! Which kind of environment a target is, and its floor, `base` reads from names; a service file or the user's settings say
//! it better, and whoever knows hands an [`Environment`] over.

use serde::{Deserialize, Serialize};

use crate::base::confirmation::Confirmation;
use crate::base::environment::EnvironmentKind;

/// The environment that a plan is made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Its kind.
    pub kind: EnvironmentKind,
    /// What is typed at level env; empty = the namespace's name.
    pub word: String,
    /// The least level for a changing action.
    pub floor: Confirmation,
}

impl Environment {
    /// An environment of a kind, with that kind's word and floor.
    pub fn of_kind(kind: EnvironmentKind) -> Self {
        let word = if kind == EnvironmentKind::Unknown { String::new() } else { kind.word().to_owned() };
        Self { kind, word, floor: kind.floor() }
    }

    /// By the names of context, cluster and namespace.
    pub fn of_names(context: &str, cluster: &str, namespace: &str) -> Self {
        Self::of_kind(EnvironmentKind::of_names([context, cluster, namespace]))
    }

    /// What must be typed at level env for a change in `namespace`.
    pub fn typed<'a>(&'a self, namespace: &'a str) -> &'a str {
        if self.word.is_empty() { namespace } else { &self.word }
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;
    use crate::base::confirmation::Confirmation;
    use crate::base::environment::EnvironmentKind;

    #[test]
    fn an_unknown_environment_asks_for_the_namespaces_name_and_production_for_its_word() {
        let unknown = Environment::of_names("c1", "c1", "shop");
        assert_eq!((unknown.kind, unknown.floor, unknown.typed("shop")), (EnvironmentKind::Unknown, Confirmation::Env, "shop"));
        let production = Environment::of_names("eterna-prod", "c1", "shop");
        assert_eq!((production.floor, production.typed("shop")), (Confirmation::Env, "production"));
        assert_eq!(Environment::of_names("kind-x", "kind-x", "default").floor, Confirmation::None);
    }
}
