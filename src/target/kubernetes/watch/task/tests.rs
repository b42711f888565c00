//! Streams against a server that does what servers do: pages, bookmarks, 410, cuts, refusals, garbage, slowness.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Beside, Task, Timing};
use crate::base::text::Str;
use crate::target::event::{ObjectChange, StreamState, TargetEvent};
use crate::target::kubernetes::streams::{Beat, Outbox, Pulse, Turn};
use crate::target::kubernetes::testing::{Server, Step, answer, chunk, end, status};
use crate::target::model::{Kind, Scope};
use crate::target::request::StreamKey;

/// A running stream of pods, and what it told so far.
struct Run {
    server: Server,
    pulse: Pulse,
    events: mpsc::Receiver<TargetEvent>,
    pods: mpsc::Receiver<Str>,
    _cancel: tokio_util::sync::DropGuard,
}

const LONG: Duration = Duration::from_secs(20);

const PATIENT: Timing = Timing { answer: LONG, slow: LONG, piece: LONG, idle: LONG };

impl Run {
    async fn start(streams: bool, scripts: Vec<Vec<Step>>) -> Self {
        Self::timed(streams, PATIENT, scripts).await
    }

    async fn timed(streams: bool, timing: Timing, scripts: Vec<Vec<Step>>) -> Self {
        Self::of(Kind::Pod, streams, timing, scripts).await
    }

    async fn of(kind: Kind, streams: bool, timing: Timing, scripts: Vec<Vec<Step>>) -> Self {
        let server = Server::start(scripts).await;
        let (send, events) = mpsc::channel(8);
        let (outbox, pulse, cancel) = (Outbox::default(), Pulse::new(Beat::default()), CancellationToken::new());
        let slot = outbox.slot(StreamKey { kind, scope: Scope::Namespace("shop".into()) });
        let (changed_pods, pods) = mpsc::channel(8);
        let beside = Beside { pulse: pulse.clone(), turn: Turn::default(), changed_pods };
        let task = Task::new(server.client().await, slot, beside, streams, timing);
        tokio::spawn(task.run(cancel.clone()));
        tokio::spawn(async move { outbox.forward(send).await });
        Self { server, pulse, events, pods, _cancel: cancel.drop_guard() }
    }

    /// Everything that is told, up to and including a word.
    async fn until(&mut self, last: &str) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(Some(event)) = tokio::time::timeout(LONG, self.events.recv()).await {
            all.extend(words(event));
            if all.iter().any(|w| w.starts_with(last)) {
                return all;
            }
        }
        panic!("'{last}' never came: {all:?}; asked for {:?}", self.server.requests());
    }

    /// What was asked for, without the path and what is the same in all.
    fn asked(&self) -> Vec<String> {
        let query = |line: String| {
            let query = line.trim_start_matches("GET /api/v1/namespaces/shop/pods?");
            let parts = query.split('&').filter(|p| !p.starts_with("timeoutSeconds") && *p != "allowWatchBookmarks=true");
            parts.collect::<Vec<_>>().join("&")
        };
        self.server.requests().into_iter().map(query).collect()
    }
}

fn words(event: TargetEvent) -> Vec<String> {
    match event {
        TargetEvent::Objects { changes, .. } => changes
            .into_iter()
            .map(|c| match c {
                ObjectChange::Applied(o) => format!("+{}", o.meta().name),
                ObjectChange::Deleted(r) => format!("-{}", r.name),
                ObjectChange::Listing => "listing".into(),
                ObjectChange::Listed => "listed".into(),
            })
            .collect(),
        TargetEvent::Stream { state: StreamState::Connected, .. } => vec!["connected".into()],
        TargetEvent::Stream { state: StreamState::Stale { reason, .. }, .. } => vec![format!("stale: {reason}")],
        TargetEvent::Stream { state: StreamState::Failed { kind, .. }, .. } => vec![format!("failed {kind:?}")],
        TargetEvent::Problem(problem) => vec![format!("problem {}: {}", problem.id, problem.message)],
        TargetEvent::Solved(id) => vec![format!("solved {id}")],
        other => vec![format!("{other:?}")],
    }
}

/// The start of a watch.
fn watch() -> Step {
    Step::Send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".to_vec())
}

