use std::time::Duration;

use http::Request;

use super::{REQUEST, get};
use crate::target::api::{Delivery, ErrorKind, TargetError};
use crate::target::kubernetes::testing::{Server, Step, answer, chunk, chunked, end, status};

async fn asked(script: Vec<Step>, method: &str) -> TargetError {
    let server = Server::start(vec![script]).await;
    let client = server.client().await;
    let request = Request::builder().method(method).uri("/api/v1/namespaces/shop/pods").body(b"{}".to_vec()).unwrap();
    client.fetch(request, REQUEST).await.unwrap_err()
}

#[tokio::test]
async fn each_refusal_of_the_server_has_its_kind_and_the_servers_words() {
    let rbac = r#"pods is forbidden: User "eve" cannot list resource "pods" in API group "" in the namespace "shop""#;
    let webhook = r#"admission webhook "policy.example" denied the request: no"#;
    for (line, reason, message, kind) in [
        ("401 Unauthorized", "Unauthorized", "Unauthorized", ErrorKind::Unauthorised),
        ("403 Forbidden", "Forbidden", rbac, ErrorKind::Forbidden),
        ("403 Forbidden", "Forbidden", webhook, ErrorKind::Denied),
        ("400 Bad Request", "BadRequest", webhook, ErrorKind::Denied),
        ("403 Forbidden", "Forbidden", "pods \"x\" is forbidden: exceeded quota: q", ErrorKind::Denied),
        ("404 Not Found", "NotFound", "pods \"x\" not found", ErrorKind::NotFound),
        ("409 Conflict", "Conflict", "the object has been modified", ErrorKind::Conflict),
        ("410 Gone", "Expired", "too old resource version: 1 (2)", ErrorKind::Gone),
        ("422 Unprocessable Entity", "Invalid", "spec.replicas: Invalid value: -1", ErrorKind::Invalid),
        ("400 Bad Request", "BadRequest", "unknown field", ErrorKind::Invalid),
        ("500 Internal Server Error", "InternalError", "etcdserver: request timed out", ErrorKind::Server),
        ("504 Gateway Timeout", "Timeout", "request did not complete in time", ErrorKind::Timeout),
    ] {
        let code = line[..3].parse().unwrap();
        let error = asked(vec![answer(line, &status(code, reason, message))], "GET").await;
        assert_eq!((error.kind, error.status, error.delivery), (kind, Some(code), Delivery::NotDone), "{line} {message}");
        assert_eq!(error.message, message);
    }
}

