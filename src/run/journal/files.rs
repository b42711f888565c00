//! The journal's files: folder and rights, the lock between processes, append and fsync, the torn line, rotation, the head.
//!
//! Owns all of the journal's writing to the disk. Knows lines, not what they mean.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::JournalError;
use super::chain::{self, Link};

pub(super) const CURRENT: &str = "journal.jsonl";
pub(super) const HEAD: &str = "journal.head";
const LOCK: &str = "journal.lock";
const TORN: &str = "journal.torn";

/// How long another process may hold the lock before we give up: it only appends a few lines.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The head file: the last line that was written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub seq: u64,
    pub hash: String,
}

/// Makes the folder with rights for its owner alone, and narrows the rights of one that is there.
pub(super) fn prepare(folder: &Path) -> Result<(), JournalError> {
    let failed = |e| JournalError::new(folder, "opened", e);
    std::fs::create_dir_all(folder).map_err(failed)?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(failed)
}

/// All files of the journal, oldest first.
pub(super) fn all(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let failed = |e| JournalError::new(folder, "read", e);
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if rotated_seq(&path).is_some() {
            files.push(path);
        }
    }
    files.sort_by_key(|p| rotated_seq(p));
    let current = folder.join(CURRENT);
    if current.exists() {
        files.push(current);
    }
    Ok(files)
}

/// Last sequence number of a rotated file, from its name.
fn rotated_seq(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("journal-")?.strip_suffix(".jsonl")?.parse().ok()
}

pub(super) fn head(folder: &Path) -> Option<Head> {
    serde_json::from_slice(&std::fs::read(folder.join(HEAD)).ok()?).ok()
}

pub(super) fn open_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

/// The one who may append at the moment. The lock goes with it.
pub(super) struct Writer {
    folder: PathBuf,
    _lock: File,
    file: File,
    last: Option<Link>,
    /// The current file is new and the chain is not: its first line must name the file before.
    resumes: bool,
}

impl Writer {
    pub(super) fn lock(folder: &Path) -> Result<Self, JournalError> {
        let failed = |e| JournalError::new(folder, "written", e);
        let lock = open_private(&folder.join(LOCK)).map_err(failed)?;
        take(&lock).map_err(|why| JournalError::new(folder, "written", why))?;
        let file = open_private(&folder.join(CURRENT)).map_err(failed)?;
        Ok(Self { folder: folder.to_owned(), _lock: lock, file, last: None, resumes: false })
    }

    fn failed(&self) -> impl Fn(std::io::Error) -> JournalError + use<> {
        let path = self.folder.join(CURRENT);
        move |e| JournalError::new(&path, "written", e)
    }

    /// Moves a torn last line aside and finds the line to go on from. Returns the name of the file with the torn bytes.
    pub(super) fn mend(&mut self) -> Result<Option<String>, JournalError> {
        let failed = self.failed();
        let (tail, torn) = tail(&mut self.file).map_err(&failed)?;
        if !torn.is_empty() {
            let mut aside = open_private(&self.folder.join(TORN)).map_err(&failed)?;
            aside
                .write_all(&torn)
                .and_then(|()| aside.write_all(b"\n"))
                .and_then(|()| aside.sync_data())
                .map_err(&failed)?;
            let length = self.file.metadata().map_err(&failed)?.len();
            self.file.set_len(length.saturating_sub(torn.len() as u64)).map_err(&failed)?;
        }
        let written = tail.as_deref().and_then(chain::parse).and_then(|line| chain::link(&line));
        let head = head(&self.folder).map(|h| Link { seq: h.seq, hash: h.hash });
        self.resumes = tail.is_none() && head.is_some();
        // A head ahead of the file means a cut tail: going on after the head keeps the gap visible to `verify`.
        self.last = match (written, head) {
            (Some(line), Some(head)) if head.seq > line.seq => Some(head),
            (Some(line), _) => Some(line),
            (None, head) => head,
        };
        Ok((!torn.is_empty()).then(|| TORN.to_owned()))
    }

    /// Starts a new file when this one is larger than `limit`, or when the last process died between the two. Returns name of
    /// the file before and its last hash.
    pub(super) fn rotate_past(&mut self, limit: u64) -> Result<Option<(String, String)>, JournalError> {
        let failed = self.failed();
        let Some(last) = self.last.clone() else { return Ok(None) };
        if std::mem::take(&mut self.resumes) {
            let before = all(&self.folder)?.iter().rev().find_map(|p| rotated_seq(p).map(rotated_name)).unwrap_or_default();
            return Ok(Some((before, last.hash)));
        }
        if self.file.metadata().map_err(&failed)?.len() < limit {
            return Ok(None);
        }
        let name = rotated_name(last.seq);
        std::fs::rename(self.folder.join(CURRENT), self.folder.join(&name)).map_err(&failed)?;
        self.file = open_private(&self.folder.join(CURRENT)).map_err(&failed)?;
        Ok(Some((name, last.hash)))
    }

    /// Appends one line. A line that could not be written in full is cut off again.
    pub(super) fn append(&mut self, line: Map<String, Value>) -> Result<(), JournalError> {
        let failed = self.failed();
        let (text, link) = chain::seal(line, self.last.as_ref());
        let length = self.file.metadata().map_err(&failed)?.len();
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            // Best effort: if even this fails, the next append moves the torn line aside.
            let _ = self.file.set_len(length);
            return Err(failed(error));
        }
        self.last = Some(link);
        Ok(())
    }

    /// Brings everything to the disk, then moves the head.
    pub(super) fn finish(self) -> Result<(), JournalError> {
        let failed = self.failed();
        self.file.sync_data().map_err(&failed)?;
        let Some(Link { seq, hash }) = self.last else { return Ok(()) };
        let fresh = self.folder.join(format!("{HEAD}.new"));
        let text = serde_json::to_vec(&Head { seq, hash }).unwrap_or_default();
        let _ = std::fs::remove_file(&fresh);
        let mut file = open_private(&fresh).map_err(&failed)?;
        file.write_all(&text).and_then(|()| file.sync_data()).map_err(&failed)?;
        std::fs::rename(&fresh, self.folder.join(HEAD)).map_err(&failed)
    }
}

fn rotated_name(last_seq: u64) -> String {
    format!("journal-{last_seq:012}.jsonl")
}

pub(super) fn take(lock: &File) -> Result<(), String> {
    for _ in 0..LOCK_TRIES {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(e)) => return Err(e.to_string()),
        }
    }
    Err("another process holds its lock".to_owned())
}

/// The last whole line of a file (without its break), and what follows it without one.
fn tail(file: &mut File) -> std::io::Result<(Option<String>, Vec<u8>)> {
    let length = file.metadata()?.len();
    let mut window = 64 << 10;
    loop {
        let start = length.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let breaks: Vec<usize> = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i).collect();
        let whole = |from: usize, to: usize| String::from_utf8_lossy(&bytes[from..to]).into_owned();
        match breaks[..] {
            [.., before, last] => return Ok((Some(whole(before + 1, last)), bytes[last + 1..].to_vec())),
            [last] if start == 0 => return Ok((Some(whole(0, last)), bytes[last + 1..].to_vec())),
            [] if start == 0 => return Ok((None, bytes)),
            _ => window *= 4,
        }
    }
}
