//! How bytes get to the server: TCP, proxies, TLS, the deadline of a connection, keep-alive.
//!
//! Owns the HTTP stack under [`super::Client`], which is kube's own with four differences: the gate outermost, no retries, a
//! deadline over the whole connection (TLS included), and TCP keep-alive, so that a server that is gone is found within
//! seconds on every stream. HTTP/1.1: one connection a stream, so that a slow reader never holds up another.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Uri};
use hyper_util::client::legacy::{
    self,
    connect::{
        Connection, HttpConnector,
        proxy::{SocksV5, Tunnel},
    },
};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ConfigExt};
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use tower_http::decompression::DecompressionLayer;

use crate::target::kubernetes::gate::{Gate, GateLayer};

/// How long a connection may take, name lookup and TLS handshake included.
const CONNECT: Duration = Duration::from_secs(8);

/// Keep-alive: the first question after 4 s of silence, then every 2 s; a connection on which nothing is confirmed for 8 s is
/// dead. With one quiet try after that, people see within 10 s that what they look at is old.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
const KEEP_ALIVE_AGAIN: Duration = Duration::from_secs(2);
const KEEP_ALIVE_TRIES: u32 = 2;
const UNCONFIRMED: Duration = Duration::from_secs(8);

/// The most a connection buffers of what was not read yet. hyper's own 400 KiB, times one connection a stream, are most of
/// the memory of a small cluster.
const BUFFER: usize = 64 << 10;

/// A connection was not ready in time.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("not ready within {} s", .0.as_secs())]
pub(crate) struct ConnectTimeout(Duration);

/// Builds kube's client over our stack. Must run inside a tokio runtime (the client has a worker task).
pub(super) fn build(config: &kube::Config, proxy: Option<&Intercept>, gate: Gate) -> Result<kube::Client, kube::Error> {
    let tcp = tcp();
    let Some(proxy) = proxy else { return over(config, gate, tcp) };
    match proxy.uri().scheme_str() {
        Some("socks5" | "socks5h") => {
            let socks = SocksV5::new(proxy.uri().clone(), tcp);
            let socks = match proxy.raw_auth() {
                Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
                None => socks,
            };
            over(config, gate, socks)
        }
        Some("https") => {
            let tls = config.rustls_https_connector_with_connector(tcp)?;
            over(config, gate, authorised(proxy, Tunnel::new(proxy.uri().clone(), tls)))
        }
        _ => over(config, gate, authorised(proxy, Tunnel::new(proxy.uri().clone(), tcp))),
    }
}

fn authorised<C>(proxy: &Intercept, tunnel: Tunnel<C>) -> Tunnel<C> {
    match proxy.basic_auth() {
        Some(header) => tunnel.with_auth(header.clone()),
        None => tunnel,
    }
}

/// The proxy for a server. The kubeconfig's `proxy-url` always counts; those of the environment as Go reads them: never for
/// loopback, and not for what `NO_PROXY` names. (kube asks `NO_PROXY` about the proxy's own address.)
pub(super) fn proxy(server: &Uri, from_kubeconfig: Option<&str>, environment: &ProxyEnvironment) -> Option<Intercept> {
    match from_kubeconfig.filter(|url| !url.is_empty()) {
        Some(url) => Matcher::builder().all(url.to_owned()).build().intercept(server),
        None if is_loopback(server) => None,
        None => {
            let from = environment.clone();
            Matcher::builder().http(from.http).https(from.https).no(from.no).build().intercept(server)
        }
    }
}

/// The environment's words about proxies.
#[derive(Debug, Clone, Default)]
pub(super) struct ProxyEnvironment {
    pub(super) http: String,
    pub(super) https: String,
    pub(super) no: String,
}

impl ProxyEnvironment {
    /// As the process was started.
    pub(super) fn of_process() -> Self {
        let get = |upper: &str, lower: &str| std::env::var(upper).or_else(|_| std::env::var(lower)).unwrap_or_default();
        Self {
            http: get("HTTP_PROXY", "http_proxy"),
            https: get("HTTPS_PROXY", "https_proxy"),
            no: get("NO_PROXY", "no_proxy"),
        }
    }
}

/// Whether a server is on this machine.
pub(crate) fn is_loopback(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_keepalive(Some(KEEP_ALIVE));
    tcp.set_keepalive_interval(Some(KEEP_ALIVE_AGAIN));
    tcp.set_keepalive_retries(Some(KEEP_ALIVE_TRIES));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(UNCONFIRMED));
    tcp
}

fn over<C>(config: &kube::Config, gate: Gate, connector: C) -> Result<kube::Client, kube::Error>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let connector = Bounded { inner: config.rustls_https_connector_with_connector(connector)? };
    let http = legacy::Builder::new(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .http1_max_buf_size(BUFFER)
        .build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(GateLayer(gate))
        .map_err(BoxError::from)
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().gzip(true))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(kube::Client::new(service.map_request(|r: Request<Body>| r), config.default_namespace.clone()))
}

/// A connector with a deadline over everything it does.
#[derive(Debug, Clone)]
struct Bounded<C> {
    inner: C,
}

impl<C> Service<Uri> for Bounded<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        Box::pin(async move {
            match tokio::time::timeout(CONNECT, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(ConnectTimeout(CONNECT).into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{ProxyEnvironment, is_loopback, proxy};

    #[test]
    fn a_proxy_is_chosen_as_kubectl_chooses_it() {
        let environment = ProxyEnvironment {
            http: "http://plain.example:3128".into(),
            https: "http://secure.example:3128".into(),
            no: "internal.example,10.0.0.0/8".into(),
        };
        let chosen = |server: &str, own: Option<&str>| {
            proxy(&server.parse().unwrap(), own, &environment).map(|p| p.uri().host().unwrap_or_default().to_owned())
        };
        for (server, own, expected) in [
            ("https://api.example:6443", None, Some("secure.example")),
            ("http://api.example", None, Some("plain.example")),
            ("https://api.internal.example", None, None),
            ("https://10.1.2.3:6443", None, None),
            ("https://127.0.0.1:6443", None, None),
            ("https://localhost:6443", None, None),
            ("https://[::1]:6443", None, None),
            ("https://api.internal.example", Some("http://own.example:8080"), Some("own.example")),
            ("https://127.0.0.1:6443", Some("socks5://own.example:1080"), Some("own.example")),
            ("https://api.example:6443", Some(""), Some("secure.example")),
        ] {
            assert_eq!(chosen(server, own).as_deref(), expected, "{server} {own:?}");
        }
        assert!(proxy(&"https://api.example".parse().unwrap(), None, &ProxyEnvironment::default()).is_none());
    }

    #[test]
    fn the_password_of_a_proxy_goes_into_its_header_and_not_into_messages() {
        let server = "https://api.example".parse().unwrap();
        let proxy = proxy(&server, Some("http://eve:p%40ss@own.example:8080"), &ProxyEnvironment::default()).unwrap();
        assert_eq!(proxy.basic_auth().unwrap(), "Basic ZXZlOnBAc3M=");
        assert!(!format!("{proxy:?} {}", proxy.uri()).contains("ss@"), "{}", proxy.uri());
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for (server, here) in [
            ("http://127.0.0.1:8080", true),
            ("https://127.8.9.1", true),
            ("https://[::1]:6443", true),
            ("https://localhost", true),
            ("https://localhost.example", false),
            ("https://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&server.parse().unwrap()), here, "{server}");
        }
    }
}
