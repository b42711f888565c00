//! What the Job of a dump says of it, in its termination message.
//!
//! Owns the shape and when it counts. It comes from a container: it is cleaned, bounded by the kubelet (4 KiB), and believed only
//! with all of its parts.

use std::collections::BTreeMap;

use jiff::Timestamp;
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
    /// Major version of what dumped it: older ones do not restore it. 0 = not known.
    #[serde(default)]
    pub client: u32,
    /// Size of the database then.
    pub database_bytes: u64,
    /// Revision of the schema; empty = not known.
    pub revision: String,
    /// Rows of the largest tables, as the server estimates them; null = it does not know.
    pub rows: BTreeMap<String, Option<u64>>,
    /// When it had been read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
}

/// So many deleted files are told by name; the log of the Job has all of them.
const TOLD: usize = 3;

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

/// The containers of pods, in the order in which they run.
fn statuses(pods: &[Value]) -> impl Iterator<Item = &Value> {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    pods.iter().flat_map(move |pod| lists.into_iter().flat_map(move |list| items(pod, list)))
}

/// What a container of the pods of a Job said at its end.
fn said(pods: &[Value], container: &str) -> Option<Value> {
    let ended = statuses(pods).filter(|c| text(c, "/name") == container);
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

/// What was deleted after a dump, because it was older than it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(in crate::run) struct Pruned {
    /// What the names of their files have after that of the backup.
    pruned: Vec<String>,
    /// Why something stays that is as old; empty = nothing does.
    kept: String,
}

impl Pruned {
    /// Their files, where `file` is the new one: they are named alike.
    pub(in crate::run) fn files(&self, file: &str) -> Vec<String> {
        let length = self.pruned.first().map_or(0, String::len) + ".dump".len();
        let prefix = file.len().checked_sub(length).and_then(|at| file.get(..at)).unwrap_or_default();
        self.pruned.iter().map(|rest| clean(&format!("{prefix}{rest}.dump")).into_owned()).collect()
    }

    /// In words, behind what is said of the new one.
    pub(in crate::run) fn words(&self) -> String {
        let deleted = match self.pruned.len() {
            0 => String::new(),
            n if n > TOLD => format!("; {n} older ones are deleted: {} and others", clean(&self.pruned[..TOLD].join(", "))),
            n => format!("; {n} older deleted: {}", clean(&self.pruned.join(", "))),
        };
        if self.kept.is_empty() { deleted } else { format!("{deleted}; kept: {}", clean(&self.kept)) }
    }
}

/// What was deleted; nothing, where nothing is to be or nobody says it.
pub(in crate::run) fn pruned(pods: &[Value]) -> Pruned {
    said(pods, "prune").and_then(|said| serde_json::from_value(said).ok()).unwrap_or_default()
}

/// When a container of those pods ended.
pub(in crate::run) fn ended_at(pods: &[Value], container: &str) -> Option<Timestamp> {
    let ended = statuses(pods).filter(|c| text(c, "/name") == container);
    ended.filter_map(|c| text(c, "/state/terminated/finishedAt").parse().ok()).max()
}

/// The pod of a Job and the container in it that runs now, by their names.
pub(in crate::run) fn running(pods: &[Value]) -> Option<(&Value, String)> {
    pods.iter().find_map(|pod| {
        let runs = statuses(std::slice::from_ref(pod)).find(|c| c.pointer("/state/running").is_some())?;
        Some((pod, text(runs, "/name")))
    })
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

    use super::{NoReport, Pruned, Reread, ended_at, of, progress, pruned, reread, running, uploaded};

    fn pods(message: &str) -> Vec<Value> {
        let status = |name: &str| json!({ "name": name, "state": { "terminated": { "message": message } } });
        vec![json!({ "status": { "containerStatuses": [status("verify"), status("upload")], "initContainerStatuses": [status("dump")] } })]
    }

    fn merged(one: &Value, other: &Value) -> String {
        let fields = [one, other]
            .into_iter()
            .filter_map(Value::as_object)
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone()));
        Value::Object(fields.collect()).to_string()
    }

    #[test]
    fn what_runs_and_when_something_ended_is_seen_in_each_container_of_a_pod() {
        let ended = |name: &str, at: &str| json!({ "name": name, "state": { "terminated": { "finishedAt": at } } });
        let status = json!({ "phase": "Pending", "initContainerStatuses": [ended("dump", "2026-11-30T03:00:00Z"), { "name": "upload", "state": { "running": {} } }],
            "containerStatuses": [{ "name": "prune", "state": { "waiting": {} } }] });
        let pods = [json!({ "metadata": { "name": "p" }, "status": status })];
        assert_eq!(running(&pods).map(|(pod, container)| (pod["metadata"]["name"].clone(), container)), Some((json!("p"), "upload".into())));
        assert_eq!(ended_at(&pods, "dump"), Some("2026-11-30T03:00:00Z".parse().expect("a time")));
        assert_eq!((ended_at(&pods, "upload"), ended_at(&pods, "verify")), (None, None));
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
        let again = json!({ "pruned": ["20261101T030000-00ff", "20261102T030000-00fe"], "kept": "" });
        let deleted: Pruned = serde_json::from_value(again).expect("what was deleted");
        assert_eq!(
            deleted.files("shop-db-20261130T030000-0001.dump"),
            ["shop-db-20261101T030000-00ff.dump", "shop-db-20261102T030000-00fe.dump"]
        );
        assert_eq!(deleted.words(), "; 2 older deleted: 20261101T030000-00ff, 20261102T030000-00fe");
        assert_eq!((pruned(&[]).words(), pruned(&[]).files("a.dump")), (String::new(), Vec::new()), "nobody says it");
        let unknown = json!({ "rows": { "t": null } });
        assert_eq!(of(&pods(&merged(&whole, &unknown))).expect("a report").rows["t"], None, "rows that nobody counted are not 0 rows");
        assert_eq!(of(&[]), Err(NoReport::Unreadable));
        assert_eq!(of(&pods("{\"failed\":\"no\\u001b[2J room\"}")), Err(NoReport::Failed("no room".into())));
    }
}
