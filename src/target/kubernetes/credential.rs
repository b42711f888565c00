//! Credential plugins (`users[].user.exec` of a kubeconfig): programs that print a token or a certificate.
//!
//! Owns running them so that they can never draw over the screen: no terminal to read from or to write to, unless the
//! caller has handed the terminal over. kube would run them itself, three times per client and with the terminal.
//! What a plugin prints on stdout is the credential: it is never logged, quoted or kept longer than the client.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::process::Command;

use super::error::{OpenCause, OpenError, shown};
use crate::base::problem::{Level, Problem};
use crate::target::event::SIGN_IN;

/// How long a plugin may take without a terminal; one that waits for a person waits for ever.
const PATIENCE: Duration = Duration::from_secs(45);

/// Who has the terminal while a plugin runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// The program draws on it, or there is none: plugins get nothing to read from and nowhere to draw.
    Kept,
    /// The program has left the terminal for the time of the call: a plugin may ask its questions.
    HandedOver,
}

/// A plugin that makes the credentials of a user.
#[derive(Debug, Clone)]
pub(super) struct Plugin {
    exec: ExecConfig,
    /// Name of the user in the kubeconfig, for messages.
    user: String,
}

/// What a plugin made: the user's credentials, and until when they hold.
pub(super) struct Credential {
    pub(super) auth: AuthInfo,
    pub(super) expires: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<Timestamp>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl Plugin {
    /// The plugin of a user, when there is one and nothing in the kubeconfig goes before it.
    pub(super) fn of(auth: &AuthInfo, user: &str) -> Option<Self> {
        let before = auth.token.is_some() || auth.token_file.is_some() || auth.auth_provider.is_some() || auth.username.is_some();
        let exec = auth.exec.clone().filter(|_| !before)?;
        Some(Self { exec, user: user.to_owned() })
    }

    /// Runs the plugin and puts what it made in the place of the plugin.
    pub(super) async fn run(&self, auth: &AuthInfo, terminal: Terminal) -> Result<Credential, OpenError> {
        if terminal == Terminal::Kept && self.exec.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err(self.needs_terminal("it always asks"));
        }
        let output = self.output(terminal).await?;
        if !output.status.success() {
            return Err(self.failed(&output, terminal));
        }
        let answer: Answer = serde_saphyr::from_slice(&output.stdout)
            .map_err(|_| self.error("printed something that is no ExecCredential", OpenCause::Reachability))?;
        let status = answer.status.ok_or_else(|| self.error("printed no credential", OpenCause::Reachability))?;
        self.apply(status, auth)
    }

    fn apply(&self, status: Status, auth: &AuthInfo) -> Result<Credential, OpenError> {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let mut auth = AuthInfo { exec: None, ..auth.clone() };
        let mut found = false;
        if let (Some(certificate), Some(key)) = (&status.client_certificate_data, &status.client_key_data) {
            auth.client_certificate_data = Some(encode(certificate));
            auth.client_key_data = Some(SecretString::from(encode(key)));
            found = true;
        }
        if let Some(token) = status.token {
            auth.token = Some(SecretString::from(token));
            found = true;
        }
        if found {
            Ok(Credential { auth, expires: status.expiration_timestamp })
        } else {
            Err(self.error("printed neither a token nor a certificate", OpenCause::Reachability))
        }
    }

