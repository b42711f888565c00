//! The schema of the service's database: what is known of where it stands, the record being read when it changes, and how it is
//! inspected and migrated from here.
//!
//! Owns when the record is read again, how seldom the database is asked where it is, and the choice of the image. What an inspection means is `migrate`'s, and the plans are `run`'s.

use jiff::{SignedDuration, Timestamp};

use super::App;
use super::choice::{Choice, Item};
use super::effect::{Effect, Fetch};
use super::overlay::{Overlay, Pick};
use super::prompt::Purpose;
use super::ticket::Question;
use crate::action::Action;
use crate::fleet::image::Image;
use crate::fleet::{Fleet, HealthItem, Topic, WorkloadKey};
use crate::release::{Judged, Revision, history};
use crate::run::migrate::releases::{self, Record};
use crate::run::migrate::{Applied, Judge, Known, Migration, PARAMETER, Seen, Standing, of_service};
use crate::run::{End, Plan};
use crate::service::Origin;
use crate::target::model::{Kind, ObjectRef};

/// Id of its row in the health pane.
pub const ROW: &str = "schema";
/// It is read so often where nothing tells that it changed: its list may not be ours to watch. The database is asked no more often.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// Stands for an image that is typed.
const TYPED: &str = "";

/// What is known, and what it rests on.
#[derive(Debug, Default)]
pub struct Schema {
    known: Known,
    /// How the schema is moved where the console looks, or why it is not; `None` = no service file declares it.
    declared: Option<Result<(Migration, ObjectRef), String>>,
    /// The version that was asked for last (`None` = none is seen), and when.
    asked: Option<(Option<u64>, Timestamp)>,
    /// When the database was asked last: whatever happens, not again within a minute.
    asked_database: Option<Timestamp>,
    /// Why it did not say.
    unheard: Option<String>,
    /// The image that is to be migrated to, once its inspection is there.
    wanted: Option<String>,
    changes: u64,
}

impl Schema {
    /// Moves with everything that is said of the schema, the time aside.
    pub(super) const fn revision(&self) -> u64 {
        self.changes
    }

    /// The record was read, or why not.
    pub(super) fn learn(&mut self, record: Record) {
        self.known.record = record;
        self.changes += 1;
    }

    /// The verdict on a revision; `None` where no migrations of its workload are declared.
    pub(super) fn judge(&self, fleet: &Fleet, key: &WorkloadKey, revision: &Revision, now: Timestamp) -> Option<Judged> {
        let (migration, _) = self.declared.as_ref()?.as_ref().ok()?;
        Judge { migration, known: &self.known, now }.judge(fleet, key, revision)
    }

    /// Whether there are verdicts about this workload.
    pub fn is_about(&self, key: &WorkloadKey) -> bool {
        let declared = self.declared.as_ref().and_then(|d| d.as_ref().ok());
        declared.is_some_and(|(migration, _)| migration.is_about(key))
    }

    /// The database told what was applied to it, or why not: what it said before stays, with its age.
    pub(super) fn heard(&mut self, applied: Result<Vec<String>, String>, now: Timestamp) {
        match applied {
            Ok(revisions) => (self.known.applied, self.unheard) = (Some(Applied { at: now, revisions }), None),
            Err(why) => self.unheard = Some(why),
        }
        self.changes += 1;
    }

    /// Why the database did not say where it is, when it was asked last.
    pub fn unheard(&self) -> Option<&str> {
        self.unheard.as_deref()
    }

    /// What was seen of another target says nothing.
    pub(super) fn forget(&mut self) {
        *self = Self { changes: self.changes + 1, asked_database: self.asked_database, ..Self::default() };
    }

    /// What is known of each image, the newest first.
    pub fn seen(&self) -> &[Seen] {
        self.known.record.seen()
    }

    /// The image whose revisions run, by the pod template of the workload that migrates.
    pub fn running(&self, fleet: &Fleet) -> Option<String> {
        let (migration, workload) = self.declared.as_ref()?.as_ref().ok()?;
        images(fleet, migration, workload).find(|(_, current)| *current).map(|(image, _)| image)
    }

