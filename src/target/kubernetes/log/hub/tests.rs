use tokio::sync::mpsc;

use super::LogHub;
use crate::target::event::{LogEvent, LogState, TargetEvent};
use crate::target::kubernetes::testing::{Server, Step, chunk, chunked};
use crate::target::request::{LogOptions, LogSource};

const FOLLOW: LogOptions = LogOptions { tail: Some(10), since: None, follow: true };

fn source(pod: &str) -> LogSource {
    LogSource { namespace: "shop".into(), pod: pod.into(), pod_uid: pod.into(), container: "app".into(), previous: false }
}

/// The pod of the next lines.
async fn next_lines(events: &mut mpsc::Receiver<TargetEvent>) -> String {
    loop {
        if let Some(TargetEvent::Log(LogEvent::Lines { source, .. })) = events.recv().await {
            return source.pod.to_string();
        }
    }
}

async fn server() -> Server {
    let line = b"2026-11-22T06:00:01Z hello\n";
    Server::start(vec![vec![chunked(), chunk(line), Step::Silence]]).await
}

fn asked_for(server: &Server, pod: &str) -> usize {
    server.requests().iter().filter(|r| r.contains(&format!("/pods/{pod}/log"))).count()
}

#[tokio::test]
async fn the_first_so_many_of_the_wanted_are_followed_and_those_that_stay_are_left_alone() {
    let server = server().await;
    let (send, mut events) = mpsc::channel(4);
    let mut hub = LogHub::start(server.client().await, send, 2);
    assert_eq!(hub.set(&[source("a"), source("b"), source("c")], FOLLOW), 2);
    let mut first = [next_lines(&mut events).await, next_lines(&mut events).await];
    first.sort();
    assert_eq!(first, ["a", "b"]);
    assert_eq!(hub.set(&[source("b"), source("c")], FOLLOW), 2);
    assert_eq!(next_lines(&mut events).await, "c");
    assert_eq!((asked_for(&server, "a"), asked_for(&server, "b"), asked_for(&server, "c")), (1, 1, 1));
}

#[tokio::test]
async fn other_options_start_everything_anew() {
    let server = server().await;
    let (send, mut events) = mpsc::channel(4);
    let mut hub = LogHub::start(server.client().await, send, 5);
    hub.set(&[source("a")], FOLLOW);
    next_lines(&mut events).await;
    hub.set(&[source("a")], LogOptions { tail: Some(500), ..FOLLOW });
    next_lines(&mut events).await;
    assert!(server.requests()[1].contains("tailLines=500"));
}

#[tokio::test]
async fn a_log_that_ended_is_not_started_again_while_it_is_wanted() {
    let not_found = crate::target::kubernetes::testing::status(404, "NotFound", "pods \"a\" not found");
    let server = Server::start(vec![vec![crate::target::kubernetes::testing::answer("404 Not Found", &not_found)]]).await;
    let (send, mut events) = mpsc::channel(4);
    let mut hub = LogHub::start(server.client().await, send, 5);
    hub.set(&[source("a")], FOLLOW);
    while !matches!(events.recv().await, Some(TargetEvent::Log(LogEvent::State { state: LogState::Ended { .. }, .. }))) {}
    hub.set(&[source("a"), source("b")], FOLLOW);
    while !matches!(events.recv().await, Some(TargetEvent::Log(LogEvent::State { state: LogState::Ended { .. }, .. }))) {}
    assert_eq!((asked_for(&server, "a"), asked_for(&server, "b")), (1, 1));
}

#[tokio::test]
async fn dropping_the_hub_stops_everything() {
    let server = server().await;
    let (send, mut events) = mpsc::channel(4);
    let mut hub = LogHub::start(server.client().await, send, 5);
    hub.set(&[source("a")], FOLLOW);
    next_lines(&mut events).await;
    drop(hub);
    while events.recv().await.is_some() {}
}
