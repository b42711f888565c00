//! The driver for endpoints outside of the API server: HTTP, TCP, TLS, PostgreSQL, registries of images.
//!
//! Owns connections, deadlines and what an answer says, bounded and cleaned. Asks once and changes nothing: HTTP is GET (but for the one
//! POST that tells somebody), TLS ends after the handshake, redirects are answers. Every question opens a connection of its own, so that a
//! new certificate or a dead path is seen and not hidden by a connection from before. What an answer means is the business of the room
//! `probe`.

mod certificate;
mod failure;
mod http;
mod registry;
mod sql;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use rustls::client::danger::ServerCertVerifier;
use secrecy::SecretString;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::api::ErrorKind;
use super::probe::{Answer, Ask, Heard, NotHeard, Reach, Way};
use super::registry::{ImageName, Manifest, NoManifest, PullLogin};
use super::sql::{Login, Rows};
pub use sql::over as ask_over;

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Whom this machine trusts.
    System,
    /// These certificate authorities alone (DER).
    Only(Vec<Vec<u8>>),
}

/// Which way to endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// HTTP by the proxies that the environment names (`HTTPS_PROXY`, `NO_PROXY`), as curl does.
    Environment,
    /// Straight.
    Direct,
}

/// The driver. Clones share it.
#[derive(Debug, Clone)]
pub struct Net {
    http: reqwest::Client,
    verifier: Arc<dyn ServerCertVerifier>,
}

impl Net {
    /// A driver. Fails only where the TLS library cannot be set up at all.
    pub fn new(trust: &Trust, route: Route) -> Result<Self, NotHeard> {
        let verifier = tls::verifier(trust)?;
        Ok(Self { http: http::client(&verifier, route)?, verifier })
    }

    async fn heard(&self, ask: &Ask, until: Instant) -> Result<Heard, NotHeard> {
        match &ask.way {
            Way::Http { url, headers } => http::get(&self.http, url, headers, until).await.map(Heard::Http),
            Way::Tcp { host, port } => connect(host, *port).await.map(|_| Heard::Connected),
            Way::Tls { host, port } => tls::handshake(&self.verifier, host, *port).await.map(Heard::Tls),
            Way::PodProxy { .. } | Way::Database { .. } => {
                Err(NotHeard { kind: ErrorKind::Invalid, message: "pods and databases are asked through the target".into(), here: true })
            }
        }
    }

    /// Tells something: one POST of JSON, whose status is returned. The address may be a secret.
    pub async fn post(&self, url: &SecretString, body: String, within: Duration) -> Result<u16, NotHeard> {
        let sent = tokio::time::timeout(within, http::post(&self.http, url, body)).await;
        sent.unwrap_or_else(|_| Err(too_late(within)))
    }

    /// Asks a registry what it has under the name of an image; `within` is for all of it, tokens and redirects among it.
    pub async fn ask_registry(&self, image: &ImageName, login: Option<&PullLogin>, within: Duration) -> Result<Manifest, NoManifest> {
        let asked = tokio::time::timeout(within, registry::manifest(&self.http, image, login)).await;
        asked.unwrap_or_else(|_| Err(NoManifest::NotHeard(too_late(within))))
    }

    /// Asks a PostgreSQL server at an address of its own. Over TLS alone: a password goes over no open line.
    pub async fn ask_database(&self, host: &str, port: u16, login: &Login, sql: &str, within: Duration) -> Result<Rows, NotHeard> {
        let asked = tokio::time::timeout(within, sql::at(&self.verifier, host, port, login, sql, within)).await;
        asked.unwrap_or_else(|_| Err(too_late(within)))
    }
}

impl Reach for Net {
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer> {
        async move {
            let began = Instant::now();
            let until = began + ask.timeout;
            let heard = tokio::time::timeout_at(until, self.heard(ask, until)).await;
            Answer { took: began.elapsed(), heard: heard.unwrap_or_else(|_| Err(too_late(ask.timeout))) }
        }
        .boxed()
    }
}

fn too_late(timeout: Duration) -> NotHeard {
    NotHeard {
        kind: ErrorKind::Timeout,
        message: format!("no answer within {}", crate::base::duration::show(timeout)),
        here: false,
    }
}

/// Opens a connection to the first address of `host` that accepts one.
async fn connect(host: &str, port: u16) -> Result<TcpStream, NotHeard> {
    TcpStream::connect((host, port)).await.map_err(|why| failure::of(&why))
}
