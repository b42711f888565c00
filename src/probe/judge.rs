//! From one answer to one result.
//!
//! Owns what an answer means by itself; thresholds come after (`track`). What is not an answer of the endpoint (no network here, no
//! right) is unknown or unauthorised and never good news.

use jiff::Timestamp;
use serde_json::Value;

use crate::base::text::elide;
use crate::service::{Expect, JsonType, ProbeKind, ProbeSpec};
use crate::target::api::ErrorKind;
use crate::target::probe::{Answer, CertificateFacts, Heard, HttpAnswer, NotHeard, ProbeResult, Refusal, TlsAnswer};
use crate::target::sql::Rows;

/// So wide is what is shown of a value.
const SHOWN: usize = 60;

/// What one answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The result, thresholds aside.
    pub result: ProbeResult,
    /// In a few words: `200`, `71 days left`, `503`, `connection refused`.
    pub detail: String,
    /// Ok, but not for long.
    pub near: Option<Near>,
    /// It says nothing about the service: this identity may not ask, this version cannot, or nobody wanted it asked and it cannot
    /// be reached. Goes to problems and does not change health (contract.md 1).
    pub excused: bool,
    /// Until when the certificate that was seen is valid.
    pub expires: Option<Timestamp>,
}

/// How near a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Near {
    /// A matter of attention.
    Warn,
    /// A matter of alarm.
    Crit,
}

impl Verdict {
    pub(super) fn new(result: ProbeResult, detail: impl Into<String>) -> Self {
        Self { result, detail: detail.into(), near: None, excused: false, expires: None }
    }

    pub(super) fn excused(self) -> Self {
        Self { excused: true, ..self }
    }
}

/// Judges one answer, heard at `now`.
pub fn judge(spec: &ProbeSpec, answer: &Answer, now: Timestamp) -> Verdict {
    match &answer.heard {
        Err(why) => not_heard(spec, why),
        Ok(Heard::Http(page)) => {
            let expires = page.certificate.as_ref().map(|c| c.not_after);
            Verdict { expires, ..http(spec, page) }
        }
        Ok(Heard::Connected) => Verdict::new(ProbeResult::Ok, "open"),
        Ok(Heard::Tls(shown)) => tls(spec, shown, now),
        Ok(Heard::Rows(rows)) => answered(spec, rows),
    }
}

fn not_heard(spec: &ProbeSpec, why: &NotHeard) -> Verdict {
    let result = match why.kind {
        ErrorKind::Unauthorised | ErrorKind::Forbidden | ErrorKind::ReadOnly => ProbeResult::Unauthorised,
        _ if why.here || !spec.declared => ProbeResult::Unknown,
        _ => ProbeResult::Failed,
    };
    let verdict = Verdict::new(result, why.message.clone());
    let excused = !spec.declared || (result == ProbeResult::Unauthorised && why.here);
    if excused { verdict.excused() } else { verdict }
}

fn answered(spec: &ProbeSpec, rows: &Rows) -> Verdict {
    let ProbeKind::Sql { expect, .. } = &spec.kind else { return Verdict::new(ProbeResult::Unknown, "a database answered, which was not asked") };
    let first = rows.rows.first().map(|_| elide(rows.first().unwrap_or("NULL"), SHOWN).into_owned());
    match (first, expect) {
        (None, _) => Verdict::new(ProbeResult::Failed, "no row"),
        (Some(first), None) => Verdict::new(ProbeResult::Ok, first),
        (Some(first), Some(expect)) if expect.holds(rows.first()) => Verdict::new(ProbeResult::Ok, first),
        (Some(first), Some(expect)) => Verdict::new(ProbeResult::Failed, format!("{first}, expected {expect}")),
    }
}

fn http(spec: &ProbeSpec, page: &HttpAnswer) -> Verdict {
    let status = page.status;
    if !spec.expect.status.contains(status) {
        return match status {
            401 | 403 => Verdict::new(ProbeResult::Unauthorised, format!("{status}: the endpoint wants other credentials")),
            404 | 410 | 501 if spec.optional => Verdict::new(ProbeResult::NotImplemented, format!("{status}: not there yet")),
            300..=399 => {
                let to = page
                    .header("location")
                    .map_or_else(String::new, |to| format!(" to {}", to.split('?').next().unwrap_or_default()));
                Verdict::new(ProbeResult::Failed, format!("{status}: redirected{to}"))
            }
            _ => Verdict::new(ProbeResult::Failed, format!("{status}, expected {}", spec.expect.status)),
        };
    }
    match unmet(&spec.expect, page) {
        None => Verdict::new(ProbeResult::Ok, status.to_string()),
        Some(Unmet::Because(why)) => Verdict::new(ProbeResult::Failed, format!("{status}, but {why}")),
        Some(Unmet::TooLong) => Verdict::new(ProbeResult::Unknown, format!("{status}, but the body is too long to be judged")),
    }
}

