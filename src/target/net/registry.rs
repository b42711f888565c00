//! Asking a registry for the manifest of an image, as a container runtime does before it pulls (distribution API, version 2).
//!
//! Owns the conversation: a token where one is asked for, redirects that lose the login on their way to another host, bounds on what is
//! read, the digest computed over what was read. GETs alone. A registry on this machine is spoken to without TLS, as runtimes do; every
//! other one by https.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, USER_AGENT, WWW_AUTHENTICATE};
use reqwest::{Client, Url};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::super::api::ErrorKind;
use super::super::probe::NotHeard;
use super::super::registry::{ImageName, Manifest, NoManifest, Platform, PullLogin};
use super::failure;
use crate::base::id::hex;
use crate::base::secret;

/// Who asks, for the logs of the registry.
const AGENT: &str = concat!("timonel/", env!("CARGO_PKG_VERSION"));
/// Manifests, configurations and tokens are far smaller; a longer answer is none.
const LARGEST: usize = 4 << 20;
/// Redirects are followed so often.
const HOPS: usize = 3;
/// What counts as a manifest: of several platforms or of one, of either of the two families.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
                         application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/// Platforms of one image that are kept.
const PLATFORMS: usize = 100;

/// Asks once, with a login where there is one. The caller sets the deadline.
pub(super) async fn manifest(client: &Client, image: &ImageName, login: Option<&PullLogin>) -> Result<Manifest, NoManifest> {
    let registry = Registry { client, image, login, plain: is_here(&image.host) };
    let (heard, pass) = registry.let_in().await?;
    let digest = format!("sha256:{}", hex(&Sha256::digest(&heard.body)));
    let other = |named: &str| is_sha256(named) && !named.eq_ignore_ascii_case(&digest);
    let told = heard.headers.get("docker-content-digest").and_then(|d| d.to_str().ok()).unwrap_or_default();
    if image.digest().is_some_and(other) || other(told) {
        return Err(garbage("the registry answered with another image than its digest says"));
    }
    let body: Value = serde_json::from_slice(&heard.body).map_err(|_| garbage("the registry answered with no manifest"))?;
    let platforms = match (body["manifests"].as_array(), body["config"]["digest"].as_str()) {
        (Some(list), _) => Ok(list.iter().take(PLATFORMS).filter_map(|entry| platform(&entry["platform"])).collect()),
        (None, Some(config)) if is_sha256(config) => registry.of_config(config, pass.as_ref()).await,
        _ => return Err(garbage("the registry answered with no manifest")),
    };
    Ok(Manifest { digest, platforms })
}

/// An answer, bounded.
struct Raw {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

struct Registry<'a> {
    client: &'a Client,
    image: &'a ImageName,
    login: Option<&'a PullLogin>,
    /// Without TLS.
    plain: bool,
}