    async fn output(&self, terminal: Terminal) -> Result<Output, OpenError> {
        let mut command = self.command(terminal)?;
        let running = async { command.spawn()?.wait_with_output().await };
        let patience = if terminal == Terminal::Kept { PATIENCE } else { Duration::from_hours(1) };
        match tokio::time::timeout(patience, running).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(why)) => Err(self.error(&format!("could not be run: {}", shown(&why.to_string())), OpenCause::Reachability)),
            Err(_) if self.may_ask() => Err(self.needs_terminal(&format!("it did not end within {} s", patience.as_secs()))),
            Err(_) => Err(self.error(&format!("did not end within {} s", patience.as_secs()), OpenCause::Reachability)),
        }
    }

    fn command(&self, terminal: Terminal) -> Result<Command, OpenError> {
        let name = self.exec.command.as_deref().unwrap_or_default();
        let program = which(name).ok_or_else(|| self.missing(name))?;
        let mut command = match (terminal, which("setsid")) {
            // A session of its own has no terminal, so not even /dev/tty can be opened. Where there is no such tool, a
            // process group of its own at least may not read.
            (Terminal::Kept, Some(setsid)) => {
                let mut command = Command::new(setsid);
                command.arg(program);
                command
            }
            (Terminal::Kept, None) => {
                let mut command = Command::new(program);
                command.process_group(0);
                command
            }
            (Terminal::HandedOver, _) => Command::new(program),
        };
        command.args(self.exec.args.iter().flatten());
        for variable in self.exec.env.iter().flatten() {
            if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
                command.env(name, value);
            }
        }
        command.env("KUBERNETES_EXEC_INFO", self.info(terminal)).stdout(Stdio::piped()).kill_on_drop(true);
        match terminal {
            Terminal::Kept => command.stdin(Stdio::null()).stderr(Stdio::piped()),
            Terminal::HandedOver => command.stdin(Stdio::inherit()).stderr(Stdio::inherit()),
        };
        Ok(command)
    }

    /// What the plugin is told: its API version, whether it may ask, and the cluster when it wants that.
    fn info(&self, terminal: Terminal) -> String {
        let mut spec = serde_json::json!({ "interactive": terminal == Terminal::HandedOver && self.may_ask() });
        if let Some(cluster) = self.exec.cluster.as_ref().filter(|_| self.exec.provide_cluster_info)
            && let Ok(cluster) = serde_json::to_value(cluster)
        {
            spec["cluster"] = cluster;
        }
        serde_json::json!({ "apiVersion": self.exec.api_version, "kind": "ExecCredential", "spec": spec }).to_string()
    }

    fn may_ask(&self) -> bool {
        self.exec.interactive_mode != Some(ExecInteractiveMode::Never)
    }

    fn failed(&self, output: &Output, terminal: Terminal) -> OpenError {
        let said = String::from_utf8_lossy(&output.stderr);
        let last: Vec<&str> = said.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        let last = last.iter().skip(last.len().saturating_sub(3)).copied().collect::<Vec<_>>().join(" ");
        let why = match (last.is_empty(), output.status.code()) {
            (false, _) => shown(&last),
            (true, Some(code)) => format!("exit code {code}"),
            (true, None) => "it was killed".into(),
        };
        if terminal == Terminal::Kept && self.may_ask() {
            return self.needs_terminal(&why);
        }
        let mut error = self.error(&format!("failed: {why}"), OpenCause::Reachability);
        if terminal == Terminal::HandedOver {
            error.problem.id = SIGN_IN.into();
            error.problem.hint = Some("It had the terminal to itself: `:sign-in` in the console gives it once more.".into());
        }
        error
    }

    fn needs_terminal(&self, why: &str) -> OpenError {
        let mut error = self.error(&format!("made no credentials without a terminal: {why}"), OpenCause::NeedsTerminal);
        error.problem.id = SIGN_IN.into();
        error.problem.hint = Some("It may want to ask you something: `:sign-in` in the console gives it the terminal.".into());
        error
    }

    fn missing(&self, name: &str) -> OpenError {
        let mut error = self.error("is not installed or not on the PATH", OpenCause::Configuration);
        let hint = self.exec.install_hint.as_deref().filter(|h| !h.trim().is_empty());
        error.problem.hint = Some(hint.map_or_else(|| format!("Install '{}'.", shown(name)), shown));
        error
    }

    fn error(&self, what: &str, cause: OpenCause) -> OpenError {
        let name = self.exec.command.as_deref().unwrap_or_default();
        let name = Path::new(name).file_name().and_then(|n| n.to_str()).unwrap_or(name);
        let message = format!("The credential plugin '{}' of user '{}' {what}.", shown(name), shown(&self.user));
        let hint = "Run the plugin by hand, or log in again with the tool that wrote the kubeconfig.";
        OpenError { problem: Box::new(Problem::new(Level::Error, "target:credential", message).hint(hint)), cause }
    }
}

/// A program by its path, or found on the PATH.
fn which(name: &str) -> Option<PathBuf> {
    let is_program = |path: &Path| {
        use std::os::unix::fs::PermissionsExt as _;
        path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    if name.is_empty() {
        return None;
    }
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|p| is_program(p));
    }
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|p| is_program(p))
}

#[cfg(test)]
mod tests;
