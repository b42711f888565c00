//! One GET: status, headers, the beginning of the body.

use std::sync::Arc;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use reqwest::{Client, Response};
use rustls::client::danger::ServerCertVerifier;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use super::super::api::ErrorKind;
use super::super::probe::{Header, HttpAnswer, NotHeard};
use super::{Route, certificate, failure, tls};

/// Who asks, for the logs of the endpoint.
const AGENT: &str = concat!("timonel/", env!("CARGO_PKG_VERSION"), " (probe)");

/// Who tells something.
const TELLER: &str = concat!("timonel/", env!("CARGO_PKG_VERSION"));

/// A client that keeps no connection, follows no redirect, repeats nothing.
pub(super) fn client(verifier: &Arc<dyn ServerCertVerifier>, route: Route) -> Result<Client, NotHeard> {
    let mut tls = tls::config(verifier.clone())?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .tls_info(true)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0)
        .referer(false);
    let builder = if route == Route::Direct { builder.no_proxy() } else { builder };
    builder.build().map_err(|why| failure::of(&why))
}

/// Sends a text once, and says how it was answered; nothing of the answer's body is read. The address may be a secret, and is in no
/// error.
pub(super) async fn post(client: &Client, url: &SecretString, body: String) -> Result<u16, NotHeard> {
    let request = client
        .post(url.expose_secret())
        .header(USER_AGENT, TELLER)
        .header(CONTENT_TYPE, "application/json")
        .body(body);
    let response = request.send().await.map_err(|why| {
        let builder = why.is_builder();
        let told = failure::of(&why.without_url());
        if builder { failure::not_heard(ErrorKind::Invalid, "its address is none", true) } else { told }
    })?;
    Ok(response.status().as_u16())
}

/// Asks once. The caller ends it at `until`, which is here only to say how far it came.
pub(super) async fn get(client: &Client, url: &str, headers: &[Header], until: Instant) -> Result<HttpAnswer, NotHeard> {
    let mut request = client.get(url).header(USER_AGENT, AGENT);
    for header in headers {
        let invalid = || failure::not_heard(ErrorKind::Invalid, &format!("the header '{}' cannot be sent", header.name), true);
        let name = HeaderName::try_from(&header.name).map_err(|_| invalid())?;
        let mut value = HeaderValue::from_str(header.value.expose_secret()).map_err(|_| invalid())?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    // The URL may hold what is nobody's business, and errors would repeat it.
    let mut response = request.send().await.map_err(|why| failure::of(&why.without_url()))?;
    let status = response.status().as_u16();
    match tokio::time::timeout_at(until, body(&mut response)).await {
        Ok(Ok((bytes, cut))) => {
            let headers = response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            let der = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
            Ok(HttpAnswer { certificate: der.and_then(certificate::facts), ..HttpAnswer::read(status, headers, &bytes, cut) })
        }
        Ok(Err(_)) => Err(failure::not_heard(ErrorKind::Garbage, &format!("{status}, but the connection was cut in the answer"), false)),
        Err(_) => Err(failure::not_heard(ErrorKind::Timeout, &format!("{status}, but the answer did not end in time"), false)),
    }
}

/// Reads the body up to its bound; whether there was more.
async fn body(response: &mut Response) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = HttpAnswer::BODY - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok((bytes, true));
        }
    }
    Ok((bytes, false))
}
