//! Actions that change the selected workload, save those that ask for a text first.
//!
//! Owns the way from a key to a plan's request. What such an action does is in `run`.

use crate::action::Action;
use crate::app::effect::{Effect, PlanRequest};
use crate::app::{App, Pane};
use crate::run::ActionSpec;

impl App {
    /// Opens the plan of an action on the selected workload, or says why there is none.
    pub(super) fn plan_for_selection(&mut self, action: Action, name: &'static str, parameters: Vec<String>) -> Vec<Effect> {
        if let Some(why) = self.unavailable(action) {
            return self.refuse(why);
        }
        let Some(key) = self.workloads.subject().cloned() else { return self.refuse("select a workload first") };
        let Some(subject) = key.object() else { return self.refuse(format!("{key}: its kind is not known here")) };
        match ActionSpec::named(name) {
            Some(spec) if spec.kinds.contains(&subject.kind) => {
                self.open_plan(PlanRequest { action: name, subject, parameters, overrides: Vec::new(), reason: None })
            }
            Some(spec) => self.refuse(format!("a {} cannot be {}", subject.kind.word(), spec.done)),
            None => self.refuse(format!("there is no action '{name}'")),
        }
    }

    /// Back to the revision under the cursor of the releases pane; from elsewhere, to the newest older one that is known to have
    /// become ready.
    pub(super) fn plan_rollback(&mut self) -> Vec<Effect> {
        let selected = self.releases.selected().filter(|_| self.focus == Pane::Releases);
        let current = self.releases.revisions.iter().find(|r| r.current).map_or(i64::MAX, |r| r.number);
        let seen_ready = || self.releases.revisions.iter().find(|r| r.number < current && r.ready_once == Some(true));
        let to = selected.or_else(seen_ready).map(|r| format!("to={}", r.number));
        self.plan_for_selection(Action::Rollback, "rollback", to.into_iter().collect())
    }

    /// Pauses the rollout of the selected Deployment, or resumes it when it is paused.
    pub(super) fn plan_pause(&mut self) -> Vec<Effect> {
        let subject = self.workloads.subject().and_then(|key| key.object());
        let paused = subject.and_then(|o| self.fleet.workload(o.kind, &o.namespace, &o.name)).is_some_and(|w| w.paused);
        self.plan_for_selection(Action::PauseRollout, if paused { "resume" } else { "pause" }, Vec::new())
    }
}
