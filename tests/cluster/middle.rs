//! A server between the program and the API server: hands on what it is asked, and does what a test says where the test says so.
//!
//! Owns what a network and a busy server do to one request: it is lost on the way there or on the way back, it is answered with
//! "not now" or a failure, it is held until the test has done something else. Everything else reaches the real API server as the
//! user whose request it is. Must not know what the requests mean.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use crate::cluster::{Cluster, PATIENCE};

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What happens to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    /// It never arrives: the connection ends.
    QuestionLost,
    /// It is carried out, and its answer never arrives: the connection ends.
    AnswerLost,
    /// It is answered with this status and reason without being handed on, and with the seconds to wait where there are any.
    Answered(u16, &'static str, Option<u32>),
    /// It is handed on as it should be.
    HandedOn,
}

/// When a request is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Before it is handed on.
    Asked,
    /// After it was carried out, before its answer goes back; one that the server refused is handed on and does not count.
    Answered,
}

/// A place where requests wait for the test.
pub(crate) struct Hold {
    reached: Mutex<Receiver<()>>,
    go: Arc<Semaphore>,
}

impl Hold {
    /// Waits until the next request is here.
    pub(crate) fn reached(&self) {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        reached.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("no request came: {error}"));
    }

    /// Lets it go on.
    pub(crate) fn go(&self) {
        self.go.add_permits(1);
    }
}

/// The other end of a hold.
#[derive(Clone)]
struct Stop {
    when: When,
    reached: Sender<()>,
    go: Arc<Semaphore>,
}

impl Stop {
    async fn wait(&self) {
        // A test that is over waits for nothing.
        let _ = self.reached.send(());
        if let Ok(permit) = self.go.acquire().await {
            permit.forget();
        }
    }
}

struct Rule {
    method: &'static str,
    part: String,
    left: usize,
    /// Whether it is about dry runs, or about everything else.
    dry: bool,
    fate: Fate,
    stop: Option<Stop>,
}

struct Shared {
    api: Client,
    rules: Mutex<Vec<Rule>>,
    /// Seconds by which the server's clock is ahead, for whoever asks through here.
    ahead: AtomicI64,
}

/// The server in between, for one user; gone when it is dropped.
pub(crate) struct Middle {
    port: u16,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

impl Middle {
    /// Hands on to the cluster as `user`.
    pub(crate) fn of(cluster: &Cluster, user: &str) -> Self {
        let runtime = Runtime::new().unwrap_or_else(|error| panic!("{error}"));
        let read = Kubeconfig::read_from(cluster.kubeconfig(user)).unwrap_or_else(|error| panic!("{user}: {error}"));
        let (listener, api) = runtime.block_on(async {
            let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
            let mut config = config.unwrap_or_else(|error| panic!("{user}: {error}"));
            // Whether it is asked again is the program's to decide.
            config.default_retry = false;
            let api = Client::try_from(config);
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
            (listener, api.unwrap_or_else(|error| panic!("{user}: {error}")))
        });
        let port = listener.local_addr().expect("a bound port").port();
        let shared = Arc::new(Shared { api, rules: Mutex::default(), ahead: AtomicI64::new(0) });
        runtime.spawn(accept(listener, Arc::clone(&shared)));
        Self { port, shared, _runtime: runtime }
    }