#[tokio::test]
async fn an_object_that_a_refusal_quotes_is_not_repeated() {
    let message = r#"" " is invalid: patch: Invalid value: "{\"data\":{\"password\":\"hunter2\"}}": strict decoding error: unknown field "spec.x""#;
    let error = asked(vec![answer("422 Unprocessable Entity", &status(422, "Invalid", message))], "PATCH").await;
    assert_eq!(error.message, r#"" " is invalid: patch: Invalid value: strict decoding error: unknown field "spec.x""#);
    let cut = r#"" " is invalid: patch: Invalid value: "{\"data\":{\"password\":\"hunter2\"#;
    let error = asked(vec![answer("422 Unprocessable Entity", &status(422, "Invalid", cut))], "PATCH").await;
    assert!(!error.message.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn too_many_requests_is_told_once_with_the_wait_that_was_asked_for_and_not_retried() {
    let body = status(429, "TooManyRequests", "slow down");
    let text = format!("HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let server = Server::start(vec![vec![Step::Send(text.into_bytes())]]).await;
    let request = Request::post("/api/v1/namespaces/shop/pods/x/eviction").body(Vec::new()).unwrap();
    let error = server.client().await.fetch(request, REQUEST).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (ErrorKind::TooManyRequests, Some(7)));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_is_not_the_api_is_said_to_be_so() {
    let login = "HTTP/1.1 302 Found\r\nlocation: https://login.example/\r\ncontent-length: 0\r\n\r\n";
    let error = asked(vec![Step::Send(login.into())], "GET").await;
    assert_eq!(error.kind, ErrorKind::Garbage);
    assert!(error.message.ends_with("302 Found: a redirect to https://login.example/, not the API"), "{}", error.message);

    let error = asked(vec![Step::Send(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()), Step::Close], "GET").await;
    assert_eq!(error.kind, ErrorKind::Garbage, "{}", error.message);

    let error = asked(vec![answer("502 Bad Gateway", "<html>\x1b[31mred</html>")], "GET").await;
    assert_eq!(error.kind, ErrorKind::Server);
    assert!(error.message.ends_with("502 Bad Gateway"), "{}", error.message);

    let server = Server::start(vec![vec![answer("200 OK", "<html>sign in</html>")]]).await;
    let error = server.client().await.json::<serde_json::Value>("/version", REQUEST).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Garbage);
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_may_have_been_made_and_a_read_has_not() {
    for script in [vec![Step::Reset], vec![Step::Close], vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{".to_vec()), Step::Close]] {
        let lost = asked(script.clone(), "PATCH").await;
        assert_eq!((lost.kind, lost.delivery), (ErrorKind::Unreachable, Delivery::MayBeDone), "{}", lost.message);
        let lost = asked(script, "GET").await;
        assert_eq!((lost.kind, lost.delivery), (ErrorKind::Unreachable, Delivery::NotDone));
    }
    let gateway = asked(vec![answer("504 Gateway Timeout", "")], "POST").await;
    assert_eq!(gateway.delivery, Delivery::MayBeDone);
}

#[tokio::test]
async fn a_server_that_is_not_there_was_told_nothing() {
    let server = Server::start(vec![vec![Step::Close]]).await;
    let mut gone = server.client().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let uri = format!("http://127.0.0.1:{port}");
    gone = super::Client::at(uri.parse().unwrap(), None, gone.opened().clone(), false).await.unwrap();
    let request = Request::delete("/api/v1/namespaces/shop/pods/x").body(Vec::new()).unwrap();
    let error = gone.fetch(request, REQUEST).await.unwrap_err();
    assert_eq!((error.kind, error.delivery), (ErrorKind::Unreachable, Delivery::NotDone), "{}", error.message);
    let opening = gone.reach(REQUEST).await.unwrap_err();
    assert_eq!(opening.exit_code(), 3);
}

#[tokio::test]
async fn silence_ends_at_the_deadline_before_and_within_an_answer() {
    let short = Duration::from_millis(50);
    let server = Server::start(vec![vec![Step::Silence]]).await;
    let request = Request::patch("/api/v1/namespaces/shop/pods/x").body(b"{}".to_vec()).unwrap();
    let lost = server.client().await.send(request, short).await.unwrap_err();
    assert_eq!((lost.kind, lost.delivery), (ErrorKind::Timeout, Delivery::MayBeDone), "{}", lost.message);

    let server = Server::start(vec![vec![chunked(), chunk(b"one"), Step::Wait, chunk(b"two"), end()]]).await;
    let mut body = server.client().await.send(get("/log").unwrap(), REQUEST).await.unwrap().into_body();
    assert_eq!(body.chunk(REQUEST).await.unwrap().unwrap(), "one");
    let idle = body.chunk(short).await.unwrap_err();
    assert_eq!(idle.kind, ErrorKind::Timeout);
    server.go().await;
    assert_eq!(body.chunk(REQUEST).await.unwrap().unwrap(), "two", "waiting can go on after a deadline");
}

#[tokio::test]
async fn a_body_comes_piece_by_piece_and_a_cut_one_is_an_error() {
    let server =
        Server::start(vec![vec![chunked(), chunk(b"one"), Step::Wait, chunk(b"two"), end()], vec![chunked(), chunk(b"one"), Step::Close]]).await;
    let client = server.client().await;
    let mut body = client.send(get("/log").unwrap(), REQUEST).await.unwrap().into_body();
    assert_eq!(body.chunk(REQUEST).await.unwrap().unwrap(), "one");
    server.go().await;
    assert_eq!(body.chunk(REQUEST).await.unwrap().unwrap(), "two");
    assert_eq!(body.chunk(REQUEST).await.unwrap(), None);

    let mut body = client.send(get("/log").unwrap(), REQUEST).await.unwrap().into_body();
    assert_eq!(body.chunk(REQUEST).await.unwrap().unwrap(), "one");
    assert_eq!(body.chunk(REQUEST).await.unwrap_err().kind, ErrorKind::Unreachable);
}

#[tokio::test]
async fn a_connection_in_doubt_is_not_used_again() {
    let server = Server::start(vec![vec![answer("200 OK", "1")]]).await;
    let client = server.client().await;
    for _ in 0..3 {
        client.json::<u32>("/version", REQUEST).await.unwrap();
    }
    assert_eq!(server.connections(), 1, "one connection serves one request after the other");
    client.reconnect().await;
    client.json::<u32>("/version", REQUEST).await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn compressed_answers_are_opened() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, br#"{"a":1}"#).unwrap();
    let body = gzip.finish().unwrap();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
    let server = Server::start(vec![vec![Step::Send([head.as_bytes(), &body].concat())]]).await;
    assert_eq!(server.client().await.json::<serde_json::Value>("/x", REQUEST).await.unwrap()["a"], 1);
}

#[tokio::test]
async fn gzip_is_not_asked_for_on_this_machine() {
    let server = Server::start(vec![vec![answer("200 OK", "{}")]]).await;
    server.client().await.json::<serde_json::Value>("/version", REQUEST).await.unwrap();
    let headers = server.seen.lock().unwrap()[0].headers.clone();
    assert!(headers.contains("accept-encoding: identity"), "{headers}");
}

#[tokio::test]
async fn the_error_event_of_a_watch_is_read_as_json_and_as_protobuf() {
    let client = Server::start(vec![vec![]]).await.client().await;
    assert_eq!(client.refused(status(410, "Expired", "too old").as_bytes()).kind, ErrorKind::Gone);
    // runtime.Unknown { raw: Status { message: "too old", code: 410 } }
    let proto = b"k8s\0\x12\x0c\x1a\x07too old\x30\x9a\x03";
    let error = client.refused(proto);
    assert_eq!((error.kind, &*error.message), (ErrorKind::Gone, "too old"));
}