    /// The row of the health pane; `None` where no migrations are declared.
    pub(super) fn row(&self, fleet: &Fleet, now: Timestamp) -> Option<HealthItem> {
        let standing = match (self.declared.as_ref()?, self.running(fleet)) {
            (Err(why), _) => Standing::unknown(why.clone()),
            (Ok(_), Some(image)) => self.known.record.standing(&image, now),
            (Ok(_), None) => Standing::unknown("which image runs is not seen"),
        };
        let (health, title) = (standing.health(), "Schema".to_owned());
        Some(HealthItem { id: ROW.to_owned(), topic: Topic::Schema, health, title, detail: standing.words, at: None, object: None })
    }
}

/// The images of the revisions of a workload, the newest first, and whether each is the current one.
fn images(fleet: &Fleet, migration: &Migration, workload: &ObjectRef) -> impl Iterator<Item = (String, bool)> {
    let revisions = WorkloadKey::of(workload).map(|key| history(fleet, &key)).unwrap_or_default();
    let container = migration.container.clone();
    revisions.into_iter().filter_map(move |revision| {
        let own = revision.images.iter().find(|i| container.as_ref().is_none_or(|name| *name == *i.container))?;
        Some((own.image.to_string(), revision.current))
    })
}

impl App {
    /// Reads the record at first, whenever it changed, and once in a while.
    pub(super) fn ask_schema(&mut self) -> Option<Effect> {
        let service = self.start.service.as_ref().filter(|s| s.declared.migrations.is_some())?;
        let namespace = self.own_namespace()?;
        if self.schema.declared.is_none() {
            let declared = of_service(service, &namespace);
            self.schema.declared = Some(declared.map(|migration| {
                let workload = ObjectRef::new(migration.workload.kind, namespace.as_str(), migration.workload.name.as_str());
                (migration, workload)
            }));
            self.schema.changes += 1;
        }
        let record = releases::of(&service.id, &namespace);
        let seen = self
            .fleet
            .configs(Kind::ConfigMap)
            .find(|m| m.meta.name == record.name && m.meta.namespace == record.namespace)
            .map(|m| m.meta.resource_version);
        if self.schema.asked.is_some_and(|(version, at)| version == seen && self.now.duration_since(at) < AGAIN) {
            return None;
        }
        self.schema.asked = Some((seen, self.now));
        Some(Effect::Fetch { ticket: self.tickets.issue(Question::Schema), what: Fetch::Schema(record) })
    }

    /// Asks the database where it is: one question a minute at most, whatever happens, and none from a console that may only read, nor
    /// because a file says so that whoever may write a ConfigMap wrote (contract.md 12). What no inspection has told yet would say nothing.
    pub(super) fn ask_applied(&mut self) -> Option<Effect> {
        let (migration, _) = self.schema.declared.as_ref()?.as_ref().ok()?;
        let (database, sql) = (migration.database.clone()?, migration.question()?);
        let own = self.start.service.as_ref().is_some_and(|s| s.origin == Origin::Operator);
        let early = self.schema.asked_database.is_some_and(|at| self.now.duration_since(at) < AGAIN);
        if early || !own || self.start.spec.read_only || self.schema.seen().is_empty() {
            return None;
        }
        self.schema.asked_database = Some(self.now);
        Some(Effect::Fetch { ticket: self.tickets.issue(Question::Applied), what: Fetch::Applied { database, sql } })
    }

