//! From `[[probe]]` to probes of one environment.

use std::time::Duration;

use super::url::check_http;
use super::{Endpoint, EndpointError, Expect, HeaderSpec, HeaderValue, ProbeKind, ProbeSpec, defaults, expect};
use crate::base::toml::{At, Table, quoted, word_hint};
use crate::service::around::{Around, known};
use crate::service::{Expectation, Later};

/// Kinds as files write them. The ones that this version asks come first.
const KINDS: [&str; 13] =
    ["http", "http-each-pod", "tcp", "tls", "exec", "sql", "redis", "amqp", "celery", "prometheus", "container-health", "netpol-lint", "alert-lint"];

/// Keys of kinds that later versions ask; not read, not interpolated.
const LATER: [&str; 16] = [
    "argv",
    "query",
    "host",
    "url",
    "workload",
    "port",
    "path",
    "must_reach",
    "must_accept",
    "all",
    "container",
    "database",
    "warn_days",
    "crit_days",
    "expect",
    "headers",
];

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(24);
const QUICKEST: Duration = Duration::from_millis(100);
const SLOWEST: Duration = Duration::from_mins(2);

/// Header names that usually carry a secret.
const SECRET_HEADERS: [&str; 6] = ["authorization", "cookie", "x-api-key", "x-auth-token", "proxy-authorization", "x-access-token"];

/// Reads the probes of the environment that `around` describes.
pub(in crate::service) fn decode(root: &Table<'_>, around: &Around<'_>, later: &mut Vec<Later>) -> Vec<ProbeSpec> {
    let mut out: Vec<ProbeSpec> = Vec::new();
    for table in root.tables("probe") {
        let Some(id) = table.need_text("id") else {
            table.entries();
            continue;
        };
        if !around.applies(&table) {
            // It is read, and judged, in the environments that it is for.
            table.entries();
            continue;
        }
        let probe = one(&table, &id, around);
        if let Some(ProbeSpec { kind: ProbeKind::Later(kind), .. }) = &probe {
            later.push(Later { key: format!("probe.kind {kind}"), spot: table.spot().clone() });
        }
        table.finish();
        if out.iter().any(|p| p.id == id.value) {
            table.error(&id.spot, format!("A second probe has the id {}.", quoted(&id.value)), None);
        } else {
            out.extend(probe);
        }
    }
    out
}

