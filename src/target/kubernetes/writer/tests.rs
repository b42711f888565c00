use serde_json::{Value, json};

use super::read_conflict;
use crate::target::api::{Change, Delivery, ErrorKind, Read, TargetError, Write, WritePermit, WriteRequest};
use crate::target::kubernetes::testing::{Server, Step, answer, status};
use crate::target::model::{Kind, ObjectRef};

fn request(subresource: &'static str, change: Change) -> WriteRequest {
    WriteRequest { object: ObjectRef::new(Kind::Deployment, "shop", "web"), subresource, change }
}

async fn write(server: &Server, request: WriteRequest) -> Result<Value, TargetError> {
    server.client().await.write(WritePermit::grant(request, "run-1".into())).await
}

#[tokio::test]
async fn each_change_is_one_request_with_its_method_type_and_parameters() {
    let body = json!({ "spec": { "replicas": 3 } });
    let base = "/apis/apps/v1/namespaces/shop/deployments";
    let parameters = "timeout=25s&fieldManager=timonel&fieldValidation=Strict";
    for (subresource, change, line, content_type) in [
        ("", Change::Create(body.clone()), format!("POST {base}?{parameters}"), "application/json"),
        ("eviction", Change::Create(body.clone()), format!("POST {base}/web/eviction?{parameters}"), "application/json"),
        ("scale", Change::Replace(body.clone()), format!("PUT {base}/web/scale?{parameters}"), "application/json"),
        (
            "scale",
            Change::MergePatch(body.clone()),
            format!("PATCH {base}/web/scale?{parameters}"),
            "application/merge-patch+json",
        ),
        (
            "",
            Change::StrategicPatch(body.clone()),
            format!("PATCH {base}/web?{parameters}"),
            "application/strategic-merge-patch+json",
        ),
        ("", Change::JsonPatch(body.clone()), format!("PATCH {base}/web?{parameters}"), "application/json-patch+json"),
        ("", Change::Delete(body.clone()), format!("DELETE {base}/web?timeout=25s"), "application/json"),
    ] {
        let server = Server::start(vec![vec![answer("200 OK", r#"{"kind":"Answer"}"#)]]).await;
        assert_eq!(write(&server, request(subresource, change)).await.unwrap()["kind"], "Answer");
        let seen = server.seen.lock().unwrap().clone();
        assert_eq!((seen.len(), &seen[0].line), (1, &line));
        assert!(seen[0].headers.contains(&format!("content-type: {content_type}\r\n")), "{}", seen[0].headers);
        assert_eq!(serde_json::from_str::<Value>(&seen[0].body).unwrap(), body);
    }
}

#[tokio::test]
async fn a_dry_run_says_so_where_the_server_looks_for_it() {
    let server = Server::start(vec![vec![answer("200 OK", "{}")]]).await;
    let client = server.client_that(true).await;
    client.dry_run(&request("scale", Change::MergePatch(json!({})))).await.unwrap();
    let delete = json!({ "preconditions": { "uid": "u" }, "gracePeriodSeconds": 5, "propagationPolicy": "Foreground" });
    client.dry_run(&request("", Change::Delete(delete))).await.unwrap();
    let seen = server.seen.lock().unwrap().clone();
    assert!(seen[0].line.ends_with("/scale?timeout=25s&fieldManager=timonel&fieldValidation=Strict&dryRun=All"), "{}", seen[0].line);
    assert!(
        seen[1].line.ends_with("/web?timeout=25s&dryRun=All&gracePeriodSeconds=5&propagationPolicy=Foreground"),
        "{}",
        seen[1].line
    );
    assert_eq!(seen[1].body, "", "a DELETE with a body would ignore dryRun and really delete");
}

#[tokio::test]
async fn a_read_only_client_writes_nothing() {
    let server = Server::start(vec![vec![answer("200 OK", "{}")]]).await;
    let client = server.client_that(true).await;
    for change in [Change::Create(json!({})), Change::Replace(json!({})), Change::MergePatch(json!({})), Change::Delete(json!({}))] {
        let error = client.write(WritePermit::grant(request("", change), "run-1".into())).await.unwrap_err();
        assert_eq!((error.kind, error.delivery), (ErrorKind::ReadOnly, Delivery::NotDone));
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn nothing_is_sent_twice_whatever_happens() {
    for script in [
        answer("429 Too Many Requests", ""),
        answer("503 Service Unavailable", ""),
        answer("504 Gateway Timeout", ""),
        Step::Send(b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n".to_vec()),
        Step::Reset,
        Step::Close,
    ] {
        let server = Server::start(vec![vec![script.clone(), Step::Close]]).await;
        write(&server, request("scale", Change::MergePatch(json!({})))).await.unwrap_err();
        assert_eq!(server.requests().len(), 1, "{script:?}");
    }
}

#[tokio::test]
async fn a_test_of_a_json_patch_that_fails_is_a_conflict_and_a_bad_value_is_not() {
    let unnamed = status(422, "Invalid", "the server rejected our request due to an error in our request");
    let named = status(422, "Invalid", "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1");
    for (body, change, kind) in [
        (&unnamed, Change::JsonPatch(json!([])), ErrorKind::Conflict),
        (&named, Change::JsonPatch(json!([])), ErrorKind::Invalid),
        (&unnamed, Change::MergePatch(json!({})), ErrorKind::Invalid),
    ] {
        let server = Server::start(vec![vec![answer("422 Unprocessable Entity", body)]]).await;
        assert_eq!(write(&server, request("", change)).await.unwrap_err().kind, kind);
    }
    let other = TargetError::new(ErrorKind::Forbidden, "no");
    assert_eq!(read_conflict(other.clone(), &Change::JsonPatch(json!([]))), other);
}

#[tokio::test]
async fn a_write_that_was_accepted_in_words_nobody_understands_may_be_done() {
    let cut = Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec());
    for script in [vec![answer("200 OK", "<html>")], vec![cut, Step::Close]] {
        let server = Server::start(vec![script.clone()]).await;
        let error = write(&server, request("", Change::MergePatch(json!({})))).await.unwrap_err();
        assert_eq!(error.delivery, Delivery::MayBeDone, "{error}");
        let server = Server::start(vec![script]).await;
        let error = server.client().await.dry_run(&request("", Change::MergePatch(json!({})))).await.unwrap_err();
        assert_eq!(error.delivery, Delivery::NotDone, "{error}");
    }
}

#[tokio::test]
async fn an_empty_answer_is_a_success_without_content() {
    let server = Server::start(vec![vec![answer("200 OK", "")]]).await;
    assert_eq!(write(&server, request("", Change::Delete(json!({})))).await.unwrap(), Value::Null);
}
