//! One way to one API server: credentials, connection, and requests with deadlines.
//!
//! Owns kube's client, its renewal when the credentials of a plugin run out, and the primitive that everything in this
//! driver sends requests with. Never retries and never follows a redirect; whoever asked decides. Must not know what the
//! answers mean beyond "no".

mod certificate;
mod connect;
mod streaming;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use hyper_util::client::proxy::matcher::Intercept;
use jiff::{SignedDuration, Timestamp};
use kube::config::{AuthInfo, KubeConfigOptions};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::credential::Plugin;
pub use super::credential::Terminal;
use super::error::{Asked, OpenError, of_answer, of_build, of_status_event, of_transport, problem_of, shown};
use super::gate::{DeclaredProbe, Gate};
use super::kubeconfig::{self, Chosen, Named, Surroundings};
use crate::base::clock::{Clock, SystemClock};
use crate::base::problem::{Level, Problem};
use crate::target::api::{ErrorKind, TargetError};
use crate::target::event::Opened;
use crate::target::request::{Namespaces, TargetSpec};
use connect::ProxyEnvironment;
pub(crate) use connect::{ConnectTimeout, is_loopback};
pub use streaming::Streaming;

/// Deadline of one ordinary request, its whole answer included.
pub const REQUEST: Duration = Duration::from_secs(30);

/// The most bytes of an answer that is held in memory as a whole; lists of everything are streamed instead.
const ANSWER: usize = 256 << 20;

/// The most bytes of a refusal that are read, and for how long.
const REFUSAL: usize = 64 << 10;
const REFUSAL_PATIENCE: Duration = Duration::from_secs(5);

/// Credentials are renewed this long before they run out.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(60);

/// A way to an API server. Clones share everything.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    recipe: Recipe,
    session: Mutex<Session>,
    /// Held while a plugin runs, so that it runs once for all who wait.
    renewing: tokio::sync::Mutex<()>,
    opened: Opened,
    problems: Vec<Problem>,
    /// The server in words of error messages: with the proxy on the way.
    place: String,
    /// Ask for gzip: not over loopback, where it only costs.
    compress: bool,
}

/// What a session is made from.
struct Recipe {
    config: kube::Config,
    proxy: Option<Intercept>,
    gate: Gate,
    plugin: Option<Plugin>,
}

/// kube's client with one set of credentials.
#[derive(Clone)]
struct Session {
    kube: kube::Client,
    /// With the credentials, to connect anew with.
    config: kube::Config,
    expires: Option<Timestamp>,
}

impl Recipe {
    async fn session(&self, terminal: Terminal) -> Result<Session, OpenError> {
        let mut config = self.config.clone();
        let mut expires = None;
        if let Some(plugin) = &self.plugin {
            let credential = plugin.run(&config.auth_info, terminal).await?;
            config.auth_info = credential.auth;
            expires = credential.expires;
        }
        let kube = self.connect(config.clone()).await?;
        Ok(Session { kube, config, expires })
    }

    async fn connect(&self, config: kube::Config) -> Result<kube::Client, OpenError> {
        let (proxy, gate) = (self.proxy.clone(), self.gate.clone());
        blocking(move || connect::build(&config, proxy.as_ref(), gate).map_err(|e| of_build(&e))).await
    }
}

impl Client {
    /// Reads the kubeconfig, gets credentials and makes a client. Sends nothing to the server yet, so that a console can
    /// be started while its cluster is down.
    pub async fn open(spec: &TargetSpec, terminal: Terminal) -> Result<Self, OpenError> {
        let wanted = spec.clone();
        let (config, chosen) = blocking(move || configure(&wanted, &Surroundings::of_process())).await?;
        let explicit = chosen.as_ref().and_then(|c| c.cluster.proxy_url.clone());
        let proxy = connect::proxy(&config.cluster_url, explicit.as_deref(), &ProxyEnvironment::of_process());
        let user = chosen.as_ref().map_or("", |c| &c.user_name);
        let plugin = Plugin::of(&config.auth_info, user);
        let namespaces = match &spec.namespaces {
            Namespaces::All => None,
            Namespaces::Some(names) => Some(names.clone()),
            Namespaces::FromContext => Some(vec![config.default_namespace.clone()]),
        };
        let opened = Opened {
            context: chosen.as_ref().map(|c| c.context.clone()).unwrap_or_default(),
            cluster: chosen.as_ref().map(|c| c.cluster_name.clone()).unwrap_or_default(),
            user: user.to_owned(),
            server: config.cluster_url.to_string().trim_end_matches('/').to_owned(),
            namespaces,
            contexts: chosen.as_ref().map(Chosen::contexts).unwrap_or_default(),
        };
        let problems = chosen.map(|c| c.problems).unwrap_or_default();
        let recipe = Recipe { config, proxy, gate: Gate::new(spec.read_only), plugin };
        Self::start(recipe, opened, problems, terminal).await
    }

