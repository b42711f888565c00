//! A credential plugin that asks on the terminal, as a login of a cloud does, in front of the simulated cluster.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::sandbox::{Sandbox, program};
use crate::support::terminal::{End, Terminal};

const PLUGIN: &str = r#"#!/bin/sh
printf 'Code: ' >/dev/tty
read -r code </dev/tty
[ "$code" = 1234 ] || { echo 'wrong code' >&2; exit 1; }
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$TOKEN"
"#;

/// A simulated cluster; it ends with the test.
struct Cluster(Child);

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), rustix::process::Signal::TERM);
        let _ = self.0.wait();
    }
}

/// Starts one, with its kubeconfig.
fn cluster(sandbox: &Sandbox) -> (Cluster, Value) {
    let mut command = Command::new(program());
    command.args(["sim", "--scenario", "quiet"]).env_clear().envs(sandbox.variables().iter().cloned());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut path = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut path).unwrap();
    (Cluster(child), serde_json::from_str(&fs::read_to_string(path.trim()).unwrap()).unwrap())
}

#[test]
fn a_plugin_asks_its_question_on_the_terminal_and_the_console_comes_back() {
    let sandbox = Sandbox::new();
    let (_cluster, mut kubeconfig) = cluster(&sandbox);
    let plugin = sandbox.write("plugin", PLUGIN);
    fs::set_permissions(&plugin, Permissions::from_mode(0o755)).unwrap();
    let token = kubeconfig["users"][0]["user"]["token"].clone();
    kubeconfig["users"][0]["user"] = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "interactiveMode": "Always",
        "command": plugin,
        "env": [{ "name": "TOKEN", "value": token }],
    } });
    let asking = sandbox.write("asking.kubeconfig", &kubeconfig.to_string());
    let sandbox = sandbox.env("KUBECONFIG", &asking.display().to_string());
    let mut terminal = Terminal::start(&sandbox, (120, 36), &["-A"]);
    terminal.wait_for("Code:");
    terminal.type_text("0000");
    terminal.press("enter");
    // Declined: the console is back, says so, and asks for nothing by itself.
    terminal.wait("the console says what failed", |screen| screen.has("Workloads") && screen.has("failed: exit") && screen.has("sign-in"));
    terminal.press(":");
    terminal.type_text("sign-in");
    terminal.press("enter");
    // The first question still stands where the console left the terminal.
    terminal.wait("it is asked once more", |screen| screen.rows.iter().filter(|row| row.contains("Code:")).count() == 2);
    terminal.type_text("1234");
    terminal.press("enter");
    terminal.wait("the console is live", |screen| screen.rows[0].contains("live"));
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}
