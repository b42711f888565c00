//! A session over a small API server: opening, switching, losing and finding the cluster.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::Session;
use crate::target::event::{ObjectChange, Opened, StreamState, TargetEvent};
use crate::target::kubernetes::client::Client;
use crate::target::kubernetes::testing::opened;
use crate::target::model::Kind;
use crate::target::request::{Namespaces, TargetSpec};

const LONG: Duration = Duration::from_secs(30);

/// The paths that were asked for.
type Asked = Arc<Mutex<BTreeSet<String>>>;

/// Serves one pod per namespace and nothing else, for ever; answers where.
fn api(listener: TcpListener) -> Asked {
    let asked = Asked::default();
    let app = Router::new().fallback(serve).with_state(asked.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    asked
}

async fn serve(State(asked): State<Asked>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    asked.lock().unwrap().insert(path.clone());
    let watch = request.uri().query().unwrap_or_default().contains("watch=true");
    let namespace = path.split('/').skip_while(|p| *p != "namespaces").nth(1).unwrap_or_default();
    if !watch {
        let body = if path == "/version" { r#"{"gitVersion":"v1.36.3"}"# } else { r#"{"metadata":{"resourceVersion":"1"},"items":[]}"# };
        return json(Body::from(body));
    }
    let mut lines = String::new();
    if path.ends_with("/pods") {
        let pod = format!("{{\"metadata\":{{\"name\":\"pod-of-{namespace}\",\"namespace\":\"{namespace}\"}}}}");
        lines += &["{\"type\":\"ADDED\",\"object\":", &pod, "}\n"].concat();
    }
    lines +=
        "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n";
    let first = futures_util::stream::iter([Ok::<_, std::io::Error>(lines)]);
    json(Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending())))
}

