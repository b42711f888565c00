use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore, watch};

use super::{Follower, Pace, Progress};
use crate::target::api::ErrorKind;
use crate::target::event::{LogEvent, LogState};
use crate::target::kubernetes::log::outbox::Outbox;
use crate::target::kubernetes::testing::{Server, Step, answer, chunk, chunked, end, status};
use crate::target::request::{LogOptions, LogSource};

const FOLLOW: LogOptions = LogOptions { tail: Some(100), since: None, follow: true };
const QUICK: Pace = Pace {
    first: Duration::from_millis(1),
    most: Duration::from_millis(2),
    answer: Duration::from_mins(1),
    quiet: Duration::from_mins(1),
    silence: Duration::from_mins(1),
    settle: Duration::from_mins(1),
};

fn source() -> LogSource {
    LogSource { namespace: "shop".into(), pod: "web".into(), pod_uid: "u1".into(), container: "app".into(), previous: false }
}

/// Follows a scripted server.
struct Followed {
    server: Server,
    outbox: Arc<Outbox>,
    task: tokio::task::JoinHandle<()>,
    doubts: watch::Sender<u64>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Followed {
    async fn of(scripts: Vec<Vec<Step>>) -> Self {
        Self::with(scripts, source(), FOLLOW, QUICK).await
    }

    async fn with(scripts: Vec<Vec<Step>>, source: LogSource, options: LogOptions, pace: Pace) -> Self {
        let server = Server::start(scripts).await;
        let outbox = Arc::new(Outbox::default());
        let (door, nudge) = (Arc::new(Semaphore::new(1)), Arc::new(Notify::new()));
        let client = server.client().await;
        let doubts = watch::Sender::default();
        let state = Progress::default();
        let follower = Follower { client, source, options, outbox: outbox.clone(), door, nudge, doubts: doubts.subscribe(), pace, state };
        let task = tokio::spawn(follower.run());
        Self { server, outbox, task, doubts }
    }

    /// The next events in words; the reasons of what comes and goes are left out.
    async fn told(&self, events: usize) -> Vec<String> {
        let mut told = Vec::new();
        for _ in 0..events {
            // A follower that hangs fails the test instead of holding it up.
            let event = tokio::time::timeout(Duration::from_mins(1), self.outbox.pop()).await;
            told.push(match event.unwrap_or_else(|_| panic!("nothing more was told after {told:?}")) {
                LogEvent::Lines { lines, .. } => lines.iter().map(|l| &*l.text).collect::<Vec<_>>().join(","),
                LogEvent::State { state, .. } => match state {
                    LogState::Waiting { reason } if reason.contains("the connection to") => "lost".into(),
                    LogState::Waiting { reason } => format!("waiting: {reason}"),
                    LogState::Following => "following".into(),
                    LogState::Reconnected { missed, .. } => format!("reconnected, missed {missed:?}"),
                    LogState::Ended { reason } => format!("ended: {reason}"),
                    LogState::Failed { kind, .. } => format!("failed: {kind:?}"),
                    LogState::Dropped { lines } => format!("dropped {lines}"),
                },
            });
        }
        told
    }

    /// The same, up to an event that starts so. States in between that nobody had to see may be missing.
    async fn told_until(&self, last: &str) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            told.extend(self.told(1).await);
            if told.last().is_some_and(|t| t.starts_with(last)) {
                return told;
            }
        }
    }
}

/// Lines of a log, `second.millisecond text`.
fn log(lines: &[(&str, &str)]) -> Vec<u8> {
    lines.iter().flat_map(|(at, text)| format!("2026-11-22T06:00:{at}Z {text}\n").into_bytes()).collect()
}

fn pod(state: impl Into<Value>, last_state: impl Into<Value>) -> Vec<Step> {
    let (state, last_state) = (state.into(), last_state.into());
    let pod = json!({
        "metadata": { "uid": "u1" }, "spec": { "restartPolicy": "Always", "containers": [{ "name": "app" }] },
        "status": { "phase": "Running", "containerStatuses": [{ "name": "app", "state": state, "lastState": last_state }] }
    });
    vec![answer("200 OK", &pod.to_string())]
}

