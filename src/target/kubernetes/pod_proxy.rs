//! Probes of pods: one GET through the API server's pod proxy.
//!
//! Owns telling the API server's own answers from the pod's: that this identity may not ask, or that the pod is gone, says nothing
//! about the pod. A 401 of the pod must never be taken for one of the cluster, which would have the credentials made anew.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde::Deserialize;
use tokio::time::Instant;

use super::client::Client;
use super::error::{Asked, of_transport, shown};
use super::gate::DeclaredProbe;
use crate::service::{ProbeKind, Service};
use crate::target::api::{ErrorKind, TargetError};
use crate::target::probe::{Answer, Ask, Heard, HttpAnswer, NotHeard, Reach, Way};

/// Asks pods.
#[derive(Debug, Clone)]
pub struct PodProxy {
    client: Client,
}

impl PodProxy {
    /// Asks the pods of this cluster.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn get(&self, path: &str) -> Result<HttpAnswer, NotHeard> {
        let request = Request::get(path)
            .header(header::ACCEPT, "*/*")
            .header(header::ACCEPT_ENCODING, "identity")
            .body(Body::empty());
        let request = request.map_err(|why| not_heard(ErrorKind::Invalid, &format!("'{path}' is no path: {why}"), true))?;
        let kube = self.client.kube().await.map_err(|why| of_cluster(&why))?;
        let asked = Asked { server: self.client.server(), mutating: false };
        let answer = kube.send(request).await.map_err(|why| of_cluster(&of_transport(&why, asked)))?;
        let (parts, body) = answer.into_parts();
        let (body, cut) = read(body).await.map_err(|why| of_cluster(&of_transport(&why, asked)))?;
        let answer = Response::from_parts(parts, body);
        if let Some(refusal) = by_the_api_server(&answer) {
            return Err(refusal);
        }
        let headers = answer.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        Ok(HttpAnswer::read(answer.status().as_u16(), headers, answer.body(), cut))
    }
}

impl Reach for PodProxy {
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer> {
        async move {
            let began = Instant::now();
            let heard = match &ask.way {
                Way::PodProxy { namespace, pod, port, path } => {
                    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}");
                    let answer = tokio::time::timeout(ask.timeout, self.get(&path)).await;
                    answer.unwrap_or_else(|_| Err(too_late(ask.timeout))).map(Heard::Http)
                }
                _ => Err(not_heard(ErrorKind::Invalid, "only pods are asked through the API server", true)),
            };
            Answer { took: began.elapsed(), heard }
        }
        .boxed()
    }
}

/// What a service file declares as GETs by pod proxy, for the gate of a read-only client. `namespace` is where workloads are that name
/// none.
pub fn declared(service: &Service, namespace: &str) -> Vec<DeclaredProbe> {
    let one = |spec: &crate::service::ProbeSpec| match &spec.kind {
        ProbeKind::HttpEachPod { workload, port, path } => {
            let workload = service.workloads.iter().find(|known| known.id == *workload)?;
            let namespace = workload.namespace.clone().unwrap_or_else(|| namespace.to_owned());
            let path = path.split('?').next().unwrap_or_default().to_owned();
            Some(DeclaredProbe { namespace, port: port.to_string(), path })
        }
        _ => None,
    };
    service.probes.iter().filter_map(one).collect()
}

fn not_heard(kind: ErrorKind, message: &str, here: bool) -> NotHeard {
    NotHeard { kind, message: shown(message), here }
}

fn too_late(timeout: Duration) -> NotHeard {
    not_heard(ErrorKind::Timeout, &format!("no answer within {}", crate::base::duration::show(timeout)), false)
}

/// What went wrong on the way to the API server says nothing about the pod.
fn of_cluster(error: &TargetError) -> NotHeard {
    NotHeard { kind: error.kind, message: error.message.clone(), here: true }
}

/// The beginning of the body, and whether there was more.
async fn read(mut body: Body) -> Result<(Vec<u8>, bool), kube::Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = HttpAnswer::BODY - bytes.len();
        bytes.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return Ok((bytes, true));
        }
    }
    Ok((bytes, false))
}

/// The API server's own way to say no.
#[derive(Deserialize)]
struct Status {
    kind: String,
    #[serde(rename = "apiVersion")]
    api_version: String,
    #[serde(default)]
    message: String,
    code: u16,
}

