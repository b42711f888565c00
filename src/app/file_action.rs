//! Actions of the service file: in the palette, in the help page, on their keys.
//!
//! Owns how one is chosen or offered, and what is asked before its plan is made. Must not judge: what an action needs and whether this version can
//! carry it out is in the service file as it was read.

use super::App;
use super::choice::Item;
use super::effect::{Effect, PlanRequest};
use super::overlay::Overlay;
use super::prompt::Purpose;
use crate::keymap::Key;
use crate::run::program;
use crate::service::FileAction;
use crate::target::model::{Kind, ObjectRef};

/// What is asked of the operator before the plan of an action is made: one variable after the other, then the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// Id of the action.
    pub action: String,
    /// What was answered before, in the order of the variables.
    pub told: Vec<(String, String)>,
    /// What is asked now.
    pub question: String,
    /// What an answer may look like.
    pub hint: String,
}

/// A key under the leader, for the menu and the help page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileKey {
    /// The key.
    pub key: char,
    /// Title of its action.
    pub title: String,
    /// Whether it can be launched now.
    pub works: bool,
}

impl App {
    fn file_actions(&self) -> &[FileAction] {
        self.start.service.as_ref().map(|s| s.actions.as_slice()).unwrap_or_default()
    }

    /// The key of one under the leader: its own, unless a built-in action or one before it in the file has that.
    fn file_key(&self, action: &FileAction) -> Option<char> {
        let key = action.key?;
        let taken = self
            .start
            .keymap
            .under_leader()
            .iter()
            .any(|(chord, _)| chord.keys().get(1).and_then(|k| k.text()) == Some(key));
        let first = self.file_actions().iter().find(|a| a.key == Some(key)).is_some_and(|a| a.id == action.id);
        (!taken && first).then_some(key)
    }

    /// Its keys as they are pressed: `a d`.
    fn file_chord(&self, action: &FileAction) -> Option<String> {
        Some(format!("{} {}", self.start.keymap.leader()?, self.file_key(action)?))
    }

    /// The actions that have a key under the leader.
    pub fn file_keys(&self) -> Vec<FileKey> {
        let all = self.file_actions().iter();
        all.filter_map(|a| Some(FileKey { key: self.file_key(a)?, title: a.title.clone(), works: self.not_now(a).is_none() }))
            .collect()
    }

    /// Why one cannot be launched now; `None` when it can.
    fn not_now(&self, action: &FileAction) -> Option<String> {
        action.disabled.clone().or_else(|| self.no_change_now())
    }

    /// The rows of the palette.
    pub(super) fn file_items(&self, widest: usize) -> Vec<Item> {
        let item = |a: &FileAction| {
            let label = format!("{:<widest$}  {}", a.id, a.title);
            Item::new(format!("{}{}", program::PREFIX, a.id), label)
                .detail(self.file_chord(a).unwrap_or_default())
                .disabled(self.not_now(a))
        };
        self.file_actions().iter().map(item).collect()
    }

    /// The lines of the help page: keys, title, and why it does not work now.
    pub(super) fn file_help(&self) -> Vec<(String, String, Option<String>)> {
        let keys = |a: &FileAction| self.file_chord(a).unwrap_or_else(|| format!(": {}", a.id));
        self.file_actions().iter().map(|a| (keys(a), a.title.clone(), self.not_now(a))).collect()
    }

    /// Begins the action on these keys; `None` when they are those of none.
    pub(super) fn by_file_key(&mut self, pressed: &[Key]) -> Option<Vec<Effect>> {
        let [first, second] = pressed else { return None };
        if self.start.keymap.leader() != Some(*first) {
            return None;
        }
        let key = second.text()?;
        let id = self.file_actions().iter().find(|a| self.file_key(a) == Some(key))?.id.clone();
        Some(self.begin_file_action(&id))
    }