    /// Its address.
    pub(crate) fn server(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next `times` real requests (no dry runs) of that method whose path has `part` in it meet this.
    pub(crate) fn meet(&self, method: &'static str, part: &str, times: usize, fate: Fate) {
        self.rule(Rule { method, part: part.to_owned(), left: times, dry: false, fate, stop: None });
    }

    /// Every dry run of that method meets this.
    pub(crate) fn meet_dry_runs(&self, method: &'static str, fate: Fate) {
        self.rule(Rule { method, part: String::new(), left: usize::MAX, dry: true, fate, stop: None });
    }

    /// The same, held for the test in addition.
    pub(crate) fn hold(&self, method: &'static str, part: &str, times: usize, when: When, fate: Fate) -> Hold {
        let (reached, there) = channel();
        let go = Arc::new(Semaphore::new(0));
        let stop = Some(Stop { when, reached, go: Arc::clone(&go) });
        self.rule(Rule { method, part: part.to_owned(), left: times, dry: false, fate, stop });
        Hold { reached: Mutex::new(there), go }
    }

    fn rule(&self, rule: Rule) {
        self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
    }

    /// Puts the server's clock so many seconds ahead, or back.
    pub(crate) fn clock_ahead(&self, seconds: i64) {
        self.shared.ahead.store(seconds, Ordering::Relaxed);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, Arc::clone(&shared)));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let answer = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { shared.answer(request).await }
    });
    // An error is how a connection ends here.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
        let (fate, stop) = self.fate(&request);
        let held = async |when: When| {
            if let Some(stop) = stop.as_ref().filter(|stop| stop.when == when) {
                stop.wait().await;
            }
        };
        held(When::Asked).await;
        match fate {
            Fate::QuestionLost => return Err(io::Error::other("the question is lost")),
            Fate::Answered(status, reason, wait) => return own(status, reason, wait),
            Fate::AnswerLost | Fate::HandedOn => {}
        }
        let answer = self.hand_on(request).await?;
        match &stop {
            // What the server refused was not carried out: the next one is meant.
            Some(stop) if stop.when == When::Answered && !answer.status().is_success() => self.give_back(stop),
            _ => held(When::Answered).await,
        }
        if let Fate::AnswerLost = fate {
            return Err(io::Error::other("the answer is lost"));
        }
        Ok(answer)
    }

    fn fate(&self, request: &Request<Incoming>) -> (Fate, Option<Stop>) {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let dry = request.uri().query().unwrap_or_default().contains("dryRun=All");
        let meant = |rule: &&mut Rule| {
            rule.dry == dry && rule.left > 0 && rule.method == request.method().as_str() && request.uri().path().contains(&rule.part)
        };
        let Some(rule) = rules.iter_mut().find(meant) else { return (Fate::HandedOn, None) };
        rule.left -= 1;
        (rule.fate, rule.stop.clone())
    }

    fn give_back(&self, stop: &Stop) {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |rule: &&mut Rule| rule.stop.as_ref().is_some_and(|known| Arc::ptr_eq(&known.go, &stop.go));
        if let Some(rule) = rules.iter_mut().find(own) {
            rule.left += 1;
        }
    }

    async fn hand_on(&self, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        for name in [header::HOST, header::AUTHORIZATION, header::CONNECTION, header::ACCEPT_ENCODING, header::CONTENT_LENGTH] {
            parts.headers.remove(name);
        }
        let answer = self.api.send(Request::from_parts(parts, kube::client::Body::from(body))).await.map_err(io::Error::other)?;
        let (mut parts, body) = answer.into_parts();
        for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
            parts.headers.remove(name);
        }
        self.date(&mut parts.headers);
        Ok(Response::from_parts(parts, body.map_err(io::Error::other).boxed_unsync()))
    }

    fn date(&self, headers: &mut HeaderMap) {
        let now = jiff::Timestamp::now();
        let then = jiff::Timestamp::from_second(now.as_second() + self.ahead.load(Ordering::Relaxed)).unwrap_or(now);
        let text = then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        headers.insert(header::DATE, HeaderValue::from_str(&text).expect("a date"));
    }
}

/// An answer of the server in between itself, in the form of the API.
fn own(status: u16, reason: &str, wait: Option<u32>) -> Result<Response<Body>, io::Error> {
    let code = StatusCode::from_u16(status).map_err(io::Error::other)?;
    let text = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": format!("the server says: {reason}"), "reason": reason, "code": status});
    let body = Full::new(Bytes::from(text.to_string())).map_err(|never: Infallible| match never {}).boxed_unsync();
    let mut answer = Response::builder().status(code).header(header::CONTENT_TYPE, "application/json");
    if let Some(seconds) = wait {
        answer = answer.header(header::RETRY_AFTER, seconds);
    }
    answer.body(body).map_err(io::Error::other)
}