impl Registry<'_> {
    fn url(&self, path: &str) -> Result<Url, NoManifest> {
        let host = if self.image.host == "docker.io" { "registry-1.docker.io" } else { self.image.host.as_str() };
        let scheme = if self.plain { "http" } else { "https" };
        let url = Url::parse(&format!("{scheme}://{host}/v2/{}/{path}", self.image.repository));
        url.map_err(|_| garbage("the name of the registry is no address"))
    }

    /// The manifest, and what opened the door to it.
    async fn let_in(&self) -> Result<(Raw, Option<SecretString>), NoManifest> {
        let url = self.url(&format!("manifests/{}", self.image.reference))?;
        let mut heard = self.get(url.clone(), None).await?;
        let mut pass = None;
        if heard.status == 401 {
            pass = Some(self.pass(&heard.headers).await?);
            heard = self.get(url, pass.as_ref()).await?;
        }
        match heard.status {
            200 => Ok((heard, pass)),
            404 => Err(NoManifest::Absent),
            401 | 403 => Err(NoManifest::Refused),
            429 => Err(not_heard(ErrorKind::TooManyRequests, "the registry is asked too often")),
            status => Err(not_heard(ErrorKind::Server, &format!("the registry answered with {status}"))),
        }
    }

    /// What a registry that asks for it is shown: a token that its own server gives out, or the login itself.
    async fn pass(&self, headers: &HeaderMap) -> Result<SecretString, NoManifest> {
        let asks = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let asks: Vec<(&str, &str)> = asks.filter_map(|value| value.split_once(' ')).collect();
        let by = |scheme: &str| asks.iter().find(|(word, _)| word.eq_ignore_ascii_case(scheme)).map(|(_, rest)| *rest);
        if let Some(parameters) = by("bearer") {
            return self.token(parameters).await;
        }
        match (by("basic"), self.login) {
            (Some(_), Some(login)) => Ok(basic(login)),
            (Some(_), None) => Err(NoManifest::Refused),
            (None, _) => Err(garbage("the registry asks for a login in a way that is not known here")),
        }
    }

    async fn token(&self, parameters: &str) -> Result<SecretString, NoManifest> {
        let realm = parameter(parameters, "realm").and_then(|realm| Url::parse(&realm).ok());
        let mut url = realm.ok_or_else(|| garbage("the registry does not say where its tokens are"))?;
        // A login goes over no open line.
        if url.scheme() != "https" && !(self.plain && url.scheme() == "http" && url.host_str().is_some_and(is_here)) {
            return Err(garbage("the registry sends whoever signs in to an open line"));
        }
        let scope = parameter(parameters, "scope").unwrap_or_else(|| format!("repository:{}:pull", self.image.repository));
        let service = parameter(parameters, "service");
        url.query_pairs_mut()
            .extend_pairs(service.iter().map(|s| ("service", s.as_str())))
            .append_pair("scope", &scope);
        let login = self.login.map(basic);
        let heard = self.get(url, login.as_ref()).await?;
        let body = Zeroizing::new(heard.body);
        match heard.status {
            200 => {}
            401 | 403 => return Err(NoManifest::Refused),
            status => return Err(not_heard(ErrorKind::Server, &format!("who gives out its tokens answered with {status}"))),
        }
        let mut answer: Value = serde_json::from_slice(&body).map_err(|_| garbage("who gives out its tokens gave none"))?;
        let found = ["token", "access_token"].into_iter().find(|key| answer[*key].as_str().is_some_and(|t| !t.is_empty()));
        let Some(Value::String(token)) = found.map(|key| answer[key].take()) else { return Err(garbage("who gives out its tokens gave none")) };
        let token = SecretString::from(token);
        secret::know(&token);
        Ok(SecretString::from(format!("Bearer {}", token.expose_secret())))
    }

    /// The platform of an image of one, which its configuration names.
    async fn of_config(&self, digest: &str, pass: Option<&SecretString>) -> Result<Vec<Platform>, String> {
        let unread = |why: String| format!("the image's configuration cannot be read: {why}");
        let url = self.url(&format!("blobs/{digest}")).map_err(|_| unread("its address is none".to_owned()))?;
        let heard = match self.get(url, pass).await {
            Ok(heard) if heard.status == 200 => heard,
            Ok(heard) => return Err(unread(format!("the registry answered with {}", heard.status))),
            Err(NoManifest::NotHeard(why)) => return Err(unread(why.message)),
            Err(_) => return Err(unread("the registry does not give it".to_owned())),
        };
        if format!("sha256:{}", hex(&Sha256::digest(&heard.body))) != digest.to_ascii_lowercase() {
            return Err(unread("it is another one than its digest says".to_owned()));
        }
        let body: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
        platform(&body).map(|one| vec![one]).ok_or_else(|| unread("it names no platform".to_owned()))
    }

    /// One GET. A redirect is followed, to another host without what opens the door of this one, and never from https to an open line.
    async fn get(&self, url: Url, pass: Option<&SecretString>) -> Result<Raw, NoManifest> {
        let (first, mut url) = (url.origin(), url);
        for _ in 0..=HOPS {
            let own = pass.filter(|_| url.origin() == first);
            let heard = self.once(url.clone(), own).await.map_err(NoManifest::NotHeard)?;
            let to = heard
                .headers
                .get(LOCATION)
                .and_then(|to| to.to_str().ok())
                .filter(|_| matches!(heard.status, 301 | 302 | 303 | 307 | 308));
            let Some(to) = to else { return Ok(heard) };
            let next = url.join(to).map_err(|_| garbage("the registry redirects to what is no address"))?;
            if next.scheme() != "https" && !(self.plain && next.scheme() == "http" && next.host_str().is_some_and(is_here)) {
                return Err(garbage("the registry redirects to an open line"));
            }
            url = next;
        }
        Err(garbage("the registry redirects without end"))
    }

    async fn once(&self, url: Url, pass: Option<&SecretString>) -> Result<Raw, NotHeard> {
        let mut request = self.client.get(url).header(USER_AGENT, AGENT).header(ACCEPT, MANIFESTS);
        if let Some(pass) = pass {
            let invalid = |_| failure::not_heard(ErrorKind::Invalid, "the login cannot be sent", true);
            let mut value = HeaderValue::from_str(pass.expose_secret()).map_err(invalid)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        // An address after a redirect may be signed, and errors would repeat it.
        let mut response = request.send().await.map_err(|why| failure::of(&why.without_url()))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|why| failure::of(&why.without_url()))? {
            if body.len() + chunk.len() > LARGEST {
                return Err(failure::not_heard(ErrorKind::Garbage, "its answer is longer than is read", false));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Raw { status, headers, body })
    }
}