    /// Begins an action that somebody chose: asks for what it needs, else for its plan.
    pub(super) fn begin_file_action(&mut self, id: &str) -> Vec<Effect> {
        self.runs.offered = None;
        self.begin(id)
    }

    /// Plans the action that the failed step of a run offers (`on_fail = "run:ACTION"`): over the run that failed and below whatever
    /// somebody is at, so that no key that is meant for something else reaches it. It waits for its own confirmation. What was planned
    /// this way plans nothing further: its own offer stays a word of its end.
    pub(super) fn plan_offered(&mut self, run: &str) -> Vec<Effect> {
        let Some(view) = self.runs.get(run) else { return Vec::new() };
        let Some(action) = view.ended.as_ref().and_then(|(outcome, _)| outcome.offers.as_ref()).map(|offer| offer.0.clone()) else {
            return Vec::new();
        };
        let failed = view.plan.as_ref().map(|plan| plan.action().to_owned());
        if self.runs.offered.take().is_some_and(|offered| Some(offered) == failed) {
            return Vec::new();
        }
        let own = self.overlays.iter().position(|o| matches!(o, Overlay::Run(shown) if shown == run));
        let above = self.overlays.split_off(own.map_or(0, |at| at + 1));
        let effects = self.begin(&action);
        self.overlays.extend(above);
        self.runs.offered = Some(action);
        effects
    }

    fn begin(&mut self, id: &str) -> Vec<Effect> {
        let Some(action) = self.file_actions().iter().find(|a| a.id == id) else {
            return self.refuse(format!("the service file has no action '{id}'"));
        };
        match self.not_now(action) {
            Some(why) => self.refuse(why),
            None => self.ask_next(id, &[]),
        }
    }

    /// Takes the answer to what was asked, and asks for the next.
    pub(super) fn file_answered(&mut self, asking: &Asking, text: &str) -> Result<Vec<Effect>, String> {
        let action = self
            .file_actions()
            .iter()
            .find(|a| a.id == asking.action)
            .ok_or("the service file has no such action any more")?;
        let text = text.trim();
        let Some(var) = action.vars.get(asking.told.len()) else {
            if text.is_empty() {
                return Err("it needs a reason".to_owned());
            }
            return Ok(self.plan_file_action(&asking.action, &asking.told, Some(text.to_owned())));
        };
        let value = var.check(text)?;
        let told: Vec<(String, String)> = asking.told.iter().cloned().chain([(var.id.clone(), value)]).collect();
        Ok(self.ask_next(&asking.action, &told))
    }

    fn ask_next(&mut self, id: &str, told: &[(String, String)]) -> Vec<Effect> {
        let Some(action) = self.file_actions().iter().find(|a| a.id == id) else { return Vec::new() };
        let (title, reason) = (action.title.clone(), action.reason);
        let asking = |question, hint| Asking { action: id.to_owned(), told: told.to_vec(), question, hint };
        let (asking, text) = match action.vars.get(told.len()) {
            Some(var) => (asking(format!("{title}: {}", var.question()), var.hint()), var.default.clone().unwrap_or_default()),
            None if reason => (asking(format!("{title}: why"), "a sentence; it is recorded".to_owned()), String::new()),
            None => return self.plan_file_action(id, told, None),
        };
        self.ask(Purpose::Variable(asking), text)
    }

    fn plan_file_action(&mut self, id: &str, told: &[(String, String)], reason: Option<String>) -> Vec<Effect> {
        let namespaces = self.opened.as_ref().and_then(|o| o.namespaces.as_deref());
        let Some([namespace]) = namespaces else { return self.refuse("an action of the service file needs one namespace: choose it with :ns") };
        let subject = ObjectRef::new(Kind::Namespace, "", namespace.as_str());
        let parameters = told.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let action = format!("{}{id}", program::PREFIX).into();
        self.open_plan(PlanRequest { action, subject, parameters, overrides: Vec::new(), reason, second: None })
    }
}
