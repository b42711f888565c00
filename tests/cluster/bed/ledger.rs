//! What a bed has on this machine, written down while it happens, so that a later run can end what an earlier one left behind.
//!
//! Processes are known by id and start time, so that an id that was given to somebody else is never touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

/// One process: its id, and when it started in clock ticks since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pid: u32,
    started: u64,
}

impl Identity {
    /// The process that has this id now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may contain spaces; the start time is the 20th field after it.
        let started = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
        Some(Self { pid, started })
    }

    fn alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }
}

/// Everything that one bed made outside its own memory.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ledger {
    #[serde(skip)]
    file: PathBuf,
    owner: Identity,
    /// The bed's folder; everything mounted below it is its own.
    pub(crate) folder: PathBuf,
    /// Name of the network bridge and of the control group.
    pub(crate) tag: String,
    children: Vec<Identity>,
}

impl Ledger {
    /// Opens the books for a bed of this process.
    pub(crate) fn open(tag: &str, folder: &Path) -> Result<Self, String> {
        let books = books()?;
        fs::create_dir_all(&books).map_err(|error| format!("{}: {error}", books.display()))?;
        let owner = Identity::of(std::process::id()).ok_or("cannot read /proc/self/stat")?;
        let ledger = Self {
            file: books.join(format!("{tag}.json")),
            owner,
            folder: folder.to_owned(),
            tag: tag.to_owned(),
            children: Vec::new(),
        };
        ledger.save()?;
        Ok(ledger)
    }

    /// Writes a child down.
    pub(crate) fn record(&mut self, pid: u32) -> Result<(), String> {
        self.children.extend(Identity::of(pid));
        self.save()
    }

    fn save(&self) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        fs::write(&self.file, text).map_err(|error| format!("{}: {error}", self.file.display()))
    }

    /// Ends and removes everything that is written down, and closes the books.
    pub(crate) fn clear(&self) {
        for child in self.children.iter().filter(|child| child.alive()) {
            if let Some(pid) = raw(child.pid) {
                let _ = kill_process_group(pid, Signal::KILL);
            }
        }
        // Shims outlive containerd on purpose; they carry the bed's folder in their command line.
        for pid in processes_naming(&self.folder) {
            let _ = kill_process(pid, Signal::KILL);
        }
        for folder in control_groups(&self.tag) {
            clear_control_group(&folder);
        }
        for mount in mounts_below(&self.folder) {
            run("umount", &["-l", &mount]);
        }
        if Path::new("/sys/class/net").join(&self.tag).exists() {
            run("ip", &["link", "delete", &self.tag]);
        }
        for record in network_records(&self.tag) {
            let _ = fs::remove_file(record);
        }
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.file);
    }
}

/// Ends what beds of processes that are no longer there left behind, and says so.
pub(crate) fn clear_left_overs() {
    let Ok(books) = books() else { return };
    for entry in fs::read_dir(books).into_iter().flatten().flatten() {
        let Ok(text) = fs::read_to_string(entry.path()) else { continue };
        let Ok(mut ledger) = serde_json::from_str::<Ledger>(&text) else { continue };
        if !ledger.owner.alive() {
            eprintln!("an earlier run left its cluster behind in {}: stopping it", ledger.folder.display());
            ledger.file = entry.path();
            ledger.clear();
        }
    }
}

/// Ends what this very process has: for the end that comes by a signal, while others still hold the bed.
pub(crate) fn clear_own() {
    let Ok(books) = books() else { return };
    for entry in fs::read_dir(books).into_iter().flatten().flatten() {
        let Ok(text) = fs::read_to_string(entry.path()) else { continue };
        let Ok(mut ledger) = serde_json::from_str::<Ledger>(&text) else { continue };
        if Identity::of(std::process::id()) == Some(ledger.owner) {
            ledger.file = entry.path();
            ledger.clear();
        }
    }
}

fn books() -> Result<PathBuf, String> {
    Ok(super::build::cache()?.join("beds"))
}

fn raw(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

fn run(program: &str, arguments: &[&str]) {
    let _ = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// Processes with `folder` in their command line, this one and its parents excepted.
fn processes_naming(folder: &Path) -> Vec<Pid> {
    let wanted = format!("{}/", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let program = line.split(|byte| *byte == 0).next().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        if program.contains("containerd-shim") && String::from_utf8_lossy(&line).contains(&wanted) {
            found.extend(raw(pid));
        }
    }
    found
}

/// The bed's control group in every hierarchy (version 1), or the one (version 2).
pub(crate) fn control_groups(tag: &str) -> Vec<PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    let mut found: Vec<PathBuf> = hierarchies.map(|hierarchy| hierarchy.join(tag)).filter(|path| path.is_dir()).collect();
    found.extend(Some(root.join(tag)).filter(|path| path.is_dir()));
    found
}

/// Ends what runs in a control group and removes it, innermost first.
fn clear_control_group(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
        clear_control_group(&entry.path());
    }
    for pid in fs::read_to_string(folder.join("cgroup.procs"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.parse().ok())
    {
        if let Some(pid) = raw(pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    // The kernel lets go of a group a moment after its last process; what stays is an empty folder.
    for _ in 0..40 {
        if fs::remove_dir(folder).is_ok() || !folder.exists() {
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(25));
    }
}

/// Mount points below a folder, innermost first.
fn mounts_below(folder: &Path) -> Vec<String> {
    let beginning = format!("{}/", folder.display());
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mut found: Vec<String> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|path| path.starts_with(&beginning))
        .map(str::to_owned)
        .collect();
    found.sort_by_key(|path| std::cmp::Reverse(path.len()));
    found
}

/// What the network plugins noted about this bed's pods, in the one folder that they all share.
fn network_records(tag: &str) -> Vec<PathBuf> {
    let names = fs::read_dir("/var/lib/cni/results").into_iter().flatten().flatten();
    let names: Vec<(PathBuf, String)> = names.map(|entry| (entry.path(), entry.file_name().to_string_lossy().into_owned())).collect();
    let sandbox = |name: &str| {
        name.strip_prefix(tag)
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.split('-').next())
            .map(str::to_owned)
    };
    let sandboxes: Vec<String> = names.iter().filter_map(|(_, name)| sandbox(name)).collect();
    names
        .into_iter()
        .filter(|(_, name)| sandboxes.iter().any(|sandbox| name.contains(sandbox.as_str())))
        .map(|(path, _)| path)
        .collect()
}
