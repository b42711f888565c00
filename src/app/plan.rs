//! The plan panel and the run panel: from a question to a run.
//!
//! Owns what is asked of `run` and when. Must not judge a plan: what may run and what must be typed is in the plan.

use std::sync::Arc;

use super::App;
use super::choice::{Choice, Item};
use super::effect::{Effect, PlanRequest};
use super::follow::Target;
use super::overlay::{Overlay, Pick, Picker, PlanPanel, PlanState};
use super::prompt::Purpose;
use super::ticket::{Question, Ticket};
use crate::app::Pane;
use crate::base::problem::Problem;
use crate::fleet::WorkloadKey;
use crate::run::several::Order;
use crate::run::{Answer, Plan, Way};

impl PlanPanel {
    /// The parameter behind a key that a check offers as a way on.
    pub(super) fn way(&self, key: char) -> Option<String> {
        let checks = self.ready()?.checks().iter();
        checks.flat_map(|c| &c.choices).find(|c| c.key == key).map(|c| c.parameter.clone())
    }
}

impl App {
    /// Opens the panel and asks for the plan.
    pub(super) fn open_plan(&mut self, request: PlanRequest) -> Vec<Effect> {
        let ticket = self.tickets.issue(Question::Plan);
        self.overlays.push(Overlay::Plan(Box::new(PlanPanel::making(request.clone(), ticket))));
        vec![Effect::Plan { ticket, request }]
    }

    /// The same question again: the way on from a stale or failed plan.
    pub(super) fn replan(&mut self) -> Vec<Effect> {
        let Some(Overlay::Plan(panel)) = self.overlays.pop() else { return Vec::new() };
        self.open_plan(panel.request)
    }

    /// The same question with a way on that a check offered.
    pub(super) fn replan_with(&mut self, parameter: String) -> Vec<Effect> {
        let Some(Overlay::Plan(panel)) = self.overlays.pop() else { return Vec::new() };
        if parameter == "abort" {
            return self.refuse("aborted: nothing was written");
        }
        let mut request = panel.request;
        let name = parameter.split('=').next().unwrap_or_default().to_owned();
        request.parameters.retain(|p| p.split('=').next() != Some(&name));
        request.parameters.push(parameter);
        self.open_plan(request)
    }

    /// The same question about several objects in the other order: one after the other, or all at once.
    pub(super) fn replan_in_other_order(&mut self) -> Vec<Effect> {
        let Some(Overlay::Plan(panel)) = self.overlays.last() else { return Vec::new() };
        if !panel.request.is_about_several() {
            return self.refuse("this plan is about one object: it has no order");
        }
        let parallel = format!("order={}", Order::Parallel.word());
        let other = if panel.request.parameters.contains(&parallel) { format!("order={}", Order::OneByOne.word()) } else { parallel };
        self.replan_with(other)
    }

    /// A plan arrived, or why there is none.
    pub(super) fn planned(&mut self, ticket: Ticket, result: Result<Arc<Plan>, Box<Problem>>) {
        for overlay in &mut self.overlays {
            if let Overlay::Plan(panel) = overlay
                && matches!(panel.state, PlanState::Making(t) if t == ticket)
            {
                panel.seen = false;
                panel.state = match result {
                    Ok(plan) => PlanState::Ready(plan),
                    Err(problem) => PlanState::Failed(problem),
                };
                return;
            }
        }
    }

    /// Looks whether the plan on screen still holds: 90 s, and the fields it rests on (contract.md 5).
    pub(super) fn refresh_plan(&mut self) {
        let now = self.now;
        let Some(Overlay::Plan(panel)) = self.overlays.iter_mut().rev().find(|o| matches!(o, Overlay::Plan(_))) else { return };
        let Some(plan) = panel.ready().cloned() else { return };
        let moved = if plan.valid_for(now).is_zero() {
            Some("90 s passed".to_owned())
        } else {
            plan.subjects().filter_map(|s| self.fleet.object(s)).find_map(|object| plan.moved_by(&object))
        };
        if let Some(moved) = moved {
            panel.state = PlanState::Stale(plan, moved);
            panel.typed = super::text_field::TextField::default();
        }
    }

    /// What was typed is handed over; an empty field does nothing.
    pub(super) fn confirm(&mut self) -> Vec<Effect> {
        self.refresh_plan();
        let Some(Overlay::Plan(panel)) = self.overlays.last_mut() else { return Vec::new() };
        let typed = panel.typed.text().trim().to_owned();
        let Some(plan) = panel.ready().filter(|_| panel.begins()).cloned() else { return Vec::new() };
        if typed.is_empty() && plan.confirmation().text.is_some() {
            return Vec::new();
        }
        if plan.confirmation().text.as_ref().is_some_and(|wanted| *wanted != typed) {
            panel.error = Some("that is not what the plan asks for".to_owned());
            return Vec::new();
        }
        let second = panel.request.second.clone();
        self.overlays.pop();
        self.carry_on(plan, typed, second)
    }

