//! What drivers, runs and questions tell, taken into the state.
//!
//! Owns the dispatch of events to the part of the state that they belong to. Stale answers end here.

use super::App;
use super::effect::{Effect, Second};
use super::msg::{Answer, Measures};
use super::notice::Tone;
use super::overlay::{self, Overlay};
use super::ticket::{Question, Ticket};
use crate::base::problem::Problem;
use crate::run::{End, Happening, OwnRuns, RunEvent};
use crate::service::PIN;
use crate::target::event::{Opened, SIGN_IN, TargetEvent};

impl App {
    pub(super) fn target(&mut self, event: TargetEvent) -> Vec<Effect> {
        match event {
            TargetEvent::Opened(opened) => self.target_opened(opened),
            TargetEvent::OpenFailed(problem) => return self.open_failed(problem),
            TargetEvent::Identity(identity) => {
                self.check_pin(identity.cluster_uid.as_deref());
                self.identity = Some(identity);
            }
            TargetEvent::Log(event) => self.logs.apply(event, self.now),
            TargetEvent::Probe(report) => {
                self.probes.insert(report.id.clone(), report);
            }
            TargetEvent::Problem(problem) => {
                self.problems.insert(problem.id.clone(), problem);
            }
            TargetEvent::Solved(id) => {
                self.problems.remove(&id);
            }
            event => {
                self.fleet.apply(&event, self.now);
            }
        }
        Vec::new()
    }

    /// What is to be asked, now that something happened.
    pub(super) fn ask_further(&mut self) -> Vec<Effect> {
        let mut effects: Vec<Effect> = self.follow_selection().into_iter().collect();
        effects.extend(self.ask_writer());
        effects.extend(self.ask_debts());
        effects.extend(self.ask_backups());
        effects.extend(self.ask_schema());
        effects.extend(self.ask_applied());
        effects.extend(self.take_up());
        effects.extend(self.glass_broken());
        effects
    }

