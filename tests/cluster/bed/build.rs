//! Builds the Kubernetes binaries from Go modules, once, into the user's cache.
//!
//! Owns the list of parts and where they come from. The modules are pinned by the go.mod and go.sum files in `tests/cluster/go`,
//! and the folder in the cache carries their hash, so that a change of a version builds into a folder of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use sha2::{Digest, Sha256};

/// One binary: its name, the folder of its module, the package it is built from.
struct Part {
    name: &'static str,
    module: &'static str,
    package: &'static str,
}

const PARTS: &[Part] = &[
    Part { name: "etcd", module: "etcd", package: "go.etcd.io/etcd/server/v3" },
    Part { name: "kube-apiserver", module: "controlplane", package: "k8s.io/kubernetes/cmd/kube-apiserver" },
    Part {
        name: "kube-controller-manager",
        module: "controlplane",
        package: "k8s.io/kubernetes/cmd/kube-controller-manager",
    },
    Part { name: "kube-scheduler", module: "controlplane", package: "k8s.io/kubernetes/cmd/kube-scheduler" },
    Part { name: "kubelet", module: "controlplane", package: "k8s.io/kubernetes/cmd/kubelet" },
    Part { name: "metrics-server", module: "metrics-server", package: "sigs.k8s.io/metrics-server/cmd/metrics-server" },
    Part { name: "kwok", module: "kwok", package: "sigs.k8s.io/kwok/cmd/kwok" },
];

const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/go");

/// Where the binaries are.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// The folder in the cache for the modules as they are pinned now. Builds nothing.
    pub(crate) fn cached() -> Result<Self, String> {
        Ok(Self { folder: cache()?.join(fingerprint()?) })
    }

    /// Path of one binary. etcd and kube-apiserver come from KUBEBUILDER_ASSETS where that names a folder that has them.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let given = std::env::var_os("KUBEBUILDER_ASSETS").map(|folder| PathBuf::from(folder).join(name));
        given
            .filter(|path| matches!(name, "etcd" | "kube-apiserver") && path.is_file())
            .unwrap_or_else(|| self.folder.join(name))
    }

    /// Names of `wanted` that have to be built first.
    pub(crate) fn missing<'a>(&self, wanted: &[&'a str]) -> Vec<&'a str> {
        wanted.iter().copied().filter(|name| !self.path(name).is_file()).collect()
    }

    /// Builds what is missing of `wanted`, saying what it does. Two processes that start at once build once.
    pub(crate) fn build(&self, wanted: &[&str]) -> Result<(), String> {
        fs::create_dir_all(&self.folder).map_err(|error| format!("{}: {error}", self.folder.display()))?;
        let lock = File::create(self.folder.join(".lock")).map_err(|error| format!("cannot lock the cache of binaries: {error}"))?;
        lock.lock().map_err(|error| format!("cannot lock the cache of binaries: {error}"))?;
        let missing = self.missing(wanted);
        for (index, name) in missing.iter().enumerate() {
            let part = PARTS.iter().find(|part| part.name == *name).ok_or_else(|| format!("no part is called '{name}'"))?;
            eprintln!("building {name} from {} ({} of {}; minutes the first time, cached after)", part.package, index + 1, missing.len());
            let began = Instant::now();
            self.compile(part)?;
            eprintln!("built {name} in {} s", began.elapsed().as_secs());
        }
        Ok(())
    }

    fn compile(&self, part: &Part) -> Result<(), String> {
        let module = Path::new(MODULES).join(part.module);
        let unfinished = self.folder.join(format!("{}.new", part.name));
        let mut go = Command::new(super::node::which("go").ok_or("go is not installed")?);
        go.current_dir(&module)
            .args(["build", "-mod=readonly", "-buildvcs=false", "-ldflags", &linker_flags(&module)?]);
        go.arg("-o").arg(&unfinished).arg(part.package).stdin(Stdio::null());
        let output = go.output().map_err(|error| format!("cannot start go: {error}"))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(format!("go build {} failed:\n{}", part.package, super::process::last_lines(&words, 20)));
        }
        fs::rename(&unfinished, self.folder.join(part.name)).map_err(|error| format!("{}: {error}", unfinished.display()))
    }
}

/// Kubernetes calls itself v0.0.0-master unless its version is linked in.
fn linker_flags(module: &Path) -> Result<String, String> {
    let text = fs::read_to_string(module.join("go.mod")).map_err(|error| format!("{}: {error}", module.display()))?;
    let version = text.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes v"));
    let Some(version) = version.and_then(|rest| rest.split_whitespace().next()) else { return Ok("-s -w".to_owned()) };
    let mut numbers = version.split('.');
    let (major, minor) = (numbers.next().unwrap_or("1"), numbers.next().unwrap_or("0"));
    let package = "k8s.io/component-base/version";
    Ok(format!("-s -w -X {package}.gitVersion=v{version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"))
}

/// `$XDG_CACHE_HOME/timonel-testbed`.
pub(crate) fn cache() -> Result<PathBuf, String> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    base.map(|base| base.join("timonel-testbed"))
        .ok_or_else(|| "neither XDG_CACHE_HOME nor HOME is set".to_owned())
}

fn fingerprint() -> Result<String, String> {
    let mut hash = Sha256::new();
    let mut modules: Vec<&str> = PARTS.iter().map(|part| part.module).collect();
    modules.dedup();
    for module in modules {
        for file in ["go.mod", "go.sum"] {
            let path = Path::new(MODULES).join(module).join(file);
            hash.update(fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
        }
    }
    Ok(hash.finalize().iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
}