    /// A client for a server of this program's own (demo, rehearsal, tests): plain HTTP, no kubeconfig.
    pub async fn at(server: http::Uri, token: Option<SecretString>, opened: Opened, read_only: bool) -> Result<Self, OpenError> {
        let mut config = kube::Config::new(server);
        config.auth_info = AuthInfo { token, ..AuthInfo::default() };
        let recipe = Recipe { config, proxy: None, gate: Gate::new(read_only), plugin: None };
        Self::start(recipe, opened, Vec::new(), Terminal::Kept).await
    }

    async fn start(recipe: Recipe, opened: Opened, problems: Vec<Problem>, terminal: Terminal) -> Result<Self, OpenError> {
        let session = Mutex::new(recipe.session(terminal).await?);
        let near = recipe.proxy.is_none() && is_loopback(&recipe.config.cluster_url);
        let compress = !near && !recipe.config.disable_compression;
        let place = match &recipe.proxy {
            Some(proxy) => format!("{} (through the proxy {})", opened.server, proxy.uri().to_string().trim_end_matches('/')),
            None => opened.server.clone(),
        };
        let renewing = tokio::sync::Mutex::new(());
        Ok(Self { shared: Arc::new(Shared { recipe, session, renewing, opened, problems, place, compress }) })
    }

    /// Which cluster, as whom, where.
    pub fn opened(&self) -> &Opened {
        &self.shared.opened
    }

    /// What is odd about the connection: unchecked certificates, no encryption, a user that is not there.
    pub fn problems(&self) -> &[Problem] {
        &self.shared.problems
    }

    /// Whether this client cannot change anything.
    pub fn read_only(&self) -> bool {
        self.shared.recipe.gate.read_only()
    }

    /// Whether answers come compressed: not from this machine, where compressing only costs.
    pub(super) fn compresses(&self) -> bool {
        self.shared.compress
    }

    /// Replaces the probes by pod proxy that a read-only client lets through.
    pub fn declare_probes(&self, probes: Vec<DeclaredProbe>) {
        self.shared.recipe.gate.declare(probes);
    }

    /// Makes new credentials, now: after they ran out and a plugin wanted the terminal, which the caller has handed over.
    pub async fn sign_in(&self, terminal: Terminal) -> Result<(), OpenError> {
        let _one = self.shared.renewing.lock().await;
        let session = self.shared.recipe.session(terminal).await?;
        *self.shared.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
        Ok(())
    }

    /// Uses no connection again that is open now: they are in doubt. What is being read on them goes on.
    pub async fn reconnect(&self) {
        let config = self.shared.session.lock().unwrap_or_else(PoisonError::into_inner).config.clone();
        // It was built from the same before; should it fail now, the old one is no worse.
        if let Ok(kube) = self.shared.recipe.connect(config).await {
            self.shared.session.lock().unwrap_or_else(PoisonError::into_inner).kube = kube;
        }
    }

    /// kube's own client with fresh credentials, for what needs an upgraded connection. The gate is inside.
    pub async fn kube(&self) -> Result<kube::Client, TargetError> {
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let _one = self.shared.renewing.lock().await;
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let session = self.shared.recipe.session(Terminal::Kept).await;
        let session = session.map_err(|e| TargetError::new(ErrorKind::Unauthorised, e.problem.message))?;
        let kube = session.kube.clone();
        *self.shared.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
        Ok(kube)
    }

    fn fresh(&self) -> Option<kube::Client> {
        let session = self.shared.session.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = session.expires.is_none_or(|e| SystemClock.now() + RENEW_BEFORE < e);
        holds.then(|| session.kube.clone())
    }

    /// The server did not like the credentials: have the plugin make new ones before the next request.
    fn distrust(&self) {
        if self.shared.recipe.plugin.is_some() {
            self.shared.session.lock().unwrap_or_else(PoisonError::into_inner).expires = Some(Timestamp::UNIX_EPOCH);
        }
    }

    /// Sends one request, once, and waits at most `deadline` for the answer to begin. The URI is a path with its query.
    ///
    /// Answers outside 2xx are errors. A request that would change something and got no answer says so in its error's
    /// `delivery`. The body is read piece by piece, with a deadline per piece.
    pub async fn send(&self, mut request: Request<Vec<u8>>, deadline: Duration) -> Result<Response<Streaming>, TargetError> {
        let dry = request.uri().query().is_some_and(|q| q.split('&').any(|p| p == "dryRun=All"));
        let mutating = !dry && !matches!(*request.method(), Method::GET | Method::HEAD);
        let asked = Asked { server: &self.shared.place, mutating };
        if !self.shared.compress {
            request.headers_mut().entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        }
        let kube = self.kube().await?;
        let sent = tokio::time::timeout(deadline, kube.send(request.map(kube::client::Body::from))).await;
        let answer = match sent {
            Err(_) => return Err(asked.timeout(deadline.as_secs())),
            Ok(Err(error)) => return Err(of_transport(&error, asked)),
            Ok(Ok(answer)) => answer,
        };
        let (parts, body) = answer.into_parts();
        let mut body = Streaming::new(body, self.shared.place.as_str().into(), mutating);
        if parts.status.is_success() {
            return Ok(Response::from_parts(parts, body));
        }
        let refusal = body.start(REFUSAL, REFUSAL_PATIENCE).await;
        let error = of_answer(parts.status, &parts.headers, &refusal, asked);
        if error.kind == ErrorKind::Unauthorised {
            self.distrust();
        }
        Err(error)
    }

