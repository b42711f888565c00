//! Asking one endpoint once, and what a probe has found so far.
//!
//! Owns plain data and the trait that whoever can ask implements: the driver `net` for HTTP, TCP and TLS, a driver of the target
//! for its pods. What an answer means is the business of the room `probe`.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::api::ErrorKind;
use super::sql::Rows;
use crate::base::health::Health;
use crate::base::text::{Str, clean, elide};

/// One question to one endpoint. It changes nothing there: HTTP is always a GET, TLS ends after the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What to ask.
    pub way: Way,
    /// The whole question and answer may take this long.
    pub timeout: Duration,
}

/// How an endpoint is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// GET of a URL (`http` or `https`). Redirects are not followed: the answer is the redirect.
    Http {
        /// Whole URL.
        url: String,
        /// Request headers.
        headers: Vec<Header>,
    },
    /// Opens a connection and closes it.
    Tcp {
        /// Name or address, without brackets.
        host: String,
        /// Port.
        port: u16,
    },
    /// A TLS handshake, read even when the certificate cannot be trusted.
    Tls {
        /// Name or address, without brackets; also the name that the certificate must have.
        host: String,
        /// Port.
        port: u16,
    },
    /// GET through the API server's pod proxy: one of the GETs that a service file declares (contract.md 10).
    PodProxy {
        /// Namespace of the pod.
        namespace: Str,
        /// Pod.
        pod: Str,
        /// Container port.
        port: u16,
        /// Path with its query, from `/`.
        path: String,
    },
    /// One statement to a database that a service file declares, which reads.
    Database {
        /// Its id.
        id: Str,
        /// The statement.
        sql: String,
    },
}

/// A request header; its value stays out of logs, and out of the memory that is left behind.
#[derive(Clone)]
pub struct Header {
    /// Name.
    pub name: String,
    /// Value.
    pub value: SecretString,
}

impl PartialEq for Header {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.value.expose_secret() == other.value.expose_secret()
    }
}

impl Eq for Header {}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ***", self.name)
    }
}

/// What came back, with how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// From the first byte sent to the last byte read, name resolution included.
    pub took: Duration,
    /// What was heard.
    pub heard: Result<Heard, NotHeard>,
}

/// An answer that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// An HTTP response.
    Http(HttpAnswer),
    /// The port accepted the connection.
    Connected,
    /// A TLS handshake.
    Tls(TlsAnswer),
    /// What a database answered.
    Rows(Rows),
}

/// An HTTP response, bounded and cleaned of control sequences.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpAnswer {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The beginning of the body as text; line breaks are kept.
    pub body: String,
    /// Whether the body was longer than what is kept.
    pub cut: bool,
    /// Over https: the certificate that the server showed.
    pub certificate: Option<CertificateFacts>,
}

impl HttpAnswer {
    /// So much of a body is read and kept.
    pub const BODY: usize = 256 << 10;
    /// At most so many headers are kept, each so wide.
    const HEADERS: usize = 100;
    const HEADER: usize = 1024;

    /// An answer from what came over the wire: bounded, cleaned, the body line by line.
    pub fn read<'a>(status: u16, headers: impl Iterator<Item = (&'a str, &'a [u8])>, body: &[u8], cut: bool) -> Self {
        let value = |bytes: &[u8]| elide(&clean(&String::from_utf8_lossy(bytes)), Self::HEADER).into_owned();
        let text = String::from_utf8_lossy(&body[..body.len().min(Self::BODY)]);
        let lines: Vec<_> = text.split('\n').map(|line| clean(line.trim_end_matches('\r'))).collect();
        Self {
            status,
            headers: headers.take(Self::HEADERS).map(|(name, bytes)| (name.to_lowercase(), value(bytes))).collect(),
            body: lines.join("\n"),
            cut: cut || body.len() > Self::BODY,
            certificate: None,
        }
    }

    /// The first header of that name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// A TLS handshake that was completed, whether or not the certificate can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsAnswer {
    /// The server's own certificate.
    pub certificate: CertificateFacts,
    /// `TLSv1.3`.
    pub version: String,
    /// Why a browser would refuse it; `None` = it would not.
    pub refused: Option<Refusal>,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateFacts {
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// Who signed it, in one line.
    pub issuer: String,
    /// The subject's common name; empty when it has none.
    pub subject: String,
    /// Names and addresses it is for, at most 50.
    pub names: Vec<String>,
}

