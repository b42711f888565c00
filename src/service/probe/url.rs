//! Addresses of probes: URLs and `host:port`.
//!
//! Owns what is accepted: nothing with a password in it, nothing that is not an address.

use std::fmt;

use super::ProbeKind;
use super::defaults::{CRIT_DAYS, WARN_DAYS};
use crate::base::toml::{quoted, word_hint};

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') { write!(f, "[{}]:{}", self.host, self.port) } else { write!(f, "{}:{}", self.host, self.port) }
    }
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EndpointError {
    /// One sentence. Never contains what could be a password.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

fn refuse<T>(message: impl Into<String>, hint: impl Into<String>) -> Result<T, EndpointError> {
    Err(EndpointError { message: message.into(), hint: Some(hint.into()) })
}

impl Endpoint {
    /// Reads `host:port`, `[::1]:port`, and with a default port also `host`.
    pub fn parse(text: &str, default_port: Option<u16>) -> Result<Self, EndpointError> {
        const HINT: &str = "Write host:port, an IPv6 address in brackets: [::1]:443.";
        if text.contains('@') {
            return refuse("The address holds a user or password.", "Keep credentials out of addresses; a header can refer to a secret.");
        }
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, tail)) => (host, tail.strip_prefix(':')),
            None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let port = match (port.map(str::parse::<u16>), default_port) {
            (Some(Ok(port)), _) | (None, Some(port)) if port > 0 => port,
            (None, None) => return refuse(format!("{} has no port.", quoted(text)), HINT),
            _ => return refuse(format!("{} has no port between 1 and 65535.", quoted(text)), HINT),
        };
        let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_') || (text.starts_with('[') && matches!(c, ':' | '%'));
        if host.is_empty() || !host.chars().all(good) {
            return refuse(format!("{} has no host.", quoted(text)), HINT);
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// The kind of probe that a URL means.
pub(super) fn kind(text: &str) -> Result<ProbeKind, EndpointError> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return refuse(
            format!("{} is no URL.", quoted(text.split('@').next_back().unwrap_or_default())),
            "Write http://, https://, tcp://host:port or tls://host:port.",
        );
    };
    match scheme {
        "http" | "https" => {
            check_http(text)?;
            Ok(ProbeKind::Http { url: text.to_owned() })
        }
        "tcp" => Ok(ProbeKind::Tcp { at: Endpoint::parse(rest.trim_end_matches('/'), None)? }),
        "tls" => Ok(ProbeKind::Tls { at: Endpoint::parse(rest.trim_end_matches('/'), Some(443))?, warn_days: WARN_DAYS, crit_days: CRIT_DAYS }),
        other => Err(EndpointError {
            message: format!("Probes cannot ask by {}.", quoted(other)),
            hint: word_hint(other, ["http", "https", "tcp", "tls"]),
        }),
    }
}

/// Whether `text` is an `http` or `https` URL with a host and without credentials.
pub(super) fn check_http(text: &str) -> Result<(), EndpointError> {
    let Some((default_port, rest)) = text
        .strip_prefix("https://")
        .map(|rest| (443, rest))
        .or_else(|| text.strip_prefix("http://").map(|rest| (80, rest)))
    else {
        return refuse("The URL must begin with http:// or https://.", "Write the whole address: https://shop.example.com/health");
    };
    if rest.contains(char::is_whitespace) || rest.contains(char::is_control) {
        return refuse("The URL holds a space.", "Write %20 for a space.");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    Endpoint::parse(authority, Some(default_port)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, ProbeKind, kind};
    use crate::service::ProbeSpec;

    #[test]
    fn a_probe_is_made_from_what_the_command_line_gives() {
        for (text, word, target, id) in [
            ("https://shop.example.com/health?token=x", "http", "https://shop.example.com/health", "shop.example.com/health"),
            ("http://127.0.0.1:8080", "http", "http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("tcp://db.internal:5432", "tcp", "db.internal:5432", "tcp://db.internal:5432"),
            ("tls://shop.example.com", "tls", "shop.example.com:443", "tls://shop.example.com"),
            ("tls://[::1]:8443", "tls", "[::1]:8443", "tls://[::1]:8443"),
        ] {
            let spec = ProbeSpec::from_url(text).expect(text);
            assert_eq!((spec.kind.word(), spec.kind.target().as_str(), spec.id.as_str()), (word, target, id), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_a_password_is_never_repeated() {
        for text in [
            "shop.example.com",
            "ftp://x",
            "http://",
            "https:///path",
            "tcp://db",
            "tcp://db:0",
            "tcp://db:99999",
            "tls://:443",
            "http://a b/",
            "https://u:hunter2@x/",
        ] {
            let error = kind(text).expect_err(text);
            assert!(!error.message.contains("hunter2") && error.hint.is_some(), "{text}: {error:?}");
        }
        assert!(kind("u:hunter2@x").expect_err("no URL").message.contains("'x'"));
        assert!(matches!(kind("htp://x"), Err(e) if e.hint.as_deref() == Some("Did you mean 'http'?")));
    }

    #[test]
    fn endpoints_read_back_as_they_are_written() {
        for text in ["db:5432", "[::1]:443", "10.0.0.1:80"] {
            assert_eq!(Endpoint::parse(text, None).expect(text).to_string(), text);
        }
        assert_eq!(kind("tcp://db:5432/"), Ok(ProbeKind::Tcp { at: Endpoint { host: "db".into(), port: 5432 } }));
    }
}
