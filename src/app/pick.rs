//! Lists to choose from: palette, contexts, namespaces, runs, Secrets.
//!
//! Owns their items and what choosing does.

use super::App;
use super::choice::{Choice, Item};
use super::effect::{Effect, Fetch};
use super::overlay::{Overlay, Pick, Picker};
use super::ticket::{Question, Ticket};
use crate::action::{Action, Context, Reach};
use crate::run::program;
use crate::target::model::{Kind, ObjectRef};
use crate::target::request::Namespaces;

/// Before the id of a backup in the palette.
const BACK_UP: &str = "back-up:";

impl App {
    /// Every action that can be launched from here, with its key and, where it cannot, why.
    pub(super) fn open_palette(&mut self) -> Vec<Effect> {
        let contexts = self.contexts();
        let here = |a: &Action| a.spec().reach != Reach::Motion && a.spec().contexts.iter().any(|c| contexts.contains(c));
        let mut actions: Vec<Action> = Action::ALL.iter().copied().filter(here).collect();
        // What is for this place comes before what works everywhere.
        actions.sort_by_key(|a| a.spec().contexts == [Context::Global]);
        let widest = actions.iter().map(|a| a.name().len()).max().unwrap_or_default();
        let items = actions
            .into_iter()
            .map(|action| {
                let key = self.start.keymap.hint(&contexts, action).map(ToString::to_string).unwrap_or_default();
                let label = format!("{:<widest$}  {}", action.name(), action.title());
                Item::new(action.name(), label).detail(key).disabled(self.unavailable(action))
            })
            .chain(self.backup_items().iter().map(|item| self.as_command(widest, item)))
            .chain(self.file_items(widest))
            .collect();
        self.open_picker(Choice::new("Command", items), Pick::Palette)
    }

    /// Why an action cannot be launched now; `None` when it can. The key line and the palette dim it and say this.
    pub fn unavailable(&self, action: Action) -> Option<String> {
        let change = if action.changes() { self.no_change_now() } else { None };
        change.or_else(|| (action == Action::ResumeRun).then(|| self.not_to_be_resumed()).flatten())
    }

    /// Why nothing can be changed now; `None` when something can.
    pub(super) fn no_change_now(&self) -> Option<String> {
        if self.read_only() {
            return Some("read only: this console was started without the ability to change anything (--read-only)".to_owned());
        }
        if let Err(why) = &self.start.journal {
            return Some(format!("the journal cannot be written: {why}"));
        }
        if let Some(run) = self.runs.live() {
            return Some(format!("{} is not over: one changing run at a time", run.title));
        }
        self.opened.is_none().then(|| "no target is open".to_owned())
    }

    pub(super) fn open_contexts(&mut self) -> Vec<Effect> {
        let Some(opened) = &self.opened else { return self.refuse("no kubeconfig could be read: there is nothing to switch to") };
        let items = opened.contexts.iter().map(|c| Item::new(c.clone(), c.clone()).marked(*c == opened.context)).collect();
        let mut choice = Choice::new("Context", items);
        choice.select(&opened.context.clone());
        self.open_picker(choice, Pick::Context)
    }

    pub(super) fn open_namespaces(&mut self) -> Vec<Effect> {
        let ticket = self.tickets.issue(Question::Choice);
        let choice = self.namespace_choice(&[]);
        self.overlays.push(Overlay::Choice(Picker { choice, purpose: Pick::Namespaces(ticket) }));
        vec![Effect::Fetch { ticket, what: Fetch::Namespaces }]
    }

    /// Names from the watch, from the list that was fetched, and those that are looked at: without the right to list
    /// namespaces a name can still be typed.
    fn namespace_choice(&self, fetched: &[String]) -> Choice {
        let current: Vec<String> = self.opened.as_ref().and_then(|o| o.namespaces.clone()).unwrap_or_default();
        let seen = self.fleet.namespaces().map(|n| n.meta.name.to_string());
        let mut names: Vec<String> = seen.chain(fetched.iter().cloned()).chain(current.iter().cloned()).collect();
        names.sort();
        names.dedup();
        let items = names
            .into_iter()
            .map(|n| Item::new(n.clone(), n.clone()).marked(current.len() > 1 && current.contains(&n)))
            .collect();
        let mut choice = Choice::new("Namespaces (Space marks several)", items).multiple();
        if let Some(first) = current.first() {
            choice.select(first);
        }
        choice
    }

    /// Namespaces arrived: the list grows, what was typed and marked stays.
    pub(super) fn namespaces_listed(&mut self, ticket: Ticket, names: &[String]) {
        let fresh = self.namespace_choice(names);
        for overlay in &mut self.overlays {
            if let Overlay::Choice(picker) = overlay
                && picker.purpose == Pick::Namespaces(ticket)
            {
                picker.choice.grow(fresh);
                return;
            }
        }
    }

