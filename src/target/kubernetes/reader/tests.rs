use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::clock_skew;
use crate::target::api::{Access, ErrorKind, Read};
use crate::target::kubernetes::testing::{Server, Step, answer, chunk, chunked, end, status};
use crate::target::model::{Kind, ObjectRef, Scope};

#[tokio::test]
async fn lists_are_read_to_their_last_page_and_their_items_say_what_they_are() {
    let page = |next: &str, name: &str| {
        let body = json!({ "kind": "PodList", "metadata": { "continue": next }, "items": [{ "metadata": { "name": name } }] });
        vec![answer("200 OK", &body.to_string())]
    };
    let server = Server::start(vec![page("a b", "one"), page("", "two")]).await;
    let pods = server.client().await.list(Kind::Pod, &Scope::Namespace("shop".into()), "app=web", "").await.unwrap();
    let names: Vec<&Value> = pods.iter().map(|p| &p["metadata"]["name"]).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!((&pods[0]["kind"], &pods[0]["apiVersion"]), (&json!("Pod"), &json!("v1")));
    assert_eq!(
        server.requests(),
        [
            "GET /api/v1/namespaces/shop/pods?limit=500&labelSelector=app%3Dweb",
            "GET /api/v1/namespaces/shop/pods?limit=500&labelSelector=app%3Dweb&continue=a%20b"
        ]
    );
}

#[tokio::test]
async fn an_empty_list_of_go_is_null_and_read_as_empty() {
    let server = Server::start(vec![vec![answer("200 OK", r#"{"kind":"PodList","items":null}"#)]]).await;
    assert!(server.client().await.list(Kind::Pod, &Scope::Cluster, "", "").await.unwrap().is_empty());
}

#[tokio::test]
async fn rights_are_asked_for_as_the_server_knows_them() {
    let body = json!({ "status": { "allowed": false, "reason": "no \u{1b}[31mrule" } });
    let server = Server::start(vec![vec![answer("201 Created", &body.to_string())]]).await;
    let access = Access { verb: "patch", kind: Kind::Deployment, subresource: "scale", namespace: Some("shop".into()), name: None };
    let allowed = server.client_that(true).await.may(&access).await.unwrap();
    assert!(!allowed.allowed);
    assert_eq!(allowed.reason, "no rule");
    let asked: Value = serde_json::from_str(&server.seen.lock().unwrap()[0].body).unwrap();
    let attributes = &asked["spec"]["resourceAttributes"];
    assert_eq!(
        attributes,
        &json!({ "verb": "patch", "group": "apps", "resource": "deployments", "subresource": "scale", "namespace": "shop", "name": "" })
    );
}

/// Answers by path, on as many connections as are asked for.
fn whole(status_line: &str, body: &str) -> Vec<Step> {
    vec![answer(status_line, body)]
}

#[tokio::test]
async fn an_identity_that_cannot_be_read_says_why_and_names_the_kubeconfigs_user() {
    let refusal = status(403, "Forbidden", r#"namespaces "kube-system" is forbidden: User "eve" cannot get resource"#);
    let server = Server::start(vec![whole("403 Forbidden", &refusal)]).await;
    let identity = server.client().await.identity().await;
    assert_eq!((&*identity.server_version, &*identity.user, identity.cluster_uid), ("", "tester", None));
    assert!(identity.cluster_uid_reason.unwrap().contains("cannot get resource"));
    let mut asked = server.requests();
    asked.sort();
    assert_eq!(asked, ["GET /api/v1/namespaces/kube-system", "GET /version", "POST /apis/authentication.k8s.io/v1/selfsubjectreviews"]);
}

#[tokio::test]
async fn an_object_that_is_gone_is_not_found() {
    let server = Server::start(vec![whole("404 Not Found", &status(404, "NotFound", "gone"))]).await;
    let object = ObjectRef::new(Kind::Deployment, "shop", "web");
    assert_eq!(server.client().await.get(&object, "scale").await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(server.requests(), ["GET /apis/apps/v1/namespaces/shop/deployments/web/scale"]);
}

#[test]
fn the_clocks_are_compared_to_the_second() {
    let at = |text: &str| text.parse().unwrap();
    let skew = |date: &str, ours: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, date.parse().unwrap());
        clock_skew(&headers, at(ours), at(ours))
    };
    for (ours, expected) in [
        ("2026-11-22T14:32:07.000Z", 0),
        ("2026-11-22T14:32:07.999Z", 0),
        ("2026-11-22T14:32:08.400Z", 0),
        ("2026-11-22T14:31:07.500Z", 60),
        ("2026-11-22T14:33:37.500Z", -90),
    ] {
        assert_eq!(skew("Sun, 22 Nov 2026 14:32:07 GMT", ours), Some(expected), "{ours}");
    }
    assert_eq!(skew("yesterday", "2026-11-22T14:32:07Z"), None);
    assert_eq!(clock_skew(&HeaderMap::new(), at("2026-11-22T14:32:07Z"), at("2026-11-22T14:32:07Z")), None);
}

#[tokio::test]
async fn of_a_log_that_is_too_long_the_end_is_read() {
    let mut script = vec![chunked()];
    script.extend((0..5).map(|_| chunk(&vec![b'x'; 1 << 20])));
    script.extend([chunk(b"\nthe last word\n"), end()]);
    let server = Server::start(vec![script]).await;
    let log = server.client().await.log(&ObjectRef::new(Kind::Pod, "shop", "p"), "c").await.unwrap();
    assert!(log.len() == 1 << 20 && log.ends_with("\nthe last word\n"), "{}", log.len());
    assert_eq!(server.requests(), ["GET /api/v1/namespaces/shop/pods/p/log?container=c&tailLines=1000"]);
}
