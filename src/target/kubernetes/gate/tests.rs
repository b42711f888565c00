use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;

use super::{DeclaredProbe, Gate};
use crate::target::kubernetes::paths::{collection, object};
use crate::target::kubernetes::testing::{Server, answer};
use crate::target::model::{Kind, ObjectRef, Scope};

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];
const SUBRESOURCES: [&str; 15] = [
    "",
    "status",
    "scale",
    "log",
    "eviction",
    "binding",
    "ephemeralcontainers",
    "resize",
    "finalize",
    "approval",
    "exec",
    "attach",
    "portforward",
    "proxy",
    "token",
];
const HANDED_ON: [&str; 5] = ["exec", "attach", "portforward", "proxy", "token"];

fn request(method: &str, path: &str) -> Request<Full<Bytes>> {
    Request::builder().method(method).uri(path).body(Full::default()).unwrap()
}

fn passes(method: &str, path: &str) -> bool {
    Gate::new(true).judge(&request(method, path)).is_ok()
}

/// Every path that the program knows: all kinds, everywhere, one object, all its subresources, and the ones without kinds.
fn paths() -> Vec<(String, &'static str)> {
    let mut paths: Vec<(String, &str)> = ["/version", "/livez", "/api", "/apis", "/openapi/v3", "/apis/metrics.k8s.io/v1beta1/pods"]
        .map(|p| (p.to_owned(), ""))
        .to_vec();
    for kind in Kind::ALL {
        paths.push((collection(kind, &Scope::Cluster), ""));
        let namespace = if kind.namespaced() { "shop" } else { "" };
        paths.push((collection(kind, &Scope::Namespace("shop".into())), ""));
        for subresource in SUBRESOURCES {
            // A name that is also a word of the API must not confuse the gate.
            for name in ["x", "exec", "proxy", "namespaces"] {
                paths.push((object(&ObjectRef::new(kind, namespace, name), subresource), subresource));
            }
        }
    }
    paths
}

