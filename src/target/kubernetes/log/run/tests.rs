use serde_json::{Value, json};

use super::{Next, Pod, Read};
use crate::target::request::LogSource;

fn source(container: &str) -> LogSource {
    LogSource {
        namespace: "shop".into(),
        pod: "web".into(),
        pod_uid: "u1".into(),
        container: container.into(),
        previous: false,
    }
}

/// A pod with an app, an init container and a sidecar; `change` puts states in.
fn pod(policy: &str, state: impl Into<Value>, last_state: impl Into<Value>) -> Value {
    let (state, last_state) = (state.into(), last_state.into());
    json!({
        "metadata": { "uid": "u1" },
        "spec": {
            "restartPolicy": policy,
            "initContainers": [{ "name": "init" }, { "name": "side", "restartPolicy": "Always" }],
            "containers": [{ "name": "app" }],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [{ "name": "app", "state": state, "lastState": last_state }],
            "initContainerStatuses": [{ "name": "init", "state": state }, { "name": "side", "state": state }],
            "ephemeralContainerStatuses": [{ "name": "debug", "state": state }],
        }
    })
}

fn at(second: u32) -> String {
    format!("2026-11-22T06:00:{second:02}Z")
}

fn running(since: u32) -> Value {
    json!({ "running": { "startedAt": at(since) } })
}

fn terminated(from: u32, code: i32, reason: &str) -> Value {
    json!({ "terminated": { "exitCode": code, "reason": reason, "startedAt": at(from), "finishedAt": at(from + 1) } })
}

fn waiting(reason: &str) -> Value {
    json!({ "waiting": { "reason": reason, "message": "back-off" } })
}

fn read(last: Option<&str>, run: Option<u32>, to_the_end: bool) -> Read {
    Read {
        last: last.map(|l| format!("2026-11-22T06:00:{l}Z").parse().unwrap()),
        run: run.map(|r| at(r).parse().unwrap()),
        to_the_end,
    }
}

fn next(pod: Value, container: &str, read: Read) -> Next {
    serde_json::from_value::<Pod>(pod).unwrap().next(&source(container), read)
}

#[test]
fn a_running_container_whose_log_broke_off_or_was_cut_by_the_server_is_asked_on() {
    for to_the_end in [false, true] {
        assert_eq!(next(pod("Always", running(10), json!({})), "app", read(Some("12.5"), None, to_the_end)), Next::GoOn);
        assert_eq!(next(pod("Always", running(10), json!({})), "app", read(None, None, to_the_end)), Next::GoOn);
    }
}

#[test]
fn a_restart_is_another_run_and_its_log_is_read_from_its_start() {
    let restarted = pod("Always", running(20), terminated(10, 1, "Error"));
    assert_eq!(next(restarted.clone(), "app", read(Some("11.9"), None, true)), Next::NewRun);
    assert_eq!(next(restarted.clone(), "app", read(Some("11.9"), Some(10), false)), Next::NewRun);
    assert_eq!(next(restarted.clone(), "app", read(None, Some(10), true)), Next::NewRun, "a run without a line was read too");
    assert_eq!(next(restarted, "app", read(Some("20.1"), None, false)), Next::GoOn);
    let crashed_again = pod("Always", waiting("CrashLoopBackOff"), terminated(20, 1, "Error"));
    assert_eq!(next(crashed_again, "app", read(Some("11.9"), Some(10), true)), Next::NewRun, "it came and went while we waited");
}

#[test]
fn a_restart_within_the_second_of_the_last_line_is_left_to_the_comparison_of_lines() {
    let restarted = pod("Always", running(11), terminated(10, 1, "Error"));
    assert_eq!(next(restarted, "app", read(Some("11.100"), None, true)), Next::GoOn);
}

#[test]
fn a_container_that_will_be_restarted_is_waited_for_and_says_how_it_ended() {
    let back_off = pod("Always", waiting("CrashLoopBackOff"), terminated(10, 137, "OOMKilled"));
    assert_eq!(next(back_off, "app", read(Some("10.9"), None, true)), Next::Wait("OOMKilled, exit code 137; CrashLoopBackOff".into()));
    let just_ended = pod("Always", terminated(10, 1, "Error"), json!({}));
    assert_eq!(
        next(just_ended.clone(), "app", read(Some("10.9"), None, true)),
        Next::Wait("Error, exit code 1; to be restarted".into())
    );
    assert_eq!(next(just_ended.clone(), "app", read(None, None, true)), Next::Wait("Error, exit code 1; to be restarted".into()));
    assert_eq!(next(just_ended, "app", read(Some("10.2"), None, false)), Next::GoOn, "cut off before its end: the rest is still there");
}

#[test]
fn what_comes_back_depends_on_the_kind_of_container_and_the_policy() {
    let ended = |policy: &str, code: i32, container: &str| {
        matches!(next(pod(policy, terminated(10, code, "X"), json!({})), container, read(Some("10.9"), None, true)), Next::Wait(_))
    };
    for (container, policy, code, comes_back) in [
        ("app", "Always", 0, true),
        ("app", "OnFailure", 0, false),
        ("app", "OnFailure", 1, true),
        ("app", "Never", 1, false),
        ("init", "Always", 0, false),
        ("init", "Always", 1, true),
        ("init", "Never", 1, false),
        ("side", "Never", 0, true),
        ("debug", "Always", 1, false),
    ] {
        assert_eq!(ended(policy, code, container), comes_back, "{container} {policy} {code}");
    }
}

#[test]
fn an_end_says_how() {
    let done = pod("Never", terminated(10, 0, "Completed"), json!({}));
    assert_eq!(next(done, "app", read(Some("10.9"), None, true)), Next::End("Completed".into()));
    let mut deleted = pod("Always", terminated(10, 143, "Error"), json!({}));
    deleted["metadata"]["deletionTimestamp"] = json!(at(11));
    assert_eq!(next(deleted, "app", read(Some("10.9"), None, true)), Next::End("Error, exit code 143".into()));
    let mut other = pod("Always", running(10), json!({}));
    other["metadata"]["uid"] = json!("u2");
    assert_eq!(next(other, "app", read(Some("10.9"), None, true)), Next::End("the pod is gone".into()));
    let mut evicted = pod("Always", json!({}), json!({}));
    evicted["status"] = json!({ "phase": "Failed", "reason": "Evicted" });
    assert_eq!(next(evicted, "app", read(None, None, false)), Next::End("the pod is over: Evicted".into()));
}

#[test]
fn a_container_that_has_not_run_yet_is_waited_for() {
    assert_eq!(
        next(pod("Always", waiting("ImagePullBackOff"), json!({})), "app", read(None, None, false)),
        Next::Wait("ImagePullBackOff".into())
    );
    let mut pending = pod("Always", json!({}), json!({}));
    pending["status"] = json!({ "phase": "Pending" });
    assert_eq!(next(pending, "app", read(None, None, false)), Next::Wait("Pending".into()));
}

#[test]
fn the_previous_run_says_how_it_ended() {
    let pod: Pod = serde_json::from_value(pod("Always", running(20), terminated(10, 137, "OOMKilled"))).unwrap();
    assert_eq!(pod.previous_end(&source("app")).as_deref(), Some("OOMKilled, exit code 137"));
    assert_eq!(pod.previous_end(&source("init")), None);
}
