//! kubectl and helm: what people do with a cluster, done with the tools that they have, on the simulated cluster or another one.
//!
//! Owns where the tools are and how they are called. What they must say is in `cases`.

mod cases;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::bed::build::cache;
use crate::simulator::Simulator;
use crate::support::sandbox::{Finished, Sandbox};

pub(crate) use cases::ALL;

/// Version of the package that has both, and its checksum; `tests/cluster/fetch-clients` fetches it.
const VERSION: &str = include_str!("clients/version");
/// How long a call may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where the tools are, unless they are missing. `TIMONEL_TEST_CLIENTS` names a folder that has them already.
fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("TIMONEL_TEST_CLIENTS").map(PathBuf::from);
    let folder = given.or_else(|| Some(cache().ok()?.join(format!("clients-{}", VERSION.split_whitespace().next().unwrap_or_default()))))?;
    ["kubectl", "helm"].iter().all(|tool| folder.join(tool).is_file()).then_some(folder)
}

/// What this machine lacks for these tests, in words; empty when nothing.
pub(crate) fn missing() -> Vec<String> {
    if folder().is_some() { Vec::new() } else { vec!["kubectl and helm (tests/cluster/fetch-clients fetches them)".to_owned()] }
}

/// Somebody with kubectl and helm.
pub(crate) struct Clients {
    folder: PathBuf,
    sandbox: Sandbox,
    // Last: the calls above end before it does.
    _simulator: Option<Simulator>,
}

impl Clients {
    /// On a quiet simulated cluster of their own.
    pub(crate) fn new() -> Self {
        let simulator = Simulator::start("quiet");
        let sandbox = Sandbox::with_kubeconfig(simulator.kubeconfig());
        Self { _simulator: Some(simulator), ..Self::with(sandbox) }
    }

    /// With a home and a kubeconfig in it.
    pub(crate) fn with(sandbox: Sandbox) -> Self {
        Self { folder: folder().expect("the tools are there"), sandbox, _simulator: None }
    }

    /// kubectl, started and not waited for.
    pub(crate) fn start_kubectl(&self, words: &str) -> Child {
        self.start("kubectl", &split(words))
    }

    /// kubectl, however it ends.
    pub(crate) fn try_kubectl(&self, words: &str) -> Finished {
        self.call("kubectl", &split(words))
    }

    fn start(&self, tool: &str, arguments: &[&str]) -> Child {
        let mut command = Command::new(self.folder.join(tool));
        command.args(arguments).env_clear().envs(self.sandbox.variables().iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap_or_else(|error| panic!("{tool}: {error}"))
    }

    fn call(&self, tool: &str, arguments: &[&str]) -> Finished {
        let child = self.start(tool, arguments);
        let id = child.id();
        let (done, ended) = mpsc::channel();
        let waiting = std::thread::spawn(move || {
            let output = child.wait_with_output();
            let _ = done.send(());
            output
        });
        if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            end(id);
        }
        let output = waiting.join().expect("it was waited for").unwrap_or_else(|error| panic!("{tool}: {error}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Finished { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// kubectl, which must succeed: what it printed.
    pub(crate) fn kubectl(&self, words: &str) -> String {
        self.call("kubectl", &split(words)).exits(0).stdout
    }

    /// kubectl, which must fail: what it complained.
    pub(crate) fn kubectl_fails(&self, code: i32, words: &str) -> String {
        self.call("kubectl", &split(words)).exits(code).stderr
    }

    /// helm, which must succeed.
    pub(crate) fn helm(&self, words: &str) -> String {
        self.call("helm", &split(words)).exits(0).stdout
    }

    /// A kubectl that does not end by itself, until a line holds; `then` is done once its first line is out.
    pub(crate) fn kubectl_until(&self, words: &str, then: impl FnOnce(), holds: impl Fn(&str) -> bool) -> Vec<String> {
        let mut child = self.start("kubectl", &split(words));
        let stdout = child.stdout.take().expect("piped");
        let (sender, lines) = mpsc::sync_channel(64);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let ends = Instant::now() + PATIENCE;
        let (mut seen, mut then) = (Vec::new(), Some(then));
        while let Ok(line) = lines.recv_timeout(ends.saturating_duration_since(Instant::now())) {
            let found = holds(&line);
            seen.push(line);
            if let Some(then) = then.take() {
                then();
            }
            if found {
                let _ = child.kill();
                let _ = child.wait();
                return seen;
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        panic!("kubectl {words}: the line never came:\n{}", seen.join("\n"));
    }
}

fn end(id: u32) {
    if let Some(id) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
    }
}

/// Words as they are typed; what is in single quotes is one word.
fn split(words: &str) -> Vec<&str> {
    let parts = words.split('\'').enumerate();
    parts.flat_map(|(i, part)| if i % 2 == 1 { vec![part] } else { part.split_whitespace().collect() }).collect()
}