fn event(kind: &str, name: &str, version: u32) -> Step {
    chunk(format!(r#"{{"type":"{kind}","object":{{"metadata":{{"name":"{name}","uid":"uid-{name}","namespace":"shop","resourceVersion":"{version}"}}}}}}{}"#, "\n").as_bytes())
}

fn bookmark(version: u32, end: bool) -> Step {
    let annotations = if end { r#","annotations":{"k8s.io/initial-events-end":"true"}"# } else { "" };
    chunk(format!(r#"{{"type":"BOOKMARK","object":{{"metadata":{{"resourceVersion":"{version}"{annotations}}}}}}}{}"#, "\n").as_bytes())
}

fn expired() -> Step {
    chunk(format!(r#"{{"type":"ERROR","object":{}}}{}"#, status(410, "Expired", "too old resource version"), "\n").as_bytes())
}

fn list(names: &[&str], version: u32, next: &str) -> Step {
    let items: Vec<String> = names.iter().map(|n| format!(r#"{{"metadata":{{"name":"{n}","namespace":"shop"}}}}"#)).collect();
    answer(
        "200 OK",
        &format!(r#"{{"metadata":{{"resourceVersion":"{version}","continue":"{next}"}},"items":[{}]}}"#, items.join(",")),
    )
}

/// A streaming list of one pod that then stays open.
fn streamed(name: &str, version: u32) -> Vec<Step> {
    vec![watch(), event("ADDED", name, version), bookmark(version + 1, true)]
}

fn with(mut steps: Vec<Step>, more: impl IntoIterator<Item = Step>) -> Vec<Step> {
    steps.extend(more);
    steps
}

const STREAM: &str = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";

#[tokio::test]
async fn a_watch_that_is_cut_is_taken_up_at_the_last_change() {
    let cut = with(streamed("a", 4), [event("MODIFIED", "a", 9), Step::Reset]);
    let again = vec![watch(), event("ADDED", "b", 12), Step::Silence];
    let mut run = Run::start(true, vec![cut, again]).await;
    let told = run.until("+b").await;
    let told: Vec<&str> = told.iter().map(|w| w.split(':').next().unwrap_or_default()).collect();
    assert!(told.starts_with(&["listing", "+a", "listed"]), "{told:?}");
    assert_eq!(run.asked(), [format!("{STREAM}&resourceVersion=0"), "watch=true&resourceVersion=9".into()]);
    assert_eq!(told.iter().filter(|w| **w == "listing").count(), 1, "nothing was listed again: {told:?}");
}

#[tokio::test]
async fn a_bookmark_moves_the_place_and_the_end_of_a_watch_is_no_news() {
    let ends = with(streamed("a", 4), [bookmark(70, false), Step::Wait, end()]);
    let mut run = Run::start(true, vec![ends, vec![watch(), event("ADDED", "b", 80), Step::Silence]]).await;
    run.until("connected").await;
    run.server.go().await;
    assert_eq!(run.until("+b").await, ["+b"], "neither stale nor connected again");
    assert_eq!(run.asked()[1], "watch=true&resourceVersion=70");
}

#[tokio::test]
async fn gone_in_the_middle_of_a_watch_is_a_fresh_list() {
    let gone = with(streamed("old", 4), [Step::Wait, expired()]);
    let mut run = Run::start(true, vec![gone, with(streamed("new", 50), [Step::Silence])]).await;
    run.until("connected").await;
    run.server.go().await;
    assert_eq!(run.until("listed").await, ["listing", "+new", "listed"]);
    assert_eq!(run.asked()[1], STREAM, "the newest: no version asked for");
}

#[tokio::test]
async fn a_far_server_gives_pages_and_then_a_watch() {
    let scripts = vec![vec![list(&["a", "b"], 7, "t1")], vec![list(&["c"], 7, "")], vec![watch(), event("DELETED", "a", 8), Step::Silence]];
    let mut run = Run::start(false, scripts).await;
    let told = run.until("-a").await;
    assert_eq!(told.iter().filter(|w| *w != "connected").collect::<Vec<_>>(), ["listing", "+a", "+b", "+c", "listed", "-a"]);
    assert_eq!(run.asked(), ["limit=500&resourceVersion=0", "limit=500&continue=t1", "watch=true&resourceVersion=7"]);
}

#[tokio::test]
async fn a_page_that_expired_begins_again_in_one_piece() {
    let gone = vec![answer("410 Gone", &status(410, "Expired", "the continue token is too old"))];
    let scripts = vec![vec![list(&["a"], 7, "t1")], gone, vec![list(&["b", "c"], 9, "")], vec![watch(), Step::Silence]];
    let mut run = Run::start(false, scripts).await;
    let told = run.until("connected").await;
    assert_eq!(told, ["listing", "+a", "listing", "+b", "+c", "listed", "connected"]);
    assert_eq!(run.asked()[2], "resourceVersion=0");
}

#[tokio::test]
async fn a_server_that_does_not_know_streaming_lists_gives_pages() {
    let no = vec![answer("422 Unprocessable Entity", &status(422, "Invalid", "sendInitialEvents: Forbidden"))];
    let mut run = Run::start(true, vec![no, vec![list(&["a"], 7, "")], vec![watch(), Step::Silence]]).await;
    assert_eq!(run.until("connected").await, ["listing", "+a", "listed", "connected"], "nobody hears of it");
}

#[tokio::test]
async fn a_streaming_list_without_an_end_gives_way_to_pages() {
    let endless = vec![watch(), event("ADDED", "a", 4), Step::Silence];
    let timing = Timing { piece: Duration::from_millis(60), ..PATIENT };
    let mut run = Run::timed(true, timing, vec![endless, vec![list(&["a"], 7, "")], vec![watch(), Step::Silence]]).await;
    run.until("connected").await;
    assert_eq!(run.asked()[1..], ["limit=500&resourceVersion=0", "watch=true&resourceVersion=7"]);
}

#[tokio::test]
async fn a_right_that_is_granted_later_solves_the_problem_that_its_lack_was() {
    let message = r#"pods is forbidden: User "eve" cannot watch resource "pods" in API group "" in the namespace "shop""#;
    let denied = vec![answer("403 Forbidden", &status(403, "Forbidden", message))];
    let mut run = Run::start(true, vec![denied, with(streamed("a", 4), [Step::Silence])]).await;
    let told = run.until("problem").await;
    assert_eq!(told, ["failed Forbidden", "problem watch:pods@shop: No right to watch pods in shop."]);
    run.pulse.refresh();
    assert_eq!(run.until("solved").await, ["listing", "+a", "listed", "connected", "solved watch:pods@shop"]);
}

#[tokio::test]
async fn what_is_not_the_api_is_told_and_survived() {
    let page = Step::Send(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>".to_vec());
    let noise = "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.kubernetes.protobuf\r\ncontent-length: 12\r\n\r\nk8s\0\x12\x7f\x01\x02abcd";
    let noise = vec![Step::Send(noise.into())];
    let cut = vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"items\":[".to_vec()), Step::Close];
    for script in [vec![page], noise, cut] {
        let mut run = Run::start(false, vec![script, vec![list(&["a"], 7, "")], vec![watch(), Step::Silence]]).await;
        let told = run.until("connected").await;
        assert!(told.iter().any(|w| w.starts_with("failed")), "{told:?}");
        assert_eq!(told.iter().filter(|w| w.starts_with('+')).count(), 1, "{told:?}");
    }
}

#[tokio::test]
async fn an_object_that_cannot_be_read_costs_only_itself() {
    let bad = chunk(b"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":7}}}\n");
    let mut run = Run::start(true, vec![with(vec![watch(), bad, event("ADDED", "a", 4), bookmark(5, true)], [Step::Silence])]).await;
    let told = run.until("problem").await;
    assert!(told.starts_with(&["listing".into(), "+a".into(), "listed".into()]), "{told:?}");
    assert!(
        told.contains(&"problem watch:pods@shop:unreadable: 1 of the pods in shop cannot be read and is left out.".into()),
        "{told:?}"
    );
}

#[tokio::test]
async fn waiting_for_an_answer_makes_what_is_shown_stale_until_it_comes() {
    let timing = Timing { slow: Duration::from_millis(30), ..PATIENT };
    let slow = vec![Step::Wait, watch(), event("ADDED", "b", 12), Step::Silence];
    let mut run = Run::timed(true, timing, vec![with(streamed("a", 4), [bookmark(6, false), Step::Wait, end()]), slow]).await;
    run.until("connected").await;
    run.server.go().await;
    assert_eq!(run.until("stale").await, ["stale: waiting for an answer"]);
    run.server.go().await;
    assert!(run.until("+b").await.contains(&"+b".into()));
}

#[tokio::test]
async fn a_silent_watch_is_asked_for_again() {
    let timing = Timing { idle: Duration::from_millis(60), ..PATIENT };
    let mut run =
        Run::timed(true, timing, vec![with(streamed("a", 4), [Step::Silence]), vec![watch(), event("ADDED", "b", 12), Step::Silence]]).await;
    run.until("+b").await;
    assert_eq!(run.asked()[1], "watch=true&resourceVersion=5");
}

#[tokio::test]
async fn a_server_that_is_gone_is_told_at_once_and_its_return_ends_the_wait() {
    let mut run = Run::start(
        true,
        vec![with(streamed("a", 4), [Step::Silence]), vec![Step::Reset], vec![watch(), event("ADDED", "b", 12), Step::Silence]],
    )
    .await;
    run.until("connected").await;
    run.pulse.cut("no answer");
    assert_eq!(run.until("stale").await, ["stale: no answer"]);
    run.until("+b").await;
}

#[tokio::test]
async fn a_pod_that_changes_after_the_list_is_told_to_the_logs() {
    let mut run = Run::start(true, vec![with(streamed("a", 4), [event("MODIFIED", "b", 9), Step::Silence])]).await;
    run.until("+b").await;
    assert_eq!(run.pods.recv().await.as_deref(), Some("uid-b"), "not those that were listed");
}

#[tokio::test]
async fn no_right_to_what_the_cluster_does_not_have_is_no_problem() {
    let denied = || vec![answer("403 Forbidden", &status(403, "Forbidden", "certificates is forbidden"))];
    let no_group = vec![answer("404 Not Found", "404 page not found")];
    let mut run = Run::of(Kind::Certificate, true, PATIENT, vec![denied(), no_group]).await;
    assert_eq!(run.until("failed").await, ["failed NotFound"]);
    assert_eq!(run.server.requests()[1], "GET /apis/cert-manager.io/v1");
    let group = vec![answer("200 OK", "{}")];
    let mut run = Run::of(Kind::Certificate, true, PATIENT, vec![denied(), group]).await;
    assert!(run.until("problem").await.contains(&"failed Forbidden".into()));
}
