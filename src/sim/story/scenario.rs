//! Scenarios as they are written: assets/scenarios/*.toml.
//!
//! Owns the file format and the embedded files.

use jiff::SignedDuration;
use serde::Deserialize;

use crate::sim::behaviour::{Pool, Rule};
use crate::sim::errand::Fault;

/// A scenario file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// Version of the format: 1.
    pub(crate) schema: u32,
    /// One line for people.
    pub(crate) title: String,
    /// Rules that hold from the start, after those of the systems.
    #[serde(default)]
    pub(crate) rule: Vec<Rule>,
    /// Pools that are otherwise than in the systems.
    #[serde(default)]
    pub(crate) pool: Vec<Pool>,
    /// What happens.
    #[serde(default)]
    pub(crate) step: Vec<Step>,
    /// Dumps and migrations that fail.
    #[serde(default)]
    pub(crate) fault: Vec<Fault>,
    /// More workloads than the five systems have.
    #[serde(default)]
    pub(crate) fill: Option<Fill>,
    /// Changes without end.
    #[serde(default)]
    pub(crate) storm: Option<Storm>,
}

/// Something that happens at a time, and then when a condition holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// A name, for `undo`.
    pub(crate) id: String,
    /// After the start.
    pub(crate) at: SignedDuration,
    /// Not before this holds.
    #[serde(default)]
    pub(crate) when: Option<When>,
    /// Rules that hold from now on.
    #[serde(default)]
    pub(crate) rule: Vec<Rule>,
    /// Steps whose rules cease to hold.
    #[serde(default)]
    pub(crate) undo: Vec<String>,
    /// Somebody releases an image.
    #[serde(default)]
    pub(crate) release: Option<Release>,
    /// Somebody scales.
    #[serde(default)]
    pub(crate) scale: Option<Scale>,
    /// Somebody patches an object.
    #[serde(default)]
    pub(crate) patch: Option<Patch>,
    /// A controller outside the simulation warns.
    #[serde(default)]
    pub(crate) warning: Option<Warning>,
}

/// A condition on a workload.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct When {
    /// Namespace.
    pub(crate) namespace: String,
    /// Deployment.
    pub(crate) deployment: String,
    /// At least so many replicas are ready.
    #[serde(default)]
    pub(crate) ready_at_least: Option<i64>,
    /// At least so many replicas are wanted.
    #[serde(default)]
    pub(crate) wanted_at_least: Option<i64>,
    /// At most so many replicas are wanted.
    #[serde(default)]
    pub(crate) wanted_at_most: Option<i64>,
}

/// A new image, as `kubectl set image` with a change cause.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Release {
    /// Namespace.
    pub(crate) namespace: String,
    /// Deployment.
    pub(crate) deployment: String,
    /// Container.
    pub(crate) container: String,
    /// Image.
    pub(crate) image: String,
    /// `kubernetes.io/change-cause`.
    pub(crate) cause: String,
}

/// A number of replicas.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scale {
    /// Namespace.
    pub(crate) namespace: String,
    /// Deployment.
    pub(crate) deployment: String,
    /// Replicas.
    pub(crate) replicas: i64,
}

/// A merge patch of any object.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    /// `apps/v1`.
    pub(crate) api_version: String,
    /// `Deployment`.
    pub(crate) kind: String,
    /// Namespace; empty for kinds without.
    #[serde(default)]
    pub(crate) namespace: String,
    /// Name.
    pub(crate) name: String,
    /// The patch as JSON text; `{+20d}` stands for a time that far from now.
    pub(crate) merge: String,
}

/// A Warning Event about an object.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Warning {
    /// `apps/v1`.
    pub(crate) api_version: String,
    /// `Deployment`.
    pub(crate) kind: String,
    /// Namespace.
    pub(crate) namespace: String,
    /// Name.
    pub(crate) name: String,
    /// Who says it: `cert-manager`.
    pub(crate) component: String,
    /// `Expiring`.
    pub(crate) reason: String,
    /// The sentence.
    pub(crate) message: String,
}

/// Namespaces full of pods.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fill {
    /// How many pods.
    pub(crate) pods: usize,
    /// In how many namespaces.
    pub(crate) namespaces: usize,
    /// How many pods each Deployment has.
    pub(crate) replicas: usize,
}

/// Changes without end.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Storm {
    /// Changes of objects a second.
    pub(crate) changes: u32,
}

/// The shipped scenarios: name and text.
pub(crate) const SHIPPED: [(&str, &str); 7] = [
    ("first-steps", include_str!("../../../assets/scenarios/first-steps.toml")),
    ("friday", include_str!("../../../assets/scenarios/friday.toml")),
    ("database", include_str!("../../../assets/scenarios/database.toml")),
    ("failing", include_str!("../../../assets/scenarios/failing.toml")),
    ("quiet", include_str!("../../../assets/scenarios/quiet.toml")),
    ("storm", include_str!("../../../assets/scenarios/storm.toml")),
    ("crowd", include_str!("../../../assets/scenarios/crowd.toml")),
];

/// The scenario of that name, or what is wrong with it.
pub(crate) fn find(name: &str) -> Result<Scenario, String> {
    let Some((_, text)) = SHIPPED.iter().find(|(n, _)| *n == name) else {
        let names: Vec<&str> = SHIPPED.iter().map(|(n, _)| *n).collect();
        return Err(format!("There is no scenario '{name}'; there are {}.", names.join(", ")));
    };
    let scenario: Scenario = toml::from_str(text).map_err(|e| format!("Scenario '{name}' is malformed: {e}"))?;
    if scenario.schema != 1 {
        return Err(format!("Scenario '{name}' has schema {}, and only 1 is known.", scenario.schema));
    }
    Ok(scenario)
}

#[cfg(test)]
mod tests {
    use super::{SHIPPED, find};

    #[test]
    fn every_shipped_scenario_is_well_formed_and_an_unknown_one_is_named() {
        for (name, _) in SHIPPED {
            assert!(!find(name).expect(name).title.is_empty());
        }
        assert!(find("monday").expect_err("no such scenario").contains("first-steps"));
    }
}
