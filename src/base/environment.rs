//! What kind of environment a target is (contract.md 2).
//!
//! Owns the words and the guess from names. That a service file, then the user's settings, come before the names is decided
//! where those are known; this room only reads names.

use serde::{Deserialize, Serialize};

use super::confirmation::Confirmation;

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
            Self::Unknown => "environment unknown",
        }
    }

    /// Whether the rules of production hold: also where nothing is known.
    pub const fn counts_as_production(self) -> bool {
        matches!(self, Self::Production | Self::Unknown)
    }

    /// The least confirmation of a changing action where no file says otherwise: the environment's word in production, a key
    /// in staging, nothing elsewhere.
    pub const fn floor(self) -> Confirmation {
        match self {
            Self::Production | Self::Unknown => Confirmation::Env,
            Self::Staging => Confirmation::Key,
            Self::Test | Self::Development | Self::Local | Self::Demo => Confirmation::None,
        }
    }

    /// The kind that names give: production if any of them says so, else the strictest kind that one says, else unknown.
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
        let negated = |at: usize| at > 0 && matches!(segments[at - 1], "non" | "pre");
        segments
            .iter()
            .enumerate()
            .filter(|(at, _)| !negated(*at))
            .map(|(_, segment)| segment_kind(segment))
            .collect()
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
            (&["dev", "pre_production", "n"], Development),
            (&["minikube", "main", "test"], Test),
            (&["demo", "demo", "tienda"], Demo),
            (&[], Unknown),
        ] {
            assert_eq!(EnvironmentKind::of_names(names.iter().copied()), kind, "{names:?}");
        }
    }

    #[test]
    fn what_is_unknown_counts_as_production() {
        assert!(Unknown.counts_as_production() && Production.counts_as_production());
        assert!(!Staging.counts_as_production());
        assert_eq!(EnvironmentKind::default(), Unknown);
    }
}