fn one(table: &Table<'_>, id: &At<String>, around: &Around<'_>) -> Option<ProbeSpec> {
    let words: Vec<(&str, &'static str)> = KINDS.iter().map(|k| (*k, *k)).collect();
    if !table.has("kind") {
        table.missing("kind");
    }
    let word = table.word("kind", &words).map(|w| w.value);
    let kind = word.and_then(|word| kind(table, word, around));
    let (expect, headers) = match word {
        Some("http" | "http-each-pod") => (expect::decode(table), headers(table, around)),
        Some("tcp" | "tls" | "sql") => (Expect::default(), Vec::new()),
        _ => {
            table.accept(&LATER);
            (Expect::default(), Vec::new())
        }
    };
    let count = |key: &str| table.integer(key, 1..=100).and_then(|n| u32::try_from(n.value).ok());
    let title = table.text("title").map(|t| t.value);
    let timeout = table.duration("timeout", QUICKEST..=SLOWEST).map_or(defaults::TIMEOUT, |d| d.value);
    // A database has other work to do.
    let (shortest, usual) = if word == Some("sql") { (defaults::SQL_INTERVAL, defaults::SQL_INTERVAL) } else { (SHORTEST, defaults::INTERVAL) };
    let interval = table.duration("interval", shortest..=LONGEST).map_or(usual, |d| d.value);
    let fail_after = count("fail_after").unwrap_or(defaults::FAIL_AFTER);
    let pass_after = count("pass_after").unwrap_or(defaults::PASS_AFTER);
    let optional = table.flag("optional").is_some_and(|f| f.value);
    let critical = table.flag("critical").is_none_or(|f| f.value) && !optional;
    let depth = table.text("depth").map(|d| d.value);
    let id = id.value.clone();
    Some(ProbeSpec {
        id,
        title,
        kind: kind?,
        expect,
        headers,
        timeout,
        interval,
        fail_after,
        pass_after,
        optional,
        critical,
        depth,
        declared: true,
    })
}

/// What is asked; `None` with a problem recorded.
fn kind(table: &Table<'_>, word: &'static str, around: &Around<'_>) -> Option<ProbeKind> {
    let text = |key: &str| table.need_text(key).and_then(|text| around.names.fill(table, text));
    let told = |spot: &crate::base::toml::Spot, why: EndpointError| table.error(spot, why.message, why.hint);
    match word {
        "http" => {
            let url = text("url")?;
            check_http(&url.value).map_err(|why| told(&url.spot, why)).ok()?;
            Some(ProbeKind::Http { url: url.value })
        }
        "http-each-pod" => each_pod(table, around),
        "tcp" => {
            let host = text("host")?;
            let at = Endpoint::parse(&host.value, None).map_err(|why| told(&host.spot, why)).ok()?;
            Some(ProbeKind::Tcp { at })
        }
        "tls" => {
            let warn_days = table.integer("warn_days", 0..=3650).map_or(i64::from(defaults::WARN_DAYS), |d| d.value);
            let crit_days = table.integer("crit_days", 0..=3650).map_or(i64::from(defaults::CRIT_DAYS), |d| d.value);
            if crit_days > warn_days {
                table.warn(table.spot(), format!("crit_days ({crit_days}) come before warn_days ({warn_days}): the warning is never seen."), None);
            }
            let host = text("host")?;
            let at = Endpoint::parse(&host.value, Some(443)).map_err(|why| told(&host.spot, why)).ok()?;
            Some(ProbeKind::Tls { at, warn_days: u32::try_from(warn_days).ok()?, crit_days: u32::try_from(crit_days).ok()? })
        }
        "sql" => {
            let id = table.need_text("database");
            let database = id.filter(|id| known(table, id, "database", around.databases.iter())).map(|id| id.value);
            let query = around.need(table, "query");
            let written = table.text("expect");
            let expect = written.as_ref().and_then(|text| Expectation::read(table, text));
            (written.is_some() == expect.is_some()).then_some(ProbeKind::Sql { database: database?, query: query?, expect })
        }
        later => Some(ProbeKind::Later(later)),
    }
}

fn each_pod(table: &Table<'_>, around: &Around<'_>) -> Option<ProbeKind> {
    if !table.has("workload") {
        table.missing("workload");
    }
    let workload = around.workload(table, "workload");
    if !table.has("port") {
        table.missing("port");
    }
    let port = table.integer("port", 1..=65_535).and_then(|p| u16::try_from(p.value).ok());
    let path = table.text("path").and_then(|p| around.names.fill(table, p));
    let path = match path {
        Some(path) if !path.value.starts_with('/') => {
            table.error(&path.spot, format!("The path {} must begin with '/'.", quoted(&path.value)), None);
            return None;
        }
        Some(path) if path.value.split(['/', '?']).any(|part| part == "..") => {
            table.error(&path.spot, "The path must not contain '..'.", None);
            return None;
        }
        path => path.map_or_else(|| "/".to_owned(), |p| p.value),
    };
    Some(ProbeKind::HttpEachPod { workload: workload?, port: port?, path })
}

fn headers(table: &Table<'_>, around: &Around<'_>) -> Vec<HeaderSpec> {
    let Some(headers) = table.table("headers") else { return Vec::new() };
    let mut out = Vec::new();
    for (name, entry) in headers.entries() {
        let Some(value) = entry.text() else { continue };
        if name.value.is_empty() || !name.value.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)) {
            table.error(&name.spot, format!("{} is no header name.", quoted(&name.value)), None);
            continue;
        }
        if let Some(id) = value.value.strip_prefix("secret:") {
            if !around.secrets.iter().any(|known| known == id) {
                let hint = word_hint(id, around.secrets.iter().map(String::as_str));
                table.error(&value.spot, format!("There is no secret {}.", quoted(id)), hint);
                continue;
            }
            out.push(HeaderSpec { name: name.value, value: HeaderValue::Secret(id.to_owned()) });
            continue;
        }
        if SECRET_HEADERS.contains(&name.value.to_lowercase().as_str()) {
            table.warn(
                &value.spot,
                format!("The header '{}' is written in clear.", name.value),
                Some("Refer to a secret: \"secret:NAME\" of [secrets.NAME].".into()),
            );
        }
        if let Some(value) = around.names.fill(table, value) {
            out.push(HeaderSpec { name: name.value, value: HeaderValue::Literal(value.value) });
        }
    }
    out
}
