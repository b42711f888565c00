//! One component of the bed: a process in a group of its own, with its output in a file.
//!
//! Must not know what the component is.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// A running component.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output in `folder/name.log`.
    pub(crate) fn start(name: &str, mut command: Command, folder: &Path) -> Result<Self, String> {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let again = file.try_clone().map_err(|error| format!("{}: {error}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file).stderr(again).process_group(0);
        let child = command
            .spawn()
            .map_err(|error| format!("cannot start {name} ({}): {error}", command.get_program().display()))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Its process id, which is its group's too.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its name, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Waits until `ready` says so. An end of the process, or the deadline, is an error with the last lines of its log.
    pub(crate) fn wait_until(&mut self, what: &str, deadline: Duration, mut ready: impl FnMut() -> bool) -> Result<(), String> {
        let until = Instant::now() + deadline;
        loop {
            if ready() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("{} ended ({status}) before it {what}. Its last lines:\n{}", self.name, self.tail()));
            }
            if Instant::now() >= until {
                return Err(format!("{} has not {what} after {} s. Its last lines:\n{}", self.name, deadline.as_secs(), self.tail()));
            }
            // Nothing tells when a port opens: asking again is the only way, and this is how long one asks apart.
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// The last lines of its log.
    pub(crate) fn tail(&self) -> String {
        last_lines(&String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()), 25)
    }

    /// Lets the whole group stand still, or go on.
    pub(crate) fn stand_still(&self, still: bool) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process_group(pid, if still { Signal::STOP } else { Signal::CONT }).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// Ends the whole group at once. kube-apiserver would wait up to a minute for its watches otherwise.
    pub(crate) fn kill(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // An error means that it has gone already.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// The last `count` lines of a text, indented, each cut to a readable length.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let kept = lines[lines.len().saturating_sub(count)..].iter();
    kept.map(|line| format!("    {}\n", line.chars().take(400).collect::<String>())).collect()
}