    /// Asks which image is meant: the one that runs, one of a release, one that was inspected, or another.
    pub(super) fn ask_image(&mut self, action: Action) -> Vec<Effect> {
        if let Some(why) = self.unavailable(action) {
            return self.refuse(why);
        }
        let (migration, workload) = match self.migrates() {
            Ok(declared) => declared,
            Err(why) => return self.refuse(why),
        };
        let mut items: Vec<Item> = Vec::new();
        let mut add = |image: String, what: &str| {
            if items.iter().all(|item| item.id != image) {
                let standing = self.schema.known.record.standing(&image, self.now);
                items.push(Item::new(image.clone(), image).detail(format!("{what}: {}", standing.words)));
            }
        };
        let all: Vec<(String, bool)> = images(&self.fleet, &migration, &workload).collect();
        for (image, _) in all.iter().filter(|(_, current)| *current) {
            add(image.clone(), "runs");
        }
        for image in self.schema.seen().iter().filter_map(|seen| seen.images.first()) {
            add(image.clone(), "inspected");
        }
        for (image, _) in all {
            add(image, "release");
        }
        items.push(Item::new(TYPED, "another image: type it"));
        let title = if action == Action::Migrate { "Migrate to which image?" } else { "Inspect which image?" };
        self.open_picker(Choice::new(title, items), Pick::Image(action))
    }

    /// Takes the image that was chosen; what is not in the list is typed.
    pub(super) fn take_image(&mut self, action: Action, image: &str) -> Vec<Effect> {
        if image == TYPED {
            let running = self.schema.running(&self.fleet);
            let begin = running.map(|image| format!("{}:", Image::parse(&image).repository)).unwrap_or_default();
            return self.ask(Purpose::Image(action), begin);
        }
        self.plan_image(action, image)
    }

    /// Opens the plan of inspecting an image, or of migrating to it; an image that was not inspected just now is inspected first. A bare
    /// tag is one of the image that runs.
    pub(super) fn plan_image(&mut self, action: Action, image: &str) -> Vec<Effect> {
        let workload = match self.migrates() {
            Ok((_, workload)) => workload,
            Err(why) => return self.refuse(why),
        };
        let image = match self.schema.running(&self.fleet) {
            Some(running) if !image.contains(['/', ':', '@']) => format!("{}:{image}", Image::parse(&running).repository),
            _ => image.to_owned(),
        };
        let parameters = vec![format!("{PARAMETER}={image}")];
        self.schema.wanted = None;
        match action {
            Action::Migrate if self.schema.known.record.is_fresh(&image, self.now) => self.plan_for(action, "migrate", workload, parameters),
            Action::Migrate => {
                let effects = self.plan_for(action, "inspect", workload, parameters);
                self.schema.wanted = matches!(self.overlays.last(), Some(Overlay::Plan(_))).then_some(image);
                effects
            }
            _ => self.plan_for(action, "inspect", workload, parameters),
        }
    }

    /// An inspection that was made for a migration is there: whoever looks at it gets the plan.
    pub(super) fn inspected(&mut self, run: &str) -> Vec<Effect> {
        let image = |plan: &Plan| plan.inputs().parameters.iter().find(|(name, _)| name == PARAMETER).map(|(_, image)| image.clone());
        let Some(run_of) = self.runs.get(run).filter(|r| r.ended.is_some()) else { return Vec::new() };
        let inspected = run_of.plan.as_ref().filter(|plan| plan.action() == "inspect").and_then(|plan| image(plan));
        let proven = run_of.ended.as_ref().is_some_and(|(outcome, _)| outcome.outcome == End::Proven);
        if inspected.is_none() || inspected != self.schema.wanted {
            return Vec::new();
        }
        self.schema.wanted = None;
        let looks = matches!(self.overlays.last(), Some(Overlay::Run(shown)) if shown == run);
        match (inspected, self.migrates()) {
            (Some(image), Ok((_, workload))) if proven && looks => {
                self.overlays.pop();
                self.plan_for(Action::Migrate, "migrate", workload, vec![format!("{PARAMETER}={image}")])
            }
            _ => Vec::new(),
        }
    }

    /// How the schema is moved, and the workload whose pod template that runs in; or why it is not.
    fn migrates(&self) -> Result<(Migration, ObjectRef), String> {
        match &self.schema.declared {
            Some(declared) => declared.clone(),
            None if self.start.service.as_ref().is_some_and(|s| s.declared.migrations.is_some()) => {
                Err("a migration is made in one namespace: choose it first".to_owned())
            }
            None => Err("no service file declares how the schema is moved: [migrations]".to_owned()),
        }
    }
}
