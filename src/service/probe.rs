//! Probes that a service file or the command line declares: what is asked, how often, and what is expected.
//!
//! Owns the declaration. What an answer means is the business of the room `probe`; asking that of drivers.

mod decode;
mod expect;
mod url;

use std::time::Duration;

use super::Expectation;
pub(super) use decode::decode;
pub use expect::{Expect, JsonType, StatusSet};
pub use url::{Endpoint, EndpointError};

/// One probe of one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeSpec {
    /// Id, unique in the file.
    pub id: String,
    /// Title for people.
    pub title: Option<String>,
    /// What is asked.
    pub kind: ProbeKind,
    /// What is expected of an HTTP answer.
    pub expect: Expect,
    /// Request headers.
    pub headers: Vec<HeaderSpec>,
    /// The whole question and answer may take this long.
    pub timeout: Duration,
    /// How often to ask.
    pub interval: Duration,
    /// So many failures in a row make it failed.
    pub fail_after: u32,
    /// So many successes in a row make a failed probe ok again.
    pub pass_after: u32,
    /// That the endpoint does not exist yet is no fault.
    pub optional: bool,
    /// Its being down makes the whole down (contract.md 1); never so for an optional one.
    pub critical: bool,
    /// What a success proves, in the file's words: `shallow`, `database`.
    pub depth: Option<String>,
    /// Somebody wants it asked. Not so for what the console derives from the cluster by itself (the hosts of an Ingress): that it
    /// cannot be reached from here then says nothing.
    pub declared: bool,
}

/// What a probe asks.
#[derive(Debug, Clone, PartialEq)]
pub enum ProbeKind {
    /// GET of a URL.
    Http {
        /// The URL.
        url: String,
    },
    /// GET of every pod of a workload, through the API server's pod proxy.
    HttpEachPod {
        /// Id of the workload in the file.
        workload: String,
        /// Container port.
        port: u16,
        /// Path, from `/`.
        path: String,
    },
    /// A connection.
    Tcp {
        /// Where.
        at: Endpoint,
    },
    /// A TLS handshake and the certificate.
    Tls {
        /// Where.
        at: Endpoint,
        /// So many days before its end the certificate is a matter of attention,
        warn_days: u32,
        /// and so many of alarm.
        crit_days: u32,
    },
    /// A statement to a database of the file, which reads.
    Sql {
        /// Id of the database.
        database: String,
        /// The statement.
        query: String,
        /// What its first value must be; `None` = that there is a row.
        expect: Option<Expectation>,
    },
    /// A kind that this version cannot ask yet, as the file writes it.
    Later(&'static str),
}

impl ProbeKind {
    /// The word as service files write it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::HttpEachPod { .. } => "http-each-pod",
            Self::Tcp { .. } => "tcp",
            Self::Tls { .. } => "tls",
            Self::Sql { .. } => "sql",
            Self::Later(word) => word,
        }
    }

    /// What is asked, for people; a URL without its query, which may hold what is nobody's business.
    pub fn target(&self) -> String {
        match self {
            Self::Http { url } => url.split(['?', '#']).next().unwrap_or_default().to_owned(),
            Self::HttpEachPod { workload, port, path } => format!("{workload} :{port}{path}"),
            Self::Tcp { at } | Self::Tls { at, .. } => at.to_string(),
            Self::Sql { database, .. } => database.clone(),
            Self::Later(_) => String::new(),
        }
    }
}

/// A request header as declared.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderSpec {
    /// Name.
    pub name: String,
    /// Value.
    pub value: HeaderValue,
}

/// The value of a declared header; never shown.
#[derive(Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// As written.
    Literal(String),
    /// `secret:ID` of `[secrets.ID]`, fetched at use.
    Secret(String),
}

impl std::fmt::Debug for HeaderSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.value {
            HeaderValue::Literal(_) => write!(f, "{}: ***", self.name),
            HeaderValue::Secret(id) => write!(f, "{}: secret:{id}", self.name),
        }
    }
}

/// What a file that says nothing means.
pub mod defaults {
    use std::time::Duration;

    /// `timeout`.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
    /// `interval`.
    pub const INTERVAL: Duration = Duration::from_secs(15);
    /// `fail_after`.
    pub const FAIL_AFTER: u32 = 3;
    /// `pass_after`.
    pub const PASS_AFTER: u32 = 2;
    /// `warn_days` of a certificate.
    pub const WARN_DAYS: u32 = 21;
    /// `crit_days` of a certificate.
    pub const CRIT_DAYS: u32 = 7;
    /// `interval` of a question to a database, which is also the shortest.
    pub const SQL_INTERVAL: Duration = Duration::from_mins(1);
}

impl ProbeSpec {
    /// A probe of a kind with the usual timings.
    pub fn new(id: impl Into<String>, kind: ProbeKind) -> Self {
        Self {
            id: id.into(),
            title: None,
            kind,
            expect: Expect::default(),
            headers: Vec::new(),
            timeout: defaults::TIMEOUT,
            interval: defaults::INTERVAL,
            fail_after: defaults::FAIL_AFTER,
            pass_after: defaults::PASS_AFTER,
            optional: false,
            critical: true,
            depth: None,
            declared: true,
        }
    }

    /// The probe of `--probe URL`: `http://`, `https://`, `tcp://host:port` or `tls://host:port`. Its id is the address.
    pub fn from_url(text: &str) -> Result<Self, EndpointError> {
        let id = text.split(['?', '#']).next().unwrap_or_default();
        let id = id.strip_prefix("https://").or_else(|| id.strip_prefix("http://")).unwrap_or(id).trim_end_matches('/');
        url::kind(text).map(|kind| Self::new(id, kind))
    }
}
