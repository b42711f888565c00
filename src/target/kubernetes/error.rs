//! Failures in the words of the door: what a refused, lost or strange answer means.
//!
//! Owns the mapping from HTTP, TLS and kube errors to [`TargetError`], and the error of opening a client. Must not show
//! anything secret: bodies are cut and cleaned, outputs of credential plugins are never quoted in full.

mod status;
mod transport;

use std::error::Error as StdError;

use crate::base::problem::{Level, Problem};
use crate::base::text::{clean, elide};
use crate::target::api::{Delivery, ErrorKind, TargetError};

pub(super) use status::{of_answer, of_status_event};
pub(super) use transport::of_transport;

/// The longest message of a server that is shown, in columns.
const MESSAGE: usize = 600;

/// Why a client could not be built or its server not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problem.message)]
pub struct OpenError {
    /// What failed, why, and what to do.
    pub problem: Box<Problem>,
    /// Which exit code and which way out it has.
    pub cause: OpenCause,
}

/// What kind of failure kept a client from being opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenCause {
    /// No or malformed kubeconfig, unknown context, unreadable certificates: exit code 78.
    Configuration,
    /// Unreachable, expired credentials, TLS: exit code 3.
    Reachability,
    /// A credential plugin needs the terminal: open again with [`super::Terminal::HandedOver`]. Else exit code 3.
    NeedsTerminal,
}

impl OpenError {
    /// A failure of what the user configured.
    pub(super) fn configuration(problem: Problem) -> Self {
        Self { problem: Box::new(problem), cause: OpenCause::Configuration }
    }

    /// A failure to reach the server or to be accepted by it.
    pub(super) fn reachability(problem: Problem) -> Self {
        Self { problem: Box::new(problem), cause: OpenCause::Reachability }
    }

    /// The exit code of cli.md.
    pub const fn exit_code(&self) -> u8 {
        match self.cause {
            OpenCause::Configuration => 78,
            OpenCause::Reachability | OpenCause::NeedsTerminal => 3,
        }
    }
}

/// What a failed request is a sign of, as a problem with what to do about it. `server` is the address that was asked.
pub fn problem_of(error: &TargetError, server: &str) -> Problem {
    let hint = match error.kind {
        ErrorKind::Unreachable | ErrorKind::Timeout => "Is the address right, the VPN up, the cluster running? The console goes on trying.",
        ErrorKind::Unauthorised => "The credentials are missing, wrong or expired: log in again with the tool that wrote the kubeconfig.",
        ErrorKind::Tls => "Compare `certificate-authority`, `server` and `tls-server-name` of the cluster in the kubeconfig with the certificate.",
        ErrorKind::Garbage => "Something else than a Kubernetes API server answers there: a login page, a proxy, a wrong port.",
        ErrorKind::Forbidden => "Ask whoever manages the rights of this cluster; `timonel doctor` lists what is missing.",
        ErrorKind::Invalid => "Is `server` in the kubeconfig the address of an API server, with https:// where it wants TLS?",
        _ => "`timonel doctor` says more.",
    };
    Problem::new(Level::Error, "target:reach", sentence(&error.message)).about(server).hint(hint)
}

/// Why kube could not make a client of what is configured.
pub(super) fn of_build(error: &kube::Error) -> OpenError {
    let problem = |message: &str, hint: &str| Problem::new(Level::Error, "target:credential", sentence(&shown(message))).hint(hint);
    match error {
        kube::Error::Auth(auth) => {
            OpenError::configuration(problem(&transport::of_credentials(auth), "Log in again with the tool that wrote the kubeconfig."))
        }
        kube::Error::InferKubeconfig(why) => {
            // kube quotes paths twice.
            let why = why.to_string().replace("'\"", "'").replace("\"'", "'");
            OpenError::configuration(problem(&why, "Check the files and the data that the kubeconfig names."))
        }
        kube::Error::RustlsTls(why) => {
            let message = format!("the certificates of the kubeconfig cannot be used: {why}");
            OpenError::configuration(problem(&message, "Check client-certificate, client-key and certificate-authority."))
        }
        other => OpenError::configuration(problem(&other.to_string(), "Check the kubeconfig.")),
    }
}

/// An error of the credentials themselves: nothing was sent.
pub(super) fn unauthorised(message: &str) -> TargetError {
    TargetError::new(ErrorKind::Unauthorised, shown(message))
}

/// What the answer should not look like.
pub(super) fn garbage(message: &str) -> TargetError {
    TargetError::new(ErrorKind::Garbage, shown(message))
}

/// Text from outside in one line that may be shown.
pub(super) fn shown(text: &str) -> String {
    let line: Vec<&str> = text.split(['\n', '\r']).map(str::trim).filter(|l| !l.is_empty()).collect();
    elide(&clean(&line.join(" ")), MESSAGE).into_owned()
}

/// The same with a capital letter (an address keeps its own) and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let mut out =
        if text.starts_with("http") { text.to_owned() } else { chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default() };
    if !out.ends_with(['.', '!', '?']) {
        out.push('.');
    }
    out
}

/// The first error of a type in a chain of causes; also looks into `std::io::Error`, whose `source` skips what it wraps.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<T>() {
            return Some(found);
        }
        let inner = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(found) = inner.and_then(|e| find::<T>(e)) {
            return Some(found);
        }
        next = current.source();
    }
    None
}

/// What is known about a request once it failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// `https://api.example:6443`.
    pub(super) server: &'a str,
    /// Whether it would have changed something.
    pub(super) mutating: bool,
}

impl Asked<'_> {
    /// What may have become of a request that left.
    pub(super) const fn left(self) -> Delivery {
        if self.mutating { Delivery::MayBeDone } else { Delivery::NotDone }
    }

    /// The deadline passed before an answer began. The connection has a shorter deadline of its own, so the request left.
    pub(super) fn timeout(self, seconds: u64) -> TargetError {
        let message = format!("no answer from {} within {seconds} s", self.server);
        TargetError { delivery: self.left(), ..TargetError::new(ErrorKind::Timeout, message) }
    }
}
