//! Who wrote a workload's pod template last: a program by its field manager, which only the full object tells.
//!
//! Owns what was learnt of it, bound to the revision that it was learnt for. Fetching is somebody else's: `managedFields` are read
//! by one GET when needed, never watched (contract.md 13).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::Fleet;
use crate::base::text::{Str, clean};
use crate::target::model::{Seconds, Workload};

/// Workloads of which it is kept; of more, those that were asked first are forgotten and may be asked again.
const MAX: usize = 256;

/// A field manager: a program, not a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// Its name: `kubectl-set-image`, `argocd-controller`.
    pub name: String,
    /// When it wrote.
    pub at: Option<Seconds>,
}

impl Writer {
    /// The field manager of the newest write of the pod template, from the `managedFields` of a full object.
    pub fn newest(object: &Value) -> Option<Self> {
        let entries = object.pointer("/metadata/managedFields")?.as_array()?;
        let writes = entries.iter().filter(|e| e.pointer("/fieldsV1/f:spec/f:template").is_some());
        let writer = |e: &Value| {
            let at = e.get("time").and_then(Value::as_str).and_then(|t| t.parse::<Timestamp>().ok()).map(Timestamp::as_second);
            Some(Self { name: clean(e.get("manager")?.as_str()?).into_owned(), at })
        };
        writes.filter_map(writer).max_by_key(|w| w.at)
    }
}

/// What was learnt, by the workload's identity.
#[derive(Debug, Default)]
pub(super) struct Writers {
    by_uid: BTreeMap<Str, Learnt>,
    /// Counts what was learnt, so that the oldest can be told.
    learnt: u64,
}

#[derive(Debug)]
struct Learnt {
    order: u64,
    revision: i64,
    writer: Option<Writer>,
}

impl Fleet {
    /// Notes who wrote the template of a workload's revision; `None` = it was asked and cannot be told.
    pub fn learn_writer(&mut self, uid: Str, revision: i64, writer: Option<Writer>) {
        let writers = &mut self.writers;
        writers.learnt += 1;
        writers.by_uid.insert(uid, Learnt { order: writers.learnt, revision, writer });
        if writers.by_uid.len() > MAX
            && let Some(oldest) = writers.by_uid.iter().min_by_key(|(_, l)| l.order).map(|(uid, _)| uid.clone())
        {
            writers.by_uid.remove(&oldest);
        }
        self.revision += 1;
    }

    /// Who wrote the template of the current revision; `None` = nobody asked yet, `Some(None)` = cannot be told.
    pub fn writer(&self, w: &Workload) -> Option<Option<&Writer>> {
        let learnt = self.writers.by_uid.get(&w.meta.uid)?;
        (self.revision_of(w) == Some(learnt.revision)).then_some(learnt.writer.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Fleet, MAX, Writer};
    use crate::fleet::testing::{labels, workload};
    use crate::target::model::{Kind, Workload};

    #[test]
    fn the_newest_writer_of_the_template_is_found_among_all_writers() {
        let entry = |manager: &str, time: &str, fields| json!({ "manager": manager, "time": time, "fieldsV1": fields });
        let object = json!({ "metadata": { "managedFields": [
            entry("kubectl-client-side-apply", "2027-01-15T07:00:00Z", json!({ "f:spec": { "f:template": {} } })),
            entry("kubectl-set-image", "2027-01-15T07:30:00Z", json!({ "f:spec": { "f:template": { "f:spec": {} } } })),
            entry("kube-controller-manager", "2027-01-15T08:00:00Z", json!({ "f:status": {} })),
            entry("timonel", "2027-01-15T08:00:00Z", json!({ "f:spec": { "f:replicas": {} } })),
        ] } });
        let writer = Writer::newest(&object).unwrap();
        assert_eq!((writer.name.as_str(), writer.at), ("kubectl-set-image", Some(1_799_998_200)));
        assert_eq!(Writer::newest(&json!({ "metadata": {} })), None);
    }

    fn at_revision(number: &str) -> Workload {
        let mut w = workload(Kind::Deployment, "web", 1);
        w.meta.annotations = labels(&[("deployment.kubernetes.io/revision", number)]);
        w
    }

    #[test]
    fn what_was_learnt_holds_for_that_revision_only() {
        let mut fleet = Fleet::new();
        let before = fleet.revision();
        assert_eq!(fleet.writer(&at_revision("3")), None);
        fleet.learn_writer("uid-web".into(), 3, None);
        assert_eq!(fleet.writer(&at_revision("3")), Some(None));
        assert_eq!(fleet.writer(&at_revision("4")), None);
        assert!(fleet.revision() > before, "answers are worked out again");
    }

    #[test]
    fn a_thousand_answers_do_not_pile_up() {
        let mut fleet = Fleet::new();
        for n in 0..1000 {
            fleet.learn_writer(format!("uid-{n}").into(), 1, None);
        }
        assert_eq!(fleet.writers.by_uid.len(), MAX);
        assert!(fleet.writers.by_uid.contains_key("uid-999"), "the newest stays");
    }
}
