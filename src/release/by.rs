//! Who changed it (contract.md 13): newest cause first, each only when it is bound to that change.

use jiff::Timestamp;
use serde_json::Value;

use crate::base::text::{Str, clean};
use crate::fleet::{Fleet, LAST_RUN};
use crate::target::model::{Kind, Meta, Seconds};

/// How long after a run began its changes may show.
const RUN_TAKES: Seconds = 900;
/// How long after Helm wrote its release record the objects may show.
const HELM_TAKES: Seconds = 120;

/// Who changed something, as far as it can be known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum By {
    /// A run of Timonel.
    Run {
        /// Its id.
        run: String,
        /// `user@host`.
        operator: String,
    },
    /// A release of Helm.
    Helm {
        /// Release name.
        release: String,
        /// Its revision.
        revision: String,
    },
    /// `kubernetes.io/change-cause`, in the words of whoever wrote it.
    Cause(Str),
    /// An autoscaler.
    Autoscaler(Str),
    /// A program by its field manager; not a person.
    Program(String),
    /// Not known.
    #[default]
    Unknown,
}

impl By {
    /// In a few words: `ana@ops`, `helm eterna 12`, `via kubectl-set-image`; `None` when it is not known.
    pub fn text(&self) -> Option<String> {
        Some(match self {
            Self::Run { operator, .. } => operator.clone(),
            Self::Helm { release, revision } => format!("helm {release} {revision}"),
            Self::Cause(text) => text.to_string(),
            Self::Autoscaler(name) => format!("HPA {name}"),
            Self::Program(name) => format!("via {name}"),
            Self::Unknown => return None,
        })
    }
}

/// What a caller knows from elsewhere about one workload: from one GET of the full object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hints {
    /// Who wrote the pod template last.
    pub manager: Option<Manager>,
}

/// A field manager: a program, not a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    /// Its name: `kubectl-set-image`, `argocd-controller`.
    pub name: String,
    /// When it wrote.
    pub at: Option<Seconds>,
}

/// The field manager of the newest write of the pod template, from the `managedFields` of a full object.
pub fn newest_template_manager(object: &Value) -> Option<Manager> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let writes = entries.iter().filter(|e| e.pointer("/fieldsV1/f:spec/f:template").is_some());
    let manager = |e: &Value| {
        let at = e.get("time").and_then(Value::as_str).and_then(|t| t.parse::<Timestamp>().ok()).map(Timestamp::as_second);
        Some(Manager { name: clean(e.get("manager")?.as_str()?).into_owned(), at })
    };
    writes.filter_map(manager).max_by_key(|m| m.at)
}

/// What `timonel.io/last-run` says: `<run id> <action> <quantity> <user>@<host>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LastRun {
    pub(super) run: String,
    pub(super) action: String,
    pub(super) operator: String,
    /// When the run was planned, from its id.
    pub(super) at: Seconds,
}

impl LastRun {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (run, action) = (words.next()?, words.next()?);
        let operator = words.last().filter(|w| w.contains('@'))?;
        let stamp = run.get(..15)?;
        let at = jiff::civil::DateTime::strptime("%Y%m%d-%H%M%S", stamp).ok()?;
        let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
        Some(Self { run: run.into(), action: action.into(), operator: operator.into(), at })
    }

    pub(super) fn of(meta: &Meta) -> Option<Self> {
        Self::parse(meta.annotation(LAST_RUN)?)
    }

    /// Whether it can have made a change at `at`.
    pub(super) fn made(&self, at: Seconds) -> bool {
        (0..RUN_TAKES).contains(&(at - self.at))
    }

    pub(super) fn by(self) -> By {
        By::Run { run: self.run, operator: self.operator }
    }
}

/// Who made a revision of a workload that began at `at`.
pub(super) fn of_revision(fleet: &Fleet, workload: &Meta, revision: &Meta, at: Option<Seconds>, current: bool, hints: &Hints) -> By {
    if let Some(run) = LastRun::of(workload).filter(|r| r.action != "scale" && at.is_some_and(|at| r.made(at))) {
        return run.by();
    }
    if let Some(by) = at.and_then(|at| helm(fleet, workload, at)) {
        return by;
    }
    if let Some(cause) = revision.annotation("kubernetes.io/change-cause") {
        return By::Cause(cause.clone());
    }
    match &hints.manager {
        Some(manager) if current => By::Program(manager.name.clone()),
        _ => By::Unknown,
    }
}

/// The Helm release that wrote its record just before, where the workload belongs to one.
fn helm(fleet: &Fleet, workload: &Meta, at: Seconds) -> Option<By> {
    let managed = workload.label("app.kubernetes.io/managed-by").is_some_and(|v| &**v == "Helm");
    let release = workload.annotation("meta.helm.sh/release-name").or_else(|| workload.label("app.kubernetes.io/instance"))?;
    if !managed {
        return None;
    }
    let records = fleet.configs(Kind::Secret).chain(fleet.configs(Kind::ConfigMap)).map(|m| &m.meta);
    let ours = records.filter(|m| m.label("owner").is_some_and(|v| &**v == "helm") && m.label("name") == Some(release));
    let newest = ours.filter(|m| (0..HELM_TAKES).contains(&(at - m.created))).max_by_key(|m| m.created)?;
    Some(By::Helm { release: release.to_string(), revision: newest.label("version")?.to_string() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{LastRun, newest_template_manager};

    #[test]
    fn the_newest_writer_of_the_template_is_found_among_all_writers() {
        let entry = |manager: &str, time: &str, fields| json!({ "manager": manager, "time": time, "fieldsV1": fields });
        let object = json!({ "metadata": { "managedFields": [
            entry("kubectl-client-side-apply", "2027-01-15T07:00:00Z", json!({ "f:spec": { "f:template": {} } })),
            entry("kubectl-set-image", "2027-01-15T07:30:00Z", json!({ "f:spec": { "f:template": { "f:spec": {} } } })),
            entry("kube-controller-manager", "2027-01-15T08:00:00Z", json!({ "f:status": {} })),
            entry("timonel", "2027-01-15T08:00:00Z", json!({ "f:spec": { "f:replicas": {} } })),
        ] } });
        let manager = newest_template_manager(&object).unwrap();
        assert_eq!((manager.name.as_str(), manager.at), ("kubectl-set-image", Some(1_799_998_200)));
        assert_eq!(newest_template_manager(&json!({ "metadata": {} })), None);
    }

    #[test]
    fn the_note_of_a_run_gives_who_what_and_when() {
        let run = LastRun::parse("20270115-080000-scale-7f3a scale 5 ana@ops").unwrap();
        assert_eq!((run.action.as_str(), run.operator.as_str(), run.at), ("scale", "ana@ops", 1_800_000_000));
        assert!(run.made(1_800_000_030) && !run.made(1_799_999_999) && !run.made(1_800_000_900));
        for broken in ["", "20270115-080000-scale-7f3a", "yesterday scale 5 ana@ops", "20270115-080000-scale-7f3a scale five"] {
            assert_eq!(LastRun::parse(broken), None, "{broken}");
        }
    }
}