/// The refusal of the API server, if it was not the pod that answered: an error whose body is a `Status` with the same code.
fn by_the_api_server(answer: &Response<Vec<u8>>) -> Option<NotHeard> {
    let status = answer.status();
    if status.is_success() || status.is_redirection() {
        return None;
    }
    let said: Status = serde_json::from_slice(answer.body()).ok()?;
    if said.kind != "Status" || said.api_version != "v1" || said.code != status.as_u16() {
        return None;
    }
    let (kind, here) = match status {
        StatusCode::UNAUTHORIZED => (ErrorKind::Unauthorised, true),
        StatusCode::FORBIDDEN => (ErrorKind::Forbidden, true),
        StatusCode::NOT_FOUND => (ErrorKind::NotFound, true),
        StatusCode::TOO_MANY_REQUESTS => (ErrorKind::TooManyRequests, true),
        // "error trying to reach service: dial tcp …": the pod is there and does not answer.
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => (ErrorKind::Unreachable, false),
        _ => (ErrorKind::Server, true),
    };
    Some(not_heard(kind, &said.message, here))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::{Server, Step};
    use super::{PodProxy, declared};
    use crate::service::{Origin, ServiceFile};
    use crate::target::api::ErrorKind;
    use crate::target::probe::{Ask, Heard, NotHeard, Reach, Way};

    fn ask() -> Ask {
        let way = Way::PodProxy { namespace: "shop".into(), pod: "api-1".into(), port: 8080, path: "/ready?full=1".into() };
        Ask { way, timeout: Duration::from_secs(20) }
    }

    fn answer(status: &str, kind: &str, body: &str) -> Vec<Step> {
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
        vec![Step::Send(format!("{head}{body}").into_bytes())]
    }

    fn status(code: u16, message: &str) -> String {
        format!(r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{message}","code":{code}}}"#)
    }

    async fn heard(script: Vec<Step>) -> (Result<Heard, NotHeard>, Vec<String>) {
        let server = Server::start(vec![script]).await;
        let proxy = PodProxy::new(server.client().await);
        (proxy.ask(&ask()).await.heard, server.requests())
    }

    #[tokio::test]
    async fn the_pod_answers_through_the_api_server() {
        let (heard, requests) = heard(answer("200 OK", "text/plain", "fine\u{1b}[2J")).await;
        let Ok(Heard::Http(page)) = heard else { panic!("{heard:?}") };
        assert_eq!((page.status, page.body.as_str()), (200, "fine"));
        assert_eq!(requests, ["GET /api/v1/namespaces/shop/pods/api-1:8080/proxy/ready?full=1"]);
    }

    #[tokio::test]
    async fn a_refusal_of_the_pod_is_an_answer_and_one_of_the_api_server_is_none() {
        for code in ["401 Unauthorized", "403 Forbidden", "404 Not Found", "503 Service Unavailable"] {
            let (heard, _) = heard(answer(code, "application/json", r#"{"kind":"Status","detail":"mine"}"#)).await;
            assert!(matches!(&heard, Ok(Heard::Http(page)) if code.starts_with(&page.status.to_string())), "{code}: {heard:?}");
        }
        for (line, code, kind, here) in [
            ("401 Unauthorized", 401, ErrorKind::Unauthorised, true),
            ("403 Forbidden", 403, ErrorKind::Forbidden, true),
            ("404 Not Found", 404, ErrorKind::NotFound, true),
            ("503 Service Unavailable", 503, ErrorKind::Unreachable, false),
        ] {
            let (heard, _) = heard(answer(line, "application/json", &status(code, "no\\u001b[2J"))).await;
            let why = heard.expect_err(line);
            assert_eq!((why.kind, why.here, why.message.as_str()), (kind, here, "no"), "{line}");
        }
    }

    #[tokio::test]
    async fn a_read_only_client_asks_what_is_declared_and_nothing_else() {
        let file = "schema = 1\n[service]\nid = \"s\"\n[[workload]]\nid = \"api\"\nkind = \"deployment\"\nname = \"api\"\n\
                    [[probe]]\nid = \"p\"\nkind = \"http-each-pod\"\nworkload = \"api\"\nport = 8080\npath = \"/ready?full=1\"\n";
        let (file, problems) = ServiceFile::read("f", file, &Origin::Operator);
        assert_eq!(problems, []);
        let service = file.expect("a service").resolve(None).0;
        let server = Server::start(vec![answer("200 OK", "text/plain", "fine")]).await;
        let client = server.client_that(true).await;
        let proxy = PodProxy::new(client.clone());
        let why = proxy.ask(&ask()).await.heard.expect_err("not declared");
        assert_eq!((why.kind, why.here), (ErrorKind::ReadOnly, true));
        assert_eq!(server.requests(), Vec::<String>::new(), "nothing was sent");
        client.declare_probes(declared(&service, "shop"));
        assert!(proxy.ask(&ask()).await.heard.is_ok());
    }
}
