//! What an entry of a service file may refer to in one environment, and how a reference that leads nowhere is told.
//!
//! Owns the look-up of workloads, secrets and environments while entries are read. Must not know what the entries mean.

use super::Workload;
use super::names::Names;
use crate::base::toml::{At, Table, quoted, word_hint};

/// What entries refer to.
pub(super) struct Around<'a> {
    /// Names for texts.
    pub(super) names: &'a Names,
    /// Ids of all environments.
    pub(super) environments: &'a [String],
    /// Workloads of this environment.
    pub(super) workloads: &'a [Workload],
    /// Ids under `[secrets]`.
    pub(super) secrets: &'a [String],
    /// Ids of the databases, those that this environment cannot fill in included: what refers to one is no fault.
    pub(super) databases: &'a [String],
}

impl Around<'_> {
    /// Whether the entry is for this environment, by its key `envs`.
    pub(super) fn applies(&self, table: &Table<'_>) -> bool {
        let envs = table.texts("envs");
        for env in &envs {
            known(table, env, "environment", self.environments.iter());
        }
        envs.is_empty() || envs.iter().any(|env| env.value == self.names.environment())
    }

    /// A text with its names put in.
    pub(super) fn text(&self, table: &Table<'_>, key: &str) -> Option<String> {
        self.names.fill(table, table.text(key)?).map(|text| text.value)
    }

    /// The same of a text that must be there.
    pub(super) fn need(&self, table: &Table<'_>, key: &str) -> Option<String> {
        self.names.fill(table, table.need_text(key)?).map(|text| text.value)
    }

    /// The id of a workload.
    pub(super) fn workload(&self, table: &Table<'_>, key: &str) -> Option<String> {
        let id = table.text(key)?;
        known(table, &id, "workload", self.workloads.iter().map(|w| &w.id)).then_some(id.value)
    }

    /// The id of a secret: `secret:ID`. What is written in clear is a problem.
    pub(super) fn secret(&self, table: &Table<'_>, key: &str) -> Option<String> {
        let text = table.text(key)?;
        let Some(id) = text.value.strip_prefix("secret:").map(ToOwned::to_owned) else {
            let hint = "Write \"secret:NAME\", and where it comes from as ref in [secrets.NAME].";
            table.error(&text.spot, format!("'{key}' is a secret and must not be written into the file."), Some(hint.into()));
            return None;
        };
        let id = At { value: id, spot: text.spot };
        known(table, &id, "secret", self.secrets.iter()).then_some(id.value)
    }
}

/// Whether `id` is one of `ids`; records a problem when not.
pub(super) fn known<'i>(table: &Table<'_>, id: &At<String>, noun: &str, ids: impl Iterator<Item = &'i String> + Clone) -> bool {
    let found = ids.clone().any(|known| *known == id.value);
    if !found {
        let hint = word_hint(&id.value, ids.map(String::as_str));
        table.error(&id.spot, format!("There is no {noun} {}.", quoted(&id.value)), hint);
    }
    found
}

/// The entries of `[[key]]` in this environment, each id once. `one` reads an entry whose id is known.
pub(super) fn each<T>(root: &Table<'_>, key: &str, around: &Around<'_>, mut one: impl FnMut(&Table<'_>, &str) -> Option<T>) -> Vec<T> {
    let mut ids: Vec<String> = Vec::new();
    let mut out = Vec::new();
    for table in root.tables(key) {
        let Some(id) = table.need_text("id") else {
            table.entries();
            continue;
        };
        if !around.applies(&table) {
            // It is read, and judged, in the environments that it is for.
            table.entries();
            continue;
        }
        if ids.contains(&id.value) {
            table.error(&id.spot, format!("A second {key} has the id {}.", quoted(&id.value)), None);
            table.entries();
            continue;
        }
        out.extend(one(&table, &id.value));
        table.finish();
        ids.push(id.value);
    }
    out
}
