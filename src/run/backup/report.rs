//! What the Job of a dump says of it, in its termination message.
//!
//! Owns the shape and when it counts. It comes from a container: it is cleaned, bounded by the kubelet (4 KiB), and believed only
//! with all of its parts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::quantity;
use crate::base::text::clean;
use crate::run::event::Progress;
use crate::run::facts::{items, text};

/// A dump that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Name of its file on the volume.
    pub file: String,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in hex, summed where it lies.
    pub sha256: String,
    /// Tables whose rows it holds.
    pub tables: u64,
    /// Major version of the server.
    pub server: u32,
    /// Size of the database then.
    pub database_bytes: u64,
    /// Revision of the schema; empty = not known.
    pub revision: String,
    /// Rows of the largest tables, as the server estimates them.
    pub rows: BTreeMap<String, u64>,
}

/// Why there is no report that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) enum NoReport {
    /// The script says why it failed.
    Failed(String),
    /// There is none, or not a whole one.
    Unreadable,
}

/// Why a dump that was read again does not count as whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) enum Reread {
    /// It is not what it was.
    Damaged(String),
    /// It could not be told.
    Failed(String),
    /// The Job says nothing that can be read.
    Unreadable,
}

/// What a container of the pods of a Job said at its end.
fn said(pods: &[Value], container: &str) -> Option<Value> {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let all = pods.iter().flat_map(|pod| lists.into_iter().flat_map(move |list| items(pod, list)));
    let ended = all.filter(|c| text(c, "/name") == container);
    let said: Vec<String> = ended.map(|c| text(c, "/state/terminated/message")).filter(|t| !t.is_empty()).collect();
    serde_json::from_str(said.last()?).ok()
}

fn word(said: &Value, name: &str) -> Option<String> {
    said.get(name).and_then(Value::as_str).map(|why| clean(why).into_owned())
}

/// What the pods of a Job say of a dump that they read again.
pub(in crate::run) fn reread(pods: &[Value]) -> Result<(), Reread> {
    let said = said(pods, "verify").ok_or(Reread::Unreadable)?;
    let word = |name| word(&said, name);
    match (word("whole"), word("damaged"), word("failed")) {
        (Some(_), None, None) => Ok(()),
        (None, Some(why), None) => Err(Reread::Damaged(why)),
        (None, None, Some(why)) => Err(Reread::Failed(why)),
        _ => Err(Reread::Unreadable),
    }
}

/// How the object store was found to have a dump, or why it does not.
pub(in crate::run) fn uploaded(pods: &[Value]) -> Result<String, String> {
    let said = said(pods, "upload").ok_or("the Job does not say that it was uploaded")?;
    match (said.get("uploaded").and_then(Value::as_u64), word(&said, "checked"), word(&said, "failed")) {
        (Some(_), Some(checked), None) if !checked.is_empty() => Ok(checked),
        (_, _, Some(why)) => Err(why),
        _ => Err("the Job does not say that it was uploaded".to_owned()),
    }
}

/// How far a Job is, as the last line of its log says it.
pub(in crate::run) fn progress(line: &Value) -> Option<Progress> {
    let number = |name: &str| line.get(name).and_then(Value::as_u64);
    let bytes = quantity::bytes(number("bytes")?);
    let tables = number("tables").and_then(|n| i64::try_from(n).ok());
    let of = number("of").and_then(|n| i64::try_from(n).ok()).filter(|n| *n > 0);
    match line.get("phase").and_then(Value::as_str)? {
        "dumping" => {
            let counted = tables.zip(of).map(|(n, of)| format!(", {n} of {of} tables")).unwrap_or_default();
            Some(Progress { done: of.and(tables), of, text: format!("{bytes} written{counted}"), ..Progress::default() })
        }
        "uploading" => Some(Progress { text: format!("{bytes} are uploaded"), ..Progress::default() }),
        "reading" => Some(Progress { text: format!("{bytes} are read again"), ..Progress::default() }),
        _ => None,
    }
}

/// The report among the pods of a Job.
pub(in crate::run) fn of(pods: &[Value]) -> Result<Report, NoReport> {
    let value = said(pods, "dump").ok_or(NoReport::Unreadable)?;
    if let Some(why) = word(&value, "failed") {
        return Err(NoReport::Failed(why));
    }
    let report: Report = serde_json::from_value(value).map_err(|_| NoReport::Unreadable)?;
    let whole = report.bytes > 0 && report.sha256.len() == 64 && report.sha256.bytes().all(|b| b.is_ascii_hexdigit()) && !report.file.is_empty();
    if whole { Ok(report) } else { Err(NoReport::Unreadable) }
}

impl Report {
    /// In one line.
    pub fn words(&self) -> String {
        let tables = if self.tables == 1 { "1 table".to_owned() } else { format!("{} tables", self.tables) };
        format!("{}: {} with {tables}, read to its end, sha256 {}", clean(&self.file), quantity::bytes(self.bytes), &self.sha256[..12])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{NoReport, Reread, of, progress, reread, uploaded};

    fn pods(message: &str) -> Vec<Value> {
        let status = |name: &str| json!({ "name": name, "state": { "terminated": { "message": message } } });
        vec![json!({ "status": { "containerStatuses": [status("verify"), status("upload")], "initContainerStatuses": [status("dump")] } })]
    }

    #[test]
    fn only_a_whole_report_counts() {
        let whole = json!({ "file": "a.dump", "bytes": 2048, "sha256": "c".repeat(64), "tables": 1, "server": 15, "database_bytes": 9, "revision": "", "rows": {} });
        let report = of(&pods(&whole.to_string())).expect("a report");
        assert_eq!(report.words(), "a.dump: 2Ki with 1 table, read to its end, sha256 cccccccccccc");
        for (field, value) in [("bytes", json!(0)), ("sha256", json!("c0ffee")), ("file", json!("")), ("tables", Value::Null)] {
            let mut part = whole.clone();
            part[field] = value;
            assert_eq!(of(&pods(&part.to_string())), Err(NoReport::Unreadable), "{field}");
        }
        assert_eq!(reread(&pods("{\"whole\":\"a.dump\"}")), Ok(()));
        assert_eq!(reread(&pods("{\"damaged\":\"half of it\"}")), Err(Reread::Damaged("half of it".into())));
        assert_eq!(reread(&pods("{\"whole\":\"a\",\"damaged\":\"b\"}")), Err(Reread::Unreadable), "both is neither");
        assert_eq!(uploaded(&pods("{\"uploaded\":9,\"checked\":\"sha256\"}")), Ok("sha256".into()));
        assert_eq!(uploaded(&pods("{\"failed\":\"AccessDenied\"}")), Err("AccessDenied".into()));
        assert!(uploaded(&pods("{\"uploaded\":9}")).is_err() && uploaded(&[]).is_err(), "what is not checked is not uploaded");
        let far = progress(&json!({ "phase": "dumping", "bytes": 2048, "tables": 1, "of": 3 })).expect("progress");
        assert_eq!((far.text.as_str(), far.done, far.of), ("2Ki written, 1 of 3 tables", Some(1), Some(3)));
        assert_eq!(progress(&json!({ "pruned": "x" })), None);
        assert_eq!(of(&[]), Err(NoReport::Unreadable));
        assert_eq!(of(&pods("{\"failed\":\"no\\u001b[2J room\"}")), Err(NoReport::Failed("no room".into())));
    }
}
