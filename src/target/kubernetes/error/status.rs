//! Answers that say no: meta.v1 Status as JSON or protobuf, and whatever proxies answer instead.

use std::borrow::Cow;

use http::{HeaderMap, StatusCode, header};
use prost::Message;
use serde::Deserialize;

use super::{Asked, shown};
use crate::target::api::{Delivery, ErrorKind, TargetError};

/// What is read of a meta.v1 Status.
#[derive(Debug, Default, Deserialize)]
struct Refused {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    code: u16,
    #[serde(default)]
    details: Option<RefusedDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefusedDetails {
    #[serde(default)]
    retry_after_seconds: u64,
}

/// k8s.io/apimachinery runtime.Unknown.
#[derive(Clone, PartialEq, prost::Message)]
struct ProtoUnknown {
    #[prost(bytes = "bytes", tag = "2")]
    raw: bytes::Bytes,
}

/// meta.v1 Status, the fields that are read.
#[derive(Clone, PartialEq, prost::Message)]
struct ProtoStatus {
    #[prost(string, tag = "3")]
    message: String,
    #[prost(message, tag = "5")]
    details: Option<ProtoDetails>,
    #[prost(int32, tag = "6")]
    code: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ProtoDetails {
    #[prost(int32, tag = "5")]
    retry_after_seconds: i32,
}

impl Refused {
    fn parse(body: &[u8]) -> Option<Self> {
        if let Some(wrapped) = body.strip_prefix(b"k8s\0") {
            let unknown = ProtoUnknown::decode(wrapped).ok()?;
            return ProtoStatus::decode(unknown.raw).ok().map(Self::from);
        }
        serde_json::from_slice::<Self>(body).ok().filter(|s| s.kind == "Status")
    }

    fn retry_after(&self) -> Option<u64> {
        self.details.as_ref().map(|d| d.retry_after_seconds).filter(|s| *s > 0)
    }
}

impl From<ProtoStatus> for Refused {
    fn from(status: ProtoStatus) -> Self {
        let seconds = status.details.map_or(0, |d| d.retry_after_seconds);
        Self {
            kind: "Status".into(),
            message: status.message,
            code: u16::try_from(status.code).unwrap_or(0),
            details: Some(RefusedDetails { retry_after_seconds: u64::try_from(seconds).unwrap_or(0) }),
        }
    }
}

/// Says what an answer outside 2xx means.
pub(crate) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8], asked: Asked<'_>) -> TargetError {
    let refused = Refused::parse(body);
    let known = refused.is_some();
    let refused = refused.unwrap_or_default();
    let kind = kind_of(status, &refused.message, known);
    let message = match (&*refused.message, known) {
        (text, true) if !text.is_empty() => shown(&without_object(text)),
        _ => shown(&unnamed(status, headers, body, asked)),
    };
    // A gateway that gave up does not know what its upstream did, nor does an API server whose etcd was too slow.
    let doubtful = status.is_server_error() && !(known && is_before_storage(&refused.message));
    let delivery = if doubtful { asked.left() } else { Delivery::NotDone };
    let header = headers.get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse().ok());
    TargetError { kind, message, status: Some(status.as_u16()), retry_after: header.or_else(|| refused.retry_after()), delivery }
}

/// Says what an ERROR event of a watch means; `body` is its Status as JSON or `k8s\0` protobuf.
pub(crate) fn of_status_event(body: &[u8], asked: Asked<'_>) -> TargetError {
    let code = Refused::parse(body).map_or(500, |s| s.code);
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    of_answer(status, &HeaderMap::new(), body, asked)
}

fn kind_of(status: StatusCode, message: &str, known: bool) -> ErrorKind {
    if known && status.is_client_error() && is_denied(status, message) {
        return ErrorKind::Denied;
    }
    match status.as_u16() {
        401 => ErrorKind::Unauthorised,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        408 | 504 => ErrorKind::Timeout,
        409 => ErrorKind::Conflict,
        410 => ErrorKind::Gone,
        429 => ErrorKind::TooManyRequests,
        400..500 => ErrorKind::Invalid,
        500.. => ErrorKind::Server,
        _ => ErrorKind::Garbage,
    }
}

/// Admission refuses with any 4xx; the rules of RBAC only with 403 and `User "x" cannot ...`.
fn is_denied(status: StatusCode, message: &str) -> bool {
    const SIGNS: [&str; 5] = ["admission webhook", "ValidatingAdmissionPolicy", "violates PodSecurity", "exceeded quota", "admission plugin"];
    let by_rules = status == StatusCode::FORBIDDEN && message.contains("\" cannot ");
    !by_rules && SIGNS.iter().any(|s| message.contains(s))
}

/// A webhook that does not answer is asked before anything is stored: the server's own words say that it stopped there.
fn is_before_storage(message: &str) -> bool {
    message.starts_with("Internal error occurred: failed calling webhook \"")
}

/// Validation quotes the whole object that it refuses, with whatever is secret in it: only the reason is kept.
fn without_object(message: &str) -> Cow<'_, str> {
    const QUOTE: &str = "Invalid value: \"{";
    match (message.find(QUOTE), message.rfind("}\": ")) {
        (Some(start), Some(end)) if start < end => format!("{}Invalid value: {}", &message[..start], &message[end + "}\": ".len()..]).into(),
        (Some(start), _) => format!("{}Invalid value", &message[..start]).into(),
        (None, _) => message.into(),
    }
}

/// An answer without a Status: a proxy's, a login page, a redirect.
fn unnamed(status: StatusCode, headers: &HeaderMap, body: &[u8], asked: Asked<'_>) -> String {
    let what = status.canonical_reason().unwrap_or("without a name");
    let start = format!("{} answered {} {what}", asked.server, status.as_u16());
    if let Some(to) = headers.get(header::LOCATION).and_then(|v| v.to_str().ok()) {
        return format!("{start}: a redirect to {to}, not the API");
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(2048)]);
    let text = text.trim();
    if text.is_empty() || text.starts_with('<') { start } else { format!("{start}: {text}") }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use serde_json::json;

    use super::of_answer;
    use crate::target::api::Delivery;
    use crate::target::kubernetes::error::Asked;

    #[test]
    fn a_webhook_that_does_not_answer_leaves_no_doubt_and_any_other_failure_of_the_server_does() {
        let asked = Asked { server: "https://one", mutating: true };
        let delivery = |message: &str| {
            let body = json!({ "kind": "Status", "message": message, "reason": "InternalError", "code": 500 }).to_string();
            of_answer(StatusCode::INTERNAL_SERVER_ERROR, &HeaderMap::new(), body.as_bytes(), asked).delivery
        };
        let silent = "Internal error occurred: failed calling webhook \"a.example\": failed to call webhook: Post \"https://a\": EOF";
        assert_eq!(delivery(silent), Delivery::NotDone);
        assert_eq!(delivery("Internal error occurred: etcdserver: request timed out"), Delivery::MayBeDone);
        let gateway = of_answer(StatusCode::INTERNAL_SERVER_ERROR, &HeaderMap::new(), silent.as_bytes(), asked);
        assert_eq!(gateway.delivery, Delivery::MayBeDone, "a gateway's words are nobody's word");
    }
}
