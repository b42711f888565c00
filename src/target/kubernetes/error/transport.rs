//! Failures before an answer began, or while its body came: connections, TLS, the gate, credentials.

use std::error::Error as StdError;
use std::io;

use hyper_util::client::legacy;
use kube::client::AuthError;
use rustls::CertificateError;

use super::{Asked, find, shown, unauthorised};
use crate::target::api::{Delivery, ErrorKind, TargetError};
use crate::target::kubernetes::client::ConnectTimeout;
use crate::target::kubernetes::gate::Refusal;

/// Says what went wrong with a request that got no (whole) answer.
pub(crate) fn of_transport(error: &(dyn StdError + 'static), asked: Asked<'_>) -> TargetError {
    if let Some(refusal) = find::<Refusal>(error) {
        return TargetError::new(ErrorKind::ReadOnly, refusal.to_string());
    }
    if let Some(auth) = find::<AuthError>(error) {
        return unauthorised(&of_credentials(auth));
    }
    let connecting = find::<legacy::Error>(error).is_some_and(legacy::Error::is_connect);
    let delivery = if connecting { Delivery::NotDone } else { asked.left() };
    let (kind, message) = if let Some(tls) = find::<rustls::Error>(error) {
        (ErrorKind::Tls, format!("TLS with {}: {}", asked.server, of_tls(tls)))
    } else if let Some(timeout) = find::<ConnectTimeout>(error) {
        (ErrorKind::Unreachable, format!("no connection to {}: {timeout}", asked.server))
    } else if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        (ErrorKind::Garbage, format!("{} answers something that is not HTTP", asked.server))
    } else if connecting {
        (ErrorKind::Unreachable, format!("no connection to {}: {}", asked.server, of_connection(error)))
    } else {
        (ErrorKind::Unreachable, format!("the connection to {} broke: {}", asked.server, of_connection(error)))
    };
    TargetError { delivery, ..TargetError::new(kind, shown(&message)) }
}

/// The innermost cause, in words.
fn of_connection(error: &(dyn StdError + 'static)) -> String {
    if let Some(io) = find::<io::Error>(error) {
        match io.kind() {
            io::ErrorKind::ConnectionRefused => return "refused: nothing listens there".into(),
            io::ErrorKind::ConnectionReset => return "reset by the other side".into(),
            io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => return "closed by the other side".into(),
            io::ErrorKind::TimedOut => return "the other side went silent".into(),
            _ => {}
        }
    }
    if find::<hyper::Error>(error).is_some_and(|e| e.is_incomplete_message() || e.is_closed() || e.is_canceled()) {
        return "closed before the answer was complete".into();
    }
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Which name, which CA.
fn of_tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { expected, presented }) => {
            let names: Vec<&str> = presented.iter().map(|p| name_of(p)).collect();
            let names = if names.is_empty() { "no name at all".into() } else { format!("'{}'", names.join("', '")) };
            format!("the certificate is for {names}, not for '{}'", expected.to_str())
        }
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the server's certificate is not signed by the certificate authority of the kubeconfig".into()
        }
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
            "the server's certificate is signed by another authority of the same name: the cluster was made anew, or this is another one".into()
        }
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "the server's certificate has expired".into()
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "the server's certificate is not valid yet: is this machine's clock right?".into()
        }
        rustls::Error::AlertReceived(alert) => format!("the server refused the handshake ({alert:?}): it may want another client certificate"),
        rustls::Error::InvalidMessage(_) => "the server does not speak TLS on this port".into(),
        other => other.to_string(),
    }
}

/// `DnsName("a.example")` and `IpAddress(10.0.0.1)`, as rustls writes presented names, without the wrapping.
fn name_of(presented: &str) -> &str {
    let inner = presented.split_once('(').map_or(presented, |(_, rest)| rest.trim_end_matches(')'));
    inner.trim_matches('"')
}

/// What a failed credential means, without what a program printed (it may be the credential).
pub(crate) fn of_credentials(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { cmd, out } => {
            let program = cmd.split_whitespace().next().unwrap_or_default().trim_matches('"');
            format!("the credential program '{program}' failed with {}", out.status)
        }
        AuthError::ReadTokenFile(why, path) => format!("the token file '{}' cannot be read: {why}", path.display()),
        AuthError::Oidc(why) => format!("the OIDC token could not be refreshed: {why}"),
        other => other.to_string(),
    }
}
