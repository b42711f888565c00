//! Which kind of environment a target is, by its names (contract.md 2).
//!
//! Owns the words and the rule. A service file or the user's settings say it better: whoever knows hands an [`Environment`]
//! over, and this module is not asked.

use serde::{Deserialize, Serialize};

use super::level::Level;

/// What kind of environment something runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentKind {
    /// Real users.
    Production,
    /// Like production, without its users.
    Staging,
    /// A place for tests.
    Test,
    /// A place to develop.
    Development,
    /// On this machine.
    Local,
    /// The simulated cluster.
    Demo,
    /// No name says it: counts as production.
    Unknown,
}

impl EnvironmentKind {
    /// The word on the screen and the word that is typed at level env, save for `Unknown`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Test => "test",
            Self::Development => "development",
            Self::Local => "local",
            Self::Demo => "demo",
            Self::Unknown => "environment unknown",
        }
    }

    /// Whether the rules for production hold.
    pub const fn counts_as_production(self) -> bool {
        matches!(self, Self::Production | Self::Unknown)
    }

    /// The least level for a changing action where no service file says another.
    pub const fn floor(self) -> Level {
        match self {
            Self::Production | Self::Unknown => Level::Env,
            Self::Staging => Level::Key,
            Self::Test | Self::Development | Self::Local | Self::Demo => Level::None,
        }
    }

    fn of_segment(segment: &str) -> Option<Self> {
        Some(match segment {
            "prod" | "prd" | "production" | "produccion" | "live" => Self::Production,
            "stage" | "staging" => Self::Staging,
            "test" => Self::Test,
            "dev" => Self::Development,
            "local" | "kind" | "minikube" | "k3d" => Self::Local,
            "demo" => Self::Demo,
            _ => return None,
        })
    }

    /// The kind that the names give: production if any of them says so, else the strictest kind that one says, else unknown.
    ///
    /// A name says it by one whole segment between `-`, `_`, `.`, `/`; `nonprod` is another word, and `non-prod` and
    /// `pre-prod` are not production either.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        const STRICTEST_FIRST: [EnvironmentKind; 6] = [
            EnvironmentKind::Production,
            EnvironmentKind::Staging,
            EnvironmentKind::Test,
            EnvironmentKind::Development,
            EnvironmentKind::Local,
            EnvironmentKind::Demo,
        ];
        let found: Vec<Self> = names.into_iter().flat_map(Self::said_by).collect();
        STRICTEST_FIRST.into_iter().find(|kind| found.contains(kind)).unwrap_or(Self::Unknown)
    }

    fn said_by(name: &str) -> Vec<Self> {
        let name = name.to_lowercase();
        let segments: Vec<&str> = name.split(['-', '_', '.', '/']).collect();
        let negated = |at: usize| at > 0 && matches!(segments[at - 1], "non" | "not" | "pre");
        let said = |(at, segment): (usize, &&str)| Self::of_segment(segment).filter(|_| !negated(at));
        segments.iter().enumerate().filter_map(said).collect()
    }
}

/// The environment of a plan: its kind, what is typed for it, and the least level for any change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its kind.
    pub kind: EnvironmentKind,
    /// What is typed at level env; empty = the namespace's name.
    pub word: String,
    /// The least level for a changing action.
    pub floor: Level,
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
    use super::{Environment, EnvironmentKind as K};

    #[test]
    fn names_give_the_kind_by_whole_segments_and_production_wins() {
        for (context, cluster, namespace, expected) in [
            ("eterna-prod", "c", "n", K::Production),
            ("PROD_eu", "c", "n", K::Production),
            ("c", "arn:aws:eks/prd", "n", K::Production),
            ("c", "c", "live.shop", K::Production),
            ("c", "c", "produccion", K::Production),
            ("gke/production/eu", "c", "n", K::Production),
            ("kind-prod-test", "c", "n", K::Production),
            ("staging", "c", "prod", K::Production),
            ("nonprod", "c", "n", K::Unknown),
            ("preprod", "c", "n", K::Unknown),
            ("non-prod", "c", "n", K::Unknown),
            ("pre-prod", "c", "n", K::Unknown),
            ("pre_production", "c", "dev", K::Development),
            ("products", "c", "reprod", K::Unknown),
            ("eterna-staging", "c", "n", K::Staging),
            ("stage", "c", "dev", K::Staging),
            ("kind-kind", "kind-kind", "default", K::Local),
            ("minikube", "c", "test", K::Test),
            ("k3d-x", "c", "n", K::Local),
            ("demo", "c", "n", K::Demo),
            ("admin@c1", "c1", "default", K::Unknown),
            ("", "", "", K::Unknown),
        ] {
            assert_eq!(K::of_names([context, cluster, namespace]), expected, "{context} {cluster} {namespace}");
        }
    }

    #[test]
    fn an_unknown_environment_counts_as_production_and_asks_for_the_namespaces_name() {
        let unknown = Environment::of_names("c1", "c1", "shop");
        assert!(unknown.kind.counts_as_production());
        assert_eq!(unknown.floor, K::Production.floor());
        assert_eq!(unknown.typed("shop"), "shop");
        assert_eq!(Environment::of_kind(K::Production).typed("shop"), "production");
    }
}