fn basic(login: &PullLogin) -> SecretString {
    let pair = Zeroizing::new(format!("{}:{}", login.user, login.password.expose_secret()));
    let encoded = SecretString::from(STANDARD.encode(pair.as_bytes()));
    secret::know(&encoded);
    SecretString::from(format!("Basic {}", encoded.expose_secret()))
}

/// `realm="https://…",service="…"`: the value of one parameter.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    let mut rest = parameters;
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.trim_matches([',', ' ']).eq_ignore_ascii_case(name) {
            return Some(value.to_owned());
        }
        rest = next;
    }
    None
}

fn platform(of: &Value) -> Option<Platform> {
    Platform::of(of["os"].as_str(), of["architecture"].as_str())
}

/// A registry on this machine: runtimes speak to it without TLS.
fn is_here(host: &str) -> bool {
    let name = host
        .strip_prefix('[')
        .and_then(|h| h.split_once(']'))
        .map_or_else(|| host.rsplit_once(':').map_or(host, |(h, _)| h), |(h, _)| h);
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_sha256(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn garbage(message: &str) -> NoManifest {
    not_heard(ErrorKind::Garbage, message)
}

fn not_heard(kind: ErrorKind, message: &str) -> NoManifest {
    NoManifest::NotHeard(failure::not_heard(kind, message, false))
}

#[cfg(test)]
mod tests {
    use super::{is_here, parameter};

    #[test]
    fn what_a_registry_asks_for_is_read_and_only_this_machine_is_spoken_to_without_tls() {
        let asks = r#"realm="https://auth.example/token?a=b,c",service="registry.example", scope="repository:a/b:pull",error=invalid"#;
        assert_eq!(parameter(asks, "realm").as_deref(), Some("https://auth.example/token?a=b,c"));
        assert_eq!(parameter(asks, "service").as_deref(), Some("registry.example"));
        assert_eq!(parameter(asks, "scope").as_deref(), Some("repository:a/b:pull"));
        assert_eq!(parameter(asks, "error").as_deref(), Some("invalid"));
        assert_eq!((parameter(asks, "other"), parameter(r#"realm="https://x"#, "realm")), (None, None));
        for (host, here) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("[::1]:5000", true),
            ("ghcr.io", false),
            ("localhost.evil.example", false),
            ("10.0.0.1:5000", false),
        ] {
            assert_eq!(is_here(host), here, "{host}");
        }
    }
}
