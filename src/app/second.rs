//! Two people at two consoles: the plan that waits, on the side of whoever asked and of whoever approves.
//!
//! Owns when a plan is made anew for a second person and what is done with it. What an approval is worth is `run`'s.

use std::sync::Arc;

use super::App;
use super::choice::{Choice, Item};
use super::effect::{Effect, PlanRequest, Second};
use super::overlay::{Overlay, Pick, Picker, PlanPanel};
use crate::run::{ActionRequest, Asked, Plan};

impl PlanRequest {
    fn again(request: ActionRequest, second: Second) -> Self {
        Self { second: Some(second), ..request.into() }
    }
}

impl App {
    /// The plans of others that wait for somebody.
    fn waiting(&self) -> Vec<Asked> {
        let leases = self.fleet.leases().filter_map(|lease| Asked::seen(lease, self.now));
        leases.filter(|asked| self.runs.get(&asked.run).is_none()).collect()
    }

    /// Looks at what waits: one is made anew at once, of several one is chosen.
    pub(super) fn ask_approval(&mut self) -> Vec<Effect> {
        let mut waiting = self.waiting();
        match waiting.len() {
            0 if self.locks_lost() => self.refuse("what waits is not known: the locks cannot be read (see problems)"),
            0 => self.refuse("no plan waits for a second person here"),
            1 => self.approve_plan(waiting.remove(0)),
            _ => {
                let item = |a: &Asked| Item::new(a.run.clone(), format!("{} {}", a.request.action, a.request.object)).detail(a.by.clone());
                let choice = Choice::new("Approve which plan?", waiting.iter().map(item).collect());
                self.overlays.push(Overlay::Choice(Picker { choice, purpose: Pick::Approve }));
                Vec::new()
            }
        }
    }

    /// Makes the plan of that run anew.
    pub(super) fn approve_run(&mut self, run: &str) -> Vec<Effect> {
        match self.waiting().into_iter().find(|a| a.run == run) {
            Some(asked) => self.approve_plan(asked),
            None => self.refuse("that plan does not wait any more"),
        }
    }

    fn approve_plan(&mut self, asked: Asked) -> Vec<Effect> {
        self.open_plan(PlanRequest::again(asked.request.clone(), Second::Approve(Box::new(asked))))
    }

    /// Somebody approved a plan of this console: everything is checked again, and confirmed once more.
    pub(super) fn confirm_again(&mut self, run: &str) -> Vec<Effect> {
        let Some(plan) = self.runs.get(run).and_then(|r| r.plan.clone()) else { return Vec::new() };
        if matches!(self.overlays.last(), Some(Overlay::Run(shown)) if shown == run) {
            self.overlays.pop();
        }
        self.open_plan(PlanRequest::again(plan.request(), Second::Again(run.to_owned())))
    }

    /// Whoever leaves a plan that was approved takes the question back.
    pub(super) fn leave_plan(panel: &PlanPanel) -> Vec<Effect> {
        match &panel.request.second {
            Some(Second::Again(run)) => vec![Effect::CancelRun(run.clone())],
            _ => Vec::new(),
        }
    }

    /// What a confirmed plan is for.
    pub(super) fn carry_on(&mut self, plan: Arc<Plan>, typed: String, second: Option<Second>) -> Vec<Effect> {
        if let Some(Second::Approve(asked)) = second {
            return vec![Effect::Approve { plan, asked, typed }];
        }
        self.overlays.push(Overlay::Run(plan.id().to_owned()));
        vec![Effect::Run { plan, typed }]
    }
}
