//! Actions that change the selected workload, or those that are marked, save those that ask for a text first.
//!
//! Owns the way from a key to a plan's request. What such an action does is in `run`.

use crate::action::Action;
use crate::app::effect::{Effect, PlanRequest};
use crate::app::{App, Pane};
use crate::fleet::WorkloadKey;
use crate::run::{ActionRequest, ActionSpec};
use crate::target::model::{Kind, ObjectRef};

impl App {
    /// Opens the plan of an action on the selected workload, or says why there is none.
    pub(super) fn plan_for_selection(&mut self, action: Action, name: &'static str, parameters: Vec<String>) -> Vec<Effect> {
        if ActionSpec::named(name).is_some_and(|spec| spec.several) && self.workloads.marked().next().is_some() {
            return match self.marked() {
                Ok(objects) => self.plan_for_all(action, name, &objects, parameters),
                Err(why) => self.refuse(why),
            };
        }
        let Some(key) = self.workloads.subject().cloned() else { return self.refuse("select a workload first") };
        match key.object() {
            Some(subject) => self.plan_for(action, name, subject, parameters),
            None => self.refuse(format!("{key}: its kind is not known here")),
        }
    }

    /// What is marked, in one namespace; `Err` says why no plan can be about all of it.
    pub(super) fn marked(&self) -> Result<Vec<ObjectRef>, String> {
        let known = |key: &WorkloadKey| key.object().ok_or_else(|| format!("{key}: its kind is not known here"));
        let objects = self.workloads.marked().map(known).collect::<Result<Vec<ObjectRef>, String>>()?;
        if objects.windows(2).any(|two| two[0].namespace != two[1].namespace) {
            return Err("what is marked is in several namespaces: one plan is about one".to_owned());
        }
        Ok(objects)
    }

    /// Opens one plan about all of these objects, or says why there is none.
    pub(super) fn plan_for_all(&mut self, action: Action, name: &'static str, objects: &[ObjectRef], parameters: Vec<String>) -> Vec<Effect> {
        let Some(spec) = ActionSpec::named(name) else { return self.refuse(format!("there is no action '{name}'")) };
        if let Some(other) = objects.iter().find(|o| !spec.kinds.contains(&o.kind)) {
            return self.refuse(format!("{} is marked: a {} cannot be {}", other.name, other.kind.word(), spec.done));
        }
        let counted: Vec<(ObjectRef, Option<u32>)> = objects.iter().map(|o| (o.clone(), None)).collect();
        match ActionRequest::about(name, &counted, parameters) {
            Some(request) => self.plan_for(action, name, request.object, request.parameters),
            None => self.refuse("mark a workload first"),
        }
    }

    /// Opens the plan of an action on an object, or says why there is none.
    pub(in crate::app) fn plan_for(&mut self, action: Action, name: &'static str, subject: ObjectRef, parameters: Vec<String>) -> Vec<Effect> {
        if let Some(why) = self.unavailable(action) {
            return self.refuse(why);
        }
        match ActionSpec::named(name) {
            Some(spec) if spec.kinds.contains(&subject.kind) => {
                self.open_plan(PlanRequest { action: name.into(), subject, parameters, overrides: Vec::new(), reason: None, second: None })
            }
            Some(spec) => self.refuse(format!("a {} cannot be {}", subject.kind.word(), spec.done)),
            None => self.refuse(format!("there is no action '{name}'")),
        }
    }

