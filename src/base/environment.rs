//! What kind of environment a target is (contract.md 2).
//!
//! Owns the words and the guess from names. That a service file, then the user's settings, come before the names is decided
//! where those are known; this room only reads names.

use serde::{Deserialize, Serialize};

/// The kind of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentKind {
    /// Where people write software.
    Development,
    /// Where machines test it.
    Test,
    /// Where it is tried as if it were production.
    Staging,
    /// A cluster on this machine.
    Local,
    /// The simulated cluster, or one to show things on.
    Demo,
    /// What customers use.
    Production,
    /// Nothing says what it is: treated as production until somebody names it.
    #[default]
    Unknown,
}

impl EnvironmentKind {
    /// The kinds that a file may name.
    pub const WORDS: [(&str, Self); 6] = [
        ("development", Self::Development),
        ("test", Self::Test),
        ("staging", Self::Staging),
        ("local", Self::Local),
        ("demo", Self::Demo),
        ("production", Self::Production),
    ];

    /// The word as it is shown and, at level env, typed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Staging => "staging",
            Self::Local => "local",
            Self::Demo => "demo",
            Self::Production => "production",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the rules of production hold: also where nothing is known.
    pub const fn counts_as_production(self) -> bool {
        matches!(self, Self::Production | Self::Unknown)
    }

    /// Guesses from the names of context, cluster and namespaces.
    ///
    /// One segment that says production in any of the names is enough; `nonprod`, `preprod`, `non-prod` and `pre-prod` do
    /// not. Otherwise the first name that says something else decides.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut found = Self::Unknown;
        for name in names {
            match Self::from_name(name) {
                Self::Production => return Self::Production,
                kind if found == Self::Unknown => found = kind,
                _ => {}
            }
        }
        found
    }

    fn from_name(name: &str) -> Self {
        let name = name.to_lowercase();
        let mut found = Self::Unknown;
        let mut negated = false;
        for segment in name.split(['-', '_', '.', '/']) {
            match segment_kind(segment) {
                Self::Production if !negated => return Self::Production,
                Self::Production | Self::Unknown => {}
                kind if found == Self::Unknown => found = kind,
                _ => {}
            }
            negated = matches!(segment, "non" | "pre");
        }
        found
    }
}

fn segment_kind(segment: &str) -> EnvironmentKind {
    match segment {
        "prod" | "prd" | "production" | "produccion" | "live" => EnvironmentKind::Production,
        "dev" | "development" => EnvironmentKind::Development,
        "test" => EnvironmentKind::Test,
        "stage" | "staging" => EnvironmentKind::Staging,
        "local" | "kind" | "minikube" | "k3d" => EnvironmentKind::Local,
        "demo" => EnvironmentKind::Demo,
        _ => EnvironmentKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::EnvironmentKind::{self, Demo, Development, Local, Production, Staging, Test, Unknown};

    #[test]
    fn a_segment_that_says_production_is_enough_and_a_part_of_a_word_is_not() {
        for (names, kind) in [
            (&["eterna-prod", "eks-1", "default"][..], Production),
            (&["admin", "gke_shop-prd_europe-west1_main", "default"], Production),
            (&["admin", "main", "shop_live"], Production),
            (&["PROD", "", ""], Production),
            (&["arn:aws:eks:eu-west-1:1:cluster/produccion", "", ""], Production),
            (&["staging", "main", "production"], Production),
            (&["nonprod", "main", "default"], Unknown),
            (&["non-prod", "main", "default"], Unknown),
            (&["pre-prod", "main", "default"], Unknown),
            (&["preprod", "main", "default"], Unknown),
            (&["reproduction", "main", "livestock"], Unknown),
            (&["kind-timonel", "kind-timonel", "default"], Local),
            (&["minikube", "minikube", "default"], Local),
            (&["admin@shop.dev", "shop", "default"], Development),
            (&["stage-eu", "main", "test"], Staging),
            (&["main", "main", "test"], Test),
            (&["demo", "demo", "tienda"], Demo),
            (&[], Unknown),
        ] {
            assert_eq!(EnvironmentKind::from_names(names.iter().copied()), kind, "{names:?}");
        }
    }

    #[test]
    fn what_is_unknown_counts_as_production() {
        assert!(Unknown.counts_as_production() && Production.counts_as_production());
        assert!(!Staging.counts_as_production());
        assert_eq!(EnvironmentKind::default(), Unknown);
    }
}
