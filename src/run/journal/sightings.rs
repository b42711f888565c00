//! What consoles saw of health and rollouts, beside the journal: a file of its own.
//!
//! Owns that file (`sightings.jsonl`), its bound and its form. It is no part of the chain: the journal proves what was done from here,
//! and nothing is done because of a sighting. Every console writes it, read-only ones too; it says nothing about times at which none ran.

use std::io::Write as _;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{JournalError, files};
use crate::base::text::clean;
use crate::fleet::Sighting;
use crate::run::scrub;
use crate::run::undo::Here;

const SCHEMA: &str = "timonel.sighting/1";
const CURRENT: &str = "sightings.jsonl";
/// The file before: when this one is replaced, what was in it is gone.
const BEFORE: &str = "sightings.1.jsonl";
/// Past this size a new file is begun.
const ROTATE_AT: u64 = 1 << 20;

/// A sighting with where it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// `timonel.sighting/1`.
    pub schema: String,
    /// Context of the kubeconfig.
    pub context: String,
    /// UID of the cluster, where it could be read.
    pub cluster_uid: Option<String>,
    /// What was seen.
    #[serde(flatten)]
    pub sighting: Sighting,
}

/// Appends sightings of one target, without what looks like a secret in their reasons.
pub fn note(folder: &Path, here: &Here, sightings: &[Sighting]) -> Result<(), JournalError> {
    note_within(folder, here, sightings, ROTATE_AT)
}

fn note_within(folder: &Path, here: &Here, sightings: &[Sighting], rotate_at: u64) -> Result<(), JournalError> {
    let path = folder.join(CURRENT);
    let failed = |e: std::io::Error| JournalError::new(&path, "written", e);
    let mut text = String::new();
    for sighting in sightings {
        let reason = scrub::text(&clean(&sighting.reason));
        let sighting = Sighting { reason, ..sighting.clone() };
        let seen = Seen { schema: SCHEMA.to_owned(), context: here.context.clone(), cluster_uid: here.cluster_uid.clone(), sighting };
        text.push_str(&serde_json::to_string(&seen).map_err(|e| JournalError::new(&path, "written", e))?);
        text.push('\n');
    }
    let mut file = files::open_private(&path).map_err(failed)?;
    files::take(&file).map_err(|why| JournalError::new(&path, "written", why))?;
    if file.metadata().map_err(failed)?.len() >= rotate_at {
        std::fs::rename(&path, folder.join(BEFORE)).map_err(failed)?;
        file = files::open_private(&path).map_err(failed)?;
    }
    // One write: a line of another process that rotates in this moment is whole as well.
    file.write_all(text.as_bytes()).map_err(failed)
}

/// All sightings that are kept, oldest first; what cannot be read is passed over, for it was never evidence.
pub fn sightings(folder: &Path) -> Result<Vec<Seen>, JournalError> {
    let mut all: Vec<Seen> = Vec::new();
    for name in [BEFORE, CURRENT] {
        let path = folder.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => all.extend(String::from_utf8_lossy(&bytes).lines().filter_map(|line| serde_json::from_str(line).ok())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(JournalError::new(&path, "read", error)),
        }
    }
    all.sort_by_key(|seen| seen.sighting.at);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{BEFORE, CURRENT, note_within, sightings};
    use crate::fleet::{Sighting, SightingKind};
    use crate::run::Here;

    fn sighting(at: i64, reason: &str) -> Sighting {
        Sighting {
            at: jiff::Timestamp::from_second(at).expect("a time"),
            workload: Some("shop/deployment/api".into()),
            what: SightingKind::Health,
            from: Some("ok".into()),
            to: "down".into(),
            reason: reason.into(),
        }
    }

    #[test]
    fn what_was_seen_is_read_again_without_secrets_and_control_sequences() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = Here { context: "shop-prod".into(), cluster_uid: None };
        note_within(folder.path(), &here, &[sighting(20, "password=hunter2 \u{1b}[2J"), sighting(10, "first")], 1 << 20).expect("noted");
        let all = sightings(folder.path()).expect("read");
        assert_eq!(all.iter().map(|s| s.sighting.at.as_second()).collect::<Vec<_>>(), [10, 20]);
        assert_eq!(all[0].context, "shop-prod");
        let text = format!("{all:?}");
        assert!(!text.contains("hunter2") && !text.contains("\\u{1b}"), "{text}");
    }

    #[test]
    fn the_files_do_not_grow_without_bound_and_belong_to_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        for at in 0..200 {
            note_within(folder.path(), &Here::default(), &[sighting(at, "so it went")], 2_000).expect("noted");
        }
        let sizes = [CURRENT, BEFORE].map(|name| std::fs::metadata(folder.path().join(name)).expect("a file"));
        assert!(sizes.iter().all(|m| m.len() < 3_000 && m.permissions().mode().trailing_zeros() >= 6), "{sizes:?}");
        let all = sightings(folder.path()).expect("read");
        assert_eq!(all.last().map(|s| s.sighting.at.as_second()), Some(199), "the newest are kept");
    }

    #[test]
    fn a_folder_without_sightings_has_none() {
        assert_eq!(sightings(std::path::Path::new("/nowhere")).expect("nothing").len(), 0);
    }
}
