//! The backups of the service: what is known of them, the catalogue being read when it changes, and how one is made from here.
//!
//! Owns when it is read again, and the choice. What an entry means, and the plan, are `run`'s.

use jiff::{SignedDuration, Timestamp};

use super::App;
use super::choice::{Choice, Item};
use super::effect::{Effect, Fetch};
use super::overlay::Pick;
use super::ticket::Question;
use crate::action::Action;
use crate::base::health::Health;
use crate::run::backup::catalogue::{self, Entry};
use crate::run::backup::{Known, PARAMETER};
use crate::service::{Backup, Target};
use crate::target::model::{Kind, ObjectRef};

/// It is read so often where nothing tells that it changed: its list may not be ours to watch.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// What is known, and what it rests on.
#[derive(Debug, Default)]
pub struct Backups {
    known: Known,
    /// The version that was asked for last (`None` = none is seen), and when.
    asked: Option<(Option<u64>, Timestamp)>,
    changes: u64,
}

impl Backups {
    /// Moves with everything that is said of a backup, the time aside.
    pub(super) const fn revision(&self) -> u64 {
        self.changes
    }

    /// How well a declared backup is, and in words.
    pub(super) fn standing(&self, backup: &Backup, now: Timestamp) -> (Health, String) {
        if !backup.is_catalogued() {
            return (Health::Unknown, format!("{}: not read by this version", backup.kind.word()));
        }
        let freshness = self.known.freshness(&backup.id, backup.max_age, now);
        (freshness.health(), freshness.words(now))
    }

    /// The dumps that are known, the newest first.
    pub fn entries(&self) -> &[Entry] {
        self.known.entries()
    }

    /// The catalogue was read, or why not.
    pub(super) fn learn(&mut self, known: Known) {
        self.known = known;
        self.changes += 1;
    }

    /// What was seen of another target says nothing.
    pub(super) fn forget(&mut self) {
        *self = Self { changes: self.changes + 1, ..Self::default() };
    }
}

impl App {
    /// Reads the catalogue at first, whenever it changed, and once in a while.
    pub(super) fn ask_backups(&mut self) -> Option<Effect> {
        let catalogue = self.catalogue()?;
        let seen = self
            .fleet
            .configs(Kind::ConfigMap)
            .find(|m| m.meta.name == catalogue.name && m.meta.namespace == catalogue.namespace)
            .map(|m| m.meta.resource_version);
        if self.backups.asked.is_some_and(|(version, at)| version == seen && self.now.duration_since(at) < AGAIN) {
            return None;
        }
        self.backups.asked = Some((seen, self.now));
        Some(Effect::Fetch { ticket: self.tickets.issue(Question::Backups), what: Fetch::Backups(catalogue) })
    }

    /// The backups that a Job can make, each with how well it is.
    pub(super) fn backup_items(&self) -> Vec<Item> {
        let all = self.start.service.iter().flat_map(|s| &s.declared.backups).filter(|b| b.is_catalogued());
        all.map(|b| Item::new(b.id.clone(), b.id.clone()).detail(self.backups.standing(b, self.now).1)).collect()
    }

    /// Asks which of the declared backups is to be made, where there is a choice.
    pub(super) fn ask_backup(&mut self) -> Vec<Effect> {
        if let Some(why) = self.unavailable(Action::BackUp) {
            return self.refuse(why);
        }
        let items = self.backup_items();
        match &items[..] {
            [] => self.refuse("no service file declares a backup that a Job can make: kind = \"pg_dump\" with a volume"),
            [one] => {
                let id = one.id.clone();
                self.plan_backup(&id)
            }
            _ => self.open_picker(Choice::new("Back up", items), Pick::Backup),
        }
    }

    /// Opens the plan of one of the declared backups.
    pub(super) fn plan_backup(&mut self, id: &str) -> Vec<Effect> {
        let declared = self.start.service.iter().flat_map(|s| &s.declared.backups).find(|b| b.id == id && b.is_catalogued());
        let claim = declared.and_then(|b| b.volume.clone());
        match (claim, self.own_namespace()) {
            (Some(claim), Some(namespace)) => {
                let claim = ObjectRef::new(Kind::PersistentVolumeClaim, namespace, claim);
                self.plan_for(Action::BackUp, "backup", claim, vec![format!("{PARAMETER}={id}")])
            }
            (None, _) => self.refuse(format!("the service file declares no backup '{id}' that a Job can make")),
            (_, None) => self.refuse("a backup is made in one namespace: choose it first"),
        }
    }

    /// Where the catalogue is.
    fn catalogue(&self) -> Option<ObjectRef> {
        let service = self.start.service.as_ref().filter(|s| !s.declared.backups.is_empty())?;
        Some(catalogue::of(&service.id, &self.own_namespace()?))
    }

    /// The namespace of what the service file declares: the one that is looked at, else that of the environment.
    pub(super) fn own_namespace(&self) -> Option<String> {
        let service = self.start.service.as_ref()?;
        match (self.opened.as_ref()?.namespaces.as_deref(), service.environment.as_ref().map(|e| &e.target)) {
            (Some([one]), _) => Some(one.clone()),
            (_, Some(Target::Kubernetes { namespace: Some(own), .. })) => Some(own.clone()),
            _ => None,
        }
    }
}
