//! A home for one test: empty folders, a cleared environment, and the program run to its end without a terminal.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::schema;

/// The program under test. A measurement may name another build of it.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("TIMONEL_TEST_PROGRAM").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_timonel")), PathBuf::from)
}

/// A home directory and an environment that nothing of this machine leaks into.
pub(crate) struct Sandbox {
    home: TempDir,
    variables: Vec<(String, String)>,
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Standard output as JSON, which must be what its schema says.
    pub(crate) fn json(&self) -> serde_json::Value {
        let value = serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self:#?}"));
        schema::expect(&value);
        value
    }

    /// Standard output as one JSON value a line, each of which must be what its schema says.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| {
            let value = serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}\n{self:#?}"));
            schema::expect(&value);
            value
        };
        self.stdout.lines().filter(|line| !line.trim().is_empty()).map(parse).collect()
    }

    /// Fails with everything that was said unless the exit code is `code`.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

impl Sandbox {
    /// An empty home. Times are in UTC, so that screens are the same everywhere.
    pub(crate) fn new() -> Self {
        let home = tempfile::Builder::new().prefix("timonel-home-").tempdir().expect("a folder for the test");
        let mut variables = vec![
            ("HOME".to_owned(), home.path().display().to_string()),
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("TZ".to_owned(), "UTC".to_owned()),
            ("USER".to_owned(), "ana".to_owned()),
            ("TERM".to_owned(), "xterm-256color".to_owned()),
            // Not this project's own backtraces: the program must not print any.
            ("RUST_BACKTRACE".to_owned(), "0".to_owned()),
        ];
        for (name, folder) in [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("XDG_CACHE_HOME", "cache"), ("XDG_RUNTIME_DIR", "run")] {
            let path = home.path().join(folder);
            fs::create_dir_all(&path).expect("a folder for the test");
            variables.push((name.to_owned(), path.display().to_string()));
        }
        Self { home, variables }
    }

    /// The same with a kubeconfig.
    pub(crate) fn with_kubeconfig(path: &Path) -> Self {
        Self::new().env("KUBECONFIG", &path.display().to_string())
    }

    /// Sets a variable; an empty value takes it away.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.variables.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The environment.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// A path in the home.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.home.path().join(relative)
    }

    /// Writes a file in the home and says where it is.
    pub(crate) fn write(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a file in the home")).expect("a folder for the test");
        fs::write(&path, text).expect("a file for the test");
        path
    }

    /// A kubeconfig in the home that points at `server` and trusts nobody in particular.
    pub(crate) fn write_kubeconfig(&self, server: &str) -> PathBuf {
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config",
            "clusters": [{"name": "nowhere", "cluster": {"server": server, "insecure-skip-tls-verify": true}}],
            "users": [{"name": "ana", "user": {"token": "secret-token-of-ana"}}],
            "contexts": [{"name": "nowhere", "context": {"cluster": "nowhere", "user": "ana", "namespace": "shop"}}],
            "current-context": "nowhere",
        });
        self.write("kubeconfig", &config.to_string())
    }

    /// Runs the program to its end, without a terminal.
    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).end()
    }

    /// Starts the program, without a terminal.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = Command::new(program());
        command.args(arguments).env_clear().envs(self.variables.iter().cloned()).current_dir(self.home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdout = drain(child.stdout.take().expect("piped"));
        let stderr = drain(child.stderr.take().expect("piped"));
        Running { child, stdout, stderr }
    }
}

/// Reads what the program writes, so that it never waits for its reader.
fn drain(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

/// A program that was started without a terminal.
pub(crate) struct Running {
    child: Child,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
}

impl Running {
    /// Sends a signal to it.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id")).expect("a process id");
        kill_process(pid, signal).expect("the program is there to be signalled");
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Finished {
        let text = |bytes: JoinHandle<Vec<u8>>| String::from_utf8_lossy(&bytes.join().unwrap_or_default()).into_owned();
        let (stdout, stderr) = (text(self.stdout), text(self.stderr));
        let status = self.child.wait().expect("the program ends");
        Finished { code: status.code(), stdout, stderr }
    }
}
