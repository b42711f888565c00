//! Where the releases of a service come from.
//!
//! Owns `[releases]`. The history itself is the business of the room `release`.

use std::time::Duration;

use crate::base::toml::Table;
use crate::service::around::Around;

/// `[releases]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Releases {
    /// Where they come from.
    pub source: ReleaseSource,
    /// Images are pinned by digest.
    pub pin_digest: bool,
    /// What makes a release besides its image: `schema`, `configmap:NAME`, `secret:NAME`.
    pub tuple: Vec<String>,
    /// Green for so long, a release counts as good.
    pub known_good_after: Option<Duration>,
}

/// Where releases come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseSource {
    /// Helm's history.
    Helm,
    /// Revisions of Deployments.
    Deployment,
    /// The history of another target.
    Target,
}

const SOURCES: [(&str, ReleaseSource); 3] =
    [("helm", ReleaseSource::Helm), ("deployment", ReleaseSource::Deployment), ("target", ReleaseSource::Target)];

pub(super) fn decode(root: &Table<'_>, around: &Around<'_>) -> Option<Releases> {
    let table = root.table("releases")?;
    if !table.has("source") {
        table.missing("source");
    }
    let source = table.word("source", &SOURCES).map(|s| s.value);
    let pin_digest = table.word("pin", &[("digest", true), ("tag", false)]).is_some_and(|p| p.value);
    let tuple = table
        .texts("tuple")
        .into_iter()
        .filter_map(|part| around.names.fill(&table, part))
        .map(|part| part.value)
        .collect();
    let known_good_after = table.duration("known_good_after", Duration::from_mins(1)..=Duration::from_hours(24 * 7)).map(|d| d.value);
    table.finish();
    Some(Releases { source: source?, pin_digest, tuple, known_good_after })
}
