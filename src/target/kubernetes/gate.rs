//! What a read-only client refuses to send (contract.md 10).
//!
//! Owns the judgement over one request and the layer that applies it: the outermost layer of the HTTP client, so that
//! nothing in the program can go around it. Refuses what it does not understand. Must not know who asks or why.

use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use futures_util::future::{Either, Ready, ready};
use http::{Method, Request, header};
use hyper::body::Body;
use tower::{BoxError, Layer, Service};

/// Subresources that hand the connection to a process or to another server, whatever the method (`kubectl exec` works by
/// GET since WebSockets). `token` issues a credential and takes no notice of a dry run.
const HANDED_ON: [&str; 5] = ["exec", "attach", "portforward", "proxy", "token"];

/// A read that a service file declares as a probe: GET by pod proxy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeclaredProbe {
    /// Namespace of the pods.
    pub namespace: String,
    /// Port as the proxy path has it: `8080`, `http`, or `https:8443` for TLS to the pod.
    pub port: String,
    /// Path on the pod, from its slash, without a query.
    pub path: String,
}

/// Whether a client may change anything, and the probes that are declared.
#[derive(Debug, Clone)]
pub struct Gate {
    read_only: bool,
    probes: Arc<RwLock<Vec<DeclaredProbe>>>,
}

/// A request that the gate did not let through; nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read-only: '{method} {path}' was not sent")]
pub struct Refusal {
    /// HTTP method.
    pub method: Method,
    /// Path without the query.
    pub path: String,
}

impl Gate {
    /// A gate that lets everything through, or only what reads.
    pub fn new(read_only: bool) -> Self {
        Self { read_only, probes: Arc::default() }
    }

    /// Whether it refuses changes.
    pub fn read_only(&self) -> bool {
        self.read_only
    }

    /// Replaces the declared probes.
    pub fn declare(&self, probes: Vec<DeclaredProbe>) {
        *self.probes.write().unwrap_or_else(PoisonError::into_inner) = probes;
    }

    /// Judges one request.
    pub fn judge<B: Body>(&self, request: &Request<B>) -> Result<(), Refusal> {
        if !self.read_only || self.reads(request) {
            return Ok(());
        }
        Err(Refusal { method: request.method().clone(), path: request.uri().path().to_owned() })
    }

    fn reads<B: Body>(&self, request: &Request<B>) -> bool {
        let path = request.uri().path();
        if request.headers().contains_key(header::UPGRADE) || !is_plain(path) {
            return false;
        }
        let target = Target::parse(path);
        match *request.method() {
            Method::GET | Method::HEAD => !target.is_handed_on() || (request.method() == Method::GET && self.is_declared(path)),
            Method::POST if is_self_review(path) => true,
            // A DELETE with a body takes its options from there and ignores its query, `dryRun` included.
            Method::DELETE if !request.body().is_end_stream() => false,
            Method::POST | Method::PUT | Method::PATCH | Method::DELETE => {
                !target.is_handed_on() && target.resource.is_some() && is_dry_run(request.uri().query())
            }
            _ => false,
        }
    }

    fn is_declared(&self, path: &str) -> bool {
        let probes = self.probes.read().unwrap_or_else(PoisonError::into_inner);
        probes.iter().any(|p| p.covers(path))
    }
}

impl DeclaredProbe {
    /// Whether `path` is this probe by the proxy of any pod of the namespace.
    fn covers(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix("/api/v1/namespaces/") else { return false };
        let Some(rest) = rest.strip_prefix(&*self.namespace) else { return false };
        let Some(rest) = rest.strip_prefix("/pods/") else { return false };
        let Some((pod, tail)) = rest.split_once("/proxy") else { return false };
        // `https:NAME:8443` or `NAME:8080`
        let (scheme, name_port) = pod.strip_prefix("https:").map_or(("", pod), |p| ("https:", p));
        let Some((name, port)) = name_port.split_once(':') else { return false };
        !name.is_empty() && !pod.contains('/') && format!("{scheme}{port}") == self.port && tail == self.path
    }
}

/// Whether a path has nothing in it that a server could read in another way than this gate: escapes, empty or dotted segments.
fn is_plain(path: &str) -> bool {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    !path.contains('%') && !path.contains('\\') && (inner.is_empty() || inner.split('/').all(|s| !matches!(s, "" | "." | "..")))
}

fn is_self_review(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    let (root, group, version, resource) = (segments.next(), segments.next(), segments.next(), segments.next());
    let known = matches!(
        (group, resource),
        (Some("authorization.k8s.io"), Some("selfsubjectaccessreviews" | "selfsubjectrulesreviews"))
            | (Some("authentication.k8s.io"), Some("selfsubjectreviews"))
    );
    root == Some("apis") && known && version.is_some_and(|v| v.starts_with('v')) && segments.next().is_none()
}

/// `dryRun=All`, and nothing else called so: a server that took another of two values would really write.
fn is_dry_run(query: Option<&str>) -> bool {
    let mut found = false;
    for pair in query.unwrap_or_default().split(['&', ';']) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if key.eq_ignore_ascii_case("dryRun") {
            if key != "dryRun" || value != "All" {
                return false;
            }
            found = true;
        } else if key.contains('%') {
            return false;
        }
    }
    found
}

/// What a path addresses: `/api/v1/namespaces/NS/RESOURCE/NAME/SUBRESOURCE/...`.
struct Target<'a> {
    resource: Option<&'a str>,
    subresource: Option<&'a str>,
    /// `/api/v1/proxy/...`, `/api/v1/watch/...`: verbs in the path, of old servers.
    verb: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn parse(path: &'a str) -> Self {
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (["api", _, rest @ ..] | ["apis", _, _, rest @ ..]) = &segments[..] else {
            return Self { resource: None, subresource: None, verb: None };
        };
        let (verb, rest) = match rest {
            [verb @ ("proxy" | "watch" | "redirect"), rest @ ..] => (Some(*verb), rest),
            _ => (None, rest),
        };
        // `namespaces/NS/finalize` and `namespaces/NS/status` are subresources of the namespace itself.
        let rest = match rest {
            ["namespaces", _, tail @ ..] if !tail.is_empty() && !matches!(tail, ["finalize" | "status"]) => tail,
            _ => rest,
        };
        Self { resource: rest.first().copied(), subresource: rest.get(2).copied(), verb }
    }

    fn is_handed_on(&self) -> bool {
        let handed_on = |segment: Option<&str>| segment.is_some_and(|s| HANDED_ON.contains(&s));
        matches!(self.verb, Some("proxy" | "redirect")) || handed_on(self.resource) || handed_on(self.subresource)
    }
}

/// Puts a [`Gate`] around an HTTP client.
#[derive(Debug, Clone)]
pub(super) struct GateLayer(pub(super) Gate);

impl<S> Layer<S> for GateLayer {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Gated { gate: self.0.clone(), inner }
    }
}

/// An HTTP client behind a [`Gate`].
#[derive(Debug, Clone)]
pub(super) struct Gated<S> {
    gate: Gate,
    inner: S,
}

impl<S, B> Service<Request<B>> for Gated<S>
where
    S: Service<Request<B>, Error = BoxError>,
    B: Body,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Either<S::Future, Ready<Result<S::Response, BoxError>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.gate.judge(&request) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(refusal) => Either::Right(ready(Err(refusal.into()))),
        }
    }
}

#[cfg(test)]
mod tests;