/// An expectation that does not hold.
enum Unmet {
    Because(String),
    /// The body was cut, and what is there does not decide it.
    TooLong,
}

fn unmet(expect: &Expect, page: &HttpAnswer) -> Option<Unmet> {
    for (name, value) in &expect.headers {
        match page.header(name) {
            Some(found) if found == value => {}
            Some(found) => return Some(Unmet::Because(format!("the header {name} is '{found}'"))),
            None => return Some(Unmet::Because(format!("the header {name} is missing"))),
        }
    }
    if let Some(text) = expect.body.as_ref().filter(|text| !page.body.contains(text.as_str())) {
        return Some(if page.cut { Unmet::TooLong } else { Unmet::Because(format!("the body does not contain '{text}'")) });
    }
    if expect.json_type.is_none() && expect.json.is_none() {
        return None;
    }
    match (serde_json::from_str::<Value>(&page.body), page.cut) {
        (Ok(value), _) => unmet_json(expect, &value).map(Unmet::Because),
        (Err(_), false) => Some(Unmet::Because("the body is not JSON".into())),
        // Of a body that was cut, the first character tells its type.
        (Err(_), true) => match (expect.json_type, expect.json.is_some(), page.body.trim_start().chars().next()) {
            (Some(JsonType::Array), false, Some('[')) | (Some(JsonType::Object), false, Some('{')) => None,
            _ => Some(Unmet::TooLong),
        },
    }
}

fn unmet_json(expect: &Expect, value: &Value) -> Option<String> {
    if let Some(wanted) = expect.json_type.filter(|wanted| *wanted != JsonType::of(value)) {
        return Some(format!("the body is JSON of type {}, not {}", JsonType::of(value).word(), wanted.word()));
    }
    expect
        .json
        .as_ref()
        .and_then(|wanted| missing(wanted, value, ""))
        .map(|path| format!("the body's {path} is not as expected"))
}

/// The path at which `value` lacks something of `wanted`: objects may hold more, everything else must be equal.
fn missing(wanted: &Value, value: &Value, path: &str) -> Option<String> {
    match (wanted, value) {
        (Value::Object(wanted), Value::Object(value)) => wanted.iter().find_map(|(key, wanted)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            value.get(key).map_or_else(|| Some(path.clone()), |value| missing(wanted, value, &path))
        }),
        (wanted, value) if wanted == value => None,
        _ => Some(if path.is_empty() { "content".to_owned() } else { path.to_owned() }),
    }
}

fn tls(spec: &ProbeSpec, shown: &TlsAnswer, now: Timestamp) -> Verdict {
    let certificate = &shown.certificate;
    let verdict = if let Some(refusal) = &shown.refused {
        Verdict::new(ProbeResult::Failed, refused(refusal, certificate, now))
    } else {
        let left = certificate.not_after.as_second() - now.as_second();
        let days = |days: u32| i64::from(days) * 86_400;
        let near = match &spec.kind {
            ProbeKind::Tls { crit_days, .. } if left < days(*crit_days) => Some(Near::Crit),
            ProbeKind::Tls { warn_days, .. } if left < days(*warn_days) => Some(Near::Warn),
            _ => None,
        };
        Verdict { near, ..Verdict::new(ProbeResult::Ok, format!("{} left", span(left))) }
    };
    Verdict { expires: Some(certificate.not_after), ..verdict }
}

fn refused(refusal: &Refusal, certificate: &CertificateFacts, now: Timestamp) -> String {
    match refusal {
        Refusal::Expired => format!("the certificate expired {} ago", span(now.as_second() - certificate.not_after.as_second())),
        Refusal::WrongName if !certificate.names.is_empty() => {
            let shown: Vec<&str> = certificate.names.iter().take(3).map(String::as_str).collect();
            let more = if certificate.names.len() > shown.len() { ", …" } else { "" };
            format!("the certificate is for {}{more}", shown.join(", "))
        }
        Refusal::Untrusted => format!("nobody trusted here signed the certificate (issuer: {})", certificate.issuer),
        other => other.words(),
    }
}

/// Days, or hours when it is less than two days.
fn span(seconds: i64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3600);
    if days >= 2 { format!("{days} days") } else { format!("{hours} h") }
}
