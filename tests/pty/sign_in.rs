//! A credential plugin that asks on the terminal, as a login of a cloud does, in front of the simulated cluster.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::simulated::cluster;
use crate::support::sandbox::Sandbox;
use crate::support::terminal::{End, Terminal};

const PLUGIN: &str = r#"#!/bin/sh
printf 'Code: ' >/dev/tty
read -r code </dev/tty
[ "$code" = 1234 ] || { echo 'wrong code' >&2; exit 1; }
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$TOKEN"
"#;

#[test]
fn a_plugin_asks_its_question_on_the_terminal_and_the_console_comes_back() {
    let sandbox = Sandbox::new();
    let (_cluster, mut kubeconfig) = cluster(&sandbox, &["--scenario", "quiet"]);
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
