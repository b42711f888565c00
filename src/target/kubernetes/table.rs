//! First paint: kubectl's own columns, computed by the server, before the objects are there.
//!
//! Owns the request for a server-side Table. It is sent beside the real stream and may be late, denied or not understood;
//! then nothing is lost but the blink.

use std::time::Duration;

use http::{Request, header};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::client::Client;
use super::{paths, slim};
use crate::base::text::{Interner, Str};
use crate::target::event::TargetEvent;
use crate::target::model::{Kind, Scope};
use crate::target::request::StreamKey;

const ACCEPT: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// Later than this the objects themselves are nearer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Rows of an event at most: more than any screen has.
const ROWS: usize = 500;

/// When all namespaces are wanted: without objects the rows of a Table do not say where they belong, so namespaces are asked
/// one by one, this many at a time, until there are rows enough for a large screen.
const AT_A_TIME: usize = 4;
const ENOUGH: usize = 200;
const NAMESPACES: usize = 16;

/// Sends the Table of a stream as one event. For all namespaces the last column, `Namespace`, says where a row belongs.
pub(crate) async fn paint(client: Client, key: StreamKey, events: mpsc::Sender<TargetEvent>) {
    let found = match key.scope.namespace() {
        Some(namespace) => table(&client, key.kind, namespace).await,
        None => all(&client, key.kind).await,
    };
    if let Some((columns, rows)) = found {
        // Nobody to tell means that the session ends.
        let _ = events.send(TargetEvent::Table { key, columns, rows }).await;
    }
}

type Rows = (Vec<Str>, Vec<Vec<Str>>);

async fn all(client: &Client, kind: Kind) -> Option<Rows> {
    let found = tokio::time::timeout(PATIENCE, slim::list(client, Kind::Namespace, &Scope::Cluster)).await.ok()?.ok()?;
    let mut namespaces: Vec<Str> = found.iter().map(|o| o.meta().name.clone()).collect();
    namespaces.sort_unstable();
    namespaces.truncate(NAMESPACES);
    let (mut columns, mut rows) = (Vec::new(), Vec::new());
    for some in namespaces.chunks(AT_A_TIME) {
        let tables = futures_util::future::join_all(some.iter().map(|namespace| table(client, kind, namespace))).await;
        for (namespace, (titles, found)) in some.iter().zip(tables).filter_map(|(n, t)| Some((n, t?))) {
            columns = titles;
            rows.extend(found.into_iter().map(|mut row| {
                row.push(namespace.clone());
                row
            }));
        }
        if rows.len() >= ENOUGH {
            break;
        }
    }
    rows.truncate(ROWS);
    columns.push("Namespace".into());
    (!rows.is_empty()).then_some((columns, rows))
}

async fn table(client: &Client, kind: Kind, namespace: &Str) -> Option<Rows> {
    let path = paths::collection(kind, &Scope::Namespace(namespace.clone()));
    // Version 0: from the server's cache, which takes a tenth of the time.
    let path = paths::with_query(&path, &[("includeObject", "None"), ("resourceVersion", "0")]);
    let request = Request::get(path).header(header::ACCEPT, ACCEPT).body(Vec::new()).ok()?;
    let (_, body) = client.fetch(request, PATIENCE).await.ok()?;
    read(&body)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table {
    kind: String,
    column_definitions: Vec<Column>,
    rows: Option<Vec<Row>>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

#[derive(Deserialize)]
struct Row {
    cells: Vec<serde_json::Value>,
}

/// Titles and cells, as kubectl prints them.
fn read(body: &[u8]) -> Option<Rows> {
    let table: Table = serde_json::from_slice(body).ok().filter(|t: &Table| t.kind == "Table")?;
    let mut interner = Interner::default();
    let mut text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => interner.intern(text),
        serde_json::Value::Null => interner.intern(""),
        other => interner.intern(&other.to_string()),
    };
    let rows = table
        .rows
        .unwrap_or_default()
        .iter()
        .take(ROWS)
        .map(|row| row.cells.iter().map(&mut text).collect())
        .collect();
    Some((table.column_definitions.iter().map(|c| interner.intern(&c.name)).collect(), rows))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn cells_read_as_kubectl_prints_them() {
        let body = r#"{"kind":"Table","columnDefinitions":[{"name":"Name"},{"name":"Ready"},{"name":"Restarts"},{"name":"Node"}],
            "rows":[{"cells":["api\u001b[31m-1","1/1","3 (5m ago)",null]},{"cells":["db-0","0/1",0,"n1"]}]}"#;
        let (columns, rows) = read(body.as_bytes()).expect("a table");
        assert_eq!(columns, ["Name", "Ready", "Restarts", "Node"].map(Into::into));
        let rows: Vec<Vec<&str>> = rows.iter().map(|r| r.iter().map(|c| &**c).collect()).collect();
        assert_eq!(rows, [["api-1", "1/1", "3 (5m ago)", ""], ["db-0", "0/1", "0", "n1"]]);
    }

    #[test]
    fn an_answer_that_is_no_table_paints_nothing() {
        for body in ["", "<html>", r#"{"kind":"PodList","items":[]}"#, r#"{"kind":"Table","columnDefinitions":3}"#] {
            assert!(read(body.as_bytes()).is_none(), "{body}");
        }
        assert!(read(br#"{"kind":"Table","columnDefinitions":[],"rows":null}"#).is_some_and(|(_, rows)| rows.is_empty()));
    }
}
