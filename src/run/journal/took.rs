//! How long going back took: what our own runs say of it.
//!
//! Owns the last proven rollback of each workload, from its confirmation to its end. One that was not proven, or of another cluster, says
//! nothing of the next; without any there is no estimate.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize as _;

use super::{Entry, EntryKind, runs};
use crate::run::outcome::{End, Outcome};
use crate::run::plan::{Inputs, Plan};
use crate::target::model::Seconds;

/// Seconds that the last proven rollback took, by cluster and workload (`shop/deployment/api`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Took(BTreeMap<(String, String), Seconds>);

const ROLLBACK: &str = "rollback";

impl Took {
    /// What the journal says.
    pub fn of_journal(entries: &[Entry]) -> Self {
        let mut all = Self::default();
        // The newest run comes first.
        for run in runs(entries).iter().rev().filter(|r| r.action == ROLLBACK && r.outcome == Some(End::Proven)) {
            let own = || entries.iter().filter(|e| e.run.as_deref() == Some(&*run.id));
            let confirmed = own().find(|e| e.kind == EntryKind::Confirm).map(|e| e.at);
            let plan = own().find(|e| e.kind == EntryKind::Plan).map(|e| &e.data);
            let cluster = plan.and_then(|data| data.get("plan")?.pointer("/target/cluster_uid")?.as_str());
            let inputs = plan.and_then(|data| Inputs::deserialize(data.get("inputs")?).ok());
            if let Some((((confirmed, ended), cluster), inputs)) = confirmed.zip(run.ended_at).zip(cluster).zip(inputs) {
                all.add(cluster, &inputs, confirmed, ended);
            }
        }
        all
    }

    /// A run of this process is over.
    pub fn note(&mut self, plan: &Plan, outcome: &Outcome, began: Timestamp, ended: Timestamp) {
        let cluster = plan.target().cluster_uid.as_deref().filter(|_| plan.action() == ROLLBACK && outcome.outcome == End::Proven);
        if let Some(cluster) = cluster {
            self.add(cluster, plan.inputs(), began, ended);
        }
    }

    /// Of a workload on a cluster; `None` where it was never done from here.
    pub fn of(&self, cluster: Option<&str>, workload: &str) -> Option<Seconds> {
        self.0.get(&(cluster?.to_owned(), workload.to_owned())).copied()
    }

    /// One with its schema stops and starts others as well: what it is about is what was asked for.
    fn add(&mut self, cluster: &str, inputs: &Inputs, from: Timestamp, to: Timestamp) {
        let given = |name: &str| inputs.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value);
        let Some((namespace, workload)) = given("namespace").zip(given("workload")) else { return };
        // A clock that was set meanwhile tells nothing.
        if let Some(seconds) = Some(to.duration_since(from).as_secs()).filter(|s| *s >= 0) {
            self.0.insert((cluster.to_owned(), format!("{namespace}/{workload}")), seconds.max(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Took;
    use crate::run::journal::{Entry, EntryKind};

    fn entry(run: &str, at: &str, kind: EntryKind, data: Value) -> Entry {
        let fixed = json!({ "schema": "", "seq": 1, "at": at, "host": "h", "user": "ana", "run": run, "kind": kind, "prev": null, "hash": "" });
        let all = [fixed, data].into_iter().flat_map(|v| v.as_object().cloned().unwrap_or_default());
        serde_json::from_value(Value::Object(all.collect())).expect("an entry")
    }

    fn rollback(run: &str, day: u8, seconds: u8, outcome: &str, cluster: &str) -> Vec<Entry> {
        let at = |second: u8| format!("2026-11-{day:02}T09:00:{second:02}Z");
        let inputs = json!({ "parameters": [["namespace", "shop"], ["workload", "deployment/api"]], "overrides": [], "reason": null });
        let plan = json!({ "plan": { "action": "rollback", "target": { "cluster_uid": cluster } }, "inputs": inputs });
        vec![
            entry(run, &at(0), EntryKind::Plan, plan),
            entry(run, &at(10), EntryKind::Confirm, json!({})),
            entry(run, &at(10 + seconds), EntryKind::End, json!({ "outcome": outcome })),
        ]
    }

    #[test]
    fn going_back_is_said_to_take_what_the_last_proven_one_took_and_nothing_where_there_is_none() {
        let all = [
            rollback("r1", 1, 44, "proven", "c1"),
            rollback("r2", 2, 31, "proven", "c1"),
            rollback("r3", 3, 7, "failed", "c1"),
            rollback("r4", 4, 9, "proven", "c2"),
        ];
        let took = Took::of_journal(&all.concat());
        assert_eq!(took.of(Some("c1"), "shop/deployment/api"), Some(31), "thinking before it was confirmed is no part of it");
        assert_eq!(took.of(Some("c2"), "shop/deployment/api"), Some(9));
        assert_eq!(took.of(Some("c1"), "shop/deployment/web"), None);
        assert_eq!(took.of(None, "shop/deployment/api"), None, "a cluster that does not say which it is");
    }
}
