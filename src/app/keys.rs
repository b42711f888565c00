//! From keys to actions and text: the one place where that happens.
//!
//! Owns sequences in progress and who gets text. What an action does is in `act`.

use super::effect::Effect;
use super::overlay::{Overlay, Pick};
use super::{App, Pane};
use crate::action::{Action, Context};
use crate::base::confirmation::Confirmation;
use crate::keymap::{Code, Key, Lookup};

impl App {
    /// Where keys are looked up now, innermost first: derived from what is on screen, never stored.
    pub fn contexts(&self) -> Vec<Context> {
        match self.overlays.last() {
            Some(overlay) => overlay.contexts(),
            None => vec![self.focus.context(), Context::Global],
        }
    }

    pub(super) fn key(&mut self, key: Key) -> Vec<Effect> {
        // Keys typed before a plan was on screen are not meant for it (contract.md 3).
        if let Some(Overlay::Plan(panel)) = self.overlays.last()
            && !panel.seen
            && key.code != Code::Esc
            && !key.ctrl
        {
            return Vec::new();
        }
        if let Some(effects) = self.special(key) {
            return effects;
        }
        let contexts = self.contexts();
        self.pending.0.push(key);
        let pressed = self.pending.0.clone();
        let lookup = self.start.keymap.lookup(&contexts, &pressed);
        let all = pressed.clone();
        let (pressed, candidates) = match &lookup {
            Lookup::Pending(candidates) => (pressed, candidates.clone()),
            _ => (Vec::new(), Vec::new()),
        };
        let was_sequence = self.pending.0.len() > 1;
        self.pending = (pressed, candidates);
        match lookup {
            Lookup::Action(action) => self.act(action),
            Lookup::Typed(c) => self.typed(&c.to_string()),
            Lookup::Pending(_) => Vec::new(),
            Lookup::Unbound if key.alt && !was_sequence => self.escaped(key),
            Lookup::Unbound if was_sequence => self.by_file_key(&all).unwrap_or_default(),
            Lookup::Unbound if key.code == Code::Esc => Vec::new(),
            Lookup::Unbound => self.unbound(key),
        }
    }

    /// Keys whose meaning comes from what is on screen and not from the keymap: the ways on that a blocked plan or a waiting run
    /// offers, and the mark in lists of names, in which no name has a blank.
    fn special(&mut self, key: Key) -> Option<Vec<Effect>> {
        let typed = key.text();
        match self.overlays.last_mut()? {
            Overlay::Choice(picker) if matches!(picker.purpose, Pick::Namespaces(_)) && typed == Some(' ') => {
                picker.choice.toggle();
                Some(Vec::new())
            }
            Overlay::Plan(panel) if !panel.takes_text() && panel.breaks_at.is_none() => {
                let parameter = panel.way(typed?)?;
                Some(self.replan_with(parameter))
            }
            Overlay::Run(id) => {
                let id = id.clone();
                self.choose_way(&id, typed?)
            }
            _ => None,
        }
    }

    /// Esc and a key that arrive together (a slow link, quick fingers) look like Alt with that key: where that is bound to
    /// nothing, the two are what was meant.
    fn escaped(&mut self, key: Key) -> Vec<Effect> {
        let mut effects = self.key(Key::plain(Code::Esc));
        effects.extend(self.key(Key { alt: false, ..key }));
        effects
    }

    fn unbound(&mut self, key: Key) -> Vec<Effect> {
        if self.contexts().first() == Some(&Context::Text) {
            return Vec::new();
        }
        let help = self
            .start
            .keymap
            .hint(&self.contexts(), Action::Help)
            .map(|c| format!(" · {c} shows the keys"))
            .unwrap_or_default();
        self.refuse(format!("'{key}' does nothing here{help}"))
    }

    pub(super) fn paste(&mut self, text: &str) -> Vec<Effect> {
        if let Some(Overlay::Plan(panel)) = self.overlays.last() {
            let ignored = panel.ready().is_some_and(|p| p.confirmation().level >= Confirmation::Phrase);
            if ignored || !panel.takes_text() {
                return self.refuse("a paste is ignored here: type it");
            }
        }
        if self.contexts().first() == Some(&Context::Text) { self.typed(text) } else { Vec::new() }
    }

    pub(super) fn wheel(&mut self, rows: i16) -> Vec<Effect> {
        let action = if rows < 0 { Action::Up } else { Action::Down };
        (0..rows.unsigned_abs()).flat_map(|_| self.motion(action).unwrap_or_default()).collect()
    }

    /// A click goes to the pane and to its row; what lies over the panes is closed by its key, never by a click beside it.
    pub(super) fn clicked(&mut self, pane: Pane, row: Option<u16>) -> Vec<Effect> {
        if !self.overlays.is_empty() {
            return Vec::new();
        }
        self.focus = pane;
        let Some(row) = row.map(usize::from) else { return Vec::new() };
        match pane {
            Pane::Workloads => self.workloads.point(row),
            Pane::Health => self.health.select(self.health.offset + row, self.probes.len() + self.answers.items.len()),
            Pane::Releases => self.releases.list.select(self.releases.list.offset + row, self.releases.revisions.len()),
            Pane::Logs => {}
        }
        Vec::new()
    }

    /// Text for whatever field is on top.
    fn typed(&mut self, text: &str) -> Vec<Effect> {
        match self.overlays.last_mut() {
            Some(Overlay::Prompt(prompt)) => {
                prompt.field.insert(text);
                prompt.error = None;
                self.prompt_changed()
            }
            Some(Overlay::Choice(picker)) => {
                picker.choice.insert(text);
                Vec::new()
            }
            Some(Overlay::Plan(panel)) => {
                panel.typed.insert(text);
                panel.error = None;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}
