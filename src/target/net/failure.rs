//! Why nothing was heard, from what the libraries say.
//!
//! Owns the words. A fault of this machine (no network, no resolver) is told apart from a fault of the endpoint: the first says
//! nothing about the second.

use std::error::Error;
use std::io::{self, ErrorKind as Io};

use rustls::CertificateError;

use super::super::api::ErrorKind;
use super::super::probe::{NotHeard, Refusal};
use crate::base::text::{clean, elide};

/// The longest message; certificates and resolvers can be chatty.
const LONGEST: usize = 200;

/// What an error, or one that it was caused by, means.
pub(super) fn of(error: &(dyn Error + 'static)) -> NotHeard {
    let mut last = error;
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<rustls::Error>() {
            return of_tls(found);
        }
        if let Some(known) = current.downcast_ref::<io::Error>().and_then(of_io) {
            return known;
        }
        last = current;
        // An I/O error that wraps another is passed over by its own `source`.
        let wrapped = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| current.source());
    }
    not_heard(ErrorKind::Garbage, &last.to_string(), false)
}

/// A failure in words, cleaned and bounded.
pub(super) fn not_heard(kind: ErrorKind, message: &str, here: bool) -> NotHeard {
    NotHeard { kind, message: elide(&clean(message), LONGEST).into_owned(), here }
}

/// A TLS failure.
fn of_tls(error: &rustls::Error) -> NotHeard {
    let message = match error {
        rustls::Error::InvalidCertificate(why) => refusal(why).words(),
        rustls::Error::InvalidMessage(_) => "the port does not speak TLS".into(),
        rustls::Error::AlertReceived(alert) => format!("the server ended the TLS handshake ({alert:?})"),
        other => format!("TLS: {other}"),
    };
    not_heard(ErrorKind::Tls, &message, false)
}

/// What the system said; `None` when the error only wraps another.
fn of_io(error: &io::Error) -> Option<NotHeard> {
    let text = error.to_string();
    if let Some((_, why)) = text.split_once("failed to lookup address information: ") {
        // EAI_AGAIN: the resolver did not answer. Anything else is its answer.
        let here = why.contains("Temporary failure") || why.contains("Try again");
        let message = if here { "the resolver of this machine does not answer".into() } else { format!("the name is not known: {why}") };
        return Some(not_heard(ErrorKind::Unreachable, &message, here));
    }
    let (kind, message, here) = match error.kind() {
        Io::ConnectionRefused => (ErrorKind::Unreachable, "connection refused", false),
        Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe | Io::UnexpectedEof => (ErrorKind::Garbage, "the connection was cut", false),
        Io::TimedOut => (ErrorKind::Timeout, "no answer", false),
        Io::NetworkUnreachable | Io::NetworkDown | Io::AddrNotAvailable => (ErrorKind::Unreachable, "this machine has no way there", true),
        Io::HostUnreachable => (ErrorKind::Unreachable, "no route to the host", false),
        _ if error.get_ref().is_some() => return None,
        _ => return Some(not_heard(ErrorKind::Unreachable, &text, false)),
    };
    Some(not_heard(kind, message, here))
}

/// Why a certificate is refused.
pub(super) fn refusal(why: &CertificateError) -> Refusal {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Refusal::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Refusal::NotYetValid,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Refusal::WrongName,
        // A bad signature: an authority of a trusted one's name, with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Refusal::Untrusted,
        other => Refusal::Other(elide(&clean(&other.to_string()), LONGEST).into_owned()),
    }
}
