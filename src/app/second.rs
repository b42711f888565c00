//! Two people at two consoles: the plan that waits, on the side of whoever asked and of whoever approves; and nobody else there at all.
//!
//! Owns when a plan is made anew for a second person, or without one, and what is done with it. What an approval is worth, and when the
//! glass is broken, is `run`'s.

use std::sync::Arc;

use super::App;
use super::choice::{Choice, Item};
use super::effect::{Effect, PlanRequest, Second};
use super::overlay::{Overlay, Pick, Picker, PlanPanel};
use super::prompt::Purpose;
use super::ticket::Question;
use crate::action::Action;
use crate::run::{ARMING, ActionRequest, Asked, Plan};

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
            Some(Second::Again(run) | Second::Alone(run)) => vec![Effect::CancelRun(run.clone())],
            _ => Vec::new(),
        }
    }

    /// Begins to break the glass. While it breaks its plan stays as it is: another one would need another minute.
    pub(super) fn act_on_glass(&mut self, action: Action) -> Option<Vec<Effect>> {
        let breaks = matches!(self.overlays.last(), Some(Overlay::Plan(panel)) if panel.breaks_at.is_some());
        match action {
            Action::NewPlan | Action::OtherOrder | Action::Override | Action::Arm | Action::BreakGlass if breaks => {
                Some(self.refuse("the glass is being broken for this plan"))
            }
            Action::BreakGlass => Some(self.ask_break_glass()),
            _ => None,
        }
    }

    /// Asks why the plan on screen goes without a second person.
    fn ask_break_glass(&mut self) -> Vec<Effect> {
        let Some(Overlay::Plan(panel)) = self.overlays.last() else { return Vec::new() };
        let for_two = panel.ready().is_some_and(|plan| plan.allowed() && plan.needs_approval());
        match &panel.request.second {
            None if for_two => self.ask(Purpose::Alone, ""),
            None => self.refuse("this plan asks for no second person"),
            Some(_) => self.refuse("there is no glass to break here"),
        }
    }

    /// Breaks the glass for the plan below the prompt: takes a minute, in which nothing is asked or sent.
    pub(super) fn break_glass(&mut self, reason: &str) -> Result<Vec<Effect>, String> {
        let Some(Overlay::Plan(panel)) = self.overlays.iter_mut().rev().find(|o| matches!(o, Overlay::Plan(_))) else {
            return Err("the plan is gone".to_owned());
        };
        let plan = panel.ready().cloned().ok_or("the plan is stale: make it anew")?;
        if reason.trim().is_empty() {
            return Err("breaking the glass needs a reason".to_owned());
        }
        panel.typed = super::text_field::TextField::default();
        panel.request.reason = Some(reason.trim().to_owned());
        panel.request.second = Some(Second::Alone(plan.id().to_owned()));
        panel.breaks_at = self.now.checked_add(ARMING).ok();
        Ok(vec![Effect::BreakGlass { plan, reason: reason.trim().to_owned() }])
    }

    /// The minute is over: everything is checked again, and the plan asks for its phrase.
    pub(super) fn glass_broken(&mut self) -> Vec<Effect> {
        let broken = |o: &&mut Overlay| matches!(o, Overlay::Plan(panel) if panel.breaks_at.is_some_and(|at| at <= self.now));
        let Some(Overlay::Plan(panel)) = self.overlays.iter_mut().find(broken) else { return Vec::new() };
        let ticket = self.tickets.issue(Question::Plan);
        **panel = PlanPanel::making(panel.request.clone(), ticket);
        vec![Effect::Plan { ticket, request: panel.request.clone() }]
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
