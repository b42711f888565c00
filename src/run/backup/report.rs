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
use crate::run::facts::{items, text};
use crate::run::plan::Plan;
use crate::target::api::{ErrorKind, Read, TargetError};
use crate::target::model::{Kind, Scope};

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

/// The report among the pods of a Job.
pub(in crate::run) fn of(pods: &[Value]) -> Result<Report, NoReport> {
    let ended = pods.iter().flat_map(|pod| items(pod, "/status/containerStatuses"));
    let said: Vec<String> = ended.map(|c| text(c, "/state/terminated/message")).filter(|t| !t.is_empty()).collect();
    let said = said.last().ok_or(NoReport::Unreadable)?;
    let value: Value = serde_json::from_str(said).map_err(|_| NoReport::Unreadable)?;
    if let Some(why) = value.get("failed").and_then(Value::as_str) {
        return Err(NoReport::Failed(clean(why).into_owned()));
    }
    let report: Report = serde_json::from_value(value).map_err(|_| NoReport::Unreadable)?;
    let whole = report.bytes > 0 && report.sha256.len() == 64 && report.sha256.bytes().all(|b| b.is_ascii_hexdigit()) && !report.file.is_empty();
    if whole { Ok(report) } else { Err(NoReport::Unreadable) }
}

/// The report of a run's Job.
pub(in crate::run) async fn read(read: &dyn Read, plan: &Plan) -> Result<Report, TargetError> {
    let namespace = plan.subject().namespace.clone();
    let pods = read.list(Kind::Pod, &Scope::Namespace(namespace), &format!("timonel.io/run={}", plan.id), "").await?;
    of(&pods).map_err(|_| TargetError::new(ErrorKind::NotFound, "its Job does not say any more what it made".to_owned()))
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

    use super::{NoReport, of};

    fn pods(message: &str) -> Vec<Value> {
        vec![json!({ "status": { "containerStatuses": [{ "state": { "terminated": { "message": message } } }] } })]
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
        assert_eq!(of(&[]), Err(NoReport::Unreadable));
        assert_eq!(of(&pods("{\"failed\":\"no\\u001b[2J room\"}")), Err(NoReport::Failed("no room".into())));
    }
}
