//! A system as it is written: assets/scenarios/systems/NAME.yaml (manifests) and NAME.toml (history and behaviour).
//!
//! Owns the file formats and the embedded files.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;

use crate::sim::behaviour::{Pool, Rule};
use crate::sim::errand::Database;
use crate::sim::exec::Script;
use crate::sim::logs::FormatFile;
use crate::sim::story::{Measure, days};

/// A system: what it consists of, how it came to be, how it behaves.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct System {
    /// Name of the files.
    #[serde(skip)]
    pub(super) name: String,
    /// Manifests.
    #[serde(skip)]
    pub(super) documents: Vec<Value>,
    /// Nodes of its pods, in turn; empty = the scheduler decides.
    #[serde(skip)]
    pub(super) nodes: Vec<String>,
    /// The manifests as text, for Helm.
    #[serde(skip)]
    pub(super) text: &'static str,
    /// Version of the format: 1.
    pub(super) schema: u32,
    /// How long it has been there.
    pub(super) age: Age,
    /// Releases of its workloads, oldest first; the last is what the manifest says.
    pub(super) release: Vec<Release>,
    /// Runs of its CronJobs in the past.
    pub(super) run: Vec<Run>,
    /// Its Helm release.
    pub(super) helm: Option<Helm>,
    /// How its containers behave.
    pub(super) rule: Vec<Rule>,
    /// What its containers share.
    pub(super) pool: Vec<Pool>,
    /// Log formats.
    pub(super) log: Vec<FormatFile>,
    /// Its databases.
    pub(super) database: Vec<Database>,
    /// What commands answer in its containers.
    pub(super) script: Vec<Script>,
    /// What measures answer.
    pub(super) measure: Vec<Measure>,
}

/// A length of time that may be written in days: `74d`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Age(pub(super) SignedDuration);

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        days(&text).map(Self).ok_or_else(|| serde::de::Error::custom(format!("'{text}' is no length of time")))
    }
}

/// A release of a workload.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    /// Deployment or StatefulSet.
    pub(super) workload: String,
    /// How long ago.
    pub(super) age: Age,
    /// Image of each container; what is missing is as in the manifest.
    #[serde(default)]
    pub(super) images: BTreeMap<String, String>,
    /// `kubernetes.io/change-cause`.
    pub(super) cause: String,
}

/// A run of a CronJob in the past.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// CronJob.
    pub(super) cronjob: String,
    /// How many seconds it took.
    pub(super) took: u32,
    /// How many of its last scheduled runs are still there.
    pub(super) kept: usize,
}

/// A Helm release.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Helm {
    /// Name.
    pub(super) name: String,
    /// Namespace.
    pub(super) namespace: String,
    /// Chart.
    pub(super) chart: String,
    /// Description of the chart.
    pub(super) description: String,
    /// Its revisions, oldest first.
    pub(super) revision: Vec<Revision>,
}

/// A revision of a Helm release.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revision {
    /// How long ago.
    pub(super) age: Age,
    /// Version of the chart.
    pub(super) chart: String,
    /// Version of the application.
    pub(super) app: String,
    /// `Upgrade complete`.
    pub(super) description: String,
    /// Image texts of the manifests, and what stood there in this revision.
    #[serde(default)]
    pub(super) images: BTreeMap<String, String>,
    /// The values that were given, flat: `"backend.image.tag" = "1.2.3"`.
    #[serde(default)]
    pub(super) values: BTreeMap<String, toml::Value>,
    /// Status, where it is neither superseded nor the last one.
    #[serde(default)]
    pub(super) status: Option<String>,
}

macro_rules! files {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../../assets/scenarios/systems/", $name, ".yaml")),
            include_str!(concat!("../../../assets/scenarios/systems/", $name, ".toml")))),*]
    };
}

const SHIPPED: [(&str, &str, &str); 7] = files!["cluster", "platform", "devshelf", "eterna-rules", "dokploy-stack", "listacompra", "records"];

impl System {
    /// The shipped systems, the cluster itself first.
    pub(super) fn shipped() -> Result<Vec<Self>, String> {
        SHIPPED
            .iter()
            .map(|(name, yaml, toml)| Self::parse(name, yaml, toml).map_err(|e| format!("System '{name}': {e}")))
            .collect()
    }

    fn parse(name: &str, yaml: &'static str, toml: &str) -> Result<Self, String> {
        let mut system: Self = toml::from_str(toml).map_err(|e| e.to_string())?;
        if system.schema != 1 {
            return Err(format!("schema {} is not known, only 1", system.schema));
        }
        system.documents = serde_saphyr::from_multiple(yaml).map_err(|e| e.to_string())?;
        system.documents.retain(|d| !d.is_null());
        system.name = String::from(name);
        system.text = yaml;
        Ok(system)
    }

    /// The releases of a workload, oldest first.
    pub(super) fn releases(&self, workload: &str) -> Vec<&Release> {
        self.release.iter().filter(|r| r.workload == workload).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::System;

    #[test]
    fn every_system_is_well_formed_and_every_deployment_has_six_releases() {
        for system in System::shipped().expect("systems") {
            for document in system.documents.iter().filter(|d| d["kind"] == "Deployment" && system.name != "cluster") {
                let name = document["metadata"]["name"].as_str().unwrap_or_default();
                assert!(system.releases(name).len() >= 6, "{}: {name}", system.name);
            }
        }
    }
}