fn json(body: Body) -> Response {
    Response::builder().header("content-type", "application/json").body(body).unwrap()
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

async fn client(url: &str, namespaces: &[&str]) -> Client {
    let namespaces = Some(namespaces.iter().map(|n| (*n).to_owned()).collect());
    let opened = Opened { server: url.to_owned(), namespaces, ..opened() };
    Client::at(url.parse().unwrap(), None, opened, false).await.unwrap()
}

/// Takes events until one is what is waited for; answers with all of them.
async fn until(events: &mut mpsc::Receiver<TargetEvent>, is: impl Fn(&TargetEvent) -> bool) -> Vec<TargetEvent> {
    let mut all = Vec::new();
    loop {
        let event = tokio::time::timeout(LONG, events.recv()).await.unwrap_or_else(|_| panic!("never came: {all:#?}"));
        all.push(event.expect("an open session"));
        if all.last().is_some_and(&is) {
            return all;
        }
    }
}

fn has_pod(event: &TargetEvent, name: &str) -> bool {
    let is = |c: &ObjectChange| matches!(c, ObjectChange::Applied(o) if &*o.meta().name == name);
    matches!(event, TargetEvent::Objects { changes, .. } if changes.iter().any(is))
}

fn is_opened(event: &TargetEvent, namespace: &str) -> bool {
    matches!(event, TargetEvent::Opened(o) if o.namespaces.as_deref().is_some_and(|n| n == [namespace]))
}

#[tokio::test]
async fn an_open_target_tells_who_it_is_and_everything_in_its_namespaces() {
    let (listener, url) = listener().await;
    let asked = api(listener);
    let (send, mut events) = mpsc::channel(16);
    let session = Session::adopt(client(&url, &["shop", "bank"]).await, send);
    let first = until(&mut events, |e| matches!(e, TargetEvent::Opened(_))).await;
    assert_eq!(first.len(), 1, "nothing comes before it");
    let told = until(&mut events, |e| matches!(e, TargetEvent::Stream { key, state: StreamState::Connected } if key.kind == Kind::Secret)).await;
    assert!(told.iter().any(|e| has_pod(e, "pod-of-shop")) && told.iter().any(|e| has_pod(e, "pod-of-bank")));
    assert!(session.client().is_some_and(|c| c.server() == url));
    let asked = asked.lock().unwrap();
    for path in
        ["/apis/apps/v1/namespaces/bank/deployments", "/api/v1/nodes", "/api/v1/namespaces", "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods"]
    {
        assert!(asked.contains(path), "{path} of {asked:?}");
    }
}

#[tokio::test]
async fn after_a_switch_nothing_of_what_was_left_is_told() {
    let (listener, url) = listener().await;
    api(listener);
    let (send, mut events) = mpsc::channel(2);
    let session = Session::adopt(client(&url, &["shop"]).await, send);
    until(&mut events, |e| is_opened(e, "shop")).await;
    session.open_with(client(&url, &["bank"]).await);
    until(&mut events, |e| is_opened(e, "bank")).await;
    let told = until(&mut events, |e| matches!(e, TargetEvent::Stream { key, state: StreamState::Connected } if key.kind == Kind::Secret)).await;
    let old = |e: &&TargetEvent| match e {
        TargetEvent::Objects { key, .. } | TargetEvent::Stream { key, .. } | TargetEvent::Table { key, .. } => {
            key.scope.namespace().is_some_and(|n| &**n == "shop")
        }
        _ => false,
    };
    assert_eq!(told.iter().filter(old).count(), 0, "{told:?}");
    assert!(told.iter().any(|e| has_pod(e, "pod-of-bank")));
}

#[tokio::test]
async fn many_switches_in_a_row_end_at_the_last() {
    let (listener, url) = listener().await;
    api(listener);
    let (send, mut events) = mpsc::channel(2);
    let session = Session::adopt(client(&url, &["n0"]).await, send);
    for n in 1..20 {
        session.open_with(client(&url, &[&format!("n{n}")]).await);
    }
    until(&mut events, |e| is_opened(e, "n19")).await;
    until(&mut events, |e| has_pod(e, "pod-of-n19")).await;
}

#[tokio::test]
async fn a_cluster_that_is_down_at_start_is_told_and_found_when_it_comes() {
    let (listener, url) = listener().await;
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (send, mut events) = mpsc::channel(16);
    let _session = Session::adopt(client(&url, &["shop"]).await, send);
    let told = until(&mut events, |e| matches!(e, TargetEvent::Problem(p) if p.id == "target:reach")).await;
    assert!(told.iter().any(|e| matches!(e, TargetEvent::Opened(_))), "open, though nobody answers");
    api(TcpListener::bind(address).await.unwrap());
    let told = until(&mut events, |e| has_pod(e, "pod-of-shop")).await;
    let problems = told.iter().filter(|e| matches!(e, TargetEvent::Problem(p) if p.id.starts_with("watch:"))).count();
    assert_eq!(problems, 0, "one problem for one cause: {told:?}");
}

#[tokio::test]
async fn what_cannot_be_opened_is_told_and_something_else_can_be_opened_after_it() {
    let (listener, url) = listener().await;
    api(listener);
    let (send, mut events) = mpsc::channel(16);
    let nowhere = TargetSpec { kubeconfig: Some("/nonexistent/kubeconfig".into()), namespaces: Namespaces::All, ..TargetSpec::default() };
    let session = Session::spawn(nowhere, send);
    let told = until(&mut events, |e| matches!(e, TargetEvent::OpenFailed(_))).await;
    assert_eq!(told.len(), 1);
    assert!(session.client().is_none());
    session.open_with(client(&url, &["shop"]).await);
    until(&mut events, |e| has_pod(e, "pod-of-shop")).await;
}

#[tokio::test]
async fn everything_ends_with_the_handle() {
    let (listener, url) = listener().await;
    api(listener);
    let (send, mut events) = mpsc::channel(2);
    let session = Session::adopt(client(&url, &["shop"]).await, send);
    until(&mut events, |e| is_opened(e, "shop")).await;
    drop(session);
    let rest = async { while events.recv().await.is_some() {} };
    tokio::time::timeout(LONG, rest).await.expect("the channel is closed: every task is gone");
}

#[tokio::test]
async fn everything_is_listed_anew_on_request() {
    let (listener, url) = listener().await;
    api(listener);
    let (send, mut events) = mpsc::channel(16);
    let session = Session::adopt(client(&url, &["shop"]).await, send);
    until(&mut events, |e| has_pod(e, "pod-of-shop")).await;
    session.refresh();
    let listing = |c: &ObjectChange| matches!(c, ObjectChange::Listing);
    until(
        &mut events,
        |e| matches!(e, TargetEvent::Objects { key, changes } if key.kind == Kind::Pod && changes.iter().any(listing)),
    )
    .await;
}
