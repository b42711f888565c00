//! What each action does.
//!
//! Owns the dispatch from an action to the file of its noun. Must not look at keys.

mod change;
mod logs;
mod prompt;

use super::effect::Effect;
use super::overlay::{Live, Overlay};
use super::prompt::{Prompt, Purpose};
use super::{App, Pane};
use crate::action::Action;

impl App {
    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        if let Some(effects) = self.motion(action) {
            return effects;
        }
        if let Some(effects) = self.edit(action) {
            return effects;
        }
        if let Some(effects) = self.act_on_glass(action) {
            return effects;
        }
        match action {
            Action::Quit => self.quit(),
            Action::ForceQuit => vec![Effect::Quit],
            Action::Suspend => vec![Effect::Suspend],
            Action::Secrets => self.open_secrets(),
            Action::SignIn => vec![Effect::SignIn(self.start.spec.clone())],
            Action::Redraw => vec![Effect::Redraw],
            Action::NextTheme => vec![Effect::NextTheme],
            Action::Back => self.back(),
            Action::Help => self.read(Live::Help(self.contexts())),
            Action::Palette => self.open_palette(),
            Action::Problems => self.read(Live::Problems),
            Action::Locks => self.read(Live::Locks),
            Action::Journal => self.open_journal(),
            Action::UndoLast => self.undo_last(),
            Action::Debts => self.open_debts(),
            Action::SwitchContext => self.open_contexts(),
            Action::SwitchNamespace => self.open_namespaces(),
            Action::AllNamespaces => self.all_namespaces(),
            Action::NextPane => self.focus_by(1),
            Action::PreviousPane => self.focus_by(3),
            Action::FocusWorkloads => self.focus_on(Pane::Workloads),
            Action::FocusHealth => self.focus_on(Pane::Health),
            Action::FocusReleases => self.focus_on(Pane::Releases),
            Action::FocusLogs => self.focus_on(Pane::Logs),
            Action::Zoom => {
                self.zoomed ^= true;
                Vec::new()
            }
            Action::Open => self.open(),
            Action::Mark => self.mark(),
            Action::MarkAll | Action::SortNext | Action::SortReverse => self.arrange(action),
            Action::ClearMarks => self.clear_marks(),
            Action::Filter => self.open_filter(),
            Action::Explain => self.explain(),
            Action::Describe => self.describe(),
            Action::Yaml => self.yaml(),
            Action::Events => self.events(),
            Action::Logs => self.logs_of_selection(),
            Action::Copy => self.copy(),
            Action::DiffRelease | Action::BackPreview => self.diff_release(),
            Action::Approve => self.ask_approval(),
            Action::Scale => self.ask_scale(),
            Action::DismissFirstSteps => self.dismiss_first_steps(),
            Action::Rollback => self.plan_rollback(),
            Action::PauseRollout => self.plan_pause(),
            Action::Restart => self.plan_for_selection(Action::Restart, "restart", Vec::new()),
            Action::Trigger => self.plan_for_selection(Action::Trigger, "trigger", Vec::new()),
            Action::BackUp => self.ask_backup(),
            Action::Migrate | Action::Inspect => self.ask_image(action),
            Action::Evict => self.plan_evict(),
            Action::Cordon => self.plan_cordon(),
            Action::NewPlan => self.replan(),
            Action::OtherOrder => self.replan_in_other_order(),
            Action::Override => self.ask_override(),
            Action::Arm => self.arm(),
            Action::CancelRun => self.cancel_run(),
            Action::UndoRun => self.undo_run(),
            Action::ResumeRun => self.resume_run(),
            Action::RunLogs => self.logs_of_run(),
            logs => self.act_on_logs(logs),
        }
    }

    fn quit(&mut self) -> Vec<Effect> {
        if let Some(run) = self.runs.live() {
            let text = format!("{} is not over: it would be stopped and undone. Ctrl-C quits all the same", run.title);
            return self.refuse(text);
        }
        if let Some(armed) = self.needs_this_console() {
            let text = format!("{} is armed: nobody takes it back until a console of yours is here again. Ctrl-C quits all the same", armed.words());
            return self.refuse(text);
        }
        vec![Effect::Quit]
    }

    /// Closes the overlay on top; without one: search, filter, zoom, one per press, and never the program.
    pub(super) fn back(&mut self) -> Vec<Effect> {
        match self.overlays.pop() {
            Some(Overlay::Prompt(prompt)) => self.prompt_left(&prompt),
            Some(Overlay::Plan(panel)) => return Self::leave_plan(&panel),
            None if self.focus == Pane::Logs && self.logs.search.is_some() => self.logs.search_for(None),
            None if self.focus == Pane::Workloads && self.workloads.has_filter() => self.workloads.clear_filter(),
            None if self.zoomed => self.zoomed = false,
            _ => {}
        }
        Vec::new()
    }

    fn focus_on(&mut self, pane: Pane) -> Vec<Effect> {
        self.focus = pane;
        Vec::new()
    }

    fn focus_by(&mut self, steps: usize) -> Vec<Effect> {
        let index = Pane::ALL.iter().position(|p| *p == self.focus).unwrap_or(0);
        self.focus_on(Pane::ALL[(index + steps) % Pane::ALL.len()])
    }

    /// Carries out a movement in whatever is on top; `None` when the action is none there.
    pub(super) fn motion(&mut self, action: Action) -> Option<Vec<Effect>> {
        let moved = match self.overlays.last_mut() {
            Some(Overlay::Document(reading)) => reading.document.motion(action),
            Some(Overlay::Choice(picker)) => picker.choice.act(action),
            Some(_) => false,
            None => match self.focus {
                Pane::Workloads => self.workloads.motion(action),
                Pane::Health => {
                    let len = self.health_len();
                    self.health.motion(action, len)
                }
                Pane::Releases => self.releases.motion(action),
                Pane::Logs => self.logs.motion(action),
            },
        };
        moved.then(Vec::new)
    }

    /// Carries out an edit of the text on top; `None` when there is none or the action is none.
    fn edit(&mut self, action: Action) -> Option<Vec<Effect>> {
        match self.overlays.last_mut()? {
            Overlay::Prompt(prompt) => {
                if prompt.field.edit(action) {
                    prompt.error = None;
                    return Some(self.prompt_changed());
                }
                (action == Action::Submit).then(|| self.submit())
            }
            Overlay::Choice(_) => matches!(action, Action::Submit | Action::Open).then(|| self.pick()),
            Overlay::Plan(panel) => {
                if panel.typed.edit(action) {
                    return Some(Vec::new());
                }
                (action == Action::Submit).then(|| self.confirm())
            }
            _ => None,
        }
    }

    /// How many rows the health pane has: probes, then what the cluster says by itself.
    pub fn health_len(&self) -> usize {
        self.answers.items.len() + self.probes.len()
    }

    fn open(&mut self) -> Vec<Effect> {
        match self.focus {
            Pane::Workloads => self.describe(),
            Pane::Health => self.explain(),
            Pane::Releases => self.diff_release(),
            Pane::Logs => {
                self.zoomed ^= true;
                Vec::new()
            }
        }
    }

    /// What is done to all rows at once.
    fn arrange(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::MarkAll => self.workloads.mark_all(),
            Action::SortNext => self.workloads.sort_next(),
            _ => self.workloads.sort_reverse(),
        }
        Vec::new()
    }

    fn mark(&mut self) -> Vec<Effect> {
        match self.focus {
            Pane::Releases => self.releases.toggle_mark(),
            _ => self.workloads.toggle_mark(),
        }
        Vec::new()
    }

    fn clear_marks(&mut self) -> Vec<Effect> {
        self.workloads.clear_marks();
        self.releases.clear_marks();
        Vec::new()
    }

    fn open_filter(&mut self) -> Vec<Effect> {
        let (purpose, text) = match (self.overlays.last(), self.focus) {
            (Some(Overlay::Document(reading)), _) => (Purpose::SearchDocument, reading.document.search.clone()),
            (None, Pane::Logs) => (Purpose::SearchLogs, self.logs.search.as_ref().map(ToString::to_string).unwrap_or_default()),
            (None, _) => {
                self.focus = Pane::Workloads;
                (Purpose::Filter, self.workloads.filter_text().to_owned())
            }
            _ => return Vec::new(),
        };
        self.ask(purpose, text)
    }

    /// Asks for one line of text.
    pub(super) fn ask(&mut self, purpose: Purpose, text: impl Into<String>) -> Vec<Effect> {
        let history = self.histories.get(purpose.history()).cloned().unwrap_or_default();
        self.overlays.push(Overlay::Prompt(Prompt::new(purpose, text, history)));
        Vec::new()
    }

    fn copy(&mut self) -> Vec<Effect> {
        let text = match (self.overlays.last(), self.focus) {
            (Some(Overlay::Document(reading)), _) => Some(reading.document.body().iter().map(|l| l.text.as_str()).collect::<Vec<_>>().join("\n")),
            (_, Pane::Logs) => self.logs.bottom().and_then(|b| self.logs.buffer.get(b)).map(|e| e.text.to_string()),
            (_, Pane::Releases) => self.releases.selected_text(),
            _ => self.workloads.selected_name(),
        };
        match text {
            Some(text) => vec![Effect::Copy(text)],
            None => self.refuse("there is nothing to copy here"),
        }
    }
}