    /// Offers the checks that block and can be overridden.
    pub(super) fn ask_override(&mut self) -> Vec<Effect> {
        let Some(Overlay::Plan(panel)) = self.overlays.last() else { return Vec::new() };
        let Some(plan) = panel.ready() else { return Vec::new() };
        let items: Vec<Item> = plan
            .checks()
            .iter()
            .filter(|c| c.overridable && c.result != Answer::Ok && plan.blocked_by().contains(&c.id))
            .map(|c| Item::new(c.id.clone(), c.id.clone()).detail(c.detail.clone()))
            .collect();
        if items.is_empty() {
            let why = if plan.blocked_by().is_empty() { "nothing blocks this plan" } else { "what blocks this plan cannot be overridden" };
            return self.refuse(why);
        }
        self.overlays
            .push(Overlay::Choice(Picker { choice: Choice::new("Override which check?", items), purpose: Pick::Override }));
        Vec::new()
    }

    /// Asks why a check is overridden.
    pub(super) fn ask_reason(&mut self, check: String) -> Vec<Effect> {
        self.ask(Purpose::Reason { check }, "")
    }

    /// Overrides a check of the plan below the prompt, in writing.
    pub(super) fn override_with(&mut self, check: &str, reason: &str) -> Result<Vec<Effect>, String> {
        let Some(Overlay::Plan(panel)) = self.overlays.iter_mut().rev().find(|o| matches!(o, Overlay::Plan(_))) else {
            return Err("the plan is gone".to_owned());
        };
        let plan = panel.ready().ok_or("the plan is stale: make it anew")?.overriding(check, reason)?;
        panel.request.overrides.push(check.to_owned());
        panel.request.reason = Some(reason.trim().to_owned());
        panel.state = PlanState::Ready(Arc::new(plan));
        panel.seen = false;
        Ok(Vec::new())
    }

    /// Answers the question of a run that waits: 1, 2, 3 in the order in which the ways are shown.
    pub(super) fn choose_way(&mut self, run: &str, key: char) -> Option<Vec<Effect>> {
        let question = self.runs.get(run)?.question.as_ref()?;
        let index = key.to_digit(10)?.checked_sub(1)?;
        let way = *question.ways.get(usize::try_from(index).ok()?)?;
        if let Some(wanted) = question.typed.as_ref().filter(|_| way == Way::GoOn) {
            let purpose = Purpose::GoOn { run: run.to_owned(), wanted: wanted.to_string() };
            return Some(self.ask(purpose, ""));
        }
        self.runs.answered(run);
        Some(vec![Effect::AnswerRun { run: run.to_owned(), way }])
    }

    /// Goes on with a run when this is what its step asks to be typed.
    pub(super) fn typed_to_go_on(&mut self, run: &str, wanted: &str, text: &str) -> Result<Vec<Effect>, String> {
        if text.trim() != wanted {
            return Err("that is not what the step asks for".to_owned());
        }
        self.runs.answered(run);
        Ok(vec![Effect::TypeRun { run: run.to_owned(), text: text.to_owned() }])
    }

    /// Stops the run on screen and undoes it; answers its question with "undo" when it waits for one.
    pub(super) fn cancel_run(&mut self) -> Vec<Effect> {
        let Some(Overlay::Run(id)) = self.overlays.last() else { return Vec::new() };
        let id = id.clone();
        match self.runs.get(&id) {
            Some(run) if run.ended.is_some() => self.refuse("this run is over"),
            Some(run) if run.question.is_some() => {
                self.runs.answered(&id);
                vec![Effect::AnswerRun { run: id, way: Way::Undo }]
            }
            _ => vec![Effect::CancelRun(id)],
        }
    }

    /// Follows the pods of what a run changed.
    pub(super) fn logs_of_run(&mut self) -> Vec<Effect> {
        let Some(Overlay::Run(id)) = self.overlays.last() else { return Vec::new() };
        let plan = self.runs.get(id).and_then(|r| r.plan.as_ref());
        let mut workloads: Vec<WorkloadKey> = plan.into_iter().flat_map(|p| p.subjects()).filter_map(WorkloadKey::of).collect();
        let target = match workloads.len() {
            0 => return Vec::new(),
            1 => Target::Workload(workloads.remove(0)),
            _ => Target::Workloads(workloads),
        };
        self.overlays.pop();
        self.focus = Pane::Logs;
        self.zoomed = true;
        self.follow_target(target);
        Vec::new()
    }
}
