//! `timonel sim` as a process: the simulated cluster that other clients than the console are tried on.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::sandbox::{Sandbox, program};

/// A simulated cluster, ended when it is dropped.
pub(crate) struct Simulator {
    child: Child,
    kubeconfig: PathBuf,
    // Last: its folder is the simulator's.
    _home: Sandbox,
}

impl Simulator {
    /// Starts a scenario and waits until it can be asked.
    pub(crate) fn start(scenario: &str) -> Self {
        let home = Sandbox::new();
        let mut command = Command::new(program());
        command.args(["sim", "--scenario", scenario]).env_clear().envs(home.variables().iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        let said = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        assert!(matches!(said, Some(Ok(length)) if length > 0), "the simulator ended before it said where it is");
        Self { child, kubeconfig: PathBuf::from(line.trim()), _home: home }
    }

    /// Where its kubeconfig is.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It leaves a folder behind unless it is asked to end.
        if let Some(id) = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap_or_default()) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}