/// Why a certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for other names.
    WrongName,
    /// Nobody who is trusted here signed it.
    Untrusted,
    /// Anything else, in words.
    Other(String),
}

impl Refusal {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Expired => "the certificate has expired".into(),
            Self::NotYetValid => "the certificate is not valid yet".into(),
            Self::WrongName => "the certificate is for other names".into(),
            Self::Untrusted => "nobody trusted here signed the certificate".into(),
            Self::Other(why) => format!("the certificate is refused: {why}"),
        }
    }
}

/// Why nothing useful was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotHeard {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// In words, cleaned of control sequences.
    pub message: String,
    /// The fault is on this side (no network, no resolver, no right), so that it says nothing about the endpoint.
    pub here: bool,
}

/// Whoever can ask an endpoint. Every call ends within the question's own timeout; a database, which is asked one question at a time,
/// within that from when it is its turn.
pub trait Reach: Send + Sync {
    /// Asks once. Never repeats by itself.
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer>;
}

/// The five results of a probe, as `status -o json` writes them (cli.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeResult {
    /// As expected.
    Ok,
    /// Not as expected, often enough.
    Failed,
    /// Nothing to judge by.
    Unknown,
    /// The endpoint or the API server says that this identity may not ask.
    Unauthorised,
    /// The endpoint does not have it yet (an optional probe), or this version of the console cannot ask it.
    NotImplemented,
}

impl ProbeResult {
    /// The word as scripts and people read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Unauthorised => "unauthorised",
            Self::NotImplemented => "not-implemented",
        }
    }
}

/// How a measure stands, as `status -o json` writes it (cli.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KpiResult {
    /// Within its limits.
    Ok,
    /// It needs attention.
    Warn,
    /// A fault.
    Crit,
    /// Nothing to judge by.
    NoData,
}

impl KpiResult {
    /// The word as scripts and people read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Crit => "crit",
            Self::NoData => "no-data",
        }
    }

    /// Its health (contract.md 1).
    pub const fn health(self) -> Health {
        match self {
            Self::Ok => Health::Ok,
            Self::Warn | Self::Crit => Health::Degraded,
            Self::NoData => Health::Unknown,
        }
    }
}

/// What a measure said when it was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The number; `None` = no data.
    pub value: Option<f64>,
    /// How it stands.
    pub result: KpiResult,
    /// In a few words: `0.8 s`, `2.4 s, crit > 2`, why there is no data.
    pub detail: String,
}

impl Reading {
    /// No data, and why.
    pub fn none(why: impl Into<String>) -> Self {
        Self { value: None, result: KpiResult::NoData, detail: why.into() }
    }

    /// Whether it is within its limits.
    pub fn is_good(&self) -> bool {
        self.result == KpiResult::Ok
    }
}

/// One measurement of a probe's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSample {
    /// When it ended.
    pub at: Timestamp,
    /// What it was by itself, thresholds aside.
    pub result: ProbeResult,
    /// How long it took; `None` when there was no answer.
    pub latency: Option<Duration>,
}

/// Everything that is shown of a probe. Sent whole after every measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// Id, unique among the probes of a console.
    pub id: Str,
    /// Title for people; the id when none was given.
    pub title: Str,
    /// `http`, `http-each-pod`, `tcp`, `tls`, ... as service files write it.
    pub kind: Str,
    /// What is asked: a URL without its query, `host:port`, a workload.
    pub target: Str,
    /// The result after thresholds.
    pub result: ProbeResult,
    /// Its health (contract.md 1).
    pub health: Health,
    /// Whether its health counts for the whole: what this identity may not run, or this version cannot, goes to problems.
    pub counts: bool,
    /// Whether its being down makes the whole down: neither `optional` nor `critical = false`.
    pub critical: bool,
    /// Since when the result is what it is.
    pub since: Timestamp,
    /// When it was last asked; `None` = never yet.
    pub at: Option<Timestamp>,
    /// How long the last answer took.
    pub latency: Option<Duration>,
    /// The last answer in a few words: `200`, `71 days left`, `503, failing 2 of 3`.
    pub detail: Str,
    /// Until when the certificate it saw is valid.
    pub expires: Option<Timestamp>,
    /// Newest last, bounded.
    pub history: Arc<[ProbeSample]>,
}
