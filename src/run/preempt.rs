//! Asking a live run for its lock (contract.md 7): who may ask, who is never asked, and how long the answer is waited for.
//!
//! Owns these rules and the parameter that asks. The asking itself is in `locks`, and when a run heeds it in `machine`.

use std::time::Duration;

use super::lease::LeaseFacts;
use super::level::Nature;
use super::plan::Plan;

/// The parameter that asks for the lock of a live run.
pub const PARAMETER: &str = "preempt=yes";
/// How long the holder has to let go: it hears of it within a renewal, and a write that is under way comes to its end in this time.
pub(in crate::run) const WITHIN: Duration = Duration::from_mins(2);
/// Runs that are never asked: one that is stopped in the middle leaves worse behind than it mends.
const NEVER_ASKED: [&str; 3] = ["restore", "migrate", "downgrade"];
/// How the words of a rollback end that takes the schema back first: it is never asked either.
pub(in crate::run) const SCHEMA_FIRST: &str = "with its schema";

/// Whether a run that does this, in the words of its lock (`scale 5->3`), refuses to let go of it before its end.
pub(in crate::run) fn refuses(action: &str) -> bool {
    let schema = action.ends_with(SCHEMA_FIRST);
    schema || action.split_whitespace().next().is_some_and(|name| NEVER_ASKED.contains(&name))
}

/// Why a run ends that let go of its lock.
pub(in crate::run) fn stopped(by: &str) -> String {
    format!("asked to stop by {by}")
}

/// How a plan stands to a lock that a live run holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum Asking {
    /// It is no mitigation: it waits its turn.
    Never,
    /// It may ask for it.
    May,
    /// It does.
    Does,
}

impl Asking {
    pub(in crate::run) fn of(nature: Nature, wanted: bool) -> Self {
        match (nature, wanted) {
            (Nature::Change | Nature::Inspection, _) => Self::Never,
            (Nature::Mitigation, false) => Self::May,
            (Nature::Mitigation, true) => Self::Does,
        }
    }

    /// How it stands to this lock: one that refuses is not asked.
    pub(in crate::run) fn of_lock(self, held: &LeaseFacts) -> Self {
        if refuses(&held.action) { Self::Never } else { self }
    }
}

impl Plan {
    /// Whether it asks a live run for its lock.
    pub fn preempts(&self) -> bool {
        self.inner.manner.preempts
    }

    /// The same plan, which asks. Only a mitigation may.
    pub(in crate::run) fn preempting(mut self) -> Result<Self, String> {
        if self.inner.nature != Nature::Mitigation {
            return Err("only a mitigation may ask for the lock of a live run: a rollback, a restart, an undo, a scale up".to_owned());
        }
        self.inner.manner.preempts = true;
        if let Some(lock) = self.steps.iter_mut().find(|s| s.id == "lock") {
            lock.title = format!("{}, asking a live run for it", lock.title);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::refuses;

    #[test]
    fn a_restore_and_a_migration_are_never_asked() {
        for (action, never) in [("restore pg", true), ("migrate 12->13", true), ("scale 5->3", false), ("rollback 3->2", false), ("", false)] {
            assert_eq!(refuses(action), never, "{action}");
        }
    }
}
