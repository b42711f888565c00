//! The test bed: a real Kubernetes on this machine, without a registry and without images from anywhere.
//!
//! Owns the order in which things start and stop. Everything lies below one folder and is written down in a ledger, so that
//! nothing outlives the bed, not even when the process that owns it is killed.

pub(crate) mod build;
mod control;
mod image;
mod ledger;
pub(crate) mod node;
mod pki;
pub(crate) mod played;
mod ports;
mod process;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use build::Binaries;
use ledger::Ledger;
use node::Node;
use ports::Ports;
use process::Process;

pub(crate) use image::hex as sha256;
pub(crate) use ledger::{clear_left_overs, clear_own};

/// What a bed has besides its control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One kubelet on containerd and a metrics server: real pods.
    Real,
    /// Played nodes only: thousands of pods.
    Scale,
}

impl Shape {
    fn binaries(self) -> &'static [&'static str] {
        match self {
            Self::Real => &["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "metrics-server"],
            Self::Scale => &["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"],
        }
    }
}

/// What this machine lacks for a bed of `shape`, in words; empty when it can be started.
pub(crate) fn missing(shape: Shape) -> Vec<String> {
    if !cfg!(target_os = "linux") {
        return vec!["Linux".to_owned()];
    }
    let mut missing = if shape == Shape::Real { node::missing() } else { Vec::new() };
    let unbuilt = Binaries::cached().map(|binaries| !binaries.missing(shape.binaries()).is_empty());
    if unbuilt.unwrap_or(true) && node::which("go").is_none() {
        missing.push("go".to_owned());
    }
    missing
}

/// A running Kubernetes.
pub(crate) struct Bed {
    folder: PathBuf,
    running: Mutex<Running>,
    ports: Ports,
}

/// What runs now. A test may stop a part and start it again, while others look on.
struct Running {
    ledger: Ledger,
    processes: Vec<Process>,
}

impl Bed {
    /// Builds what has to be built and starts everything. What was started is stopped again when a later part fails.
    pub(crate) fn start(shape: Shape) -> Result<Self, String> {
        clear_left_overs();
        let binaries = Binaries::cached()?;
        binaries.build(shape.binaries())?;
        let tag = format!("tml{}", std::process::id());
        let folder = std::env::temp_dir().join(format!("timonel-bed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let ledger = Ledger::open(&tag, &folder)?;
        let bed = Self { folder, running: Mutex::new(Running { ledger, processes: Vec::new() }), ports: Ports::free()? };
        bed.start_control_plane(&binaries)?;
        match shape {
            Shape::Real => bed.start_node(&binaries)?,
            Shape::Scale => {
                let kwok = played::kwok(&binaries.path("kwok"), &bed.folder, &bed.ports)?;
                bed.keep(kwok)?;
            }
        }
        Ok(bed)
    }

    fn start_control_plane(&self, binaries: &Binaries) -> Result<(), String> {
        let network = ports::free_network()?;
        pki::make(&self.folder, &self.server(), &Node::address(network))?;
        let etcd = control::etcd(&binaries.path("etcd"), &self.folder, &self.ports)?;
        self.keep(etcd)?;
        let api = control::api_server(&binaries.path("kube-apiserver"), &self.folder, &self.ports)?;
        self.keep(api)?;
        let controllers = control::controller_manager(&binaries.path("kube-controller-manager"), &self.folder, &self.ports)?;
        self.keep(controllers)?;
        let scheduler = control::scheduler(&binaries.path("kube-scheduler"), &self.folder, &self.ports)?;
        self.keep(scheduler)
    }

    fn start_node(&self, binaries: &Binaries) -> Result<(), String> {
        let (folder, tag, ports) = (self.folder.clone(), self.running().ledger.tag.clone(), self.ports);
        let network = ports::free_network()?;
        let node = Node { bed: &folder, tag: &tag, network, ports: &ports };
        node.prepare()?;
        let containerd = node.containerd()?;
        self.keep(containerd)?;
        let kubelet = node.kubelet(&binaries.path("kubelet"))?;
        self.keep(kubelet)?;
        let mut command = Command::new(binaries.path("metrics-server"));
        let kubeconfig = self.kubeconfig("admin").display().to_string();
        for flag in ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"] {
            command.arg(format!("--{flag}={kubeconfig}"));
        }
        command.args([format!("--secure-port={}", ports.metrics), format!("--cert-dir={}/metrics", folder.display())]);
        command.args(["--bind-address=127.0.0.1", "--kubelet-insecure-tls", "--kubelet-preferred-address-types=InternalIP"]);
        command.args(["--kubelet-use-node-status-port", "--metric-resolution=10s", "--kubelet-request-timeout=5s"]);
        let metrics = Process::start("metrics-server", command, &self.folder)?;
        self.keep(metrics)
    }

    fn keep(&self, process: Process) -> Result<(), String> {
        let id = process.id();
        let mut running = self.running();
        running.processes.push(process);
        running.ledger.record(id)
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a component stand still, or go on.
    pub(crate) fn stand_still(&self, name: &str, still: bool) {
        let running = self.running();
        let process = running.processes.iter().find(|process| process.name() == name);
        process.unwrap_or_else(|| panic!("no component is called {name}")).stand_still(still);
    }

    /// Kills the API server.
    pub(crate) fn kill_api_server(&self) {
        let mut running = self.running();
        let at = running.processes.iter().position(|process| process.name() == "kube-apiserver");
        running.processes.remove(at.expect("an API server")).kill();
    }

    /// Starts it again, at the same place.
    pub(crate) fn start_api_server(&self) -> Result<(), String> {
        let program = Binaries::cached()?.path("kube-apiserver");
        self.keep(control::api_server(&program, &self.folder, &self.ports)?)
    }

    /// Address of the API server.
    pub(crate) fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api)
    }

    /// Port of the metrics server on this machine.
    pub(crate) fn metrics_port(&self) -> u16 {
        self.ports.metrics
    }

    /// The folder with kubeconfigs and logs.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Kubeconfig of a user of the bed: admin, viewer, operator, second, stranger.
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.folder.join(format!("{user}.kubeconfig"))
    }

    /// What each component said last: for the message of a bed that did not come up.
    pub(crate) fn last_words(&self) -> String {
        self.running().processes.iter().map(|process| format!("{}:\n{}", process.name(), process.tail())).collect()
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let mut running = self.running();
        for process in running.processes.iter_mut().rev() {
            process.kill();
        }
        running.ledger.clear();
    }
}