    /// How much of everything was on screen: what was not drawn yet takes no keys.
    pub(super) fn drawn(&mut self, measures: Measures) -> Vec<Effect> {
        self.measures = measures;
        self.workloads.list.height = usize::from(measures.workloads);
        self.health.height = usize::from(measures.health);
        self.releases.list.height = usize::from(measures.releases);
        self.logs.height = usize::from(measures.logs);
        match self.overlays.last_mut() {
            Some(Overlay::Document(reading)) => reading.document.height = usize::from(measures.overlay),
            Some(Overlay::Choice(picker)) => picker.choice.list.height = usize::from(measures.overlay),
            Some(Overlay::Plan(panel)) if !matches!(panel.state, overlay::PlanState::Making(_)) => panel.seen = true,
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn own_runs(&mut self, runs: OwnRuns) -> Vec<Effect> {
        self.fleet.learn_runs(runs.signatures);
        self.owing.learn(runs.owed);
        self.took = runs.took;
        Vec::new()
    }

    pub(super) fn add_problems(&mut self, problems: Vec<Problem>) -> Vec<Effect> {
        self.problems.extend(problems.into_iter().map(|p| (p.id.clone(), p)));
        Vec::new()
    }

    /// A credential plugin that may want to ask gets the terminal by itself, as kubectl would give it, but once: whoever declined is
    /// not asked again until the action `sign-in` or another target.
    fn open_failed(&mut self, problem: Problem) -> Vec<Effect> {
        let asks = problem.id == SIGN_IN && !self.problems.contains_key(SIGN_IN);
        self.problems.insert(problem.id.clone(), problem.clone());
        self.failure = Some(problem);
        if asks { vec![Effect::SignIn(self.start.spec.clone())] } else { Vec::new() }
    }

    fn target_opened(&mut self, opened: Opened) {
        self.failure = None;
        self.problems.retain(|id, _| !["target:open", "target:credential", SIGN_IN].contains(&id.as_str()));
        self.opened = Some(opened);
    }

    /// A service file that pins another cluster: writes are refused by the plan's own check, and line 1 says it.
    fn check_pin(&mut self, uid: Option<&str>) {
        self.problems.remove(PIN);
        let environment = self.start.service.as_ref().and_then(|s| s.environment.as_ref());
        if let Some(problem) = environment.and_then(|e| e.not_the_pinned(uid)) {
            self.problems.insert(problem.id.clone(), problem);
        }
    }

    /// Another target will be opened: what was seen of this one says nothing about that one.
    pub(super) fn forget_target(&mut self) {
        self.opened = None;
        self.failure = None;
        self.identity = None;
        let runs = self.fleet.take_runs();
        self.fleet = crate::fleet::Fleet::new();
        self.fleet.learn_runs(runs);
        self.answers = super::answers::Answers::default();
        self.workloads.forget();
        self.releases.forget();
        self.follow_nothing();
        self.asked_writer = None;
        self.owing.forget();
        self.backups.forget();
        self.tickets.void(Question::Debts);
        self.schema.forget();
        self.tickets.void(Question::Backups);
        self.tickets.void(Question::Schema);
        self.tickets.void(Question::Applied);
        self.tickets.void(Question::Writer);
        self.problems
            .retain(|id, _| !id.starts_with("watch:") && !id.starts_with("target:") && !id.starts_with("metrics"));
        self.overlays.clear();
    }

    pub(super) fn answer(&mut self, ticket: Ticket, answer: Answer) -> Vec<Effect> {
        if !self.tickets.is_current(ticket) {
            return Vec::new();
        }
        match answer {
            Answer::Text(result) => self.fetched(ticket, result),
            Answer::Templates(result) => self.templates(ticket, result),
            Answer::Writer(result) => self.writer_told(result.unwrap_or_default()),
            Answer::Debts(result) => self.owing.recorded(result),
            Answer::Applied(applied) => self.schema.heard(applied, self.now),
            Answer::Backups(known) => self.backups.learn(known),
            Answer::Schema(record) => self.schema.learn(record),
            Answer::LastLines(result) => self.last_lines_told(ticket, result),
            Answer::Names(Ok(names)) => self.namespaces_listed(ticket, &names),
            Answer::Names(Err(why)) => return self.refuse(format!("namespaces cannot be listed: {why}; type a name")),
            Answer::Plan(result) => self.planned(ticket, result),
            Answer::Runs(result) => return self.runs_listed(ticket, result),
            Answer::Record(result) => self.record_read(ticket, result),
            Answer::Undo(result) => return self.undo_told(result),
        }
        Vec::new()
    }

    pub(super) fn run_event(&mut self, event: RunEvent) -> Vec<Effect> {
        let id = event.run.clone();
        if matches!(event.what, Happening::Approved { .. }) {
            self.runs.apply(event);
            return self.confirm_again(&id);
        }
        if !self.runs.apply(event) {
            return Vec::new();
        }
        // Its question was taken back: what was to be confirmed once more is no plan any more, and the run says why.
        for overlay in &mut self.overlays {
            if matches!(overlay, Overlay::Plan(panel) if panel.request.second == Some(Second::Again(id.clone()))) {
                *overlay = Overlay::Run(id.clone());
            }
        }
        let again = self.journal_moved(&id);
        if let Some((run, (plan, (outcome, at)))) = self.runs.get(&id).and_then(|r| Some((r, (r.plan.as_ref()?, r.ended.as_ref()?)))) {
            self.owing.account(plan, outcome, *at);
            self.took.note(plan, outcome, run.started, *at);
        }
        let inspected = self.inspected(&id);
        if !inspected.is_empty() {
            return [again, inspected].concat();
        }
        let looked_at = matches!(self.overlays.last(), Some(Overlay::Run(shown)) if *shown == id);
        let again = [again, self.plan_offered(&id)].concat();
        // Whoever looks at the run sees its end; everybody else is told.
        if looked_at {
            return again;
        }
        if let Some((title, outcome)) = self.runs.get(&id).and_then(|r| Some((r.title.clone(), r.ended.as_ref()?.0.clone()))) {
            let tone = if outcome.outcome == End::Proven { Tone::Done } else { Tone::Failed };
            self.say(tone, format!("{title}: {}", outcome.words()));
        }
        again
    }
}