#[test]
fn a_read_only_client_refuses_every_change_and_every_connection_on_every_path() {
    let upgrades = [None, Some("websocket"), Some("SPDY/3.1")];
    let mut tried = 0;
    for (path, subresource) in paths() {
        for method in METHODS {
            for upgrade in upgrades {
                for query in ["", "?timeout=1s", "?dryRun=", "?dryRun=None", "?dryRun=All&dryRun=None", "?dryrun=All", "?x=dryRun=All"] {
                    let mut asked = request(method, &format!("{path}{query}"));
                    if let Some(protocol) = upgrade {
                        asked.headers_mut().insert(header::CONNECTION, "Upgrade".parse().unwrap());
                        asked.headers_mut().insert(header::UPGRADE, protocol.parse().unwrap());
                    }
                    let reads = matches!(method, "GET" | "HEAD") && upgrade.is_none() && !HANDED_ON.contains(&subresource);
                    assert_eq!(Gate::new(true).judge(&asked).is_ok(), reads, "{method} {path}{query} {upgrade:?}");
                    assert!(Gate::new(false).judge(&asked).is_ok());
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 100_000, "{tried}");
}

#[test]
fn dry_runs_pass_wherever_they_change_nothing() {
    for (path, subresource) in paths().into_iter().filter(|(p, _)| p.contains("/namespaces/") || p.contains("/nodes")) {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let asked = format!("{path}?fieldManager=timonel&dryRun=All");
            assert_eq!(passes(method, &asked), !HANDED_ON.contains(&subresource), "{method} {asked}");
        }
    }
    // The API server takes the options of a DELETE from its body, if there is one, and then ignores `dryRun` of the query.
    let mut delete = request("DELETE", "/api/v1/namespaces/shop/pods/x?dryRun=All");
    *delete.body_mut() = Full::from("{}");
    assert!(Gate::new(true).judge(&delete).is_err());
    assert!(!passes("POST", "/?dryRun=All"));
    assert!(!passes("POST", "/anything?dryRun=All"));
}

#[test]
fn questions_about_oneself_pass_and_about_others_do_not() {
    for path in [
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    ] {
        assert!(passes("POST", path), "{path}");
        for method in ["PUT", "PATCH", "DELETE"] {
            assert!(!passes(method, path), "{method} {path}");
        }
    }
    for path in [
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        "/apis/authentication.k8s.io/v1/tokenreviews",
        "/apis/evil.example/v1/selfsubjectreviews",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews/x",
        "/api/v1/namespaces/apis/pods/selfsubjectreviews",
    ] {
        assert!(!passes("POST", path), "{path}");
    }
}

#[test]
fn paths_that_a_server_could_read_in_another_way_do_not_pass() {
    for path in [
        "/api/v1/namespaces/shop/pods/x/%65xec",
        "/api/v1/namespaces/shop/pods/x%2Fexec",
        "/api/v1/namespaces/shop/pods//exec",
        "/api/v1/namespaces/shop/pods/x//exec",
        "/api/v1//namespaces/shop/pods/x/exec",
        "/api/v1/namespaces/shop/pods/./x/exec",
        "/api/v1/namespaces/shop/../shop/pods/x/exec",
        "/api/v1/proxy/namespaces/shop/pods/x",
        "/api/v1/nodes/n/proxy/logs/",
        "/api/v1/namespaces/shop/services/web:80/proxy/admin",
        "/api/v1/namespaces/shop/pods/x/exec/",
    ] {
        assert!(!passes("GET", path), "{path}");
    }
    assert!(!passes("PATCH", "/api/v1/namespaces/shop/pods/x?dry%52un=None&dryRun=All"));
}

#[test]
fn a_declared_probe_passes_and_its_neighbours_do_not() {
    let gate = Gate::new(true);
    let probe = |port: &str, path: &str| DeclaredProbe { namespace: "shop".into(), port: port.into(), path: path.into() };
    gate.declare(vec![probe("8080", "/healthz"), probe("https:8443", "/ready/full")]);
    let judged = |method: &str, path: &str| gate.judge(&request(method, path)).is_ok();
    assert!(judged("GET", "/api/v1/namespaces/shop/pods/web-1:8080/proxy/healthz"));
    assert!(judged("GET", "/api/v1/namespaces/shop/pods/web-2:8080/proxy/healthz?verbose=1"));
    assert!(judged("GET", "/api/v1/namespaces/shop/pods/https:web-1:8443/proxy/ready/full"));
    for (method, path) in [
        ("POST", "/api/v1/namespaces/shop/pods/web-1:8080/proxy/healthz"),
        ("HEAD", "/api/v1/namespaces/shop/pods/web-1:8080/proxy/healthz"),
        ("GET", "/api/v1/namespaces/shop/pods/web-1:8080/proxy/healthz/"),
        ("GET", "/api/v1/namespaces/shop/pods/web-1:8080/proxy/admin"),
        ("GET", "/api/v1/namespaces/shop/pods/web-1:8080/proxy/healthz/../admin"),
        ("GET", "/api/v1/namespaces/shop/pods/web-1:9090/proxy/healthz"),
        ("GET", "/api/v1/namespaces/shop/pods/https:web-1:8080/proxy/healthz"),
        ("GET", "/api/v1/namespaces/shop/pods/web-1/proxy/healthz"),
        ("GET", "/api/v1/namespaces/shop2/pods/web-1:8080/proxy/healthz"),
        ("GET", "/api/v1/namespaces/other/pods/web-1:8080/proxy/healthz"),
        ("GET", "/api/v1/namespaces/shop/services/web:8080/proxy/healthz"),
    ] {
        assert!(!judged(method, path), "{method} {path}");
    }
    let mut upgrade = request("GET", "/api/v1/namespaces/shop/pods/web-1:8080/proxy/healthz");
    upgrade.headers_mut().insert(header::UPGRADE, "websocket".parse().unwrap());
    assert!(gate.judge(&upgrade).is_err());
    gate.declare(Vec::new());
    assert!(!judged("GET", "/api/v1/namespaces/shop/pods/web-1:8080/proxy/healthz"));
}

#[tokio::test]
async fn what_is_refused_never_reaches_the_server_not_even_through_kubes_own_client() {
    let server = Server::start(vec![vec![answer("200 OK", "{}")]]).await;
    let client = server.client_that(true).await;
    let request = Request::builder().method(Method::PATCH).uri("/api/v1/namespaces/shop/pods/x").body(Vec::new()).unwrap();
    let error = client.fetch(request, super::super::client::REQUEST).await.unwrap_err();
    assert_eq!(error.kind, crate::target::api::ErrorKind::ReadOnly);
    let upgrade = Request::get("/api/v1/namespaces/shop/pods/x/exec?command=sh").body(Vec::new()).unwrap();
    assert!(client.kube().await.unwrap().connect(upgrade).await.is_err());
    client.json::<serde_json::Value>("/version", super::super::client::REQUEST).await.unwrap();
    assert_eq!(server.requests(), ["GET /version"]);
}