fn running(second: &str) -> Value {
    json!({ "running": { "startedAt": format!("2026-11-22T06:00:{second}Z") } })
}

fn terminated(second: &str, code: i32) -> Value {
    json!({ "terminated": { "exitCode": code, "reason": "Error", "startedAt": format!("2026-11-22T06:00:{second}Z") } })
}

fn refused(code: u16, reason: &str, message: &str) -> Vec<Step> {
    vec![answer(&format!("{code} {reason}"), &status(code, reason, message))]
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_of_a_line_loses_nothing_and_tells_nothing_twice() {
    let second = log(&[("01.100", "one"), ("01.200", "two"), ("01.200", "two"), ("02.000", "three")]);
    let followed = Followed::of(vec![
        vec![chunked(), chunk(&log(&[("01.100", "one"), ("01.200", "two")])), chunk(b"2026-11-22T06:00:01.200Z tw"), Step::Wait, Step::Reset],
        pod(running("00"), json!({})),
        vec![chunked(), chunk(&second[..70]), chunk(&second[70..]), Step::Silence],
    ])
    .await;
    assert_eq!(followed.told_until("one").await.last().unwrap(), "one,two");
    followed.server.go().await;
    assert_eq!(followed.told_until("two").await, ["lost", "reconnected, missed Some(0)", "following", "two,three"]);
    assert_eq!(
        followed.server.requests(),
        [
            "GET /api/v1/namespaces/shop/pods/web/log?container=app&follow=true&timestamps=true&tailLines=100",
            "GET /api/v1/namespaces/shop/pods/web",
            "GET /api/v1/namespaces/shop/pods/web/log?container=app&follow=true&timestamps=true&sinceTime=2026-11-22T06%3A00%3A01Z"
        ]
    );
}

#[tokio::test]
async fn a_log_that_was_rotated_while_we_were_away_says_that_lines_may_be_missing() {
    let followed = Followed::of(vec![
        vec![chunked(), chunk(&log(&[("01.100", "one")])), Step::Wait, Step::Reset],
        pod(running("00"), json!({})),
        vec![chunked(), chunk(&log(&[("09.000", "nine")])), Step::Silence],
    ])
    .await;
    followed.told_until("one").await;
    followed.server.go().await;
    assert_eq!(followed.told_until("nine").await, ["lost", "reconnected, missed None", "following", "nine"]);
}

#[tokio::test]
async fn a_rotated_log_that_stays_silent_is_told_after_a_while() {
    let pace = Pace { settle: Duration::from_millis(20), ..QUICK };
    let scripts = vec![
        vec![chunked(), chunk(&log(&[("01.100", "one")])), Step::Wait, Step::Reset],
        pod(running("00"), json!({})),
        vec![chunked(), chunk(&log(&[("01.900", "new")])), Step::Silence],
    ];
    let followed = Followed::with(scripts, source(), FOLLOW, pace).await;
    followed.told_until("one").await;
    followed.server.go().await;
    assert_eq!(followed.told_until("new").await, ["lost", "reconnected, missed None", "following", "new"]);
}

#[tokio::test]
async fn a_crash_loop_is_followed_from_run_to_run() {
    let followed = Followed::of(vec![
        vec![chunked(), chunk(&log(&[("01.100", "first run")])), end()],
        pod(terminated("01", 1), json!({})),
        pod(json!({ "waiting": { "reason": "CrashLoopBackOff" } }), terminated("01", 1)),
        pod(running("20"), terminated("01", 1)),
        vec![chunked(), chunk(&log(&[("20.500", "second run")])), end()],
        // Crashed, waited and crashed again between two looks: the third run's log is there to be read.
        pod(json!({ "waiting": { "reason": "CrashLoopBackOff" } }), terminated("40", 1)),
        vec![chunked(), chunk(&log(&[("40.500", "third run")])), end()],
        pod(json!({ "waiting": { "reason": "CrashLoopBackOff" } }), terminated("40", 1)),
    ])
    .await;
    let told = followed.told_until("third").await;
    let lines: Vec<&String> = told.iter().filter(|t| t.ends_with("run")).collect();
    assert_eq!(lines, ["first run", "second run", "third run"]);
    assert!(!told.iter().any(|t| t.contains("reconnected") || t == "lost"), "a restart is no lost connection: {told:?}");
    assert!(followed.told_until("waiting").await.last().unwrap().ends_with("Error, exit code 1; CrashLoopBackOff"));
    let logs: Vec<String> = followed.server.requests().into_iter().filter(|r| r.contains("/log")).collect();
    assert!(
        logs[0].ends_with("tailLines=100") && logs[1].ends_with("timestamps=true") && logs[2].ends_with("timestamps=true"),
        "{logs:?}"
    );
}

#[tokio::test]
async fn the_rest_of_a_run_that_ended_while_we_were_away_is_read_before_the_next_run() {
    let followed = Followed::of(vec![
        vec![chunked(), chunk(&log(&[("01.100", "one")])), Step::Wait, Step::Reset],
        pod(running("20"), terminated("00", 1)),
        vec![chunked(), chunk(&log(&[("01.100", "one"), ("01.300", "panic: why")])), end()],
        vec![chunked(), chunk(&log(&[("20.100", "again")])), Step::Silence],
    ])
    .await;
    followed.told_until("one").await;
    followed.server.go().await;
    assert_eq!(followed.told_until("again").await, ["lost", "reconnected, missed Some(0)", "following", "panic: why", "again"]);
    let logs = followed.server.requests();
    assert!(logs[2].contains("previous=true") && logs[2].contains("sinceTime=") && !logs[2].contains("follow"), "{logs:?}");
    assert!(logs[3].ends_with("container=app&follow=true&timestamps=true"), "{logs:?}");
}

#[tokio::test]
async fn a_container_that_has_not_started_is_waited_for_and_says_why() {
    let waiting = refused(400, "BadRequest", r#"container "app" in pod "web" is waiting to start: PodInitializing"#);
    let followed = Followed::of(vec![
        waiting,
        pod(json!({ "waiting": { "reason": "PodInitializing" } }), json!({})),
        pod(running("05"), json!({})),
        vec![chunked(), chunk(&log(&[("05.100", "up")])), Step::Silence],
    ])
    .await;
    let told = followed.told_until("up").await;
    assert!(
        told.iter()
            .all(|t| t == "waiting: connecting" || t == "waiting: PodInitializing" || t == "following" || t == "up"),
        "{told:?}"
    );
    assert!(followed.server.requests()[3].contains("tailLines=100"));
}

#[tokio::test]
async fn an_answer_that_does_not_begin_is_a_quiet_log() {
    let pace = Pace { quiet: Duration::from_millis(1), ..QUICK };
    let followed =
        Followed::with(vec![vec![Step::Wait, chunked(), chunk(&log(&[("01.100", "at last")])), Step::Silence]], source(), FOLLOW, pace).await;
    followed.told_until("following").await;
    followed.server.go().await;
    assert_eq!(followed.told(1).await, ["at last"]);
}

#[tokio::test]
async fn a_connection_in_doubt_is_replaced_without_a_word_and_without_a_loss() {
    let followed = Followed::of(vec![
        vec![chunked(), chunk(&log(&[("01.100", "one")])), Step::Silence],
        vec![chunked(), chunk(&log(&[("01.100", "one"), ("02.000", "two")])), Step::Silence],
    ])
    .await;
    followed.told_until("one").await;
    followed.doubts.send_modify(|n| *n += 1);
    assert_eq!(followed.told(1).await, ["two"]);
}

#[tokio::test]
async fn a_resume_that_nobody_answers_is_a_lost_connection_and_not_a_quiet_log() {
    // Long enough for an answer of a busy machine to be none of silence.
    let pace = Pace { answer: Duration::from_secs(1), quiet: Duration::from_millis(1), ..QUICK };
    let scripts = vec![
        vec![chunked(), chunk(&log(&[("01.100", "one")])), Step::Silence],
        vec![Step::Silence],
        pod(running("00"), json!({})),
        vec![chunked(), chunk(&log(&[("01.100", "one"), ("02.000", "two")])), Step::Silence],
    ];
    let followed = Followed::with(scripts, source(), FOLLOW, pace).await;
    followed.told_until("one").await;
    followed.doubts.send_modify(|n| *n += 1);
    let told = followed.told_until("two").await;
    assert!(told[0].starts_with("waiting: no answer from"), "{told:?}");
    assert_eq!(told[1..], ["reconnected, missed Some(0)", "following", "two"]);
}

#[tokio::test]
async fn ends_and_errors_are_told_apart() {
    let gone = refused(404, "NotFound", r#"pods "web" not found"#);
    assert_eq!(Followed::of(vec![gone]).await.told_until("ended").await.last().unwrap(), "ended: the pod is gone");

    let forbidden = refused(403, "Forbidden", r#"User "eve" cannot get resource "pods/log""#);
    let denied = Followed::of(vec![forbidden]).await.told_until("failed").await;
    assert_eq!(denied.last().unwrap(), &format!("failed: {:?}", ErrorKind::Forbidden));

    let other_pod = json!({ "metadata": { "uid": "u2" }, "spec": {}, "status": {} }).to_string();
    let replaced = vec![vec![chunked(), chunk(&log(&[("01.100", "one")])), end()], vec![answer("200 OK", &other_pod)]];
    assert_eq!(Followed::of(replaced).await.told_until("ended").await.last().unwrap(), "ended: the pod is gone");
}

#[tokio::test]
async fn who_may_read_logs_but_not_pods_follows_all_the_same() {
    let forbidden = refused(403, "Forbidden", r#"User "eve" cannot get resource "pods""#);
    let followed = Followed::of(vec![
        vec![chunked(), chunk(&log(&[("01.100", "one")])), Step::Wait, Step::Reset],
        forbidden,
        vec![chunked(), chunk(&log(&[("01.100", "one"), ("02.000", "two")])), Step::Silence],
    ])
    .await;
    followed.told_until("one").await;
    followed.server.go().await;
    assert_eq!(followed.told_until("two").await, ["lost", "reconnected, missed Some(0)", "following", "two"]);
}

#[tokio::test]
async fn the_previous_run_is_read_once_and_says_how_it_ended() {
    let previous = LogSource { previous: true, ..source() };
    let scripts = vec![vec![chunked(), chunk(&log(&[("01.100", "why")])), end()], pod(running("20"), terminated("01", 137))];
    let followed = Followed::with(scripts, previous.clone(), FOLLOW, QUICK).await;
    let told = followed.told_until("ended").await;
    assert_eq!(told[told.len() - 2..], ["why", "ended: the previous run: Error, exit code 137"]);
    assert!(followed.server.requests()[0].contains("previous=true") && !followed.server.requests()[0].contains("follow"));

    let none = refused(400, "BadRequest", r#"previous terminated container "app" in pod "web" not found"#);
    let followed = Followed::with(vec![none], previous, FOLLOW, QUICK).await;
    assert_eq!(followed.told_until("ended").await.last().unwrap(), "ended: there is no previous run");
}

#[tokio::test]
async fn without_following_a_log_ends_with_what_there_is_and_a_dead_server_is_given_up() {
    let once = LogOptions { tail: None, since: Some(1_795_327_200), follow: false };
    let scripts = vec![vec![chunked(), chunk(&log(&[("01.100", "one")])), chunk(b"2026-11-22T06:00:02Z no line break"), end()]];
    let followed = Followed::with(scripts, source(), once, QUICK).await;
    let told = followed.told_until("ended").await;
    assert_eq!(told[told.len() - 2..], ["one,no line break", "ended: all there was"]);
    assert!(followed.server.requests()[0].ends_with("timestamps=true&sinceTime=2026-11-22T06%3A00%3A00Z"));

    let followed = Followed::with(vec![vec![Step::Reset]], source(), once, QUICK).await;
    assert_eq!(followed.told_until("failed").await.last().unwrap(), "failed: Unreachable");
}
