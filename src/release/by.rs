//! Who changed it (contract.md 13): newest cause first, each only when it is bound to that change.

use crate::base::text::Str;
use crate::fleet::{Fleet, LAST_RUN};
use crate::target::model::{Kind, Meta, Seconds, Workload};

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

    /// As it goes on in a sentence: `by ana@ops`, `via kubectl-set-image`, `(v1.8.3: cheaper filters)`; `None` when it is not known.
    pub fn phrase(&self) -> Option<String> {
        let text = self.text()?;
        Some(match self {
            Self::Cause(_) => format!("({text})"),
            Self::Program(_) => text,
            _ => format!("by {text}"),
        })
    }
}

/// What `timonel.io/last-run` says: `<run id> <action> <quantity> <user>@<host>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// The run's id.
    pub run: String,
    /// `scale`.
    pub action: String,
    /// `3->5`; empty when the line has none.
    pub quantity: String,
    /// `user@host`.
    pub operator: String,
    /// When the run was planned, from its id.
    pub at: Seconds,
}

impl LastRun {
    /// Reads the line; `None` when it is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [run, action, quantity @ .., operator] = &words[..] else { return None };
        if !operator.contains('@') {
            return None;
        }
        let stamp = run.get(..15)?;
        let at = jiff::civil::DateTime::strptime("%Y%m%d-%H%M%S", stamp).ok()?;
        let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
        Some(Self { run: (*run).into(), action: (*action).into(), quantity: quantity.join(" "), operator: (*operator).into(), at })
    }

    /// The newer of what the object carries and what our own journal says.
    pub fn of(fleet: &Fleet, meta: &Meta) -> Option<Self> {
        let signed = meta.annotation(LAST_RUN).and_then(|line| Self::parse(line));
        let own = fleet.own_run(&meta.uid).and_then(Self::parse);
        signed.into_iter().chain(own).max_by_key(|run| run.at)
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
pub(super) fn of_revision(fleet: &Fleet, w: &Workload, revision: &Meta, at: Option<Seconds>, current: bool) -> By {
    if let Some(run) = LastRun::of(fleet, &w.meta).filter(|r| r.action != "scale" && at.is_some_and(|at| r.made(at))) {
        return run.by();
    }
    if let Some(by) = at.and_then(|at| helm(fleet, &w.meta, at)) {
        return by;
    }
    if let Some(cause) = revision.annotation("kubernetes.io/change-cause") {
        return By::Cause(cause.clone());
    }
    match fleet.writer(w).flatten() {
        Some(writer) if current => By::Program(writer.name.clone()),
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
    use super::LastRun;

    #[test]
    fn the_note_of_a_run_gives_who_what_and_when() {
        let run = LastRun::parse("20270115-080000-scale-7f3a scale 5 ana@ops").unwrap();
        assert_eq!((run.action.as_str(), run.quantity.as_str(), run.operator.as_str(), run.at), ("scale", "5", "ana@ops", 1_800_000_000));
        assert!(run.made(1_800_000_030) && !run.made(1_799_999_999) && !run.made(1_800_000_900));
        for broken in ["", "20270115-080000-scale-7f3a", "yesterday scale 5 ana@ops", "20270115-080000-scale-7f3a scale five"] {
            assert_eq!(LastRun::parse(broken), None, "{broken}");
        }
    }
}