    /// Secrets by name: one is read only when it is chosen, since watching keeps nothing of them but metadata.
    pub(super) fn open_secrets(&mut self) -> Vec<Effect> {
        let seen = self.fleet.configs(Kind::Secret).map(|s| format!("{}/{}", s.meta.namespace, s.meta.name));
        let mut names: Vec<String> = seen.filter(|n| !n.contains("/sh.helm.release.v1.")).collect();
        names.sort();
        if names.is_empty() {
            return self.refuse("no Secret is seen here: there is none, or they may not be listed");
        }
        let items = names.into_iter().map(|n| Item::new(n.clone(), n)).collect();
        self.open_picker(Choice::new("Secret", items), Pick::Secret)
    }

    pub(super) fn open_picker(&mut self, choice: Choice, purpose: Pick) -> Vec<Effect> {
        self.overlays.push(Overlay::Choice(Picker { choice, purpose }));
        Vec::new()
    }

    /// Looks at all namespaces.
    pub(super) fn all_namespaces(&mut self) -> Vec<Effect> {
        self.switch(|spec| spec.namespaces = Namespaces::All)
    }

    /// Takes what is under the cursor of the list on top.
    pub(super) fn pick(&mut self) -> Vec<Effect> {
        let Some(Overlay::Choice(picker)) = self.overlays.pop() else { return Vec::new() };
        let taken: Vec<String> = picker.choice.taken().into_iter().map(|i| i.id.clone()).collect();
        let typed = picker.choice.field.text().trim().to_owned();
        if picker.purpose == Pick::Palette
            && let Some((command, argument)) = typed.split_once(' ')
            && let Some(effects) = self.command(command, argument.trim())
        {
            return effects;
        }
        let Some(first) = taken
            .first()
            .cloned()
            .or_else(|| matches!(picker.purpose, Pick::Namespaces(_) | Pick::Image(_)).then_some(typed).filter(|t| !t.is_empty()))
        else {
            return self.refuse("nothing matches what was typed");
        };
        match picker.purpose {
            Pick::Palette => {
                if let Some(why) = picker.choice.selected().and_then(|i| i.disabled.clone()) {
                    return self.refuse(why);
                }
                match (program::named(&first), first.strip_prefix(BACK_UP)) {
                    (Some(id), _) => self.begin_file_action(id),
                    (None, Some(id)) => self.plan_backup(id),
                    (None, None) => Action::named(&first).map(|a| self.act(a)).unwrap_or_default(),
                }
            }
            Pick::Context => self.switch(|spec| {
                spec.context = Some(first);
                spec.namespaces = Namespaces::FromContext;
            }),
            Pick::Namespaces(_) => {
                let names = if taken.is_empty() { vec![first] } else { taken };
                self.switch(|spec| spec.namespaces = Namespaces::Some(names))
            }
            // The list stays below: whoever closes a run is back at the others.
            Pick::Run(_) => {
                self.overlays.push(Overlay::Choice(picker));
                self.open_run(first)
            }
            Pick::Debt => {
                if let Some(why) = picker.choice.selected().and_then(|i| i.disabled.clone()) {
                    return self.refuse(why);
                }
                self.pay(&first)
            }
            Pick::Secret => {
                let (namespace, name) = first.split_once('/').unwrap_or_default();
                let object = ObjectRef::new(Kind::Secret, namespace, name);
                self.fetch(format!("{object} · YAML, without values"), Fetch::Yaml(object))
            }
            Pick::Approve => self.approve_run(&first),
            Pick::Backup => self.plan_backup(&first),
            Pick::Image(action) => self.take_image(action, &first),
            Pick::Override => self.ask_reason(first),
        }
    }

    /// `:ctx NAME`, `:ns ONE,TWO`: without a list in between, as fingers know it from elsewhere.
    fn command(&mut self, command: &str, argument: &str) -> Option<Vec<Effect>> {
        match Action::named(command)? {
            Action::SwitchContext => Some(self.switch(|spec| {
                spec.context = Some(argument.to_owned());
                spec.namespaces = Namespaces::FromContext;
            })),
            Action::SwitchNamespace => {
                let names = argument.split([',', ' ']).filter(|n| !n.is_empty()).map(ToOwned::to_owned).collect();
                Some(self.switch(|spec| spec.namespaces = Namespaces::Some(names)))
            }
            Action::BackUp => Some(self.plan_backup(argument)),
            action @ (Action::Migrate | Action::Inspect) => Some(self.plan_image(action, argument)),
            _ => None,
        }
    }

    /// A declared backup as a row of the palette: what its key asks first is said already.
    fn as_command(&self, widest: usize, item: &Item) -> Item {
        let label = format!("{:<widest$}  back up: {}", format!("{} {}", Action::BackUp.name(), item.id), item.detail);
        Item::new(format!("{BACK_UP}{}", item.id), label).disabled(self.unavailable(Action::BackUp))
    }

    /// Opens another target; what was seen of the old one is gone with it.
    fn switch(&mut self, change: impl FnOnce(&mut crate::target::request::TargetSpec)) -> Vec<Effect> {
        if let Some(run) = self.runs.live() {
            let text = format!("{} is not over: the target stays until it is", run.title);
            return self.refuse(text);
        }
        change(&mut self.start.spec);
        self.forget_target();
        vec![Effect::Open(self.start.spec.clone())]
    }
}
