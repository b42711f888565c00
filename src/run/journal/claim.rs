//! Which process carries a run out: a file per run that goes on, locked for as long as its process lives.
//!
//! Owns these files (`running/RUN` beside the journal). The lock ends with the process, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{JournalError, files};

const FOLDER: &str = "running";
/// The file may be taken away between opening and locking it; more often than this it is not.
const TRIES: usize = 10;

/// A run that this process carries out. Dropping it lets others resume the run. The default one claims nothing.
#[derive(Debug, Default)]
pub struct Claim {
    held: Option<(PathBuf, File)>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.held {
            // Left behind it does no harm: what counts is the lock.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Runs whose process ended without letting go of them.
pub(super) fn left_behind(folder: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(folder.join(FOLDER)) else { return Vec::new() };
    // A lock that is taken and dropped at once: whoever wants the run in this instant is told that it goes on, and asks again.
    let free = |path: &Path| File::open(path).is_ok_and(|file| file.try_lock().is_ok());
    let left = files.flatten().filter(|f| free(&f.path()));
    left.filter_map(|f| f.file_name().into_string().ok()).collect()
}

pub(super) fn take(folder: &Path, run: &str) -> Result<Option<Claim>, JournalError> {
    if !run.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(JournalError::new(folder, "locked", format!("'{run}' is no id of a run")));
    }
    let folder = folder.join(FOLDER);
    files::prepare(&folder)?;
    let path = folder.join(run);
    let failed = |e: std::io::Error| JournalError::new(&path, "locked", e);
    for _ in 0..TRIES {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // Whoever held it before may have removed the file that we opened.
        let ours = file.metadata().map_err(failed)?.ino();
        if std::fs::metadata(&path).is_ok_and(|there| there.ino() == ours) {
            return Ok(Some(Claim { held: Some((path, file)) }));
        }
    }
    Ok(None)
}
