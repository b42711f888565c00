//! The gap between two rollbacks of a workload: whoever goes back twice in a row has not found what is wrong.
//!
//! Owns who knows of the last one: our own journal, the annotation of the last run of any console, and the cluster
//! itself, which tells that a revision came back and when its rollout moved last.

use std::time::Duration;

use jiff::Timestamp;

use crate::base::{age, duration};
use crate::release::LastRun;
use crate::run::check::Check;
use crate::run::context::RolledBack;
use crate::run::facts::{WorkloadFacts, items, text};
use crate::run::gate::LAST_RUN;

/// `own` is the last one of our journal; `returned` says that the current revision is one that was left before.
pub(super) fn check(workload: &WorkloadFacts, own: Option<&RolledBack>, returned: bool, least: Duration, now: Timestamp) -> Check {
    let check = Check::advisory("gap");
    let known = [own.cloned(), signed(workload), returned.then(|| moved(workload)).flatten()];
    // Of two that tell the same, the one that knows who.
    let last = known
        .into_iter()
        .flatten()
        .filter(|r| now.duration_since(r.at).unsigned_abs() < least)
        .max_by_key(|r| (!r.by.is_empty(), r.at));
    match last {
        Some(last) => {
            let ago = age::coarse(last.at, now);
            let what = match last.by.as_str() {
                "" => format!("somebody went back to the current revision, and its rollout moved {ago} ago"),
                by => format!("it was rolled back {ago} ago, by {by}"),
            };
            check.failed(format!("{what}: less than {}", duration::show(least)), "look at what the last rollback did first")
        }
        None => check.ok(format!("no rollback in the last {}", duration::show(least))),
    }
}

/// The last run of any console, where it was a rollback.
fn signed(workload: &WorkloadFacts) -> Option<RolledBack> {
    let run = LastRun::parse(&workload.annotation(LAST_RUN)?).filter(|r| r.action == "rollback")?;
    Some(RolledBack { at: Timestamp::from_second(run.at).ok()?, by: format!("{} ({})", run.operator, run.run) })
}

/// When the rollout of the current revision moved last, by whomever.
fn moved(workload: &WorkloadFacts) -> Option<RolledBack> {
    let condition = items(&workload.raw, "/status/conditions").find(|c| c["type"] == "Progressing")?;
    Some(RolledBack { at: text(condition, "/lastUpdateTime").parse().ok()?, by: String::new() })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use std::time::Duration;

    use super::{RolledBack, check};
    use crate::run::Answer;
    use crate::run::facts::WorkloadFacts;
    use crate::target::model::{Kind, ObjectRef};

    #[test]
    fn a_rollback_of_whomever_is_told_for_ten_minutes_and_never_blocks() {
        let now = "2026-11-22T14:40:00Z".parse().expect("a time");
        let own = |at: &str| Some(RolledBack { at: at.parse().expect("a time"), by: "ana@bastion (run-1)".to_owned() });
        let line = |action: &str| json!({ "timonel.io/last-run": format!("20261122-143500-{action}-7f3a {action} 3->2 bob@desk") });
        for (annotations, own, returned, says) in [
            (Value::Null, None, false, None),
            (Value::Null, own("2026-11-22T14:38:00Z"), false, Some("2m ago, by ana@bastion (run-1)")),
            (Value::Null, own("2026-11-22T14:29:59Z"), false, None),
            (line("rollback"), None, false, Some("5m ago, by bob@desk (20261122-143500-rollback-7f3a)")),
            (line("rollback"), None, true, Some("5m ago, by bob@desk (20261122-143500-rollback-7f3a)")),
            (line("scale"), None, false, None),
            (line("scale"), None, true, Some("somebody went back to the current revision, and its rollout moved 1m ago")),
        ] {
            let conditions = json!([{ "type": "Progressing", "status": "True", "lastUpdateTime": "2026-11-22T14:39:00Z" }]);
            let raw = json!({ "metadata": { "annotations": annotations }, "status": { "conditions": conditions } });
            let workload = WorkloadFacts::new(&ObjectRef::new(Kind::Deployment, "shop", "api"), raw);
            let found = check(&workload, own.as_ref(), returned, Duration::from_mins(10), now);
            assert_eq!(found.result, if says.is_some() { Answer::Failed } else { Answer::Ok }, "{found:?}");
            let shorter = check(&workload, own.as_ref(), returned, Duration::from_secs(30), now);
            assert_eq!(shorter.result, Answer::Ok, "thirty seconds are over: {shorter:?}");
            assert!(!found.blocks(true) && found.detail.contains(says.unwrap_or("no rollback")), "{found:?}");
        }
    }
}
