//! What is known of the backups of the service: the catalogue, read when it changes.
//!
//! Owns when it is read again. What an entry means is `run`'s.

use jiff::{SignedDuration, Timestamp};

use super::App;
use super::effect::{Effect, Fetch};
use super::ticket::Question;
use crate::base::health::Health;
use crate::run::backup::{Known, catalogue};
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
            return (Health::Unknown, "no backup known".to_owned());
        }
        let freshness = self.known.freshness(&backup.id, backup.max_age, now);
        (freshness.health(), freshness.words(now))
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

    /// Where the catalogue is: in the one namespace that is looked at, else in that of the environment.
    fn catalogue(&self) -> Option<ObjectRef> {
        let service = self.start.service.as_ref().filter(|s| !s.declared.backups.is_empty())?;
        let namespace = match (self.opened.as_ref()?.namespaces.as_deref(), service.environment.as_ref().map(|e| &e.target)) {
            (Some([one]), _) => one,
            (_, Some(Target::Kubernetes { namespace: Some(own), .. })) => own,
            _ => return None,
        };
        Some(catalogue::of(&service.id, namespace))
    }
}
