use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use secrecy::ExposeSecret as _;

use super::{Plugin, Terminal};
use crate::target::kubernetes::error::OpenCause;

/// A user whose plugin is this script; the folder is its working place.
fn user(script: &str, mode: Option<ExecInteractiveMode>) -> (AuthInfo, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("plugin");
    std::fs::write(&path, format!("#!/bin/sh\ncd {}\n{script}\n", folder.path().display())).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let exec = ExecConfig {
        api_version: Some("client.authentication.k8s.io/v1".into()),
        command: Some(path.to_str().unwrap().into()),
        args: Some(vec!["one".into(), "two words".into()]),
        env: Some(vec![[("name".into(), "COLOUR".into()), ("value".into(), "blue".into())].into()]),
        interactive_mode: mode,
        ..ExecConfig::default()
    };
    (AuthInfo { exec: Some(exec), ..AuthInfo::default() }, folder)
}

const TOKEN: &str = r#"echo '{"kind":"ExecCredential","status":{"token":"t0k3n","expirationTimestamp":"2030-01-01T00:00:00Z"}}'"#;

#[tokio::test]
async fn a_plugin_gets_its_arguments_and_its_token_takes_its_place() {
    let (auth, folder) = user(&format!("echo \"$2,$COLOUR\" > said\necho \"$KUBERNETES_EXEC_INFO\" > info\n{TOKEN}"), None);
    let plugin = Plugin::of(&auth, "eve").unwrap();
    let made = plugin.run(&auth, Terminal::Kept).await.unwrap();
    assert_eq!(made.auth.token.unwrap().expose_secret(), "t0k3n");
    assert!(made.auth.exec.is_none());
    assert_eq!(made.expires.unwrap().to_string(), "2030-01-01T00:00:00Z");
    assert_eq!(std::fs::read_to_string(folder.path().join("said")).unwrap(), "two words,blue\n");
    let info: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.path().join("info")).unwrap()).unwrap();
    assert_eq!((&info["spec"]["interactive"], &info["apiVersion"]), (&false.into(), &"client.authentication.k8s.io/v1".into()));
}

#[tokio::test]
async fn a_plugin_cannot_reach_a_terminal_to_draw_on_or_to_ask_from() {
    let script = "for f in 0 1 2; do test -t $f && echo $f >> terminals; done\n(echo drawn > /dev/tty) 2>/dev/null && echo tty >> terminals\nread -r line && echo input >> terminals";
    let (auth, folder) = user(&format!("{script}\n{TOKEN}"), None);
    Plugin::of(&auth, "eve").unwrap().run(&auth, Terminal::Kept).await.unwrap();
    assert!(!folder.path().join("terminals").exists());
}

#[tokio::test]
async fn a_plugin_that_may_ask_and_fails_wants_the_terminal_and_others_just_fail() {
    let script = "echo 'Password:' >&2\necho t0k3n\nexit 1";
    for (mode, cause) in [
        (None, OpenCause::NeedsTerminal),
        (Some(ExecInteractiveMode::IfAvailable), OpenCause::NeedsTerminal),
        (Some(ExecInteractiveMode::Never), OpenCause::Reachability),
    ] {
        let (auth, _folder) = user(script, mode.clone());
        let error = Plugin::of(&auth, "eve").unwrap().run(&auth, Terminal::Kept).await.err().unwrap();
        assert_eq!((error.cause, error.exit_code()), (cause, 3), "{mode:?}");
        assert!(error.problem.message.contains("Password:") && !error.problem.message.contains("t0k3n"), "{error}");
    }
    let (auth, folder) = user(&format!("touch ran\n{TOKEN}"), Some(ExecInteractiveMode::Always));
    let error = Plugin::of(&auth, "eve").unwrap().run(&auth, Terminal::Kept).await.err().unwrap();
    assert_eq!(error.cause, OpenCause::NeedsTerminal);
    assert!(!folder.path().join("ran").exists(), "one that always asks is not even started");
}

#[tokio::test]
async fn with_the_terminal_handed_over_a_plugin_is_told_that_it_may_ask() {
    let (auth, folder) = user(&format!("echo \"$KUBERNETES_EXEC_INFO\" > info\n{TOKEN}"), Some(ExecInteractiveMode::Always));
    Plugin::of(&auth, "eve").unwrap().run(&auth, Terminal::HandedOver).await.unwrap();
    let info: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.path().join("info")).unwrap()).unwrap();
    assert_eq!(info["spec"]["interactive"], true);
}

#[tokio::test]
async fn what_is_no_credential_is_an_error_that_does_not_quote_it() {
    for script in ["echo 'secret: [unclosed'", "echo '{\"kind\":\"ExecCredential\"}'", "echo '{\"status\":{\"secret\":\"s\"}}'"] {
        let (auth, _folder) = user(script, None);
        let error = Plugin::of(&auth, "eve").unwrap().run(&auth, Terminal::Kept).await.err().unwrap();
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_plugin_that_is_not_installed_is_named_with_how_to_get_it() {
    let (mut auth, _folder) = user("", None);
    let exec = auth.exec.as_mut().unwrap();
    exec.command = Some("no-such-plugin".into());
    exec.install_hint = Some("brew install no-such-plugin\nor \u{1b}[31mbuild it".into());
    let error = Plugin::of(&auth, "eve").unwrap().run(&auth, Terminal::Kept).await.err().unwrap();
    assert_eq!(error.exit_code(), 78);
    assert!(error.problem.message.contains("'no-such-plugin' of user 'eve' is not installed"), "{error}");
    assert_eq!(error.problem.hint.as_deref(), Some("brew install no-such-plugin or build it"));
}

#[test]
fn a_token_in_the_kubeconfig_goes_before_a_plugin() {
    let (mut auth, _folder) = user(TOKEN, None);
    auth.token = Some("other".into());
    assert!(Plugin::of(&auth, "eve").is_none());
}
