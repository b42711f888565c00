//! One of the two servers, as the table asks it.
//!
//! Owns how a request is sent and what of the answer is looked at: the status, two header fields, and the whole body.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use http::Request;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use super::row::Row;

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How long something may take to become true.
const PATIENCE: Duration = Duration::from_mins(1);
/// How soon it is asked again.
pub(crate) const AGAIN: Duration = Duration::from_millis(150);

/// A server, and what was kept of its answers.
pub(crate) struct Side {
    /// `simulated` or `real`.
    pub(crate) who: &'static str,
    client: Client,
    kept: HashMap<String, String>,
}

impl Side {
    /// The server that a kubeconfig names. Needs a runtime around it.
    pub(crate) async fn open(who: &'static str, kubeconfig: &Path) -> Result<Self, String> {
        let read = Kubeconfig::read_from(kubeconfig).map_err(|error| format!("{}: {error}", kubeconfig.display()))?;
        let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await.map_err(|error| error.to_string())?;
        let client = Client::try_from(config).map_err(|error| error.to_string())?;
        Ok(Self { who, client, kept: HashMap::new() })
    }

    /// Remembers a string for the rows that name it.
    pub(crate) fn keep(&mut self, name: &str, text: &str) {
        self.kept.insert(name.to_owned(), text.to_owned());
    }

    /// Sends a row, again and again where it says until when.
    pub(crate) async fn play(&mut self, row: &Row) -> Result<Value, String> {
        let ends = Instant::now() + PATIENCE;
        loop {
            let asked = tokio::time::timeout(ANSWER, self.ask(row)).await;
            let answer = asked.map_err(|_| format!("{}: {}: no answer within {} s", self.who, row.name, ANSWER.as_secs()))??;
            if row.until.is_none_or(|holds| holds(&answer["body"])) {
                for (name, pointer) in &row.keeps {
                    let text = answer["body"].pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                    self.keep(name, text);
                }
                return Ok(answer);
            }
            if Instant::now() > ends {
                return Err(format!("{}: {}: still not so after {} s:\n{answer:#}", self.who, row.name, PATIENCE.as_secs()));
            }
            // Nothing announces this through the request that the row is about: asking again is what is tested.
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn fill(&self, text: &str) -> String {
        self.kept.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    async fn ask(&self, row: &Row) -> Result<Value, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {} {}: {error}", self.who, row.method, row.path);
        let mut request = Request::builder().method(row.method).uri(self.fill(&row.path));
        if !row.headers.iter().any(|(name, _)| *name == "accept") {
            request = request.header("accept", "application/json");
        }
        for (name, value) in &row.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::from(self.fill(&row.body).into_bytes())).map_err(|error| wrong(&error))?;
        let response = self.client.send(request).await.map_err(|error| wrong(&error))?;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|error| wrong(&error))?.to_bytes();
        let field = |name| {
            head.headers
                .get_all(name)
                .iter()
                .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
                .collect::<Vec<_>>()
        };
        let watch = row.path.contains("watch=");
        Ok(json!({"code": head.status.as_u16(), "type": field(CONTENT_TYPE.as_str()).concat(), "warnings": field("warning"),
            "body": read(&String::from_utf8_lossy(&bytes), watch)}))
    }
}

/// The body as JSON: an object, the events of a watch, or the text as it is.
fn read(text: &str, watch: bool) -> Value {
    let lines = || text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
    match serde_json::from_str(text) {
        Ok(value) if !watch => value,
        _ => lines()
            .ok()
            .filter(|_| watch)
            .map_or_else(|| json!(text), |events| Value::Array(without_more_bookmarks(events))),
    }
}

/// Of bookmarks the first alone: a server that is busy sends another by its own clock (Kubernetes API, "Watch bookmarks").
fn without_more_bookmarks(mut events: Vec<Value>) -> Vec<Value> {
    let mut seen = false;
    events.retain(|event| event["type"] != "BOOKMARK" || !std::mem::replace(&mut seen, true));
    events
}