    /// Back to the revision under the cursor of the releases pane; from elsewhere, to the newest older one that is known to have
    /// become ready. When none is, the operator chooses: in the releases.
    pub(super) fn plan_rollback(&mut self) -> Vec<Effect> {
        let selected = self.releases.selected().filter(|r| self.focus == Pane::Releases && !r.current);
        let current = self.releases.revisions.iter().find(|r| r.current).map_or(i64::MAX, |r| r.number);
        let mut older = self.releases.revisions.iter().filter(|r| r.number < current);
        let to = selected.or_else(|| older.clone().find(|r| r.ready_once == Some(true))).map(|r| format!("to={}", r.number));
        let first = older.next().and_then(|r| self.releases.revisions.iter().position(|other| other.number == r.number));
        if let (None, Some(row), None) = (&to, first, self.unavailable(Action::Rollback)) {
            self.focus = Pane::Releases;
            self.releases.list.select(row, self.releases.revisions.len());
            return self.refuse("no older revision is known to have become ready: choose one here, and roll back to it");
        }
        self.plan_for_selection(Action::Rollback, "rollback", to.into_iter().collect())
    }

    /// Pauses the rollout of the selected Deployment or the schedule of the selected CronJob, or resumes it.
    pub(super) fn plan_pause(&mut self) -> Vec<Effect> {
        if self.workloads.marked().next().is_some() {
            return self.plan_pause_of_marked();
        }
        let subject = self.workloads.subject().and_then(|key| key.object());
        if let Some(cron) = subject.as_ref().filter(|o| o.kind == Kind::CronJob) {
            let suspended = self.fleet.cron_job(&cron.namespace, &cron.name).is_some_and(|c| c.suspended);
            return self.plan_for_selection(Action::PauseRollout, if suspended { "resume" } else { "suspend" }, Vec::new());
        }
        let paused = subject.and_then(|o| self.fleet.workload(o.kind, &o.namespace, &o.name)).is_some_and(|w| w.paused);
        self.plan_for_selection(Action::PauseRollout, if paused { "resume" } else { "pause" }, Vec::new())
    }

    /// The same for all that is marked, where all of it stands alike.
    fn plan_pause_of_marked(&mut self) -> Vec<Effect> {
        let objects = match self.marked() {
            Ok(objects) => objects,
            Err(why) => return self.refuse(why),
        };
        let rests = |o: &ObjectRef| match o.kind {
            Kind::CronJob => self.fleet.cron_job(&o.namespace, &o.name).is_some_and(|c| c.suspended),
            kind => self.fleet.workload(kind, &o.namespace, &o.name).is_some_and(|w| w.paused),
        };
        let (resting, crons) = (objects.iter().filter(|o| rests(o)).count(), objects.iter().filter(|o| o.kind == Kind::CronJob).count());
        let all = objects.len();
        let name = match (resting, crons) {
            (0, 0) => "pause",
            (0, n) if n == all => "suspend",
            (0, _) => return self.refuse("CronJobs and Deployments are marked: they are paused in plans of their own"),
            (n, _) if n == all => "resume",
            _ => return self.refuse("some of what is marked is paused already, and some is not: mark what stands alike"),
        };
        self.plan_for_all(Action::PauseRollout, name, &objects, Vec::new())
    }

    /// Evicts the pod under the cursor; of a workload none is chosen for its operator.
    pub(super) fn plan_evict(&mut self) -> Vec<Effect> {
        match self.workloads.selected_object() {
            Some(pod) if pod.kind == Kind::Pod => self.plan_for(Action::Evict, "evict", pod, Vec::new()),
            _ => self.refuse("select a pod first: the one that is to go"),
        }
    }

    /// Cordons the node of the pod under the cursor, or uncordons it.
    pub(super) fn plan_cordon(&mut self) -> Vec<Effect> {
        let node = match self.workloads.selected_object() {
            Some(object) if object.kind == Kind::Node => object.name,
            Some(pod) if pod.kind == Kind::Pod => match self.fleet.pod(&pod.namespace, &pod.name) {
                Some(entry) if !entry.pod.node.is_empty() => entry.pod.node.clone(),
                _ => return self.refuse("the pod is on no node yet"),
            },
            _ => return self.refuse("select a pod on that node first"),
        };
        let cordoned = self.fleet.node(&node).is_some_and(|n| n.unschedulable);
        let name = if cordoned { "uncordon" } else { "cordon" };
        self.plan_for(Action::Cordon, name, ObjectRef::new(Kind::Node, "", node), Vec::new())
    }
}
