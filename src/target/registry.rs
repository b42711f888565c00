//! Asking a registry for an image: which image a name means, and for which platforms it is.
//!
//! Owns plain data: names of images as container runtimes read them, a login, what a registry has. The conversation is the driver `net`'s.

use std::fmt;

use secrecy::SecretString;

use super::probe::NotHeard;
use crate::base::text::clean;

/// The longest name that is taken.
const LONGEST: usize = 255;
/// Where a name without a host is.
const HUB: &str = "docker.io";

/// The name of an image, as a container runtime reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// Host and port of the registry: `ghcr.io`, `localhost:5000`.
    pub host: String,
    /// Path in it: `shop/api`.
    pub repository: String,
    /// What of it is meant: a tag, or a digest (`sha256:…`), which wins where both are written.
    pub reference: String,
    /// The name as it was written, without tag and digest.
    written: String,
}

impl ImageName {
    /// Reads a name; `None` when it is none.
    pub fn parse(name: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._/:@".contains(c);
        if name.is_empty() || name.len() > LONGEST || !name.chars().all(plain) {
            return None;
        }
        let (rest, digest) = match name.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest).filter(|d| is_digest(d)).map(Some)?),
            None => (name, None),
        };
        // A colon before the last slash is that of a port.
        let (written, tag) = match rest.rsplit_once(':') {
            Some((written, tag)) if !tag.contains('/') => (written, Some(tag)),
            _ => (rest, None),
        };
        let first = written.split('/').next().unwrap_or_default();
        let has_host = written.contains('/') && (first.contains(['.', ':']) || first == "localhost");
        let (host, path) = if has_host { written.split_once('/')? } else { (HUB, written) };
        let host = if host == "index.docker.io" { HUB } else { host };
        let repository = if host == HUB && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        let good = !host.is_empty() && repository.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        let reference = digest.or(tag).unwrap_or("latest");
        (good && !reference.is_empty()).then(|| Self {
            host: host.to_owned(),
            repository,
            reference: reference.to_owned(),
            written: written.to_owned(),
        })
    }

    /// The digest that it is named by.
    pub fn digest(&self) -> Option<&str> {
        is_digest(&self.reference).then_some(self.reference.as_str())
    }

    /// The same image by its digest alone.
    pub fn pinned(&self, digest: &str) -> String {
        format!("{}@{digest}", self.written)
    }

    /// Whether a login of a pull secret for `place` (`ghcr.io`, `https://ghcr.io/v2/`, `ghcr.io/shop`) is for it.
    pub fn is_of(&self, place: &str) -> bool {
        let place = place.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        let host = if matches!(host, "index.docker.io" | "registry-1.docker.io") { HUB } else { host };
        // `/v1/` and `/v2/` are those of the protocol, and name no repository.
        let path = if matches!(path, "v1" | "v2") { "" } else { path };
        host == self.host
            && (path.is_empty() || self.repository == path || self.repository.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }
}

/// The same rule as in a plan: what is pinned by it cannot be another image tomorrow.
fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A login of a registry. Its Debug has no password.
#[derive(Debug, Clone)]
pub struct PullLogin {
    /// The user.
    pub user: String,
    /// The password, or a token in its place.
    pub password: SecretString,
}

/// What a machine must be to run an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub architecture: String,
}

impl Platform {
    /// Of texts from outside; `None` where one of them says nothing.
    pub fn of(os: Option<&str>, architecture: Option<&str>) -> Option<Self> {
        let word = |text: Option<&str>| text.map(|t| clean(t).into_owned()).filter(|t| !t.is_empty() && t.len() < 40 && t != "unknown");
        Some(Self { os: word(os)?, architecture: word(architecture)? })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

/// What a registry has under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// `sha256:…` of what the registry answered, computed here.
    pub digest: String,
    /// The platforms that it is for, or why they are not known.
    pub platforms: Result<Vec<Platform>, String>,
}

/// Why there is no manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoManifest {
    /// The registry says that it has no such image.
    Absent,
    /// It lets nobody in with that login, or without one.
    Refused,
    /// Nothing was heard that says either.
    NotHeard(NotHeard),
}

#[cfg(test)]
mod tests {
    use super::ImageName;

    fn read(name: &str) -> Option<(String, String, String)> {
        ImageName::parse(name).map(|n| (n.host, n.repository, n.reference))
    }

    #[test]
    fn names_of_images_are_read_as_container_runtimes_do() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (name, host, repository, reference) in [
            ("nginx", "docker.io", "library/nginx", "latest"),
            ("shop/api:1.2", "docker.io", "shop/api", "1.2"),
            ("index.docker.io/shop/api:1.2", "docker.io", "shop/api", "1.2"),
            ("ghcr.io/eterna/rules:1.2", "ghcr.io", "eterna/rules", "1.2"),
            ("localhost:5000/api", "localhost:5000", "api", "latest"),
            ("localhost/api:2", "localhost", "api", "2"),
            (&format!("127.0.0.1:5000/shop/api:1@{digest}"), "127.0.0.1:5000", "shop/api", &digest),
        ] {
            assert_eq!(read(name), Some((host.to_owned(), repository.to_owned(), reference.to_owned())), "{name}");
        }
        for wrong in ["", "api:", "api@sha256:12", "ghcr.io/../x", "ghcr.io//x", "api 1", "ghcr.io/a?x=1", &"x".repeat(300)] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let pinned = ImageName::parse("ghcr.io/eterna/rules:1.2").expect("a name").pinned(&digest);
        assert_eq!(pinned, format!("ghcr.io/eterna/rules@{digest}"));
        assert_eq!(ImageName::parse(&pinned).expect("a name").digest(), Some(digest.as_str()));
    }

    #[test]
    fn a_login_is_for_its_own_registry_and_path_alone() {
        let image = ImageName::parse("ghcr.io/eterna/rules:1").expect("a name");
        for place in ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v2/", "ghcr.io/eterna", "ghcr.io/eterna/rules"] {
            assert!(image.is_of(place), "{place}");
        }
        for other in ["docker.io", "ghcr.io.evil.example", "evil.example/ghcr.io", "ghcr.io/eter", "ghcr.io:444", ""] {
            assert!(!image.is_of(other), "{other}");
        }
        assert!(ImageName::parse("nginx").expect("a name").is_of("https://index.docker.io/v1/"));
    }
}
