//! A simulated cluster beside the program under test.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::sandbox::{Sandbox, program};

/// A simulated cluster; it ends with the test.
pub(crate) struct Cluster(Child);

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), rustix::process::Signal::TERM);
        let _ = self.0.wait();
    }
}

/// Starts one, with its kubeconfig.
pub(crate) fn cluster(sandbox: &Sandbox, options: &[&str]) -> (Cluster, Value) {
    let mut command = Command::new(program());
    command.arg("sim").args(options).env_clear().envs(sandbox.variables().iter().cloned());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut path = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut path).unwrap();
    (Cluster(child), serde_json::from_str(&fs::read_to_string(path.trim()).unwrap()).unwrap())
}
