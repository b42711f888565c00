//! Other systems that know something of a service.
//!
//! Owns `[sources.*]`: where they are and how to sign in. Nothing here asks them.

use crate::base::toml::{At, Table};
use crate::service::around::Around;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it knows.
    pub kind: SourceKind,
    /// Which product it is, where several know the same: `elasticsearch`, `loki`.
    pub product: Option<String>,
    /// Its address.
    pub url: Option<String>,
    /// Id of the secret that opens it.
    pub secret: Option<String>,
    /// What of it is the service's: matchers, an index, a repository, dashboards.
    pub scope: Vec<String>,
}

/// What a source knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// Measures.
    Prometheus,
    /// Alerts.
    Alertmanager,
    /// Logs beyond the life of a pod.
    Logs,
    /// Errors.
    Sentry,
    /// Dashboards.
    Grafana,
    /// Builds.
    Ci,
    /// Traces.
    Traces,
    /// Queues.
    RabbitMq,
}

const KINDS: [(&str, SourceKind); 8] = [
    ("prometheus", SourceKind::Prometheus),
    ("alertmanager", SourceKind::Alertmanager),
    ("logs", SourceKind::Logs),
    ("sentry", SourceKind::Sentry),
    ("grafana", SourceKind::Grafana),
    ("ci", SourceKind::Ci),
    ("traces", SourceKind::Traces),
    ("rabbitmq", SourceKind::RabbitMq),
];

pub(super) fn decode(root: &Table<'_>, around: &Around<'_>) -> Vec<Source> {
    let Some(table) = root.table("sources") else { return Vec::new() };
    let known = KINDS.iter().filter_map(|(word, kind)| Some(one(*kind, &table.table(word)?, around)));
    let out = known.collect();
    table.finish();
    out
}

fn one(kind: SourceKind, table: &Table<'_>, around: &Around<'_>) -> Source {
    let product = table.text("kind").map(|k| k.value);
    let url = around.text(table, "url");
    // A DSN and a token open the same door.
    let secret = around.secret(table, "dsn").or_else(|| around.secret(table, "token"));
    if !table.has("url") && !table.has("dsn") && kind != SourceKind::Ci {
        table.missing("url");
    }
    let lists = ["match", "dashboards", "queues"].into_iter().flat_map(|key| table.texts(key));
    let ones = ["index", "repo", "project"].into_iter().filter_map(|key| table.text(key));
    let filled = |text: At<String>| around.names.fill(table, text).map(|t| t.value);
    let scope = lists.chain(ones).filter_map(filled).collect();
    table.finish();
    Source { kind, product, url, secret, scope }
}