    /// Sends one request and reads its whole answer within `deadline`.
    pub async fn fetch(&self, request: Request<Vec<u8>>, deadline: Duration) -> Result<(HeaderMap, Bytes), TargetError> {
        let until = tokio::time::Instant::now() + deadline;
        let (parts, body) = self.send(request, deadline).await?.into_parts();
        Ok((parts.headers, body.collect(ANSWER, until).await?))
    }

    /// Reads JSON from a path within `deadline`.
    pub async fn json<T: DeserializeOwned>(&self, path: &str, deadline: Duration) -> Result<T, TargetError> {
        let (_, body) = self.fetch(get(path)?, deadline).await?;
        serde_json::from_slice(&body).map_err(|why| self.garbled(&why))
    }

    /// What the Status of an ERROR event in a watch means (JSON or protobuf with its `k8s\0`).
    pub fn refused(&self, status: &[u8]) -> TargetError {
        of_status_event(status, Asked { server: &self.shared.place, mutating: false })
    }

    /// The error for an answer of 2xx that is not what was asked for.
    pub(super) fn garbled(&self, why: &dyn std::fmt::Display) -> TargetError {
        super::error::garbage(&format!("{} answered something else than asked for: {why}", self.shared.place))
    }

    /// The address of the server, for messages.
    pub fn server(&self) -> &str {
        &self.shared.opened.server
    }

    /// Asks the server for its version, as a sign that it can be used. The error has an exit code and a hint.
    pub async fn reach(&self, deadline: Duration) -> Result<(), OpenError> {
        match self.json::<serde_json::Value>("/version", deadline).await {
            Ok(_) => Ok(()),
            // Some servers do not tell strangers their version; they answered, though.
            Err(error) if error.kind == ErrorKind::Forbidden => Ok(()),
            Err(error) => Err(OpenError::reachability(self.explain(&error).await)),
        }
    }

    /// What a failed request is a sign of, with what to do about it. For a certificate that is not trusted this looks at
    /// the server once more to say whose it is.
    pub async fn explain(&self, error: &TargetError) -> Problem {
        let mut problem = problem_of(error, self.server());
        let recipe = &self.shared.recipe;
        if error.status == Some(401) {
            let ended = certificate::ended(&recipe.config.auth_info, SystemClock.now());
            let why = ended.map_or_else(|| "they are wrong or expired".into(), |at| format!("the client certificate expired at {at}"));
            problem.message = format!("{} does not accept the credentials of user '{}': {why}.", self.server(), shown(&self.opened().user));
        }
        if error.kind == ErrorKind::Tls && recipe.proxy.is_none() {
            let config = &recipe.config;
            if let Some(presented) = certificate::presented(&config.cluster_url, config.tls_server_name.as_deref()).await {
                let trusted = config.root_cert.as_deref().map_or("the system's authorities".into(), certificate::authorities);
                problem.message = format!("{} ({presented}; trusted is {trusted}).", problem.message.trim_end_matches('.'));
            }
        }
        problem
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("opened", &self.shared.opened).finish_non_exhaustive()
    }
}

/// A GET of a path, for JSON.
pub(super) fn get(path: &str) -> Result<Request<Vec<u8>>, TargetError> {
    let request = Request::get(path).header(header::ACCEPT, "application/json").body(Vec::new());
    request.map_err(|why| TargetError::new(ErrorKind::Invalid, format!("'{path}' is no path of an API: {why}")))
}

/// kube's configuration of the cluster that `spec` names. Reads files.
fn configure(spec: &TargetSpec, surroundings: &Surroundings) -> Result<(kube::Config, Option<Chosen>), OpenError> {
    let chosen = match kubeconfig::find(spec, surroundings)? {
        Named::InCluster => {
            let config = kube::Config::incluster().map_err(|why| {
                let message = format!("The service account of this pod cannot be used: {why}.");
                OpenError::configuration(Problem::new(Level::Error, "target:kubeconfig", message))
            })?;
            return Ok((config, None));
        }
        Named::Context(chosen) => *chosen,
    };
    let options = KubeConfigOptions { context: Some(chosen.context.clone()), ..KubeConfigOptions::default() };
    let reading = kube::Config::from_custom_kubeconfig(chosen.merged.clone(), &options);
    let config = tokio::runtime::Handle::current().block_on(reading);
    match config {
        Ok(config) => Ok((config, Some(chosen))),
        Err(why) => Err(of_build(&kube::Error::InferKubeconfig(why))),
    }
}

/// Runs something that blocks (files, trust stores) where it does not hold up the runtime.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, OpenError> + Send + 'static) -> Result<T, OpenError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        let problem = Problem::new(Level::Error, "target:kubeconfig", "Opening the cluster was interrupted.");
        Err(OpenError::reachability(problem))
    })
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod open_tests;
