//! The API server of the simulated cluster: HTTPS on loopback.
//!
//! Owns connections, the order in which a request is looked at (who is it, may they, what is it), and the answer to what fails.

mod answer;
mod ask;
mod body;
mod discovery;
mod exec;
mod identity;
mod list;
mod logs;
pub(crate) mod measures;
mod metrics;
mod proxy;
mod reviews;
mod tls;
mod watch;
mod write;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::api::failure::Failure;
use super::api::kinds::known;
use super::cluster::Cluster;
use super::rbac;
use ask::{Ask, Target};

pub(crate) use identity::{Identities, User};
pub(crate) use tls::Certificate;

/// At most so many connections at a time; more wait.
const CONNECTIONS: usize = 512;

/// What every connection shares.
pub(crate) struct Server {
    /// The cluster.
    pub(crate) cluster: Arc<Cluster>,
    /// Who may come in.
    pub(crate) identities: Identities,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

/// Accepts connections until the cluster stops.
pub(crate) async fn serve(listener: TcpListener, certificate: Certificate, server: Arc<Server>) {
    let acceptor = certificate.acceptor();
    let stop = server.cluster.stop.clone();
    accept(listener, &stop, |stream| connection(stream, acceptor.clone(), server.clone())).await;
}

/// Gives each connection to `each`, until `stop`.
async fn accept<F: Future<Output = ()> + Send + 'static>(listener: TcpListener, stop: &CancellationToken, each: impl Fn(TcpStream) -> F) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        let (one, stop) = (each(stream), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = one => {}
            }
            drop(permit);
        });
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, server: Arc<Server>) {
    // A failure here is the client's business: it hears of it, and there is nobody else to tell.
    stream.set_nodelay(true).ok();
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(move |request: Request<Incoming>| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(handle(&server, request.map(Body::new)).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(250);
    builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await.ok();
}

async fn handle(server: &Arc<Server>, request: Request<Body>) -> Response<Body> {
    let answered = match respond(server, request).await {
        Ok(response) => response,
        Err(failure) => answer::failure(&failure),
    };
    let (mut parts, body) = answered.into_parts();
    let date = server.cluster.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = date.parse() {
        parts.headers.insert(http::header::DATE, date);
    }
    if let Ok(id) = "00000000-0000-4000-8000-000000000000".parse() {
        parts.headers.insert("audit-id", id);
    }
    Response::from_parts(parts, body)
}

async fn respond(server: &Arc<Server>, request: Request<Body>) -> Result<Response<Body>, Failure> {
    let user = server.identities.of(request.headers()).ok_or_else(Failure::unauthorized)?;
    let ask = Ask::read(&request, user)?;
    server.cluster.with(|world| rbac::authorize(world, &ask.user, &ask.attributes()))?;
    let deprecated = matches!(&ask.target, Target::Resource(place) if place.res == known().endpoints);
    let mut answered = dispatch(server, &ask, request).await.unwrap_or_else(|failure| answer::failure(&failure));
    if deprecated {
        answer::warn(&mut answered, &["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice".to_owned()]);
    }
    Ok(answered)
}

async fn dispatch(server: &Arc<Server>, ask: &Ask, request: Request<Body>) -> Result<Response<Body>, Failure> {
    match &ask.target {
        Target::Path(path) => discovery::path(server, path, ask),
        Target::Nowhere => Ok(answer::text(404, "404 page not found\n")),
        Target::Resource(place) => match (ask.verb, place.sub.as_str()) {
            ("get", "log") => logs::log(server, ask, place),
            (_, "exec" | "attach") => exec::exec(server, ask, place, request).await,
            (_, "portforward") => Err(Failure::not_simulated("Port forwarding")),
            (_, "proxy") => proxy::proxy(server, ask, place),
            ("watch", "") => watch::watch(server, ask, place),
            ("get" | "list", _) => list::read(server, ask, place),
            _ => write::write(server, ask, place, request).await,
        },
    }
}
